"""What programs in a sandbox are told of its memory: a /proc/meminfo of the sandbox's own limit and use.

psutil, free, top and their like read it. The file is mounted over the kernel's, and written anew by the service before
each cell and each command, and now and then; between, it stands still. It lies where code can fill no more than the few
MiB of the service's own folder. See proc_meminfo(5).
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os

SOURCE = "/run/gristmill/meminfo"

_FILE = "/proc/meminfo"
_MS_BIND = 0x1000
_USED = "/run/limits/used"  # of our control group, where there is one
_MOST = 1 << 62  # bytes; a line of the file is never longer than this makes it
_NONE = (
    *("Buffers", "Cached", "SwapCached", "Inactive", "SwapTotal", "SwapFree", "Dirty", "Writeback", "Mapped", "Shmem"),
    *("Slab", "SReclaimable", "SUnreclaim"),
)
_NAMES = {"MemTotal": 0, "MemFree": 1, "MemAvailable": 1, "Active": 2, "AnonPages": 2, "CommitLimit": 0}
_NAMES |= {"Committed_AS": 2} | dict.fromkeys(_NONE, 3)
_LINES = "".join(f"{name + ':':<16}{{{which}:>16}} kB\n" for name, which in _NAMES.items())


def text(total: int, used: int) -> str:
    """The file for so many bytes altogether and in use. There is no swap, and what is a file in memory is in use."""
    total = min(total, _MOST)
    free = max(0, total - used)
    return _LINES.format(total >> 10, free >> 10, (total - free) >> 10, 0)


def show() -> None:
    """Mount the file over the kernel's, which stays where that cannot be. To be called before anything runs."""
    ctypes.CDLL(None).mount(SOURCE.encode(), _FILE.encode(), None, ctypes.c_ulong(_MS_BIND), None)


def refresh(used: int | None = None) -> None:
    """Write what is in use now, as the control group counts it, else the bytes that somebody has counted.

    Does nothing where the file is the kernel's own.
    """
    file, counter, total = _opened()
    if file is not None:
        with contextlib.suppress(OSError, ValueError):
            counted = used if counter is None else int(os.pread(counter, 32, 0))
            if counted is not None:
                os.pwrite(file, text(total, counted).encode(), 0)


def forget() -> None:
    """Look for the files again when they are next asked for: this process's forks have others."""
    for descriptor in _opened()[:2]:
        if descriptor is not None:
            os.close(descriptor)
    _opened.cache_clear()


@functools.cache
def _opened() -> tuple[int | None, int | None, int]:
    """Descriptors of the file and of the control group's count, where there are such, and the limit in bytes."""
    try:
        file = os.open(_FILE, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None, None, 0
    try:
        total = int(os.pread(file, 64, 0).split()[1]) << 10
        os.pwrite(file, text(total, 0).encode(), 0)
    except (OSError, ValueError):
        os.close(file)
        return None, None, 0
    try:
        return file, os.open(_USED, os.O_RDONLY | os.O_CLOEXEC), total
    except OSError:
        return file, None, total
