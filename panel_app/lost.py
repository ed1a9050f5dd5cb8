"""Where an address leads nowhere: a page of the dashboard that says so, in place of two words of plain text."""

from __future__ import annotations

from markupsafe import Markup

from panel_app.assets import App, Message, Receive, Scope, Send
from panel_app.components.icons import icon
from panel_app.pages.base import Sorry
from panel_app.theme import style_sheet

MOVED = {"/runs": "/", "/runs/": "/", "/artifacts/": "/artifacts", "/schedules/": "/schedules"}
"""Addresses that a person would try, and the pages that are meant."""

_PAGE = Markup(
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title} · Gristmill</title>'
    '<style>{style}</style></head><body><header class="bar"><a class="brand" href="/">{mill}<span>Gristmill</span></a>'
    '</header><main id="main" class="page sorry">{content}</main></body></html>'
)


class Lost:
    """ASGI middleware around the dashboard's pages."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send to the page that is meant, and dress a 404 for a browser that looks for a page."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        if (meant := MOVED.get(str(scope["path"]))) is not None:
            await _respond(send, 307, b"", (b"location", meant.encode()))
            return
        accepted = {name.lower(): value for name, value in scope["headers"]}.get(b"accept", b"")
        if b"text/html" not in accepted:
            await self.app(scope, receive, send)
            return
        lost = False

        async def dressed(message: Message) -> None:
            nonlocal lost
            if message["type"] == "http.response.start" and message["status"] == 404:
                lost = True
                await _respond(send, 404, _page(), (b"content-type", b"text/html; charset=utf-8"))
            elif not lost:
                await send(message)

        await self.app(scope, receive, dressed)


def _page() -> bytes:
    sorry = Sorry("There is no such page", "The address may be cut or misspelt. All runs are on the first page.", "/")
    told = _PAGE.format(title=sorry.title, style=Markup(style_sheet()), mill=icon("mill"), content=sorry.html())
    return told.encode()


async def _respond(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
