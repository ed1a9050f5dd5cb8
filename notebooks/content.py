"""What a report says, in the order in which a reader should meet it: the same for Markdown and for HTML."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

from artifacts.events import Reviewed, RunView
from artifacts.types import Effect, Execution, Finding

HEADLINES = 7
"""Findings that a reader meets at once; the others are a table further down."""

CONTEXT = ("grain", "weights", "all_rows", "missing_values")
"""Kinds of descriptions that a reader meets before the findings, in this order."""

_METRICS = {
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
_VERDICTS = {
    "pass": "Passed review",
    "pass_with_remarks": "Passed review, with remarks",
    "fail": "Did not pass review",
}
_UNREVIEWED = {
    "analysis": "Not reviewed",
    "notebook": "A notebook’s own findings: nobody reviewed them",
    "reproduce": "Made again from a run’s notebook",
}
_ENDINGS = {
    "queued": "This run has not begun.",
    "running": "",  # a report is written as the last thing before the end
    "waiting": "This run waits for a person.",
    "cancelled": "This run was cancelled before its end.",
    "interrupted": "This run was interrupted before its end.",
    "failed": "This run failed before its end.",
    "done": "",
}


@dataclass(frozen=True)
class Table:
    """An input file: its name and digest, and its size where a cell has measured it."""

    file: str
    sha256: str
    rows: int | None
    columns: int | None


@dataclass(frozen=True)
class Content:
    """A run, told. `ending` is empty for a run that is done; there are at most seven `headlines`.

    `context` says what one row of the table is and what it lacks, which is to be known before any finding; `bites` are
    the ranked warnings that need no chart: what was wrong with the table, and what was done about it.
    """

    title: str
    answer: str
    analyst: str
    verdict: str
    review: Reviewed | None
    rounds: int
    context: tuple[Finding, ...]
    bites: tuple[Finding, ...]
    headlines: tuple[Finding, ...]
    others: tuple[Finding, ...]
    not_found: tuple[str, ...]
    not_checked: tuple[str, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...]
    ending: str


def content(view: RunView) -> Content:
    """What there is to say of a run as far as it has come."""
    ranked = view.ranked
    spoken = [f for f in ranked if f.rank is not None] if view.report is not None else []
    absent = [f for f in ranked if f.rank is None and f.type == "null"]
    if view.report is None:
        spoken = [f for f in ranked if f.type != "null"]
    bites = tuple(f for f in spoken if is_bite(f))
    headlines = tuple(f for f in spoken if f not in bites)[:HEADLINES]
    context = tuple(f for kind in CONTEXT for f in ranked if f.kind == kind and f.rank is None)
    shown = {f.id for f in (*bites, *headlines, *context)}
    review = view.reviews[-1] if view.reviews else None
    told = view.report.not_found if view.report else ()
    # A report that says itself what was not found has had these findings before it.
    not_found = told or tuple(f.text for f in absent)
    not_checked = view.report.not_checked if view.report else ()
    said = {*not_found, *not_checked}
    return Content(
        title=view.run.goal,
        answer=view.report.answer if view.report else "",
        analyst=_analyst(view),
        verdict=_VERDICTS[review.verdict] if review else _UNREVIEWED[view.run.agent],
        review=review,
        rounds=len(view.reviews),
        context=context,
        bites=bites,
        headlines=headlines,
        others=tuple(f for f in ranked if f.id not in shown and f not in absent and f.text not in said),
        not_found=not_found,
        not_checked=not_checked,
        tables=tables(view),
        notes=tuple(dict.fromkeys(n.text for n in view.notes if n.level == "warning")),
        ending=" ".join(filter(None, (_ENDINGS[view.run.status], view.error or ""))),
    )


def _analyst(view: RunView) -> str:
    """Who speaks, as a label: `rule-based analyst playbook/1.0`, `analyst gpt-5`, `notebook`."""
    if view.run.agent != "analysis":
        return "notebook"
    name = view.replies[-1].model if view.replies else view.run.model
    by_rule = bool(view.replies) and all(r.rule_based for r in view.replies)
    return f"rule-based analyst {name}" if by_rule else f"analyst {name}"


def tables(view: RunView) -> tuple[Table, ...]:
    """The run's input files. Rows and columns come from the cell that described them, where one did."""
    sizes: dict[str, tuple[int, int]] = {}
    for execution in view.executions:
        for fact in _described(execution):
            sizes[str(fact["name"])] = (int(fact["rows"]), len(fact["columns"]))
    found = []
    for artifact in view.artifacts:
        if artifact.role == "input":
            rows, columns = sizes.get(artifact.name, (None, None))
            found.append(Table(artifact.name, artifact.sha256, rows, columns))
    return tuple(found)


