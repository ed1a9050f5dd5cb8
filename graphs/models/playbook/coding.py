"""The playbook at work: the next template to run, from the plan and from how the earlier ones came out; and what a rule
can hold against a report, after the deterministic checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphs.models.playbook import Reply
from graphs.models.playbook.facts import Facts


def next_step(facts: Facts) -> Reply:
    """The first step of the plan that has not been done: a query that answers a part of the question, or a template.
    What fails is named and left."""
    if facts.objections:
        held = "; ".join(f"{o.get('where', '')}: {o.get('problem', '')}" for o in facts.objections)
        left = "what they concern is left out or named"
        return f"No rule of mine writes other cells for these objections ({held}); {left}.", None, None
    results, failed = iter(facts.results), list[str]()
    for step in facts.plan:
        name, title, query = step.get("template"), str(step.get("title", "")), step.get("query")
        if not query and not name:
            continue
        if (result := next(results, None)) is not None:
            failed += [f"{title} ({_error(result)})"] if name and not query and not result.get("ok") else []
        elif query:
            asked = {"part": step["part"], "query": query, "title": title[:100]}
            return f"I answer “{title}” first.", "ask_table", asked
        else:
            asked = {"name": name, "parameters": dict(step.get("parameters") or {}), "title": title}
            return f"{title}.", "run_template", asked
    if failed:
        return f"Left undone, since it failed and no rule of mine mends it: {'; '.join(failed)}.", None, None
    return "Nothing is left of the plan.", None, None


def _error(result: Mapping[str, Any]) -> str:
    error = {"name": "an error", "value": ""} | (result.get("error") or {})
    return f"{error['name']}: {str(error['value']).strip().partition('\n')[0][:160]}".removesuffix(": ")


def give_review(facts: Facts) -> Reply:
    """Fail what fails a check or contradicts its own warnings; else pass, with what a reader should keep in mind."""
    mend = "Leave out what the check names, or report it again from a cell that passes."
    objections = [
        {"where": str(c.get("name", "check")), "problem": str(c.get("detail") or "This check fails."), "mend": mend}
        for c in facts.checks
        if not c.get("ok")
    ]
    told = facts.report.get("order") or facts.report.get("findings") or ()
    shown = {i["id"] if isinstance(i, dict) else i for i in told}
    claims = [f for f in facts.findings if f["id"] in shown and f["type"] == "claim"]
    for turn in (f for f in facts.findings if f["kind"] == "simpsons_paradox" and f["id"] not in shown):
        pair = {turn["roles"].get("factor"), turn["roles"].get("outcome")}
        problem = f"It reports the pooled relation, which {turn['id']} shows to flip within groups."
        pooled = [str(c["id"]) for c in claims if set(c["columns"]) == pair]
        objections += [{"where": c, "problem": problem, "mend": f"Report {turn['id']} in its place."} for c in pooled]
    causes = "The findings describe what goes together in these rows; they do not show causes."
    remarks = [causes] if claims and "assignment" not in facts.roles else []
    verdict = "fail" if objections else "pass_with_remarks" if remarks else "pass"
    said = {"fail": "The work does not hold.", "pass": "The work holds."}.get(verdict, "The work holds, with remarks.")
    return said, "give_review", {"verdict": verdict, "remarks": remarks, "objections": objections[:5]}
