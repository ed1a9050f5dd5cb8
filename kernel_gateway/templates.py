"""Templates that a client builds through the SDK: steps run in a sandbox, whose files are kept as a snapshot.

A step runs with no more rights than any cell has: there is no Docker image, and only what lies on the sandbox's disk,
with the packages that pip has installed, and in /tmp is kept. What is uploaded to be copied is unpacked inside the
sandbox, never here.
"""

from __future__ import annotations

import asyncio
import re
import shlex
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kernel_gateway import orders
from kernel_gateway.environments import DEFAULT_NAMES, UnknownEnvironment, environments
from kernel_gateway.errors import GatewayError, SandboxFailed
from kernel_gateway.record import Missing, Record
from kernel_gateway.sandboxes import Sandboxes
from kernel_gateway.snapshots import BadSnapshot, Snapshot, full_name
from kernel_gateway.steps import StepFailed, advice, base_of, check, last_line, whose
from kernel_gateway.wanted import BadRequest

_SECONDS = 3600  # for a whole build
_READY_SECONDS = 60.0
_REMEMBERED = 100  # builds
_PAGE = 100  # entries of the log
_MAX_SAID = 10_000  # entries that are kept
_HOME = "/home/user"
_ARCHIVE = "/tmp/.template-archive"
_MOST_ARCHIVES = 64
_HASH = re.compile(r"[0-9a-f]{16,128}")
_COPY = """
set -e; source=$1; target=$2; mode=$3
unpacked=$(mktemp -d); trap 'rm -rf "$unpacked" "$archive"' EXIT
tar -xf "$archive" -C "$unpacked" --no-same-owner
case $target in */|.) mkdir -p "$target";; *) mkdir -p "$(dirname "$target")";; esac
case $source in *[*?[]*) mkdir -p "$target";; esac
IFS=; shopt -s dotglob nullglob
for found in "$unpacked"/$source; do
    if [ -d "$found" ]; then mkdir -p "$target"; cp -a "$found"/. "$target"; else cp -a "$found" "$target"; fi
done
if [ -n "$mode" ]; then chmod -R "$mode" "$target"; fi
"""


@dataclass
class Build:
    """One build: `status` is waiting, building, ready or error."""

    name: str
    tags: list[str]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    begun: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    status: str = "waiting"
    log: list[dict[str, str]] = field(default_factory=list)
    reason: dict[str, Any] | None = None

    def say(self, text: str, level: str = "info") -> None:
        """Add to its log; a line each, since that is how clients show it."""
        for one in text.splitlines():
            if len(self.log) < _MAX_SAID:
                self.log.append({"timestamp": datetime.now(UTC).isoformat(), "message": one, "level": level})


@dataclass
class _Place:
    """Where a build's next step runs, as whom, and with which variables."""

    cwd: str = _HOME
    user: str = ""
    envs: dict[str, str] = field(default_factory=dict)


