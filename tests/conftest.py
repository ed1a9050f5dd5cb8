"""What no test may heed, and which are run first and stay together where files are dealt to several processes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

import notebooks.nb  # noqa: F401  # before any test asks for jsonschema, which costs a second and a half otherwise

HERE = Path(__file__).parent

SET = ("E2B_", "OPENAI_", "ANTHROPIC_", "GEMINI_", "GROQ_", "OPENROUTER_", "GRISTMILL_")
for _name in [name for name in os.environ if name.startswith(SET)]:
    del os.environ[_name]  # whoever works with the product has a key or a data folder there, and no test may heed it

FIRST = (
    "e2e/test_tutorial.py",
    "e2e/",
    "gristmill/",
    "kernel_gateway/test_ordinary_user.py",
    "graphs/test_workbench.py",
    "notebooks/test_conformance.py",
    "panel_app/test_pages.py",
    "playbook/test_templates.py",
)
"""What takes longest, so that no process is left alone with it at the end."""

TOGETHER = ("tests/e2e/", "tests/gristmill/")
"""Folders whose files share a server and finished runs, which each process would make anew."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def turn(item: pytest.Item) -> int:
        where = item.path.relative_to(HERE).as_posix()
        return next((at for at, start in enumerate(FIRST) if where.startswith(start)), len(FIRST))

    items.sort(key=turn)


class Dealing(LoadFileScheduling):
    """Whole files, and each of those folders as if it were one."""

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Dealing | None:
    return Dealing(config, log) if config.getvalue("dist") == "loadfile" else None
