"""People work on a run together in their browsers: they talk, answer, edit cells and take back, and lose nothing."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from artifacts.events import AnswerMade, ApprovalAsked, Asked, ReportMade, RunResumed, TurnEnded
from artifacts.store import Store
from artifacts.types import Answer, AnswerValue, Approval, Evidence, Question, Run
from graphs.models.base import Model
from graphs.workbench import Workbench
from tests.panel_app.conftest import Dashboard, Watch, until
from tests.panel_app.story import Story, png

NewWatch = Callable[..., Watch]


class Bench(Workbench):
    """The real workbench, but that nobody works on what is asked or answered: the test says what comes of it."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        assert inspect.signature(self._in_flight.launch) == inspect.signature(leave)
        self._in_flight.launch = leave  # type: ignore[method-assign]

    async def resume(self, run_ref: str, **_: Any) -> Run:
        await self.store.append(RunResumed(run_id=run_ref))
        return self.store.run(run_ref)


async def leave(run: Run, model: Model | None) -> Run:
    """What launches a run, but that nobody does."""
    return run


@pytest.fixture(scope="module")
def store(with_gateway: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store.open(with_gateway(tmp_path_factory.mktemp("work") / "home")) as opened:
        yield opened


@pytest.fixture(scope="module")
def dashboard(store: Store) -> Iterator[Dashboard]:
    bench = Bench(store)
    served = Dashboard(bench)
    yield served
    assert served.loop is not None
    asyncio.run_coroutine_threadsafe(bench.close(), served.loop).result(300)
    served.stop()


def notebook(store: Store) -> Story:
    """A run at rest whose last two cells depend on its first, with a report that cites what they print."""
    story = Story(store, "What is y?", agent="ask")
    story.sandbox()
    story.cell("x = 2", "Set x")
    story.cell("y = x * 10\nprint(y)", "Compute y", "20\n")
    story.cell("print('unrelated')", "Say something else", "unrelated\n")
    answer = Answer(
        part="What is y?",
        status="answered",
        text="y is 20.",
        values=(AnswerValue(name="y", value=20),),
        evidence=(Evidence(cell="cell-02"),),
    )
    story.add(ReportMade(run_id=story.id, answer="y is 20.", answers=(answer,)))
    story.finish()
    return story


def code(page: Page, cell: str) -> Any:
    return page.get_by_role("textbox", name=f"Code of {cell}", exact=True)


def test_a_question_and_a_step_wait_in_every_browser_and_are_answered_once(watch: NewWatch, store: Store) -> None:
    story = Story(store, "Which column is the outcome?")
    one, other = watch(), watch()
    page, second = one.open(f"/runs/{story.id}"), other.open(f"/runs/{story.id}")
    question = Question(
        id="ask_1", turn_id="turn-01", text="Which <i>year</i>?", choices=("2007", "2008"), default="2007"
    )
    story.add(Asked(run_id=story.id, question=question))
    story.finish("waiting")
    expect(page.locator("#now")).to_contain_text("A question waits for you")
    page.get_by_role("link", name="Answer").click()
    expect(page.locator("#ask_1 button").first).to_be_visible()
    expect(second.locator("#ask_1 .words")).to_have_text("Which <i>year</i>?")
    second.get_by_placeholder("Or say it in your own words").fill("all of them")
    page.get_by_role("button", name="2008").click()
    expect(second.locator("#ask_1 .given")).to_have_text("Answered 2008")
    (answered,) = store.view(story.id).questions
    assert answered.answer == "2008"
    expect(second.locator("#now")).to_contain_text("Starting the sandbox")  # it goes on, before it waits again

    arguments = '{"code": "drop(2008)", "rows": 10}'
    story.add(
        ApprovalAsked(run_id=story.id, approval=Approval(id="ok_1", turn_id="turn-01", tool="run", arguments=arguments))
    )
    story.finish("waiting")
    page.get_by_role("textbox", name="code").fill("keep(2008)")
    page.get_by_role("button", name="Accept").click()
    expect(second.locator("#ok_1 .given")).to_contain_text("Accepted with other arguments")
    assert store.view(story.id).approvals[0].edited == '{"code": "keep(2008)", "rows": 10}'
    expect(second.locator("#now")).to_contain_text("Starting the sandbox")
    story.add(
        ApprovalAsked(run_id=story.id, approval=Approval(id="ok_2", turn_id="turn-01", tool="run", arguments="{}"))
    )
    story.finish("waiting")
    second.get_by_placeholder("Why not").fill("too dear")
    second.get_by_role("button", name="Reject").click()
    expect(page.locator("#ok_2 .given")).to_have_text("Rejected too dear")
    assert one.faults == other.faults == []


def test_two_browsers_see_one_conversation_and_what_is_not_sent_survives_a_reload(
    watch: NewWatch, store: Store
) -> None:
    story = notebook(store)
    tab, other = watch(), watch()
    page, second = tab.open(f"/runs/{story.id}"), other.open(f"/runs/{story.id}")
    text = page.get_by_label("Say something to this run")
    text.fill("and the other")
    text.press("Shift+Enter")
    text.press_sequentially("way round?")
    tab.open(f"/runs/{story.id}")
    expect(text).to_have_value("and the other\nway round?")
    text.press("Enter")
    expect(text).to_have_value("")
    for shown in (page, second):
        expect(shown.locator("#turn-02-said .words")).to_have_text("and the other\nway round?")
    story.type("I look ")
    expect(second.locator("#typed")).to_have_text("I look")
    story.reply("I looked.", "lead", rule_based=False)
    story.add(TurnEnded(run_id=story.id, turn_id="turn-02"))
    story.finish()
    for shown in (page, second):
        expect(shown.locator("#talk .prose")).to_have_text("I looked.")
        expect(shown.locator("#turn-02-end .status")).to_have_text("Done")
    assert page.locator("#talk").inner_text() == second.locator("#talk").inner_text()
    assert tab.faults == other.faults == []


@pytest.mark.timeout(300)
def test_what_begins_with_a_slash_is_a_command_as_at_the_terminal(watch: NewWatch, store: Store) -> None:
    story = notebook(store)
    tab = watch()
    page = tab.open(f"/runs/{story.id}")
    text, told = page.get_by_label("Say something to this run"), page.locator("#told")
    rests = page.locator("#head .status")

    def typed(line: str) -> None:
        text.fill(line)
        text.press("Enter")

    for line, says in (
        ("/help", "/sh COMMAND   run a shell command"),
        ("/agents", "python-developer"),
        ("/budget", "No model was asked, so nothing was spent. It may use as much as it takes."),
        ("/files", "Nothing has been made yet."),
        ("/budget tokens=9000/turn", "That holds from the next turn on."),
    ):
        typed(line)
        expect(told).to_contain_text(says)
        expect(text).to_have_value("")
    for line, wrong in (("/nonsense", "There is no command /nonsense"), ("/budget much", "'much' is no budget")):
        typed(line)
        expect(page.locator("#say-trouble")).to_contain_text(wrong)
        expect(text).to_have_value(line)
    typed("/run print(6 * 7)")
    expect(page.locator("#cell-04-out")).to_have_text("42")
    expect(told).to_be_empty()
    expect(rests).to_have_text("Done")  # what is under way cannot be taken back, and a cell prints before its end
    typed("/undo")
    expect(page.locator("#cell-04")).to_have_count(0)
    typed("/redo")
    expect(page.locator("#cell-04-out")).to_have_text("42")
    typed("/undo")
    expect(page.locator("#cell-04")).to_have_count(0)
    typed("/run print('begun', flush=True); import time; time.sleep(600)")
    expect(page.locator("#cell-05-out")).to_contain_text("begun")
    typed("/stop")
    expect(page.locator("#cell-05-state .status")).to_have_text("Interrupted")
    expect(rests).to_have_text("Done")
    typed("/undo")
    expect(page.locator("#cell-05")).to_have_count(0)
    typed("and z?")
    expect(page.locator("#turn-02-said .words")).to_have_text("and z?")
    assert store.run(story.id).params["budget"] == {"turn": {"tokens": 9000}}
    assert tab.faults == []


@pytest.mark.timeout(300)
def test_an_edit_runs_what_depends_on_it_says_what_changed_and_is_taken_back(watch: NewWatch, store: Store) -> None:
    story = notebook(store)
    tab, other = watch(), watch()
    page, second = tab.open(f"/runs/{story.id}"), other.open(f"/runs/{story.id}")
    page.get_by_role("button", name="Edit cell-01").click()
    code(page, "cell-01").fill("x = 3")
    code(page, "cell-01").press("Control+Enter")
    for shown in (page, second):
        expect(shown.locator("#cell-02-out")).to_have_text("30")
        expect(shown.locator("#cell-01-source")).to_contain_text("x = 3")
        changed = shown.locator("#turn-01-changed")
        expect(changed).to_contain_text("The report no longer holds where it says:y is 20.")
        expect(changed.locator(".was")).to_contain_text("20")
        expect(changed.locator(".is")).to_contain_text("30")
    expect(code(page, "cell-01")).to_have_count(0)
    assert [x.cell for x in store.view(story.id).executions] == ["cell-01", "cell-02", "cell-03"]

    # saved without running, what depends on it is stale; then all that is stale runs
    page.get_by_role("button", name="Edit cell-01").click()
    code(page, "cell-01").fill("x = 4")
    page.get_by_role("button", name="Save, not run").click()
    expect(second.locator("#cell-02-state .status")).to_have_text("Stale")
    expect(second.locator("#cell-03-state .status")).to_have_text("Done")
    second.get_by_role("button", name="Run stale").click()
    expect(page.locator("#cell-02-out")).to_have_text("40")
    page.get_by_role("button", name="Undo the last edit").click()
    expect(page.locator("#cell-01-source")).to_contain_text("x = 3")
    expect(page.locator("#cell-02-out")).to_have_text("30")
    second.get_by_role("button", name="Redo the last edit").click()
    expect(page.locator("#cell-02-out")).to_have_text("40")
    expect(page.get_by_role("button", name="Redo")).to_have_count(0)
    page.get_by_role("button", name="Undo the last edit").click()
    expect(page.locator("#cell-02-out")).to_have_text("30")

    # a cell is added below, moved up, shown with its versions, and deleted
    page.get_by_role("button", name="More for cell-02").click()
    page.get_by_role("button", name="Add a cell below").click()
    page.get_by_role("textbox", name="Code of a new cell").fill("print(y + 1)")
    page.get_by_role("textbox", name="Code of a new cell").press("Shift+Enter")
    expect(second.locator("#cell-04-out")).to_have_text("31")
    for shown in (page, second):
        for place, id in enumerate(("cell-01", "cell-02", "cell-04", "cell-03")):
            expect(shown.locator("#cells > .cell").nth(place)).to_have_id(id)
    second.get_by_role("button", name="More for cell-04").click()
    second.get_by_role("button", name="Move down").click()
    expect(page.locator("#cells > .cell").last).to_have_id("cell-04")
    page.get_by_role("button", name="More for cell-01").click()
    page.get_by_role("button", name="Versions").click()
    expect(page.locator("#cell-01-past li")).to_have_count(2)
    page.get_by_role("button", name="More for cell-04").click()
    page.get_by_role("button", name="Delete").click()
    expect(second.locator("#cell-04")).to_have_count(0)
    assert tab.faults == other.faults == []


@pytest.mark.timeout(300)
def test_what_an_edit_broke_stands_before_what_is_asked_then(watch: NewWatch, store: Store) -> None:
    story = notebook(store)
    tab = watch()
    page = tab.open(f"/runs/{story.id}")
    page.get_by_role("button", name="Edit cell-02").click()
    code(page, "cell-02").fill("1 / 0")
    code(page, "cell-02").press("Control+Enter")
    fault = page.locator("#turn-01-changed .faults ins")
    expect(fault).to_contain_text("ZeroDivisionError")
    of_errors = page.locator("#cell-02-error strong").evaluate("e => getComputedStyle(e).color")
    assert fault.evaluate("e => getComputedStyle(e).color") == of_errors
    text = page.get_by_label("Say something to this run")
    text.fill("and z?")
    text.press("Enter")
    expect(page.locator("#turn-02-said")).to_be_visible()
    text.fill("and w?")
    text.press("Enter")
    expect(page.locator("#talk > .coming")).to_contain_text("asked when this turn is over")
    expect(page.locator("#composer")).to_have_text("Asked when this turn is over.")
    for _ in range(2):
        expect(page.locator("#turn-01-changed + #turn-02-said")).to_be_visible()
        expect(fault).to_contain_text("ZeroDivisionError")
        tab.open(f"/runs/{story.id}")
    assert tab.faults == []


def test_an_edit_of_an_old_version_is_refused_with_both_and_a_draft_survives_a_reload(
    watch: NewWatch, store: Store
) -> None:
    story = notebook(store)
    tab, other = watch(), watch()
    page, second = tab.open(f"/runs/{story.id}"), other.open(f"/runs/{story.id}")
    page.get_by_role("button", name="Edit cell-03").click()
    code(page, "cell-03").fill("print('mine')")
    tab.open(f"/runs/{story.id}")
    expect(code(page, "cell-03")).to_have_value("print('mine')")
    second.get_by_role("button", name="Edit cell-03").click()
    code(second, "cell-03").fill("print('theirs')")
    second.get_by_role("button", name="Save, not run").click()
    trouble = page.locator("#cell-03 .trouble")
    expect(trouble).to_contain_text("Somebody else edited this cell meanwhile")
    expect(trouble.locator("pre")).to_have_text("print('theirs')")
    page.get_by_role("button", name="Save, not run").click()
    expect(trouble.locator("pre")).to_have_text("print('theirs')")
    assert store.view(story.id).cells[2].source == "print('theirs')", "it was refused"
    expect(code(page, "cell-03")).to_have_value("print('mine')")
    tab.open(f"/runs/{story.id}")
    expect(trouble.locator("pre")).to_have_text("print('theirs')")
    page.get_by_role("button", name="Keep mine").click()
    page.get_by_role("button", name="Save, not run").click()
    expect(second.locator("#cell-03-source")).to_contain_text("print('mine')")
    assert [v.source for v in store.view(story.id).cells[2].versions][1:] == ["print('theirs')", "print('mine')"]
    until(page, "Object.keys(localStorage).every(k => !k.includes('draft'))")  # once the server has answered


def test_the_editor_indents_and_lets_go_by_keys_alone(watch: NewWatch, store: Store) -> None:
    page = watch().open(f"/runs/{notebook(store).id}")
    page.get_by_role("button", name="Edit cell-03").press("Enter")
    text = code(page, "cell-03")
    expect(text).to_be_focused()
    text.press("Control+A")
    text.press_sequentially("if x:")
    text.press("Enter")
    text.press_sequentially("a = 'b' # c")
    text.press("Shift+Tab")
    text.press("Tab")
    expect(text).to_have_value("if x:\na = 'b' # c ")
    expect(page.locator("#cell-03 .pad .k")).to_have_text("if")
    text.press("Control+z")
    text.press("Escape")
    expect(page.locator("#cell-03 .editor-bar").get_by_role("button", name="Run", exact=True)).to_be_focused()
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(text).to_have_count(0)
    expect(page.get_by_role("button", name="Edit cell-03")).to_be_focused()


SHIFTS = """new PerformanceObserver(list => {
  for (const e of list.getEntries()) if (!e.hadRecentInput) {
    window.shifted = (window.shifted || 0) + e.value
  }
}).observe({ type: "layout-shift", buffered: true })"""


@pytest.mark.parametrize("scrolled", [False, True])
def test_a_reader_of_a_run_under_way_is_left_in_place(watch: NewWatch, store: Store, scrolled: bool) -> None:
    story = Story(store)
    story.sandbox()
    lines = "".join(f"line {i} of what it printed\n" for i in range(12))
    for i in range(6):
        story.cell(f"step({i})", f"Step {i}", lines)
    page = watch(viewport={"width": 1280, "height": 800}).open(f"/runs/{story.id}")
    page.evaluate(SHIFTS)
    where = "document.querySelector('#cell-04').getBoundingClientRect().top"
    if scrolled:
        page.evaluate("document.querySelector('#cell-04').scrollIntoView()")
    before = page.evaluate(where)
    for i in range(6, 14):
        cell = story.begin(f"step({i})", f"Step {i}")
        story.output(cell, text=lines)
        story.plot(cell, png(480, 320), f"fig_{i:02d}.png")
        story.finding(f"F{i}", f"Finding {i} is told at some length, so that it takes a line or two of the page.", cell)
        story.end(cell)
        story.step(f"Step {i} of the agents' work", "coding")
        story.reply(f"I have done step {i}.")
        expect(page.locator(f"#cell-{i + 1:02d}-state .status")).to_have_text("Done")
    story.add(ReportMade(run_id=story.id, answer="**Yes.** " * 30, order=tuple(f"F{i}" for i in range(6, 14))))
    story.finish()
    expect(page.locator("#head .status")).to_have_text("Done")
    until(page, "[...document.images].every(i => i.loading === 'lazy' || i.complete)")
    shifted = page.evaluate(
        "new Promise(done => requestAnimationFrame(() => setTimeout(() => done(window.shifted || 0), 50)))"
    )
    assert shifted < 0.1
    if scrolled:
        assert abs(page.evaluate(where) - before) < 2, "what was being read stands where it stood"


def test_at_the_end_the_page_follows_and_the_conversation_too(watch: NewWatch, store: Store) -> None:
    story = Story(store)
    for i in range(8):
        story.cell(f"step({i})", f"Step {i}", "line\n" * 20)
    page = watch(viewport={"width": 1280, "height": 700}).open(f"/runs/{story.id}")
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    for i in range(12):
        story.reply(f"I say something of step {i}, and it takes a few words.")
    story.cell("more()", "More", "line\n" * 20)
    expect(page.locator("#cell-09")).to_be_in_viewport()
    gap = "(e => e.scrollHeight - e.scrollTop - e.clientHeight)"
    until(page, f"{gap}(document.scrollingElement) < 40")


def test_the_conversation_stays_at_the_newest_unless_one_scrolls_up(watch: NewWatch, store: Store) -> None:
    story = Story(store)
    page = watch(viewport={"width": 1280, "height": 700}).open(f"/runs/{story.id}")
    assert page.evaluate("document.querySelector('#scroller').scrollTop") == 0, "all of it can be seen"
    for i in range(20):
        story.reply(f"This is remark {i}, and it takes a few words.")
    newest = page.locator("#talk > li").last
    expect(newest).to_contain_text("remark 19")
    expect(newest).to_be_in_viewport()
    page.get_by_role("tab", name="Files").click()
    story.reply("This is remark 20, which nobody sees yet.")
    expect(newest).to_contain_text("remark 20")
    page.get_by_role("tab", name="Conversation").click()
    expect(newest).to_be_in_viewport()
    first = page.locator("#talk > li").first
    first.scroll_into_view_if_needed()
    page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")  # of which the page has heard
    story.reply("This is remark 21, for later.")
    expect(newest).to_contain_text("remark 21")
    expect(first).to_be_in_viewport()
    expect(newest).not_to_be_in_viewport()


def test_what_a_screen_reader_hears_of_a_run(watch: NewWatch, store: Store) -> None:
    story = Story(store)
    page = watch().open(f"/runs/{story.id}")
    story.step("Write and run the cells", "coding", done=False)
    expect(page.get_by_role("status").filter(has_text="Write and run the cells")).to_be_attached()
    story.finish("failed", "It broke. `gristmill runs resume x` goes on.")
    expect(page.get_by_role("alert").filter(has_text="It broke.")).not_to_contain_text("gristmill")
    expect(page.get_by_role("status").filter(has_text="The run failed.")).to_be_attached()


def test_resume_is_offered_where_it_can_help(watch: NewWatch, store: Store, tmp_path: Path) -> None:
    story = Story(store, params={"budget": {"cells": 1}})
    story.cell("1")
    story.finish("interrupted", "The budget of 1 cells is spent. `gristmill runs resume x --budget cells=2` goes on.")
    page = watch().open(f"/runs/{story.id}")
    expect(page.get_by_role("button", name="Resume", exact=True)).to_have_count(0)
    expect(page.get_by_role("button", name="Go on with twice the budget")).to_be_visible()
    again = Story(store, agent="reproduce", parent_id=story.id)
    again.finish("failed", "The gateway was lost.")
    page = watch().open(f"/runs/{again.id}")
    expect(page.locator("#alert")).to_contain_text("The gateway was lost.")
    expect(page.get_by_role("button", name="Resume", exact=True)).to_have_count(0)


def test_what_is_chosen_is_seen_in_forced_colours_and_nothing_moves_where_that_is_not_wanted(
    store: Store, watch: NewWatch
) -> None:
    story = notebook(store)
    page = watch(forced_colors="active", reduced_motion="reduce").open(f"/runs/{story.id}")

    def edge(name: str) -> str:
        return str(page.get_by_role("tab", name=name).evaluate("e => getComputedStyle(e).borderBottomColor"))

    assert edge("Conversation") != edge("Work") == edge("Files")
    page.get_by_role("tab", name="Work").click()
    assert edge("Work") != edge("Conversation") == edge("Files")
    moving = "[...document.querySelectorAll('*')].filter(e => getComputedStyle(e).animationName != 'none').length"
    assert page.evaluate(moving) == 0


def test_a_click_asks_what_is_offered_and_leaves_the_draft(watch: NewWatch, store: Store) -> None:
    story = notebook(store)
    refused = Answer(
        part="How glad?", status="not_answered", why="It is not clear.", offers=("What is the average y?",)
    )
    story.add(AnswerMade(run_id=story.id, step_id="s", answer=refused))
    tab = watch()
    page = tab.open(f"/runs/{story.id}")
    page.get_by_label("Say something to this run").fill("half a thought")
    page.get_by_role("button", name="What is the average y?").first.click()
    expect(page.locator("#talk .said-by .words").last).to_have_text("What is the average y?")
    expect(page.get_by_label("Say something to this run")).to_have_value("half a thought")
    assert tab.faults == []
