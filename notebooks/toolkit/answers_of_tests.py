"""Answers of hypothesis tests: the decision in words, the statistic and p, and the size of what was tested."""

from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.answers import group_names, of_rows
from notebooks.toolkit.attempts import CannotAnswer
from notebooks.toolkit.naming import readable
from notebooks.toolkit.telling import answer
from notebooks.toolkit.tested import Tested, known_numbers
from notebooks.toolkit.wording import alike, as_name, as_text, capital, chance


def numbers_by(rows: pd.DataFrame, column: str, keys: Any) -> dict[str, Any]:
    """The known numbers of a column in each group that one or several other columns make, in order."""
    groups = rows.dropna(subset=[column]).groupby(keys)[column]
    return {", ".join(map(as_name, k)) if isinstance(k, tuple) else as_name(k): known_numbers(v) for k, v in groups}


def two_groups(groups: dict[str, Any]) -> list[Any]:
    """The samples of two groups. Raises CannotAnswer where there are more or fewer."""
    if len(groups) != 2:
        raise CannotAnswer(f"The test compares two groups, and there are {len(groups)}: {', '.join(groups) or 'none'}.")
    return list(groups.values())


def named_by(name: str, numbers: pd.Series) -> dict[str, Any]:
    """The numbers of groups as values of an answer."""
    return {f"{name}, {group}": x for group, x in zip(group_names(numbers.index), numbers, strict=True)}


def estimate_text(tested: Tested, unit: str = "", between: Any = ()) -> str:
    """The quantity that a test is about, with its interval, as a sentence; empty where there is none."""
    if tested.estimate is None:
        return ""
    name, size, ends = tested.estimate
    of = (
        f", {readable(f'{between[0]} less {between[1]}', between)}"
        if len(between) == 2 and name.startswith("difference")
        else ""
    )
    tail = f" {unit}" * bool(unit and name in ("mean", "difference of means", "median difference"))
    sure = ""
    if ends and np.isfinite(ends).all():
        digits = alike([size, *ends])
        sure = f" (95 % interval {as_text(ends[0], digits)} to {as_text(ends[1], digits)})"
    return f"{capital(name)}{of}: {as_text(size)}{tail}{sure}."


def answer_test(
    tested: Tested,
    word: str,
    of: str,
    rows: pd.DataFrame,
    where: str = "",
    *,
    alpha: float = 0.05,
    sides: str = "two",
    unit: str = "",
    between: Any = (),
    beside: dict[str, Any] | None = None,
    decimals: int | None = None,
    notes: Any = (),
) -> None:
    """Answer with a test: `word` is what its p-value says, `beside` what else was asked for of the same rows.

    `unit` is that of its columns, `between` the two samples that it compares.
    """
    t = tested
    met = f" of rows where {readable(where, rows)}" * bool(where)
    how = f", {sides} alternative" * (sides != "two")
    text = f"{readable(of, rows)}: {word} at the {alpha:g} level"
    text += f" ({t.name}, {t.symbol} = {as_text(t.statistic)}, {chance(t.p)}{how}, n = {t.n:,}{met})."
    text += f" {estimate_text(t, unit, between)}" * (t.estimate is not None and t.estimate[0] != t.symbol)
    more = [f"{readable(name, rows)} {as_text(x, decimals)}" for name, x in (beside or {}).items()]
    text += f" {capital(', '.join(more))}." if more else ""
    values: dict[str, Any] = {**(beside or {}), t.symbol: t.statistic, "p-value": t.p, "verdict": word}
    if t.estimate is not None and t.estimate[0] not in values:
        name, size, ends = t.estimate
        values[name] = (size, unit if name in ("mean", "difference of means", "median difference") else "", ends)
    answer(text, values, notes=notes)


def answer_tests(
    tests: dict[str, Tested], words: dict[str, str], of: str, rows: pd.DataFrame, where: str = "", *,
    alpha: float = 0.05, notes: Any = (),
) -> None:  # fmt: skip
    """Answer with a test of each group; told are the p-values, and what each says."""
    said = [
        f"{k}: {t.symbol} = {as_text(t.statistic)}, {chance(t.p)} (n = {t.n:,}), {words[k]}" for k, t in tests.items()
    ]
    name = next((t.name for t in tests.values()), "test")
    text = f"{name} of {readable(of, rows)}: {'; '.join(said)}, at the {alpha:g} level ({of_rows(rows, where)})."
    answer(text, {f"p-value, {k}": t.p for k, t in tests.items()}, notes=notes)


def answer_pairs(pairs: pd.DataFrame, of: str, rows: pd.DataFrame, where: str = "", *, notes: Any = ()) -> None:
    """Answer with Tukey's test of all pairs of groups."""
    p = {f"p-value of {a} and {b}": x for a, b, x in zip(pairs["first"], pairs["second"], pairs["p"], strict=True)}
    said = "; ".join(f"{name} {as_text(x, 4)}" for name, x in p.items())
    answer(f"Tukey's HSD test of {readable(of, rows)}: {said} ({of_rows(rows, where)}).", p, notes=notes)
