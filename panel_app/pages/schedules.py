"""The schedules that there are, and what came of their times; paused, resumed and run from here, made in a terminal."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from markupsafe import Markup

from artifacts.types import Fire, Schedule, now
from graphs.scheduled import start_scheduled
from graphs.workbench import Workbench
from notebooks.cron import local_time, next_due
from notebooks.schedule import changed
from panel_app.components.render import part, render
from panel_app.pages.base import Page
from panel_app.wire import Message, Patch, Wire

EVERY = 2.0
"""Seconds between two looks at the schedules. One look is a few indexed queries."""

CARDS = "components/schedules.html"
LAST = 5
"""Fires of a schedule that its card shows."""


@dataclass(frozen=True)
class Entry:
    """A schedule with its next time, in its own zone (None while it is paused), and its latest fires."""

    schedule: Schedule
    next: str | None
    fires: list[Fire]


def _next(schedule: Schedule) -> str | None:
    """When a schedule is due next."""
    return None if schedule.paused else local_time(next_due(schedule, now()), schedule.timezone)


class SchedulesPage(Page):
    """Shows them, and keeps up with what fires."""

    name = "schedules"
    nav = "/schedules"
    title = "Schedules"

    def __init__(self, workbench: Workbench) -> None:
        self.workbench = workbench
        self.schedules = workbench.store.schedules
        self._shown: list[Entry] = []

    def html(self) -> Markup:
        self._shown = self._entries()
        return render("pages/schedules.html", entries=self._shown)

    async def live(self, wire: Wire) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await self._refresh(wire)

    async def _refresh(self, wire: Wire) -> None:
        before, self._shown = self._shown, await asyncio.to_thread(self._entries)
        if before != self._shown:
            wire.send([Patch(do="set", id="schedules", html=part(CARDS, "cards", self._shown))])

    async def act(self, wire: Wire, message: Message) -> None:
        match message:
            case {"do": "pause" | "resume" as wanted, "id": str(id)}:
                await asyncio.to_thread(self._pause, id, wanted == "pause")
                await self._refresh(wire)
            case {"do": "fire", "id": str(id)}:
                run = await start_scheduled(self.workbench, await asyncio.to_thread(self.schedules.get, id))
                wire.send([Patch(do="go", url=f"/runs/{run.id}")])
        wire.send([Patch(do="idle")])

    def _pause(self, id: str, paused: bool) -> None:
        self.schedules.replace(changed(self.schedules.get(id), {"paused": paused}, now()))

    def _entries(self) -> list[Entry]:
        return [Entry(s, _next(s), self.schedules.fires(s.id, limit=LAST)) for s in self.schedules.all()]
