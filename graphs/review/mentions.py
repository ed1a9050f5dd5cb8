"""What a text names of the given tables: columns, values of columns, years; and which number it says of which."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

from graphs.questions.expressions import kind_of
from graphs.questions.reader import lexicon
from graphs.questions.reader.text import stem
from graphs.review.prose.figures import Figure, figures, sentences
from graphs.review.syntax import words
from graphs.review.units import is_unit

Tables = Sequence[Mapping[str, Any]]
YEAR = "year"
"""The column that a year in a text stands for."""

_COMMON = words(
    """
    yes no true false other others unknown none all any new old high low good bad a b c an the in on is as or and not
    mr mrs day week month year total mean count one two three first second
    """
)
"""Values that stand in sentences without being spoken of."""
_SEXES = {"female": "females?|wom[ae]n|girls?", "male": "males?|m[ae]n|boys?"}
_CODED = {"f": "female", "m": "male"}
_UNIT_WORDS = words("mm cm km kg g mg pct percent usd eur cents cent ms sec min id the and for per num no nr")
_YEAR = re.compile(r"(?<![\w.,-])((?:19|20)\d\d)(?![\w%]|[.,]\d|-\d)")

TIMES = re.compile(
    r"\s?(?:times|-?fold|×|(?:(?:[\w%]+ ){0,3}|points )(?:more|less|fewer|higher|lower|longer|shorter|larger))\b", re.I
)
"""What stands behind a number that compares two groups and is of neither."""


@dataclass(frozen=True)
class Label:
    """A value of a column where a text names it."""

    column: str
    value: str
    start: int
    end: int


def pairs(named: Iterable[Label]) -> frozenset[tuple[str, str]]:
    """The columns and values of labels."""
    return frozenset((n.column, n.value) for n in named)


def levels(tables: Tables, most: int = 200) -> Iterator[tuple[str, str]]:
    """The values, as text, of the columns of text of which all or some are known, with their columns."""
    for table in tables:
        for column in table["columns"]:
            if column.get("dtype") in ("str", "object", "string", "category", "bool"):
                for value in (column.get("values") or ())[:most]:
                    yield str(column["name"]), str(value)


def time_columns(tables: Tables) -> list[str]:
    """The columns that hold times, or years, whatever they are called."""
    return [str(c["name"]) for t in tables for c in t["columns"] if _holds_times(c)]


def last_year(tables: Tables) -> int | None:
    """The last year that the tables hold; None where they hold no times."""
    held = {*time_columns(tables)}
    ends = [str(c.get("max"))[:4] for t in tables for c in t["columns"] if c["name"] in held]
    return max((int(e) for e in ends if re.fullmatch(r"(?:19|20)\d\d", e)), default=None)


def _holds_times(column: Mapping[str, Any]) -> bool:
    low, high = column.get("min"), column.get("max")
    years = isinstance(low, int) and isinstance(high, int) and 1900 <= low < high < 2100
    called = re.search(r"(?:^|_)(?:year|yr|date|day|month)(?:_|$)", str(column["name"]), re.I)
    times = str(column.get("dtype")).startswith(("datetime", "timestamp"))
    return times or years or (called is not None and column["n_unique"] > 1)


def labels(text: str, tables: Tables) -> list[Label]:
    """The values that a text names, as whole words, the longest first where one holds another; and its years."""
    of_columns = (re.findall(r"[^\W\d_]+", str(c["name"])) for t in tables for c in t["columns"])
    names = tuple(r"[ _-]".join(words) for words in of_columns if len(words) > 1)
    return list(_labels(text, tuple(dict.fromkeys(levels(tables))), names, bool(time_columns(tables))))


@lru_cache(maxsize=512)
def _labels(text: str, known: tuple[tuple[str, str], ...], names: tuple[str, ...], timed: bool) -> tuple[Label, ...]:
    found, spelt_by = list[Label](), dict[str, set[str]]()
    for column, value in known:
        spelt_by.setdefault(column, set()).add(value.casefold())
    for column, value in sorted(known, key=lambda pair: -len(pair[1])):
        coded = spelt_by[column] == {*_CODED}  # f and m
        meaning = _CODED[value.casefold()] if coded else value.casefold()
        if not coded and (len(value) < 2 or value.casefold() in _COMMON or value.isdigit()):  # lab A
            parts = "|".join(re.findall(r"[^\W\d_]+", column))
            spelt = re.escape(value)
            before = rf"|(?<!\w)((?i:{spelt}))[- ](?i:{parts})\b" if len(value) > 1 else ""
            beside = rf"\b(?i:{parts})s? ({spelt})(?!\w){before}"
            named = re.finditer(beside, text) if parts else ()
            found += [Label(column, value, *m.span(m.lastindex or 0)) for m in named]
            alone = value.isupper() and value != "I" and sum(v == value for _, v in known) == 1
            letter = re.finditer(rf"(?<![\w'-]){value}(?![\w'-]|{_ARTICLE})", text) if alone else ()
            found += [Label(column, value, *m.span()) for m in letter]
            continue
        flags = re.I if len(value) >= 4 or coded else 0
        ending = "(?:s|es)?" if value[-1].isalpha() and len(value) >= 3 else ""
        begins, rest = f"{re.escape(value[0])}|{re.escape(value[0].upper())}", re.escape(value[1:])
        rest, ending = (f"{rest[:-1]}(?:y|ies)", "") if re.search("(?i)[a-z][^aeiou\\W]y$", value) else (rest, ending)
        spelt = _SEXES.get(meaning, f"(?:{begins}){rest}{ending}")
        for m in re.finditer(rf"(?<![\w])(?:{spelt})(?!\w)", text, flags):
            inside = any(f.start <= m.start() and m.end() <= f.end and f.value != value for f in found)
            if not inside:
                found.append(Label(column, value, m.start(), m.end()))
    spelt_out = [m for name in names for m in re.finditer(rf"(?<!\w){name}s?(?!\w)", text, re.I)]
    found = [
        f for f in found if not any(m.start() <= f.start and f.end < m.end() for m in spelt_out)
    ]  # a monthly budget
    if timed:
        found += [Label(YEAR, m[1], m.start(), m.end()) for m in _YEAR.finditer(text)]
    return tuple(sorted(found, key=lambda f: f.start))


_FROM_THERE = re.compile(r"\b(?:since|before|after|until|till|by|from|than|past|through|to|between)\s(?:the )?$", re.I)
_AND_ON = re.compile(r"\s(?:(?:or|and) (?:later|earlier|newer|older|after|before)|onwards?)\b|\+", re.I)


def begins_or_ends(text: str, label: Label) -> bool:
    """Whether a year only begins or ends the span that is meant: "since 2018" or "2018 or later"."""
    open_ended = _FROM_THERE.search(text[: label.start]) or _AND_ON.match(text[label.end :])
    return label.column == YEAR and bool(open_ended or _in_span(text, label))


_SPAN = re.compile(
    r"\b(?:between|from)\b[^\d.;]{0,40}(?:19|20)\d\d\b[^\d.;]{0,20}\b(?:and|to|until|till|through)\b[^\d.;]{0,40}"
    r"(?:19|20)\d\d\b",
    re.I,
)


def _in_span(text: str, label: Label) -> bool:
    """Whether a year is an end of a span from one year into another: from July 2021 to the end of June 2023."""
    return any(m.start() < label.start < m.end() for m in _SPAN.finditer(text))


_ARTICLE = r"(?<=A) (?!(?:at|is|was|has|had|and|or|with|by|to|on|in|than|vs|versus)\b)[a-z]"
"""What stands behind an A that names no group."""


def columns(text: str, tables: Tables) -> list[str]:
    """The columns all of whose telling words stand in a text."""
    said = roots(text)
    return [n for t in tables for c in t["columns"] if (w := telling(n := str(c["name"]))) and w <= said]


@lru_cache(maxsize=512)
def roots(text: str) -> frozenset[str]:
    """The stems of a text's words."""
    return frozenset(stem(w) for w in re.findall(r"[^\W\d_]+", text.casefold()))


