"""`gristmill graph`: the agents' state machine as a drawing."""

from __future__ import annotations

import click

from gristmill.commands.common import as_json, emit


@click.command("graph")
@click.option("--mermaid", is_flag=True, help="As Mermaid text (the default, and so far the only form).")
@as_json
def command(mermaid: bool, as_json: bool) -> None:
    """Draw the agents' state machine, as Mermaid text for any Markdown page."""
    from graphs.team import mermaid as draw

    drawing = draw()
    if as_json:
        emit({"mermaid": drawing})
    else:
        click.echo(drawing)
