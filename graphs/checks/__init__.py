"""The reviewer's deterministic checks. Importing this package enters the built-in ones in the registry."""

from graphs.checks import (
    charts,
    code,
    evidence,
    files,
    flips,
    inference,
    joins,
    leaks,
    numbers,
    repeated,
    splits,
    typed,
    watched,
)
from graphs.checks.base import CheckResult, Work, check, run_checks

__all__ = [
    "CheckResult",
    "Work",
    "charts",
    "check",
    "code",
    "evidence",
    "files",
    "flips",
    "inference",
    "joins",
    "leaks",
    "numbers",
    "repeated",
    "run_checks",
    "splits",
    "typed",
    "watched",
]
