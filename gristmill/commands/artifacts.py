"""`gristmill artifacts`: the plots, tables and files that runs made."""

from __future__ import annotations

import sys
import tempfile
import typing
from pathlib import Path
from typing import cast

import click

from gristmill.commands import completing
from gristmill.commands.common import as_json, backend, emit, speaks, tell_rest, write

if typing.TYPE_CHECKING:
    from artifacts.types import Artifact, ArtifactRole

ROLES = ["input", "plot", "table", "file", "notebook", "report", "findings"]


@click.group("artifacts")
def command() -> None:
    """List, get or export plots, tables and files.

    Every artifact knows the run, the cell and the inputs that it came from.
    """


@command.command("list")
@click.option(
    "--run",
    "run",
    metavar="RUN",
    help="Only those of this run (an id, its beginning, or `last`).",
    shell_complete=completing.runs,
)
@click.option("--role", type=click.Choice(ROLES), help="Only those of this role.")
@click.option("--find", "text", metavar="TEXT", help="Only those whose name has this text.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=200, show_default=True)
@click.option("--offset", type=click.IntRange(0), default=0, help="How many of the newest to pass over.")
@as_json
@speaks
async def list_(run: str | None, role: str | None, text: str | None, limit: int, offset: int, as_json: bool) -> None:
    """List artifacts, the newest first."""
    kind = cast("ArtifactRole | None", role)
    async with backend() as opened:
        found = await opened.artifacts(run=run, role=kind, text=text, limit=limit, offset=offset)
    if as_json:
        emit(found)
        return
    from rich.text import Text

    from gristmill.terminal import console, pieces
    from gristmill.terminal.words import one_line, size, when

    screen = console.make()
    if not found:
        screen.print(f"No artifacts after the first {found.total:,}." if found.total else "No artifacts.")
        return
    rows = [
        [
            Text(a.id),
            Text(a.role),
            Text(one_line(a.name)),
            Text(size(a.size)),
            Text(when(a.created_at)),
            Text(a.run_id, style="dim"),
        ]
        for a in found
    ]
    pieces.table(screen, rows, header=("ARTIFACT", "ROLE", "NAME", "SIZE", "MADE", "RUN"))
    tell_rest(found, offset)


@command.command("get")
@click.argument("ref", metavar="ARTIFACT", shell_complete=completing.artifacts)
@click.option("-o", "--out", metavar="FILE", help="Where to write it (default: its name, here; - is standard output).")
@as_json
@speaks
async def get(ref: str, out: str | None, as_json: bool) -> None:
    """Write one artifact's bytes to a file, or with --json tell what is known of it."""
    async with backend() as opened:
        artifact = await opened.artifact(ref)
        if as_json:
            emit(artifact)
            return
        data = await opened.read(artifact)
    if out == "-":
        sys.stdout.buffer.write(data)
        return
    target = Path(out) if out else _named(artifact)
    write(target, data, overwrite=out is not None)
    click.echo(str(target))


@command.command("export")
@click.argument("ref", metavar="RUN|ARTIFACT", default="last", shell_complete=completing.either)
@click.option("-o", "--out", metavar="FILE", help="Where to write it (default: here, named after the run).")
@speaks
async def export(ref: str, out: str | None) -> int:
    """Write a whole run as a zip, or one artifact as a file.

    The zip holds the notebook, the reports, the findings, the plots and the files that the run read. What is damaged in
    the record is left out, MISSING.txt says so, and the exit status is 1.
    """
    from gristmill.archive import run_zip

    missing = ""
    async with backend() as opened:
        if ref.startswith("art_"):
            artifact = await opened.artifact(ref)
            target = Path(out) if out else _named(artifact)
            write(target, await opened.read(artifact), overwrite=out is not None)
        else:
            run = await opened.run(ref)
            target = Path(out) if out else Path(f"{run.id}.zip")
            with tempfile.TemporaryDirectory(prefix="gristmill-") as folder:
                packed = Path(folder) / "run.zip"
                missing = await run_zip(opened, run.id, packed)
                write(target, packed, overwrite=out is not None)
    click.echo(str(target))
    click.echo(missing, err=True, nl=False)
    return 1 if missing else 0


def _named(artifact: Artifact) -> Path:
    """The artifact's name as a file here. It came out of a sandbox: only its last part may say where a file goes."""
    return Path(Path(artifact.name.replace("\\", "/")).name or artifact.id)
