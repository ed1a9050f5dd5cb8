"""The way out of a sandbox: closed by default, and where it is open, open to what is allowed and to nothing else."""

import base64
import ipaddress
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import httpx
import psutil
import pytest
from e2b import SandboxException
from e2b_code_interpreter import Sandbox

from kernel_gateway.egress import PUBLIC, BadRules, Rules, is_private

# The gateway as it is, but that one address of the loopback and one port stand for the internet, and names lead there
# and elsewhere: nothing in these tests leaves the machine.
_PROGRAM = """
import asyncio, ipaddress, sys, uvloop
from kernel_gateway import __main__ as gateway
from kernel_gateway.egress import Policy, is_private
outside, port = ipaddress.ip_address("127.0.0.2"), int(sys.argv.pop(1))
asked = []
async def look_up(name):
    asked.append(name)
    if name == "hidden.test":
        return [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("169.254.169.254")]
    if name == "turning.test":
        return [ipaddress.ip_address("127.0.0.1") if asked.count(name) % 2 == 0 else outside]
    if name.endswith(".test"):
        return [outside]
    return [ipaddress.ip_address(a[4][0]) for a in await asyncio.get_running_loop().getaddrinfo(name, None)]
policy = Policy(look_up, lambda address: is_private(address) and address != outside, frozenset({80, 443, port}))
uvloop.run(gateway.serve(gateway._options(sys.argv[1:]), policy))
"""


class _Seen(BaseHTTPRequestHandler):
    """Answers everything with what it was asked, and remembers it."""

    protocol_version = "HTTP/1.1"
    requests: ClassVar[list[tuple[str, str]]] = []

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size + 2)[:-2]
            self.rfile.readline()
        self.requests.append((self.path, self.headers["host"]))
        said = json.dumps({"path": self.path, "host": self.headers["host"], "body": body.decode()}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_POST = _answer

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadingHTTPServer]:
    """The internet: one server on the address that stands for it, and one that nobody may reach."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Seen) as private:  # whose port is surely free on the other address
        with ThreadingHTTPServer(("127.0.0.2", private.server_port), _Seen) as outside:
            for one in (outside, private):
                one.daemon_threads = True
                threading.Thread(target=one.serve_forever, daemon=True).start()
            yield outside
            outside.shutdown()
        private.shutdown()


@pytest.fixture(scope="module")
def open_gateway(gateways, server: ThreadingHTTPServer, tmp_path_factory):
    program = ("-c", _PROGRAM, str(server.server_port))
    running = gateways(tmp_path_factory.mktemp("open"), "--allow-internet", program=program)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def inside(open_gateway) -> Iterator[Sandbox]:
    made = Sandbox.create(timeout=300, **open_gateway.connection)
    yield made
    made.kill()


def _get(sandbox: Sandbox, url: str) -> tuple[int, str]:
    """What a program in the sandbox that heeds HTTP_PROXY gets: status and body."""
    code = f"""
import urllib.request, urllib.error
try:
    answer = urllib.request.urlopen({url!r}, timeout=20)
except urllib.error.HTTPError as error:
    answer = error
print(answer.status, answer.read().decode())"""
    done = sandbox.run_code(code)
    assert done.error is None, done.error
    status, _, body = "".join(done.logs.stdout).partition(" ")
    return int(status), body


def _raw(sandbox: Sandbox, data: bytes) -> str:
    """What the proxy says to these bytes, until it hangs up."""
    code = f"""
import base64, socket
with socket.create_connection(("127.0.0.1", 49981), 20) as proxy:
    try:
        proxy.sendall(base64.b64decode({base64.b64encode(data).decode()!r}))
        said = b""
        while chunk := proxy.recv(65536):
            said += chunk
    except ConnectionError:
        pass
