"""The number lint: what the reader reads must come from a cell, not from somebody's head."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from artifacts.types import FINDING_MIME, Execution, Finding, Objection
from graphs.checks.base import Found, Work, check
from graphs.checks.derived import ABOUT, COMPARES, TIMES, conversions, follows
from graphs.checks.figures import CITED, COMMA, SPACES, Figure, counted, differences, figures, ratios, totals, values
from graphs.checks.relations import plain
from graphs.checks.syntax import calls, name_of, names, strings, trees
from graphs.checks.units import BEFORE_BASE, PERCENT, per_many

if TYPE_CHECKING:
    import pandas as pd

_FREE = {50.0, 90.0, 95.0, 99.0, 100.0, 0.05, 0.01, 0.001, 0.95}
"""Conventions that no cell prints: levels of confidence and significance, whole and half."""
_LEVELS = re.compile(r"significan|level|alpha|interval|confiden|discover|FDR|error rate|correct|\bp\b|quantile", re.I)
_COUNTABLE = 12
"""Whole numbers up to this one are counted by eye ("2 of 3 groups") and trace to no single output."""
_MORE = re.compile(
    rf"\s?{PERCENT}[^.;]{{0,30}}\b(more|less|higher|lower|fewer|larger|smaller|increase|decrease|gain|rise|"
    r"drop|longer|shorter|faster|slower|above|below|uplift|lift)",
    re.I,
)
_SHOWN = ("print", "display", "report", "DataFrame", "Series", "format", "round", "str", "dict", "Markdown", "append")
_LIMIT = re.compile(r"(?:[<>=]|\blimit|\bbetween|\band)\s*(\d+(?:\.\d+)?)\b", re.I)
_DATED = re.compile(r"(?<![\d.])((?:19|20)\d\d)(?:-\d\d(?:-\d\d)?)?(?![\d.]\d|\d)")
_YEAR = re.compile(r"(?:19|20)\d\d")
_MARKUP = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.S | re.I)
ELSEWHERE = re.compile(
    r"\b(?:accepted|reference|literature|published|nominal|textbook|handbook|theor\w+|brochure|contract|draft|"
    r"tariff|price list|agreement|regulation|guideline|statute|manual|data ?sheet|specification|standard value|"
    r"known value|official|Literaturwert|Normwert|valeur admise|valor aceptado)\b",
    re.I,
)
RULE = re.compile(
    r"\b(?:WHO|EU|directive|laws?|legal|limits?|allow\w*|permit\w*|norms?|rules?|thresholds?|usual\w*|convention\w*|"
    r"recommend\w*|required?|requirement|targets?|quota|budget|benchmark|Grenzwert|seuil|límite)\b",
    re.I,
)
"""What stands near a number that was set by somebody and is none of the notebook's results."""
_PASSES = re.compile(
    rf"\s?{PERCENT}\s+(?:of [^.;,]{{0,30}}?)?(?:exceed\w*|surpass\w*|pass\w*|fail\w*|meet|met|miss\w*|"
    r"reach\w*|breach\w*|lie|lay|are|were|fall|fell|stay\w*|keep|kept)\b",
    re.I,
)
_SET = re.compile(r"(?i:limits?|guidelines?|thresholds?|values?|targets?|quotas?|levels?|rules?|maximum|minimum)")
_GUESS = re.compile(r"guess|chance|coin|toss|random|\bAUC\b|raten|hasard|azar", re.I)
_BESIDE = 4
"""How many numbers back the two may stand of which one is the difference: "149 seconds against 89. That is 60 more"."""
_FRACTIONS = {"third": 3, "quarter": 4, "fifth": 5, "sixth": 6, "tenth": 10}
_FRACTION = re.compile(r"\b(a|one|two|three|four) (third|quarter|fifth|sixth|tenth)s? of\b", re.I)


