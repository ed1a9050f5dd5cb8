"""Questions that are answered by more than statistics of columns: why, what next, what drives it, charts, and others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from graphs.questions.query import Chart, Compare, Condition, Grain, Group, Measure, Query
from graphs.questions.reader import lexicon
from graphs.questions.reader.asking import flows
from graphs.questions.reader.conditions import expr
from graphs.questions.reader.linking import Column
from graphs.questions.reader.times import kind_of

if TYPE_CHECKING:
    from graphs.questions.reader.assembling import Draft

_GRAINS = ("year", "quarter", "month", "week", "day")


def usual(column: Column, notes: list[str], each: bool = False, question: str = "") -> Measure:
    """The statistic that is meant where none is said: a sum of what adds up, or is spent or sold, else, or where `each`
    row is meant, a mean."""
    if column.kind == "bool":
        notes.append(f"The share of rows with “{column.name}” is meant.")
        return Measure(op="share", where=(Condition(left=expr(column), op="=", right=column.yes),))
    flow = not each and (bool(lexicon.some("flows") & set(column.words)) or flows(question, column))
    notes.append(f"No statistic is named; the {'sum' if flow else 'mean'} of “{column.name}” is taken.")
    return Measure(op="sum" if flow else "mean", of=expr(column))


def other(draft: Draft, base: Query) -> Query | None:
    """The query of a question that is no closed one; None where it is none of these."""
    text, kinds = draft.question, {k for a in draft.asks for k in a.kinds}
    if any(i.means == "cycle" for a in draft.asks for i in a.clause.items if i.code == "X"):
        return None
    named = draft.spoken()
    numbers = [c for c in named if c.kind in ("number", "bool") and expr(c) not in [g.of for g in base.group_by]]
    stats = [s for a in draft.asks for s in a.stats]
    ahead = re.search(r"\b(?:next|coming|following) (\d+|[a-z]+)? ?(day|week|month|quarter|year)s?\b", text, re.I)
    notes = list[str]()
    measure = _measure(stats, numbers, notes)
    made: dict[str, Any] = {"notes": (*base.notes, *notes)}
    if "F" in kinds or (ahead and re.search(r"\bwill\b|\bexpect", text, re.I)):
        if draft.time is None:
            return None
        grain: Any = ahead[2].lower() if ahead else next((g for g in _GRAINS if re.search(rf"\b{g}", text, re.I)), None)
        return base.model_copy(update=made | {
            "intent": "forecast", "measures": (measure,), "time": draft.time.name, "periods": number(ahead[1]) if ahead else None,
            "group_by": (Group(of=expr(draft.time), grain=grain),) if grain else (),
        })  # fmt: skip
    if "W" in kinds and ("Y" in kinds or draft.time is not None):
        if not numbers and "Y" not in kinds:
            return None
        periods = [w for w in base.where if isinstance(w, Condition) and w.op == "during"]
        after = str(periods[0].right) if periods else ""
        compare = Compare(of=periods[0].left, first=after, second=before(after)) if periods and before(after) else None
        rest = tuple(w for w in base.where if w not in periods)
        return base.model_copy(update=made | {"intent": "why_changed", "measures": (measure,), "compare": compare, "where": rest,
                                              "time": draft.time.name if draft.time else ""})  # fmt: skip
    if (arms := tried(draft)) is not None:
        outcome = numbers or [c for c in draft.columns if c.kind == "bool" and c != arms]
        if len(outcome) == 1:
            ends = Measure(op="mean", of=expr(outcome[0]))
            said = [str(i.means[1]) for a in draft.asks for i in a.clause.items if i.code == "V" and i.means[0] == arms]
            said += [v for v in arms.values if v not in said] if len(said) == 1 and arms.n_unique == 2 else []
            both = Compare(of=expr(arms), first=said[0], second=said[1]) if len(said) == 2 else None
            rest = tuple(w for w in base.where if not (isinstance(w, Condition) and w.left == expr(arms)))
            update: dict[str, Any] = {"intent": "experiment", "measures": (ends,), "compare": both, "where": rest}
            update["unused"] = tuple(
                word for word in base.unused if word.casefold() not in ("better", "higher", "lower")
            )
            return base.model_copy(update=update | {"group_by": (Group(of=expr(arms)),)})
    between = next((a.periods for a in draft.asks if a.periods[0]), None)
    if between is not None and draft.time is not None:
        first, second = max(between), min(between)
        compare = Compare(of=expr(draft.time), first=first, second=second)
        if not numbers and (found := draft.amount()) is not None:
            measure = usual(found, notes)
            made = {"notes": (*base.notes, *notes)}
        return base.model_copy(update=made | {"intent": "compare", "measures": (measure,), "compare": compare})
    sides = [w for w in base.where if isinstance(w, Condition) and w.op == "during"]
    sides = sides if len({kind_of(str(w.right)) for w in sides}) == 1 else []  # Mondays in May are no two sides
    if len(sides) == 2 and not numbers and not re.search(r"\bhow many|\bnumber of", text, re.I):
        if (found := draft.amount()) is None:
            return None
        measure = usual(found, notes)
        made = {"notes": (*base.notes, *notes)}
    if len(sides) == 2 and sides[0].left == sides[1].left:
        compare = Compare(of=sides[0].left, first=str(sides[0].right), second=str(sides[1].right))
        rest = tuple(w for w in base.where if w not in sides)
        return base.model_copy(
            update=made | {"intent": "compare", "measures": (measure,), "compare": compare, "where": rest}
        )
    explains = "W" in kinds and draft.time is None  # what explains a column, where nothing can have changed
    if ("A" in kinds or explains) and numbers and not stats:
        flag = next((c for c in numbers if c.kind == "bool"), None)
        if len(numbers) == 2 and flag is not None:  # whether age affects returns
            (of,) = (c for c in numbers if c != flag)
            means = (Measure(op="mean", of=expr(of)),) if of.kind == "number" else (usual(flag, notes),)
            by = (Group(of=expr(flag if of.kind == "number" else of)),)
            return base.model_copy(update={"intent": "relate", "measures": means, "group_by": by})
        if len(named) == 2 and len(numbers) == 2:
            pair = Measure(op="correlation", of=expr(numbers[0]), other=expr(numbers[1]), with_p=True)
            return base.model_copy(update={"intent": "relate", "measures": (pair,)})
        if len(named) == 1:
            return base.model_copy(
                update={"intent": "drivers", "measures": (Measure(op="mean", of=expr(numbers[0])),), "group_by": ()}
            )
        return None
    if "g" in kinds and (named or base.group_by):
        kind: Any = next(
            (k for k in lexicon.listed("charts") if re.search(rf"\b{k.removesuffix('map')}", text, re.I)), "auto"
        )
        if len(numbers) == 2 and kind in ("auto", "scatter"):  # y against x
            upward, across = (expr(c) for c in numbers)
            colour = base.group_by[0].of if base.group_by else None
            chart = Chart(kind="scatter", x=across, y=(upward,), colour=colour)
            return base.model_copy(update={"intent": "plot", "chart": chart, "measures": (), "group_by": ()})
        if not base.group_by and numbers and draft.time is not None and re.search(r"\bover time|\btrend", text, re.I):
            base = base.model_copy(update={"group_by": (over(draft.time),)})
        x = base.group_by[0].of if base.group_by else expr(named[0])
        y = tuple(expr(c) for c in numbers if expr(c) != x)
        chart = Chart(kind=kind, x=x, y=y, colour=base.group_by[1].of if len(base.group_by) > 1 else None)
        return base.model_copy(
            update=made | {"intent": "plot", "chart": chart, "measures": (measure,) if y and base.group_by else ()}
        )
    if re.search(r"\bclean(?:s|ed|ing)?\b", text, re.I) and not named and not stats:
        left = tuple(w for w in base.unused if not w.casefold().startswith("clean"))
        return base.model_copy(update={"intent": "clean", "unused": left})
    counted: dict[str, Any] = {"intent": "describe", "measures": (Measure(op="count"),)}
    timed = draft.time is not None and "X" in kinds
    if "D" in kinds and not named and base.group_by and not stats and not timed:
        return base.model_copy(update=counted)
    if "D" in kinds and len(named) == 1 and not stats and not base.group_by and not timed:
        if named[0].kind == "number":
            return base.model_copy(
                update={"intent": "distribution", "measures": (Measure(op="values", of=expr(named[0])),)}
            )
        return base.model_copy(update={**counted, "group_by": (Group(of=expr(named[0])),)})
    if (
        "X" in kinds
        and draft.time is not None
        and base.group_by
        and not any(g.grain for g in base.group_by)
        and len(base.group_by) == 1
    ):
        groups = (over(draft.time), *base.group_by)
        return base.model_copy(update=made | {"intent": "change", "measures": (measure,), "group_by": groups})
    if kinds & {"X", "Y"} and draft.time is not None and not base.group_by and not any(a.end for a in draft.asks):
        return base.model_copy(
            update=made | {"intent": "change", "measures": (measure,), "group_by": (over(draft.time),)}
        )
    return None


def untold(draft: Draft) -> str:
    """Why what is asked for is no figure of a query, where other tests of the table tell it; empty where it is one."""
    said = {i.means for a in draft.asks for i in a.clause.items if i.code in "AX"}
    if "groups" in said:
        return "What tells groups apart is no single figure: a whole analysis tests every column for it."
    return (
        "Whether something recurs is no single figure: a whole analysis tests it over time." if "cycle" in said else ""
    )


def _measure(stats: Sequence[str], numbers: Sequence[Column], notes: list[str]) -> Measure:
    """What is followed: the statistic that is named, the usual one of the column, or the number of rows."""
    if not numbers:
        return Measure(op="count")
    op: Any = next((s.split()[0] for s in stats), "")
    return Measure(op=op, of=expr(numbers[0])) if op and op != "share" else usual(numbers[0], notes)


def tried(draft: Draft) -> Column | None:
    """The arms of an experiment, where the question asks which is better or whether one changes something."""
    if not re.search(r"\bbetter|\bbest\b|\bwin\w*|\bwork(?:s|ed)?\b|\bimprov|\bincreas|\blift|\breduc|\beffect|\blonger|\bmore\b|\bhigher",
                     draft.question, re.I):  # fmt: skip
        return None
    named = {c for a in draft.asks for i in a.clause.items
             for c in ([i.means[0]] if i.code == "V" else [i.means] if i.code == "C" else [])}  # fmt: skip
    found = [c for c in draft.columns if c in named and 2 <= c.n_unique <= 4
             and (set(c.words) & lexicon.some("arms") or {v.casefold() for v in c.values} & lexicon.some("levels"))]  # fmt: skip
    return found[0] if len(found) == 1 else None


def over(time: Column) -> Group:
    """A time cut into periods of which its span has a dozen or more; plain years as they are."""
    if time.kind == "number":
        return Group(of=expr(time))
    ends = [re.match(r"\d{4}-\d\d-\d\d", str(e or "")) for e in (time.low, time.high)]
    days = (date.fromisoformat(ends[1][0]) - date.fromisoformat(ends[0][0])).days if ends[0] and ends[1] else 365
    grains: tuple[tuple[int, Grain], ...] = ((21, "day"), (120, "week"), (4 * 366, "month"), (12 * 366, "quarter"))
    return Group(of=expr(time), grain=next((g for most, g in grains if days <= most), "year"))


def number(word: str | None) -> int:
    """A number in figures or as a word; 1 where there is none."""
    if not word:
        return 1
    return (
        int(word)
        if word.isdigit()
        else lexicon.listed("numbers").index(word)
        if word in lexicon.listed("numbers")
        else 1
    )


def before(period: str) -> str:
    """The period before a year, quarter or month; empty for others."""
    match = re.fullmatch(r"(\d{4})(?:-(Q?)(\d\d?))?", period)
    if not match:
        return ""
    year, quarter, part = int(match[1]), match[2], int(match[3] or 0)
    if not part:
        return str(year - 1)
    last = 4 if quarter else 12
    year, part = (year, part - 1) if part > 1 else (year - 1, last)
    return f"{year}-Q{part}" if quarter else f"{year}-{part:02d}"
