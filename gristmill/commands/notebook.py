"""`gristmill notebook`: template notebooks, run with parameters in a sandbox."""

from __future__ import annotations

from pathlib import Path

import click

from gristmill.commands import completing
from gristmill.commands.common import as_json, backend, emit, in_project, isolation, literals, speaks


@click.group("notebook")
def command() -> None:
    """Run a template notebook with parameters in a sandbox."""


@command.command("list")
@as_json
@speaks
async def list_(as_json: bool) -> None:
    """List the templates and their parameters: ours, and a team's own from the templates folder."""
    from gristmill.settings import load
    from notebooks.catalog import catalog

    templates = catalog(load().templates)
    if as_json:
        emit(templates)
        return
    from rich.text import Text

    from gristmill.terminal import console, pieces
    from gristmill.terminal.words import one_line

    screen = console.make()
    for template in templates:
        screen.print(Text(template.name, style="bold") + Text(f"  {one_line(template.title)}"), soft_wrap=True)
        if template.description:
            pieces.say(screen, one_line(template.description), 2, style="dim")
        rows = [
            [Text(f"-p {p.name}={p.default!r}"), Text(one_line(p.help or ""), style="dim")] for p in template.parameters
        ]
        pieces.table(screen, rows, indent=4)
        screen.print()


@command.command("run")
@click.argument("name", metavar="NAME|FILE", shell_complete=completing.notebooks)
@click.option("-p", "params", multiple=True, metavar="NAME=VALUE", help="A parameter; a file is brought along.")
@click.option("-o", "--out", metavar="FILE", help="Where the executed notebook goes.")
@in_project
@isolation
@as_json
@speaks
async def run(name: str, params: tuple[str, ...], out: str | None, project: str | None, as_json: bool) -> int:
    """Run a template by its NAME, or any notebook FILE, with parameters.

    Numbers, true, false, null and JSON lists are read as such; anything else is text.
    """
    from gristmill.commands.watching import conclude, watch
    from gristmill.errors import Failed
    from gristmill.terminal import console
    from gristmill.terminal.story import Story

    values = literals(params)
    _check(out)
    made: list[Path] = []
    with Story(console.make(stderr=as_json)) as story:
        story.doing("opening the data folder")
        async with backend() as opened:
            run = await opened.start_notebook(name, values, project=project)
            view = await watch(opened, run, story)
            executed = [a for a in view.artifacts if a.role == "notebook"]
            if out is not None:
                if not executed:
                    raise Failed(view.error or f"Run {run.id} left no notebook behind.")
                made.append(_write(Path(out), await opened.read(executed[-1])))
    if as_json:
        from gristmill.plain import view_json

        emit(view_json(view) | {"files": [str(f.absolute()) for f in made]})
        return 0 if view.run.status == "done" else 1
    return conclude(story, view, Path(out).parent if out else None, made)


def _check(out: str | None) -> None:
    from gristmill.errors import Misuse

    if out is not None and not Path(out).absolute().parent.is_dir():
        raise Misuse(f"{out} cannot be written: there is no folder {Path(out).parent}.")


def _write(target: Path, data: bytes) -> Path:
    from gristmill.errors import Failed

    try:
        target.write_bytes(data)
    except OSError as error:
        raise Failed(f"{target} cannot be written: {error.strerror}.") from error
    return target
