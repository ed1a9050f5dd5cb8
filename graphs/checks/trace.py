"""Following values through a notebook without running it: names, columns, functions and classes that it wrote itself.

A `Tracer` walks the cells in order. Every expression stands for a `Value` that carries marks; a check says by the hooks
`called`, `taken` and `combined` where a mark is made and where it counts. Functions are followed at each call with what
it was given, so a fault inside `prepare(path)` is seen as it would be seen in the open.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from artifacts.types import Execution
from graphs.checks.base import Work
from graphs.checks.syntax import trees, words

_DEEP = 5
"""Calls of the notebook's own functions within each other that are followed."""
_MANY = 2000
"""Such calls that are followed in all, so that functions that call each other in a web come to an end."""
_WHOLE = words("loc iloc at iat values T index columns str dt")
"""Attributes of a table that still are the whole table."""


@dataclass(frozen=True)
class Mark:
    """Something known of a value: `kind` for the check, `cell` and `what` for the reader."""

    kind: str
    cell: str = ""
    what: str = ""


Marks = frozenset[Mark]


@dataclass(frozen=True)
class Value:
    """What is known of an expression.

    `columns` holds the marks of single columns of a table, `texts` the strings that a list of names may hold, `parts`
    a tuple's members, `kind` the class that made it or the name under which it was imported, `made` the call that did,
    `fields` the attributes of an instance of the notebook's own class, and `code` a function or class of its own.
    """

    marks: Marks = frozenset()
    columns: dict[str, Marks] = field(default_factory=dict)
    texts: frozenset[str] = frozenset()
    parts: tuple[Value, ...] | None = None
    kind: str = ""
    made: ast.Call | None = None
    fields: dict[str, Value] | None = None
    code: ast.FunctionDef | ast.Lambda | ast.ClassDef | None = None
    bound: Value | None = None

    @property
    def all_marks(self) -> Marks:
        """Its own marks and those of its columns."""
        return self.marks.union(*self.columns.values())

    def has(self, kind: str) -> bool:
        return any(m.kind == kind for m in self.all_marks)

    def plus(self, *marks: Mark) -> Value:
        return replace(self, marks=self.marks | frozenset(marks))

    def without(self, *kinds: str) -> Value:
        """The same but for marks of these kinds, its columns' too."""
        kept = {c: frozenset(m for m in ms if m.kind not in kinds) for c, ms in self.columns.items()}
        own = frozenset(m for m in self.marks if m.kind not in kinds)
        return replace(self, marks=own, columns={c: ms for c, ms in kept.items() if ms})


NOTHING = Value()
Names = dict[str, Value]


def joined(values: Iterable[Value]) -> Value:
    """All that is known of any of them."""
    marks: set[Mark] = set()
    columns: dict[str, Marks] = {}
    texts: set[str] = set()
    for value in values:
        marks |= value.marks
        texts |= value.texts
        for column, of_column in value.columns.items():
            columns[column] = columns.get(column, frozenset()) | of_column
    return Value(frozenset(marks), columns, frozenset(texts))


@dataclass(frozen=True)
class Given:
    """What a call is given: positional and keyword values, and for a method the value that it is called on."""

    call: ast.Call
    name: str
    owner: Value | None
    args: tuple[Value, ...]
    keywords: dict[str, Value]
    applied: tuple[Value, ...] = ()
    """What functions among the arguments give, applied to what the call is about."""

    @property
    def inputs(self) -> tuple[Value, ...]:
        return (*self.args, *self.keywords.values())


