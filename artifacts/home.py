"""Where the record lives when nobody says otherwise: the one place that knows."""

from __future__ import annotations

import os
from pathlib import Path


def default_home() -> Path:
    """`GRISTMILL_HOME` if it is set, else the person's own data folder (`~/.local/share/gristmill` on Linux)."""
    if home := os.environ.get("GRISTMILL_HOME"):
        return Path(home).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("gristmill", appauthor=False))
