"""What is checked before a run exists: the question, and that each file is there and can be held in a sandbox."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from graphs.errors import InputError
from kernel_gateway.sizes import Sizes
from notebooks.toolkit.limits import LARGE

_EXPANSION = {".parquet": 8, ".xlsx": 12, ".xls": 8, ".gz": 15, ".zip": 15, ".json": 5, ".jsonl": 5}
COLUMN_ROLES = ("target", "time", "unit", "assignment")
"""The roles that name a column."""

LONGEST_QUESTION = 4_000
"""Characters of a question. Who pastes a document instead of asking gets a sentence and not a run."""

_SAMPLED = (".csv", ".tsv", ".txt", ".parquet")
_TABLES = (*_SAMPLED, ".xlsx", ".xls", ".json", ".jsonl", ".gz", ".zip")

_TEXT_EXPANSION = 4
"""Bytes of memory that a byte of file needs while it is read into a table, roughly and rather too high."""


def in_cloud() -> bool:
    """Whether sandboxes are in E2B's cloud; what one holds there is not known from here."""
    return bool(os.environ.get("E2B_API_KEY")) and os.environ.get("GRISTMILL_SANDBOX") != "local"


def check_question(question: str) -> str:
    """The question without its surrounding space. Raises InputError for an empty one and for one that is too long."""
    question = question.strip()
    if not question:
        raise InputError("The question is empty. Ask something of the data, such as “What separates the groups?”.")
    if len(question) > LONGEST_QUESTION:
        raise InputError(
            f"The question has {len(question):,} characters, and {LONGEST_QUESTION:,} are the most. "
            "Ask it in a few sentences; what the data are belongs in the file."
        )
    return question


def check_files(paths: Sequence[Path], sizes: Sizes | None) -> list[Path]:
    """The files, absolute. Raises InputError for the first that is missing, a folder, empty, unreadable or too large.

    `sizes` says what a sandbox holds; None where that is not known.
    """
    if not paths:
        raise InputError("There is no file to ask. Give a CSV, TSV, Parquet, JSON lines or Excel file.")
    checked = [_check_file(path, sizes) for path in paths]
    for path in checked:
        others = [p for p in checked if p.name == path.name and p != path]
        if others:
            raise InputError(
                f"{path} and {others[0]} have the same name. Rename one: they lie side by side in a sandbox."
            )
    checked = list(dict.fromkeys(checked))
    total = sum(p.stat().st_size for p in checked)
    if sizes is not None and total > sizes.home:
        raise InputError(
            f"The files are {_size(total)} together, and a sandbox has room for {_size(sizes.home)}. "
            "Take a sample, or keep only the columns that the question needs."
        )
    return checked


def check_roles(paths: Sequence[Path], roles: Mapping[str, str]) -> None:
    """Raises InputError for a declared column whose name stands nowhere in the beginning of the files.

    Only plain text in UTF-8 is looked at; of other files it is said once they are read.
    """
    declared = {r: c for r, c in roles.items() if r in COLUMN_ROLES}
    if not declared or any(p.suffix.lower() not in (".csv", ".tsv", ".txt") for p in paths):
        return
    heads = [_head(path) for path in paths]
    for role, name in declared.items():
        if name.isascii() and not name.startswith(("Unnamed", "column")) and not any(name in head for head in heads):
            raise InputError(no_column(role, name, [n for head in heads for n in _header(head)]))


def _head(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(1 << 16).decode("utf-8", "replace")


def _header(head: str) -> list[str]:
    """The names in a file's first line, by whichever sign parts it most often."""
    first = head.lstrip("\ufeff").split("\n")[0].strip()
    sign = max(",;\t|", key=first.count)
    return [name.strip().strip('"') for name in first.split(sign)]


def no_column(role: str, name: str, names: Sequence[str]) -> str:
    """The sentence for a declared column that no file has."""
    import difflib

    near = difflib.get_close_matches(name, names, 1, 0.6)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(map(repr, names[:20]))}."
    return f"There is no column {name!r}, which was declared as the {role}. {hint}"


def _check_file(path: Path, sizes: Sizes | None) -> Path:
    if re.match(r"(https?|ftp|s3|gs):/", str(path)):
        raise InputError(
            f"{path} is an address, and nothing is fetched from the network. Download the file, and name it."
        )
    path = path.expanduser().absolute()
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        near = _near(path)
        raise InputError(f"There is no file {path}.{f' Did you mean {near}?' if near else ''}") from None
    except OSError as error:
        raise InputError(f"{path} cannot be opened: {error.strerror}.") from None
    if path.is_dir():
        inside = (
            sorted(p.name for p in path.iterdir() if p.suffix.lower() in _TABLES) if os.access(path, os.R_OK) else []
        )
        such = f", such as {inside[0]}" if inside else ""
        raise InputError(f"{path} is a folder. Name the file in it that holds the table{such}.")
    if not path.is_file():
        raise InputError(f"{path} is not an ordinary file. Save the table as a file first.")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path} may not be read by you. Change its permissions, or copy it to where you may.")
    if found.st_size == 0:
        raise InputError(f"{path} is empty: there is nothing in it to analyse.")
    loaded = min(found.st_size, LARGE) if path.suffix.lower() in _SAMPLED else found.st_size
    needed = loaded * _EXPANSION.get(path.suffix.lower(), _TEXT_EXPANSION)
    if sizes is not None and needed > sizes.memory:
        raise InputError(
            f"{path.name} is {_size(found.st_size)}; reading it takes about {_size(needed)} of memory, and a sandbox "
            f"has {_size(sizes.memory)}. Take a sample, or keep only the columns that the question needs."
        )
    return path


def _near(path: Path) -> Path | None:
    """A file in the same folder whose name is like the one that is missing."""
    import difflib

    if not path.parent.is_dir():
        return None
    close = difflib.get_close_matches(path.name, [p.name for p in path.parent.iterdir() if p.is_file()], 1, 0.75)
    return path.parent / close[0] if close else None


def _size(size: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:,.0f} {unit}" if unit in ("bytes", "KB") else f"{size:,.1f} {unit}"
        size /= 1000
    raise AssertionError("unreachable")
