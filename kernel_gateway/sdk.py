"""Imports E2B's SDK in parts. Its packages import all that they have as soon as one name is asked for, which takes a
third of a second of processor time; what it takes to run code in a sandbox is half of that. LangGraph, which is
loaded after it to run agents, imports the clients of two services in the same way and uses neither.

Once it was `load`ed, a package of `PACKAGES` imports a name from its own module when that name is asked for. Where one
is asked for that its file does not import, as `from e2b import *` does, all of the file is carried out.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

PACKAGES = frozenset(
    {
        *("e2b", "e2b_code_interpreter", "e2b.api.client.models", "protobuf.wkt"),
        *("langgraph_sdk", "langsmith.types"),
    }
)
"""Packages whose file imports from its modules, sets constants, and does nothing else."""


def load() -> None:
    """Import what it takes to run code in a sandbox. A package that somebody has imported before is left as it is."""
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
    if "httpx" not in sys.modules:  # which comes without its own command line where what that needs is not installed
        sys.modules["httpx._main"] = None  # type: ignore[assignment]
        import httpx  # noqa: F401

        sys.modules.pop("httpx._main", None)
    from e2b_code_interpreter import AsyncSandbox  # noqa: F401


class _InParts(SourceFileLoader):
    """Loads a package without what its file imports."""

    def exec_module(self, module: ModuleType) -> None:
        """Prepare the package; one whose file does more than that is loaded as ever."""
        body = ast.parse(self.get_data(self.path)).body
        if not all(isinstance(node, ast.ImportFrom | ast.Assign | ast.Expr) for node in body):
            super().exec_module(module)
            return
        places = {
            alias.asname or alias.name: ("." * node.level + (node.module or ""), alias.name)
            for node in body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        vars(module)["__getattr__"] = _Names(module, places, super().exec_module)


class _Names:
    """A package's `__getattr__`: imports a name from its place, or carries the package's whole file out for it."""

    def __init__(self, module: ModuleType, places: Mapping[str, tuple[str, str]], whole: Any) -> None:
        self._module, self._places, self._whole = module, places, whole

    def __call__(self, name: str) -> Any:
        if name in self._places:
            place, given = self._places[name]
            home = importlib.import_module(place, self._module.__name__)
            value = (
                getattr(home, given) if hasattr(home, given) else importlib.import_module(f"{home.__name__}.{given}")
            )
            setattr(self._module, name, value)
            return value
        if self._whole is not None:
            carry_out, self._whole = self._whole, None
            carry_out(self._module)
        try:
            return vars(self._module)[name]
        except KeyError:
            raise AttributeError(f"module {self._module.__name__!r} has no attribute {name!r}") from None


class _Finder:
    """Finds the packages that are imported in parts."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """What Python's own finder says of such a package, with a loader of ours; None for anything else."""
        found = PathFinder.find_spec(name, path, target) if name in PACKAGES else None
        if found is not None and isinstance(found.loader, SourceFileLoader):
            found.loader = _InParts(found.loader.name, found.loader.path)
        return found


_FINDER = _Finder()
