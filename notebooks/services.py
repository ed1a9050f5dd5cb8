"""Services: programs that go on running in a run's sandbox beside its cells, and listen on a port."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kernel_gateway.client import Host, live_sandboxes
from notebooks.session import Session

if TYPE_CHECKING:
    from e2b_code_interpreter import AsyncSandbox

MOST = 8
"""Services of one sandbox at a time."""
WAIT = 10.0
"""Seconds that a service is waited for until it listens."""
LOG = 8_000
"""Characters of a log's end that are read."""

_MARK = "GRISTMILL_SERVICE"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_FOLDER = ".services"


class BadService(ValueError):
    """A service that cannot be had; the sentence says why."""


@dataclass(frozen=True)
class Service:
    """A service: its `url` opens it in a browser here, `log` is the end of what it has printed."""

    name: str
    command: str
    port: int
    pid: int
    url: str
    running: bool = True
    log: str = ""


async def start(session: Session, name: str, command: str, port: int) -> Service:
    """Start a service and wait until it listens on its port; one that does not is told with its log.

    Raises BadService for a name or port that it cannot have, SandboxGone.
    """
    if not _NAME.fullmatch(name):
        raise BadService(f"A service cannot be named {name!r}: use small letters, digits and -.")
    there = await services(session)
    if taken := next((s for s in there if s.name == name or s.port == port), None):
        raise BadService(f"The service {taken.name!r} runs on port {taken.port} already; stop it first.")
    if len(there) >= MOST:
        raise BadService(f"{MOST} services run already; stop one first.")
    await session.command(f"mkdir -p {_FOLDER}")
    handle = await session.sandbox.commands.run(
        f"exec > {_FOLDER}/{name}.log 2>&1; {command}",
        background=True,
        cwd="/home/user",
        envs={_MARK: f"{name} {port}", "PORT": str(port)},
        timeout=0,
    )
    pid = handle.pid
    await handle.disconnect()
    waits = f"for i in $(seq {int(WAIT * 10)}); do kill -0 {pid} 2>/dev/null || exit 3; "
    opened = f"(exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null && exit 0; sleep 0.1; done; exit 4"
    came = await session.command(f"bash -c {shlex.quote(waits + opened)}", limit=WAIT + 10)
    printed = await log(session, name)
    return Service(name, command, port, pid, _url(session.sandbox, port), running=came.exit_code != 3, log=printed)


async def services(session: Session) -> list[Service]:
    """The services that run now, by name."""
    return await _services(session.sandbox)


async def of_project(host: Host, project: str) -> list[Service]:
    """The services in the sandboxes of a project's runs, as far as these live. Raises GatewayError."""
    found = []
    for sandbox in await live_sandboxes(host, {"project": project}):
        found += await _services(sandbox)
    return found


async def _services(sandbox: AsyncSandbox) -> list[Service]:
    found = []
    for process in await sandbox.commands.list():
        name, _, port = process.envs.get(_MARK, "").partition(" ")
        if name and port.isdigit():
            told = (process.args or [""])[-1].partition("2>&1; ")[2]
            found.append(Service(name, told, int(port), process.pid, _url(sandbox, int(port))))
    return sorted(found, key=lambda s: s.name)


async def stop(session: Session, name: str) -> str:
    """Stop a service with all that it began; returns the end of its log. Raises BadService where there is none."""
    one = next((s for s in await services(session) if s.name == name), None)
    if one is None:
        raise BadService(f"No service {name!r} runs.")
    await session.command(f"pkill -TERM -P {one.pid}; kill -TERM {one.pid}; sleep 0.2; pkill -KILL -P {one.pid}; true")
    await session.sandbox.commands.kill(one.pid)
    return await log(session, name)


async def log(session: Session, name: str) -> str:
    """The end of what a service has printed."""
    if not _NAME.fullmatch(name):
        raise BadService(f"No service is named {name!r}.")
    return (await session.command(f"tail -c {LOG} {_FOLDER}/{name}.log 2>/dev/null || true")).stdout


def _url(sandbox: AsyncSandbox, port: int) -> str:
    host = sandbox.get_host(port)
    return f"{'http' if 'localhost' in host else 'https'}://{host}/"
