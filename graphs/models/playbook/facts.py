"""What the playbook is told: the JSON block of a message, read into values. It sees nothing that a model would not."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from graphs.models.base import Message
from graphs.questions.reader.linking import Column, read_columns

type Finding = Mapping[str, Any]
type Table = dict[str, Any]
type Records = tuple[dict[str, Any], ...]

_FINDING: dict[str, Any] = {"columns": [], "effect": {}, "roles": {}, "params": {}, "evidence": {}}
_BLOCK = re.compile(r"```json\s*\n(.*?)\n\s*```", re.S)


@dataclass(frozen=True)
class File:
    """A table and its columns, by their names."""

    name: str
    rows: int
    columns: dict[str, Column]
    sampled: bool  # the file is so large that tests see only a sample of its rows
    fits: bool  # rows of the longest file can be looked up in it


def _whole_table(table: Mapping[str, Any]) -> Table:
    """A table with what its brief left out, since it goes without saying or follows from a column's values."""
    usual: dict[str, Any] = {"n_missing": 0, "in_all_rows": True}
    columns = [
        {**usual, "n_unique": len(c.get("values") or ()), "examples": list(c.get("values") or ())[:5], **c}
        for c in table.get("columns") or ()
    ]
    return {"sampled": False, **table, "columns": columns}


def _whole_finding(finding: Finding) -> Finding:
    return _FINDING | {k: v for k, v in finding.items() if v is not None}


class Facts(BaseModel):
    """The facts of one job; what it does not carry is empty. `results` are those of all tool calls so far, in order."""

    model_config = ConfigDict(frozen=True)

    question: str = ""
    tables: tuple[Annotated[Table, BeforeValidator(_whole_table)], ...] = Field((), validation_alias="files")
    roles: dict[str, str] = {}
    templates: Any = {}  # by name, of those that a plan may use; a list where they are the coder's
    plan: Records = ()
    objections: Records = ()
    findings: tuple[Annotated[dict[str, Any], BeforeValidator(_whole_finding)], ...] = ()
    cells: Records = ()
    checks: Records = ()
    answers: Records = ()
    report: dict[str, Any] = {}
    results: Records = ()

    @cached_property
    def files(self) -> tuple[File, ...]:
        read_of = ((t, {c.name: c for c in read_columns([t])}) for t in self.tables)
        return tuple(File(t["name"], t.get("rows") or 0, cs, t["sampled"], bool(t.get("fits"))) for t, cs in read_of)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """All columns of all files, each name once."""
        return tuple({name: c for f in self.files for name, c in f.columns.items()}.values())

    def role(self, name: str, file: File) -> str:
        """The column that the run declares in a role; empty where this file has none such."""
        return next((c for c in file.columns if c == self.roles.get(name)), "")


def read(messages: Sequence[Message]) -> Facts:
    """The facts in the newest user message that carries a JSON block, and all results; empty where there are none."""
    blocks = (_BLOCK.search(m.content) for m in reversed(messages) if m.role == "user")
    given: dict[str, Any] = next((json.loads(block[1]) for block in blocks if block), {})
    return Facts.model_validate({**given, "results": [_result(m.content) for m in messages if m.role == "tool"]})


def _result(content: str) -> dict[str, Any]:
    """The result of a tool call; one that is not JSON counts as failed."""
    try:
        result = json.loads(content)
    except json.JSONDecodeError:  # a long conversation has old results cut short, after they were acted on
        result = {"ok": bool(re.search('"ok": ?true', content))}
    return result if isinstance(result, dict) else {"ok": False}
