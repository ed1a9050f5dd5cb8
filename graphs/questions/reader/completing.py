"""What is done to a query once it is read: its file and those that it looks up, cases that are counted in place of rows,
numbers that stand for what is missing, and periods that a table has in part only."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from graphs.questions import query as q
from graphs.questions.query import Condition, Formula, Measure, Query, given, simple
from graphs.questions.reader import lexicon, made
from graphs.questions.reader.conditions import expr, plain
from graphs.questions.reader.linking import Column
from graphs.questions.reader.text import name_words, stem, words
from graphs.questions.reader.times import around, begins, latest, timed

_NAME = re.compile(r"(?:^|[_\s.])(?:n|freq|frequency|frequencies|counts?|cnt|tally|cases|people|persons)$", re.I)
_OF_ROWS = ("count", "present", "missing", "distinct", "duplicates", "mode")


def weights(columns: Sequence[Column]) -> Column | None:
    """The column of the counts, where all others only divide and most combinations of them have one row."""
    named = [c for c in columns if _NAME.search(c.name) and "int" in c.dtype.casefold()]
    rest = [c for c in columns if c not in named and c.dtype != "new"]
    if len(named) != 1 or not rest or len({c.file for c in columns if c.dtype != "new"}) > 1:
        return None
    divide = all(c.n_unique <= (8 if c.kind == "number" else 50) and c.kind != "time" for c in rest)
    cells = math.prod(c.n_unique for c in rest)
    return named[0] if divide and 4 <= named[0].rows <= cells <= 2 * named[0].rows else None


def by_case(reading: q.Reading, columns: Sequence[Column]) -> q.Reading:
    """A reading of such a table, in cases."""
    if (by := weights(columns)) is None:
        return reading
    cases = tuple(one and of_cases(one, by) for one in reading.queries)
    none = f"A row stands for as many cases as “{by.name}” says, and this is no count or share of them."
    parts = zip(reading.queries, cases, reading.why_not, strict=True)
    why_not = tuple(none if query and not counted else why for query, counted, why in parts)
    return given(reading, queries=cases, why_not=why_not)


def of_cases(query: Query, by: Column) -> Query | None:
    """The query with cases counted in place of rows; None where a figure of rows would be told as one of cases."""
    note = f"A row stands for as many cases as “{by.name}” says."
    measures, formulas = list[Measure](), list(query.formulas)
    if query.model is not None:
        return None
    for m in query.measures:
        if m.op == "count" and not m.of:
            measures.append(Measure(op="sum", of=expr(by), where=m.where, name=m.name or "number of cases"))
        elif m.op == "share" and not m.of and len(query.measures) == 1:
            part = Measure(op="sum", of=expr(by), where=m.where, name="part")
            measures += [part, Measure(op="sum", of=expr(by), name="whole")]
            formulas.append(Formula(name=m.name or "share in per cent", expr="100 * part / whole"))
        else:
            return None
    told = given(query, measures=tuple(measures), formulas=tuple(formulas), notes=(*query.notes, note))
    return told if measures else query


def without_codes(query: Query, columns: Sequence[Column]) -> Query:
    """The query without the rows whose value of what it computes or compares is such a number, with a note; as it is
    where it computes several columns, of which a row may have one and not the other."""
    used = {e for m in query.measures if m.op not in _OF_ROWS for e in (m.of, m.other) if e}
    if (len(query.measures) > 1 and len(used) > 1) or query.outliers is not None:
        return query
    met = simple((*query.where, *(w for m in query.measures for w in m.where)))
    used |= {w.left for w in met if w.op not in ("=", "in")} | {o.by for o in query.order if not query.measures}
    named = {(w.left, w.right) for w in met}
    coded = [c for c in columns if c.code is not None and expr(c) in used and (expr(c), c.code) not in named]
    where = tuple(Condition(left=expr(c), op="!=", right=plain(c.code or 0.0)) for c in coded)
    notes = (f"“{c.name}” is {c.code:,g} where it is not known: such rows are left out." for c in coded)
    return given(query, where=(*query.where, *where), notes=(*query.notes, *notes))


_UNITLESS = frozenset("count distinct missing present share skewness kurtosis entropy correlation r2 cv".split())
"""Statistics that are not in the unit of what they are of."""
_TOLD_IN = r"\bin (?:us |american )?([a-z€$£]+)(?=\W*$|[?,.;]| (?:by|per|for|of|on|at|in|and|did|does?|is|are|was|were|each|across|from|between|when|if|where)\b)"


def in_unit(query: Query, question: str, columns: Sequence[Column]) -> Query:
    """The query with what it computes in the unit that is asked for, as it is computed from the column's own; with a note
    where that is not known."""
    scales, named = lexicon.section("units"), {expr(c): c for c in columns}
    said = [m[1].casefold() for m in re.finditer(_TOLD_IN, question, re.I)]
    unit = next((u for u in said if len(u) > 1 and any(u in scale for scale in scales.values())), "")
    of = dict.fromkeys(m.of for m in query.measures if m.of in named and m.op not in _UNITLESS)
    if not unit or not of or query.intent not in ("compute", "rank", "compare", "describe"):
        return query
    made, notes = dict[str, q.Derive](), list[str]()
    for column in (named[name] for name in of if name and named[name].kind == "number"):
        scale: dict[str, float] = next((s for s in scales.values() if unit in s and column.unit in s), {})
        times = scale.get(column.unit, 0) / scale[unit] if scale else 0
        if scale is scales["money"] and times == 1 and not _alike(unit, column.unit):
            times = 0
        if not times:
            notes.append(f"“{column.name}” is told as it stands: nothing says how it turns into {unit}.")
        elif times != 1:
            name = f"{column.name.replace(column.unit, '').strip(' _()') or column.name} ({unit})"
            made[expr(column)] = q.Derive(name=name, expr=f"{expr(column)} * {times:.10g}")
    measures = tuple(given(m, of=f"`{made[m.of].name}`") if m.of in made else m for m in query.measures)
    return given(query, measures=measures, prepare=(*query.prepare, *made.values()), notes=(*query.notes, *notes))


def _alike(unit: str, other: str) -> bool:
    """Whether two words are for the same currency."""
    return any({unit, other} <= {*some.split()} for some in lexicon.section("words")["currencies"].split(";"))


def in_whole(query: Query, time: Column | None) -> Query:
    """The query with a comparison of years in the months that both have, and no lowest period that is not whole."""
    ends = [str(e)[:10] for e in (time.low, time.high)] if time is not None else []
    if time is None or not all(re.fullmatch(r"\d{4}-\d\d-\d\d", e) for e in ends):
        return query
    compare, of = query.compare, expr(time)
    if compare is not None and compare.of == of:
        last, months = latest(compare.first, ends[1])
        if not months or last != max(compare.first, compare.second) or any(map(timed, query.where)):
            return query
        note = f"The data end on {ends[1]}: of both years, only the months {months.removeprefix('month ')} count."
        where = [Condition(left=of, op="during", right=months)]
    else:
        grain = next((g.grain for g in query.group_by if g.of == of), None)
        lowest = query.limit is not None and query.order and not query.order[0].descending
        if not lowest or grain not in ("year", "quarter", "month") or {m.op for m in query.measures} - {"count", "sum"}:
            return query
        first, last = (around(end, grain) for end in ends)
        where = [Condition(left=of, op=">", right=first)] * (begins(first) != ends[0][:7] or int(ends[0][8:]) > 3)
        whole = not latest(last, ends[1])[1] if grain == "year" else latest(last, ends[1])[0]
        where += [Condition(left=of, op="<", right=last)] * (not whole)
        if not where:
            return query
        note = f"The rows reach from {ends[0]} to {ends[1]}: a {grain} that is not whole is left out."
    return given(query, where=(*query.where, *where), notes=(*query.notes, note))


def of_which_time(query: Query, time: Column | None, columns: Sequence[Column], question: str) -> Query:
    """The query with notes on its time: which it is, of several of which the question names none, and that a month is
    that of each year."""
    ends = [str(e)[:4] for e in (time.low, time.high)] if time else []
    told = query.model_dump_json(exclude={"text", "notes"})
    period = None if re.search(r'"(19|20)\d\d"', told) else re.search(r'"(month|quarter) \d+"', told)
    if period and ends[:1] != ends[1:]:
        note = f"The {period[1]} is taken of each year from {ends[0]} to {ends[1]} together."
        query = given(query, notes=(*query.notes, note))
    dated = [c for c in columns if c.kind == "time" and c != time and not made.born(c)]
    others = [c for c in dated if time and c.file == time.file]
    if time is None or not others or {w.stem for w in words(question)} & {s for c in (time, *others) for s in c.stems}:
        return query
    by = [w.left for w in simple(query.where)] + [g.of for g in query.group_by]
    if expr(time) not in (*by, query.compare.of if query.compare else ""):
        return query
    note = f"Times are those of “{time.name}”, and not of “{others[0].name}”."
    return given(query, notes=(*query.notes, note))


def whole(question: str, tables: Sequence[Mapping[str, Any]]) -> Query | None:
    """The query of a question that asks for nothing but two files as one."""
    if len(tables) < 2 or not lexicon.found("join", question):
        return None
    main = _longest(tables)
    joins = [j for t in tables if t is not main and (j := _join(t)) is not None]
    return Query(intent="join", text=question, table=str(main["name"]), joins=tuple(joins[:1]))


def placed(query: Query, question: str, tables: Sequence[Mapping[str, Any]], rows: Sequence[str] = ()) -> Query:
    """The query with its file, and with the others that hold columns which it names; `rows`: the files whose rows the
    question names, as patients are those of which a file has the numbers."""
    if len(tables) < 2 or query.table:
        return query
    text = json.dumps(query.model_dump(mode="json", exclude={"text", "notes", "unused"}), ensure_ascii=False)
    made, said = {str(getattr(s, "name", "")) for s in query.prepare}, [w.stem for w in words(question)]
    held = {str(t["name"]): {str(c["name"]) for c in t["columns"]} for t in tables}
    used = {c for own in held.values() for c in own - made if re.search(rf"(?<!\w){re.escape(c)}(?!\w)", text)}
    place = dict[str, int]()  # where the question first has a word of a file's name
    for name in held:
        of = {stem(w) for w in name_words(name.rsplit(".", 1)[0])}
        place[name] = next((n for n, word in enumerate(said) if word in of), len(said))
    whole, main = [t for t in tables if used <= held[str(t["name"])]], _longest(tables)
    own, first = held[str(main["name"])], str(main["name"])
    gaps = {w.left.strip("`") for w in simple(query.where, "missing")}
    for there in (t for t in tables if any(c["name"] in gaps and not c.get("n_missing") for c in t["columns"])):
        for here in (t for t in tables if t is not there and all(_link(there, t))):  # of which it has no row
            (theirs, mine), name = _link(there, here), str(here["name"])
            join = q.Join(file=str(there["name"]), own=(mine,), theirs=(theirs,))
            return given(query, table=name, joins=(join,))
    counted = any(m.op in ("count", "share") and not m.of for m in query.measures)
    if counted and len(rows) == 1 and used <= held[rows[0]]:
        return given(query, table=rows[0])
    if query.having:  # rows are counted of what repeats, not where each stands once
        keys = {g.of.strip("`") for g in query.group_by}
        whole = [t for t in whole if not any(c["name"] in keys and _unique(c, t) for c in t["columns"])]
    spoken = counted and place[first] < len(said)
    if whole and not (spoken and main not in whole and first == min(place, key=lambda n: place[n])):
        named = [t for t in whole if place[str(t["name"])] < len(said)]
        return given(query, table=str((named or [_longest(whole)])[0]["name"]))
    others = [t for t in tables if t is not main and (used - own) & held[str(t["name"])]]
    joins = [j for t in others if (j := _join(t)) is not None]
    if not joins or not used <= own.union(*(held[j.file] for j in joins)):
        return query
    notes = [f"Each row of {first} is looked up in {j.file} by {j.own[0]}: many to one." for j in joins]
    prepare, measured = query.prepare, {m.of.strip("`") for m in query.measures if m.of}
    if measured and not measured & own:
        kept = (q.Keep(where=query.where),) if query.where else ()
        prepare = (*prepare, *kept, q.DropDuplicates(columns=joins[0].own))
        notes.append(f"Each {joins[0].own[0]} counts once.")
    return given(query, table=first, joins=tuple(joins), prepare=prepare, notes=(*query.notes, *notes))


def _join(table: Mapping[str, Any]) -> q.Join | None:
    """How a file is looked up, where one of its columns is a key for the longest."""
    own, theirs = table.get("fits") or ("", "")
    return q.Join(file=str(table["name"]), own=(str(own),), theirs=(str(theirs),)) if own else None


def _link(there: Mapping[str, Any], here: Mapping[str, Any]) -> tuple[str, str]:
    """The column of one file that names rows of another, and the other's own; two empty texts without one."""
    names = {str(c["name"]) for c in there["columns"]}
    same = next((str(c["name"]) for c in here["columns"] if _unique(c, here) and c["name"] in names), "")
    fits = here.get("fits") or (same, same)
    return str(fits[0]), str(fits[1])


def _unique(column: Mapping[str, Any], table: Mapping[str, Any]) -> bool:
    """Whether each row of a file has its own value."""
    return int(column.get("n_unique") or 0) >= int(table.get("rows") or 0) > 0


def _longest(tables: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return max(tables, key=lambda t: int(t.get("rows") or 0))
