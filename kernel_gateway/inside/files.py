"""`/files`: whole files in and out of a sandbox, read and written by the sandbox itself."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import mimetypes
import os
import stat
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from email.message import Message as MimeHeader
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from kernel_gateway.inside.http import (
    Receive,
    Refused,
    Scope,
    Send,
    body_chunks,
    first_values,
    header,
    respond_json,
)
from kernel_gateway.inside.settings import Settings

_CHUNK = 1 << 20
_BUFFER = 64 << 10
_MAX_SPECIAL = 16 << 20  # bytes of a file that does not tell its size
_XATTR = "user.e2b."


async def handle(settings: Settings, scope: Scope, receive: Receive, send: Send) -> None:
    """GET sends one file; POST writes one (octet-stream) or several (multipart). Raises `Refused`."""
    query = first_values(scope)
    try:
        if scope["method"] in ("GET", "HEAD"):
            path = query.get("path")
            if not path:
                raise Refused(400, "Give the file's path: /files?path=…")
            await send_file(settings.locate(path, query.get("username", "")), scope, send)
        elif scope["method"] == "POST":
            written = await _receive_files(settings, query.get("path"), query.get("username", ""), scope, receive)
            await respond_json(send, 200, written)
        else:
            raise Refused(405, f"/files knows GET and POST, not {scope['method']}.")
    except OSError as error:
        raise _refusal(error) from None
    except ValueError as error:
        raise Refused(400, str(error)) from None


def _refusal(error: OSError) -> Refused:
    name = error.filename or "the file"
    match error.errno:
        case errno.ENOENT:
            return Refused(404, f"{name} does not exist in the sandbox.")
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return Refused(507, f"The sandbox has no room left for {name}.")
        case errno.EISDIR | errno.ENOTDIR:
            return Refused(400, f"{name}: {error.strerror}.")
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return Refused(403, f"{name}: {error.strerror}.")
        case _:
            return Refused(400, f"{name}: {error.strerror or error}.")


async def send_file(place: str, scope: Scope, send: Send) -> None:
    """Send a regular file; raises `Refused` for anything else, and OSError."""
    # Non-blocking, so that a FIFO under a file's name cannot hold the service.
    descriptor = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            kind = "a directory" if stat.S_ISDIR(facts.st_mode) else "not a regular file"
            raise Refused(400, f"{place} is {kind}.")
        media = mimetypes.guess_type(place)[0] or "application/octet-stream"
        headers = [
            (b"content-type", media.encode()),
            (b"content-disposition", f"inline; filename*=UTF-8''{quote(Path(place).name)}".encode()),
        ]
        zipped = "gzip" in (header(scope, b"accept-encoding") or "") and scope["method"] == "GET"
        zipped = zipped and (header(scope, b"accept-encoding") or "").strip() == "gzip"  # asked for, not just bearable
        # A file of /proc or /sys says that it is empty, whatever it holds.
        size = facts.st_size or _MAX_SPECIAL
        first = min(_CHUNK, size)
        chunk = file.read(first)
        if len(chunk) < first:
            size = len(chunk)  # all there is; whoever writes it may have emptied it since we asked how long it is
        if zipped:
            headers.append((b"content-encoding", b"gzip"))
        elif facts.st_size or size < first:
            headers.append((b"content-length", str(size).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        packer = zlib.compressobj(wbits=31) if zipped else None
        left = 0 if scope["method"] == "HEAD" else size
        while left and chunk:
            left -= len(chunk)
            data = packer.compress(chunk) if packer else chunk
            await send({"type": "http.response.body", "body": data, "more_body": True})
            chunk = file.read(min(_CHUNK, left))
        await send({"type": "http.response.body", "body": packer.flush() if packer else b""})


async def _receive_files(
    settings: Settings, path: str | None, user: str, scope: Scope, receive: Receive
) -> list[dict[str, Any]]:
    metadata = {
        bytes(name)[len(b"x-metadata-") :].decode(): bytes(value).decode("latin-1")
        for name, value in scope["headers"]
        if bytes(name).startswith(b"x-metadata-")
    }
    kind, boundary = _content_type(header(scope, b"content-type") or "")
    body = _unpacked(header(scope, b"content-encoding"), receive)
    if kind != "multipart/form-data":
        if not path:
            raise Refused(400, "Give the file's path: /files?path=…")
        place = settings.locate(path, user)
        with create(place) as file:
            async for chunk in body:
                file.write(chunk)
        return [_entry(place, metadata)]
    return await _multipart(lambda name: settings.locate(name, user), path, boundary, body, metadata)


async def _multipart(
    locate: Callable[[str], str],
    path: str | None,
    boundary: str,
    body: AsyncIterator[bytes],
    metadata: dict[str, str],
) -> list[dict[str, Any]]:
    # Imported here: a sandbox that only runs cells never needs it.
    from python_multipart.exceptions import MultipartParseError
    from python_multipart.multipart import MultipartParser

    places: list[str] = []
    part: dict[str, Any] = {}

    def begin() -> None:
        part.clear()
        part.update(name=b"", value=b"", disposition="")

    def end_header() -> None:
        if part["name"].lower() == b"content-disposition":
            part["disposition"] = part["value"].decode("utf-8", "surrogateescape")
        part.update(name=b"", value=b"")

    def open_part() -> None:
        parsed = MimeHeader()
        parsed["content-disposition"] = part["disposition"]
        filename = parsed.get_filename()
        # A single file may be named by the query, and be a plain field then; several carry their path in `filename`.
        target = path or filename
        if not target or (filename is None and parsed.get_param("name", header="content-disposition") != "file"):
            return
        place = locate(target)
        part["file"] = create(place)
        places.append(place)

    def data(chunk: bytes, start: int, end: int) -> None:
        if "file" in part:
            part["file"].write(chunk[start:end])

    def end() -> None:
        if "file" in part:
            part.pop("file").close()

    parser = MultipartParser(
        boundary.encode(),
        {
            "on_part_begin": begin,
            "on_header_field": lambda chunk, start, stop: part.update(name=part["name"] + chunk[start:stop]),
            "on_header_value": lambda chunk, start, stop: part.update(value=part["value"] + chunk[start:stop]),
            "on_header_end": end_header,
            "on_headers_finished": open_part,
            "on_part_data": data,
            "on_part_end": end,
        },
    )
    try:
        async for chunk in body:
            parser.write(chunk)
        parser.finalize()
    except MultipartParseError as error:
        raise Refused(400, f"The upload is not well-formed multipart: {error}.") from None
    finally:
        end()
    if not places:
        raise Refused(400, "The upload holds no file.")
    return [_entry(place, metadata) for place in places]


def _content_type(value: str) -> tuple[str, str]:
    parsed = MimeHeader()
    parsed["content-type"] = value or "application/octet-stream"
    return parsed.get_content_type(), str(parsed.get_param("boundary") or "")


async def _unpacked(encoding: str | None, receive: Receive) -> AsyncIterator[bytes]:
    """The request's body less its compression, in pieces of at most a mebibyte however much it swells."""
    if encoding in (None, "", "identity"):
        async for chunk in body_chunks(receive):
            yield chunk
        return
    if encoding != "gzip":
        raise Refused(400, f"Content-Encoding {encoding} is not known here; send gzip or none.")
    opened = zlib.decompressobj(wbits=31)
    begun = False
    async for chunk in body_chunks(receive):
        rest = chunk
        while rest:
            if opened.eof:  # what follows is packed by itself, as gzip allows
                opened = zlib.decompressobj(wbits=31)
            try:
                piece = opened.decompress(rest, _CHUNK)
            except zlib.error as error:
                raise Refused(400, f"The body is not gzip: {error}.") from None
            rest = opened.unused_data if opened.eof else opened.unconsumed_tail
            begun = True
            if piece:
                yield piece
                await asyncio.sleep(0)  # others are served between two pieces
    if begun and not opened.eof:
        raise Refused(400, "The body is not gzip: it ends too early.")


