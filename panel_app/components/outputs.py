"""A cell's outputs as HTML. Everything here was made by code in a sandbox, so nothing is believed."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from typing import Any

from markupsafe import Markup

from artifacts.types import FINDING_MIME, Artifact, Output
from panel_app.components import code, safe
from panel_app.figures import PATH, can_draw

PICTURES = {"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"}
"""Types that a page shows with `<img>`, where neither a script nor a remote file of an SVG comes to life."""

type Sized = Callable[[str], Markup]
"""The attributes `width` and `height` of an artifact's picture, by the artifact's id."""


def unsized(_: str) -> Markup:
    """No size is known."""
    return Markup("")


MOST_TEXT = 30_000
"""Characters of streamed text that a page shows for one cell; the notebook has what is beyond."""


def show(outputs: Iterable[Output], shown: int = 0, sized: Sized = unsized) -> Markup:
    """The outputs in order, neighbouring pieces of one stream joined. `shown` characters of text are there already."""
    parts: list[Markup] = []
    stream, texts = "", list[str]()

    def end_stream() -> None:
        if texts:
            parts.append(
                Markup('<pre class="stream {}" data-stream="{}">{}</pre>').format(
                    stream, stream, safe.ansi("".join(texts))
                )
            )
            texts.clear()

    for output in outputs:
        if output.kind in ("stdout", "stderr"):
            if output.kind != stream:
                end_stream()
                stream = output.kind
            room = MOST_TEXT - shown
            if room > 0:
                texts.append(output.text[:room])
            if shown <= MOST_TEXT < shown + len(output.text):
                end_stream()
                parts.append(_more("The output goes on. All of it is in the notebook."))
            shown += len(output.text)
        else:
            end_stream()
            parts.append(_bundle(output, sized))
        if output.truncated:
            end_stream()
            parts.append(_more(f"{output.truncated:,} characters were dropped here: the cell printed too much."))
    end_stream()
    return Markup("").join(parts)


def text_length(outputs: Iterable[Output]) -> int:
    """Characters of streamed text, as `show` counts them."""
    return sum(len(o.text) for o in outputs if o.kind in ("stdout", "stderr"))


def _more(sentence: str) -> Markup:
    return Markup('<p class="more">{}</p>').format(sentence)


def _bundle(output: Output, sized: Sized) -> Markup:
    """The richest form of a result that a page can show safely."""
    data = output.data
    if FINDING_MIME in data:
        return Markup('<p class="said"><span class="chip">Finding</span> {}</p>').format(
            _said(data[FINDING_MIME]) or _text(data.get("text/plain")) or output.text
        )
    for mime, artifact in sorted(output.artifacts.items()):
        if mime in PICTURES:
            return picture(artifact, cls="figure" if is_photo(mime) else "figure on-white", size=sized(artifact))
    for mime in sorted(PICTURES & data.keys()):
        inline = _inline_picture(mime, _text(data[mime]))
        if inline is not None:
            return inline
    for mime, artifact in sorted(output.artifacts.items()):
        if can_draw(mime):
            return figure(artifact) + Markup(
                '<p class="attached"><a href="/artifacts/{}">Open the figure</a></p>'
            ).format(artifact)
        return Markup(
            '<p class="attached"><a href="/artifacts/{}">Open the {}</a><span class="quiet">{}</span></p>'
        ).format(artifact, _FORMS.get(mime, "file"), mime)
    if any(map(can_draw, data)):
        return _more("An interactive figure stands here. The page of its run draws it.")
    if html := _text(data.get("text/html")):
        table = safe.read_table(html)
        return table_html(table) if table else safe.frame(html, "Output of the cell")
    if text := _text(data.get("text/markdown")):
        return Markup('<div class="prose out">{}</div>').format(safe.markdown(text))
    if "application/json" in data:
        return code.highlight(json.dumps(data["application/json"], indent=2, ensure_ascii=False)[:MOST_TEXT], "json")
    text = _text(data.get("text/plain")) or output.text
    return Markup('<pre class="stream result">{}</pre>').format(safe.ansi(text[:MOST_TEXT])) if text else Markup("")


_FORMS = {
    "application/pdf": "PDF",
    "text/html": "HTML output",
}


def is_photo(media_type: str) -> bool:
    """Whether a picture of this type may well be a photograph, which keeps its colours on a dark page."""
    return media_type in ("image/jpeg", "image/webp", "image/gif")


def is_picture(artifact: Artifact) -> bool:
    """Whether a page can show the artifact with `<img>`."""
    return artifact.media_type in PICTURES


def picture(artifact: str, alt: str = "Figure made by this cell", *, cls: str = "figure", size: str = "") -> Markup:
    """An artifact's picture; a click opens its page. `size` are its attributes `width` and `height`."""
    return Markup(
        '<a class="{}" href="/artifacts/{}"><img src="/api/artifacts/{}/content"{} alt="{}" loading="lazy"></a>'
    ).format(cls, artifact, artifact, size, alt)


def figure(artifact: str, title: str = "Interactive figure made by this cell") -> Markup:
    """An artifact's Plotly or Vega figure in a sandboxed frame, drawn when it comes into view."""
    return Markup(
        '<iframe class="frame drawn" sandbox="allow-scripts" loading="lazy" title="{}" src="{}{}"></iframe>'
    ).format(title, PATH, artifact)


def table_html(table: safe.Table, rows: int = safe.TABLE_ROWS) -> Markup:
    """A table written anew from its text, numbers to the right, wide ones in a box that scrolls."""
    numeric = table.numeric

    def line(cells: list[str], tag: str, head: bool = False) -> Markup:
        return Markup("<tr>{}</tr>").format(
            Markup("").join(
                Markup("<{}{}>{}</{}>").format(
                    Markup(tag), Markup(' class="right"') if i < len(numeric) and numeric[i] else "", cell, Markup(tag)
                )
                for i, cell in enumerate(cells)
            )
        )

    shown = table.rows[:rows]
    hidden = len(table.rows) - len(shown)
    note = table.note if not hidden else f"{table.note} {hidden:,} more rows are not shown here.".strip()
    return Markup('<div class="table" tabindex="0"><table><thead>{}</thead><tbody>{}</tbody></table></div>{}').format(
        Markup("").join(line(r, "th") for r in table.head),
        Markup("").join(line(r, "td") for r in shown),
        Markup('<p class="more">{}</p>').format(note) if note else "",
    )


def _inline_picture(mime: str, text: str) -> Markup | None:
    if mime == "image/svg+xml":
        text = base64.b64encode(text.encode()).decode()
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return Markup('<span class="figure{}"><img src="data:{};base64,{}" alt="Figure made by this cell"></span>').format(
        "" if is_photo(mime) else " on-white", mime, base64.b64encode(raw).decode()
    )


def _said(finding: Any) -> str:
    return _text(finding.get("text")) if isinstance(finding, dict) else ""


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "".join(str(v) for v in value)
    return value if isinstance(value, str) else ""
