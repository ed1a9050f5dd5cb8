"""Checks of what reading the cells tells: that they read the given files and nothing else, that none was left failed,
that nothing is computed of the first or of drawn rows without a word,
that nothing is predicted from what comes later, that no score is too good. What running them tells is beside it, in
`graphs.review.watch`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graphs.review.base import Found, Work, check
from graphs.review.prose.figures import values
from graphs.review.syntax import (
    assigned,
    calls,
    keywords,
    name_of,
    names,
    strings,
    trees,
    without_magics,
    words,
    written_text,
)

_READERS = words(
    """
    read_csv read_table read_excel read_parquet read_json read_feather read_pickle read_fwf read_sql read_html
    read_xml read_stata read_spss read_sas read_hdf read_orc loadtxt genfromtxt load open
    """
)
_PLACES = _READERS | words("Path glob iglob rglob listdir scandir walk urlopen urlretrieve get connect ZipFile")
_WRITES = re.compile(r"^(?:to_\w+|save\w*|dump|write_\w+)$")
_FETCHES = re.compile(r"^(?:load_dataset|fetch_\w+|get_rdataset|load_(?:iris|wine|diabetes|breast_cancer|digits))$")
_ADDRESS = re.compile(
    r"(?<!\w)(?:https?|s3|gs|ftp|hdfs|postgres(?:ql)?|mysql|mssql|mongodb|sqlite)(?:\+\w+)?://[^\s'\"]+", re.I
)
_SHOWN = words("print display Markdown HTML title set_title suptitle text annotate report compile sub")


@check("files", "Read the given files by their names, in the current folder.")
def files(work: Work) -> Iterator[Found]:
    """Nothing but the given files is read."""
    given = {a.name for a in work.view.artifacts} | set(work.view.run.params.get("files", ()))
    called = [(cell, call) for cell, tree in trees(work) for call in calls(tree)]
    known = {n: v for _, tree in trees(work) for names, v in assigned(tree) for n in names}
    own = {text for _, call in called if _writes(call) for text in _named(call, known)}
    for cell, call in called:
        name, reads = name_of(call), not _writes(call)
        if _FETCHES.match(name):
            yield cell.cell, f"`{name}` fetches what is none of the given files."
        texts = set[str]().union(*map(strings, call.args)) if reads and name not in _SHOWN else ()
        places = {m[0] for text in texts for m in _ADDRESS.finditer(text)}
        paths = _named(call, known) - own if reads and name in _PLACES else ()
        places |= {path for path in paths if _foreign(path.removeprefix("./"), given, name)}
        for place in sorted(places):
            yield cell.cell, f"it reads {place!r}, which is none of the given files."


def _named(call: ast.Call, known: dict[str, ast.expr]) -> set[str]:
    """The text that a call's first argument is, or that its name was assigned."""
    first = next(iter((*call.args, *keywords(call).values())), None)
    first = known.get(first.id) if isinstance(first, ast.Name) else first
    return {first.value} if isinstance(first, ast.Constant) and isinstance(first.value, str) else set()


def _foreign(path: str, given: set[str], reader: str) -> bool:
    """Whether a path leads to what was not given, as far as it is written out."""
    outside = path.startswith(("/", "~", "\\")) or path[1:3] in (":\\", ":/") or ".." in path.split("/")
    plain = reader in _READERS and bool(given) and not re.search(r"\s", path)
    return path not in given and (outside or plain)


def _writes(call: ast.Call) -> bool:
    """Whether a call makes the file that it names."""
    mode = call.args[1] if len(call.args) > 1 else keywords(call).get("mode")
    opened = name_of(call) == "open" and isinstance(mode, ast.Constant) and any(c in str(mode.value) for c in "wax")
    return opened or _WRITES.match(name_of(call)) is not None


@check("failed_cells", "Mend it in a new cell, or say among the things not checked that this cell failed and why.")
def failed_cells(work: Work) -> Iterator[Found]:
    """No cell was left failed."""
    admitted = " ".join((work.report.answer, *work.report.not_checked))
    for cell in work.view.executions:
        if cell.status not in ("ok", "running") and cell.cell not in admitted and not work.done_again(cell):
            what = f"{cell.error.name}: {cell.error.value[:120]}" if cell.error else "it was stopped before its end"
            yield cell.cell, f"the cell failed ({what}) and nothing after it does what it was for."


