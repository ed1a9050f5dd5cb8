# description: A hypothesis test by name or by what it decides, with its statistic, p, size, assumptions and a picture.
# tags: [test]
# when: A question whether values are normal, means, medians, variances or proportions equal, or columns independent.
"""# Hypothesis test

Runs the test that is named, or the usual one for what is asked: normality (Shapiro and Wilk), means (Welch), medians (Mann
and Whitney, Kruskal and Wallis), variances (Levene), proportions (z test), independence (chi-square), goodness of fit
(chi-square), correlation (Pearson), stationarity (Dickey and Fuller). The answer gives the decision at the level asked for, the
statistic, p and the size of what was tested; what the test supposes, and whether the rows bear it out, stands below.
"""

# %% id="test-01" tags=["parameters"]
data: str = "data.csv"  # file to look at
columns: list = []  # columns that are tested
by: str = ""  # column whose levels are compared
levels: list = []  # the levels of it that are compared; empty: all
test: str = "auto"  # shapiro, t, welch, mannwhitney, anova, kruskal, levene, chi2, fisher, proportions and others
about: str = ""  # normality, means, medians, variances, proportions, independence, fit, correlation, stationarity
alpha: float = 0.05  # level of the test
sides: str = "two"  # the alternative: two, less or greater
null: float = 0.0  # the value that a test of one mean or proportion holds against
steps: list = []  # lines of pandas that prepare the rows, such as: rows = rows[rows['city'] == 'Lyon']

# %% id="test-02" tags=["toolkit"]
from IPython.display import display

from notebooks.toolkit.answers_of_tests import pairs_of, tell_test
from notebooks.toolkit.attempts import attempt
from notebooks.toolkit.telling import report
from notebooks.toolkit.testing import run_test
from notebooks.toolkit.tests_drawn import draw_test

# %% [markdown] id="test-03"
# ## The decision

# %% id="test-04"
tested = attempt(
    run_test,
    data,
    steps,
    columns=columns,
    by=by,
    levels=levels,
    name=test,
    about=about,
    sides=sides,
    null=null or None,
)
if tested is not None:
    told = tell_test(tested, alpha)

# %% [markdown] id="test-05"
# ## What was tested

# %% id="test-06"
if tested is not None:
    draw_test(tested)
    if (pairs := pairs_of(tested)) is not None:
        display(pairs)
    if tested.counts is not None:
        display(tested.counts)

# %% [markdown] id="test-07"
# ## What to keep in mind

# %% id="test-08"
if tested is not None:
    report(**told)
