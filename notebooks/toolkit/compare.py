"""Two groups or two periods held against each other: the difference in units, by segment, and what differs most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from notebooks.templates.toolkit import COLOURS, answer, chance, effect, figure, is_text, label, ledger, number, percent, report, say, show, signed, tick, with_unit, yes_level
from notebooks.toolkit.attempts import CannotAnswer, has
from notebooks.toolkit.change import Two, level_names
from notebooks.toolkit.why_changed import is_rate, is_time, segments_of, time_column, two_sets, unit_of


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


def gap_of(two: Two, measure: str, how: str) -> Gap | None:
    """The difference of one measure between two sets of rows: means by Welch, shares by Newcombe and a score test."""
    from scipy import stats
    from statsmodels.stats.proportion import confint_proportions_2indep, test_proportions_2indep

    if how in ("count", "sum"):
        sizes = [float(len(r) if how == "count" else r[measure].sum()) for r in (two.before, two.after)]
        return Gap(measure, how, "", *sizes, sizes[1] - sizes[0], None, float("nan"), (len(two.before), len(two.after)), 0.0)
    a, b = two.before[measure].dropna(), two.after[measure].dropna()
    if min(len(a), len(b)) < 2:
        return None
    every = pd.concat([a, b])
    sizes_of = (len(a), len(b))
    if every.nunique() == 2 and how != "median":
        yes = yes_level(every.unique())
        k = [int((a == yes).sum()), int((b == yes).sum())]
        low, high = confint_proportions_2indep(k[1], len(b), k[0], len(a), compare="diff", method="newcomb")
        p = float(test_proportions_2indep(k[1], len(b), k[0], len(a), compare="diff").pvalue)
        one, other = 100 * k[0] / len(a), 100 * k[1] / len(b)
        spread = 100 * float((every == yes).std())
        return Gap(measure, "share", str(yes), one, other, other - one, (100 * low, 100 * high), p, sizes_of, (other - one) / spread if spread else 0.0)
    if is_text(every) or is_time(every) or every.nunique() < 2:
        return None
    a, b = a.astype(float), b.astype(float)
    spread = float(np.sqrt((a.var() + b.var()) / 2))
    if how == "median":
        drawn = stats.bootstrap((b, a), lambda x, y, axis: np.median(x, axis) - np.median(y, axis), n_resamples=1000, batch=100, method="percentile", rng=np.random.default_rng(0))
        ends, p = drawn.confidence_interval, float(stats.mannwhitneyu(a, b).pvalue)
        one, other = float(a.median()), float(b.median())
    else:
        found = stats.ttest_ind(b, a, equal_var=False)
        ends, p = found.confidence_interval(), float(found.pvalue)
        one, other = float(a.mean()), float(b.mean())
    return Gap(measure, how, "", one, other, other - one, (float(ends[0]), float(ends[1])), p, sizes_of, (other - one) / spread if spread else 0.0)


def compare_two(
    df: pd.DataFrame, of: str = "", first: str = "", second: str = "", measures: list[str] | None = None, how: str = "",
    by: list[str] | None = None, grain: str = "",
) -> Compared:  # fmt: skip
    """`first` held against `second`: groups of a column, or periods. Without measures all columns are compared, and the
    one that differs most, in standard deviations and beyond chance, is told first."""
    has(df, measure=measures or [], segments=by or [])
    two = two_sets(df, of, first, second, grain)
    of = of or time_column(df)
    notes = list(two.notes)
    names = measures or [str(c) for c in df.columns if c != of and df[c].nunique() > 1]
    periods = is_time(df[of])
    found = []
    for name in names:
        kind = how or ("sum" if periods and measures and not is_rate(df, name) and not is_text(df[name]) and df[name].nunique() > 2 else "mean")
        if measures and kind != "count" and (is_time(df[name]) or (is_text(df[name]) and df[name].nunique() > 2)):
            raise CannotAnswer(f"{say(name)} is neither a number nor an answer of two levels, so it has no {kind} to compare.")
        gap = gap_of(two, name, kind)
        found += [gap] if gap is not None else []
    if how == "count" or not found:
        found = [gap for gap in [gap_of(two, "", "count")] if gap is not None] + found
    for gap in found:
        if np.isfinite(gap.p):
            ledger.add(f"{two.first} against {two.second}", gap.measure, gap.p)
    if not measures and len(found) > 1:
        found.sort(key=lambda g: (-abs(g.standard), g.measure))
        notes.append(f"All {len(found)} columns were compared; this is the one that differs most in standard deviations.")
    main = found[0]
    columns = by or segments_of(df, [of, main.measure], most=12)
    tables = {c: gaps_by_segment(two, c, main) for c in columns}
    tables = {c: t for c, t in tables.items() if len(t) > 1}
    chosen = max(tables, key=lambda c: (float((tables[c]["gap"] - main.gap).abs().mul(tables[c]["share"]).sum()), c)) if tables else ""
    return Compared(two, main, tuple(found[1:]), chosen, tables.get(chosen, pd.DataFrame()), tuple(notes))


def gaps_by_segment(two: Two, by: str, main: Gap) -> pd.DataFrame:
    """The gap within each level that both sets have: `first`, `second`, `gap`, `low`, `high`, and the `share` of rows."""
    rows = {}
    sides = [level_names(r, by) for r in (two.before, two.after)]
    total = len(two.before) + len(two.after)
    for level in sorted(set(sides[0]) & set(sides[1])):
        inner = Two(two.before[sides[0] == level], two.after[sides[1] == level], two.first, two.second)
        if min(len(inner.before), len(inner.after)) < (1 if main.how in ("sum", "count") else 8):
            continue
        gap = gap_of(inner, main.measure, main.how if main.how != "share" else "mean")
        if gap is not None and (gap.how == main.how):
            low, high = gap.interval or (np.nan, np.nan)
            rows[level] = {"first": gap.first, "second": gap.second, "gap": gap.gap, "low": low, "high": high, "share": (len(inner.before) + len(inner.after)) / total}
    return pd.DataFrame(rows).T.astype(float) if rows else pd.DataFrame()


def _written(gap: Gap) -> tuple[Any, str]:
    if gap.how == "share":
        return (lambda x: f"{x:.1f} %".replace("-", "−")), "pp"
    if gap.how == "count":
        return number, "rows"
    return (lambda x: with_unit(x, gap.measure)), unit_of(gap.measure)


def tell_comparison(found: Compared) -> None:
    """Answer with the difference in units, its interval, where it is largest, and whether segments turn it round."""
    gap, two = found.main, found.two
    write, unit = _written(gap)
    word = {"pp": " percentage points", "": ""}.get(unit, f" {unit}")
    points = lambda x: signed(x, 2 if abs(x) < 100 else 0)  # noqa: E731
    what = {"mean": f"the mean {say(gap.measure)}", "median": f"the median {say(gap.measure)}", "sum": f"total {say(gap.measure)}", "count": "the number of rows"}.get(gap.how, f"the share of {say(gap.measure)} {gap.yes}")
    text = f"{what} is {write(gap.second)} for {two.second} and {write(gap.first)} for {two.first}: {points(gap.gap)}{word}"
    text += f" (95 % CI {points(gap.interval[0])} to {points(gap.interval[1])})" if gap.interval else f" ({signed(100 * gap.gap / abs(gap.first), 1)} %)" if gap.first else ""
    text += f", {'beyond chance' if gap.p < 0.05 else 'within chance'} ({chance(gap.p)})." if np.isfinite(gap.p) else "."
    values: dict[str, Any] = {"difference": (gap.gap, unit, gap.interval), two.second: (gap.second, "%" if unit == "pp" else unit), two.first: (gap.first, "%" if unit == "pp" else unit)}
    notes = list(found.notes)
    if found.by:
        top = str(found.segments["gap"].abs().idxmax())
        at = float(found.segments.loc[top, "gap"])
        text += f" By {say(found.by)} it is largest for {top}, {points(at)}{word}"
        values[f"{found.by}: {top}"] = (at, unit)
        turned = [str(k) for k, row in found.segments.iterrows() if row["gap"] * gap.gap < 0]
        if turned and len(turned) == len(found.segments):
            text += f"; within every {say(found.by)} it goes the other way, so compare within them"
        elif turned:
            text += f"; it goes the other way for {', '.join(turned[:3])}"
        text += "."
    more = [g for g in found.others if np.isfinite(g.p) and g.p < 0.01][:3]
    if more:
        told = []
        for g in more:
            w, u = _written(g)
            told.append(f"{say(g.measure)} {points(g.gap)} {'pp' if u == 'pp' else u}".strip())
        notes.append(f"Beside it: {'; '.join(told)}.")
    notes += [] if gap.interval else ["Totals of all rows have no interval."]
    notes.append("The two may differ in more than this, so the difference says nothing of its cause.")
    answer(text, values, notes=notes)
    test = ledger.test("welch_t" if gap.how == "mean" else "two_proportions" if gap.how == "share" else "mannwhitneyu", f"{two.first} against {two.second}", gap.measure) if np.isfinite(gap.p) else None
    report("descriptive", "comparison", text, [c for c in (gap.measure, found.by) if c], effect=effect("mean_diff", gap.gap, gap.interval), test=test, n=sum(gap.n), params={"first": two.first, "second": two.second}, caveats=notes, confidence="high")


def draw_comparison(found: Compared) -> None:
    """Both sets, all rows and by segment: a dot each, joined by a line."""
    gap, two = found.main, found.two
    rows = [("all", gap.first, gap.second)] + [(str(k), r["first"], r["second"]) for k, r in found.segments.sort_values("gap", key=abs, ascending=False).head(11).iterrows()]
    if gap.how in ("sum", "count"):
        rows = rows[1:] or rows
    title = f"{say(gap.measure) or 'rows'}: {two.second} and {two.first}" + (f", by {say(found.by)}" if found.by else "")
    fig, ax = figure(title, height=2.2 + 0.5 * len(rows))
    for i, (_, one, other) in enumerate(rows[::-1]):
        ax.plot([one, other], [i, i], color=COLOURS[6], lw=2, zorder=1)
        ax.plot(one, i, "o", color=COLOURS[0], ms=10, label=two.first if i == 0 else None)
        ax.plot(other, i, "o", color=COLOURS[1], ms=10, label=two.second if i == 0 else None)
    ax.set_yticks(range(len(rows)), [tick(r[0]) for r in rows[::-1]])
    axis = "Rows" if gap.how == "count" else f"{label(gap.measure)} {gap.yes} (%)" if gap.how == "share" else f"{gap.how.capitalize()} of {label(gap.measure)}"
    ax.set(xlabel=axis, ylim=(-0.6, len(rows) - 0.4))
    fig.legend(loc="outside lower right", ncols=2, frameon=False, fontsize=13)
    show(fig, f"Dots: {title}")


def comparison_table(found: Compared) -> pd.DataFrame:
    """All measures that were compared, the one told first."""
    rows = [{"measure": g.measure or "rows", "of": g.how, found.two.first: g.first, found.two.second: g.second, "difference": g.gap, "p": g.p} for g in (found.main, *found.others)]
    return pd.DataFrame(rows).set_index("measure")


def relative(gap: Gap) -> str:
    """The difference in percent of the first."""
    return percent(gap.gap / abs(gap.first), 1) if gap.first else ""
