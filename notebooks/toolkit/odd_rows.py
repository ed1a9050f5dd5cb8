"""Values that a person would want to see: impossible, isolated and influential ones, row by row, each with why."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.attempts import CannotAnswer, check_columns, file_row
from notebooks.toolkit.columns import is_text
from notebooks.toolkit.drawing import COLOURS, figure, show
from notebooks.toolkit.guesses import is_time
from notebooks.toolkit.ledger import effect
from notebooks.toolkit.naming import ID_NAME
from notebooks.toolkit.phrases import several, unit_of
from notebooks.toolkit.sentinels import _is_code
from notebooks.toolkit.telling import answer
from notebooks.toolkit.wording import label, number, percent, say, short, with_unit

# Words of a column's name, and between what its values must lie
VALUE_LIMITS = (
    (r"age", 0, 120, "an age"),
    (r"(pct|percent\w*|humidity)", 0, 100, "a percentage"),
    (r"month", 1, 12, "a month"),
    (r"hour", 0, 24, "an hour of the day"),
    (r"(lat|latitude)", -90, 90, "a latitude"),
    (r"(lon|lng|longitude)", -180, 180, "a longitude"),
    (
        r"(count|quantity|qty|units|number|height|weight|mass|length|width|distance|area|population|duration|size|price|people|visits)",
        0,
        np.inf,
        "such a quantity",
    ),
)

ODD_KINDS = ("impossible", "isolated", "influential")


@dataclass(frozen=True)
class OddRows:
    """`rows` has `row` (1 is the first row of the data), `column`, `value`, `kind`, `why`, the surest kind first."""

    rows: pd.DataFrame
    looked_at: list[str]
    n: int


def limits_of(name: str) -> tuple[float, float, str] | None:
    """Between what the values of a column must lie by its name, and what they are; None where the name does not say."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    found: Any = next((m for m in VALUE_LIMITS if re.search(rf"(^|[^a-z]){m[0]}([^a-z]|$)", words)), None)
    if not found and unit_of(name) in ("mm", "cm", "m", "km", "kg", "g", "mg", "lb", "min", "s", "m²", "ha"):
        return 0.0, np.inf, "such a measurement"
    return found[1:] if found else None


def impossible_values(df: pd.DataFrame, name: str) -> list[tuple[Any, str]]:
    """The rows whose value cannot be, by the column's name or as a code for missing: (index, why)."""
    s = df[name].dropna().astype(float)
    found = list[tuple[Any, str]]()
    codes = []
    counts = s.value_counts()
    for code in sorted({s.min(), s.max()}) if len(counts) > 5 else []:
        if counts[code] >= 3 and _is_code(code, counts):
            codes.append(code)
            found += [
                (i, f"{number(code)} stands in {int(counts[code]):,} rows, far from all else: a code for missing")
                for i in s.index[s == code]
            ]
    limits = limits_of(name)
    if limits and s.between(limits[0], limits[1]).mean() >= 0.9:  # else the name means something else
        low, high, what = limits
        beyond = s[~s.between(low, high) & ~s.isin(codes)]
        ends = f"below {number(low)}" if np.isinf(high) else f"outside {number(low)} to {number(high)}"
        found += [(i, f"{number(v)} is {ends}, which {what} cannot be") for i, v in beyond.items()]
    return found


def out_of_order(df: pd.DataFrame, a: str, b: str) -> list[tuple[Any, str]]:
    """Rows whose second time lies before the first, where nearly all others are in order."""
    both = df[[a, b]].dropna()
    wrong = both[both[b] < both[a]]
    if len(both) < 20 or not 0 < len(wrong) <= 0.05 * len(both) or (both[a] == both[b]).mean() > 0.9:
        return []
    return [
        (i, f"{say(b)} lies before {say(a)}, {abs((t[b] - t[a]).total_seconds()) / 86400:,.1f} days")
        for i, t in wrong.iterrows()
    ]


def isolated_values(values: pd.Series) -> list[tuple[Any, float]]:
    """The few values that a gap parts from all others: (index, robust standard deviations from the median).

    On the logarithm where the values are positive and skewed. Beyond 3.5 robust standard deviations (of the median
    absolute deviation) the first gap of one of these parts them; more than 1 % of the rows are a tail, not isolated.
    """
    from scipy.stats import median_abs_deviation, skew

    s = values.dropna().astype(float)
    if len(s) < 10 or s.nunique() < 8:
        return []
    x = pd.Series(np.log(s), index=s.index) if s.min() > 0 and skew(s) > 1.5 else s
    middle, spread = float(x.median()), float(median_abs_deviation(x, scale="normal"))
    spread = spread or float(x.quantile(0.95) - x.quantile(0.05)) / 3.3
    if spread == 0:
        return []
    z = (x - middle) / spread
    found = list[tuple[Any, float]]()
    most = max(3, int(0.01 * len(s)))
    for side in (z, -z):
        far = side[side > 3].sort_values(kind="stable")
        inner = pd.concat([pd.Series([float(side[side <= 3].max())]), far])
        gaps = [int(g) for g in np.flatnonzero(np.diff(inner) >= 1.0) if float(far.iloc[int(g)]) > 4]
        if gaps and len(far) - gaps[0] <= most:
            found += [(i, float(z[i])) for i in far.index[gaps[0] :]]
    return sorted(found, key=lambda f: -abs(f[1]))


