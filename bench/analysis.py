"""How right the analyst and the reviewer are: `python -m bench.analysis [--suite planted|synthetic|real|review ...]`.

Puts each table's question to the playbook through the workbench, scores what it says against what is known, and prints
each part beside its goal, with what was missed. Results: bench/results/analysis.json.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import real, synthetic
from bench.asking import Answer, Ask, ask_all

ROOT = Path(__file__).parents[1]
PLANTED = ROOT.parent / "shared" / "planted"
RESULTS = Path(__file__).parent / "results" / "analysis.json"
STRANGERS = Path(__file__).parent / "strangers"
SUITES = ("planted", "synthetic", "strangers", "tales", "late", "real", "review")
HINTS = ("target", "time", "assignment", "allocation", "unit")


@dataclass(frozen=True)
class Goal:
    """A figure's goal; `high` as well as `low` where both sides are bounded."""

    figure: str
    label: str
    low: float | None = None
    high: float | None = None

    def met(self, value: float | None) -> bool:
        return (
            value is not None and (self.low is None or value >= self.low) and (self.high is None or value <= self.high)
        )

    def __str__(self) -> str:
        if self.low is not None and self.high is not None:
            return f"{self.low:g} to {self.high:g}"
        return f"at least {self.low:g}" if self.low is not None else f"at most {self.high:g}"


GOALS = (
    Goal("composite", "composite", low=93),
    Goal("recall", "recall", low=0.95),
    Goal("weakest_kind", "recall of the weakest kind", low=0.85),
    Goal("fdr", "false discoveries", high=0.05),
    Goal("null_tables_clean", "null tables with no false claim", low=0.98),
    Goal("trap_detection", "traps detected", low=0.95),
    Goal("false_alarms_per_case", "false alarms a case", high=0.03),
    Goal("effect_accuracy", "effects within 10 %", low=0.95),
    Goal("ci_coverage", "intervals that cover", low=0.94, high=0.96),
    Goal("hit_at_5", "hit@5", low=0.90),
    Goal("findings_per_case", "findings a case", high=8),
    Goal("real_found", "known truths of the real tables found", low=0.95),
    Goal("real_wrong_headlines", "wrong headlines on real tables", high=0),
    Goal("rerun_same_bytes", "findings.json identical when asked again", low=1),
    Goal("rerun_notebook", "notebooks that re-run unchanged", low=1),
    Goal("review_caught", "reviewer: planted faults caught", low=0.97),
    Goal("review_false_alarms", "reviewer: clean notebooks with an alarm", high=0.01),
)


def say(line: str = "") -> None:
    print(line, flush=True)


def asks_of(cases: Path, only: Sequence[str]) -> list[Ask]:
    """The questions of a suite in the planted format; hints become roles, a list's members joined by commas."""
    asks = []
    for folder in sorted(p for p in cases.iterdir() if (p / "task.json").exists()):
        task = json.loads((folder / "task.json").read_text())
        hints = {k: task[k] for k in HINTS if k in task}
        roles = {k: ",".join(map(str, v)) if isinstance(v, list) else str(v) for k, v in hints.items()}
        asks.append(Ask(folder.name, task["question"], tuple(folder / f for f in task["files"]), roles))
    return _chosen(asks, only)


def _chosen(asks: list[Ask], only: Sequence[str]) -> list[Ask]:
    """All of them, the first N where one number is given, or those whose names contain one of the words."""
    if len(only) == 1 and only[0].isdigit() and int(only[0]) < 1000:
        return asks[: int(only[0])]
    return [a for a in asks if not only or any(word in a.id for word in only)]


def score(scorer: Path, truth: Path, ids: Sequence[str], results: Path) -> dict[str, Any]:
    """The scorer's figures for these cases, from the scorer run as a program of its own."""
    with tempfile.TemporaryDirectory() as folder:
        for case in ids:
            shutil.copy(truth / f"{case}.json", folder)
        out = Path(folder) / "score.out"
        command = [sys.executable, str(scorer), "--truth", folder, "--results", str(results), "--out", str(out)]
        subprocess.run(command, check=True)
        figures: dict[str, Any] = json.loads(out.read_text())
    shares = {k: int(v.split("/")[0]) / int(v.split("/")[1]) for k, v in figures["by_kind"].items()}
    figures["weakest_kind"] = min((v for k, v in shares.items() if k.startswith("effect:")), default=None)
    if not any(json.loads((truth / f"{case}.json").read_text())["case_kind"] == "null" for case in ids):
        del figures["null_tables_clean"]
    return figures


