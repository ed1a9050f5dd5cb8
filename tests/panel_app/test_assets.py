"""Panel's own files go out compressed, are kept by the browser, and are the same bytes as before."""

from __future__ import annotations

import sys

import httpx

from tests.panel_app.conftest import Dashboard

SCRIPT = "/static/js/bokeh.min.js"


def test_a_script_is_sent_once_compressed_and_then_only_confirmed(dashboard: Dashboard) -> None:
    with httpx.Client(base_url=dashboard.url, timeout=300, trust_env=False) as client:
        plain = client.get(SCRIPT, headers={"accept-encoding": "identity"})
        assert "content-encoding" not in plain.headers
        first = client.get(SCRIPT)
        assert first.headers["content-encoding"] == "gzip"
        assert int(first.headers["content-length"]) < len(plain.content) / 3
        assert first.content == plain.content
        assert first.headers["content-type"] == plain.headers["content-type"]
        assert first.headers["cache-control"] == "private, no-cache"
        again = client.get(SCRIPT, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert client.get(f"{SCRIPT}?v=1").headers["cache-control"].endswith("immutable")
        head = client.head(SCRIPT)
        assert (head.status_code, head.content) == (200, b"")


def test_what_is_no_file_is_left_to_the_dashboard(dashboard: Dashboard) -> None:
    with httpx.Client(base_url=dashboard.url, timeout=300, trust_env=False) as client:
        assert client.get("/static/js/nothing.js").status_code == 404
        page = client.get("/")
        assert page.headers["cache-control"] == "no-store"
        assert "etag" not in page.headers


def test_an_address_does_not_get_a_module_of_its_choice_imported(dashboard: Dashboard) -> None:
    assert "antigravity" not in sys.modules
    with httpx.Client(base_url=dashboard.url, timeout=300, trust_env=False) as client:
        for path in ("antigravity/x/_css/x.css", "..%2f..%2fetc%2fpasswd", "panel.widgets/Button/_stylesheets/x.css"):
            assert client.get(f"/components/{path}").status_code == 404
    assert "antigravity" not in sys.modules


def test_an_address_that_leads_nowhere_is_a_page_and_one_that_is_meant_is_found(dashboard: Dashboard) -> None:
    browser = {"accept": "text/html,*/*"}
    with httpx.Client(base_url=dashboard.url, timeout=300, trust_env=False, headers=browser) as client:
        for path in ("/projects/shop", "/nowhere"):
            lost = client.get(path)
            assert lost.status_code == 404
            assert lost.headers["content-type"].startswith("text/html")
            assert "There is no such page" in lost.text
            assert 'href="/"' in lost.text
        meant = client.get("/runs")
        assert (meant.status_code, meant.headers["location"]) == (307, "/")
        assert "There is no such page" not in client.get("/nowhere", headers={"accept": "application/json"}).text
