"""Two groups or two periods held against each other: the difference in units, by segment, and what differs most."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.attempts import CannotAnswer, check_columns
from notebooks.toolkit.change import Two, level_names
from notebooks.toolkit.columns import names, yes_level
from notebooks.toolkit.drawing import COLOURS, figure, show
from notebooks.toolkit.guesses import is_numeric, segments_of, sums_up, time_column
from notebooks.toolkit.ledger import effect, ledger
from notebooks.toolkit.phrases import plain_ticks, signed_number, unit_of
from notebooks.toolkit.telling import answer, report
from notebooks.toolkit.two_sets import two_sets
from notebooks.toolkit.wording import chance, label, measured_text, number, say, signed, tick


@dataclass(frozen=True)
class Gap:
    """How far a measure lies apart: `second` less `first`, in its units (shares in percentage points), with its 95 %
    interval; of totals and counts there is none. `standard` is it in standard deviations, to order measures by."""

    measure: str
    how: str
    yes: str
    first: float
    second: float
    gap: float
    interval: tuple[float, float] | None
    p: float
    n: tuple[int, int]
    standard: float


@dataclass(frozen=True)
class Compared:
    """Two sets of rows compared: the measure asked for (or that differs most), all others, and by segment."""

    two: Two
    main: Gap
    others: tuple[Gap, ...]
    by: str
    segments: pd.DataFrame
    notes: tuple[str, ...]


def count_gap(two: Two) -> Gap:
    """The difference of the numbers of rows."""
    one, other = float(len(two.before)), float(len(two.after))
    return Gap("", "count", "", one, other, other - one, None, float("nan"), (len(two.before), len(two.after)), 0.0)


def two_values(df: pd.DataFrame, name: str) -> bool:
    """Whether a column has two values, as an answer of yes or no has."""
    return bool(df[name].nunique() == 2)


def gap_of(two: Two, measure: str, how: str) -> Gap | None:
    """The difference of one measure between two sets of rows: means by Welch, shares by Newcombe and a score test,
    medians by the bootstrap (seed 0) and Mann and Whitney's test. None where it cannot be compared."""
    from scipy import stats

    a, b = two.before[measure].dropna(), two.after[measure].dropna()
    sizes, every = (len(a), len(b)), pd.concat([a, b])
    if min(sizes) < (1 if how == "sum" else 2) or every.nunique() < 2:
        return None
    if every.nunique() == 2 and how in ("mean", ""):
        return _share_gap(a, b, measure, yes_level(every.unique()))
    if not is_numeric(every):
        return None
    a, b = a.astype(float), b.astype(float)
    if how == "sum":
        one, other = float(a.sum()), float(b.sum())
        return Gap(measure, how, "", one, other, other - one, None, float("nan"), sizes, 0.0)
    spread = float(np.sqrt((a.var() + b.var()) / 2))
    if how == "median":

        def apart(x: Any, y: Any, axis: int) -> Any:
            return np.median(x, axis) - np.median(y, axis)

        random = np.random.default_rng(0)
        drawn = stats.bootstrap((b, a), apart, n_resamples=1000, batch=50, method="percentile", rng=random)
        low, high = drawn.confidence_interval
        p, one, other = float(stats.mannwhitneyu(a, b).pvalue), float(a.median()), float(b.median())
    else:
        found = stats.ttest_ind(b, a, equal_var=False)
        low, high = found.confidence_interval()
        how, p, one, other = "mean", float(found.pvalue), float(a.mean()), float(b.mean())
    gap = other - one
    return Gap(measure, how, "", one, other, gap, (float(low), float(high)), p, sizes, gap / spread if spread else 0.0)


def _share_gap(a: pd.Series, b: pd.Series, measure: str, yes: Any) -> Gap:
    """The difference of the shares of a level, in percentage points."""
    from statsmodels.stats.proportion import confint_proportions_2indep, test_proportions_2indep

    counts = (int((b == yes).sum()), len(b), int((a == yes).sum()), len(a))
    low, high = confint_proportions_2indep(*counts, compare="diff", method="newcomb")
    p = float(test_proportions_2indep(*counts, compare="diff").pvalue)
    one, other = 100 * counts[2] / len(a), 100 * counts[0] / len(b)
    whole = (counts[0] + counts[2]) / (len(a) + len(b))
    spread, ends = 100 * (whole * (1 - whole)) ** 0.5, (100 * float(low), 100 * float(high))
    return Gap(measure, "share", str(yes), one, other, other - one, ends, p, (len(a), len(b)), (other - one) / spread)


