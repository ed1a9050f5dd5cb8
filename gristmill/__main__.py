"""The `gristmill` command as a process of its own, which `python -m gristmill` is too."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys

from gristmill.cli import main


def program() -> None:
    """Run the command and end the process, whose memory the system takes back: Python would do it piece by piece."""
    status = 1  # as after an exception, which Python has told when it ends

    def leave() -> None:
        with contextlib.suppress(OSError):  # nobody reads it any more
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)

    atexit.register(leave)  # what is registered first is called last, and only when no thread runs
    try:
        main(prog_name="gristmill")
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        raise


if __name__ == "__main__":
    program()