class Tracer:
    """Walks a work's written cells. A check derives from it and overrides the hooks."""

    def __init__(self, work: Work) -> None:
        self.cell: Execution
        self.names: Names = {}
        self.trees = list(trees(work))
        self._depth = 0
        self._followed = 0
        self._under: Marks = frozenset()

    def walk(self) -> None:
        for cell, tree in self.trees:
            self.cell = cell
            self._body(tree.body, self.names)

    # What a check may say of its own.

    def called(self, given: Given) -> Value | None:
        """The value of a call of something that the notebook did not write; None for the union of what it is given."""
        return None

    def taken(self, node: ast.Subscript, base: Value, index: Value) -> Value | None:
        """The value of a selection; None for the usual."""
        return None

    def combined(self, node: ast.BinOp, left: Value, right: Value) -> Value | None:
        """The value of an arithmetic expression; None for the union."""
        return None

    def read(self, owner: Value, attribute: str) -> Value | None:
        """The value of an attribute; None for the usual."""
        return None

    def named(self, name: str, value: Value) -> Value:
        """What a name that is assigned a value stands for."""
        return value

    # Statements.

    def _body(self, body: Sequence[ast.stmt], names: Names) -> list[Value]:
        returned: list[Value] = []
        for statement in body:
            returned += self._statement(statement, names)
        return returned

    def _statement(self, node: ast.stmt, names: Names) -> list[Value]:
        match node:
            case ast.FunctionDef() | ast.ClassDef():
                names[node.name] = Value(code=node)
            case ast.Import():
                for a in node.names:
                    names[a.asname or a.name.split(".")[0]] = Value(kind=f"module {a.name}")
            case ast.ImportFrom():
                for a in node.names:
                    names[a.asname or a.name] = Value(kind=f"import {a.name}")
            case ast.Return():
                return [self.value(node.value, names)]
            case ast.Assign():
                value = self.value(node.value, names)
                for target in node.targets:
                    self._assign(target, value, names)
            case ast.AnnAssign() if node.value is not None:
                self._assign(node.target, self.value(node.value, names), names)
            case ast.AugAssign():
                both = joined([self.value(node.target, names), self.value(node.value, names)])
                self._assign(node.target, both, names)
            case ast.Expr():
                self.value(node.value, names)
            case ast.For():
                self._each(node.target, self.value(node.iter, names), names)
                return self._body(node.body, names) + self._body(node.orelse, names)
            case ast.If() | ast.While():
                return self._guarded(node, names)
            case ast.With():
                for item in node.items:
                    opened = self.value(item.context_expr, names)
                    if item.optional_vars is not None:
                        self._assign(item.optional_vars, opened, names)
                return self._body(node.body, names)
            case ast.Try():
                return self._body([*node.body, *(s for h in node.handlers for s in h.body), *node.finalbody], names)
            case ast.Assert():
                self.value(node.test, names)
        return []

    def _guarded(self, node: ast.If | ast.While, names: Names) -> list[Value]:
        """What is done under a condition rests on what the condition rests on."""
        before = self._under
        self._under = before | self.value(node.test, names).marks
        returned = self._body([*node.body, *node.orelse], names)
        self._under = before
        return returned

    def _assign(self, target: ast.expr, value: Value, names: Names) -> None:
        match target:
            case ast.Name():
                names[target.id] = self.named(target.id, value)
            case ast.Tuple() | ast.List():
                parts = value.parts if value.parts and len(value.parts) == len(target.elts) else None
                for i, inner in enumerate(target.elts):
                    self._assign(inner, parts[i] if parts else replace(value, parts=None), names)
            case ast.Starred():
                self._assign(target.value, value, names)
            case ast.Attribute():
                owner = self.value(target.value, names)
                if owner.fields is not None:
                    owner.fields[target.attr] = value
                else:
                    self._set_columns(target.value, {target.attr}, value, names)
            case ast.Subscript():
                self._set_columns(target.value, self.value(target.slice, names).texts, value, names)

    def _set_columns(self, base: ast.expr, columns: Iterable[str], value: Value, names: Names) -> None:
        """A table has got columns; of a part of the rows (`df.loc[rows, c] = ...`) what was known stays."""
        partly = isinstance(base, ast.Attribute) and base.attr in _WHOLE
        table = base.value if isinstance(base, ast.Attribute) and partly else base
        before = self.value(table, names)
        after = dict(before.columns)
        for column in columns:
            marks = value.all_marks | (after.get(column, frozenset()) if partly else frozenset())
            after.pop(column, None)
            if marks:
                after[column] = marks
        own = before.marks if columns else before.marks | value.all_marks  # a column whose name nobody knows
        self._keep(table, replace(before, marks=own, columns=after), names)

    def _keep(self, place: ast.expr, value: Value, names: Names) -> None:
        """A name or an instance's attribute now stands for this value."""
        if isinstance(place, ast.Name):
            names[place.id] = value
        elif isinstance(place, ast.Attribute):
            owner = self.value(place.value, names)
            if owner.fields is not None:
                owner.fields[place.attr] = value

    def _each(self, target: ast.expr, over: Value, names: Names) -> None:
        if over.kind != "folds" and over.parts:
            over = replace(joined(over.parts), marks=joined(over.parts).marks | over.marks)
        self._assign(target, over, names)

    # Expressions.

    def value(self, node: ast.expr | None, names: Names) -> Value:
        """What is known of an expression."""
        match node:
            case ast.Constant():
                return Value(texts=frozenset([node.value])) if isinstance(node.value, str) else NOTHING
            case ast.Name():
                return names.get(node.id) or self.names.get(node.id) or NOTHING
            case ast.Attribute():
                return self._attribute(node, names)
            case ast.Subscript():
                return self._selection(node, names)
            case ast.Call():
                return self._call(node, names)
            case ast.Compare():  # a mask of rows: what they are compared with names no column
                return replace(
                    joined([self.value(n, names) for n in (node.left, *node.comparators)]), texts=frozenset()
                )
            case ast.BinOp():
                left, right = self.value(node.left, names), self.value(node.right, names)
                found = self.combined(node, left, right)
                found = joined([left, right]) if found is None else found
                both = left.texts and right.texts and isinstance(node.op, ast.Add)
                return replace(found, texts=_together([left.texts, right.texts])) if both else found
            case ast.JoinedStr():
                pieces = [self.value(v.value if isinstance(v, ast.FormattedValue) else v, names) for v in node.values]
                return replace(joined(pieces), texts=_together([p.texts for p in pieces]))
            case ast.Tuple() | ast.List() | ast.Set():
                parts = tuple(self.value(e, names) for e in node.elts)
                return replace(joined(parts), parts=parts)
            case ast.Dict():
                return joined([self.value(v, names) for v in [*filter(None, node.keys), *node.values]])
            case ast.Lambda():
                return Value(code=node)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self._comprehension(node, names)
            case ast.NamedExpr():
                value = self.value(node.value, names)
                self._assign(node.target, value, names)
                return value
            case None:
                return NOTHING
            case _:
                inner = [self.value(n, names) for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr)]
                return joined(inner)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, names: Names) -> Value:
        own = dict(names)
        conditions: list[Value] = []
        for generator in node.generators:
            self._each(generator.target, self.value(generator.iter, own), own)
            conditions += [self.value(c, own) for c in generator.ifs]
        made = [self.value(e, own) for e in ([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt])]
        return joined(made).plus(*joined(conditions).marks)

    def _attribute(self, node: ast.Attribute, names: Names) -> Value:
        owner = self.value(node.value, names)
        if (found := self.read(owner, node.attr)) is not None:
            return found
        if owner.fields is not None:
            if node.attr in owner.fields:
                return owner.fields[node.attr]
            methods = owner.code.body if isinstance(owner.code, ast.ClassDef) else []
            method = next((m for m in methods if isinstance(m, ast.FunctionDef) and m.name == node.attr), None)
            return Value(code=method, bound=owner) if method is not None else NOTHING
        if owner.kind.startswith(("module ", "import ")):
            return Value(kind=f"module {owner.kind.partition(' ')[2]}.{node.attr}")
        if node.attr == "index":  # which rows, and nothing of what stands in them
            return Value(owner.marks)
        if node.attr in _WHOLE:
            return replace(owner, parts=None, made=None)
        return Value(owner.marks | owner.columns.get(node.attr, frozenset()))

    def _selection(self, node: ast.Subscript, names: Names) -> Value:
        base, index = self.value(node.value, names), self._index(node.slice, names)
        if base.parts and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int):
            with_place = base.parts[node.slice.value : node.slice.value + 1] or base.parts[-1:]
            return with_place[0]
        if base.kind.startswith("module "):  # np.c_[a, b]
            return index
        if (found := self.taken(node, base, index)) is not None:
            return found
        return selected(base, index)

    def _index(self, node: ast.expr, names: Names) -> Value:
        """What a selection asks for. The ends of a slice name rows, not columns."""
        parts = node.elts if isinstance(node, ast.Tuple) else [node]
        if not any(isinstance(p, ast.Slice) for p in parts):
            return self.value(node, names)
        found = [(p, self.value(p, names)) for p in parts]
        return joined(replace(v, texts=frozenset()) if isinstance(p, ast.Slice) else v for p, v in found)

    def _call(self, call: ast.Call, names: Names) -> Value:
        owner: Value | None = None
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if isinstance(call.func, ast.Attribute):
            owner = self.value(call.func.value, names)
            if owner.kind.startswith("import "):  # from scipy import stats
                owner = Value(kind="module " + owner.kind.removeprefix("import "))
            target = self._attribute(call.func, names) if owner.fields is not None else NOTHING
        else:
            target = self.value(call.func, names)
            if target.kind.startswith("import "):
                name = target.kind.removeprefix("import ")
        args: list[Value] = []
        for a in call.args:
            value = self.value(a.value if isinstance(a, ast.Starred) else a, names)
            args += value.parts if isinstance(a, ast.Starred) and value.parts else [value]
        given = Given(call, name, owner, tuple(args), self._keywords(call, owner, names))
        if target.code is not None:
            return self._own(target, given)
        if name == "pipe" and owner is not None and args and args[0].code is not None:
            return self._own(args[0], replace(given, args=(owner, *args[1:])))
        about = owner if owner is not None and not owner.kind.startswith("module ") else joined(args)
        functions = [a for a in (*args, *given.keywords.values()) if a.code is not None and a.fields is None]
        applied = [self._own(a, replace(given, args=(about,), keywords={})) for a in functions]
        given = replace(given, applied=tuple(applied))
        found = self.called(given)
        if found is None:
            found = self._usual(given, applied)
        place = call.func.value if isinstance(call.func, ast.Attribute) else None
        if place is not None and owner is not None:
            in_place = any(k.arg == "inplace" and getattr(k.value, "value", False) is True for k in call.keywords)
            if in_place or found.kind == "fitted " + owner.kind:
                self._keep(place, found, names)
            elif name in ("append", "extend", "add", "insert", "update"):
                self._keep(place, joined([owner, *args]).plus(*self._under), names)
        return found

    def _keywords(self, call: ast.Call, owner: Value | None, names: Names) -> dict[str, Value]:
        found = {}
        for k in call.keywords:
            value = self.value(k.value, names)
            if value.code is not None and owner is not None:  # df.assign(x=lambda d: ...)
                value = self._own(value, Given(call, "", None, (owner,), {}))
            found[k.arg or "**"] = value
        return found

    def _usual(self, given: Given, applied: Sequence[Value]) -> Value:
        """Of most calls: what is known of anything that they are given; `assign` and `drop` know their columns."""
        owner = given.owner if given.owner is not None and not given.owner.kind.startswith("module ") else None
        if owner is not None and given.name == "assign":
            columns = owner.columns | {c: v.all_marks for c, v in given.keywords.items() if v.all_marks}
            return replace(owner, columns=columns)
        if owner is not None and given.name in ("drop", "pop"):
            gone = joined(given.inputs).texts
            kept = {c: m for c, m in owner.columns.items() if (c in gone) == (given.name == "pop")}
            return replace(owner, columns=kept)
        every = [*([owner] if owner is not None else []), *given.inputs, *applied]
        kind = given.name if given.name[:1].isupper() else ""
        return replace(joined(every), kind=kind, made=given.call if kind else None)

    def _own(self, target: Value, given: Given) -> Value:
        """The value of a call of a function, method or class of the notebook's own."""
        code = target.code
        self._followed += 1
        if self._depth >= _DEEP or self._followed > _MANY or code is None:
            return joined(given.inputs)
        if isinstance(code, ast.ClassDef):
            made = Value(fields={}, code=code)
            names = [s.target.id for s in code.body if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)]
            assert made.fields is not None
            made.fields.update(zip(names, given.args, strict=False))
            made.fields.update(given.keywords)
            start = next((m for m in code.body if isinstance(m, ast.FunctionDef) and m.name == "__init__"), None)
            if start is not None:
                self._own(Value(code=start, bound=made), given)
            return made
        own: Names = {}
        arguments = [*code.args.posonlyargs, *code.args.args]
        for a, default in zip(reversed(arguments), reversed(code.args.defaults), strict=False):
            own[a.arg] = self.value(default, self.names)
        values = [target.bound, *given.args] if target.bound is not None else list(given.args)
        for a, v in zip(arguments, values, strict=False):
            own[a.arg] = v
        own.update({k: v for k, v in given.keywords.items() if k != "**"})
        self._depth += 1
        if isinstance(code, ast.Lambda):
            found = self.value(code.body, own)
        else:
            returned = self._body(code.body, own)
            found = returned[0] if len(returned) == 1 else joined(returned)
        self._depth -= 1
        return found


def _together(pieces: Sequence[frozenset[str]]) -> frozenset[str]:
    """All texts that pieces may make one after the other, where each may be one of several; none beyond a hundred."""
    made = {""}
    for piece in pieces:
        made = {a + b for a in made for b in piece}
        if len(made) > 100:
            return frozenset()
    return frozenset(made)


def selected(base: Value, index: Value) -> Value:
    """A table's selection: of the named columns where they are known, otherwise of all."""
    if not index.texts:
        return replace(base, parts=None, made=None, kind="")
    columns = {c: m for c, m in base.columns.items() if c in index.texts}
    return Value(base.marks, columns)
