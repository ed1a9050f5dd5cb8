"""Rows of the wire that the SDK's own methods do not reach, through the SDK's generated client; and the sync SDK."""

import asyncio
import json
import re

import httpx
import psutil
import pytest
from connectrpc.errors import ConnectError
from e2b.envd.process import process_pb as pb
from e2b_code_interpreter import AsyncSandbox, Sandbox
from protobuf import Oneof


def _start(script: str, **more) -> pb.StartRequest:
    return pb.StartRequest(process=pb.ProcessConfig(cmd="/bin/bash", args=["-c", script]), **more)


def _selector(tag: str) -> pb.ProcessSelector:
    return pb.ProcessSelector(selector=Oneof("tag", tag))


def _input(data: bytes) -> pb.ProcessInput:
    return pb.ProcessInput(input=Oneof("stdin", data))


async def _outputs(events) -> tuple[list[str], bytes]:
    """The kinds of a stream's events in order, and what the process wrote."""
    kinds, output = [], b""
    async for answer in events:
        kinds.append(answer.event.event.field)
        if kinds[-1] == "data":
            output += answer.event.event.value.output.value
    return kinds, output


async def test_a_tagged_process_takes_a_stream_of_input_and_stays_connectable(sandbox: AsyncSandbox, soon) -> None:
    rpc = sandbox.commands._rpc
    running = asyncio.create_task(_outputs(rpc.start(_start("head -c 7", tag="reader"))))

    async def tagged() -> bool:
        return "reader" in [info.tag for info in (await rpc.list(pb.ListRequest())).processes]

    await soon(tagged)

    async def pieces():
        select = pb.StreamInputRequest.StartEvent(process=_selector("reader"))
        yield pb.StreamInputRequest(event=Oneof("start", select))
        for piece in (b"one", b"", b"four"):
            data = pb.StreamInputRequest.DataEvent(input=_input(piece))
            yield pb.StreamInputRequest(event=Oneof("data", data))

    await rpc.stream_input(pieces())
    kinds, output = await asyncio.wait_for(running, 300)
    assert (kinds[0], kinds[-1], output) == ("start", "end", b"onefour")
    again = await _outputs(rpc.connect(pb.ConnectRequest(process=_selector("reader"))))
    assert again == (["start", "end"], b"")  # for half a minute its end can still be heard


async def test_a_signal_asks_and_signs_of_life_come_as_often_as_asked(sandbox: AsyncSandbox) -> None:
    rpc = sandbox.commands._rpc
    script = "trap 'echo asked; exit 5' TERM; echo up; while :; do sleep 0.05; done"
    kinds: list[str] = []
    asked = False
    async for answer in rpc.start(_start(script, tag="polite"), headers={"Keepalive-Ping-Interval": "1"}):
        event = answer.event.event
        kinds.append(event.field)
        if not asked and {"data", "keepalive"} <= set(kinds):
            asked = True
            await rpc.send_signal(pb.SendSignalRequest(process=_selector("polite"), signal=pb.Signal.SIGTERM))
        if event.field == "end":
            assert (event.value.exit_code, event.value.exited, event.value.status) == (5, True, "exit status 5")
    assert (kinds[0], kinds[-1], asked) == ("start", "end", True)
    with pytest.raises(ConnectError, match="has ended"):
        await rpc.send_signal(pb.SendSignalRequest(process=_selector("polite"), signal=pb.Signal.SIGTERM))


async def test_processes_without_input_see_its_end(sandbox: AsyncSandbox) -> None:
    rpc = sandbox.commands._rpc
    kinds, output = await _outputs(rpc.start(_start("cat; echo over", stdin=False, tag="closed")))
    assert (kinds[-1], output) == ("end", b"over\n")
    with pytest.raises(ConnectError, match="not open"):
        await rpc.send_input(pb.SendInputRequest(process=_selector("closed"), input=_input(b"x")))
    with pytest.raises(ConnectError, match="not found"):
        await rpc.send_input(pb.SendInputRequest(process=_selector("nobody"), input=_input(b"x")))


