"""The agents: a Markdown file each, front matter and prompt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from graphs.state import Job


@dataclass(frozen=True)
class Agent:
    """Who does a job: `name` is what the record shows, `prompt` the system message."""

    name: str
    job: Job
    title: str
    prompt: str


@cache
def agent_for(job: Job) -> Agent:
    """The agent whose file says `job: JOB`. Raises LookupError when there is none."""
    for file in sorted(files(__package__).iterdir(), key=lambda f: f.name):
        if file.name.endswith(".md"):
            agent = read_agent(file.read_text(encoding="utf-8"))
            if agent.job == job:
                return agent
    raise LookupError(f"no agent in graphs/agents has the job {job!r}")


def read_agent(text: str) -> Agent:
    """Take an agent file apart: YAML between two `---` lines, then the prompt."""
    import yaml

    _, head, prompt = text.split("---\n", 2)
    return Agent(**yaml.safe_load(head), prompt=prompt.strip())
