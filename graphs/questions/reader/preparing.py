"""How something is to be done: rounding, alpha, tests by name, outlier rules, models, and verdict rules; and what is
done to the table first: rows left out, gaps filled, columns made, scaled and cut.

A clause that says how holds no condition and no statistic that is wanted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from graphs.questions import query as q
from graphs.questions.query import Rule, Verdict
from graphs.questions.reader import lexicon
from graphs.questions.reader.conditions import expr, plain
from graphs.questions.reader.items import Clause, use
from graphs.questions.reader.linking import Column

SAID, TESTS, MODELS, METRICS = (lexicon.patterns(n) for n in ("said", "tests", "models", "metrics"))

type _Found = re.Match[str]


_SETTINGS: tuple[tuple[str, str, Callable[[_Found], Any]], ...] = (
    ("places", "decimals", lambda m: lexicon.number(m[1])),
    ("whole", "decimals", lambda m: 0),
    ("alpha", "alpha", lambda m: float(m[1] or m[2] or 0) or int(m[3]) / 100),
    ("tested_at", "alpha", lambda m: float(m[1]) / 100),
    ("confidence", "alpha", lambda m: (100 - int(m[1])) / 100),
    ("one_sided", "sides", lambda m: "less"),
    ("upward", "sides", lambda m: "greater"),
    ("population", "ddof", lambda m: 0),
    ("sample", "ddof", lambda m: 1),
    ("ddof", "ddof", lambda m: int(m[1])),
    ("kind", "correlation", lambda m: m[1].lower()),
    ("wants_p", "with_p", lambda m: True),
    ("ratio", "test_size", lambda m: min(int(g) for g in m.groups() if g) / 100),
    ("tested", "test_size", lambda m: float("0." + next(g for g in m.groups() if g))),
    ("trained", "test_size", lambda m: (100 - int(m[1])) / 100),
    ("seed", "seed", lambda m: int(m[1])),
    ("folds", "folds", lambda m: int(m[1])),
    ("stratified", "stratify", lambda m: True),
)
"""What words of the lexicon's section `said` set, and to what of their match; the later wins."""
_SILENT = ("round", "two_sided", "p")
_TOLD = ("wants_p", "ratio", "tested", "trained", "seed", "folds", "stratified")
"""What only confirms how it is done anyway, and what stands among words that say more."""


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
    about: str = ""  # the statistic that was named last, for "if it is above"

    @property
    def rule(self) -> Rule | None:
        """The outlier rule that was said: first a formula of the IQR, then one with a number, then one by name."""
        return min(self.rules, key=lambda r: (r.k is None, r.rule != "iqr"), default=None)

    def read(self, clause: Clause) -> bool:
        """Take what a clause says of the method. True where it says nothing else."""
        text, told = clause.text, not clause.asks
        for name, field_, value in _SETTINGS:
            if found := says(clause, name) if name in _TOLD else clause.says(SAID[name]):
                setattr(self, field_, value(found))
        for name in _SILENT:
            clause.says(SAID[name])
        self.ddof = 0 if "σ" in text and "(X" not in text else self.ddof
        self.biased = self.biased or "scipy" in text.casefold()
        tested = bool(told and says(clause, "tested_at"))
        self.asks_test = self.asks_test or tested
        assumed = told and says(clause, "assumed") and not set("NT") & set(clause.shape)
        if tested or assumed or says(clause, "ties") or self._verdict(clause) or (told and says(clause, "null")):
            return True
        whole = self._outliers(clause)
        self._models(clause)
        for name, pattern in TESTS.items():
            if _everywhere(clause, pattern):
                self.test = self.test or name
        for name in ("bounds",) * self.outliers + ("freedom",) * bool(self.test):
            _everywhere(clause, SAID[name])
        return whole

    def _verdict(self, clause: Clause) -> bool:
        texts = re.split(SAID["rules"], clause.quoted, flags=re.I)
        return any([self._ruled(text, bool(texts[1:])) for text in texts])

    def _ruled(self, text: str, several: bool) -> bool:
        """Take one rule: which word is told when, and which otherwise. Words in quotes are those that are told; of
        `several` rules each may be no more than a condition with its word."""
        if self.about:
            text = re.sub(rf"^\W*(?=(?:{_COMPARED}) \d)", f"{self.about} ", text, flags=re.I)
            text = re.sub(SAID["it"], lambda m: f"{m[1]} {self.about}", text, flags=re.I)
        otherwise, conditions = re.search(SAID["otherwise"], text, re.I), _conditions(text, self.alpha)
        named = next((m[0] for m in re.finditer(_STATISTICS, text, re.I)), "")
        self.about = named or self.about
        if otherwise and not conditions:
            self.verdicts.append(Verdict(then=_then(text[otherwise.end() :])))
        elif conditions and re.search(SAID["rule"], text, re.I):
            when = " and ".join(c[0] for c in conditions)
            word = re.search(SAID["if"], text[: conditions[0][1]], re.I)
            before, after = text[: word.start()] if word else "", text[conditions[-1][2] :].lstrip(" )")
            other = re.search(SAID["else"], after, re.I)
            first, rest = (after[: other.start()], after[other.end() :]) if other else (after, "")
            behind, last = _then(first), _then(rest)
            filler = re.search(SAID["filler"], before, re.I) or ("“" in after and "“" not in before)
            early = "" if filler else _then(before)
            self.verdicts.append(Verdict(when=when, then=early or behind))
            if other:  # "and not normal otherwise": the word stands before it
                self.verdicts.append(Verdict(then=last or behind))
        elif conditions and (label := _label(text, conditions[0], several)):
            self.verdicts.append(Verdict(when=conditions[0][0], then=label))
        else:
            return False
        return True

    def _outliers(self, clause: Clause) -> bool:
        z, iqr, mad = (says(clause, name) for name in ("z", "iqr", "mad"))
        limits = iqr and self.outliers and says(clause, "limits")
        if not (z or iqr or mad) or not (limits or says(clause, "extreme")) or says(clause, "scaled"):
            return False
        for rule, number in ((mad or z) and ("mad" if mad else "z"), "z_k"), (iqr and "iqr", "iqr_k"):
            if rule:
                k = says(clause, number)
                value = next(filter(None, k.groups())) if k else "0"
                self.rules.append(Rule(rule=rule, k=abs(float(value.replace("−", "-"))) or None))
        removes = re.search(lexicon.section("steps")["remove"], clause.text, re.I)
        if (says(clause, "defines") or limits) and not (clause.asks or removes):
            return True
        clause.says(SAID["method"])
        clause.says(SAID["threshold"])
        return False

    def _models(self, clause: Clause) -> None:
        for name, pattern in MODELS.items():
            if self.model in (None, "linear") and clause.says(pattern):
                self.model = name
        self.metrics += [n for n, pattern in METRICS.items() if clause.says(pattern) and n not in self.metrics]
        before = [i for i in clause.items if i.used]
        _everywhere(clause, SAID["modelling"] if self.model else "(?!)")
        for item in (i for i in clause.items if i.used and i not in before and i.code in "CE" and not i.full):
            item.code, item.means = "U", None  # a training set, and no DriveTrain
        for option in _everywhere(clause, SAID["option"]):
            self.options.setdefault(re.sub(r"\s", "_", option[1].lower()), int(option[2]))


