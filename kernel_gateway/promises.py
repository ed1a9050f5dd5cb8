"""What is under way, or was made not long ago, for whoever asks a second time in the same words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

from kernel_gateway.wanted import Conflict

_SECONDS = 600.0


class Promises[T]:
    """The answers to requests with an idempotency key."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[str, asyncio.Task[T]]] = {}

    async def keep(self, key: str, body: dict[str, Any], make: Callable[[], Coroutine[None, None, T]]) -> T:
        """What `make` gives, or has given to who used the key first; raises `Conflict` for another body."""
        digest = json.dumps(body, sort_keys=True)
        if key not in self._made:
            self._made[key] = (digest, asyncio.create_task(make()))
            asyncio.get_running_loop().call_later(_SECONDS, self._made.pop, key, None)
        known, promise = self._made[key]
        if known != digest:
            raise Conflict("This Idempotency-Key was used for another request; use a new one.")
        try:
            return await asyncio.shield(promise)
        finally:
            if promise.done() and promise.exception() is not None:
                self._made.pop(key, None)  # what failed may be tried again
