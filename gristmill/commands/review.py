"""`gristmill review`: the reviewer's checks of any notebook, with the cell and the mend for each objection."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gristmill.commands.common import as_json, emit, isolation, pairs, speaks
from gristmill.terminal import progress

if TYPE_CHECKING:
    from artifacts.events import Event, Reviewed, RunView
    from graphs.review.base import CheckResult
    from gristmill.settings import Settings
    from kernel_gateway.client import Host

ROLES = ("target", "time", "unit", "assignment")


@click.command("review")
@click.argument("notebook", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--ask", "question", default="", metavar="QUESTION", help="What the notebook is to answer.")
@click.option("--role", "roles", multiple=True, metavar="ROLE=COLUMN", help="Target, time, unit or assignment.")
@click.option(
    "--rerun/--no-rerun",
    default=None,
    help="Whether to run it again in a fresh sandbox, compare what its cells put out and watch what they do "
    "(default: GRISTMILL_RERUN, or yes).",
)
@isolation
@as_json
@speaks
async def command(
    notebook: Path, files: tuple[Path, ...], question: str, roles: tuple[str, ...], rerun: bool | None, as_json: bool
) -> int:
    """Review a NOTEBOOK of your own: leaks, many tests, rows lost, numbers in its prose that no cell printed, and more.

    FILES are the data that it may read; without any, the data files beside it that its cells name. Exit status: 0
    passed, 1 objected to, 2 misused.
    """
    named = pairs(roles, "ROLE=COLUMN")
    if unknown := sorted(set(named) - set(ROLES)):
        raise click.UsageError(f"There is no role {unknown[0]!r}; it can be {', '.join(ROLES)}.")
    import asyncio
    from dataclasses import replace

    from gristmill.errors import Misuse
    from gristmill.settings import load
    from notebooks.catalog import read

    settings = load()
    progress.doing("reading the notebook and its files")
    if missing := [f for f in files if not f.is_file()]:
        raise Misuse(f"There is no file {missing[0]}.")
    nb = await asyncio.to_thread(read, notebook)
    from graphs.rerun import TURNED_OFF
    from graphs.review import notebook as mapping
    from graphs.review.checks import run_checks
    from graphs.review.watch.observed import observed

    given = await asyncio.to_thread(mapping.given_files, nb, notebook, files)
    extra: list[CheckResult] = []
    told, ran, held = None, False, frozenset[tuple[str, int]]()
    again = settings.rerun if rerun is None else rerun
    if again:
        nb, extra, told, held = await _again(settings, notebook, nb, given, question, named)
        ran = told is not None
    if not mapping.has_run(nb) and not ran:
        why = extra[0].detail if again else "Run and save it first, or have it run with --rerun."
        raise Misuse(f"{notebook} holds no outputs to review. {why}")
    work = mapping.work_of(nb, given, question=question, roles=named)
    work = replace(work, observed=observed(told, work.view.executions), recomputed=held)
    progress.doing("checking it")
    checks = [*await asyncio.to_thread(run_checks, work), *extra]
    verdict = _judged(checks, [] if again else [TURNED_OFF])
    _tell(verdict, nb, notebook, given, as_json=as_json)
    return 1 if verdict.verdict == "fail" else 0


async def _again(
    settings: Settings, path: Path, nb: Any, given: dict[str, Path], question: str, roles: dict[str, str]
) -> tuple[Any, list[CheckResult], Any, frozenset[tuple[str, int]]]:
    """The notebook with the outputs of a fresh run where it had none, how that run compares with those it had and what
    the input files give for its prose, what was seen of it, and which of its numbers were held against the files. Where
    it cannot be run, that is a remark."""

    from graphs import rerun
    from kernel_gateway.client import GatewayError, find_host, stop_host
    from notebooks.errors import NotebookError

    try:
        progress.doing("starting a sandbox to run it again in (--no-rerun leaves that out)")
        host = await find_host(settings.home, isolation=settings.isolation)
        try:
            return await _run(host, path, nb, given, question, roles)
        finally:
            await stop_host(host, settings.home)
    except (GatewayError, NotebookError) as error:
        return nb, [rerun.not_done(str(error))], None, frozenset()


async def _run(
    host: Host, path: Path, nb: Any, given: dict[str, Path], question: str, roles: dict[str, str]
) -> tuple[Any, list[CheckResult], Any, frozenset[tuple[str, int]]]:
    import asyncio
    import tempfile

    from artifacts import listeners
    from artifacts.store import Store
    from graphs import rerun
    from graphs.review import notebook as mapping
    from graphs.review.recompute import recompute
    from graphs.review.values import elsewhere
    from notebooks.export import notebook as exported

    brought = {n: p for n, p in given.items() if not n.startswith(("/", ".."))}
    # a store of its own, since a review leaves no run behind
    with tempfile.TemporaryDirectory(prefix="gristmill-") as folder, Store.open(Path(folder)) as store:
        cells, begun = sum(c.cell_type == "code" and bool(c.source.strip()) for c in nb.cells), 0

        def tell(_: Event) -> None:
            nonlocal begun
            begun += 1
            progress.doing(f"running it again, cell {begun} of {cells}")

        store.announce()
        unheard = listeners.on("execution_started", tell)
        try:
            view, told = await rerun.run_file(store, host, path, brought)
        finally:
            unheard()
        progress.doing("comparing what came out, and computing its numbers again from the files")
        told = told or {}
        had_run = mapping.has_run(nb)
        if (why := rerun.hindered(view)) is not None and (had_run or not view.executions):
            return nb, [rerun.not_done(why)], told if had_run else None, frozenset()
        if had_run:
            compared = rerun.beside(mapping.work_of(nb, given), view, lambda ref: store.read(store.artifact(ref)))
        else:
            compared = _filled(nb, exported(view, store), view)
        work = mapping.work_of(nb, given, question=question, roles=roles)
        found = await recompute(elsewhere(store, host, view), work, await asyncio.to_thread(lambda: work.tables))
    return nb, [compared, found.as_check], told, found.told


def _filled(nb: Any, made: Any, view: RunView) -> CheckResult:
    """The notebook's cells take the outputs of a run; the result says that they are these."""
    from graphs import rerun
    from graphs.review.base import CheckResult

    outputs = [c.outputs for c in made.cells if c.cell_type == "code"]
    code = [c for c in nb.cells if c.cell_type == "code" and c.source.strip()]
    for cell, fresh in zip(code, outputs, strict=False):
        cell["outputs"] = fresh
    whole = len(view.executions) >= len(code) and view.run.status == "done"
    detail = "It held no outputs: those of a run in a fresh sandbox are reviewed."
    remarks = () if whole else (f"{detail} {view.error or ''}".strip(),)
    return CheckResult(rerun.NAME, True, detail, remarks=remarks)


