"""Finds a sandbox host and opens sandboxes on it, as the E2B SDK's own `AsyncSandbox`.

With `E2B_API_KEY` set that is E2B's cloud. With `E2B_API_URL` too, whatever answers there. With neither, or with
`GRISTMILL_SANDBOX=local`, the gateway of this home: a live one is reused, otherwise one is started.
"""

# ruff: noqa: ASYNC109 - `timeout` is how long a sandbox lives, not how long a call may take

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, urlencode, urlsplit

from kernel_gateway import sdk
from kernel_gateway.errors import GatewayError, GatewayUnavailable, NoIsolation, SandboxFailed, SandboxGone

if TYPE_CHECKING:
    from e2b_code_interpreter import AsyncSandbox

__all__ = [
    "GatewayError",
    "GatewayStatus",
    "GatewayUnavailable",
    "Host",
    "NoIsolation",
    "SandboxFailed",
    "SandboxGone",
    "connect_sandbox",
    "connection",
    "end_sandbox",
    "find_host",
    "gateway_status",
    "leave_host",
    "list_sandboxes",
    "live_sandboxes",
    "load_sdk",
    "on_live",
    "open_sandbox",
    "read_log",
    "stop_host",
]

_IDLE_SECONDS = 60
_LOOKED_AT = 300  # seconds that a sandbox lives at least once somebody has looked at it
_LOG_LIMIT = 1 << 20
_PASSED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
_LIMITS = ("GRISTMILL_SANDBOX_MEMORY", "GRISTMILL_SANDBOX_PROCESSES", "GRISTMILL_VOLUME_SIZE")
_OPTIONS = ("GRISTMILL_PACKAGES", "GRISTMILL_PRELOAD")
_FOR_PACKAGES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")

_started: dict[Path, subprocess.Popen[bytes]] = {}
_left: list[subprocess.Popen[bytes]] = []  # held, since Python complains of a process that nobody holds or waits for


@dataclass(frozen=True)
class Host:
    """Where sandboxes come from. The URLs are None for E2B's cloud; `isolation` is what a sandbox is kept in by."""

    kind: Literal["local", "e2b"]
    isolation: str
    api_url: str | None
    sandbox_url: str | None
    api_key: str


@dataclass(frozen=True)
class GatewayStatus:
    """A live local gateway."""

    url: str
    pid: int
    isolation: str


async def find_host(
    home: Path, *, isolation: str = "bubblewrap", starting: Callable[[], object] = lambda: None
) -> Host:
    """The host to use, started if need be, of which `starting` is told first, in a thread: it takes some seconds.

    Raises `NoIsolation` when this machine cannot isolate sandboxes, and `GatewayUnavailable` when the local gateway
    does not come up; both say what to do.
    """
    key, url = os.environ.get("E2B_API_KEY"), os.environ.get("E2B_API_URL")
    if key and os.environ.get("GRISTMILL_SANDBOX") != "local":
        if url is None:
            return Host("e2b", "microvm", None, None, key)
        facts = await asyncio.to_thread(_ask_health, url, key)
        kind = str(facts.get("isolation", "microvm")) if facts else "microvm"
        return Host("local" if facts else "e2b", kind, url, os.environ.get("E2B_SANDBOX_URL"), key)
    endpoint = await asyncio.to_thread(_find_or_start, _whole(home), isolation, starting)
    _bypass_proxy()
    return Host("local", str(endpoint["isolation"]), endpoint["url"], endpoint["url"], endpoint["api_key"])


async def on_live[T](find: Callable[[], Awaitable[Host]], do: Callable[[Host], Awaitable[T]]) -> T:
    """What `do` gives on the host that `find` finds; where that has died meanwhile, on the one that is there then."""
    host = await find()
    try:
        return await do(host)
    except GatewayError:
        if (now := await find()) == host:
            raise
    return await do(now)


def load_sdk() -> None:
    """Import E2B's SDK, as far as it is needed, before anybody waits for it."""
    sdk.load()


async def stop_host(host: Host, home: Path) -> None:
    """End the gateway of `home` if this process started it, and wait until it and its sandboxes are gone."""
    process = _started.pop(_whole(home), None)
    if host.kind == "local" and process is not None:
        await asyncio.to_thread(_stop, process)


def leave_host(home: Path) -> None:
    """Leave the gateway of `home`, if this process started it, to others: unused it ends by itself."""
    if (process := _started.pop(_whole(home), None)) is not None:
        _left.append(process)


