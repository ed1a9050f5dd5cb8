"""How many planted faults the reviewer catches, and how often it is alarmed by clean work.

`python -m bench.review [--write DIR] [--cases WORD ...]` makes each notebook of `bench/review_cases`, runs its cells,
and gives it with its report to the deterministic checks. `--write` keeps the notebooks.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("MPLBACKEND", "agg")  # the cells draw, and nobody looks

import nbformat
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from artifacts.events import ReportMade, RunView
from artifacts.types import FINDING_MIME, Artifact, Evidence, Execution, ExecutionError, Finding, Output, Run
from bench.review_cases import FAULTS, Case, all_cases
from bench.review_cases.tables import TABLES
from graphs import look
from graphs.checks import CheckResult, Work, run_checks
from notebooks.catalog import catalog

Notebook = Any


@dataclass(frozen=True)
class Verdict:
    """What the checks said of one case, as `check: where: problem`."""

    case: Case
    objections: tuple[str, ...]
    remarks: tuple[str, ...]


@contextlib.contextmanager
def folder_of(case: Case) -> Iterator[None]:
    """The current folder holds the case's files and nothing else, for as long as this lasts."""
    with tempfile.TemporaryDirectory(prefix="gristmill-review-") as folder, contextlib.chdir(folder):
        for name in case.files:
            TABLES[name]().to_csv(name, index=False)
        yield


def made(case: Case, toolkit: str) -> Notebook:
    """The case as a notebook that ran: nbformat 4.5, the opening cells first, the answer and roles in its metadata.

    Cells whose running would leave the folder carry what they are said to have printed. Raises RuntimeError, naming
    the case and the cell, when a cell fails: the set would be broken.
    """
    shell: Any = InteractiveShell.instance()
    shell.user_ns.clear()  # `reset` would do, but collects garbage for half of the time that all this takes
    shell.init_user_ns()
    opening = ((toolkit, ["toolkit"]), (look.load(case.files), ["open"]))
    cells = [nbformat.v4.new_markdown_cell(f"# {case.question}", id="title")]
    with folder_of(case):
        for place, (code, tags) in enumerate([*opening, *((code, ["code"]) for code in case.cells)], 1):
            printed = case.unrun.get(place - len(opening) - 1) if tags == ["code"] else None
            outputs = _stream(printed) if printed is not None else _run(shell, code, f"{case.name}, cell {place}")
            cell = nbformat.v4.new_code_cell(code, id=f"cell-{place:02d}", outputs=outputs, execution_count=place)
            cell.metadata["tags"] = tags
            cells.append(cell)
    answer = case.answer.format_map(shell.user_ns)
    cells.append(nbformat.v4.new_markdown_cell(answer, id="answer"))
    about = {
        "name": case.name, "question": case.question, "files": list(case.files), "roles": case.roles,
        "answer": answer, "fault": case.fault, "near": case.near,
    }  # fmt: skip
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel, "gristmill_review": about})


def _run(shell: Any, code: str, where: str) -> list[Any]:
    with capture_output() as captured:
        result = shell.run_cell(code, store_history=False)
    fault = result.error_before_exec or result.error_in_exec
    if fault is not None:
        raise RuntimeError(f"{where}: {type(fault).__name__}: {fault}")
    outputs = _stream(captured.stdout) + _stream(captured.stderr, "stderr")
    for shown in captured.outputs:
        outputs.append(nbformat.v4.new_output("display_data", data=dict(shown.data)))
    return outputs


def _stream(text: str, name: str = "stdout") -> list[Any]:
    return [nbformat.v4.new_output("stream", name=name, text=text)] if text else []


def work_of(notebook: Notebook) -> Work:
    """A notebook as the reviewer receives it: the run's cells and findings, the drafted report, the declared roles."""
    about = notebook.metadata["gristmill_review"]
    run = Run(id="run_review", goal=about["question"], params={"files": about["files"], "roles": about["roles"]})
    executions: list[Execution] = []
    findings: list[Finding] = []
    for cell in (c for c in notebook.cells if c.cell_type == "code"):
        execution = Execution(
            id=f"ex_{cell.execution_count}",
            run_id=run.id,
            sandbox_id="sb",
            seq=cell.execution_count,
            code=cell.source,
            tags=tuple(cell.metadata["tags"]),
            outputs=tuple(map(_output, cell.outputs)),
            error=_error(cell.outputs),
            status="ok",
            count=cell.execution_count,
        )
        executions.append(execution)
        for output in cell.outputs:
            if FINDING_MIME in output.get("data", {}):
                told = dict(output.data[FINDING_MIME])
                evidence = Evidence(cell=execution.cell)
                findings.append(Finding(id=f"F{len(findings) + 1}", evidence=evidence, **told))
    files = [_input(name, run.id) for name in about["files"]]
    view = RunView(run=run, executions=tuple(executions), findings=tuple(findings), artifacts=tuple(files))
    report = ReportMade(run_id=run.id, answer=about["answer"], order=tuple(f.id for f in findings))
    return Work(view, report, dict(about["roles"]))


