"""What an edit changed: outputs, files, values and findings, old beside new, and what the report says wrongly now."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Literal

from artifacts.events import RunView
from artifacts.store import ArtifactDamaged, Store
from artifacts.types import Answer, AnswerValue, Artifact, Execution, Value
from notebooks.reproduce import LARGEST, difference, said, texts
from notebooks.telling.answers import value_text

_LONGEST = 2_000
"""Characters of an output that a change shows."""
_NUMBER = re.compile(r"(?<![\w.])[-+−]?\d[\d,\u202f]*(?:\.\d+)?")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


class Change(Value):
    """One thing as it was and as it is; None where it was not, or is not any more.

    `name` is the cell of an output, the name of a file, the answer's part and value, or the id of a finding.
    """

    what: Literal["output", "error", "artifact", "value", "finding"]
    name: str
    before: str | None
    after: str | None


def changes(store: Store, before: RunView, after: RunView) -> list[Change]:
    """How the notebook's outputs, files, values and findings differ between two states, in the notebook's order.

    Numbers within tolerance, memory addresses and pictures of the same pixels are no change.
    """
    return [
        *_outputs(before, after),
        *_artifacts(store, before, after),
        *_values(before, after),
        *_findings(before, after),
    ]


def broken_sentences(before: RunView, after: RunView) -> list[str]:
    """The sentences of the report that cite a number which the notebook no longer shows."""
    had, has = _shown(before), _shown(after)
    told = before.report.answer if before.report is not None else ""
    told = "\n".join([told, *(a.text for a in (before.report.answers if before.report else ()))])
    order = before.report.order if before.report is not None else ()
    told = "\n".join([told, *(f.text for f in before.findings if f.id in order)])
    sentences = dict.fromkeys(s.strip() for s in _SENTENCE.split(told) if s.strip())
    return [s for s in sentences if any(_among(n, had) and not _among(n, has) for n in _numbers(s))]


def _outputs(before: RunView, after: RunView) -> Iterator[Change]:
    old, new = ({x.cell: x for x in view.executions} for view in (before, after))
    for cell in dict.fromkeys((*(c.id for c in after.cells), *(c.id for c in before.cells))):
        one, other = old.get(cell), new.get(cell)
        if one is other or (one is not None and other is not None and one.id == other.id):
            continue
        left, right = _text(one), _text(other)
        if left != right and (left is None or right is None or texts(left, right)):
            yield Change(what="output", name=cell, before=left, after=right)
        wrong, wrong_now = _error(one), _error(other)
        if wrong != wrong_now:
            yield Change(what="error", name=cell, before=wrong, after=wrong_now)


def _text(execution: Execution | None) -> str | None:
    if execution is None:
        return None
    text = said(execution).strip()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text) - _LONGEST:,} more characters)"


def _error(execution: Execution | None) -> str | None:
    if execution is None or execution.error is None:
        return None
    return f"{execution.error.name}: {execution.error.value}"


def _artifacts(store: Store, before: RunView, after: RunView) -> Iterator[Change]:
    old, new = _made(before), _made(after)
    for name in dict.fromkeys((*new, *old)):
        one, other = old.get(name), new.get(name)
        if one is not None and other is not None and (one.sha256 == other.sha256 or _same(store, one, other)):
            continue
        yield Change(what="artifact", name=name, before=_told(one), after=_told(other))


def _made(view: RunView) -> dict[str, Artifact]:
    return {a.name: a for a in view.artifacts if a.execution_id is not None and a.role in ("plot", "table", "file")}


def _same(store: Store, one: Artifact, other: Artifact) -> bool:
    if max(one.size, other.size) > LARGEST:
        return False
    try:
        return not difference(one.name, store.read(one), store.read(other))
    except ArtifactDamaged:
        return False


def _told(artifact: Artifact | None) -> str | None:
    return None if artifact is None else f"{artifact.id}, {artifact.size:,} bytes"


def _values(before: RunView, after: RunView) -> Iterator[Change]:
    old, new = ({f"{a.part}: {v.name}": v for a in _holding(view) for v in a.values} for view in (before, after))
    for name in dict.fromkeys((*new, *old)):
        one, other = (_value(v.get(name)) for v in (old, new))
        if one != other and (one is None or other is None or texts(one, other)):
            told, now_told = (None if (v := values.get(name)) is None else value_text(v) for values in (old, new))
            if told != now_told:  # as the report has them, unless they differ only behind that
                one, other = told, now_told
            yield Change(what="value", name=name, before=one, after=other)


def _holding(view: RunView) -> list[Answer]:
    """The answers that rest on what the notebook shows now."""
    return [a for a in view.answers if not a.outdated]


def _value(value: AnswerValue | None) -> str | None:
    return None if value is None else f"{value.value} {value.unit}".strip()


def _findings(before: RunView, after: RunView) -> Iterator[Change]:
    old, new = ({f.id: f for f in view.findings} for view in (before, after))
    for id in dict.fromkeys((*new, *old)):
        one, other = old.get(id), new.get(id)
        if one is None or other is None or texts(one.text, other.text):
            yield Change(what="finding", name=id, before=one.text if one else None, after=other.text if other else None)


def _shown(view: RunView) -> list[float]:
    """All numbers that the notebook shows: printed, found or answered."""
    parts = [x.text for x in view.executions] + [f.text for f in view.findings] + [a.text for a in _holding(view)]
    numbers = [value for part in parts for value, _ in _numbers(part)]
    for finding in view.findings:
        if finding.effect is not None:
            numbers += [v for v in (finding.effect.value, *(finding.effect.ci or ())) if v is not None]
        numbers += [v for t in (finding.test,) if t is not None for v in (t.p, t.q) if v is not None]
    numbers += [
        v.value
        for a in _holding(view)
        for v in a.values
        if isinstance(v.value, int | float) and not isinstance(v.value, bool)
    ]
    return sorted({abs(n) * k for n in numbers if math.isfinite(n) for k in (1, 100)})


def _numbers(text: str) -> list[tuple[float, int]]:
    """The numbers in a text, each with its decimals."""
    found = []
    for written in _NUMBER.findall(text):
        plain = written.replace(",", "").replace("\u202f", "").replace("−", "-")
        found.append((float(plain), len(plain.partition(".")[2])))
    return found


def _among(number: tuple[float, int], shown: Iterable[float]) -> bool:
    """Whether a number as it is written rounds one of those that are shown."""
    value, decimals = abs(number[0]), number[1]
    return any(abs(value - n) <= 0.5 * 10**-decimals * (1 + 1e-9) for n in shown)
