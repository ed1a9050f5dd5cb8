"""A run as one HTML page that needs nothing else: charts inside it, no script, light and dark, safe to open.

Everything in it comes from data or from a model, so all of it is escaped or sanitised, and the page's own policy
forbids scripts and any request.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from functools import cache, lru_cache
from html import escape
from importlib import resources
from typing import Any

from artifacts.errors import ArtifactDamaged
from artifacts.events import RunView
from artifacts.store import Store
from artifacts.types import Artifact, Execution, Output
from notebooks.outputs import merged
from notebooks.telling import story, words

_IMAGES = ("image/png", "image/jpeg", "image/svg+xml")
_TABLE_TAGS = {"table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "p", "div", "span", "b", "i", "br"}
_PROSE_TAGS = {
    *_TABLE_TAGS,
    "ul",
    "ol",
    "li",
    "em",
    "strong",
    "code",
    "pre",
    "blockquote",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
}
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_WIDE = 1400
"""Pixels of a chart in a summary, at most: twice the column's width."""
_SHOWN = 20_000
"""Characters of one text output that the page shows; the notebook has all of them."""


def report_html(view: RunView, store: Store) -> str:
    """The report as a self-contained page. The same record gives the same bytes."""
    return _page(view, _Pictures(view, store.read))


def summary_html(view: RunView, read: Callable[[Artifact], bytes], room: int = 200_000) -> str:
    """The same page without the work, for a place where each byte is kept: the output of a notebook's cell.

    `read` gives an artifact's bytes, or raises OSError. Charts get fewer colours, and `room` bytes in all as they stand
    in the page; those that find none are named.
    """
    return _page(view, _FewPictures(view, read, room), whole=False)


def _page(view: RunView, pictures: _Pictures, *, whole: bool = True) -> str:
    css = _asset("report.css")
    said = story.told(view)
    headlines = [
        {
            "finding": finding,
            "text": words.headline(finding),
            "kind": words.kind(finding),
            "effect": words.size(finding),
            "numbers": words.evidence(finding),
            "chart": pictures.once(finding.evidence.artifact, finding.id),
        }
        for finding in said.headlines
    ]
    page: str = _template().render(
        said=said,
        answer=prose(words.tied(said.answer)),
        answers=[(part, pictures.once(part.chart, f"answer-{n}")) for n, part in enumerate(said.answers, 1)],
        headlines=headlines,
        others=[(f, words.size(f)) for f in said.others],
        whole=whole,
        plan=view.plan if whole else (),
        cells=[_cell(x, pictures) for x in view.executions] if whole else [],
        sandbox=view.sandboxes[-1] if view.sandboxes else None,
        rebuilt=[s for s in view.sandboxes if s.replaces_lost],
        number=words.number,
        prose=_inline,
        css=css,
        policy=_policy(css),
    )
    return page


def prose(markdown: str) -> str:
    """Markdown by a model as safe HTML: no raw HTML, no images, no links to anywhere."""
    import nh3
    from markdown_it import MarkdownIt

    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    return nh3.clean(html, tags=_PROSE_TAGS, attributes={}, clean_content_tags={"script", "style"})


def table_html(html: str) -> str:
    """HTML of a cell's result as a safe table: text and structure only, no styles, links, images or scripts."""
    import nh3

    attributes = {"th": {"colspan", "rowspan", "scope"}, "td": {"colspan", "rowspan"}}
    return nh3.clean(html, tags=_TABLE_TAGS, attributes=attributes, clean_content_tags={"script", "style"})


@lru_cache(maxsize=512)  # more than all templates have cells, which hardly differ from run to run
def highlight(code: str) -> str:
    """Python source as escaped HTML with the short class names of Pygments."""
    from pygments import highlight as run
    from pygments.formatters.html import HtmlFormatter  # the package itself is swapped on import: a race of two runs
    from pygments.lexers.python import PythonLexer

    html: str = run(code, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True))
    return html


