"""What reaches the record of a stream that keeps changing its mind: the last of it, and all that was printed."""

from __future__ import annotations

from e2b_code_interpreter import ExecutionError, OutputMessage, Result

from artifacts.types import FINDING_MIME, Output
from kernel_gateway.inside.notebook import MIME
from notebooks.recorder import RESULT_CAP, Recorder


class Heard:
    """A sink that keeps what it is given, as words."""

    def __init__(self) -> None:
        self.all: list[str] = []

    async def output(self, output: Output) -> None:
        self.all.append(f"{output.kind} {output.text}")

    async def result(self, result: Result) -> None:
        self.all.append(f"result {result.text}")

    async def update(self, display_id: str, result: Result) -> None:
        self.all.append(f"update {display_id} {result.text}")

    async def clear(self) -> None:
        self.all.append("clear")

    async def failed(self) -> None:
        self.all.append("failed")


def said(**fields: object) -> Result:
    return Result(extra={MIME: fields})


async def test_a_progress_display_is_recorded_as_it_is_when_somebody_looks() -> None:
    heard = Heard()
    recorder = Recorder(heard)
    await recorder.result(Result(text="0", extra={MIME: {"display_id": "bar"}}))
    for i in range(1, 501):
        await recorder.result(Result(text=str(i), extra={MIME: {"update": "bar"}}))
    await recorder.close()
    assert heard.all[0] == "result 0"
    assert heard.all[-1] == "update bar 500"
    assert len(heard.all) == 2


async def test_what_is_taken_back_at_once_is_not_shown_but_what_it_printed_is_told() -> None:
    heard = Heard()
    recorder = Recorder(heard)
    for i in range(RESULT_CAP + 10):
        await recorder.result(said(clear=True))
        await recorder.stdout(OutputMessage(f"{i},", 0))
        await recorder.result(Result(text=str(i)))
    await recorder.close()
    last = RESULT_CAP + 9
    printed = "".join(f"{i}," for i in range(last))
    assert heard.all == [f"stdout {printed}", "clear", f"stdout {last},", f"result {last}"]


async def test_a_clearing_that_waits_for_output_that_never_comes_clears_nothing() -> None:
    heard = Heard()
    recorder = Recorder(heard)
    await recorder.stdout(OutputMessage("stays", 0))
    await recorder.result(said(clear=True))
    await recorder.close()
    assert heard.all == ["stdout stays"]


async def test_an_error_ends_the_wait_and_a_finding_is_not_taken_back() -> None:
    heard = Heard()
    recorder = Recorder(heard)
    await recorder.result(Result(text="found", extra={FINDING_MIME: {}}))
    await recorder.result(Result(text="shown"))
    await recorder.result(said(clear=True))
    await recorder.error(ExecutionError("ValueError", "no", ""))
    await recorder.close()
    assert heard.all == ["result found", "clear", "failed"]


async def test_what_is_told_beside_the_outputs_is_kept() -> None:
    recorder = Recorder(Heard())
    await recorder.result(said(traceback=["a", "b"]))
    await recorder.result(said(status="ok", shown=True))
    for value in (1, 2):
        await recorder.result(said(comm={"id": "w", "state": {"value": value}}))
    for nonsense in ({"comm": 3}, {"traceback": 4}, {}):
        await recorder.result(said(**nonsense))
    await recorder.close()
    assert recorder.frames == ("a", "b")
    assert recorder.verdict == {"status": "ok", "shown": True}
    assert recorder.widgets == {"w": {"value": 2}}
