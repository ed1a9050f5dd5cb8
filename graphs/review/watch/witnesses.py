"""Checks of what the cells were seen to do when they ran again: rows lost or repeated, axes, tests, what was fitted to
which rows. They say nothing where nobody watched."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from artifacts.types import Objection
from graphs.review.base import Found, Work, check, sentences
from graphs.review.syntax import written_text
from graphs.review.watch.observed import Seen

_LEANS = re.compile(r"significan|signifikan|\bp\s*[=<≤(]|\bp[- ]?(?:value|Wert)|interval|\bCI\b|confidence", re.I)
_MADE = re.compile(r"\[['\"](?P<put>[^'\"]+)['\"]\]\s*=(?!=)(?P<of>.+)|\b(?P<new>\w+)\s*=\s*lambda(?P<by>.+)")
_CORRECTED = re.compile(
    r"multipletests|fdr|bonferroni|holm|hochberg|false_discovery|padjust|multicomp|tukey|sidak|correct(?:ed|ion)|"
    r"0?\.0[15]\s*/|p_adj|family-?wise|by chance|explorat",
    re.I,
)
_FAMILY, _DRAWS = 5, 100
"""Tests that make a family; and how many of one place make no family but draws of one measure."""
_COMPARED = re.compile(
    r"baseline|always|guess|majority|large(?:r|st) class|most frequent|commonest|chance|balanced|\brecall\b|"
    r"\bprecision\b|sensitivit|specificit|\bAUC\b|\bF1\b|dummy|base rate|prevalence|catches|missed",
    re.I,
)
_RARE, _HIGH = 0.75, 0.85
"""The share of the commonest class, and the accuracy, from which one has to be told beside the other."""
_WARNED = re.compile(r"ChainedAssignmentError|SettingWithCopyWarning")


def _by_hand(work: Work, *kinds: str) -> Iterator[Seen]:
    """What was seen of these kinds in the cells that a model wrote and that stand."""
    return (seen for seen in work.observed.of(*kinds) if seen.cell in work.by_hand)


def _said(work: Work) -> tuple[str, str]:
    """What the reader reads, and the code that a model wrote."""
    return " ".join(text for _, text in sentences(work)), "\n".join(c.code for c in work.written)


@check("dropped_rows")
def dropped_rows(work: Work) -> Iterator[Found]:
    """No rows were dropped without saying how many."""
    shown = " ".join([*(written_text(c) for c in work.written), *(text for _, text in sentences(work))])
    told = {float(m.replace(",", "")) for m in re.findall(r"(?<![\w.])\d+(?:,\d{3})*(?:\.0)?(?![\w.]*\d)", shown)}
    objected = set[str]()
    for seen in _by_hand(work, "dropped"):
        before, after = seen.count("before"), seen.count("after")
        silent = after < before and after not in told and before - after not in told and not seen.facts.get("at_edge")
        if silent and seen.cell not in objected:
            objected.add(seen.cell)
            yield Objection(
                where=seen.cell,
                problem=f"{before - after:,} of {before:,} rows were left out for missing values, and nothing says how "
                "many.",
                mend="Print the number of rows before and after, and why those rows may go.",
            )


@check("fan_out")
def fan_out(work: Work) -> Iterator[Found]:
    """Nothing is summed or counted of rows that a join or an explosion has repeated."""
    objected = set[str]()
    for seen in _by_hand(work, "merge", "explode"):
        if seen.cell not in objected and _added_up(work, seen):
            objected.add(seen.cell)
            made = f"{seen.count('rows'):,} rows of {seen.count('left'):,}"
            made += f" and {seen.count('right'):,}" if seen.kind == "merge" else ""
            yield Objection(
                where=seen.cell,
                problem=f"`{seen.kind}` made {made}: values stand there several times, and are then added up.",
                mend="Bring the other side to one row a key first (aggregate it), and join that; or add up before the "
                "rows repeat.",
            )


def _added_up(work: Work, seen: Seen) -> bool:
    """Whether a column of a side whose rows were repeated is summed afterwards, or those of the left side counted."""
    rows, unique = seen.count("rows"), {s: seen.facts.get(f"{s}_unique", s == "left") for s in ("left", "right")}
    if seen.kind == "merge" and not any(unique.values()) and rows > max(seen.count("left"), seen.count("right")):
        return True
    for side, other in (("left", "right"), ("right", "left")):
        if unique[other] or rows <= seen.count(side):
            continue
        columns = {str(c) for c in seen.facts.get(f"{side}_columns") or ()}
        for made in _MADE.finditer(_said(work)[1]):
            if any(re.search(rf"\b{re.escape(c)}\b", made["of"] or made["by"]) for c in columns):
                columns.add(made["put"] or made["new"])
        for use in work.observed.of("reduced", "grouped"):
            how = str(use.facts.get("by" if use.kind == "reduced" else "how"))
            of = {str(use.facts.get("column")), *map(str, use.facts.get("columns") or ())} | set(
                re.findall(r"\w+", how)
            )
            added = "sum" in how or ("count" in how and side == "left" and seen.kind == "merge")
            if added and columns & of and use.count("rows") > seen.count(side):
                return True
    return False


@check("charts")
def charts(work: Work) -> Iterator[Found]:
    """Bars start at zero on an even scale."""
    for seen in _by_hand(work, "bars"):
        if seen.facts.get("histogram") or not seen.facts.get("from_zero"):
            continue
        low, high = seen.number("low") or 0.0, seen.number("high") or 0.0
        cut = seen.facts.get("scale") == "linear" and (low > 1e-9 * abs(high) or high < -1e-9 * abs(low))
        uneven = seen.facts.get("scale") in ("log", "symlog", "logit")
        if cut or uneven or seen.facts.get("inverted"):
            what = "is logarithmic" if uneven else "does not start at zero"
            yield Objection(
                where=seen.cell,
                problem=f"its bars stand on an axis that {what}, so their lengths do not say how much.",
                mend="Let the bars start at zero on an even axis, or draw points with intervals instead.",
            )


@check("repeated_units")
def repeated_units(work: Work) -> Iterator[Found]:
    """Repeated measurements of one unit are not tested as if they were independent."""
    claims, code = _said(work)
    if not _LEANS.search(claims) or re.search(r"independen|cluster|mixed model|aggregat", claims, re.I):
        return
    for seen in _by_hand(work, "test", "model"):
        for unit in seen.facts.get("units") or ():
            name = str(unit.get("column"))
            grouped = r"(?:groupby|pivot_table|drop_duplicates|groups\s*=|cluster|subject\s*=)[^\n]{0,60}"
            known = rf"(?i:mixedlm|AnovaRM|\bgee\b)|{grouped}\b{re.escape(name)}\b"
            if not re.search(known, code):
                rows = f"its {unit.get('rows')} rows are of {unit.get('levels')} values of {name!r} and alike within"
                yield Objection(
                    where=seen.cell,
                    problem=f"{rows} each, so they are not independent: p is far too small.",
                    mend=f"Aggregate to one row a {name!r} first, or use a mixed model or errors clustered by it.",
                )
                return


@check("fit_before_split")
def fit_before_split(work: Work) -> Iterator[Found]:
    """Nothing learns from the rows on which it is tested."""
    for seen in _by_hand(work, "leak", "scored"):
        rows, fitted = seen.count("rows"), f"`{seen.facts.get('by') or seen.facts.get('model')}` was fitted to"
        known = seen.count("shared") >= 0.95 * rows > 0 and (seen.number("distinct") or 0) > 0.9
        held = seen.facts.get("held") and seen.count("fit_rows") > rows
        whole = f"all {rows:,} rows, and the model is then tested on some of them"
        some = f"{seen.count('fit_rows'):,} rows, among them the {rows:,} that it is tested on"
        if seen.kind == "leak" or (known and held):
            yield Objection(
                where=seen.cell,
                problem=f"{fitted} {whole if seen.kind == 'leak' else some}.",
                mend="Split first and let it learn from the training part only, best inside a Pipeline.",
            )
            return


@check("mixed_units")
def mixed_units(work: Work) -> Iterator[Found]:
    """Held-out rows are of other units than those that were learnt from."""
    for score in _by_hand(work, "scored"):
        for unit in score.facts.get("mixed") or ():
            name = unit.get("column")
            yield Objection(
                where=score.cell,
                problem=f"rows of one {name!r} stand on both sides of the split, so the model is tested on what it "
                "knows.",
                mend=f"Split by {name!r}: GroupKFold or GroupShuffleSplit with groups=, or split the ids first.",
            )
            return


@check("multiple_testing")
def multiple_testing(work: Work) -> Iterator[Found]:
    """Where many tests were made, their p values were corrected for it."""
    claims, code = _said(work)
    told = _CORRECTED.search(f"{claims}\n{code}") or any(work.observed.of("corrected"))
    if told or not _LEANS.search(claims):
        return
    made = Counter[tuple[str, int]]()
    for test in _by_hand(work, "test"):
        made[test.cell, test.line] += max(test.count("many"), 1)
    family = {place: n for place, n in made.items() if n < _DRAWS}
    if (many := sum(family.values())) >= _FAMILY:
        yield Objection(
            where=max(family, key=family.__getitem__)[0],
            problem=f"{many} tests are made and the smallest p values told, and nothing corrects for their number.",
            mend="Correct the whole family by Benjamini-Hochberg (multipletests) and report q and how many tests.",
        )


@check("rare_class")
def rare_class(work: Work) -> Iterator[Found]:
    """Accuracy is set against what naming the commonest class would give."""
    claims, _ = _said(work)
    if _COMPARED.search(claims) or not re.search(r"accura|correct|right", claims, re.I):
        return
    for seen in _by_hand(work, "accuracy"):
        share, value = seen.number("commonest") or 0.0, seen.number("value") or 0.0
        if share >= _RARE and value >= _HIGH:
            yield Objection(
                where=seen.cell,
                problem=f"an accuracy of {value:.1%} is told, and naming the commonest class every time gives "
                f"{share:.1%}.",
                mend="Give that share beside it, and recall, precision or AUC for the rare class.",
            )
            return


@check("chained_assignment")
def chained_assignment(work: Work) -> Iterator[Found]:
    """Values are assigned to the table itself and not to a copy."""
    for cell in work.written:
        if any(_WARNED.search(o.text) for o in cell.outputs):
            yield Objection(
                where=cell.cell,
                problem="pandas warns that it assigns to a copy, so the table stays as it was.",
                mend="Assign in one step: `df.loc[rows, column] = value`, or `df[column] = df[column].where(...)`.",
            )
