"""The reader's closed lexicon: what words ask for, compare, group and join, and which say nothing.

Each line is `code meaning: phrase, phrase`. The code is the letter that stands for the item in a clause's shape (see
`clauses.py`). A phrase is met by its own words or by their stems, the longest first.
"""

from __future__ import annotations

import re
from functools import cache

from graphs.questions.reader.text import stem, words

PHRASES = """
S mean: mean, average, avg, arithmetic mean, mean value, average value, on average, typical, arithmetic average
S median: median, median value
S mode: mode, most common, most frequent, most frequently occurring, most popular, most often
S sum: sum, total, total sum, combined, in total, sum total, how much, altogether, overall amount
S std: standard deviation, std, std dev, stdev, sd
S var: variance
S min: minimum, min, minimum value, smallest value, lowest value
S max: maximum, max, maximum value, largest value, highest value
S range: range
S iqr: interquartile range, iqr, inter quartile range
S mad: median absolute deviation
S sem: standard error of the mean, sem
S cv: coefficient of variation
S skewness: skewness, skew, skewed
S kurtosis: kurtosis
S quantile 0.25: first quartile, lower quartile, 25th percentile, q1
S quantile 0.75: third quartile, upper quartile, 75th percentile, q3
S quantile 0.9: 90th percentile
S quantile 0.95: 95th percentile
S share: share, percentage, percent of, in percent, in per cent, proportion, fraction, rate, pct, percentages, likely, likelihood, probability, chance, chances
S distinct: distinct, unique, number of unique, number of distinct, number of different, how many different, how many unique, how many distinct, count of unique
S missing: missing values, null values, missing entries, nan values, number of missing values, nulls, number of missing, number of null values, missing data
S count: frequency, frequencies, counts, value counts, number of occurrences
S entropy: entropy
S duplicates: duplicate, duplicates, duplicated, duplicate rows, duplicate records, duplicate entries, repeated rows
S geometric_mean: geometric mean
S covariance: covariance
R correlation: correlation, correlation coefficient, correlated, correlate, correlates, relationship, association, linear relationship, correlations, associated, related, relate, relation, pearson correlation coefficient, correlation analysis, correlation matrix, pearson coefficient, relates, interact, go up with, goes up with, go down with, goes down with, rise with, increase with, decrease with, grow with, vary with, goes with, go with, went with, goes along with, go along with, go together, goes together
R slope: slope
R r2: r squared, coefficient of determination, r2, goodness of fit
h count: how many, number of, count of, total number of, overall number of, amount of rows, the number, count
M max: highest, largest, biggest, greatest, most, maximal, top, strongest, the most, peak, best, strongest positive, most positive, highest positive
M min: lowest, smallest, least, fewest, minimal, bottom, weakest, worst, strongest negative, most negative
K >: greater than, more than, larger than, higher than, bigger than, above, over, exceeding, exceeds, exceeded, exceed, in excess of, >
K <: less than, fewer than, smaller than, lower than, below, under, <
K >=: at least, no less than, not less than, no fewer than, greater than or equal to, >=, more than or equal to, equal to or greater than, higher than or equal to
K <=: at most, no more than, not more than, up to, less than or equal to, <=, equal to or less than, lower than or equal to
K =: exactly, equal to, equals, =, ==
K !=: not equal to, different from, !=, other than
K > TIME: after, since
K < TIME: before, prior to
b between: between, ranging from, within the range
j more: higher, lower, better, worse, larger, smaller, greater, bigger, more often, less often, more frequently, less frequently, differ, differs, compare, compared, comparing, comparison, more, less, fewer
k contains: containing, contains, contain, including the word, mention, mentions, mentioning, with the word
k starts: starting with, starts with, start with, beginning with, begins with, begin with
k ends: ending with, ends with, end with, ending in
B by: by, per, for each, in each, for every, each, every, across, grouped by, broken down by, split by, within each, of each, at each, by each, per each, on each, from each, across all, across different, across the different, for all, each of the, for each unique, for each of the, across various, each unique, each different, segmented by, for different, in different, of different, among different, between different, in various, for various, depending on, based on, based on the, depending on the, as a function of, for all different, across specific, within different, from different, by different
Z each: separately, individually, respectively, distinctively, apiece
G year: yearly, annually, annual, year, by year
G quarter: quarterly, quarter
G month: monthly, month
G week: weekly, week
G day: daily, day
G weekday: day of the week, weekday, day of week, weekdays
G hour_of_day: hour of the day, hour of day, time of day
G month_of_year: month of the year
X cycle: cycle, cycles, cyclic, cyclical, periodic, periodicity
X over time: over time, trend, trends, pattern, patterns, over the period, through time, seasonal, time trend
Y change: change, changed, changes, growth, grow, grown, grew, increase, increased, decrease, decreased, decline, going up, going down, go up, go down, gone up, gone down, went up, went down, falling, shrinking, worsen, develop, developed, develops, declined, rise, rose, drop, dropped, fell, fall, improved, evolve, evolved
W why: why, reason, reasons, what caused, what explains
J ratio: ratio of, ratio between, ratio
J -: difference between, difference of, gap between, difference
O outlier: outlier, outliers, anomaly, anomalies, anomalous, extreme values, unusual values
D distribution: distribution, distributed, distribution analysis, histogram of, spread, distributions, concentrated, occurrence distribution, breakdown, composition, split, split of, split between, mix of, mix, makeup, divided between, divided among, spread across
H normality: normal distribution, normality, gaussian, normal, non normal, not normally distributed
H means: equal means, difference in means, anova, analysis of variance, t test, ttest, t tests
H variances: equal variances, homogeneity of variance, levene test
H independence: chi square test, independence, chi square, test of independence
H medians: mann whitney, mann whitney u test, mann whitney u, kruskal wallis, rank sum test
H significance: significant difference, differ significantly, statistically significant difference
F forecast: forecast, forecasts, forecasting, predict next
A drivers: drivers, driver, drives, drive, influence, influences, affect, affects, impact, factors, determines, depends on, influences most, key factors, explain, effect of
A groups: separates, distinguishes, distinguish, differentiates, discriminates, sets apart, tells apart
L predict: predict, predicting, prediction model, linear regression, regression model, machine learning model, logistic regression, decision tree, random forest, classifier, regression, predicts, model
r turn: other way round, other way around, other way, reverse, reversed, vice versa, opposite
g plot: plot, chart, graph, draw, visualize, visualise, visualization, histogram, scatter plot, bar chart, line chart, box plot, boxplot, scatterplot, pie chart, bar plot, line plot, heatmap, show a chart
a and: and, &, as well as, along with, also, plus, vs, versus, vs., against
a or: or
c ,: \\,
o of: of
i in: in, for, on, at, among, amongst, within, from, during, into, through, throughout, out of, to, of all
w who: who, that, which, whose, where, with, having, have, has, had, when, whom, only, if
n not: not, no, never, without, excluding, except, non, neither, nor, lack, lacking, cannot, other than, apart from
q which: which, what, who, whom, where, when, whose
d is: is, are, was, were, be, been, being, am, do, does, did
m missing: missing, null, nan, blank, empty, unknown, not available, nulls
p (: (
z ): )
v ask: calculate, compute, find, determine, identify, report, return, give, show, list, tell, provide, count, output, get, state, check, assess, perform, conduct, evaluate, analyze, analyse, examine, investigate, test, measure, estimate, explore, obtain, print, present, name, display, derive, rank, sort, summarize, summarise, describe, use
"""

