"""Rows or groups in order of a score, and lists of rows, with a file to take along."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.attempts import CannotAnswer, check_columns, file_row
from notebooks.toolkit.columns import is_text, names, yes_level
from notebooks.toolkit.drawing import COLOURS, figure, show
from notebooks.toolkit.guesses import is_numeric
from notebooks.toolkit.joining import write_table
from notebooks.toolkit.ledger import effect
from notebooks.toolkit.naming import ID_NAME
from notebooks.toolkit.phrases import plain_ticks, several
from notebooks.toolkit.predict import as_features, candidate_models
from notebooks.toolkit.target_parts import parts_of_target, usable_factors
from notebooks.toolkit.telling import answer
from notebooks.toolkit.wording import capital, number, say, tick


def rank_rows(
    df: pd.DataFrame, by: list[str], of: str = "", how: str = "", ascending: list[str] | None = None, least: int = 1
) -> pd.DataFrame:
    """Rows, or the levels of a column, in order of a score, the first on top: `place`, `score`, what it is made of.

    By one column the score is that column itself, or its mean or sum by level; by several it is the mean of their
    percentile ranks (0 to 100, each column as heavy as the others). Columns in `ascending` count the less the better.
    """
    check_columns(df, score=by, groups=of)
    for name in by:
        if is_text(df[name]) or pd.api.types.is_datetime64_any_dtype(df[name]):
            raise CannotAnswer(f"{say(name)} holds no numbers, so nothing can be ranked by it.")
    lower = set(ascending or [])
    known = df.dropna(subset=by)
    if of:
        groups = known.groupby(known[of].astype("string"))
        table = groups[by].agg(how or "mean").astype(float)
        table["rows"] = groups.size()
        table = table[table["rows"] >= least].reset_index()
    else:
        table = known.copy()
    if table.empty:
        raise CannotAnswer("No row has all the numbers by which to rank.")
    if len(by) == 1:
        table["score"] = table[by[0]].astype(float)
        down = by[0] not in lower
    else:
        parts = [table[c].rank(pct=True, ascending=c not in lower) for c in by]
        table["score"] = 100 * np.mean(parts, axis=0)
        down = True
    table = table.sort_values("score", ascending=not down, kind="stable").reset_index(drop=True)
    table.insert(0, "place", table["score"].rank(method="min", ascending=not down).astype(int))
    return table


def ties_at(table: pd.DataFrame, limit: int) -> int:
    """How many beyond the limit have the score of the last within it."""
    if limit >= len(table):
        return 0
    return int((table["score"].iloc[limit:] == table["score"].iloc[limit - 1]).sum())


def score_in_words(by: list[str], of: str, how: str, ascending: list[str]) -> str:
    """How a score is made, in a sentence's words."""
    one = [f"{'low' if c in ascending else 'high'} {say(c)}" for c in by]
    if len(by) == 1:
        return f"the {how or 'mean'} of {say(by[0])}" if of else say(by[0])
    return f"the mean percentile rank of {', '.join(one[:-1])} and {one[-1]}, each as heavy as the others"


@dataclass(frozen=True)
class Ranking:
    """Rows or groups in order of a score, how it is made, and what they are called by."""

    table: pd.DataFrame
    of: str
    score: str
    name_by: str
    notes: tuple[str, ...]

    def called(self, row: Any) -> str:
        """What a row of the ranking is called."""
        if self.of:
            return str(row[self.of])
        return f"{say(self.name_by)} {row[self.name_by]}" if self.name_by else f"row {int(row['row']):,}"


def make_ranking(
    df: pd.DataFrame,
    by: list[str] | None = None,
    of: str = "",
    how: str = "",
    ascending: list[str] | None = None,
    target: str = "",
    least: int = 1,
) -> Ranking:
    """Rows, or the levels of `of`, in order of a score from `by`; without `by`, of what is expected of `target`.

    That is predicted for each row by a model that has not seen it (five folds). Raises CannotAnswer where neither says
    what decides.
    """
    check_columns(df, score=by or [], groups=of, target=target)
    rows, notes = df.assign(row=[file_row(i) for i in df.index]) if "row" not in df else df, list[str]()
    columns, lower = list(by or []), list(ascending or [])
    if not columns:
        if not target:
            raise CannotAnswer("It is open what decides the order: name the columns of the score, or the outcome.")
        rows = rows.assign(expected=expected_values(df, target))
        columns = ["expected"]
        notes.append(f"The score is what a model expects of {say(target)} for rows that it has not seen.")
    table = rank_rows(rows, columns, of, how, lower, least)
    score = expected_in_words(df, target) if columns == ["expected"] else score_in_words(columns, of, how, lower)
    if len(columns) > 1:
        notes.append("No weights were given, so each column counts alike: say if one matters more.")
    left = len(df) - len(df.dropna(subset=[c for c in columns if c in df]))
    notes += [f"{several(left, 'row')} without these numbers cannot be ranked."] if left else []
    ids = [c for c in names(df) if ID_NAME.search(c) and df[c].is_unique]
    ids += [c for c in names(df) if is_text(df[c]) and df[c].is_unique]
    return Ranking(table, of, score, next(iter(ids), ""), tuple(notes))


