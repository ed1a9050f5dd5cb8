"""The measuring itself: questions read from tasks, goals compared, and a perfect analyst scores as one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench import analysis, synthetic

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    for case in synthetic.cases(12, seed=5):
        synthetic.write(case, folder)
    return folder


def perfect(truth: dict) -> list[dict]:
    """The findings of an analyst who knows the truth."""
    findings = []
    for e in truth["effects"]:
        null = e["kind"] == "no_effect"
        known = e["params"] | {k: v for k, v in e["population"].items() if k in ("period", "lag", "k")}
        metric = next(iter(e["sample"]), None)
        findings.append(
            {
                "type": "null" if null else "claim",
                "kind": "ab_effect" if null else e["kind"],
                "columns": e["columns"],
                "direction": e["params"].get("direction"),
                "params": {k: v for k, v in known.items() if k in ("top", "level", "at_date", "period", "lag", "k")},
                "effect": {"metric": metric, "value": e["sample"].get(metric), "ci": [-1e9, 1e9]},
                "text": "So it is.",
            }
        )
    findings += [{"type": "warning", "kind": t["kind"], "columns": t["columns"], "text": ""} for t in truth["traps"]]
    return [f | {"rank": i} for i, f in enumerate(findings, 1)]


def test_hints_become_roles(tables):
    asks = analysis.asks_of(tables / "cases", ())
    assert len(asks) == 12
    experiment = next(a for a in asks if "assignment" in a.roles)
    task = json.loads((tables / "cases" / experiment.id / "task.json").read_text())
    assert experiment.roles["allocation"] == ",".join(map(str, task["allocation"]))
    assert experiment.roles["target"] == task["target"]
    assert all(f.is_file() for a in asks for f in a.files)


def test_cases_are_chosen_by_number_or_word(tables):
    assert len(analysis.asks_of(tables / "cases", ("3",))) == 3
    assert [a.id for a in analysis.asks_of(tables / "cases", ("0004", "0007"))] == ["syn-5-0004", "syn-5-0007"]


def test_goals_bound_below_above_or_both():
    low, high, both = (
        analysis.Goal("f", "l", low=0.5),
        analysis.Goal("f", "l", high=0.1),
        analysis.Goal("f", "l", 1, 2),
    )
    assert (low.met(0.5), low.met(0.49), low.met(None)) == (True, False, False)
    assert (high.met(0.1), high.met(0.11)) == (True, False)
    assert (both.met(1), both.met(2), both.met(2.1)) == (True, True, False)
    assert str(both) == "1 to 2"


def test_without_the_planted_suite_a_sentence_says_where_to_name_it(tmp_path):
    command = [sys.executable, "-m", "bench.analysis", "--suite", "planted", "--planted", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 2
    assert "GRISTMILL_PLANTED" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(
    not (analysis.PLANTED / "score.py").exists(), reason="the planted suite and its scorer are not here"
)
def test_a_perfect_analyst_scores_a_hundred_and_misses_nothing(tables, tmp_path):
    ids = []
    for path in sorted((tables / "truth").glob("*.json")):
        ids.append(path.stem)
        (tmp_path / path.stem).mkdir()
        found = perfect(json.loads(path.read_text()))
        (tmp_path / path.stem / "findings.json").write_text(json.dumps({"findings": found}))
    scorer = analysis.PLANTED / "score.py"
    figures = analysis.score(scorer, tables / "truth", ids, tmp_path)
    assert figures["composite"] == pytest.approx(100)
    assert figures["weakest_kind"] == 1
    assert list(analysis.misses(scorer, tables / "truth", ids, tmp_path)) == []
    victim = next(i for i in ids if json.loads((tables / "truth" / f"{i}.json").read_text())["traps"])
    (tmp_path / victim / "findings.json").write_text(json.dumps({"findings": []}))
    told = list(analysis.misses(scorer, tables / "truth", ids, tmp_path))
    assert told
    assert all(line.startswith(victim) for line in told)
