"""The live notebook: what a cell does reaches the record as it happens, and nothing is run twice."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from artifacts.events import OutputReceived, Progressed
from artifacts.store import Store
from artifacts.types import FINDING_MIME
from kernel_gateway.client import Host, SandboxGone, connect_sandbox, find_host, stop_host
from notebooks.recorder import FLUSH_SECONDS, TEXT_CAP
from notebooks.session import Session

REPORT = f"""
from IPython.display import display
def report(**fields):
    display({{"{FINDING_MIME}": fields, "text/plain": fields.get("text", "")}}, raw=True)
"""


async def test_outputs_are_recorded_in_order_with_streams_results_and_count(session: Session) -> None:
    code = (
        "import sys\nprint('one')\nprint('two', file=sys.stderr)\n"
        "from IPython.display import display, HTML\ndisplay(HTML('<b>three</b>'))\n6 * 7"
    )
    done = await session.run(code, title="Count", tags=["demo"])
    assert [(o.kind, o.text.strip()) for o in done.outputs if o.kind != "display"] == [
        ("stdout", "one"),
        ("stderr", "two"),
        ("result", "42"),
    ]
    shown = next(o for o in done.outputs if o.kind == "display")
    assert shown.data["text/html"] == "<b>three</b>"
    assert (done.status, done.count, done.seq, done.cell, done.tags) == ("ok", 1, 1, "cell-01", ("demo",))


async def test_what_is_returned_is_what_the_record_folds_to(session: Session, store: Store) -> None:
    done = await session.run("print('kept')\n1 + 1")
    assert store.view(session.run_id).executions == (done,)


async def test_a_dataframe_stays_in_the_output_as_a_table(session: Session) -> None:
    done = await session.run("import pandas as pd\npd.DataFrame({'a': [1, 2]})")
    (output,) = done.outputs
    assert "<table" in output.data["text/html"]
    assert not output.artifacts


async def test_an_exception_is_data_and_the_state_survives_it(session: Session) -> None:
    failed = await session.run("x = 5\nraise KeyError('lost')")
    assert failed.status == "error"
    assert failed.error is not None
    assert failed.error.name == "KeyError"
    assert "Traceback" in failed.error.traceback
    assert (await session.run("x")).text == "5\n"


async def test_output_is_seen_while_the_cell_still_runs(session: Session, store: Store) -> None:
    running = asyncio.create_task(session.run("print('first', flush=True)\nwhile True: pass"))
    async with asyncio.timeout(300):
        async for event in store.follow(session.run_id):
            if isinstance(event, OutputReceived):
                break
    assert event.output.text == "first\n"
    assert not running.done()
    await session.interrupt()
    done = await running
    assert done.status == "interrupted"
    assert (await session.run("'alive'")).text == "'alive'\n"


async def test_cancelling_the_task_interrupts_the_cell_and_records_that(session: Session, store: Store) -> None:
    running = asyncio.create_task(session.run("print('on', flush=True)\nwhile True: pass"))
    async with asyncio.timeout(300):
        async for event in store.follow(session.run_id):
            if isinstance(event, OutputReceived):
                break
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert store.view(session.run_id).executions[0].status == "interrupted"
    assert (await session.run("1")).status == "ok"


async def test_a_cell_that_outlasts_its_time_is_interrupted_and_says_so(session: Session) -> None:
    await session.run("import time")  # the first cell of a kernel takes longer
    await session.run("1 / 0")  # and so does the first traceback, which may come too late on a busy machine
    code = "import time\ndef wait():\n    while True:\n        time.sleep(60)\n\nwait()"
    done = await session.run(code, timeout=4)
    assert done.status == "interrupted"
    assert done.error is not None
    assert done.error.value == "The cell did not end within 4 seconds and was interrupted in line 6."
    assert "in wait" in done.error.traceback
    assert "time.sleep(60)" in done.error.traceback
    names = (await session.run("sorted(n for n in dir() if n[0] != '_')")).text
    assert names == "['In', 'Out', 'exit', 'get_ipython', 'open', 'quit', 'time', 'wait']\n"


async def test_a_cell_that_outlasts_its_time_and_makes_nothing_of_its_interruption_tells_no_line(
    session: Session,
) -> None:
    await session.run("raise KeyboardInterrupt")
    code = "import time\ntry: time.sleep(60)\nexcept KeyboardInterrupt: pass"
    done = await session.run(code, timeout=4)
    assert done.error is not None
    assert done.error.value == "The cell did not end within 4 seconds and was interrupted."


async def test_a_chatty_cell_is_batched_capped_and_says_what_was_dropped(session: Session, store: Store) -> None:
    begun = time.monotonic()
    done = await session.run("for i in range(150_000): print(f'line {i:06d}')")
    printed = 150_000 * len("line 000000\n")
    kept = sum(len(o.text) for o in done.outputs if not o.truncated)
    assert kept == TEXT_CAP
    assert done.outputs[-1].truncated == printed - TEXT_CAP
    assert f"{printed - TEXT_CAP:,} more characters were not recorded" in done.outputs[-1].text
    assert len(store.events(session.run_id)) < 40 + (time.monotonic() - begun) / FLUSH_SECONDS


async def test_more_displays_than_a_reader_wants_are_counted_and_left_out(session: Session) -> None:
    done = await session.run("from IPython.display import display\nfor i in range(600): display(i)")
    assert sum(o.kind == "display" for o in done.outputs) == 500
    assert "100 more displays were not recorded" in done.outputs[-1].text


async def test_plots_are_numbered_over_the_run_and_know_what_they_are_made_of(
    session: Session, store: Store, table: Path
) -> None:
    given = await session.upload(table)
    first = await session.run(
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()\nplt.plot([3]); plt.show()"
    )
    second = await session.run("import pandas as pd\npd.read_csv('trees.csv').plot(); plt.show()")
    plots = [a for a in store.view(session.run_id).artifacts if a.role == "plot"]
    assert [a.name for a in plots] == ["fig_01.png", "fig_02.png", "fig_03.png"]
    assert [a.execution_id for a in plots] == [first.id, first.id, second.id]
    assert plots[2].parents == (given.id,)
    shown = next(o for o in second.outputs if o.artifacts)
    assert shown.artifacts == {"image/png": plots[2].id}
    assert "image/png" not in shown.data
    assert store.read(plots[2]).startswith(b"\x89PNG")


ALTAIR = """<div id="a"></div><script>(function(spec, options){ vegaEmbed("#a", spec, options)
})({"$schema": "https://vega.github.io/schema/vega-lite/v6.4.1.json", "mark": "bar", "title": "})({"}, {});</script>"""
"""What Altair displays unless it is told otherwise."""


async def test_charts_and_large_html_become_artifacts(session: Session, store: Store) -> None:
    await session.run(
        "from IPython.display import display, HTML\n"
        "display({'application/vnd.plotly.v1+json': {'data': [], 'layout': {}}, 'text/plain': 'a chart'}, raw=True)\n"
        "display(HTML('<p>' + 'x' * 300_000 + '</p>'))\n"
        f"display(HTML({ALTAIR!r}))"
    )
    artifacts = store.view(session.run_id).artifacts
    assert [a.name for a in artifacts] == ["fig_01.plotly.json", "fig_02.html", "fig_03.vega.json"]
    assert artifacts[2].media_type == "application/vnd.vegalite.v6+json"
    assert json.loads(store.read(artifacts[2]))["mark"] == "bar"


async def test_files_that_a_cell_writes_are_kept_and_links_pipes_and_hidden_ones_are_not(
    session: Session, store: Store, table: Path
) -> None:
    await session.upload(table)
    await session.run(
        "import os, pathlib\n"
        "pathlib.Path('sums.csv').write_text('a\\n1\\n')\n"
        "os.makedirs('deep/er'); pathlib.Path('deep/er/notes.txt').write_text('x')\n"
        "pathlib.Path('.hidden').write_text('x')\n"
        "os.mkfifo('plot.png')\n"
        "os.symlink('/etc/hostname', 'link.csv')\n"
    )
    kept = [(a.name, a.role) for a in store.view(session.run_id).artifacts if a.role != "input"]
    assert kept == [("deep/er/notes.txt", "file"), ("sums.csv", "table")]
    again = await session.run("pathlib.Path('sums.csv').write_text('a\\n2\\n')")
    versions = [a for a in store.view(session.run_id).artifacts if a.name == "sums.csv"]
    assert [store.read(a) for a in versions] == [b"a\n1\n", b"a\n2\n"]
    assert versions[1].execution_id == again.id


async def test_files_are_kept_where_nothing_is_isolated_too(store: Store, begin: Any, tmp_path: Path) -> None:
    host = await find_host(tmp_path / "bare", isolation="none")
    try:
        session = await Session.open(store, host, (await begin()).id)
        write = "import os\nos.mkdir('made')\nfor n in ('a.csv', 'made/b.csv'):\n    open(n, 'w').write('x\\n1\\n')"
        assert (await session.run(write)).status == "ok"
        kept = store.artifacts(run_id=session.run_id)
        assert {a.name: store.read(a) for a in kept} == dict.fromkeys(["a.csv", "made/b.csv"], b"x\n1\n")
        await session.close()
    finally:
        await stop_host(host, tmp_path / "bare")


async def test_files_are_looked_through_after_a_cell_that_changed_some_and_after_no_other(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = list[str]()
    look = session.sandbox.files.list

    async def counted(path: str, **options: Any) -> Any:
        looks.append(path)
        return await look(path, **options)

    monkeypatch.setattr(session.sandbox.files, "list", counted)
    deep = "import os\nos.makedirs('a/b/c', exist_ok=True)\nopen('a/b/c/{}', 'w').write('{}')"
    wrote = [
        "1",
        deep.format("one.txt", "x"),
        "2",
        deep.format("one.txt", "xy"),
        "os.remove('a/b/c/one.txt')",
        "3",
        "4",
    ]
    seen = []
    for code in wrote:
        await session.run(code)
        seen.append(len(looks))
    assert seen[1:] == [seen[0] + n for n in (1, 1, 2, 3, 3, 3)]
    assert [(a.name, a.size) for a in session.view.artifacts] == [("a/b/c/one.txt", 1), ("a/b/c/one.txt", 2)]


async def test_lineage_follows_a_file_from_cell_to_cell(session: Session, store: Store, table: Path) -> None:
    given = await session.upload(table)
    await session.run("import pandas as pd\npd.read_csv('trees.csv').to_csv('tall.csv')")
    await session.run("pd.read_csv('tall.csv').to_parquet('tall.parquet')")
    made = {a.name: a for a in store.view(session.run_id).artifacts}
    assert made["tall.csv"].parents == (given.id,)
    assert set(made["tall.parquet"].parents) == {given.id, made["tall.csv"].id}


async def test_a_finding_gets_a_number_its_cell_and_the_plot_beside_it(session: Session, store: Store) -> None:
    await session.run(REPORT)
    await session.run(
        "report(type='claim', kind='trend', columns=['a'], text='It rises.', n=12,"
        " effect={'metric': 'slope_per_step', 'value': 0.5, 'ci': [0.4, float('nan')]})\n"
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()"
    )
    await session.run("report(type='null', kind='trend', text='It does not fall.')")
    first, second = store.view(session.run_id).findings
    assert (first.id, first.evidence.cell, first.evidence.artifact) == ("F1", "cell-02", "fig_01.png")
    assert first.effect is not None
    assert first.effect.ci == (0.4, None)
    assert (second.id, second.evidence.cell, second.evidence.artifact) == ("F2", "cell-03", None)


async def test_a_finding_that_is_none_is_noted_and_nothing_breaks(session: Session, store: Store) -> None:
    await session.run(REPORT)
    done = await session.run("report(type='guess', kind='trend', text='?')\nreport(text=3)\nreport(surprise=1)")
    view = store.view(session.run_id)
    assert done.status == "ok"
    assert view.findings == ()
    assert len(view.notes) == 3
    assert view.notes[0].text.startswith("cell-02 reported a finding that could not be read: type:")


async def test_json_nested_to_death_does_not_reach_the_record(session: Session, store: Store) -> None:
    done = await session.run(
        "from IPython.display import display\nx = []\nfor _ in range(300): x = [x]\n"
        "display({'application/vnd.deep+json': x, 'text/plain': 'deep'}, raw=True)"
    )
    assert done.status in ("ok", "unknown")
    assert all("application/vnd.deep+json" not in o.data for o in done.outputs)
    assert (await session.run("'alive'")).text == "'alive'\n"


async def test_a_key_runs_once(session: Session, store: Store) -> None:
    first = await session.run("n = globals().get('n', 0) + 1\nn", key="code-1-1")
    assert (await session.run("n = globals().get('n', 0) + 1\nn", key="code-1-1")) == first
    assert (await session.run("n")).text == "1\n"
    assert len(store.view(session.run_id).executions) == 2


async def test_the_same_file_is_an_input_once(session: Session, store: Store, table: Path) -> None:
    assert await session.upload(table) == await session.upload(table)
    assert len(store.view(session.run_id).artifacts) == 1


async def test_a_killed_sandbox_is_told_and_the_cell_is_unknown(session: Session, store: Store, host: Host) -> None:
    running = asyncio.create_task(session.run("print('on', flush=True)\nwhile True: pass"))
    async with asyncio.timeout(300):
        async for event in store.follow(session.run_id):
            if isinstance(event, OutputReceived):
                break
    await (await connect_sandbox(host, session.sandbox_id)).kill()
    with pytest.raises(SandboxGone, match=f"gristmill runs resume {session.run_id}"):
        await running
    assert store.view(session.run_id).executions[0].status == "unknown"


async def test_resume_in_a_new_sandbox_replays_what_had_finished(
    session: Session, store: Store, host: Host, table: Path
) -> None:
    await session.upload(table)
    await session.run("import pandas as pd\nfirst = pd.read_csv('trees.csv')")
    await session.run("rows = len(first)\nopen('made.txt', 'w').write('x')")
    await session.close()
    before = store.view(session.run_id)
    again = await Session.resume(store, host, session.run_id)
    try:
        assert (await again.run("rows")).text == "3\n"
    finally:
        await again.close()
    view = store.view(session.run_id)
    assert (view.sandboxes[-1].rebuilt, view.sandboxes[-1].replayed) == (True, 2)
    told = [e for e in store.events(session.run_id) if isinstance(e, Progressed)]
    assert [(e.what, e.done, e.of) for e in told] == [("Rebuilding the notebook", n, 2) for n in (1, 2)]
    assert view.progress is None
    assert view.executions[:2] == before.executions
    assert [a.id for a in view.artifacts] == [a.id for a in before.artifacts]


_VICTIM = """
import asyncio, json, sys
from pathlib import Path
from artifacts.events import RunStarted
from artifacts.store import Store
from artifacts.types import Run
from kernel_gateway.client import Host
from notebooks.session import Session