_SOME = re.compile(r"\b(?:first|last|top|sampl\w+|subset|random\w*|latest|earliest|only)\b", re.I)
_ORDERS = words("sort_values sort_index nlargest nsmallest sort query")
_SUMS = words("mean median sum count min max std var value_counts groupby agg corr nunique describe size pivot_table")


@check("some_rows", "Compute it of all rows, or say of which rows it is.")
def some_rows(work: Work) -> Iterator[Found]:
    """What is computed of the first rows of a table, or of some drawn from it, is told as that."""
    said = f"{work.said} {work.view.run.goal}"
    named = [(names, v) for _, tree in trees(work) for names, v in assigned(tree)]
    read = {n for names, v in named for n in names if isinstance(v, ast.Call) and name_of(v) in _READERS}
    ordered = {n for names, v in named for n in names if any(name_of(c) in _ORDERS for c in calls(v))}
    tables, held = {"df", "tables", *read} - ordered, set[str]()  # those of the opening cell, too
    told = {f"{v:.0f}" for v in values(said)}
    for cell, tree in trees(work) if not _SOME.search(said) else ():
        cuts = [n for n in ast.walk(tree) if isinstance(n, ast.Subscript) and _ends(n.slice)]
        few: list[ast.AST] = [n for n in cuts if _root(n.value) in tables and getattr(n.value, "attr", "iloc") != "str"]
        for call in calls(tree):
            drawn = name_of(call) in ("head", "tail") and _root(getattr(call.func, "value", call)) in tables
            drawn = drawn or _is_draw(call, tables)
            few += [call] * (drawn or (name_of(call) in _READERS and "nrows" in keywords(call)))
        few = [n for n in few if told.isdisjoint(str(c.value) for c in ast.walk(n) if isinstance(c, ast.Constant))]
        for made, value in assigned(tree):
            held = held | made if value in few or _root(value) in held else held - made
        for call in (c for c in calls(tree) if name_of(c) in _SUMS):
            if any(n in few or getattr(n, "id", "") in held for n in ast.walk(call.func)):
                yield cell.cell, "it computes of the first or of some drawn rows of the table, which is not said."


def _is_draw(call: ast.Call, tables: set[str]) -> bool:
    """Whether a call draws rows at random, whatever was done with the table before; a shuffle of all draws none."""
    every = isinstance(part := keywords(call).get("frac"), ast.Constant) and part.value == 1
    return name_of(call) == "sample" and not every and not tables.isdisjoint(names(call.func))


def _ends(part: ast.expr) -> bool:
    """Whether a slice ends before the last row, or begins so many rows before it."""
    return isinstance(part, ast.Slice) and (part.upper is not None or isinstance(part.lower, ast.UnaryOp))


_FILLED = re.compile(
    r"\b(?:fill|missing|imput|zero|blank|empty|unknown|unanswered|unrated|(?:count|set|taken?|treat)\w* (?:as|to|with)|"
    r"(?:no|not|without|lack\w*)\b (?:\w+ ){0,3}(?:answer|rat|entr|value|record|given|known))",
    re.I,
)
_MEANS = words("mean median std var quantile describe corr min mode agg aggregate pivot_table plot")


@check(
    "filled_values", "Leave missing values out of a mean, or say with what they were filled and how many there were."
)
def filled_values(work: Work) -> Iterator[Found]:
    """No mean is told that values rest on which were missing and were filled with one number."""
    lacks = {str(c["name"]) for t in work.tables for c in t["columns"] if c.get("n_missing")}
    filled = set[str]()
    for cell, tree in trees(work) if lacks and not _FILLED.search(work.said) else ():
        fills = [c for c in calls(tree) if name_of(c) == "fillna" and _number(next(iter(c.args), None))]
        fills = [c for c in fills if lacks & {*strings(c.func), *_attributes(c.func)}]
        for made, value in assigned(tree):
            if value in fills:
                filled |= made - {"df"} or lacks & strings(value)
        for call in (c for c in calls(tree) if name_of(c) in _MEANS):
            if any(n in fills for n in ast.walk(call.func)) or filled & {*names(call.func), *strings(call.func)}:
                yield (
                    cell.cell,
                    "missing values are filled with one number and a mean is taken of them, which is not said.",
                )


