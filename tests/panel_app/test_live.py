"""How a page keeps up with its run: batches at a steady pace, and patches that only touch what changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest

from artifacts.events import OutputsCleared, OutputUpdated, RunView, apply
from artifacts.store import Store
from artifacts.types import Output
from panel_app.live import batches
from tests.panel_app.story import Story


async def test_what_arrives_together_is_one_batch_and_the_end_loses_nothing() -> None:
    async def source() -> AsyncIterator[int]:
        for i in range(1000):
            yield i
        await asyncio.sleep(0.01)
        yield 1000

    got = [batch async for batch in batches(source(), pause=0.03)]
    assert [i for batch in got for i in batch] == list(range(1001))
    assert len(got) <= 3


async def test_a_stream_that_never_rests_costs_ten_batches_a_second() -> None:
    async def source() -> AsyncIterator[int]:
        for i in range(60):
            await asyncio.sleep(0.005)
            yield i

    started = time.monotonic()
    got = [batch async for batch in batches(source())]
    assert sum(map(len, got)) == 60
    assert len(got) <= (time.monotonic() - started) / 0.1 + 2


async def test_a_fault_of_the_source_is_raised_and_leaving_early_closes_it() -> None:
    closed = asyncio.Event()

    async def source(fault: bool) -> AsyncIterator[int]:
        try:
            yield 1
            if fault:
                raise OSError("the disk is gone")
            await asyncio.sleep(60)
        finally:
            closed.set()

    stream = batches(source(True), pause=0)
    assert await anext(stream) == [1]
    with pytest.raises(OSError, match="the disk is gone"):
        await anext(stream)
    closed.clear()
    stream = batches(source(False), pause=0)
    assert await anext(stream) == [1]
    await stream.aclose()  # type: ignore[attr-defined]
    assert closed.is_set()


def changes(before: RunView | None, after: RunView) -> list[dict[str, Any]]:
    """The patches from one view to the next. Panel is imported here, where not every process that collects has to."""
    from panel_app.patches import changes

    return changes(before, after)


def _views(store: Store, run_id: str) -> list[RunView]:
    views: list[RunView] = []
    for event in store.events(run_id):
        views.append(apply(views[-1] if views else None, event))
    return views


def test_an_event_touches_only_what_it_changes(store: Store) -> None:
    story = Story(store)
    first = story.cell("1 + 1", "Add", "2\n")
    second = story.begin("slow()", "Wait")
    story.output(second, text="a")
    story.output(second, text="b\n")
    story.end(second)
    views = _views(store, story.id)
    assert changes(views[0], views[0]) == []
    told = [[(p["do"], p["id"]) for p in changes(a, b)] for a, b in pairwise(views)]
    begun = [("set", "now"), ("set", "far"), ("set", "heard")]
    assert told[0] == [("set", "head"), *begun, ("set", "bar"), ("put", first.cell)]
    assert told[1] == [("set", f"{first.cell}-out")]
    ended = [("set", f"{first.cell}-state"), ("set", f"{first.cell}-error")]
    assert told[2] == [("set", "far"), ("set", "heard"), *ended]
    assert told[3] == [*begun[1:], ("set", "bar"), ("put", second.cell)]
    assert told[4] == [("set", f"{second.cell}-out")]
    assert told[5] == [("append", f"{second.cell}-out")]
    # Several events at once are one patch each place.
    assert [p["id"] for p in changes(views[4], views[6])] == [f"{second.cell}-out"]


def test_a_display_that_is_replaced_is_drawn_anew_and_not_once_more(store: Store) -> None:
    story = Story(store)
    first, second = story.begin("bar = display(0, display_id='bar')", "Show"), story.begin("bar.update(1)", "Update")
    story.output(first, text="begun\n")
    story.output(first, "display", "0 of 2", display_id="bar")
    for done in ("1 of 2", "2 of 2"):
        output = Output(kind="display", text=done, data={"text/plain": done}, display_id="bar")
        story.add(OutputUpdated(run_id=story.id, execution_id=second.id, output=output))
    story.add(OutputsCleared(run_id=story.id, execution_id=first.id))
    views = _views(store, story.id)
    for view, shown in ((views[-3], "1 of 2"), (views[-2], "2 of 2")):
        (patch,) = changes(views[-4], view)
        assert (patch["do"], patch["id"]) == ("set", f"{first.cell}-out")
        assert patch["html"].count(" of 2") == 1
        assert shown in patch["html"]
    (patch,) = changes(views[-2], views[-1])
    assert (patch["do"], patch["id"], patch["html"].strip()) == ("set", f"{first.cell}-out", "")


def test_an_output_costs_the_same_however_long_the_run_is(store: Store) -> None:
    story = Story(store)
    for i in range(30):
        cell = story.begin(f"step({i})", "Step")
        for _ in range(2):
            story.output(cell, text="the same words\n")
        story.end(cell)
    views = _views(store, story.id)
    costs = set()
    for before, after in pairwise(views):
        patches = changes(before, after)
        if [p["do"] for p in patches] == ["append"]:
            costs.add(len(patches[0]["html"]))
    assert len(costs) == 1