def telling(column: str) -> set[str]:
    """The words of a column's name that are no unit."""
    parts = re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column))
    long = [p.casefold() for p in parts if len(p) > 1]
    return {stem(p) for p in long if p not in _UNIT_WORDS and not is_unit(p)} or {stem(p) for p in long}


def flags(text: str, tables: Tables) -> list[Label]:
    """The columns of yes and no that a text names as a verb does, "had left": their yes, or their no."""
    found, kin = list[Label](), lexicon.kin(False)
    every = [(m, stem(m[0].casefold())) for m in re.finditer(r"[^\W\d_]+", text)]
    for name, yes, no in yes_and_no(tables):
        wanted = telling(name)
        said = [(m, of) for m, root in every if (of := wanted & {root, *kin.get(root, ())})]
        if wanted and wanted == set[str]().union(*(of for _, of in said)):
            start = said[0][0].start()
            denied = re.search(r"\b(?:not|never|no|without|n't)\s+(?:\w+\s+){0,2}$", text[:start], re.I)
            found.append(Label(name, no if denied else yes, start, said[-1][0].end()))
    return found


def yes_and_no(tables: Tables) -> Iterator[tuple[str, str, str]]:
    """The columns of yes and no, with how they spell the two."""
    for column in (c for t in tables for c in t["columns"]):
        values = [str(v) for v in column.get("values") or ()]
        yes, no = ([v for v in values if v.casefold() in some] for some in (_YES, _NO))
        if len(values) == 2 and len(yes) == len(no) == 1:
            yield str(column["name"]), yes[0], no[0]


_KEY = re.compile(r"(?:^|[_ ])(?:id|key|code|no|nr|number)$|(?<=[a-z])I[Dd]$", re.I)


def is_key(column: str) -> bool:
    """Whether a column, by its name, holds the numbers by which things are told apart, and no amounts."""
    return _KEY.search(column) is not None


