"""What hostile code tries against its sandbox, its neighbours and the gateway; each attempt must be stopped."""

# ruff: noqa: ASYNC240 - a look at a local file

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from e2b import SandboxException
from e2b_code_interpreter import AsyncSandbox, Sandbox

from kernel_gateway.groups import Groups, NoGroups
from kernel_gateway.relay import Lost, ask
from tests.kernel_gateway.conftest import those_that

NURSERY = "gristmill-nurse"
MEMORY, PROCESSES = 640, 150  # MiB and tasks: small, so that bombs are cheap


def controllers() -> frozenset[str]:
    try:
        return Groups.find().controllers
    except NoGroups:
        return frozenset()


def group_folders(pid: int) -> list[Path]:
    """The control groups that the gateway `pid` has made and not removed."""
    return [
        Path(at, name) for at, names, _ in os.walk("/sys/fs/cgroup") for name in names if f"gristmill-{pid}-" in name
    ]


needs_memory_group = pytest.mark.skipif("memory" not in controllers(), reason="no memory control group can be made")


@pytest.fixture(scope="module")
def small(gateways, tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """A gateway whose sandboxes may use little."""
    limits = {"GRISTMILL_SANDBOX_MEMORY": str(MEMORY), "GRISTMILL_SANDBOX_PROCESSES": str(PROCESSES)}
    running = gateways(tmp_path_factory.mktemp("small"), "--parked", "0", env={**os.environ, **limits})
    yield running
    running.stop()
    assert group_folders(running.process.pid) == []


@pytest.fixture
async def victim(small) -> AsyncIterator[AsyncSandbox]:
    made = await AsyncSandbox.create(timeout=280, **small.connection)
    yield made
    await made.kill()


ATTEMPTS = {
    "another sandbox's memory": "open('/proc/1/mem', 'rb').read(1)",
    "the host's kernel memory": "open('/proc/kcore', 'rb').read(1)",
    "the kernel's log": "open('/dev/kmsg').read(1)",
    "a disk of the host": "open('/dev/sda', 'rb').read(1)",
    "the container runtime's socket": "connect('/var/run/docker.sock')",
    "the message bus": "connect('/run/dbus/system_bus_socket')",
    "the gateway's sockets": "os.listdir(HOME)",
    "the gateway's key": "open(HOME + '/endpoint.json').read()",
    "the gateway's process": "os.kill(GATEWAY, 9)",
    "the gateway's process by handle": "os.pidfd_open(GATEWAY)",
    "tracing its own init": "check(libc.ptrace(16, 1, None, None))",
    "a keyring": "check(libc.syscall(250 if X86 else 219, 0, -3, 1))",
    "becoming another user": "os.setresuid(0, 0, 0)",
    "another group": "os.setgroups([0])",
    "a file that runs as root": "os.chown('/tmp', 0, 0)",
    "a hard link to a program of the system": "os.link('/usr/bin/env', '/home/user/env')",
    "the system through a link of its own": "os.symlink('/usr', '/tmp/usr'); open('/tmp/usr/x', 'w')",
    "its own service's code": "open('/opt/gristmill/kernel_gateway/inside/service.py', 'a')",
    "its service's code by another name": "os.rename('/opt/gristmill/kernel_gateway/inside', '/tmp/inside')",
    "a program of the system, in its place": "open('/usr/bin/env', 'r+b')",
    "the rights of a program of the system": "os.chmod('/usr/bin/env', 0o4777)",
    "a library that its service has loaded": "open(os.__file__, 'a') if os.geteuid() else open('/usr/bin/env', 'a')",
    "a disk in a new folder": "os.mkdir('/disk'); os.mknod('/disk/sda', 0o60600, os.makedev(8, 0))",
    "a disk in a layer": "os.mknod('/run/layers/%2Fusr/upper/sda', 0o60600, os.makedev(8, 0))",
    "what lies beneath a layer": "check(libc.umount2(b'/usr', 2))",
    "a layer of its own": "check(libc.mount(b'overlay', b'/mnt', b'overlay', 0, b'lowerdir=/usr'))",
    "a mount over the system": "check(libc.mount(b'/tmp', b'/usr', None, 4096, None))",
    "a larger disk": "check(libc.mount(None, b'/', None, 32, b'size=90%'))",
    "the root with other options": "check(libc.mount(None, b'/', None, 32 | 4096, None))",
    "another root": "check(libc.syscall(155 if X86 else 41, b'/tmp', b'/tmp'))",
    "the sandbox's outer namespace": "check(libc.setns(os.open('/proc/3/ns/user', 0), 0))",
    "its own namespace again": "check(libc.setns(os.open('/proc/1/ns/user', 0), 0))",
    "the seed's memory": "open('/proc/3/mem', 'r+b')",
    "the seed's descriptors": "os.listdir('/proc/3/fd')",
    "the seed's environment": "open('/proc/3/environ').read()",
    "how many namespaces there may be": "open('/proc/sys/user/max_user_namespaces', 'w')",
    "the network's settings": "open('/proc/sys/net/ipv4/ip_forward', 'w')",
    "the map of its users": "put('/proc/self/uid_map', b'0 0 1')",
    "a program that is root on the host": "os.setuid(0) or open('/etc/shadow')",
    "a file of the host by its number": "check(libc.open_by_handle_at(3, None, 0))",
    "taking its limits off": "resource.setrlimit(resource.RLIMIT_NPROC, (9999, 9999))",
    "lifting its control group": "put('/run/limits/limit', b'-1')",
    "being spared when memory runs out": "put('/proc/self/oom_score_adj', b'-1000')",
    "the host's clock": "time.clock_settime(time.CLOCK_REALTIME, 0)",
    "the host's name": "socket.sethostname('evil')",
    "raw frames": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "raw packets": "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
    "a name server": "socket.create_connection(('8.8.8.8', 53), 1)",
    "a multicast neighbour": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('224.0.0.251', 5353))",
    "more open files than its share": "held = [open('/dev/null') for _ in range(10_000)]",
    "a file beyond its disk": "os.posix_fallocate(os.open('/tmp/big', os.O_CREAT | os.O_RDWR), 0, 1 << 40)",
    "more priority than its neighbours": "os.nice(-5)",
    "the processor for itself": "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))",
    "memory that cannot be swapped": "check(libc.mlock(ctypes.create_string_buffer(1 << 28), 1 << 28))",
}

