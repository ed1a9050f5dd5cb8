"""Rows that repeat other rows."""

from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.columns import is_text, names
from notebooks.toolkit.table import Table, trap
from notebooks.toolkit.wording import percent, say

SPLIT_LEVELS = {"train", "training", "test", "testing", "valid", "validation", "val", "dev", "holdout", "eval"}


def repeated_rows(df: pd.DataFrame, levels: dict[str, int]) -> int:
    """How many rows repeat an earlier one, by how many values each column has; 0 where these are too few to tell copies
    from rows that happen to agree."""
    finest = sorted(levels, key=lambda c: -levels[c])[:3]
    if not finest or not len(df) / 4 < levels[finest[0]] < len(df):
        return 0
    alike = df.duplicated(subset=finest, keep=False)
    return int(df[alike].duplicated().sum())


def _by_chance(table: Table, columns: list[str]) -> float:
    """How many rows would repeat another by chance, if the finest column told nothing of the others: it is shuffled."""
    finest = max(columns, key=table.levels)
    if table.levels(finest) == len(table.df):
        return 0.0
    fine, rest = table.df[finest], table.df[columns]
    shuffled = (rest.assign(**{finest: fine.sample(frac=1, random_state=seed).array}) for seed in range(4))
    return float(np.mean([_repeats(table, columns, df).sum() for df in shuffled]))


def _drop_repeats(table: Table) -> None:
    """Count rows once that repeat another in everything but an identifier, where chance cannot explain them.

    Rows that stand on both sides of a split for training and testing are counted once as well.
    """
    for name in [c for c in names(table.df) if table.kind(c) == "category" and is_text(table.df[c])]:
        rest = [c for c in names(table.df) if c != name]
        levels = {str(v).lower() for v in table.df[name].dropna().unique()}
        if not levels <= SPLIT_LEVELS or len(levels) < 2 or not rest:
            continue
        table.left_out[name] = "a mark of how rows were split"
        again = table.df.duplicated(subset=rest) & ~table.df.duplicated()
        if again.any() and again.sum() > 10 * _by_chance(table, rest) + 2:
            before = len(table.df)
            table.take(table.df[~again])
            text = (
                f"{int(again.sum()):,} rows stand on more than one side of {say(name)} ({', '.join(sorted(levels))}) "
                "with the same values: a model would be tested on rows it has learned; they are counted once "
                f"(n {before:,} → {len(table.df):,})."
            )
            table.log.append(text)
            table.traps.append(trap("split_contamination", text, [name], int(again.sum()), high=True))
    keys = [c for c in names(table.df) if table.kind(c) == "identifier" and table.df[c].is_unique]
    rest = [c for c in names(table.df) if c not in keys]
    texts = [table.df[c].dropna().astype(str) for c in keys if is_text(table.df[c])]
    if any((~text.str.contains(r"\d")).mean() > 0.9 for text in texts):
        rest = []  # names say that the rows are of different things, which may well be alike; numbers of rows do not
    for columns in [names(table.df)] + ([rest] if keys and rest else []):
        repeats = _repeats(table, columns, table.df)
        if not repeats.any():
            continue
        chance = _by_chance(table, columns)
        before, fine = len(table.df), max(table.levels(c) for c in columns) > len(table.df) / 4
        beyond = max((2 if fine else 10) * chance, len(repeats) / 100)
        if fine:  # a copy carries some value that only its like carry
            alone = table.df[~repeats]
            copies = table.df[repeats]
            rare = pd.DataFrame({c: copies[c].map(alone[c].value_counts()) == 1 for c in columns})
            fine = bool(rare.any(axis=1).mean() >= 0.5)
        if repeats.sum() <= (1.5 * chance if fine else beyond) + 6 * chance**0.5:
            continue
        some, one = f"{int(repeats.sum()):,}", int(repeats.sum()) == 1
        text = f"{some} row{'s' * (not one)} ({percent(repeats.mean(), 1)}) repeat{'s' * one} another row"
        text += " in everything but the identifier" if columns is rest else ""
        if fine:
            table.take(table.df[~repeats])
            text += f": {'it is' if one else 'they are'} counted once (n {before:,} → {len(table.df):,})."
        else:
            text += "; the columns are too coarse to tell copies from rows that happen to agree, so all are kept."
        table.log.append(text)
        table.traps.append(trap("duplicate_rows", text, [], int(repeats.sum()), high=fine))
        return


def _repeats(table: Table, columns: list[str], df: pd.DataFrame) -> Any:
    """Which rows of `df` repeat an earlier one in these columns; those alone are compared that agree in the finest."""
    finest = sorted(columns, key=table.levels, reverse=True)[:3]
    if table.levels(finest[0]) == len(df):
        return pd.Series(False, index=df.index)
    alike = df.duplicated(subset=finest, keep=False)
    return alike & df.loc[alike, columns].duplicated().reindex(df.index, fill_value=False)
