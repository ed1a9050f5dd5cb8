"""Closed questions whose answers are known: `python -m bench.questions [first second ...]`.

Each question of a set is read as the playbook reads it, with the facts of its tables that a run would have, and what is
read is computed by the template `answer`. Neither a server nor the review takes part, so that a set takes a minute.
Printed are how many are right, refused, open (left to the tests) and wrong, and each wrong one with what was said.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench import question_tables
from graphs import look
from graphs.models.base import Message
from graphs.models.playbook.facts import read
from graphs.models.playbook.planning import make_plan
from notebooks.catalog import cells, find
from notebooks.slices import whole

ROOT = Path(__file__).parents[1]
SETS = Path(__file__).parent / "question_sets"
NEAR = 1e-4
"""How far a told number may be from the truth, as a part of it, besides its own rounding."""


@dataclass(frozen=True)
class Question:
    """A question of some files; `answer` is None where it has none, `also` are the answers of other fair readings."""

    id: str
    files: tuple[str, ...]
    question: str
    answer: Any
    also: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Told:
    """What is said first, the number that it is, and whether it is an answer, a refusal or neither."""

    kind: str
    text: str = ""
    value: Any = None


def questions(name: str) -> list[Question]:
    """The questions of a set."""
    given = json.loads((SETS / f"{name}.json").read_text(encoding="utf-8"))
    return [Question(q["id"], tuple(q["files"]), q["question"], q["answer"], tuple(q.get("also", ()))) for q in given]


def ask(question: Question, toolkit: dict[str, Any]) -> Told:
    """What the playbook answers first, in the folder that holds the tables."""
    files = [Path(f).name for f in question.files]
    space, printed = dict(toolkit), io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()):
        space["tables"] = {name: space["read_once"](name) for name in files}
    with contextlib.redirect_stdout(printed):
        exec(look.describe(question.question), space)
    facts = read([Message(role="user", content=f"```json\n{printed.getvalue()}\n```")])
    template = find("answer")
    known = {"answer": frozenset(p.name for p in template.parameters)}
    steps = make_plan(replace(facts, question=question.question, templates=known)).steps
    answers = [s for s in steps if s["template"] == "answer"]
    if not answers:
        reasons = [s["why"] for s in steps if s["title"].startswith("Not answered")]
        return Told("refused", reasons[0]) if reasons else Told("open")
    *computed, _ = [
        c for c in cells(template, answers[0]["parameters"]) if "toolkit" not in c.tags
    ]  # without its chart
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in computed:
            exec(cell.code, space)
    return Told("answered", space["answer"], space["number_is"])


def judge(question: Question, told: Told) -> str:
    """Right, refused, open or wrong."""
    if told.kind == "answered":
        fits = [a for a in (question.answer, *question.also) if a is not None and says(told, a)]
        return "right" if fits else "wrong"
    return "right" if question.answer is None and told.kind == "refused" else told.kind


def says(told: Told, wanted: Any) -> bool:
    """Whether an answer tells a number, a name, or all of several, before it tells what comes next."""
    head = re.split(r" Next is", told.text)[0]
    if isinstance(wanted, list):
        return all(says(replace(told, value=None), w) for w in wanted)
    if isinstance(wanted, str):
        return re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", head, re.I) is not None
    if isinstance(told.value, (int, float)) and any(_near(wanted, told.value * k) for k in (1, 100)):
        return True
    found = [(m[0].replace("−", "-").replace(",", ""), m.end()) for m in re.finditer(r"[−-]?\d[\d,]*(?:\.\d+)?", head)]
    for number, end in found:
        part = 100 if head[end : end + 2] == " %" else 1
        places = len(number.partition(".")[2])
        if abs(float(number) / part - wanted) <= 0.51 * 10**-places / part or float(number) == wanted:
            return True
    return False


def _near(wanted: float, got: float) -> bool:
    return abs(wanted - got) <= max(NEAR * abs(wanted), 1e-9)


def run(names: Sequence[str]) -> dict[str, Counter[str]]:
    """Ask every question of the sets, print each wrong one, and return how many are what."""
    told: dict[str, Counter[str]] = {}
    with tempfile.TemporaryDirectory() as home, contextlib.chdir(home):
        question_tables.write(Path())
        for file in {f for name in names for q in questions(name) for f in q.files if "/" in f}:
            shutil.copy(ROOT / file, home)
        toolkit: dict[str, Any] = {"__name__": "__main__"}
        exec(whole(), toolkit)
        toolkit["display"] = lambda *_: None
        for name in names:
            told[name] = Counter()
            for question in questions(name):
                said = ask(question, toolkit)
                found = judge(question, said)
                told[name][found] += 1
                if found == "wrong":
                    print(f"{question.id} {question.question}\n    wanted {question.answer}\n    said   {said.text}")
            print(f"{name}: " + ", ".join(f"{kind} {n}" for kind, n in told[name].most_common()))
    return told


if __name__ == "__main__":
    run(sys.argv[1:] or sorted(p.stem for p in SETS.glob("*.json")))
