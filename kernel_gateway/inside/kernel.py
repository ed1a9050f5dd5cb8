"""The kernel process: a real ipykernel, set up for a sandbox.

What differs from the stock `ipykernel_launcher`: the first line of a cell's output leaves at once, no history database,
no colour codes, environment variables of one call, and tables and plain containers as data beside their text. All that
needs neither sockets nor threads is built by `prepare`, before a seed forks; what nobody here would use is not built at
all: the heartbeat, since a service watches the process itself, subshells, and the debugger.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import os
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import zmq
from ipykernel.displayhook import ZMQShellDisplayHook
from ipykernel.iostream import OutStream
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core.inputtransformer2 import TransformerManager
from jupyter_client.session import new_id
from tornado.ioloop import IOLoop
from traitlets import Type
from traitlets.config import Config
from zmq.eventloop.zmqstream import ZMQStream

from kernel_gateway.inside.copies import Own, fork_when_idle
from kernel_gateway.inside.display import add_formatters, without_extracts
from kernel_gateway.inside.late import let_polars_wait
from kernel_gateway.inside.limits import be_expendable
from kernel_gateway.inside.notebook import VERDICT
from kernel_gateway.inside.piped import take_along

sys.modules["debugpy"] = None  # type: ignore[assignment] # it costs every kernel 50 ms, and nobody here could use it
try:
    import ipykernel.debugger  # noqa: F401 - it looks for it once
finally:
    del sys.modules["debugpy"]

_PIECE = 512 << 10  # characters of output in one message
_REHEARSALS = 3  # after which Python has adapted its code to what happens, and does not do so in every fork
_COLOURS, _NO_COLOURS = "neutral", "nocolor"  # IPython's names: what it does unless told, and what E2B's users see
_FLUSH_SECONDS = 0.005  # the stock 0.2 s is what a reader waits for the first line


_STOCK = TransformerManager()  # type: ignore[no-untyped-call]
_MAY_BE_SPECIAL = re.compile(r"^\s*[!?%,;/]|\?\s*$|=\s*[!%]").search


class Transformers(TransformerManager):
    """IPython's way to read a cell, which takes it word by word only where a line may hold what is not Python.

    Of IPython's own syntax a line begins with a sign, ends with a question mark or assigns what begins with a sign. A
    template's part of the toolkit has none of it in two thousand lines: it took a tenth of a second to find that.
    """

    def do_token_transforms(self, lines: list[str]) -> list[str]:
        if self.token_transformers == _STOCK.token_transformers and not any(map(_MAY_BE_SPECIAL, lines)):
            return lines
        transformed: list[str] = super().do_token_transforms(lines)  # type: ignore[no-untyped-call]
        return transformed


class DisplayHook(ZMQShellDisplayHook):  # type: ignore[misc]
    """Looks for the semicolon that silences a cell in its last line of code, before it takes the cell word by word."""

    @staticmethod
    def semicolon_at_end_of_expression(expression: str) -> bool:
        last = next((line for line in reversed(expression.splitlines()) if line.lstrip()[:1] not in ("", "#")), "")
        return ";" in last and bool(ZMQShellDisplayHook.semicolon_at_end_of_expression(expression))


class _Shell(ZMQInteractiveShell):  # type: ignore[misc]
    """Compiles a cell to see whether it waits for something only where it has the words for that."""

    displayhook_class = Type(DisplayHook)

    def should_run_async(self, raw_cell: str, *, transformed_cell: str | None = None, **options: Any) -> bool:
        may = transformed_cell is None or "await" in transformed_cell or "async" in transformed_cell
        return may and bool(super().should_run_async(raw_cell, transformed_cell=transformed_cell, **options))


class _NoSubshells:
    """In the place of the thread that passes messages on to subshells: cells run where the kernel asks it about."""

    def __init__(self) -> None:
        self.parent_thread = threading.main_thread()

    def __bool__(self) -> bool:
        return False


class _Kernel(IPythonKernel):  # type: ignore[misc]
    own: Own | None = None  # from the first request on
    shell_class = Type(_Shell)
    _execute_sleep = 0
    _supports_kernel_subshells = False

    async def do_execute(self, *args: Any, **kwargs: Any) -> Any:
        asked = self.get_parent("shell").get("metadata", {})
        if self.own is None:
            self.own = Own()
        if (place := asked.get("copy")) is not None:
            return self._copy(place)
        os.environ.update(asked.get("environment", {}))
        extra: dict[str, str] = asked.get("call_environment", {})
        before = {name: os.environ.get(name) for name in extra}
        os.environ.update(extra)
        notebook = bool(asked.get("notebook"))
        if self.shell.colors != (theme := _COLOURS if notebook else _NO_COLOURS):
            self.shell.colors = theme
        kept = _kept(self.shell) if asked.get("rehearsal") else contextlib.nullcontext()
        try:
            with kept, without_extracts(notebook):
                reply = await super().do_execute(*args, **kwargs)
            if reply.get("status") == "error":
                self._judge(reply)
            return reply
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value

    def _copy(self, place: str) -> dict[str, Any]:
        """Have a copy call at the socket `place` once this is over, or fail with what is in its way."""
        assert self.own is not None
        reply: dict[str, Any] = {"status": "ok", "execution_count": self.execution_count, "user_expressions": {}}
        if why := self.own.obstacle(self.parent.ip):
            reply |= {"status": "error", "ename": "NoCopy", "evalue": why, "traceback": []}
            self._judge(reply)
        else:
            fork_when_idle(self.parent, place)
        return reply

    def _judge(self, reply: dict[str, Any]) -> None:
        """Say that the cell has failed where whoever runs it hears it in order: not every error is put out as one."""
        said = {name: reply.get(name) for name in ("status", "ename", "evalue", "traceback")}
        self.session.send(self.iopub_socket, VERDICT, said, parent=self.get_parent("shell"))


@contextlib.contextmanager
def _kept(shell: Any) -> Iterator[None]:
    """Have a cell leave nothing where no cell has run before: no name, no result, no outcome."""
    names, hidden = dict(shell.user_ns), dict(shell.user_ns_hidden)
    outcome = shell.last_execution_succeeded, shell.last_execution_result
    shown = {name: getattr(shell.displayhook, name) for name in ("_", "__", "___", "exec_result")}
    try:
        yield
    finally:
        for now, before in ((shell.user_ns, names), (shell.user_ns_hidden, hidden)):
            for name in now.keys() - before.keys():
                del now[name]
            now.update(before)
        shell.user_ns["_oh"].clear()
        shell.last_execution_succeeded, shell.last_execution_result = outcome
        for name, value in shown.items():
            setattr(shell.displayhook, name, value)


class _App(IPKernelApp):  # type: ignore[misc]
    """An application that has its kernel before it has sockets."""

    def build(self) -> None:
        """Make the kernel and its shell, as far as they go without sockets."""
        self.parse_command_line([])
        with _folder_for_now():
            self.init_profile_dir()
            self.init_pdb()
            self.kernel = _Kernel.instance(
                parent=self, session=self.session, log=self.log, profile_dir=self.profile_dir, user_ns=self.user_ns
            )
            self.init_shell()
            self.shell.input_transformer_manager = Transformers()  # type: ignore[no-untyped-call]
            self.init_extensions()
            self.init_code()
        add_formatters(self.shell)
        for _ in range(_REHEARSALS):
            asyncio.run(self.kernel.do_execute("1", silent=True, store_history=False))
            self.shell.display_formatter.format(1)

    def connect(self, connection_file: str, *, fresh: bool = True) -> None:
        """Give the kernel what belongs to this process alone: where it is, its sockets, its threads.

        One that is not `fresh` has run cells, and draws the numbers that come next.
        """
        self.connection_file = connection_file
        self.load_connection_file()
        self.session.pid, self.session.session = os.getpid(), new_id()
        if fresh:
            if (numpy := sys.modules.get("numpy")) is not None:
                numpy.random.seed()  # every fork would draw the same numbers; Python's own generator sees to itself
            self._settle()
        self.init_sockets()
        if fresh:
            self.init_io()
        else:
            self._renew_io()
        self.init_signal()
        kernel, shell = self.kernel, self.shell
        kernel.shell_stream, kernel.shell_channel_thread = ZMQStream(self.shell_socket), _NoSubshells()
        kernel.iopub_thread, kernel.iopub_socket = self.iopub_thread, self.iopub_socket
        kernel.stdin_socket = self.stdin_socket
        kernel._stdout, kernel._stderr = sys.stdout, sys.stderr
        kernel.own = None
        for publisher in (shell.displayhook, shell.display_pub):
            publisher.session, publisher.pub_socket = self.session, self.iopub_socket
        self.displayhook.get_execution_count = lambda: kernel.execution_count
        self.init_path()

    def rehearse(self, connection_file: str, work: Callable[[], None]) -> None:
        """Be a kernel while `work` is done in a thread, then have no sockets again, nor anything else of this one's."""
        interrupted, self.capture_fd_output = signal.getsignal(signal.SIGINT), False
        with _folder_for_now(), ThreadPoolExecutor(1) as aside:
            self.connect(connection_file)
            loop = IOLoop.current()
            working = aside.submit(work)
            working.add_done_callback(lambda done: loop.add_callback(loop.stop))
            self.start()
            self.kernel.shell_stream.close()
            self.close()
            loop.close()
        for at_exit in (self.close, self.iopub_thread.stop):
            atexit.unregister(at_exit)
        signal.signal(signal.SIGINT, interrupted)
        self.capture_fd_output = True
        logging.getLogger("tornado").handlers.clear()  # each kernel adds its own
        self.forget()
        working.result()

    def forget(self) -> None:
        """Know nothing of the loop and the sockets that a kernel had which we are not any more."""
        asyncio.events._set_running_loop(None)
        asyncio.set_event_loop(None)
        IOLoop.clear_current()
        zmq.Context._instance = None
        self.context = None
        self.shell_port = self.iopub_port = self.stdin_port = self.control_port = self.hb_port = 0
        self.kernel._main_asyncio_lock = asyncio.Lock()

    def init_iopub(self, context: Any) -> None:
        context.sndhwm = 0  # a full queue would drop outputs without a word; the service caps them and says so
        super().init_iopub(context)

    def init_control(self, context: Any) -> None:
        self.control_socket = context.socket(zmq.ROUTER)  # nobody asks anything there, but every client connects
        self.control_socket.linger = 0
        self._bind_socket(self.control_socket, self.control_port)

    def _renew_io(self) -> None:
        """As `init_io`, with the streams and the display hook that there are: a logger of a cell's may hold one."""
        streams, hook = (sys.stdout, sys.stderr), self.displayhook
        self.reset_io()  # their descriptors are looked up by the names of the streams
        for stream in streams:
            OutStream.__init__(stream, self.session, self.iopub_thread, stream.name)
        hook.pub_socket = self.iopub_socket
        (sys.stdout, sys.stderr), sys.displayhook = streams, hook

    def _settle(self) -> None:
        self.ipython_dir = os.environ.get("IPYTHONDIR") or os.path.expanduser("~/.ipython")
        os.makedirs(self.ipython_dir, mode=0o700, exist_ok=True)
        self.profile_dir = None
        self.init_profile_dir()
        shell = self.shell
        shell.ipython_dir = self.ipython_dir
        shell.profile_dir = self.kernel.profile_dir = self.profile_dir
        shell.history_manager.hist_file = ":memory:"  # as nbclient has it
        shell.home_dir, shell.starting_dir = os.path.expanduser("~"), os.getcwd()