# Root is root already, and a change of owner succeeds without effect.
NOTHING_TO_ROOT = ("becoming another user", "a file that runs as root", "a program that is root on the host")


def attempting(gateway, attempt: str) -> str:
    """Code that makes an attempt and shows what stopped it."""
    return f"""
import ctypes, os, platform, resource, socket, time
HOME, GATEWAY, X86 = {str(gateway.home / "gateway")!r}, {gateway.process.pid}, platform.machine() == "x86_64"
libc = ctypes.CDLL(None, use_errno=True)
def check(answer):
    if answer == -1: raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
def put(path, data): os.write(os.open(path, os.O_WRONLY), data)
def connect(path): socket.socket(socket.AF_UNIX).connect(path)
try:
    {ATTEMPTS[attempt]}
    stopped = ""
except (OSError, ValueError) as error:
    stopped = repr(error)
finally:
    held = None
"""


@pytest.mark.parametrize("attempt", ATTEMPTS)
async def test_a_cell_is_kept_from(gateway, sandbox: AsyncSandbox, attempt: str) -> None:
    done = await sandbox.run_code(attempting(gateway, attempt) + "stopped")
    assert done.error is None
    assert done.text not in ("''", None)


ONE_AFTER_THE_OTHER = """
import json, os
with open("/tmp/attempts.json") as file: attempts = json.load(file)
for name, code in attempts.items():
    if (child := os.fork()) == 0:
        try:
            exec(code, made := {})
            print(json.dumps([name, made["stopped"]]), flush=True)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.fixture(scope="module")
def stopped_root(gateway, shared_id: str) -> dict[str, str]:
    """What stopped each attempt of root's: by one command, which makes each in a process of its own."""
    attempts = {one: attempting(gateway, one) for one in ATTEMPTS if one not in NOTHING_TO_ROOT}
    sandbox = Sandbox.connect(shared_id, timeout=600, **gateway.connection)
    sandbox.files.write("/tmp/attempts.json", json.dumps(attempts))
    sandbox.files.write("/tmp/attempts.py", ONE_AFTER_THE_OTHER)
    done = sandbox.commands.run("python /tmp/attempts.py", user="root", timeout=300)
    return dict(map(json.loads, done.stdout.splitlines()))


