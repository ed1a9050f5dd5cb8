"""Commands and terminals in a sandbox."""

import asyncio
import os
import subprocess

import pytest
from e2b import CommandExitException, InvalidArgumentException, TimeoutException
from e2b.envd.process import process_pb
from e2b.sandbox.commands.command_handle import PtySize
from e2b_code_interpreter import AsyncSandbox

from kernel_gateway.inside import process
from kernel_gateway.inside.journal import Journal


async def _value(value: bool) -> bool:
    return value


async def _ended(sandbox: AsyncSandbox, pattern: str) -> bool:
    """Whether no process of this name and these arguments runs; other tests of this sandbox may have left others."""
    return (await sandbox.commands.run(f"pgrep -cxf '{pattern}' || true")).stdout == "0\n"


async def test_a_command_gives_its_streams_and_status(sandbox: AsyncSandbox) -> None:
    lines: list[str] = []
    done = await sandbox.commands.run("echo out; echo err >&2; pwd", on_stdout=lines.append)
    assert (done.stdout, done.stderr, done.exit_code) == ("out\n/home/user\n", "err\n", 0)
    assert "".join(lines) == done.stdout
    with pytest.raises(CommandExitException) as failed:
        await sandbox.commands.run("echo no; exit 3")
    assert (failed.value.exit_code, failed.value.stdout) == (3, "no\n")


async def test_directory_and_environment(sandbox: AsyncSandbox) -> None:
    done = await sandbox.commands.run("pwd; echo $A", cwd="/tmp", envs={"A": "b c"})
    assert done.stdout == "/tmp\nb c\n"
    with pytest.raises(InvalidArgumentException, match="/no/where"):
        await sandbox.commands.run("pwd", cwd="/no/where")


async def test_the_python_of_the_product_is_there(sandbox: AsyncSandbox) -> None:
    code = "import pandas, scipy, statsmodels, sklearn, matplotlib, pyarrow, openpyxl; print('all')"
    assert (await sandbox.commands.run(f'python -c "{code}"')).stdout == "all\n"


async def test_standard_input_and_reconnection(sandbox: AsyncSandbox) -> None:
    handle = await sandbox.commands.run("cat", background=True, stdin=True)
    await sandbox.commands.send_stdin(handle.pid, "through\n")
    again = await sandbox.commands.connect(handle.pid)
    await sandbox.commands.send_stdin(handle.pid, "both\n")
    await sandbox.commands.close_stdin(handle.pid)
    assert (await handle.wait()).stdout == "through\nboth\n"
    assert (await again.wait()).stdout.endswith("both\n")


async def test_five_megabytes_of_standard_input(sandbox: AsyncSandbox) -> None:
    handle = await sandbox.commands.run("wc -c", background=True, stdin=True)
    await sandbox.commands.send_stdin(handle.pid, "x" * 5_000_000)
    await sandbox.commands.close_stdin(handle.pid)
    assert (await handle.wait()).stdout.strip() == "5000000"


async def test_much_output_arrives_complete(sandbox: AsyncSandbox) -> None:
    done = await sandbox.commands.run("head -c 20000000 /dev/zero | tr '\\0' x")
    assert len(done.stdout) == 20_000_000


async def test_a_reader_that_takes_its_time_gets_the_last_of_the_output_before_the_end(soon, monkeypatch) -> None:
    monkeypatch.setattr(process, "_CHUNK", 1000)
    monkeypatch.setattr(process, "_QUEUED_CHUNKS", 2)
    outlet, inlet = os.pipe()
    os.set_blocking(outlet, False)
    popen = subprocess.Popen(["printf", "x" * 50_000], stdout=inlet)  # noqa: ASYNC220 - as the service does
    os.close(inlet)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    config = process_pb.ProcessConfig(cmd="printf")
    running = process._Running(config, None, popen, {"stdout": outlet}, None, Journal(nowhere))
    queue, told = running.listen(), 0
    following = asyncio.create_task(running.follow(lambda: None))
    await soon(lambda: _value(queue.full()))
    await asyncio.sleep(2 * process._LAST_OUTPUT_SECONDS)  # the time that it takes
    async with asyncio.timeout(300):
        while (event := (await queue.get()).event).field == "data":
            told += len(event.value.output.value)
        await following
    os.close(nowhere)
    assert told == 50_000


async def test_list_and_kill(sandbox: AsyncSandbox, soon) -> None:
    handle = await sandbox.commands.run("sleep 300 & sleep 301", background=True)
    assert handle.pid in [info.pid for info in await sandbox.commands.list()]
    assert await sandbox.commands.kill(handle.pid) is True
    with pytest.raises(CommandExitException) as killed:
        await handle.wait()
    assert killed.value.exit_code == -1
    await soon(lambda: _ended(sandbox, "sleep 30[01]"))
    assert await sandbox.commands.kill(999_999) is False


async def test_a_command_ends_at_its_timeout(sandbox: AsyncSandbox, soon) -> None:
    with pytest.raises(TimeoutException):
        await asyncio.wait_for(sandbox.commands.run("sleep 602", timeout=0.5), 300)
    await soon(lambda: _ended(sandbox, "sleep 602"))


async def test_a_client_that_leaves_does_not_end_a_command(sandbox: AsyncSandbox, soon) -> None:
    handle = await sandbox.commands.run("sleep 0.3; touch /tmp/outlived; sleep 30", background=True)
    await handle.disconnect()
    await soon(lambda: sandbox.files.exists("/tmp/outlived"))
    assert await sandbox.commands.kill(handle.pid) is True


async def test_a_child_in_the_background_does_not_hold_the_command(sandbox: AsyncSandbox) -> None:
    done = await asyncio.wait_for(sandbox.commands.run("sleep 603 & echo started"), 300)
    assert done.stdout == "started\n"
    await sandbox.commands.run("pkill -xf 'sleep 603'")


async def test_a_terminal(sandbox: AsyncSandbox, soon) -> None:
    seen = bytearray()
    terminal = await sandbox.pty.create(PtySize(rows=24, cols=90), on_data=lambda data: seen.extend(data))
    await sandbox.pty.send_stdin(terminal.pid, b"tty; stty size\n")
    await soon(lambda: _value(b"24 90" in seen))
    await sandbox.pty.resize(terminal.pid, PtySize(rows=30, cols=100))
    await sandbox.pty.send_stdin(terminal.pid, b"stty size; exit\n")
    await terminal.wait()
    assert b"/dev/pts/" in seen
    assert b"30 100" in seen