@check("numbers")
def numbers(work: Work) -> Iterator[Found]:
    """Every number in the answer and the headline findings traces to a cell."""
    called = _names(work)
    everything = [v for x in work.view.executions for t in [_printed(x)] for v in (*values(t), *totals(t))]
    carried = {f.id: list(_fields(f)) for f in work.view.findings}
    settings = list(_settings(work))

    for finding in work.headlines:
        known = carried[finding.id] + everything
        typed = _typed(work.cells.get(finding.evidence.cell))
        claimed = _claimed(finding.text, called)
        loose = [f for f in _loose(claimed, known, settings) if _traces(f, typed)]
        if loose:
            yield Objection(
                where=finding.id,
                problem=f"{_listed(loose)} in its text was typed into the code and is printed by no cell.",
                mend="Compute the number in the cell and build the sentence from it.",
            )
    told = [v for f in work.view.findings for v in values(f.text)]
    years = {float(y) for frame in work.frames.values() for y in _years(frame)}
    said = [*years, *values(work.view.run.goal), *values(work.given), *(len(frame) for frame in work.frames.values())]
    said += [len(frame) - v for frame in work.frames.values() for v in _left_out(work)]
    known = [*everything, *told, *said, *(v for many in carried.values() for v in many)]
    claimed = _claimed(work.report.answer.removeprefix(work.given), called)
    loose = [f for f in _loose(claimed, known, settings) if not _is_part(f, work) and not _counted(f, work)]
    apart = [v for x in work.view.executions for v in differences(_printed(x))]
    loose = [f for f in loose if not (COMPARES.search(f.clause) and _traces(f, apart))]
    times = [v for x in work.view.executions for v in ratios(_printed(x))]
    loose = [f for f in loose if not (TIMES.match(f.after) and _traces(f, times))]
    loose = _beyond(loose, claimed)  # of what has been traced by now, others may follow
    elsewhere = {f.value for f in loose if is_elsewhere(f)}
    dated = any(_DATED.search(_printed(x)) for x in work.view.executions)
    unsure = [f for f in loose if _is_unsure(f, dated) or f.value in elsewhere]
    if unsure and len(unsure) == len(loose):
        yield f"{_listed(unsure)} in the answer is printed by no cell; where it comes from should be said."
    elif loose:
        yield Objection(
            where="answer",
            problem=f"{_listed(loose)} is in no cell's output and in no finding.",
            mend="Use the numbers as the findings give them, or have a cell compute this one.",
        )
    for match in _FRACTION.finditer(work.report.answer):
        share = {"a": 1, "one": 1, "two": 2, "three": 3, "four": 4}[match[1].lower()] / _FRACTIONS[match[2].lower()]
        if not any(abs(s - share) <= 0.05 for v in (*known, *settings) for s in (v, v / 100, 1 - v, 1 - v / 100)):
            yield f"“{match.group()}” is near no share that a cell printed."


def _left_out(work: Work) -> Iterator[float]:
    """How many rows a cell says that it leaves out."""
    for cell in work.view.executions:
        for line in _printed(cell).splitlines():
            if re.search(r"\b(?:left out|dropped|removed|excluded|set aside)\b", line, re.I):
                yield from (v for v in values(line) if v > 0 and v == int(v))


def _is_unsure(figure: Figure, dated: bool) -> bool:
    """Whether a number may be none of the notebook's own: known from elsewhere, counted by eye, or a year where no cell
    puts out years."""
    plain = figure.whole and not figure.share and not figure.unit
    by_eye = plain and figure.value < 100 and bool(ABOUT.search(figure.clause))
    return by_eye or bool(plain and not dated and _YEAR.fullmatch(figure.text)) or is_elsewhere(figure)


def is_elsewhere(figure: Figure) -> bool:
    """Whether a number is said to be none of the notebook's own: from a book, or a limit that somebody set."""
    before = figure.clause.partition(figure.text)[0]
    if figure.share and _PASSES.match(figure.after) and not re.search(rf"(?:{_SET.pattern})\W+(?:\w+\W+)?$", before):
        return False  # how many pass a limit, and not the limit
    if CITED in figure.clause or ELSEWHERE.search(figure.clause):
        return True
    digits = figure.text.strip("+-−–0.,").replace(".", "").replace(",", "")
    return len(digits) <= 3 and bool(RULE.search(f"{before[-35:]} | {figure.after[:25]}"))


def _is_part(figure: Figure, work: Work) -> bool:
    """Whether a percentage is a count in its sentence over the rows of a given table: 100 of 900 are 11.1 %."""
    counts = [f.value for f in figures(figure.clause) if f.whole and not f.share]
    counts += [1, *counted(figure.clause)]
    rows = [len(frame) for frame in work.frames.values()] if figure.share and counts else []
    return any(figure.is_near(100 * c / n) for c in counts for n in rows if 0 < c <= n)


def _names(work: Work) -> list[str]:
    """Names and values that may hold digits and are no claims: columns, files, finding and cell ids, levels."""
    found = {c for f in work.view.findings for c in (*f.columns, *(f.segment or "").split())}
    found |= {str(v) for f in work.view.findings for v in f.params.values() if isinstance(v, str)}
    found |= {a.name for a in work.view.artifacts} | set(work.cells) | {f.id for f in work.view.findings}
    found |= set(work.roles.values())
    for _, tree in trees(work):
        said = {id(n) for c in calls(tree) if name_of(c) in _SHOWN for n in ast.walk(c)}
        found |= {
            n.value
            for n in ast.walk(tree)
            if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in said
            if len(n.value) <= 24 and re.search(r"[^\W\d]", n.value)
        }
    return sorted((n for n in found if re.search(r"\d", n)), key=len, reverse=True)


