"""Layers that take what is written to the system's folders, so that a sandbox has a whole system of its own.

/usr and the Python environment are the host's, mounted read-only. Over each lies an overlay whose upper layer is on the
sandbox's disk: it counts as every file does, ends with the sandbox, and nothing of it reaches the host. The folders
that programs are installed into are made there beforehand: to change one that belongs to the host's root, the kernel
would have to make a copy of the same owner, who is nobody inside. So what is there already can be replaced or hidden in
these folders, and changed nowhere. See the kernel's Documentation/filesystems/overlayfs.rst.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import quote, unquote

LAYERS = "/run/layers"
_MADE = f"{LAYERS}.made"

_MS_NOSUID, _MS_NODEV = 2, 4
_INSTALLED = ("share/doc", "share/man/man1", "share/applications", "share/bash-completion/completions")
_LOCAL_DEPTH = 3
_MOST = 500  # folders of one layer
_LIBC = ctypes.CDLL(None, use_errno=True)

type Plan = dict[str, list[str]]


def plan(places: Iterable[Sequence[str]]) -> Plan:
    """The folders that each place is to have in its upper layer, parents first. `places`: (source outside, place)."""
    return {place: sorted(set(_folders(Path(source))))[:_MOST] for source, place in places}


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


def lay(layers: Plan) -> None:
    """Mount the overlays; a place that cannot have one stays read-only. To be called before anything runs."""
    os.mkdir(LAYERS, 0o700)
    for place, folders in layers.items():
        layer = f"{LAYERS}/{quote(place, safe='')}"
        upper, work = f"{layer}/upper", f"{layer}/work"
        os.makedirs(upper)
        os.mkdir(work, 0o700)
        for folder in folders:
            os.makedirs(f"{upper}/{folder}", exist_ok=True)
        os.chdir(place)  # as "." it needs no escape in the options, whatever its name
        options = f"userxattr,lowerdir=.,upperdir={upper},workdir={work}"
        flags = ctypes.c_ulong(_MS_NOSUID | _MS_NODEV)
        _LIBC.mount(b"overlay", os.fsencode(place), b"overlay", flags, options.encode())
    os.close(os.open(_MADE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400))


def made_at() -> int:
    """When the layers were made, in nanoseconds: a folder in one that has not changed since was made with them."""
    with contextlib.suppress(OSError):  # a program has removed it
        return os.stat(_MADE).st_ctime_ns
    return 0


def uppers() -> dict[str, str]:
    """Where the upper layer of each place is, by the place; empty where there are none."""
    with contextlib.suppress(OSError):
        return {unquote(name): f"{LAYERS}/{name}/upper" for name in sorted(os.listdir(LAYERS))}
    return {}