def expected_in_words(df: pd.DataFrame, target: str) -> str:
    """What is expected of a target: a value, or the chance of its yes in percent."""
    if df[target].nunique() != 2:
        return f"the expected {say(target)}"
    yes = str(yes_level(df[target].dropna().unique())).removesuffix(".0")
    return f"the expected chance of {say(target)}{'' if yes in ('1', 'True') else f' {yes}'} (%)"


def expected_values(df: pd.DataFrame, target: str) -> pd.Series:
    """The chance of yes in percent, or the number, that boosted trees expect in five folds of rows not seen."""
    from sklearn.model_selection import cross_val_predict

    factors, _ = usable_factors(df, target, [])
    yes = yes_level(df[target].dropna().unique()) if df[target].nunique() == 2 else None
    if yes is None and not is_numeric(df[target]):
        raise CannotAnswer(f"{say(target)} must be a number or have two levels for rows to be ranked by it.")
    parts = parts_of_target(df, target, factors, yes)
    x = as_features(df, [c for c in factors if c not in parts])
    known = df[target].notna()
    if x.empty or known.sum() < 60:
        raise CannotAnswer(f"There are too few rows or columns to expect anything of {say(target)}.")
    y: Any = (df[target] == yes).astype(int) if yes is not None else df[target].astype(float)
    model = candidate_models(x, classes=yes is not None)["boosted trees"]
    way = "predict_proba" if yes is not None else "predict"
    said = cross_val_predict(model, x[known], y[known], cv=5, method=way)
    found = pd.Series(100 * said[:, 1] if yes is not None else said, index=x.index[known])
    if not known.all():
        model.fit(x[known], y[known])
        rest = model.predict_proba(x[~known])[:, 1] * 100 if yes is not None else model.predict(x[~known])
        found = pd.concat([found, pd.Series(rest, index=x.index[~known])])
    return found.reindex(df.index)


def tell_ranking(found: Ranking, limit: int = 10) -> dict[str, Any]:
    """Answer with the first three and how the score is made, the list going into a file; gives arguments for
    `report`."""
    files = write_table(found.table, "ranking")
    things = f"levels of {say(found.of)}" if found.of else "rows"
    top = [(found.called(row), float(row["score"])) for _, row in found.table.head(limit).iterrows()]
    first = [f"{name} ({number(score)})" for name, score in top[:3]]
    then = f", then {' and '.join(first[1:])}" if len(first) > 1 else ""
    text = f"first comes {first[0]}{then}, of {len(found.table):,} {things} ranked by {found.score}. The whole list, "
    text += f"with the score of each, is in {files[0]}."
    tied = ties_at(found.table, limit)
    notes = [f"{tied:,} more with the same score as the last of the first {limit}."] if tied else []
    notes += found.notes
    answer(text, dict(top), notes=notes, files=files)
    return dict(
        type="descriptive",
        kind="ranking",
        text=text,
        columns=[found.of] if found.of else [],
        n=len(found.table),
        params={"top": top[0][0]},
        caveats=notes,
        confidence="high",
    )


def draw_ranking(found: Ranking, limit: int = 10) -> None:
    """The first of the ranking as bars."""
    top = found.table.head(min(limit, 20))[::-1]
    fig, ax = figure(f"First by {found.score}", height=1.7 + 0.42 * len(top))
    ax.barh(range(len(top)), top["score"], color=COLOURS[0])
    for i, score in enumerate(top["score"]):
        ax.text(max(score, 0), i, f" {number(score)}", va="center")
    ax.set_yticks(range(len(top)), [tick(found.called(row)) for _, row in top.iterrows()])
    ax.set_xlabel(capital(found.score))
    ax.margins(x=0.16)
    plain_ticks(ax, "x")
    ax.grid(axis="y", visible=False)
    show(fig, f"Bars: the first by {found.score}")


def tell_list(rows: pd.DataFrame, what: str = "", shown: list[str] | None = None) -> dict[str, Any]:
    """Answer with how many rows there are and the first of them, all going into a file; gives arguments for
    `report`."""
    files = write_table(rows, "list")
    columns = shown or names(rows)[:3]
    told = "; ".join(", ".join(str(row[c]) for c in columns) for _, row in rows.head(5).iterrows())
    text = f"{several(len(rows), 'row')}{f' where {what}' if what else ''}: {told}"
    text += f"{' and others' if len(rows) > 5 else ''}. All are in {files[0]}."
    answer(text, {"rows": len(rows)}, files=files)
    return dict(
        type="descriptive", kind="list", text=text, columns=columns, n=len(rows), effect=effect("count", len(rows))
    )


def list_rows(
    df: pd.DataFrame, columns: list[str] | None = None, order: str = "", descending: bool = True, limit: int = 0
) -> pd.DataFrame:
    """The rows in order of a column, those columns only that are named, and at most so many."""
    check_columns(df, list=columns or [], order=order)
    rows = df.sort_values(order, ascending=not descending, kind="stable") if order else df
    return rows[columns or names(rows)].head(limit or len(rows))
