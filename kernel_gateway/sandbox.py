"""One running sandbox as the host sees it: its processes, and its end with everything in it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from collections import deque
from collections.abc import Callable
from pathlib import Path

import psutil

from kernel_gateway.freeze import Frozen
from kernel_gateway.groups import Group
from kernel_gateway.nursery import Seed

_KEPT_OUTPUT = 64  # chunks of at most 4 KiB: what a sandbox that fails to start had to say


class Sandbox:
    """A running sandbox: its processes, and the address of the service inside it.

    `process` is the one that we started: bubblewrap, or the seed itself where there is no isolation. `output` is the
    reading end of the sandbox's standard error, `lifeline` what the sandbox ends with when it closes.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        output: int,
        lifeline: int,
        address: str,
        folders: tuple[Path, ...] = (),
        group: Group | None = None,
        *,
        isolated: bool,
    ) -> None:
        self.address = address
        self.ended = asyncio.Event()
        self.verdict: str | None = None  # once it has ended: which limit ended it, if one did
        self.stillborn = False  # the nursery failed it, and another may do
        self.on_end: Callable[[], None] = lambda: None
        self.hear: Callable[[bytes], None] = lambda chunk: None  # told what it writes to its standard error
        self.release: Callable[[], None] = lambda: None  # gives back what the host lent for its life
        self._process, self._output, self._lifeline = process, output, lifeline
        self._folders, self._group = folders, group
        self._isolated = isolated
        self._init: int | None = None  # a pidfd of the namespaces' first process, whose end is everybody's
        self._echo: int | None = None
        self._heard = asyncio.Event()
        self._seed: int | None = None  # the pid of a seed that the nursery has put in
        self._joining: asyncio.Future[None] | None = None
        self._alive: set[int] = set()  # pidfds of what has to end before all has
        self._killed = self._ending = False
        self._frozen: Frozen | None = None
        self._said: deque[bytes] = deque(maxlen=_KEPT_OUTPUT)
        os.set_blocking(output, False)
        asyncio.get_running_loop().add_reader(output, self._on_output)
        self._watch(os.pidfd_open(process.pid))

    def inhabit(self, init: int, echo: int) -> None:
        """Take over the pidfd of the first process inside, and the pipe to which another copies what we write to it.

        That one reads the lifeline, and the sandbox ends with it.
        """
        self._init, self._echo = init, echo
        self._watch(init)
        asyncio.get_running_loop().add_reader(echo, self._on_echo)
        if self._ending:
            self._end()

    def grow(self, seed: Seed | str) -> None:
        """Take over the seed that the nursery has put in, or end for the reason that it gives."""
        if isinstance(seed, str):
            self.stillborn = True
            self._said.append(seed.encode())
            self._end()
        else:
            self._seed = seed.pid
            self._watch(seed.pidfd)

    def join(self, joining: asyncio.Future[None]) -> None:
        """Have `confined` wait until its first processes are in the control group, and end it when they cannot be."""

        def joined(done: asyncio.Future[None]) -> None:
            if not done.cancelled() and (error := done.exception()) is not None:
                self.grow(f"Its first processes could not be put into its control group: {error}.")

        joining.add_done_callback(joined)
        self._joining = joining

    async def confined(self) -> None:
        """Return when all that holds it does."""
        if self._joining is not None:
            await asyncio.wait({self._joining})

    async def lives(self) -> bool:
        """Whether it can be handed out; False once it has ended.

        A process that has been killed does nothing more, but the service may answer until all the rest has ended with
        it. So we ask it as well: nobody is given a sandbox that is about to end.
        """
        if self._echo is not None:
            self._heard.clear()
            with contextlib.suppress(OSError):  # nobody is left to read it, which we are about to hear
                os.write(self._lifeline, b".")
            await self._heard.wait()
        if self._ending:
            await self.ended.wait()
        return not self.ended.is_set()

    @property
    def init(self) -> int | None:
        """A pidfd of the first process inside, as long as it is known and lives."""
        return self._init if self._init in self._alive else None

    def pause(self) -> None:
        """Stop everything in it where it stands: it uses no CPU until `resume`, and answers nobody."""
        if self._frozen is None:
            self._frozen = Frozen.below(self._process.pid, self._seed)

    def resume(self) -> None:
        """Let everything in it go on."""
        if self._frozen is not None:
            self._frozen.thaw()
            self._frozen = None

    @property
    def said(self) -> str:
        """The last of what the sandbox wrote to its standard error."""
        return b"".join(self._said).decode("utf-8", "replace").strip()

    def kill(self) -> None:
        """End it at once. With its first process goes everything that ever started in it."""
        self._killed = True
        self._end()

    def _end(self) -> None:
        self._ending = True
        if self._isolated:
            # bubblewrap itself ends by that; before we know its init, it is only about to tell us, or to fail.
            if self._init in self._alive:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._init, signal.SIGKILL)
            return
        for child in _family(self._process.pid):
            with contextlib.suppress(psutil.Error):
                child.kill()
        self._process.kill()

    def _watch(self, pidfd: int) -> None:
        self._alive.add(pidfd)
        asyncio.get_running_loop().add_reader(pidfd, self._on_death, pidfd)

    def _on_death(self, pidfd: int) -> None:
        asyncio.get_running_loop().remove_reader(pidfd)
        with contextlib.suppress(ChildProcessError):  # when the system's own init collects our orphans
            os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG)
        os.close(pidfd)
        self._alive.discard(pidfd)
        if self._alive:
            self._end()
        elif not self.ended.is_set():
            self._finish()

    def _finish(self) -> None:
        self._process.wait()
        while self._on_output():
            pass
        asyncio.get_running_loop().remove_reader(self._output)
        os.close(self._output)
        os.close(self._lifeline)
        if self._echo is not None:
            asyncio.get_running_loop().remove_reader(self._echo)
            os.close(self._echo)
            self._echo = None
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.address)
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)
        if self._group is not None and not self._killed:
            self.verdict = self._group.verdict()
        self.release()
        self.ended.set()
        self._heard.set()
        self.on_end()

    def _on_echo(self) -> None:
        assert self._echo is not None
        if os.read(self._echo, 64):
            self._heard.set()
        else:
            asyncio.get_running_loop().remove_reader(self._echo)

    def _on_output(self) -> bool:
        """Take a piece of what it says; False when there is none."""
        try:
            chunk = os.read(self._output, 4096)
        except BlockingIOError:
            return False
        if chunk:
            self._said.append(chunk)
            self.hear(chunk)
        else:
            asyncio.get_running_loop().remove_reader(self._output)
        return bool(chunk)


def _family(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []
