"""The tools that models may call. Importing this package enters the built-in ones in the registry."""

from graphs.tools import (
    cells,
    delegate,
    files,
    machine,
    notebook,
    person,
    planning,
    reply,
    report,
    review,
    services,
    table,
)
from graphs.tools.base import Action, Tool, Toolbox, read, refusal, said, specs, tool

__all__ = [
    "Action",
    "Tool",
    "Toolbox",
    "cells",
    "delegate",
    "files",
    "machine",
    "notebook",
    "person",
    "planning",
    "read",
    "refusal",
    "reply",
    "report",
    "review",
    "said",
    "services",
    "specs",
    "table",
    "tool",
]
