"""The chart that was asked for, with a sentence that says what it shows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.attempts import CannotAnswer, check_columns
from notebooks.toolkit.columns import is_text
from notebooks.toolkit.distribution import MOST_LEVELS, Shape, draw_shape, shape_of
from notebooks.toolkit.drawing import COLOURS, figure, name_columns, show
from notebooks.toolkit.guesses import is_time, sums_up
from notebooks.toolkit.intervals import r_interval
from notebooks.toolkit.naming import name_and_unit
from notebooks.toolkit.periods import in_periods, whole_periods
from notebooks.toolkit.phrases import plain_ticks
from notebooks.toolkit.telling import answer
from notebooks.toolkit.wording import from_to, label, number, percent, say, short, signed, tick, with_unit


@dataclass(frozen=True)
class Plot:
    """What a chart shows: `data` as drawn, of which kind, and the sentence that reads it."""

    kind: str
    x: str
    y: tuple[str, ...]
    colour: str
    data: pd.DataFrame
    told: str
    values: dict[str, Any]
    notes: tuple[str, ...]
    how: str


def kind_of_chart(df: pd.DataFrame, x: str, y: list[str]) -> str:
    """The chart that suits the columns: lines over time, points of two numbers, bars or boxes by group, a histogram."""
    if not x:
        return "histogram" if len(y) == 1 and not is_text(df[y[0]]) else "heatmap"
    if is_time(df[x]):
        return "line" if y else "bar"
    if is_text(df[x]) or df[x].nunique() <= 12:
        return "bar"
    return "scatter" if y else "histogram"


def make_plot(
    df: pd.DataFrame,
    kind: str = "auto",
    x: str = "",
    y: list[str] | None = None,
    colour: str = "",
    how: str = "",
    grain: str = "",
) -> Plot:
    """The data of a chart. Rows are brought down to one value a bar or a point of a line by `how` (sums of amounts,
    means of rates, counts without a column)."""
    names = list(y or [])
    check_columns(df, axis=[c for c in (x, colour, *names) if c])
    kind = kind if kind != "auto" else kind_of_chart(df, x, names)
    notes = list[str]()
    if kind in ("scatter", "line", "area", "box", "violin") and not names:
        raise CannotAnswer(f"A {kind} chart needs a column of numbers to draw, and none was named.")
    for name in names:
        if is_text(df[name]) and kind not in ("bar", "pie", "heatmap"):
            raise CannotAnswer(f"{say(name)} holds texts, which a {kind} chart cannot draw.")
    if kind in ("histogram", "density"):
        name = names[0] if names else x
        if is_text(df[name]):
            return make_plot(df, "bar", name, [], colour, "count")
        found = shape_of(df, name, colour or (x if names and x != name else ""))
        return Plot(
            kind,
            "",
            (name,),
            colour or (x if names and x != name else ""),
            found.rows,
            found.told,
            found.values,
            (),
            "",
        )
    if kind == "heatmap":
        return _heatmap(df, x, names)
    if kind == "scatter":
        if not x:
            x, names = names[0], names[1:]
        return _scatter(df, x, names, colour)
    if kind in ("box", "violin"):
        return _boxes(df, kind, x or colour, names[0])
    how = how or ("count" if not names else "sum" if sums_up(df, names[0]) else "mean")
    if kind in ("line", "area") or (x and is_time(df[x]) and kind == "bar"):
        return _line(df, kind, x, names, colour, how, grain)
    group = x or colour
    if not group:
        raise CannotAnswer("Bars need a column whose levels they stand for, and none was named.")
    keys = df[group].astype("string").fillna("(missing)")
    values = df.groupby(keys).size() if how == "count" else df.groupby(keys)[names[0]].agg(how)
    values = values.astype(float).dropna().sort_values(ascending=False, kind="stable")
    if len(values) > MOST_LEVELS:
        notes.append(f"Of {len(values):,} levels the first {MOST_LEVELS} are drawn.")
    whole, top = float(values.sum()), str(values.index[0])
    what = "rows" if how == "count" else f"{how} of {say(names[0])}"
    write = number if how == "count" else (lambda v: with_unit(v, names[0]))
    told = f"{say(group)} {top} has the most: {write(float(values.iloc[0]))}" + (
        f" ({percent(float(values.iloc[0]) / whole)} of all)" if how in ("sum", "count") and whole > 0 else ""
    )
    told += f"; {values.index[-1]} the least: {write(float(values.iloc[-1]))}" if len(values) > 1 else ""
    if kind == "pie" and len(values) > 6:
        kind = "bar"
        notes.append("Bars are drawn, since a pie of more than six parts cannot be read.")
    data = values.rename("value").rename_axis(group).reset_index()
    return Plot(
        kind,
        group,
        tuple(names),
        "",
        data,
        f"{what} by {say(group)}: {told}.",
        {str(k): float(v) for k, v in values.head(10).items()},
        tuple(notes),
        how,
    )


def _line(df: pd.DataFrame, kind: str, x: str, names: list[str], colour: str, how: str, grain: str) -> Plot:
    if not x:
        raise CannotAnswer("A line needs a column of times or numbers to run along, and none was named.")
    notes = list[str]()
    rows = df.dropna(subset=[x])
    keys: Any = rows[x]
    if is_time(rows[x]):
        as_they_are = not grain and rows[x].nunique() == len(rows) <= 400 and not colour
        grain = grain or next(
            (g for g in ("day", "week", "month", "quarter", "year") if len(whole_periods(rows[x], g)[0]) <= 120), "year"
        )
        if as_they_are and grain != "year":
            keys = rows[x]
        else:
            keys = in_periods(rows[x], grain).dt.to_timestamp()
            partial = [p.start_time for p in whole_periods(rows[x], grain)[1]]
            inside = ~keys.isin(partial)
            if partial and how in ("sum", "count") and inside.any():
                rows, keys = rows[inside], keys[inside]
                notes.append(f"A first or last {grain} that these rows do not cover wholly is not drawn.")
            notes.append(f"One point a {grain}: the {how} of its rows.")
    levels = list(rows[colour].astype("string").value_counts().index[:6]) if colour else []
    parts = {}
    for name in names or [""]:
        for level in levels or [""]:
            some = rows[rows[colour].astype("string") == level] if colour else rows
            grouped = some.groupby(keys.loc[some.index])
            series = grouped.size() if how == "count" or not name else grouped[name].agg(how)
            parts[level or say(name) or "rows"] = series.astype(float)
    data = pd.DataFrame(parts).sort_index()
    name = names[0] if names else ""
    write = (lambda v: with_unit(v, name)) if name and how != "count" else number
    when = (lambda end: f"{end:%Y-%m-%d}") if is_time(rows[x]) else str
    told, values = list[str](), dict[str, float]()
    for called, series in ((str(c), data[c].dropna()) for c in data):
        if series.empty:
            continue
        begun, ended = (f"{write(series.iloc[at])} ({when(series.index[at])})" for at in (0, -1))
        told.append(
            f"{called} went from {begun} to {ended}; highest {write(series.max())}, lowest {write(series.min())}."
        )
        of = f" of {called}" if len(data.columns) > 1 else ""
        ends = {"first": series.iloc[0], "last": series.iloc[-1], "highest": series.max(), "lowest": series.min()}
        values |= {f"{end}{of}": float(v) for end, v in ends.items()}
    kind = "line" if kind == "bar" and len(data) > 24 else kind
    return Plot(kind, x, tuple(names), colour, data, " ".join(told), values, tuple(notes), how)


def _scatter(df: pd.DataFrame, x: str, names: list[str], colour: str) -> Plot:
    if not names:
        raise CannotAnswer("Points need two columns of numbers, and only one was named.")
    rows = df[list(dict.fromkeys([x, names[0], *([colour] if colour else [])]))].dropna(subset=[x, names[0]])
    if is_text(rows[x]) or len(rows) < 3:
        raise CannotAnswer(
            f"Points need two columns of numbers with rows in common; {say(x)} and {say(names[0])} have {len(rows)}."
        )
    told, values = f"{len(rows):,} rows.", dict[str, Any]()
    if not is_time(rows[x]) and min(rows[x].nunique(), rows[names[0]].nunique()) > 1:
        r = float(rows[x].astype(float).corr(rows[names[0]].astype(float)))
        ends = r_interval(rows[x].to_numpy(float), rows[names[0]].to_numpy(float)) if len(rows) > 3 else None
        told = (
            f"{say(names[0])} and {say(x)}: r = {signed(r)}"
            + (f" (95 % CI {from_to(ends)})" if ends else "")
            + f", n = {len(rows):,}."
        )
        values = {"correlation": (r, "", ends)}
    return Plot("scatter", x, tuple(names[:1]), colour, rows, told, values, (), "")


def _boxes(df: pd.DataFrame, kind: str, group: str, name: str) -> Plot:
    rows = df[[c for c in dict.fromkeys([group, name]) if c]].dropna(subset=[name])
    keys = rows[group].astype("string").fillna("(missing)") if group else pd.Series(say(name), index=rows.index)
    data = pd.DataFrame({"group": keys, "value": rows[name].astype(float)})
    medians = data.groupby("group")["value"].median().sort_values(ascending=False, kind="stable")
    notes = (
        (f"Of {len(medians):,} levels the first {MOST_LEVELS} by median are drawn.",)
        if len(medians) > MOST_LEVELS
        else ()
    )
    told = (
        f"the median {say(name)} is {with_unit(float(medians.iloc[0]), name)}"
        + (
            f" for {medians.index[0]}, the highest, and {with_unit(float(medians.iloc[-1]), name)} "
            f"for {medians.index[-1]}, the lowest"
            if len(medians) > 1
            else ""
        )
        + "."
    )
    return Plot(
        kind, group, (name,), "", data, told, {str(k): float(v) for k, v in medians.head(10).items()}, notes, "median"
    )


def _heatmap(df: pd.DataFrame, x: str, names: list[str]) -> Plot:
    columns = [c for c in [x, *names] if c]
    texts = [c for c in columns if is_text(df[c]) or df[c].nunique() <= 12]
    if len(columns) >= 2 and len(texts) == 2:
        data = pd.crosstab(df[texts[0]].astype("string"), df[texts[1]].astype("string"))
        cell: Any = data.stack().idxmax()
        told = (
            f"most rows have {say(texts[0])} {cell[0]} and {say(texts[1])} {cell[1]}: "
            f"{int(data.max().max()):,} of {int(data.to_numpy().sum()):,}."
        )
        return Plot("heatmap", texts[1], (texts[0],), "", data, told, {"most": int(data.max().max())}, (), "count")
    numbers = [
        c
        for c in (columns or map(str, df.columns))
        if not is_text(df[c]) and not is_time(df[c]) and df[c].nunique() > 2
    ][:14]
    if len(numbers) < 2:
        raise CannotAnswer("A heatmap of correlations needs two columns of numbers or more.")
    data = df[numbers].astype(float).corr()
    off: Any = data.where(~np.eye(len(data), dtype=bool)).stack()
    a, b = off.abs().idxmax()
    told = f"{say(a)} and {say(b)} go together most closely: r = {signed(float(off[(a, b)]))}."
    return Plot("heatmap", "", tuple(numbers), "", data, told, {f"{a} × {b}": float(off[(a, b)])}, (), "correlation")


def draw_plot(found: Plot, title: str = "") -> None:
    """Draw the chart."""
    what = ", ".join(say(c) for c in found.y) or "rows"
    along = say(found.x) if found.x else ""
    title = title or (f"{what} by {along}" if along else what)
    data = found.data
    if found.kind in ("histogram", "density"):
        draw_shape(
            Shape(found.y[0], found.colour, data, found.told, found.values, ()), title, density=found.kind == "density"
        )
        return
    unit = "rows" if found.how == "count" or not found.y else label(found.y[0])
    if found.kind in ("bar", "pie") and "value" in data and found.x in data:
        shown = data.head(MOST_LEVELS)
        if found.kind == "pie":
            fig, ax = figure(title, height=4.4)
            ax.pie(
                shown["value"],
                labels=[short(v) for v in shown[found.x]],
                autopct=lambda p: f"{p:.0f} %",
                startangle=90,
                counterclock=False,
                colors=COLOURS,
                textprops={"fontsize": 13},
                pctdistance=0.75,
            )
        else:
            fig, ax = figure(title, height=1.6 + 0.42 * len(shown))
            for i, v in enumerate(shown["value"][::-1]):
                ax.barh(i, v, color=COLOURS[0])
                ax.text(max(v, 0), i, f" {number(v)}", va="center")
            ax.set_yticks(range(len(shown)), [tick(v) for v in shown[found.x][::-1]])
            ax.set_xlabel("Rows" if found.how == "count" else f"{found.how.capitalize()} of {unit}")
            ax.margins(x=0.16)
            plain_ticks(ax, "x")
            ax.grid(axis="y", visible=False)
    elif found.kind in ("line", "area", "bar"):
        fig, ax = figure(title, width=8.2)
        for i, name in enumerate(data.columns):
            colour = COLOURS[i % len(COLOURS)]
            if found.kind == "bar":
                ax.bar(
                    data.index,
                    data[name],
                    width=0.8 * (data.index[1] - data.index[0]) if len(data) > 1 else 0.8,
                    color=colour,
                )
            else:
                ax.plot(data.index, data[name], color=colour, lw=2.2, label=short(name))
                if found.kind == "area":
                    ax.fill_between(data.index, 0, data[name], color=colour, alpha=0.25)
        if len(data.columns) > 1:
            fig.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=13)
        plain_ticks(ax, "y")
        ax.set_ylabel("Rows" if unit == "rows" else f"{unit}, {found.how}" if found.how else unit)
        ax.set_xlabel("" if is_time(data.index.to_series()) else label(found.x))
    elif found.kind == "scatter":
        fig, ax = figure(title, height=4.8)
        some = data.iloc[:: max(1, len(data) // 3000)]
        levels = list(some[found.colour].astype("string").value_counts().index[:6]) if found.colour else [""]
        for i, level in enumerate(levels):
            part = some[some[found.colour].astype("string") == level] if found.colour else some
            ax.scatter(
                part[found.x],
                part[found.y[0]],
                s=30 if len(some) < 300 else 12,
                alpha=0.6,
                color=COLOURS[i],
                lw=0,
                label=short(level),
            )
        if found.colour:
            fig.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=13)
        ax.set(xlabel=label(found.x), ylabel=label(found.y[0]))
    elif found.kind in ("box", "violin"):
        levels = (
            list(found.values)[:MOST_LEVELS][::-1]
            if len(found.values) < 10
            else list(
                data.groupby("group")["value"].median().sort_values(ascending=False, kind="stable").index[:MOST_LEVELS]
            )[::-1]
        )
        parts = [data.loc[data["group"] == v, "value"].to_numpy() for v in levels]
        fig, ax = figure(title, height=1.8 + 0.5 * len(levels))
        if found.kind == "violin":
            ax.violinplot(parts, orientation="horizontal", showmedians=True)
        else:
            ax.boxplot(
                parts,
                orientation="horizontal",
                widths=0.6,
                patch_artist=True,
                boxprops={"facecolor": "#cfe3f1"},
                medianprops={"color": COLOURS[1], "lw": 2.5},
                flierprops={"ms": 4, "alpha": 0.5},
            )
        ax.set_yticks(range(1, len(levels) + 1), [tick(v) for v in levels])
        ax.set_xlabel(label(found.y[0]) + ("" if found.kind == "violin" else "; box: middle half, line: median"))
    else:
        shown = data.iloc[:MOST_LEVELS, :MOST_LEVELS]
        fig, ax = figure(title if found.how == "count" else "Correlations", width=8.2, height=2.4 + 0.46 * len(shown))
        corr = found.how == "correlation"
        ax.imshow(
            shown,
            cmap="RdBu_r" if corr else "Blues",
            vmin=-1 if corr else 0,
            vmax=1 if corr else shown.to_numpy().max(),
            aspect="auto",
        )
        for i, j in np.ndindex(shown.shape):
            v = float(shown.to_numpy(float)[i, j])
            dark = abs(v) > 0.6 * (1 if corr else shown.to_numpy().max())
            ax.text(
                j,
                i,
                signed(v, 1) if corr else f"{v:,.0f}",
                ha="center",
                va="center",
                fontsize=11,
                color="white" if dark else "black",
            )
        ax.set_yticks(range(len(shown)), [tick(say(str(v)) if corr else v) for v in shown.index])
        name_columns(ax, [say(str(v)) if corr else v for v in shown.columns])
        ax.grid(False)
    show(fig, f"{found.kind.capitalize()} chart: {title}")


def tell_plot(found: Plot) -> dict[str, Any]:
    """Answer with what the chart shows."""
    unit = name_and_unit(found.y[0])[1] if found.y and found.how not in ("", "count") else ""
    values = {name: (value, unit) for name, value in found.values.items()} if unit else found.values
    answer(found.told, values, notes=found.notes)
    return dict(
        type="descriptive",
        kind="chart",
        text=found.told,
        columns=[c for c in (found.x, *found.y, found.colour) if c][:6],
        n=len(found.data),
        params={"kind": found.kind},
        caveats=found.notes,
        confidence="high",
    )
