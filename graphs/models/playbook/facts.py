"""What the playbook is told: the JSON block of a message, read into values. It sees nothing that a model would not."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphs.models.base import Message
from graphs.questions.reader.linking import Column, read_columns

type Finding = Mapping[str, Any]

_FINDING: dict[str, Any] = {"columns": [], "effect": {}, "roles": {}, "params": {}, "evidence": {}}
_BLOCK = re.compile(r"```json\s*\n(.*?)\n\s*```", re.S)


@dataclass(frozen=True)
class File:
    """A table and its columns."""

    name: str
    rows: int
    columns: tuple[Column, ...]
    sampled: bool = False  # the file is so large that tests see only a sample of its rows
    fits: bool = False  # rows of the longest file can be looked up in it

    @property
    def by_name(self) -> dict[str, Column]:
        return {c.name: c for c in self.columns}


@dataclass(frozen=True)
class Facts:
    """The facts of one job. What a job does not carry is empty. `tables` are the files as they were described, and
    `results` those of all tool calls so far, in order."""

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
    results: tuple[Mapping[str, Any], ...] = ()

    def role(self, name: str, file: File) -> str:
        """The column that the run declares in a role; empty where this file has none such."""
        return next((c.name for c in file.columns if c.name == self.roles.get(name)), "")

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns of all files, each name once."""
        return tuple({c.name: c for f in self.files for c in f.columns}.values())


def read(messages: Sequence[Message]) -> Facts:
    """The facts in the newest user message that carries a JSON block, and all results; empty where there are none."""
    blocks = (_BLOCK.search(m.content) for m in reversed(messages) if m.role == "user")
    given: dict[str, Any] = next((json.loads(block[1]) for block in blocks if block), {})
    return _facts(given, tuple(_result(m.content) for m in messages if m.role == "tool"))


def _result(content: str) -> Mapping[str, Any]:
    """The result of a tool call; one that is not JSON counts as failed."""
    try:
        result = json.loads(content)
    except json.JSONDecodeError:  # a long conversation has old results cut short, after they were acted on
        result = {"ok": bool(re.search('"ok": ?true', content))}
    return result if isinstance(result, dict) else {"ok": False}


def _facts(given: Mapping[str, Any], results: tuple[Mapping[str, Any], ...]) -> Facts:
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
        findings=tuple(_FINDING | {k: v for k, v in f.items() if v is not None} for f in given.get("findings") or ()),
        report=given.get("report") or {},
        results=results,
        **{name: tuple(given.get(name) or ()) for name in lists},
    )


def _file(t: Mapping[str, Any]) -> File:
    columns = tuple(read_columns([t]))
    return File(str(t["name"]), int(t.get("rows") or 0), columns, bool(t["sampled"]), bool(t.get("fits")))


def _whole(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table with what its brief left out, since it goes without saying or follows from a column's values."""
    columns = []
    for column in table.get("columns") or ():
        values = column.get("values") or ()
        said = {"n_missing": 0, "in_all_rows": True, "n_unique": len(values), "examples": list(values[:5])}
        columns.append({**said, **column})
    return {"sampled": False, **table, "columns": columns}
