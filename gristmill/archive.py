"""A run as a zip: the same files that `--out` writes, in one archive whose bytes depend on nothing but them."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path

from artifacts.threads import in_own_thread
from gristmill.backend import Backend
from notebooks.export import MISSING

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say


async def run_zip(backend: Backend, ref: str, target: Path) -> str:
    """Write the zip of a run's notebook, reports, findings, plots and inputs. Raises NotFound for an unknown run.

    Returns sentences about what is not in it, which the zip holds as well; "" if all is.
    """
    with tempfile.TemporaryDirectory(prefix="gristmill-export-") as folder:
        files = await backend.write_out(ref, Path(folder))
        await in_own_thread(_pack, Path(folder), files, target)
        return missing(files)


def missing(files: list[Path]) -> str:
    """The sentences about what could not be written with these files; "" if all could."""
    return "".join(file.read_text() for file in files if file.name == MISSING)


def _pack(folder: Path, files: list[Path], target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(set(files)):
            member = zipfile.ZipInfo(file.relative_to(folder).as_posix(), _EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            with file.open("rb") as source, archive.open(member, "w") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
