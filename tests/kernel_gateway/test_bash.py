"""Contexts in bash."""

import asyncio

import pytest
from e2b import SandboxException
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


async def test_leaving_a_cell_interrupts_it(fresh: AsyncSandbox, soon) -> None:
    cell = asyncio.create_task(fresh.run_code("touch ~/begun; sleep 60; touch ~/never", language="bash"))
    await soon(lambda: fresh.files.exists("begun"), 10)
    cell.cancel()
    done = await fresh.run_code("echo next", language="bash")
    assert done.logs.stdout == ["next\n"]
    assert not await fresh.files.exists("never")


async def test_a_language_without_a_kernel_is_refused_with_those_that_have_one(fresh: AsyncSandbox) -> None:
    with pytest.raises(SandboxException, match="python and bash"):
        await fresh.run_code("1", language="r")
