"""What a report says of every row, group or step, of how many of the groups, of a mean of each, and of where a limit
lies, held against the input files and what cells printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from artifacts.types import Execution
from graphs.questions.reader.text import stem
from graphs.review import units
from graphs.review.facts import ALL, FALLS, RISES, Facts, Given, Kind, conditions_in, stands
from graphs.review.mentions import columns, flags, is_key, labels, levels, repeated_in
from graphs.review.prose.figures import COUNTED, Figure, figures, sentences, values
from graphs.review.prose.numbers import printed_numbers
from graphs.review.prose.orders import LESS, MORE, way_of
from graphs.review.prose.printed import by_period
from graphs.review.prose.said import statistic
from graphs.review.prose.verdicts import AT_LEAST, AT_MOST

_NOT_QUITE = re.compile(r"(?:\b(?:not|nearly|almost|practically|virtually|if|whether|hardly)\b|n['’]t)", re.I)
_ALL_ARE = re.compile(
    r"\b(?:all|each|every)(?: (?:one )?of)?(?: (?:the|our|its|their))?(?: (?P<many>\d[\d,]*))?(?P<noun> [^\W\d_]+) "
    r"(?:is|are|was|were|has|have|had|got|gets?)(?: been)?(?: an?| their| its)? (?P<so>[^\W\d_]+)",
    re.I,
)
_EACH_STEP = re.compile(
    r"\b(?:every|each)(?: single)? (quarter|month|week|year)\b|\b(quarter|month|week|year) (?:after|by) \2\b", re.I
)
_NARROWED = re.compile(
    r"\b(?:since|after that|before|until|from|but|except|apart|first|then|than|compared|against|same|other|"
    r"year[- ](?:on|over|earlier))\b",
    re.I,
)
"""What says of which steps a way is told, or that it is one from another time."""
_EVERY_OVER = re.compile(
    rf"\b(?:every|each|all|any)\b(?P<one>[^.;]*?)(?P<how>{MORE}|{LESS})(?: than)?(?: the)? (?:every|each|all|any)\b"
    r"(?P<other>[^.;]*)",
    re.I,
)
_MANY = "|".join(COUNTED)
_SO_MANY = re.compile(
    rf"\b(?P<some>{_MANY}|\d+) (?:out )?of (?:the |our |its )?(?P<all>{_MANY}|\d+) (?P<noun>[^\W\d_]+)", re.I
)
_AND_ON = re.compile(
    r"(?: [^\W\d_]+)? (?:or|and) (?:(?P<up>more|above|over|up)|(?P<down>less|fewer|under|below)|\w+er)\b"
)
_OF_SOME = re.compile(r"\b(?:who|whose|that|active|at least one|those|only|without|excluding|ever)\b", re.I)


def all_and_limits(text: str, given: Given, facts: Facts) -> Iterator[str]:
    """What is wrong with what a text says of all, of so many of all, and of limits."""
    for clause in sentences(text):
        yield from _lacking(clause, given)
        yield from _each_step(clause, given)
        yield from _every_over(clause, given, facts)
        yield from _so_many(clause, given, facts)
        yield from _other_limit(clause, given)
        yield from _mean_of_some(clause, text, given, facts)


def _lacking(clause: str, given: Given) -> Iterator[str]:
    """That all rows have what a column lacks in some: all 90 stays were rated."""
    for m in (m for m in _ALL_ARE.finditer(clause) if not _NOT_QUITE.search(clause[: m.start()])):
        many = int(m["many"].replace(",", "")) if m["many"] else None
        for base, table in given.tables.items():
            if many != table["rows"] and (many is not None or not given.of_rows(base, m["noun"])):
                continue
            for column in (c for c in table["columns"] if c.get("n_missing")):
                head = re.findall(r"[^\W\d_]+", str(column["name"]).casefold())[-1:]
                if [stem(word) for word in head] == [stem(m["so"].casefold())]:
                    lacking = f"{column['n_missing']:,} of the {table['rows']:,} rows lack {column['name']}"
                    yield f"“{m[0]}” is said, and {lacking}"


def _each_step(clause: str, given: Given) -> Iterator[str]:
    """That something went one way at every step, and no column printed by such steps did."""
    step, goes = _EACH_STEP.search(clause), way_of(clause, RISES, FALLS)
    if step is None or goes is None or _NOT_QUITE.search(clause) or _NARROWED.search(clause):
        return
    every = [c for c in by_period(given.shown, str(step[1] or step[2]).lower()) if len(c) > 3]
    if every and not labels(clause, given.list) and not any(_goes(column, goes == "up") for column in every):
        yield f"“{step[0]}” is said, and no column that was printed goes {goes} all along"


def _goes(column: Sequence[float | None], up: bool) -> bool:
    """Whether numbers go one way, but for the first and the last, which may be of a part; or differences have one
    sign."""
    if column[0] is None:
        return all(v is None or (v > 0) is up for v in column)
    known = [v for v in column if v is not None]
    return any(
        len(some) > 1 and all((b > a) is up for a, b in pairwise(some) if a != b)
        for some in (known, known[1:], known[:-1], known[1:-1])
    )


def _every_over(clause: str, given: Given, facts: Facts) -> Iterator[str]:
    """That every row of one group has more than any of another one, and their ends say otherwise."""
    m = _EVERY_OVER.search(clause)
    parts = (m["one"], m["other"]) if m is not None else ()
    sides = [{(c, v) for c, v in levels(given.list) if _speaks(part, v)} for part in parts]
    if m is None or any(len(side) != 1 for side in sides) or _NOT_QUITE.search(clause):
        return
    (one,), (other,) = sides
    if _narrowed(clause, one[0], given):
        return
    up = way_of(m["how"], MORE, LESS) == "up"
    ends = list[tuple[str, float, float]]()
    for kind in (k for k in facts.values if k.op == ("min" if up else "max") and stands(k.of, given.code)):
        lower = facts.of(kind, frozenset([one]))
        upper = facts.of(Kind(kind.table, "max" if up else "min", kind.of), frozenset([other]))
        ends += [(kind.of, lower, upper)] if lower is not None and upper is not None else []
    if one[0] == other[0] and ends and not any((a > b) if up else (a < b) for _, a, b in ends):
        column, a, b = ends[0]
        apart = f"{column} of {one[1]} goes {'down' if up else 'up'} to {a:g}, that of {other[1]} to {b:g}"
        yield f"“{m[0].strip()[:60]}” is said, and {apart}"


def _narrowed(clause: str, column: str, given: Given) -> bool:
    """Whether a sentence names values of other columns than this one."""
    return any(n.column != column for n in (*labels(clause, given.list), *flags(clause, given.list)))


def _speaks(text: str, value: str) -> bool:
    """Whether a text names a value, or what is of it: Brazilian."""
    return len(value) > 3 and re.search(rf"(?<!\w){re.escape(value)}(?:i?an|n|ese|s)?(?!\w)", text, re.I) is not None


def _limit(figure: Figure) -> bool | None:
    """Whether a number is said to be the least of something, or, where that is False, the most; None where neither."""
    if on := _AND_ON.match(figure.after):
        return True if on["up"] else False if on["down"] else None
    if AT_LEAST.search(figure.before):
        return True
    return False if AT_MOST.search(figure.before) else None


def _so_many(clause: str, given: Given, facts: Facts) -> Iterator[str]:
    """That so many of all groups are beyond a limit, and another number of them is."""
    m, op = _SO_MANY.search(clause), statistic(clause)
    limits = [f for f in figures(clause) if m is not None and f.start > m.end() and _limit(f) is not None]
    if m is None or len(limits) != 1 or not op or _NOT_QUITE.search(clause):
        return
    some, whole = (COUNTED.index(n.lower()) if n.lower() in COUNTED else int(n) for n in (m["some"], m["all"]))
    (limit,), said = limits, columns(clause, given.list)
    for column in columns(m["noun"], given.list):
        if _narrowed(clause, column, given):
            continue
        kinds = [k for k in facts.values if k.op in op and k.of in said and k.of != column and not k.repeated]
        kinds = [k for k in kinds if not given.kept(k.table)]  # of which rows it is, is not certain
        for by in (by for rest, by in facts.series(column, kinds) if rest == ALL and len(by) == whole):
            over = [sum(v > limit.value for v in by.values()), sum(v >= limit.value for v in by.values())]
            right = over if _limit(limit) else [whole - n for n in over]
            if some not in right:
                yield f"“{m[0]}” is said, and it is {right[0]} of {whole}"


def _other_limit(clause: str, given: Given) -> Iterator[str]:
    """That rows are told apart by another limit than the one by which the cell did that printed their numbers."""
    for f in (f for f in figures(clause) if not f.share and (_limit(f) is not None or _AND_ON.match(f.after))):
        exact = [g for g in figures(clause) if g.digits > 2 and not g.whole and g is not f]
        for base, table in given.tables.items():
            for column in (c for c in columns(clause, [table]) if given.kinds[base].get(c) == "number"):
                cuts = [x for x in given.shown if _cuts(x, column) and _printed_in(x, exact)]
                limits = {abs(v) for x in cuts for v in _cuts(x, column)}
                known = {*values(given.code), *(v for x in given.shown for v in printed_numbers(x))}
                factor = units.factor(column, f.told_in) or 1.0
                near = any(abs(v * factor - g.value) <= 1 for v in limits for g in figures(clause))
                if limits and f.value not in known and not near:
                    cut = " and ".join(f"{v:g}" for v in sorted(limits))
                    yield f"{f.text} is told as a limit of {column}, and the cell parts its rows at {cut}"


def _cuts(cell: Execution, column: str) -> list[float]:
    """The numbers with which a cell compares a column."""
    return [float(c.right) for c in conditions_in(cell.code, [column]) if isinstance(c.right, (int, float))]


def _printed_in(cell: Execution, told: Sequence[Figure]) -> bool:
    known = printed_numbers(cell)
    return any(f.is_near(v) for f in told for v in known)


def _mean_of_some(clause: str, text: str, given: Given, facts: Facts) -> Iterator[str]:
    """That what those have on average who have any is told of each, where a table holds others who have none."""
    told = {f.value for f in figures(text)}
    for base, table in given.tables.items():
        for key in repeated_in(clause, [table]) if not _OF_SOME.search(clause) else ():
            some = next(int(c["n_unique"]) for c in table["columns"] if c["name"] == key)
            holders = [t["rows"] for name, t in given.tables.items() if name != base and key in given.unique[name]]
            every = max(holders, default=0)
            if every <= some or told & {some, every - some} or not is_key(key):
                continue
            kinds = [k for k in facts.values if k.table == base and k.op in ("count", "sum") and not k.repeated]
            for total in filter(None, (facts.of(k) for k in kinds)):
                for f in (f for f in figures(clause) if not f.whole and f.digits > 1 and not f.share):
                    if f.is_near(total / some) and not f.is_near(total / every):
                        yield f"{f.text} is the mean of the {some:,} of {every:,} only that stand in {base}"
