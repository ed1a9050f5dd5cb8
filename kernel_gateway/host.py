"""Launches one sandbox, watches it, and ends it with everything in it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import functools
import hashlib
import json
import logging
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from kernel_gateway import environments, seccomp
from kernel_gateway.environments import Environment
from kernel_gateway.errors import GatewayError, SandboxFailed
from kernel_gateway.freeze import Frozen
from kernel_gateway.groups import Group, Groups, NoGroups
from kernel_gateway.inside.limits import leave_keyring
from kernel_gateway.isolation import (
    BOOT,
    CACHE,
    RUNTIME,
    SERVICE_ROOT,
    Isolation,
    Sizes,
    bubblewrap_arguments,
    environment,
    etc_files,
)
from kernel_gateway.memory import memory_file
from kernel_gateway.outside import Outside

log = logging.getLogger("kernel_gateway")

_BACKLOG = 512
_KEPT_OUTPUT = 64  # chunks of at most 4 KiB: what a sandbox that fails to start had to say


@dataclass(frozen=True)
class Place:
    """Where the host keeps its sockets. They are reached through `directory`, so that no path is ever too long."""

    folder: Path
    directory: int
    short: Path  # for the sockets that kernels make themselves where there is no isolation

    @classmethod
    def make(cls, folder: Path) -> Place:
        """Make an empty folder that only we may enter; what an earlier host left in it goes."""
        mark = hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:10]
        short = Path(tempfile.gettempdir(), f"gristmill-{os.getuid()}-{mark}")
        for old in (folder, short):
            shutil.rmtree(old, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        return cls(folder, os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), short)

    def make_short(self) -> Path:
        """The short folder, ours alone; raises OSError when somebody else has taken its name."""
        with contextlib.suppress(FileExistsError):
            self.short.mkdir(mode=0o700)
        facts = self.short.lstat()
        if facts.st_uid != os.getuid() or not stat.S_ISDIR(facts.st_mode):
            raise FileExistsError(errno.EEXIST, "is not ours", str(self.short))
        return self.short

    def address(self, name: str) -> str:
        """A path of the socket `name` that fits a socket address (108 bytes) whatever the folder's length."""
        return f"/proc/self/fd/{self.directory}/{name}"

    def close(self) -> None:
        """Remove the folder."""
        os.close(self.directory)
        for place in (self.folder, self.short):
            shutil.rmtree(place, ignore_errors=True)


