"""The process service: commands and terminals, their streams, their signals."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import functools
import math
import os
import signal
import subprocess
import sys
import termios
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, Literal

from kernel_gateway.inside import memory
from kernel_gateway.inside.adapter import (
    MAX_MESSAGE,
    Code,
    ConnectError,
    Oneof,
    RequestContext,
    process_connect,
    process_pb,
)
from kernel_gateway.inside.journal import Journal
from kernel_gateway.inside.limits import make_expendable, reached
from kernel_gateway.inside.root import Command
from kernel_gateway.inside.root import environment as root_environment
from kernel_gateway.inside.settings import Settings, user_of
from kernel_gateway.inside.starting import Output, resize, start_as_root, start_as_user, with_pipes, with_terminal

type _Context = RequestContext[Any, Any]

_CHUNK = 64 << 10
_QUEUED_CHUNKS = 128  # per reader; a slow reader then holds the process back, as a pipe would
_REMEMBER_SECONDS = 30.0
_KEEPALIVE_SECONDS = 10.0
_LAST_OUTPUT_SECONDS = 0.25  # for output that a background child still holds open when the command itself has ended
type _Queue = asyncio.Queue[process_pb.ProcessEvent]


class _Running:
    """One process with its standard streams, and everybody who listens to it."""

    def __init__(
        self,
        config: process_pb.ProcessConfig,
        tag: str | None,
        popen: subprocess.Popen[bytes] | Command,
        outputs: dict[Output, int],
        inlet: int | None,
        journal: Journal,
    ) -> None:
        self.config, self.tag, self.pid, self._popen = config, tag, popen.pid, popen
        self._journal = journal
        make_expendable(self.pid)
        self.terminal = outputs.get("pty")
        self.end: process_pb.ProcessEvent | None = None
        self._outputs, self._inlet = outputs, inlet
        self._input_lock = asyncio.Lock()
        self._listeners: set[_Queue] = set()
        self._read: dict[Output, float] = dict.fromkeys(outputs, 0)  # bytes,
        self._told: dict[Output, float] = dict.fromkeys(outputs, 0)  # and how many of them have been handed on
        self._progress = asyncio.Event()

    def listen(self) -> _Queue:
        """A queue that gets every event from now on."""
        queue: _Queue = asyncio.Queue(_QUEUED_CHUNKS)
        if self.end is None:
            self._listeners.add(queue)
        return queue

    def leave(self, queue: _Queue) -> None:
        """Stop listening; whoever waits to fill the queue is let go."""
        self._listeners.discard(queue)
        while not queue.empty():
            queue.get_nowait()

    async def follow(self, ended: Callable[[], object]) -> None:
        """Carry output to the listeners until the process has ended and its end is told, then drain the rest."""
        pumps = [asyncio.create_task(self._pump(field, descriptor)) for field, descriptor in self._outputs.items()]
        code = await self._exit()
        written = {field: self._read[field] + _unread(descriptor) for field, descriptor in self._outputs.items()}
        await asyncio.wait(pumps, timeout=_LAST_OUTPUT_SECONDS)
        while any(self._told[field] < size for field, size in written.items()):  # while its reader takes its time
            self._progress.clear()
            await self._progress.wait()
        async with self._input_lock:
            self.terminal = None
            self._close_input()
        limits = reached() if code else ""
        if limits and "stderr" in self._outputs:  # which is all that most clients show of a command that failed
            await self._publish(_data_event("stderr", f"{limits}\n".encode()))
        self.end = _end_event(code, limits)
        ending = f"exit status {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
        told = f"Process {self.pid} ended: {ending}. {limits}".rstrip()
        self._journal.tell("process", told, "warn" if code else "debug", self.pid)
        await self._publish(self.end)
        self._listeners.clear()
        ended()
        # A child in the background may write on for hours: were its pipe closed, its next line would end it.
        await asyncio.gather(*pumps)
        for descriptor in self._outputs.values():
            os.close(descriptor)

    def signal(self, number: int) -> None:
        """Signal the process and all that it started in its group; nothing happens when they have ended."""
        if self.end is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    async def write(self, data: bytes) -> None:
        """Write all of `data` to the terminal or to standard input, as fast as the process takes it."""
        async with self._input_lock:
            inlet = self.terminal if self.terminal is not None else self._inlet
            if inlet is None:
                raise ConnectError(Code.FAILED_PRECONDITION, f"stdin of the process with pid {self.pid} is not open")
            left = memoryview(data)
            while left:
                try:
                    left = left[os.write(inlet, left) :]
                except BlockingIOError:
                    await _ready(inlet, write=True)
                except OSError as error:
                    raise ConnectError(Code.FAILED_PRECONDITION, f"the process has closed its input: {error}") from None

    async def close_input(self) -> None:
        """End the standard input."""
        if self.terminal is not None:
            raise ConnectError(Code.FAILED_PRECONDITION, "a terminal has no stdin to close; send Ctrl+D (0x04)")
        async with self._input_lock:
            self._close_input()

    def _close_input(self) -> None:
        if self._inlet is not None:
            os.close(self._inlet)
            self._inlet = None

    async def _publish(self, event: process_pb.ProcessEvent) -> None:
        for queue in list(self._listeners):
            if queue in self._listeners:
                await queue.put(event)

    async def _pump(self, field: Output, descriptor: int) -> None:
        try:
            await self._carry(field, descriptor)
        finally:
            self._told[field] = math.inf
            self._progress.set()

    async def _carry(self, field: Output, descriptor: int) -> None:
        while True:
            try:
                data = os.read(descriptor, _CHUNK)
            except BlockingIOError:
                await _ready(descriptor)
                continue
            except OSError:
                return  # a terminal whose last user has gone answers EIO
            if not data:
                return
            self._read[field] += len(data)
            if field != "pty":
                self._journal.output("process", field, data, self.pid)
            await self._publish(_data_event(field, data))
            self._told[field] += len(data)
            self._progress.set()
            await asyncio.sleep(0)  # with nobody listening, an endless writer would let nothing else run

    async def _exit(self) -> int:
        if isinstance(self._popen, Command):
            await _ready(self._popen.fileno())
            return self._popen.wait()
        descriptor = os.pidfd_open(self.pid)
        try:
            await _ready(descriptor)
        finally:
            os.close(descriptor)
        return self._popen.wait()


def _unread(descriptor: int) -> int:
    """How many bytes wait in a pipe or a terminal."""
    try:
        return int.from_bytes(fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)), sys.byteorder)
    except OSError:
        return 0


class Processes(process_connect.Process):
    """E2B's process service."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._running: dict[int, _Running] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def list(self, request: process_pb.ListRequest, ctx: _Context, /) -> process_pb.ListResponse:
        infos = []
        for process in self._running.values():
            if process.end is None:
                info = process_pb.ProcessInfo(config=process.config, pid=process.pid)
                if process.tag is not None:
                    info.tag = process.tag
                infos.append(info)
        return process_pb.ListResponse(processes=infos)

    async def start(
        self, request: process_pb.StartRequest, ctx: _Context, /
    ) -> AsyncIterator[process_pb.StartResponse]:
        process = self._start(request, ctx.request_headers.get("authorization"))
        if (deadline := ctx.timeout_ms) is not None:
            # Also when the client has hung up by then: the time-out is the command's, not the connection's.
            asyncio.get_running_loop().call_later(deadline / 1000, process.signal, signal.SIGKILL)
        async with contextlib.aclosing(_events(process, ctx)) as events:
            async for event in events:
                yield process_pb.StartResponse(event=event)

    async def connect(
        self, request: process_pb.ConnectRequest, ctx: _Context, /
    ) -> AsyncIterator[process_pb.ConnectResponse]:
        async with contextlib.aclosing(_events(self._find(request.process), ctx)) as events:
            async for event in events:
                yield process_pb.ConnectResponse(event=event)

    async def update(self, request: process_pb.UpdateRequest, ctx: _Context, /) -> process_pb.UpdateResponse:
        process = self._find(request.process)
        if request.pty is not None and request.pty.size is not None and process.terminal is not None:
            resize(process.terminal, request.pty.size)
        return process_pb.UpdateResponse()

    async def send_input(self, request: process_pb.SendInputRequest, ctx: _Context, /) -> process_pb.SendInputResponse:
        await self._find(request.process).write(_input(request.input))
        return process_pb.SendInputResponse()

    async def stream_input(
        self, request: AsyncIterator[process_pb.StreamInputRequest], ctx: _Context, /
    ) -> process_pb.StreamInputResponse:
        process: _Running | None = None
        async for message in request:
            match message.event:
                case Oneof(field="start", value=process_pb.StreamInputRequest.StartEvent() as start):
                    process = self._find(start.process)
                case Oneof(field="data", value=process_pb.StreamInputRequest.DataEvent() as data):
                    if process is None:
                        raise ConnectError(Code.INVALID_ARGUMENT, "an input stream begins with a start event")
                    await process.write(_input(data.input))
        return process_pb.StreamInputResponse()

    async def send_signal(
        self, request: process_pb.SendSignalRequest, ctx: _Context, /
    ) -> process_pb.SendSignalResponse:
        process = self._find(request.process)
        if process.end is not None:
            raise ConnectError(Code.NOT_FOUND, f"process with pid {process.pid} has ended")
        process.signal(signal.SIGKILL if request.signal == process_pb.Signal.SIGKILL else signal.SIGTERM)
        return process_pb.SendSignalResponse()

    async def close_stdin(
        self, request: process_pb.CloseStdinRequest, ctx: _Context, /
    ) -> process_pb.CloseStdinResponse:
        await self._find(request.process).close_input()
        return process_pb.CloseStdinResponse()

    def _find(self, selector: process_pb.ProcessSelector | None) -> _Running:
        match selector.selector if selector is not None else None:
            case Oneof(field="pid", value=pid):
                found = self._running.get(pid) if isinstance(pid, int) else None
                name = f"pid {pid}"
            case Oneof(field="tag", value=tag):
                found = next((process for process in self._running.values() if process.tag == tag), None)
                name = f"tag {tag}"
            case _:
                raise ConnectError(Code.INVALID_ARGUMENT, "name the process by its pid or its tag")
        if found is None:
            raise ConnectError(Code.NOT_FOUND, f"process with {name} not found")
        return found

    def _start(self, request: process_pb.StartRequest, authorization: str | None) -> _Running:
        config = request.process
        if config is None or not config.cmd:
            raise ConnectError(Code.INVALID_ARGUMENT, "there is no command to start")
        try:
            user = user_of(authorization)
            as_root = self._settings.is_root(user)
            # As in E2B, where root's commands start in root's home, and a path that is not absolute there, too.
            cwd = self._settings.locate(config.cwd if config.has_field("cwd") and config.cwd else "~", user)
        except ValueError as error:
            raise ConnectError(Code.UNAUTHENTICATED, str(error)) from None
        if not os.path.isdir(cwd):
            raise ConnectError(Code.INVALID_ARGUMENT, f"cwd '{cwd}' does not exist")
        own = self._settings.process_environment()
        environment = {**(root_environment(own) if as_root else own), **dict(config.envs)}
        start = functools.partial(start_as_root, self._settings) if as_root else start_as_user
        memory.refresh()
        wants_input = request.stdin if request.has_field("stdin") else True
        try:
            if request.pty is not None:
                popen, outputs, inlet = with_terminal(start, config, cwd, environment, request.pty)
            else:
                popen, outputs, inlet = with_pipes(start, config, cwd, environment, wants_input)
        except OSError as error:
            raise ConnectError(Code.INVALID_ARGUMENT, f"error starting process: {error}") from None
        tag, journal = request.tag if request.has_field("tag") else None, self._settings.journal
        journal.hide(dict(config.envs).values())
        process = _Running(config, tag, popen, outputs, inlet, journal)
        self._running[process.pid] = process
        task = asyncio.create_task(self._keep(process))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return process

    async def _keep(self, process: _Running) -> None:
        await process.follow(lambda: asyncio.get_running_loop().call_later(_REMEMBER_SECONDS, self._forget, process))

    def _forget(self, process: _Running) -> None:
        if self._running.get(process.pid) is process:
            del self._running[process.pid]


