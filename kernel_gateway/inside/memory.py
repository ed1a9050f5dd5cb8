"""What programs in a sandbox are told of its memory: a /proc/meminfo of the sandbox's own limit and use.

psutil, free, top and their like read it. The file is mounted over the kernel's, and written anew by the service before
each cell and each command, and now and then; between, it stands still. See proc_meminfo(5).
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_FILE = "/proc/meminfo"
_USED = Path("/run/limits/used")  # of our control group, where there is one
_TOTAL_AT_MOST = 1 << 62  # bytes; a line of the file is never longer than this makes it


def text(total: int, used: int) -> str:
    """The file for so many bytes altogether and in use. There is no swap, and what is a file in memory is in use."""
    free = max(0, total - used)
    figures = {
        "MemTotal": total,
        "MemFree": free,
        "MemAvailable": free,
        **dict.fromkeys(("Buffers", "Cached", "SwapCached"), 0),
        "Active": total - free,
        **dict.fromkeys(("Inactive", "SwapTotal", "SwapFree", "Dirty", "Writeback"), 0),
        "AnonPages": total - free,
        **dict.fromkeys(("Mapped", "Shmem", "Slab", "SReclaimable", "SUnreclaim"), 0),
        "CommitLimit": total,
        "Committed_AS": total - free,
    }
    return "".join(f"{name + ':':<16}{min(value, _TOTAL_AT_MOST) >> 10:>16} kB\n" for name, value in figures.items())


def refresh(used: int | None = None) -> None:
    """Write what is in use now, as the control group counts it, else the bytes that somebody has counted.

    Does nothing where the file is the kernel's own.
    """
    with contextlib.suppress(OSError, ValueError):
        counted = int(_USED.read_text()) if _USED.exists() else used
        if counted is None or not os.access(_FILE, os.W_OK):
            return
        with open(_FILE, "r+") as file:
            total = int(file.readline().split()[1]) << 10
            file.seek(0)
            file.write(text(total, counted))
