"""Questions that other people asked of other people's tables: read, compiled, carried out and scored.

    python -m bench.outside                      # DABench's development questions, in this process
    python -m bench.outside --odd --misses       # a half of them, with what went wrong, by kind
    python -m bench.outside --insight            # InsightBench's, see below
    python -m bench.outside --door               # the same through `gristmill ask --questions`

The questions lie beside the repository, in `../shared/outside`; without them nothing is measured. DABench is scored by
the `score_dabench.py` that lies there: right of all, and right when answering. Its even ids were read while the reader
was built, its odd ids only counted.

InsightBench has no strict labels, so three figures of our own, each of the insights that have such a label: number told
(every number of the insight's value is among the values of the answer, as it stands or within half a unit of its last
digit), absence told (the insight says that a column is missing, and the question is not answered), trend word told
(the answer's text has the insight's word: increase, decrease, uniform, stable, or one of its kin).
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import io
import json
import pkgutil
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

OUTSIDE = Path(__file__).resolve().parents[2] / "shared" / "outside"
TRENDS = {
    "increas": "increas|rise|rising|grow|upward|higher",
    "decreas": "decreas|fall|declin|downward|lower",
    "uniform": "uniform|even|similar|equal|no difference",
    "stable": "stable|constant|no trend|no change",
}
NUMBER = r"(?<![\w.])(\d+(?:\.\d+)?)(?:\s?(million|M|[kK])\b)?"
SCALES = {"million": 1e6, "M": 1e6, "k": 1e3, "K": 1e3}


@cache
def scorer() -> Any:
    """The strict scorer that lies beside the questions."""
    spec = importlib.util.spec_from_file_location("score_dabench", OUTSIDE / "score_dabench.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def toolkit() -> dict[str, Any]:
    """What the toolkit's modules define, in one namespace, as a notebook has it."""
    import notebooks.toolkit as package

    names: dict[str, Any] = {}
    for info in pkgutil.iter_modules(package.__path__):
        names |= vars(importlib.import_module(f"notebooks.toolkit.{info.name}"))
    return {k: v for k, v in names.items() if not k.startswith("__")}


