"""How many planted faults the reviewer catches, and how often it is alarmed by clean work.

`python -m bench.review [--set NAME] [--write DIR] [--cases WORD ...]` makes each notebook of
`bench/review_cases`, runs its cells, and gives it with its report to the deterministic checks. `--write` keeps the
notebooks. The checks were made with the set of our own at hand; the others are in other
hands' styles, each judged at first sight before anything was mended on it.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import random
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("MPLBACKEND", "agg")  # the cells draw, and nobody looks

import numpy as np
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from bench.review_cases import EXPECTED, FAULTS, SUITES, Case, tables
from bench.review_cases.foreign import MARKDOWN
from graphs import look
from graphs.review import notebook as notebooks
from graphs.review.base import CheckResult, Work
from graphs.review.checks import run_checks
from graphs.review.watch.observed import observed
from notebooks import observer, slices
from notebooks.nb import nbformat

Notebook = Any


@dataclass(frozen=True)
class Verdict:
    """What the checks said of one case, as `check: where: problem`."""

    case: Case
    objections: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def missed(self) -> tuple[str, ...]:
        """The planted faults that none of the checks meant for them objected to."""
        spoke = {o.split(":")[0] for o in self.objections}
        return tuple(f for f in self.case.faults if not EXPECTED[f] & spoke)


@contextlib.contextmanager
def folder_of(case: Case) -> Iterator[None]:
    """The current folder holds the case's files and nothing else, for as long as this lasts."""
    with tempfile.TemporaryDirectory(prefix="gristmill-review-") as folder, contextlib.chdir(folder):
        tables.put(case.files, Path(folder))
        yield


def made(case: Case, toolkit: str) -> Notebook:
    """The case as a notebook that ran: nbformat 4.5, the opening cells first, the answer and roles in its metadata.

    Cells whose running would leave the folder carry what they are said to have printed. Raises RuntimeError, naming
    the case and the cell, when a cell fails: the set would be broken.
    """
    shell = _shell()
    shell.user_ns.clear()  # `reset` would do, but collects garbage for half of the time that all this takes
    shell.init_user_ns()
    random.seed(0)  # some cases draw without a seed, which is their fault or not: what they find is the same each time
    np.random.seed(0)
    opening = () if case.alone else ((toolkit, ["toolkit"]), (look.load(case.files), ["open"]))
    cells = [nbformat.v4.new_markdown_cell(f"# {case.question}", id="title")]
    with folder_of(case):
        for place, (code, tags) in enumerate([*opening, *((code, ["code"]) for code in case.cells)], 1):
            if code.startswith(MARKDOWN):
                cells.append(nbformat.v4.new_markdown_cell(code.removeprefix(MARKDOWN), id=f"cell-{place:02d}"))
                continue
            printed = case.unrun.get(place - len(opening) - 1) if tags == ["code"] else None
            outputs = _stream(printed) if printed is not None else _run(shell, code, f"{case.name}, cell {place}")
            cell = nbformat.v4.new_code_cell(code, id=f"cell-{place:02d}", outputs=outputs, execution_count=place)
            cell.metadata["tags"] = tags
            cells.append(cell)
    answer = _filled(case.answer, shell.user_ns) if case.alone else case.answer.format_map(shell.user_ns)
    cells.append(nbformat.v4.new_markdown_cell(answer, id="answer"))
    about = {
        "name": case.name, "question": case.question, "files": list(case.files), "roles": case.roles,
        "answer": answer, "fault": case.fault, "near": case.near, "alone": case.alone,
    }  # fmt: skip
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")  # or the next case would draw into this one's chart
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel, "gristmill_review": about})


@functools.cache
def _shell() -> Any:
    """IPython's shell, which reads a cell that it has read before, as the toolkit's is, half a second sooner."""
    shell: Any = InteractiveShell.instance()
    shell.transform_cell = functools.cache(shell.transform_cell)
    return shell


def _filled(text: str, variables: dict[str, Any]) -> str:
    """A text with each `{expression}` replaced by its value, as in an f-string."""
    return str(eval(f'f"""{text} """', variables)).strip()


def _run(shell: Any, code: str, where: str) -> list[Any]:
    with capture_output() as captured:
        shell.display_trap.hook = sys.displayhook  # a cell's last value is shown as a notebook shows it
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


def work_of(notebook: Notebook, files: Mapping[str, Path]) -> Work:
    """A notebook as the reviewer receives it, its case's answer being the report; of those alone, all prose."""
    about = notebook.metadata["gristmill_review"]
    answer = None if about["alone"] else about["answer"]
    return notebooks.work_of(notebook, files, question=about["question"], answer=answer, roles=about["roles"])


def toolkit() -> str:
    """The whole toolkit, as any of the cases may use any of it."""
    return slices.whole()


