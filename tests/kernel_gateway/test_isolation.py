"""What code in a sandbox must not reach, tried from a cell of a real kernel and by the gateway's own probes."""

import contextlib
import os
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from e2b_code_interpreter import AsyncSandbox

from kernel_gateway import self_check
from kernel_gateway.errors import NoIsolation
from kernel_gateway.inside import probes
from kernel_gateway.isolation import check_bubblewrap, python_binds
from kernel_gateway.outside import ordinary
from kernel_gateway.sizes import Sizes
from kernel_gateway.trial import run_inside
from tests.kernel_gateway.conftest import those_that

PACKAGE = str(Path(probes.__file__).resolve().parents[1])
INSIDE = "/opt/gristmill/kernel_gateway"


def test_every_probe_fails_in_a_sandbox() -> None:
    report = {check.name: check for check in self_check.isolation_report()}
    assert {one.__name__.replace("_", " ") for one in probes.PROBES} <= set(report)
    assert [check for check in report.values() if check.required and not check.enforced] == []


def test_probes_notice_when_nothing_holds(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary")
    facts = {"canary": "canary", "canary_file": str(secret), "sizes": {"/tmp": 1}}
    assert "canary" in probes.read_gateway_home(facts)
    assert "in sight" in probes.see_host_processes(facts)
    assert "/tmp holds" in probes.fill_memory_with_files(facts)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0gristmill-test")
        listener.listen()
        assert probes.reach_abstract_socket({"abstract": "gristmill-test"}) == "connected"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert probes.reach_host_loopback({"port": listener.getsockname()[1]}) == "connected"


def test_a_sandbox_that_does_not_hold_is_not_started(tmp_path: Path) -> None:
    leaky = tmp_path / "bwrap"
    real = shutil.which("bwrap")
    leaky.write_text(
        f"#!{sys.executable}\nimport os, sys\n"
        f"info = sys.argv[sys.argv.index('--info-fd') + 1:]\n"
        "apart = '--unshare-all --unshare-user --disable-userns --uid 1000 --gid 1000 --ro-bind / / --proc /proc'\n"
        "mine = ' --dev /dev --tmpfs /opt --tmpfs /home --dir /home/user --tmpfs /run'\n"
        f"os.execv({real!r}, ['bwrap', '--info-fd', info[0], *(apart + mine).split(), "
        f"'--ro-bind', {PACKAGE!r}, {INSIDE!r}, *info[1:]])\n"
    )
    leaky.chmod(leaky.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(NoIsolation, match=r"do not hold.*read gateway home"):
        self_check.require_isolation(str(leaky), Sizes.of_machine(), ordinary())


def test_a_trial_that_does_not_end_is_ended() -> None:
    outside = ordinary()
    with pytest.raises(subprocess.TimeoutExpired):
        run_inside(check_bubblewrap(outside), Sizes.of_machine(), outside, ["/usr/bin/sleep", "600"], 0.5)


def test_a_bubblewrap_that_fails_is_reported_with_its_reason(tmp_path: Path, monkeypatch) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(NoIsolation, match="No permissions to create new namespace"):
        check_bubblewrap(ordinary())
    assert [check.enforced for check in self_check.isolation_report()] == [False]


def test_the_python_environment_is_bound_whole() -> None:
    targets = [target for _, target in python_binds()]
    for place in (Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve()):
        assert any(place.is_relative_to(t) for t in targets) or place.is_relative_to("/usr")


async def test_a_cell_sees_nothing_of_the_hosts_environment(sandbox: AsyncSandbox) -> None:
    code = """
import glob
seen = ''
for place in glob.glob('/proc/[0-9]*/environ') + glob.glob('/proc/[0-9]*/cmdline'):
    try: seen += open(place).read()
    except OSError: pass
seen"""
    seen = (await sandbox.run_code(code)).text
    for name in ("PYTEST", "E2B_API", "gateway.lock", "--home", "GRISTMILL_CANARY"):
        assert name not in seen


@pytest.mark.parametrize(
    "code",
    [
        "open('/etc/shadow').read()",
        "import os; os.listdir('/root/.ssh')",
        "open('/usr/bin/env', 'r+b')",
        "import os; os.chmod('/usr/bin/env', 0o777)",
        "import os; os.mknod('/tmp/disk', 0o60600, os.makedev(8, 0))",
        "import os; os.setuid(0)",
        "import os; os.chroot('/tmp')",
        "import socket; socket.create_connection(('1.1.1.1', 53), 1)",
        "import socket; socket.getaddrinfo('example.org', 80)",
        "import socket; socket.create_connection(('169.254.169.254', 80), 1)",
        "import os; os.chmod('/dev/null', 0o600)",
        "import os; os.link('/etc/passwd', '/tmp/passwd')",
        "open('/proc/sys/kernel/core_pattern', 'w')",
        "open('/proc/sysrq-trigger', 'w')",
    ],
)
async def test_a_cell_cannot(sandbox: AsyncSandbox, code: str) -> None:
    done = await sandbox.run_code(code)
    assert done.error is not None
    assert done.error.name in ("PermissionError", "FileNotFoundError", "OSError", "gaierror", "ConnectionRefusedError")


async def test_a_cell_cannot_reach_the_gateway(gateway, sandbox: AsyncSandbox) -> None:
    port = gateway.url.rpartition(":")[2]
    done = await sandbox.run_code(f"import socket; socket.create_connection(('127.0.0.1', {port}), 1)")
    assert done.error is not None
    assert done.error.name == "ConnectionRefusedError"


async def test_no_program_gains_privileges(sandbox: AsyncSandbox) -> None:
    status = await sandbox.commands.run("grep -E 'NoNewPrivs|CapEff|CapBnd' /proc/self/status")
    assert status.stdout.split() == ["CapEff:", "0" * 16, "CapBnd:", "0" * 16, "NoNewPrivs:", "1"]
    assert (await sandbox.commands.run("unshare -U true; echo $?")).stdout == "1\n"


async def test_limits_are_set_inside(sandbox: AsyncSandbox) -> None:
    done = await sandbox.run_code(
        "import resource as r; [r.getrlimit(k) for k in (r.RLIMIT_CORE, r.RLIMIT_NPROC, r.RLIMIT_NOFILE, r.RLIMIT_AS)]"
    )
    core, processes, files, memory = done.results[0].json
    assert core == [0, 0]
    assert processes == [1024, 1024]
    assert files == [8192, 8192]
    assert memory[0] >= 4 << 30


async def test_memory_beyond_the_limit_is_an_error_of_the_cell(sandbox: AsyncSandbox) -> None:
    done = await sandbox.run_code("b = bytearray(1 << 45)")
    assert done.error is not None
    assert done.error.name == "MemoryError"
    assert (await sandbox.run_code("1")).text == "1"


async def test_processes_are_counted_per_sandbox(fresh: AsyncSandbox) -> None:
    code = """
import resource, subprocess
resource.setrlimit(resource.RLIMIT_NPROC, (60, 60))
children = []
try:
    while len(children) < 200: children.append(subprocess.Popen(['sleep', '60']))
except BlockingIOError as stopped:
    print(len(children) < 60, stopped.strerror)
finally:
    for child in children: child.kill()"""
    assert "".join((await fresh.run_code(code)).logs.stdout) == "True Resource temporarily unavailable\n"


@pytest.mark.skipif(os.getuid() != 0, reason="an ordinary user starts sandboxes as itself")
async def test_as_root_every_sandbox_has_a_host_user_of_its_own(processes_of, gateway, sandbox, fresh) -> None:
    running = those_that(processes_of(gateway.process.pid), lambda one: "--args" not in one.cmdline())
    users = set()
    for one in running:
        with contextlib.suppress(psutil.NoSuchProcess):  # one that just ended
            users.add(one.uids().real)
    assert 0 not in users
    assert len(users) >= 2
