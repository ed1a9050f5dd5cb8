"""Bytes by their digest: one file for each content at `ab/abcdef...`, written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Blob:
    """What was stored: SHA-256 in hex, and the size in bytes."""

    sha256: str
    size: int


class Blobs:
    """A folder of content-addressed files. Safe for several threads: writing the same content twice is one file."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, sha256: str) -> Path:
        """Where the bytes of this digest are, or would be."""
        return self.root / sha256[:2] / sha256

    def put(self, data: bytes | Path) -> Blob:
        """Store bytes, or a copy of a regular file. On return they survive a crash of process or machine.

        Raises OSError when the file cannot be read or the disk cannot take it; nothing half-written stays behind.
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
                if self._holds(blob):
                    return blob
                os.fsync(out.fileno())
            self._place(Path(name), self.path(blob.sha256))
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name)
        return blob

    def read(self, sha256: str) -> bytes:
        """The bytes. Raises FileNotFoundError when they are not there, ValueError when they are not what was stored."""
        data = self.path(sha256).read_bytes()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ValueError(f"the bytes in {self.path(sha256)} are not those that were stored")
        return data

    def verify(self, sha256: str) -> bool:
        """Whether the bytes are there and are those that were stored; reads them all, in pieces."""
        digest = hashlib.sha256()
        try:
            for chunk in _chunks(self.path(sha256)):
                digest.update(chunk)
        except FileNotFoundError:
            return False
        return digest.hexdigest() == sha256

    def sweep(self) -> None:
        """Remove what a killed process left unfinished. Only for the one process that may write here."""
        for path in self.root.glob(".incoming-*"):
            path.unlink(missing_ok=True)

    def _holds(self, blob: Blob) -> bool:
        # A file of the right size but with other bytes is damage: then it is written again rather than trusted.
        path = self.path(blob.sha256)
        return path.exists() and path.stat().st_size == blob.size and self.verify(blob.sha256)

    def _place(self, incoming: Path, path: Path) -> None:
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            fsync_folder(self.root)
        os.replace(incoming, path)
        fsync_folder(path.parent)


def fsync_folder(folder: Path) -> None:
    """Make a rename or a new name in this folder survive a crash of the machine."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
