"""What the gateway keeps of one sandbox."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from weakref import WeakSet

from kernel_gateway.logs import Log
from kernel_gateway.proxy import Exit
from kernel_gateway.sandbox import Sandbox
from kernel_gateway.snapshots import Snapshot
from kernel_gateway.volumes import Hold
from kernel_gateway.wanted import Wanted

_JITTER = timedelta(milliseconds=50)  # by which two looks at the same end may differ without it having been moved


class Missing(Exception):
    """No sandbox has this id."""


@dataclass
class Record:
    """One sandbox as the control plane shows it, and the running thing itself.

    `template` is what its creator named, a snapshot perhaps, and `environment` what its files lie over.
    """

    id: str
    template: str
    environment: str
    sandbox: Sandbox
    wanted: Wanted
    hold: Hold
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    traffic_token: str = field(default_factory=lambda: secrets.token_hex(16))
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    deadline: float = 0.0  # on the monotonic clock: a jump of the wall clock ends no sandbox
    shown: datetime | None = None  # the same on the wall clock, as it was last said
    timer: asyncio.TimerHandle | None = None
    paused: bool = False
    files: Snapshot | None = None  # all that is left of a sandbox that was paused without its memory
    exit: Exit | None = None
    log: Log = field(default_factory=Log)
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)  # held while it is copied or started again
    connections: WeakSet[asyncio.WriteTransport] = field(default_factory=WeakSet)

    @property
    def seconds(self) -> int:
        """How long it lives when a request to it has resumed it."""
        return self.wanted.seconds

    @property
    def auto_resume(self) -> bool:
        """Whether a request to it resumes it; there is nothing to resume without its memory."""
        return self.wanted.auto_resume and self.files is None

    @property
    def public(self) -> bool:
        """Whether what it serves on ports of its own needs no token."""
        return self.wanted.public

    @property
    def host_mask(self) -> str | None:
        """What such a server is told as Host."""
        return self.wanted.host_mask

    @property
    def https_ports(self) -> frozenset[int]:
        """The ports whose servers speak TLS."""
        return self.wanted.https_ports

    def attach(self, connection: asyncio.WriteTransport) -> None:
        """Remember a connection with its service, which a pause cuts: a stopped service would leave it hanging."""
        if self.paused:
            connection.abort()
        else:
            self.connections.add(connection)

    @property
    def ends(self) -> datetime:
        """When it will be ended, on the wall clock as it now runs."""
        moment = datetime.now(UTC) + timedelta(seconds=self.deadline - time.monotonic())
        if self.shown is None or abs(moment - self.shown) > _JITTER:
            self.shown = moment
        return self.shown
