"""Layers that take what is written to the system's folders, so that a sandbox has a whole system of its own.

/usr and the Python environment are the host's, mounted read-only. Over each lies an overlay whose upper layer is on the
sandbox's disk: it counts as every file does, ends with the sandbox, and nothing of it reaches the host. The folders
that programs are installed into are made there beforehand: to change one that belongs to the host's root, the kernel
would have to make a copy of the same owner, who is nobody inside. So what is there already can be replaced or hidden in
these folders, and changed nowhere. Where we are the host's root, the Python environment is mounted once more,
read-only, with root's files as the sandbox's own, and then all of it can be changed. See the kernel's
Documentation/filesystems/overlayfs.rst and idmappings.rst.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from kernel_gateway.inside.mounts import attach, mapped

LAYERS = "/run/layers"
_MADE = f"{LAYERS}.made"

_SYSTEM = "/usr"
_MS_NOSUID, _MS_NODEV = 2, 4
_INSTALLED = ("share/doc", "share/man/man1", "share/applications", "share/bash-completion/completions")
_LOCAL_DEPTH = 3
_OURS = "lib/python3*/*-packages/gristmill-*.dist-info/entry_points.txt"
_MOST = 500  # folders of one layer
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Layer:
    """A place of the host's that a sandbox may write over: `source` outside, and what its upper layer begins with.

    `emptied` are files in those folders that a sandbox finds empty.
    """

    place: str
    source: str
    folders: list[str]
    emptied: list[str]


def plan(places: Iterable[Sequence[str]]) -> list[Layer]:
    """The layers over places that are given as (source outside, place); folders are told parents first.

    Emptied are our own entry points: papermill imports all that there are, and our modules are not in the sandbox.
    """
    layers = []
    for source, place in places:
        top = Path(source)
        emptied = [file.relative_to(top) for start in ("", "local/") for file in top.glob(start + _OURS)]
        folders = {str(part) for file in emptied for part in file.parents if part != Path(".")}
        folders.update(itertools.islice(_folders(top), _MOST))
        layers.append(Layer(place, source, sorted(folders), [str(file) for file in emptied]))
    return layers


def _folders(top: Path) -> Iterator[str]:
    """Folders beneath `top`, relative to it, that programs are installed into."""
    wanted = [*_below(top, 1), *_below(top / "local", _LOCAL_DEPTH), *top.glob("lib/*-linux-gnu")]
    wanted += [*(top / name for name in _INSTALLED), *top.glob("lib/python3*/*-packages")]
    for folder in wanted:
        if folder.is_dir() and not folder.is_symlink():
            inner = folder.relative_to(top)
            yield from (str(part) for part in (inner, *inner.parents) if part != Path("."))


def _below(top: Path, depth: int) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        for entry in sorted(top.iterdir()):
            if entry.is_dir() and not entry.is_symlink():
                yield entry
                if depth > 1:
                    yield from _below(entry, depth - 1)


def give(layers: Iterable[Layer], owner: int) -> dict[str, int]:
    """Mounts, not yet anywhere, in which what is the host's root's is the sandbox's: descriptors, by the place.

    To be called by the host's root; `owner` is a descriptor of the sandbox's outer user namespace. The system itself is
    not given: some of it is for root alone to read. Empty where the kernel or a file system does not know how.
    """
    given = {}
    for layer in layers:
        if layer.place != _SYSTEM:
            with contextlib.suppress(OSError):
                given[layer.place] = mapped(layer.source, owner, writable=False)
    return given


def lay(layers: Iterable[Layer], given: Mapping[str, int]) -> None:
    """Mount the overlays; a place that cannot have one stays read-only. To be called before anything runs."""
    os.mkdir(LAYERS, 0o700)
    for layer in layers:
        folder = f"{LAYERS}/{quote(layer.place, safe='')}"
        upper, work = f"{folder}/upper", f"{folder}/work"
        for name in (folder, upper, work):
            os.mkdir(name, 0o755)
        for name in layer.folders:
            os.mkdir(f"{upper}/{name}", 0o755)
        for name in layer.emptied:
            os.close(os.open(f"{upper}/{name}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))
        place = os.fsencode(layer.place)
        if (tree := given.get(layer.place)) is not None:
            with contextlib.suppress(OSError):
                attach(tree, layer.place)
        os.chdir(place)  # as "." it needs no escape in the options, whatever its name
        options = f"userxattr,lowerdir=.,upperdir={upper},workdir={work}"
        flags = ctypes.c_ulong(_MS_NOSUID | _MS_NODEV)
        _LIBC.mount(b"overlay", place, b"overlay", flags, options.encode())
    os.close(os.open(_MADE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400))


def made_at() -> int:
    """When the layers were made, in nanoseconds: what has not changed in one since was made with them."""
    with contextlib.suppress(OSError):  # a program has removed it
        return os.stat(_MADE).st_ctime_ns
    return 0


def uppers() -> dict[str, str]:
    """Where the upper layer of each place is, by the place; empty where there are none."""
    with contextlib.suppress(OSError):
        return {unquote(name): f"{LAYERS}/{name}/upper" for name in sorted(os.listdir(LAYERS))}
    return {}
