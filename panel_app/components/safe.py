"""What somebody else wrote, made fit to stand in our page: text, Markdown, HTML tables and foreign HTML.

Nothing here lets a sandbox's output run script, restyle the page or load anything from elsewhere. Text is escaped;
Markdown is sanitised; a table that a data frame printed is read and written anew; all other HTML stays in a frame.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache, lru_cache
from html.parser import HTMLParser

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

FRAME_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; form-action 'none'"
"""Content Security Policy of a frame that holds foreign HTML. The frame is sandboxed as well, so no script runs."""

NEEDS_SCRIPT = "This output draws itself by a script, and no script of a cell runs here. The notebook has it whole."

TABLE_ROWS = 200
"""Rows of a table that a page shows; the rest is in the notebook or in the file."""

_MARKDOWN_TAGS = frozenset(
    {"p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "em", "strong"}
    | {"del", "a", "table", "thead", "tbody", "tr", "th", "td"}
)
_FRAME_TAGS = _MARKDOWN_TAGS | (
    {"div", "span", "section", "article", "header", "footer", "main", "figure", "figcaption", "details", "summary"}
    | {"b", "i", "u", "s", "sub", "sup", "small", "kbd", "samp", "var", "dl", "dt", "dd", "caption", "colgroup", "col"}
    | {"tfoot", "style", "img", "input", "label", "svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline"}
    | {"polygon", "text", "tspan", "defs", "title", "desc", "symbol"}
)
_FRAME_ATTRIBUTES = frozenset(
    {"class", "id", "style", "title", "dir", "lang", "align", "valign", "colspan", "rowspan", "scope", "width"}
    | {"height", "border", "cellpadding", "cellspacing", "open", "type", "checked", "for", "src", "alt", "d", "x", "y"}
    | {"x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "points", "fill", "stroke", "stroke-width", "opacity"}
    | {"stroke-dasharray", "transform", "viewBox", "xmlns", "text-anchor", "font-size", "font-family"}
)


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")


@lru_cache(maxsize=2_000)  # a page of a long conversation has the same texts at each look
def markdown(text: str) -> Markup:
    """CommonMark with tables as HTML. Raw HTML shows as text; images are left out, since they load from anywhere."""
    html = _parser().render(text)
    clean = nh3.clean(
        html,
        tags=set(_MARKDOWN_TAGS),
        attributes={"a": {"href", "title"}, "th": {"style"}, "td": {"style"}},
        url_schemes={"http", "https", "mailto"},
        filter_style_properties={"text-align"},
        set_tag_attribute_values={"a": {"target": "_blank"}},
        link_rel="noopener noreferrer",
    )
    return Markup(clean)


def frame(html: str, title: str, *, tall: bool = False) -> Markup:
    """Foreign HTML in a sandboxed frame without script, links out or remote files. `title` is for screen readers."""
    clean = nh3.clean(
        html,
        tags=set(_FRAME_TAGS),
        clean_content_tags={"script", "noscript", "template"},
        attributes={"*": set(_FRAME_ATTRIBUTES)},
        url_schemes={"data"},
        link_rel=None,
    )
    if not re.sub(r"<style.*?</style>|<(?!img|svg|input)[^>]*>|\s", "", clean, flags=re.DOTALL):
        return Markup('<p class="more">{}</p>').format(NEEDS_SCRIPT)
    document = (
        f'<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{FRAME_POLICY}">'
        '<meta http-equiv="x-dns-prefetch-control" content="off"><style>body{margin:12px;color:#1c2024;background:#fff;'
        "font:14px/1.5 -apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}</style>" + clean
    )
    shape = " tall" if tall else " low" if len(clean) < 1500 else ""
    return Markup('<iframe class="frame{}" sandbox="" loading="lazy" title="{}" srcdoc="{}"></iframe>').format(
        shape, title, document
    )


def ansi(text: str) -> Markup:
    """Terminal text as HTML: colours as classes, a carriage return starts its line again, other controls vanish."""
    parts: list[str] = []
    open_span = False
    for i, piece in enumerate(_SGR.split(_returns(text))):
        if i % 2 == 0:
            parts.append(str(escape(_CONTROL.sub("", piece))))
            continue
        if open_span:
            parts.append("</span>")
            open_span = False
        codes = {int(c) for c in piece.split(";") if c.isdigit() and len(c) < 4}
        names = ["ansi-bold"] if 1 in codes else []
        names += [f"ansi-{c % 10}" for c in sorted(codes) if 30 <= c <= 37 or 90 <= c <= 97]
        if names:
            parts.append(f'<span class="{" ".join(names)}">')
            open_span = True
    if open_span:
        parts.append("</span>")
    return Markup("".join(parts))


_SGR = re.compile(r"\x1b\[([0-9;]*)m")
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b.?|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def _returns(text: str) -> str:
    """What a terminal would leave standing of lines that are overwritten, as progress bars do."""
    if "\r" not in text:
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines)


@dataclass
class Table:
    """The text of a table: `head` and `rows` are rows of cells; `numeric` says which columns to align right."""

    head: list[list[str]] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    note: str = ""

    @property
    def width(self) -> int:
        return max((len(row) for row in [*self.head, *self.rows]), default=0)

    @property
    def numeric(self) -> list[bool]:
        """Whether each column holds only numbers (or nothing), by the rows that are there."""
        columns = [[row[i].strip() for row in self.rows if i < len(row)] for i in range(self.width)]
        return [any(map(_NUMBER.fullmatch, c)) and all(not v or _NUMBER.fullmatch(v) for v in c) for c in columns]


_NUMBER = re.compile(r"[-+−]?(\d[\d,._]*)(\.\d+)?([eE][-+]?\d+)?%?|NaN|nan|NA|<NA>|NaT|None|inf|-inf")


def read_table(html: str) -> Table | None:
    """The one plain table that this HTML is, as a data frame prints itself; None if it is anything more."""
    reader = _TableReader()
    reader.feed(html)
    reader.close()
    if reader.foreign or reader.tables != 1 or not (reader.table.rows or reader.table.head):
        return None
    return reader.table


class _TableReader(HTMLParser):
    """Reads text only. Merged cells are repeated as empty ones, so that columns stay under their heads."""

    known = frozenset({"div", "table", "thead", "tbody", "tfoot", "tr", "th", "td", "p", "br", "style"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.table = Table()
        self.tables = 0
        self.foreign = False
        self._in: list[str] = []
        self._cell: list[str] | None = None
        self._row: list[str] | None = None
        self._span = 1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        # A styled table means something by its colours: leave it to the frame.
        if tag not in self.known or (tag == "table" and (values.get("id") or "").startswith("T_")):
            self.foreign = True
        if tag == "br":
            if self._cell is not None:
                self._cell.append(" ")
            return
        self._in.append(tag)
        if tag == "table":
            self.tables += 1
        elif tag == "tr":
            self._row = []
        elif tag in ("td", "th"):
            self._cell = []
            span = values.get("colspan") or "1"
            self._span = min(int(span), 100) if span.isdigit() and len(span) < 4 else 1
            rows = values.get("rowspan") or "1"
            if rows != "1":
                self.foreign = True

    def handle_endtag(self, tag: str) -> None:
        if tag in self._in:
            while self._in and self._in.pop() != tag:
                pass
        if tag in ("td", "th") and self._cell is not None and self._row is not None:
            self._row += ["".join(self._cell).strip()] + [""] * (self._span - 1)
            self._cell = None
        elif tag == "tr" and self._row is not None:
            (self.table.head if "thead" in self._in else self.table.rows).append(self._row)
            self._row = None

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)
        elif data.strip() and "style" not in self._in:
            if "table" in self._in:
                self.foreign = True
            self.table.note = " ".join(f"{self.table.note} {data}".split())
