"""`gristmill agents`: who works on a question; a Markdown file each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gristmill.commands.common import as_json, emit

if TYPE_CHECKING:
    from graphs.agents import Agent, Agents

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


@click.group("agents")
def command() -> None:
    """List, show, begin or check agents: a Markdown file each, your own in `agents/` of the data folder."""


@command.command("list")
@as_json
def list_agents(as_json: bool) -> None:
    """List the agents, your own among them. One of yours stands in for a built-in one of its name."""
    agents = _load()
    if as_json:
        emit([_told(a) for a in _each(agents)])
    else:
        for agent in _each(agents):
            click.echo(f"{agent.name:<18} {agent.job:<10} {agent.role}")
    for problem in agents.problems:
        click.echo(problem, err=True)


@command.command("show")
@click.argument("name", metavar="NAME")
@as_json
def show(name: str, as_json: bool) -> None:
    """Show an agent: what it may use, and its whole prompt."""
    agent = next((a for a in _each(_load()) if a.name == name), None)
    if agent is None:
        raise click.UsageError(f"There is no agent {name!r}; `gristmill agents list` names them.")
    if as_json:
        emit(_told(agent) | {"job": agent.job, "prompt": agent.prompt, "temperature": agent.temperature})
        return
    tools = ", ".join(agent.tools) if agent.tools is not None else "all of its job"
    click.echo(f"{agent.name} ({agent.source}): {agent.role}\njob: {agent.job}\ntools: {tools}\n\n{agent.prompt}")


@command.command("new")
@click.argument("name", metavar="NAME")
def new(name: str) -> None:
    """Begin an agent of your own: writes `agents/NAME.md` in the data folder for you to go on with."""
    from graphs.agents import BadAgent, read_agent

    text = _NEW.format(name=name)
    try:
        read_agent(text, known=_load().agents)
    except BadAgent as fault:
        raise click.UsageError(str(fault)) from None
    path = _folder() / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise click.ClickException(f"{path} is there already, and was left as it is.") from None
    click.echo(f"{path}\nWrite its prompt, then: gristmill analyze FILE --ask ... --model ... --agent {name}")


@command.command("check")
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path))
def check(files: tuple[Path, ...]) -> None:
    """Check the files of agents, those of the data folder where none is named. Exit status 1 for a fault."""
    from graphs.agents import BadAgent, read_agent
    from graphs.tools.sources import toolbox

    known, folder = _load().agents, _folder()
    tools = {t.tool_name for t in toolbox([folder.parent / "tools"]).all()}
    faults = 0
    for path in files or sorted(folder.glob("*.md")):
        try:
            agent = read_agent(path.read_text(encoding="utf-8"), str(path), known)
            away = [t for t in agent.tools or () if t != "*" and t not in tools and not t.startswith("mcp__")]
            said = f"There is no tool {away[0]!r}; `gristmill tools list` names them." if away else "ok"
        except (BadAgent, OSError, UnicodeDecodeError) as fault:
            said = str(fault)
        faults += said != "ok"
        click.echo(f"{path}: {said}", err=said != "ok")
    if faults:
        raise SystemExit(1)


def _folder() -> Path:
    from gristmill.settings import load

    return load().home / "agents"


def _load() -> Agents:
    from graphs.agents import load

    return load([_folder()])


def _each(agents: Agents) -> list[Agent]:
    """Each name once: the user's own in place of a built-in one; who has several jobs, by the last of them."""
    return list({a.name: a for a in agents.agents}.values())


def _told(agent: Agent) -> dict[str, object]:
    return {
        "name": agent.name,
        "role": agent.role,
        "capabilities": list(agent.capabilities),
        "tools": list(agent.tools) if agent.tools is not None else None,
        "model": agent.model,
        "source": agent.source,
    }
