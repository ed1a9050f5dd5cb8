"""Bytes by their digest: one file for each content at `ab/abcdef...`, written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from artifacts.errors import ArtifactDamaged

if TYPE_CHECKING:
    from artifacts.types import Artifact

_CHUNK = 1 << 20
_SETTLED = 2_000_000_000
"""Nanoseconds after which a change would show in a file's times; one that was just written is hashed again."""

_DIGEST = re.compile("[0-9a-f]{64}")

type _State = tuple[int, int, int, int]


class Altered(ValueError):
    """The bytes under a digest are not those that were stored."""


@dataclass(frozen=True)
class Blob:
    """What was stored: SHA-256 in hex, and the size in bytes."""

    sha256: str
    size: int


class Blobs:
    """A folder of content-addressed files. Safe for several threads: writing the same content twice is one file."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._right: dict[str, _State] = {}  # digests that were checked, and how their file was then
        self._wanted: Counter[str] = Counter()  # put, and not recorded yet
        self._guard = threading.Lock()

    def put(self, data: bytes | Path) -> Blob:
        """Store bytes, or a copy of a regular file. On return they survive a crash of process or machine.

        `remove` spares them until `recorded` is called. Raises OSError when the file cannot be read or the disk cannot
        take it; nothing half-written stays behind.
        """
        digest, size = hashlib.sha256(), 0
        descriptor, name = tempfile.mkstemp(dir=self.root, prefix=".incoming-")  # mode 0600
        try:
            with os.fdopen(descriptor, "wb") as out:
                for chunk in _chunks(data):
                    digest.update(chunk)
                    size += len(chunk)
                    out.write(chunk)
                out.flush()
                blob = Blob(digest.hexdigest(), size)
                with self._guard:
                    self._wanted[blob.sha256] += 1
                if self.verify(blob.sha256):  # a file with other bytes is damage, and is written again
                    return blob
                os.fsync(out.fileno())
            self._place(Path(name), self._path(blob.sha256))
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name)
        return blob

    def recorded(self, blob: Blob) -> None:
        """The record names what was put, or never will: `remove` goes by the record again."""
        with self._guard:
            self._wanted -= Counter([blob.sha256])

    def read(self, sha256: str) -> bytes:
        """The bytes. Raises OSError when they cannot be had, Altered when they are not what was stored."""
        data = b"".join(_chunks(self._path(sha256)))
        if hashlib.sha256(data).hexdigest() != sha256:
            raise Altered(sha256)
        return data

    def checked(self, sha256: str) -> Path:
        """The file that holds the bytes, which are right: read through once, and again when the file has changed.

        Raises as `read` does.
        """
        if not self.known(sha256):
            for _ in self.pieces(sha256):
                pass
        return self._path(sha256)

    def known(self, sha256: str, size: int | None = None) -> bool:
        """Whether the bytes were checked and their file is as it was then.

        Raises OSError when it is gone, Altered when it is not of this size.
        """
        found = _state(self._path(sha256).stat())
        if size not in (None, found[0]):
            raise Altered(sha256)
        return self._right.get(sha256) == found

    def pieces(self, sha256: str) -> Iterator[bytes]:
        """The bytes, piece by piece; the last comes only when all of them turned out right. Raises as `read` does."""
        path, digest, held = self._path(sha256), hashlib.sha256(), b""
        before = path.stat()
        for chunk in _chunks(path):
            if held:
                yield held
            digest.update(chunk)
            held = chunk
        if digest.hexdigest() != sha256:
            self._right.pop(sha256, None)
            raise Altered(sha256)
        if time.time_ns() - before.st_ctime_ns > _SETTLED and _state(path.stat()) == _state(before):
            self._right[sha256] = _state(before)
        yield held

    def verify(self, sha256: str) -> bool:
        """Whether the bytes are there and are those that were stored; reads them all, in pieces, every time."""
        try:
            for _ in self.pieces(sha256):
                pass
        except (OSError, Altered):
            return False
        return True

    def remove(self, kept: Callable[[], Collection[str]]) -> tuple[int, int]:
        """Remove every file but those of the digests that `kept` names; returns how many there were, and their bytes.

        What is put meanwhile is spared: until it is recorded it is marked, afterwards `kept` knows of it.
        """
        count = freed = 0
        with self._guard:
            spared = {*kept(), *self._wanted}
            for path in self.root.glob("[0-9a-f][0-9a-f]/*"):
                if path.name not in spared and _DIGEST.fullmatch(path.name):
                    freed += path.stat().st_size
                    count += 1
                    path.unlink()
                    self._right.pop(path.name, None)
        return count, freed

    def sweep(self) -> None:
        """Remove what a killed process left unfinished. Only for the one process that may write here."""
        for path in self.root.glob(".incoming-*"):
            path.unlink(missing_ok=True)

    def _path(self, sha256: str) -> Path:
        """Where the bytes of this digest are, or would be."""
        return self.root / sha256[:2] / sha256

    def _place(self, incoming: Path, path: Path) -> None:
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            fsync_folder(self.root)
        os.replace(incoming, path)
        fsync_folder(path.parent)


@contextmanager
def damage(artifact: Artifact) -> Iterator[None]:
    """Say of which artifact the bytes cannot be had. Raises ArtifactDamaged for what `Blobs` raises."""
    try:
        yield
    except FileNotFoundError as error:
        raise ArtifactDamaged(artifact, "missing") from error
    except Altered as error:
        raise ArtifactDamaged(artifact, "changed") from error
    except OSError as error:
        raise ArtifactDamaged(artifact, "unreadable") from error


def fsync_folder(folder: Path) -> None:
    """Make a rename or a new name in this folder survive a crash of the machine."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _state(found: os.stat_result) -> _State:
    """What tells that a file was written to: nobody sets its ctime."""
    return found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns


def _chunks(data: bytes | Path) -> Iterator[bytes]:
    if isinstance(data, bytes):
        yield data
        return
    # Opening a FIFO without O_NONBLOCK would wait for ever on a writer that never comes.
    with open(os.open(data, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(f"{data} is not a regular file")
        while chunk := file.read(_CHUNK):
            yield chunk
