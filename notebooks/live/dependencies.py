"""Which cells no longer hold after an edit, and which have to run again so that all of them hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from notebooks.live.reading import FILES, RANDOM
from notebooks.live.state import EVERYTHING, Item, State


@dataclass(frozen=True)
class Plan:
    """The cells that are to run, in order. Before each, the names and files in `drops` are deleted, `after` at the end.

    `fresh`: what is there cannot be mended, so all cells run in a fresh kernel.
    """

    cells: tuple[str, ...]
    drops: Mapping[str, tuple[str, ...]]
    after: tuple[str, ...] = ()
    fresh: bool = False


def clean(cells: Iterable[Item]) -> State:
    """What a fresh kernel holds after these cells ran in it in order."""
    state = State()
    for cell in cells:
        state.run(cell)
    return state


def signatures(cells: Iterable[Item]) -> dict[str, str]:
    """For each cell what decides on its outputs when all run in order in a fresh kernel."""
    state = State()
    return {cell.id: state.run(cell) for cell in cells}


def stale_after(before: Sequence[Item], after: Sequence[Item]) -> tuple[str, ...]:
    """The cells whose outputs need not hold any more when a notebook that was run has become another, in order."""
    held = signatures(before)
    return tuple(id for id, signature in signatures(after).items() if held.get(id) != signature)


def following(cells: Sequence[Item], id: str) -> set[str]:
    """The cells whose outputs depend on this one's, and itself."""
    return {id, *stale_after(cells, [replace(c, source=f"{c.source}\n0") if c.id == id else c for c in cells])}


def plan(cells: Sequence[Item], stale: Iterable[str], kernel: State, *, whole: bool = True) -> Plan:
    """What must run so that every stale cell has run as it would in a fresh kernel, given what this kernel holds.

    A cell that is not stale runs again where a stale one needs what it made and something changed that since. With
    `whole` the kernel holds in the end what a fresh one would hold after all cells.
    """
    chosen = set(stale)
    while (found := _try(cells, chosen, kernel, whole=whole)) is not None:
        wanted, drops, after = found
        if not wanted:
            return Plan(tuple(c.id for c in cells if c.id in chosen), drops, after)
        chosen |= wanted
    return Plan(tuple(c.id for c in cells), {}, fresh=True)


def _try(
    cells: Sequence[Item], chosen: set[str], kernel: State, *, whole: bool
) -> tuple[set[str], dict[str, tuple[str, ...]], tuple[str, ...]] | None:
    """Go through the cells with those that are chosen run: which others are wanted, too, and what is to be dropped.

    None where what the kernel holds stands in the way and no cell can mend it.
    """
    state, ideal = kernel.copy(), State()
    wanted: set[str] = set()
    drops: dict[str, tuple[str, ...]] = {}
    stuck = False
    for cell in cells:
        needs = ideal.needs(cell)
        if cell.id in chosen:
            lacking = _lacking(state, ideal, needs.needed)
            gone = [n for n in lacking if not ideal.key(n)]
            gone += [n for n in needs.perhaps if n in state.keys and n not in ideal.keys and n not in gone]
            if any(not _droppable(n) for n in gone):
                return None
            for name in gone:
                state.drop(name)
            if told := tuple(sorted(n for n in gone if n != RANDOM)):
                drops[cell.id] = told
            makers = _makers(ideal, [n for n in lacking if ideal.key(n)])
            wanted |= makers - chosen
            stuck |= any(ideal.key(n) for n in lacking)
            state.run(cell, like=ideal)
        ideal.run(cell)
    if whole and (lacking := [n for n in _lacking(state, ideal, ideal.keys) if n not in (RANDOM, FILES)]):
        wanted |= _makers(ideal, lacking) - chosen
        stuck = True
    if stuck and not wanted:
        return None
    extra = [n for n in state.keys if n not in ideal.keys and _droppable(n) and n != RANDOM]
    if extra and EVERYTHING in ideal.keys:  # code of unknown effect may have bound them
        return None
    return wanted, drops, tuple(sorted(extra))


def holds(kernel: State, cells: Iterable[Item]) -> bool:
    """Whether a kernel holds what a fresh one would after these cells, its random numbers and the files among that."""
    ideal = clean(cells)
    return not _lacking(kernel, ideal, {*ideal.keys, *kernel.keys})


