"""The tasks of a run over REST."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from artifacts.threads import in_own_thread
from artifacts.types import Task
from gristmill.local import Local
from gristmill.plain import plain
from gristmill.web import schemas


class Tasks(BaseModel):
    """The tasks of a run, in the order in which they were given."""

    tasks: list[Task]


TASK = Task(id="t1", title="Fit a forest", agent="modeler", status="running", progress=0.25, by="analyst")


def tasks(local: Local) -> APIRouter:
    """The route, on an open backend; it stands below /api/runs."""
    router = APIRouter()

    @router.get("/{ref}/tasks", **schemas.answer(Tasks, {"tasks": [TASK]}))
    async def list_tasks(ref: str) -> dict[str, Any]:
        """The tasks that the agents of a run gave each other, and how each stands."""
        run = await local.run(ref)
        return {"tasks": plain((await in_own_thread(local.store.view, run.id)).tasks)}

    return router
