"""`gristmill project`: a name under which runs share files, agents, tools, an environment and settings."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gristmill.commands.common import as_json, backend, confirm, emit, speaks

if TYPE_CHECKING:
    from gristmill.projects import ProjectShown

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_name = click.argument("name", metavar="NAME")


@click.group("project")
def command() -> None:
    """Make, list, show, fill or delete projects.

    A project is a name under which runs share files, agents, tools, an environment and settings:
    `gristmill analyze --project NAME --ask "..."`. Its files are in `project/` of the sandboxes of its runs, and what
    they write there is kept. Runs that name none are those of the project `default`.
    """


@command.command("create")
@_name
@click.option("--about", default="", metavar="TEXT", help="What it is for.")
@click.option("--template", metavar="NAME", help="The environment of its sandboxes (`gristmill template list`).")
@click.option("-r", "--requirements", type=_FILE, metavar="FILE", help="Build an environment of its own from this.")
@click.option("--model", metavar="MODEL", help="The model of its runs that name none.")
@click.option("--agent", metavar="NAME", help="Who writes the cells in its runs.")
@click.option("--budget", metavar="LIMITS", help="What each of its runs may use, like tokens=20000,usd=0.5.")
@click.option("--approve", type=click.Choice(["auto", "ask", "deny"]), help="Which calls wait for you in its runs.")
@as_json
@speaks
async def create(
    name: str,
    about: str,
    template: str | None,
    requirements: Path | None,
    model: str | None,
    agent: str | None,
    budget: str | None,
    approve: str | None,
    as_json: bool,
) -> None:
    """Make a project. Its agents and tools go into `agents/` and `tools/` of its folder, as in the data folder."""
    from notebooks.projects import wanted

    if template and requirements:
        raise click.UsageError("Give --template or --requirements, not both.")
    given = {"model": model, "agent": agent, "budget": budget, "approve": approve}
    settings = {key: value for key, value in given.items() if value}
    own = _own(name) if requirements else None
    project = wanted(name=name, about=about, template=template or own, settings=settings)
    async with backend() as opened:
        made = await opened.projects.create(project)
        if requirements is not None:
            try:
                _build(project.template or "", requirements)
            except BaseException:
                await opened.projects.delete(name)
                raise
    if as_json:
        emit(made)
        return
    click.echo(f"{name} is made, in {made.folder}.\nGive it files: gristmill project put {name} FILE...")


@command.command("list")
@as_json
@speaks
async def list_(as_json: bool) -> None:
    """List the projects, that of runs without one first."""
    async with backend() as opened:
        found = await opened.projects.all()
    if as_json:
        emit(found)
        return
    for one in found:
        click.echo(f"{one.name:<24} {_count(one.runs, 'run'):<10} {one.about}".rstrip())


@command.command("show")
@_name
@as_json
@speaks
async def show(name: str, as_json: bool) -> None:
    """Show a project: its files, agents, tools, environment, settings, services and newest runs."""
    from gristmill.terminal.words import one_line, size, status

    async with backend() as opened:
        found = await opened.projects.get(name)
        runs = await opened.runs(project=name, limit=10)
    if as_json:
        from gristmill.plain import plain

        emit(plain(found) | {"newest": plain(runs)})
        return
    click.echo(f"{found.name}: {found.about}".rstrip(": "))
    told = {"folder": found.folder, "environment": found.template or "", "agents": ", ".join(found.agents)}
    told |= {"tools": ", ".join(found.tools)} | found.settings
    for key, value in told.items():
        if value:
            click.echo(f"  {key + ':':<13} {value}")
    for path, bytes_ in sorted((found.files or {}).items()):
        click.echo(f"  {path}  {size(bytes_)}")
    for service in found.services:
        click.echo(f"  {service.name}  {service.url}  {service.command}")
    for run in runs:
        click.echo(f"  {run.id}  {status(run)}  {one_line(run.goal)}")
    if runs.total > len(runs):
        click.echo(f"  ... {runs.total - len(runs):,} more: gristmill runs list --project {name}")


@command.command("put")
@_name
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_FILE)
@click.option("--into", default="", metavar="FOLDER", help="A folder of the project.")
@speaks
async def put(name: str, files: tuple[Path, ...], into: str) -> None:
    """Put files into a project; the next sandbox of the project has them in `project/`."""
    async with backend() as opened:
        for file in files:
            path = f"{into.strip('/')}/{file.name}".lstrip("/")
            await opened.projects.put(name, path, file)
            click.echo(f"{path} is in {name}.")


@command.command("get")
@_name
@click.argument("path", metavar="PATH")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Where it goes (default: its name, here).")
@speaks
async def get(name: str, path: str, out: Path | None) -> None:
    """Write a file of a project to a file here; one that is there already is left as it is."""
    from gristmill.errors import Failed

    target = out or Path(path.rpartition("/")[2])
    async with backend() as opened:
        data = await opened.projects.read(name, path)
    try:
        with target.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise Failed(f"{target} cannot be written: {error.strerror}.") from error
    click.echo(str(target))


@command.command("remove")
@_name
@click.argument("path", metavar="PATH")
@speaks
async def remove(name: str, path: str) -> None:
    """Remove a file of a project. The records of runs that had it keep it."""
    async with backend() as opened:
        await opened.projects.remove(name, path)
    click.echo(f"{path} is removed from {name}.")


@command.command("delete")
@_name
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@speaks
async def delete(name: str, yes: bool, as_json: bool) -> None:
    """Delete a project, after telling what goes. Its runs stay in the record."""
    async with backend() as opened:
        found = await opened.projects.get(name)
        if not yes:
            click.echo(_goes(found), err=True)
            confirm("Delete it?")
        await opened.projects.delete(name)
    if found.template == _own(name):
        _remove(found.template)
    emit(found) if as_json else click.echo(f"{name} is deleted. {_goes(found)}")


def _goes(project: ProjectShown) -> str:
    """What goes with a project, and what stays, as a sentence or two."""
    from gristmill.terminal.words import size

    files = project.files or {}
    what = [f"{_count(len(files), 'file')} ({size(sum(files.values()))})"] if files else []
    what += [_count(len(own), kind) for own, kind in ((project.agents, "agent"), (project.tools, "tool")) if own]
    what += ["its settings"]
    stays = f"{_count(project.runs, 'run')} of it" if project.runs else "no run"
    own = project.template == _own(project.name)
    what += ["its environment"] if own else []
    environment = f"; the environment {project.template}" if project.template and not own else ""
    return f"With {project.name} goes: {', '.join(what)}. What stays: {stays} in the record{environment}."


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _own(name: str) -> str:
    """What the environment is called that is built for a project alone."""
    return f"project-{name}"


def _remove(template: str) -> None:
    from gristmill.settings import load
    from kernel_gateway.environments import BadName, remove

    with suppress(BadName):  # it was removed before
        remove(load().home, template)


def _build(template: str, requirements: Path) -> None:
    from gristmill.settings import load
    from kernel_gateway.build import build

    build(load().home, template, (requirements,), tell=lambda line: click.echo(line, err=True))
