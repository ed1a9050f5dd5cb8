"""What the toolkit's functions and classes do, read in their source with the trust that a stranger's code has not got.

A notebook carries its part of the toolkit in a cell. Read as anybody's code, where every call that is not listed may
change all that it is given, two thirds of its functions would change their arguments. But its code is ours, and held to
this: what it calls of libraries changes something only where a method is listed in `effects`, or is called for nothing
else; its annotations are true; it draws no random numbers without a seed of its own; it leaves settings as they were,
but for the style of charts; it changes none of its constants, and what `exec` runs sees no name of the notebook.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from notebooks.live import effects
from notebooks.live.reading.names import ATOM, LOCAL, RANDOM, SETTINGS, Function, Kind, Names, Value
from notebooks.live.reading.parsing import parsed, told_of
from notebooks.live.reading.statements import Reader, walked
from notebooks.slices import TOOLKIT, remembered, whole

_ATOMS = {"str", "int", "float", "bool", "bytes", "None", "Path"}
_FRAMES = {"pd.DataFrame", "pd.Series"}


@cache
def ours() -> Mapping[str, Function | None]:
    """What each definition of the toolkit does, by the digest of its text; None for a constant.

    Reading all of it takes more than two seconds of processor time, so what was found is kept.
    """
    rules = [*Path(__file__).parent.glob("*.py"), Path(effects.__file__)]
    found: dict[str, Function | None] = remembered("effects", TOOLKIT, rules, _ours)
    return found


def _ours() -> dict[str, Function | None]:
    source = whole()
    functions, found = walked(source, Names(), Trusting, {}).names.functions, dict[str, Function | None]()
    for node in parsed(source).body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found[told_of(node)[0]] = functions[name]
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                if _hidden(name):
                    found[told_of(node)[0]] = None
    return found


_REMEMBER = {"_READ", "_SAMPLED", "_WHOLE", "_TOLD_AT"}
"""Tables of what was read and told: they show only where a file is so large that a sample is read of it."""
_SHARE = {"_TABLES"}
"""The same, with what others are given, too."""


def _hidden(name: str) -> bool:
    """Whether a name of the toolkit's stands for what its functions neither change, as it shows, nor give away."""
    return name in _REMEMBER or (name.isupper() and not name.startswith("_"))


class Trusting(Reader):
    """Reads the toolkit."""

    def statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            self.told_to = node.value
        super().statement(node)

    told_to: ast.Call | None = None
    """The call whose result nobody takes: it is there for what it changes."""

    def _load(self, name: str) -> Value:
        found = super()._load(name)
        return Value(carries=found.carries, fresh=True) if _hidden(name) else found

    def _captured(self, function: Function) -> frozenset[str]:
        return frozenset(n for n in super()._captured(function) if not _hidden(n))

    def _call(self, node: ast.Call) -> Value:
        outer, self.inside = self.inside, node
        try:
            return super()._call(node)
        finally:
            self.inside = outer

    inside: ast.Call | None = None

    def _unknown_call(self, callee: Value, given: Value) -> Value:
        if self.inside is self.told_to:
            self._change(given.roots)
        return Value(callee.shares | given.shares, carries=callee.carries | given.carries)

    def _unknown_method(self, base: Value, given: Value) -> Value:
        if self.inside is self.told_to:
            self._change(base.roots)
        return Value(base.shares | given.shares, carries=base.carries | given.carries)

    def _builtin(self, name: str, node: ast.Call, args: list[Value], given: Value) -> Value:
        if name == "exec" and len(args) > 1:
            self.out.files.add("*")
            return ATOM
        return super()._builtin(name, node, args, given)

    def _names_in_texts(self, node: ast.Call) -> None:
        """Its queries name what they read in variables of their own."""

    def kinds_given(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> dict[str, Kind]:
        args = node.args
        told = {a.arg: self._kind(a.annotation) for a in (*args.posonlyargs, *args.args, *args.kwonlyargs)}
        return {name: kind for name, kind in told.items() if kind is not None}

    def same(self) -> list[tuple[str, frozenset[str]]]:
        """What is put into a list or a table there is not changed by way of it."""
        return [a for a in self.out.aliases if a not in self.holds]

    def _kind(self, annotation: ast.expr | None) -> Kind | None:
        """What a value is that is annotated so."""
        parts = set(ast.unparse(annotation).split(" | ")) if annotation is not None else {"Any"}
        if parts <= _ATOMS:
            return "atom"
        parts -= {"None"}
        if parts <= _FRAMES:
            return "frame"
        (name, *more) = sorted(parts)
        known = self.known.functions.get(name) or self.later.functions.get(name)
        return name if not more and known is not None and known.result == name else None

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Function:
        found = super().function(node)
        result = self._kind(node.returns) if not isinstance(node, ast.Lambda) else None
        mutates = found.mutates - {SETTINGS, RANDOM} - _SHARE
        return replace(found, mutates=mutates, alive=False, opaque=False, result=result)

    def _read_class(self, node: ast.ClassDef) -> Function:
        """A class of which something is made without a change to anything else, and of which the methods are known."""
        body = Trusting(self._inner_names(frozenset()), self.mark, frozenset(), later=self.later)
        methods = dict[str, Function]()
        for part in node.body:
            if isinstance(part, ast.FunctionDef):
                method = body.function(part)
                made = part.returns is not None and ast.unparse(part.returns).startswith("dict[str, ")
                methods[part.name] = replace(method, gives=method.gives and not made)
            else:
                body.statement(part)
        parts = methods.values()
        fields = {
            part.target.id: kind
            for part in node.body
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
            if (kind := self._kind(part.annotation)) is not None
        }
        reads = body.out.reads.union(*(m.reads for m in parts)) - {node.name, *body.ever}
        return Function(
            reads=frozenset(r for r in reads if LOCAL not in r and r != SETTINGS),
            mutates=frozenset[str]().union(*(m.mutates for m in parts)),
            files=frozenset[str]().union(*(m.files for m in parts)),
            writes=frozenset[str]().union(*(m.writes for m in parts)),
            result=node.name,
            methods=tuple(methods.items()),
            fields=tuple(fields.items()),
        )
