"""The times of a schedule: a cron line in a time zone, across clock changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
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
