"""Slows down, and then refuses for a while, whoever sends wrong tokens or keys: at both of our web doors."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable

log = logging.getLogger(__name__)

FREE = 3  # wrong ones in a row that are answered at once: somebody pastes the old token
MOST = 10  # wrong ones in a row that are answered at all
STEP, SLOWEST = 0.25, 1.0  # seconds by which each answer after the free ones is later than the last, and the latest
WHILE = 60.0  # seconds of refusal, and seconds after which a wrong one is forgotten
SOURCES = 4096  # addresses that are remembered; the one that was heard of longest ago is forgotten first


class Attempts:
    """Wrong tokens by the address that they came from. `clock` gives seconds.

    On this machine, and from an address that has shown the right token before, that one gets in whatever else came from
    there: a neighbour must not lock the owner out. What stops guessing there is the token's length. Any other address
    that is refused is refused whatever it sends.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()  # how many, and when the last of them came
        self._known: OrderedDict[str, None] = OrderedDict()  # who has shown the right one

    def refused(self, address: str) -> int:
        """For how many more whole seconds an address is refused; 0 for one that is not."""
        count, last = self._wrong.get(source(address), (0, 0.0))
        return max(0, math.ceil(last + WHILE - self._clock())) if count >= MOST else 0

    def right(self, address: str) -> bool:
        """Note a right token; returns whether it gets in."""
        of = source(address)
        if of in self._known or _is_here(of) or not self.refused(address):
            _keep(self._known, of, None)
            return True
        return False

    def wrong(self, address: str) -> float:
        """Note a wrong token; returns the seconds after which it should be answered. Not for an address refused."""
        of, now = source(address), self._clock()
        count, last = self._wrong.get(of, (0, now))
        count = count + 1 if now - last < WHILE and count < MOST else 1
        _keep(self._wrong, of, (count, now))
        if count == MOST:
            log.warning("%d wrong tokens from %s: refused for %.0f s.", MOST, of, WHILE)
        return min(SLOWEST, STEP * max(0, count - FREE))

    async def hold(self, address: str) -> int:
        """Note a wrong token and wait as long as its answer should; returns for how many seconds it is refused.

        0 is for one that is answered as a wrong one. Nobody is held who is refused already, so at most `MOST` answers
        to one address wait at a time.
        """
        if seconds := self.refused(address):
            return seconds
        await asyncio.sleep(self.wrong(address))
        return 0


def _keep[V](kept: OrderedDict[str, V], key: str, value: V) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > SOURCES:
        kept.popitem(last=False)


def _is_here(of: str) -> bool:
    try:
        return not of or ipaddress.ip_address(of).is_loopback
    except ValueError:
        return False  # a network


def source(address: str) -> str:
    """Whose attempts are counted together: an IPv4 address, or the 64 bits of an IPv6 one that name a network."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]  # a Unix socket has no address, and is one source
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    if mapped is None and isinstance(found, ipaddress.IPv6Address) and not found.is_loopback:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(mapped or found)
