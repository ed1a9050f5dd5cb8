"""`gristmill tools`: what agents may call, and where each tool comes from."""

from __future__ import annotations

import click

from gristmill.commands.common import as_json, emit, speaks


@click.group("tools")
def command() -> None:
    """List the tools that agents may call, and where each comes from."""


@command.command("list")
@as_json
@speaks
async def list_tools(as_json: bool) -> None:
    """List every tool: built in, from packages, from `tools/` in the data folder, from the MCP servers of `mcp.json`.

    A tool that cannot be loaded is named with what is wrong with it.
    """
    from graphs.agents import load as load_agents
    from graphs.tools.mcp import FILE, Servers
    from graphs.tools.sources import listed, toolbox
    from gristmill.settings import load

    home = load().home
    box, agents = toolbox([home / "tools"]), load_agents([home / "agents"])
    servers = Servers(home / FILE)
    try:
        for tool in (told := await servers.tools())[0]:
            box.add(tool)
        problems = [*box.problems, *told[1]]
        having: dict[str, list[str]] = {}
        for agent in agents.agents:
            for tool in box.of(agent.job, agent.tools, agent.approval, agents.helpers_of(agent)):
                names = having.setdefault(tool.tool_name, [])
                names += [agent.name] if agent.name not in names else []
        found = listed(box.all(), having)
    finally:
        await servers.close()
    if as_json:
        emit(found)
    else:
        for one in found:
            click.echo(f"{one['name']:<20} {one['source']:<14} {', '.join(one['agents'])}")
            click.echo(f"    {one['description'].split('. ')[0].rstrip('.')}.")
    for problem in problems:
        click.echo(problem, err=True)
