"""The consoles: colour and a spinner on a terminal, plain lines anywhere else."""

from __future__ import annotations

import os
import sys
from typing import Any

from rich.console import Console
from rich.theme import Theme

from gristmill.terminal import progress

THEME = Theme({"rule.line": "dim", "status.spinner": "cyan"})


class _Console(Console):
    def print(self, *told: Any, **how: Any) -> None:
        super().print(*told, **how)
        if not self.quiet:
            progress.spoke()


def make(*, stderr: bool = False) -> Console:
    """A console that never guesses at markup or numbers in what it prints.

    With `stderr`, which is for a person beside a program that reads the output, it is silent unless that is a terminal.
    """
    stream = sys.stderr if stderr else sys.stdout
    quiet = stderr and not stream.isatty()
    console = _Console(file=stream, highlight=False, markup=False, emoji=False, theme=THEME, quiet=quiet)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = 120
    return console
