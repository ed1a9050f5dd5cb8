"""Packages in sandboxes: pip and uv find this machine's index, its wheels and nothing else; nothing is run outside."""

import hashlib
import http.client
import os
import platform
import shutil
import sys
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from e2b import CommandExitException, Template
from e2b_code_interpreter import Sandbox

from kernel_gateway.__main__ import _options
from kernel_gateway.client import find_host, gateway_status, open_sandbox, stop_host
from kernel_gateway.packages import NotOffered, Packages
from kernel_gateway.wheels import NoPackages, Wheel, Wheels
from tests.kernel_gateway.wheels import make_wheel

_PASSWORD = "the-operators-secret"
_SPOIL = "import pathlib; pathlib.Path('{mark}').write_text('it ran')\n"


@dataclass
class Index:
    """An operator's index, served on the loopback. Pages name every file in `folder`; `wrong` is added to digests."""

    folder: Path
    url: str = ""
    asked: list[str] = field(default_factory=list)
    wrong: str = ""
    hold: threading.Event = field(default_factory=threading.Event)

    def count(self, part: str) -> int:
        return sum(part in path for path in self.asked)


class _Pages(BaseHTTPRequestHandler):
    def __init__(self, index: Index, *args: object) -> None:
        self.index = index
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.index.asked.append(self.path)
        _, kind, name, *_ = [*self.path.split("/"), "", ""]
        if kind == "simple" and name == "slow":
            self.index.hold.wait(300)
        if kind == "simple":
            body = self.page(name)
        else:
            file = self.index.folder / urllib.parse.unquote(name)
            body = file.read_bytes() if file.is_file() else b""
        self.send_response(200 if body else 404)
        self.send_header("content-type", "text/html" if kind == "simple" else "application/octet-stream")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def page(self, name: str) -> bytes:
        files = [one for one in self.index.folder.iterdir() if one.name.split("-")[0].replace("_", "-") == name]
        links = ""
        for one in files:
            digest = hashlib.sha256(one.read_bytes() + self.index.wrong.encode()).hexdigest()
            links += f'<a href="/files/{one.name}#sha256={digest}">{one.name}</a>\n'
        return links.encode()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    index = Index(tmp_path_factory.mktemp("index"))
    make = partial(make_wheel, index.folder)
    make("moo", "1.0", "V = 1\ndef main(): print('moo one')\n", ("mootools>=1; extra == 'loud'",))
    make("moo", "2.0", "V = 2\ndef main(): print('moo two')\n", ("mootools>=1; extra == 'loud'",))
    make("mootools", "1.1", "V = 11\n")
    make("six", "99.0", "V = 99\n")  # of which sandboxes have another already
    make("once", "1.0", "def main(): print('once')\n")
    mark = index.folder.parent / "marked"
    spoil = _SPOIL.format(mark=mark)
    scripts = {"scripts/python": f"#!/bin/sh\ntouch {mark}\n"}
    make("spoilt", "1.0", "", more={"spoilt.pth": spoil.strip() + "\n", "sitecustomize.py": spoil, **scripts})
    (index.folder / "built-1.0.tar.gz").write_bytes(b"not a wheel")
    make("elsewhere", "1.0", "").rename(index.folder / "elsewhere-1.0-py3-none-win_amd64.whl")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Pages, index)) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        index.url = f"http://127.0.0.1:{server.server_port}"
        yield index
        index.hold.set()
        server.shutdown()


