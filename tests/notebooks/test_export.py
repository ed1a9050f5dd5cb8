"""A run as files: valid, deterministic, alone, and safe to open whatever is in the record."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Coroutine
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from artifacts.events import (
    ExecutionEnded,
    ExecutionStarted,
    FindingMade,
    ModelReplied,
    Noted,
    OutputReceived,
    PlanMade,
    ReportMade,
    Reviewed,
    RunEnded,
    RunView,
    SandboxOpened,
)
from artifacts.store import Store
from artifacts.types import (
    Answer,
    AnswerValue,
    Effect,
    Evidence,
    Execution,
    ExecutionError,
    ExecutionStatus,
    Finding,
    Objection,
    Output,
    PlanStep,
    Recomputation,
    Run,
    Test,
    new_id,
)
from notebooks import export, files
from notebooks.nb import nbformat
from notebooks.telling import story, words
from notebooks.telling.answers import plain

SCHEMA = Path(__file__).parents[2] / "docs" / "findings.schema.json"


def check(document: dict[str, Any]) -> None:
    """Raise ValidationError for a `findings.json` that is not as docs/findings.schema.json has it."""
    Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(document)


PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c63606060f80f0001040100f9e3a1d50000000049454e44ae426082"
)
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"

Begin = Callable[..., Coroutine[Any, Any, Run]]


async def tell(store: Store, begin: Begin, table: Path) -> str:
    """A whole run, told by hand: two files, three cells, findings, a review and a report. Returns its id."""
    run = await begin(f"Do trees differ? {EVIL}")
    rid = run.id
    given = await store.put(table, name="trees.csv", media_type="text/csv", role="input", run_id=rid)
    await store.append(ModelReplied(run_id=rid, agent="analysis", model="playbook/1.0", rule_based=True))
    await store.append(PlanMade(run_id=rid, steps=(PlanStep(title="Look", why="to see"),)))
    described = json.dumps({"files": [{"name": "trees.csv", "rows": 3, "columns": [{}, {}]}]})
    await cell(
        store,
        rid,
        1,
        "print(1)",
        Output(kind="stdout", text=described[:20]),
        Output(kind="stdout", text=described[20:]),
    )
    plot = await store.put(
        PIXEL, name="fig_01.png", media_type="image/png", role="plot", run_id=rid, parents=[given.id]
    )
    await cell(
        store,
        rid,
        2,
        f"x = '{EVIL}'",
        Output(kind="display", text="<Figure>", data={"text/plain": "<Figure>"}, artifacts={"image/png": plot.id}),
        Output(kind="result", text="t", data={"text/html": f"<table><tr><td>{EVIL}</td></tr></table>"}),
        Output(kind="stdout", text=EVIL),
    )
    await cell(store, rid, 3, "1/0", error=ExecutionError(name="ZeroDivisionError", value="division by zero"))
    await cell(store, rid, 4, "while True: pass", status="interrupted")
    for number in range(1, 10):
        await store.append(FindingMade(run_id=rid, finding=finding(number)))
    await store.append(
        Reviewed(
            run_id=rid,
            round=1,
            verdict="pass_with_remarks",
            remarks=(f"Small {EVIL}",),
            objections=(Objection(where="F2", problem="n is small"),),
            checks=12,
        )
    )
    await store.append(
        ReportMade(
            run_id=rid,
            answer=f"**Yes.** {EVIL} [link](javascript:alert(1)) ![i](http://evil.example/x.png)",
            order=("F2", "F1", *(f"F{n}" for n in range(3, 9))),
            not_found=("No trend.",),
            not_checked=("Soil.",),
        )
    )
    await store.append(Noted(run_id=rid, text="Read as Latin-1.", level="warning"))
    await store.append(RunEnded(run_id=rid, status="done"))
    return rid


async def cell(
    store: Store,
    run_id: str,
    seq: int,
    code: str,
    *outputs: Output,
    error: ExecutionError | None = None,
    status: ExecutionStatus | None = None,
) -> None:
    execution = Execution(id=new_id("exec"), run_id=run_id, sandbox_id="s", seq=seq, code=code, title=f"Part {seq}")
    await store.append(ExecutionStarted(run_id=run_id, execution=execution))
    for output in outputs:
        await store.append(OutputReceived(run_id=run_id, execution_id=execution.id, output=output))
    how: ExecutionStatus = status or ("error" if error else "ok")
    await store.append(ExecutionEnded(run_id=run_id, execution_id=execution.id, status=how, error=error))


class Elements(HTMLParser):
    """Every attribute of a page as (tag, name, value), as a browser would read it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [(tag, name, value or "") for name, value in attrs] or [(tag, "", "")]


