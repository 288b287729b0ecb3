"""What ends a command before it is done, and leaves no more behind than Ctrl-C does."""

from __future__ import annotations

import signal

ENDINGS = (signal.SIGTERM, signal.SIGHUP)
"""A CI job is cancelled; a terminal is closed."""


def interrupted_by_all() -> None:
    """Let these signals do what SIGINT does: raise KeyboardInterrupt. One that is ignored, as by nohup(1), stays so."""
    for number in ENDINGS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
