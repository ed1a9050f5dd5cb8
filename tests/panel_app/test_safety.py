"""Whatever a cell, a model, a file name or a question holds: nothing of it runs, and nothing leaves the machine."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from artifacts.events import Noted, ReportMade, Reviewed
from artifacts.store import Store
from artifacts.types import ExecutionError, Objection, PlanStep
from tests.panel_app.conftest import Watch
from tests.panel_app.story import Story

EVIL = "http://evil.invalid"
ATTACKS = (
    "<script>window.__pwned=1</script>",
    "<img src=x onerror='window.__pwned=2'>",
    f"<img src='{EVIL}/pixel.png'>",
    "<svg onload='window.__pwned=3'></svg>",
    f"</pre></script><iframe src='{EVIL}'></iframe>",
    f"<a href='javascript:window.__pwned=4'>x</a><style>@import '{EVIL}/x.css';body{{display:none}}</style>",
    f"<link rel=preconnect href='{EVIL}'><meta http-equiv=refresh content='0;url={EVIL}'><base href='{EVIL}'>",
    f"![pixel]({EVIL}/md.png) [x](javascript:window.__pwned=5)",
    "{{ 7*7 }}${window.__pwned=6}\u2028<!--<script>",
    f"<form action='{EVIL}' onsubmit='window.__pwned=7'><input autofocus onfocus='window.__pwned=8'></form>",
)
ALL = "\n".join(ATTACKS)
SVG = (
    f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" onload="window.__pwned=9"><script>window.__pwned=10'
    f'</script><image href="{EVIL}/svg.png" width="9" height="9"/><foreignObject><body xmlns="http://www.w3.org/1999/xhtml">'
    f"<script>window.__pwned=11</script></body></foreignObject></svg>"
)


def attack(story: Story) -> None:
    """Attacks from every place that a sandbox or a model can write to."""
    story.put(f"{ALL}\n1,2\n".encode(), f"{ATTACKS[0]}{ATTACKS[1]}.csv", "text/csv", "input")
    story.sandbox()
    story.step(ALL, "coding", done=False)
    story.plan(PlanStep(title=ALL, why=ALL, template=ATTACKS[1]))
    story.reply(ALL, rule_based=False)
    cell = story.begin(ALL, ALL)
    story.output(cell, text=ALL)
    story.output(cell, "stderr", ALL)
    for mime in ("text/html", "text/markdown", "text/plain", "application/json", "image/svg+xml", "text/latex"):
        data = SVG if mime == "image/svg+xml" else ALL
        story.output(cell, "display", "", data={mime: data})
    table = "".join(f"<tr><td>{a}</td></tr>" for a in ATTACKS)
    story.output(cell, "display", "", data={"text/html": f"<table>{table}</table>"})
    story.output(cell, "display", "", data={"image/png": f'"><script>{ALL}</script>'})
    svg = story.put(SVG.encode(), "drawing.svg", "image/svg+xml", "plot", cell)
    story.output(cell, "display", "", artifacts={"image/svg+xml": svg.id})
    story.finding(
        ATTACKS[1], ALL, cell, kind=ATTACKS[1], columns=(ALL,), caveats=(ALL,), segment=ALL, artifact="drawing.svg"
    )
    story.end(cell, ExecutionError(name=ATTACKS[0], value=ALL, traceback=ALL))
    objection = Objection(where=ALL, problem=ALL, mend=ALL)
    story.add(Reviewed(run_id=story.id, round=1, verdict="fail", objections=(objection,), remarks=(ALL,)))
    story.add(ReportMade(run_id=story.id, answer=ALL, not_found=(ALL,), not_checked=(ALL,)))
    story.add(Noted(run_id=story.id, text=ALL, level="warning"))
    story.type(ALL)


@pytest.fixture
def hostile(store: Store) -> Story:
    """A run whose record is hostile from its question on."""
    story = Story(store, ALL, model="openai:" + ATTACKS[1])
    attack(story)
    return story


def check(tab: Watch) -> None:
    """Nothing of theirs ran, nothing was asked of anybody else, and the page still stands."""
    page = tab.page
    page.evaluate("for (const e of document.querySelectorAll('[loading]')) e.loading = 'eager'")
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    page.evaluate("Promise.all([...document.images].map(i => i.decode().catch(() => 0)))")
    for frame in page.frames[1:]:
        frame.wait_for_load_state()
    assert page.evaluate("window.__pwned") is None
    assert tab.faults == []
    assert tab.outside() == []
    assert page.locator("main script, main [onerror], main [onload], main [onfocus], main base, main link").count() == 0
    expect(page.locator(".brand")).to_be_visible()


def test_a_page_drawn_from_the_record_is_safe(watch: Callable[..., Watch], hostile: Story) -> None:
    tab = watch()
    page = tab.open(f"/runs/{hostile.id}")
    check(tab)
    expect(page.locator("h1")).to_contain_text("<script>window.__pwned=1</script>")
    frames = page.locator("iframe")
    assert frames.count() >= 1
    for i in range(frames.count()):
        assert frames.nth(i).get_attribute("sandbox") == ""
    frame = page.frames[1]
    assert frame.evaluate("document.querySelectorAll('script,link,form').length") == 0


def test_a_page_that_is_patched_is_safe(watch: Callable[..., Watch], store: Store) -> None:
    story = Story(store, "A quiet question")
    tab = watch()
    page = tab.open(f"/runs/{story.id}")
    story.step("A quiet step", done=False)
    expect(page.locator("#now")).to_contain_text("A quiet step")  # text as it is typed is for those who follow by then
    attack(story)
    for place in ("#notes", "#cell-01-error", "#typed", "#answer", "#plan", "#review"):
        expect(page.locator(place)).to_contain_text("window.__pwned=1")
    check(tab)


def test_lists_and_artifacts_are_safe(watch: Callable[..., Watch], store: Store, hostile: Story) -> None:
    hostile.put(f"<h1>report</h1>{ALL}".encode(), f"{ATTACKS[1]}.html", "text/html", "report")
    hostile.put(ALL.encode(), "notes.md", "text/markdown", "file")
    notebook = '{"cells": [{"cell_type": "code", "source": ["1"], "outputs": [{"output_type": "display_data", "data": '
    notebook += '{"text/html": ["<script>parent.__pwned=12</script><b>bold</b>"]}}]}]}'
    hostile.put(notebook.encode(), "analysis.ipynb", "application/x-ipynb+json", "notebook")
    hostile.put(b"not json at all", "broken.ipynb", "application/x-ipynb+json", "notebook")
    tab = watch()
    for path in ("/", "/artifacts"):
        tab.open(path)
        check(tab)
    for artifact in store.artifacts(run_id=hostile.id):
        tab.open(f"/artifacts/{artifact.id}")
        check(tab)
    expect(tab.page.locator("main")).to_be_visible()


def test_the_policy_stops_what_would_slip_through(watch: Callable[..., Watch], done: Story) -> None:
    """Were all escaping forgotten, the page's policy still refuses script, remote pictures, frames and forms."""
    tab = watch()
    page = tab.open(f"/runs/{done.id}")
    blocked = page.evaluate(
        """async (evil) => {
          const seen = []
          document.addEventListener("securitypolicyviolation", (e) => seen.push(e.effectiveDirective))
          const box = document.createElement("div")
          box.innerHTML = `<img src="${evil}/p.png"><iframe src="${evil}"></iframe>
            <button id="evil" onclick="window.__pwned=1">x</button><link rel=stylesheet href="${evil}/x.css">`
          document.body.append(box)
          document.getElementById("evil").click()
          await fetch(evil).catch(() => 0)
          while (seen.length < 5) await new Promise((done) => setTimeout(done, 20))
          return seen.sort()
        }""",
        EVIL,
    )
    assert blocked == ["connect-src", "frame-src", "img-src", "script-src-attr", "style-src-elem"]
    assert page.evaluate("window.__pwned") is None
