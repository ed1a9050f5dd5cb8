"""The content of a volume, served by its keeper: whole files, folders, and what is known of each.

Paths are the volume's own, from its root. A link is followed only where it leads to something in the volume.
"""

# ruff: noqa: ASYNC240 - these are the keeper's own files; a thread would only add time

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from kernel_gateway.inside.files import create, send_file
from kernel_gateway.inside.http import (
    Receive,
    Refused,
    Scope,
    Send,
    body_chunks,
    first_values,
    read_json,
    respond,
    respond_json,
)

MOUNT = "/volume"
PREFIX = "/volume/"
_MOST_ENTRIES = 100_000
_OURS = ("0", "1000")  # users that clients may name: every file belongs to a sandbox's one user, whoever made it


async def handle(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request of the host's for a path of the volume; raises `Refused`."""
    query = first_values(scope)
    asked = "/" + os.path.normpath("/" + query.get("path", "")).strip("/")
    try:
        match scope["method"], scope["path"].removeprefix(PREFIX):
            case "GET", "file":
                await send_file(_found(asked), scope, send)
            case "PUT", "file":
                await respond_json(send, 201, await _write(asked, query, receive))
            case "GET", "dir":
                depth = query.get("depth", "1")
                entries = _list(asked, max(1, int(depth)) if depth.isdecimal() else 1)
                await respond_json(send, 200, list(entries))
            case "POST", "dir":
                await respond_json(send, 201, _make(asked, query))
            case "GET", "path":
                await respond_json(send, 200, _entry(_found(asked, follow=False)))
            case "PATCH", "path":
                body = {name: str(value) for name, value in (await read_json(receive)).items() if value is not None}
                place = _found(asked)
                _set(place, body)
                await respond_json(send, 200, _entry(place))
            case "DELETE", "path":
                _remove(asked)
                await respond(send, 204)
            case method, kind:
                raise Refused(405, f"{method} is not known for {kind!r} of a volume.")
    except OSError as error:
        raise _refusal(asked, error) from None


def _refusal(path: str, error: OSError) -> Refused:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return Refused(404, f"{path} does not exist in the volume.")
        case errno.EEXIST | errno.EISDIR:
            return Refused(409, f"{path} exists already; send force=true to replace a file.")
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return Refused(507, f"There is no room left for {path}.")
        case _:
            return Refused(400, f"{path}: {error.strerror or error}.")


def _found(path: str, follow: bool = True) -> str:
    """Where a path of the volume is, the last link on it followed or not; raises `Refused` outside of the volume."""
    whole = MOUNT + path if path != "/" else MOUNT
    place = os.path.realpath(whole) if follow else _beside(whole)
    if place != MOUNT and not place.startswith(PREFIX):
        raise Refused(404, f"{path} leads out of the volume.")
    os.lstat(place)
    return place


def _beside(whole: str) -> str:
    """A path whose last part may be a link, and is not followed."""
    return whole if whole == MOUNT else os.path.join(os.path.realpath(os.path.dirname(whole)), os.path.basename(whole))


def _new(path: str) -> str:
    """Where something is to be made: in a folder that is there and in the volume."""
    if path == "/":
        raise Refused(409, "/ is the volume itself.")
    parent = _found(os.path.dirname(path))
    if not os.path.isdir(parent):
        raise NotADirectoryError(errno.ENOTDIR, "is no folder", parent)
    return os.path.join(parent, os.path.basename(path))


async def _write(path: str, query: dict[str, str], receive: Receive) -> dict[str, Any]:
    place = _new(path)
    if os.path.lexists(place):
        if query.get("force") != "true" or not os.path.isfile(place):
            raise FileExistsError(errno.EEXIST, "exists", place)
        place = _found(path)
    with create(place) as file:
        async for chunk in body_chunks(receive):
            file.write(chunk)
    _set(place, query)
    return _entry(place)


def _make(path: str, query: dict[str, str]) -> dict[str, Any]:
    """Make a folder, and with `force` those above it; one that is there is no error then."""
    force = query.get("force") == "true"
    made = ""
    for part in path.strip("/").split("/") if force else ():
        made += f"/{part}"
        if made != path and not os.path.lexists(MOUNT + made):
            os.mkdir(_new(made))
    place = _new(path)
    if not (force and os.path.isdir(place)):
        os.mkdir(place)
    _set(place, query)
    return _entry(place)


def _set(place: str, wanted: dict[str, str]) -> None:
    for name in ("uid", "gid"):
        if wanted.get(name, "1000") not in _OURS:
            raise Refused(400, f"{name} must be 1000: everything in a volume belongs to the one user of its sandboxes.")
    if (mode := wanted.get("mode")) is not None:
        if not mode.isdecimal() or int(mode) > 0o777:
            raise Refused(400, f"mode must be a number up to {0o777}, which is 0o777.")
        os.chmod(place, int(mode))


def _remove(path: str) -> None:
    if path == "/":
        raise Refused(404, "/ is the volume itself; Volume.destroy(id) removes it.")
    place = _found(path, follow=False)
    if os.path.isdir(place) and not os.path.islink(place):
        for folder, names, _ in os.walk(place):
            for name in names:
                inner = os.path.join(folder, name)
                if not os.path.islink(inner):
                    os.chmod(inner, 0o700)
        shutil.rmtree(place)
    else:
        os.unlink(place)


def _list(path: str, depth: int) -> Iterator[dict[str, Any]]:
    waiting, left = [(_found(path), depth)], _MOST_ENTRIES
    if not os.path.isdir(waiting[0][0]):
        raise NotADirectoryError(errno.ENOTDIR, "is no folder", path)
    while waiting:
        folder, more = waiting.pop()
        for name in sorted(os.listdir(folder)):
            place = os.path.join(folder, name)
            left -= 1
            if left < 0:
                raise Refused(400, f"There is more than {_MOST_ENTRIES} entries in {path}; list its folders instead.")
            try:
                yield _entry(place)
            except (FileNotFoundError, UnicodeError):
                continue  # it is gone, or has a name that JSON cannot hold
            if more > 1 and os.path.isdir(place) and not os.path.islink(place):
                waiting.append((place, more - 1))


def _entry(place: str) -> dict[str, Any]:
    facts = os.lstat(place)
    path = place.removeprefix(MOUNT) or "/"
    path.encode()
    kinds = {stat.S_IFDIR: "directory", stat.S_IFREG: "file", stat.S_IFLNK: "symlink"}
    times = {"atime": facts.st_atime, "mtime": facts.st_mtime, "ctime": facts.st_ctime}
    entry = {
        "name": os.path.basename(path) or "/",
        "type": kinds.get(stat.S_IFMT(facts.st_mode), "unknown"),
        "path": path,
        "size": facts.st_size,
        "mode": stat.S_IMODE(facts.st_mode),
        "uid": facts.st_uid,
        "gid": facts.st_gid,
        **{name: datetime.fromtimestamp(seconds, UTC).isoformat() for name, seconds in times.items()},
    }
    return {**entry, "target": os.readlink(place)} if stat.S_ISLNK(facts.st_mode) else entry
