"""Answers of hypothesis tests: the decision in words, the statistic and p, and the size of what was tested."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.answers import and_list, group_names, of_rows
from notebooks.toolkit.attempts import CannotAnswer
from notebooks.toolkit.ledger import effect, ledger
from notebooks.toolkit.naming import name_and_unit, readable
from notebooks.toolkit.phrases import several
from notebooks.toolkit.telling import answer
from notebooks.toolkit.tested import Tested
from notebooks.toolkit.testing import Decided, run_test
from notebooks.toolkit.tests_of import tukey_test
from notebooks.toolkit.wording import alike, as_text, capital, chance, number, say

WORDS_OF_TESTS = {
    "normality": ("not normal", "normal"),
    "variances": ("different variances", "no significant difference of variances"),
    "independence": ("significant association", "no significant association"),
    "fit": ("different frequencies", "no significant difference of frequencies"),
    "correlation": ("significant correlation", "no significant correlation"),
    "distributions": ("different distributions", "no significant difference of distributions"),
    "stationarity": ("stationary", "not stationary"),
    "autocorrelation": ("autocorrelated", "no significant autocorrelation"),
}
"""What is told where the null hypothesis is rejected, and where it is not; else of a significant difference."""


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


def answer_tested(
    rows: pd.DataFrame,
    columns: list[str],
    by: Any = (),
    *,
    name: str = "auto",
    about: str = "",
    alpha: float = 0.05,
    sides: str = "two",
    null: float | None = None,
    where: str = "",
    beside: dict[str, Any] | None = None,
    verdict: Callable[[Tested], str] | None = None,
    decimals: int | None = None,
    notes: Any = (),
) -> None:
    """Run a test of columns and answer with its decision; where the columns do not suit it, say why.

    `verdict` gives the word of a test, in place of the usual one; `beside` are values of the same rows that were asked
    for as well. A test of several groups each is told by its p-values, Tukey's by the p-value of every pair.
    """
    try:
        found = run_test(rows, columns, by, name=name, about=about, sides=sides, null=null)
    except CannotAnswer as why:
        answer("", status="not_answered", why=str(why))
        return
    t, of_them = found.tested, and_list([*columns]) + f" by {and_list([*by])}" * bool(columns and by)
    of, notes = readable(of_them or and_list([*by]), rows), [*notes, *found.notes]
    rejected, kept = WORDS_OF_TESTS.get(found.about, ("significant difference", "no significant difference"))
    words = {k: verdict(x) if verdict else rejected if x.p < alpha else kept for k, x in found.tests.items()}
    if found.each:
        said = [f"{k}: {x.symbol} = {as_text(x.statistic)}, {chance(x.p)} (n = {x.n:,}), {words[k]}"
                for k, x in found.tests.items()]  # fmt: skip
        text = f"{t.name} of {of}: {'; '.join(said)}, at the {alpha:g} level ({of_rows(rows, where)})."
        answer(text, {f"p-value, {k}": x.p for k, x in found.tests.items()}, notes=notes)
        return
    if found.pairs is not None:
        pairs = zip(found.pairs["first"], found.pairs["second"], found.pairs["p"], strict=True)
        p = {f"p-value of {a} and {b}": x for a, b, x in pairs}
        each = "; ".join(f"{pair} {as_text(x, 4)}" for pair, x in p.items())
        answer(f"Tukey's HSD test of {of}: {each} ({of_rows(rows, where)}).", p, notes=notes)
        return
    units = {name_and_unit(c)[1] for c in columns} if found.about in ("means", "medians") else set()
    unit, (word,) = next(iter(units)) if len(units) == 1 else "", words.values()
    met = f" of rows where {readable(where, rows)}" * bool(where)
    how = f", {sides} alternative" * (sides != "two")
    text = f"{of}: {word} at the {alpha:g} level"
    text += f" ({t.name}, {t.symbol} = {as_text(t.statistic)}, {chance(t.p)}{how}, n = {t.n:,}{met})."
    between = list(found.samples) if len(found.samples) == 2 else []
    text += f" {estimate_text(t, unit, between)}" * (t.estimate is not None and t.estimate[0] != t.symbol)
    more = [f"{readable(k, rows)} {as_text(x, decimals)}" for k, x in (beside or {}).items()]
    text += f" {capital(', '.join(more))}." if more else ""
    values: dict[str, Any] = {**(beside or {}), t.symbol: t.statistic, "p-value": t.p, "verdict": word}
    if t.estimate is not None and t.estimate[0] not in values:
        label, size, ends = t.estimate
        values[label] = (size, unit if label in ("mean", "difference of means", "median difference") else "", ends)
    if t.freedom:
        values["degrees of freedom"] = t.freedom[0] if len(t.freedom) == 1 else " and ".join(map(number, t.freedom))
    answer(text, values, notes=notes)


def pairs_of(found: Decided) -> pd.DataFrame | None:
    """Which pairs of a few groups differ in their means, by Tukey's test; None where the test is none of means."""
    few = 2 < len(found.samples) <= 12 and found.name in ("anova", "welch_anova", "tukey")
    return tukey_test(found.samples) if few else None


def tell_test(found: Decided, alpha: float = 0.05) -> dict[str, Any]:
    """Answer with the decision at the level asked for, the statistic, p and the size of what was tested."""
    t = found.tested
    against = t.p < alpha
    listed = " and ".join(say(c) for c in found.columns[:2])
    free = f"({', '.join(number(d) for d in t.freedom)})" if t.freedom else ""
    told = f"{t.symbol}{free} = {t.statistic:.4g}, {chance(t.p)}, n = {t.n:,}".replace("-", "−")
    decided = f"the hypothesis that {t.null} is rejected" if against else f"nothing speaks against it that {t.null}"
    text = f"{listed}: {decided}, at the {100 * alpha:g} % level ({t.name}, {told})."
    values: dict[str, Any] = {"statistic": t.statistic, "p_value": t.p, "rejected": against, "n": t.n}
    if t.estimate is not None:
        name, size, ends = t.estimate
        values[name] = (size, "", ends)
        text += f" {estimate_text(t)}"
    if not against and "normal" not in t.null:
        text += " That is no proof that it holds: a small sample may not show it."
    if (pairs := pairs_of(found)) is not None:
        clear = pairs[pairs["p"] < alpha]
        if against and len(clear):
            most = clear.iloc[int(np.argmax(clear["difference"].abs()))]
            text += f" {len(clear)} of {several(len(pairs), 'pair')} differ (Tukey), most {most['first']} and "
            text += f"{most['second']}."
    notes = [*found.notes, *t.checks]
    answer(text, values, notes=notes)
    ledger.add("asked", f"{t.name}: {listed}", t.p)
    return dict(
        type="descriptive",
        kind="test",
        text=text,
        columns=list(found.columns),
        effect=effect("count", t.n),
        test=ledger.test(t.name, "asked", f"{t.name}: {listed}"),
        n=t.n,
        params={"statistic": t.statistic, "alpha": alpha, "rejected": against},
        caveats=notes,
        confidence="high",
    )
