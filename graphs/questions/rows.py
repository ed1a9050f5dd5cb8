"""Rows, or the values of columns: in which order, how many of them, and how they are told."""

from __future__ import annotations

from collections.abc import Sequence

from graphs.questions.expressions import NotComputable
from graphs.questions.query import Query
from graphs.questions.scope import Scope
from graphs.questions.sentences import and_list
from graphs.questions.source import Source, literal


def rows(query: Query, scope: Scope) -> None:
    """Rows, or the values of columns, in order; or how many."""
    where, of = scope.words(query.where), Source("rows")
    order = order_rows(query, scope, "shown")
    show = [scope.column(c) for c in query.show]
    names = list(dict.fromkeys([*show, *(order if query.tell == "all" else [])]))
    if not names:
        raise NotComputable("Say which columns are to be shown of the rows.")
    once = ".drop_duplicates()" * (not order and query.limit is None)
    scope.add(f"shown = shown[{literal(names)}]{once}")
    if query.tell == "number":
        scope.tell("answer_number", Source("len(shown)"), and_list(names), of, where)
    else:
        scope.tell("answer_rows", Source("shown"), of, where, tied=scope.tied)


def order_rows(query: Query, scope: Scope, to: str = "rows") -> list[str]:
    """Put rows in order and take those that are wanted; the columns of the order."""
    by = [scope.as_column(o.by) for o in query.order]
    if by:
        scope.add(f"{to} = rows.{sorting(list(zip(by, (o.descending for o in query.order), strict=True)))}")
    elif to != "rows":
        scope.add(f"{to} = rows")
    take(query, scope, to, by)
    return by


def sorting(order: Sequence[tuple[str, bool]]) -> str:
    """The call that puts a table in order by columns, each with whether it descends."""
    (name, descending), *more = order
    ascending = [not d for _, d in order] if len({d for _, d in order}) > 1 else not descending
    return f'sort_values({literal([n for n, _ in order] if more else name)}, ascending={ascending}, kind="stable")'


def take(query: Query, scope: Scope, frame: str, by: Sequence[str]) -> None:
    """Keep the first of what stands in order; where one is wanted, with all that share its place."""
    if query.limit is None:
        return
    columns, end = literal(by), query.limit
    if query.limit == 1 and by:
        scope.add(f"first = {frame}[{columns}].iloc[:1]")
        scope.add(f'{frame} = {frame}[{frame}[{columns}].isin(first.to_dict("list")).all(axis=1)]  # with its ties')
        return
    if by and frame != "rows":
        scope.tied = Source("tied")
        scope.add(f"tied = tied_rows({frame}[{columns}], {end})")
    scope.add(f"{frame} = {frame}.iloc[:{end}]")