def off_the_line(df: pd.DataFrame, a: str, b: str) -> list[tuple[Any, str]]:
    """Rows that are ordinary in each of two columns but not in both, where these go closely together."""
    from scipy.stats import median_abs_deviation, spearmanr

    known: Any = df[[a, b]].dropna().astype(float)
    both = np.log(known) if (known > 0).all().all() else known
    if len(both) < 30 or both.nunique().min() < 8 or abs(float(spearmanr(both[a], both[b]).statistic)) < 0.8:
        return []
    slope = (
        (both[b].rank() / len(both)).corr(both[a].rank() / len(both)) * _robust(both[b]) / max(_robust(both[a]), 1e-12)
    )
    rest = both[b] - slope * both[a]
    spread = float(median_abs_deviation(rest, scale="normal"))
    if spread == 0:
        return []
    z = (rest - rest.median()) / spread
    far = z[z.abs() > 7]
    if len(far) > max(3, 0.005 * len(both)):
        return []
    told = "do not go together as in the other rows"
    pairs = [(i, with_unit(known[a][i], a), with_unit(known[b][i], b), abs(v)) for i, v in far.items()]
    return [(i, f"{say(a)} {x} and {say(b)} {y} {told} ({v:.0f} standard deviations)") for i, x, y, v in pairs]


def _robust(x: pd.Series) -> float:
    from scipy.stats import median_abs_deviation

    return float(median_abs_deviation(x, scale="normal")) or float(x.std())


def influential_rows(df: pd.DataFrame, a: str, b: str) -> list[tuple[Any, str]]:
    """The rows that alone change how two columns go together: Cook's distance over 1, and the correlation by 0.1."""
    both = df[[a, b]].dropna().astype(float)
    x, y = both[a].to_numpy(), both[b].to_numpy()
    n = len(x)
    if n < 10 or both.nunique().min() < 5:
        return []
    r = float(np.corrcoef(x, y)[0, 1])
    lever = 1 / n + (x - x.mean()) ** 2 / ((x - x.mean()) ** 2).sum()
    line = np.polyfit(x, y, 1)
    rest = y - np.polyval(line, x)
    error = float((rest**2).sum() / (n - 2))
    if error == 0:
        return []
    cook = rest**2 / (2 * error) * lever / np.maximum((1 - lever) ** 2, 1e-12)
    found = []
    for k in np.argsort(-cook, kind="stable")[:5]:
        without = float(np.corrcoef(np.delete(x, k), np.delete(y, k))[0, 1])
        if cook[k] > 1 and abs(without - r) >= 0.1:
            found.append(
                (
                    both.index[k],
                    f"without this row the correlation of {say(a)} and {say(b)} "
                    f"is {without:.2f} instead of {r:.2f}".replace("-", "−"),
                )
            )
    return found


def odd_rows(df: pd.DataFrame, columns: list[str] | None = None) -> OddRows:
    """Impossible, isolated and influential values of some columns, or of all.

    Raises CannotAnswer where none can have any.
    """
    check_columns(df, columns=columns or [])
    names = columns or list(map(str, df.columns))
    plain = [c for c in names if not is_text(df[c]) and not is_time(df[c]) and not pd.api.types.is_bool_dtype(df[c])]
    numbers = [c for c in plain if df[c].nunique() > 2 and (columns or not ID_NAME.search(c))]
    times = [c for c in names if is_time(df[c])]
    if not numbers and not times:
        raise CannotAnswer("No column holds numbers or times, so there are no outliers to look for.")
    found = list[dict[str, Any]]()

    def put(index: Any, column: str, value: Any, kind: str, why: str, far: float = 0.0) -> None:
        found.append({"row": file_row(index), "column": column, "value": value, "kind": kind, "why": why, "far": far})

    usable = df.copy()
    for name in numbers:
        for i, why in impossible_values(df, name):
            put(i, name, df.at[i, name], "impossible", why, 1e9)
            usable.loc[i, name] = np.nan
        for i, z in isolated_values(usable[name]):
            why = (
                f"{abs(z):.0f} standard deviations {'above' if z > 0 else 'below'} the median of "
                f"{with_unit(float(usable[name].median()), name)}, with a gap before it"
            )
            put(i, name, df.at[i, name], "isolated", why, abs(z))
    for name in times:
        days = (df[name] - pd.Timestamp("1970-01-01")).dt.total_seconds() / 86400
        for i, z in isolated_values(days):
            put(
                i,
                name,
                str(df.at[i, name]),
                "isolated",
                f"far {'after' if z > 0 else 'before'} all other times",
                abs(z),
            )
    for a in times:
        for b in times:
            for i, why in out_of_order(df, a, b) if a != b else []:
                put(i, b, str(df.at[i, b]), "impossible", why, 1e9)
    some = numbers[:12]
    for k, a in enumerate(some):
        for b in some[k + 1 :]:
            for i, why in off_the_line(usable, a, b):
                put(i, b, df.at[i, b], "isolated", why, 5.0)
            for i, why in influential_rows(usable, a, b):
                put(i, b, df.at[i, b], "influential", why, 1.0)
    rows = pd.DataFrame(found, columns=["row", "column", "value", "kind", "why", "far"])
    rows["place"] = rows["kind"].map({k: i for i, k in enumerate(ODD_KINDS)})
    rows = rows.sort_values(["place", "far", "row"], ascending=[True, False, True], kind="stable")
    return OddRows(
        rows.drop_duplicates(["row", "column", "kind"]).drop(columns=["place", "far"]).reset_index(drop=True),
        numbers + times,
        len(df),
    )


