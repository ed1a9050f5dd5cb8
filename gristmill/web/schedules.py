"""Schedules over REST, under /api/schedules."""

from __future__ import annotations

from typing import Annotated, Any, cast

from fastapi import APIRouter, Body, Query

from artifacts.types import Run, Schedule, new_id, now
from gristmill.local import Local
from gristmill.plain import plain
from gristmill.web import schemas


def schedules(local: Local) -> APIRouter:
    """The routes, on an open backend."""
    router = APIRouter()

    @router.get("", **schemas.answer(schemas.Schedules, {"schedules": [schemas.SHOWN]}))
    async def list_() -> dict[str, Any]:
        """Schedules with their next time and their latest firings."""
        return {"schedules": plain(await local.schedules())}

    @router.post("", **schemas.answer(schemas.ScheduleShown, schemas.SHOWN, status=201, description="It is added."))
    async def add(schedule: Annotated[Schedule, Body(examples=[schemas.ASKED])]) -> dict[str, Any]:
        """Add a schedule. Its id and time are given here; its files are paths on this machine."""
        fresh = schedule.model_copy(update={"id": new_id("sch"), "created_at": now(), "active_from": None})
        return cast(dict[str, Any], plain(await local.add_schedule(fresh)))

    @router.get("/{ref}", **schemas.answer(schemas.ScheduleShown, schemas.SHOWN))
    async def show(ref: str, limit: Annotated[int, Query(ge=1, le=10_000)] = 20) -> dict[str, Any]:
        """A schedule with its next time and its latest firings: their attempts, outcomes and notices."""
        return cast(dict[str, Any], plain(await local.schedule(ref, limit=limit)))

    @router.patch("/{ref}", **schemas.answer(schemas.ScheduleShown, schemas.SHOWN, description="It is changed."))
    async def change(ref: str, changes: Annotated[dict[str, Any], Body(examples=[{"paused": True}])]) -> dict[str, Any]:
        """Give fields of a schedule other values, such as `{"paused": true}`; durations are in seconds."""
        return cast(dict[str, Any], plain(await local.change_schedule(ref, changes)))

    @router.post("/{ref}/run", **schemas.answer(Run, schemas.RUN, status=201, description="It has begun."))
    async def run(ref: str) -> Run:
        """Do a schedule's work now, out of turn."""
        return await local.fire(ref)

    @router.delete("/{ref}", **schemas.answer(Schedule, schemas.SCHEDULE, description="It is removed."))
    async def remove(ref: str) -> Schedule:
        """Remove a schedule. The runs that it made stay."""
        return await local.remove_schedule(ref)

    return router
