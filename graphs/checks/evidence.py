"""Checks of what the findings rest on: cells that ran, enough rows, and no cause without an experiment."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from artifacts.types import Execution, Objection
from graphs.checks.base import Found, Work, check, mends, parted, sentences
from graphs.checks.causes import claimed_cause, denied
from graphs.checks.data import few_of
from graphs.checks.figures import counted, figures
from graphs.checks.inference import TESTS
from graphs.checks.relations import is_told, mentioned, relations
from graphs.checks.shadow import shadow
from graphs.checks.syntax import (
    assigned,
    calls,
    keywords,
    meanings,
    name_of,
    names,
    printed,
    spelled_out,
    statements,
    trees,
    words,
    written_text,
)
from graphs.review.prose.tables import tables

if TYPE_CHECKING:
    import pandas as pd

SMALL = 30
HANDFUL = 12
"""Rows below which a claim has to say that it rests on few, and below which one that does not say so is sent back."""

SMALL_WORDS = re.compile(
    r"\b(small|few|only|tiny|limited|n\s*=|low power|underpowered|wide interval|nur\b|wenige?\b|s[oó]lo\b|poc[oa]s\b|"
    r"seulement|peu de|pochi\b)",
    re.I,
)
_MODEST = re.compile(
    r"\b(hints?|tentative\w*|preliminary|suggestive|anecdot\w*|illustrat\w*|case study|more (data|samples|rows)|"
    r"not enough|cannot (be )?(general|say|settle|decide|prove)\w*|too early|no more than a|uncertain|inconclusive)\b",
    re.I,
)
_GENERAL = re.compile(
    r"\b(all|every|whole|always|throughout|everywhere|in general|generally|law|rule|recommend\w*|should|settles?|"
    r"proves?|proven|will)\b",
    re.I,
)
_OF_ROWS = words(
    """
    ttest_ind ttest_rel ttest_1samp mannwhitneyu wilcoxon ranksums f_oneway kruskal brunnermunzel ttest mwu corr
    corrwith corrcoef pearsonr spearmanr kendalltau linregress polyfit ols OLS regplot lmplot
    """
)
"""What compares or relates single rows; tests of counts rest on what was counted."""
_COUNTS_ROWS = re.compile(
    r"(^|_)(n|nb|nobs|count\w*|number|num|total\w*|size|sum|cases|trials|population|weight|anzahl|mean|avg|average|median|"
    r"rate|share|pct|percent)(_|$)",
    re.I,
)
_TIMES = re.compile(r"(^|_)(year|date|month|quarter|week|day|time|jahr|datum|monat|an|annee|fecha|anno|mes)(_|$)", re.I)
_NO_NAMES = words("other others none unknown yes no all any new old high low good bad a i in on is as an or")
"""Levels that stand in sentences without being spoken of."""
_FIRST = re.compile(r"\b(?:most|least|best|worst|top|leads?|first|last|\w{3,}est)\b", re.I)
_SET_ASIDE = re.compile(r"not compared|left out|leaves? out|exclud|omitted|set aside|not shown|too few", re.I)
_RANDOMISED = re.compile(r"randomi[sz]ed|experiment|a/?b[- ]test", re.I)
_DECLARED_NOT = re.compile(r"\b(not|non|quasi)\b|non-|quasi-", re.I)
_SAID_RANDOM = re.compile(
    r"randomi[sz](?:ed|ation)(?!\w*[ -]?(?:search|split|grid|cv|order|forest|seed))|"
    r"(?:assigned|allotted|drawn|allocated|chosen|divided) (?:[\w:]+ ){0,4}"
    r"(?:at random|randomly|by (?:lot|chance)\b|by (?:a |an )?(?:[\w'’]+ )?(?:lottery|coin|draw))|"
    r"randomly (?:assigned|allocated)|\bA/B[- ]test|\bRCT\b|randomisiert|zufällig zugeteilt|aleatoriz|randomisée?s?\b",
    re.I,
)


@check("evidence")
def evidence(work: Work) -> Iterator[Found]:
    """Every headline finding names a cell that ran to its end."""
    for finding in work.headlines:
        cell = work.cells.get(finding.evidence.cell)
        if cell is None:
            yield Objection(
                where=finding.id,
                problem=f"its evidence, {finding.evidence.cell}, is no cell of this notebook.",
                mend="Report the finding from the cell that computes it.",
            )
        elif cell.status != "ok":
            yield Objection(
                where=finding.id,
                problem=f"its evidence, {cell.cell}, did not run to its end.",
                mend="Mend the cell and report the finding again.",
            )


@check("failed_cells")
def failed_cells(work: Work) -> Iterator[Found]:
    """No cell was left failed."""
    everything = work.view.executions
    admitted = " ".join((work.report.answer, *work.report.not_checked))
    for i, cell in enumerate(everything):
        if cell.status in ("ok", "running") or cell.cell in admitted:
            continue
        if any(later.status == "ok" and mends(later, cell) for later in everything[i + 1 :]):
            continue
        what = f"{cell.error.name}: {cell.error.value[:120]}" if cell.error else "it was stopped before its end"
        yield Objection(
            where=cell.cell,
            problem=f"the cell failed ({what}) and nothing after it does what it was for.",
            mend=f"Mend it in a new cell, or say among the things not checked that {cell.cell} failed and why.",
        )


@check("small_n")
def small_n(work: Work) -> Iterator[Found]:
    """Claims that rest on few rows say so."""
    for finding in work.headlines:
        if finding.type != "claim" or finding.n is None or finding.n >= SMALL:
            continue
        if finding.confidence == "high":
            yield Objection(
                where=finding.id,
                problem=f"it rests on {finding.n} rows, fewer than {SMALL}, and its confidence is called high.",
                mend=f"Report it again with n = {finding.n} as a caveat and a lower confidence.",
            )
        elif not SMALL_WORDS.search(" ".join((finding.text, *finding.caveats))):
            if finding.n < HANDFUL and finding.evidence.cell in work.by_hand:
                yield Objection(
                    where=finding.id,
                    problem=f"it rests on a handful of rows, {finding.n}, and does not say so.",
                    mend=f"Report it again with n = {finding.n} in the sentence or as a caveat.",
                )
            else:
                yield f"{finding.id} rests on only {finding.n} rows."
    told = work.report.answer
    if not work.headlines and not SMALL_WORDS.search(told):
        for cell, tree in trees(work):
            if (few := _handful(cell, tree, told) or _cut_short(tree)) is not None:
                yield few_rows(cell.cell, f"it rests on a handful of rows, {few},")
                return
        for place, few in (*_averaged_few(work), *_level_few(work), *_whole_few(work), *_rate_few(work)):
            yield few_rows(place, f"a number of the report stands for a handful of rows, {few},")
            return
        for level, few in sorted(_named_few(work).items()):
            yield few_rows("answer", f"{level!r} has a handful of rows, {few},")
            return


def few_rows(where: str, what: str) -> Objection:
    """That something stands for a handful of rows, and nobody is told so."""
    return Objection(
        where=where,
        problem=f"{what} and the report does not say so.",
        mend="Say in the sentence how few there are, or leave those out of the claim.",
    )


def _whole_few(work: Work) -> Iterator[tuple[str, int]]:
    """The cell that tests, fits or compares rows of tables that have a handful in all, of which the report repeats a
    number and speaks in general: its place and how many rows. Rows that count others, and years, are no sample."""
    frames = list(work.frames.values())
    answer = work.report.answer
    if not frames or any(len(f) >= HANDFUL or _stands_for_more(f) for f in frames) or _MODEST.search(answer):
        return
    counts = {len(f) for f in frames} | {
        int(n) for f in frames for c in f.columns if 2 <= f[c].nunique() <= 4 for n in f[c].value_counts()
    }
    if any(_is_counted(n, answer) for n in counts):
        return
    for cell, tree in trees(work):
        done = {name_of(c) for c in calls(tree)}
        compares = "groupby" in done and done & {"mean", "median", "agg"} and _GENERAL.search(answer)
        if (done & _OF_ROWS or compares) and is_told(work, cell):
            yield cell.cell, max(len(f) for f in frames)
            return


def _stands_for_more(frame: pd.DataFrame) -> bool:
    """Whether the rows of a table are sums of others, or points in time: a column counts, or holds years or dates."""
    for column in frame.columns:
        values = frame[column].dropna()
        if _COUNTS_ROWS.search(str(column)) or _TIMES.search(str(column)):
            return True
        if values.dtype.kind == "i" and len(values) and 1800 <= values.min() <= values.max() <= 2100:
            return True
    return False


def _named_few(work: Work) -> dict[str, int]:
    """The levels that the answer names and of which the given tables have a handful of rows, with how many."""
    found = {}
    for level, n in (pair for frame in work.frames.values() for pair in few_of(frame, HANDFUL).items()):
        for sentence in parted(work.report.answer):
            told = level.lower() not in _NO_NAMES and (figures(sentence) or _FIRST.search(sentence))
            if told and is_named(level, sentence) and not _is_counted(n, sentence) and not _SET_ASIDE.search(sentence):
                found[level] = n
    return found


def is_named(level: str, text: str) -> bool:
    """Whether a text names a level: as it is written, or a longer word by its stem, the hurdlers of `hurdles`."""
    if re.search(rf"(?<!\w){re.escape(level)}(?!\w)", text):
        return True
    stem = level[: max(5, len(level) - 2)]
    return level.isalpha() and len(level) > 5 and re.search(rf"\b{stem}\w{{0,4}}\b", text, re.I) is not None


def _averaged_few(work: Work) -> Iterator[tuple[str, int]]:
    """Averages of a handful of rows that the report repeats as if of many: their cells, and of how many."""
    told = [f for f in figures(work.report.answer) if not f.whole or f.value > HANDFUL]
    largest = max((len(f) for f in work.frames.values()), default=0)
    for made in shadow(work).reduced:
        usual = sorted([0, *(n for _, n in made.values)])[(len(made.values) + 1) // 2]
        alone = len(made.values) == 1
        if made.name not in ("mean", "median", "agg", "aggregate"):
            continue
        left_over = made.of * 10 <= largest and not any(_stands_for_more(f) for f in work.frames.values())
        if (largest if alone else usual) < SMALL and not left_over:
            continue
        for value, rows in made.values:
            said = [f for f in told if f.is_near(value) or (f.share and f.is_near(100 * value))]
            if said and 0 < rows < HANDFUL and not _is_counted(rows, work.report.answer):
                yield made.cell.cell, rows


def _level_few(work: Work) -> Iterator[tuple[str, int]]:
    """Averages of a level with a handful of rows that the report repeats, of the columns that a cell relates."""
    told = [f for f in figures(work.report.answer) if not f.whole or f.value > HANDFUL]
    for pair in relations(work):
        frame = work.frames[pair.table]
        for by, of in ((pair.x, pair.y), (pair.y, pair.x)):
            if frame[of].dtype.kind not in "iufb" or not 2 <= frame[by].nunique() <= 50:
                continue
            levels = frame.groupby(by, observed=True)[of].agg(["mean", "median", "count"])
            if levels["count"].median() < SMALL:
                continue
            for mean, median, rows in levels[levels["count"] < HANDFUL].itertuples(index=False):
                said = any(f.is_near(v) or (f.share and f.is_near(100 * v)) for f in told for v in (mean, median))
                if said and not _is_counted(int(rows), work.report.answer):
                    yield pair.cell.cell, int(rows)


def _rate_few(work: Work) -> Iterator[tuple[str, int]]:
    """Rates that the report repeats of a row with a handful of cases under the line, where most rows have many."""
    known, told = meanings(work), figures(work.report.answer)
    for cell, tree in trees(work):
        for node in ast.walk(tree):
            if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div):
                continue
            over, under = (spelled_out(side, known, 1) for side in (node.left, node.right))
            for frame in work.frames.values():
                above, below = mentioned(over, frame), mentioned(under, frame)
                if len(above) != 1 or len(below) != 1 or any(frame[c].dtype.kind not in "iu" for c in above + below):
                    continue
                counts = frame[below[0]]
                few = frame[(counts > 0) & (counts < HANDFUL)] if counts.median() >= SMALL else frame[:0]
                for _, row in few.iterrows():
                    rate, rows = float(row[above[0]] / row[below[0]]), int(row[below[0]])
                    named = any(isinstance(v, str) and is_named(v, work.report.answer) for v in row)
                    said = any(f.is_near(rate) or f.is_near(100 * rate) for f in told)
                    if named and said and not _is_counted(rows, work.report.answer):
                        yield cell.cell, rows


def _is_counted(rows: int, told: str) -> bool:
    """Whether a text says how many rows there are, in digits or in a word."""
    one = rows == 1 and re.search(r"\bone\b", told, re.I)
    return bool(one or rows in counted(told) or re.search(rf"(?<![\w.,]){rows}(?![\d.,]\d|\d)", told))


def _cut_short(tree: ast.Module) -> int | None:
    """The rows that `head(6)` and the like leave, where a test or a fit is made of them."""
    few: dict[str, int] = {}
    for statement in statements(tree):
        pair = assigned(statement)
        if pair is not None:
            left = [n for c in calls(pair[1]) if (n := _kept(c)) is not None]
            of = [few[n] for n in sorted(names(pair[1])) if n in few]
            few |= {t.id: min([*left, *of]) for t in pair[0] if isinstance(t, ast.Name) and (left or of)}
    for call in calls(tree):
        if name_of(call) in TESTS or name_of(call) in ("corr", "polyfit", "ols", "OLS"):
            rows = [few[n] for n in sorted(names(call)) if n in few]
            rows += [n for c in calls(call) if (n := _kept(c)) is not None]
            if rows and 1 < min(rows) < HANDFUL:
                return min(rows)
    return None


def _kept(call: ast.Call) -> int | None:
    if name_of(call) not in ("head", "tail", "sample", "limit") or len(call.args) + len(call.keywords) < 1:
        return None
    if any(name_of(c) in ("groupby", "group_by") for c in calls(call.func)):
        return None  # some rows of each group
    many = call.args[0] if call.args else keywords(call).get("n")
    return many.value if isinstance(many, ast.Constant) and isinstance(many.value, int) else None


def _handful(cell: Execution, tree: ast.Module, told: str) -> int | None:
    """The rows of a test's samples, or of a group that the report names, where a cell shows that they are few."""
    tested = {n for c in calls(tree) if name_of(c) in TESTS or name_of(c) == "corr" for n in names(c)}
    for expression, values in printed(cell, tree):
        counted = isinstance(expression, ast.Call) and name_of(expression) == "len" and names(expression) & tested
        if counted and len(values) == 1 and 0 < values[0] < HANDFUL and not _is_counted(int(values[0]), told):
            return int(values[0])
    for rows in tables(written_text(cell)):
        for row in rows:
            place = next((i for i, h in enumerate(row.heads) if h in ("size", "count", "n", "nobs")), None)
            named = len(row.labels) == 1 and re.search(rf"(?<![\w.,]){re.escape(row.labels[0])}(?![\w%]|[.,]\d)", told)
            few = place is not None and named and len(row.numbers) > 1 and 0 < row.numbers[place] < HANDFUL
            if place is not None and few and not _is_counted(int(row.numbers[place]), told):
                return int(row.numbers[place])
    return None


@check("causal_words")
def causal_words(work: Work) -> Iterator[Found]:
    """No cause is claimed that the design does not allow."""
    if randomised(work):
        return
    for where, text in sentences(work):
        if (claim := claimed_cause(text)) is not None:
            yield Objection(
                where=where,
                problem=f"“{claim}” claims a cause, and no randomised assignment was declared.",
                mend="Say that the two go together, and name what else could explain it.",
            )


def randomised(work: Work) -> bool:
    """Whether somebody declared an assignment, or says that there was one, and its shares were not found wanting."""
    declared = any(
        role in ("assignment", "treatment", "arm") or (_RANDOMISED.search(f"{role} {column}"))
        for role, column in work.roles.items()
        if not _DECLARED_NOT.search(f"{role} {column}")
    )
    said = " ".join((work.view.run.goal, work.given, *(text for _, text in sentences(work))))
    told = any(not denied(said[: m.start()]) for m in _SAID_RANDOM.finditer(said))
    if work.roles and any(_DECLARED_NOT.search(f"{r} {c}") and _RANDOMISED.search(c) for r, c in work.roles.items()):
        return False
    return (declared or told) and not any(f.kind == "sample_ratio_mismatch" for f in work.view.findings)
