"""The cells with which every run begins: the toolkit, the files as tables, and what each column holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from artifacts.events import RunView
from artifacts.types import Execution
from graphs.errors import RunFailed
from graphs.inputs import COLUMN_ROLES
from notebooks.slices import binds, lacking, slice_for

_DESCRIBE = '''\
import json
import re


def describe(name, table):
    """Facts of one table, column by column, as plain JSON values."""

    def plain(value):
        value = value.item() if hasattr(value, "item") else value
        number = isinstance(value, (bool, int)) or (isinstance(value, float) and abs(value) < 1e300)
        return value if number else str(value)[:80]

    counted = table.attrs.get("counted")  # in all rows, where a sample is at hand
    asked = f" {re.sub(r'[^0-9a-z]+', ' ', question.casefold())} "
    begins = re.compile(rf"[^0-9a-z]*(?:{'|'.join(asked.split())})(?![0-9a-z])")
    columns = []
    for column in table.columns:
        values = table[column].dropna()
        if values.dtype == object:  # lists and dicts can be counted as text only
            values = values.astype(str)
        levels = values.drop_duplicates()
        fact = {
            "name": str(column),
            "dtype": str(table[column].dtype),
            "n_missing": int(table[column].isna().sum()),
            "n_unique": len(levels),
            "examples": [plain(v) for v in levels.head(5)],
        }
        if currency := table.attrs.get("currency", {}).get(column):
            fact["unit"] = currency
        if again := [new for new, head in table.attrs.get("renamed", {}).items() if head == column]:
            fact["renamed"] = again
        ordered = values.dtype.kind in "iufM"
        if len(values) and ordered:
            fact["min"], fact["max"] = plain(values.min()), plain(values.max())
            code = missing_code(values) if values.dtype.kind in "if" else None
            fact |= {} if code is None else {"code": code}
        if len(levels) <= (12 if ordered else 40):
            fact["values"] = sorted({str(v)[:80] for v in levels})
        elif not ordered:  # of many values those that the question names
            named = (str(v) for v in levels if len(str(v)) > 2 and begins.match(str(v).casefold()))
            fact["values"] = [v for v in named if f" {re.sub(r'[^0-9a-z]+', ' ', v.casefold())} " in asked][:10]
        if counted is not None:
            told = counted.get(str(column), {})
            fact |= {"n_missing": told.get("missing", fact["n_missing"]), "in_all_rows": bool(told)}
            fact |= {"n_unique": max(told.get("n_unique", 0), len(levels))}
            fact |= {end: plain(told[end]) for end in ("min", "max") if told.get(end) is not None}
            if "values" in fact and len(told.get("levels", ())) >= len(levels):
                fact["values"] = sorted({str(v)[:80] for v in told["levels"]})
        columns.append(fact)
    rows = table.attrs.get("rows", len(table))
    repeats = repeated_rows(table, {c["name"]: c["n_unique"] for c in columns}) if rows == len(table) else 0
    told = {"name": name, "rows": rows, "sampled": rows > len(table), "columns": columns}
    sheets = table.attrs.get("sheets")
    return told | ({"repeats": repeats} if repeats else {}) | ({"sheets": sheets} if sheets else {})


files = [describe(name, table) for name, table in tables.items()]
longest = max(files, key=lambda file: file["rows"])["name"]
for file in files:
    if file["name"] != longest and not any(f["sampled"] for f in files):
        file["fits"] = key_that_fits(tables[longest], tables[file["name"]])
print(json.dumps({"files": files}))
'''


def describe(question: str) -> str:
    """Code that prints what each column holds, as one JSON object: a list `files` of `{"name", "rows", "sampled",
    "columns"}`, and `fits` where there are several: the longest file's column and this file's own by which it can be
    looked up, or null.

    `rows` are the file's, of which `repeats` repeat an earlier one where some do; where it is so large that only a
    sample of them is read, `sampled`, the columns tell of that. A column's `values` are all of few, or those of many
    that the question names, `renamed` are other columns with the same header, its `unit` is the currency that they
    carry, and its `code` a number that may stand for missing. `sheets` are the columns of each sheet of a workbook that
    is not read. Where rows are sampled, `in_all_rows` says whether the column can be read in all of them.
    """
    return f"question = {json.dumps(question, ensure_ascii=False)}\n{_DESCRIBE}"


def toolkit(code: str, ran: Iterable[Execution] = ()) -> str:
    """The toolkit cell that code needs after the cells of a session that `ran`; empty where nothing is lacking.

    A name that a cell took for its own is left to it.
    """
    ran = [*ran]
    return slice_for(code, toolkit_names(ran).union(*(binds(x.code) for x in ran if "toolkit" not in x.tags)))


def still_needed(cell: str, ran: Iterable[Execution]) -> str:
    """What of a template's toolkit cell the session that `ran` lacks; empty where all of it is there.

    What is there stays, and with it the tables that it has read.
    """
    return lacking(cell, toolkit_names(ran))


def toolkit_names(ran: Iterable[Execution]) -> frozenset[str]:
    """The names that a session has from its toolkit cells, without those that a later cell took for its own."""
    names = frozenset[str]()
    for cell in ran:
        if "toolkit" not in cell.tags:
            names -= binds(cell.code)
        elif cell.status == "ok":
            names |= binds(cell.code)
    return names


def load(files: Sequence[str]) -> str:
    """Code that reads the files, the first of which becomes `df`."""
    names = ", ".join(json.dumps(name, ensure_ascii=False) for name in files)
    return (
        f"tables = {{name: read_once(name) for name in [{names}]}}\n"
        "data = next(iter(tables))\n"
        "df = tables[data]\n"
        "df.head()"
    )


def read_description(cell: Execution) -> list[dict[str, Any]]:
    """What the describe cell printed. Raises RunFailed with the cell's own sentence when it failed."""
    succeed(cell)
    return read_printed("".join(o.text for o in cell.outputs if o.kind == "stdout"))


