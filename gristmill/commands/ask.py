"""`gristmill ask`: the answer to a question of some files, and no more than that."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gristmill.commands.common import (
    absolute,
    as_json,
    backend,
    emit,
    isolation,
    roles_of,
    sandboxes_beside,
    speaks,
    with_roles,
    with_terms,
)
from gristmill.terminal import progress

if TYPE_CHECKING:
    from artifacts.events import RunView
    from graphs.request import Question
    from gristmill.backend import Backend

NOT_ANSWERED = 3
"""The exit status where nothing that was asked has an answer."""

_LOOK = 0.3  # seconds from one look at a run at rest to the next


@click.command("ask")
@click.argument("arguments", nargs=-1, required=True, metavar="[QUESTION] FILE...")
@click.option(
    "--query",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What the question means, as JSON (docs/questions.md), instead of having its words read.",
)
@click.option(
    "--questions",
    "many",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help='Many questions of the same files: a line {"id", "question"} for each, told as each is answered.',
)
@click.option("--run", "ref", metavar="RUN", help="Ask a run a further question; no FILE then.")
@click.option("--queue", is_flag=True, help="With --run: wait for the end of the turn under way, do not steer it.")
@click.option("--out", metavar="DIR", help="Write what was made to answer it: tables, charts, the notebook.")
@click.option("--model", metavar="MODEL", help="playbook, openai:NAME, ollama:NAME, ... (default: GRISTMILL_MODEL).")
@with_roles
@with_terms
@isolation
@as_json
@speaks
async def command(
    arguments: tuple[str, ...],
    query: Path | None,
    many: Path | None,
    ref: str | None,
    queue: bool,
    out: str | None,
    model: str | None,
    roles: tuple[str, ...],
    agent: str | None,
    budget: str,
    approve: str,
    unattended: bool,
    project: str | None,
    images: bool | None,
    as_json: bool,
) -> int:
    """Answer a QUESTION of FILES, without the screening of the tables that `gristmill analyze` adds.

    Exit status: 0 answered, at least in part; 1 failed; 2 misused; 3 not answered.
    """
    if ref is not None:
        plain_words = len(arguments) == 1 and query is None and many is None
        if not plain_words or model or roles or agent or approve != "auto" or unattended or project:
            raise click.UsageError(
                'With --run goes one question in words, as in gristmill ask --run last "and by year?".'
            )
        return await _follow_up(ref, arguments[0], queue, budget, out, as_json)
    if queue:
        raise click.UsageError("--queue goes with --run.")
    from graphs.request import terms_of

    named = roles_of(roles)
    told = {"agent": agent, "budget": budget, "approve": approve, "unattended": unattended}
    terms = terms_of(told | {"project": project, "images": images, "out": absolute(out)})
    texts, files = _taken_apart(arguments, query, many, in_project=project is not None)
    async with sandboxes_beside(files):
        from artifacts.types import outcome
        from gristmill.commands.watching import check_folder, watch
        from gristmill.errors import Failed
        from gristmill.plain import answers_json
        from gristmill.terminal import console, pieces
        from gristmill.terminal.answering import Answering
        from notebooks.telling.answers import said_of

        questions = _questions(texts, query, many)
        check_folder(out)
        asked = {str(question.id): question for question in questions}
        shown = console.make()

        left = dict.fromkeys(asked)

        def tell(view: RunView, name: str) -> None:
            left.pop(name, None)
            question, answers = asked[name], [a for a in view.answers if a.question == name]
            if not as_json:
                several = f"{question.id}  {question.text}" if many is not None else ""
                pieces.answers(shown, [said_of(answer) for answer in answers], several)
            elif many is not None:
                click.echo(json.dumps({"id": question.id} | answers_json(view.run.id, answers), ensure_ascii=False))
            else:
                emit(answers_json(view.run.id, answers))

        with Answering(console.make(stderr=True), tell) as story:
            async with backend("bringing the question in") as opened:
                run = await opened.ask(questions, files, model=model, roles=named, terms=terms)
                view = await watch(opened, run, story)
                if out is not None:
                    await opened.write_out(run.id, Path(out))
        if view.run.status == "waiting":
            pieces.ending(console.make(stderr=True), view)
            return 1
        if view.run.status != "done":
            raise Failed(f"{view.error or f'The run ended {view.run.status}.'} (`gristmill runs show {run.id}`)")
        for name in list(left):  # an agent that had the question to itself says its answer at the end
            tell(view, name)
        if not as_json:
            pieces.evidence(shown, view, Path(out) if out is not None else None)
        return NOT_ANSWERED if outcome(view.answers) == "not_answered" else 0


async def _follow_up(ref: str, text: str, queue: bool, budget: str, out: str | None, as_json: bool) -> int:
    """Have a run answer a further question, and tell that."""
    async with sandboxes_beside([]):
        from artifacts.types import outcome
        from graphs.budget import read_budget
        from gristmill.backend import view as view_of
        from gristmill.commands.watching import check_folder
        from gristmill.plain import report_of, turn_answers, turn_json
        from gristmill.terminal import console, pieces
        from gristmill.terminal.words import clean
        from notebooks.telling.answers import said_of

        check_folder(out)
        more = read_budget(budget) if budget else None
        async with backend("answering") as opened:
            run = await opened.run(ref)
            telling = asyncio.create_task(_tell_steps(opened, run.id))
            try:
                turn = await opened.ask_run(run.id, text, queue=queue, budget=more)
            finally:
                telling.cancel()
            view = await view_of(opened, run.id)
            answers, shown = turn_answers(view, turn), console.make()
            if as_json:
                emit(turn_json(view, turn))
            else:  # at once: to close the data folder takes its time
                pieces.answers(shown, [said_of(answer) for answer in answers])
                if said := report_of(view, turn):
                    pieces.say(shown, clean(said), 2)
            if out is not None:
                await opened.write_out(run.id, Path(out))
        if not as_json:
            pieces.evidence(shown, replace(view, answers=tuple(answers)), Path(out) if out is not None else None)
        return NOT_ANSWERED if outcome(answers) == "not_answered" and not report_of(view, turn) else 0


async def _tell_steps(opened: Backend, run_id: str) -> None:
    """Say what a run does from now on, as its events tell it."""
    from artifacts.events import Progressed, StepStarted, TextDelta

    after = (await opened.events(run_id))[-1].seq
    while True:
        async for event in opened.follow(run_id, after):
            if isinstance(event, TextDelta):
                continue
            after = event.seq
            if isinstance(event, StepStarted):
                progress.doing(event.title)
            elif isinstance(event, Progressed):
                progress.far(event)
        await asyncio.sleep(_LOOK)  # it is at rest, until what is asked has begun a turn


def _taken_apart(
    arguments: tuple[str, ...], query: Path | None, many: Path | None, *, in_project: bool
) -> tuple[list[str], list[Path]]:
    """The question, where one is given in words, and the files, of which a project may have some instead.

    Raises click's usage error where either is missing.
    """
    if many is not None and query is not None:
        raise click.UsageError("--query is of one question; in a file of --questions a line may have its own.")
    texts = [] if many is not None else list(arguments[:1])
    if query is not None and Path(arguments[0]).is_file():
        texts = []  # the query says it all
    files = [Path(name) for name in arguments[len(texts) :]]
    if texts and not texts[0].strip():
        raise click.UsageError('The question is empty; ask something, as in gristmill ask "What is the mean fare?" F.')
    if not files and not in_project:
        raise click.UsageError('Name a question and a file, as in gristmill ask "What is the mean fare?" titanic.csv.')
    return texts, files


def _questions(texts: list[str], query: Path | None, many: Path | None) -> list[Question]:
    """What is asked. A question whose query says it all may have no words of its own."""
    from graphs.request import Question, read_queries, read_questions

    if many is not None:
        return read_questions(_read(many), str(many))
    queries = read_queries(_read(query), str(query)) if query is not None else ()
    words = [*texts, " ".join(q.text for q in queries), f"The query in {query}"]
    return [Question(text=next(w.strip() for w in words if w.strip()), queries=queries)]


def _read(file: Path) -> str:
    from gristmill.errors import Misuse

    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Misuse(f"{file} cannot be read: {why}.") from error
