"""The one client of a kernel process: sends it a cell, hears what comes back, notices its death."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import deque
from typing import Any

import zmq
import zmq.asyncio

from kernel_gateway.inside.jupyter import Incoming, Malformed, Wire
from kernel_gateway.inside.launch import Launched
from kernel_gateway.inside.limits import memory_verdict

_START_SECONDS = 30
_ASK_AGAIN_SECONDS = 1.0  # until it is heard, a kernel is asked this often to say something
_BATCH = 256 << 10  # bytes of messages that are passed on together
_MAX_QUEUED = 64 << 20  # bytes of output that wait for a slow reader; what is beyond is dropped, and counted


class KernelDied(Exception):
    """The kernel's process ended; the message says how."""


class KernelSilent(KernelDied):
    """The kernel was started and said nothing, so it was ended; no cell has run in it."""


class Cell:
    """What a running cell has put out and its reader has not yet taken."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Incoming, int]] = deque()
        self._arrived = asyncio.Event()
        self._size = 0
        self._dropped = 0
        self.died: str | None = None

    def put(self, message: Incoming, size: int) -> None:
        """Keep one message for the reader; output beyond the cap is dropped, and a line where it was says how much."""
        if self._size + size > _MAX_QUEUED and message.kind in ("stream", "display_data", "execute_result"):
            self._dropped += 1
            return
        if self._dropped:
            text = f"[{self._dropped} outputs dropped: the reader was too slow]\n"
            self._waiting.append((Incoming("stream", message.parent, {"name": "stderr", "text": text}), 0))
            self._dropped = 0
        self._waiting.append((message, size))
        self._size += size
        self._arrived.set()

    def fail(self, reason: str) -> None:
        """No more will come: the kernel is gone."""
        self.died = reason
        self._arrived.set()

    async def next(self) -> list[Incoming]:
        """The messages that wait, in order, at least one and at most a batch.

        Raises `KernelDied` once those that came before the death are taken.
        """
        while not self._waiting:
            if self.died is not None:
                raise KernelDied(self.died)
            self._arrived.clear()
            await self._arrived.wait()
        batch: list[Incoming] = []
        taken = 0
        while self._waiting and taken < _BATCH:
            message, size = self._waiting.popleft()
            batch.append(message)
            taken += size
        self._size -= taken
        return batch


class Kernel:
    """A running kernel. One cell at a time: whoever executes holds `lock`."""

    def __init__(self, launched: Launched, zmq_context: zmq.asyncio.Context, *, by_message: bool = False) -> None:
        """`by_message`: it is interrupted by a message, not by a signal."""
        self.lock = asyncio.Lock()
        self.has_run = False
        self.pid: int | None = None  # until the process is there
        self._launched, self._by_message = launched, by_message
        self._wire = Wire(launched.connection.key)
        self._cells: dict[str, Cell] = {}
        self._heard = asyncio.Event()
        self._dead = asyncio.Event()
        self._reason = ""
        self._sockets = {
            channel: self._connect(zmq_context, kind, launched.connection.url(channel))
            for channel, kind in (("shell", zmq.DEALER), ("iopub", zmq.SUB), ("control", zmq.DEALER))
        }
        launched.started.add_done_callback(self._started)
        launched.ended.add_done_callback(self._ended)
        self._tasks = [
            asyncio.create_task(self._read_iopub()),
            asyncio.create_task(self._drain("shell")),
            asyncio.create_task(self._drain("control")),
        ]

    @staticmethod
    def _connect(context: zmq.asyncio.Context, kind: int, url: str) -> zmq.asyncio.Socket:
        socket = context.socket(kind)
        socket.linger = 0
        socket.sndhwm = socket.rcvhwm = 0
        socket.reconnect_ivl = 5  # ms; the stock 100 ms would be waited out whenever we are earlier than the kernel
        if kind == zmq.SUB:
            socket.subscribe(b"")
        socket.connect(url)
        return socket

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return not self._dead.is_set()

    async def ready(self) -> None:
        """Return once the kernel hears us and we hear it; raises `KernelDied`, or `KernelSilent` when it does not.

        The kernel greets a subscriber, but ipykernel can miss that it has one, when a message that it sends in the same
        moment takes the socket's wake-up. It publishes to us all the same, so asking it for anything is enough.
        """
        heard, death = asyncio.create_task(self._heard.wait()), asyncio.create_task(self._dead.wait())
        try:
            async with asyncio.timeout(_START_SECONDS):
                while True:
                    done, _ = await asyncio.wait(
                        {heard, death}, timeout=_ASK_AGAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED
                    )
                    if done:
                        break
                    _, frames = self._wire.pack("kernel_info_request", {})
                    await self._sockets["shell"].send_multipart(frames)
        except TimeoutError:
            self.kill()
            await self._dead.wait()
            raise KernelSilent(f"The kernel did not start within {_START_SECONDS} seconds.") from None
        finally:
            heard.cancel()
            death.cancel()
        if self._dead.is_set():
            raise KernelDied(self._reason)

    async def rehearse(self) -> None:
        """Run a cell that leaves no trace, so that the first that does finds everything in memory."""
        cell = await self.start_cell("None", {}, silent=True)
        while (await cell.next())[-1].content.get("execution_state") != "idle":
            pass

    async def start_cell(self, code: str, metadata: dict[str, Any], *, silent: bool = False) -> Cell:
        """Send a cell and return what its output will appear in; the caller holds `lock` and has awaited `ready`.

        A `silent` one is not counted.
        """
        self.has_run = self.has_run or not silent
        content = {
            "code": code,
            "silent": silent,
            "store_history": not silent,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        message_id, frames = self._wire.pack("execute_request", content, metadata)
        cell = Cell()
        if not self.alive:
            cell.fail(self._reason)
            return cell
        self._cells = {message_id: cell}
        await self._sockets["shell"].send_multipart(frames)
        return cell

    async def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the running cell, and stop what it started."""
        if self._by_message:
            _, frames = self._wire.pack("interrupt_request", {})
            await self._sockets["control"].send_multipart(frames)
        else:
            self._signal(signal.SIGINT)

    def kill(self) -> None:
        """End the process and everything in its process group."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    async def close(self) -> None:
        """Kill the process, wait for its end, and remove its files."""
        await asyncio.wait({self._launched.started})
        self.kill()
        await self._dead.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for socket in self._sockets.values():
            socket.close()
        self._launched.connection.remove()

    def _started(self, pid: asyncio.Future[int]) -> None:
        if not pid.cancelled() and pid.exception() is None:
            self.pid = pid.result()

    def _ended(self, status: asyncio.Future[int]) -> None:
        if status.cancelled():
            return
        if (code := status.result()) < 0:
            name = signal.Signals(-code).name
            verdict = memory_verdict() if name == "SIGKILL" else None
            hint = ", as happens when memory runs out" if name == "SIGKILL" else ""
            what = f"The kernel was {verdict}" if verdict else f"The kernel was ended by {name}{hint}"
            advice = " Work on a part of the data at a time." if verdict else ""
            self._reason = f"{what}. Its variables are gone; the next cell gets a new kernel.{advice}"
        else:
            self._reason = (
                f"The kernel exited with status {code}. Its variables are gone; the next cell gets a new kernel."
            )
        self._dead.set()
        # What the kernel sent before it died may still be in the socket: let the reader take it first.
        asyncio.get_running_loop().call_later(0.1, self._fail_cells)

    def _fail_cells(self) -> None:
        for cell in self._cells.values():
            cell.fail(self._reason)

    async def _read_iopub(self) -> None:
        socket = self._sockets["iopub"]
        while True:
            frames = await socket.recv_multipart()
            try:
                message = self._wire.unpack(frames)
            except Malformed:
                continue
            self._heard.set()
            if (cell := self._cells.get(message.parent)) is not None:
                cell.put(message, sum(map(len, frames)))

    async def _drain(self, channel: str) -> None:
        while True:
            await self._sockets[channel].recv_multipart()
