"""The interpreter (port 49999): contexts, and /execute, which streams what a cell puts out."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import uuid
from dataclasses import dataclass, field
from typing import Any

import zmq.asyncio

from kernel_gateway.inside.bash import Bash, BashEnded
from kernel_gateway.inside.http import Receive, Refused, Send, disconnected, read_json, respond, respond_json
from kernel_gateway.inside.jupyter import Incoming
from kernel_gateway.inside.kernels import Cell, Kernel, KernelDied, KernelSilent
from kernel_gateway.inside.launch import Connection, Forks, Launched
from kernel_gateway.inside.results import error_line, line, stream_line, translate
from kernel_gateway.inside.settings import Settings

_PYTHON = ("python", "python3")
_BASH = ("bash", "sh")
_KEEPALIVE_SECONDS = 5.0
_INTERRUPT_AGAIN_SECONDS = 2.0
_LONG = 256 << 10  # bytes of a line that is sent at once


@dataclass
class Context:
    """A kernel with a working directory; it outlives its kernel's death."""

    id: str
    cwd: str
    launched: Launched | None = None
    kernel: Kernel | None = None
    environment_sent: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    language: str = "python"
    shell: Bash | None = None
    place: str = ""  # where it works, if that is not `cwd`
    note: str = ""  # what its first cell says about that

    def view(self) -> dict[str, str]:
        """As the wire shows it."""
        return {"id": self.id, "language": self.language, "cwd": self.cwd}


