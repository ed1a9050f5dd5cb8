"""What a cell reads, binds and changes, found in its source alone. See `docs/decisions/0016`.

A name that is read before the cell binds it is needed from earlier cells. A change counts as reading and writing, and
it reaches every name that may share memory with the one changed. What a function does counts where it is used.
Beside names there are resources: `~settings`, `~random`, `~files` (all files at once) and `file:NAME`.
"""

from __future__ import annotations

import ast
import zlib
from functools import lru_cache

from notebooks.live.reading.names import FILES, LOCAL, RANDOM, SETTINGS, Context, Function, Names, Reading
from notebooks.live.reading.parsing import mentioned, parse, parsed
from notebooks.live.reading.statements import Reader

__all__ = ["FILES", "LOCAL", "RANDOM", "SETTINGS", "Function", "Names", "Reading", "parse", "read"]


def read(source: str, names: Names) -> Reading:
    """What a cell does, given what the names mean that it uses. A cell that is not Python may do anything."""
    if parse(source) is None:
        return Reading(opaque=True)
    return _read(source, names.among(mentioned(source)))


@lru_cache(1024)
def _read(source: str, context: Context) -> Reading:
    names = Names.of(context)
    body, mark = parsed(source).body, f"λ{zlib.crc32(source.encode('utf-8', 'replace')):x}"
    settled: dict[tuple[str, int], Function] = {}
    later = Names()
    if any(isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for n in body):
        plain = [n.name for n in body if isinstance(n, ast.FunctionDef) and not n.decorator_list]
        harmless = Names(functions=dict.fromkeys(plain, Function(gives=False)))
        # what functions of this cell do to each other's arguments: from harmless ones up until it is settled, for only
        # then does it hold; else from unknown ones down, where every step holds
        for later, most in ((harmless, 8), (Names(), 4)):
            settled = {}
            for _ in range(most):
                trial = Reader(names.copy(), mark, later=later)
                trial.block(body)
                later, before, settled = trial.known, settled, trial.defined
                if settled == before:
                    break
            else:
                continue
            break
    reader = Reader(names, mark, later=later, settled=settled)
    reader.block(body)
    return reader.done()
