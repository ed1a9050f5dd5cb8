"""Attempts to get out of a sandbox, one function each. All of them must fail; standard library only.

Run by its path, with facts as JSON on standard input; prints `{name: [got_out, what_happened]}`. The host runs it in a
sandbox like any other before it serves the first request, and `gristmill doctor` shows the table.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import socket
import stat
import sys
from typing import Any

_CLONE_NEWUSER = 0x10000000
_MS_REMOUNT, _MS_BIND = 32, 4096
_AF_ALG, _AF_VSOCK = 38, 40
_NETLINK_GENERIC = 16
_SECCOMP_FILTER = "2"
_LIBC = ctypes.CDLL(None, use_errno=True)
_OWN_PROCESSES = 6  # bubblewrap's init and ourselves, with room for a helper

type Facts = dict[str, Any]


def read_shadow(facts: Facts) -> str:
    """Read the host's password hashes."""
    with open("/etc/shadow") as file:
        return f"read {len(file.read())} characters"


def read_gateway_home(facts: Facts) -> str:
    """Read a file beside the gateway's key."""
    with open(facts["canary_file"]) as file:
        return f"read {file.read()!r}"


def read_environment(facts: Facts) -> str:
    """Find the gateway's environment in ours or in the first process's."""
    seen = "\n".join(f"{name}={value}" for name, value in os.environ.items()).encode()
    for place in ("/proc/1/environ", "/proc/1/cmdline", "/proc/self/environ"):
        with open(place, "rb") as file:
            seen += file.read()
    if facts["canary"].encode() in seen or facts["canary_file"].encode() in seen:
        return "the gateway's environment or arguments can be read"
    raise PermissionError("nothing of the gateway's is there")


def see_host_processes(facts: Facts) -> str:
    """See processes that are not the sandbox's own."""
    count = sum(name.isdigit() for name in os.listdir("/proc"))
    if count > _OWN_PROCESSES:
        return f"{count} processes are in sight"
    raise PermissionError(f"only {count} processes are in sight")


