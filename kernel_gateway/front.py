"""How the gateway hears HTTP: as uvicorn does, but that nobody may take for ever over a request's head, or fill memory.

What is bounded is what anybody can send who has no key: the head of a request, and what may follow its body.
"""

from __future__ import annotations

import asyncio
from typing import Any

from kernel_gateway.inside.heard import Heard

_HEAD_SECONDS = 20.0  # from a connection's or a head's first byte to the head's last
_MOST_QUIET = 128 << 10  # bytes that may come without any of a body: heads, trailers and the like


class Front(Heard):
    """One connection."""

    _timer: asyncio.TimerHandle | None = None
    _quiet = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._hurry()

    def connection_lost(self, exc: Exception | None) -> None:
        self._take_time()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._quiet += len(data)
        super().data_received(data)
        if self._quiet > _MOST_QUIET:
            self.transport.close()

    def on_message_begin(self) -> None:
        if self._timer is None:
            self._hurry()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._timer is not None:  # what follows a body is no part of the head
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._take_time()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._quiet = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._quiet = 0
        super().on_message_complete()

    def _hurry(self) -> None:
        self._timer = self.loop.call_later(_HEAD_SECONDS, self._too_late)

    def _take_time(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_late(self) -> None:
        cycle: Any = self.cycle
        if cycle is not None and not cycle.response_complete:
            self._hurry()  # we have not answered the request before, and perhaps not read on since
        else:
            self.transport.close()
