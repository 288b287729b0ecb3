"""Up and down as a whole: killed at every operation, meddled with, raced against; it ends where it should."""

from __future__ import annotations

import multiprocessing  # noqa: F401  (imported before threads start: hypothesis forks nothing)
from pathlib import Path
