"""Times in a condition: which of them are alternatives, and which are the ends of a range."""

from __future__ import annotations

import re

from graphs.questions.query import Condition, Where
from graphs.questions.reader.items import Item

TO = {"to", "until", "through", "till", "up to"}


def span(low: Item, high: Item) -> bool:
    """Whether two months, weekdays or the like are the ends of a range; both then mean it, or a part of it each."""
    (unit, _, first), (other, _, last) = low.means.partition(" "), high.means.partition(" ")
    if unit != other or not first:
        return False
    if not (first.isdigit() and last.isdigit()):
        return False  # from morning to evening
    if unit == "hour":  # until 6 o'clock: the hour that begins then is no longer meant
        last = str((int(last) - 1) % 24)
    if int(first) <= int(last):
        low.means = high.means = f"{unit} {first}-{last}"
    else:  # from November to February
        ends = {"month": (1, 12), "quarter": (1, 4), "weekday": (0, 6), "hour": (0, 23)}[unit]
        low.means, high.means = f"{unit} {first}-{ends[1]}", f"{unit} {ends[0]}-{last}"
    return True


def clock(sign: str, period: str) -> str:
    """The hours after or before one of the day; empty where a period is none."""
    hour = re.match(r"hour (\d+)(?!\d*:)", period)
    return f"hour {hour[1]}-23" if hour and sign[0] == ">" else f"hour 0-{max(int(hour[1]) - 1, 0)}" if hour else ""


def kind_of(period: str) -> str:
    """What a period is, so that two of a kind are alternatives or sides: a month of any year, a date of some length."""
    return re.sub(r"[\d-]+$", "", period) if " " in period else str(len(period))


def timed(where: Where) -> bool:
    """Whether a condition says when: in May, in 2022 or 2023."""
    all_of = [where] if isinstance(where, Condition) else [w for some in where.any_of for w in some]
    return all(w.op == "during" for w in all_of)
