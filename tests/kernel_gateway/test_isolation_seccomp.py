"""The system call filter: what it lets through, and that what it denies is denied by the filter and nothing else."""

from __future__ import annotations

import platform

import pytest
from e2b_code_interpreter import AsyncSandbox

from kernel_gateway.inside import seccomp

pytestmark = pytest.mark.skipif(not seccomp.calls(), reason="no call numbers are known for this machine")

WORK = """
import asyncio, multiprocessing, os, socket, sqlite3, subprocess, threading
import duckdb, matplotlib.pyplot, numpy, pandas
from sklearn.ensemble import RandomForestClassifier
points = numpy.random.default_rng(0).random((200, 4))
forest = RandomForestClassifier(n_estimators=8, n_jobs=2).fit(points, points[:, 0] > 0.5)
with multiprocessing.get_context("fork").Pool(2) as pool:
    squares = pool.map(abs, [-1, -2])
await asyncio.create_subprocess_exec("true")
socket.if_nameindex()
[
    forest.score(points, points[:, 0] > 0.5) > 0.9,
    duckdb.sql("select sum(i) from range(1000) t(i)").fetchall() == [(499500,)],
    subprocess.run(["bash", "-c", "echo hi | cat"], capture_output=True).stdout == b"hi\\n",
    squares == [1, 2],
    pandas.DataFrame({"a": [1]}).to_parquet("/tmp/table.parquet") is None,
]
"""

FOREIGN_CALL = """
import ctypes, mmap, subprocess, sys
code = '''
import ctypes, mmap
page = mmap.mmap(-1, 4096, prot=7)
page.write(bytes.fromhex("b814000000cd80c3"))  # mov eax, 20 (getpid for 32-bit programs); int 0x80; ret
print(ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))())
'''
subprocess.run([sys.executable, "-c", code]).returncode
"""


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_program_is_whole_instructions_whose_jumps_stay_inside(machine: str) -> None:
    made = seccomp.program(machine)
    assert made is not None
    count, rest = divmod(len(made), 8)
    assert rest == 0
    for at in range(count):
        code, if_true, if_false = made[8 * at], made[8 * at + 2], made[8 * at + 3]
        assert at + max(if_true, if_false) + 1 < count or code == 0x06
    assert seccomp.program("vax") is None


async def test_what_an_analysis_does_still_works(sandbox: AsyncSandbox) -> None:
    done = await sandbox.run_code(WORK)
    assert done.error is None
    assert done.results[0].json == [True] * 5


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the machine code is x86")
async def test_a_call_by_another_architectures_numbers_ends_the_process(sandbox: AsyncSandbox) -> None:
    assert (await sandbox.run_code(FOREIGN_CALL)).text == "-31"  # SIGSYS


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("socket.socket(40)", "PermissionError"),  # AF_VSOCK
        ("socket.socket(socket.AF_PACKET, socket.SOCK_RAW)", "PermissionError"),
        ("socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9)", "PermissionError"),  # audit
        ("fcntl.ioctl(pty.openpty()[1], 0x5412, b'x')", "PermissionError"),  # TIOCSTI: type into a terminal
        ("personality(0x0400000)", "PermissionError"),  # READ_IMPLIES_EXEC
        ("personality(0xFFFFFFFF)", None),
        ("socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close()", None),  # routes
    ],
)
async def test_some_calls_depend_on_their_arguments(sandbox: AsyncSandbox, call: str, expected: str | None) -> None:
    code = f"""
import ctypes, fcntl, os, pty, socket
def personality(value):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.personality(ctypes.c_ulong(value)) == -1: raise OSError(ctypes.get_errno(), "personality")
{call}"""
    done = await sandbox.run_code(code)
    assert (done.error.name if done.error else None) == expected
