"""What code in a sandbox serves on ports of its own, over HTTP and WebSocket, by header and by name."""

import asyncio
import hashlib
import json
from urllib.parse import urlsplit

import httpx
import pytest
import websockets
from e2b_code_interpreter import AsyncSandbox

_ECHO = """
import asyncio, websockets
async def echo(socket):
    async for message in socket:
        await socket.send(message)
async def main():
    async with websockets.serve(echo, "127.0.0.1", 8100, max_size=None):
        await asyncio.Future()
asyncio.run(main())
"""

_STREAMS = """
import hashlib, http.server, os, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        digest, size = hashlib.sha256(), 0
        while line := self.rfile.readline():
            data = self.rfile.read(int(line, 16))
            self.rfile.readline()
            if not data: break
            digest.update(data); size += len(data)
        body = f"{size} {digest.hexdigest()} {self.headers['Host']} {self.headers.get('X-Access-Token')}".encode()
        self.send_response(201, "Made"); self.send_header("Content-Length", len(body)); self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.send_response(200); self.send_header("Connection", "close"); self.end_headers()
        for part in range(2):
            self.wfile.write(b"data: %d\\n\\n" % part); self.wfile.flush()
            while part == 0 and "stream" in self.path and not os.path.exists("go-on"): time.sleep(0.01)
http.server.ThreadingHTTPServer(("127.0.0.1", 8200), Handler).serve_forever()
"""

_SHOWS = """
import http.server, json
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(json.dumps(list(self.headers)).encode())
http.server.ThreadingHTTPServer(("127.0.0.1", 8400), Handler).serve_forever()
"""

_SHOWS_SOCKETS = """
import json, socket
server = socket.create_server(("127.0.0.1", 8500))
while True:
    connection, _ = server.accept()
    head = connection.makefile("rb")
    names = [line.split(b":")[0].decode() for line in iter(head.readline, b"\\r\\n")][1:]
    body = json.dumps(names).encode()
    connection.sendall(b"HTTP/1.1 418 Short\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
    connection.close()
"""

