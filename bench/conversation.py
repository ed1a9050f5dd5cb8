"""A conversation that outlives `kill -9`, stays quick as it grows, and is watched without loss.

`python -m bench.conversation [--moments 25] [--turns 200] [--only kills|growth|watchers]`. Parts: `gristmill serve`
in a process of its own, its gateway and sandboxes, and a model that is a server on the loopback.

kills: conversations of ten turns with three edits, a question and an approval. At so many seeded random moments the
server, the gateway and everything in the sandboxes are killed at once. What a client had been told by then, and every
event that somebody had seen, must be in the record of the next server, and the conversation is brought to its end.
growth: turns on one run: what each adds to the data folder, and how long the next turn and its page take at 5 and last.
watchers: two clients follow a run whose cells put out 200 events a second.
Results: bench/results/conversation.json.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psutil

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "conversation.json"
PENGUINS = ROOT / "examples" / "penguins.csv"
TURNS = (
    "What is the mean body mass?",
    "only Gentoo",
    "and by sex?",
    "as a median",
    "as a maximum",
    "What is the mean bill length?",
    "only Adelie",
    "by island",
    "as a minimum",
    "What is the mean flipper length by species?",
)
GOAL = "What does it come to?"
TABLE = {"files": ("penguins.csv", PENGUINS.read_bytes())}
ENDED = ("done", "failed", "cancelled", "interrupted", "waiting")
PATIENCE = 240.0  # seconds for a step, also on a busy machine


class Lost(AssertionError):
    """Something that had been acknowledged is not in the record."""


class Model(BaseHTTPRequestHandler):
    """A model that asks the person a question, writes one cell, and reports; all follows from what it is sent."""

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        body = json.dumps(answer(request)).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # who asked was killed
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None: ...


def answer(request: dict[str, Any]) -> dict[str, Any]:
    offered = {tool["function"]["name"] for tool in request.get("tools", ())}
    heard = sum(message["role"] == "tool" for message in request["messages"])
    call: tuple[str, dict[str, Any]] | None
    if "make_plan" in offered:
        call = "make_plan", {"steps": [{"title": "Relate mass and flippers"}]}
    elif "run_code" in offered:
        asking = {"question": "Which year is meant?", "choices": ["2024", "2025"], "default": "2025"}
        steps = [("ask_person", asking), ("run_code", {"code": "print('computed', 6 * 7)", "title": "Compute"})]
        call = steps[heard] if heard < len(steps) else None
    elif "write_report" in offered:
        call = "write_report", {"answer": "It is 42.", "findings": []}
    else:
        call = "give_review", {"verdict": "pass"}
    message: dict[str, Any] = {"role": "assistant", "content": "" if call else "Done."}
    if call is not None:
        spoken = {"name": call[0], "arguments": json.dumps(call[1])}
        message["tool_calls"] = [{"id": f"call_{heard}", "type": "function", "function": spoken}]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if call else "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}


@contextlib.contextmanager
def model() -> Iterator[dict[str, str]]:
    """The environment in which the model is found."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield {"OPENAI_BASE_URL": f"http://127.0.0.1:{server.server_address[1]}/v1", "OPENAI_API_KEY": "sk-none"}
    finally:
        server.shutdown()
        server.server_close()


