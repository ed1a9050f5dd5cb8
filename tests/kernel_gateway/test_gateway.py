"""Who may ask, how the gateway is found, and what is left when it ends."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest
from e2b import AuthenticationException
from e2b_code_interpreter import AsyncSandbox, Sandbox

from kernel_gateway.client import (
    GatewayUnavailable,
    NoIsolation,
    SandboxFailed,
    SandboxGone,
    connect_sandbox,
    find_host,
    gateway_status,
    open_sandbox,
    stop_host,
)
from kernel_gateway.place import lock
from tests.kernel_gateway.conftest import NURSERY, those_that


@pytest.fixture(autouse=True)
def _no_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("E2B_API_KEY", "E2B_API_URL", "E2B_SANDBOX_URL", "GRISTMILL_SANDBOX"):
        monkeypatch.delenv(name, raising=False)


async def test_a_wrong_key_opens_nothing(gateway) -> None:
    wrong = {**gateway.connection, "api_key": "e2b_wrong"}
    with pytest.raises(AuthenticationException, match="API key"):
        await AsyncSandbox.create(**wrong)
    async with httpx.AsyncClient(base_url=gateway.url, trust_env=False) as client:
        for path in ("/v2/sandboxes", "/health", "/anything"):
            assert (await client.get(path)).status_code == 401


def test_data_needs_the_sandboxs_own_token(gateway, shared_id: str) -> None:
    with httpx.Client(base_url=gateway.url, trust_env=False) as client:
        for port, path in ((49983, "/files?path=x"), (49999, "/contexts"), (49999, "/execute"), (8000, "/")):
            for token in ({}, {"X-Access-Token": "0" * 32}, {"X-API-KEY": gateway.key}):
                headers = {"E2b-Sandbox-Id": shared_id, "E2b-Sandbox-Port": str(port), **token}
                answer = client.get(path, headers=headers)
                assert answer.status_code == answer.json()["code"] == (403 if port == 8000 else 401)


def test_a_sandbox_that_is_not_there_is_a_502_that_nobody_retries(gateway) -> None:
    with httpx.Client(base_url=gateway.url, trust_env=False) as client:
        answer = client.get("/health", headers={"E2b-Sandbox-Id": "inone", "E2b-Sandbox-Port": "49983"})
    assert answer.status_code == 502
    assert "was not found" in answer.json()["message"]
    assert answer.headers["should-retry"] == "false"


def test_the_hosts_own_path_is_closed_to_clients(gateway, shared_id: str) -> None:
    sandbox = Sandbox.connect(shared_id, **gateway.connection)
    headers = {"E2b-Sandbox-Id": shared_id, "E2b-Sandbox-Port": "49983", "X-Access-Token": sandbox._envd_access_token}
    with httpx.Client(base_url=gateway.url, trust_env=False) as client:
        assert client.post("/init", headers=headers, json={"envs": {"A": "b"}}).status_code == 404
        assert client.get("/envs", headers=headers).json() == {}


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "10.0.0.1"]
)
def test_a_forged_host_is_refused(gateway, host: str) -> None:
    with httpx.Client(base_url=gateway.url, trust_env=False) as client:
        answer = client.get("/health", headers={"Host": host, "X-API-KEY": gateway.key})
    assert answer.status_code == 421


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:1", "https://localhost.evil.example"]
)
def test_a_foreign_origin_is_refused(gateway, origin: str) -> None:
    with httpx.Client(base_url=gateway.url, trust_env=False) as client:
        answer = client.get("/health", headers={"Origin": origin, "X-API-KEY": gateway.key})
        assert answer.status_code == 403
        ours = client.get("/health", headers={"Origin": gateway.url, "X-API-KEY": gateway.key})
        assert ours.status_code == 200


def test_a_sandbox_is_reached_by_host_name_too(gateway, shared_id: str) -> None:
    sandbox = Sandbox.connect(shared_id, **gateway.connection)
    host = sandbox.get_host(49983)
    assert host.startswith(f"49983-{shared_id}.")
    with httpx.Client(base_url=gateway.url, trust_env=False) as client:
        assert client.get("/health", headers={"Host": host}).status_code == 204
        assert client.get("/files?path=x", headers={"Host": host}).status_code == 401


def test_the_gateway_listens_on_the_loopback_only(gateway) -> None:
    addresses = {
        c.laddr.ip for c in psutil.Process(gateway.process.pid).net_connections("inet") if c.status == "LISTEN"
    }
    assert addresses == {"127.0.0.1"}


def test_its_files_are_private(gateway) -> None:
    folder = gateway.home / "gateway"
    assert oct((folder / "endpoint.json").stat().st_mode & 0o777) == "0o600"
    assert oct((folder / "run").stat().st_mode & 0o777) == "0o700"


def test_killed_outright_it_takes_all_along_and_told_to_stop_it_leaves_nothing(
    gateways, processes_of, eventually, gone, tmp_path: Path
) -> None:
    running = gateways(tmp_path)
    made = Sandbox.create(timeout=300, **running.connection)
    made.commands.run("setsid nohup sleep 1000 >/dev/null 2>&1 &")
    made.run_code("import subprocess; subprocess.Popen(['sleep', '1001'], start_new_session=True)")

    def sleeping() -> list[psutil.Process]:
        return those_that(processes_of(running.process.pid), lambda one: one.name() == "sleep")

    eventually(lambda: len(sleeping()) == 2, "the start of both")
    started = psutil.Process(running.process.pid).children(recursive=True)  # the nursery, too
    assert NURSERY in {process.name() for process in started}
    running.process.kill()
    running.process.wait()
    eventually(lambda: all(map(gone, started)), "the end of every process")
    again = gateways(tmp_path)
    left = [path.name for path in (tmp_path / "gateway" / "run").iterdir()]
    assert not [name for name in left if made.sandbox_id in name]
    assert again.url == json.loads((tmp_path / "gateway" / "endpoint.json").read_text())["url"]
    Sandbox.create(timeout=300, **again.connection)
    started = processes_of(again.process.pid)
    again.stop()
    assert again.process.returncode == 0
    assert all(map(gone, started))
    assert sorted(path.name for path in (tmp_path / "gateway").iterdir()) == ["cache", "gateway.lock"]


@pytest.mark.parametrize("milliseconds", [0, 10, 40, 160])
def test_killed_while_a_sandbox_is_being_set_up_it_leaves_nothing(gateways, eventually, tmp_path, milliseconds) -> None:
    running = gateways(tmp_path, "--parked", "3")
    time.sleep(milliseconds / 1000)  # not for luck: the moments of the set-up at which the gateway is to die
    running.process.kill()
    running.process.wait()
    names = {path.name for path in (tmp_path / "gateway" / "run").iterdir()}
    eventually(lambda: not names & _listening(), "the end of every process")


def _listening() -> set[str]:
    """Names of the Unix sockets that some process holds; a sandbox's is held as long as anything in it lives."""
    lines = Path("/proc/net/unix").read_text().splitlines()[1:]
    return {line.rpartition("/")[2] for line in lines}


