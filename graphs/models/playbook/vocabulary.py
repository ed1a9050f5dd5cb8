"""The words of closed questions: what asks for which number, what compares, what may be passed over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _meanings(text: str) -> dict[str, str]:
    """Each phrase with its meaning, from lines such as "mean: mean, average"."""
    lines = [line.strip().split(": ") for line in text.strip().splitlines()]
    return {phrase: meaning for meaning, phrases in lines for phrase in phrases.split(", ")}


AGGREGATES: Mapping[str, str] = _meanings(
    """
    mean: mean, average, averages, averaged, avg, on average, in average, mean value of, average value of
    mean: arithmetic mean, mean average
    median: median, typical
    sum: total, totals, sum, sum of, summed, combined, in total, total amount of, sum total, altogether, how much
    std: standard deviation, std dev, std, sd, st dev, stdev, spread
    variance: variance
    range: range
    count: how many, how often, number of, total number of, overall number of, count, count of, no of, counts
    count: amount of rows
    share: percentage, percent, pct, share, proportion, fraction
    distinct: distinct, different, unique
    mode: most common, most popular, most frequent, commonest, most often, mode, used the most, used most, appears most
    mode: used most often, appears most often, occurs most often, occurs most
    rarest: least common, least popular, least frequent, rarest, used the least, used least, used least often
    correlation: correlation, correlation coefficient, pearson correlation
    difference: difference, gap
    ratio: ratio
    change: growth, growth rate, change, percentage change, percent change, relative change, increase, decrease
    change: rise, decline, drop, grow, grew, grown
    quantile 0.25: lower quartile, first quartile
    quantile 0.75: upper quartile, third quartile
    """
)
"""A phrase and the number that it asks for."""

GOOD = ("score", "rating", "points", "gpa", "accuracy", "marks", "mpg", "mileage", "satisfaction")
BAD = ("delay", "delays", "wait", "error", "errors", "defects", "complaints", "loss", "losses", "late", "downtime")
"""What more of is better, and what is worse: "the best price" may be the lowest, the best score is the highest."""

FLOW = _words(
    """
    revenue sales amount spend spending cost costs profit quantity qty volume units income
    turnover payment payments donations rain rainfall precipitation distance budget loss charges
    """
)
"""Words of columns whose values add up to something: a total of them is what is asked for, where nothing else is."""

_ADJECTIVES = (
    ("", "highest largest biggest greatest most maximum max maximal top peak", "more higher larger bigger greater"),
    ("length duration runtime", "longest", "longer"),
    ("age", "oldest eldest", "older"),
    ("weight mass wt", "heaviest", "heavier"),
    ("height", "tallest", "taller"),
    ("depth", "deepest", "deeper"),
    ("width", "widest", "wider"),
    ("price cost fare", "most_expensive priciest dearest", "more_expensive pricier dearer"),
    ("income wealth salary", "richest", "richer"),
    ("salary wage income", "highest_paid best_paid", ""),
    ("temperature temp", "hottest warmest", "hotter warmer"),
    ("rain rainfall precipitation", "wettest rainiest", "wetter"),
    ("wind", "windiest", "windier"),
    ("speed", "fastest", "faster"),
    ("population", "most_populous", ""),
    ("strength", "strongest", ""),
    (" ".join(GOOD), "best", ""),
    ("ROWS", "busiest", ""),
    ("TIME", "latest last most_recent newest", ""),
)
"""Words of a column, the superlatives that say that much of it is meant, and the comparatives."""
_OPPOSITES = (
    ("", "lowest smallest least fewest minimum min minimal bottom", "less fewer lower smaller"),
    ("length duration runtime height", "shortest", "shorter"),
    ("age", "youngest", "younger"),
    ("weight mass wt", "lightest", "lighter"),
    ("width", "narrowest", ""),
    ("price cost fare", "least_expensive cheapest", "less_expensive cheaper"),
    ("income wealth salary", "poorest", "poorer"),
    ("salary wage income", "lowest_paid worst_paid", ""),
    ("temperature temp", "coldest coolest", "colder"),
    ("rain rainfall precipitation", "driest", "drier"),
    ("speed", "slowest", "slower"),
    (" ".join(GOOD), "worst", ""),
    ("ROWS", "quietest", ""),
    ("TIME", "earliest first", ""),
)
"""The same of little."""

type Graded = Mapping[str, tuple[str, tuple[str, ...]]]
"""A word, which end or side of a column it means, and words of that column where it says itself which it is."""


def _graded(place: int, ends: tuple[str, str]) -> Graded:
    both = [(ends[0], _ADJECTIVES), (ends[1], _OPPOSITES)]
    return {
        word.replace("_", " "): (end, tuple(row[0].split()))
        for end, rows in both
        for row in rows
        for word in row[place].split()
    }


SUPERLATIVES: Graded = _graded(1, ("highest", "lowest"))
COMPARATIVES: Graded = _graded(2, (">", "<"))
_BOUNDS = _meanings(
    """
    >: above, over, exceeding, exceeds, exceeded, exceed, in excess of, >
    <: below, under, not reaching, <
    >=: at least, no less than, not less than, no fewer than, minimum of, >=
    <=: at most, no more than, not more than, up to, not above, maximum of, <=
    =: exactly, equal to, equals, =, ==, of exactly
    between: between
    """
)
COMPARISONS: Graded = {
    **{phrase: (op, ()) for phrase, op in _BOUNDS.items()},
    **{f"{word} than": meant for word, meant in COMPARATIVES.items()},
    "aged over": (">", ("age",)),
    "aged under": ("<", ("age",)),
}

OPERATIONS: Mapping[str, str] = _meanings(
    """
    minus: minus
    plus: plus
    times: times, multiplied by
    divided by: divided by
    """
)
"""What is done with two columns to make a third."""

GRAINS: Mapping[str, str] = _meanings(
    """
    year: year, years, calendar year
    quarter: quarter, quarters
    month: month, months, calendar month
    month of year: month of the year
    week: week, weeks
    day: day, days, date
    weekday: day of the week, day of week, weekday, weekdays
    hour: hour, hours, time of day, hour of the day, hour of day
    """
)

MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_COUNTED = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
NUMBERS = {word: i for i, word in enumerate(_COUNTED.split())}
ORDINALS = {
    w: i for i, w in enumerate(["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"], 1)
}
ORDINALS |= {f"{i}{end}": i for i, end in enumerate(("st", "nd", "rd", "th", "th", "th", "th", "th"), 1)}

FILLERS = _words(
    """
    weigh weighs a an the please tell me show give us you can could would i we want know like find compute
    calculate get whats all any this that these those there here it its their our my data
    dataset table file csv sheet do does did value values amount figure recorded overall ever also just only
    actually altogether how generated generate generates produced brought received got observed measured
    seen exactly whose been respectively roughly single entire whole approximately come comes came go
    goes went belong belongs fall falls work works live lives lived living occur occurs occurred happen
    happened made placed bought sold took take taken travel travelled traveled stay stayed stays given
    according make makes sell sells bring brings scored shows achieve achieved reach reaches reached
    ridden holds pls plz hey hello thanks kindly wondering gimme handle handles
    calc gets need something anything still looking use uses usage consume consumes consumed
    consumption
    """
)
"""Words that say nothing about which number is meant."""

MEANT = _words(
    """
    work works live lives lived living single entire whole sold took taken made placed given got received observed
    measured table dataset file sheet data generated produced brought travel level recorded overall happened occurred
    """
)
"""Fillers that mean more where a column has them as a value: a single person, a trip for work, a table sold."""

TELLING = _words("amount figure level value scored usage consumption consumed travel stay stayed stays")
"""Fillers that are more where a column has them in its name."""

ACTIVE = _words("scored reached achieved used produced")
"""Fillers that tell who is meant where no object follows."""

LOGICAL = _words(
    """
    both all any every each none other others some neither either many most more less few fewer several same such only
    not no and or
    """
)
"""Words that join, leave out or count; a value of this name is meant only beside its column's name."""

