"""What a notebook keeps of a cell and E2B's stream has no word for, told to a client that asks for it.

A client asks by setting the variable `ASK` for a call; the interpreter keeps it from the kernel. Such a client gets
each result as Jupyter has it, its text as it stands and no MIME type that E2B adds, and under `MIME` in the `extra` of
a result what else there is to know. A host that has never heard of `ASK` sends E2B's stream, which is understood too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kernel_gateway.inside.figures import MIME as FIGURE
from kernel_gateway.inside.jupyter import Incoming
from kernel_gateway.inside.results import line, result_fields, translate

ASK = "GRISTMILL_NOTEBOOK_OUTPUT"
"""The variable of a call by which a client asks for what a notebook keeps."""

COPY = "GRISTMILL_KERNEL_COPY"
"""The variable of a call that runs nothing: `keep NAME` copies the kernel, `back NAME` goes back to a copy, `drop NAME`
lets one go. What came of it is told as `{"copy": {"done": bool, "why": text}}`; see `keeping.py`.
"""

MIME = "application/vnd.gristmill.cell+json"
"""Where in the `extra` of a result it is told.

`{"metadata", "display_id", "figure"}` of that result, each only if there is one, the last what a figure's artists say;
`{"update": display_id, "metadata"}` for a result that replaces all of that id; `{"clear": wait}`;
`{"comm": {"id", "state"}}` of a widget; and at the end `{"status", "shown"}` where it is not as the stream looks, for
an error that was shown and is none of the cell's (`status` ok) or one that the cell has not shown; or `{"died": true}`
when the kernel has ended. Before an error `{"traceback"}`, its pieces with their colours. Last of all `{"files"}`, a
digest that is another where a file of the user's folder has come, gone or changed (`DEPTH` folders deep), and
`language`, a notebook's `language_info`, empty where only the kernel knows it.
"""

DEPTH = 4
"""Folders, the user's own the first, in which files are looked at."""

VERDICT = "gristmill_verdict"
"""The message by which our own kernel says, before it is idle, that a cell has failed."""


def as_notebook(message: Incoming) -> Iterator[bytes]:
    """The lines for a kernel's message, for a client that has asked."""
    content = message.content
    match message.kind:
        case "display_data" | "execute_result" | "update_display_data":
            data, told = content.get("data"), _beside(content, update=message.kind == "update_display_data")
            shown = dict(data) if isinstance(data, dict) else {}
            if (figure := shown.pop(FIGURE, None)) is not None:
                told["figure"] = figure
            fields = result_fields(shown)
            if told:
                fields["extra"] = {**fields.get("extra", {}), MIME: told}
            yield line("result", **fields, is_main_result=message.kind == "execute_result")
        case "clear_output":
            yield tell(clear=bool(content.get("wait")))
        case "comm_open" | "comm_msg" if isinstance(data := content.get("data"), dict) and "state" in data:
            yield tell(comm={"id": str(content.get("comm_id")), "state": data["state"]})
        case "error":
            yield tell(traceback=[str(part) for part in content.get("traceback") or []])
            yield from translate(message)
        case _:
            yield from translate(message)


def tell(**said: Any) -> bytes:
    """A line that says this, and is no result."""
    return line("result", extra={MIME: said}, is_main_result=False)


def _beside(content: dict[str, Any], *, update: bool) -> dict[str, Any]:
    transient = content.get("transient")
    display_id = transient.get("display_id") if isinstance(transient, dict) else None
    told = {"metadata": content.get("metadata"), "update" if update else "display_id": display_id}
    return {name: value for name, value in told.items() if value}
