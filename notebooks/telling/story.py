"""What is told of a run, in the order in which a reader should meet it, whatever the surface."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from artifacts.events import Reviewed, RunView
from artifacts.types import Execution, Finding, RunOutcome
from notebooks.telling.answers import OUTCOMES, Said, said

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
    "ask": "Not reviewed",
    "notebook": "A notebook’s own findings: nobody reviewed them",
    "reproduce": "Made again from a run’s notebook",
}
_ENDINGS = {
    "queued": "This run has not begun.",
    "running": "",  # a report is written as the last thing before the end
    "waiting": "This run waits for a person.",
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
    """A run, told: the fields are in the order in which a reader should meet them.

    `outcome` is how the question came out, None while that is open and for a record of text alone; `verdict` says it
    where it was not answered, in place of a passed review. `answers` are those to its parts, and `answer`
    is what a model said in words, or all that an old record holds. Then `context`, what one row of the table is and
    what it lacks; `warnings`, the warnings that need no chart; at most seven `headlines`, under the heading `shows`;
    `further` claims and warnings, `descriptions`, and what was tested and not found (`nulls`, and in sentences
    `not_found`). `ending` is empty for a run that is done.
    """

    title: str
    analyst: str
    ending: str
    outcome: RunOutcome | None
    verdict: str
    review: Reviewed | None
    rounds: int
    answers: tuple[Said, ...]
    answer: str
    context: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    shows: str
    headlines: tuple[Finding, ...]
    further: tuple[Finding, ...]
    descriptions: tuple[Finding, ...]
    nulls: tuple[Finding, ...]
    not_found: tuple[str, ...]
    not_checked: tuple[str, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...]

    @property
    def others(self) -> tuple[Finding, ...]:
        """What is told in one line each, below all else."""
        return (*self.further, *self.descriptions)

    @property
    def good(self) -> bool:
        """Whether the review passed what answers the question: the only case in which it is told in green."""
        passed = self.review is not None and self.review.verdict != "fail"
        return passed and self.outcome in (None, "answered")

    @property
    def doubtful(self) -> bool:
        """Whether the verdict stands before the answer: it found against it, or not all was answered."""
        failed = self.review is not None and self.review.verdict == "fail"
        return failed or self.outcome not in (None, "answered")


def told(view: RunView) -> Told:
    """What there is to say of a run as far as it has come."""
    ranked, report = view.ranked, view.report
    spoken = [f for f in ranked if f.rank is not None or (report is None and f.type in ("claim", "warning"))]
    warnings = tuple(f for f in spoken if is_plain_warning(f))
    headlines = tuple(f for f in spoken if f not in warnings)[:HEADLINES]
    context = tuple(f for kind in CONTEXT for f in ranked if f.kind == kind and f.rank is None)
    nulls = tuple(f for f in ranked if f.type == "null" and f not in headlines)
    shown = {f.id for f in (*warnings, *headlines, *context, *nulls)}
    facts = {_fact(f): f.id for f in (*reversed(ranked), *context, *headlines, *warnings)}  # each is told once
    rest = [f for f in ranked if f.id not in shown and facts[_fact(f)] == f.id]
    # A report that says itself what was not found has had these findings before it.
    not_found = report.not_found if report and report.not_found else tuple(f.text for f in nulls if f.rank is None)
    outcome = view.outcome
    return Told(
        title=view.run.goal,
        analyst=_analyst(view),
        ending=" ".join(filter(None, (_ENDINGS[view.run.status], view.error or ""))),
        outcome=outcome,
        verdict=_verdict(view, outcome),
        review=view.reviews[-1] if view.reviews else None,
        rounds=len(view.reviews),
        answers=said(view),
        answer=report.answer if report and not (view.answers and by_rule(view)) else "",
        context=context,
        warnings=warnings,
        shows="What else the table shows" if outcome == "not_answered" else "Findings",
        headlines=headlines,
        further=tuple(f for f in rest if f.type in ("claim", "warning")),
        descriptions=tuple(f for f in rest if f.type == "descriptive"),
        nulls=nulls,
        not_found=not_found,
        not_checked=report.not_checked if report else (),
        tables=tables(view),
        notes=tuple(dict.fromkeys(n.text for n in view.notes if n.level == "warning")),
    )


def _fact(finding: Finding) -> tuple[object, ...]:
    """What a finding says, whichever of a run's tests found it."""
    size = finding.text if finding.effect is None or finding.effect.value is None else f"{finding.effect.value:.3g}"
    columns = frozenset(finding.columns)
    return finding.type, finding.kind, columns, finding.segment, finding.effect and finding.effect.metric, size


def is_plain_warning(finding: Finding) -> bool:
    """Whether a finding warns of the table itself, in a sentence that needs no chart."""
    return finding.type == "warning" and finding.evidence.artifact is None


def _verdict(view: RunView, outcome: RunOutcome | None) -> str:
    """How the run came out, in a line: of a question without its answer that first, and then the review."""
    reviewed = _VERDICTS[view.reviews[-1].verdict] if view.reviews else _UNREVIEWED[view.run.agent]
    if outcome is None or outcome == "answered":
        return reviewed
    if view.run.agent == "ask" and not view.reviews:
        return OUTCOMES[outcome]
    return f"{OUTCOMES[outcome]}; {reviewed[:1].lower()}{reviewed[1:]}"


def _analyst(view: RunView) -> str:
    """Who speaks, as a label: `rule-based analyst playbook/1.0`, `analyst gpt-5`, `notebook`."""
    if view.run.agent not in ("analysis", "ask"):
        return "notebook"
    name = view.replies[-1].model if view.replies else view.run.model
    return f"rule-based analyst {name}" if by_rule(view) else f"analyst {name}"


def by_rule(view: RunView) -> bool:
    """Whether the playbook speaks, and no language model."""
    if view.run.agent not in ("analysis", "ask"):
        return False
    return all(r.rule_based for r in view.replies) if view.replies else view.run.model.startswith("playbook")


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