def test_unused_it_ends_by_itself(gateways, tmp_path: Path) -> None:
    running = gateways(tmp_path, "--idle-exit", "6", "--parked", "0")
    start = time.monotonic()
    made = Sandbox.create(timeout=1, **running.connection)
    running.process.wait(300)
    assert time.monotonic() - start > 7  # 1 with a sandbox, 6 without
    assert running.process.returncode == 0
    assert made.sandbox_id


def test_one_home_has_one_gateway(gateway) -> None:
    command = [sys.executable, "-m", "kernel_gateway", "--home", str(gateway.home), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode != 0
    assert "Another gateway already serves" in done.stderr


def test_a_port_in_use_is_a_sentence(gateways, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(RuntimeError, match="cannot be used"):
        gateways(tmp_path, "--port", str(taken.getsockname()[1]))


async def test_the_client_starts_a_gateway_once_and_finds_it_again(tmp_path: Path) -> None:
    told = list[Path]()
    finding = [find_host(tmp_path, starting=lambda: told.append(tmp_path)) for _ in range(2)]
    one, two = await asyncio.gather(*finding)
    try:
        assert told == [tmp_path]
        assert one == two
        assert (one.kind, one.isolation) == ("local", "bubblewrap")
        status = gateway_status(tmp_path)
        assert status is not None
        assert status.url == one.api_url
        made = await open_sandbox(one, timeout=60, metadata={"run": "r"}, envs={"A": "1"})
        again = await connect_sandbox(one, made.sandbox_id)
        assert (await again.run_code("import os; os.environ['A']")).text == "1"
        await made.kill()
        with pytest.raises(SandboxGone, match="is gone"):
            await connect_sandbox(one, made.sandbox_id)
        with pytest.raises(SandboxFailed, match="whole seconds"):
            await open_sandbox(one, timeout=10**9)
    finally:
        await stop_host(one, tmp_path)
    assert gateway_status(tmp_path) is None
    with pytest.raises(GatewayUnavailable, match="cannot be reached"):
        await open_sandbox(one)


async def test_a_gateway_that_was_killed_is_replaced(tmp_path: Path) -> None:
    first = await find_host(tmp_path, isolation="none")
    status = gateway_status(tmp_path)
    assert status is not None
    os.kill(status.pid, signal.SIGKILL)
    second = await find_host(tmp_path, isolation="none")
    try:
        assert second.api_key != first.api_key
    finally:
        await stop_host(second, tmp_path)


async def test_a_gateway_that_is_still_ending_is_waited_for(tmp_path: Path, soon) -> None:
    folder = tmp_path / "gateway"
    folder.mkdir()
    ending = lock(folder / "gateway.lock")  # it answers nobody any more, but its place is not free yet
    finding = asyncio.create_task(find_host(tmp_path, isolation="none"))
    log = folder / "gateway.log"

    async def waits() -> bool:
        return finding.done() or (log.exists() and "waiting for the gateway" in log.read_text())

    await soon(waits)
    os.close(ending)
    host = await finding
    try:
        assert gateway_status(tmp_path) is not None
    finally:
        await stop_host(host, tmp_path)


async def test_where_the_host_comes_from(tmp_path: Path, gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2B_API_KEY", gateway.key)
    cloud = await find_host(tmp_path)
    assert (cloud.kind, cloud.isolation, cloud.api_url) == ("e2b", "microvm", None)
    monkeypatch.setenv("E2B_API_URL", gateway.url)
    monkeypatch.setenv("E2B_SANDBOX_URL", gateway.url)
    named = await find_host(tmp_path)
    assert (named.kind, named.isolation, named.api_url) == ("local", "bubblewrap", gateway.url)
    assert not (tmp_path / "gateway").exists()


async def test_a_proxy_in_the_environment_is_not_asked_for_the_loopback(gateway) -> None:
    code = """
import asyncio, pathlib, sys
from kernel_gateway.client import find_host, open_sandbox
async def main():
    sandbox = await open_sandbox(await find_host(pathlib.Path(sys.argv[1])))
    print((await sandbox.run_code("1 + 1")).text)
    await sandbox.kill()
asyncio.run(main())"""
    nowhere = "http://127.0.0.1:1"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, str(gateway.home)),
        env={**os.environ, "HTTP_PROXY": nowhere, "http_proxy": nowhere, "ALL_PROXY": nowhere},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert out == b"2\n"


async def test_without_bubblewrap_nothing_runs_and_the_fix_is_named(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoIsolation, match="apt-get install bubblewrap"):
        await find_host(tmp_path / "home")
    assert gateway_status(tmp_path / "home") is None


async def test_without_isolation_only_when_told_so(tmp_path: Path, gone, eventually) -> None:
    host = await find_host(tmp_path, isolation="none")
    try:
        assert host.isolation == "none"
        made = await open_sandbox(host, timeout=60)
        await made.files.write("/home/user/data.csv", "a\n1\n")
        assert (await made.run_code("open('data.csv').read()")).text == "a\\n1\\n"
        assert (await made.commands.run("cat data.csv")).stdout == "a\n1\n"
        with pytest.raises(NoIsolation, match="runs without isolation"):
            await find_host(tmp_path)
        status = gateway_status(tmp_path)
        assert status is not None
        started = psutil.Process(status.pid).children(recursive=True)
        assert "NO ISOLATION" in (tmp_path / "gateway" / "gateway.log").read_text()
    finally:
        await stop_host(host, tmp_path)
    eventually(lambda: all(map(gone, started)), "the end of what runs without a sandbox around it")
