"""The dashboard does the main job in a real browser, against the real server: ask, watch, reload, open, download."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.product import PENGUINS, QUESTION, Product


@pytest.fixture(scope="module")
def address(with_gateway: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address with its token that `gristmill serve` printed; the server is ended as a person would end it."""
    folder = tmp_path_factory.mktemp("served")
    product, log = Product(with_gateway(folder / "home")), folder / "serve.txt"
    server = product.start("serve", "--port", "0", "--no-browser", log=log)
    deadline = time.monotonic() + 300
    while not (told := re.search(r"http://\S+token=\S+", log.read_text())):
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
    yield told.group(0)
    server.terminate()
    try:
        assert server.wait(timeout=300) == 0, log.read_text()
    except subprocess.TimeoutExpired:
        raise
    finally:
        product.kill()


@pytest.mark.timeout(900)
def test_a_question_asked_in_the_browser_becomes_the_same_reviewed_notebook(
    browser: Browser, address: str, tmp_path: Path, analysed: tuple[Product, Path, str]
) -> None:
    # What moves while a run is under way is drawn sixty times a second, by the processor.
    context = browser.new_context(accept_downloads=True, reduced_motion="reduce")
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.goto(address)
    assert "token" not in page.url, "the token does not stay in the address bar"
    page.set_input_files("input[type=file]", PENGUINS)
    page.locator("textarea").first.fill(QUESTION)
    page.get_by_role("button", name="Ask").click()
    page.wait_for_url(re.compile(r"/runs/run_"), timeout=300_000)
    expect(page.get_by_text("Profile and clean").first).to_be_visible(timeout=300_000)
    expect(page.get_by_text("Simpson's paradox").first).to_be_visible(timeout=400_000)
    expect(page.locator("#head .status")).to_have_text("Done", timeout=400_000)
    expect(page.locator("main")).to_contain_text("0.235")
    expect(page.locator("main")).to_contain_text(re.compile("rule-based", re.I))
    page.locator("#run-again summary").click()
    assert {"identical"} <= set(page.locator("#run-again td .chip").all_inner_texts()) <= {"identical", "equal"}

    page.reload()
    expect(page.get_by_text("Simpson's paradox").first).to_be_visible(timeout=300_000)
    second = browser.new_context(reduced_motion="reduce").new_page()
    second.goto(address.replace("/?", f"{page.url[page.url.index('/runs') :]}?"))
    expect(second.get_by_text("Simpson's paradox").first).to_be_visible(timeout=300_000)

    _, out, _ = analysed
    page.get_by_role("tab", name="Files").click()
    for name in ("findings.json", "analysis.ipynb", "report.md"):
        with page.expect_download() as download:
            page.get_by_label(f"Download {name}").first.click(timeout=300_000)
        download.value.save_as(tmp_path / name)
        assert (tmp_path / name).read_bytes() == (out / name).read_bytes(), f"{name} is not what the terminal made"
    page.get_by_role("button", name="Reproduce").click()
    expect(page.get_by_text("it holds", exact=True)).to_be_visible(timeout=400_000)
    assert {"identical"} <= set(page.locator(".compared td .chip").all_inner_texts()) <= {"identical", "equal"}

    elsewhere = [url for url in asked if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))]
    assert elsewhere == [], "the page asks nobody but the server"


def test_without_the_token_nothing_is_shown(browser: Browser, address: str) -> None:
    page = browser.new_context().new_page()
    answer = page.goto(address.split("?")[0])
    assert answer is not None
    assert answer.status in (401, 403)
    assert "What would you like to know" not in page.content()
