"""Times: cron in a zone across clock changes."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from artifacts.types import Schedule, new_id
from notebooks.cron import check, due_times, in_words, next_due
from notebooks.errors import ScheduleError


def schedule(cron: str, timezone: str = "Europe/Berlin", created_at: datetime | None = None) -> Schedule:
    created = created_at or datetime(2000, 1, 1, tzinfo=UTC)  # long ago, whatever date this machine has
    return Schedule(id=new_id("sch"), cron=cron, timezone=timezone, kind="question", goal="?", created_at=created)


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 7 * * *", "every day at 07:00"),
        ("30 6,18 * * 1-5", "every weekday at 06:30 and 18:30"),
        ("0 9 * * sun", "every Sunday at 09:00"),
        ("5 0 1,15 * *", "on day 1 and 15 of every month at 00:05"),
        ("@hourly", "every hour"),
        ("*/15 * * * *", "every 15 minutes"),
        ("0 7 1 * 1", ""),  # on the first, and on Mondays
        ("0 7 * * 1#2", ""),
        ("no cron", ""),
    ],
)
def test_a_cron_line_is_said_in_plain_words_where_it_has_a_short_reading(cron: str, words: str) -> None:
    assert in_words(cron) == words


def times(cron: str, start: str, count: int, timezone: str = "Europe/Berlin") -> list[str]:
    """The next due times as local wall-clock time with offset."""
    zone = ZoneInfo(timezone)
    after = datetime.fromisoformat(start).replace(tzinfo=zone)
    found = []
    for _ in itertools.repeat(None, count):
        after = next_due(schedule(cron, timezone), after)
        found.append(after.astimezone(zone).strftime("%d %H:%M %z"))
    return found


def test_weekdays_in_the_mornings() -> None:
    assert times("0 7 * * 1-5", "2026-01-08T12:00", 3) == ["09 07:00 +0100", "12 07:00 +0100", "13 07:00 +0100"]


def test_a_time_that_spring_skips_fires_once_right_after_the_gap() -> None:
    assert times("30 2 * * *", "2026-03-28T12:00", 2) == ["29 03:30 +0200", "30 02:30 +0200"]


def test_a_time_that_autumn_repeats_fires_once() -> None:
    assert times("30 2 * * *", "2026-10-24T12:00", 2) == ["25 02:30 +0200", "26 02:30 +0100"]


def test_a_job_of_every_half_hour_keeps_its_pace_through_both() -> None:
    assert times("*/30 * * * *", "2026-10-25T02:00", 4) == [
        "25 02:30 +0200",
        "25 02:00 +0100",
        "25 02:30 +0100",
        "25 03:00 +0100",
    ]
    assert times("*/30 * * * *", "2026-03-29T01:00", 3) == ["29 01:30 +0100", "29 03:00 +0200", "29 03:30 +0200"]


def test_the_due_time_is_strictly_after() -> None:
    at = datetime(2026, 1, 8, 6, tzinfo=UTC)
    assert next_due(schedule("0 7 * * *"), at) == at + timedelta(days=1)
    assert next_due(schedule("0 7 * * *"), at - timedelta(microseconds=1)) == at


def test_the_times_between_two_moments_exclude_the_first_and_include_the_second() -> None:
    at = datetime(2026, 1, 8, 12, 30, tzinfo=UTC)
    found = list(due_times(schedule("*/10 * * * *"), at - timedelta(minutes=20), at))
    assert [due.minute for due in found] == [20, 30]
    assert list(due_times(schedule("0 7 * * *"), at - timedelta(hours=1), at)) == []


@pytest.mark.parametrize(
    ("cron", "timezone", "sentence"),
    [
        ("* * *", "UTC", "needs five fields"),
        ("0 0 0 1 1 1", "UTC", "needs five fields"),
        ("61 * * * *", "UTC", "out of range"),
        ("0 0 30 2 *", "UTC", "never comes"),
        ("R R * * *", "UTC", "would not be the same twice"),
        ("0 7 * * *", "Mars/Base", "no time zone 'Mars/Base'"),
        ("0 7 * * *", "../../etc/passwd", "no time zone"),
    ],
)
def test_what_cannot_be_followed_gets_a_sentence(cron: str, timezone: str, sentence: str) -> None:
    with pytest.raises(ScheduleError, match=sentence):
        check(cron, timezone)
