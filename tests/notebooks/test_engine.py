"""papermill's own command line with our engine, and the runner that uses the same engine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from artifacts.events import ExecutionEnded, OutputReceived, RunEnded, RunResumed
from artifacts.store import Store
from kernel_gateway.client import Host, connect_sandbox
from notebooks import patience
from notebooks.errors import BadNotebook, NotebookNotFound, ParameterError
from notebooks.export import write_out
from notebooks.files import Entry, Tree
from notebooks.nb import nbformat
from notebooks.runner import carry_out_notebook, keep_notebook, run_notebook
from tests.commands import PAPERMILL

WORK = (
    "# Heights\n\nHow tall trees are.",
    "import pandas as pd\ndf = pd.read_csv(data)\nprint(len(df), 'trees')",
    "n * 2",
)
PARAMETERS = "data: str = 'nothing.csv'  # the table\nn: int = 1  # a number"


@pytest.fixture
def home(gateway: tuple[Host, Path]) -> Path:
    """The home of the shared gateway, for papermill's process to find; its record belongs to whoever opens it."""
    return gateway[1]


async def papermill(
    home: Path,
    cwd: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    program: Sequence[str] = PAPERMILL,
) -> tuple[int, str]:
    """Run the papermill command; returns its exit status and what it said."""
    environment = {**os.environ, "GRISTMILL_HOME": str(home), "GRISTMILL_SANDBOX": "local"} | (environment or {})
    command = [*program, "--engine", "gristmill", *arguments]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), 300)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, said.decode()


def test_what_takes_long_is_said_again_and_again_and_what_is_quick_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said, third = list[str](), threading.Event()

    def hear(line: str) -> None:
        said.append(line)
        if len(said) == 3:
            third.set()

    monkeypatch.setattr("papermill.log.logger.info", hear)
    with patience.waiting("Being quick"):
        pass
    assert said == []
    monkeypatch.setattr(patience, "PATIENCE", 0.0)
    monkeypatch.setattr(patience, "AGAIN", 0.0)
    with patience.waiting("Opening a sandbox"):
        assert third.wait(60)
    told = len(said)
    assert all(line.startswith("Opening a sandbox (") and line.endswith(" s so far)") for line in said)
    assert not any(thread.name == "patience" for thread in threading.enumerate())
    assert len(said) == told


async def test_papermill_says_what_it_waits_for_before_the_first_cell(
    home: Path, tmp_path: Path, write_notebook: Callable[..., Path]
) -> None:
    write_notebook("1 + 1", name="in.ipynb")
    (tmp_path / "sitecustomize.py").write_text("from notebooks import patience\npatience.PATIENCE = 0.0\n")
    way = os.pathsep.join([str(tmp_path), str(Path(patience.__file__).parents[1])])
    status, said = await papermill(home, tmp_path, "in.ipynb", "out.ipynb", environment={"PYTHONPATH": way})
    assert status == 0, said
    for what in ("Loading Gristmill", "Looking for a running Gristmill server", "Opening the record and a sandbox"):
        assert f"{what} (" in said.partition("100%")[0]


async def test_the_papermill_command_runs_uploads_and_records(
    home: Path, tmp_path: Path, table: Path, write_notebook: Callable[..., Path]
) -> None:
    write_notebook(*WORK, name="in.ipynb", parameters=PARAMETERS)
    installed = [str(Path(sys.executable).parent / "papermill")]
    given = ["-p", "data", str(table), "-p", "n", "21"]
    status, said = await papermill(home, tmp_path, "in.ipynb", "out.ipynb", *given, program=installed)
    assert status == 0, said
    assert "100%" in said
    assert "HTTP" not in said, "requests to the gateway are nobody's business here"
    executed = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    injected = next(c for c in executed.cells if "injected-parameters" in c.metadata.tags)
    assert 'data = "trees.csv"' in injected.source
    code = [c for c in executed.cells if c.cell_type == "code"]
    assert [c.execution_count for c in code] == [1, 2, 3, 4]
    assert code[2].outputs[0].text == "3 trees\n"
    assert code[3].outputs[0].data["text/plain"] == "42"
    with Store.open(home) as store:
        run = store.run("last")
        assert (run.agent, run.status, run.goal) == ("notebook", "done", "Heights")
        assert run.params == {"notebook": "in.ipynb", "parameters": {"data": "trees.csv", "n": 21}, "cells": 4}
        assert {a.name for a in store.artifacts(run_id=run.id)} >= {"trees.csv", "analysis.ipynb", "report.html"}


