"""The way into a sandbox, for a process outside of it: enters what bubblewrap has made, in which no code has run yet.

There it mounts what only root of the sandbox's own namespace can, gives up every privilege, and becomes the seed.
See setns(2).
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import socket
import sys
from array import array
from collections.abc import Callable
from typing import Any, NoReturn

from kernel_gateway.inside import memory
from kernel_gateway.inside.layers import Layer, give, lay, plan
from kernel_gateway.inside.limits import limit_sandbox
from kernel_gateway.inside.rights import become_user, give_up

LISTENER = 3  # where a seed has it

_CLONE_NEWUSER = 0x10000000
_MAX_DESCRIPTORS = 16
_MAX_REQUEST = 128 << 10
_ROOM = socket.CMSG_SPACE(_MAX_DESCRIPTORS * array("i").itemsize)


def receive(line: socket.socket, heard: bytearray) -> tuple[int, list[int]]:
    """The next request on a socket of the host's: its size in `heard`, and the descriptors that came with it."""
    size, attached, _, _ = line.recvmsg_into([heard], _ROOM)
    return size, array("i", b"".join(data for _, _, data in attached)).tolist()


def enter(
    line: socket.socket,
    request: dict[str, Any],
    descriptors: list[int],
    limits: dict[str, int],
    layers: list[Layer],
    live: Callable[[], None],
) -> NoReturn:
    """Enter the sandbox, fork what `live` there, tell the host of it, and end.

    The request is `{"name", "environment", "user", "namespaces"}`, with a pidfd of the sandbox's init, its outer user
    namespace, three standard streams, the service's listener, and files to write oneself into control groups.
    `namespaces` are the flags of those that the init is in and we are not, `user` who we have to be on the host. The
    answer is `{"name", "pid"}` with a pidfd, or `{"name", "error"}`.
    """
    name = request["name"]
    try:
        init, outer, *streams = descriptors[:6]
        for group in descriptors[6:]:
            os.write(group, b"0")
        given: dict[str, int] = {}
        if (user := request["user"]) is not None:
            given = give(layers, outer)
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
        os.setns(outer, _CLONE_NEWUSER)  # whose owner we are: that gives us every right there, and none elsewhere
        os.setns(init, request["namespaces"] & ~_CLONE_NEWUSER)
        pid = os.fork()
        if pid != 0:
            descriptor = os.pidfd_open(pid)
            socket.send_fds(line, [json.dumps({"name": name, "pid": pid}).encode()], [descriptor])
            os._exit(0)
        try:
            os.umask(0o022)
            lay(layers, given)
            memory.show()
            _tidy(streams, request["environment"])
            limit_sandbox(**limits)
            live()
        except OSError as error:
            os.write(2, f"The sandbox is not confined: {error}\n".encode())
        finally:
            os._exit(1)
    except OSError as error:
        line.send(json.dumps({"name": name, "error": str(error)}).encode())
    finally:
        os._exit(1)


def _tidy(streams: list[int], environment: dict[str, str]) -> None:
    """Keep no descriptor or variable but what a sandbox has: standard streams, and the listener after them."""
    os.setsid()
    os.chdir("/home/user")
    for at, descriptor in enumerate(streams):
        if os.fstat(descriptor).st_rdev == os.stat("/dev/null").st_rdev:  # the host's would name a place of the host's
            streams[at] = os.open("/dev/null", os.O_RDWR)
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 64) for descriptor in streams]
    for place, descriptor in enumerate(high):
        os.dup2(descriptor, place, inheritable=place < LISTENER)
    os.closerange(len(high), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    os.environ.clear()
    os.environ.update(environment)


def main(control: int) -> NoReturn:
    """Enter one sandbox and start a program there: the way in for what no nursery can fork.

    The request has beside what `enter` wants the `command`, the `limits`, the places of `layers`, and whom the program
    is `as`: the seed, which is given the listener; root; or the user.
    """
    line = socket.socket(fileno=control)
    heard = bytearray(_MAX_REQUEST)
    size, descriptors = receive(line, heard)
    request = json.loads(heard[:size])
    command = request["command"]

    def live() -> None:
        if request["as"] == "user":
            become_user(os.open("/proc/1/ns/user", os.O_RDONLY | os.O_CLOEXEC))
        else:
            give_up(request["as"])
        os.set_inheritable(LISTENER, request["as"] == "seed")
        os.execv(command[0], command)

    enter(line, request, descriptors, request["limits"], plan(request["layers"]), live)


if __name__ == "__main__":
    main(int(sys.argv[1]))
