"""How the templates of the question kinds begin: the rows that are meant, and what they cannot answer, said so."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from notebooks.toolkit.columns import names
from notebooks.toolkit.reading import read_once
from notebooks.toolkit.telling import answer


class CannotAnswer(ValueError):
    """Why a question cannot be answered from this table, and what would help, in a sentence."""


def attempt[T](function: Callable[..., T], data: str, rows: str = "", **named: Any) -> T | None:
    """What a function finds in the rows of a file that are meant; where it cannot answer, that is the answer, with its
    reason, and there is None."""
    try:
        return function(file_rows(data, rows), **named)
    except CannotAnswer as why:
        answer("", status="not_answered", why=str(why))
        return None


def file_rows(data: str, rows: str = "") -> pd.DataFrame:
    """The table in a file as it is written, of the rows that meet a condition as `DataFrame.query` writes it.

    Raises CannotAnswer where no row meets it.
    """
    df = read_once(data)
    if not rows:
        return df
    kept = df.query(rows, engine="python")
    print(f"{len(kept):,} of {len(df):,} rows meet: {rows}")
    if kept.empty:
        raise CannotAnswer(f"No row meets the condition {rows}.")
    return kept


def check_columns(df: pd.DataFrame, **roles: Any) -> None:
    """Raise CannotAnswer where a named column is not there; a role may name one column, several or none."""
    for role, given in roles.items():
        for name in [given] if isinstance(given, str) else given:
            if name and name not in df:
                columns = ", ".join(names(df))
                raise CannotAnswer(f"There is no column {name!r} for the {role}. The columns are: {columns}.")
