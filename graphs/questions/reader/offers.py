"""What to do with a question that is not understood: other questions of what it names, which are read back before they
are offered, and its likeliest reading, in words beside the columns: which outcome by which other column.

That reading never passes for the question itself: its query says how it was read, and what it answers is answered in part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice, pairwise, permutations
from typing import Any

from graphs.questions.conditions import in_words
from graphs.questions.query import Condition, Group, Measure, Query, Test, given, simple
from graphs.questions.reader import lexicon, read
from graphs.questions.reader.clauses import split
from graphs.questions.reader.conditions import Known, expr
from graphs.questions.reader.intents import usual
from graphs.questions.reader.items import Clause
from graphs.questions.reader.linking import Column, clipped, read_columns
from graphs.questions.reader.text import Word, name_words, root, stem, words
from notebooks.toolkit.columns import yes_level
from notebooks.toolkit.naming import ID_NAME

__all__ = ["offers"]

_MOST = 3
"""Questions that are offered."""
_CLASSES = 12
"""Values up to which a column that nobody has named is one to divide rows by."""
_STATISTICS = {"sum": "total", "mean": "average", "median": "median", "min": "lowest", "max": "highest"}
_TOTALS = ("sum", "count")
"""What an item means that asks for how much or how many."""


def offers(
    question: str, tables: Sequence[Mapping[str, Any]], roles: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Up to three plain questions near one that was refused, each of which has an answer; tables as `read` takes them."""
    columns = read_columns(tables)
    clauses = split(question, columns, [str(t["name"]) for t in tables])
    left = read(_understandable(question, clauses), tables, roles).queries
    first = _worded(left[0]) if len(left) == 1 and left[0] is not None else ""
    same = first and read(first, tables, roles).queries
    nearest = [first] if same and _asked(same[0]) == _asked(left[0]) else []
    wordings = dict.fromkeys(w for w in _wordings(clauses, columns, question) if w != first)
    readings = ((w, read(w, tables, roles).queries) for w in wordings)
    others = islice((w for w, some in readings if all(one and not one.unused for one in some)), _MOST - len(nearest))
    return tuple(f"{w.rstrip('?')}?" for w in (*nearest, *others))  # of a column that is called "Returned?"


def _understandable(question: str, clauses: Sequence[Clause]) -> str:
    """A question without the words that nobody knows; what is counted, and not known, are the rows."""
    unknown = [
        (clause.words[i.first].start, clause.words[i.last].end, bool(n) and clause.items[n - 1].code in "hMj")
        for clause in clauses
        for n, i in enumerate(clause.items)
        if i.code == "U"
    ]
    for start, end, counted in sorted(unknown, reverse=True):
        question = f"{question[:start]}{'rows' if counted else ''}{question[end:]}"
    return " ".join(question.split())


def _asked(query: Query | None) -> Any:
    """What a query asks, whatever the words that it was read from."""
    return query and query.model_dump(exclude={"text", "notes", "unused"})


def _worded(query: Query) -> str:
    """A plain question for a query of one statistic, of some rows, by a group or of the group at an end; else nothing."""
    (measure, *others), groups = query.measures or (None,), [g.of.strip("`") for g in query.group_by]
    plain = all(isinstance(w.right, (str, int, float)) for w in simple(query.where))
    if (
        measure is None
        or others
        or measure.where
        or len(simple(query.where)) < len(query.where)
        or groups[1:]
        or not plain
    ):
        return ""
    counts, of = measure.op == "count" and not measure.of, (measure.of or "").strip("`")
    statistic, rows = _STATISTICS.get(measure.op), in_words(query.where, str).replace("`", "")
    of_rows = f" where {rows}" if rows else ""
    if query.intent == "rank" and groups and query.order:
        most, highest = ("most", "highest") if query.order[0].descending else ("fewest", "lowest")
        what = f"{most} rows" if counts else f"{highest} {statistic} {of}" if statistic else ""
        return f"Which {groups[0]} has the {what}{of_rows}?" if what else ""
    by = f" by {groups[0]}" if groups else ""
    if counts:
        return f"How many rows are there{by}{of_rows}?" if by or of_rows else ""
    return f"What is the {statistic} {of}{by}{of_rows}?" if statistic else ""