def _claimed(text: str, names: Iterable[str]) -> list[Figure]:
    """The numbers of a text that must come from somewhere: small counts and conventions need not."""
    found = []
    for figure in figures(text, names):
        if figure.unit in ("th", "st", "nd", "rd") or (figure.value in _FREE and not figure.unit):
            continue
        if figure.value in (1000, 10_000, 100_000, 1_000_000) and BEFORE_BASE.search(
            figure.clause.partition(figure.text)[0]
        ):
            continue
        if figure.value == 0.5 and _GUESS.search(figure.clause):
            continue
        small = figure.whole and figure.value <= _COUNTABLE
        if small and (not figure.share or (figure.value in (0, 1, 5, 10) and _LEVELS.search(figure.clause))):
            continue
        found.append(figure)
    return found


def _loose(claimed: list[Figure], known: list[float], settings: list[float]) -> list[Figure]:
    """Those that trace to nothing: not to a number that was put out, nor to a setting, nor to two others beside it."""
    loose = [f for f in claimed if not _traces(f, known) and not _traces(f, settings) and not _is_ratio(f, known)]
    return _beyond(loose, claimed)


def _beyond(loose: list[Figure], claimed: list[Figure]) -> list[Figure]:
    """Those that do not follow from the others that a text claims."""
    elsewhere = {f.value for f in claimed if is_elsewhere(f)}
    firm = [f for f in claimed if f not in loose or f.value in elsewhere]
    place = {id(f): i for i, f in enumerate(claimed)}
    return [f for f in loose if not follows(f, *_around(f, firm, place))]


def _around(figure: Figure, firm: list[Figure], place: dict[int, int]) -> tuple[list[Figure], list[Figure]]:
    """The firm numbers of a number's own sentence, and those that stand shortly before it, or, where it compares,
    about it."""
    beside = [g for g in firm if g.clause == figure.clause and g is not figure]
    back = {id(g): place[id(figure)] - place[id(g)] for g in firm if g is not figure}
    most = _BESIDE + 1 if COMPARES.search(figure.clause) else 0
    return beside, [g for g in firm if id(g) in back and (0 < back[id(g)] <= _BESIDE or 0 < abs(back[id(g)]) <= most)]


def _traces(figure: Figure, known: Iterable[float]) -> bool:
    """Whether a number is one of `known`, rounded as it is written; sign and percent may differ."""
    known = list(known)
    parts = [figure]
    if (
        re.search(rf"\d[{SPACES}]\d{{3}}", figure.text) or COMMA in figure.text
    ):  # thousands, or two numbers side by side
        both = [figures(part) for part in re.split(rf"[{COMMA}{SPACES}]", figure.text)]
        whole = any(figure.is_near(v) or figure.is_near(100 * v) for v in known)
        parts = [figure] if whole else [f for part in both for f in part]
    retold = [f * v for f in conversions(figure) for v in known]
    if (many := per_many(figure.after)) is not None and not figure.share:  # a share told as so many in 1,000
        retold += [many * v for v in known if abs(v) <= 1]
    if any(figure.is_near(v) for v in retold):
        return True
    if re.fullmatch(r"\d{1,3}\.\d{3}", figure.text) and any(abs(abs(v) - 1000 * figure.value) <= 0.51 for v in known):
        return True  # 1.800 of those who write thousands so
    return all(
        any(p.is_near(v) or p.is_near(100 * v) or (p.share and p.is_near(100 - 100 * abs(v))) for v in known)
        or (p.share and any(p.is_near(100 - abs(v)) for v in known))
        for p in parts
    )


def _is_ratio(figure: Figure, known: Iterable[float]) -> bool:
    """ "43 % more", where a ratio of 1.43 was printed."""
    return bool(_MORE.match(figure.after)) and any(figure.is_near(100 * (abs(v) - 1)) for v in known)


def _years(frame: pd.DataFrame) -> set[int]:
    """The years that the dates of a table are of."""
    found: set[int] = set()
    for column in frame.columns:
        if frame[column].dtype.kind not in "iufb":
            starts = frame[column].dropna().astype(str).str.extract(r"^((?:19|20)\d\d)-\d\d", expand=False).dropna()
            found |= {int(y) for y in starts.unique()} if len(starts) > len(frame) / 2 else set()
    return found


