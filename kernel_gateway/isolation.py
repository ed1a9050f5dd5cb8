"""How a sandbox is cut off from the host: the bubblewrap command, and whether this machine can run it.

The profile in short: every namespace of its own (no network), no capabilities, no further user namespaces, a memory
file system of limited size as root, with the system's /usr, the Python environment and our `inside` package mounted
read-only, and a filter of system calls. Layers that take writes to /usr and the Python environment are mounted by who
enters (`inside/entrance.py`). The environment and the arguments never pass through a place that the sandbox could read.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from kernel_gateway.errors import NoIsolation
from kernel_gateway.outside import Outside
from kernel_gateway.packages import PIP_CONF, UV_TOML
from kernel_gateway.sizes import Sizes

type Isolation = Literal["bubblewrap", "none"]

SERVICE_ROOT = "/opt/gristmill"
SUDO = f"{SERVICE_ROOT}/bin/sudo"
NPROC = f"{SERVICE_ROOT}/bin/nproc"
RUNTIME = "/run/gristmill"
LIMITS = "/run/limits"
CACHE = "/run/cache"
BOOT = "import sys; sys.path.insert(0, {root!r}); from kernel_gateway.inside.seed import main; main({fds}, {limits!r})"
CAT = "/usr/bin/cat"  # says by what it copies that all is mounted, and then waits for the lifeline's end

_MIB = 1 << 20
_PACKAGE = Path(__file__).resolve().parent
_PARTS = ("__init__.py", "inside")
_SYSTEM_LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_FOLDERS = ("/etc", "/home/user", "/media", "/mnt", "/opt", "/run", "/srv", "/var/cache", "/var/lib", "/var/log")
_ETC = (  # only what programs need to run: /etc/ssl/private, /etc/shadow and their like stay outside
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/mime.types",
    "/etc/R",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
)
_PASSWD = """\
root:x:0:0:root:/root:/bin/bash
user:x:1000:1000:user:/home/user:/bin/bash
nobody:x:65534:65534:nobody:/:/usr/sbin/nologin
"""
_GROUP = "root:x:0:\nuser:x:1000:\nnogroup:x:65534:\n"
_SUDO = """\
#!/bin/sh
exec {python} -I -S {root}/kernel_gateway/inside/sudo.py "$@"
"""
_NPROC = """\
#!/bin/sh
unset OMP_NUM_THREADS
exec /usr/bin/nproc "$@"
"""
_HOSTS = "127.0.0.1 localhost sandbox\n::1 localhost\n"
_NSSWITCH = "passwd: files\ngroup: files\nhosts: files\n"


def environment(home: str, path_prefix: str) -> dict[str, str]:
    """The whole environment of a sandbox; nothing of the host's passes. Threads and hashes are fixed for sameness.

    OpenMP's threads are a kernel's to fix (`Settings.kernel_environment`). The system's `nproc` takes them for the
    processors; before it on the PATH is one that does not.
    """
    return {
        "HOME": home,
        "USER": "user",
        "LOGNAME": "user",
        "SHELL": "/bin/bash",
        "PATH": f"{path_prefix}:{os.path.dirname(SUDO)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "NO_COLOR": "1",
        "E2B_SANDBOX": "true",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",  # no __pycache__ among a user's files
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }


def find_bubblewrap() -> str:
    """The path of `bwrap`; raises `NoIsolation` with the command that installs it."""
    found = shutil.which("bwrap")
    if found is None:
        raise NoIsolation(
            "Sandboxes cannot be isolated: bubblewrap is not installed. Install it with `apt-get install bubblewrap` "
            "(Debian, Ubuntu) or `dnf install bubblewrap` (Fedora), or, on a machine that is itself disposable, "
            "run with `--isolation none`."
        )
    return found


def check_bubblewrap(outside: Outside) -> str:
    """The path of a `bwrap` that works here for a sandbox's user.

    Raises `NoIsolation` with what stands in its way, and how to remove it.
    """
    program = find_bubblewrap()
    trial = [*_namespaces(), "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--remount-ro", "/", "true"]
    try:
        done = run_trial([program, *trial], 20, **outside.identity())
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoIsolation(f"Sandboxes cannot be isolated: {program} does not run: {error}. {_disposable()}") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace")
        raise NoIsolation(f"Sandboxes cannot be isolated: {said.strip()}. {_advice(said)} {_disposable()}")
    return program


def run_trial(
    command: list[str], seconds: float, given: bytes = b"", **options: Any
) -> subprocess.CompletedProcess[bytes]:
    """Run a bubblewrap command that ends by itself, with `given` on its standard input, and take down what it says.

    `options` are those of `subprocess.Popen`.
    Raises OSError, and `subprocess.TimeoutExpired` when all that it started has been ended.
    """
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    with subprocess.Popen(command, env={}, stdin=subprocess.PIPE, **options) as process:
        try:
            out, errors = process.communicate(given, seconds)
        except BaseException:
            import psutil  # which those who only look at `Sizes` need not wait for

            with contextlib.suppress(psutil.Error):  # what is inside does not end with what we have started
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, errors)


def _disposable() -> str:
    return "On a machine that is itself disposable, run with `--isolation none`."


def _advice(said: str) -> str:
    if "Unknown option" in said:
        return "This bubblewrap is too old: 0.8 or newer is needed."
    restricted = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
    if restricted.exists() and restricted.read_text().strip() == "1":
        return (
            "Ubuntu's AppArmor forbids it user namespaces: "
            "`sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`, or give bwrap an AppArmor profile."
        )
    clone = Path("/proc/sys/kernel/unprivileged_userns_clone")
    if clone.exists() and clone.read_text().strip() == "0":
        return "User namespaces are switched off: `sudo sysctl -w kernel.unprivileged_userns_clone=1`."
    return "In a container, allow user namespaces (Docker: `--security-opt seccomp=unconfined` or `--privileged`)."


def _namespaces() -> list[str]:
    return [
        *("--unshare-all", "--unshare-user", "--disable-userns", "--uid", "1000", "--gid", "1000"),
        *("--cap-drop", "ALL", "--new-session", "--hostname", "sandbox"),
    ]


def python_binds() -> list[tuple[Path, Path]]:
    """What must be seen, and where, for `sys.executable` to run inside as it does here: (source, target) folders.

    Covers a virtual environment, the interpreter that it was made from, and every link on the way between the two.
    """
    wanted = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.exec_prefix), Path(sys.base_exec_prefix)]
    link = Path(sys.executable)
    for _ in range(16):
        wanted += [link.parent.parent, link.parent.parent.resolve()]
        if not link.is_symlink():
            break
        link = Path(os.path.normpath(link.parent / os.readlink(link)))
    binds: list[tuple[Path, Path]] = []
    for place in sorted(dict.fromkeys(wanted), key=lambda path: len(path.parts)):
        covered = any(place.is_relative_to(target) for _, target in binds)
        if not covered and not place.is_relative_to("/usr") and place != Path("/") and place.is_dir():
            binds.append((place.resolve(), place))
    return binds


def layered(more: Iterable[tuple[Path, Path]] = ()) -> list[tuple[str, str]]:
    """What a sandbox sees of the host's and may write over, each place in a layer of its own: (source, place)."""
    return [("/usr", "/usr"), *((str(source), str(target)) for source, target in (*python_binds(), *more))]


