"""The service's main: start the first kernel at once, then serve the sandbox's requests on an inherited socket.

The host hands over a Unix socket that already listens, so the sandbox holds no path of the host, and requests wait in
it until this service is up.
"""

from __future__ import annotations

import json
import os
import threading

from kernel_gateway.inside.launch import launch
from kernel_gateway.inside.limits import leave_keyring, set_limits
from kernel_gateway.inside.settings import Settings


def main(descriptor: int, lifeline: int, limits: str) -> None:
    """Serve on the listening socket `descriptor` until the process is ended from outside.

    `lifeline` is the reading end of a pipe that the host holds open while it lives; `limits` is JSON.
    """
    threading.Thread(target=_end_with_host, args=(lifeline,), daemon=True).start()
    leave_keyring()
    set_limits(**json.loads(limits))
    os.umask(0o022)
    settings = Settings.from_environment()
    first = launch(settings.runtime, settings.cwd, settings.kernel_environment())
    # Imported while the kernel starts on the other core.
    from kernel_gateway.inside.app import serve

    serve(settings, first, descriptor)


def _end_with_host(lifeline: int) -> None:
    os.read(lifeline, 1)  # returns when the host has gone, since nobody ever writes
    os._exit(1)
