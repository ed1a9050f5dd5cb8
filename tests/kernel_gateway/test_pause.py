"""Pausing: everything stands still, nobody is answered, and afterwards all is as it was."""

import asyncio

import httpx
import psutil
import pytest
from e2b import NotFoundException, SandboxException, SandboxQuery, SandboxState
from e2b_code_interpreter import AsyncSandbox

from tests.kernel_gateway.conftest import those_that


def _seconds_used(processes: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


async def test_files_variables_and_processes_survive_and_use_no_cpu(
    gateway, fresh: AsyncSandbox, processes_of, eventually
) -> None:
    await fresh.run_code("kept = 41")
    await fresh.files.write("kept.txt", "here")
    busy = await fresh.commands.run("while :; do :; done", background=True)
    waiting = asyncio.create_task(fresh.commands.run("sleep 60"))
    assert await fresh.pause() is True
    with pytest.raises(SandboxException):
        await waiting
    assert await fresh.pause() is False
    assert await fresh.is_running() is False
    assert (await fresh.get_info()).state == SandboxState.PAUSED
    with pytest.raises(SandboxException, match="was not found"):
        await fresh.commands.run("true")
    loop = those_that(processes_of(gateway.process.pid), lambda one: any("while :" in word for word in one.cmdline()))
    assert loop
    # A process whose group has used up its share of the CPU takes the signal only at its next turn.
    eventually(lambda: all(p.status() == psutil.STATUS_STOPPED for p in loop), "the stop of the loop")
    before = _seconds_used(loop)
    await asyncio.sleep(0.3)  # the time in which the loop would have used CPU
    assert _seconds_used(loop) == before

    again = await AsyncSandbox.connect(fresh.sandbox_id, timeout=120, **gateway.connection)
    assert (await again.run_code("kept + 1")).text == "42"
    assert await again.files.read("kept.txt") == "here"
    assert busy.pid in [info.pid for info in await again.commands.list()]


async def test_a_paused_sandbox_is_listed_as_such_and_can_be_killed(gateway, gone, processes_of, eventually) -> None:
    made = await AsyncSandbox.create(timeout=300, metadata={"which": "paused"}, **gateway.connection)
    await made.pause()
    stopped = those_that(processes_of(gateway.process.pid), lambda one: one.status() == psutil.STATUS_STOPPED)

    async def listed(*states: SandboxState) -> list[str]:
        query = SandboxQuery(metadata={"which": "paused"}, state=list(states) or None)
        found = await AsyncSandbox.list(query=query, **gateway.connection).next_items()
        return [info.state.value for info in found]

    assert await listed() == ["paused"]
    assert await listed(SandboxState.PAUSED) == ["paused"]
    assert await listed(SandboxState.RUNNING) == []
    assert await made.kill() is True
    eventually(lambda: all(map(gone, stopped)), "the end of stopped processes")
    with pytest.raises(NotFoundException):
        await AsyncSandbox.connect(made.sandbox_id, **gateway.connection)


async def test_a_timeout_can_pause_and_a_request_resume(gateway, soon) -> None:
    made = await AsyncSandbox.create(
        timeout=60, lifecycle={"on_timeout": "pause", "auto_resume": True}, **gateway.connection
    )
    try:
        await made.run_code("n = 1")
        await made.set_timeout(0)

        async def paused() -> bool:
            return (await made.get_info()).state == SandboxState.PAUSED

        await soon(paused)
        async with httpx.AsyncClient(base_url=gateway.url, trust_env=False) as stranger:
            answer = await stranger.get("/health", headers={"E2b-Sandbox-Id": made.sandbox_id})
        assert answer.status_code == 502
        assert await paused()  # whoever has no token may ask whether it runs, and not wake it
        assert await made.is_running()
        assert (await made.run_code("n + 1")).text == "2"
    finally:
        await made.kill()
