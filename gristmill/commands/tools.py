"""`gristmill tools`: what agents may call, and where each tool comes from."""

from __future__ import annotations

import click

from gristmill.commands.common import as_json, confirm, emit, speaks


@click.group("tools")
def command() -> None:
    """List the tools that agents may call, and approve those of MCP servers."""


@command.command("list")
@click.option("--project", metavar="NAME", help="With the tools and agents of this project.")
@as_json
@speaks
async def list_tools(project: str | None, as_json: bool) -> None:
    """List every tool: built in, from packages, from `tools/` in the data folder, from the MCP servers of `mcp.json`.

    A tool that cannot be loaded is named with what is wrong with it.
    """
    from graphs.agents import load as load_agents
    from graphs.tools.mcp import FILE, Servers
    from graphs.tools.sources import listed, toolbox
    from gristmill.settings import load
    from notebooks.projects import folders, get

    home = load().home
    if project is not None:
        get(home, project)
    box, agents = toolbox(folders(home, project, "tools")), load_agents(folders(home, project, "agents"))
    servers = Servers(home / FILE)
    try:
        for tool in (told := await servers.tools())[0]:
            box.add(tool)
        problems = [*box.problems, *told[1]]
        having: dict[str, list[str]] = {}
        for agent in agents.agents:
            own = box.of(agent.job, agent.tools, agent.approval, agents.helpers_of(agent))
            for tool in (*own, *(box.of("reply") if agent.job == "code" else ())):  # which ends a further turn
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


@command.command("trust")
@click.argument("server", metavar="SERVER")
@click.option("--yes", is_flag=True, help="Do not ask.")
@speaks
async def trust(server: str, yes: bool) -> None:
    """Approve an MCP server of `mcp.json` as it is now: how it is begun, and what its tools say of themselves.

    A server is approved as it is when it is first seen. One that has changed since is not used before this.
    """
    from graphs.tools.mcp import FILE, BadServers, Servers
    from graphs.tools.trust import begins
    from gristmill.errors import Failed
    from gristmill.settings import load

    servers = Servers(load().home / FILE)
    try:
        given = servers.given(server)
        click.echo(f"{server} is begun by: {begins(given)}", err=True)
        if not yes:
            confirm("It runs with your rights, outside the sandbox. Approve of it?")
        _, tools = await servers.approve(server)
    except (BadServers, OSError) as fault:
        raise Failed(str(fault)) from None
    finally:
        await servers.close()
    click.echo(f"{server} is approved, with {', '.join(tools) or 'no tool'}.")
