"""The check of numbers: each that a reader reads is a value of the answer, or was put out by a cell."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise, permutations

from artifacts.types import FINDING_MIME, Execution, Objection
from graphs.review import units
from graphs.review.answering import half
from graphs.review.base import Found, Work, check
from graphs.review.mentions import TIMES, Tables, labels, last_year
from graphs.review.prose.figures import (
    IS_POINTS,
    MONTH,
    PERCENT,
    POINTS,
    Figure,
    counted,
    figures,
    sentences,
    totals,
    values,
)
from graphs.review.prose.printed import By, numbered, printed_tables
from graphs.review.syntax import assigned, calls, name_of, names, parsed, trees

_FREE = {50.0, 90.0, 95.0, 99.0, 100.0, 0.05, 0.01, 0.001, 0.95}
"""Conventions that no cell prints: levels of confidence and significance, whole and half."""
_COUNTABLE = 12
"""Whole numbers up to this one are counted by eye ("2 of 3 groups") and trace to no single output."""
_SHOWN = ("print", "display", "Markdown", "HTML", "DataFrame", "Series")
_MARKUP = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.S | re.I)
_P = re.compile(r"\b[pq](?:[ -]?values?)?\s*(?P<sign>[=<≤]|of|below|under)\s*$", re.I)
_OF = re.compile(r"\s?%?\s?(?:of|among)\b", re.I)
"""What follows a part of things, and no change."""
_PER_CENT = re.compile(r"%|\b100\b|normalize|pct|per_?cent|share|rate", re.I)
"""What is in a cell that computes parts in per cent, or in what it prints."""
_CHANCE = re.compile(r"guess|by chance|coin|random", re.I)
_ASIDE = re.compile(r"(?: [^\W\d_]+){0,3} ?[(,] ?(?:or |i\.e\. |about |some |roughly )?")
"""What stands between a count and the part of a whole that it is: 52 "members (" 29 %."""
_POINTS = re.compile(rf"{POINTS}|\bpoints?\b", re.I)
_SHARES = re.compile(rf"{PERCENT}|{POINTS}|\bpoints\b", re.I)


@check("numbers")
def numbers(work: Work) -> Iterator[Found]:
    """Every number in the answer and the headline findings was put out by a cell or is computed again by its query."""
    cells = [x for x in work.view.executions if {"describe", "open"}.isdisjoint(x.tags)]  # those show some rows
    known = [v for x in cells for v in printed_numbers(x)]
    queried = (v.value for a in work.report.answers for v in a.values if v.query or a.query)
    again = [float(v) for v in queried if isinstance(v, (int, float))]  # those are computed again
    known += again
    rows = {t["rows"] for t in work.tables}
    known += [float(n - v) for n in rows for v in known if v == int(v) and 0 < v < n]  # those that were left out
    settings = [*_settings(work), *_counts(work), *values(work.view.run.goal), *values(work.given)]
    carried = [f.model_dump(include={"effect", "test", "n", "params"}) for f in work.view.findings]
    known += values(str([*carried, *(f.text for f in work.view.findings)]))
    tables = list(printed_tables(work.written, work.tables))
    shares = [*(v for v in known if abs(v) < 3), *again, *values(str(carried))]
    for cell in cells:  # of a part in per cent only what may be one
        shares += printed_numbers(cell) if _PER_CENT.search(f"{cell.code}\n{cell.text}") else totals(shown(cell))
    told = work.report.answer.removeprefix(work.given)
    lines = [[by for by in t if {*by.values()} <= {*known}] for t in numbered(work.written)]  # not what was typed
    groups = {f.clause: [*_groups(f.clause, tables, work.tables), *_lines(f.clause, lines)] for f in figures(told)}
    loose = _loose(told, known, shares, settings, groups, [float(n) for n in rows if n])
    loose = [f for f in loose if (f.clause, f.start) not in work.recomputed]
    last = (last_year(work.tables) or 0) if work.tables else 9999  # a year beyond is none of these data
    years = [f for f in loose if _YEAR.fullmatch(f.text) and _WHEN.search(f.before) and not units.of_text(f.after)]
    loose = [f for f in loose if not (f in years and f.value > last)]
    if loose:
        told = ", ".join(dict.fromkeys(f.text for f in loose))
        yield Objection(
            where="answer",
            problem=f"{told} is in no cell's output, in no finding and is no value of the answer.",
            mend="Use the numbers as the cells give them, or have a cell compute this one.",
        )


@check("points", "Say percentage points, or tell the change as a part of what it was before.")
def points(work: Work) -> Iterator[Found]:
    """No difference of two shares is told in per cent of the first: from 10 to 15 % are 5 points, or 50 %."""
    for sentence in sentences(work.said):
        told = [f for f in figures(sentence) if f.share and not IS_POINTS.match(f.after)]
        ends = [f for f in told if f.starts or re.search(r"\bto $", f.before)]
        changes = [f for f in told if _BY.search(f.before)]
        for (old, new), change in ((pair, c) for pair in permutations(ends, 2) for c in changes):
            apart = abs(new.value - old.value)
            if old.starts and change.is_near(apart) and old.value and not change.is_near(100 * apart / old.value):
                yield "answer", f"{change.text} is the difference of {old.text} and {new.text} in percentage points."


_BY = re.compile(r"\bby (?:about |some |roughly |around |only |just )?$", re.I)


# What is known.


def printed_numbers(cell: Execution) -> list[float]:
    """The numbers that a cell put out, without those that stand in its code as such: typed, and not computed."""
    text = shown(cell)
    left = Counter(values(text))
    if "code" in cell.tags and (tree := parsed(cell.code)) is not None:
        left.subtract(Counter(v for typed in _typed(tree) for v in _long(typed)))
    return [v for v, many in left.items() if many > 0] + totals(text)


def shown(cell: Execution) -> str:
    """What a cell put out, as a reader sees it, without the sentences of its own findings, which are being checked."""
    seen = (o for o in cell.outputs if FINDING_MIME not in o.data)
    return "\n".join(f"{o.text}\n{_MARKUP.sub(' ', str(o.data.get('text/html', '')))}" for o in seen)


def _typed(tree: ast.Module) -> Iterator[ast.Constant]:
    """The numbers and texts that a cell shows as they were typed: in what is printed, or in a text or a table that is
    shown or under a name with which nothing is computed. They are as often in its output as there."""
    work = (ast.BinOp, ast.Compare, ast.Slice, ast.keyword, ast.UnaryOp)
    used = {n for part in ast.walk(tree) if isinstance(part, work) for n in names(part)}
    parts: list[ast.AST] = [a for c in calls(tree) if name_of(c) in _SHOWN for a in c.args]
    parts += [value for targets, value in assigned(tree) if not targets & used]
    while parts:
        part = parts.pop()
        if isinstance(part, ast.Constant):
            yield part
        elif isinstance(part, (ast.JoinedStr, ast.Dict, ast.List, ast.Tuple, ast.UnaryOp)):
            parts += ast.iter_child_nodes(part)


def _long(constant: ast.Constant) -> Iterator[float]:
    """The numbers of more than two digits in a constant that are no convention."""
    text = str(constant.value)
    yield from (v for v in values(text) if v not in _FREE and len(re.sub(r"\D", "", text)) > 2)


def _settings(work: Work) -> Iterator[float]:
    """Numbers that the code works with: limits, sizes, levels. They are so because the code says so."""
    for _, tree in trees(work):
        told = (n for c in calls(tree) if name_of(c) in ("report", "answer") for n in ast.walk(c))
        shown_here = {*map(id, _typed(tree)), *map(id, told)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and id(node) not in shown_here and node.value not in (0, 1):
                yield from values(str(node.value))


def _counts(work: Work) -> Iterator[float]:
    """How many rows, columns and values the given tables have, and the years and whole numbers that columns reach."""
    for table in work.tables:
        yield from (float(table["rows"]), float(len(table["columns"])))
        for column in table["columns"]:
            missing = column.get("n_missing", 0)
            yield from map(float, (column["n_unique"], missing, table["rows"] - missing))
            ends = [str(column.get(k, "")) for k in ("min", "max")]
            found = [int(m[0]) for e in ends if (m := re.match(r"(?:19|20)\d\d(?=-|$)", e))]
            yield from map(float, range(found[0], found[1] + 1) if len(found) == 2 else found)


# What is claimed.


Exact = tuple[float, float]
"""A number and what it may be off, having been rounded."""


def _loose(
    text: str,
    known: list[float],
    shares: list[float],
    settings: list[float],
    groups: Mapping[str, list[list[Exact]]],
    rows: Sequence[float],
) -> list[Figure]:
    """The numbers of a text that trace to nothing, nor follow from two others of their sentence that do, as they are
    told or as they were before they were rounded, nor from those printed of the groups that it names, nor are the part
    of all rows, or of a number told, that the one before them is."""
    every = figures(text)
    # Parts in per cent of so few digits that many a number of euros or of days happens to be near
    few = [f for f in every if f.share and f.digits < 3 and not IS_POINTS.match(f.after) and f.unit != "pp"]
    loose = [f for f in every if not _is_free(f) and not _traces(f, shares if f in few else known, settings)]
    clauses = list(dict.fromkeys(f.clause for f in every))
    near = {c: clauses[max(0, at - 2) : at + 1] for at, c in enumerate(clauses)}  # what it compares may stand before it

    def nearest(g: Figure) -> float:
        return min((abs(v) for v in known if g.is_near(v)), key=lambda v: abs(v - g.value), default=g.value)

    def made(f: Figure) -> bool:
        beside = [g for g in every if g not in loose and g.clause in near[f.clause]]
        shares, plain = ([g.value for g in beside if g.share is share] for share in (True, False))
        if any(f.is_near(v * p / 100) for v in plain for s in shares for p in (s, 100 - s)):
            return True  # what 15 % of 12 kg are, or what is left of them
        parts = [g for g in beside if f.share and g.whole and g.clause == f.clause and not g.share]
        wholes = [*rows, *(g.value for g in every if g.whole and g not in loose and not g.share)]
        if any(
            f.is_near(100 * g.value / n)
            for g in parts
            for n in (wholes if _ASIDE.fullmatch(f.clause[g.end : f.start]) else rows)
            if n > g.value
        ):
            return True  # 52 members (29 %), where 180 are all
        few = [(float(n), 0.0) for n in counted(f.clause)]
        told = [(g.value, 0.0 if g.whole and g.value in known else g.half) for g in beside]  # what is counted is exact
        exact = [(nearest(g), 0.0) for g in beside]
        times = any(f.is_near(n * v) for n, _ in few for v, _ in (*told, *exact))  # ten degrees at 1.92 each
        if TIMES.match(f.after) and not f.share:  # what is so many times as much may stand in any sentence
            pairs = permutations([nearest(g) for g in every if g not in loose and not g.share], 2)
            times = times or any(b and f.is_near(a / b) for a, b in pairs)
        return times or any(follows(f, some) for some in (few + told, few + exact, *groups[f.clause]))

    loose = [f for f in loose if not made(f)]
    return [f for f in loose if not made(f)]  # a difference may be told as a part of something


def _groups(clause: str, printed: Sequence[tuple[str, list[By]]], tables: Tables) -> Iterator[list[Exact]]:
    """What each printed table tells of the groups that a sentence names, column by column and of each its columns next
    to each other, as it stands and in per cent."""
    named = labels(clause, tables)
    for column, table in printed:
        groups = [n.value for n in named if n.column == column]
        every = list[Sequence[float]]()
        for by in table:
            here = list(dict.fromkeys(by[g] for g in groups if g in by))
            every += [here] if len(here) > 1 else combinations(by.values(), 2) if _POINTS.search(clause) else ()
        for one, other in pairwise(table):
            every += [(one[g], other[g]) for g in groups if g in one and g in other]
        yield from ([(v * times, half(v) * times) for v in some] for some in every for times in (1, 100))


def _lines(clause: str, printed: Sequence[Sequence[dict[int, float]]]) -> Iterator[list[Exact]]:
    """What is printed behind the whole numbers that a sentence names, "4 or 5", together and beside the whole; and
    behind those from one of them on or up to it, "3 or less"."""
    named = [int(f.value) for f in figures(clause) if f.whole and f.value < 3000]
    for by in (column for table in printed for column in table):
        here, whole = [by[n] for n in dict.fromkeys(named) if n in by], sum(by.values())
        spans = [[v for n, v in by.items() if (n >= one) is up or n == one] for one in named for up in (True, False)]
        for some in (here, *spans):
            if some and whole:
                yield [(sum(some), 0.0), (whole, 0.0)]
                yield [(v, half(v)) for v in some]
                yield [(sum(some), 0.0), (0.0, 0.0)]


def _is_free(figure: Figure) -> bool:
    """Whether a number is a place, a convention, a unit of a thousand, a guess at chance or a small count."""
    if _P.search(figure.before) and figure.value in _FREE:
        return False
    whole = figure.whole and not figure.share and re.fullmatch(r"10+", f"{figure.value:.0f}")
    chance = _CHANCE.search(figure.clause) and any(figure.tells(1 / n) for n in range(2, 11))
    example = figure.whole and re.match(r"-[a-z]", figure.after)  # a 60-year-old
    small = figure.whole and figure.value <= _COUNTABLE and not figure.share
    usual = figure.value in _FREE and (not figure.unit or figure.value >= 90)
    return bool(figure.unit in ("th", "st", "nd", "rd") or whole or chance or small or usual or example)


_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_WHEN = re.compile(rf"\b(?:in|since|until|during|before|after|by|of|for|from|to|{MONTH})\s$", re.I)


def _traces(figure: Figure, known: list[float], settings: list[float]) -> bool:
    """Whether a number is one of those known, rounded as it is written; sign and per cent may differ."""
    p = _P.search(figure.before)
    if p is not None and p["sign"] != "=":
        return any(0 <= v < figure.value + figure.half for v in known if v < 0.2)
    if any(figure.tells(v) for v in (*known, *settings)):
        return True
    rest = [100 - abs(v) * times for v in known for times in (1, 100)] if figure.share else []
    factors = units.conversions(figure.unit or figure.after)
    many = re.match(r"\s?(?:in|of|per|for every) (1[0,]+)(?![\w.])", figure.after)  # 206 in 1,000
    factors |= {float(many[1].replace(",", ""))} if many is not None else set()
    thousands = re.fullmatch(r"\d{1,3}\.\d{3}", figure.text)  # 1.800 of those who write thousands so
    factors |= {100.0} if _SHARES.search(figure.clause) else set()  # 4.2 points, 2.1 to 6.3
    rest += [v * f for f in factors for v in known] + [v / 1000 for v in known if thousands]
    return any(figure.is_near(v) for v in rest)


def follows(figure: Figure, beside: Sequence[Exact]) -> bool:
    """Whether a number is the difference, sum, ratio, share or change of two others, or the sum of all of them. Each
    comes with what it may be off, having been rounded."""
    for (a, da), (b, db) in permutations(beside, 2):
        made = [(abs(a - b), 0.0), (abs(a - b), da + db), (a + b, da + db)]  # 0.4 is 3.16 - 2.78 as they stand
        if a > 0 < b:
            slack = a / b * (da / a + db / b)
            made.append((a / b, slack))
            made += [(100 * a / b, 100 * slack)] if figure.share else []
            made += [(abs(100 * a / b - 100), 100 * slack)] if figure.share and not _OF.match(figure.after) else []
        if any(abs(v - figure.value) <= slack + figure.half <= max(0.08 * v, 1.1 * figure.half) for v, slack in made):
            return True
    total, off = sum(v for v, _ in beside), sum(d for _, d in beside)
    return len(beside) > 2 and abs(total - figure.value) <= off + figure.half
