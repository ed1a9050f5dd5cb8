"""A run's page: all that its record says, drawn once and then kept up by the events as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from markupsafe import Markup

from artifacts.errors import NotFound
from artifacts.events import ModelReplied, RunView, TextDelta, apply
from artifacts.types import Artifact, Execution
from graphs.workbench import Workbench
from notebooks.telling.story import Told, by_rule, told
from panel_app.components.outputs import text_length
from panel_app.components.render import part, render
from panel_app.live import batches
from panel_app.pages.base import Page, Sorry
from panel_app.wire import Message, Patch, Wire

RUN, FINDINGS, CELLS = "components/run.html", "components/findings.html", "components/cells.html"
AGAIN = 2.0
"""Seconds between two looks at a run that has ended, in case somebody resumes it elsewhere."""


@dataclass(frozen=True)
class Face:
    """A view of a run, with what the template asks of it."""

    view: RunView

    @cached_property
    def told(self) -> Told:
        """What is told of the run, in its order."""
        return told(self.view)

    @property
    def rule_based(self) -> bool:
        """Whether the playbook speaks, and no language model."""
        return by_rule(self.view)

    @property
    def open(self) -> bool:
        return self.view.run.status in ("queued", "running")

    @property
    def resumable(self) -> bool:
        return self.view.run.status in ("failed", "cancelled", "interrupted")

    @property
    def reproducible(self) -> bool:
        return self.view.run.status == "done" and self.view.run.agent != "reproduce" and bool(self.view.executions)

    @property
    def inputs(self) -> list[Artifact]:
        return [a for a in self.view.artifacts if a.role == "input"]

    @property
    def products(self) -> list[Artifact]:
        """What a reader takes along: the latest notebook, report and findings of each name."""
        latest = {a.name: a for a in self.view.artifacts if a.role in ("notebook", "report", "findings")}
        order = {"notebook": 0, "report": 1, "findings": 2}
        return sorted(latest.values(), key=lambda a: (order[a.role], a.name))

    @property
    def made(self) -> list[Artifact]:
        """Plots, tables and files that the cells made; of what one cell made again and again, the last."""
        made = {(a.execution_id, a.name): a for a in self.view.artifacts if a.role in ("plot", "table", "file")}
        return list(made.values())

    @property
    def cell(self) -> Execution | None:
        """The cell that runs at this moment."""
        return next((x for x in reversed(self.view.executions) if x.status == "running"), None)

    def file(self, name: str) -> Artifact | None:
        """The file of that name, the last where it was made again."""
        return next((a for a in reversed(self.view.artifacts) if a.name == name), None)

    def chart(self, name: str | None) -> Artifact | None:
        """The picture of that name, the last where it was drawn again."""
        drawn = (a for a in reversed(self.view.artifacts) if a.role == "plot" and a.name == name)
        return next(drawn, None)


@dataclass(frozen=True)
class Slot:
    """A piece of the page with an id of its own: the template with the macro of its name, and what it is drawn from."""

    template: str
    source: Callable[[RunView], tuple[Any, ...]]


SLOTS = {
    "head": Slot(RUN, lambda v: (v.run, v.sandboxes, v.replies)),
    "alert": Slot(RUN, lambda v: (v.run.status, v.error)),
    "now": Slot(RUN, lambda v: (v.run.status, v.run.place, v.sandboxes, v.steps, v.replies, bool(v.executions))),
    "far": Slot(RUN, lambda v: (v.run.status, v.progress, v.plan, len(v.executions), _under_way(v))),
    "answer": Slot(FINDINGS, lambda v: (v.run, v.report, v.replies, v.answers, v.reviews, v.artifacts)),
    "findings": Slot(FINDINGS, lambda v: (v.run.status, v.findings, v.report, v.artifacts, v.answers)),
    "comparison": Slot(FINDINGS, lambda v: (v.run.status, v.comparison)),
    "review": Slot(FINDINGS, lambda v: (v.reviews, v.replies, v.comparison)),
    "plan": Slot(RUN, lambda v: (v.run, v.plan, v.replies)),
    "steps": Slot(RUN, lambda v: (v.steps,)),
    "talk": Slot(RUN, lambda v: (v.replies,)),
    "notes": Slot(RUN, lambda v: (v.notes, v.sandboxes)),
    "files": Slot(RUN, lambda v: (v.run.status, v.artifacts)),
    "count": Slot(RUN, lambda v: (len(v.executions), v.run.status)),
}


def _under_way(view: RunView) -> str:
    return view.executions[-1].status if view.executions else ""


def changes(before: RunView, after: RunView) -> list[Patch]:
    """The patches that turn the page of one view into the page of a later view of the same run.

    Cells mostly grow, so a cell is put once, its outputs are appended and its status is set; a cell whose outputs were
    replaced or taken back has them drawn anew, as has everything else, which is small, when its source has changed.
    """
    patches: list[Patch] = []
    face = Face(after)
    for name, slot in SLOTS.items():
        if slot.source(before) != slot.source(after):
            patches.append(Patch(do="set", id=name, html=part(slot.template, name, face)))
    known = {x.id: x for x in before.executions}
    for now in after.executions:
        old = known.get(now.id)
        if old is None:
            patches.append(Patch(do="put", id=now.cell, into="cells", html=part(CELLS, "cell", now)))
        elif old is not now:
            patches += _cell_changes(old, now)
    return patches


def _cell_changes(old: Execution, now: Execution) -> list[Patch]:
    patches: list[Patch] = []
    if now.outputs[: len(old.outputs)] != old.outputs:
        patches.append(Patch(do="set", id=f"{now.cell}-out", html=part(CELLS, "more", now.outputs, 0)))
    elif len(now.outputs) > len(old.outputs):
        html = part(CELLS, "more", now.outputs[len(old.outputs) :], text_length(old.outputs))
        patches.append(Patch(do="append", id=f"{now.cell}-out", html=html))
    if (old.status, old.error, old.count) != (now.status, now.error, now.count):
        patches.append(Patch(do="set", id=f"{now.cell}-state", html=part(CELLS, "cell_state", now)))
        patches.append(Patch(do="set", id=f"{now.cell}-error", html=part(CELLS, "cell_error", now)))
    return patches


class RunPage(Page):
    """Follows one run. The view is the fold of the events and nothing else, so a second browser shows the same."""

    name = "run"
    nav = "/"

    def __init__(self, workbench: Workbench, view: RunView) -> None:
        self.workbench = workbench
        self.view = view
        self.title = " ".join(view.run.goal.split())[:80]

    def html(self) -> Markup:
        return render("pages/run.html", face=Face(self.view))

    async def live(self, wire: Wire) -> None:
        store, run_id = self.workbench.store, self.view.run.id
        while True:
            async for batch in batches(store.follow(run_id, self.view.last_seq)):
                before, typed = self.view, ""
                for item in batch:
                    if isinstance(item, TextDelta):
                        typed += item.text
                    else:
                        self.view = apply(self.view, item)
                        typed = "" if isinstance(item, ModelReplied) else typed
                patches = changes(before, self.view)
                if typed:
                    patches.append(Patch(do="type", id="typed", text=typed))
                wire.send(patches)
            await asyncio.sleep(AGAIN)

    async def act(self, wire: Wire, message: Message) -> None:
        match message.get("do"):
            case "cancel":
                await self.workbench.cancel(self.view.run.id)
            case "resume":
                await self.workbench.resume(self.view.run.id)
            case "reproduce":
                again = await self.workbench.start_reproduce(self.view.run.id)
                wire.send([Patch(do="go", url=f"/runs/{again.id}")])
        wire.send([Patch(do="idle")])


def run_page(workbench: Workbench, run_id: str) -> Page:
    """The page of this run, or one that says which runs are near."""
    try:
        return RunPage(workbench, workbench.store.view(workbench.store.run(run_id).id))
    except NotFound as error:
        return Sorry("This run is not here", str(error), "/")
