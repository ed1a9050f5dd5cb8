"""Reads an English question of tables into a `Query`.

Columns, values, numbers and times are found first; then a small grammar over them, clause by clause, through all
sentences of the question. What is said and not understood is told, and where it would change the meaning, the part is
not answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graphs.questions.query import Query, Reading, given
from graphs.questions.reader import lexicon, made
from graphs.questions.reader.assembling import Draft
from graphs.questions.reader.clauses import split
from graphs.questions.reader.completing import by_case, in_unit, in_whole, of_which_time, placed, whole, without_codes
from graphs.questions.reader.conditions import Known
from graphs.questions.reader.linking import Column, read_columns
from graphs.questions.reader.meant import instead
from graphs.questions.reader.text import name_words, root, stem, words
from graphs.questions.reader.unread import unclear

__all__ = ["read"]


def read(
    question: str,
    tables: Sequence[Mapping[str, Any]],
    roles: Mapping[str, str] | None = None,
    previous: Query | None = None,
) -> Reading:
    """What a question asks of tables, as `look.describe` prints them. `roles` names columns such as the target or the
    time; `previous` is the query that a follow-up changes."""
    reading = _read(question, question, tables, roles, previous)
    if any(reading.queries):
        return reading
    files, meant = [str(t["name"]) for t in tables], question
    swaps = list(instead(question, read_columns(tables), files))
    for said, plain in swaps:
        meant = meant.replace(said, plain, 1)
    again = _read(question, meant, tables, roles, previous) if swaps else reading
    if not any(again.queries):
        return reading
    notes = tuple(f"“{said}” is read as “{plain}”." for said, plain in swaps)
    queries = tuple(q and given(q, notes=(*notes, *q.notes)) for q in again.queries)
    return again.model_copy(update={"queries": queries})


def _read(
    asked: str,
    question: str,
    tables: Sequence[Mapping[str, Any]],
    roles: Mapping[str, str] | None,
    previous: Query | None,
) -> Reading:
    """The reading of a question that was `asked` in these or other words."""
    columns, files = read_columns(tables), [str(t["name"]) for t in tables]
    together = whole(question, tables) or _of_the_whole(question, columns)
    if together is not None:
        apart = "VKTn" if lexicon.found("table", question) else "VKTnU"  # "describe the bonus", of which there is none
        some = [c.written([i]) for c in split(question, columns, files) for i in c.items if i.code in apart and i.first]
        why = unclear(some) if some else ""
        return Reading(parts=(question,), queries=(None if some else together,), why_not=(why,))
    time, new = _time(columns, roles or {}, question), list[made.Made]()
    for make in (made.lasting, made.reached, made.classes):
        if (column := make(question, columns)) is not None:
            question = question.replace(column.said, column.read_as)
            new.append(column)
            if column.column.made_in:  # "how long do people wait": the verb says no more
                question = re.sub(lexicon.form("says_lasting"), "", question, flags=re.I)
    question, told = made.defined(question, columns)
    swaps = list(_plainly(question, columns, Known(columns, time)))
    for said, plain in swaps:
        question = question.replace(said, plain)
    vague = lexicon.found("some_time", question)
    question = question.replace(vague[0], "") if vague else question
    columns += [n.column for n in new]
    earned = made.revenue(columns)
    columns += made.new_columns(question, columns) + ([earned.column] if earned else [])
    draft = Draft(asked, columns, time, previous.text if previous is not None else "")
    draft.notes += [f"It is not said when “{vague[0].strip()}” was: all times count."] if vague else []
    draft.notes += [*told, *(n.note for n in new if n.note)]
    draft.steps += [n.step for n in new]
    for clause in split(question, columns, files):
        draft.add(clause)
    reading = draft.reading(previous)
    queries = tuple(q and in_whole(of_which_time(q, time, columns, asked), time) for q in reading.queries)
    rows = {i.column.file for a in draft.asks for i in a.clause.items if i.code == "E" and i.means and i.column.key}
    queries = tuple(q and (q if draft.spelled else without_codes(q, columns)) for q in queries)
    queries = tuple(q and placed(q, asked, tables, [*rows]) for q in queries)
    if reading.why_not and not any(queries):
        last, unknown = reading.why_not[-1], tuple(_as_said(word, swaps) for word in reading.unknown)
        for word, said in zip(reading.unknown, unknown, strict=True):
            last = last.replace(f"“{word}”", f"“{said}”")
        why_not = (*reading.why_not[:-1], f"{last} {_told(tables)}")
        reading = given(reading, why_not=why_not, unknown=unknown)
    queries = tuple(q and in_unit(q, asked, columns) for q in queries)
    if earned:
        queries = tuple(q and _with(earned, q) for q in queries)
    return by_case(given(reading, queries=queries), columns)


def _plainly(question: str, columns: Sequence[Column], known: Known) -> Iterator[tuple[str, str]]:
    """What to read in place of some words: the column of "how old", revenue for what "we make"."""
    yield from ((m[0], "") for m in re.finditer(lexicon.form("legend"), question, re.I))
    yield from ((m[0], "percentage") for m in re.finditer(r"(?<![\d.] )(?<!\d)%(?= of\b)", question))
    spoken = {w.stem for w in words(question)}
    for said in re.finditer(r"\bhow (\w+)\b(?! ha(?:s|ve)\b)", question, re.I):
        hint = lexicon.dimensions("much little", said[1].casefold())
        near = [c for c in columns if c.kind == "number" and known.sense(hint, c) and spoken & c.stems]
        measured = near[0] if len(near) == 1 else known.hinted(hint)
        if measured is not None and "duration" in hint.split() and not made.length_of(measured, spoken):
            continue
        if hint not in ("time", "count") and measured is not None:
            yield said[0], f"what {measured.name}"
    gone, held = [c for c in made.ends_of(columns, "ends") if c.missing], {v for c in columns for v in c.values}
    there = lexicon.found("active", question) if len(gone) == 1 else None
    if there and not {there[1].casefold()} & {v.casefold() for v in (*held, *(w for c in columns for w in c.words))}:
        yield there[0], f"{there[2]} where {gone[0].name} is missing"
    present = (m[0] for m in re.finditer(lexicon.form("now"), question, re.I) if len(gone) == 1)
    yield from ((said, "" if there else f" where {gone[0].name} is missing") for said in present)
    parts = {c.words[0]: c for c in columns if c.kind == "number" and not c.words[1:]}
    in_hours = re.finditer(r"\bhours? of (?:the )?day\b", question, re.I)
    yield from ((m[0], "hour") for m in in_hours if "hour" in parts)
    numbered = "month" in parts and 1 <= parts["month"].low <= parts["month"].high <= 12
    months = re.finditer(rf"\b(?:in|of|for|during) ({'|'.join(_TIMES[:12])})\b(?! \d)", question, re.I)
    yield from ((m[0], f"where month is {_TIMES.index(m[1].casefold()) + 1}") for m in months if numbered)
    for span in (m for m in re.finditer(_SPAN, question, re.I) if not any(m[0] in v for v in held)):
        first, year, last = span["first"] or span["a"], span["year"] or "", span["last"] or span["b"]
        yield span[0], f"from {_full(first)}{year} to {_full(last)}"  # March to May: not these two alone
    for c in (c for c in columns if c.kind == "bool" or (c.kind == "time" and c.missing)):
        yield from ((w.text, f"not {w.low[2:]}") for w in words(question) if w.low in {f"un{name}" for name in c.words})
        yield from (("outstanding", "not paid") for _ in {"paid"} & {*c.words})
    yield from ((m[0], f"per {m[1]} on average") for m in re.finditer(lexicon.form("usual_day"), question, re.I))
    areas = {unit for unit in ("sqm", "sqft") for c in columns if unit in c.words}
    yield from ((m[0], u) for u in areas for m in re.finditer(lexicon.form(u), question, re.I))
    quarters = re.finditer(lexicon.form("quarter_hour"), question, re.I)
    yield from ((m[0], f"{45 if m[1] else 15} minutes") for m in quarters)
    money, files = known.amount(), {w for c in columns for w in name_words(c.file)[:-1]}
    rows = {stem(w) for w in (*files, *(c.noun for c in columns if c.key and c.words[1:]))}
    rows -= {s for c in columns if c.kind == "number" for s in c.stems}
    news = lexicon.found("new_ones", question) if made.ends_of(columns, "starts") else None  # those who joined
    whose = lexicon.with_alike({stem(news[1].casefold())}) if news else frozenset()
    joined = whose & rows and whose & {stem(w) for w in lexicon.some("people")}
    if news and joined and "new" not in {v.casefold() for v in held}:
        yield news[0], news[1]
    worth = [m[0] for m in re.finditer(lexicon.form("worth"), question, re.I) if stem(m[1].casefold()) in rows]
    yield from ((said, f"{money.name} column") for said in worth if money is not None)
    if earned := lexicon.found("earns", question):  # what we take, and not what we take in fines
        behind = words(question[earned.end() :])
        what = next((w.stem for w in behind if w.low not in lexicon.some("stop") - {"per"}), "")
        if not any(what in c.stems for c in columns if c.kind == "number"):
            yield earned[0], "how much revenue"


def _full(name: str) -> str:
    """The full name of a month or a weekday; a year as it is."""
    return next((n for n in _TIMES if n.startswith(name.casefold()[:3])), name).title()


def _as_said(word: str, swaps: Sequence[tuple[str, str]]) -> str:
    """A word as the question has it, where it was read in place of others."""
    return next((said for said, plain in swaps if word.casefold() in " ".join(name_words(plain))), word)


def _with(new: made.Made, query: Query) -> Query:
    """The query with the step and the note of a column, where it has the column."""
    if f'"{new.column.name}"' not in query.model_dump_json(exclude={"text", "notes", "unused"}):
        return query
    steps, notes = (new.step, *query.prepare), (*query.notes, new.note)
    return given(query, prepare=steps, notes=notes)


def _told(tables: Sequence[Mapping[str, Any]]) -> str:
    """What there is to ask of, for one whose question was not understood."""
    names = list(dict.fromkeys(str(c["name"]) for t in tables for c in t["columns"]))
    more = f", and {len(names) - 20} more" if len(names) > 20 else ""
    return f"The columns are {', '.join(names[:20])}{more}."


_TIMES = (*lexicon.listed("months"), *lexicon.listed("weekdays"))
_NAMES = "|".join(f"{n[:3]}(?:{n[3:]})?" for n in _TIMES)
_SPAN = rf"(?<!\bfrom )(?<!\bin )(?<!\bbetween )\b(?:(?P<first>{_NAMES})(?P<year> \d{{4}})?(?: ?[-–] ?| (?:to|through|thru|till) )(?P<last>{_NAMES})|(?P<a>(?:19|20)\d\d) ?[-–] ?(?P<b>(?:19|20)\d\d))\b"


def _of_the_whole(question: str, columns: Sequence[Column]) -> Query | None:
    """The query of a short question that asks for the table as a whole, and names nothing of it."""
    whole = lexicon.found("whole", question) and not lexicon.found("particular", question)
    rows = re.sub(r"\bin (?:this|these|the|our|my) \w+\W*$", "", question, flags=re.I)  # in these eruptions
    named = {stem(w) for w in name_words(rows) if len(w) > 3} & {s for c in columns for s in c.stems}
    return Query(intent="describe", text=question) if whole and len(question.split()) <= 10 and not named else None


def _time(columns: Sequence[Column], roles: Mapping[str, str], question: str) -> Column | None:
    """The column of times that is meant: the declared one, that of what is counted, a row's beginning, a date, a year."""
    declared, living = [c for c in columns if c.name == roles.get("time")], [c for c in columns if not made.born(c)]
    dated = [c for c in living if c.kind == "time"]
    heads, said = lexicon.some("heads", "function", "undoing"), words(question)
    done = {root(w.low) for w in said if not w.low.endswith("s")} - heads
    by_verb = [c for c in dated if done & {root(w) for w in c.words}]  # what was sold in March
    spoken = {w.stem for w in said}
    gaps = {c.missing for c in columns if c.kind == "number" and c.missing and c.stems & spoken}
    paid = [c for c in dated if c.missing in gaps]  # rows with the fee have that date, and no others
    files = {stem(w) for c in columns for w in name_words(c.file)[:-1]}
    keys = {stem(c.noun) for c in columns if c.key and c.label}
    rows = ({w.stem for w in said if w.low.endswith("s")}, files, keys)  # how many funerals in March; rides.csv
    counted = [c for some in rows for c in dated if some - heads & {stem(w) for w in c.words[:-1]}]
    years = [c for c in living if (c.words[-1:] == ("year",) and c.kind == "number") or c.yearly]
    return next(
        iter([*declared, *by_verb[:1], *paid, *counted, *made.ends_of(columns, "starts"), *dated, *years]), None
    )
