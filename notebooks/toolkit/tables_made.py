"""Tables to take along: cleaned, joined, listed and ranked ones, as CSV and Parquet, each with how it was made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from notebooks.templates.toolkit import answer, is_text, key_that_fits, keyed, number, percent, report, say
from notebooks.toolkit.attempts import CannotAnswer, has


def write_table(df: pd.DataFrame, name: str) -> list[str]:
    """Write a table as NAME.csv and NAME.parquet; the files' names."""
    df.to_csv(f"{name}.csv", index=False)
    plain = pd.DataFrame({c: df[c].astype("string") if df[c].dtype == object else df[c] for c in df.columns})
    plain.to_parquet(f"{name}.parquet", index=False)
    return [f"{name}.csv", f"{name}.parquet"]


@dataclass(frozen=True)
class Joined:
    """Two tables as one: each row of the first once, with what the second says of its key.

    `matched` rows have one; `repeated` are keys that stand in the second more than once and say different things there,
    so that nothing was taken from them, and a plain join would make `extra` rows too many. `unused` rows of the second
    match none of the first.
    """

    table: pd.DataFrame
    own: str
    theirs: str
    matched: int
    repeated: int
    extra: int
    unused: int
    copies: int
    log: tuple[str, ...]


def join_tables(left: pd.DataFrame, right: pd.DataFrame, own: str = "", theirs: str = "", how: str = "left", name: str = "second") -> Joined:
    """Look up each row of the first table in the second, by a key that is named or found by its values.

    No row is multiplied: copies in the second count once, and a key with rows that differ is not looked up. Columns of
    both names get the second's name. Raises CannotAnswer where no key fits.
    """
    has(left, key=own)
    has(right, key=theirs)
    log = list[str]()
    if not own:
        found = key_that_fits(left, right)
        if found is None:
            raise CannotAnswer("No column of one file fits a column of the other: name the key on which to join.")
        own, theirs = found
        log.append(f"The key {own} = {theirs} was found by its values.")
    theirs = theirs or own
    once = right.dropna(subset=[theirs]).drop_duplicates()
    copies = int(right.dropna(subset=[theirs]).duplicated().sum())
    if copies:
        log.append(f"{copies:,} rows of {name} repeat another in full and were counted once.")
    keys, mine = keyed(once[theirs]), keyed(left[own])
    if keys.isna().all() or mine.isna().all():
        raise CannotAnswer(f"{own} or {theirs} holds no keys.")
    times = keys.value_counts()
    matched = mine.map(times).fillna(0).astype(int)
    repeated = times.index[times > 1]
    single = once.assign(**{"\0key": keys})[~keys.isin(repeated)].set_index("\0key").drop(columns=theirs)
    clash = {c: f"{c} ({name})" for c in single.columns if c in left.columns}
    log += [f"{c} stands in both: the one of {name} is now “{new}”." for c, new in clash.items()]
    single = single.rename(columns=clash)
    table = left.assign(**{"\0key": mine})
    joined = table.merge(single, left_on="\0key", right_index=True, how="left" if how != "inner" else "inner", validate="m:1")
    unused = int((~keys.isin(mine)).sum())
    if how == "outer" and unused:
        rest = single[~single.index.isin(mine)]
        back = once.assign(**{"\0key": keys}).drop_duplicates("\0key").set_index("\0key")[theirs]
        joined = pd.concat([joined, rest.assign(**{own: back.reindex(rest.index)})], ignore_index=True)
    joined = joined.drop(columns="\0key").reset_index(drop=True)
    extra = int((matched - 1).clip(lower=0).sum())
    return Joined(joined, own, theirs, int((matched == 1).sum()), int(mine.isin(repeated).sum()), extra, unused, copies, tuple(log))


