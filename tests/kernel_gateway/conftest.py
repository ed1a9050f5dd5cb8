"""A real gateway for the whole session, and sandboxes on it through the official SDK."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from e2b_code_interpreter import AsyncSandbox, Sandbox

NURSERY = "gristmill-nurse"  # as the process calls itself
PATIENCE = 300
"""Seconds in which what a test waits for comes; one that waits for longer has failed. No claim is about them."""


@dataclass
class Gateway:
    """A running gateway process."""

    process: subprocess.Popen[bytes]
    url: str
    key: str
    home: Path

    @property
    def connection(self) -> dict[str, Any]:
        return {"api_key": self.key, "api_url": self.url, "sandbox_url": self.url}

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(300)


def give_fonts(home: Path) -> None:
    """Give a new data folder the list of this machine's fonts, which its gateway's nursery would make in 0.2 s."""
    from matplotlib.font_manager import FontManager, fontManager, json_dump

    cache = home / "gateway" / "cache"
    for folder in (home, home / "gateway", cache):
        folder.mkdir(mode=0o700, exist_ok=True)
    json_dump(fontManager, cache / f"fontlist-v{FontManager.__version__}.json")


def start_gateway(
    home: Path, *options: str, env: dict[str, str] | None = None, program: tuple[str, ...] = ("-m", "kernel_gateway")
) -> Gateway:
    """Start one and wait until it says that it serves; raises RuntimeError with what it said instead."""
    if not (home / "gateway").exists() and "none" not in options:
        give_fonts(home)
    ready, ready_end = os.pipe()
    command = [sys.executable, *program, "--home", str(home), "--port", "0", "--ready-fd", str(ready_end)]
    process = subprocess.Popen([*command, *options], pass_fds=(ready_end,), env=env, stderr=subprocess.DEVNULL)
    os.close(ready_end)
    with open(ready, "rb") as pipe:
        said = json.loads(pipe.read() or b"{}")
    if "api_key" not in said:
        process.wait(300)
        raise RuntimeError(f"{process.returncode}: {said}")
    return Gateway(process, said["url"], said["api_key"], home)


def wait_until(condition: Callable[[], Any], what: str) -> None:
    """Wait for a condition, which fails the test when it does not come in time."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {PATIENCE} s"
        time.sleep(0.03)  # to look at all processes of the machine takes half as long


async def wait_soon(condition: Callable[[], Awaitable[Any]]) -> None:
    """The same for a condition that has to be asked for."""
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110 - the sandbox tells nobody when it comes true
            await asyncio.sleep(0.03)


def is_gone(process: psutil.Process) -> bool:
    """Whether it runs no more; one that only waits to be collected by its parent is gone."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def family(pid: int) -> list[psutil.Process]:
    """Every process of a gateway's sandboxes and what runs in them; not the nursery, which is in none."""
    return those_that(psutil.Process(pid).children(recursive=True), lambda process: process.name() != NURSERY)


def those_that(processes: list[psutil.Process], fits: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    """The processes that still run and of which something is true."""
    found = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if fits(process):
                found.append(process)
    return found


@pytest.fixture(scope="session")
def gateways() -> Callable[..., Gateway]:
    return start_gateway


@pytest.fixture(scope="session")
def processes_of() -> Callable[[int], list[psutil.Process]]:
    return family


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], Any], str], None]:
    return wait_until


@pytest.fixture(scope="session")
def soon() -> Callable[[Callable[[], Awaitable[Any]]], Awaitable[None]]:
    return wait_soon


@pytest.fixture(scope="session")
def gone() -> Callable[[psutil.Process], bool]:
    return is_gone


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    running = start_gateway(tmp_path_factory.mktemp("home"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def shared_id(gateway: Gateway) -> Iterator[str]:
    sandbox = Sandbox.create(timeout=600, **gateway.connection)
    yield sandbox.sandbox_id
    sandbox.kill()


@pytest.fixture
async def sandbox(gateway: Gateway, shared_id: str) -> AsyncSandbox:
    """One sandbox that tests share; a test that spoils its sandbox takes `fresh`."""
    return await AsyncSandbox.connect(shared_id, timeout=600, **gateway.connection)


@pytest.fixture
async def fresh(gateway: Gateway) -> AsyncIterator[AsyncSandbox]:
    made = await AsyncSandbox.create(timeout=600, **gateway.connection)
    yield made
    await made.kill()
