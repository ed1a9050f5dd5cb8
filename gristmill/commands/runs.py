"""`gristmill runs`: look at runs, end them, take them up again, do them again."""

from __future__ import annotations

import typing
from collections.abc import Awaitable, Callable
from typing import cast

import click

from gristmill.commands import completing
from gristmill.commands.common import as_json, backend, emit, isolation, speaks, tell_rest, typed

if typing.TYPE_CHECKING:
    from artifacts.events import Redone, Undone
    from artifacts.types import Decision, Run, RunStatus
    from gristmill.backend import Backend

STATUSES = ["queued", "running", "waiting", "done", "failed", "cancelled", "interrupted"]
ref = click.argument("ref", metavar="RUN", default="last", shell_complete=completing.runs)
_out = click.option(
    "--out",
    metavar="DIR",
    help="Where the results go (default: the run's own --out, or a folder here, named after it).",
)


@click.group("runs")
def command() -> None:
    """List, show, follow, answer, cancel, resume or reproduce runs.

    RUN is an id, its first or last four characters or more, or `last` (the default).
    """


@command.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="Only runs of this status.")
@click.option("--find", "text", metavar="TEXT", help="Only runs whose question has this text.")
@click.option("--project", metavar="NAME", help="Only runs of this project; `default` for those of none.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--offset", type=click.IntRange(0), default=0, help="How many of the newest to pass over.")
@as_json
@speaks
async def list_(
    status: str | None, text: str | None, project: str | None, limit: int, offset: int, as_json: bool
) -> None:
    """List runs, the newest first."""
    async with backend() as opened:
        which = cast("RunStatus | None", status)
        runs = await opened.runs(limit=limit, offset=offset, status=which, text=text, project=project)
    if as_json:
        emit(runs)
        return
    from rich.text import Text

    from gristmill.terminal import console, pieces
    from gristmill.terminal.words import STATUS_STYLES, one_line, took, when
    from gristmill.terminal.words import status as status_of
    from notebooks.telling.answers import OUTCOMES

    screen = console.make()
    if not runs:
        none = 'No runs yet. Begin with: gristmill analyze FILE --ask "..."'
        screen.print(f"No runs after the first {runs.total:,}." if runs.total else none)
        return
    rows = [
        [
            Text(r.id),
            Text(status_of(r), style=STATUS_STYLES[r.status] if r.outcome in (None, "answered") else ""),
            Text(OUTCOMES[r.outcome].lower(), style=pieces.OUTCOME_STYLES[r.outcome]) if r.outcome else Text(""),
            Text(when(r.created_at)),
            Text(took(r)),
            Text(r.agent),
            Text(one_line(r.goal)),
        ]
        for r in runs
    ]
    pieces.table(screen, rows, header=("RUN", "STATUS", "OUTCOME", "BEGUN", "TOOK", "AGENT", "QUESTION"))
    tell_rest(runs, offset)


@command.command("show")
@ref
@as_json
@speaks
async def show(ref: str, as_json: bool) -> None:
    """Show what a run asked, did and found."""
    from gristmill.backend import branches_of, family_of
    from gristmill.backend import view as view_of

    async with backend() as opened:
        view = await view_of(opened, ref)
        branches = await branches_of(opened, view.run) if as_json else []
        family = [] if as_json else await family_of(opened, view.run)
    if as_json:
        from gristmill.plain import view_json

        emit(view_json(view, branches))
        return
    from gristmill.terminal import console, pieces

    screen = console.make()
    pieces.opening(screen, view)
    for noted in view.notes:
        pieces.note(screen, noted)
    pieces.findings(screen, view)
    if view.plan:
        pieces.plan(screen, view)
    if len(family) > 1:
        pieces.branches(screen, view.run, family)
    pieces.cells(screen, view)
    for made in view.reviews:
        pieces.review(screen, made)
    pieces.ending(screen, view)
    screen.print()
    screen.print(f"Its files: gristmill artifacts list --run {view.run.id}")


