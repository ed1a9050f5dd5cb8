"""The product as its users have it: `gristmill serve` in a process of its own, for the benches that talk to one."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil

ROOT = Path(__file__).parents[1]
PATIENCE = 240.0  # seconds for a step, also on a busy machine


class Product:
    """`gristmill serve` on a data folder and a free port, with a client of it; `more` goes into its environment.

    It can be killed with all that belongs to it and started again.
    """

    def __init__(self, home: Path, more: dict[str, str]) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("E2B_", "OPENAI_", "GRISTMILL_"))}
        self.home, self._environment = home, {**kept, "GRISTMILL_RERUN": "0", **more, "GRISTMILL_HOME": str(home)}
        self.start()

    def start(self) -> None:
        (self.home / "server.json").unlink(missing_ok=True)
        with (self.home.parent / "serve.log").open("ab") as log:
            command = [sys.executable, "-m", "gristmill", "serve", "--port", "0", "--no-browser"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)
        until(lambda: (self.home / "server.json").exists() or self.process.poll() is not None)
        if self.process.poll() is not None:
            raise RuntimeError((self.home.parent / "serve.log").read_text())
        told = json.loads((self.home / "server.json").read_text())
        self.pid = int(told["pid"])
        headers = {"Authorization": f"Bearer {told['token']}"}
        self.client = httpx.Client(base_url=told["url"], headers=headers, timeout=PATIENCE, trust_env=False)

    def kill(self) -> int:
        """`kill -9` for the server, the gateway, its nursery and whatever runs in sandboxes; how many there were."""
        doomed = {self.process.pid: psutil.Process(self.process.pid)}
        for process in psutil.process_iter(["cmdline"]):
            with contextlib.suppress(psutil.Error):
                if str(self.home) in " ".join(process.info["cmdline"] or ()):
                    doomed[process.pid] = process
        for process in list(doomed.values()):
            with contextlib.suppress(psutil.Error):
                doomed |= {child.pid: child for child in process.children(recursive=True)}
        for process in doomed.values():
            with contextlib.suppress(psutil.Error):
                process.kill()
        self.process.wait()
        psutil.wait_procs(list(doomed.values()), timeout=60)
        self.client.close()
        return len(doomed)

    def close(self) -> None:
        self.client.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)

    def post(self, path: str, *, files: Any = None, **form: Any) -> Any:
        reply = self.client.post(path, data=form, files=files)
        if reply.is_error:
            raise RuntimeError(f"{path}: {reply.status_code} {reply.text}")
        return reply.json()

    def view(self, run: str) -> Any:
        return self.client.get(f"/api/runs/{run}").raise_for_status().json()

    def cells(self, run: str) -> Any:
        return self.client.get(f"/api/runs/{run}/cells").raise_for_status().json()["cells"]

    def events(self, run: str, after: int = 0) -> list[Any]:
        asked = self.client.get(f"/api/runs/{run}/events?after={after}", headers={"accept": "application/json"})
        told: list[Any] = asked.raise_for_status().json()["events"] if asked.status_code == 200 else []
        return told


def until(holds: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    end = time.monotonic() + seconds
    while not (value := holds()):
        if time.monotonic() > end:
            raise TimeoutError("What was waited for did not come.")
        time.sleep(0.02)
    return value
