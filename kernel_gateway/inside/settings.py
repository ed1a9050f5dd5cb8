"""What the service inside a sandbox knows about the sandbox."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from kernel_gateway.inside.journal import Journal

HOME = "/home/user"  # where E2B's sandboxes live, and so where every client writes


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

    def locate(self, path: str) -> str:
        """The absolute path that a client means: relative to the home, `~` expanded."""
        if path == "~" or path.startswith("~/"):
            path = self.home + path[1:]
        path = os.path.normpath(os.path.join(self.home, path))
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
