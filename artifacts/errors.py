"""What can go wrong with the record, each as a sentence: what happened, and what to do next."""

from __future__ import annotations

from pathlib import Path


class StoreError(Exception):
    """Something is wrong with the record. The message is written for the person at the terminal."""


class StoreLocked(StoreError):
    """Another process has the data folder open. `pid` is that process, where it is known."""

    def __init__(self, home: Path, pid: int | None) -> None:
        super().__init__(
            f"The data folder {home} is in use by {f'process {pid}' if pid else 'another process'}; "
            "wait until it ends, or name another folder with --home. Through `gristmill serve` several work at once."
        )
        self.pid = pid


class StoreUnwritable(StoreError):
    """The data folder cannot be made or written."""

    def __init__(self, home: Path, reason: str) -> None:
        super().__init__(
            f"The data folder {home} cannot be written ({reason}); mend that, or name another folder with --home."
        )


class StoreDamaged(StoreError):
    """A file of the record is not what was written there. It is kept as it is, never overwritten."""


class StoreNewer(StoreError):
    """The database has schema steps that this program does not know."""


class NotFound(StoreError):
    """No run, artifact or schedule answers to this name; the message says what is near."""