print(said.decode("latin-1"))"""
    done = sandbox.run_code(code)
    assert done.error is None, done.error
    return "".join(done.logs.stdout)


def test_without_the_operators_leave_there_is_no_way_out(gateway) -> None:
    made = Sandbox.create(timeout=300, allow_internet_access=True, **gateway.connection)
    try:
        shown = made.commands.run("env | grep -i proxy || echo none").stdout
        assert shown == "none\n"
        refused = made.commands.run("curl -s -x http://127.0.0.1:49981 http://example.org/").stdout
        assert "have no network; start the gateway with --allow-internet" in refused
        with pytest.raises(SandboxException, match="--allow-internet"):
            made.update_network({"allow_out": ["example.org"]})
        made.update_network({"allow_internet_access": False})
        with httpx.Client(base_url=gateway.url, headers={"X-API-KEY": gateway.key}, trust_env=False) as http:
            assert http.get(f"/sandboxes/{made.sandbox_id}").json()["allowInternetAccess"] is False
    finally:
        made.kill()


def test_what_is_public_is_reached_by_programs_as_they_are(inside: Sandbox, server) -> None:
    port = server.server_port
    status, body = _get(inside, f"http://any.test:{port}/a?b=c")
    assert (status, json.loads(body)["path"]) == (200, "/a?b=c")
    sent = inside.commands.run(f"curl -s -d @/etc/hostname http://any.test:{port}/post").stdout
    assert json.loads(sent)["body"] == "sandbox"
    tunnelled = inside.commands.run(f"curl -s -p http://any.test:{port}/through").stdout
    assert json.loads(tunnelled)["path"] == "/through"
    streamed = inside.run_code(f"""
