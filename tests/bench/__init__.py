"""Measurements, each a ratio within one run against a named reference. `make bench` runs them; no test does."""
