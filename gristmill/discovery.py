"""Where a running server is: `server.json` in the data folder, readable by its owner only."""

from __future__ import annotations

import asyncio
import json
import os
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path

from artifacts.types import now

ANSWER_WITHIN = 30.0  # seconds; a port where nobody listens says so at once, and a busy machine's server is waited for


@dataclass(frozen=True)
class Server:
    """A running server: its address, its token and its process."""

    url: str
    token: str
    pid: int
    started_at: str = ""

    @property
    def link(self) -> str:
        """The address with the token, to be opened in a browser."""
        return f"{self.url}/?token={self.token}"


def write(home: Path, url: str, token: str) -> None:
    """Say where this process serves. The file appears whole or not at all, and never to others."""
    server = Server(url, token, os.getpid(), now().isoformat(timespec="seconds"))
    fresh = home / f"server.json.{os.getpid()}"
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(server), file, indent=1)
    fresh.replace(home / "server.json")


def remove(home: Path) -> None:
    """Take the address away, if it is this process's."""
    server = read(home)
    if server is not None and server.pid == os.getpid():
        (home / "server.json").unlink(missing_ok=True)


def read(home: Path) -> Server | None:
    """What the file says; None when there is none or it makes no sense."""
    try:
        return Server(**json.loads((home / "server.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None


async def find_server(home: Path) -> Server | None:
    """The server of this data folder, if it answers. A file left behind by a killed one is not believed."""
    server = read(home)
    return server if server is not None and await asyncio.to_thread(answers, server) else None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def answers(server: Server) -> bool:
    """Whether the server that a file names is there and takes its token."""
    if not _alive(server.pid):
        return False
    request = urllib.request.Request(f"{server.url}/api/health", headers={"Authorization": f"Bearer {server.token}"})
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy cannot know this loopback
    try:
        with direct.open(request, timeout=ANSWER_WITHIN) as reply:
            return bool(reply.status == 200)
    except urllib.error.HTTPError as error:
        return error.code == 503  # it is there, and says itself what ails it
    except (urllib.error.URLError, OSError):
        return False