def says(clause: Clause, name: str) -> re.Match[str] | None:
    """Where a clause says something of this name; nothing is marked as read."""
    return re.search(SAID[name], clause.text, re.I)


def _everywhere(clause: Clause, pattern: str) -> list[re.Match[str]]:
    """Where a clause's words meet a pattern; the items there are read."""
    found = [*re.finditer(pattern, clause.text, re.I)]
    for match in found:
        clause.mark(*match.span())
    return found


def _conditions(text: str, alpha: float | None) -> list[tuple[str, int, int]]:
    """The comparisons of statistics in a text, as expressions with their places."""
    found, at = list[tuple[str, int, int]](), 0
    while hits := [
        (m.start(), -m.end(), f"{name} {op} ", m) for name, op, pattern in _RULES if (m := pattern.search(text, at))
    ]:
        _, _, head, m = min(hits, key=lambda h: h[:2])
        number = m["n"].replace("−", "-") if m["n"] else m["a"] or str(alpha or 0.05)
        upper, below = m.groupdict().get("m"), m.groupdict().get("low")  # between two numbers
        rest = f" and {head.split()[0]} <= {float(upper.replace('−', '-'))}" if upper else ""
        rest = f" and {head.split()[0]} >= {float(below)}" if below else rest
        found.append((head + str(float(number)) + rest, m.start(), m.end()))
        at = m.end()
    return found


_BETWEEN, _NUMBER, _ALPHA = map(lexicon.form, ("between", "number", "alpha_level"))
_RULES = [(name, op, re.compile(rf"(?<![\w-])(?:{stat}){_BETWEEN}(?:{words})\s*(?:(?P<n>{_NUMBER})|{_ALPHA})", re.I))
          for name, stat in lexicon.section("statistics").items() for op, words in lexicon.section("comparisons").items()]  # fmt: skip
_RULES += [(name, ">=", re.compile(rf"(?<![\w-])(?:{stat}){_BETWEEN}between (?P<n>{_NUMBER}) and (?P<m>{_NUMBER})", re.I))
           for name, stat in lexicon.section("statistics").items()]  # fmt: skip
