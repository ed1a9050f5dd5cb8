"""Packs what a sandbox's user has in files into one stream, and unpacks such a stream in another sandbox.

The stream is a tar file in the pax format, whose members' names begin with the place that they belong to: `home` or
`tmp`. The host only keeps it. See POSIX.1-2024, `pax`; extended attributes are carried as `SCHILY.xattr.*` records.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import io
import os
import shutil
import signal
import stat
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qs

from kernel_gateway.inside.http import Receive, Refused, Scope, Send, disconnected, header, respond
from kernel_gateway.inside.settings import HOME, Settings

_BLOCK = 1 << 20  # bytes handed on at a time
_HEADER = 1024  # bytes that a member has beside its contents, about
_LONGEST = 4096  # bytes of a path, the end included
_SHOWN = 80  # letters of one that is too long
_XATTR = "SCHILY.xattr."
_MODES = 0o1777  # no set-user-id and no set-group-id
_PASSES = 16  # a process may start another while we stop it; each pass catches those of the one before


class BadPackage(Exception):
    """The stream holds what may not be unpacked, or is cut off; the message says which."""


class TooDeep(Exception):
    """A path is longer than any system call takes; the message is its beginning."""


class _Gone(Exception):
    """Whoever asked for the stream has left."""


def places(settings: Settings) -> dict[str, Path]:
    """What is packed, by the name that it has in the stream. Without isolation /tmp is the host's and stays out."""
    if settings.home != HOME:
        return {"home": Path(settings.home)}
    return {"home": Path(HOME), "tmp": Path("/tmp")}


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
                size = await asyncio.to_thread(measure, places(settings))
            except RuntimeError:  # the sandbox may have no further thread
                raise Refused(503, "The sandbox may start no more processes; end some of them first.") from None
            except TooDeep as deep:
                raise Refused(
                    413, f"{deep}… is a path of more than {_LONGEST - 1} bytes; shorten or delete it."
                ) from None
            if size > limit:
                raise Refused(413, f"The sandbox's files exceed {limit >> 20} MiB; delete some of them first.")
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await asyncio.to_thread(pack, places(settings), write)
    except _Gone:
        return
    finally:
        left.cancel()
    await send({"type": "http.response.body", "body": b""})


async def _sent(send: Send, message: dict[str, object]) -> None:
    await send(message)


async def handle_restore(settings: Settings, scope: Scope, receive: Receive, send: Send) -> None:
    """Unpack the request's body over what is here; raises `Refused`."""
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
        await asyncio.to_thread(unpack, _Reader(read), places(settings))
    except BadPackage as bad:
        raise Refused(400, str(bad)) from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise Refused(507, "The sandbox has no room for the snapshot's files.") from None
        raise Refused(500, f"The snapshot could not be unpacked: {error}.") from None
    await respond(send, 204)


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
                    _add(tar, path, name + path[len(top) :])
                tar.members.clear()  # type: ignore[attr-defined]  # it would remember each


def unpack(stream: io.RawIOBase, roots: dict[str, Path]) -> None:
    """Unpack such a stream into `roots`, over what is there. Raises `BadPackage` and OSError."""
    target = _Target(roots)
    folders: list[tuple[str, tarfile.TarInfo]] = []
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=_BLOCK, errorlevel=2) as tar:
            while (member := tar.next()) is not None:
                tar.members.clear()  # type: ignore[attr-defined]  # it would remember each
                path = target.extract(tar, member)
                if member.isdir():
                    folders.append((path, member))
    except (tarfile.TarError, EOFError) as error:
        raise BadPackage(f"The package cannot be read: {error}.") from None
    for path, member in reversed(folders):  # only now: a folder may be one that nothing can be written into
        _set_attributes(path, member)