DIMENSIONS = """
age: old eld aged / young
TIME: late recent new / early
weight mass: heavy / light
height: tall / short
length duration minutes hours: long / short
price cost fare fee: expensive dear / cheap
income salary wealth: rich / poor
speed: fast / slow
temperature temp: hot warm / cold
"""
"""Adjectives of much and of little, by the words of the columns that they speak of: older than, the oldest, older."""

OF_UNITS = {
    "age": "years old yrs",
    "weight mass": "kg g kilograms grams lbs pounds",
    "length duration": "minutes hours",
}

FUNCTION = """
a an the i me us we you he she it they them my our your his her its their this these those that there here some any all
each both of in on at to from by with for into than as such and or but if so while during across between within among
is are was were be been being am do does did has have had having can could should would will must may might please not
no yes only also just then who what which when where why how much many more most other others one two three per via
"""
"""Words that name nothing, so that none is a value where it stands in small letters."""

HARMLESS = """
given provided following dataset data table file csv column columns variable variables field fields feature features
value values using use used means based finally first firstly secondly next after afterwards lastly now overall entire
whole exactly respectively want know like need let actually simply kindly method methods function functions built
python pandas panda dataframe numpy scipy stats library libraries package statsmodels module statistical statistics
statistic appropriate default standard mean calculation calculations calculated result results answer output final
number numbers numeric numerical decimal decimals place places round rounded rounding significance level alpha
coefficient strength direction linear measure assess analysis set column's respective particular specific certain
different various available existing observed recorded reported measured same corresponding amount amounts figure
figures levels total it's there's interpret interpretation terms exist exists separately individual point points order
according make sure ensure e g etc eg ie vs take taken account whether hypothesis null test tests tailed type kind
kinds consider considered considering basis form formula compare compared comparison comparing way detail details pair
pairs themselves itself question original new created generated generate create obtained far time times further
additional steps step processing cleaning preprocessing performing perform required necessary statistically
significant significantly included include including inclusive regard regarding respect ms mrs relevant sample
population samples observations rows row records record entries entry instances cases case cells observation dataset's
ones everyone everything anything something someone common quickly briefly short clear brief summary really currently
look looks looking seem seems appear appears frame sci py adhere adheres follow follows come comes wilk positive
negative parameters parameter settings setting manually manual represented represent conducted calculating employed
validate employ done employing mentioned found find finding numerically missing specified stated scikit learn sklearn
off keep indicate represents performance process processes note meet conditions condition assume rest vary varies
varied varying differ differs assigned handled related associated takes took engineering called named build evaluation
implement reproducibility store resulting detection imputation implications format strings don doesn isn aren wasn
weren didn hasn haven couldn shouldn bought buy buys purchased chose chosen came live lives lived belong belongs
located placed made gets got work works worked working along side together instead about around approximately roughly
"""

