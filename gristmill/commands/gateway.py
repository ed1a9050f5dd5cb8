"""`gristmill gateway`: the local sandbox host by itself, for programs that speak E2B's protocol."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading

import click

from gristmill.commands.common import as_json, isolation, speaks
from gristmill.errors import DoorError
from gristmill.terminal import progress

LEVELS = ("debug", "info", "warn", "error")
_LOOK_SECONDS = 0.4


@click.group("gateway", invoke_without_command=True)
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
@click.pass_context
def command(
    context: click.Context, port: int, api_key: str | None, allow_internet: bool, allow_packages: bool | None
) -> None:
    """Run the local sandbox host by itself, on 127.0.0.1.

    It prints the lines to export: with them set, any program that uses the e2b or e2b-code-interpreter package has its
    sandboxes here. Gristmill starts a gateway by itself when it needs one. Ctrl-C ends it, and its sandboxes.
    """
    if context.invoked_subcommand is not None:
        return
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


@command.command("logs")
@click.argument("sandbox", metavar="SANDBOX")
@click.option("-f", "--follow", is_flag=True, help="Go on until the sandbox has ended.")
@click.option("--level", type=click.Choice(LEVELS), default="info", show_default=True, help="The least that is shown.")
@as_json
@speaks
async def logs(sandbox: str, follow: bool, level: str, as_json: bool) -> None:
    """Print what the processes and cells of a sandbox said, and what became of it.

    The log holds the last quarter of a mebibyte, and is kept for an hour after the sandbox's end. Values of the
    environment do not appear in it.
    """
    from datetime import datetime

    from gristmill.settings import load
    from gristmill.terminal.words import clean
    from kernel_gateway.client import read_log

    home, since, ended = load().home, 0, False
    while True:
        found = read_log(home, sandbox, since, "debug")
        progress.hush()
        for entry in found:
            since = int(datetime.fromisoformat(entry["timestamp"]).timestamp() * 1000 + 0.5) + 1
            ended = ended or entry["fields"].get("event") == "ended"
            if LEVELS.index(entry["level"]) >= LEVELS.index(level):
                line = f"{entry['timestamp'][:23]}  {entry['level']:<5}  {entry['message']}"
                click.echo(json.dumps(entry, ensure_ascii=False) if as_json else clean(line))
        if not found and (not follow or ended):
            return
        if not found:
            await asyncio.sleep(_LOOK_SECONDS)


def _tell(receiving: int) -> None:
    """Print what the gateway says once it is ready: how to reach it. It says for itself why it is not."""
    with os.fdopen(receiving) as pipe:
        text = pipe.read()
    facts = json.loads(text) if text else {}
    progress.hush()
    if "url" in facts:
        for name in ("E2B_API_URL", "E2B_SANDBOX_URL", "E2B_VOLUME_API_URL"):
            click.echo(f"export {name}={facts['url']}")
        click.echo(f"export E2B_API_KEY={facts['api_key']}")
        click.echo(f"Ready: process {facts['pid']}, isolation {facts['isolation']}. Ctrl-C ends it.", err=True)
