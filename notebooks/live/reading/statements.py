"""What statements bind and change, and what a function or a class that they define does where it is used."""

from __future__ import annotations

import ast
import zlib
from collections.abc import Callable, Mapping, Sequence

from notebooks.live import effects as known
from notebooks.live.reading.expressions import Expressions
from notebooks.live.reading.names import (
    ANY,
    ATOM,
    LAMBDA,
    LOCAL,
    SELF,
    SETTINGS,
    Context,
    Function,
    Kind,
    Names,
    Reading,
    Value,
    classes_of,
)
from notebooks.live.reading.parsing import assigned, deleted, facts_of, leaves, methods_of, parsed, told_of

type _Read = Callable[[], Function]
_REMEMBERED: dict[tuple[type, str, Context], Function] = {}
_MOST = 20_000


class Reader(Expressions):
    """Walks the statements of a cell, or of a function's body, in order."""

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
                    self._constant(node, targets[0])
            case ast.AnnAssign(target=target, annotation=annotation, value=value):
                self.value(annotation)
                if value is not None:
                    self.assign(target, self.value(value))
                    self._constant(node, target)
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
                ours = self._ours(node)
                function = ours or self.settled.get((node.name, node.lineno)) or self.function(node)
                self.defined[node.name, node.lineno] = function
                self._bind(node.name, Value(frozenset({node.name}) if function.alive else frozenset()))
                self._learn(node.name, function)
                for used in node.decorator_list:  # it may be kept where the decorator keeps what it is given
                    for place in self._kept_by(used):
                        self._carry(place, frozenset({node.name}))
            case ast.ClassDef():
                ours = self._ours(node)
                function = ours or self.settled.get((node.name, node.lineno)) or self._class(node)
                self.defined[node.name, node.lineno] = function
                if ours is None:
                    self.known.methods |= methods_of(node)
                for part in (*node.decorator_list, *node.bases, *(k.value for k in node.keywords)):
                    self.value(part)
                self.known.learn(node.name, function)
                if ours is None:
                    self._use(node.name)
                self._bind(node.name, Value(self._captured(function)))
                self._learn(node.name, function)
            case ast.Import(names=names):
                for alias in names:
                    self._module(alias.name)
                    if alias.asname:
                        self._bind(alias.asname, Value(origin=alias.name))
                    else:
                        top = alias.name.split(".")[0]
                        self._bind(top, Value(origin=top))
                    self.out.files.add(alias.name.split(".")[0] + ".py")
            case ast.ImportFrom(module=module, names=names):
                self.out.files.add((module or "").split(".")[0] + ".py")
                for alias in names:
                    if alias.name == "*":
                        self.out.opaque = True
                    else:
                        self._module(f"{module}.{alias.name}")
                        self._bind(alias.asname or alias.name, Value(origin=f"{module}.{alias.name}"))
            case ast.Return(value=value):
                if value is not None:
                    given = self.value(value)
                    self.returned |= given.shares
                    self.handed |= given.carries
                    self.used_up = max(self.used_up, given.used_up)
            case ast.Match(subject=subject, cases=cases):
                given = self.value(subject)
                for case in cases:
                    with self._perhaps():
                        for piece in ast.walk(case.pattern):
                            if isinstance(piece, ast.MatchAs | ast.MatchStar) and piece.name:
                                self._bind(piece.name, Value(given.shares))
                            elif isinstance(piece, ast.MatchMapping) and piece.rest:
                                self._bind(piece.rest, Value(given.shares))
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

    def _ours(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Function | None:
        """What is known already of a definition with just this text."""
        return self.ours.get(told_of(node)[0]) if self.ours and self.local is None else None

    def _constant(self, node: ast.stmt, target: ast.expr) -> None:
        if self.ours and self.local is None and isinstance(target, ast.Name) and told_of(node)[0] in self.ours:
            for table in (self.known, self.out.names):
                table.constants.add(target.id)

    def _kept_by(self, decorator: ast.expr) -> set[str]:
        """The names in which a decorator of the notebook's own may keep what it decorates."""
        names = {n.id for n in ast.walk(decorator) if isinstance(n, ast.Name)}
        return {m for n in names if (f := self.known.functions.get(n)) is not None for m in f.mutates}

    def _handler(self, handler: ast.ExceptHandler) -> list[ast.stmt]:
        """A handler's body; the name of its exception is deleted at its end."""
        before: list[ast.stmt] = [ast.Expr(handler.type)] if handler.type is not None else []
        if handler.name is None:
            return [*before, *handler.body]
        bind = ast.Assign([ast.Name(handler.name, ast.Store())], ast.Constant(None))
        return [*before, bind, *handler.body, *([] if leaves(handler.body) else [deleted(handler.name)])]

    def _augment(self, target: ast.expr, value: ast.expr) -> None:
        given = self.value(value)
        if not isinstance(target, ast.Name):
            roots = self._place(target)
            self._change(roots)
            for root in roots:
                self._hold(root, given.shares)
            if given.used_up:
                self._fill(roots)
            return
        before = self._load(target.id)
        if before.kind == "atom" and given.kind == "atom":
            self._bind(target.id, ATOM)
            return
        self._change(before.roots)
        for root in before.roots:
            self._join(root, given.shares)
        if given.used_up:
            self._fill(before.roots)
        if target.id not in self.bound and not (self.local and target.id in self.local):
            self.ever.add(target.id)
            self.out.maybe.add(target.id)

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Function:
        return self._remembered(node, lambda: self._read_function(node))

    def _remembered(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef, read: _Read
    ) -> Function:
        """What was found of the same code where all that it uses meant the same: toolkits come back again."""
        if self.local is not None or self.scopes:
            return read()
        text, words = told_of(node)
        key = (type(self), text, self._inner_names(frozenset()).among(words))
        if (found := _REMEMBERED.get(key)) is None:
            if len(_REMEMBERED) >= _MOST:
                _REMEMBERED.clear()
            found = _REMEMBERED[key] = read()
        return found

    def _read_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Function:
        args = node.args
        places = [a.arg for a in (*args.posonlyargs, *args.args)]
        told = {n: f"{n}=" for n in (*places, *(a.arg for a in args.kwonlyargs))}
        told |= {a.arg: f"{mark}=" for a, mark in ((args.vararg, "*"), (args.kwarg, "**")) if a is not None}
        params = set(told)
        body, shared, assigned, yields = facts_of(node)
        local = frozenset(params | assigned) - shared
        names = self._inner_names(local)
        names.kinds |= self.kinds_given(node)
        inner = type(self)(names, self.mark, local)
        inner.count = self.count + 1_000
        inner.scopes = list(self.scopes)
        inner.block(body)
        classes = classes_of(inner.out.aliases)
        same = classes_of(inner.same())
        changed = {n for m in inner.out.mutates for n in same.get(m, {m})}
        given = {n for r in inner.returned for n in classes.get(r, {r}) if LOCAL not in n}
        free = {n for n in changed if n not in local and LOCAL not in n} | (shared & inner.ever)
        held = changed.union(*(classes.get(n, {n}) for n in shared & inner.ever))
        outer = {n for n in held if n in params or (n not in local and LOCAL not in n)}
        keeps = {frozenset(told.get(m, m) for m in classes.get(n, {n}) & outer) for n in outer}
        kept_default = bool(changed & params) and not all(
            isinstance(d, ast.Constant) for d in (*args.defaults, *filter(None, args.kw_defaults))
        )
        decorated = not isinstance(node, ast.Lambda) and bool(node.decorator_list)
        return Function(
            reads=frozenset(n for n in inner.out.reads if n not in local and LOCAL not in n) | shared,
            mutates=frozenset(free),
            params=tuple(places),
            changes=frozenset(told[n] for n in changed & params),
            keeps=frozenset(k for k in keeps if len(k) > 1 and any(n[-1] == "=" for n in k)),
            met=frozenset(inner.met.items()),
            used_up=max(inner.used_up, int(yields)),
            fills=frozenset(
                told.get(n, n) for n in inner.out.names.used_up if n in told or (n not in local and LOCAL not in n)
            ),
            gives=yields or bool(given - (local - params)),
            alive=decorated or yields or kept_default,
            opaque=inner.out.opaque,
            files=frozenset(inner.out.files),
            writes=frozenset(inner.out.writes),
            hands=frozenset(h if h in self.known.functions or h in self.later.functions else SELF for h in inner.handed)
            | ({SELF} if decorated or yields else frozenset[str]()),
        )

    def same(self) -> Sequence[tuple[str, frozenset[str]]]:
        """The names of which a change of one is one of the others."""
        return self.out.aliases

    def kinds_given(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> dict[str, Kind]:
        """What a function is given, by parameter: what anybody may call is given anything."""
        return {}

    def _inner_names(self, local: frozenset[str]) -> Names:
        """What names mean in a function's body: when it is called, the cell has bound all that it binds."""
        names, later = self.known.copy(), self.later
        if (functions := later.functions | names.functions) != self.inner.functions:
            self.inner = Names(functions=functions)
        names.learn_all(self.inner)
        names.origins = later.origins | names.origins
        names.kinds |= {n: k for n, k in later.kinds.items() if n not in names.kinds}
        names.methods |= later.methods
        for name in local:
            names.forget(name)
        return names

    def _class(self, node: ast.ClassDef) -> Function:
        return self._remembered(node, lambda: self._read_class(node))

    def _read_class(self, node: ast.ClassDef) -> Function:
        """All that any use of a class, or of something made from it, may do."""
        reads, mutates, files, writes, opaque = set[str](), set[str](), set[str](), set[str](), False
        own = {n for part in node.body for n in assigned(part)}
        body = type(self)(self._inner_names(frozenset(own)), self.mark, frozenset(own))
        for part in node.body:
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                method = body.function(part)
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
            changes=frozenset({ANY}),
            keeps=frozenset({frozenset({ANY, *(m for m in mutates if LOCAL not in m)})}),
            gives=True,
            alive=True,
            opaque=opaque or body.out.opaque,
            files=frozenset(files | body.out.files),
            writes=frozenset(writes | body.out.writes),
            hands=frozenset({SELF}),
        )


def walked(source: str, names: Names, reader: type[Reader], ours: Mapping[str, Function | None]) -> Reading:
    """What code does, given what the names mean that it uses. Raises SyntaxError for what is not Python."""
    body, mark = parsed(source).body, f"{LAMBDA}{zlib.crc32(source.encode('utf-8', 'replace')):x}"
    settled: dict[tuple[str, int], Function] = {}
    later = Names()
    if any(isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for n in body):
        plain = [n.name for n in body if isinstance(n, ast.FunctionDef) and not n.decorator_list]
        harmless = Names(functions=dict.fromkeys(plain, Function(gives=False)))
        # what functions of this cell do to each other's arguments: from harmless ones up until it is settled, for only
        # then does it hold; else from unknown ones down, where every step holds
        for later, most in ((harmless, 8), (Names(), 4)):
            settled = {}
            for _ in range(most):
                trial = reader(names.copy(), mark, later=later, ours=ours)
                trial.block(body)
                later, before, settled = trial.known, settled, trial.defined
                if settled == before:
                    break
            else:
                continue
            break
    last = reader(names, mark, later=later, settled=settled, ours=ours)
    last.block(body)
    return last.done()
