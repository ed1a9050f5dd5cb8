"""The files of a sandbox as a session sees them: what changed, what kind it is, and what it was made from."""

from __future__ import annotations

import hashlib
import mimetypes
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from artifacts.types import Artifact, ArtifactRole
from kernel_gateway.inside.notebook import DEPTH
from notebooks.outputs import clean

if TYPE_CHECKING:
    from e2b_code_interpreter import AsyncSandbox

HOME = "/home/user"
PROJECT = "project"
"""Where the files of a run's project are, below /home/user."""
MAX_FILE = 100 * 2**20
"""Bytes of a file that is still captured."""
MAX_FILES = 100
"""New or changed files that are captured of one cell."""

_SKIP = {"__pycache__", "node_modules"}
_TABLES = {".csv", ".tsv", ".parquet", ".feather", ".arrow", ".xlsx", ".xls", ".jsonl", ".ndjson"}
_TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".feather": "application/vnd.apache.arrow.file",
    ".arrow": "application/vnd.apache.arrow.file",
    ".jsonl": "application/jsonl",
    ".ndjson": "application/jsonl",
    ".ipynb": "application/x-ipynb+json",
    ".md": "text/markdown",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class Entry:
    """A regular file below /home/user: its path relative to there, and what tells that it changed."""

    path: str
    size: int
    modified: datetime


class Tree:
    """The files below /home/user of one sandbox, and which of them are already known."""

    def __init__(self, sandbox: AsyncSandbox) -> None:
        self._sandbox = sandbox
        self._known: dict[str, Entry] = {}
        self._digest: object = None  # what the sandbox said of all files before they were looked at last

    async def changes(self, digest: object = None) -> list[Entry]:
        """Regular files that are new, or differ in size or time, since the last look, by name.

        No links, pipes, hidden files or caches. Where the sandbox has just told a `digest` of all its files that is the
        one of the last look, nothing has changed. Raises what the SDK raises when the host fails.
        """
        from e2b import FileType

        if digest is not None and digest == self._digest:
            return []
        found: dict[str, Entry] = {}
        listed, home = await self._sandbox.files.list(HOME, depth=DEPTH), HOME
        if listed and not listed[0].path.startswith(f"{HOME}/"):  # without isolation it is a folder of the host's
            home = (await self._sandbox.files.get_info(HOME)).path
        for info in listed:
            relative = info.path.removeprefix(f"{home}/")
            hidden = any(part.startswith(".") or part in _SKIP for part in relative.split("/"))
            if info.type is FileType.FILE and not info.symlink_target and not hidden:
                found[relative] = Entry(relative, info.size, info.modified_time)
        before, self._known, self._digest = self._known, found, digest
        return [found[name] for name in sorted(found) if before.get(name) != found[name]]

    @property
    def digest(self) -> str:
        """What tells that no known file has changed: the same for the same files, sizes and times."""
        told = sorted(f"{e.path}\0{e.size}\0{e.modified.isoformat()}" for e in self._known.values())
        return hashlib.sha256("\n".join(told).encode("utf-8", "surrogateescape")).hexdigest()

    async def fetch(self, entry: Entry, limit: int = MAX_FILE) -> bytes | None:
        """The bytes of a file, read by the service inside the sandbox; None if there are more than `limit`."""
        data = bytearray()
        async with await self._sandbox.files.read(f"{HOME}/{entry.path}", format="stream") as stream:
            async for chunk in stream:
                data += chunk
                if len(data) > limit:
                    return None
        return bytes(data)

    async def place(self, name: str, source: Path) -> None:
        """Write a local file to /home/user/<name>; the next look finds it changed."""
        with source.open("rb") as data:
            await self._sandbox.files.write(f"{HOME}/{name}", data)

    async def write(self, name: str, source: Path) -> None:
        """Write a local file to /home/user/<name>; it counts as known."""
        await self.place(name, source)
        info = await self._sandbox.files.get_info(f"{HOME}/{name}")
        self._known[name] = Entry(name, info.size, info.modified_time)


def media_type(name: str) -> str:
    """The media type that a file's name promises; `application/octet-stream` if it promises none."""
    known = _TYPES.get(PurePosixPath(name).suffix.lower())
    return known or mimetypes.guess_type(name)[0] or "application/octet-stream"


def role(name: str) -> ArtifactRole:
    """Whether a file that a cell wrote is shown as a plot, a table or just a file."""
    if media_type(name).startswith("image/"):
        return "plot"
    return "table" if PurePosixPath(name).suffix.lower() in _TABLES else "file"


_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\\:*?\"<>|\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_LONGEST = 200
"""Bytes of a part of a name: a file system allows 255, and whoever writes it needs some for a name of its own."""


def safe_name(name: str) -> str:
    """A relative path fit to be shown and written anywhere.

    It has no control characters, nothing that turns the direction of writing, no `..`, no backslash, and no part that
    is too long.
    """
    parts = [_short(_UNFIT.sub("_", clean(part))) for part in name.split("/")]
    return "/".join(part for part in parts if part not in ("", ".", "..")) or "unnamed"


def _short(part: str) -> str:
    if len(part.encode()) <= _LONGEST:
        return part
    suffix = PurePosixPath(part).suffix[:16]
    return part.encode()[: _LONGEST - len(suffix.encode())].decode("utf-8", "ignore") + suffix


def parents(code: Sequence[str], known: Iterable[Artifact]) -> tuple[str, ...]:
    """Ids of the inputs and earlier files whose names the code so far speaks of; all inputs if it names none.

    A run's code is all that can have touched a file, so the code of every cell so far counts, not the last one's only.
    """
    known = [a for a in known if a.role in ("input", "table", "file")]
    text = "\n".join(code)
    named = [a.id for a in known if a.name in text or PurePosixPath(a.name).name in text]
    return tuple(named or [a.id for a in known if a.role == "input"])
