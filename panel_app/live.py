"""Keeps a page's pace: gathers what arrives into batches, so that a fast run costs a browser ten patches a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

PAUSE = 0.1
"""Seconds between two batches."""


async def batches[T](source: AsyncIterator[T], pause: float = PAUSE) -> AsyncIterator[list[T]]:
    """All that `source` gave since the last batch, as soon as there is something, at most once in `pause` seconds.

    Ends when the source ends and raises what the source raises. Closing it stops the source as well.
    """
    waiting: list[T] = []
    news = asyncio.Event()

    async def read() -> None:
        try:
            async for item in source:
                waiting.append(item)
                news.set()
        finally:
            news.set()

    reader = asyncio.create_task(read())
    try:
        while True:
            await news.wait()
            news.clear()
            if waiting:
                batch = waiting.copy()
                waiting.clear()
                yield batch
                await asyncio.sleep(pause)
            elif reader.done():
                break
            if reader.done():
                news.set()
        await reader
    finally:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        if isinstance(source, AsyncGenerator):
            await source.aclose()