def _described(execution: Execution) -> list[dict[str, Any]]:
    printed = "".join(o.text for o in execution.outputs if o.kind == "stdout").strip()
    if not printed.startswith('{"files":'):
        return []
    try:
        files = json.loads(printed)["files"]
        return [f for f in files if isinstance(f["columns"], list) and str(f["rows"]).isdigit()]
    except (ValueError, KeyError, TypeError):
        return []


def kind(finding: Finding) -> str:
    """What sort of finding this is, in words: `Simpson’s paradox`, `Group difference`."""
    words = finding.kind.replace("_", " ").capitalize()
    return words.replace("Simpsons", "Simpson’s").replace("Ab effect", "A/B effect")


def number(value: float | None) -> str:
    """A number for reading: three significant digits, a true minus sign, thousands apart."""
    if value is None:
        return "–"
    if value == int(value) and abs(value) < 1e15:
        text = f"{int(value):,}"
    elif 1e-3 <= abs(value) < 1e3:
        text = f"{value:#.3g}".rstrip(".")
    elif abs(value) < 1e-3:
        text = f"{value:.1e}"
    else:
        text = f"{value:,.0f}"
    return text.replace("-", "−")


def is_bite(finding: Finding) -> bool:
    """Whether a finding warns of the table itself, in a sentence that needs no chart."""
    return finding.type == "warning" and finding.evidence.artifact is None


def effect(value: Effect | None, kind: str = "") -> str:
    """An effect with its interval, all with as many decimals: `r = −0.235 (95 % CI −0.327 to −0.133)`."""
    if value is None or value.value is None:
        return ""
    if value.metric in _COUNTED:
        return _COUNTED[value.metric].format(number(value.value))
    name = effect_name(value, kind) or _METRICS.get(value.metric, value.metric)
    low, high = value.ci or (None, None)
    if low is None or high is None or low == high:
        return f"{name} = {number(value.value)}"
    numbers = (value.value, low, high)
    most = max(map(abs, numbers))
    decimals = 0 if most >= 1e3 else 2 - math.floor(math.log10(most)) if most else 0
    decimals = min(max(decimals, 0), 3 if most >= 0.01 else 12)
    point, least, greatest = (f"{v:,.{decimals}f}".replace("-", "−") for v in numbers)
    return f"{name} = {point} ({number(value.ci_level * 100)} % CI {least} to {greatest})"


def size(finding: Finding) -> str:
    """A finding's effect, unless its sentence tells it: a count, or the sizes of all that are ranked."""
    return effect(in_points(finding), finding.kind) if tells_size(finding) else ""


def in_points(finding: Finding) -> Effect | None:
    """A finding's effect in the unit of its sentence: a difference of shares is told in percentage points there."""
    found = finding.effect
    if found is None or found.value is None or found.metric != "mean_diff" or _POINTS not in finding.text:
        return found
    points = 100 * found.value
    written = [_value(w) for w in re.findall(_NUMBER, finding.text)]
    if not any(abs(abs(points) - abs(value)) <= 0.51 * 10**-places for value, places in written):
        return found  # the points that the sentence speaks of are others
    low, high = found.ci or (None, None)
    ends = (100 * low, 100 * high) if low is not None and high is not None else None
    return Effect(metric=_POINTS, value=points, ci=ends, ci_level=found.ci_level)


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


def set_apart(html: str) -> str:
    """An answer's HTML, in which the paragraph on a question that has no answer does not look like one."""
    return re.sub(r"<p>(Not answered:)", r'<p class="refused"><strong>\1</strong>', html)


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
