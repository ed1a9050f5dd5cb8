"""The file system service: stat, list, make, move, remove and watch, by the sandbox's own hands."""

# ruff: noqa: ASYNC240 - these are the sandbox's own files, in memory; a thread would only add time

from __future__ import annotations

import asyncio
import contextlib
import errno
import grp
import os
import pwd
import secrets
import shutil
import stat
from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal

from kernel_gateway.inside.adapter import (
    MAX_MESSAGE,
    Code,
    ConnectError,
    Oneof,
    RequestContext,
    Timestamp,
    filesystem_connect,
    filesystem_pb,
)
from kernel_gateway.inside.files import read_metadata
from kernel_gateway.inside.settings import Settings, user_of
from kernel_gateway.inside.watch import Change, FellBehind, Watch

type _Context = RequestContext[Any, Any]

_KEEPALIVE_SECONDS = 10.0
_MAX_WATCHERS = 256
_CHANGES = {
    "create": filesystem_pb.EventType.CREATE,
    "write": filesystem_pb.EventType.WRITE,
    "remove": filesystem_pb.EventType.REMOVE,
    "rename": filesystem_pb.EventType.RENAME,
    "chmod": filesystem_pb.EventType.CHMOD,
}
_CODES = {
    errno.ENOENT: Code.NOT_FOUND,
    errno.EEXIST: Code.ALREADY_EXISTS,
    errno.ENOTDIR: Code.INVALID_ARGUMENT,
    errno.EISDIR: Code.INVALID_ARGUMENT,
    errno.EACCES: Code.PERMISSION_DENIED,
    errno.EPERM: Code.PERMISSION_DENIED,
    errno.EROFS: Code.PERMISSION_DENIED,
    errno.ENOSPC: Code.RESOURCE_EXHAUSTED,
}


@contextlib.contextmanager
def _os_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        code = _CODES.get(error.errno or 0, Code.INTERNAL)
        raise ConnectError(code, f"{error.filename or 'path'}: {error.strerror or error}") from None


