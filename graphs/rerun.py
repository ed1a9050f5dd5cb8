"""The check that the notebook stands alone: it is run again in a fresh sandbox, and what comes out is compared."""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from artifacts.events import Compared, Progressed, RunView
from artifacts.store import Store, StoreError
from artifacts.threads import in_own_thread
from artifacts.types import Execution, Match, Objection
from graphs.review.base import CheckResult, Work
from graphs.state import Desk
from kernel_gateway.client import GatewayError, Host
from notebooks.errors import NotebookError
from notebooks.pictures import glance
from notebooks.reproduce import FINISHED, said, texts
from notebooks.runner import run_notebook
from notebooks.session import Session
from notebooks.watching import seen, watch

NAME = "re_execution"
UNSEEN = (
    "Chance without a seed, rows that a join repeats or that are left out, what was learnt from rows that are tested, "
    "families of tests and the axes of charts were not looked at."
)
"""What only a second run shows."""
TURNED_OFF = f"Not run again in a fresh sandbox: that was turned off. {UNSEEN}"
_SHOWN = 5  # cells, and differences of one cell, that are told one by one

_MENDS = tuple(
    (re.compile(pattern), mend)
    for pattern, mend in (
        (
            r"\brandom\.(?!seed|default_rng\(\d)\w|default_rng\(\)"
            r"|(?:sample|shuffle|train_test_split|KMeans|bootstrap)\((?![^)]*random_state)",
            "Seed its chance: random_state=0, or numpy.random.default_rng(0).",
        ),
        (r"\btime\.|perf_counter|\.now\(|\.today\(|utcnow", "Put nothing out that comes from a clock."),
        (r"(?<!\.)\b(?:frozen)?set\(|listdir|glob|iterdir|scandir|as_completed", "Sort what has no order of its own."),
        (r"uuid|getpid|\bid\(|\bhash\(|urandom|secrets", "Put nothing out that each process makes anew."),
    )
)
_ANY_MEND = "Seed chance, sort what has no order, use no clock, and rest on no file or variable that no cell makes."


async def run_again(desk: Desk, work: Work, step_id: str) -> tuple[CheckResult, bool]:
    """Have the notebook so far run again in a fresh sandbox, and hold every difference against it.

    The second value says whether that was done: not where it was turned off, nor where a sandbox could not be had or
    was lost, which is told and is not the work's fault.
    """
    if desk.again is None:
        return CheckResult(NAME, True, TURNED_OFF), False

    async def tell(done: int, of: int) -> None:
        what = "Running it again"
        await desk.emit(Progressed(run_id=desk.run_id, step_id=step_id, what=what, done=done, of=of, unit="cells"))

    try:
        matches = await desk.again.matches(work.view, tell)
    except (GatewayError, NotebookError, StoreError) as error:
        return CheckResult(NAME, True, f"The notebook could not be run again in a fresh sandbox: {error}"), False
    await desk.emit(Compared(run_id=desk.run_id, step_id=step_id, matches=tuple(matches)))
    apart = [(where, m) for m in matches if m.verdict in ("changed", "missing") and (where := _made_in(m, work.view))]
    standing = [(where, m) for where, m in apart if where not in work.replaced]
    cells = sum(x.status in FINISHED for x in work.view.executions)
    same = f"all that {'stands of ' if apart else ''}its {cells} cells made came out the same"
    return _judged(standing, work, same), True


async def run_file(store: Store, host: Host, path: Path, files: Mapping[str, Path]) -> tuple[RunView, Any]:
    """Run a notebook file in a fresh sandbox that holds the given files, as a run of its own, and watch its cells.

    Gives the run and what was seen (see `notebooks.watching`). Raises NotebookError or GatewayError where it cannot be
    run at all.
    """
    sessions: list[Session] = []
    told: list[Any] = []

    async def opened(session: Session) -> None:
        sessions.append(session)
        await leases.enter_async_context(session.leased())
        await watch(session)

    async def closing(_: Session) -> None:
        told.extend([await seen(session) for session in sessions])

    async with contextlib.AsyncExitStack() as leases:
        run = await run_notebook(store, host, path, {}, files=files, opened=opened, closing=closing)
    return await in_own_thread(store.view, run.id), (told[0] if told else None)


def not_done(why: str) -> CheckResult:
    """The result where a notebook could not be run again: a remark, and the other checks stand."""
    remark = f"It was not run again in a fresh sandbox, and was only read: {why} {UNSEEN}"
    return CheckResult(NAME, True, remark, remarks=(remark,))


