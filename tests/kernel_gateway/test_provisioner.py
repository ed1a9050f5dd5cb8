"""Jupyter's own clients, unmodified, with kernels in sandboxes: nbclient, papermill's command line, jupyter_client."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from e2b_code_interpreter import Sandbox
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from traitlets.config import Config

from kernel_gateway.provisioner import KERNEL, KernelFiles, chosen_files, install

_PYTHON = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
_CLIENT = """
import sys
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name=sys.argv[1])
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def kernels(gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where Jupyter finds our kernel. When the test has ended, no sandbox of a kernel and no thread is left."""
    for name in ("E2B_API_KEY", "E2B_API_URL", "GRISTMILL_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "prefix/share/jupyter"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where a client that is killed leaves its connection file
    yield install(gateway.home, prefix=str(tmp_path / "prefix")).parent
    assert not _sandboxes(gateway)
    assert "sandboxed kernel" not in [thread.name for thread in threading.enumerate()]


def _sandboxes(gateway: Any) -> list[str]:
    pages = Sandbox.list(**gateway.connection)
    return [one.sandbox_id for one in pages.next_items() if one.metadata.get("gristmill") == "kernel"]


def _notebook(*cells: str) -> Any:
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata=_PYTHON)
    notebook.cells[0].metadata["tags"] = ["parameters"]
    return notebook


def test_papermill_runs_a_notebook_with_the_files_that_are_named(kernels: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("n\n41\n")
    (tmp_path / "secret.txt").write_text("hidden")
    look = "import os, pandas as pd; print(sorted(os.listdir('.')), os.getcwd(), os.environ.get('TEST_SECRET'))"
    use = "ax = pd.read_csv('data/a.csv').plot(); print(pd.read_csv('data/a.csv').n[0] + x)"
    nbformat.write(_notebook("x = 0", look, use), tmp_path / "in.ipynb")
    command = [str(Path(sys.executable).with_name("papermill")), "-k", KERNEL, "-p", "x", "1", "in.ipynb", "out.ipynb"]
    environment = os.environ | {"TEST_SECRET": "hidden", "GRISTMILL_KERNEL_FILES": "data/*.csv"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "HTTP Request" not in done.stderr
    _, _, looked, used = nbformat.read(tmp_path / "out.ipynb", 4).cells
    assert looked.outputs[0].text == "['data'] /home/user None\n"
    assert [output.output_type for output in used.outputs] == ["stream", "display_data"]
    assert used.outputs[0].text == "42\n"
    assert "image/png" in used.outputs[1].data


def test_nbclient_runs_a_notebook_over_local_sockets(
    kernels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where Jupyter puts such sockets
    notebook = _notebook("print('x' * 3_000_000, end='')", "import os; os.environ['E2B_SANDBOX']")
    config = Config({"KernelManager": {"transport": "ipc"}})
    NotebookClient(notebook, kernel_name=KERNEL, config=config, timeout=300).execute()
    long, inside = (cell.outputs[0] for cell in notebook.cells)
    assert len(long.text) == 3_000_000
    assert inside.data["text/plain"] == "'true'"


async def _run(client: Any, code: str) -> tuple[str, str]:
    """The status of a cell and what it printed, or the name of what it raised."""
    said: list[str] = []

    def hear(message: dict[str, Any]) -> None:
        content = message["content"]
        said.append(content.get("text") or content.get("ename") or "")

    reply = await client.execute_interactive(code, output_hook=hear, timeout=300)
    return reply["content"]["status"], "".join(said)


async def test_interrupt_restart_and_death_are_those_of_a_local_kernel(gateway, kernels: Path, soon) -> None:
    manager = AsyncKernelManager(kernel_name=KERNEL)
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=300)
        assert await _run(client, "open('kept', 'w').write('x'); y = 1; print(y)") == ("ok", "1\n")
        sleeping = "import os, time\nos.mkfifo('asleep')\nopen('asleep', 'w').close()\ntime.sleep(600)"
        cell = client.execute_interactive(sleeping, output_hook=lambda message: None, timeout=300)
        [sandbox_id] = _sandboxes(gateway)
        with Sandbox.connect(sandbox_id, **gateway.connection) as beside:
            running = asyncio.create_task(cell)
            reads = "while [ ! -p asleep ]; do sleep 0.05; done; cat asleep"
            await asyncio.to_thread(beside.commands.run, reads, timeout=300)
            await manager.interrupt_kernel()
            assert (await running)["content"]["ename"] == "KeyboardInterrupt"
            await manager.restart_kernel()
            await client.wait_for_ready(timeout=300)
            assert await _run(client, "import os; print(os.path.exists('kept'), 'y' in dir())") == (
                "ok",
                "True False\n",
            )
            client.execute("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")

            async def is_dead() -> bool:
                return not await manager.is_alive()

            await soon(is_dead)
            assert await manager.provisioner.poll() == -signal.SIGKILL
            await manager.restart_kernel(now=True)
            await client.wait_for_ready(timeout=300)
        # Leaving the block above has killed the sandbox: the client learns of it, and gets a new one.
        await soon(is_dead)
        await manager.restart_kernel(now=True)
        await client.wait_for_ready(timeout=300)
        assert await _run(client, "import os; print(os.path.exists('kept'))") == ("ok", "False\n")
        assert await manager.is_alive()
        assert _sandboxes(gateway) != [sandbox_id]
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


def test_a_killed_client_leaves_no_sandbox(gateway, kernels: Path, eventually) -> None:
    spec = json.loads((kernels / KERNEL / "kernel.json").read_text())
    spec["metadata"]["kernel_provisioner"]["config"]["lease"] = (
        12  # which a client that lives renews in time, however busy the machine
    )
    (kernels / KERNEL / "kernel.json").write_text(json.dumps(spec))
    client = subprocess.Popen(
        [sys.executable, "-c", _CLIENT, KERNEL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=kernels
    )
    try:
        assert client.stdout is not None
        assert client.stdout.readline() == b"ready\n"
        assert len(_sandboxes(gateway)) == 1
    finally:
        client.kill()
        client.communicate()
    eventually(lambda: not _sandboxes(gateway), "the end of the sandbox")


def test_a_client_that_just_ends_leaves_no_sandbox(gateway, kernels: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _CLIENT, KERNEL], stdin=subprocess.DEVNULL, cwd=kernels, timeout=300)
    assert done.returncode == 0
    assert not _sandboxes(gateway)


def test_files_are_chosen_by_patterns_and_keep_their_place(tmp_path: Path) -> None:
    work, elsewhere = tmp_path / "work", tmp_path / "elsewhere"
    for file in (work / "a.csv", work / "data/b.csv", work / "data/deep/c.txt", elsewhere / "d.csv"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert [target for _, target in chosen_files("*.csv", work)] == ["a.csv"]
    assert [target for _, target in chosen_files("data", work)] == ["data/b.csv", "data/deep/c.txt"]
    assert [target for _, target in chosen_files(f"{elsewhere}/*:a.csv", work)] == ["d.csv", "a.csv"]
    assert list(chosen_files("", work)) == []
    with pytest.raises(KernelFiles, match=r"nope\*"):
        list(chosen_files("nope*", work))
