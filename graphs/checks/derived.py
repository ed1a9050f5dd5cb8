"""Which numbers of a text follow from others near them: what two differ by, a share, a total, one for a larger unit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import permutations

from graphs.checks.figures import Figure, counted
from graphs.checks.units import behind, named, shifts, steps

COMPARES = re.compile(
    r"\b(?:\w+er|more|less|other|rest|remain\w*|few|differ\w*|apart|gap|gain\w*|change\w*|swing|missing|without|"
    r"left out|lost|than|between|above|below|beyond|range|spread|span\w*|interquartile|width|wide|margin|drop\w*|"
    r"r[io]se|fell|falls?|f[ae]ll\w*|up|down|points?|mehr|weniger|unterschied|als|más|"
    r"menos|diferencia|plus|moins|écart|différence|più|meno|verschil|fehl\w+)\b",
    re.I,
)
TIMES = re.compile(r"\s?(?:times|-?fold|as (?:many|much|often|likely|large|high|big|long))\b")
ABOUT = re.compile(r"\b(?:about|around|roughly|nearly|some|approximately|circa|etwa|rund|unos|environ)\b", re.I)
_DIVIDES = re.compile(
    r"\b(?:times|fold|factor|ratio|per|each|every|averages?|apiece|a piece|one in|standard deviations?|SDs?|share|"
    r"odds|for every|against|pro|je|jeder?|par|por|cada|chaque)\b|\d[^.]{0,20} an? (?:day|week|month|year|head|\w+)\b",
    re.I,
)
_ADDS = re.compile(
    r"\b(?:together|altogether|combined|in all|in total|total|sum|both|overall|two|three|first|jointly|"
    r"zusammen|insgesamt|ensemble|au total|en total|juntos)\b",
    re.I,
)
_HALVES = re.compile(r"\b(?:half|halves|fair|coin|even|evenly|equal\w*|expect\w*|midpoint|halfway|average)\b", re.I)
_DOUBLES = re.compile(r"\b(?:twice|doubl\w+|both|two|in all|in total|altogether|together|plus or minus)\b|±", re.I)


def follows(figure: Figure, beside: Sequence[Figure], near: Sequence[Figure]) -> bool:
    """Whether a number is what one or two others give: those of its own sentence, or, where a word says how, those
    `near` it. All may be rounded as they are written."""
    times = bool(TIMES.match(figure.after)) or figure.unit in ("x", "×")
    said = _said(figure, times)
    if any(_scaled(figure, a) for a in (*beside, *near)):
        return True
    compared = {"difference", "change"} if COMPARES.search(figure.clause) else set[str]()
    for others, free in ((beside, {"sum", "difference", "ratio", "change"}), (near, compared)):
        allowed = (free & {"ratio", "change"} if times else free) | said
        if any(how in allowed for a, b in permutations(others, 2) for how in _ways(figure, a, b)):
            return True
    several = [f for f in beside if f.share == figure.share]
    total = sum(f.value for f in several), sum(f.half for f in several)
    return "sum" in said and len(several) > 2 and _is(figure, *total)


def _said(figure: Figure, times: bool) -> set[str]:
    """What the words of a number's sentence say that it is."""
    words = (("ratio", _DIVIDES), ("sum", _ADDS))
    return {how for how, pattern in words if pattern.search(figure.clause)} | ({"ratio"} if times else {"part"})


def _scaled(figure: Figure, a: Figure) -> bool:
    """Whether a number is another one in a larger or smaller unit, or its half or double, as its sentence says."""
    rates = [u for u in named(figure.clause) if u.dimension in ("time", "share", "count")]
    told = conversions(figure).union(*map(steps, rates))
    factors = [*told, *(1 / many for many in told)]
    factors += [float(n) for n in counted(figure.clause)]
    factors += [2.0] if _DOUBLES.search(figure.clause) else []
    factors += [0.5] if _HALVES.search(figure.clause) else []
    return any(_is(figure, a.value * f, a.half * f) for f in factors)


def conversions(figure: Figure) -> frozenset[float]:
    """By what a number in another unit is multiplied to be told in this one's.

    What only moves the point may go by any unit that the sentence names; what makes new digits must be written with the
    unit, and be no whole number: minutes told in hours.
    """
    of = behind(figure.unit + figure.after)
    named_here = (u for u in named(figure.clause) if u.dimension not in ("share", "count"))
    direct = steps(of) if of is not None and of.dimension != "count" else frozenset[float]()
    return frozenset(f for u in named_here for f in steps(u) if shifts(f)) | {
        f for f in direct if shifts(f) or not figure.whole
    }


def _ways(figure: Figure, a: Figure, b: Figure) -> Iterator[str]:
    """How a number may come of two others, in their order."""
    if _is(figure, abs(a.value - b.value), a.half + b.half):
        yield "difference"
    if _is(figure, a.value + b.value, a.half + b.half):
        yield "sum"
    part = a.share and not b.share and ABOUT.search(figure.clause)  # 7.4 points of 100,000 readers
    if part and _is(figure, a.value * b.value / 100, a.half * b.value / 100):
        yield "part"
    if a.value <= 0 or b.value <= 0 or a.share != b.share:
        return
    ratio = a.value / b.value
    slack = ratio * (a.half / a.value + b.half / b.value)
    if _is(figure, ratio, slack) or (figure.share and _is(figure, 100 * ratio, 100 * slack)):
        yield "ratio"
    if figure.share and _is(figure, abs(100 * ratio - 100), 100 * slack):
        yield "change"
    base = b.value - a.value  # "79.9 million, 3.5 million (4.6 %) more": of what it was before
    if figure.share and base > 0 and not (a.share or b.share) and COMPARES.search(figure.after):
        growth = a.value / base
        if _is(figure, 100 * growth, 100 * growth * (a.half / a.value + (a.half + b.half) / base)):
            yield "change"


def _is(figure: Figure, value: float, slack: float) -> bool:
    return abs(value - figure.value) <= slack + figure.half
