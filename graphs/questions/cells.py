"""What a question is compiled to: code cells, or a template notebook with parameters."""

from __future__ import annotations

from collections.abc import Sequence
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
