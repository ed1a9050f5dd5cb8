"""The conversation of a run as a list: what people and agents said, asked and answered, in the order of the record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from artifacts.events import RunView
from artifacts.types import FIRST_TURN, Message, Turn
from notebooks.telling.answers import said_of


@dataclass(frozen=True)
class Entry:
    """One thing in the conversation. `id` is its element's; `what` is the value that its `kind` shows."""

    id: str
    kind: Literal["said", "reply", "question", "approval", "answer", "report", "end", "coming"]
    what: Any


@dataclass(frozen=True)
class End:
    """How a turn ended, and the cells that were added in it."""

    turn: Turn
    cells: tuple[str, ...]


def entries(view: RunView) -> list[Entry]:
    """The conversation, turn by turn; what was said and is not taken up yet stands last."""
    told: list[Entry] = []
    for place, turn in enumerate(view.turns):
        later = view.turns[place + 1].started_at if place + 1 < len(view.turns) else None
        told += _turn(view, turn, later)
    return told + [Entry(m.id, "coming", m) for m in view.undelivered]


def _turn(view: RunView, turn: Turn, later: datetime | None) -> Iterator[Entry]:
    def here(at: datetime) -> bool:
        return (turn.id == FIRST_TURN or at >= turn.started_at) and (later is None or at < later)

    yield Entry(f"{turn.id}-said", "said", Message(id=turn.id, text=turn.message, by=turn.by, at=turn.started_at))
    steered = [m for m in view.messages if m.turn_id == turn.id and m.id != turn.message_id]
    timed: list[tuple[datetime, Entry]] = [(m.at, Entry(m.id, "said", m)) for m in steered]
    timed += [(r.at, Entry(f"reply-{r.seq}", "reply", r)) for r in view.replies if r.content and here(r.at)]
    for kind, things in (("question", view.questions), ("approval", view.approvals)):
        for thing in things:
            if thing.turn_id == turn.id:
                timed.append((thing.at or turn.started_at, Entry(thing.id, kind, thing)))  # type: ignore[arg-type]
    yield from (entry for _, entry in sorted(timed, key=lambda pair: pair[0]))
    if turn.id == FIRST_TURN:
        if view.report is not None and turn.status != "running":
            yield Entry(f"{turn.id}-report", "report", len(view.report.order))
    else:
        for number, answer in enumerate(a for a in view.answers if a.question == turn.id):
            yield Entry(f"{turn.id}-answer-{number}", "answer", said_of(answer))
    if turn.status != "running":
        cells = tuple(c.id for c in view.cells if c.turn_id == turn.id)
        yield Entry(f"{turn.id}-end", "end", End(turn, cells))