def _judged(checks: list[CheckResult], told: list[str]) -> Reviewed:
    from graphs.review.node import judge
    from graphs.tools.review import GiveReview

    return judge("run_review", None, 1, GiveReview(verdict="pass"), checks, told)


def _tell(said: Reviewed, nb: Any, path: Path, given: dict[str, Path], *, as_json: bool) -> None:
    from graphs.review.notebook import place_of

    objections = []
    for objection in said.objections:
        place = place_of(objection, nb)
        cell = nb.cells[place - 1] if place is not None else {}
        line = next((text.strip() for text in str(cell.get("source", "")).splitlines() if text.strip()), "")
        objections.append(
            {
                "cell": place,
                "execution_count": cell.get("execution_count"),
                "line": line[:100],
                "problem": objection.problem,
                "mend": objection.mend,
            }
        )
    if as_json:
        files = sorted({str(p) for p in given.values()})
        told = {"notebook": str(path), "files": files, "verdict": said.verdict, "checks": said.checks}
        emit(told | {"objections": objections, "remarks": said.remarks})
        return
    words = {"pass": "Passed", "pass_with_remarks": "Passed with remarks", "fail": "Objected to"}
    click.echo(f"{words[said.verdict]}: {path.name}, {said.checks} checks.")
    for found in objections:
        count = f" (In [{found['execution_count']}])" if found["execution_count"] else ""
        click.echo(f"\ncell {found['cell']}{count}: {found['line']}" if found["cell"] else "\nthe notebook")
        click.echo(f"  {found['problem']}\n  Mend: {found['mend']}")
    for remark in said.remarks:
        click.echo(f"\nRemark: {remark}")
