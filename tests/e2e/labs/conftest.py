"""Labs of the tests: their checks are run by the tests, on copies, and are no tests themselves."""

collect_ignore_glob = ["*"]
