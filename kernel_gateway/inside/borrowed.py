"""Imports this package outside of a sandbox under the paths that it has inside, which are then all that shows.

The host feeds this text to Python on standard input, so that no command line names a place of its own.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import signal
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import ModuleType

_PR_SET_PDEATHSIG = 1
_CALLED = "gristmill-nurse"  # as many letters as a process's name can have
_ROOT = "/opt/gristmill"  # where a sandbox has the package
_NAME = "kernel_gateway"


class _Loader(SourceFileLoader):
    """Reads from the host what is named by its path inside."""

    def __init__(self, fullname: str, path: str, root: str) -> None:
        super().__init__(fullname, path)
        self._outside = root

    def get_data(self, path: str) -> bytes:
        return super().get_data(self._on_host(path))

    def path_stats(self, path: str) -> dict[str, float]:
        return dict(super().path_stats(self._on_host(path)))

    def _on_host(self, path: str) -> str:
        return self._outside + path.removeprefix(_ROOT)


class Finder:
    """Finds this package's modules beneath `root` on the host."""

    def __init__(self, root: str) -> None:
        self._outside = root

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """As importlib asks for it."""
        if name.partition(".")[0] != _NAME:
            return None
        place = "/" + name.replace(".", "/")
        package = os.path.isdir(self._outside + place)
        inside = f"{_ROOT}{place}/__init__.py" if package else f"{_ROOT}{place}.py"
        return importlib.util.spec_from_file_location(
            name,
            inside,
            loader=_Loader(name, inside, self._outside),
            submodule_search_locations=[_ROOT + place] if package else None,
        )


def belong(parent: int) -> None:
    """End with `parent` as long as we load, which takes a while, and be shown under a name of our own."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    with open("/proc/self/comm", "w") as file:
        file.write(_CALLED)


def settle() -> None:
    """Forget where the modules came from: what is imported from now on comes from inside a sandbox."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, Finder)]
    for name, module in sys.modules.items():
        if name.partition(".")[0] == _NAME and module.__spec__ is not None and module.__file__ is not None:
            module.__loader__ = module.__spec__.loader = SourceFileLoader(name, module.__file__)
