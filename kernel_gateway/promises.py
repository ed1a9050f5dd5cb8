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
        """What `make` gives, or has given to who used the key first; raises `Conflict` for another body.

        It goes on when who asked leaves. What has failed may be tried again.
        """
        digest = json.dumps(body, sort_keys=True)
        if key not in self._made:
            promise = asyncio.create_task(make())
            self._made[key] = (digest, promise)
            promise.add_done_callback(lambda done: self._remember(key, done))
        known, promise = self._made[key]
        if known != digest:
            raise Conflict("This Idempotency-Key was used for another request; use a new one.")
        return await asyncio.shield(promise)

    def _remember(self, key: str, done: asyncio.Task[T]) -> None:
        if done.cancelled() or done.exception() is not None:
            del self._made[key]
        else:
            asyncio.get_running_loop().call_later(_SECONDS, self._made.pop, key)
