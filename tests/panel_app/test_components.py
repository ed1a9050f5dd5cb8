"""The parts of a page, without a browser: what is escaped, what is cut, and how figures are said."""

from __future__ import annotations

import json
import math
import re
from datetime import timedelta

import pytest
from markupsafe import Markup

from artifacts.events import ReportMade, RunEnded, RunStarted, RunView, SandboxOpened, fold
from artifacts.types import FINDING_MIME, Answer, Effect, Evidence, Execution, Finding, Output, Run, RunOutcome
from notebooks.telling import words as telling
from panel_app.components import code, outputs, safe, words
from panel_app.components.render import part
from panel_app.components.talk import entries
from panel_app.face import Face, Row
from panel_app.theme import DARK, LIGHT


def test_markdown_keeps_its_form_and_nothing_that_loads_or_runs() -> None:
    html = safe.markdown(
        "**bold** `x<y`\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n<script>alert(1)</script> "
        "<img src=x onerror=alert(1)>\n\n"
        "![pixel](http://evil.example/p.png) [go](javascript:alert(1)) [page](https://example.org 'title')"
    )
    assert "<strong>bold</strong>" in html
    assert "<code>x&lt;y</code>" in html
    assert "<td" in html
    assert "<script" not in html
    assert "<img" not in html
    assert "javascript:" not in re.findall(r'href="([^"]*)"', html)
    assert 'href="https://example.org"' in html
    assert 'rel="noopener noreferrer"' in html


def test_foreign_html_stays_in_a_frame_without_script_or_remote_files() -> None:
    frame = safe.frame(
        '<script>parent.x=1</script><link rel="preconnect" href="//evil.example">'
        '<meta http-equiv="refresh" content="0">'
        '<b onclick="x()">kept</b><iframe src="//evil.example"></iframe><img src="http://evil.example/p.png">',
        'a "title"',
    )
    assert frame.startswith('<iframe class="frame low" sandbox="" ')
    inside = Markup(re.search(r'srcdoc="([^"]*)"', frame)[1]).unescape()  # type: ignore[index]
    assert "default-src 'none'" in inside
    assert "<b>kept</b>" in inside
    assert "evil.example" not in inside
    assert "<script" not in inside
    assert "onclick" not in inside


def test_a_data_frame_is_written_anew_from_its_text() -> None:
    table = safe.read_table(
        "<div><style scoped>.x{}</style><table border=1 class=dataframe><thead><tr><th></th><th>name</th>"
        "<th>n</th></tr></thead><tbody><tr><th>0</th><td>&lt;b&gt;Ada&lt;/b&gt;</td><td>-1.5</td></tr></tbody></table>"
        "<p>1 rows × 2 columns</p></div>"
    )
    assert table is not None
    assert table.head == [["", "name", "n"]]
    assert table.rows == [["0", "<b>Ada</b>", "-1.5"]]
    assert table.numeric == [True, False, True]
    html = outputs.table_html(table)
    assert "&lt;b&gt;Ada&lt;/b&gt;" in html
    assert '<td class="right">-1.5</td>' in html
    assert "1 rows × 2 columns" in html


@pytest.mark.parametrize(
    "html",
    [
        "<table><tr><td>1</td></tr></table><script>x</script>",
        "<table><tr><td><img src=x></td></tr></table>",
        "<table id='T_1'><tr><td>styled</td></tr></table>",
        "<table><tr><td rowspan=2>merged</td></tr></table>",
        "<table></table><table></table>",
        "<p>no table</p>",
    ],
)
def test_anything_more_than_a_plain_table_is_left_to_the_frame(html: str) -> None:
    assert safe.read_table(html) is None


def test_terminal_text_keeps_colours_and_loses_controls() -> None:
    assert safe.ansi("\x1b[0;31mbad\x1b[0m <b>\x1b[2K\x07") == '<span class="ansi-1">bad</span> &lt;b&gt;'
    assert safe.ansi("10%\r50%\r100%\ndone") == "100%\ndone"
    assert safe.ansi("\x1b[999999999999mx") == "x"


def test_neighbouring_pieces_of_a_stream_are_one_and_errors_stand_apart() -> None:
    html = outputs.show(
        [Output(kind="stdout", text="a"), Output(kind="stdout", text="b\n"), Output(kind="stderr", text="<c>")]
    )
    assert html == (
        '<pre class="stream stdout" data-stream="stdout">ab\n</pre>'
        '<pre class="stream stderr" data-stream="stderr">&lt;c&gt;</pre>'
    )


def test_long_output_is_cut_once_and_says_so() -> None:
    half = Output(kind="stdout", text="x" * (outputs.MOST_TEXT - 10))
    rest = Output(kind="stdout", text="y" * 100)
    whole = outputs.show([half, rest, rest])
    assert whole.count("y") == 10 + "The output goes on. All of it is in the notebook.".count("y")
    assert whole.count("The output goes on") == 1
    # The same, had the pieces come one after the other.
    shown = outputs.text_length([half])
    assert "The output goes on" in outputs.show([rest], shown)
    assert outputs.show([rest], shown + 100) == ""
    assert "5,000 characters were dropped" in outputs.show([Output(kind="stdout", text="z", truncated=5000)])


