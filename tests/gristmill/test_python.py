"""`gristmill.analyze` as people call it: in a script, in a running loop, with a table or a path."""

from __future__ import annotations

import asyncio
import html
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

import gristmill
from artifacts.events import ExecutionEnded, TextDelta, fold
from artifacts.store import Store
from gristmill.errors import Misuse
from gristmill.frames import files
from notebooks.telling.html import summary_html
from tests.gristmill.door import QUESTION, REPOSITORY, Server


async def test_a_table_is_analysed_inside_a_running_loop(
    home: Path, flowers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRISTMILL_HOME", str(home))
    monkeypatch.setenv("GRISTMILL_RERUN", "0")
    beating = asyncio.get_running_loop()
    result = gristmill.analyze(pd.read_csv(flowers), QUESTION, roles={"target": "group"})
    assert asyncio.get_running_loop() is beating
    assert capfd.readouterr().err == "", "nothing is told where nobody watches"

    assert result.run.status == "done"
    assert "length" in result.answer
    found = result.findings
    assert found[0].rank == 1
    assert "Not run again in a fresh sandbox" in result.report.read_text(), "the reader is told what was left out"
    frame = result.dataframe()
    assert list(frame["id"]) == [f.id for f in found]
    assert frame.loc[0, "text"] == found[0].text
    assert result.notebook == home / "results" / result.run.id / "analysis.ipynb"
    assert result.notebook.exists()
    assert result.plots
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in result.plots)

    shown = repr(result)
    assert QUESTION in shown
    assert found[0].text[:40] in shown
    page = result._repr_html_()
    assert page.startswith('<iframe sandbox=""')
    assert "<script" not in page
    assert len(page) < 300_000, "it is kept in the notebook"
    inside = html.unescape(page.partition('srcdoc="')[2].partition('" title="')[0])
    assert inside.startswith("<!doctype html>")
    assert "default-src 'none'" in html.unescape(inside)
    charts = re.findall(r'<img src="data:image/png;base64,[^"]+" alt="([^"]*)"', inside)
    assert charts
    assert all(charts), "each says what it shows"
    assert 'href="#' not in inside, "and nothing leads to the cells, which are not there"
    assert str(result.report) in page, "but where they are is told"
    without = summary_html(result.view, result._read, room=0)
    assert "<img" not in without
    assert f"The chart is {found[0].evidence.artifact} in the folder of the results." in without
    (result.directory / str(found[0].evidence.artifact)).write_bytes(b"another run's")
    assert result._repr_html_().count("<img") < page.count("<img"), "another run's chart is not shown as this one's"
    saved = result.save(tmp_path / "kept")
    assert (saved / "findings.json").read_bytes() == result.notebook.with_name("findings.json").read_bytes()
    assert result.save(result.directory) == result.directory, "saving where it is changes nothing"

    assert not (home / "gateway" / "endpoint.json").exists(), "the sandbox host went with the call"
    with Store.open(home) as store:
        assert store.run("last").id == result.run.id


async def test_several_are_awaited_at_a_time_and_the_loop_goes_on(
    ready: Path, flowers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRISTMILL_HOME", str(ready))
    monkeypatch.setenv("GRISTMILL_RERUN", "0")
    beats, question = 0, "What is the mean length?"

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.001)  # many times between two events, and little work
            beats += 1

    async def streamed() -> list[object]:
        return [item async for item in gristmill.analyze_stream(flowers, question)]

    beating = asyncio.create_task(beat())
    awaited, items = await asyncio.gather(gristmill.analyze_async(pd.read_csv(flowers), question), streamed())
    beating.cancel()
    *events, result = items
    assert beats > len(events), "both ran, and the caller's loop was free between any two events"
    assert isinstance(result, gristmill.Result)
    assert result.view == fold([e for e in events if not isinstance(e, TextDelta)])
    assert awaited.run.status == result.run.status == "done"
    assert awaited.run.id != result.run.id
    assert awaited.answer == result.answer
    with Store.open(ready) as store:
        assert {r.id for r in store.runs()} == {awaited.run.id, result.run.id}, "in one record, given free again"


