"""The schedules that there are, when each fired last, and what came of it. Made and removed by the command line."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from markupsafe import Markup

from artifacts.errors import NotFound
from artifacts.store import Store
from artifacts.types import Fire, Run, Schedule, now
from notebooks.schedule import next_due
from panel_app.components.render import part, render
from panel_app.pages.base import Page
from panel_app.wire import Patch, Wire

EVERY = 2.0
"""Seconds between two looks at the schedules. One look is a few indexed queries."""

CARDS = "components/schedules.html"
LAST = 5
"""Fires of a schedule that its card shows."""


@dataclass(frozen=True)
class Entry:
    """A schedule with its next time, in its own zone, and its latest fires, each with the run it became."""

    schedule: Schedule
    next: str
    fires: list[tuple[Fire, Run | None]]


def _next(schedule: Schedule) -> str:
    """When a schedule is due next: `Mon 23 Nov 2026, 07:00`."""
    return next_due(schedule, now()).astimezone(ZoneInfo(schedule.timezone)).strftime("%a %d %b %Y, %H:%M")


class SchedulesPage(Page):
    """Shows them, and keeps up with what fires."""

    name = "schedules"
    nav = "/schedules"
    title = "Schedules"

    def __init__(self, store: Store) -> None:
        self.store = store
        self._shown: list[Entry] = []

    def html(self) -> Markup:
        self._shown = self._entries()
        return render("pages/schedules.html", entries=self._shown)

    async def live(self, wire: Wire) -> None:
        while True:
            await asyncio.sleep(EVERY)
            before, self._shown = self._shown, await asyncio.to_thread(self._entries)
            if before != self._shown:
                wire.send([Patch(do="set", id="schedules", html=part(CARDS, "cards", self._shown))])

    def _entries(self) -> list[Entry]:
        return [
            Entry(s, _next(s), [(f, self._run(f)) for f in self.store.fires(s.id)[:LAST]])
            for s in self.store.schedules()
        ]

    def _run(self, fire: Fire) -> Run | None:
        if fire.run_id is None:
            return None
        try:
            return self.store.run(fire.run_id)
        except NotFound:
            return None
