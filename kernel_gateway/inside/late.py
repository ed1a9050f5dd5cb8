"""Has polars wait for whoever uses it. statsmodels imports it to tell its tables from others, which takes every kernel
that computes a statistic 0.3 s, and starts threads, so that statsmodels could not be imported before a fork.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from threading import get_ident
from types import ModuleType

POLARS, READER, KNOWN = "polars", "statsmodels.tools.data", "_POLARS_TYPES"
"""The module of statsmodels that imports polars where it is installed, and what it keeps of it: nothing elsewhere."""


def let_polars_wait() -> None:
    """From now on statsmodels finds polars only where something else has imported it, or as soon as it does."""
    if not any(isinstance(finder, _Waiting) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Waiting())


class _Waiting(MetaPathFinder):
    """Finds both as Python would, and brings them together when both are there."""

    _reading: int | None = None  # the thread that imports statsmodels, for which there is no polars meanwhile

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """As importlib asks for it."""
        if name == POLARS and self._reading == get_ident():
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        if name != POLARS and (name != READER or POLARS in sys.modules):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            then = _acquaint if name == POLARS else self._read
            spec.loader.exec_module = partial(then, spec.loader.exec_module)  # type: ignore[method-assign]
        return spec

    def _read(self, execute: Callable[[ModuleType], None], module: ModuleType) -> None:
        self._reading = get_ident()
        try:
            execute(module)
        except ImportError:
            pass
        finally:
            self._reading = None
        if getattr(module, KNOWN, None) != ():  # a statsmodels that does it in another way
            execute(module)
        elif POLARS in sys.modules:  # another thread has imported it meanwhile
            _introduce(sys.modules[POLARS], module)


def _acquaint(execute: Callable[[ModuleType], None], module: ModuleType) -> None:
    execute(module)
    if (reader := sys.modules.get(READER)) is not None:
        _introduce(module, reader)


def _introduce(polars: ModuleType, reader: ModuleType) -> None:
    if getattr(reader, KNOWN, None) == () and hasattr(polars, "Series"):
        setattr(reader, KNOWN, (polars.DataFrame, polars.Series))
