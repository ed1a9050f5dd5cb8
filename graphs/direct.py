"""Answers questions and no more: the files are read once, then each question is read, computed and told.

This is no graph of LangGraph's, whose import takes a second of a process's time: nothing here branches. It resumes all
the same, since every cell has a key and every answer is in the record: what is answered there is not asked again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts.events import AnswerMade, ReportMade, RunView, TurnEnded
from artifacts.types import Turn
from graphs import look
from graphs.confirming import confirm
from graphs.opening import open_tables
from graphs.questions.query import Query, Reading
from graphs.recalling import recalled
from graphs.request import Question
from graphs.state import Desk
from graphs.waiting import within_budget
from notebooks.catalog import Template, catalog
from notebooks.telling.answers import answers_text

if TYPE_CHECKING:
    from graphs.answering import Part

UNREAD = "It is not clear what is to be computed. Name the columns and what is wanted of them."
"""Why a part of a question has no answer, where the reader gives no reason."""

UNKNOWN_ROWS = "The question before has no answer, so it is not known which rows are meant."

_FAULTS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_TITLE = 200
_log = logging.getLogger(__name__)


async def answer_all(
    desk: Desk, files: Sequence[str], roles: Mapping[str, str], questions: Sequence[Question], templates: Path
) -> None:
    """Answer each question in turn, all in the session at hand; the step of a question ends when it is answered.

    `templates` is the folder of the user's own templates.
    """
    asked = "\n".join(question.text for question in questions)
    async with desk.step("open", "system", "Read the files") as step_id:
        loading = asyncio.ensure_future(asyncio.to_thread(_load, templates, asked if desk.model.rule_based else ""))
        tables = await open_tables(desk, asked, files, roles, step_id)
        desk = replace(desk, templates=await loading)
    done = {step.name for step in (await desk.view()).steps if step.status == "done"}
    for place, question in enumerate(questions):
        name = f"answer-{place}"
        if name not in done:
            async with desk.step(name, "analysis", question.text[:_TITLE]) as step_id:
                await answer_question(desk, question, tables, roles, f"ask-{place}", step_id)
    answers = (await desk.view()).answers
    await desk.emit(ReportMade(run_id=desk.run_id, answer=answers_text(answers), answers=answers))


def _load(folder: Path, asked: str) -> tuple[Template, ...]:
    """Load what comes once the files are read, while the sandbox reads them: templates, the reader and the checks.

    What was `asked` is read of a table without columns, for the patterns that the reader makes as it needs them.
    """
    import graphs.answering
    import graphs.review.values  # noqa: F401
    from graphs.questions.reader import lexicon, read

    templates = tuple(catalog(folder))
    lexicon.phrases()
    lexicon.kin(False)
    with suppress(*_FAULTS):  # which is told when it is read of the table
        read(asked[:_TITLE], [{"name": "", "rows": 0, "sampled": False, "columns": []}], {})
    return templates


async def follow_up(desk: Desk, turn: Turn, files: Sequence[str], roles: Mapping[str, str]) -> None:
    """Answer the message of a further turn, which may change the last question that was answered."""
    name = f"{turn.id}-answer"
    view = await desk.view()
    if all(step.name != name or step.status != "done" for step in view.steps):
        async with desk.step(name, "analysis", turn.message[:_TITLE]) as step_id:
            if (known := recalled(view, turn)) is not None:
                await desk.emit(AnswerMade(run_id=desk.run_id, step_id=step_id, answer=known))
            else:
                tables = await _described(desk, turn, files, roles, step_id)
                question = Question(text=turn.message, id=turn.id)
                await answer_question(desk, question, tables, roles, turn.id, step_id, *last_query(view))
    if view.run.agent == "ask":  # as text alone: the answers themselves are recorded, each once
        mine = [a for a in (await desk.view()).answers if a.question == turn.id]
        await desk.emit(ReportMade(run_id=desk.run_id, turn_id=turn.id, answer=answers_text(mine)))
    await desk.emit(TurnEnded(run_id=desk.run_id, turn_id=turn.id))


def last_query(view: RunView) -> tuple[Query | None, str]:
    """What the last question means that has a computed answer; None where a person's code computes it.

    Beside it a sentence that says which question that is, where another was asked since and has no answer.
    """
    turns = {turn.id: place for place, turn in enumerate(view.turns)}
    refused = ""
    asked = sorted(view.given, key=lambda a: turns.get(a.question, 0))  # an edited cell answers anew, later
    for answer in reversed(asked):
        if answer.status == "not_answered":
            refused = refused or answer.part
        elif answer.query or answer.values:
            told = f"This goes on from “{answer.part}”, since “{refused}” has no answer." if refused else ""
            return Query.model_validate(answer.query) if answer.query else None, told
    return None, ""


async def _described(
    desk: Desk, turn: Turn, files: Sequence[str], roles: Mapping[str, str], step_id: str
) -> list[dict[str, Any]]:
    """What each column holds, beside the cells; of many values those that this message names."""
    if not look.described(desk.session.executions):
        return await open_tables(desk, turn.message, files, roles, step_id, key=f"{turn.id}-open")
    code = f"exec({look.describe(turn.message)!r}, dict(globals()))"  # the notebook's own names stay as they are
    printed = await desk.session.aside(code)
    return look.read_printed(printed) if printed else look.described(desk.session.executions)


async def answer_question(
    desk: Desk,
    question: Question,
    tables: Sequence[dict[str, Any]],
    roles: Mapping[str, str],
    key: str,
    step_id: str,
    previous: Query | None = None,
    continues: str = "",
) -> None:
    """Answer one question, part by part: as it is given, by the model's queries, or as its words are read.

    `previous` is the query that a follow-up may change; `continues` is what to say where it does.
    """
    from graphs import answering
    from graphs.questions.reader import read
    from graphs.questions.reader.following import POINTS
    from graphs.questions.sheets import elsewhere

    await within_budget(desk)
    if not question.queries and not desk.model.rule_based:
        from graphs.queried import by_model  # its briefs and tools take a while to load, which the playbook need not

        await by_model(desk, question, tables, roles, key, step_id)
        await confirm(desk, str(question.id), tables, step_id)
        return
    try:
        if question.queries:
            reading = _given(question)
        else:
            reading = await asyncio.to_thread(read, question.text, tables, roles, previous)
    except _FAULTS as fault:  # ours, with one question, which must not take the others along
        _log.exception("a question could not be read: %s", question.text)
        why = f"Gristmill itself failed while it read this ({type(fault).__name__}: {fault}). Ask it in other words."
        reading = Reading(parts=(question.text,), queries=(None,), why_not=(why,))
    if reading.follows and continues and POINTS.search(question.text):
        reading = Reading(parts=(question.text,), queries=(None,), why_not=(UNKNOWN_ROWS,))
    goes_on = (continues,) if reading.follows and continues else ()
    for place, part in enumerate(_parts(reading, str(question.id), goes_on)):
        if part.query is None:
            why = next(iter(reading.why_not[place : place + 1]), "") or UNREAD
            instead = await asyncio.to_thread(_offers, part.text, tables, roles)
            await answering.refuse(desk, part, f"{why} {elsewhere(part.text, tables)}".rstrip(), step_id, instead)
        else:
            await within_budget(desk)
            await answering.answer(desk, part, tables, f"{key}-{place}", step_id)
    await confirm(desk, str(question.id), tables, step_id)


def _offers(text: str, tables: Sequence[dict[str, Any]], roles: Mapping[str, str]) -> tuple[str, ...]:
    """What can be asked in place of a text that was not understood; nothing where we fail at that."""
    from graphs.questions.reader.offers import offers

    try:
        return offers(text, tables, roles)
    except _FAULTS:
        _log.exception("no questions could be offered for: %s", text)
        return ()


def _given(question: Question) -> Reading:
    """A question whose asker says what it means."""
    parts = tuple(query.text or question.text for query in question.queries)
    return Reading(parts=parts, queries=question.queries)


def _parts(reading: Reading, question: str, notes: tuple[str, ...]) -> list[Part]:
    """The parts of a reading, each under a name of its own, with these notes."""
    from graphs.answering import Part

    parts: list[Part] = []
    for place, (text, query) in enumerate(zip(reading.parts, reading.queries, strict=True)):
        alike = sum(earlier == text for earlier in reading.parts[:place])
        others = tuple(said for at, said, _ in reading.others if at == place)
        parts.append(Part(f"{text} ({alike + 1})" if alike else text, query, (*notes, *others), question))
    return parts
