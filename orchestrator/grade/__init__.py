"""Runs of checks and their records: `run` (one run of pytest), `record` (the versioned JSON)."""
