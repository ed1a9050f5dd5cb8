"""Packs what a sandbox's user has in files into one stream, and unpacks such a stream in another sandbox.

The stream is a tar file in the pax format, whose members' names begin with the place that they belong to: `home`,
`tmp`, or `root` for the rest of the disk. Of the system's folders it holds what their layers do (`layers.py`): what was
written, and for what was removed the device file that the kernel marks it with. The host only keeps it. See
POSIX.1-2024, `pax`; extended attributes are carried as `SCHILY.xattr.*` records.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import io
import os
import signal
import stat
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qs

from kernel_gateway.inside.http import Receive, Refused, Scope, Send, disconnected, header
from kernel_gateway.inside.layers import LAYERS, made_at, uppers
from kernel_gateway.inside.settings import HOME, Settings
from kernel_gateway.inside.unpack import OWN_NAMES, XATTR, BadPackage, Reader, is_removal, targets, unpack

_BLOCK = 1 << 20  # bytes handed on at a time
_HEADER = 1024  # bytes that a member has beside its contents, about
_LONGEST = 4096  # bytes of a path, the end included
_SHOWN = 80  # letters of one that is too long
_PASSES = 16  # a process may start another while we stop it; each pass catches those of the one before


class TooDeep(Exception):
    """A path is longer than any system call takes; the message is its beginning."""


class _Gone(Exception):
    """Whoever asked for the stream has left."""


def sources(settings: Settings) -> dict[str, Path]:
    """What is packed, by the beginnings of the names that it has in the stream."""
    layers = uppers() if settings.home == HOME else {}
    return {**targets(settings), **{f"root{place}": Path(upper) for place, upper in layers.items()}}


async def handle_snapshot(settings: Settings, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the stream, while everything else in the sandbox stands still; cut off where packing fails.

    Refused when the files are larger than the query's `limit`, in bytes.
    """
    loop = asyncio.get_running_loop()
    limit = int(parse_qs(scope["query_string"].decode()).get("limit", ["0"])[0])
    left = asyncio.create_task(disconnected(receive))

    def write(block: bytes) -> None:
        if left.done():
            raise _Gone
        message = {"type": "http.response.body", "body": block, "more_body": True}
        asyncio.run_coroutine_threadsafe(_sent(send, message), loop).result()

    headers = [(b"content-type", b"application/x-tar")]
    try:
        with _standing_still(settings):
            try:
                size = await asyncio.to_thread(measure, sources(settings))
            except RuntimeError:  # the sandbox may have no further thread
                raise Refused(503, "The sandbox may start no more processes; end some of them first.") from None
            except TooDeep as deep:
                raise Refused(
                    413, f"{deep}… is a path of more than {_LONGEST - 1} bytes; shorten or delete it."
                ) from None
            if size > limit:
                raise Refused(413, f"The sandbox's files exceed {limit >> 20} MiB; delete some of them first.")
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await asyncio.to_thread(pack, sources(settings), write)
    except _Gone:
        return
    finally:
        left.cancel()
    await send({"type": "http.response.body", "body": b""})


async def _sent(send: Send, message: dict[str, object]) -> None:
    await send(message)


async def handle_restore(settings: Settings, scope: Scope, receive: Receive) -> None:
    """Unpack the request's body over what is here, but for the query's every `volume`; raises `Refused`."""
    if header(scope, b"content-length") is None:
        raise Refused(411, "Say how long the package is.")
    loop = asyncio.get_running_loop()
    ended = False

    async def next_block() -> bytes:
        nonlocal ended
        while not ended:
            message = await receive()
            ended = message["type"] == "http.disconnect" or not message.get("more_body", False)
            if block := message.get("body", b""):
                return bytes(block)
        return b""

    def read() -> bytes:
        return asyncio.run_coroutine_threadsafe(next_block(), loop).result()

    try:
        volumes = parse_qs(scope["query_string"].decode()).get("volume", [])
        await asyncio.to_thread(unpack, Reader(read), targets(settings), volumes)
    except BadPackage as bad:
        raise Refused(400, str(bad)) from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise Refused(507, "The sandbox has no room for the snapshot's files.") from None
        raise Refused(500, f"The snapshot could not be unpacked: {error}.") from None


def measure(roots: dict[str, Path]) -> int:
    """How many bytes the files beneath `roots` have, a file with holes as many as it seems to; raises `TooDeep`."""
    total = 0
    with contextlib.ExitStack() as locked:
        for root in roots.values():
            for path in _walk(str(root), locked):
                with contextlib.suppress(OSError):
                    facts = os.lstat(path)
                    total += _HEADER + (facts.st_size if stat.S_ISREG(facts.st_mode) else 0)
    return total


