"""The system call filter of every sandbox: a BPF program made here without a library.

It takes away what no analysis needs and most kernel exploits do: new namespaces, mounts, keyrings, io_uring, bpf, perf,
userfaultfd, ptrace and its like, and every socket family but Unix and IP (and netlink, for routes only). A denied call
fails with EPERM, so that a library which only tries takes its other way. A call by another architecture's convention
(32-bit, x32), whose numbers mean other things, ends the process.
A sandbox's files all have one owner on the host, so for its root a change of owner succeeds and changes nothing.
Numbers: Linux, arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h; program: linux/filter.h.
"""

from __future__ import annotations

import errno
import platform
import struct
from dataclasses import dataclass, field
from typing import Literal

type Role = Literal["user", "root", "seed"]

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # BPF_LD|W|ABS, JEQ, JGE, JSET, RET, all |K
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data; each argument takes 8 bytes, low first
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000
_X32 = 0x40000000
_NEW_NAMESPACE = 0x7E020080  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET, NEWTIME
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK, _NETLINK_ROUTE = 1, 2, 10, 16, 0
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C  # type into, and paste to, somebody else's terminal
_ASK_PERSONALITY = 0xFFFFFFFF
_COMMON = {
    **{"io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428, "move_mount": 429},
    **{"fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "clone3": 435, "pidfd_getfd": 438},
    **{"mount_setattr": 442, "quotactl_fd": 443, "open_tree_attr": 467},
}


@dataclass(frozen=True)
class _Machine:
    """An architecture: its AUDIT_ARCH value and the numbers of the calls that the filter names."""

    audit: int
    calls: dict[str, int]


_MACHINES = {
    "x86_64": _Machine(
        0xC000003E,
        {
            **_COMMON,
            **{"ioctl": 16, "socket": 41, "clone": 56, "ptrace": 101, "syslog": 103, "uselib": 134, "personality": 135},
            **{"modify_ldt": 154, "pivot_root": 155, "chroot": 161, "acct": 163, "settimeofday": 164},
            **{"mount": 165, "umount2": 166, "swapon": 167, "swapoff": 168, "reboot": 169, "sethostname": 170},
            **{"setdomainname": 171, "iopl": 172, "ioperm": 173, "init_module": 175, "delete_module": 176},
            **{"quotactl": 179, "clock_settime": 227, "kexec_load": 246, "add_key": 248, "request_key": 249},
            **{"keyctl": 250, "unshare": 272, "perf_event_open": 298, "fanotify_init": 300, "open_by_handle_at": 304},
            **{"clock_adjtime": 305, "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312},
            **{"finit_module": 313, "kexec_file_load": 320, "bpf": 321, "userfaultfd": 323},
        },
    ),
    "aarch64": _Machine(
        0xC00000B7,
        {
            **_COMMON,
            **{"ioctl": 29, "umount2": 39, "mount": 40, "pivot_root": 41, "chroot": 51, "quotactl": 60},
            **{"acct": 89, "personality": 92, "unshare": 97, "kexec_load": 104, "init_module": 105},
            **{"delete_module": 106, "clock_settime": 112, "syslog": 116, "ptrace": 117, "reboot": 142},
            **{"sethostname": 161, "setdomainname": 162, "settimeofday": 170, "socket": 198, "add_key": 217},
            **{"request_key": 218, "keyctl": 219, "clone": 220, "swapon": 224, "swapoff": 225, "perf_event_open": 241},
            **{"fanotify_init": 262, "open_by_handle_at": 265, "clock_adjtime": 266, "setns": 268},
            **{"process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272, "finit_module": 273, "bpf": 280},
            **{"userfaultfd": 282, "kexec_file_load": 294},
        },
    ),
}
_BY_ARGUMENT = ("clone", "clone3", "ioctl", "personality", "socket")
_CHANGES_OWNER = {
    "x86_64": {"chown": 92, "fchown": 93, "lchown": 94, "fchownat": 260},
    "aarch64": {"fchownat": 54, "fchown": 55},
}


@dataclass
class _Program:
    """BPF instructions; each jump leads at most to the end of its own rule, so distances stay below 256."""

    code: list[tuple[int, int, int, int]] = field(default_factory=list)

    def add(self, what: int, value: int, if_true: int = 0, if_false: int = 0) -> None:
        self.code.append((what, if_true, if_false, value))

    def pack(self) -> bytes:
        """As `struct sock_filter` in the machine's order."""
        return b"".join(struct.pack("=HBBI", *one) for one in self.code)


def calls(machine: str = platform.machine()) -> dict[str, int]:
    """The numbers of the calls that the filter denies whatever their arguments; empty where there is no filter."""
    known = _MACHINES.get(machine)
    return {} if known is None else {name: at for name, at in known.calls.items() if name not in _BY_ARGUMENT}


def program(machine: str = platform.machine(), role: Role = "user") -> bytes | None:
    """The filter as the kernel takes it; None on a machine whose call numbers we do not know.

    The seed's lets it enter namespaces, as those that it forks have to; they add their own.
    """
    if machine not in _MACHINES:
        return None
    known = _MACHINES[machine]
    made = _Program()
    made.add(_LOAD, _ARCHITECTURE)
    made.add(_EQUAL, known.audit, 1, 0)
    made.add(_RETURN, _KILL)
    made.add(_LOAD, _NUMBER)
    if machine == "x86_64":
        made.add(_AT_LEAST, _X32, 0, 1)
        made.add(_RETURN, _KILL)
    for number in sorted(number for name, number in calls(machine).items() if (role, name) != ("seed", "setns")):
        made.add(_EQUAL, number, 0, 1)
        made.add(_RETURN, _FAIL | errno.EPERM)
    for number in sorted(_CHANGES_OWNER[machine].values()) if role == "root" else ():
        made.add(_EQUAL, number, 0, 1)
        made.add(_RETURN, _FAIL)
    # Its flags lie in memory, which a filter cannot read; the C library then uses clone, whose flags it can.
    made.add(_EQUAL, known.calls["clone3"], 0, 1)
    made.add(_RETURN, _FAIL | errno.ENOSYS)
    _deny(made, known.calls["clone"], 0, [(_ANY_BIT, _NEW_NAMESPACE)])
    _deny(made, known.calls["ioctl"], 1, [(_EQUAL, _TIOCSTI), (_EQUAL, _TIOCLINUX)])
    _allow_only(made, known.calls["personality"], [0, _ASK_PERSONALITY])
    made.add(_EQUAL, known.calls["socket"], 0, 9)
    made.add(_LOAD, _ARGUMENTS)
    made.add(_EQUAL, _AF_UNIX, 6, 0)
    made.add(_EQUAL, _AF_INET, 5, 0)
    made.add(_EQUAL, _AF_INET6, 4, 0)
    made.add(_EQUAL, _AF_NETLINK, 0, 2)
    made.add(_LOAD, _ARGUMENTS + 16)
    made.add(_EQUAL, _NETLINK_ROUTE, 1, 0)
    made.add(_RETURN, _FAIL | errno.EPERM)
    made.add(_RETURN, _ALLOW)
    made.add(_RETURN, _ALLOW)
    return made.pack()


def _deny(made: _Program, number: int, argument: int, tests: list[tuple[int, int]]) -> None:
    """Deny the call when its argument passes one of the tests; allow it otherwise."""
    made.add(_EQUAL, number, 0, len(tests) + 3)
    made.add(_LOAD, _ARGUMENTS + 8 * argument)
    for at, (test, value) in enumerate(tests):
        made.add(test, value, len(tests) - at, 0)
    made.add(_RETURN, _ALLOW)
    made.add(_RETURN, _FAIL | errno.EPERM)


def _allow_only(made: _Program, number: int, values: list[int]) -> None:
    """Deny the call unless its first argument is one of the values."""
    made.add(_EQUAL, number, 0, len(values) + 3)
    made.add(_LOAD, _ARGUMENTS)
    for at, value in enumerate(values):
        made.add(_EQUAL, value, len(values) - at, 0)
    made.add(_RETURN, _FAIL | errno.EPERM)
    made.add(_RETURN, _ALLOW)
