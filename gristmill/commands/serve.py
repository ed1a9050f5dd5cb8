"""`gristmill serve`: the dashboard, the REST interface and the scheduler."""

from __future__ import annotations

import sys

import click

from gristmill.commands.common import isolation, speaks
from gristmill.terminal import progress


@click.command("serve")
@click.option("--host", help="The address to listen on (default: GRISTMILL_HOST, or 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), help="The port (default: GRISTMILL_PORT, or 5006; 0 for any).")
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
@click.option("--new-token", is_flag=True, help="Make a new token: whoever has the old one is let in no more.")
@isolation
@speaks
async def command(host: str | None, port: int | None, no_browser: bool, new_token: bool) -> None:
    """Open the dashboard, the REST interface and the scheduler, on one port.

    The address that it prints carries a token, as Jupyter's does. The token is kept in the data folder, so that open
    pages find the server again when it is started anew. Ctrl-C or SIGTERM ends it; runs that are under way
    are marked interrupted, and `gristmill runs resume` takes them up again. Runs that wait for their turn begin when it
    is started again.
    """
    from gristmill import discovery
    from gristmill.errors import Misuse
    from gristmill.settings import load

    settings = load()
    if new_token:
        if settings.token:
            raise Misuse("GRISTMILL_TOKEN says which token the server has; change it there.")
        discovery.token(settings.home, new=True)
    host = host or settings.host
    click.echo("Starting the dashboard ...", err=True)
    progress.hush()
    from gristmill.server import serve

    def ready(link: str) -> None:
        if settings.isolation == "none":
            click.secho("WITHOUT ISOLATION: the code that runs here can do all that you can.", fg="red", err=True)
        if host not in ("127.0.0.1", "localhost", "::1"):
            click.echo(f"Open to the network on {host}: whoever has the token can run code here.", err=True)
            if host in ("0.0.0.0", "::") and not settings.allowed_hosts:
                click.echo("Name this machine in GRISTMILL_ALLOWED_HOSTS, or browsers elsewhere are refused.", err=True)
        click.echo(f"The dashboard is open at {link}")
        click.echo(f"Data folder {settings.home}. Ctrl-C ends it.")
        running = discovery.read(settings.home)
        if not no_browser and sys.stdout.isatty() and running is not None:
            discovery.open_browser(settings.home, running)

    await serve(settings, host=host, port=settings.port if port is None else port, ready=ready)
    click.echo("Closed; every run has been kept.", err=True)
