"""Runs something in a sandbox that nobody else will use: the probes of the self check, or what an environment holds."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kernel_gateway import environments, seccomp
from kernel_gateway.environments import Environment
from kernel_gateway.errors import NoIsolation
from kernel_gateway.isolation import (
    SERVICE_ROOT,
    Sizes,
    bubblewrap_arguments,
    check_bubblewrap,
    environment,
    etc_files,
    run_trial,
    sources,
)
from kernel_gateway.memory import memory_file
from kernel_gateway.outside import Outside, prepare

_SECONDS = 120.0
_MOST_SAID = 4 << 20  # bytes
_KEPT = 4096
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
    **options: Any,
) -> subprocess.CompletedProcess[bytes]:
    """Run a command that ends by itself in a sandbox like those that run code, less the control group.

    `more` are folders to show it, as (source, target). Raises as `run_trial` does.
    """
    with contextlib.ExitStack() as stack:
        files = [(stack.enter_context(memory_file(text.encode())), place) for place, text in etc_files().items()]
        variables = environment("/home/user", str(Path(sys.executable).parent))
        call_filter = seccomp.program()
        filters = [stack.enter_context(memory_file(call_filter))] if call_filter is not None else []
        first = filters[0] if filters else None
        arguments = bubblewrap_arguments(outside, sizes, files, variables, first, more=more)
        profile = stack.enter_context(memory_file("\0".join(arguments).encode()))
        return run_trial(
            [program, "--args", str(profile), "--", *command],
            seconds,
            given,
            cwd="/",
            pass_fds=(profile, *filters, *(descriptor for descriptor, _ in files)),
            **options,
            **outside.identity(),
        )


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
    with tempfile.TemporaryFile() as said:
        try:
            done = run_inside(
                program,
                sizes,
                outside,
                [sys.executable, "-I", "-S", "-c", code],
                _SECONDS,
                more=binds,
                stdout=subprocess.DEVNULL,
                stderr=said,
            )
        except subprocess.TimeoutExpired:
            return f"what a sandbox needs was not imported within {_SECONDS:.0f} seconds"
        if done.returncode == 0:
            return None
        size = said.seek(0, os.SEEK_END)
        said.seek(max(0, size - _KEPT))
        lines = said.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else f"status {done.returncode}"


if __name__ == "__main__":
    try:
        print(json.dumps({"why": _try(Path(sys.argv[1]))}))
    except NoIsolation as error:
        print(json.dumps({"unable": str(error)}))
