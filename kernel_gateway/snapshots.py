"""Snapshots: the files of a sandbox as one stream, kept in the gateway's own folder until somebody deletes them.

The service inside a sandbox packs and unpacks its files. The host takes what comes as bytes without meaning, up to a
limit, and hands them on to the service inside another sandbox; it never looks at a path in them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode

from kernel_gateway.errors import GatewayError, SandboxFailed
from kernel_gateway.inside.http import Scope
from kernel_gateway.relay import Lost, relay

log = logging.getLogger("kernel_gateway")

_BLOCK = 1 << 20
_SECONDS = 600  # for one snapshot to be taken or unpacked
_SPARE = 512 << 20  # bytes of the disk that are left to others
_NAME = re.compile(r"(?P<name>[a-z0-9][a-z0-9_-]{0,62})(:(?P<tag>[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}))?")
_MIB = 1 << 20
_MAX_SAID = 4096
_UPLOAD = ".upload"


class BadSnapshot(GatewayError):
    """The snapshot cannot be taken as it was asked for; the message says why."""


@dataclass(frozen=True)
class Snapshot:
    """A kept snapshot. `size` is in bytes, `taken` ISO 8601; `environment` is the template that its files lie over.

    One that a template's build has made has that `build`'s id, and the commands to `start` in each sandbox made from it
    and to be asked whether that is `ready`.
    """

    id: str
    environment: str
    sandbox: str
    size: int
    name: str | None = None
    taken: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    envs: dict[str, str] = field(default_factory=dict)
    private: bool = False  # the gateway's own, of which nobody is told and which no later gateway knows
    build: str = ""
    start: str = ""
    ready: str = ""

    @property
    def names(self) -> list[str]:
        """What it is called beside its id."""
        return [self.name] if self.name is not None else []

    @property
    def handle(self) -> str:
        """The id that clients are told: the name with its tag, or what stands for one."""
        return self.name or f"{self.id}:default"


class Snapshots:
    """The snapshots of one gateway, in `folder`. One holds at most `largest` bytes, all together `space`."""

    def __init__(self, folder: Path, largest: int, space: int) -> None:
        self._folder, self._largest, self._space = folder, largest, space
        self._kept: dict[str, Snapshot] = {}
        self._taking = 0  # bytes that snapshots under way have written
        self._load()

    def all(self) -> list[Snapshot]:
        """Every snapshot that clients may know of, newest first."""
        return sorted(
            (one for one in self._kept.values() if not one.private), key=lambda one: (one.taken, one.id), reverse=True
        )

    def find(self, name: str) -> Snapshot | None:
        """The snapshot of this id or name, with or without its tag; None when there is none."""
        handle = name if ":" in name else f"{name}:default"
        return next((one for one in self.all() if handle in (one.name, f"{one.id}:default")), None)

    async def take(
        self,
        address: str,
        sandbox: str,
        environment: str,
        envs: dict[str, str],
        opened: Callable[[asyncio.WriteTransport], None],
        name: str | None = None,
        private: bool = False,
        **facts: str,
    ) -> Snapshot:
        """Keep what the service at `address` packs; a snapshot that has `name` already is replaced.

        `facts` are `build`, `start` and `ready` of a template's.

        Raises `BadSnapshot` when it is too large, `SandboxFailed` when the service does not finish.
        """
        if name is not None:
            name = full_name(name)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        key = secrets.token_hex(10)
        part = self._folder / f"{key}.part"
        try:
            size = await self._fetch(address, part, opened)
            snapshot = Snapshot(key, environment, sandbox, size, name, envs=envs, private=private, **facts)
            await asyncio.to_thread(_commit, part, snapshot)
            replaced = self._keep(snapshot)
        finally:
            for kind in ("part", "tar") if key not in self._kept else ():
                (self._folder / f"{key}.{kind}").unlink(missing_ok=True)
            self._tidy()
        for older in replaced:
            self.delete(older)
        return snapshot

    async def copy(self, snapshot: Snapshot, name: str) -> Snapshot:
        """Keep the same files under one more name; a snapshot that has it already is replaced. Raises `BadSnapshot`."""
        key = secrets.token_hex(10)
        part = self._folder / f"{key}.part"
        copied = replace(snapshot, id=key, name=full_name(name))
        try:
            os.link(self._folder / f"{snapshot.id}.tar", part)
        except OSError as error:
            raise BadSnapshot(f"The snapshot {snapshot.handle} cannot be given a name: {error.strerror}.") from None
        await asyncio.to_thread(_commit, part, copied)
        for older in self._keep(copied):
            self.delete(older)
        return copied

    def _keep(self, snapshot: Snapshot) -> list[Snapshot]:
        """Count a snapshot, and return those whose name it takes."""
        replaced = [one for one in self._kept.values() if snapshot.name is not None and one.name == snapshot.name]
        self._kept[snapshot.id] = snapshot
        return replaced

    async def restore(self, snapshot: Snapshot, address: str, volumes: Iterable[str] = ()) -> None:
        """Have the service at `address` unpack a snapshot around the `volumes` there; raises `SandboxFailed`."""
        try:
            file = (self._folder / f"{snapshot.id}.tar").open("rb")
        except OSError as error:
            raise SandboxFailed(f"The snapshot {snapshot.handle} cannot be read: {error.strerror}.") from None
        with file:
            status, said = await _hand_over(address, file, snapshot.size, volumes)
        if status >= 300:
            raise SandboxFailed(f"The snapshot {snapshot.handle} could not be unpacked: {_message(said)}")

    def delete(self, snapshot: Snapshot) -> None:
        """Remove a snapshot. Sandboxes made from it have files of their own."""
        self._kept.pop(snapshot.id, None)
        for kind in ("json", "tar"):  # the first is what makes the other count
            (self._folder / f"{snapshot.id}.{kind}").unlink(missing_ok=True)
        self._tidy()

    async def hold(self, chunks: AsyncIterator[bytes], most: int) -> Path:
        """Write to a file what a client sends to be copied into a sandbox, at most so many bytes; raises `BadSnapshot`.

        Until `let_go`; a later gateway removes what this one has not.
        """
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path = self._folder / f"{secrets.token_hex(10)}{_UPLOAD}"
        left = most
        try:
            with await asyncio.to_thread(path.open, "wb") as file:
                async for chunk in chunks:
                    left -= len(chunk)
                    if left < 0:
                        raise BadSnapshot(f"The files to copy exceed {most // _MIB} MiB; copy fewer of them.")
                    if shutil.disk_usage(self._folder).free - len(chunk) < _SPARE:
                        raise BadSnapshot("The disk that uploads are kept on is full; make room.")
                    await asyncio.to_thread(file.write, chunk)
        except BaseException:
            self.let_go(path)
            raise
        return path

    def let_go(self, path: Path) -> None:
        """Remove a file that was held."""
        path.unlink(missing_ok=True)
        self._tidy()

    def close(self) -> None:
        """Remove what is private, and what is held."""
        for snapshot in [one for one in self._kept.values() if one.private]:
            self.delete(snapshot)
        for path in list(self._folder.glob(f"*{_UPLOAD}")):
            self.let_go(path)

    def _tidy(self) -> None:
        """Remove the folder once it is empty."""
        with contextlib.suppress(OSError):
            self._folder.rmdir()

    def _load(self) -> None:
        """Read what an earlier gateway kept, and remove what it did not finish."""
        if not self._folder.is_dir():
            return
        for file in self._folder.glob("*.json"):
            try:
                snapshot = Snapshot(**json.loads(file.read_text()))
                if (self._folder / f"{snapshot.id}.tar").stat().st_size == snapshot.size:
                    self._kept[snapshot.id] = snapshot
            except (OSError, ValueError, TypeError) as error:
                log.warning("the snapshot %s cannot be read: %s", file.name, error)
        named: dict[str, Snapshot] = {}
        for snapshot in reversed(self.all()):  # oldest first: a newer one of the same name was to replace it
            if snapshot.name is not None and (older := named.get(snapshot.name)) is not None:
                self._kept.pop(older.id)
            named[snapshot.name or snapshot.id] = snapshot
        for file in self._folder.iterdir():
            if file.stem not in self._kept:
                file.unlink(missing_ok=True)
        self._tidy()

    async def _fetch(self, address: str, part: Path, opened: Callable[[asyncio.WriteTransport], None]) -> int:
        """Write the stream to `part` and return its size in bytes."""
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            sink = _Sink(file, self)
            limit = f"limit={self._largest}".encode()
            scope: Scope = {"method": "GET", "raw_path": b"/snapshot", "query_string": limit, "headers": _HEADERS}
            try:
                async with asyncio.timeout(_SECONDS):
                    await relay(address, scope, _no_body(), sink.send, opened)
                await asyncio.to_thread(_settle, file)
            except (Lost, TimeoutError):
                if sink.refusal is not None:
                    raise sink.refusal from None
                raise SandboxFailed("The snapshot was not finished: the sandbox ended, was paused or failed.") from None
            except OSError as error:
                raise SandboxFailed(f"The snapshot cannot be written: {error.strerror}.") from None
            finally:
                self._taking -= sink.size
        if sink.status == 413:
            raise BadSnapshot(_message(sink.said))
        if sink.status != 200:
            raise SandboxFailed(f"The sandbox could not pack its files: {_message(sink.said)}")
        return sink.size

    def room_for(self, size: int, block: int) -> BadSnapshot | None:
        """Why a snapshot that holds `size` bytes so far may not grow by `block`; None when it may."""
        if size + block > self._largest:
            return BadSnapshot(f"The sandbox's files exceed {self._largest // _MIB} MiB; delete some of them first.")
        kept = sum(one.size for one in self._kept.values())
        if kept + self._taking + block > self._space:
            return BadSnapshot(
                f"All snapshots together may hold {self._space // _MIB} MiB; delete some with Sandbox.delete_snapshot."
            )
        if shutil.disk_usage(self._folder).free - block < _SPARE:
            return BadSnapshot("The disk that snapshots are kept on is full; delete some of them or make room.")
        self._taking += block
        return None


class _Sink:
    """Receives a snapshot's stream and writes it down, as long as there is room for it."""

    def __init__(self, file: IO[bytes], snapshots: Snapshots) -> None:
        self._file, self._snapshots = file, snapshots
        self.status = self.size = 0
        self.said = b""  # when it is no snapshot
        self.refusal: BadSnapshot | None = None

    async def send(self, message: Any) -> None:
        self.status = message.get("status", self.status)
        if not (block := message.get("body", b"")):
            return
        if self.status != 200:
            self.said = (self.said + block)[:_MAX_SAID]
            return
        self.refusal = self._snapshots.room_for(self.size, len(block))
        if self.refusal is not None:
            raise Lost(started=True)  # which cuts the connection
        self.size += len(block)
        await asyncio.to_thread(self._file.write, block)


