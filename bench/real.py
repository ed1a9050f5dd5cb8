"""Real tables whose truth is known: what must be found in each, and which headlines would be wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
HEADLINES = 7
"""A report has at most so many headline findings; past them a reader has stopped."""

Finding = dict[str, Any]
RELATIONS = {"correlation", "group_difference", "association", "nonlinear_association", "driver", "ab_effect"}


@dataclass(frozen=True)
class Told:
    """What an analyst said of a table: its findings in their order, and the report as text."""

    findings: Sequence[Finding]
    report: str = ""

    def some(self, kinds: Iterable[str] | str, *columns: str, **also: Any) -> list[Finding]:
        """Findings of these kinds that speak of all these columns; `also` filters by type, direction or params."""
        wanted = {kinds} if isinstance(kinds, str) else set(kinds)
        return [
            f
            for f in self.findings
            if f.get("kind") in wanted
            and set(columns) <= set(f.get("columns") or ())
            and all(f.get(k, (f.get("params") or {}).get(k)) == v for k, v in also.items())
        ]

    def says(self, pattern: str) -> bool:
        """Whether the report or a finding's sentence or caveat matches."""
        texts = [self.report, *(" ".join([str(f.get("text")), *(f.get("caveats") or ())]) for f in self.findings)]
        return any(re.search(pattern, t, re.IGNORECASE) for t in texts)

    @property
    def headlines(self) -> Told:
        ranked = sorted(self.findings, key=lambda f: f.get("rank") or 10**6)
        return Told([f for f in ranked[:HEADLINES] if f.get("type") == "claim"])


Fact = Callable[[Told], Any]


@dataclass(frozen=True)
class Table:
    """A real table: the question put, the roles given, the truths to find, and the headlines that would be wrong."""

    name: str
    file: Path
    question: str
    truths: dict[str, Fact]
    wrong: dict[str, Fact] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)


def _data(name: str) -> Path:
    return ROOT / "bench" / "data" / f"{name}.csv"


def _whole(findings: Iterable[Finding]) -> list[Finding]:
    """Those that speak of the whole table, not of a segment of it."""
    return [f for f in findings if not f.get("segment")]


def _drop_of_1898(told: Told) -> bool:
    for f in told.some("change_point", "volume", type="claim"):
        year = re.match(r"\d{4}", str((f.get("params") or {}).get("at_date", "")))
        size = abs(float((f.get("effect") or {}).get("value") or 0))
        if year and 1896 <= int(year.group()) <= 1900 and 200 <= size <= 300:
            return True
    return False


def _yearly_rise(told: Told) -> bool:
    """+1.3 ppm a year, whatever the step: 52.18 weeks, 12 months, or days."""
    for f in told.some("trend", "co2", type="claim"):
        slope = float((f.get("effect") or {}).get("value") or 0)
        if any(1.2 <= slope * steps <= 1.45 for steps in (1, 12, 52.18, 365.25)):
            return True
    return False


