"""`kill -9` in the middle of a run, and what `runs resume` makes of it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.e2e.product import PENGUINS, QUESTION, Product


def events(log: Path) -> list[dict[str, object]]:
    """The events that `runs follow --json` printed."""
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def wait_for_cells(product: Product, doomed: subprocess.Popen[bytes], shown: Path, cells: int) -> None:
    """Returns as soon as the terminal shows `cells` finished cells; fails when the run ends before that."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        if shown.read_text().count("cell-") >= cells:
            return
        assert doomed.poll() is None, f"the run ended before it could be killed:\n{shown.read_text()}"
        time.sleep(0.02)
    pytest.fail(f"no {cells} cells within 180 s:\n{shown.read_text()}")


@pytest.mark.parametrize("everything", [True, False], ids=["the whole product", "the command alone"])
def test_a_killed_run_goes_on_from_the_last_finished_step(
    product: Product, with_gateway: Callable[[Path], Path], tmp_path: Path, everything: bool
) -> None:
    if not everything:
        with_gateway(product.home)  # which outlives the command
    shown = tmp_path / "shown.txt"
    doomed = product.start("analyze", PENGUINS, "--ask", QUESTION, "--no-rerun", "--out", tmp_path / "lost", log=shown)
    wait_for_cells(product, doomed, shown, 4)
    if everything:
        product.kill()
    else:
        psutil.Process(doomed.pid).kill()
    doomed.wait(timeout=60)

    run = product.json("runs", "show", "last")
    finished_before = [x["id"] for x in run["executions"] if x["status"] == "ok"]
    assert run["run"]["status"] != "done"
    assert finished_before

    product.run("runs", "resume", "last")
    run = product.json("runs", "show", "last")
    assert run["run"]["status"] == "done"
    assert any(f["kind"] == "simpsons_paradox" for f in run["findings"])

    after = [x["id"] for x in run["executions"] if x["status"] == "ok"]
    assert after[: len(finished_before)] == finished_before, "a finished cell stays as it was recorded"
    codes = [x["code"] for x in run["executions"] if x["status"] == "ok"]
    assert len(codes) == len(set(codes)), "no finished cell ran a second time as a new one"
    last = run["sandboxes"][-1]
    if everything:
        assert last["rebuilt"]
        assert last["replayed"] == len(finished_before), "the record says that the state was rebuilt, and how"
    else:
        assert len({s["sandbox_id"] for s in run["sandboxes"]}) == 1, "a sandbox that lives is used again"
        assert not last["rebuilt"]
