"""Mounts in which what one user owns on disk belongs to another: made by root, attached where they are to be seen.

See open_tree(2), mount_setattr(2), MOUNT_ATTR_IDMAP, and move_mount(2).
"""

from __future__ import annotations

import ctypes
import os
import struct

_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442  # the same on every machine
_OPEN_TREE_CLONE, _MOVE_MOUNT_F_EMPTY_PATH, _AT_EMPTY_PATH, _AT_FDCWD = 1, 4, 0x1000, -100
_RDONLY, _NOSUID, _NODEV, _IDMAP = 1, 2, 4, 0x100000
_LIBC = ctypes.CDLL(None, use_errno=True)


def mapped(folder: str | os.PathLike[str], namespace: int, *, writable: bool) -> int:
    """A descriptor of a mount of `folder`, not yet anywhere, with the owners that a user namespace gives it.

    `namespace` is a descriptor of it. Raises OSError where the kernel or the file system does not know how.
    """
    flags = _NOSUID | _NODEV | _IDMAP | (0 if writable else _RDONLY)
    wanted = struct.pack("=QQQQ", flags, 0, 0, namespace)  # `struct mount_attr`
    tree = _call(_OPEN_TREE, _AT_FDCWD, os.fsencode(folder), _OPEN_TREE_CLONE | os.O_CLOEXEC)
    try:
        _call(_MOUNT_SETATTR, tree, b"", _AT_EMPTY_PATH, wanted, len(wanted))
    except OSError:
        os.close(tree)
        raise
    return tree


def attach(tree: int, place: str | os.PathLike[str]) -> None:
    """Have a mount be seen at a place; raises OSError."""
    _call(_MOVE_MOUNT, tree, b"", _AT_FDCWD, os.fsencode(place), _MOVE_MOUNT_F_EMPTY_PATH)


def _call(number: int, *arguments: object) -> int:
    answer: int = _LIBC.syscall(number, *arguments)
    if answer < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return answer
