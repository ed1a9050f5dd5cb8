"""The first request that a sandbox's service gets: what it is to know, answered once it is up."""

from __future__ import annotations

import asyncio
from typing import Any

from kernel_gateway.errors import SandboxFailed
from kernel_gateway.relay import Lost, ask
from kernel_gateway.sandbox import Sandbox

_SECONDS = 60
_END_SECONDS = 5


async def greet(sandbox: Sandbox, body: dict[str, Any]) -> None:
    """Tell the service of `sandbox` and hear that it has understood; raises `SandboxFailed` with what it said."""
    asked = asyncio.create_task(ask(sandbox.address, "POST", "/init", body))
    ended = asyncio.create_task(sandbox.ended.wait())
    try:
        await asyncio.wait({asked, ended}, timeout=_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not asked.done():
            raise SandboxFailed(f"The sandbox did not start: {sandbox.said or 'it said nothing'}")
        status, answer = asked.result()
    except Lost:
        await asyncio.wait({ended}, timeout=_END_SECONDS)
        raise SandboxFailed(f"The sandbox did not start: {sandbox.said or 'it hung up'}") from None
    finally:
        asked.cancel()
        ended.cancel()
    if status >= 300:
        raise SandboxFailed(f"The sandbox did not start: {answer.decode('utf-8', 'replace')}")
