"""The units that numbers are told in: one table, of which every pattern of units and every conversion is made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache


@dataclass(frozen=True)
class Unit:
    """A unit by what it measures and how many of that dimension's first unit it holds."""

    dimension: str
    size: float


_PREFIXES = {
    "n": (1e-9, "nano"), "µ": (1e-6, "mi[ck]ro"), "μ": (1e-6, "mi[ck]ro"), "m": (1e-3, "mill?i"),
    "c": (1e-2, "[cz]enti"), "h": (1e2, "he[ck]to"), "k": (1e3, "(?:[kc]h?ilo|quilo)"), "M": (1e6, "m[eé]ga"),
    "G": (1e9, "giga"), "T": (1e12, "t[eé]ra"),
}  # fmt: skip
_TABLE = r"""
time      | 1e-6       | µs μs us    | mi[ck]rose[cgk]\w+
time      | 1e-3       | ms          | mill?ise[cgk]\w+
time      | 1          | s sec secs  | se[ck]onde?[sn]?|segundos?|second[oi]
time      | 60         | min mins    | minute[sn]?|minut[oi]s?
time      | 3600       | h hr hrs    | hours?|hourly|stunden?|stündlich\w*|heures?|horas?|uren|uur
time      | 86400      | d           | days?|daily|tage?[ns]?|täglich\w*|jour(?:s|nali\w+)?|d[ií]as?|diari\w+
time      | 86400      |             | giorn[oi]|dagen?
time      | 604800     | wk wks      | week(?:s|ly)?|wochen?|wöchentlich\w*|semaines?|seman(?:as?|al\w*)|settiman\w+
time      | 604800     |             | weken
time      | 2629800    | mo          | month(?:s|ly)?|monat\w*|mois|mensu\w+|mes(?:es|[ei])?|mensil\w+|maand\w*
time      | 7889400    |             | quarterly|quartal\w*|trimestr\w+
time      | 31557600   | yr yrs      | years?|yearly|ann(?:u\w+|[oi]|ées?)|jahre?[ns]?|jährlich\w*|ans|(?<=par )an
time      | 31557600   |             | años?|anual\w*|jaar|jaren
area      | 1          | m² m2 sqm   | (?:square|quadrat|vierkante) ?met(?:er|re)s?|mètres? carrés?
area      | 1          |             | metros? cuadrados?
area      | 1e4        | ha          | hectares?|hektar\w*|hectáreas?|ettar[io]
area      | 1e6        | km² km2     | (?:square|quadrat|vierkante) ?kilomet(?:er|re)s?
area      | 4046.86    |             | acres?
volume    | 1          | l L ; mµμ   | lit(?:er|re)[sn]?|litr[io]s?
volume    | 1e3        | m³ m3       | (?:cubic |kubik)met(?:er|re)s?|mètres? cubes?|metros? cúbicos?
volume    | 3.78541    | gal         | gallons?
speed     | 1          | m/s         | met(?:er|re)s? (?:per|a|pro) se[ck]onde?
speed     | 1/3.6      | km/h kmh kph | kilomet(?:er|re)s? (?:per|an|pro|par) (?:hour|stunde|heure)
speed     | 0.44704    | mph         | miles? (?:per|an) hour
length    | 1          | m ; nµμmck  | met(?:er|re)[sn]?|mètres?|metr[io]s?
length    | 0.0254     | inch        | inch(?:es)?|zoll|pouces?|pulgadas?
length    | 0.3048     | ft          | feet|foot
length    | 0.9144     | yd yds      | yards?
length    | 1609.344   | mi          | miles?|meilen?|millas?|miglia
mass      | 1          | g ; nµμmk   | gramm?e?[sn]?|gramm?[aio]s?
mass      | 1e6        | t ; kM      | tonn?e[sn]?|tons?|toneladas?|tonnellat[ae]
mass      | 28.3495    | oz          | ounces?
mass      | 453.592    | lb lbs      | pounds?(?! sterling)
degrees   | 1          | °C          | celsius
degrees   | 0.555556   | °F          | fahrenheit
energy    | 1          | Wh ; kMGT   | watt[ -]?(?:hours?|stunden?)|wattheures?
energy    | 1/3600     | J ; kMG     | joules?
energy    | 4.184/3600 | cal ; k     | [ck]alor(?:ies?|ien|[ií]as?)
power     | 1          | W ; mkMGT   | watts?|vatios?
pressure  | 1          | Pa ; hkM    | pascals?
pressure  | 1e5        | bar ; m     |
frequency | 1          | Hz ; kMG    | hertz
data      | 1          | B ; kMGT    | bytes?
data      | 1024       | KB KiB      | kibibytes?
data      | 1048576    | MiB         | mebibytes?
data      | 1073741824 | GiB         | gibibytes?
share     | 1e-2       | %           | per ?cent|prozent|pour cent|por ?ciento|por ?cento|procent
share     | 1e-3       | ‰           | per mill?e?|promille|pour mille|por mil
share     | 1e-4       | bp bps      | basis points?|basispunkte?n?|puntos básicos|points? de base
count     | 1e12       | tn          | trillions?|billionen|billones
count     | 1e9        | bn          | billions?|mrd|milliarden?|milliards?|mil millones|miliard[oi]|miljard|bilhão
count     | 1e9        |             | bilhões
count     | 1e6        | M mn        | millions?|mio|millionen|mill[oó]n(?:es)?|milion[ei]|miljoen|milhão|milhões
count     | 1e3        | k K         | thousands?|tausend|tsd|mil|mille|mila|duizend
count     | 100        |             | hundreds?|hundert|cent|cien|ciento|cento|honderd
count     | 12         |             | dozens?|dutzend|douzaines?|docenas?|dozzin[ae]|dozijn
count     | 10         |             | tens?|zehn|dix|diez|dieci|tien
"""
"""Dimension, size, signs (with the prefixes that they take) and names of each, in the languages of reports."""
_FAR = 3600
"""How many times as large as another a unit may be for one number to be told in either: hours in seconds."""


