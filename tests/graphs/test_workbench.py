"""Whole runs with real parts: gateway, sandbox, kernel, record and graph; the model is a server on the loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import pytest_asyncio
from e2b_code_interpreter import AsyncSandbox, SandboxQuery
from nbclient import NotebookClient

from artifacts.events import RunView
from artifacts.store import Store, StoreError
from artifacts.types import PROGRESS_MIME, Run
from graphs.errors import InputError
from graphs.request import Request
from graphs.state import MAX_CALLS, MAX_FOLLOW_UPS, MAX_ROUNDS
from graphs.workbench import Workbench
from kernel_gateway.client import connection, end_sandbox, find_host, gateway_status
from notebooks.nb import nbformat
from notebooks.slices import TOOLKIT, binds, package
from tests.graphs.conftest import call

pytestmark = pytest.mark.asyncio(loop_scope="session")

FINDING = (
    "r = float(df.x.corr(df.y))\n"
    'report(type="claim", kind="correlation", columns=["x", "y"], direction="+", n=len(df),\n'
    '       effect={"metric": "pearson_r", "value": r}, text=f"x and y rise together (r = {r:.2f}).")'
)


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def bench(with_gateway, tmp_path_factory) -> AsyncIterator[Workbench]:
    with Store.open(with_gateway(tmp_path_factory.mktemp("runs") / "home")) as store:
        workbench = Workbench(store, rerun=False, limit=1)  # what is nested in a run needs no place of its own
        yield workbench
        await workbench.close()


async def ask(bench: Workbench, table: Path, question: str = "Do x and y rise together?") -> tuple[Run, RunView]:
    run = await bench.start(Request(question=question, files=(table,), model="openai:test"))
    run = await asyncio.wait_for(bench.wait(run.id), 300)
    return run, bench.store.view(run.id)


def told(request: dict[str, Any]) -> list[dict[str, Any]]:
    return [json.loads(m["content"]) for m in request["messages"] if m["role"] == "tool"]


def files(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file below a folder and what it holds, less what goes while we look: the run's sandbox is being ended."""
    for at, _, names in os.walk(folder):
        for path in (Path(at, name) for name in names):
            with contextlib.suppress(FileNotFoundError):
                if path.is_file():
                    yield path, path.read_bytes()


async def test_a_question_becomes_a_reviewed_report(bench, table, team, wire, answer):
    team.plan = [answer(text="Half a reply", cut=True)]
    leak = "import os\nprint(len(df), sorted(os.environ.items()))"
    team.code = [
        answer(
            text="First the rows.", calls=[call("run_code", code=leak, title="Rows"), call("run_code", code=FINDING)]
        ),
        answer(calls=[("run_code", '{"code": "print(1)"')]),
        answer(calls=[call("run_shell", command="ls"), call("run_code", command="ls")]),
        answer(calls=[call("run_template", name="nosuch", parameters={})]),
        answer(calls=[call("run_template", name="profile", parameters={"nosuch": 1})]),
    ]
    team.interpret = [
        answer(text="I think that they do."),
        answer(calls=[call("write_report", answer="Yes.", findings=["F7"])]),
        answer(calls=[call("write_report", answer="Yes: r = 1.00.", findings=["F1"], not_checked=["Causes."])]),
    ]
    run, view = await ask(bench, table)
    assert (run.status, view.error) == ("done", None)
    assert [s.name for s in view.steps[:2]] == ["open", "plan"]
    assert [s.name for s in view.steps[-3:]] == ["interpret", "review", "report"]
    assert {s.status for s in view.steps} == {"done"}
    assert [s.title for s in view.plan] == ["Relate x and y"]
    assert [x.title for x in view.executions] == ["Toolkit", "Read the files", "What each column holds", "Rows", ""]
    assert [f.evidence.cell for f in view.findings] == ["cell-05"]
    assert view.report is not None
    assert (view.report.answer, view.report.order) == ("Yes: r = 1.00.", ("F1",))
    assert [r.verdict for r in view.reviews] == ["pass"]
    assert view.reviews[0].checks >= 10
    assert any("broke off" in n.text for n in view.notes)
    assert {"analysis.ipynb", "findings.json", "report.md", "report.html"} <= {a.name for a in view.artifacts}
    assert [a.name for a in view.artifacts if a.role == "input"] == ["points.csv"]

    errors = [used.error for used in view.tools_used if used.error]
    names = ["BadCall", "BadCall", "BadCall", "UnknownTemplate", "ParameterError", "BadCall"]
    assert [e.partition(":")[0] for e in errors] == names
    assert "not JSON" in errors[0]
    assert "no tool named 'run_shell'" in errors[1]
    assert "cell-04" in json.dumps(wire.requests[6]["messages"]), "older calls are told in a line each"
    secret = wire.env["OPENAI_API_KEY"].encode()
    assert [path for path, held in files(bench.store.home) if secret in held] == []
    assert secret.decode() not in "".join(x.text for x in view.executions)


