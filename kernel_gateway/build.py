"""Builds a named environment from requirements, aside, and puts it in place when it can run what a sandbox needs.

By default it lies over Gristmill's own environment: what that has already is not installed a second time, so a build
takes seconds and needs an index, or a folder of wheels, only for what is new. With a Python of another version nothing
can be shared, and everything is installed, by uv.

What is installed is somebody else's: a wheel may hold a `.pth` file, a `sitecustomize` or a `bin/python` of its own.
From the first file that is unpacked on, no interpreter that would read them is run here, but in a sandbox.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import sysconfig
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kernel_gateway.environments import MOUNT, Environment, building, check_name, put_in_place, write_facts
from kernel_gateway.errors import GatewayError, NoIsolation
from kernel_gateway.recipes import PACKAGES, Language
from kernel_gateway.requirements import built_lines

# What runs beside a user's code in a sandbox, and so what every environment has, in the versions that we run with.
_SERVICE = ("e2b", "httptools", "ipykernel", "jupyter-client", "pip", "python-multipart", "pyzmq", "uvicorn", "uvloop")
_LEAST = (3, 12)  # what the service that runs beside a user's code is written for
_VERSION = "import sys; print(*sys.version_info[:2], sep='.')"
_KEPT_LINES = 40
_LOOK = """
import importlib.metadata as m, json, re, sys, sysconfig
stage, *below = sys.argv[1:]
own = [sysconfig.get_path(name, "venv", {"base": stage, "platbase": stage}) for name in ("purelib", "platlib")]
packages = {}
for one in m.distributions(path=list(dict.fromkeys([*own, *below]))):
    packages.setdefault(re.sub(r"[-_.]+", "-", one.name).lower(), one.version)