def judged(cases: Sequence[Case], *, watch: bool = True) -> Iterator[tuple[Verdict, Notebook]]:
    """Each case with what the checks say of it, its run being watched or not."""
    code = toolkit()
    for case in cases:
        if watch:
            observer.start(InteractiveShell.instance())
        try:
            notebook = made(case, code)
        finally:
            told = observer.told()
        with folder_of(case):
            files = {name: Path(name).resolve() for name in case.files}
            work = work_of(notebook, files)
            work = replace(work, observed=observed(json.loads(json.dumps(told)), work.view.executions))
            results: list[CheckResult] = run_checks(work)
        objections = tuple(f"{r.name}: {o.where}: {o.problem}" for r in results for o in r.objections)
        yield Verdict(case, objections, tuple(f"{r.name}: {m}" for r in results for m in r.remarks)), notebook


def figures(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Shares of faulty notebooks objected to and of clean ones that raised an objection, and each fault's count.

    `caught` asks for any objection, `named` for one to each planted fault by a check that is meant for it.
    """
    faulty = [v for v in verdicts if v.case.fault is not None]
    clean = [v for v in verdicts if v.case.fault is None]
    planted = [(f, f not in v.missed) for v in faulty for f in v.case.faults]
    by_fault = {}
    for fault in FAULTS:
        caught = [found for f, found in planted if f == fault]
        if caught:
            by_fault[fault] = f"{sum(caught)}/{len(caught)}"
    return {
        "review_faulty": len(faulty),
        "review_clean": len(clean),
        "review_caught": sum(bool(v.objections) for v in faulty) / max(len(faulty), 1),
        "review_named": sum(not v.missed for v in faulty) / max(len(faulty), 1),
        "review_false_alarms": sum(bool(v.objections) for v in clean) / max(len(clean), 1),
        "review_remarks_on_clean": sum(bool(v.remarks) for v in clean) / max(len(clean), 1),
        "review_by_fault": by_fault,
    }


def judge_all(
    say: Callable[[str], None], cases: Sequence[Case], keep: Path | None = None, *, watch: bool = True
) -> dict[str, Any]:
    """Judge the cases, telling what was missed and what alarmed, and return the figures."""
    verdicts = []
    for verdict, notebook in judged(cases, watch=watch):
        verdicts.append(verdict)
        case = verdict.case
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            nbformat.write(notebook, keep / f"{case.name}.ipynb")
        for fault in verdict.missed:
            said = "; ".join(verdict.objections) or f"only remarked: {'; '.join(verdict.remarks) or 'nothing'}"
            say(f"{case.name:<28} missed {fault} ({said})")
        for objection in verdict.objections if case.fault is None else ():
            say(f"{case.name:<28} FALSE ALARM {objection}")
    return figures(verdicts)


def suite(
    say: Callable[[str], None], names: Sequence[str] = tuple(SUITES), only: Sequence[str] = (), *, watch: bool = True
) -> dict[str, Any]:
    """Judge the sets of cases: the figures of the first as they are called, those of others under their set's name."""
    found: dict[str, Any] = {}
    for name in names:
        chosen = [c for c in SUITES[name]() if not only or any(re.search(w, c.name) for w in only)]
        of_set = judge_all(say, chosen, watch=watch)
        found |= {(k if name == "own" else k.replace("review_", f"review_{name}_")): v for k, v in of_set.items()}
        say(
            f"{name}: {of_set['review_caught']:.1%} of {of_set['review_faulty']} faulty caught "
            f"({of_set['review_named']:.1%} by the check meant for it), {of_set['review_false_alarms']:.1%} of "
            f"{of_set['review_clean']} clean with an alarm, {of_set['review_remarks_on_clean']:.1%} with a remark"
        )
        say("    " + ", ".join(f"{k} {v}" for k, v in of_set["review_by_fault"].items()))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", action="append", choices=tuple(SUITES), help="which cases; repeatable (default: all)")
    parser.add_argument("--write", type=Path, help="keep the notebooks here")
    parser.add_argument("--cases", nargs="*", default=[], help="words that the names must contain")
    parser.add_argument("--all", action="store_true", help="show every objection and remark, the right ones too")
    parser.add_argument("--static", action="store_true", help="read the code only: do not watch the cells run")
    options = parser.parse_args()
    names = options.set or tuple(SUITES)
    chosen = [
        c for n in names for c in SUITES[n]() if not options.cases or any(re.search(w, c.name) for w in options.cases)
    ]
    if options.write:
        judge_all(print, chosen, options.write, watch=not options.static)
    elif options.all:
        for verdict, _ in judged(chosen, watch=not options.static):
            said = [*verdict.objections, *(f"({r})" for r in verdict.remarks)]
            print(f"{verdict.case.name:<28} {verdict.case.fault or 'clean'}: " + ("; ".join(said) or "nothing"))
    else:
        suite(print, names, options.cases, watch=not options.static)
    return 0


if __name__ == "__main__":
    sys.exit(main())