def misses(scorer: Path, truth: Path, ids: Sequence[str], results: Path) -> Iterator[str]:
    """One line for each effect or trap not named, each claim or alarm that is false, each figure that is off."""
    spec = importlib.util.spec_from_file_location("planted_score", scorer)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for case in ids:
        path = results / case / "findings.json"
        findings = json.loads(path.read_text())["findings"] if path.exists() else []
        known = json.loads((truth / f"{case}.json").read_text())
        marked = module.CaseScore(known, findings)
        for effect, found in marked.hits:
            types = {f["type"] for f in findings if set(effect["columns"]) <= set(f["columns"])} - {"warning"}
            if found is None and not (effect["kind"] == "no_effect" and types == {"null"}):
                yield f"{case}  missed {effect['kind']} of {', '.join(effect['columns'])} {effect['params'] or ''}"
            elif found is not None and (effect["sample"] or effect["kind"] != "no_effect"):
                error, inside = marked.effect_error(effect, found)
                told = found.get("effect") or {}
                if error is not None and error > 0.1:
                    at = effect["sample"][told["metric"]]
                    yield f"{case}  {told['metric']} of {effect['kind']} {told['value']:.4g}, truly {at:.4g}"
                elif error is None and effect["sample"]:
                    known_as = ", ".join(effect["sample"])
                    yield f"{case}  {effect['kind']} told as {told.get('metric')}; its truth has {known_as}"
                if inside is False:
                    at = effect["population"][told["metric"]]
                    yield f"{case}  {told['metric']} of {effect['kind']}: {told['ci']} leaves out {at:.4g}"
        for trap in known["traps"]:
            if not marked.seen[trap["kind"]]:
                yield f"{case}  did not see {trap['kind']} of {', '.join(trap['columns']) or 'the table'}"
        for found in marked.findings:
            verdict = marked.judge(found) if found["type"] in ("claim", "warning") else "neutral"
            if verdict in ("false", "bitten"):
                about = ", ".join(found["columns"])
                yield f"{case}  {verdict} {found['type']} {found['kind']} of {about}: {found['text']}"


