"""The agents: a Markdown file each, front matter and prompt. The user's own lie in `agents/` of the data folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, ValidationError, field_validator

from artifacts.types import Value
from graphs.budget import Budget, read_budget
from graphs.errors import GraphError, InputError
from graphs.state import Approval, Job


class BadAgent(GraphError):
    """An agent's file that cannot be read; the sentence says what to mend."""


class Agent(Value):
    """Who does a job. The fields are the keys of its file's front matter; an unknown key is refused by its name.

    `name` is what the record shows, `prompt` the system message, before that of the agent `base` where one is named.
    `tools` are names, `*` among them all that do not come with Gristmill; None stands for all that the job is offered.
    `model` is one of its own in place of the run's. `approval` says of tools, by name or pattern, what comes before a
    call: {"run_command": "ask", "mcp__*": "deny"}. `delegates` are the agents to whom it may give tasks. `budget`, as
    tokens=20000,usd=0.5,cells=10, is what it may use in one turn, or in one task that it is given.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")
    job: Job = "code"
    title: str = ""
    role: str = ""
    capabilities: tuple[str, ...] = ()
    tools: tuple[str, ...] | None = None
    model: str | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    budget: Budget | None = None
    approval: dict[str, Approval] = Field(default_factory=dict)
    delegates: tuple[str, ...] = ()
    base: str | None = None
    prompt: str = Field(min_length=1)
    source: str = "built-in"

    @field_validator("budget", mode="before")
    @classmethod
    def _read(cls, told: Any) -> Any:
        """The budget as text has it, which is how the other doors take it."""
        try:
            budget = read_budget(told) if isinstance(told, str) else Budget.model_validate(told or {})
        except InputError as fault:
            raise ValueError(str(fault)) from fault
        if budget.turn is not None or budget.minutes is not None:
            raise ValueError("An agent's budget is of tokens, usd and cells, and is for each turn as it is")
        return budget if budget.limits else None


@dataclass(frozen=True)
class Agents:
    """The agents that there are, and who has the coder's seat. `problems` are sentences about files left out."""

    agents: tuple[Agent, ...]
    coder: str = "coder"
    problems: tuple[str, ...] = field(default=())

    def for_job(self, job: Job) -> Agent:
        """The agent that does a job; of several that write cells the one chosen. Raises LookupError for none."""
        able = [a for a in self.agents if a.job == job]
        chosen = [a for a in able if a.name == self.coder] if job == "code" else able
        if not chosen:
            raise LookupError(f"no agent has the job {job!r}")
        return chosen[-1]  # the user's own stands in for a built-in one of its name

    def named(self, name: str) -> Agent | None:
        """The agent of a name that writes cells, the user's own before a built-in one; None where there is none."""
        return next((a for a in reversed(self.agents) if a.name == name and a.job == "code"), None)

    def helpers_of(self, agent: Agent) -> tuple[Agent, ...]:
        """Those to whom an agent may give tasks."""
        return tuple(helper for name in agent.delegates if (helper := self.named(name)) is not None)

    def choose(self, name: str) -> Agents:
        """The same with another agent in the coder's seat. Raises BadAgent for one that there is not."""
        able = sorted({a.name for a in self.agents if a.job == "code"})
        if name not in able:
            raise BadAgent(f"There is no agent {name!r} that writes cells. There are: {', '.join(able)}.")
        return Agents(self.agents, name, self.problems)


def load(folders: Iterable[Path] = ()) -> Agents:
    """The built-in agents and those of these folders, which stand in for built-in ones of their name."""
    found, problems = list(_built_in()), list[str]()
    for file in (f for folder in folders for f in sorted(folder.glob("*.md"))):
        try:
            found.append(read_agent(file.read_text(encoding="utf-8"), str(file), found))
        except (BadAgent, OSError, UnicodeDecodeError) as fault:
            problems.append(f"{file}: {fault}")
    problems += (
        f"{agent.source}: It delegates to {name!r}, which is no agent that writes cells."
        for agent in found
        for name in agent.delegates
        if Agents(tuple(found)).named(name) is None
    )
    return Agents(tuple(found), problems=tuple(problems))


@cache
def _built_in() -> tuple[Agent, ...]:
    texts = {f.name: f.read_text(encoding="utf-8") for f in files(__package__).iterdir() if f.name.endswith(".md")}
    found = list[Agent]()
    for name in sorted(texts, key=lambda n: ("\nbase:" in texts[n], n)):  # what others build on comes first
        found.append(read_agent(texts[name], "built-in", found))
    return tuple(found)


def read_agent(text: str, source: str = "built-in", known: Sequence[Agent] = ()) -> Agent:
    """Take an agent's file apart: YAML between two `---` lines, then the prompt. Raises BadAgent."""
    import yaml

    parts = text.split("---\n", 2)
    if len(parts) != 3 or parts[0].strip():
        raise BadAgent("It has no front matter: begin with a line ---, then keys, then a line ---, then the prompt.")
    try:
        head = yaml.safe_load(parts[1])
    except yaml.YAMLError as fault:
        raise BadAgent(f"Its front matter is no YAML: {' '.join(str(fault).split())}") from None
    if not isinstance(head, dict):
        raise BadAgent("Its front matter has no keys; it needs at least a name.")
    prompt = parts[2].strip()
    if base := head.get("base"):
        below = next((a for a in reversed(known) if a.name == base), None)
        if below is None:
            raise BadAgent(f"It builds on an agent {base!r}, which there is not.")
        prompt = f"{prompt}\n\n{below.prompt}"
        head = {"job": below.job, "title": below.title, "tools": below.tools} | head
    try:
        return Agent.model_validate({**head, "prompt": prompt, "source": source})
    except ValidationError as error:
        raise BadAgent("; ".join(_fault(e) for e in error.errors()[:3])) from None


def _fault(error: Any) -> str:
    key = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return f"There is no key {key!r}; there are {', '.join(_KEYS)}."
    if error["type"] == "missing":
        return f"The key {key!r} is missing."
    return f"{key}: {error['msg']}."


_KEYS = tuple(k for k in Agent.model_fields if k not in ("prompt", "source"))
