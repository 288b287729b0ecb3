"""From YAML to values: text with places (`document`), models (`lab`, `exercise`), `rules` across files, `load`."""
