"""Admits a request: all that can be checked before there is a run is checked, and the run is made, not yet recorded."""

from __future__ import annotations

from pathlib import Path

from artifacts.threads import in_own_thread
from artifacts.types import Run, new_id
from graphs.agents import BadAgent
from graphs.agents import load as load_agents
from graphs.budget import Budget
from graphs.conversation import resolved
from graphs.errors import InputError
from graphs.inputs import check_files, check_question, check_roles, in_cloud
from graphs.models.base import Model
from graphs.request import Request, Terms
from kernel_gateway.sizes import Sizes
from notebooks import projects
from notebooks.files import safe_name
from notebooks.projects import ProjectError


async def admitted(
    request: Request, home: Path, *, rerun: bool, budget: Budget | None
) -> tuple[Run, list[Path], Model]:
    """The run that a request begins, its files, and the model that answers it.

    `home` is the data folder; `rerun` and `budget` hold where the request does not say them. Raises InputError for a
    question or a file that cannot be worked on, for a model that cannot be meant, and for an agent or a project that
    there is not.
    """
    questions = [q.model_copy(update={"text": check_question(q.text)}) for q in request.asked]
    goal = check_question(request.goal) if len(questions) < 2 else request.goal.strip()
    files = await in_own_thread(check_files, request.files, None if in_cloud() else Sizes.of_machine())
    await in_own_thread(check_roles, files, request.roles)
    model = resolved(request.model)
    await in_own_thread(_must_be_known, home, request.terms)
    rerun = rerun if request.rerun is None else request.rerun
    terms = request.terms.model_copy(update={"budget": request.terms.budget or budget})
    run = Run(
        id=request.run_id or new_id("run"),
        goal=goal,
        agent="ask" if questions else "analysis",
        model="playbook" if model.rule_based else model.name,
        params={"files": [safe_name(f.name) for f in files], "roles": request.roles}
        | ({"questions": [q.model_dump(mode="json") for q in questions]} if questions else {"rerun": rerun})
        | terms.model_dump(mode="json", exclude_defaults=True, exclude_none=True),
        parent_id=request.parent_id,
    )
    return run, files, model


def _must_be_known(home: Path, terms: Terms) -> None:
    """Raise InputError for an agent or a project that there is not."""
    project = terms.project
    try:
        if project is not None:
            projects.get(home, project)
        if terms.agent is not None:
            load_agents(projects.folders(home, project, "agents")).choose(terms.agent)
    except (BadAgent, ProjectError) as error:
        raise InputError(str(error)) from error
