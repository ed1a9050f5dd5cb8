"""Expressions as DuckDB's SQL: for the reviewer, who computes every value again on a path of its own."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from graphs.questions.expressions import InPandas, Kinds
from graphs.questions.functions import Function, Kind


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


class _InSql(InPandas):
    """One expression on its way to SQL."""

    def tidy(self, source: str) -> str:
        return source

    def of_column(self, name: str) -> tuple[str, Kind]:
        doubled = name.replace('"', '""')
        return self.given.get(name, f'"{doubled}"'), self.kinds.get(name, "number")

    def constant(self, value: Any) -> str:
        return quoted(value)

    def function(self, f: Function, args: list[str]) -> str:
        if f.sql is None:
            raise self.wrong("it depends on the order of the rows, which SQL does not know")
        return f.sql(*args) if callable(f.sql) else f.sql.format(*args)

    def arithmetic(self, sign: str, left: str, right: str, divisor: ast.expr) -> str:
        if sign == "**":
            return f"pow({left}, {right})"
        if sign in ("/", "//", "%"):
            right = f"nullif({right}, 0)"
            whole = f"floor({left} / {right})"
            return {"//": whole, "%": f"({left} - {right} * {whole})"}.get(sign, f"{left} / {right}")
        return f"{left} {sign} {right}"

    def concatenated(self, left: str, right: str) -> str:
        return f"{left} || {right}"

    def joined(self, words: bool, parts: list[str]) -> str:
        return (" AND " if words else " OR ").join(parts)

    def negated(self, source: str) -> str:
        return f"NOT {source}"

    def compared(self, left: str, sign: str, right: str) -> str:
        return f"coalesce({left} {dict([('==', '='), ('!=', '<>')]).get(sign, sign)} {right}, false)"

    def among(self, left: str, values: list[Any], negative: bool) -> str:
        return f"coalesce({left} {'NOT ' * negative}IN ({', '.join(map(quoted, values))}), false)"

    def as_time(self, source: str) -> str:
        return f"TRY_CAST({source} AS TIMESTAMP)"

    def as_number(self, source: str) -> str:
        return f"CAST({source} AS INTEGER)"

    def as_year(self, source: str) -> str:
        return f"year({source})"
