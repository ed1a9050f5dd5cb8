"""What the opening cells saw of the unit whose rows may repeat."""

from __future__ import annotations

import json

from graphs.checks.base import Work
from graphs.checks.syntax import written_text


def one_row_each(work: Work, unit: str) -> bool:
    """Whether the opening cells saw that the unit never repeats."""
    for cell in work.view.executions:
        if "describe" in cell.tags and cell.status == "ok":
            try:
                files = json.loads(written_text(cell))["files"]
            except (ValueError, KeyError, TypeError):
                continue
            return any(c["name"] == unit and c["n_unique"] == f["rows"] for f in files for c in f["columns"])
    return False
