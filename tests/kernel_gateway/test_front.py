"""What somebody without a key can do to the gateway by speaking HTTP slowly, endlessly or in the wrong place."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn

from kernel_gateway import front
from kernel_gateway.inside.http import Receive, Scope, Send, body_chunks, respond


async def _application(scope: Scope, receive: Receive, send: Send) -> None:
    size = 0
    async for chunk in body_chunks(receive):
        size += len(chunk)
    await respond(send, 200, f"{size} {len(scope['headers'])}".encode())


@pytest.fixture
async def address(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[str, int]]:
    """A server that hears as the gateway does, with less patience."""
    monkeypatch.setattr(front, "_HEAD_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(_application, http=front.Front, lifespan="off", log_config=None, timeout_keep_alive=60)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield listener.getsockname()
        server.should_exit = True
        await serving


async def test_a_head_that_does_not_end_is_waited_for_so_long(address: tuple[str, int]) -> None:
    async with asyncio.timeout(300):
        for begun in (b"", b"GET / HTTP/1.1\r\nhost: x\r\n", b"GET / HTTP/1.1\r\n\r\nGET /"):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(begun)
            assert (await reader.read()).count(b" 200 ") == begun.count(b"\r\n\r\n")
            writer.close()


async def test_a_body_may_take_longer_than_a_head(address: tuple[str, int]) -> None:
    async with asyncio.timeout(300):
        reader, writer = await asyncio.open_connection(*address)
        for _ in range(2):  # the second time after a pause in which nothing is asked
            writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\na")
            await asyncio.sleep(1.5)  # longer than a head may take
            writer.write(b"b")
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(3) == b"2 2"
            await asyncio.sleep(1.5)
        writer.close()


@pytest.mark.parametrize(
    ("begun", "again"),
    [
        (b"GET / HTTP/1.1\r\n", b"x: " + b"y" * 1000 + b"\r\n"),
        (b"GET / HTTP/1.1\r\nx: ", b"y" * 1000),
        (b"GET /", b"y" * 1000),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nx: ", b"y" * 1000),
    ],
)
async def test_a_head_without_end_is_not_kept(address: tuple[str, int], begun: bytes, again: bytes) -> None:
    async with asyncio.timeout(300):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(begun)
        sent = 0
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof() and sent < 64 << 20:
                writer.write(again * 16)
                sent += len(again) * 16
                await writer.drain()
                await asyncio.sleep(0)
        writer.transport.abort()
    assert sent < 64 << 20


async def test_what_follows_a_body_is_no_header(address: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nx-api-key: y\r\n\r\n")
    async with asyncio.timeout(300):
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(3) == b"1 1"
    writer.close()


def test_whoever_has_no_key_keeps_no_connection(gateway) -> None:
    with httpx.Client(base_url=gateway.url, trust_env=False) as client:
        assert client.get("/sandboxes").headers.get("connection") == "close"
        assert client.get("/", headers={"Host": "evil.test"}).headers.get("connection") == "close"
        good = client.get("/sandboxes", headers={"X-API-KEY": gateway.key})
        assert (good.status_code, good.headers.get("connection")) == (200, None)


_STRANGER = """
import os, socket, sys, urllib.request
home, url = sys.argv[1:]
"localhost".encode("idna")  # while our own library can be read
os.setgroups([]), os.setresgid(65534, 65534, 65534), os.setresuid(65534, 65534, 65534)
def tries(what):
    try: return what()
    except OSError as error: return f"{type(error).__name__} {getattr(error, 'code', '')}".strip()
run = home + "/gateway/run"
print(tries(lambda: os.listdir(run)))
print(tries(lambda: open(home + "/gateway/endpoint.json").read()))
print(tries(lambda: socket.socket(socket.AF_UNIX).connect(run + "/" + sys.stdin.read().strip())))
print(tries(lambda: urllib.request.urlopen(url + "/sandboxes", timeout=20).read()))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_of_the_machine_reaches_nothing(gateway, shared_id: str) -> None:
    (gateway.home.parent).chmod(0o755)  # so that it is the gateway's own folder that keeps them out
    gateway.home.chmod(0o755)
    place = next((gateway.home / "gateway" / "run").iterdir()).name
    command = [sys.executable, "-I", "-S", "-c", _STRANGER, str(gateway.home), gateway.url]
    done = subprocess.run(command, input=place, capture_output=True, text=True, timeout=300, env={})
    assert done.stdout.split("\n")[:4] == ["PermissionError"] * 3 + ["HTTPError 401"], done.stdout + done.stderr
