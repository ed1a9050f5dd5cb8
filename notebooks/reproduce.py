"""Runs a run's notebook again in a fresh sandbox, and says for everything that it made whether it came out the same."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import math
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from artifacts.events import Compared, RunView
from artifacts.store import Store
from artifacts.types import Artifact, Match, Run, RunStatus
from kernel_gateway.client import Host
from notebooks.errors import BadNotebook
from notebooks.export import notebook
from notebooks.outputs import merged
from notebooks.runner import run_notebook

RTOL = 1e-9
"""Relative difference between two numbers that counts as none."""
PIXELS = 2
"""Difference of a pixel's channel, of 255, that counts as none."""
LARGEST = 50 * 2**20
"""Bytes beyond which files that differ are not looked into."""

_NUMBER = re.compile(r"[-+−]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")


async def reproduce(
    store: Store,
    host: Host,
    run_id: str,
    *,
    started: Callable[[Run], None] | None = None,
    stopped_as: Callable[[str], RunStatus] = lambda run_id: "cancelled",
) -> Run:
    """Run the exported notebook of a run through papermill in a fresh sandbox, as a run of its own.

    At its end it records how each thing came out (`compared`). `started` and `stopped_as` are `run_notebook`'s. Raises
    BadNotebook for a run without a finished cell.
    """
    view = store.view(run_id)
    if not any(x.status in ("ok", "error") for x in view.executions):
        raise BadNotebook(f"{run_id} has no finished cell, so there is nothing to reproduce.")
    import nbformat

    async def closing(again: str) -> None:
        matches = await asyncio.to_thread(compare, store, run_id, again)
        await store.append(Compared(run_id=again, matches=tuple(matches)))

    inputs = {a.name: store.path(a) for a in view.artifacts if a.role == "input"}
    with tempfile.TemporaryDirectory(prefix="gristmill-") as folder:
        path = Path(folder) / "analysis.ipynb"
        nbformat.write(notebook(view, store), path)
        return await run_notebook(
            store,
            host,
            path,
            {},
            parent_id=run_id,
            agent="reproduce",
            files=inputs,
            started=started,
            stopped_as=stopped_as,
            closing=closing,
        )


def compare(store: Store, original: Run | str, again: Run | str) -> list[Match]:
    """Every plot, table, file, finding and cell's text of a run beside those of its reproduction, in order."""
    first, second = (store.view(r if isinstance(r, str) else r.id) for r in (original, again))
    matches = list(_artifacts(store, first, second))
    matches += _findings(first, second)
    matches += _texts(first, second)
    return matches


def _artifacts(store: Store, first: RunView, second: RunView) -> Iterator[Match]:
    made, remade = _latest(first), _latest(second)
    for name, artifact in made.items():
        if name not in remade:
            yield Match(name=name, verdict="missing", detail="was not made again")
        elif artifact.sha256 == remade[name].sha256:
            yield Match(name=name, verdict="identical")
        elif max(artifact.size, remade[name].size) > LARGEST:
            yield Match(name=name, verdict="changed", detail="other bytes; too large to be looked into")
        else:
            detail = difference(name, store.read(artifact), store.read(remade[name]))
            yield Match(name=name, verdict="changed" if detail else "equal", detail=detail)
    for name in remade.keys() - made.keys():
        yield Match(name=name, verdict="changed", detail="was made only now")


def _latest(view: RunView) -> dict[str, Artifact]:
    return {a.name: a for a in view.artifacts if a.role in ("plot", "table", "file")}


def _findings(first: RunView, second: RunView) -> Iterator[Match]:
    again = list(second.findings)
    for place, finding in enumerate(first.findings):
        name = f"{finding.id} {finding.kind}"
        if place >= len(again):
            yield Match(name=name, verdict="missing", detail="was not found again")
            continue
        own = {"id", "rank", "evidence"}
        one, other = finding.model_dump(mode="json", exclude=own), again[place].model_dump(mode="json", exclude=own)
        yield _judge(name, one == other, values(one, other))
    for finding in again[len(first.findings) :]:
        yield Match(name=f"{finding.id} {finding.kind}", verdict="changed", detail="was found only now")


def _texts(first: RunView, second: RunView) -> Iterator[Match]:
    """The text that each finished cell put out."""
    ran = [x for x in first.executions if x.status in ("ok", "error")]
    again = [x for x in second.executions if x.status in ("ok", "error")]
    for place, execution in enumerate(ran):
        if place >= len(again):
            yield Match(name=execution.cell, verdict="missing", detail="did not run again")
            continue
        one, other = ("\n".join(o.text for o in merged(x.outputs)) for x in (execution, again[place]))
        detail = "" if execution.status == again[place].status else f"ended {again[place].status}"
        yield _judge(execution.cell, one == other and not detail, detail or texts(one, other))


