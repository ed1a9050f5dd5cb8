"""Editing a run's notebook through the doors: the command, REST, and a run that a killed process left."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from gristmill.terminal import progress
from kernel_gateway.client import find_host, gateway_status, live_sandboxes
from tests.gristmill.door import Server, command, environment, run

if TYPE_CHECKING:
    from e2b_code_interpreter import AsyncSandbox

NOTEBOOK = {
    "cells": [
        {"cell_type": "code", "id": f"c{i}", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
        for i, source in enumerate(
            ("rows = [1, 2, 3]", "rows.append(4)", "print('sum', sum(rows))", "limit = 2", "print('above', limit)")
        )
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


@pytest.fixture
def notebook(server: Server, tmp_path: Path) -> str:
    """The id of a run of a small notebook that is done."""
    path = tmp_path / "sums.ipynb"
    path.write_text(json.dumps(NOTEBOOK))
    done = run(server.home, "notebook", "run", path, "--json", cwd=tmp_path)
    assert done.status == 0, done.err
    found = json.loads(run(server.home, "runs", "list", "--limit", "1", "--json").out)
    return str(found[0]["id"])


def told(server: Server, *arguments: str | Path, status: int = 0) -> dict:
    done = run(server.home, *arguments, "--json")
    assert done.status == status, done.err + done.out
    return json.loads(done.out)


def test_cells_are_listed_with_what_they_read_and_write(server: Server, notebook: str) -> None:
    cells = told(server, "cells", "list", notebook)
    assert [(c["id"], c["place"], c["state"]) for c in cells][:2] == [("cell-01", 1, "fresh"), ("cell-02", 2, "fresh")]
    assert (cells[1]["reads"], cells[1]["writes"]) == (["rows"], ["rows"])
    assert "reads rows" in run(server.home, "cells", "show", notebook, "cell-03").out
    assert run(server.home, "cells", "show", notebook, "cell-99").status == 2


def test_a_silence_is_broken_on_stderr_and_not_where_json_is_read(
    server: Server, notebook: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.2)  # the line has all of the cell's time to be said in
    code = tmp_path / "code.py"
    code.write_text("import time; time.sleep(1)\n")
    done = run(server.home, "cells", "add", notebook, "--code", code)
    assert "... running the cells" in done.err
    assert "..." not in done.out
    assert run(server.home, "cells", "run", notebook, "cell-06", "--json").err == ""


def test_an_edit_tells_what_ran_and_what_changed_and_is_taken_back(
    server: Server, notebook: str, tmp_path: Path
) -> None:
    code = tmp_path / "code.py"
    code.write_text("rows.append(10)\n")
    done = told(server, "cells", "edit", notebook, "cell-02", "--code", code)
    assert (done["stale"], done["ran"]) == (["cell-02", "cell-03"], ["cell-01", "cell-02", "cell-03"])
    assert done["changed"] == [{"what": "output", "name": "cell-03", "before": "sum 10", "after": "sum 16"}]
    assert (done["cell"], done["version"], done["still_stale"]) == ("cell-02", 2, [])

    late = {"what": "edit", "cell": "cell-02", "source": "rows = []", "based_on": 1}
    with server.client() as client:
        reply = client.post(f"/api/runs/{notebook}/edits", json=late)
    stands = reply.json()["error"]
    assert (reply.status_code, stands["version"], stands["source"]) == (409, 2, "rows.append(10)")
    refused = run(server.home, "cells", "edit", notebook, "cell-02", "--code", code, "--based-on", "1")
    assert f"`gristmill cells show {notebook} cell-02`" in refused.err
    assert refused.status == 1
    assert "version 1" in refused.err

    assert told(server, "runs", "undo", notebook)["cell_id"] == "cell-02"
    shown = told(server, "cells", "show", notebook, "cell-03")
    assert shown["execution"]["outputs"][0]["text"] == "sum 10\n"
    assert told(server, "runs", "redo", notebook)["cell_id"] == "cell-02"
    assert told(server, "cells", "show", notebook, "cell-03")["execution"]["outputs"][0]["text"] == "sum 16\n"
    told(server, "runs", "undo", notebook)
    nothing = run(server.home, "runs", "undo", notebook)
    assert nothing.status == 2
    assert "can be taken back" in nothing.err


def test_cells_are_added_moved_deleted_and_run(server: Server, notebook: str, tmp_path: Path) -> None:
    code = tmp_path / "code.py"
    code.write_text("limit = 9")
    done = told(server, "cells", "add", notebook, "--code", code, "--after", "cell-04", "--no-run")
    assert (done["cell"], done["ran"], done["still_stale"]) == ("cell-06", [], ["cell-06", "cell-05"])
    done = told(server, "cells", "run", notebook)
    assert [(c["name"], c["after"]) for c in done["changed"] if c["name"] == "cell-05"] == [("cell-05", "above 9")]
    assert told(server, "cells", "move", notebook, "cell-06", "--after", "first")["ran"][-1] == "cell-05"
    assert told(server, "cells", "delete", notebook, "cell-06")["ran"] == []
    assert told(server, "cells", "delete", notebook, "cell-04", status=1)["ran"] == ["cell-05"]
    everything = told(server, "cells", "run", notebook, "--all", status=1)
    assert everything["ran"] == ["cell-01", "cell-02", "cell-03", "cell-05"]


def test_a_branch_goes_its_own_way(server: Server, notebook: str, tmp_path: Path) -> None:
    branch = told(server, "runs", "branch", notebook)
    assert branch["parent_id"] == notebook
    assert told(server, "runs", "diff", notebook, branch["id"])["cells"] == []
    code = tmp_path / "code.py"
    code.write_text("limit = 7")
    assert told(server, "cells", "edit", branch["id"], "cell-04", "--code", code)["ran"] == ["cell-04", "cell-05"]
    found = told(server, "runs", "diff", notebook, branch["id"], status=1)
    assert found["cells"] == [{"name": "cell-04", "a": "limit = 2", "b": "limit = 7"}]
    assert [(c["name"], c["before"], c["after"]) for c in found["changed"]] == [("cell-05", "above 2", "above 7")]
    assert found["shared"] == notebook
    assert told(server, "cells", "list", notebook)[3]["source"] == "limit = 2"


def test_over_rest_an_edit_of_an_older_version_is_a_conflict(server: Server, notebook: str) -> None:
    with server.client() as client:
        edit = {"what": "edit", "cell": "cell-04", "source": "limit = 3", "based_on": 1}
        first = client.post(f"/api/runs/{notebook}/edits", json=edit)
        assert (first.status_code, first.json()["ran"]) == (200, ["cell-04", "cell-05"])
        again = client.post(f"/api/runs/{notebook}/edits", json=edit)
        assert (again.status_code, again.json()["error"]["kind"]) == (409, "Outdated")
        cells = client.get(f"/api/runs/{notebook}/cells").json()["cells"]
        assert (cells[3]["version"], cells[3]["source"]) == (2, "limit = 3")
        stream = client.get(f"/api/runs/{notebook}/events", headers={"Accept": "application/json"}).json()["events"]
        assert stream[-1]["kind"] == "run_ended", "who follows the run is let go"


def test_without_a_server_the_state_is_rebuilt_from_the_record(ready: Path, tmp_path: Path) -> None:
    path, code = tmp_path / "sums.ipynb", tmp_path / "code.py"
    path.write_text(json.dumps(NOTEBOOK))
    code.write_text("print('twice', 2 * sum(rows))")
    assert run(ready, "notebook", "run", path).status == 0
    done = json.loads(run(ready, "cells", "edit", "last", "cell-03", "--code", code, "--json").out)
    assert (done["ran"], done["replayed"]) == (["cell-03"], 2)
    assert done["changed"] == [{"what": "output", "name": "cell-03", "before": "sum 10", "after": "twice 20"}]


@pytest.fixture
def edited(home: Path, tmp_path: Path) -> Iterator[Path]:
    """A data folder of its own, in which the notebook was run and a cell added; its gateway ends with the test."""
    path, code = tmp_path / "sums.ipynb", tmp_path / "code.py"
    path.write_text(json.dumps(NOTEBOOK))
    code.write_text("twice = 2 * sum(rows)")
    assert run(home, "notebook", "run", path).status == 0
    assert gateway_status(home) is None, "a run that is only run leaves nothing behind"
    assert run(home, "cells", "add", "last", "--code", code).status == 0
    left = gateway_status(home)
    assert left is not None
    try:
        yield home
    finally:
        host = psutil.Process(left.pid)
        host.terminate()
        host.wait(300)


def test_the_next_command_goes_on_in_the_sandbox_and_one_that_was_killed_leaves_a_run_that_goes_on(
    edited: Path, tmp_path: Path
) -> None:
    code = tmp_path / "code.py"
    code.write_text("rows.append(twice)\nprint(rows)")
    found = json.loads(run(edited, "cells", "add", "last", "--code", code, "--json").out)
    assert (found["replayed"], found["changed"][0]["after"]) == (0, "[1, 2, 3, 4, 20]")
    slow = tmp_path / "slow.py"
    slow.write_text("import time\nrows.clear()\nopen('begun', 'w').close()\ntime.sleep(600)")
    killed = subprocess.Popen(
        command("cells", "add", "last", "--code", slow), env=environment(edited), stdout=subprocess.DEVNULL
    )
    try:
        asyncio.run(_begun(edited, found["run"]))
    finally:
        killed.kill()
        killed.wait()
    code.write_text("print(sum(rows))")  # in place of what would run for as long again, if its beginning was not kept
    on = json.loads(run(edited, "cells", "edit", "last", "cell-08", "--code", code, "--json").out)
    assert on["changed"][0]["after"] == "30"
    anew = "cell-01" in on["ran"] or on["replayed"]  # as its beginning was kept, or not, before the end
    assert anew, "in a new sandbox"
    listed = json.loads(run(edited, "cells", "list", "last", "--json").out)
    assert {c["state"] for c in listed} == {"fresh"}
    assert len(asyncio.run(_sandboxes(edited, found["run"]))) == 1, "what the killed one had is ended"


async def _sandboxes(home: Path, run_id: str) -> list[AsyncSandbox]:
    return await live_sandboxes(await find_host(home), {"run_id": run_id})


async def _begun(home: Path, run_id: str) -> None:
    """Wait until the slow cell runs."""
    (sandbox,) = await _sandboxes(home, run_id)
    async with asyncio.timeout(300):
        while not await sandbox.files.exists("/home/user/begun"):  # noqa: ASYNC110 (it is in another process)
            await asyncio.sleep(0.2)
