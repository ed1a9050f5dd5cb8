"""Sandboxes that are started before anybody asks, and the shells of further ones."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from weakref import WeakSet

from kernel_gateway.errors import SandboxFailed
from kernel_gateway.host import Host
from kernel_gateway.sandbox import Sandbox

log = logging.getLogger("kernel_gateway")

_QUIET_SECONDS = 0.3  # a sandbox taken is replaced when nobody has asked for anything so long,
_REFILL_SECONDS = 3.0  # or at the latest now


class Parking:
    """So many as are to be kept: `launch` starts one, `warm_up` has it answer, `last_used` tells when anybody asked."""

    def __init__(
        self,
        host: Host,
        most: int,
        launch: Callable[[], tuple[str, Sandbox]],
        warm_up: Callable[[Sandbox], None],
        last_used: Callable[[], float],
    ) -> None:
        self.warm = WeakSet[Sandbox]()  # parked, and known to answer; one may be taken, or end, while it is asked
        self._host, self._most = host, most
        self._launch, self._warm_up, self._last_used = launch, warm_up, last_used
        self._parked: list[tuple[str, Sandbox]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def take(self) -> tuple[str, Sandbox] | None:
        """The name of a parked sandbox, and the sandbox; None where there is none."""
        return self._parked.pop(0) if self._parked else None

    def fill(self) -> None:
        """Start all that are missing."""
        while not self._closed and len(self._parked) < self._most and self._park_one():
            pass
        while self._host.is_short and self._prepare_one():
            pass

    def refill_later(self) -> None:
        """Start what is missing when nobody else wants anything, one after another."""
        if self._timer is None and self._is_short and not self._closed:
            latest = time.monotonic() + _REFILL_SECONDS
            self._timer = asyncio.get_running_loop().call_later(_QUIET_SECONDS, self._refill, latest)

    def close(self) -> list[Sandbox]:
        """Start no more; the sandboxes that are parked are the caller's to end."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        return [sandbox for _, sandbox in self._parked]

    @property
    def _is_short(self) -> bool:
        return len(self._parked) < self._most or self._host.is_short

    def _park_one(self) -> bool:
        try:
            name, sandbox = self._launch()
        except SandboxFailed as error:
            log.warning("no sandbox could be parked: %s", error)
            return False
        self._parked.append((name, sandbox))
        sandbox.on_end = lambda: self._lose(name, sandbox)
        self._warm_up(sandbox)
        return True

    def _lose(self, name: str, sandbox: Sandbox) -> None:
        self.warm.discard(sandbox)
        if (name, sandbox) in self._parked:
            self._parked.remove((name, sandbox))
            self.refill_later()

    def _prepare_one(self) -> bool:
        try:
            self._host.prepare()
        except SandboxFailed as error:
            log.warning("%s", error)
            return False
        return True

    def _refill(self, latest: float) -> None:
        now = time.monotonic()
        self._timer = None
        if now < latest and now - self._last_used() < _QUIET_SECONDS:
            self._timer = asyncio.get_running_loop().call_later(_QUIET_SECONDS, self._refill, latest)
        elif self._is_short and (self._park_one if len(self._parked) < self._most else self._prepare_one)():
            self.refill_later()
