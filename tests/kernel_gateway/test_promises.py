"""Requests with an idempotency key."""

import asyncio

import pytest

from kernel_gateway.promises import Promises
from kernel_gateway.wanted import Conflict


async def test_what_failed_is_tried_again_even_if_nobody_was_left_to_hear_of_it() -> None:
    promises, tried = Promises[int](), 0
    go_on, over = asyncio.Event(), asyncio.Event()

    async def make() -> int:
        nonlocal tried
        tried += 1
        await go_on.wait()
        over.set()
        if tried == 1:
            raise OSError("the first")
        return tried

    left = asyncio.create_task(promises.keep("key", {"a": 1}, make))
    await asyncio.sleep(0)
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    go_on.set()
    await over.wait()
    await asyncio.sleep(0)
    assert [await promises.keep("key", {"a": 1}, make) for _ in range(2)] == [2, 2]
    with pytest.raises(Conflict):
        await promises.keep("key", {"a": 2}, make)
