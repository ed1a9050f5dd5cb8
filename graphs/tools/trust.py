"""What the user has approved of MCP servers: how each is begun and what its tools say, as hashes in the data folder.

A server is approved as it is when it is first seen in `mcp.json`. One that is begun in another way since, or a tool
that says something else of itself, is not used before it was approved again: `gristmill tools trust NAME`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from artifacts.types import Value

FILE = "mcp-trust.json"


class BadTrust(ValueError):
    """The file of what was approved cannot be read; the sentence says what to do."""


class Pin(Value):
    """One approved server: how it is begun, without secrets, its hash, and a hash of each tool by its name."""

    begins: str
    config: str
    tools: dict[str, str] = Field(default_factory=dict)


class Trust:
    """The pins of one data folder. Every change is written at once."""

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            told = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
            self._pins = {name: Pin.model_validate(pin) for name, pin in told.items()}
        except (OSError, ValueError, AttributeError, ValidationError) as fault:
            why = " ".join(str(fault).split())[:200]
            raise BadTrust(f"{file} cannot be read ({why}). Remove it to approve every server anew.") from None

    def objection(self, name: str, given: Mapping[str, Any]) -> str | None:
        """Why a server may not be begun as `mcp.json` says now; None where that is as it was approved, or new."""
        pin = self._pins.get(name)
        if pin is None or pin.config == config_hash(given):
            return None
        return (
            f"The MCP server {name} is not begun as it was approved: `{pin.begins}` became `{begins(given)}`, or what "
            f"goes with it changed. It was not begun. If that is meant: gristmill tools trust {name}"
        )

    def changed(self, name: str, tools: Iterable[Any]) -> list[str]:
        """The names of the tools of an approved server that are new or say something else of themselves now."""
        pin = self._pins.get(name)
        return [] if pin is None else [t.name for t in tools if pin.tools.get(t.name) != tool_hash(t)]

    def knows(self, name: str) -> bool:
        """Whether a server was approved before."""
        return name in self._pins

    def approve(self, name: str, given: Mapping[str, Any], tools: Iterable[Any]) -> None:
        """Approve a server and its tools as they are. Raises OSError where that cannot be written."""
        pin = Pin(begins=begins(given), config=config_hash(given), tools={t.name: tool_hash(t) for t in tools})
        self._pins[name] = pin
        text = json.dumps({n: p.model_dump() for n, p in sorted(self._pins.items())}, indent=2)
        part = self._file.with_suffix(".part")
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.write(text)
        part.replace(self._file)


def begins(given: Mapping[str, Any]) -> str:
    """How a server is begun or reached, for a person: no value of a variable or header is in it."""
    if url := _url(given):
        return str(url)
    return " ".join(map(str, (given.get("command", ""), *given.get("args", ()))))


def config_hash(given: Mapping[str, Any]) -> str:
    """A hash of what decides on which program runs, or which address is asked. `${NAME}` counts as it is written."""
    beside = {what: given.get(what, {}) for what in ("env", "headers", "cwd")}
    return _hash([given.get("command", ""), list(given.get("args", ())), _url(given), beside])


def tool_hash(tool: Any) -> str:
    """A hash of all that a tool says of itself."""
    return _hash([tool.name, tool.description, tool.input_schema, tool.output_schema])


def _url(given: Mapping[str, Any]) -> str:
    return str(given.get("url") or given.get("serverUrl") or "")


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
