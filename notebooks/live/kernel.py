"""The live kernel of a notebook, and copies of it to go back to. See `docs/decisions/0022`.

A copy is a cache over replay: where there is none, or no way back to it, cells run again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from artifacts.events import RunView
from notebooks.live.dependencies import clean, plan
from notebooks.live.document import executions, items
from notebooks.live.state import Item, State
from notebooks.session import Session

WORTH = 0.2
"""Seconds that cells must have taken for a copy of what they left, and that going back to one must save."""
BETWEEN, PARTS = 1.0, 4
"""Seconds that cells take until a copy is kept while others wait to run: so many, and a part of all the notebook's."""
MOST = 8
"""Copies of one kernel; the oldest makes room, in the sandbox, too."""

_UNKNOWN = 0.1
"""Seconds of a cell that has not run yet, as far as one can guess."""
_FRESH = 0.5
"""Seconds of a new sandbox."""


@dataclass(frozen=True)
class Copy:
    """A kept copy: its name in the sandbox, what it holds, and the place in the record up to which it goes."""

    name: str
    state: State
    at: int


@dataclass
class LiveKernel:
    """A sandbox that is open, and what its kernel holds from cells up to the event `at` of the run's record.

    `since` are the seconds that cells have taken since the last copy.
    """

    session: Session
    state: State
    at: int
    since: float = 0.0
    copies: list[Copy] = field(default_factory=list)
    _named: int = 0

    async def keep(self, state: State, after: float) -> None:
        """Keep a copy of the kernel, which holds `state`, if cells have taken so many seconds since the last one."""
        if self.since < after:
            return
        self.since = 0.0
        if any(copy.state.keys == state.keys for copy in self.copies):
            return
        self._named += 1
        name = f"{self._named}"
        if not await self.session.copied(f"keep {name}"):
            self.copies = [*self.copies, Copy(name, state.copy(), self.at)][-MOST:]

    async def begin(
        self, cells: Sequence[Item], stale: Iterable[str], costs: Mapping[str, float], *, whole: bool = False
    ) -> bool:
        """Go back to a copy if there is much less to do from there for these stale cells; whether that was done.

        With `whole` the kernel is to hold in the end what all cells leave.
        """
        stale = list(stale)
        least = sum(costs.get(id, _UNKNOWN) for id in stale)
        now = _seconds(cells, stale, self.state, costs, whole=whole)
        if now - least < WORTH:
            return False
        ideal = clean(cells).keys
        likely = sorted(
            self.copies, key=lambda c: sum(1 if ideal.get(n) == key else -1 for n, key in c.state.keys.items())
        )
        best: tuple[float, Copy] | None = None
        for copy in reversed(likely):
            took = _seconds(cells, stale, copy.state, costs, whole=whole)
            best = min(best or (took, copy), (took, copy), key=lambda pair: pair[0])
            if took - least < WORTH:
                break
        return best is not None and now - best[0] >= WORTH and await self._go_back(best[1])

    def reaches(self, upto: int) -> bool:
        """Whether the kernel, or a copy of it, is as it was at that place in the record or before."""
        return self.at <= upto or any(copy.at <= upto for copy in self.copies)

    async def share(self, upto: int) -> LiveKernel | None:
        """The kernel as it was at a place in the record, for another notebook that begins there; None if it is lost.

        What came later is not in it, nor in any of its copies. This one is not to be used any more.
        """
        for copy in [c for c in self.copies if c.at > upto]:
            self.copies.remove(copy)
            await self.session.copied(f"drop {copy.name}")
        if self.at > upto:
            for copy in reversed(list(self.copies)):
                if await self._go_back(copy):
                    return self
            return None
        return self

    async def _go_back(self, copy: Copy) -> bool:
        if await self.session.copied(f"back {copy.name}"):
            self.copies.remove(copy)
            return False
        self.state, self.at, self.since = copy.state.copy(), copy.at, 0.0
        return True


def as_left(session: Session, view: RunView, lent: LiveKernel | None, known: Sequence[str]) -> LiveKernel | None:
    """The kernel in which a run's turns have worked, between two turns; None where it is not known what it holds.

    It is where each cell ran there once, in the notebook's order, or was replayed when its sandbox was made. `lent` is
    the kernel as it was when the turns began, with the executions `known` behind it.
    """
    begun = len(known) if lent is not None else 0
    new = view.executions[begun:]
    here = [x for x in new if x.sandbox_id == session.sandbox_id]
    told = (
        view.kernel == session.sandbox_id
        and not (view.tasks or view.away)
        and [x.id for x in view.executions[:begun]] == list(known)[:begun]
        and (lent is None or len(here) == len(new))
        and [c.execution_id for c in view.cells] == [x.id for x in view.executions]
        and all(c.state in ("fresh", "failed") for c in view.cells)
        and all(x.status in ("ok", "error") for x in view.executions)
        and list(new[len(new) - len(here) :]) == sorted(here, key=lambda x: x.seq)
        and not any(x.replaces or (x.error is not None and x.error.died) for x in here)
    )
    if not told:
        return None
    if lent is None:
        return LiveKernel(session, clean(items(view)), view.last_seq)
    for item in items(view)[begun:]:
        lent.state.run(item)
    lent.at = view.last_seq
    return lent


def held(state: State, cells: Sequence[Item]) -> tuple[str, ...] | None:
    """The cells that leave just this when they run in a fresh kernel in their order; None where no such are found."""
    makers = {id for ids in state.makers.values() for id in ids} & {c.id for c in cells}
    for ids in (plan(cells, makers, State(), whole=False).cells, tuple(c.id for c in cells)):
        one = after(cells, ids)
        if one.keys == state.keys and _shared(one) == _shared(state):
            return ids
    return None


def after(cells: Sequence[Item], ids: Iterable[str]) -> State:
    """What a fresh kernel holds after these of the cells ran in it in their order."""
    state, ideal, ids = State(), State(), set(ids)
    for cell in cells:
        if cell.id in ids:
            state.run(cell, like=ideal)
        ideal.run(cell)
    return state


def _shared(state: State) -> set[frozenset[str]]:
    """The names that may share memory."""
    groups: dict[int, set[str]] = {}
    for name, number in state.classes.items():
        groups.setdefault(number, set()).add(name)
    return {frozenset(names) for names in groups.values() if len(names) > 1}


def between(costs: Mapping[str, float]) -> float:
    """Seconds of cells from one copy to the next while a notebook runs."""
    return max(BETWEEN, sum(costs.values()) / PARTS)


def costs(view: RunView) -> dict[str, float]:
    """How many seconds each cell took when it ran last."""
    ran = executions(view)
    return {id: (x.ended_at - x.started_at).total_seconds() for id, x in ran.items() if x.ended_at is not None}


def _seconds(
    cells: Sequence[Item], stale: Iterable[str], state: State, costs: Mapping[str, float], *, whole: bool
) -> float:
    wanted = plan(cells, stale, state, whole=whole)
    return sum(costs.get(id, _UNKNOWN) for id in wanted.cells) + (_FRESH if wanted.fresh else 0.0)
