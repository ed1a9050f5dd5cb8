# description: Two arms of an experiment, found or declared - the difference in units, the decision, and the sample that would
#   decide.
# tags: [experiment, test]
# when: A question whether the new version, variant or treatment is better, or how an A/B test came out.
"""# Is the new one better?

Compares two arms of an experiment. Where the arms or the outcome are not named they are found, by names and levels, and the
answer says so. The difference is told in the outcome's units (of an answer of yes or no: percentage points) and in percent
of the control, each with its 95 % interval: shares by Newcombe's interval and a score test, means by Welch's test. Where
it does not decide, the answer says how large a sample would. An identifier that comes back in its arm is counted once.
The arms' sizes are held against the planned shares where these are known: a mismatch (p below 0.001) forbids a decision.
"""

# %% id="experiment-01" tags=["parameters"]
data: str = "data.csv"  # file to look at
outcome: str = ""  # column that the experiment was to change: a number or two levels; empty: found
assignment: str = ""  # column that says which arm a row was in; empty: found
control: str = ""  # level of the old way; empty: found
treated: str = ""  # level of the new one; empty: found
allocation: str = ""  # planned shares such as 0.5,0.5: control, then the new one; empty: not known
unit: str = ""  # column of what was assigned, such as a user; empty: found, or each row is one
randomised: bool = False  # true where the assignment is declared to be random
worth: float = 0.0  # smallest difference that matters, in units or percentage points; 0: the one seen
lower_is_better: bool = False  # true of costs, errors, days to wait
alpha: float = 0.05  # share of false findings that is accepted
steps: list = []  # lines of pandas that prepare the rows, such as: rows = rows[rows['city'] == 'Lyon']

# %% id="experiment-02" tags=["toolkit"]
from notebooks.toolkit.attempts import attempt
from notebooks.toolkit.experiment import compare_arms, draw_experiment, report_experiment, tell_experiment, two_arms

# %% [markdown] id="experiment-03"
# ## Which is better

# %% id="experiment-04"
arms = attempt(
    two_arms, data, steps, outcome=outcome, assignment=assignment, unit=unit, control=control, treated=treated
)
if arms is not None:
    found = compare_arms(arms, worth=worth, allocation=allocation, alpha=alpha)
    tell_experiment(found, randomised, alpha, lower_is_better)

# %% [markdown] id="experiment-05"
# ## Both arms

# %% id="experiment-06"
if arms is not None:
    draw_experiment(found)

# %% [markdown] id="experiment-07"
# ## What to keep in mind

# %% id="experiment-08"
if arms is not None:
    report_experiment(found, randomised, alpha, lower_is_better)
