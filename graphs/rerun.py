"""The check that the notebook stands alone: it is run again in a fresh sandbox, and what comes out is compared."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from artifacts.events import RunView
from artifacts.store import Store
from artifacts.types import Execution, Match, Objection
from graphs.checks import CheckResult, Work
from graphs.state import Desk
from kernel_gateway.client import GatewayError, Host
from notebooks.errors import NotebookError
from notebooks.outputs import merged
from notebooks.reproduce import reproduce, texts
from notebooks.runner import run_notebook

NAME = "re_execution"
_SHOWN = 5  # differences that are told one by one


def is_due(desk: Desk, view: RunView) -> bool:
    """Cells that a model wrote are always run again; a template's tested ones when the run was asked to."""
    return desk.rerun == "always" or (desk.rerun == "written" and _written(view))


def _written(view: RunView) -> bool:
    return any("code" in x.tags and x.status == "ok" for x in view.executions)


def untold(view: RunView) -> str:
    """What the reader is told of a notebook that was not run again."""
    why = "" if _written(view) else ": its cells come from tested templates"
    return f"Not run again in a fresh sandbox{why}. `gristmill runs reproduce` does it."


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
    remade = await asyncio.to_thread(desk.store.view, again.id)
    if remade.comparison is None:
        return _not_done(remade.error or "it ended before anything could be compared.")
    matches = remade.comparison.matches
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


async def run_file(store: Store, host: Host, path: Path, files: Mapping[str, Path]) -> RunView:
    """Run a notebook file in a fresh sandbox that holds the given files, as a run of its own.

    Raises NotebookError or GatewayError where it cannot be run at all.
    """
    run = await run_notebook(store, host, path, {}, files=files)
    return await asyncio.to_thread(store.view, run.id)


def beside(work: Work, again: RunView) -> CheckResult:
    """What a notebook's cells put out, as text, beside what they put out when it was run again."""
    apart: list[tuple[Match, str]] = []
    ran = [x for x in again.executions if x.code.strip()]
    for place, cell in enumerate(work.view.executions):
        if place >= len(ran) or ran[place].status != "ok":
            error = ran[place].error if place < len(ran) else None
            why = f"{error.name}: {error.value[:120]}" if error else again.error or "it did not run"
            apart.append((Match(name="its output", verdict="missing", detail=why), cell.cell))
            break
        if cell.outputs and (detail := texts(_said(cell), _said(ran[place]))):
            apart.append((Match(name="its output", verdict="changed", detail=detail), cell.cell))
    found = tuple(_objection(m, where) for m, where in apart[:_SHOWN])
    told = f"{len(apart)} cells came out otherwise" if apart else "every cell came out the same"
    return CheckResult(NAME, not apart, f"Run again in a fresh sandbox, {told}.", found)


def _said(cell: Execution) -> str:
    """What a cell put out as text, warnings apart."""
    return "\n".join(o.text for o in merged(cell.outputs) if o.kind != "stderr")


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
