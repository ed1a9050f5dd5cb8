"""The playbook as reviewer: what a rule can hold against a report, after the deterministic checks."""

from __future__ import annotations

from graphs.models.playbook import Reply
from graphs.models.playbook.facts import Facts


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
