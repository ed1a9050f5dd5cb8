"""What a cell reads, binds and changes, found in its source alone. See `docs/decisions/0016`.

A name that is read before the cell binds it is needed from earlier cells. A change counts as reading and writing, and
it reaches every name that may share memory with the one changed. What a function does counts where it is used.
Beside names there are resources: `~settings`, `~random`, `~files` (all files at once) and `file:NAME`.
"""

from __future__ import annotations

import ast
import builtins
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from notebooks.live import effects as known

type Kind = Literal["atom", "frame", "path"]

SETTINGS, RANDOM, FILES = "~settings", "~random", "~files"
LOCAL = "#"
"""In the name of something that lives only within a cell, as the variable of a comprehension."""


@dataclass(frozen=True)
class Function:
    """What happens where a function, or anything of a class, is used.

    `changes`: it may change what it is given. `gives`: its result may share memory with that, or with what it reads.
    `alive`: each use may change it, as a class, a generator or a decorated function.
    """

    reads: frozenset[str] = frozenset()
    mutates: frozenset[str] = frozenset()
    changes: bool = False
    gives: bool = True
    alive: bool = False
    opaque: bool = False
    files: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()


@dataclass
class Names:
    """What is known of names when a cell begins: where they were imported from, and what they stand for."""

    origins: dict[str, str] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    kinds: dict[str, Kind] = field(default_factory=dict)
    carried: dict[str, frozenset[str]] = field(default_factory=dict)
    used_up: set[str] = field(default_factory=set)
    methods: set[str] = field(default_factory=set)  # of the notebook's own classes
    shadowed: set[str] = field(default_factory=set)  # builtins whose name the notebook uses for something else

    def copy(self) -> Names:
        """The same, to go its own way."""
        return Names(
            dict(self.origins),
            dict(self.functions),
            dict(self.kinds),
            dict(self.carried),
            set(self.used_up),
            set(self.methods),
            set(self.shadowed),
        )

    def forget(self, name: str) -> None:
        """What a name stood for is not known any more."""
        for table in (self.origins, self.functions, self.kinds, self.carried):
            table.pop(name, None)
        self.used_up.discard(name)


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


@dataclass(frozen=True)
class _Value:
    """What an expression may give: the names that it may share memory with, and what it is."""

    roots: frozenset[str] = frozenset()
    kind: Kind | None = None
    origin: str | None = None
    carries: frozenset[str] = frozenset()
    used_up: bool = False
    fresh: bool = False  # `roots` is where it comes from, but it shares nothing with that

    @property
    def shares(self) -> frozenset[str]:
        return frozenset() if self.fresh or self.kind == "atom" or self.origin else self.roots


_NOTHING = _Value(fresh=True)
_ATOM = _Value(kind="atom", fresh=True)
_BUILTINS = frozenset((*dir(builtins), "display", "get_ipython", "reload"))
_WORD = re.compile(r"\w+")


def read(source: str, names: Names) -> Reading:
    """What a cell does, given what the names mean that it uses. A cell that is not Python may do anything."""
    if parse(source) is None:
        return Reading(opaque=True)
    used = _mentioned(source)
    functions = {n: f for n, f in names.functions.items() if n in used or n.startswith("λ")}
    todo = list(functions)
    while todo:  # what a function uses counts where the function is used
        for inner in functions[todo.pop()].reads:
            if inner in names.functions and inner not in functions:
                functions[inner] = names.functions[inner]
                todo.append(inner)
    used |= {r for f in functions.values() for r in f.reads}
    context = (
        tuple(sorted((n, o) for n, o in names.origins.items() if n in used)),
        tuple(sorted(functions.items())),
        tuple(sorted((n, k) for n, k in names.kinds.items() if n in used)),
        tuple(sorted((n, c) for n, c in names.carried.items() if n in used)),
        tuple(sorted(names.used_up & used)),
        tuple(sorted(names.methods)),
        tuple(sorted(names.shadowed & used)),
    )
    return _read(source, *context)


def parse(source: str) -> ast.Module | None:
    """The cell as a tree, its IPython lines as the calls that they stand for; None for what is not Python."""
    try:
        return _parsed(source)
    except (SyntaxError, ValueError, RecursionError):
        return None


@lru_cache(512)
def _parsed(source: str) -> ast.Module:
    timed = re.match(r"\s*%%(?:time|timeit|capture)\b[^\n]*\n", source)
    source = source[timed.end() :] if timed else source
    try:
        return _tree(source)
    except SyntaxError:
        if re.search(r"^\s*(?:[\w.,\s]*=\s*)?[%!?]|\?\s*$", source, re.M) is None:
            raise
    from IPython.core.inputtransformer2 import TransformerManager

    return _tree(TransformerManager().transform_cell(source))  # type: ignore[no-untyped-call]


