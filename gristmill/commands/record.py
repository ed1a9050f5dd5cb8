"""`gristmill record`: the record as a whole, exported, backed up and pruned."""

from __future__ import annotations

import re
import sys
import tempfile
import typing
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from gristmill.commands.common import as_json, backend, confirm, emit, speaks

if typing.TYPE_CHECKING:
    from artifacts.prune import Pruned


class _Age(click.ParamType[timedelta]):
    name = "age"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        match = re.fullmatch(r"(\d{1,5})([hdwy])", str(value).strip())
        if match is None:
            self.fail(f"{value!r} is no age: give a number of hours, days, weeks or years, such as 90d.", param, ctx)
        hours = {"h": 1, "d": 24, "w": 24 * 7, "y": 24 * 365}[match[2]]
        return timedelta(hours=int(match[1]) * hours)


@click.group("record")
def command() -> None:
    """Export, back up or prune the whole record.

    docs/record.md tells of its tables, and how a backup is restored. `gristmill doctor --record` checks every file.
    """


@command.command("export")
@click.argument("directory", metavar="DIR")
@as_json
@speaks
async def export(directory: str, as_json: bool) -> None:
    """Write all tables into a folder as Parquet files, with a README of their columns.

    Files of the same names in it are replaced. The same record gives the same bytes.
    """
    async with backend("writing the tables") as opened:
        made = await opened.export_record(_folder(directory))
    if as_json:
        emit([path.absolute() for path in made])
        return
    click.echo(f"{directory}: {len(made) - 1} tables, and README.md tells what their columns mean.")


@command.command("backup")
@click.argument("target", metavar="FILE.tar|DIR")
@as_json
@speaks
async def backup(target: str, as_json: bool) -> int:
    """Copy the record, with all its files, while others go on working on it.

    A name that ends in .tar becomes one file, any other a new folder, which is a data folder: `gristmill --home DIR`
    opens it. Exit status 1 when files of the record are damaged; the rest is copied.
    """
    from artifacts.backup import manifest
    from gristmill.errors import Failed

    place = _free(target)
    try:
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".gristmill-backup-") as folder:
            part = Path(folder) / "backup.tar"
            async with backend("copying the record") as opened:
                await opened.backup(part)
            told = manifest(part)
            if told is None:
                raise Failed("The backup ended before it was whole, so nothing was kept of it; try again.")
            _keep(part, place)
    except OSError as problem:
        raise Failed(f"{place} cannot be written: {problem.strerror or problem}.") from problem
    counts, damaged = told
    if as_json:
        emit(
            {
                "target": str(place.absolute()),
                **counts,
                "damaged": [{"artifact": e.artifact, "why": e.why} for e in damaged],
            }
        )
    else:
        click.echo(f"{place}: {counts['runs']:,} runs, {counts['artifacts']:,} artifacts.")
        for error in damaged:
            click.echo(f"Left out: {error}", err=True)
    return 1 if damaged else 0


def _free(target: str) -> Path:
    """Where a backup goes, in a folder that is there."""
    from gristmill.errors import Misuse

    place = Path(target)
    if place.exists() and (place.suffix == ".tar" or not place.is_dir() or any(place.iterdir())):
        raise Misuse(f"{place} is already there; name a new file or folder.")
    with suppress(OSError):  # it is told of when something is to be written there
        place.parent.mkdir(parents=True, exist_ok=True)
    return place


def _keep(part: Path, place: Path) -> None:
    from artifacts.backup import unpack

    if place.suffix != ".tar":
        unpack(part, part.with_name("home"))
        part = part.with_name("home")
    part.rename(place)


@command.command("prune")
@click.option("--older-than", "age", type=_Age(), required=True, metavar="AGE", help="Such as 90d, 12w, 2y or 36h.")
@click.option("--dry-run", is_flag=True, help="Only show what would go.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@speaks
async def prune(age: timedelta, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Delete runs that ended before a time, and the files that only they had.

    A run stays, however old, that another one which stays reproduces, follows or was made from, and so does the last
    run of a schedule. Shows what would go, and asks.
    """
    from gristmill.errors import Misuse

    before = datetime.now(UTC) - age
    async with backend() as opened:
        found = await opened.prune(before, dry_run=True)
        if not as_json:
            _tell(found, before)
        if dry_run or not found.runs:
            if as_json:
                emit(found)
            return
        if not yes:
            if as_json or not sys.stdin.isatty():
                raise Misuse("Nothing was deleted: nobody is here to be asked. Say --yes, or --dry-run to look only.")
            confirm("Delete them? They cannot be brought back without a backup")
        gone = await opened.prune(before)
    if as_json:
        emit(gone)
        return
    from gristmill.terminal.words import size

    click.echo(f"Deleted {len(gone.runs):,} runs and {gone.files:,} files; {size(gone.bytes)} are free again.")


def _tell(found: Pruned, before: datetime) -> None:
    from gristmill.terminal.words import size, when

    if not found.runs:
        click.echo(f"No run that ended before {when(before)} can go.")
    else:
        click.echo(
            f"{len(found.runs):,} runs ended before {when(before)}, with {found.events:,} events and "
            f"{found.artifacts:,} artifacts; {found.files:,} files of {size(found.bytes)} belong to them alone."
        )
        for run_id in found.runs[:10]:
            click.echo(f"  {run_id}")
        if len(found.runs) > 10:
            click.echo(f"  and {len(found.runs) - 10:,} more; --json names them all")
    if found.cited:
        click.echo(f"{found.cited:,} more are as old and stay: runs that stay, or schedules, refer to them.")


def _folder(directory: str) -> Path:
    from gristmill.errors import Misuse

    folder = Path(directory)
    if folder.exists() and not folder.is_dir():
        raise Misuse(f"{folder} is a file; name a folder.")
    return folder
