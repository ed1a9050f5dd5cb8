"""Rows of the record found by what is asked of them: by conditions, counted, or one by a part of its id."""

from __future__ import annotations

from typing import Any

from artifacts.database import Database
from artifacts.errors import NotFound
from artifacts.projections import ARTIFACT, RUN

_ENOUGH = 4  # characters of an id that name one; fewer would fit some id or other by chance
_COLUMNS = {"runs": RUN, "artifacts": ARTIFACT, "schedules": "body"}


class Where:
    """The conditions of a query that were asked for, and their values; a `?` for each use of the value."""

    def __init__(self) -> None:
        self._conditions: list[str] = []
        self.values: list[object] = []

    def add(self, condition: str, value: object) -> None:
        """One more condition, unless the value is None."""
        if value is not None:
            self._conditions.append(condition)
            self.values += [value] * condition.count("?")

    def __str__(self) -> str:
        return f" WHERE {' AND '.join(self._conditions)}" if self._conditions else ""


def of_runs(
    status: str | None = None, agent: str | None = None, text: str | None = None, project: str | None = None
) -> Where:
    """The conditions of `Store.runs`. Runs that name no project are those of the project `default`."""
    found_in = (
        "id IN (SELECT run_id FROM findings WHERE contains(lower(text), lower(?))) OR id IN (SELECT run_id FROM events "
        "WHERE kind = 'report' AND contains(lower(body->>'$.answer'), lower(?)))"
    )
    where = _of(text, "id, goal, answer", found_in, status=status, agent=agent)
    where.add("coalesce(params->>'$.project', 'default') = ?", project)
    return where


def of_artifacts(run_id: str | None = None, role: str | None = None, text: str | None = None) -> Where:
    """The conditions of `Store.artifacts`, less the lists of ids."""
    found_in = "run_id IN (SELECT id FROM runs WHERE contains(lower(goal), lower(?)))"
    return _of(text, "id, name, media_type", found_in, run_id=run_id, role=role)


def _of(text: str | None, columns: str, elsewhere: str, **equal: str | None) -> Where:
    """Columns that equal a value, and a text that is in one of `columns` or `elsewhere`, in any case."""
    where = Where()
    for name, value in equal.items():
        where.add(f"{name} = ?", value)
    where.add(f"(contains(lower(concat_ws(' ', {columns})), lower(?)) OR {elsewhere})", text)
    return where


def find(database: Database, table: str, where: Where, limit: int | None, offset: int) -> list[tuple[Any, ...]]:
    """The rows that these conditions hold for, newest first."""
    query = f"SELECT {_COLUMNS[table]} FROM {table}{where} ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?"
    with database.cursor() as read:
        return read.execute(query, [*where.values, limit, offset]).fetchall()


def count(database: Database, table: str, where: Where) -> int:
    """How many rows these conditions hold for."""
    with database.cursor() as read:
        row = read.execute(f"SELECT count(*) FROM {table}{where}", where.values).fetchone()
    return int(row[0]) if row else 0


def one(database: Database, table: str, ref: str) -> tuple[Any, ...]:
    """The row whose id is `ref`, or the only one whose id begins or ends with it (with four characters or more).

    Raises NotFound, which names what is near.
    """
    bare, what, columns = ref.rpartition("_")[2].lower(), table.removesuffix("s"), _COLUMNS[table]
    with database.cursor() as read:
        rows = read.execute(f"SELECT {columns} FROM {table} WHERE id = ?", [ref]).fetchall()
        if not rows and len(bare) >= _ENOUGH:
            matches = "starts_with(split_part(id, '_', -1), ?) OR ends_with(id, ?)"
            rows = read.execute(f"SELECT {columns} FROM {table} WHERE {matches} LIMIT 2", [bare, bare]).fetchall()
        if len(rows) == 1:
            return rows[0]
        likeness = "ORDER BY jaro_winkler_similarity(split_part(id, '_', -1), ?) DESC, created_at DESC LIMIT 3"
        near = [id for (id,) in read.execute(f"SELECT id FROM {table} {likeness}", [bare]).fetchall()]
    if rows:
        raise NotFound(f"Several {what}s answer to {ref!r} ({', '.join(near)}); give more of the id.")
    hint = f"near it: {', '.join(near)}" if near else f"there is no {what} yet"
    raise NotFound(f"There is no {what} {ref!r}; {hint}.")
