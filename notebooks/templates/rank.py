# description: Rows or groups in order of a score, how it is made, and the whole list as a file.
# tags: [rank, list]
# when: A question which rows or groups come first, are best or worst, or should be dealt with first.
"""# Rank rows or groups

By one column the score is that column, or its mean or sum by group; by several it is the mean of their percentile ranks,
each column as heavy as the others. Without any it is what a model expects of the outcome for rows that it has not seen. The
whole list with the score goes into a file.
"""

# %% id="rank-01" tags=["parameters"]
data: str = "data.csv"  # file to look at
by: list = []  # columns that make up the score; empty: what is expected of the target
of: str = ""  # column whose levels are ranked; empty: rows
how: str = ""  # mean or sum of the columns by level; empty: mean
ascending: list = []  # columns of which less is better
target: str = ""  # outcome whose expected value is the score, where no columns are named
limit: int = 10  # how many are told
least: int = 1  # rows that a group must have
steps: list = []  # lines of pandas that prepare the rows, such as: rows = rows[rows['city'] == 'Lyon']

# %% id="rank-02" tags=["toolkit"]
from IPython.display import display

from notebooks.toolkit.attempts import attempt
from notebooks.toolkit.ranking import draw_ranking, make_ranking, tell_ranking
from notebooks.toolkit.telling import report

# %% [markdown] id="rank-03"
# ## Who comes first

# %% id="rank-04"
ranking = attempt(make_ranking, data, steps, by=by, of=of, how=how, ascending=ascending, target=target, least=least)
if ranking is not None:
    told = tell_ranking(ranking, limit)

# %% [markdown] id="rank-05"
# ## The first of the list

# %% id="rank-06"
if ranking is not None:
    draw_ranking(ranking, limit)
    display(ranking.table.head(limit))

# %% [markdown] id="rank-07"
# ## What to keep in mind

# %% id="rank-08"
if ranking is not None:
    report(**told)
