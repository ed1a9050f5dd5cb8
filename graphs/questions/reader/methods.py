"""How something is to be done: rounding, alpha, tests by name, outlier rules, models, and verdict rules.

A clause of this kind says nothing of the rows: whatever it holds is no condition and no statistic that is wanted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from graphs.questions.query import Rule, Verdict
from graphs.questions.reader.items import Clause

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
        """The outlier rule that was said; one with a number of its own before one by name alone."""
        return next((r for r in self.rules if r.k is not None and r.rule == "iqr"),
                    next((r for r in self.rules if r.k is not None), next(iter(self.rules), None)))  # fmt: skip

    def read(self, clause: Clause) -> bool:
        """Take what a clause says of the method. True where it says nothing else."""
        text = clause.text
        self._settings(clause)
        if re.match(
            r"\W*(?:if|when|in case)\b[^,]*\b(?:ties?|tied|same|multiple|more than one|several|two or more)\b",
            text,
            re.I,
        ):
            clause.mark(0, len(text))  # what is done of equals: all are told
            return True
        if (
            re.search(r"\bdefinition\b|\bassum(?:e|ing|ptions?)\b", text, re.I)
            and not clause.asks
            and "N" not in clause.shape
        ):
            clause.mark(0, len(text))
            return True
        if re.search(r"null hypothesis|alternative hypothesis|degrees of freedom", text, re.I) and not clause.asks:
            self._verdict(clause)
            return True
        if self._verdict(clause):
            return True
        whole = self._outliers(clause)
        self._models(clause)
        for name, pattern in TESTS.items():
            if (name not in ("t",) and re.search(pattern, text, re.I)) or (
                name == "t" and re.search(pattern, text, re.I) and self.test is None
            ):
                self.test = self.test or name
                clause.says(pattern)
        return whole

    def _settings(self, clause: Clause) -> None:
        number = {
            w: n for n, w in enumerate(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
        }
        places = clause.says(
            r"(?:round\w*(?: \w+){0,7} )?(?:to |at |with |of )?(?:the nearest )?(\d|zero|one|two|three|four|five|six) (?:decimal|digits after)\w*(?: \w*(?:places?|points?))?"
        )
        if places:
            self.decimals = int(number.get(places[1].lower(), places[1]))
        elif clause.says(r"(?:nearest|to an?) (?:integer|whole number)"):
            self.decimals = 0
        clause.says(r"\bround(?:ed|ing)?(?: off)?\b(?: (?:the|your|all))?(?: (?:answers?|results?|outputs?))?")
        alpha = clause.says(
            r"(?:significance level|alpha|level of significance)(?: \(?\w*\)?)?(?: is| to| at| as| of|=|:)* \(?(0?\.\d+)|(0?\.\d+) (?:significance|level)|(\d\d?)% (?:significance|level)"
        )
        if alpha:
            self.alpha = float(alpha[1] or alpha[2] or 0) or int(alpha[3]) / 100
        confidence = clause.says(r"(\d\d)% confidence")
        if confidence:
            self.alpha = round(1 - int(confidence[1]) / 100, 4)
        if clause.says(r"one[\s-](?:tailed|sided)"):
            self.sides = "greater" if re.search("greater|higher|larger|right", clause.text) else "less"
        clause.says(r"two[\s-](?:tailed|sided)(?: test)?")
        if clause.says(r"population (?:standard deviation|std|variance)") or (
            "σ" in clause.text and "(X" not in clause.text
        ):
            self.ddof = 0
        if clause.says(r"sample (?:standard deviation|std|variance)"):
            self.ddof = 1
        ddof = clause.says(r"ddof\s*=?\s*(?:of )?(\d)")
        self.ddof = int(ddof[1]) if ddof else self.ddof
        self.biased = self.biased or bool(re.search(r"\bscipy\b", clause.text, re.I))
        for name in ("spearman", "kendall"):
            if re.search(name, clause.text, re.I):
                self.correlation = name
        clause.says(r"(?:spearman|kendall|pearson)(?:'?s)?(?: rank)?(?: method| moment)?(?: \w+ coefficient)?")
        self.with_p = self.with_p or bool(
            re.search(
                r"p[\s-]*values?\b|significan(?:t|ce) (?:of|test|correlation|relation|level)|statistically significant",
                clause.text,
                re.I,
            )
        )
        clause.says(r"(?:the )?p[\s-]*values?(?: (?:associated|corresponding) (?:with|to) .{0,40}?test)?")

    def _verdict(self, clause: Clause) -> bool:
        text = clause.text
        otherwise = re.match(r"\W*(?:otherwise|else|in (?:any )?other cases?)\b,?(?! if)", text, re.I)
        conditions = list(_conditions(text, self.alpha))
        said = re.search(r"\b(if|when|whenever|in case|otherwise|considered|as long as|classified)\b", text, re.I)
        if otherwise and not conditions:
            self.verdicts.append(Verdict(then=_then(text[otherwise.end() :])))
        elif conditions and said:
            first, last = conditions[0][1], conditions[-1][2]
            when = " and ".join(c[0] for c in conditions)
            word = re.search(r"\b(if|when|whenever|in case|as long as)\b", text[:first], re.I)
            before = text[: word.start()] if word else ""
            after = text[last:].lstrip(" )")
            other = re.search(r"[;,.]?\s*\b(?:otherwise|else|and if not),?\b", after, re.I)
            behind = _then(after[: other.start()] if other else after)
            filler = re.fullmatch(
                r"\W*(?:on the other hand|however|and|conversely|in contrast|similarly)?\W*", before, re.I
            )
            then = behind if filler or not _then(before) else _then(before)
            self.verdicts.append(Verdict(when=when, then=then))
            if other:
                self.verdicts.append(Verdict(then=_then(after[other.end() :])))
        else:
            return False
        clause.mark(0, len(text))
        return True

    def _outliers(self, clause: Clause) -> bool:
        text = clause.text
        z = re.search(r"z[\s-]*scores?|\bz\s*=|standard deviations? (?:away )?(?:from|above|of) the mean", text, re.I)
        iqr = re.search(r"\biqr\b|inter[\s-]?quartile|box[\s-]?plot|whisker", text, re.I)
        mad = re.search(r"median absolute deviation|modified z", text, re.I)
        if not (z or iqr or mad):
            return False
        limits = iqr and self.outliers and re.search(r"quartile|\bq[13]\b|1\.5", text, re.I)
        if not limits and not re.search(r"outlier|anomal|extreme|z[\s-]*score|z\s*=|whisker|fence", text, re.I):
            return False
        if re.search(r"normaliz|normalis|standardi[sz]", text, re.I):
            return False
        if mad or z:
            k = re.search(
                rf"(?:greater|more|larger|higher|above|threshold|exceed\w*|[<>±]|score)(?: than| of| is|=|\s)*\s?({_NUMBER})|({_NUMBER}) standard dev",
                text,
                re.I,
            )
            value = float((k[1] or k[2]).replace("−", "-")) if k else None
            self.rules.append(Rule(rule="mad" if mad else "z", k=abs(value) if value else None))
        if iqr:
            k = re.search(rf"({_NUMBER})\s*(?:\*|x|×|times)?\s*(?:the )?(?:\(?iqr|inter[\s-]?quartile)", text, re.I)
            self.rules.append(Rule(rule="iqr", k=float(k[1]) if k else None))
        defines = re.search(
            r"\b(if|define|defined|considered|consider|classif|determine an?|quartile|threshold|any data point|formula|calculate the z|outliers? (?:is|are|should be))\b",
            text,
            re.I,
        )
        if (defines or limits) and not clause.asks:
            clause.mark(0, len(text))
            return True
        for pattern in (r"z[\s-]*scores?(?: method| rule)?", r"(?:\(?iqr\)?|inter[\s-]?quartile range)(?: \(iqr\))?(?: method| rule)?",
                        r"threshold of [\d.]+", r"\bdetection|method"):  # fmt: skip
            clause.says(pattern)
        return False

    def _models(self, clause: Clause) -> None:
        text = clause.text
        for name, pattern in MODELS.items():
            if re.search(pattern, text, re.I) and (self.model in (None, "linear")):
                self.model = name
                clause.says(pattern)
        for name, pattern in METRICS.items():
            if clause.says(pattern) and name not in self.metrics:
                self.metrics.append(name)
        said = clause.says
        said(
            r"\b(?:evaluation )?metrics?|\bsplit\w*|\btrain\w*(?: sets?)?|\btesting(?: sets?)?|\btest set|random[_\s]?state|\bpredictor|\btarget"
        )
        size = re.search(
            r"(\d\d)\s?%[^.]{0,40}?\btest|test[^.]{0,20}?(\d\d)\s?%|test[_\s]size\D{0,8}(0?\.\d+)", text, re.I
        )
        ratio = re.search(r"\b(\d\d)\s?[:/]\s?(\d\d)\b", text)
        train = re.search(r"(\d\d)\s?%[^.]{0,40}?\btrain", text, re.I)
        if train:
            self.test_size = round(1 - int(train[1]) / 100, 4)
        elif size:
            self.test_size = float(size[3]) if size[3] else int(size[1] or size[2]) / 100
        elif ratio and int(ratio[1]) + int(ratio[2]) == 100 and "split" in text.casefold():
            self.test_size = min(int(ratio[1]), int(ratio[2])) / 100
        seed = re.search(r"(?:random[_\s]?state|seed)\D{0,12}(\d+)", text, re.I)
        self.seed = int(seed[1]) if seed else self.seed
        folds = re.search(r"(\d+)[\s-]fold", text, re.I)
        self.folds = int(folds[1]) if folds else self.folds
        self.stratify = self.stratify or "stratif" in text.casefold()
        for option, number in re.findall(r"\b(max[_\s]depth|n[_\s]estimators|n[_\s]neighbors|n[_\s]clusters|max[_\s]iter|min[_\s]samples[_\s]split)\b\D{0,8}(\d+)", text, re.I):  # fmt: skip
            clause.says(re.escape(option).replace("_", "[_ ]") + r"\D{0,8}\d+")
            self.options[re.sub(r"\s", "_", option.lower())] = int(number)


def _conditions(text: str, alpha: float | None) -> list[tuple[str, int, int]]:
    """The comparisons of statistics in a text, as expressions with their places."""
    found = list[tuple[str, int, int]]()
    at = 0
    while at < len(text):
        best = None
        for name, stat in _STATS.items():
            for op, words in _OPS.items():
                bound = rf"(?P<n>{_NUMBER})|{_ALPHA}"
                m = re.compile(
                    rf"(?<![\w-])(?:{stat})\)?(?: is| are| value| of the \w+| \(\w+\))*(?: either)?\s*(?:{words})\s*(?:{bound})",
                    re.I,
                ).search(text, at)
                if m and (
                    best is None
                    or m.start() < best[1].start()
                    or (m.start() == best[1].start() and m.end() > best[1].end())
                ):
                    best = (f"{name} {op} ", m)
        if best is None:
            break
        head, m = best
        number = m["n"].replace("−", "-") if m["n"] else m["a"] or str(alpha or 0.05)
        found.append((head + str(float(number)), m.start(), m.end()))
        at = m.end()
    return found


def _then(text: str) -> str:
    """What a rule says, without the verbs and the subject: "consider the model a good fit" says "good fit"."""
    text = re.sub(r"\(.*?\)", "", text).strip(" ,.;:\n")
    text = re.sub(r"^.*\b(?:that|and conclude|which means)\s+(?=\w+ \w)", "", text, flags=re.I) if re.search(
        r"^(?:then |we |you |please )*(?:report|conclude|infer|declare|state|say|indicate|reject|fail|assume|suggest)", text, re.I) else text  # fmt: skip
    verbs = r"(?:then|we|you|should|can|report|conclude|infer|declare|consider|classify|state|say|indicate|label|call|regard|treat|it|as|that)"
    text = re.sub(rf"^(?:{verbs}\b[\s,]*)+", "", text, flags=re.I)
    subject = r"(?:the|this|it|its|a|an|there|they)?\s*(?:\w+ )?(?:distribution|data|dataset|model|relationship|correlation|variable|column|fit|it|result|difference|groups?|means?)?"
    text = re.sub(
        rf"^{subject}\s*\b(?:is|are|to be|as|be|was|were)\b\s*(?:considered|said to be|deemed)?\s*(?:as|to be|an?\b)?\s*",
        "",
        text,
        flags=re.I,
    )
    text = re.sub(r"^(?:the )?(?:model|fit|it|relationship|correlation) (?:an? )", "", text, flags=re.I)
    return re.sub(r"^(?:there is |an? )+", "", text, flags=re.I).strip(" ,.;")
