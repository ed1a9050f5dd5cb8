"""Limits that the service sets on itself, and so on everything that it starts."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal

GIB = 1 << 30
_PR_SET_PDEATHSIG = 1
_KEYCTL = {"x86_64": 250, "aarch64": 219}
_KEYCTL_JOIN_SESSION_KEYRING = 1


def set_limits(memory: int, file_size: int, processes: int = 1024, open_files: int = 8192) -> None:
    """Set rlimits for this process and its children.

    `memory` (bytes of address space per process) is never taken below 4 GiB: numeric libraries reserve address space
    far beyond what they use, and a kernel does not start with less. `file_size` is in bytes. The kernel counts
    processes per user namespace, so the count is the sandbox's own; it does not count those of the host's root.
    """
    wanted = {
        resource.RLIMIT_AS: max(memory, 4 * GIB),
        resource.RLIMIT_FSIZE: file_size,
        resource.RLIMIT_NPROC: processes,
        resource.RLIMIT_NOFILE: open_files,
        resource.RLIMIT_CORE: 0,
    }
    for which, value in wanted.items():
        _, hard = resource.getrlimit(which)
        limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (limit, limit))


def die_with(parent: int) -> None:
    """End this process when its parent, whose pid the parent has told us, ends or has already ended."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def leave_keyring() -> None:
    """Join a session keyring of our own: the inherited one may hold the host user's keys.

    Where a container's filter refuses the call it refuses every other one about keys, too.
    """
    if (number := _KEYCTL.get(platform.machine())) is not None:
        ctypes.CDLL(None).syscall(number, _KEYCTL_JOIN_SESSION_KEYRING, None)
