"""A conversation that outlives `kill -9`, stays quick as it grows, and is watched without loss.

`python -m bench.conversation [--moments 25] [--turns 200] [--only kills|growth|watchers]`. Parts: `gristmill serve`
in a process of its own, its gateway and sandboxes, and a model that is a server on the loopback.

kills: a run of a model's, with ten turns: answers from the record, cells each of which waits for approval, a question,
tasks of two helpers, and three edits by a person. At so many seeded random moments the server, the gateway and
everything in the sandboxes are killed at once. What a client had been told by then, and every event that somebody had
seen, must be in the record of the next server; the conversation is brought to its end, and has everything once.
growth: turns on one run: what each adds to the data folder, and how long the next turn and its page take at 5 and last.
watchers: two clients follow a run whose cells put out 200 events a second.
Results: bench/results/conversation.json.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil

from bench.playing import Said, plain, results, serving
from bench.product import ROOT, Product, until

RESULTS = Path(__file__).parent / "results" / "conversation.json"
TABLE = {"files": ("penguins.csv", (ROOT / "examples" / "penguins.csv").read_bytes())}
ENDED = ("done", "failed", "cancelled", "interrupted", "waiting")


type Step = tuple[str, dict[str, Any]]


def cell(code: str) -> Step:
    return "run_code", {"code": code}


ASK: Step = "ask_person", {"question": "Which year is meant?", "choices": ["2024", "2025"], "default": "2025"}
TASKS: Step = "delegate", {"tasks": [{"title": "Low", "agent": "coder"}, {"title": "High", "agent": "modeler"}]}
HELPERS = {"Low": cell("low = 1\nprint('low', low)"), "High": cell("high = 9\nprint('high', high)")}
TURNS: dict[str, tuple[Step, ...]] = {
    "What does it come to?": (cell("first = 6 * 7\nprint('first', first)"),),
    "What does that mean?": (),
    "And the double of it?": (cell("double = 2 * first\nprint('double', double)"),),
    "Take one year only.": (ASK, cell("print('one year')")),
    "Say it in other words.": (),
    "Look at both ends at once.": (TASKS, cell("print('between', high - low)")),
    "Can it be relied on?": (),
    "Then halve it, twice.": (cell("half = first / 2\nprint('half', half)"), cell("print('quarter', half / 2)")),
    "And what is left?": (cell("print('left', first - half)"),),
    "Thank you. In short?": (),
}
"""What the person says in each turn, and what the model does before it answers."""
DOUBLE = TURNS["And the double of it?"][0][1]["code"]
EDITS = {
    3: {"what": "add", "source": "by_hand = 3 ** 2\nprint(by_hand)"},
    6: {"what": "edit", "was": DOUBLE, "source": "double = first + first\nprint('double', double)"},
    9: {"what": "delete", "was": "by_hand = 3 ** 2\nprint(by_hand)"},
}
"""What a person does to the notebook behind these turns; `was` is the source of the cell."""


class Lost(AssertionError):
    """Something that had been acknowledged is not in the record, or is there twice."""


def answer(request: dict[str, Any]) -> Said:
    """What the model says: the next of its steps in this turn, or in the task of one of its helpers."""
    if not any(tool["function"]["name"] == "run_code" for tool in request.get("tools", ())):
        return plain(request)
    told = request["messages"][1]["content"]
    if told.startswith("# Your task: "):
        steps: tuple[Step, ...] = (HELPERS[told.partition("\n")[0].removeprefix("# Your task: ")],)
    else:
        said = told.rpartition("says: ")[2].strip()
        steps = TURNS.get(said, TURNS["What does it come to?"])
    done = results(request)
    return steps[done] if done < len(steps) else plain(request)


def rests(product: Product, run: str) -> bool:
    """Whether nothing is under way of a run."""
    return product.view(run)["run"]["status"] in ENDED


class Conversation:
    """One conversation, step by step; each step can be begun again, and then sees what of it is in the record."""

    def __init__(self, product: Product) -> None:
        self.product, self.run = product, ""
        self.told: list[tuple[str, Any]] = []  # what the product has acknowledged: each must be found again
        self.seen: list[Any] = []  # the events that a watcher has seen
        self.steps: list[Callable[[], None]] = []
        for number, text in enumerate(TURNS, 1):
            self.steps.append(partial(self.say, number, text))
            if number in EDITS:
                self.steps.append(partial(self.edit, **EDITS[number]))

    def say(self, number: int, text: str) -> None:
        """Turn `number` of the conversation: said once, and brought to its end whatever happens meanwhile."""
        if number == 1:
            begun = [r["id"] for r in self.product.client.get("/api/runs").json()["runs"]]
            form = {"question": text, "model": "openai:m", "approve": "ask"}
            self.run = begun[0] if begun else self.product.post("/api/runs", files=TABLE, **form)["id"]
        else:
            view = self.product.view(self.run)
            if len(view["turns"]) < number and text not in {m["text"] for m in view["messages"]}:
                self.product.post(f"/api/runs/{self.run}/say", text=text)
            self.told.append(("said", text))
        turn = self.rest()["turns"][number - 1]
        if (turn["status"], turn["message"]) != ("done", text):
            raise RuntimeError(f"turn {number}, {turn['message']}, ended {turn['status']}")
        self.told.append(("turn", (number - 1, turn["message"], turn["answers"])))

    def rest(self) -> Any:
        """The view of the run once it has ended: taken up where a dead process has left it, answered where it asks."""
        resumed = 0
        while True:
            view = until(lambda: v if (v := self.product.view(self.run))["run"]["status"] in ENDED else None)
            status = view["run"]["status"]
            if status == "interrupted" and resumed < 3:
                self.product.post(f"/api/runs/{self.run}/resume")
                resumed += 1
            elif status != "waiting":
                if status != "done":
                    raise RuntimeError(f"the run is {status}: {view['error']}")
                return view
            for question in (q for q in view["questions"] if q["answer"] is None):
                self.product.post(f"/api/runs/{self.run}/answer", text="2024", question_id=question["id"])
                self.told.append(("answer", question["id"]))
            for approval in (a for a in view["approvals"] if a["decision"] is None):
                self.product.post(f"/api/runs/{self.run}/decide", decision="accepted", approval_id=approval["id"])
                self.told.append(("decision", approval["id"]))

    def edit(self, what: str, source: str = "", was: str = "") -> None:
        """An edit by a person, unless the notebook has it already."""
        cells = {c["source"]: c["id"] for c in self.product.cells(self.run)}
        if (source and source not in cells) or was in cells:
            asked = {"what": what, "source": source, "cell": cells.get(was)}
            reply = self.product.client.post(f"/api/runs/{self.run}/edits", json=asked)
            if reply.is_error:
                raise RuntimeError(f"{what}: {reply.status_code} {reply.text}")
        self.told.append(("edit", (source, was)))

    def watch(self) -> None:
        """See what is new, as a client that follows does."""
        if self.run:
            self.seen += self.product.events(self.run, self.seen[-1]["seq"] if self.seen else 0)

    def check(self) -> None:
        """Raise `Lost` unless all that was acknowledged, and every event that was seen, is in the record, once."""
        if not self.run:
            return
        now = {event["seq"]: event for event in self.product.events(self.run)}
        for event in self.seen:
            if event["kind"] != "text_delta" and now.get(event["seq"]) != event:
                raise Lost(f"event {event['seq']}, {event['kind']}")
        view = self.product.view(self.run)
        sources = Counter(c["source"] for c in self.product.cells(self.run) if "print(" in c["source"][:60])
        said = Counter(m["text"] for m in view["messages"] if m["task_id"] is None)
        edited = {was for what, told in self.told if what == "edit" for was in told[1:]}
        for what, told in self.told:
            match what:
                case "turn":
                    turn = view["turns"][told[0]]
                    changed = any(step[1].get("code") in edited for step in TURNS[told[1]])  # what rests on it goes
                    held = turn["message"] == told[1] and (changed or turn["answers"] == told[2])
                    held &= all(self._once(step, sources, edited) for step in TURNS[told[1]])
                case "said":
                    held = said[told] == 1
                case "edit":
                    held = told[1] not in sources and (told[0] in edited or not told[0] or sources[told[0]] == 1)
                case "answer":
                    held = next(q["answer"] for q in view["questions"] if q["id"] == told) == "2024"
                case _:
                    held = next(a["decision"] for a in view["approvals"] if a["id"] == told) == "accepted"
            if not held:
                raise Lost(f"{what}: {told!r}; cells {dict(sources)}")

    def _once(self, step: Step, sources: Counter[str], edited: set[str]) -> bool:
        """Whether what a step of the model's made is in the notebook once, unless a person has changed it."""
        if step == TASKS:
            return all(self._once(mine, sources, edited) for mine in HELPERS.values())
        code = step[1].get("code", "")
        return not code or code in edited or sources[code] == 1


