"""Who a sandbox is on the host, and from where it may take what it reads.

Started as root, every sandbox gets a host user of its own: root's files (the host's devices, /proc/sys) would otherwise
be the sandbox's to change, and the kernel would not count its processes. Such a user cannot pass through folders like
/root, so the gateway shows it the Python environment elsewhere, by mounts in a mount namespace that is the gateway's
own and ends with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kernel_gateway import idmap
from kernel_gateway.errors import NoIsolation, SandboxFailed

_CLONE_NEWNS = 0x00020000
_MS_BIND, _MS_REC, _MS_SLAVE = 0x1000, 0x4000, 0x80000
_MNT_DETACH = 2
_MOUNT_POINTS = ("/mnt", "/media", "/srv", "/opt")
_FIRST_USER = 1_900_000_000  # above what distributions, containers and systemd hand out
VOLUME_USER = _FIRST_USER - 1  # who owns, on disk, what sandboxes keep in volumes
_USERS = 100_000_000


class Outside:
    """How the host starts sandboxes. `aliases` says where a source folder can be read by their users."""

    def __init__(self, aliases: dict[Path, Path], users: Iterator[int] | None, point: str = "") -> None:
        self._aliases, self._users, self._point = aliases, users, point
        self._numbers = itertools.count(len(aliases))

    def source(self, place: Path) -> str:
        """The path by which a sandbox's user reaches `place`."""
        return str(self._aliases.get(place, place))

    def show(self, place: Path) -> None:
        """Let sandboxes' users reach one more folder; those shown before that are gone are let go of.

        Raises OSError when it cannot be mounted.
        """
        if self._users is None or place in self._aliases:
            return
        for gone in [source for source in self._aliases if not source.exists()]:
            _call("umount2", os.fsencode(self._aliases.pop(gone)), _MNT_DETACH)
        alias = Path(self._point, str(next(self._numbers)))
        descriptor = os.open(place, os.O_PATH | os.O_CLOEXEC)
        try:
            alias.mkdir()
            _mount(f"/proc/self/fd/{descriptor}", str(alias), None, _MS_BIND | _MS_REC)
        finally:
            os.close(descriptor)
        self._aliases[place] = alias

    @contextlib.contextmanager
    def lent(self, folder: Path, user: int | None) -> Iterator[str]:
        """The path by which a sandbox's user reaches a folder of `VOLUME_USER`'s as his own.

        Raises `SandboxFailed` when it cannot be mounted so.
        """
        if user is None:
            yield str(folder)
            return
        alias = Path(self._point, str(next(self._numbers)))
        alias.mkdir()
        try:
            try:
                idmap.mount(folder, alias, VOLUME_USER, user)
            except OSError as error:
                raise SandboxFailed(
                    f"The volume cannot be mounted for a sandbox's user ({error.strerror or error}). Keep the data "
                    "folder on ext4, XFS or Btrfs, or start the gateway as an ordinary user."
                ) from None
            try:
                yield str(alias)
            finally:
                _call("umount2", os.fsencode(alias), _MNT_DETACH)
        finally:
            alias.rmdir()

    def identity(self) -> dict[str, Any]:
        """Arguments for `Popen` that make the child its own user; none when we are an ordinary user ourselves."""
        if self._users is None:
            return {}
        user = next(self._users)
        return {"user": user, "group": user, "extra_groups": []}


def ordinary() -> Outside:
    """For an ordinary user: a sandbox is that user on the host, less every capability."""
    return Outside({}, None)


def prepare(sources: list[Path], *kept: Path) -> Outside:
    """Call once, early, with what sandboxes will read. As root, enters a mount namespace of our own.

    `kept` are places that we ourselves go on using, which must not be mounted over.

    Raises `NoIsolation` when root may not do that here, as in most containers.
    """
    if os.getuid() != 0:
        return ordinary()
    point = _mount_point([*sources, *kept, Path.cwd()])
    try:
        aliases = _show(sources, point)
    except OSError as error:
        raise NoIsolation(
            f"Root cannot make a mount namespace here ({error.strerror}), and sandboxes are not run as root itself. "
            "Start as an ordinary user or, in a container, with `--privileged`; on a machine that is itself "
            "disposable, run with `--isolation none`."
        ) from None
    start = secrets.randbelow(_USERS)
    return Outside(aliases, (_FIRST_USER + (start + n) % _USERS for n in itertools.count()), point)


def _show(sources: list[Path], point: str) -> dict[Path, Path]:
    """Bind every source to a place of its own beneath `point`, seen by this process and its children only."""
    _call("unshare", ctypes.c_int(_CLONE_NEWNS))
    _mount(None, "/", None, _MS_REC | _MS_SLAVE)
    with contextlib.ExitStack() as stack:
        # Opened in the new namespace, since no other's mounts can be bound, and before `point` is covered.
        opened = [os.open(source, os.O_PATH | os.O_CLOEXEC) for source in sources]
        for descriptor in opened:
            stack.callback(os.close, descriptor)
        _mount("tmpfs", point, "tmpfs", 0, "mode=0755,size=1m")
        aliases = {}
        for number, (source, descriptor) in enumerate(zip(sources, opened, strict=True)):
            alias = Path(point, str(number))
            if source.is_dir():
                alias.mkdir()
            else:
                alias.touch()
            _mount(f"/proc/self/fd/{descriptor}", str(alias), None, _MS_BIND | _MS_REC)
            aliases[source] = alias
    return aliases


def _mount_point(needed: list[Path]) -> str:
    """A folder that every user may enter and that holds nothing of what is needed."""
    for point in _MOUNT_POINTS:
        if os.path.isdir(point) and not any(place.is_relative_to(point) for place in needed):
            return point
    raise NoIsolation(f"None of {', '.join(_MOUNT_POINTS)} is free to mount on; start as an ordinary user.")


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    encoded = [text.encode() if text is not None else None for text in (source, target, kind, data)]
    _call("mount", *encoded[:3], ctypes.c_ulong(flags), encoded[3])


def _call(name: str, *arguments: Any) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
