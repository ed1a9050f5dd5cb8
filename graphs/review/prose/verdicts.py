"""What a report says of tests and of rows left out, held against what cells printed, and in which order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from artifacts.types import Execution
from graphs.review.facts import LEFT_OUT, Given
from graphs.review.mentions import YEAR, Tables, labels, last_year, spoken
from graphs.review.prose.figures import NUMBER, Figure, figures, sentences, size
from graphs.review.prose.numbers import printed_numbers
from graphs.review.prose.said import statistic

_P = re.compile(
    r"\bp(?:[-_ ]?val(?:ue)?)?(?:\s*[=:]\s*(?:np\.float64\()?|\s+(?:of |is )?(?=0?\.\d|\d(?:\.\d+)?e-))", re.I
)
_NONE = re.compile(
    r"(?:\b(?:no|not|never|neither|nor|none|nothing|nowhere|cannot|far from|hardly|short of|fail\w*)|n't)\b[^.;,]{0,40}"
    r"\b(?:differ\w*|significan\w*|relat\w*|association|effect)\b|"
    r"\bsignifican\w*\b[^.;,]{0,30}(?:\b(?:not|never|cannot|neither)|n't)\b",
    re.I,
)
_FOUND = re.compile(r"(?<!not )(?<!non-)(?<!in)\bsignifican(?:t|tly)\b", re.I)
_REAL = re.compile(
    r"\b(?:is|are|was|were) (?:\w+ )?(?:real|genuine)\b|"
    r"(?:\b(?:not|hardly|unlikely|cannot)\b|n't)(?: \w+){0,4} (?:chance|coincidence|noise|luck)\b|"
    r"\b(?:beyond|more than|rul\w+ out|exclud\w+) (?:mere |pure )?(?:chance|coincidence)\b",
    re.I,
)
"""What says in other words that a difference is significant."""
_OPEN = re.compile(
    r"\b(?:if|whether|may|might|could|would|can(?:not|['’]t| not)|no|not|assum\w*|requir\w*|need\w*)\b|n['’]t\b", re.I
)
"""What leaves open whether something is so."""
_LAST = re.compile(r"[,;:]")
_MARGINAL = re.compile(r"\b(?:marginal|weak|borderline|10 ?%|0?\.10?\b|1 ?%|0?\.01\b|correct|adjust|one-sided)", re.I)
_SUPPOSED = {
    "normal": (
        r"shapiro|normal(?!i[sz]e)|anderson|jarque|lilliefors|agostino|kstest",
        r"\bnormally distributed\b|\b(?:is|are|was|were|looks?|seems?) (?:\w+ ){0,2}normal\b|\bfollow\w* a normal\b|"
        r"\bnormality (?:\w+ )?(?:holds?|met|given)\b",
    ),
    "equal": (
        r"levene|bartlett|fligner|varianc",
        r"\b(?:equal|homogeneous|the same|similar) varianc|"
        r"\bvariances? (?:\w+ ){0,3}(?:equal|alike|homogeneous|the same)\b",
    ),
}  # fmt: skip
"""What tests suppose of their samples: by what a test of that is known, and how it is said to be so."""
_DOUBT = re.compile(
    r"\b(?:no|not|non|none|never|neither|nor|nothing|cannot|chance|may|might|could|insufficient|random\w*|little|weak\w*|"
    r"fail\w*|without|un\w+|in(?:conclusive|significant)|consistent|hardly|lack\w*|small|coincidence|noise)\b|n't\b",
    re.I,
)
"""One of these is in every sentence that tells a large p value for what it is."""
_CLAIMED = re.compile(r"\bstatistically significant|\bsignificantly (?:\w+er|more|less|worse|differ\w*)\b", re.I)
_TEST = re.compile(r"test|stats|scipy|p_?val|bootstrap|permut|resampl|interval|conf|fit\(|sem\b|sqrt|ols\b|1\.96", re.I)
"""What stands in cells that may weigh a difference against chance."""
_SURE, _LEVEL, _UNSURE = 0.01, 0.05, 0.1


def p_values(text: str) -> list[float]:
    """The p values that stand in a text as such."""
    told = (NUMBER.match(text, m.end()) for m in _P.finditer(text))
    return [p for n in told if n is not None and 0 <= (p := size(n["body"], n["power"])) <= 1]


def untested(text: str, cells: Sequence[Execution], tests: Sequence[float] = ()) -> Iterator[str]:
    """What is said not to differ and does by the p value beside it, else by every test that was made, and the other
    way round. `tests` are the p values of tests that were seen to be made."""
    made_of = [(kind, p) for x in cells for kind, p in _p_values_by_kind(x)]
    printed = [*(p for kind, p in made_of if not kind), *tests]
    every = sentences(text)
    made = (x for x in cells if not {"open", "toolkit"} & {*x.tags})
    tested = any("code" not in x.tags or _TEST.search(f"{x.code}\n{x.text}") for x in made)
    for place, clause in enumerate(every):
        for kind, (_, said) in _SUPPOSED.items():
            of = [p for k, p in made_of if k == kind]
            claim = re.search(said, clause, re.I)
            if of and claim and max(of) < _SURE and not _OPEN.search(_LAST.split(clause[: claim.start()])[-1]):
                yield f"“{claim[0]}” is said, and every test of that says otherwise (p = {max(of):.2g})"
        if not (known := p_values(clause) or printed):
            if not tested and _CLAIMED.search(clause) and not _DOUBT.search(clause):
                yield f"“{clause.strip()[:60]}” is said to be significant, and no test was made"
            continue
        low, high = min(known), max(known)
        shown = f"(p = {' to '.join(f'{p:.2g}' for p in sorted({low, high}))})"
        none, real = _NONE.search(clause), _REAL.search(clause)
        found = _FOUND.search(clause) or (real and not _OPEN.search(_LAST.split(clause[: real.start()])[-1]))
        sure, unsure = (_SURE, _UNSURE) if _MARGINAL.search(text) else (_LEVEL, _LEVEL)
        if none and high < (sure if "significan" in none[0].lower() else _SURE):
            yield f"“{none[0]}” is said, and every test says otherwise {shown}"
        elif not none and found and low > unsure:
            yield f"“{clause.strip()[:60]}” is said to be significant, and no test says so {shown}"
        elif (
            not none
            and min(p_values(clause), default=0) > _UNSURE
            and not _DOUBT.search(" ".join(every[place : place + 2]))
        ):
            yield f"“{clause.strip()[:60]}” is said, and its p value proves nothing"


def _p_values_by_kind(cell: Execution) -> Iterator[tuple[str, float]]:
    """The p values that a cell printed, with what a test supposes where it is a test of that, by the words of its line
    or else by the only tests of its code."""
    for line in cell.text.splitlines():
        kind = next((k for k, (by, _) in _SUPPOSED.items() if re.search(by, line, re.I)), None)
        if kind is None and not _COMPARES.search(cell.code):
            kind = next((k for k, (by, _) in _SUPPOSED.items() if re.search(by, cell.code, re.I)), None)
        yield from ((kind or "", p) for p in p_values(line))


_COMPARES = re.compile(
    r"ttest|mannwhitney|wilcoxon|kruskal|f_oneway|chi2|fisher|pearsonr|spearmanr|kendall|linregress|ols", re.I
)

AT_MOST = re.compile(
    r"\b(?:at most|(?:no|not) more than|up to|under|below|less than|within|max(?:imum|\.)?(?: of)?) [€$£]?$", re.I
)
AT_LEAST = re.compile(
    r"\b(?:at least|(?:no|not) (?:less|fewer) than|over|above|more than|min(?:imum|\.)?(?: of)?) [€$£]?$", re.I
)
_KEPT = re.compile(
    r"\b(?:yes|met|meets?|within|kept|keeps?|reach\w*|satisf\w*|achiev\w*|below|under|hit|fulfil\w*)\b", re.I
)
_FAILED = re.compile(
    r"\b(?:(?:no|not|never)\b(?!-)|miss\w*|exceed\w*|fail\w*|just over|slightly|narrowly|short of)\b|n['’]t\b", re.I
)


def kept_by_rounding(question: str, text: str, cells: Sequence[Execution]) -> Iterator[str]:
    """The numbers that are said to keep a bound of the question, and do so only as they were rounded."""
    printed = [abs(v) for x in cells for v in printed_numbers(x)]
    bounds = [
        (f, AT_MOST.search(f.before))
        for f in figures(question)
        if AT_MOST.search(f.before) or AT_LEAST.search(f.before)
    ]
    for bound, most in bounds if _KEPT.search(text) and not _FAILED.search(text) else ():
        for f in (f for f in figures(text) if f.share == bound.share and abs(f.value - bound.value) <= f.half):
            exact = {v * times for v in printed for times in ((1, 100) if f.share else (1,)) if f.is_near(v * times)}
            of = [v for v in exact if abs(v - bound.value) > 1e-9]
            if of and len(of) == len(exact) and all((v > bound.value) is (most is not None) for v in of):
                exactly = f"{f.text} was {min(of):g} before it was rounded"
                yield f"{exactly}, which does not keep the {bound.text} that the question asks about"
                return


_CHANCE = re.compile(r"\b(?:chances?|probab\w+|likel\w+|certain\w*|sure|confiden\w+|odds)\b", re.I)


def misread(text: str, cells: Sequence[Execution]) -> Iterator[str]:
    """The p values that are told as how likely it is that something is so, or not so."""
    known = [100 * p for x in cells for p in p_values(x.text)]
    for f in (f for f in figures(text) if f.share and _CHANCE.search(f.clause) and "interval" not in f.clause):
        if any(f.is_near(p) or f.is_near(100 - p) for p in known if p < 50):
            yield f"“{f.clause.strip()[:60]}” takes a p value for the chance that something is so, which it is not"


_AHEAD = re.compile(
    r"\b(?:(?:forecast|expect|project(?:ed|ion|s)|predict|estimat|extrapol|could|likely|assum|interval|range|uncertain|plan|"
    r"target|goal|deadline)\w*|if|would|may(?! \d)|might|between|not|no|until|up to)\b|±|n['’]t\b",
    re.I,
)
"""What says that a number of a time to come is no fact, or that it is none of the table's."""


