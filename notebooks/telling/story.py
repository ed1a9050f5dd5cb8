"""What is told of a run, in the order in which a reader should meet it, whatever the surface."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from artifacts.events import Reviewed, RunView
from artifacts.types import Execution, Finding

HEADLINES = 7
"""Findings that a reader meets at once; the others are a table further down."""

CONTEXT = ("grain", "weights", "all_rows", "missing_values")
"""Kinds of descriptions that a reader meets before the findings, in this order."""

_VERDICTS = {
    "pass": "Passed review",
    "pass_with_remarks": "Passed review, with remarks",
    "fail": "Did not pass review",
}
_UNREVIEWED = {
    "analysis": "Not reviewed",
    "notebook": "A notebook’s own findings: nobody reviewed them",
    "reproduce": "Made again from a run’s notebook",
}
_ENDINGS = {
    "queued": "This run has not begun.",
    "running": "",  # a report is written as the last thing before the end
    "cancelled": "This run was cancelled before its end.",
    "interrupted": "This run was interrupted before its end.",
    "failed": "This run failed before its end.",
    "done": "",
}


@dataclass(frozen=True)
class Table:
    """An input file: its name and digest, and its size where a cell has measured it."""

    file: str
    sha256: str
    rows: int | None
    columns: int | None


@dataclass(frozen=True)
class Told:
    """A run, told. `ending` is empty for a run that is done; there are at most seven `headlines`.

    `context` says what one row of the table is and what it lacks, which is to be known before any finding; `bites` are
    the ranked warnings that need no chart: what was wrong with the table, and what was done about it.
    """

    title: str
    answer: str
    analyst: str
    verdict: str
    review: Reviewed | None
    rounds: int
    context: tuple[Finding, ...]
    bites: tuple[Finding, ...]
    headlines: tuple[Finding, ...]
    others: tuple[Finding, ...]
    not_found: tuple[str, ...]
    not_checked: tuple[str, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...]
    ending: str


def told(view: RunView) -> Told:
    """What there is to say of a run as far as it has come."""
    ranked = view.ranked
    spoken = [f for f in ranked if f.rank is not None] if view.report is not None else []
    absent = [f for f in ranked if f.rank is None and f.type == "null"]
    if view.report is None:
        spoken = [f for f in ranked if f.type != "null"]
    bites = tuple(f for f in spoken if is_bite(f))
    headlines = tuple(f for f in spoken if f not in bites)[:HEADLINES]
    context = tuple(f for kind in CONTEXT for f in ranked if f.kind == kind and f.rank is None)
    shown = {f.id for f in (*bites, *headlines, *context)}
    review = view.reviews[-1] if view.reviews else None
    missed = view.report.not_found if view.report else ()
    # A report that says itself what was not found has had these findings before it.
    not_found = missed or tuple(f.text for f in absent)
    not_checked = view.report.not_checked if view.report else ()
    said = {*not_found, *not_checked}
    return Told(
        title=view.run.goal,
        answer=view.report.answer if view.report else "",
        analyst=_analyst(view),
        verdict=_VERDICTS[review.verdict] if review else _UNREVIEWED[view.run.agent],
        review=review,
        rounds=len(view.reviews),
        context=context,
        bites=bites,
        headlines=headlines,
        others=tuple(f for f in ranked if f.id not in shown and f not in absent and f.text not in said),
        not_found=not_found,
        not_checked=not_checked,
        tables=tables(view),
        notes=tuple(dict.fromkeys(n.text for n in view.notes if n.level == "warning")),
        ending=" ".join(filter(None, (_ENDINGS[view.run.status], view.error or ""))),
    )


def _analyst(view: RunView) -> str:
    """Who speaks, as a label: `rule-based analyst playbook/1.0`, `analyst gpt-5`, `notebook`."""
    if view.run.agent != "analysis":
        return "notebook"
    name = view.replies[-1].model if view.replies else view.run.model
    by_rule = bool(view.replies) and all(r.rule_based for r in view.replies)
    return f"rule-based analyst {name}" if by_rule else f"analyst {name}"


def tables(view: RunView) -> tuple[Table, ...]:
    """The run's input files. Rows and columns come from the cell that described them, where one did."""
    sizes: dict[str, tuple[int, int]] = {}
    for execution in view.executions:
        for fact in _described(execution):
            sizes[str(fact["name"])] = (int(fact["rows"]), len(fact["columns"]))
    found = []
    for artifact in view.artifacts:
        if artifact.role == "input":
            rows, columns = sizes.get(artifact.name, (None, None))
            found.append(Table(artifact.name, artifact.sha256, rows, columns))
    return tuple(found)


def _described(execution: Execution) -> list[dict[str, Any]]:
    printed = "".join(o.text for o in execution.outputs if o.kind == "stdout").strip()
    if not printed.startswith('{"files":'):
        return []
    try:
        files = json.loads(printed)["files"]
        return [f for f in files if isinstance(f["columns"], list) and str(f["rows"]).isdigit()]
    except (ValueError, KeyError, TypeError):
        return []


def is_bite(finding: Finding) -> bool:
    """Whether a finding warns of the table itself, in a sentence that needs no chart."""
    return finding.type == "warning" and finding.evidence.artifact is None
