"""The reviewer's deterministic checks. Importing this package enters the built-in ones in the registry."""

from graphs.checks import charts, code, evidence, files, flips, inference, numbers, splits, typed, watched
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
    "numbers",
    "run_checks",
    "splits",
    "typed",
    "watched",
]
