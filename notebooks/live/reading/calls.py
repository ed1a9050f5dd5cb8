"""What a call does: of a function of the notebook, a builtin, a library's function, or a method."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace

from notebooks.live import effects as known
from notebooks.live.reading.files import Files
from notebooks.live.reading.names import (
    ANY,
    ATOM,
    BUILTINS,
    LAMBDA,
    NOTHING,
    RANDOM,
    SELF,
    SETTINGS,
    Function,
    Kind,
    Value,
    together,
)
from notebooks.live.reading.parsing import parse, text_of


class Calls(Files):
    """Reads calls. What is not known to be harmless may change all that it is given."""

    def _magic(self, name: str, line: str) -> Value:
        """A line of IPython's own, such as `%time f(x)`."""
        if name in known.TIMING and (tree := parse(line)) is not None:
            self.block(tree.body)
        elif name in known.SETTING_MAGICS:
            self._touch(SETTINGS)
        elif name not in known.SHOWING_MAGICS:
            self.out.opaque = True
        return NOTHING

    def _call(self, node: ast.Call) -> Value:
        if (
            isinstance(node.func, ast.Attribute)
            and node.func.attr == "run_line_magic"
            and ast.unparse(node.func) == "get_ipython().run_line_magic"
        ):
            name, line = (text_of(a) for a in node.args)
            return self._magic(name or "", line or "")
        args = [self.value(a) for a in node.args]
        keywords = {k.arg or "**": self.value(k.value) for k in node.keywords}
        given = together([*args, *keywords.values()])
        for name, value in keywords.items():
            if name in known.RESULT_KEYWORDS:
                self._change(value.roots)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        draws = name in known.DRAWS or (name == "split" and any(v.kind != "atom" for v in args))
        if draws and not known.SEEDS & keywords.keys():
            self._touch(RANDOM)
        if isinstance(node.func, ast.Attribute):
            base = self.value(node.func.value)
            if base.origin is not None:
                return self._library(f"{base.origin}.{name}", node, given, base)
            return self._method(base, name, node, args, keywords)
        callee = self.value(node.func)
        if callee.origin is not None:
            return self._library(callee.origin, node, given, callee)
        own = isinstance(node.func, ast.Name) and not any(name in scope for scope in self.scopes)
        function = self.known.functions.get(name) if own else None
        if function is not None:
            return self._own_function(name, function, node, args, keywords)
        if own and name in BUILTINS and name not in self.known.shadowed:
            self._called_back(given)
            if name in known.SORTING_BUILTINS:
                given = together([*args, *(v for k, v in keywords.items() if k != "key")])
            return self._builtin(name, node, args, given)
        return self._unknown_call(callee, given)

    def _unknown_call(self, callee: Value, given: Value) -> Value:
        self._change(callee.roots | given.roots)
        self._share(callee.roots | given.shares | self._outer(callee))
        if given.used_up:
            self._fill(given.roots | callee.roots)
        return Value(callee.roots | given.shares, carries=callee.carries | given.carries, used_up=2)

    def _own_function(
        self, name: str, function: Function, node: ast.Call, args: Sequence[Value], keywords: Mapping[str, Value]
    ) -> Value:
        given = together([*args, *keywords.values()])
        self._meets(name, function)
        whole = self.known.whole(name) or function
        if self.local is None and whole.changes:  # of a function it is asked where that is called
            function = replace(function, hands=function.hands | whole.hands, gives=True, result=None)
            used_up = 2
            self._happens(whole, node, args, keywords)
        else:
            used_up = max(function.used_up, int(function.alive and not function.changes))
            self._happens(function, node, args, keywords)
        self._files_of(name, node, reads_any=False)
        for changed in function.mutates:
            self._carry(changed, given.carries)
        if given.used_up:
            self._fill((*self._values(function.mutates), *(given.roots if function.changes else ())))
        if any(n[-1] == "=" for n in function.fills):
            self._fill(given.roots)
        if function.alive:
            self._change({name})
        if function.result == "atom":
            return ATOM
        gives = function.gives or function.alive
        shares = given.shares | self._captured(function) if gives else frozenset[str]()
        if gives:
            used_up = max(used_up, given.used_up, *(self.known.used_up.get(n, 0) for n in shares))
        return Value(
            shares,
            function.result,
            carries=(given.carries if gives else frozenset[str]()) | {name if h == SELF else h for h in function.hands},
            used_up=used_up,
            fresh=not shares,
        )

    def _meets(self, name: str, function: Function) -> None:
        """A function is called here: one that is defined in the same function stays what it is."""
        if self.local is not None and (name in self.local or name.startswith(LAMBDA)):
            self.met |= dict(function.met)
        else:
            self.met[name] = function.effect

    def _happens(
        self, function: Function, node: ast.Call, args: Sequence[Value], keywords: Mapping[str, Value]
    ) -> None:
        """What a function of the notebook does to what it is given."""
        several = any(isinstance(a, ast.Starred) for a in node.args) or "**" in keywords

        def given(parameter: str) -> Value:
            name, place = parameter[:-1], len(args)
            if parameter == ANY or several:
                return together([*args, *keywords.values()])
            if name in ("*", "**"):
                return together(list(args if name == "*" else keywords.values()))
            if name in function.params:
                place = function.params.index(name)
            value = args[place] if place < len(args) else keywords.get(name, NOTHING)
            return ATOM if value.kind == "atom" else value

        for parameter in function.changes:
            self._change(given(parameter).roots)
            self._share(given(parameter).shares)
        for names in function.keeps:
            parts = (given(n).shares if n == ANY or n[-1] == "=" else self._values({n}) for n in names)
            self._share(frozenset[str]().union(*parts))

    def _called_back(self, given: Value, *others: Value) -> bool:
        """A function among what is given may be called with all of it; whether that may change something."""
        functions = {c: f for c in given.carries if (f := self.known.functions.get(c)) is not None}
        for name, function in functions.items():
            self._meets(name, function)
        harmful = [
            f for c, f in functions.items() if f.changes or f.keeps or (self.local is None and not self.known.stands(c))
        ]
        if harmful:
            every = together([given, *others])
            self._change(every.roots)
            self._share(every.shares | self._outer(given))
        return bool(harmful)

    def _builtin(self, name: str, node: ast.Call, args: list[Value], given: Value) -> Value:
        if name in known.OPAQUE_BUILTINS or (name in ("vars", "dir") and not args):
            self.out.opaque = True
        if name in ("setattr", "delattr", "next"):
            self._change(given.roots)
            if any(v.origin for v in args):
                self._touch(SETTINGS)
            return Value(given.shares, used_up=given.within)
        if name == "open":
            return self._opened(node, given)
        if name in known.ATOMIC:
            return ATOM
        if name in known.PURE_BUILTINS or name[:1].isupper():
            return Value(fresh=True, kind="atom" if name in known.ATOMIC else None)
        if name in known.SHARING_BUILTINS:
            return Value(given.shares, carries=given.carries, used_up=given.within or int(name in known.ITERATORS))
        self._change(given.roots)
        return Value(given.shares, carries=given.carries, used_up=2)

    def _library(self, path: str, node: ast.Call, given: Value, base: Value) -> Value:
        top, _, last = path.split(".")[0], ".", path.split(".")[-1]
        self._module(path)
        keywords = {k.arg for k in node.keywords}
        if path.startswith(known.SETTINGS) and last not in ("catch_warnings", "option_context"):
            self._touch(SETTINGS)
        if path.startswith(known.RANDOM):
            if last in known.GENERATORS:
                return NOTHING
            if last == "seed":
                self.out.mutates.add(RANDOM)
                return NOTHING
            self._touch(RANDOM)
        if top in known.FILE_MODULES or last in known.READERS | known.WRITERS | known.FOLDERS:
            self._files_of(last, node)
        if last in known.QUERIES:
            self._names_in_texts(node)
        if path.startswith(known.CHANGING) or (top == "numpy" and last == "at") or last == "putmask":
            self._change(given.roots)
            return Value(given.shares)
        if path.startswith(known.USED_UP) or "chunksize" in keywords or "iterator" in keywords:
            return Value(given.shares, used_up=given.within or 1)
        if path.startswith("duckdb.connect"):
            self._files_of("open", node, reads_any=False)
            return Value(given.shares, used_up=given.within or 1)
        if top not in known.PURE_MODULES:
            self._change(given.roots)
            self._share(given.shares)
            self._touch(f"~{top}")
            return Value(given.shares, carries=given.carries, used_up=2)
        self._called_back(given)
        if top == "pandas":
            return Value(kind="frame", fresh=True)
        if top in known.ATOMIC_MODULES:
            return ATOM
        if top == "pathlib":
            return Value(kind="path", fresh=True)
        if top in known.FRESH_MODULES or path == "copy.deepcopy":
            return NOTHING
        return Value(given.shares, carries=given.carries, used_up=given.within)

    def _method_of_ours(self, base: Value, name: str) -> Function | None:
        """What a method does of which the toolkit's class is known."""
        of = self.known.functions.get(base.kind or "")
        return dict(of.methods).get(name) if of is not None else None

    def _method(
        self, base: Value, name: str, node: ast.Call, args: Sequence[Value], keywords: Mapping[str, Value]
    ) -> Value:
        given = together([*args, *keywords.values()])
        inplace = any(
            k.arg == "inplace" and not (isinstance(k.value, ast.Constant) and k.value.value is False)
            for k in node.keywords
        )
        if inplace:
            self._change(base.roots)
        if name in known.QUERIES:
            self._names_in_texts(node)
        changes_files = name in known.FILE_CHANGES and (base.kind == "path" or name in known.PATH_CHANGES)
        if changes_files or name in known.READERS | known.WRITERS | known.FOLDERS:
            self._files_of(name, node)
        if (method := self._method_of_ours(base, name)) is not None:
            self._happens(method, node, [base, *args], keywords)
            self._use(base.kind or "")
            if method.result == "atom":
                return ATOM
            shares = base.roots | given.shares if method.gives else frozenset[str]()
            return Value(shares, method.result, fresh=not shares)
        harmful = self._called_back(given, base if base.kind != "frame" or name == "pipe" else NOTHING)
        if name in self.known.methods and base.kind != "frame":
            return self._unknown_method(base, given)
        if base.kind == "frame":
            if name in known.FRAME_CHANGES:
                self._change(base.roots)
                for root in base.roots:
                    self._join(root, given.shares)
            rows = name in ("iterrows", "itertuples", "items")
            return Value(base.roots, None if rows else "frame", used_up=int(rows), fresh=name not in known.FRAME_VIEWS)
        if name in known.PURE_METHODS and not harmful:
            if name in known.FRESH_METHODS:
                kind: Kind | None = "atom" if name in ("join", "strip", "lower", "upper", "format", "count") else None
                return Value(base.roots, kind=kind or ("atom" if base.kind == "atom" else None), fresh=True)
            used_up, fresh = max(base.within, given.used_up), base.fresh and not given.shares
            return Value(base.roots | given.shares, carries=base.carries, used_up=used_up, fresh=fresh)
        if name in known.OWN_METHODS:
            self._change(base.roots)
            return Value(base.roots, carries=base.carries, used_up=base.within)
        if name in known.HOLDING_METHODS:
            self._change(base.roots)
            for root in base.roots:
                self._hold(root, given.shares)
                self._carry(root, given.carries)
            if given.used_up:
                self._fill(base.roots)
            used_up = max(base.within, given.used_up)
            return Value(base.roots | given.shares, carries=base.carries | given.carries, used_up=used_up)
        if name in known.WRITERS and base.kind is None and not given.roots:
            return NOTHING
        if base.kind in ("atom", "path"):
            return Value(kind=base.kind, fresh=True)
        return self._unknown_method(base, given)

    def _outer(self, value: Value) -> frozenset[str]:
        """The outer names that the functions which a value may be or hold change, and in which they may keep things."""
        functions = [f for c in value.carries if (f := self.known.whole(c)) is not None]
        return frozenset[str]().union(*(self._values(f.mutates) for f in functions))

    def _unknown_method(self, base: Value, given: Value) -> Value:
        self._change(base.roots | given.roots)
        kept = self._outer(base)
        for root in base.roots:
            self._join(root, given.shares | kept)
            self._carry(root, given.carries)
        if given.used_up:
            self._fill(base.roots)
        return Value(base.roots | given.shares, carries=base.carries | given.carries, used_up=2)
