"""What each job is told: Markdown for a reader, with the facts in one fenced JSON block."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from artifacts.events import RunView
from artifacts.types import Execution, PlanStep, Task
from graphs.review.base import CheckResult
from graphs.state import TeamState
from graphs.tools.notebook import figures, shorten
from notebooks import projects
from notebooks.catalog import Template

_CELL_TEXT = 1_500
_ALL_TEXT = 40_000
_OPENING = {"toolkit", "open", "describe"}
_WIDE = 120  # columns beyond which a table is described to the coder by names and types only


def plan_brief(state: TeamState, templates: Sequence[Template]) -> str:
    """For the plan: the question, every column, the declared roles, and the templates."""
    facts = {
        "question": state["question"],
        "files": [told_table(t) for t in state["tables"]],
        "roles": state["roles"],
        "templates": {t.name: {"when": t.when, "parameters": [p.name for p in t.parameters]} for t in templates},
    }
    return f"# Plan the analysis\n\nThe question: {state['question']}\n\n{block(facts)}"


def ask_brief(question: str, tables: Sequence[dict[str, Any]], roles: Mapping[str, str]) -> str:
    """For an answer and no more: the question, every column and the declared roles."""
    facts = {"question": question, "files": [told_table(_narrow(t)) for t in tables], "roles": dict(roles)}
    return f"# Answer the question\n\nThe question: {question}\n\n{block(facts)}"


def code_brief(
    state: TeamState,
    templates: Sequence[Template],
    plan: Sequence[dict[str, Any]],
    objections: Sequence[dict[str, str]] = (),
) -> str:
    """For the coder: the steps to carry out now, and the objections to mend, if there are any.

    `plan` holds only what is still to be done, so it is empty when there are objections.
    """
    if objections:
        head = "# Mend what the reviewer objects to"
    elif plan == state["plan"]:
        head = "# Carry out the plan"
    else:
        head = "# Carry out these further steps"
    planned = {step["template"] for step in plan}
    facts = {
        "question": state["question"],
        "plan": [_step(s) for s in plan],
        "objections": objections,
        "files": [told_table(_narrow(t)) for t in state["tables"]],
        "roles": state["roles"],
        "templates": [_template(t) for t in templates if t.name in planned],
        "other_templates": [t.name for t in templates if t.name not in planned],
    }
    return f"{head}\n\n{block(facts)}"


def task_brief(state: TeamState, templates: Sequence[Template], title: str, brief: str, earlier: Sequence[str]) -> str:
    """For a task: what is to be done, what the tasks before it came to, and what an agent that writes cells is told."""
    step = PlanStep(title=title).model_dump()
    done = "\n".join(f"- {' '.join(said.split())}" for said in earlier)
    before = f"\n\nWhat was done before it:\n{done}" if done else ""
    head = f"# Your task: {title}\n\n{brief}{before}\n\nEnd by saying in a few sentences what came of it.\n\n"
    return head + code_brief({**state, "plan": []}, templates, [step])


def interpret_brief(state: TeamState, view: RunView, follow_ups_left: int) -> str:
    """For the interpretation: every finding, every cell and what it printed, and what the reviewer said before."""
    facts = {
        "question": state["question"],
        "roles": state["roles"],
        "plan": [_step(s) for s in state["plan"]],
        "findings": _findings(view),
        "answers": [answer.model_dump(mode="json", exclude_defaults=True) for answer in view.given],
        "coder_said": _closing(state),
        "cells": list(_cells(view)),
        **({"tasks": [_task(t) for t in view.tasks]} if view.tasks else {}),
        "objections": state.get("objections", []),
        "previous_report": state.get("report"),
        "follow_ups_left": follow_ups_left,
    }
    return f"# Interpret the findings\n\nThe question: {state['question']}\n\n{block(facts)}"


def review_brief(state: TeamState, view: RunView, checks: Sequence[CheckResult]) -> str:
    """For the review: the report, its findings, the checks that were made, and the code that was written."""
    facts = {
        "question": state["question"],
        "roles": state["roles"],
        "round": state["round"] + 1,
        "report": {key: value for key, value in state["report"].items() if value},
        "findings": _findings(view),
        "checks_passed": [c.name for c in checks if not _telling(c)],
        "checks": [{"name": c.name, "ok": c.ok, "detail": c.detail} for c in checks if _telling(c)],
        "figures": figures(view, view.executions),
        "earlier_objections": state.get("objections", []),
    }
    cells = "\n\n".join(_code(x) for x in view.executions if not _OPENING & set(x.tags))
    return f"# Review this work\n\n{block(facts)}\n\n# The cells\n\n{shorten(cells, _ALL_TEXT)}"


def _telling(check: CheckResult) -> bool:
    """Whether a check says more than that it found nothing: what was done again, and whether it was done."""
    return not check.ok or bool(check.remarks) or check.name in ("re_execution", "recomputed")


def project_note(view: RunView) -> str:
    """For the coder: what the project of a run has in its folder; empty for a run without one."""
    if projects.project_of(view) is None:
        return ""
    names = projects.given(a.name for a in view.artifacts if a.role == "input")
    there = f"There are: {', '.join(names[:50])}" if names else "It is empty"
    return (
        f"\n\nThe folder `{projects.FOLDER}/` is the project's. {there}. What you write there is kept for later runs."
    )


def block(facts: dict[str, Any]) -> str:
    """The facts as JSON. No backtick survives in it, so nothing in the data can close the fence."""
    facts = {key: value for key, value in facts.items() if value not in ((), [], {}, None)}
    return "```json\n" + json.dumps(facts, ensure_ascii=False, separators=(",", ":")).replace("`", "\\u0060") + "\n```"


def told_table(table: dict[str, Any]) -> dict[str, Any]:
    """A table without what goes without saying: nothing missing, all rows read, examples where all values are told."""
    usual = {"n_missing": 0, "in_all_rows": True, "sampled": False}
    columns = [
        {
            k: v[:3] if k == "examples" else v
            for k, v in c.items()
            if v != [] and usual.get(k, ...) != v and not _known(k, c)
        }
        for c in table["columns"]
    ]
    return {**{k: v for k, v in table.items() if usual.get(k, ...) != v}, "columns": columns}


def _known(key: str, column: Mapping[str, Any]) -> bool:
    """Whether a fact follows from the list of a column's values."""
    values = column.get("values") or ()
    return bool(values) and (key == "examples" or (key == "n_unique" and column["n_unique"] == len(values)))


