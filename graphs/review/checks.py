"""The built-in checks: importing this module enters them in the registry."""

from __future__ import annotations

from graphs.review import causes, code
from graphs.review.base import run_checks
from graphs.review.prose import numbers
from graphs.review.watch import witnesses

__all__ = ["causes", "code", "numbers", "run_checks", "witnesses"]
