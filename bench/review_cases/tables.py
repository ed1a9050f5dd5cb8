"""The made-up tables of the reviewer's notebooks, as they were drawn once; `tables.zip` keeps them beside this file."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

_KEPT = Path(__file__).with_name("tables.zip")

with ZipFile(_KEPT) as _archive:
    TABLES = frozenset(_archive.namelist())
"""The names of the tables, which are CSV files."""


def put(names: tuple[str, ...], folder: Path) -> None:
    """Write these tables into a folder. Raises KeyError for a table that is not there."""
    with ZipFile(_KEPT) as archive:
        for name in names:
            archive.extract(name, folder)