FREQUENCY = re.compile(r"(.*[\W_])?(n|freq|frequency|frequencies|counts?|cnt|tally|number)", re.I)
"""Names of a column that counts how many a row stands for."""

HAVE = _words(
    """
    is are was were be has have had having with who that where when whose holding being
    """
)
PREPOSITIONS = _words(
    """
    of in for from among amongst at on within during to across than
    """
)

ROWS = _words(
    """
    row rows record records entry entries observation observations line lines case cases reading readings
    measurement measurements sample samples
    """
)
PEOPLE = _words(
    """
    people person persons individual individuals passenger passengers patient patients customer customers
    client clients student students employee employees user users subject subjects participant participants
    member members respondent respondents worker workers player players visitor visitors driver drivers staff
    pupil pupils guest guests
    """
)
PERSONAL = _words(
    """
    age sex gender name surname salary income marital education height weight smoker bmi churn churned alter
    geschlecht gehalt schueler schüler
    """
)

OPEN = re.compile(
    r"\b(why|driv|affect|influenc|explain|cause|predict|matter|impact|effect|separat|distinguish|characteri|relat|"
    r"depend|associat|trend|forecast|over time|happen|would|should|could|will|expect|recommend|factor|significan|"
    r"cluster|segment|outlier|anomal|model|pattern|interesting|insight|important)",
    re.I,
)
"""Words of questions that no single number answers."""

