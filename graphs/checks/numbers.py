"""The number lint: what the reader reads must come from a cell, not from somebody's head."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Any

from artifacts.types import FINDING_MIME, Execution, Finding, Objection
from graphs.checks.base import Found, Work, check

_NUMBER = re.compile(r"(?<![\w.])[+\-−–]?(?:\d{1,3}(?:[,   ]\d{3})+|\d+)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w]|\.\d)")
_FREE = {50.0, 90.0, 95.0, 99.0, 100.0, 0.05, 0.01, 0.001, 0.95}
"""Conventions that no cell prints: levels of confidence and significance, whole and half."""
_COUNTABLE = 12
"""Whole numbers up to this one are counted by eye ("2 of 3 groups") and trace to no single output."""


@check("numbers")
def numbers(work: Work) -> Iterator[Found]:
    """Every number in the answer and the headline findings traces to a cell."""
    names = _names(work)
    printed = {x.cell: _values(_printed(x)) for x in work.view.executions}
    everything = [v for values in printed.values() for v in values]
    carried = {f.id: list(_fields(f)) for f in work.view.findings}

    for finding in work.headlines:
        known = carried[finding.id] + everything
        typed = _typed(work.cells.get(finding.evidence.cell))
        loose = [n for n in _claimed(finding.text, names) if not _traces(n, known) and _traces(n, typed)]
        if loose:
            yield Objection(
                where=finding.id,
                problem=f"{_listed(loose)} in its text was typed into the code and is printed by no cell.",
                mend="Compute the number in the cell and build the sentence from it.",
            )
    told = [v for f in work.view.findings for v in _values(f.text)]
    known = [*everything, *told, *_values(work.view.run.goal), *(v for values in carried.values() for v in values)]
    loose = [n for n in _claimed(work.report.answer, names) if not _traces(n, known)]
    if loose:
        yield Objection(
            where="answer",
            problem=f"{_listed(loose)} is in no cell's output and in no finding.",
            mend="Use the numbers as the findings give them, or have a cell compute this one.",
        )


def _names(work: Work) -> list[str]:
    """Names and values that may hold digits and are no claims: columns, files, finding and cell ids, levels."""
    names = {c for f in work.view.findings for c in (*f.columns, *(f.segment or "").split())}
    names |= {str(v) for f in work.view.findings for v in f.params.values() if isinstance(v, str)}
    names |= {a.name for a in work.view.artifacts} | set(work.cells) | {f.id for f in work.view.findings}
    names |= set(work.roles.values())
    return sorted((n for n in names if re.search(r"\d", n)), key=len, reverse=True)


def _claimed(text: str, names: Iterable[str]) -> list[str]:
    """The numbers that a text claims, as written; names, quoted words and small counts are none."""
    text = re.sub(r"`[^`]*`|“[^”]*”|'[^']*'|\"[^\"]*\"", " ", text)
    for name in names:
        text = text.replace(name, " ")
    found = []
    for match in _NUMBER.finditer(text):
        number = match.group()
        value = abs(_value(number))
        if value in _FREE or (value == int(value) and value <= _COUNTABLE and "." not in number):
            continue
        found.append(number)
    return found


def _value(number: str) -> float:
    return float(re.sub(r"[,   ]", "", number).replace("−", "-").replace("–", ""))


def _values(text: str) -> list[float]:
    return [_value(m.group()) for m in _NUMBER.finditer(text)]


def _traces(number: str, known: Iterable[float]) -> bool:
    """Whether a number as written is one of `known`, rounded as it is written; sign and percent may differ."""
    claimed = abs(_value(number))
    mantissa = re.split(r"[eE]", number)[0]
    decimals = len(mantissa.split(".")[1]) if "." in mantissa else 0
    exponent = int(re.split(r"[eE]", number)[1]) if re.search(r"[eE]", number) else 0
    half = 0.51 * 10.0 ** (exponent - decimals)
    whole = f"{claimed:.0f}"
    if "." not in number and len(whole) >= 4:  # "about 3,400" is 3,412 rounded
        half = max(half, 0.5 * 10.0 ** (len(whole) - len(whole.rstrip("0"))))
    return any(min(abs(abs(v) - claimed), abs(abs(v) * 100 - claimed)) <= half for v in known)


def _printed(cell: Execution) -> str:
    """What a cell put out, without the sentences of its own findings: those are what is being checked."""
    return "\n".join(f"{o.text}\n{o.data.get('text/html', '')}" for o in cell.outputs if FINDING_MIME not in o.data)


def _fields(value: Finding) -> Iterator[float]:
    """Every number in a finding's fields, as against those in its sentence."""
    yield from _walk(value.model_dump(include={"effect", "test", "n", "params"}))


def _walk(value: Any) -> Iterator[float]:
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, (int, float)):
        yield float(value)
    elif isinstance(value, str):
        yield from _values(value)
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


def _listed(numbers: list[str]) -> str:
    return ", ".join(dict.fromkeys(numbers))
