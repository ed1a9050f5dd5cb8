"""The tool by which an agent gives tasks to others."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from artifacts.events import RunView
from artifacts.types import Priority
from graphs import tasks
from graphs.state import MAX_TASKS, Desk
from graphs.tools.base import Action, Tool, refusal, tool

if TYPE_CHECKING:
    from graphs.agents import Agent


_TITLE = 120


class Given(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    title: str
    agent: str
    brief: str = Field("", description="All it must know")
    priority: Priority = "normal"
    after: tuple[str, ...] = Field((), description="Titles it builds on")


@tool("delegate", job="code", also=("plan", "interpret"))
class Delegate(Action):
    """Give tasks to others, who work at the same time, each in a copy of the notebook; what fits together becomes part
    of it."""

    tasks: tuple[Given, ...]
    to: ClassVar[tuple[str, ...]] = ()
    always: ClassVar[bool] = True  # who may give tasks need not name the tool, too

    @classmethod
    def tool_parameters(cls) -> dict[str, Any]:
        """The schema in short: it is part of the first request of a run."""
        told = super().tool_parameters()
        fields = told["properties"]["tasks"]["items"]["properties"].values()
        for field in fields:
            field.pop("default", None)
        return {**told, "properties": {"tasks": told["properties"]["tasks"]}}

    @classmethod
    def for_helpers(cls, helpers: tuple[Agent, ...]) -> type[Tool] | None:
        """The tool as it is offered to who may give tasks to these agents; None where there are none."""
        told = tuple((a.name, "" if a.source == "built-in" else a.role) for a in helpers)  # those say it by their names
        return _to(told) if helpers else None

    def problem(self, desk: Desk, view: RunView) -> str | None:
        names = [t.title for t in self.tasks]
        if not names or any(not name.strip() or len(name) > _TITLE for name in names):
            return f"Each task needs a title of at most {_TITLE} characters, and there must be one task at least."
        if wrong := [t.agent for t in self.tasks if t.agent not in self.to]:
            return f"You cannot give a task to {wrong[0]!r}. There are: {', '.join(self.to)}."
        if twice := [n for n in names if names.count(n) > 1]:
            return f"Two tasks are called {twice[0]!r}; give each a title of its own."
        if len(view.tasks) + len(self.tasks) > MAX_TASKS:
            return f"A run has at most {MAX_TASKS} tasks, and {len(view.tasks)} were given already."
        if unknown := [a for t in self.tasks for a in t.after if a not in names]:
            return f"`after` names {unknown[0]!r}, which is no task of this call."
        done, waiting = set[str](), {t.title: set(t.after) for t in self.tasks}
        while ready := [n for n, after in waiting.items() if after <= done]:
            done.update(ready)
            waiting = {n: after for n, after in waiting.items() if n not in done}
        return f"The tasks {' and '.join(waiting)} wait for each other." if waiting else None

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        if (problem := self.problem(desk, await desk.view())) is not None:
            return refusal("BadTasks", problem)
        return {"given": await tasks.give(desk, desk.agents.for_job("code").name, self.tasks, step_id)}


@cache
def _to(helpers: tuple[tuple[str, str], ...]) -> type[Delegate]:
    who = ", ".join(f"{name} ({re.split('[,:.;]', role)[0]})" if role else name for name, role in helpers)
    doc = f"{Delegate.tool_description()} Agents: {who}."
    made: type[Delegate] = type("Delegate", (Delegate,), {"__doc__": doc, "to": tuple(name for name, _ in helpers)})
    return made
