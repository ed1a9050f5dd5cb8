"""Checks that a notebook stands: it reads the given files and nothing else, and no cell was left failed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graphs.review.base import Found, Work, check
from graphs.review.syntax import assigned, calls, keywords, name_of, strings, trees, words

_READERS = words(
    """
    read_csv read_table read_excel read_parquet read_json read_feather read_pickle read_fwf read_sql read_html
    read_xml read_stata read_spss read_sas read_hdf read_orc loadtxt genfromtxt load open
    """
)
_PLACES = _READERS | words("Path glob iglob rglob listdir scandir walk urlopen urlretrieve get connect ZipFile")
_WRITES = re.compile(r"^(?:to_\w+|save\w*|dump|write_\w+)$")
_FETCHES = re.compile(r"^(?:load_dataset|fetch_\w+|get_rdataset|load_(?:iris|wine|diabetes|breast_cancer|digits))$")
_FETCHED = re.compile(r"^\s*[!%]+\s*(?:curl|wget|git clone|kaggle|gdown|aws|gsutil|scp)\b.*$", re.M)
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
    for cell in work.written:
        for line in _FETCHED.finditer(cell.code):
            yield cell.cell, f"`{line[0].strip()[:60]}` fetches what is none of the given files."
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
