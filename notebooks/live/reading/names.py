"""What is known of names, and of what an expression gives: the words in which a reading is told."""

from __future__ import annotations

import builtins
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

type Kind = str
"""What a value is: an "atom", which cannot be changed, a "frame" of pandas, a "path", or of a class of the toolkit."""

SETTINGS, RANDOM, FILES = "~settings", "~random", "~files"
LOCAL = "#"
"""In the name of something that lives only within a cell, as the variable of a comprehension."""
LAMBDA = "λ"
"""How the name begins that a function without a name is given: by its text and place, so that it stays what it is."""
SELF = "@"
ANY = "*"
BUILTINS = frozenset((*dir(builtins), "display", "get_ipython", "reload"))


@dataclass(frozen=True)
class Function:
    """What happens where a function, or anything of a class, is used.

    `params` are its parameters by place. `changes` are those of which it may change what they are given, as `x=`, `*=`
    or `**=`; `ANY` is all that it is given. `keeps` are sets of such, and of outer names, that may share memory once it
    has run.
    `gives`: its result may share memory with what it is given, or with what it reads.
    `met` are the functions that it calls, and what they were known to do to what they are given when it was read.
    `alive`: each use may change it, as a class, a generator or a decorated function. `hands`: the functions that its
    result may be or hold, `SELF` for itself or one that it defines. `result` is what its result is. The toolkit's
    classes have `methods`, of which each takes the object as its first parameter, and what their `fields` are.
    `used_up` is that of its result, `fills` are the parameters and outer names that may hold an iterator afterwards.
    """

    reads: frozenset[str] = frozenset()
    mutates: frozenset[str] = frozenset()
    params: tuple[str, ...] = ()
    changes: frozenset[str] = frozenset()
    keeps: frozenset[frozenset[str]] = frozenset()
    met: frozenset[tuple[str, int]] = frozenset()
    gives: bool = True
    alive: bool = False
    opaque: bool = False
    files: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    hands: frozenset[str] = frozenset()
    result: Kind | None = None
    used_up: int = 0
    fills: frozenset[str] = frozenset()
    methods: tuple[tuple[str, Function], ...] = ()
    fields: tuple[tuple[str, Kind], ...] = ()

    @cached_property
    def effect(self) -> int:
        """What it does to what it is given, and what it gives; the same number for the same, in every process."""
        told = self.params, sorted(self.changes), sorted(map(sorted, self.keeps)), self.gives, self.alive
        given = sorted(self.hands), self.result, self.used_up, sorted(self.fills)
        return zlib.crc32(repr((told, given)).encode("utf-8", "replace"))


ANYTHING = Function(changes=frozenset({"*"}), alive=True)
"""What is known of a name that may not stand for a function at all."""


def either(one: Function, other: Function) -> Function:
    """What is known of one of two functions, where it is not known which."""
    if one == other:
        return other
    return Function(
        reads=one.reads | other.reads,
        mutates=one.mutates | other.mutates,
        changes=frozenset({ANY}),
        keeps=one.keeps | other.keeps | {frozenset({ANY, *one.mutates, *other.mutates})},
        met=one.met | other.met,
        alive=one.alive or other.alive,
        opaque=one.opaque or other.opaque,
        files=one.files | other.files,
        writes=one.writes | other.writes,
        hands=one.hands | other.hands,
        used_up=2,
        fills=one.fills | other.fills,
    )


type Context = tuple[
    tuple[tuple[str, str], ...],
    tuple[tuple[str, Function], ...],
    tuple[tuple[str, Kind], ...],
    tuple[tuple[str, frozenset[str]], ...],
    tuple[tuple[str, frozenset[str]], ...],
    tuple[tuple[str, int], ...],
    tuple[str, ...],
    tuple[str, ...],
    tuple[str, ...],
]
"""What is known of some names, field by field, in an order and so that it can be looked up."""


