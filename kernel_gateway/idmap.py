"""Shows a folder to a user of its own: what one user owns on disk belongs to another where the folder is mounted.

Started as root, every sandbox is another user on the host; a folder that several share is each one's own this way. For
root alone; ext4, XFS, Btrfs and tmpfs can do it, overlayfs cannot.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from kernel_gateway.inside.mounts import attach, mapped

_WAITS = ("unshare", "--user", "cat")  # says by its first answer that its namespace is there


def mount(folder: Path, point: Path, owner: int, user: int) -> None:
    """Mount `folder` at `point`, where what `owner` has on disk is `user`'s; raises OSError."""
    with _namespace(owner, user) as namespace:
        tree = mapped(folder, namespace, writable=True)
        try:
            attach(tree, point)
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