@pytest.mark.parametrize("attempt", [one for one in ATTEMPTS if one not in NOTHING_TO_ROOT])
def test_root_is_kept_from(stopped_root: dict[str, str], attempt: str) -> None:
    assert stopped_root[attempt] != ""


async def test_paths_planted_in_a_sandbox_lead_the_host_nowhere(gateway, sandbox: AsyncSandbox) -> None:
    secret = gateway.home / "gateway" / "endpoint.json"
    done = await sandbox.run_code(
        f"import os; os.makedirs('/tmp/plant'); os.chdir('/tmp/plant'); os.symlink({str(secret)!r}, 'key')\n"
        "os.symlink('/etc/shadow', 'shadow'); os.mkfifo('plot.png'); os.symlink('/', 'root'); os.chdir('/home/user')"
    )
    assert done.error is None
    key = secret.read_text()
    async with asyncio.timeout(300):
        for name in ("key", "shadow", "plot.png", f"root{secret}", "../../etc/shadow", "root/proc/1/environ"):
            try:
                content = await sandbox.files.read(f"/tmp/plant/{name}")
            except SandboxException:
                continue
            assert gateway.key not in content
            assert key not in content
            assert "root:" not in content
        for name in ("/usr/planted", "../../../../etc/planted", "/tmp/plant/root/etc/planted-too"):
            await sandbox.files.write(name, "x", user="root")
        assert await sandbox.files.read("/etc/planted-too") == "x"
    for place in ("/usr/planted", "/etc/planted", "/etc/planted-too"):
        assert not os.path.lexists(place)


async def test_one_sandbox_sees_nothing_of_another(sandbox: AsyncSandbox, fresh: AsyncSandbox) -> None:
    for place in ("/home/user/secret", "/tmp/secret", "/dev/shm/secret", "/var/tmp/secret"):
        await fresh.files.write(place, "mine")
        assert not await sandbox.files.exists(place)
    await fresh.run_code("import socket; s = socket.socket(socket.AF_UNIX); s.bind('\\0here'); s.listen()")
    done = await sandbox.run_code("import socket; socket.socket(socket.AF_UNIX).connect('\\0here')")
    assert done.error is not None
    assert done.error.name == "ConnectionRefusedError"


async def test_whatever_a_cell_may_write_to_is_bound_as_the_cell_is(sandbox: AsyncSandbox) -> None:
    done = await sandbox.run_code("""
import os
bounds = set()
for pid in filter(str.isdigit, os.listdir("/proc")):
    try: open(f"/proc/{pid}/mem", "r+b").close()
    except OSError: continue
    limits = [line.split()[-3] for line in open(f"/proc/{pid}/limits") if "processes" in line or "address" in line]
    bounds.add((*limits, open(f"/proc/{pid}/cgroup").read()))
[len(bounds), len(os.listdir(f"/proc/1/task"))]""")
    assert done.results[0].json == [1, 1]


async def test_a_sandboxs_memory_names_no_other_sandbox(fresh: AsyncSandbox) -> None:
    done = await fresh.run_code("""
import re
found = set()
with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
    for words in map(str.split, maps.read().splitlines()):
        if words[1] == "rw-p" and words[5:] in ([], ["[heap]"]):
            first, last = (int(word, 16) for word in words[0].split("-"))
            memory.seek(first)
            found |= set(re.findall(rb"\\bi[0-9a-f]{20}\\b", memory.read(last - first)))
sorted(one.decode() for one in found)""")
    assert done.results[0].json == [fresh.sandbox_id]


async def test_forged_messages_neither_end_a_cell_nor_break_the_service(fresh: AsyncSandbox) -> None:
    code = """
kernel = get_ipython().kernel
parent = kernel.get_parent()
for kind, content in [("stream", {}), ("stream", {"name": 5, "text": []}), ("display_data", {"data": 7}), ("error", {}),
                      ("status", {}), ("execute_result", {"data": {"image/png": {}}}), ("nonsense", {"a": None})]:
    kernel.session.send(kernel.iopub_socket, kind, content, parent=parent)
kernel.iopub_socket.send_multipart([b"<IDS|MSG>", b"bad", b"{", b"{", b"{", b"{"])
print("end")"""
    done = await fresh.run_code(code)
    assert "".join(done.logs.stdout).endswith("end\n")
    assert (await fresh.run_code("1 + 1")).text == "2"


