"""The playbook: a deterministic, rule-based analyst that sees what a model would see and makes the same calls."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Any

from graphs.models.base import USUAL, Asking, Delta, Message, ToolCallDelta, ToolSpec

if TYPE_CHECKING:
    from graphs.models.playbook.facts import Facts

type Reply = tuple[str, str | None, dict[str, Any] | None]
"""What the playbook says, the tool that it calls, if any, and with what."""


class Playbook:
    """Plans, runs templates, writes the report and reviews by fixed rules; needs no key, no network and no memory.

    It reads the JSON block of the newest brief and the tool results after it, and nothing else. The tools that it is
    offered say which job it has. The same messages get the same reply.
    """

    name = "playbook/1.0"
    rule_based = True

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], asking: Asking = USUAL
    ) -> AsyncIterator[Delta]:
        """Stream one reply: a few sentences, then at most one tool call. It raises nothing of its own."""
        offered = {tool.name for tool in tools}
        said, tool, arguments = _decide(offered, messages)
        for sentence in re.findall(r"\S.*?(?:[.:;](?=\s|$)\s*|$)", said, flags=re.S):
            yield Delta(text=sentence)
        if tool is not None:
            call = ToolCallDelta(
                index=0, id=f"call-{len(messages)}", name=tool, arguments=json.dumps(arguments, ensure_ascii=False)
            )
            yield Delta(tool_calls=(call,))
        yield Delta(finish="tool_calls" if tool is not None else "stop")


def _decide(offered: set[str], messages: Sequence[Message]) -> Reply:
    """What to say, and which tool to call with what."""
    # What follows takes a while to load, which a question that needs no plan need not wait for.
    from graphs.models.playbook.coding import give_review, next_step
    from graphs.models.playbook.facts import read
    from graphs.models.playbook.planning import make_plan
    from graphs.models.playbook.reporting import write_report

    jobs: dict[str, Callable[[Facts], Reply]] = {
        "make_plan": make_plan, "run_template": next_step, "write_report": write_report, "give_review": give_review
    }  # fmt: skip
    job = next((jobs[tool] for tool in jobs if tool in offered), None)
    return job(read(messages)) if job else ("None of the tools that I am offered is one of mine.", None, None)
