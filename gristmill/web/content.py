"""An artifact's bytes as a response that cannot act in our page, whatever a sandbox put into it."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Literal
from urllib.parse import quote

from fastapi.responses import FileResponse, Response, StreamingResponse

from artifacts.store import ArtifactDamaged, Store
from artifacts.types import Artifact
from gristmill.web.guard import Send

log = logging.getLogger(__name__)

# What a browser shows without running anything. The rest is a download, HTML and SVG too unless they are previewed.
_SHOWN = frozenset(
    {
        "application/json",
        "image/avif",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/webp",
        "text/csv",
        "text/markdown",
        "text/plain",
    }
)
_PREVIEWED = frozenset({"text/html", "image/svg+xml", "application/pdf"})
_CSP = (
    "sandbox; default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; font-src data:; media-src data:; "
    "frame-ancestors 'self'"
)
Mode = Literal["show", "preview", "download"]

WHOLE = 8 << 20
"""Bytes up to which a file is checked before its first byte is sent. A larger one is, the first time, on its way."""


class _OnTheWay(StreamingResponse):
    """Bytes that are checked as they go out. Where they turn out wrong, the last piece of them is never sent."""

    async def stream_response(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            async for piece in self.body_iterator:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except ArtifactDamaged as error:
            log.error("%s The connection that asked for them was broken off.", error)
            return  # an answer that ends before its announced length has the server hang up
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def respond(store: Store, artifact: Artifact, mode: Mode, *, ranged: bool) -> Response:
    """The bytes of an artifact. `preview` shows HTML, SVG and PDF too: for a frame with `sandbox` of its own.

    `ranged` says that a part was asked for: then all is checked before. Raises ArtifactDamaged.
    """
    headers = _headers(artifact, mode)
    if ranged or artifact.size <= WHOLE or store.checked(artifact):
        return FileResponse(await asyncio.to_thread(store.path, artifact), headers=headers)
    headers |= {"Content-Length": str(artifact.size), "Accept-Ranges": "bytes"}
    return _OnTheWay(store.pieces(artifact), headers=headers)


def _headers(artifact: Artifact, mode: Mode) -> dict[str, str]:
    media_type = artifact.media_type.partition(";")[0].strip().lower()
    if not re.fullmatch(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*", media_type):
        media_type = "application/octet-stream"
    shown = mode != "download" and (media_type in _SHOWN or (mode == "preview" and media_type in _PREVIEWED))
    charset = "; charset=utf-8" if media_type.startswith("text/") or media_type == "application/json" else ""
    return {
        "Content-Type": media_type + charset,
        "Content-Disposition": disposition("inline" if shown else "attachment", artifact.name),
        "Content-Security-Policy": _CSP,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=31536000, immutable",  # an id's bytes never change
        "ETag": f'"{artifact.sha256}"',
    }


def disposition(how: str, name: str) -> str:
    """The Content-Disposition of a file name from anywhere (RFC 6266): an ASCII form, and the name itself encoded."""
    name = name.replace("\\", "/").rpartition("/")[2] or "file"
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", name)
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