def described(question: str, files: dict[str, Path]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What `look.describe` prints of these files, and the tables themselves."""
    from graphs import look

    space = dict(toolkit())
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        space["tables"] = {name: space["read_once"](str(path)) for name, path in files.items()}
        exec(look.describe(question), space)
    return json.loads(printed.getvalue().splitlines()[-1])["files"], space["tables"]


def carry_out(cells: Sequence[str], tables: dict[str, Any]) -> list[dict[str, Any]]:
    """Run compiled cells in this process; the answers that they give."""
    from artifacts.types import ANSWER_MIME
    from notebooks.toolkit import telling

    given: list[dict[str, Any]] = []
    space = dict(toolkit()) | {"tables": tables, "df": next(iter(tables.values()))}

    def take(data: Any = None, *_: Any, **__: Any) -> None:
        if isinstance(data, dict) and ANSWER_MIME in data:
            given.append(data[ANSWER_MIME])

    with (
        mock.patch.object(telling, "display", take),
        mock.patch("IPython.display.display", take),  # a template brings its own cells of the toolkit
        contextlib.redirect_stdout(io.StringIO()),
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),  # templates leave files
    ):
        for code in cells:
            exec(code, space)
    return given


def of_template(call: Any, folder: Path) -> list[str]:
    """The cells of a template's call, which read its file from a folder."""
    from notebooks.catalog import cells, find

    values = {k: str(folder / v) if k in ("data", "other") else v for k, v in call.parameters.items()}
    return [c.code for c in cells(find(call.template), values)]


def ask(question: str, files: dict[str, Path]) -> dict[str, Any]:
    """The answer to one question, as `gristmill ask --json` gives it, and how it was read."""
    from graphs.questions.compile import compile as compiled
    from graphs.questions.reader import read

    tables, frames = described(question, files)
    reading = read(question, tables)
    answers: list[dict[str, Any]] = []
    for n, query in enumerate(reading.queries):
        if query is None:
            answers.append({"status": "not_answered", "values": [], "why": reading.why_not[n], "stage": "reader"})
            continue
        try:
            made = compiled(query, tables)
            folder = next(iter(files.values())).parent
            cells = [code for _, code in made.cells] if hasattr(made, "cells") else of_template(made, folder)
            answers += carry_out(cells, frames)
        except Exception as error:  # noqa: BLE001 - a miss like any other
            answers.append(
                {"status": "not_answered", "values": [], "why": f"{type(error).__name__}: {error}", "stage": "compiler"}
            )
    good = [a for a in answers if a["status"] == "answered"]
    status = "answered" if good and len(good) == len(answers) else "partly" if good else "not_answered"
    unused = [w for q in reading.queries if q is not None for w in q.unused]
    return {"status": status, "values": [v for a in good for v in a["values"]], "answers": answers,
            "text": " ".join(a.get("text", "") for a in good), "unused": unused,
            "intents": [q.intent if q else None for q in reading.queries]}  # fmt: skip


def through_the_door(asked: list[dict[str, Any]], folder: Path) -> Iterator[dict[str, Any]]:
    """The same from `gristmill ask --questions`, one call for each table."""
    for file in dict.fromkeys(q["file"] for q in asked):
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as listed:
            for q in asked:
                if q["file"] == file:
                    listed.write(json.dumps({"id": q["id"], "question": q["text"]}) + "\n")
            listed.flush()
            command = [
                Path(sys.executable).parent / "gristmill",
                "ask",
                "--questions",
                listed.name,
                folder / file,
                "--json",
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        for line in done.stdout.splitlines():
            with contextlib.suppress(ValueError):
                said = json.loads(line)
                yield said | {"values": [v for a in said.get("answers", []) for v in a.get("values", [])]}


def dabench(args: argparse.Namespace) -> None:
    """DABench's questions, strictly scored."""
    folder = OUTSIDE / "dabench"
    asked = [json.loads(line) for line in (folder / "questions.jsonl").read_text().splitlines()]
    asked = [q for q in asked if scorer().labels(q) and (not args.ids or q["id"] in args.ids)]
    for q in asked:
        q["text"] = f"{q['question']}\n{q['constraints']}"
    if args.door:
        results = {r["id"]: r for r in through_the_door(asked, folder / "tables")}
    else:
        results = {q["id"]: ask(q["text"], {q["file"]: folder / "tables" / q["file"]}) for q in asked}
    args.out.write_text("".join(json.dumps({"id": i, **r}) + "\n" for i, r in results.items()))
    halves = {"even": 0, "odd": 1}
    for name, odd in [*halves.items(), ("all", None)]:
        own = [q for q in asked if odd is None or q["id"] % 2 == odd]
        tally = Counter(scorer().outcome(q, results.get(q["id"])) for q in own)
        told = tally["right"] + tally["wrong"]
        shares = tally["right"] / max(1, len(own)), tally["right"] / max(1, told)
        print(f"{name:5} {len(own):4} questions:", ", ".join(f"{k} {tally[k]}" for k in ("right", "wrong", "refused")))
        print(f"      right of all {shares[0]:.3f}, when answering {shares[1]:.3f}")
    right = [q for q in asked if scorer().outcome(q, results.get(q["id"])) == "right"]
    false = [q for q in right if results[q["id"]].get("unused")]
    print(f"of {len(right)} right answers {len(false)} name unused words")
    stages = Counter(a["stage"] for q in asked for a in results.get(q["id"], {}).get("answers", []) if a.get("stage"))
    print("refused by", dict(stages))
    for q in asked if args.misses else []:
        r = results.get(q["id"], {})
        outcome = scorer().outcome(q, r)
        if outcome != "right" and (args.ids or q["id"] % 2 == args.odd):
            why = "; ".join(a["why"] for a in r.get("answers", []) if a.get("why"))
            got = str([(v["name"], v["value"]) for v in r.get("values", [])])
            print(f"\n[{q['id']}] {outcome} {r.get('intents')} {q['question'][:160]!r}")
            print(f"    want {str(q['answers'])[:160]}\n    got {got[:300]} {why[:200]}")


def insightbench(args: argparse.Namespace) -> None:
    """InsightBench's questions by three figures of our own."""
    folder = OUTSIDE / "insightbench"
    tally: Counter[str] = Counter()
    rows = []
    for task in map(json.loads, (folder / "tasks.jsonl").read_text().splitlines()):
        files = {f: folder / "tables" / f for f in (task["file"],)}
        for insight in task["insights"]:
            if not insight.get("question"):
                continue
            r = ask(insight["question"], files)
            rows.append({"id": task["id"], **{k: insight[k] for k in ("question", "insight")}, **r})
            for kind, met in judged(insight, r).items():
                tally[kind] += 1
                tally[f"{kind} met"] += met
            tally[r["status"]] += 1
    args.out.write_text("".join(json.dumps(r, default=str) + "\n" for r in rows))
    for kind in ("number told", "absence told", "trend word told"):
        print(f"{kind}: {tally[kind + ' met']} of {tally[kind]}")
    print({k: tally[k] for k in ("answered", "partly", "not_answered")})


def judged(insight: dict[str, Any], r: dict[str, Any]) -> dict[str, bool]:
    """Which of the three figures an insight counts for, and whether they are met."""
    text = json.dumps(insight.get("value")) if insight.get("value") else ""
    said = f"{insight.get('insight')} {text}".casefold()
    if re.search(r"no column|missing (?:data|column)|could not be|keyerror|no .{0,20} data", said):
        return {"absence told": r["status"] == "not_answered"}
    plain = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)  # 11,400,891
    numbers = [(n, SCALES.get(unit, 1)) for n, unit in re.findall(NUMBER, plain) if float(n) > 2]
    if numbers:
        got = [v["value"] for v in r["values"] if isinstance(v["value"], (int, float))]
        ok = all(any(scorer().meets(n, g / by, unit) for g in got for unit in ("%", "")) for n, by in numbers)
        return {"number told": ok}
    for word, kin in TRENDS.items():
        if word in said:
            return {"trend word told": bool(re.search(kin, r["text"], re.I))}
    return {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--insight", action="store_true")
    parser.add_argument("--door", action="store_true")
    parser.add_argument("--misses", action="store_true")
    parser.add_argument("--odd", action="store_true", help="show the misses of the odd ids")
    parser.add_argument("--ids", type=int, nargs="*")
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "RESULTS.jsonl")
    args = parser.parse_args()
    if not OUTSIDE.is_dir():
        print(f"There are no outside questions at {OUTSIDE}, so nothing is measured.")
        return
    (insightbench if args.insight else dabench)(args)


if __name__ == "__main__":
    main()
