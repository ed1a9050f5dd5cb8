"""Contexts in bash."""

import asyncio

import pytest
from e2b_code_interpreter import AsyncSandbox


async def test_a_shell_keeps_its_state_and_tells_a_failure(fresh: AsyncSandbox) -> None:
    await fresh.run_code("kept=5; cd /tmp", language="bash")
    done = await fresh.run_code("echo $kept; pwd; echo err >&2; (exit 3)", language="bash")
    assert ("".join(done.logs.stdout), "".join(done.logs.stderr)) == ("5\n/tmp\n", "err\n")
    assert done.error is not None
    assert "status 3" in done.error.value
    assert done.execution_count == 2
    assert "bash" in [context.language for context in await fresh.list_code_contexts()]


async def test_variables_of_one_call_are_undone(fresh: AsyncSandbox) -> None:
    done = await fresh.run_code('echo "$FOO"', language="bash", envs={"FOO": 'it\'s "$HOME"'})
    after = await fresh.run_code("echo ${FOO-none}", language="bash")
    assert (done.logs.stdout, after.logs.stdout) == (['it\'s "$HOME"\n'], ["none\n"])


async def test_a_context_of_its_own_is_restarted_and_survives_an_exit(fresh: AsyncSandbox) -> None:
    context = await fresh.create_code_context(language="bash", cwd="/tmp")
    assert (await fresh.run_code("a=1; pwd", context=context)).logs.stdout == ["/tmp\n"]
    ended = await fresh.run_code("exit 4", context=context)
    assert ended.error is not None
    assert "exited with status 4" in ended.error.value
    assert (await fresh.run_code("echo ${a-gone}", context=context)).logs.stdout == ["gone\n"]
    await fresh.remove_code_context(context)


@pytest.mark.parametrize(
    "endless",
    ["sleep 60", "f() { while true; do sleep 0.05; done; }; while true; do f; done", "g() { while :; do :; done; }; g"],
)
async def test_leaving_a_cell_interrupts_it(sandbox: AsyncSandbox, soon, endless: str) -> None:
    code = f"kept=yes; touch ~/begun; {endless}; touch ~/never"
    cell = asyncio.create_task(sandbox.run_code(code, language="bash", envs={"ONCE": "set"}))
    await soon(lambda: sandbox.files.exists("begun"))
    cell.cancel()
    done = await asyncio.wait_for(sandbox.run_code("echo $kept ${ONCE-undone}", language="bash"), 300)
    assert (done.logs.stdout, done.logs.stderr) == (["yes undone\n"], [])
    assert not await sandbox.files.exists("never")
    await sandbox.files.remove("begun")


@pytest.mark.parametrize("endless", ["exec yes", "yes"])
async def test_output_without_an_end_streams_and_holds_up_nobody(fresh: AsyncSandbox, endless: str) -> None:
    begun = asyncio.Event()
    cell = asyncio.create_task(fresh.run_code(endless, language="bash", on_stdout=lambda message: begun.set()))
    async with asyncio.timeout(300):
        await begun.wait()
        assert (await fresh.run_code("1 + 1")).text == "2"
        cell.cancel()
        assert (await fresh.run_code("echo next", language="bash")).logs.stdout == ["next\n"]


async def test_a_shell_that_gives_way_to_a_program_ends_with_it(fresh: AsyncSandbox) -> None:
    done = await fresh.run_code("exec sh -c 'sleep 0.2; echo late'", language="bash")
    assert done.logs.stdout == ["late\n"]
    assert done.error is not None
    assert done.error.name == "BashEnded"
    flood = await fresh.run_code("yes & echo begun", language="bash")  # which ends, though what it left writes on
    assert flood.error is None
    assert "begun" in "".join(flood.logs.stdout)


async def test_much_output_and_long_cells_arrive_whole(sandbox: AsyncSandbox) -> None:
    done = await sandbox.run_code("head -c 3000000 /dev/zero | tr '\\0' 'x' | sed 's/x/ä/g'", language="bash")
    assert "".join(done.logs.stdout) == "ä" * 3_000_000
    long = "# " + "c" * 200_000
    assert (await sandbox.run_code(f"{long}\necho $$", language="bash", envs={"A": "a" * 100_000})).error is None
