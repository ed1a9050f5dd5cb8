"""The list of templates as the wire shows it: environments of this host, and what clients have built."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kernel_gateway.environments import DEFAULT_NAMES, UnknownEnvironment, environments
from kernel_gateway.inside.journal import LEVELS
from kernel_gateway.query import Query, first, number
from kernel_gateway.sandboxes import ENVD_VERSION, TEMPLATE, Sandboxes
from kernel_gateway.templates import Build, Templates

_MIB = 1 << 20


@dataclass(frozen=True)
class Entry:
    """One template: its name, and its builds, newest first. `made` is when the newest one was."""

    name: str
    made: datetime
    builds: tuple[dict[str, Any], ...]
    aliases: tuple[str, ...] = ()


class Catalogue:
    """All templates of one gateway."""

    def __init__(self, sandboxes: Sandboxes, templates: Templates) -> None:
        self._sandboxes, self._templates = sandboxes, templates

    def entries(self) -> list[Entry]:
        """Every template that a sandbox can be made from, newest first."""
        ours = [self._default()]
        for one in environments(self._sandboxes.home):
            ours.append(self._entry(one.name, [_build(_identity(one.digest), "ready", one.built)]))
        named = dict.fromkeys(
            (one.name or "").partition(":")[0] for one in self._sandboxes.snapshots.all() if one.build
        )
        ours += [self._entry(name, self._builds(name)) for name in named]
        return sorted(ours, key=lambda one: (one.made, one.name), reverse=True)

    def find(self, name: str) -> Entry:
        """The template of this name, also one whose first build is under way; raises `UnknownEnvironment`."""
        for one in self.entries():
            if name == one.name or name in one.aliases:
                return one
        if builds := self._builds(name):
            return self._entry(name, builds)
        raise UnknownEnvironment(f"There is no template {name!r}.")

    def show(self, entry: Entry) -> dict[str, Any]:
        """A template in the wire's shape. Nobody is counted or named: this host has one owner."""
        newest = entry.builds[0]
        return {
            "templateID": entry.name,
            "buildID": newest["buildID"],
            **self._sizes(),
            "public": False,
            "aliases": [entry.name, *entry.aliases],
            "names": [entry.name, *entry.aliases],
            "createdAt": entry.builds[-1]["createdAt"],
            "updatedAt": newest["updatedAt"],
            "createdBy": None,
            "lastSpawnedAt": None,
            "spawnCount": 0,
            "buildCount": len(entry.builds),
            "envdVersion": ENVD_VERSION,
            "buildStatus": newest["status"],
        }

    def show_builds(self, builds: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Builds in the wire's shape."""
        return [{**build, **self._sizes(), "envdVersion": ENVD_VERSION} for build in builds]

    def _sizes(self) -> dict[str, int]:
        sizes = self._sandboxes.host.sizes
        return {
            "cpuCount": os.cpu_count() or 1,
            "memoryMB": sizes.memory // _MIB,
            "diskSizeMB": sizes.home // _MIB,
        }

    def _default(self) -> Entry:
        made = datetime.fromtimestamp(Path(__file__).stat().st_mtime, UTC).isoformat()
        aliases = tuple(sorted(DEFAULT_NAMES - {TEMPLATE}))
        return self._entry(TEMPLATE, [_build(_identity(TEMPLATE), "ready", made)], aliases)

    def _entry(self, name: str, builds: list[dict[str, Any]], aliases: tuple[str, ...] = ()) -> Entry:
        return Entry(name, datetime.fromisoformat(builds[0]["updatedAt"]), tuple(builds), aliases)

    def _builds(self, name: str) -> list[dict[str, Any]]:
        """A template's builds, newest first: those that are kept, and those that this gateway remembers."""
        kept = [one for one in self._sandboxes.snapshots.all() if one.build and (one.name or "").startswith(f"{name}:")]
        found = {one.build: _build(one.build, "ready", one.taken) for one in kept}
        for build in self._templates.builds(name):
            if build.status != "ready":  # those that are and are not kept were deleted, or replaced
                found.setdefault(build.id, _build(build.id, build.status, build.begun))
        return sorted(found.values(), key=lambda build: (build["createdAt"], build["buildID"]), reverse=True)


def _build(name: str, status: str, moment: str) -> dict[str, Any]:
    finished = {"finishedAt": moment} if status in ("ready", "error") else {}
    return {"buildID": name, "status": status, "createdAt": moment, "updatedAt": moment, **finished}


def _identity(name: str) -> str:
    """A build's id for what no client has built: the same for the same contents."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"gristmill:{name}"))


def build_log(build: Build, query: Query) -> dict[str, Any]:
    """A page of a build's log, from a moment on or back from it; a cursor is in milliseconds since 1970."""
    cursor, backward = number(query, "cursor", 0), first(query, "direction") == "backward"
    least = LEVELS.index(level) if (level := first(query, "level")) in LEVELS else 0
    found = [one for one in build.log if LEVELS.index(one["level"]) >= least]
    moments = [(datetime.fromisoformat(one["timestamp"]).timestamp() * 1000, one) for one in found]
    if backward:
        found = [one for moment, one in reversed(moments) if not cursor or moment <= cursor]
    else:
        found = [one for moment, one in moments if moment >= cursor]
    return {"logs": found[: number(query, "limit", 100)]}
