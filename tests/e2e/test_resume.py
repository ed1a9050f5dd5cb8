"""`kill -9` in the middle of a run, and what `runs resume` makes of it."""

from __future__ import annotations

import csv
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.product import PENGUINS, Product


def wait_for_cells(product: Product, doomed: subprocess.Popen[bytes], shown: Path, cells: int) -> None:
    """Returns as soon as the terminal shows `cells` finished cells; fails when the run ends before that."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        if shown.read_text().count("cell-") >= cells:
            return
        assert doomed.poll() is None, f"the run ended before it could be killed:\n{shown.read_text()}"
        time.sleep(0.02)
    pytest.fail(f"no {cells} cells within 180 s:\n{shown.read_text()}")


def narrow(folder: Path) -> Path:
    """The columns of the paradox alone, with which there is less to compute."""
    with PENGUINS.open(newline="") as file:
        rows = [(r["species"], r["bill_length_mm"], r["bill_depth_mm"]) for r in csv.DictReader(file)]
    path = folder / "bills.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("species", "bill_length_mm", "bill_depth_mm"), *rows])
    return path


def cells(run: dict[str, Any]) -> list[str]:
    """The ids of the executions that came to an end."""
    return [x["id"] for x in run["executions"] if x["status"] == "ok"]


def test_a_killed_run_goes_on_from_the_last_finished_step(product: Product, tmp_path: Path) -> None:
    """First the command alone is killed, which its gateway outlives; then all of the product."""
    shown, table = tmp_path / "shown.txt", narrow(tmp_path)
    doomed = product.start(
        "analyze",
        table,
        "--ask",
        "Does bill length predict bill depth?",
        "--no-rerun",
        "--out",
        tmp_path / "lost",
        log=shown,
    )
    wait_for_cells(product, doomed, shown, 3)
    psutil.Process(doomed.pid).kill()
    doomed.wait(timeout=300)
    first = product.json("runs", "show", "last")
    assert first["run"]["status"] != "done"
    assert cells(first)

    shown = tmp_path / "shown-again.txt"
    doomed = product.start("runs", "resume", "last", log=shown)
    wait_for_cells(product, doomed, shown, 2)
    product.kill()
    doomed.wait(timeout=300)
    second = product.json("runs", "show", "last")
    assert second["run"]["status"] != "done"
    assert cells(second)[: len(cells(first))] == cells(first), "a finished cell stays as it was recorded"
    assert len({s["sandbox_id"] for s in second["sandboxes"]}) == 1, "a sandbox that lives is used again"
    assert not second["sandboxes"][-1]["rebuilt"]

    product.run("runs", "resume", "last")
    run = product.json("runs", "show", "last")
    assert run["run"]["status"] == "done"
    assert any(f["kind"] == "simpsons_paradox" for f in run["findings"])
    assert cells(run)[: len(cells(second))] == cells(second)
    given, codes = "", list[tuple[str, str]]()
    for x in (x for x in run["executions"] if x["status"] == "ok"):  # a template may run again with other parameters
        given = x["code"] if "parameters" in x["tags"] else given
        codes.append((given, x["code"]))
    assert len(codes) == len(set(codes)), "no finished cell ran a second time as a new one"
    last = run["sandboxes"][-1]
    assert last["rebuilt"]
    assert last["replayed"] == len(cells(second)), "the record says that the state was rebuilt, and how"
