"""The DuckDB file of a data folder: opened by one process at a time, its faults told as sentences."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb

from artifacts.blobs import fsync_folder
from artifacts.errors import StoreDamaged, StoreError, StoreLocked, StoreUnwritable
from artifacts.home import LOCK
from artifacts.migrations import migrate

FILE = "gristmill.duckdb"
MARK = "store.mark"
SCRATCH = ".scratch-"
"""How folders in the data folder are called that somebody works in for a moment."""

# The record needs no extension and no file but its own, whatever a statement says.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "enable_external_access": False,
    "memory_limit": "1GB",
    "threads": 2,
}
_TABLES = "SELECT table_name FROM duckdb_tables() WHERE NOT internal AND table_name <> 'migrations' ORDER BY ALL"
_BATCH = 50_000
_IDLE = 8  # cursors kept for the next reader; opening one costs more than a small query


class Database:
    """One open database file. `cursor()` is for readers in any thread; `connection` is for the one writer."""

    def __init__(self, home: Path) -> None:
        """Make or open `home`/gristmill.duckdb and bring its schema up to date.

        Raises StoreLocked, StoreUnwritable, StoreDamaged or StoreNewer.
        """
        self.home = home
        self.path = home / FILE
        self._guard = threading.Condition()
        self._idle: list[duckdb.DuckDBPyConnection] = []
        self._reading = 0
        self._ending = False
        lock = _take(home)
        self._lock: int | None = lock
        try:
            made = _make(self.path)
            for left in home.glob(f"{SCRATCH}*"):  # by a process that was killed
                shutil.rmtree(left, ignore_errors=True)
            self.connection = _connect(self.path, check=not made)
            self._mark = os.open(home / MARK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except BaseException:
            os.close(lock)
            raise

    @contextlib.contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor that sees all that is committed; it neither waits for the writer nor holds it up.

        A thread has one at a time: the database is closed when nobody reads any more, and until then nobody begins to.
        """
        try:
            with self._guard:
                self._guard.wait_for(lambda: not self._ending)
                cursor = self._idle.pop() if self._idle else self.connection.cursor()
                self._reading += 1
        except duckdb.ConnectionException as error:
            raise StoreError("The record is closed; open it again to read.") from error
        kept = False
        try:
            yield cursor
            kept = True
        except duckdb.Error as error:
            raise explain(error, self.path) from error
        finally:
            with self._guard:
                self._reading -= 1
                self._guard.notify_all()
                if kept and len(self._idle) < _IDLE:
                    self._idle.append(cursor)
                else:
                    cursor.close()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor that sees the record as it is at this moment, whatever is written meanwhile, and can only read."""
        with self.cursor() as read:
            read.execute("BEGIN TRANSACTION READ ONLY")
            try:
                yield read
            finally:
                read.execute("ROLLBACK")

    def size(self, connection: duckdb.DuckDBPyConnection | None = None) -> int:
        """How many things that may never be lost the database holds: events (artifacts among them) and fires."""
        return _size(connection or self.connection)

    def mark(self, size: int, *, safely: bool = False) -> None:
        """Note, beside the database, the size that was acknowledged, so that `_check` can tell when less is there.

        Written after each commit and not forced to the disk: it may lag behind the database, never run ahead of it.
        Before a commit that takes things out it is lowered `safely`, which is to say on the disk.
        """
        os.pwrite(self._mark, f"{size:020d}".encode(), 0)
        if safely:
            os.fsync(self._mark)

    def bytes(self) -> int:
        """How large the database is on the disk, its write-ahead log included."""
        return sum(path.stat().st_size for path in (self.path, Path(f"{self.path}.wal")) if path.exists())

    def shrink(self) -> None:
        """Put a copy in the file's place, which has only what is there. For when nobody writes; readers wait a moment.

        DuckDB itself keeps the room of deleted rows for new ones. Raises StoreError, and then nothing has changed.
        """
        try:
            with tempfile.TemporaryDirectory(dir=self.home, prefix=SCRATCH) as folder:
                copy = Path(folder, FILE)
                self.copy(copy)
                copy.chmod(0o600)
                with self._guard:
                    self._let_readers_end()
                    self.connection.execute("CHECKPOINT")
                    self._drop()
                    try:
                        if not Path(f"{self.path}.wal").exists():  # it would be taken for the copy's
                            os.replace(copy, self.path)
                            fsync_folder(self.home)
                    finally:
                        self.connection = _connect(self.path)
        except duckdb.Error as error:
            raise explain(error, self.path) from error
        except OSError as error:
            raise StoreUnwritable(self.home, _reason(error)) from error

    def copy(self, path: Path) -> int:
        """Write all rows of this moment into a new database file at `path`; returns its size as `mark` counts it.

        The writer is not held up: this reads a snapshot and is no copy of the file's bytes.
        """
        with self.snapshot() as read, contextlib.closing(_connect(path)) as write:
            for (table,) in read.execute(_TABLES).fetchall():
                for batch in read.sql(f'SELECT * FROM "{table}"').to_arrow_reader(_BATCH):
                    write.register("batch", batch)
                    write.execute(f'INSERT INTO "{table}" BY NAME SELECT * FROM batch')
                    write.unregister("batch")
            write.execute("CHECKPOINT")
            return _size(write)

    @staticmethod
    @contextlib.contextmanager
    def opened(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
        """Another database file, to be read."""
        with duckdb.connect(str(path), read_only=True, config=_CONFIG) as read:
            yield read

    def reconnect(self) -> None:
        """Open the file anew, after DuckDB gave it up (it does so when it cannot trust what a failed write left)."""
        with self._guard:
            self._let_readers_end()
            self._drop()
            self.connection = _connect(self.path)

    def keep_private(self) -> None:
        """Mode 0600 for the write-ahead log, which DuckDB makes anew after each checkpoint with the umask's mode."""
        with contextlib.suppress(FileNotFoundError):
            wal = f"{self.path}.wal"
            if os.stat(wal).st_mode & 0o077:
                os.chmod(wal, 0o600)

    def close(self) -> None:
        """Fold the write-ahead log into the file and give the data folder free. A second call does nothing.

        It waits for those who read: DuckDB refuses to close what is busy in another thread.
        """
        with self._guard:
            self._let_readers_end()
            if self._lock is None:
                return
            # The log already holds every commit: a full disk that stops the folding loses nothing.
            with contextlib.suppress(duckdb.Error):
                self.connection.execute("CHECKPOINT")
            self._drop()
            fcntl.flock(self._lock, fcntl.LOCK_UN)
            os.close(self._mark)
            os.close(self._lock)
            self._lock = None

    def _let_readers_end(self) -> None:
        """Wait until nobody reads; the guard, which the caller has, is given up meanwhile."""
        self._ending = True
        try:
            self._guard.wait_for(lambda: not self._reading)
        finally:
            self._ending = False
            self._guard.notify_all()  # those who have waited to begin

    def _drop(self) -> None:
        for cursor in self._idle:
            cursor.close()
        self._idle.clear()
        self.connection.close()


