"""What a cell reads, binds and changes, found in its source alone. See `docs/decisions/0016`.

A name that is read before the cell binds it is needed from earlier cells. A change counts as reading and writing, and
it reaches every name that may share memory with the one changed. What a function does counts where it is used.
Beside names there are resources: `~settings`, `~random`, `~files` (all files at once) and `file:NAME`.
"""

from __future__ import annotations

from functools import lru_cache

from notebooks.live.reading.names import (
    ANYTHING,
    FILES,
    LOCAL,
    RANDOM,
    SETTINGS,
    Context,
    Function,
    Names,
    Reading,
    either,
)
from notebooks.live.reading.ours import ours
from notebooks.live.reading.parsing import mentioned, parse
from notebooks.live.reading.statements import Reader, walked
from notebooks.slices import HEADING

__all__ = [
    "ANYTHING",
    "FILES",
    "LOCAL",
    "RANDOM",
    "SETTINGS",
    "Function",
    "Names",
    "Reading",
    "either",
    "parse",
    "read",
]


def read(source: str, names: Names, *, trusting: bool = True) -> Reading:
    """What a cell does, given what the names mean that it uses. A cell that is not Python may do anything.

    The toolkit in it is known to do what it says, unless it is not to be trusted, and read as anybody's code.
    """
    if parse(source) is None:
        return Reading(opaque=True)
    return _read(source, names.among(mentioned(source)), trusting and HEADING in source)


@lru_cache(1024)
def _read(source: str, context: Context, toolkit: bool) -> Reading:
    return walked(source, Names.of(context), Reader, ours() if toolkit else {})