class Product:
    """`gristmill serve` on a data folder, which can be killed with all that belongs to it and started again."""

    def __init__(self, home: Path, more: dict[str, str]) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("E2B_", "OPENAI_", "GRISTMILL_"))}
        self.home, self._environment = home, {**kept, **more, "GRISTMILL_HOME": str(home), "GRISTMILL_RERUN": "0"}
        self.start()

    def start(self) -> None:
        (self.home / "server.json").unlink(missing_ok=True)
        with (self.home.parent / "serve.log").open("ab") as log:
            command = [sys.executable, "-m", "gristmill", "serve", "--port", "0", "--no-browser"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)
        until((self.home / "server.json").exists)
        told = json.loads((self.home / "server.json").read_text())
        self.pid = int(told["pid"])
        headers = {"Authorization": f"Bearer {told['token']}"}
        self.client = httpx.Client(base_url=told["url"], headers=headers, timeout=PATIENCE, trust_env=False)

    def kill(self) -> int:
        """`kill -9` for the server, the gateway, its nursery and whatever runs in sandboxes; how many there were."""
        doomed = {self.process.pid: psutil.Process(self.process.pid)}
        for process in psutil.process_iter(["cmdline"]):
            with contextlib.suppress(psutil.Error):
                if str(self.home) in " ".join(process.info["cmdline"] or ()):
                    doomed[process.pid] = process
        for process in list(doomed.values()):
            with contextlib.suppress(psutil.Error):
                doomed |= {child.pid: child for child in process.children(recursive=True)}
        for process in doomed.values():
            with contextlib.suppress(psutil.Error):
                process.kill()
        self.process.wait()
        psutil.wait_procs(list(doomed.values()), timeout=60)
        self.client.close()
        return len(doomed)

    def stop(self) -> None:
        self.client.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def post(self, path: str, *, files: Any = None, **form: Any) -> Any:
        reply = self.client.post(path, data=form, files=files)
        if reply.is_error:
            raise RuntimeError(f"{path}: {reply.status_code} {reply.text}")
        return reply.json()

    def view(self, run: str) -> Any:
        return self.client.get(f"/api/runs/{run}").raise_for_status().json()

    def cells(self, run: str) -> Any:
        return self.client.get(f"/api/runs/{run}/cells").raise_for_status().json()["cells"]

    def events(self, run: str, after: int = 0) -> list[Any]:
        asked = self.client.get(f"/api/runs/{run}/events?after={after}", headers={"accept": "application/json"})
        told: list[Any] = asked.raise_for_status().json()["events"] if asked.status_code == 200 else []
        return told


