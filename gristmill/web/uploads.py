"""Files that came over the wire: kept under safe names in the data folder until their run has taken them."""

from __future__ import annotations

import shutil
import tempfile
import unicodedata
from pathlib import Path
from typing import BinaryIO

from gristmill.errors import Misuse


def folder(home: Path) -> Path:
    """A fresh folder for one request's files, on the data folder's own disk."""
    uploads = home / "uploads"
    uploads.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=uploads))


def keep(file: BinaryIO, name: str | None, into: Path) -> Path:
    """Write an upload into a folder. Raises Misuse for a name that is none, or that comes twice."""
    target = into / safe_name(name)
    try:
        with target.open("xb") as sink:
            shutil.copyfileobj(file, sink, 1 << 20)
    except FileExistsError:
        raise Misuse(f"Two uploads are named {target.name}; give them different names.") from None
    return target


def safe_name(name: str | None) -> str:
    """The last part of a file's name, without what a file system or a terminal could take amiss."""
    last = (name or "").replace("\\", "/").rpartition("/")[2]
    last = "".join(c for c in unicodedata.normalize("NFC", last) if unicodedata.category(c)[0] != "C").strip()
    if last in ("", ".", ".."):
        raise Misuse("An upload has no file name.")
    stem, dot, suffix = last.rpartition(".")
    while len(last.encode()) > 200:
        stem = stem[:-1] if dot else ""
        last = f"{stem}{dot}{suffix}" if stem else last[:50]
    return last
