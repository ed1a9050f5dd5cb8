"""Any notebook as the reviewer receives it: cells that ran, what they put out, and its prose as the report."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from artifacts.events import ReportMade, RunView
from artifacts.types import FINDING_MIME, Artifact, Evidence, Execution, ExecutionError, Finding, Objection, Output, Run
from graphs.review.base import Work
from graphs.review.syntax import parsed, strings

Notebook = Any
"""A notebook of format 4: nbformat's, or what `notebooks.catalog.read` gives."""

_DATA = (".csv", ".tsv", ".txt", ".parquet", ".json", ".jsonl", ".xlsx", ".xls", ".feather")
_OURS = {"toolkit", "open", "describe", "template", "code"}
_SUMS_UP = re.compile(
    r"^#+ .*\b(?:answers?|results?|findings?)\b|^\**(?:answer|results?|findings?)\b|summar|conclu|tl;?dr|headline|"
    r"in short|\bwe found|\bthe answer\b|Zusammenfassung|Ergebnis|Fazit|résumé|résultat|resumen|resultado",
    re.I | re.M,
)
_MEDIA = "application/octet-stream"


def work_of(
    notebook: Notebook,
    files: Mapping[str, Path],
    *,
    question: str = "",
    answer: str | None = None,
    roles: Mapping[str, str] | None = None,
) -> Work:
    """A notebook's cells, outputs, findings and prose as a work to review.

    `files` are the given files, by every name under which a cell may read them. A code cell's `seq` is its place among
    all cells, prose too, from 1. Without `answer` the notebook's prose is the report. The tags of a notebook that
    Gristmill wrote are kept; every other cell counts as written by a model or a person.
    """
    run = Run(id="run_review", goal=question, params={"files": [*files], "roles": dict(roles or {})})
    executions, told = [], list[tuple[str, dict[str, Any]]]()
    for place, cell in enumerate(notebook.cells, 1):
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        error = next((ExecutionError(name=o.ename, value=o.evalue) for o in cell.outputs if "ename" in o), None)
        tags = tuple(t for t in cell.metadata.get("tags", ()) if t in _OURS) or ("code",)
        execution = Execution(
            id=f"ex_{place}", run_id=run.id, sandbox_id="", seq=place, code=cell.source, tags=tags, error=error,
            outputs=tuple(map(_output, cell.outputs)), status="error" if error else "ok",
            count=cell.get("execution_count"),
        )  # fmt: skip
        executions.append(execution)
        reported = [o.get("data", {}).get(FINDING_MIME) for o in cell.outputs]
        told += [(execution.cell, finding) for finding in reported if isinstance(finding, dict)]
    findings = [
        Finding(
            **{k: v for k, v in finding.items() if k not in ("id", "evidence", "rank")},
            id=f"F{number}",
            evidence=Evidence(cell=at),
        )
        for number, (at, finding) in enumerate(told, 1)
    ]
    prose = "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    given = tuple(
        Artifact(id=f"art_{n}", sha256="0" * 64, name=n, media_type=_MEDIA, size=1, role="input", run_id=run.id)
        for n in files
    )
    view = RunView(run=run, executions=tuple(executions), findings=tuple(findings), artifacts=given)
    order = tuple(f.id for f in findings)
    report = ReportMade(run_id=run.id, answer=prose if answer is None else answer, order=order)
    return Work(view, report, dict(roles or {}), {p.name: p for p in files.values()}, given=_given(notebook))


def _given(notebook: Notebook) -> str:
    """The prose before the first cell that put something out: what its author was told, unless it sums results up."""
    opening = takewhile(lambda cell: not cell.get("outputs"), notebook.cells)
    given = "\n\n".join(cell.source for cell in opening if cell.cell_type == "markdown")
    return "" if _SUMS_UP.search(given) else given


def given_files(notebook: Notebook, at: Path, named: Sequence[Path] = ()) -> dict[str, Path]:
    """The files that the notebook at this path may read, by every name that its cells may use for them.

    Those that somebody names; without any, the data files in its folder that the cells themselves name.
    """
    folder = at.absolute().parent
    found: dict[str, Path] = {}
    for path in named:
        whole = path.absolute()
        found |= {path.name: whole, str(whole): whole}
        if whole.is_relative_to(folder):
            found[whole.relative_to(folder).as_posix()] = whole
    if not named:
        for text in sorted(_texts(notebook)):
            inside = not text.startswith(("/", "~", "..")) and "://" not in text
            if inside and Path(text).suffix.lower() in _DATA and (folder / text).is_file():
                found[text.removeprefix("./")] = (folder / text).absolute()
    return found


def _texts(notebook: Notebook) -> set[str]:
    """The short texts that the cells write out, in queries the quoted ones."""
    trees = (parsed(cell.source) for cell in notebook.cells if cell.cell_type == "code")
    whole = {text for tree in trees if tree is not None for text in strings(tree)}
    found = whole.union(*(re.findall(r"'([^'\s]+)'", text) for text in whole))
    return {t for t in found if 0 < len(t) < 300 and "\0" not in t and "\n" not in t}


def has_run(notebook: Notebook) -> bool:
    """Whether any cell holds an output."""
    return any(c.cell_type == "code" and c.outputs for c in notebook.cells)


def place_of(objection: Objection, notebook: Notebook) -> int | None:
    """The place, from 1, of the cell that an objection means: the code cell, or the prose that says what it quotes."""
    if (cell := re.fullmatch(r"cell-(\d+)", objection.where)) is not None:
        return int(cell[1])
    quoted = re.findall(r"[“'\"]([^”'\"]+)[”'\"]", objection.problem) + re.findall(r"[\d][\d.,]*", objection.problem)
    prose = [(i, c.source) for i, c in enumerate(notebook.cells, 1) if c.cell_type == "markdown"]
    said = (i for words in quoted for i, source in prose if words.rstrip(".,").lower() in source.lower())
    return next(said, prose[-1][0] if prose else None)


def _output(output: Any) -> Output:
    if output.output_type == "stream":
        return Output(kind="stderr" if output.name == "stderr" else "stdout", text=_text(output.text))
    data = dict(output.get("data", {}))
    return Output(kind="display", text=_text(data.get("text/plain", "")), data=data)


def _text(said: Any) -> str:
    return "".join(said) if isinstance(said, list) else str(said)
