"""`gristmill schedule`: questions and notebooks at fixed times; a running `gristmill serve` fires them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gristmill.commands import completing
from gristmill.commands.common import as_json, backend, emit, literals, pairs, speaks


@click.group("schedule")
def command() -> None:
    """Ask a question, or run a notebook, at fixed times.

    `gristmill serve` fires what is due while it runs, each firing at most once. Each result is a run like any other.
    """


@command.command("add")
@click.argument("cron", metavar="CRON")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, resolve_path=True))
@click.option("--ask", "question", metavar="QUESTION", help="The question to ask of FILES.")
@click.option(
    "--notebook",
    metavar="NAME|FILE",
    help="The template or notebook to run instead.",
    shell_complete=completing.notebooks,
)
@click.option("-p", "params", multiple=True, metavar="NAME=VALUE", help="A parameter of the notebook.")
@click.option("--role", "roles", multiple=True, metavar="ROLE=COLUMN", help="As for `analyze`.")
@click.option("--model", metavar="MODEL", help="As for `analyze`.")
@click.option("--timezone", metavar="ZONE", help="Such as Europe/Berlin (default: GRISTMILL_TIMEZONE).")
@as_json
@speaks
async def add(
    cron: str,
    files: tuple[str, ...],
    question: str | None,
    notebook: str | None,
    params: tuple[str, ...],
    roles: tuple[str, ...],
    model: str | None,
    timezone: str | None,
    as_json: bool,
) -> None:
    """Add a schedule. CRON has five fields: minute, hour, day of month, month, day of week.

    \b
    gristmill schedule add "0 7 * * mon-fri" --ask "What changed?" sales.csv
    gristmill schedule add "30 6 1 * *" --notebook profile -p data=sales.csv

    The files are read at each firing, as they are then.
    """
    if (question is None) == (notebook is None):
        raise click.UsageError("Give either --ask QUESTION with FILES, or --notebook NAME with -p parameters.")
    if notebook is not None and (files or roles):
        raise click.UsageError("A notebook takes its files as parameters: -p data=FILE.")
    if question is not None and (params or not files):
        raise click.UsageError("A question is asked of FILES; parameters belong to --notebook.")
    from artifacts.types import Schedule
    from gristmill.commands.watching import require_question
    from gristmill.settings import load

    values: dict[str, Any] = {k: _absolute(v) for k, v in literals(params).items()}
    if roles:
        values["roles"] = pairs(roles, "ROLE=COLUMN")
    schedule = Schedule(
        cron=cron,
        timezone=timezone or load().timezone,
        kind="question" if question is not None else "notebook",
        goal=require_question(question) if question is not None else "",
        files=files,
        template=_absolute(notebook) if notebook else None,
        params=values,
        model=model,
    )
    async with backend() as opened:
        added = await opened.add_schedule(schedule)
    if as_json:
        emit(added)
        return
    click.echo(f"{added.schedule.id}  next {added.next_due} ({added.schedule.timezone})")
    click.echo("It fires while `gristmill serve` runs.")


@command.command("list")
@as_json
@speaks
async def list_(as_json: bool) -> None:
    """List schedules with their next time and their last firing."""
    async with backend() as opened:
        found = await opened.schedules()
    if as_json:
        emit(found)
        return
    from rich.text import Text

    from gristmill.terminal import console, pieces
    from gristmill.terminal.words import one_line, when

    screen = console.make()
    if not found:
        screen.print("No schedules.")
        return
    rows = []
    for item in found:
        s = item.schedule
        what = one_line(s.goal) if s.kind == "question" else f"notebook {one_line(s.template or '')}"
        last = max(item.fires, key=lambda f: f.due, default=None)
        told = f"{when(last.due)} {last.run_id or 'no run'}" if last else "not yet"
        rows.append(
            [Text(s.id), Text(s.cron), Text(s.timezone), Text(item.next_due), Text(told, style="dim"), Text(what)]
        )
    pieces.table(screen, rows, header=("SCHEDULE", "CRON", "ZONE", "NEXT", "LAST", "WHAT"))


@command.command("run")
@click.argument("ref", metavar="SCHEDULE", shell_complete=completing.schedules)
@as_json
@speaks
async def run(ref: str, as_json: bool) -> int:
    """Do a schedule's work now, out of turn, and watch it."""
    from gristmill.commands.watching import conclude, watch
    from gristmill.terminal import console
    from gristmill.terminal.story import Story

    with Story(console.make(stderr=as_json)) as story:
        story.begin("opening the data folder")
        async with backend() as opened:
            view = await watch(opened, await opened.fire(ref), story)
    if as_json:
        from gristmill.plain import view_json

        emit(view_json(view))
        return 0 if view.run.status == "done" else 1
    return conclude(story, view, None, [])


@command.command("remove")
@click.argument("ref", metavar="SCHEDULE", shell_complete=completing.schedules)
@as_json
@speaks
async def remove(ref: str, as_json: bool) -> None:
    """Remove a schedule. The runs that it made stay."""
    async with backend() as opened:
        removed = await opened.remove_schedule(ref)
    emit(removed) if as_json else click.echo(f"{removed.id} is removed.")


def _absolute(value: Any) -> Any:
    """A file named now must be found at night, when the working directory is another."""
    if isinstance(value, str):
        try:
            if Path(value).is_file():
                return str(Path(value).resolve())
        except (OSError, ValueError):
            return value
    return value
