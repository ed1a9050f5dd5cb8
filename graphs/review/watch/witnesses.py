"""Checks of what the cells were seen to do when they ran again: rows lost or repeated, axes, tests, what was fitted to
which rows. They say nothing where nobody watched."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from graphs.review.base import Found, Work, check
from graphs.review.facts import computed_in, stands
from graphs.review.mentions import time_columns
from graphs.review.prose.figures import MONTH, figures
from graphs.review.prose.said import statistic
from graphs.review.syntax import written_text
from graphs.review.tables import cut_short
from graphs.review.watch.observed import Seen

_LEANS = re.compile(r"significan|signifikan|\bp\s*[=<≤(]|\bp[- ]?(?:value|Wert)|interval|\bCI\b|confidence", re.I)
_MADE = re.compile(r"\[['\"](?P<put>[^'\"]+)['\"]\]\s*=(?!=)(?P<of>.+)|\b(?P<new>\w+)\s*=\s*lambda(?P<by>.+)")
_CORRECTED = re.compile(
    r"multipletests|fdr|bonferroni|holm|hochberg|false_discovery|padjust|multicomp|tukey|sidak|correct(?:ed|ion)|"
    r"0?\.0[15]\s*/|p_adj|family-?wise|by chance|explorat",
    re.I,
)
_TWICE = re.compile(r"duplic|unique|distinct|twice|repeat|doubl|first\(|row_number", re.I)
_FAMILY, _DRAWS = 5, 100
"""Tests that make a family; and how many of one place make no family but draws of one measure."""
_COMPARED = re.compile(
    r"baseline|always|guess|majority|large(?:r|st) class|most frequent|commonest|chance|balanced|\brecall\b|"
    r"\bprecision\b|sensitivit|specificit|\bAUC\b|\bF1\b|dummy|base rate|prevalence|catches|missed",
    re.I,
)
_RARE, _HIGH = 0.75, 0.85
"""The share of the commonest class, and the accuracy, from which one has to be told beside the other."""


_TOLD = re.compile(r"\b(?:(?:left|leav\w+) out|set aside|exclud\w+|omit\w*|discard\w*|dropped|removed)\b", re.I)
"""What tells that rows are missing in what was computed."""


@check("dropped_rows", "Print the number of rows before and after, and why those rows may go.")
def dropped_rows(work: Work) -> Iterator[Found]:
    """No rows were dropped without saying how many."""
    if _TOLD.search(work.said):
        return
    shown = " ".join([*map(written_text, work.written), work.said])
    told = {float(m.replace(",", "")) for m in re.findall(r"(?<![\w.])\d+(?:,\d{3})*(?:\.0)?(?![\w.]*\d)", shown)}
    for seen in work.seen("dropped"):
        before, after = seen.number("before"), seen.number("after")
        if after < before and told.isdisjoint((after, before - after)) and not seen.facts.get("at_edge"):
            yield (
                seen.cell,
                f"{before - after:,} of {before:,} rows were left out for missing values, and nothing says how many.",
            )


@check(
    "fan_out",
    "Bring the other side to one row a key first (aggregate it), and join that; or add up before the rows repeat.",
)
def fan_out(work: Work) -> Iterator[Found]:
    """Nothing is summed or counted of rows that a join or an explosion has repeated."""
    for seen in work.seen("merge", "explode"):
        if _added_up(work, seen):
            made = f"{seen.number('rows'):,} rows of {seen.number('left'):,}"
            made += f" and {seen.number('right'):,}" if seen.kind == "merge" else ""
            yield seen.cell, f"`{seen.kind}` made {made}: values stand there several times, and are then added up."


def _added_up(work: Work, seen: Seen) -> bool:
    """Whether a column of a side whose rows were repeated is summed afterwards, or those of the left side counted."""
    rows, unique = seen.number("rows"), {s: seen.facts.get(f"{s}_unique", s == "left") for s in ("left", "right")}
    if seen.kind == "merge" and not any(unique.values()) and rows > max(seen.number("left"), seen.number("right")):
        return True
    for side, other in (("left", "right"), ("right", "left")):
        if unique[other] or rows <= seen.number(side):
            continue
        columns = {str(c) for c in seen.facts.get(f"{side}_columns") or ()}
        for made in _MADE.finditer(work.code):
            if any(re.search(rf"\b{re.escape(c)}\b", made["of"] or made["by"]) for c in columns):
                columns.add(made["put"] or made["new"])
        for use in work.seen("reduced", "grouped"):
            how = str(use.facts.get("by" if use.kind == "reduced" else "how"))
            of = {
                str(c) for c in (use.facts.get("column"), *(use.facts.get("columns") or ()), *re.findall(r"\w+", how))
            }
            added = "sum" in how or ("count" in how and side == "left" and seen.kind == "merge")
            if added and columns & of and use.number("rows") > seen.number(side):
                return True
    return False


@check(
    "repeated_rows",
    "Leave them out with drop_duplicates() before anything is counted or added up, or say why they stay.",
)
def repeated_rows(work: Work) -> Iterator[Found]:
    """No rows that a table holds twice are counted twice without a word."""
    added = "sum" in computed_in(work.code) or statistic(work.view.run.goal) in (("sum",), ("count",))
    if not added or _TWICE.search(f"{work.said}\n{work.code}"):
        return
    for name, frame in work.frames.items():
        once = frame.drop_duplicates()
        keys = [c for c in once if once[c].dtype.kind != "f" and once[c].is_unique and len(once) < len(frame)]
        if keys and (len(work.frames) == 1 or name in work.code):
            many = f"{len(frame) - len(once):,} of the {len(frame):,} rows of {name}"
            yield "answer", f"{many} repeat another one, {keys[0]} too, and are counted again without a word."


_PART_OF_YEAR = re.compile(
    rf"\b{MONTH}\b|(?i:\b(?:months?|quarters?|weeks?|seasons?|so far|to date|(?:whole|full|entire) year|until|through|"
    r"incomplete|partial\w*|unfinished|cut short|not (?:yet )?(?:over|complete|full)|ends? (?:on|in))\b)"
)


@check("part_years", "Compare the same months of both years, or say up to which day the later one goes.")
def part_years(work: Work) -> Iterator[Found]:
    """No total of a year that breaks off in the data is compared with that of a whole one without a word."""
    told = [f for f in figures(work.report.answer) if f.digits > 2]
    spoken = f"{work.view.run.goal} {work.said}"
    for table in work.tables if told and not _PART_OF_YEAR.search(work.said) else ():
        frame = work.frames.get(str(table["name"]))
        for column in (c for c in time_columns([table]) if stands(c, work.code)):
            parted = cut_short(frame, column) if frame is not None and column in frame else None
            if parted is None or not all(re.search(rf"\b{year}\b", spoken) for year in parted.years):
                continue
            if any(all(any(f.is_near(v) for f in told) for v in two) for two in parted.totals):
                last, before = parted.years
                yield (
                    "answer",
                    f"{last} goes on to {parted.end} only and is held against all of {before}, which is not said.",
                )


@check("charts", "Let the bars start at zero on an even axis, or draw points with intervals instead.")
def charts(work: Work) -> Iterator[Found]:
    """Bars start at zero on an even scale."""
    for seen in work.seen("bars"):
        low, high, scale = seen.number("low"), seen.number("high"), seen.facts.get("scale")
        uneven = scale in ("log", "symlog", "logit")
        cut = scale == "linear" and (low > 1e-9 * abs(high) or high < -1e-9 * abs(low))
        bars = seen.facts.get("from_zero") and not seen.facts.get("histogram")
        if bars and (cut or uneven or seen.facts.get("inverted")):
            what = "is logarithmic" if uneven else "does not start at zero"
            yield seen.cell, f"its bars stand on an axis that {what}, so their lengths do not say how much."


@check("repeated_units", "Aggregate to one row of each first, or use a mixed model or errors clustered by them.")
def repeated_units(work: Work) -> Iterator[Found]:
    """Repeated measurements of one unit are not tested as if they were independent."""
    if not _LEANS.search(work.said) or re.search(r"independen|cluster|mixed model|aggregat", work.said, re.I):
        return
    for seen in work.seen("test", "model"):
        for unit in seen.facts.get("units") or ():
            name = str(unit.get("column"))
            grouped = r"(?:groupby|pivot_table|drop_duplicates|groups\s*=|cluster|subject\s*=)[^\n]{0,60}"
            if not re.search(rf"(?i:mixedlm|AnovaRM|\bgee\b)|{grouped}\b{re.escape(name)}\b", work.code):
                rows = f"its {unit.get('rows')} rows are of {unit.get('levels')} values of {name!r} and alike within"
                yield seen.cell, f"{rows} each, so they are not independent: p is far too small."


@check("fit_before_split", "Split first and let it learn from the training part only, best inside a Pipeline.")
def fit_before_split(work: Work) -> Iterator[Found]:
    """Nothing learns from the rows on which it is tested."""
    for seen in work.seen("leak", "scored"):
        rows, fitted = seen.number("rows"), seen.number("fit_rows")
        known = seen.number("shared") >= 0.95 * rows > 0 and seen.number("distinct") > 0.9
        name = f"`{seen.facts.get('by') or seen.facts.get('model')}` was fitted to"
        if seen.kind == "leak":
            yield seen.cell, f"{name} all {rows:,} rows, and the model is then tested on some of them."
        elif known and seen.facts.get("held") and fitted > rows:
            yield seen.cell, f"{name} {fitted:,} rows, among them the {rows:,} that it is tested on."


_UNSEEN = re.compile(
    r"(?:\b(?:not|never|cannot)\b|n't)[^.;]{0,20}\b(?:seen|trained|fitted|known|met)\b|\bunseen\b|\bnew \w+|"
    r"\bheld[- ]?out\b|\bout[- ]of[- ]sample\b|\bfuture\b|\bgenerali[sz]",
    re.I,
)
_PREDICTS = re.compile(r"\b(?:predict|forecast|foresee|classif)", re.I)
_OF_TRAINING = re.compile(
    r"\b(?:train\w*|in[- ]sample|same (?:rows|data|\w+)|fitted (?:to|on)|optimistic|too good)\b", re.I
)


@check(
    "training_score",
    "Score it by cross-validation or on rows left out, or say that the score is of the rows learnt from.",
)
def training_score(work: Work) -> Iterator[Found]:
    """How well is predicted is not told by a score on the very rows that were learnt from."""
    scores, apart = (
        list(work.seen("scored")),
        re.search(r"cross_val|SearchCV|oob_score|KFold|train_test_split", work.code),
    )
    known = [s for s in scores if s.number("shared") >= s.number("rows") == s.number("fit_rows") > 0]
    claimed = _UNSEEN.search(work.said) or _PREDICTS.search(work.view.run.goal)
    if known and len(known) == len(scores) and claimed and not apart and not _OF_TRAINING.search(work.said):
        name = f"`{known[0].facts.get('model')}`"
        yield (
            known[0].cell,
            f"{name} is scored on the {known[0].number('rows'):,} rows that it was fitted to, which is not said.",
        )


@check("mixed_units", "Split by it: GroupKFold or GroupShuffleSplit with groups=, or split the ids first.")
def mixed_units(work: Work) -> Iterator[Found]:
    """Held-out rows are of other units than those that were learnt from."""
    for score in work.seen("scored"):
        for unit in score.facts.get("mixed") or ():
            one = f"rows of one {unit.get('column')!r} stand on both sides of the split"
            yield score.cell, f"{one}, so the model is tested on what it knows."


@check(
    "multiple_testing",
    "Correct the whole family by Benjamini-Hochberg (multipletests) and report q and how many tests.",
)
def multiple_testing(work: Work) -> Iterator[Found]:
    """Where many tests were made, their p values were corrected for it."""
    corrected = _CORRECTED.search(f"{work.said}\n{work.code}") or any(work.seen("corrected"))
    made = Counter[tuple[str, float]]()
    for test in work.seen("test") if _LEANS.search(work.said) and not corrected else ():
        made[test.cell, test.number("line")] += max(int(test.number("many")), 1)
    family = {place: n for place, n in made.items() if n < _DRAWS}
    if (many := sum(family.values())) >= _FAMILY:
        told = f"{many} tests are made and the smallest p values told, and nothing corrects for their number."
        yield max(family, key=family.__getitem__)[0], told


@check("rare_class", "Give that share beside it, and recall, precision or AUC for the rare class.")
def rare_class(work: Work) -> Iterator[Found]:
    """Accuracy is set against what naming the commonest class would give."""
    if _COMPARED.search(work.said) or not re.search(r"accura|correct|right", work.said, re.I):
        return
    for seen in work.seen("accuracy"):
        share, value = seen.number("commonest"), seen.number("value")
        if share >= _RARE and value >= _HIGH:
            always = f"naming the commonest class every time gives {share:.1%}"
            yield seen.cell, f"an accuracy of {value:.1%} is told, and {always}."


@check(
    "chained_assignment", "Assign in one step: `df.loc[rows, column] = value`, or `df[column] = df[column].where(...)`."
)
def chained_assignment(work: Work) -> Iterator[Found]:
    """Values are assigned to the table itself and not to a copy."""
    for cell in work.written:
        if any(re.search("ChainedAssignmentError|SettingWithCopyWarning", o.text) for o in cell.outputs):
            yield cell.cell, "pandas warns that it assigns to a copy, so the table stays as it was."
