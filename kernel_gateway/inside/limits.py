"""Limits that the service sets on itself, and so on everything that it starts."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import signal
from pathlib import Path

GIB = 1 << 30
_PR_SET_PDEATHSIG = 1
_KEYCTL = {"x86_64": 250, "aarch64": 219}
_KEYCTL_JOIN_SESSION_KEYRING = 1
_LIMITS = Path("/run/limits")  # files of our control group, where there is one
_KERNEL, _COMMAND = "500", "700"  # of 1000: when memory runs out a command goes first, the sandbox's service last
_DISKS = {"/": "the disk", "/tmp": "/tmp", "/dev/shm": "/dev/shm"}
_HOMES = ("/home/user", "/root")  # in a sandbox
_NEARLY = 8  # tasks fewer than there may be: some have ended since
_ROOM = 64 << 10  # bytes; a disk with less is full

_memory_kills = 0


def set_limits(memory: int, file_size: int, processes: int = 1024, open_files: int = 8192, pid: int = 0) -> None:
    """Set rlimits for this process, or for the one that `pid` names, and for what it starts from now on.

    `memory` (bytes of address space per process) is never taken below 4 GiB: numeric libraries reserve address space
    far beyond what they use, and a kernel does not start with less. A program may lift that limit for itself where a
    control group holds what is really used. `file_size` is in bytes. The kernel counts processes per user namespace,
    so the count is the sandbox's own; it does not count those of the host's root.
    """
    wanted = {
        resource.RLIMIT_AS: max(memory, 4 * GIB),
        resource.RLIMIT_FSIZE: file_size,
        resource.RLIMIT_NPROC: processes,
        resource.RLIMIT_NOFILE: open_files,
        resource.RLIMIT_CORE: 0,
    }
    for which, value in wanted.items():
        _, hard = resource.prlimit(pid, which)
        limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
        may_be_lifted = which == resource.RLIMIT_AS and (_LIMITS / "limit").exists()
        resource.prlimit(pid, which, (limit, hard if may_be_lifted else limit))


def limit_sandbox(**limits: int) -> None:
    """Set rlimits for every process of a sandbox in which no user's code runs yet, ourselves among them.

    Such code may write to the memory of all that its own user runs, and so become what bubblewrap has started.
    """
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            set_limits(**limits, pid=int(entry))


def die_with(parent: int) -> None:
    """End this process when its parent, whose pid the parent has told us, ends or has already ended."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def be_expendable() -> None:
    """Have this process, a kernel, and what it starts, end before the sandbox's service when memory runs out."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_KERNEL)


def make_expendable(command: int) -> None:
    """Have a command or a shell, by its pid, and what it starts, end before the kernels do."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{command}/oom_score_adj").write_text(_COMMAND)


def memory_verdict() -> str | None:
    """What to say, and advise, if the memory limit ended a process since we last asked; else None.

    Whoever notices says it so: what a cell has started goes first as a rule, being larger, but the kernel of the
    machine may take ours as well while the memory of a process that it has ended is not yet given back.
    """
    global _memory_kills
    try:
        limit = int((_LIMITS / "limit").read_text())
        events = dict(line.split() for line in (_LIMITS / "events").read_text().splitlines())
    except (OSError, ValueError):
        return None
    before, _memory_kills = _memory_kills, int(events.get("oom_kill", 0))
    said = f"killed: {limit / GIB:.1f} GiB memory limit; work on a part of the data at a time"
    return said if _memory_kills > before else None


def reached() -> str:
    """Which limits of the sandbox something has just run into, and what to do about it; empty for none.

    To be asked when something has failed; what memory ended is told once.
    """
    found = []
    if (verdict := memory_verdict()) is not None:
        found.append(verdict)
    if os.environ.get("HOME") not in _HOMES:
        return ". ".join(found)  # without isolation: processes and disks in sight are the host's
    limit = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    if limit != resource.RLIM_INFINITY and _tasks() >= limit - _NEARLY:
        found.append(f"refused: limit of {limit} processes and threads; end some before starting more")
    for place, name in _DISKS.items():
        disk = os.statvfs(place)
        if disk.f_bavail * disk.f_frsize < _ROOM:
            size = disk.f_blocks * disk.f_frsize >> 20
            found.append(f"full: {size} MiB limit of {name}; delete what is not needed")
    return ". ".join(found)


def _tasks() -> int:
    """How many processes and threads there are in sight."""
    found = 0
    for entry in filter(str.isdecimal, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            found += len(os.listdir(f"/proc/{entry}/task"))
    return found


def leave_keyring() -> None:
    """Join a session keyring of our own: the inherited one may hold the host user's keys.

    Where a container's filter refuses the call it refuses every other one about keys, too.
    """
    if (number := _KEYCTL.get(platform.machine())) is not None:
        ctypes.CDLL(None).syscall(number, _KEYCTL_JOIN_SESSION_KEYRING, None)