def beyond(text: str, tables: Tables) -> Iterator[str]:
    """What is told as a fact of a year after the last one of the tables."""
    last, every = last_year(tables), sentences(text)
    if last is None:
        return
    for place, clause in enumerate(every):
        years = [int(n.value) for n in labels(clause, tables) if n.column == YEAR]
        hedged = _AHEAD.search(" ".join(every[max(place - 1, 0) : place + 2]))
        if years and max(years) > last and not hedged and len(figures(clause)) > 1:
            yield f"{max(years)} lies beyond the table, which ends in {last}, and is told of as a fact"


_R = re.compile(r"\br\s?[=≈]\s?[-−]?$|\bcorrelat\w*\b[^.;]{0,40}$", re.I)
_POSITIVE, _NEGATIVE = re.compile(r"\bpositiv", re.I), re.compile(r"\b(?:negativ|invers)", re.I)
_TOLD_AS = re.compile(r"(?:[=≈]|\b(?:is|was|of|at)(?: (?:about|only|roughly|around))?)\s?$")
_DOWN = re.compile(
    r"\b(?:opposite|absolute|strength|magnitude|less|fewer|lower|smaller|weaker|shorter|f[ae]ll\w*|drop\w*|declin\w*|"
    r"decreas\w*|down|either)\b",
    re.I,
)
"""What says in other words that a correlation is negative, or that its sign is not told."""