def _tree(source: str) -> ast.Module:
    tree = compile(source, "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    return tree


@lru_cache(512)
def _mentioned(source: str) -> frozenset[str]:
    return frozenset(_WORD.findall(source))


@lru_cache(1024)
def _read(
    source: str,
    origins: tuple[tuple[str, str], ...],
    functions: tuple[tuple[str, Function], ...],
    kinds: tuple[tuple[str, Kind], ...],
    carried: tuple[tuple[str, frozenset[str]], ...],
    used_up: tuple[str, ...],
    methods: tuple[str, ...],
    shadowed: tuple[str, ...],
) -> Reading:
    names = Names(dict(origins), dict(functions), dict(kinds), dict(carried), set(used_up), set(methods), set(shadowed))
    body, mark = _parsed(source).body, f"λ{zlib.crc32(source.encode('utf-8', 'replace')):x}"
    settled: dict[tuple[str, int], Function] = {}
    later = Names()
    if any(isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for n in body):
        for _ in range(4):  # until it is settled what functions of this cell do to each other's arguments
            trial = _Reader(names.copy(), mark, later=later)
            trial.block(body)
            later = trial.known
            if trial.defined == settled:
                break
            settled = trial.defined
    reader = _Reader(names, mark, later=later, settled=settled)
    reader.block(body)
    return reader.done()


class _Reader:
    """Walks the statements of a cell, or of a function's body, in order."""

    def __init__(
        self,
        names: Names,
        mark: str,
        local: frozenset[str] | None = None,
        *,
        later: Names | None = None,
        settled: Mapping[tuple[str, int], Function] | None = None,
    ) -> None:
        self.known, self.mark, self.local = names, mark, local
        self.later, self.settled = later or Names(), settled or {}  # what the cell's own functions will meet
        self.defined: dict[tuple[str, int], Function] = {}
        self.out = Reading(names=Names())
        self.bound: set[str] = set()
        self.ever: set[str] = set()
        self.scopes: list[dict[str, str]] = []
        self.count = 0
        self.returned: set[str] = set()
        self.generator = False

    # What is found

    def done(self) -> Reading:
        out = self.out
        out.binds, out.maybe = set(self.bound), out.maybe | (self.ever - self.bound)
        return out

    def _load(self, name: str) -> _Value:
        for scope in reversed(self.scopes):
            if name in scope:
                return _Value(frozenset({scope[name]}), carries=self.known.carried.get(scope[name], frozenset()))
        if self.local is not None and name in self.local:
            return _Value(frozenset({name}), kind=self.known.kinds.get(name))
        if name not in self.bound:
            self.out.reads.add(name)
            if name in known.OUTPUT_HISTORY or (name in known.OPAQUE_BUILTINS and name not in self.known.functions):
                self.out.opaque = True
        known_ = self.known
        if name in _BUILTINS and name not in self.bound and name not in known_.shadowed:
            return _NOTHING
        if (origin := known_.origins.get(name)) is not None:
            self._module(origin)
            return _Value(origin=origin, roots=frozenset({name}))
        carries = known_.carried.get(name, frozenset()) | ({name} if name in known_.functions else set())
        for carried in carries:
            self._use(carried)
        alive = any(known_.functions[c].alive for c in carries if c in known_.functions)
        used_up = name in known_.used_up
        if used_up or (alive and name not in known_.functions):
            self._change({name})
        if name in known_.functions and not known_.functions[name].alive:
            return _Value(self._captured(known_.functions[name]), carries=frozenset(carries))
        return _Value(frozenset({name}), known_.kinds.get(name), carries=frozenset(carries), used_up=used_up)

    def _use(self, name: str) -> None:
        """A function is used: what it, and what it uses, reads and changes counts here."""
        seen, todo = set[str](), [name]
        while todo:
            name = todo.pop()
            if name in seen or (function := self.known.functions.get(name)) is None:
                continue
            seen.add(name)
            self.out.reads |= {r for r in function.reads if r not in self.bound or r.startswith("~")}
            self._change(function.mutates)
            self.out.files |= function.files
            self.out.writes |= function.writes
            self.out.opaque |= function.opaque
            todo += function.reads

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
            elif name not in self.known.origins and self.known.kinds.get(name) != "atom" and name not in _BUILTINS:
                found.add(name)
        return frozenset(found)

    def _change(self, roots: Iterable[str]) -> None:
        self.out.mutates |= {r for r in roots if r not in self.known.origins}

    def _touch(self, resource: str) -> None:
        self.out.mutates.add(resource)
        self.out.reads.add(resource)

    def _join(self, target: str, shares: frozenset[str]) -> None:
        if shares := shares - {target}:
            self.out.aliases.append((target, shares))

    def _module(self, path: str) -> None:
        if path.split(".")[0] in known.OPAQUE_MODULES or path.startswith(known.OPAQUE_FUNCTIONS):
            self.out.opaque = True

    def _bind(self, name: str, value: _Value) -> None:
        if self.scopes and name in self.scopes[-1]:
            self._join(self.scopes[-1][name], value.shares)
            return
        again = name in self.ever
        if name in _BUILTINS:
            self.known.shadowed.add(name)
            self.out.names.shadowed.add(name)
        self.out.aliases.append((name, value.shares - {name}))  # the empty one, too: the name stands for itself again
        tables, own = self.known, self.out.names
        before = (tables.kinds.get(name), tables.used_up & {name})
        for table in (tables, own):
            table.forget(name)
            if value.origin is not None:
                table.origins[name] = value.origin
            elif value.carries:
                table.carried[name] = value.carries
            if value.used_up or (again and before[1]):
                table.used_up.add(name)
            if value.kind is not None and (not again or before[0] == value.kind):
                table.kinds[name] = value.kind
        self.ever.add(name)
        self.bound.add(name)

    @contextmanager
    def _perhaps(self) -> Iterator[None]:
        """What is bound in here is not bound for certain behind it, and what it stands for is not known."""
        bound, tables = set(self.bound), self.known
        kinds, origins, functions = dict(tables.kinds), dict(tables.origins), dict(tables.functions)
        yield
        for name in self.bound - bound | {n for n in kinds if tables.kinds.get(n) != kinds[n]}:
            if tables.kinds.get(name) != kinds.get(name):
                tables.kinds.pop(name, None)
                self.out.names.kinds.pop(name, None)
        for name, origin in origins.items():
            if tables.origins.get(name) != origin:
                tables.origins.pop(name, None)
                self.out.names.origins.pop(name, None)
        for name, function in functions.items():
            if name not in tables.functions:
                tables.functions[name] = function
        self.bound &= bound

    # Statements

    def block(self, body: Sequence[ast.stmt]) -> None:
        for statement in body:
            self.statement(statement)

    def _branches(self, *bodies: Sequence[ast.stmt]) -> None:
        """Bodies of which one runs. What all of them bind is bound."""
        common: set[str] | None = None
        for body in bodies:
            if body and isinstance(body[-1], ast.Raise | ast.Return | ast.Continue | ast.Break):
                with self._perhaps():
                    self.block(body)
                continue
            with self._perhaps():
                self.block(body)
                after = set(self.bound)
            common = after if common is None else common & after
        self.bound |= common or set()

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(value=value):
                self.value(value)
            case ast.Assign(targets=targets, value=value):
                if all(isinstance(t, ast.Tuple | ast.List) for t in targets) and isinstance(value, ast.Tuple):
                    values = [self.value(v) for v in value.elts]
                    for target in targets:
                        self._unpack(target, values)
                else:
                    given = self.value(value)
                    for target in targets:
                        self.assign(target, given)
            case ast.AnnAssign(target=target, annotation=annotation, value=value):
                self.value(annotation)
                if value is not None:
                    self.assign(target, self.value(value))
            case ast.AugAssign(target=target, value=value):
                self._augment(target, value)
            case ast.Delete(targets=targets):
                for target in targets:
                    if isinstance(target, ast.Name):
                        self._load(target.id)
                        self.ever.add(target.id)
                        self.bound.discard(target.id)
                        self.out.names.forget(target.id)
                        self.out.maybe.add(target.id)
                    else:
                        self._change(self._place(target))
            case ast.If(test=test, body=body, orelse=orelse):
                self.value(test)
                self._branches(body, orelse)
            case (
                ast.For(target=target, iter=source, body=body, orelse=orelse)
                | ast.AsyncFor(target=target, iter=source, body=body, orelse=orelse)
            ):
                items = self._items(source)
                with self._perhaps():
                    for _ in range(2):  # what one turn leaves, the next one meets
                        self.assign(target, items)
                        self.block(body)
                    self.block(orelse)
            case ast.While(test=test, body=body, orelse=orelse):
                self.value(test)
                with self._perhaps():
                    for _ in range(2):
                        self.block(body)
                        self.value(test)
                    self.block(orelse)
            case (
                ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=final)
                | ast.TryStar(body=body, handlers=handlers, orelse=orelse, finalbody=final)
            ):
                ways = [[*body, *orelse], *(self._handler(h) for h in handlers)]
                self._branches(*ways)
                self.block(final)
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                silent = restored = False
                before = (SETTINGS in self.out.mutates, SETTINGS in self.out.reads)
                for item in items:
                    entering = ast.unparse(item.context_expr)
                    silent |= "suppress" in entering
                    restored |= any(name in entering for name in known.RESTORING)
                    entered = self.value(item.context_expr)
                    if item.optional_vars is not None:
                        self.assign(item.optional_vars, entered)
                if silent:
                    with self._perhaps():
                        self.block(body)
                else:
                    self.block(body)
                if restored and not before[0]:
                    self.out.mutates.discard(SETTINGS)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                for part in (*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)):
                    self.value(part)
                function = self.settled.get((node.name, node.lineno)) or self._function(node)
                self.defined[node.name, node.lineno] = function
                self._bind(node.name, _Value(frozenset({node.name}) if function.alive else frozenset()))
                self._learn(node.name, function)
            case ast.ClassDef():
                function = self.settled.get((node.name, node.lineno)) or self._class(node)
                self.defined[node.name, node.lineno] = function
                self.known.methods |= _methods(node)
                for part in (*node.decorator_list, *node.bases, *(k.value for k in node.keywords)):
                    self.value(part)
                self.known.functions[node.name] = function
                self._use(node.name)
                self._bind(node.name, _Value(self._captured(function)))
                self._learn(node.name, function)
            case ast.Import(names=names):
                for alias in names:
                    self._module(alias.name)
                    if alias.asname:
                        self._bind(alias.asname, _Value(origin=alias.name))
                    else:
                        top = alias.name.split(".")[0]
                        self._bind(top, _Value(origin=top))
                    self.out.files.add(alias.name.split(".")[0] + ".py")
            case ast.ImportFrom(module=module, names=names):
                self.out.files.add((module or "").split(".")[0] + ".py")
                for alias in names:
                    if alias.name == "*":
                        self.out.opaque = True
                    else:
                        self._module(f"{module}.{alias.name}")
                        self._bind(alias.asname or alias.name, _Value(origin=f"{module}.{alias.name}"))
            case ast.Return(value=value):
                if value is not None:
                    self.returned |= self.value(value).shares
            case ast.Match(subject=subject, cases=cases):
                given = self.value(subject)
                for case in cases:
                    with self._perhaps():
                        for piece in ast.walk(case.pattern):
                            if isinstance(piece, ast.MatchAs | ast.MatchStar) and piece.name:
                                self._bind(piece.name, _Value(given.shares))
                            elif isinstance(piece, ast.MatchMapping) and piece.rest:
                                self._bind(piece.rest, _Value(given.shares))
                            elif isinstance(piece, ast.MatchValue):
                                self.value(piece.value)
                            elif isinstance(piece, ast.MatchClass):
                                self.value(piece.cls)
                        if case.guard is not None:
                            self.value(case.guard)
                        self.block(case.body)
            case _:
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        self.value(child)

    def _handler(self, handler: ast.ExceptHandler) -> list[ast.stmt]:
        """A handler's body; the name of its exception is deleted at its end."""
        before: list[ast.stmt] = [ast.Expr(handler.type)] if handler.type is not None else []
        if handler.name is None:
            return [*before, *handler.body]
        bind = ast.Assign([ast.Name(handler.name, ast.Store())], ast.Constant(None))
        return [*before, bind, *handler.body, *([] if _leaves(handler.body) else [_deleted(handler.name)])]

    def _learn(self, name: str, function: Function) -> None:
        for table in (self.known, self.out.names):
            table.functions[name] = function
        self.out.names.methods |= self.known.methods

    def assign(self, target: ast.expr, value: _Value) -> None:
        """Bind a target, or change what it is a part of."""
        match target:
            case ast.Name(id=name):
                self._bind(name, value)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                kind: Kind | None = "atom" if value.kind == "atom" else None
                for part in parts:
                    self.assign(part, _Value(value.roots, kind, carries=value.carries, fresh=value.fresh))
            case ast.Starred(value=part):
                self.assign(part, value)
            case _:
                roots = self._place(target)
                self._change(roots)
                for root in roots:
                    self._join(root, value.shares)
                    self._carry(root, value.carries)

    def _carry(self, root: str, carries: frozenset[str]) -> None:
        if carries:
            for table in (self.known, self.out.names):
                table.carried[root] = self.known.carried.get(root, frozenset()) | carries

    def _unpack(self, target: ast.expr, values: list[_Value]) -> None:
        parts = target.elts if isinstance(target, ast.Tuple | ast.List) else []
        if len(parts) == len(values) and not any(isinstance(p, ast.Starred) for p in parts):
            for part, value in zip(parts, values, strict=True):
                self.assign(part, value)
        else:
            self.assign(target, _together(values))

    def _place(self, target: ast.expr) -> frozenset[str]:
        """The names of which an attribute or an item is changed or deleted."""
        if isinstance(target, ast.Attribute):
            return self._inside(target.value)
        if isinstance(target, ast.Subscript):
            self.value(target.slice)
            return self._inside(target.value)
        return self.value(target).roots

    def _inside(self, node: ast.expr) -> frozenset[str]:
        value = self.value(node)
        if value.origin is not None:
            self._touch(SETTINGS)
        return value.roots

    def _augment(self, target: ast.expr, value: ast.expr) -> None:
        given = self.value(value)
        if not isinstance(target, ast.Name):
            roots = self._place(target)
            self._change(roots)
            for root in roots:
                self._join(root, given.shares)
            return
        before = self._load(target.id)
        if before.kind == "atom" and given.kind == "atom":
            self._bind(target.id, _ATOM)
            return
        self._change(before.roots)
        for root in before.roots:
            self._join(root, given.shares)
        if target.id not in self.bound and not (self.local and target.id in self.local):
            self.ever.add(target.id)
            self.out.maybe.add(target.id)

    # Functions and classes

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Function:
        args = node.args
        params = [a.arg for a in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
        params += [a.arg for a in (args.vararg, args.kwarg) if a is not None]
        body, shared, assigned, yields = _facts(node)
        local = (frozenset(params) | assigned) - shared
        names = self._inner_names(local)
        inner = _Reader(names, self.mark, local)
        inner.count = self.count + 1_000
        inner.scopes = list(self.scopes)
        inner.block(body)
        classes = _classes(inner.out.aliases)
        changed = {n for m in inner.out.mutates for n in classes.get(m, {m})}
        given = {n for r in inner.returned for n in classes.get(r, {r})}
        free = {n for n in changed if n not in local and LOCAL not in n} | (shared & inner.ever)
        decorated = not isinstance(node, ast.Lambda) and bool(node.decorator_list)
        return Function(
            reads=frozenset(n for n in inner.out.reads if n not in local and LOCAL not in n) | shared,
            mutates=frozenset(free),
            changes=bool(changed & set(params)),
            gives=yields or bool(given - (local - set(params))),
            alive=decorated or yields,
            opaque=inner.out.opaque,
            files=frozenset(inner.out.files),
            writes=frozenset(inner.out.writes),
        )

    def _inner_names(self, local: frozenset[str]) -> Names:
        """What names mean in a function's body: when it is called, the cell has bound all that it binds."""
        names, later = self.known.copy(), self.later
        names.functions = later.functions | names.functions
        names.origins = later.origins | names.origins
        names.kinds |= {n: k for n, k in later.kinds.items() if n not in names.kinds}
        names.methods |= later.methods
        for name in local:
            names.forget(name)
        return names

    def _class(self, node: ast.ClassDef) -> Function:
        """All that any use of a class, or of something made from it, may do."""
        reads, mutates, files, writes, opaque = set[str](), set[str](), set[str](), set[str](), False
        own = {n for part in node.body for n in _assigned(part)}
        body = _Reader(self._inner_names(frozenset(own)), self.mark, frozenset(own))
        for part in node.body:
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                method = body._function(part)
                reads |= method.reads
                mutates |= method.mutates
                files |= method.files
                writes |= method.writes
                opaque |= method.opaque
        body.block([p for p in node.body if not isinstance(p, ast.FunctionDef | ast.AsyncFunctionDef)])
        reads |= body.out.reads
        mutates |= {m for m in body.out.mutates if m not in own}
        for used in (*node.bases, *node.decorator_list):
            reads |= {n.id for n in ast.walk(used) if isinstance(n, ast.Name)}
        return Function(
            reads=frozenset(r for r in reads if LOCAL not in r and r != node.name),
            mutates=frozenset(m for m in mutates if LOCAL not in m),
            changes=True,
            gives=True,
            alive=True,
            opaque=opaque or body.out.opaque,
            files=frozenset(files | body.out.files),
            writes=frozenset(writes | body.out.writes),
        )

    # Expressions

    def value(self, node: ast.expr) -> _Value:
        match node:
            case ast.Constant():
                return _ATOM
            case ast.Name(id=name):
                return self._load(name)
            case ast.Attribute(value=base, attr=attr):
                return self._attribute(self.value(base), attr)
            case ast.Subscript(value=base, slice=index):
                self.value(index)
                return self._part(self.value(base))
            case ast.Call():
                return self._call(node)
            case ast.BinOp(left=left, right=right):
                one, other = self.value(left), self.value(right)
                if isinstance(left, ast.Constant) and isinstance(left.value, str) and isinstance(node.op, ast.Mod):
                    return _ATOM
                if one.kind == other.kind == "atom":
                    return _ATOM
                if "path" in (one.kind, other.kind):
                    return _Value(kind="path", fresh=True)
                if "frame" in (one.kind, other.kind):
                    return _Value(one.roots | other.roots, kind="frame", fresh=True)
                return _Value(one.shares | other.shares)
            case ast.UnaryOp(operand=operand):
                given = self.value(operand)
                return _ATOM if isinstance(node.op, ast.Not) else _Value(given.roots, kind=given.kind, fresh=True)
            case ast.Compare(left=left, comparators=others):
                values = [self.value(left), *map(self.value, others)]
                frame = any(v.kind == "frame" for v in values)
                return _Value(kind="frame" if frame else None, fresh=True)
            case ast.Tuple(elts=parts):
                values = [self.value(p) for p in parts]
                return _ATOM if all(v.kind == "atom" for v in values) else _together(values)
            case ast.BoolOp(values=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
                return _together([self.value(p) for p in parts])
            case ast.Dict(keys=keys, values=parts):
                return _together([self.value(p) for p in (*filter(None, keys), *parts)])
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self.value(test)
                one, other = self.value(body), self.value(orelse)
                both = _together([one, other])
                return _Value(both.roots, one.kind if one.kind == other.kind else None, carries=both.carries)
            case ast.ListComp(elt=elt, generators=loops) | ast.SetComp(elt=elt, generators=loops):
                return self._comprehension(loops, elt)
            case ast.GeneratorExp(elt=elt, generators=loops):
                made = self._comprehension(loops, elt)
                return _Value(made.roots, carries=made.carries, used_up=True)
            case ast.DictComp(key=key, value=part, generators=loops):
                return self._comprehension(loops, key, part)
            case ast.Lambda():
                function = self._function(node)
                name = f"{self.mark}:{node.lineno}:{node.col_offset}"
                for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
                    self.value(default)
                self._learn(name, function)
                self._use(name)
                return _Value(self._captured(function), carries=frozenset({name}))
            case ast.NamedExpr(target=target, value=part):
                given = self.value(part)
                scopes, self.scopes = self.scopes, []
                with self._perhaps():
                    self._bind(target.id, given)
                self.scopes = scopes
                return given
            case ast.Starred(value=part) | ast.Await(value=part) | ast.YieldFrom(value=part):
                return self.value(part)
            case ast.JoinedStr() | ast.FormattedValue():
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        self.value(child)
                return _ATOM
            case _:
                return _together([self.value(c) for c in ast.iter_child_nodes(node) if isinstance(c, ast.expr)])

    def _attribute(self, base: _Value, attr: str) -> _Value:
        if base.origin is not None:
            path = f"{base.origin}.{attr}"
            self._module(path)
            return _Value(base.roots, origin=path)
        if base.kind == "frame":
            return _Value(base.roots, kind="frame", fresh=base.fresh or attr not in known.FRAME_VIEWS)
        return _Value(base.roots, carries=base.carries, fresh=base.fresh)

    def _part(self, base: _Value) -> _Value:
        """An item of something."""
        if base.origin is not None:
            return _NOTHING
        if base.kind == "frame":
            return _Value(base.roots, kind="frame", fresh=True)
        if base.kind == "atom":
            return _ATOM
        return _Value(base.roots, carries=base.carries, fresh=base.fresh)

    def _items(self, source: ast.expr) -> _Value:
        value = self.value(source)
        if value.used_up:
            self._change(value.roots)
        if value.kind == "atom":
            return _ATOM
        return _Value(value.roots, carries=value.carries, fresh=value.fresh or value.kind is not None)

    def _comprehension(self, loops: Sequence[ast.comprehension], *results: ast.expr) -> _Value:
        self.scopes.append({})
        for loop in loops:
            items = self._items(loop.iter)
            for part in ast.walk(loop.target):
                if isinstance(part, ast.Name):
                    self.count += 1
                    inner = f"{part.id}{LOCAL}{self.mark}{self.count}"
                    self.scopes[-1][part.id] = inner
                    if items.carries:
                        self.known.carried[inner] = items.carries
            self.assign(loop.target, items)
            for test in loop.ifs:
                self.value(test)
        made = _together([self.value(r) for r in results])
        self.scopes.pop()
        return made

    # Calls

    def _magic(self, name: str, line: str) -> _Value:
        """A line of IPython's own, such as `%time f(x)`."""
        if name in known.TIMING and (tree := parse(line)) is not None:
            self.block(tree.body)
        elif name in known.SETTING_MAGICS:
            self._touch(SETTINGS)
        elif name not in known.SHOWING_MAGICS:
            self.out.opaque = True
        return _NOTHING

    def _call(self, node: ast.Call) -> _Value:
        if isinstance(node.func, ast.Attribute) and ast.unparse(node.func) == "get_ipython().run_line_magic":
            name, line = (_text(a) for a in node.args)
            return self._magic(name or "", line or "")
        args = [self.value(a) for a in node.args]
        keywords = {k.arg or "**": self.value(k.value) for k in node.keywords}
        given = _together([*args, *keywords.values()])
        for name, value in keywords.items():
            if name in known.RESULT_KEYWORDS or value.used_up:
                self._change(value.roots)
        for value in args:
            if value.used_up:
                self._change(value.roots)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        draws = name in known.DRAWS or (name == "split" and any(v.kind != "atom" for v in args))
        if draws and not known.SEEDS & keywords.keys():
            self._touch(RANDOM)
        if isinstance(node.func, ast.Attribute):
            base = self.value(node.func.value)
            if base.origin is not None:
                return self._library(f"{base.origin}.{name}", node, given, base)
            return self._method(base, name, node, given, keywords)
        callee = self.value(node.func)
        if callee.origin is not None:
            return self._library(callee.origin, node, given, callee)
        own = isinstance(node.func, ast.Name) and not any(name in scope for scope in self.scopes)
        function = self.known.functions.get(name) if own else None
        if function is not None:
            return self._own_function(name, function, node, given)
        if own and name in _BUILTINS and name not in self.known.shadowed:
            return self._builtin(name, node, args, given)
        self._change(callee.roots | given.roots)
        return _Value(callee.roots | given.shares, carries=callee.carries | given.carries, used_up=True)

    def _own_function(self, name: str, function: Function, node: ast.Call, given: _Value) -> _Value:
        others = [self.known.functions[r] for r in self._reach(name) if r in self.known.functions]
        if function.changes or any(o.changes for o in others):
            self._change(given.roots)
        self._files_of(name, node, reads_any=False)
        alive = function.alive
        if alive:
            self._change({name})
        shares = given.shares | self._captured(function) if function.gives or alive else frozenset[str]()
        return _Value(
            shares,
            carries=(given.carries | {name}) if function.gives or alive else frozenset(),
            used_up=alive and not function.changes,
            fresh=not shares,
        )

    def _reach(self, name: str) -> set[str]:
        """The functions that a function uses, by way of others, too."""
        seen, todo = set[str](), [name]
        while todo:
            for inner in self.known.functions.get(todo.pop(), Function()).reads:
                if inner in self.known.functions and inner not in seen and self.known.functions[inner].alive is False:
                    seen.add(inner)
                    todo.append(inner)
        return seen - {name}

    def _builtin(self, name: str, node: ast.Call, args: list[_Value], given: _Value) -> _Value:
        if name in known.OPAQUE_BUILTINS or (name in ("vars", "dir") and not args):
            self.out.opaque = True
        if name in ("setattr", "delattr", "next"):
            self._change(given.roots)
            if any(v.origin for v in args):
                self._touch(SETTINGS)
            return _Value(given.shares)
        if name == "open":
            return self._opened(node, given)
        if name in known.ATOMIC:
            return _ATOM
        if name in known.PURE_BUILTINS or name[:1].isupper():
            return _Value(fresh=True, kind="atom" if name in known.ATOMIC else None)
        if name in known.SHARING_BUILTINS:
            return _Value(given.shares, carries=given.carries, used_up=name in known.ITERATORS)
        self._change(given.roots)
        return _Value(given.shares, carries=given.carries, used_up=True)

    def _library(self, path: str, node: ast.Call, given: _Value, base: _Value) -> _Value:
        top, _, last = path.split(".")[0], ".", path.split(".")[-1]
        self._module(path)
        keywords = {k.arg for k in node.keywords}
        if path.startswith(known.SETTINGS) and last not in ("catch_warnings", "option_context"):
            self._touch(SETTINGS)
        if path.startswith(known.RANDOM):
            if last in known.GENERATORS:
                return _NOTHING
            if last == "seed":
                self.out.mutates.add(RANDOM)
                return _NOTHING
            self._touch(RANDOM)
        if top in known.FILE_MODULES or last in known.READERS | known.WRITERS | known.FOLDERS:
            self._files_of(last, node)
        if last in known.QUERIES:
            self._names_in_texts(node)
        if path.startswith(known.CHANGING) or (top == "numpy" and last == "at") or last == "putmask":
            self._change(given.roots)
            return _Value(given.shares)
        if path.startswith(known.USED_UP) or "chunksize" in keywords or "iterator" in keywords:
            return _Value(given.shares, used_up=True)
        if path.startswith("duckdb.connect"):
            self._files_of("open", node, reads_any=False)
            return _Value(given.shares, used_up=True)
        if top not in known.PURE_MODULES:
            self._change(given.roots)
            self._touch(f"~{top}")
            return _Value(given.shares | frozenset(), carries=given.carries, used_up=True)
        if any(c in self.known.functions and self.known.functions[c].changes for c in given.carries):
            self._change(given.roots)
        if top == "pandas":
            return _Value(kind="frame", fresh=True)
        if top in known.ATOMIC_MODULES:
            return _ATOM
        if top == "pathlib":
            return _Value(kind="path", fresh=True)
        if top in known.FRESH_MODULES or path == "copy.deepcopy":
            return _NOTHING
        return _Value(given.shares, carries=given.carries)

    def _method(self, base: _Value, name: str, node: ast.Call, given: _Value, keywords: Mapping[str, _Value]) -> _Value:
        inplace = any(
            k.arg == "inplace" and not (isinstance(k.value, ast.Constant) and k.value.value is False)
            for k in node.keywords
        )
        if inplace:
            self._change(base.roots)
        if base.used_up:
            self._change(base.roots)
        if name in known.QUERIES:
            self._names_in_texts(node)
        changes_files = name in known.FILE_CHANGES and (base.kind == "path" or name in known.PATH_CHANGES)
        if changes_files or name in known.READERS | known.WRITERS | known.FOLDERS:
            self._files_of(name, node)
        harmful = any(c in self.known.functions and self.known.functions[c].changes for c in given.carries)
        if name in self.known.methods and base.kind != "frame":
            return self._unknown_method(base, given)
        if base.kind == "frame":
            if name in known.FRAME_CHANGES:
                self._change(base.roots)
                for root in base.roots:
                    self._join(root, given.shares)
            elif harmful and name == "pipe":
                self._change(base.roots | given.roots)
            used_up = name in ("iterrows", "itertuples", "items")
            return _Value(
                base.roots, None if used_up else "frame", used_up=used_up, fresh=name not in known.FRAME_VIEWS
            )
        if name in known.PURE_METHODS and not harmful:
            if name in known.FRESH_METHODS:
                kind: Kind | None = "atom" if name in ("join", "strip", "lower", "upper", "format", "count") else None
                return _Value(base.roots, kind=kind or ("atom" if base.kind == "atom" else None), fresh=True)
            return _Value(base.roots | given.shares, carries=base.carries, fresh=base.fresh and not given.shares)
        if name in known.OWN_METHODS:
            self._change(base.roots)
            return _Value(base.roots, carries=base.carries)
        if name in known.HOLDING_METHODS:
            self._change(base.roots)
            for root in base.roots:
                self._join(root, given.shares)
                self._carry(root, given.carries)
            return _Value(base.roots | given.shares, carries=base.carries | given.carries)
        if name in known.WRITERS and base.kind is None and not given.roots:
            return _NOTHING
        if base.kind in ("atom", "path"):
            return _Value(kind=base.kind, fresh=True)
        return self._unknown_method(base, given)

    def _unknown_method(self, base: _Value, given: _Value) -> _Value:
        self._change(base.roots | given.roots)
        for root in base.roots:
            self._join(root, given.shares)
            self._carry(root, given.carries)
        return _Value(base.roots | given.shares, carries=base.carries | given.carries, used_up=True)

    def _names_in_texts(self, node: ast.Call) -> None:
        """A query in a text reads the names that it speaks of; of a text that is put together, nobody knows."""
        parts = [a for a in (*node.args, *(k.value for k in node.keywords))]
        for part in parts:
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                words = set(_WORD.findall(part.value))
                self.out.reads |= {w for w in words if w not in self.bound and not w[0].isdigit()}
            elif isinstance(part, ast.JoinedStr | ast.Name | ast.BinOp | ast.Call):
                self.out.reads.add("*")

    # Files

    def _opened(self, node: ast.Call, given: _Value) -> _Value:
        mode = next((a for a in node.args[1:2]), next((k.value for k in node.keywords if k.arg == "mode"), None))
        text = (
            mode.value
            if isinstance(mode, ast.Constant) and isinstance(mode.value, str)
            else "r"
            if mode is None
            else "a"
        )
        path = _text(node.args[0]) if node.args else None
        if path is None:
            self._touch(FILES)
            return _Value(frozenset({FILES}), used_up=True)
        resource = f"file:{_base(path)}"
        if any(c in text for c in "wax+"):
            self.out.writes.add(_base(path))
            if any(c in text for c in "a+"):
                self._touch(resource)
        if "w" not in text or "+" in text:
            self.out.files.add(_base(path))
        self.out.reads.add(FILES)
        return _Value(frozenset({resource}), used_up=True)

    def _files_of(self, name: str, node: ast.Call, *, reads_any: bool = True) -> None:
        """The files that a call reads or writes, by the texts that it is given."""
        texts = [t for a in (*node.args, *(k.value for k in node.keywords)) if (t := _text(a)) is not None]
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
            texts += [t for a in node.func.value.args if (t := _text(a)) is not None]  # Path("x.csv").read_text()
        paths = {_base(t) for t in texts if t}
        if name in known.WRITERS or name in known.FILE_CHANGES:
            if paths:
                self.out.writes |= paths
                if name in known.FILE_CHANGES:
                    for path in paths:
                        self._touch(f"file:{path}")
            else:
                self.out.writes.add("*")
        if name in known.READERS or name in known.FILE_CHANGES:
            self.out.files |= paths
            if not paths and reads_any:
                self.out.files.add("*")
        if name in known.FOLDERS:
            self.out.files.add("*")


def _together(values: Sequence[_Value]) -> _Value:
    """A value that may share memory with any of these."""
    shares = frozenset[str]().union(*(v.shares for v in values))
    carries = frozenset[str]().union(*(v.carries for v in values))
    roots = frozenset[str]().union(*(v.roots for v in values))
    if not shares:
        return _Value(roots, carries=carries, fresh=True, used_up=False)
    return _Value(shares | (roots if any(v.used_up for v in values) else frozenset()), carries=carries)


def _classes(aliases: Iterable[tuple[str, frozenset[str]]]) -> dict[str, set[str]]:
    """For each name all that may share memory with it, whatever the order."""
    of: dict[str, set[str]] = {}
    for target, shares in aliases:
        joined = set[str]().union(*(of.get(n, {n}) for n in (target, *shares)))
        for name in joined:
            of[name] = joined
    return of


@lru_cache(8192)
def _facts(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
) -> tuple[list[ast.stmt], frozenset[str], frozenset[str], bool]:
    """Of a function its body, the names that it shares with outside, those that it binds, and whether it yields."""
    body: list[ast.stmt] = [ast.Return(node.body)] if isinstance(node, ast.Lambda) else node.body
    inside = [x for part in body for x in _own(part)]
    shared = frozenset(n for x in inside if isinstance(x, ast.Global | ast.Nonlocal) for n in x.names)
    yields = any(isinstance(x, ast.Yield | ast.YieldFrom) for x in inside)
    return body, shared, frozenset(n for part in body for n in _assigned(part)), yields


def _methods(node: ast.ClassDef) -> set[str]:
    return {part.name for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)}


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """A node and what is in it, but for the bodies of functions and classes."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield from _own(child)


def _assigned(node: ast.AST) -> Iterator[str]:
    """The names that a statement binds in its own scope."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
            return
        case ast.Lambda():
            return
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from ((a.asname or a.name).split(".")[0] for a in names)
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            for part in ast.walk(node):
                if isinstance(part, ast.NamedExpr):
                    yield part.target.id
            return
    for child in ast.iter_child_nodes(node):
        yield from _assigned(child)


def _leaves(body: Sequence[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[-1], ast.Raise | ast.Return | ast.Continue | ast.Break)


def _deleted(name: str) -> ast.stmt:
    return ast.Delete([ast.Name(name, ast.Del())])


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _base(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2] or path