def finding(number: int) -> Finding:
    return Finding(
        id=f"F{number}",
        type="claim",
        kind="group_difference",
        columns=("height", "kind"),
        effect=Effect(metric="cohens_d", value=-0.4 - number / 20, ci=(-0.75, -0.25)),
        test=Test(name="welch_t", p=1e-12, q=4e-11, family="groups", m=7),
        n=1200,
        text=f"Finding {number} {EVIL}",
        caveats=("Observed, not assigned.",),
        evidence=Evidence(cell="cell-02", artifact="fig_01.png"),
    )


@pytest.fixture
async def told(store: Store, begin: Begin, table: Path) -> RunView:
    return store.view(await tell(store, begin, table))


async def test_what_two_tests_found_alike_is_told_once(store: Store, begin: Begin) -> None:
    run = await begin("Do trees differ?")
    again = finding(2).model_copy(update={"id": "F9", "text": "The same, of another cell."})
    for one in (finding(1), finding(2), again):
        await store.append(FindingMade(run_id=run.id, finding=one))
    await store.append(ReportMade(run_id=run.id, answer="Yes.", order=("F2",)))
    assert [f.id for f in story.told(store.view(run.id)).further] == ["F1"]


async def test_the_notebook_is_valid_and_has_the_finished_cells_with_their_outputs(told: RunView, store: Store) -> None:
    notebook = export.notebook(told, store)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert [c.id for c in code] == ["cell-01", "cell-02", "cell-03"]
    assert [c.execution_count for c in code] == [1, 2, 3]
    assert len(code[0].outputs) == 1, "pieces of one stream are joined"
    assert code[1].outputs[0].data["image/png"].startswith("iVBORw0KGgo")
    assert code[2].metadata.tags == ["raises-exception"]
    assert code[2].outputs[0].ename == "ZeroDivisionError"


async def test_two_records_of_the_same_story_give_the_same_bytes(store: Store, begin: Begin, table: Path) -> None:
    first, second = [store.view(await tell(store, begin, table)) for _ in range(2)]
    assert nbformat.writes(export.notebook(first, store)) == nbformat.writes(export.notebook(second, store))
    assert export.findings_json(first) == export.findings_json(second)
    assert export.report_md(first) == export.report_md(second)
    assert export.report_html(first, store) == export.report_html(second, store)


async def test_findings_json_follows_the_schema(told: RunView, table: Path) -> None:
    document = json.loads(export.findings_json(told))
    check(document)
    with pytest.raises(ValidationError, match="'hunch' is not one of"):
        check(document | {"findings": [document["findings"][0] | {"kind": "hunch"}]})
    assert document["schema_version"] == "1.0"
    (dataset,) = document["dataset"]
    assert (dataset["file"], dataset["rows"], dataset["columns"]) == ("trees.csv", 3, 2)
    assert document["run"] == {"engine": "playbook/1.0", "seed": 0, "tests_run": 7, "correction": "BH", "alpha": 0.05}
    set_to = told.executions[0].model_copy(
        update={"tags": ("parameters",), "status": "ok", "code": "alpha: float = 0.01  # accepted"}
    )
    stricter = dataclasses.replace(told, executions=(set_to,))
    assert json.loads(export.findings_json(stricter))["run"]["alpha"] == 0.01, "the share that was accepted"
    first = document["findings"][0]
    assert (first["id"], first["rank"], first["effect"]["ci"]) == ("F2", 1, [-0.75, -0.25])
    assert first["evidence"] == {"notebook": "analysis.ipynb", "cell": "cell-02", "artifact": "fig_01.png"}
    assert [f["rank"] for f in document["findings"]] == [*range(1, 9), None]


