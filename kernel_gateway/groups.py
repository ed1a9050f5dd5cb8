"""Control groups: what a sandbox may use altogether, where the host lets us set it.

Every sandbox gets a group of its own beneath the gateway's own group, so whatever bounds the gateway bounds it, too.
Version 1 needs root; version 2 needs a group that is delegated to the gateway and holds nothing else (`systemd-run
--user --scope -p Delegate=yes python -m kernel_gateway`). Where there is neither, `Groups.find` says why and the
rlimits inside a sandbox, which hold each process alone, are what there is. See cgroups(7) and the kernel's
Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

_PREFIX = "gristmill-"
_WANTED = ("memory", "pids", "cpu")
_SHARES = 2048  # version 1: as much as two processes outside of any group, since a sandbox is a service and a kernel
_WEIGHT = 100  # version 2: the usual one
_GIB = 1 << 30
_MADE = re.compile(_PREFIX + r"(?P<pid>\d+)-(?P<start>\d+)-")
_PATIENCE = 1.0  # seconds


class NoGroups(Exception):
    """No control group can be made here; the message says why."""


@dataclass
class Group:
    """One sandbox's control groups: a folder for each controller, the same one for all in version 2."""

    folders: dict[str, Path]
    second: bool
    memory: int

    @property
    def memory_files(self) -> dict[str, Path]:
        """What the service inside reads: the limit, the count of deaths by it, and what is used."""
        if "memory" not in self.folders:
            return {}
        names = ("max", "events", "current") if self.second else ("limit_in_bytes", "oom_control", "usage_in_bytes")
        files = (self.folders["memory"] / f"memory.{name}" for name in names)
        return dict(zip(("limit", "events", "used"), files, strict=True))

    def add(self, pid: int) -> None:
        """Put a process into the group; whatever it starts from now on is in it as well. Raises OSError."""
        for folder in dict.fromkeys(self.folders.values()):
            (folder / "cgroup.procs").write_text(str(pid))

    @property
    def doors(self) -> list[Path]:
        """Files by which a process of one thread puts itself into the group: it writes "0" to each.

        Version 1 knows one for threads, which spares the kernel to stop every fork on the machine meanwhile.
        """
        name = "cgroup.procs" if self.second else "tasks"
        return [folder / name for folder in dict.fromkeys(self.folders.values())]

    def verdict(self) -> str | None:
        """What the memory limit did to a sandbox that is gone; None when it did nothing."""
        if (events := self.memory_files.get("events")) is None:
            return None
        with contextlib.suppress(OSError):
            kills = [line.split()[1] for line in events.read_text().splitlines() if line.startswith("oom_kill ")]
            if kills and int(kills[0]):
                return f"killed: {self.memory / _GIB:.1f} GiB memory limit"
        return None

    def remove(self) -> bool:
        """Remove the folders, and say whether all are gone; they stay while a process in them is still ending."""
        return all([_remove(folder) for folder in dict.fromkeys(self.folders.values())])


