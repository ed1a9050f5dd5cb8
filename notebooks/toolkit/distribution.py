"""The distribution of a column: middle, spread, tails and humps."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.attempts import CannotAnswer, check_columns
from notebooks.toolkit.columns import is_text
from notebooks.toolkit.drawing import COLOURS, figure, show
from notebooks.toolkit.guesses import is_time
from notebooks.toolkit.ledger import effect
from notebooks.toolkit.phrases import several, unit_of
from notebooks.toolkit.telling import answer
from notebooks.toolkit.wording import label, number, percent, say, short, tick, with_unit

MOST_LEVELS = 15


@dataclass(frozen=True)
class Shape:
    """The distribution of a column, by group where one is given: `rows` has `value` and `group`."""

    name: str
    by: str
    rows: pd.DataFrame
    told: str
    values: dict[str, Any]
    notes: tuple[str, ...]


def count_humps(values: Any) -> int:
    """How many humps a distribution has: peaks of its kernel density (Silverman's bandwidth) that stand out by a tenth
    of the highest."""
    from scipy.signal import find_peaks
    from scipy.stats import gaussian_kde

    x = np.asarray(values, float)
    if len(x) < 50 or np.ptp(x) == 0:
        return 1
    x = x[:: max(1, len(x) // 5000)]
    low, high = np.quantile(x, [0.005, 0.995])
    x = x[(x >= low) & (x <= high)]
    if np.ptp(x) == 0:
        return 1
    density = gaussian_kde(x, "silverman")(np.linspace(low, high, 256))
    padded = np.concatenate([[0.0], density, [0.0]])
    return max(1, len(find_peaks(padded, prominence=0.1 * padded.max())[0]))


def shape_of(df: pd.DataFrame, name: str, by: str = "") -> Shape:
    """Middle, spread, tails and humps of a column of numbers; of a column of levels, how often each stands there."""
    check_columns(df, column=name, groups=by)
    s = df[name].dropna()
    if s.empty:
        raise CannotAnswer(f"{say(name)} holds no values.")
    if is_text(s) or pd.api.types.is_bool_dtype(s):
        counts = s.astype("string").value_counts()
        first = ", ".join(f"{k} {percent(v / len(s))}" for k, v in counts.head(3).items())
        told = (
            f"{say(name)} has {len(counts):,} levels in {len(s):,} rows: "
            f"{first}{' and others' if len(counts) > 3 else ''}."
        )
        return Shape(
            name,
            "",
            counts.rename("value").rename_axis("group").reset_index(),
            told,
            {str(k): (100 * v / len(s), "%") for k, v in counts.head(10).items()},
            (),
        )
    if is_time(s):
        raise CannotAnswer(f"{say(name)} holds times: ask how many rows there are by month instead.")
    x = s.astype(float)
    low, q1, middle, q3, high = (float(x.quantile(p)) for p in (0.05, 0.25, 0.5, 0.75, 0.95))
    skew = float(np.asarray(x.skew())) if len(x) > 2 and x.nunique() > 1 else 0.0
    form = (
        "roughly symmetric"
        if abs(skew) < 0.5
        else f"skewed to the {'right' if skew > 0 else 'left'}, with a tail "
        f"of {'large' if skew > 0 else 'small'} values"
    )
    many = count_humps(x)
    form += f", with {many} humps" if many > 1 and x.nunique() > 12 else ""
    told = (
        f"{say(name)} lies between {with_unit(q1, name)} and {with_unit(q3, name)} in the middle "
        f"half of {several(len(x), 'row')}; the median is {with_unit(middle, name)}, the mean "
        f"{with_unit(float(x.mean()), name)}. "
        f"It is {form}; 90 % lie between {with_unit(low, name)} and {with_unit(high, name)}."
    )
    unit = unit_of(name)
    values: dict[str, Any] = {
        "median": (middle, unit),
        "mean": (float(x.mean()), unit),
        "standard deviation": (float(x.std()), unit),
        "25 % quantile": (q1, unit),
        "75 % quantile": (q3, unit),
        "skewness": skew,
    }
    notes = [f"{int(df[name].isna().sum()):,} rows have no {say(name)}."] if df[name].isna().any() else []
    rows = pd.DataFrame({"value": x, "group": df.loc[x.index, by].astype("string").fillna("(missing)") if by else ""})
    if by:
        medians = rows.groupby("group")["value"].median().sort_values(ascending=False, kind="stable")
        told += (
            f" By {say(by)} the median is highest for {medians.index[0]} ({with_unit(float(medians.iloc[0]), name)}) "
            f"and lowest for {medians.index[-1]} ({with_unit(float(medians.iloc[-1]), name)})."
        )
        values |= {f"median of {k}": (float(v), unit) for k, v in medians.head(6).items()}
    return Shape(name, by, rows, told, values, tuple(notes))


def draw_shape(found: Shape, title: str = "", density: bool = False) -> None:
    """A histogram with mean and median; by group, one below the other on one axis; of levels, bars."""
    title = title or (f"{say(found.name)} by {say(found.by)}" if found.by else f"Distribution of {say(found.name)}")
    if not found.rows.empty and is_text(found.rows["group"]) and found.rows["group"].iloc[0] != "" and not found.by:
        shown = found.rows.head(MOST_LEVELS)[::-1]
        fig, ax = figure(title, height=1.6 + 0.42 * len(shown))
        ax.barh(range(len(shown)), shown["value"], color=COLOURS[0])
        for i, v in enumerate(shown["value"]):
            ax.text(v, i, f" {int(v):,}", va="center")
        ax.set_yticks(range(len(shown)), [tick(v) for v in shown["group"]])
        ax.set_xlabel("Rows")
        ax.margins(x=0.16)
        ax.grid(axis="y", visible=False)
        show(fig, f"Bars: how often each {say(found.name)} stands there")
        return
    groups = list(found.rows["group"].value_counts().index[:6]) if found.by else [""]
    x = found.rows["value"]
    low, high = float(x.quantile(0.002)), float(x.quantile(0.998))
    few = x.nunique() <= 30 and bool((x % 1 == 0).all())
    edges = (
        np.arange(x.min() - 0.5, x.max() + 1)
        if few
        else np.histogram_bin_edges(x[(x >= low) & (x <= high)], bins=min(60, max(10, int(len(x) ** 0.5))))
    )
    fig, axes = figure(title, height=1.6 + (2.9 if not found.by else 1.45 * len(groups)), rows=len(groups))
    for i, (ax, level) in enumerate(zip(np.atleast_1d(axes), groups, strict=True)):
        part = x[found.rows["group"] == level] if found.by else x
        ax.hist(part, bins=edges, color=COLOURS[6] if not found.by else COLOURS[i], alpha=0.75, density=density)
        ax.axvline(part.median(), color=COLOURS[1] if not found.by else "black", lw=2.4)
        if found.by:
            ax.set_title(f"{short(level)}, median {number(float(part.median()))}", loc="left", fontsize=12)
            ax.tick_params(labelsize=11)
        else:
            ax.axvline(part.mean(), color=COLOURS[0], lw=2.4, ls="--")
        ax.set_xlim(edges[0], edges[-1])
        if i < len(groups) - 1:
            ax.tick_params(labelbottom=False)
    last = np.atleast_1d(axes)[-1]
    last.set_xlabel(label(found.name) + ("" if found.by else "; line: median, dashed: mean"))
    np.atleast_1d(axes)[0].set_ylabel("" if found.by else "Density" if density else "Rows")
    beyond = int(((x < edges[0]) | (x > edges[-1])).sum())
    if beyond:
        print(f"{beyond:,} values lie beyond the axis.")
    show(fig, f"Histogram of {say(found.name)}" + (f" for each {say(found.by)}" if found.by else ""))


def tell_shape(found: Shape) -> dict[str, Any]:
    """Answer with middle, spread and form."""
    of = found.name if found.name.isidentifier() else f"`{found.name}`"
    ops = {"median": "median", "mean": "mean", "standard deviation": "std", "skewness": "skewness"}
    queries = {name: {"measures": [{"op": op, "of": of}]} for name, op in ops.items() if name in found.values}
    answer(found.told, found.values, notes=found.notes, queries=queries)
    return dict(
        type="descriptive",
        kind="distribution",
        text=found.told,
        columns=[c for c in (found.name, found.by) if c],
        effect=effect("count", len(found.rows)),
        n=len(found.rows),
        caveats=found.notes,
        confidence="high",
    )