DISCUSS = """
interpret discuss explain comment conclude infer analyze analyse evaluate compare describe assess visualize consider
assume note remember ensure
"""

ROWS = """
row rows record records entry entries observation observations case cases instance instances sample samples item items
"""

PEOPLE = """
person people individual individuals passenger passengers patient patients customer customers client clients student
students employee employees user users subject subjects participant participants member members respondent respondents
worker workers player players visitor visitors guest guests driver drivers applicant applicants borrower borrowers
policyholder policyholders household households woman women man men buyer buyers child children
"""

EVENTS = """
order orders sale sales transaction transactions ticket tickets incident incidents expense expenses claim claims
request requests complaint complaints payment payments purchase purchases invoice invoices visit visits trip trips
ride rides flight flights booking bookings event events call calls measurement measurements reading readings loan
loans goal goals task tasks shipment shipments delivery deliveries appointment appointments accident accidents project
projects
"""
"""What a row may record, where no column has the word: it is read as the rows, and that is told."""

SEXES = {
    "female": ["female", "females", "woman", "women", "girl", "girls", "lady", "ladies", "f", "w"],
    "male": ["male", "males", "man", "men", "boy", "boys", "gentleman", "gentlemen", "m"],
}

KIN = """
sex gender
salary wage pay earnings income
weight mass wt weigh weighs weighed
price cost
length duration minutes
cost amount expense spending
revenue sales turnover sell sells sold selling
quantity qty units sell sells sold selling
revenue amount spend spends spent
salary payroll earn earns earned earning earnings paid pays
temperature temp
department dept
customer client
country nation
city town
horsepower hp
employee worker staff
film movie
house home
survive alive survival survived survivor
smoke smoker smoking
churn churned
latitude lat
longitude lon lng
year yr
"""

NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split()
ORDINALS = "zeroth first second third fourth fifth sixth seventh eighth ninth tenth".split()
MONTHS = "january february march april may june july august september october november december".split()
WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
UNITS = set("""
grams kilograms meters metres litres liters celsius fahrenheit kelvin years year old days day hours hour usd dollars
dollar eur euros euro percent kg g mm cm m km miles mph points degrees minutes minute seconds times yrs lbs pounds
inches feet thousand million gb mb
""".split())  # fmt: skip
STOP = set("of in the a an per for on at and to by with".split())
"""Words that a question puts between the words of a column's name."""


