"""The cells with which every run of a question begins, and what they tell of its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from artifacts.types import Execution
from graphs import look
from graphs.errors import RunFailed
from graphs.inputs import no_column
from graphs.state import Desk


def cells(question: str, files: Sequence[str]) -> tuple[str, str, str]:
    """The code of the three cells: what they and nearly every run need of the toolkit, the reading, the description."""
    load, describe = look.load(files), look.describe(question)
    return look.toolkit(f"{load}\n{describe}\nreport, answer, answer_values, answer_groups"), load, describe


async def open_tables(
    desk: Desk, question: str, files: Sequence[str], roles: Mapping[str, str], step_id: str, key: str = "open-0-0"
) -> list[dict[str, Any]]:
    """Read the files and describe their columns (see `look.describe`); what a file did not make easy becomes a note.

    Raises RunFailed for a file that is no table, and for a declared column that no table has.
    """

    async def run(number: int, code: str, title: str, *tags: str) -> Execution:
        return await desk.session.run(code, title=title, tags=tags, step_id=step_id, key=f"{key}-{number}")

    toolkit, load, describe = cells(question, files)
    look.succeed(await run(0, toolkit, "Toolkit", "toolkit"))
    loaded = await run(1, load, "Read the files", "open")
    look.succeed(loaded)
    tables = look.read_description(await run(2, describe, "What each column holds", "open", "describe"))
    printed = "".join(o.text for o in loaded.outputs if o.kind == "stdout").strip()
    if printed:
        await desk.note(printed, step_id)
    for role, column in look.missing_roles(roles, tables):
        raise RunFailed(no_column(role, column, [str(c["name"]) for table in tables for c in table["columns"]]))
    return tables
