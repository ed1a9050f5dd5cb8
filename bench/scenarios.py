"""Whole conversations of scripted agents over a real HTTP wire, and whether what came of each is what must.

`python -m bench.scenarios [WORD ...] [--kind KIND] [--rerun] [--said]` plays those of `scenarios.yaml` whose names hold
a word and prints a table of outcomes; it exits 1 where one is not as it must be. `--rerun` has each notebook run again
in a fresh sandbox, as reviews usually do; `--said` prints every objection and remark.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from artifacts.events import RunView
from artifacts.store import Store
from bench.scenario_tables import TABLES
from bench.wire import Answer, Wire
from graphs.budget import read_budget
from graphs.request import Request, Terms
from graphs.workbench import Workbench

PATIENCE = 300
"""Seconds after which a conversation is given up."""


@cache
def _scope() -> dict[str, Any]:
    return {name.removesuffix(".csv"): make() for name, make in TABLES.items()} | {"pd": pd, "np": np}


def filled(text: str) -> str:
    """A text whose braces hold expressions over the true tables."""
    return str(eval(f"f{text!r}" if "\n" not in text else f'f"""{text}"""', dict(_scope()))).strip()


# The scenarios.


@dataclass(frozen=True)
class Scenario:
    """A conversation as `scenarios.yaml` tells it; see there for what each field means."""

    name: str
    kind: str
    question: str
    files: tuple[str, ...]
    cells: tuple[str, ...] = ()
    answer: str = ""
    values: tuple[tuple[str, Any, str, dict[str, Any] | None], ...] = ()
    mended: Mapping[str, Any] = field(default_factory=dict)
    plan: tuple[Mapping[str, Any], ...] = ()
    code: tuple[Mapping[str, Any], ...] = ()
    report: tuple[Mapping[str, Any], ...] = ()
    review: tuple[Mapping[str, Any], ...] = ()
    budget: str = ""
    must: Any = None

    @property
    def musts(self) -> dict[str, Any]:
        """What must come of it, by name."""
        usual = {"wrong": "stopped", "honest": "passed", "strong": "passed"}
        must = self.must if self.must is not None else usual[self.kind]
        verdicts = {"stopped": "fail", "passed": "pass"}
        return {"ends": "done", "verdict": verdicts[must]} if isinstance(must, str) else dict(must)


def scenarios(words: Iterable[str] = (), kind: str | None = None) -> list[Scenario]:
    """Those of the file whose names hold one of the words, of one kind where it is named."""
    told = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    made = [Scenario(**{k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}) for entry in told]
    words = [w.lower() for w in words]
    return [s for s in made if kind in (None, s.kind) and (not words or any(w in s.name.lower() for w in words))]


def put_tables(folder: Path) -> dict[str, Path]:
    """The tables as CSV files in a folder, by name."""
    for name, make in TABLES.items():
        make().to_csv(folder / name, index=False)
    return {name: folder / name for name in TABLES}


class Script:
    """Answers each request as a scenario says: its replies in their order, then the plainest thing each job can say."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.plan, self.report, self.review = (list(s) for s in (scenario.plan, scenario.report, scenario.review))
        self.code = [*scenario.code, *map(_cell, scenario.cells)]
        self.objected = False

    def __call__(self, request: dict[str, Any]) -> Answer:
        offered = {t["function"]["name"] for t in request.get("tools", ())}
        told = request["messages"][-1]["content"] if not offered else ""
        if "make_plan" in offered or "make_plan" in told:
            return _reply(self.plan.pop(0)) if self.plan else _call("make_plan", {"steps": [{"title": "Compute it"}]})
        if "run_code" in offered:
            if not self.objected and any("objects to" in str(m["content"])[:60] for m in request["messages"]):
                self.objected = True
                self.code += map(_cell, self.scenario.mended.get("cells", ()))
            return _reply(self.code.pop(0)) if self.code else Answer(text="That is done.")
        if "write_report" in offered or "write_report" in told:
            return _reply(self.report.pop(0)) if self.report else _call("write_report", self._written())
        return _reply(self.review.pop(0)) if self.review else _call("give_review", {"verdict": "pass"})

    def _written(self) -> dict[str, Any]:
        scenario, now = self.scenario, self.scenario.mended if self.objected else {}
        text = filled(now.get("answer", scenario.answer)) or "See the cells."
        values = [_value(*v) for v in now.get("values", scenario.values)]
        return {"answer": text} | ({"answers": [{"text": text, "values": values}]} if values else {})