def tell_join(found: Joined, data: str, other: str, rows: int) -> None:
    """Answer with how many rows found their match, what did not, and the joined files."""
    files = write_table(found.table, "joined")
    key = found.own if found.own == found.theirs else f"{found.own} = {found.theirs}"
    lost = rows - found.matched - found.repeated
    text = f"{data} and {other} were joined on {key}: {found.matched:,} of {rows:,} rows have a match ({percent(found.matched / rows, 1)})"
    text += f", {lost:,} have none" if lost else ""
    text += f", and {found.unused:,} rows of {other} are not used" if found.unused else ""
    text += f". The joined table has {len(found.table):,} rows and {found.table.shape[1]} columns; no row stands in it twice because of the join."
    why = ""
    if found.repeated:
        why = f"{found.repeated:,} rows have a key that stands in {other} more than once with different contents, so nothing was taken for them; a plain join would make {found.extra:,} rows too many. Say which of these rows holds."
    values = {"rows": len(found.table), "with match": found.matched, "without match": lost, "key repeated": found.repeated, "unused rows": found.unused}
    answer(text, values, status="partly" if found.repeated else "answered", why=why, notes=found.log, files=files)
    report("descriptive", "joined", text, [found.own], n=rows, effect={"metric": "count", "value": found.matched, "ci": None, "ci_level": 0.95}, params=values, caveats=[c for c in (why,) if c], confidence="high")


def changes_made(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """What cleaning did to each column: values changed, made missing, filled, and the type that it has now. Rows are
    held together by their index."""
    kept = before.loc[after.index]
    rows = []
    for name in map(str, before.columns):
        if name not in after:
            rows.append({"column": name, "changed": 0, "made missing": 0, "filled": 0, "type": "left out"})
            continue
        a, b = kept[name], after[name]
        both = a.notna() & b.notna()
        differ = int((a[both].astype(str) != b[both].astype(str)).sum())
        rows.append({"column": name, "changed": differ, "made missing": int((a.notna() & b.isna()).sum()), "filled": int((a.isna() & b.notna()).sum()), "type": str(b.dtype)})
    return pd.DataFrame(rows)


def ranked(df: pd.DataFrame, by: list[str], of: str = "", how: str = "", ascending: list[str] | None = None, least: int = 1) -> pd.DataFrame:
    """Rows, or the levels of a column, in order of a score, the first on top: `place`, `score`, what it is made of.

    By one column the score is that column itself, or its mean or sum by level; by several it is the mean of their
    percentile ranks (0 to 100, each column as heavy as the others). Columns in `ascending` count the less the better.
    """
    has(df, score=by, groups=of)
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


def tell_ranking(table: pd.DataFrame, by: list[str], of: str, how: str, ascending: list[str], limit: int, name_by: str) -> None:
    """Answer with the first three and how the score is made; the list goes into a file."""
    files = write_table(table, "ranking")
    things = f"{say(of)}s" if of else "rows"
    top = table.head(limit)

    def called(row: Any) -> str:
        return str(row[of]) if of else f"{say(name_by)} {row[name_by]}" if name_by else f"row {int(row['row']):,}"

    first = [f"{called(row)} ({number(float(row['score']))})" for _, row in top.head(3).iterrows()]
    text = f"first comes {first[0]}" + (f", then {' and '.join(first[1:])}" if len(first) > 1 else "") + f", of {len(table):,} {things} ranked by {score_in_words(by, of, how, ascending)}."
    text += f" The whole list, with the score of each, is in {files[0]}."
    tied = ties_at(table, limit)
    notes = [f"{tied:,} more have the same score as the last of the first {limit}."] if tied else []
    notes += ["Weights were not given, so each column counts alike: say if one matters more."] if len(by) > 1 else []
    values = {called(row): float(row["score"]) for _, row in top.iterrows()}
    answer(text, values, notes=notes, files=files)
    report("descriptive", "ranking", text, [*by, *([of] if of else [])], n=len(table), params={"top": called(table.iloc[0])}, caveats=notes, confidence="high")


def tell_list(rows: pd.DataFrame, what: str, shown: list[str], limit: int) -> None:
    """Answer with how many rows there are and the first of them; all go into a file."""
    files = write_table(rows, "list")
    names = shown or list(map(str, rows.columns))[:3]
    told = "; ".join(", ".join(str(row[c]) for c in names) for _, row in rows.head(min(limit or 5, 5)).iterrows())
    text = f"{len(rows):,} {'row' if len(rows) == 1 else 'rows'}{what}" + (f": {told}{' and others' if len(rows) > 5 else ''}." if len(rows) else ".")
    text += f" All are in {files[0]}." if len(rows) else ""
    answer(text, {"rows": len(rows)}, files=files)
    report("descriptive", "list", text, names, n=len(rows), effect={"metric": "count", "value": len(rows), "ci": None, "ci_level": 0.95}, confidence="high")
