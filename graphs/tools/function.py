"""`@gristmill.tool`: an ordinary Python function as a tool, its signature the arguments, its docstring the description.

It runs in Gristmill's own process with its rights, outside the sandbox: code that the user trusts.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Callable
from typing import Any, ClassVar, get_type_hints

from pydantic import Field, create_model
from pydantic.fields import FieldInfo

from artifacts.threads import in_own_thread
from graphs.state import Approval
from graphs.tools.base import Action, Tool, refusal
from graphs.tools.notebook import shorten

MARK = "__gristmill_tool__"
SECONDS = 120.0
"""How long a tool may take."""
TEXT_LIMIT = 16_000
"""Characters of a result that a model is shown."""
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""The names that every endpoint takes."""


class BadTool(ValueError):
    """A function that cannot be a tool; the sentence says what it lacks."""


def tool[F: Callable[..., Any]](function: F | None = None, *, name: str = "", approval: Approval = "allow") -> Any:
    """Make a function a tool that agents may call: `@gristmill.tool`, or with a name of its own or with approval.

    Every argument needs a type, and the function a docstring, which the model reads. `Annotated[str, "what it is"]`
    describes an argument. It returns text, or what JSON can say; an exception becomes a sentence for the model. It may
    be async. With `approval="ask"` a person is asked before each call, with "deny" it is offered to nobody.
    """

    def mark(given: F) -> F:
        setattr(given, MARK, (name or given.__name__, approval))
        return given

    return mark if function is None else mark(function)


def as_tool(function: Callable[..., Any], source: str) -> type[Tool]:
    """The tool that a marked function is. Raises BadTool with a sentence for its author."""
    name, approval = getattr(function, MARK)
    if not NAME.fullmatch(name):
        raise BadTool(f"{name!r} is no name of a tool: letters, digits, _ and - only, at most 64.")
    if not (doc := inspect.getdoc(function)):
        raise BadTool(f"{name} has no docstring, from which a model would know what it does.")
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise BadTool(f"{name} takes *{parameter.name}; name each argument.")
        if parameter.name not in hints:
            raise BadTool(f"the argument {parameter.name} of {name} has no type.")
        fields[parameter.name] = (_described(hints[parameter.name]), _default(parameter))
    made: type[_Function] = create_model(name, __base__=_Function, __doc__=doc, **fields)
    made.tool_name, made.job, made.source, made.approval = name, "code", source, approval
    made.function, made.names = staticmethod(function), tuple(fields)
    return made


class _Function(Action):
    """A function called in a thread of its own, or awaited where it is async."""

    function: ClassVar[Callable[..., Any]]
    names: ClassVar[tuple[str, ...]]

    async def use(self, desk: Any, key: str, step_id: str) -> dict[str, Any]:
        """Call the function. What it raises is a sentence for the model."""
        function, given = type(self).function, {n: getattr(self, n) for n in self.names}
        try:
            async with asyncio.timeout(SECONDS):
                if inspect.iscoroutinefunction(function):
                    returned = await function(**given)
                else:
                    returned = await in_own_thread(lambda: function(**given))
        except TimeoutError:
            return refusal("TimeoutError", f"{self.tool_name} took longer than {SECONDS:.0f} s and was left.")
        except Exception as error:  # noqa: BLE001 (a user's function may raise anything)
            return refusal(type(error).__name__, str(error))
        return {"cells": [], "ok": True, "text": shorten(as_text(returned), TEXT_LIMIT), "error": None}


def as_text(value: Any) -> str:
    """What a tool returned, as a model reads it: a text as it is, the rest as JSON where that is possible."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError):
        return str(value)


def _described(hint: Any) -> Any:
    """A type whose plain text beside it, `Annotated[str, "what it is"]`, is its description."""
    beside = getattr(hint, "__metadata__", ())
    told = next((m for m in beside if isinstance(m, str)), None)
    if told is None or any(isinstance(m, FieldInfo) for m in beside):
        return hint
    from typing import Annotated

    return Annotated[hint, Field(description=told)]


def _default(parameter: inspect.Parameter) -> Any:
    return ... if parameter.default is parameter.empty else parameter.default
