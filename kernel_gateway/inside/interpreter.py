"""The interpreter (port 49999): contexts, and /execute, which streams what a cell puts out."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from kernel_gateway.inside.bash import Bash, BashEnded
from kernel_gateway.inside.contexts import Context, Contexts
from kernel_gateway.inside.files import digest
from kernel_gateway.inside.http import Receive, Refused, Send, disconnected, read_json, respond, respond_json
from kernel_gateway.inside.jupyter import Incoming
from kernel_gateway.inside.keeping import NoCopy
from kernel_gateway.inside.kernels import Cell, Kernel, KernelDied, is_idle
from kernel_gateway.inside.launch import Forks, Launched
from kernel_gateway.inside.notebook import ASK, COPY, DEPTH, as_notebook, tell
from kernel_gateway.inside.preload import is_outdated
from kernel_gateway.inside.results import error_line, line, stream_line, translate, with_limits
from kernel_gateway.inside.settings import Settings
from kernel_gateway.inside.variables import code_for

_KEEPALIVE_SECONDS = 5.0
_INTERRUPT_AGAIN_SECONDS = 2.0
_MOST_UNHEEDED = 5
_REHEARSE_SECONDS = 0.1
_SEE_STDERR = "The cell failed; what it wrote to stderr says why."
_LONG = 256 << 10  # bytes of a line that is sent at once

type _Emit = Callable[[bytes], Awaitable[None]]


class Interpreter:
    """The contexts of this sandbox as the wire has them. `first` is the kernel of the default one."""

    def __init__(self, settings: Settings, forks: Forks, first: Launched, *, rehearses: bool = False) -> None:
        """One that `rehearses` runs cells that leave no trace."""
        self._settings, self._rehearses = settings, rehearses
        self._contexts = Contexts(settings, forks, first)
        self._closing: set[asyncio.Task[None]] = set()

    async def handle(self, method: str, path: str, receive: Receive, send: Send) -> None:
        """Answer one request. Errors are plain text here, as E2B's are; raises `Refused` with them."""
        try:
            await self._route(method, [part for part in path.split("/") if part], receive, send)
        except KernelDied as death:
            raise Refused(500, str(death)) from None

    async def _route(self, method: str, parts: list[str], receive: Receive, send: Send) -> None:
        match method, parts:
            case "POST", ["execute"]:
                await self._execute(receive, send)
            case "GET", ["contexts"]:
                await respond_json(send, 200, [context.view() for context in await self._contexts.list()])
            case "POST", ["contexts"]:
                body = await read_json(receive)
                cwd = str(body["cwd"]) if body.get("cwd") else None
                await respond_json(send, 200, (await self._contexts.create(body.get("language"), cwd)).view())
            case "DELETE", ["contexts", name]:
                await self._contexts.remove(self._contexts.find(name))
                await respond(send, 204)
            case "POST", ["contexts", name, "restart"]:
                await self._contexts.restart(self._contexts.find(name))
                await respond(send, 204)
            case "GET", ["health"]:
                await respond_json(send, 200, "OK")
            case _:
                raise Refused(404, f"{method} /{'/'.join(parts)} is not a route of the interpreter.")

    async def warm(self) -> None:
        """Have the default kernel do all that a cell makes it do, before anybody asks for one.

        Whoever asks hears how that failed.
        """
        with contextlib.suppress(KernelDied):
            kernel = await self._contexts.kernel(self._contexts.default)
            await asyncio.sleep(_REHEARSE_SECONDS)  # one that is asked for at once has no time for this
            if not kernel.lock.locked() and not kernel.has_run:
                async with kernel.lock:
                    await kernel.rehearse()

    def close(self) -> None:
        """Let go of the kernels, which others end."""
        self._contexts.close()

    async def renew(self) -> None:
        """Have the default kernel begin anew where the packages are not those any more that it has imported."""
        if is_outdated():
            with contextlib.suppress(KernelDied):
                await self._contexts.restart(self._contexts.default)

    async def _execute(self, receive: Receive, send: Send) -> None:
        body = await read_json(receive, 256 << 20)
        name, language, code = body.get("context_id"), body.get("language"), body.get("code")
        if name is not None and language is not None:
            raise Refused(400, "Only one of context_id or language can be provided.")
        if not isinstance(code, str):
            raise Refused(400, "`code` must be a string.")
        context = self._contexts.find(name) if language is None else await self._contexts.default_for(language)
        environment = {str(name): str(value) for name, value in (body.get("env_vars") or {}).items()}
        notebook = environment.pop(ASK, None) is not None
        order = environment.pop(COPY, None)
        self._settings.journal.hide(environment.values())
        headers = [(b"content-type", b"application/x-ndjson"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

        async def emit(chunk: bytes) -> None:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})

        gone = asyncio.create_task(disconnected(receive))
        try:
            if order is not None:
                rest = await self._copy(context, order, emit, gone)
            elif context.language == "bash":
                rest = await self._run_bash(context, code, environment, emit, gone)
            else:
                rest = await self._run(context, code, environment, emit, gone, notebook)
        except (KernelDied, Refused) as failure:
            rest = tell(died=True) if notebook else b""
            rest += error_line(type(failure).__name__, str(failure))
        finally:
            gone.cancel()
        if rest is not None:
            await send({"type": "http.response.body", "body": rest + line("end_of_execution"), "more_body": False})

    async def _copy(self, context: Context, order: str, emit: _Emit, gone: asyncio.Task[None]) -> bytes | None:
        """Keep a copy of the context's kernel, go back to one or drop it; None when the client left before that."""
        what, _, name = order.partition(" ")
        copies = self._contexts.copies
        if what == "drop":
            copies.drop(name)
            return tell(copy={"done": True})
        if context.language != "python" or context.command is not None:
            return tell(copy={"done": False, "why": f"no copy is made of a kernel of {context.language}"})
        kernel = await self._contexts.kernel(context) if what == "keep" else context.kernel
        if kernel is not None and not await _acquire(kernel.lock, gone, emit):
            return None
        try:
            if what == "keep" and kernel is not None:
                await copies.keep(context.id, kernel, name)
            else:
                await self._contexts.go_back(context, name)
        except NoCopy as why:
            return tell(copy={"done": False, "why": str(why)})
        finally:
            if kernel is not None:
                kernel.lock.release()
        return tell(copy={"done": True})

    async def _run_bash(
        self, context: Context, code: str, environment: dict[str, str], emit: _Emit, gone: asyncio.Task[None]
    ) -> bytes | None:
        """Run a cell in the context's shell; None when the client left before it ended."""
        if not await _acquire(context.lock, gone, emit):
            return None
        try:
            shell = self._contexts.shell(context)
            await _warn(context, emit)
            working = asyncio.create_task(_cell(shell, code, environment, emit))
            while not working.done():
                await asyncio.wait({working, gone}, timeout=_KEEPALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                if gone.done() and not working.done():
                    shell.interrupt()
                    if not (await asyncio.wait({working}, timeout=_INTERRUPT_AGAIN_SECONDS))[0]:
                        working.cancel()
                        await asyncio.gather(working, return_exceptions=True)
                        shell.close()
                        context.shell = None
                    return None
                if not working.done():
                    await emit(line("keepalive"))
            await working
        finally:
            context.lock.release()
        return b""

    async def _run(
        self,
        context: Context,
        code: str,
        environment: dict[str, str],
        emit: _Emit,
        gone: asyncio.Task[None],
        notebook: bool,
    ) -> bytes | None:
        """Run a cell in the context's kernel and return its last lines, which are not sent yet.

        None when the client left before it ended; raises `KernelDied`. For a notebook that is also when the kernel has
        ended since the last cell: its variables are gone, and what follows must not go on as if nothing was.
        """
        if notebook:
            self._contexts.must_live(context)
        while True:
            kernel = await self._contexts.kernel(context)
            if not await _acquire(kernel.lock, gone, emit):
                return None
            if kernel.alive:
                break
            kernel.lock.release()  # it died under the cell before ours: ours belongs to the next kernel
        try:
            await _warn(context, emit)
            undo = await self._prepare(context, kernel, environment, emit)
            while True:
                cell = await kernel.start_cell(
                    code, self._metadata(context, environment, notebook), silent=self._rehearses
                )
                rest = await _stream(cell, emit, gone, as_notebook if notebook else translate)
                if rest is None or context.command is None or not await cell.was_passed_over():
                    break
            if rest is not None:
                rest += await _verdict(cell, notebook, foreign=context.command is not None)
                if undo:
                    await kernel.run_silently(undo)
                if notebook:
                    language = _own_language() if context.command is None else {}
                    rest += tell(files=digest(self._settings.home, DEPTH), language=language)
        except BaseException as failure:
            kernel.end_told = kernel.end_told or isinstance(failure, KernelDied)
            kernel.lock.release()
            raise
        if rest is not None:
            kernel.lock.release()
        else:
            task = asyncio.create_task(_stop(context, kernel, cell, undo))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        return rest

    def _metadata(self, context: Context, environment: dict[str, str], notebook: bool) -> dict[str, Any]:
        """What our own kernel is told with a cell."""
        if context.command is not None:
            return {}
        metadata: dict[str, Any] = {"call_environment": environment, "notebook": notebook}
        if self._rehearses:
            metadata["rehearsal"] = True
        if not context.environment_sent:
            metadata["environment"] = self._settings.process_environment()
            context.environment_sent = True
        return metadata

    @staticmethod
    async def _prepare(context: Context, kernel: Kernel, environment: dict[str, str], emit: _Emit) -> str:
        """Set the variables of one call in a kernel that is not our own; returns the code that undoes it."""
        if context.command is None or not environment:
            return ""
        code = code_for(context.command.language, environment)
        if code is None:
            names = ", ".join(environment)
            await emit(stream_line("stderr", f"{names}: not set, since {context.language} has no way that we know.\n"))
            return ""
        await kernel.run_silently(code[0])
        return code[1]


def _own_language() -> dict[str, Any]:
    """A notebook's `language_info` of our own kernel; empty where this process was not forked from one that has it."""
    loaded = sys.modules.get("ipykernel.ipkernel")
    return dict(loaded.IPythonKernel.language_info) if loaded is not None else {}


async def _verdict(cell: Cell, notebook: bool, *, foreign: bool) -> bytes:
    """What the kernel's verdict on a cell adds to its outputs.

    Our own kernel has said it by now if it is an error, and is not waited for; one of another language replies.
    """
    verdict = await cell.verdict() if foreign else cell.reply.result() if cell.reply.done() else {"status": "ok"}
    said = b""
    if notebook and ("error" in cell.kinds) != (verdict.get("status") == "error"):
        said = tell(status=verdict.get("status"), shown="error" in cell.kinds)
    return said + _untold(cell, verdict)


def _untold(cell: Cell, verdict: dict[str, Any]) -> bytes:
    """What a kernel has said in its verdict and not among the cell's outputs."""
    count, told = verdict.get("execution_count"), b""
    if isinstance(count, int) and "execute_input" not in cell.kinds:
        told += line("number_of_executions", execution_count=count)
    if verdict.get("status") == "error" and "error" not in cell.kinds:
        name, value = (str(verdict.get(key) or other) for key, other in (("ename", "Error"), ("evalue", _SEE_STDERR)))
        told += error_line(name, value, "\n".join(map(str, verdict.get("traceback") or [])))
    return told


async def _stop(context: Context, kernel: Kernel, cell: Cell, undo: str) -> None:
    """The client left: stop the cell, holding the kernel until it has stopped.

    A kernel of another language that heeds no interruption is ended: some never do, and nobody could use it any more.
    """
    unheeded = 0
    try:
        await kernel.interrupt()
        while True:
            try:
                batch = await asyncio.wait_for(cell.next(), _INTERRUPT_AGAIN_SECONDS)
            except TimeoutError:
                unheeded += 1
                if context.command is not None and unheeded == _MOST_UNHEEDED:
                    kernel.kill()
                else:
                    await kernel.interrupt()
                continue
            if is_idle(batch[-1]):
                break
        if undo:
            await kernel.run_silently(undo)
    except KernelDied:
        if context.kernel is kernel:  # which a restart takes from it
            kernel.end_told = True
            context.note = "The kernel did not survive the interruption of the last cell; its variables are gone.\n"
    finally:
        kernel.lock.release()


async def _warn(context: Context, emit: _Emit) -> None:
    """Say once what the context's first cell should know."""
    note, context.note = context.note, ""
    if note:
        await emit(stream_line("stderr", note))


async def _cell(shell: Bash, code: str, environment: dict[str, str], emit: _Emit) -> None:
    """Run one cell in bash, with its output, and its status if that is an error."""
    await emit(line("number_of_executions", execution_count=shell.count + 1))
    try:
        async with contextlib.aclosing(shell.run(code, environment)) as pieces:
            async for name, text in pieces:
                if name != "status":
                    await emit(stream_line(name, text))
                elif text != "0":
                    await emit(error_line("ExitStatus", with_limits(f"The last command exited with status {text}.")))
    except BashEnded as ended:
        await emit(error_line("BashEnded", with_limits(str(ended))))


async def _acquire(lock: asyncio.Lock, gone: asyncio.Task[None], emit: _Emit) -> bool:
    """Wait for a turn; False when the client left while it waited."""
    turn = asyncio.create_task(lock.acquire())
    while not turn.done():
        await asyncio.wait({turn, gone}, timeout=_KEEPALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if turn.done():
            break
        if gone.done():
            turn.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await turn
                lock.release()
            return False
        await emit(line("keepalive"))
    return True


async def _stream(
    cell: Cell, emit: _Emit, gone: asyncio.Task[None], translate: Callable[[Incoming], Iterator[bytes]]
) -> bytes | None:
    """Send what the cell puts out until it ends, and return what came with the end; None when the client left first.

    Raises `KernelDied`.
    """
    waiting = asyncio.create_task(cell.next())
    try:
        while True:
            if not waiting.done():
                await asyncio.wait({waiting, gone}, timeout=_KEEPALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                return None
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
            if is_idle(batch[-1]):
                return b"".join(chunk)
            if chunk:
                await emit(b"".join(chunk))
            waiting = asyncio.create_task(cell.next())
    finally:
        waiting.cancel()
