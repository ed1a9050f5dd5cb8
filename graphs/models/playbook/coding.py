"""The playbook at work: the next template to run, from the plan and from how the earlier ones came out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphs.models.playbook import Reply
from graphs.models.playbook.facts import Facts


def next_step(facts: Facts) -> Reply:
    """The first step of the plan that has not been done: a query that answers a part of the question, or a template,
    which is run once more, narrower, where it fails, and then left."""
    if facts.objections:
        held = "; ".join(f"{o.get('where', '')}: {o.get('problem', '')}" for o in facts.objections)
        left = "what they concern is left out or named"
        return f"No rule of mine writes other cells for these objections ({held}); {left}.", None, None
    results, failed = iter(facts.results), list[str]()
    for step in facts.plan:
        name, title, query = step.get("template"), str(step.get("title", "")), step.get("query")
        if query and next(results, None) is None:
            asked = {"part": step["part"], "query": query, "title": title[:100]}
            return f"I answer “{title}” first.", "ask_table", asked
        if query or not name:
            continue
        said = f"{title}."
        parameters: dict[str, Any] | None = dict(step.get("parameters") or {})
        while parameters is not None:
            if (result := next(results, None)) is None:
                return said, "run_template", {"name": name, "parameters": parameters, "title": title}
            if result.get("ok"):
                break
            failure = f"{title} ({_error(result)})"
            said = f"{title} failed ({_error(result)}). I run it once more, narrower."
            parameters = _narrower(parameters, result)
        else:
            failed.append(failure)
    if failed:
        return f"Left undone, since it failed and no rule of mine mends it: {'; '.join(failed)}.", None, None
    return "Nothing is left of the plan.", None, None


def _narrower(parameters: dict[str, Any], result: Mapping[str, Any]) -> dict[str, Any] | None:
    """The same with less to do; None where less would not help, as when a column or the file itself is the trouble."""
    error = result.get("error") or {}
    if error.get("name") in ("ValueError", "KeyError", "FileNotFoundError", "ParameterError", "UnknownTemplate"):
        return None
    few = {k: v[:1] for k, v in parameters.items() if isinstance(v, list) and len(v) > 1}
    return parameters | few | {"max_findings": 1} if "max_findings" not in parameters else None


def _error(result: Mapping[str, Any]) -> str:
    error = result.get("error") or {}
    first = str(error.get("value", "")).strip().splitlines()
    return f"{error.get('name', 'an error')}: {first[0][:160]}" if first else str(error.get("name", "an error"))
