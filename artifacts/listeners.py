"""Functions that are called with events once they are recorded, of whatever run: `gristmill.on`.

They are called one after another in a thread of their own, so that none of them keeps a run waiting.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterable

from artifacts.events import EVENT_KINDS, Event

type Listener = Callable[[Event], object]

WAITING = 10_000
"""Events that may wait for the listeners; beyond that they are dropped, and the log says so."""

_log = logging.getLogger(__name__)
_lock = threading.Lock()
_listening: list[tuple[str, Listener]] = []
_waiting: queue.Queue[tuple[Event, list[Listener]]] = queue.Queue(WAITING)
_thread: list[threading.Thread] = []


def on(kind: str, listener: Listener) -> Callable[[], None]:
    """Have a function called with each event of a kind, `*` for all; returns what ends that.

    What it raises is logged, and nothing else comes of it. Raises ValueError for a kind that there is not.
    """
    if kind != "*" and kind not in EVENT_KINDS:
        raise ValueError(f"There is no event {kind!r}. There are: {', '.join(sorted(EVENT_KINDS))}.")
    entry = (kind, listener)
    with _lock:
        _listening.append(entry)

    def leave() -> None:
        with _lock:
            if entry in _listening:
                _listening.remove(entry)

    return leave


def tell(events: Iterable[Event]) -> None:
    """Hand events to those who listen for them. From any thread; does not wait for them."""
    if not _listening:
        return
    with _lock:
        listening = list(_listening)
        if not _thread:
            _thread.append(threading.Thread(target=_call, name="gristmill-listeners", daemon=True))
            _thread[0].start()
    for event in events:
        wanted = [listener for kind, listener in listening if kind in ("*", event.kind)]
        if not wanted:
            continue
        try:
            _waiting.put_nowait((event, wanted))
        except queue.Full:
            _log.warning("listeners are too slow: %s of %s is not told to them", event.kind, event.run_id)


def settle() -> None:
    """Wait until the listeners have been called with all that was told so far."""
    _waiting.join()


def _call() -> None:
    while True:
        event, wanted = _waiting.get()
        for listener in wanted:
            try:
                listener(event)
            except Exception:  # noqa: BLE001 (a listener may raise anything)
                _log.exception("a listener failed at %s of %s", event.kind, event.run_id)
        _waiting.task_done()