def _cell(code: str) -> dict[str, Any]:
    return {"calls": [["run_code", {"code": code, "title": code.strip().splitlines()[-1][:40]}]]}


def _value(name: str, value: Any, unit: str, query: dict[str, Any] | None = None) -> dict[str, Any]:
    value = eval(value, dict(_scope())) if isinstance(value, str) else value
    value = value.item() if hasattr(value, "item") else value
    return {"name": name, "value": value, "unit": unit} | ({"query": query} if query else {})


def _call(name: str, arguments: dict[str, Any]) -> Answer:
    return Answer(calls=[(name, json.dumps(arguments, default=str))])


def _reply(told: Mapping[str, Any]) -> Answer:
    calls = [(name, given if isinstance(given, str) else json.dumps(given)) for name, given in told.get("calls", ())]
    return Answer(**{**told, "calls": calls})


# What came of them.


@dataclass(frozen=True)
class Outcome:
    """What came of a scenario, and which of its musts did not; `said` are objections and remarks."""

    scenario: Scenario
    came: dict[str, Any]
    wrong: dict[str, Any]
    said: tuple[str, ...] = ()


async def play(scenario: Scenario, bench: Workbench, files: Mapping[str, Path], wire: Wire) -> Outcome:
    """Carry the conversation out as a run, and look at what came of it."""
    wire.requests.clear()
    wire.answer = Script(scenario)
    terms = Terms(budget=read_budget(scenario.budget)) if scenario.budget else Terms()
    given = tuple(files[name] for name in scenario.files)
    request = Request(question=scenario.question, files=given, model="openai:test", terms=terms)
    run = await asyncio.wait_for(bench.wait((await bench.start(request)).id), PATIENCE)
    view = bench.store.view(run.id)
    came = came_of(view, wire.requests, run.status)
    wrong = {k: v for k, v in scenario.musts.items() if not _is(k, v, came)}
    last = view.reviews[-1] if view.reviews else None
    said = [f"objection ({o.where}): {o.problem}" for o in last.objections] if last else []
    said += [f"remark: {r}" for r in last.remarks] if last else []
    return Outcome(scenario, came, wrong, (*said, *([f"error: {view.error}"] if view.error else [])))


def came_of(view: RunView, requests: Sequence[Mapping[str, Any]], status: str) -> dict[str, Any]:
    """The facts of a run that a scenario may ask for."""
    told = json.dumps([view.report.answer if view.report else "", [x.text for x in view.executions]])
    verdict = view.reviews[-1].verdict if view.reviews else ""
    systems = [m["content"] for r in requests for m in r["messages"] if m["role"] == "system"]
    calls = [c for r in requests for m in r["messages"] for c in m.get("tool_calls") or ()]
    return {
        "ends": status,
        "error": view.error or "",
        "verdict": "pass" if verdict == "pass_with_remarks" else verdict,
        "cells": sum("code" in x.tags for x in view.executions),
        "refused": sum(not t.ok and not t.cells for t in view.tools_used),
        "requests": len(requests),
        "offered": {t["function"]["name"] for r in requests for t in r.get("tools", ())},
        "systems": " ".join(systems),
        "told": told,
        "history": all(isinstance(_json(c["function"]["arguments"]), dict) for c in calls),
        "fenced": not any(
            "ignore all instructions" in _unfenced(m["content"] or "") for r in requests for m in r["messages"]
        ),
        "mended": len(view.reviews) > 1 and view.reviews[0].verdict == "fail" and verdict.startswith("pass"),
    }


