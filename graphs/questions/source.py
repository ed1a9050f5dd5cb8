"""What a question is compiled to: code cells, or a template with parameters; and values and calls as their source."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from artifacts.types import Value


class Cells(Value):
    """Code that answers a question where the toolkit is loaded: pairs of a title and the code, in order.

    The last cell calls `answer(...)`. `notes` say how the question was read and which defaults decided.
    """

    cells: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()


class Call(Value):
    """A template notebook that answers a question, by its name, with its parameters."""

    template: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()


type Tables = Sequence[dict[str, Any]]
"""What `look.describe` prints of each file: name, rows, sampled, columns."""


class Source(str):
    """Code, which stands as it is where values are written as code."""


def literal(value: Any) -> str:
    """A value as Python writes it, texts in double quotes."""
    if isinstance(value, Source):
        return value
    if isinstance(value, str):
        raw = "\\" in value and not re.search(r'["\r\n]|\\$', value)
        return f'r"{value}"' if raw else json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return f"{{{', '.join(f'{literal(k)}: {literal(v)}' for k, v in value.items())}}}"
    return f"[{', '.join(map(literal, value))}]" if isinstance(value, (list, tuple)) else repr(value)


def called(function: str, *arguments: Any, **keywords: Any) -> Source:
    """A call as source, without what says nothing: no value, False, and what is empty."""
    return Source(f"{function}({', '.join(written(*arguments, **keywords))})")


def written(*arguments: Any, **keywords: Any) -> list[str]:
    """The arguments of a call as source."""
    said = [(f"{k}=" * isinstance(k, str), v) for k, v in [*enumerate(arguments), *keywords.items()]]
    return [f"{k}{literal(v)}" for k, v in said if v or (isinstance(v, (int, float)) and v is not False)]


def found(name: str, frame: str = "found") -> str:
    """The source of a value by its name."""
    return f"{frame}[{literal(name)}]"


def assigned(sources: Mapping[str, str], to: str = "found", frame: str = "{}") -> str:
    """The lines that give values names; a name with ** gives several."""
    entries = (f"    {'**' if n.startswith('**') else literal(n) + ': '}{s},\n" for n, s in sources.items())
    return f"{to} = {frame.format('{\n' + ''.join(entries) + '}')}"
