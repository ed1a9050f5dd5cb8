"""The package index that sandboxes see: this machine's own, read-only, wheels only, by way of the gateway.

A sandbox has no network. Its pip and uv are told of an index on the port of the way out (`inside/outlet.py`), and what
they ask for there is answered here, out of a cache. They resolve and unpack by themselves, inside; outside nothing of a
package is opened, let alone run. What may be asked for is a name, and a file of those that were listed for the name: no
address ever comes from a sandbox. See PEP 503 and PEP 691.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import quote

from kernel_gateway.inside.outlet import PORT
from kernel_gateway.wheels import NoPackages, Wheel, Wheels

_URL = f"http://127.0.0.1:{PORT}"
_CONSTRAINTS = "/constraints.txt"
_SIMPLE = "application/vnd.pypi.simple.v1+json"
_FRESH_SECONDS = 600.0  # a list of files is as old at most
_REACHED_SECONDS = 30.0
_MOST_LISTS = 256
_PAGE = re.compile(r"/simple/([A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?)/?")
_FILE = re.compile(r"/files/([a-z0-9-]{1,128})/([0-9a-f]{64})/([A-Za-z0-9._+!%-]{1,255})")
_REFUSED = (
    "Packages cannot be installed in sandboxes of this gateway; start it with --allow-packages (GRISTMILL_PACKAGES=1)."
)

PIP_CONF = f"""\
[global]
index-url = {_URL}/simple/
constraint = {_URL}{_CONSTRAINTS}
only-binary = :all:
timeout = 120
retries = 1
no-cache-dir = yes
no-input = true
no-color = true
disable-pip-version-check = true
root-user-action = ignore
break-system-packages = true

[install]
no-compile = no
no-warn-conflicts = no
"""
UV_TOML = f"""\
no-build = true
no-cache = true
compile-bytecode = false
link-mode = "copy"
python-downloads = "never"

[[index]]
url = "{_URL}/simple/"
default = true
"""
UV_VARIABLES = {"UV_CONSTRAINT": f"{_URL}{_CONSTRAINTS}", "UV_HTTP_TIMEOUT": "120"}


class NotOffered(Exception):
    """There is no such thing at this index; `status` is HTTP's, the message a sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Offer:
    """An answer: its content type, its bytes, and how many they are where that is known."""

    kind: str
    size: int | None
    body: AsyncIterator[bytes]


@dataclass(frozen=True)
class _List:
    wheels: dict[str, Wheel]
    body: bytes
    taken: float


class Packages:
    """What sandboxes of this gateway may install. Without `wheels` that is nothing, and they are told so."""

    def __init__(self, wheels: Wheels | None) -> None:
        self._wheels = wheels
        self._lists: dict[str, _List] = {}

    async def answer(self, path: str) -> Offer:
        """Answer a request for `path`; raises `NotOffered`."""
        if self._wheels is None:
            raise NotOffered(403, _REFUSED)
        try:
            if path == _CONSTRAINTS:
                await self._list(self._wheels, "pip", _REACHED_SECONDS)  # tells whether there is an index at all
                return _whole("text/plain", _constraints().encode())
            if found := _PAGE.fullmatch(path):
                listed = await self._list(self._wheels, _normal(found[1]))
                if not listed.wheels:
                    raise NotOffered(404, f"The package index has no wheel of {found[1]} for this machine.")
                return _whole(_SIMPLE, listed.body)
            if found := _FILE.fullmatch(path):
                wheel = await self._file(self._wheels, found[1], found[2], found[3])
                return Offer("application/octet-stream", *await self._wheels.open(wheel))
        except NoPackages as why:
            # 424, since pip tries again for a minute after what is the server's own fault
            raise NotOffered(424, str(why)) from None
        raise NotOffered(404, "The package index of a sandbox has /simple/NAME/ and the files that are listed there.")

    async def close(self) -> None:
        """End what is under way."""
        if self._wheels is not None:
            await self._wheels.close()

    async def _list(self, wheels: Wheels, name: str, fresh: float = _FRESH_SECONDS) -> _List:
        known = self._lists.pop(name, None)
        if known is None or time.monotonic() - known.taken > fresh:
            known = _listed(name, await wheels.list(name))
        self._lists[name] = known  # the last is the one used last
        while len(self._lists) > _MOST_LISTS:
            del self._lists[next(iter(self._lists))]
        return known

    async def _file(self, wheels: Wheels, name: str, key: str, filename: str) -> Wheel:
        wheel = (await self._list(wheels, name)).wheels.get(key)
        if wheel is not None and filename == wheel.filename:
            return wheel
        if wheel is not None and filename == f"{wheel.filename}.metadata" and wheel.facts["core-metadata"]:
            return wheel.metadata()
        raise NotOffered(404, f"The package index lists no such file of {name}; try again.")


def _listed(name: str, wheels: list[Wheel]) -> _List:
    files = [
        {
            **wheel.facts,
            "dist-info-metadata": wheel.facts["core-metadata"],  # as pip before 23.3 calls it
            "url": f"/files/{name}/{wheel.key}/{quote(wheel.filename)}",
        }
        for wheel in wheels
    ]
    body = json.dumps({"meta": {"api-version": "1.0"}, "name": name, "files": files}).encode()
    return _List({wheel.key: wheel for wheel in wheels}, body, time.monotonic())


def _whole(kind: str, data: bytes) -> Offer:
    async def once() -> AsyncIterator[bytes]:
        yield data

    return Offer(kind, len(data), once())


def _constraints() -> str:
    """The versions of what the service in a sandbox runs with, which nothing that is installed there may change."""
    from kernel_gateway.build import pins

    return "".join(f"{name}=={version}\n" for name, version in pins().items())


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
