# description: Two files as one table, no row of the first twice, as CSV and Parquet with what did not match.
# tags: [join]
# when: A request to join, merge, combine or look up two files.
"""# Join two files

Each row of the first file is looked up in the second by a key that is named, or found by its values. A key that stands in the
second file more than once with different contents is not looked up: a plain join would repeat rows and inflate every
total. The answer says how many rows found a match, how many did not, and what was not used.
"""

# %% id="join-01" tags=["parameters"]
data: str = "data.csv"  # the file whose rows are kept, each once
other: str = "other.csv"  # the file in which they are looked up
own: str = ""  # key column of the first file; empty: found
theirs: str = ""  # key column of the second; empty: the same name, or found
how: str = "left"  # left: all rows of the first; inner: those with a match; outer: unmatched rows of both, too
steps: list = []  # lines of pandas that prepare the rows, such as: rows = rows[rows['city'] == 'Lyon']

# %% id="join-02" tags=["toolkit"]
from IPython.display import display

from notebooks.toolkit.attempts import attempt, prepared_rows
from notebooks.toolkit.joining import join_tables, tell_join
from notebooks.toolkit.reading import read_once
from notebooks.toolkit.telling import report

# %% [markdown] id="join-03"
# ## The joined table

# %% id="join-04"
joined = attempt(join_tables, data, steps, right=read_once(other), own=own, theirs=theirs, how=how, name=other)
if joined is not None:
    told = tell_join(joined, data, other, len(prepared_rows(data, steps)))

# %% [markdown] id="join-05"
# ## How it looks

# %% id="join-06"
if joined is not None:
    display(joined.table.head())

# %% [markdown] id="join-07"
# ## What to keep in mind

# %% id="join-08"
if joined is not None:
    report(**told)
