"""How something is to be done: rounding, alpha, tests by name, outlier rules, models, and verdict rules.

A clause of this kind says nothing of the rows: whatever it holds is no condition and no statistic that is wanted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from graphs.questions.query import Rule, Verdict
from graphs.questions.reader.items import Clause
from graphs.questions.reader.lexicon import NUMBERS

_NUMBER = r"[-−]?\d*\.?\d+"
_OPS = {
    ">=": r"(?:greater|more|larger|higher|bigger) than or equal to|equal to or (?:greater|more|larger|higher) than|at least|>=|≥",
    "<=": r"(?:less|smaller|lower) than or equal to|equal to or (?:less|smaller|lower) than|at most|<=|≤",
    ">": r"(?:greater|larger|more|higher|bigger) than|above|over|exceeds?|exceeding|>",
    "<": r"(?:less|smaller|lower) than|below|under|<",
    "==": r"equal to|equals|==?",
}
_STATS = {
    "p_value": r"p[\s-]*values?(?: of (?:the )?(?:test|correlation|result))?|\bp\b",
    "abs(r)": r"(?:its |the )?absolute (?:value )?(?:of )?(?:the )?(?:pearson |correlation |it\b|its )*(?:coefficient|correlation|value|\br\b)*(?: \(?r\)?)?",
    "r2": r"r[\s-]*squared(?: value)?|r2\b|r²|coefficient of determination",
    "r": r"(?:pearson )?(?:correlation )?coefficient(?: \(r\))?|\br(?:[\s-]value)?\b|\bcorrelation\b",
    "abs(skewness)": r"absolute (?:value of )?(?:the )?skew(?:ness)?",
    "skewness": r"skew(?:ness)?",
    "kurtosis": r"kurtosis",
}
_ALPHA = r"(?:the )?(?:chosen )?(?:significance level|alpha)(?: \(alpha\))?(?: of (?P<a>\d*\.\d+))?"
TESTS = {
    "shapiro": r"shapiro(?:[\s-]*wilk)?(?:'?s)?(?: normality)?(?: test)?", "dagostino": r"d.?agostino|omnibus normality", "jarque_bera": r"jarque",
    "anderson": r"anderson", "ks_normal": r"kolmogorov", "welch_anova": r"welch'?s? anova", "welch": r"welch|unequal variance",
    "paired_t": r"paired t|paired samples?", "one_sample_t": r"one[\s-]sample t", "t": r"\bt[\s-]?tests?\b|student'?s t|ttest",
    "mannwhitney": r"mann[\s-]*whitney|rank[\s-]sum", "wilcoxon": r"wilcoxon", "anova": r"\banova\b|analysis of variance",
    "kruskal": r"kruskal", "levene": r"levene", "bartlett": r"bartlett", "fisher": r"fisher'?s exact", "mcnemar": r"mcnemar",
    "chi2": r"chi[\s-]?squared?(?: test)?", "adfuller": r"dickey|adf test", "ljung_box": r"ljung", "tukey": r"tukey'?s? hsd",
    "binomial": r"binomial test", "proportions": r"two[\s-]proportion|proportions? z",
}  # fmt: skip
MODELS = {
    "ridge": r"\bridge\b", "lasso": r"\blasso\b", "logistic": r"logistic", "forest": r"random forest",
    "boosting": r"gradient boost|xgboost|boosting", "tree": r"decision tree", "knn": r"nearest neighbou?rs?|\bknn\b",
    "svm": r"support vector|\bsvm\b", "naive_bayes": r"na[iï]ve bayes", "kmeans": r"k[\s-]?means", "linear": r"linear regression|linear model",
}  # fmt: skip
METRICS = {
    "rmse": r"\brmse\b|root mean squared? error", "mse": r"\bmse\b|(?<!root )mean squared? error", "mae": r"\bmae\b|mean absolute error",
    "mape": r"\bmape\b", "r2": r"r[\s-]?squared|\br2\b|coefficient of determination|r²", "accuracy": r"accuracy", "precision": r"\bprecision\b",
    "recall": r"\brecall\b", "f1": r"\bf1", "auc": r"\bauc\b|area under", "confusion": r"confusion matrix",
    "coefficients": r"coefficients of|\bcoefficients\b", "importances": r"importances?", "correlation": r"between the predicted|predicted and actual",
    "silhouette": r"silhouette",
}  # fmt: skip


SAID = dict(line.split(" ~ ", 1) for line in r"""
places ~ (?:round\w*(?: \w+){0,7} )?(?:to |at |with |of )?(?:the nearest )?(\d|zero|one|two|three|four|five|six) (?:decimal|digits after)\w*(?: \w*(?:places?|points?))?
whole ~ (?:nearest|to an?) (?:integer|whole number)
round ~ (?<!way )\bround(?:ed|ing)?(?: off)?\b(?: (?:the|your|all))?(?: (?:answers?|results?|outputs?))?
alpha ~ (?:significance level|alpha|level of significance)(?: \(?\w*\)?)?(?: is| to| at| as| of|=|:)* \(?(0?\.\d+)|(0?\.\d+) (?:significance|level)|(\d\d?)% (?:significance|level)
confidence ~ (\d\d)% confidence
one_sided ~ one[\s-](?:tailed|sided)
two_sided ~ two[\s-](?:tailed|sided)(?: test)?
population ~ population (?:standard deviation|std|variance)
sample ~ sample (?:standard deviation|std|variance)
ddof ~ ddof\s*=?\s*(?:of )?(\d)
kind ~ (?:spearman|kendall|pearson)(?:'?s)?(?: rank)?(?: method| moment)?(?: \w+ coefficient)?
p ~ (?:the )?p[\s-]*values?(?: (?:associated|corresponding) (?:with|to) .{0,40}?test)?
wants_p ~ p[\s-]*values?\b|significan(?:t|ce) (?:of|test|correlation|relation|level)|statistically significant
ties ~ ^\W*(?:if|when|in case)\b[^,]*\b(?:ties?|tied|same|multiple|more than one|several|two or more)\b
assumed ~ \bdefinition\b|\bassum(?:e|ing|ptions?)\b
null ~ null hypothesis|alternative hypothesis|degrees of freedom
otherwise ~ ^\W*(?:otherwise|else|in (?:any )?other cases?)\b,?(?! if)
rule ~ \b(if|when|whenever|in case|otherwise|considered|as long as|classified)\b
if ~ \b(if|when|whenever|in case|as long as)\b
else ~ [;,.]?\s*\b(?:otherwise|else|and if not),?\b
filler ~ ^\W*(?:on the other hand|however|and|conversely|in contrast|similarly)?\W*$
z ~ z[\s-]*scores?|\bz\s*=|standard deviations? (?:away )?(?:from|above|of) the mean
iqr ~ \biqr\b|inter[\s-]?quartile|box[\s-]?plot|whisker
mad ~ median absolute deviation|modified z
limits ~ quartile|\bq[13]\b|1\.5
extreme ~ outlier|anomal|extreme|z[\s-]*score|z\s*=|whisker|fence
scaled ~ normaliz|normalis|standardi[sz]
z_k ~ (?:greater|more|larger|higher|above|threshold|exceed\w*|[<>±]|score)(?: than| of| is|=|\s)*\s?([-−]?\d*\.?\d+)|([-−]?\d*\.?\d+) standard dev
iqr_k ~ (\d*\.?\d+)\s*(?:\*|x|×|times)?\s*(?:the )?(?:\(?iqr|inter[\s-]?quartile)
defines ~ \b(if|define|defined|considered|consider|classif|determine an?|quartile|threshold|any data point|formula|calculate the z|outliers? (?:is|are|should be))\b
method ~ z[\s-]*scores?(?: method| rule)?|(?:\(?iqr\)?|inter[\s-]?quartile range)(?: \(iqr\))?(?: method| rule)?
threshold ~ threshold of [\d.]+|\bdetection
modelling ~ \b(?:evaluation )?metrics?|\bsplit\w*|\btrain\w*(?: sets?)?|\btesting(?: sets?)?|\btest set|random[_\s]?state|\bpredictor|\btarget
tested ~ (\d\d)\s?%[^.]{0,40}?\btest|test[^.]{0,20}?(\d\d)\s?%|test[_\s]size\D{0,8}0?\.(\d\d?)
trained ~ (\d\d)\s?%[^.]{0,40}?\btrain
ratio ~ \bsplit\b.*?\b(\d\d)\s?[:/]\s?(\d\d)\b|\b(\d\d)\s?[:/]\s?(\d\d)\b.*?\bsplit
seed ~ (?:random[_\s]?state|seed)\D{0,12}(\d+)
folds ~ (\d+)[\s-]fold
option ~ \b(max[_\s]depth|n[_\s]estimators|n[_\s]neighbors|n[_\s]clusters|max[_\s]iter|min[_\s]samples[_\s]split)\b\D{0,8}(\d+)
""".strip().splitlines())  # fmt: skip
"""How clauses say what is to be done, as patterns by the name of what they say."""


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
            self.decimals = int(places[1]) if places[1].isdigit() else NUMBERS.index(places[1].lower())
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
          for name, stat in _STATS.items() for op, words in _OPS.items()]  # fmt: skip
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