TABLES = (
    Table(
        "penguins",
        ROOT / "examples" / "penguins.csv",
        "Does bill length predict bill depth, and what separates the species?",
        {
            "bill length and depth turn about within species": lambda t: t.some(
                "simpsons_paradox", "bill_length_mm", "bill_depth_mm"
            ),
            "species is what turns it about": lambda t: t.some("simpsons_paradox", "bill_length_mm", "species"),
            "Gentoo have the longest flippers": lambda t: t.some(
                RELATIONS, "flipper_length_mm", "species", type="claim", top="Gentoo"
            ),
            "two birds were not measured": lambda t: t.says(
                r"\b(2|two)\b[^.|]{0,80}(missing|unmeasured|not measured|empty|without)|missing[^.|]{0,60}\b(2|two)\b"
            ),
        },
        {
            "longer bills are shallower": lambda t: _whole(
                t.some(RELATIONS, "bill_length_mm", "bill_depth_mm", direction="-")
            ),
            "the rows' order or a running number matters": lambda t: t.some(RELATIONS, "rowid"),
        },
    ),
    Table(
        "berkeley",
        _data("berkeley"),
        "Were women less likely to be admitted than men?",
        {
            "the gap turns about within departments": lambda t: t.some("simpsons_paradox", "Admit", "Gender"),
            "the department is what turns it about": lambda t: t.some("simpsons_paradox", "Gender", "Dept"),
            "Freq is a weight": lambda t: t.says(r"weight"),
            "admission differs between departments": lambda t: t.some(RELATIONS, "Admit", "Dept", type="claim"),
        },
        {
            "women are less likely to be admitted": lambda t: _whole(t.some(RELATIONS, "Admit", "Gender")),
            "the weight is an outcome": lambda t: t.some(RELATIONS | {"outliers", "distribution_shape"}, "Freq"),
        },
    ),
    Table(
        "stones",
        _data("stones"),
        "Which treatment succeeds more often?",
        {
            "A is better for small and for large stones, B overall": lambda t: t.some(
                "simpsons_paradox", "treatment", "success", "stone_size"
            ),
            "small stones go more often": lambda t: t.some(RELATIONS, "stone_size", "success", type="claim"),
            "large stones got treatment A": lambda t: (
                t.some("association", "treatment", "stone_size")
                or t.says(r"large[^.]{0,80}treatment|treatment[^.]{0,80}large")
            ),
        },
        {
            "B is the better treatment": lambda t: _whole(t.some(RELATIONS, "treatment", "success")),
            "the patient's number matters": lambda t: t.some(RELATIONS, "patient"),
        },
        {"target": "success"},
    ),
    Table(
        "titanic",
        _data("titanic"),
        "What separates those who survived from those who did not?",
        {
            "women survived far more often": lambda t: t.some(RELATIONS, "sex", "survived", type="claim", top="female"),
            "72.7 % against 19.1 %": lambda t: t.says(r"72\.7|0\.727") and t.says(r"19\.1|0\.191"),
            "the first class survived more often": lambda t: t.some(RELATIONS, "pclass", "survived", type="claim"),
            "alive restates survived": lambda t: (
                t.some("target_leakage", "alive") or t.some("redundant_columns", "alive", "survived")
            ),
        },
        {
            "alive drives survival": lambda t: t.some(RELATIONS, "alive"),
            "the passenger's number matters": lambda t: t.some(RELATIONS, "passenger"),
        },
        {"target": "survived"},
    ),
    Table(
        "mtcars",
        _data("mtcars"),
        "Does the transmission (am) change the miles per gallon?",
        {
            "heavier cars go less far": lambda t: t.some(RELATIONS, "wt", "mpg", type="claim", direction="-"),
            "transmission's effect is weight's": lambda t: (
                t.some({"confounding", "simpsons_paradox"}, "am", "mpg")
                or t.says(r"\bam\b[^.]{0,120}(vanish|gone|disappear|no longer|once)[^.]*\bwt\b")
            ),
            "there are 32 cars only": lambda t: (
                t.some("small_sample")
                or t.says(r"(small|only|few)[^.]{0,40}\b32\b|\b32\b (rows|cars)[^.]{0,40}(small|few)")
            ),
        },
        {"the transmission sets the mileage": lambda t: t.some(RELATIONS, "am", "mpg")},
        {"target": "mpg"},
    ),
    Table(
        "nile",
        _data("nile"),
        "Did the flow of the Nile change, and when?",
        {
            "it dropped after 1898, from 1098 to 850": _drop_of_1898,
            "downwards": lambda t: t.some("change_point", "volume", direction="-") or t.says(r"\b850\b|drop|fell"),
        },
        {"it has a season": lambda t: t.some("seasonality", "volume")},
        {"time": "year"},
    ),
    Table(
        "co2",
        _data("co2"),
        "How did CO2 at Mauna Loa change over time?",
        {
            "it rises by 1.3 ppm a year": _yearly_rise,
            "it has a yearly season": lambda t: [
                f
                for f in t.some("seasonality", "co2", type="claim")
                if round(float((f.get("params") or {}).get("period") or 0)) in (12, 52, 53, 365)
            ],
            "it peaks in May": lambda t: t.says(r"\bMay\b"),
            "59 weeks are missing": lambda t: t.says(r"\b59\b"),
        },
        {
            "it falls": lambda t: t.some("trend", "co2", direction="-"),
            "it jumped once": lambda t: t.some("change_point", "co2"),
        },
        {"time": "date"},
    ),
    Table(
        "anscombe",
        _data("anscombe"),
        "How are x and y related in each dataset?",
        {
            "one point makes the line": lambda t: t.some("leverage_point", "x", "y"),
            "one set is a curve": lambda t: (
                t.some("nonlinear_association", "x", "y") or t.says(r"(curve|parabola|curved|quadratic|not a line)")
            ),
        },
        {
            "the sets' means differ": lambda t: t.some("group_difference", "dataset"),
            "the slopes differ": lambda t: t.some("interaction", "dataset"),
        },
    ),
    Table(
        "same_moments",
        _data("same_moments"),
        "How do the datasets differ?",
        {
            "their shapes differ": lambda t: t.some(
                {"distribution_shape", "nonlinear_association", "clusters", "variance_difference"}
            ),
            "the shapes are seen set by set": lambda t: [
                f for f in t.findings if f.get("segment") or "dataset" in (f.get("columns") or ())
            ],
        },
        {
            "the sets' means differ": lambda t: t.some("group_difference", "dataset"),
            "x and y are related throughout": lambda t: _whole(t.some("correlation", "x", "y")),
        },
    ),
)


@dataclass(frozen=True)
class Marks:
    """How a table's report came out: truths found and missed, and headlines that are wrong."""

    table: str
    found: tuple[str, ...]
    missed: tuple[str, ...]
    wrong: tuple[str, ...]


def mark(table: Table, told: Told) -> Marks:
    """Compare what was said with what is known."""
    held = {name: bool(fact(told)) for name, fact in table.truths.items()}
    wrong = tuple(name for name, fact in table.wrong.items() if fact(told.headlines))
    return Marks(table.name, tuple(n for n in held if held[n]), tuple(n for n in held if not held[n]), wrong)


def figures(marks: Sequence[Marks]) -> dict[str, float]:
    """The share of truths found over all tables, and the number of wrong headlines."""
    found, missed = sum(len(m.found) for m in marks), sum(len(m.missed) for m in marks)
    return {
        "real_tables": len(marks),
        "real_truths": found + missed,
        "real_found": found / max(found + missed, 1),
        "real_wrong_headlines": sum(len(m.wrong) for m in marks),
    }