async def main():
    store = Store.open(Path(sys.argv[1]))
    run = Run(id="run_victim", goal="to be killed")
    await store.append(RunStarted(run_id=run.id, run=run))
    session = await Session.open(store, Host(**json.loads(sys.argv[2])), run.id)
    await session.run("n = globals().get('n', 0) + 1", key="one")
    asyncio.create_task(session.run("print('under way', flush=True)\\nwhile True: pass", key="two"))
    async for event in store.follow(run.id):
        if event.kind == "output":
            print("ready", flush=True)

asyncio.run(main())
"""


async def test_after_kill_9_the_same_sandbox_goes_on_and_no_cell_runs_twice(host: Host, tmp_path: Path) -> None:
    import dataclasses
    import json

    home = tmp_path / "home"
    arguments = [sys.executable, "-c", _VICTIM, str(home), json.dumps(dataclasses.asdict(host))]
    victim = await asyncio.create_subprocess_exec(*arguments, stdout=subprocess.PIPE)
    assert victim.stdout is not None
    assert await victim.stdout.readline() == b"ready\n"
    victim.kill()
    await victim.wait()
    with Store.open(home) as store:
        session = await Session.resume(store, host, "run_victim")
        try:
            view = store.view("run_victim")
            assert [x.status for x in view.executions] == ["ok", "interrupted"]
            assert len(view.sandboxes) == 1
            await session.run("n = globals().get('n', 0) + 1", key="one")
            assert (await session.run("n")).text == "1\n"
        finally:
            await session.close()


async def test_files_with_awkward_names_are_uploaded_and_read(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "größe & more's.csv"
    path.write_text("a\n1\n")
    await session.upload(path)
    done = await session.run("import os\nprint(sorted(f for f in os.listdir() if f.endswith('csv')))")
    assert path.name in done.text


async def test_displays_of_any_shape_reach_the_record_as_text_or_not_at_all(session: Session, store: Store) -> None:
    done = await session.run(
        "from IPython.display import display\n"
        "for bundle in ({'text/plain': 3}, {'text/html': ['<b>']}, {'image/png': 7}, {'image/svg+xml': {}},\n"
        "               {'application/vnd.plotly.v1\\r\\nX-Evil: 1': {}}):\n"
        "    display(bundle, raw=True)"
    )
    assert done.error is None
    assert all(isinstance(v, str) for o in done.outputs for m, v in o.data.items() if m.startswith("text/"))
    assert all("\r" not in a.media_type for a in store.view(session.run_id).artifacts)
