"""The control plane, through the SDK where it has a call and over plain HTTP where the bytes matter."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from e2b import NotFoundException, SandboxException, SandboxQuery, SandboxState
from e2b.exceptions import SandboxNotFoundException
from e2b_code_interpreter import AsyncSandbox, Sandbox

from kernel_gateway import client


@pytest.fixture
def http(gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, headers={"X-API-KEY": gateway.key}, trust_env=False) as client:
        yield client


def test_the_synchronous_sdk_works_the_same(gateway) -> None:
    with Sandbox.create(timeout=300, **gateway.connection) as made:
        seen: list[str] = []
        done = made.run_code("print('hello')\n2 + 2", on_stdout=lambda m: seen.append(m.line))
        assert (done.text, seen) == ("4", ["hello\n"])
        made.files.write("a.txt", "sync")
        assert made.files.read("a.txt") == "sync"
        assert made.commands.run("cat a.txt").stdout == "sync"
        assert made.kill() is True
        assert made.is_running() is False
        assert made.kill() is False


def test_creation_answers_exactly_as_the_wire_wants(http: httpx.Client) -> None:
    answer = http.post("/v2/sandboxes", json={"templateID": "base", "timeout": 60})
    assert answer.status_code == 201
    made = answer.json()
    assert set(made) >= {"templateID", "sandboxID", "clientID", "envdVersion", "envdAccessToken", "trafficAccessToken"}
    detail = http.get(f"/sandboxes/{made['sandboxID']}").json()
    assert set(detail) >= {"startedAt", "endAt", "cpuCount", "memoryMB", "diskSizeMB", "state", "clientID"}
    assert "envdAccessToken" not in detail
    assert http.delete(f"/sandboxes/{made['sandboxID']}").status_code == 204
    gone = http.delete(f"/sandboxes/{made['sandboxID']}")
    assert (gone.status_code, gone.json()["code"]) == (404, 404)
    assert gone.headers["should-retry"] == "false"


@pytest.mark.parametrize(
    "body",
    [
        {"timeout": -1},
        {"timeout": "long"},
        {"envVars": {"A": 1}},
        {"metadata": ["x"]},
        {"network": {"allowOut": ["example.org"]}},
        {"network": {"denyOut": ["example.org"]}},
        {"network": "all"},
        {"network": {"egressProxy": {"address": "proxy.example.com:1080"}}},
        {"mcp": {"exa": {}}},
        {"volumeMounts": [{"name": "v", "path": "/v"}]},
        {"autoPause": True, "autoPauseMemory": False, "autoResume": {"enabled": True}},
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(http: httpx.Client, body: dict) -> None:
    answer = http.post("/v2/sandboxes", json=body)
    assert answer.status_code == 400
    assert answer.json()["code"] == 400
    assert answer.json()["message"].endswith(".")


def test_junk_is_refused_as_json(http: httpx.Client) -> None:
    for answer in (
        http.post("/v2/sandboxes", content=b"{"),
        http.post("/v2/sandboxes", content=b"[" * 100_000),
        http.get("/no/such/route"),
        http.get("/v2/sandboxes?limit=many"),
        http.get("/v2/sandboxes?nextToken=junk"),
        http.get("/snapshots?nextToken=a/b"),
        http.get("/snapshots?limit=-x"),
    ):
        assert answer.status_code in (400, 404)
        assert set(answer.json()) == {"code", "message"}


def test_creation_is_idempotent(http: httpx.Client) -> None:
    body, key = {"timeout": 30, "metadata": {"n": "1"}}, {"Idempotency-Key": "one-two-three"}
    first, second = (http.post("/v2/sandboxes", json=body, headers=key).json() for _ in range(2))
    assert first == second
    other = http.post("/v2/sandboxes", json={"timeout": 31}, headers=key)
    assert other.status_code == 409
    assert http.delete(f"/sandboxes/{first['sandboxID']}").status_code == 204


async def test_one_that_ends_while_those_that_live_are_looked_for_is_left_out(
    gateway, shared_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = client.Host("local", "bubblewrap", gateway.url, gateway.url, gateway.key)
    gone = await AsyncSandbox.create(timeout=300, metadata={"batch": "gone"}, **gateway.connection)
    ((listed, metadata),) = await client.list_sandboxes(host, {"batch": "gone"})
    assert (listed, metadata["batch"]) == (gone.sandbox_id, "gone")
    await client.end_sandbox(host, listed)

    async def late(host: client.Host, metadata: dict[str, str]) -> list[tuple[str, dict[str, str]]]:
        return [(listed, {}), (shared_id, {})]

    monkeypatch.setattr(client, "list_sandboxes", late)
    assert [s.sandbox_id for s in await client.live_sandboxes(host, {})] == [shared_id]


async def test_lists_by_metadata_page_by_page_newest_first(gateway) -> None:
    made = [
        await AsyncSandbox.create(metadata={"batch": "a & b/ü", "n": str(n)}, timeout=300, **gateway.connection)
        for n in range(3)
    ]
    try:
        pages = AsyncSandbox.list(query=SandboxQuery(metadata={"batch": "a & b/ü"}), limit=2, **gateway.connection)
        found = []
        while pages.has_next:
            page = await pages.next_items()
            assert len(page) <= 2
            found += page
        assert [info.sandbox_id for info in found] == [sandbox.sandbox_id for sandbox in reversed(made)]
        assert found[0].metadata == {"batch": "a & b/ü", "n": "2"}
    finally:
        await asyncio.gather(*(sandbox.kill() for sandbox in made))


def test_lists_by_state_time_and_template_in_either_order(gateway) -> None:
    def listed(order: str | None = None, limit: int | None = None, **query: object) -> list[str]:
        wanted = SandboxQuery(metadata={"batch": "ordered"}, **query)
        pages = Sandbox.list(query=wanted, order=order, limit=limit, **gateway.connection)
        found = []
        while pages.has_next:
            found += [info.metadata["n"] for info in pages.next_items()]
        return found

    made = []
    try:
        for number, template in enumerate(("base", "code-interpreter-v1", "base")):
            metadata = {"batch": "ordered", "n": str(number)}
            made.append(Sandbox.create(template, timeout=300, metadata=metadata, **gateway.connection))
        made[2].pause()
        assert listed() == ["2", "1", "0"]
        assert listed(order="asc") == listed(order="asc", limit=1) == ["0", "1", "2"]
        assert listed(template="base") == ["2", "0"]
        assert listed(state=[SandboxState.PAUSED]) == ["2"]
        assert listed(state=[SandboxState.RUNNING, SandboxState.PAUSED]) == ["2", "1", "0"]
        assert listed(started_after=made[1].get_info().started_at) == ["2", "1"]  # at that moment, or after it
    finally:
        for sandbox in made:
            sandbox.kill()


@pytest.mark.parametrize(
    "ask",
    [
        lambda id, options: Sandbox.get_info(id, **options),
        lambda id, options: Sandbox.set_timeout(id, 10, **options),
        lambda id, options: Sandbox.pause(id, **options),
        lambda id, options: Sandbox.create_snapshot(id, **options),
        lambda id, options: Sandbox.fork(id, **options),
        lambda id, options: Sandbox.update_network(id, {}, **options),
        lambda id, options: Sandbox.get_metrics(id, **options),
        lambda id, options: Sandbox.connect(id, **options),
    ],
)
def test_whatever_is_asked_of_no_sandbox_is_answered_with_its_id(gateway, ask: Callable) -> None:
    with pytest.raises(SandboxNotFoundException, match="inone"):
        ask("inone", gateway.connection)


async def _not(answer: Awaitable[bool]) -> bool:
    return not await answer


async def test_a_sandbox_ends_at_its_timeout(gateway, soon) -> None:
    made = await AsyncSandbox.create(timeout=1, **gateway.connection)
    await soon(lambda: _not(made.is_running()))
    with pytest.raises(SandboxNotFoundException):
        await AsyncSandbox.connect(made.sandbox_id, **gateway.connection)


async def test_the_timeout_is_set_both_ways_but_connecting_only_extends(gateway, fresh: AsyncSandbox) -> None:
    def after(seconds: int) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=seconds)

    soonest = after(599)
    await fresh.set_timeout(600)
    end = (await fresh.get_info()).end_at
    assert soonest < end < after(601)
    await AsyncSandbox.connect(fresh.sandbox_id, timeout=10, **gateway.connection)
    assert (await fresh.get_info()).end_at == end
    soonest = after(899)
    await AsyncSandbox.connect(fresh.sandbox_id, timeout=900, **gateway.connection)
    assert soonest < (await fresh.get_info()).end_at < after(901)
    soonest = after(299)
    await fresh.set_timeout(300)
    assert soonest < (await fresh.get_info()).end_at < after(301)


def test_metrics_of_many_sandboxes_come_in_one_answer(http: httpx.Client, gateway, shared_id: str) -> None:
    paused = Sandbox.create(timeout=300, **gateway.connection)
    paused.pause()
    try:
        asked = {"sandbox_ids": f"{shared_id},{paused.sandbox_id},inone"}
        told = http.get("/sandboxes/metrics", params=asked).json()["sandboxes"]
        assert list(told) == [shared_id]
        assert set(told[shared_id]) >= {"timestamp", "timestampUnix", "cpuCount", "cpuUsedPct", "memUsed", "memTotal"}
        assert http.get("/sandboxes/metrics").status_code == 400
    finally:
        paused.kill()


async def test_metrics_see_memory_and_disk(sandbox: AsyncSandbox, soon) -> None:
    await sandbox.files.write("weight.bin", b"x" * 3_000_000)

    async def kept() -> bool:
        return len(await sandbox.get_metrics()) > 1  # one from its beginning, and one from now

    await soon(kept)
    sample = (await sandbox.get_metrics())[-1]
    assert sample.mem_used > 20_000_000
    assert 3_000_000 <= sample.disk_used < sample.disk_total
    assert await sandbox.get_metrics(start=sample.timestamp + timedelta(hours=1)) == []


async def test_memory_that_forks_share_counts_once(fresh: AsyncSandbox, soon) -> None:
    await fresh.files.write(
        "forks.py",
        "import os, time\nheld = bytearray(b'x') * (100 << 20)\nfor _ in range(2): os.fork()\n"
        "open(f'forks/{os.getpid()}', 'w').close(); time.sleep(600)",
    )
    await fresh.files.make_dir("forks")
    before = (await fresh.get_metrics())[-1].mem_used
    await fresh.commands.run("exec python forks.py", background=True)

    async def held() -> bool:
        return len(await fresh.files.list("forks")) == 4

    await soon(held)
    grown = (await fresh.get_metrics())[-1].mem_used - before
    assert 80 << 20 < grown < 200 << 20  # four times would be 400; what else there is may let go of some


async def test_killing_ends_what_is_under_way_with_a_clear_error(gateway, soon) -> None:
    made = await AsyncSandbox.create(timeout=300, **gateway.connection)
    cell = asyncio.create_task(made.run_code("print('on')\nimport time; time.sleep(60)"))
    command = asyncio.create_task(made.commands.run("echo on; sleep 60"))
    await soon(made.commands.list)
    assert await made.kill() is True
    for task in (cell, command):
        with pytest.raises(SandboxException, match=r"killed|not found|end of life"):
            await asyncio.wait_for(task, 300)


async def test_what_this_host_cannot_do_it_says(gateway, sandbox: AsyncSandbox) -> None:
    with pytest.raises(NotFoundException):
        await AsyncSandbox.connect("inosuchsandbox", **gateway.connection)
