"""What a reader of code knows as it goes along: which names are bound, read, changed and shared so far."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from notebooks.live import effects as known
from notebooks.live.reading.names import (
    ANY,
    ANYTHING,
    BUILTINS,
    LAMBDA,
    NOTHING,
    Function,
    Names,
    Reading,
    Value,
    either,
)


class Scope:
    """The names of a cell, or of a function's body, while it is read in order."""

    def __init__(
        self,
        names: Names,
        mark: str,
        local: frozenset[str] | None = None,
        *,
        later: Names | None = None,
        settled: Mapping[tuple[str, int], Function] | None = None,
        ours: Mapping[str, Function | None] | None = None,
    ) -> None:
        self.known, self.mark, self.local = names, mark, local
        self.first = dict(names.before)
        self.ours = ours or {}  # what is known of definitions by their text, None where that is a constant
        self.later, self.settled = later or Names(), settled or {}  # what the cell's own functions will meet
        self.inner = Names()  # the functions that bodies of functions met last
        self.defined: dict[tuple[str, int], Function] = {}
        self.met: dict[str, int] = {}
        self.holds: list[tuple[str, frozenset[str]]] = []
        self.out = Reading(names=Names())
        self.bound: set[str] = set()
        self.ever: set[str] = set()
        self.scopes: list[dict[str, str]] = []
        self.count = 0
        self.returned: set[str] = set()
        self.handed: set[str] = set()
        self.used_up = 0  # of what is returned

    # What is found

    def done(self) -> Reading:
        out = self.out
        out.binds, out.maybe = set(self.bound), out.maybe | (self.ever - self.bound)
        return out

    def _load(self, name: str) -> Value:
        for scope in reversed(self.scopes):
            if name in scope:
                inner, used_up = scope[name], self.known.used_up.get(scope[name], 0)
                return Value(frozenset({inner}), carries=self.known.carried.get(inner, frozenset()), used_up=used_up)
        if self.local is not None and name in self.local:
            if (origin := self.known.origins.get(name)) is not None:  # the function has imported it
                self._module(origin)
                return Value(origin=origin, roots=frozenset({name}))
            held = self.known.carried.get(name, frozenset()) | ({name} if name in self.known.functions else set())
            for carried in held:
                self._use(carried)
            used_up = self.known.used_up.get(name, 0)
            return Value(frozenset({name}), self.known.kinds.get(name), carries=frozenset(held), used_up=used_up)
        if name not in self.bound:
            self.out.reads |= {name, *self._before(name)}
            if name in known.OUTPUT_HISTORY or (name in known.OPAQUE_BUILTINS and name not in self.known.functions):
                self.out.opaque = True
        known_ = self.known
        if self._is_builtin(name):
            return NOTHING
        if (origin := known_.origins.get(name)) is not None:
            self._module(origin)
            return Value(origin=origin, roots=frozenset({name}))
        carries = known_.carried.get(name, frozenset()) | ({name} if name in known_.functions else set())
        for carried in carries:
            self._use(carried)
        alive = any(known_.functions[c].alive for c in carries if c in known_.functions)
        used_up = known_.used_up.get(name, 0)
        if used_up or (alive and name not in known_.functions):
            self._change({name})
        if name in known_.functions and not known_.functions[name].alive:
            return Value(self._captured(known_.functions[name]), carries=frozenset(carries))
        return Value(frozenset({name}), known_.kinds.get(name), carries=frozenset(carries), used_up=used_up)

    def _use(self, name: str) -> None:
        """A function is used: what it, and what it uses, reads and changes counts here."""
        if (function := self.known.whole(name)) is not None:
            self.out.reads |= (function.reads - self.bound).union(*map(self._before, function.reads))
            self._change(function.mutates)
            for names in function.keeps:
                self._share(self._values(names))
            self._fill(function.fills)
            self.out.files |= function.files
            self.out.writes |= function.writes
            self.out.opaque |= function.opaque

    def _captured(self, function: Function) -> frozenset[str]:
        """The values that a function may give away: neither functions nor modules nor what cannot change."""
        found, seen, todo = set[str](), set[str](), list(function.reads)
        while todo:
            name = todo.pop()
            if name in seen or name.startswith(("~", "*", "file:")):
                continue
            seen.add(name)
            if (inner := self.known.functions.get(name)) is not None:
                todo += inner.reads
            elif name not in self.known.origins and self.known.kinds.get(name) != "atom" and not self._is_builtin(name):
                found |= {name} - self.known.constants
        return frozenset(found)

    def _is_builtin(self, name: str) -> bool:
        own = name in self.bound or name in self.known.shadowed or (self.local is not None and name in self.local)
        return name in BUILTINS and not own

    def _values(self, names: Iterable[str]) -> frozenset[str]:
        """Of these, the names of the notebook's own values; files, settings, modules and builtins hold nothing."""
        apart = ("~", "file:", ANY)
        return frozenset(
            n for n in names if not (n.startswith(apart) or n in self.known.origins or self._is_builtin(n))
        )

    def _change(self, roots: Iterable[str]) -> None:
        for root in roots:
            if root not in self.known.origins and not self._is_builtin(root):
                self.out.mutates |= {root, *self._before(root)}

    def _before(self, name: str) -> frozenset[str]:
        """What a name may stand for beside what it was bound to last, where that is not sure to have happened."""
        return self.first.get(name, frozenset()) if name not in self.bound else frozenset()

    def _touch(self, resource: str) -> None:
        self.out.mutates.add(resource)
        self.out.reads.add(resource)

    def _join(self, target: str, shares: frozenset[str]) -> None:
        shares = shares.union(*map(self._before, (target, *shares))) - {target}
        if shares:
            self.out.aliases.append((target, shares))

    def _hold(self, root: str, shares: frozenset[str]) -> None:
        """From now on something holds others, and so shares memory with them."""
        before = len(self.out.aliases)
        self._join(root, shares)
        self.holds += self.out.aliases[before:]

    def _share(self, names: frozenset[str]) -> None:
        """All of these may share memory from now on."""
        if names:
            self._join(min(names), names)

    def _module(self, path: str) -> None:
        if path.split(".")[0] in known.OPAQUE_MODULES or path.startswith(known.OPAQUE_FUNCTIONS):
            self.out.opaque = True

    def _bind(self, name: str, value: Value) -> None:
        if self.scopes and name in self.scopes[-1]:
            self._join(self.scopes[-1][name], value.shares)
            return
        again = name in self.ever
        if name in BUILTINS:
            self.known.shadowed.add(name)
            self.out.names.shadowed.add(name)
        shares = value.shares.union(*map(self._before, value.shares)) - {name}
        self.out.aliases.append((name, shares))  # the empty one, too: the name stands for itself again
        tables, own = self.known, self.out.names
        before = (tables.kinds.get(name), tables.used_up.get(name, 0))
        for table in (tables, own):
            table.forget(name)
            if value.origin is not None:
                table.origins[name] = value.origin
            elif value.carries:
                table.carried[name] = value.carries
            if used_up := max(value.used_up, before[1] if again else 0):
                table.used_up[name] = used_up
            if value.kind is not None and (not again or before[0] == value.kind):
                table.kinds[name] = value.kind
        self.ever.add(name)
        self.bound.add(name)

    @contextmanager
    def _perhaps(self) -> Iterator[None]:
        """What is bound in here is not bound for certain behind it, and what it stands for is not known."""
        bound, tables = set(self.bound), self.known
        kinds, origins, functions = dict(tables.kinds), dict(tables.origins), dict(tables.functions)
        carried, used_up = dict(tables.carried), dict(tables.used_up)
        yield
        for name in self.bound - bound | {n for n in kinds if tables.kinds.get(n) != kinds[n]}:
            if tables.kinds.get(name) != kinds.get(name):
                tables.kinds.pop(name, None)
                self.out.names.kinds.pop(name, None)
        for name, origin in origins.items():
            if tables.origins.get(name) != origin:
                tables.origins.pop(name, None)
                self.out.names.origins.pop(name, None)
        for name in functions.keys() | tables.functions.keys():
            one, other = functions.get(name, ANYTHING), tables.functions.get(name, ANYTHING)
            if one is not other and not name.startswith(LAMBDA):
                self._learn(name, either(one, other))
        for name, carries in carried.items():
            if not carries <= tables.carried.get(name, frozenset()):
                self._carry(name, carries)
        for name, most in used_up.items():
            for table in (tables, self.out.names):
                table.used_up[name] = max(most, table.used_up.get(name, 0))
        self.bound &= bound

    def _learn(self, name: str, function: Function) -> None:
        for table in (self.known, self.out.names):
            table.learn(name, function)
        self.out.names.methods |= self.known.methods

    def _carry(self, root: str, carries: frozenset[str]) -> None:
        if carries:
            for table in (self.known, self.out.names):
                table.carried[root] = self.known.carried.get(root, frozenset()) | carries

    def _fill(self, names: Iterable[str]) -> None:
        """From now on these may hold what is used up as it is read."""
        for name in names:
            for table in (self.known, self.out.names):
                table.used_up[name] = 2

    # What the readers above it know: a statement, an expression, a function

    def block(self, body: Sequence[ast.stmt]) -> None:
        """Read statements in order."""
        raise NotImplementedError

    def value(self, node: ast.expr) -> Value:
        """What an expression may give."""
        raise NotImplementedError

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Function:
        """What happens where a function is used."""
        raise NotImplementedError