def compare_two(
    df: pd.DataFrame, of: str = "", first: str = "", second: str = "", measures: list[str] | None = None, how: str = "",
    by: list[str] | None = None, grain: str = "",
) -> Compared:  # fmt: skip
    """`first` held against `second`: groups of a column, or periods. Without measures all columns are compared, and the
    one that differs most, in standard deviations and beyond chance, is told first."""
    check_columns(df, measure=measures or [], segments=by or [])
    two = two_sets(df, of, first, second, grain)
    of = of or time_column(df)
    notes = list[str]()
    found = list[Gap]()
    for name in measures or [c for c in names(df) if c != of and how != "count"]:
        told = two_values(df, name)
        kind = how or ("sum" if measures and two.periods and not told and sums_up(df, name) else "mean")
        if measures and not told and not is_numeric(df[name]):
            raise CannotAnswer(f"{say(name)} is neither a number nor has two levels, so there is nothing to compare.")
        gap = gap_of(two, name, kind)
        found += [gap] if gap is not None else []
    found = found or [count_gap(two)]
    for gap in found:
        if np.isfinite(gap.p):
            ledger.add(f"{two.first} against {two.second}", gap.measure, gap.p)
    if not measures and len(found) > 1:
        found.sort(key=lambda g: (-abs(g.standard), g.measure))
        notes.append(f"All {len(found)} columns were compared: this one differs most, in standard deviations.")
    main = found[0]
    columns = by or segments_of(df, [of, main.measure], most=12)
    tables = {c: gaps_by_segment(two, c, main) for c in columns}
    tables = {c: t for c, t in tables.items() if len(t) > 1}
    apart = {c: float(((t["gap"] - main.gap).abs() * t["share"]).sum()) for c, t in tables.items()}
    chosen = max(apart, key=lambda c: (apart[c], c)) if apart else ""
    return Compared(two, main, tuple(found[1:]), chosen, tables.get(chosen, pd.DataFrame()), tuple(notes))


def gaps_by_segment(two: Two, by: str, main: Gap) -> pd.DataFrame:
    """The gap within each level that both sets have: `first`, `second`, `gap`, `low`, `high`, and its rows' `share`."""
    found = {}
    sides = [level_names(r, by) for r in (two.before, two.after)]
    total, least = len(two.before) + len(two.after), 1 if main.how in ("sum", "count") else 8
    for level in sorted(set(sides[0]) & set(sides[1])):
        inner = replace(two, before=two.before[sides[0] == level], after=two.after[sides[1] == level])
        if min(len(inner.before), len(inner.after)) < least:
            continue
        how = "mean" if main.how == "share" else main.how
        gap = count_gap(inner) if how == "count" else gap_of(inner, main.measure, how)
        if gap is not None and gap.how == main.how:
            low, high = gap.interval or (np.nan, np.nan)
            share = (len(inner.before) + len(inner.after)) / total
            found[level] = {"first": gap.first, "second": gap.second, "gap": gap.gap, "low": low, "high": high}
            found[level]["share"] = share
    return pd.DataFrame(found).T.astype(float) if found else pd.DataFrame()


def _gap_units(gap: Gap) -> tuple[str, str, str]:
    """The unit of a gap, that of the two values, and the unit in words behind a number."""
    if gap.how == "share":
        return "pp", "%", " percentage points"
    unit = "rows" if gap.how == "count" else unit_of(gap.measure)
    return unit, unit, f" {unit}" if unit else ""


