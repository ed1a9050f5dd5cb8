"""What a cell reads, binds and changes, found in its source alone. See `docs/decisions/0016`.

A name that is read before the cell binds it is needed from earlier cells. A change counts as reading and writing, and
it reaches every name that may share memory with the one changed. What a function does counts where it is used.
Beside names there are resources: `~settings`, `~random`, `~files` (all files at once) and `file:NAME`.
"""

from __future__ import annotations

from functools import lru_cache

from notebooks.live.reading.names import FILES, LOCAL, RANDOM, SETTINGS, Context, Function, Names, Reading
from notebooks.live.reading.ours import ours
from notebooks.live.reading.parsing import mentioned, parse
from notebooks.live.reading.statements import Reader, walked
from notebooks.slices import HEADING

__all__ = ["FILES", "LOCAL", "RANDOM", "SETTINGS", "Function", "Names", "Reading", "parse", "read"]


def read(source: str, names: Names) -> Reading:
    """What a cell does, given what the names mean that it uses. A cell that is not Python may do anything."""
    if parse(source) is None:
        return Reading(opaque=True)
    return _read(source, names.among(mentioned(source)))


@lru_cache(1024)
def _read(source: str, context: Context) -> Reading:
    return walked(source, Names.of(context), Reader, ours() if HEADING in source else {})