_NUMBERS = (
    "average|mean|median|total|sum|number|count|maximum|minimum|max|min|percentage|percent|share|proportion|"
    "fraction|correlation|standard deviation|most|least|top"
)
CLOSED = re.compile(
    r"^\W*((please|tell me|show me|give me|can you tell me|calculate|compute|find)\W+)*"
    r"(how (many|much|often|old|heavy|tall|long)\b|what(['’]?s| is| are| was| were) the\b|"
    r"(the )?(second|third|fourth|fifth)\b|(the )?(\d+|two|three|four|five|ten) (most|least|\w+est)\b|"
    rf"(the )?({_NUMBERS}|\w+est)\b|"
    r"((on|in|for|at) )?(what|which|who|when|where)\b.*\b"
    rf"({_NUMBERS}|fewest|best|worst|difference in|\w+(?<!inter)est|rate|range|common)\b)",
    re.I,
)
"""Questions to which one number or one name is the answer."""

FOREIGN = re.compile(
    r"\b(wieviele?|wie viele?|welche[rs]?|durchschnitt\w*|warum|anzahl|combien|moyenne?|pourquoi|"
    r"quel(?:le)?s?|cuánt[ao]s?|cuál|promedio|por qué|quant[ie]|perché|media del?)\b",
    re.I,
)
"""Words that only a question in another language has."""

RELATING = _words(
    """
    handled wrote written write carried carry carries served serve serves treated treat lent lend lends rented
    rent rents published publish released release operated operate operates flown flew fly flies departed depart
    visited visit directed direct ordered order buy purchased booked book borrowed borrow drove driven ran run
    runs hosted host hosts taught teach teaches
    """
)
"""Verbs that say no more than that rows belong to what stands before them: agents who handled 9 tickets."""
QUANTIFYING = _words("more less fewer at over under exactly above below between no by from to most least fewest on")
"""Words after which such a verb has an object or an agent, and sets no condition of its own."""

NEGATIONS = _words(
    """
    not no without except excluding outside non never didn't don't isn't wasn't weren't aren't n't
    """
)
_KINDS: Mapping[str, frozenset[str]] = {
    "": FILLERS,
    "X": NEGATIONS,
    "M": _words("missing null nan blank empty unknown"),
    "W": _words("which what"),
    "J": _words("and & , vs versus but"),
    "D": _words("or"),
    "B": _words("by per across each every"),
    "r": _words("rate rates"),
    "c": _words("columns variables features fields column variable"),
    "K": HAVE,
    "P": PREPOSITIONS,
}
WORDS: Mapping[str, str] = {word: kind for kind in reversed(list(_KINDS)) for word in _KINDS[kind]}
"""A word and the kind of item that it is where it is nothing else; "" for what says nothing."""


def _phrases() -> dict[str, tuple[str, Any]]:
    """Each phrase with the kind of its item and its value; what stands first wins."""
    tables: list[tuple[str, Mapping[str, Any]]] = [
        ("A", AGGREGATES),
        ("S", SUPERLATIVES),
        ("O", COMPARISONS),
        ("G", GRAINS),
        ("B", dict.fromkeys(("grouped by", "broken down by", "split by", *_EACH))),
        ("p", dict.fromkeys(("pair of", "pairs of", "combination of", "combinations of"))),
        ("X", dict.fromkeys(("other than", "apart from", "except for"))),
        ("", dict.fromkeys(("year old", "years old", "years of age", "by how many percent", "by what percentage"))),
        ("Z", COMPARATIVES),
        ("Q", OPERATIONS),
        (
            "P",
            {"out of": "of"}
            | {word: word for word in ("since", "after", "before", "until", "till", "through", "from")},
        ),
    ]
    found = dict[str, tuple[str, Any]]()
    for kind, table in tables:
        for phrase, value in table.items():
            found.setdefault(phrase, (kind, value))
    return found


_EACH = ("for each", "for every", "in each", "in every", "of each", "by each", "by every", "per each")
PHRASES: Mapping[str, tuple[str, Any]] = _phrases()
"""A phrase, the kind of item that it is ("" for none) and what it means."""
