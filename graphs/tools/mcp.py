"""Tools of MCP servers: `mcp.json` in the data folder names them, the official `mcp` package speaks to them.

A server is a program or an address that the user chose; it runs outside the sandbox. Whatever goes wrong with it is a
sentence: for the model as the result of its call, for the user as a problem of the toolbox.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ConfigDict

from graphs.tools.base import Action, Tool, plain_schema, refusal
from graphs.tools.function import TEXT_LIMIT
from graphs.tools.notebook import shorten
from graphs.tools.trust import FILE as TRUST
from graphs.tools.trust import BadTrust, Trust, begins

FILE = "mcp.json"
START_SECONDS = 20.0
CALL_SECONDS = 120.0
MOST_TOOLS = 200
"""Tools that are taken from one server."""

_VARIABLE = re.compile(r"\$\{(?:env:)?([A-Za-z_]\w*)(?::-([^}]*))?\}")


class BadServers(ValueError):
    """An `mcp.json` that cannot be read; the sentence says what to mend."""


@dataclass(frozen=True)
class Server:
    """One server: a command with arguments and environment, or an address with headers. No secret is in its repr."""

    name: str
    command: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    given: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


def read_servers(text: str, env: Mapping[str, str]) -> list[Server]:
    """The servers of an `mcp.json`, in the shape of Claude and Cursor (`mcpServers`) or VS Code (`servers`).

    `${NAME}`, `${env:NAME}` and `${NAME:-default}` stand for variables of the environment. Raises BadServers, also for
    a variable that is not set.
    """
    try:
        told = json.loads(text)
        named = told.get("mcpServers") or told.get("servers") or {}
        return [_server(name, given, env) for name, given in sorted(named.items()) if not given.get("disabled")]
    except (ValueError, AttributeError, TypeError) as fault:
        if isinstance(fault, BadServers):
            raise
        raise BadServers(f"it is not in the usual shape ({fault})") from None


def _server(name: str, given: Mapping[str, Any], env: Mapping[str, str]) -> Server:
    def filled(value: Any) -> str:
        def one(found: re.Match[str]) -> str:
            if (held := env.get(found[1], found[2])) is None:
                raise BadServers(f"the server {name} needs the variable {found[1]}, which is not set")
            return held

        return _VARIABLE.sub(one, str(value))

    url = given.get("url") or given.get("serverUrl") or ""
    if not url and not given.get("command"):
        raise BadServers(f"the server {name} has neither a command nor a url")
    return Server(
        name=name,
        command=filled(given.get("command", "")),
        args=tuple(map(filled, given.get("args", ()))),
        env={k: filled(v) for k, v in given.get("env", {}).items()},
        url=filled(url),
        headers={k: filled(v) for k, v in given.get("headers", {}).items()},
        given=given,
    )


class Servers:
    """The servers of one process, begun when their tools are first wanted. Close it at the end.

    `mcp.json`, and what was approved, are read again when they have changed: a server that is not in it any more is
    ended, one that is begun in another way is not begun before that was approved.
    """

    def __init__(self, file: Path) -> None:
        self._file, self._trust = file, file.with_name(TRUST)
        self._running: dict[str, _Running] = {}
        self._tools: list[type[Tool]] = []
        self._problems: list[str] = []
        self._read: tuple[bytes, bytes] | None = None
        self._lock = asyncio.Lock()

    async def tools(self) -> tuple[list[type[Tool]], list[str]]:
        """The tools of all servers, and a sentence for each server or tool that cannot be had."""
        async with self._lock:
            if await asyncio.to_thread(self._bytes) != self._read:
                self._tools, self._problems = [], []
                await self._begin()
                self._read = await asyncio.to_thread(self._bytes)  # what was approved by it, too
            return self._tools, self._problems

    async def approve(self, name: str) -> tuple[str, list[str]]:
        """Approve a server and its tools as they are now; returns how it is begun and the tools' names.

        Raises BadServers where there is no such server, or it does not answer.
        """
        server = await asyncio.to_thread(self._named, name)
        running = _Running(server, None)
        try:
            if isinstance(found := await running.begin(), str):
                raise BadServers(found)
        finally:
            await running.close()
        await asyncio.to_thread(self._trusted().approve, name, server.given, found)
        return begins(server.given), [t.name for t in found]

    async def close(self) -> None:
        """Stop the servers that were begun."""
        await asyncio.gather(*(r.close() for r in self._running.values()))
        self._running.clear()

    def _bytes(self) -> tuple[bytes, bytes]:
        one, other = (f.read_bytes() if f.exists() else b"" for f in (self._file, self._trust))
        return one, other

    def _servers(self) -> list[Server]:
        return read_servers(self._file.read_text(encoding="utf-8"), os.environ) if self._file.exists() else []

    def _named(self, name: str) -> Server:
        server = next((s for s in self._servers() if s.name == name), None)
        if server is None:
            raise BadServers(f"{self._file} has no server {name!r}.")
        return server

    def given(self, name: str) -> Mapping[str, Any]:
        """What `mcp.json` says of a server. Raises BadServers where there is no such."""
        return self._named(name).given

    def _trusted(self) -> Trust:
        try:
            return Trust(self._trust)
        except BadTrust as fault:
            raise BadServers(str(fault)) from None

    async def _begin(self) -> None:
        try:
            servers = await asyncio.to_thread(self._servers)
            trust = await asyncio.to_thread(self._trusted)
            if servers:
                import mcp  # noqa: F401 (whether it is there)
        except (BadServers, OSError) as fault:
            self._problems.append(f"{self._file} cannot be used: {fault}")
            servers, trust = [], None
        except ImportError:
            self._problems.append(f"{self._file} names servers, which need a package: pip install 'gristmill[mcp]'.")
            servers, trust = [], None
        wanted = {s.name: s for s in servers}
        for name in [n for n, r in self._running.items() if wanted.get(n) != r.server]:
            await self._running.pop(name).retire()
        if trust is None:
            return
        for name, server in list(wanted.items()):
            if (why := trust.objection(name, server.given)) is not None:
                self._problems.append(why)
                del wanted[name]
                if name in self._running:
                    await self._running.pop(name).retire()
        begun = [self._running.setdefault(name, _Running(server, trust)) for name, server in wanted.items()]
        for running, outcome in zip(begun, await asyncio.gather(*(r.listed() for r in begun)), strict=True):
            if isinstance(outcome, str):
                self._problems.append(outcome)
                continue
            await asyncio.to_thread(self._take, running, outcome, trust)

    def _take(self, running: _Running, told: list[Any], trust: Trust) -> None:
        """Take the tools of a server that are as they were approved; all of one that is new."""
        name = running.server.name
        running.trust = trust
        if not trust.knows(name):
            trust.approve(name, running.server.given, told)
        changed = set(trust.changed(name, told))
        if changed:
            self._problems.append(
                f"Of the MCP server {name} these tools are not as they were approved, and were left out: "
                f"{', '.join(sorted(changed))}. Look at them, then: gristmill tools trust {name}"
            )
        made, problems = _tools_of(running, [t for t in told if t.name not in changed])
        self._tools += made
        self._problems += problems


class _Running:
    """One server and the task that holds its connection: `mcp` wants it opened and closed by the same task."""

    def __init__(self, server: Server, trust: Trust | None) -> None:
        self.server, self.trust = server, trust
        self._retired = False
        self._told: list[Any] = []
        self._client: Any = None
        self._end = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> list[Any] | str:
        """Start or reach the server and list its tools; a sentence where that fails."""
        ready: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._hold(ready))
        try:
            async with asyncio.timeout(START_SECONDS):
                self._told = await ready
                return self._told
        except TimeoutError:
            await self.close()
            return f"The MCP server {self.server.name} did not answer within {START_SECONDS:.0f} s."
        except Exception as fault:  # noqa: BLE001 (whatever a server's start may raise)
            return f"The MCP server {self.server.name} cannot be used: {_said(fault)}"

    async def listed(self) -> list[Any] | str:
        """Its tools, of one that goes on without asking it again; a sentence where it cannot be begun."""
        return await self.begin() if self._task is None or self._task.done() else self._told

    async def call(self, name: str, arguments: dict[str, Any]) -> Any:
        """The result of one tool. A server that died is begun anew for it; a call is never repeated."""
        if self._retired:
            raise ConnectionError(f"{self.server.name} is not in {FILE} any more as it was when this run began.")
        if self._task is None or self._task.done():
            begun = await self.begin()
            if isinstance(begun, str):
                raise ConnectionError(begun)
            if self.trust is not None and name in self.trust.changed(self.server.name, begun):
                raise ConnectionError(f"{name} is not as it was approved: gristmill tools trust {self.server.name}")
        return await self._client.call_tool(name, arguments, read_timeout_seconds=CALL_SECONDS)

    def lost(self) -> None:
        """Let the connection go, so that the next call makes a new one."""
        self._end.set()

    async def retire(self) -> None:
        """End it for good: what still has its tools is told so."""
        self._retired = True
        await self.close()

    async def close(self) -> None:
        self._end.set()
        if self._task is not None:
            _, pending = await asyncio.wait([self._task], timeout=10)
            for task in pending:
                task.cancel()

    async def _hold(self, ready: asyncio.Future[list[Any]]) -> None:
        self._end = asyncio.Event()
        try:
            async with contextlib.AsyncExitStack() as stack:
                self._client = await stack.enter_async_context(self._made())
                found = await _list(self._client)
                if not ready.done():
                    ready.set_result(found)
                await self._end.wait()
        except Exception as fault:  # noqa: BLE001 (an exception of its own also leaves as a group)
            if not ready.done():
                ready.set_exception(fault)

    def _made(self) -> Any:
        from mcp import Client
        from mcp.client.stdio import StdioServerParameters

        server = self.server
        if not server.url:
            return Client(
                StdioServerParameters(command=server.command, args=list(server.args), env=dict(server.env)),
                read_timeout_seconds=CALL_SECONDS,
            )
        if not server.headers:
            return Client(server.url, read_timeout_seconds=CALL_SECONDS)
        import httpx2
        from mcp.client.streamable_http import streamable_http_client

        http = httpx2.AsyncClient(headers=dict(server.headers), timeout=httpx2.Timeout(30.0, read=300.0))
        return Client(streamable_http_client(server.url, http_client=http), read_timeout_seconds=CALL_SECONDS)


async def _list(client: Any) -> list[Any]:
    """Every tool of a server, page by page, up to `MOST_TOOLS`."""
    found: list[Any] = []
    cursor: str | None = None
    while len(found) < MOST_TOOLS:
        page = await client.list_tools(cursor=cursor)
        found += page.tools
        cursor = page.next_cursor
        if not cursor:
            break
    return found[:MOST_TOOLS]


def _tools_of(running: _Running, told: list[Any]) -> tuple[list[type[Tool]], list[str]]:
    made, problems, names = list[type[Tool]](), list[str](), set[str]()
    for one in told:
        name = _name(running.server.name, one.name)
        if name in names:
            problems.append(
                f"The MCP server {running.server.name} has two tools {one.name!r}: the second was left out."
            )
            continue
        names.add(name)
        made.append(_tool(running, name, one))
    return made, problems


def _name(server: str, tool: str) -> str:
    """`mcp__server__tool`, of letters that every endpoint takes, cut to 64 with a hash where it is longer."""
    plain = f"mcp__{re.sub(r'[^a-zA-Z0-9_-]', '_', server)}__{re.sub(r'[^a-zA-Z0-9_-]', '_', tool)}"
    if len(plain) <= 64:
        return plain
    return f"{plain[:57]}_{hashlib.sha256(f'{server}/{tool}'.encode()).hexdigest()[:6]}"


class _Remote(Action):
    """A tool of a server. Its arguments are checked against the server's own schema."""

    model_config = ConfigDict(extra="allow", frozen=True)
    running: ClassVar[_Running]
    remote_name: ClassVar[str]
    schema_told: ClassVar[dict[str, Any]]
    told: ClassVar[str]

    @classmethod
    def tool_description(cls) -> str:
        return cls.told

    @classmethod
    def tool_parameters(cls) -> dict[str, Any]:
        return cls.schema_told

    async def use(self, desk: Any, key: str, step_id: str) -> dict[str, Any]:
        """Call the server, once. What goes wrong is a sentence for the model."""
        import jsonschema

        given = dict(self.model_extra or {})
        if "title" in self.schema_told.get("properties", {}):
            given["title"] = self.title
        try:
            jsonschema.validate(given, self.schema_told)
        except jsonschema.ValidationError as fault:
            return refusal("BadArguments", f"{fault.message} Nothing was called.")
        except jsonschema.SchemaError:
            pass  # a schema that is none: the server will say what it wants
        try:
            async with asyncio.timeout(CALL_SECONDS):
                done = await self.running.call(self.remote_name, given)
        except TimeoutError:
            return refusal("TimeoutError", f"{self.tool_name} took longer than {CALL_SECONDS:.0f} s and was left.")
        except Exception as fault:  # noqa: BLE001 (the package raises what it likes)
            self.running.lost()
            server = self.running.server.name
            return refusal("ServerFailed", f"The MCP server {server} failed: {_said(fault)} The call was not repeated.")
        text = shorten("\n".join(filter(None, map(_content, done.content))), TEXT_LIMIT)
        if done.is_error:
            return refusal("ToolError", text or "The tool failed and did not say why.")
        return {"cells": [], "ok": True, "text": text, "error": None}


def _tool(running: _Running, name: str, told: Any) -> type[Tool]:
    schema = plain_schema(dict(told.input_schema or {"type": "object"}))
    made: type[_Remote] = type("McpTool", (_Remote,), {"__doc__": told.description or told.name})
    made.tool_name, made.job, made.source = name, "code", f"mcp {running.server.name}"
    made.running, made.remote_name, made.schema_told = running, told.name, schema
    made.told = " ".join((told.description or told.title or told.name).split())[:2_000]
    return made


def _content(part: Any) -> str:
    """One piece of a result as text."""
    kind = getattr(part, "type", "")
    if kind == "text":
        return str(part.text)
    if kind in ("image", "audio"):
        return f"({kind}, {part.mime_type}, {len(part.data) * 3 // 4:,} bytes)"
    if kind == "resource" and hasattr(part.resource, "text"):
        return str(part.resource.text)
    return f"({kind})"


def _said(fault: BaseException) -> str:
    """What went wrong, as one sentence; of a group of exceptions the first."""
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    text = " ".join(str(fault).split())[:300] or type(fault).__name__
    return text if text.endswith((".", "!", "?")) else f"{text}."