_RULES += [(name, op, re.compile(rf"(?P<low>{_NUMBER})\s*[<≤]=?\s*(?:{stat}){_BETWEEN}(?:{words})\s*(?P<n>{_NUMBER})", re.I))
           for name, stat in lexicon.section("statistics").items() for op, words in lexicon.section("comparisons").items()
           if op[0] == "<"]  # fmt: skip
_RULES += [("p_value", op, re.compile(SAID[said] + "(?P<n>(?!))?(?P<a>(?!))?", re.I))
           for op, said in (("<", "rejected"), (">=", "kept"))]  # fmt: skip
_STATISTICS = "|".join(rf"(?<![\w-])(?:{stat})" for stat in lexicon.section("statistics").values())


_COMPARED = "|".join(lexicon.section("comparisons").values())


def _label(text: str, condition: tuple[str, int, int], several: bool) -> str:
    """The one or two words beside a condition that are told where it holds, "strong: r > 0.7"; without a colon only of
    `several` rules. Empty where there are none."""
    if not (several or ":" in text[: condition[1]]):
        return ""
    rest = f"{text[: condition[1]]} {text[condition[2] :]}".strip(" :,.;()=")
    alone = re.fullmatch(r"“?\w+(?:[ -]\w+)?”?", rest) and not {*rest.casefold().split()} & lexicon.some("function")
    return rest.strip("“”").casefold() if alone else ""


def _then(text: str) -> str:
    """What a rule says, without the verbs and the subject: "consider the model a good fit" says "good fit"."""
    if quoted := re.search("“(.+?)”", text):
        return quoted[1]
    text = re.sub(r"\(.*?\)", "", text).strip(" ,.;:\n")
    if re.search(SAID["reports"], text, re.I):
        text = re.sub(SAID["that"], "", text, flags=re.I)
    for filler in lexicon.section("fillers").values():
        text = re.sub(filler, "", text, flags=re.I)
    return text.strip(" ,.;")


LEAVE: str = lexicon.section("steps")["leave"]
_ONE: TypeAdapter[q.Step] = TypeAdapter(q.Step)
type _Done = Sequence[q.Step] | None


class _Step(NamedTuple):
    """A clause that may describe a step: the columns that it names, the one that it makes, and all of the table."""

    clause: Clause
    own: Sequence[Column]
    made: Column | None
    columns: Sequence[Column]
    rule: q.Rule | None
    recent: Sequence[Column]


def read(
    clause: Clause, columns: Sequence[Column], rule: q.Rule | None, recent: Sequence[Column], pending: Sequence[Column]
) -> tuple[Sequence[q.Step], bool]:
    """The steps that a clause describes, and whether it says nothing else."""
    if once := _says(clause, "once"):  # the total, after removing duplicate rows
        clause.mark(*once.span())
        return [q.DropDuplicates()], all(i.used for i in clause.items)
    named = [i.column for i in clause.items if i.code in "CE" and i.means is not None and (i.code == "C" or not i.used)]
    own = [c for c in named if c.dtype != "new"]
    made = next((c for c in named if c.dtype == "new"), None)
    asks = bool(_says(clause, "asks"))
    if (asks or set("RH") & set(codes(clause))) and not (made is not None and codes(clause)[:2] in ("vC", "aC")):
        own, made, recent = [], None, []
    own = [i.column for i in clause.items if i.code == "C" and i.column in own] or own
    if made is None and own and len(pending) == 1 and not asks:
        made = pending[0]
    step, held = _Step(clause, list(dict.fromkeys(own)), made, columns, rule, recent), {"own": own, "made": made}
    for needs, does in lexicon.section("done").items():
        if not all(held[n] if n in held else _says(clause, n) for n in needs.split()):
            continue
        left = _says(clause, "leave") or _says(clause, "without")
        drops = isinstance(does, dict) and str(does.get("do", "drop")).startswith("drop")
        of_whom = clause.of("VKTN") if drops else []  # which is no part of the step
        if does == {} and asks and left:  # the mean, ignoring missing values
            clause.mark(left.start(), len(clause.text))
            use(of_whom, used=False)
            return [], False
        done = _MADE[does](step) if isinstance(does, str) else [_ONE.validate_python(does | {"columns": [c.name for c in step.own]})] if does else []  # fmt: skip
        if done is not None:
            clause.mark(0, len(clause.text))
            use(of_whom, used=False)
            return done, not of_whom
    return [], all(i.used for i in clause.items)


def codes(clause: Clause) -> str:
    """The letters of a clause's items, read or not, without commas and conjunctions before it."""
    return "".join(i.code for i in clause.items).lstrip("cai")


def _says(clause: Clause, name: str) -> re.Match[str] | None:
    return re.search(lexicon.section("steps")[name], clause.text, re.I)


