"""The check that the notebook stands alone: it is run again in a fresh sandbox, and what comes out is compared."""

from __future__ import annotations

import asyncio

from artifacts.events import RunView
from artifacts.types import Match, Objection
from graphs.checks import CheckResult, Work
from graphs.state import Desk
from kernel_gateway.client import GatewayError
from notebooks.errors import NotebookError
from notebooks.reproduce import compare, reproduce

NAME = "re_execution"
NOT_DUE = "Not run again in a fresh sandbox: its cells come from tested templates. `gristmill runs reproduce` does it."
_SHOWN = 5  # differences that are told one by one


def is_due(desk: Desk, view: RunView) -> bool:
    """Cells that a model wrote are always run again; a template's tested ones when the run was asked to."""
    written = any("code" in x.tags and x.status == "ok" for x in view.executions)
    return desk.rerun == "always" or (desk.rerun == "written" and written)


async def run_again(desk: Desk, work: Work) -> CheckResult:
    """Run the notebook so far in a fresh sandbox, as a run of its own, and hold every difference against it.

    A sandbox that cannot be had, or that is lost, is a remark and no objection: it is not the work's fault.
    """
    try:
        again = await reproduce(desk.store, desk.session.host, desk.run_id)
    except (GatewayError, NotebookError) as error:
        return _not_done(str(error))
    if again.status == "cancelled":
        return _not_done("somebody cancelled it.")
    matches = await asyncio.to_thread(compare, desk.store, desk.run_id, again)
    apart = [
        (m, where)
        for m in matches
        if m.verdict in ("changed", "missing") and (where := _made_in(m, work.view)) not in work.replaced
    ]
    if not apart:
        detail = f"Run again in a fresh sandbox ({again.id}), all outputs that stand came out the same."
        return CheckResult(NAME, True, detail)
    found = tuple(_objection(m, where) for m, where in apart[:_SHOWN])
    detail = f"Run again in a fresh sandbox ({again.id}), {len(apart)} of {len(matches)} outputs came out otherwise."
    return CheckResult(NAME, False, detail, found)


def _not_done(why: str) -> CheckResult:
    remark = f"The notebook could not be run again in a fresh sandbox: {why}"
    return CheckResult(NAME, True, remark, remarks=(remark,))


def _made_in(match: Match, view: RunView) -> str:
    """The cell that made what a match is about."""
    name = match.name.split()[0]
    maker = next((a.execution_id for a in reversed(view.artifacts) if a.name == match.name), None)
    cell = next((x.cell for x in view.executions if x.id == maker), None)
    return cell or next((f.evidence.cell for f in view.findings if f.id == name), name)


def _objection(match: Match, where: str) -> Objection:
    return Objection(
        where=where,
        problem=f"run again in a fresh sandbox, {match.name} came out otherwise: {match.detail}.",
        mend="Seed chance, sort what has no order, use no clock, and rest on no file or variable that no cell makes.",
    )