def _environment(url: str) -> dict[str, str]:
    """This process's, with pip's configuration replaced by one index, which wants a password."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    secret = url.replace("://", f"://operator:{_PASSWORD}@")
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": f"{secret}/simple"}


@pytest.fixture(scope="module")
def host(gateways, index: Index, tmp_path_factory):
    running = gateways(tmp_path_factory.mktemp("packages"), env=_environment(index.url))
    yield running
    running.stop()


@pytest.fixture
def sandbox(host) -> Iterator[Sandbox]:
    made = Sandbox.create(timeout=600, **host.connection)
    yield made
    made.kill()


def _refusal(sandbox: Sandbox, command: str) -> str:
    with pytest.raises(CommandExitException) as failed:
        sandbox.commands.run(command, timeout=180)
    return failed.value.stdout + failed.value.stderr


def test_pip_installs_shows_and_removes_as_in_any_environment(sandbox: Sandbox) -> None:
    said = sandbox.commands.run("pip install 'moo[loud]==1.0' && moo", timeout=180).stdout
    assert "Successfully installed moo-1.0 mootools-1.1" in said
    assert said.endswith("moo one\n")
    assert "Version: 1.0" in sandbox.commands.run("pip show moo").stdout
    assert sandbox.commands.run("python -m pip install -q -U moo; moo", timeout=180).stdout == "moo two\n"
    sandbox.files.write("requirements.txt", "moo==1.0\n# a remark\nmootools\n")
    sandbox.commands.run("python -m pip install -q -r requirements.txt", timeout=180)
    listed = sandbox.commands.run("pip list --format=freeze | grep moo").stdout
    assert listed.split() == ["moo==1.0", "mootools==1.1"]
    sandbox.commands.run("pip uninstall -y moo")
    assert _refusal(sandbox, "python -c 'import moo'").endswith("No module named 'moo'\n")


def test_from_a_cell_too_and_one_imported_before_is_told_as_pip_tells(sandbox: Sandbox) -> None:
    done = sandbox.run_code("%pip install moo==1.0\nimport moo; moo.V", timeout=180)
    assert (done.error, done.text) == (None, "1")
    assert "you may need to restart the kernel" in "".join(done.logs.stdout)
    assert "\x1b" not in "".join(done.logs.stdout)
    again = sandbox.run_code("!pip install -U moo\nmoo.V", timeout=180)
    assert again.text == "1"  # until the kernel starts again, as everywhere
    assert "Successfully installed moo-2.0" in "".join(again.logs.stdout)
    assert sandbox.run_code("import importlib; importlib.reload(moo).V").text == "2"


@pytest.mark.skipif(shutil.which("uv", path=f"{Path(sys.executable).parent}") is None, reason="uv is not installed")
def test_uv_installs_to_the_same_place(sandbox: Sandbox) -> None:
    sandbox.commands.run("uv pip install 'moo[loud]'", timeout=180)
    assert sandbox.commands.run("moo; pip show mootools | grep Version").stdout == "moo two\nVersion: 1.1\n"
    assert "uvloop" in _refusal(sandbox, "uv pip install uvloop==0.1")


def test_a_venv_of_a_users_own_finds_the_same_index(sandbox: Sandbox) -> None:
    sandbox.commands.run("python -m venv own && own/bin/pip install -q moo && own/bin/moo", timeout=180)
    assert _refusal(sandbox, "moo")


def test_a_wheel_is_fetched_once_for_all_sandboxes(host, index: Index) -> None:
    for _ in range(2):
        made = Sandbox.create(timeout=300, **host.connection)
        assert made.commands.run("pip install -q once && once", timeout=180).stdout == "once\n"
        made.kill()
    assert index.count("/files/once") == 1
    kept = {one.name: one for one in (host.home / "gateway" / "packages").iterdir()}
    digest = hashlib.sha256((index.folder / "once-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    assert kept[digest].read_bytes() == (index.folder / "once-1.0-py3-none-any.whl").read_bytes()


def test_what_a_wheel_would_run_runs_inside_alone(sandbox: Sandbox, index: Index) -> None:
    mark = index.folder.parent / "marked"
    sandbox.commands.run(f"mkdir -p {mark.parent} && pip install -q spoilt && python3 -c pass", timeout=180)
    assert sandbox.commands.run(f"cat {mark}").stdout == "it ran"
    assert not mark.exists()


@pytest.mark.parametrize("name", ["built", "elsewhere", "nowhere-at-all"])
def test_only_wheels_that_fit_this_machine_are_offered(sandbox: Sandbox, index: Index, name: str) -> None:
    assert f"No matching distribution found for {name}" in _refusal(sandbox, f"pip install {name}")
    assert index.count(f"/files/{name}") == 0


def test_what_the_service_runs_with_stays_as_it_is(sandbox: Sandbox) -> None:
    said = _refusal(sandbox, "pip install ipykernel==1.0")
    assert "The user requested (constraint) ipykernel==" in said


def test_a_template_has_what_pip_put_into_it(host, index: Index) -> None:
    said: list[str] = []
    version = ".".join(platform.python_version_tuple()[:2])
    steps = Template().from_python_image(version).pip_install(["moo[loud]==1.0"]).set_envs({"MODE": "test"})
    steps = steps.set_user("root").run_cmd("pip install once && once > /opt/said").set_user("user")
    Template.build(steps, "mooing", on_build_logs=lambda entry: said.append(entry.message), **host.connection)
    assert "Successfully installed moo-1.0 mootools-1.1" in said
    before = len(index.asked)
    with Sandbox.create("mooing", timeout=300, **host.connection) as made:
        assert made.commands.run("moo; cat /opt/said; echo $MODE").stdout == "moo one\nonce\ntest\n"
        assert made.run_code("import mootools, moo; moo.V + mootools.V").text == "12"
        with made.fork(timeout=300)[0] as fork:
            assert fork.run_code("import moo; moo.V").text == "1"
    assert index.asked[before:] == []
    Sandbox.delete_snapshot("mooing", **host.connection)


def test_one_of_the_environments_own_can_be_replaced_and_the_next_kernel_has_it(sandbox: Sandbox) -> None:
    assert sandbox.run_code("import six, pandas; six.__version__").text != "99"
    said = sandbox.commands.run("pip install -U six", timeout=180).stdout
    assert "Successfully uninstalled six" in said
    assert "Successfully installed six-99.0" in said
    context = sandbox.create_code_context()
    assert sandbox.run_code("import six; six.V", context=context).text == "99"
    with sandbox.fork(timeout=300)[0] as fork:
        assert fork.run_code("import six; six.V").text == "99"
        assert fork.run_code("import pandas, matplotlib.pyplot as p; p.plot([1]); p.show()").results[0].png
    fresh = Sandbox.create(timeout=300, **sandbox.connection_config.get_api_params())
    assert fresh.run_code("import six; hasattr(six, 'V')").text == "False"
    fresh.kill()


def test_a_file_that_is_not_what_the_index_says_is_not_kept(sandbox: Sandbox, host, index: Index) -> None:
    make_wheel(index.folder, "wronged", "1.0", "")
    index.wrong = "!"
    try:
        assert "wronged" in _refusal(sandbox, "pip install wronged")
    finally:
        index.wrong = ""
    digest = hashlib.sha256((index.folder / "wronged-1.0-py3-none-any.whl").read_bytes() + b"!").hexdigest()
    assert not list((host.home / "gateway" / "packages").glob(f"{digest}*"))
    assert not list((host.home / "gateway" / "packages").glob("*.part"))


def _raw(sandbox: Sandbox, request: str) -> str:
    """What the way out says to this request."""
    done = sandbox.run_code(f"""
