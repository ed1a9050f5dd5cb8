"""Starts a kernel's process. Light to import: it is what the service does first."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_BOOT = (
    "import sys; sys.path.insert(0, {root!r}); from kernel_gateway.inside.kernel import main; main({file!r}, {parent})"
)
_SERVICE_ROOT = str(Path(__file__).resolve().parents[2])


@dataclass(frozen=True)
class Launched:
    """A kernel process that nobody listens to yet: its connection file, the stem of its sockets' paths, its key."""

    process: subprocess.Popen[bytes]
    file: Path
    address: str
    key: str


def launch(directory: Path, cwd: str, environment: dict[str, str]) -> Launched:
    """Start a kernel process and return at once; its sockets will appear in `directory`."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = secrets.token_hex(4)
    key = secrets.token_hex(16)
    connection: dict[str, str | int] = {
        "transport": "ipc",
        "ip": str(directory / name),
        "key": key,
        "signature_scheme": "hmac-sha256",
    }
    connection |= {f"{channel}_port": at for at, channel in enumerate(("shell", "iopub", "stdin", "control", "hb"), 1)}
    file = directory / f"{name}.json"
    file.write_text(json.dumps(connection))
    process = subprocess.Popen(
        [sys.executable, "-c", _BOOT.format(root=_SERVICE_ROOT, file=str(file), parent=os.getpid())],
        cwd=cwd,
        env={**environment, "GRISTMILL_SERVICE_PATH": _SERVICE_ROOT},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    return Launched(process, file, str(directory / name), key)
