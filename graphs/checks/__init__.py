"""The reviewer's deterministic checks. Importing this package enters the built-in ones in the registry."""

from graphs.checks import code, evidence, numbers
from graphs.checks.base import CheckResult, Work, check, run_checks

__all__ = ["CheckResult", "Work", "check", "code", "evidence", "numbers", "run_checks"]
