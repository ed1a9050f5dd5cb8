"""The times of a schedule: a cron line in a time zone, across clock changes."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from artifacts.types import Schedule, now
from notebooks.errors import ScheduleError

_ALIASES = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")
_SHIFT = timedelta(hours=3)  # more than any clock is set forward or back by


def check(cron: str, timezone: str) -> None:
    """Raises ScheduleError, in a sentence, for an expression or a zone that is none, or a time that never comes."""
    _first(cron, timezone, now())


def next_due(schedule: Schedule, after: datetime) -> datetime:
    """The first time strictly after `after` at which a schedule is due, in UTC.

    The clock being set forward or back moves no job twice and loses none: a time that is skipped fires right after the
    gap, a time that comes twice fires the first time; but a job of every hour (hour field `*`) keeps its pace.
    Raises ScheduleError.
    """
    return _first(schedule.cron, schedule.timezone, after)


def local_time(at: datetime, timezone: str) -> str:
    """A moment as the clocks of a zone show it: `Mon 23 Nov 2026, 07:00`."""
    return f"{at.astimezone(_zone(timezone)):%a %d %b %Y, %H:%M}"


def in_words(cron: str) -> str:
    """A cron line in plain words, `every day at 07:00`; empty for one that has no short reading, or is none."""
    from croniter import CroniterError, croniter

    try:
        times = croniter(cron)
    except (CroniterError, ValueError, KeyError, AttributeError):
        return ""
    fields: list[list[Any]] = list(times.expanded)
    if len(fields) != 5 or times.nth_weekday_of_month or not all(f == ["*"] or _numbers(f) for f in fields):
        return ""
    days, clock = _days(*fields[2:]), _clock(*fields[:2])
    if not days or not clock:
        return ""
    return clock if days == "every day" and clock.startswith("every") else f"{days} {clock}"


def _numbers(field: list[Any]) -> bool:
    return all(isinstance(value, int) for value in field)


def _days(day: list[Any], month: list[Any], weekday: list[Any]) -> str:
    """On which days; empty where both a day of the month and a weekday are named, of which either is enough."""
    named = [calendar.day_name[(int(d) - 1) % 7] for d in weekday if d != "*"]
    months = "" if month == ["*"] else f" of {_listed([calendar.month_name[int(m)] for m in month])}"
    if day != ["*"]:
        return "" if named else f"on day {_listed([str(d) for d in day])}{months or ' of every month'}"
    if months:
        return ""
    if not named:
        return "every day"
    return "every weekday" if weekday == [1, 2, 3, 4, 5] else f"every {_listed(named)}"


def _clock(minute: list[Any], hour: list[Any]) -> str:
    """At which times of a day; empty for more than a few."""
    if hour != ["*"] and minute != ["*"]:
        times = [f"{h:02d}:{m:02d}" for h in hour for m in minute]
        return f"at {_listed(times)}" if len(times) <= 4 else ""
    if hour != ["*"]:
        return ""
    if minute == ["*"]:
        return "every minute"
    step = 60 // len(minute)
    if len(minute) == 1:
        return f"every hour at minute {minute[0]}" if minute != [0] else "every hour"
    return f"every {step} minutes" if minute == list(range(0, 60, step)) else ""


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def due_times(schedule: Schedule, after: datetime, until: datetime) -> Iterator[datetime]:
    """The times in (after, until] at which a schedule is due, in UTC and in order. Raises ScheduleError."""
    times = _times(schedule.cron, _zone(schedule.timezone), after)
    return takewhile(lambda due: due <= until, times)


def _first(cron: str, timezone: str, after: datetime) -> datetime:
    due = next(_times(cron, _zone(timezone), after), None)
    if due is None:
        raise ScheduleError(f"The schedule {cron!r} names a time that never comes.")
    return due


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ScheduleError(f"There is no time zone {name!r}; use a name such as Europe/Berlin or UTC.") from None


def _times(cron: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """The due times strictly after `after`, in UTC and in order."""
    every_hour = cron.split()[1:2] == ["*"] or cron.strip() == "@hourly"
    begin = after.astimezone(zone).replace(tzinfo=None)
    waiting: set[datetime] = set()
    last = after
    for local in _local_times(cron, begin if _calm(begin, zone) else begin - _SHIFT):
        waiting.update(_instants(local, zone, every_hour))
        if _calm(local, zone):
            for due in sorted(waiting):
                if due > last:
                    yield (last := due)
            waiting.clear()
    yield from sorted(due for due in waiting if due > last)


def _calm(local: datetime, zone: ZoneInfo) -> bool:
    """Whether the clock is not changed near this local time, so that local times are in the order of time itself."""
    return (local - _SHIFT).replace(tzinfo=zone).utcoffset() == (local + _SHIFT).replace(tzinfo=zone).utcoffset()


def _instants(local: datetime, zone: ZoneInfo, every_hour: bool) -> list[datetime]:
    """When a local wall-clock time happens: once, or in the hour that comes twice or not at all, by the rule."""
    first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return [first]
    if first < second:  # the hour that comes twice
        return [first, second] if every_hour else [first]
    # The hour that is skipped: read with the offset from before it, the time falls behind the gap.
    return [] if every_hour else [first]


def _local_times(cron: str, start: datetime) -> Iterator[datetime]:
    from croniter import CroniterBadDateError, CroniterError, croniter

    fields = cron.split()
    if len(fields) != 5 and cron.strip() not in _ALIASES:
        raise ScheduleError(
            f"{cron!r} is not a schedule: it needs five fields (minute hour day month weekday), such as '0 7 * * 1-5'."
        )
    if re.search(r"(?i)\b[rh]\b", cron):
        raise ScheduleError(f"{cron!r} is not a schedule: croniter's random fields (R, H) would not be the same twice.")
    try:
        times = croniter(cron, start, ret_type=datetime)
    except (CroniterError, ValueError, KeyError, AttributeError) as error:
        raise ScheduleError(f"{cron!r} is not a schedule: {error}.") from error
    while True:
        try:
            yield times.get_next(datetime)
        except CroniterBadDateError:
            return
