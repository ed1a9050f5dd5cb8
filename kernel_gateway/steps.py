"""What a step of a template's build may ask of this host, and what to do instead where it may not."""

from __future__ import annotations

import platform
import re
from typing import Any

from kernel_gateway.errors import GatewayError
from kernel_gateway.sandboxes import TEMPLATE

_BASE_IMAGES = {"e2bdev/base", "e2bdev/code-interpreter"}  # what the SDK begins with when it names no other
_SYSTEM = re.compile(r"\b(apt|apt-get) (\S+ )*install\b")
_NODE = re.compile(r"\b(bun|npm) (\S+ )*install\b")
_NO_SYSTEM_PACKAGES = (
    "Sandboxes of this host install no packages of the system's. Install them on the gateway's machine, with apt-get "
    "there: every sandbox sees its /usr. Python's are installed by pip_install()."
)


class StepFailed(GatewayError):
    """A step of a build failed; `step` is its number from 1, "base" or "finalize", as the SDK counts them."""

    def __init__(self, step: str, message: str) -> None:
        super().__init__(message)
        self.step = step


def base_of(body: dict[str, Any]) -> str:
    """The template that a build begins with; raises `StepFailed` for what this host has not."""
    if template := body.get("fromTemplate"):
        return str(template)
    image = str(body.get("fromImage") or "e2bdev/base")
    name, _, tag = image.partition(":")
    if body.get("fromImageRegistry") or name not in (*_BASE_IMAGES, "python"):
        raise StepFailed(
            "base",
            f"This host has no Docker images, and so not {image!r}. Begin with from_base_image() or "
            "from_python_image(), whose packages are Gristmill's own, or with from_template() and an environment that "
            "`gristmill template build` has made.",
        )
    if name == "python":
        _check_python(tag.partition("-")[0])
    return TEMPLATE


def _check_python(version: str) -> None:
    """Raise `StepFailed` unless the sandboxes' Python is of this version, of which parts may be left out."""
    here = platform.python_version_tuple()
    wanted = version.split(".") if version not in ("", "latest") else []
    if wanted != list(here)[: len(wanted)]:
        raise StepFailed(
            "base",
            f"Sandboxes of this host have Python {'.'.join(here)}, not {version}. Leave the version out, or make an "
            f"environment: `gristmill template build NAME --python {version} -r requirements.txt`, then "
            "from_template(NAME).",
        )


def whose(number: str, user: str = "") -> str:
    """Whom a step is run as, as a sandbox has it; raises `StepFailed` for a user that there is not."""
    if user in ("root", "0", "0:0", "root:root"):
        return "root"
    if user not in ("", "user", "1000", "1000:1000", "user:user"):
        raise StepFailed(number, f"invalid username: {user!r}; a sandbox of this host has the users root and user.")
    return ""


def check(number: str, command: str) -> None:
    """Raise `StepFailed` for a command that cannot succeed here."""
    if _SYSTEM.search(command):
        raise StepFailed(number, _NO_SYSTEM_PACKAGES)


def last_line(said: str) -> str:
    """The last line of what a command said."""
    return (said.strip().splitlines() or ["It said nothing."])[-1]


def advice(command: str, said: str) -> str:
    """What may help where a command failed; empty where nothing is known of it."""
    if _NODE.search(command):
        return " Sandboxes of this host have an index of Python packages alone; copy() what Node is to find."
    if "Read-only file system" in said or "Permission denied" in said:
        return " What belongs to the machine's own system can be replaced in a sandbox, but not changed in its place."
    return ""
