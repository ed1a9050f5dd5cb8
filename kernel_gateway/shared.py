"""The files of a volume for this process: whole files by their path, through E2B's own client."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kernel_gateway.client import Host, connection
from kernel_gateway.errors import GatewayUnavailable, SandboxFailed

if TYPE_CHECKING:
    from e2b import AsyncVolume

DEPTH = 8
"""Folders below a volume's root that are looked into."""


class NoVolumes(SandboxFailed):
    """This host keeps no volumes."""


class Shared:
    """A volume's files. Paths are relative to its root. Every method raises GatewayError where the host refuses."""

    def __init__(self, host: Host, volume: AsyncVolume) -> None:
        self._volume = volume
        self._at: dict[str, Any] = {"api_url": host.api_url} if host.api_url else {}
        self.id = volume.volume_id

    async def files(self) -> dict[str, int]:
        """The size in bytes of each regular file, by path."""
        with _refusals():
            entries = await self._volume.list("/", depth=DEPTH, **self._at)
        return {e.path.lstrip("/"): e.size for e in entries if e.type is not None and e.type.value == "file"}

    async def read(self, path: str) -> bytes | None:
        """The bytes of a file; None where there is none."""
        from e2b.exceptions import NotFoundException

        with _refusals():
            try:
                return bytes(await self._volume.read_file(f"/{path}", format="bytes", **self._at))
            except NotFoundException:
                return None

    async def write(self, path: str, data: bytes) -> None:
        """Write a file whole, over one that may be there."""
        with _refusals():
            if folder := path.rpartition("/")[0]:
                await self._volume.make_dir(f"/{folder}", force=True, **self._at)
            await self._volume.write_file(f"/{path}", data, force=True, **self._at)

    async def remove(self, path: str) -> None:
        """Remove a file or a folder; nothing where there is none."""
        from e2b.exceptions import NotFoundException

        with _refusals(), contextlib.suppress(NotFoundException):
            await self._volume.remove(f"/{path}", **self._at)


async def shared(host: Host, name: str, *, make: bool = False) -> Shared | None:
    """The volume of this name; None where there is none, unless it is to be made.

    Raises NoVolumes, and GatewayError where the host refuses.
    """
    from e2b import AsyncVolume

    if host.isolation == "none":
        raise NoVolumes("Files are kept in a volume, and without isolation there are none: leave out --isolation none.")
    with _refusals():
        known = await AsyncVolume.list(**_control(host))
        found = next((v.volume_id for v in known if v.name == name), None)
        if found is not None:
            return Shared(host, await AsyncVolume.connect(found, **_control(host)))
        return Shared(host, await AsyncVolume.create(name, **_control(host))) if make else None


async def destroy(host: Host, volume: Shared) -> None:
    """Destroy a volume, for good. Raises SandboxFailed while a sandbox has it."""
    from e2b import AsyncVolume

    with _refusals():
        await AsyncVolume.destroy(volume.id, **_control(host))


def _control(host: Host) -> dict[str, Any]:
    return {name: value for name, value in connection(host).items() if name != "sandbox_url"}


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    import httpx
    from e2b.exceptions import SandboxException, VolumeException

    try:
        yield
    except (VolumeException, SandboxException) as error:
        raise SandboxFailed(f"The volume cannot be used: {error}") from error
    except httpx.TransportError as error:
        raise GatewayUnavailable(f"The host of the volume cannot be reached: {error}") from error
