"""The dashboard served for real on a loopback port, over a real store, and a real browser that looks at it."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page

from artifacts.store import Store
from tests.conftest import PATIENCE
from tests.panel_app.story import StandIn, Story, penguins


class Dashboard:
    """The routes behind uvicorn in a thread of this process, with the one REST route that pages lean on."""

    def __init__(self, workbench: Any, port: int = 0) -> None:
        from panel_app.app import dashboard

        self.workbench = workbench
        self.panel = dashboard(
            workbench, check_unused_sessions_milliseconds=200, unused_session_lifetime_milliseconds=300
        )
        self.socket = socket.create_server(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        # As `gristmill serve` has it: for a connection that comes at the moment of the end uvicorn waits for ever.
        config = uvicorn.Config(
            self._app, interface="asgi3", log_level="warning", lifespan="on", timeout_graceful_shutdown=3
        )
        self.server = uvicorn.Server(config)
        self.loop: asyncio.AbstractEventLoop | None = None
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        async def main() -> None:
            self.loop = asyncio.get_running_loop()
            await self.server.serve([self.socket])

        asyncio.run(main())

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and path.startswith("/api/artifacts/"):
            artifact = self.workbench.store.artifact(path.split("/")[3])
            headers = [(b"content-type", artifact.media_type.encode()), (b"content-security-policy", b"sandbox")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": self.workbench.store.read(artifact)})
            return
        await self.panel(scope, receive, send)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(300)
        assert not self.thread.is_alive(), "the dashboard did not stop"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def dashboard(store: Store) -> Iterator[Dashboard]:
    served = Dashboard(StandIn(store))
    yield served
    served.stop()


class Watch:
    """A browser tab, and all that it asked of the network, said in dialogs or threw."""

    def __init__(self, page: Page, dashboard: Dashboard) -> None:
        self.page = page
        self.url = dashboard.url
        self.requests: list[str] = []
        self.faults: list[str] = []
        self.stopped: list[str] = []
        page.on("request", lambda r: self.requests.append(r.url))
        page.on("requestfailed", lambda r: self.stopped.append(r.url) if r.failure == "csp" else None)
        page.on("pageerror", lambda e: self.faults.append(str(e)))
        page.on("dialog", lambda d: (self.faults.append(f"dialog: {d.message}"), d.dismiss()))

    def open(self, path: str) -> Page:
        """Go to a page and wait until its wire is up."""
        with self.page.expect_websocket():
            self.page.goto(self.url + path, wait_until="load")
        self.page.wait_for_selector("html[data-wire=up]")
        return self.page

    def outside(self) -> list[str]:
        """Requests to anybody else that the page's policy did not stop."""
        ours = (self.url, "blob:" + self.url, "data:", "about:")
        return [u for u in self.requests if not u.startswith(ours) and u not in self.stopped]


def until(page: Page, expression: str) -> None:
    """Wait until an expression is true. Our pages' policy lets Playwright's own wait evaluate it once only."""
    end = time.monotonic() + PATIENCE
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"{expression} was never true"
        page.wait_for_timeout(20)


@pytest.fixture
def watch(browser: Browser, dashboard: Dashboard) -> Iterator[Callable[..., Watch]]:
    contexts = []

    def new(**options: Any) -> Watch:
        # What moves while a run is under way is drawn sixty times a second, by the processor.
        context = browser.new_context(**{"reduced_motion": "reduce"} | options)
        contexts.append(context)
        return Watch(context.new_page(), dashboard)

    yield new
    for context in contexts:
        context.close()


@pytest.fixture
def done(store: Store) -> Story:
    """A finished run of the main job."""
    return penguins(store)