def _comparison_told(found: Compared) -> tuple[str, dict[str, Any], list[str]]:
    """The answer in words, its values, and what to keep in mind."""
    gap, two = found.main, found.two
    unit, level, word = _gap_units(gap)
    kinds = {"count": "the number of rows", "share": f"the share of {say(gap.measure)} {gap.yes}"}
    what = kinds.get(gap.how, f"{'total' if gap.how == 'sum' else f'the {gap.how}'} {say(gap.measure)}")
    one, other = (measured_text(number(x), level) for x in (gap.first, gap.second))
    text = f"{what} is {other} for {two.second} and {one} for {two.first}: {signed_number(gap.gap)}{word}"
    if gap.interval:
        text += f" (95 % CI {signed_number(gap.interval[0])} to {signed_number(gap.interval[1])})"
    elif gap.first:
        text += f" ({signed(100 * gap.gap / abs(gap.first), 1)} %)"
    text += f", {'beyond' if gap.p < 0.05 else 'within'} chance ({chance(gap.p)})." if np.isfinite(gap.p) else "."
    values: dict[str, Any] = {
        "difference": (gap.gap, unit, gap.interval),
        two.second: (gap.second, level),
        two.first: (gap.first, level),
    }
    notes = list(two.notes) + list(found.notes)
    if found.by:
        top = str(found.segments["gap"].abs().idxmax())
        at = float(found.segments["gap"][top])
        values[f"{found.by}: {top}"] = (at, unit)
        text += f" By {say(found.by)} it is largest for {top}, {signed_number(at)}{word}"
        turned = [str(k) for k in found.segments.index[found.segments["gap"] * gap.gap < 0]]
        if turned and len(turned) == len(found.segments):
            text += f"; within every {say(found.by)} it goes the other way, so compare within them"
        elif turned:
            text += f"; it goes the other way for {', '.join(turned[:3])}"
        text += "."
    beside = [g for g in found.others if np.isfinite(g.p) and g.p < 0.01][:3]
    if beside:
        told = [f"{say(g.measure)} {signed_number(g.gap)} {_gap_units(g)[0]}".rstrip() for g in beside]
        notes.append(f"Beside it: {'; '.join(told)}.")
    notes += [] if gap.interval else ["Totals of all rows have no interval."]
    return text, values, [*notes, "The two may differ in more than this, so the difference says nothing of its cause."]


def tell_comparison(found: Compared) -> None:
    """Answer with the difference in units, its interval, where it is largest, and whether segments turn it round."""
    text, values, notes = _comparison_told(found)
    answer(text, values, notes=notes, queries=found.two.queries(found.main.measure, found.main.how))


def report_comparison(found: Compared) -> None:
    """Report the difference with what to keep in mind."""
    text, _, notes = _comparison_told(found)
    gap, two = found.main, found.two
    test = None
    if np.isfinite(gap.p):
        names_of = {"mean": "welch_t", "share": "two_proportions", "median": "mannwhitneyu"}
        test = ledger.test(names_of[gap.how], f"{two.first} against {two.second}", gap.measure)
    report(
        "descriptive",
        "comparison",
        text,
        [c for c in (gap.measure, found.by) if c],
        effect=effect("mean_diff", gap.gap, gap.interval),
        test=test,
        n=sum(gap.n),
        params={"first": two.first, "second": two.second},
        caveats=notes,
        confidence="high",
    )


def draw_comparison(found: Compared) -> None:
    """Both sets, all rows and by segment: a dot each, joined by a line."""
    gap, two = found.main, found.two
    rows = [] if gap.how in ("sum", "count") and found.by else [("all", gap.first, gap.second)]
    if found.by:
        ordered = found.segments.sort_values("gap", key=abs, ascending=False, kind="stable").head(11)
        rows += [(str(k), float(r["first"]), float(r["second"])) for k, r in ordered.iterrows()]
    by = f", by {say(found.by)}" if found.by else ""
    title = f"{say(gap.measure) if gap.measure else 'rows'}: {two.second} and {two.first}{by}"
    fig, ax = figure(title, height=2.2 + 0.5 * len(rows))
    for i, (_, one, other) in enumerate(rows[::-1]):
        ax.plot([one, other], [i, i], color=COLOURS[6], lw=2, zorder=1)
        ax.plot(one, i, "o", color=COLOURS[0], ms=10, label=two.first if i == 0 else None)
        ax.plot(other, i, "o", color=COLOURS[1], ms=10, label=two.second if i == 0 else None)
    ax.set_yticks(range(len(rows)), [tick(r[0]) for r in rows[::-1]])
    axes = {
        "count": "Rows",
        "share": f"{label(gap.measure)} {gap.yes} (% of rows)",
        "sum": f"{label(gap.measure)}, sum",
    }
    ax.set(xlabel=axes.get(gap.how, f"{label(gap.measure)}, {gap.how}"), ylim=(-0.6, len(rows) - 0.4))
    plain_ticks(ax, "x")
    fig.legend(loc="outside lower right", ncols=2, frameon=False, fontsize=13)
    show(fig, f"Dots: {title}")


def comparison_table(found: Compared) -> pd.DataFrame:
    """All measures that were compared, the one told first."""
    every, two = (found.main, *found.others), found.two
    rows = [(g.measure or "rows", g.how, g.first, g.second, g.gap, g.p) for g in every]
    columns = ["measure", "of", two.first, two.second, "difference", "p"]
    return pd.DataFrame(rows, columns=columns).set_index("measure")
