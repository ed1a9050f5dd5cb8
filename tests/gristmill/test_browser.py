"""The doors in a real browser: the file that opens the dashboard, and a bad file dropped there."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.gristmill.door import Server, apart


def test_the_file_of_open_leads_into_the_dashboard_and_the_token_does_not_stay(
    browser: Browser, server: Server
) -> None:
    assert apart(server.home, "open", BROWSER="true %s").status == 0
    page = browser.new_context().new_page()
    page.goto((server.home / "open.html").as_uri())
    expect(page.locator("textarea").first).to_be_visible(timeout=300_000)
    assert page.url == f"{server.url}/"
    page.go_back()
    assert server.token not in page.url


def test_a_bad_file_is_told_by_its_own_name(browser: Browser, server: Server, tmp_path: Path) -> None:
    (tmp_path / "nothing.csv").write_text("")
    page = browser.new_context().new_page()
    page.goto(f"{server.url}/?token={server.token}")
    page.set_input_files("input[type=file]", tmp_path / "nothing.csv")
    page.locator("textarea").first.fill("What separates the groups?")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#sayings")).to_contain_text("nothing.csv is empty", timeout=300_000)
    assert "/" not in page.locator("#sayings").inner_text()
