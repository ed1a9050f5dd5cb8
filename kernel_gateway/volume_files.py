"""A volume's files for whoever has no sandbox with it: served by a keeper, a sandbox that has the volume and no user.

So nothing in a volume is ever opened by the host, whatever a sandbox has put there.
"""

from __future__ import annotations

import asyncio
import functools
import hmac
import secrets
from dataclasses import dataclass

from kernel_gateway.host import Host
from kernel_gateway.inside.http import Receive, Refused, Scope, Send, header
from kernel_gateway.inside.volume import MOUNT, PREFIX
from kernel_gateway.relay import Lost, relay
from kernel_gateway.sandbox import Sandbox
from kernel_gateway.sandboxes import TEMPLATE
from kernel_gateway.volumes import Hold, UnknownVolume, Volume, Volumes

_IDLE_SECONDS = 30.0
_KINDS = ("dir", "file", "path")


@dataclass
class _Keeper:
    """A keeper, how many requests it has, and what ends it when it has had none for a while."""

    sandbox: Sandbox
    hold: Hold
    requests: int = 0
    timer: asyncio.TimerHandle | None = None
    why: str = ""  # it was ended


class VolumeFiles:
    """The files of all volumes."""

    def __init__(self, host: Host, volumes: Volumes) -> None:
        self._host, self._volumes = host, volumes
        self._keepers: dict[str, _Keeper] = {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer `/volumecontent/{id}/{kind}`, where the volume's token is the bearer's; raises `Refused`."""
        parts = scope["path"].split("/")[2:]
        volume = self._admitted(scope, parts[0] if parts else "")
        if len(parts) != 2 or parts[1] not in _KINDS:
            raise Refused(404, f"{scope['path']} is not a path of a volume's content.")
        if scope["method"] in ("PUT", "POST"):
            await self._check_room(volume, scope)
        keeper = self._keeper(volume)
        keeper.requests += 1
        onward = {**scope, "raw_path": f"{PREFIX}{parts[1]}".encode(), "headers": _without_token(scope)}
        try:
            await relay(keeper.sandbox.address, onward, receive, send)
        except Lost as lost:
            if not lost.started:
                why = keeper.why or "The volume's keeper ended; ask again."
                raise Refused(507 if keeper.why else 502, why) from None
        finally:
            keeper.requests -= 1
            self._end_later(volume, keeper)

    def let_go(self, volume: Volume) -> None:
        """End the keeper of a volume, if it has one."""
        if (keeper := self._keepers.pop(volume.id, None)) is not None:
            keeper.sandbox.kill()
            keeper.hold.release()

    async def close(self) -> None:
        """End all keepers."""
        ending = [keeper.sandbox for keeper in self._keepers.values()]
        for sandbox in ending:
            sandbox.kill()
        await asyncio.gather(*(sandbox.ended.wait() for sandbox in ending))

    def _admitted(self, scope: Scope, volume_id: str) -> Volume:
        """The volume that is asked for by somebody who has its token; who has not hears nothing of it."""
        given = (header(scope, b"authorization") or "").removeprefix("Bearer ")
        try:
            volume = self._volumes.find(volume_id)
        except UnknownVolume:
            volume = None
        if volume is None or not hmac.compare_digest(given.encode(), volume.token.encode()):
            raise Refused(401, "The volume's token is missing or wrong; Volume.connect(id) asks for it.")
        return volume

    async def _check_room(self, volume: Volume, scope: Scope) -> None:
        length = header(scope, b"content-length") or "0"
        usage = await self._volumes.count(volume)
        if usage.size + (int(length) if length.isascii() and length.isdigit() else 0) > self._volumes.quota:
            raise Refused(
                507,
                f"The volume {volume.name!r} holds {usage.size >> 20} of {self._volumes.quota >> 20} MiB, "
                "which leaves no room for this; remove files first.",
            )

    def _keeper(self, volume: Volume) -> _Keeper:
        keeper = self._keepers.get(volume.id)
        if keeper is None or keeper.sandbox.ended.is_set():
            mounts = [(self._volumes.folder(volume), MOUNT)]
            sandbox = self._host.launch("v" + secrets.token_hex(10), TEMPLATE, None, mounts)
            keeper = _Keeper(sandbox, Hold(self._volumes, [volume]))
            self._keepers[volume.id] = keeper
            keeper.hold.end = functools.partial(_end, keeper)
            sandbox.on_end = keeper.hold.release
        if keeper.timer is not None:
            keeper.timer.cancel()
        return keeper

    def _end_later(self, volume: Volume, keeper: _Keeper) -> None:
        if keeper.requests == 0 and self._keepers.get(volume.id) is keeper:
            keeper.timer = asyncio.get_running_loop().call_later(_IDLE_SECONDS, self.let_go, volume)


def _end(keeper: _Keeper, why: str) -> None:
    keeper.why = why
    keeper.sandbox.kill()


def _without_token(scope: Scope) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in scope["headers"] if name not in (b"authorization", b"e2b-sandbox-port")]