def _counted(figure: Figure, work: Work) -> bool:
    """Whether a whole number counts what its sentence names of a given table: the values of a column, its least or
    greatest, its gaps; or the rows that a share of them comes to, as they are held back for a test."""
    if not figure.whole or figure.share:
        return False
    shares = [v for v in _settings(work) if 0 < v < 1]
    rows = {round(len(f) * part) for f in work.frames.values() for v in shares for part in (v, 1 - v)}
    said = plain(figure.clause)
    for frame in work.frames.values():
        for column in frame.columns:
            if any(re.search(rf"\b{re.escape(w[:5])}", said) for w in plain(str(column)).split() if len(w) > 2):
                values = frame[column].dropna()
                rows |= {values.nunique(), len(frame) - len(values)}
                rows |= {int(v) for v in (values.min(), values.max())} if values.dtype.kind in "iu" else set()
    return figure.value in rows


def _settings(work: Work) -> Iterator[float]:
    """Numbers that the code works with: limits, sizes, levels. They are so because the code says so."""
    unpacked = {
        n for _, tree in trees(work) for c in calls(tree) for k in c.keywords if k.arg is None for n in names(k)
    }
    computed = {
        n.id
        for _, tree in trees(work)
        for part in ast.walk(tree)
        if isinstance(part, (ast.BinOp, ast.Compare))
        for n in ast.walk(part)
        if isinstance(n, ast.Name)
    }
    for _, tree in trees(work):
        shown = {id(n) for c in calls(tree) if name_of(c) in _SHOWN for n in ast.walk(c)}
        for node in ast.walk(tree):
            inner: list[ast.expr] = []
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in shown:
                yield from (float(m[1]) for m in _DATED.finditer(node.value))  # from when a selection runs
            elif isinstance(node, ast.Compare):
                inner = [node.left, *node.comparators]
            elif isinstance(node, ast.BinOp):
                inner = [node.left, node.right]
            elif isinstance(node, ast.Slice):
                ends = (n.operand if isinstance(n, ast.UnaryOp) else n for n in (node.lower, node.upper))
                inner = [n for n in ends if n is not None]
            elif isinstance(node, ast.Call) and name_of(node) not in _SHOWN:
                for text in strings(node):  # a query's limits
                    yield from (float(m[1]) for m in _LIMIT.finditer(text))
                inner = [*node.args, *(k.value for k in node.keywords)]
            elif isinstance(node, ast.Assign) and isinstance(node.value, (ast.Call, ast.Dict)):
                handed = any(isinstance(t, ast.Name) and t.id in unpacked for t in node.targets)  # params = dict(...)
                inner = [c for c in ast.walk(node.value) if isinstance(c, ast.Constant)] if handed else []
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                of = {t.id for t in node.targets if isinstance(t, ast.Name)}
                inner = [node.value] if of & computed else []
            for part in inner:
                if isinstance(part, ast.Dict):  # what is handed on by name: cov_kwds={"maxlags": 14}
                    held: list[ast.expr] = part.values
                else:
                    held = part.elts if isinstance(part, (ast.List, ast.Tuple)) else []
                for n in [part, *held]:
                    if isinstance(n, ast.Constant) and isinstance(n.value, (int, float)) and n.value not in (0, 1):
                        yield float(n.value) if not isinstance(n.value, bool) else 0.0


def _printed(cell: Execution) -> str:
    """What a cell put out, without the sentences of its own findings: those are what is being checked.

    Of a page only what a reader sees of it: the script of an interactive chart holds any number.
    """
    return "\n".join(
        f"{o.text}\n{_MARKUP.sub(' ', str(o.data.get('text/html', '')))}"
        for o in cell.outputs
        if FINDING_MIME not in o.data
    )


def _fields(value: Finding) -> Iterator[float]:
    """Every number in a finding's fields, as against those in its sentence."""
    yield from _walk(value.model_dump(include={"effect", "test", "n", "params"}))


def _walk(value: Any) -> Iterator[float]:
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, (int, float)):
        yield float(value)
    elif isinstance(value, str):
        yield from values(value)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _walk(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _walk(inner)


def _typed(cell: Execution | None) -> list[float]:
    """Numbers that stand in a model-written cell's code, as literals or within its texts."""
    if cell is None or "code" not in cell.tags:
        return []
    try:
        tree = ast.parse(cell.code)
    except SyntaxError:  # a cell with magics; those are no findings' place
        return []
    return [v for node in ast.walk(tree) if isinstance(node, ast.Constant) for v in _walk(node.value)]


def _listed(found: list[Figure]) -> str:
    return ", ".join(dict.fromkeys(f.text.replace(COMMA, ",") for f in found))
