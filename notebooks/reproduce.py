"""Runs a run's notebook again in a fresh sandbox, and says for everything that it made whether it came out the same."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import re
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from artifacts.events import Compared, RunView
from artifacts.store import ArtifactDamaged, Store
from artifacts.threads import in_own_thread
from artifacts.types import Artifact, Execution, Match, Run, RunStatus
from kernel_gateway.client import Host
from notebooks.errors import BadNotebook
from notebooks.export import notebook
from notebooks.outputs import merged
from notebooks.pictures import pixels
from notebooks.runner import carry_out_notebook, keep_notebook
from notebooks.session import Session

RTOL = 1e-9
"""Relative difference between two numbers that counts as none."""
LARGEST = 50 * 2**20
"""Bytes beyond which files that differ are not looked into."""

FINISHED = ("ok", "error")
"""How a cell ended that has its place in the notebook."""

_NUMBER = re.compile(r"[-+−]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_PASSING = re.compile(
    r"0x[0-9a-fA-F]{6,}|(?<![0-9a-f])(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![0-9a-f])"
)
_MADE_UP = re.compile(
    rb"/(?:CreationDate|ModDate) ?\([^)]*\)|<dc:date>[^<]*</dc:date>|(?<=[\"#])[A-Za-z][0-9a-f]{10}(?=[\")])"
)  # times in PDF and SVG, and the ids that matplotlib gives to what an SVG uses twice
_FIGURE = re.compile(r"fig_(\d+)(\..+)")


async def keep_reproduction(store: Store, run_id: str) -> Run:
    """Record that the exported notebook of a run is to run again, as a run of its own; run nothing yet.

    Raises BadNotebook for a run without a finished cell, ArtifactDamaged for an input that is not what it was.
    """
    view = await in_own_thread(store.view, run_id)
    if not any(x.status in FINISHED for x in view.executions):
        raise BadNotebook(f"{run_id} has no finished cell, so there is nothing to reproduce.")
    if stale := [c.id for c in view.cells if c.state == "stale"]:
        names = f"{', '.join(stale)} of {run_id} {'is' if len(stale) == 1 else 'are'} stale"
        raise BadNotebook(f"{names}. Run what is stale first: `gristmill cells run {run_id}`.")
    inputs = {a.name: await in_own_thread(store.path, a) for a in view.artifacts if a.role == "input"}
    with tempfile.TemporaryDirectory(prefix="gristmill-") as folder:
        path = Path(folder) / "analysis.ipynb"
        await in_own_thread(_write, view, path)
        own: dict[str, str] = {
            name: view.run.params[name] for name in ("project", "template") if name in view.run.params
        }
        return await keep_notebook(store, path, {}, parent_id=run_id, agent="reproduce", files=inputs, project=own)


async def carry_out_reproduction(
    store: Store, host: Host, run_id: str, *, stopped_as: Callable[[str], RunStatus] = lambda run_id: "cancelled"
) -> Run:
    """Run what `keep_reproduction` kept through papermill, in a fresh sandbox; returns the run when it has ended.

    At its end it records how each thing came out (`compared`). `stopped_as` is `carry_out_notebook`'s.
    """
    first = store.run(run_id).parent_id or ""

    async def closing(session: Session) -> None:
        again = session.run_id
        matches = await in_own_thread(lambda: compare(store, store.view(first), store, store.view(again)))
        await store.append(Compared(run_id=again, matches=tuple(matches)))

    return await carry_out_notebook(store, host, run_id, stopped_as=stopped_as, closing=closing)


def _write(view: RunView, path: Path) -> None:
    from notebooks.nb import nbformat

    nbformat.write(notebook(view), path)


def compare(store: Store, first: RunView, other: Store, second: RunView) -> list[Match]:
    """Every plot, table, file, finding and cell's text of a run beside what came the second time, in order.

    The bytes of the first are in `store`, those of the second in `other`.
    """
    matches = list(_artifacts(store, first, other, second))
    matches += _findings(first, second)
    matches += _texts(first, second)
    return matches


def _artifacts(store: Store, first: RunView, other: Store, second: RunView) -> Iterator[Match]:
    made, remade = _latest(first), _latest(second)
    for key, artifact in made.items():
        name, twin = artifact.name, remade.get(key)
        if twin is None:
            yield Match(name=name, verdict="missing", detail="was not made again")
        elif artifact.sha256 == twin.sha256:
            yield Match(name=name, verdict="identical")
        elif max(artifact.size, twin.size) > LARGEST:
            yield Match(name=name, verdict="changed", detail="other bytes; too large to be looked into")
        else:
            try:
                detail = difference(name, store.read(artifact), other.read(twin))
            except ArtifactDamaged as error:
                detail = f"cannot be compared: {error.fault}"
            yield Match(name=name, verdict="changed" if detail else "equal", detail=detail)
    for key in sorted(remade.keys() - made.keys()):
        yield Match(name=remade[key].name, verdict="changed", detail="was made only now")


def _latest(view: RunView) -> dict[str, Artifact]:
    """What the finished cells made, by name. Displayed figures are counted over those cells alone, as a notebook has
    no others."""
    finished = {x.id for x in view.executions if x.status in FINISHED}
    numbers: dict[str, int] = {}
    made = {}
    for artifact in view.artifacts:
        if artifact.role not in ("plot", "table", "file") or artifact.execution_id not in {None, *finished}:
            continue
        figure = _FIGURE.fullmatch(artifact.name)
        number = numbers.setdefault(figure[1], len(numbers) + 1) if figure else 0
        made[f"fig_{number:02d}{figure[2]}" if figure else artifact.name] = artifact
    return made


def _findings(first: RunView, second: RunView) -> Iterator[Match]:
    finished = {x.cell for x in first.executions if x.status in FINISHED}
    found, again = [f for f in first.findings if f.evidence.cell in finished], list(second.findings)
    for place, finding in enumerate(found):
        name = f"{finding.id} {finding.kind}"
        if place >= len(again):
            yield Match(name=name, verdict="missing", detail="was not found again")
            continue
        own = {"id", "rank", "evidence"}
        one, other = finding.model_dump(mode="json", exclude=own), again[place].model_dump(mode="json", exclude=own)
        yield _judge(name, one == other, values(one, other))
    for finding in again[len(found) :]:
        yield Match(name=f"{finding.id} {finding.kind}", verdict="changed", detail="was found only now")


def _texts(first: RunView, second: RunView) -> Iterator[Match]:
    """The text that each finished cell put out."""
    ran = [x for x in first.executions if x.status in FINISHED]
    again = second.executions
    for place, execution in enumerate(ran):
        if place >= len(again):
            yield Match(name=execution.cell, verdict="missing", detail="did not run again")
            continue
        one, other = said(execution), said(again[place])
        detail = "" if execution.status == again[place].status else f"ended {again[place].status}"
        yield _judge(execution.cell, one == other and not detail, detail or texts(one, other))


def said(cell: Execution) -> str:
    """What a cell put out as text, warnings apart: they name files of the process that gave them."""
    return "\n".join(
        o.text for o in merged(o for o in cell.outputs if o.kind != "stderr")
    )  # which may come between any


def _judge(name: str, identical: bool, detail: str) -> Match:
    if identical:
        return Match(name=name, verdict="identical")
    return Match(name=name, verdict="changed" if detail else "equal", detail=detail)


def difference(name: str, one: bytes, other: bytes) -> str:
    """What tells two files apart beyond tolerance, in a few words; empty for files that are equal within it."""
    suffix = Path(name).suffix.lower()
    if suffix in (".png", ".jpg", ".jpeg"):
        return pixels(one, other)
    if suffix in (".xlsx", ".docx", ".pptx", ".zip", ".npz"):
        return _members(one, other)
    if suffix == ".gz":
        return _unpacked(name, one, other)
    if suffix in (".pdf", ".svg"):
        one, other = (_MADE_UP.sub(b"", data) for data in (one, other))
        if one == other:
            return ""
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
    """Where two texts differ, numbers within tolerance, memory addresses and made-up ids apart; empty if nowhere."""
    one, other = _PASSING.sub("0x", one), _PASSING.sub("0x", other)
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
    """Zip files, such as an office's, have the time of writing in them: their members are compared."""
    try:
        with zipfile.ZipFile(io.BytesIO(one)) as left, zipfile.ZipFile(io.BytesIO(other)) as right:
            sizes = {i.filename: (i.file_size, i.CRC) for i in left.infolist() if i.filename != "docProps/core.xml"}
            again = {i.filename: (i.file_size, i.CRC) for i in right.infolist() if i.filename != "docProps/core.xml"}
    except zipfile.BadZipFile:
        return "other bytes"
    changed = [name for name in sizes if again.get(name) != sizes[name]] or list(again.keys() - sizes.keys())
    return f"{changed[0]} differs" if changed else ""


def _unpacked(name: str, one: bytes, other: bytes) -> str:
    """A gzip file has the time of writing in it: what it holds is compared."""
    try:
        return difference(name.removesuffix(".gz"), gzip.decompress(one), gzip.decompress(other))
    except (OSError, EOFError, zlib.error):
        return "other bytes"


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
