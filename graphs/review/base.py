"""Deterministic checks of finished work: each is a small function entered by `@check`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts.events import ReportMade, RunView
from artifacts.types import Execution, Finding, Objection
from graphs import look
from graphs.errors import RunFailed
from graphs.review import tables as data
from graphs.review.watch.observed import Seen

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
    observed: tuple[Seen, ...] = ()
    given: str = ""
    recomputed: frozenset[tuple[str, int]] = frozenset()

    @cached_property
    def frames(self) -> dict[str, pd.DataFrame]:
        """The given tables by file name. Read once a review, and only when a cell that a model wrote is there."""
        return data.read(self.files) if self.written else {}

    @cached_property
    def tables(self) -> list[dict[str, Any]]:
        """What each given table holds, as the opening cell printed it (see `graphs.look`), or as the files say."""
        with suppress(RunFailed):
            if printed := look.described(self.view.executions):
                return printed
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
    def replaced(self) -> set[str]:
        """The cells that a reviewer objected to and that a later cell does again, none of their findings being kept."""
        objected = {o.where for r in self.view.reviews for o in r.objections}
        objected |= {f.evidence.cell for f in self.view.findings if f.id in objected}
        objected -= {f.evidence.cell for f in self.headlines}
        return {x.cell for x in self.view.executions if x.cell in objected and self.done_again(x)}

    def done_again(self, cell: Execution) -> bool:
        """Whether a later cell is this one again: under the same title, or plainly the same code with changes."""
        later = (x for x in self.view.executions[self.view.executions.index(cell) + 1 :] if x.status == "ok")
        return any(
            (cell.title and x.title.strip().lower() == cell.title.strip().lower())
            or SequenceMatcher(None, cell.code, x.code, autojunk=False).ratio() > 0.6
            for x in later
        )

    @property
    def cells(self) -> dict[str, Execution]:
        return {x.cell: x for x in self.view.executions}

    @cached_property
    def sentences(self) -> dict[str, str]:
        """What the reader reads, by where: the answer, then the headline findings."""
        return {"answer": self.report.answer} | {f.id: f.text for f in self.headlines}

    @cached_property
    def said(self) -> str:
        """All that the reader reads."""
        return " ".join(self.sentences.values())

    @cached_property
    def code(self) -> str:
        """The code that a model wrote and that stands."""
        return "\n".join(x.code for x in self.written)

    def seen(self, *kinds: str) -> Iterator[Seen]:
        """What was seen of these kinds in the cells that a model wrote and that stand."""
        cells = {x.cell for x in self.written}
        return (seen for seen in self.observed if seen.kind in kinds and seen.cell in cells)


@dataclass(frozen=True)
class CheckResult:
    """How a check came out. `detail` is for the reviewer to read; objections send the work back, remarks do not."""

    name: str
    ok: bool
    detail: str
    objections: tuple[Objection, ...] = ()
    remarks: tuple[str, ...] = ()


Found = Objection | tuple[str, str] | str
"""What a check yields: an objection, or where and what is wrong, of which each place is told once; or a remark for the
reader."""
Checker = Callable[[Work], Iterable[Found]]

_CHECKS: dict[str, tuple[Checker, str]] = {}


def check(name: str, mend: str = "") -> Callable[[Checker], Checker]:
    """Enter a check in the registry, with how what it finds is mended. Its docstring is what the result says when it
    finds nothing."""

    def enter(function: Checker) -> Checker:
        _CHECKS[name] = function, mend
        return function

    return enter


def run_checks(work: Work) -> list[CheckResult]:
    """Every check in the registry, by name."""
    return [_result(name, function, mend, work) for name, (function, mend) in sorted(_CHECKS.items())]


def _result(name: str, function: Checker, mend: str, work: Work) -> CheckResult:
    found = list(function(work))
    first = dict(f for f in reversed(found) if isinstance(f, tuple))
    objections = [f for f in found if isinstance(f, Objection)]
    objections += [Objection(where=where, problem=first[where], mend=mend) for where in reversed(first)]
    remarks = tuple(f for f in found if isinstance(f, str))
    said = " ".join([*(f"{o.where}: {o.problem}" for o in objections), *remarks])
    return CheckResult(name, not objections, said or function.__doc__ or "", tuple(objections), remarks)
