# description: Joins several files on the keys that fit, warns of a join that would repeat rows, and adds up a column
#   without counting any row twice.
# tags: [look, hygiene]
# when: A question about columns that lie in different files.
"""# Joining files

Looks for the columns on which other files fit the first one, and whether each key stands once in the other file. Where
it stands more than once, a join would repeat rows and inflate every total: that is reported, and such keys are joined
only where their rows agree. The joined table is `joined`. Where levels of a joined column are to be compared,
the rows of one key are first brought down to one number: they are no separate evidence of what the other file says of it.
"""

# %% id="joins-01" tags=["parameters"]
data: str = "data.csv"  # the file whose rows are kept, each once
others: list = []  # the files to join to it
outcome: str = ""  # column to add up, if a total is asked for
by: str = ""  # column to add it up by
compare: str = ""  # column whose levels are compared in the outcome, each unit of the key counted once
per_unit: str = "sum"  # what each unit is counted with: the sum or the mean of its rows

# %% id="joins-02" tags=["toolkit"]
import re
from pathlib import Path

import numpy as np
import pandas as pd

from notebooks.toolkit.cleaning import load
from notebooks.toolkit.drawing import COLOURS, figure, show
from notebooks.toolkit.keys import key_that_fits, keyed
from notebooks.toolkit.ledger import effect, ledger
from notebooks.toolkit.reading import read_table
from notebooks.toolkit.telling import report
from notebooks.toolkit.naming import name_and_unit
from notebooks.toolkit.wording import chance, label, number, percent, say, signed, tick, with_unit

# %% [markdown] id="joins-03"
# ## Which keys fit

# %% id="joins-04"
table = load(data)
df = table.df
tables = {name: load(name) for name in others if name != data}
keys, joined = {}, df.copy()
for name, other in tables.items():
    found = key_that_fits(df, other.df)
    if found:
        keys[name] = found
        if table.kind(found[0]) == "number":  # how large a key is means nothing
            table.left_out[found[0]] = f"the key of {name}"
    print("\n".join(f"{name}: {line}" for line in other.log))
    print(
        f"{name}: "
        + (f"fits on {keys[name][0]} = {keys[name][1]}" if name in keys else "no column fits, so it is not joined")
    )

# %% [markdown] id="joins-05"
# ## Would a join repeat rows?

# %% id="joins-06"
NO_AMOUNT = re.compile(
    r"(rates?|ratios?|share|p(er)?ct|percent\w*|proportions?|prob\w*|per|ages?|scores?|ratings?|temp\w*|avg|averages?|means?|"
    r"medians?|index|rank|grades?|density|speed|unit|year|month|day|lat\w*|lon\w*|%|°[CF]|ppm|dB|hPa|km/h|mph)",
    re.I,
)


def is_amount(name):
    """Whether the sum over rows means something: of amounts and counts, and of no rate, share, price of one or grade."""
    if name not in df or table.kind(name) != "number":
        return False
    words, unit_of = name_and_unit(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(name)).replace(" ", "_"))
    known = df[name].dropna()
    fractions = bool(known.between(0, 1).all() and (known % 1 != 0).any())
    return not fractions and not any(NO_AMOUNT.fullmatch(word) for word in [*re.split(r"[^\w%]+", words), unit_of])


