"""`gristmill open`: the dashboard of the server that is running, in a browser."""

from __future__ import annotations

import click

from gristmill.commands.common import speaks


@click.command("open")
@click.option("--link", is_flag=True, help="Print the address with its token instead: whoever has it is let in.")
@speaks
async def command(link: bool) -> None:
    """Open the dashboard that `gristmill serve` runs in a browser.

    The token goes there in a file that only you can read, and is not printed. For a browser on another machine, --link
    prints the address that it needs.
    """
    from gristmill import discovery
    from gristmill.errors import Failed
    from gristmill.settings import load

    home = load().home
    running = await discovery.find_server(home)
    if running is None:
        raise Failed(f"No server is running on the data folder {home}; `gristmill serve` starts one.")
    if link:
        click.echo(running.link)
    elif discovery.open_browser(home, running):
        click.echo(f"Opened {running.url} in a browser.")
    else:
        raise Failed(f"There is no browser here to open {running.url}; `gristmill open --link` prints what one needs.")
