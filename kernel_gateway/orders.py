"""What the gateway itself has the service inside a sandbox do: run a command, take a file."""

from __future__ import annotations

import asyncio
import base64
import json
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from kernel_gateway.errors import SandboxFailed
from kernel_gateway.inside.http import Scope
from kernel_gateway.relay import Lost, relay

_BLOCK = 1 << 20
_MAX_EVENT = 8 << 20  # bytes; no honest event of a process is larger
_UPLOAD_SECONDS = 600
_ASK_READY_SECONDS = 0.2
_START = """rm -f /tmp/start.status
(setsid bash -l -c {command} </dev/null >/tmp/start.log 2>&1 || echo "exit status $?" >/tmp/start.status) &"""
_FAILED = "cat /tmp/start.status 2>/dev/null && tail -n 3 /tmp/start.log"


async def run(
    address: str,
    command: str,
    environment: Mapping[str, str],
    cwd: str,
    seconds: float,
    tell: Callable[[str], None] = lambda text: None,
    user: str = "",
) -> int:
    """Run a command in bash as the sandbox's user, or its root, and return its status; `tell` hears its output.

    Raises `SandboxFailed` when it does not end in time, or with the sandbox.
    """
    heard = bytearray()
    ended: list[int] = []

    async def send(message: Any) -> None:
        heard.extend(message.get("body", b""))
        if len(heard) > _MAX_EVENT:
            raise Lost(started=True)
        for event in _events(heard):
            output = event.get("data", {})
            if text := str(output.get("stdout") or output.get("stderr") or ""):
                tell(base64.b64decode(text).decode("utf-8", "replace"))
            if (end := event.get("end")) is not None:
                ended.append(int(end.get("exitCode", 0)) if end.get("exited") else 1)

    process = {"cmd": "/bin/bash", "args": ["-l", "-c", command], "envs": dict(environment), "cwd": cwd}
    data = json.dumps({"process": process, "stdin": False}).encode()
    body = b"\0" + len(data).to_bytes(4, "big") + data
    try:
        async with asyncio.timeout(seconds):
            await relay(
                address,
                _scope("/process.Process/Start", "", str(len(body)).encode(), "application/connect+json", user),
                _once(body),
                send,
            )
    except TimeoutError:
        raise SandboxFailed(f"It did not end within {seconds:.0f} seconds.") from None
    except (Lost, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise SandboxFailed("The sandbox ended meanwhile.") from None
    if not ended:
        raise SandboxFailed("It could not be started: is its working directory there?")
    return ended[0]


async def upload(address: str, path: str, file: Path) -> None:
    """Write a file of the host's into a sandbox; raises `SandboxFailed`."""
    status = 0

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    size = str(file.stat().st_size).encode()  # noqa: ASYNC240 - a look at a local file
    with file.open("rb") as source:

        async def receive() -> dict[str, Any]:
            block = await asyncio.to_thread(source.read, _BLOCK)
            return {"type": "http.request", "body": block, "more_body": bool(block)}

        scope = _scope("/files", urlencode({"path": path}), size, "application/octet-stream")
        try:
            async with asyncio.timeout(_UPLOAD_SECONDS):
                await relay(address, scope, receive, send)
        except (Lost, TimeoutError):
            raise SandboxFailed("The files could not be written: the sandbox ended meanwhile.") from None
    if status >= 300:
        raise SandboxFailed(f"The files could not be written into the sandbox (status {status}); is it full?")


async def begin(address: str, start: str, ready: str, environment: Mapping[str, str], seconds: float) -> None:
    """Start what a template wants to run in its sandboxes, and wait until it says that it is ready.

    Raises `SandboxFailed` when it has not done so in time, or has failed.
    """
    if start:
        await run(address, _START.format(command=shlex.quote(start)), environment, "", seconds)
    try:
        async with asyncio.timeout(seconds):
            while ready and await run(address, ready, environment, "", seconds):  # noqa: ASYNC110 - it can only be asked
                await asyncio.sleep(_ASK_READY_SECONDS)
    except TimeoutError:
        raise SandboxFailed(f"The template's {ready!r} did not succeed within {seconds:.0f} seconds.") from None
    said: list[str] = []
    if start and await run(address, _FAILED, environment, "", seconds, said.append) == 0:
        raise SandboxFailed(f"The template's start command {start!r} failed: {''.join(said).strip()}")


def _scope(path: str, query: str, size: bytes, kind: str, user: str = "") -> Scope:
    headers = [
        (b"host", b"sandbox"),
        (b"content-type", kind.encode()),
        (b"content-length", size),
        (b"connect-protocol-version", b"1"),
        (b"authorization", b"Basic " + base64.b64encode(f"{user}:".encode())),
    ]
    return {"method": "POST", "raw_path": path.encode(), "query_string": query.encode(), "headers": headers}


def _once(body: bytes) -> Callable[[], Any]:
    sent = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if sent.is_set():
            await asyncio.Event().wait()  # the one who asks stays until the answer
        sent.set()
        return {"type": "http.request", "body": body}

    return receive


def _events(heard: bytearray) -> list[dict[str, Any]]:
    """The events of a Connect stream that are complete in `heard`, which they are taken from."""
    events = []
    while len(heard) >= 5 and len(heard) >= 5 + (size := int.from_bytes(heard[1:5], "big")):
        told = json.loads(bytes(heard[5 : 5 + size]))
        del heard[: 5 + size]
        events.append(told.get("event", {}))
    return events
