"""The playbook as reviewer: what a rule can hold against a report, after the deterministic checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphs.models.playbook import Reply
from graphs.models.playbook.facts import Facts


def give_review(facts: Facts) -> Reply:
    """Fail what fails a check or contradicts its own warnings; else pass, with what a reader should keep in mind."""
    objections = [
        {
            "where": str(check.get("name", "check")),
            "problem": str(check.get("detail") or "This check fails."),
            "mend": "Leave out what the check names, or report it again from a cell that passes.",
        }
        for check in facts.checks
        if not check.get("ok")
    ]
    objections += list(_contradictions(facts))
    remarks = list(_remarks(facts))
    verdict = "fail" if objections else "pass_with_remarks" if remarks else "pass"
    said = f"{sum(bool(c.get('ok')) for c in facts.checks)} of {len(facts.checks)} checks hold."
    return said, "give_review", {"verdict": verdict, "remarks": remarks, "objections": objections[:5]}


def _headlines(facts: Facts) -> list[dict[str, Any]]:
    by_id = {f["id"]: f for f in facts.findings}
    order = facts.report.get("order") or facts.report.get("findings") or ()
    ids = [i["id"] if isinstance(i, dict) else i for i in order]
    return [dict(by_id[i]) for i in ids if i in by_id]


def _contradictions(facts: Facts) -> Iterator[dict[str, str]]:
    shown = _headlines(facts)
    for warning in (f for f in facts.findings if f["kind"] == "simpsons_paradox"):
        roles = warning.get("roles") or {}
        pair = {roles.get("factor"), roles.get("outcome")}
        if warning["id"] in {f["id"] for f in shown}:
            continue
        for claim in shown:
            if claim["type"] == "claim" and set(claim["columns"]) == pair:
                yield {
                    "where": str(claim["id"]),
                    "problem": f"It reports the pooled relation, which {warning['id']} shows to flip within groups.",
                    "mend": f"Report {warning['id']} in its place.",
                }


def _remarks(facts: Facts) -> Iterator[str]:
    shown = _headlines(facts)
    small = [f for f in shown if isinstance(f.get("n"), int) and f["n"] < 100 and f["type"] == "claim"]
    if small:
        yield f"{', '.join(str(f['id']) for f in small)}: fewer than 100 rows, so the intervals are wide."
    if any(f["type"] == "claim" for f in shown) and "assignment" not in facts.roles:
        yield "The findings describe what goes together in these rows; they do not show causes."