def test_a_result_is_shown_in_its_richest_safe_form() -> None:
    picture = Output(kind="display", data={"text/plain": "<Figure>"}, artifacts={"image/png": "art_1"})
    assert '<img src="/api/artifacts/art_1/content"' in outputs.show([picture])
    plotly = Output(kind="display", artifacts={"application/vnd.plotly.v1+json": "art_2"})
    assert 'href="/artifacts/art_2"' in outputs.show([plotly])
    svg = Output(kind="display", data={"image/svg+xml": "<svg onload='x()'/>"})
    assert 'src="data:image/svg+xml;base64,' in outputs.show([svg])
    assert "onload" not in outputs.show([svg])
    broken = Output(kind="display", data={"image/png": '"><script>', "text/plain": "fig"})
    assert outputs.show([broken]) == '<pre class="stream result">fig</pre>'
    finding = Output(kind="display", data={FINDING_MIME: {}, "text/plain": "r < 0"})
    assert "r &lt; 0" in outputs.show([finding])


def test_code_is_coloured_and_escaped() -> None:
    html = code.highlight("x = '</pre><script>alert(1)</script>'")
    assert "<script" not in html
    assert 'class="s1"' in html
    assert code.highlight("<b>", "no-such-language").endswith("&lt;b&gt;</pre></div>")


@pytest.mark.parametrize(
    ("value", "said"),
    [(-0.2351, "−0.235"), (0.0, "0"), (34.784, "34.8"), (1234567.0, "1,234,567"), (1e-05, "1.0e−05"), (math.nan, "—")],
)
def test_numbers_are_said_as_in_reports(value: float, said: str) -> None:
    assert words.number(value) == said
    assert words.number(None) == "—"
    assert math.isnan(value) or telling.number(value) == said


def test_an_interval_is_drawn_where_it_lies() -> None:
    effect = Effect(metric="pearson_r", value=-0.5, ci=(-1.0, 0.0))
    drawing = words.interval(effect.metric, effect.value, effect.ci)
    assert 'x1="4.0" x2="100.0"' in drawing
    assert 'cx="52.0"' in drawing
    assert words.interval("mean_diff", 3.0, (None, 4.0)) == ""


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "grounds"),
    [
        ("ink", ("ground", "card", "sunken", "bad-wash", "warn-wash")),
        ("soft", ("ground", "card", "sunken", "bad-wash")),
        ("quiet", ("ground", "card", "sunken")),
        ("accent", ("ground", "card", "sunken")),
        ("on-accent", ("accent",)),
        ("good", ("card", "good-wash")),
        ("busy", ("card", "busy-wash")),
        ("warn", ("card", "warn-wash")),
        ("bad", ("card", "bad-wash")),
        ("code-comment", ("sunken",)),
        ("code-keyword", ("sunken",)),
        ("code-string", ("sunken",)),
        ("code-number", ("sunken",)),
        ("code-name", ("sunken",)),
    ],
)
def test_text_can_be_read_on_every_ground_it_stands_on(
    theme: dict[str, str], text: str, grounds: tuple[str, ...]
) -> None:
    for ground in grounds:
        light, dark = sorted((_luminance(theme[text]), _luminance(theme[ground])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{text} on {ground}"


def test_what_only_a_script_would_draw_says_so_instead_of_an_empty_frame() -> None:
    drawn = "<style>b{color:red}</style><div id='a'>\n</div><script>draw('a')</script>"
    assert "no script of a cell runs here" in safe.frame(drawn, "Output")
    assert "<iframe" not in safe.frame(drawn, "Output")
    assert "<iframe" in safe.frame("<div><img src='data:image/png;base64,AA=='></div>", "Output")
    inline = Output(kind="display", data={"application/vnd.vegalite.v6+json": {}, "text/plain": "alt.Chart(...)"})
    assert "The page of its run draws it" in outputs.show([inline])


def test_the_toolkit_s_cell_is_folded_and_plain_and_a_short_cell_is_open() -> None:
    ran = Execution(id="exec_1", run_id="run_1", sandbox_id="sandbox_1", seq=1, code="def say(x):\n    return x < 1")
    toolkit = Row(None, ran.model_copy(update={"tags": ("toolkit",)}))
    assert "return x" not in part("components/cells.html", "cell", toolkit, outputs.unsized), (
        "it comes when it is opened"
    )
    html = part("components/cells.html", "whole", toolkit)
    folded = re.search(r"<details[^>]*><summary>2 lines of the toolkit</summary>(.*?)</details>", html, re.S)
    assert folded is not None
    assert "return x &lt; 1" in folded[1], "in one piece: colours would make it three times as long"
    assert "<details" not in part("components/cells.html", "cell", Row(None, ran), outputs.unsized)


def test_only_a_sandbox_that_was_lost_is_told_as_gone() -> None:
    run = Run(id="run_1", goal="What grows?")
    opened = SandboxOpened(run_id=run.id, sandbox_id="s", host="local", isolation="none", rebuilt=True, replayed=4)
    edit = opened.model_copy(update={"partial": True, "replayed": 0})
    assert "was gone" not in part("components/run.html", "notes", Face(RunView(run, sandboxes=(edit,))))
    told = part("components/run.html", "notes", Face(RunView(run, sandboxes=(opened, edit))))
    assert told.count("was gone") == 1
    assert "4 recorded cells" in told


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("It failed. `gristmill runs resume run_1 --budget tokens=4` goes on.", "It failed."),
        ("What was made is kept; `gristmill runs resume run_1` goes on.", "What was made is kept."),
        ("Set a valid key, or use --model playbook, which needs none.", "Set a valid key."),
        ("/home/x/upload-a1/0/data.csv is empty.", "data.csv is empty."),
        ("r = -0.5, p < 0.05; nothing else.", "r = -0.5, p < 0.05; nothing else."),
        ("The key was refused.", "The key was refused."),
    ],
)
def test_a_sentence_on_a_page_names_no_command_flag_or_folder(told: str, shown: str) -> None:
    assert words.for_page(told) == shown


