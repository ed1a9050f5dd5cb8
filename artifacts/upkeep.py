"""What is done with the record as a whole: exported, backed up, pruned."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from artifacts import parquet
from artifacts.backup import backup
from artifacts.blobs import Blobs
from artifacts.database import Database
from artifacts.errors import StoreError
from artifacts.prune import Pruned, look, prune
from artifacts.writer import Writer


class Upkeep:
    """The upkeep of an open store, as `store.upkeep`. Every method blocks, for as long as the record is large."""

    def __init__(self, database: Database, writer: Writer, blobs: Blobs) -> None:
        self._database, self._writer, self._blobs = database, writer, blobs
        self._one = threading.Lock()

    def export(self, folder: Path) -> list[Path]:
        """Write the tables of `artifacts.tables` as Parquet files, with a README of their columns; returns the paths.

        Raises StoreError when the folder cannot be written.
        """
        try:
            return parquet.write(self._database, folder)
        except OSError as error:
            raise StoreError(f"{folder} cannot be written: {error.strerror or error}.") from error

    def backup(self) -> Iterator[bytes]:
        """A copy of the record as it is when the first piece is taken, as a stream of tar (see `artifacts.backup`)."""
        with self._alone():
            yield from backup(self._database, self._blobs)

    def prune(self, before: datetime, *, dry_run: bool = False) -> Pruned:
        """Take out the runs that ended before a time, and the files that only they had.

        A run stays that one which stays was made from, reproduces or follows, and so does the last run of a schedule.
        `dry_run` only tells what would go. Raises StoreError while a backup is made.
        """
        if dry_run:
            with self._database.snapshot() as read:
                return look(read, before)
        with self._alone():
            return prune(self._database, self._writer, self._blobs, before)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep backup and pruning apart: one needs the files that the other removes."""
        if not self._one.acquire(blocking=False):
            raise StoreError("A backup is being made, or the record is being pruned; try again when that has ended.")
        try:
            yield
        finally:
            self._one.release()
