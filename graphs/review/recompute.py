"""Computes the values of a report again from the input files, on a path of its own: DuckDB's SQL, made of each value's
query, in a fresh sandbox in which no cell of the run has run."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from artifacts.events import RunView
from artifacts.store import Store, StoreError
from artifacts.threads import in_own_thread
from artifacts.types import Answer, AnswerValue, Execution, Objection, Recomputation
from graphs import look
from graphs.questions.expressions import NotComputable
from graphs.questions.query import Query
from graphs.review import CheckResult, Work, units
from graphs.review.answering import Asked, Result, equal, listed, meant, names, shown
from graphs.review.charts import drawn, written
from graphs.review.facts import IN_UNIT, Facts, Given
from graphs.review.prose.amounts import misstated, recomputed
from graphs.review.prose.asked import expected, stated
from graphs.review.prose.figures import figures
from graphs.review.prose.numbers import printed_numbers
from graphs.review.prose.orders import Statements
from graphs.review.prose.verdicts import stale, untested
from graphs.review.sql import MOST, Tables, sql
from graphs.state import Desk
from kernel_gateway.client import GatewayError, Host
from notebooks.again import fresh
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


@dataclass(frozen=True)
class Recomputed:
    """What came of computing a report's values again."""

    verdicts: tuple[Recomputation, ...] = ()
    objections: tuple[Objection, ...] = ()
    told: frozenset[tuple[str, int]] = frozenset()
    """The numbers, by sentence and place, that the input files give for what is said."""

    @property
    def as_check(self) -> CheckResult:
        """The result as one of the checks, with how many values came out the same."""
        same = sum(v.verdict == "equal" for v in self.verdicts)
        printed = sum(v.verdict == "as_printed" for v in self.verdicts)
        told = f"{same} of {len(self.verdicts)} values were computed again from the input files and came out the same"
        detail = " ".join(o.problem for o in self.objections) or f"{told}; {printed} stand as their cells printed them."
        return CheckResult("recomputed", not self.objections, detail, self.objections)


async def recompute(aside: Aside, work: Work, tables: Tables) -> Recomputed:
    """Each value of a report's answers, held against what its query gives from the input files; what the question
    asks, against what is told; and each sentence, on charts too, against the statistics that it can speak of."""
    held = await in_own_thread(_Report, work, tables)
    results = await results_of(aside, held.queries, tables)
    return await in_own_thread(held.judged, results)


class _Report:
    """A report, the queries that it is to be held against, and what comes of that."""

    def __init__(self, work: Work, tables: Tables) -> None:
        report, question = work.report, work.view.run.goal
        self.work, self.tables = work, tables
        self.made, self.asked = claims(report.answers), list(expected(question, tables, work.roles))
        self.texts = list(dict.fromkeys([report.answer, *(a.text for a in report.answers)]))
        self.titles = list(written(work))
        spoken = "\n".join([*self.texts, *(text for _, text in self.titles)])
        self.given = Given(tables, spoken, question, work.code, work.written)
        self.stated = [s for text in self.texts for s in stated(text, self.given, work.roles)]
        self.wanted = list(self.given.wanted())
        asked = [q for a in (*self.asked, *(a for _, a in self.stated)) for q in a.queries]
        self.queries = [*(c.query for c in self.made), *asked, *(w.query for w in self.wanted)]

    def judged(self, results: Sequence[Result]) -> Recomputed:
        """What comes of it, by the results of its queries in their order."""
        work, given, got = self.work, self.given, iter(results)
        answer, question = work.report.answer, work.view.run.goal
        held = [_held(claim, next(got)) for claim in self.made]
        problems = [problem for _, problem in held]
        problems += [a.problem(answer, [next(got) for _ in a.queries], self.tables) for a in self.asked]
        stated = [(figure, a.differs(figure, [next(got) for _ in a.queries])) for figure, a in self.stated]
        facts = Facts()
        facts.take(self.wanted, list(got))
        cells = [x for x in work.view.executions if "describe" not in x.tags]
        problems += [*stale(answer, question, work.written, facts), *misstated(answer, given, facts, work.written)]
        for text in self.texts:
            problems += [*Statements(text, given, facts, question).problems(), *untested(text, cells)]
        said = " ".join(filter(None, problems))  # a number that another check has objected to is told once
        problems += [problem for figure, problem in stated if figure.text not in said]
        sentences = dict.fromkeys(p if p.endswith(".") else f"{p}." for p in problems if p)
        objections = [Objection(where="answer", problem=p, mend=_MEND) for p in sentences]
        told = {(f.clause, f.start) for f, problem in stated if problem}
        told |= {*recomputed(answer, given, facts, work.written)}
        verdicts = _all([v for v, _ in held], work.report.answers)
        return Recomputed(tuple(verdicts), (*objections, *self._on_charts(facts, cells)), frozenset(told))

    def _on_charts(self, facts: Facts, cells: Sequence[Execution]) -> Iterator[Objection]:
        """What is wrong with the words and numbers that are written on charts."""
        seen = [v for x in cells for v in (*printed_numbers(x), *drawn(x))]
        for cell, text in self.titles:
            found = list(Statements(text, self.given, facts, "").problems())
            loose = [f.text for f in figures(text) if not f.whole and not any(f.tells(v) for v in seen)]
            if found := [*found, *[f"{', '.join(loose)} is printed by no cell"] * bool(loose)]:
                said = f"its chart says “{text[:80]}”: {'; '.join(found)}."
                yield Objection(where=cell.cell, problem=said, mend=_REDRAW)


async def computed_again(aside: Aside, answers: Sequence[Answer], tables: Tables) -> list[Recomputation]:
    """Each value of these answers, held against what its query gives from the input files."""
    made = await in_own_thread(claims, answers)
    results = await results_of(aside, [c.query for c in made], tables)

    def judged() -> list[Recomputation]:
        return _all([_held_loosely(claim, result) for claim, result in zip(made, results, strict=True)], answers)

    return await in_own_thread(judged)


def _held_loosely(claim: Claim, result: Result) -> Recomputation:
    """A value's verdict where its own cell is known to compute its query, and only the way of telling may differ: a
    text of several values in place of a row for each, of those that share a place, or of times that SQL cannot read."""
    verdict, _ = _held(claim, result)
    told, why = claim.value.value, ""
    if isinstance(told, str) and ", " in told and claim.query.limit is not None:
        why = "Several rows share the place that it is of."
    elif all(n.value is None for n in meant(claim.value.name, result)):
        why = "SQL finds no value of it."
    if verdict.verdict != "unequal" or not why:
        return verdict
    return verdict.model_copy(update={"verdict": "as_printed", "got": None, "detail": why})


def _all(verdicts: Sequence[Recomputation], answers: Sequence[Answer]) -> list[Recomputation]:
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
_REDRAW = "Write on the chart what it shows, best built from the values that the cell computed."
_MEND = "Tell what the query of the question gives, of the rows that the sentence speaks of, and give that query."


def _held(claim: Claim, result: Result) -> tuple[Recomputation, str | None]:
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
    if measure is None or measure.op not in IN_UNIT or not re.fullmatch(r"\w+|`[^`]+`", measure.of or ""):
        return 1.0
    return units.factor(str(measure.of), unit) or 1.0