async def _events(process: _Running, ctx: _Context) -> AsyncGenerator[process_pb.ProcessEvent]:
    """The process's start, its output from now on, and its end, with signs of life in between."""
    queue = process.listen()
    interval = min(float(ctx.request_headers.get("keepalive-ping-interval") or _KEEPALIVE_SECONDS), _KEEPALIVE_SECONDS)
    try:
        start: Oneof[Literal["start"], process_pb.ProcessEvent.StartEvent]
        start = Oneof("start", process_pb.ProcessEvent.StartEvent(pid=process.pid))
        yield process_pb.ProcessEvent(event=start)
        event = process.end if queue.empty() else None
        while event is None or not _is_end(event):
            if event is not None:
                yield event
            left = ctx.timeout_ms
            if left is not None and left <= 0:
                raise ConnectError(Code.DEADLINE_EXCEEDED, "the time-out of the command has passed")
            try:
                wait = interval if left is None else min(interval, left / 1000)
                event = await asyncio.wait_for(queue.get(), wait)
            except TimeoutError:
                event = process_pb.ProcessEvent(event=_ALIVE)
        yield event
    finally:
        process.leave(queue)


_ALIVE: Oneof[Literal["keepalive"], process_pb.ProcessEvent.KeepAlive]
_ALIVE = Oneof("keepalive", process_pb.ProcessEvent.KeepAlive())


