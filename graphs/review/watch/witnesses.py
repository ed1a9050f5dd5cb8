"""What the run itself shows: witnesses that object to what was seen, and clear what the code only made suspicious."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from artifacts.types import Objection
from graphs.review.base import Found, Work, sentences, witness
from graphs.review.code.syntax import written_text
from graphs.review.data.repeated import not_independent
from graphs.review.figures.charts import bent, off_zero
from graphs.review.prose.evidence import HANDFUL, SMALL_WORDS, few_rows
from graphs.review.prose.figures import figures
from graphs.review.watch.observed import Seen

_LEANS = re.compile(r"significan|signifikan|\bp\s*[=<≤(]|\bp[- ]?(?:value|Wert)|interval|\bCI\b|confidence", re.I)


def _objected(said: Sequence[Found]) -> set[str]:
    """The places that a check has objected to."""
    return {f.where for f in said if isinstance(f, Objection)}


@witness("dropped_rows")
def rows_lost(work: Work, said: Sequence[Found]) -> Iterator[Found]:
    """Rows that were really lost, in whatever way, and of which nobody is told how many."""
    shown = " ".join([*(written_text(c) for c in work.written), *(text for _, text in sentences(work))])
    told = {float(m.replace(",", "")) for m in re.findall(r"(?<![\w.])\d+(?:,\d{3})*(?:\.0)?(?![\w.]*\d)", shown)}
    seen = [s for s in work.observed.of("dropped") if s.count("before") > s.count("after")]
    losses = [(s.cell, s.count("before"), s.count("after")) for s in seen if not s.facts.get("at_edge")]
    silent = [(c, b, a) for c, b, a in losses if a not in told and b - a not in told]
    quiet = {s.cell for s in work.observed.of("dropped")} - {c for c, _, _ in silent}
    yield from (f for f in said if not (isinstance(f, Objection) and f.where in quiet))
    objected = _objected(said)
    for cell, before, after in silent:
        if cell in work.by_hand - objected:
            objected.add(cell)
            yield Objection(
                where=cell,
                problem=f"{before - after:,} of {before:,} rows were left out for missing values, and nothing says how "
                "many.",
                mend="Print the number of rows before and after, and why those rows may go.",
            )


@witness("fan_out")
def keys_seen(work: Work, said: Sequence[Found]) -> Iterator[Found]:
    """A join that multiplied the rows of the side whose values are then added up, whatever `how` and `validate`."""
    yield from said
    objected = _objected(said)
    for join in work.observed.of("merge"):
        rows, both = join.count("rows"), (join.count("left"), join.count("right"))
        many = not join.facts.get("left_unique", True) and not join.facts.get("right_unique", True)
        if join.cell in work.by_hand - objected and ((many and rows > max(both)) or _added_up(work, join)):
            objected.add(join.cell)
            yield Objection(
                where=join.cell,
                problem=f"the join made {rows:,} rows of {both[0]:,} and {both[1]:,}: its key repeats, so sums, means "
                "and counts of what it repeats are off.",
                mend="Bring one side to one row a key first (aggregate it), and join that.",
            )


def _added_up(work: Work, join: Seen) -> bool:
    """Whether a column of the left side, whose rows the join repeats, is summed or counted afterwards."""
    left, rows = {str(c) for c in join.facts.get("left_columns") or ()}, join.count("left")
    if join.count("rows") <= rows or join.facts.get("right_unique", True):
        return False
    single = ((str(u.facts.get("by")), {str(u.facts.get("column"))}, u) for u in work.observed.of("reduced"))
    grouped = (
        (str(u.facts.get("how")), {*map(str, u.facts.get("columns") or ())}, u) for u in work.observed.of("grouped")
    )
    return any(
        ("sum" in how or "count" in how) and left & columns and use.count("rows") > rows
        for how, columns, use in (*single, *grouped)
    )


@witness("charts")
def axes_seen(work: Work, said: Sequence[Found]) -> Iterator[Found]:
    """Bars as they were drawn: from zero or not, on an even scale or not."""
    bars = [s for s in work.observed.of("bars") if not s.facts.get("histogram") and s.facts.get("from_zero")]
    cut = {s.cell for s in bars if _off_zero(s)}
    curved = {s.cell for s in bars if s.facts.get("scale") in ("log", "symlog", "logit")}
    for found in said:
        about_zero = isinstance(found, Objection) and "does not start at zero" in found.problem
        where = found.where if isinstance(found, Objection) else ""
        if not (about_zero and any(s.cell == where for s in bars) and where not in cut):
            yield found
    for cell in sorted((cut | curved) & work.by_hand - _objected(said)):
        yield off_zero(cell) if cell in cut else bent(cell)


def _off_zero(bars: Seen) -> bool:
    low, high = bars.number("low") or 0.0, bars.number("high") or 0.0
    linear = bars.facts.get("scale") == "linear" and (low > 1e-9 * abs(high) or high < -1e-9 * abs(low))
    return bool(bars.facts.get("inverted")) or linear


@witness("small_n")
def sizes_seen(work: Work, said: Sequence[Found]) -> Iterator[Found]:
    """Tests of a handful of rows that the report leans on, and levels with a handful that it names."""
    yield from said
    report = work.report.answer
    if _objected(said) or work.headlines or SMALL_WORDS.search(report):
        return
    for test in work.observed.of("test"):
        sizes = [int(n) for n in test.facts.get("sizes") or () if isinstance(n, int) and n > 1]
        told = any(f.value in (*sizes, sum(sizes)) for f in figures(report))
        if sizes and min(sizes) < HANDFUL and _LEANS.search(report) and test.cell in work.by_hand and not told:
            yield few_rows(test.cell, f"it rests on a handful of rows, {min(sizes)},")
            return


@witness("repeated_units")
def units_seen(work: Work, said: Sequence[Found]) -> Iterator[Found]:
    """Tests whose rows were several of each unit, as the values that went into them show."""
    yield from said
    claims = " ".join(text for _, text in sentences(work))
    code = "\n".join(c.code for c in work.written)
    if (
        _objected(said)
        or not _LEANS.search(claims)
        or re.search(r"independen|cluster|mixed model|aggregat", claims, re.I)
    ):
        return
    for seen in work.observed.of("test", "model"):
        for unit in seen.facts.get("units") or ():
            name = str(unit.get("column"))
            grouped = r"(?:groupby|pivot_table|drop_duplicates|groups\s*=|cluster|subject\s*=)[^\n]{0,60}"
            known = rf"(?i:mixedlm|AnovaRM|\bgee\b)|{grouped}\b{re.escape(name)}\b"
            if seen.cell in work.by_hand and not re.search(known, code):
                many = f"its {unit.get('rows')} rows are of {unit.get('levels')} values of {name!r}"
                rows = f"{many} and alike within each"
                yield not_independent(seen.cell, f"{rows}, so they are not independent", name)
                return


@witness("fit_before_split")
def fits_seen(work: Work, said: Sequence[Found]) -> Iterator[Found]:
    """What was fitted to the very rows that it, or what rests on it, was then tested on."""
    yield from said
    if _objected(said):
        return
    for leak in work.observed.of("leak"):
        if leak.cell in work.by_hand:
            rows = f"`{leak.facts.get('by')}` is fitted to all {leak.count('rows'):,} rows"
            yield Objection(
                where=leak.cell,
                problem=f"{rows}, and the model is then tested on some of them.",
                mend="Split first and let it learn from the training part only, best inside a Pipeline.",
            )
            return
    for score in work.observed.of("scored"):
        known = score.count("shared") >= 0.95 * score.count("rows") > 0 and (score.number("distinct") or 0) > 0.9
        held = score.facts.get("held") and score.count("fit_rows") > score.count("rows")
        if known and held and score.cell in work.by_hand:
            rows = f"{score.count('fit_rows'):,} rows, among them the {score.count('rows'):,} that it is tested on"
            yield Objection(
                where=score.cell,
                problem=f"`{score.facts.get('model')}` was fitted to {rows}.",
                mend="Fit it to the training part only.",
            )
            return


@witness("split_rows")
def mixed_seen(work: Work, said: Sequence[Found]) -> Iterator[Found]:
    """Units of which rows were learnt from and others scored."""
    yield from said
    found = ((s, u) for s in work.observed.of("scored") for u in s.facts.get("mixed") or () if s.cell in work.by_hand)
    for score, unit in found if not _objected(said) else ():
        name = unit.get("column")
        yield Objection(
            where=score.cell,
            problem=f"rows of one {name!r} stand on both sides of the split, so the model is tested on what it knows.",
            mend=f"Split by {name!r}: GroupKFold or GroupShuffleSplit with groups=, or split the ids first.",
        )
        return