def _wordings(clauses: Sequence[Clause], columns: Sequence[Column], question: str) -> Iterator[str]:
    """Questions of the kind that was asked (how many, how much, which has the most) of what its items name: of the same
    rows and times, by the same groups; of figures that are not named, each in turn."""
    items = [item for clause in clauses for item in clause.items]
    named = [i.means for i in items if i.code in "CE" and isinstance(i.means, Column)]
    values = [i.means for i in items if i.code == "V"]
    file = next((c.file for c in (*named, *(c for c, _ in values)) if c.file), columns[0].file)
    there = [c for c in columns if c.file == file]
    spoken = [c for c in there if c in named]
    money = Known(there, None).amount()
    numbers = [c for c in there if c.kind == "number" and not (c.label or c.key)]
    figures = sorted(numbers, key=lambda c: (c not in spoken, c != money))
    classes = [c.name for c in there if c.kind == "text" and 1 < c.n_unique <= _CLASSES]
    held = [column for column, _ in values]
    denied = [items[m.end() - 1].means for m in re.finditer("n[ido]*[CEV]", "".join(i.code for i in items))]  # not paid
    divides = [c for c in dict.fromkeys(held) if held.count(c) > 1]  # schools or pubs
    divides += [c for c in spoken if c.kind == "text" and c not in held and not (c.key or c.prose)]
    by = f" by {divides[0].name}" if divides else ""
    met = [f"{c.name} is {'not ' * ((c, value) in denied)}{value}" for c, value in values if c not in divides]
    met += [f"{c.name} is {'no' if c in denied else 'yes'}" for c in spoken if c.kind == "bool" and c not in held]
    rows = f" where {' and '.join(met)}" if met else ""
    when = [(c, i) for c in clauses for i in c.items if i.code == "T"]
    for clause, time in when if len(when) == 1 else ():
        said, lead = clause.written([time]), clause.words[max(time.first - 1, 0)].low
        rows += f" {'' if said.startswith(('last', 'this')) else lead if lead in ('on', 'since') else 'in'} {said}"
    rows = rows.replace("  ", " ")
    ranks = any(i.code == "M" for i in items)
    totals = ranks or any(i.means in _TOTALS for i in items) or "how much" in question.casefold()
    both = [c.name for c in numbers if c in spoken]
    if len(both) == 2:
        yield f"How is {both[0]} related to {both[1]}?"
    times = [c.name for c in there if c.kind == "time"]
    if lexicon.found("lengths", question) or lexicon.found("lasts", question):
        yield from (f"What is the average number of days between {a} and {b}{by}{rows}?" for a, b in pairwise(times))
    if rows or by:
        yield f"How many rows are there{by}{rows}?"
    if ranks and not both:
        yield from (f"Which {c} has the most rows{rows}?" for c in ([divides[0].name] if divides else classes))
    for figure in figures:
        adds = totals and (figure.money or usual(figure, [], question="the most of it").op == "sum")
        yield f"What is the {'total' if adds else 'average'} {figure.name}{by}{rows}?"
    yield from (f"What is the average {figure.name} by {c}?" for figure in figures for c in classes)


_LEAST = 0.6
"""How near a word must be to a column for it to be taken, where 1 is the column's name."""


@dataclass(frozen=True)
class Near:
    """A column that one or two words may be about, by their places among the words that say something, how near they
    are to it, and the value that they speak of, if it is one."""

    column: Column
    first: int
    last: int
    grade: float
    value: str = ""


