"""E2B's control plane: create, list, look at, extend and end sandboxes.

Statuses and field names are the wire's: the SDK fails on a 200 where it expects 201, and on any field that is missing.
"""

from __future__ import annotations

import json
import math
import os
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote

from kernel_gateway.environments import BrokenEnvironment, UnknownEnvironment
from kernel_gateway.errors import SandboxFailed
from kernel_gateway.inside.http import Headers, Receive, Refused, Scope, Send, header, read_json, respond, respond_json
from kernel_gateway.relay import Lost, ask
from kernel_gateway.sandboxes import (
    ENVD_VERSION,
    BadRequest,
    Conflict,
    Missing,
    Record,
    Sandboxes,
    check_seconds,
)

_CLIENT = "local"
_PAGE = 100
_MIB = 1 << 20
_MEASURED = ("timestampUnix", "cpuUsedPct", "memUsed", "memCache", "diskUsed", "diskTotal")
_NEVER = 1 << 37  # Unix seconds; the year 6325


class Control:
    """Answers requests whose API key the router has checked."""

    def __init__(self, sandboxes: Sandboxes) -> None:
        self._sandboxes = sandboxes

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; raises `Refused`."""
        parts = [unquote(part) for part in scope["path"].split("/") if part]
        if parts and parts[0] in ("v2", "v3"):
            parts = parts[1:]
        try:
            await self._route(scope, parts, receive, send)
        except Missing as missing:
            raise Refused(404, f"Sandbox {missing} was not found.") from None
        except BadRequest as bad:
            raise Refused(400, str(bad)) from None
        except Conflict as conflict:
            raise Refused(409, str(conflict)) from None
        except UnknownEnvironment as unknown:
            raise Refused(404, str(unknown)) from None
        except (SandboxFailed, BrokenEnvironment) as failed:
            raise Refused(500, str(failed)) from None

    async def _route(self, scope: Scope, parts: list[str], receive: Receive, send: Send) -> None:
        match scope["method"], parts:
            case "POST", ["sandboxes"]:
                record = await self._sandboxes.create(await read_json(receive), header(scope, b"idempotency-key"))
                await respond_json(send, 201, self._created(record))
            case "GET", ["sandboxes"]:
                records, headers = self._page(scope)
                await respond_json(send, 200, [self._seen(record) for record in records], headers)
            case "GET", ["sandboxes", name]:
                await respond_json(send, 200, self._detail(self._sandboxes.find(name)))
            case "DELETE", ["sandboxes", name]:
                self._sandboxes.kill(self._sandboxes.find(name))
                await respond(send, 204)
            case "POST", ["sandboxes", name, "connect" | "resume"]:
                record = self._sandboxes.find(name)
                seconds = check_seconds((await read_json(receive)).get("timeout", 300))
                status = 201 if record.paused else 200
                if record.paused:
                    self._sandboxes.resume(record, seconds)
                else:
                    self._sandboxes.extend(record, seconds)
                await respond_json(send, status, self._created(record))
            case "POST", ["sandboxes", name, "pause"]:
                self._sandboxes.pause(self._sandboxes.find(name))
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
                await respond_json(send, 200, await self._metrics(self._sandboxes.find(name), scope))
            case _, ["sandboxes", name, "snapshots" | "fork" | "network" as verb]:
                self._sandboxes.find(name)
                raise Refused(501, f"This host cannot do {verb!r} yet; E2B's cloud can.")
            case "GET", ["snapshots"]:
                await respond_json(send, 200, [])
            case "DELETE", ["templates", name]:
                raise Refused(404, f"Template {name} was not found.")
            case _:
                raise Refused(404, f"{scope['method']} {scope['path']} is not a route of this host.")

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
            "sandboxID": record.id,
            "clientID": _CLIENT,
            "envdVersion": ENVD_VERSION,
            "startedAt": record.started.isoformat(),
            "endAt": record.ends.isoformat(),
            "cpuCount": os.cpu_count() or 1,
            "memoryMB": sizes.memory // _MIB,
            "diskSizeMB": sizes.home // _MIB,
            "state": _state(record),
            "metadata": record.metadata,
        }

    def _detail(self, record: Record) -> dict[str, Any]:
        on_timeout = "pause" if record.auto_pause else "kill"
        lifecycle = {"autoResume": record.auto_resume, "onTimeout": on_timeout}
        return {
            **self._seen(record),
            "domain": self._sandboxes.domain,
            "allowInternetAccess": False,
            "lifecycle": lifecycle,
        }

    def _page(self, scope: Scope) -> tuple[list[Record], Headers]:
        """One page of the sandboxes asked for, newest first, and the header that leads to the next."""
        query = parse_qs(scope["query_string"].decode(), keep_blank_values=True)
        states = {state for value in query.get("state", []) for state in value.split(",")}
        found = [record for record in self._sandboxes if not states or _state(record) in states]
        wanted = _metadata(query.get("metadata", [""])[0])
        found = [r for r in found if all(r.metadata.get(key) == value for key, value in wanted.items())]
        if template := query.get("template", [""])[0]:
            found = [record for record in found if record.template == template]
        if after := query.get("startedAfter", [""])[0]:
            found = [record for record in found if record.started > _time(after)]
        ascending = query.get("order", ["desc"])[0].lower() == "asc"
        found.sort(key=lambda record: (record.started, record.id), reverse=not ascending)
        try:
            limit = min(max(int(query.get("limit", [str(_PAGE)])[0]), 1), _PAGE)
        except ValueError:
            raise Refused(400, "limit must be a whole number.") from None
        if token := query.get("nextToken", [""])[0]:
            moment, _, name = token.rpartition("/")
            edge = (_time(moment), name)
            found = [r for r in found if ((r.started, r.id) > edge if ascending else (r.started, r.id) < edge)]
        more = len(found) > limit
        page = found[:limit]
        last = f"{page[-1].started.isoformat()}/{page[-1].id}" if more else ""
        return page, [(b"x-next-token", last.encode())] if more else []

    async def _metrics(self, record: Record, scope: Scope) -> list[dict[str, Any]]:
        """What the sandbox measured of itself between `start` and `end`, in Unix seconds; the last sample is new."""
        if record.paused:
            return []
        query = dict(parse_qsl(scope["query_string"].decode()))
        start, end = (_second(query.get(name), default) for name, default in (("start", 0), ("end", _NEVER)))
        try:
            _, answer = await ask(record.sandbox.address, "GET", "/metrics")
            samples = [_sample(told, self._sandboxes.host.sizes.memory) for told in json.loads(answer)["samples"]]
        except (Lost, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            raise Missing(record.id) from None  # whatever speaks there is not our service any more
        return [sample for sample in samples if start <= sample["timestampUnix"] <= end]


def _second(value: str | None, default: int) -> int:
    return int(value) if value is not None and value.isascii() and value.isdigit() else default


def _sample(told: dict[str, Any], memory: int) -> dict[str, Any]:
    """One sample in the wire's shape; only numbers are taken from the sandbox, since code in it may forge them."""
    measured = {name: float(told[name]) for name in _MEASURED}
    if not all(map(math.isfinite, measured.values())):
        raise ValueError("a measurement is not a number")
    moment = datetime.fromtimestamp(min(max(measured.pop("timestampUnix"), 0), _NEVER), UTC)
    share = measured.pop("cpuUsedPct")
    return {
        "timestamp": moment.isoformat(),
        "timestampUnix": int(moment.timestamp()),
        "cpuCount": os.cpu_count() or 1,
        "cpuUsedPct": share,
        "memTotal": memory,
        **{name: int(value) for name, value in measured.items()},
    }


def _state(record: Record) -> str:
    return "paused" if record.paused else "running"


def _metadata(value: str) -> dict[str, str]:
    """The filter `key=value&…`, which the SDK encodes twice more than a query needs."""
    return {unquote(key): unquote(text) for key, text in parse_qsl(value, keep_blank_values=True)}


def _time(value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value.replace(" ", "+"))
    except ValueError:
        raise Refused(400, f"{value!r} is not a time in ISO 8601.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
