"""Reading the notebooks, which are kept as plain text beside this file.

`@@ name | faults or near:fault | files | roles` begins a case, `? ` its question, and a line of `%%` a cell: `%% md` of
prose, `%% unrun` of code that is not run and printed what follows `%% printed`. The last cell is `%% answer`; in it and
in prose `{...}` is an expression over the notebook's variables, as in an f-string; in our own set a name of theirs.
"""

from __future__ import annotations

import re
from pathlib import Path

from bench.review_cases.model import Case

HERE = Path(__file__).parent
MARKDOWN = "%md\n"
"""How a cell of prose begins among a case's cells."""


def cases(name: str) -> list[Case]:
    """The cases of a set: the faulty ones, then the clean ones, in the order in which they stand in their files."""
    texts = [(HERE / f"{name}_{kind}.txt").read_text("utf-8") for kind in ("faulty", "clean")]
    return [_read(case, alone=name != "own") for text in texts for case in re.split(r"^@@ ", text, flags=re.M)[1:]]


def _read(text: str, *, alone: bool) -> Case:
    head, question, *rest = text.split("\n", 2)
    name, fault, files, roles = (part.strip() for part in head.split("|"))
    near = fault.removeprefix("near:") if fault.startswith("near:") else None
    cells: list[str] = []
    unrun: dict[int, str] = {}
    answer = ""
    for kind, body in re.findall(r"^%%(?: (\w+))?\n(.*?)(?=^%%|\Z)", rest[0], flags=re.M | re.S):
        body = body.strip("\n")
        if kind == "answer":
            answer = body
        elif kind == "printed":
            unrun[len(cells) - 1] = body + "\n"
        else:
            cells.append(MARKDOWN + body if kind == "md" else body + "\n")
    return Case(
        name=name,
        question=question.removeprefix("? "),
        files=tuple(files.split()),
        cells=tuple(cells),
        answer=answer,
        fault=None if near or not fault else fault,
        near=near,
        roles=dict(part.strip().split("=") for part in roles.split(";") if part.strip()),
        unrun=unrun,
        alone=alone,
    )
