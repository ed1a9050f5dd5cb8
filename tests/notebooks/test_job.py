"""Calls on another thread's loop, and how they are ended."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import CancelledError
from queue import SimpleQueue
from typing import Any

import pytest

from notebooks.engine import loop_in_thread
from notebooks.job import Bridge


def test_an_interrupt_ends_the_call_under_way_also_after_one_within_it_and_no_later_one() -> None:
    async def tells(told: SimpleQueue[Any]) -> None:
        told.put("an event")
        await asyncio.Event().wait()

    async def answers() -> int:
        return 7

    with loop_in_thread() as loop:
        bridge, told, heard = Bridge(loop), SimpleQueue[Any](), threading.Event()
        assert not bridge.interrupt(), "nothing is under way"

        def hear(event: Any) -> None:
            assert bridge.call(answers()) == 7
            heard.set()

        def interrupt() -> None:
            heard.wait(300)
            until = time.monotonic() + 300
            while not bridge.interrupt() and time.monotonic() < until:  # the call within is just over
                pass

        other = threading.Thread(target=interrupt)
        other.start()
        with pytest.raises(CancelledError):
            bridge.hear(tells(told), told, hear)
        other.join()
        assert bridge.call(answers()) == 7
