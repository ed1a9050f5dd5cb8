"""The commands that can be typed in a conversation, at the terminal and on a run's page, and what some of them tell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from artifacts.events import RunView
from artifacts.types import Artifact, now
from graphs.agents import load
from graphs.budget import spent, standing
from notebooks.live.edits import Edit
from notebooks.projects import folders

HELP = """\
Ask in plain words; a further question may change the last one: "only females", "by island", "as a median".
What you type while a turn is under way a model reads before its next step; else it is the next turn.
/run CODE     run Python in the run's notebook, as a cell of yours
/sh COMMAND   run a shell command in its sandbox, as a cell of yours
/files        the plots, tables and files that were made
/agents       who can work on a question; begin a message with @NAME to address one
/budget       what the run has used, and what it may use; /budget tokens=20000,tokens=5000/turn changes that
/undo         take back the last turn or edit
/redo         put back what was taken back last
/stop         stop what is under way; the run stays open
/resume       go on with a run that was interrupted"""

LATER = "That holds from the next turn on."
"""What is said of a budget that was changed."""


def command(line: str) -> tuple[str, str] | None:
    """The name of a command and what stands behind it; None for a line that is none."""
    if not line.startswith("/"):
        return None
    name, _, rest = line[1:].partition(" ")
    return name, rest.strip()


_BESIDE = frozenset(
    ("a", "again", "change", "edit", "it", "last", "me", "now", "please", "question", "that", "the", "this", "turn")
)


def meant(line: str) -> str:
    """The hint for a line that has no slash and is a command's name all the same: "undo that"; else empty."""
    name, *rest = re.findall(r"\w+", line.casefold()) or [""]
    if name in ("undo", "redo", "stop", "help", "resume", "quit", "exit") and _BESIDE.issuperset(rest):
        return f"/{'quit' if name == 'exit' else name} is the command for that; /help lists all of them."
    return ""


def unknown(name: str) -> str:
    """What is said of a command that there is not."""
    return f"There is no command /{name}; /help lists those that there are."


def cell(source: str) -> Edit:
    """The edit that runs code as a person's cell, at the notebook's end."""
    return Edit(what="add", source=source)


def files(artifacts: Iterable[Artifact]) -> str:
    """The plots, tables and files of a run, a line each."""
    told = [f"{a.id}  {a.role:<9} {a.name}" for a in artifacts]
    return "\n".join(told) or "Nothing has been made yet."


def agents(home: Path, project: str | None) -> str:
    """Who can work on a question of a run, a line each."""
    known = {a.name: a for a in load(folders(home, project, "agents")).agents}  # one of several jobs, once
    return "\n".join(f"{agent.name:<18} {agent.role}" for agent in known.values())


def budget(view: RunView | None) -> str:
    """What a run has used, and what it may use."""
    limits = standing(view, now()) if view is not None else []
    may = f"Of its budget: {', '.join(limits)}" if limits else "It may use as much as it takes"
    used = (spent(view.spent) if view is not None else "") or "No model was asked, so nothing was spent"
    return f"{used}. {may}."
