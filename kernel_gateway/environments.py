"""Named environments, which E2B calls templates: Python packages of a user's choice, which no sandbox changes.

An environment is a folder of its own, and its name a link to it, so that a new build takes the old one's place at once.
Sandboxes hold a lock on the build that they run in; a build that has lost its name goes when nobody holds it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from kernel_gateway.errors import GatewayError
from kernel_gateway.recipes import PACKAGES

MOUNT = Path("/opt/environment")  # where a sandbox sees its own
DEFAULT_NAMES = frozenset({"base", "code-interpreter", "code-interpreter-v1", "default"})  # what the SDK asks for
FACTS = "environment.json"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class UnknownEnvironment(GatewayError):
    """No environment has this name; the message lists those that there are."""


class BrokenEnvironment(GatewayError):
    """The environment is there and cannot be used; the message says why, and what to do."""


class BadName(GatewayError):
    """An environment cannot have this name."""


@dataclass(frozen=True)
class Environment:
    """One built environment. `folder` is on the host; `packages` are the exact versions that it was built with.

    A `layered` one lies over Gristmill's own packages in `below`; any other has all that it needs. `base` is the
    installation that its interpreter belongs to. `built` is ISO 8601, UTC.
    """

    name: str
    folder: Path
    built: str
    python: str
    layered: bool
    below: str
    below_versions: str
    base: str
    requirements: str
    packages: dict[str, str]
    warnings: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Names the contents: the same for the same Python and the same versions of all packages."""
        import hashlib

        lock = json.dumps([self.python, sorted(self.packages.items())])
        return hashlib.sha256(lock.encode()).hexdigest()[:16]

    def binds(self) -> list[tuple[Path, Path]]:
        """What a sandbox in it must see beside what every sandbox sees: (source, target) folders.

        Raises `BrokenEnvironment` when the interpreter that it was built with is gone.
        """
        if not (self.folder / "bin" / "python").exists():
            raise BrokenEnvironment(
                f"The Python {self.python} that the environment {self.name!r} was built with is gone from {self.base}; "
                f"build it again with `gristmill template build {self.name} -r FILE`."
            )
        base = Path(self.base)
        under_usr = base.is_relative_to("/usr")
        return [(self.folder, MOUNT), *([] if under_usr or self.layered else [(base.resolve(), base)])]

    def stale(self) -> str | None:
        """What speaks against using it as it stands; None when nothing does."""
        try:
            self.binds()
        except BrokenEnvironment as broken:
            return str(broken)
        if self.layered and versions_below(Path(self.below)) != self.below_versions:
            return "Gristmill's own packages, which it lies over, have changed since; build it again."
        return None


def folder_of(home: Path) -> Path:
    """Where the environments of this data folder are."""
    return home / "environments"


def environments(home: Path) -> list[Environment]:
    """All environments, by name; one whose facts cannot be read is left out."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for link in sorted(folder_of(home).iterdir()):
            if link.is_symlink() and _NAME.fullmatch(link.name):
                with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                    found.append(read(link))
    return found


def find(home: Path, name: str) -> Environment | None:
    """The environment of this name; None for the names that mean the default one. Raises `UnknownEnvironment`."""
    if name in DEFAULT_NAMES:
        return None
    if _NAME.fullmatch(name):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            return read(folder_of(home) / name)
    if name in PACKAGES:
        raise UnknownEnvironment(
            f"The template {name!r} is not built on this host yet: `gristmill template build {name}` does it, once."
        )
    there = ", ".join(one.name for one in environments(home)) or "none yet"
    raise UnknownEnvironment(
        f"There is no template {name!r} on this host. It has the default one (code-interpreter-v1, base); built here: "
        f"{there}. `gristmill template build NAME -r requirements.txt` makes one."
    )


def check_name(name: str) -> None:
    """Raise `BadName` for what cannot be an environment's name."""
    if name in DEFAULT_NAMES:
        raise BadName(f"{name!r} is a name of the default environment; choose another.")
    if not _NAME.fullmatch(name):
        raise BadName(f"{name!r} cannot name an environment; use a-z, 0-9, '-' and '_', 63 at most.")


@contextlib.contextmanager
def held(environment: Environment) -> Iterator[None]:
    """Keep the build from being removed; no process may inherit this."""
    descriptor = os.open(environment.folder / FACTS, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def write_facts(environment: Environment) -> None:
    """Keep what is known of a build, in its folder."""
    facts = asdict(environment) | {"folder": ""}
    file = environment.folder / FACTS
    file.write_text(json.dumps(facts, indent=1))
    file.chmod(0o644)  # whatever our umask: a sandbox may be another user on this machine


def put_in_place(home: Path, environment: Environment) -> None:
    """Give the finished build its name, at once and whole; what had the name before goes when nobody uses it."""
    link = folder_of(home) / environment.name
    fresh = link.with_name(f".{environment.name}.link")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(environment.folder.name)
    os.replace(fresh, link)
    sweep(home)


def remove(home: Path, name: str) -> None:
    """Take the environment's name away; its files go when nobody uses them. Raises `UnknownEnvironment`."""
    with building(home):
        environment = find(home, name)
        if environment is None:
            raise BadName(f"{name!r} is the default environment, which is Gristmill's own; it cannot be removed.")
        (folder_of(home) / name).unlink()
        sweep(home)


@contextlib.contextmanager
def building(home: Path) -> Iterator[Path]:
    """The folder of environments, made if need be and ours alone to change. Raises `GatewayError` when it is not."""
    folder = folder_of(home)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise GatewayError(f"The data folder {home} cannot be written: {error.strerror}.") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise GatewayError(f"Another build or removal is under way in {folder}; wait for its end.") from None
    try:
        sweep(home)
        yield folder
    finally:
        os.close(lock)


def sweep(home: Path) -> None:
    """Remove what lost its name or never got one, unless a sandbox still runs in it; the caller is in `building`."""
    folder = folder_of(home)
    named = {os.readlink(link) for link in folder.iterdir() if link.is_symlink() and not link.name.startswith(".")}
    for build in folder.iterdir():
        if build.is_dir() and not build.is_symlink() and build.name not in named and not _held(build):
            shutil.rmtree(build, ignore_errors=True)


def _held(build: Path) -> bool:
    try:
        descriptor = os.open(build / FACTS, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def versions_below(folder: Path) -> str:
    """Names the versions of all packages in a folder of packages, told from the names of their records."""
    import hashlib

    names = sorted(entry.name for entry in os.scandir(folder) if entry.name.endswith(".dist-info"))
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


def read(link: Path) -> Environment:
    """The environment in a folder; raises what reading its facts may raise."""
    folder = link.resolve(strict=True)
    facts = json.loads((folder / FACTS).read_text())
    return Environment(**{**facts, "name": link.name, "folder": folder, "warnings": tuple(facts["warnings"])})