def killed(step: Callable[[], None], talk: Conversation, after: float) -> str:
    """Begin a step, kill everything after so many seconds, and start the server again; says how far the step was."""
    failed: list[BaseException] = []

    def work() -> None:
        try:
            step()
        except (httpx.HTTPError, RuntimeError, json.JSONDecodeError) as error:
            failed.append(error)

    working = threading.Thread(target=work, daemon=True)
    begun = time.monotonic()
    working.start()
    while (left := begun + after - time.monotonic()) > 0:
        with contextlib.suppress(httpx.HTTPError):
            talk.watch()
        time.sleep(min(0.05, max(0.0, left)))
    talk.product.kill()
    working.join(60)
    talk.product.start()
    return "ended" if not failed else "was under way"


def kills(folder: Path, moments: int, seed: int) -> dict[str, Any]:
    """So many kills, ten in a conversation, at random moments of random steps."""
    chance, survived, faults, many = random.Random(seed), 0, list[str](), 0
    usual = dict[int, float]()  # seconds that each step took when nobody killed it
    with serving(answer) as environment:
        while (left := moments - 10 * many) > 0:
            home = folder / f"conversation-{many}" / "home"
            home.parent.mkdir()
            talk = Conversation(Product(home, environment))
            chosen = set(chance.sample(range(len(talk.steps)), min(10, left)))
            for at, step in enumerate(talk.steps):
                part, how = chance.uniform(0, 1.1), "not killed"
                lasts = usual.get(at, statistics.median([*usual.values(), 5.0]))
                try:
                    if at in chosen:
                        how = f"killed after {part:.2f} of its time, " + killed(step, talk, part * lasts)
                        talk.check()
                    began = time.monotonic()
                    step()
                    if at not in chosen:
                        usual.setdefault(at, time.monotonic() - began)
                    talk.watch()
                    talk.check()
                except (Lost, RuntimeError, TimeoutError, httpx.HTTPError) as error:
                    faults.append(f"{home.parent.name}, step {at}, {how}: {error}")
                    print("  " + faults[-1], flush=True)
                    break
                survived += at in chosen
                if at in chosen:
                    print(f"  {survived} survived: step {at} {how}", flush=True)
            many += 1
            talk.product.kill()
    return {"moments": moments, "survived": survived, "conversations": many, "faults": faults, "seed": seed}


