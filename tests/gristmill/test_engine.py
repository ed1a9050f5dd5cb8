"""papermill beside a running server: the notebook becomes a run of the server's, and is filled here by its events."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from notebooks.nb import nbformat
from tests.commands import PAPERMILL
from tests.gristmill.door import Server, environment

WIDE = "from IPython.display import *\ndisplay('x', display_id='one', metadata={'a': 1})\nprint('a'); 'ok'"


INSTALLED = (str(Path(sys.executable).parent / "papermill"),)


def papermill(
    server: Server, *arguments: str | Path, cwd: Path, program: tuple[str, ...] = PAPERMILL
) -> subprocess.Popen[str]:
    command = [*program, "--engine", "gristmill", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=cwd, env=environment(server.home), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def write(path: Path, *cells: str, parameters: str = "") -> None:
    v4 = nbformat.v4
    first = [v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})] if parameters else []
    rest = [v4.new_markdown_cell(c) if c.startswith("# ") else v4.new_code_cell(c) for c in cells]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(v4.new_notebook(cells=[*first, *rest], metadata={"kernelspec": kernel}), path)


def newest(server: Server) -> dict[str, Any]:
    with server.client() as client:
        run = client.get("/api/runs?limit=1").json()["runs"][0]
        return dict(client.get(f"/api/runs/{run['id']}").json())


def test_a_notebook_given_to_papermill_is_a_run_of_the_server_and_comes_back_filled(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "helper.py").write_text("def rows(path): return open(path).read().split()\n")
    (tmp_path / "near.csv").write_text("a\n1\n")
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "given.csv").write_text("b\n2\n")
    (tmp_path / "made").mkdir()
    read = "import helper\nopen('made/x.txt', 'w').close()\nhelper.rows('near.csv'), helper.rows(data), n"
    late = "update_display('y', display_id='one')"
    write(tmp_path / "in.ipynb", "# Trees\n\nTall.", WIDE, late, "", read, parameters="data = ''\nn: int = 1")
    given = ("-p", "data", "far/given.csv", "-p", "n", "3", "--log-output", "--stdout-file", "told.txt")
    process = papermill(server, "in.ipynb", "out.ipynb", *given, cwd=tmp_path, program=INSTALLED)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert server.url in said
    told = newest(server)
    assert (told["run"]["goal"], told["run"]["status"], told["run"]["agent"]) == ("Trees", "done", "notebook")
    assert told["run"]["params"]["parameters"] == {"data": "far/given.csv", "n": 3}
    assert {a["name"] for a in told["artifacts"] if a["role"] == "input"} == {"helper.py", "near.csv", "far/given.csv"}
    notebook = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    outputs = [[o.get("text") or o.data["text/plain"] for o in c.get("outputs", [])] for c in notebook.cells]
    assert outputs[3:] == [["'y'", "a\n", "'ok'"], [], [], ["(['a', '1'], ['b', '2'], 3)"]]
    assert [c.get("execution_count") for c in notebook.cells] == [1, 2, None, 3, 4, None, 5]
    assert {c.metadata.papermill.status for c in notebook.cells} == {"completed"}
    assert notebook.metadata.language_info.name == "python"
    assert (tmp_path / "told.txt").read_text() == "a\n"


def test_what_lies_beside_a_notebook_goes_to_the_server_with_it(server: Server, tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("def rows(path): return open(path).read().split()\n")
    (tmp_path / "near.csv").write_text("a\n1\n")
    (tmp_path / "made").mkdir()
    write(tmp_path / "in.ipynb", "import helper\nopen('made/x.txt', 'w').close()\nhelper.rows('near.csv')")
    done = server.cli("notebook", "run", tmp_path / "in.ipynb", "-o", tmp_path / "out.ipynb")
    assert done.status == 0, done.out + done.err
    cells = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells
    assert [c.outputs[0].data["text/plain"] for c in cells if c.cell_type == "code"] == ["['a', '1']"]


def test_a_cell_that_fails_there_stops_papermill_here_as_its_own_engine_would(server: Server, tmp_path: Path) -> None:
    write(tmp_path / "in.ipynb", "print('so far')", "%undefined_magic", "'never'")
    process = papermill(server, "in.ipynb", "out.ipynb", cwd=tmp_path)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "PapermillExecutionError" in said
    told = newest(server)
    assert told["run"]["status"] == "failed"
    assert (
        told["error"] == "The notebook stopped in cell 2: UsageError: Line magic function `%undefined_magic` not found."
    )
    notebook = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    states = [c.metadata.papermill.status for c in notebook.cells if c.cell_type == "code"]
    assert states == ["completed", "failed", "pending"]


@pytest.mark.parametrize(
    ("code", "status", "raised", "sentence"),
    [
        ("import os\nos._exit(3)", 138, "DeadKernelError", "The kernel exited with status 3."),
        ("import time\ntime.sleep(300)", 1, "CellTimeoutError", "did not end within 5 seconds"),
    ],
)
def test_a_kernel_that_ends_and_a_cell_that_takes_too_long_are_told_at_both_ends(
    server: Server, tmp_path: Path, code: str, status: int, raised: str, sentence: str
) -> None:
    write(tmp_path / "in.ipynb", "1", code, "'never'")
    process = papermill(server, "in.ipynb", "out.ipynb", "--execution-timeout", "5", cwd=tmp_path)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == status
    assert raised in said
    told = newest(server)
    assert told["run"]["status"] == "failed"
    assert told["error"].startswith("The notebook stopped in cell 2: ")
    assert sentence in told["error"]


@pytest.mark.parametrize("name", ["../x.py", "/etc/x.py"])
def test_a_file_beside_a_notebook_cannot_lie_elsewhere(server: Server, tmp_path: Path, name: str) -> None:
    write(tmp_path / "in.ipynb", "1")
    with server.client() as client, (tmp_path / "in.ipynb").open("rb") as notebook:
        uploads = {"notebook": ("in.ipynb", notebook), f"file:{name}": ("x.py", b"1")}
        reply = client.post("/api/notebooks/run", files=uploads)
    assert reply.status_code == 422
    assert "is no path of a file beside a notebook" in reply.json()["error"]["message"]


def test_ctrl_c_cancels_the_run(server: Server, tmp_path: Path) -> None:
    write(tmp_path / "in.ipynb", "import time\nprint('under way', flush=True)\ntime.sleep(300)")
    process = papermill(server, "in.ipynb", "out.ipynb", "--stdout-file", "told.txt", cwd=tmp_path)
    told = tmp_path / "told.txt"
    deadline = time.monotonic() + 300
    while not told.exists() or "under way" not in told.read_text():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=300)
    assert process.returncode != 0
    assert newest(server)["run"]["status"] == "cancelled"
