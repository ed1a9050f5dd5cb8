"""Columns that hold one thing measured twice, known by their names: before and after, or in two years."""

import re

_MARKS = (("pre", "post"), ("before", "after"), ("baseline", "followup"), ("old", "new"), ("initial", "final"))
_YEARS = re.compile(
    r"(?<!\d)(?:((?:19|20)\d\d)[_\-. ](?:19|20)\d\d|(\d\d)[_\-. ]\d\d|((?:19|20)\d\d))(?!\d)"  # of 70_1948 the year
)


def measured_twice(columns: list[str]) -> list[tuple[str, str]]:
    """Pairs of columns whose names differ only in saying when: the earlier first; of several years the first and last.

    `pretest` and `post.test`, `sales_2019` and `sales_2024`, `incidents_85_99` and `incidents_00_14`.
    """
    plain = {re.sub(r"[\W_]", "", name.lower()): name for name in columns}
    found = list[tuple[str, str]]()
    for early, late in _MARKS:
        for name, column in plain.items():
            for stem, other in ((name.removeprefix(early), "{1}{0}"), (name.removesuffix(early), "{0}{1}")):
                if stem and stem != name and (twin := plain.get(other.format(stem, late))):
                    found.append((column, twin))
    dated = dict[str, list[tuple[int, str]]]()
    for name in columns:
        if len(years := _YEARS.findall(name)) == 1:
            first = int("".join(years[0]))
            dated.setdefault(re.sub(r"[\s_.-]", "", _YEARS.sub("#", name.lower())), []).append((_century(first), name))
    found += [(min(some)[1], max(some)[1]) for some in dated.values() if len(some) > 1]
    return found


def _century(year: int) -> int:
    """A year in four digits: of two digits those from 40 on are of the last century."""
    return year if year > 99 else 1900 + year if year >= 40 else 2000 + year
