"""The front doors: `ask` and `analyze` in Python, the command line, the web server."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphs.tools.function import tool
    from gristmill.handles import project
    from gristmill.listening import on
    from gristmill.python import Answered, Result, analyze, analyze_async, analyze_stream, ask, ask_async

__version__ = "0.1.0"
__all__ = [
    "Answered",
    "Result",
    "__version__",
    "analyze",
    "analyze_async",
    "analyze_stream",
    "ask",
    "ask_async",
    "on",
    "project",
    "tool",
]


def __getattr__(name: str) -> object:
    """Load the Python API when it is first used, so that `import gristmill` costs next to nothing."""
    if name == "tool":
        from graphs.tools.function import tool

        return tool
    if name == "on":
        from gristmill.listening import on

        return on
    if name == "project":
        from gristmill.handles import project

        return project
    if name in __all__:
        from gristmill import python

        return getattr(python, name)
    raise AttributeError(f"module 'gristmill' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
