# description: One joint model of an outcome in its own units, with its held-out fit, beside each factor's effect
#   by itself.
# tags: [drivers, model]
# when: A question what drives, determines, explains or influences an outcome, or how much one more of something adds.
"""# What does it depend on?

One model of the outcome on all factors at once: least squares, or for an outcome of two levels a logistic model told in
percentage points (average marginal effects). Each effect is that with all other factors held equal, in the outcome's units,
with a robust 95 % interval; beside it stands the effect by itself. How much the model explains is measured on rows that it
has not seen (five folds). Columns that the outcome is made of, or that restate it, are left out by name.
"""

# %% id="drivers-01" tags=["parameters"]
data: str = "data.csv"  # file to look at
target: str = ""  # column that is to be explained: a number, or two levels
factors: list = []  # columns that may explain it; empty: all that can
unit: str = ""  # column of what comes back in several rows, such as a customer
steps: list = []  # lines of pandas that prepare the rows, such as: rows = rows[rows['city'] == 'Lyon']

# %% id="drivers-02" tags=["toolkit"]
from IPython.display import display
from notebooks.toolkit.attempts import attempt
from notebooks.toolkit.drivers import find_drivers
from notebooks.toolkit.drivers_told import draw_drivers, driver_table, report_drivers, tell_drivers

# %% [markdown] id="drivers-03"
# ## What it depends on

# %% id="drivers-04"
found = attempt(find_drivers, data, steps, target=target, factors=factors, unit=unit)
if found is not None:
    tell_drivers(found)

# %% [markdown] id="drivers-05"
# ## Jointly and by itself

# %% id="drivers-06"
if found is not None:
    draw_drivers(found)
    display(driver_table(found))

# %% [markdown] id="drivers-07"
# ## What to keep in mind

# %% id="drivers-08"
if found is not None:
    report_drivers(found)
