"""The one client of a kernel process: sends it a cell, hears what comes back, notices its death."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import deque
from typing import Any

import zmq

from kernel_gateway.inside.channel import Channel
from kernel_gateway.inside.jupyter import Incoming, Malformed, Wire
from kernel_gateway.inside.languages import KernelCommand
from kernel_gateway.inside.launch import Launched
from kernel_gateway.inside.limits import memory_verdict
from kernel_gateway.inside.notebook import VERDICT

REHEARSED = "import sys, json\nprint(end='')\n1"
"""A cell that leaves no trace, and does what most first cells do."""

_START_SECONDS = 30
_REHEARSALS = 3
_ASK_AGAIN_SECONDS = 1.0  # until it is heard, a kernel is asked this often to say something
_ASK_OTHERS_SECONDS = 0.3
_BATCH = 256 << 10  # bytes of messages that are passed on together
_MAX_QUEUED = 64 << 20  # bytes of output that wait for a slow reader; what is beyond is dropped, and counted
_VERDICT_SECONDS = 1.0  # a kernel replies before it says that it is idle, but on another socket
_AGAIN_SECONDS = 0.05  # before a cell that was passed over is sent again
_MOST_TRIES = 100
_NO_INPUT = "There is nobody to type here: an empty line was given for input.\n"


class KernelDied(Exception):
    """The kernel's process ended; the message says how."""


class KernelSilent(KernelDied):
    """The kernel was started and said nothing, so it was ended; no cell has run in it."""


def is_idle(message: Incoming) -> bool:
    """Whether this ends the cell: nothing of a cell comes after it."""
    return message.kind == "status" and message.content.get("execution_state") == "idle"


