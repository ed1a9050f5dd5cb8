"""Other words for the words of a column: kin, the two sexes, acronyms, and amounts that are made of two columns."""

from __future__ import annotations

from collections.abc import Mapping

SAME: Mapping[str, tuple[str, ...]] = {
    "female": ("female", "f", "woman", "women", "w", "girl"),
    "male": ("male", "m", "man", "men", "boy"),
}
"""What the two sexes are written as in a table."""
SEXES: Mapping[str, str] = {
    **{w: "female" for w in ["female", "females", "woman", "women", "girl", "girls", "lady", "ladies"]},
    **{w: "male" for w in ["male", "males", "man", "men", "boy", "boys", "gentleman", "gentlemen"]},
}

NATIONS: Mapping[str, tuple[str, ...]] = {
    "german": ("germany", "deutschland", "de"),
    "french": ("france", "fr"),
    "italian": ("italy", "it"),
    "spanish": ("spain", "es"),
    "portuguese": ("portugal", "pt"),
    "british": ("uk", "united kingdom", "great britain", "gb"),
    "american": ("usa", "united states", "us"),
    "canadian": ("canada", "ca"),
    "mexican": ("mexico", "mx"),
    "brazilian": ("brazil", "br"),
    "chilean": ("chile", "cl"),
    "chinese": ("china", "cn"),
    "japanese": ("japan", "jp"),
    "indian": ("india", "in"),
    "australian": ("australia", "au"),
    "austrian": ("austria", "at"),
    "swiss": ("switzerland", "ch"),
    "dutch": ("netherlands", "nl"),
    "belgian": ("belgium", "be"),
    "polish": ("poland", "pl"),
    "swedish": ("sweden", "se"),
    "norwegian": ("norway", "no"),
    "danish": ("denmark", "dk"),
    "finnish": ("finland", "fi"),
    "irish": ("ireland", "ie"),
    "greek": ("greece", "gr"),
    "turkish": ("turkey", "tr"),
}
"""What is said of a country, and what the country is written as: its names, and last its code."""

KIN: Mapping[str, tuple[str, ...]] = {
    "weight": ("mass", "wt"),
    "mass": ("weight", "wt"),
    "gender": ("sex", "geschlecht"),
    "sex": ("gender", "geschlecht"),
    "horsepower": ("hp",),
    "displacement": ("disp",),
    "cylinder": ("cyl",),
    "quantity": ("qty", "menge", "anzahl"),
    "amount": ("amt",),
    "department": ("dept",),
    "temperature": ("temp",),
    "survive": ("survived", "survival"),
    "survivor": ("survived",),
    "survival": ("survived",),
    "churn": ("churned",),
    "smoking": ("smoker", "smokes"),
    "smoke": ("smoker", "smokes"),
    "smoker": ("smokes", "smoking"),
    "wage": ("salary", "gehalt", "lohn"),
    "salary": ("wage", "gehalt", "lohn"),
    "pay": ("salary", "wage"),
    "earn": ("salary", "income"),
    "earning": ("salary", "income"),
    "cost": ("price",),
    "costs": ("price",),
    "weigh": ("weight", "mass", "wt"),
    "old": ("age", "alter"),
    "heavy": ("weight", "mass"),
    "tall": ("height",),
    "client": ("customer",),
    "turnover": ("revenue", "umsatz"),
    "sale": ("sales",),
    "kilometre": ("km",),
    "mpg": ("mileage",),
    "class": ("pclass",),
    "country": ("nation", "land"),
    "town": ("city",),
    "city": ("town", "ort", "stadt", "wohnort"),
    "price": ("preis",),
    "revenue": ("sales", "turnover", "umsatz", "erlös"),
    "name": ("namen",),
    "date": ("datum",),
    "region": ("gebiet",),
    "month": ("monat",),
    "profit": ("gewinn",),
    "absence": ("fehltage",),
    "grade": ("note",),
    "score": ("rating", "points", "grade"),
    "mark": ("note", "grade", "score"),
    "math": ("mathe", "maths"),
    "maths": ("mathe", "math"),
    "german": ("deutsch",),
    "aged": ("age", "alter"),
    "age": ("alter",),
    "long": ("length", "duration", "runtime", "länge", "dauer"),
    "far": ("distance",),
    "mileage": ("mpg",),
    "fast": ("speed",),
    "money": ("revenue", "sales", "turnover", "income", "amount", "umsatz"),
    "spend": ("spending", "spent", "expenditure", "amount"),
    "trip": ("journey", "ride"),
    "student": ("pupil", "schueler", "schüler"),
    "pupil": ("student", "schueler", "schüler"),
    "population": ("pop",),
    "conversion": ("converted",),
    "absent": ("absences", "fehltage"),
    "death": ("died", "dead", "deceased"),
    "mortality": ("died", "dead", "deceased"),
    "default": ("defaulted",),
    "units": ("quantity", "qty"),
    "unit": ("quantity", "qty"),
    "paid": ("fare", "price", "amount"),
    "sold for": ("price",),
    "go for": ("price",),
    "lasted": ("duration", "runtime", "length"),
    "directed": ("director",),
    "direct": ("director",),
}
"""A word of the question that may stand for a column's word, where no column has the word itself."""

ROW_KIN: tuple[frozenset[str], ...] = (
    frozenset(("home", "house", "haus")),
    frozenset(("film", "movie")),
    frozenset(("car", "vehicle", "automobile")),
    frozenset(("employee", "worker", "mitarbeiter")),
    frozenset(("pupil", "student", "schueler", "schüler")),
    frozenset(("apartment", "flat")),
    frozenset(("loan", "borrow")),
)
"""Nouns of which one may name what the other names in a file's name; a verb among them is what is done to a row."""

DOING = frozenset(
    ("paid", "spend", "earn", "cost", "costs", "weigh", "old", "heavy", "tall", "aged", "long", "far", "fast")
)
"""Kin that say what is done or how something is, and name nothing that can be counted."""

ACRONYMS: Mapping[str, str] = {"miles per gallon": "mpg", "gross domestic product": "gdp", "body mass index": "bmi"}

MADE: Mapping[str, tuple[tuple[tuple[str, ...], str, tuple[str, ...]], ...]] = {
    "margin": ((("profit", "gewinn"), "divided by", ("revenue", "sales", "turnover", "income", "umsatz")),),
    "profit": ((("revenue", "sales", "turnover", "income", "umsatz"), "minus", ("cost", "costs", "kosten")),),
}
"""An amount that a table may hold only as two columns: words of the first, what is done, words of the second."""
