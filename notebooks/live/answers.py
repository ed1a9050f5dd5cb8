"""What a cell that runs again answers: the question that it answered before, told as it was where nothing changed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from artifacts.events import AnswerMade, RunView
from artifacts.types import ANSWER_MIME, Answer, AnswerValue, Cell, Execution, Recomputation
from notebooks.answers import Asked
from notebooks.cell import answer_of
from notebooks.live.document import executions
from notebooks.reproduce import said, texts, values
from notebooks.runlog import RunLog

_UNCHECKED = "Its cell has run again since this was checked, and gave another value."


def same_question(before: RunView, log: RunLog, cell: Cell) -> Callable[[Answer], Answer | None]:
    """How the answers of a cell that runs again are completed: as they were when its question was asked.

    `before` is the run before the edit. What was added to an answer is added again where the cell's code is the same:
    that other code computes the query, nobody knows. What a report has left out stays out.
    """
    known = executions(before).get(cell.id)
    same = known is not None and known.code == cell.source
    answered = known is not None and any(ANSWER_MIME in o.data for o in known.outputs)
    new: list[Answer] = []

    def complete(raw: Answer) -> Answer | None:
        rest = (a for a in (*before.given, *before.answers) if _rests_on(a, cell.id))
        old = min(rest, key=lambda a: (a.part != raw.part, a.query is None), default=None)
        if old is None or not (old.part == raw.part or old.query or answered):
            return raw
        if (told := _like(old, before)) is None:
            return None
        asked = _asked(old, before) if same else Asked(old.part, old.question)
        new.append(asked.given(raw, _of_template(cell)))
        parts = list[Answer]()
        for execution in log.view.executions:
            if execution.cell == cell.id:
                parts += new if old.query else new[-1:]
            elif old.query:
                parts += (asked.given(a, _of_template(execution)) for a in _given(execution, old))
        answer = asked.answered(parts)
        if same and _content(answer) == _content(old) and (now := _like(old, log.view)) is not None:
            return _standing(told, now, cell.id)
        return answer.model_copy(update={"values": tuple(_checked(v, told) for v in answer.values)})

    return complete


async def keep_standing(before: RunView, log: RunLog, known: Execution | None, done: Execution) -> None:
    """Let what a report or an agent says of a cell stand, where that has run again and shows the same as before."""
    if known is None or known.error != done.error or texts(said(known), said(done)):
        return
    for answer in log.view.answers:
        if done.cell in answer.outdated and (told := _like(answer, before)) and done.cell not in told.outdated:
            stands = _standing(told, answer, done.cell)
            await log.emit(AnswerMade(run_id=log.run_id, step_id=done.step_id, answer=stands))


def _standing(told: Answer, now: Answer, cell: str) -> Answer:
    """An answer as it was told, resting on a cell again; on others that have changed it still does not."""
    outdated = tuple(c for c in now.outdated if c != cell)
    evidence = tuple(e for e in told.evidence if e.cell not in outdated)
    return told.model_copy(update={"outdated": outdated, "evidence": evidence})


def _asked(old: Answer, view: RunView) -> Asked:
    """What was asked, of the answer that cells gave to it."""
    theirs = {note for x in view.executions for answer in _given(x, old) for note in answer.notes}
    return Asked(old.part, old.question, old.query, tuple(n for n in old.notes if n not in theirs), old.unused)


def _given(execution: Execution, to: Answer) -> Iterator[Answer]:
    """What a cell gave to an answer that rests on it."""
    if not _rests_on(to, execution.cell):
        return
    plot = next((e.artifact for e in to.evidence if e.cell == execution.cell), None)
    for output in execution.outputs:
        if (payload := output.data.get(ANSWER_MIME)) is not None:
            with contextlib.suppress(ValueError, RecursionError):  # which was told when it ran
                yield answer_of(payload, execution, plot)


def _checked(value: AnswerValue, told: Answer) -> AnswerValue:
    """A value with what came of computing it again where it is as it was told; that does not hold of another one."""
    if all(v.recomputed is None for v in told.values):
        return value
    alike = (v for v in told.values if not values(_figures(v), _figures(value)))
    if (was := next(alike, None)) is not None:
        return value.model_copy(update={"recomputed": was.recomputed})
    return value.model_copy(
        update={"recomputed": Recomputation(part=0, value=0, verdict="as_printed", detail=_UNCHECKED)}
    )


def _content(answer: Answer) -> tuple[object, ...]:
    return answer.status, answer.text, answer.why, answer.notes, answer.files, [_figures(v) for v in answer.values]


def _figures(value: AnswerValue) -> list[object]:
    return [value.name, value.value, value.unit, list(value.interval or ())]


def _like(answer: Answer, view: RunView) -> Answer | None:
    """What a run tells of the part of a question that an answer is of."""
    return next((a for a in view.answers if (a.question, a.part) == (answer.question, answer.part)), None)


def _of_template(cell: Cell | Execution) -> bool:
    return any(tag.startswith("template:") for tag in cell.tags)


def _rests_on(answer: Answer, cell: str) -> bool:
    return cell in answer.outdated or any(e.cell == cell for e in answer.evidence)