@pytest.mark.parametrize("how", ["a task is cancelled", "a stream is closed"])
async def test_who_leaves_cancels_the_run_and_what_it_made_is_kept(
    how: str, tmp_path: Path, ready: Path, flowers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "own" if how == "a task is cancelled" else ready
    monkeypatch.setenv("GRISTMILL_HOME", str(place))
    stream = gristmill.analyze_stream(flowers, QUESTION)

    async def until_a_cell_has_run() -> None:
        async for event in stream:
            if isinstance(event, ExecutionEnded):
                if how == "a stream is closed":
                    await stream.aclose()
                    return
                reached.set()

    reached = asyncio.Event()
    task = asyncio.create_task(until_a_cell_has_run())
    if how == "a task is cancelled":
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        await task
    with Store.open(place) as store:
        view = store.view(store.run("last").id)
    assert view.run.status == "cancelled"
    assert view.executions[0].status == "ok"
    assert (place / "gateway" / "endpoint.json").exists() == (place == ready), "its own sandbox host went with it"


async def test_cancelled_before_it_begins_it_has_begun_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRISTMILL_HOME", str(home))
    task = asyncio.create_task(gristmill.analyze_async(pd.DataFrame({"a": [1, 2]}), "What?"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with Store.open(home) as store:
        assert [r.status for r in store.runs()] in ([], ["cancelled"])


async def test_bad_input_is_a_sentence_where_it_is_awaited(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRISTMILL_HOME", str(server.home))
    with pytest.raises(Misuse, match=r"nosuch\.csv"):
        await gristmill.analyze_async("nosuch.csv", "What?")
    with pytest.raises(Misuse, match="DataFrame"):
        await anext(gristmill.analyze_stream(None, "What?"))


def test_importing_costs_next_to_nothing() -> None:
    script = """
import sys, gristmill
assert gristmill.__version__
print([m for m in ("pandas", "pydantic", "click", "panel") if m in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("data", [None, 3, [], [None], {"a": object()}])
def test_what_is_no_table_is_told(data: object) -> None:
    with pytest.raises(Misuse, match="DataFrame"):
        gristmill.analyze(data, "What?")


def test_bad_input_is_a_sentence_here_too(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRISTMILL_HOME", str(server.home))
    with pytest.raises(Misuse, match=r"nosuch\.csv") as told:
        gristmill.analyze("nosuch.csv", "What?")
    assert len(told.traceback) == 4, "the caller's line and three of ours"
    with pytest.raises(Misuse, match="question"):
        gristmill.analyze(pd.DataFrame({"a": [1, 2]}), "  ")


def test_tables_keep_their_types_their_index_and_their_odd_columns() -> None:
    frame = pd.DataFrame({"when": pd.date_range("2024-01-01", periods=3), "n": [1, 2, 3]}).set_index("when")
    with files(frame) as (path,):
        assert path.suffix == ".parquet"
        back = pd.read_parquet(path)
        assert list(back.columns) == ["when", "n"]
        assert str(back["when"].dtype).startswith("datetime64")
    assert not path.exists()
    with files(pd.DataFrame([[1, "a"], ["x", 2.5]], columns=[("a", "b"), 7])) as (path,):
        assert path.suffix == ".csv", "mixed types have no Parquet type"
        assert path.read_text().splitlines()[0] == "a_b,7"
    with files([pa.table({"x": [1]}), pd.Series([1, 2], name="s"), "some/file.csv"]) as paths:
        assert [p.name for p in paths] == ["data_1.parquet", "data_2.parquet", "file.csv"]
    with files(pd.DataFrame([[1, 2]], columns=["same", "same"])) as (path,):
        assert path.read_text().splitlines()[0] == "same,same"
