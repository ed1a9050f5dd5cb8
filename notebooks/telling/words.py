"""Words, numbers and units as every surface tells them."""

from __future__ import annotations

import math
import re

from artifacts.types import Effect, Finding

METRICS = {
    "pearson_r": "r",
    "spearman_r": "ρ",
    "r2": "R²",
    "cohens_d": "d",
    "mean_diff": "mean difference",
    "eta2": "η²",
    "cramers_v": "Cramér’s V",
    "auc": "AUC",
    "sd_ratio": "SD ratio",
    "lift_rel": "relative lift",
    "odds_ratio_per_sd": "odds ratio per SD",
    "hazard_ratio": "hazard ratio",
    "slope_per_step": "slope per step",
    "mean_shift": "mean shift",
    "std_beta": "standardised slope",
    "mean_absolute_error": "mean absolute error",
    "anderson_darling": "Anderson–Darling A²",
    "percentage points": "difference in percentage points",
}
_COUNTED = {"period": "period: {} steps", "lag": "delay: {} steps", "k": "{} groups"}
_OF_KIND = {
    ("simpsons_paradox", "pearson_r"): "pooled r",
    ("simpsons_paradox", "mean_diff"): "pooled difference",
    ("simpsons_paradox", "percentage points"): "pooled difference in percentage points",
    ("spurious_trend_correlation", "pearson_r"): "r of the changes",
    ("confounding", "pearson_r"): "partial r",
    ("distribution_shape", "mean_diff"): "distance of the humps",
    ("answer", "mean_diff"): "difference",
}
"""Names of effects that say more than the metric alone."""


def kind(finding: Finding) -> str:
    """What sort of finding this is, in words: `Simpson’s paradox`, `Group difference`."""
    # A "driver" is related to the outcome that was asked for; only an experiment (`ab_effect`) shows a cause.
    words = {"driver": "association"}.get(finding.kind, finding.kind).replace("_", " ").capitalize()
    return words.replace("Simpsons", "Simpson’s").replace("Ab effect", "A/B effect")


def number(value: float | None, digits: int = 3) -> str:
    """A number for reading: so many significant digits, a true minus sign, thousands apart."""
    if value is None:
        return "–"
    if value == int(value) and abs(value) < 1e15:
        text = f"{int(value):,}"
    elif 1e-3 <= abs(value) < 1e3:
        text = f"{value:#.{digits}g}".rstrip(".")
    elif abs(value) < 1e-3:
        text = f"{value:.1e}"
    else:
        text = f"{value:,.0f}"
    return text.replace("-", "−")


def effect(value: Effect | None, kind: str = "", unit: str = "") -> str:
    """An effect with its interval, all with as many decimals: `r = −0.235 (95 % CI −0.327 to −0.133)`."""
    if value is None or value.value is None:
        return ""
    if value.metric in _COUNTED:
        return _COUNTED[value.metric].format(number(value.value))
    name = effect_name(value, kind) or METRICS.get(value.metric, value.metric)
    written = f" {unit}" if unit else ""
    low, high = value.ci or (None, None)
    if low is None or high is None or low == high:
        return f"{name} = {number(value.value)}{written}"
    numbers = (value.value, low, high)
    most = max(map(abs, numbers))
    decimals = 0 if most >= 1e3 else 2 - math.floor(math.log10(most)) if most else 0
    decimals = min(max(decimals, 0), 3 if most >= 0.01 else 12)
    point, least, greatest = (f"{v:,.{decimals}f}".replace("-", "−") for v in numbers)
    return f"{name} = {point}{written} ({number(value.ci_level * 100)} % CI {least} to {greatest})"


def size(finding: Finding) -> str:
    """A finding's effect, unless its sentence tells it: a count, or the sizes of all that are ranked."""
    return effect(read_effect(finding), finding.kind, unit_of(finding)) if tells_size(finding) else ""


