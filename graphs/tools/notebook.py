"""The coder's tools: run a cell, run a template notebook."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from pydantic import Field

from artifacts.events import RunView
from artifacts.types import Execution
from graphs import look
from graphs.state import Desk
from graphs.tools.base import Action, refusal, tool
from notebooks.catalog import Template, cells
from notebooks.errors import NotebookError

TEXT_LIMIT = 8_000
"""Characters of output that a model is shown of one call; the notebook keeps all of it."""


@tool("run_code", job="code")
class RunCode(Action):
    """Run one Python cell and read what it printed, plotted and reported. State stays between cells."""

    code: str = Field(min_length=1, description="Python source of one cell")

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        if toolkit := look.toolkit(self.code, desk.session.executions):
            first = f"{key}-toolkit"
            await desk.session.run(toolkit, title="Toolkit", tags=("toolkit",), step_id=step_id, key=first)
        cell = await desk.session.run(self.code, title=self.title, tags=("code",), step_id=step_id, key=f"{key}-0")
        return result(await desk.view(), [cell])


@tool("run_template", job="code")
class RunTemplate(Action):
    """Run a template notebook: tested cells for a standard piece of analysis. Prefer it to code of your own."""

    name: str = Field(description="From the list in the brief")
    parameters: dict[str, Any] = Field(default_factory=dict, description="Those that are to differ from their defaults")

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        template = next((t for t in desk.templates if t.name == self.name), None)
        if template is None:
            known = ", ".join(t.name for t in desk.templates)
            return refusal("UnknownTemplate", f"There is no template {self.name!r}. There are: {known}.")
        try:
            planned = cells(template, self._values(template, await desk.view()))
        except NotebookError as error:
            return refusal("ParameterError", str(error))
        done: list[Execution] = []
        for i, cell in enumerate(planned):
            code = cell.code
            if "toolkit" in cell.tags:  # two thousand lines to take apart, while others wait for the loop
                code = await asyncio.to_thread(look.still_needed, code, desk.session.executions)
                if not code:
                    continue
            title = cell.title or self.title or template.title
            tags = (*cell.tags, f"template:{template.name}")
            ran = await desk.session.run(code, title=title, tags=tags, step_id=step_id, key=f"{key}-{i}")
            done.append(ran)
            if ran.status != "ok":
                break
        return result(await desk.view(), done)

    def _values(self, template: Template, view: RunView) -> dict[str, Any]:
        """The parameters, with the first input as `data` where the model left that to us."""
        values = dict(self.parameters)
        if "data" not in values and any(p.name == "data" for p in template.parameters):
            inputs = [a.name for a in view.artifacts if a.role == "input"]
            if inputs:
                values["data"] = inputs[0]
        return values


def result(view: RunView, done: list[Execution]) -> dict[str, Any]:
    """What a model is told of cells that ran."""
    names, ids = {x.cell for x in done}, {x.id for x in done}
    text = "".join(x.text for x in done)
    last = done[-1] if done else None
    error = None
    if last is not None and last.status != "ok":
        raised = last.error
        error = {
            "name": raised.name if raised else last.status.capitalize(),
            "value": f"{raised.value}\n{_tail(raised.traceback)}".strip() if raised else _why(last),
        }
    drawn = figures(view, done)
    told = {
        "cells": [x.cell for x in done],
        "ok": error is None,
        "text": shorten(text),
        "findings": [f.model_dump(mode="json") for f in view.findings if f.evidence.cell in names],
        "plots": [a.name for a in view.artifacts if a.role == "plot" and a.execution_id in ids],
        "error": error,
    }
    return told | ({"figures": drawn} if drawn else {})


def figures(view: RunView, cells: Iterable[Execution]) -> list[dict[str, Any]]:
    """What the artists of the plots of these cells say, each with the plot's name, as far as it is known."""
    names = {a.id: a.name for a in view.artifacts}
    return [
        {"plot": next((names[id] for id in output.artifacts.values() if id in names), ""), **output.figure}
        for cell in cells
        for output in cell.outputs
        if output.figure
    ]


def pictures(view: RunView, cells: Iterable[str]) -> tuple[str, ...]:
    """The ids of the plots of these cells that a model can be shown as pictures."""
    ran = {x.id for x in view.executions if x.cell in set(cells)}
    return tuple(a.id for a in view.artifacts if a.execution_id in ran and a.media_type in SHOWN)


SHOWN = ("image/png", "image/jpeg", "image/webp")
"""Pictures that every endpoint with eyes takes."""


def shorten(text: str, limit: int = TEXT_LIMIT) -> str:
    """Beginning and end of a long text, saying how much is left out between them."""
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit // 3
    return f"{text[:head]}\n… ({len(text) - head - tail} characters left out) …\n{text[-tail:]}"


def _tail(traceback: str, lines: int = 12) -> str:
    return "\n".join(traceback.splitlines()[-lines:])


def _why(cell: Execution) -> str:
    if cell.status == "interrupted":
        return "The cell was stopped before its end: it took too long, or somebody interrupted it."
    return "The connection to the sandbox was lost while the cell ran; whether it finished is not known."
