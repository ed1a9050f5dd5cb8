"""`gristmill agents`: who works on a question; a Markdown file each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gristmill.commands.common import as_json, emit

if TYPE_CHECKING:
    from graphs.agents import Agent, Agents
    from graphs.tools import Toolbox

_NEW = """\
---
name: {name}
role: What it does, in a sentence that others read.
capabilities: [code]
tools: [run_code, run_template, "*"]
base: coder
---
You are ... Say here what it does differently from the coder, whose prompt follows yours.
"""


_project = click.option("--project", metavar="NAME", help="With the agents of this project.")


@click.group("agents")
def command() -> None:
    """List, show, begin or check agents: a Markdown file each, your own in `agents/` of the data folder."""


@command.command("list")
@_project
@as_json
def list_agents(project: str | None, as_json: bool) -> None:
    """List the agents, your own among them. One of yours stands in for a built-in one of its name."""
    agents = _load(project)
    if as_json:
        box = _box(project)
        emit([_told(a, agents, box) for a in _each(agents)])
    else:
        for agent in _each(agents):
            click.echo(f"{agent.name:<18} {agent.job:<10} {agent.role}")
    for problem in agents.problems:
        click.echo(problem, err=True)


@command.command("show")
@click.argument("name", metavar="NAME")
@_project
@as_json
def show(name: str, project: str | None, as_json: bool) -> None:
    """Show an agent: what it may use, and its whole prompt."""
    agents = _load(project)
    agent = next((a for a in _each(agents) if a.name == name), None)
    if agent is None:
        raise click.UsageError(f"There is no agent {name!r}; `gristmill agents list` names them.")
    if as_json:
        own = {"job": agent.job, "prompt": agent.prompt, "temperature": agent.temperature, "approval": agent.approval}
        emit(_told(agent, agents, _box(project)) | own)
        return
    told = {
        "job": agent.job,
        "tools": ", ".join(agent.tools) if agent.tools is not None else "all of its job",
        "model": agent.model,
        "temperature": agent.temperature,
        "approval": ", ".join(f"{tool}: {policy}" for tool, policy in agent.approval.items()),
    }
    lines = [f"{key}: {value}" for key, value in told.items() if value not in (None, "")]
    click.echo("\n".join([f"{agent.name} ({agent.source}): {agent.role}", *lines, "", agent.prompt]))


@command.command("new")
@click.argument("name", metavar="NAME")
@_project
def new(name: str, project: str | None) -> None:
    """Begin an agent of your own: writes `agents/NAME.md`, in the data folder or in the project's, to go on with."""
    from graphs.agents import BadAgent, read_agent

    text = _NEW.format(name=name)
    try:
        read_agent(text, known=_load(project).agents)
    except BadAgent as fault:
        raise click.UsageError(str(fault)) from None
    path = _folders(project)[-1] / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise click.ClickException(f"{path} is there already, and was left as it is.") from None
    click.echo(f"{path}\nWrite its prompt, then: gristmill analyze FILE --ask ... --model ... --agent {name}")


@command.command("check")
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path))
@_project
def check(files: tuple[Path, ...], project: str | None) -> None:
    """Check the files of agents, those of the data folder and the project where none is named.

    Exit status 1 for a fault: a key or a tool that there is not, a model that cannot be meant, a missing prompt.
    """
    from graphs.agents import BadAgent, read_agent

    known, own = _load(project).agents, _folders(project)
    tools = {t.tool_name for t in _box(project).all()}
    faults = 0
    for path in files or [f for folder in own for f in sorted(folder.glob("*.md"))]:
        try:
            agent = read_agent(path.read_text(encoding="utf-8"), str(path), known)
            said = _amiss(agent, tools) or "ok"
        except (BadAgent, OSError, UnicodeDecodeError) as fault:
            said = str(fault)
        faults += said != "ok"
        click.echo(f"{path}: {said}", err=said != "ok")
    if faults:
        raise SystemExit(1)


def _amiss(agent: Agent, tools: set[str]) -> str:
    """What is wrong with an agent whose file can be read; empty if nothing is. A key that is missing here is none."""
    import os
    from fnmatch import filter as matching

    from graphs.models import resolve
    from graphs.models.base import BadKey, UnknownModel

    if away := [t for t in agent.tools or () if t != "*" and t not in tools and not t.startswith("mcp__")]:
        return f"There is no tool {away[0]!r}; `gristmill tools list` names them."
    if idle := [p for p in agent.approval if not p.startswith("mcp__") and not matching(tools, p)]:
        return f"approval: there is no tool {idle[0]!r}; `gristmill tools list` names them."
    try:
        if agent.model is not None:
            resolve(agent.model, os.environ)
    except UnknownModel as fault:
        return f"model: {fault}"
    except BadKey:
        pass
    return ""


def _folders(project: str | None) -> list[Path]:
    from gristmill.settings import load
    from notebooks.projects import ProjectError, folders, get

    try:
        if project is not None:
            get(load().home, project)
    except ProjectError as fault:
        raise click.UsageError(str(fault)) from None
    return folders(load().home, project, "agents")


def _load(project: str | None) -> Agents:
    from graphs.agents import load

    return load(_folders(project))


def _each(agents: Agents) -> list[Agent]:
    """Each name once: the user's own in place of a built-in one; who has several jobs, by the last of them."""
    return list({a.name: a for a in agents.agents}.values())


def _box(project: str | None) -> Toolbox:
    """The tools that there are, less those of MCP servers, which would have to be begun."""
    from graphs.tools.sources import toolbox
    from gristmill.settings import load
    from notebooks.projects import folders

    return toolbox(folders(load().home, project, "tools"))


def _told(agent: Agent, agents: Agents, box: Toolbox) -> dict[str, object]:
    """An agent as JSON. Where its file names no tools, they are those of its jobs."""
    jobs = [a for a in agents.agents if a.name == agent.name]
    offered = (t.tool_name for a in jobs for t in box.of(a.job, a.tools, a.approval, agents.helpers_of(a)))
    return {
        "name": agent.name,
        "role": agent.role,
        "capabilities": list(agent.capabilities),
        "tools": list(agent.tools if agent.tools is not None else dict.fromkeys(offered)),
        "model": agent.model,
        "source": agent.source,
    }
