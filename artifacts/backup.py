"""A copy of the record as one stream of tar: a data folder of one moment, made while others go on writing."""

from __future__ import annotations

import json
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from artifacts.blobs import Blobs, damage
from artifacts.database import FILE, MARK, SCRATCH, Database
from artifacts.errors import ArtifactDamaged
from artifacts.projections import ARTIFACT, read_artifact
from artifacts.types import Artifact

MANIFEST = "backup.json"
"""The last member, without which a backup is not whole: `{"runs", "artifacts", "files", "damaged"}`."""
CHECKPOINTS = "checkpoints.sqlite"

_CHUNK = 1 << 20


def backup(database: Database, blobs: Blobs) -> Iterator[bytes]:
    """The database, the files of its artifacts and the checkpoints, as tar. Unpacked, it is a data folder.

    A file that is damaged or missing is left out, and the manifest names its artifacts.
    """
    with tempfile.TemporaryDirectory(dir=database.home, prefix=SCRATCH) as name:
        folder = Path(name)
        # The checkpoints come first: a run is resumed from an older one rightly, from one that is ahead it is not.
        if (database.home / CHECKPOINTS).exists():
            _copy_checkpoints(database.home / CHECKPOINTS, folder / CHECKPOINTS)
        size = database.copy(folder / FILE)
        with database.opened(folder / FILE) as read:
            artifacts = [read_artifact(r) for r in read.execute(f"SELECT {ARTIFACT} FROM artifacts").fetchall()]
            runs = len(read.execute("SELECT id FROM runs").fetchall())
        damaged: list[ArtifactDamaged] = []
        members = {a.sha256: a for a in sorted(artifacts, key=lambda a: (a.sha256, a.id))}

        def files() -> Iterator[tuple[str, Path | bytes]]:
            for part in (CHECKPOINTS, FILE):
                if (folder / part).exists():
                    yield part, folder / part
            yield MARK, f"{size:020d}".encode()
            for sha256, artifact in members.items():
                try:
                    with damage(artifact):
                        yield f"blobs/{sha256[:2]}/{sha256}", blobs.checked(sha256)
                except ArtifactDamaged as error:
                    damaged.extend(ArtifactDamaged(a, error.why) for a in artifacts if a.sha256 == sha256)
            told = {"runs": runs, "artifacts": len(artifacts), "files": len(members)}
            missing = [{"artifact": e.artifact.model_dump(mode="json"), "why": e.why} for e in damaged]
            yield MANIFEST, json.dumps({**told, "damaged": missing}, indent=1).encode()

        yield from packed(files())


def packed(files: Iterable[tuple[str, Path | bytes]]) -> Iterator[bytes]:
    """Files, or bytes, as a stream of tar, for their owner alone."""
    for name, content in files:
        entry = tarfile.TarInfo(name)
        entry.size = len(content) if isinstance(content, bytes) else content.stat().st_size
        entry.mode = 0o600
        entry.mtime = int(time.time())
        yield entry.tobuf(tarfile.PAX_FORMAT)
        if isinstance(content, bytes):
            yield content
        else:
            with content.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    yield chunk
        yield b"\0" * (-entry.size % tarfile.BLOCKSIZE)
    yield b"\0" * tarfile.BLOCKSIZE * 2


def unpack(file: Path, folder: Path) -> list[Path]:
    """Unpack a tar into a folder; a member that would leave it is refused. Raises tarfile.TarError, OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tarfile.open(file, "r:") as archive:
        names = archive.getnames()
        archive.extractall(folder, filter="data")
    return [folder / name for name in names]


def manifest(file: Path) -> tuple[dict[str, int], list[ArtifactDamaged]] | None:
    """How much a backup holds, and the artifacts whose bytes it lacks. None for one that is not whole."""
    try:
        with tarfile.open(file, "r:") as archive:
            member = archive.extractfile(MANIFEST)
            told = json.loads(member.read()) if member else None
    except (tarfile.TarError, KeyError, ValueError, EOFError):
        return None
    if told is None:
        return None
    damaged = [ArtifactDamaged(Artifact.model_validate(d["artifact"]), d["why"]) for d in told.pop("damaged")]
    return told, damaged


def _copy_checkpoints(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)
