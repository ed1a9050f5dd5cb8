"""The playbook at work: the next template to run, from the plan and from how the earlier ones came out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphs.models.base import Message
from graphs.models.playbook.facts import Facts


@dataclass(frozen=True)
class Next:
    """The next call, or nothing more to do; and what the playbook says about it."""

    said: str
    arguments: dict[str, Any] | None = None
    tool: str = "run_template"


def next_step(facts: Facts, messages: Sequence[Message]) -> Next:
    """The first step of the plan that has not been done: a query that answers a part of the question, or a template,
    which is run once more, narrower, where it fails, and then left."""
    if facts.objections:
        return Next(_about(facts))
    results = _results(messages)
    done = 0
    failed = list[str]()
    for step in facts.plan:
        name, title = step.get("template"), str(step.get("title", ""))
        if query := step.get("query"):
            if done == len(results):
                said = f"I answer “{title}” first."
                return Next(said, {"part": step["part"], "query": query, "title": title[:100]}, "ask_table")
            done += 1
            continue
        if not name:
            continue
        wanted = dict(step.get("parameters") or {})
        if done == len(results):
            return Next(f"{title}.", {"name": name, "parameters": wanted, "title": title})
        result, done = results[done], done + 1
        if result.get("ok"):
            continue
        retry = narrower(wanted, result)
        if retry is not None:
            if done == len(results):
                why = f"{title} failed ({_error(result)}). I run it once more, narrower."
                return Next(why, {"name": name, "parameters": retry, "title": title})
            result, done = results[done], done + 1
        if not result.get("ok"):
            failed.append(f"{title} ({_error(result)})")
    said = "Nothing is left of the plan."
    if failed:
        said = f"Left undone, since it failed and no rule of mine mends it: {'; '.join(failed)}."
    return Next(said)


def narrower(parameters: dict[str, Any], result: dict[str, Any]) -> dict[str, Any] | None:
    """The same with less to do; None where less would not help, as when a column or the file itself is the trouble."""
    error = result.get("error") or {}
    if error.get("name") in ("ValueError", "KeyError", "FileNotFoundError", "ParameterError", "UnknownTemplate"):
        return None
    few = {k: v[:1] for k, v in parameters.items() if isinstance(v, list) and len(v) > 1}
    return parameters | few | {"max_findings": 1} if "max_findings" not in parameters else None


def _about(facts: Facts) -> str:
    held = "; ".join(f"{o.get('where', '')}: {o.get('problem', '')}" for o in facts.objections)
    return f"No rule of mine writes other cells for these objections ({held}); what they concern is left out or named."


def _error(result: dict[str, Any]) -> str:
    error = result.get("error") or {}
    first = str(error.get("value", "")).strip().splitlines()
    return f"{error.get('name', 'an error')}: {first[0][:160]}" if first else str(error.get("name", "an error"))


def _results(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The results of the tool calls so far, in order; one that is not JSON counts as failed."""
    found = list[dict[str, Any]]()
    for message in messages:
        if message.role == "tool":
            try:
                result = json.loads(message.content)
            except json.JSONDecodeError:
                # A long conversation has old results cut short, which was after they had been acted on
                result = {"ok": '"ok": true' in message.content or '"ok":true' in message.content}
            found.append(result if isinstance(result, dict) else {"ok": False})
    return found
