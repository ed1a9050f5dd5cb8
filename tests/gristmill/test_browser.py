"""The doors in a real browser: the file that opens the dashboard."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.gristmill.door import Server, run


def test_the_file_of_open_leads_into_the_dashboard_and_the_token_does_not_stay(
    browser: Browser, server: Server
) -> None:
    assert run(server.home, "open", BROWSER="true %s").status == 0
    page = browser.new_context().new_page()
    page.goto((server.home / "open.html").as_uri())
    expect(page.locator("textarea").first).to_be_visible(timeout=60_000)
    assert page.url == f"{server.url}/"
    page.go_back()
    assert server.token not in page.url
