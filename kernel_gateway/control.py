"""E2B's control plane: create, list, look at, extend and end sandboxes.

Statuses and field names are the wire's: the SDK fails on a 200 where it expects 201, and on any field that is missing.
"""

from __future__ import annotations

import hmac
import os
import secrets
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from kernel_gateway.catalogue import Catalogue, build_log
from kernel_gateway.environments import DEFAULT_NAMES, BrokenEnvironment, UnknownEnvironment
from kernel_gateway.errors import SandboxFailed
from kernel_gateway.inside.http import (
    Headers,
    Receive,
    Refused,
    Scope,
    Send,
    body_chunks,
    header,
    read_json,
    respond,
    respond_json,
)
from kernel_gateway.logs import answer, first_answer
from kernel_gateway.measuring import NEVER, newest, samples
from kernel_gateway.query import first, listed, now, number, part, query_of, time
from kernel_gateway.record import Missing, Record
from kernel_gateway.sandboxes import ENVD_VERSION, Sandboxes
from kernel_gateway.snapshots import BadSnapshot, Snapshot, full_name
from kernel_gateway.templates import Build, Templates
from kernel_gateway.volume_files import VolumeFiles
from kernel_gateway.volumes import UnknownVolume, Volume
from kernel_gateway.wanted import BadRequest, Conflict, check_network, check_seconds

_CLIENT = "local"
_MIB = 1 << 20
_MOST_FORKS = 20
_FORK_SECONDS = 15  # as E2B has it
_INGRESS = ("allowPublicTraffic", "maskRequestHost", "httpsPorts")  # of `network`, what an update leaves as it is
_NO_SECRETS = "This host keeps no secrets: give a sandbox what it may know by `envs`."
_UPLOAD_SECONDS = 3600  # for which the address of an upload holds


