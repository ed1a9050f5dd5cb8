"""The tools that models may call. Importing this package enters the built-in ones in the registry."""

from graphs.tools import notebook, planning, report, review
from graphs.tools.base import Action, Tool, read, refusal, specs, tool, tools_for

__all__ = [
    "Action",
    "Tool",
    "notebook",
    "planning",
    "read",
    "refusal",
    "report",
    "review",
    "specs",
    "tool",
    "tools_for",
]
