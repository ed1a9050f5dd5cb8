"""How two runs differ."""

from __future__ import annotations

from artifacts.events import RunView
from artifacts.store import Store
from artifacts.types import Run, Value
from notebooks.live.changes import Change, changes


class Pair(Value):
    """A message or a cell of two runs, as the one has it and the other; None where it has it not."""

    name: str
    a: str | None
    b: str | None


class Difference(Value):
    """How run `b` differs from run `a`. `shared` is the run whose past both have, if there is one."""

    a: str
    b: str
    shared: str | None = None
    messages: tuple[Pair, ...] = ()
    cells: tuple[Pair, ...] = ()
    changed: tuple[Change, ...] = ()


def difference(store: Store, one: Run, other: Run) -> Difference:
    """How two runs differ: messages, cells, outputs, values, findings and files."""
    a, b = store.view(one.id), store.view(other.id)
    return Difference(
        a=a.run.id,
        b=b.run.id,
        shared=_shared(a, b),
        messages=_pairs({t.id: t.message for t in a.turns}, {t.id: t.message for t in b.turns}),
        cells=_pairs({c.id: c.source for c in a.cells}, {c.id: c.source for c in b.cells}),
        changed=tuple(changes(store, a, b)),
    )


def _shared(a: RunView, b: RunView) -> str | None:
    """The run that one is a branch of, where that is the other or both are branches of the same."""
    of = {v.run.id: v.branched.of if v.branched else None for v in (a, b)}
    if of[a.run.id] == b.run.id or of[b.run.id] == a.run.id:
        return b.run.id if of[a.run.id] == b.run.id else a.run.id
    return of[a.run.id] if of[a.run.id] is not None and of[a.run.id] == of[b.run.id] else None


def _pairs(one: dict[str, str], other: dict[str, str]) -> tuple[Pair, ...]:
    """What differs of two, by name."""
    pairs = [Pair(name=name, a=one.get(name), b=other.get(name)) for name in dict.fromkeys((*one, *other))]
    return tuple(p for p in pairs if p.a != p.b)
