"""Plotly and Vega figures are drawn, and what is in them reaches neither the dashboard nor anybody else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from artifacts.store import Store
from tests.panel_app.conftest import Dashboard, Watch
from tests.panel_app.story import Story

EVIL = "http://evil.invalid"
LURE = f"<b>Bold</b><img src='{EVIL}/x.png' onerror='parent.__pwned=1'></script>"
LURE += "<a href='javascript:parent.__pwned=2'>x</a>"
PLOTLY, VEGA_LITE, VEGA = (
    "application/vnd.plotly.v1+json",
    "application/vnd.vegalite.v6+json",
    "application/vnd.vega.v6+json",
)
FIGURES: dict[str, tuple[str, dict[str, Any], str]] = {
    "plotly": (
        PLOTLY,
        {
            "data": [{"type": "scatter", "x": [1, 2, 3], "y": [2, 1, 3], "name": LURE, "text": [LURE] * 3}],
            "layout": {"title": {"text": LURE}, "width": 4000, "images": [{"source": f"{EVIL}/i.png"}]},
        },
        ".scatterlayer path",
    ),
    "plotly-gl": (
        PLOTLY,
        {"data": [{"type": "scattergl", "mode": "markers", "x": [1, 2], "y": [2, 1]}], "layout": {}},
        "canvas.gl-canvas-focus, .xtick text",
    ),
    "vega-lite": (
        VEGA_LITE,
        {
            "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
            "title": LURE,
            "data": {"values": [{"a": LURE, "b": 2}, {"a": "y", "b": 3}]},
            "transform": [{"calculate": "datum.b * 2", "as": "c"}],
            "mark": "bar",
            "encoding": {"x": {"field": "a", "type": "nominal"}, "y": {"field": "c", "type": "quantitative"}},
            "usermeta": {"embedOptions": {"ast": False, "loader": {"baseURL": EVIL}}},
        },
        ".mark-rect path",
    ),
    "vega": (
        VEGA,
        {
            "width": 90,
            "height": 90,
            "data": [{"name": "t", "values": [{"v": 5}]}, {"name": "far", "url": f"{EVIL}/data.json"}],
            "marks": [
                {"type": "rect", "from": {"data": "t"}, "encode": {"enter": {"width": {"field": "v"}}}},
                {"type": "image", "encode": {"enter": {"url": {"value": f"{EVIL}/mark.png"}}}},
            ],
        },
        ".mark-rect path",
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_drawn_where_it_can_reach_nothing(watch: Callable[..., Watch], store: Store, name: str) -> None:
    mime, spec, mark = FIGURES[name]
    story = Story(store, "A figure?")
    cell = story.begin("figure.show()")
    made = story.put(json.dumps(spec).encode(), f"{name}.json", mime, "plot", cell)
    story.output(cell, "display", "", artifacts={mime: made.id})
    story.end(cell)
    story.finish()
    tab = watch()
    page = tab.open(f"/runs/{story.id}")
    page.locator("iframe.drawn").scroll_into_view_if_needed()
    inside = page.frame_locator("iframe.drawn")
    expect(inside.locator(mark).first).to_be_attached()
    expect(inside.locator("#sorry")).to_be_hidden()
    frame = page.frames[1]
    assert frame.evaluate("origin") == "null"
    for secret in ("document.cookie", "localStorage.length", "parent.document.title"):
        assert frame.evaluate(f"(() => {{ try {{ return {secret} }} catch (error) {{ return error.name }} }})()") == (
            "SecurityError"
        ), secret
    refused = "fetch('{}').then(() => 'came', () => 'refused')"
    assert frame.evaluate(refused.format(tab.url)) == frame.evaluate(refused.format(EVIL)) == "refused"
    assert page.evaluate("window.__pwned") is None
    assert tab.outside() == []
    tab.open("/")
    assert not [url for url in tab.requests if "plotlyplot" in url or "vegaplot" in url], "no page pays for it"
    assert not [fault for fault in tab.faults if fault.startswith("dialog")]


def test_what_is_no_figure_has_no_such_page(watch: Callable[..., Watch], store: Store) -> None:
    story = Story(store, "No figure")
    broken = story.put(b"[1, 2", "broken.json", PLOTLY, "plot")
    other = story.put(b"<script>parent.__pwned=1</script>", "x.html", "text/html", "file")
    tab = watch()
    for artifact in (broken.id, other.id, "art_none", "../etc/passwd"):
        answer = tab.page.request.get(f"{tab.url}/figures/{artifact}")
        assert answer.status == 404
    tab.open(f"/artifacts/{other.id}")
    assert tab.page.locator("iframe.drawn").count() == 0


def test_a_damaged_figure_is_a_sentence(dashboard: Dashboard, store: Store, done: Story) -> None:
    made = done.put(json.dumps({"data": [], "layout": {}}).encode(), "figure.json", PLOTLY, "plot")
    path = store.path(made)
    assert httpx.get(f"{dashboard.url}/figures/{made.id}").status_code == 200
    path.write_bytes(path.read_bytes().replace(b"data", b"dada"))
    reply = httpx.get(f"{dashboard.url}/figures/{made.id}")
    assert reply.status_code == 500
    assert reply.text == f"The bytes of figure.json ({made.id}) are not those that were stored."
    assert reply.headers["cache-control"] == "no-store"