@command.command("follow")
@ref
@as_json
@speaks
async def follow(ref: str, as_json: bool) -> int:
    """Tell a run from its beginning until it ends. Ctrl-C leaves it running.

    With --json each event is a line, as it comes.
    """
    from artifacts.events import RunEnded, TextDelta

    async with backend() as opened:
        run = await opened.run(ref)
        if as_json:
            status = run.status
            async for event in opened.follow(run.id):
                if not isinstance(event, TextDelta):
                    click.echo(event.model_dump_json())
                if isinstance(event, RunEnded):
                    status = event.status
            return 0 if status == "done" else 1
        from gristmill.commands.watching import conclude
        from gristmill.terminal import console
        from gristmill.terminal.story import Story

        with Story(console.make()) as story:
            async for event in opened.follow(run.id):
                story.feed(event)
    assert story.view is not None, "a run that was found has a beginning"
    return conclude(story, story.view, None, [])


@command.command("cancel")
@ref
@as_json
@speaks
async def cancel(ref: str, as_json: bool) -> None:
    """End a run. What it made so far is kept."""
    async with backend() as opened:
        run = await opened.cancel(ref)
    emit(run) if as_json else click.echo(f"{run.id} is {run.status}.")


@command.command("resume")
@ref
@_out
@click.option("--budget", metavar="LIMITS", help="What it may use from now on: tokens=40000,usd=1,minutes=20,cells=60.")
@isolation
@as_json
@speaks
async def resume(ref: str, out: str | None, budget: str | None, as_json: bool) -> int:
    """Take up a run that stopped, after its last finished step.

    No finished cell is run again in a sandbox that still lives; where it is gone, its state is rebuilt by replaying the
    recorded cells, and the record says so.
    """
    from graphs.budget import read_budget

    more = read_budget(budget) if budget is not None else None
    return await _go_on(ref, out, as_json, lambda opened, run_id: opened.resume(run_id, budget=more))


@command.command("answer")
@click.argument("ref", metavar="RUN")
@click.argument("text", metavar="ANSWER")
@click.option("--question", "question_id", metavar="ID", help="Which question (default: the oldest that is open).")
@_out
@as_json
@speaks
async def answer(ref: str, text: str, question_id: str | None, out: str | None, as_json: bool) -> int:
    """Answer what an agent asked; the run goes on. Only the first answer counts."""
    return await _go_on(ref, out, as_json, lambda opened, run_id: opened.answer(run_id, text, question_id=question_id))


@command.command("approve")
@click.argument("ref", metavar="RUN")
@click.option("--edit", type=click.File(encoding="utf-8"), help="Other arguments for it, a JSON object; - for stdin.")
@click.option("--step", "approval_id", metavar="ID", help="Which step (default: the oldest that waits).")
@_out
@as_json
@speaks
async def approve(ref: str, edit: typing.TextIO | None, approval_id: str | None, out: str | None, as_json: bool) -> int:
    """Let a step that waits be carried out, as it is or with other arguments; the run goes on."""
    edited = typed(edit) if edit is not None else None

    def decide(opened: Backend, run_id: str) -> Awaitable[Run]:
        decision: Decision = "edited" if edited is not None else "accepted"
        return opened.decide(run_id, decision, approval_id=approval_id, edited=edited)

    return await _go_on(ref, out, as_json, decide)


@command.command("reject")
@click.argument("ref", metavar="RUN")
@click.option("--reason", metavar="TEXT", default="", help="What the agent is told.")
@click.option("--step", "approval_id", metavar="ID", help="Which step (default: the oldest that waits).")
@_out
@as_json
@speaks
async def reject(ref: str, reason: str, approval_id: str | None, out: str | None, as_json: bool) -> int:
    """Do not let a step be carried out; the agent is told, and the run goes on."""

    def decide(opened: Backend, run_id: str) -> Awaitable[Run]:
        return opened.decide(run_id, "rejected", approval_id=approval_id, reason=reason)

    return await _go_on(ref, out, as_json, decide)