async def test_a_failing_cell_is_papermills_own_error_and_everything_is_kept(
    home: Path, tmp_path: Path, write_notebook: Callable[..., Path]
) -> None:
    write_notebook("print('so far')", "1 / 0", "print('never')", name="in.ipynb")
    status, said = await papermill(home, tmp_path, "in.ipynb", "out.ipynb")
    assert status == 1
    assert "papermill.exceptions.PapermillExecutionError" in said
    assert "ZeroDivisionError: division by zero" in said
    executed = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    outputs = [c.outputs for c in executed.cells if c.cell_type == "code"]
    assert outputs[0][0].text == "so far\n"
    assert outputs[1][0].ename == "ZeroDivisionError"
    assert outputs[2] == []
    with Store.open(home) as store:
        view = store.view(store.run("last").id)
        assert (view.run.status, view.error) == (
            "failed",
            "The notebook stopped in cell 2: ZeroDivisionError: division by zero",
        )


async def test_a_notebook_of_another_language_is_refused_with_a_sentence(
    home: Path, store: Store, host: Host, tmp_path: Path, write_notebook: Callable[..., Path]
) -> None:
    kernel = {"name": "ir", "display_name": "R", "language": "R"}
    path = write_notebook("print('as Python')", name="in.ipynb", kernelspec=kernel)
    status, said = await papermill(home, tmp_path, "in.ipynb", "out.ipynb")
    assert status == 1
    assert "This notebook is for the kernel ir (r), and Gristmill runs notebooks of Python." in said
    with pytest.raises(BadNotebook, match="is written in R; only Python notebooks run in a sandbox"):
        await run_notebook(store, host, path, {})
    status, said = await papermill(home, tmp_path, "-k", "python3", "in.ipynb", "out.ipynb")
    assert status == 0, said


async def test_a_cell_under_way_is_saved_every_now_and_then(
    home: Path, tmp_path: Path, write_notebook: Callable[..., Path]
) -> None:
    write_notebook("import time\nfor i in range(600): print('under way', flush=True); time.sleep(0.1)", name="in.ipynb")
    job = asyncio.create_task(papermill(home, tmp_path, "--autosave-cell-every", "1", "in.ipynb", "out.ipynb"))
    out = tmp_path / "out.ipynb"
    async with asyncio.timeout(300):
        while not (out.exists() and '"under way' in out.read_text()):
            assert not job.done()
            await asyncio.sleep(0.05)
    job.cancel()
    await asyncio.wait({job})


async def test_what_is_too_large_to_come_along_is_told(
    home: Path, tmp_path: Path, write_notebook: Callable[..., Path]
) -> None:
    with (tmp_path / "large.bin").open("wb") as file:
        file.truncate(101 * 2**20)
    write_notebook("import os\nos.path.exists('large.bin')", name="in.ipynb")
    status, said = await papermill(home, tmp_path, "in.ipynb", "out.ipynb")
    sentence = "Not taken into the sandbox: large.bin is larger than 100 MB."
    assert status == 0, said
    assert sentence in said
    with Store.open(home) as store:
        view = store.view(store.run("last").id)
        assert sentence in [note.text for note in view.notes]
        assert [x.text for x in view.executions] == ["False\n"]


async def test_a_parameter_name_that_is_code_is_refused_before_it_runs(
    home: Path, tmp_path: Path, write_notebook: Callable[..., Path]
) -> None:
    write_notebook("1", name="in.ipynb", parameters="n: int = 1")
    status, said = await papermill(home, tmp_path, "in.ipynb", "out.ipynb", "-p", "print('owned');n", "1")
    assert status == 1
    assert "cannot be a parameter: a name has letters, digits and underscores only" in said
    executed = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    assert all(not c.outputs for c in executed.cells if c.cell_type == "code")