def test_what_is_told_of_the_table_alone_stands_below_no_empty_heading() -> None:
    said = Finding(
        id="F1", type="descriptive", kind="grain", text="One row is a bird.", evidence=Evidence(cell="cell-01")
    )
    run = Run(id="run_1", goal="Profile", agent="notebook", model="", status="done")
    told = part("components/findings.html", "findings", Face(RunView(run, findings=(said,))))
    assert "One row is a bird." in told
    assert "<h2>" not in told
    trend = said.model_copy(update={"id": "F2", "kind": "trend", "type": "claim"})
    assert "<h2>Findings</h2>" in part("components/findings.html", "findings", Face(RunView(run, findings=(trend,))))


def test_a_run_took_what_it_was_worked_on_and_not_the_hour_between_two_turns() -> None:
    run = Run(id="run_1", goal="Which?", agent="ask", model="playbook/1", status="done", worked=7.0)
    done = run.model_copy(update={"ended_at": run.created_at + timedelta(hours=1)})
    assert "7.0 s" in part("components/runs.html", "row", done)
    assert "1 h 0 min" in part("components/runs.html", "row", done.model_copy(update={"worked": None}))


@pytest.mark.parametrize(
    ("outcome", "shown"), [("not_answered", "Not answered"), ("unconfirmed", "Not confirmed"), ("answered", "Done")]
)
def test_a_run_in_a_list_is_a_green_done_only_where_it_answered(outcome: RunOutcome, shown: str) -> None:
    run = Run(id="run_1", goal="Which?", agent="ask", model="playbook/1", status="done", outcome=outcome)
    row = part("components/runs.html", "row", run)
    assert f">{shown}</span>" in row
    assert ("s-done" in row) == (outcome == "answered")


def test_the_conversation_says_that_there_is_no_answer_and_counts_what_stands_in_the_page() -> None:
    run = Run(id="run_1", goal="Which?", agent="ask", model="playbook/1", status="done")
    answer = Answer(part="Which?", status="not_answered", why="No column is called so.")
    view = fold(
        [
            RunStarted(run_id="run_1", seq=1, run=run),
            ReportMade(run_id="run_1", seq=2, answer="", answers=(answer,)),
            RunEnded(run_id="run_1", seq=3, status="done", outcome="not_answered"),
        ]
    )
    (entry,) = [e for e in entries(view) if e.kind == "report"]
    told = part("components/talk.html", "entry", Face(view), entry)
    assert "<strong>Not answered.</strong>" in told
    assert "stands in the page" not in told
    assert "finding" not in told
    (ended,) = [e for e in entries(view) if e.kind == "end"]
    chip = part("components/talk.html", "entry", Face(view), ended)
    assert ">Not answered</span>" in chip
    assert "s-done" not in chip


def test_the_arguments_of_a_step_are_edited_as_what_they_are() -> None:
    given = '{"code": "x = 1\\ny = 2", "n": 3, "deep": {"a": [1]}}'
    assert words.fields(given) == [("code", "x = 1\ny = 2"), ("n", "3"), ("deep", '{"a": [1]}')]
    query = {"measures": [{"op": "mean", "of": "body_mass_g"}], "group_by": [{"of": "sex"}]}
    ((_, shown),) = words.fields(json.dumps({"query": query}))
    assert json.loads(shown) == query
    assert "\n" in shown, "what has to be decided on can be read"
    assert words.arguments(json.dumps({"query": query}), {"query": shown}) is None
    assert words.arguments(given, {"code": "x = 1\r\ny = 2", "n": "3"}) is None
    assert words.arguments(given, {"code": "x = 2", "n": "4"}) == '{"code": "x = 2", "n": 4, "deep": {"a": [1]}}'
    with pytest.raises(ValueError, match="n is 'many', which cannot be read as a number"):
        words.arguments(given, {"n": "many"})
