"""A cell as a tree of Python's, its IPython lines as calls; and what a single node says by itself."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

WORD = re.compile(r"\w+")


def parse(source: str) -> ast.Module | None:
    """The cell as a tree, its IPython lines as the calls that they stand for; None for what is not Python."""
    try:
        return parsed(source)
    except (SyntaxError, ValueError, RecursionError):
        return None


@lru_cache(512)
def parsed(source: str) -> ast.Module:
    """The same; raises what Python raises for what is not Python."""
    timed = re.match(r"\s*%%(?:time|timeit|capture)\b[^\n]*\n", source)
    source = source[timed.end() :] if timed else source
    try:
        return _tree(source)
    except SyntaxError:
        if re.search(r"^\s*(?:[\w.,\s]*=\s*)?[%!?]|\?\s*$", source, re.M) is None:
            raise
    from IPython.core.inputtransformer2 import TransformerManager

    return _tree(TransformerManager().transform_cell(source))  # type: ignore[no-untyped-call]


_TOLD = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)


def _tree(source: str) -> ast.Module:
    tree = compile(source, "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    lines = re.split(r"\r\n|\r|\n", source)
    for part in tree.body:
        if isinstance(part, _TOLD) and part.end_lineno is not None:
            first = min(n.lineno for n in (part, *getattr(part, "decorator_list", ())))
            part.told = "\n".join(lines[first - 1 : part.end_lineno])  # type: ignore[union-attr]
    return tree


@lru_cache(512)
def mentioned(source: str) -> frozenset[str]:
    """All words of a text: the names that it can use are among them."""
    return frozenset(WORD.findall(source))


@lru_cache(8192)
def facts_of(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
) -> tuple[list[ast.stmt], frozenset[str], frozenset[str], bool]:
    """Of a function its body, the names that it shares with outside, those that it binds, and whether it yields."""
    body: list[ast.stmt] = [ast.Return(node.body)] if isinstance(node, ast.Lambda) else node.body
    inside = [x for part in body for x in own_nodes(part)]
    shared = frozenset(n for x in inside if isinstance(x, ast.Global | ast.Nonlocal) for n in x.names)
    yields = any(isinstance(x, ast.Yield | ast.YieldFrom) for x in inside)
    return body, shared, frozenset(n for part in body for n in assigned(part)), yields


@lru_cache(8192)
def told_of(node: ast.AST) -> tuple[str, frozenset[str]]:
    """The same text for the same code, wherever it stands, and all words in it."""
    text = getattr(node, "told", None) or ast.dump(node)
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest(), mentioned(text)


def methods_of(node: ast.ClassDef) -> set[str]:
    """The names of a class's methods."""
    return {part.name for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)}


_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """A node and what is in it, but for the bodies of functions and classes."""
    todo = [node]
    while todo:
        yield (node := todo.pop())
        todo += [c for c in _children(node) if not isinstance(c, _SCOPES)]


def _children(node: ast.AST) -> list[ast.AST]:
    """What a node consists of; `ast.iter_child_nodes` takes thrice the time."""
    found: list[ast.AST] = []
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            found += [one for one in value if isinstance(one, ast.AST)]
        elif isinstance(value, ast.AST) and not isinstance(value, ast.expr_context):
            found.append(value)
    return found


def assigned(node: ast.AST) -> Iterator[str]:
    """The names that a statement binds in its own scope."""
    todo = [node]
    while todo:
        match node := todo.pop():
            case ast.Name(id=name, ctx=ctx):
                if not isinstance(ctx, ast.Load):
                    yield name
                continue
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
                continue
            case ast.Lambda() | ast.Constant():
                continue
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from ((a.asname or a.name).split(".")[0] for a in names)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                for part in ast.walk(node):
                    if isinstance(part, ast.NamedExpr):
                        yield part.target.id
                continue
        todo += _children(node)


def leaves(body: Sequence[ast.stmt]) -> bool:
    """Whether what follows these statements is not reached from them."""
    return bool(body) and isinstance(body[-1], ast.Raise | ast.Return | ast.Continue | ast.Break)


def deleted(name: str) -> ast.stmt:
    """The statement that deletes a name."""
    return ast.Delete([ast.Name(name, ast.Del())])


def text_of(node: ast.expr) -> str | None:
    """The text that an expression is, if it is one."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def base_name(path: str) -> str:
    """The last part of a path, by which files are told apart."""
    return path.rstrip("/").rpartition("/")[2] or path