async def test_while_another_process_holds_the_record_the_notebook_runs_unrecorded_and_says_so(
    home: Path, tmp_path: Path, write_notebook: Callable[..., Path]
) -> None:
    write_notebook("6 * 7", name="in.ipynb")
    with Store.open(home) as store:
        before = store.runs()
        status, said = await papermill(home, tmp_path, "in.ipynb", "out.ipynb")
        assert store.runs() == before
    assert status == 0, said
    assert str(os.getpid()) in said
    assert "not recorded" in said
    executed = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    assert executed.cells[0].outputs[0].data["text/plain"] == "42"


async def test_a_notebook_runs_as_a_run_like_any_other(
    store: Store, host: Host, tmp_path: Path, table: Path, write_notebook: Callable[..., Path]
) -> None:
    path = write_notebook(*WORK, parameters=PARAMETERS, name="{odd}.ipynb")
    out = tmp_path / "made" / "out.ipynb"
    run = await run_notebook(store, host, path, {"data": str(table), "n": "3"}, out=out)
    assert (run.status, run.agent, run.model) == ("done", "notebook", "none")
    view = store.view(run.id)
    assert [x.text for x in view.executions[2:]] == ["3 trees\n", "6\n"]
    assert [x.title for x in view.executions] == ["", "", "Heights", "Heights"]
    assert nbformat.read(out, as_version=4).cells[-1].outputs[0].data["text/plain"] == "6"


async def test_a_default_that_names_a_file_beside_is_uploaded_and_an_expected_error_is_no_failure(
    store: Store, host: Host, table: Path, write_notebook: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_notebook("1 / 0", *WORK, parameters=PARAMETERS.replace("nothing", "trees"))
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].metadata["tags"] = ["raises-exception"]
    nbformat.write(notebook, path)
    monkeypatch.chdir(table.parent)
    run = await run_notebook(store, host, path, {})
    view = store.view(run.id)
    assert (run.status, view.error) == ("done", None)
    assert [x.status for x in view.executions] == ["ok", "error", "ok", "ok"]


