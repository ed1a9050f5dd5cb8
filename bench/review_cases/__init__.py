"""Notebooks for the reviewer: each faulty one has exactly one planted fault, the clean ones come close to having one.

A case is an analyst's notebook in short: the question, the files, the cells' code in order, and the answer, whose
`{name}` parts are filled in from the notebook's own variables after it ran, so that a clean answer is true of its data.
"""

from collections.abc import Callable

from bench.review_cases import clean_code, clean_statistics, faulty_code, faulty_statistics, foreign
from bench.review_cases.model import EXPECTED, FAULTS, Case

SUITES: dict[str, Callable[[], list[Case]]] = {
    "own": lambda: [case for m in (faulty_statistics, faulty_code, clean_statistics, clean_code) for case in m.CASES],
    "foreign": lambda: foreign.cases("foreign_faulty.txt", "foreign_clean.txt"),
    "abroad": lambda: foreign.cases("abroad_faulty.txt", "abroad_clean.txt"),
    "last": lambda: foreign.cases("last_faulty.txt", "last_clean.txt"),
    "fifth": lambda: foreign.cases("fifth_faulty.txt", "fifth_clean.txt"),
    "sixth": lambda: foreign.cases("sixth_faulty.txt", "sixth_clean.txt"),
    "seventh": lambda: foreign.cases("seventh_faulty.txt", "seventh_clean.txt"),
    "eighth": lambda: foreign.cases("eighth_faulty.txt", "eighth_clean.txt"),
    "ninth": lambda: foreign.cases("ninth_faulty.txt", "ninth_clean.txt"),
    "tenth": lambda: foreign.cases("tenth_faulty.txt", "tenth_clean.txt"),
    "eleventh": lambda: foreign.cases("eleventh_faulty.txt", "eleventh_clean.txt"),
    "twelfth": lambda: foreign.cases("twelfth_faulty.txt", "twelfth_clean.txt"),
    "thirteenth": lambda: foreign.cases("thirteenth_faulty.txt", "thirteenth_clean.txt"),
    "fourteenth": lambda: foreign.cases("fourteenth_faulty.txt", "fourteenth_clean.txt"),
}
"""The sets of cases, each in a fixed order and with unique names."""


def all_cases() -> list[Case]:
    """Every case of every set."""
    return [case for make in SUITES.values() for case in make()]


__all__ = ["EXPECTED", "FAULTS", "SUITES", "Case", "all_cases"]