class _Pictures:
    """The run's pictures as data URIs, each of them once; a later mention becomes a link to the first."""

    def __init__(self, view: RunView, read: Callable[[Artifact], bytes]) -> None:
        self._read = read
        self._by_name = {a.name: a for a in view.artifacts if a.media_type in _IMAGES}
        self._by_id = {a.id: a for a in view.artifacts}
        self._shown: dict[str, str] = {}

    def once(self, name: str | None, place: str) -> dict[str, str] | None:
        """The picture of that name: its `uri`, or where it was `shown` before."""
        artifact = self._by_name.get(name) if name else None
        return self._show(artifact, place) if artifact is not None else None

    def of(self, output: Output, place: str) -> list[dict[str, str]]:
        """One picture of an output (PNG before JPEG before SVG) and the names of what cannot be shown in a page."""
        for mime in _IMAGES:
            if mime in output.artifacts:
                return [self._show(self._by_id[output.artifacts[mime]], place)]
        return [{"file": self._by_id[ref].name} for ref in output.artifacts.values()]

    def _show(self, artifact: Artifact, place: str) -> dict[str, str]:
        if artifact.sha256 in self._shown:
            return {"name": artifact.name, "shown": self._shown[artifact.sha256]}
        try:
            uri = self._uri(artifact)
        except ArtifactDamaged as damaged:
            return {"name": artifact.name, "damaged": str(damaged)}
        except OSError:  # it was there, and is gone
            uri = None
        if uri is None:
            return {"name": artifact.name, "elsewhere": artifact.name}
        self._shown[artifact.sha256] = place
        return {"name": artifact.name, "uri": uri}

    def _uri(self, artifact: Artifact) -> str | None:
        return f"data:{artifact.media_type};base64,{base64.b64encode(self._read(artifact)).decode('ascii')}"


class _FewPictures(_Pictures):
    """Pictures in few bytes, as many as find room."""

    def __init__(self, view: RunView, read: Callable[[Artifact], bytes], room: int) -> None:
        super().__init__(view, lambda artifact: _smaller(read(artifact), artifact.media_type))
        self._room = room

    def _uri(self, artifact: Artifact) -> str | None:
        uri = super()._uri(artifact)
        if uri is None or len(uri) > self._room:
            return None
        self._room -= len(uri)
        return uri


def _smaller(data: bytes, media_type: str) -> bytes:
    """A PNG at a chart's width in 64 colours, which no chart of lines and dots misses; other pictures as they are."""
    if media_type != "image/png":
        return data
    from io import BytesIO

    from PIL import Image

    try:
        with Image.open(BytesIO(data), formats=["PNG"]) as image:
            image.thumbnail((_WIDE, _WIDE))
            flat = Image.new("RGB", image.size, "white")
            rgba = image.convert("RGBA")
            flat.paste(rgba, mask=rgba)
        flat.quantize(64, dither=Image.Dither.NONE).save(small := BytesIO(), "PNG", optimize=True)
    except (OSError, ValueError, Image.DecompressionBombError):
        return data
    return min(data, small.getvalue(), key=len)


def _cell(execution: Execution, pictures: _Pictures) -> dict[str, Any]:
    return {
        "execution": execution,
        "code": escape(execution.code) if "toolkit" in execution.tags else highlight(execution.code),
        "outputs": [_output(output, pictures, execution.cell) for output in merged(execution.outputs)],
        "traceback": _plain(execution.error.traceback) if execution.error else "",
    }


def _output(output: Output, pictures: _Pictures, place: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"kind": output.kind, "pictures": pictures.of(output, place), "html": "", "text": ""}
    html = output.data.get("text/html")
    if shown["pictures"]:
        return shown
    if isinstance(html, str) and "<table" in html:
        shown["html"] = table_html(html)
    elif isinstance(markdown := output.data.get("text/markdown"), str):
        shown["html"] = prose(markdown)
    else:
        shown["text"] = _plain(output.text)
    return shown


def _plain(text: str) -> str:
    text = _ANSI.sub("", text)
    if len(text) > _SHOWN:
        return f"{text[:_SHOWN]}\n… {len(text) - _SHOWN:,} more characters are in the notebook."
    return text


def _inline(sentence: str) -> str:
    """A sentence as safe HTML, what stands between backticks as code."""
    import nh3
    from markdown_it import MarkdownIt

    html = MarkdownIt("zero", {"html": False}).enable("backticks").renderInline(sentence)
    return nh3.clean(html, tags={"code"}, attributes={}, clean_content_tags=set())


def _policy(css: str) -> str:
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode("ascii")
    return f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def _asset(name: str) -> str:
    return resources.files("notebooks.telling").joinpath(name).read_text("utf-8")


@cache
def _template() -> Any:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["tied"] = words.tied
    return environment.from_string(_asset("report.html"))
