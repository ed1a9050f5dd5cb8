# description: Two groups or two periods held against each other - the difference in units with its interval, by segment, and
#   what differs most.
# tags: [compare, difference]
# when: A question how two groups, levels or periods differ, such as this year and last, or A and B.
"""# Compare two groups or periods

Means are compared by Welch's test, shares of two levels by Newcombe's interval and a score test, medians by the
bootstrap; sums of amounts over two periods are told without an interval, as they are totals of all rows. Without a measure
all columns are compared, and the one that differs most, in standard deviations, comes first. The difference is then taken
within the levels of the column by which it varies most: where it goes the other way in all of them, the answer says so.
"""

# %% id="compare-01" tags=["parameters"]
data: str = "data.csv"  # file to look at
of: str = ""  # column of groups, or of times; empty: the table's times
first: str = ""  # level or period that is asked about: a level, 2023, 2023-Q2, 2023-05; empty: found
second: str = ""  # level or period that it is compared with; empty: found
measures: list = []  # columns that are compared, the first told; empty: all, the one that differs most told
how: str = ""  # mean, median, sum or count; empty: sums of amounts between periods, else means and shares
by: list = []  # columns within whose levels the difference is taken; empty: all that divide the rows into few
grain: str = ""  # year, quarter, month, week or day of periods that are not named
steps: list = []  # lines of pandas that prepare the rows, such as: rows = rows[rows['city'] == 'Lyon']

# %% id="compare-02" tags=["toolkit"]
from IPython.display import display

from notebooks.toolkit.attempts import attempt
from notebooks.toolkit.compare import compare_two, comparison_table, draw_comparison, report_comparison, tell_comparison

# %% [markdown] id="compare-03"
# ## The difference

# %% id="compare-04"
compared = attempt(
    compare_two, data, steps, of=of, first=first, second=second, measures=measures, how=how, by=by, grain=grain
)
if compared is not None:
    tell_comparison(compared)

# %% [markdown] id="compare-05"
# ## By segment, and what else differs

# %% id="compare-06"
if compared is not None:
    draw_comparison(compared)
    display(comparison_table(compared).head(12))
    display(compared.segments)

# %% [markdown] id="compare-07"
# ## What to keep in mind

# %% id="compare-08"
if compared is not None:
    report_comparison(compared)
