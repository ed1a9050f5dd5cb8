"""Values as plain JSON objects: the same shapes from `--json` and from the REST interface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from artifacts.events import RunView
from artifacts.types import Answer, outcome
from notebooks.telling.answers import answers_text


def plain(value: Any) -> Any:
    """A value as what JSON has: pydantic values and dataclasses become objects, paths and the like their text."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def view_json(view: RunView, branches: Sequence[str] = ()) -> dict[str, Any]:
    """A run as its events tell it; the findings in the report's order, their ranks set.

    `turns` have the ids of their cells and their answers. `branches` are the ids of the runs that share its past.
    """
    told: dict[str, Any] = plain(replace(view, previous=None, task_views={}))
    del told["previous"], told["task_views"]
    for turn in told["turns"]:
        turn["cells"] = turn_cells(view, turn["id"])
        turn["spent"] = plain(view.spent_in(turn["id"]))
        turn["answers"] = [_answer_json(answer) for answer in turn_answers(view, turn["id"])]
    more = {"parent": view.run.parent_id, "branches": list(branches)}
    return told | more | {"findings": plain(view.ranked), "spent": plain(view.spent)}


def turn_json(view: RunView, turn_id: str) -> dict[str, Any]:
    """The answers of one turn as `answers_json` has them, with the turn and the ids of the cells that it added."""
    told = answers_json(view.run.id, turn_answers(view, turn_id))
    if not told["answers"] and (said := report_of(view, turn_id)):
        told |= {"status": "answered", "text": said}
    return {"run": view.run.id, "turn": turn_id} | told | {"cells": turn_cells(view, turn_id)}


def report_of(view: RunView, turn_id: str) -> str:
    """What the report says, where it is this turn's and came without answers as data; a model may write it so."""
    first = bool(view.turns) and view.turns[0].id == turn_id
    return view.report.answer if first and view.report is not None and not view.answers else ""


def turn_answers(view: RunView, turn_id: str) -> list[Answer]:
    """The answers to what a turn asked. Those of the first turn have the names of its own questions."""
    further = {turn.id for turn in view.turns[1:]}
    return [a for a in view.answers if (a.question == turn_id if turn_id in further else a.question not in further)]


def turn_cells(view: RunView, turn_id: str) -> list[str]:
    """The ids of the notebook's cells that a turn added, in order."""
    return [cell.id for cell in view.cells if cell.versions[0].turn_id == turn_id]


def answers_json(run_id: str, answers: Sequence[Answer]) -> dict[str, Any]:
    """The answers to one question: how it came out, all of it as text, and each part with its values in full."""
    return {
        "run": run_id,
        "status": outcome(answers),
        "text": answers_text(answers),
        "answers": [_answer_json(answer) for answer in answers],
    }


def _answer_json(answer: Answer) -> dict[str, Any]:
    told = plain(answer)
    told["values"] = [
        {"name": v.name, "value": v.value, "unit": v.unit, "recomputed": v.recomputed and v.recomputed.verdict}
        for v in answer.values
    ]
    return {key: told[key] for key in ("part", "status", "text", "values", "evidence", "why", "offers")}
