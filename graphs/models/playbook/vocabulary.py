"""The words of closed questions: what asks for which number, what compares, what may be passed over."""

from __future__ import annotations

import re
from collections.abc import Mapping


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


AGGREGATES: Mapping[str, str] = {
    "mean": "mean",
    "average": "mean",
    "averages": "mean",
    "averaged": "mean",
    "avg": "mean",
    "on average": "mean",
    "in average": "mean",
    "mean value of": "mean",
    "average value of": "mean",
    "arithmetic mean": "mean",
    "median": "median",
    "total": "sum",
    "totals": "sum",
    "sum": "sum",
    "summed": "sum",
    "combined": "sum",
    "in total": "sum",
    "total amount of": "sum",
    "sum total": "sum",
    "altogether": "sum",
    "how much": "sum",
    "standard deviation": "std",
    "std dev": "std",
    "std": "std",
    "variance": "variance",
    "range": "range",
    "how many": "count",
    "how often": "count",
    "number of": "count",
    "total number of": "count",
    "overall number of": "count",
    "count": "count",
    "count of": "count",
    "no of": "count",
    "counts": "count",
    "amount of rows": "count",
    "percentage": "share",
    "percent": "share",
    "pct": "share",
    "share": "share",
    "proportion": "share",
    "fraction": "share",
    "distinct": "distinct",
    "different": "distinct",
    "unique": "distinct",
    "most common": "mode",
    "most popular": "mode",
    "least popular": "rarest",
    "most frequent": "mode",
    "commonest": "mode",
    "most often": "mode",
    "mode": "mode",
    "least common": "rarest",
    "rarest": "rarest",
    "least frequent": "rarest",
    "correlation": "correlation",
    "correlation coefficient": "correlation",
    "pearson correlation": "correlation",
    "difference": "difference",
    "gap": "difference",
    "ratio": "ratio",
    "growth": "change",
    "growth rate": "change",
    "change": "change",
    "percentage change": "change",
    "percent change": "change",
    "relative change": "change",
    "increase": "change",
    "decrease": "change",
    "rise": "change",
    "decline": "change",
    "drop": "change",
    "grow": "change",
    "grew": "change",
    "grown": "change",
    "sd": "std",
    "st dev": "std",
    "stdev": "std",
    "spread": "std",
    "mean average": "mean",
    "typical": "median",
    "sum of": "sum",
    "lower quartile": "quantile 0.25",
    "first quartile": "quantile 0.25",
    "upper quartile": "quantile 0.75",
    "third quartile": "quantile 0.75",
}
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

SUPERLATIVES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    **{
        w: ("highest", ())
        for w in ["highest", "largest", "biggest", "greatest", "most", "maximum", "max", "maximal", "top", "peak"]
    },
    **{w: ("lowest", ()) for w in ["lowest", "smallest", "least", "fewest", "minimum", "min", "minimal", "bottom"]},
    "longest": ("highest", ("length", "duration", "runtime")),
    "shortest": ("lowest", ("length", "duration", "runtime", "height")),
    "oldest": ("highest", ("age",)),
    "youngest": ("lowest", ("age",)),
    "eldest": ("highest", ("age",)),
    "heaviest": ("highest", ("weight", "mass", "wt")),
    "lightest": ("lowest", ("weight", "mass", "wt")),
    "tallest": ("highest", ("height",)),
    "deepest": ("highest", ("depth",)),
    "widest": ("highest", ("width",)),
    "narrowest": ("lowest", ("width",)),
    "most expensive": ("highest", ("price", "cost", "fare")),
    "priciest": ("highest", ("price", "cost", "fare")),
    "dearest": ("highest", ("price", "cost", "fare")),
    "least expensive": ("lowest", ("price", "cost", "fare")),
    "cheapest": ("lowest", ("price", "cost", "fare")),
    "richest": ("highest", ("income", "wealth", "salary")),
    "poorest": ("lowest", ("income", "wealth", "salary")),
    "highest paid": ("highest", ("salary", "wage", "income")),
    "lowest paid": ("lowest", ("salary", "wage", "income")),
    "best paid": ("highest", ("salary", "wage", "income")),
    "worst paid": ("lowest", ("salary", "wage", "income")),
    "hottest": ("highest", ("temperature", "temp")),
    "warmest": ("highest", ("temperature", "temp")),
    "coldest": ("lowest", ("temperature", "temp")),
    "coolest": ("lowest", ("temperature", "temp")),
    "wettest": ("highest", ("rain", "rainfall", "precipitation")),
    "rainiest": ("highest", ("rain", "rainfall", "precipitation")),
    "driest": ("lowest", ("rain", "rainfall", "precipitation")),
    "windiest": ("highest", ("wind",)),
    "fastest": ("highest", ("speed",)),
    "most populous": ("highest", ("population",)),
    "best": ("highest", GOOD),
    "worst": ("lowest", GOOD),
    "busiest": ("highest", ("ROWS",)),
    "quietest": ("lowest", ("ROWS",)),
    "slowest": ("lowest", ("speed",)),
    "strongest": ("highest", ("strength",)),
    "latest": ("highest", ("TIME",)),
    "last": ("highest", ("TIME",)),
    "most recent": ("highest", ("TIME",)),
    "newest": ("highest", ("TIME",)),
    "earliest": ("lowest", ("TIME",)),
    "first": ("lowest", ("TIME",)),
}
"""A superlative: which end is meant, and words of the column that it is about where it says that itself."""

COMPARISONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    **{
        w: (">", ())
        for w in (
            "more than",
            "greater than",
            "higher than",
            "larger than",
            "bigger than",
            "above",
            "over",
            "exceeding",
            "exceeds",
            "exceeded",
            "exceed",
            "in excess of",
            ">",
        )
    },
    **{
        w: ("<", ())
        for w in ("less than", "fewer than", "lower than", "smaller than", "below", "under", "not reaching", "<")
    },
    **{w: (">=", ()) for w in ("at least", "no less than", "not less than", "no fewer than", "minimum of", ">=")},
    **{w: ("<=", ()) for w in ("at most", "no more than", "not more than", "up to", "not above", "maximum of", "<=")},
    **{w: ("=", ()) for w in ("exactly", "equal to", "equals", "=", "==", "of exactly")},
    "older than": (">", ("age",)),
    "aged over": (">", ("age",)),
    "younger than": ("<", ("age",)),
    "aged under": ("<", ("age",)),
    "heavier than": (">", ("weight", "mass", "wt")),
    "lighter than": ("<", ("weight", "mass", "wt")),
    "longer than": (">", ("length", "duration")),
    "shorter than": ("<", ("length", "duration", "height")),
    "taller than": (">", ("height",)),
    "deeper than": (">", ("depth",)),
    "wider than": (">", ("width",)),
    "more expensive than": (">", ("price", "cost", "fare")),
    "pricier than": (">", ("price", "cost", "fare")),
    "dearer than": (">", ("price", "cost", "fare")),
    "cheaper than": ("<", ("price", "cost", "fare")),
    "less expensive than": ("<", ("price", "cost", "fare")),
    "hotter than": (">", ("temperature", "temp")),
    "warmer than": (">", ("temperature", "temp")),
    "colder than": ("<", ("temperature", "temp")),
    "faster than": (">", ("speed",)),
    "slower than": ("<", ("speed",)),
    "richer than": (">", ("income", "wealth", "salary")),
    "poorer than": ("<", ("income", "wealth", "salary")),
    "windier than": (">", ("wind",)),
    "wetter than": (">", ("rain", "rainfall", "precipitation")),
    "drier than": ("<", ("rain", "rainfall", "precipitation")),
    "between": ("between", ()),
}

OPERATIONS: Mapping[str, str] = {
    "minus": "minus",
    "plus": "plus",
    "times": "times",
    "multiplied by": "times",
    "divided by": "divided by",
}
"""What is done with two columns to make a third."""

GRAINS: Mapping[str, str] = {
    "year": "year",
    "years": "year",
    "quarter": "quarter",
    "quarters": "quarter",
    "month": "month",
    "months": "month",
    "calendar month": "month",
    "week": "week",
    "day": "day",
    "days": "day",
    "date": "day",
    "day of the week": "weekday",
    "day of week": "weekday",
    "weekday": "weekday",
    "weekdays": "weekday",
    "hours": "hour",
    "weeks": "week",
    "time of day": "hour",
    "calendar year": "year",
    "hour": "hour",
    "hour of the day": "hour",
    "hour of day": "hour",
    "month of the year": "month of year",
}

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

NUMBERS = {
    w: i
    for i, w in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
        ]
    )
}
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
    of in for from among amongst at on within during to across out than
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