def tell_odd_rows(found: OddRows) -> dict[str, Any]:
    """Answer with how many values of each kind there are, and the first of each; the list goes into a file."""
    counts = found.rows["kind"].value_counts()
    values = {kind: int(counts.get(kind, 0)) for kind in ODD_KINDS}
    values["rows"] = int(found.rows["row"].nunique())
    listed = ", ".join(say(c) for c in found.looked_at[:6]) + (
        f" and {len(found.looked_at) - 6} more" if len(found.looked_at) > 6 else ""
    )
    notes = [
        f"Looked at: {listed}. Isolated: a gap of one robust standard deviation "
        f"beyond the third. Influential: Cook's distance over 1."
    ]
    if found.rows.empty:
        text = f"No value is impossible, isolated or influential in {several(found.n, 'row')}."
        answer(text, values, notes=notes)
        return dict(type="null", kind="outliers", text=text, columns=found.looked_at, n=found.n, caveats=notes)
    told = []
    for kind in ODD_KINDS:
        mine = found.rows[found.rows["kind"] == kind]
        if len(mine):
            first = mine.iloc[0]
            shown = number(float(first["value"])) if isinstance(first["value"], (int, float)) else str(first["value"])
            told.append(
                f"{len(mine):,} {kind}, such as {say(str(first['column']))} {shown} "
                f"in row {int(first['row']):,} ({first['why']})"
            )
    text = (
        f"{values['rows']:,} of {found.n:,} rows ({percent(values['rows'] / found.n, 1)}) hold odd values: "
        + "; ".join(told)
        + "."
    )
    text += (
        " Check the impossible ones at their source before any mean is used."
        if values["impossible"]
        else " None is impossible: look at them, and keep them unless they are errors."
    )
    found.rows.to_csv("outliers.csv", index=False)
    answer(text, values, notes=notes, files=["outliers.csv"])
    return dict(
        type="descriptive",
        kind="outliers",
        text=text,
        columns=sorted(set(found.rows["column"])),
        effect=effect("count", values["rows"]),
        n=found.n,
        params={k: values[k] for k in ODD_KINDS},
        caveats=notes,
        confidence="medium",
    )


def draw_odd_rows(df: pd.DataFrame, found: OddRows) -> None:
    """Each column with odd values as a strip of points; the odd ones marked and named by their rows."""
    kinds = {"impossible": COLOURS[1], "isolated": COLOURS[4], "influential": COLOURS[2]}
    columns = [c for c in dict.fromkeys(found.rows["column"]) if not is_time(df[c])][:6]
    if not columns:
        return
    fig, axes = figure("Odd values by column", width=8.2, height=1.1 + 1.25 * len(columns), rows=len(columns))
    for ax, name in zip(np.atleast_1d(axes), columns, strict=True):
        values = df[name].dropna().astype(float)
        some = values.iloc[:: max(1, len(values) // 2000)]
        ax.scatter(some, np.random.default_rng(0).uniform(-0.3, 0.3, len(some)), s=8, color=COLOURS[6], alpha=0.4, lw=0)
        mine = found.rows[found.rows["column"] == name].drop_duplicates("row")
        for kind in ODD_KINDS:
            part = mine[mine["kind"] == kind]
            ax.scatter(
                part["value"].astype(float), np.zeros(len(part)), s=70, color=kinds[kind], edgecolor="white", label=kind
            )
        marked = mine.drop_duplicates("value").head(3).sort_values("value")
        for k, row in enumerate(marked.itertuples()):
            ax.annotate(
                f"row {row.row}",
                (float(row.value), 0),
                (0, 12 if k % 2 else -20),
                textcoords="offset points",
                ha="center",
                fontsize=11,
            )
        ax.set(yticks=[], ylim=(-0.9, 0.9))
        ax.margins(x=0.08)
        ax.set_title(short(label(name), 40), loc="left", fontsize=12)
        ax.tick_params(labelsize=11)
    handles = [
        __import__("matplotlib.lines", fromlist=["Line2D"]).Line2D([], [], marker="o", ls="", color=kinds[k], label=k)
        for k in ODD_KINDS
        if (found.rows["kind"] == k).any()
    ]
    fig.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=12, frameon=False)
    show(fig, "Points: the values of each column with odd ones, which are marked")
