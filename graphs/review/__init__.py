"""The reviewer: what a program can check of finished work, its values computed again, and then the model's verdict.

Importing this package enters the built-in checks in the registry.
"""

from graphs.review.base import CheckResult, Work, check, run_checks
from graphs.review.code import files, rows
from graphs.review.data import flips, leaks, splits
from graphs.review.prose import evidence, inference, numbers
from graphs.review.watch import witnesses

__all__ = [
    "CheckResult",
    "Work",
    "check",
    "evidence",
    "files",
    "flips",
    "inference",
    "leaks",
    "numbers",
    "rows",
    "run_checks",
    "splits",
    "witnesses",
]
