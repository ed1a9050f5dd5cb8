"""A run as files that stand alone: the notebook, findings.json, report.md and report.html.

The same record gives the same bytes: no times, no ids of runs, a fixed order.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from artifacts.errors import ArtifactDamaged
from artifacts.events import Event, RunEnded, RunView, apply
from artifacts.store import Put, Store
from artifacts.threads import in_own_thread
from artifacts.types import Artifact, ArtifactRole, Cell, Execution, PlanStep
from notebooks.errors import ParameterError
from notebooks.outputs import as_notebook
from notebooks.parameters import from_source
from notebooks.telling import story
from notebooks.telling.html import report_html
from notebooks.telling.markdown import byline, closing, line, report_md

__all__ = ["findings_json", "notebook", "report_html", "report_md", "save_report", "write_out"]

ALPHA = 0.05
_KEPT = ("ok", "error")
_STALE = "*Stale: the next cell, or what it depends on, was changed and has not run since.*"
MISSING = "MISSING.txt"
"""The file of an export that says what could not be written, a sentence each; there is none where all could."""
SOURCE = "-source.ipynb"
"""Ending of the artifact that keeps a notebook as it was before a run; it is not written out."""


def notebook(view: RunView, store: Store | None = None) -> Any:
    """The run as a notebook (nbformat 4.5) that any Jupyter runs beside its data files.

    Finished cells only, with their outputs where there is a store to take them from. A cell that raised is tagged
    `raises-exception`, Jupyter's word for going on after it.
    """
    from notebooks.nb import v4

    said = story.told(view)
    cells = [v4.new_markdown_cell(_opening(view, said), id="title")]
    title = ""
    stale = {c.id: c for c in view.cells if c.state == "stale"}
    ran = {x.cell: x for x in view.executions}
    shown = [x for x in view.executions if x.status in _KEPT]
    if stale:  # in the notebook's order, with those among them that never ran
        shown = [ran[c.id] if c.id in ran else _unrun(view, c) for c in view.cells if c.id in ran or c.id in stale]
        shown = [x for x in shown if x.status in _KEPT or x.cell in stale]
    for count, execution in enumerate(shown, 1):
        if execution.title and execution.title != title:
            title = execution.title
            cells.append(v4.new_markdown_cell(f"## {line(title)}", id=execution.cell.replace("cell", "note", 1)))
        cell = _code_cell(execution, count, store)
        if (now := stale.get(execution.cell)) is not None:
            tags = list(dict.fromkeys((*cell.metadata.get("tags", []), "stale")))
            cell.metadata["tags"] = tags
            if now.source != execution.code or execution.id == "":
                cell.source, cell.outputs, cell.execution_count = now.source, [], None
            cells.append(v4.new_markdown_cell(_STALE, id=execution.cell.replace("cell", "stale", 1)))
        cells.append(cell)
    if said.answers or said.answer or said.headlines:
        cells.append(v4.new_markdown_cell(closing(said), id="answer"))
    return v4.new_notebook(
        cells=cells,
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "gristmill": {"title": view.run.goal, "analyst": said.analyst},
        },
    )


def _unrun(view: RunView, cell: Cell) -> Execution:
    """A cell that has not run, as an execution without outputs."""
    return Execution(
        id="",
        run_id=view.run.id,
        sandbox_id="",
        seq=1,
        code=cell.source,
        title=cell.title,
        tags=cell.tags,
        cell_id=cell.id,
    )


def findings_json(view: RunView) -> str:
    """The findings as JSON, ending in a newline; the same record gives the same bytes.

    `run.tests_run` counts the tests of every family that a finding speaks of; `run.alpha` is the widest share of false
    findings that a template was to accept.
    """
    families: dict[str, int] = {}
    for finding in view.findings:
        if finding.test is not None and finding.test.m is not None:
            family = finding.test.family or ""
            families[family] = max(families.get(family, 0), finding.test.m)
    document = {
        "schema_version": "1.0",
        "dataset": [
            {"file": t.file, "sha256": t.sha256, "rows": t.rows, "columns": t.columns} for t in story.tables(view)
        ],
        "run": {
            "engine": _engine(view),
            "seed": 0,
            "tests_run": sum(families.values()),
            "correction": "BH",
            "alpha": max(_levels(view), default=ALPHA),
        },
        "findings": [finding.model_dump(mode="json", exclude={"unit"}) for finding in view.ranked],
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _levels(view: RunView) -> Iterator[float]:
    """The shares of false findings that the cells which ran were to accept, from the parameters set in them."""
    for execution in view.executions:
        if execution.status == "ok" and "parameters" in execution.tags:
            with contextlib.suppress(ParameterError):  # a cell with magics, which sets no such number
                known = {p.name: p.default for p in from_source(execution.code)}
                if isinstance(known.get("alpha"), float):
                    yield known["alpha"]


async def save_report(
    store: Store,
    run_id: str,
    *,
    ending: RunEnded | None = None,
    before: Sequence[Put] = (),
    then: Sequence[Event] = (),
) -> list[Artifact]:
    """Keep the four files of a run as artifacts. One that is there already with the same bytes is not kept twice.

    `ending` is the end that is about to be recorded, for a report that tells of it; `before` are artifacts to be kept
    with it, and first, `then` what is recorded with it, and last. Returns the four.
    """
    view = await in_own_thread(store.view, run_id)
    if ending is not None:
        view = apply(view, ending)
    inputs = [a.id for a in view.artifacts if a.role == "input"]
    there = {(a.name, a.role, a.sha256): a for a in reversed(view.artifacts)}
    made = await in_own_thread(lambda: {name: make(view, store) for name, (_, _, make) in _FILES.items()})
    known = {n: there.get((n, _FILES[n][1], hashlib.sha256(data).hexdigest())) for n, data in made.items()}
    new = [Put(data, name, *_FILES[name][:2]) for name, data in made.items() if known[name] is None]
    kept = await store.put_all([*before, *new], run_id=run_id, parents=inputs, then=then)
    added = iter(kept[len(before) :])
    return [artifact or next(added) for artifact in known.values()]


def write_out(store: Store, run_id: str, directory: Path) -> list[Path]:
    """Write the four files, the inputs, and the plots, tables and files of a run into a folder; returns their paths.

    The folder is made if need be, and files of these names in it are replaced. Of a notebook that was edited what an
    engine executed before is left out. An input keeps its name even if a cell
    wrote another file of that name, since the notebook reads it. What is damaged is left out, and `MISSING` says so.
    """
    view = store.view(run_id)
    wanted: dict[str, Callable[[], bytes]] = {}
    for artifact in view.artifacts:
        if artifact.role == "notebook" and view.previous is not None:
            continue  # as an engine wrote it before the notebook was edited, or went on
        if artifact.role in ("plot", "table", "file", "notebook") and not artifact.name.endswith(SOURCE):
            wanted[artifact.name] = _reader(store, artifact)
    for artifact in view.artifacts:
        if artifact.role == "input":
            wanted[artifact.name] = _reader(store, artifact)
    for name, (_, _, make) in _FILES.items():
        wanted[name] = _maker(make, view, store)
    directory.mkdir(parents=True, exist_ok=True)
    root = directory.resolve()
    folders = {str(parent) for name in wanted for parent in PurePosixPath(name).parents}
    written, missing = list[Path](), list[str]()
    for name, data in wanted.items():
        name = f"{name}.file" if name in folders else name  # a cell may replace a file by a folder of its name
        path = root / name
        if path.parent.resolve() == path.parent and path.is_relative_to(root):
            try:
                content = data()
            except ArtifactDamaged as damaged:
                missing.append(str(damaged))
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, content)
            written.append(directory / name)
    if missing:
        _write(root / MISSING, "".join(f"{sentence}\n" for sentence in missing).encode())
        written.append(directory / MISSING)
    return written


def _notebook_bytes(view: RunView, store: Store) -> bytes:
    from notebooks.nb import nbformat

    text: str = nbformat.writes(notebook(view, store))
    return (text + "\n").encode()


_FILES: dict[str, tuple[str, ArtifactRole, Callable[[RunView, Store], bytes]]] = {
    "analysis.ipynb": ("application/x-ipynb+json", "notebook", _notebook_bytes),
    "findings.json": ("application/json", "findings", lambda view, store: findings_json(view).encode()),
    "report.md": ("text/markdown", "report", lambda view, store: report_md(view).encode()),
    "report.html": ("text/html", "report", lambda view, store: report_html(view, store).encode()),
}


def _reader(store: Store, artifact: Artifact) -> Callable[[], bytes]:
    return lambda: store.read(artifact)


def _maker(make: Callable[[RunView, Store], bytes], view: RunView, store: Store) -> Callable[[], bytes]:
    return lambda: make(view, store)


def _write(path: Path, data: bytes) -> None:
    """Write beside the target and move there, so that a reader never meets half a file and a link is never followed."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".gristmill-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _code_cell(execution: Execution, count: int, store: Store | None) -> Any:
    from notebooks.nb import node

    tags = [*execution.tags, *(["raises-exception"] if execution.error else [])]
    metadata: dict[str, Any] = {"tags": list(dict.fromkeys(tags))} if tags else {}
    if "toolkit" in tags:
        metadata["jupyter"] = {"source_hidden": True}
    return node(
        cell_type="code",
        source=execution.code,
        id=execution.cell,
        execution_count=count,
        outputs=as_notebook(execution, lambda ref: store.read(store.artifact(ref)), count) if store else [],
        metadata=metadata,
    )


def _opening(view: RunView, said: story.Told) -> str:
    lines = [f"# {line(said.title)}", "", f"*{byline(said)}*"]
    if said.tables:
        names = ", ".join(f"`{line(t.file)}`" for t in said.tables)
        lines += ["", f"Runs beside {names}."]
    if view.plan:
        lines += ["", "**Plan**", ""]
        lines += [_plan_line(place, step) for place, step in enumerate(view.plan, 1)]
    return "\n".join(lines)


def _plan_line(place: int, step: PlanStep) -> str:
    return f"{place}. {line(step.title)}" + (f": {line(step.why)}" if step.why else "")


def _engine(view: RunView) -> str:
    return view.replies[-1].model if view.replies else view.run.model
