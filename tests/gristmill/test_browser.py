"""The doors in a real browser: the file that opens the dashboard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.e2e.test_dashboard import OFFLINE, QUIET
from tests.gristmill.door import Server, run


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=[*QUIET, *OFFLINE])
        yield opened
        opened.close()


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
