"""Anonymous files, by which a child is given what must not appear on a command line."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


@contextlib.contextmanager
def memory_file(data: bytes) -> Iterator[int]:
    """A descriptor of an anonymous file that holds `data` and is read from its start."""
    descriptor = os.memfd_create("gristmill", os.MFD_CLOEXEC)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)
