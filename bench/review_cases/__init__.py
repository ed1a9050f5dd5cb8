"""Notebooks for the reviewer: each faulty one has exactly one planted fault, the clean ones come close to having one.

A case is an analyst's notebook in short: the question, the files, the cells' code in order, and the answer, whose
`{name}` parts are filled in from the notebook's own variables after it ran, so that a clean answer is true of its data.
"""

from bench.review_cases.model import FAULTS, Case, all_cases

__all__ = ["FAULTS", "Case", "all_cases"]
