"""To whom a message is said: one that begins with `@coder` is for that agent alone, which then has the turn.

So is a question of `ask` for which an agent was chosen, and so are the further turns of a run for which one was.
"""

from __future__ import annotations

import re

from artifacts.types import Run
from graphs.agents import Agent, Agents
from graphs.models.base import Model

_ADDRESS = re.compile(r"\s*@([a-z][a-z0-9-]{0,39})[\s,:]+(?=\S)")


def addressed(text: str, agents: Agents) -> tuple[str | None, str]:
    """The agent that a message names at its beginning, and the rest of it; None and the whole where it names none."""
    found = _ADDRESS.match(text)
    if found is None or agents.named(found[1]) is None:
        return None, text
    return found[1], text[found.end() :]


def alone(run: Run, text: str, agents: Agents, model: Model, *, further: bool = False) -> tuple[Agent | None, str]:
    """The agent that has a turn to itself, where one does, and what is said to it; else None and what is said to all.

    It needs a model: the run's, or one of its own.
    """
    name, said = addressed(text, agents)
    if name is None and further:
        name = run.params.get("agent")
    elif name is None and run.agent == "ask":
        questions = run.params["questions"]
        plain = len(questions) == 1 and not questions[0]["id"] and not questions[0]["queries"]
        name = run.params.get("agent") if plain else None
    agent = agents.named(name) if name is not None else None
    able = agent is not None and (not model.rule_based or agent.model not in (None, "playbook"))
    return (agent if able else None), said