def write_to_the_hosts_system(facts: Facts) -> str:
    """Write to the system and to the Python environment; the host looks afterwards whether it has what was written."""
    written = []
    for place in facts["system"]:
        try:
            os.close(os.open(os.path.join(place, facts["mark"]), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except OSError:
            continue
        written.append(place)
    raise PermissionError(f"written in the sandbox alone: {', '.join(written) or 'nothing'}")


def change_the_hosts_programs(facts: Facts) -> str:
    """Open a program of the system, or a file of the Python environment, for writing."""
    for place in ("/usr/bin/env", os.__file__):
        try:
            descriptor = os.open(place, os.O_WRONLY)
        except OSError:
            continue
        os.close(descriptor)
        if not _is_layered(place):
            return f"opened {place}"
    raise PermissionError("refused, or a copy")


def reach_host_loopback(facts: Facts) -> str:
    """Connect to a port that listens on the host's loopback."""
    return _connect(("127.0.0.1", facts["port"]))


def reach_internet(facts: Facts) -> str:
    """Connect to an address on the internet."""
    return _connect(("1.1.1.1", 53))


def reach_metadata_service(facts: Facts) -> str:
    """Connect to the address where clouds hand out credentials."""
    return _connect(("169.254.169.254", 80))


def reach_abstract_socket(facts: Facts) -> str:
    """Connect to an abstract Unix socket of the host."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(0.5)
        connection.connect("\0" + facts["abstract"])
        return "connected"


def become_root_in_new_namespace(facts: Facts) -> str:
    """Make a user namespace of one's own, the first step of most escapes."""
    if os.fork() == 0:
        os._exit(0 if _LIBC.unshare(_CLONE_NEWUSER) == 0 else 1)
    _, status = os.wait()
    if status == 0:
        return "made a user namespace"
    raise PermissionError("refused")


def remount_writable(facts: Facts) -> str:
    """Remount the read-only system for writing."""
    flags = _MS_REMOUNT | _MS_BIND
    if _LIBC.mount(b"none", b"/usr", None, ctypes.c_ulong(flags), None) == 0:
        return "remounted /usr"
    raise OSError(ctypes.get_errno(), "refused")


def change_kernel_settings(facts: Facts) -> str:
    """Open a setting of the host's kernel for writing; some name a program that the kernel runs as root."""
    for place in ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sysrq-trigger"):
        try:
            os.close(os.open(place, os.O_WRONLY))
        except OSError:
            continue
        return f"opened {place}"
    raise PermissionError("refused")


def change_host_devices(facts: Facts) -> str:
    """Change the permissions of a device file that the host shares, by leaving them as they are."""
    os.chmod("/dev/null", stat.S_IMODE(os.stat("/dev/null").st_mode))
    return "/dev/null is ours to change"


def make_device(facts: Facts) -> str:
    """Make a device file for a disk of the host."""
    os.mknod("/tmp/gristmill-canary", stat.S_IFBLK | 0o600, os.makedev(8, 0))
    return "made a block device"


def hold_capabilities(facts: Facts) -> str:
    """Hold a capability, or be able to gain one."""
    with open("/proc/self/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    held = {name: status[name] for name in ("CapEff", "CapPrm", "CapBnd") if int(status[name], 16)}
    if held or status.get("NoNewPrivs") != "1":
        return f"{held or 'new privileges can be gained'}"
    raise PermissionError("none, and none can be gained")


def hold_host_files(facts: Facts) -> str:
    """Hold a file of the host that was left open."""
    held = [os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd") if _is_open(name)]
    strange = [place for place in held if place.startswith("/") and not place.startswith(("/dev/", "/proc/", "/opt/"))]
    if strange:
        return f"open: {', '.join(strange)}"
    raise PermissionError("none")


def fill_memory_with_files(facts: Facts) -> str:
    """Write more than a sandbox's share into a file system."""
    for place, limit in facts["sizes"].items():
        facts_of = os.statvfs(place)
        if facts_of.f_blocks * facts_of.f_frsize > limit * 1.01:
            return f"{place} holds {facts_of.f_blocks * facts_of.f_frsize} bytes"
    raise PermissionError("every place has its size")


def escape_call_filter(facts: Facts) -> str:
    """Run without a filter of system calls."""
    with open("/proc/self/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    if status.get("Seccomp") != _SECCOMP_FILTER:
        return "no seccomp filter is loaded"
    raise PermissionError(f"{status.get('Seccomp_filters', 'a')} filter is loaded")


def make_dangerous_calls(facts: Facts) -> str:
    """Reach a part of the kernel that no analysis needs: keyrings, io_uring, bpf, perf, userfaultfd, ptrace, mounts."""
    reached = []
    for name, number in facts["denied_calls"].items():
        ctypes.set_errno(0)
        # Arguments that no call can use: what is let through fails, too, but otherwise.
        if _LIBC.syscall(number, -1, 1, -1, -1, -1, -1) != -1 or ctypes.get_errno() != errno.EPERM:
            reached.append(name)
    if reached or not facts["denied_calls"]:
        return f"the kernel took {', '.join(reached) or 'all'}"
    raise PermissionError(f"{len(facts['denied_calls'])} calls refused")


def open_strange_sockets(facts: Facts) -> str:
    """Open a socket of a family that is neither Unix nor IP: into a hypervisor, the kernel's ciphers, raw frames."""
    for family, protocol in ((_AF_VSOCK, 0), (_AF_ALG, 0), (17, 0), (16, _NETLINK_GENERIC)):
        try:
            socket.socket(family, socket.SOCK_RAW if family == 16 else socket.SOCK_STREAM, protocol).close()
        except OSError as error:
            if error.errno == errno.EPERM:
                continue
            return f"family {family} reached the kernel ({error.strerror})"
        return f"opened a socket of family {family}"
    raise PermissionError("refused")


def _is_open(name: str) -> bool:
    return os.path.islink(f"/proc/self/fd/{name}")


def _is_layered(place: str) -> bool:
    """Whether a file lies on a file system of the sandbox's own, or beneath a layer that takes what is written."""
    kinds = {}
    with open("/proc/self/mounts") as mounts:
        for line in mounts:
            _, where, kind, *_ = line.split()
            kinds[where.encode().decode("unicode_escape")] = kind
    at = max((where for where in kinds if os.path.commonpath((where, place)) == where), key=len)
    return kinds[at] in ("overlay", "tmpfs")


def _connect(address: tuple[str, int]) -> str:
    with socket.create_connection(address, timeout=0.5):
        return "connected"


PROBES = (
    read_shadow,
    read_gateway_home,
    read_environment,
    see_host_processes,
    write_to_the_hosts_system,
    change_the_hosts_programs,
    reach_host_loopback,
    reach_internet,
    reach_metadata_service,
    reach_abstract_socket,
    become_root_in_new_namespace,
    remount_writable,
    change_kernel_settings,
    change_host_devices,
    make_device,
    hold_capabilities,
    hold_host_files,
    fill_memory_with_files,
    escape_call_filter,
    make_dangerous_calls,
    open_strange_sockets,
)
FILTERED = ("escape_call_filter", "make_dangerous_calls", "open_strange_sockets")


def run(facts: Facts) -> dict[str, tuple[bool, str]]:
    """Try everything: whether each got out, and what happened."""
    results = {}
    for probe in PROBES:
        try:
            results[probe.__name__] = (True, probe(facts))
        except (OSError, KeyError, ValueError) as error:
            results[probe.__name__] = (False, str(error))
    return results


if __name__ == "__main__":
    print(json.dumps(run(json.load(sys.stdin))))