import http.client
proxy = http.client.HTTPConnection("127.0.0.1", 49981)
proxy.request("POST", "http://any.test:{port}/chunks", body=iter([b"one", b"two"] * 50_000), encode_chunked=True)
print(len(proxy.getresponse().read()) > 300_000)""")
    assert "".join(streamed.logs.stdout) == "True\n"


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("a.test", {"allow_out": ["a.test"]}),
        ("x.y.b.test", {"allow_out": ["*.b.test", "10.0.0.0/8"]}),
        ("127.0.0.2", {"allow_out": ["127.0.0.2"], "deny_out": ["0.0.0.0/0"]}),
        ("127.0.0.2", {"allow_out": ["127.0.0.0/30"]}),
        ("d.test", {"deny_out": ["10.0.0.0/8"]}),
        ("e.test", {"allow_out": ["E.test"], "allow_internet_access": False}),
    ],
)
def test_an_allow_list_lets_its_own_through(inside: Sandbox, server, host: str, network: dict) -> None:
    inside.update_network(network)
    assert _get(inside, f"http://{host}:{server.server_port}/")[0] == 200


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("other.test", {"allow_out": ["a.test"]}),
        ("b.test", {"allow_out": ["*.b.test"]}),
        ("evilb.test", {"allow_out": ["*.b.test"]}),
        ("b.test.other.test", {"allow_out": ["*.b.test", "b.test"]}),
        ("a.test", {"deny_out": ["127.0.0.2"]}),
        ("asked.test", {"allow_out": ["127.0.0.2"]}),  # whose name nobody even looks up
        ("127.0.0.2", {"allow_out": ["a.test"], "deny_out": ["0.0.0.0/0"]}),
        ("a.test", {"allow_internet_access": False}),
        ("a.test", {"deny_out": ["0.0.0.0/0"]}),
        ("hidden.test", {"allow_out": ["hidden.test", "127.0.0.1", "169.254.0.0/16"]}),
    ],
)
def test_and_nothing_else(inside: Sandbox, server, host: str, network: dict) -> None:
    inside.update_network(network)
    before = len(_Seen.requests)
    status, body = _get(inside, f"http://{host}:{server.server_port}/")
    assert (status, json.loads(body)["message"][-1]) == (403, ".")
    assert len(_Seen.requests) == before


@pytest.mark.parametrize(
    "request_line",
    [
        "GET http://127.0.0.1:{port}/ HTTP/1.1",
        "GET http://localhost:{port}/ HTTP/1.1",
        "GET http://2130706433:{port}/ HTTP/1.1",
        "GET http://0x7f.1:{port}/ HTTP/1.1",
        "GET http://0:{port}/ HTTP/1.1",
        "GET http://[::1]:{port}/ HTTP/1.1",
        "GET http://[::ffff:127.0.0.1]:{port}/ HTTP/1.1",
        "GET http://[64:ff9b::7f00:1]:{port}/ HTTP/1.1",
        "GET http://hidden.test:{port}/ HTTP/1.1",
        "GET http://169.254.169.254/latest/meta-data/ HTTP/1.1",
        "GET http://10.0.0.1/ HTTP/1.1",
        "GET http://100.64.0.1/ HTTP/1.1",
        "GET http://any.test@127.0.0.1:{port}/ HTTP/1.1",
        "GET ftp://any.test/ HTTP/1.1",
        "CONNECT 127.0.0.1:{port} HTTP/1.1",
        "CONNECT 169.254.169.254:80 HTTP/1.1",
        "CONNECT any.test:22 HTTP/1.1",
        "CONNECT any.test:25 HTTP/1.1",
        "CONNECT any.test HTTP/1.1",
        "CONNECT any.test:99999999 HTTP/1.1",
        "CONNECT @127.0.0.1:{port} HTTP/1.1",
    ],
)
def test_what_no_rule_opens_is_refused_with_a_sentence(inside: Sandbox, server, request_line: str) -> None:
    inside.update_network({"allow_out": ["0.0.0.0/0", "127.0.0.1", "hidden.test", "localhost", "any.test"]})
    before = len(_Seen.requests)
    said = _raw(inside, f"{request_line.format(port=server.server_port)}\r\nHost: any.test\r\n\r\n".encode())
    assert said.startswith("HTTP/1.1 403 ")
    assert json.loads(said.partition("\r\n\r\n")[2])["message"].endswith(".")
    assert len(_Seen.requests) == before


def test_a_name_that_turns_is_connected_to_where_it_was_checked(inside: Sandbox, server) -> None:
    inside.update_network({"allow_out": ["turning.test"]})
    found = [_get(inside, f"http://turning.test:{server.server_port}/")[0] for _ in range(4)]
    assert found == [200, 403, 200, 403]


def test_one_connection_carries_one_request_under_its_own_name(inside: Sandbox, server) -> None:
    inside.update_network({"allow_out": ["a.test"]})
    port = server.server_port
    _Seen.requests.clear()
    one = f"GET http://a.test:{port}/first HTTP/1.1\r\nHost: other.test\r\n\r\n"
    two = f"GET http://a.test:{port}/second HTTP/1.1\r\nHost: a.test\r\n\r\n"
    three = "GET /third HTTP/1.1\r\nHost: other.test\r\n\r\n"
    assert _raw(inside, (one + two + three).encode()).count("HTTP/1.1 ") == 1
    assert _Seen.requests == [("/first", f"a.test:{port}")]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", 400),
        ("Content-Length: 5\r\nContent-Length: 6", 400),
        ("Transfer-Encoding: chunked, identity", 501),
        ("Content-Length: -1", 400),
        ("A b: c", 400),
        ("A\0: c", 400),
        ("Host: other.test", 400),
        ("A: " + "x" * 100_000, 431),
        ("\r\n".join(f"A{n}: {'x' * 100}" for n in range(1000)), 431),
    ],
)
def test_heads_that_can_be_read_in_two_ways_are_refused(inside: Sandbox, server, head: str, status: int) -> None:
    inside.update_network({"allow_out": ["a.test"]})
    before = len(_Seen.requests)
    line = f"POST http://a.test:{server.server_port}/ HTTP/1.1\r\nHost: a.test\r\n"
    said = _raw(inside, f"{line}{head}\r\n\r\n0\r\n\r\n".encode())
    assert said.startswith(f"HTTP/1.1 {status} ")
    assert len(_Seen.requests) == before


def test_many_connections_wait_and_do_not_pile_up(open_gateway, inside: Sandbox, server, eventually) -> None:
    inside.update_network({"allow_out": ["a.test"]})
    gateway = psutil.Process(open_gateway.process.pid)
    before = gateway.num_fds()
    done = inside.run_code(f"""
