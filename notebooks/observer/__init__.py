"""Watches, from within a kernel, what a notebook's cells really do: rows that a join or a dropna changes, what a test
is made of, which rows a model was fitted to and scored on, the axes of what is drawn.

The text of this package is run inside the kernel that is watched (`notebooks.watching`), as one module, so it follows
the rules of `notebooks.toolkit`: one namespace, definitions only, and nothing else of ours is imported. It wraps
nothing: `sys.monitoring` (PEP 669) calls back when one of a table of known functions returns, so results, errors,
tracebacks and warnings stay as they are. Before Python 3.12 nothing is watched. `start` begins, `told` gives what was
seen as one bounded value for JSON.
"""

from notebooks.observer.cells import digest, start, told

__all__ = ["digest", "start", "told"]
