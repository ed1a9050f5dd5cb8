"""What the run itself shows: witnesses that object to what was seen, and clear what the code only made suspicious."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from artifacts.types import Objection
from graphs.checks.base import Found, Work, parted, sentences, witness
from graphs.checks.charts import bent, off_zero
from graphs.checks.evidence import HANDFUL, SMALL_WORDS, few_rows
from graphs.checks.figures import COUNTS, figures
from graphs.checks.inference import BY_CHANCE, COMPARE, COMPARED, CORRECT, corrected
from graphs.checks.observed import Seen
from graphs.checks.syntax import written_text

_LEANS = re.compile(
    r"significan|signifikan|\bp\s*[=<≤(]|\bp[- ]?(?:value|Wert)|interval|\bCI\b|confidence|Konfidenz|\d\s?%?\s*CI", re.I
)
_FEW = re.compile(rf"(?:{SMALL_WORDS.pattern}|\bhandful|\b(?:{'|'.join(COUNTS[1:])}))\b", re.I)
_NOT_INDEPENDENT = re.compile(r"independen|cluster|repeated|mixed model|aggregat|unabhängig|effective sample", re.I)
_TOO_FEW = 8
"""Rows of one sample below which a test needs a word, however many the other has."""
_FAMILY = 6
"""Tests in one place that make a family."""
_SIMULATED = 250
"""Tests in one place beyond which they are draws of a simulation."""


def _objected(said: Sequence[Found]) -> set[str]:
    """The places that a check has objected to."""
    return {f.where for f in said if isinstance(f, Objection)}


@witness("dropped_rows")
def rows_lost(work: Work, said: Sequence[Found]) -> Iterator[Found]:
    """Rows that were really lost, in whatever way, and of which nobody is told how many."""
    told = _told_numbers(work)
    lost = [s for s in work.observed.of("dropped") if s.count("before") > s.count("after")]
    silent = [s for s in lost if not s.facts.get("at_edge") and not _is_told(s.count("before"), s.count("after"), told)]
    for found in said:
        where = found.where if isinstance(found, Objection) else ""
        seen = [*work.observed.of("dropped", cell=where)]
        if where and seen and not any(s.cell == where for s in silent):
            continue
        yield found
    objected = _objected(said)
    for loss in silent:
        if loss.cell in work.by_hand and loss.cell not in objected:
            objected.add(loss.cell)
            yield _lost(loss.cell, loss.count("before"), loss.count("after"))
    for model in work.observed.of("model"):
        before, after = model.count("given"), model.count("rows")
        if before > after and not _is_told(before, after, told) and model.cell in work.by_hand - objected:
            objected.add(model.cell)
            yield _lost(model.cell, before, after)


def _lost(cell: str, before: int, after: int) -> Objection:
    return Objection(
        where=cell,
        problem=f"{before - after:,} of {before:,} rows were left out for missing values, and nothing says how many.",
        mend="Print the number of rows before and after, and why those rows may go.",
    )


def _told_numbers(work: Work) -> set[float]:
    """Every number that a reader sees, in what the written cells put out and in the report."""
    shown = " ".join([*(written_text(c) for c in work.written), *(text for _, text in sentences(work))])
    plain = {float(m.replace(",", "")) for m in re.findall(r"(?<![\w.])\d+(?:,\d{3})*(?![\w.]*\d)", shown)}
    return plain | {float(m) for m in re.findall(r"\d+\.0\b", shown)}


def _is_told(before: int, after: int, told: set[float]) -> bool:
    return after in told or before - after in told


@witness("merges")
def keys_seen(work: Work, said: Sequence[Found]) -> Iterator[Found]:
    """A join that multiplied the rows of both sides, or of the side whose values are then summed."""
    yield from said
    objected = _objected(said)
    for join in work.observed.of("merge"):
        if join.cell not in work.by_hand or join.cell in objected:
            continue
        rows, both = join.count("rows"), max(join.count("left"), join.count("right"))
        many = (
            not join.facts.get("validate")
            and not join.facts.get("left_unique", True)
            and not join.facts.get("right_unique", True)
        )
        grown = join.facts.get("how") == "left" and rows > join.count("left") and _summed(work, join)
        if (many and rows > both) or grown:
            objected.add(join.cell)
            yield Objection(
                where=join.cell,
                problem=f"the join made {rows:,} rows of {join.count('left'):,} and {join.count('right'):,}: its key "
                "repeats, so every sum, mean and count over the result is off.",
                mend='Bring one side to one row a key first (aggregate it), and join with validate="many_to_one".',
            )


def _summed(work: Work, join: Seen) -> bool:
    """Whether a column of the left side, whose rows the join repeats, is summed afterwards."""
    left = {str(c) for c in join.facts.get("left_columns") or ()}
    for use in work.observed.of("reduced"):
        if use.facts.get("by") == "sum" and use.facts.get("column") in left and use.count("rows") > join.count("left"):
            return True
    return any(
        "sum" in str(use.facts.get("how")) and left & {*map(str, use.facts.get("columns") or ())}
        and use.count("rows") > join.count("left")
        for use in work.observed.of("grouped")
    )  # fmt: skip


@witness("charts")
def axes_seen(work: Work, said: Sequence[Found]) -> Iterator[Found]:
    """Bars as they were drawn: from zero or not, on an even scale or not."""
    bars = [s for s in work.observed.of("bars") if not s.facts.get("histogram") and s.facts.get("from_zero")]
    cut = {s.cell for s in bars if _off_zero(s)}
    curved = {s.cell for s in bars if s.facts.get("scale") in ("log", "symlog", "logit")}
    for found in said:
        where = found.where if isinstance(found, Objection) else ""
        about_zero = isinstance(found, Objection) and "does not start at zero" in found.problem
        if about_zero and any(s.cell == where for s in bars) and where not in cut:
            continue
        yield found
    objected = _objected(said)
    for cell in sorted((cut | curved) & work.by_hand - objected):
        yield off_zero(cell) if cell in cut else bent(cell)


def _off_zero(bars: Seen) -> bool:
    low, high = bars.number("low") or 0.0, bars.number("high") or 0.0
    if bars.facts.get("inverted"):
        return True
    return bars.facts.get("scale") == "linear" and (low > 1e-9 * abs(high) or high < -1e-9 * abs(low))


@witness("small_n")
def sizes_seen(work: Work, said: Sequence[Found]) -> Iterator[Found]:
    """Tests of a handful of rows, and levels with a handful of rows that the report sets first."""
    yield from said
    report = work.report.answer
    if _objected(said) or work.headlines:
        return
    for test in work.observed.of("test"):
        sizes = [int(n) for n in test.facts.get("sizes") or () if isinstance(n, int) and n > 1]
        p = test.number("p")
        leans = (
            _LEANS.search(report) and p is not None and any(f.is_near(p) or p < f.value < 0.1 for f in figures(report))
        )
        handful = bool(sizes) and (min(sizes) < _TOO_FEW or max(sizes) < HANDFUL)
        told = any(_admits(report, n) for n in (*sizes, sum(sizes)))
        if handful and leans and test.cell in work.by_hand and not told:
            yield few_rows(test.cell, f"it rests on a handful of rows, {min(sizes)},")
            return
    for table in work.observed.of("grouped"):
        small = table.facts.get("small")
        if table.cell not in work.by_hand or not isinstance(small, dict) or (table.number("median") or 0) < HANDFUL:
            continue
        if not re.search("mean|median|agg", str(table.facts.get("how"))):
            continue
        for level, n in small.items():
            named = rf"(?<![\w.,]){re.escape(str(level))}(?![\w%]|[.,]\d)"
            for sentence in parted(report):
                said_of = re.search(named, sentence, re.I) and not re.fullmatch(r"[\d.]{1,2}", str(level))
                if said_of and not _admits(sentence, int(n)):
                    yield few_rows(table.cell, f"{level!r} has a handful of rows, {n},")
                    return


def _admits(text: str, n: int) -> bool:
    return bool(_FEW.search(text) or re.search(rf"(?<![\d.,]){n}(?![\d.,]\d|\d)", text))


@witness("multiple_testing")
def tests_counted(work: Work, said: Sequence[Found]) -> Iterator[Found]:
    """Families of tests as they were really made, of which the report tells what came out small."""
    made = Counter[tuple[str, int]]()
    small = set[tuple[str, int]]()
    for seen in work.observed.of("test", "model"):
        found = seen.facts.get("p")
        values = [v for v in (found[1:] if isinstance(found, list) else [found]) if isinstance(v, (int, float))]
        place = (seen.cell, seen.line)
        made[place] += max(1, seen.count("many")) if seen.kind == "test" else 1
        if any(v < 0.05 for v in values):
            small.add(place)
    terms = sum(len(s.facts.get("terms") or ()) for s in work.observed.of("model"))
    several = terms > 4 or any(s.count("many") > 1 for s in work.observed.of("test"))
    few = bool(made) and sum(made.values()) < 4 and not several
    yield from (f for f in said if not (few and isinstance(f, Objection) and f.where.startswith("cell-")))
    claims = " ".join(text for _, text in sentences(work))
    settled = next(work.observed.of("corrected"), None) is not None or BY_CHANCE.search(claims) or corrected(work)
    if _objected(said) or settled or not _LEANS.search(claims):
        return
    reported = len(re.findall(r"\bp\b", claims))
    for place, many in made.items():
        if _FAMILY <= many <= _SIMULATED and place in small and place[0] in work.by_hand and reported < many:
            yield Objection(
                where=place[0],
                problem=f"{many} tests are made here, the report tells of a small p value, and nothing corrects for "
                "their number.",
                mend=CORRECT,
            )
            return


@witness("repeated_units")
def units_seen(work: Work, said: Sequence[Found]) -> Iterator[Found]:
    """Tests whose rows were several of each unit, as the values that went into them show."""
    yield from said
    claims = " ".join(text for _, text in sentences(work))
    if _objected(said) or not _LEANS.search(claims) or _NOT_INDEPENDENT.search(claims):
        return
    for seen in work.observed.of("test", "model"):
        for unit in seen.facts.get("units") or ():
            name, levels, rows = str(unit.get("column")), unit.get("levels"), unit.get("rows")
            if seen.cell in work.by_hand and not _respected(work, name):
                yield Objection(
                    where=seen.cell,
                    problem=f"its {rows} rows are of {levels} values of {name!r} only and alike within each, so they "
                    "are not independent: p is far too small.",
                    mend=f"Aggregate to one row a {name!r} first, or use a mixed model or errors clustered by it.",
                )
                return


def _respected(work: Work, unit: str) -> bool:
    """Whether a cell groups by the unit somewhere, or gives it to a model as what groups its rows."""
    code = "\n".join(c.code for c in work.written)
    grouped = (
        rf"(?:groupby|pivot_table|drop_duplicates|groups\s*=|cluster|subject\s*=)[^\n]{{0,60}}\b{re.escape(unit)}\b"
    )
    return bool(re.search(rf"(?i:mixedlm|AnovaRM|\bgee\b|mixed_anova|rm_anova)|{grouped}", code))


@witness("rare_class")
def classes_seen(work: Work, said: Sequence[Found]) -> Iterator[Found]:
    """Accuracy beside the share of the commonest class among the very rows that it was taken of."""
    taken = [s for s in work.observed.of("accuracy") if s.number("commonest") is not None]
    if taken and all((s.number("commonest") or 0) < 0.7 for s in taken):
        return
    yield from said
    claims = [(where, text) for where, text in sentences(work)]
    if _objected(said) or COMPARED.search(" ".join(t for _, t in claims)):
        return
    for seen in taken:
        value, share = seen.number("value") or 0.0, seen.number("commonest") or 0.0
        if value < 0.85 or share < 0.75:
            continue
        for where, text in claims:
            found = figures(text)
            beside = any(f.is_near(v) for f in found for v in (share, 100 * share, 100 - 100 * share, 1 - share))
            if any(f.is_near(v) for f in found for v in (value, 100 * value)) and (
                not beside or abs(value - share) < 0.005
            ):
                yield Objection(
                    where=where,
                    problem="accuracy alone is praised, and naming the commonest class every time is right in "
                    f"{share:.1%}.",
                    mend=COMPARE,
                )
                return


@witness("fit_before_split")
def fits_seen(work: Work, said: Sequence[Found]) -> Iterator[Found]:
    """What was fitted to the very rows that it, or what rests on it, was then tested on."""
    yield from said
    if _objected(said):
        return
    for leak in work.observed.of("leak"):
        if leak.cell in work.by_hand:
            yield Objection(
                where=leak.cell,
                problem=f"`{leak.facts.get('by')}` is fitted to all {leak.count('rows'):,} rows, and the model is then "
                "tested on some of them.",
                mend="Split first and let it learn from the training part only, best inside a Pipeline.",
            )
            return
    for score in work.observed.of("scored"):
        known = score.count("shared") >= 0.95 * score.count("rows") > 0 and (score.number("distinct") or 0) > 0.9
        if (
            known
            and score.facts.get("held")
            and score.count("fit_rows") > score.count("rows")
            and score.cell in work.by_hand
        ):
            yield Objection(
                where=score.cell,
                problem=f"`{score.facts.get('model')}` was fitted to {score.count('fit_rows'):,} rows, among them the "
                f"{score.count('rows'):,} that it is tested on.",
                mend="Fit it to the training part only.",
            )
            return


@witness("split_rows")
def mixed_seen(work: Work, said: Sequence[Found]) -> Iterator[Found]:
    """Units of which rows were learnt from and others scored."""
    yield from said
    if _objected(said):
        return
    for score in work.observed.of("scored"):
        for unit in score.facts.get("mixed") or ():
            if score.cell in work.by_hand:
                name = unit.get("column")
                yield Objection(
                    where=score.cell,
                    problem=f"rows of one {name!r} stand on both sides of the split, so the model is tested on what it "
                    "knows.",
                    mend=f"Split by {name!r}: GroupKFold or GroupShuffleSplit with groups=, or split the ids first.",
                )
                return
