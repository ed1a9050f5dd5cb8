"""The template notebooks: the built-in analyst's skills, as notebooks that anyone can open and run alone."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path


@cache
def large() -> int:
    """Bytes of a file beyond which the toolkit has DuckDB read a sample, and does not load it.

    The toolkit runs in a sandbox, where nothing of ours can be imported: it says this itself, and is read here.
    """
    toolkit = (Path(__file__).parent / "toolkit.py").read_text(encoding="utf-8")
    said = re.search(r"^LARGE = (\d+) << (\d+)", toolkit, re.M)
    assert said is not None, "the toolkit begins with its limits"
    return int(said[1]) << int(said[2])