class Groups:
    """Makes groups beneath the gateway's own."""

    def __init__(self, parents: dict[str, Path], second: bool) -> None:
        self._parents, self._second = parents, second
        self._mark = f"{_PREFIX}{os.getpid()}-{_started(os.getpid())}-"
        self._left: list[Group] = []
        self.controllers = frozenset(parents)

    @classmethod
    def find(cls) -> Groups:
        """What this machine offers, having removed what gateways that are gone left; raises `NoGroups`."""
        own = dict(_own_groups())
        first = {name: own[name] for name in _WANTED if name in own and os.access(own[name], os.W_OK)}
        if first:
            _sweep({mounted for name, (_, mounted) in _mounts().items() if name in first})
            return cls(first, second=False)
        if (folder := own.get("")) is not None:
            found = cls(dict.fromkeys(_delegated(folder), folder), second=True)
            _sweep({folder})
            return found
        raise NoGroups("no control group may be written by this user")

    def make(self, name: str, memory: int, processes: int) -> Group:
        """A group that holds its processes to so many bytes of memory, files in memory included, and so many tasks.

        Raises OSError.
        """
        folders = {controller: parent / f"{self._mark}{name}" for controller, parent in self._parents.items()}
        group = Group(folders, self._second, memory)
        try:
            for folder in dict.fromkeys(folders.values()):
                folder.mkdir()
                folder.chmod(0o755)  # whatever our umask: a sandbox reads its limits, as another user if we are root
            for controller, file, value in self._settings(memory, processes):
                if controller in folders:
                    (folders[controller] / file).write_text(str(value))
            for extra in ("memory.swap.max", "memory.memsw.limit_in_bytes"):  # where the kernel counts swap
                if "memory" in folders and (place := folders["memory"] / extra).exists():
                    place.write_text("0" if self._second else str(memory))
        except OSError:
            group.remove()
            raise
        return group

    def release(self, group: Group) -> None:
        """Remove a group whose sandbox is gone, and any that could not be removed before."""
        self._left = [one for one in (*self._left, group) if not one.remove()]

    def close(self) -> None:
        """Remove what is left: the kernel counts a process as in its group for a moment after its end."""
        end = time.monotonic() + _PATIENCE
        while self._left and time.monotonic() < end:
            self._left = [one for one in self._left if not one.remove()]
            time.sleep(0.01)

    def _settings(self, memory: int, processes: int) -> list[tuple[str, str, int]]:
        if self._second:
            return [("memory", "memory.max", memory), ("pids", "pids.max", processes), ("cpu", "cpu.weight", _WEIGHT)]
        return [
            ("memory", "memory.limit_in_bytes", memory),
            ("pids", "pids.max", processes),
            ("cpu", "cpu.shares", _SHARES),
        ]


def _sweep(tops: set[Path]) -> None:
    """Remove what gateways that are gone have left, wherever they ran: each may have been in another group."""
    for top in tops:
        for place, names, _ in os.walk(top):
            for name in names:
                if (made := _MADE.match(name)) and _started(int(made["pid"])) != made["start"]:
                    _remove(Path(place, name))


def _remove(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot, so that a pid used again is known; "" when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def _mounts() -> dict[str, tuple[str, Path]]:
    """Where each hierarchy is mounted, by controller: (the group at its top, the place); version 2's name is empty."""
    mounted: dict[str, tuple[str, Path]] = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        root, place = before.split()[3:5]
        kind, _, options = after.split()[:3]
        if kind in ("cgroup", "cgroup2"):
            for name in options.split(",") if kind == "cgroup" else [""]:
                mounted.setdefault(name, (root, Path(place)))
    return mounted


def _own_groups() -> list[tuple[str, Path]]:
    """The gateway's own group in every hierarchy, by controller."""
    mounted = _mounts()
    found = []
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        for name in names.split(","):
            if name in mounted:
                top, mount = mounted[name]
                with contextlib.suppress(ValueError):  # a group outside of what is mounted here
                    found.append((name, mount / Path(path).relative_to(top)))
    return found


def _delegated(folder: Path) -> list[str]:
    """Make version 2's group `folder` ready to hold groups with controllers, and name those; raises `NoGroups`.

    A group that holds processes passes no controller on, so we step aside into one beneath it.
    """
    try:
        offered = [name for name in _WANTED if name in (folder / "cgroup.controllers").read_text()]
        if not offered:
            raise NoGroups("the control group is delegated no controller")
        if (folder / "cgroup.procs").read_text().split() != [str(os.getpid())]:
            raise NoGroups("the control group is shared with other processes")
        aside = folder / f"{_PREFIX}gateway"
        aside.mkdir(exist_ok=True)
        (aside / "cgroup.procs").write_text(str(os.getpid()))
        (folder / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in offered))
    except OSError as error:
        raise NoGroups(f"the control group cannot be written ({error.strerror})") from None
    return offered
