"""Where a running server is: `server.json` in the data folder, which only its owner can read."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path

from artifacts.types import now

TOKEN = re.compile(r"[\w.~-]{16,}", re.ASCII)
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
    _write_private(home / "server.json", json.dumps(asdict(server), indent=1))


def remove(home: Path) -> None:
    """Take the address away, if it is this process's."""
    server = read(home)
    if server is not None and server.pid == os.getpid():
        (home / "server.json").unlink(missing_ok=True)
        (home / "open.html").unlink(missing_ok=True)


def token(home: Path, *, new: bool = False) -> str:
    """The token of this data folder's servers, kept in it so that open pages find their way back; made where there is
    none, or a `new` one is wanted."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = home / "token"
    try:
        kept = "" if new else path.read_text().strip()
    except OSError:
        kept = ""
    if not TOKEN.fullmatch(kept):
        kept = secrets.token_urlsafe(24)
        _write_private(path, kept)
    return kept


def open_browser(home: Path, server: Server) -> bool:
    """Open a server in a browser; returns whether there was one to open.

    The browser is given a file that leads there: what stands on its command line every user of the machine can read.
    """
    import webbrowser

    page = home / "open.html"
    _write_private(
        page,
        '<!doctype html><meta charset="utf-8"><title>Gristmill</title>'
        f'<meta http-equiv="refresh" content="0; url={server.link}"><a href="{server.link}">Open the dashboard</a>\n',
    )
    return webbrowser.open(page.as_uri())


def _write_private(path: Path, text: str) -> None:
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


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


def alive(pid: int) -> bool:
    """Whether there is a process of this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def answers(server: Server) -> bool:
    """Whether the server that a file names is there and takes its token."""
    if not alive(server.pid):
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