class Control:
    """Answers requests whose API key the router has checked."""

    def __init__(self, sandboxes: Sandboxes, files: VolumeFiles) -> None:
        self._sandboxes, self._templates, self._files = sandboxes, Templates(sandboxes), files
        self._catalogue = Catalogue(sandboxes, self._templates)
        self._secret = secrets.token_bytes(32)

    def admits(self, scope: Scope) -> bool:
        """Whether a request needs no key, since it is an upload to an address that we have signed."""
        parts = scope["path"].strip("/").split("/")
        if scope["method"] != "PUT" or len(parts) != 4 or (parts[0], parts[2]) != ("templates", "files"):
            return False
        query = query_of(scope)
        until = number(query, "until", 0)
        expected = self._signature(parts[1], parts[3], until)
        return until >= now() and hmac.compare_digest(first(query, "signature").encode(), expected.encode())

    def _signature(self, name: str, digest: str, until: int) -> str:
        return hmac.new(self._secret, f"{until}/{name}/{digest}".encode(), "sha256").hexdigest()

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; raises `Refused`."""
        parts = [unquote(part) for part in scope["raw_path"].decode("latin-1").split("/") if part]
        version = parts.pop(0) if parts and parts[0] in ("v2", "v3") else ""
        try:
            await self._route(scope, parts, version, receive, send)
        except Missing as missing:
            raise Refused(404, f"Sandbox {missing} was not found.") from None
        except (BadRequest, BadSnapshot) as bad:
            raise Refused(400, str(bad)) from None
        except Conflict as conflict:
            raise Refused(409, str(conflict)) from None
        except (UnknownEnvironment, UnknownVolume) as unknown:
            raise Refused(404, str(unknown)) from None
        except (SandboxFailed, BrokenEnvironment) as failed:
            raise Refused(500, str(failed)) from None

    async def _route(self, scope: Scope, parts: list[str], version: str, receive: Receive, send: Send) -> None:
        match scope["method"], parts:
            case "POST", ["sandboxes"]:
                record = await self._sandboxes.create(await read_json(receive), header(scope, b"idempotency-key"))
                await self._templates.begin(record)
                await respond_json(send, 201, self._created(record))
            case "GET", ["sandboxes"]:
                records, headers = self._page(scope)
                await respond_json(send, 200, [self._seen(record) for record in records], headers)
            case "GET", ["sandboxes", "metrics"]:
                told = await newest(self._sandboxes, listed(query_of(scope), "sandbox_ids"))
                await respond_json(send, 200, {"sandboxes": told})
            case "GET", ["sandboxes", name, "logs"]:
                log, query = self._sandboxes.log(name), query_of(scope)
                await respond_json(send, 200, answer(log, query) if version else first_answer(log, query))
            case "GET", ["sandboxes", name]:
                await respond_json(send, 200, self._detail(self._sandboxes.find(name)))
            case "DELETE", ["sandboxes", name]:
                self._sandboxes.kill(self._sandboxes.find(name))
                await respond(send, 204)
            case "POST", ["sandboxes", name, "connect" | "resume"]:
                record = self._sandboxes.find(name)
                body = await read_json(receive)
                was_paused = record.paused
                await self._sandboxes.wake(
                    record, check_seconds(body.get("timeout", 300)), memory=body.get("memory") is not False
                )
                await respond_json(send, 201 if was_paused else 200, self._created(record))
            case "POST", ["sandboxes", name, "pause"]:
                record = self._sandboxes.find(name)
                if (await read_json(receive)).get("memory") is False:
                    await self._sandboxes.pause_files(record)
                else:
                    await self._sandboxes.pause_whole(record)
                await respond(send, 204)
            case "POST", ["sandboxes", name, "timeout"]:
                record = self._sandboxes.find(name)
                self._sandboxes.end_in(record, check_seconds((await read_json(receive)).get("timeout")))
                await respond(send, 204)
            case "POST", ["sandboxes", name, "refreshes"]:
                record = self._sandboxes.find(name)
                self._sandboxes.extend(record, check_seconds((await read_json(receive)).get("duration", 300)))
                await respond(send, 204)
            case "GET", ["sandboxes", name, "metrics"]:
                start, end = (number(query_of(scope), *edge) for edge in (("start", 0), ("end", NEVER)))
                found = await samples(self._sandboxes, self._sandboxes.find(name))
                await respond_json(send, 200, [one for one in found if start <= one["timestampUnix"] <= end])
            case "PUT", ["sandboxes", name, "network"]:
                self._set_network(self._sandboxes.find(name), await read_json(receive))
                await respond(send, 204)
            case "POST", ["sandboxes", name, "snapshots"]:
                snapshot = await self._snapshot(self._sandboxes.find(name), await read_json(receive))
                await respond_json(send, 201, _told(snapshot))
            case "POST", ["sandboxes", name, "fork"]:
                record = self._sandboxes.find(name)
                await respond_json(send, 201, await self._fork(record, await read_json(receive)))
            case "GET", ["snapshots"]:
                page, headers = self._snapshots_page(scope)
                await respond_json(send, 200, [_told(snapshot) for snapshot in page], headers)
            case "DELETE", ["templates", name] if name != "tags":
                if not self._templates.delete(name):
                    if (kept := self._sandboxes.snapshots.find(name)) is None:
                        raise Refused(404, f"There is no snapshot {name!r}.")
                    self._sandboxes.snapshots.delete(kept)
                await respond(send, 204)
            case _, ["templates", *rest]:
                await self._template(scope, rest, receive, send)
            case "GET", ["default-templates"]:
                await respond_json(send, 200, [])
            case _, ["volumes", *rest]:
                await self._volume(scope, rest, receive, send)
            case "GET", ["secrets"]:
                await respond_json(send, 200, [])
            case "POST", ["secrets"]:
                raise Refused(400, _NO_SECRETS)
            case _, ["secrets", _]:
                raise Refused(404, _NO_SECRETS)
            case _:
                raise Refused(404, f"{scope['method']} {scope['path']} is not a route of this host.")

    async def _volume(self, scope: Scope, parts: list[str], receive: Receive, send: Send) -> None:
        """What the SDK's `Volume` asks for, less the files of one."""
        volumes = self._sandboxes.volumes
        match scope["method"], parts:
            case "POST", []:
                await respond_json(send, 201, _with_token(volumes.create((await read_json(receive)).get("name"))))
            case "GET", []:
                await respond_json(send, 200, [_volume(one) for one in volumes.all()])
            case "GET", [name]:
                await respond_json(send, 200, _with_token(volumes.find(name)))
            case "DELETE", [name]:
                volume = volumes.find(name)
                if users := self._sandboxes.mounting(volume):
                    names = ", ".join(one.id for one in users)
                    raise Refused(409, f"The volume {volume.name!r} is in use; end its sandboxes first: {names}.")
                self._files.let_go(volume)
                volumes.remove(volume)
                await respond(send, 204)
            case _:
                raise Refused(404, f"{scope['method']} {scope['path']} is not a route of this host.")

    async def _template(self, scope: Scope, parts: list[str], receive: Receive, send: Send) -> None:
        """What the SDK's `Template` asks for."""
        templates, catalogue = self._templates, self._catalogue
        match scope["method"], parts:
            case "GET", []:
                page, headers = part(catalogue.entries(), query_of(scope), lambda one: (one.made, one.name), False)
                await respond_json(send, 200, [catalogue.show(one) for one in page], headers)
            case "GET", [name]:
                entry = catalogue.find(name)
                builds, headers = part(list(entry.builds), query_of(scope), _begun, False)
                shown = {**catalogue.show(entry), "builds": catalogue.show_builds(builds)}
                await respond_json(send, 200, shown, headers)
            case "POST", []:
                await respond_json(send, 202, _requested(templates.request(await read_json(receive))))
            case "GET", ["aliases", name]:
                if not templates.exists(name):
                    raise Refused(404, f"There is no template {name!r}.")
                await respond_json(send, 200, {"templateID": name, "public": False})
            case "POST", ["tags"]:
                body = await read_json(receive)
                await respond_json(send, 201, await templates.assign(str(body.get("target")), _strings(body, "tags")))
            case "DELETE", ["tags"]:
                body = await read_json(receive)
                templates.remove(str(body.get("name")), _strings(body, "tags"))
                await respond(send, 204)
            case "GET", [name, "tags"]:
                await respond_json(send, 200, templates.tags(name))
            case "GET", [name, "files", digest]:
                await respond_json(send, 201, self._upload(scope, name, digest))
            case "PUT", [name, "files", digest]:
                await templates.keep(name, digest, body_chunks(receive))
                await respond(send, 200)
            case "POST", [name, "builds", build]:
                templates.start(templates.find(name, build), await read_json(receive))
                await respond(send, 202)
            case "GET", [name, "builds", build, "status"]:
                offset = number(query_of(scope), "logsOffset", 0)
                await respond_json(send, 200, templates.status(templates.find(name, build), offset))
            case "GET", [name, "builds", build, "logs"]:
                await respond_json(send, 200, build_log(templates.find(name, build), query_of(scope)))
            case _:
                raise Refused(404, f"{scope['method']} {scope['path']} is not a route of this host.")

    async def _snapshot(self, record: Record, body: dict[str, Any]) -> Snapshot:
        name = body.get("name")
        if name is not None and not isinstance(name, str):
            raise Refused(400, "The name of a snapshot must be a string.")
        if body.get("memory") is True:
            raise Refused(400, 'This host keeps a sandbox\'s files alone; ask for mode="filesystem", or leave it out.')
        if name is not None and full_name(name).partition(":")[0] in DEFAULT_NAMES:
            raise Refused(400, f"{name!r} is the name of an environment of this host; choose another.")
        return await self._sandboxes.snapshot(record, name)

    async def _fork(self, record: Record, body: dict[str, Any]) -> list[dict[str, Any]]:
        count = body.get("count", 1)
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= _MOST_FORKS:
            raise Refused(400, f"count must be a whole number from 1 to {_MOST_FORKS}.")
        seconds = check_seconds(body.get("timeout", _FORK_SECONDS))
        made = await self._sandboxes.fork(record, count, seconds)
        return [
            {"sandbox": self._created(one)}
            if isinstance(one, Record)
            else {"error": {"code": 500, "message": str(one)}}
            for one in made
        ]

    def _upload(self, scope: Scope, name: str, digest: str) -> dict[str, Any]:
        """Where the SDK is to put files, which it sends without its key."""
        until = now() + _UPLOAD_SECONDS
        url = f"http://{header(scope, b'host')}/templates/{name}/files/{digest}"
        signed = f"{url}?until={until}&signature={self._signature(name, digest, until)}"
        return {"present": self._templates.has(name, digest), "url": signed}

    def _set_network(self, record: Record, body: dict[str, Any]) -> None:
        access = body.pop("allow_internet_access", None)
        rules = check_network(body, access, self._sandboxes.policy is not None)
        kept = {name: value for name, value in record.wanted.network.items() if name in _INGRESS}
        self._sandboxes.set_network(
            record, replace(record.wanted, network={**kept, **body}, access=access, rules=rules)
        )

    def _created(self, record: Record) -> dict[str, Any]:
        return {
            "templateID": record.template,
            "sandboxID": record.id,
            "clientID": _CLIENT,
            "envdVersion": ENVD_VERSION,
            "envdAccessToken": record.token,
            "trafficAccessToken": record.traffic_token,
            "domain": self._sandboxes.domain,
        }

    def _seen(self, record: Record) -> dict[str, Any]:
        sizes = self._sandboxes.host.sizes
        return {
            "templateID": record.template,
            "alias": record.template,
            "sandboxID": record.id,
            "clientID": _CLIENT,
            "envdVersion": ENVD_VERSION,
            "startedAt": record.started.isoformat(),
            "endAt": record.ends.isoformat(),
            "cpuCount": os.cpu_count() or 1,
            "memoryMB": sizes.memory // _MIB,
            "diskSizeMB": sizes.home // _MIB,
            "state": _state(record),
            "metadata": record.wanted.metadata,
            "volumeMounts": [{"name": mount.name, "path": mount.path} for mount in record.wanted.mounts],
        }

    def _detail(self, record: Record) -> dict[str, Any]:
        wanted = record.wanted
        lifecycle = {"autoResume": wanted.auto_resume, "onTimeout": "pause" if wanted.auto_pause else "kill"}
        detail = {
            **self._seen(record),
            "domain": self._sandboxes.domain,
            "allowInternetAccess": wanted.rules.open,
            "network": wanted.network,
            "lifecycle": lifecycle,
        }
        if record.paused:
            detail["pauseMode"] = "full" if record.files is None else "filesystem"
        return detail

    def _page(self, scope: Scope) -> tuple[list[Record], Headers]:
        """One page of the sandboxes asked for, newest first, and the header that leads to the next."""
        query = query_of(scope)
        states = listed(query, "state")
        found = [record for record in self._sandboxes if not states or _state(record) in states]
        wanted = _metadata(first(query, "metadata"))
        found = [r for r in found if all(r.wanted.metadata.get(key) == value for key, value in wanted.items())]
        if template := first(query, "template"):
            found = [record for record in found if record.template == template]
        if after := first(query, "startedAfter"):
            found = [record for record in found if record.started >= time(after)]
        ascending = first(query, "order").lower() == "asc"
        found.sort(key=lambda record: (record.started, record.id), reverse=not ascending)
        return part(found, query, lambda record: (record.started, record.id), ascending)

    def _snapshots_page(self, scope: Scope) -> tuple[list[Snapshot], Headers]:
        query = query_of(scope)
        found = [snapshot for snapshot in self._sandboxes.snapshots.all() if not snapshot.build]
        if sandbox := first(query, "sandboxID"):
            found = [snapshot for snapshot in found if snapshot.sandbox == sandbox]
        if name := first(query, "name"):
            wanted = full_name(name)
            found = [one for one in found if one.name == wanted or (":" not in name and _base(one) == name)]
        return part(found, query, lambda one: (datetime.fromisoformat(one.taken), one.id), ascending=False)


