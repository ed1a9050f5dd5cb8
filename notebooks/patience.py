"""What is said while papermill waits for us: a line of its log for whatever takes longer than two seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 2.0
"""Seconds after which a person wants to know what is being waited for."""
AGAIN = 10.0
"""Seconds until it is said again, so that it is seen to go on."""


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Log `what` goes on within this block, with the seconds that it has taken, if it takes long."""
    from papermill.log import logger

    over, began = threading.Event(), time.monotonic()

    def tell() -> None:
        pause = PATIENCE
        while not over.wait(pause):
            logger.info(f"{what} ({time.monotonic() - began:.0f} s so far)")
            pause = AGAIN

    teller = threading.Thread(target=tell, name="patience", daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()