def _rows() -> Iterator[tuple[Unit, str, list[str], str]]:
    """Each unit with its prefix's name, its signs, and the pattern of its names."""
    for line in _TABLE.strip().splitlines():
        dimension, of, written, names = (part.strip() for part in line.split("|", 3))
        over, _, under = of.partition("/")
        size = float(over) / float(under or 1)
        signs, _, prefixes = (part.strip() for part in written.partition(";"))
        yield Unit(dimension, size), "", signs.split(), names
        for prefix in prefixes:
            many, name = _PREFIXES[prefix]
            yield Unit(dimension, many * size), name, [prefix + sign for sign in signs.split()], names


_ROWS = list(_rows())
_BY_SIGN = {sign: unit for unit, _, signs, _ in _ROWS for sign in signs}
_NAMED = [(unit, rf"{prefix}(?:{names})") for unit, prefix, _, names in _ROWS if names]
_NAMES = re.compile(rf"\b(?:{'|'.join(f'(?P<u{i}>{names})' for i, (_, names) in enumerate(_NAMED))})(?!\w)", re.I)
SIGNS = "|".join(re.escape(s) for s in sorted(_BY_SIGN, key=len, reverse=True) if s not in "%‰")
"""A pattern of what may stand against a number; what parts of a hundred are written with may stand apart from it."""
_SIGN = re.compile(rf"\s?(?P<sign>{SIGNS}|%|‰)(?!\w)")
_BEHIND_NUMBER = re.compile(rf"\d{_SIGN.pattern}")
_TEN = re.compile(r"(?<![\w.,])1(?:0{1,2}|[, \u00a0]?000)(?!\w|[.,]\d)")
_SCALES = [(unit, names) for unit, names in _NAMED if unit.dimension == "count" and unit.size >= 1000]
_SCALE = re.compile(rf"\s?(?:{'|'.join(f'(?P<s{i}>{names})' for i, (_, names) in enumerate(_SCALES))})\b", re.I)
PERCENT = rf"(?:%|\\%|(?:{'|'.join(n for u, n in _NAMED if u == Unit('share', 0.01))})\b)"
POINTS = (
    rf"(?:percentage points|points of a (?:{PERCENT})|pp\b|prozentpunkte?n?|points? de pourcentage|"
    r"puntos porcentuales|punti percentuali|procentpunt\w*)"
)
_OUT_OF = r"(?:in|of|out of|per|for every|je|auf|sur|por cada|su|op)"
_ROUND = r"1(?:[,. \u00a0\u202f']?0{3}){1,2}|10{2}|10{1,2}[,. \u00a0\u202f']?0{3}|thousand|hundred|million"
_PER_MANY = re.compile(rf"\s?{_OUT_OF} (?:a |every |each )?(?P<many>{_ROUND})(?!\w|[,.]\d)")
BEFORE_BASE = re.compile(rf"\d\s(?:\w+ ){{0,3}}{_OUT_OF}\s$")
"""What stands before the number that a rate is told of: 206 in 1,000."""