joins_made = []
for name, (key, theirs) in keys.items():
    other = tables[name].df
    right = other.dropna(subset=[theirs]).drop_duplicates()
    raw = read_table(name)[theirs].dropna()  # as the file has them: a join would not drop its copies
    right, raw, mine = right.assign(**{theirs: keyed(right[theirs])}), keyed(raw), keyed(joined[key])
    times = raw.value_counts()
    matched = mine.map(times).fillna(0).astype(int)
    unused = int((~raw.isin(mine)).sum())
    extra = int((matched - 1).clip(lower=0).sum())
    lost = int((matched == 0).sum())
    if extra:
        amount = outcome if is_amount(outcome) else ""
        told = ""
        if amount:
            true, wrong = df[amount].sum(), float((df[amount] * matched.clip(lower=1)).sum())
            told = f", and {say(amount)} would add up to {number(wrong)} instead of {number(true)}"
        repeated = times[times > 1]
        report(
            "warning",
            "join_fanout",
            f"{say(key)} is no key of {name}: {len(repeated):,} of its values stand there more than once, so joining on it would make "
            f"{len(df) + extra:,} rows of {len(df):,} ({percent(extra / len(df), 1)} too many){told}. Each row is kept once; "
            f"{len(df) - lost:,} have a match.",
            [key],
            roles={"unit": key},
            effect=effect("count", extra),
            n=len(df),
            params={
                "file": name,
                "keys": len(repeated),
                "amount": amount,
                "true_total": true,
                "inflated_total": wrong,
            }
            if amount
            else {"file": name, "keys": len(repeated)},
            caveats=[f"Which of a repeated {say(key)}'s rows in {name} holds cannot be told from the tables."],
            confidence="high",
        )
        fig, ax = figure(f"Joining {name} would repeat rows", height=2.2)
        bars = (len(df), len(df) + extra)
        ax.barh(["as it is", "joined"], bars, color=[COLOURS[0], COLOURS[1]])
        for i, k in enumerate(bars):
            ax.text(k, i, f" {k:,}", va="center")
        ax.set_xlabel("rows")
        ax.margins(x=0.15)
        show(fig, f"Bars: rows of {data} as it is and joined to {name}")
    # A value on which a repeated key's rows disagree is not known, so it is left empty
    agree = right.groupby(theirs).nunique(dropna=False).le(1)
    single = right.drop_duplicates(theirs).set_index(theirs)
    single = single.where(agree.reindex(single.index)[list(single.columns)])
    single.columns = [c if c not in joined else f"{c} ({Path(name).stem})" for c in single.columns]
    joined = joined.merge(single, left_on=mine, right_index=True, how="left", validate="m:1").drop(columns="key_0")
    matches = f"{name} was joined on {say(key)}: {len(df) - lost:,} of {len(df):,} rows have a match"
    matches += f", {unused:,} of its {len(raw):,} rows match none." if unused else "."
    print(matches)
    if not extra:  # else the warning has said it
        joins_made.append((name, key, matches, lost, unused))
joined.head()

# %% [markdown] id="joins-06a"
# ## What was joined

# %% id="joins-06b"
for name, key, matches, lost, unused in joins_made:
    report(
        "descriptive",
        "joined",
        matches,
        [key],
        effect=effect("count", len(df) - lost),
        n=len(df),
        params={"without_match": lost, "unused": unused},
        caveats=[f"{lost:,} rows have no match: what {name} would say of them is empty."] if lost else [],
        confidence="high",
    )
if not keys:
    report(
        "descriptive",
        "not_checked",
        "The files were not joined: no column of one fits a column of another.",
        n=len(df),
    )

# %% [markdown] id="joins-07"
# ## The total that was asked for

# %% id="joins-08"
adding_up = (
    outcome in joined
    and by in joined
    and (is_amount(outcome) if outcome in df else pd.api.types.is_numeric_dtype(joined[outcome]))
)
if adding_up:
    totals = joined.groupby(joined[by].astype("string").fillna("not known"))[outcome].agg(["sum", "count"])
    totals = totals.sort_values("sum", ascending=False)
    told = "; ".join(f"{level} {number(row['sum'])}" for level, row in totals.head(8).iterrows())
    report(
        "descriptive",
        "total",
        f"Total {say(outcome)} by {say(by)}: {told}{' and others' if len(totals) > 8 else ''}; together {number(totals['sum'].sum())} "
        f"(n = {int(totals['count'].sum()):,}, no row counted twice).",
        [outcome, by],
        roles={"outcome": outcome, "factor": by},
        effect=effect("count", float(totals["sum"].sum())),
        n=int(totals["count"].sum()),
        params={"totals": {str(k): float(v) for k, v in totals["sum"].head(20).items()}},
        caveats=[f"'Not known' are rows whose {say(by)} is missing or told in two ways."]
        if "not known" in totals.index
        else [],
        confidence="high",
    )
    shown = totals.head(12)[::-1]
    fig, ax = figure(f"Total {say(outcome)} by {say(by)}", height=1.6 + 0.45 * len(shown))
    ax.barh([str(k) for k in shown.index], shown["sum"], color=COLOURS[0])
    for i, v in enumerate(shown["sum"]):
        ax.text(v, i, f" {number(v)}", va="center")
    ax.set_xlabel(f"{label(outcome)}, added up")
    ax.margins(x=0.15)
    show(fig, f"Bars: total {say(outcome)} for each {say(by)}")
else:
    rates = outcome in df and by in joined
    print(f"{say(outcome)} is no amount, so it is not added up." if rates else "No total was asked for.")

# %% [markdown] id="joins-09"
# ## Do the levels differ by more than chance?

# %% id="joins-10"
from scipy import stats
from statsmodels.stats.oneway import anova_oneway

