# description: The rows that meet conditions, in order, as a file and in short.
# tags: [list]
# when: A request for a list of rows, such as all orders of a customer or everything above a limit.
"""# List rows

The rows that are left after the steps, in order of a column where one is named, as CSV and Parquet; the first of them are
told.
"""

# %% id="list-01" tags=["parameters"]
data: str = "data.csv"  # file to look at
columns: list = []  # columns of the list; empty: all
order: str = ""  # column by which rows are put in order
descending: bool = True  # largest first
limit: int = 0  # how many rows at most; 0: all
steps: list = []  # lines of pandas that prepare the rows, such as: rows = rows[rows['city'] == 'Lyon']

# %% id="list-02" tags=["toolkit"]
from IPython.display import display

from notebooks.toolkit.attempts import attempt
from notebooks.toolkit.ranking import list_rows, tell_list
from notebooks.toolkit.telling import report

# %% [markdown] id="list-03"
# ## The list

# %% id="list-04"
listed = attempt(list_rows, data, steps, columns=columns, order=order, descending=descending, limit=limit)
if listed is not None:
    told = tell_list(listed)

# %% [markdown] id="list-05"
# ## Its first rows

# %% id="list-06"
if listed is not None:
    display(listed.head(20))

# %% [markdown] id="list-07"
# ## What to keep in mind

# %% id="list-08"
if listed is not None:
    report(**told)
