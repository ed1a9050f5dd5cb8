"""Begins what a schedule asks for."""

from __future__ import annotations

from pathlib import Path

from artifacts.types import Run, Schedule
from graphs.request import Request, Terms
from graphs.workbench import Workbench


async def start_scheduled(
    workbench: Workbench, schedule: Schedule, *, model: str | None = None, run_id: str | None = None
) -> Run:
    """Begin the work of a schedule and return at once; its files are read now, as they are now.

    `model` is for a schedule that names none. The run gets the id `run_id`, or a new one. Raises InputError, before
    there is a run, for a file or a notebook that cannot be worked on, and GatewayError where no sandbox can be had.
    """
    if schedule.kind == "notebook":
        return await workbench.start_notebook(schedule.template or "", schedule.params, run_id=run_id)
    request = Request(
        question=schedule.goal,
        files=tuple(Path(f) for f in schedule.files),
        model=schedule.model or model,
        roles={k: str(v) for k, v in schedule.params.get("roles", {}).items()},
        run_id=run_id,
        terms=Terms(unattended=True),
    )
    return await workbench.start(request)
