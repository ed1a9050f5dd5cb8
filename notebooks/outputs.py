"""What a cell puts out: from the sandbox's result to a recorded `Output`, and from there to a notebook's output."""

from __future__ import annotations

import base64
import json
import math
import mimetypes
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from artifacts.errors import ArtifactDamaged
from artifacts.types import ANSWER_MIME, FINDING_MIME, Execution, ExecutionError, Output
from kernel_gateway.inside.notebook import MIME

if TYPE_CHECKING:
    from e2b_code_interpreter import Result

LARGE = 200_000
"""Characters of HTML or JSON beyond which a display becomes an artifact."""

LONG = 1_000_000
"""Characters of any other text beyond which a display is cut."""

MAX_DEPTH = 60
"""How deeply a JSON display may nest. Deeper than this it is somebody's attack, or nobody's chart."""

_FIELDS = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "pdf": "application/pdf",
    "text": "text/plain",
    "svg": "image/svg+xml",
    "html": "text/html",
    "markdown": "text/markdown",
    "latex": "text/latex",
    "javascript": "application/javascript",
    "json": "application/json",
}
_MIME = re.compile(r"[A-Za-z0-9][\w.+-]{0,63}/[A-Za-z0-9][\w.+-]{0,99}", re.ASCII)
_SUFFIXES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/svg+xml": ".svg",
    "application/pdf": ".pdf",
    "text/html": ".html",
    "application/json": ".json",
}


@dataclass(frozen=True)
class Parts:
    """A result taken apart: what stays in the record, what becomes files, and what could not be kept."""

    text: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    display_id: str | None = None
    figure: dict[str, Any] = field(default_factory=dict)
    dropped: int = 0
    notes: tuple[str, ...] = ()


def clean(text: str) -> str:
    """The same text, with lone surrogates (a kernel can send them, no file can hold them) replaced by `?`."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text


def take_apart(result: Result) -> Parts:
    """Sort the sandbox's result into recorded text and data, and bytes that deserve to be an artifact.

    A DataFrame's HTML table stays in the data; E2B's own `data` and `chart` extracts are dropped, since they repeat
    what the table and the picture show. Pictures, sound, PDF, Plotly and Vega charts and large HTML become bytes.
    """
    blobs: dict[str, bytes] = {}
    data: dict[str, Any] = {}
    notes: list[str] = []
    dropped = 0
    bundle = _bundle(result)
    told = bundle.pop(MIME, None)
    told = finite(told) if isinstance(told, dict) and _shallow(told) else {}
    metadata, display_id, figure = told.get("metadata"), told.get("display_id"), told.get("figure")
    for mime, value in bundle.items():
        if is_encoded(mime):
            raw = _decoded(value)
            if raw is None:
                notes.append(f"A cell displayed {mime} that was not valid base64; it was left out.")
            elif isinstance(value, str) and base64.b64encode(raw).decode() != value and len(value) <= LARGE:
                data[mime] = value  # with line breaks, say, which the notebook keeps
            else:
                blobs[mime] = raw
        elif not _MIME.fullmatch(mime):
            notes.append("A cell displayed something under a name that is no MIME type; it was left out.")
        elif not _shallow(value):
            notes.append(f"A cell displayed {mime} nested more than {MAX_DEPTH} levels deep; it was left out.")
        elif isinstance(value, str) or not mime.endswith("json"):
            text = clean(str(value))
            if mime == "image/svg+xml" or is_chart(mime) or (mime == "text/html" and len(text) > LARGE):
                blobs[mime] = text.encode()
            else:
                data[mime] = text[:LONG]
                dropped += max(0, len(text) - LONG)
        else:
            value = finite(value)
            encoded = clean(json.dumps(value, ensure_ascii=False, sort_keys=True))
            if is_chart(mime) or (len(encoded) > LARGE and mime not in (FINDING_MIME, ANSWER_MIME)):
                blobs[mime] = encoded.encode()
            else:
                data[mime] = value
    return Parts(
        text=data.get("text/plain", ""),
        data=data,
        blobs=blobs,
        metadata=metadata if isinstance(metadata, dict) else {},
        display_id=display_id if isinstance(display_id, str) else None,
        figure=figure if isinstance(figure, dict) and len(json.dumps(figure)) <= LARGE else {},
        dropped=dropped,
        notes=tuple(notes),
    )


def widgets(told: dict[str, dict[str, Any]]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The states of widgets as they can be recorded, and a sentence if some cannot."""
    kept = {id: finite(state) for id, state in told.items() if _shallow(state)}
    if len(kept) == len(told) and len(json.dumps(kept)) <= LARGE:
        return kept, []
    return {}, ["its widgets hold more than can be recorded; the notebook shows their text alone."]


def is_encoded(mime: str) -> bool:
    """Whether the data of a MIME type are bytes, which travel as base64."""
    return mime.startswith(("image/", "audio/", "video/", "application/pdf")) and not mime.endswith(("+xml", "+json"))


