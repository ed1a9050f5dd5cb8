"""The conversation of a run as a list: what people and agents said, asked and answered, in the order of the record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from artifacts.events import RunView
from artifacts.types import FIRST_TURN, Message, RunOutcome, Turn, run_outcome
from notebooks.telling.answers import said_of
from notebooks.telling.story import told


@dataclass(frozen=True)
class Entry:
    """One thing in the conversation. `id` is its element's; `what` is the value that its `kind` shows. What edits after
    a turn `changed` is compared in the store, so of that its place is told here alone."""

    id: str
    kind: Literal["said", "reply", "question", "approval", "answer", "report", "end", "changed", "coming"]
    what: Any


@dataclass(frozen=True)
class End:
    """How a turn ended, the cells that were added in it, and how its questions came out."""

    turn: Turn
    cells: tuple[str, ...]
    outcome: RunOutcome | None


@dataclass(frozen=True)
class Reported:
    """What stands in the page after the first turn: how that came out, and how much else is told there."""

    outcome: RunOutcome | None
    findings: int
    warnings: int

    @property
    def more(self) -> str:
        """What stands there beside the answer."""
        counted = ((self.findings, "finding"), (self.warnings, "warning about the data"))
        return " and ".join(f"{n} {word if n == 1 else _several(word)}" for n, word in counted if n)


def _several(word: str) -> str:
    first, *rest = word.split(" ")
    return " ".join((f"{first}s", *rest))


def entries(view: RunView) -> list[Entry]:
    """The conversation, turn by turn; what was said and is not taken up yet stands last."""
    said: list[Entry] = []
    edited = edits(view)
    for place, turn in enumerate(view.turns):
        later = view.turns[place + 1].started_at if place + 1 < len(view.turns) else None
        said += _turn(view, turn, later)
        if turn.id in edited:
            said.append(Entry(f"{turn.id}-changed", "changed", None))
    return said + [Entry(m.id, "coming", m) for m in view.undelivered]


def edits(view: RunView) -> dict[str, RunView]:
    """The turns after which the notebook was edited, each with the run as the last edit then left it."""
    found: dict[str, RunView] = {}
    while (past := view.previous) is not None:
        if len(past.turns) == len(view.turns):
            found.setdefault(view.turns[-1].id, view)
        view = past
    return found


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
    later_turns = {t.id for t in view.turns[1:]}
    first = turn.id == FIRST_TURN
    mine = [a for a in view.answers if (a.question not in later_turns if first else a.question == turn.id)]
    came = run_outcome(mine)
    if first:
        if view.report is not None and turn.status != "running":
            page = told(view)
            yield Entry(f"{turn.id}-report", "report", Reported(came, len(page.headlines), len(page.warnings)))
    else:
        for number, answer in enumerate(mine):
            yield Entry(f"{turn.id}-answer-{number}", "answer", said_of(answer))
    if turn.status != "running":
        cells = tuple(c.id for c in view.cells if c.turn_id == turn.id)
        yield Entry(f"{turn.id}-end", "end", End(turn, cells, came))