def read_printed(printed: str) -> list[dict[str, Any]]:
    """The description in a text that such a cell printed. Raises RunFailed for one that was cut short."""
    try:
        files: list[dict[str, Any]] = json.loads(printed)["files"]
    except (ValueError, KeyError, TypeError):
        raise RunFailed(
            "The table could not be described: it has too many columns or its values are too long. "
            "Keep the columns that the question needs, then ask again."
        ) from None
    return files


def described(ran: Iterable[Execution]) -> list[dict[str, Any]]:
    """What the describe cell among those that ran printed; nothing where none has run."""
    cell = next((x for x in ran if "describe" in x.tags and x.status == "ok"), None)
    return read_description(cell) if cell is not None else []


def succeed(cell: Execution) -> None:
    """Raise RunFailed with a sentence for a person when this cell did not run to its end."""
    if cell.status == "ok":
        return
    if cell.error is None:
        raise RunFailed(f"Reading the files was stopped before its end ({cell.title}). Resume the run to try again.")
    if cell.error.name == "ValueError":  # the toolkit's own sentence about a file
        raise RunFailed(cell.error.value)
    raise RunFailed(f"The files could not be read: {cell.error.name}: {cell.error.value}")


def unreadable(view: RunView) -> bool:
    """Whether a run failed because a file is no table. Taking it up again would end in the same way."""
    if view.run.status != "failed" or not view.steps or view.steps[-1].name != "open" or not view.executions:
        return False
    error = view.executions[-1].error
    return error is not None and error.name == "ValueError"


def missing_roles(roles: Mapping[str, str], tables: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """The declared roles whose column no table has, as (role, column)."""
    names = {column["name"] for table in tables for column in table["columns"]}
    return [(r, c) for r, c in roles.items() if r in COLUMN_ROLES and c not in names]
