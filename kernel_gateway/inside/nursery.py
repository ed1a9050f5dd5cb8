"""The nursery: a process outside of every sandbox that forks a sandbox's seed and puts it in.

One thread, no secret, and nothing kept of any request. A fork enters the namespaces that bubblewrap has made, in which
nothing runs yet but bubblewrap's own init, and gives up every privilege before it reads or runs anything in them.
See setns(2), capabilities(7), seccomp(2).
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import resource
import select
import signal
import site
import socket
import sys
import warnings
from array import array
from collections.abc import Callable
from typing import Any, NoReturn

from kernel_gateway.inside import preload, seed
from kernel_gateway.inside.limits import leave_keyring, limit_sandbox

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NAME, _PR_SET_SECCOMP, _PR_CAPBSET_DROP = 1, 4, 15, 22, 24
_PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION = 0x20080522
_MAX_DESCRIPTORS = 16
_USER = 1000  # as its namespace has it
_LISTENER = 3  # where a seed has it
_MAX_REQUEST = 128 << 10
_LIBC = ctypes.CDLL(None, use_errno=True)


class _Filter(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def main(
    settle: Callable[[], None],
    control: int,
    cache: str,
    limits: dict[str, int],
    call_filter: str | None,
) -> NoReturn:
    """Load everything, say so on the socket `control`, and fork a seed for each request until the host is gone.

    A request is JSON and descriptors: `{"name", "environment", "user", "namespaces"}` with a pidfd of the sandbox's
    init, the service's listener, the sandbox's standard error, and files to write oneself into control groups.
    `namespaces` are the flags of those that the init is in and we are not. The answer is `{"name", "pid"}` with a
    pidfd, or `{"name", "error"}`. `call_filter` is the seccomp program in hexadecimal. `settle` ends the borrowing of
    modules. A pidfd alone is that of a sandbox that only is to end with the host, as all do.
    """
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    leave_keyring()
    preload.load(cache)
    settle()
    wake, woken = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    program = bytes.fromhex(call_filter) if call_filter is not None else None
    line = socket.socket(fileno=control)
    _control(_PR_SET_PDEATHSIG, 0)  # from now on we hear of the host's end by its hanging up, and have work to do then
    line.send(b"{}")
    heard = bytearray(_MAX_REQUEST)
    inits: list[int] = []
    room = socket.CMSG_SPACE(_MAX_DESCRIPTORS * array("i").itemsize)
    while True:
        ready, _, _ = select.select([control, wake], [], [])
        if wake in ready:
            os.read(wake, 512)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
        if control in ready:
            try:
                size, attached, _, _ = line.recvmsg_into([heard], room)
            except ConnectionError:  # it is gone, and an answer of ours lay unread
                _end(inits)
            if not size:
                _end(inits)
            descriptors = array("i", b"".join(data for _, _, data in attached)).tolist()
            inits = [*filter(_runs, inits), os.dup(descriptors[0])]
            if len(descriptors) > 1 and os.fork() == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _deliver(line, json.loads(heard[:size]), descriptors, limits, program)
            heard[:size] = bytes(size)  # the next fork has our memory, and may not find this sandbox's id in it
            for descriptor in descriptors:
                os.close(descriptor)


def _runs(init: int) -> bool:
    """Whether a sandbox's init runs; lets go of one that does not."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(init, 0)
        return True
    os.close(init)
    return False


def _end(inits: list[int]) -> NoReturn:
    """End with the host, and every sandbox with us: code in one may have stopped its init from doing so by itself."""
    for init in inits:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(init, signal.SIGKILL)
    os._exit(0)


def _deliver(
    line: socket.socket,
    request: dict[str, Any],
    descriptors: list[int],
    limits: dict[str, int],
    program: bytes | None,
) -> NoReturn:
    """Enter the sandbox, fork the seed there, tell the host of it, and end."""
    name = request["name"]
    try:
        init, listener, errors, *groups = descriptors
        for group in groups:
            os.write(group, b"0")
        if (user := request["user"]) is not None:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
        os.setns(init, request["namespaces"])
        pid = os.fork()
        if pid != 0:
            descriptor = os.pidfd_open(pid)
            socket.send_fds(line, [json.dumps({"name": name, "pid": pid}).encode()], [descriptor])
            os._exit(0)
        try:
            _confine(listener, errors, request["environment"], limits, program)
            seed.grow(_LISTENER, None)
        except OSError as error:
            os.write(2, f"The sandbox is not confined: {error}\n".encode())
        finally:
            os._exit(1)
    except OSError as error:
        line.send(json.dumps({"name": name, "error": str(error)}).encode())
    finally:
        os._exit(1)


def _confine(
    listener: int, errors: int, environment: dict[str, str], limits: dict[str, int], program: bytes | None
) -> None:
    """Become what bubblewrap would have started: no descriptor, environment or privilege but what a sandbox has."""
    os.setsid()
    os.umask(0o022)
    os.chdir("/home/user")
    nothing = os.open("/dev/null", os.O_RDWR)
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 64) for descriptor in (nothing, nothing, errors, listener)]
    for place, descriptor in enumerate(high):
        os.dup2(descriptor, place, inheritable=place < _LISTENER)
    os.closerange(len(high), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    os.environ.clear()
    os.environ.update(environment)
    site.USER_BASE = site.USER_SITE = None  # ours on the host, which nobody can have asked for yet
    sys.path[:] = ["", *(place for place in sys.path if os.path.exists(place))]
    limit_sandbox(**limits)
    _drop_privileges(program)
    _hold(filtered=program is not None)


def _drop_privileges(program: bytes | None) -> None:
    """Give up every capability for good, and have the kernel filter the calls from now on."""
    _control(_PR_SET_NO_NEW_PRIVS, 1)
    for capability in range(64):
        if _LIBC.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break  # the kernel knows no more
    _control(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    _check(_LIBC.capset((ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()))
    _control(_PR_SET_NAME, ctypes.c_char_p(b"python"))
    # A change of user makes a process's own files in /proc root's; it now holds nothing that its user must not read.
    _control(_PR_SET_DUMPABLE, 1)
    if program is not None:
        loaded = _Filter(len(program) // 8, program)
        _control(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(loaded))


def _hold(filtered: bool) -> None:
    """Raise OSError unless the kernel itself says that this process holds nothing and can gain nothing."""
    with open("/proc/self/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    held = [name for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb") if int(status[name], 16)]
    if held or status["NoNewPrivs"] != "1" or (filtered and status["Seccomp"] != str(_SECCOMP_MODE_FILTER)):
        raise OSError(errno.EPERM, f"privileges are left: {held or 'new ones can be gained'}")
    if os.getuid() != _USER or os.getresgid() != (_USER,) * 3:
        raise OSError(errno.EPERM, f"the sandbox's user is {os.getuid()}")


def _control(what: int, *arguments: Any) -> None:
    filled = [ctypes.c_ulong(one) if isinstance(one, int) else one for one in arguments]
    _check(_LIBC.prctl(what, *filled, *(ctypes.c_ulong(0),) * (4 - len(filled))))


def _check(answer: int) -> None:
    if answer != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
