"""What a shell offers for an argument: ids of runs, artifacts and schedules, templates, environments.

A shell waits for it at a keystroke, so nothing here opens the data folder, which one process at a time can do: ids come
from the running server, and without one there is `last`.
"""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    import click

    from gristmill.settings import Settings

PATIENCE = 2.0  # seconds for the server to answer
MANY = 100  # ids that are looked through


def runs(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """`last`, and the newest runs."""
    found = [("last", "the newest run")]
    found += [(r["id"], f"{r['status']}: {r['goal']}") for r in _asked(f"/api/runs?limit={MANY}", "runs")]
    return _items(found, incomplete)


def artifacts(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The newest artifacts."""
    found = _asked(f"/api/artifacts?limit={MANY}", "artifacts")
    return _items([(a["id"], f"{a['role']}: {a['name']}") for a in found], incomplete)


def either(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """A run or an artifact."""
    return runs(context, parameter, incomplete) + artifacts(context, parameter, incomplete)


def schedules(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The schedules."""
    found = [s["schedule"] for s in _asked("/api/schedules", "schedules")]
    return _items([(s["id"], f"{s['cron']}: {s['goal'] or s['template']}") for s in found], incomplete)


def notebooks(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The templates by name, then files."""
    from importlib import resources

    settings = _settings()
    ours = resources.files("notebooks") / "templates"
    names = {f.name for f in ours.iterdir()} | {f.name for f in settings.templates.glob("*.ipynb")}
    found = _items([(n.removesuffix(".ipynb"), "") for n in sorted(names) if n.endswith(".ipynb")], incomplete)
    return found or [CompletionItem(incomplete, type="file")]


def environments(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The environments that `gristmill template build` made."""
    folder = _settings().home / "environments"
    links = folder.iterdir() if folder.is_dir() else ()
    return _items([(f.name, "") for f in sorted(links) if not f.name.startswith(".")], incomplete)


def _settings() -> Settings:
    from gristmill.settings import load

    return load()


def _asked(path: str, what: str) -> list[dict[str, Any]]:
    """What the running server answers; nothing where there is none, or it has no time."""
    from gristmill import discovery

    server = discovery.read(_settings().home)
    if server is None or not discovery.alive(server.pid):
        return []
    request = urllib.request.Request(server.url + path, headers={"Authorization": f"Bearer {server.token}"})
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy cannot know this loopback
    try:
        with direct.open(request, timeout=PATIENCE) as reply:
            found: list[dict[str, Any]] = json.load(reply)[what]
            return found
    except (OSError, ValueError, KeyError):
        return []


def _items(found: list[tuple[str, str]], incomplete: str) -> list[CompletionItem]:
    """Those that begin so. What they are told by is text from anywhere: one line of it, with nothing that acts."""
    return [
        CompletionItem(value, help="".join(c if c.isprintable() else " " for c in told)[:60] or None)
        for value, told in found
        if value.startswith(incomplete)
    ]
