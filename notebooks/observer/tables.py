"""Tables: rows that come or go."""

from __future__ import annotations

import importlib
import sys
from types import FrameType
from typing import Any

from notebooks.observer.rows import _MOST_COLUMNS, _MOST_ROWS
from notebooks.observer.seen import _at_return, _code, _Watch


def _watch_pandas(watch: _Watch, pandas: Any) -> None:
    merge = importlib.import_module("pandas.core.reshape.merge")
    watched = (merge.merge, pandas.DataFrame.dropna, pandas.DataFrame.explode)
    codes = {c for c in map(_code, watched) if c is not None}

    def joined(frame: FrameType, made: Any) -> None:
        if watch.nested(frame, codes):
            return
        here = frame.f_locals
        plan, left, right = here.get("op"), here["left"], here["right"]
        facts: dict[str, Any] = {"how": str(here["how"]), "validate": bool(here["validate"])}
        if plan is not None and max(len(left), len(right)) <= 10 * _MOST_ROWS:
            sides = ((left, plan.left_join_keys), (right, plan.right_join_keys))
            unique = [_unique(keys) if len(keys) else bool(table.index.is_unique) for table, keys in sides]
            facts |= {"left_unique": unique[0], "right_unique": unique[1]}
        sizes = {"left": len(left), "right": len(right), "rows": len(made)}
        shared = {*map(str, getattr(left, "columns", ()))} & {*map(str, getattr(right, "columns", ()))}
        columns = {
            side: [c for c in map(str, getattr(table, "columns", ())) if c not in shared][:_MOST_COLUMNS]
            for side, table in (("left_columns", left), ("right_columns", right))
        }
        for side in ("left", "right"):
            other = "right" if side == "left" else "left"
            if not facts.get(f"{other}_unique", True):
                watch.several |= dict.fromkeys(columns[f"{side}_columns"], sizes[side])
        watch.add("merge", frame, **facts, **sizes, **columns)

    def exploded(frame: FrameType, made: Any) -> None:
        whole, column = frame.f_locals["self"], frame.f_locals["column"]
        apart = {*map(str, column if isinstance(column, (list, tuple)) else [column])}
        others = [c for c in map(str, whole.columns) if c not in apart][:_MOST_COLUMNS]
        watch.several |= dict.fromkeys(others, len(whole))
        watch.add("explode", frame, left=len(whole), rows=len(made), right_unique=False, left_columns=others)

    def dropped(frame: FrameType, made: Any) -> None:
        if not watch.nested(frame, codes) and getattr(made, "ndim", 0) == 2 and made is not frame.f_locals["self"]:
            before = len(frame.f_locals["self"])
            if made.shape[1] == frame.f_locals["self"].shape[1]:
                at_edge = _at_edge(frame.f_locals["self"].index, made.index)
                watch.add("dropped", frame, by="dropna", before=before, after=len(made), at_edge=at_edge)

    def masked(frame: FrameType, made: Any) -> None:
        asker = frame.f_back.f_back if frame.f_back is not None else None
        if asker is not None and asker.f_globals is watch.shell.user_ns:
            lost(frame, frame.f_locals["self"], made)

    def lost(frame: FrameType, whole: Any, made: Any) -> None:
        if 0 < len(made) < len(whole) <= 10 * _MOST_ROWS:
            gone = whole[~whole.index.isin(made.index)] if whole.index.is_unique else whole.iloc[:0]
            for column in whole.columns[:_MOST_COLUMNS]:
                if len(gone) and gone[column].isna().all() and made[column].notna().all():
                    at_edge = _at_edge(whole.index, made.index)
                    watch.add("dropped", frame, by="mask", before=len(whole), after=len(made), at_edge=at_edge)
                    return

    def reduced(frame: FrameType, made: Any) -> None:
        if not watch.several or watch.nested(frame, group_codes):
            return
        series = frame.f_locals["self"]
        rows, name = len(series), str(series.name)
        if rows > watch.several.get(name, rows):
            by = str(frame.f_locals.get("name"))
            by = "count" if by == "sum" and series.dtype.kind == "b" else by  # of truths a sum is a count
            watch.add("reduced", frame, column=name, rows=rows, by=by)

    def grouped(frame: FrameType, made: Any) -> None:
        groups = frame.f_locals["self"]
        above = frame.f_back
        while above is not None and above.f_globals is not watch.shell.user_ns:
            if above.f_code in group_codes:
                return
            above = above.f_back
        if above is None or len(groups.obj) > 10 * _MOST_ROWS:
            return
        sizes = groups.size()
        if sizes.ndim != 1:
            return
        small = {str(k if not isinstance(k, tuple) else k[-1]): int(v) for k, v in sizes[sizes < 12].items() if v > 0}
        columns = [str(c) for c in getattr(made, "columns", [getattr(made, "name", "")])][:_MOST_COLUMNS]
        how, asked = frame.f_code.co_name, frame.f_locals.get("func") or frame.f_locals.get("kwargs")
        watch.add(
            "grouped", frame, by=str(groups.keys)[:80],
            how=str(asked)[:80] if how.startswith("agg") else how, columns=columns, rows=len(groups.obj),
            groups=len(sizes), median=float(sizes.median()) if len(sizes) else 0.0, small=dict([*small.items()][:30]),
        )  # fmt: skip

    _at_return(watch, merge.merge, joined)
    _at_return(watch, pandas.DataFrame.explode, exploded)
    _at_return(watch, pandas.DataFrame.dropna, dropped)

    def located(frame: FrameType, made: Any) -> None:
        whole = frame.f_locals["self"].obj
        if getattr(whole, "ndim", 0) == 2 and getattr(made, "ndim", 0) == 2 and made.shape[1] == whole.shape[1]:
            lost(frame, whole, made)

    _at_return(watch, pandas.DataFrame._getitem_bool_array, masked)
    indexing = importlib.import_module("pandas.core.indexing")
    _at_return(watch, indexing._LocationIndexer._getbool_axis, located)
    _at_return(watch, pandas.Series._reduce, reduced)
    group = importlib.import_module("pandas.core.groupby")
    group_codes = {
        c
        for kind in (group.SeriesGroupBy, group.DataFrameGroupBy)
        for name in ("mean", "median", "sum", "agg", "aggregate")
        if (c := _at_return(watch, getattr(kind, name), grouped)) is not None
    }


def _at_edge(before: Any, after: Any) -> bool:
    """Whether only rows at the ends are gone, as those are that have no earlier or later row to look at."""
    if not len(after):
        return False
    first = before.get_loc(after[0]) if before.is_unique else None
    return isinstance(first, int) and bool(before[first : first + len(after)].equals(after))


def _unique(keys: Any) -> bool:
    pandas = sys.modules["pandas"]
    table = pandas.DataFrame({n: pandas.Series(k).reset_index(drop=True) for n, k in enumerate(keys)})
    return not bool(table.dropna(how="all").duplicated().any())
