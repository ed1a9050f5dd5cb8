"""The part of a package that some code uses, as one text: the definitions that the code names and those that they name
in turn, in an order in which they can run. So the toolkit comes into notebooks, and the observer into kernels.

All of it is found in the sources, by name and scope; nothing is imported or run.
"""

from __future__ import annotations

import ast
import os
import pickle
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

TOOLKIT = Path(__file__).parent / "toolkit"
OBSERVER = Path(__file__).parent / "observer"
HEADING = (
    "# Gristmill's toolkit: the part that this notebook uses. The whole: the package notebooks.toolkit of Gristmill."
)


@dataclass
class Names:
    """The names that a scope binds, and those that it takes from outside or reads after binding them."""

    binds: set[str] = field(default_factory=set)
    reads: set[str] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)  # declared as global


@dataclass(frozen=True)
class Statement:
    """A statement at the top level of a module or a cell, with its text as it is written there, the names that it binds
    and the global names that it reads."""

    kind: type[ast.stmt]
    text: str
    names: Names

    @property
    def imports(self) -> bool:
        """Whether it is an import."""
        return issubclass(self.kind, ast.Import | ast.ImportFrom)


@dataclass(frozen=True)
class Package:
    """The definitions of a package whose modules share one namespace, in an order in which they can run.

    `imports` has, for each name that its modules import, the module's name and, after a colon, the attribute's;
    `homes`, in the same way, for each name that they define.
    """

    definitions: tuple[Statement, ...]
    imports: dict[str, str]
    homes: dict[str, str]

    @property
    def names(self) -> frozenset[str]:
        """All names that the package defines."""
        return frozenset(self.homes)


_bound = dict[str, frozenset[str]]()
"""What the texts bind that were made here: they are long, and need not be read again for it."""


def slice_for(code: str, already: Iterable[str] = ()) -> str:
    """The toolkit cell for code: what the code needs of the toolkit and, by name, is not `already` defined.

    Empty where it needs nothing. Modules that the toolkit imports (`np`, `pd`) count as part of it. The same code gives
    the same text.
    """
    return part(package(TOOLKIT), reads(code), already)


def whole() -> str:
    """All of the toolkit as one cell."""
    return part(package(TOOLKIT), package(TOOLKIT).names)


def imports_for(code: str) -> str:
    """Import statements for what code uses of the toolkit, for where the package can be imported."""
    known = package(TOOLKIT).imports | package(TOOLKIT).homes
    return "\n".join(_imports({name: known[name] for name in reads(code) & set(known)}))


def part(package: Package, wanted: Iterable[str], already: Iterable[str] = (), heading: str = HEADING) -> str:
    """The text that defines the wanted names of a package, and all that they need; empty if there are none."""
    already = frozenset(already)
    by_name: dict[str, list[Statement]] = {}
    for statement in package.definitions:
        for name in statement.names.binds:
            by_name.setdefault(name, []).append(statement)
    found, waiting = set[str](), set(wanted) - already
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= {n for s in by_name.get(name, ()) for n in s.names.reads} - found - already
    imports = _imports({name: package.imports[name] for name in found & set(package.imports)})
    chosen = [s for s in package.definitions if s.names.binds & found]
    text = "\n".join([heading, *imports, *_laid_out(chosen)]) if imports or chosen else ""
    _bound[text] = frozenset(found & set(package.imports)).union(*(s.names.binds for s in chosen))
    return text


def lacking(code: str, already: Iterable[str]) -> str:
    """A toolkit cell without the definitions that are `already` there; empty where nothing else is left of it."""
    already = frozenset(already)
    heading, rest = code.split("\n", 1) if code.startswith("#") and "\n" in code else ("", code)
    kept = [s for s in statements(rest) if s.names.binds and not s.names.binds <= already]
    imports = [s.text for s in kept if s.imports]
    lines = [heading, *imports, *_laid_out([s for s in kept if not s.imports])]
    return "\n".join(lines).strip("\n") if kept else ""


