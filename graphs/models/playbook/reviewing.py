"""The playbook as reviewer: what a rule can hold against a report, after the deterministic checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graphs.models.playbook import Reply
from graphs.models.playbook.facts import Facts, Finding


def give_review(facts: Facts) -> Reply:
    """Fail what fails a check or contradicts its own warnings; else pass, with what a reader should keep in mind."""
    mend = "Leave out what the check names, or report it again from a cell that passes."
    objections = [
        {"where": str(c.get("name", "check")), "problem": str(c.get("detail") or "This check fails."), "mend": mend}
        for c in facts.checks
        if not c.get("ok")
    ]
    by_id = {f["id"]: f for f in facts.findings}
    order = [
        i["id"] if isinstance(i, dict) else i for i in facts.report.get("order") or facts.report.get("findings") or ()
    ]
    claims = [by_id[i] for i in order if i in by_id and by_id[i]["type"] == "claim"]
    objections += _contradictions(facts, claims, order)
    remarks = list(_remarks(facts, claims))
    verdict = "fail" if objections else "pass_with_remarks" if remarks else "pass"
    said = f"{sum(bool(c.get('ok')) for c in facts.checks)} of {len(facts.checks)} checks hold."
    return said, "give_review", {"verdict": verdict, "remarks": remarks, "objections": objections[:5]}


def _contradictions(facts: Facts, claims: Sequence[Finding], shown: Sequence[str]) -> Iterator[dict[str, str]]:
    for warning in (f for f in facts.findings if f["kind"] == "simpsons_paradox" and f["id"] not in shown):
        pair = {warning["roles"].get("factor"), warning["roles"].get("outcome")}
        problem = f"It reports the pooled relation, which {warning['id']} shows to flip within groups."
        for claim in (c for c in claims if set(c["columns"]) == pair):
            yield {"where": str(claim["id"]), "problem": problem, "mend": f"Report {warning['id']} in its place."}


def _remarks(facts: Facts, claims: Sequence[Finding]) -> Iterator[str]:
    small = [str(f["id"]) for f in claims if isinstance(f.get("n"), int) and f["n"] < 100]
    if small:
        yield f"{', '.join(small)}: fewer than 100 rows, so the intervals are wide."
    if claims and "assignment" not in facts.roles:
        yield "The findings describe what goes together in these rows; they do not show causes."
