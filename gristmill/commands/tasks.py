"""`gristmill tasks`: the pieces of work that the agents of a run gave each other, and what came of them."""

from __future__ import annotations

import click

from gristmill.commands import completing
from gristmill.commands.common import as_json, backend, emit, speaks

run_ref = click.argument("run", metavar="RUN", default="last", shell_complete=completing.runs)


@click.group("tasks")
def command() -> None:
    """List or show the tasks that the agents of a run gave each other.

    RUN is an id, its first or last four characters or more, or `last` (the default).
    """


@command.command("list")
@run_ref
@as_json
@speaks
async def list_(run: str, as_json: bool) -> None:
    """List the tasks in the order in which they were given."""
    from gristmill.backend import view as view_of

    async with backend() as opened:
        tasks = (await view_of(opened, (await opened.run(run)).id)).tasks
    if as_json:
        emit(tasks)
        return
    from rich.text import Text

    from gristmill.terminal import console, pieces
    from gristmill.terminal.words import one_line

    screen = console.make()
    if not tasks:
        screen.print("No agent of this run gave a task to another.")
        return
    rows = [
        [
            Text(t.id),
            Text(t.status),
            Text(f"{t.progress:.0%}"),
            Text(t.priority),
            Text(t.agent),
            Text(one_line(t.title)),
        ]
        for t in tasks
    ]
    pieces.table(screen, rows, header=("TASK", "STATUS", "DONE", "PRIORITY", "AGENT", "TITLE"))


@command.command("show")
@click.argument("run", metavar="RUN", shell_complete=completing.runs)
@click.argument("task", metavar="TASK")
@as_json
@speaks
async def show(run: str, task: str, as_json: bool) -> None:
    """Show a task: what was asked, what came of it, its cells, and what does not fit in with the rest."""
    from gristmill.backend import view as view_of
    from gristmill.errors import Misuse

    async with backend() as opened:
        view = await view_of(opened, (await opened.run(run)).id)
    found = next((t for t in view.tasks if t.id == task), None)
    if found is None:
        raise Misuse(f"{view.run.id} has no task {task}; `gristmill tasks list {view.run.id}` shows its tasks.")
    if as_json:
        emit(found)
        return
    click.echo(f"{found.id}  {found.title}: {found.status}, by {found.agent}")
    if found.brief:
        click.echo(f"\n{found.brief}")
    if found.result:
        click.echo(f"\n{found.result}")
    if found.cells:
        click.echo(f"\nCells: {', '.join(found.cells)}")
    for conflict in found.conflicts:
        click.echo(f"Conflict: {conflict.text}")