_HEADERS = [(b"host", b"sandbox")]


def full_name(name: str) -> str:
    """A snapshot's name with its tag; raises `BadSnapshot` for what cannot be one."""
    if (found := _NAME.fullmatch(name)) is None:
        raise BadSnapshot(
            f"A snapshot cannot be named {name!r}: use up to 63 of a-z, 0-9, - and _, and perhaps a colon and a tag."
        )
    return f"{found['name']}:{found['tag'] or 'default'}"


def _commit(part: Path, snapshot: Snapshot) -> None:
    """Put a snapshot in place; it counts from the last step on, and then lasts."""
    folder = part.parent
    part.rename(folder / f"{snapshot.id}.tar")
    if snapshot.private:
        return
    facts = folder / f"{snapshot.id}.part"
    with open(os.open(facts, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(snapshot), file)
        file.flush()
        os.fsync(file.fileno())
    facts.rename(folder / f"{snapshot.id}.json")
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _settle(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _no_body() -> Callable[[], Any]:
    blocks = _chain(None)

    async def receive() -> dict[str, Any]:
        return await anext(blocks)

    return receive


async def _chain(file: IO[bytes] | None) -> AsyncIterator[dict[str, Any]]:
    """A request's messages: what is in `file`, then silence, since the one who asks stays until the answer."""
    while file is not None and (block := await asyncio.to_thread(file.read, _BLOCK)):
        yield {"type": "http.request", "body": block, "more_body": True}
    yield {"type": "http.request", "body": b"", "more_body": False}
    await asyncio.Event().wait()


async def _hand_over(address: str, file: IO[bytes], size: int, volumes: Iterable[str]) -> tuple[int, bytes]:
    """Send a kept stream to the service at `address`: its status and what it said."""
    status, said = 0, b""
    blocks = _chain(file)

    async def receive() -> dict[str, Any]:
        return await anext(blocks)

    async def send(message: Any) -> None:
        nonlocal status, said
        status = message.get("status", status)
        said = (said + message.get("body", b""))[:_MAX_SAID]

    headers = [*_HEADERS, (b"content-length", str(size).encode())]
    query = urlencode([("volume", place) for place in volumes]).encode()
    scope: Scope = {"method": "POST", "raw_path": b"/restore", "query_string": query, "headers": headers}
    try:
        async with asyncio.timeout(_SECONDS):
            await relay(address, scope, receive, send)
    except (Lost, TimeoutError):
        raise SandboxFailed("The snapshot could not be unpacked: the sandbox ended meanwhile.") from None
    return status, said


def _message(said: bytes) -> str:
    try:
        return str(json.loads(said)["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return "the sandbox did not say why."