def likely(text: str, columns: Sequence[Column]) -> tuple[tuple[Column, ...], Query | None]:
    """The columns that a text which was not read may be about, the outcome last, and the query that compares them.

    There is a query where it is likely of two columns; one column alone is what the others may explain.
    """
    said = [w for w in words(text) if w.content and w.number is None]
    said = [w for w in said if w.low not in lexicon.harmless() or _alike(w.low)]
    able = [c for c in columns if not _names_rows(c)]
    when = lexicon.found("over_time", text)  # no column of how long something took
    said = [w for w in said if not when or not when.start() < w.start < when.end()]
    of = lexicon.found("rows_that", text)
    said = [w for w in said if not of or w.start != of.start(1) or any(w.stem in map(stem, c.values) for c in able)]
    near = list(_near(text, said, able))
    taken = {n: x.column for x in near if x.last > x.first and x.grade > 1.7 for n in (x.first, x.last)}  # in whole
    near = [x for x in near if taken.get(x.first, x.column) == x.column == taken.get(x.last, x.column)]
    pairs = [(a, b) for a, b in permutations(near, 2) if a.column != b.column and a.last < b.first]
    whole = {(n.first, n.last) for n in near}  # violent crime is one thing, and so is how long women live
    pairs = [p for p in pairs if min(n.grade for n in p) >= _LEAST
             and (p[0].last, p[1].first) not in whole
             and said[p[0].last].stem != said[p[1].last].stem]  # fmt: skip
    if pairs:
        a, b = max(pairs, key=lambda p: p[0].grade + p[1].grade - 0.01 * sum(len(n.column.words) for n in p))
    else:
        known = max((n for n in near if n.grade >= _LEAST), key=lambda n: n.grade, default=None)
        if known is None:
            return (), None
        vague = _classes(known.column) and re.search(r"\b(?:better|worse)\b", text, re.I)  # in what is not said
        if when or vague or not lexicon.found("relates", text) or (other := _partner(known.column, able)) is None:
            return (known.column,), None
        a, b = Near(other, known.first, known.last, 0.0), known
    factor, outcome = _ordered(text, said, a, b)
    both = factor.column, outcome.column
    named = [n for n in near if n.value and n.grade >= 0.9]  # in Berlin: of some rows only
    there = (n for n in named if n.column.n_unique > 2 and lexicon.found("within_which", text[: said[n.first].start]))
    others = any(not any(n.value in c.values for c in both) for n in named)
    # Of which rows, times or amounts a question is, beyond a year
    some = any(w.low in lexicon.some("turns", "lacks", "months", "weekdays") for w in words(text))
    numbers = [w.number for w in words(text) if w.number is not None]
    some |= bool(numbers[1:]) or any(not 1500 <= n <= 2100 for n in numbers)  # from 2024 to 2025
    compared = lexicon.found("relates", text) and not (when or others or some or any(there))
    return both, _query(text, factor, outcome) if compared else None


def _names_rows(column: Column) -> bool:
    """Whether a column only names rows or times, so that nothing is told of it."""
    apart = column.label or column.kind == "time" or (column.key and column.kind == "text")
    many = column.n_unique > 30 if column.kind == "text" else column.words[-1:] == ("year",)
    return bool(apart or many or column.n_unique < 2 or ID_NAME.search(column.name))


def _near(text: str, said: Sequence[Word], columns: Sequence[Column]) -> Iterator[Near]:
    """The columns that each word, and each two that follow each other, may be about."""
    for column in columns:
        # More people: how many; and a state's output is its own, and no state
        counted = [bool(lexicon.found("how_many", text[: w.start])) or text[w.end :][:2] in ("'s", "’s") for w in said]
        grades = [_grade(*one, column) for one in zip(said, counted, strict=True)]
        yield from (Near(column, n, n, g, v) for n, (g, v) in enumerate(grades) if g)
        for n, ((a, v), (b, w)) in enumerate(pairwise(grades)):
            apart = said[n + 1].start - said[n].end  # re78 is two words without a gap
            whole = said[n].low + said[n + 1].low == "".join(column.words)  # beer tax, of beertax
            if ((a and b) or whole) and apart <= 1:
                yield Near(column, n, n + 1, 2.0 if whole else a + b, v or w)


def _grade(word: Word, counted: bool, column: Column) -> tuple[float, str]:
    """How near a word is to a column, from 0 to 1, and the value of it that it is, if any. `counted`: it says of what
    there are more or fewer."""
    who = lexicon.some("people", "rows", "events", "doers") - lexicon.some("female", "male")
    apart = {word.low, word.low.removesuffix("s")} & who  # of whom it is spoken
    kinds = column.kind == "text" and column.n_unique > 2  # and more school is no kind of school
    less = 0.4 if (kinds if counted else apart) else 1.0
    own = {word.stem, root(word.low)}
    if own & column.stems:
        return less * (1.0 if own >= column.stems or not column.words[1:] else 0.9), ""
    alike = _alike(word.low)
    stems = own | {stem(a) for a in alike}
    for value in column.values if column.n_unique <= 12 and column.kind != "number" else ():
        part = name_words(value)[1:] and lexicon.dimensions("much little", word.low)  # slow, and not "too slow"
        if not part and stems & {stem(w) for w in name_words(value)}:
            return less * (0.9 if own & {stem(w) for w in name_words(value)} else 0.7), value
    within = any(len(word.stem) > 3 and word.stem in w for w in column.words)  # tax, in beertax
    begun = (w for w in column.words if len(w) > 2)
    if within or any((word.low.startswith(w) and len(word.low) > len(w) + 1) or clipped(w, word.low) for w in begun):
        return 0.8 * less, ""
    if stems & column.stems:
        return 0.7 * less, ""
    short = (a for a in alike for w in column.words if len(a) > len(w) + 2 and len(w) > 2 and a.startswith(w))
    held = (a for a in alike for w in column.words if len(a) > 3 and len(w) > len(a) and a in w)
    return (0.6 * less if any(short) or any(held) else 0.0), ""


