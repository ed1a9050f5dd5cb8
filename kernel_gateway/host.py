"""Launches one sandbox, watches it, and ends it with everything in it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from weakref import WeakSet

from kernel_gateway import environments
from kernel_gateway.environments import Environment
from kernel_gateway.errors import GatewayError, SandboxFailed
from kernel_gateway.inside.entrance import LISTENER
from kernel_gateway.inside.limits import leave_keyring
from kernel_gateway.isolation import (
    BOOT,
    CACHE,
    RUNTIME,
    SERVICE_ROOT,
    Isolation,
    environment,
    layered,
)
from kernel_gateway.nursery import Nursery, adopt_orphans, enter_alone
from kernel_gateway.outside import Outside
from kernel_gateway.packages import UV_VARIABLES
from kernel_gateway.place import Place
from kernel_gateway.sandbox import Sandbox
from kernel_gateway.shell import Shell, make_lifeline
from kernel_gateway.shells import Shells
from kernel_gateway.sizes import Sizes

_BACKLOG = 512


class Host:
    """Launches sandboxes of one kind. Use it from the main thread only: a sandbox dies with the thread that made it."""

    def __init__(
        self,
        place: Place,
        isolation: Isolation,
        program: str,
        sizes: Sizes,
        outside: Outside,
        cache: Path,
        spare: int = 0,
        preloaded: tuple[str, ...] = (),
    ) -> None:
        """`cache` is a folder that outlasts us; `spare` is how many shells are kept for the next who ask.

        `preloaded` are modules that the nursery imports beyond those that every sandbox needs.
        """
        self._place, self._isolation, self._outside = place, isolation, outside
        self.sizes = sizes
        self._limits = {"memory": sizes.memory, "file_size": sizes.home, "processes": sizes.processes}
        self._shells: Shells | None = None
        self._nursery: Nursery | None = None
        self._running: WeakSet[Sandbox] = WeakSet()
        self._spare: list[Shell] = []
        self._most_spare = spare
        if isolation == "bubblewrap":
            leave_keyring()  # sandboxes inherit ours, and their filter lets them make no other
            adopt_orphans()  # a seed's parent in the nursery ends at once, and somebody has to collect the seed
            self._shells = Shells(program, sizes, outside, cache)
            self._nursery = Nursery(cache, self._limits, layered(), self._inits, preloaded)

    def launch(
        self,
        name: str,
        template: str,
        environment: Environment | None = None,
        volumes: Sequence[tuple[Path, str]] = (),
    ) -> Sandbox:
        """Start a sandbox; its service answers on the returned address as soon as it is up, and requests wait for it.

        Its Python is that of `environment`, ours if that is None; `volumes` are the host's folders that it may write
        to, and where it has them. Raises `SandboxFailed` when the process cannot be
        started at all, `BrokenEnvironment` when the environment's Python is gone.
        """
        address = self._place.address(name)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(address)
            listener.listen(_BACKLOG)
            try:
                with contextlib.ExitStack() as lent:
                    if environment is not None:  # held here, where no sandbox can reach: the file is the host's
                        lent.enter_context(environments.held(environment))
                    if self.isolated:
                        sandbox = self._isolated(name, template, address, listener.fileno(), environment, volumes)
                    else:
                        sandbox = self._bare(name, template, address, listener.fileno(), environment)
                    lent.callback(sandbox.release)
                    sandbox.release = lent.pop_all().close
                    self._running.add(sandbox)
                return sandbox
            except (OSError, GatewayError) as error:
                os.unlink(address)
                if isinstance(error, GatewayError):
                    raise
                raise SandboxFailed(f"The sandbox could not be started: {error}") from None

    async def close(self) -> None:
        """End what waits for sandboxes and remove the control groups; the sandboxes have ended."""
        await asyncio.gather(*(sandbox.ended.wait() for sandbox in self.end_spare()))
        if self._nursery is not None:
            self._nursery.close()
        if self._shells is not None:
            self._shells.close()

    def command(self, listener: int, lifeline: int | None, root: str, python: str = sys.executable) -> list[str]:
        """The seed's command line; it names nothing of the host but the Python interpreter."""
        fds, limits = f"{listener}, {lifeline}", json.dumps(self._limits)
        return [python, "-c", BOOT.format(root=root, fds=fds, limits=limits)]

    @property
    def isolated(self) -> bool:
        """Whether sandboxes are kept apart from this machine."""
        return self._isolation == "bubblewrap"

    def _inits(self) -> list[int]:
        """Pidfds of the first processes of all sandboxes that run."""
        return [sandbox.init for sandbox in self._running if sandbox.init is not None]

    @staticmethod
    def _names(name: str, template: str) -> dict[str, str]:
        """The variables in which a sandbox differs from all others of its kind."""
        return {"E2B_SANDBOX_ID": name, "E2B_TEMPLATE_ID": template}

    def _variables(self, home: str, runtime: str, cache: str, folder: Path | None) -> dict[str, str]:
        own = str(Path(sys.executable).parent)
        more = {} if folder is None else {"JUPYTER_PATH": f"{sys.prefix}/share/jupyter"}
        if self._isolation != "none":
            more |= {"VIRTUAL_ENV": str(folder or Path(own).parent), **UV_VARIABLES}
        return {
            **environment(home, own if folder is None else f"{folder}/bin:{own}"),
            **more,
            "GRISTMILL_RUNTIME": runtime,
            "XDG_CACHE_HOME": cache,
            "IPYTHONDIR": f"{cache}/ipython",
            "MPLCONFIGDIR": f"{cache}/matplotlib",
        }

    def _isolated(
        self,
        name: str,
        template: str,
        address: str,
        listener: int,
        chosen: Environment | None,
        volumes: Sequence[tuple[Path, str]],
    ) -> Sandbox:
        if chosen is None and self._nursery is not None and self._nursery.usable:
            return self._forked(self._nursery, name, template, address, listener, volumes)
        if self._nursery is not None and not self._nursery.usable:
            self.end_spare()  # nobody will move in any more
        return self._unforked(name, template, address, listener, chosen, volumes)

    def _forked(
        self,
        nursery: Nursery,
        name: str,
        template: str,
        address: str,
        listener: int,
        volumes: Sequence[tuple[Path, str]],
    ) -> Sandbox:
        """Move into a shell with a seed, one of its own where the sandbox has volumes."""
        shell = self._spare.pop(0) if self._spare and not volumes else self._seeded(nursery, volumes)
        shell.sandbox.on_end = lambda: None
        try:
            shell.wake(address, listener, self._names(name, template))
        except OSError:  # its seed has just ended, and another would do
            shell.sandbox.stillborn = True
            shell.sandbox.kill()
        return shell.sandbox

    def _seeded(self, nursery: Nursery, volumes: Sequence[tuple[Path, str]] = ()) -> Shell:
        """A shell into which the nursery forks a seed, whose service waits there; raises OSError, `SandboxFailed`."""
        shell = self._shell(volumes=volumes)
        sandbox, name = shell.sandbox, secrets.token_hex(10)
        request = {"environment": self._variables("/home/user", RUNTIME, CACHE, None), "user": shell.user}

        def enter(namespaces: int, given: list[int]) -> None:
            nursery.ask(name, {**request, "namespaces": namespaces}, given, sandbox.grow)

        try:
            shell.seed(enter)
        except OSError:
            sandbox.kill()
            raise
        return shell

    @property
    def is_short(self) -> bool:
        """Whether there are fewer spare shells than are to be kept."""
        return len(self._spare) < self._most_spare and self._nursery is not None and self._nursery.usable

    def prepare(self) -> None:
        """Make a shell for the next who asks for a sandbox; raises `SandboxFailed`."""
        assert self._nursery is not None
        try:
            shell = self._seeded(self._nursery)
        except (OSError, GatewayError) as error:
            raise SandboxFailed(f"No sandbox could be prepared: {error}") from None
        self._spare.append(shell)
        shell.sandbox.on_end = lambda: self._spare.remove(shell)

    def end_spare(self) -> list[Sandbox]:
        """End the shells that nobody has moved into, and return what is left to end of them."""
        spare = [shell.sandbox for shell in self._spare]
        self._spare.clear()
        for sandbox in spare:
            sandbox.on_end = lambda: None
            sandbox.kill()
        return spare

    def _shell(self, more: Iterable[tuple[Path, Path]] = (), volumes: Sequence[tuple[Path, str]] = ()) -> Shell:
        """A shell as `Shells.make` makes it."""
        assert self._shells is not None
        shell = self._shells.make(more, volumes)
        self._running.add(shell.sandbox)
        return shell

    def _unforked(
        self,
        name: str,
        template: str,
        address: str,
        listener: int,
        chosen: Environment | None,
        volumes: Sequence[tuple[Path, str]],
    ) -> Sandbox:
        """Start the sandbox as a program of its own, in a shell that shows what `chosen` has."""
        more = () if chosen is None else chosen.binds()
        for source, _ in more:
            self._outside.show(source)
        folder = None if chosen is None else environments.MOUNT
        shell = self._shell(more, volumes)
        sandbox = shell.sandbox
        request = {
            "name": name,
            "as": "seed",
            "command": self.command(LISTENER, None, SERVICE_ROOT, _python(folder)),
            "environment": {
                **self._variables("/home/user", RUNTIME, CACHE, folder),
                **self._names(name, template),
            },
            "layers": layered(more),
            "limits": self._limits,
            "user": shell.user,
        }

        def enter(namespaces: int, given: list[int]) -> None:
            if self._nursery is not None and self._nursery.usable:
                self._nursery.guard(given[0])
            enter_alone({**request, "namespaces": namespaces}, given, sandbox.grow)

        try:
            shell.inhabit(address, listener, enter)
        except OSError:
            sandbox.kill()
            raise
        return sandbox

    def _bare(self, name: str, template: str, address: str, listener: int, chosen: Environment | None) -> Sandbox:
        folder = self._place.folder / f"{name}.files"
        home, cache = folder / "home", folder / "cache"
        packages = None if chosen is None else chosen.folder
        runtime = self._place.make_short() / name
        for part in (home, runtime, cache):
            part.mkdir(mode=0o700, parents=True)
        variables = {
            **self._variables(str(home), str(runtime), str(cache), packages),
            **self._names(name, template),
        }
        # The machine's own /etc/profile, which a login shell reads first, puts other things into PATH.
        (home / ".bash_profile").write_text(f"export PATH={shlex.quote(variables['PATH'])}\n")
        output, errors = os.pipe()
        lifeline, lifeline_end = make_lifeline()
        try:
            process = subprocess.Popen(
                self.command(listener, lifeline_end, str(Path(__file__).resolve().parents[1]), _python(packages)),
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=(listener, lifeline_end),
                cwd=home,
                start_new_session=True,
            )
        except OSError:
            os.close(output)
            os.close(lifeline)
            raise
        finally:
            os.close(errors)
            os.close(lifeline_end)
        return Sandbox(process, output, lifeline, address, (folder, runtime), isolated=False)


def _python(folder: Path | None) -> str:
    """The interpreter of an environment that the sandbox sees at `folder`; ours without one."""
    return sys.executable if folder is None else str(folder / "bin" / "python")
