"""One sandbox as the host sees it, with two processes of ours in the place of bubblewrap's."""

import asyncio
import os
import subprocess

import psutil

from kernel_gateway.sandbox import Sandbox
from kernel_gateway.shell import make_lifeline


def start(stdin: int, stdout: int, stderr: int) -> subprocess.Popen[bytes]:
    """A process that ends with another, which copies what comes in."""
    process = subprocess.Popen(["sh", "-c", "cat; exit"], stdin=stdin, stdout=stdout, stderr=stderr)
    for end in (stdin, stdout, stderr):
        os.close(end)
    return process


async def test_a_sandbox_that_is_about_to_end_does_not_live(eventually, gone) -> None:
    lifeline, lifeline_end = make_lifeline()
    (said, say), (echo, echo_end) = os.pipe(), os.pipe()
    process = start(lifeline_end, echo_end, say)
    sandbox, shell = Sandbox(process, said, lifeline, "nowhere", isolated=True), psutil.Process(process.pid)
    eventually(shell.children, "the process that the other ends with")
    (copies,) = shell.children()
    sandbox.inhabit(os.pidfd_open(process.pid), echo)
    assert await sandbox.lives()
    shell.suspend()  # it hears only later that the other has been killed
    copies.kill()
    eventually(lambda: gone(copies), "the end of the other")
    asked = asyncio.create_task(sandbox.lives())
    for _ in range(3):
        await asyncio.sleep(0)
    assert not asked.done()
    shell.resume()
    assert await asked is False
