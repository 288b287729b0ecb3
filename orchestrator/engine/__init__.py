"""Container engines: the protocol (`base`), Docker (`docker`), and one in memory for unit tests (`fake`)."""