def reads(code: str) -> frozenset[str]:
    """The names that code reads and has not bound before; of code that is not plain Python, every word."""
    found, bound = set[str](), set[str]()
    try:
        for statement in statements(code):
            found |= statement.names.reads - bound
            bound |= statement.names.binds
    except SyntaxError:
        return frozenset(re.findall(r"[^\W\d]\w*", code))
    return frozenset(found)


def binds(code: str) -> frozenset[str]:
    """The names that code binds at its top level; none of code that is not plain Python."""
    if code in _bound:
        return _bound[code]
    try:
        return frozenset().union(*(s.names.binds for s in statements(code)))
    except SyntaxError:
        return frozenset()


@cache
def statements(code: str) -> tuple[Statement, ...]:
    """The statements of a module or a cell, each with the comments just above it. Raises SyntaxError."""
    return _recognised(code) or tuple(statement for _, statement in _parsed(code))


def _recognised(code: str) -> tuple[Statement, ...] | None:
    """The statements of a cell that `part` made of the toolkit, of which only the imports are parsed; None of another.

    To parse such a cell takes up to a third of a second, and every template begins with one.
    """
    imports, _, rest = code.partition("\n\n\n")
    found, at, by_line = list[Statement](), 0, _by_first_line()
    while at < len(rest):
        end = rest.find("\n", at)
        same = by_line.get(rest[at:] if end < 0 else rest[at:end], ())
        one = next(
            (s for s in same if rest.startswith(s.text, at) and rest[at + len(s.text) :][:1] in ("", "\n")), None
        )
        if one is None:
            return None
        found.append(one)
        at += len(one.text)
        while rest.startswith("\n", at):
            at += 1
    try:
        return (*(statement for _, statement in _parsed(imports)), *found)
    except SyntaxError:
        return None


@cache
def _by_first_line() -> dict[str, list[Statement]]:
    """The toolkit's definitions, each where its first line is looked up."""
    found = dict[str, list[Statement]]()
    for statement in package(TOOLKIT).definitions:
        found.setdefault(statement.text.partition("\n")[0], []).append(statement)
    return found


def _parsed(code: str) -> Iterator[tuple[ast.stmt, Statement]]:
    lines, before = code.split("\n"), 0
    for node in ast.parse(code).body:
        start = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]) - 1
        while start > before and lines[start - 1].startswith("#"):
            start -= 1
        before = node.end_lineno or node.lineno
        yield node, Statement(type(node), "\n".join(lines[start:before]), _names([node]))


@cache
def package(folder: Path) -> Package:
    """A package: to read the toolkit takes a quarter of a second of processor time, so what was found is kept."""
    made: Package = remembered("slices", folder, [], lambda: _package(folder, _sources(folder)))
    return made


def remembered[T](name: str, folder: Path, rules: Iterable[Path], make: Callable[[], T]) -> T:
    """What is found in a package's modules by code in some files: made, or kept by an earlier process.

    It is kept beside the modules' bytecode, or among the user's caches where no bytecode is written, and made anew
    where one of the files is another than then.
    """
    files = (*_sources(folder), *rules, Path(__file__))
    stamp = [(p.name, s.st_mtime_ns, s.st_size) for p in files for s in [p.stat()]]
    kept = folder / "__pycache__" / f"{name}.{sys.implementation.cache_tag}.pickle"
    if sys.dont_write_bytecode:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
        kept = caches / "gristmill" / f"{zlib.crc32(str(folder).encode()):x}.{kept.name}"
        if not kept.is_absolute():  # nobody's home
            return make()
    with suppress(OSError, EOFError, pickle.UnpicklingError, AttributeError), kept.open("rb") as file:
        if pickle.load(file) == stamp:
            found: T = pickle.load(file)
            return found
    made = make()
    with suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_name(f"{kept.name}.{os.getpid()}")
        fresh.write_bytes(pickle.dumps(stamp) + pickle.dumps(made))
        fresh.replace(kept)
    return made


