"""Columns that no table has and a question speaks of: lengths of time, and those it makes itself."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from graphs.questions.query import Cut, Derive
from graphs.questions.reader import lexicon
from graphs.questions.reader.conditions import expr
from graphs.questions.reader.linking import Column, full_names
from graphs.questions.reader.nearness import parts
from graphs.questions.reader.text import name_words, stem, words


class Made(NamedTuple):
    """A column that is computed for the question: where it is spoken of, in which words it is read, how it is made."""

    said: str
    read_as: str
    column: Column
    step: Derive | Cut
    note: str


def ends_of(columns: Sequence[Column], which: str) -> list[Column]:
    """The columns of times whose names say that something begins, or that it ends there; of two times of which one is
    missing in some rows, that is the end."""
    begins, times = tuple(lexicon.listed(which)), [c for c in columns if c.kind == "time"]
    named = [c for c in times if any(w.startswith(begins) for w in c.words)]
    gaps = [bool(c.missing) for c in times if not named]
    return [c for c in times if bool(c.missing) == (which == "ends")] if sorted(gaps) == [False, True] else named


def born(column: Column) -> bool:
    """Whether a column says when somebody was born."""
    names = {"birth", "born", "dob", "birthday", "birthdate"}
    return bool(names & set(column.words)) and column.kind in ("time", "number")


def lasting(question: str, columns: Sequence[Column]) -> Made | None:
    """A length of time that no column holds, where the table has its beginning and its end."""
    if (spanned := between(question, columns)) is not None:
        return spanned
    said = next(filter(None, (lexicon.found(name, question) for name in ("lengths", "within", "lasts"))), None)
    held, sent = set(lexicon.columns_of("duration")), lexicon.some("sent")
    ws, spoken = {w.low for w in words(question)}, {w.stem for w in words(question)}
    stays = {stem(w) for w in lexicon.some("lasting")} & spoken  # months_on_waiting_list
    numbers = [c for c in columns if c.kind == "number" and length_of(c, spoken)]
    lengths = (c for c in numbers if held & set(c.words) or stays & c.stems)
    if not said or any(ws.issuperset(w for w in c.words if w.endswith("ed")) for c in lengths):
        return None  # and hours billed are another length
    low, asked = said[0].casefold(), question.casefold()
    thing = re.search(r"\bhow long is an? (?:\w+ )?(\w+)", asked)  # a boat has another length than a stay
    if thing and stem(thing[1]) not in {stem(w) for w in lexicon.some("events", "lasting")}:
        return None
    if any(low in v.casefold() != low and v.casefold() in asked for c in columns for v in c.values):
        return None  # waiting for parts, which is a state
    named_so = re.fullmatch(lexicon.form("lengths"), low) and not low.startswith(("how", "length"))
    name = low if named_so else "duration"
    first, finished = stem(name.split()[0]), ends_of(columns, "ends")
    if any(first in c.stems for c in columns if c not in finished):
        return None  # of processed_date, the processing time is no name
    if first in sent and not any(sent & c.stems for c in finished):
        return None  # a delivery time is none of rows that are processed
    times = [c for c in columns if c.kind == "time" and not born(c)]
    starts, ends = ends_of(times, "starts"), ends_of(times, "ends")
    clocks = len(times) == 2 and all(c.clock and c.low and c.high for c in times)
    if len(times) == 2:
        early, late = sorted(times, key=lambda c: (str(c.low), str(c.high)))
        follows = str(early.low) < str(late.low) and str(early.high) < str(late.high)
        if starts or ends:
            named = starts[:1] or [c for c in times if c not in ends]
            starts = [early] if follows and not (starts and ends) else named  # stopped first, then restarted
        elif follows and (clocks or {w.low for w in words(question)} & lexicon.some("lasting")):
            starts = [early]  # plugged in first, then unplugged
        ends = [c for c in times if c not in starts]
    if len(starts) != 1 or len(ends) != 1:
        return None
    (start,), (end,) = starts, ends
    unit = next((u for u in ("seconds", "minutes", "hours") if re.search(rf"\b{u[:-1]}", question, re.I)), "")
    within = clocks and _days(start.low, end.low) < 1 and _days(start.high, end.high) < 1
    unit = unit or ("hours" if within else "days")
    made = f"{unit}({expr(start)}, {expr(end)})"
    read_as = "what duration" if low.startswith("how") else "duration" if low.startswith("length") else said[0]
    read_as = re.sub(lexicon.form("within"), r"with a duration of at most \1", read_as, flags=re.I)
    column = Column(name, "", "float64", end.rows // 2, end.rows, made_in=unit)  # no key of the rows
    note = f"“{name}” is read as {made}, in {unit}."
    note += f" Where “{end.name}” is missing it has no length yet." * bool(end.missing)
    return Made(said[0], read_as, column, Derive(name=name, expr=made), note)


def between(question: str, columns: Sequence[Column]) -> Made | None:
    """The length of time from one column of times to another, where a question names both: days between order and delivery."""
    spans = r"\b(?:(?:number of )?(second|minute|hour|day)s|time|gap) (?:between|from) (.+? (?:and|to|until|till) .+)"
    said = re.search(spans, question)
    times = [c for c in columns if c.kind == "time"]
    ws = words(said[2]) if said else []
    named = [n for n in full_names(ws, times, frozenset()) if ws[0].start <= n.first] if said else []
    ends = sorted({n.column.name: n for n in named}.values(), key=lambda n: n.first)[:2]
    if said is None or len(ends) != 2 or ends[0].first > 1:
        return None
    start, end = (n.column for n in ends)
    unit = f"{said[1]}s" if said[1] else "hours" if start.clock and end.clock else "days"
    made = f"{unit}({expr(start)}, {expr(end)})"
    whole = question[said.start() : said.start(2) + ws[ends[1].last].end]
    column = Column("duration", "", "float64", end.rows // 2, end.rows, made_in=unit)
    return Made(whole, "duration", column, Derive(name="duration", expr=made), f"“duration” is read as {made}.")


def length_of(column: Column, spoken: Collection[str]) -> bool:
    """Whether a column is the length of time that a question speaks of: it says so, and not that of something else, as
    sick_days are none of how long people stay, and a delay is none of how long a trip is."""
    if not lexicon.holds("duration", column.words):
        return False
    units = {"night", *(stem(unit) for unit in lexicon.section("units")["time"])}
    return column.stems - units <= {*spoken} or bool({"durat", "dur", "length"} & column.stems)


def reached(question: str, columns: Sequence[Column]) -> Made | None:
    """Whether a target was met, where one column says what was aimed at and another what came of it."""
    said, numbers = lexicon.found("met", question), [c for c in columns if c.kind == "number" and not c.label]
    aims = [c for c in numbers if {"target", "goal", "quota"} & set(c.words)]
    came = [c for c in numbers for a in aims if c != a and any(w[:5] == v[:5] for w in c.words for v in a.words)]
    if not said or len(aims) != 1 or len(came) != 1:
        return None
    made, rows = f"{expr(came[0])} >= {expr(aims[0])}", came[0].rows
    column = Column("target met", "", "bool", 2, rows, values=("False", "True"))
    read_as = "share of target met" if "rate" in said[0].casefold() else "target met"
    note = f"A target is met where {came[0].name} is at least {aims[0].name}."
    return Made(said[0], read_as, column, Derive(name="target met", expr=made), note)


def revenue(columns: Sequence[Column]) -> Made | None:
    """What rows bring in, where a table has how many were sold and the price of one, and no amount of both."""
    numbers = [c for c in columns if c.kind == "number" and not c.label]
    many, prices = ([c for c in numbers if of & set(c.words)] for of in ({"quantity", "units"}, {"price"}))
    sums = set(lexicon.columns_of("takings")) - {"price", "total"}
    summed = any(sums & set(c.words) for c in numbers)
    if len(many) != 1 or len(prices) != 1 or many[0].file != prices[0].file or summed:
        return None
    made, (price,) = f"{expr(many[0])} * {expr(prices[0])}", prices
    column = Column("revenue", price.file, "float64", price.rows, price.rows, made_in=price.unit)
    return Made("", "", column, Derive(name="revenue", expr=made), f"“revenue” is read as {made}.")


_RANGE = (
    r"(?:(?P<op>under|below|less than|younger than|up to|over|above|more than|older than|at least|from) )?"
    r"(?P<a>\d+(?:,\d{3})*(?:\.\d+)?)(?: ?(?:to|-|–) ?(?P<b>\d+(?:,\d{3})*(?:\.\d+)?))?(?P<more>\+| (?:and|or) (?:over|above|older|more|up)\b)?"
)
_ANY = re.sub(r"\?P<\w+>", "?:", _RANGE)
_RANGES = rf"[(:]? ?\b{_ANY}(?:(?:,? (?:and|or|vs\.?|versus|against)|[,;/]) ?{_ANY})+ ?\)?"


def classes(question: str, columns: Sequence[Column]) -> Made | None:
    """Classes of a number that a question names: under 20, 20 to 40, over 40."""
    said = next((m for m in re.finditer(_RANGES, question, re.I) if re.search("[a-z+-]", m[0])), None)
    named = said and (said[0][0] in "(:" or re.search(rf"\b{lexicon.form('classes')}\b", question, re.I))
    if said is None or not named:
        return None
    ws, numbers = words(question), [c for c in columns if c.kind == "number" and not c.label]
    free = [w.end <= said.start() for w in ws]
    links = [x for x in (*parts(ws, free, numbers), *full_names(ws, numbers, frozenset())) if free[x.last]]
    if not links:
        return None
    link = max(links, key=lambda x: (x.last, -x.first))
    start, end, of = ws[link.first].start, ws[link.last].end, link.column
    name = f"{question[start:end].strip()} class"
    whole = all(float(str(e)).is_integer() for e in (of.low, of.high, *of.examples) if e is not None)
    cut = _ranges(name, of, said[0], float(whole))
    if cut is None:
        return None
    lead = re.sub(lexicon.form("cuts"), "", question[:start], flags=re.I)
    between = re.sub(rf"^ ?{lexicon.form('classes')}\b", "", question[end : said.start()], flags=re.I)
    read_as = f"{lead}{name}{between} {question[said.end() :]}"
    note = "" if whole else "A value on an edge belongs to the class above."
    return Made(question, read_as, Column(name, "", "new", len(cut.labels), of.rows), cut, note)


def _ranges(name: str, of: Column, said: str, step: float) -> Cut | None:
    """Classes by their bounds; of whole numbers (`step` 1) "over 40" begins at 41 where the one before it ends with 40."""
    pieces = list(re.finditer(_RANGE, said, re.I))
    bounds = [_bounds(piece, step) for piece in pieces]
    apart = [(high, low) for (_, high), (low, _) in pairwise(bounds)]
    if not apart or any(high is None or low is None or low < high - step for high, low in apart):
        return None
    edges = (*(low for low, _ in bounds), bounds[-1][1])
    return Cut(name=name, of=expr(of), edges=edges, labels=tuple(piece[0].strip() for piece in pieces))


def _bounds(piece: re.Match[str], step: float) -> tuple[float | None, float | None]:
    """Where a class begins, and where the next one does."""
    a, b = (float(piece[g].replace(",", "")) if piece[g] else None for g in "ab")
    op = (piece["op"] or "").casefold()
    if op in ("under", "below", "less than", "younger than", "up to"):
        return None, (a or 0) + step * (op == "up to")
    return (a or 0) + step * (op not in ("", "from", "at least")), None if b is None else b + step


def _days(first: Any, last: Any) -> float:
    """How many days lie between two times of a table."""
    return abs((datetime.fromisoformat(str(last)) - datetime.fromisoformat(str(first))).total_seconds()) / 86_400


def defined(question: str, columns: Sequence[Column]) -> tuple[str, list[str]]:
    """The question with columns in place of what its sentences say stands in them, without these sentences, and notes:
    female patients are coded as 2 in the sex column; the runner's name is in the name column."""
    by_name, notes = {c.name.casefold(): c for c in sorted(columns, key=lambda c: -len(c.name))}, list[str]()
    named = rf"[\"'`“]?(?P<column>{'|'.join(map(re.escape, by_name))})[\"'`”]?(?: column| field| variable)?"
    for form in lexicon.section("defines")["placed"] if columns else ():
        for said in list(re.finditer(form.replace("COLUMN", named), question, re.I)):
            what, column, level = said["what"], by_name[said["column"].casefold()], said.groupdict().get("value")
            spoken = rf"(?:\b(?:the|an?) )?\b{re.escape(what.strip().removesuffix('s'))}(?:s|es)?\b"
            rest, of = question.replace(said[0], "", 1), f'"{column.name}"'
            if rest != question and re.search(spoken, rest, re.I) and {*name_words(what)} - {*column.words}:
                read_as = f"rows where {of} is {level}" if level else of
                notes.append(f"“{what.strip()}” is read as {read_as}.")
                question = re.sub(spoken, read_as + "," * bool(level), rest, flags=re.I)
            elif (column.kind == "bool" and level == str(column.yes)) or not (level or re.search(r"\d", said[0])):
                question = rest
    return question, notes


def new_columns(question: str, columns: Sequence[Column]) -> list[Column]:
    """The columns that the question makes itself: quoted names that no table has, said to be new."""
    ws = words(question)
    names = {alias for c in columns for alias in c.aliases}
    found = list[str]()
    for quote in sorted({w.quote for w in ws} - {0}):
        inside = [i for i, w in enumerate(ws) if w.quote == quote and w.content]
        before = " ".join(w.low for w in ws[max(0, inside[0] - 8) : inside[0]]) if inside else ""
        created = re.search(r"\b(called|named|new|create|generate|add)\b", before)
        if created and tuple(ws[i].low for i in inside) not in names:
            found.append(question[ws[inside[0]].start : ws[inside[-1]].end].strip())
    unquoted = re.findall(lexicon.section("defines")["called"], question)  # a column named PriceSpread
    found += [name for name in unquoted if name_words(name) not in names]
    listed = re.findall(lexicon.section("steps")["class"], question)
    if not found and listed[1:] and lexicon.found("sorted", question):
        found.append("class")  # 'Minor' (below 18), 'Adult' (18 and older): each class
    rows = max((c.rows for c in columns), default=0)
    return [Column(name, "", "new", rows // 2, rows) for name in dict.fromkeys(found)]
