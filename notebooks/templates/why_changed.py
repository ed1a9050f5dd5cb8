# description: Splits a change between two periods or groups into what each segment and each factor (volume, price,
#   mix) contributed.
# tags: [change]
# when: A question why a total, mean, share or count rose or fell, or what a change is made of.
"""# Why did it change?

Takes a change between two periods, or two groups, apart. By segments: what each level of a column contributed, the column
being the one by which the change is least even. By factors: of a sum, volume (more or fewer units), price (more or less per
unit) and mix (other shares of dear and cheap); of a mean, what happened within the segments and how their shares moved. The
parts sum up to the change exactly. Periods that are not whole are not compared unless they are named.
"""

# %% id="why-changed-01" tags=["parameters"]
data: str = "data.csv"  # file to look at
measure: str = ""  # column whose sum, mean or share changed; empty: the one that is meant, or the number of rows
how: str = ""  # sum, mean or count; empty: the sum of amounts over time, else the mean
of: str = ""  # column of times or of groups; empty: the table's times
after: str = ""  # period or group that is asked about: 2023, 2023-Q2, 2023-05, 2023-W07, 2023-05-14, a level
before: str = ""  # period or group that it is compared with; empty: the one before
grain: str = ""  # year, quarter, month, week or day of periods that are not named
by: list = []  # columns whose levels may have made the change; empty: all that divide the rows into few
volume: str = ""  # column of units (pieces, orders); empty: found where it and a price multiply to the measure
steps: list = []  # lines of pandas that prepare the rows, such as: rows = rows[rows['city'] == 'Lyon']

# %% id="why-changed-02" tags=["toolkit"]
from IPython.display import display
from notebooks.toolkit.attempts import attempt
from notebooks.toolkit.why_changed import draw_change, report_change, tell_change, why_changed

# %% [markdown] id="why-changed-03"
# ## The change, and what it is made of

# %% id="why-changed-04"
change = attempt(
    why_changed,
    data,
    steps,
    measure=measure,
    how=how,
    of=of,
    after=after,
    before=before,
    grain=grain,
    by=by,
    volume=volume,
)
if change is not None:
    tell_change(change)

# %% [markdown] id="why-changed-05"
# ## What each part contributed

# %% id="why-changed-06"
if change is not None:
    draw_change(change)
    if change.by:
        display(change.parts.sort_values("part", key=abs, ascending=False, kind="stable"))

# %% [markdown] id="why-changed-07"
# ## What to keep in mind

# %% id="why-changed-08"
if change is not None:
    report_change(change)
