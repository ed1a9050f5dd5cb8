"""The schedules that there are, when each fired last, and what came of it. Made and removed by the command line."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from artifacts.errors import NotFound
from artifacts.store import Store
from artifacts.types import Fire, Run, Schedule
from panel_app.components.render import render
from panel_app.pages.base import Page

LAST = 5
"""Fires of a schedule that its card shows."""


@dataclass(frozen=True)
class Entry:
    """A schedule with its latest fires, each with the run it became."""

    schedule: Schedule
    fires: list[tuple[Fire, Run | None]]


class SchedulesPage(Page):
    """Read only."""

    name = "schedules"
    nav = "/schedules"
    title = "Schedules"

    def __init__(self, store: Store) -> None:
        self.store = store

    def html(self) -> Markup:
        entries = [Entry(s, [(f, self._run(f)) for f in self.store.fires(s.id)[:LAST]]) for s in self.store.schedules()]
        return render("pages/schedules.html", entries=entries)

    def _run(self, fire: Fire) -> Run | None:
        if fire.run_id is None:
            return None
        try:
            return self.store.run(fire.run_id)
        except NotFound:
            return None