def _requested(build: Build) -> dict[str, Any]:
    names = {"names": [build.name], "aliases": [build.name], "tags": build.tags}
    return {"templateID": build.name, "buildID": build.id, "public": False, **names}


def _begun(build: dict[str, Any]) -> tuple[datetime, str]:
    return datetime.fromisoformat(build["createdAt"]), str(build["buildID"])


def _volume(volume: Volume) -> dict[str, Any]:
    return {"volumeID": volume.id, "name": volume.name}


def _with_token(volume: Volume) -> dict[str, Any]:
    return {**_volume(volume), "token": volume.token}


def _strings(body: dict[str, Any], name: str) -> list[str]:
    value = body.get(name)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Refused(400, f"{name} must be a list of strings.")
    return value


def _told(snapshot: Snapshot) -> dict[str, Any]:
    return {"snapshotID": snapshot.handle, "names": snapshot.names}


def _base(snapshot: Snapshot) -> str:
    return (snapshot.name or "").partition(":")[0]


def _state(record: Record) -> str:
    return "paused" if record.paused else "running"


def _metadata(value: str) -> dict[str, str]:
    """The filter `key=value&…`, which the SDK encodes twice more than a query needs."""
    return {unquote(key): unquote(text) for key, text in parse_qsl(value, keep_blank_values=True)}