async def test_the_page_shows_seven_findings_and_no_more_at_once(told: RunView, store: Store) -> None:
    page = export.report_html(told, store)
    assert page.count('<article class="finding') == 7
    assert page.index('id="F2"') < page.index('id="F1"')
    assert "rule-based analyst playbook/1.0" in page
    assert "Passed review, with remarks" in page
    assert "d = −0.500 (95 % CI −0.750 to −0.250)" in page.replace("\u00a0", " ")
    assert "Further findings" in page
    assert page.count("data:image/png;base64,") == 1, "one picture, however often it is spoken of"


async def test_a_sandbox_that_an_edit_opened_is_not_told_as_a_lost_one(told: RunView, store: Store) -> None:
    opened = SandboxOpened(run_id=told.run.id, sandbox_id="s2", host="local", isolation="none", rebuilt=True)
    edited = dataclasses.replace(told, sandboxes=(opened.model_copy(update={"partial": True}),))
    assert "lost on the way" not in export.report_html(edited, store)
    lost = dataclasses.replace(told, sandboxes=(opened.model_copy(update={"replayed": 4}), *edited.sandboxes))
    assert "lost on the way and rebuilt by replaying 4 cells" in export.report_html(lost, store)


async def test_nothing_in_the_record_becomes_script_or_a_request(told: RunView, store: Store) -> None:
    page = export.report_html(told, store)
    seen = Elements()
    seen.feed(page)
    assert not {tag for tag, _, _ in seen.found} & {"script", "iframe", "object", "embed", "link", "form", "base"}
    assert not [name for _, name, _ in seen.found if name.startswith("on") or name == "style"]
    fetched = [value for _, name, value in seen.found if name in ("src", "href", "srcset", "action")]
    assert {value[:22] for value in fetched if not value.startswith("#")} == {"data:image/png;base64,"}
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert "default-src &#39;none&#39;" in policy.group(1)
    assert "unsafe" not in policy.group(1)


async def test_the_markdown_report_says_the_same_and_holds_no_html(told: RunView) -> None:
    report = export.report_md(told)
    assert "rule-based analyst playbook/1.0" in report
    assert report.count("### ") == 7
    assert "- No trend." in report
    assert "- Soil." in report
    assert "| trees.csv | 3 | 2 |" in report
    assert "<script" not in report.replace(f"**Yes.** {EVIL}", "")


async def test_everything_is_written_out_and_nothing_outside_of_the_folder(
    told: RunView, store: Store, tmp_path: Path
) -> None:
    rid = told.run.id
    for name in ("../out.txt", "/etc/out.txt", "deep/table.csv", "trees.csv"):
        await store.put(b"x", name=name, media_type="text/csv", role="table", run_id=rid)
    folder = tmp_path / "a" / "report"
    written = {str(p.relative_to(folder)) for p in export.write_out(store, rid, folder)}
    named = {"analysis.ipynb", "findings.json", "report.md", "report.html", "trees.csv", "fig_01.png", "deep/table.csv"}
    assert written == named
    assert {str(p.relative_to(tmp_path / "a")) for p in (tmp_path / "a").rglob("*") if p.is_file()} == {
        f"report/{name}" for name in named
    }
    assert (folder / "trees.csv").read_bytes().startswith(b"kind,height"), "the input keeps its name"
    assert (folder / "fig_01.png").read_bytes() == PIXEL


async def test_a_name_that_is_long_or_became_a_folder_does_not_spoil_the_export(
    told: RunView, store: Store, tmp_path: Path
) -> None:
    for name in ("n" * 250, "results", "results/late.csv"):
        await store.put(name[:9].encode(), name=name, media_type="text/csv", role="table", run_id=told.run.id)
    export.write_out(store, told.run.id, tmp_path / "out")
    assert (tmp_path / "out" / ("n" * 250)).read_bytes() == b"n" * 9
    assert (tmp_path / "out" / "results.file").read_bytes() == b"results"
    assert (tmp_path / "out" / "results" / "late.csv").read_bytes() == b"results/l"


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("../a\n/b.csv", "a_/b.csv"),
        ("\u202egpj.csv", "_gpj.csv"),
        ("é" * 200 + ".csv", "é" * 98 + ".csv"),
        ("größe 漢字.csv", "größe 漢字.csv"),
        ("..", "unnamed"),
    ],
)
def test_a_name_from_a_sandbox_is_made_fit_to_be_shown_and_written(given: str, safe: str) -> None:
    assert files.safe_name(given) == safe