_TLS = """
import http.server, ssl, subprocess
make = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 1 -subj /CN=x"
subprocess.run(make.split(), check=True)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 8300), http.server.SimpleHTTPRequestHandler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert", "key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


def _named(sandbox: AsyncSandbox, gateway, port: int) -> dict[str, str]:
    host = sandbox.get_host(port)
    assert host == f"{port}-{sandbox.sandbox_id}.localhost:{urlsplit(gateway.url).port}"
    return {"Host": host}


def _headers(sandbox: AsyncSandbox, port: int) -> dict[str, str]:
    token = sandbox.traffic_access_token or ""
    return {"E2b-Sandbox-Id": sandbox.sandbox_id, "E2b-Sandbox-Port": str(port), "e2b-traffic-access-token": token}


@pytest.fixture
async def client(gateway):
    async with httpx.AsyncClient(base_url=gateway.url, trust_env=False) as client:
        yield client


async def test_a_web_server_is_reached_by_name_and_by_header(gateway, sandbox: AsyncSandbox, client, soon) -> None:
    await sandbox.files.write("web/index.html", "<h1>hello</h1>")
    server = await sandbox.commands.run("python -m http.server 8000 --directory web", background=True)
    by_name = _named(sandbox, gateway, 8000)

    async def is_up() -> bool:
        return (await client.get("/", headers=by_name)).status_code == 200

    await soon(is_up)
    assert (await client.get("/index.html", headers=by_name)).text == "<h1>hello</h1>"
    by_header = _headers(sandbox, 8000)
    assert (await client.get("/", headers=by_header)).text == "<h1>hello</h1>"
    assert (await client.get("/nothing", headers=by_name)).status_code == 404
    # A page that this sandbox serves may not speak to the gateway, with its own origin, nor another page to it.
    own = {"Origin": f"http://{by_name['Host']}"}
    assert (await client.get("/", headers={**by_name, **own})).status_code == 200
    assert (await client.get("/sandboxes", headers={**own, "X-API-KEY": gateway.key})).status_code == 403
    await server.kill()


async def test_bodies_of_any_length_pass_and_answers_stream(gateway, sandbox: AsyncSandbox, client, soon) -> None:
    await sandbox.files.write("streams.py", _STREAMS)
    server = await sandbox.commands.run("python streams.py", background=True)
    headers = {**_named(sandbox, gateway, 8200), "X-Access-Token": sandbox._envd_access_token or ""}

    async def is_up() -> bool:
        return (await client.get("/", headers=headers)).status_code == 200

    await soon(is_up)

    async def upload():
        for _ in range(200):
            yield bytes(range(256)) * 512

    answer = await client.post("/", headers=headers, content=upload())
    digest = hashlib.sha256(bytes(range(256)) * 512 * 200).hexdigest()
    assert (answer.status_code, answer.text) == (201, f"{512 * 256 * 200} {digest} {headers['Host']} None")
    arrived = []
    async with asyncio.timeout(300), client.stream("GET", "/stream", headers=headers) as stream:
        async for line in stream.aiter_lines():
            if line:
                arrived.append(line)
                await sandbox.files.write("go-on", "")  # without which the server does not end its answer
    assert arrived == ["data: 0", "data: 1"]
    await server.kill()


async def test_headers_arrive_as_they_were_sent(gateway, sandbox: AsyncSandbox, client, soon) -> None:
    await sandbox.files.write("shows.py", _SHOWS)
    server = await sandbox.commands.run("python shows.py", background=True)
    headers = {**_named(sandbox, gateway, 8400), "X-My-Header": "1", "x-lower": "2", "X-Access-Token": "3"}

    async def is_up() -> bool:
        return (await client.get("/", headers=headers)).status_code == 200

    await soon(is_up)
    names = (await client.get("/", headers=headers)).json()
    assert {"Host", "X-My-Header", "x-lower"} <= set(names)
    assert not {"x-access-token", "e2b-sandbox-port"} & {name.lower() for name in names}
    await server.kill()


async def test_a_closed_port_says_so(gateway, sandbox: AsyncSandbox, client) -> None:
    answer = await client.get("/", headers=_named(sandbox, gateway, 3999))
    assert answer.status_code == 502
    assert answer.json() == {
        "code": 502,
        "message": "The sandbox is running but port is not open",
        "sandboxId": sandbox.sandbox_id,
        "port": 3999,
    }


async def test_a_websocket_goes_both_ways(gateway, sandbox: AsyncSandbox, soon) -> None:
    await sandbox.files.write("echo.py", _ECHO)
    server = await sandbox.commands.run("python echo.py", background=True)
    where = urlsplit(gateway.url)
    headers = _headers(sandbox, 8100)
    address = f"ws://{where.netloc}/socket"

    async def echoes() -> bool:
        try:
            async with websockets.connect(address, additional_headers=headers, proxy=None, max_size=None) as socket:
                await socket.send(b"x" * 3_000_000)
                return await socket.recv() == b"x" * 3_000_000
        except websockets.InvalidStatus as refused:
            if refused.response.status_code != 502:  # which says that its server is not up yet
                raise
            return False

    await soon(echoes)
    with pytest.raises(websockets.InvalidStatus, match="403"):
        async with websockets.connect(address, additional_headers=headers, origin="http://example.org", proxy=None):
            pass
    await server.kill()


async def test_headers_of_a_websocket_arrive_as_they_were_sent(gateway, sandbox: AsyncSandbox, soon) -> None:
    """What serves shows the names of the request's headers in place of an upgrade."""
    await sandbox.files.write("sockets.py", _SHOWS_SOCKETS)
    server = await sandbox.commands.run("python sockets.py", background=True)
    headers = {**_headers(sandbox, 8500), "X-My-Header": "1", "x-lower": "2"}
    names: list[str] = []

    async def answers() -> bool:
        address = f"ws://{urlsplit(gateway.url).netloc}/socket"
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(address, additional_headers=headers, proxy=None)
        if (answer := refused.value.response).status_code == 418:
            names.extend(json.loads(answer.body or b""))
        return bool(names)

    await soon(answers)
    assert {"Host", "Upgrade", "Sec-WebSocket-Key", "X-My-Header", "x-lower"} <= set(names)
    assert "e2b-traffic-access-token" not in {name.lower() for name in names}
    await server.kill()


async def test_a_port_that_speaks_tls_is_spoken_to_so(gateway, client, soon) -> None:
    made = await AsyncSandbox.create(timeout=300, network={"https_ports": [8300]}, **gateway.connection)
    try:
        await made.files.write("tls/serve.py", _TLS)
        await made.commands.run("python serve.py", cwd="tls", background=True)

        async def is_up() -> bool:
            return (await client.get("/serve.py", headers=_named(made, gateway, 8300))).text == _TLS

        await soon(is_up)
        assert (await made.get_info()).network["https_ports"] == [8300]
    finally:
        await made.kill()


async def test_ports_ask_for_the_token_when_its_creator_wants_that(gateway, client) -> None:
    made = await AsyncSandbox.create(timeout=300, network={"allow_public_traffic": False}, **gateway.connection)
    try:
        by_name = _named(made, gateway, 8000)
        assert (await client.get("/", headers=by_name)).status_code == 403
        token = {"e2b-traffic-access-token": made.traffic_access_token or ""}
        assert (await client.get("/", headers={**by_name, **token})).status_code == 502
    finally:
        await made.kill()
