"""Questions with one closed answer, read by a grammar: measure, aggregate, group, conditions, order and limit.

Every word must be explained by a column, a value, a number or a word that the grammar knows. Otherwise, and wherever
two readings fit, there is a reason in place of an answer: a refusal costs the reader a minute, a wrong number the
decision.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from graphs.models.playbook import vocabulary as known
from graphs.models.playbook.conditions import NotClear, Table
from graphs.models.playbook.facts import YES, File
from graphs.models.playbook.mentions import Item, Reader, parts
from graphs.models.playbook.parsing import FLOW, Asked, Parse
from graphs.models.playbook.shares import difference, share

__all__ = ["Asked", "Refused", "questions", "understand"]

_OPENING = "what|which|why|how|who|when|where|does|do|did"
_NEXT = rf",?\s+(?:and|or|but)\s+(?:also\s+)?(?=(?:{_OPENING})\b)|,\s+(?=(?:what|why|how|does|do|did)\b)"
_BACK = re.compile(r"\b(it|its|they|them|their|that one|this one|he|she|his|her)\b", re.I)
_TODAY = re.compile(
    r"\b((last|this|past|previous|current) (\d+ |few |two |three )?(year|quarter|month|week|day)s?|today|yesterday|"
    r"year to date|ytd)\b",
    re.I,
)
_BOUND = re.compile(
    r"\b(average|mean|median|total|sum|number|share|percentage)\b.*\b(above|below|over|under|than)\s+\d", re.I
)
_YES_NO = re.compile(r"\W*(do|does|did|is|are|was|were|has|have|can|could|will|would|should|why|if)\b", re.I)


@dataclass(frozen=True)
class Refused:
    """A closed question that is not answered, and why, as the end of a sentence."""

    why: str


def questions(text: str) -> list[str]:
    """The single questions of a text; "… in first class, and why?" holds two."""
    found = list[str]()
    for sentence in re.split(r"[?!;]+\s*|\.\s+(?=[A-Z])", text):
        parts_of = re.split(_NEXT, sentence, flags=re.I)
        found += [p.strip(" ,.") for p in parts_of if p and p.strip(" ,.")]
    return found


def understand(
    question: str, file: File, roles: Mapping[str, str] | None = None, *, follows: bool = False
) -> Asked | Refused | None:
    """A question put to one table, as something that can be computed; or why it cannot. None: it is not closed.

    `follows` says that another question stands before it, whose answer a word such as "it" may mean.
    """
    question = question.strip().rstrip("?.! ")
    table = Table(file, (roles or {}).get("time", ""))
    if _YES_NO.match(question) and not re.match(r"\W*(can|could) you\b", question, re.I):
        return Refused("it asks for yes or no; ask for the number itself") if _BOUND.search(question) else None
    closed = bool(known.CLOSED.search(question)) and not known.OPEN.search(question)
    back = _BACK.search(question) if follows else None
    try:
        asked = _first(Parse(question, table))
    except NotClear as unclear:
        if known.OPEN.search(question):
            return None
        if known.FOREIGN.search(question):
            return Refused("I read questions in English only")
        if today := _TODAY.search(question):
            return Refused(
                f"“{today[0]}” is counted from today, and the table may end long before; name the time itself"
            )
        if meant := _respelled(question, table):
            return Refused(f"some of its words are unknown to me, and “{meant}” may be meant")
        return Refused(str(unclear)) if closed else None
    return Refused(f"I do not see what “{back[1]}” stands for; ask it by its name") if back else asked


def _respelled(question: str, table: Table) -> str:
    """The question with its unknown words as the nearest that are known, where that can be answered; else nothing."""
    columns = {w for c in table.file.columns for w in parts(c.name)}
    values = {w for c in table.file.columns for v in c.values for w in v.lower().split()}
    said = {w for phrase in (*known.AGGREGATES, *known.SUPERLATIVES, *known.GRAINS) for w in phrase.split()}
    words = sorted(w for w in columns | values | said | {"what", "which", "where"} if len(w) > 3)
    better = question
    for item in Reader(table.file).read(question):
        near = difflib.get_close_matches(item.text.lower(), words, 1, 0.8) if item.kind == "U" else []
        if near:
            better = re.sub(rf"\b{re.escape(item.text)}\b", near[0], better, count=1)
    try:
        return better[:1].upper() + better[1:] if better != question and _first(Parse(better, table)) else ""
    except NotClear:
        return ""


def _first(parse: Parse) -> Asked:
    """What the first pattern that fits makes of it. Raises NotClear where none does."""
    if any(i.kind == "A" and i.value == "share" for i in parse.items):
        return parse.noted(share(parse))
    if any(i.kind == "A" and i.value == "difference" for i in parse.items) or "hZ" in parse.kinds:
        return parse.noted(difference(parse))
    for pattern, make in _PATTERNS:
        match = re.fullmatch(pattern, parse.kinds)
        if match and (found := make(parse, match)) is not None:
            return parse.noted(found)
    raise NotClear("its words are known to me, but not this way of putting them together")


type _Make = Callable[[Parse, re.Match[str]], Asked | None]
_PATTERNS: list[tuple[str, _Make]] = []


def _pattern(*texts: str) -> Callable[[_Make], _Make]:
    """Enter a function as the maker of what fits one of these patterns; the first that fits is taken."""

    def enter(make: _Make) -> _Make:
        _PATTERNS.extend((text, make) for text in texts)
        return make

    return enter


@_pattern(r"WcKSM", r"Wc?S?M", r"WcSM")
def _most_missing(parse: Parse, match: re.Match[str]) -> Asked:
    return Asked("most missing", order="highest", limit=1)


@_pattern(r"nc")
def _width(parse: Parse, match: re.Match[str]) -> Asked:
    return Asked("columns")


@_pattern(r"nME*")
def _missing_cells(parse: Parse, match: re.Match[str]) -> Asked:
    if parse.where:
        raise NotClear("it does not say in which column a value is missing")
    return Asked("missing")


@_pattern(r"(?:h)?nE*", r"nE*B(?P<by>[CGYE])E*", r"(?P<by>[CGYE])n", r"nE*(?P<in>I)")
def _count(parse: Parse, match: re.Match[str]) -> Asked | None:
    entities = [i for i in parse.rest if i.kind == "E"]
    named = match.groupdict().get("by")
    amounts = [c.name for c in parse.table.file.columns if set(parts(c.name)) & {"quantity", "qty", "units"}]
    if amounts and not entities and any(f[1] in ("=", "in") for f in parse.where) and not named:
        raise NotClear(f"it may ask for the number of rows or for the total of {amounts[0]}")
    if named:
        parse.only_rows([i for i in entities if i is not parse.at(match, "by")])
        by, grain = parse.group(parse.at(match, "by") or parse.rest[-1])
        parse.counted_by(by, grain)
        return Asked("count", by=by, grain=grain, where=parse.filters(), order="highest")
    if not entities and not parse.where:
        return None
    keyed = next((i for i in entities if i.value == "id"), None)
    if keyed is not None:
        name = parse.table.pick(keyed)
        if not parse.is_row_name(name):
            return Asked("distinct", name, where=parse.filters())
    elif entities and entities[0].value == "one":
        parse.notes.append(f"Each row is taken for one of the {entities[0].text.lower()}.")
    both = [i for i in parse.items if i.kind == "F" and i.unit == "and" and i.value[0][1] == "in"]
    if both:
        return Asked("count", by=both[0].value[0][0], where=parse.filters(), order="highest")
    return Asked("count", where=parse.filters())


@_pattern(r"n?d(?P<c>[CYGE])E*", r"n(?P<c>[CYG])E*", r"[dW]d?(?P<c>C)(?P<list>E*)")
def _distinct(parse: Parse, match: re.Match[str]) -> Asked | None:
    item = parse.at(match, "c")
    assert item is not None
    if item.kind == "G":
        by, grain = parse.group(item)
        return Asked("distinct", by, grain=grain.removesuffix(" of year"), where=parse.filters())
    name = parse.table.pick(item)
    column = parse.table.column(name)
    if "d" not in parse.kinds and column.is_number and column.n_unique > 20:
        raise NotClear(f"“how many {item.text}” may be the rows, the different values of {name} or their total")
    if parse.kinds.startswith("n") or "d" in parse.kinds:
        return Asked("distinct", parse.told(item, name), where=parse.filters())
    if re.search(r"\b(there|exist|occur)\b", parse.question, re.I):
        return Asked("distinct", parse.told(item, name), where=parse.filters())
    return None


@_pattern(r"W?(?P<c>[CYG])o", r"W?o(?P<c>[CYG])E*")
def _mode(parse: Parse, match: re.Match[str]) -> Asked:
    item = parse.at(match, "c")
    assert item is not None
    by, grain = parse.group(item)
    rare = any(i.kind == "A" and i.value == "rarest" for i in parse.rest)
    return Asked("count", by=by, grain=grain, where=parse.filters(), order="lowest" if rare else "highest", limit=1)


@_pattern(r"k(?P<a>[CY])(?P<b>[CY])", r"W?k(?P<a>[CY])(?P<b>[CY])E*")
def _correlation(parse: Parse, match: re.Match[str]) -> Asked:
    a, b = parse.at(match, "a"), parse.at(match, "b")
    assert a is not None
    assert b is not None
    pair = parse.number(a), parse.number(b)
    if pair[0] == pair[1]:
        raise NotClear("it names one column twice")
    return Asked("correlation", *pair, where=parse.filters())


@_pattern(
    r"(?P<y>Y)rE*",
    r"a?r(?P<y>Y)E*",
    r"a?(?P<y>Y)r(?:B|E)*(?P<by>[CGYE])E*",
    r"a(?P<y>Y)r?E*",
    r"W(?P<by>[CGYE])E*(?P<s>S)a?(?P<y>Y)r",
    r"W(?P<by>[CGYE])E*a?(?P<y>Y)r(?P<s>S)",
    r"(?P<s>S)a?(?P<y>Y)rB(?P<by>[CGYE])E*",
)
def _rate(parse: Parse, match: re.Match[str]) -> Asked:
    """The rate of a column of yes and no is the share of its yes."""
    item = parse.at(match, "y")
    assert item is not None
    name = parse.told(item, parse.table.pick(item))
    yes = next((v for v in parse.table.column(name).values if v.lower() in YES), "True")
    named = match.groupdict()
    by, grain = parse.group(parse.at(match, "by") or item) if named.get("by") else ("", "")
    ranked = parse.at(match, "s") if named.get("s") else None
    order = str(ranked.value[0]) if ranked else "highest" if by else ""
    both = [i for i in parse.items if i.kind == "F" and i.unit == "and" and i.value[0][1] == "in"]
    if both and not by:
        by, order = both[0].value[0][0], "highest"
    return Asked(
        "share",
        by=by,
        grain=grain,
        hits=[[name, "=", yes]],
        where=parse.filters(),
        order=order,
        limit=1 if ranked else 0,
    )


@_pattern(
    r"h?E*(?P<a>a)n?E*(?P<c>[C])E*",
    r"h?E*(?P<c>[C])E*(?P<a>a)",
    r"(?P<a>h)E*(?P<c>[C])E*",
    r"h?E*(?P<a>a)n?E*(?P<c>C)E*B(?P<by>[CGYE])E*",
    r"B(?P<by>[CGYE])(?P<a>a)(?P<c>C)E*",
    r"(?P<by>[CGY])(?P<a>a)(?P<c>C)E*(?P<never>I)",
)
def _aggregate(parse: Parse, match: re.Match[str]) -> Asked | None:
    item, said = parse.at(match, "c"), parse.at(match, "a")
    assert item is not None
    assert said is not None
    measure = parse.number(item)
    if said.text.lower() == "how much" and not set(parts(measure)) & FLOW:
        raise NotClear(f"“how much” may ask for the total of {measure}, for its mean or for one value")
    per = parse.at(match, "by") if match.groupdict().get("by") else None
    if per is not None and per.kind == "E" and all(parse.is_row_name(c) for c in per.columns):
        per = None  # per order, where each row is an order
    by, grain = parse.group(per) if per is not None else ("", "")
    both = [i for i in parse.items if i.kind == "F" and i.unit == "and" and i.value[0][1] == "in"]
    if both and not by:
        by = both[0].value[0][0]
    if by and not grain and parse.table.column(by).n_unique > 60 and not parse.table.column(by).is_time:
        raise NotClear(
            f"{by} has too many values for a number each, and “per” may mean the total divided by their count"
        )
    return Asked(str(said.value), measure, by=by, grain=grain, where=parse.filters(), order="highest" if by else "")


@_pattern(
    r"W?(?P<s>S)E*(?P<c>C)E*",
    r"(?P<c>C)(?P<s>S)E*",
    r"(?P<s>S)E*",
)
def _extreme(parse: Parse, match: re.Match[str]) -> Asked | None:
    ranked, item = parse.at(match, "s"), parse.at(match, "c") if "c" in match.groupdict() else None
    assert ranked is not None
    row = next((i for i in parse.rest if i.kind == "E"), None)
    if item is None:
        if not ranked.value[1] or ranked.value[1] == ("TIME",):
            return None
        measure = parse.own(ranked)
        if not re.match(r"\W*how\b", parse.question, re.I):
            return parse.row(measure, ranked, row)
    elif all(parse.table.column(c).is_number or parse.table.column(c).is_time for c in item.columns):
        measure = parse.told(item, parse.table.pick(item, "number", "time"))
        about = ranked.value[1]
        turned = match.start("c") < match.start("s")
        if about != ("TIME",) and not set(parts(measure)) & set(about) and (about or turned):
            raise NotClear(f"it asks for the {measure} of one row, and not for its highest or lowest")
        place = parse.items.index(item)
        if row is not None and parse.items[place + 1 : place + 2] == [row]:
            return parse.row(measure, ranked, row)  # the highest rated film
    elif ranked.value[1] and ranked.value[1] != ("TIME",) and parse.is_row_name(parse.table.pick(item)):
        return parse.row(parse.own(ranked), ranked, item)
    else:
        return None
    if (
        ranked.value[0] == "highest"
        and ranked.text.lower() == "most"
        and item is not None
        and parse.kinds.startswith("W")
    ):
        return None
    return Asked("max" if ranked.value[0] == "highest" else "min", measure, where=parse.filters())


@_pattern(
    r"W?(?P<by>[CGYE])E*(?P<s>S)(?P<a>[an])?n?E*(?P<c>C)?E*",
    r"W?(?P<s>S)(?P<by>[CGY])E*(?P<a>a)",
    r"W?(?P<by>[CGYE])E*(?P<a>a)?(?P<c>C)E*(?P<s>S)",
    r"W?(?P<by>[CGYE])E*(?P<s>S)(?P<c>C)(?P<a>a)",
    r"W?(?P<by>[CGYE])(?P<c>C)(?P<s>S)(?P<a>a)",
    r"W?(?P<s>S)(?P<a>a)(?P<c>C)E*B(?P<by>[CGYE])",
    r"W?(?P<s>S)(?P<by>[CG])E*",
    r"W(?P<by>[CG])E*(?P<s>S)E*(?P<c>C)",
)
def _which(parse: Parse, match: re.Match[str]) -> Asked | None:
    by_item, ranked = parse.at(match, "by"), parse.at(match, "s")
    assert by_item is not None
    assert ranked is not None
    return _ranking(parse, by_item, ranked, parse.at(match, "a"), parse.at(match, "c"), 1)


@_pattern(
    r"(?:W)?(?P<s>S)(?P<n>N)(?P<by>[CGYE])E*B(?P<a>[an])?E*(?P<c>C)?E*",
    r"W?(?P<n>N)(?P<s>S)(?P<by>[CGE])E*(?:B(?P<a>[an])?E*(?P<c>C))?",
    r"W?(?P<n>N)(?P<by>[CGYE])E*(?P<s>S)(?P<a>[an])?n?E*(?P<c>C)?E*",
    r"W(?P<s>S)(?P<n>N)(?P<by>[CGYE])E*B(?P<a>[an])?E*(?P<c>C)?E*",
)
def _top(parse: Parse, match: re.Match[str]) -> Asked | None:
    by_item, ranked, count = parse.at(match, "by"), parse.at(match, "s"), parse.at(match, "n")
    assert by_item is not None
    assert ranked is not None
    assert count is not None
    return _ranking(parse, by_item, ranked, parse.at(match, "a"), parse.at(match, "c"), int(count.value))


def _ranking(
    parse: Parse, by_item: Item, ranked: Item, said: Item | None, item: Item | None, limit: int
) -> Asked | None:
    """The groups or rows that come first: by a count, by an aggregate of a measure, or by the measure itself."""
    order = str(ranked.value[0])
    if ranked.value[1] == ("TIME",):
        raise NotClear(f"“{ranked.text}” does not fit with the words around it")
    if by_item.kind == "E" and (not by_item.columns or parse.is_row_name(by_item.columns[0])):
        by, grain = parse.label(by_item), ""
    else:
        by, grain = parse.group(by_item)
    if item is not None and set(item.columns) == {by}:
        item = None  # the year in which the most films were released
    rows = [i for i in parse.rest if i.kind == "E" and i is not by_item]
    counted = item is None and (
        said.value == "count" if said is not None else bool(rows or parse.of_kind()) and not ranked.value[1]
    )
    if counted and said is None and ranked.text.lower() not in ("most", "fewest", "least"):
        return None
    if counted:
        parse.only_rows(rows)
        parse.counted_by(by, grain)
        return Asked("count", by=by, grain=grain, where=parse.filters(), order=order, limit=limit)
    if item is not None:
        measure = parse.number(item)
    elif ranked.value[1]:
        measure = parse.own(ranked)
    elif said is not None:
        measure = parse.only_number()
    else:
        raise NotClear("it does not say by what")
    if measure == by:
        raise NotClear(f"it would rank {by} by itself")
    if said is not None and said.value not in ("count", "distinct"):
        return Asked(str(said.value), measure, by=by, grain=grain, where=parse.filters(), order=order, limit=limit)
    if not grain and parse.is_row_name(by):
        return Asked("row", measure, where=parse.filters(), order=order, limit=limit, named_by=by)
    if grain == "day":
        return Asked(
            "sum" if set(parts(measure)) & FLOW else "mean",
            measure,
            by=by,
            grain=grain,
            where=parse.filters(),
            order=order,
            limit=limit,
        )
    kind = parse.kind_of_sum(measure, ranked.text.lower())
    return Asked(kind, measure, by=by, grain=grain, where=parse.filters(), order=order, limit=limit)


@_pattern(r"HE*(?P<s>S)E*(?P<c>C)?E*", r"H(?P<c>C)(?P<s>S)", r"WE+(?P<s>S)E*(?P<c>C)?E*", r"W(?P<s>S)E+(?P<never>I)?")
def _who_or_when(parse: Parse, match: re.Match[str]) -> Asked | None:
    ranked, item = parse.at(match, "s"), parse.at(match, "c")
    assert ranked is not None
    if ranked.value[1] == ("TIME",):
        if parse.rest[0].text.lower() != "when" or item is not None:
            return None
        return Asked("max" if ranked.value[0] == "highest" else "min", parse.table.time(), where=parse.filters())
    measure = parse.number(item) if item is not None else parse.own(ranked)
    if parse.rest[0].text.lower() == "when":
        named_by = parse.table.time()
    else:
        named_by = parse.label(next((i for i in parse.rest if i.kind == "E" and i.columns), None))
    return Asked("row", measure, where=parse.filters(), order=str(ranked.value[0]), limit=1, named_by=named_by)
