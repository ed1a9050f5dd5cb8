"""One socket of a kernel's, by callbacks of the loop: zmq's own for asyncio take half of what a small cell costs.

A socket's descriptor tells of a change once, and sending may take notice of one, too. So what is there is read until
nothing is left whenever it tells of something, and after each message that is sent. See zmq_getsockopt(3), ZMQ_FD.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import zmq

_AT_ONCE = 16  # messages, before the loop does something else
_RECONNECT_MS = 5  # the stock 100 would be waited out whenever we are earlier than the kernel


class Channel:
    """A socket of type `kind` that connects to `url`; `hear` is told of each message that comes."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        kind: int,
        url: str,
        name: str,
        hear: Callable[[list[bytes]], None],
    ) -> None:
        """`name` is who we are where the other side asks."""
        self._socket, self._hear = context.socket(kind), hear
        self._socket.linger = 0
        self._socket.sndhwm = self._socket.rcvhwm = 0
        self._socket.reconnect_ivl = _RECONNECT_MS
        if kind == zmq.SUB:
            self._socket.subscribe(b"")
        else:
            self._socket.routing_id = name.encode()
        self._socket.connect(url)
        self._descriptor = self._socket.fileno()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._descriptor, self._read)

    def send(self, frames: list[bytes]) -> None:
        """Send a message; one that nobody takes yet waits."""
        self._socket.send_multipart(frames, zmq.DONTWAIT)
        self._loop.call_soon(self._read)

    def close(self) -> None:
        """Hear nothing more."""
        if not self._socket.closed:
            self._loop.remove_reader(self._descriptor)
            self._socket.close()

    def _read(self) -> None:
        for _ in range(_AT_ONCE):
            if self._socket.closed:
                return
            try:
                frames = self._socket.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return
            self._hear(frames)
        self._loop.call_soon(self._read)
