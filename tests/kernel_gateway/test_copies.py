"""A copy of a kernel between two cells: what goes on in it, what cannot be copied, and that it is bounded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from e2b_code_interpreter import AsyncSandbox

from kernel_gateway.inside.keeping import MOST
from kernel_gateway.inside.notebook import COPY, MIME

type Soon = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


async def order(sandbox: AsyncSandbox, what: str) -> str:
    """Keep, go back or drop; returns why it was not done, "" where it was."""
    done = await sandbox.run_code("", envs={COPY: what})
    assert done.error is None, done.error
    told = done.results[0].extra[MIME]["copy"]
    return "" if told["done"] else told["why"]


async def said(sandbox: AsyncSandbox, code: str) -> str:
    done = await sandbox.run_code(code)
    assert done.error is None, done.error
    return "".join(done.logs.stdout)


STATE = """\
import logging, random, sys
import matplotlib.pyplot as plt, numpy as np
random.seed(1); np.random.seed(1)
xs, turns = [1], (i for i in range(100))
next(turns)
file = open('table.csv'); file.readline()
log = logging.getLogger('cell'); log.addHandler(logging.StreamHandler(sys.stdout))
plt.plot([1]); plt.show()
"""
LOOK = """\
import os
log.warning('told')
print(xs, random.random(), np.random.random(), next(turns), file.readline().strip(), sorted(os.listdir()))
print(open('table.csv').read().split(), sys.stdout is log.handlers[0].stream)
os.system('echo from outside')
"""
CHANGE = """\
xs.append(2); file.readline(); random.random()
open('table.csv', 'a').write('more'); open('new.txt', 'w').write('new'); os.remove('old.txt')
os.makedirs('folder'); open('folder/inner.txt', 'w').close()
"""


async def test_a_copy_goes_on_as_the_kernel_was_with_the_files_of_then_and_more_than_once(fresh: AsyncSandbox):
    await fresh.files.write("table.csv", "a\n1\n2\n3\n")
    await fresh.files.write("old.txt", "old")
    await said(fresh, STATE)
    assert await order(fresh, "keep before") == ""
    first = await said(fresh, LOOK)
    await said(fresh, CHANGE)
    for _ in range(2):
        assert await order(fresh, "back before") == ""
        assert await said(fresh, LOOK) == first
        plotted = await fresh.run_code("plt.plot([1]); plt.show()")
        assert plotted.results[0].png
        await said(fresh, CHANGE)
    assert "told\n[1] " in first
    assert "from outside" in first


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import threading; t = threading.Timer(60, print); t.start()", "a thread is running"),
        ("from concurrent.futures import ThreadPoolExecutor as P; p = P(); p.submit(int).result()", "a thread"),
        ("import duckdb; d = duckdb.connect(); d.sql('select 1').fetchall()", "a thread"),
        ("f = open('w.txt', 'w')", "a file is open for writing"),
        ("import socket; s = socket.socket()", "a connection is open"),
        ("import subprocess; p = subprocess.Popen(['sleep', '60'])", "1 processes that cells have started"),
        ("import asyncio; t = asyncio.create_task(asyncio.sleep(60))", "a task of asyncio's"),
        ("import signal; signal.setitimer(signal.ITIMER_REAL, 60)", "a timer"),
        ("import mmap; m = mmap.mmap(-1, 4096)", "memory is shared"),
    ],
)
async def test_what_a_fork_does_not_take_along_is_seen_and_the_kernel_goes_on(fresh: AsyncSandbox, code: str, why: str):
    await said(fresh, code)
    assert (await order(fresh, "keep it")).startswith(why)
    assert await order(fresh, "back it") == "it is not kept any more"
    assert await said(fresh, "print('on')") == "on\n"


async def test_the_oldest_copy_makes_room(fresh: AsyncSandbox, soon: Soon):
    for number in range(MOST + 1):
        await said(fresh, f"n = {number}")
        assert await order(fresh, f"keep {number}") == ""
    assert await order(fresh, "back 0") == "it is not kept any more"
    assert await order(fresh, "back 1") == ""
    assert await said(fresh, "print(n)") == "1\n"
    await order(fresh, "drop 1")
    assert await order(fresh, "back 1") == "it is not kept any more"

    async def are_gone() -> bool:
        running = await fresh.commands.run("ps -eo comm | grep -c python")
        return int(running.stdout) == 3 + MOST - 1  # the seed, the service, the kernel, and the copies that are left

    await soon(are_gone)


async def test_there_is_no_way_back_where_something_else_on_the_disk_has_changed(fresh: AsyncSandbox):
    await said(fresh, "n = 1")
    assert await order(fresh, "keep it") == ""
    await fresh.files.write("/mnt/data.csv", "1")
    assert await order(fresh, "back it") == "/mnt/data.csv has changed"
    assert await said(fresh, "n += 1; print(n)") == "2\n"


async def test_a_copy_outlives_its_kernel_and_the_end_of_what_went_on_in_it_is_told(fresh: AsyncSandbox):
    await said(fresh, "n = 1")
    assert await order(fresh, "keep it") == ""
    await fresh.run_code("import os; os._exit(3)")
    assert await order(fresh, "back it") == ""
    assert await said(fresh, "print(n)") == "1\n"
    ended = await fresh.run_code("import os; os._exit(3)")
    assert ended.error is not None
    assert "exited with status 3" in ended.error.value