python = ".".join(map(str, sys.version_info[:3]))
print(json.dumps({"python": python, "base": sys.base_prefix, "packages": packages}))
"""
# pip sees what is installed beneath the first of its arguments, and imports nothing from there: in the order of
# `sys.path`, a wheel just unpacked would stand before whatever pip itself goes on to import. The third is where pip is.
_PIP = """
import sys
from importlib.machinery import PathFinder
stage, own, pip = sys.argv[1:4]
del sys.argv[1:4]
class Ours(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if path is None:
            path = [place for place in sys.path if not place.startswith(stage)]
        return PathFinder.find_spec(name, path, target)
sys.meta_path[sys.meta_path.index(PathFinder)] = Ours
sys.path[:] = [own, *(place for place in sys.path if place != own), pip]
from pip._internal.cli.main import main
sys.exit(main())
"""
_SHEBANG = b"""#!/bin/sh
'''exec' "$(dirname -- "$(realpath -- "$0")")"/python "$0" "$@"
' '''"""

type Tell = Callable[[str], None]


class BuildFailed(GatewayError):
    """An environment could not be built; the message ends with what the installer said. What was there before stays."""


def build(
    home: Path,
    name: str,
    requirements: Sequence[Path],
    *,
    python: str | None = None,
    find_links: Sequence[str] = (),
    offline: bool = False,
    from_source: bool = False,
    language: Language | None = None,
    tell: Tell = lambda line: None,
) -> Environment:
    """Build the environment `name` from requirements files, and replace the one that had the name.

    With none, it has what `recipes.py` knows by its name. `language` is one that it is to run beside Python.

    `python` is a version or a path, for an environment that shares nothing with ours. `find_links` are folders or
    pages of wheels; `offline` asks no index. Only with `from_source` are packages taken that have to be built, since
    their build scripts run with the caller's rights. `tell` gets the installer's lines as they come.

    Raises `BuildFailed`, and `GatewayError` for a bad name, a missing file or a data folder that cannot be written.
    """
    check_name(name)
    texts = [_text(file) for file in requirements]
    packages = [] if requirements else [*PACKAGES.get(name, ())]
    packages += language.packages if language is not None else ()
    if not texts and not packages and language is None:
        raise BuildFailed(f"Say what {name} is to hold: -r FILE. By name there is {', '.join(PACKAGES)}.")
    if not from_source:
        _refuse_sources(requirements, texts)
    with building(home) as folder:
        stage = folder / f".{name}-{secrets.token_hex(6)}"
        beside = [stage.with_suffix(".pins"), stage.with_suffix(".pip")]
        try:
            beside[0].write_text("".join(f"{package}=={version}\n" for package, version in pins().items()))
            links = [word for place in find_links for word in ("--find-links", place)]
            options = [
                *links,
                *(["--no-index"] if offline else []),
                *(word for r in requirements for word in ("-r", str(r))),
                *packages,
            ]
            options += [] if from_source else ["--only-binary", ":all:"]
            if python is None:
                below, pip, base = _lay_over(stage, tell), _find_pip(beside[1]), sys.executable
                if requirements or packages:
                    _pip(stage, pip, options, beside[0], from_source, tell)
            else:
                below = pip = ""
                base = _uv(stage, python, options, beside[0], tell)
            if language is not None:
                language.write(stage)
            asked = "".join([*texts, *(f"{package}\n" for package in packages)])
            environment = _finish(stage, name, base, below, pip, asked, tell)
            put_in_place(home, environment)
        except BaseException:
            shutil.rmtree(stage, ignore_errors=True)
            raise
        finally:
            beside[0].unlink(missing_ok=True)
            shutil.rmtree(beside[1], ignore_errors=True)
    return environment


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise GatewayError(f"The requirements file {file} cannot be read: {error}.") from None


def _refuse_sources(files: Sequence[Path], texts: Sequence[str]) -> None:
    for file, text in zip(files, texts, strict=True):
        try:
            lines = list(built_lines(file, text))
        except (OSError, UnicodeDecodeError) as error:
            raise GatewayError(f"A requirements file that {file} names cannot be read: {error}.") from None
        if lines:
            raise BuildFailed(
                f"{file} asks for more than wheels: {lines[0]!r}. "
                "Packages that have to be built are taken only with --from-source."
            )


def pins() -> dict[str, str]:
    """The exact versions here of what the service in a sandbox needs, and of all that those need."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    found: dict[str, str] = {}
    waiting: list[str] = list(_SERVICE)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # an optional part that we run without
        found[name] = distribution.version
        for text in distribution.requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return found


def _lay_over(stage: Path, tell: Tell) -> str:
    """An empty environment of our own Python in which our packages are seen behind its own; returns their folder."""
    tell("Making an environment over Gristmill's own")
    _run([sys.executable, "-I", "-m", "venv", "--without-pip", str(stage)], lambda line: None, "be made")
    ours = sysconfig.get_path("purelib")
    target = Path(sysconfig.get_path("purelib", "venv", {"base": str(stage), "platbase": str(stage)}))
    pointer = target / "_gristmill.pth"
    pointer.write_text(ours + "\n")
    pointer.chmod(0o644)  # whatever our umask: a sandbox may be another user on this machine
    for name in ("pip", "pip3"):  # of its own, which installs to where its Python looks first
        command = stage / "bin" / name
        command.write_bytes(_SHEBANG + b"\nfrom pip._internal.cli.main import main\nraise SystemExit(main())\n")
        command.chmod(0o755)
    return ours


def _find_pip(spare: Path) -> str:
    """The folder that has pip: our own packages', or one that is made in `spare`."""
    if importlib.util.find_spec("pip") is not None:
        return sysconfig.get_path("purelib")
    _run([sys.executable, "-I", "-m", "venv", str(spare)], lambda line: None, "be made")
    return sysconfig.get_path("purelib", "venv", {"base": str(spare), "platbase": str(spare)})


def _pip_command(python: str, stage: Path, pip: str, *words: str) -> list[str]:
    own = sysconfig.get_path("purelib", "venv", {"base": str(stage), "platbase": str(stage)})
    return [python, "-I", "-c", _PIP, str(stage), own, pip, *words]


def _pip(stage: Path, pip: str, options: list[str], pins: Path, from_source: bool, tell: Tell) -> None:
    # pip, not uv: it takes packages for installed that it sees behind the environment's own.
    words = ["install", "--no-compile", "--progress-bar", "off", "--disable-pip-version-check", "--no-input"]
    command = _pip_command(str(stage / "bin/python"), stage, pip, *words, "-c", str(pins), *options)
    hint = "" if from_source else " Packages that have to be built are taken only with --from-source."
    _run(command, _without_repetition(tell), "be built", hint)


def _uv(stage: Path, python: str, options: list[str], pins: Path, tell: Tell) -> str:
    """Make the environment, and return the Python that it was made from."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if uv is None:
        raise BuildFailed("An environment with a Python of its own is built by uv, which is missing: `pip install uv`.")
    _run([uv, "venv", "--no-project", "--python", python, str(stage)], tell, "be made")
    has = subprocess.run(
        [str(stage / "bin/python"), "-c", _VERSION], capture_output=True, text=True, cwd="/"
    ).stdout.strip()
    if tuple(map(int, has.split("."))) < _LEAST:
        raise BuildFailed(
            f"A sandbox needs Python {'.'.join(map(str, _LEAST))} or newer, and {python} is Python {has}."
        )
    base = os.path.realpath(stage / "bin/python")
    command = [uv, "pip", "install", "--python", str(stage / "bin/python"), "-r", str(pins), "-c", str(pins)]
    _run([*command, *options], tell, "be built")
    return base


def _without_repetition(tell: Tell) -> Tell:
    """Leaves out what is ours already, and the conflicts, which are told when the build is done."""
    idle = (" ", "Requirement already satisfied", "Looking in ", "ERROR: pip's dependency resolver")

    def told(line: str) -> None:
        if line and not line.startswith(idle) and not line.endswith("which is incompatible."):
            tell(line)

    return told


def _run(command: list[str], tell: Tell, what: str, hint: str = "") -> None:
    """Run one step, telling its lines; raises `BuildFailed` with the last of them that matter."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        umask=0o022,
        env={**os.environ, "PYTHONNOUSERSITE": "1", "NO_COLOR": "1"},
    )
    last: deque[str] = deque(maxlen=_KEPT_LINES)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            last.append(line.rstrip())
            tell(line.rstrip())
        status = process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    if status:
        raise BuildFailed(f"The environment could not {what}.{_advice(list(last), hint)}\n" + "\n".join(_reasons(last)))


