"""Tools for services: programs that go on running in the sandbox and listen on a port."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pydantic import Field

from graphs.state import Desk
from graphs.tools.base import Action, refusal, said, tool
from notebooks import services
from notebooks.services import BadService


@tool("start_service", job="code")
class StartService(Action):
    """Start a program that goes on running in the sandbox and listens on a port, such as a web application. Gives the
    address at which a person can open it, and the beginning of its log."""

    name: str = Field(description="Small letters, digits and -")
    command: str = Field(min_length=1, description="What is run by bash; it should listen on 0.0.0.0 at the port")
    port: int = Field(ge=1024, le=65535)

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        try:
            service = await services.start(desk.session, self.name, self.command, self.port)
        except BadService as fault:
            return refusal("BadService", str(fault))
        if not service.running:
            return refusal("ServiceEnded", f"{self.name} ended at once. Its log: {service.log or 'empty'}")
        return said(asdict(service))


@tool("stop_service", job="code")
class StopService(Action):
    """Stop a service; gives the end of its log."""

    name: str

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        try:
            log = await services.stop(desk.session, self.name)
        except BadService as fault:
            return refusal("BadService", str(fault))
        return said({"name": self.name, "running": False, "log": log})


@tool("list_services", job="code")
class ListServices(Action):
    """List the services that run in the sandbox: name, port, address and the end of the log of each."""

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        found = await services.services(desk.session)
        return said([asdict(s) | {"log": (await services.log(desk.session, s.name))[-2_000:]} for s in found])
