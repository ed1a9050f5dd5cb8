"""What every value that travels has: it is frozen; and the ids and times of the record."""

from __future__ import annotations

import secrets
import threading
import time
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base32: no letter is mistaken for a digit
_making = threading.Lock()
_newest = 0


def new_id(prefix: str) -> str:
    """A short id that sorts by time of creation: `run_01m3v9q2m7x4tk` (9 characters of milliseconds, 5 random).

    The ids of one process all differ and sort as they were made, within a millisecond and when the clock is set back,
    too: then the milliseconds run ahead of the clock.
    """
    global _newest
    with _making:
        _newest = ms = max(time.time_ns() // 1_000_000, _newest + 1)
    chars = []
    for _ in range(9):
        ms, rest = divmod(ms, 32)
        chars.append(_ALPHABET[rest])
    return f"{prefix}_{''.join(reversed(chars))}{''.join(secrets.choice(_ALPHABET) for _ in range(5))}"


def now() -> datetime:
    """The time, in UTC; every `at` in the record is made here."""
    return datetime.now(UTC)


class Value(BaseModel):
    """Base of every value that travels: frozen, and strict about its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")
