"""What the playbook is told: the JSON block of a message, read into values. It sees nothing that a model would not."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphs.models.base import Message
from graphs.questions.reader.linking import Column, read_columns

_BLOCK = re.compile(r"```json\s*\n(.*?)\n\s*```", re.S)


@dataclass(frozen=True)
class File:
    """A table and its columns."""

    name: str
    rows: int
    columns: tuple[Column, ...]
    sampled: bool = False  # the file is so large that tests see only a sample of its rows
    fits: bool = False  # rows of the longest file can be looked up in it


@dataclass(frozen=True)
class Facts:
    """The facts of one job. What a job does not carry is empty. `tables` are the files as they were described."""

    question: str = ""
    tables: tuple[dict[str, Any], ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, frozenset[str]] = field(default_factory=dict)
    plan: tuple[Mapping[str, Any], ...] = ()
    objections: tuple[Mapping[str, Any], ...] = ()
    findings: tuple[Mapping[str, Any], ...] = ()
    cells: tuple[Mapping[str, Any], ...] = ()
    checks: tuple[Mapping[str, Any], ...] = ()
    answers: tuple[Mapping[str, Any], ...] = ()
    report: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[File, ...] = ()

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
    offered = given.get("templates") or {}
    planned = offered.items() if isinstance(offered, dict) else ()  # what the coder is told of, it does not look up
    lists = ("plan", "objections", "cells", "checks", "answers")
    return Facts(
        question=str(given.get("question", "")),
        tables=tables,
        files=tuple(map(_file, tables)),
        roles={str(k): str(v) for k, v in (given.get("roles") or {}).items() if v},
        templates={str(name): frozenset(map(str, t["parameters"])) for name, t in planned},
        findings=tuple({"columns": [], **f} for f in given.get("findings") or ()),
        report=given.get("report") or {},
        **{name: tuple(given.get(name) or ()) for name in lists},
    )


def _file(table: Mapping[str, Any]) -> File:
    columns = tuple(read_columns([table]))
    return File(
        str(table["name"]), int(table.get("rows") or 0), columns, bool(table["sampled"]), bool(table.get("fits"))
    )


def _whole(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table with what its brief left out, since it goes without saying or follows from a column's values."""
    columns = []
    for column in table.get("columns") or ():
        values = column.get("values") or ()
        said = {"n_missing": 0, "in_all_rows": True, "n_unique": len(values), "examples": list(values[:5])}
        columns.append({**said, **column})
    return {"sampled": False, **table, "columns": columns}