def explain(error: duckdb.Error, path: Path) -> StoreError:
    """What DuckDB says, as one of our errors."""
    text = " ".join(str(error).split("\n\n")[0].split())
    if "lock on file" in text or "being used by another process" in text:
        pid = re.search(r"PID (\d+)", text)
        return StoreLocked(path.parent, int(pid[1]) if pid else None)
    if "Permission denied" in text or "Read-only file system" in text:
        return StoreUnwritable(path.parent, text)
    if re.search("File too large|No space left|out of (disk )?space|Disk quota", text, re.IGNORECASE):
        return StoreError(
            f"The record in {path} cannot grow ({text}). What was recorded is safe; make room on the disk."
        )
    if re.search("orrupt|not a valid DuckDB|read enough bytes|replaying WAL|checksum|Is a directory", text):
        return StoreDamaged(
            f"The database {path} cannot be read ({text}). It was left as it is: put a copy from a backup in its "
            f"place, or move it and {path.name}.wal aside to begin with an empty record. "
            f"The files in {path.parent / 'blobs'} are kept apart and are not touched."
        )
    return StoreError(f"The record in {path} could not be used: {text}")


def _take(home: Path) -> int:
    """Make the folder and hold its lock; returns the lock's file descriptor.

    The lock is ours beside DuckDB's, which does not keep a second store in the same process apart, and which cannot
    guard the file's making or the blobs.
    """
    try:
        if not home.exists() or (home / FILE).exists() or all(path.name == "gateway" for path in home.iterdir()):
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            home.chmod(0o700)
        (home / "blobs").mkdir(mode=0o700, exist_ok=True)
        lock = os.open(home / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreUnwritable(home, _reason(error)) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
    except BlockingIOError:
        holder = os.pread(lock, 32, 0)
        os.close(lock)
        raise StoreLocked(home, int(holder) if holder.isdigit() else None) from None
    except OSError as error:
        os.close(lock)
        raise StoreUnwritable(home, _reason(error)) from error
    return lock


def _make(path: Path) -> bool:
    """Make the database where there is none, and return whether that was so.

    It is made under another name first: a kill in the middle must not leave a file that cannot be opened.
    """
    if path.exists():
        return False
    wal = Path(f"{path}.wal")
    if wal.exists():
        raise StoreDamaged(
            f"{path} is missing while its write-ahead log {wal.name} is there. Put the database back beside it, "
            "or move the log aside to begin with an empty record."
        )
    new = path.with_name(path.name + ".new")
    try:
        for stale in (new, Path(f"{new}.wal"), path.with_name(MARK)):
            stale.unlink(missing_ok=True)
        _connect(new).close()
        new.chmod(0o600)
        new.rename(path)
        fsync_folder(path.parent)
    except OSError as error:
        raise StoreUnwritable(path.parent, _reason(error)) from error
    return True


def _check(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Refuse a database that is damaged or holds less than was acknowledged, before anything is written to it.

    DuckDB takes a write-ahead log up to where it stops making sense. That is right for an entry that a crash cut short,
    but a log that was damaged or lost would silently take acknowledged events along.
    """
    try:
        acknowledged = int(path.with_name(MARK).read_text())
    except (FileNotFoundError, ValueError):
        acknowledged = 0
    connection.execute("SELECT name FROM migrations").fetchall()
    size = _size(connection) if acknowledged else 0
    if size < acknowledged:
        raise StoreDamaged(
            f"The database {path} holds {size} of {acknowledged} recorded events; the others were in its write-ahead "
            f"log {path.name}.wal, which is damaged or gone. Both were left as they are: put them back from a backup, "
            f"or delete {path.with_name(MARK)} to go on with what is there."
        )


def _size(connection: duckdb.DuckDBPyConnection) -> int:
    row = connection.execute("SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM fires)").fetchone()
    return int(row[0]) if row else 0


def _connect(path: Path, *, check: bool = False) -> duckdb.DuckDBPyConnection:
    """Open a database, bringing its schema up to date; with `check` not before it is found whole."""
    log = Path(f"{path}.wal").exists()  # which opening the file to write would take in, as far as it can be read
    try:
        if check and log:
            with duckdb.connect(str(path), read_only=True, config=_CONFIG) as read:
                _check(read, path)
        connection = duckdb.connect(str(path), config=_CONFIG)
    except duckdb.Error as error:
        raise explain(error, path) from error
    try:
        if check and not log:  # opening is most of the time that this takes: once is enough
            _check(connection, path)
        migrate(connection)
    except duckdb.Error as error:
        connection.close()
        raise explain(error, path) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _reason(error: OSError) -> str:
    return f"{error.strerror or error}: {error.filename}" if error.filename else str(error)
