"""How much one sandbox, and a volume, may use of this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass

from kernel_gateway.errors import GatewayError

_MIB = 1 << 20


@dataclass(frozen=True)
class Sizes:
    """What one sandbox may use, in bytes and in processes (threads count as such).

    `memory` is what it may hold altogether, where there are control groups, and each process's address space; `home`
    what its disk holds, which is everything beside /tmp and /dev/shm.
    """

    memory: int
    home: int
    tmp: int
    shm: int
    processes: int = 1024

    @classmethod
    def of_machine(cls) -> Sizes:
        """Shares of this machine's memory, since a sandbox's files are held in memory.

        `GRISTMILL_SANDBOX_MEMORY` (MiB) and `GRISTMILL_SANDBOX_PROCESSES` in the environment set other limits; raises
        `GatewayError` when they are not whole numbers that a kernel can start with.
        """
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        memory = _wanted("GRISTMILL_SANDBOX_MEMORY", 256, total * 6 // 10 // _MIB) * _MIB
        return cls(
            memory=memory,
            home=min(max(256 * _MIB, min(4096 * _MIB, total // 5)), memory // 2),
            tmp=min(max(128 * _MIB, min(1024 * _MIB, total // 10)), memory // 4),
            shm=min(max(64 * _MIB, min(512 * _MIB, total // 20)), memory // 8),
            processes=_wanted("GRISTMILL_SANDBOX_PROCESSES", 32, 1024),
        )


def volume_size() -> int:
    """How many bytes a volume may hold; `GRISTMILL_VOLUME_SIZE` (MiB) sets another limit. Raises `GatewayError`."""
    return _wanted("GRISTMILL_VOLUME_SIZE", 1, 4096) * _MIB


def _wanted(name: str, least: int, usual: int) -> int:
    text = os.environ.get(name, "") or str(usual)
    if not text.isdecimal() or int(text) < least:
        raise GatewayError(f"{name} must be a whole number, at least {least}, not {text!r}.")
    return int(text)
