"""Tools: each is a class whose fields are its arguments, whose docstring is its description, entered by `@tool`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from artifacts.events import RunView
from artifacts.types import ToolCall
from graphs.models.base import ToolSpec
from graphs.state import Approval, Job

if TYPE_CHECKING:
    from graphs.agents import Agent
    from graphs.state import Desk

DEEPEST = 6
"""Levels to which a schema that refers to itself is written out."""


class Tool(BaseModel):
    """Base of every tool. `job`, and any of `also`, say who is offered it; a model sees the class's docstring and its
    fields. `aloud` names the field, if there is one, that a person reads while it is written."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    tool_name: ClassVar[str]
    job: ClassVar[Job]
    also: ClassVar[tuple[Job, ...]] = ()
    source: ClassVar[str] = "built-in"
    always: ClassVar[bool] = False
    aloud: ClassVar[str] = ""
    approval: ClassVar[Approval] = "allow"

    @classmethod
    def for_helpers(cls, helpers: tuple[Agent, ...]) -> type[Tool] | None:
        """The tool as it is offered to who may give tasks to these agents; None where it is not."""
        return cls

    @classmethod
    def for_job(cls, job: Job) -> type[Tool]:
        """The tool as it is offered to a job."""
        return cls

    def problem(self, desk: Desk, view: RunView) -> str | None:
        """What is wrong with arguments that are well formed, as a sentence for the model; None if nothing is."""
        return None

    @classmethod
    def tool_description(cls) -> str:
        """What a model is told that the tool does."""
        return " ".join((cls.__doc__ or "").split())

    @classmethod
    def tool_parameters(cls) -> dict[str, Any]:
        """The JSON schema of the arguments, without references: some endpoints do not follow them."""
        return plain_schema(cls.model_json_schema())


class Action(Tool):
    """A tool that does something in the sandbox. `title` is what the step that does it is called."""

    title: str = Field("", description="What it is for, in a few words")

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        """Do it. The result goes back to the model as JSON; what went wrong is part of it. `key` names this use for
        ever: the same key after a restart does not run a finished cell again."""
        raise NotImplementedError


class Toolbox:
    """The tools of a process by name: the built-in ones, and those that come from elsewhere.

    `problems` are sentences about tools that could not be had; they are told, and nothing fails for them.
    """

    def __init__(self, tools: Iterable[type[Tool]] = (), problems: Iterable[str] = ()) -> None:
        self._tools: dict[str, type[Tool]] = {}
        self.problems = list(problems)
        for one in (*_BUILT_IN.values(), *tools):
            self.add(one)

    def add(self, tool: type[Tool]) -> None:
        """Enter a tool; one whose name is taken is a problem."""
        known = self._tools.get(tool.tool_name)
        if known is not None:
            self.problems.append(
                f"{tool.source} has a tool {tool.tool_name!r}, which {known.source} has, too: left out."
            )
            return
        self._tools[tool.tool_name] = tool

    def all(self) -> tuple[type[Tool], ...]:
        """Every tool, in the order in which they were entered."""
        return tuple(self._tools.values())

    def of(
        self,
        job: Job,
        names: Sequence[str] | None = None,
        approval: Mapping[str, Approval] | None = None,
        helpers: Sequence[Agent] = (),
    ) -> tuple[type[Tool], ...]:
        """The tools that a job is offered; of those only the named ones, where names are given.

        The name `*` stands for all that do not come with Gristmill. `approval` says by name or pattern what comes
        before a call, in place of what the tool itself says; it makes nothing of a tool's own "ask" or "deny" laxer.
        None that is denied is among them. `helpers` are the agents to whom tasks may be given, which is a tool, too.
        """

        def wanted(one: type[Tool]) -> bool:
            return names is None or one.tool_name in names or ("*" in names and one.source != "built-in")

        own = (one for t in self._tools.values() if (one := t.for_helpers(tuple(helpers))) is not None)
        offered = (t.for_job(job) for t in own if job in (t.job, *t.also) and (wanted(t) or t.always))
        under = (_under(t, approval or {}) for t in offered)
        return tuple(t for t in under if t.approval != "deny")


