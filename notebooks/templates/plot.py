# description: The chart that was asked for, with a sentence that says what it shows.
# tags: [plot, chart]
# when: A request for a chart, plot or graph.
"""# Chart

Draws bars, lines, points, boxes, violins, a histogram, a pie or a heatmap of the columns that are named, and says in a sentence
what is to be seen. Rows are added up where they are amounts, and averaged where they are rates.
"""

# %% id="plot-01" tags=["parameters"]
data: str = "data.csv"  # file to look at
kind: str = "auto"  # bar, line, area, scatter, histogram, density, box, violin, pie or heatmap; auto: what suits
x: str = ""  # column along the chart
y: list = []  # columns that are drawn
colour: str = ""  # column whose levels have colours
how: str = ""  # sum, mean, median or count; empty: what suits the column
grain: str = ""  # year, quarter, month, week or day of a line over time
title: str = ""  # title of the chart
steps: list = []  # lines of pandas that prepare the rows, such as: rows = rows[rows['city'] == 'Lyon']

# %% id="plot-02" tags=["toolkit"]
from notebooks.toolkit.attempts import attempt
from notebooks.toolkit.plots import draw_plot, make_plot, tell_plot
from notebooks.toolkit.telling import report

# %% [markdown] id="plot-03"
# ## The chart

# %% id="plot-04"
plot = attempt(make_plot, data, steps, kind=kind, x=x, y=y, colour=colour, how=how, grain=grain)
if plot is not None:
    draw_plot(plot, title)
    told = tell_plot(plot)

# %% [markdown] id="plot-05"
# ## What to keep in mind

# %% id="plot-06"
if plot is not None:
    report(**told)
