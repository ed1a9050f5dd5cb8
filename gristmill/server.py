"""`gristmill serve`: dashboard, REST interface, stream of events and scheduler on one loop and one port."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import logging
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from typing import Any

import uvicorn

from artifacts.threads import in_own_thread
from gristmill import discovery
from gristmill.errors import Failed
from gristmill.firing import Firing
from gristmill.local import Local
from gristmill.settings import Settings
from gristmill.sockets import bind, shown
from gristmill.web.api import build_api
from gristmill.web.guard import App, Guard, Receive, Scope, Send, cookie_name
from gristmill.web.limit import Limit
from notebooks.scheduler import Scheduler

log = logging.getLogger(__name__)

DRAIN = 20.0  # seconds for runs to reach a named state when the server is told to stop
HANG_UP = 3  # seconds for open connections after that
SETTLED = 3.0  # seconds after which whoever came at once has their page, and what the first run needs is loaded
PAGES = ("bokeh.models", "panel", "panel_app.app")
"""What the dashboard loads: more than all the rest of the server, which therefore answers before."""
NEEDED = (
    *("papermill", "e2b_code_interpreter", "langgraph.graph", "graphs.questions.reader", "graphs.review.checks"),
    *("graphs.checkpoints", "graphs.team", "graphs.turns"),
)
"""What the first run loads otherwise: seconds of a processor altogether, each of these less than one."""


class House:
    """Sends a request to the interface or to the pages, and refuses new work once the server is closing.

    `pages` may be loading still: who asks for one waits for it.
    """

    def __init__(self, api: App) -> None:
        self.api, self.closing = api, False
        self.pages: asyncio.Future[App] = asyncio.get_running_loop().create_future()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, one connection, or the server's own start and end."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["type"] == "http" and self.closing and scope["method"] not in ("GET", "HEAD"):
            body = b'{"error": {"kind": "Closing", "message": "The server is shutting down; start it again."}}'
            headers = [(b"content-type", b"application/json"), (b"retry-after", b"5")]
            await send({"type": "http.response.start", "status": 503, "headers": headers})
            await send({"type": "http.response.body", "body": body})
        elif scope["type"] == "http" and str(scope["path"]).startswith("/api/"):
            await self.api(scope, receive, send)
        else:
            await (await asyncio.shield(self.pages))(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The interface needs no start. The pages begin with the first request for one, and hear of the end."""
        await receive()
        await send({"type": "lifespan.startup.complete"})
        end = await receive()

        async def ending() -> MutableMapping[str, Any]:
            return end

        if self.pages.done() and not self.pages.cancelled() and self.pages.exception() is None:
            await self.pages.result()(scope, ending, send)
        else:
            await send({"type": "lifespan.shutdown.complete"})


def _build(local: Local, *, token: str, port: int, names: tuple[str, ...], max_upload: int) -> tuple[Guard, House]:
    """The whole server as one ASGI application, the guard outermost, and what it guards."""
    house = House(build_api(local, templates=local.workbench.templates, cookie=cookie_name(port)))
    return Guard(Limit(house, max_upload), token=token, port=port, names=names), house


async def serve(settings: Settings, *, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM. `ready` is called with the address and token as soon as a browser may come.

    Raises Misuse for a port that is taken, StoreLocked for a data folder that is.
    """
    running = await discovery.find_server(settings.home)
    if running is not None:
        raise Failed(
            f"This data folder is served already, by process {running.pid} at {running.url}. `gristmill open` opens it "
            "in a browser."
        )
    listening = bind(host, port)
    with contextlib.closing(listening):
        local = Local.open(settings)
        try:
            await _serve(local, settings, listening, ready)
        finally:
            await local.close()


async def _serve(local: Local, settings: Settings, listening: socket.socket, ready: Callable[[str], None]) -> None:
    host, port = listening.getsockname()[:2]
    token = settings.token or discovery.token(settings.home)
    names = (*settings.allowed_hosts, shown(host).strip("[]"))
    app, house = _build(local, token=token, port=port, names=names, max_upload=settings.max_upload)
    url = f"http://{shown(host)}:{port}"
    firing = asyncio.create_task(Scheduler(local.store, Firing(local, url)).run_forever())

    async def wind_down() -> None:
        house.closing = True
        firing.cancel()
        discovery.remove(settings.home)
        try:
            await asyncio.wait_for(local.workbench.close(), DRAIN)
        except TimeoutError:
            log.warning("Some runs did not stop within %.0f s; `gristmill runs resume` takes them up.", DRAIN)

    config = uvicorn.Config(
        app,
        access_log=False,  # its lines carry the query, and the first one's query carries the token
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        ws_max_size=64 << 20,
        timeout_graceful_shutdown=HANG_UP,
    )

    warming: list[asyncio.Task[None]] = []
    ending = threading.Event()

    async def warm_up() -> None:
        try:
            await in_own_thread(_load, PAGES, ending)
            from panel_app.app import dashboard

            # Whose page may open a WebSocket is the guard's to say; Panel's own list knows no forwarded ports.
            house.pages.set_result(dashboard(local.workbench, websocket_origin="*"))
        except Exception as error:
            house.pages.set_exception(error)
            log.exception("The dashboard cannot be shown; the REST interface and the scheduler work without it.")
        await asyncio.sleep(SETTLED)
        await in_own_thread(_load, NEEDED, ending)
        gc.freeze()  # a full collection holds every thread up, for a fifth of a second over 400,000 objects of modules

    def open_for_business() -> None:
        warming.append(asyncio.create_task(warm_up()))
        discovery.write(settings.home, url, token)
        ready(f"{url}/?token={token}")

    server = _Server(config, open_for_business, wind_down)
    try:
        await local.workbench.take_up()
        await server.serve(sockets=[listening])
    finally:
        ending.set()
        for task in (firing, *warming):
            task.cancel()
        await asyncio.gather(firing, *warming, return_exceptions=True)
        gc.unfreeze()  # what is never freed DuckDB complains of as the program ends
        discovery.remove(settings.home)


def _load(names: Sequence[str], ending: threading.Event) -> None:
    """Import these modules. A server that is `ending` meanwhile waits for no more than one of them."""
    for name in names:
        if ending.is_set():
            return
        importlib.import_module(name)


class _Server(uvicorn.Server):
    """Winds down the work before it hangs up, so that every open page still sees how its run ended."""

    def __init__(
        self, config: uvicorn.Config, opened: Callable[[], None], wind_down: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(config)
        self._opened, self._wind_down = opened, wind_down

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._opened()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._wind_down()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's own, but a signal that was heeded is not raised again: there is still a record to close."""
        loop = asyncio.get_running_loop()
        heeded = (signal.SIGINT, signal.SIGTERM)
        for number in heeded:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in heeded:
                loop.remove_signal_handler(number)