def read_effect(finding: Finding) -> Effect | None:
    """A finding's effect as a person reads it: a difference of shares in percentage points."""
    found = finding.effect
    if found is None or found.value is None or finding.unit != "pp":
        return found
    low, high = found.ci or (None, None)
    ends = (100 * low, 100 * high) if low is not None and high is not None else None
    return Effect(metric=_POINTS, value=100 * found.value, ci=ends, ci_level=found.ci_level)


def unit_of(finding: Finding) -> str:
    """The unit that is written behind an effect; of percentage points the name of the effect says it."""
    return "" if finding.unit == "pp" else finding.unit


def tells_size(finding: Finding) -> bool:
    """Whether a finding's effect is worth a line of its own: not so a count, nor the first of many that are ranked."""
    return finding.effect is not None and finding.effect.metric != "count" and finding.kind != "ranking"


def effect_name(value: Effect, kind: str) -> str:
    """What an effect is called in a finding of this kind; empty where its metric says enough."""
    return _OF_KIND.get((kind, value.metric), "")


def headline(finding: Finding) -> str:
    """A finding's sentence without the numbers that stand below it: its effect, its interval and its n.

    The sentence is left as it is where its numbers are others, or where nothing stands below it.
    """
    found = finding.effect
    if not size(finding) or found is None or found.value is None or found.ci is None:
        return finding.text
    numbers = [found.value, *(end for end in found.ci if end is not None)]

    def is_one(written: str) -> bool:
        value, places = _value(written)
        return any(abs(abs(n) * k - abs(value)) <= 0.51 * 10**-places for n in numbers for k in (1, 100))

    def shorter(match: re.Match[str]) -> str:
        parts = match[1].split(", ")
        ends = _ENDS.search(match[1])
        if ends is None or not all(map(is_one, ends.groups())):
            return match[0]
        rest = [
            p for p in parts if not (p.startswith(("95 % CI", "n = ")) or ((m := _SIZE.fullmatch(p)) and is_one(m[1])))
        ]
        return f" ({', '.join(rest)})" if rest else ""

    text = _BRACKET.sub(shorter, finding.text)
    return _TAIL.sub(".", text) if text != finding.text else text


def tied(text: str) -> str:
    """The text with what belongs together kept on one line: `r = −0.24`, `95 %`, `n = 342`, `24.5 °C`, `12 EUR`."""
    return re.sub(r" (?=[=%<]|CI )|(?<=[=<]) (?=\S)|(?<=\d) (?=(?:[°µ€$£]|[A-Z]{3}\b|[kmc]?[gmW]\b))", "\u00a0", text)


def _value(written: str) -> tuple[float, int]:
    """A number as a sentence has it, and to how many decimals."""
    return float(written.replace(",", "").replace("−", "-")), len(written.partition(".")[2])


_POINTS = "percentage points"
_NUMBER = r"[+−-]?\d[\d,]*(?:\.\d+)?"
_BRACKET = re.compile(r" \(([^()]*95 % CI [^()]*)\)")
_ENDS = re.compile(rf"95 % CI ({_NUMBER})(?: %)? to ({_NUMBER})")
_SIZE = re.compile(rf"[^=]{{1,40}} = ({_NUMBER})")
_TAIL = re.compile(rf": [^:;,.=]{{1,20}} = {_NUMBER}\.$")


def evidence(finding: Finding) -> str:
    """The numbers behind a finding after its effect: `q = 0.002, one of 91 tests, n = 342`."""
    parts = []
    if (test := finding.test) is not None:
        within = "within groups " if test.name.endswith("_within") else ""
        if test.q is not None:
            parts.append(within + probability("q", test.q))
        elif test.p is not None:
            parts.append(within + probability("p", test.p))
        if test.m is not None and test.m > 1:
            parts.append(f"one of {test.m} tests")
    if finding.n is not None:
        parts.append(f"n = {number(finding.n)}")
    return ", ".join(parts)


def probability(name: str, value: float) -> str:
    """A p-value for reading; below one in ten thousand only that is said."""
    return f"{name} < 0.0001" if value < 1e-4 else f"{name} = {value:.2g}"
