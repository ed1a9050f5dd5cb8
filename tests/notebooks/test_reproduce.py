"""The same again: identical, equal within tolerance, changed or missing, each said of the right thing."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy
import pytest
from PIL import Image

from artifacts.store import ArtifactDamaged, Store
from artifacts.types import Execution, Output, Run
from kernel_gateway.client import Host
from notebooks.errors import BadNotebook
from notebooks.pictures import glance
from notebooks.reproduce import carry_out_reproduction, compare, difference, keep_reproduction, said
from notebooks.session import Session

CELLS = [
    "import pandas as pd, matplotlib.pyplot as plt, itertools, time\ndf = pd.read_csv('trees.csv')\ndf.describe()",
    "df.plot(y='height'); plt.show()",
    "df.to_csv('copy.csv', index=False)\nprint(f'<thing at 0x{time.time_ns():x}>')",
    "raise ValueError('on purpose')",
    "open('when.txt', 'w').write(str(time.time_ns()))\nlen(df)",
]


async def test_a_run_is_made_again_in_a_fresh_sandbox_and_compared(
    session: Session, store: Store, host: Host, table: Path
) -> None:
    await session.upload(table)
    for code in CELLS:
        await session.run(code)
    kept = await keep_reproduction(store, session.run_id)
    again = await carry_out_reproduction(store, host, kept.id)
    assert (again.agent, again.parent_id, again.status) == ("reproduce", session.run_id, "done")
    assert store.view(again.id).sandboxes[0].sandbox_id != session.sandbox_id
    comparison = store.view(again.id).comparison
    assert comparison is not None
    assert not comparison.holds
    verdicts = {m.name: m.verdict for m in comparison.matches}
    assert verdicts == {
        "fig_01.png": "identical",
        "copy.csv": "identical",
        "when.txt": "changed",
        "cell-01": "identical",
        "cell-02": "identical",
        "cell-03": "equal",
        "cell-04": "identical",
        "cell-05": "identical",
    }


async def test_a_damaged_plot_is_made_again_and_one_that_comes_out_otherwise_is_said_not_to_be_comparable(
    session: Session, store: Store, host: Host, table: Path
) -> None:
    await session.upload(table)
    for code in CELLS:
        await session.run(code)
    made = {a.name: a for a in store.view(session.run_id).artifacts}
    for name in ("fig_01.png", "when.txt"):
        store.path(made[name]).write_bytes(b"not this")
        with pytest.raises(ArtifactDamaged):
            store.read(made[name])
    kept = await keep_reproduction(store, session.run_id)
    again = await carry_out_reproduction(store, host, kept.id)
    assert again.status == "done"
    comparison = store.view(again.id).comparison
    assert comparison is not None
    told = {m.name: m for m in comparison.matches}
    assert told["fig_01.png"].verdict == "identical"
    assert store.verify(made["fig_01.png"]), "the same bytes were stored again"
    assert told["when.txt"].verdict == "changed"
    assert "cannot be compared" in told["when.txt"].detail
    assert made["when.txt"].id in told["when.txt"].detail


async def test_a_damaged_input_is_not_worked_on_again(session: Session, store: Store, host: Host, table: Path) -> None:
    source = await session.upload(table)
    await session.run(CELLS[0])
    path = store.path(source)
    path.write_bytes(path.read_bytes().replace(b"1", b"2"))
    before = store.runs()
    with pytest.raises(ArtifactDamaged, match=rf"{source.name} \({source.id}\) are not those that were stored"):
        await keep_reproduction(store, session.run_id)
    assert store.runs() == before
    await session.close()
    with pytest.raises(ArtifactDamaged):
        await Session.resume(store, host, session.run_id)


async def test_what_is_not_made_again_is_missing_and_what_is_new_is_said(
    store: Store, begin: Callable[..., Coroutine[Any, Any, Run]]
) -> None:
    first, second = await begin(), await begin()
    await store.put(b"1", name="a.txt", media_type="text/plain", role="file", run_id=first.id)
    await store.put(b"1", name="b.txt", media_type="text/plain", role="file", run_id=second.id)
    made = compare(store, store.view(first.id), store, store.view(second.id))
    assert [(m.name, m.verdict) for m in made] == [("a.txt", "missing"), ("b.txt", "changed")]


async def test_a_run_without_a_cell_cannot_be_reproduced(
    store: Store, begin: Callable[..., Coroutine[Any, Any, Run]]
) -> None:
    run = await begin()
    with pytest.raises(BadNotebook, match="nothing to reproduce"):
        await keep_reproduction(store, run.id)


def test_a_warning_may_come_between_any_two_lines() -> None:
    lines, warned = Output(kind="stdout", text="1\n2\n"), Output(kind="stderr", text="a warning")
    between = (Output(kind="stdout", text="1\n"), warned, Output(kind="stdout", text="2\n"))
    one, other = (Execution(id="e", run_id="r", sandbox_id="", seq=1, code="", outputs=o) for o in ((lines,), between))
    assert said(one) == said(other)


def picture(shift: int, width: int = 4) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(numpy.full((4, width, 3), 100 + shift, dtype=numpy.uint8)).save(buffer, "png")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "one", "other", "detail"),
    [
        ("a.json", b'{"x": [1.0000000000001, "a"]}', b'{"x": [1, "a"]}', ""),
        ("a.json", b'{"x": [1.001, "a"]}', b'{"x": [1, "a"]}', "x[0]: 1.001 became 1"),
        ("a.json", b'{"x": true}', b'{"x": 1}', "x: True became 1"),
        ("a.json", b'{"x": 1}', b'{"y": 1}', "top: other keys"),
        ("a.csv", b"a,b\n0.1,x\n", b"a,b\n0.10000000000000001,x\n", ""),
        ("a.csv", b"a\n1\n", b"a\n1\n2\n", "2 rows became 3"),
        ("a.csv", b"a\n1\n", b"a\nx\n", "row 2 differs"),
        ("a.txt", b"r = 0.5000000000001 at 0x7f12345678", b"r = 0.5 at 0x7fabcdef01", ""),
        ("a.txt", b"1763689000000000001", b"1763689000000000002", "1763689000000000001 became 1763689000000000002"),
        ("a.txt", b"r = 0.5", b"r = 0.6", "0.5 became 0.6"),
        ("a.txt", b"one\ntwo", b"one\nTwo", "line 2: 'two' became 'Two'"),
        ("a.html", b"<i id=1b4e28ba-2fa1-11d2-883f-0016d3cca427>", b"<i id=6ba7b810-9dad-11d1-80b4-00c04fd430c8>", ""),
        (
            "a.svg",
            b'<dc:date>2026</dc:date><use href="#m762dbb02a4"/>',
            b'<dc:date>2027</dc:date><use href="#m2c7652258e"/>',
            "",
        ),
        ("a.svg", b'<path d="1"/>', b'<path d="2"/>', "1 became 2"),
        ("a.pdf", b"\xff /CreationDate (D:1)", b"\xff /CreationDate (D:2)", ""),
        ("a.csv.gz", gzip.compress(b"a\n1\n", mtime=1), gzip.compress(b"a\nx\n", mtime=2), "row 2 differs"),
        ("a.csv.gz", gzip.compress(b"a\n1\n", mtime=1), gzip.compress(b"a\n1\n", mtime=2), ""),
        ("a.parquet", b"\xff\x00", b"\xff\x01", "other bytes"),
        ("a.png", picture(0), picture(1), ""),
        ("a.png", picture(0), picture(50), "100.00% of the pixels differ"),
        ("a.png", picture(0), picture(0, width=5), "4×4 became 5×4 pixels"),
        ("a.png", b"no picture", picture(0), "other bytes"),
        ("a.xlsx", b"no zip", b"nor this", "other bytes"),
    ],
)
def test_files_differ_only_beyond_tolerance(name: str, one: bytes, other: bytes, detail: str) -> None:
    assert difference(name, one, other) == detail


def plot(*heights: float, dpi: int = 72, font: str = "sans-serif", wide: float = 6.0) -> bytes:
    """A bar chart as two versions of a plotting library would draw it."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context({"font.family": font}):
        figure = Figure(figsize=(wide, 4.0))
        axes = figure.subplots()
        axes.bar(range(len(heights)), heights)
        axes.set(title="Some heights", xlabel="which", ylabel="height")
        buffer = io.BytesIO()
        FigureCanvasAgg(figure).figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("other", "seen"),
    [
        (lambda: plot(3, 5, 2, 4), ""),
        (lambda: plot(3, 5, 2, 4, dpi=110, font="serif"), ""),
        (lambda: plot(3, 5, 2.4, 4, dpi=110, font="serif"), "of the picture is another"),
        (lambda: plot(3, 5, 2, 4, wide=7.0), None),
        (lambda: b"no picture", None),
    ],
)
def test_plots_of_two_environments_are_compared_at_a_glance(other: Callable[[], bytes], seen: str | None) -> None:
    told = glance(plot(3, 5, 2, 4), other())
    assert told == seen or (seen and told is not None and told.endswith(seen)), told
