"""Tools on the sandbox as a machine: its packages and environments, what it has, and git."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

from pydantic import Field

from graphs.state import Desk
from graphs.tools.base import Action, refusal, tool
from graphs.tools.files import cell, printed

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_LOOKS = frozenset({"blame", "diff", "grep", "log", "ls-files", "rev-parse", "show", "status"})
"""What git does without changing anything: no cell, since the notebook need not do it again."""
_MOST = 60_000  # bytes of what it prints that are looked at
_FAR = frozenset({"clone", "fetch", "ls-remote", "pull", "push"})


@tool("install_packages", job="code")
class InstallPackages(Action):
    """Install Python packages into the sandbox, as a cell, where the operator allows it."""

    packages: tuple[str, ...] = Field(min_length=1, max_length=50, description='As for pip: "polars", "shapely>=2"')

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        if astray := _astray(self.packages):
            return refusal("BadName", f"{astray!r} is no name of a package.")
        named = " ".join(json.dumps(p) if set(p) & set("<>=[ ") else p for p in self.packages)
        return await cell(desk, f"%pip install -q {named}", self.title or "Install packages", key, step_id)


@tool("create_environment", job="code")
class CreateEnvironment(Action):
    """Make a Python environment beside the notebook's own, for scripts that need other versions. Run them by
    `.environments/NAME/bin/python`. It sees the packages that are there already unless `empty`."""

    name: str = Field(description="Small letters, digits and -")
    packages: tuple[str, ...] = Field((), max_length=50, description="To be installed in it, as for pip")
    empty: bool = False

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        if not _NAME.fullmatch(self.name):
            return refusal("BadName", f"An environment cannot be named {self.name!r}: small letters, digits and -.")
        if astray := _astray(self.packages):
            return refusal("BadName", f"{astray!r} is no name of a package.")
        place = f".environments/{self.name}"
        lines = [f"python3 -m venv {'' if self.empty else '--system-site-packages '}{place}"]
        if self.packages:
            lines.append(f"{place}/bin/python -m pip install -q {shlex.join(self.packages)}")
        lines.append(f"{place}/bin/python --version")
        code = "%%bash\nset -e\n" + "\n".join(lines)
        return await cell(desk, code, self.title or f"Make the environment {self.name}", key, step_id)


@tool("git", job="code")
class Git(Action):
    """Run git in a folder of the sandbox. What changes something is a cell; status, log, diff and show are looked at
    beside it. There is no network, so nothing is cloned, fetched or pushed."""

    arguments: tuple[str, ...] = Field(min_length=1, max_length=40, description='["commit", "-m", "Add the scripts"]')
    folder: str = "."

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        does = self.arguments[0]
        if does in _FAR:
            return refusal("NoNetwork", f"git {does} needs a network, and the sandbox has none.")
        if does.startswith("-"):
            return refusal("BadCall", "Begin with what git is to do, such as status; options come behind it.")
        command = f"git -C {shlex.quote(self.folder)} {shlex.join(self.arguments)}"
        if does in _LOOKS:
            cut = f"set -o pipefail; {command} | head -c {_MOST}; s=$?; [ $s = 141 ] || exit $s"  # 141: it was cut
            return printed(await desk.session.command(f"bash -c {shlex.quote(cut)}"))
        at = (await desk.view()).run.created_at.isoformat(timespec="seconds")  # so that running it again gives the same
        author = "".join(
            f"export GIT_{who}_NAME=Gristmill GIT_{who}_EMAIL=agent@gristmill.invalid GIT_{who}_DATE={at}\n"
            for who in ("AUTHOR", "COMMITTER")
        )
        return await cell(desk, f"%%bash\n{author}{command}", self.title or f"git {does}", key, step_id)


@tool("system_info", job="code")
class SystemInfo(Action):
    """Tell what the sandbox is: processors, memory, disk, Python and the versions of its packages."""

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        facts = (
            "nproc; free -m | head -2; df -h /home/user | tail -1; python3 --version; python3 -m pip list 2>/dev/null"
        )
        return printed(await desk.session.command(facts))


def _astray(packages: tuple[str, ...]) -> str | None:
    """What is no name of a package but an option or a command."""
    return next((p for p in packages if p.startswith("-") or any(c in p for c in "\n;|&`$")), None)
