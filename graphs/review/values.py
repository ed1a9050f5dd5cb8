"""Computes the values of answers again from the input files, on a path of its own: DuckDB's SQL, made of each value's
query, apart from the cells that gave them. Every question loads this, so it needs none of the checks of prose."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from artifacts.events import RunView
from artifacts.store import Store, StoreError
from artifacts.threads import in_own_thread
from artifacts.types import Answer, AnswerValue, Recomputation
from graphs import look
from graphs.questions.expressions import NotComputable
from graphs.questions.query import Query
from graphs.review import units
from graphs.review.answering import Asked, Result, equal, listed, meant, names, shown
from graphs.review.sql import MOST, Tables, sql
from graphs.state import Desk
from kernel_gateway.client import GatewayError, Host
from notebooks.errors import NotebookError

_MARK = "gristmill computed "
_MOST = 3_000
"""Queries that one review computes, and values of one answer that it holds against them."""
_COMPUTE = '''\
import json

import duckdb


def computed(queries, files):
    """What each query gives, row by row, or the error's sentence."""
    base = duckdb.connect()
    for name, columns in files.items():
        table = read_once(name)
        if table.attrs.get("rows", len(table)) > len(table):
            table = read_columns(name, [c for c in columns if c in table])
        table = table.reset_index(drop=True)
        for column in table.columns:
            if table[column].dtype == object:
                table[column] = table[column].astype("str")
        base.register(name, table.assign(__row=range(len(table))))
    base.execute("SET enable_external_access = false")
    for query in queries:
        try:
            yield base.execute(query).fetchall()
        except duckdb.Error as error:
            yield str(error).splitlines()[0][:200]


