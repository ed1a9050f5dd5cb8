"""Runs something in a sandbox that nobody else will use: the probes of the self check, or what an environment holds."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from kernel_gateway import environments
from kernel_gateway.environments import Environment
from kernel_gateway.errors import NoIsolation
from kernel_gateway.inside import seccomp
from kernel_gateway.inside.seccomp import Role
from kernel_gateway.isolation import (
    CAT,
    SERVICE_ROOT,
    bubblewrap_arguments,
    check_bubblewrap,
    environment,
    layered,
    own_files,
    sources,
)
from kernel_gateway.memory import memory_file
from kernel_gateway.nursery import adopting_orphans, namespaces_of, start_entrance, take_answer
from kernel_gateway.outside import Outside, prepare
from kernel_gateway.shell import outer_of, read_inner, unbroken_pipe
from kernel_gateway.sizes import Sizes

_SECONDS = 120.0
_MOST_SAID = 4 << 20  # bytes
_KEPT = 4096
_CHUNK = 64 << 10
_NEEDED = (
    f"import sys; sys.path.insert(0, {SERVICE_ROOT!r}); import kernel_gateway.inside.app, "
    "kernel_gateway.inside.process, kernel_gateway.inside.filesystem, ipykernel.kernelapp, jupyter_client.kernelspec"
)
# The limits are set by a Python that reads nothing of the environment, before the one that runs what is in it.
_BOUND = (
    f"import os, sys; sys.path.insert(0, {SERVICE_ROOT!r}); from kernel_gateway.inside.limits import set_limits; "
    "set_limits({memory}, {most}); os.execv({python!r}, [{python!r}, '-I', '-c', {code!r}])"
)


def run_inside(
    program: str,
    sizes: Sizes,
    outside: Outside,
    command: list[str],
    seconds: float,
    given: bytes = b"",
    more: Iterable[tuple[Path, Path]] = (),
    role: Role = "user",
) -> subprocess.CompletedProcess[bytes]:
    """Run a command that ends by itself in a sandbox like those that run code, less the control group.

    `more` are folders to show it, as (source, target); `given` is its standard input; it runs as the sandbox's user or
    root. Raises OSError, and `subprocess.TimeoutExpired` when all of it has been ended.
    """
    more = list(more)
    with adopting_orphans(), contextlib.ExitStack() as stack:
        files = [(stack.enter_context(memory_file(text.encode())), place) for place, text in own_files().items()]
        call_filter = seccomp.program()
        filters = [stack.enter_context(memory_file(call_filter))] if call_filter is not None else []
        arguments = bubblewrap_arguments(outside, sizes, files, {}, next(iter(filters), None), more=more)
        profile = stack.enter_context(memory_file("\0".join(arguments).encode()))
        greeting = stack.enter_context(memory_file(b"."))
        (out, out_end), (errors, errors_end), (read, read_end) = os.pipe(), os.pipe(), os.pipe()
        for end in (out, errors, read):
            stack.callback(os.close, end)
        ends = stack.enter_context(contextlib.ExitStack())
        for end in (out_end, errors_end):
            ends.callback(os.close, end)
        with open(read_end, "wb") as feed:
            feed.write(given)
        identity = outside.identity()
        info, info_end = unbroken_pipe()
        stack.callback(os.close, info)
        try:
            process = subprocess.Popen(
                [
                    *(program, "--args", str(profile), "--info-fd", str(info_end)),
                    *("--", CAT, f"/proc/self/fd/{greeting}", "-"),
                ],
                env={},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors_end,
                cwd="/",
                pass_fds=(profile, info_end, greeting, *filters, *(descriptor for descriptor, _ in files)),
                **identity,
            )
        finally:
            os.close(info_end)
        stack.enter_context(process)
        inner = read_inner(info) if select.select([info], [], [], seconds)[0] else None
        if inner is None or process.stdout is None or process.stdout.read(1) != b".":
            ends.close()
            said_instead = os.read(errors, _KEPT)
            return subprocess.CompletedProcess(command, process.wait() or 1, b"", said_instead)
        init = os.pidfd_open(inner)
        stack.callback(os.close, init)
        stack.callback(_kill, init)
        outer = outer_of(inner)
        stack.callback(os.close, outer)
        request = {
            "name": "trial",
            "as": role,
            "command": command,
            "environment": environment("/home/user", str(Path(sys.executable).parent)),
            "layers": layered(more),
            "limits": {"memory": sizes.memory, "file_size": sizes.home, "processes": sizes.processes},
            "namespaces": namespaces_of(inner),
            "user": identity.get("user"),
        }
        streams = [read, out_end, errors_end, errors_end]
        entrance, line = start_entrance(request, [init, outer, *streams])
        with line, entrance:
            seed = take_answer(line)
        if isinstance(seed, str):
            return subprocess.CompletedProcess(command, 1, b"", seed.encode())
        stack.callback(os.close, seed.pidfd)
        ends.close()
        process.stdout.close()
        said = _read([out, errors], seed.pidfd, seconds)
        _kill(init)
        ended = os.waitid(os.P_PIDFD, seed.pidfd, os.WEXITED)  # without which the init would not end
        if said is None:
            raise subprocess.TimeoutExpired(command, seconds)
        status = ended.si_status if ended is not None and ended.si_code == os.CLD_EXITED else 1
        return subprocess.CompletedProcess(command, status, *said)


def _kill(init: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(init, signal.SIGKILL)


def _read(outputs: list[int], ended: int, seconds: float) -> list[bytes] | None:
    """What comes out of each pipe until the process of the pidfd `ended` has; None when it has not ended in time."""
    said = dict.fromkeys(outputs, b"")
    end, waiting = time.monotonic() + seconds, [ended, *outputs]
    while (left := end - time.monotonic()) > 0:
        ready, _, _ = select.select(waiting, [], [], left)
        for output in set(outputs).intersection(ready):
            if not (chunk := os.read(output, _CHUNK)):
                waiting.remove(output)
            said[output] = (said[output] + chunk)[-_MOST_SAID:]
        if ready == [ended]:
            return list(said.values())
    return None


def why_not(chosen: Environment) -> str | None:
    """What keeps a sandbox from running in an environment, found by trying; None when nothing does.

    Its own code runs in isolation alone: raises `NoIsolation` where there is none. The trial is a process of its own,
    since root has to leave its mount namespace for it.
    """
    done = subprocess.run(
        [sys.executable, "-m", "kernel_gateway.trial", str(chosen.folder)],
        cwd=Path(__file__).resolve().parents[1],
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    try:
        told = json.loads(done.stdout)
    except ValueError:
        raise NoIsolation(f"The trial did not run: {done.stderr.decode('utf-8', 'replace').strip()}") from None
    if "unable" in told:
        raise NoIsolation(told["unable"])
    return None if told["why"] is None else str(told["why"])


def _try(folder: Path) -> str | None:
    chosen = environments.read(folder)
    sizes, binds = Sizes.of_machine(), chosen.binds()
    outside = prepare([*sources(), *(source for source, _ in binds)])
    program = check_bubblewrap(outside)
    python = str(environments.MOUNT / "bin" / "python")
    code = _BOUND.format(memory=sizes.memory, most=_MOST_SAID, python=python, code=_NEEDED)
    try:
        done = run_inside(program, sizes, outside, [sys.executable, "-I", "-S", "-c", code], _SECONDS, more=binds)
    except subprocess.TimeoutExpired:
        return f"what a sandbox needs was not imported within {_SECONDS:.0f} seconds"
    if done.returncode == 0:
        return None
    lines = done.stderr[-_KEPT:].decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else f"status {done.returncode}"


if __name__ == "__main__":
    try:
        print(json.dumps({"why": _try(Path(sys.argv[1]))}))
    except NoIsolation as error:
        print(json.dumps({"unable": str(error)}))
