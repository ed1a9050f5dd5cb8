"""Clean a table before anything is tested."""

from pathlib import Path

import pandas as pd

from notebooks.toolkit.reading import as_it_stands, read_once
from notebooks.toolkit.redundant import _leave_computed_out, _leave_cuts_out, _leave_out, _leave_sums_out
from notebooks.toolkit.repeats import _drop_repeats
from notebooks.toolkit.sentinels import _blank_sentinels, _see_caps
from notebooks.toolkit.spellings import _merge_spellings, _tell_date_forms
from notebooks.toolkit.table import Table
from notebooks.toolkit.units import _one_unit
from notebooks.toolkit.weights import _weigh


def load(data: str | Path) -> Table:
    """Read and clean a file; the same file is read once in a session, and its `df` is shared by all templates."""
    file = as_it_stands(data)
    if file not in _TABLES:
        _TABLES[file] = clean(read_once(data), Path(data).name)
    return _TABLES[file]


_TABLES: dict[tuple[str, int, int], Table] = {}


def clean(raw: pd.DataFrame, file: str = "table") -> Table:
    """Look for the traps that would mislead every later test, and undo those that can be undone.

    Sentinel codes become missing, values in another unit are converted, spellings of one level are merged, repeated
    rows are counted once; constant columns, identifiers, marks of a split and columns that others make up stay in the
    table but are left out of tests.
    """
    table = Table(file, raw.copy(), len(raw))
    if len(raw) < 2:
        return table
    _tell_date_forms(table, raw.attrs.get("date_forms", {}))
    steps = (
        _merge_spellings,
        _blank_sentinels,
        _one_unit,
        _drop_repeats,
        _weigh,
        _see_caps,
        _leave_out,
        _leave_cuts_out,
        _leave_computed_out,
        _leave_sums_out,
    )
    for step in steps:
        step(table)
    return table
