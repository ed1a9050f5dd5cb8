"""The client of a kernel: it hears one that does not greet it, and gives up one that says nothing."""

import asyncio
import sys
from pathlib import Path

import pytest
import zmq

from kernel_gateway.inside import kernels
from kernel_gateway.inside.jupyter import Incoming, Malformed
from kernel_gateway.inside.kernels import Kernel, KernelSilent
from kernel_gateway.inside.launch import Connection, Launched, launch_command

ROOT = Path(kernels.__file__).resolve().parents[2]


async def test_a_kernel_that_misses_its_subscriber_is_heard_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "_ASK_AGAIN_SECONDS", 0.2)
    context = zmq.Context()
    kernel = Kernel(unforked(tmp_path), context)
    unpack = kernel._wire.unpack

    def without_greeting(frames: list[bytes]) -> Incoming:
        message = unpack(frames)
        if message.kind == "iopub_welcome" or not message.parent:
            raise Malformed("lost on the way")
        return message

    monkeypatch.setattr(kernel._wire, "unpack", without_greeting)
    try:
        await kernel.ready()
        cell = await kernel.start_cell("print(6 * 7)", {})
        heard = ""
        while "42\n" not in heard:
            heard += "".join([message.content.get("text", "") for message in await asyncio.wait_for(cell.next(), 300)])
    finally:
        await kernel.close()
        context.term()


async def test_a_kernel_that_says_nothing_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_START_SECONDS", 0.3)
    context = zmq.Context()
    kernel = Kernel(mute(tmp_path), context)
    try:
        with pytest.raises(KernelSilent, match="did not start"):
            await kernel.ready()
        assert not kernel.alive
    finally:
        await kernel.close()
        context.term()


def unforked(directory: Path) -> Launched:
    connection = Connection.make(directory)
    run = f"from kernel_gateway.inside.kernel import main; main({str(connection.file)!r})"
    return launch_command(connection, [sys.executable, "-c", run], str(ROOT), {})


def mute(directory: Path) -> Launched:
    """A process in a kernel's place that never opens a socket."""
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    return launch_command(Connection.make(directory), command, str(directory), {})
