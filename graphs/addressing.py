"""To whom a message is said: one that begins with `@coder` is for that agent alone, which then has the turn."""

from __future__ import annotations

import re

from graphs.agents import Agents

_ADDRESS = re.compile(r"\s*@([a-z][a-z0-9-]{0,39})[\s,:]+(?=\S)")


def addressed(text: str, agents: Agents) -> tuple[str | None, str]:
    """The agent that a message names at its beginning, and the rest of it; None and the whole where it names none."""
    found = _ADDRESS.match(text)
    if found is None or agents.named(found[1]) is None:
        return None, text
    return found[1], text[found.end() :]
