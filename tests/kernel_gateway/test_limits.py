"""Each limit of a sandbox ends in a named state, with a sentence that says which it was and what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from e2b import CommandExitException, NotEnoughSpaceException, SandboxException, TimeoutException
from e2b_code_interpreter import Sandbox

from kernel_gateway.groups import Groups, NoGroups

_MEMORY, _PROCESSES = 640, 150  # MiB and tasks
_EAT = "python -c 'held = [bytearray(1 << 24) for _ in range(1000)]'"
_MEMORY_SAID = r"killed: 0.6 GiB memory limit; work on a part of the data at a time"
_PROCESSES_SAID = r"refused: limit of 150 processes and threads; end some before starting more"
_DISK_SAID = r"full: 320 MiB limit of the disk; delete what is not needed"


def _controllers() -> frozenset[str]:
    try:
        return Groups.find().controllers
    except NoGroups:
        return frozenset()


needs_memory = pytest.mark.skipif("memory" not in _controllers(), reason="no memory control group can be made")


@pytest.fixture(scope="module")
def limited(gateways, tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    limits = {"GRISTMILL_SANDBOX_MEMORY": str(_MEMORY), "GRISTMILL_SANDBOX_PROCESSES": str(_PROCESSES)}
    running = gateways(tmp_path_factory.mktemp("limited"), "--parked", "0", env={**os.environ, **limits})
    yield running
    running.stop()


@pytest.fixture
def one(limited) -> Iterator[Sandbox]:
    made = Sandbox.create(timeout=300, **limited.connection)
    yield made
    made.kill()


@needs_memory
def test_memory_is_named_by_a_command_and_by_every_cell(one: Sandbox) -> None:
    with pytest.raises(CommandExitException, match=_MEMORY_SAID) as ended:
        one.commands.run(_EAT, timeout=120)
    assert ended.value.error is not None
    assert _MEMORY_SAID in ended.value.error
    for code, language in (
        (_EAT, "bash"),
        (f"import subprocess; subprocess.run({_EAT!r}, shell=True, check=True)", None),
    ):
        done = one.run_code(code, language=language, timeout=120)
        assert done.error is not None
        assert _MEMORY_SAID in done.error.value
    assert one.run_code("1 / 0").error.value == "division by zero"  # what is told is told once


def test_processes_are_named(one: Sandbox) -> None:
    starts = "import subprocess\nps = []\nfor _ in range(200): ps.append(subprocess.Popen(['sleep', '600']))"
    done = one.run_code(starts, timeout=120)
    assert done.error is not None
    assert done.error.value == f"[Errno 11] Resource temporarily unavailable ({_PROCESSES_SAID})"
    one.run_code("for p in ps: p.kill(), p.wait()", timeout=120)
    threads = "import threading\ngo = threading.Event()\nfor _ in range(200): threading.Thread(target=go.wait).start()"
    done = one.run_code(threads, timeout=120)
    assert done.error is not None
    assert done.error.value == f"can't start new thread ({_PROCESSES_SAID})"
    assert one.run_code("go.set()").error is None


def test_a_full_disk_is_named(one: Sandbox) -> None:
    with pytest.raises(CommandExitException, match=_DISK_SAID):
        one.commands.run("head -c 400000000 /dev/zero > full", timeout=120)
    with pytest.raises(NotEnoughSpaceException, match="no room left"):
        one.files.write("more", b"x" * 100_000)
    done = one.run_code("open('more', 'wb').write(bytes(1 << 20))")
    assert done.error is not None
    assert _DISK_SAID in done.error.value
    one.commands.run("rm full more")
    assert one.run_code("open('more', 'wb').write(bytes(1 << 20))").error is None


def test_time_is_named(one: Sandbox, eventually) -> None:
    with pytest.raises(TimeoutException, match="timeout"):
        one.run_code("import time; time.sleep(600)", timeout=1)
    with pytest.raises(TimeoutException, match="timeout"):
        one.commands.run("sleep 600", timeout=1)
    assert one.run_code("1 + 1").text == "2"
    one.set_timeout(0)
    eventually(lambda: not one.is_running(), "the end of the sandbox")
    with pytest.raises(SandboxException, match="timeout"):
        one.run_code("1")
