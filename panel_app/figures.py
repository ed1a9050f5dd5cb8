"""Plotly and Vega figures, drawn in a document of their own that reaches neither the dashboard nor the network.

A figure is a description that came out of a sandbox, so nothing in it is believed. Its document is sandboxed by its own
policy: it has an origin of its own, runs only the library's scripts, known by their digests, and loads nothing. The
libraries are those that Panel ships.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path

from artifacts.errors import ArtifactDamaged, NotFound
from artifacts.store import Store
from artifacts.threads import in_own_thread
from artifacts.types import Artifact
from notebooks.outputs import is_chart
from panel_app.assets import App, Receive, Scope, Send

PATH = "/figures/"
"""Where the figure of an artifact is drawn: `/figures/ID`."""

MOST = 16_000_000
"""Bytes of a description that is drawn. A browser takes long over a larger one, and its file can be downloaded."""

_STYLE = (
    "html,body{margin:0;height:100%;background:#fff;font:15px system-ui,sans-serif}#figure{height:100%}"
    "#figure.vega-embed{display:block;padding:8px;box-sizing:border-box;overflow:auto}#sorry{padding:16px;color:#555}"
)
_HELP = """
const spec = JSON.parse(document.getElementById("spec").textContent)
const sorry = () => {
  document.getElementById("figure").hidden = true
  document.getElementById("sorry").hidden = false
}
"""
_PLOTLY = """
const { data = [], layout = {}, frames } = spec
delete layout.width
Plotly.newPlot("figure", { data, layout, frames, config: { responsive: true, displaylogo: false } }).catch(sorry)
"""
_VEGA = """
delete spec.usermeta
vegaEmbed("#figure", spec, { mode: "MODE", ast: true, actions: false, renderer: "svg" }).catch(sorry)
"""


@dataclass(frozen=True)
class Drawing:
    """What draws one kind of figure: its scripts as HTML, and the policy that lets these run and nothing else."""

    scripts: str
    policy: bytes


def can_draw(media_type: str) -> bool:
    """Whether a page can draw an artifact of this type."""
    return is_chart(media_type)


@cache
def _drawing(media_type: str) -> Drawing:
    from panel.io.resources import BUNDLE_DIR

    plotly = media_type.startswith("application/vnd.plotly.")
    start = _PLOTLY if plotly else _VEGA.replace("MODE", "vega-lite" if "vegalite" in media_type else "vega")
    # Found by name: to import Panel's models of these would have every page load their scripts
    names = (
        ("plotlyplot/plotly-*.min.js",)
        if plotly
        else ("vegaplot/vega@*", "vegaplot/vega-lite@*", "vegaplot/vega-embed@*")
    )
    texts = [next(iter(sorted(Path(BUNDLE_DIR).glob(name)))).read_text(encoding="utf-8") for name in names]
    texts = [text.replace("</script", "<\\/script") for text in (*texts, _HELP + start)]
    known = " ".join(f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in texts)
    policy = (
        f"sandbox allow-scripts; default-src 'none'; script-src {known}; style-src 'unsafe-inline'; "
        "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
    return Drawing("".join(f"<script>{text}</script>" for text in texts), policy.encode())


def document(spec: bytes, media_type: str) -> tuple[bytes, bytes]:
    """The document that draws a figure, and its Content-Security-Policy. Raises ValueError for what is none."""
    given = json.loads(spec)
    if not isinstance(given, dict):
        raise ValueError("A figure's description is a JSON object.")
    plain = json.dumps(given, ensure_ascii=False).replace("<", "\\u003c")
    drawing = _drawing(media_type)
    html = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Figure</title><style>{_STYLE}</style>'
        '<div id="figure"></div>'
        '<p id="sorry" hidden>This figure could not be drawn. Its description can be downloaded.</p>'
        f'<script type="application/json" id="spec">{plain}</script>{drawing.scripts}</html>'
    )
    return html.encode(), drawing.policy


class Figures:
    """ASGI middleware in front of the dashboard: answers `/figures/ID` by itself."""

    def __init__(self, app: App, store: Store) -> None:
        self.app = app
        self.store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", ""))
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or not path.startswith(PATH):
            await self.app(scope, receive, send)
            return
        made = None
        try:
            made = await in_own_thread(self._made, path.removeprefix(PATH))
            status, (body, policy) = (
                (200, made) if made else (404, (b"There is no such figure.", b"default-src 'none'"))
            )
        except ArtifactDamaged as error:
            status, body, policy = 500, escape(error.fault).encode(), b"default-src 'none'"
        headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-security-policy", policy)]
        kept = b"private, max-age=3600" if made else b"no-store"
        headers += [(b"cache-control", kept), (b"vary", b"accept-encoding")]
        accepted = {name.lower(): value for name, value in scope["headers"]}.get(b"accept-encoding", b"")
        if made and b"gzip" in accepted:
            body = await asyncio.to_thread(gzip.compress, body, 1)
            headers.append((b"content-encoding", b"gzip"))
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _made(self, artifact_id: str) -> tuple[bytes, bytes] | None:
        try:
            artifact: Artifact = self.store.artifact(artifact_id)
            if not can_draw(artifact.media_type) or artifact.size > MOST:
                return None
            return document(self.store.read(artifact), artifact.media_type)
        except (NotFound, ValueError, OSError):
            return None
