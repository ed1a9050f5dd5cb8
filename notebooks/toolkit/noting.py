"""What an answer notes of the rows that it is computed of: codes for missing values, and rows without a partner."""

import pandas as pd

from notebooks.toolkit.answers import and_list
from notebooks.toolkit.wording import as_name, say


def code_note(rows: pd.DataFrame, column: str, code: float) -> str:
    """How many values of a column are a number that may stand for missing; empty where none are."""
    often = int((rows[column] == code).sum()) if column in rows else 0
    are = "value of {} is" if often == 1 else "values of {} are"
    return f"{often:,} {are.format(say(column))} {as_name(code)}, which may stand for missing." if often else ""


def partner_note(tables: dict[str, pd.DataFrame], files: list[str], own: list[str], theirs: list[str], how: str) -> str:
    """How many rows of the first of two files are found in the second by no key; empty where all are."""
    left, right = (tables[file] for file in files)
    own, theirs = ([name.strip("`") for name in keys] for keys in (own, theirs))
    if not {*own} <= {*left} or not {*theirs} <= {*right}:
        return ""
    keys = pd.MultiIndex.from_frame(left[own])
    alone = keys[~keys.isin(pd.MultiIndex.from_frame(right[theirs]))]
    if not len(alone):
        return ""
    found = [", ".join(map(as_name, key)) for key in alone.unique()]
    some = and_list([*found[:5], *([f"{len(found) - 5:,} more"] if len(found) > 5 else [])])
    one = len(alone) == 1
    of = f"{len(alone):,} of {len(left):,} rows of {files[0]} {'has' if one else 'have'} no partner in {files[1]}"
    then = "left out" if how == "inner" else "without its columns, and in no group by these"
    return f"{of} ({', '.join(own)}: {some}): {'it is' if one else 'they are'} {then}."
