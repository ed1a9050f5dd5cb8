"""The reviewer: what a program can check of finished work, its values computed again, and then the model's verdict.

Importing this package enters the built-in checks in the registry.
"""

from graphs.review import causes, code
from graphs.review.base import CheckResult, Work, check, run_checks
from graphs.review.prose import numbers
from graphs.review.watch import witnesses

__all__ = ["CheckResult", "Work", "causes", "check", "code", "numbers", "run_checks", "witnesses"]
