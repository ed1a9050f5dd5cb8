# description: Tests which columns go together, corrects for the number of tests, and looks for relations whose sign
#   flips within groups (Simpson's paradox).
# tags: [test]
# when: A question about how two columns are related, what a column depends on, or what matters in a table.
"""# Associations

Tests which columns go together: Pearson and Spearman for two numbers, Welch's test or analysis of variance for a number
and groups, chi-square and Cramér's V for two categories. All p-values are corrected together (Benjamini-Hochberg), small
effects are left out, and every relation is taken apart by every column of at most 8 levels, since a relation that flips
within groups (Simpson's paradox) misleads.
"""

# %% id="parameters" tags=["parameters"]
data: str = "data.csv"  # file to test
outcome: str = ""  # column to explain; empty tests all columns against each other
factors: list = []  # columns that may explain the outcome; empty means all others
columns: list = []  # without an outcome: the columns to test against each other; empty means all
alpha: float = 0.01  # share of false findings that is accepted
told_before: list = []  # factors with which the outcome was tested before: that one of them flips is not told again
max_findings: int = 8  # the strongest so many are reported one by one

# %% id="toolkit" tags=["toolkit"]
import numpy as np
import pandas as pd

from notebooks.toolkit.cleaning import load
from notebooks.toolkit.attempts import CannotAnswer
from notebooks.toolkit.columns import is_text, names, speaks_of_yes, tells_times, yes_level
from notebooks.toolkit.drawing import COLOURS, direct_labels, figure, name_columns, share_dots, show
from notebooks.toolkit.drivers import clear_effects, find_drivers
from notebooks.toolkit.drivers_told import report_drivers
from notebooks.toolkit.intervals import spread_interval
from notebooks.toolkit.joint_model import sides_apart, step_of
from notebooks.toolkit.target_parts import parts_of_target
from notebooks.toolkit.ledger import effect, ledger
from notebooks.toolkit.pairs import FLOOR, SURE, Pairs, as_level, strength
from notebooks.toolkit.panels import chance_by_unit, numbering, panel_of, unit_of_rows, within_units
from notebooks.toolkit.phrases import signed_number, unit_of
from notebooks.toolkit.redundant import divisions, parts_by_name
from notebooks.toolkit.shapes import one_group, tell_shapes
from notebooks.toolkit.survival import followed, report_lasting
from notebooks.toolkit.telling import report
from notebooks.toolkit.twice import measured_twice
from notebooks.toolkit.unseen import as_design, gain_in_unseen
from notebooks.toolkit.wording import (
    METRICS,
    capital,
    chance,
    decimals,
    from_to,
    label,
    number,
    percent,
    say,
    short,
    signed,
    tick,
    with_unit,
)

# %% [markdown] id="read-text"
# ## Which pairs

# %% id="pairs"
import re
from itertools import combinations

table = load(data)
df = table.df
named = [c for c in dict.fromkeys([outcome, *factors, *columns]) if c]
if unknown := [c for c in named if c not in df]:
    raise ValueError(f"There is no column {unknown[0]!r}. The columns are: {', '.join(names(df))}.")
for name in named:  # of columns that say the same, the one that was asked about is kept
    why = table.left_out.get(name, "")
    same_as = [why.removeprefix("copy of ")] if why.startswith("copy of ") else []
    if why.startswith("made up of "):
        same_as = next(
            t["columns"][1:] for t in table.traps if t["columns"][:1] == [name] and "made up of" in t["text"]
        )
    if same_as and (name == outcome or not {*same_as} & {*named}):
        del table.left_out[name]
        table.left_out |= {c: f"{why.split(' of ')[0].replace('made up', 'part')} of {name}" for c in same_as}
if (row_units := unit_of_rows(table)) and len(df) <= 100_000:
    counting = [c for c in table.of("number") if c not in named and numbering(df, row_units, c)]
    table.left_out |= {c: f"it only numbers the rows of each {say(row_units)}" for c in counting}
repeats = [c for c, why in table.left_out.items() if outcome and why == f"copy of {outcome}"]
usable = table.of("number", "category")
parts = {}  # of the outcome, by name, by sum or ratio, or as a cut of it: no findings, unless named
if outcome in usable and len(df) <= 100_000 and (table.kind(outcome) == "number" or df[outcome].nunique() == 2):
    yes_of = None if table.kind(outcome) == "number" else yes_level(df[outcome].dropna().unique())
    others_of = [c for c in usable if c not in named and c not in (outcome, *repeats)]
    parts = parts_of_target(df, outcome, others_of, yes_of) if yes_of is None else {}
    made_of = parts_by_name(df, outcome, [c for c in factors if table.kind(c) == "number"])
    if {*factors} - {
        *made_of
    }:  # what is asked beside others is no finding either, where its name says that it is a part
        factors, parts = [c for c in factors if c not in made_of], parts | made_of
    usable = [c for c in usable if c not in parts]
    table.left_out |= parts
if outcome and len(factors) == 1 and all(table.kind(c) == "category" for c in named[:2]):
    # Of two categories the one that says yes or no is what is to be explained, however they were named
    yes = [df[c].nunique() == 2 and speaks_of_yes(df[c].dropna().unique()) for c in named[:2]]
    if yes == [False, True]:
        outcome, factors = factors[0], [outcome]
if outcome:
    pairs = [(c, outcome) for c in (factors or usable) if c != outcome and c in usable and outcome in usable]
else:
    pairs = list(combinations([c for c in (columns or usable) if c in usable], 2))
    whole_of = {c: parts_by_name(df, c, [d for d in usable if table.kind(d) == "number"]) for c in table.of("number")}
    pairs = [p for p in pairs if p[0] not in whole_of.get(p[1], ())] if len(usable) <= 60 else pairs
    divided = divisions(df[[c for c in usable if c not in columns]])
    pairs = [p for p in pairs if not any({*p} <= {*one} for one in divided)]
# Whether a time of survival had ended when it was told says nothing of how long it was
lasting = [one for c in usable if (one := followed(df, c)) is not None]
ended, lasts = list(dict.fromkeys(one.event for one in lasting)), [one.time for one in lasting]
timed = next((one for one in lasting if one.time == outcome and one.event not in factors), None)
pairs = [p for p in pairs if {*p} <= {*named} or not ({*p} & {*ended} and {*p} & {*lasts})]
instead = "; name a column of numbers or of categories as the outcome"
unused = [
    f"{say(c)} ({table.left_out.get(c, table.kind(c))}{instead if c == outcome else ''})"
    for c in named
    if c not in usable
]
unused += [f"{say(c)} ({why})" for c, why in parts.items()]
left_open = [(t, c) for c in ended for t in lasts if not {t, c} <= {*named}]
unused += [f"{say(t)} with {say(c)} (which says whether it had ended)" for t, c in left_open]
if not outcome:
    unused += [f"{', '.join(map(say, one))} with each other (no row is 1 in two of them)" for one in divided]
if timed is not None:  # no test of plain values, since some of them are longer than they stand there
    at_hand, pairs = [a for a, _ in pairs if a not in ended], []
LIMIT = 3000
if len(pairs) > LIMIT:
    unused.append(f"{len(pairs) - LIMIT:,} of {len(pairs):,} pairs, beyond the first {LIMIT:,}")
    pairs = pairs[:LIMIT]
asked = bool(outcome) and 1 <= len(pairs) <= 2
family = f"associations with {outcome}" if outcome else "associations"
print(f"{len(pairs):,} {'pair' if len(pairs) == 1 else 'pairs'} to test, {len(df):,} rows.")

# %% [markdown] id="lasting-text"
# ## How long something lasts, where some of it had not ended
#
# Times that had not ended when they were told are longer than they stand there. Each factor is tested by itself: groups
# by the log-rank test, with medians by Kaplan and Meier, numbers by Cox's model of the hazard.

# %% id="lasting"
if timed is not None:
    report_lasting(df, timed, at_hand, factors)
else:
    print("No outcome of times beside what says whether they had ended.")

# %% [markdown] id="test-text"
# ## Every pair is tested
#
# With more than 1,000 rows a relation must also show on a random 40 % of them alone. A pair of numbers is tried as a line,
# by ranks and as a curve, and its p pays for all of them; a curve must tell more than the line does of rows that were left
# out of its fit. Of fewer than 10 rows only a relation of two numbers is tested,
# that the ranks must show as well, so that no single far point makes it. A number with far values
# is compared by its ranks, since such values drown a difference of means.

# %% id="tests"
from functools import cache

from scipy import stats
from scipy.stats.contingency import association as contingency

of_table = Pairs(table, outcome, asked)
measure, interval = of_table.measure, of_table.interval

looked_at = df.sample(5000, random_state=0) if len(df) > 5000 else df


def design_of(name, rows=df):
    """A column for a linear model of ranks: see `as_design`."""
    return as_design(rows[name], table.kind(name) == "number" and not of_table.few_whole(name))


design = cache(lambda name: design_of(name, looked_at))


def tells_more(y, of, given=()):
    """By how many standard errors designs of columns tell more of y, in rows left out of the fit, than others by themselves.

    The same for findings of all kinds. Of a category of several levels nothing is said: infinitely many.
    """
    numeric = table.kind(y) == "number"
    if not numeric and df[y].nunique() != 2:
        return np.inf
    plain = np.column_stack([np.empty((len(looked_at), 0)), *given])
    told = as_design(looked_at[y], numeric)[:, 0]
    return gain_in_unseen(told, plain, np.column_stack([plain, *of]))[1]


results = []
for a, b in pairs:
    found = measure(a, b)
    if found is None:
        unused.append(f"{say(a)} with {say(b)} (too few rows or values)")
        continue
    ledger.add(family, f"{a} × {b}", found["p"])
    found["held"] = True
    if len(df) > 1000 and found["p"] < 0.05:
        again = measure(a, b, "confirm", like=found)
        found["held"] = again is not None and again["p"] < 0.1 and again["value"] * found["value"] > 0
        if found["metric"] == "cohens_d":
            found["held"] &= again is not None and again.get("top") == found["top"]
    results.append(found)
corrected = ledger.q(family)
for found in results:
    found["q"] = corrected[f"{found['a']} × {found['b']}"]
    found["strength"] = strength(found)
    rates = found.get("rates", {"": 1.0})
    # What is rare can be twice as common in one group and still explain little of all variation
    large = abs(found["value"]) >= FLOOR[found["metric"]] or max(rates.values()) > 1.25 * min(rates.values())
    # What was asked for by name is one question: few rows need not meet the level of a search, many not its floor.
    # Of fewer than 100 rows a moderate relation would not meet it either, and p has paid for the forms that were tried
    bar = max(alpha, 0.05) if found["n"] < (200 if asked else 100) else alpha
    if asked and found["p"] < 1e-6 and abs(found["value"]) >= FLOOR[found["metric"]] / 3:
        large = True
    found["real"] = found["q"] < bar and found["held"] and large
results.sort(key=lambda found: (not found["real"], -found["strength"], found["a"], found["b"]))
pd.DataFrame(
    [
        {
            "column": f["a"],
            "with": f["b"],
            "effect": f["metric"],
            "size": round(f["value"], 3),
            "q": f"{f['q']:.2g}",
            "n": f["n"],
            "related": f["real"],
        }
        for f in results[:20]
    ]
)

# %% [markdown] id="flips-text"
# ## Which relations flip within groups

# %% id="sign-flips"
from statsmodels.stats.proportion import confint_proportions_2indep


def coded(name):
    """A column as a number: itself, or 0 and 1 for two levels."""
    return (
        df[name].astype(float)
        if table.kind(name) == "number"
        else df[name].map(dict(zip(sorted(df[name].dropna().unique(), key=str), (0.0, 1.0), strict=False)))
    )


def correlations(columns, least=1):
    """Pearson's r of every two columns, from the rows that have both, of which there are `least`: from their sums."""
    values = columns.to_numpy(float)
    given = ~np.isnan(values)
    far = np.abs(np.where(given, values, 0)).max(axis=0, initial=0)
    off = np.where(given, values - np.where(given, values, 0).sum(axis=0) / np.maximum(given.sum(axis=0), 1), 0)
    n = given.sum(axis=0, dtype=float)[:, None].repeat(given.shape[1], axis=1)
    sums, varied = off.sum(axis=0)[:, None], (off**2).sum(axis=0)[:, None]
    if not given.all():  # each column's count, sum and squares in the rows that have the other
        some = given.astype(float)
        n, sums, varied = some.T @ some, off.T @ some, (off**2).T @ some
    n = np.where(n < max(2, least), np.nan, n)
    varied = varied - sums**2 / n
    # What is constant has no correlation; its rounding errors have
    varied = np.where(varied <= 1e-24 * far[:, None] ** 2 * n, np.nan, varied)
    r = (off.T @ off - sums * sums.T / n) / np.sqrt(varied * varied.T)
    return pd.DataFrame(np.clip(r, -1, 1), index=columns.columns, columns=columns.columns)


told_as_numbers = dict.fromkeys(c for p in pairs for c in p if table.kind(c) == "number" or df[c].nunique() == 2)
codes = pd.DataFrame({c: coded(c) for c in told_as_numbers})
pooled = correlations(codes)
given = codes.notna().astype(float)
flips, checks = {}, []
strata = {by: df[by].nunique() for by in table.strata()} if codes.shape[1] >= 2 else {}
for by in strata:
    inside = correlations(codes - codes.groupby(df[by]).transform("mean"))
    together = given[df[by].notna()].T @ given[df[by].notna()]
    for a, b in (p for p in pairs if by not in p and set(p) <= set(codes)):
        r, w, freedom = pooled.at[a, b], inside.at[a, b], together.at[a, b] - strata[by] - 1
        if freedom < 20 or not np.isfinite(w):
            continue
        checks.append((f"{a} × {b} within {by}", abs(w) * (freedom / max(1e-12, 1 - w * w)) ** 0.5, freedom))
        if r * w < 0 and (min(abs(r), abs(w)) >= 0.1 or abs(w) >= 0.3 or (outcome and abs(r) >= 0.04)):
            flips.setdefault((a, b), []).append((abs(w), by))