def scale(sign: str, after: str) -> float:
    """What a number is to be multiplied by, by the sign against it or the word behind it: 27.2 thousand."""
    if (match := _SCALE.match(after)) is not None and match.lastgroup is not None:
        return _SCALES[int(match.lastgroup[1:])][0].size
    unit = _BY_SIGN.get(sign)
    return unit.size if unit is not None and unit.dimension == "count" else 1.0


def behind(text: str) -> Unit | None:
    """The unit with which a text begins, as it goes on behind a number."""
    if (match := _SIGN.match(text)) is not None:
        return _BY_SIGN[match["sign"]]
    match = _NAMES.match(text, text[:1].isspace())
    return _of(match) if match is not None else None


@lru_cache(maxsize=256)
def named(text: str) -> frozenset[Unit]:
    """The units that a text names: by a word anywhere, by a sign behind a number; round counts in digits, too."""
    tens = (Unit("count", float(re.sub(r"\D", "", m.group()))) for m in _TEN.finditer(text))
    signs = (_BY_SIGN[m["sign"]] for m in _BEHIND_NUMBER.finditer(text))
    return frozenset([*tens, *signs, *map(_of, _NAMES.finditer(text))])


def _of(match: re.Match[str]) -> Unit:
    assert match.lastgroup is not None
    return _NAMED[int(match.lastgroup[1:])][0]


@cache
def steps(unit: Unit) -> frozenset[float]:
    """By what numbers in other units must be multiplied to be told in this one: 60 and 24 for minutes and days in
    hours. Shares and counts are told of the whole and of one."""
    if unit.dimension in ("share", "count"):
        return frozenset([1 / unit.size])
    found = {u.size / unit.size for u, *_ in _ROWS if u.dimension == unit.dimension and u != unit}
    if unit.dimension == "time":  # 52 weeks a year
        found |= {float(round(f)) for f in found if f > 2} | {1 / round(1 / f) for f in found if f < 0.5}
    return frozenset(f for f in found if 1 / _FAR <= f <= _FAR)


def shifts(factor: float) -> bool:
    """Whether a conversion only moves the point, so that a number keeps its digits."""
    return f"{factor:.6e}".startswith("1.000000")


def per_many(after: str) -> float | None:
    """Of how many a share is told, by what stands behind it: 1000 of "in 1,000"."""
    match = _PER_MANY.match(after)
    if match is None:
        return None
    words = {"hundred": 100.0, "thousand": 1e3, "million": 1e6}
    return words.get(match["many"]) or float(re.sub(r"\D", "", match["many"]))
