"""Volumes: folders that outlast sandboxes and that several may share, each with a quota.

A volume is a folder of the host's, mounted into sandboxes. The host makes it, counts what is in it and removes it, and
never opens a path in it: whoever reads or writes a volume without a sandbox of his own is served by a keeper, which is
one (`volume_files.py`). Neither the kernel nor bubblewrap can bound a folder for an ordinary user, so what is in a
volume is counted while it is mounted, and who has filled it is ended.
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
import subprocess
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from kernel_gateway.errors import GatewayError, SandboxFailed
from kernel_gateway.outside import VOLUME_USER
from kernel_gateway.wanted import BadRequest, Conflict, Mount

log = logging.getLogger("kernel_gateway")

_MIB = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_FACTS, _FILES = "volume.json", "files"
_MOST_VOLUMES = 1000
_MOST_FILES = 500_000  # of one volume, folders and links among them
_SPARE = 512 << 20  # bytes of the disk that are left to others
_LOOK_SECONDS = 0.25  # between two looks at how much the disk has lost
_COUNT_SECONDS = 5.0  # after which the files are counted again where the disk has changed at all
_BLOCK = 512  # bytes that `%b` counts
# What is locked for us can only be an ordinary user's own: root reads everything.
_COUNT = ["-ignore_readdir_race", "-xdev", "-printf", "%b %n %i\n"]
_LOCKED = ["-type", "d", "(", "!", "-readable", "-o", "!", "-executable", ")", "-printf", "locked\n", ","]


class UnknownVolume(GatewayError):
    """No volume has this id."""


@dataclass(frozen=True)
class Volume:
    """One volume; `token` admits to its files, `made` is ISO 8601."""

    id: str
    name: str
    token: str
    made: str


@dataclass(frozen=True)
class Usage:
    """What a volume holds: bytes on disk, and files of any kind. `locked` says that some could not be counted."""

    size: int
    files: int
    locked: bool = False


@dataclass
class _Watch:
    """Who has a volume mounted, and the task that counts."""

    holders: list[Hold] = field(default_factory=list)
    task: asyncio.Task[None] | None = None


class Hold:
    """Volumes that somebody has mounted, or is about to; he is ended by `end`, for a reason, when one overflows."""

    def __init__(self, volumes: Volumes, held: Iterable[Volume]) -> None:
        self.end: Callable[[str], None] = lambda why: None
        self._volumes, self._held = volumes, list(held)
        for volume in self._held:
            volumes.watch(volume, self)

    def release(self) -> None:
        """Let go of them, once or more often."""
        while self._held:
            self._volumes.unwatch(self._held.pop(), self)


class Volumes:
    """The volumes of one gateway, in `folder`; each may hold `quota` bytes."""

    def __init__(self, folder: Path, quota: int) -> None:
        self._folder, self.quota = folder, quota
        self._all: dict[str, Volume] = {}
        self._watches: dict[str, _Watch] = {}
        self._removing: set[asyncio.Task[None]] = set()
        self._load()

    def all(self) -> list[Volume]:
        """Every volume, the oldest first."""
        return sorted(self._all.values(), key=lambda one: (one.made, one.id))

    def find(self, volume_id: str) -> Volume:
        """The volume of this id; raises `UnknownVolume`."""
        if (found := self._all.get(volume_id)) is None:
            raise UnknownVolume(f"Volume {volume_id} was not found.")
        return found

    def named(self, name: str) -> Volume:
        """The volume of this name; raises `BadRequest` with the names that there are."""
        for one in self._all.values():
            if one.name == name:
                return one
        there = ", ".join(one.name for one in self.all()) or "none yet"
        raise BadRequest(f"There is no volume {name!r}; there is: {there}. Volume.create({name!r}) makes one.")

    def create(self, name: object) -> Volume:
        """Make an empty volume.

        Raises `BadRequest` for a name that it cannot have, `Conflict` for a taken one, `SandboxFailed` for a full disk.
        """
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise BadRequest(f"A volume cannot be named {name!r}: use up to 63 letters, digits, - and _.")
        if any(one.name == name for one in self._all.values()):
            raise Conflict(f"There is a volume {name!r} already; connect to it, or choose another name.")
        if len(self._all) >= _MOST_VOLUMES:
            raise BadRequest(f"This host keeps {_MOST_VOLUMES} volumes at most; destroy some first.")
        volume = Volume(str(uuid.uuid4()), name, secrets.token_hex(24), datetime.now(UTC).isoformat())
        part = self._folder / f"{volume.id}.part"
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            part.mkdir(mode=0o700)
            files = part / _FILES
            files.mkdir()
            files.chmod(0o755)
            if os.geteuid() == 0:
                os.chown(files, VOLUME_USER, VOLUME_USER)
            with open(os.open(part / _FACTS, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump(asdict(volume), file)
                file.flush()
                os.fsync(file.fileno())
            part.rename(self._folder / volume.id)
        except OSError as error:
            raise SandboxFailed(f"The volume cannot be kept: {error.strerror}.") from None
        self._all[volume.id] = volume
        return volume

    def remove(self, volume: Volume) -> None:
        """Remove a volume; its files go aside at once and then for good. Raises `Conflict` while somebody has it."""
        if volume.id in self._watches:
            raise Conflict(f"The volume {volume.name!r} is in use; end its sandboxes first.")
        del self._all[volume.id]
        gone = self._folder / f"{volume.id}.gone"
        (self._folder / volume.id).rename(gone)
        task = asyncio.create_task(asyncio.to_thread(_erase, gone))
        self._removing.add(task)
        task.add_done_callback(self._removing.discard)

    def folder(self, volume: Volume) -> Path:
        """Where its files are on the host."""
        return self._folder / volume.id / _FILES

    def places(self, mounts: tuple[Mount, ...]) -> list[tuple[Path, str]]:
        """Which folders of the host a sandbox is to have, and where; raises `BadRequest` for an unknown volume."""
        return [(self.folder(self.named(mount.name)), mount.path) for mount in mounts]

    async def check(self, mounts: tuple[Mount, ...]) -> None:
        """Raise `BadRequest` where a sandbox asks for a volume that there is not, or that is full."""
        for volume in dict.fromkeys(self.named(mount.name) for mount in mounts):
            if why := self._excess(volume, await self.count(volume)):
                raise BadRequest(f"{why} Remove files first, with Volume.connect({volume.id!r}).remove(path).")

    async def count(self, volume: Volume) -> Usage:
        """What a volume holds now."""
        return await asyncio.to_thread(_count, self.folder(volume))

    def hold(self, mounts: Iterable[Mount]) -> Hold:
        """Keep these volumes from being removed, and count what is in them; raises `BadRequest` for an unknown one."""
        return Hold(self, [self.named(mount.name) for mount in mounts])

    def watch(self, volume: Volume, holder: Hold) -> None:
        """Count what is in a volume while somebody holds it."""
        watch = self._watches.setdefault(volume.id, _Watch())
        watch.holders.append(holder)
        if watch.task is None:
            watch.task = asyncio.create_task(self._guard(volume, watch))

    def unwatch(self, volume: Volume, holder: Hold) -> None:
        """One who held a volume does so no more."""
        watch = self._watches[volume.id]
        watch.holders.remove(holder)
        if not watch.holders and watch.task is not None:
            watch.task.cancel()
            del self._watches[volume.id]

    async def close(self) -> None:
        """Wait for what is being removed."""
        await asyncio.gather(*self._removing, return_exceptions=True)
        with contextlib.suppress(OSError):
            self._folder.rmdir()

    async def _guard(self, volume: Volume, watch: _Watch) -> None:
        """End who holds a volume when it overflows, or cannot be counted any more."""
        try:
            await self._look(volume, watch)
        except OSError as error:
            log.error("the volume %s cannot be counted: %s", volume.id, error)
            watch.task = None  # whoever comes next has it counted again
            for holder in list(watch.holders):
                holder.end(f"The volume {volume.name!r} cannot be counted: {error.strerror or error}.")

    async def _look(self, volume: Volume, watch: _Watch) -> None:
        """Look how much the disk has lost, which costs nothing, and count only where that may be ours."""
        folder = self.folder(volume)
        disk, usage, counted = os.statvfs(folder), await self.count(volume), time.monotonic()
        allowed = usage  # one that was full before may be emptied
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            now = os.statvfs(folder)
            lost = (disk.f_bfree - now.f_bfree) * now.f_frsize
            grown = Usage(usage.size + lost, usage.files + disk.f_ffree - now.f_ffree)
            is_old = time.monotonic() - counted > _COUNT_SECONDS and now[:8] != disk[:8]
            if not is_old and not self._excess(volume, grown) and (lost <= 0 or not _is_full(now)):
                continue
            disk, usage, counted = os.statvfs(folder), await self.count(volume), time.monotonic()
            why = self._excess(volume, usage)
            if not why and _is_full(disk) and usage.size > allowed.size:
                why = f"The disk that the volume {volume.name!r} is kept on is full."
            if why and (usage.size > allowed.size or usage.files > allowed.files or usage.locked):
                for holder in list(watch.holders):
                    holder.end(why)

    def _excess(self, volume: Volume, usage: Usage) -> str:
        """Why a volume may not hold so much; empty when it may."""
        if usage.size > self.quota:
            return f"The volume {volume.name!r} holds more than its {self.quota // _MIB} MiB."
        if usage.files > _MOST_FILES:
            return f"The volume {volume.name!r} holds more than {_MOST_FILES} files."
        if usage.locked:
            return f"The volume {volume.name!r} holds a folder that nobody may read, and cannot be counted."
        return ""

    def _load(self) -> None:
        """Read what an earlier gateway kept, and remove what it did not finish."""
        if not self._folder.is_dir():
            return
        for place in sorted(self._folder.iterdir()):
            if place.suffix in (".part", ".gone"):
                _erase(place)
                continue
            try:
                volume = Volume(**json.loads((place / _FACTS).read_text()))
            except (OSError, ValueError, TypeError) as error:
                log.warning("the volume %s cannot be read: %s", place.name, error)
                continue
            self._all[volume.id] = volume


def _is_full(disk: os.statvfs_result) -> bool:
    return disk.f_bavail * disk.f_frsize < _SPARE


def _count(folder: Path) -> Usage:
    """Count files as they lie on disk, through nothing but descriptors of folders: no link is followed."""
    locked = _LOCKED if os.geteuid() else []
    command = ["find", str(folder), *_COUNT[:2], *locked, *_COUNT[2:]]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if done.returncode < 0:
        raise OSError(f"{command[0]} was ended by a signal")
    size = files = 0
    seen: set[bytes] = set()
    for line in done.stdout.splitlines():
        if line == b"locked":
            return Usage(size, files, locked=True)
        blocks, links, number = line.split()
        if links != b"1" and number in seen:
            continue
        if links != b"1":
            seen.add(number)
        size += int(blocks) * _BLOCK
        files += 1
    return Usage(size, files)


def _erase(folder: Path) -> None:
    """Remove what a sandbox has made: names of any length and depth, and folders that it has locked."""
    options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": False}
    if os.geteuid():
        subprocess.run(["chmod", "-R", "u+rwX", "--", str(folder)], **options)  # type: ignore[call-overload]
    subprocess.run(["rm", "-rf", "--one-file-system", "--", str(folder)], **options)  # type: ignore[call-overload]
    shutil.rmtree(folder, ignore_errors=True)
