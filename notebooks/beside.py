"""The files that a notebook names and that lie where it is run: what must come along into a sandbox for it to work.

Only what the code names is taken: modules that it imports, paths that it writes as text, patterns, and folders. What
lies beside it and is named nowhere stays where it is, and so does what is too much.
"""

from __future__ import annotations

import contextlib
import fnmatch
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from notebooks.files import MAX_FILE, safe_name

MOST_FILES = 200
"""Files that come along with one notebook."""
MOST_BYTES = 200 * 2**20
"""Bytes of them all."""

_LOOKED_AT = 20_000  # entries of a folder's tree that a pattern is held against
_SOURCE = 2**20  # bytes of a module that is still read for what it names
_LONGEST = 1_000  # characters that may be a path
_TEXT = re.compile(r"'([^'\n]*)'|\"([^\"\n]*)\"")
_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import\b|import[ \t]+([\w.]+(?:[ \t]*,[ \t]*[\w.]+)*))", re.M)
_SHELL = re.compile(r"^[ \t]*(?:[!%]|\w[\w, ]*=[ \t]*[!%])(.*)$", re.M)
_WORD = re.compile(r"[^\s'\"<>|&;()=]+")
_LISTING = re.compile(r"\b(?:listdir|scandir|iterdir|walk)\(|glob\(['\"]\*['\"]|^[ \t]*[!%]+(?:ls|dir)\b", re.M)


@dataclass
class Beside:
    """`files` by the relative name that they have beside the notebook; `left_out`, a sentence for each that stays.

    `folders` are those that the code names or writes into, by their relative names, whether a file comes along or not.
    """

    files: dict[str, Path] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    _bytes: int = 0

    def add(self, name: str, path: Path) -> bool:
        """Take a file along, unless it is here already or is too much; returns whether it was taken."""
        if name in self.files or name != safe_name(name):
            return False
        try:
            size = path.stat().st_size
        except OSError:
            return False
        if size > MAX_FILE:
            self.left_out.append(f"{name} is larger than {MAX_FILE // 2**20} MB.")
        elif len(self.files) >= MOST_FILES or self._bytes + size > MOST_BYTES:
            limit = f"{MOST_FILES} files or {MOST_BYTES // 2**20} MB"
            self.left_out.append(f"{name} would be more than {limit}.")
        else:
            self.files[name] = path
            self._bytes += size
            return True
        return False


def beside(notebook: Any, folders: Sequence[Path]) -> Beside:
    """What the code of a notebook names below these folders; of a name that several have, the first one's."""
    found = Beside()
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    # Every line of a shell's cell is a command, not only those that begin with a mark.
    sources = [re.sub(r"^", "!", s, flags=re.M) if re.match(r"\s*%%(?:bash|sh|script|!)", s) else s for s in cells]
    for folder in dict.fromkeys(path.resolve() for path in folders):
        waiting = [*sources]
        while waiting:
            source = waiting.pop()
            found.folders += [name for text in _texts(source) if (name := _folder(folder, text)) is not None]
            for name, path in _named(source, folder):
                if found.add(name, path) and path.suffix == ".py":
                    waiting += _source(path)
    found.left_out = list(dict.fromkeys(found.left_out))
    found.folders = list(dict.fromkeys(found.folders))[:MOST_FILES]
    return found


def _source(module: Path) -> list[str]:
    try:
        return [module.read_text(errors="replace")] if module.stat().st_size <= _SOURCE else []
    except OSError:
        return []


def _named(source: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """The files below the folder that this source names, with their names relative to it."""
    for match in _IMPORT.finditer(source):
        for module in (match[1] or match[2]).split(","):
            top = module.strip().split(".")[0]
            if top:
                yield from _files(folder, f"{top}.py")
                if (folder / top / "__init__.py").is_file() or not (folder / f"{top}.py").is_file():
                    yield from ((n, p) for n, p in _files(folder, top) if _is_part(n))
    for text in filter(re.compile(r"\w").search, _texts(source)):
        yield from _files(folder, text)
    if _LISTING.search(source):
        yield from _files(folder, "*")


def _is_part(name: str) -> bool:
    return "__pycache__" not in name.split("/")


def _texts(source: str) -> Iterator[str]:
    for match in _TEXT.finditer(source):
        text = match[1] or match[2] or ""
        if "\\" not in text:
            yield re.sub(r"\{[^{}]*\}", "*", text)  # an f-string's gap may be anything
    for match in _SHELL.finditer(source):
        yield from _WORD.findall(match[1])


def _folder(folder: Path, text: str) -> str | None:
    """The folder that a text means, or that of a file which may still be written; None for any other text."""
    plain = _relative(text)
    for place in () if plain is None else (plain, plain.parent):
        name = place.as_posix()
        with contextlib.suppress(OSError, ValueError):
            if name != "." and name == safe_name(name) and (folder / name).is_dir():
                return name
    return None


def _relative(text: str) -> PurePosixPath | None:
    """The text as a path below a folder, if it can be one."""
    text = text.removeprefix("./").rstrip("/")
    plain = PurePosixPath(text)
    odd = not text or text == "." or len(text) > _LONGEST or "\0" in text or plain.is_absolute() or ".." in plain.parts
    return None if odd else plain


def _files(folder: Path, text: str) -> Iterator[tuple[str, Path]]:
    """The regular files that a text means, if it is a relative path, a folder's path or a pattern."""
    plain = _relative(text)
    if plain is None:
        return
    text = plain.as_posix()
    try:
        if any(mark in text for mark in "*?["):
            yield from _matching(folder, text)
        elif (path := folder / text).is_file():
            yield plain.as_posix(), path
        elif path.is_dir():
            for one in itertools.islice(_walk(path), MOST_FILES + 1):
                yield one.relative_to(folder).as_posix(), one
    except (OSError, ValueError):  # a name that no file can have
        return


def _matching(folder: Path, pattern: str) -> Iterator[tuple[str, Path]]:
    deep = "**" in pattern
    if not deep:
        found = (path for path in sorted(folder.glob(pattern)) if path.is_file())
    else:
        flat = pattern.replace("**/", "*")
        walked = itertools.islice(_walk(folder), _LOOKED_AT)
        found = (path for path in walked if fnmatch.fnmatch(path.relative_to(folder).as_posix(), flat))
    for path in itertools.islice(found, MOST_FILES + 1):
        if not path.name.startswith(".") or "." in pattern[:1]:
            yield path.relative_to(folder).as_posix(), path


def _walk(folder: Path) -> Iterator[Path]:
    """The regular files of a tree, in order, without hidden ones and caches."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == "__pycache__" or path.is_symlink():
            continue
        if path.is_dir():
            yield from _walk(path)
        elif path.is_file():
            yield path