@dataclass
class Names:
    """What is known of names when a cell begins: where they were imported from, and what they stand for."""

    origins: dict[str, str] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    kinds: dict[str, Kind] = field(default_factory=dict)
    carried: dict[str, frozenset[str]] = field(default_factory=dict)
    used_up: dict[str, int] = field(default_factory=dict)  # as of a value
    methods: set[str] = field(default_factory=set)  # of the notebook's own classes
    shadowed: set[str] = field(default_factory=set)  # builtins whose name the notebook uses for something else
    before: dict[str, frozenset[str]] = field(default_factory=dict)  # what a name stood for that was perhaps bound anew
    constants: set[str] = field(default_factory=set)  # the toolkit's, which none of its functions changes or gives away
    _whole: dict[str, Function] = field(default_factory=dict, repr=False, compare=False)

    def copy(self) -> Names:
        """The same, to go its own way."""
        return Names(
            dict(self.origins),
            dict(self.functions),
            dict(self.kinds),
            dict(self.carried),
            dict(self.used_up),
            set(self.methods),
            set(self.shadowed),
            dict(self.before),
            set(self.constants),
            self._whole,
        )

    def learn(self, name: str, function: Function) -> None:
        """A name stands for a function."""
        if self.functions.get(name) is not function:
            self.functions[name] = function
            self._whole = {}

    def learn_all(self, other: Names) -> None:
        """The functions are those that others know, and no more."""
        self.functions, self._whole = dict(other.functions), other._whole

    def whole(self, name: str) -> Function | None:
        """What a function does together with all functions that it uses; None for what is not known to be one.

        Where one of them is not what it was when its caller was read, there is no telling what comes of the call: it
        may change, keep and hand on whatever it is given and reads.
        """
        if (found := self._whole.get(name)) is not None or name not in self.functions:
            return found
        used, todo = dict[str, Function](), [name]
        while todo:
            if (one := todo.pop()) not in used and (function := self.functions.get(one)) is not None:
                used[one] = function
                todo += (*function.reads, *(other for other, _ in function.met))
        parts = used.values()
        found = Function(
            reads=frozenset[str]().union(*(f.reads for f in parts)),
            mutates=frozenset[str]().union(*(f.mutates for f in parts)),
            opaque=any(f.opaque for f in parts),
            files=frozenset[str]().union(*(f.files for f in parts)),
            writes=frozenset[str]().union(*(f.writes for f in parts)),
            fills=frozenset(n for f in parts for n in f.fills if n[-1] != "="),
        )
        if any(other not in used or used[other].effect != effect for f in parts for other, effect in f.met):
            lasting = {n for n, f in used.items() if not f.alive}
            outer = found.mutates | {n for n in found.reads - lasting if not n.startswith("~")}
            hands = frozenset(used).union(*(f.hands for f in parts)) - {SELF}
            keeps = frozenset({frozenset({ANY, *outer})})
            found = replace(found, mutates=outer, changes=frozenset({ANY}), keeps=keeps, hands=hands, used_up=2)
        self._whole[name] = found
        return found

    def stands(self, name: str) -> bool:
        """Whether all that a function calls, by way of others, too, still is what it was when that was read."""
        return (whole := self.whole(name)) is not None and not whole.changes

    def among(self, words: Iterable[str]) -> Context:
        """All that is known of these words, and of what they lead to: what code that uses them can ask about."""
        seen, todo = set[str](), list(words)
        while todo:
            if (name := todo.pop()) not in seen:
                seen.add(name)
                if (function := self.functions.get(name)) is not None:
                    todo += function.reads  # what a function uses counts where the function is used
                todo += self.carried.get(name, ())
                if (kind := self.kinds.get(name)) in self.functions:
                    todo.append(kind)
        return (
            tuple(sorted((n, self.origins[n]) for n in seen & self.origins.keys())),
            tuple(sorted((n, self.functions[n]) for n in seen & self.functions.keys())),
            tuple(sorted((n, self.kinds[n]) for n in seen & self.kinds.keys())),
            tuple(sorted((n, self.carried[n]) for n in seen & self.carried.keys())),
            tuple(sorted((n, self.before[n]) for n in seen & self.before.keys())),
            tuple(sorted((n, self.used_up[n]) for n in seen & self.used_up.keys())),
            tuple(sorted(self.methods & seen)),
            tuple(sorted(self.shadowed & seen)),
            tuple(sorted(self.constants & seen)),
        )

    @classmethod
    def of(cls, context: Context) -> Names:
        """The names of which this is known."""
        origins, functions, kinds, carried, before, used_up, methods, shadowed, constants = context
        tables = dict(origins), dict(functions), dict(kinds), dict(carried)
        return cls(*tables, dict(used_up), set(methods), set(shadowed), dict(before), set(constants))

    def forget(self, name: str) -> None:
        """What a name stood for is not known any more."""
        for table in (self.origins, self.kinds, self.carried, self.before, self.used_up):
            table.pop(name, None)
        if self.functions.pop(name, None) is not None:
            self._whole = {}
        self.constants.discard(name)


@dataclass
class Reading:
    """What a cell does. `binds` are bound whatever happens, `maybe` perhaps; `aliases` come in order.

    `files` are the texts that may name a file that is read, `writes` those of files that are written.
    """

    reads: set[str] = field(default_factory=lambda: {SETTINGS})
    binds: set[str] = field(default_factory=set)
    maybe: set[str] = field(default_factory=set)
    mutates: set[str] = field(default_factory=set)
    aliases: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    names: Names = field(default_factory=Names)
    files: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)
    opaque: bool = False


class Value(NamedTuple):
    """What an expression may give: the names that it may share memory with, and what it is."""

    roots: frozenset[str] = frozenset()
    kind: Kind | None = None
    origin: str | None = None
    carries: frozenset[str] = frozenset()
    used_up: int = 0  # 1: it is used up as it is read; 2: it may hold what is
    fresh: bool = False  # `roots` is where it comes from, but it shares nothing with that

    @property
    def shares(self) -> frozenset[str]:
        return frozenset() if self.fresh or self.kind == "atom" or self.origin else self.roots

    @property
    def within(self) -> int:
        """The `used_up` of its parts."""
        return 2 if self.used_up == 2 else 0

    def held(self) -> Value:
        """Something that holds it."""
        return self._replace(used_up=2 if self.used_up else 0)


NOTHING = Value(fresh=True)
ATOM = Value(kind="atom", fresh=True)


def together(values: Sequence[Value]) -> Value:
    """A value that may share memory with any of these."""
    shares = frozenset[str]().union(*(v.shares for v in values))
    carries = frozenset[str]().union(*(v.carries for v in values))
    roots = frozenset[str]().union(*(v.roots for v in values if v.kind != "atom"))
    used_up = max((v.used_up for v in values), default=0)
    if not shares:
        return Value(roots, carries=carries, fresh=True, used_up=used_up)
    return Value(shares | (roots if used_up else frozenset()), carries=carries, used_up=used_up)


def classes_of(aliases: Iterable[tuple[str, frozenset[str]]]) -> dict[str, set[str]]:
    """For each name all that may share memory with it, whatever the order."""
    of: dict[str, set[str]] = {}
    for target, shares in aliases:
        joined = set[str]().union(*(of.get(n, {n}) for n in (target, *shares)))
        for name in joined:
            of[name] = joined
    return of