async def _go_on(ref: str, out: str | None, as_json: bool, begin: Callable[[Backend, str], Awaitable[Run]]) -> int:
    """Have a run go on and tell it to its end, with what was known of it before told quietly."""
    from gristmill.commands.watching import check_folder, conclude, folder_for, watch
    from gristmill.terminal import console
    from gristmill.terminal.story import Story

    check_folder(out)
    with Story(console.make(stderr=as_json)) as story:
        story.doing("opening the data folder")
        async with backend() as opened:
            stood = await opened.run(ref)
            if out is None:
                check_folder(out := stood.params.get("out"))
            known = await opened.events(stood.id)
            for event in known:
                story.feed_quietly(event)
            run = await begin(opened, known[0].run_id)
            view = await watch(opened, run, story, after=known[-1].seq)
            folder = folder_for(out, run.id)
            made = await opened.write_out(run.id, folder)
    if as_json:
        from gristmill.plain import view_json

        emit(view_json(view) | {"out": str(folder.absolute()), "files": [str(f.absolute()) for f in made]})
        return 0 if view.run.status == "done" else 1
    return conclude(story, view, folder, made)


@command.command("reproduce")
@ref
@isolation
@as_json
@speaks
async def reproduce(ref: str, as_json: bool) -> int:
    """Run a run's notebook again in a fresh sandbox, and compare every artifact.

    Each comes out identical (the same bytes), equal (within tolerance), changed or missing. Exit status 1 when anything
    changed or is missing.
    """
    from gristmill.commands.watching import watch
    from gristmill.errors import Failed
    from gristmill.terminal import console, pieces
    from gristmill.terminal.story import Story

    with Story(console.make(stderr=as_json)) as story:
        story.doing("opening the data folder")
        async with backend() as opened:
            view = await watch(opened, await opened.reproduce(ref), story)
    if view.comparison is None:
        raise Failed(view.error or f"{view.run.id} ended {view.run.status}, so there is nothing to compare.")
    holds = view.run.status == "done" and view.comparison.holds
    if as_json:
        emit({"run": view.run, "matches": view.comparison.matches, "holds": holds})
    else:
        pieces.comparison(story.console, view, holds)
    return 0 if holds else 1


def _step(event: Undone | Redone) -> str:
    """What was taken back or put back, as a person calls it."""
    return event.turn_id or (f"the edit of {event.cell_id}" if event.cell_id else "the last edit")


@command.command("undo")
@ref
@as_json
@speaks
async def undo(ref: str, as_json: bool) -> None:
    """Take back the last turn of a run, or the last edit of its notebook."""
    async with backend() as opened:
        undone = await opened.undo((await opened.run(ref)).id)
    if as_json:
        emit(undone)
        return
    click.echo(f"{undone.run_id} stands as it did before {_step(undone)}.")


@command.command("redo")
@ref
@as_json
@speaks
async def redo(ref: str, as_json: bool) -> None:
    """Put back what `undo` took back last, if nothing was done since."""
    async with backend() as opened:
        redone = await opened.redo((await opened.run(ref)).id)
    if as_json:
        emit(redone)
        return
    click.echo(f"{redone.run_id} has {_step(redone)} again.")


@command.command("branch")
@ref
@click.option("--at", metavar="TURN", help="The last turn that both share (default: all that there is).")
@as_json
@speaks
async def branch(ref: str, at: str | None, as_json: bool) -> None:
    """Make a new run that shares the past of this one; each goes its own way from there."""
    async with backend() as opened:
        run = await opened.branch((await opened.run(ref)).id, at=at)
    emit(run) if as_json else click.echo(f"{run.id} is a branch of {run.parent_id}.")


@command.command("diff")
@click.argument("a", metavar="RUN", shell_complete=completing.runs)
@click.argument("b", metavar="OTHER", shell_complete=completing.runs)
@as_json
@speaks
async def diff(a: str, b: str, as_json: bool) -> int:
    """Tell how OTHER differs from RUN: questions, cells, outputs, values, findings and files.

    Exit status 1 when they differ.
    """
    async with backend() as opened:
        found = await opened.diff((await opened.run(a)).id, (await opened.run(b)).id)
    differs = bool(found.messages or found.cells or found.changed)
    if as_json:
        emit(found)
        return int(differs)
    told = [("question", p.name, p.a, p.b) for p in found.messages] + [("cell", p.name, p.a, p.b) for p in found.cells]
    for what, name, one, other in (*told, *((c.what, c.name, c.before, c.after) for c in found.changed)):
        click.echo(f"{what} {name}")
        for mark, text in (("-", one), ("+", other)):
            for line in (text or "").splitlines():
                click.echo(f"  {mark} {line}")
    if not differs:
        click.echo("They do not differ.")
    return int(differs)
