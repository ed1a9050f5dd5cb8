"""`gristmill gateway`: the local sandbox host by itself, for programs that speak E2B's protocol."""

from __future__ import annotations

import json
import os
import sys
import threading

import click

from gristmill.commands.common import isolation
from gristmill.errors import DoorError


@click.command("gateway")
@click.option("--port", type=click.IntRange(0, 65535), default=3000, show_default=True, help="The port; 0 for any.")
@click.option("--api-key", metavar="KEY", help="What clients must send (default: E2B_API_KEY, else a new one).")
@click.option(
    "--allow-internet", is_flag=True, help="Let sandboxes reach public addresses, unless they are told not to."
)
@click.option(
    "--allow-packages/--no-packages",
    default=None,
    help="Whether sandboxes may install packages from the index of this machine's pip (default: GRISTMILL_PACKAGES).",
)
@isolation
def command(port: int, api_key: str | None, allow_internet: bool, allow_packages: bool | None) -> None:
    """Run the local sandbox host by itself, on 127.0.0.1.

    It prints the lines to export: with them set, any program that uses the e2b or e2b-code-interpreter package has its
    sandboxes here. Gristmill starts a gateway by itself when it needs one. Ctrl-C ends it, and its sandboxes.
    """
    from gristmill.settings import load
    from kernel_gateway.__main__ import main

    try:
        settings = load()
    except DoorError as error:
        raise click.UsageError(str(error)) from error
    receiving, sending = os.pipe()
    told = threading.Thread(target=_tell, args=(receiving,))
    told.start()
    options = ["--port", str(port), "--home", str(settings.home), "--isolation", settings.isolation]
    options += ["--api-key", api_key] if api_key else []
    options += ["--allow-internet"] if allow_internet else []
    may_install = settings.packages if allow_packages is None else allow_packages
    options += ["--allow-packages" if may_install else "--no-packages"]
    status = main([*options, "--ready-fd", str(sending)])
    told.join()
    sys.exit(status)


def _tell(receiving: int) -> None:
    """Print what the gateway says once it is ready: how to reach it. It says for itself why it is not."""
    with os.fdopen(receiving) as pipe:
        text = pipe.read()
    facts = json.loads(text) if text else {}
    if "url" in facts:
        click.echo(f"export E2B_API_URL={facts['url']}")
        click.echo(f"export E2B_SANDBOX_URL={facts['url']}")
        click.echo(f"export E2B_API_KEY={facts['api_key']}")
        click.echo(f"Ready: process {facts['pid']}, isolation {facts['isolation']}. Ctrl-C ends it.", err=True)
