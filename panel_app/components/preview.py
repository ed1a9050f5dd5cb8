"""What an artifact looks like, by its kind: pictures, tables, notebooks, reports, text. Nothing in it is believed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from markupsafe import Markup

from artifacts.store import ArtifactDamaged, Store
from artifacts.types import Artifact, Output
from panel_app.components import code, outputs, safe
from panel_app.figures import MOST, can_draw

FRONT = 200_000
"""Bytes of a text file that a preview reads."""

WHOLE = 8_000_000
"""Bytes up to which a file is read whole, for kinds that cannot be read in part."""

LINES = 100
"""Rows of a table in a preview."""


REMEDIES = {
    "reproduce": Markup(
        'Open <a href="/runs/{}">the run that made them</a> and choose Reproduce: it makes them again.'
    ),
    "export": Markup('They are written anew <a href="/api/runs/{}/export.zip">with all files of the run</a>.'),
    "give": Markup(
        'They came with <a href="/runs/{}">this run</a>. Ask a question of the same file again, and they are '
        "stored anew."
    ),
}


def preview(store: Store, artifact: Artifact) -> Markup:
    """HTML that shows the artifact, or says why it cannot be shown. Its bytes are checked before, which may take a
    second for a gigabyte."""
    try:
        return _preview(store.path(artifact), artifact)
    except ArtifactDamaged as error:
        remedy = REMEDIES[error.remedy].format(artifact.run_id)
        return Markup('<p class="empty" role="alert">{} {}</p>').format(error.fault, remedy)


def _preview(path: Path, artifact: Artifact) -> Markup:
    if artifact.media_type in outputs.PICTURES:
        return outputs.picture(
            artifact.id,
            artifact.name,
            cls="figure whole" if outputs.is_photo(artifact.media_type) else "figure whole on-white",
        )
    if can_draw(artifact.media_type) and artifact.size <= MOST:
        return outputs.figure(artifact.id, artifact.name)
    show = _KINDS.get(artifact.media_type) or _KINDS.get(Path(artifact.name).suffix.lower()) or _by_family(artifact)
    if show is None:
        return _nothing("There is no preview for this kind of file. Download it to look inside.")
    try:
        return show(path, artifact)
    except (ValueError, KeyError, TypeError, AttributeError, csv.Error):
        return _nothing("It could not be read as what it says it is. Download it to look inside.")


def _by_family(artifact: Artifact) -> Callable[[Path, Artifact], Markup] | None:
    if artifact.media_type.startswith("text/"):
        return _text
    return _json if artifact.media_type.endswith(("+json", "/json")) else None


def _nothing(sentence: str) -> Markup:
    return Markup('<p class="empty">{}</p>').format(sentence)


def _front(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(FRONT).decode("utf-8-sig", errors="replace")


def _cut(artifact: Artifact) -> Markup:
    if artifact.size <= FRONT:
        return Markup("")
    return Markup('<p class="more">Only its beginning is shown.</p>')


def _text(path: Path, artifact: Artifact) -> Markup:
    return Markup('<pre class="stream">{}</pre>{}').format(_front(path), _cut(artifact))


def _code(language: str) -> Callable[[Path, Artifact], Markup]:
    return lambda path, artifact: code.highlight(_front(path), language) + _cut(artifact)


def _json(path: Path, artifact: Artifact) -> Markup:
    if artifact.size > FRONT:
        return _text(path, artifact)
    pretty = json.dumps(json.loads(path.read_text(encoding="utf-8")), indent=2, ensure_ascii=False)
    return code.highlight(pretty, "json")


def _markdown(path: Path, artifact: Artifact) -> Markup:
    return Markup('<div class="prose">{}</div>{}').format(safe.markdown(_front(path)), _cut(artifact))


def _html(path: Path, artifact: Artifact) -> Markup:
    if artifact.size > WHOLE:
        return _nothing("It is too large to be shown here. Download it to look inside.")
    return safe.frame(path.read_text(encoding="utf-8", errors="replace"), artifact.name, tall=True)


def _csv(path: Path, artifact: Artifact) -> Markup:
    text = _front(path)
    if artifact.size > FRONT:
        text = text.rpartition("\n")[0]
    try:
        dialect: Any = csv.Sniffer().sniff(text[:20_000], ",;\t|")
    except csv.Error:
        dialect = csv.excel
    rows = [row for _, row in zip(range(LINES + 2), csv.reader(io.StringIO(text), dialect), strict=False)]
    more = len(rows) > LINES + 1 or artifact.size > FRONT
    note = f"The first {LINES} rows are shown." if more else ""
    return outputs.table_html(safe.Table(head=rows[:1], rows=rows[1 : LINES + 1], note=note))


def _parquet(path: Path, artifact: Artifact) -> Markup:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        first = next(file.iter_batches(LINES), None)
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error
    rows = [] if first is None else [["" if v is None else str(v) for v in row.values()] for row in first.to_pylist()]
    count = file.metadata.num_rows
    note = f"The first {LINES} of {count:,} rows are shown." if count > LINES else ""
    return outputs.table_html(safe.Table(head=[file.schema_arrow.names], rows=rows, note=note))


def _notebook(path: Path, artifact: Artifact) -> Markup:
    """A notebook as its cells; what each put out is shown as safely as when it ran."""
    if artifact.size > WHOLE:
        return _nothing("It is too large to be shown here. Download it to look inside.")
    parts: list[Markup] = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(Markup('<div class="prose">{}</div>').format(safe.markdown(source)))
        elif cell["cell_type"] == "code":
            shown = outputs.show(_outputs(cell.get("outputs", [])))
            parts.append(
                Markup('<div class="cell"><div class="source">{}</div><div class="outputs">{}</div></div>').format(
                    code.highlight(source), shown
                )
            )
    return Markup('<div class="notebook">{}</div>').format(Markup("").join(parts))


def _outputs(items: list[dict[str, Any]]) -> list[Output]:
    found: list[Output] = []
    for item in items:
        if item["output_type"] == "stream":
            kind = "stderr" if item["name"] == "stderr" else "stdout"
            found.append(Output(kind=kind, text="".join(item["text"])))
        elif item["output_type"] == "error":
            found.append(Output(kind="stderr", text="\n".join(item["traceback"])))
        else:
            found.append(Output(kind="display", data=item["data"]))
    return found


_KINDS: dict[str, Callable[[Path, Artifact], Markup]] = {
    "text/csv": _csv,
    "text/tab-separated-values": _csv,
    ".csv": _csv,
    ".tsv": _csv,
    "text/markdown": _markdown,
    ".md": _markdown,
    "text/html": _html,
    ".html": _html,
    "application/json": _json,
    ".json": _json,
    "application/x-ipynb+json": _notebook,
    ".ipynb": _notebook,
    "application/vnd.apache.parquet": _parquet,
    ".parquet": _parquet,
    "text/x-python": _code("python"),
    ".py": _code("python"),
    ".sql": _code("sql"),
}
