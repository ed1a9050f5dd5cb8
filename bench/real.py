"""Real tables whose truth is known, as `real.yaml` tells it, and how a report on one of them is marked."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
HEADLINES = 7
"""A report has at most so many headline findings; past them a reader has stopped."""

Finding = Mapping[str, Any]
KINDS = {
    "relation": {"correlation", "group_difference", "association", "nonlinear_association", "driver", "ab_effect"},
    "shape": {"distribution_shape", "clusters", "variance_difference", "outliers"},
}
_LABELS = {"iris": "species", "wine": "cultivar", "breast_cancer": "diagnosis"}
_STEPS_A_YEAR = (1, 12, 52.18, 365.25)


@dataclass(frozen=True)
class Told:
    """What an analyst said of a table: its findings in their order, and the report as text."""

    findings: Sequence[Finding]
    report: str = ""

    def says(self, pattern: str) -> bool:
        """Whether the report or a finding's sentence or caveat matches."""
        texts = [self.report, *(" ".join([str(f.get("text")), *(f.get("caveats") or ())]) for f in self.findings)]
        return any(re.search(pattern, t, re.IGNORECASE) for t in texts)

    @property
    def headlines(self) -> Told:
        ranked = sorted(self.findings, key=lambda f: f.get("rank") or 10**6)
        return Told([f for f in ranked[:HEADLINES] if f.get("type") == "claim"])

    def holds(self, fact: Any) -> bool:
        """Whether a fact of `real.yaml`, or one of several, is among what was said."""
        if isinstance(fact, list):
            return any(self.holds(one) for one in fact)
        if "says" in fact:
            return all(self.says(pattern) for pattern in _several(fact["says"]))
        return any(all(_is(name, must, f, fact) for name, must in fact.items()) for f in self.findings)


def _is(name: str, must: Any, finding: Finding, fact: Mapping[str, Any]) -> bool:
    """Whether a finding has what one field of a fact asks for; see `real.yaml` for what each means."""
    columns, params = set(finding.get("columns") or ()), finding.get("params") or {}
    effect = finding.get("effect") or {}
    value = float(effect.get("value") or 0)
    match name:
        case "kinds":
            return finding.get("kind") in set().union(*(KINDS.get(kind, {kind}) for kind in _several(must)))
        case "columns":
            return set(must) <= columns
        case "of":
            return len(columns & set(must)) >= fact.get("at_least", 1)
        case "at_least":
            return True
        case "whole":
            return bool(finding.get("segment")) is not must
        case "size":
            return _within(abs(value), must)
        case "period":
            return _within(float(params.get("period") or 0), must)
        case "a_year":
            return any(_within(value * steps, must) for steps in _STEPS_A_YEAR)
        case "at":
            year = re.match(r"\d{4}", str(params.get("at_date", "")))
            return year is not None and _within(int(year.group()), must)
        case "metric":
            return bool(effect.get("metric") == must)
    return bool(finding.get(name, params.get(name)) == must)


def _several(one_or_more: Any) -> Iterable[str]:
    return one_or_more if isinstance(one_or_more, list) else [one_or_more]


def _within(value: float, bounds: Sequence[float]) -> bool:
    return bounds[0] <= value <= bounds[1]


@dataclass(frozen=True)
class Table:
    """A real table: the question put, the roles given, the truths to find, and the headlines that would be wrong."""

    name: str
    file: Path
    question: str
    truths: Mapping[str, Any]
    wrong: Mapping[str, Any] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)


def tables(folder: Path) -> tuple[Table, ...]:
    """All of them; those that scikit-learn loads are written into the folder."""
    told = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return tuple(Table(**{**entry, "file": _file(folder, **entry)}) for entry in told)


def _file(folder: Path, *, name: str, file: str, **_: Any) -> Path:
    """A file of this repository, one that scikit-learn loads, or one that lies in a package's folder."""
    package, inside = file.split("/", 1)
    if (ROOT / file).exists():
        return ROOT / file
    if package == "sklearn":
        import sklearn.datasets

        bunch = getattr(sklearn.datasets, f"load_{inside}")(as_frame=True)
        frame = bunch.data.assign(**{_LABELS[inside]: [str(bunch.target_names[i]) for i in bunch.target]})
        folder.mkdir(parents=True, exist_ok=True)
        frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
        return folder / f"{name}.csv"
    spec = importlib.util.find_spec(package)
    assert spec is not None, f"{package} is not installed: pip install 'gristmill[charts]'"
    assert spec.origin is not None
    return Path(spec.origin).parent / inside


@dataclass(frozen=True)
class Marks:
    """How a table's report came out: truths found and missed, and headlines that are wrong."""

    table: str
    found: tuple[str, ...]
    missed: tuple[str, ...]
    wrong: tuple[str, ...]


def mark(table: Table, told: Told) -> Marks:
    """Compare what was said with what is known."""
    held = {name: told.holds(fact) for name, fact in table.truths.items()}
    wrong = tuple(name for name, fact in table.wrong.items() if told.headlines.holds(fact))
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