def size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def growth(folder: Path, turns: int) -> dict[str, Any]:
    """Turns on one run: what the next turn and its page take, and the data folder's growth, early and late.

    `cpu_s` is processor time of the server, which other work on the machine does not change much.
    """
    home = folder / "growth" / "home"
    home.parent.mkdir()
    product = Product(home, {})
    follow_ups = ("only Gentoo", "as a median", "only Adelie", "as a mean")
    took, pages, sizes = list[tuple[float, float]](), list[tuple[float, float]](), list[int]()
    server = psutil.Process(product.pid)

    def timed(do: Callable[[], Any]) -> tuple[float, float]:
        began, used = time.perf_counter(), sum(server.cpu_times()[:2])
        do()
        return time.perf_counter() - began, sum(server.cpu_times()[:2]) - used

    try:
        run = product.post("/api/ask", files=TABLE, question="What is the mean body mass?")["id"]
        until(lambda: product.view(run)["run"]["status"] == "done")
        for number in range(2, turns + 1):
            text = follow_ups[number % len(follow_ups)]
            took.append(timed(functools.partial(product.post, f"/api/runs/{run}/ask", text=text)))
            pages.append(timed(lambda: product.client.get(f"/runs/{run}").raise_for_status()))
            sizes.append(size(home))
    finally:
        product.close()
    early, late = slice(2, 9), slice(-7, None)
    middle = len(sizes) // 2

    def medians(values: list[tuple[float, float]]) -> dict[str, float]:
        (one, cpu), (two, cpu_two) = (
            [statistics.median(c) for c in zip(*values[s], strict=True)] for s in (early, late)
        )
        walls = {"at_5_s": round(one, 3), "at_the_end_s": round(two, 3), "ratio": round(two / one, 2)}
        return walls | {"at_5_cpu_s": round(cpu, 3), "at_the_end_cpu_s": round(cpu_two, 3)}

    return {
        "turns": turns,
        "turn": medians(took),
        "page": medians(pages),
        "bytes_a_turn_first_half": (sizes[middle] - sizes[0]) // max(1, middle),
        "bytes_a_turn_second_half": (sizes[-1] - sizes[middle]) // max(1, len(sizes) - 1 - middle),
    }