import socket
with socket.create_connection(("127.0.0.1", 49981), 20) as way:
    way.sendall({request!r}.encode("latin-1"))
    said = b""
    while chunk := way.recv(65536):
        said += chunk
print(said.decode("latin-1"))""")
    assert done.error is None, done.error
    return "".join(done.logs.stdout)


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /simple/ HTTP/1.1",
        "GET /simple/../../../etc/passwd HTTP/1.1",
        "GET /simple/%2e%2e%2f%2e%2e%2fetc/ HTTP/1.1",
        "GET /simple/moo%00/ HTTP/1.1",
        "GET /simple/moo/../six/ HTTP/1.1",
        "GET /simple/http:%2f%2f127.0.0.1%2f/ HTTP/1.1",
        "GET //127.0.0.1:{port}/simple/moo/ HTTP/1.1",
        "GET /files/moo/{key}/moo-1.0-py3-none-any.whl HTTP/1.1",
        "GET /files/moo/../../../../etc/passwd HTTP/1.1",
        "GET /files/moo/{key}/..%2f..%2fendpoint.json HTTP/1.1",
        "GET /endpoint.json HTTP/1.1",
        "POST /simple/moo/ HTTP/1.1",
        "PUT /files/moo/{key}/moo.whl HTTP/1.1",
        "GET http://127.0.0.1:{port}/simple/moo/ HTTP/1.1",
        "CONNECT 127.0.0.1:{port} HTTP/1.1",
        "GET http://pypi.org/simple/ HTTP/1.1",
    ],
)
def test_nothing_but_a_name_and_its_listed_files_can_be_asked_for(
    sandbox: Sandbox, index: Index, request_line: str
) -> None:
    port = index.url.rpartition(":")[2]
    before = len(index.asked)
    said = _raw(sandbox, f"{request_line.format(port=port, key='0' * 64)}\r\nHost: any\r\nContent-Length: 0\r\n\r\n")
    assert said.split()[1] in ("403", "404", "405")
    assert [path for path in index.asked[before:] if path != "/simple/moo/"] == []


@pytest.mark.parametrize(
    "options",
    [
        "--index-url {url}/simple mootools",
        "--extra-index-url {url}/simple nothing",
        "{url}/files/moo-1.0-py3-none-any.whl",
        "-e git+{url}/moo.git#egg=moo",
        "git+{url}/moo.git",
        "moo@{url}/files/moo-1.0-py3-none-any.whl",
        "--proxy http://127.0.0.1:49981 --index-url http://127.0.0.2/simple moo",
    ],
)
def test_an_address_in_an_order_reaches_nobody(sandbox: Sandbox, index: Index, options: str) -> None:
    before = len(index.asked)
    _refusal(sandbox, f"pip install --retries 0 --timeout 5 {options.format(url=index.url)}")
    assert [path for path in index.asked[before:] if path.startswith("/files") or "mootools" in path] == []


def test_the_operators_password_stays_outside(sandbox: Sandbox) -> None:
    said = sandbox.commands.run("pip install -vvv moo 2>&1; env; cat /etc/pip.conf /etc/uv/uv.toml", timeout=180).stdout
    said += _raw(sandbox, "GET /simple/moo/ HTTP/1.1\r\nHost: any\r\n\r\n")
    said += _raw(sandbox, "GET /constraints.txt HTTP/1.1\r\nHost: any\r\n\r\n")
    assert "pyzmq==" in said
    assert _PASSWORD not in said


def test_an_index_that_hangs_holds_up_nobody_else(sandbox: Sandbox, index: Index) -> None:
    waiting = sandbox.commands.run("pip install slow", background=True)
    assert sandbox.run_code("6 * 7").text == "42"
    assert sandbox.commands.run("pip install -q moo && moo", timeout=180).stdout == "moo two\n"
    waiting.kill()
    index.hold.set()


def test_where_no_index_answers_one_sentence_says_so(gateways, tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as closed:
        url = f"http://127.0.0.1:{closed.server_port}"
    running = gateways(tmp_path, "--parked", "0", env=_environment(url))
    try:
        with Sandbox.create(timeout=300, **running.connection) as made:
            said = _refusal(made, "pip install moo 2>&1 | grep -v 'Looking in'; exit ${PIPESTATUS[0]}")
            assert said.count("\n") == 1
            assert "cannot be reached; `pip config list` there shows" in said
    finally:
        running.stop()


async def test_a_gateway_of_gristmills_own_is_told_of_index_and_leave_and_says_how_to_give_it(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _options(["--no-packages"]).packages == "0", "as the variable says it"
    for name, value in {**_environment(index.url), "GRISTMILL_PACKAGES": "0", "OPENAI_API_KEY": "sk-secret"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("E2B_API_KEY", raising=False)
    host = await find_host(tmp_path)
    try:
        status = gateway_status(tmp_path)
        assert status is not None
        told = Path(f"/proc/{status.pid}/environ").read_bytes()  # noqa: ASYNC240 - a look at a local file
        assert _PASSWORD.encode() in told
        assert b"sk-secret" not in told
        sandbox, before = await open_sandbox(host, timeout=120), len(index.asked)
        with pytest.raises(CommandExitException) as failed:
            await sandbox.commands.run(
                "pip install moo 2>&1 | grep -v 'Looking in'; exit ${PIPESTATUS[0]}", timeout=180
            )
        assert failed.value.stdout.count("\n") == 1
        assert "start it with --allow-packages" in failed.value.stdout
        assert "Version" in (await sandbox.commands.run("pip show numpy")).stdout
        assert len(index.asked) == before
    finally:
        await stop_host(host, tmp_path)


async def _read(wheels: Wheels, wheel: Wheel) -> bytes:
    _, blocks = await wheels.open(wheel)
    return b"".join([block async for block in blocks])


async def test_what_is_kept_stays_within_its_bounds(index: Index, tmp_path: Path, monkeypatch) -> None:
    for name, value in _environment(index.url).items():
        monkeypatch.setenv(name, value)
    size = (index.folder / "mootools-1.1-py3-none-any.whl").stat().st_size
    wheels = Wheels(tmp_path / "kept", space=3 * size, largest=2 * size)
    try:
        names = ("moo", "mootools", "once", "six")
        found: list[Wheel] = [wheel for name in names for wheel in await wheels.list(name)]
        assert len(found) == 5
        for wheel in found:
            assert hashlib.sha256(await _read(wheels, wheel)).hexdigest() == wheel.sha256
        kept = list((tmp_path / "kept").iterdir())
        assert 0 < sum(one.stat().st_size for one in kept) <= 3 * size
        assert found[-1].key in {one.name for one in kept}  # the last is there, the first is not
        assert found[0].key not in {one.name for one in kept}
    finally:
        await wheels.close()
    small = Wheels(tmp_path / "small", space=3 * size, largest=size // 2)
    try:
        with pytest.raises(NoPackages, match="larger than a sandbox may have"):
            await _read(small, found[0])
        assert list((tmp_path / "small").iterdir()) == []
    finally:
        await small.close()


async def test_without_leave_nothing_is_answered() -> None:
    for path in ("/simple/moo/", "/constraints.txt", "/"):
        with pytest.raises(NotOffered) as refused:
            await Packages(None).answer(path)
        assert refused.value.status == http.client.FORBIDDEN