async def test_what_lies_beside_a_notebook_and_its_code_names_comes_along(
    store: Store, host: Host, write_notebook: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_notebook("import helper\nopen('made/x.txt', 'w').close()\nhelper.rows('near.csv')")
    (path.parent / "helper.py").write_text("def rows(path): return open(path).read().split()\n")
    (path.parent / "near.csv").write_text("a\n1\n")
    (path.parent / "unnamed.csv").write_text("a\n2\n")
    (path.parent / "made").mkdir()
    run = await run_notebook(store, host, path, {})
    view = store.view(run.id)
    assert (run.status, view.error, view.executions[-1].text) == ("done", None, "['a', '1']\n")
    assert {a.name for a in view.artifacts if a.role == "input"} == {"helper.py", "near.csv"}
    (path.parent / "near.csv").write_text("a\n" + 100 * "1\n")
    monkeypatch.setattr("notebooks.beside.MAX_FILE", 100)
    kept = await keep_notebook(store, path, {})
    assert [(n.level, n.text) for n in store.view(kept.id).notes] == [
        ("warning", "Not taken into the sandbox: near.csv is larger than 0 MB.")
    ]


@pytest.mark.parametrize(
    ("name", "values", "error", "sentence"),
    [
        ("nowhere.ipynb", {}, NotebookNotFound, "There is no notebook nowhere.ipynb"),
        ("nonsense", {}, NotebookNotFound, "There is no notebook called nonsense"),
        ("profile", {"data": "missing.csv"}, ParameterError, "Parameter data: there is no file missing.csv."),
        ("profile", {"a b": 1}, ParameterError, "cannot be a parameter"),
    ],
)
async def test_what_cannot_run_is_told_before_a_run_exists(
    store: Store, host: Host, name: str, values: dict[str, str], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        await run_notebook(store, host, name, values)
    assert store.runs() == []


async def test_cancelling_interrupts_the_cell_ends_the_run_and_it_can_be_taken_up_again(
    store: Store, host: Host, tmp_path: Path, write_notebook: Callable[..., Path]
) -> None:
    path = write_notebook(
        "n = 1\nn",
        "import os, time\nprint('under way', flush=True)\nwhile not os.path.exists('go'): time.sleep(0.01)",
        "n + 1",
    )
    run = await keep_notebook(store, path, {})
    task = asyncio.create_task(carry_out_notebook(store, host, run.id))
    async with asyncio.timeout(300):
        async for event in store.follow(run.id):
            if isinstance(event, OutputReceived) and "under way" in event.output.text:
                break
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    before = store.view(run.id)
    assert (before.run.status, [x.status for x in before.executions]) == ("cancelled", ["ok", "interrupted"])
    await store.append(RunResumed(run_id=run.id))
    resumed = asyncio.create_task(carry_out_notebook(store, host, run.id))
    async with asyncio.timeout(300):
        async for event in store.follow(run.id, before.last_seq):
            if isinstance(event, OutputReceived) and "under way" in event.output.text:
                break
    sandbox = await connect_sandbox(host, store.view(run.id).sandboxes[-1].sandbox_id)
    await sandbox.files.write("/home/user/go", "")
    ended = await resumed
    view = store.view(run.id)
    assert ended.status == "done"
    assert [(x.key, x.status) for x in view.executions] == [
        ("notebook-1", "ok"),
        ("notebook-2", "interrupted"),
        ("notebook-2", "ok"),
        ("notebook-3", "ok"),
    ]
    assert view.executions[-1].text == "2\n"


async def test_a_cell_that_is_interrupted_ends_before_its_run_however_long_its_files_are_looked_for(
    store: Store, host: Host, write_notebook: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await keep_notebook(store, write_notebook("import time\nprint('under way', flush=True)\ntime.sleep(600)"), {})
    task = asyncio.create_task(carry_out_notebook(store, host, run.id))
    ended, look = asyncio.Event(), Tree.changes

    async def late(tree: Tree, digest: object = None) -> list[Entry]:
        with contextlib.suppress(TimeoutError):  # the run is not to end meanwhile; where it does, that is soon
            await asyncio.wait_for(ended.wait(), 2)
        return await look(tree, digest)

    async with asyncio.timeout(300):
        async for event in store.follow(run.id):
            if isinstance(event, OutputReceived):
                monkeypatch.setattr(Tree, "changes", late)
                task.cancel()
            if isinstance(event, RunEnded):
                ended.set()
                break
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [e.kind for e in store.events(run.id) if isinstance(e, ExecutionEnded | RunEnded)] == [
        "execution_ended",
        "run_ended",
    ]


async def test_an_exported_notebook_runs_in_plain_jupyter_beside_its_data(
    store: Store, host: Host, tmp_path: Path, table: Path, write_notebook: Callable[..., Path]
) -> None:
    path = write_notebook(*WORK, parameters=PARAMETERS)
    run = await run_notebook(store, host, path, {"data": str(table)})
    folder = tmp_path / "alone"
    write_out(store, run.id, folder)
    again = folder / "again.ipynb"
    plain = [str(Path(sys.executable).parent / "papermill"), "--cwd", str(folder), "--no-progress-bar"]
    process = await asyncio.create_subprocess_exec(*plain, str(folder / "analysis.ipynb"), str(again))
    assert await asyncio.wait_for(process.wait(), 300) == 0
    first, second = (nbformat.read(p, as_version=4) for p in (folder / "analysis.ipynb", again))
    assert shown(first) == shown(second) == ["3 trees\n", "2"]


def shown(notebook: Any) -> list[str]:
    return [o.get("text") or o.data["text/plain"] for c in notebook.cells for o in c.get("outputs", [])]


async def test_the_cell_that_parameters_add_is_counted_once(store: Store, write_notebook: Callable[..., Path]) -> None:
    path = write_notebook("print(n)", name="count.ipynb", parameters="n = 1")
    assert (await keep_notebook(store, path, {})).params["cells"] == 2
    assert (await keep_notebook(store, path, {"n": 2})).params["cells"] == 3
    nbformat.write(parameterize_notebook(load_notebook_node(str(path)), {"n": 2}), path)
    assert (await keep_notebook(store, path, {"n": 3})).params["cells"] == 3
