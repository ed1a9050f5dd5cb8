"""Expressions as DuckDB's SQL: for the reviewer, who computes every value again on a path of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphs.questions.expressions import InPandas, Kinds


def quoted(value: Any) -> str:
    """A value as SQL writes it."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    return repr(value) if isinstance(value, (int, float)) else "'" + str(value).replace("'", "''") + "'"


def to_sql(text: str, kinds: Kinds, *, given: Mapping[str, str] | None = None) -> str:
    """The expression as an expression of DuckDB's SQL over columns of these names; `given` stand for other SQL.

    Raises NotComputable, also for what depends on the order of rows.
    """
    return _InSql(text, kinds, given=given).translated()[0]


_TIMES = [f"%m/%d/%Y{clock}" for clock in (" %I:%M %p", " %I:%M:%S %p", " %H:%M", " %H:%M:%S", "")]  # as pandas does


class _InSql(InPandas):
    way = "sql"
    lacks = "it depends on the order of the rows, which SQL does not know"
    constant = staticmethod(quoted)
    time = f"coalesce(TRY_CAST({{0}} AS TIMESTAMP), try_strptime({{0}}, {_TIMES}))"
    truth_as_number, listed = "CAST({} AS INTEGER)", "({})"

    def tidy(self, source: str) -> str:
        return source

    def of_column(self, name: str) -> str:
        doubled = name.replace('"', '""')
        return self.given.get(name, f'"{doubled}"')
