"""`gristmill chat` at a terminal: lines are typed while a turn runs, and questions are answered in their place."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest_asyncio

from bench.wire import served
from tests.graphs.conftest import Answer, Wire, call
from tests.gristmill.door import REPOSITORY, command, environment

PENGUINS = REPOSITORY / "examples" / "penguins.csv"
QUERY = {"measures": [{"op": "count", "name": "rows"}]}


@contextmanager
def chatting(home: Path, *arguments: str | Path, **more: str) -> Iterator[pexpect.spawn[str]]:
    program, *rest = command("chat", PENGUINS, *arguments)
    env = environment(home, TERM="xterm", PROMPT_TOOLKIT_NO_CPR="1", **more)
    child = pexpect.spawn(program, rest, env=env, encoding="utf-8", timeout=300, dimensions=(40, 110))
    try:
        child.expect("/quit leaves")
        yield child
    finally:
        child.close(force=True)


def left(child: pexpect.spawn[str]) -> int:
    """The exit status after the end of input, which a terminal hears only while a line is being read."""
    for _ in range(60):
        child.sendeof()
        if child.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=1) == 0:
            break
    child.close()
    return int(child.exitstatus)


def test_the_playbook_answers_lines_and_commands_and_the_end_of_input_is_polite(ready: Path) -> None:
    with chatting(ready) as child:
        for line, told in (
            ("What is the mean body mass?", "The mean of body mass is 4,20"),
            ("only Gentoo", "5,076"),
            ("/run print(6 * 7)", "42"),
            ("/sh echo $((40 + 4))", "44"),
            ("/undo", "Taken back: cell-"),
            ("/redo", "Put back: cell-"),
            ("/files", "penguins.csv"),
            ("/budget tokens=9000/turn", "from the next turn on"),
            ("/stop", "Nothing is under way"),
            ("undo that", "/undo is the command for that"),
        ):
            child.sendline(line)
            child.expect_exact(told)
        child.expect(pexpect.TIMEOUT, timeout=2)
        drawn = child.before
        child.expect(pexpect.TIMEOUT, timeout=2)
        assert child.before == drawn, "while nothing happens nothing is drawn"
        assert left(child) == 0
        told = child.before if isinstance(child.before, str) else ""
        assert "The run is kept: gristmill chat --run run_" in told
        assert "Traceback" not in told


@pytest_asyncio.fixture
async def wire() -> AsyncIterator[Wire]:
    async with served() as made:
        yield made


def said(text: str) -> Answer:
    return Answer(calls=[call("reply", text=text)])


async def test_a_turn_of_a_model_is_steered_stopped_asked_and_approved_in_place(ready: Path, wire: Wire) -> None:
    loop, held, never = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    code = call("run_code", code="print('as it was')")
    turns: list[Callable[[str], Answer]] = [
        lambda told: Answer(text="Looking.", calls=[call("run_code", code="print(1)")], hold=held),
        lambda told: said("It was said." if "only Gentoo" in told else "Nothing was said."),
        lambda told: Answer(text="never", hold=never),
        lambda told: Answer(
            calls=[call("ask_person", question="Which year?", choices=["2007", "2008"], default="2008")]
        ),
        lambda told: said("For 2008." if '"text": "2008"' in json.loads(told)[-1]["content"] else "For no year."),
        lambda told: Answer(calls=[code]),
        lambda told: said("It ran as edited." if "as it is" in json.loads(told)[-1]["content"] else "It did not."),
        lambda told: Answer(text="never", hold=never),
    ]

    def answer(request: dict[str, object]) -> Answer:
        told = json.dumps(request["messages"])
        if "cannot_answer" in json.dumps(request["tools"]):
            done = '"role": "tool"' in told
            return Answer(text="Counted.") if done else Answer(calls=[call("ask_table", part="rows", query=QUERY)])
        return turns.pop(0)(told)

    wire.answer = answer  # type: ignore[assignment]

    def talk() -> None:
        with chatting(ready, "--model", "openai:test", "--approve", "ask", **wire.env) as child:

            def line(text: str, told: str) -> None:
                child.sendline(text)
                child.expect(told)

            line("How many rows?", "ask_table waits for your approval")
            line("y", "Counted")
            child.expect("turn-01")

            def until(there: Callable[[], bool]) -> None:
                """Read on until the model is asked, which the terminal does not show."""
                for _ in range(90):
                    if there():
                        return
                    child.expect(pexpect.TIMEOUT, timeout=1)
                raise AssertionError("the model was not asked")

            asked = len(wire.requests)
            child.sendline("And what else?")
            until(lambda: len(wire.requests) > asked)
            line("only Gentoo", "Read before the next step")
            loop.call_soon_threadsafe(held.set)
            child.expect("run_code waits for your approval")
            line("y", "It was said")
            child.expect("turn-02")

            asked = len(wire.requests)
            child.sendline("A long one")
            until(lambda: len(wire.requests) > asked)
            child.sendintr()
            child.expect("Stopped. The run is kept")

            line("Ask me", "Which year")
            line("", "For 2008")
            line("Run it", "waits for your approval")
            child.expect_exact("or e to edit it")  # behind the arguments, which the line to edit shows once more
            child.sendline("e")
            child.expect_exact("as it was")
            child.send("\x7f" * len("was')\"}") + "is')\"}")
            child.send("\r")
            child.expect("It ran as edited|It did not")

            asked = len(wire.requests)
            child.sendline("The last one")
            until(lambda: len(wire.requests) > asked)
            assert left(child) == 0
            assert "The run is kept and its turn stopped" in str(child.before)

    try:
        await asyncio.to_thread(talk)
    finally:
        held.set()
        never.set()
