"""Two tables as one, without a row that stands in it twice."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from notebooks.toolkit.attempts import CannotAnswer, check_columns
from notebooks.toolkit.keys import key_that_fits, keyed
from notebooks.toolkit.phrases import several
from notebooks.toolkit.telling import answer
from notebooks.toolkit.wording import percent


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


def join_tables(
    left: pd.DataFrame, right: pd.DataFrame, own: str = "", theirs: str = "", how: str = "left", name: str = "second"
) -> Joined:
    """Look up each row of the first table in the second, by a key that is named or found by its values.

    No row is multiplied: copies in the second count once, and a key with rows that differ is not looked up. Columns of
    both names get the second's name. Raises CannotAnswer where no key fits.
    """
    check_columns(left, key=own)
    check_columns(right, key=theirs)
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
    joined = table.merge(
        single, left_on="\0key", right_index=True, how="left" if how != "inner" else "inner", validate="m:1"
    )
    unused = int((~keys.isin(mine)).sum())
    if how == "outer" and unused:
        rest = single[~single.index.isin(mine)]
        back = once.assign(**{"\0key": keys}).drop_duplicates("\0key").set_index("\0key")[theirs]
        joined = pd.concat([joined, rest.assign(**{own: back.reindex(rest.index)})], ignore_index=True)
    joined = joined.drop(columns="\0key").reset_index(drop=True)
    extra = int((matched - 1).clip(lower=0).sum())
    return Joined(
        joined,
        own,
        theirs,
        int((matched == 1).sum()),
        int(mine.isin(repeated).sum()),
        extra,
        unused,
        copies,
        tuple(log),
    )


def tell_join(found: Joined, data: str, other: str, rows: int) -> dict[str, Any]:
    """Answer with how many rows found their match, what did not, and the joined files."""
    files = write_table(found.table, "joined")
    key = found.own if found.own == found.theirs else f"{found.own} = {found.theirs}"
    lost = rows - found.matched - found.repeated
    text = (
        f"{data} and {other} were joined on {key}: {found.matched:,} of {rows:,} "
        f"rows have a match ({percent(found.matched / rows, 1)})"
    )
    text += f", {lost:,} have none" if lost else ""
    text += f", and {several(found.unused, 'row')} of {other} found no use" if found.unused else ""
    text += f". The joined table has {several(len(found.table), 'row')} and {found.table.shape[1]} columns; no row "
    text += "stands in it twice because of the join."
    why = ""
    if found.repeated:
        why = (
            f"{several(found.repeated, 'row')} of {data}: the key stands in {other} more than once with different "
            f"contents, so nothing was taken from there; a plain join would make {found.extra:,} rows too many. "
            "Say which of these rows holds."
        )
    values = {
        "rows": len(found.table),
        "with match": found.matched,
        "without match": lost,
        "key repeated": found.repeated,
        "unused rows": found.unused,
    }
    answer(text, values, status="partly" if found.repeated else "answered", why=why, notes=found.log, files=files)
    return dict(
        type="descriptive",
        kind="joined",
        text=text,
        columns=[found.own],
        n=rows,
        effect={"metric": "count", "value": found.matched, "ci": None, "ci_level": 0.95},
        params=values,
        caveats=[c for c in (why,) if c],
        confidence="high",
    )
