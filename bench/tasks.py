"""Three tasks that need nothing of each other, at the same time and one after another: what that saves of the time.

`python -m bench.tasks [--seconds 12] [--rounds 3]`. Parts: a workbench with its gateway and sandboxes, and a model that
is a server on the loopback. Each task runs one cell that sleeps. One after another means that each builds on the one
before. The time is that from the first task's beginning until the last one's cells are part of the notebook; every
round takes the ratio of the two, one run after the other. Results: bench/results/tasks.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

GOAL = 0.45
RESULTS = Path(__file__).parent / "results" / "tasks.json"
TITLES = ("First", "Second", "Third")


class Model(BaseHTTPRequestHandler):
    """A lead that delegates three tasks, and helpers that sleep; whether in a chain is in the question."""

    seconds = 12.0

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        body = json.dumps(answer(request, self.seconds)).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None: ...


def answer(request: dict[str, Any], seconds: float) -> dict[str, Any]:
    offered = {tool["function"]["name"] for tool in request.get("tools", ())}
    told = request["messages"][1]["content"]
    call: tuple[str, dict[str, Any]] | None
    if "delegate" in offered and "make_plan" in offered:
        chain = "one after another" in told
        after = [[title] if chain else [] for title in (None, *TITLES[:-1])]
        tasks = [
            {"title": t, "agent": "coder", "after": a if a != [None] else []}
            for t, a in zip(TITLES, after, strict=True)
        ]
        call = "delegate", {"tasks": tasks}
    elif told.startswith("# Your task"):
        ran = any(m["role"] == "tool" for m in request["messages"])
        call = None if ran else ("run_code", {"code": f"import time\ntime.sleep({seconds})\nprint('slept')"})
    elif "write_report" in offered:
        call = "write_report", {"answer": "They slept.", "findings": []}
    else:
        call = "give_review", {"verdict": "pass"}
    message: dict[str, Any] = {"role": "assistant", "content": "" if call else "It is done."}
    if call:
        function = {"name": call[0], "arguments": json.dumps(call[1])}
        message["tool_calls"] = [{"id": "call000001", "type": "function", "function": function}]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if call else "stop"}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": "test", "choices": [choice]}


async def measure(rounds: int) -> list[tuple[float, float]]:
    """For each round the seconds at the same time and one after another."""
    from artifacts.store import Store
    from graphs.request import Request
    from graphs.workbench import Workbench

    found: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory(prefix="gristmill-bench-") as folder:
        table = Path(folder) / "points.csv"
        table.write_text("x,y\n" + "".join(f"{i},{2 * i}\n" for i in range(40)))
        with Store.open(Path(folder) / "home") as store:
            bench = Workbench(store, rerun=False)
            try:
                for _ in range(rounds):
                    took = []
                    for how in ("at the same time", "one after another"):
                        request = Request(question=f"Sleep {how}", files=(table,), model="openai:test")
                        run = await bench.wait((await bench.start(request)).id)
                        assert run.status == "done", store.view(run.id).error
                        tasks = [e for e in store.events(run.id) if e.kind == "task_changed"]
                        assert (
                            len(store.view(run.id).tasks) == sum(bool(t.cells) for t in store.view(run.id).tasks) == 3
                        )
                        began = next(e.at for e in tasks if e.task.status == "running")
                        took.append((tasks[-1].at - began).total_seconds())
                    found.append((took[0], took[1]))
            finally:
                await bench.close()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=12.0, help="how long each task's cell sleeps")
    parser.add_argument("--rounds", type=int, default=3)
    told = parser.parse_args()
    Model.seconds = told.seconds
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ |= {"OPENAI_BASE_URL": f"http://127.0.0.1:{server.server_port}/v1", "OPENAI_API_KEY": "none"}
    found = asyncio.run(measure(told.rounds))
    server.shutdown()
    ratios = [together / apart for together, apart in found]
    for (together, apart), ratio in zip(found, ratios, strict=True):
        print(f"at the same time {together:6.1f} s   one after another {apart:6.1f} s   {ratio:.2f}")
    ratio = statistics.median(ratios)
    print(f"median {ratio:.2f}, goal {GOAL:.2f} or less: {'met' if ratio <= GOAL else 'MISSED'}")
    result = {
        "ratio": round(ratio, 3),
        "ratios": [round(r, 3) for r in ratios],
        "sleep": told.seconds,
        "seconds": [[round(s, 1) for s in pair] for pair in found],
        "load_average": round(os.getloadavg()[0], 1),
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    return 0 if ratio <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
