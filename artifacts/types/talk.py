"""The conversation of a run: messages, turns, questions, approvals, and the calls of tools."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from artifacts.types.base import Value, now

Decision = Literal["accepted", "edited", "rejected"]
TurnStatus = Literal["running", "done", "failed", "cancelled", "interrupted"]

FIRST_TURN = "turn-01"
"""The id of a run's first turn, which is its question."""


class Message(Value):
    """Something that a person or an agent said in the conversation of a run. `steers`: it was meant for a turn under
    way. `turn_id` is the turn that it began or whose agents have heard it; None as long as nobody has taken it up.
    `to` names the one whom it is said to, `task_id` the task that it is about; None: to all, about the whole."""

    id: str
    text: str
    by: str = "person"
    to: str | None = None
    task_id: str | None = None
    steers: bool = False
    turn_id: str | None = None
    at: datetime = Field(default_factory=now)


class Turn(Value):
    """What one message set off, until the agents were done. The first turn of a run is its question, which is no
    `Message`, so that it has no `message_id`."""

    id: str
    message: str
    message_id: str | None = None
    by: str = "person"
    status: TurnStatus = "running"
    started_at: datetime = Field(default_factory=now)
    ended_at: datetime | None = None


class Question(Value):
    """Something that an agent asks the person; `answer` is None until somebody has answered."""

    id: str
    turn_id: str
    text: str
    choices: tuple[str, ...] = ()
    default: str | None = None
    by: str = ""
    answer: str | None = None
    at: datetime | None = None  # when it was asked, once that is recorded


class Approval(Value):
    """A step that needs a person's consent: the tool and its arguments as JSON text, and why it is asked for.

    `decision` is None until somebody decided; `edited` are the arguments that a person put in their place.
    """

    id: str
    turn_id: str
    tool: str
    arguments: str
    why: str = ""
    decision: Decision | None = None
    edited: str | None = None
    reason: str = ""
    at: datetime | None = None  # when it was asked for, once that is recorded


class ToolCall(Value):
    """A model's request to use a tool. `arguments` is the JSON text exactly as the model sent it.

    `extra` is what the endpoint sent beside it, such as a signature, and wants back as it was.
    """

    id: str
    name: str
    arguments: str
    extra: dict[str, Any] = Field(default_factory=dict)