class Templates:
    """What clients build and name. A template is the snapshots of one name, one for each of its tags."""

    def __init__(self, sandboxes: Sandboxes) -> None:
        self._sandboxes = sandboxes
        self._builds: dict[str, Build] = {}
        self._archives: dict[tuple[str, str], Path] = {}  # by template and hash, the oldest first
        self._tasks: set[asyncio.Task[None]] = set()
        self._begun: set[str] = set()

    def request(self, body: dict[str, Any]) -> Build:
        """Begin a build by naming what it is to make; raises `BadRequest`."""
        name, tag = _split(body.get("name") or body.get("alias"))
        if name in DEFAULT_NAMES or any(one.name == name for one in environments(self._sandboxes.home)):
            raise BadRequest(f"{name!r} is the name of an environment of this host; choose another.")
        tags = [] if tag is None else [tag]
        tags += [_split(f"{name}:{one}")[1] or one for one in _texts(body.get("tags"), "tags")]
        build = Build(name, list(dict.fromkeys(tags)) or ["default"])
        self._builds[build.id] = build
        while len(self._builds) > _REMEMBERED:
            del self._builds[next(iter(self._builds))]
        return build

    def find(self, name: str, build: str) -> Build:
        """The build of this id; raises `UnknownEnvironment`."""
        found = self._builds.get(build)
        if found is None or found.name != name:
            raise UnknownEnvironment(f"There is no build {build} of a template {name!r}.")
        return found

    def builds(self, name: str) -> list[Build]:
        """The builds of a template that this gateway has begun and remembers."""
        return [build for build in self._builds.values() if build.name == name]

    def has(self, name: str, digest: str) -> bool:
        """Whether the files of this hash have been uploaded for a build of the template."""
        return (name, digest) in self._archives

    async def keep(self, name: str, digest: str, chunks: AsyncIterator[bytes]) -> None:
        """Take an upload; raises `BadRequest` for what is no hash, `BadSnapshot` for what is too large."""
        if not _HASH.fullmatch(digest):
            raise BadRequest(f"{digest!r} is not the hash of files.")
        path = await self._sandboxes.snapshots.hold(chunks, self._sandboxes.host.sizes.tmp)
        if older := self._archives.pop((name, digest), None):
            self._sandboxes.snapshots.let_go(older)
        self._archives[name, digest] = path
        while len(self._archives) > _MOST_ARCHIVES:
            self._let_go(next(iter(self._archives)))

    def start(self, build: Build, body: dict[str, Any]) -> None:
        """Run a build's steps; raises `BadRequest` for one that runs already."""
        if build.status != "waiting":
            raise BadRequest(f"The build {build.id} was started before; request a new one.")
        build.status = "building"
        task = asyncio.create_task(self._build(build, body))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def status(self, build: Build, offset: int) -> dict[str, Any]:
        """What the SDK asks for until a build is over: how it stands, and a page of its log."""
        page = build.log[offset : offset + _PAGE]
        told: dict[str, Any] = {
            "templateID": build.name,
            "buildID": build.id,
            "status": build.status,
            "logs": [one["message"] for one in page],
            "logEntries": page,
        }
        return told if build.reason is None else {**told, "reason": build.reason}

    def exists(self, name: str) -> bool:
        """Whether a sandbox can be made from it."""
        known = {one.name for one in environments(self._sandboxes.home)} | DEFAULT_NAMES
        return name in known or bool(self._of(name)) or self._sandboxes.snapshots.find(name) is not None

    def tags(self, name: str) -> list[dict[str, str]]:
        """The tags of a template; raises `UnknownEnvironment`."""
        if not self.exists(name):
            raise UnknownEnvironment(f"There is no template {name!r}.")
        return [{"tag": _tag(one), "buildID": one.build, "createdAt": one.taken} for one in self._of(name)]

    async def assign(self, target: str, tags: list[str]) -> dict[str, Any]:
        """Give a build more tags, which others lose; raises `UnknownEnvironment`."""
        name, _ = _split(target)
        found = next((one for one in self._of(name) if one.name == full_name(target)), None)
        if found is None:
            raise UnknownEnvironment(f"There is no template {target!r}.")
        new = [_split(tag if ":" in tag else f"{name}:{tag}")[1] or tag for tag in tags]
        for tag in new:
            if f"{name}:{tag}" != found.name:
                await self._sandboxes.snapshots.copy(found, f"{name}:{tag}")
        return {"tags": new, "buildID": found.build}

    def remove(self, name: str, tags: list[str]) -> None:
        """Take tags away; what has none left is gone. Raises `UnknownEnvironment` before it has taken any."""
        wanted = [tag.rpartition(":")[2] for tag in tags]
        known = {_tag(one): one for one in self._of(_split(name)[0])}
        for tag in wanted:
            if tag not in known:
                raise UnknownEnvironment(
                    f"The template {name!r} has no tag {tag!r}; it has {', '.join(known) or 'none'}."
                )
        for tag in wanted:
            self._sandboxes.snapshots.delete(known[tag])

    def delete(self, name: str) -> bool:
        """Remove a template with all its tags; whether there was one."""
        found = self._of(name)
        for one in found:
            self._sandboxes.snapshots.delete(one)
        return bool(found)

    async def begin(self, record: Record) -> None:
        """Start in a new sandbox what its template wants to run there; one that does not become ready is ended.

        Raises `SandboxFailed`.
        """
        found = self._sandboxes.snapshots.find(record.template)
        if found is None or not (found.start or found.ready) or record.id in self._begun:
            return  # the same sandbox may be handed out twice, to somebody who repeats a request
        self._begun = {one.id for one in self._sandboxes if one.id in self._begun} | {record.id}
        try:
            await orders.begin(record.sandbox.address, found.start, found.ready, record.wanted.envs, _READY_SECONDS)
        except SandboxFailed:
            self._sandboxes.kill(record)
            raise

    def _of(self, name: str) -> list[Snapshot]:
        return [one for one in self._sandboxes.snapshots.all() if one.build and (one.name or "").startswith(f"{name}:")]

    async def _build(self, build: Build, body: dict[str, Any]) -> None:
        try:
            await self._run(build, body)
            build.say("Build finished")
            build.status = "ready"
        except StepFailed as failed:
            _fail(build, str(failed), failed.step)
        finally:
            if build.status == "building":  # the client, which waits, hears of whatever else went wrong, too
                _fail(build, "The build was stopped by an error of the gateway's own; its log tells which.", "base")
            others = {one.name for one in self._builds.values() if one.status in ("waiting", "building")}
            for key in [key for key in self._archives if key[0] == build.name and build.name not in others]:
                self._let_go(key)

    def _let_go(self, key: tuple[str, str]) -> None:
        self._sandboxes.snapshots.let_go(self._archives.pop(key))

    async def _run(self, build: Build, body: dict[str, Any]) -> None:
        base = base_of(body)
        build.say(f"FROM {base}")
        try:
            record = await self._sandboxes.create(
                {"templateID": base, "timeout": _SECONDS, "metadata": {"template": build.name, "build": build.id}}, None
            )
        except (GatewayError, BadRequest) as why:
            raise StepFailed("base", str(why)) from None
        try:
            place = _Place(envs=dict(record.wanted.envs))
            for number, step in enumerate(body.get("steps") or [], 1):
                await self._step(build, record, place, str(number), step)
            below = self._sandboxes.snapshots.find(base)
            start, ready = (below.start, below.ready) if below is not None else ("", "")
            await self._finish(
                build, record, place, str(body.get("startCmd") or start), str(body.get("readyCmd") or ready)
            )
        finally:
            if any(one is record for one in self._sandboxes):
                self._sandboxes.kill(record)

    async def _finish(self, build: Build, record: Record, place: _Place, start: str, ready: str) -> None:
        address, snapshots = record.sandbox.address, self._sandboxes.snapshots
        try:
            async with record.busy:
                first = await snapshots.take(
                    address,
                    record.id,
                    record.environment,
                    place.envs,
                    record.attach,
                    f"{build.name}:{build.tags[0]}",
                    build=build.id,
                    start=start,
                    ready=ready,
                )
            for tag in build.tags[1:]:
                await snapshots.copy(first, f"{build.name}:{tag}")
            if start or ready:
                build.say("Trying its start command")
                await orders.begin(address, start, ready, place.envs, _READY_SECONDS)
        except (GatewayError, Missing) as why:
            for one in [one for one in snapshots.all() if one.build == build.id]:
                snapshots.delete(one)
            raise StepFailed("finalize", str(why)) from None

    async def _step(self, build: Build, record: Record, place: _Place, number: str, step: Any) -> None:
        try:
            kind, args = str(step["type"]), _texts(step.get("args"), "args")
            build.say(f"Step {number}: {kind} {' '.join(args)}")
            match kind, args:
                case "RUN", [command, *named]:
                    check(number, command)
                    user = whose(number, *named) if named else place.user
                    await self._command(build, record, place, number, command, user)
                case "COPY", [source, target, *rest]:
                    await self._copy(build, record, place, number, step, source, target, *rest)
                case "ENV", _:
                    place.envs.update(zip(args[::2], args[1::2], strict=True))
                case "WORKDIR", [folder]:
                    await self._command(build, record, place, number, f"mkdir -p {shlex.quote(folder)}")
                    place.cwd = folder if folder.startswith("/") else f"{place.cwd}/{folder}"
                case "USER", [user]:
                    place.user = whose(number, user)
                case _:
                    raise StepFailed(number, f"{kind} is no step that this host knows: RUN, COPY, ENV, WORKDIR, USER.")
        except (TypeError, KeyError, ValueError, BadRequest) as error:
            raise StepFailed(number, f"Step {number} cannot be read: {error}") from None
        except SandboxFailed as failed:
            raise StepFailed(number, f"Step {number}: {failed}") from None

    async def _command(
        self, build: Build, record: Record, place: _Place, number: str, command: str, user: str = ""
    ) -> None:
        last = unfinished = ""

        def tell(text: str) -> None:
            nonlocal last, unfinished
            last = (last + text)[-2000:]
            whole, newline, unfinished = (unfinished + text).rpartition("\n")
            build.say(whole + newline)

        left = record.deadline - time.monotonic()
        left = max(left, 1.0)
        status = await orders.run(record.sandbox.address, command, place.envs, place.cwd, left, tell, user)
        build.say(unfinished)
        if status:
            why = f"failed to run command {command!r}: exit status {status}. {last_line(last)}{advice(command, last)}"
            raise StepFailed(number, why)

    async def _copy(
        self,
        build: Build,
        record: Record,
        place: _Place,
        number: str,
        step: dict[str, Any],
        source: str,
        target: str,
        user: str = "",
        mode: str = "",
    ) -> None:
        whose(number, user)
        archive = self._archives.get((build.name, str(step.get("filesHash"))))
        if archive is None:
            raise StepFailed(
                number,
                f"The files of {source!r} were not uploaded, or too many others since; build once more.",
            )
        await orders.upload(record.sandbox.address, _ARCHIVE, archive)
        words = " ".join(map(shlex.quote, (source, target, mode)))
        await self._command(build, record, place, number, f"archive={_ARCHIVE}; set -- {words}\n{_COPY}")


def _fail(build: Build, why: str, step: str) -> None:
    build.say(why, "error")
    build.reason = {"message": why, "step": step, "logEntries": []}
    build.status = "error"


def _split(name: Any) -> tuple[str, str | None]:
    """A template's name and its tag, if it has one; raises `BadRequest`."""
    if not isinstance(name, str):
        raise BadRequest("A template needs a name.")
    try:
        full_name(name)
    except BadSnapshot:
        raise BadRequest(
            f"A template cannot be named {name!r}: use up to 63 of a-z, 0-9, - and _, and perhaps a colon and a tag."
        ) from None
    base, colon, tag = name.partition(":")
    return base, tag if colon else None


def _texts(value: Any, name: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise BadRequest(f"{name} must be a list of strings.")
    return list(value)


def _tag(snapshot: Snapshot) -> str:
    return (snapshot.name or "").partition(":")[2]