def keys(table: Mapping[str, Any]) -> set[str]:
    """The columns that number or name a table's rows, or its things: one text a row, or whole numbers without a gap."""

    def serial(column: Mapping[str, Any]) -> bool:
        low, high, many = column.get("min"), column.get("max"), int(column["n_unique"])
        whole = isinstance(low, int) and isinstance(high, int) and str(column["dtype"]).lower().startswith("int")
        return whole and 2 * many > table["rows"] and int(high or 0) - int(low or 0) < 1.05 * many

    once = {str(c["name"]) for c in table["columns"] if c["n_unique"] == table["rows"]}
    named = {str(c["name"]) for c in table["columns"] if is_key(str(c["name"])) or kind_of(str(c["dtype"])) == "text"}
    return once & named | {str(c["name"]) for c in table["columns"] if serial(c)}


_OF_EACH = re.compile(r"\b(?:per|each|every|an?|average|typical) (?:average |typical |single )?([^\W\d_]+)", re.I)


def repeated_in(text: str, tables: Tables) -> list[str]:
    """The keys of the things of which a text says that something is of each, "what a customer spends", and that stand
    in several rows of a table."""
    nouns = {stem(m[1].casefold()) for m in _OF_EACH.finditer(text)}
    every = [(str(c["name"]), c["n_unique"], t["rows"]) for t in tables for c in t["columns"]]
    return [name for name, many, rows in every if is_key(name) and nouns & telling(name) and 3 * many <= 2 * rows]


_YES, _NO = words("yes y true t 1 1.0"), words("no n false f 0 0.0")


@dataclass(frozen=True)
class Spoken:
    """A number of a text, and the values that the text says it is of."""

    figure: Figure
    labels: tuple[Label, ...]


def spoken(text: str, tables: Tables) -> Iterator[tuple[str, list[Spoken]]]:
    """Each sentence with its numbers, and the values, at most one a column, to which the sentence binds each."""
    for clause in sentences(text):
        named = labels(clause, tables)
        inside = [f for f in figures(clause) if not _YEAR.fullmatch(f.text) and not TIMES.match(f.after)]
        inside = [f for f in inside if not any(n.start <= f.start < n.end for n in named)]
        bound = {id(f): list[Label]() for f in inside}
        for column in dict.fromkeys(n.column for n in named):
            some = [n for n in named if n.column == column and not (column == YEAR and _in_span(clause, n))]
            now = column == YEAR and len({n.value for n in some}) == 1  # a change begins in another year
            for label, figure in _bound(some, [f for f in inside if not (now and f.starts)]):
                bound[id(figure)].append(label)
        found = [Spoken(f, tuple(bound[id(f)])) for f in inside]
        each = [n for n in named if n.column != YEAR and _EACH.search(clause)]
        if len(inside) == 1 and len(each) > 1 and len({n.column for n in each}) == 1:
            found = [Spoken(inside[0], (n,)) for n in each]
        yield clause, found


_EACH = re.compile(r"\b(?:both|each|either|all|alike)\b", re.I)
"""What says one number of several groups."""


def _bound(named: list[Label], inside: list[Figure]) -> Iterator[tuple[Label, Figure]]:
    """Which label belongs to which number: each stands next to its own, nearer than to another one's, or there are as
    many of both in their order."""
    order = sorted([*((n.start, n) for n in named), *((f.start, f) for f in inside)], key=lambda one: one[0])
    items = [item for _, item in order]
    pattern = "".join("L" if isinstance(item, Label) else "F" for item in items)
    near = [
        [(n, f) for f in items[max(0, at - 1) : at + 2] if isinstance(f, Figure)]
        for at, n in enumerate(items)
        if isinstance(n, Label)
    ]
    ways = [way for way in product(*near) if len({id(f) for _, f in way}) == len(way)] if 1 < len(near) < 9 else []
    if len(near) == 1 and len(near[0]) > 1:  # between two numbers it is of that one which is clearly the nearer
        (first, close), (_, other) = sorted(((pair, _apart(*pair)) for pair in near[0]), key=lambda one: one[1])
        yield from [first] if 2 * close < other else []
        return
    if ways:  # of "17 %: Blue 20 %, Red 14 %" the first is of all
        yield from min(ways, key=lambda way: sum(_apart(*pair) for pair in way))
    elif re.fullmatch(r"(?:LF)+F*|(?:FL)+F*", pattern) or (
        re.fullmatch(r"L+F+", pattern) and len(named) == len(inside)
    ):
        yield from zip(named, inside, strict=False)
    elif re.fullmatch(r"F+L", pattern):
        yield named[0], inside[-1]


def _apart(label: Label, figure: Figure) -> int:
    """How far a label and a number are apart in their sentence; a comma parts them more than words do."""
    start, end = (label.end, figure.start) if label.start < figure.start else (figure.end, label.start)
    return max(0, end - start) + 20 * bool(re.search(r"[,;:]", figure.clause[start:end]))