def _fill(s: _Step) -> _Done:
    """Gaps filled; where a mean and a mode are named, numbers take the one and words the other."""
    said: list[Any] = [w for w, pattern in lexicon.section("fills").items() if re.search(pattern, s.clause.text, re.I)]
    number = re.search(r"\b(?:with|by) (?:the value )?['\"]?(zero|-?\d+(?:\.\d+)?|[A-Z]\w+)", s.clause.text)
    names = tuple(c.name for c in s.own or s.recent)
    if not names or _says(s.clause, "modelled"):
        return None
    if not said and number:
        value = plain(float(number[1].replace("zero", "0"))) if number[1][0] in "z-0123456789" else number[1]
        return [q.Fill(columns=names, how="value", value=value)]
    numbers = tuple(c.name for c in s.own or s.recent if c.kind == "number" or said[1:] != ["mode"])
    rest = tuple(n for n in names if n not in numbers)
    return [q.Fill(columns=c, how=how) for c, how in ((numbers, [*said, "mean"][0]), (rest, "mode")) if c]


def _cut(s: _Step) -> _Done:
    """Named classes with their edges: 'Child' (0-12), 'Elderly' (60 and above); low (below 50)."""
    pieces = re.findall(lexicon.section("steps")["class"], s.clause.quoted)
    stems = s.made.stems if s.made else frozenset()
    alike = [c for c in s.columns if c.kind == "number" and c.dtype != "new" and c.stems <= stems]
    column = next(iter([*alike, *(c for c in s.own if c.kind == "number" and not c.key)]), None)
    if len(pieces) < 2 or column is None:
        return None
    classes = sorted((float((low or above or plus or "-inf").replace(",", "")), label.split(" and ")[-1].strip(" ,"))
                     for label, low, above, plus in pieces)  # fmt: skip
    before = r"^(?:.*\b(?:into|as|called|named)\s+)?(?:and|or|groups?)?\s*"
    labels = tuple(re.sub(before, "", label) for _, label in classes)
    name = s.made.name if s.made else f"{column.name} class"
    edges = (None, *(start for start, _ in classes[1:]), None)
    return [q.Cut(name=name, of=expr(column), edges=edges, labels=labels, right="<=" in s.clause.text)]


def _derive(s: _Step) -> _Done:
    """The formula of a column that the question makes."""
    text, names = s.clause.text, list(dict.fromkeys(expr(c) for c in s.own))
    names = names or [expr(c) for c in s.recent[:1] if re.search(r"\bits?\b", text)]
    body = formula[1].strip(" .'\"") if (formula := re.search(r"=\s*(.+)", text)) else ""
    sign = next((sign for sign, said in lexicon.section("signs").items() if re.search(said, text, re.I)), "")
    made = next((of.format(*names) for of, said in lexicon.section("functions").items()
                 if len(names) == 1 and re.search(said, text, re.I | re.S)), "")  # fmt: skip
    if names[1:] and re.fullmatch(r"[\w`\s+\-*/().%]+", body):
        made = body
        for column in sorted(s.own, key=lambda c: -len(c.name)):
            made = re.sub(rf"`?{re.escape(column.name).replace('_', '[_ ]')}`?", expr(column), made)
    elif names[1:] and (sign == "-" or re.search(r"\bsubtract\w*\b.*\bfrom\b", text, re.I)):
        b, a = names[:2] if re.search(r"\bsubtract\w*\b.*\bfrom\b", text, re.I) else names[1::-1]
        made = f"days({b}, {a})" if all(c.kind == "time" for c in s.own[:2]) else f"{a} - {b}"
    elif names[1:] and sign:
        made = f"({' + '.join(names)}) / {len(names)}" if sign == "mean" else f" {sign} ".join(names[: None if sign in "+*" else 2])  # fmt: skip
        times = re.search(r"(?:multiplied by|times|[*×]) ?(\d+(?:\.\d+)?)", text)
        made = f"({made}) * {times[1]}" if times and body == "" else made
    return [q.Derive(name=s.made.name, expr=made)] if s.made and made else None


def _outliers(s: _Step) -> _Done:
    if re.search(r"\b(?:not|never) (?:\w+ )?(?:remov|exclu|drop|delet|eliminat)", s.clause.text, re.I):
        return []
    if _says(s.clause, "after") or not (_says(s.clause, "outliers") or s.rule):
        return None
    return [q.RemoveOutliers(columns=tuple(c.name for c in s.own), rule=s.rule or q.Rule())]


def _recode(s: _Step) -> _Done:
    *values, other = [i.means for i in s.clause.items if i.code == "Q"] or [""]
    name = next(iter([*(c.name for c in s.columns if c.dtype == "new"), *(c.name for c in s.own)]), "")
    return [q.Recode(column=name, values=tuple((v, v) for v in values), other=other)] if values and name else None


_MADE = {"fill": _fill, "cut": _cut, "derive": _derive, "outliers": _outliers, "recode": _recode}