async def test_the_services_other_paths(gateway, sandbox: AsyncSandbox) -> None:
    headers = {"E2b-Sandbox-Id": sandbox.sandbox_id, "X-Access-Token": sandbox._envd_access_token or ""}
    async with httpx.AsyncClient(base_url=gateway.url, headers=headers, trust_env=False) as client:
        assert (await client.get("/health")).status_code == 204
        assert (await client.get("/envs")).json() == {}
        for method, path, status in (
            ("GET", "/files", 400),
            ("GET", "/files?path=nothing", 404),
            ("GET", "/files?path=/home", 400),
            ("PUT", "/files?path=x", 405),
            ("GET", "/nothing", 404),
        ):
            answer = await client.request(method, path)
            assert (answer.status_code, answer.json()["code"]) == (status, status), path
            assert answer.headers["should-retry"] == "false"
        junk = {"content-type": "multipart/form-data; boundary=b"}
        assert (await client.post("/files?path=x", content=b"junk", headers=junk)).status_code == 400
        packed = {"content-type": "application/octet-stream", "content-encoding": "gzip"}
        assert (await client.post("/files?path=x", content=b"junk", headers=packed)).status_code == 400


async def test_what_a_slow_reader_misses_is_counted_and_nothing_grows(gateway, fresh: AsyncSandbox, soon) -> None:
    headers = {
        "E2b-Sandbox-Id": fresh.sandbox_id,
        "E2b-Sandbox-Port": "49999",
        "X-Access-Token": fresh._envd_access_token or "",
    }
    await fresh.run_code("line = 'y' * 9_999")
    host = psutil.Process(gateway.process.pid)
    before = host.memory_info().rss
    code = "for _ in range(15_000): print(line)\nprint('z' * 10_000_000)\nopen('done', 'w').close()"
    async with (
        httpx.AsyncClient(base_url=gateway.url, headers=headers, trust_env=False, timeout=300) as client,
        client.stream("POST", "/execute", json={"code": code}) as answer,
    ):
        await soon(lambda: fresh.files.exists("done"))  # nobody has read a byte so far
        told = [json.loads(line) async for line in answer.aiter_lines()]
    assert host.memory_info().rss - before < 32 << 20
    assert told[-1] == {"type": "end_of_execution"}
    gaps = [one["text"] for one in told if one["type"] == "stderr"]
    assert all(re.fullmatch(r"\[\d+ outputs dropped: the reader was too slow\]\n", text) for text in gaps)
    assert 0 < len(gaps) < 100
    assert 50_000_000 < sum(len(one["text"]) for one in told if one["type"] == "stdout") < 150_000_000
    assert (await fresh.run_code("1")).text == "1"


def test_the_synchronous_sdk_runs_cells_commands_and_files(gateway, shared_id: str) -> None:
    sandbox = Sandbox.connect(shared_id, timeout=600, **gateway.connection)
    heard: list[str] = []
    done = sandbox.run_code("print('said'); 6 * 7", on_stdout=lambda message: heard.append(message.line))
    assert ("".join(heard), done.text) == ("said\n", "42")
    context = sandbox.create_code_context(cwd="/tmp")
    assert sandbox.run_code("import os; os.getcwd()", context=context).text == "/tmp"
    sandbox.restart_code_context(context)
    sandbox.remove_code_context(context)
    assert context.id not in [one.id for one in sandbox.list_code_contexts()]
    handle = sandbox.commands.run("cat", background=True, stdin=True)
    sandbox.commands.send_stdin(handle.pid, "typed\n")
    sandbox.commands.close_stdin(handle.pid)
    assert handle.wait().stdout == "typed\n"
    sandbox.files.write_files([{"path": "sync/a", "data": "1"}, {"path": "sync/b", "data": b"2"}])
    assert [entry.name for entry in sandbox.files.list("sync")] == ["a", "b"]
    assert b"".join(sandbox.files.read("sync/b", format="stream")) == b"2"
    assert sandbox.get_metrics()[-1].mem_used > 0