def _judge(name: str, identical: bool, detail: str) -> Match:
    if identical:
        return Match(name=name, verdict="identical")
    return Match(name=name, verdict="changed" if detail else "equal", detail=detail)


def difference(name: str, one: bytes, other: bytes) -> str:
    """What tells two files apart beyond tolerance, in a few words; empty for files that are equal within it."""
    suffix = Path(name).suffix.lower()
    if suffix in (".png", ".jpg", ".jpeg"):
        return _pixels(one, other)
    if suffix == ".xlsx":
        return _members(one, other)
    try:
        left, right = one.decode("utf-8"), other.decode("utf-8")
    except UnicodeDecodeError:
        return "other bytes"
    try:
        if suffix == ".json":
            return values(json.loads(left), json.loads(right))
        if suffix in (".csv", ".tsv"):
            return _rows(left, right, "\t" if suffix == ".tsv" else ",")
    except (ValueError, RecursionError, csv.Error):
        pass  # not what its name says: compared as text
    return texts(left, right)


def values(one: Any, other: Any, where: str = "") -> str:
    """Where two JSON values differ beyond tolerance; empty if nowhere."""
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return f"{where or 'top'}: other keys"
        return next(filter(None, (values(one[k], other[k], f"{where}.{k}".lstrip(".")) for k in one)), "")
    if isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return f"{where or 'top'}: {len(one)} items became {len(other)}"
        pairs = zip(one, other, strict=True)
        return next(filter(None, (values(a, b, f"{where}[{i}]") for i, (a, b) in enumerate(pairs))), "")
    if _close(one, other):
        return ""
    if isinstance(one, str) and isinstance(other, str):
        return texts(one, other) and f"{where}: {texts(one, other)}"
    return f"{where or 'value'}: {one!r} became {other!r}"


def texts(one: str, other: str) -> str:
    """Where two texts differ, numbers within tolerance and memory addresses apart; empty if nowhere."""
    one, other = _ADDRESS.sub("0x", one), _ADDRESS.sub("0x", other)
    if one == other:
        return ""
    if _NUMBER.sub("#", one) == _NUMBER.sub("#", other):
        pairs = zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=True)
        return next((f"{a} became {b}" for a, b in pairs if a != b and not _close(_number(a), _number(b))), "")
    for number, (a, b) in enumerate(zip(one.splitlines(), other.splitlines(), strict=False), 1):
        if a != b:
            return f"line {number}: {a[:60]!r} became {b[:60]!r}"
    return "one has more lines"


def _rows(one: str, other: str, delimiter: str) -> str:
    left, right = (list(csv.reader(io.StringIO(text), delimiter=delimiter)) for text in (one, other))
    if len(left) != len(right):
        return f"{len(left)} rows became {len(right)}"
    for number, (a, b) in enumerate(zip(left, right, strict=True), 1):
        same = len(a) == len(b) and all(x == y or _close(_number(x), _number(y)) for x, y in zip(a, b, strict=True))
        if not same:
            return f"row {number} differs"
    return ""


def _members(one: bytes, other: bytes) -> str:
    """An Excel file is a zip with the time of writing in it: its other members are compared."""
    try:
        with zipfile.ZipFile(io.BytesIO(one)) as left, zipfile.ZipFile(io.BytesIO(other)) as right:
            sizes = {i.filename: (i.file_size, i.CRC) for i in left.infolist() if i.filename != "docProps/core.xml"}
            again = {i.filename: (i.file_size, i.CRC) for i in right.infolist() if i.filename != "docProps/core.xml"}
    except zipfile.BadZipFile:
        return "other bytes"
    changed = [name for name in sizes if again.get(name) != sizes[name]] or list(again.keys() - sizes.keys())
    return f"{changed[0]} differs" if changed else ""


def _pixels(one: bytes, other: bytes) -> str:
    import numpy
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(one)) as left, Image.open(io.BytesIO(other)) as right:
            if left.size != right.size:
                return f"{left.size[0]}×{left.size[1]} became {right.size[0]}×{right.size[1]} pixels"
            a, b = (numpy.asarray(image.convert("RGBA"), dtype=numpy.int16) for image in (left, right))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError):
        return "other bytes"
    apart = numpy.abs(a - b).max(axis=2) > PIXELS
    return f"{apart.mean():.2%} of the pixels differ" if apart.any() else ""


def _close(one: object, other: object) -> bool:
    """Whether two values are the same, floats within tolerance; whole numbers count something and are exact."""
    if isinstance(one, int) and isinstance(other, int):
        return type(one) is type(other) and one == other
    if isinstance(one, bool) or isinstance(other, bool) or not isinstance(one, int | float):
        return type(one) is type(other) and one == other
    return isinstance(other, int | float) and (one == other or math.isclose(one, other, rel_tol=RTOL, abs_tol=1e-12))


def _number(text: str) -> int | float | str:
    text = text.replace("−", "-")
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
