"""Where the record lives when nobody says otherwise: the one place that knows."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

LOCK = "store.lock"
"""The file in a data folder that whoever has its record open holds locked."""


def default_home() -> Path:
    """`GRISTMILL_HOME` if it is set, else the person's own data folder (`~/.local/share/gristmill` on Linux)."""
    if home := os.environ.get("GRISTMILL_HOME"):
        return Path(home).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("gristmill", appauthor=False))


def in_use(home: Path) -> bool:
    """Whether somebody has the record of this data folder open, this process or another; asked without waiting."""
    try:
        lock = os.open(home / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
