"""How the templates of the question kinds begin: the rows that are meant, and what they cannot answer, said so."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.columns import names
from notebooks.toolkit.reading import read_once
from notebooks.toolkit.telling import answer


class CannotAnswer(ValueError):
    """Why a question cannot be answered from this table, and what would help, in a sentence."""


class FilesByName(dict[str, pd.DataFrame]):
    """Tables by their files' names, read when they are asked for."""

    def __missing__(self, name: str) -> pd.DataFrame:
        return read_once(name)


def attempt[T](function: Callable[..., T], data: str, steps: Sequence[str] = (), **named: Any) -> T | None:
    """What a function finds in the rows of a file; where it cannot answer, that is the answer, with its reason, and
    there is None."""
    try:
        return function(prepared_rows(data, steps), **named)
    except CannotAnswer as why:
        answer("", status="not_answered", why=str(why))
        return None


def prepared_rows(data: str, steps: Sequence[str] = ()) -> pd.DataFrame:
    """The table in a file as it is written, after lines of pandas code that take and give `rows`.

    The lines may name other files as `tables[NAME]`. Raises CannotAnswer where no row is left.
    """
    rows = read_once(data)
    if not steps:
        return rows
    found: dict[str, Any] = {"rows": rows, "tables": FilesByName(), "np": np, "pd": pd}
    exec("\n".join(steps), found)
    kept: pd.DataFrame = found["rows"]
    print(f"{len(kept):,} of {len(rows):,} rows after: {'; '.join(steps)}")
    if kept.empty:
        raise CannotAnswer(f"No row of {data} meets what is asked for ({'; '.join(steps)}).")
    return kept


def file_row(index: Any) -> int:
    """The row of the file that an index stands for; 1 is the first row of the data."""
    return int(index) + 1


def check_columns(df: pd.DataFrame, **roles: Any) -> None:
    """Raise CannotAnswer where a named column is not there; a role may name one column, several or none."""
    for role, given in roles.items():
        for name in [given] if isinstance(given, str) else given:
            if name and name not in df:
                columns = ", ".join(names(df))
                raise CannotAnswer(f"There is no column {name!r} for the {role}. The columns are: {columns}.")
