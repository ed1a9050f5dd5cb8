"""The dashboard in a real browser: what it shows, that it keeps up, and that every browser sees the same."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from artifacts.events import ModelReplied, ReportMade, Reviewed, RunBegan, RunQueued, TaskChanged, TurnStarted
from artifacts.store import Store
from artifacts.types import Effect, ExecutionError, PlanStep, Schedule, Task, now
from tests.free_port import free_port
from tests.panel_app.conftest import Dashboard, Watch
from tests.panel_app.story import QUESTION, StandIn, Story, penguins, png

NewWatch = Callable[..., Watch]


def content(page: Page) -> str:
    """What the page shows, less what moves by itself: clocks."""
    html = page.evaluate("document.querySelector('main').innerHTML")
    html = re.sub(r'(<div id="said"[^>]*>)[^<]*', r"\1", html)  # the newest line that was read aloud
    return re.sub(r">\s+<", "><", re.sub(r"\s+", " ", re.sub(r"<time.*?</time>", "<time>", html)))


def test_a_finished_run_shows_its_answer_findings_review_and_cells(watch: NewWatch, done: Story) -> None:
    tab = watch()
    page = tab.open(f"/runs/{done.id}")
    expect(page).to_have_title(re.compile(r"^Does bill length .* · Gristmill$"))
    expect(page.locator("#answer strong")).to_have_text("no")
    expect(page.locator("#answer .verdict")).to_have_text("Passed with remarks")
    expect(page.locator("#plan .title")).to_have_count(3)
    finding = page.locator("#F1")
    expect(finding).to_contain_text("yet within every species they rise")
    expect(finding.locator(".value.num")).to_have_text("−0.235")
    expect(finding).to_contain_text("95 % interval −0.333 to −0.132")
    expect(finding).to_contain_text("Species is the confounder")
    assert finding.locator("img").evaluate("i => i.decode().then(() => i.naturalWidth)") == 48
    expect(page.locator("#review")).to_contain_text("Two rows are unmeasured.")
    expect(page.locator("#nulls summary")).to_have_text("1 tested and not found")
    expect(page.locator(".cell")).to_have_count(2)
    expect(page.locator("#cell-01 td").nth(1)).to_have_text("Adelie")
    expect(page.locator("#cell-02 .source .c1")).to_have_text("# pooled, and within every species")
    expect(page.locator(".files .get")).to_have_count(3)
    page.get_by_role("tab", name="Files").click()
    expect(page.locator("a[href$='/export.zip']")).to_be_visible()
    page.get_by_role("tab", name="Files").press("ArrowLeft")
    # The playbook is named as what it is wherever it speaks: head, answer, plan, review and the agents' words.
    for place in ("#head", "#answer", "#plan", "#review"):
        expect(page.locator(f"{place} .chip", has_text="rule-based")).to_be_visible()
    finding.locator("a[href='#cell-02']").click()
    expect(page.locator("#cell-02:target")).to_be_in_viewport()
    assert tab.faults == []
    assert tab.outside() == []


def test_what_arrives_is_shown_at_once_and_a_reload_or_another_browser_shows_the_same(
    watch: NewWatch, store: Store
) -> None:
    story = Story(store)
    tab = watch()
    page = tab.open(f"/runs/{story.id}")
    page.evaluate("window.same_page = true")
    expect(page.locator("#answer")).to_contain_text("once it is computed")
    expect(page.locator("#now strong")).to_have_text("Starting the sandbox")
    story.sandbox()
    expect(page.locator("#now strong")).to_have_text("Bringing the files in")
    story.step("Look at the table", "system")
    story.plan(PlanStep(title="Check for traps", why="First of all.", template="hygiene"))
    story.step("Write and run cells", "coding", done=False)
    expect(page.locator("#plan .title")).to_have_text("Check for traps")
    expect(page.locator("#now")).to_contain_text("Write and run cells")
    story.type("I would first ")
    story.type("<b>look</b> at it.")
    expect(page.locator("#typed")).to_have_text("I would first <b>look</b> at it.")
    story.reply("I would first look at it.", "coding")
    expect(page.locator("#typed")).to_have_text("")
    cell = story.begin("for i in range(2):\n    print(i)", "Count")
    expect(page.locator("#cell-01 .status")).to_have_text("Running")
    story.output(cell, text="one ")
    expect(page.locator("#cell-01 .stdout")).to_have_text("one")
    story.output(cell, text="line\n")
    expect(page.locator("#cell-01 .stdout")).to_have_text("one line")
    expect(page.locator("#cell-01 .stream")).to_have_count(1)
    picture = story.plot(cell, png(), "fig_01.png")
    story.finding(
        "F1",
        "They rise together.",
        cell,
        effect=Effect(metric="pearson_r", value=0.5, ci=(0.4, 0.6)),
        artifact="fig_01.png",
    )
    expect(page.locator("#answer .so-far")).to_contain_text("They rise together.")
    story.end(cell, ExecutionError(name="ValueError", value="no <i>number</i>", traceback="\x1b[31mboom\x1b[0m"))
    expect(page.locator("#cell-01-error")).to_contain_text("ValueError: no <i>number</i>")
    story.add(Reviewed(run_id=story.id, round=1, verdict="pass", checks=9))
    story.add(ReportMade(run_id=story.id, answer="They **rise**.", order=("F1",)))
    story.finish()
    expect(page.locator("#head .status")).to_have_text("Done")
    expect(page.locator("#answer strong")).to_have_text("rise")
    expect(page.locator("#F1 img")).to_have_attribute("src", f"/api/artifacts/{picture.id}/content")
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    assert page.evaluate("window.same_page") is True
    lived = content(page)
    tab.open(f"/runs/{story.id}")
    assert content(page) == lived
    other = watch()
    assert content(other.open(f"/runs/{story.id}")) == lived
    assert tab.faults == other.faults == []


def test_a_question_with_files_becomes_a_run_and_its_page(
    watch: NewWatch, dashboard: Dashboard, tmp_path: Path
) -> None:
    workbench: StandIn = dashboard.workbench
    large = bytes(range(256)) * 3000
    first, second = tmp_path / "ümläute & <b>.csv", tmp_path / "second.parquet"
    first.write_bytes(b"a,b\n1,2\n")
    second.write_bytes(large)
    page = watch().open("/")
    expect(page.locator("#runs")).to_contain_text("No runs yet.")
    page.get_by_label("Question").fill("What is\nhere?")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_role("alert")).to_contain_text("No file was given.")
    page.get_by_role("button", name="Close").click()
    page.locator("#ask-input").set_input_files([first, second])
    expect(page.locator("#ask-files .name")).to_have_text([first.name, second.name])
    page.get_by_text("Model and columns", exact=True).click()
    page.get_by_label("Leave this empty for the default.").fill("ollama:qwen3")
    page.get_by_label("Target").fill(" b ")
    page.get_by_role("button", name="Ask").click()
    page.wait_for_url("**/runs/run_*")
    (request, files) = workbench.asked[0]
    assert request.question == "What is\nhere?"
    assert request.model == "ollama:qwen3"
    assert request.roles == {"target": "b"}
    assert files == {first.name: b"a,b\n1,2\n", second.name: large}
    expect(page.locator("h1")).to_have_text("What is\nhere?")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#head .status")).to_have_text("Cancelled")
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("alert")).to_contain_text("This stand-in cannot resume a run.")
    expect(page.get_by_role("button", name="Resume")).to_be_enabled()


def test_what_is_done_before_the_wire_is_up_is_not_lost(watch: NewWatch, dashboard: Dashboard, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_bytes(b"a\n1\n")
    page = watch().page
    held: list[Route] = []
    page.route("**/bokeh.min.js", lambda route: route.continue_() if held else held.append(route))
    page.goto(dashboard.url, wait_until="commit")
    page.get_by_label("Question").fill("Is this too early?")
    page.locator("#ask-input").set_input_files(table)
    page.get_by_role("button", name="Ask").click()
    assert page.locator("html").get_attribute("data-wire") is None
    while not held:
        page.wait_for_timeout(20)
    held[0].continue_()
    page.wait_for_url("**/runs/run_*")
    (request, files) = dashboard.workbench.asked[0]
    assert (request.question, files) == ("Is this too early?", {"table.csv": b"a\n1\n"})


def test_the_list_of_runs_keeps_up_and_can_be_searched(watch: NewWatch, store: Store, done: Story) -> None:
    page = watch().open("/")
    expect(page.locator(".run-row")).to_have_count(1)
    story = Story(store, "Which customers churn?", model="openai:some-model")
    expect(page.locator(".run-row .goal").first).to_have_text("Which customers churn?")
    expect(page.locator(".run-row").first).to_contain_text("openai:some-model")
    expect(page.locator(".run-row").last).to_contain_text("rule-based")
    story.finish("failed", "The key was refused.")
    expect(page.locator(".run-row .status").first).to_have_text("Failed")
    page.get_by_placeholder("Search questions").fill("species")
    expect(page.locator(".run-row .goal")).to_have_text([QUESTION])
    page.get_by_label("Status", exact=True).select_option("failed")
    expect(page.locator("#runs")).to_contain_text("No run matches.")


def test_a_run_that_waits_shows_its_place_until_its_turn_comes(watch: NewWatch, store: Store) -> None:
    story = Story(store, "Whose turn is it?")
    queued = RunQueued(run_id=story.id, place=2, since=now())
    story.add(queued)
    home, page = watch().open("/"), watch().open(f"/runs/{story.id}")
    expect(home.locator(".run-row .status")).to_have_text("Queued 2")
    expect(page.locator("#head .status")).to_have_text("Queued 2")
    expect(page.locator("#now")).to_contain_text("place 2 in line")
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    story.add(queued.model_copy(update={"place": 1}))
    expect(home.locator(".run-row .status")).to_have_text("Queued 1")
    expect(page.locator("#now")).to_contain_text("next in line")
    story.add(RunBegan(run_id=story.id))
    expect(home.locator(".run-row .status")).to_have_text("Running")
    expect(page.locator("#head .status")).to_have_text("Running")
    expect(page.locator("#now")).to_contain_text("Starting the sandbox")


def test_a_failed_run_says_why_and_an_unknown_one_what_is_near(watch: NewWatch, store: Store) -> None:
    story = Story(store)
    story.finish("failed", "The key in OPENAI_API_KEY was refused. Check it.")
    page = watch().open(f"/runs/{story.id}")
    expect(page.get_by_role("alert")).to_contain_text("The key in OPENAI_API_KEY was refused. Check it.")
    page = watch().open("/runs/run_nothing")
    expect(page.locator("main")).to_contain_text(story.id)


def test_artifacts_are_found_shown_and_traced_to_their_code(watch: NewWatch, store: Store, done: Story) -> None:
    tab = watch()
    page = tab.open("/artifacts")
    expect(page.locator(".tile")).to_have_count(5)
    page.get_by_label("Kind").select_option("plot")
    expect(page.locator(".tile .name")).to_have_text(["fig_01.png"])
    expect(page.locator(".tile .of")).to_have_text([done.run.goal])
    page.locator(".tile").click()
    page.wait_for_url("**/artifacts/art_*")
    assert page.locator(".preview img").evaluate("i => i.decode().then(() => i.naturalWidth)") == 48
    expect(page.locator(".run-cells")).to_contain_text("df['bill_length_mm'].corr")
    expect(page.locator(".run-rail")).to_contain_text("penguins.csv")
    page.get_by_role("link", name="cell-02").click()
    page.wait_for_url(f"**/runs/{done.id}#cell-02")
    table = next(a for a in store.artifacts(role="input"))
    tab.open(f"/artifacts/{table.id}")
    expect(page.locator(".preview td").first).to_have_text("Adelie")
    assert tab.faults == []


def test_what_is_damaged_is_not_shown_and_its_page_says_what_brings_it_back(
    watch: NewWatch, store: Store, done: Story
) -> None:
    tab = watch()
    made = {a.name: a for a in store.artifacts(run_id=done.id)}
    large = done.put(b"x,y\n" + b"1,2\n" * 2_500_000, "large.csv", "text/csv", "table")
    page = tab.open(f"/artifacts/{large.id}")
    expect(page.locator(".preview td").first).to_have_text("1")
    for artifact in (made["fig_01.png"], made["penguins.csv"], large):
        path = store.path(artifact)
        path.write_bytes(path.read_bytes()[:-1] + b"?")
        tab.open(f"/artifacts/{artifact.id}")
        alert = page.locator(".preview").get_by_role("alert")
        expect(alert).to_contain_text(f"The bytes of {artifact.name} ({artifact.id}) are not those that were stored.")
        expect(alert).not_to_contain_text("gristmill ")
        assert page.locator(".preview td, .preview img").count() == 0
        alert.get_by_role("link").click()
        page.wait_for_url(f"**/runs/{done.id}")
    path.unlink()
    tab.open(f"/artifacts/{large.id}")
    expect(page.locator(".preview").get_by_role("alert")).to_contain_text("are missing")
    assert tab.faults == []


def test_schedules_are_listed_with_what_came_of_them(watch: NewWatch, store: Store, done: Story) -> None:
    page = watch().open("/schedules")
    expect(page.locator("main")).to_contain_text("Nothing is scheduled.")
    schedule = Schedule(cron="0 7 * * 1-5", timezone="Europe/Berlin", kind="question", goal="What is new?")
    store.schedules.add(schedule)
    store.schedules.claim(schedule.id, datetime(2026, 1, 5, 6, tzinfo=UTC))
    (fire,) = store.schedules.fires(schedule.id)
    lost = store.schedules.attempt(fire, 1)
    assert lost is not None
    store.schedules.attempt_failed(lost, "There is no file sales.csv.")
    expect(page.locator(".schedule")).to_contain_text(
        "every weekday at 07:00 in Europe/Berlin"
    )  # the open page keeps up
    expect(page.locator(".schedule .status")).to_have_text("To be retried")
    expect(page.locator(".fire")).to_contain_text("There is no file sales.csv.")
    store.schedules.end(fire, "failed", "There is no file sales.csv.", notify=["team"])
    expect(page.locator(".schedule .status")).to_have_text("Failed")
    expect(page.locator(".fire")).to_contain_text("team is being notified")
    coming = page.locator(".schedule dt:text-is('Next') + dd")
    expect(coming).to_have_text(re.compile(r"^(Mon|Tue|Wed|Thu|Fri) .*, 07:00$"))


def test_a_schedule_is_paused_resumed_and_run_from_its_page(
    watch: NewWatch, store: Store, dashboard: Dashboard, tmp_path: Path
) -> None:
    (tmp_path / "table.csv").write_text("a\n1\n")
    schedule = Schedule(
        cron="0 7 * * *", kind="question", goal="What is new?", files=(str(tmp_path / "table.csv"),), retries=2
    )
    store.schedules.add(schedule)
    page = watch().open("/schedules")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".schedule .chip").last).to_have_text("paused")
    assert store.schedules.get(schedule.id).paused
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".schedule dt:text-is('Next') + dd")).to_contain_text("07:00")
    assert store.schedules.get(schedule.id).active_from is not None
    page.get_by_role("button", name="Run now").click()
    page.wait_for_url("**/runs/run_*")
    assert dashboard.workbench.asked[0][0].question == "What is new?"


def test_colours_follow_the_system_until_somebody_chooses(watch: NewWatch, done: Story) -> None:
    def ground(page: Page) -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    tab = watch(color_scheme="dark")
    page = tab.open("/")
    dark = ground(page)
    page.emulate_media(color_scheme="light")
    light = ground(page)
    assert light != dark
    button = page.locator("#theme")
    button.click()
    assert ground(page) == light
    button.click()
    assert ground(page) == dark
    tab.open(f"/runs/{done.id}")
    assert ground(page) == dark
    button.click()
    assert ground(page) == light
    assert page.evaluate("localStorage.getItem('gristmill-theme')") is None


def test_a_narrow_page_fits_its_window(watch: NewWatch, done: Story, store: Store) -> None:
    penguins(store, goal="A very_long_name_without_any_place_to_break_it_" * 5)
    tab = watch(viewport={"width": 380, "height": 800})
    plot = store.artifacts(role="plot")[0]
    for path in ("/", f"/runs/{store.runs()[0].id}", "/artifacts", f"/artifacts/{plot.id}", "/schedules"):
        page = tab.open(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 380, path


def test_a_machine_without_isolation_says_so_on_every_page(watch: NewWatch, dashboard: Dashboard) -> None:
    dashboard.workbench.isolation = "none"
    tab = watch()
    for path in ("/", "/artifacts", "/schedules"):
        expect(tab.open(path).get_by_role("note")).to_contain_text("without isolation")


async def _until_idle(home: Path) -> list[str]:
    """Waits until no task of a page is left on this loop and no upload in its folder; returns what is in the end."""
    for _ in range(600):
        names = [getattr(t.get_coro(), "__qualname__", "") for t in asyncio.all_tasks()]
        mine = [n for n in names if n == "_guard" or n.startswith("batches")]
        mine += [name for name in os.listdir(home) if name.startswith("upload-")]
        if not mine:
            return []
        await asyncio.sleep(0.05)
    return mine


def test_a_page_that_lost_its_server_comes_back_by_itself(watch: NewWatch, store: Store) -> None:
    story = Story(store)
    first = Dashboard(StandIn(store), port=free_port())
    tab = watch()
    tab.url = first.url
    page = tab.open(f"/runs/{story.id}")
    first.stop()
    expect(page.locator("#offline")).to_be_visible()
    story.cell("1", "Run while nobody looked")
    second = Dashboard(StandIn(store), port=int(first.url.rpartition(":")[2]))
    expect(page.locator(".cell")).to_contain_text("Run while nobody looked")
    expect(page.locator("#offline")).to_be_hidden()
    second.stop()


def test_closing_the_tab_ends_its_tasks_and_takes_its_uploads_away(
    watch: NewWatch, dashboard: Dashboard, store: Store, tmp_path: Path
) -> None:
    story = Story(store)
    table = tmp_path / "table.csv"
    table.write_bytes(b"a\n1\n")
    tab = watch()
    tab.open("/")
    tab.page.locator("#ask-input").set_input_files(table)
    tab.page.get_by_label("Question").fill("What is here?")
    tab.page.get_by_role("button", name="Ask").click()
    tab.page.wait_for_url("**/runs/run_*")
    tab.open(f"/runs/{story.id}")
    story.cell("1", "One")
    expect(tab.page.locator(".cell")).to_have_count(1)
    tab.page.context.close()
    assert dashboard.loop is not None
    assert asyncio.run_coroutine_threadsafe(_until_idle(store.home), dashboard.loop).result(300) == []


def test_a_notebooks_run_works_once_its_first_cell_has_begun(watch: NewWatch, store: Store) -> None:
    story = Story(store, agent="notebook")
    page = watch().open(f"/runs/{story.id}")
    story.sandbox()
    expect(page.locator("#now strong")).to_have_text("Bringing the files in")
    story.begin("1 + 1")
    expect(page.locator("#now strong")).to_have_text("Working")


def test_a_run_shows_its_project_its_tasks_and_what_each_turn_used(watch: NewWatch, store: Store) -> None:
    story = Story(store, model="openai:some-model", params={"project": "penguins"})
    page = watch().open(f"/runs/{story.id}")
    expect(page.locator("#head .chip[title=Project]")).to_have_text("penguins")
    page.get_by_role("tab", name="Work").click()
    expect(page.locator("#used")).to_have_text("")
    task = Task(id="task_1", title="Count the <b>rows</b>", agent="counter", status="running", progress=0.5)
    story.add(TaskChanged(run_id=story.id, task=task))
    expect(page.locator("#task_1")).to_contain_text("Count the <b>rows</b>")
    expect(page.locator("#task_1 progress")).to_have_attribute("value", "0.5")
    story.add(TaskChanged(run_id=story.id, task=task.model_copy(update={"status": "done", "progress": 1.0})))
    expect(page.locator("#task_1 .status")).to_have_text("Done")
    expect(page.locator("#task_1 progress")).to_have_count(0)
    reply = ModelReplied(run_id=story.id, agent="analysis", model="openai:some-model", tokens_in=1500, tokens_out=500)
    story.add(reply.model_copy(update={"cost": 0.25}))
    expect(page.locator("#used summary")).to_contain_text("2,000 tokens, $0.2500")
    story.finish()
    story.add(TurnStarted(run_id=story.id, turn_id="turn_2", message="And the median?"))
    story.add(reply)
    expect(page.locator("#used summary")).to_contain_text("4,000 tokens, at least $0.2500")
    expect(page.locator("#used li").nth(1)).to_contain_text("And the median?2,000 tokens, price not known")
