"""Questions that other people asked of other people's tables, as queries written by hand: a regression set.

The tables and the labels lie outside the repository, in ../shared/outside; without them there is nothing to hold.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graphs.questions.expressions import NotComputable

ROOT = Path(__file__).parents[2]
OUTSIDE = next(
    (p for up in (ROOT, *ROOT.parents[:1]) if (p := up.parent / "shared" / "outside").exists()), ROOT / "outside"
)
QUERIES = Path(__file__).parent / "queries" / "dabench.jsonl"

pytestmark = pytest.mark.skipif(not OUTSIDE.exists(), reason="the questions of others are not on this machine")


@pytest.mark.slow
def test_queries_written_by_hand_answer_most_of_the_questions_of_others(ask: Callable[..., Any]) -> None:
    """87 of the 100 that have a label. Twelve of the rest are labels that nobody reaches, or by no default of ours."""
    spec = importlib.util.spec_from_file_location("score_dabench", OUTSIDE / "score_dabench.py")
    assert spec is not None
    assert spec.loader is not None
    score = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(score)
    queries = {q["id"]: q["queries"] for q in map(json.loads, QUERIES.read_text(encoding="utf-8").splitlines())}
    questions = [json.loads(line) for line in (OUTSIDE / "dabench" / "questions.jsonl").read_text().splitlines()]
    outcomes = {}
    for question in (q for q in questions if score.labels(q)):
        table = OUTSIDE / "dabench" / "tables" / question["file"]
        try:
            told = [answer for query in queries[question["id"]] for answer in ask(query, table).answers]
        except NotComputable:
            outcomes[question["id"]] = "refused"
            continue
        values = [value for answer in told for value in answer["values"]]
        outcomes[question["id"]] = score.outcome(question, {"status": "answered", "values": values})
    right = sum(outcome == "right" for outcome in outcomes.values())
    assert right >= 0.85 * len(outcomes), {i: o for i, o in outcomes.items() if o != "right"}