async def open_sandbox(
    host: Host,
    *,
    timeout: int = 3600,
    metadata: dict[str, str] | None = None,
    envs: dict[str, str] | None = None,
    template: str | None = None,
) -> AsyncSandbox:
    """A new sandbox without network, which ends by itself after `timeout` seconds. `template` names its environment.

    Raises `SandboxFailed` when the host refuses, `GatewayUnavailable` when it cannot be reached.
    """
    from e2b import SandboxException
    from e2b_code_interpreter import AsyncSandbox

    with _transport_errors(host):
        try:
            return await AsyncSandbox.create(
                template, timeout, metadata=metadata, envs=envs, allow_internet_access=False, **connection(host)
            )
        except SandboxException as error:
            raise SandboxFailed(f"The sandbox could not be created: {error}") from error


async def connect_sandbox(host: Host, sandbox_id: str, *, timeout: int = 3600) -> AsyncSandbox:
    """The sandbox of this id, kept for at least `timeout` seconds more; raises `SandboxGone` when there is none."""
    from e2b import SandboxException, SandboxNotFoundException
    from e2b_code_interpreter import AsyncSandbox

    with _transport_errors(host):
        try:
            return await AsyncSandbox.connect(sandbox_id, timeout=timeout, **connection(host))
        except SandboxNotFoundException as error:
            raise SandboxGone(f"The sandbox {sandbox_id} is gone: it was ended or its time-out passed.") from error
        except SandboxException as error:
            raise SandboxFailed(f"The sandbox {sandbox_id} could not be reached: {error}") from error


async def live_sandboxes(host: Host, metadata: dict[str, str]) -> list[AsyncSandbox]:
    """The sandboxes that run now and were made with this metadata, for some minutes at least. Raises GatewayError."""
    live: list[AsyncSandbox] = []
    for sandbox_id, _ in await list_sandboxes(host, metadata):
        with contextlib.suppress(SandboxGone):  # it has ended meanwhile
            live.append(await connect_sandbox(host, sandbox_id, timeout=_LOOKED_AT))
    return live


async def list_sandboxes(host: Host, metadata: dict[str, str]) -> list[tuple[str, dict[str, str]]]:
    """The ids of the sandboxes that run now and were made with this metadata, each with all of its own.

    Unlike `live_sandboxes` it gives none of them a longer life. Raises GatewayError.
    """
    from e2b import SandboxException, SandboxQuery, SandboxState
    from e2b_code_interpreter import AsyncSandbox

    found: list[tuple[str, dict[str, str]]] = []
    with _transport_errors(host):
        try:
            pages = AsyncSandbox.list(
                query=SandboxQuery(metadata=metadata, state=[SandboxState.RUNNING]), **connection(host)
            )
            while pages.has_next:
                found += [(s.sandbox_id, s.metadata) for s in await pages.next_items()]
        except SandboxException as error:
            raise SandboxFailed(f"The sandboxes cannot be listed: {error}") from error
    return found


async def end_sandbox(host: Host, sandbox_id: str) -> None:
    """End a sandbox, if it is there still. Raises GatewayError."""
    from e2b import SandboxException
    from e2b_code_interpreter import AsyncSandbox

    with _transport_errors(host):
        try:
            await AsyncSandbox.kill(sandbox_id, **connection(host))
        except SandboxException as error:
            raise SandboxFailed(f"The sandbox {sandbox_id} could not be ended: {error}") from error


def gateway_status(home: Path) -> GatewayStatus | None:
    """The live gateway of `home`, or None."""
    endpoint = _live(_whole(home) / "gateway")
    return GatewayStatus(endpoint["url"], endpoint["pid"], endpoint["isolation"]) if endpoint else None


def read_log(home: Path, sandbox_id: str, since: int = 0, level: str = "") -> list[dict[str, Any]]:
    """What a sandbox said from a moment on, in milliseconds since 1970: timestamp, message, level, fields of each.

    Asks the host that `E2B_API_URL` and `E2B_API_KEY` name, else the live gateway of `home`; starts none.
    Raises `GatewayUnavailable` when there is none, `SandboxGone` when it has no log of this sandbox.
    """
    url, key = os.environ.get("E2B_API_URL"), os.environ.get("E2B_API_KEY")
    if not url or not key:
        endpoint = _live(_whole(home) / "gateway")
        if endpoint is None:
            raise GatewayUnavailable(f"No gateway runs for {home}, and E2B_API_URL and E2B_API_KEY name no other.")
        url, key = endpoint["url"], endpoint["api_key"]
    query = urlencode({"cursor": since, "level": level})
    answer = _get(url, key, f"/v2/sandboxes/{quote(sandbox_id, safe='')}/logs?{query}")
    if answer is None:
        raise GatewayUnavailable(f"The sandbox host at {url} cannot be reached.")
    status, body = answer
    if status == 404:
        raise SandboxGone(f"There is no log of a sandbox {sandbox_id}: it never was, or its end is too long ago.")
    if status != 200 or not isinstance(body, dict):
        raise GatewayUnavailable(f"The sandbox host at {url} answered with status {status}.")
    found: list[dict[str, Any]] = body["logs"]
    return found


