"""Wheels from the package index of this machine, kept by their digest: a folder of limited size, and who fills it.

The index is read by a process of its own (`fetcher.py`), which is started when the first sandbox asks and ended when
none has for a while; one that does not answer in time is ended, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import secrets
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kernel_gateway.errors import GatewayError

_LIST_SECONDS = 60.0
_QUIET_SECONDS = 60.0  # without a byte of a download
_FILE_SECONDS = 1800.0
_IDLE_SECONDS = 120.0
_SPARE = 512 << 20  # bytes of the disk that are left to others
_BLOCK = 1 << 20
_LONGEST = 64 << 20  # bytes of one line, which lists a package's files
_AT_ONCE = 4  # downloads
_MOST_WAITING = 64  # with those that wait for their turn
_FETCHER = Path(__file__).with_name("fetcher.py")


class NoPackages(GatewayError):
    """What was asked for cannot be had; the message says why."""


@dataclass(frozen=True)
class Wheel:
    """A wheel of the index, or its metadata alone. `facts` are as PEP 691 has them."""

    filename: str
    url: str
    key: str
    sha256: str | None
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, told: dict[str, Any]) -> Wheel:
        """From what the fetcher lists."""
        sha256 = told["hashes"].get("sha256")
        key = sha256 or hashlib.sha256(f"{told['url']} {told['mark']}".encode()).hexdigest()
        facts = {name: told[name] for name in ("filename", "hashes", "requires-python", "yanked", "core-metadata")}
        return cls(told["filename"], told["url"], key, sha256, facts)

    def metadata(self) -> Wheel:
        """Its metadata, which the index offers as a file of its own (PEP 658)."""
        given = self.facts["core-metadata"]
        sha256 = given.get("sha256") if isinstance(given, dict) else None
        return Wheel(f"{self.filename}.metadata", f"{self.url}.metadata", f"{self.key}.metadata", sha256)


class _Fetcher:
    """The process that reads the index."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._starting = asyncio.Lock()
        self._asked: dict[int, asyncio.Queue[dict[str, Any]]] = {}
        self._next = 0
        self._reading: asyncio.Task[None] | None = None
        self._idle: asyncio.TimerHandle | None = None

    async def ask(self, **request: Any) -> AsyncIterator[dict[str, Any]]:
        """What it answers, as it comes; raises `NoPackages`, also for an answer that does not come."""
        process = await self._running()
        self._next, number = self._next + 1, self._next
        answers = self._asked[number] = asyncio.Queue()
        try:
            assert process.stdin is not None
            process.stdin.write(json.dumps({"id": number, **request}).encode() + b"\n")
            while True:
                async with asyncio.timeout(_LIST_SECONDS if "list" in request else _QUIET_SECONDS):
                    told = await answers.get()
                if "error" in told:
                    raise NoPackages(told["error"])
                yield told
                if "done" in told or "files" in told:
                    return
        except TimeoutError:
            self.end()  # with whatever else it was at; who asked for that hears of it
            raise NoPackages("The package index of the gateway's machine does not answer in time.") from None
        finally:
            self._asked.pop(number, None)
            self._rest()

    def end(self) -> None:
        """End the process."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._process = None

    async def close(self) -> None:
        """End the process and wait for its end."""
        if self._idle is not None:
            self._idle.cancel()
        self.end()
        if self._reading is not None:
            await self._reading

    async def _running(self) -> asyncio.subprocess.Process:
        async with self._starting:
            if self._idle is not None:
                self._idle.cancel()
            if self._process is None:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-I", str(_FETCHER)),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    cwd="/",
                    limit=_LONGEST,
                    start_new_session=True,
                )
                self._reading = asyncio.create_task(self._read(self._process))
            return self._process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        with contextlib.suppress(ValueError):  # a line beyond all bounds
            while line := await process.stdout.readline():
                told = json.loads(line)
                if (waiting := self._asked.get(told["id"])) is not None:
                    waiting.put_nowait(told)
        if self._process is process:
            self.end()
        await process.wait()
        if self._process is None:
            for waiting in self._asked.values():
                waiting.put_nowait({"error": "What reads the package index has ended; try again."})

    def _rest(self) -> None:
        if not self._asked:
            if self._idle is not None:
                self._idle.cancel()
            self._idle = asyncio.get_running_loop().call_later(_IDLE_SECONDS, self.end)


class _Download:
    """A file that comes in; several may read it meanwhile, and after it has got another name."""

    def __init__(self, part: Path) -> None:
        self.part = part
        self._file = part.open("xb+")
        self.size: int | None = None
        self.have = 0
        self.error: NoPackages | None = None
        self.done = False
        self.news = asyncio.Condition()

    async def tell(self, **changes: Any) -> None:
        async with self.news:
            for name, value in changes.items():
                setattr(self, name, value)
            self.news.notify_all()

    async def blocks(self) -> AsyncIterator[bytes]:
        """All of it, as it grows; raises `NoPackages`."""
        sent = 0
        while not (self.done and sent >= self.have):
            async with self.news:
                while self.have <= sent and not self.done and self.error is None:
                    await self.news.wait()
            if self.error is not None:
                raise self.error
            while block := await asyncio.to_thread(os.pread, self._file.fileno(), min(_BLOCK, self.have - sent), sent):
                sent += len(block)
                yield block


class Wheels:
    """The wheels that are kept in `folder`: `space` bytes altogether, `largest` each."""

    def __init__(self, folder: Path, space: int, largest: int) -> None:
        self._folder, self._space, self._largest = folder, space, largest
        self._fetcher = _Fetcher()
        self._coming: dict[str, _Download] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        for part in folder.glob("*.part"):
            part.unlink(missing_ok=True)

    async def list(self, name: str) -> list[Wheel]:
        """All wheels of a package, whose name is normal; raises `NoPackages`."""
        async for told in self._fetcher.ask(list=name):
            return [Wheel.of(one) for one in told["files"]]
        return []

    async def open(self, wheel: Wheel) -> tuple[int | None, AsyncIterator[bytes]]:
        """The size of a wheel, if it is known yet, and its bytes, which may still be on their way.

        Raises `NoPackages`, as does the iteration.
        """
        file = self._folder / wheel.key
        with contextlib.suppress(FileNotFoundError):
            os.utime(file)
            return file.stat().st_size, _blocks(file)
        coming = self._coming.get(wheel.key) or self._begin(wheel)
        async with coming.news:
            await coming.news.wait_for(lambda: coming.size is not None or coming.done or coming.error)
        if coming.error is not None:
            raise coming.error
        return coming.size, coming.blocks()

    async def close(self) -> None:
        """End what comes in."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._fetcher.close()

    def _begin(self, wheel: Wheel) -> _Download:
        if len(self._coming) >= _MOST_WAITING:
            raise NoPackages("Too many packages are being downloaded for sandboxes; try again in a minute.")
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        coming = self._coming[wheel.key] = _Download(self._folder / f"{secrets.token_hex(10)}.part")
        task = asyncio.create_task(self._fetch(wheel, coming))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return coming

    async def _fetch(self, wheel: Wheel, coming: _Download) -> None:
        request = {"file": str(coming.part), "most": self._largest, "sha256": wheel.sha256}
        try:
            async with self._at_once, asyncio.timeout(_FILE_SECONDS):
                async for told in self._fetcher.ask(fetch=wheel.url, **request):
                    self._check_room(told.get("size") or 0)
                    if "done" not in told:
                        await coming.tell(**{name: value for name, value in told.items() if name != "id"})
            self._make_room(coming.have)
            os.replace(coming.part, self._folder / wheel.key)
            await coming.tell(size=coming.have, done=True)
        except (NoPackages, TimeoutError, OSError) as error:
            why = error if isinstance(error, NoPackages) else NoPackages(f"The download failed: {error or 'too slow'}.")
            await coming.tell(error=why)
        finally:
            coming.part.unlink(missing_ok=True)
            del self._coming[wheel.key]

    def _check_room(self, size: int) -> None:
        if shutil.disk_usage(self._folder).free - size < _SPARE:
            raise NoPackages("The disk of the gateway's machine is full.")

    def _make_room(self, size: int) -> None:
        """Forget what nobody has asked for the longest."""
        kept = sorted((one.stat().st_mtime, one.stat().st_size, one) for one in self._folder.iterdir())
        total = sum(bytes_ for _, bytes_, _ in kept)
        for _, bytes_, file in kept:
            if total <= self._space:
                return
            if file.suffix != ".part":
                file.unlink(missing_ok=True)
                total -= bytes_


async def _blocks(file: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(file.open, "rb") as source:
        while block := await asyncio.to_thread(source.read, _BLOCK):
            yield block
