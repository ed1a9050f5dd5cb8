"""What a schedule is to do next: pure decisions from the schedule, what came of its times so far, and the time now.

`scheduler.py` carries them out.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from artifacts.types import Attempt, Fire, FireOutcome, Notice, Schedule
from notebooks.cron import due_times
from notebooks.errors import ScheduleError

GRACE = timedelta(minutes=1)
"""How late a time may be seen that was not missed, as on a machine that has much to do."""
MOST = 100
"""How many missed times are made up for at most, the latest ones."""
LOST = 3
"""After so many attempts that were lost before they began, no further one is made."""
TRIES = 3
"""How often a notice is tried."""
FIXED = frozenset(("id", "kind", "template", "created_at", "active_from"))
"""Fields that stay as they were made."""
_FIRST_NOTICE = timedelta(minutes=1)  # the wait before the second try; the third waits four times as long
_BACK = timedelta(days=30)  # how far back times are counted that were missed
_LONGEST = timedelta(days=1)  # between two attempts
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True)
class Claims:
    """Times to claim and to run, oldest first; where there is none, the last of the times that were missed for good.

    `passed` counts these.
    """

    due: tuple[datetime, ...] = ()
    missed: datetime | None = None
    passed: int = 0


@dataclass(frozen=True)
class Begin:
    """Begin this attempt (1, 2 ...) of a fire."""

    fire: Fire
    number: int


@dataclass(frozen=True)
class Cancel:
    """Cancel the run of an attempt, since a later time takes its place."""

    attempt: Attempt


@dataclass(frozen=True)
class End:
    """No attempt of this fire will follow: this is what came of it."""

    fire: Fire
    outcome: FireOutcome
    reason: str | None = None


@dataclass(frozen=True)
class Decision:
    """What to do now, and when there will be more to do if nothing happens before (None: not by itself)."""

    steps: tuple[Begin | Cancel | End, ...] = ()
    again: datetime | None = None


def claims(schedule: Schedule, newest: datetime | None, since: datetime, moment: datetime) -> Claims:
    """The times to claim now: what is due, and of what passed while no server ran as much as the schedule wants.

    `newest` is the latest time claimed so far, `since` when this server began to watch. Raises ScheduleError.
    """
    if schedule.paused:
        return Claims()
    start = max(
        schedule.created_at, schedule.active_from or schedule.created_at, newest or schedule.created_at, moment - _BACK
    )
    begin = moment - timedelta(seconds=schedule.window)
    if schedule.catch_up == "none":
        begin = max(begin, min(since, moment), moment - GRACE)
    due, missed, count = deque[datetime](maxlen=MOST if schedule.catch_up == "all" else 1), None, 0
    for at in due_times(schedule, start, moment):
        if at > begin:
            due.append(at)
        else:
            missed, count = at, count + 1
    return Claims(tuple(due)) if due else Claims(missed=missed, passed=count)


def decide(schedule: Schedule, fires: Sequence[Fire], moment: datetime) -> Decision:
    """What to do about the fires that have no outcome yet; `fires` are all of these, oldest first.

    An attempt follows only when no other attempt of its fire can still come to something, and never after one that is
    done: so a time has one successful outcome at most.
    """
    steps: list[Begin | Cancel | End] = []
    ready: list[Fire] = []
    later: list[tuple[Fire, datetime]] = []
    busy = [fire for fire in fires if any(a.active for a in fire.attempts)]
    for fire in fires:
        if fire in busy:
            continue
        verdict = _verdict(schedule, fire, moment)
        if isinstance(verdict, End):
            steps.append(_told(verdict, schedule, fires))
        elif verdict > moment:
            later.append((fire, verdict))
        else:
            ready.append(fire)
    if schedule.overlap == "replace" and (first := [fire for fire in ready if not fire.attempts]):
        newest = first[-1]
        idle = [fire for fire in (*ready, *(f for f, _ in later)) if fire is not newest]
        steps += [End(fire, "skipped" if not fire.attempts else "cancelled", _REPLACED) for fire in idle]
        steps += [Cancel(a) for fire in busy for a in fire.attempts if a.active and a.has_run]
        ready, later = [newest], []
    for fire in ready:
        if not busy or schedule.overlap == "allow":
            steps.append(Begin(fire, len(fire.attempts) + 1))
            busy.append(fire)
        elif schedule.overlap == "skip" and not fire.attempts:
            other = next((a.run_id for a in busy[0].attempts if a.active and a.has_run), "another run")
            steps.append(End(fire, "skipped", f"{other} of this schedule was still running."))
    return Decision(tuple(steps), min((at for _, at in later), default=None))


def make(**fields: Any) -> Schedule:
    """A schedule. Raises ScheduleError for a field or a value that cannot be."""
    try:
        return Schedule.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise ScheduleError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}.") from error


def changed(schedule: Schedule, changes: Mapping[str, Any], moment: datetime) -> Schedule:
    """The schedule with other values in some fields. Raises ScheduleError for a field or a value that cannot be.

    Times that passed while it was paused, or that only its new cron line or zone has, are not made up for.
    """
    if fixed := sorted(FIXED & set(changes)):
        raise ScheduleError(f"{', '.join(fixed)} cannot be changed; add another schedule and remove this one.")
    after = make(**(schedule.model_dump() | dict(changes)))
    resumed = schedule.paused and not after.paused
    if resumed or (schedule.cron, schedule.timezone) != (after.cron, after.timezone):
        return after.model_copy(update={"active_from": moment})
    return after


def notice_at(notice: Notice, moment: datetime) -> datetime | None:
    """When to try a notice (again); None when it was sent, or tried often enough."""
    if notice.sent_at is not None or notice.tries >= TRIES:
        return None
    if notice.tried_at is None:
        return moment
    return notice.tried_at + _FIRST_NOTICE * int(4 ** (notice.tries - 1))


def wants_notice(schedule: Schedule, outcome: FireOutcome) -> bool:
    """Whether the schedule's targets are to hear of this outcome."""
    return schedule.notify_on == "end" or outcome in ("failed", "interrupted", "missed")


