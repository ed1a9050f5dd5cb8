"""JupyterLab inside a sandbox, opened in a real browser through the gateway's port route."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import httpx
import pytest
from e2b_code_interpreter import Sandbox
from playwright.sync_api import Browser, expect


@pytest.mark.slow
@pytest.mark.skipif(find_spec("jupyterlab") is None, reason="the extra `lab` is not installed")
def test_jupyterlab_in_a_sandbox_runs_a_cell(gateway: Any, eventually: Callable[..., None], browser: Browser) -> None:
    token = secrets.token_hex(16)
    with Sandbox.create(timeout=300, **gateway.connection) as sandbox:
        serve = "jupyter lab --no-browser --port 8888 --ServerApp.allow_remote_access=True"
        sandbox.commands.run(f"{serve} --IdentityProvider.token={token}", background=True, timeout=0)
        host = sandbox.get_host(8888)

        def is_up() -> bool:
            answer = httpx.get(f"{gateway.url}/api", headers={"Host": host}, trust_env=False)
            return answer.status_code == 200 and "version" in answer.json()

        eventually(is_up, "JupyterLab's start")
        assert httpx.get(f"{gateway.url}/api/kernels", headers={"Host": host}, trust_env=False).status_code == 403
        page = browser.new_context().new_page()
        page.set_default_timeout(120_000)
        page.goto(f"http://{host}/lab?token={token}")
        page.locator(".jp-LauncherCard[data-category='Notebook']").first.click()
        page.get_by_text("| Idle").first.wait_for()  # JupyterLab drops a cell that is run before its kernel is there
        page.locator(".jp-Notebook .cm-content").first.click()
        page.keyboard.type("import os; print(6 * 7, os.environ['E2B_SANDBOX_ID'])")
        page.keyboard.press("Shift+Enter")
        expect(page.locator(".jp-OutputArea-output").first).to_have_text(f"42 {sandbox.sandbox_id}", timeout=300_000)
        page.context.close()
