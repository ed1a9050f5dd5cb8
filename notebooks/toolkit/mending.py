"""A table cleaned to be taken along: what was changed where, and which rows repeat others."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from notebooks.toolkit.attempts import CannotAnswer
from notebooks.toolkit.columns import names
from notebooks.toolkit.guesses import is_numeric
from notebooks.toolkit.joining import write_table
from notebooks.toolkit.ledger import effect
from notebooks.toolkit.phrases import several
from notebooks.toolkit.repeats import _drop_repeats
from notebooks.toolkit.sentinels import _blank_sentinels
from notebooks.toolkit.spellings import _merge_spellings
from notebooks.toolkit.table import Table
from notebooks.toolkit.telling import answer
from notebooks.toolkit.units import _one_unit
from notebooks.toolkit.wording import capital, say, with_unit


@dataclass(frozen=True)
class Mended:
    """A cleaned table, what was done to it in sentences, and by column how many values that changed."""

    table: pd.DataFrame
    log: tuple[str, ...]
    changes: pd.DataFrame
    rows_before: int


def mend_table(df: pd.DataFrame, fill: str = "") -> Mended:
    """Spellings of one level merged, codes for missing blanked, values in another unit converted, copies of rows left
    out, each only where the data leave little doubt. `fill` puts the median, mean or most frequent value where one is
    missing."""
    made = Table("table", df.reset_index(drop=True), len(df))
    if fill not in ("", "median", "mean", "mode"):
        raise CannotAnswer(f"Missing values can be filled with median, mean or mode, not {fill!r}.")
    for step in (_merge_spellings, _blank_sentinels, _one_unit):
        step(made)
    log = list(made.log)
    if fill:
        log += [told for name in names(made.df) if (told := _filled(made, name, fill))]
    changes = changes_made(df.reset_index(drop=True), made.df)
    known = len(made.log)
    _drop_repeats(made)
    log += made.log[known:]
    return Mended(made.df, tuple(log), changes, len(df))


def _filled(table: Table, name: str, fill: str) -> str:
    """Fill a column's missing values, and say so; numbers only, but for the most frequent value."""
    s, lacking = table.df[name], int(table.df[name].isna().sum())
    if not lacking or s.isna().all() or (fill != "mode" and not is_numeric(s)):
        return ""
    value: Any = s.mode().iloc[0] if fill == "mode" else getattr(s.astype(float), fill)()
    table.put(name, s.fillna(value))
    shown = with_unit(float(value), name) if is_numeric(s) else str(value)
    return f"{capital(say(name))}: {several(lacking, 'missing value')} filled with the {fill}, {shown}."


def tell_mended(found: Mended, data: str) -> dict[str, Any]:
    """Write the table and its log; answer with what was done; gives arguments for `report`."""
    files = write_table(found.table, "cleaned")
    pd.DataFrame({"what was done": found.log}).to_csv("cleaning_log.csv", index=False)
    left = found.rows_before - len(found.table)
    touched = int(found.changes[["changed", "made missing", "filled"]].to_numpy().sum())
    text = f"{data} needed no cleaning that is beyond doubt: the {several(found.rows_before, 'row')} are as they were."
    if found.log:
        text = f"{data} was cleaned: {several(touched, 'value')} changed in "
        columns = int((found.changes[["changed", "made missing", "filled"]].sum(axis=1) > 0).sum())
        text += f"{several(columns, 'column')}, and {several(left, 'row')} left out as copies of others; "
        text += f"{len(found.table):,} of {several(found.rows_before, 'row')} remain. {found.log[0]}"
    values = {"rows": len(found.table), "rows left out": left, "values changed": touched}
    missing = int(found.table.isna().to_numpy().sum())
    notes = [*found.log[1:], f"{several(missing, 'value')} are missing and were left so."]
    answer(text, values, notes=notes, files=[*files, "cleaning_log.csv"])
    return dict(
        type="descriptive",
        kind="cleaned",
        text=text,
        n=found.rows_before,
        effect=effect("count", touched + left),
        caveats=list(found.log),
        confidence="high",
    )


def changes_made(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """What cleaning did to each column, row by row: values changed, made missing and filled, and the type they have."""
    rows = []
    for name in names(before):
        a, b = before[name], after[name]
        both = a.notna() & b.notna()
        differ = int((a[both].astype(str) != b[both].astype(str)).sum())
        if is_numeric(a) and is_numeric(b):
            differ = int((a[both].astype(float) != b[both].astype(float)).sum())
        blanked, filled = int((a.notna() & b.isna()).sum()), int((a.isna() & b.notna()).sum())
        rows.append((name, differ, blanked, filled, str(b.dtype)))
    return pd.DataFrame(rows, columns=["column", "changed", "made missing", "filled", "type"]).set_index("column")
