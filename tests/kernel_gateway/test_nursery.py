"""Sandboxes forked from one process: what each has of its own, what it must not have, and what survives whom."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from e2b import Volume
from e2b_code_interpreter import AsyncSandbox, Sandbox

from kernel_gateway import nursery
from kernel_gateway.__main__ import _preloaded
from kernel_gateway.errors import GatewayError
from kernel_gateway.inside import probes, seccomp
from kernel_gateway.nursery import Nursery, Seed
from tests.kernel_gateway.conftest import NURSERY, Gateway, those_that

INSIDE = "/opt/gristmill/kernel_gateway/inside"

DRAW = """
import random, uuid, numpy
import matplotlib.pyplot as plt
plt.plot([1, 2])
[random.random(), numpy.random.random(), uuid.uuid4().hex]"""

PRELOADED = """
import sys
there = 'sklearn.utils._openmp_helpers' in sys.modules
from sklearn.utils._openmp_helpers import _openmp_effective_n_threads
[there, _openmp_effective_n_threads()]"""

OWN = ("/proc/meminfo", "/run/limits/used")  # of the sandbox's own files, what its service has opened

PROCESSES = """
import os
seen = {}
for pid in filter(str.isdigit, os.listdir('/proc')):
    with open(f'/proc/{pid}/status') as file:
        facts = dict(line.rstrip('\\n').split(':\\t', 1) for line in file if ':\\t' in line)
    names = ('NoNewPrivs', 'Seccomp', 'CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'Uid', 'Groups')
    seen[pid] = {name: facts[name].strip() for name in names} | {'name': facts['Name'], 'held': []}
    if facts['Name'] == 'python':
        try:
            places = [f'/proc/{pid}/fd/{name}' for name in os.listdir(f'/proc/{pid}/fd')]
        except PermissionError:  # the seed's, into which nobody can look
            seen[pid]['held'] = None
            continue
        held = [os.readlink(place) for place in places if os.path.islink(place)]
        seen[pid]['held'] = [one for one in held if one.startswith('/')]
seen"""

TRACES = """
import sys
text = ''.join(open(f'/proc/self/{name}').read() for name in ('environ', 'cmdline', 'maps'))
text += repr([(m, getattr(m, '__spec__', None), getattr(m, '__path__', None)) for m in list(sys.modules.values())])
text += repr((sys.path, sys.meta_path, sys.path_importer_cache, sys.argv, dict(__import__('os').environ)))
import matplotlib
text += matplotlib.get_configdir() + matplotlib.get_cachedir() + repr(matplotlib.rcParams)"""


def nurseries(gateway) -> list[psutil.Process]:
    """Those that run; one that ended but now is still there until the gateway has collected it."""
    children = psutil.Process(gateway.process.pid).children()
    return those_that(children, lambda one: one.name() == NURSERY and one.status() != psutil.STATUS_ZOMBIE)


async def test_each_draws_numbers_of_its_own_and_figures_show(sandbox: AsyncSandbox, fresh: AsyncSandbox) -> None:
    context = await fresh.create_code_context()
    drawn = [await sandbox.run_code(DRAW), await fresh.run_code(DRAW), await fresh.run_code(DRAW, context=context)]
    for done in drawn:
        assert done.error is None
        assert [bool(result.png) for result in done.results] == [False, True]
    for numbers in zip(*(done.results[0].json for done in drawn), strict=True):
        assert len(set(numbers)) == len(drawn)


async def test_every_process_of_a_sandbox_has_given_up_all_privileges(fresh: AsyncSandbox) -> None:
    await fresh.run_code("1")
    done = await fresh.run_code(PROCESSES)
    assert done.error is None
    seen = done.results[0].json
    assert [one["name"] for one in seen.values()].count("python") >= 3  # the seed, the service, the kernel
    assert [one["held"] for one in seen.values()].count(None) == 1
    nothing = dict.fromkeys(("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), "0" * 16)
    filtered = {"Seccomp": "2"} if seccomp.calls() else {}
    for one in seen.values():
        expected = {"NoNewPrivs": "1", "Uid": "\t".join(["1000"] * 4), **filtered, **nothing}
        assert {name: one[name] for name in expected} == expected
        assert set(one["held"] or ()) <= {"/dev/null", *OWN}
        assert os.getuid() != 0 or one["Groups"] == ""


async def test_nothing_shows_where_it_was_forked(gateway, sandbox: AsyncSandbox) -> None:
    package = str(Path(nursery.__file__).parent)
    assert (await sandbox.run_code(TRACES)).error is None
    for trace in (package, str(gateway.home), "_Loader", "nonexistent/"):
        found = await sandbox.run_code(
            f"at = text.find({trace!r}); '' if at < 0 else text[max(0, at - 200) : at + 200]"
        )
        assert found.text in ("", "''")
    assert (await sandbox.run_code("text.count('/opt/gristmill/kernel_gateway') > 1")).text == "True"


REHEARSED = """
import dis, logging, threading
from kernel_gateway.inside.interpreter import Interpreter
adapted = [one.opname for one in dis.get_instructions(Interpreter._execute, adaptive=True)]
plain = [one.opname for one in dis.get_instructions(Interpreter._execute)]
threads = [one.name for one in threading.enumerate()]
[adapted != plain, len(logging.getLogger('tornado').handlers), threads.count('IOPub'), Out, In[1:]]"""

SIGNALS = "python -c 'import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)'"


async def test_a_rehearsal_before_the_fork_leaves_adapted_code_and_nothing_else(fresh: AsyncSandbox) -> None:
    done = await fresh.run_code(REHEARSED)
    assert done.execution_count == 1
    adapted, *rest = done.results[0].json
    assert adapted, "the service's code, which a kernel has but never runs"
    assert rest == [1, 1, {}, [REHEARSED.strip()]]
    assert (await fresh.commands.run(SIGNALS)).stdout.strip() == "True"


GAPS = """
import random
from kernel_gateway.inside import sharing
random.seed(1)
scattered = [bytes(random.randrange(1, 400)) for _ in range(100_000)]
random.shuffle(scattered)
del scattered[:50_000]  # room in every page
sharing._fill_gaps()
made = [bytes(size - 33) for size in sharing._SIZES for _ in range(100)]
pages = {id(one) >> 12 for one in made}
print(len(pages), sum(sharing._SIZES) * 100 >> 12)"""


def test_what_is_made_after_sharing_lies_together() -> None:
    done = subprocess.run([sys.executable, "-c", GAPS], capture_output=True, text=True, check=True)
    pages, least = map(int, done.stdout.split())
    assert pages < 1.5 * least


def test_more_room_than_is_filled_ends_nobody() -> None:
    filled = "sharing._MOST_GAPS = 1 << 17\nheld = [bytearray(20_000) for _ in range(100)]\ndel held[::2]\n"
    code = GAPS.replace("sharing._fill_gaps()", filled + "sharing._fill_gaps()")
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


async def test_every_probe_fails_in_a_forked_sandbox(gateway, sandbox: AsyncSandbox, monkeypatch) -> None:
    facts = {
        "canary": "canary-of-the-host",
        "canary_file": str(gateway.home / "gateway" / "endpoint.json"),
        "port": int(gateway.url.rpartition(":")[2]),
        "abstract": "gristmill-nobody",
        "sizes": {"/home/user": 8 << 30, "/tmp": 2 << 30, "/dev/shm": 1 << 30},
        "denied_calls": seccomp.calls(),
    }
    # In a process of its own: one call asks to be traced, and a kernel has more neighbours than a trial sandbox.
    code = f"import runpy, json; p = runpy.run_path('{INSIDE}/probes.py'); print(json.dumps(p['run']({facts!r})))"
    await sandbox.files.write("probe.py", code)
    results = json.loads((await sandbox.commands.run("python probe.py")).stdout)
    assert set(results) == {probe.__name__ for probe in probes.PROBES}
    got_out = {name for name, (out, _) in results.items() if out}
    assert got_out <= {"see_host_processes"}  # which counts those beside the sandbox's own six


def test_a_nursery_that_is_killed_takes_no_sandbox_along_and_is_replaced(
    gateways, eventually, gone, processes_of, tmp_path: Path
) -> None:
    running = gateways(tmp_path, "--parked", "0")
    try:
        first = Sandbox.create(timeout=300, **running.connection)
        first.run_code("kept = 1")
        for _ in range(2):  # killed young a second time it is not replaced: sandboxes then start one by one
            eventually(lambda: nurseries(running), "a nursery")
            (killed,) = nurseries(running)
            killed.kill()
            eventually(lambda killed=killed: gone(killed), "its end")
            made = Sandbox.create(timeout=300, **running.connection)
            assert made.run_code("import numpy; 1 + 1").text == "2"
            assert made.create_code_context().id
            assert "fontlist" in made.commands.run("ls $MPLCONFIGDIR").stdout, (
                "the first nursery made matplotlib's list"
            )
            made.kill()
        volume = Volume.create("unforked", api_key=running.key, api_url=running.url)
        with Sandbox.create(timeout=300, volume_mounts={"/mnt/data": volume}, **running.connection) as made:
            made.files.write("/mnt/data/one", "1")
        assert volume.read_file("/one", api_url=running.url) == "1"  # by a keeper, which is not forked, either
        assert first.run_code("kept").text == "1"
        first.kill()
        assert Volume.destroy(volume.volume_id, api_key=running.key, api_url=running.url) is True
        eventually(lambda: not processes_of(running.process.pid), "the end of every process")
    finally:
        running.stop()


async def test_a_nursery_that_has_ended_tells_whoever_asks_after_its_end(soon, tmp_path) -> None:
    asked = Nursery(tmp_path, {"memory": 1 << 30, "file_size": 1 << 30, "processes": 64}, None)

    async def ended() -> bool:
        for process in psutil.Process().children():
            if process.name() == NURSERY:
                process.kill()
        return not asked.usable

    await soon(ended)
    told: list[Seed | str] = []
    asked.ask("late", {"namespaces": -1}, [], told.append)
    assert told == ["The nursery ended."]


async def test_a_nursery_leaves_out_what_must_not_be_imported_before_a_fork(soon, tmp_path, caplog) -> None:
    asked = Nursery(tmp_path, {"memory": 1 << 30, "file_size": 1 << 30, "processes": 64}, [], more=("math", "no.such"))

    async def ready() -> bool:
        return asked._ready

    with caplog.at_level("INFO", "kernel_gateway"):
        await soon(ready)
    asked.close()
    left, *_, last = caplog.messages
    assert left.startswith("GRISTMILL_PRELOAD is left out: no.such cannot be imported (ModuleNotFoundError: ")
    assert "the nursery is ready" in last


def test_what_starts_threads_or_is_no_module_is_not_preloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from kernel_gateway.inside.preload import _unfit; print(_unfit('polars')); print(_unfit('colorsys'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "polars starts threads as it is imported, which a forked kernel would lack",
        "None",
    ]
    monkeypatch.setenv("GRISTMILL_PRELOAD", "colorsys, import os")
    with pytest.raises(GatewayError, match="names 'import os'; it takes modules"):
        _preloaded()


@pytest.fixture(scope="module")
def ahead(gateways, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that keeps two sandboxes made ahead, none of which was asked anything."""
    variables = {**os.environ, "GRISTMILL_PRELOAD": "sklearn.utils._openmp_helpers"}
    running = gateways(tmp_path_factory.mktemp("ahead"), "--parked", "0", "--spare", "2", env=variables)
    yield running
    running.stop()


def test_a_sandbox_made_ahead_has_its_kernel_and_learns_its_name(ahead, processes_of, eventually) -> None:
    def kernels() -> set[int]:
        ours = processes_of(ahead.process.pid)
        return {one.pid for one in those_that(ours, lambda one: one.name() == "python" and one.num_threads() > 2)}

    name = "import os; print(os.environ['E2B_SANDBOX_ID'])"
    eventually(kernels, "a kernel before anybody asks for a sandbox")
    made = Sandbox.create(timeout=300, envs={"MINE": "yes"}, **ahead.connection)
    said = [made.run_code(f"{name}; print(os.environ['MINE'], os.environ['MPLBACKEND'][:6])").logs.stdout]
    assert "".join(said[0]).split() == [made.sandbox_id, "yes", "module"]
    other = made.create_code_context()
    told = [made.run_code(name, context=other), made.run_code("echo $E2B_SANDBOX_ID", language="bash")]
    texts = ["".join(one.logs.stdout) for one in told]
    texts += [made.commands.run("echo $E2B_SANDBOX_ID", user=user).stdout for user in ("user", "root")]
    assert {text.strip() for text in texts} == {made.sandbox_id}
    assert made.run_code(PRELOADED).text == "[True, 1]", "it has what was asked for, with one thread as elsewhere"
    made.kill()


def test_namespaces_made_ahead_are_each_used_once(ahead, processes_of, eventually, gone) -> None:
    def spare() -> list[psutil.Process]:
        return those_that(processes_of(ahead.process.pid), lambda one: one.name() == "cat")

    def inside(made: Sandbox) -> int:
        return int(made.run_code("import os; os.stat('/proc/self/ns/mnt').st_ino").text)

    eventually(lambda: len(spare()) == 2, "two to spare")
    first = spare()
    waiting = {os.stat(f"/proc/{one.pid}/ns/mnt").st_ino for one in first}
    made = [Sandbox.create(timeout=300, **ahead.connection) for _ in range(3)]
    used = [inside(one) for one in made]
    assert len({*used}) == 3
    assert waiting <= {*used}
    for one in made:
        one.kill()
    eventually(lambda: all(map(gone, first)), "their end")  # whose numbers the kernel gives to others
    eventually(lambda: len(spare()) == 2, "two others")
    for one in spare():
        one.kill()
    assert inside(Sandbox.create(timeout=300, **ahead.connection)), "one that is gone is given to nobody"