def hindered(view: RunView) -> str | None:
    """Why a notebook could not be run again through no fault of its own; None where it could.

    A sandbox that was lost, a package that the sandbox does not have, a file that was not given.
    """
    if not view.executions:
        return view.error or "its sandbox was lost."
    error = view.executions[-1].error
    if error is not None and error.name in ("ModuleNotFoundError", "FileNotFoundError"):
        what = "has not the packages" if error.name == "ModuleNotFoundError" else "was not given the files"
        return f"the sandbox {what} that it needs ({error.value[:120]})."
    return None


def beside(work: Work, again: RunView, read: Callable[[str], bytes]) -> CheckResult:
    """What a notebook's cells put out, as text and as plots, beside what they put out when it was run again.

    `read` gives the bytes of an artifact of the second run. Plots are compared as `notebooks.pictures.glance` does,
    since the notebook may come from another environment.
    """
    apart: list[tuple[str, Match]] = []
    unseen: list[str] = []
    ran = [x for x in again.executions if x.code.strip()]
    for place, cell in enumerate(work.view.executions):
        if place >= len(ran) or ran[place].status != "ok":
            error = ran[place].error if place < len(ran) else None
            why = f"{error.name}: {error.value[:120]}" if error else again.error or "it did not run"
            apart.append((cell.cell, Match(name=cell.cell, verdict="missing", detail=why)))
            break
        if cell.outputs and (detail := texts(said(cell), said(ran[place]))):
            apart.append((cell.cell, Match(name=cell.cell, verdict="changed", detail=detail)))
        before, after = _pictures(cell, read), _pictures(ran[place], read)
        if before and len(before) != len(after):
            detail = f"{len(before)} became {len(after)}"
            apart.append((cell.cell, Match(name="its plots", verdict="changed", detail=detail)))
            continue
        for number, (one, other) in enumerate(zip(before, after, strict=False), 1):
            name = "its plot" if len(before) == 1 else f"its plot {number}"
            if (seen := glance(one, other)) is None:
                unseen.append(f"{cell.cell}: {name} has another shape than in the fresh sandbox and was not compared.")
            elif seen:
                apart.append((cell.cell, Match(name=name, verdict="changed", detail=seen)))
    return replace(_judged(apart, work, "every cell came out the same"), remarks=tuple(unseen))


def _pictures(cell: Execution, read: Callable[[str], bytes]) -> list[bytes]:
    """The pictures that a cell displayed, one for each display: those of a notebook are text in its outputs."""
    shown = []
    for output in cell.outputs:
        for mime in ("image/png", "image/jpeg"):
            if mime in output.artifacts:
                shown.append(read(output.artifacts[mime]))
                break
            if isinstance(encoded := output.data.get(mime), str | list):
                with contextlib.suppress(ValueError):  # no base64: no picture
                    shown.append(base64.b64decode("".join(encoded)))
                break
    return shown


def _judged(apart: Sequence[tuple[str, Match]], work: Work, same: str) -> CheckResult:
    """The result of the check: an objection for each cell (the first few) of which something came out otherwise."""
    cells: dict[str, list[Match]] = {}
    for where, match in apart:
        cells.setdefault(where, []).append(match)
    found = tuple(_objection(where, held, work.cells.get(where)) for where, held in list(cells.items())[:_SHOWN])
    more = f" The first {_SHOWN} are objected to." if len(cells) > _SHOWN else ""
    told = f"what {len(cells)} cells made came out otherwise.{more}" if cells else f"{same}."
    return CheckResult(NAME, not cells, f"Run again in a fresh sandbox: {told}", found)


def _made_in(match: Match, view: RunView) -> str:
    """The cell that made what a match is about."""
    name = match.name.split()[0]
    maker = next((a.execution_id for a in reversed(view.artifacts) if a.name == match.name), None)
    cell = next((x.cell for x in view.executions if x.id == maker), None)
    return cell or next((f.evidence.cell for f in view.findings if f.id == name), name)


def _objection(where: str, apart: Sequence[Match], cell: Execution | None) -> Objection:
    told = "; ".join(f"{'its output' if m.name == where else m.name}: {m.detail}" for m in apart[:_SHOWN])
    more = f"; and {len(apart) - _SHOWN} more" if len(apart) > _SHOWN else ""
    causes = [mend for pattern, mend in _MENDS if cell is not None and pattern.search(cell.code)]
    return Objection(
        where=where,
        problem=f"run again in a fresh sandbox, it came out otherwise ({told}{more}).",
        mend=" ".join(causes) or _ANY_MEND,
    )
