"""`gristmill sql`: a SELECT on the record, as a table, CSV, JSON or Parquet."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, cast

import click

from gristmill.commands.common import backend, speaks, typed, write

SHOWN = 200
KEPT = 10_000
CUT = 400
"""Characters of a value that are shown where a row is told by itself."""


@click.command("sql")
@click.argument("statement", metavar="SELECT")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json", "parquet"]), help="Default: table.")
@click.option("-o", "--out", metavar="FILE", help="Write to a file; .csv, .json or .parquet says the format.")
@click.option("--limit", type=click.IntRange(1, 1_000_000), help=f"Rows at most (default: {SHOWN}, to a file {KEPT}).")
@click.option(
    "--timeout", "seconds", type=click.FloatRange(1, 600), default=30, show_default=True, help="Seconds at most."
)
@speaks
async def command(statement: str, form: str | None, out: str | None, limit: int | None, seconds: float) -> None:
    """Ask the record in SQL: SELECT only. The tables and their columns are in docs/record.md.

    \b
    gristmill sql "SELECT status, count(*) FROM runs GROUP BY ALL"
    gristmill sql "SHOW TABLES"
    - reads the statement from standard input.
    """
    from artifacts.query import Form

    suffix = Path(out).suffix.lstrip(".").lower() if out else ""
    form = form or (suffix if suffix in ("csv", "json", "parquet") else "json" if out else "table")
    if out and form == "table":
        raise click.UsageError("A table is for the terminal; a file takes --format csv, json or parquet.")
    if form == "parquet" and (not out and sys.stdout.isatty()):
        raise click.UsageError("Parquet is for a file or a pipe; name one with -o.")
    text = typed(sys.stdin) if statement == "-" else statement
    most = limit or (SHOWN if form == "table" else KEPT)
    kind = cast(Form, "json" if form == "table" else form)
    async with backend("asking the record") as opened:
        answer = await opened.query(text, form=kind, rows=most, seconds=seconds)
    if form == "table":
        _table(json.loads(answer.data))
    elif out and out != "-":
        write(Path(out), answer.data, overwrite=True)
        click.echo(f"{out}: {answer.rows:,} rows")
    else:
        sys.stdout.buffer.write(answer.data + (b"\n" if form == "json" else b""))
    if answer.more:
        click.echo(f"There are more: these are the first {answer.rows:,} rows. --limit gives more of them.", err=True)


def _table(told: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    from gristmill.terminal import console
    from gristmill.terminal.words import one_line

    screen, names = console.make(), [Text(one_line(c["name"]), style="bold") for c in told["columns"]]
    shown = Table(box=None, pad_edge=False)
    for name, column in zip(names, told["columns"], strict=True):
        number = column["type"].startswith(("INT", "BIGINT", "DOUBLE", "DECIMAL", "HUGEINT", "UBIGINT", "FLOAT"))
        shown.add_column(name, justify="right" if number else "left", overflow="fold")
    rows = [[Text(_cell(value)) for value in row] for row in told["rows"]]
    for cells in rows:
        shown.add_row(*cells)
    needed = screen.measure(shown, options=screen.options.update(max_width=10_000)).maximum
    if needed <= screen.width or not rows:
        screen.print(shown)
    else:  # row by row, as columns would be too narrow for whole words
        for n, cells in enumerate(rows):
            record = Table(box=None, pad_edge=False, show_header=False)
            for name, cell in zip(names, cells, strict=True):
                cell.truncate(CUT, overflow="ellipsis")
                record.add_row(name, cell)
            screen.print(*[""] * bool(n), record, sep="\n")
    if not rows:
        screen.print(Text("No rows.", style="dim"))


def _cell(value: Any) -> str:
    from gristmill.terminal.words import clean

    if value is None:
        return ""
    return clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
