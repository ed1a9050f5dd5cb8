"""What a schedule is to do next, decided without a clock: given schedule, fires and now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from artifacts.types import Attempt, Fire, Notice, Schedule
from notebooks.errors import ScheduleError
from notebooks.schedule import (
    Begin,
    Cancel,
    Claims,
    Decision,
    End,
    changed,
    claims,
    decide,
    duration,
    make,
    notice_at,
    seconds,
    wants_notice,
)

SEVEN = datetime(2026, 1, 5, 7, tzinfo=UTC)
LONG_AGO = SEVEN - timedelta(days=365)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def schedule(**fields: Any) -> Schedule:
    given = {"id": "sch_1", "cron": "0 * * * *", "kind": "question", "goal": "?", "created_at": LONG_AGO}
    return Schedule.model_validate(given | fields)


def fire(*statuses: str, due: datetime = SEVEN, took: float = 5) -> Fire:
    """A fire with attempts in these states, each `took` minutes long, one after the other, the first begun at once."""
    attempts, at = [], due
    for number, status in enumerate(statuses, 1):
        over = status not in ("starting", "queued", "running", "lost")
        end = at + minutes(took) if over else None
        run_id, error = f"run_{due:%H}{number}", "It broke." if status in ("failed", "refused") else None
        attempts.append(
            Attempt.model_validate(
                {"number": number, "run_id": run_id, "began_at": at, "ended_at": end, "status": status, "error": error}
            )
        )
        at += minutes(took)
    return Fire(schedule_id="sch_1", due=due, claimed_at=due, attempts=tuple(attempts))


def outcome(decision: Decision) -> list[str]:
    """What is decided, in short: `begin 1`, `end failed`, `cancel run_071`."""
    told = []
    for step in decision.steps:
        match step:
            case Begin(fire, number):
                told.append(f"{fire.due:%H} begin {number}")
            case End(fire, outcome, _):
                told.append(f"{fire.due:%H} end {outcome}")
            case Cancel(attempt):
                told.append(f"cancel {attempt.run_id}")
    return told


# Which times are claimed


def hours(found: tuple[datetime, ...]) -> list[int]:
    return [due.hour for due in found]


@pytest.mark.parametrize(
    ("catch_up", "window", "claimed"),
    [("none", 3600, []), ("latest", 3600, [7]), ("latest", 4 * 3600, [7]), ("all", 4 * 3600, [4, 5, 6, 7])],
)
def test_of_the_times_that_no_server_saw_as_many_are_made_up_for_as_the_schedule_wants(
    catch_up: str, window: float, claimed: list[int]
) -> None:
    job, at = schedule(catch_up=catch_up, window=window), SEVEN + minutes(30)
    assert hours(claims(job, SEVEN - minutes(240), since=at, moment=at).due) == claimed


@pytest.mark.parametrize("catch_up", ["none", "latest", "all"])
def test_a_time_that_comes_while_the_server_watches_is_claimed_whatever_is_caught_up(catch_up: str) -> None:
    job = schedule(catch_up=catch_up)
    assert claims(job, None, since=SEVEN - minutes(30), moment=SEVEN + minutes(0.2)).due == (SEVEN,)


def test_a_time_outside_the_window_is_missed_for_good_and_that_is_told_once() -> None:
    job = schedule(cron="0 7 * * *", catch_up="all")
    last = SEVEN - minutes(3 * 24 * 60)
    assert claims(job, last, since=SEVEN, moment=SEVEN + minutes(59)) == Claims((SEVEN,))
    assert claims(job, last, since=SEVEN, moment=SEVEN + minutes(60)) == Claims(missed=SEVEN, passed=3)
    assert claims(job, SEVEN, since=SEVEN, moment=SEVEN + minutes(61)) == Claims()
    none = schedule(catch_up="none")
    assert claims(none, SEVEN - minutes(60), since=SEVEN + minutes(5), moment=SEVEN + minutes(5)).missed == SEVEN


def test_nothing_is_claimed_twice_nor_before_the_schedule_was_made_or_resumed() -> None:
    at = SEVEN + minutes(30)
    for job in (
        schedule(catch_up="all", window=86_400, active_from=SEVEN),
        schedule(created_at=SEVEN + minutes(1)),
        schedule(paused=True),
    ):
        assert claims(job, None, since=at, moment=at) == Claims()
    assert claims(schedule(catch_up="all", window=86_400), SEVEN, since=at, moment=at) == Claims()


def test_of_many_missed_times_the_last_hundred_are_made_up_for() -> None:
    job = schedule(cron="* * * * *", catch_up="all", window=86_400)
    found = claims(job, None, since=SEVEN, moment=SEVEN).due
    assert len(found) == 100
    assert found[-1] == SEVEN


# Attempts


@pytest.mark.parametrize("status", ["starting", "queued", "running"])
def test_no_attempt_follows_while_the_first_may_still_come_to_something(status: str) -> None:
    job = schedule(retries=5, overlap="allow")
    assert decide(job, [fire(status)], SEVEN + minutes(600)) == Decision()


def test_a_failed_run_is_tried_again_after_a_time_that_doubles() -> None:
    job = schedule(retries=2, backoff=300)
    first = fire("failed")  # ended at 7:05
    assert decide(job, [first], SEVEN + minutes(9)) == Decision((), SEVEN + minutes(10))
    assert outcome(decide(job, [first], SEVEN + minutes(10))) == ["07 begin 2"]
    second = fire("failed", "interrupted")  # ended at 7:10
    assert decide(job, [second], SEVEN + minutes(19)).again == SEVEN + minutes(20)
    assert outcome(decide(job, [second], SEVEN + minutes(20))) == ["07 begin 3"]
    third = fire("failed", "interrupted", "failed")
    assert decide(job, [third], SEVEN + minutes(60)) == Decision((End(third, "failed", "It broke."),))


@pytest.mark.parametrize("status", ["failed", "interrupted", "refused", "cancelled", "done"])
def test_without_retries_the_first_end_is_the_outcome(status: str) -> None:
    (step,) = decide(schedule(), [fire(status)], SEVEN + minutes(6)).steps
    assert isinstance(step, End)
    assert step.outcome == ("failed" if status == "refused" else status)


def test_one_that_is_done_or_was_cancelled_by_a_person_is_not_tried_again() -> None:
    job, late = schedule(retries=9), SEVEN + minutes(600)
    assert outcome(decide(job, [fire("failed", "done")], late)) == ["07 end done"]
    assert outcome(decide(job, [fire("failed", "cancelled")], late)) == ["07 end cancelled"]
    assert outcome(decide(job, [fire("done", "failed")], late)) == ["07 end done"], "resumed by a person, and done"


def test_a_fire_whose_server_died_before_there_was_a_run_is_made_up_for_within_the_window() -> None:
    for claimed in (fire(), fire("lost"), fire("lost", "lost")):
        number = len(claimed.attempts) + 1
        assert outcome(decide(schedule(), [claimed], SEVEN + minutes(20))) == [f"07 begin {number}"]
        assert outcome(decide(schedule(), [claimed], SEVEN + minutes(61))) == ["07 end missed"]


def test_what_brings_the_server_down_each_time_is_not_begun_for_ever() -> None:
    assert outcome(decide(schedule(), [fire("lost", "lost", "lost")], SEVEN + minutes(2))) == ["07 end missed"]
    retried = fire("failed", "lost", "lost", "lost")
    assert outcome(decide(schedule(retries=5), [retried], SEVEN + minutes(30))) == ["07 end failed"]


def test_an_attempt_that_was_lost_uses_up_no_retry() -> None:
    job = schedule(retries=1)
    assert outcome(decide(job, [fire("lost", "failed")], SEVEN + minutes(30))) == ["07 begin 3"]
    assert outcome(decide(job, [fire("lost", "failed", "failed")], SEVEN + minutes(30))) == ["07 end failed"]


def test_a_paused_schedule_begins_nothing_and_says_so() -> None:
    job = schedule(paused=True, retries=3)
    for waiting, word in ((fire(), "skipped"), (fire("failed"), "failed")):
        (step,) = decide(job, [waiting], SEVEN + minutes(6)).steps
        assert isinstance(step, End)
        assert step.outcome == word
        assert "paused" in str(step.reason)
    assert decide(job, [fire("running")], SEVEN + minutes(6)) == Decision()


# Overlap

EIGHT = SEVEN + minutes(60)


def test_side_by_side_is_what_schedules_did_before() -> None:
    assert outcome(decide(schedule(), [fire("running"), fire(due=EIGHT)], EIGHT)) == ["08 begin 1"]


def test_skip_is_told_as_an_outcome_with_the_run_that_went_on() -> None:
    running, new = fire("running"), fire(due=EIGHT)
    decision = decide(schedule(overlap="skip"), [running, new], EIGHT)
    assert decision == Decision((End(new, "skipped", "run_071 of this schedule was still running."),))
    assert outcome(decide(schedule(overlap="skip"), [new], EIGHT)) == ["08 begin 1"]


def test_a_queued_run_of_an_earlier_time_counts_as_running() -> None:
    assert outcome(decide(schedule(overlap="skip"), [fire("queued"), fire(due=EIGHT)], EIGHT)) == ["08 end skipped"]


def test_queue_begins_one_after_another_and_the_oldest_first() -> None:
    job, nine = schedule(overlap="queue", window=86_400), EIGHT + minutes(60)
    waiting = [fire(due=EIGHT), fire(due=nine)]
    assert decide(job, [fire("running"), *waiting], nine) == Decision()
    assert outcome(decide(job, waiting, nine)) == ["08 begin 1"]


def test_what_waits_longer_than_the_window_is_missed() -> None:
    job = schedule(overlap="queue")
    assert outcome(decide(job, [fire("running"), fire(due=EIGHT)], EIGHT + minutes(61))) == ["08 end missed"]


def test_replace_cancels_the_earlier_run_and_begins_when_it_has_ended() -> None:
    job, new = schedule(overlap="replace", retries=3), fire(due=EIGHT)
    assert outcome(decide(job, [fire("running"), new], EIGHT)) == ["cancel run_071"]
    assert decide(job, [fire("starting"), new], EIGHT) == Decision(), "there is no run yet that could be cancelled"
    over = decide(job, [fire("cancelled"), new], EIGHT)
    assert outcome(over) == ["07 end cancelled", "08 begin 1"]
    assert isinstance(over.steps[0], End)
    assert "took its place" in str(over.steps[0].reason)
    assert outcome(decide(job, [fire("failed", took=59), new], EIGHT)) == ["07 end cancelled", "08 begin 1"]


@pytest.mark.parametrize("overlap", ["skip", "queue", "replace"])
def test_a_retry_does_not_run_beside_a_later_time(overlap: str) -> None:
    job = schedule(overlap=overlap, retries=1)
    assert outcome(decide(job, [fire("failed"), fire("running", due=EIGHT)], EIGHT)) == []
    assert outcome(decide(job, [fire("failed")], EIGHT)) == ["07 begin 2"]


def test_of_several_times_at_once_skip_runs_the_first_queue_all_and_replace_the_last() -> None:
    missed = [fire(due=SEVEN + minutes(60 * i)) for i in range(3)]
    at = SEVEN + minutes(121)
    told = {
        overlap: outcome(decide(schedule(overlap=overlap, window=86_400), missed, at))
        for overlap in ("allow", "skip", "queue", "replace")
    }
    assert told == {
        "allow": ["07 begin 1", "08 begin 1", "09 begin 1"],
        "skip": ["07 begin 1", "08 end skipped", "09 end skipped"],
        "queue": ["07 begin 1"],
        "replace": ["07 end skipped", "08 end skipped", "09 begin 1"],
    }


# Notices, changes, durations


def test_a_notice_is_tried_three_times_with_longer_waits_between() -> None:
    def at(tries: int, sent: bool = False) -> datetime | None:
        tried = SEVEN if tries else None
        return notice_at(Notice(target="t", tries=tries, tried_at=tried, sent_at=SEVEN if sent else None), SEVEN)

    assert [at(0), at(1), at(2), at(3)] == [SEVEN, SEVEN + minutes(1), SEVEN + minutes(4), None]
    assert at(1, sent=True) is None


def test_failure_is_what_nobody_wanted() -> None:
    job, each = schedule(), schedule(notify_on="end")
    words = ("done", "failed", "cancelled", "interrupted", "skipped", "missed")
    assert [w for w in words if wants_notice(job, w)] == ["failed", "interrupted", "missed"]
    assert all(wants_notice(each, w) for w in words)


def test_a_change_is_checked_and_times_before_it_are_not_made_up_for() -> None:
    job = schedule(retries=1)
    assert changed(job, {"retries": 3}, SEVEN) == job.model_copy(update={"retries": 3})
    assert changed(job, {"cron": "5 * * * *"}, SEVEN).active_from == SEVEN
    paused = changed(job, {"paused": True}, SEVEN)
    assert paused.active_from is None
    assert changed(paused, {"paused": False}, EIGHT).active_from == EIGHT
    for bad, words in (({"retries": 99}, "retries"), ({"id": "sch_2"}, "cannot be changed"), ({"speed": 1}, "speed")):
        with pytest.raises(ScheduleError, match=words):
            changed(job, bad, SEVEN)
    with pytest.raises(ScheduleError, match="window"):
        make(cron="0 7 * * *", kind="question", window=1)


def test_durations_are_written_as_people_write_them() -> None:
    assert [seconds(t) for t in ("90s", "5m", "1h30m", "2d", "1h 5m")] == [90, 300, 5400, 172_800, 3900]
    assert [duration(s) for s in (90, 300, 5400, 172_800, 0)] == ["1m 30s", "5m", "1h 30m", "2d", "0s"]
    for bad in ("", "5", "m", "5 minutes", "-5m", "1.5h"):
        with pytest.raises(ScheduleError, match="not a duration"):
            seconds(bad)
