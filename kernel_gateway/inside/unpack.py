"""Unpacks in a sandbox the stream that another one's files were packed into (`pack.py`), over what is there."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

from kernel_gateway.inside.layers import uppers
from kernel_gateway.inside.settings import HOME, Settings

XATTR = "SCHILY.xattr."
OWN_NAMES = (HOME, "/run")  # the first is `home`, what is in the other ends with the sandbox

_BLOCK = 1 << 20  # bytes handed on at a time
_LAYERS_OWN = XATTR + "user.overlay."
_OPAQUE = _LAYERS_OWN + "opaque"
_MODES = 0o1777  # no set-user-id and no set-group-id


class BadPackage(Exception):
    """The stream holds what may not be unpacked, or is cut off; the message says which."""


class _InVolume(Exception):
    """A member would be in a volume, or take the place of one."""


def targets(settings: Settings) -> dict[str, Path]:
    """Where a stream is unpacked, by the beginnings of its names. Without isolation all but the home is the host's."""
    if settings.home != HOME:
        return {"home": Path(settings.home)}
    return {"home": Path(HOME), "tmp": Path("/tmp"), "root": Path("/")}


def unpack(stream: io.RawIOBase, roots: dict[str, Path], volumes: Sequence[str] = ()) -> None:
    """Unpack such a stream into `roots`, over what is there, but for what is in the `volumes`, by their places.

    Raises `BadPackage` and OSError.
    """
    target = _Target(roots, volumes)
    folders: list[tuple[str, tarfile.TarInfo]] = []
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=_BLOCK, errorlevel=2) as tar:
            while (member := tar.next()) is not None:
                tar.members.clear()  # type: ignore[attr-defined]  # it would remember each
                with contextlib.suppress(_InVolume):  # what a volume covers has no place
                    path = target.extract(tar, member)
                    if member.isdir():
                        folders.append((path, member))
    except (tarfile.TarError, EOFError) as error:
        raise BadPackage(f"The package cannot be read: {error}.") from None
    for path, member in reversed(folders):  # only now: a folder may be one that nothing can be written into
        _set_attributes(path, member)


def is_removal(member: tarfile.TarInfo) -> bool:
    """Whether this marks that a file of the system's was removed."""
    return member.ischr() and (member.devmajor, member.devminor) == (0, 0) and member.name.startswith("root/")


class _Target:
    """Where a package is unpacked; nothing in it gets outside of `roots`, or into `volumes`."""

    def __init__(self, roots: dict[str, Path], volumes: Sequence[str]) -> None:
        self._roots = {name: str(root) for name, root in roots.items()}
        self._volumes = [Path(place) for place in volumes]
        self._known: set[str] = set()  # folders that no link leads through
        self._layers = set(uppers())  # by their places, which may be beneath /tmp: a Python environment there
        self._devices = {os.stat(place).st_dev for place in ("/", *self._layers)}  # a sandbox's disk, and its layers

    def extract(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
        """Unpack one member, and return its path; raises `_InVolume`."""
        path = self._locate(member.name)
        if is_removal(member):
            self._clear(path)
            return path
        if member.isdir():
            if _OPAQUE in member.pax_headers and os.path.isdir(path):
                self._clear(path)
            if os.path.islink(path) or (os.path.exists(path) and not os.path.isdir(path)):
                os.unlink(path)
            with contextlib.suppress(FileExistsError):
                os.mkdir(path, 0o700)
            self._known.add(path)
            return path
        self._clear(path)
        if member.issym() or member.islnk():
            self._known.clear()  # a link, or a second name of one, may take a folder's place
        if member.issym():
            os.symlink(member.linkname, path)
        elif member.islnk():
            os.link(self._locate(member.linkname), path, follow_symlinks=False)
            return path  # the file that it is a second name of has its attributes
        elif member.isfifo():
            os.mkfifo(path, 0o600)
        elif member.isreg():
            _write(tar, member, path)
        else:
            raise BadPackage(f"The package holds {member.name!r}, which is neither file, folder nor link.")
        _set_attributes(path, member)
        return path

    def _locate(self, name: str) -> str:
        first, _, rest = name.partition("/")
        if first not in self._roots or ".." in rest.split("/") or rest.startswith("/"):
            raise BadPackage(f"The package holds {name!r}, which lies outside of what a snapshot carries.")
        root = self._roots[first]
        path = os.path.normpath(f"{root.rstrip('/')}/{rest}")
        parent = os.path.dirname(path)
        if self._volumes:
            place = Path(os.path.realpath(parent), os.path.basename(path))
            if any(place.is_relative_to(volume) for volume in self._volumes):
                raise _InVolume
        if path != root and parent not in self._known:
            real, within = os.path.realpath(parent), os.path.realpath(root)
            if real != within and not real.startswith(within.rstrip("/") + "/"):
                raise BadPackage(f"The package holds {name!r} behind a link that leads elsewhere.")
            if within == "/" and path not in self._layers:
                self._check_place(real, name)
            self._known.add(parent)
        return path

    def _check_place(self, real: str, name: str) -> None:
        """Raise `BadPackage` for a folder that is not on the disk; make one that is not there."""
        os.makedirs(real, exist_ok=True)
        if os.stat(real).st_dev not in self._devices or any(Path(real).is_relative_to(own) for own in OWN_NAMES):
            raise BadPackage(f"The package holds {name!r}, which lies outside of what a snapshot carries.")

    def _clear(self, path: str) -> None:
        """Make room for something that is no folder."""
        if path in self._roots.values():
            raise BadPackage("The package holds something else in the place of a whole root.")
        if any(volume.is_relative_to(path) for volume in self._volumes):
            raise _InVolume
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
            self._known.clear()
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
    source = tar.extractfile(member)
    assert source is not None
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
        shutil.copyfileobj(source, file, _BLOCK)
        if file.tell() != member.size:
            raise BadPackage(f"The package ends in the middle of {member.name!r}.")


def _set_attributes(path: str, member: tarfile.TarInfo) -> None:
    for key, value in member.pax_headers.items():
        if key.startswith(XATTR + "user.") and not key.startswith(_LAYERS_OWN):
            with contextlib.suppress(OSError):  # where this kernel's memory file systems have none
                os.setxattr(path, key[len(XATTR) :], value.encode("utf-8", "surrogateescape"), follow_symlinks=False)
    if not member.issym():
        with contextlib.suppress(PermissionError):  # /tmp itself may belong to another
            os.chmod(path, member.mode & _MODES)
    with contextlib.suppress(PermissionError):
        os.utime(path, (member.mtime, member.mtime), follow_symlinks=False)


class Reader(io.RawIOBase):
    """What `tarfile` reads a stream from: blocks of any size as they come."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        self._next, self._rest = read, b""

    def read(self, size: int = -1) -> bytes:
        parts = [self._rest]
        have = len(self._rest)
        while have < size and (block := self._next()):
            parts.append(block)
            have += len(block)
        data = b"".join(parts)
        self._rest = data[size:]
        return data[:size]
