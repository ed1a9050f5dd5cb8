"""The front doors: `analyze` in Python, the command line, the web server."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gristmill.python import Result, analyze

__version__ = "0.1.0"
__all__ = ["Result", "__version__", "analyze"]


def __getattr__(name: str) -> object:
    """Load `analyze` and `Result` when they are first used, so that `import gristmill` costs next to nothing."""
    if name in ("Result", "analyze"):
        from gristmill import python

        return getattr(python, name)
    raise AttributeError(f"module 'gristmill' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
