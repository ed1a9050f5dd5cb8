"""The register of sandboxes: who exists, until when, and one kept warm for the next who asks."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from weakref import WeakSet

from kernel_gateway import environments
from kernel_gateway.environments import Environment
from kernel_gateway.errors import SandboxFailed
from kernel_gateway.host import Host
from kernel_gateway.relay import Lost, ask
from kernel_gateway.sandbox import Sandbox

log = logging.getLogger("kernel_gateway")

ENVD_VERSION = "0.6.4"
TEMPLATE = "code-interpreter-v1"
_MAX_SECONDS = 7 * 24 * 3600
_REFILL_SECONDS = 3.0  # a sandbox taken is replaced only now, when its taker's first cell has run
_IDEMPOTENCY_SECONDS = 600.0


class Missing(Exception):
    """No sandbox has this id."""


class Conflict(Exception):
    """The request does not fit what is: a used idempotency key, a sandbox that is paused already."""


class BadRequest(Exception):
    """The request asks for what cannot be; the message says why."""


@dataclass
class Record:
    """One sandbox as the control plane shows it, and the running thing itself."""

    id: str
    template: str
    sandbox: Sandbox
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    traffic_token: str = field(default_factory=lambda: secrets.token_hex(16))
    metadata: dict[str, str] = field(default_factory=dict)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    deadline: float = 0.0  # on the monotonic clock: a jump of the wall clock ends no sandbox
    timer: asyncio.TimerHandle | None = None
    envs: dict[str, str] = field(default_factory=dict)
    seconds: int = 300
    paused: bool = False
    auto_pause: bool = False
    auto_resume: bool = False
    public: bool = True
    host_mask: str | None = None
    connections: WeakSet[asyncio.WriteTransport] = field(default_factory=WeakSet)

    def attach(self, connection: asyncio.WriteTransport) -> None:
        """Remember a connection with its service, which a pause cuts: a stopped service would leave it hanging."""
        if self.paused:
            connection.abort()
        else:
            self.connections.add(connection)

    @property
    def ends(self) -> datetime:
        """When it will be ended, on the wall clock as it now runs."""
        return datetime.now(UTC) + timedelta(seconds=self.deadline - time.monotonic())


class Sandboxes:
    """All sandboxes of this gateway."""

    def __init__(self, host: Host, domain: str, home: Path, parked: int = 1) -> None:
        self.host, self.domain, self._home = host, domain, home
        self.last_used = time.monotonic()
        self._records: dict[str, Record] = {}
        self._parked: list[tuple[str, Sandbox]] = []
        self._park = parked
        self._refill_timer: asyncio.TimerHandle | None = None
        self._promises: dict[str, tuple[str, asyncio.Task[Record]]] = {}
        self._closed = False

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records.values())

    def __len__(self) -> int:
        return len(self._records)

    def find(self, sandbox_id: str) -> Record:
        """The sandbox of this id, running or paused; raises `Missing`."""
        record = self._records.get(sandbox_id)
        if record is None:
            raise Missing(sandbox_id)
        return record

    async def create(self, body: dict[str, Any], key: str | None) -> Record:
        """Start a sandbox, or hand out the parked one. A repeated idempotency key gives the first one's answer."""
        if key is None:
            return await self._create(body)
        digest = json.dumps(body, sort_keys=True)
        if key not in self._promises:
            self._promises[key] = (digest, asyncio.create_task(self._create(body)))
            asyncio.get_running_loop().call_later(_IDEMPOTENCY_SECONDS, self._promises.pop, key, None)
        known, promise = self._promises[key]
        if known != digest:
            raise Conflict("This Idempotency-Key was used for another request; use a new one.")
        try:
            return await asyncio.shield(promise)
        except SandboxFailed:
            self._promises.pop(key, None)
            raise

    async def _create(self, body: dict[str, Any]) -> Record:
        template = str(body.get("templateID") or TEMPLATE)
        chosen = environments.find(self._home, template)
        seconds = check_seconds(body.get("timeout", 300))
        envs = _strings(body.get("envVars"), "envVars")
        metadata = _strings(body.get("metadata"), "metadata")
        if self._wants_network(body):
            raise BadRequest("Sandboxes on this host have no network; ask for allow_internet_access=False.")
        is_parked = chosen is None and bool(self._parked)
        name, sandbox = self._parked.pop() if is_parked else self._launch(template, chosen)
        record = Record(name, template, sandbox, metadata=metadata, envs=envs, seconds=seconds)
        record.auto_pause = body.get("autoPause") is True
        resuming = body.get("autoResume")
        record.auto_resume = isinstance(resuming, dict) and resuming.get("enabled") is True
        if isinstance(network := body.get("network"), dict):
            record.public = network.get("allowPublicTraffic") is not False
            mask = network.get("maskRequestHost")
            record.host_mask = mask if isinstance(mask, str) and mask.isprintable() else None
        try:
            await self._initialise(sandbox, {"envs": envs})
        except BaseException:
            sandbox.kill()
            raise
        if self._closed:
            sandbox.kill()
            raise SandboxFailed("The gateway is shutting down.")
        record.started = datetime.now(UTC)
        self._records[name] = record
        sandbox.on_end = lambda: self._forget(record)
        if sandbox.ended.is_set():
            self._forget(record)
        self._end_in(record, seconds)
        self._refill_later()
        return record

    @staticmethod
    def _wants_network(body: dict[str, Any]) -> bool:
        network = body.get("network")
        return body.get("allow_internet_access") is True or (
            isinstance(network, dict) and bool(network.get("allowOut"))
        )

    def pause(self, record: Record) -> None:
        """Stop everything in a sandbox where it stands, and whoever talks with it; raises `Conflict`."""
        if record.paused:
            raise Conflict(f"Sandbox {record.id} is already paused.")
        record.paused = True
        if record.timer is not None:
            record.timer.cancel()
        record.sandbox.pause()
        for connection in list(record.connections):
            connection.abort()

    def resume(self, record: Record, seconds: int) -> None:
        """Let a paused sandbox go on for so many seconds."""
        record.paused = False
        record.sandbox.resume()
        self._end_in(record, seconds)

    def extend(self, record: Record, seconds: int) -> None:
        """Move the end of a sandbox further away, never nearer."""
        if time.monotonic() + seconds > record.deadline:
            self._end_in(record, seconds)

    def end_in(self, record: Record, seconds: int) -> None:
        """Set the end of a sandbox, nearer or further."""
        self._end_in(record, seconds)

    def kill(self, record: Record) -> None:
        """End a sandbox at once."""
        self._forget(record)
        record.sandbox.kill()

    def park(self) -> None:
        """Keep one sandbox started for the next who asks."""
        self._refill_timer = None
        while not self._closed and len(self._parked) < self._park:
            try:
                name, sandbox = self._launch()
            except SandboxFailed as error:
                log.warning("no sandbox could be parked: %s", error)
                return
            self._parked.append((name, sandbox))
            sandbox.on_end = lambda gone=(name, sandbox): self._parked.remove(gone) if gone in self._parked else None  # type: ignore[misc]

    async def close(self) -> None:
        """End every sandbox and wait until each is gone."""
        self._closed = True
        if self._refill_timer is not None:
            self._refill_timer.cancel()
        ending = [record.sandbox for record in self] + [sandbox for _, sandbox in self._parked]
        for record in list(self):
            self.kill(record)
        for _, sandbox in list(self._parked):
            sandbox.kill()
        await asyncio.gather(*(sandbox.ended.wait() for sandbox in ending))

    def _launch(self, template: str = TEMPLATE, chosen: Environment | None = None) -> tuple[str, Sandbox]:
        name = "i" + secrets.token_hex(10)
        return name, self.host.launch(name, template, chosen)

    async def _initialise(self, sandbox: Sandbox, body: dict[str, Any]) -> None:
        asked = asyncio.create_task(ask(sandbox.address, "POST", "/init", body))
        ended = asyncio.create_task(sandbox.ended.wait())
        try:
            await asyncio.wait({asked, ended}, timeout=60, return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                said = sandbox.said or "it said nothing"
                raise SandboxFailed(f"The sandbox did not start: {said}")
            status, answer = asked.result()
        except Lost:
            await asyncio.wait({ended}, timeout=5)
            raise SandboxFailed(f"The sandbox did not start: {sandbox.said or 'it hung up'}") from None
        finally:
            asked.cancel()
            ended.cancel()
        if status >= 300:
            raise SandboxFailed(f"The sandbox did not start: {answer.decode('utf-8', 'replace')}")

    def _end_in(self, record: Record, seconds: int) -> None:
        record.deadline = time.monotonic() + seconds
        if record.timer is not None:
            record.timer.cancel()
        if not record.paused:
            at_end = self.pause if record.auto_pause else self.kill
            record.timer = asyncio.get_running_loop().call_later(seconds, at_end, record)

    def _forget(self, record: Record) -> None:
        self.last_used = time.monotonic()
        self._records.pop(record.id, None)
        if record.timer is not None:
            record.timer.cancel()

    def _refill_later(self) -> None:
        if self._park and self._refill_timer is None and not self._closed:
            self._refill_timer = asyncio.get_running_loop().call_later(_REFILL_SECONDS, self.park)


def check_seconds(value: Any) -> int:
    """A time-out in whole seconds; raises `BadRequest` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_SECONDS:
        raise BadRequest(f"The timeout must be whole seconds from 0 to {_MAX_SECONDS}, not {value!r}.")
    return value


def _strings(value: Any, name: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise BadRequest(f"{name} must be an object of strings.")
    return dict(value)
