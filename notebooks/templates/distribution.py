# description: How a column's values are spread - middle, tails, skewness, humps - as a chart and a sentence, by group too.
# tags: [distribution, chart]
# when: A question how a column is distributed or spread, or what its values look like.
"""# Distribution of a column

The middle half, the median and the mean, 90 % of the values, skewness and humps of a column of numbers; how often each level
stands in a column of levels. By group, the histograms stand one below the other on one axis.
"""

# %% id="distribution-01" tags=["parameters"]
data: str = "data.csv"  # file to look at
column: str = ""  # column to look at
by: str = ""  # column whose levels are set beside one another
steps: list = []  # lines of pandas that prepare the rows, such as: rows = rows[rows['city'] == 'Lyon']

# %% id="distribution-02" tags=["toolkit"]
from notebooks.toolkit.attempts import attempt
from notebooks.toolkit.distribution import draw_shape, shape_of, tell_shape
from notebooks.toolkit.telling import report

# %% [markdown] id="distribution-03"
# ## How the values are spread

# %% id="distribution-04"
shape = attempt(shape_of, data, steps, name=column, by=by)
if shape is not None:
    draw_shape(shape)
    told = tell_shape(shape)

# %% [markdown] id="distribution-05"
# ## What to keep in mind

# %% id="distribution-06"
if shape is not None:
    report(**told)
