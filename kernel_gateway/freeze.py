"""Stops every process of a sandbox where it stands, and lets them go on."""

from __future__ import annotations

import contextlib

import psutil

_PASSES = 64  # a process may start another while we stop it; each pass catches those of the one before


class Frozen:
    """The processes that were stopped, so that one which its user had stopped stays so when the others go on."""

    def __init__(self) -> None:
        self._stopped: list[psutil.Process] = []

    @classmethod
    def below(cls, root: int) -> Frozen:
        """Stop all that process `root` has started, and what they start meanwhile; `root` itself goes on."""
        frozen = cls()
        for _ in range(_PASSES):
            if not frozen._stop_once(root):
                break
        return frozen

    def thaw(self) -> None:
        """Let them go on: children first, so that no parent sees a stopped child."""
        for process in reversed(self._stopped):
            with contextlib.suppress(psutil.Error):
                process.resume()
        self._stopped.clear()

    def _stop_once(self, root: int) -> bool:
        found = False
        known = set(self._stopped)
        with contextlib.suppress(psutil.Error):
            for process in psutil.Process(root).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    idle = process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
                    if process not in known and not idle:
                        process.suspend()
                        self._stopped.append(process)
                        found = True
        return found