async def test_a_damaged_plot_is_left_out_and_everything_else_is_written(
    told: RunView, store: Store, tmp_path: Path
) -> None:
    plot = next(
        a for a in told.artifacts if a.role == "plot" and any(a.id in o.artifacts.values() for o in outputs(told))
    )
    whole = {path.name for path in export.write_out(store, told.run.id, tmp_path / "whole")}
    store.path(plot).unlink()
    folder = tmp_path / "rest"
    assert {path.name for path in export.write_out(store, told.run.id, folder)} == whole - {plot.name} | {"MISSING.txt"}
    sentence = f"The bytes of {plot.name} ({plot.id}) are missing."
    assert sentence in (folder / "MISSING.txt").read_text()
    assert sentence in (folder / "analysis.ipynb").read_text()
    assert sentence in (folder / "report.html").read_text()


def outputs(view: RunView) -> list[Output]:
    return [output for execution in view.executions for output in execution.outputs]


async def test_the_report_is_kept_once(told: RunView, store: Store) -> None:
    first = await export.save_report(store, told.run.id)
    assert [a.name for a in first] == ["analysis.ipynb", "findings.json", "report.md", "report.html"]
    assert [a.role for a in first] == ["notebook", "findings", "report", "report"]
    assert await export.save_report(store, told.run.id) == first


async def test_a_run_that_failed_says_so_on_its_first_line(store: Store, begin: Begin) -> None:
    run = await begin("A question")
    ending = RunEnded(run_id=run.id, status="failed", error="The key was refused. Set OPENAI_API_KEY.")
    await export.save_report(store, run.id, ending=ending)
    report = next(a for a in store.view(run.id).artifacts if a.name == "report.md")
    assert b"This run failed before its end. The key was refused. Set OPENAI_API_KEY." in store.read(report)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-0.2349, "−0.235"),
        (0.65, "0.650"),
        (342, "342"),
        (1234567.0, "1,234,567"),
        (None, "–"),
        (2e-5, "2.0e−05"),
    ],
)
def test_numbers_are_for_reading(value: float | None, text: str) -> None:
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("value", "ci", "text", "short"),
    [
        (-0.2351, (-0.3328, -0.1319), "a and b part (r = −0.24, 95 % CI −0.33 to −0.13, n = 342).", "a and b part."),
        (0.0976, (0.0693, 0.129), "c explains 10 % (95 % CI 7 % to 13 %, n = 9).", "c explains 10 %."),
        (0.53, (0.47, 0.58), "d is often e (9 %): Cramér's V = 0.53 (95 % CI 0.47 to 0.58).", "d is often e (9 %)."),
        (0.53, (0.47, 0.58), "f (r = 0.53, 95 % CI 0.47 to 0.58, area 0.67).", "f (area 0.67)."),
        (0.026, (0.025, 0.028), "g rises by 60 (95 % CI 57 to 63, n = 9).", "g rises by 60 (95 % CI 57 to 63, n = 9)."),
    ],
)
def test_a_headline_leaves_the_numbers_to_the_line_below_it_unless_they_are_others(
    value: float, ci: tuple[float, float], text: str, short: str
) -> None:
    told = finding(1).model_copy(update={"text": text, "effect": Effect(metric="eta2", value=value, ci=ci)})
    assert words.headline(told) == short


@pytest.mark.parametrize(
    ("unit", "value", "said"),
    [
        ("pp", 0.0496, "percentage points = 4.96 (95 % CI 2.90"),
        ("", 0.0496, "mean difference = 0.050 (95 % CI 0.029"),
        ("EUR", 4.96, "mean difference = 4.96 EUR (95 % CI 2.90"),
    ],
)
def test_an_effect_is_told_in_the_unit_that_its_finding_gives(unit: str, value: float, said: str) -> None:
    size = Effect(metric="mean_diff", value=value, ci=(value * 2.9 / 4.96, value * 7.1 / 4.96))
    assert said in words.size(finding(1).model_copy(update={"unit": unit, "effect": size}))


def test_a_long_list_is_told_by_its_first_values_and_their_number() -> None:
    ids = [f"K{n:05d}" for n in range(6_000)]
    first, _, rest = plain(", ".join(ids)).partition(", and ")
    told = first.split(", ")
    assert told == ids[: len(told)]
    assert rest == f"{6_000 - len(told):,} more"
    assert plain(", ".join(ids[:12])) == ", ".join(ids[:12])


