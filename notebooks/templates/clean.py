# description: The table cleaned - spellings, codes for missing, mixed units and copies - as CSV and Parquet with its log.
# tags: [clean, quality]
# when: A request to clean, tidy, repair or deduplicate a table.
"""# Clean the table

Writes the table with spellings of one level merged, codes for missing blanked, values in another unit converted and copies of
rows left out, each only where the data leave little doubt, and a log of every step. Values that are missing stay missing
unless it is said how to fill them.
"""

# %% id="clean-01" tags=["parameters"]
data: str = "data.csv"  # file to clean
fill: str = ""  # what stands where a value is missing: median, mean or mode; empty: nothing
steps: list = []  # lines of pandas that prepare the rows, such as: rows = rows[rows['city'] == 'Lyon']

# %% id="clean-02" tags=["toolkit"]
from IPython.display import display

from notebooks.toolkit.attempts import attempt
from notebooks.toolkit.mending import mend_table, tell_mended
from notebooks.toolkit.telling import report

# %% [markdown] id="clean-03"
# ## The cleaned table

# %% id="clean-04"
mended = attempt(mend_table, data, steps, fill=fill)
if mended is not None:
    told = tell_mended(mended, data)

# %% [markdown] id="clean-05"
# ## What was changed

# %% id="clean-06"
if mended is not None:
    display(mended.changes)
    display(mended.table.head())

# %% [markdown] id="clean-07"
# ## What to keep in mind

# %% id="clean-08"
if mended is not None:
    report(**told)
