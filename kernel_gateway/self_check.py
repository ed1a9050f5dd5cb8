"""Proves that a sandbox holds: runs every probe in one like those that will run code, and reports what it found."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kernel_gateway.errors import NoIsolation
from kernel_gateway.groups import Groups, NoGroups
from kernel_gateway.inside import probes, seccomp
from kernel_gateway.inside.seccomp import Role
from kernel_gateway.isolation import SERVICE_ROOT, check_bubblewrap, sources
from kernel_gateway.outside import Outside, prepare
from kernel_gateway.sizes import Sizes
from kernel_gateway.trial import run_inside

_SECONDS = 30
_SYSTEM = ("/", "/etc", "/opt", "/root", "/srv", "/usr", "/usr/bin", "/usr/local/bin", "/var")


@dataclass(frozen=True)
class Check:
    """One row of the table. What is not `required` is told, but does not keep sandboxes from being started."""

    name: str
    enforced: bool
    detail: str
    required: bool = True


_SHARED = Check(
    "an address layout of its own",
    False,
    "none: sandboxes are forked from one process, so they share it, and pages that nobody has written to; that is no "
    "way out, but code in one may guess where things lie in another, or time what it has read",
    required=False,
)


def isolation_report() -> list[Check]:
    """What a sandbox on this machine is kept from, found by trying; takes about half a second.

    Where sandboxes cannot be isolated at all, the one row says why, and what to do. Runs in a process of its own,
    since root has to leave its mount namespace for it.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", "kernel_gateway.self_check"],
            cwd=Path(__file__).resolve().parents[1],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=2 * _SECONDS,
        )
        return [Check(**row) for row in json.loads(done.stdout)]
    except subprocess.TimeoutExpired:
        return [Check("self check", False, f"The check did not end within {2 * _SECONDS} seconds.")]
    except ValueError:
        said = done.stderr.decode("utf-8", "replace").strip() or f"status {done.returncode}"
        return [Check("self check", False, f"The check did not run: {said}")]


def _report() -> list[Check]:
    try:
        outside = prepare(sources())
        sizes = Sizes.of_machine()
        return [*probe(check_bubblewrap(outside), sizes, outside), *group_limits(sizes), _SHARED]
    except NoIsolation as error:
        return [Check("bubblewrap", False, str(error))]


def require_isolation(program: str, sizes: Sizes, outside: Outside) -> None:
    """Raise `NoIsolation`, naming what got out, unless every probe fails."""
    broken = [check for check in probe(program, sizes, outside) if check.required and not check.enforced]
    if broken:
        what = "; ".join(f"{check.name}: {check.detail}" for check in broken)
        raise NoIsolation(
            f"Sandboxes on this machine do not hold, so none is started ({what}). `gristmill doctor` shows the table; "
            "on a machine that is itself disposable, run with `--isolation none`."
        )


def probe(program: str, sizes: Sizes, outside: Outside) -> list[Check]:
    """Run the probes in a sandbox; `program` is the path of bubblewrap. Raises `NoIsolation` when none could run."""
    results: dict[str, tuple[bool, str]] = {}
    with _canaries(sizes) as facts:
        script = f"{SERVICE_ROOT}/kernel_gateway/inside/probes.py"
        command, given = [sys.executable, "-I", "-S", script], json.dumps(facts).encode()
        roles: tuple[Role, ...] = ("user", "root")
        for role in roles:
            try:
                done = run_inside(program, sizes, outside, command, _SECONDS, given, role=role)
                found: dict[str, tuple[bool, str]] = json.loads(done.stdout)
            except subprocess.TimeoutExpired:
                raise NoIsolation(f"The trial sandbox did not end within {_SECONDS} seconds.") from None
            except (ValueError, OSError) as error:
                said = str(error) if isinstance(error, OSError) else done.stderr.decode("utf-8", "replace").strip()
                raise NoIsolation(f"The trial sandbox did not run: {said or f'status {done.returncode}'}") from None
            for name, (got_out, detail) in found.items():
                if not results.get(name, (False,))[0]:
                    results[name] = got_out, f"as root: {detail}" if got_out and role == "root" else detail
        for place in facts["system"]:
            if (reached := Path(place, facts["mark"])).exists():
                reached.unlink()
                results[probes.write_to_the_hosts_system.__name__] = True, f"wrote into the host's {place}"
    missing = [one.__name__ for one in probes.PROBES if one.__name__ not in results]
    # Where we know no call numbers there is no filter: the other walls stand, and the table says what is missing.
    known = bool(seccomp.calls())
    rows = [
        Check(name.replace("_", " "), not got_out, detail, required=known or name not in probes.FILTERED)
        for name, (got_out, detail) in results.items()
    ]
    return rows + [Check(name.replace("_", " "), False, "the probe did not run") for name in missing]


def group_limits(sizes: Sizes) -> list[Check]:
    """Which limits hold a sandbox as a whole, found by making a control group and removing it."""
    rows = {
        "memory": ("total memory", f"{sizes.memory / (1 << 30):.1f} GiB", "only each process's address space is"),
        "pids": ("total processes", f"{sizes.processes}", "only each user's are"),
        "cpu": ("fair share of the processors", "equal shares", "nothing is"),
    }
    why, found = "", frozenset[str]()
    try:
        groups = Groups.find()
        groups.release(groups.make("check", sizes.memory, sizes.processes))
        groups.close()
        found = groups.controllers
        why = "the machine has no such controller"
    except NoGroups as error:
        why = str(error)
    except OSError as error:
        why = f"a control group cannot be made ({error.strerror})"
    return [
        Check(name, controller in found, held if controller in found else f"{without} limited: {why}", required=False)
        for controller, (name, held, without) in rows.items()
    ]


@contextlib.contextmanager
def _canaries(sizes: Sizes) -> Iterator[dict[str, Any]]:
    """Things that a sandbox must not reach: a file, an environment variable, a port, an abstract socket."""
    canary = secrets.token_hex(16)
    with (
        tempfile.TemporaryDirectory(prefix="gristmill-canary-") as folder,
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        file = Path(folder) / "secret"
        file.write_text(canary)
        abstract.bind(f"\0gristmill-{canary[:8]}")
        abstract.listen()
        os.environ["GRISTMILL_CANARY"] = canary
        try:
            yield {
                "canary": canary,
                "canary_file": str(file),
                "port": listener.getsockname()[1],
                "abstract": f"gristmill-{canary[:8]}",
                "mark": f"gristmill-canary-{canary[:8]}",
                "system": [
                    "/",
                    "/etc",
                    "/opt",
                    "/root",
                    "/srv",
                    "/usr",
                    "/usr/bin",
                    "/usr/local/bin",
                    "/var",
                    sys.prefix,
                ],
                "sizes": {"/": sizes.home, "/home/user": sizes.home, "/tmp": sizes.tmp, "/dev/shm": sizes.shm},
                "denied_calls": seccomp.calls(),
            }
        finally:
            del os.environ["GRISTMILL_CANARY"]


if __name__ == "__main__":
    print(json.dumps([asdict(check) for check in _report()]))
