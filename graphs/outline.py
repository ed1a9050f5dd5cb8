"""What the lead agent is told before it answers a message: the conversation so far and the notebook, both kept short.

Both are cut by age, not by the window of a model: of older turns and cells a line each, since the record has all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from artifacts.events import RunView
from artifacts.types import Cell, Execution, Turn
from graphs.briefs import block, told_table
from graphs.tools.notebook import shorten
from notebooks.catalog import Template

NEW_TURNS, NEW_CELLS = 5, 8
"""Turns and cells that are told with what they said, the newest; older ones have a line each."""
_SAID, _SOURCE, _PRINTED, _LINE = 1_200, 1_200, 800, 160
_MOST = 120  # cells of which there is a line; of still older ones there is their number
_FOUND = 30  # findings
_OUTDATED = "(cells that this rests on have changed since) "


def turn_brief(
    view: RunView,
    turn: Turn,
    tables: Sequence[dict[str, Any]],
    roles: Mapping[str, str],
    templates: Sequence[Template],
) -> str:
    """For a further turn: what was said, what the notebook has, and the message that is to be answered."""
    facts = {
        "files": [told_table(t) for t in tables],
        "roles": dict(roles),
        "templates": {t.name: t.when for t in templates},
        "findings": [{"id": f.id, "cell": f.evidence.cell, "text": f.text} for f in view.findings[-_FOUND:]],
    }
    parts = [
        "# The conversation so far",
        conversation(view, turn),
        "# The notebook",
        notebook(view),
        "# The tables",
        block(facts),
        "# The message that you answer",
        f"The {turn.by} says: {turn.message}",
    ]
    return "\n\n".join(parts)


def conversation(view: RunView, until: Turn) -> str:
    """The turns before one: of the newest what was said and answered, of the older ones a line."""
    earlier = [t for t in view.turns if t.id != until.id]
    first_new = len(earlier) - NEW_TURNS
    return "\n".join(_turn(view, t, _SAID if place >= first_new else _LINE) for place, t in enumerate(earlier))


def notebook(view: RunView) -> str:
    """The cells in their order: a line each, and of the newest the source and what they put out."""
    ran = {x.cell: x for x in view.executions}
    cells = [c for c in view.cells if not {"toolkit", "describe"} & set(c.tags)]
    newest = {c.id for c in cells[-NEW_CELLS:]}
    left = cells[:-_MOST]
    lines = [f"{len(left)} older cells, {left[0].id} to {left[-1].id}, are not listed."] if left else []
    for cell in cells[-_MOST:]:
        lines.append(_line(cell, ran.get(cell.id)))
        if cell.id in newest:
            lines.append(_whole(cell, ran.get(cell.id)))
    return "\n".join(lines)


def _turn(view: RunView, turn: Turn, most: int) -> str:
    further = {t.id for t in view.turns[1:]}
    mine = [a for a in view.answers if (a.question == turn.id if turn.id in further else a.question not in further)]
    told = " ".join((_OUTDATED if a.outdated else "") + (a.text or a.why) for a in mine) or (
        view.report.answer if view.report and turn.id not in further else ""
    )
    answer = told or f"(no answer: the turn is {turn.status})"
    return f"- {turn.id}, {turn.by}: {_one(turn.message, most)}\n  Answered: {_one(answer, most)}"


def _line(cell: Cell, ran: Execution | None) -> str:
    state = "" if cell.state == "fresh" else f", {cell.state}"
    printed = _one(ran.text, _LINE // 2) if ran is not None else ""
    return f"- {cell.id} ({cell.author}{state}): {_one(cell.title, _LINE // 2)}" + (f" | {printed}" if printed else "")


def _whole(cell: Cell, ran: Execution | None) -> str:
    """The source and the output, fenced by tildes, since both often hold backticks."""
    out = shorten(ran.text, _PRINTED) if ran is not None else ""
    if ran is not None and ran.error is not None:
        out += f"\n{ran.error.name}: {ran.error.value}"[:_PRINTED]
    return f"~~~~python\n{shorten(cell.source, _SOURCE)}\n~~~~\n~~~~\n{out}\n~~~~"


def _one(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[:most]} …"
