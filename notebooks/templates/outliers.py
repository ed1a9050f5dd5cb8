# description: Impossible, isolated and influential values, row by row, each with why, and a file of them.
# tags: [outliers, quality]
# when: A question which values are outliers, odd, wrong or suspicious, without a rule for them.
"""# Odd values

Three kinds, the surest first. Impossible values cannot be, by the column's name (an age of 190, a negative weight), as a
code for missing, or because one time lies before another that it must follow. Isolated values are parted from all others by
a gap of a robust standard deviation beyond the third (on the logarithm where the column is skewed), or lie far off the
line on which two columns go together. Influential rows change a correlation by a tenth when they are left out (Cook's
distance over 1). A long tail is no outlier: more than one row in a hundred is never isolated.
"""

# %% id="outliers-01" tags=["parameters"]
data: str = "data.csv"  # file to look at
columns: list = []  # columns to look at; empty: all
steps: list = []  # lines of pandas that prepare the rows, such as: rows = rows[rows['city'] == 'Lyon']

# %% id="outliers-02" tags=["toolkit"]
from IPython.display import display

from notebooks.toolkit.attempts import attempt, prepared_rows
from notebooks.toolkit.odd_rows import draw_odd_rows, odd_rows, tell_odd_rows
from notebooks.toolkit.telling import report

# %% [markdown] id="outliers-03"
# ## What is odd

# %% id="outliers-04"
odd = attempt(odd_rows, data, steps, columns=columns)
if odd is not None:
    told = tell_odd_rows(odd)

# %% [markdown] id="outliers-05"
# ## Row by row

# %% id="outliers-06"
if odd is not None:
    draw_odd_rows(prepared_rows(data, steps), odd)
    display(odd.rows.head(50))

# %% [markdown] id="outliers-07"
# ## What to keep in mind

# %% id="outliers-08"
if odd is not None:
    report(**told)