async def test_deltas_are_shown_while_the_model_speaks(bench, table, team, answer):
    team.code = [answer(text="I begin with the rows.", calls=[call("run_code", code="len(df)")])]
    run = await bench.start(Request(question="x and y?", files=(table,), model="openai:test"))
    spoken = [e.text async for e in bench.follow(run.id) if e.kind == "text_delta" and e.agent == "coder"]
    assert spoken[:5] == ["I", "begin", "with", "the", "rows."]


async def test_a_bad_key_in_the_middle_fails_in_one_sentence_and_resumes_where_it_stopped(
    bench, table, team, wire, answer
):
    team.code = [answer(calls=[call("run_code", code=FINDING, title="Relate")]), answer(status=401, body="{}")]
    run, view = await ask(bench, table)
    assert run.status == "failed"
    assert view.error is not None
    assert "OPENAI_API_KEY" in view.error
    assert "\n" not in view.error
    assert "findings.json" in {a.name for a in view.artifacts}
    assert view.steps[-1].status == "failed"

    cells, asked = len(view.executions), len(wire.requests)
    await bench.resume(run.id)
    run = await asyncio.wait_for(bench.wait(run.id), 300)
    view = bench.store.view(run.id)
    assert (run.status, view.error) == ("done", None)
    assert len(view.executions) == cells
    assert view.sandboxes[-1].rebuilt
    assert view.sandboxes[-1].replayed == cells
    assert "make_plan" not in {t["function"]["name"] for r in wire.requests[asked:] for t in r["tools"]}
    with pytest.raises(InputError, match="is done"):
        await bench.resume(run.id)


async def test_objections_send_the_work_back_until_they_are_met(bench, table, team, wire, answer):
    team.code = [
        answer(calls=[call("run_code", code="df.query('x > 3')['y'] = 0\nprint(len(df))", title="Set")]),
        answer(text="Done."),
        answer(calls=[call("run_code", code=FINDING, title="Relate")]),
    ]
    held = {"where": "answer", "problem": "It rests on no finding.", "mend": "Compute the correlation."}
    team.review = [answer(calls=[call("give_review", verdict="fail", objections=[held])])]
    run, view = await ask(bench, table)
    assert run.status == "done"
    first, *later = view.reviews
    assert first.verdict == "fail"
    assert [o.where for o in first.objections] == ["answer", "cell-04"]
    sent_back = next(r for r in wire.requests if "Mend what the reviewer objects to" in json.dumps(r["messages"]))
    assert "It rests on no finding." in sent_back["messages"][-1]["content"]
    assert [r.verdict for r in later] == ["fail"]  # the assignment to a copy still stands
    assert any("Nothing was changed" in n.text for n in view.notes)


