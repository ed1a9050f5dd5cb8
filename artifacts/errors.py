"""What can go wrong with the record, each as a sentence: what happened, and what to do next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from artifacts.types import Artifact


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


class ArtifactDamaged(StoreDamaged):
    """The bytes of an artifact are gone or are not those that were stored; `why` says what.

    `remedy` is what brings them back: the run does its cells again (`reproduce`), its files are written anew from the
    record (`export`), or somebody gives the file once more (`give`).
    """

    def __init__(self, artifact: Artifact, why: Literal["missing", "changed", "unreadable"]) -> None:
        self.artifact, self.why = artifact, why
        self.fault = f"The bytes of {artifact.name} ({artifact.id}) {_FAULTS[why]}."
        if artifact.role in ("report", "findings") or artifact.name == "analysis.ipynb":
            self.remedy: Literal["reproduce", "export", "give"] = "export"
        else:
            self.remedy = "give" if artifact.role == "input" else "reproduce"
        super().__init__(f"{self.fault} {_REMEDIES[self.remedy].format(run=artifact.run_id, name=artifact.name)}")


_FAULTS = {
    "missing": "are missing",
    "changed": "are not those that were stored",
    "unreadable": "cannot be read; look at the rights of the data folder and at the disk",
}
_REMEDIES = {
    "reproduce": "`gristmill runs reproduce {run}` makes them again.",
    "export": "`gristmill artifacts export {run}` writes this file anew from the record.",
    "give": "They came with {run}: ask a question of the same {name} again, and its bytes are stored anew.",
}


class QueryError(StoreError):
    """A statement of SQL that cannot be carried out, or asks too much."""


class StoreNewer(StoreError):
    """The database has schema steps that this program does not know."""


class NotFound(StoreError):
    """No run, artifact or schedule answers to this name; the message says what is near."""