def _decoded(value: object) -> bytes | None:
    try:
        return base64.b64decode(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _bundle(result: Result) -> dict[str, Any]:
    """What the result has, by MIME type. A kernel may send any JSON value under any name."""
    named = {mime: getattr(result, name) for name, mime in _FIELDS.items()}
    bundle = {str(mime): value for mime, value in {**named, **(result.extra or {})}.items() if value is not None}
    spec = _of_altair(bundle.get("text/html"))
    if spec is not None and not any(map(is_chart, bundle)):
        bundle[f"application/vnd.vegalite.v{spec['$schema'].rpartition('/v')[2][:1]}+json"] = spec
    return bundle


def _of_altair(html: object) -> dict[str, Any] | None:
    """The Vega-Lite chart in what Altair displays unless told otherwise: HTML whose scripts come from elsewhere."""
    found = _ALTAIR.search(html) if isinstance(html, str) and "vegaEmbed(" in html else None
    if found is None:
        return None
    try:
        spec, _ = json.JSONDecoder().raw_decode(found.string, found.end())
    except (ValueError, RecursionError):
        return None
    plain = isinstance(spec, dict) and re.search(r"/vega-lite/v\d", str(spec.get("$schema")))
    return spec if plain else None


_ALTAIR = re.compile(r"\n\s*\}\)\((?=\{)")


def is_chart(mime: str) -> bool:
    """Whether a MIME type is a Plotly or Vega chart description."""
    return mime.startswith(("application/vnd.plotly.", "application/vnd.vega"))


def suffix(mime: str) -> str:
    """The file ending for a displayed MIME type."""
    if mime.startswith("application/vnd.plotly."):
        return ".plotly.json"
    if mime.startswith("application/vnd.vega"):
        return ".vega.json"
    return _SUFFIXES.get(mime) or mimetypes.guess_extension(mime) or (".json" if mime.endswith("json") else ".bin")


def _shallow(value: object) -> bool:
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        level = [child for item in level for child in _children(item)]
        if not level:
            return True
    return False


def _children(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def finite(value: Any) -> Any:
    """The same JSON value with NaN and infinities as null and clean text: JSON has no such numbers. Shallow only."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(k)): finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [finite(v) for v in value]
    return value


def merged(outputs: Iterable[Output]) -> list[Output]:
    """The same outputs with neighbouring pieces of one stream joined, as a notebook keeps them."""
    whole: list[Output] = []
    for output in outputs:
        last = whole[-1] if whole else None
        if last is not None and output.kind in ("stdout", "stderr") and last.kind == output.kind:
            joined = {"text": last.text + output.text, "truncated": last.truncated + output.truncated}
            whole[-1] = last.model_copy(update=joined)
        else:
            whole.append(output)
    return whole


def as_notebook(execution: Execution, read: Callable[[str], bytes], count: int | None) -> list[Any]:
    """A cell's outputs as nbformat nodes, artifact bytes put back in. `read` gives the bytes of an artifact's id.

    In the place of those that are damaged stands a sentence.
    The order of MIME types is fixed, so that the same outputs give the same bytes.
    """
    from notebooks.nb import node

    nodes: list[Any] = []
    error = execution.error if execution.error is not None and execution.error.shown else None
    place = len(execution.outputs) if error is None or error.at is None else error.at
    for part in (execution.outputs[:place], execution.outputs[place:]):
        for output in merged(part):
            if output.kind in ("stdout", "stderr"):
                if output.text:
                    nodes.append(node(output_type="stream", name=output.kind, text=output.text))
                continue
            bundle = dict(output.data)
            for mime, artifact_id in output.artifacts.items():
                if not (mime.startswith("application/vnd.vegalite.") and _of_altair(bundle.get("text/html"))):
                    try:
                        bundle[mime] = _inline(mime, read(artifact_id))  # what was not read out of the HTML beside it
                    except ArtifactDamaged as damaged:
                        bundle["text/plain"] = f"{bundle.get('text/plain', '')}\n[{damaged}]".strip()
            if output.truncated and "text/plain" in bundle:
                bundle["text/plain"] += f"\n[{output.truncated:,} more characters were not recorded]"
            shown = {"data": {mime: bundle[mime] for mime in sorted(bundle)}, "metadata": output.metadata}
            if output.kind == "result":
                nodes.append(node(output_type="execute_result", **shown, execution_count=count))
            else:
                nodes.append(node(output_type="display_data", **shown))
        if error is not None:
            nodes.append(error_output(error))
            error = None
    return nodes


def error_output(error: ExecutionError) -> Any:
    """An exception as a notebook's error output."""
    from notebooks.nb import node

    lines = list(error.frames) or (error.traceback or f"{error.name}: {error.value}").splitlines()
    return node(output_type="error", ename=error.name, evalue=error.value, traceback=lines)


def _inline(mime: str, data: bytes) -> Any:
    if not is_encoded(mime) and not mime.endswith("json"):
        return data.decode("utf-8", "replace")
    if mime.endswith("json"):
        try:
            return json.loads(data)
        except ValueError:
            return data.decode("utf-8", "replace")
    return base64.b64encode(data).decode("ascii")
