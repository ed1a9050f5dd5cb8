"""Kernel messages as lines of E2B's /execute stream: NDJSON, ASCII only."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

from kernel_gateway.inside.jupyter import Incoming
from kernel_gateway.inside.limits import reached

_FIELDS = {
    "text/plain": "text",
    "text/html": "html",
    "text/markdown": "markdown",
    "image/svg+xml": "svg",
    "image/png": "png",
    "image/jpeg": "jpeg",
    "application/pdf": "pdf",
    "text/latex": "latex",
    "application/json": "json",
    "application/javascript": "javascript",
    "e2b/data": "data",
    "e2b/chart": "chart",
}
_PIECE = 1 << 20  # characters of output on one line; a reader can begin with the first while the next is on its way
_UNESCAPED = re.compile(rb"[^\\]{12}")
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


def line(kind: str, **fields: Any) -> bytes:
    """One line of the stream. ASCII, because some clients also split lines on U+2028 and U+0085."""
    return json.dumps({"type": kind, **fields}).encode() + b"\n"


def stream_line(name: str, text: str) -> bytes:
    """A piece of stdout or stderr, with the time in nanoseconds since 1970."""
    return line(name, text=text, timestamp=time.time_ns())


def with_limits(text: str) -> str:
    """What is told of an error, and which of the sandbox's limits was in its way, if one was."""
    limits = reached()
    return f"{text} ({limits})" if limits else text


def error_line(name: str, value: str, traceback: str = "") -> bytes:
    """The error that ended the cell."""
    return line("error", name=name, value=value, traceback=traceback)


def translate(message: Incoming) -> Iterator[bytes]:
    """The line for a kernel's message, or several for long output; none for one that E2B's stream does not have."""
    if message.kind == "stream":
        yield from _output(message)
    elif (told := _translate(message)) is not None:
        yield told


def _output(message: Incoming) -> Iterator[bytes]:
    name = "stderr" if message.content.get("name") == "stderr" else "stdout"
    start, end = 0, len(message.text)
    if not end:
        text = str(message.content.get("text", ""))
        for at in range(0, len(text) or 1, _PIECE):
            yield stream_line(name, text[at : at + _PIECE])
    while start < end:
        # After a dozen characters without a backslash no escape is cut in two.
        cut = _UNESCAPED.search(message.text, start + _PIECE) if end - start > _PIECE else None
        stop = cut.end() if cut is not None else end
        head, tail = f'{{"type": "{name}", "text": "', f'", "timestamp": {time.time_ns()}}}\n'
        yield b"".join((head.encode(), message.text[start:stop], tail.encode()))
        start = stop


def _translate(message: Incoming) -> bytes | None:
    content = message.content
    match message.kind:
        case "execute_input":
            return line("number_of_executions", execution_count=content.get("execution_count"))
        case "error":
            trace = "\n".join(str(part) for part in content.get("traceback") or [])
            return error_line(
                str(content.get("ename")), with_limits(str(content.get("evalue"))), _COLOUR.sub("", trace)
            )
        case "display_data" | "execute_result":
            data = content.get("data")
            return _result(data if isinstance(data, dict) else {}, main=message.kind == "execute_result")
        case _:
            return None


def _result(data: dict[str, Any], *, main: bool) -> bytes:
    fields = result_fields(data)
    text = fields.get("text")
    if isinstance(text, str) and len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        fields["text"] = text[1:-1]
    return line("result", **fields, is_main_result=main)


def result_fields(data: dict[str, Any]) -> dict[str, Any]:
    """A MIME bundle under the names that E2B's stream has for its types, and in `extra` what it has none for."""
    fields: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for mime, value in data.items():
        if (name := _FIELDS.get(mime)) is None:
            extra[mime] = value
        else:
            fields[name] = value
    return {**fields, "extra": extra} if extra else fields
