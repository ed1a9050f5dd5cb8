"""What a cell's processes write to the standard streams comes with the cell, and whole.

ipykernel reads it in a thread of its own, for which no cell's end waits: the last lines of `os.system` came with the
next cell, or with none. It also reads a thousand bytes at a time, and spoils a letter that lies across two such pieces.
"""

from __future__ import annotations

import codecs
import fcntl
import os
import select
import struct
import sys
import termios
import threading
import time
from typing import Any

from ipykernel.iostream import OutStream

_MOST = 64 << 10  # bytes that a pipe holds
_PATIENCE = 1.0  # seconds after which what was written is not waited for any longer
_MOMENT = 0.0005


class _Read:
    """How many bytes of a stream's pipe have been passed on; `one` is held while a piece of it is."""

    def __init__(self) -> None:
        self.one, self.count = threading.Lock(), 0


def take_along() -> None:
    """Have a flush, as at a cell's end, wait for what has been written to the pipes of the streams by then."""
    redirect, flush = OutStream._setup_stream_redirects, OutStream.flush

    def redirected(self: Any, name: str) -> None:
        self._read = _Read()
        redirect(self, name)

    def flushed(self: Any) -> None:
        read: _Read | None = getattr(self, "_read", None)
        if read is not None and _ours(self) and read.one.acquire(timeout=_PATIENCE):
            try:
                goal, until = read.count + _waiting(self._fid), time.monotonic() + _PATIENCE
            finally:
                read.one.release()
            while read.count < goal and self.watch_fd_thread.is_alive() and time.monotonic() < until:
                time.sleep(_MOMENT)
        flush(self)

    OutStream._setup_stream_redirects, OutStream._watch_pipe_fd, OutStream.flush = redirected, _watch, flushed


def _watch(self: Any) -> None:
    """Pass on what comes through the pipe, as ipykernel's own does, a piece at a time under the lock."""
    letters, pipe = codecs.getincrementaldecoder("utf-8")("replace"), select.poll()
    pipe.register(self._fid, select.POLLIN)
    try:
        while True:
            pipe.poll()
            with self._read.one:
                data = os.read(self._fid, _MOST)
                if not data or not self._should_watch:
                    return
                self.write(letters.decode(data))
                os.write(self._original_stdstream_copy, data)
                self._read.count += len(data)
    except Exception:  # noqa: BLE001 - kept for whoever looks, as ipykernel does
        self._exc = sys.exc_info()


def _ours(stream: Any) -> bool:
    """Whether a thread of this process reads the stream's pipe, and it is not that one which asks."""
    return os.getpid() == stream._master_pid and threading.current_thread() is not stream.watch_fd_thread


def _waiting(pipe: int) -> int:
    """How many bytes are in a pipe."""
    return int(struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0])
