"""How something is to be done: rounding, alpha, tests by name, outlier rules, models, and verdict rules.

A clause of this kind says nothing of the rows: whatever it holds is no condition and no statistic that is wanted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from graphs.questions.query import Rule, Verdict
from graphs.questions.reader import lexicon
from graphs.questions.reader.items import Clause

_NUMBER = r"[-−]?\d*\.?\d+"
_ALPHA = r"(?:the )?(?:chosen )?(?:significance level|alpha)(?: \(alpha\))?(?: of (?P<a>\d*\.\d+))?"
SAID, TESTS, MODELS, METRICS = (lexicon.section(n) for n in ("said", "tests", "models", "metrics"))


@dataclass
class Methods:
    """What the clauses say of the method, together."""

    outliers: bool = False  # whether the question speaks of outliers at all
    decimals: int | None = None
    alpha: float | None = None
    sides: Any = "two"
    ddof: int | None = None
    biased: bool = False
    correlation: Any = "pearson"
    with_p: bool = False
    test: str | None = None
    asks_test: bool = False  # a level of significance is given, and no test by its name
    rules: list[Rule] = field(default_factory=list)
    model: str | None = None
    metrics: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    test_size: float | None = None
    folds: int | None = None
    seed: int = 42
    stratify: bool = False
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def rule(self) -> Rule | None:
        """The outlier rule that was said: first a formula of the IQR, then one with a number, then one by name."""
        return min(self.rules, key=lambda r: (r.k is None, r.rule != "iqr"), default=None)

    def read(self, clause: Clause) -> bool:
        """Take what a clause says of the method. True where it says nothing else."""
        self._settings(clause)
        told = not clause.asks
        if says(clause, "ties") or (told and says(clause, "assumed") and "N" not in clause.shape):
            clause.mark(0, len(clause.text))
            return True
        if told and (level := says(clause, "tested_at")):
            self.alpha, self.asks_test = float(level[1]) / 100, True
            return True
        if self._verdict(clause) or (told and says(clause, "null")):
            return True
        whole = self._outliers(clause)
        self._models(clause)
        for name, pattern in TESTS.items():
            if re.search(pattern, clause.text, re.I) and (self.test is None or name != "t"):
                self.test = self.test or name
                clause.says(pattern)
        return whole

    def _settings(self, clause: Clause) -> None:
        found = {name: clause.says(SAID[name]) for name in ("places", "whole", "round", "alpha", "confidence", "one_sided",
                 "two_sided", "population", "sample", "ddof")}  # fmt: skip
        if places := found["places"]:
            self.decimals = (
                int(places[1]) if places[1].isdigit() else lexicon.listed("numbers").index(places[1].lower())
            )
        elif found["whole"]:
            self.decimals = 0
        if alpha := found["alpha"]:
            self.alpha = float(alpha[1] or alpha[2] or 0) or int(alpha[3]) / 100
        if confidence := found["confidence"]:
            self.alpha = round(1 - int(confidence[1]) / 100, 4)
        if found["one_sided"]:
            self.sides = "greater" if re.search("greater|higher|larger|right", clause.text) else "less"
        if found["population"] or ("σ" in clause.text and "(X" not in clause.text):
            self.ddof = 0
        elif found["sample"]:
            self.ddof = 1
        elif ddof := found["ddof"]:
            self.ddof = int(ddof[1])
        self.biased = self.biased or bool(re.search(r"\bscipy\b", clause.text, re.I))
        kind = clause.says(SAID["kind"])
        if kind and kind[0][0].lower() != "p":
            self.correlation = "spearman" if kind[0][0].lower() == "s" else "kendall"
        self.with_p = self.with_p or bool(says(clause, "wants_p"))
        clause.says(SAID["p"])

    def _verdict(self, clause: Clause) -> bool:
        text = clause.text
        otherwise, conditions = says(clause, "otherwise"), _conditions(text, self.alpha)
        if otherwise and not conditions:
            self.verdicts.append(Verdict(then=_then(text[otherwise.end() :])))
        elif conditions and says(clause, "rule"):
            when = " and ".join(c[0] for c in conditions)
            word = re.search(SAID["if"], text[: conditions[0][1]], re.I)
            before, after = text[: word.start()] if word else "", text[conditions[-1][2] :].lstrip(" )")
            other = re.search(SAID["else"], after, re.I)
            behind = _then(after[: other.start()] if other else after)
            filler = re.search(SAID["filler"], before, re.I)
            self.verdicts.append(Verdict(when=when, then=behind if filler or not _then(before) else _then(before)))
            if other:
                self.verdicts.append(Verdict(then=_then(after[other.end() :])))
        else:
            return False
        clause.mark(0, len(text))
        return True

    def _outliers(self, clause: Clause) -> bool:
        z, iqr, mad = (says(clause, name) for name in ("z", "iqr", "mad"))
        limits = iqr and self.outliers and says(clause, "limits")
        if not (z or iqr or mad) or not (limits or says(clause, "extreme")) or says(clause, "scaled"):
            return False
        if mad or z:
            k = says(clause, "z_k")
            value = abs(float((k[1] or k[2]).replace("−", "-"))) if k else None
            self.rules.append(Rule(rule="mad" if mad else "z", k=value or None))
        if iqr:
            k = says(clause, "iqr_k")
            self.rules.append(Rule(rule="iqr", k=float(k[1]) if k else None))
        if (says(clause, "defines") or limits) and not clause.asks:
            clause.mark(0, len(clause.text))
            return True
        clause.says(SAID["method"])
        clause.says(SAID["threshold"])
        return False

    def _models(self, clause: Clause) -> None:
        for name, pattern in MODELS.items():
            if self.model in (None, "linear") and clause.says(pattern):
                self.model = name
        self.metrics += [n for n, pattern in METRICS.items() if clause.says(pattern) and n not in self.metrics]
        for word in re.finditer(SAID["modelling"], clause.text, re.I) if self.model else ():
            clause.mark(*word.span())
        if train := says(clause, "trained"):
            self.test_size = round(1 - int(train[1]) / 100, 4)
        elif test := says(clause, "tested"):
            self.test_size = float("0." + next(g for g in test.groups() if g))
        elif ratio := says(clause, "ratio"):
            self.test_size = min(int(g) for g in ratio.groups() if g) / 100
        if seed := says(clause, "seed"):
            self.seed = int(seed[1])
        if folds := says(clause, "folds"):
            self.folds = int(folds[1])
        self.stratify = self.stratify or "stratif" in clause.text.casefold()
        while option := clause.says(SAID["option"]):
            name = re.sub(r"\s", "_", option[1].lower())
            if name in self.options:
                break
            self.options[name] = int(option[2])


def says(clause: Clause, name: str) -> re.Match[str] | None:
    """Where a clause says something of this name; nothing is marked as read."""
    return re.search(SAID[name], clause.text, re.I)


def _conditions(text: str, alpha: float | None) -> list[tuple[str, int, int]]:
    """The comparisons of statistics in a text, as expressions with their places."""
    found, at = list[tuple[str, int, int]](), 0
    while hits := [
        (m.start(), -m.end(), f"{name} {op} ", m) for name, op, pattern in _RULES if (m := pattern.search(text, at))
    ]:
        _, _, head, m = min(hits, key=lambda h: h[:2])
        number = m["n"].replace("−", "-") if m["n"] else m["a"] or str(alpha or 0.05)
        found.append((head + str(float(number)), m.start(), m.end()))
        at = m.end()
    return found


_BETWEEN = r"\)?(?: is| are| value| of the \w+| \(\w+\))*(?: either)?\s*"
_RULES = [(name, op, re.compile(rf"(?<![\w-])(?:{stat}){_BETWEEN}(?:{words})\s*(?:(?P<n>{_NUMBER})|{_ALPHA})", re.I))
          for name, stat in lexicon.section("statistics").items() for op, words in lexicon.section("comparisons").items()]  # fmt: skip
_REPORTS = (
    r"^(?:then |we |you |please )*(?:report|conclude|infer|declare|state|say|indicate|reject|fail|assume|suggest)"
)
_THAT = r"^.*\b(?:that|and conclude|which means)\s+(?=\w+ \w)"
_FILLERS = (
    r"^(?:(?:then|we|you|should|can|report|conclude|infer|declare|consider|classify|state|say|indicate|label|call|regard|treat|it|as|that)\b[\s,]*)+",
    r"^(?:the|this|it|its|a|an|there|they)?\s*(?:\w+ )?(?:distribution|data|dataset|model|relationship|correlation|variable|column|fit|it|result|difference|groups?|means?)?\s*\b(?:is|are|to be|as|be|was|were)\b\s*(?:considered|said to be|deemed)?\s*(?:as|to be|an?\b)?\s*",
    r"^(?:the )?(?:model|fit|it|relationship|correlation) (?:an? )",
    r"^(?:there is |an? )+",
)


def _then(text: str) -> str:
    """What a rule says, without the verbs and the subject: "consider the model a good fit" says "good fit"."""
    text = re.sub(r"\(.*?\)", "", text).strip(" ,.;:\n")
    if re.search(_REPORTS, text, re.I):
        text = re.sub(_THAT, "", text, flags=re.I)
    for filler in _FILLERS:
        text = re.sub(filler, "", text, flags=re.I)
    return text.strip(" ,.;")