def _sources(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.py"))


def _package(folder: Path, sources: Iterable[Path]) -> Package:
    """Read a package. Its modules import one another by name, without renaming and without a circle."""
    title = f"{folder.parent.name}.{folder.name}"
    own = re.compile(rf"{re.escape(title)}\.(\w+)")
    after = dict[str, list[str]]()
    definitions, imports = dict[str, list[Statement]](), dict[str, str]()
    for name, code in ((p.stem, p.read_text(encoding="utf-8")) for p in sources):
        after[name] = []
        for node, statement in _parsed(code):
            if isinstance(node, ast.ImportFrom) and (inner := own.fullmatch(node.module or "")):
                after[name].append(inner[1])
            elif isinstance(node, ast.ImportFrom):
                imports |= {a.asname or a.name: f"{node.module}:{a.name}" for a in node.names}
            elif isinstance(node, ast.Import):
                imports |= {a.asname or a.name: a.name for a in node.names}
            elif statement.names.binds:
                definitions.setdefault(name, []).append(statement)
    order = TopologicalSorter({name: sorted(set(needed)) for name, needed in after.items()}).static_order()
    homes = {n: f"{title}.{name}:{n}" for name, some in definitions.items() for s in some for n in s.names.binds}
    return Package(tuple(s for name in order for s in definitions.get(name, ())), imports, homes)


def _names(nodes: Iterable[ast.AST | None]) -> Names:
    """The names of one scope; of a function or comprehension inside it, what that takes from here."""
    found = Names()
    for node in nodes:
        here: Iterable[ast.AST | None] = ()
        match node:
            case None:
                continue
            case ast.Name(id=name, ctx=ast.Load()):
                found.reads.add(name)
            case ast.Name(id=name):
                found.binds.add(name)
            case ast.Global(names=names):
                found.shared |= set(names)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                asked = node.args
                given = [*asked.posonlyargs, *asked.args, *asked.kwonlyargs, asked.vararg, asked.kwarg]
                inner = _names(node.body if isinstance(node.body, list) else [node.body])
                own = (inner.binds | {arg.arg for arg in given if arg}) - inner.shared
                found.reads |= inner.reads - own
                found.binds |= inner.binds & inner.shared
                here = [*asked.defaults, *asked.kw_defaults, *(arg.annotation for arg in given if arg)]
                if not isinstance(node, ast.Lambda):
                    found.binds.add(node.name)
                    here = [*here, *node.decorator_list, node.returns]
            case ast.ClassDef():
                inner = _names(node.body)
                found.binds.add(node.name)
                found.reads |= inner.reads
                here = [*node.bases, *node.keywords, *node.decorator_list]
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                inner = _names(ast.iter_child_nodes(node))
                own = _names(part.target for part in node.generators).binds
                found.reads |= inner.reads - own
                found.binds |= inner.binds - own
            case ast.Import() | ast.ImportFrom():
                found.binds |= {(a.asname or a.name).partition(".")[0] for a in node.names}
            case _:
                if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                    found.reads.add(node.target.id)
                if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
                    found.binds.add(node.name)
                here = ast.iter_child_nodes(node)
        more = _names(here)
        found.binds |= more.binds
        found.reads |= more.reads
        found.shared |= more.shared
    return found


def _imports(names: dict[str, str]) -> list[str]:
    """Import statements for these names, the standard library's first."""
    lines, parts = list[tuple[bool, bool, str]](), dict[str, list[str]]()
    for name, source in sorted(names.items()):
        module, _, attribute = source.partition(":")
        foreign = module.partition(".")[0] not in sys.stdlib_module_names
        if attribute:
            parts.setdefault(module, []).append(attribute if attribute == name else f"{attribute} as {name}")
        else:
            lines.append((foreign, False, f"import {module}" + ("" if module == name else f" as {name}")))
    for module, some in parts.items():
        foreign = module.partition(".")[0] not in sys.stdlib_module_names
        lines.append((foreign, True, f"from {module} import {', '.join(some)}"))
    ours, theirs = ([text for foreign, _, text in sorted(lines) if foreign is which] for which in (False, True))
    return [*ours, *([""] if ours and theirs else []), *theirs]


def _laid_out(chosen: list[Statement]) -> list[str]:
    """Definitions as lines of a cell: constants close together, functions and classes two blank lines apart."""
    lines, far = list[str](), True
    for statement in chosen:
        large = issubclass(statement.kind, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
        lines += ["", ""] if large or far else []
        lines.append(statement.text)
        far = large
    return lines
