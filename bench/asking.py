"""Puts many questions to the workbench in one process, so many at a time, and keeps what each run said."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from artifacts.store import Store
from artifacts.types import Run
from graphs.errors import InputError
from graphs.request import Request
from graphs.workbench import Workbench
from notebooks.export import findings_json, report_md

PATIENCE = 600
"""Seconds after which a run is given up."""


@dataclass(frozen=True)
class Ask:
    """One question of some files; `id` names the folder that receives the findings."""

    id: str
    question: str
    files: tuple[Path, ...]
    roles: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """How a question ended. `same` and `remade` are None unless it was asked again."""

    id: str
    status: str
    seconds: float
    findings: int = 0
    error: str = ""
    same: bool | None = None
    remade: bool | None = None
    changed: tuple[str, ...] = ()


async def ask_all(
    asks: Sequence[Ask], home: Path, out: Path, *, jobs: int, again: int, tell: Callable[[str], None]
) -> list[Answer]:
    """Answer every question, `jobs` at a time over one gateway, and the first `again` of them a second time.

    Writes `out/<id>/findings.json` and `report.md`. Asked again means: the same request as a new run, whose
    findings.json must be the same bytes, and whose review runs the notebook again, where nothing may change.
    """
    answers: list[Answer] = []
    gate = asyncio.Semaphore(jobs)

    with Store.open(home) as store:
        workbench = Workbench(store, limit=jobs)

        async def one(place: int, ask: Ask) -> None:
            async with gate:
                answer = await _answer(store, workbench, ask, out, again=place < again)
            answers.append(answer)
            told = f"{answer.findings} findings" if answer.status == "done" else f"{answer.status}: {answer.error}"
            twice = (
                ""
                if answer.same is None
                else f", again {'the same' if answer.same and answer.remade else 'NOT the same'}"
            )
            tell(f"[{len(answers):3d}/{len(asks)}] {ask.id:<14} {answer.seconds:5.1f} s  {told}{twice}")

        try:
            await asyncio.gather(*(one(place, ask) for place, ask in enumerate(asks)))
        finally:
            await workbench.close()
    return sorted(answers, key=lambda a: a.id)


async def _answer(store: Store, workbench: Workbench, ask: Ask, out: Path, *, again: bool) -> Answer:
    began = time.perf_counter()
    try:
        run = await _run(workbench, ask)
    except InputError as error:
        return Answer(ask.id, "refused", time.perf_counter() - began, error=str(error))
    seconds = time.perf_counter() - began
    view = store.view(run.id)
    if run.status != "done":
        return Answer(ask.id, run.status, seconds, error=view.error or "no reason recorded")
    folder = out / ask.id
    folder.mkdir(parents=True, exist_ok=True)
    said = findings_json(view)
    (folder / "findings.json").write_text(said)
    (folder / "report.md").write_text(report_md(view))
    if not again:
        return Answer(ask.id, "done", seconds, len(view.findings))
    second = store.view((await _run(workbench, ask, rerun=True)).id)
    compared = second.comparison
    changed = [m for m in (compared.matches if compared else ()) if m.verdict not in ("identical", "equal")]
    return Answer(
        ask.id,
        "done",
        seconds,
        len(view.findings),
        same=findings_json(second) == said,
        remade=second.run.status == "done" and compared is not None and not changed,
        changed=tuple(f"{m.name}: {m.verdict} {m.detail}".strip() for m in changed),
    )


async def _run(workbench: Workbench, ask: Ask, *, rerun: bool = False) -> Run:
    """The run, ended; one that takes longer than `PATIENCE` is cancelled and so counts as failed."""
    request = Request(question=ask.question, files=ask.files, roles=ask.roles, model="playbook", rerun=rerun)
    run = await workbench.start(request)
    try:
        return await asyncio.wait_for(workbench.wait(run.id), PATIENCE)
    except TimeoutError:
        return await workbench.cancel(run.id)
