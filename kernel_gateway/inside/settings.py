"""What the service inside a sandbox knows about the sandbox."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from pathlib import Path

from kernel_gateway.inside.journal import Journal

ROOT_HOME = "/root"
HOME = "/home/user"  # where E2B's sandboxes live, and so where every client writes
_ROOT = ("root", "0")
_USERS = ("", "user", "1000", *_ROOT)


def user_of(authorization: str | None) -> str:
    """The user that the SDK names as HTTP's basic authorization, without a password; raises ValueError."""
    kind, _, text = (authorization or "").partition(" ")
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(text, validate=True).decode().partition(":")[0]
    except ValueError:
        raise ValueError("The Authorization header names no user.") from None


@dataclass
class Settings:
    """Where things are. `home` differs from /home/user only where a sandbox is not isolated."""

    home: str
    runtime: Path
    environment: dict[str, str]
    envs: dict[str, str] = field(default_factory=dict)
    journal: Journal = field(default_factory=Journal)

    @classmethod
    def from_environment(cls) -> Settings:
        """Read the service's own environment, which the host made from nothing."""
        environment = dict(os.environ)
        runtime = Path(environment.pop("GRISTMILL_RUNTIME"))
        return cls(environment["HOME"], runtime, environment)

    @property
    def cwd(self) -> str:
        """The directory that relative paths and new processes start from."""
        return self.home

    def is_root(self, user: str) -> bool:
        """Whether this user, by name or number, is root; one without isolation is who runs the gateway, whatever it is
        called. Raises ValueError for a user that there is not.
        """
        if user not in _USERS:
            raise ValueError(f"invalid username: {user!r}; a sandbox of this host has the users root and user.")
        return self.home == HOME and user in _ROOT

    def locate(self, path: str, user: str = "") -> str:
        """The absolute path that a client means: relative to the user's home, `~` expanded; raises ValueError."""
        home = ROOT_HOME if self.is_root(user) else self.home
        if path == "~" or path.startswith("~/"):
            path = home + path[1:]
        path = os.path.normpath(os.path.join(home, path))
        if self.home != HOME and (path == HOME or path.startswith(HOME + "/")):
            path = self.home + path[len(HOME) :]
        return path

    def process_environment(self) -> dict[str, str]:
        """For commands: the sandbox's own, then what its creator asked for."""
        return {**self.environment, **self.envs}

    def kernel_environment(self) -> dict[str, str]:
        """For kernels: figures are shown inline, and OpenMP has one thread, so that sums come out the same."""
        own = {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "OMP_NUM_THREADS": "1"}
        return {**own, **self.process_environment()}
