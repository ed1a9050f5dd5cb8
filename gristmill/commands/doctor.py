"""`gristmill doctor`: what this machine has and enforces, and how to mend what is not as it should be."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click

from gristmill.commands.common import as_json, backend, emit, speaks
from gristmill.settings import Settings, load
from gristmill.terminal import progress

PACKAGES = (
    "click",
    "duckdb",
    "e2b-code-interpreter",
    "fastapi",
    "ipykernel",
    "langgraph",
    "nbformat",
    "openai",
    "pandas",
    "panel",
    "papermill",
    "pydantic",
    "scikit-learn",
    "scipy",
    "statsmodels",
)


@dataclass(frozen=True)
class Line:
    """One thing that was looked at. A `warn` can be lived with; a `fail` keeps the main job from running."""

    state: Literal["ok", "warn", "fail"]
    name: str
    detail: str


@click.command("doctor")
@click.option("--record", is_flag=True, help="Read every file of the record instead, and list what is damaged.")
@as_json
@speaks
async def command(record: bool, as_json: bool) -> int:
    """Check this machine: packages, isolation, data folder, port.

    Exit status 1 when something keeps Gristmill from working, or with --record when a file is damaged or missing.
    """
    from gristmill.terminal import console, pieces

    if record:
        return await _record(as_json)

    settings = load()
    lines: list[Line] = []
    screen = console.make()
    styles = {"ok": "green", "warn": "yellow", "fail": "bold red"}
    for look in (_python, _packages, _conflict, _sandboxes, _isolation, _environments, _folder, _server, _browser):
        progress.doing(f"looking at the {look.__name__.strip('_')}")
        found = list(look(settings))
        lines += found
        if as_json:
            continue
        from rich.text import Text

        for line in found:
            lead = Text(f"{line.state:<5}", style=styles[line.state]) + Text(f"{line.name:<36} ")
            pieces.say(screen, line.detail, lead=lead)
    good = all(line.state != "fail" for line in lines)
    if as_json:
        emit({"ok": good, "checks": lines})
    else:
        screen.print()
        screen.print("All is well." if good else "Mend what is marked fail; then this machine is ready.")
    return 0 if good else 1


async def _record(as_json: bool) -> int:
    """Look at the bytes of every artifact, through the running server when there is one."""
    from artifacts.store import ArtifactDamaged
    from gristmill.terminal.words import counted

    files, damaged = 0, list[ArtifactDamaged]()
    async with backend("reading the files") as opened:
        async for step in opened.check():
            files = step.of
            progress.note(f"{step.done:,} of {step.of:,}")
            damaged += step.damaged
    if as_json:
        emit({"ok": not damaged, "files": files, "damaged": [{"artifact": e.artifact, "why": e.why} for e in damaged]})
        return 1 if damaged else 0
    for error in damaged:
        click.echo(str(error))
    if damaged:
        click.echo(f"\nDamaged: {counted(len(damaged), 'artifact')}. Read: {counted(files, 'file')}.")
    else:
        click.echo(f"All is well: {counted(files, 'file')}, each as it was stored.")
    return 1 if damaged else 0


def _python(_: Settings) -> Iterator[Line]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Line("ok", "python", f"{version} at {sys.executable}")  # an older one cannot even read this file


def _packages(_: Settings) -> Iterator[Line]:
    missing, have = [], []
    for name in PACKAGES:
        try:
            have.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        yield Line("fail", "packages", f"{', '.join(missing)} not installed; run `make setup` again.")
    else:
        yield Line("ok", "packages", ", ".join(have))


def _conflict(_: Settings) -> Iterator[Line]:
    """`kernel_gateway` is also what the jupyter_kernel_gateway distribution is imported as."""
    import kernel_gateway

    try:
        version = importlib.metadata.version("jupyter_kernel_gateway")
    except importlib.metadata.PackageNotFoundError:
        ours = Path(kernel_gateway.__file__ or "").parent
        yield Line("ok", "kernel_gateway", f"ours, at {ours}")
        return
    yield Line(
        "fail",
        "kernel_gateway",
        f"jupyter_kernel_gateway {version} is installed here and has the same import name. The two cannot share an "
        "environment: pip uninstall jupyter_kernel_gateway.",
    )


def _sandboxes(settings: Settings) -> Iterator[Line]:
    if os.environ.get("E2B_API_KEY") and os.environ.get("GRISTMILL_SANDBOX") != "local":
        where = os.environ.get("E2B_API_URL") or "E2B's cloud"
        yield Line("ok", "sandboxes", f"in {where}, since E2B_API_KEY is set; GRISTMILL_SANDBOX=local keeps them here.")
        return
    if settings.isolation == "none":
        yield Line("warn", "sandboxes", "WITHOUT ISOLATION, as GRISTMILL_ISOLATION says; only on a disposable machine.")
        return
    program = shutil.which("bwrap")
    if program is None:
        yield Line("fail", "sandboxes", "bubblewrap is missing. On Debian or Ubuntu: sudo apt-get install bubblewrap.")
    else:
        yield Line("ok", "sandboxes", f"on this machine, with {program}")


def _isolation(settings: Settings) -> Iterator[Line]:
    from kernel_gateway.client import GatewayError
    from kernel_gateway.self_check import isolation_report

    if settings.isolation == "none" or shutil.which("bwrap") is None:
        return
    try:
        checks = isolation_report()
    except GatewayError as error:
        yield Line("fail", "isolation", str(error))
        return
    for check in checks:
        yield Line("ok" if check.enforced else "warn", f"isolation: {check.name}", check.detail)


def _environments(settings: Settings) -> Iterator[Line]:
    from kernel_gateway.environments import environments

    for one in environments(settings.home):
        stale, about = one.stale(), f"Python {one.python}, {len(one.packages)} packages, built {one.built}"
        yield Line(
            "warn" if stale or one.warnings else "ok", f"environment: {one.name}", _told(stale, about, one.warnings)
        )


def _told(stale: str | None, about: str, warnings: tuple[str, ...]) -> str:
    return stale or ". ".join((about, *(warning.rstrip(".") for warning in warnings)))


def _folder(settings: Settings) -> Iterator[Line]:
    home = settings.home
    there = next(p for p in (home, *home.parents) if p.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield Line("fail", "data folder", f"{home} cannot be written: {there} is not yours. Set GRISTMILL_HOME.")
        return
    free = shutil.disk_usage(there).free
    from gristmill.terminal.words import size

    state: Literal["ok", "warn"] = "ok" if free > 1 << 30 else "warn"
    yield Line(state, "data folder", f"{home}, {size(free)} free")


def _server(settings: Settings) -> Iterator[Line]:
    from gristmill import discovery

    server = discovery.read(settings.home)
    if server is not None and discovery.answers(server):
        yield Line("ok", "server", f"running at {server.url}, process {server.pid}")
        return
    from gristmill.errors import Misuse
    from gristmill.sockets import bind

    try:
        bind(settings.host, settings.port).close()
    except Misuse as error:
        yield Line("warn", "port", str(error))
    else:
        yield Line("ok", "port", f"{settings.port} on {settings.host} is free")


def _browser(_: Settings) -> Iterator[Line]:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next((path for path in map(shutil.which, names) if path), None)
    yield Line("ok", "chromium", found or "not installed; only the dashboard's own tests need it")