def table_suite(name: str, cases: Path, truth: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Run and score a suite of made-up tables."""
    scorer = options.planted / "score.py"
    asks = asks_of(cases, options.cases)
    results = options.out / name
    shutil.rmtree(results, ignore_errors=True)
    answers = _ask(asks, results, options)
    ids = [a.id for a in asks]
    figures = score(scorer, truth, ids, results)
    for line in misses(scorer, truth, ids, results):
        say(line)
    say()
    weak = {k: v for k, v in figures["by_kind"].items() if int(v.split("/")[0]) < int(v.split("/")[1])}
    say("weak kinds: " + (", ".join(f"{k} {v}" for k, v in weak.items()) or "none"))
    return figures | _of_answers(answers)


def real_suite(options: argparse.Namespace) -> dict[str, Any]:
    """Run and mark the real tables."""
    tables = real.tables(options.out / "real-tables")
    asks = _chosen([Ask(t.name, t.question, (t.file,), t.roles) for t in tables], options.cases)
    results = options.out / "real"
    shutil.rmtree(results, ignore_errors=True)
    answers = _ask(asks, results, options)
    marks = []
    for table in (t for t in tables if t.name in {a.id for a in asks}):
        path = results / table.name / "findings.json"
        findings = json.loads(path.read_text())["findings"] if path.exists() else []
        report = path.with_name("report.md").read_text() if path.exists() else ""
        marks.append(marked := real.mark(table, real.Told(findings, report)))
        for truth in marked.missed:
            say(f"{table.name}  missed: {truth}")
        for wrong in marked.wrong:
            say(f"{table.name}  WRONG HEADLINE: {wrong}")
    return real.figures(marks) | _of_answers(answers)


def _ask(asks: list[Ask], results: Path, options: argparse.Namespace) -> list[Answer]:
    with tempfile.TemporaryDirectory(prefix="gristmill-bench-") as home:
        at_home = options.home or Path(home)
        work = ask_all(asks, at_home, results, jobs=options.jobs, again=options.again, tell=say)
        answers = asyncio.run(work)
    say()
    for answer in answers:
        for line in answer.changed:
            say(f"{answer.id}  changed when re-run: {line}")
    return answers


def _of_answers(answers: Sequence[Answer]) -> dict[str, Any]:
    again = [a for a in answers if a.same is not None]
    seconds = [a.seconds for a in answers]
    figures: dict[str, Any] = {
        "runs": len(answers),
        "runs_failed": sum(a.status != "done" for a in answers),
        "seconds_median": round(statistics.median(seconds), 2) if seconds else None,
        "seconds_longest": round(max(seconds), 2) if seconds else None,
    }
    if again:
        figures["rerun_same_bytes"] = sum(bool(a.same) for a in again) / len(again)
        figures["rerun_notebook"] = sum(bool(a.remade) for a in again) / len(again)
        figures["rerun_cases"] = len(again)
    return figures


def print_goals(suite: str, figures: dict[str, Any]) -> None:
    say(f"\n{suite}")
    for goal in GOALS:
        if goal.figure in figures:
            value = figures[goal.figure]
            shown = "none" if value is None else f"{value:.3f}".rstrip("0").rstrip(".")
            say(f"  {'ok   ' if goal.met(value) else 'SHORT'}  {goal.label:<42}{shown:>8}   goal: {goal}")
    for extra in (
        "runs_failed",
        "seconds_median",
        "seconds_longest",
        "kind_exact",
        "complete_claims",
        "trap_precision",
    ):
        if extra in figures:
            say(f"         {extra.replace('_', ' '):<42}{figures[extra] or 0:>8.3g}")


def keep(suite: str, figures: dict[str, Any]) -> None:
    """Put a suite's figures into the results file beside those of the others."""
    RESULTS.parent.mkdir(exist_ok=True)
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps(known | {suite: figures}, indent=1, sort_keys=True) + "\n")


def run(suite: str, options: argparse.Namespace) -> dict[str, Any]:
    if suite == "planted":
        return table_suite(suite, options.planted / "cases", options.planted / "truth", options)
    if suite == "real":
        return real_suite(options)
    if suite == "review":
        from bench import review

        return review.suite(say)
    made = options.out / f"{suite}-tables-{options.seed}"
    shutil.rmtree(made, ignore_errors=True)
    if (kept := STRANGERS / f"{suite}.zip").exists():
        shutil.unpack_archive(kept, made)
    else:
        for case in synthetic.cases(options.tables, options.seed):
            synthetic.write(case, made)
    return table_suite(suite, made / "cases", made / "truth", options)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--suite", action="append", choices=SUITES, help="which to run; repeatable (default: planted, real, review)"
    )
    parser.add_argument("--cases", nargs="*", default=[], help="a number, or words that the names must contain")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time (2)")
    parser.add_argument("--again", type=int, default=4, help="how many runs of a suite are asked and re-run again (4)")
    parser.add_argument("--seed", type=int, default=11, help="seed of the synthetic tables (11)")
    parser.add_argument("--tables", type=int, default=60, help="how many such tables are made (60)")
    parser.add_argument("--planted", type=Path, default=Path(os.environ.get("GRISTMILL_PLANTED", PLANTED)))
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "gristmill-bench")
    parser.add_argument("--home", type=Path, help="keep the record of the runs here (default: thrown away)")
    options = parser.parse_args()
    suites = options.suite or ["planted", "real", "review"]
    if set(suites) - {"real", "review"} and not (options.planted / "score.py").exists():
        print(
            f"There is no planted suite at {options.planted}. Name its folder with --planted or GRISTMILL_PLANTED; "
            "its score.py also scores the synthetic tables. `--suite real --suite review` need neither.",
            file=sys.stderr,
        )
        return 2
    everything = {}
    for suite in suites:
        everything[suite] = run(suite, options)
        if not options.cases:
            keep(suite, everything[suite])
    for suite, figures in everything.items():
        print_goals(suite, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
