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
    def below(cls, root: int, seed: int | None) -> Frozen:
        """Stop all that process `root` has started, and what they start meanwhile; `root` itself goes on.

        So is `seed` stopped with all that it has started, where it is no child of `root`.
        """
        frozen = cls()
        for _ in range(_PASSES):
            if not frozen._stop_once(root, seed):
                break
        return frozen

    def thaw(self) -> None:
        """Let them go on: children first, so that no parent sees a stopped child."""
        for process in reversed(self._stopped):
            with contextlib.suppress(psutil.Error):
                process.resume()
        self._stopped.clear()

    def _stop_once(self, root: int, seed: int | None) -> bool:
        found = False
        known = set(self._stopped)
        for process in _family(root, seed):
            with contextlib.suppress(psutil.Error):
                idle = process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
                if process not in known and not idle:
                    process.suspend()
                    self._stopped.append(process)
                    found = True
        return found


def _family(root: int, seed: int | None) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        found += psutil.Process(root).children(recursive=True)
    if seed is not None:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(seed)
            found += [process, *process.children(recursive=True)]
    return found