def create(place: str) -> BinaryIO:
    """Open a file to be written anew, with the folders above it; what is no regular file holds nobody up."""
    os.makedirs(os.path.dirname(place), exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(place, flags | os.O_EXCL, 0o644)
        os.fchmod(descriptor, 0o644)  # who watches the directory expects CREATE, CHMOD, WRITE of a new file
    except FileExistsError:
        descriptor = os.open(place, flags | os.O_TRUNC, 0o644)
    return os.fdopen(descriptor, "wb", _BUFFER)


def _entry(place: str, metadata: dict[str, str]) -> dict[str, Any]:
    for name in read_metadata(place).keys() - metadata.keys():
        os.removexattr(place, _XATTR + name)  # what the upload has replaced
    for name, value in metadata.items():
        os.setxattr(place, _XATTR + name, value.encode())
    entry: dict[str, Any] = {"name": os.path.basename(place), "type": "file", "path": place}
    return {**entry, "metadata": metadata} if metadata else entry


def read_metadata(place: str) -> dict[str, str]:
    """What an upload's `X-Metadata-*` headers left on a file; empty where the file system keeps no attributes."""
    try:
        names = [name for name in os.listxattr(place) if name.startswith(_XATTR)]
        return {name[len(_XATTR) :]: os.getxattr(place, name).decode("utf-8", "replace") for name in names}
    except OSError:
        return {}


def digest(folder: str, depth: int) -> str:
    """What tells that no file has come, gone or changed, by name, size and time, so many folders deep from this one."""
    told = hashlib.sha256()
    for line in _lines(folder, depth):
        told.update(line)
    return told.hexdigest()


def _lines(folder: str, depth: int) -> Iterator[bytes]:
    with contextlib.suppress(OSError), os.scandir(os.fsencode(folder)) as found:  # it is gone, or not ours to look into
        for entry in sorted(found, key=lambda one: one.name):
            with contextlib.suppress(FileNotFoundError):
                facts = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(facts.st_mode):
                    yield entry.path + b"/\0"
                    if depth > 1:
                        yield from _lines(os.fsdecode(entry.path), depth - 1)
                else:
                    yield b"%b\0%d %d %d\0" % (entry.path, facts.st_mode, facts.st_size, facts.st_mtime_ns)
