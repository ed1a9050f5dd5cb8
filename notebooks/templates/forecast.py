# description: The next periods of a measure with intervals, by the method with the least held-out error, beside the
#   seasonal naive one.
# tags: [forecast, time]
# when: 'A question what comes next: the next days, weeks, months or quarters of a measure or of the number of rows.'
"""# Forecast

Rows are brought down to one value a period: amounts are summed, levels and rates averaged. Periods at the ends that the
rows do not cover wholly are left out. Five methods are tried on periods that they have not seen: repeating the last season
(seasonal naive), a straight line through both ends (drift), a trend with a season added or multiplied (least squares), and
exponential smoothing with a damped trend. The best on earlier periods makes the forecast, and its error on the last ones
is told beside that of repeating the last season. Intervals come from held-out errors.
"""

# %% id="forecast-01" tags=["parameters"]
data: str = "data.csv"  # file to look at
measure: str = ""  # column to forecast; empty: the one that is meant, or the number of rows
time: str = ""  # column of times; empty: the table's first
periods: int = 0  # how many periods ahead; 0: a season, or half a dozen
grain: str = ""  # year, quarter, month, week, day or hour; empty: the one that suits the times
how: str = ""  # sum, mean or count; empty: amounts are summed, levels averaged
steps: list = []  # lines of pandas that prepare the rows, such as: rows = rows[rows['city'] == 'Lyon']

# %% id="forecast-02" tags=["toolkit"]
from IPython.display import display
from notebooks.toolkit.attempts import attempt
from notebooks.toolkit.forecast import draw_forecast, forecast_periods, report_forecast, tell_forecast

# %% [markdown] id="forecast-03"
# ## What comes next

# %% id="forecast-04"
ahead = attempt(forecast_periods, data, steps, measure=measure, time=time, periods=periods, grain=grain, how=how)
if ahead is not None:
    tell_forecast(ahead)

# %% [markdown] id="forecast-05"
# ## The series, and how good the forecast is

# %% id="forecast-06"
if ahead is not None:
    draw_forecast(ahead)
    display(ahead.ahead)

# %% [markdown] id="forecast-07"
# ## What to keep in mind

# %% id="forecast-08"
if ahead is not None:
    report_forecast(ahead)