@contextlib.contextmanager
def _transport_errors(host: Host) -> Iterator[None]:
    import httpx

    try:
        yield
    except httpx.TransportError as error:
        where = host.api_url or "E2B's cloud"
        raise GatewayUnavailable(f"The sandbox host at {where} cannot be reached: {error}") from error


def _whole(home: Path) -> Path:
    return home.expanduser().absolute()


def _bypass_proxy() -> None:
    """Keep the SDK from asking a proxy for the loopback: its HTTP client heeds `HTTP_PROXY`, even for 127.0.0.1."""
    for name in ("NO_PROXY", "no_proxy"):
        listed = [entry for entry in os.environ.get(name, "").split(",") if entry]
        if "127.0.0.1" not in listed:
            os.environ[name] = ",".join([*listed, "127.0.0.1", "localhost"])


def connection(host: Host) -> dict[str, Any]:
    """The keyword arguments by which the SDK's functions reach this host."""
    urls = {"api_url": host.api_url, "sandbox_url": host.sandbox_url}
    return {"api_key": host.api_key, **{name: url for name, url in urls.items() if url is not None}}


def _find_or_start(home: Path, isolation: str, starting: Callable[[], object]) -> dict[str, Any]:
    folder = home / "gateway"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        guard = os.open(folder / "start.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise GatewayUnavailable(f"The data folder {home} cannot be written: {error.strerror}.") from None
    try:
        fcntl.flock(guard, fcntl.LOCK_EX)  # two programs that start at once share one gateway
        if (endpoint := _live(folder)) is None:
            starting()
            endpoint = _start(home, folder, isolation)
    finally:
        os.close(guard)
    if endpoint["isolation"] == "none" and isolation != "none":
        raise NoIsolation(
            f"The gateway of {home} runs without isolation (process {endpoint['pid']}). "
            f"End it with `kill {endpoint['pid']}`, or ask for `--isolation none` yourself."
        )
    return endpoint


def _live(folder: Path) -> dict[str, Any] | None:
    try:
        endpoint: dict[str, Any] = json.loads((folder / "endpoint.json").read_text())
        facts = _ask_health(endpoint["url"], endpoint["api_key"])
    except (OSError, ValueError, KeyError):
        return None
    return endpoint if facts is not None and facts.get("pid") == endpoint.get("pid") else None


def _ask_health(url: str, key: str) -> dict[str, Any] | None:
    """What a gateway of ours says about itself; None when there is none at `url`, or it does not know the key."""
    if urlsplit(url).scheme != "http":
        return None
    status, facts = _get(url, key, "/health") or (0, None)
    return facts if status == 200 and isinstance(facts, dict) and "isolation" in facts else None


def _get(url: str, key: str, path: str) -> tuple[int, Any] | None:
    """The status and the JSON of an answer; None where none comes."""
    parts = urlsplit(url)
    # Where nobody listens that is said at once; a gateway that is given up as dead would be in the next one's way.
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.request("GET", path, headers={"X-API-KEY": key})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _start(home: Path, folder: Path, isolation: str) -> dict[str, Any]:
    log = folder / "gateway.log"
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
    ready, ready_end = os.pipe()
    command = [sys.executable, "-m", "kernel_gateway", "--home", str(home), "--port", "0"]
    command += ["--idle-exit", str(_IDLE_SECONDS), "--isolation", isolation, "--ready-fd", str(ready_end)]
    try:
        with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as output:
            process = subprocess.Popen(
                command,
                env=_environment(),
                cwd=Path(__file__).resolve().parents[1],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(ready_end,),
                start_new_session=True,
            )
    finally:
        os.close(ready_end)
    said = _read_all(ready)
    if "api_key" in said:
        _started[home] = process
        return said
    process.wait()
    if said.get("error") == "NoIsolation":
        raise NoIsolation(said["message"])
    raise GatewayUnavailable(said.get("message") or f"The sandbox host did not start; its log is {log}.")


def _environment() -> dict[str, str]:
    """What a program needs to run, and pip to reach its index: no model's key, no other secret of the caller's."""

    def is_passed(name: str) -> bool:
        return name in (*_PASSED, *_LIMITS, *_OPTIONS) or name.upper() in _FOR_PACKAGES or name.startswith("PIP_")

    return {name: value for name, value in os.environ.items() if is_passed(name)}


def _read_all(descriptor: int) -> dict[str, Any]:
    """The one JSON object that the gateway writes when it is ready, or cannot be; empty when it died silently."""
    with open(descriptor, "rb") as pipe:
        data = pipe.read()
    return json.loads(data) if data else {}


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()  # its sandboxes die with it
        process.wait()