@cache
def _alike(word: str) -> frozenset[str]:
    """Words for the like of one: of its families, and of what an adjective measures."""
    means = lexicon.phrases()[0].get((word,), ("", ""))  # of a comparative
    known = (lexicon.dimensions("much little says", w) for w in {word, root(word)})
    of = means[1] if means[0] in ("j", "M") else " ".join(sorted(known))
    found = {w for d in of.split() for w in lexicon.columns_of(d) if d.lstrip("-") not in ("time", "count", "faults")}
    held = lexicon.section("words")
    families = [line.split() for name in ("about", "kin", "female", "male") for line in held[name].split(";")]
    bases = {stem(word), *(stem(re.sub(end, "", word)) for end in ("er$", "ier$", "est$") if len(word) > 5)}
    return frozenset(found.union(*(f for f in families if bases & set(map(stem, f)))) - {word})


def _partner(column: Column, able: Sequence[Column]) -> Column | None:
    """What the one column that is spoken of is likely told with: the only other, or, of classes, the one outcome or the
    only amount."""
    others = [c for c in able if c != column and c.file == column.file]
    came = [c for c in others if _outcome(c)] if _classes(column) else []
    amounts = [c for c in others if not _classes(c) and c.n_unique > 8] if _classes(column) else []
    return next((some[0] for some in (others, came, amounts) if len(some) == 1), None)


def _outcome(column: Column) -> bool:
    """Whether a column says by its name how something came out: improved, survived, denied."""
    return bool(column.stems & {stem(w) for w in lexicon.some("outcomes")})


def _ordered(text: str, said: Sequence[Word], a: Near, b: Near) -> tuple[Near, Near]:
    """Two columns as the one that may explain and the outcome: by what they hold, else by how they are spoken of."""
    first, second = ((_outcome(n.column), not _classes(n.column)) for n in (a, b))
    if first != second:
        return (a, b) if first < second else (b, a)
    between = text[said[a.last].end : said[b.first].end] if a.last < b.first else ""
    turned = lexicon.found("given", between) or (lexicon.found("there", text) and lexicon.found("among", between))
    return (b, a) if turned else (a, b)


def _classes(column: Column) -> bool:
    """Whether a column puts the rows into classes, and is no amount."""
    return column.kind != "number" or column.n_unique == 2


def _query(text: str, factor: Near, outcome: Near) -> Query:
    """What compares the outcome by the other column, as a plain question."""
    x, y = factor.column, outcome.column
    classes, ends = _classes(x), tuple[Measure, ...]()
    by: tuple[Group, ...] = (Group(of=expr(x)),)
    if classes and not _classes(y):
        ends, asked = (Measure(op="mean", of=expr(y)),), f"Does {y.name} differ by {x.name}?"
    elif not (classes or _classes(y)):
        line = Measure(op="correlation", of=expr(x), other=expr(y))
        ends, by = (line, given(line, method="spearman")), ()  # a far value moves the ranks less
        asked = f"Is {y.name} related to {x.name}?"
    elif not classes:  # a number, by what came out
        ends, by, asked = (Measure(op="mean", of=expr(x)),), (Group(of=expr(y)),), f"Does {x.name} differ by {y.name}?"
    elif 0 < len(y.values) <= 4:
        two = len(y.values) == 2
        yes = y.yes if y.kind == "bool" else outcome.value or yes_level(y.values) if two else ""
        told = [yes] if two else list(y.values)
        ends = tuple(Measure(op="share", where=(Condition(left=expr(y), op="=", right=v),)) for v in told)
        asked = f"How often is {y.name} {' or '.join(map(str, told))}, by {x.name}?"
    else:
        test = Test(about="independence")
        fields = {"measures": (Measure(op="values", of=expr(y)),), "group_by": by, "test": test}
        return Query(intent="test", text=text, read_as=f"Is {y.name} independent of {x.name}?", **fields)
    return Query(intent="compare" if by else "relate", text=text, read_as=asked, measures=ends, group_by=by)