def _step(step: Mapping[str, Any]) -> dict[str, Any]:
    """A step of the plan without what it leaves open."""
    return {key: value for key, value in step.items() if value and key != "cells"}


def _template(template: Template) -> dict[str, Any]:
    return {
        "name": template.name,
        "description": template.description,
        "when": template.when,
        "parameters": [
            {"name": p.name, "type": p.type, "default": p.default, "help": p.help} for p in template.parameters
        ],
    }


def _narrow(table: dict[str, Any]) -> dict[str, Any]:
    if len(table["columns"]) <= _WIDE:
        return table
    return {**table, "columns": [{"name": c["name"], "dtype": c["dtype"]} for c in table["columns"]]}


def _task(task: Task) -> dict[str, Any]:
    told = task.model_dump(mode="json", include={"id", "title", "agent", "status", "result", "cells"})
    return told | ({"conflicts": [c.text for c in task.conflicts]} if task.conflicts else {})


def _findings(view: RunView) -> list[dict[str, Any]]:
    return [f.model_dump(mode="json", exclude_defaults=True) for f in view.findings]


def _closing(state: TeamState) -> str:
    """What the coder said when it ended its work."""
    last = state["messages"][-1] if state.get("messages") else {}
    return str(last.get("content") or "") if last.get("role") == "assistant" and not last.get("tool_calls") else ""


def _cells(view: RunView) -> Iterable[dict[str, Any]]:
    left = _ALL_TEXT
    for x in (x for x in view.executions if not _OPENING & set(x.tags)):
        text = shorten(x.text, min(_CELL_TEXT, max(left, 0)))
        left -= len(text)
        told: dict[str, Any] = {"cell": x.cell, "title": x.title, "text": text}
        if x.error or x.status != "ok":
            told["failed"] = f"{x.error.name}: {x.error.value}" if x.error else x.status
        if drawn := figures(view, [x]):
            told["figures"] = drawn
        yield told


def _code(x: Execution) -> str:
    shown = x.code if "code" in x.tags else f"# a template's cell: {', '.join(x.tags)}"
    # Fenced by tildes: code and outputs often hold backticks.
    text = shorten(x.text, _CELL_TEXT)
    fence = max(["~~~", *re.findall(r"~+", f"{shown}{text}")], key=len) + "~"  # longer than any that the data hold
    return f"## {x.cell} {x.title} ({x.status})\n{fence}python\n{shown}\n{fence}\n{fence}\n{text}\n{fence}"
