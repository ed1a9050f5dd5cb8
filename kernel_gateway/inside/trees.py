"""The files of a sandbox as they were at a moment, to go back to: what has changed since is written as it was.

The contents are kept in memory, each once for all moments at which it was there. A file that is too large for that is
known by its facts alone, and what lies neither in the user's folder nor in /tmp, too: where one of these has changed
there is no way back.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakValueDictionary

from kernel_gateway.inside.pack import sources, walk
from kernel_gateway.inside.settings import Settings

_RESTORED = ("home", "tmp")
_LARGEST, _MOST = 32 << 20, 128 << 20  # bytes of a file that is kept, and of all together
_MOST_FILES = 4000
_TICK = 0.02  # seconds in which two changes may bear the same time


class _Contents:
    """The bytes of a file in memory."""

    def __init__(self, path: str, size: int) -> None:
        self.size, self.descriptor = size, os.memfd_create("kept", os.MFD_CLOEXEC)
        with open(path, "rb") as file:
            while os.sendfile(self.descriptor, file.fileno(), None, 1 << 24):
                pass

    def write(self, path: str) -> None:
        """Have the file at `path`, made if need be, hold them and no more."""
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "wb") as file:
            file.truncate(0)
            position = 0
            while position < self.size:
                position += os.sendfile(file.fileno(), self.descriptor, position, 1 << 24)

    def __del__(self) -> None:
        os.close(self.descriptor)


@dataclass(frozen=True)
class _Entry:
    """What is known of one path; a change of its contents changes the `facts`."""

    mode: int
    facts: tuple[int, int, int]  # inode, size, time of its last change in nanoseconds; zeros but for regular files
    modified: int = 0
    link: str | None = None
    contents: _Contents | None = None

    def is_same(self, other: _Entry | None) -> bool:
        """Whether nothing of it has changed."""
        return other is not None and (self.mode, self.facts, self.link) == (other.mode, other.facts, other.link)


type Tree = dict[str, _Entry]


class Trees:
    """The files of one sandbox at the moments that are kept. To be used while no code runs there."""

    def __init__(self, settings: Settings) -> None:
        self._roots = {**sources(settings), "shm": Path("/dev/shm")}
        self._restored = [f"{self._roots[name]}/" for name in _RESTORED if name in self._roots]
        self._kept: WeakValueDictionary[tuple[str, tuple[int, int, int]], _Contents] = WeakValueDictionary()

    def take(self) -> Tree | str:
        """The files as they are now, or why they cannot be kept. Takes a moment longer where one has just changed."""
        tree = self._scan()
        newest = max((entry.facts[2] for entry in tree.values()), default=0)
        if (rest := newest / 1e9 + _TICK - time.time()) > 0:
            time.sleep(min(rest, _TICK))
        if len(tree) > _MOST_FILES:
            return f"there are more than {_MOST_FILES} files"
        return {path: self._with_contents(path, entry) for path, entry in tree.items()}

    def restore(self, tree: Tree) -> str:
        """Have the files be as in `tree`; returns "", or why that cannot be, with nothing done."""
        now = self._scan()
        changed = [p for p in sorted(now.keys() | tree.keys()) if not (p in now and now[p].is_same(tree.get(p)))]
        for path in changed:
            before = tree.get(path)
            if not path.startswith(tuple(self._restored)):
                return f"{path} has changed"
            if before is not None and stat.S_ISREG(before.mode) and before.contents is None:
                return f"{path} has changed, and was too large to be kept"
            if any(e is not None and not _is_plain(e.mode) for e in (before, now.get(path))):
                return f"{path} is no ordinary file"
        for path in reversed(changed):  # what is in a folder before the folder
            if path in now and (path not in tree or stat.S_IFMT(now[path].mode) != stat.S_IFMT(tree[path].mode)):
                (os.rmdir if stat.S_ISDIR(now[path].mode) else os.unlink)(path)
        for path in changed:
            if (entry := tree.get(path)) is not None:
                tree[path] = _put_back(path, entry)
        return ""

    def _scan(self) -> Tree:
        tree: Tree = {}
        for root in self._roots.values():
            for path in walk(str(root)):
                try:
                    facts = os.lstat(path)
                    link = os.readlink(path) if stat.S_ISLNK(facts.st_mode) else None
                except FileNotFoundError:
                    continue
                regular, folder = stat.S_ISREG(facts.st_mode), stat.S_ISDIR(facts.st_mode)
                if folder and not path.startswith(tuple(self._restored)):
                    continue  # the kernel notes in the folders of a layer what it has looked up
                own = (facts.st_ino, facts.st_size, facts.st_ctime_ns) if regular else (0, 0, 0)
                tree[path] = _Entry(facts.st_mode, own, facts.st_mtime_ns, link)
        return tree

    def _with_contents(self, path: str, entry: _Entry) -> _Entry:
        if not stat.S_ISREG(entry.mode) or entry.facts[1] > _LARGEST or not path.startswith(tuple(self._restored)):
            return entry
        key = (path, entry.facts)
        if (contents := self._kept.get(key)) is None:
            if entry.facts[1] + sum(one.size for one in self._kept.values()) > _MOST:
                return entry
            contents = self._kept[key] = _Contents(path, entry.facts[1])
        return _Entry(entry.mode, entry.facts, entry.modified, entry.link, contents)


def _is_plain(mode: int) -> bool:
    return any(kind(mode) for kind in _PLAIN)


_PLAIN: tuple[Callable[[int], bool], ...] = (stat.S_ISREG, stat.S_ISDIR, stat.S_ISLNK)


def _put_back(path: str, entry: _Entry) -> _Entry:
    """Make what there was at `path`; returns it with the facts that it has now."""
    if entry.link is not None:
        if os.path.lexists(path):
            os.unlink(path)
        os.symlink(entry.link, path)
        return entry
    if stat.S_ISDIR(entry.mode):
        os.makedirs(path, exist_ok=True)
    elif entry.contents is not None:
        if os.path.lexists(path):
            os.chmod(path, 0o600)
        entry.contents.write(path)
        os.utime(path, ns=(entry.modified, entry.modified))
    os.chmod(path, stat.S_IMODE(entry.mode))
    facts = os.lstat(path)
    own = (facts.st_ino, facts.st_size, facts.st_ctime_ns) if stat.S_ISREG(facts.st_mode) else (0, 0, 0)
    return _Entry(entry.mode, own, entry.modified, None, entry.contents)
