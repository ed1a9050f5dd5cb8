"""Times: how a question writes them, and which of them are alternatives or the ends of a range.

A time is told as a condition takes it ("2023-05", "month 5", "hour 17-20"), or as "> 2023-05-01", the days after one.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from graphs.questions.query import Condition, Grain, Where
from graphs.questions.reader import lexicon
from graphs.questions.reader.text import Word

if TYPE_CHECKING:
    from graphs.questions.reader.items import Item

TO = {"to", "until", "through", "till", "up to"}
_YEAR = r"(?:1[5-9]|20)\d\d"
_DAY = r"(\d\d?)(?:st|nd|rd|th)?"
_MONTH = "|".join(rf"{m}|{m[:4]}|{m[:3]}" for m in lexicon.listed("months"))
_OF_YEAR = set("compare versus vs than in since during of for until before after from to and between year through with against over spring summer autumn half".split())  # fmt: skip
_AGAINST = ("compare", "compared", "versus", "vs", "than", "against")
GRAINS: dict[str, Grain] = {"weekday ": "weekday", "month ": "month_of_year", "hour ": "hour_of_day", "quarter ": "quarter_of_year",
          "weekend": "weekday", "7": "month"}  # fmt: skip
OTHERS = {"weekend": "weekday 0-4", "month 7-12": "month 1-6", "month 1-6": "month 7-12"}
"""By what the others are told against which a period is set, by its kind, and what they are of a part of a year."""
_SPANS = lexicon.section("spans")
_SIZES = {"year": 12, "quarter": 3, "month": 1}


def _dated(year: str | None, month: str, day: str | None = None) -> str:
    number = next(i for i, full in enumerate(lexicon.listed("months"), 1) if full.startswith(month))
    return f"{year}-{number:02d}" + (f"-{int(day):02d}" if day else "") if year else f"month {number}"


def _quarter(m: re.Match[str]) -> str:
    which = lexicon.listed("ordinals").index(m[1]) if m[1] else m[2]
    return f"{m[3]}-Q{which}" if m[3] else f"quarter {which}"


def _hour(m: re.Match[str]) -> str:
    named, minutes = lexicon.section("hours").get(m[6] or ""), m[2] or m[5] or "00"
    hour = named or int(m[1] or m[4]) % (12 if m[3] else 24) + 12 * (m[3] == "pm")
    return f"hour {hour}" + (f":{minutes}" if minutes != "00" else "")  # no period, and the compiler says so


_WRITTEN: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (rf"({_YEAR})(?: [-–/])? q ?([1-4])", lambda m: f"{m[1]}-Q{m[2]}"),
    (rf"{_YEAR} [-–] \d\d(?: [-–] \d+)?", lambda m: re.sub(" [-–] ", "-", m[0])),
    (rf"({_MONTH})(?: ({_YEAR})| {_DAY}(?: ,)? ({_YEAR}))?", lambda m: _dated(m[2] or m[4], m[1], m[3])),
    (rf"{_DAY}(?: of)? ({_MONTH})(?: ,)? ({_YEAR})", lambda m: _dated(m[3], m[2], m[1])),
    (rf"(?:the )?(?:last|final) (quarter|month)(?: of| in) ({_YEAR})", lambda m: _named(m[1], int(m[2]) * 12 + 11)),
    (rf"(first|second|third|fourth) quarter|q([1-4])(?:(?: of| in| [-–/])? ({_YEAR}))?", _quarter),
    (rf"({'|'.join(lexicon.listed('weekdays'))})s?", lambda m: f"weekday {lexicon.listed('weekdays').index(m[1])}"),
    (rf"(\d\d?)(?: : (\d\d))? (am|pm)|(\d\d?) : (\d\d)|({'|'.join(lexicon.section('hours'))})s?", _hour),
    ("weekends?", lambda m: "weekend"),
    (rf"(?:the )?({'|'.join(_SPANS)})(?: (?:of|in) (?:the|this) year)?", lambda m: f"month {_SPANS[m[1]]}"),
    ("weekdays|(?:working|business) days?", lambda m: "weekday 0-4"),
    (_YEAR, lambda m: m[0]),
)
"""How times are written, over words in small letters with single spaces between."""
_RELATIVE = r"(this|last|previous|current|past|recent)(?: (\w+))? (day|week|month|quarter|year)s?(?= |$)"


def written(ws: Sequence[Word], n: int, last: str | None) -> Iterator[tuple[int, str]]:
    """The times that begin at a word, each with the number of its words; only tables with times have bare years."""
    text = " ".join(w.low for w in ws[n : n + 6])
    if last is None or not text:
        return
    before = ws[n - 1].low if n else ""
    against = any(w.low in _AGAINST for w in ws)
    two = against and len({w.low for w in ws if re.fullmatch(_YEAR, w.low)}) == 2
    for pattern, told in _WRITTEN:
        if m := re.match(rf"(?:{pattern})(?= |$)", text):
            last_word = before in ("about", "only", "just") and n + 1 == len(ws)  # and not "about 2000 units"
            period, said = told(m), not m[0].isdigit() or before in _OF_YEAR or last_word or two
            if period.startswith("month") and m[1] in ("may", "mar", "march"):  # words of their own
                said = against or before in _OF_YEAR | {"was"} or (m[1] == "march" and ws[n].text[0] == "M" and n > 0)
            if said:
                yield len(m[0].split()), period
    if (m := re.match(_RELATIVE, text)) and (period := _relative(m[1], m[2], m[3], last)):
        yield len(m[0].split()), period


def _relative(which: str, many: str | None, grain: str, last: str) -> str:
    """A year, quarter or month relative to the last time in the table, which is in this one, the last being a whole
    one; or so many of them up to the last day."""
    match = re.match(r"(\d{4})-(\d\d)-(\d\d)", last)
    if not match:
        return ""
    months, size, day = int(match[1]) * 12 + int(match[2]) - 1, _SIZES.get(grain, 0), int(match[3])
    if many or which in ("past", "recent"):
        days = lexicon.number(many) * {"day": 1, "week": 7}.get(grain, 0)
        begins = f"{_named('month', months - lexicon.number(many) * size)}-{min(day, 28):02d}"
        return f"> {date.fromisoformat(match[0]) - timedelta(days) if days else begins}"
    if not size:
        return ""
    ended = day >= monthrange(int(match[1]), int(match[2]))[1] - 2 and months % size == size - 1
    this = which in ("this", "current") or (which == "last" and ended)  # the last that is whole
    return _named(grain, months - size * (not this))


def span(low: Item, high: Item) -> bool:
    """Whether two months, weekdays or the like are the ends of a range; both then mean it, or a part of it each."""
    (unit, _, first), (other, _, last) = low.means.partition(" "), high.means.partition(" ")
    if unit != other or not (first + last).isdigit():
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


def _named(grain: str, month: int) -> str:
    """The year, quarter or month in which a month lies, which is counted from the year 0."""
    year, n = divmod(month, 12)
    return {"year": f"{year}", "quarter": f"{year}-Q{n // 3 + 1}"}.get(grain, f"{year}-{n + 1:02d}")


def _read(period: str) -> tuple[str, int]:
    """Whether a text is a year, quarter or month, and its first month; of another text nothing."""
    match = re.fullmatch(r"(\d{4})(?:-(Q?)(\d\d?))?", period)
    grain = "" if not match else "quarter" if match[2] else "month" if match[3] else "year"
    return grain, int(match[1]) * 12 + (int(match[3] or 1) - 1) * _SIZES[grain] if match else 0


def before(period: str) -> str:
    """The period before a year, quarter or month; empty for others."""
    grain, month = _read(period)
    return _named(grain, month - _SIZES[grain]) if grain else ""


def begins(period: str) -> str:
    """The month in which a year, quarter or month begins."""
    return _named("month", _read(period)[1])


def around(day: str, grain: str) -> str:
    """The year, quarter or month in which a day lies."""
    return _named(grain, _read(day[:7])[1])


def latest(period: str, end: str) -> tuple[str, str]:
    """The year, quarter or month, as a period is one, in which a table ends, and of a year those of its months that are
    whole where they are not all; empty where a quarter or month is not."""
    day, (grain, _) = re.match(r"(\d{4})-(\d\d)-(\d\d)", end), _read(period)
    if not day or not grain:
        return "", ""
    month, length = int(day[2]), monthrange(int(day[1]), int(day[2]))[1]
    whole = month - (int(day[3]) < length - 2)
    if grain == "year":
        return day[1] if whole else "", f"month 1-{whole}" if whole < 12 else ""
    return around(end, grain) if whole == month and month % _SIZES[grain] == 0 else "", ""


def kind_of(period: str) -> str:
    """What a period is, so that two of a kind are alternatives or sides: a month of any year, a date of some length."""
    return re.sub(r"[\d-]+$", "", period) if period[:1].isalpha() else str(len(period))


def timed(where: Where) -> bool:
    """Whether a condition says when: in May, in 2022 or 2023."""
    all_of = [where] if isinstance(where, Condition) else [w for some in where.any_of for w in some]
    return all(w.op == "during" for w in all_of)
