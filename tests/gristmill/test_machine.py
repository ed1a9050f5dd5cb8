"""`doctor` and `gateway`: what this machine has, and the sandbox host by itself."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import httpx

from tests.gristmill.door import Server, command, environment, run


def test_doctor_finds_this_machine_fit_and_says_what_it_looked_at(home: Path) -> None:
    done = run(home, "doctor", "--json")
    told = json.loads(done.out)
    assert done.status == 0, done.out
    assert told["ok"]
    names = {check["name"] for check in told["checks"]}
    assert {"python", "packages", "kernel_gateway", "sandboxes", "data folder", "port", "chromium"} <= names
    assert len([n for n in names if n.startswith("isolation: ")]) > 8
    assert not home.exists(), "a doctor leaves nothing behind"


def test_doctor_names_what_is_missing_and_its_mend(home: Path) -> None:
    done = run(home, "doctor", PATH="/nonexistent")
    assert done.status == 1
    assert "apt-get install bubblewrap" in " ".join(done.out.split())
    assert "Mend" in done.out


def test_doctor_sees_a_running_server(server: Server) -> None:
    checks = {c["name"]: c for c in json.loads(server.cli("doctor", "--json").out)["checks"]}
    assert server.url in checks["server"]["detail"]


def test_the_gateway_prints_the_lines_to_export_and_ends_by_ctrl_c(home: Path) -> None:
    process = subprocess.Popen(
        command("gateway", "--port", "0"),
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(4)]
        exported = dict(line.removeprefix("export ").split("=", 1) for line in lines)
        assert set(exported) == {"E2B_API_URL", "E2B_SANDBOX_URL", "E2B_VOLUME_API_URL", "E2B_API_KEY"}
        key = {"X-API-KEY": exported["E2B_API_KEY"]}
        assert httpx.get(f"{exported['E2B_API_URL']}/health", headers=key, trust_env=False).status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(300) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert not (home / "gateway" / "endpoint.json").exists()