async def test_each_cell_finds_what_it_uses_of_the_toolkit_and_the_notebook_runs_from_the_top(
    bench, table, team, answer, tmp_path
):
    team.code = [
        answer(calls=[call("run_code", code="mine = 'mine'\nprint(label('size_mm'), percent(0.25))", title="Say")]),
        answer(calls=[call("run_template", name="profile", parameters={})]),
        answer(calls=[call("run_code", code="print(mine, load(data) is table)", title="Ask")]),
        answer(text="Done."),
    ]
    run, view = await ask(bench, table)
    assert run.status == "done", view.error
    mine = [x for x in view.executions if "code" in x.tags]
    assert [x.text.strip() for x in mine] == ["Size (mm) 25 %", "mine True"]
    carried = [x for x in view.executions if "toolkit" in x.tags]
    assert len(carried) == 3, "for opening the files, for the model's cell, for the template"
    defined = [name for x in carried for name in binds(x.code) & package(TOOLKIT).names]
    assert len(defined) == len(set(defined)), "nothing twice: what a file gave when it was read is kept"

    (made,) = [a for a in view.artifacts if a.name == "analysis.ipynb"]
    notebook = nbformat.reads(bench.store.read(made).decode(), as_version=4)
    folded = [c for c in notebook.cells if "toolkit" in c.metadata.get("tags", ())]
    assert [c.metadata["jupyter"]["source_hidden"] for c in folded] == [True] * 3
    await asyncio.to_thread(NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute)


