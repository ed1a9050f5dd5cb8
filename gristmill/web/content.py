"""An artifact's bytes as a response that cannot act in our page, whatever a sandbox put into it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from fastapi.responses import FileResponse

from artifacts.types import Artifact

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


def respond(artifact: Artifact, blob: Path, mode: Mode) -> FileResponse:
    """The bytes of an artifact. `preview` shows HTML, SVG and PDF too: for a frame with `sandbox` of its own."""
    media_type = artifact.media_type.partition(";")[0].strip().lower()
    if not re.fullmatch(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*", media_type):
        media_type = "application/octet-stream"
    shown = mode != "download" and (media_type in _SHOWN or (mode == "preview" and media_type in _PREVIEWED))
    charset = "; charset=utf-8" if media_type.startswith("text/") or media_type == "application/json" else ""
    return FileResponse(
        blob,
        headers={
            "Content-Type": media_type + charset,
            "Content-Disposition": disposition("inline" if shown else "attachment", artifact.name),
            "Content-Security-Policy": _CSP,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, max-age=31536000, immutable",  # an id's bytes never change
            "ETag": f'"{artifact.sha256}"',
        },
    )


def disposition(how: str, name: str) -> str:
    """The Content-Disposition of a file name from anywhere (RFC 6266): an ASCII form, and the name itself encoded."""
    name = name.replace("\\", "/").rpartition("/")[2] or "file"
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", name)
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
