"""The tools that models may call. Importing this package enters the built-in ones in the registry."""

from graphs.tools import files, notebook, person, planning, report, review, table
from graphs.tools.base import Action, Tool, Toolbox, read, refusal, specs, tool

__all__ = [
    "Action",
    "Tool",
    "Toolbox",
    "files",
    "notebook",
    "person",
    "planning",
    "read",
    "refusal",
    "report",
    "review",
    "specs",
    "table",
    "tool",
]
