"""Notebooks for the reviewer: each faulty one has exactly one planted fault, the clean ones come close to having one.

A case is an analyst's notebook in short: the question, the files, the cells' code in order, and the answer, whose
`{name}` parts are filled in from the notebook's own variables after it ran, so that a clean answer is true of its data.
"""

from collections.abc import Callable
from functools import partial

from bench.review_cases.foreign import cases
from bench.review_cases.model import EXPECTED, FAULTS, Case

_NAMES = (
    *("own", "foreign", "abroad", "last", "fifth", "sixth", "seventh", "eighth", "ninth"),
    *("tenth", "eleventh", "twelfth", "thirteenth", "fourteenth"),
)
SUITES: dict[str, Callable[[], list[Case]]] = {name: partial(cases, name) for name in _NAMES}
"""The sets of cases, each in a fixed order and with unique names."""


def all_cases() -> list[Case]:
    """Every case of every set."""
    return [case for make in SUITES.values() for case in make()]


__all__ = ["EXPECTED", "FAULTS", "SUITES", "Case", "all_cases"]