def _reasons(said: Iterable[str]) -> list[str]:
    """The installer's lines from its first error on; all that are kept when it marks none."""
    lines = [line for line in said if line.strip()]
    first = next((at for at, line in enumerate(lines) if re.match(r"ERROR|error:|\s*×", line)), 0)
    return lines[first:]


def _advice(said: list[str], hint: str) -> str:
    text = "\n".join(said)
    if "(constraint)" in text:
        return " What a sandbox's own service needs is there in fixed versions, and your requirements want another."
    return hint if "No matching distribution" in text else ""


def _finish(stage: Path, name: str, base: str, below: str, pip: str, requirements: str, tell: Tell) -> Environment:
    """Make the build independent of where it was made, write down what is in it, and see that it can run a sandbox.

    `base` is the Python that reads the packages' records and compiles them; with `-S` it runs nothing of theirs.
    """
    from kernel_gateway.environments import versions_below
    from kernel_gateway.trial import why_not

    look = [base, "-I", "-S", "-c", _LOOK, str(stage), *([below] if below else [])]
    looked = subprocess.run(look, capture_output=True, text=True, check=True, cwd="/")
    facts: dict[str, Any] = json.loads(looked.stdout)
    for script in (stage / "bin").iterdir():
        _detach(script, stage)
    subprocess.run(
        [base, "-I", "-S", "-m", "compileall", "-q", "-s", str(stage), "-p", str(MOUNT), str(stage / "lib")],
        capture_output=True,  # a file of an old Python's syntax is no reason to fail
        cwd="/",
        umask=0o022,
    )
    environment = Environment(
        name=name,
        folder=stage,
        built=datetime.now(UTC).isoformat(timespec="seconds"),
        python=facts["python"],
        layered=bool(below),
        below=below,
        below_versions=versions_below(Path(below)) if below else "",
        base=facts["base"],
        requirements=requirements,
        packages=dict(sorted(facts["packages"].items())),
    )
    environment = replace(environment, warnings=tuple(_conflicts(stage, pip)) if below else ())
    write_facts(environment)
    try:
        if (reason := why_not(environment)) is not None:
            raise BuildFailed(f"The environment was built and cannot run a sandbox: {reason}. Loosen what conflicts.")
    except NoIsolation as why:
        tell(f"Not tried, since what it holds is run in isolation only. {why}")
    return environment


def _detach(script: Path, stage: Path) -> None:
    """Have a script find its interpreter beside itself, wherever the environment is seen."""
    if script.is_symlink() or not script.is_file():
        return
    data = script.read_bytes()
    first, _, rest = data.partition(b"\n")
    if first.startswith(b"#!" + os.fsencode(stage)):
        script.write_bytes(_SHEBANG + b"\n" + rest)
    elif os.fsencode(stage) in data:
        script.write_bytes(data.replace(os.fsencode(stage), os.fsencode(MOUNT)))


def _conflicts(stage: Path, pip: str) -> Iterator[str]:
    """What pip finds unmet because a package of this build stands before another version of it, of ours."""
    below = {
        _normal(folder.name.split("-", 1)[0]) for folder in Path(sysconfig.get_path("purelib")).glob("*.dist-info")
    }
    own = {
        _normal(folder.name.split("-", 1)[0]) for folder in (stage / "lib").glob("python*/site-packages/*.dist-info")
    }
    if not own & below:
        return  # pip has met what is new from what is new and what is ours, and ours is as it was
    checked = subprocess.run(_pip_command(sys.executable, stage, pip, "check"), capture_output=True, text=True, cwd="/")

    for line in checked.stdout.splitlines():
        words = {_normal(word) for word in re.findall(r"[\w.-]*\w", line)}
        if own & words and not line.startswith("gristmill "):
            yield line


def _normal(name: str) -> str:
    """A package's name as it is compared: https://packaging.python.org/en/latest/specifications/name-normalization/"""
    return re.sub(r"[-_.]+", "-", name).lower()
