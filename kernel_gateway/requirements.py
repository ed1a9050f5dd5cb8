"""Finds in requirements files what pip would build, whatever its command line says: it takes such lines' word for it.

Formats: pip's documentation, "Requirements File Format"; PEP 508 for a single requirement.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

_NESTED = {"-r", "--requirement", "-c", "--constraint"}
_HARMLESS = {"-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--trusted-host", "--hash"}
_FLAGS = {"--no-index", "--pre", "--prefer-binary", "--require-hashes"}
_OTHER_TEXT = re.compile(r"[ \t\f]*#.*?coding[:=]")  # in one of its first two lines; pip would read it differently
_DEEPEST = 8


def built_lines(file: Path, text: str, depth: int = 0) -> Iterator[str]:
    """The lines of a requirements file, and of those that it names, by which more than wheels may be taken.

    Raises OSError and UnicodeDecodeError for a file it names that cannot be read.
    """
    lines = text.splitlines()
    yield from (line for line in lines[:2] if _OTHER_TEXT.match(line))
    for line in _joined(lines):
        words = _words(line)
        option, equals, value = words[0].partition("=")
        if option in _NESTED and depth < _DEEPEST and len(words) == (1 if equals else 2):
            named = file.parent / (value or words[-1])
            yield from built_lines(named, named.read_text(), depth + 1)
        elif not (_is_harmless(words) if line.startswith("-") else _is_wheel(line)):
            yield line


def _joined(lines: list[str]) -> Iterator[str]:
    """The lines less their comments, each with what continues it."""
    whole = ""
    for line in lines:
        whole += re.sub(r"(^|\s+)#.*$", "", line)
        if whole.endswith("\\") and not line.lstrip().startswith("#"):
            whole = whole[:-1]
            continue
        if whole.strip():
            yield whole.strip()
        whole = ""
    if whole.strip():
        yield whole.strip()


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line) or [line]
    except ValueError:
        return [line]


def _is_harmless(words: list[str]) -> bool:
    waiting = iter(words)
    for word in waiting:
        option, equals, _ = word.partition("=")
        if option in _HARMLESS:
            if not equals:
                next(waiting, None)
        elif word not in _FLAGS:
            return False
    return True


def _is_wheel(line: str) -> bool:
    """Whether a requirement names a package of an index, or a wheel by its place."""
    from packaging.requirements import InvalidRequirement, Requirement

    wanted, _, options = line.partition(" --")
    if options and not _is_harmless(_words(f"--{options}")):
        return False
    try:
        place = Requirement(wanted).url
    except InvalidRequirement:
        place = wanted.partition(" ;")[0].strip()
    return place is None or urlsplit(place).path.endswith(".whl")