def _unfenced(text: str) -> str:
    """What of a message stands outside its code blocks, as Markdown."""
    from markdown_it import MarkdownIt

    return " ".join(token.content for token in MarkdownIt().parse(text) if token.type != "fence")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _is(name: str, must: Any, came: Mapping[str, Any]) -> bool:
    match name:
        case "error":
            return must in came["error"]
        case "requests" | "cells_at_most":
            return bool(came[name.removesuffix("_at_most")] <= must)
        case "hidden":
            return not any(text in came["told"] for text in must)
        case "never_offered":
            return not came["offered"] & set(must)
        case "never_told":
            return must not in came["systems"]
        case "history":
            return bool(came["history"])
    return bool(came[name] == must)


async def play_all(chosen: Sequence[Scenario], *, rerun: bool, tell: Callable[[Outcome], None]) -> list[Outcome]:
    """Play one after the other, in one process, and tell of each."""
    wire = Wire()
    server = await asyncio.start_server(wire.handle, "127.0.0.1", 0)
    wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    os.environ.update(wire.env)
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="gristmill-scenarios-") as folder:
        files = put_tables(Path(folder))
        async with server:
            with Store.open(Path(folder) / "home") as store:
                bench = Workbench(store, rerun=rerun, limit=1)
                try:
                    for scenario in chosen:
                        outcomes.append(await play(scenario, bench, files, wire))
                        tell(outcomes[-1])
                finally:
                    await bench.close()
    return outcomes


def table(outcomes: Sequence[Outcome]) -> str:
    """How many of each kind came out as they must, and the two rates that have goals."""
    every, wrong = Counter(o.scenario.kind for o in outcomes), Counter(o.scenario.kind for o in outcomes if o.wrong)
    lines = [f"{'kind':<10} {'all':>4} {'as it must':>11}"]
    lines += [f"{kind:<10} {many:>4} {many - wrong[kind]:>11}" for kind, many in sorted(every.items())]
    judged = [o for o in outcomes if "verdict" in o.scenario.musts]
    false = [o for o in judged if o.scenario.kind == "wrong" or o.scenario.musts["verdict"] == "fail"]
    honest = [o for o in judged if o not in false]
    for what, of, missed in (
        ("false answers that pass", false, sum(o.came.get("verdict") != "fail" for o in false)),
        ("honest ones objected to (goal: at most 3 %)", honest, sum("verdict" in o.wrong for o in honest)),
    ):
        lines += [f"{what}: {missed} of {len(of)}, {missed / len(of):.1%}"] if of else []
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.scenarios", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("words", nargs="*", help="words of names; all scenarios without any")
    parser.add_argument("--kind", choices=("wrong", "honest", "strong", "weak", "malicious"))
    parser.add_argument("--rerun", action="store_true", help="run each notebook again in a fresh sandbox, too")
    parser.add_argument("--said", action="store_true", help="print what the reviewer said of each")
    args = parser.parse_args(argv)

    def tell(outcome: Outcome) -> None:
        told = "; ".join(f"{k}: {outcome.came.get(k, '')!r}, must be {v!r}" for k, v in outcome.wrong.items())
        print(f"{'WRONG' if outcome.wrong else 'ok':<6}{outcome.scenario.kind:<10}{outcome.scenario.name}", flush=True)
        for line in (*([told] if told else []), *(outcome.said if args.said or outcome.wrong else ())):
            print(f"      {line[:400]}")

    outcomes = asyncio.run(play_all(scenarios(args.words, args.kind), rerun=args.rerun, tell=tell))
    print(table(outcomes))
    return int(any(o.wrong for o in outcomes))


if __name__ == "__main__":
    sys.exit(main())