def _walk(top: str, locked: contextlib.ExitStack) -> Iterator[str]:
    """`top` and everything beneath it, folders before what is in them; raises `TooDeep`.

    What is mounted beneath it stays out: a Python environment of the host's, which every sandbox sees. A folder that
    its owner, who is us, has locked himself out of is opened, until `locked` ends.
    """
    waiting, device = [top], os.lstat(top).st_dev
    while waiting:
        path = waiting.pop()
        try:
            facts = os.lstat(path)
        except OSError:
            continue  # it is gone
        if facts.st_dev != device:
            continue
        yield path
        mode = facts.st_mode
        if not stat.S_ISDIR(mode):
            continue
        try:
            if mode & 0o500 != 0o500:
                os.chmod(path, stat.S_IMODE(mode) | 0o500)
                locked.callback(os.chmod, path, stat.S_IMODE(mode))
            with os.scandir(path) as entries:
                found = sorted((entry.path for entry in entries), reverse=True)
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
    if member is None or not (member.isreg() or member.isdir() or member.issym() or member.islnk() or member.isfifo()):
        return  # a socket, which nobody listens on any more
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    with contextlib.suppress(OSError):
        if keys := os.listxattr(path, follow_symlinks=False):
            member.pax_headers = {
                _XATTR + key: os.getxattr(path, key, follow_symlinks=False).decode("utf-8", "surrogateescape")
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


class _Target:
    """Where a package is unpacked; nothing in it gets outside of `roots`."""

    def __init__(self, roots: dict[str, Path]) -> None:
        self._roots = {name: str(root) for name, root in roots.items()}
        self._known: set[str] = set()  # folders that no link leads through

    def extract(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
        """Unpack one member, and return its path."""
        path = self._locate(member.name)
        if member.isdir():
            if os.path.islink(path) or (os.path.exists(path) and not os.path.isdir(path)):
                os.unlink(path)
            with contextlib.suppress(FileExistsError):
                os.mkdir(path, 0o700)
            self._known.add(path)
            return path
        self._clear(path)
        if member.issym() or member.islnk():
            self._known.clear()  # a link, or a second name of one, may take a folder's place
        if member.issym():
            os.symlink(member.linkname, path)
        elif member.islnk():
            os.link(self._locate(member.linkname), path, follow_symlinks=False)
            return path  # the file that it is a second name of has its attributes
        elif member.isfifo():
            os.mkfifo(path, 0o600)
        elif member.isreg():
            _write(tar, member, path)
        else:
            raise BadPackage(f"The package holds {member.name!r}, which is neither file, folder nor link.")
        _set_attributes(path, member)
        return path

    def _locate(self, name: str) -> str:
        first, _, rest = name.partition("/")
        if first not in self._roots or ".." in rest.split("/") or rest.startswith("/"):
            raise BadPackage(f"The package holds {name!r}, which lies outside of what a snapshot carries.")
        root = self._roots[first]
        path = os.path.normpath(f"{root}/{rest}")
        parent = os.path.dirname(path)
        if path != root and parent not in self._known:
            real, within = os.path.realpath(parent), os.path.realpath(root)
            if real != within and not real.startswith(within + "/"):
                raise BadPackage(f"The package holds {name!r} behind a link that leads elsewhere.")
            self._known.add(parent)
        return path

    def _clear(self, path: str) -> None:
        """Make room for something that is no folder."""
        if path in self._roots.values():
            raise BadPackage("The package holds something else in the place of a whole root.")
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
            self._known.clear()
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
    source = tar.extractfile(member)
    assert source is not None
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
        shutil.copyfileobj(source, file, _BLOCK)
        if file.tell() != member.size:
            raise BadPackage(f"The package ends in the middle of {member.name!r}.")


def _set_attributes(path: str, member: tarfile.TarInfo) -> None:
    for key, value in member.pax_headers.items():
        if key.startswith(_XATTR + "user."):
            with contextlib.suppress(OSError):  # where this kernel's memory file systems have none
                os.setxattr(path, key[len(_XATTR) :], value.encode("utf-8", "surrogateescape"), follow_symlinks=False)
    if not member.issym():
        with contextlib.suppress(PermissionError):  # /tmp itself may belong to another
            os.chmod(path, member.mode & _MODES)
    with contextlib.suppress(PermissionError):
        os.utime(path, (member.mtime, member.mtime), follow_symlinks=False)


class _Writer(io.RawIOBase):
    """What `tarfile` writes a stream to."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write

    def write(self, block: Any) -> int:
        self._write(bytes(block))
        return len(block)


class _Reader(io.RawIOBase):
    """What `tarfile` reads a stream from: blocks of any size as they come."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        self._next, self._rest = read, b""

    def read(self, size: int = -1) -> bytes:
        parts = [self._rest]
        have = len(self._rest)
        while have < size and (block := self._next()):
            parts.append(block)
            have += len(block)
        data = b"".join(parts)
        self._rest = data[size:]
        return data[:size]


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
            if not (running := [pid for pid in _others() if pid not in stopped]):
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


def _others() -> list[int]:
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