def until(holds: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    end = time.monotonic() + seconds
    while not (value := holds()):
        if time.monotonic() > end:
            raise TimeoutError("What was waited for did not come.")
        time.sleep(0.02)
    return value


class Conversation:
    """One conversation, step by step; each step can be begun again, and then sees what of it is in the record."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.run = self.asked = ""
        self.told: list[tuple[str, Any]] = []  # what the product has acknowledged: each must be found again
        self.seen: dict[str, list[Any]] = {}  # the events that a watcher has seen, by run
        self.steps: list[Callable[[], None]] = []
        for number, text in enumerate(TURNS, 1):
            self.steps.append(partial(self.say, number, text))
            if number in (3, 6, 9):
                self.steps.append(partial(self.edit, number))
            if number == 5:
                self.steps += [self.begin, self.answer, self.decide]

    def say(self, number: int, text: str) -> None:
        """Turn `number` of the conversation: said once, and brought to its end whatever happens meanwhile."""
        if number == 1:
            self.run = self.begun(text) or self.product.post("/api/ask", files=TABLE, question=text)["id"]
        else:
            self.speak(self.run, number, text)
        self.rest(self.run)
        turn = self.product.view(self.run)["turns"][number - 1]
        if turn["status"] != "done":
            raise RuntimeError(f"turn {number} ended {turn['status']}")
        self.told.append(("turn", (number - 1, turn["message"], turn["answers"])))

    def begun(self, goal: str) -> str:
        """The id of the run of this goal, which may have been begun before everything was killed; "" for none."""
        found = [r["id"] for r in self.product.client.get("/api/runs").json()["runs"] if r["goal"] == goal]
        return found[0] if found else ""

    def speak(self, run: str, number: int, text: str) -> None:
        """Say something once."""
        view = self.product.view(run)
        if len(view["turns"]) < number and text not in {m["text"] for m in view["messages"]}:
            self.product.post(f"/api/runs/{run}/say", text=text)
        self.told.append(("said", (run, text)))

    def rest(self, run: str) -> Any:
        """The view of a run that has ended or waits, taken up again where a dead process has left it."""
        for _ in range(3):
            view = until(lambda: v if (v := self.product.view(run))["run"]["status"] in ENDED else None)
            if view["run"]["status"] not in ("interrupted", "failed"):
                return view
            self.product.post(f"/api/runs/{run}/resume")
        raise RuntimeError(f"{run} does not go on: {view['run']['status']}: {view['error']}")

    def edit(self, number: int) -> None:
        """A cell of a person's own behind all others."""
        source = f"by_hand_{number} = {number} ** 2\nprint(by_hand_{number})"
        if not any(c["source"] == source for c in self.product.cells(self.run)):
            asked = {"what": "add", "source": source}
            reply = self.product.client.post(f"/api/runs/{self.run}/edits", json=asked)
            if reply.is_error:
                raise RuntimeError(f"edit: {reply.status_code} {reply.text}")
        self.told.append(("cell", source))

    def begin(self) -> None:
        """A run of the model's, which soon asks a question."""
        form = {"question": GOAL, "model": "openai:m", "approve": "ask"}
        self.asked = self.begun(GOAL) or self.product.post("/api/runs", files=TABLE, **form)["id"]
        view = self.rest(self.asked)
        if not view["questions"]:
            raise RuntimeError(f"nothing was asked: {view['run']['status']} {view['error']}")
        self.told.append(("question", view["questions"][0]["text"]))

    def answer(self) -> None:
        if self.product.view(self.asked)["questions"][0]["answer"] is None:
            self.product.post(f"/api/runs/{self.asked}/answer", text="2024")
        self.told.append(("answer", "2024"))
        view = self.rest(self.asked)
        if not view["approvals"]:
            raise RuntimeError(f"nothing waits for approval: {view['run']['status']} {view['error']}")

    def decide(self) -> None:
        if self.product.view(self.asked)["approvals"][0]["decision"] is None:
            self.product.post(f"/api/runs/{self.asked}/decide", decision="accepted")
        self.told.append(("decision", "accepted"))
        view = self.rest(self.asked)
        if view["run"]["status"] != "done":
            raise RuntimeError(f"the approved run ended {view['run']['status']}: {view['error']}")

    def watch(self) -> None:
        """See what is new, as a client that follows does."""
        for run in filter(None, (self.run, self.asked)):
            known = self.seen.setdefault(run, [])
            known += self.product.events(run, known[-1]["seq"] if known else 0)

    def check(self) -> None:
        """Raise `Lost` unless all that was acknowledged, and every event that was seen, is in the record."""
        for run, known in self.seen.items():
            now = {event["seq"]: event for event in self.product.events(run)}
            for event in known:
                if event["kind"] != "text_delta" and now.get(event["seq"]) != event:
                    raise Lost(f"event {event['seq']} of {run}, {event['kind']}")
        view = self.product.view(self.run) if self.run else {}
        other = self.product.view(self.asked) if self.asked else {}
        for what, value in self.told:
            match what:
                case "turn":
                    turn = view["turns"][value[0]]
                    held = (turn["message"], turn["answers"]) == value[1:]
                case "said":
                    now = self.product.view(value[0])
                    held = value[1] in {m["text"] for m in now["messages"]} | {t["message"] for t in now["turns"]}
                case "cell":
                    held = any(c["source"] == value for c in self.product.cells(self.run))
                case "question":
                    held = other["questions"][0]["text"] == value
                case "answer":
                    held = other["questions"][0]["answer"] == value
                case _:
                    held = other["approvals"][0]["decision"] == value
            if not held:
                raise Lost(f"{what}: {value!r}")


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
    """So many kills, five in a conversation, at random moments of random steps."""
    chance, survived, faults, alive = random.Random(seed), 0, list[str](), 0
    usual = dict[int, float]()  # seconds that each step took when nobody killed it
    with model() as environment:
        left = moments
        while left:
            home = folder / f"conversation-{moments - left}" / "home"
            home.parent.mkdir()
            talk = Conversation(Product(home, environment))
            chosen = set(chance.sample(range(len(talk.steps)), min(5, left)))
            left -= len(chosen)
            for at, step in enumerate(talk.steps):
                part, how = chance.uniform(0, 1.1), ""
                try:
                    if at in chosen:
                        how = killed(step, talk, part * usual.get(at, 3.0))
                        talk.check()
                    began = time.monotonic()
                    step()
                    usual.setdefault(at, time.monotonic() - began)
                    talk.watch()
                    talk.check()
                except (Lost, RuntimeError, TimeoutError, httpx.HTTPError) as error:
                    faults.append(f"{home.parent.name}, step {at} (killed: {how or 'no'}): {error}")
                    print("  " + faults[-1], flush=True)
                    if at in chosen:
                        how = ""
                    else:
                        break
                if at in chosen and how:
                    survived += 1
                    print(f"  {survived} survived: step {at} {how} after {part:.2f} of its time", flush=True)
            alive += 1
            talk.product.kill()
    return {"moments": moments, "survived": survived, "conversations": alive, "faults": faults, "seed": seed}


def size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def growth(folder: Path, turns: int) -> dict[str, Any]:
    """Turns on one run: seconds of the next turn and of its page, and the data folder's growth, early and late."""
    home = folder / "growth" / "home"
    home.parent.mkdir()
    product = Product(home, {})
    follow_ups = ("only Gentoo", "as a median", "only Adelie", "as a mean")
    took, pages, sizes = list[float](), list[float](), list[int]()
    try:
        run = product.post("/api/ask", files=TABLE, question=TURNS[0])["id"]
        until(lambda: product.view(run)["run"]["status"] == "done")
        for number in range(2, turns + 1):
            began = time.perf_counter()
            product.post(f"/api/runs/{run}/ask", text=follow_ups[number % len(follow_ups)])
            took.append(time.perf_counter() - began)
            began = time.perf_counter()
            product.client.get(f"/runs/{run}").raise_for_status()
            pages.append(time.perf_counter() - began)
            sizes.append(size(home))
    finally:
        product.stop()
    early, late = slice(2, 9), slice(-7, None)
    middle = len(sizes) // 2

    def medians(values: list[float]) -> dict[str, float]:
        one, two = statistics.median(values[early]), statistics.median(values[late])
        return {"at_5_s": round(one, 3), "at_the_end_s": round(two, 3), "ratio": round(two / one, 2)}

    return {
        "turns": turns,
        "turn": medians(took),
        "page": medians(pages),
        "bytes_a_turn_first_half": (sizes[middle] - sizes[0]) // max(1, middle),
        "bytes_a_turn_second_half": (sizes[-1] - sizes[middle]) // max(1, len(sizes) - 1 - middle),
    }


SHOWING = """import time
from IPython.display import display
for i in range({count}):
    display(i)
    time.sleep({pause})"""


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
            code = SHOWING.format(count=count, pause=0.0045)
            book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
            server = psutil.Process(product.pid)
            files = {"notebook": ("many.ipynb", nbformat.writes(book).encode())}
            used = sum(server.cpu_times()[:2])
            run = product.post("/api/notebooks/run", files=files)["id"]
            heard: list[list[Any]] = [[] for _ in range(many)]
            following = [threading.Thread(target=follow, args=(product, run, into)) for into in heard]
            for one in following:
                one.start()
            until(lambda run=run: product.view(run)["run"]["status"] in ENDED)
            for one in following:
                one.join(60)
            followed[many] = heard, sum(server.cpu_times()[:2]) - used
        kept = product.events(run)
    finally:
        product.stop()
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
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("kills", "growth", "watchers"))
    options = parser.parse_args()
    done: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory(prefix="gristmill-conversation-") as name:
        folder = Path(name)
        for what, measure in (
            ("kills", lambda: kills(folder, options.moments, options.seed)),
            ("growth", lambda: growth(folder, options.turns)),
            ("watchers", lambda: watchers(folder, options.seconds)),
        ):
            if options.only in (None, what):
                done[what] = measure() | {"load_average": round(os.getloadavg()[0], 1)}
                print(what, json.dumps(done[what], indent=1), flush=True)
    RESULTS.write_text(json.dumps(done, indent=2) + "\n")
    found = done.get("kills", {})
    return int(options.only in (None, "kills") and found["survived"] < found["moments"])


if __name__ == "__main__":
    sys.exit(main())