LIES = {
    "headers without end": (b"HTTP/1.1 200 OK\r\n", b"x: " + b"y" * 1000 + b"\r\n"),
    "a header without end": (b"HTTP/1.1 200 OK\r\nx: ", b"y" * 1000),
    "trailers without end": (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n",
        b"x: " + b"y" * 1000 + b"\r\n",
    ),
    "answers that are none": (b"", b"HTTP/1.1 103 Soon\r\nx: y\r\n\r\n"),
    "a body without end": (b"HTTP/1.1 200 OK\r\n\r\n", b"y" * 1000),
    "another protocol": (b"HTTP/1.1 101 So\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n", b"y"),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_service_that_was_taken_over_fills_nobodys_memory(lie: str, tmp_path: Path) -> None:
    first, again = LIES[lie]
    said = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal said
        await reader.readuntil(b"\r\n\r\n")
        writer.write(first)
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(again * 100)
                said += len(again) * 100
                await writer.drain()
        writer.close()

    address = str(tmp_path / "service")
    async with asyncio.timeout(300), await asyncio.start_unix_server(answer, address):
        with pytest.raises(Lost):
            await ask(address, "GET", "/metrics")
    assert said < 16 << 20


async def test_what_a_server_says_beside_its_answer_is_no_part_of_it(tmp_path: Path) -> None:
    around = b"HTTP/1.1 103 Soon\r\nx: y\r\n\r\n", b"HTTP/1.1 403 No\r\ncontent-length: 4\r\n\r\nevil"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(around[0] + b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood" + around[1])
        writer.close()

    address = str(tmp_path / "service")
    async with await asyncio.start_unix_server(answer, address):
        assert await ask(address, "GET", "/metrics") == (200, b"good")


def test_a_port_in_other_digits_is_no_port(gateway, shared_id: str) -> None:
    for port in ("\u00b2", "0", "65536", "-1", "1" * 5000):
        headers = {"E2b-Sandbox-Id": shared_id.encode(), "E2b-Sandbox-Port": port.encode("latin-1")}
        assert httpx.get(f"{gateway.url}/", headers=headers, trust_env=False).status_code == 400


async def test_a_page_among_a_sandboxs_files_runs_nothing_in_the_gateways_origin(sandbox: AsyncSandbox) -> None:
    await sandbox.files.write("/tmp/page.html", "<script>fetch('/health')</script>")
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(sandbox.download_url("/tmp/page.html"))
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_nested_json_is_refused_by_gateway_and_sandbox_alike(gateway, shared_id: str) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    with httpx.Client(base_url=gateway.url, trust_env=False) as client:
        answer = client.post("/v2/sandboxes", content=deep, headers={"X-API-KEY": gateway.key})
        assert 400 <= answer.status_code < 500
        assert client.get("/health", headers={"X-API-KEY": gateway.key}).status_code == 200


async def test_a_nested_value_is_shown_or_refused_but_ends_nothing(fresh: AsyncSandbox) -> None:
    await fresh.run_code("deep = []\nfor _ in range(100_000): deep = [deep]\ndeep")
    assert (await fresh.run_code("1 + 1")).text == "2"


async def test_forged_marks_in_a_layer_show_and_change_nothing_of_the_hosts(gateway, fresh: AsyncSandbox) -> None:
    """Marks that the kernel keeps in an upper layer, made by hand: removals, opaque folders, redirections."""
    before = {name: os.lstat(f"/usr/bin/{name}") for name in ("env", "cut")}
    done = await fresh.commands.run(
        "cd /run/layers/%2Fusr/upper && mknod bin/cut c 0 0; mkdir -p share/away lib/away && "
        "python -c 'import os; "
        'os.setxattr("share/away", "user.overlay.redirect", b"/../etc"); '
        'os.setxattr("lib/away", "user.overlay.opaque", b"y"); '
        'os.setxattr("bin", "user.overlay.redirect", b"/../../root")\'; '
        "ln -s / share/root; ln -sfn /etc bin/link; ls /usr/share/away /usr/share/root/etc/shadow 2>&1; true"
    )
    assert "root:" not in done.stdout
    assert (await fresh.run_code("import os; os.path.exists('/usr/share/away/shadow')")).text == "False"
    assert {name: os.lstat(f"/usr/bin/{name}") for name in before} == before
    assert not os.path.lexists("/usr/share/away")
    snapshot = await fresh.create_snapshot()
    await AsyncSandbox.delete_snapshot(snapshot.snapshot_id, **gateway.connection)


async def test_roots_door_survives_what_is_no_request(fresh: AsyncSandbox) -> None:
    done = await fresh.run_code("""
import os, socket
held = []
for number in range(100):
    line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    line.connect("/run/gristmill/root.sock")
    if number % 4 == 1: line.send(b"x")
    if number % 4 == 2: socket.send_fds(line, [b"x"], [0] * 9)
    if number % 4 == 3: socket.send_fds(line, [b"x"], [os.open("/dev/zero", os.O_RDONLY), 0, 1, 2])
    held.append(line)
""")
    assert done.error is None
    assert (await fresh.commands.run("id -u", user="root")).stdout == "0\n"
    await fresh.create_code_context()
    assert (await fresh.run_code("held = None; 1 + 1")).text == "2"


async def test_a_crash_leaves_no_core(fresh: AsyncSandbox) -> None:
    done = await fresh.run_code(
        "import os, subprocess, sys; s = subprocess.run([sys.executable, '-c', 'import os; os.abort()']).returncode\n"
        "[s, [n for n in os.listdir('.') if n.startswith('core')]]"
    )
    assert done.results[0].json == [-6, []]


async def test_everything_in_a_sandbox_stopped_it_is_still_ended(gateway, processes_of, soon, gone) -> None:
    made = await AsyncSandbox.create(timeout=300, **gateway.connection)
    await made.run_code("1")
    code = """
import os, signal
for name in os.listdir('/proc'):
    if name.isdigit() and int(name) not in (1, os.getpid()): os.kill(int(name), signal.SIGSTOP)"""
    cell = asyncio.create_task(made.run_code(code))

    async def stopped() -> list[psutil.Process]:
        return those_that(processes_of(gateway.process.pid), lambda one: one.status() == psutil.STATUS_STOPPED)

    async def ended() -> bool:
        return all(map(gone, ending))

    await soon(stopped)
    ending = await stopped()
    assert await made.kill()
    with pytest.raises((SandboxException, httpx.HTTPError)):
        await asyncio.wait_for(cell, 300)
    await soon(ended)


_TAKES_OVER = """
import os, signal, struct, time
end = time.monotonic() + 300
register = {"rax": b"\\x48\\xb8", "rdi": b"\\x48\\xbf", "rsi": b"\\x48\\xbe"}
def put(name, value): return register[name] + struct.pack("<Q", value)
# prctl(PR_SET_PDEATHSIG, 0), then pause() for ever: neither heeds the end of what it waits for any more.
code = put("rax", 157) + put("rdi", 1) + put("rsi", 0) + b"\\x0f\\x05" + put("rax", 34) + b"\\x0f\\x05" + b"\\xeb\\xf2"
def where(pid): return open(f"/proc/{pid}/syscall").read().split()
for pid in (2, 1):
    while where(pid) == ["running"] and time.monotonic() < end: time.sleep(0.01)
    with open(f"/proc/{pid}/mem", "r+b", 0) as memory:
        memory.seek(int(where(pid)[-1], 16) - 2)
        memory.write(b"\\x90\\x90" + code)
os.kill(2, signal.SIGSTOP)
while open("/proc/2/stat").read().rpartition(")")[2].split()[0] != "T" and time.monotonic() < end: time.sleep(0.01)
os.kill(2, signal.SIGCONT)
if (child := os.fork()) == 0:
    os._exit(0) if os.fork() else (time.sleep(0.05), os._exit(0))  # an orphan, which wakes the init
os.waitpid(child, 0)
while (state := [where(1)[0], where(2)[0]]) != ["34", "34"] and time.monotonic() < end: time.sleep(0.01)
state"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="what is written into them is that machine's code")
async def test_sandboxes_that_have_taken_over_their_inits_end_with_a_killed_gateway(
    gateways, processes_of, eventually, gone, tmp_path: Path
) -> None:
    """One that came of the nursery that there is, and one of an earlier nursery."""
    running = gateways(tmp_path, "--parked", "0")
    made = await AsyncSandbox.create(timeout=300, **running.connection)
    children = psutil.Process(running.process.pid).children()
    for process in those_that(children, lambda one: one.name() == NURSERY):
        process.kill()
        eventually(lambda process=process: gone(process), "the end of the nursery")
    another = await AsyncSandbox.create(timeout=300, **running.connection)  # when it is there, so is the next nursery
    for sandbox in (made, another):
        assert (await sandbox.run_code(_TAKES_OVER)).results[0].json == ["34", "34"]
    inside = processes_of(running.process.pid)
    running.process.kill()
    running.process.wait()
    eventually(lambda: all(map(gone, inside)), "the end of every process")


@needs_memory_group
async def test_a_memory_bomb_ends_with_the_limits_name(victim: AsyncSandbox) -> None:
    done = await victim.run_code("held = []\nwhile True: held.append(bytearray(1 << 24))", timeout=200)
    assert done.error is not None
    assert done.error.name == "KernelDied"
    assert "killed: 0.6 GiB memory limit" in done.error.value
    assert (await victim.run_code("'alive'")).text == "alive"
    # Several processes are counted together, as no limit on each could. Each is larger than the kernel, whose size
    # counts to the kernel of the machine though it shares most of it with every other.
    code = """
import subprocess, sys
eat = "b = bytearray(200 << 20); print(end='.', flush=True); import time; time.sleep(300)"
children, first = [], None
while first is None:  # one after the other, since all at once would be smaller than the kernel when memory runs out
    children.append(subprocess.Popen([sys.executable, "-c", eat], stdout=subprocess.PIPE))
    children[-1].stdout.read(1)
    first = next((c.returncode for c in children if c.poll() is not None), None)
for c in children: c.kill()
first"""
    assert (await victim.run_code(code, timeout=200)).text == "-9"


@pytest.mark.parametrize("folder", ["/home/user", "/data", "/usr/local/lib", "/var/tmp", "/dev"])
async def test_a_disk_bomb_is_an_error_and_not_the_hosts_memory(victim: AsyncSandbox, folder: str) -> None:
    code = (
        f"folder = {folder!r}"
        + """
import errno, os
try:
    number = 0
    os.makedirs(folder, exist_ok=True)
    for number in range(10_000):
        with open(f"{folder}/{number}", "wb") as file: file.write(bytes(1 << 24))
except OSError as full: print(number << 24, errno.errorcode[full.errno])"""
    )
    done = await victim.run_code(code, timeout=200)
    assert done.error is None, done.error
    written, reason = "".join(done.logs.stdout).split()
    assert reason == ("EROFS" if folder == "/dev" else "ENOSPC")
    assert int(written) <= MEMORY << 20


async def test_a_fork_bomb_stays_in_its_share_and_its_neighbour_answers(
    small, victim, processes_of, eventually
) -> None:
    neighbour = await AsyncSandbox.create(timeout=280, **small.connection)
    await neighbour.run_code("1")
    before = set(processes_of(small.process.pid))
    await victim.commands.run("bash -c ':(){ :|:& };:' >/dev/null 2>&1 &", background=True)
    eventually(lambda: len(set(processes_of(small.process.pid)) - before) > PROCESSES // 4, "the bomb")
    counts = []
    async with asyncio.timeout(300):
        for _ in range(5):
            counts.append(len(set(processes_of(small.process.pid)) - before))
            assert (await neighbour.run_code("1")).text == "1"
    assert min(counts) <= PROCESSES  # each counts some that ended and some that began while it was counting
    await victim.kill()
    await neighbour.kill()
    eventually(lambda: not processes_of(small.process.pid), "the end of every process")


@needs_memory_group
def test_a_gateway_that_was_killed_leaves_no_control_group_to_the_next(gateways, eventually, tmp_path: Path) -> None:
    running = gateways(tmp_path)
    assert group_folders(running.process.pid) != []
    running.process.kill()
    running.process.wait()

    def swept() -> bool:
        Groups.find()  # as the next gateway does at its start
        return group_folders(running.process.pid) == []

    eventually(swept, "the removal of its control groups")