def pack(roots: dict[str, Path], write: Callable[[bytes], None]) -> None:
    """Write everything beneath `roots` as one tar stream, in blocks.

    What vanishes or changes meanwhile is no error. Raises `TooDeep` at what no path of 4096 bytes leads to.
    """
    with (
        tarfile.open(fileobj=_Writer(write), mode="w|", format=tarfile.PAX_FORMAT, bufsize=_BLOCK) as tar,
        contextlib.ExitStack() as locked,
    ):
        for name, root in roots.items():
            top = str(root)
            for path in _walk(top, locked):
                with contextlib.suppress(FileNotFoundError):
                    _add(tar, path, name + path[len(top.rstrip("/")) :])
                tar.members.clear()  # type: ignore[attr-defined]  # it would remember each


def walk(top: str) -> Iterator[str]:
    """`top` and everything beneath it that is packed, as `_walk` has it."""
    with contextlib.ExitStack() as locked:
        yield from _walk(top, locked)


def _walk(top: str, locked: contextlib.ExitStack) -> Iterator[str]:
    """`top` and everything beneath it, folders before what is in them; raises `TooDeep`.

    Left out are what a layer began with and nothing has changed, places of the root that have names of their own, and
    what is mounted beneath `top`: a Python environment of the host's, which every sandbox sees. A folder that its
    owner, who is us, has locked himself out of is opened, until `locked` ends.
    """
    waiting, device = [top], os.lstat(top).st_dev
    made = made_at() if top.startswith(f"{LAYERS}/") else 0
    left_out = OWN_NAMES if top == "/" else ()
    while waiting:
        path = waiting.pop()
        try:
            facts = os.lstat(path)
        except OSError:
            continue  # it is gone
        if facts.st_dev != device or path in left_out:
            continue
        mode = facts.st_mode
        if facts.st_ctime_ns > made:
            yield path
        if not stat.S_ISDIR(mode):
            continue
        try:
            if mode & 0o500 != 0o500:
                os.chmod(path, stat.S_IMODE(mode) | 0o500)
                locked.callback(os.chmod, path, stat.S_IMODE(mode))
            found = sorted((os.path.join(path, name) for name in os.listdir(path)), reverse=True)
        except OSError:
            continue  # it is gone, or another user's
        for place in found:
            if len(os.fsencode(place)) >= _LONGEST:
                raise TooDeep(place[:_SHOWN])
        waiting += found


@contextlib.contextmanager
def _readable(path: str) -> Iterator[None]:
    before = stat.S_IMODE(os.lstat(path).st_mode)
    os.chmod(path, before | 0o400)
    try:
        yield
    finally:
        os.chmod(path, before)


def _add(tar: tarfile.TarFile, path: str, name: str) -> None:
    member = tar.gettarinfo(path, name)
    if member is not None and is_removal(member) and path.startswith(f"{LAYERS}/"):
        tar.addfile(member)
        return
    if member is None or not (member.isreg() or member.isdir() or member.issym() or member.islnk() or member.isfifo()):
        return  # a socket, which nobody listens on any more
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    with contextlib.suppress(OSError):
        if keys := os.listxattr(path, follow_symlinks=False):
            member.pax_headers = {
                XATTR + key: os.getxattr(path, key, follow_symlinks=False).decode("utf-8", "surrogateescape")
                for key in keys
            }
    if not member.isreg():
        tar.addfile(member)
        return
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags)
    except PermissionError:
        with _readable(path):
            descriptor = os.open(path, flags)
    with open(descriptor, "rb") as file:
        tar.addfile(member, _Exactly(file, member.size))


class _Writer(io.RawIOBase):
    """What `tarfile` writes a stream to."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write

    def write(self, block: Any) -> int:
        self._write(bytes(block))
        return len(block)


class _Exactly(io.RawIOBase):
    """A file that is read as long as it was when we asked: cut off if it has grown, filled up if it has shrunk."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._left = file, size

    def read(self, size: int = -1) -> bytes:
        size = min(size, self._left)
        self._left -= size
        return self._file.read(size).ljust(size, b"\0")


@contextlib.contextmanager
def _standing_still(settings: Settings) -> Iterator[None]:
    """Stop every other process of the sandbox, so that what is packed belongs together; not without isolation."""
    stopped: list[int] = []
    try:
        for _ in range(_PASSES if settings.home == HOME else 0):
            if not (running := [pid for pid in others() if pid not in stopped]):
                break
            for pid in running:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGSTOP)
            stopped += running
        yield
    finally:
        for pid in reversed(stopped):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGCONT)


def others() -> list[int]:
    """Every process in sight that runs, parents before their children, but us and those that we descend from."""
    parents: dict[int, int] = {}
    running = []
    for place in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            fields = (place / "stat").read_text().rpartition(")")[2].split()
            parents[int(place.name)] = int(fields[1])
            if fields[0] not in "TtZX":
                running.append(int(place.name))
    kept = {0, 1}
    pid = os.getpid()
    while pid not in kept:
        kept.add(pid)
        pid = parents.get(pid, 0)
    return [pid for pid in sorted(running) if pid not in kept]
