"""Tasks that agents give each other: how one is given, begun, ended, and brought into the notebook of the run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from artifacts.events import RunView, Said, TaskBranched, TaskChanged
from artifacts.threads import in_own_thread
from artifacts.types import Message, Task, now
from graphs.budget import bounds, share
from graphs.state import AT_ONCE, Desk
from notebooks.live.merging import merge, recorded

if TYPE_CHECKING:
    from graphs.tools.delegate import Given

_URGENCY = ("high", "normal", "low")
_APART = 100  # numbers of cells that each task has for itself


async def give(desk: Desk, by: str, given: Sequence[Given], step_id: str) -> list[str]:
    """Record tasks as given; returns their ids. What a node that runs again has given is not given a second time."""
    view = await in_own_thread(desk.store.view, desk.run_id)
    parent = desk.task.id if desk.task is not None else None
    siblings = [t for t in view.tasks if t.parent == parent]
    known = {(t.title, t.brief): t.id for t in siblings if not t.ended and t.by == by}
    ids = [
        known.get((one.title, one.brief)) or f"{f'{parent}.' if parent else 't'}{len(siblings) + place}"
        for place, one in enumerate(given, 1)
    ]
    places = dict(zip((one.title for one in given), ids, strict=True))
    for id, one in zip(ids, given, strict=True):
        if id in known.values():
            continue
        task = Task(
            id=id,
            title=one.title,
            agent=one.agent,
            priority=one.priority,
            parent=parent,
            brief=one.brief,
            by=by,
            after=tuple(places[title] for title in one.after),
            turn_id=view.turns[-1].id,
        )
        await desk.store.append(TaskChanged(run_id=desk.run_id, step_id=step_id, task=task))
        await say(desk, f"msg_{id}_brief", one.brief or one.title, by, one.agent, id)
    return ids


async def say(desk: Desk, id: str, text: str, by: str, to: str, task_id: str | None = None) -> None:
    """Have an agent say something to another, as part of the conversation; once for an id."""
    view = await in_own_thread(desk.store.view, desk.run_id)
    if text.strip() and all(m.id != id for m in view.messages):
        said = Message(id=id, text=text.strip(), by=by, to=to, task_id=task_id)
        await desk.store.append(Said(run_id=desk.run_id, message=said))


async def change(desk: Desk, task_id: str, **fields: Any) -> Task:
    """Record that a task stands differently; nothing where it does not."""
    tasks = (await in_own_thread(desk.store.view, desk.run_id)).tasks
    old = next(t for t in tasks if t.id == task_id)
    new = old.model_copy(update=fields)
    if new != old:
        await desk.store.append(TaskChanged(run_id=desk.run_id, task=new))
    return new


async def begun(desk: Desk, task_id: str) -> bool:
    """Begin a task as soon as what it builds on is done and there is room; returns once it has begun, or is over.

    False where it cannot begin before a person has answered somebody. One whose predecessor failed is cancelled.
    """
    helpers = desk.helpers
    assert helpers is not None, "tasks were given"
    async with helpers.moved:
        while True:
            view = await _begin_ready(desk, task_id)
            task = next(t for t in view.tasks if t.id == task_id)
            if task_id in view.task_views or over(task):
                return True
            if helpers.resting.intersection(task.after):
                return False
            await helpers.moved.wait()


async def _begin_ready(desk: Desk, task_id: str) -> RunView:
    """Begin those tasks given along with this one that wait for nothing, the most urgent first, as many as there is
    room for. Each has a notebook of its own from then on, in which is what it builds on, and a share of the budget."""
    assert desk.helpers is not None
    while True:
        view = await in_own_thread(desk.store.view, desk.run_id)
        by_id = {t.id: t for t in view.tasks}
        mine = by_id[task_id]
        every = [t for t in view.tasks if (t.parent, t.turn_id) == (mine.parent, mine.turn_id)]
        lost = [t for t in every if not over(t) and any(by_id[a].status in ("failed", "cancelled") for a in t.after)]
        if not lost:
            break
        for task in lost:
            failed = next(a for a in task.after if by_id[a].status in ("failed", "cancelled"))
            why = f"It builds on {failed} ({by_id[failed].title}), which was not done."
            await change(desk, task.id, status="cancelled", result=why)
    at_work = [t for t in every if t.id in view.task_views and not over(t) and t.id not in desk.helpers.resting]
    ready = [t for t in every if t.id not in view.task_views and not over(t) and all(by_id[a].ended for a in t.after)]
    ready = sorted(ready, key=lambda t: _URGENCY.index(t.priority))[: max(0, AT_ONCE - len(at_work))]
    whole = next((b.used for b in bounds(view, desk.budget, now()) if b.of == "run"), view.spent)
    for task in (t for t in every if t in ready):
        for before in task.after:
            await take_in(await desk.at({"task_id": task.parent}), before)
        view = await in_own_thread(desk.store.view, desk.run_id)
        above = (max(v.numbered for v in (view, *view.task_views.values())) // _APART + 1) * _APART
        await desk.store.append(TaskBranched(run_id=desk.run_id, task_id=task.id, numbered=above, of=task.parent))
        helper = desk.agents.named(task.agent)
        part = share(desk.budget, whole, len(at_work) + len(ready), helper.budget if helper is not None else None)
        await change(desk, task.id, status="running", budget=part.model_dump(exclude_none=True))
    return await in_own_thread(desk.store.view, desk.run_id) if ready else view


def over(task: Task) -> bool:
    """Whether nothing more comes of a task, also where a run that was cancelled goes on."""
    return task.ended and (task.status != "cancelled" or bool(task.result))


async def rest(desk: Desk, task_id: str) -> None:
    """Record that a task waits for a person, or for one that does; so do those within which it is."""
    assert desk.helpers is not None
    view = await in_own_thread(desk.store.view, desk.run_id)
    if task_id in view.task_views:
        await change(desk, task_id, status="waiting")
    parts = task_id.split(".")
    async with desk.helpers.moved:
        desk.helpers.resting.update(".".join(parts[:n]) for n in range(1, len(parts) + 1))
        desk.helpers.moved.notify_all()


async def end(desk: Desk, task_id: str, **fields: Any) -> Task:
    """Record how a task ended, end its sandbox, and let those begin that wait for it."""
    assert desk.helpers is not None
    task = await change(desk, task_id, **fields)
    await desk.helpers.leave(task_id)
    async with desk.helpers.moved:
        desk.helpers.moved.notify_all()
    return task


async def take_in(desk: Desk, task_id: str) -> None:
    """Make what a task that is done has made part of the notebook at this desk, as far as it fits in."""
    whole = await in_own_thread(desk.store.view, desk.run_id)
    task = next(t for t in whole.tasks if t.id == task_id)
    if task.status == "done" and not task.cells and not task.conflicts:
        view, own = await desk.view(), whole.task_views[task_id]
        merged = await in_own_thread(merge, view, own)
        cells = [id for id in merged.cells if view.cell(id) is None]  # a kill may have come between the two events
        events = await in_own_thread(desk.store.events, desk.run_id)
        await desk.session.adopt(recorded(events, task_id, cells))
        await change(desk, task_id, cells=merged.cells, conflicts=merged.conflicts)


def result(view: RunView, ids: Sequence[str]) -> dict[str, Any]:
    """What an agent that gave tasks is told of them."""
    tasks = [t for t in view.tasks if t.id in ids]
    cells = [c for t in tasks for c in t.cells]
    return {
        "cells": cells,
        "ok": all(t.status == "done" for t in tasks),
        "text": "",
        "tasks": [_told(view, t) for t in tasks],
        "findings": [f.model_dump(mode="json") for f in view.findings if f.evidence.cell in cells],
        "error": None,
    }


def _told(view: RunView, task: Task) -> dict[str, Any]:
    told = task.model_dump(mode="json", include={"id", "title", "agent", "status", "result", "cells"})
    if task.conflicts:
        own = view.task_views.get(task.id)
        left = {id for c in task.conflicts for id in c.cells}
        told["conflicts"] = [c.text for c in task.conflicts]
        told["left_out"] = {c.id: c.source for c in own.cells if c.id in left} if own is not None else {}
    return told


def closing(messages: Sequence[dict[str, Any]]) -> str:
    """What an agent said at the end of its work: its last words that call no tool."""
    last = messages[-1] if messages else {}
    return str(last.get("content", "")) if last.get("role") == "assistant" and not last.get("tool_calls") else ""


def as_text(result: dict[str, Any]) -> str:
    """A result as a model reads it."""
    return json.dumps(result, ensure_ascii=False)