async def test_a_models_own_cell_is_plotted_objected_to_mended_run_again_and_reported(
    ready, table, team, wire, answer, monkeypatch
):
    """The whole way of work that no template did: a plot, a finding, a fresh sandbox, an objection, the mend."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})  # one processor: the second run is not beside the first
    drawn = (
        "import time\nimport matplotlib.pyplot as plt\n"
        "part = df.sample(30, random_state=0)\n"
        "r = float(part.x.corr(part.y))\n"
        "print(len(part){clock})\n"
        "fig, ax = plt.subplots()\n"
        "ax.scatter(part.x, part.y)\n"
        "ax.set(xlabel='x', ylabel='y', title='x and y rise together')\n"
        "plt.show()\n"
        'report(type="claim", kind="correlation", columns=["x", "y"], direction="+", n=len(part),\n'
        '       effect={{"metric": "pearson_r", "value": r}},\n'
        '       text=f"In a sample x and y rise together (r = {{r:.3f}}).")'
    )
    loose, sound = (drawn.format(clock=clock) for clock in (", time.time_ns()", ""))
    team.code = [
        answer(calls=[call("run_code", code=loose, title="Relate")]),
        answer(text="Done."),
        answer(calls=[call("run_code", code=sound, title="Relate")]),
        answer(text="Mended."),
    ]
    team.interpret = [
        answer(calls=[call("write_report", answer="They rise together.", findings=[f])]) for f in ("F1", "F2")
    ]
    with Store.open(ready) as store:
        bench = Workbench(store)
        run, view = await ask(bench, table)
        told = [(e.done, e.of) for e in store.events(run.id) if e.kind == "progress"]
        assert store.runs() == [run], "a run is recorded once"
        await bench.close()
        report = store.read(next(a for a in view.artifacts if a.name == "report.html")).decode()
    assert run.status == "done", view.error
    first, *later = view.reviews
    assert [(o.where, o.mend) for o in first.objections] == [("cell-04", "Put nothing out that comes from a clock.")]
    assert "its output: 1" in first.objections[0].problem, "it says what differs"
    assert [r.verdict for r in later] == ["pass"]  # the cell under the same title stands for the first
    assert told == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 5)], "only what is new runs again"
    assert [m.name for m in view.comparison.matches if m.verdict == "changed"] == ["cell-04"]
    assert {m.name for m in view.comparison.matches} >= {"fig_01.png", "fig_02.png", "F2 correlation", "cell-05"}
    assert "came out the same" in wire.requests[-1]["messages"][1]["content"]
    assert "came out the same" in later[-1].remarks[-1]
    assert "came out the same" in report
    assert [f.evidence.artifact for f in view.findings] == ["fig_01.png", "fig_02.png"]
    assert "x and y rise together" in report


async def test_a_model_that_never_mends_is_sent_back_three_times_and_its_report_says_so_first(
    bench, table, team, answer
):
    lost = "df.query('x > {}')['y'] = 0\nprint(len(df))"  # assigned to a copy
    team.code = [a for i in range(5) for a in (answer(calls=[call("run_code", code=lost.format(i))]), answer())]
    held = {"where": "answer", "problem": "Not yet."}
    team.review = [answer(calls=[call("give_review", verdict="fail", objections=[held])]) for _ in range(9)]
    run, view = await ask(bench, table)
    assert run.status == "done", view.error
    assert [r.round for r in view.reviews] == list(range(1, MAX_ROUNDS + 1))
    assert any(f"after {MAX_ROUNDS} rounds" in n.text for n in view.notes)
    first, *_, last = view.reviews
    assert [o.where for o in first.objections] == ["answer", "cell-04"]
    unmended = view.executions[-1].cell
    assert unmended != "cell-04"
    assert [o.where for o in last.objections] == ["answer", unmended], "a cell that was done again is let be"
    for name, begins in {"report.md": "## Answer", "report.html": '<section class="answer">'}.items():
        page = bench.store.read(next(a for a in view.artifacts if a.name == name)).decode().partition(begins)
        assert page[1], name
        for said in (
            "Did not pass review",
            "Not yet.",
            unmended,
            "Assign in one step",
            "Not run again in a fresh sandbox",
        ):
            assert said in page[0], (name, said)


async def test_follow_ups_and_tool_calls_have_a_limit(bench, table, team, answer):
    more = answer(calls=[call("follow_up", steps=[{"title": "Look again"}])])
    team.interpret = [more] * (MAX_FOLLOW_UPS + 1)
    team.code = [answer(calls=[call("run_code", code="1")] * 5) for _ in range(20)]
    run, view = await ask(bench, table)
    assert run.status == "done"
    assert [s.title for s in view.plan].count("Look again") == MAX_FOLLOW_UPS
    assert len([x for x in view.executions if "code" in x.tags]) == MAX_CALLS
    assert any(f"limit of {MAX_CALLS} tool calls" in n.text for n in view.notes)
    assert any(f"After {MAX_FOLLOW_UPS} follow-ups" in n.text for n in view.notes)


async def test_a_conversation_that_grows_too_long_is_shortened_once(bench, table, team, wire, answer):
    long = answer(calls=[call("run_code", code="print('z' * 5000)")])
    overflow = answer(status=400, body='{"error":{"code":"context_length_exceeded","message":"too long"}}')
    team.code = [long, long, long, overflow]
    run, view = await ask(bench, table)
    assert run.status == "done"
    assert any("shortened" in n.text for n in view.notes)
    sizes = [len(m["content"]) for m in wire.requests[5]["messages"] if m["role"] == "tool"]
    assert sizes[0] < 1000 < sizes[1]


async def test_a_call_cut_at_the_limit_of_tokens_is_not_run_and_asked_for_in_less(bench, table, team, wire, answer):
    team.code = [answer(calls=[call("run_code", code="print('cut')")], finish="length"), answer(text="Done.")]
    run, view = await ask(bench, table)
    assert run.status == "done"
    assert not any("print('cut')" in x.code for x in view.executions)
    again = next(r for r in wire.requests if "Say it in less" in json.dumps(r["messages"]))
    assert not any(m.get("tool_calls") for m in again["messages"])


async def test_a_call_that_failed_twice_in_the_same_words_is_not_run_again(bench, table, team, wire, answer):
    team.code = [answer(calls=[call("run_code", code="1 / 0")]) for _ in range(9)]
    run, view = await ask(bench, table)
    assert run.status == "done"
    assert sum(x.code == "1 / 0" for x in view.executions) == 2
    assert len(team.code) == 9 - 4, "two that failed and two that were refused"
    assert any("repeats calls that failed" in n.text for n in view.notes)


async def test_a_model_that_writes_its_call_as_text_only_is_made_to_write_it_as_json(bench, table, team, answer):
    plan = json.dumps({"tool": "make_plan", "arguments": {"steps": [{"title": "Relate"}]}})
    team.plan = [answer(text="I plan."), answer(text="I plan."), answer(text=plan)]
    run, view = await ask(bench, table)
    assert run.status == "done"
    assert [s.title for s in view.plan] == ["Relate"]


async def test_a_model_that_never_calls_its_tool_is_given_up(bench, table, team, answer):
    team.plan = [answer(text="I would rather chat.")] * 3
    run, view = await ask(bench, table)
    assert run.status == "failed"
    assert view.error is not None
    assert "in 3 tries" in view.error


async def test_cancelling_stops_the_cell_and_keeps_what_was_made(bench, table, team, answer):
    team.code = [
        answer(
            calls=[call("run_code", code=FINDING), call("run_code", code="import time\ntime.sleep(600)", title="Nap")]
        )
    ]
    run = await bench.start(Request(question="x and y?", files=(table,), model="openai:test"))
    async for event in bench.follow(run.id):
        if event.kind == "execution_started" and event.execution.title == "Nap":
            break
    ended = await asyncio.wait_for(bench.cancel(run.id), 300)
    view = bench.store.view(run.id)
    assert ended.status == "cancelled"
    assert [x.status for x in view.executions[-2:]] == ["ok", "interrupted"]
    assert view.steps[-1].status == "cancelled"
    assert "findings.json" in {a.name for a in view.artifacts}
    assert (await bench.cancel(run.id)).status == "cancelled"


async def test_cancelling_while_the_notebook_runs_again_ends_both_sandboxes(bench, table, team, answer, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})  # one processor: the second run is not beside the first
    team.code = [answer(calls=[call("run_code", code="print(len(df))")])]
    run = await bench.start(Request(question="x and y?", files=(table,), model="openai:test", rerun=True))
    async for event in bench.follow(run.id):
        if event.kind == "progress":
            assert bench.store.view(run.id).report is not None, "the report can be read before that"
            break
    assert (await asyncio.wait_for(bench.cancel(run.id), 300)).status == "cancelled"
    view = bench.store.view(run.id)
    assert (view.steps[-1].name, view.steps[-1].status) == ("review", "cancelled")
    assert (view.comparison, view.reviews) == (None, ())
    query = SandboxQuery(metadata={"run_id": run.id})
    host = await find_host(bench.store.home)
    assert await AsyncSandbox.list(query, **connection(host)).next_items() == []


@pytest.mark.parametrize(
    ("content", "sentence"), [("x,y\n", "no rows"), ("\n \n", "is empty"), ("<html><p>no</p></html>", "not a table")]
)
async def test_a_file_that_is_no_table_ends_the_run_with_that_sentence(bench, tmp_path, team, wire, content, sentence):
    path = tmp_path / "odd.csv"
    path.write_text(content)
    run, view = await ask(bench, path)
    assert run.status == "failed"
    assert view.error is not None
    assert view.error.startswith("odd.csv")
    with pytest.raises(InputError, match="no table"):
        await bench.resume(run.id)
    assert sentence in view.error
    assert wire.requests == []


async def test_a_declared_column_that_does_not_exist_is_refused_before_there_is_a_run(bench, table, team, wire):
    roles, before = {"target": "y", "time": "when"}, bench.store.runs()
    with pytest.raises(InputError, match="no column 'when', which was declared as the time"):
        await bench.start(Request(question="What drives y?", files=(table,), model="openai:test", roles=roles))
    assert bench.store.runs() == before
    assert wire.requests == [], "no model was asked"


async def test_several_files_are_described_with_their_columns(bench, table, tmp_path, team, wire):
    other = tmp_path / "groups.tsv"
    other.write_text("group\tlabel\na\tfirst\nb\tsecond\n")
    run = await bench.start(
        Request(question="What is going on?", files=(table, other), model="openai:test", roles={"target": "y"})
    )
    run = await asyncio.wait_for(bench.wait(run.id), 300)
    assert run.status == "done"
    brief = wire.requests[0]["messages"][1]["content"]
    facts = json.loads(brief.split("```json\n")[1].split("\n```")[0])
    assert [(f["name"], f["rows"], len(f["columns"])) for f in facts["files"]] == [
        ("points.csv", 40, 3),
        ("groups.tsv", 2, 2),
    ]
    assert facts["files"][0]["columns"][0] | {"examples": 0} == {
        "name": "x",
        "dtype": "int64",
        "n_unique": 40,
        "examples": 0,
        "min": 0,
        "max": 39,
    }


async def test_a_notebook_is_run_by_name(bench, table):
    run = await bench.start_notebook("profile", {"data": str(table)})
    run = await asyncio.wait_for(bench.wait(run.id), 300)
    assert (run.status, run.agent) == ("done", "notebook")
    with pytest.raises(InputError, match="no notebook"):
        await bench.start_notebook("profil", {"data": str(table)})


async def test_a_run_gets_the_id_that_was_asked_for(bench, table):
    run = await bench.start(Request(question="x and y?", files=(table,), run_id="run_chosen"))
    assert run.id == "run_chosen"
    async for event in bench.follow(run.id):
        if event.kind == "sandbox_opened":
            break
    assert (await bench.cancel("run_chosen")).status == "cancelled"
    with pytest.raises(StoreError, match="has begun already"):
        await bench.start(Request(question="x and y?", files=(table,), run_id="run_chosen"))


async def test_an_interrupted_run_goes_on_in_another_process_s_workbench(ready, table, team, answer):
    team.code = [
        answer(
            calls=[
                call("run_code", code="open('count.txt', 'a').write('once')\nk = 7", title="Count"),
                call("run_code", code="import time\ntime.sleep(600)", title="Wait"),
                call("run_code", code="print(k, open('count.txt').read())", title="Read"),
            ]
        )
    ]
    with Store.open(ready) as store:
        bench = Workbench(store, rerun=False)
        run = await bench.start(Request(question="x and y?", files=(table,), model="openai:test"))
        async for event in bench.follow(run.id):
            if event.kind == "execution_started" and event.execution.title == "Wait":
                break
        await bench.close()
        assert store.run(run.id).status == "interrupted"
        with pytest.raises(InputError, match="being stopped"):
            await bench.resume(run.id)
        await end_sandbox(await find_host(ready), store.view(run.id).sandboxes[-1].sandbox_id)
    with Store.open(ready) as store:
        bench = Workbench(store, rerun=False)
        resumed = await bench.resume(run.id)
        assert resumed.status == "running"
        async for event in bench.follow(run.id, store.view(run.id).last_seq):
            if event.kind == "execution_started" and event.execution.title == "Wait":
                await bench.cancel(run.id)
        view = store.view(run.id)
        await bench.close()
    assert [x.title for x in view.executions[3:]] == ["Count", "Wait", "Wait"]
    assert view.sandboxes[-1].rebuilt
    assert view.sandboxes[-1].replayed == 4


async def test_a_gateway_killed_under_a_run_fails_it_and_resuming_rebuilds_the_state(tmp_path, table, team, answer):
    home = tmp_path / "home"
    wait = "import time\ntime.sleep(600)"
    team.code = [
        answer(calls=[call("run_code", code="k = 7", title="Set"), call("run_code", code=wait, title="Wait")]),
        answer(calls=[call("run_code", code="print(k)", title="Read")]),
    ]
    with Store.open(home) as store:
        bench = Workbench(store, rerun=False)
        run = await bench.start(Request(question="x and y?", files=(table,), model="openai:test"))
        async for event in bench.follow(run.id):
            if event.kind == "execution_started" and event.execution.title == "Wait":
                gateway = gateway_status(home)
                os.kill(gateway.pid, signal.SIGKILL)
        failed = store.view(run.id)
        assert failed.run.status == "failed"
        assert "gristmill runs resume" in (failed.error or "")
        assert failed.executions[-1].status in ("unknown", "interrupted")
        await bench.resume(run.id)
        async for event in bench.follow(run.id, failed.last_seq):
            if event.kind == "execution_started" and event.execution.title == "Wait":
                await bench.cancel(run.id)
        view = store.view(run.id)
        await bench.close()
    assert view.sandboxes[-1].rebuilt
    assert [x.title for x in view.executions if x.status == "ok"][3:] == ["Set"]
    assert "findings.json" in {a.name for a in view.artifacts}


async def test_a_run_whose_input_is_damaged_is_not_taken_up_and_a_forgotten_one_has_no_checkpoint(
    ready, table, team, answer
):
    team.code = [answer(calls=[call("run_code", code="import time\ntime.sleep(600)", title="Wait")])]
    with Store.open(ready) as store:
        bench = Workbench(store, rerun=False)
        run = await bench.start(Request(question="x and y?", files=(table,), model="openai:test"))
        async for event in bench.follow(run.id):
            if event.kind == "execution_started" and event.execution.title == "Wait":
                await bench.cancel(run.id)  # which ends its sandbox, so that another must be filled
        cancelled = store.view(run.id)
        (source,) = store.artifacts(run_id=run.id, role="input")
        path = store.path(source)
        path.write_bytes(path.read_bytes()[:-1] + b"?")
        await bench.resume(run.id)
        resumed = await bench.wait(run.id)
        view = store.view(run.id)
        assert resumed.status == "failed"
        assert f"The bytes of {source.name} ({source.id}) are not those that were stored." in (view.error or "")
        assert len(view.executions) == len(cancelled.executions), "nothing ran on it"
        saver = await bench._worker._checkpoints()
        at = {"configurable": {"thread_id": run.id}}
        assert await saver.aget_tuple(at) is not None
        await bench.forget([run.id])
        assert await saver.aget_tuple(at) is None
        await bench.close()


async def test_a_run_that_a_dead_process_left_is_marked_interrupted(tmp_path):
    from artifacts.events import RunStarted, StepStarted

    with Store.open(tmp_path / "home") as store:
        await store.append(RunStarted(run_id="run_1", run=Run(id="run_1", goal="What?")))
        await store.append(StepStarted(run_id="run_1", step_id="s", name="plan", agent="analysis", title="Plan"))
        Workbench(store, rerun=False)
        view = store.view("run_1")
    assert view.run.status == "interrupted"
    assert "gristmill runs resume run_1" in (view.error or "")
    assert view.steps[0].status == "cancelled"


async def test_without_isolation_the_run_fails_with_the_fix(tmp_path, table, team, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with Store.open(tmp_path / "home") as store:
        bench = Workbench(store, rerun=False)
        run, view = await ask(bench, table)
        await bench.close()
    assert run.status == "failed"
    assert "bubblewrap" in (view.error or "")


@pytest.mark.parametrize(
    ("make", "question", "sentence"),
    [
        (lambda d: d / "pionts.csv", "What?", r"There is no file .* Did you mean .*points\.csv"),
        (lambda d: d, "What?", r"is a folder.*such as points\.csv"),
        (lambda d: d / "other.csv", "What?", r"There is no file .*other\.csv\.$"),
        (lambda d: Path("https://example.org/points.csv"), "What?", "is an address.*Download the file"),
        (lambda d: _file(d / "empty.csv", 0), "What?", "is empty"),
        (lambda d: _file(d / "huge.csv", 1 << 42), "What?", r"4,398\.0 GB together.*Take a sample"),
        (lambda d: _file(d / "huge.json", 1 << 42), "What?", r"huge\.json is 4,398\.0 GB.*Take a sample"),
        (lambda d: d / "points.csv", "  \n", "question is empty"),
        (lambda d: d / "points.csv", "why " * 1_100, "4,000 are the most"),
        (lambda d: d / "points.csv" / "x", "What?", "There is no file"),
    ],
)
async def test_bad_input_is_a_sentence_before_there_is_a_run(bench, table, make, question, sentence):
    before = len(bench.store.runs())
    with pytest.raises(InputError, match=sentence):
        await bench.start(Request(question=question, files=(make(table.parent),)))
    assert len(bench.store.runs()) == before


async def test_no_file_two_of_one_name_and_an_unknown_model_are_sentences(bench, table, tmp_path):
    with pytest.raises(InputError, match="no file to ask"):
        await bench.start(Request(question="What?"))
    (tmp_path / "other").mkdir()
    twin = _file(tmp_path / "other" / "points.csv", 5)
    with pytest.raises(InputError, match="same name"):
        await bench.start(Request(question="What?", files=(table, twin)))
    with pytest.raises(InputError, match="no model 'gpt'"):
        await bench.start(Request(question="What?", files=(table,), model="gpt"))


def _file(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path


async def test_the_playbook_ends_its_plan_when_it_is_carried_out(bench, table, monkeypatch):
    for name, value in {"_WHOLE": 0, "_STEP": 1}.items():  # a model is sent a line for each call, the last one, too
        monkeypatch.setattr(f"graphs.ask.{name}", value)
    run = await bench.start(Request(question="What separates the groups?", files=(table,), model="playbook"))
    run = await asyncio.wait_for(bench.wait(run.id), 300)
    assert run.status == "done"
    events = bench.store.events(run.id)
    carried_out = sum(e.kind == "tool_used" for e in events)
    (plan,) = (e.steps for e in events if e.kind == "plan_made")
    steps = sum(bool(step.template or step.query) for step in plan)
    assert steps > 1
    assert steps == carried_out


@pytest.mark.slow
async def test_two_million_rows_are_answered_from_all_of_them_and_say_how_far_they_are(bench, tmp_path):
    n, path = 2_000_000, tmp_path / "orders.parquet"
    group = "['north', 'south', 'east'][1 + i % 3] AS region, round(hash(i) % 10000 / 100 + i % 3, 2) AS price_usd"
    noise = "hash(i + 1) AS a, hash(i + 2) AS b, hash(i + 3) AS c, hash(i + 4) AS d"
    duckdb.sql(f"COPY (SELECT i AS order_id, {group}, {noise} FROM range({n}) t(i)) TO '{path}'")
    question = "Which region has the highest average price?"
    run = await bench.start(Request(question=question, files=(path,), model="playbook"))
    run = await asyncio.wait_for(bench.wait(run.id), 300)
    view = bench.store.view(run.id)
    assert run.status == "done", view.error
    (answer,) = view.answers
    means = duckdb.sql(f"SELECT region, avg(price_usd) FROM '{path}' GROUP BY region ORDER BY 2 DESC").fetchall()
    told = [v.value for v in answer.values]
    assert answer.status == "answered"
    assert told == [means[0][0], pytest.approx(means[0][1], rel=1e-9)], "from all rows, not from a sample"
    assert not any("sample" in note for note in answer.notes)
    sampled = [f for f in view.findings if f.kind == "group_difference"]
    assert sampled, "a test sees the sample, and says so"
    assert all(any("random sample of" in c for c in f.caveats) for f in sampled)
    told = [e for e in bench.store.events(run.id) if e.kind == "progress"]
    assert {(e.done, e.of) for e in told if e.unit == "rows"} >= {(n, n)}
    assert view.cells_of is not None
    assert view.cells_of[0] == view.cells_of[1], "as many cells ran as the plan said"
    assert not any(PROGRESS_MIME in o.data for x in view.executions for o in x.outputs), "no part of the notebook"
