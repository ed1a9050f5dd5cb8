"""A run's events as a stream (server-sent events) that a client can take up again where it was cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from artifacts.events import Event, TextDelta

BEAT = 15.0  # seconds between signs of life, so that nobody on the way takes the stream for dead


async def sse(events: AsyncIterator[Event | TextDelta]) -> AsyncIterator[str]:
    """Events as text/event-stream: `id` is the seq, `event` the kind, `data` the JSON. A text delta has no id."""
    yield "retry: 1000\n\n"
    coming: asyncio.Task[Event | TextDelta] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(events))
            await asyncio.wait({coming}, timeout=BEAT)
            if not coming.done():
                yield ": still here\n\n"
                continue
            try:
                event = coming.result()
            except StopAsyncIteration:
                return
            coming = None
            mark = "" if isinstance(event, TextDelta) else f"id: {event.seq}\n"
            yield f"{mark}event: {event.kind}\ndata: {event.model_dump_json()}\n\n"
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.wait({coming})
        close = getattr(events, "aclose", None)
        if close is not None:
            await close()