async def test_a_question_without_an_answer_is_told_first_and_what_was_found_under_its_own_name(
    store: Store, begin: Begin
) -> None:
    run = await begin("Mean wingspan?")
    await cell(store, run.id, 1, "1")
    await store.append(FindingMade(run_id=run.id, finding=finding(1)))
    refused = Answer(part="<b>wingspan", status="not_answered", why="No column is called “wingspan”.")
    await store.append(ReportMade(run_id=run.id, answer="", answers=(refused,), order=("F1",)))
    await store.append(Reviewed(run_id=run.id, round=1, verdict="pass", checks=3))
    view = store.view(run.id)
    page, report = export.report_html(view, store), export.report_md(view)
    assert page.index("Not answered; passed review") < page.index("No column is called") < page.index('id="F1"')
    assert '<section class="verdict not_answered"' in page
    assert "&lt;b&gt;wingspan" in page
    assert "<h2>What else the table shows</h2>" in page
    assert "**Not answered; passed review**" in report
    assert "**Not answered: &lt;b>wingspan** No column is called “wingspan”." in report
    assert "## What else the table shows" in report
    assert "## Findings" not in report


async def test_the_answer_stands_first_unless_the_review_found_against_it(store: Store, begin: Begin) -> None:
    run = await begin("Which is the widest?")
    answer = Answer(part="Which is the widest?", status="answered", text="The oak is.")
    await store.append(ReportMade(run_id=run.id, answer="The oak is.", answers=(answer,)))
    orders = []
    for round, verdict in enumerate(("pass", "fail"), 1):
        await store.append(Reviewed(run_id=run.id, round=round, verdict=verdict, checks=3))
        view = store.view(run.id)
        page, report = export.report_html(view, store), export.report_md(view)
        assert page.count('<section class="verdict') == page.count('<section class="answer') == 1
        orders.append(page.index('<section class="answer') < page.index('<section class="verdict'))
        orders.append(report.index("The oak is.") < report.index("3 checks by rule"))
    assert orders == [True, True, False, False]


async def test_values_are_told_in_their_units_with_what_came_of_computing_them_again(
    store: Store, begin: Begin
) -> None:
    run = await begin("Shares?")
    await cell(store, run.id, 1, "1")
    values = (
        AnswerValue(name="share", value=61.3, unit="%"),
        AnswerValue(name="fare", value=32.2, unit="EUR", interval=(30.1, 34.3)),
        AnswerValue(name="p", value=0.25),
    )
    answer = Answer(part="Shares?", status="answered", text="It is so.", values=values, unused=("still here",))
    await store.append(ReportMade(run_id=run.id, answer="It is so.", answers=(answer,)))
    again = (
        Recomputation(part=0, value=0, verdict="equal", got=61.3),
        Recomputation(part=0, value=1, verdict="unequal", got=29.0),
        Recomputation(part=0, value=2, verdict="as_printed", detail="There is no query."),
    )
    await store.append(Reviewed(run_id=run.id, round=1, verdict="pass", recomputed=again))
    report = export.report_md(store.view(run.id))
    assert "- share: 61.30 %, computed twice, with the same result\n" in report
    assert "- fare: 32.20 EUR (30.10 to 34.30), not confirmed: computed again it is 29\n" in report
    assert "- p: 0.250, computed once, by its cell\n" in report
    assert "left aside: “still here”" in report


async def test_what_is_wrong_with_the_table_stands_before_the_findings(store: Store, begin: Begin, table: Path) -> None:
    run = await begin("What matters?")
    await cell(store, run.id, 1, "1")
    warning = {"type": "warning", "kind": "constant_column", "text": "Region is one.", "effect": None}
    await store.append(
        FindingMade(
            run_id=run.id, finding=finding(1).model_copy(update={**warning, "evidence": Evidence(cell="cell-01")})
        )
    )
    await store.append(FindingMade(run_id=run.id, finding=finding(2)))
    await store.append(ReportMade(run_id=run.id, answer="", order=("F2", "F1")))
    view = store.view(run.id)
    page, report = export.report_html(view, store), export.report_md(view)
    assert page.count('<article class="finding') == report.count("### ") == 1
    assert page.index("Region is one.") < page.index('id="F2"')
    assert report.index("Region is one.") < report.index("### 1.")
