"""`gristmill cells`: look at the cells of a run's notebook, change them, and run what depends on that."""

from __future__ import annotations

import typing
from typing import Any, Literal

import click

from gristmill.commands import completing
from gristmill.commands.common import as_json, backend, emit, isolation, speaks, typed

if typing.TYPE_CHECKING:
    from notebooks.live.edits import Edited

run_ref = click.argument("run", metavar="RUN", shell_complete=completing.runs)
cell_id = click.argument("cell", metavar="CELL")
code = click.option(
    "--code", type=click.File("r", encoding="utf-8"), required=True, metavar="FILE", help="The code; - reads it here."
)
behind = click.option("--after", metavar="CELL", help="The cell behind which it is to stand; `first` puts it first.")
SHOWN = 5
"""Lines of what a cell showed before, and shows now, that are printed."""
no_run = click.option("--no-run", is_flag=True, help="Leave what becomes stale as it is.")


@click.group("cells")
def command() -> None:
    """List, show, edit, add, move, delete or run the cells of a run's notebook.

    RUN is an id, its first or last four characters or more, or `last`. After an edit the cells that depend on it run
    again, and what changed is told.
    """


@command.command("list")
@run_ref
@as_json
@speaks
async def list_(run: str, as_json: bool) -> None:
    """List the cells in the notebook's order, with what each reads and writes."""
    told = await _rows(run)
    if as_json:
        emit(told)
        return
    from rich.text import Text

    from gristmill.terminal import console, pieces
    from gristmill.terminal.words import one_line

    screen = console.make()
    if not told:
        screen.print("The run has no cell yet.")
        return
    table = [[Text(r.id), Text(r.state), Text(r.author), Text(one_line(r.title or r.source))] for r in told]
    pieces.table(screen, table, header=("CELL", "STATE", "AUTHOR", "TITLE"))


@command.command("show")
@run_ref
@cell_id
@as_json
@speaks
async def show(run: str, cell: str, as_json: bool) -> None:
    """Show a cell: its code, what it depends on, and what it put out."""
    from gristmill.backend import view as view_of
    from gristmill.errors import Misuse

    async with backend() as opened:
        view = await view_of(opened, (await opened.run(run)).id)
    found = next((r for r in _rows_of(view) if r.id == cell), None)
    if found is None:
        raise Misuse(f"{view.run.id} has no cell {cell}; `gristmill cells list {view.run.id}` shows its cells.")
    document = view.cell(cell)
    assert document is not None
    ran = next((x for x in view.executions if x.cell == cell), None)
    if as_json:
        from gristmill.plain import plain

        emit(plain(found) | {"versions": document.versions, "execution": ran})
        return
    click.echo(f"{found.id}  {found.state}  version {found.version}, by {found.author}")
    click.echo(f"reads {', '.join(found.reads) or 'nothing'}; writes {', '.join(found.writes) or 'nothing'}\n")
    click.echo(found.source)
    if ran is not None and ran.text:
        click.echo(f"\n{ran.text.rstrip()}")
    if ran is not None and ran.error is not None:
        click.echo(f"\n{ran.error.name}: {ran.error.value}")


@command.command("edit")
@run_ref
@cell_id
@code
@click.option(
    "--based-on", type=click.IntRange(1), metavar="N", help="Refuse if the cell is not at version N any more."
)
@no_run
@isolation
@as_json
@speaks
async def edit(run: str, cell: str, code: typing.TextIO, based_on: int | None, no_run: bool, as_json: bool) -> int:
    """Give a cell other code, and run it and what depends on it."""
    return await _do(run, as_json, what="edit", cell=cell, source=_read(code), based_on=based_on, run=not no_run)