import socket
line = b"CONNECT a.test:{server.server_port} HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"
held = []
for _ in range(300):
    held.append(socket.create_connection(("127.0.0.1", 49981)))
    try:
        held[-1].sendall(line)
    except OSError:
        pass
answers = 0
for one in held:
    one.settimeout(20 if answers < 32 else 2)
    try:
        answers += one.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        break
print(answers)""")
    assert done.error is None, done.error
    assert 32 <= int("".join(done.logs.stdout)) <= 64
    assert gateway.num_fds() <= before + 2 * 64 + 8
    inside.run_code("for one in held: one.close()")
    eventually(lambda: gateway.num_fds() <= before + 8, "the closing of connections")
    assert _get(inside, f"http://a.test:{server.server_port}/")[0] == 200


def test_a_pause_and_a_fork_keep_the_way_out_as_it_was(open_gateway, server) -> None:
    made = Sandbox.create(timeout=300, network={"allow_out": ["a.test"]}, **open_gateway.connection)
    (fork,) = made.fork(timeout=300)
    try:
        made.pause()
        again = Sandbox.connect(made.sandbox_id, timeout=300, **open_gateway.connection)
        for one in (again, fork):
            assert _get(one, f"http://a.test:{server.server_port}/")[0] == 200
            assert _get(one, f"http://b.test:{server.server_port}/")[0] == 403
        assert again.get_info().network == {"allow_out": ["a.test"]}
    finally:
        for one in (made, fork):
            one.kill()


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "192.0.0.1", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
        *("::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::a00:1"),
        *("64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:7f00:1::"),
    ],
)
def test_private_addresses_are_private_however_written(address: str) -> None:
    assert is_private(ipaddress.ip_address(address))
    assert PUBLIC.is_refused is is_private


@pytest.mark.parametrize("address", ["1.2.3.4", "::ffff:102:304", "2002:102:304::1", "64:ff9b::102:304"])
def test_what_is_denied_is_denied_however_written(address: str) -> None:
    rules = Rules.parse(None, None, ["1.2.3.0/24"])
    assert not rules.allows_address(ipaddress.ip_address(address))
    assert rules.allows_address(ipaddress.ip_address(address.replace("102:304", "102:404").replace("1.2.3", "1.2.4")))


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111"])
def test_public_ones_are_not(address: str) -> None:
    assert not is_private(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("access", "allow", "deny"),
    [
        (None, ["http://a.test/"], None),
        (None, ["*"], None),
        (None, ["a.*"], None),
        (None, "a.test", None),
        (None, [1], None),
        (None, None, ["a.test"]),
        ("yes", None, None),
        (None, ["1.1.1.1/40"], None),
        (None, ["a.test"] * 1000, None),
    ],
)
def test_rules_that_mean_nothing_are_refused(access: object, allow: object, deny: object) -> None:
    with pytest.raises(BadRules, match=r"\.$"):
        Rules.parse(access, allow, deny)


def test_the_command_has_no_option_that_lets_the_loopback_through(gateways, tmp_path: Path, server) -> None:
    running = gateways(tmp_path, "--allow-internet", "--parked", "0")
    made = Sandbox.create(timeout=300, network={"allow_out": ["127.0.0.2"]}, **running.connection)
    try:
        assert _get(made, f"http://127.0.0.2:{server.server_port}/")[0] == 403
        assert _get(made, "http://127.0.0.2/")[0] == 403
    finally:
        running.stop()
