"""Tools: each is a class whose fields are its arguments, whose docstring is its description, entered by `@tool`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from artifacts.events import RunView
from artifacts.types import ToolCall
from graphs.models.base import ToolSpec
from graphs.state import Desk, Job


class Tool(BaseModel):
    """Base of every tool. `job` says who is offered it; a model sees the class's docstring and its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    tool_name: ClassVar[str]
    job: ClassVar[Job]

    def problem(self, desk: Desk, view: RunView) -> str | None:
        """What is wrong with arguments that are well formed, as a sentence for the model; None if nothing is."""
        return None


class Action(Tool):
    """A tool that does something in the sandbox. `title` is what the step that does it is called."""

    title: str = Field("", description="What it is for, in a few words")

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        """Do it. The result goes back to the model as JSON; what went wrong is part of it. `key` names this use for
        ever: the same key after a restart does not run a finished cell again."""
        raise NotImplementedError


_TOOLS: dict[str, type[Tool]] = {}


def tool[T: type[Tool]](name: str, job: Job) -> Callable[[T], T]:
    """Enter a tool in the registry under the name by which models call it."""

    def enter(cls: T) -> T:
        if name in _TOOLS:
            raise ValueError(f"there are two tools named {name}")
        cls.tool_name, cls.job = name, job
        _TOOLS[name] = cls
        return cls

    return enter


def tools_for(job: Job) -> list[type[Tool]]:
    """The tools of a job, in the order in which they were entered."""
    return [t for t in _TOOLS.values() if t.job == job]


def specs(job: Job) -> list[ToolSpec]:
    """The tools of a job as a model is told of them."""
    return [
        ToolSpec(name=t.tool_name, description=" ".join((t.__doc__ or "").split()), parameters=_schema(t))
        for t in tools_for(job)
    ]


def read(call: ToolCall, job: Job) -> Tool | str:
    """The tool that a model's call asks for; or, where there is none, a sentence from which the model can mend it."""
    offered = {t.tool_name: t for t in tools_for(job)}
    if call.name not in offered:
        return f"There is no tool named {call.name!r} here. You can call {_names(offered)}."
    try:
        arguments = json.loads(call.arguments or "{}")
    except ValueError as error:
        faulty = f"The arguments of {call.name} are not JSON ({error}). Nothing was run. Send the whole call again."
        return f"{faulty} What came begins: {call.arguments[:500]}"
    try:
        return offered[call.name].model_validate(arguments)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in error.errors()[:5])
        return f"The arguments of {call.name} do not fit: {faults}. Nothing was run. Send the whole call again."


def refusal(name: str, value: str) -> dict[str, Any]:
    """The result of a call that was not carried out, in the shape of one that was."""
    return {"cells": [], "ok": False, "text": "", "findings": [], "plots": [], "error": {"name": name, "value": value}}


def _names(names: Iterable[str]) -> str:
    return " or ".join(names)


def _schema(cls: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema with its references written out: some endpoints do not follow `$ref`."""
    schema = cls.model_json_schema()
    definitions = schema.pop("$defs", {})

    def plain(node: Any) -> Any:
        if isinstance(node, list):
            return [plain(n) for n in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return plain(definitions[node["$ref"].rsplit("/", 1)[1]])
        return {k: plain(v) for k, v in node.items() if not (k == "title" and isinstance(v, str))}

    written: dict[str, Any] = plain(schema)
    written.pop("description", None)
    return written