class Cell:
    """What a running cell has put out and its reader has not yet taken."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Incoming, int]] = deque()
        self._arrived = asyncio.Event()
        self._size = 0
        self._dropped = 0
        self.died: str | None = None
        self.kinds: set[str] = set()  # of the messages that have come
        self.reply: asyncio.Future[dict[str, Any]] = asyncio.Future()  # the kernel's verdict; of ours on an error alone

    def put(self, message: Incoming, size: int) -> None:
        """Keep one message for the reader; output beyond the cap is dropped, and a line where it was says how much."""
        if self._size + size > _MAX_QUEUED and message.kind in ("stream", "display_data", "execute_result"):
            self._dropped += 1
            return
        self.kinds.add(message.kind)
        if self._dropped:
            text = f"[{self._dropped} outputs dropped: the reader was too slow]\n"
            self._waiting.append((Incoming("stream", message.parent, {"name": "stderr", "text": text}), 0))
            self._dropped = 0
        self._waiting.append((message, size))
        self._size += size
        self._arrived.set()

    def judge(self, verdict: dict[str, Any]) -> None:
        """Keep what the kernel says of how the cell ended, the first time that it does."""
        if not self.reply.done():
            self.reply.set_result(verdict)

    def fail(self, reason: str) -> None:
        """No more will come: the kernel is gone."""
        self.died = reason
        self._arrived.set()

    async def verdict(self) -> dict[str, Any]:
        """What the kernel replied, after the cell's end; empty from one that says nothing of it in time."""
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(asyncio.shield(self.reply), _VERDICT_SECONDS)
        return {}

    async def was_passed_over(self) -> bool:
        """Whether the kernel took the cell for one that was queued behind another's error, and did not run it.

        True is answered after a moment, since such a kernel soon runs what it gets.
        """
        if (await self.verdict()).get("status") not in ("abort", "aborted"):
            return False
        await asyncio.sleep(_AGAIN_SECONDS)
        return True

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

    def __init__(
        self, launched: Launched, context: zmq.Context[zmq.Socket[bytes]], command: KernelCommand | None = None
    ) -> None:
        """`command` is what has started it, unless it is one of our own."""
        self.lock = asyncio.Lock()
        self.has_run = False
        self.pid: int | None = None  # until the process is there
        self._launched, self._command = launched, command
        self._patience = _ASK_AGAIN_SECONDS if command is None else _ASK_OTHERS_SECONDS
        self._wire = Wire(launched.connection.key)
        self._cells: dict[str, Cell] = {}
        self._heard = asyncio.Event()  # what it publishes
        self._replied = asyncio.Event()  # to a request
        self._dead = asyncio.Event()
        self.reason = ""  # why it ended
        self.end_told = False  # to whoever runs cells in it
        hears = {"shell": self._hear_nothing, "iopub": self._hear_published}
        if command is not None:
            hears |= {"shell": self._hear_reply, "control": self._hear_nothing, "stdin": self._answer_stdin}
        self._channels = {
            channel: Channel(
                context,
                zmq.SUB if channel == "iopub" else zmq.DEALER,
                launched.connection.url(channel),
                self._wire.session,  # on all of them, since a kernel asks for input whoever has sent it the cell
                hear,
            )
            for channel, hear in hears.items()
        }
        launched.started.add_done_callback(self._started)
        launched.ended.add_done_callback(self._ended)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return not self._dead.is_set()

    async def ready(self) -> None:
        """Return once the kernel hears us and we hear it; raises `KernelDied`, or `KernelSilent` when it does not.

        The kernel greets a subscriber, but ipykernel can miss that it has one, when a message that it sends in the same
        moment takes the socket's wake-up. It publishes to us all the same, so asking it for anything is enough.
        """
        heard, death = asyncio.create_task(self._meet()), asyncio.create_task(self._dead.wait())
        try:
            async with asyncio.timeout(_START_SECONDS):
                while True:
                    done, _ = await asyncio.wait(
                        {heard, death}, timeout=self._patience, return_when=asyncio.FIRST_COMPLETED
                    )
                    if done:
                        break
                    _, frames = self._wire.pack("kernel_info_request", {})
                    self._channels["shell"].send(frames)
        except TimeoutError:
            self.kill()
            await self._dead.wait()
            raise KernelSilent(f"The kernel did not start within {_START_SECONDS} seconds.") from None
        finally:
            heard.cancel()
            death.cancel()
        if self._dead.is_set():
            raise KernelDied(self.reason)

    async def _meet(self) -> None:
        await self._heard.wait()
        if self._command is not None:
            await self._replied.wait()

    async def rehearse(self) -> None:
        """Run a cell that leaves no trace, so that the first that does finds everything in memory."""
        for _ in range(_REHEARSALS):
            cell = await self.start_cell(REHEARSED, {"rehearsal": True}, silent=True)
            while not is_idle((await cell.next())[-1]):
                pass

    async def run_silently(self, code: str) -> None:
        """Run code that nobody sees or counts, and wait for its end."""
        for _ in range(_MOST_TRIES):
            cell = await self.start_cell(code, {}, silent=True)
            while not is_idle((await cell.next())[-1]):
                pass
            if self._command is None or not await cell.was_passed_over():
                break

    async def start_cell(self, code: str, metadata: dict[str, Any], *, silent: bool = False) -> Cell:
        """Send a cell and return what its output will appear in; the caller holds `lock` and has awaited `ready`.

        A `silent` one is not counted.
        """
        self.has_run = self.has_run or not silent
        content = {
            "code": code,
            "silent": silent and not metadata.get("rehearsal"),
            "store_history": not silent,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        message_id, frames = self._wire.pack("execute_request", content, metadata)
        cell = Cell()
        if not self.alive:
            cell.fail(self.reason)
            return cell
        self._cells = {message_id: cell}
        self._channels["shell"].send(frames)
        return cell

    async def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the running cell, and stop what it started."""
        if self._command is not None and self._command.interrupt == "message":
            _, frames = self._wire.pack("interrupt_request", {})
            self._channels["control"].send(frames)
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
        self.let_go()
        self._launched.connection.remove()

    def let_go(self) -> None:
        """Hear of it no more."""
        for channel in self._channels.values():
            channel.close()

    def _started(self, pid: asyncio.Future[int]) -> None:
        if not pid.cancelled() and pid.exception() is None:
            self.pid = pid.result()

    def _ended(self, status: asyncio.Future[int]) -> None:
        if status.cancelled():
            return
        what = f"The kernel exited with status {(code := status.result())}"
        if code < 0:
            name = signal.Signals(-code).name
            verdict = memory_verdict() if name == "SIGKILL" else None
            hint = ", as happens when memory runs out" if name == "SIGKILL" else ""
            what = f"The kernel was {verdict}" if verdict else f"The kernel was ended by {name}{hint}"
        said = bytes(self._launched.said).decode("utf-8", "replace").strip()
        if said and not self._heard.is_set():
            self.reason = f"{what} as it started. It said:\n{said}"
        else:
            self.reason = f"{what}. Its variables are gone; the next cell gets a new kernel."
        self._dead.set()
        # What the kernel sent before it died may still be in the socket: let the reader take it first.
        asyncio.get_running_loop().call_later(0.1, self._fail_cells)

    def _fail_cells(self) -> None:
        for cell in self._cells.values():
            cell.fail(self.reason)

    def _hear_published(self, frames: list[bytes]) -> None:
        with contextlib.suppress(Malformed):
            message = self._wire.unpack(frames)
            self._heard.set()
            if (cell := self._cells.get(message.parent)) is None:
                return
            if message.kind == VERDICT:
                cell.judge(message.content)
            else:
                cell.put(message, sum(map(len, frames)))

    def _hear_reply(self, frames: list[bytes]) -> None:
        """Keep the kernel's verdict on each cell: not every kernel of another language also publishes its errors."""
        with contextlib.suppress(Malformed):
            message = self._wire.unpack(frames)
            self._replied.set()
            cell = self._cells.get(message.parent)
            if message.kind == "execute_reply" and cell is not None:
                cell.judge(message.content)

    def _answer_stdin(self, frames: list[bytes]) -> None:
        """Answer a kernel that asks for input although it was told that there is none, as it would wait for ever."""
        with contextlib.suppress(Malformed):
            message = self._wire.unpack(frames)
            if message.kind == "input_request":
                if (cell := self._cells.get(message.parent)) is not None:
                    cell.put(Incoming("stream", message.parent, {"name": "stderr", "text": _NO_INPUT}), 0)
                self._channels["stdin"].send(self._wire.pack("input_reply", {"value": "", "status": "ok"})[1])

    def _hear_nothing(self, frames: list[bytes]) -> None:
        """What our own kernel says there it also publishes."""
