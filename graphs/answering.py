"""Has a query answered: compiled into cells, carried out in the run's notebook, and told as an `Answer`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from artifacts.events import AnswerMade
from artifacts.types import Answer, Execution
from graphs import look
from graphs.questions.compile import compile
from graphs.questions.expressions import NotComputable
from graphs.questions.query import Query, compact
from graphs.questions.source import Cells
from graphs.questions.templates import with_roles
from graphs.state import Desk
from notebooks.answers import Asked
from notebooks.catalog import Cell, cells
from notebooks.errors import NotebookError

_TITLE = 120  # characters of a part of the question as a cell's title


@dataclass
class Part:
    """One part of a question on its way to its answer. `question` is the question's id where a run has several."""

    text: str
    query: Query | None
    notes: tuple[str, ...] = ()
    question: str = ""
    answers: list[Answer] = field(default_factory=list)
    of_template: bool = False

    def complete(self, given: Answer) -> Answer:
        """What a cell gave, with what only we know of it; a later answer of the same part is added to the first."""
        self.answers.append(self._asked.given(given, self.of_template))
        return self.said

    @property
    def said(self) -> Answer:
        """The answer as it stands: all that cells gave, as one."""
        return self._asked.answered(self.answers)

    @property
    def _asked(self) -> Asked:
        query = self.query or Query()
        asked = compact(query) if self.query else None
        return Asked(self.text, self.question, asked, (*query.notes, *self.notes), query.unused)


async def answer(desk: Desk, part: Part, tables: Sequence[dict[str, Any]], key: str, step_id: str) -> list[Execution]:
    """Compute the answer to a part and record it; returns the cells that ran. `key` names this for ever.

    A query that cannot be computed and a cell that fails are answered by saying so: no error is raised for them.
    """
    try:
        planned = _planned(desk, part, tables)
    except (NotComputable, NotebookError) as problem:
        await refuse(desk, part, str(problem), step_id)
        return []
    done: list[Execution] = []
    for place, cell in enumerate(planned):
        if toolkit := await asyncio.to_thread(_toolkit, desk, cell):
            name = f"{key}-{place}-toolkit"
            done.append(await desk.session.run(toolkit, title="Toolkit", tags=("toolkit",), step_id=step_id, key=name))
        if "toolkit" in cell.tags:
            continue
        title = (cell.title or " ".join(part.text.split()))[:_TITLE]
        done.append(
            await desk.session.run(
                cell.code, title=title, tags=cell.tags, step_id=step_id, key=f"{key}-{place}", complete=part.complete
            )
        )
        if done[-1].status != "ok":
            break
    if not part.answers:
        cells = {x.cell for x in done}  # which a run that is taken up again does not run a second time
        recorded = (a for a in desk.session.view.answers if (a.question, a.part) == (part.question, part.text))
        part.answers += (a for a in recorded if not a.outdated and cells & {e.cell for e in a.evidence})
    if not part.answers:
        await refuse(desk, part, _failure(done), step_id)
    return done


async def refuse(desk: Desk, part: Part, why: str, step_id: str, offers: tuple[str, ...] = ()) -> None:
    """Record that a part of the question has no answer, why, and what can be asked in its place."""
    said = part.complete(Answer(part=part.text, status="not_answered", why=why, offers=offers))
    await desk.emit(AnswerMade(run_id=desk.run_id, step_id=step_id, answer=said))


def _planned(desk: Desk, part: Part, tables: Sequence[dict[str, Any]]) -> list[Cell]:
    """The cells that answer a query: compiled ones, or those of a template, which the run's roles complete."""
    made = compile(part.query or Query(), tables)
    if isinstance(made, Cells):
        return [Cell(code, title, ("answer",)) for title, code in made.cells]
    template = next((t for t in desk.templates if t.name == made.template), None)
    if template is None:
        raise NotComputable(f"It takes the notebook {made.template!r}, and there is none of that name here.")
    roles = desk.session.view.run.params.get("roles", {})
    made = with_roles(made, roles, frozenset(p.name for p in template.parameters))
    part.notes = (*part.notes, *made.notes)
    part.of_template = True
    tag = f"template:{template.name}"
    return [Cell(cell.code, cell.title, (*cell.tags, tag)) for cell in cells(template, made.parameters)]


def _toolkit(desk: Desk, cell: Cell) -> str:
    """What of the toolkit a cell needs, or is, that the session has not got yet."""
    ran = desk.session.executions
    return look.still_needed(cell.code, ran) if "toolkit" in cell.tags else look.toolkit(cell.code, ran)


def _failure(done: Sequence[Execution]) -> str:
    """Why cells gave no answer, as a sentence."""
    error = done[-1].error if done else None
    if error is None:
        return "The cells that were to answer it gave no answer."
    said = error.value.strip().splitlines()[0] if error.value.strip() else error.name
    return f"{done[-1].cell}, which was to answer it, failed: {said}"