chances = 2 * stats.t.sf([t for _, t, _ in checks], [freedom for *_, freedom in checks])
for (key, *_), p in zip(checks, chances, strict=True):
    ledger.add("sign flips", key, p)
inside_q = ledger.q("sign flips")


def take_apart(a, b, by):
    """r within each group, and within groups taken together, each with its interval."""
    rows = codes[[a, b]].assign(group=df[by]).dropna()
    rows = rows[rows.groupby("group")[a].transform("size") >= 10]
    each = {}
    for level, part in rows.groupby("group", sort=True):
        if part[a].nunique() > 1 and part[b].nunique() > 1:
            r = stats.pearsonr(part[a], part[b])
            each[level] = {"r": r.statistic, "ci": list(r.confidence_interval()), "n": len(part)}
    centred = rows[[a, b]] - rows.groupby("group")[[a, b]].transform("mean")
    return each, stats.pearsonr(centred[a], centred[b]), stats.pearsonr(rows[a], rows[b]), rows


def way(ci):
    """The sign of an interval that leaves out 0, else 0."""
    return int(np.sign(ci[0])) if np.sign(ci[0]) == np.sign(ci[1]) else 0


def unequal(rows, name):
    """The p-value of a column's differing between the groups."""
    parts = [part for _, part in rows.groupby("group", sort=True)[name]]
    return stats.f_oneway(*parts).pvalue if max(map(np.ptp, parts)) > 0 else 0.0


def turns_about(a, b, by, each, within, whole, rows):
    """Whether groups reverse what all rows together show.

    Both relations are beyond chance; or that within groups is strong, in each of them, and only all rows together hide
    it; or, in what was asked for, the groups differ so much in both columns that they must shift the relation, every
    group (or most, one beyond chance) goes the other way, and none surely goes the same.
    """
    sign, pooled = np.sign(within.statistic), way(whole.confidence_interval())
    turned = [v for v in each.values() if np.sign(v["r"]) == sign]
    sure_of = [way(v["ci"]) for v in each.values()]
    certain = inside_q[f"{a} × {b} within {by}"] < alpha
    agree = sum(v["n"] for v in turned) / max(1, sum(v["n"] for v in each.values()))
    if len(each) < 2:
        return False
    if certain and agree >= 0.8 and pooled and min(abs(whole.statistic), abs(within.statistic)) >= 0.1:
        return True
    if certain and abs(within.statistic) >= 0.3 and len(turned) == len(each) and sum(s == sign for s in sure_of) >= 2:
        return True
    most = len(turned) == len(each) or (2 * len(turned) >= len(each) and sign in sure_of)
    shifted = outcome and max(unequal(rows, a), unequal(rows, b)) < 1e-6 and abs(whole.statistic) >= 0.04
    return bool(shifted and most and -sign not in sure_of)


def shares(p):
    """For two columns of two levels: which is the outcome, which the factor, and how often the outcome is yes."""
    a, b = p["a"], p["b"]
    if any(table.kind(c) == "number" for c in (a, b)):
        return None
    result, factor = (
        (a, b) if speaks_of_yes(df[a].dropna().unique()) and not speaks_of_yes(df[b].dropna().unique()) else (b, a)
    )
    yes = yes_level(df[result].dropna().unique())
    rows = df[[result, factor, p["by"]]].dropna()
    good = rows[result] == yes
    whole = good.groupby(rows[factor]).agg(["mean", "sum", "count"]).sort_values("mean", kind="stable")
    low, high = whole.index
    inner = good.groupby([rows[p["by"]], rows[factor]]).mean().unstack().dropna()
    mix = pd.crosstab(rows[factor], rows[p["by"]], normalize="index")
    uneven_level = (mix.loc[high] - mix.loc[low]).abs().idxmax()
    return {
        "result": result,
        "factor": factor,
        "yes": yes,
        "low": low,
        "high": high,
        "whole": whole,
        "inner": inner,
        "mix": mix[uneven_level],
        "level": uneven_level,
    }


paradoxes = []
for (a, b), candidates in flips.items():
    for _, by in sorted(candidates, reverse=True):
        each, within, whole, rows = take_apart(a, b, by)
        if turns_about(a, b, by, each, within, whole, rows):
            paradoxes.append({"a": a, "b": b, "by": by, "each": each, "within": within, "pooled": whole, "rows": rows})
            break
paradoxes.sort(key=lambda p: -min(abs(p["pooled"].statistic), abs(p["within"].statistic)))