def _is_end(event: process_pb.ProcessEvent) -> bool:
    return event.event is not None and event.event.field == "end"


def _end_event(code: int, limits: str) -> process_pb.ProcessEvent:
    """How a process ended, and which of the sandbox's limits were in its way."""
    if code >= 0:
        told = process_pb.ProcessEvent.EndEvent(exit_code=code, exited=True, status=f"exit status {code}")
        if limits:
            told.error = limits
    else:
        status = f"signal: {signal.Signals(-code).name}"
        error = f"{status} ({limits})" if limits else status
        told = process_pb.ProcessEvent.EndEvent(exit_code=-1, exited=False, status=status, error=error)
    end: Oneof[Literal["end"], process_pb.ProcessEvent.EndEvent] = Oneof("end", told)
    return process_pb.ProcessEvent(event=end)


def _data_event(field: Output, data: bytes) -> process_pb.ProcessEvent:
    output: Oneof[Any, bytes] = Oneof(field, data)
    told: Oneof[Literal["data"], process_pb.ProcessEvent.DataEvent]
    told = Oneof("data", process_pb.ProcessEvent.DataEvent(output=output))
    return process_pb.ProcessEvent(event=told)


def _input(message: process_pb.ProcessInput | None) -> bytes:
    value = message.input.value if message is not None and message.input is not None else b""
    return bytes(value)


async def _ready(descriptor: int, *, write: bool = False) -> None:
    """Return when the descriptor can be read (or written) without waiting."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    add, remove = (loop.add_writer, loop.remove_writer) if write else (loop.add_reader, loop.remove_reader)

    def tell() -> None:
        if not ready.done():
            ready.set_result(None)

    add(descriptor, tell)
    try:
        await ready
    finally:
        remove(descriptor)


def application(settings: Settings) -> process_connect.ProcessASGIApplication:
    """The service as an ASGI application."""
    return process_connect.ProcessASGIApplication(Processes(settings), read_max_bytes=MAX_MESSAGE)