def _output(output: Any) -> Output:
    if output.output_type == "stream":
        return Output(kind="stderr" if output.name == "stderr" else "stdout", text=output.text)
    return Output(kind="display", text=str(output.data.get("text/plain", "")), data=dict(output.data))


def _error(outputs: Sequence[Any]) -> ExecutionError | None:
    return next((ExecutionError(name=o.ename, value=o.evalue) for o in outputs if o.output_type == "error"), None)


def _input(name: str, run_id: str) -> Artifact:
    return Artifact(
        id=f"art_{name}", sha256="0" * 64, name=name, media_type="text/csv", size=1, role="input", run_id=run_id
    )


def toolkit() -> str:
    return look.toolkit(catalog(None))


def judged(cases: Sequence[Case]) -> Iterator[tuple[Verdict, Notebook]]:
    """Each case with what the checks say of it."""
    code = toolkit()
    for case in cases:
        notebook = made(case, code)
        results: list[CheckResult] = run_checks(work_of(notebook))
        objections = tuple(f"{r.name}: {o.where}: {o.problem}" for r in results for o in r.objections)
        yield Verdict(case, objections, tuple(f"{r.name}: {m}" for r in results for m in r.remarks)), notebook


def figures(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Shares of faulty notebooks objected to and of clean ones that raised an objection, and each fault's count."""
    faulty = [v for v in verdicts if v.case.fault is not None]
    clean = [v for v in verdicts if v.case.fault is None]
    by_fault = {}
    for fault in FAULTS:
        of_kind = [v for v in faulty if v.case.fault == fault]
        by_fault[fault] = f"{sum(bool(v.objections) for v in of_kind)}/{len(of_kind)}"
    return {
        "review_faulty": len(faulty),
        "review_clean": len(clean),
        "review_caught": sum(bool(v.objections) for v in faulty) / max(len(faulty), 1),
        "review_false_alarms": sum(bool(v.objections) for v in clean) / max(len(clean), 1),
        "review_remarks_on_clean": sum(bool(v.remarks) for v in clean) / max(len(clean), 1),
        "review_by_fault": by_fault,
    }


def suite(say: Callable[[str], None], cases: Sequence[Case] | None = None, keep: Path | None = None) -> dict[str, Any]:
    """Judge the cases, telling what was missed and what alarmed, and return the figures."""
    verdicts = []
    for verdict, notebook in judged(all_cases() if cases is None else cases):
        verdicts.append(verdict)
        case = verdict.case
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            nbformat.write(notebook, keep / f"{case.name}.ipynb")
        if case.fault and not verdict.objections:
            remark = f" (only remarked: {'; '.join(verdict.remarks)})" if verdict.remarks else ""
            say(f"{case.name:<22} missed {case.fault}: {FAULTS[case.fault]}{remark}")
        elif case.fault is None:
            for objection in verdict.objections:
                say(f"{case.name:<22} FALSE ALARM {objection}")
    found = figures(verdicts)
    say("caught, by fault: " + ", ".join(f"{k} {v}" for k, v in found["review_by_fault"].items()))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, help="keep the notebooks here")
    parser.add_argument("--cases", nargs="*", default=[], help="words that the names must contain")
    parser.add_argument("--all", action="store_true", help="show every objection, the right ones too")
    options = parser.parse_args()
    chosen = [c for c in all_cases() if not options.cases or any(re.search(w, c.name) for w in options.cases)]
    found = suite(print, chosen, options.write)
    if options.all:
        for verdict, _ in judged([c for c in chosen if c.fault]):
            print(f"{verdict.case.name:<22} {verdict.case.fault}: " + ("; ".join(verdict.objections) or "nothing"))
    print(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