def turned(text: str, cells: Sequence[Execution]) -> Iterator[str]:
    """The correlations that are told or called positive and were put out negative, and the other way round."""
    every = [v for x in cells for v in printed_numbers(x)]
    for f in (f for f in figures(text) if _R.search(f.before) and not f.share and f.value < 1):
        found = [v for v in every if f.is_near(v)]
        up, down = (way.search(f.clause) is not None for way in (_POSITIVE, _NEGATIVE))
        beside = re.split(r"[,;\d]", f.before)[-1] + f.after
        bare = _TOLD_AS.search(f.before) is not None and not _DOWN.search(beside)
        way = (up - down) or (-1 if f.text[0] in "-−–" else int(bare))
        if way and found and all(v * way < 0 for v in found):
            said = ("said to be positive" if up else "told without its sign") if way > 0 else "told as negative"
            yield f"{f.text} is {said}, and a cell put out {found[0]:.3g}"


def swapped(text: str, given: Given) -> Iterator[tuple[Figure, str]]:
    """The numbers that are told of a group, and that cells printed for another one and nowhere else, with what is
    wrong."""
    every = [v for x in given.shown for v in printed_numbers(x)]
    for s in (s for _, some in spoken(text, given.list) for s in some if s.figure.digits > 2):
        for n in s.labels:
            tables = [by for column, by in given.printed if column == n.column and n.value in by]
            own = any(s.figure.tells(by[n.value]) for by in tables)
            others = [g for by in tables for g, v in by.items() if s.figure.tells(v)]
            if others and not own and sum(map(s.figure.tells, every)) <= len(others):
                yield s.figure, f"{s.figure.text} is what a cell printed for {others[0]}, and is told of {n.value}"


def stale(text: str, question: str, cells: Sequence[Execution]) -> Iterator[str]:
    """The statistics that are said to be without some rows and were last put out before a cell left those out."""
    first = next((i for i, x in enumerate(cells) if _LEAVES.search(x.code)), None)
    if first is None:
        return
    before, after = ([v for x in some for v in printed_numbers(x)] for some in (cells[:first], cells[first + 1 :]))
    during = [v for x in cells[first : first + 1] for v in printed_numbers(x)]
    for clause in sentences(text):
        if _BEFORE.search(clause) or not LEFT_OUT.search(f"{clause} {question}") or not statistic(clause):
            continue
        for f in (f for f in figures(clause) if not f.whole and not any(map(f.tells, after))):
            if any(map(f.tells, before)) and not any(map(f.tells, during)):
                yield f"{f.text} was put out before {cells[first].cell} left rows out"


_BEFORE = re.compile(r"\b(?:before|raw|original|instead|with|first|all)\b", re.I)
_LEAVES = re.compile(
    r"\w\[\s*\w+\s*(?:[!=]=|[<>]=?)|"
    r"\b(?:dropna|drop_duplicates|query|mask|where|filter)\(|\[[^\[\]]*(?:\[[^\]]*\]|\.\w+)\s*(?:[!=]=|[<>]=?)"
)
"""Code that leaves rows out."""