@command.command("add")
@run_ref
@code
@behind
@click.option("--title", default="", help="Its heading.")
@no_run
@isolation
@as_json
@speaks
async def add(run: str, code: typing.TextIO, after: str | None, title: str, no_run: bool, as_json: bool) -> int:
    """Add a cell, by default at the end, and run it."""
    more = {"after": _place(after), "title": title}
    return await _do(run, as_json, what="add", source=_read(code), run=not no_run, **more)


@command.command("move")
@run_ref
@cell_id
@behind
@no_run
@isolation
@as_json
@speaks
async def move(run: str, cell: str, after: str | None, no_run: bool, as_json: bool) -> int:
    """Put a cell in another place, by default at the end, and run what that makes stale."""
    return await _do(run, as_json, what="move", cell=cell, after=_place(after), run=not no_run)


@command.command("delete")
@run_ref
@cell_id
@no_run
@isolation
@as_json
@speaks
async def delete(run: str, cell: str, no_run: bool, as_json: bool) -> int:
    """Take a cell out of the notebook, and run what depended on it."""
    return await _do(run, as_json, what="delete", cell=cell, run=not no_run)


@command.command("run")
@run_ref
@click.argument("cell", metavar="[CELL]", required=False)
@click.option("--all", "everything", is_flag=True, help="All cells, in a fresh sandbox.")
@isolation
@as_json
@speaks
async def run_(run: str, cell: str | None, everything: bool, as_json: bool) -> int:
    """Run a cell and what depends on it; without CELL, all that is stale."""
    if everything and cell is not None:
        raise click.UsageError("--all runs all cells; name none.")
    return await _do(run, as_json, what="restart" if everything else "run", cell=cell)


async def _do(
    ref: str, as_json: bool, *, what: Literal["edit", "add", "move", "delete", "run", "restart"], **fields: Any
) -> int:
    """Carry out an edit and tell what came of it. Exit status 1 where a cell that ran failed."""
    from notebooks.live.edits import Edit

    async with backend("running the cells") as opened:
        run = await opened.run(ref)
        done = await opened.edit(run.id, Edit(what=what, **fields))
        from gristmill.backend import view as view_of

        view = await view_of(opened, run.id)
    failed = [c.id for c in view.cells if c.state == "failed" and c.id in done.ran]
    if as_json:
        emit(done)
    else:
        _tell(done, failed)
    return 1 if failed else 0


def _tell(done: Edited, failed: list[str]) -> None:
    from gristmill.terminal.words import counted, first_lines

    where = f"{done.cell} is at version {done.version}. " if done.version else ""
    again = f" To rebuild the state, {counted(done.replayed, 'cell')} ran again." if done.replayed else ""
    click.echo(f"{where}{'Ran ' + ', '.join(done.ran) if done.ran else 'No cell ran'}.{again}")
    for change in done.changed:
        click.echo(f"\n{change.what} {change.name}")
        for mark, text in (("-", change.before), ("+", change.after)):
            lines, left = first_lines((text or "").splitlines(), SHOWN)
            for line in lines:
                click.echo(f"  {mark} {line}")
            if left:
                click.echo(f"  {mark} ... {left:,} more lines")
    if done.ran and not done.changed:
        click.echo("Nothing that they show has changed.")
    if done.broken_sentences:
        click.echo("\nThe report no longer holds where it says:")
        for sentence in done.broken_sentences:
            click.echo(f"  {sentence}")
    if failed:
        click.echo(f"\nFailed: {', '.join(failed)}.")
    if done.still_stale:
        click.echo(f"\nStale: {', '.join(done.still_stale)}. `gristmill cells run {done.run}` runs them.")


async def _rows(ref: str) -> list[Any]:
    from gristmill.backend import view as view_of

    async with backend() as opened:
        return _rows_of(await view_of(opened, (await opened.run(ref)).id))


def _rows_of(view: Any) -> list[Any]:
    from notebooks.live.document import rows

    return rows(view)


def _read(file: typing.TextIO) -> str:
    return typed(file).rstrip("\n")


def _place(after: str | None) -> str | None:
    return "" if after == "first" else after
