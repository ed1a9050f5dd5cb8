"""What an expression reads and changes, and what its value may share memory with."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from notebooks.live import effects as known
from notebooks.live.reading.calls import Calls
from notebooks.live.reading.names import ATOM, LOCAL, NOTHING, SETTINGS, Kind, Value, together


class Expressions(Calls):
    """Reads expressions, and the targets of assignments, which consist of such."""

    def value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant():
                return ATOM
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
                    return ATOM
                if one.kind == other.kind == "atom":
                    return ATOM
                if "path" in (one.kind, other.kind):
                    return Value(kind="path", fresh=True)
                if "frame" in (one.kind, other.kind):
                    return Value(one.roots | other.roots, kind="frame", fresh=True)
                return Value(one.shares | other.shares, used_up=max(one.used_up, other.used_up))
            case ast.UnaryOp(operand=operand):
                given = self.value(operand)
                return ATOM if isinstance(node.op, ast.Not) else Value(given.roots, kind=given.kind, fresh=True)
            case ast.Compare(left=left, comparators=others):
                values = [self.value(left), *map(self.value, others)]
                frame = any(v.kind == "frame" for v in values)
                return Value(kind="frame" if frame else None, fresh=True)
            case ast.Tuple(elts=parts):
                values = [self.value(p) for p in parts]
                return ATOM if all(v.kind == "atom" for v in values) else together(values).held()
            case ast.BoolOp(values=parts):
                return together([self.value(p) for p in parts])
            case ast.List(elts=parts) | ast.Set(elts=parts):
                return together([self.value(p) for p in parts]).held()
            case ast.Dict(keys=keys, values=parts):
                return together([self.value(p) for p in (*filter(None, keys), *parts)]).held()
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self.value(test)
                one, other = self.value(body), self.value(orelse)
                both = together([one, other])
                kind = one.kind if one.kind == other.kind else None
                return Value(both.roots, kind, carries=both.carries, used_up=both.used_up)
            case ast.ListComp(elt=elt, generators=loops) | ast.SetComp(elt=elt, generators=loops):
                return self._comprehension(loops, elt)
            case ast.GeneratorExp(elt=elt, generators=loops):
                made = self._comprehension(loops, elt)
                return Value(made.roots, carries=made.carries, used_up=max(1, made.used_up))
            case ast.DictComp(key=key, value=part, generators=loops):
                return self._comprehension(loops, key, part)
            case ast.Lambda():
                function = self.function(node)
                name = f"{self.mark}:{node.lineno}:{node.col_offset}"
                for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
                    self.value(default)
                self._learn(name, function)
                self._use(name)
                return Value(self._captured(function), carries=frozenset({name}))
            case ast.NamedExpr(target=target, value=part):
                given = self.value(part)
                scopes, self.scopes = self.scopes, []
                with self._perhaps():
                    self._bind(target.id, given)
                self.scopes = scopes
                return given
            case ast.Starred(value=part):
                given = self.value(part)
                return given._replace(used_up=given.within)
            case ast.Await(value=part) | ast.YieldFrom(value=part):
                return self.value(part)
            case ast.JoinedStr() | ast.FormattedValue():
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        self.value(child)
                return ATOM
            case _:
                return together([self.value(c) for c in ast.iter_child_nodes(node) if isinstance(c, ast.expr)])

    def _attribute(self, base: Value, attr: str) -> Value:
        if base.origin is not None:
            path = f"{base.origin}.{attr}"
            self._module(path)
            return Value(base.roots, origin=path)
        if base.kind == "frame":
            return Value(base.roots, kind="frame", fresh=base.fresh or attr not in known.FRAME_VIEWS)
        if (of := self.known.functions.get(base.kind or "")) is not None and attr in dict(of.fields):
            return Value(base.roots, dict(of.fields)[attr], fresh=base.fresh)
        return Value(base.roots, carries=base.carries, used_up=base.within, fresh=base.fresh)

    def _part(self, base: Value) -> Value:
        """An item of something."""
        if base.origin is not None:
            return NOTHING
        if base.kind == "frame":
            return Value(base.roots, kind="frame", fresh=True)
        if base.kind == "atom":
            return ATOM
        return Value(base.roots, carries=base.carries, used_up=base.within, fresh=base.fresh)

    def _items(self, source: ast.expr) -> Value:
        value = self.value(source)
        if value.kind == "atom":
            return ATOM
        fresh = value.fresh or value.kind is not None
        return Value(value.roots, carries=value.carries, used_up=value.within, fresh=fresh)

    def _comprehension(self, loops: Sequence[ast.comprehension], *results: ast.expr) -> Value:
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
                    if items.used_up:
                        self.known.used_up[inner] = items.used_up
            self.assign(loop.target, items)
            for test in loop.ifs:
                self.value(test)
        made = together([self.value(r) for r in results]).held()
        self.scopes.pop()
        return made

    def assign(self, target: ast.expr, value: Value) -> None:
        """Bind a target, or change what it is a part of."""
        match target:
            case ast.Name(id=name):
                self._bind(name, value)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                kind: Kind | None = "atom" if value.kind == "atom" else None
                for part in parts:
                    given = Value(value.roots, kind, carries=value.carries, used_up=value.within, fresh=value.fresh)
                    self.assign(part, given)
            case ast.Starred(value=part):
                self.assign(part, value)
            case _:
                roots = self._place(target)
                self._change(roots)
                for root in roots:
                    self._hold(root, value.shares)
                    self._carry(root, value.carries)
                if value.used_up:
                    self._fill(roots)

    def _unpack(self, target: ast.expr, values: list[Value]) -> None:
        parts = target.elts if isinstance(target, ast.Tuple | ast.List) else []
        if len(parts) == len(values) and not any(isinstance(p, ast.Starred) for p in parts):
            for part, value in zip(parts, values, strict=True):
                self.assign(part, value)
        else:
            self.assign(target, together(values))

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