@contextlib.contextmanager
def _folder_for_now() -> Iterator[None]:
    """A folder for what IPython writes while it is built; the sandbox's own is not there yet."""
    before = os.environ.get("IPYTHONDIR")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["IPYTHONDIR"] = folder
        try:
            yield
        finally:
            os.environ.pop("IPYTHONDIR")
            if before is not None:
                os.environ["IPYTHONDIR"] = before


def _send_in_pieces() -> None:
    """Have output of any length leave in messages of a size: the first is on its way while the second is packed."""
    whole = OutStream._flush_buffers

    def pieces(self: Any) -> Iterator[tuple[dict[str, Any], str]]:
        for parent, data in whole(self):
            for at in range(0, len(data), _PIECE):
                yield parent, data[at : at + _PIECE]

    OutStream._flush_buffers = pieces


_app: _App | None = None


def prepare() -> None:
    """Build the kernel that this process or its forks will be."""
    global _app
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = _NO_COLOURS
    config.IPKernelApp.log_level = 40
    OutStream.flush_interval = _FLUSH_SECONDS
    _send_in_pieces()
    take_along()
    let_polars_wait()
    _app = _App.instance(config=config)
    _app.build()


def rehearse(connection_file: str, work: Callable[[], None]) -> None:
    """Be the kernel that `prepare` has built while `work` is done in a thread of its own."""
    assert _app is not None
    _app.rehearse(connection_file, work)


def main(connection_file: str) -> None:
    """Run the kernel until it is told to exit."""
    be_expendable()
    if _app is None:
        prepare()
    assert _app is not None
    _app.connect(connection_file)
    _app.start()