def seconds(text: str) -> float:
    """A duration such as `90s`, `5m`, `1h30m` or `2d`, in seconds. Raises ScheduleError."""
    parts = re.findall(r"(\d+)([smhd])", text.replace(" ", "").lower())
    if not parts or "".join(n + unit for n, unit in parts) != text.replace(" ", "").lower():
        raise ScheduleError(f"{text!r} is not a duration; write it as 90s, 5m, 1h30m or 2d.")
    return float(sum(int(n) * _UNITS[unit] for n, unit in parts))


def duration(value: float) -> str:
    """Seconds as `seconds` reads them: `1h 30m`."""
    rest, parts = round(value), []
    for unit, size in reversed(_UNITS.items()):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts) or "0s"


_REPLACED = "The run of a later time took its place."


def _verdict(schedule: Schedule, fire: Fire, moment: datetime) -> End | datetime:
    """What came of a fire without an attempt under way, or when its next attempt may begin."""
    if any(a.status == "done" for a in fire.attempts):
        return End(fire, "done")
    window = timedelta(seconds=schedule.window)
    tried = [a for a in fire.attempts if a.status != "lost"]
    last = fire.attempts[-1] if fire.attempts else None
    if last is None or (last.status == "lost" and not tried):
        if schedule.paused:
            return End(fire, "skipped", "The schedule was paused before a run began.")
        if moment > fire.due + window:
            return End(fire, "missed", f"No run could begin within {duration(schedule.window)} of the time.")
        if len(fire.attempts) >= LOST:
            return End(fire, "missed", f"Gristmill ended {LOST} times while the run was to begin.")
        return fire.due
    if tried[-1].status == "cancelled":
        return End(fire, "cancelled", "The run was cancelled.")
    outcome: FireOutcome = "interrupted" if tried[-1].status == "interrupted" else "failed"
    if schedule.paused and len(tried) <= schedule.retries:
        return End(fire, outcome, "The schedule was paused, so it was not tried again.")
    if len(tried) > schedule.retries or len(fire.attempts) - len(tried) >= LOST:
        return End(fire, outcome, tried[-1].error)
    wait = min(timedelta(seconds=schedule.backoff) * int(2 ** (len(tried) - 1)), _LONGEST)
    return (tried[-1].ended_at or tried[-1].began_at) + wait


def _told(end: End, schedule: Schedule, fires: Sequence[Fire]) -> End:
    """A run that was cancelled for the sake of a later time says so."""
    replaced = end.outcome == "cancelled" and schedule.overlap == "replace" and end.fire is not fires[-1]
    return End(end.fire, end.outcome, _REPLACED) if replaced else end
