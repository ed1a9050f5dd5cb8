"""What a process of a sandbox may do: nothing that needs a privilege, whether it is the sandbox's user's or its root's.

A sandbox has two user namespaces, one within the other, in which the same user of the host is `root` and `user`.
bubblewrap makes them; the seed stays in the outer one, and what it forks goes on to the inner one or is root's. Neither
holds a capability or may gain one. See user_namespaces(7), capabilities(7), seccomp(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
from typing import Any

from kernel_gateway.inside import seccomp
from kernel_gateway.inside.seccomp import Role

USER, ROOT = 1000, 0  # as their namespaces have them

_CLONE_NEWUSER = 0x10000000
_PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_CAPBSET_DROP = 4, 22, 24
_PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION = 0x20080522
_LIBC = ctypes.CDLL(None, use_errno=True)


class _Filter(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


_FILTERS: dict[Role, bytes | None] = {role: seccomp.program(role=role) for role in ("user", "root", "seed")}


def become_user(namespace: int) -> None:
    """Go on as the sandbox's user: `namespace` is a descriptor of that user's namespace. Raises OSError."""
    os.setns(namespace, _CLONE_NEWUSER)
    give_up("user")


def give_up(role: Role) -> None:
    """Give up every capability for good, and have the kernel filter the calls from now on; raises OSError.

    The seed is also kept from the eyes of what it forks, root's included: no program can read or write its memory.
    """
    control(_PR_SET_NO_NEW_PRIVS, 1)
    for capability in range(64):
        if _LIBC.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break  # the kernel knows no more, or all are dropped already
    control(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    _check(_LIBC.capset((ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()))
    if (program := _FILTERS[role]) is not None:
        loaded = _Filter(len(program) // 8, program)
        control(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(loaded))
    # A change of user makes a process's own files in /proc root's. Only now, when nothing is left to be taken over, may
    # its own user read and write it.
    control(_PR_SET_DUMPABLE, int(role != "seed"))
    _hold(USER if role == "user" else ROOT, filtered=program is not None)


def hide() -> None:
    """Let nobody read or write our memory; a program that was started anew can be read again. Raises OSError."""
    control(_PR_SET_DUMPABLE, 0)


def _hold(user: int, filtered: bool) -> None:
    """Raise OSError unless the kernel itself says that this process holds nothing and can gain nothing."""
    with open("/proc/thread-self/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    held = [name for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb") if int(status[name], 16)]
    if held or status["NoNewPrivs"] != "1" or (filtered and status["Seccomp"] != str(_SECCOMP_MODE_FILTER)):
        raise OSError(errno.EPERM, f"privileges are left: {held or 'new ones can be gained'}")
    if os.getuid() != user or os.getresgid() != (user,) * 3:
        raise OSError(errno.EPERM, f"the sandbox's user is {os.getuid()}")


def control(what: int, *arguments: Any) -> None:
    """prctl(2); raises OSError."""
    filled = [ctypes.c_ulong(one) if isinstance(one, int) else one for one in arguments]
    _check(_LIBC.prctl(what, *filled, *(ctypes.c_ulong(0),) * (4 - len(filled))))


def _check(answer: int) -> None:
    if answer != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