_STRICT: tuple[Approval, ...] = ("allow", "ask", "deny")


def _under(tool: type[Tool], approval: Mapping[str, Approval]) -> type[Tool]:
    """A tool under the strictest of what it says itself and what is said of it."""
    said = [policy for pattern, policy in approval.items() if fnmatchcase(tool.tool_name, pattern)]
    strictest = max((tool.approval, *said), key=_STRICT.index)
    return tool if strictest == tool.approval else _stricter(tool, strictest)


@cache
def _stricter(tool: type[Tool], approval: Approval) -> type[Tool]:
    return type(tool.__name__, (tool,), {"__doc__": tool.__doc__, "approval": approval})


def specs(tools: Iterable[type[Tool]]) -> list[ToolSpec]:
    """Tools as a model is told of them."""
    return [ToolSpec(name=t.tool_name, description=t.tool_description(), parameters=t.tool_parameters()) for t in tools]


def read(call: ToolCall, tools: Iterable[type[Tool]]) -> Tool | str:
    """The tool that a model's call asks for; or, where there is none, a sentence from which the model can mend it."""
    offered = {t.tool_name: t for t in tools}
    if call.name not in offered:
        return f"There is no tool named {call.name!r} here. You can call {' or '.join(offered)}."
    try:
        arguments = json.loads(call.arguments or "{}")
    except ValueError as error:
        faulty = f"The arguments of {call.name} are not JSON ({error}). Nothing was run. Send the whole call again."
        return f"{faulty} What came begins: {call.arguments[:500]}"
    try:
        return offered[call.name].model_validate(arguments)
    except ValidationError as error:
        said = [(e["loc"], e["msg"].removeprefix("Value error, ")) for e in error.errors()[:5]]
        faults = "; ".join(f"{'.'.join(map(str, where)) or 'arguments'}: {what}" for where, what in said)
        return f"The arguments of {call.name} do not fit: {faults}. Nothing was run. Send the whole call again."


_BUILT_IN: dict[str, type[Tool]] = {}


def tool[T: type[Tool]](
    name: str, job: Job, approval: Approval = "allow", also: tuple[Job, ...] = ()
) -> Callable[[T], T]:
    """Enter a built-in tool in the registry under the name by which models call it."""

    def enter(cls: T) -> T:
        if name in _BUILT_IN:
            raise ValueError(f"there are two tools named {name}")
        cls.tool_name, cls.job, cls.approval, cls.also = name, job, approval, also
        _BUILT_IN[name] = cls
        return cls

    return enter


def refusal(name: str, value: str) -> dict[str, Any]:
    """The result of a call that was not carried out, in the shape of one that was."""
    return {"cells": [], "ok": False, "text": "", "findings": [], "plots": [], "error": {"name": name, "value": value}}


def said(value: Any) -> dict[str, Any]:
    """The result of a call that ran no cell: a text as it is, the rest as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return {"cells": [], "ok": True, "text": text, "error": None}


def plain_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON schema without titles, lengths and empty defaults, its references written out: to `DEEPEST` levels where
    it refers to itself."""
    definitions = schema.get("$defs", {})

    def plain(node: Any, within: tuple[str, ...] = ()) -> Any:
        if isinstance(node, list):
            return [plain(n, within) for n in node]
        if not isinstance(node, dict):
            return node
        if isinstance(ref := node.get("$ref"), str):
            name = ref.rsplit("/", 1)[1]
            if name not in definitions or within.count(name) >= 2 or len(within) >= DEEPEST:
                return {"type": "object"}
            return plain(definitions[name], (*within, name))
        return {
            k: plain(v, within)
            for k, v in node.items()
            if k not in ("$defs", "minLength", "maxLength")
            and not (k == "title" and isinstance(v, str))
            and not (k == "default" and v in ("", None, [], {}))
        }

    written: dict[str, Any] = plain(schema)
    written.pop("description", None)
    return written