'''


@dataclass(frozen=True)
class Claim:
    """A value of a report's answers with its query, the part and the place that it has there."""

    part: int
    place: int
    value: AnswerValue
    query: Query


Aside = Callable[[str], Awaitable[str]]
"""Runs code, with what it needs of the toolkit, where the input files lie, and gives what it prints. Raises
GatewayError, NotebookError or StoreError where that cannot be."""


def elsewhere(store: Store, host: Host, view: RunView) -> Aside:
    """A fresh sandbox that holds the input files of a run, and in which none of its cells has run."""

    from notebooks.again import fresh  # with the running of whole notebooks, which an answer's own sandbox need not

    async def aside(code: str) -> str:
        async with fresh(store, host, view) as (_, session):
            return await session.aside(f"{look.toolkit(code)}\n{code}")

    return aside


def beside(desk: Desk, view: RunView) -> Aside:
    """Where a run's values are computed again: in its own sandbox, where the files are read already, if none of its
    cells is a model's; otherwise elsewhere."""

    async def aside(code: str) -> str:
        lacking = look.toolkit(code, desk.session.executions)
        return await desk.session.aside(f"exec({f'{lacking}\n{code}'!r}, dict(globals()))")

    own = not any("code" in x.tags for x in view.executions)
    return aside if own else elsewhere(desk.store, desk.session.host, view)


async def results_of(aside: Aside, queries: Sequence[Query], tables: Tables) -> list[Result]:
    """What each query gives. One that cannot be computed says why; what is asked several times is one result.

    Only the waiting is done on the caller's loop: thousands of queries take a while to write and their rows to read.
    """
    different = list({id(query): query for query in queries}.values())
    asked = await in_own_thread(lambda: [_in_sql(query, tables) for query in different])
    once = list(dict.fromkeys(one[0] for one in asked if not isinstance(one, str)))[:_MOST]
    got = dict(zip(once, await _compute(aside, once, tables) if once else (), strict=False))

    def read() -> list[Result]:
        results = {id(query): _result(one, got) for query, one in zip(different, asked, strict=True)}
        return [results[id(query)] for query in queries]

    return await in_own_thread(read)


def _in_sql(query: Query, tables: Tables) -> tuple[str, Asked] | str:
    """A query with what its columns hold, or why it cannot be computed."""
    try:
        return sql(query, tables)
    except NotComputable as error:
        return str(error)


def _result(asked: tuple[str, Asked] | str, got: Mapping[str, Any]) -> Result:
    if isinstance(asked, str):
        return Result(why=asked)
    rows = got.get(asked[0], "too many values to compute again")
    return Result(why=rows) if isinstance(rows, str) else Result(asked[1], tuple(map(tuple, rows)))


async def _compute(aside: Aside, queries: list[str], tables: Tables) -> list[Any]:
    """The rows of each query, or a sentence."""
    files = {str(t["name"]): [str(c["name"]) for c in t["columns"]] for t in tables}
    given = f"json.loads({json.dumps(queries)!r}), json.loads({json.dumps(files)!r})"
    code = f"{_COMPUTE}print({_MARK!r} + json.dumps([*computed({given})], default=str))\n"
    try:
        line = (await aside(code)).rpartition(_MARK)[2].partition("\n")[0]
        return list(await in_own_thread(json.loads, line, parse_constant=lambda _: None))
    except (GatewayError, NotebookError, StoreError) as error:
        why = str(error)
    except ValueError:
        why = "the input files could not be read again"
    return [why] * len(queries)


def claims(answers: Sequence[Answer]) -> list[Claim]:
    """The values that carry a query; an answer's own query is that of the values that have none."""
    found, queries = [], dict[int, Query]()
    for part, answer in enumerate(answers):
        for place, value in enumerate(answer.values[:_MOST]):
            if (asked := value.query or (None if value.fitted else answer.query)) is not None:
                query = queries.get(id(asked)) or queries.setdefault(id(asked), Query.model_validate(asked))
                found.append(Claim(part, place, value, query))
    return found


async def computed_again(aside: Aside, answers: Sequence[Answer], tables: Tables) -> list[Recomputation]:
    """Each value of these answers, held against what its query gives from the input files."""
    made = await in_own_thread(claims, answers)
    results = await results_of(aside, [c.query for c in made], tables)

    def judged() -> list[Recomputation]:
        verdicts = [_held_loosely(claim, result) for claim, result in zip(made, results, strict=True)]
        return all_verdicts(verdicts, answers)

    return await in_own_thread(judged)


def _held_loosely(claim: Claim, result: Result) -> Recomputation:
    """A value's verdict where its own cell is known to compute its query, and only the way of telling may differ: a
    text of several values in place of a row for each, of those that share a place, or of times that SQL cannot read."""
    verdict, _ = verdict_of(claim, result)
    told, why = claim.value.value, ""
    if isinstance(told, str) and ", " in told and claim.query.limit is not None:
        why = "Several rows share the place that it is of."
    elif all(n.value is None for n in meant(claim.value.name, result)):
        why = "SQL finds no value of it."
    if verdict.verdict != "unequal" or not why:
        return verdict
    return verdict.model_copy(update={"verdict": "as_printed", "got": None, "detail": why})


def all_verdicts(verdicts: Sequence[Recomputation], answers: Sequence[Answer]) -> list[Recomputation]:
    """The verdicts by part and place, with those of the values that no query was computed for."""
    known = {(v.part, v.value): v for v in verdicts}
    for part, answer in enumerate(answers):
        for place, value in enumerate(answer.values):
            queried = value.query or (answer.query and not value.fitted)
            why = f"It is one of more than {_MOST:,} values." if queried else "It carries no query."
            why = _FITTED if value.fitted and not queried else why
            unknown = Recomputation(part=part, value=place, verdict="as_printed", detail=why)
            known.setdefault((part, place), unknown)
    return [known[at] for at in sorted(known)]


_FITTED = "It comes of a test or a fit, which is computed again as the notebook is run again."


def verdict_of(claim: Claim, result: Result) -> tuple[Recomputation, str | None]:
    """A value's verdict, and what is wrong with it."""

    def verdict(how: Literal["equal", "unequal", "as_printed"], got: Any = None, detail: str = "") -> Recomputation:
        plain = got if got is None or isinstance(got, (bool, int, float, str)) else shown(got)
        return Recomputation(part=claim.part, value=claim.place, verdict=how, got=plain, detail=detail)

    told, unit, name = claim.value.value, claim.value.unit, claim.value.name
    if result.why or not result.rows:
        return verdict("as_printed", detail=result.why or "No row meets its conditions."), None
    if isinstance(told, str) and ", " in told and (same := listed(told, result)) is not False:
        if same:
            return verdict("equal", shown(told)), None
        if len(result.rows) >= MOST:
            return verdict("as_printed", detail=f"It was computed again up to {MOST:,} rows, which it holds."), None
    times = in_unit(claim.query, unit)
    possible = as_computed = meant(name, result)
    if times != 1.0:
        possible = [replace(n, value=n.value * times) for n in as_computed if isinstance(n.value, (int, float))]
    if isinstance(told, str):  # a group's label, or what the named group has
        first = possible[:1] if claim.query.order else possible
        possible = [n if all(names(g, name) for g in n.group) else replace(n, value=n.group[0]) for n in first]
    if (right := next((n for n in possible if equal(told, n, unit)), None)) is not None:
        return verdict("equal", right.value), None
    own, alone = (possible or as_computed)[0], len(possible) == 1
    truth = f"the input files give {shown(own.value)}" if alone else "no row of its query gives that"
    said = f"{name!r} is told as {shown(told)}{f' {unit}' if unit else ''}, and {truth}"
    other = next((n for n in result.every if n.group and n.group != own.group and equal(told, n, unit)), None)
    if times != 1.0 and any(equal(told, n, unit) for n in as_computed):
        said += f": {shown(told)} is in the unit of the column {claim.query.measures[0].of!r}, not in {unit}"
    elif other is not None:
        said += f": {shown(told)} is the value of {', '.join(other.group)}, not of {', '.join(own.group)}"
    return verdict("unequal", own.value if alone else None, said), said


def in_unit(query: Query, unit: str) -> float:
    """What the computed number is to be multiplied by to be told in a unit; 1 where nothing says so."""
    measure = query.measures[0] if len(query.measures) == 1 and not (query.formulas or query.prepare) else None
    if measure is None or measure.op not in units.IN_UNIT or not re.fullmatch(r"\w+|`[^`]+`", measure.of or ""):
        return 1.0
    return units.factor(str(measure.of), unit) or 1.0