def sources() -> list[Path]:
    """Every folder and file of the host, beside the system's own, that a sandbox reads."""
    return [*(source for source, _ in python_binds()), *(_PACKAGE / part for part in _PARTS)]


def bubblewrap_arguments(
    outside: Outside,
    sizes: Sizes,
    files: Iterable[tuple[int, str]],
    variables: dict[str, str],
    call_filter: int | None = None,
    limits: Mapping[str, Path] | None = None,
    more: Iterable[tuple[Path, Path]] = (),
    volumes: Iterable[tuple[str, str]] = (),
) -> list[str]:
    """The profile as bubblewrap's arguments, less the command.

    `files` are (descriptor, path) to copy in; `call_filter` is the descriptor of a seccomp program; `limits` are files
    of the sandbox's control group to show it, by name; `more` are (source, target) folders to show it beside Python's,
    `volumes` those that it may write to.
    """
    arguments = [*_namespaces(), *_disk(sizes), *_system()]
    if call_filter is not None:
        arguments += ["--seccomp", str(call_filter)]
    # Writable places come first: a Python environment that lies beneath one of them is mounted over it.
    arguments += _tmpfs(sizes)
    for source, target in (*python_binds(), *more):
        arguments += ["--ro-bind", outside.source(source), str(target)]
    for part in _PARTS:
        arguments += ["--ro-bind", outside.source(_PACKAGE / part), f"{SERVICE_ROOT}/kernel_gateway/{part}"]
    for descriptor, place in files:
        mode = "0755" if place in (SUDO, NPROC) else "0644"
        arguments += ["--perms", mode, "--file", str(descriptor), place]
    for name, file in (limits or {}).items():
        arguments += ["--ro-bind", str(file), f"{LIMITS}/{name}"]
    for folder, place in volumes:
        arguments += ["--bind", folder, place]
    arguments += ["--remount-ro", "/dev", "--chdir", "/home/user"]
    for name, value in variables.items():
        arguments += ["--setenv", name, value]
    return arguments


def _disk(sizes: Sizes) -> Iterator[str]:
    """The root, on which the folders that every Debian has are the sandbox's own."""
    yield from ("--perms", "0755", "--size", str(sizes.home), "--tmpfs", "/")
    for mode, place in (("0700", "/root"), ("1777", "/var/tmp"), *(("0755", one) for one in _FOLDERS)):
        yield from ("--perms", mode, "--dir", place)
    yield from ("--symlink", "/run", "/var/run")


def _system() -> Iterator[str]:
    yield from ("--ro-bind", "/usr", "/usr")
    for place in _SYSTEM_LINKS:
        if os.path.islink(place):
            yield from ("--symlink", os.readlink(place), place)
        elif os.path.isdir(place):
            yield from ("--ro-bind", place, place)
    for place in _ETC:
        yield from ("--ro-bind-try", place, place)
    yield from ("--proc", "/proc", "--dev", "/dev")
    # bubblewrap leaves these writable to whom they belong; its own user on the host never is that, but be sure.
    yield from ("--ro-bind", "/proc/sys", "/proc/sys")


def _tmpfs(sizes: Sizes) -> list[str]:
    places = (
        ("0700", 4 * _MIB, RUNTIME),
        ("0700", 64 * _MIB, CACHE),
        ("1777", sizes.tmp, "/tmp"),
        ("1777", sizes.shm, "/dev/shm"),
    )
    return [word for mode, size, place in places for word in ("--perms", mode, "--size", str(size), "--tmpfs", place)]


def own_files() -> dict[str, str]:
    """The few files of the system's that each sandbox has of its own."""
    return {
        "/etc/passwd": _PASSWD,
        "/etc/group": _GROUP,
        "/etc/hosts": _HOSTS,
        "/etc/nsswitch.conf": _NSSWITCH,
        "/etc/hostname": "sandbox\n",
        "/etc/pip.conf": PIP_CONF,
        "/etc/uv/uv.toml": UV_TOML,
        NPROC: _NPROC,
        SUDO: _SUDO.format(python=shlex.quote(sys.executable), root=SERVICE_ROOT),
    }
