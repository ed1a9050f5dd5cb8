"""Checks of joins: what is expected of their keys, and that no sum is taken of rows that a join has multiplied."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from artifacts.types import Objection
from graphs.checks.base import Found, Work, check
from graphs.checks.shadow import shadow
from graphs.checks.sql import multiplied, renamed
from graphs.checks.syntax import (
    READERS,
    called,
    calls,
    constant,
    keywords,
    meanings,
    name_of,
    names,
    strings,
    trees,
    words,
)

if TYPE_CHECKING:
    import pandas as pd

_UNIQUE = words("is_unique duplicated nunique has_duplicates")
_OF_TABLES = _UNIQUE | words("index any all sum mean values to_numpy loc set_index reset_index groupby size max astype")


@check("merges")
def merges(work: Work) -> Iterator[Found]:
    """Every join says what it expects of its keys."""
    known = meanings(work)
    looked = _looked_at(work)
    for cell, tree in trees(work):
        for call in calls(tree):
            if _joins(call) and not set(keywords(call)) & {"validate", None} and not _safe(call, known, looked):
                yield Objection(
                    where=cell.cell,
                    problem=f"`{name_of(call)}` without `validate=`: a key that repeats would multiply rows unseen.",
                    mend='Say validate="many_to_one" (or what holds), and print the rows before and after.',
                )
                break


def _joins(call: ast.Call) -> bool:
    """`merge` of tables, or `join` where its arguments tell that it is a table's and not a text's or a path's."""
    return name_of(call) == "merge" or (
        name_of(call) == "join"
        and bool(
            set(keywords(call)) & {"on", "how", "rsuffix"} or "set_index" in called(ast.Tuple(call.args, ast.Load()))
        )
    )


def _looked_at(work: Work) -> set[str]:
    """The tables whose keys are shown or asserted to be unique, or whose rows are counted before a reader's eyes."""
    found = set()
    for _, tree in trees(work):
        shown = [a for c in calls(tree) if name_of(c) in ("print", "display") for a in c.args]
        shown += [n.test for n in ast.walk(tree) if isinstance(n, (ast.Assert, ast.If))]
        for part in shown:
            for asked in ast.walk(part):
                unique = isinstance(asked, ast.Attribute) and asked.attr in ("is_unique", "has_duplicates")
                if unique or (isinstance(asked, ast.Call) and name_of(asked) in _UNIQUE):
                    found |= _asked_of(asked)
            found |= {f"len {n}" for n in counted_rows(part)}
    return found


def _asked_of(node: ast.AST) -> set[str]:
    """The tables that a question for unique values is put to, each with the column that it names, if it does."""
    columns = {s for s in strings(node) if s not in ("first", "last")}
    columns |= {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute) and n.attr not in _OF_TABLES}
    return {f"{name} {column}" for name in names(node) for column in columns} if columns else names(node)


def _safe(call: ast.Call, known: dict[str, ast.expr], looked: set[str]) -> bool:
    """Whether a join cannot multiply rows unseen: its keys were looked at, or one side has a row for each key."""
    on = call.func.value if isinstance(call.func, ast.Attribute) else None
    named = [v for k, v in keywords(call).items() if k in ("left", "right", "other")]
    tables = [*call.args[:2], *named, *([on] if on is not None else [])]
    keys = {s for k in ("on", "left_on", "right_on") for s in strings(keywords(call).get(k) or ast.Constant(None))}
    for name in {n for t in tables for n in names(t)}:
        columns = {c.partition(" ")[2] for c in looked if c.startswith(f"{name} ")}
        if name in looked or (columns and (not keys or columns & keys)):
            return True
    for table in tables:
        made = known.get(table.id, table) if isinstance(table, ast.Name) else table
        for one in calls(made):
            once = name_of(one) == "drop_duplicates" or (name_of(one) == "groupby" and isinstance(made, ast.Call))
            if (
                once
                and keys
                and strings(ast.Tuple(elts=list(one.args), ctx=ast.Load()))
                and (strings(ast.Tuple(elts=[*one.args, *keywords(one).values()], ctx=ast.Load())) <= keys)
            ):
                return True
    result = {n for n, made in known.items() if any(c is call for c in calls(made))}
    left = {n for t in tables for n in names(t)}
    return any(f"len {n}" in looked for n in result) and any(f"len {n}" in looked for n in left)


@check("fan_out")
def fan_out(work: Work) -> Iterator[Found]:
    """No join multiplies the rows that are then summed or counted."""
    known = meanings(work)
    queries = [s for _, tree in trees(work) for s in sorted(strings(tree))]
    tables = {**work.frames, **renamed(queries, work.frames), **_read_as(known, work.frames)} if work.frames else {}
    tables |= _entered(work, tables)
    for cell, tree in trees(work):
        for call in calls(tree):
            expects = keywords(call).get("validate")
            many = isinstance(expects, ast.Constant) and expects.value in ("many_to_many", "m:m")
            if _joins(call) and many and not called(tree) & {"drop_duplicates", "nunique"}:
                yield Objection(
                    where=cell.cell,
                    problem="the join is many to many, so rows repeat and every sum, mean and count over it is off.",
                    mend="Bring one side to one row a key first (aggregate it), and join with many_to_one.",
                )
                break
        for made in shadow(work).reduced:
            if made.cell is cell and made.twice and made.name == "sum":
                yield Objection(
                    where=cell.cell,
                    problem=f"{made.column!r} is summed after a join that repeats its rows, so it is counted several "
                    "times.",
                    mend="Sum it before the join, or bring the other side to one row a key first.",
                )
                break
        for statement in sorted(strings(tree)):
            if (key := multiplied(statement, tables)) is not None:
                yield Objection(
                    where=cell.cell,
                    problem=f"the query joins on {key!r}, which repeats, and then sums what is there twice.",
                    mend="Aggregate the table whose key repeats to one row a key first (WITH ... GROUP BY), then join.",
                )
                break


def _read_as(known: dict[str, ast.expr], frames: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The given tables by the names under which the notebook reads them, where it takes them as they are."""
    found = {}
    for name, made in known.items():
        if isinstance(made, ast.Call) and name_of(made) in READERS and made.args:
            file = constant(made.args[0], known)
            if file is not None and str(file.value) in frames:
                found[name] = frames[str(file.value)]
    return found


def _entered(work: Work, tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The known tables by the names under which the notebook enters them in a database."""
    found = {}
    for call in (c for _, tree in trees(work) for c in calls(tree) if name_of(c) in ("to_sql", "register") and c.args):
        held = call.args[1] if name_of(call) == "register" and len(call.args) > 1 else getattr(call.func, "value", None)
        if isinstance(held, ast.Name) and held.id in tables and isinstance(call.args[0], ast.Constant):
            found[str(call.args[0].value)] = tables[held.id]
    return found


def counted_rows(tree: ast.AST) -> set[str]:
    """Names whose rows are counted by `len(x)` or `x.shape`."""
    lengths = {a.id for c in calls(tree) if name_of(c) == "len" for a in c.args if isinstance(a, ast.Name)}
    return lengths | {
        n.value.id
        for n in ast.walk(tree)
        if isinstance(n, ast.Attribute) and n.attr in ("shape", "height") and isinstance(n.value, ast.Name)
    }
