# description: A model that predicts a column, its error on held-out rows beside the simplest guess, saved with a card.
# tags: [predict, model]
# when: A request for a model, a prediction or an estimate of a column from others.
"""# Predict a column

A linear model and boosted trees are tried in five folds of the training rows; the better one is measured on rows that
were held out, beside the simplest guess (the median, or the commonest level). The fitted model is saved with a card that says
what it must not be used for. Columns that restate the target, or that it is made of, are left out by name.
"""

# %% id="predict-01" tags=["parameters"]
data: str = "data.csv"  # file to look at
target: str = ""  # column to predict: a number, or 2 to 20 levels
features: list = []  # columns to predict it from; empty: all that can
test_size: float = 0.25  # share of rows that is held out
time: str = ""  # column of times: the last rows by it are held out; empty: rows drawn at random
steps: list = []  # lines of pandas that prepare the rows, such as: rows = rows[rows['city'] == 'Lyon']

# %% id="predict-02" tags=["toolkit"]
from notebooks.toolkit.attempts import attempt, prepared_rows
from notebooks.toolkit.predict import draw_prediction, fit_predictor, tell_prediction
from notebooks.toolkit.telling import report

# %% [markdown] id="predict-03"
# ## How well it predicts

# %% id="predict-04"
predictor = attempt(fit_predictor, data, steps, target=target, features=features, test_size=test_size, time=time)
if predictor is not None:
    told = tell_prediction(predictor, prepared_rows(data, steps))

# %% [markdown] id="predict-05"
# ## Held-out rows, and what the model leans on

# %% id="predict-06"
if predictor is not None:
    draw_prediction(predictor)

# %% [markdown] id="predict-07"
# ## What it must not be used for

# %% id="predict-08"
if predictor is not None:
    report(**told)