def _root(node: ast.AST) -> str:
    """The name of which columns, rows or attributes are taken; empty where something is called on the way."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _number(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float))


def _attributes(tree: ast.AST) -> set[str]:
    return {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}


PREDICTS = re.compile(r"\.fit\(|train_test_split|cross_val|SearchCV")
_LATER = re.compile(
    r"^[^=(]+=(?!=).*\.(?:(?:shift|diff|pct_change)\(\s*(?:periods\s*=\s*)?-|(?:bfill|backfill)\(|"
    r"rolling\([^)\n]*center\s*=\s*True)"
)
_OUTCOME = re.compile(r"^[^=]*(?:target|label|next|ahead|future|tomorrow|(?<![a-z])y(?![a-z]))[^=]*=", re.I)
_SHUFFLED = re.compile(
    r"\btrain_test_split\((?![^)]*shuffle\s*=\s*False)|\b(?:Stratified)?KFold\([^)]*shuffle\s*=\s*True|ShuffleSplit\("
)
_AHEAD = re.compile(r"forecast|ahead|tomorrow|next (day|week|month|quarter|year)|future", re.I)
_PERFECT = {
    r"\bAUC\b|\bROC\b": 0.985, r"R²|\bR2\b|r2_score|R-squared": 0.985, r"Cram[ée]r'?s V|cramers_v": 0.95,
    r"\bF1\b": 0.99, r"\baccuracy\b": 0.995, r"eta²|\beta2\b|η²": 0.97,
}  # fmt: skip
_OF_TRAINING = re.compile(r"\btrain\w*|in[- ]sample|\bfitted to\b", re.I)
_LEAK_TOLD = re.compile(
    r"(?<!not )(?<!no )(?:\bleak\w*|restates|left out|leaves? out|known only after|not known (?:until|before)|"
    r"after the (?:outcome|fact)|by construction)",
    re.I,
)


@check("later_rows", "Make features of earlier rows only (shift(1), then roll); test on later rows (shuffle=False).")
def later_rows(work: Work) -> Iterator[Found]:
    """Nothing is predicted from what comes after it."""
    ahead = "time" in work.roles and _AHEAD.search(f"{work.view.run.goal} {work.said}")
    series = ahead or re.search(r"\.(?:shift|rolling)\(", work.code)
    for cell in work.written if PREDICTS.search(work.code) else ():
        if any(_LATER.search(x) and not _OUTCOME.match(x) for x in without_magics(cell.code).splitlines()):
            yield (
                cell.cell,
                "a feature is made of later rows (a shift back, a centred window, a gap filled from behind), which are "
                "not known when the prediction is made.",
            )
        if series and _SHUFFLED.search(cell.code):
            yield (
                cell.cell,
                "the rows of a series are shuffled before they are split, so the model is tested on days between those "
                "that it has learnt from.",
            )


@check("leakage", "Find which column is known only after the outcome or computed from it, leave it out, and say so.")
def leakage(work: Work) -> Iterator[Found]:
    """No prediction is too good to be true."""
    topic = " ".join([work.view.run.goal, *(str(c["name"]) for t in work.tables for c in t["columns"])]).lower()
    told = any(m[0].lower() not in topic for m in _LEAK_TOLD.finditer(work.said))
    if told or any(f.kind == "target_leakage" for f in work.view.findings):
        return
    for cell in work.written:
        lines = written_text(cell).splitlines() if "target" in work.roles or PREDICTS.search(cell.code) else ()
        if what := next(filter(None, map(_too_good, lines)), ""):
            yield cell.cell, f"{what} is too good to be true: a column that it rests on may restate the outcome."


def _too_good(line: str) -> str:
    """A measure of prediction in a line that is nearly perfect, as it stands there."""
    for measure, most in _PERFECT.items() if not _OF_TRAINING.search(line) else ():
        for match in re.finditer(measure, line, re.I):
            rest = re.split(r"[;,]\s*(?=[^\W\d])", line[match.end() : match.end() + 80])[0]
            if (best := max((v for v in values(rest)[:6] if 0 <= v <= 1), default=0)) >= most:
                return f"{match[0]} {best:g}"
    return ""