class Interpreter:
    """All contexts of this sandbox. The default one is launched by the caller before anything else is imported."""

    def __init__(self, settings: Settings, forks: Forks, first: Launched) -> None:
        self._settings, self._forks = settings, forks
        self._zmq = zmq.asyncio.Context()
        default = Context(uuid.uuid4().hex, settings.cwd, first)
        self._default = default
        self._contexts = {default.id: default}
        self._default_bash: Context | None = None
        self._closing: set[asyncio.Task[None]] = set()

    async def handle(self, method: str, path: str, receive: Receive, send: Send) -> None:
        """Answer one request. Errors are plain text here, as E2B's are; raises `Refused` with them."""
        parts = [part for part in path.split("/") if part]
        match method, parts:
            case "POST", ["execute"]:
                await self._execute(receive, send)
            case "GET", ["contexts"]:
                await respond_json(send, 200, [context.view() for context in self._contexts.values()])
            case "POST", ["contexts"]:
                await respond_json(send, 200, (await self._create(await read_json(receive))).view())
            case "DELETE", ["contexts", name]:
                await self._remove(name)
                await respond(send, 204)
            case "POST", ["contexts", name, "restart"]:
                await self._restart(self._find(name))
                await respond(send, 204)
            case "GET", ["health"]:
                await respond_json(send, 200, "OK")
            case _:
                raise Refused(404, f"{method} {path} is not a route of the interpreter.")

    def _find(self, name: str | None) -> Context:
        if name is None or name == "default":
            return self._default
        if (context := self._contexts.get(name)) is None:
            raise Refused(404, f"Context {name} not found")
        return context

    async def _create(self, body: dict[str, Any]) -> Context:
        language = _language(body.get("language"))
        cwd = self._settings.locate(str(body.get("cwd") or self._settings.cwd))
        context = Context(uuid.uuid4().hex, cwd, language=language)
        with contextlib.suppress(OSError):
            os.makedirs(cwd, exist_ok=True)
        if not os.path.isdir(cwd):  # noqa: ASYNC240 - a directory in memory
            context.place = self._settings.cwd
            context.note = f"{cwd} cannot be made, so this context works in {context.place}.\n"
        if language == "python":
            await self._kernel(context)
        self._contexts[context.id] = context
        return context

    async def _remove(self, name: str) -> None:
        context = self._find(name)
        if context is self._default:
            await self._restart(context)
            return
        del self._contexts[context.id]
        if context is self._default_bash:
            self._default_bash = None
        if context.kernel is not None:
            await context.kernel.close()
        if context.shell is not None:
            context.shell.close()

    async def _restart(self, context: Context) -> None:
        if context.language == "bash":
            shell, context.shell = context.shell, None
            if shell is not None:
                shell.close()
            return
        kernel, context.kernel = context.kernel, None
        if kernel is None and context.launched is not None:
            kernel, context.launched = Kernel(context.launched, self._zmq), None
        if kernel is not None:
            await kernel.close()
        await self._kernel(context)

    async def _kernel(self, context: Context) -> Kernel:
        """The context's kernel, ready; one that does not come up is replaced once, since no cell has run in it."""
        kernel = await self._living(context)
        try:
            await kernel.ready()
        except KernelSilent:
            kernel = await self._living(context)
            await kernel.ready()
        return kernel

    async def _living(self, context: Context) -> Kernel:
        """The context's kernel, which may still be starting; a dead one is replaced."""
        async with context.lock:
            if context.kernel is not None and not context.kernel.alive:
                dead, context.kernel = context.kernel, None
                await dead.close()
            if context.kernel is None:
                launched, context.launched = context.launched, None
                context.environment_sent = launched is None
                context.kernel = Kernel(launched or await self._launch(context), self._zmq)
            return context.kernel

    async def _launch(self, context: Context) -> Launched:
        connection = Connection.make(self._settings.runtime)
        return await self._forks.launch(connection, context.place or context.cwd, self._settings.kernel_environment())

    async def _execute(self, receive: Receive, send: Send) -> None:
        body = await read_json(receive, 256 << 20)
        if body.get("context_id") is not None and body.get("language") is not None:
            raise Refused(400, "Only one of context_id or language can be provided.")
        context = self._find(body.get("context_id"))
        if body.get("context_id") is None and _language(body.get("language")) == "bash":
            context = self._bash()
        code = body.get("code")
        if not isinstance(code, str):
            raise Refused(400, "`code` must be a string.")
        gone = asyncio.create_task(disconnected(receive))
        try:
            run = self._run_bash if context.language == "bash" else self._run
            await run(context, code, body.get("env_vars") or {}, send, gone)
        finally:
            gone.cancel()

    def _bash(self) -> Context:
        """The context of cells in bash that name none."""
        if self._default_bash is None:
            self._default_bash = Context(uuid.uuid4().hex, self._settings.cwd, language="bash")
            self._contexts[self._default_bash.id] = self._default_bash
        return self._default_bash

    async def warm(self) -> None:
        """Connect to the default kernel before anybody asks for it; whoever asks hears how that failed."""
        with contextlib.suppress(KernelDied):
            await self._kernel(self._default)

    async def _run_bash(
        self, context: Context, code: str, environment: dict[str, str], send: Send, gone: asyncio.Task[None]
    ) -> None:
        headers = [(b"content-type", b"application/x-ndjson"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

        async def emit(chunk: bytes) -> None:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})

        async with context.lock:
            await self._warn(context, emit)
            if context.shell is None or not context.shell.alive:
                if context.shell is not None:
                    context.shell.close()
                context.shell = Bash(
                    self._settings.runtime, context.place or context.cwd, self._settings.process_environment()
                )
            working = asyncio.create_task(_cell(context.shell, code, environment, emit))
            while not working.done():
                await asyncio.wait({working, gone}, timeout=_KEEPALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                if gone.done() and not working.done():
                    context.shell.interrupt()
                    if not (await asyncio.wait({working}, timeout=_INTERRUPT_AGAIN_SECONDS))[0]:
                        working.cancel()
                        await asyncio.gather(working, return_exceptions=True)
                        context.shell.close()
                        context.shell = None
                    return
                if not working.done():
                    await emit(line("keepalive"))
            await working
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _run(
        self, context: Context, code: str, environment: dict[str, str], send: Send, gone: asyncio.Task[None]
    ) -> None:
        headers = [(b"content-type", b"application/x-ndjson"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

        async def emit(chunk: bytes) -> None:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})

        try:
            kernel = await self._kernel(context)
            while True:
                if not await _acquire(kernel, gone, emit):
                    return
                if kernel.alive:
                    break
                kernel.lock.release()  # it died under the cell before ours: ours belongs to the next kernel
                kernel = await self._kernel(context)
            try:
                metadata: dict[str, Any] = {"call_environment": {str(k): str(v) for k, v in environment.items()}}
                if not context.environment_sent:
                    metadata["environment"] = self._settings.envs
                    context.environment_sent = True
                await self._warn(context, emit)
                cell = await kernel.start_cell(code, metadata)
                finished = await _stream(cell, emit, gone)
            except BaseException:
                kernel.lock.release()
                raise
            if not finished:
                self._interrupt(kernel, cell)
                return
            kernel.lock.release()
        except KernelDied as death:
            await emit(error_line("KernelDied", str(death)))
            await emit(line("end_of_execution"))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    @staticmethod
    async def _warn(context: Context, emit: Any) -> None:
        """Say once what the context's first cell should know."""
        note, context.note = context.note, ""
        if note:
            await emit(stream_line("stderr", note))

    def _interrupt(self, kernel: Kernel, cell: Cell) -> None:
        """The client left: stop the cell, and hold the kernel until it has stopped."""

        async def stop() -> None:
            try:
                kernel.interrupt()
                while True:
                    try:
                        batch = await asyncio.wait_for(cell.next(), _INTERRUPT_AGAIN_SECONDS)
                    except TimeoutError:
                        kernel.interrupt()
                        continue
                    except KernelDied:
                        return
                    if _is_idle(batch[-1]):
                        return
            finally:
                kernel.lock.release()

        task = asyncio.create_task(stop())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _language(language: Any) -> str:
    name = str(language or "python").lower()
    if name in _PYTHON:
        return "python"
    if name in _BASH:
        return "bash"
    raise Refused(400, f"This sandbox has no kernel for the language {language!r}; it has python and bash.")


async def _cell(shell: Bash, code: str, environment: dict[str, str], emit: Any) -> None:
    """Run one cell in bash, with its output, its status if that is an error, and its end."""
    await emit(line("number_of_executions", execution_count=shell.count + 1))
    try:
        async with contextlib.aclosing(shell.run(code, {str(k): str(v) for k, v in environment.items()})) as pieces:
            async for name, text in pieces:
                if name != "status":
                    await emit(stream_line(name, text))
                elif text != "0":
                    await emit(error_line("ExitStatus", f"The last command exited with status {text}."))
    except BashEnded as ended:
        await emit(error_line("BashEnded", str(ended)))
    await emit(line("end_of_execution"))


def _is_idle(message: Incoming) -> bool:
    """Whether this ends the cell: nothing of a cell comes after it."""
    return message.kind == "status" and message.content.get("execution_state") == "idle"


async def _acquire(kernel: Kernel, gone: asyncio.Task[None], emit: Any) -> bool:
    """Wait for the kernel's turn; False when the client left while it waited."""
    turn = asyncio.create_task(kernel.lock.acquire())
    while not turn.done():
        await asyncio.wait({turn, gone}, timeout=_KEEPALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if turn.done():
            break
        if gone.done():
            turn.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await turn
                kernel.lock.release()
            return False
        await emit(line("keepalive"))
    return True


async def _stream(cell: Cell, emit: Any, gone: asyncio.Task[None]) -> bool:
    """Send what the cell puts out until it ends; False when the client left first. Raises `KernelDied`."""
    waiting = asyncio.create_task(cell.next())
    try:
        while True:
            if not waiting.done():
                await asyncio.wait({waiting, gone}, timeout=_KEEPALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                return False
            if not waiting.done():
                await emit(line("keepalive"))
                continue
            batch = waiting.result()
            chunk: list[bytes] = []
            for told in itertools.chain.from_iterable(map(translate, batch)):
                chunk.append(told)
                if len(told) > _LONG:
                    await emit(b"".join(chunk))
                    chunk.clear()
            if _is_idle(batch[-1]):
                if cell.dropped:
                    chunk.append(stream_line("stderr", f"[{cell.dropped} outputs dropped: the reader was too slow]\n"))
                await emit(b"".join([*chunk, line("end_of_execution")]))
                return True
            if chunk:
                await emit(b"".join(chunk))
            waiting = asyncio.create_task(cell.next())
    finally:
        waiting.cancel()
