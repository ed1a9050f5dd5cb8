"""The contexts of a sandbox: each a language, a working directory, and the kernel or shell that runs its cells."""

from __future__ import annotations

import asyncio
import contextlib
import os
import uuid
from dataclasses import dataclass, field
from typing import Any

import zmq

from kernel_gateway.inside.bash import Bash
from kernel_gateway.inside.http import Refused
from kernel_gateway.inside.keeping import Copies
from kernel_gateway.inside.kernels import Kernel, KernelDied, KernelSilent
from kernel_gateway.inside.languages import KernelCommand, canonical, find_kernel, installed
from kernel_gateway.inside.launch import Connection, Forks, Launched, launch_command
from kernel_gateway.inside.settings import Settings

_PYTHON = ("python", "python3")
_BASH = ("bash", "sh")


@dataclass
class Context:
    """What cells run in; it outlives the death of its kernel. `command` starts that, where it is not Python's."""

    id: str
    cwd: str
    language: str = "python"
    command: KernelCommand | None = None
    launched: Launched | None = None
    kernel: Kernel | None = None
    environment_sent: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    shell: Bash | None = None
    note: str = ""  # what its next cell says first

    def view(self) -> dict[str, str]:
        """As the wire shows it."""
        return {"id": self.id, "language": self.language, "cwd": self.cwd}


class Contexts:
    """All contexts of this sandbox: one for Python from the start, one for each other language when it is asked for."""

    def __init__(self, settings: Settings, forks: Forks, first: Launched) -> None:
        self._settings, self._forks = settings, forks
        self._zmq: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._all: dict[str, Context] = {}
        self._defaults: dict[str, Context] = {}
        self._making = asyncio.Lock()
        self.copies = Copies(settings, forks, lambda: [c.kernel for c in self._all.values() if c.kernel is not None])
        self.default = self._defaults["python"] = self._keep(Context(uuid.uuid4().hex, settings.cwd, launched=first))

    async def list(self) -> list[Context]:
        """Every context, the newest last. JavaScript's default one is there from the start where it has a kernel."""
        if "javascript" not in self._defaults:
            known = await asyncio.to_thread(installed)
            if any(kernel.language in ("javascript", "typescript") for kernel in known):
                await self.default_for("javascript")
        return [*self._defaults.values(), *(one for one in self._all.values() if one not in self._defaults.values())]

    def find(self, name: str | None) -> Context:
        """The context of this id, the default one without; raises `Refused`."""
        if name is None or name == "default":
            return self.default
        if (context := self._all.get(name)) is None:
            raise Refused(404, f"Context {name} not found")
        return context

    async def default_for(self, language: Any) -> Context:
        """The context of cells that name a language and no context; raises `Refused` where nothing can run it."""
        name = _canonical(language)
        async with self._making:
            if name not in self._defaults:
                self._defaults[name] = self._keep(await self._make(name, self._settings.cwd))
            return self._defaults[name]

    async def create(self, language: Any, cwd: str | None) -> Context:
        """A new context, its kernel ready; raises `Refused`, and `KernelDied` when its kernel does not come up."""
        context = await self._make(_canonical(language), self._settings.locate(cwd or self._settings.cwd))
        if context.language != "bash":
            await self.kernel(context)
        return self._keep(context)

    async def remove(self, context: Context) -> None:
        """End a context; the default one begins anew."""
        if context is self.default:
            await self.restart(context)
            return
        del self._all[context.id]
        if self._defaults.get(context.language) is context:
            del self._defaults[context.language]
        await self._end(context)

    def close(self) -> None:
        """Let go of all kernels, which others end."""
        for context in self._all.values():
            if context.kernel is not None:
                context.kernel.let_go()
        self._zmq.term()

    async def restart(self, context: Context) -> None:
        """Have the context begin anew, in the same directory."""
        await self._end(context)
        if context.language != "bash":
            await self.kernel(context)

    async def kernel(self, context: Context) -> Kernel:
        """The context's kernel, ready; one that does not come up is replaced once, since no cell has run in it."""
        kernel = await self._living(context)
        try:
            await kernel.ready()
        except KernelSilent:
            kernel = await self._living(context)
            await kernel.ready()
        return kernel

    @staticmethod
    def must_live(context: Context) -> None:
        """Raise `KernelDied` if the context's kernel has ended and no cell has heard of it yet."""
        kernel = context.kernel
        if kernel is not None and not kernel.alive and not kernel.end_told:
            kernel.end_told = True
            raise KernelDied(kernel.reason)

    async def go_back(self, context: Context, name: str) -> None:
        """Have the context's kernel be a copy of what it was, which `copies` keeps; raises `NoCopy`.

        The caller holds the lock of the kernel, if one lives, which is ended.
        """
        launched = await self.copies.go_back(context.id, name)
        kernel = Kernel(launched, self._zmq)
        try:
            await kernel.ready()
        except BaseException:
            await kernel.close()
            raise
        kernel.has_run = True
        before, context.kernel = context.kernel, kernel
        if before is not None:
            before.end_told = True
            await before.close()

    def shell(self, context: Context) -> Bash:
        """The context's shell; one that has ended is replaced."""
        if context.shell is not None and not context.shell.alive:
            context.shell.close()
            context.shell = None
        if context.shell is None:
            environment = self._settings.process_environment()
            context.shell = Bash(self._settings.runtime, self._place(context), environment)
        return context.shell

    def _place(self, context: Context) -> str:
        """Where the context's next kernel begins: its directory, made if need be, or the home where that cannot be."""
        with contextlib.suppress(OSError):
            os.makedirs(context.cwd, exist_ok=True)
        if os.path.isdir(context.cwd):
            return context.cwd
        context.note = f"{context.cwd} cannot be made, so this context works in {self._settings.cwd}.\n"
        return self._settings.cwd

    def _keep(self, context: Context) -> Context:
        self._all[context.id] = context
        return context

    @staticmethod
    async def _make(language: str, cwd: str) -> Context:
        command = None if language in ("python", "bash") else await asyncio.to_thread(find_kernel, language)
        return Context(uuid.uuid4().hex, cwd, language, command)

    async def _end(self, context: Context) -> None:
        self.copies.forget(context.id)
        kernel, context.kernel = context.kernel, None
        shell, context.shell = context.shell, None
        if kernel is None and context.launched is not None:
            kernel, context.launched = Kernel(context.launched, self._zmq), None
        if kernel is not None:
            await kernel.close()
        if shell is not None:
            shell.close()

    async def _living(self, context: Context) -> Kernel:
        """The context's kernel, which may still be starting; a dead one is replaced."""
        async with context.lock:
            if context.kernel is not None and not context.kernel.alive:
                dead, context.kernel = context.kernel, None
                await dead.close()
            if context.kernel is None:
                launched, context.launched = context.launched, None
                context.environment_sent = launched is None
                context.kernel = Kernel(launched or await self._launch(context), self._zmq, context.command)
            return context.kernel

    async def _launch(self, context: Context) -> Launched:
        cwd, environment = self._place(context), self._settings.kernel_environment()
        if context.command is None:
            return await self._forks.launch(Connection.make(self._settings.runtime), cwd, environment)
        connection = Connection.make(self._settings.runtime, tcp=True)
        try:
            command = context.command.command(connection.file)
            return launch_command(connection, command, cwd, {**environment, **context.command.env})
        except OSError as error:
            connection.remove()
            raise Refused(500, f"The kernel {context.command.name} cannot be started: {error}.") from None


def _canonical(language: Any) -> str:
    name = canonical(str(language or "python"))
    return "python" if name in _PYTHON else "bash" if name in _BASH else name