class Sandbox:
    """A running sandbox: a process, and the address of the service inside it."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        inner: int | None,
        address: str,
        folders: tuple[Path, ...] = (),
        group: Group | None = None,
    ) -> None:
        self.address = address
        self.ended = asyncio.Event()
        self.verdict: str | None = None  # once it has ended: which limit ended it, if one did
        self._process, self._inner, self._folders, self._group = process, inner, folders, group
        self._killed = False
        self._said: deque[bytes] = deque(maxlen=_KEPT_OUTPUT)
        self._pidfd = os.pidfd_open(process.pid)
        loop = asyncio.get_running_loop()
        loop.add_reader(self._pidfd, self._on_end)
        assert process.stderr is not None
        self._output = process.stderr.fileno()
        os.set_blocking(self._output, False)
        loop.add_reader(self._output, self._on_output)
        self.on_end: Callable[[], None] = lambda: None
        self.release: Callable[[], None] = lambda: None  # gives back what the host lent for its life
        self._frozen: Frozen | None = None

    def pause(self) -> None:
        """Stop everything in it where it stands: it uses no CPU until `resume`, and answers nobody."""
        if self._frozen is None:
            self._frozen = Frozen.below(self._process.pid)

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
        if self.ended.is_set():
            return
        self._killed = True
        if self._inner is not None:
            # bubblewrap then ends by itself, having waited for it: our `ended` means that all of it is gone.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._inner, signal.SIGKILL)
            return
        for child in _family(self._process.pid):
            with contextlib.suppress(psutil.Error):
                child.kill()
        self._process.kill()

    def _on_output(self) -> None:
        try:
            chunk = os.read(self._output, 4096)
        except BlockingIOError:
            return
        if chunk:
            self._said.append(chunk)
        else:
            asyncio.get_running_loop().remove_reader(self._output)

    def _on_end(self) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._process.wait()
        self._on_output()
        loop.remove_reader(self._output)
        assert self._process.stderr is not None
        self._process.stderr.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.address)
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)
        if self._group is not None and not self._killed:
            self.verdict = self._group.verdict()
        self.release()
        self.ended.set()
        self.on_end()


def _family(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


class Host:
    """Launches sandboxes of one kind. Use it from the main thread only: a sandbox dies with the thread that made it."""

    def __init__(
        self,
        place: Place,
        isolation: Isolation,
        program: str,
        sizes: Sizes,
        outside: Outside,
        fonts: Path | None = None,
    ) -> None:
        self._place, self._isolation, self._program, self._outside = place, isolation, program, outside
        self.sizes = sizes
        self._fonts = fonts
        self._call_filter = seccomp.program()
        self._groups: Groups | None = None
        if isolation == "bubblewrap":
            leave_keyring()  # sandboxes inherit ours, and their filter lets them make no other
            try:
                self._groups = Groups.find()
            except NoGroups as why:
                log.warning("total memory of a sandbox is not enforced: %s", why)
        # The other end closes with our process, however it ends, and every service that waits on this one ends then.
        # bubblewrap's own --die-with-parent misses a parent that dies while the sandbox is still being set up.
        self._lifeline, self._lifeline_end = os.pipe()

    def launch(self, name: str, template: str, environment: Environment | None = None) -> Sandbox:
        """Start a sandbox; its service answers on the returned address as soon as it is up, and requests wait for it.

        Its Python is that of `environment`, ours if that is None. Raises `SandboxFailed` when the process cannot be
        started at all, `BrokenEnvironment` when the environment's Python is gone.
        """
        address = self._place.address(name)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(address)
            listener.listen(_BACKLOG)
            try:
                if self._isolation == "bubblewrap":
                    return self._isolated(name, template, address, listener.fileno(), environment)
                return self._bare(name, template, address, listener.fileno(), environment)
            except OSError as error:
                os.unlink(address)
                raise SandboxFailed(f"The sandbox could not be started: {error}") from None

    def close(self) -> None:
        """Let go of the lifeline, whereupon whatever still runs ends, and remove the control groups."""
        if self._groups is not None:
            self._groups.close()
        for end in (self._lifeline, self._lifeline_end):
            os.close(end)

    def command(self, listener: int, root: str, python: str = sys.executable) -> list[str]:
        """The service's command line; it names nothing of the host but the Python interpreter."""
        limits = json.dumps(
            {"memory": self.sizes.memory, "file_size": self.sizes.home, "processes": self.sizes.processes}
        )
        return [python, "-I", "-c", BOOT.format(root=root, fds=f"{listener}, {self._lifeline}", limits=limits)]

    def _variables(
        self, name: str, template: str, home: str, runtime: str, cache: str, folder: Path | None
    ) -> dict[str, str]:
        own = str(Path(sys.executable).parent)
        more = {} if folder is None else {"JUPYTER_PATH": f"{sys.prefix}/share/jupyter"}
        return {
            **environment(home, own if folder is None else f"{folder}/bin:{own}"),
            **more,
            "E2B_SANDBOX_ID": name,
            "E2B_TEMPLATE_ID": template,
            "GRISTMILL_RUNTIME": runtime,
            "XDG_CACHE_HOME": cache,
            "IPYTHONDIR": f"{cache}/ipython",
            "MPLCONFIGDIR": f"{cache}/matplotlib",
        }

    def _isolated(self, name: str, template: str, address: str, listener: int, chosen: Environment | None) -> Sandbox:
        if self._groups is None:
            return self._bubblewrap(name, template, address, listener, None, chosen)
        group = self._groups.make(name, self.sizes.memory, self.sizes.processes)
        try:
            return self._bubblewrap(name, template, address, listener, group, chosen)
        except (OSError, GatewayError):
            self._groups.release(group)
            raise

    def _bubblewrap(
        self,
        name: str,
        template: str,
        address: str,
        listener: int,
        group: Group | None,
        chosen: Environment | None,
    ) -> Sandbox:
        contents = {place: text.encode() for place, text in etc_files().items()}
        if self._fonts is not None and self._fonts.exists():
            contents[f"{CACHE}/matplotlib/{self._fonts.name}"] = self._fonts.read_bytes()
        folder = None if chosen is None else environments.MOUNT
        variables = self._variables(name, template, "/home/user", RUNTIME, CACHE, folder)
        with contextlib.ExitStack() as stack:
            files = [(stack.enter_context(memory_file(data)), place) for place, data in contents.items()]
            filters = [stack.enter_context(memory_file(self._call_filter))] if self._call_filter is not None else []
            call_filter = filters[0] if filters else None
            limits = group.memory_files if group is not None else None
            more = () if chosen is None else chosen.binds()
            for source, _ in more:
                self._outside.show(source)
            # Held by what runs in the sandbox, so that the build is not removed beneath it.
            held = () if chosen is None else (stack.enter_context(environments.held(chosen)),)
            arguments = bubblewrap_arguments(self._outside, self.sizes, files, variables, call_filter, limits, more)
            profile = stack.enter_context(memory_file("\0".join(arguments).encode()))
            info, info_end = os.pipe()
            stack.callback(os.close, info)
            hold, go = os.pipe()  # the sandbox waits at its first step until it is in its control group
            stack.callback(os.close, hold)
            stack.callback(os.close, go)
            try:
                process = subprocess.Popen(
                    [
                        *(self._program, "--args", str(profile), "--info-fd", str(info_end)),
                        *("--block-fd", str(hold), "--"),
                        *self.command(listener, SERVICE_ROOT, _python(folder)),
                    ],
                    env={},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    pass_fds=(
                        *(profile, info_end, hold, listener, self._lifeline),
                        *(*filters, *held, *(fd for fd, _ in files)),
                    ),
                    cwd="/",
                    **self._outside.identity(),
                )
            finally:
                os.close(info_end)
            inner = _read_inner(info)
            try:
                if group is not None and inner is not None:
                    group.add(inner)
            except OSError:
                process.kill()  # what waits for us goes with it
                process.wait()
                raise
            os.write(go, b".")
        sandbox = Sandbox(process, inner, address, group=group)
        if group is not None and self._groups is not None:
            sandbox.release = functools.partial(self._groups.release, group)
        return sandbox

    def _bare(self, name: str, template: str, address: str, listener: int, chosen: Environment | None) -> Sandbox:
        folder = self._place.folder / f"{name}.files"
        home, cache = folder / "home", folder / "cache"
        packages = None if chosen is None else chosen.folder
        runtime = self._place.make_short() / name
        for part in (home, runtime, cache):
            part.mkdir(mode=0o700, parents=True)
        variables = self._variables(name, template, str(home), str(runtime), str(cache), packages)
        process = subprocess.Popen(
            self.command(listener, str(Path(__file__).resolve().parents[1]), _python(packages)),
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=(listener, self._lifeline),
            cwd=home,
            start_new_session=True,
        )
        return Sandbox(process, None, address, (folder, runtime))


def _python(folder: Path | None) -> str:
    """The interpreter of an environment that the sandbox sees at `folder`; ours without one."""
    return sys.executable if folder is None else str(folder / "bin" / "python")


def _read_inner(info: int) -> int | None:
    """The host's pid of the sandbox's first process, which bubblewrap tells as JSON; None when it failed before."""
    os.set_blocking(info, True)
    said = b""
    while chunk := os.read(info, 4096):
        said += chunk
        if b"}" in said:
            break
    try:
        return int(json.loads(said)["child-pid"])
    except (ValueError, KeyError):
        return None


def lock(path: Path) -> int:
    """Take the lock file at `path` and return its descriptor, held while the process lives; raises BlockingIOError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    return descriptor
