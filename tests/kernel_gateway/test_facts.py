"""What programs in a sandbox learn of its processors and memory agrees with what the wire says."""

from __future__ import annotations

import json
import os

import pytest
from e2b_code_interpreter import AsyncSandbox

_MIB = 1 << 20
_LOOK = """
import json, os, psutil
m = psutil.virtual_memory()
print(json.dumps({"total": m.total, "used": m.used, "available": m.available, "swap": psutil.swap_memory().total}))
"""


async def test_processors_are_those_that_the_wire_tells_of(sandbox: AsyncSandbox) -> None:
    count = (await sandbox.get_info()).cpu_count
    assert (await sandbox.commands.run("nproc")).stdout.strip() == str(count)
    assert (await sandbox.run_code("import os; os.cpu_count()")).text == str(count)


async def test_a_cell_and_what_it_starts_have_the_same_processors(sandbox: AsyncSandbox) -> None:
    count = (await sandbox.get_info()).cpu_count
    assert "".join((await sandbox.run_code("!nproc")).logs.stdout).strip() == str(count)
    called = "import subprocess; subprocess.run(['nproc'], capture_output=True, text=True).stdout"
    assert (await sandbox.run_code(called)).text.strip("'\n\\n") == str(count)
    assert "".join((await sandbox.run_code("!nproc --ignore=1")).logs.stdout).strip() == str(max(1, count - 1))


@pytest.mark.parametrize("name", ["OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"])
async def test_cells_add_up_with_one_thread(sandbox: AsyncSandbox, name: str) -> None:
    assert (await sandbox.run_code(f"import os; os.environ['{name}']")).text == "1"


async def test_no_library_of_a_cell_has_more_than_one_thread(sandbox: AsyncSandbox) -> None:
    code = "import numpy, scipy.linalg, sklearn.cluster, threadpoolctl\n"
    code += "sorted({(pool['user_api'], pool['num_threads']) for pool in threadpoolctl.threadpool_info()})"
    assert (await sandbox.run_code(code)).text == "[('blas', 1), ('openmp', 1)]"


async def test_memory_is_the_limit_that_the_wire_tells_of(sandbox: AsyncSandbox) -> None:
    limit = (await sandbox.get_info()).memory_mb
    told = json.loads((await sandbox.commands.run(f"python -c '{_LOOK}'")).stdout)
    assert told["total"] // _MIB == limit
    assert told["total"] == told["used"] + told["available"]
    assert told["swap"] == 0
    assert limit < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // _MIB, "the host has more"
    shown = (await sandbox.commands.run("free -m | awk '/Mem:/ {print $2}'")).stdout.strip()
    assert int(shown) == limit


async def test_what_is_told_of_memory_takes_no_room_beside_the_disks(fresh: AsyncSandbox) -> None:
    done = await fresh.commands.run("head -c 100000000 /dev/zero > /proc/meminfo; stat -c %s /proc/meminfo; exit 0")
    assert "No space left on device" in done.stderr
    assert int(done.stdout) <= 4 * _MIB


async def test_memory_in_use_grows_with_what_is_held(fresh: AsyncSandbox) -> None:
    if "used" not in (await fresh.commands.run("ls /run/limits || true")).stdout:
        pytest.skip("no memory control group can be made")
    await fresh.run_code("import psutil; before = psutil.virtual_memory().used")
    await fresh.run_code("held = bytearray(b'x') * (200 << 20)")
    grown = int((await fresh.run_code("psutil.virtual_memory().used - before")).text)
    assert 190 * _MIB < grown < 300 * _MIB
