"""Directory watching, on the kernel's inotify: what changed, by its name relative to the watched directory."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import struct
from dataclasses import dataclass
from typing import Literal

_MODIFY, _ATTRIB, _MOVED_FROM, _MOVED_TO = 0x2, 0x4, 0x40, 0x80
_CREATE, _DELETE, _OVERFLOW, _IGNORED = 0x100, 0x200, 0x4000, 0x8000
_ONLYDIR, _IS_DIRECTORY = 0x01000000, 0x40000000
_WANTED = _MODIFY | _ATTRIB | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _ONLYDIR
_HEAD = struct.Struct("iIII")
_READ = 64 << 10
_MAX_WAITING = 10_000  # events that nobody has taken; a watcher that falls further behind is ended

type Kind = Literal["create", "write", "remove", "rename", "chmod"]

_KINDS: tuple[tuple[int, Kind], ...] = (
    (_CREATE | _MOVED_TO, "create"),
    (_MODIFY, "write"),
    (_ATTRIB, "chmod"),
    (_DELETE, "remove"),
    (_MOVED_FROM, "rename"),
)


@dataclass(frozen=True)
class Change:
    """One change; `name` is relative to the watched directory."""

    name: str
    kind: Kind


class FellBehind(Exception):
    """More changed than was taken: some events are lost."""


class Watch:
    """A watched directory, from its making until `close`. Raises OSError when it cannot be watched.

    Format of what is read: inotify(7).
    """

    def __init__(self, place: str, *, recursive: bool) -> None:
        self.place = place
        self._recursive = recursive
        self._folders: dict[int, str] = {}
        self._waiting: asyncio.Queue[Change] = asyncio.Queue(_MAX_WAITING)
        self._lost = False
        self._told: set[str] = set()
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._inotify = self._checked(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        try:
            self._add("")
        except OSError:
            os.close(self._inotify)
            raise
        asyncio.get_running_loop().add_reader(self._inotify, self._read)

    def close(self) -> None:
        """Stop watching."""
        asyncio.get_running_loop().remove_reader(self._inotify)
        os.close(self._inotify)

    async def next(self) -> Change:
        """The oldest change that was not yet taken; raises `FellBehind`."""
        if self._lost and self._waiting.empty():
            raise FellBehind
        return await self._waiting.get()

    def taken(self) -> list[Change]:
        """Every change that waits; raises `FellBehind`."""
        self._read()  # of what happened before we were asked nothing is left for the next time
        changes = []
        while not self._waiting.empty():
            changes.append(self._waiting.get_nowait())
        if self._lost and not changes:
            raise FellBehind
        return changes

    def _add(self, folder: str, *, tell: bool = False) -> None:
        path = os.path.join(self.place, folder)
        number = self._checked(self._libc.inotify_add_watch(self._inotify, os.fsencode(path), _WANTED), path)
        self._folders[number] = folder
        if self._recursive:
            with os.scandir(path) as entries:
                inner = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
            for entry, is_folder in inner:
                name = os.path.join(folder, entry)
                if tell:  # it was made before we watched its folder
                    self._put(Change(name, "create"))
                    self._told.add(name)
                if is_folder:
                    self._add_new(name, tell=tell)

    def _add_new(self, folder: str, *, tell: bool) -> None:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            self._add(folder, tell=tell)

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._inotify, _READ)
            except BlockingIOError:
                self._told.clear()  # whatever was seen on the way is behind us
                return
            at = 0
            while at < len(data):
                number, mask, _, size = _HEAD.unpack_from(data, at)
                name = os.fsdecode(data[at + _HEAD.size : at + _HEAD.size + size].rstrip(b"\0"))
                at += _HEAD.size + size
                if mask & _OVERFLOW:
                    self._lost = True
                elif mask & _IGNORED:
                    self._folders.pop(number, None)
                elif name and number in self._folders:
                    self._tell(os.path.join(self._folders[number], name), mask)

    def _tell(self, name: str, mask: int) -> None:
        is_new = bool(mask & (_CREATE | _MOVED_TO))
        if is_new and name in self._told:
            self._told.discard(name)
            return
        for bits, kind in _KINDS:
            if mask & bits:
                self._put(Change(name, kind))
        if self._recursive and is_new and mask & _IS_DIRECTORY:
            self._add_new(name, tell=True)

    def _put(self, change: Change) -> None:
        try:
            self._waiting.put_nowait(change)
        except asyncio.QueueFull:
            self._lost = True

    @staticmethod
    def _checked(result: int, path: str | None = None) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), path)
        return result
