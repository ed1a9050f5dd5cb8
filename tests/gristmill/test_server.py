"""The start of `gristmill serve`: what answers before the dashboard is loaded."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import httpx

from gristmill.server import House
from gristmill.web.guard import App, Receive, Scope, Send


def answering(text: str) -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": text.encode()})

    return app


def test_the_server_is_loaded_without_what_only_its_pages_need() -> None:
    code = "import gristmill.server, sys; print({'panel', 'bokeh'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


async def test_the_interface_answers_while_the_pages_are_loading_and_a_page_waits_for_them() -> None:
    house = House(answering("interface"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(house), base_url="http://here") as client:
        page = asyncio.create_task(client.get("/"))
        assert (await client.get("/api/health")).text == "interface"
        assert not page.done()
        house.pages.set_result(answering("page"))
        assert (await page).text == "page"
