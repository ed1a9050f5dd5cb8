"""Shows a folder to a user of its own: what one user owns on disk belongs to another where the folder is mounted.

Started as root, every sandbox is another user on the host; a folder that several share is each one's own this way. See
mount_setattr(2), MOUNT_ATTR_IDMAP. For root alone; ext4, XFS, Btrfs and tmpfs can do it, overlayfs cannot.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442  # the same on every architecture
_AT_FDCWD, _AT_EMPTY_PATH = -100, 0x1000
_OPEN_TREE_CLONE, _MOVE_MOUNT_F_EMPTY_PATH = 1, 4
_NOSUID, _NODEV, _IDMAP = 0x2, 0x4, 0x100000
_WAITS = ("unshare", "--user", "cat")  # says by its first answer that its namespace is there


class _Attributes(ctypes.Structure):
    """`struct mount_attr`."""

    _fields_ = (
        ("set", ctypes.c_uint64),
        ("clear", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("namespace", ctypes.c_uint64),
    )


def mount(folder: Path, point: Path, owner: int, user: int) -> None:
    """Mount `folder` at `point`, where what `owner` has on disk is `user`'s; raises OSError."""
    with _namespace(owner, user) as namespace:
        tree = _call(_OPEN_TREE, _AT_FDCWD, os.fsencode(folder), _OPEN_TREE_CLONE | os.O_CLOEXEC)
        try:
            wanted = _Attributes(_NOSUID | _NODEV | _IDMAP, 0, 0, namespace)
            _call(_MOUNT_SETATTR, tree, b"", _AT_EMPTY_PATH, ctypes.byref(wanted), ctypes.sizeof(wanted))
            _call(_MOVE_MOUNT, tree, b"", _AT_FDCWD, os.fsencode(point), _MOVE_MOUNT_F_EMPTY_PATH)
        finally:
            os.close(tree)


@contextlib.contextmanager
def _namespace(owner: int, user: int) -> Iterator[int]:
    """A descriptor of a user namespace that maps the one to the other; raises OSError."""
    with subprocess.Popen(_WAITS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"PATH": os.defpath}) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            os.write(process.stdin.fileno(), b".")
            if not os.read(process.stdout.fileno(), 1):
                raise OSError(f"{_WAITS[0]} did not make a user namespace")
            for kind in ("uid", "gid"):
                Path(f"/proc/{process.pid}/{kind}_map").write_text(f"{owner} {user} 1")
            descriptor = os.open(f"/proc/{process.pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
        finally:
            process.stdin.close()
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _call(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    answer: int = libc.syscall(number, *arguments)
    if answer < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return answer
