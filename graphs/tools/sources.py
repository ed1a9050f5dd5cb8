"""Where tools come from besides Gristmill: installed packages, and `tools/*.py` in the data folder and the project.

They are trusted code, which runs in Gristmill's own process. Nothing that an agent does puts a file there.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from graphs.tools.base import Tool, Toolbox
from graphs.tools.function import MARK, BadTool, as_tool

GROUP = "gristmill.tools"
"""The group of entry points: each names a function marked by `@gristmill.tool`, or a module that holds some."""


def toolbox(folders: Iterable[Path] = ()) -> Toolbox:
    """Every tool there is: built in, from packages, and from the Python files of these folders.

    What cannot be loaded is a sentence in `problems`.
    """
    box = Toolbox()
    for source, functions in (*_of_packages(box.problems), *_of_folders(folders, box.problems)):
        for function in functions:
            try:
                box.add(as_tool(function, source))
            except (BadTool, NameError, TypeError) as fault:
                box.problems.append(f"A tool of {source} was left out: {fault}")
    return box


def _of_packages(problems: list[str]) -> Iterator[tuple[str, list[Any]]]:
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        source = f"package {point.dist.name}" if point.dist else f"entry point {point.name}"
        try:
            found = point.load()
        except Exception as fault:  # noqa: BLE001 (a package may raise anything while it is imported)
            problems.append(f"The tools of {source} cannot be loaded: {type(fault).__name__}: {fault}")
            continue
        yield source, [found] if hasattr(found, MARK) else _marked(found)


def _of_folders(folders: Iterable[Path], problems: list[str]) -> Iterator[tuple[str, list[Any]]]:
    for file in (f for folder in folders for f in sorted(folder.glob("*.py"))):
        try:
            yield str(file), _marked(_load(file))
        except Exception as fault:  # noqa: BLE001 (a user's file may raise anything)
            problems.append(f"{file} cannot be loaded: {type(fault).__name__}: {fault}")


def _load(file: Path) -> Any:
    name = f"gristmill_tools_{hashlib.sha256(str(file.absolute()).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # as type hints of the file's own classes want it
    spec.loader.exec_module(module)
    return module


def _marked(module: Any) -> list[Any]:
    """The marked functions that a module defines, in the order in which it does."""
    return [v for v in vars(module).values() if callable(v) and hasattr(v, MARK)]


def listed(tools: Iterable[type[Tool]], agents: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Tools as `gristmill tools list --json` tells them; `agents` are the names of those who have each."""
    return [
        {
            "name": t.tool_name,
            "description": t.tool_description(),
            "parameters": t.tool_parameters(),
            "agents": agents.get(t.tool_name, []),
            "source": t.source,
            "approval": t.approval,
        }
        for t in tools
    ]
