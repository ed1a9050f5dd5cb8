"""Doors and processes: a locked folder, a taken port, a server told to stop, a person who presses Ctrl-C."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil

from artifacts.store import Store
from gristmill import discovery
from kernel_gateway.client import gateway_status
from tests.gristmill.conftest import serving
from tests.gristmill.door import QUESTION, REPOSITORY, Server, apart, command, environment, run

PENGUINS = REPOSITORY / "examples" / "penguins.csv"


def test_a_folder_that_another_process_holds_is_told_with_its_pid(home: Path) -> None:
    with Store.open(home):
        done = apart(home, "runs", "list")
    assert done.status == 1
    assert str(os.getpid()) in done.err
    assert run(home, "runs", "list").status == 0, "and free again afterwards"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(tmp_path / "file" / "home", "runs", "list", cwd=tmp_path)
    assert done.status == 1
    assert "cannot be written" in done.err


def test_a_second_server_for_the_same_folder_says_where_the_first_is(server: Server) -> None:
    done = server.cli("serve", "--port", "0", "--no-browser")
    assert done.status == 1
    assert str(server.pid) in done.err
    assert server.url in done.err
    assert "gristmill open" in done.err
    assert server.token not in done.out + done.err


def test_a_running_server_is_opened_by_a_file_that_only_its_owner_reads(server: Server, tmp_path: Path) -> None:
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {seen}\n')
    browser.chmod(0o755)
    done = apart(server.home, "open", BROWSER=f"{browser} %s")
    assert done.status == 0, done.err
    page = server.home / "open.html"
    assert seen.read_text().strip() == page.as_uri()
    assert page.stat().st_mode & 0o777 == 0o600
    assert f"{server.url}/?token={server.token}" in page.read_text()
    assert server.token not in done.out + done.err
    assert server.cli("open", "--link").out.strip() == f"{server.url}/?token={server.token}", "asked for, it is told"


def test_where_no_server_runs_open_says_how_to_start_one(home: Path) -> None:
    done = run(home, "open")
    assert done.status == 1
    assert "gristmill serve" in done.err


def test_a_port_in_use_says_by_whom_and_what_to_do(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = apart(home, "serve", "--port", str(port), "--no-browser")
    assert done.status == 2
    assert f"Port {port} is in use by process {os.getpid()}" in done.err
    assert "--port" in done.err
    assert not (home / "gristmill.duckdb").exists(), "found out before anything was opened"


def test_an_address_left_behind_by_a_killed_server_is_not_believed(home: Path) -> None:
    home.mkdir()
    gone = subprocess.Popen(["true"])
    gone.wait()
    for pid in (gone.pid, os.getpid()):
        told = {"url": "http://127.0.0.1:9", "token": "t" * 32, "pid": pid, "started_at": ""}
        (home / "server.json").write_text(json.dumps(told))
        assert apart(home, "runs", "list").status == 0
    (home / "server.json").write_text("{not json")
    assert discovery.read(home) is None
    assert run(home, "runs", "list").status == 0


def test_the_address_of_a_server_is_for_its_owner_only(server: Server) -> None:
    assert (server.home / "server.json").stat().st_mode & 0o777 == 0o600


@contextlib.contextmanager
def analysing(home: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A question asked in this process's own terminal, once its first cell has run."""
    process = subprocess.Popen(
        command("analyze", PENGUINS, "--ask", QUESTION, "--out", tmp_path / "out"),
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=tmp_path,
    )
    shown: list[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            shown.append(line)
            if "cell-02" in line:
                break
        yield process, shown
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def test_a_command_that_is_refused_leaves_no_gateway_and_takes_none_from_others(home: Path) -> None:
    home.mkdir(mode=0o755)
    refused = run(home, "analyze", PENGUINS, "--ask", QUESTION, "--model", "nonsense")
    assert (refused.status, "no model" in refused.err) == (2, True)
    assert gateway_status(home) is None
    assert home.stat().st_mode & 0o777 == 0o700
    with Store.open(home):  # its program may have found the gateway that the command started
        assert apart(home, "analyze", PENGUINS, "--ask", QUESTION).status == 1
        left = gateway_status(home)
    assert left is not None
    host = psutil.Process(left.pid)
    host.terminate()
    host.wait(300)


def test_ctrl_c_cancels_the_run_and_keeps_what_it_made(home: Path, tmp_path: Path) -> None:
    with analysing(home, tmp_path) as (process, shown):
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        shown += process.stdout.readlines()
        assert process.wait(300) == 1, "".join(shown)
    told = "".join(shown)
    assert "Traceback" not in told
    assert "cancelling" in told
    assert "Cancelled after" in told
    assert "gristmill runs resume run_" in told
    with Store.open(home) as store:
        view = store.view(store.run("last").id)
    assert view.run.status == "cancelled"
    assert view.executions[0].status == "ok"
    assert (tmp_path / "out" / "analysis.ipynb").exists()
    assert not (home / "gateway" / "endpoint.json").exists(), "the sandbox host went with the command"


def test_a_server_told_to_stop_ends_its_runs_and_its_streams_in_a_named_state(ready: Path, tmp_path: Path) -> None:
    with serving(ready) as (server, process), server.client() as client:
        with PENGUINS.open("rb") as file:
            started = client.post("/api/runs", data={"question": QUESTION}, files={"files": ("penguins.csv", file)})
        ref = started.json()["id"]
        kinds = []
        with client.stream("GET", f"/api/runs/{ref}/events", timeout=300) as stream:
            for line in stream.iter_lines():
                if line.startswith("event: "):
                    kinds.append(line.removeprefix("event: "))
                    if kinds.count("execution_ended") == 1 and kinds[-1] == "execution_ended":
                        process.send_signal(signal.SIGTERM)
        assert kinds[-1] == "run_ended", "whoever watched saw how it ended"
        assert process.wait(300) == 0, server.log.read_text()
    with Store.open(ready) as store:
        assert store.run(ref).status == "interrupted"
    assert "Traceback" not in server.log.read_text()
    assert not (ready / "server.json").exists()


def test_an_empty_folder_lists_nothing(home: Path) -> None:
    assert json.loads(run(home, "artifacts", "list", "--json").out) == []
    assert run(home, "runs", "list").out.startswith("No runs yet")