@cache
def phrases() -> tuple[dict[tuple[str, ...], tuple[str, str]], dict[tuple[str, ...], tuple[str, str]]]:
    """Phrases by their words, and by their stems, each with its code and meaning."""
    exact, stems = dict[tuple[str, ...], tuple[str, str]](), dict[tuple[str, ...], tuple[str, str]]()
    for line in PHRASES.strip().splitlines():
        head, listed = line.split(": ", 1)
        code, meaning = head.split(" ", 1)
        for phrase in listed.replace("\\,", "COMMA").split(", "):
            key = (",",) if phrase == "COMMA" else tuple(w.low for w in words(phrase))
            exact.setdefault(key, (code, meaning))
            if code.isupper():
                stems.setdefault(tuple(stem(w) for w in key), (code, meaning))
    for line in DIMENSIONS.strip().splitlines():
        hint, listed = line.split(": ")
        for (end, sign), adjectives in zip((("max", ">"), ("min", "<")), listed.split(" / "), strict=True):
            for adjective in adjectives.split():
                more, most = compared(adjective)
                for key, met in (
                    (most, ("M", f"{end} {hint}")),
                    (("the", *most), ("M", f"{end} {hint}")),
                    ((*more, "than"), ("K", f"{sign} {hint}")),
                    (more, ("j", hint)),
                ):
                    if key not in exact:
                        exact[key] = stems[tuple(map(stem, key))] = met
                    elif hint not in exact[key][1]:  # shortest: of a length or of a height
                        exact[key] = (met[0], f"{exact[key][1]} {hint}")
    for sign, adjectives in (
        (">=", "greater more larger higher bigger above"),
        ("<=", "less smaller lower fewer below"),
    ):
        for word in adjectives.split():
            for phrase in ("{} than or equal to", "equal to or {} than", "{} or equal to", "equal to or {}"):
                exact[tuple(phrase.format(word).split())] = ("K", sign)
    return exact, stems


def compared(adjective: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """An adjective's comparative and superlative: heavier and heaviest, more and most expensive."""
    if len(adjective) > 5 or adjective == "aged":
        return ("more", adjective), ("most", adjective)
    double = adjective[-1] if re.fullmatch("[^aeiou]+[aeiou][bdgnpt]", adjective) else ""
    root = re.sub("y$", "i", adjective.removesuffix("e")) + double
    return (root + "er",), (root + "est",)


@cache
def functional() -> frozenset[str]:
    """Words that name nothing."""
    return frozenset(FUNCTION.split()) | STOP


@cache
def harmless() -> frozenset[str]:
    """Words that may go unread."""
    return frozenset(HARMLESS.split()) | functional()


@cache
def adjectives() -> dict[str, str]:
    """The hints of the columns that adjectives speak of."""
    lines = [line.split(": ") for line in DIMENSIONS.strip().splitlines()]
    return {word: hint for hint, listed in lines for word in listed.replace("/", "").split()}


@cache
def rows() -> frozenset[str]:
    """Words for what a row may stand for."""
    return frozenset(["id", "no", "number", "index", *ROWS.split(), *PEOPLE.split(), *EVENTS.split()])


@cache
def singulars() -> frozenset[str]:
    """Words for one person: a column of whole numbers with such a name says who, and a plural may say how many."""
    return frozenset(w for w in PEOPLE.split() if not w.endswith("s") and stem(w) == stem(w + "s"))


@cache
def people() -> frozenset[str]:
    """Words for a person."""
    return frozenset({"who", "aged", *PEOPLE.split(), *(w for sex in SEXES.values() for w in sex if len(w) > 1)})


@cache
def units() -> dict[str, str]:
    """The hint of the column that a number with this unit is of."""
    return {unit: hint for hint, listed in OF_UNITS.items() for unit in listed.split()}


@cache
def kin() -> dict[str, frozenset[str]]:
    """Stems that may stand for one another in a column's name."""
    found = dict[str, frozenset[str]]()
    for line in KIN.strip().splitlines():
        family = frozenset(stem(w) for w in line.split())
        for word in family:
            found[word] = found.get(word, frozenset()) | family
    return found
