"""Deterministic checks of finished work: each is a small function entered by `@check`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts.events import ReportMade, RunView
from artifacts.types import Execution, Finding, Objection
from graphs.review import tables as data
from graphs.review.watch.observed import NOTHING, Observed

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Work:
    """What is checked: the run so far, the report as drafted, the roles that were declared, and where the given files
    lie, by name; where those are not known, the tables themselves are not looked at. `observed` is what was seen while
    the cells ran, if anybody watched; `given` is the prose before the first output, what an author was told;
    `recomputed` are the numbers of the report, by sentence and place, that were held against the input files."""

    view: RunView
    report: ReportMade
    roles: dict[str, str] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    observed: Observed = NOTHING
    given: str = ""
    recomputed: frozenset[tuple[str, int]] = frozenset()

    @cached_property
    def frames(self) -> dict[str, pd.DataFrame]:
        """The given tables by file name. Read once a review, and only when a cell that a model wrote is there."""
        return data.read(self.files) if self.written else {}

    @cached_property
    def tables(self) -> list[dict[str, Any]]:
        """What each given table holds, as the opening cell printed it (see `graphs.look`), or as the files say."""
        for cell in self.view.executions:
            if "describe" in cell.tags and cell.status == "ok":
                try:
                    files: list[dict[str, Any]] = json.loads("".join(o.text for o in cell.outputs))["files"]
                    return files
                except (ValueError, KeyError, TypeError):
                    break
        return [data.described(name, frame) for name, frame in self.frames.items()]

    @property
    def headlines(self) -> list[Finding]:
        """The findings that the report puts before the reader, in its order."""
        by_id = {f.id: f for f in self.view.findings}
        return [by_id[i] for i in self.report.order if i in by_id]

    @property
    def written(self) -> list[Execution]:
        """The cells whose code a model wrote and that stand: not the opening ones, a template's, or replaced ones."""
        return [x for x in self.view.executions if "code" in x.tags and x.cell not in self.replaced]

    @cached_property
    def by_hand(self) -> set[str]:
        """The names of the cells that a model wrote and that stand."""
        return {x.cell for x in self.written}

    @property
    def replaced(self) -> set[str]:
        """The cells that a reviewer objected to and that a later cell does again, none of their findings being kept."""
        resting = {f.evidence.cell for f in self.headlines}
        objected = {o.where for r in self.view.reviews for o in r.objections}
        objected |= {f.evidence.cell for f in self.view.findings if f.id in objected}
        cells = self.view.executions
        return {
            x.cell
            for i, x in enumerate(cells)
            if x.cell in objected - resting and any(y.status == "ok" and mends(y, x) for y in cells[i + 1 :])
        }

    @property
    def cells(self) -> dict[str, Execution]:
        return {x.cell: x for x in self.view.executions}


@dataclass(frozen=True)
class CheckResult:
    """How a check came out. `detail` is for the reviewer to read; objections send the work back, remarks do not."""

    name: str
    ok: bool
    detail: str
    objections: tuple[Objection, ...] = ()
    remarks: tuple[str, ...] = ()


Found = Objection | str
"""What a check yields: an objection, or a remark for the reader."""
Checker = Callable[[Work], Iterable[Found]]

_CHECKS: dict[str, Checker] = {}


def check(name: str) -> Callable[[Checker], Checker]:
    """Enter a check in the registry. Its docstring is what the result says when it finds nothing."""

    def enter(function: Checker) -> Checker:
        if name in _CHECKS:
            raise ValueError(f"there are two checks named {name}")
        _CHECKS[name] = function
        return function

    return enter


def run_checks(work: Work) -> list[CheckResult]:
    """Every check in the registry, by name."""
    return [_result(name, function.__doc__ or "", function(work)) for name, function in sorted(_CHECKS.items())]


def _result(name: str, good: str, found: Iterable[Found]) -> CheckResult:
    everything = list(found)
    objections = tuple(f for f in everything if isinstance(f, Objection))
    remarks = tuple(f for f in everything if isinstance(f, str))
    said = [f"{o.where}: {o.problem}" for o in objections] + list(remarks)
    return CheckResult(name, not objections, " ".join(said) or good, objections, remarks)


def mends(later: Execution, former: Execution) -> bool:
    """Whether a cell is another one again: under the same title, or plainly the same code with changes."""
    if former.title and later.title.strip().lower() == former.title.strip().lower():
        return True
    return SequenceMatcher(None, former.code, later.code, autojunk=False).ratio() > 0.6


def sentences(work: Work) -> Iterator[tuple[str, str]]:
    """What the reader reads, as (where, text): the answer, then the headline findings."""
    yield "answer", work.report.answer
    for finding in work.headlines:
        yield finding.id, finding.text
