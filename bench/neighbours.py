"""What one sandbox at its limits costs its neighbour: `python -m bench.neighbours [--rounds N]`.

In turns, a sandbox runs `x = 1` again and again while nothing else happens, and while another sandbox of the same
gateway does its worst; the ratio of the two 95th percentiles is the row. Results: bench/results/neighbours.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from e2b_code_interpreter import Sandbox

from bench.gateway import Gateway

RESULTS = Path(__file__).parent / "results" / "neighbours.json"
GOAL = 2.0
_CELLS = 60  # in each turn
_HEADS_UP = 1.5  # seconds until the worst is under way
_WORST = {
    "64 processes that count": "for i in $(seq 64); do (while :; do :; done) & done; wait",
    "memory until it is killed": "while :; do python -c 'x = [bytearray(1 << 24) for _ in range(10_000)]'; done",
    "output without an end": "yes all work and no play",
    "a disk that is full": "while :; do cat /dev/zero > f; cat /dev/zero > /tmp/f; rm f /tmp/f; done",
    "processes until it may have no more": "f() { f & f & wait; }; while :; do f; done 2>/dev/null",
}
_READER = """
import json, socket, sys
host, port, headers, code = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4]
body = json.dumps({"code": code, "language": "bash"}).encode()
head = ["POST /execute HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
head += [f"{name}: {value}" for name, value in headers.items()]
with socket.create_connection((host, port)) as gateway:
    gateway.sendall("\\r\\n".join([*head, "", ""]).encode() + body)
    kept = bytearray(1 << 20)
    while gateway.recv_into(kept):
        pass
"""


@dataclass(frozen=True)
class Row:
    """One abuse: the neighbour's percentiles without and with it, in milliseconds."""

    what: str
    quiet_p50: float
    quiet_p95: float
    p50: float
    p95: float

    @property
    def ratio(self) -> float:
        return self.p95 / self.quiet_p95


def cells(neighbour: Sandbox) -> list[float]:
    """Milliseconds of each cell of one turn."""
    took = []
    for _ in range(_CELLS):
        start = time.perf_counter()
        neighbour.run_code("x = 1")
        took.append((time.perf_counter() - start) * 1000)
    return took


def abuse(gateway: Gateway, neighbour: Sandbox, what: str, code: str, rounds: int) -> Row:
    """Measure one abuse; its output is read by a client that does nothing else with it."""
    quiet: list[float] = []
    loud: list[float] = []
    for _ in range(rounds):
        quiet += cells(neighbour)
        worst = gateway.create()
        reader = subprocess.Popen([sys.executable, "-c", _READER, *_request(gateway, worst), code])
        try:
            time.sleep(_HEADS_UP)
            loud += cells(neighbour)
        finally:
            worst.kill()
            reader.wait()
    return Row(what, *_middle_and_tail(quiet), *_middle_and_tail(loud))


def _request(gateway: Gateway, worst: Sandbox) -> list[str]:
    parts = urlsplit(gateway.options["api_url"])
    headers = {"E2b-Sandbox-Id": worst.sandbox_id, "E2b-Sandbox-Port": "49999"}
    headers["X-Access-Token"] = str(worst._envd_access_token)
    return [str(parts.hostname), str(parts.port), json.dumps(headers)]


def _middle_and_tail(took: list[float]) -> tuple[float, float]:
    return round(statistics.median(took), 2), round(statistics.quantiles(took, n=20)[-1], 2)


def main(argv: list[str] | None = None) -> int:
    """Measure every abuse; exits 1 where one costs more than the goal."""
    parser = argparse.ArgumentParser(prog="python -m bench.neighbours", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="turns of each kind (default 3)")
    parser.add_argument("--only", type=int, help="the number of one abuse, from 0")
    options = parser.parse_args(argv)
    chosen = [one for number, one in enumerate(_WORST.items()) if options.only in (None, number)]
    rows = []
    with tempfile.TemporaryDirectory(prefix="gristmill-neighbours-") as folder:
        gateway = Gateway(Path(folder), parked=1)
        try:
            neighbour = gateway.create()
            cells(neighbour)
            for what, code in chosen:
                rows.append(abuse(gateway, neighbour, what, code, options.rounds))
                row = rows[-1]
                quiet, loud = (
                    f"{a:6.1f} / {b:6.1f} ms" for a, b in ((row.quiet_p50, row.quiet_p95), (row.p50, row.p95))
                )
                print(f"{what:38}{quiet} -> {loud}   {row.ratio:5.2f}x  goal {GOAL:.0f}x", flush=True)
        finally:
            gateway.close()
    if options.only is None:
        RESULTS.write_text(json.dumps([{**asdict(row), "ratio": round(row.ratio, 2)} for row in rows], indent=2) + "\n")
    return 1 if any(row.ratio > GOAL for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
