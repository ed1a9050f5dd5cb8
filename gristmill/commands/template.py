"""`gristmill template`: environments for sandboxes, made from requirements files; E2B calls them templates."""

from __future__ import annotations

from pathlib import Path

import click

from gristmill.commands import completing
from gristmill.commands.common import as_json, emit, speaks

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("template")
def command() -> None:
    """Build, list or remove environments that sandboxes run in.

    A program asks for one by its name: `Sandbox.create("NAME")`. What a sandbox changes in it is its own.
    """


@command.command("build")
@click.argument("name", metavar="NAME")
@click.option(
    "-r",
    "--requirements",
    "files",
    multiple=True,
    type=_FILE,
    metavar="FILE",
    help="What to install, as for pip. NAMEs that need none: data-science-full.",
)
@click.option(
    "--language",
    type=click.Choice(["javascript", "r", "typescript"]),
    help="A language to run beside Python: `run_code(code, language=...)`.",
)
@click.option("--python", metavar="VERSION|PATH", help="Another Python; then nothing of Gristmill's own is shared.")
@click.option("--find-links", multiple=True, metavar="DIR|URL", help="A folder or page of wheels to look in, too.")
@click.option("--offline", is_flag=True, help="Ask no index: only --find-links.")
@click.option("--from-source", is_flag=True, help="Also take what must be built; its scripts run with your rights.")
@as_json
@speaks
async def build(
    name: str,
    files: tuple[Path, ...],
    language: str | None,
    python: str | None,
    find_links: tuple[str, ...],
    offline: bool,
    from_source: bool,
    as_json: bool,
) -> None:
    """Build the environment NAME, or build it anew.

    \b
    gristmill template build geo -r requirements.txt
    gristmill template build old -r requirements.txt --python 3.13
    gristmill template build data-science-full
    gristmill template build js --language javascript

    It lies over Gristmill's own packages, so only what is new is installed. What fails leaves the old one in place;
    sandboxes that run in the old one go on in it.
    """
    from gristmill.settings import load
    from kernel_gateway.build import build as build_environment
    from kernel_gateway.environments import BadName
    from kernel_gateway.recipes import language as language_of

    try:
        made = build_environment(
            load().home,
            name,
            files,
            python=python,
            find_links=find_links,
            offline=offline,
            from_source=from_source,
            language=language_of(language) if language is not None else None,
            tell=lambda line: click.echo(line, err=True),
        )
    except BadName as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        emit(made)
        return
    for warning in made.warnings:
        click.echo(f"Conflict: {warning}", err=True)
    if made.warnings:
        own = ".".join(made.python.split(".")[:2])
        click.echo(
            "Name those packages in the requirements, too, and ones that fit are installed; or share nothing with "
            f"Gristmill's own, with `--python {own}`.",
            err=True,
        )
    click.echo(f'{name} is ready, with Python {made.python}: Sandbox.create("{name}")')


@command.command("list")
@as_json
@speaks
async def list_(as_json: bool) -> None:
    """List the environments, with what they were built from."""
    from gristmill.settings import load
    from kernel_gateway.environments import environments

    found = environments(load().home)
    if as_json:
        emit(found)
        return
    from rich.text import Text

    from gristmill.terminal import console, pieces
    from gristmill.terminal.words import one_line

    screen = console.make()
    if not found:
        screen.print("No environments but the default one.")
        return
    rows = []
    for one in found:
        asked = [line for line in one.requirements.splitlines() if line.strip() and not line.startswith("#")]
        state = one.stale() or ", ".join(asked)
        rows.append([Text(one.name), Text(one.python), Text(one.built), Text(one.digest), Text(one_line(state))])
    pieces.table(screen, rows, header=("NAME", "PYTHON", "BUILT", "LOCK", "MADE FROM"))


@command.command("remove")
@click.argument("name", metavar="NAME", shell_complete=completing.environments)
@speaks
async def remove(name: str) -> None:
    """Remove an environment. Sandboxes that run in it go on; its files go with the last of them."""
    from gristmill.settings import load
    from kernel_gateway.environments import BadName
    from kernel_gateway.environments import remove as remove_environment

    try:
        remove_environment(load().home, name)
    except BadName as error:
        raise click.UsageError(str(error)) from error
    click.echo(f"{name} is removed.")