SHOWING = """import time
from IPython.display import display
began = time.perf_counter()
for i in range({count}):
    display(i)
    time.sleep(max(0, began + (i + 1) / 200 - time.perf_counter()))"""


def watchers(folder: Path, seconds: float) -> dict[str, Any]:
    """Two clients follow a run that puts out 200 events a second; what one event costs the server's process."""
    import nbformat

    home = folder / "watchers" / "home"
    home.parent.mkdir()
    product = Product(home, {})
    count = int(200 * seconds)
    try:
        followed: dict[int, tuple[list[Any], float]] = {}
        for many in (0, 0, 2):  # the first of them loads what a run needs
            code = SHOWING.format(count=count)
            book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
            server = psutil.Process(product.pid)
            files = {"notebook": ("many.ipynb", nbformat.writes(book).encode())}
            used = sum(server.cpu_times()[:2])
            run = product.post("/api/notebooks/run", files=files)["id"]
            heard: list[list[Any]] = [[] for _ in range(many)]
            following = [threading.Thread(target=follow, args=(product, run, into)) for into in heard]
            for one in following:
                one.start()
            until(functools.partial(rests, product, run))
            for one in following:
                one.join(60)
            followed[many] = heard, sum(server.cpu_times()[:2]) - used
        kept = product.events(run)
    finally:
        product.close()
    heard, used = followed[2]
    at = [datetime.fromisoformat(e["at"]) for e in kept if e["kind"] == "output"]
    lasted = (at[-1] - at[0]).total_seconds()
    lasting = [e for e in kept if e["kind"] != "text_delta"]
    return {
        "events": len(kept),
        "events_a_second": round(len(at) / lasted, 1),
        "lost": [len(lasting) - sum(e in one for e in lasting) for one in heard],
        "same": heard[0] == heard[1],
        "server_ms_an_event": round(1000 * used / len(kept), 2),
        "server_ms_an_event_unwatched": round(1000 * followed[0][1] / len(kept), 2),
    }


def follow(product: Product, run: str, into: list[Any]) -> None:
    """Every event of a run as its stream tells it, until it has ended."""
    with product.client.stream("GET", f"/api/runs/{run}/events") as reply:
        for line in reply.iter_lines():
            if line.startswith("data: "):
                into.append(json.loads(line.removeprefix("data: ")))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=25)
    parser.add_argument("--turns", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=2.4)  # a cell is shown 500 outputs, and no more are events
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("kills", "growth", "watchers"))
    options = parser.parse_args()
    done: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory(prefix="gristmill-conversation-") as name:
        folder = Path(name)
        measures: dict[str, Callable[[], dict[str, Any]]] = {
            "kills": lambda: kills(folder, options.moments, options.seed),
            "growth": lambda: growth(folder, options.turns),
            "watchers": lambda: watchers(folder, options.seconds),
        }
        for what, measure in measures.items():
            if options.only in (None, what):
                done[what] = measure() | {"load_average": round(os.getloadavg()[0], 1)}
                print(what, json.dumps(done[what], indent=1), flush=True)
    RESULTS.write_text(json.dumps(done, indent=2) + "\n")
    found = done.get("kills", {})
    return int(options.only in (None, "kills") and found["survived"] < found["moments"])


if __name__ == "__main__":
    sys.exit(main())
