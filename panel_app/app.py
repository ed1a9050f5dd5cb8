"""The dashboard: `dashboard(workbench)` is all of it as one ASGI application, `routes(workbench)` its pages by path."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import panel as pn
from bokeh.document import without_document_lock
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from artifacts.store import StoreError
from graphs.errors import GraphError
from graphs.workbench import Workbench
from kernel_gateway.client import GatewayError
from notebooks.errors import NotebookError
from panel_app.assets import Assets, Receive, Scope, Send
from panel_app.components.render import environment
from panel_app.components.words import for_page
from panel_app.edits import Edits
from panel_app.figures import Figures
from panel_app.lost import Lost
from panel_app.pages.artifact import artifact_page
from panel_app.pages.base import Page
from panel_app.pages.gallery import GalleryPage
from panel_app.pages.home import HomePage
from panel_app.pages.run import run_page
from panel_app.pages.schedules import SchedulesPage
from panel_app.theme import style_sheet
from panel_app.wire import Message, Patch, Wire

if TYPE_CHECKING:
    from jinja2 import Template

log = logging.getLogger(__name__)


def routes(workbench: Workbench) -> dict[str, Callable[[], Wire]]:
    """Every page by its path. A function makes one session's page from the store; nothing is kept between sessions."""
    edits = Edits()
    return {
        "/": _application(workbench, lambda: HomePage(workbench)),
        "/runs/{run_id}": _application(workbench, lambda: run_page(workbench, pn.state.route_params["run_id"], edits)),
        "/artifacts": _application(workbench, lambda: GalleryPage(workbench.store)),
        "/artifacts/{artifact_id}": _application(
            workbench, lambda: artifact_page(workbench.store, pn.state.route_params["artifact_id"])
        ),
        "/schedules": _application(workbench, lambda: SchedulesPage(workbench)),
    }


def dashboard(workbench: Workbench, **options: Any) -> Assets:
    """The dashboard as one ASGI application, to be put behind a guard; `options` go to Panel's `build_asgi_app`."""
    from panel.io.asgi import build_asgi_app

    pages = GZipMiddleware(
        build_asgi_app(routes(workbench), title="Gristmill", index_enabled=False, **options),
        minimum_size=1000,
        compresslevel=4,
    )
    scripts = StaticFiles(directory=Path(__file__).parent / "browser")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        """Our own scripts, which `Wire.bundle.js` imports, and everything else."""
        if scope["type"] == "http" and str(scope["path"]).startswith("/scripts/"):
            await scripts({**scope, "root_path": f"{scope.get('root_path', '')}/scripts"}, receive, send)
        else:
            await pages(scope, receive, send)

    return Assets(Lost(Figures(app, workbench.store)))


def _application(workbench: Workbench, make: Callable[[], Page]) -> Callable[[], Wire]:
    """A function without arguments, as Panel wants it; Panel calls plain functions only, not partials."""

    def page() -> Wire:
        return open_page(workbench, make())

    return page


def open_page(workbench: Workbench, page: Page) -> Wire:
    """Puts `page` into the current session: its HTML by the template, its life by a wire that ends with the session."""
    document = pn.state.curdoc
    document.template = _shell()
    # Bokeh makes a page in a thread and fills the template on the event loop: the content of a long run takes a second.
    document.template_variables.update(page=page, content=page.html(), isolation=workbench.isolation)
    wire = Wire()
    tasks: set[asyncio.Task[None]] = set()

    def begin(job: Coroutine[Any, Any, None], ticket: str) -> None:
        task = asyncio.get_running_loop().create_task(_guard(wire, job, ticket))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(partial(_report, wire))

    def heard(event: Any) -> None:
        message: Message = event.data if isinstance(event.data, dict) else {}

        # Panel may hear in a worker thread and under the document's lock; the page's work belongs on the loop.
        @without_document_lock  # type: ignore[untyped-decorator]
        async def work() -> None:
            hello = message.get("do") == "hello"
            begin(page.live(wire) if hello else page.act(wire, message), str(message.get("ticket") or ""))

        document.add_next_tick_callback(work)

    def over(_: Any) -> None:
        for task in list(tasks):
            task.get_loop().call_soon_threadsafe(task.cancel)
        page.close()

    wire.on_msg(heard)
    pn.state.on_session_destroyed(over)
    return wire


async def _guard(wire: Wire, job: Coroutine[Any, Any, None], ticket: str) -> None:
    """Says on the page what the rooms below had to say: to what was sent under a ticket, or else to the person."""
    try:
        await job
    except (StoreError, GraphError, GatewayError, NotebookError) as error:
        text = for_page(str(error))
        told = Patch(do="ack", id=ticket, text=text) if ticket else Patch(do="say", text=text, level="error")
        wire.send([told, Patch(do="idle")])
    else:
        if ticket:
            wire.send([Patch(do="ack", id=ticket)])


def _report(wire: Wire, task: asyncio.Task[None]) -> None:
    """A fault of ours goes to the log, and the person at the page learns that there is one."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("A page of the dashboard failed", exc_info=error)
        wire.send([Patch(do="say", text=_FAULT, level="error"), Patch(do="idle")])


_FAULT = "Something went wrong on this page. Load it again; the server's log has the details."


@cache
def _shell() -> Template:
    env = environment()
    return env.get_template(
        "shell.html",
        globals={
            "nonce": partial(secrets.token_urlsafe, 16),
            "style_sheet": style_sheet,
            "favicon": _icon(),
            "early": (Path(__file__).parent / "early.js").read_text(encoding="utf-8"),
        },
    )


def _icon() -> str:
    """The mill as a data URI, so that no file has to be served for it."""
    from base64 import b64encode

    from panel_app.components.icons import icon

    drawing = str(icon("mill")).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" color="#17645c" ', 1)
    return f"data:image/svg+xml;base64,{b64encode(drawing.encode()).decode()}"