class Filesystem(filesystem_connect.Filesystem):
    """E2B's file system service."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._watchers: dict[str, tuple[Watch, bool]] = {}

    async def stat(self, request: filesystem_pb.StatRequest, ctx: _Context, /) -> filesystem_pb.StatResponse:
        with _os_errors():
            return filesystem_pb.StatResponse(entry=_entry(self._locate(request.path, ctx)))

    async def make_dir(self, request: filesystem_pb.MakeDirRequest, ctx: _Context, /) -> filesystem_pb.MakeDirResponse:
        place = self._locate(request.path, ctx)
        with _os_errors():
            if os.path.isdir(place):
                raise ConnectError(Code.ALREADY_EXISTS, f"directory already exists: {place}")
            if os.path.lexists(place):
                raise ConnectError(Code.INVALID_ARGUMENT, f"path already exists but it is not a directory: {place}")
            os.makedirs(place)
            return filesystem_pb.MakeDirResponse(entry=_entry(place))

    async def move(self, request: filesystem_pb.MoveRequest, ctx: _Context, /) -> filesystem_pb.MoveResponse:
        source, target = self._locate(request.source, ctx), self._locate(request.destination, ctx)
        with _os_errors():
            os.makedirs(os.path.dirname(target), exist_ok=True)
            try:
                os.rename(source, target)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                shutil.move(source, target)
            return filesystem_pb.MoveResponse(entry=_entry(target))

    async def list_dir(self, request: filesystem_pb.ListDirRequest, ctx: _Context, /) -> filesystem_pb.ListDirResponse:
        place = self._locate(request.path, ctx)
        with _os_errors():
            os.stat(place)
            if not os.path.isdir(place):
                raise ConnectError(Code.INVALID_ARGUMENT, f"path is not a directory: {place}")
            return filesystem_pb.ListDirResponse(entries=list(_walk(place, max(request.depth, 1))))

    async def remove(self, request: filesystem_pb.RemoveRequest, ctx: _Context, /) -> filesystem_pb.RemoveResponse:
        place = self._locate(request.path, ctx)
        with _os_errors(), contextlib.suppress(FileNotFoundError):
            if os.path.isdir(place) and not os.path.islink(place):
                shutil.rmtree(place)
            else:
                os.unlink(place)
        return filesystem_pb.RemoveResponse()

    async def watch_dir(
        self, request: filesystem_pb.WatchDirRequest, ctx: _Context, /
    ) -> AsyncIterator[filesystem_pb.WatchDirResponse]:
        interval = float(ctx.request_headers.get("keepalive-ping-interval") or _KEEPALIVE_SECONDS)
        interval = min(interval, _KEEPALIVE_SECONDS)
        with (
            contextlib.closing(self._watch(self._locate(request.path, ctx), recursive=request.recursive)) as watch,
            _falling_behind(),
        ):
            yield filesystem_pb.WatchDirResponse(event=_STARTED)
            while (left := ctx.timeout_ms) is None or left > 0:
                try:
                    wait = interval if left is None else min(interval, left / 1000)
                    change = await asyncio.wait_for(watch.next(), wait)
                except TimeoutError:
                    yield filesystem_pb.WatchDirResponse(event=_ALIVE)
                    continue
                told: Oneof[Literal["filesystem"], filesystem_pb.FilesystemEvent]
                told = Oneof("filesystem", _event(watch, change, with_entry=request.include_entry))
                yield filesystem_pb.WatchDirResponse(event=told)
            raise ConnectError(Code.DEADLINE_EXCEEDED, "the time-out of the watch has passed")

    async def create_watcher(
        self, request: filesystem_pb.CreateWatcherRequest, ctx: _Context, /
    ) -> filesystem_pb.CreateWatcherResponse:
        if len(self._watchers) >= _MAX_WATCHERS:
            raise ConnectError(Code.RESOURCE_EXHAUSTED, f"there are {_MAX_WATCHERS} watchers; remove one first")
        name = secrets.token_hex(8)
        self._watchers[name] = (
            self._watch(self._locate(request.path, ctx), recursive=request.recursive),
            request.include_entry,
        )
        return filesystem_pb.CreateWatcherResponse(watcher_id=name)

    async def get_watcher_events(
        self, request: filesystem_pb.GetWatcherEventsRequest, ctx: _Context, /
    ) -> filesystem_pb.GetWatcherEventsResponse:
        watch, with_entry = self._watcher(request.watcher_id)
        with _falling_behind():
            events = [_event(watch, change, with_entry=with_entry) for change in watch.taken()]
        return filesystem_pb.GetWatcherEventsResponse(events=events)

    async def remove_watcher(
        self, request: filesystem_pb.RemoveWatcherRequest, ctx: _Context, /
    ) -> filesystem_pb.RemoveWatcherResponse:
        watch, _ = self._watcher(request.watcher_id)
        del self._watchers[request.watcher_id]
        watch.close()
        return filesystem_pb.RemoveWatcherResponse()

    def _locate(self, path: str, ctx: _Context) -> str:
        try:
            return self._settings.locate(path, user_of(ctx.request_headers.get("authorization")))
        except ValueError as error:
            raise ConnectError(Code.UNAUTHENTICATED, str(error)) from None

    @staticmethod
    def _watch(place: str, *, recursive: bool) -> Watch:
        with _os_errors():
            os.stat(place)
            if not os.path.isdir(place):
                raise ConnectError(Code.INVALID_ARGUMENT, f"path is not a directory: {place}")
            return Watch(place, recursive=recursive)

    def _watcher(self, name: str) -> tuple[Watch, bool]:
        if name not in self._watchers:
            raise ConnectError(Code.NOT_FOUND, f"watcher with id {name} not found")
        return self._watchers[name]


_STARTED: Oneof[Literal["start"], filesystem_pb.WatchDirResponse.StartEvent]
_STARTED = Oneof("start", filesystem_pb.WatchDirResponse.StartEvent())
_ALIVE: Oneof[Literal["keepalive"], filesystem_pb.WatchDirResponse.KeepAlive]
_ALIVE = Oneof("keepalive", filesystem_pb.WatchDirResponse.KeepAlive())


@contextlib.contextmanager
def _falling_behind() -> Iterator[None]:
    try:
        yield
    except FellBehind:
        raise ConnectError(Code.RESOURCE_EXHAUSTED, "too much changed at once: events are lost; watch again") from None


def _event(watch: Watch, change: Change, *, with_entry: bool) -> filesystem_pb.FilesystemEvent:
    event = filesystem_pb.FilesystemEvent(name=change.name, type=_CHANGES[change.kind])
    if with_entry:
        with contextlib.suppress(OSError):  # already gone
            event.entry = _entry(os.path.join(watch.place, change.name))
    return event


def _walk(place: str, depth: int) -> Iterator[filesystem_pb.EntryInfo]:
    for name in sorted(os.listdir(place)):
        path = os.path.join(place, name)
        if not _is_text(name):
            continue  # the wire carries names as UTF-8: one that is not would take the whole listing with it
        try:
            yield _entry(path)
            deeper = depth > 1 and os.path.isdir(path) and not os.path.islink(path)
            if deeper:
                yield from _walk(path, depth - 1)
        except (FileNotFoundError, PermissionError):
            continue  # removed while we looked, or not ours to look into


def _is_text(name: str) -> bool:
    """Whether the bytes of a file's name are UTF-8; Python keeps others as lone surrogates."""
    return name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)


def _entry(path: str) -> filesystem_pb.EntryInfo:
    facts = os.lstat(path)
    is_link = stat.S_ISLNK(facts.st_mode)
    target_mode = facts.st_mode
    if is_link:
        with contextlib.suppress(OSError):
            target_mode = os.stat(path).st_mode
    if stat.S_ISDIR(target_mode):
        kind = filesystem_pb.FileType.DIRECTORY
    elif stat.S_ISREG(target_mode):
        kind = filesystem_pb.FileType.FILE
    else:
        kind = filesystem_pb.FileType.UNSPECIFIED
    entry = filesystem_pb.EntryInfo(
        name=os.path.basename(path),
        type=kind,
        path=path,
        size=facts.st_size,
        mode=stat.S_IMODE(facts.st_mode),
        permissions=stat.filemode(facts.st_mode),
        owner=_name(pwd.getpwuid, facts.st_uid),
        group=_name(grp.getgrgid, facts.st_gid),
        modified_time=Timestamp(seconds=facts.st_mtime_ns // 10**9, nanos=facts.st_mtime_ns % 10**9),
        metadata=read_metadata(path) if stat.S_ISREG(facts.st_mode) else {},
        is_symlink=is_link,
    )
    if is_link:
        entry.symlink_target = os.path.realpath(path) if os.path.exists(path) else os.readlink(path)
    return entry


def _name(lookup: Any, number: int) -> str:
    try:
        return str(lookup(number)[0])
    except KeyError:
        return str(number)


def application(settings: Settings) -> filesystem_connect.FilesystemASGIApplication:
    """The service as an ASGI application."""
    return filesystem_connect.FilesystemASGIApplication(Filesystem(settings), read_max_bytes=MAX_MESSAGE)