key = next(
    (
        k
        for name, (k, _) in keys.items()
        if k != compare
        and (compare in tables[name].df or (compare in df and joined.groupby(k)[compare].nunique().max() == 1))
    ),
    "",
)
usable = bool(key) and compare in joined and outcome in joined and pd.api.types.is_numeric_dtype(joined[outcome])
units, parts = pd.DataFrame(), {}
if outcome in df and not is_amount(outcome):
    per_unit = "mean"  # rates and grades add up to nothing
if usable:
    units = joined.assign(level=joined[compare].astype("string")).dropna(subset=[key, "level", outcome])
    units = units.groupby([key, "level"], as_index=False)[outcome].agg(per_unit)
    parts = {
        str(level): rows[outcome].to_numpy(float) for level, rows in units.groupby("level", sort=True) if len(rows) >= 5
    }
if 2 <= len(parts) <= 50 and min(np.ptp(part) for part in parts.values()) > 0:
    one = re.sub(r"(?i)[\s_]*(id|key|no|nr|number)$", "", str(key)).strip("_ ")
    one = say(one) if one else say(key)
    of_unit = f"{'total' if per_unit == 'sum' else 'mean'} {say(outcome)}"
    means = pd.Series({level: part.mean() for level, part in parts.items()}).sort_values(kind="stable")
    bottom, top = means.index[0], means.index[-1]
    p = float(anova_oneway(list(parts.values()), use_var="unequal").pvalue)
    ledger.add("levels of joined columns", f"{outcome} by {compare}", p)
    pairs = len(parts) * (len(parts) - 1) // 2  # the two that are told were picked of so many
    apart = stats.ttest_ind(parts[top], parts[bottom], equal_var=False)
    low, high = apart.confidence_interval(1 - 0.05 / pairs)
    gap, n = means[top] - means[bottom], sum(map(len, parts.values()))
    digits = 2 if abs(gap) < 100 else 0
    found = p < 0.01
    counted_as = f"{n:,} {one}s, each counted once with the {per_unit} of its rows"
    text = (
        f"{of_unit} per {one} differs by {say(compare)}: {with_unit(means[top], outcome)} on average for {top} and {with_unit(means[bottom], outcome)} for {bottom}"
        if found
        else f"{of_unit} per {one} does not clearly differ by {say(compare)} ({chance(p)}): {with_unit(means[top], outcome)} on average for {top} and {with_unit(means[bottom], outcome)} for {bottom}"
    )
    report(
        "claim" if found else "null",
        "group_difference",
        f"{text}, {signed(gap, digits)} (95 % CI {signed(low, digits)} to {signed(high, digits)}, n = {counted_as}).",
        [outcome, compare],
        roles={"outcome": outcome, "factor": compare, "unit": key},
        effect=effect("mean_diff", gap, (low, high)),
        test=ledger.test("welch_anova", "levels of joined columns", f"{outcome} by {compare}"),
        n=n,
        params={"top": top, "means": {str(k): float(v) for k, v in means.items()}}
        if found
        else {"means": {str(k): float(v) for k, v in means.items()}},
        caveats=[
            (
                f"Of {len(parts)} levels the highest and the lowest are told; the interval allows for all {pairs} pairs. "
                if pairs > 1
                else ""
            )
            + f"It is of those {one}s that have rows in {data}."
        ],
        confidence="high" if p < 0.001 and n >= 100 else "medium",
    )
    if found:
        shown = means.iloc[-12:]
        fig, ax = figure(f"{of_unit} per {one} by {say(compare)}", height=1.6 + 0.5 * len(shown))
        for i, level in enumerate(shown.index):
            half = stats.sem(parts[level]) * stats.t.ppf(0.975, len(parts[level]) - 1)
            ax.errorbar(means[level], i, xerr=half, fmt="o", color=COLOURS[0], capsize=5, ms=9, lw=2.2)
            ax.annotate(
                number(means[level]),
                (means[level], i),
                (0, 9),
                textcoords="offset points",
                ha="center",
                fontweight="bold",
            )
        ax.set_yticks(range(len(shown)), [tick(level) for level in shown.index])
        ax.set(
            xlabel=f"{label(outcome)}, {per_unit} per {one}; mean with 95 % interval",
            ylabel=label(compare),
            ylim=(-0.6, len(shown) - 0.3),
        )
        show(fig, f"Dots: mean {of_unit} per {one} for each {say(compare)}, with 95 % intervals")
else:
    print("No levels of a joined column are to be compared, or fewer than two have five units.")
