"""What a column's name says: words, and the unit that it ends in. Pure Python, for whoever has no pandas."""

import re
from collections.abc import Iterable

UNITS = re.compile(
    r"mm|[ck]?m[23²³]?|ha|m?g|kg|lb|m?s|min|hr?|k?(usd|eur|gbp|chf)|pct|percent|[cfk]|ppm|db|k?wh?|kmh|mph|hpa|m?l",
    re.I,
)
_NO_TIME = re.compile(
    r"temp(erature)?|pressure|humidity|(wind)?speed|wind|prices?|cost|salary|wage|pay|income|score|rating|rate|weight"
    r"|height|depth|level|value|voltage|power",
    re.I,
)
"""Quantities that have a minimum and last no minutes."""
WRITTEN = {"pct": "%", "percent": "%", "c": "°C", "f": "°F", "db": "dB", "kwh": "kWh", "kmh": "km/h", "hpa": "hPa"}
WRITTEN |= {f"{size}m{power}": f"{size}m{'²³'[power - 2]}" for size in ("", "c", "k") for power in (2, 3)}
WRITTEN |= {f"{k}{money}": f"{k}{money.upper()}" for money in ("usd", "eur", "gbp", "chf") for k in ("", "k")}

_WHO = (
    "(user|customer|cust|client|order|product|item|patient|person|member|account|session|case|record|sample|subject|"
    "employee|student|child|family|household|school|hospital|store|shop|device|invoice|transaction|visitor|passenger|"
    "player|team)"
)
WHO_NAME = re.compile(_WHO, re.I)
"""A name of somebody or something, whose whole numbers are no amounts."""
PERSON_NAME = re.compile(
    "subject|patient|person|member|participant|respondent|customer|client|employee|student|player", re.I
)
"""A name of somebody, whose whole numbers are a row's or several rows' own."""
ID_NAME = re.compile(
    r"(^|[_\s.])(id|uuid|guid|key|index|row|rownames?|record|serial)$|(?-i:[a-z]I[dD]$)|"
    rf"^{_WHO}id$|"  # not paid, or grid
    r"[^\W\d]\s*#$|[^\W\d][\s_.-]+(no\.?|nr\.?)$",  # Patient #, Bestell-Nr.; but # of patients
    re.I,
)
ROW_NAME = re.compile(rf"{ID_NAME.pattern}|^(obs|no|nr|num|number|case|line|entry|item|column_1|unnamed: 0)$", re.I)


CARRIED: dict[str, str] = {}
"""The currencies that columns of the loaded tables carry in their values, by the names of the columns."""


def name_and_unit(column: str) -> tuple[str, str]:
    """A column's name in words, and the unit that it ends in, or the currency of its values: `bill_length_mm` → bill
    length, mm."""
    parts = [p for p in str(column).split("_") if p]
    unit = parts[-1] if len(parts) > 1 and UNITS.fullmatch(parts[-1]) else ""
    if parts[-2:-1] == ["per"]:  # a price per kg is not in kg
        unit = ""
    if unit.lower() == "min" and _NO_TIME.fullmatch(parts[-2]):  # temp_min is a minimum
        unit = ""
    if unit.lower() in ("c", "f") and not re.search("temp|air|sea|dew|heat", str(column), re.I):  # vitamin_c is none
        unit = ""
    words = " ".join(parts[:-1] if unit else parts) or str(column)
    return words, WRITTEN.get(unit.lower(), unit) or CARRIED.get(str(column), "")


def readable(text: str, columns: Iterable[object]) -> str:
    """A text with the columns in it as a reader says them: mean of bill_length_mm → mean of bill length."""
    for name in sorted((str(c) for c in columns if "_" in str(c)), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", name_and_unit(name)[0].replace("\\", r"\\"), text)
    return text
