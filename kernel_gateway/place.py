"""Where a gateway keeps its sockets, and the lock that says whose a place is."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """Where the host keeps its sockets. They are reached through `directory`, so that no path is ever too long."""

    folder: Path
    directory: int
    short: Path  # for the sockets that kernels make themselves where there is no isolation

    @classmethod
    def make(cls, folder: Path) -> Place:
        """Make an empty folder that only we may enter; what an earlier host left in it goes."""
        mark = hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:10]
        short = Path(tempfile.gettempdir(), f"gristmill-{os.getuid()}-{mark}")
        for old in (folder, short):
            shutil.rmtree(old, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        return cls(folder, os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), short)

    def make_short(self) -> Path:
        """The short folder, ours alone; raises OSError when somebody else has taken its name."""
        with contextlib.suppress(FileExistsError):
            self.short.mkdir(mode=0o700)
        facts = self.short.lstat()
        if facts.st_uid != os.getuid() or not stat.S_ISDIR(facts.st_mode):
            raise FileExistsError(errno.EEXIST, "is not ours", str(self.short))
        return self.short

    def address(self, name: str) -> str:
        """A path of the socket `name` that fits a socket address (108 bytes) whatever the folder's length."""
        return f"/proc/self/fd/{self.directory}/{name}"

    def close(self) -> None:
        """Remove the folder."""
        os.close(self.directory)
        for place in (self.folder, self.short):
            shutil.rmtree(place, ignore_errors=True)


def lock(path: Path) -> int:
    """Take the lock file at `path` and return its descriptor, held while the process lives; raises BlockingIOError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    return descriptor
