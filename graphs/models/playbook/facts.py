"""What the playbook is told: the JSON block of a message, read into values. It sees nothing that a model would not."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from graphs.models.base import Message

_BLOCK = re.compile(r"```json\s*\n(.*?)\n\s*```", re.S)


YES = frozenset(("1", "1.0", "yes", "y", "true", "t"))
NO = frozenset(("0", "0.0", "no", "n", "false", "f"))


@dataclass(frozen=True)
class Column:
    """A column as the plan's facts describe it.

    `levels` are the lower-case values of a text column that are known. `values` are all the values of a column that has
    few, as they are written, and of one that has many those that the question holds; `low` and `high` are its limits.
    """

    name: str
    dtype: str = ""
    n_unique: int = 0
    n_missing: int = 0
    levels: frozenset[str] = frozenset()
    values: tuple[str, ...] = ()
    low: Any = None
    high: Any = None
    in_all_rows: bool = True  # of a file that is sampled: whether it can be read in all rows all the same

    @property
    def is_yes_no(self) -> bool:
        """Whether its values are yes and no, in words or as 1 and 0."""
        if self.dtype.lower().startswith("bool"):
            return True
        return self.n_unique == 2 and {v.lower() for v in self.values} <= YES | NO and len(self.values) == 2

    @property
    def is_number(self) -> bool:
        return self.dtype.lower().startswith(("int", "uint", "float"))

    @property
    def is_time(self) -> bool:
        return "date" in self.dtype.lower()

    @property
    def is_group(self) -> bool:
        """Whether it divides the rows into 2 to 20 groups."""
        return 2 <= self.n_unique <= 20 and not self.is_time and (not self.is_number or self.n_unique <= 8)


@dataclass(frozen=True)
class File:
    """A table and its columns."""

    name: str
    rows: int
    columns: tuple[Column, ...]
    sampled: bool = False  # the file is so large that tests see only a sample of its rows
    fits: tuple[str, str] | None = None  # the longest file's column and this one's by which it can be looked up


@dataclass(frozen=True)
class Facts:
    """The facts of one job. What a job does not carry is empty. `tables` are the files as they were described."""

    question: str = ""
    tables: tuple[dict[str, Any], ...] = ()
    files: tuple[File, ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, frozenset[str]] = field(default_factory=dict)
    plan: tuple[Mapping[str, Any], ...] = ()
    objections: tuple[Mapping[str, Any], ...] = ()
    findings: tuple[Mapping[str, Any], ...] = ()
    cells: tuple[Mapping[str, Any], ...] = ()
    checks: tuple[Mapping[str, Any], ...] = ()
    answers: tuple[Mapping[str, Any], ...] = ()
    report: Mapping[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns of all files, each name once."""
        return tuple({c.name: c for f in self.files for c in f.columns}.values())


def read(messages: Sequence[Message]) -> Facts:
    """The facts in the newest user message that carries a JSON block; empty facts where there is none."""
    for message in reversed(messages):
        block = _BLOCK.search(message.content) if message.role == "user" else None
        if block:
            return _facts(json.loads(block[1]))
    return Facts()


def _facts(given: Mapping[str, Any]) -> Facts:
    tables = tuple(_whole(f) for f in given.get("files") or ())
    files = tuple(
        File(
            str(f["name"]),
            int(f.get("rows") or 0),
            tuple(_column(c) for c in f.get("columns", ())),
            bool(f.get("sampled")),
            (str(f["fits"][0]), str(f["fits"][1])) if f.get("fits") else None,
        )
        for f in tables
    )
    offered = given.get("templates") or {}
    planned = offered.items() if isinstance(offered, dict) else ()  # what the coder is told of, it does not look up
    templates = {str(name): frozenset(map(str, t["parameters"])) for name, t in planned}
    return Facts(
        question=str(given.get("question", "")),
        tables=tables,
        files=files,
        roles={str(k): str(v) for k, v in (given.get("roles") or {}).items() if v},
        templates=templates,
        plan=tuple(given.get("plan") or ()),
        objections=tuple(given.get("objections") or ()),
        findings=tuple({"columns": [], **f} for f in given.get("findings") or ()),
        cells=tuple(given.get("cells") or ()),
        checks=tuple(given.get("checks") or ()),
        answers=tuple(given.get("answers") or ()),
        report=given.get("report") or {},
    )


def _whole(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table with what its brief left out, since it goes without saying or follows from a column's values."""
    columns = []
    for column in table.get("columns") or ():
        values = column.get("values") or ()
        said = {"n_missing": 0, "in_all_rows": True, "n_unique": len(values), "examples": list(values[:5])}
        columns.append({**said, **column})
    return {"sampled": False, **table, "columns": columns}


def _column(given: Mapping[str, Any]) -> Column:
    column = Column(
        str(given["name"]),
        str(given.get("dtype", "")),
        int(given.get("n_unique") or 0),
        int(given.get("n_missing") or 0),
        values=tuple(str(v) for v in given.get("values") or ()),
        low=given.get("min"),
        high=given.get("max"),
        in_all_rows=bool(given.get("in_all_rows", True)),
    )
    if column.is_number or column.is_time or column.n_unique > 50:
        return column
    levels = frozenset(str(v).lower() for v in given.get("examples") or () if len(str(v)) >= 3)
    return replace(column, levels=levels)