def _makers(ideal: State, names: Iterable[str]) -> set[str]:
    """The cells that wrote these names, and all that may share memory with them, last."""
    unknown = ideal.makers.get(EVERYTHING, frozenset())
    return {cell for n in ideal.together(names) for cell in ideal.makers.get(n, unknown)}


def _lacking(state: State, ideal: State, names: Iterable[str]) -> list[str]:
    """Of these names those that a state does not hold as the ideal one does, or not shared among them in the same way.

    Whatever comes from chance at the start of a kernel is never the same, and counts as the same.
    """
    if state.mark == ideal.mark:
        return []
    names = sorted(names)
    wrong = {n for n in names if state.key(n) != ideal.key(n)}
    mine, theirs = _groups(state, names), _groups(ideal, names)
    return [n for n in names if n in wrong or (n in ideal.keys and mine[n] != theirs[n])]


def _groups(state: State, names: Sequence[str]) -> dict[str, frozenset[str]]:
    """For each of these names those of them that may share memory with it."""
    by: dict[int, set[str]] = {}
    for name in names:
        if name in state.classes:
            by.setdefault(state.classes[name], set()).add(name)
    sets = {number: frozenset(members) for number, members in by.items()}
    return {n: sets[state.classes[n]] if n in state.classes else frozenset({n}) for n in names}


def _droppable(name: str) -> bool:
    return name == RANDOM or not name.startswith(("~", "*"))


@dataclass(frozen=True)
class Step:
    """The next thing to do: in a fresh kernel or not, delete these names and files, then run the cell if there is one.

    `stale`: the cell's outputs do not hold. Otherwise it runs for what it leaves to others.
    """

    cell: str | None
    drops: tuple[str, ...] = ()
    fresh: bool = False
    stale: bool = True


class Catching:
    """Brings a notebook up to date step by step, since only a cell that has run tells whether it fails and what it
    wrote. `held` are the signatures of the outputs that each cell shows, `kernel` is what the kernel holds.
    """

    def __init__(self, cells: Sequence[Item], held: Mapping[str, str], kernel: State, *, whole: bool = True) -> None:
        self.cells, self.held, self.kernel, self._whole = list(cells), dict(held), kernel, whole
        self._left = 4 * len(self.cells) + 8  # steps, before it is given up: what flips for ever is not deterministic
        self._steps: list[Step] = []
        self._signatures: dict[str, str] = {}

    @property
    def stale(self) -> tuple[str, ...]:
        """The cells whose outputs do not hold, in order."""
        return tuple(id for id, signature in signatures(self.cells).items() if self.held.get(id) != signature)

    def next(self, only: Iterable[str] | None = None) -> Step | None:
        """What to do next so that all cells, or `only` these, hold; None when there is nothing left to do."""
        self._left -= 1
        if not self._steps and self._left > 0:
            self._steps = self._planned(only)
        if not self._steps:
            return None
        step = self._steps.pop(0)
        if step.fresh:
            self.kernel = State()
        for name in step.drops:
            self.kernel.drop(name)
        return step

    def ran(self, id: str, *, failed: bool, wrote: Iterable[str] = ()) -> tuple[str, ...]:
        """A cell has run, and came out like this. If that is not as before, what is to be done is planned anew.

        Returns the cells that depend on what was not as before.
        """
        place = next(i for i, c in enumerate(self.cells) if c.id == id)
        cell = replace(self.cells[place], failed=failed, wrote=frozenset(wrote))
        ideal, others = clean(self.cells[:place]), tuple[str, ...]()
        if cell == self.cells[place] and id in self._signatures:
            self.held[id] = self._signatures[id]
        else:
            before = list(self.cells)
            self.cells[place], self._steps = cell, []
            others = stale_after(before, self.cells)
            if RANDOM not in ideal.keys:
                self.kernel.drop(RANDOM)
            self.held[id] = self.kernel.signature(cell, ideal.needs(cell).needed)
        self.kernel.run(cell, like=ideal)
        return others

    def _planned(self, only: Iterable[str] | None) -> list[Step]:
        self._signatures = signatures(self.cells)
        stale = [
            id for id, told in self._signatures.items() if self.held.get(id) != told and (only is None or id in only)
        ]
        wanted = plan(self.cells, stale, self.kernel, whole=self._whole and only is None)
        steps = [Step(id, wanted.drops.get(id, ()), stale=id in stale) for id in wanted.cells]
        if wanted.fresh and steps:
            steps[0] = replace(steps[0], fresh=True)
        if wanted.after:
            steps.append(Step(None, wanted.after))
        return steps
