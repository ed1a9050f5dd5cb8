"""The check of what a notebook reads: the given files, and nothing from elsewhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from artifacts.types import Objection
from graphs.review.base import Found, Work, check
from graphs.review.code.syntax import READERS, calls, constant, keywords, meanings, name_of, strings, trees, words

_PLACES = READERS | words("Path home glob iglob rglob listdir scandir walk urlopen urlretrieve get connect ZipFile")
_FETCHES = re.compile(r"^(load_dataset|fetch_\w+|get_rdataset|load_(iris|wine|diabetes|breast_cancer|digits))$")
_FETCHED = re.compile(r"^\s*[!%]+\s*(?:curl|wget|git clone|kaggle|gdown|aws|gsutil|scp)\b.*$", re.M)
_ADDRESS = re.compile(
    r"(?<!\w)(?:https?|s3|gs|ftp|hdfs|postgres(?:ql)?|mysql|mssql|mongodb|sqlite)(?:\+\w+)?://[^\s'\"]+", re.I
)
_SHOWN = words("print display Markdown HTML title set_title suptitle text annotate report compile sub")


@check("files")
def files(work: Work) -> Iterator[Found]:
    """Nothing but the given files is read."""
    known = meanings(work)
    given = {a.name for a in work.view.artifacts} | set(work.view.run.params.get("files", ()))
    for cell in work.written:
        if (shell := _FETCHED.search(cell.code)) is not None:
            yield _foreign(cell.cell, f"`{shell.group().strip()[:60]}` fetches")
    for cell, tree in trees(work):
        for call in calls(tree):
            first = constant(call.args[0] if call.args else None, known)
            path = str(first.value).removeprefix("./") if first is not None and isinstance(first.value, str) else None
            if path is not None and _writes(call):
                given.add(path)
        for call in calls(tree):
            if (what := _read(call, given, known)) is not None:
                yield _foreign(cell.cell, f"it reads {what}, which is")
                break


def _foreign(where: str, what: str) -> Objection:
    said = (
        f"{what} what is none of the given files." if what.endswith("fetches") else f"{what} none of the given files."
    )
    return Objection(where=where, problem=said, mend="Read the given files by their names, in the current folder.")


def _read(call: ast.Call, given: set[str], known: dict[str, ast.expr]) -> str | None:
    """What a call reads that was not given, as far as its path is written out."""
    name = name_of(call)
    if _FETCHES.match(name):
        return f"`{name}`"
    if name in _SHOWN or _writes(call):
        return None
    arguments = (*call.args, *keywords(call).values())
    for argument in arguments:
        for text in strings(argument) if isinstance(argument, (ast.Constant, ast.JoinedStr, ast.BinOp)) else ():
            if (address := _ADDRESS.search(text)) is not None:
                return repr(address.group())
    first = constant(arguments[0] if arguments else None, known)
    if name not in _PLACES or first is None or not isinstance(first.value, str):
        return "'~'" if name == "home" and ast.unparse(call.func).endswith("Path.home") else None
    path = first.value.removeprefix("./")
    outside = path.startswith(("/", "~", "\\")) or path[1:3] in (":\\", ":/") or ".." in path.split("/")
    foreign = name in READERS and bool(given) and not re.search(r"\s", path)
    return repr(path) if path not in given and (outside or foreign) else None


def _writes(call: ast.Call) -> bool:
    """Whether a call makes the file that it names."""
    mode = call.args[1] if len(call.args) > 1 else keywords(call).get("mode")
    opened = name_of(call) == "open" and isinstance(mode, ast.Constant) and any(c in str(mode.value) for c in "wax")
    return opened or name_of(call).startswith("to_") or name_of(call) in ("savefig", "save", "savetxt", "dump")
