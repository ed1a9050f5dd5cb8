"""A real HTTP server on the loopback that speaks OpenAI's chat completions, answering as a script says."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Answer:
    """What the server does with one request. `calls` are (name, arguments as text); `cut` breaks off half-way.

    `chunks` are sent as they are in place of all that; `whole` is sent at once, as by an endpoint that does not stream.
    """

    text: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    cut: bool = False
    hold: asyncio.Event | None = None
    chunks: list[dict[str, Any]] = field(default_factory=list)
    whole: dict[str, Any] = field(default_factory=dict)
    finish: str | None = None


@dataclass
class Wire:
    """The server: `url` to reach it, `requests` it had, `answer` decides. `script(...)` answers in that order."""

    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    answer: Callable[[dict[str, Any]], Answer] = lambda request: Answer(text="Done.")
    loaded: list[dict[str, Any]] = field(default_factory=list)  # what Ollama says at /api/ps

    def script(self, *answers: Answer) -> None:
        left = list(answers)
        self.answer = lambda request: left.pop(0)

    @property
    def env(self) -> dict[str, str]:
        return {"OPENAI_BASE_URL": self.url, "OPENAI_API_KEY": "sk-secret-of-the-test"}

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        lower = {k.lower(): v for k, v in headers.items()}
        if head.startswith("GET /api/ps "):
            await _send_json(writer, {"models": self.loaded})
            return
        request = json.loads(await reader.readexactly(int(lower["content-length"])))
        assert head.startswith("POST /v1/chat/completions ")
        self.requests.append(request)
        self.keys.append(lower["authorization"])
        answer = self.answer(request)
        if answer.hold is not None:
            await answer.hold.wait()
        if answer.status != 200:
            extra = "".join(f"{k}: {v}\r\n" for k, v in answer.headers.items())
            writer.write(
                f"HTTP/1.1 {answer.status} No\r\ncontent-type: application/json\r\n{extra}"
                f"content-length: {len(answer.body.encode())}\r\nconnection: close\r\n\r\n{answer.body}".encode()
            )
            await writer.drain()
            return
        if answer.whole:
            await _send_json(writer, answer.whole)
            return
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
        )
        chunks = answer.chunks or list(_chunks(answer))
        for chunk in chunks[: len(chunks) // 2] if answer.cut else chunks:
            await _send(writer, f"data: {json.dumps(chunk)}\n\n")
        if not answer.cut:
            await _send(writer, "data: [DONE]\n\n")
            writer.write(b"0\r\n\r\n")
            await writer.drain()


async def _send_json(writer: asyncio.StreamWriter, told: dict[str, Any]) -> None:
    body = json.dumps(told).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close"
    writer.write(f"{head}\r\n\r\n".encode() + body)
    await writer.drain()


async def _send(writer: asyncio.StreamWriter, text: str) -> None:
    """One event, torn in the middle: a reader must not take a network packet for a whole event."""
    data = text.encode()
    for part in (data[: len(data) // 2], data[len(data) // 2 :]):
        writer.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        await writer.drain()


def _chunks(answer: Answer) -> list[dict[str, Any]]:
    deltas: list[tuple[dict[str, Any], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": word}, None) for word in answer.text.split(" ") if word]
    for index, (name, arguments) in enumerate(answer.calls):
        first = {"index": index, "id": f"call_{name}_{index}", "type": "function"}
        deltas.append(({"tool_calls": [{**first, "function": {"name": name, "arguments": ""}}]}, None))
        size = max(1, len(arguments) // 4)
        for at in range(0, len(arguments), size):
            piece = {"index": index, "function": {"arguments": arguments[at : at + size]}}
            deltas.append(({"tool_calls": [piece]}, None))
    deltas.append(({}, answer.finish or ("tool_calls" if answer.calls else "stop")))
    common = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "test"}
    chunks = [{**common, "choices": [{"index": 0, "delta": d, "finish_reason": f}]} for d, f in deltas]
    usage = {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}
    return [*chunks, {**common, "choices": [], "usage": usage}]


@contextlib.asynccontextmanager
async def served() -> AsyncIterator[Wire]:
    """A server on a port of its own, as long as the block lasts."""
    wire = Wire()
    server = await asyncio.start_server(wire.handle, "127.0.0.1", 0)
    wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server:
        yield wire
