"""What a kernel holds, as far as that follows from the cells that it ran: which cell made each value, from what."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from notebooks.live.reading import ANYTHING, FILES, LOCAL, RANDOM, SETTINGS, Names, Reading, either, read
from notebooks.live.reading.parsing import base_name

EVERYTHING = "*"
"""In place of a name: all that a cell of unknown effect may have bound."""
WAS = "~was:"
"""Before the name of what something else stood for until a cell perhaps bound it anew."""
_MOST = 1_000  # steps that are remembered
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Item:
    """A cell as its dependencies need it: `failed` and `wrote` are how its source came out when it ran last.

    `wrote` are the names of the files that it wrote; None where it has not run. `sampled`: a file of the notebook is so
    large that the toolkit reads a sample of it, and keeps in mind that it did.
    """

    id: str
    source: str
    failed: bool = False
    wrote: frozenset[str] | None = None
    sampled: bool = False


@dataclass(frozen=True)
class Needs:
    """What a cell needs of the state before it, and what it leaves changed.

    `perhaps` are bound by it or not, which nothing in the cell itself depends on: what they were before shines through.
    `classes` are those after it, with the highest number of one. `again` are names that it perhaps binds without a
    look at what they were before, and the names that this has from here on.
    """

    needed: frozenset[str]
    perhaps: frozenset[str]
    bound: frozenset[str]
    changed: frozenset[str]
    joined: tuple[tuple[str, frozenset[str]], ...]
    classes: tuple[dict[str, int], int]
    again: Mapping[str, str]
    reading: Reading


@dataclass
class State:
    """For every name: how its value came about (`keys`), which cells wrote it last, and what may share memory with it.

    Two states in which a name has the same key hold equal values under it. Files and hidden settings count as names.
    A plan lets the same cells run from the same states again and again, so every step is remembered: `mark` is the
    same in states that are the same, and the tables of a state are replaced, never changed.
    """

    keys: dict[str, str] = field(default_factory=dict)
    makers: dict[str, frozenset[str]] = field(default_factory=dict)
    classes: dict[str, int] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
    count: int = 0
    mark: int = field(default=0, compare=False)

    def copy(self) -> State:
        """A state that goes its own way."""
        return replace(self)

    def key(self, name: str) -> str:
        """How a name's value came about; of one that no cell is known to have bound, what unknown cells left."""
        return self.keys.get(name) or ("" if name.startswith(("~", "file:")) else self.keys.get(EVERYTHING, ""))

    def needs(self, cell: Item) -> Needs:
        """What a cell would need of this state."""
        step = self._step(cell)
        if step.needs is None:
            step.needs = self._found(cell, read(cell.source, self.names, trusting=not cell.sampled))
        return step.needs

    def _found(self, cell: Item, reading: Reading) -> Needs:
        binds, maybe = set(reading.binds), set(reading.maybe)
        if cell.failed:
            binds, maybe = set(), binds | maybe
        reads, written = set(reading.reads), self._written(cell, reading)
        if FILES in reading.mutates and cell.wrote is None:
            written.add(FILES)
        reads |= self._files_read(reading, cell)
        if reading.opaque or EVERYTHING in reads:
            reads |= set(self.keys) | {EVERYTHING}
        mutates = set(reading.mutates) | (
            {*self.keys, EVERYTHING, FILES, RANDOM, SETTINGS} if reading.opaque else set()
        )
        joined = [(name, shares) for name, shares in reading.aliases]
        again = {n: f"{WAS}{n}:{cell.id}" for n in maybe - reads - reading.mutates if LOCAL not in n}
        classes, count = self._joined(joined, reading, again)
        members: dict[int, set[str]] = {}
        for name, number in classes.items():
            members.setdefault(number, set()).add(name)
        changed = {n for m in mutates for n in (members[classes[m]] if m in classes else {m})}
        needed = reads | {n for n in changed if (n not in binds or n in reads) and not n.startswith(WAS)}
        perhaps = frozenset(n for n in maybe if n not in needed and LOCAL not in n)
        plain = frozenset(n for n in needed if LOCAL not in n)
        bound = frozenset(binds | {f for f in written if f not in changed})
        return Needs(
            plain,
            perhaps,
            bound,
            frozenset(n for n in changed | (maybe & needed) if LOCAL not in n and not n.startswith(WAS)),
            tuple(joined),
            (classes, count),
            again,
            reading,
        )

    def signature(self, cell: Item, needed: Iterable[str]) -> str:
        """All that decides what a cell puts out: its source, and how what it needs came about."""
        names = sorted(needed)
        partition = [self.classes.get(n, -1) for n in names]
        first = {number: i for i, number in reversed(list(enumerate(partition))) if number >= 0}
        several = Counter(partition)
        told = [
            (n, self.key(n), first.get(c, -1) if several[c] > 1 else -1) for n, c in zip(names, partition, strict=True)
        ]
        return _digest(cell.source, *(f"{n}\0{k}\0{p}" for n, k, p in told))

    def run(self, cell: Item, like: State | None = None) -> str:
        """The cell runs: the state is the one after it. Returns its signature.

        `like` is a state that has the same of all that the cell needs, so that its source means the same in both.
        """
        step = self._step(cell if like is None or like.mark == self.mark else (cell, like.mark))
        if step.after is None:
            if like is not None and step.needs is None:
                step.needs = self._found(cell, like.needs(cell).reading)
            signature = self._run(cell, step.needs or self.needs(cell))
            self.mark = next(_numbers)
            step.after = signature, self.copy()
        signature, after = step.after
        self.__dict__.update(after.__dict__)
        return signature

    def _run(self, cell: Item, needs: Needs) -> str:
        reading = needs.reading
        self.keys, self.makers, self.names = dict(self.keys), dict(self.makers), self.names.copy()
        signature, mine = self.signature(cell, needs.needed), frozenset({cell.id})
        self.classes, self.count = needs.classes
        if reading.opaque:
            self.count += 1
            self.classes = dict.fromkeys((*self.keys, *self.classes), self.count)
        for name in (*needs.changed, *needs.bound):
            self.keys[name] = _digest(signature, name)
            self.makers[name] = mine
        for name in needs.perhaps:
            self.keys[name] = _digest(signature, name, self.key(name))
            self.makers[name] = mine | self.makers.get(name, frozenset())
        if reading.opaque:
            self.keys[EVERYTHING], self.makers[EVERYTHING] = _digest(signature, EVERYTHING), mine
        for name, shares in needs.joined:
            if shares and LOCAL not in name:
                self.makers.setdefault(name, mine)
        self._learn(reading, needs)
        return signature

    def drop(self, name: str) -> None:
        """A name is deleted, or a file removed."""
        step = self._step(name)
        if step.after is None:
            self.keys, self.makers = dict(self.keys), dict(self.makers)
            self.classes, self.names = dict(self.classes), self.names.copy()
            for table in (self.keys, self.makers, self.classes):
                table.pop(name, None)
            self.names.forget(name)
            self.mark = next(_numbers)
            step.after = "", self.copy()
        self.__dict__.update(step.after[1].__dict__)

    def take(self, name: str, other: State) -> None:
        """A name gets the value that it has in another state."""
        self.keys, self.makers = self.keys | {name: other.keys[name]}, self.makers | {name: other.makers[name]}
        self.mark = next(_numbers)

    def _step(self, what: _What) -> _Step:
        """What is remembered of a cell that runs from here, by itself or like in a state; or of a name's deletion."""
        if (step := _STEPS.get((self.mark, what))) is None:
            if len(_STEPS) >= _MOST:
                _STEPS.clear()
            step = _STEPS[self.mark, what] = _Step()
        return step

    def together(self, names: Iterable[str]) -> set[str]:
        """The names that may share memory with one of these, themselves among them."""
        names = set(names)
        numbers = {self.classes[n] for n in names if n in self.classes}
        return names | {n for n, c in self.classes.items() if c in numbers}

    def _joined(
        self, joined: Iterable[tuple[str, frozenset[str]]], reading: Reading, again: Mapping[str, str]
    ) -> tuple[dict[str, int], int]:
        """The classes after these names came to stand for these others, and the highest number of one.

        Those that were perhaps bound `again`, and are not asked for what they were, have classes of their own, so that
        a loop's variable does not tie together all that it ever ran over. What each was before has another name.
        """
        classes, count = dict(self.classes), self.count
        for name, before in again.items():
            if (number := classes.pop(name, None)) is not None:
                same = classes.get(before, number)
                classes = {n: number if c == same else c for n, c in classes.items()} | {before: number}
        fresh = {n for n in reading.binds if n not in reading.reads}
        for name in fresh:
            classes.pop(name, None)  # it stands for something else now
        into: dict[int, int] = {}  # the number of a class that has become part of another one's

        def now(number: int) -> int:
            while (other := into.get(number)) is not None:
                number = other
            return number

        for name, shares in joined:
            numbers = set()
            for one in (name, *shares):
                if one not in classes:
                    count += 1
                    classes[one] = count
                numbers.add(now(classes[one]))
            least = min(numbers)
            into |= dict.fromkeys(numbers - {least}, least)
        return {n: now(c) for n, c in classes.items()}, count

    def _written(self, cell: Item, reading: Reading) -> set[str]:
        """The files that a cell writes: as the record saw it, or else as its source says it."""
        named = {f"file:{base_name(w)}" for w in reading.writes if w != "*"}
        if cell.wrote is not None:
            return named & self.keys.keys() | {f"file:{base_name(w)}" for w in cell.wrote}
        return named | ({FILES} if "*" in reading.writes else set())

    def _files_read(self, reading: Reading, cell: Item) -> set[str]:
        files = {n for n in self.keys if n.startswith("file:")}
        if "*" in reading.files:
            return files | {FILES}
        named = {f"file:{base_name(f)}" for f in reading.files}
        return (named & files) | ({FILES} if reading.files and FILES in self.keys else set()) | named

    def _learn(self, reading: Reading, needs: Needs) -> None:
        mine, new = self.names, reading.names
        before = {n: mine.before.get(n, frozenset()) | {told} for n, told in needs.again.items()}
        certain, functions = reading.binds & needs.bound, dict(mine.functions)
        for name in reading.binds | reading.maybe:
            if name in certain:
                mine.forget(name)
                continue
            mine.kinds.pop(name, None)  # it may still be what it was, so all else that is known of that holds on
            if mine.origins.get(name) != new.origins.get(name):
                mine.origins.pop(name, None)
            if name in functions:
                mine.learn(name, either(functions[name], ANYTHING))
        mine.origins |= new.origins
        for name, function in new.functions.items():
            mine.learn(name, function if name in certain else either(functions.get(name, ANYTHING), function))
        mine.kinds |= {n: k for n, k in new.kinds.items() if n in certain}
        for name, carries in new.carried.items():
            if LOCAL not in name:
                mine.carried[name] = carries | (
                    mine.carried.get(name, frozenset()) if name not in certain else frozenset()
                )
        for name, used_up in new.used_up.items():
            if LOCAL not in name:
                mine.used_up[name] = max(used_up, mine.used_up.get(name, 0))
        mine.methods |= new.methods
        mine.shadowed |= new.shadowed
        mine.constants |= new.constants
        mine.before |= before


@dataclass
class _Step:
    """One step from one state: what it needs of that, its signature, and the state that it leads to."""

    needs: Needs | None = None
    after: tuple[str, State] | None = None


type _What = Item | tuple[Item, int] | str
_STEPS: dict[tuple[int, _What], _Step] = {}


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\1".join(parts).encode("utf-8", "replace"), digest_size=12).hexdigest()
