"""nbformat, imported without the second that it takes: for those who are waited for, and use it from here.

nbformat imports jsonschema, which compiles a grammar of internationalised addresses wherever `rfc3987-syntax` is
installed, and Jupyter's server installs it. No notebook's schema speaks of such addresses.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

__all__ = ["nbformat", "node", "v4"]

_GRAMMAR = "rfc3987_syntax"


def _imported() -> Any:
    if _GRAMMAR in sys.modules:
        return import_module("nbformat")
    sys.modules[_GRAMMAR] = None  # type: ignore[assignment]  # Python's word for: not to be had
    try:
        return import_module("nbformat")
    finally:
        del sys.modules[_GRAMMAR]  # whoever else asks for it gets it


nbformat = _imported()
v4 = nbformat.v4


def node(**fields: Any) -> Any:
    """A part of a notebook that is not validated yet: the whole is, where it is written.

    nbformat's own makers hold every part to its schema, which takes longer than many a cell.
    """
    return nbformat.from_dict(fields)
