"""Events of the conversation: what people and models say, ask, answer, approve and use."""

from __future__ import annotations

from typing import Literal

from artifacts.events.base import Recorded
from artifacts.types import Approval, Decision, Message, Question, ToolCall, TurnStatus, Value


class ModelReplied(Recorded):
    """A model's reply. Of `tokens_in`, `tokens_cached` came from the endpoint's cache.

    `cost` is in US dollars; None where neither the endpoint nor the price table says it. `cut`: the endpoint ended it
    at its limit of tokens, and its calls were not carried out.
    """

    kind: Literal["model_replied"] = "model_replied"
    agent: str
    model: str
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    rule_based: bool = False
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_cached: int | None = None
    cost: float | None = None
    cut: bool = False
    task_id: str | None = None


class ToolUsed(Recorded):
    """What came of a tool call that a model made, also of one that was refused.

    `call_id` is the call's in the reply that made it. `text` is the result as the model was shown it; of a call that
    ran cells their outputs are the record, so it is empty. `cells` are theirs.
    """

    kind: Literal["tool_used"] = "tool_used"
    call_id: str
    name: str
    ok: bool
    text: str = ""
    error: str | None = None
    cells: tuple[str, ...] = ()
    agent: str = ""
    task_id: str | None = None


class Said(Recorded):
    """A person, or an agent of its own accord, said something to the run."""

    kind: Literal["said"] = "said"
    message: Message


class Heard(Recorded):
    """The agents of the turn under way have been told these messages, which were said meanwhile."""

    kind: Literal["heard"] = "heard"
    turn_id: str
    messages: tuple[str, ...]


class TurnStarted(Recorded):
    """A message is being worked on. The first turn of a run has no such event: it begins with the run.

    `message_id` is the id of what was said; old records do not name it.
    """

    kind: Literal["turn_started"] = "turn_started"
    turn_id: str
    message: str
    message_id: str | None = None
    by: str = "person"


class TurnEnded(Recorded):
    """The agents are done with a turn. The first turn of a run ends with the run's first end."""

    kind: Literal["turn_ended"] = "turn_ended"
    turn_id: str
    status: TurnStatus = "done"


class Asked(Recorded):
    """An agent asks the person, and waits."""

    kind: Literal["asked"] = "asked"
    question: Question


class Answered(Recorded):
    """Somebody answered a question. Only the first answer counts."""

    kind: Literal["answered"] = "answered"
    question_id: str
    answer: str
    by: str = "person"


class ApprovalAsked(Recorded):
    """A step needs a person's consent, and waits."""

    kind: Literal["approval_asked"] = "approval_asked"
    approval: Approval


class ApprovalGiven(Recorded):
    """Somebody decided on a step that waited: it goes on as it is, with other arguments, or not at all."""

    kind: Literal["approval_given"] = "approval_given"
    approval_id: str
    decision: Decision
    edited: str | None = None
    reason: str = ""
    by: str = "person"


class TextDelta(Value):
    """Tokens as a model writes them: shown, never stored, so it carries no seq."""

    kind: Literal["text_delta"] = "text_delta"
    run_id: str
    agent: str
    text: str
    task_id: str | None = None
