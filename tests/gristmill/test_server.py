"""The start of `gristmill serve`: what answers before the dashboard is loaded."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

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


ENDS_ONCE_LOADED = """
import asyncio, gc, os, signal
from gristmill import server
from gristmill.settings import load

server.SETTLED, server.NEEDED = 0, ()
freeze = gc.freeze

def end():
    freeze()
    os.kill(os.getpid(), signal.SIGINT)

gc.freeze = end
asyncio.run(server.serve(load(), host="127.0.0.1", port=0, ready=lambda link: print("ready")))
"""


def test_the_end_of_a_server_leaves_nothing_to_complain_of(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDS_ONCE_LOADED],
        env=os.environ | {"GRISTMILL_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "ready\n", "")