def stratified(p):
    """The chart of a sign flip: a line for each group, and the pooled line that goes the other way."""
    a, b, rows = p["a"], p["b"], p["rows"]
    if p["shares"]:
        found = p["shares"]
        inner, whole = found["inner"], found["whole"]["mean"]
        inner = inner[::-1]  # the first level on top
        listed = [*map(str, inner.index), "all together"]
        fig, ax = figure(
            f"How often {say(found['result'])} is {found['yes']}, by {say(found['factor'])} and {say(p['by'])}",
            height=2.0 + 0.45 * len(listed),
        )
        for level, colour, mark in ((found["low"], COLOURS[0], "o"), (found["high"], COLOURS[1], "D")):
            values = np.array([*inner[level], whole[level]]) * 100
            ax.plot(values, range(len(listed)), mark, color=colour, ms=9)
            ax.text(values[-1], len(listed) - 0.72, str(level), color=colour, ha="center", fontweight="bold")
        ax.set_yticks(range(len(listed)), listed)
        ax.set(
            xlabel=f"{say(found['result'])} is {found['yes']} (% of rows)",
            ylabel=label(p["by"]),
            ylim=(-0.5, len(listed) - 0.3),
        )
        return show(
            fig,
            f"Dots: share of {say(found['result'])} {found['yes']} for each {say(found['factor'])}, in each {say(p['by'])} and together",
        )
    fig, ax = figure(f"{say(b)} and {say(a)}, by {say(p['by'])}")
    items = []
    for (level, part), colour in zip(rows.groupby("group", sort=True), COLOURS, strict=False):
        some = part.iloc[:: max(1, len(part) // 1500)]
        ax.scatter(some[a], some[b], s=16, alpha=0.45, color=colour, linewidths=0)
        if level in p["each"]:
            ends = np.array([part[a].min(), part[a].max()])
            line = np.polyval(np.polyfit(part[a], part[b], 1), ends)
            ax.plot(ends, line, color=colour, lw=2.6)
            items.append((line[1], f"{level}  r = {signed(p['each'][level]['r'])}", colour))
    ends = np.array([rows[a].min(), rows[a].max()])
    line = np.polyval(np.polyfit(rows[a], rows[b], 1), ends)
    ax.plot(ends, line, color="black", lw=2, ls="--")
    items.append((line[1], f"pooled  r = {signed(p['pooled'].statistic, 3)}", "black"))
    ax.set(xlabel=label(a), ylabel=label(b))
    direct_labels(ax, items)
    show(
        fig,
        f"Scatter of {say(b)} against {say(a)} with a line for each {say(p['by'])} and a dashed pooled line",
    )


def told_in_shares(p, where):
    """The reversal of two shares in words, and the pooled difference with its interval."""
    s = p["shares"]
    result, factor, inner = say(s["result"]), say(s["factor"]), s["inner"]
    pooled = s["whole"]["mean"]
    counts = [int(s["whole"].loc[level, what]) for level in (s["high"], s["low"]) for what in ("sum", "count")]
    ci = confint_proportions_2indep(*counts, method="newcomb")
    listed = "; ".join(
        f"{level}: {percent(row[s['high']], 1)} against {percent(row[s['low']], 1)}" for level, row in inner.iterrows()
    )
    text = (
        f"All together, {result} is {s['yes']} more often where {factor} is {s['high']} than {s['low']} ({percent(pooled[s['high']], 1)} against "
        f"{percent(pooled[s['low']], 1)}, {number(100 * (pooled[s['high']] - pooled[s['low']]))} percentage points apart, 95 % CI {number(100 * ci[0])} to {number(100 * ci[1])}, "
        f"n = {len(p['rows']):,}), but {where} it is the other way round ({listed}): Simpson's paradox, so the share of all together "
        f"misleads: {say(p['by'])} is {s['level']} for {percent(s['mix'][s['low']], 1)} of {s['low']} and for {percent(s['mix'][s['high']], 1)} of {s['high']}."
    )
    return text, effect("mean_diff", pooled[s["high"]] - pooled[s["low"]], ci)


def behind(p):
    """How what turns a relation about goes with both of its columns: one sentence, and those two results."""
    both = [f for f in results if {f["a"], f["b"]} in ({p["by"], p["a"]}, {p["by"], p["b"]}) and f["real"]]
    if outcome or named or len(both) < 2:  # what was asked for by name is told by itself
        return "", []
    links = []
    for found in both:
        other = say(found["a"] if found["b"] == p["by"] else found["b"])
        size = f"{METRICS[found['metric']]} = {number(found['value'])}"
        top = f", which is highest for {found['top']}" if found.get("group") == p["by"] else ""
        links.append(f"{other} ({size}){top}")
    return f" {capital(say(p['by']))} goes with both: with {links[0]}, and with {links[1]}.", both


for p in paradoxes[:max_findings]:
    p["shares"] = shares(p)
    each, low, high = p["each"], *p["pooled"].confidence_interval()
    same = [v["r"] for v in each.values() if np.sign(v["r"]) == np.sign(p["within"].statistic)]
    where = (
        f"within every {say(p['by'])}"
        if len(same) == len(each)
        else f"within {len(same)} of {len(each)} levels of {say(p['by'])}"
    )
    trend = "positive" if p["within"].statistic > 0 else "negative"
    wl, wh = p["within"].confidence_interval()
    middle = f"the relation is {trend}"
    if p["within"].pvalue > 0.05:
        middle = f"it is at most weakly {trend}, and that may be chance"
    pooled_way = "negatively" if trend == "positive" else "positively"
    pooled_as = f"are {pooled_way} correlated" if way((low, high)) else f"are hardly related, if at all {pooled_way}"
    size = effect("pearson_r", p["pooled"].statistic, (low, high))
    text = (
        f"Pooled, {say(p['a'])} and {say(p['b'])} {pooled_as} "
        f"(r = {signed(p['pooled'].statistic, 3)}, 95 % CI {from_to((low, high), 3)}, n = {len(p['rows']):,}), "
        f"but {where} {middle} (r = {signed(min(same))} to {signed(max(same))}): Simpson's paradox, so the "
        f"pooled correlation misleads."
    )
    if p["shares"]:
        text, size = told_in_shares(p, where)
    more, explained = behind(p)
    text += more
    for found in explained:
        found["told"] = True
    if {p["a"], p["b"]} <= {outcome, *told_before}:
        continue
    chances = {"the relation of all together": p["pooled"].pvalue, "the relation within groups": p["within"].pvalue}
    weak = [f"{name} ({chance(value)})" for name, value in chances.items() if value > 0.05]
    a, b = (p["shares"]["factor"], p["shares"]["result"]) if p["shares"] else (p["a"], p["b"])
    report(
        "warning",
        "simpsons_paradox",
        text,
        [a, b, p["by"]],
        roles={"factor": a, "outcome": b, "stratifier": p["by"]},
        direction="+" if p["pooled"].statistic > 0 else "-",
        effect=size,
        unit="pp" if p["shares"] else "",
        test=ledger.test("pearson_within", "sign flips", f"{p['a']} × {p['b']} within {p['by']}"),
        n=len(p["rows"]),
        params={
            "within": {str(k): v for k, v in each.items()},
            "within_r": p["within"].statistic,
            "within_ci": [wl, wh],
        },
        caveats=[f"By itself, {' and '.join(weak)} could be chance."] * bool(weak)
        + [f"Another grouping than {say(p['by'])} could change the picture again."],
        confidence="high" if len(p["rows"]) >= 30 else "medium",
    )
    stratified(p)
    # What turns the shares about is news of its own
    for a, b in ((p["by"], p["shares"]["result"]), (p["by"], p["shares"]["factor"])) if p["shares"] else ():
        found = None if {frozenset((a, b))} & {frozenset(pair) for pair in pairs} else measure(a, b)
        if found:
            ledger.add(family, f"{a} × {b}", found["p"])
            found |= {
                "q": ledger.q(family)[f"{a} × {b}"],
                "held": True,
                "strength": abs(found["value"]) ** (0.5 if found["metric"] == "eta2" else 1),
            }
            results.append(found | {"real": found["q"] < alpha})
results.sort(key=lambda found: (not found["real"], -found["strength"], found["a"], found["b"]))
flipped = {frozenset((p["a"], p["b"])) for p in paradoxes}
if not paradoxes:
    print(f"No relation changes its sign within groups ({len(ledger.families.get('sign flips', {})):,} checks).")

# %% [markdown] id="misleading-text"
# ## Which relations rest on a few points, or are too good to be true


# %% id="misleading"
def without_far(a, b, most=3, beyond=6):
    """r without the few points that lie more than 6 robust standard deviations out, and which points those are."""
    rows = df[[a, b]].dropna().astype(float)
    spread = rows.apply(lambda s: stats.median_abs_deviation(s, scale="normal"))
    if (spread == 0).any():
        return None
    far = ((rows - rows.median()).abs() / spread > beyond).any(axis=1)
    if not 0 < far.sum() <= max(most, 0.01 * len(rows)) or (~far).sum() < 20:
        return None
    return stats.pearsonr(rows.loc[~far, a], rows.loc[~far, b]), rows, far


def these(rows):
    """Which points some rows are, where they are few: by name, if a column names each row, and by their values."""
    name = next((c for c in names(df) if is_text(df[c]) and df[c].is_unique), None)
    points = [
        (f"{df.at[i, name]}: " if name else "") + ", ".join(f"{say(c)} {number(v)}" for c, v in row.items())
        for i, row in rows.iterrows()
    ]
    return f" ({'; '.join(points)})" if len(points) <= 2 else ""


def too_good(found):
    """Whether a column all but repeats the outcome, as one that was recorded after it would.

    One that was asked about by its name may say a great deal of it (prices by product): then only a copy does.
    """
    if any(tells_times(c) or c == one for c in (found["a"], found["b"])):
        return False  # what grows from year to year is not what the years were made from, and no state is of its size
    strong, sure = (0.9995, 0.9995) if {found["a"], found["b"]} & set(factors) else (0.98, 0.985)
    if outcome in (found.get("group"), found.get("number")) and "halves" in found and found["value"] > 1.5:
        high, low = found["halves"]
        found["auc"] = stats.mannwhitneyu(high, low).statistic / (len(high) * len(low))
    if not outcome or found["n"] < 50 or (found["strength"] < strong and found.get("auc", 0) < sure):
        return False
    if not one or not {found["a"], found["b"]} <= set(codes):
        return True
    inside = within_units(codes[found["a"]], codes[found["b"]], df[one], df[at])  # large states have more of everything
    return inside is not None and abs(inside.r) >= strong


one, at = panel_of(table) if len(df) <= 100_000 else ("", "")  # of more it takes long where units come and go
repeated = (one or unit_of_rows(table)) if len(df) <= 100_000 else ""
for factor in [c for c in repeats if c not in factors]:
    both = df[[factor, outcome]].dropna()
    numeric = {table.kind(c) for c in both} == {"number"}
    report(
        "warning",
        "target_leakage",
        f"{say(factor)} restates {say(outcome)} ({f'r = {signed(both.corr().iloc[0, 1], 4)}, ' if numeric else ''}n = {len(both):,}): it was "
        "probably made from it, so it is no explanation, and it is left out of all tests.",
        [factor, outcome],
        roles={"outcome": outcome, "factor": factor},
        effect=effect("pearson_r", both.corr().iloc[0, 1]) if numeric else effect("count", len(both)),
        n=len(both),
        caveats=["Only someone who knows when each column is recorded can say for certain."],
        confidence="high",
    )
for found in [f for f in results if f["real"] and too_good(f)]:
    factor = found["a"] if found["a"] != outcome else found["b"]
    share = found.get("auc", found["strength"])
    report(
        "warning",
        "target_leakage",
        f"{say(factor)} all but repeats {say(outcome)} ({'area under the curve' if 'auc' in found else 'correlation scale'} "
        f"{share:.3f}, n = {found['n']:,}): it was probably recorded after it or made from it, so it is no explanation.",
        [factor, outcome],
        roles={"outcome": outcome, "factor": factor},
        effect=effect("auc" if "auc" in found else found["metric"], share),
        n=found["n"],
        caveats=["Only someone who knows when each column is recorded can say for certain."],
        confidence="high",
    )
    found["misleads"] = True
for found in [f for f in results if f["q"] < alpha and f["metric"] == "pearson_r"]:
    rest = without_far(found["a"], found["b"])
    if rest is None or abs(rest[0].statistic) > abs(found["value"]) / 2:
        continue
    r, rows, far = rest
    a, b = found["a"], found["b"]
    report(
        "warning",
        "leverage_point",
        f"The correlation of {say(a)} and {say(b)} (r = {signed(found['value'])}, n = {len(rows):,}) rests on "
        f"{far.sum()} far {'point' if far.sum() == 1 else 'points'}{these(rows[far])}: without {'it' if far.sum() == 1 else 'them'} r = {signed(r.statistic)} "
        f"(95 % CI {from_to(r.confidence_interval())}).",
        [a, b],
        effect=effect("pearson_r", r.statistic, r.confidence_interval()),
        n=int((~far).sum()),
        params={"with_all": found["value"], "points": int(far.sum())},
        caveats=["Check how the far points were recorded."],
        confidence="high",
    )
    found["misleads"] = True
    fig, ax = figure(f"{say(b)} and {say(a)}: the far points make the line")
    ax.scatter(rows.loc[~far, a], rows.loc[~far, b], s=14, alpha=0.4, color=COLOURS[0], linewidths=0)
    ax.scatter(rows.loc[far, a], rows.loc[far, b], s=50, color=COLOURS[1])
    ends = np.array([rows[a].min(), rows[a].max()])
    lines = []
    for part, name, colour in ((rows, "all points", COLOURS[1]), (rows[~far], "without them", COLOURS[0])):
        line = np.polyval(np.polyfit(part[a], part[b], 1), ends)
        ax.plot(ends, line, color=colour, lw=2.4)
        lines.append((line[1], name, colour))
    ax.set(xlabel=label(a), ylabel=label(b))
    direct_labels(ax, lines)
    show(
        fig,
        f"Scatter of {say(b)} against {say(a)}; the far points in orange, with a line for all points and one without them",
    )

hiding, most = [], min(10, 0.1 * len(df))  # relations of all but a few far points, which hide them
numeric = df[[c for c in usable if table.kind(c) == "number"]].astype(float)
apart = (numeric - numeric.median()).abs() > 5 * numeric.apply(
    lambda s: stats.median_abs_deviation(s, scale="normal", nan_policy="omit")
)
reaching = set(numeric.columns[apart.sum().between(1, most)])
for a, b in (p for p in pairs if set(p) & reaching and set(p) <= set(numeric)):
    rest = without_far(a, b, most, 5)
    if rest is None or abs(rest[0].statistic) < 0.3:
        continue
    if pooled.at[a, b] * np.sign(rest[0].statistic) < abs(rest[0].statistic) / 2:  # turned round, or half hidden
        ledger.add("far points", f"{a} × {b}", rest[0].pvalue)
        hiding.append((a, b, *rest))
far_q = ledger.q("far points") if hiding else {}
hiding = [h for h in hiding if far_q[f"{h[0]} × {h[1]}"] < alpha / 10]
hidden_pairs = {frozenset(h[:2]) for h in hiding}
related_apart = {*hidden_pairs}  # what is a relation, but not in all rows by themselves
for a, b, r, rows, far in hiding[:max_findings]:
    report(
        "warning",
        "leverage_point",
        f"{say(a)} and {say(b)} {'rise together' if r.statistic > 0 else 'move in opposite directions'} in all but {far.sum()} far {'point' if far.sum() == 1 else 'points'}{these(rows[far])} "
        f"(r = {signed(r.statistic)}, 95 % CI {from_to(r.confidence_interval())}, n = {(~far).sum():,}); with {'it' if far.sum() == 1 else 'these'} r = {signed(pooled.at[a, b])}, which hides it.",
        [a, b],
        effect=effect("pearson_r", r.statistic, r.confidence_interval()),
        n=int((~far).sum()),
        params={"with_all": float(pooled.at[a, b]), "points": int(far.sum())},
        caveats=["The far points may be rows of another kind: look at them by themselves."],
        confidence="high",
    )
    fig, ax = figure(f"{say(b)} and {say(a)}: a few far points hide a relation")
    ax.scatter(rows.loc[~far, a], rows.loc[~far, b], s=22, alpha=0.6, color=COLOURS[0])
    ax.scatter(rows.loc[far, a], rows.loc[far, b], s=50, color=COLOURS[1])
    ends = np.array([rows.loc[~far, a].min(), rows.loc[~far, a].max()])
    ax.plot(ends, np.polyval(np.polyfit(rows.loc[~far, a], rows.loc[~far, b], 1), ends), color=COLOURS[0], lw=2.4)
    ax.set(xlabel=label(a), ylabel=label(b))
    show(fig, f"Scatter of {say(b)} against {say(a)}; the far points in orange, with a line for all others")
for found in [f for f in results if frozenset((f["a"], f["b"])) in hidden_pairs]:
    found["misleads"] = True

# %% [markdown] id="drift-text"
# ## Which relations are only two columns that drift
#
# Two series that both wander or grow over time are correlated whatever they have to do with each other. With dates,
# a relation of two such columns must also hold between their changes from row to row.

# %% id="drift"
times = [c for c in table.of("time") if df[c].nunique() >= 12 and (df[c].is_unique or df[c].nunique() < 0.5 * len(df))]
drifting = [f for f in results if f["real"] and f["metric"] in ("pearson_r", "spearman_r", "r2") and len(df) >= 12]
drifting = drifting if times else []
follow = {key for key, q in ledger.q("delays").items() if q < alpha} if "delays" in ledger.families else set()
spurious = []
for found in drifting:
    a, b = found["a"], found["b"]
    rows = df[[times[0], a, b]].dropna().groupby(times[0]).mean().sort_index().astype(float)
    steps, least = rows.diff().dropna(), max(0.15, 3 / len(rows) ** 0.5)
    if len(rows) < 12 or min(rows[a].autocorr(), rows[b].autocorr()) < least or (steps.nunique() < 2).any():
        continue
    r = stats.pearsonr(steps[a], steps[b])
    beyond = (
        np.arctanh(min(abs(r.statistic), 0.9999)) * (len(steps) / 1.5) ** 0.5
    )  # changes of noise follow one another
    same_way = np.sign(r.statistic) == np.sign(found["value"]) or found["metric"] == "r2"
    # Two columns that go one way nearly all the time would be correlated whatever they are
    steady = rows[[a, b]].corrwith(pd.Series(range(len(rows)), rows.index), method="spearman").abs().min() >= 0.9
    if same_way and beyond > 3.3 and abs(r.statistic) >= (0.3 if steady else 0.1):
        continue
    found["misleads"] = True
    if found["metric"] == "r2" or {f"{a} × {b}", f"{b} × {a}"} & follow:  # what follows with a delay is told as that
        continue
    if min(rows[a].autocorr(), rows[b].autocorr()) >= 0.5:  # else too little drift to name it, too much to trust it
        spurious.append((found, rows, steps, r))
for found, rows, steps, r in spurious[:2]:
    a, b = found["a"], found["b"]
    low, high = r.confidence_interval()
    others = "; ".join(f"{say(f['a'])} and {say(f['b'])}" for f, *_ in spurious[2:6])
    report(
        "warning",
        "spurious_trend_correlation",
        f"{say(a)} and {say(b)} are correlated (r = {signed(found['value'])}), but both drift over time: their changes from row to row "
        f"{'hardly are' if low * high > 0 else 'are not'} (r = {signed(r.statistic)}, 95 % CI {from_to((low, high))}, n = {len(steps):,}).",
        [a, b],
        effect=effect("pearson_r", r.statistic, (low, high)),
        n=len(steps),
        params={"r_of_levels": found["value"]},
        caveats=[
            "A relation with a delay would not show here.",
            *([f"The same holds for {others}."] if others else []),
        ],
        confidence="high" if len(steps) >= 30 else "medium",
    )
    fig, ax = figure(f"{say(a)} and {say(b)} over time")
    ends = []
    for name, colour in zip((a, b), COLOURS, strict=False):
        standard = (rows[name] - rows[name].mean()) / rows[name].std()
        ax.plot(rows.index, standard, color=colour, lw=1.8)
        ends.append((standard.iloc[-1], say(name), colour))
    ax.set(xlabel=label(times[0]), ylabel="standard deviations from the mean")
    direct_labels(ax, ends)
    show(fig, f"Lines: {say(a)} and {say(b)} over time, each in standard deviations")
if not spurious:
    print("None." if drifting else "No column gives each row its own date, so there is nothing to look at.")

# %% [markdown] id="units-text"
# ## Which relations hold within the units of a panel
#
# Where each unit (a state, a firm) was measured at several times, rows of one are no separate observations, and a relation
# of all rows may only say how the units differ. It is looked at once more after each unit's and each time's own mean is
# taken out, with standard errors that allow for what the rows of a unit share.

# %% id="units"
held_within = {}
tested = [f for f in results if (f["real"] or asked) and "misleads" not in f]
for found in [f for f in tested if {f["a"], f["b"]} <= set(codes)][:30]:
    a, b = found["a"], found["b"]
    if not one or {one, at} & {a, b} or frozenset((a, b)) in flipped:
        continue
    # The other way round where the first hardly changes within a unit, unless it is asked what it does
    for x, y in ((a, b), (b, a)) if not outcome else ((a, b),):
        least = 0.002 if asked else 0.02
        if (a, b) not in held_within and (
            inside := within_units(codes[x], codes[y], df[one], df[at], least)
        ) is not None:
            held_within[a, b] = x, y, inside
            ledger.add("within units", f"{a} × {b}", inside.p)
within_q = ledger.q("within units") if held_within else {}
for found in [f for f in results if (f["a"], f["b"]) in held_within]:
    chance_within = within_q[f"{found['a']} × {found['b']}"]
    a, b, inside = held_within[found["a"], found["b"]]
    alone = codes[[a, b]].dropna()
    slope = np.polyfit(alone[a], alone[b], 1)[0]
    far = inside.high if slope > 0 else -inside.low  # the most that there may be of it, in the direction of all rows
    same = inside.slope * slope > 0 and inside.p < 0.05
    found["holds"] = same
    verdict = "it holds" if same else "it is not beyond chance" if inside.p >= 0.05 else "it turns round"
    found["within"] = (
        f"Within {say(one)}s {verdict}: once each {say(one)}'s and each {say(at)}'s own mean is taken out, r = {signed(inside.r)} "
        f"({chance(inside.p)}, {inside.units} {say(one)}s)."
    )
    turns = inside.slope * slope < 0 and chance_within < alpha
    if not (asked or turns) or (same and abs(inside.slope) >= 0.5 * abs(slope)) or far > abs(slope):
        continue
    found |= {"between": True} | ({} if asked else {"misleads": True})  # what turns round is told here alone
    two = codes[a].nunique() == 2
    by, step = (1.0, "") if two else step_of(a, alone[a])
    if two:
        first, second = sorted(df[a].dropna().unique(), key=str)
        step = f"{say(a)} {second} instead of {first}"
    pp = 100 if table.kind(b) != "number" else 1
    unit_told = f" percentage points of {say(b)}" if pp == 100 else f" of {say(b)}"
    report(
        "warning",
        "confounding",
        f"{capital(say(a))} goes with {say(b)} mostly as the {say(one)}s differ: once each {say(one)}'s and each {say(at)}'s own mean is "
        f"taken out, {step} goes with {signed(pp * by * inside.slope)}{unit_told} (95 % CI {signed(pp * by * inside.low)} to {signed(pp * by * inside.high)}, "
        f"r = {signed(inside.r)}, n = {inside.n:,} rows of {inside.units} {say(one)}s) instead of {signed(pp * by * slope)}.",
        [a, b, one],
        roles={"outcome": b, "factor": a, "stratifier": one},
        effect=effect("slope_per_step", by * inside.slope, (by * inside.low, by * inside.high)),
        test=ledger.test("within_by_unit", "within units", f"{found['a']} × {found['b']}"),
        n=inside.n,
        params={
            "alone": found["value"],
            "beside": inside.r,
            "held_fixed": one,
            "turned": bool(inside.slope * slope < 0),
        },
        caveats=[f"What changes within a {say(one)} for other reasons is not held fixed."],
        confidence="medium",
    )
    fig, ax = figure(f"{say(a)} and {say(b)}: between and within {say(one)}s", height=2.7)
    ends = np.array([inside.low, inside.high]) * by * pp
    ax.plot(ends, [1, 1], color=COLOURS[1], lw=3)
    ax.plot(inside.slope * by * pp, 1, "o", color=COLOURS[1], ms=9)
    ax.plot(slope * by * pp, 0, "o", color=COLOURS[0], ms=9)
    ax.axvline(0, color="black", lw=1)
    ax.set_yticks([0, 1], ["all rows", f"within {say(one)}s"])
    ax.set_ylim(-0.5, 1.7)
    ax.set_xlabel(f"{label(b)}: {step}")
    show(fig, f"{say(b)} with {say(a)} in all rows, and within {say(one)}s with its 95 % interval")
if not held_within:
    print("No panel." if not one else "No relation of two columns that vary within units.")

# %% [markdown] id="stand-ins-text"
# ## Which factors only stand in for another
#
# A factor that goes with the outcome only because it goes with another factor does nothing of its own: with the other held
# fixed, little is left of it. Of two factors that are nearly one (0.9) neither stands behind the other.

# %% id="stand-ins"
from statsmodels.regression.linear_model import OLS
from statsmodels.tools import add_constant

if outcome in usable and factors:  # the other columns as numbers, too
    more = [c for c in usable if c not in codes and (table.kind(c) == "number" or df[c].nunique() == 2)]
    codes = pd.concat([codes, pd.DataFrame({c: coded(c) for c in more}, index=df.index)], axis=1)
    pooled = correlations(codes)
outcomes = set(codes)


def as_numbers(name):
    """A column for a linear model: itself, or a column of 0 and 1 for each level but the first."""
    if name in codes:
        return codes[[name]]
    return pd.get_dummies(df[name], prefix=name, drop_first=True, dtype=float).where(df[name].notna())


def goes_along(z, x):
    """The correlation of two factors; for one of several levels, the root of the share that it explains of the other."""
    if x in codes:
        return pooled.at[x, z]
    parts = [part.dropna() for _, part in codes[z].groupby(df[x], sort=True)]
    parts = [part for part in parts if len(part) >= 5]
    whole = pd.concat(parts) if parts else pd.Series(dtype=float)
    between = sum(len(part) * (part.mean() - whole.mean()) ** 2 for part in parts)
    return (between / max(1e-12, ((whole - whole.mean()) ** 2).sum())) ** 0.5


def twin(name):
    """Whether a column is the outcome measured in another place: the other hand, deaths of all drivers."""
    own, others = ({w.lower() for w in re.findall(r"[A-Z]?[a-z]{3,}", c)} for c in (name, outcome))
    return related[name]["strength"] >= 0.85 and bool(own & others)


def is_switch(name):
    """Whether a column of two levels changes once along the time, as a law that comes into force does."""
    if not times:
        return False
    rows = df[[times[0]]].assign(on=codes[name]).dropna().sort_values(times[0])
    return bool((rows["on"].diff().fillna(0) != 0).sum() == 1 and rows[times[0]].is_unique)


def alone_and_beside(z, x):
    """Least squares of the outcome on one factor, and on it beside another, all in standard deviations."""
    rows = pd.concat(
        [codes[outcome].rename("y"), codes[z].rename("z"), as_numbers(x).add_prefix("x ")], axis=1
    ).dropna()
    rows = rows.loc[:, rows.nunique() > 1]
    spread = rows.std()
    standard = (rows - rows.mean()) / spread
    alone, beside = (OLS(standard["y"], add_constant(standard[c])).fit() for c in (["z"], list(standard.columns[1:])))
    others = np.array([[float(name == c) for name in beside.params.index] for c in beside.params.index[2:]])
    return alone, beside, float(beside.wald_test(others, scalar=True).pvalue), spread, len(rows)


def without(z, x):
    """The partial correlation of the outcome and one factor, given another: that of what the other leaves unexplained."""
    rows = pd.concat(
        [codes[outcome].rename("y"), codes[z].rename("z"), as_numbers(x).add_prefix("x ")], axis=1
    ).dropna()
    given = add_constant(rows.iloc[:, 2:])
    return stats.pearsonr(*(OLS(rows[c], given).fit().resid for c in ("z", "y")))


# What was asked for is held against every column, not only against those that were named
beside = [] if outcome not in usable or not factors else [c for c in usable if c not in named]
beside = [found for c in beside if (found := measure(c, outcome)) is not None]
for found in beside:
    ledger.add("possible stand-ins", f"{found['a']} × {outcome}", found["p"])
beside_q = ledger.q("possible stand-ins")
for found in beside:
    found |= {"q": beside_q[f"{found['a']} × {outcome}"], "strength": strength(found)}
related = {f["a"] if f["a"] != outcome else f["b"]: f for f in [*results, *beside] if outcome in (f["a"], f["b"])}
related = {
    c: f
    for c, f in related.items()
    if f["q"] < 0.05 and "misleads" not in f and frozenset((c, outcome)) not in flipped and outcome in outcomes
}
related = {c: f for c, f in related.items() if c in codes or df[c].nunique() <= 8}
stand_ins, faint = [], []
# Nothing in the same rows stands behind a date
switches = {c for c in codes if codes[c].nunique() == 2 and is_switch(c)}
for z in sorted(
    (c for c in related if c in codes and related[c] in results and c not in switches),
    key=lambda c: (c not in factors, -related[c]["strength"], c),
):
    found = related[z]
    links = {
        c: abs(goes_along(z, c))
        for c in related
        if c != z and related[c]["strength"] > found["strength"] and not twin(c)
    }
    partners = sorted(
        (c for c in links if 0.4 <= links[c] < 0.9), key=lambda c: (-links[c] * related[c]["strength"], c)
    )
    for x in partners[:3]:
        alone, beside, other_p, spread, n = alone_and_beside(z, x)
        if alone.pvalues["z"] > 0.05:
            continue  # nothing that could be another's
        # How much is left of it in its own direction; where that is hardly known, chance may have left a little more
        left = beside.params["z"] / alone.params["z"]
        if (beside.pvalues["z"] < 0.01 and left > 0) or left > (0.55 if beside.pvalues["z"] > 0.1 else 0.4):
            continue
        # Of two that are nearly one, neither adds much, and either could stand in for the other; and by its ranks
        # nothing may be left of it, either: a straight line through far values loses what the order of the rows shows
        more, rest = tells_more(outcome, [design(x)], [design(z)]), tells_more(outcome, [design(z)], [design(x)])
        if other_p > 0.01 or more < SURE or rest > 2:
            continue
        found["misleads"] = True
        wide = max(map(abs, beside.conf_int().loc["z"])) > 0.6 * abs(alone.params["z"])
        if n < 100 and wide and z not in factors:  # too few rows to say that little is left
            faint.append((z, x))
            break
        stand_ins.append((z, x, alone, beside, spread, n))
        break
for z, x, alone, beside, spread, n in stand_ins[:3]:
    link = (
        f"r = {signed(pooled.at[x, z])}"
        if x in codes
        else f"{percent(goes_along(z, x) ** 2)} of its variation lies between them"
    )
    two, numeric = codes[z].nunique() == 2, table.kind(outcome) == "number"
    per = (spread["y"] if numeric or two else 1.0) / (spread["z"] if two else 1.0) if two else 1.0
    low, high = beside.conf_int().loc["z"] * per
    if two:
        first, second = sorted(df[z].dropna().unique(), key=str)
        step = f"{say(outcome)} differs between {say(z)} {second} and {first}"
        size = signed if numeric else (lambda v: f"{signed(100 * v, 1)} %")
    else:
        step = f"one standard deviation of {say(z)} goes with"
        size = signed
    before, after = size(alone.params["z"] * per), size(beside.params["z"] * per)
    if z in factors:  # what was asked for is told with its interval, whatever becomes of it
        before += f" (95 % CI {' to '.join(size(end * per) for end in alone.conf_int().loc['z'])})"
    middle = f"{step} by {after}" if two else f"{step} {after} standard deviations of {say(outcome)}"
    turned = beside.pvalues["z"] < 0.05 and alone.params["z"] * beside.params["z"] < 0
    kept, share = beside.params["z"] / alone.params["z"], "mostly" if low * high > 0 and not turned else "only"
    end = "it turns round" if turned else f"{percent(kept)} of it is left" if kept > 0.005 else "nothing is left of it"
    left = without(z, x)
    report(
        "warning",
        "confounding",
        f"{say(z)} goes with {say(outcome)} {share} as it goes with {say(x)} ({link}): once {say(x)} is held fixed, {middle} "
        f"(95 % CI {size(low)} to {size(high)}) instead of {before}, n = {n:,}, so {end}.",
        [z, outcome, x],
        roles={"outcome": outcome, "factor": z, "stratifier": x},
        effect=effect("pearson_r", left.statistic, left.confidence_interval()),
        n=n,
        params={"alone": alone.params["z"], "beside": beside.params["z"], "held_fixed": x, "turned": bool(turned)},
        caveats=["A column that is not in the table may stand behind both."],
        confidence="high" if n >= 30 else "medium",
    )
    scale = per * (100 if two and not numeric else 1)
    fig, ax = figure(f"{say(z)} and {say(outcome)}: what is left once {say(x)} is held fixed", height=2.7)
    for i, (fit, colour) in enumerate(((beside, COLOURS[1]), (alone, COLOURS[0]))):
        ends = fit.conf_int().loc["z"] * scale
        ax.plot(ends, [i, i], color=colour, lw=3)
        ax.plot(fit.params["z"] * scale, i, "o", color=colour, ms=9)
        ax.annotate(
            signed(fit.params["z"] * scale, 2 if abs(fit.params["z"] * scale) < 100 else 0),
            (fit.params["z"] * scale, i),
            xytext=(0, 9),
            textcoords="offset points",
            ha="center",
        )
    ax.axvline(0, color="black", lw=1)
    ax.set_yticks([0, 1], [f"{say(x)} held fixed", "by itself"])
    ax.set_ylim(-0.5, 1.7)
    if not two:
        ax.set_xlabel(f"SDs of {short(say(outcome))} per SD of {short(say(z))}")
    else:
        ax.set_xlabel(f"{label(outcome)}, {second} less {first}{'' if numeric else ' (% of rows)'}")
    show(fig, f"Intervals: {say(z)} and {say(outcome)} by themselves, and with {say(x)} held fixed")


def apart_beside(z, x):
    """How far the levels of a category are apart in the outcome, and how far once another factor is held fixed: two
    series of means, the share of each level of the rows, and the number of rows."""
    rows = df[[z]].assign(y=codes[outcome]).join(as_numbers(x).add_prefix("x ")).dropna()
    rows = rows[rows.groupby(z)["y"].transform("size") >= 10]
    levels = pd.get_dummies(rows[z], dtype=float)
    levels = levels.loc[:, levels.sum() > 0]
    others = rows.drop(columns=[z, "y"])
    fit = OLS(rows["y"], pd.concat([levels, others - others.mean()], axis=1)).fit()
    return rows.groupby(z)["y"].mean()[levels.columns], fit.params[levels.columns], levels.mean(), len(rows)


levelled = [c for c in related if c not in codes and table.kind(outcome) == "number"]
levelled = [c for c in levelled if c in factors or len(df) <= 100_000]  # of more only what was asked about
for z in sorted(levelled, key=lambda c: (c not in factors, -related[c]["strength"], c)):
    found, links = related[z], {c: goes_along(c, z) for c in related if c in codes and c not in (z, outcome)}
    # What stands behind it must tell more, and alone account for as much as there is
    links = {c: v * related[c]["strength"] for c, v in links.items() if not twin(c)}
    partners = [c for c, v in links.items() if v >= 0.7 * found["strength"] and v < 0.9 * related[c]["strength"]]
    for x in sorted(partners, key=lambda c: (-links[c], c))[:1]:
        alone, beside, share, n = apart_beside(z, x)
        off, rest = (means - (means * share).sum() for means in (alone, beside))
        left = float((off * rest * share).sum() / (off**2 * share).sum())
        if n < 100 or left > (0.4 if z in factors else -0.1) or tells_more(outcome, [design(x)], [design(z)]) < SURE:
            continue
        found["misleads"] = True
        if z not in factors and z in levelled[3:]:
            faint.append((z, x))
            continue
        (low, top), (least, most) = (means.sort_values().index[[0, -1]] for means in (alone, beside))
        gaps = [with_unit(means.max() - means.min(), outcome) for means in (beside, alone)]
        report(
            "warning",
            "confounding",
            f"{say(outcome)} is highest for {say(z)} {top} (mean {with_unit(alone[top], outcome)}) and lowest for {low} ({with_unit(alone[low], outcome)}) as {say(z)} goes with "
            f"{say(x)}: once {say(x)} is held fixed, it is highest for {most} ({with_unit(beside[most], outcome)}) and lowest for {least} ({with_unit(beside[least], outcome)}, n = {n:,}), "
            f"{'so it turns round' if left < 0 else ' apart instead of '.join(gaps)}.",
            [z, outcome, x],
            roles={"outcome": outcome, "factor": z, "stratifier": x},
            effect=effect("mean_diff", float(beside[most] - beside[least])),
            n=n,
            params={"alone": float(found["strength"]), "beside": left, "held_fixed": x, "turned": left < 0},
            caveats=["A column that is not in the table may stand behind both."],
            confidence="high",
        )


def beside_all(factor):
    """The step of a factor in a model of the outcome with all other columns, where half of it or more goes or it turns
    round, or where by itself it hides; the step by itself; the other columns, the heaviest first; and the model. None
    otherwise."""
    others = [c for c in usable if c not in (outcome, factor) and related.get(c, {"strength": 0})["strength"] < 0.9]
    # What all but repeats the factor cannot be told apart from it: the cylinders of an engine and its size
    others = [c for c in others if factor not in codes or df[c].nunique() > 20 or abs(goes_along(factor, c)) < 0.8]
    try:
        found = find_drivers(df[[outcome, factor, *others]], outcome)
    except CannotAnswer:
        return None
    steps = found.effects[found.effects["factor"] == factor]
    if len(steps) != 1 or found.n < 100 or found.units:
        return None
    step, itself = steps.iloc[0], find_drivers(df[[outcome, factor]], outcome).effects.iloc[0]
    shrinks = step["joint"] * np.sign(step["alone"]) < 0.5 * abs(step["alone"])
    sure = itself["low"] * itself["high"] > 0
    hides = not sure and not itself["low"] <= step["joint"] <= itself["high"]
    told = (sure and shrinks) or hides
    return (step, itself, [c for c in found.weights.index if c != factor], found) if told else None


asked_alone = [f for f in results if {f["a"], f["b"]} == {outcome, *factors[:1]} and not {"misleads", "between"} & {*f}]
asked_alone = [f for f in asked_alone if frozenset((f["a"], f["b"])) not in flipped]
# A model of lines tells nothing of ranks and curves
asked_alone = [f for f in asked_alone if f["metric"] not in ("spearman_r", "r2")]
for found in asked_alone if outcome in usable and len(factors) == 1 and factors[0] not in switches else []:
    held = beside_all(factors[0])
    if held is None:
        continue
    step, itself, others, joint = held
    related_apart.add(frozenset((factors[0], outcome)))
    turned = step["joint"] * step["alone"] < 0
    unit = " percentage points" if joint.yes else f" {unit_of(outcome)}".rstrip()
    listed = [say(c) for c in others[:5]] + (["others"] if len(others) > 5 else [])
    the_same = " and ".join(filter(None, (", ".join(listed[:-1]), listed[-1])))
    of_what = f"{say(outcome)} {joint.yes}" if joint.yes not in ("", "1", "True") else say(outcome)
    before = (
        f"{signed_number(step['alone'])} (95 % CI {signed_number(itself['low'])} to {signed_number(itself['high'])})"
    )
    lead = f"{capital(say(factors[0]))} goes with {say(outcome)} mostly as other columns do"
    if turned or itself["low"] * itself["high"] <= 0:
        lead = f"By itself, {say(factors[0])} misleads as to {say(outcome)}, since its rows differ in more"
    unlike = sides_apart(df, factors[0], others)
    report(
        "warning",
        "confounding",
        f"{lead}: among rows alike in {the_same}, {step['step']} goes with "
        f"{signed_number(step['joint'])}{unit} of {of_what} (95 % CI {signed_number(step['low'])} to {signed_number(step['high'])}, "
        f"n = {joint.n:,}) instead of {before}"
        + (", so it points the other way." if turned else ".")
        + f" {capital(unlike)}" * bool(unlike),
        [factors[0], outcome, *others[:2]],
        roles={"outcome": outcome, "factor": factors[0], "stratifier": others[0]},
        effect=effect("slope_per_step", step["joint"], (step["low"], step["high"])),
        n=joint.n,
        params={
            "alone": step["alone"],
            "beside": step["joint"],
            "held_fixed": ", ".join(others),
            "turned": bool(turned),
        },
        caveats=["A column that follows from the factor is held fixed, too: what works through it is not counted."],
        confidence="medium",
    )
    fig, ax = figure(f"{say(factors[0])} and {say(outcome)}: among rows alike in all else", height=2.7)
    for i, (row, colour) in enumerate(((step, COLOURS[1]), (itself, COLOURS[0]))):
        ax.plot([row["low"], row["high"]], [i, i], color=colour, lw=3)
        ax.plot(row["joint"], i, "o", color=colour, ms=9)
    ax.axvline(0, color="black", lw=1)
    ax.set_yticks([0, 1], ["all else held fixed", "by itself"])
    ax.set_ylim(-0.5, 1.7)
    ax.set_xlabel(f"{label(outcome)}: {step['step']}")
    show(fig, f"{say(factors[0])} and {say(outcome)} with all other columns held fixed (95 % CI), and by themselves")
    if turned or not found["real"]:  # that there is nothing by itself is no finding, either
        found["misleads"] = True


def beside_stronger(found, stronger):
    """The p-value of a factor beside those that explain more of the outcome, and the shares (R²) that it explains by itself
    and adds to theirs: least squares on all of them; 0, 1 and 1 where too few rows have all."""
    name, *rest = (f["a"] if f["a"] != outcome else f["b"] for f in (found, *stronger))
    parts = [as_numbers(c).add_prefix(f"{c} ") for c in (name, *rest)]
    rows = pd.concat([codes[outcome].rename("y"), *parts], axis=1).dropna().astype(float)
    if len(rows) < max(100, 0.5 * found["n"]) or (rows.nunique() < 2).any():
        return 0.0, 1.0, 1.0
    mine = list(parts[0])
    fit, alone, without_it = (
        OLS(rows["y"], add_constant(rows[cols])).fit()
        for cols in (list(rows)[1:], mine, [c for c in list(rows)[1:] if c not in mine])
    )
    own = np.array([[float(c == one) for c in fit.params.index] for one in mine])
    return float(fit.wald_test(own, scalar=True).pvalue), alone.rsquared, fit.rsquared - without_it.rsquared


# What explains little must hold beside what explains more: a true driver only stands out better there
drivers = [f for f in results if f["real"] and "misleads" not in f] if outcome in outcomes and not factors else []
drivers = [f for f in drivers if all(c in codes or df[c].nunique() <= 20 for c in (f["a"], f["b"]))]
drivers = [f for f in drivers if outcome in (f["a"], f["b"])]  # and not what turned a relation about
for place, found in enumerate(drivers):
    if found["strength"] < 0.15 and place:
        p, *_ = beside_stronger(found, [f for f in drivers[:place] if f["real"]])
        ledger.add("beside stronger ones", f"{found['a']} × {found['b']}", p)
        if p >= alpha:
            found |= {"real": False, "adds": False}
if not stand_ins:
    print("None." if related else "No outcome with related columns, so there is nothing to look at.")

# %% [markdown] id="jointly-text"
# ## Two named factors at once
#
# What one factor does can hide behind the variation that another makes. Two factors that were named, of at most 8 levels each,
# are put into one analysis of variance (type II), with their interaction.

# %% id="jointly"
import statsmodels.formula.api as smf
from statsmodels.stats.anova import anova_lm

hidden = set()  # factors whose effect only shows beside the other
few = [c for c in factors if c in usable and df[c].nunique() <= 8]
crossed = pd.crosstab(df[few[0]], df[few[1]]) if len(few) == 2 else pd.DataFrame([[0]])
joint = (
    len(factors) == 2
    and len(few) == 2
    and outcome in usable
    and table.kind(outcome) == "number"
    and crossed.min(axis=None) >= 3
)
if joint:
    rows = df[[outcome, *few]].dropna().set_axis(["y", "f", "g"], axis=1)
    fit = smf.ols("y ~ C(f) * C(g)", rows).fit()
    anova = anova_lm(fit, typ=2)
    for term, p in anova["PR(>F)"].dropna().items():
        ledger.add("two factors", str(term), p)
    joint_q = ledger.q("two factors")
    known = {f["a"] if f["a"] != outcome else f["b"] for f in results if f["real"] and "misleads" not in f}
    for term, c, other in (("C(f)", *few), ("C(g)", *few[::-1])):
        if joint_q[term] >= 0.01 or c in known or df[c].nunique() != 2:
            continue
        plain = smf.ols("y ~ C(f) + C(g)", rows).fit()
        place = next(k for k in plain.params.index if k.startswith(term))
        size, (low, high) = plain.params[place], plain.conf_int().loc[place]
        first, second = sorted(df[c].dropna().unique(), key=str)
        hidden.add(c)
        top, rest = (second, first) if size > 0 else (first, second)
        low, high = sorted((abs(low), abs(high)))
        report(
            "claim",
            "group_difference",
            f"With {say(other)} held fixed, {say(outcome)} is {number(abs(size))} higher where {say(c)} is {top} than {rest} (95 % CI {number(low)} to {number(high)}, "
            f"n = {len(rows):,}); alone, the difference hides behind what {say(other)} does.",
            [c, outcome],
            roles={"outcome": outcome, "factor": c, "stratifier": other},
            effect=effect("mean_diff", abs(size), (low, high)),
            test=ledger.test("anova_type_2", "two factors", term),
            n=len(rows),
            params={"top": str(top)},
            caveats=["Observed, not assigned: it does not show that one causes the other."],
            confidence="high" if joint_q[term] < 0.001 else "medium",
        )
    if joint_q["C(f):C(g)"] < 0.05:
        means = rows.groupby(["f", "g"])["y"].mean().unstack()
        listed = "; ".join(
            f"{level}: " + ", ".join(f"{number(v)} for {k}" for k, v in row.items()) for level, row in means.iterrows()
        )
        share = anova.loc["C(f):C(g)", "sum_sq"] / anova["sum_sq"].sum()
        report(
            "claim",
            "interaction",
            f"What {say(few[1])} has to do with {say(outcome)} depends on {say(few[0])} (interaction {chance(anova.loc['C(f):C(g)', 'PR(>F)'])}, {percent(share)} of the variation, "
            f"n = {len(rows):,}); the means are {listed}.",
            [*few, outcome],
            roles={"outcome": outcome, "factor": few[1], "moderator": few[0]},
            effect=effect("eta2", share),
            test=ledger.test("anova_type_2", "two factors", "C(f):C(g)"),
            n=len(rows),
            caveats=["Observed, not assigned: it does not show that one causes the other."],
            confidence="medium",
        )
        fig, ax = figure(f"{say(outcome)} by {say(few[0])} and {say(few[1])}")
        ends = []
        for (level, row), colour in zip(means.iterrows(), COLOURS, strict=False):
            ax.plot(range(len(row)), row, "o-", color=colour, lw=2.2)
            ends.append((row.iloc[-1], str(level), colour))
        ax.set_xticks(range(means.shape[1]), [str(k) for k in means.columns])
        ax.set(xlabel=label(few[1]), ylabel=f"mean {label(outcome)}")
        direct_labels(ax, ends)
        show(fig, f"Lines: mean {say(outcome)} for each {say(few[1])}, one line for each {say(few[0])}")
else:
    print("Not two named factors of few levels, each combination of them with three rows.")

# %% [markdown] id="uneven-text"
# ## Which relations hold in one group only, and where values spread more
#
# For every pair of numbers and every column of at most 8 levels: does the correlation (of ranks, so that no single point
# decides) differ between the levels? And for every number and category whose means agree: do the levels spread alike?

# %% id="uneven"
differ = {}
turning = {p["by"] for p in paradoxes}


def follows_another(by):
    """Whether a column of groups only repeats, in part, the one that turns relations about."""
    tables = [pd.crosstab(df[by], df[other]).to_numpy() for other in turning if other != by]
    return by not in turning and any(min(t.shape) > 1 and contingency(t, method="cramer") > 0.3 for t in tables)


placed = {c: pd.factorize(codes[c], sort=True)[0] for c in codes} if strata else {}


def ranks_within(name, rows):
    """The ranks of a column's values within some rows, ties at their middle; missing ones stay so."""
    inside = placed[name][rows]
    counts = np.bincount(inside[inside >= 0], minlength=1)
    middle = np.cumsum(counts) - (counts - 1) / 2
    return np.where(inside >= 0, middle[inside], np.nan)


for by in strata:
    if follows_another(by):
        continue
    cut = {*lasts} if by in ended else set()  # of those still followed, the later they came the shorter
    sizes = df[by].value_counts().sort_index()
    levels = [level for level in sizes.index if sizes[level] >= 20]
    numeric = [c for c in codes if c != by]
    if len(levels) < 2 or len(numeric) < 2:
        continue
    inside_levels = [np.flatnonzero(df[by] == level) for level in levels]
    ranked = [pd.DataFrame({c: ranks_within(c, rows) for c in numeric}) for rows in inside_levels]
    r = np.array([correlations(part, 20).to_numpy() for part in ranked])
    known = np.array([part.notna().to_numpy().astype(float).T @ part.notna().to_numpy() for part in ranked])
    for part, rows in zip(ranked, known, strict=True):  # a handful of values, each in many rows, makes any correlation
        few = (part.head(1000).nunique() < 5).to_numpy() & (codes[numeric].head(1000).nunique() >= 10).to_numpy()
        few |= [part[c].nunique() == 2 and part[c].value_counts().min() < 5 for c in numeric]  # so does a level of few
        rows[few, :] = rows[:, few] = 0
    weight = np.where(np.isfinite(r), np.maximum(known - 3, 0) / 1.06, 0)
    z = np.where(weight > 0, np.arctanh(np.clip(np.nan_to_num(r), -0.999, 0.999)), 0)
    mean = (weight * z).sum(0) / np.maximum(weight.sum(0), 1e-9)
    spread = (weight * (z - mean) ** 2).sum(0)  # Cochran's Q
    apart = stats.chi2.sf(spread, np.maximum((weight > 0).sum(0) - 1, 1))
    place = {c: i for i, c in enumerate(numeric)}
    for a, b in (p for p in pairs if p[0] in place and p[1] in place and not cut & {*p}):
        i, j = place[a], place[b]
        if (weight[:, i, j] > 0).sum() < 2:
            continue
        ledger.add("interactions", f"{a} × {b} by {by}", apart[i, j])
        if not apart[i, j] < alpha:
            continue
        rest = []  # how far each level lies from the others together, in standard errors of that difference
        for k in range(len(levels)):
            own, beside = weight[k, i, j] + 1e-9, np.delete(weight[:, i, j], k) + 1e-9
            off = abs(z[k, i, j] - np.average(np.delete(z[:, i, j], k), weights=beside))
            rest.append(off / (1 / own + 1 / beside.sum()) ** 0.5)
        odd = max(range(len(levels)), key=lambda k: (round(rest[k], 6), abs(z[k, i, j])))
        if len(levels) == 2:
            odd = int(abs(z[1, i, j]) > abs(z[0, i, j]))
        gap = abs(r[odd, i, j] - np.average(np.delete(r[:, i, j], odd), weights=np.delete(weight[:, i, j], odd) + 1e-9))
        if gap >= 0.25:
            differ[a, b, by] = (gap, levels[odd])
differ_q = ledger.q("interactions")
# What goes together as the units of a panel differ depends on whatever else they differ in
seen, interactions = {frozenset((f["a"], f["b"])) for f in results if not f.get("holds", True)}, []
for (a, b, by), (_, level) in sorted(differ.items(), key=lambda item: (-item[1][0], item[0])):
    pair = frozenset((a, b))
    if differ_q[f"{a} × {b} by {by}"] >= alpha or pair in seen or pair in flipped:
        continue
    seen.add(pair)
    interactions.append((a, b, by, level))
for a, b, by, level in interactions[:3]:
    rows = codes[[a, b]].assign(group=df[by]).dropna()
    here, others = rows[rows["group"] == level], rows[rows["group"] != level]
    inner = others[[a, b]] - others.groupby("group")[[a, b]].transform("mean")  # what lies between groups is not meant
    r, rest = stats.pearsonr(here[a], here[b]), stats.pearsonr(inner[a], inner[b])
    low, high = r.confidence_interval()
    if low <= rest.statistic <= high:  # the ranks differ, what would be told does not
        continue
    place = as_design(looked_at[a], True) if a in codes and table.kind(a) == "number" else design(a)
    inside = (looked_at[by] == level).to_numpy(float, na_value=0.0)[:, None]
    if tells_more(b, [place * inside], [place, design(by), inside]) < SURE:
        continue
    text = (
        f"How {say(a)} and {say(b)} go together depends on {say(by)}: where it is {level}, r = {signed(r.statistic)} (95 % CI "
        f"{from_to((low, high))}, n = {len(here):,}), elsewhere r = {signed(rest.statistic)}."
    )
    s = shares({"a": a, "b": b, "by": by})
    if s:
        apart = [
            (good.groupby(part[s["factor"]]).mean() * 100).round(1)
            for part in (df[df[by] == level], df[df[by] != level])
            for good in [part[s["result"]] == s["yes"]]
        ]
        inside, outside = (f"{v[s['high']]:.1f} % against {v[s['low']]:.1f} %" for v in apart)
        text = (
            f"How much more often {say(s['result'])} is {s['yes']} where {say(s['factor'])} is {s['high']} than {s['low']} depends on {say(by)}: {inside} where it is {level} "
            f"(r = {signed(r.statistic)}, 95 % CI {from_to((low, high))}, n = {len(here):,}), {outside} elsewhere (r = {signed(rest.statistic)})."
        )
    report(
        "claim",
        "interaction",
        text,
        [a, b, by],
        roles={"factor": a, "outcome": b, "moderator": by},
        effect=effect("pearson_r", r.statistic, (low, high)),
        test=ledger.test("cochran_q", "interactions", f"{a} × {b} by {by}"),
        n=len(rows),
        params={"level": str(level), "elsewhere": rest.statistic},
        caveats=["Observed, not assigned: it does not show that one causes the other."],
        confidence="high" if differ_q[f"{a} × {b} by {by}"] < 0.001 else "medium",
    )
    for found in results:
        # Where the same holds everywhere, only more or less of it, the relation of all rows is true as well
        if {found["a"], found["b"]} == {a, b} and (
            r.statistic * rest.statistic < 0 or min(abs(r.statistic), abs(rest.statistic)) < 0.25
        ):
            found["misleads"] = True
    if table.kind(a) == "number" and table.kind(b) != "number" and not speaks_of_yes(df[b].dropna().unique()):
        a, b = b, a  # what is measured goes up the side, unless the other is an outcome
    fig, ax = figure(f"{say(b)} and {say(a)}, where {say(by)} is {level} and elsewhere")
    ends = []
    for part, name, colour in ((others, "elsewhere", COLOURS[6]), (here, f"{say(by)} {level}", COLOURS[1])):
        if codes[a].nunique() <= 8:
            line = part.groupby(a)[b].mean()
            ax.plot(line.index, line, "o-", color=colour, lw=2.4, ms=8)
            line = line.to_numpy()
        else:
            some = part.iloc[:: max(1, len(part) // 1500)]
            ax.scatter(some[a], some[b], s=14, alpha=0.4, color=colour, linewidths=0)
            edge = np.array([part[a].min(), part[a].max()])
            line = np.polyval(np.polyfit(part[a], part[b], 1), edge)
            ax.plot(edge, line, color=colour, lw=2.6)
        ends.append((line[-1], name, colour))
    values_of_a = np.sort(codes[a].dropna().unique())
    if table.kind(a) != "number":
        ax.set_xticks(values_of_a, sorted(map(str, df[a].dropna().unique())))
        ax.margins(x=0.2)
    elif len(values_of_a) <= 8:
        ax.set_xticks(values_of_a, [f"{v:g}" for v in values_of_a])
    second = "" if table.kind(b) == "number" else sorted(map(str, df[b].dropna().unique()))[-1]
    side = (
        f"{say(b)} is {second} (share of rows)"
        if second
        else f"{'mean of ' if len(values_of_a) <= 8 else ''}{label(b)}"
    )
    ax.set(xlabel=label(a), ylabel=side[:1].upper() + side[1:])
    direct_labels(ax, ends)
    show(fig, f"{say(b)} against {say(a)}, once for {say(by)} {level} and once for the rest")

uneven = []
for found in [f for f in results if "means" in f and not f["real"] and outcome in ("", f["number"])]:
    value, group = found["number"], found["group"]
    parts = {
        as_level(level): part.dropna().to_numpy(float)
        for level, part in df.groupby(group, sort=True)[value]
        if part.count() >= 20
    }
    usual = [np.unique(part, return_counts=True)[1].max() / len(part) for part in parts.values()]
    if len(parts) < 2 or max(usual) > 0.9:  # the spread of what hardly varies rests on a few rows
        continue
    spreading = stats.levene(*parts.values(), center="median").pvalue
    if of_table.far_values(value):  # a few far values make one level spread more, but not its ranks
        spreading = max(spreading, stats.fligner(*parts.values()).pvalue)
    ledger.add("spreads", f"{value} by {group}", spreading)
    sds = {level: part.std(ddof=1) for level, part in parts.items()}
    top, low = max(sds, key=sds.get), min(sds, key=sds.get)
    if sds[top] / sds[low] >= 1.2:
        uneven.append((sds[top] / sds[low], value, group, top, low, parts))
spread_q = ledger.q("spreads")
uneven = [u for u in uneven if spread_q[f"{u[1]} by {u[2]}"] < alpha / 10]
for ratio, value, group, top, low, parts in sorted(uneven, key=lambda u: (-u[0], u[1], u[2]))[:3]:
    ends = spread_interval(list(parts.values()))
    if ends[0] <= 1:  # the ranks of the distances differ surely, what would be told does not
        continue
    gap = stats.ttest_ind(parts[top], parts[low], equal_var=False).confidence_interval()
    means = [with_unit(parts[level].mean(), value) for level in (top, low)]
    usual = ((parts[top].var(ddof=1) + parts[low].var(ddof=1)) / 2) ** 0.5
    near = max(abs(gap.low), abs(gap.high)) < 0.2 * usual  # a small effect by Cohen
    around = (  # only their interval can say that means agree: a small effect or a large p cannot
        "means that hardly differ"
        if near
        else "means of which no difference is shown"
        if gap.low < 0 < gap.high
        else f"means of {means[0]} and {means[1]}"
    )
    report(
        "claim",
        "variance_difference",
        f"{say(value)} spreads {ratio:.2f} times as much where {say(group)} is {top} as where it is {low} (95 % CI {ends[0]:.2f} to "
        f"{ends[1]:.2f}, n = {sum(map(len, parts.values())):,}), around {around} (95 % CI of the difference {number(gap.low)} to {number(gap.high)}).",
        [value, group],
        roles={"outcome": value, "factor": group},
        effect=effect("sd_ratio", ratio, ends),
        test=ledger.test("levene_median", "spreads", f"{value} by {group}"),
        n=sum(map(len, parts.values())),
        params={"top": top},
        caveats=["Observed, not assigned: it does not show what makes the groups differ."],
        confidence="high" if spread_q[f"{value} by {group}"] < 0.001 else "medium",
    )
    fig, ax = figure(f"{say(value)} by {say(group)}", height=1.6 + 0.5 * len(parts))
    ax.boxplot(list(parts.values()), orientation="horizontal", tick_labels=list(parts), widths=0.6, sym=".")
    ax.set_xlabel(label(value))
    show(fig, f"Boxes: the spread of {say(value)} for each {say(group)}")
if not interactions and not uneven:
    print("None.")

# %% [markdown] id="by-group-text"
# ## Group by group, where a line can mislead
#
# The same correlation can come from a line, a curve or a single point. What was asked for by name (or all, where there are
# few columns) is looked at in each group by itself.

# %% id="by-group"
small = [p for p in pairs if all(table.kind(c) == "number" for c in p) and frozenset(p) not in flipped]
small = small if asked or len(table.of("number")) <= 3 else []
strange = []
parts = [
    (c, level, part)
    for c in table.of("category")
    if 0 < len(small) <= 3 and 2 <= df[c].nunique() <= 20
    for level, part in df.groupby(c, sort=True)[list(dict.fromkeys(c for p in small for c in p))]
    if len(part) >= 0.05 * len(df)  # a point of a handful of rows says little of all
]
everything = [p for p in pairs if all(table.kind(c) == "number" for c in p)] if len(df) <= 50 else []
for (by, level, part), few in [(p, small) for p in parts] + [(("", "", df), everything[:60])]:
    for a, b in few:
        if frozenset((a, b)) not in flipped | hidden_pairs:
            found = one_group(part, a, b)
            if "point" in found or "curve" in found:
                strange.append(found | {"a": a, "b": b, "by": by, "level": level, "part": part[[a, b]].dropna()})
                if "curve" in found:
                    ledger.add("curves", f"{a} × {b} where {by} is {level}", found["p"])
for found in strange[:max_findings]:
    a, b, by, level, part = (found[k] for k in ("a", "b", "by", "level", "part"))
    low, high = found["ci"]
    where = f"where {say(by)} is {level}, " if by else ""
    line = f"r = {signed(found['r'])}, 95 % CI {from_to((low, high))}, n = {found['n']:,}"
    if not by:  # told here, so not once more as a line
        for other in results:
            if {other["a"], other["b"]} == {a, b}:
                other["misleads"] = True
    if "curve" in found:
        report(
            "claim",
            "nonlinear_association",
            f"{where}{say(b)} follows a curve in {say(a)}, not a line: a parabola explains {percent(found['curve'])} of its variation ({line}).",
            [a, b],
            roles={"outcome": b, "factor": a} | ({"moderator": by} if by else {}),
            segment=f"{by} = {level}" if by else None,
            effect=effect("r2", found["curve"]),
            test=ledger.test("quadratic_term", "curves", f"{a} × {b} where {by} is {level}"),
            n=found["n"],
            params={"level": str(level), "form": "parabola"},
            caveats=["Observed, not assigned: it does not show that one causes the other."],
            confidence="high" if found["n"] >= 30 else "medium",
        )
    else:
        rest = found["rest"]
        otherwise = (
            f"without it {say(a)} or {say(b)} does not vary at all, so nothing is known of a relation"
            if rest is None
            else f"without it r = {signed(rest)}"
        )
        report(
            "warning",
            "leverage_point",
            f"{where}one point{these(found['part'].iloc[[found['point']]])} {'makes' if rest is None else 'moves'} the line of {say(a)} and {say(b)} ({line}): {otherwise}.",
            [c for c in (a, b, by) if c],
            roles={"outcome": b, "factor": a} | ({"moderator": by} if by else {}),
            segment=f"{by} = {level}" if by else None,
            effect=effect("pearson_r", found["r"], (low, high)),
            n=found["n"],
            params={"level": str(level), "without": rest, "points": 1},
            caveats=["Check how that point was recorded."],
            confidence="high" if found["n"] >= 30 else "medium",
        )
    fig, ax = figure(f"{say(b)} and {say(a)} {' where ' + say(by) + f' is {level}' if by else ''}")
    ax.scatter(part[a], part[b], s=28, color=COLOURS[0])
    if "point" in found:
        ax.scatter(part[a].iloc[[found["point"]]], part[b].iloc[[found["point"]]], s=80, color=COLOURS[1])
    ends = np.linspace(part[a].min(), part[a].max(), 60)
    ax.plot(
        ends,
        np.polyval(np.polyfit(part[a].astype(float), part[b].astype(float), 2 if "curve" in found else 1), ends),
        color=COLOURS[1],
        lw=2.4,
    )
    ax.set(xlabel=label(a), ylabel=label(b))
    show(
        fig,
        f"Scatter of {say(b)} against {say(a)}{' where ' + say(by) + f' is {level}' if by else ''}, with its {'curve' if 'curve' in found else 'line and the point that makes it'}",
    )
shaped = table.of("number")
apart = [c for c in table.of("category") if 2 <= df[c].nunique() <= 20] if len(shaped) <= 2 else []
apart = apart if not outcome or {outcome, *factors} <= {*shaped} else []
differ = [by for by in apart if tell_shapes(table, by, shaped)] if shaped else []
if not strange and not differ:
    print("None." if small else "There are many columns and none was asked for by name, so this was left.")

# %% [markdown] id="twice-text"
# ## One thing measured twice
#
# Of two columns whose names differ only in when they were measured, each row is compared with itself.

# %% id="twice"
twice = []
for early, late in measured_twice([c for c in table.of("number") if not named or c in named]):
    rows = df[[early, late]].dropna().astype(float)
    change = rows[late] - rows[early]
    if len(rows) >= 10 and change.std() > 0:
        p = max(stats.wilcoxon(change).pvalue, stats.ttest_1samp(change, 0).pvalue)  # one far row makes no change
        ledger.add("measured twice", f"{early} × {late}", p)
        twice.append((early, late, rows, change))
twice_q = ledger.q("measured twice") if twice else {}
for early, late, rows, change in [t for t in twice if twice_q[f"{t[0]} × {t[1]}"] < alpha][:max_findings]:
    ci = stats.ttest_1samp(change, 0).confidence_interval()
    low, high = sorted((abs(ci.low), abs(ci.high)))
    report(
        "claim",
        "group_difference",
        f"{say(late)} is {'higher' if change.mean() > 0 else 'lower'} than {say(early)}: mean {with_unit(rows[late].mean(), late)} against "
        f"{with_unit(rows[early].mean(), early)}, a difference within the same row of {number(abs(change.mean()))} (95 % CI {number(low)} to "
        f"{number(high)}, n = {len(rows):,}).",
        [early, late],
        direction="+" if change.mean() > 0 else "-",
        effect=effect("cohens_d", change.mean() / change.std(), (ci.low / change.std(), ci.high / change.std())),
        test=ledger.test("wilcoxon", "measured twice", f"{early} × {late}"),
        n=len(rows),
        params={"top": late if change.mean() > 0 else early, "twice": True},
        caveats=["What else changed between the two, changed it too."],
        confidence="high" if len(rows) >= 100 else "medium",
    )
    fig, ax = figure(f"{say(early)} and {say(late)}, row by row")
    ax.scatter(rows[early], rows[late], s=28, alpha=0.6, color=COLOURS[0])
    ends = [rows.min(axis=None), rows.max(axis=None)]
    ax.plot(ends, ends, color="black", lw=1, ls="--")
    ax.set(xlabel=f"{label(early)}; dashed: no change", ylabel=label(late))
    show(fig, f"Scatter of {say(late)} against {say(early)} with the line of no change")
if not twice:
    print("None, as far as their names tell.")

# %% [markdown] id="findings-text"
# ## What was found


# %% id="claims"
def chart(found):
    """The chart that shows exactly one result."""
    a, b = found["a"], found["b"]
    rows = df[[a, b]].dropna()
    if "counts" in found:
        if (often := how_often(found)) is not None and len(often) <= 14:
            one, other, yes = often.attrs["told"]
            title = f"How often {say(other)} is {yes}, by {say(one)}"
            fig = share_dots(title, often["yes"][::-1], often["all"][::-1], f"{say(other)} is {yes}", label(one))
            return show(fig, f"Dots: how often {say(other)} is {yes} for each {say(one)}")
        shares = found["counts"].div(found["counts"].sum(axis=1), axis=0) * 100
        shares = shares.iloc[:12, :8]
        fig, ax = figure(f"{say(b)} by {say(a)}", height=1.8 + 0.42 * len(shares))
        ax.imshow(shares, cmap="Blues", vmin=0, vmax=100, aspect="auto")
        for i, j in np.ndindex(shares.shape):
            ax.text(
                j,
                i,
                f"{shares.iloc[i, j]:.0f} %",
                ha="center",
                va="center",
                color="white" if shares.iloc[i, j] > 70 else "black",
            )
        ax.set_yticks(range(len(shares)), [tick(c) for c in shares.index])
        name_columns(ax, shares.columns)
        ax.set(xlabel=f"{label(b)} (share of each row)", ylabel=label(a))
        ax.grid(False)
    elif "group" in found:
        value, group = found["number"], found["group"]
        levels = sorted(found["means"], key=found["means"].get)
        cut = f", the six highest and lowest of {len(levels)}" if len(levels) > 12 else ""
        levels = levels[:6] + levels[-6:] if cut else levels
        fig, ax = figure(f"{say(value)} by {say(group)}{cut}", height=1.7 + 0.5 * len(levels))
        for i, level in enumerate(levels):
            part = rows.loc[rows[group].astype(str) == level, value].astype(float)
            some = part.iloc[:: max(1, len(part) // 600)]
            ax.scatter(
                some,
                i + np.random.default_rng(i).uniform(-0.28, 0.28, len(some)),
                s=10,
                alpha=0.35,
                color=COLOURS[0],
                linewidths=0,
            )
            half = stats.sem(part) * stats.t.ppf(0.975, len(part) - 1)
            ax.errorbar(part.mean(), i, xerr=half, fmt="o", color=COLOURS[1], capsize=4, ms=7)
        ax.set_yticks(range(len(levels)), [tick(level) for level in levels])
        if cut:
            ax.axhline(5.5, color="black", lw=0.8, ls=":")
        ax.set(xlabel=f"{label(value)}; large dot: mean, 95 % CI", ylabel=label(group))
    else:
        if found.get("bent") == a or (found.get("bent") is None and a == outcome):
            a, b = b, a
        fig, ax = figure(f"{say(b)} and {say(a)}")
        some = rows.iloc[:: max(1, len(rows) // 3000)].astype(float)
        few = len(some) < 300
        spots = some.value_counts().reset_index(name="rows") if some.nunique().max() <= 15 else None
        if spots is not None:  # many rows in few places: a dot's area says how many
            ax.scatter(
                spots[a],
                spots[b],
                s=600 * spots["rows"] / spots["rows"].max(),
                alpha=0.6,
                color=COLOURS[0],
                linewidths=0,
            )
        else:
            ax.scatter(
                some[a], some[b], s=34 if few else 14, alpha=0.65 if few else 0.4, color=COLOURS[0], linewidths=0
            )
        x, y = rows[a].astype(float), rows[b].astype(float)
        ranked = found["metric"] == "spearman_r"
        if ranked or found.get("form") == "fifths":
            parts = pd.qcut(x.rank(method="average"), 10 if ranked else 5, duplicates="drop")
            line = pd.DataFrame(
                {
                    "x": x.groupby(parts, observed=True).median(),
                    "y": y.groupby(parts, observed=True).agg("median" if ranked else "mean"),
                }
            )
            ax.plot(line["x"], line["y"], "o-", color=COLOURS[1], lw=2.6, ms=8)
            part = {10: "tenth", 5: "fifth"}.get(len(line), f"of {len(line)} parts")
            where = "at each value" if len(line) == x.nunique() else f"of each {part}"
            drawn = f"line: {'median' if ranked else 'mean'} {where}"
        else:
            ends = np.linspace(x.min(), x.max(), 60)
            ax.plot(ends, np.polyval(np.polyfit(x, y, 2 if "bent" in found else 1), ends), color=COLOURS[1], lw=2.6)
            drawn = ""
        drawn = "; ".join(filter(None, (drawn, "area: rows" if spots is not None else "")))
        ax.set(xlabel=label(a) + (f"; {drawn}" if drawn else ""), ylabel=label(b))
        if rows[a].nunique() <= 8:
            ax.set_xticks(sorted(rows[a].unique()), [f"{v:g}" for v in sorted(rows[a].unique())])
    show(fig, f"Chart of {say(b)} and {say(a)}")


def how_often(found):
    """For two columns of which one has two levels: how often it says yes for each level of the other, rarest first.

    `yes` and `all` are rows; `attrs["told"]` has the column of the index, the other, and its level that says yes.
    None for any other pair.
    """
    a, b, counts = found["a"], found["b"], found["counts"]
    if 2 not in counts.shape or (outcome in (a, b) and counts.shape[b == outcome] != 2):
        return None
    (a, b), counts = ((a, b), counts) if counts.shape[1] == 2 else ((b, a), counts.T)
    yes = yes_level(counts.columns)
    often = pd.DataFrame({"yes": counts[yes], "all": counts.sum(axis=1)})
    often = often[often["all"] >= 10].assign(share=lambda o: o["yes"] / o["all"]).sort_values("share", kind="stable")
    often.attrs["told"] = a, b, yes
    return often if len(often) > 1 else None


def goes_with(found):
    """How much more or less of the outcome goes with a step of the other column, after a colon; empty where no straight
    line tells it. Its interval allows for a spread that differs along the line (HC3)."""
    if found["metric"] not in ("pearson_r", "spearman_r") or found["b"] != outcome:
        return ""
    rows = df[[found["a"], outcome]].dropna().astype(float)
    if rows.min(axis=None) > 0 and rows.skew().min() > 2:  # both grow by factors, and a line follows the largest
        logs = np.log(rows)
        line = OLS(logs[outcome], add_constant(logs[found["a"]])).fit(cov_type="HC3")
        r = stats.pearsonr(logs[found["a"]], logs[outcome])
        more, ends = line.params.iloc[1], line.conf_int().iloc[1]
        if abs(r.statistic) >= 0.3 and r.pvalue < 0.001:
            return (
                f": on logarithms r = {signed(r.statistic)}, and 1 % more of {say(found['a'])} goes with {abs(more):.2f} % "
                f"{'more' if more > 0 else 'less'} (95 % CI {' to '.join(f'{end:.2f}' for end in sorted(np.sign(more) * ends))})"
            )
    if found["metric"] == "spearman_r":
        return ""
    by, step = step_of(found["a"], rows[found["a"]])
    line = OLS(rows[outcome], add_constant(rows[found["a"]])).fit(cov_type="HC3")
    more, ends = by * line.params.iloc[1], sorted(np.sign(line.params.iloc[1]) * by * line.conf_int().iloc[1])
    return f": {step} goes with {with_unit(abs(more), outcome)} {'more' if more > 0 else 'less'} (95 % CI {number(ends[0])} to {number(ends[1])})"


def sentence(found, ci):
    """One result in one sentence, with its number and interval."""
    a, b, v = say(found["a"]), say(found["b"]), found["value"]
    span = f"95 % CI {number(ci[0])} to {number(ci[1])}" if ci is not None else "no interval"
    shares = f"95 % CI {percent(ci[0])} to {percent(ci[1])}" if ci is not None else "no interval"
    tail = f"n = {found['n']:,}"
    match found["metric"]:
        case "pearson_r" | "spearman_r":
            name = "r" if found["metric"] == "pearson_r" else "Spearman's rank correlation"
            if "turns" in found:
                signs = ", ".join(f"{name} = {signed(one)}" for name, one in found["turns"].items())
                return f"{a} and {b} are related, but not in one direction: {signs} (95 % CI of {name} {from_to(ci)}, {tail})."
            how = "rise together" if v > 0 else "move in opposite directions"
            return f"{a} and {b} {how} ({name} = {signed(v, decimals(ci))}, 95 % CI {from_to(ci)}, {tail}){goes_with(found)}."
        case "r2":
            x = a if found["bent"] == found["b"] else b
            by = found["a"] if found["bent"] == found["b"] else found["b"]
            means = df.groupby(by)[found["bent"]].mean().sort_values()
            if len(means) <= 7:  # levels, and no fifths
                top, low = (f"{number(at)} (mean {with_unit(means[at], found['bent'])})" for at in means.index[[-1, 0]])
                return f"{say(found['bent'])} differs by {x}, not in a straight line: highest where it is {top}, lowest where it is {low}; {x} explains {percent(v)} of its variation ({shares}, {tail})."
            form = f"a parabola in {x} explains" if found["form"] == "parabola" else f"fifths of {x} explain"
            return f"{say(found['bent'])} varies with {x}, but not in a straight line: {form} {percent(v)} of its variation ({shares}, {tail})."
        case "eta2" if "rates" in found:
            top, low = found["top"], min(found["rates"], key=found["rates"].get)
            last = yes_level(of_table.levels(found["b"])[1])
            return f"{b} is {last} most often where {a} is {top} ({percent(found['rates'][top], 1)}), least where it is {low} ({percent(found['rates'][low], 1)}): η² = {v:.3f} ({span}, {tail})."
        case "mean_diff":
            top, other = found["top"], min(found["means"], key=found["means"].get)
            unit, many = found["units"]
            return f"{say(found['number'])} is {with_unit(v, found['number'])} higher where {say(found['group'])} is {top} than {other} ({span}, {many} pairs): each of the {many} {say(unit)} values was measured under both, so the pairs are compared."
        case "cohens_d":
            top, other = found["top"], min(found["means"], key=found["means"].get)
            means = f"mean {with_unit(found['means'][top], found['number'])} against {with_unit(found['means'][other], found['number'])}"
            gap = stats.ttest_ind(*found["halves"], equal_var=False).confidence_interval()
            apart = f"{with_unit(found['means'][top] - found['means'][other], found['number'])} apart (95 % CI {number(gap.low)} to {number(gap.high)})"
            return f"{say(found['number'])} is higher where {say(found['group'])} is {top} than {other}: {means}, {apart}, a difference of {v:.2f} standard deviations ({span}, {tail})."
        case "eta2" if "means" in found:
            top, low = found["top"], min(found["means"], key=found["means"].get)
            means = f"highest for {top} (mean {with_unit(found['means'][top], found['number'])}), lowest for {low} ({with_unit(found['means'][low], found['number'])})"
            return f"{say(found['number'])} differs by {say(found['group'])}: {means}; {say(found['group'])} explains {percent(v)} of its variation ({shares}, {tail})."
    counts = found["counts"]
    if (often := how_often(found)) is not None:
        one, other, yes = often.attrs["told"]
        least, most = often["share"].iloc[0], often["share"].iloc[-1]
        often_said = f"{say(other)} is {yes} most often where {say(one)} is {often.index[-1]} ({percent(most, 1)}), least where it is {often.index[0]} ({percent(least, 1)})"
        return f"{often_said}: Cramér's V = {v:.2f} ({span}, {tail})."
    rest = (counts - np.outer(counts.sum(axis=1), counts.sum()) / counts.to_numpy().sum()).stack()
    level, other = rest.idxmax()
    share, usual = counts.loc[level, other] / counts.loc[level].sum(), counts[other].sum() / counts.to_numpy().sum()
    most = f"{b} is {other} in {percent(share)} of those with {a} {level}, in {percent(usual)} of all"
    return f"{a} and {b} go together (Cramér's V = {v:.2f}, {span}, {tail}): {most}."


KIND = {
    "r2": "nonlinear_association",
    "cohens_d": "group_difference",
    "mean_diff": "group_difference",
    "eta2": "group_difference",
    "cramers_v": "association",
}
kept = [f for f in results if f["real"] and "misleads" not in f and frozenset((f["a"], f["b"])) not in flipped]
linked, told, implied = (
    {c: {} for c in usable},
    [],
    [],
)  # for each column those that relations join it to, and how strongly


def accounted_for(found):
    """How strongly the relations that were told join two columns: the product along the path between them, or 0."""
    reached, last = {found["a"]: 1.0}, [found["a"]]
    for at in last:
        for c, by in linked[at].items():
            if c not in reached:
                reached[c] = reached[at] * by
                last.append(c)
    return reached.get(found["b"], 0.0)


of_groups = ledger.families.get("relations of the groups alone", {})  # the template of clusters has said them
for found in kept:
    pair = {f"{table.file}: {x} × {y}" for x, y in ((found["a"], found["b"]), (found["b"], found["a"]))}
    if not outcome and not named and pair & set(of_groups):
        continue
    # What stronger relations between the two columns and others lead to is said with them
    joined = accounted_for(found)
    if outcome or named or found["strength"] > 1.05 * joined:
        told += [found] if "told" not in found else []
        if not joined:
            linked[found["a"]][found["b"]] = linked[found["b"]][found["a"]] = found["strength"]
    elif "told" not in found:
        implied.append(found)


def chained(relations):
    """The relations without those of a chain of four columns or more but its strongest, which names the others (`with`).

    Columns of which each tells half or more of the next are nearly one thing measured several times.
    """
    chains, hanging = [], set()
    for found in (f for f in relations if f["strength"] >= 0.7):
        met = [links for links in chains if any({f["a"], f["b"]} & {found["a"], found["b"]} for f in links)]
        chains = [links for links in chains if all(links is not one for one in met)] + [
            [*(link for links in met for link in links), found]
        ]
    for links in (links for links in chains if len(links) >= 3):
        within = {c for f in links for c in (f["a"], f["b"])}
        links += [f for f in relations if {f["a"], f["b"]} <= within and all(f is not link for link in links)]
        links.sort(key=lambda f: (-f["strength"], f["a"], f["b"]))
        parts, joins = {c: {c} for c in within}, []
        for f in links:  # those that join two parts of it say all; the others follow from them
            if parts[f["a"]] is not parts[f["b"]]:
                joins.append(f)
                both = parts[f["a"]] | parts[f["b"]]
                parts |= dict.fromkeys(both, both)
        links[0]["with"] = joins[1:] + [f for f in links if all(f is not join for join in joins)]
        hanging |= {id(f) for f in links[1:]}
    return [f for f in relations if id(f) not in hanging]


def means_of(found):
    """The highest and the lowest mean of groups in a few words, after a colon; empty for what compares no means."""
    if "means" not in found or found["metric"] == "mean_diff":
        return ""
    low, top = sorted(found["means"], key=found["means"].get)[:: len(found["means"]) - 1]
    means = (with_unit(found["means"][level], found["number"]) for level in (top, low))
    return f": mean {next(means)} for {top}, {next(means)} for {low}"


def in_short(found):
    """A relation in a few words, with its direction."""
    if means_of(found):
        return f"{say(found['number'])} by {say(found['group'])} ({means_of(found)[2:]})"
    value = signed(found["value"]) if found["metric"] in ("pearson_r", "spearman_r") else number(found["value"])
    return f"{say(found['a'])} with {say(found['b'])} ({METRICS[found['metric']]} = {value})"


def chain(found):
    """What hangs on a relation, in one sentence; empty where nothing does."""
    links = [in_short(f) for f in found.get("with", [])]
    many = len({c for f in (found, *found.get("with", [])) for c in (f["a"], f["b"])})
    shown = min(max(6, many - 2), 12)
    more = f" and {len(links) - shown} more" if len(links) > shown else ""
    return (
        f" It is the strongest of a chain of {many} columns that go together: {'; '.join(links[:shown])}{more}."
        if links
        else ""
    )


if not outcome and not named:
    told = chained(told)
    chains = [{c for f in (first, *first["with"]) for c in (f["a"], f["b"])} for first in told if "with" in first]
    implied = [f for f in implied if f["strength"] >= 0.3 and not any({f["a"], f["b"]} <= one for one in chains)]
    told += implied[: max(0, 6 - len(told))]  # where there is room, what follows from others is told after them
weak = [f for f in results if not f["real"] and not {f["a"], f["b"]} & hidden] if outcome else []


def listed_factors(found):
    """The factors of some results, named."""
    factors_of = list(dict.fromkeys(say(c) for f in found for c in (f["a"], f["b"]) if c != outcome))
    return ", ".join(factors_of[:12]) + (" and others" if len(factors_of) > 12 else "")


def overlap(found):
    """Whether a driver tells next to nothing beside those that explain more, in a sentence; empty where it does tell more."""
    place = next((i for i, f in enumerate(drivers) if f is found), 0)
    stronger = [f for f in drivers[:place] if f["real"]]
    if not stronger:
        return ""
    _, alone, added = beside_stronger(found, stronger)
    if alone < 0.05 or added > min(0.02, 0.1 * alone):
        return ""
    return (
        f"By itself it explains {percent(alone)} of the variation of {say(outcome)}; beside {listed_factors(stronger)} "
        f"it adds only {percent(max(added, 0.0), 1)}."
    )


def doubt(found):
    """Why a relation is not to be built on, in a sentence; empty where it stands.

    It must tell more than nothing of rows that were left out of its fit; and of groups, the one with the highest mean
    must be higher by ranks as well.
    """
    y, x = (found["number"], found["group"]) if "group" in found else (found["b"], found["a"])
    if not found.get("holds", True):
        return found.pop("within")
    if found.get("by_unit", (0, 0))[0] > 0.05:
        return f"It may be chance: {rows_of_units(found)}"
    if not {found["a"], found["b"]} <= {*named} and found["metric"] != "r2" and tells_more(y, [design(x)]) < SURE:
        return "It may be chance: of rows that are left out when it is worked out, it tells hardly anything."
    if "means" in found and found["metric"] != "mean_diff":
        placed_in = df[found["number"]].rank().groupby(df[found["group"]].map(as_level, na_action="ignore")).mean()
        ends = sorted(found["means"], key=found["means"].get)[:: len(found["means"]) - 1]
        if placed_in[ends[0]] > placed_in[ends[1]]:
            return "By ranks it is the other way round: a few far values make the difference of the means."
    return ""


def rows_of_units(found):
    """Of how many units the rows are, and how sure a relation is once that is allowed for, in a sentence."""
    p, units = found["by_unit"]
    return f"the {found['n']:,} rows are of {units:,} {say(repeated)}s, and with errors that allow for it {chance(p)}."


for found in (
    f for f in told[: 2 * max_findings] if repeated and repeated not in (f["a"], f["b"]) and "within" not in f
):
    y, x = (found["number"], found["group"]) if "group" in found else (found["b"], found["a"])
    numeric = table.kind(y) == "number"
    if numeric or df[y].nunique() == 2:
        by_unit = chance_by_unit(as_design(df[y], numeric), design_of(x), df[repeated])
        found |= {"by_unit": by_unit} if by_unit else {}
doubts = {id(found): doubt(found) for found in told[: 2 * max_findings]}
told.sort(key=lambda found: bool(doubts.get(id(found))))
jointly: set[str] = set()  # what shows beside the other columns only is not without relation
levels_of = df[outcome].nunique() if outcome in usable and not factors else 0
if len(usable) > 2 and len(df) <= 100_000 and (levels_of == 2 or (levels_of and table.kind(outcome) == "number")):
    try:
        # With the columns that name units, which rows repeat, and dates
        of_all = find_drivers(df[[c for c in names(df) if c not in table.left_out or c in (repeated, at)]], outcome)
        report_drivers(of_all)
        jointly = {str(row["factor"]) for row in clear_effects(of_all)}
    except CannotAnswer:
        pass
shown_beside = [f for f in weak if {f["a"], f["b"]} & jointly]
weak = [f for f in weak if not {f["a"], f["b"]} & {*jointly, *told_before}]
unrelated, adding_none = (listed_factors([f for f in weak if ("adds" in f) == no]) for no in (False, True))
not_found = (
    f"No relation with {say(outcome)} that is neither small nor likely chance: {unrelated}." if unrelated else ""
)
if adding_none:
    not_found += f" Weak, and nothing beside what explains more of {say(outcome)}: {adding_none}."
if shown_beside:
    not_found += f" Weak or unsure by itself, but clear in a model of all columns: {listed_factors(shown_beside)}."
if faint := [*((z, x) for z, x, *_ in stand_ins[3:]), *faint]:
    listed = [f"{in_short(related[z])}, beside {say(x)}" for z, x in faint[:6]]
    report(
        "descriptive",
        "confounding",
        f"Also related to {say(outcome)} by themselves, but hardly or not surely beside a stronger column: {'; '.join(listed)}.",
        [outcome, *(z for z, _ in faint[:6])],
        n=len(df),
    )
for found in told[:max_findings]:
    ci = interval(found)
    caveats = ["Observed, not assigned: it does not show that one causes the other."]
    if found["n"] < 30:
        caveats.insert(0, f"It rests on only {found['n']} rows.")
    if found.get("thin", 5) < 5:
        caveats.insert(0, "Some combinations are rare, so the chi-square test is approximate.")
    surely = "by_unit" in found and found["by_unit"][0] <= 0.05 and capital(rows_of_units(found))
    open_ended = [c for c in lasts if c in (found["a"], found["b"]) and not {*ended} & {found["a"], found["b"]}]
    early = [
        f"Where {say(ended[0])} says that {say(c)} had not ended, it counts as it stands, which is too short."
        for c in open_ended
    ]
    caveats[:0] = filter(None, (doubts.get(id(found)), overlap(found), found.get("within"), surely, *early))
    report(
        "claim",
        "driver" if outcome and not factors else KIND.get(found["metric"], "correlation"),
        sentence(found, ci) + chain(found),
        [found["a"], found["b"]],
        roles={"outcome": outcome, "factor": found["a"]} if outcome else {},
        direction=None
        if "turns" in found
        else ("+" if found["value"] > 0 else "-")
        if found["metric"] in ("pearson_r", "spearman_r")
        else found.get("direction"),
        effect=effect(found["metric"], found["value"], ci),
        test=ledger.test(found["test"], family, f"{found['a']} × {found['b']}"),
        n=found["n"],
        params=({"top": found["top"]} if "top" in found else {})
        | ({"chain": [[f["a"], f["b"]] for f in found["with"]]} if "with" in found else {})
        | ({"implied": True} if any(found is one for one in implied) else {})
        | ({"doubt": True} if doubts.get(id(found)) else {})
        | ({"not_found": not_found.strip()} if not_found and found is told[0] else {}),
        caveats=caveats,
        confidence="high" if found["q"] < 0.001 and found["n"] >= 100 else "medium",
    )
    chart(found)

# %% [markdown] id="not-found-text"
# ## What was tested and not found

# %% id="nothing"
absent = [
    f for f in results if not f["real"] and frozenset((f["a"], f["b"])) not in flipped and not {f["a"], f["b"]} & hidden
]
absent = [f for f in absent if "misleads" not in f]
for found in [f for f in absent if len(named) <= 4 and {f["a"], f["b"]} <= set(named)]:
    ci = interval(found)
    report(
        "null",
        KIND.get(found["metric"], "correlation"),
        f"No relation worth reporting between {say(found['a'])} and {say(found['b'])}{means_of(found)} "
        f"({METRICS[found['metric']]} = {number(found['value'])}, 95 % CI {number(ci[0])} to {number(ci[1])}, n = {found['n']:,})."
        + (f" {found['within']}" if "within" in found else ""),
        [found["a"], found["b"]],
        effect=effect(found["metric"], found["value"], ci),
        test=ledger.test(found["test"], family, f"{found['a']} × {found['b']}"),
        n=found["n"],
    )
pairs_tested = f"{len(results):,} pair{'' if len(results) == 1 else 's'}{' with ' + say(outcome) if outcome else ''}"
strong = f"{len(kept):,} show{'s' if len(kept) == 1 else ''} a relation" if kept else "none shows a relation"
turned = (
    f"{len(paradoxes):,} change{'s' if len(paradoxes) == 1 else ''} its sign within groups"
    if paradoxes
    else "none changes its sign within groups"
)
many = f"Of {pairs_tested} tested, {strong} that is neither small nor likely chance, and {turned}."
misled = sum(f["real"] and "misleads" in f for f in results)
many += f" {misled:,} more would mislead by itself, as said above." if misled else ""
near = [f for f in results if not f["real"] and f["p"] < 0.05 and "misleads" not in f] if not kept else []
if near := sorted(near, key=lambda f: f["p"])[:3]:
    many += f" Nearest, each tested by itself: {'; '.join(f'{in_short(f)}, {chance(f["p"])}' for f in near)}."
# Else each claim says how many tests its family has
if results and not told and not all(frozenset((f["a"], f["b"])) in related_apart for f in results):
    report(
        "null" if not kept and not paradoxes else "descriptive",
        "tested",
        many,
        named[:3],
        test={"name": "BH", "p": None, "q": None, "family": family, "m": len(results)},
        n=len(df),
    )
print(many)
if unused:
    report("descriptive", "not_checked", "Not tested: " + "; ".join(dict.fromkeys(unused[:8])) + ".", n=len(df))
