"""A view of a run with what its page asks of it: what can be done now, which cells there are, which files."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from artifacts.events import RunView
from artifacts.types import Approval, Artifact, Cell, Execution, Question, now
from graphs.budget import Budget, budget_of, larger, standing
from graphs.look import unreadable
from notebooks.telling.story import Told, by_rule, told
from panel_app.components.outputs import Sized, unsized

UNDER_WAY = ("queued", "running", "waiting")


@dataclass(frozen=True)
class Row:
    """A place in the notebook: a cell, what it last put out, or both. A try that was given up has no cell any more."""

    cell: Cell | None
    ran: Execution | None

    @property
    def id(self) -> str:
        """The id that the cell has everywhere."""
        return self.cell.id if self.cell else self._execution.cell

    @property
    def number(self) -> str:
        """The number in its id, which stays when the cell is moved, and by which the report cites it."""
        return self.id.rpartition("-")[2].lstrip("0") or self.id

    @property
    def title(self) -> str:
        return self.cell.title if self.cell else self._execution.title

    @property
    def source(self) -> str:
        return self.cell.source if self.cell else self._execution.code

    @property
    def version(self) -> int:
        return self.cell.version if self.cell else self._execution.version

    @property
    def versions(self) -> int:
        return len(self.cell.versions) if self.cell else 1

    @property
    def edited_by(self) -> str:
        """Who wrote the newest version, where that is not who added the cell."""
        newest = self.cell.versions[-1].author if self.cell else ""
        return newest if self.cell and newest != self.cell.author else ""

    @property
    def author(self) -> str:
        return self.cell.author if self.cell else ""

    @property
    def toolkit(self) -> bool:
        """Whether it only brings the toolkit's functions along."""
        return "toolkit" in self._tags

    @property
    def describes(self) -> bool:
        """Whether it tells what the columns hold, for whoever plans: as JSON, a screen full of it."""
        return "describe" in self._tags

    @property
    def _tags(self) -> Collection[str]:
        return self.cell.tags if self.cell else self._execution.tags

    @property
    def state(self) -> str:
        """A status of `words.STATUS`: of a stale cell that, of any other how its execution stands."""
        if self.cell is not None and self.cell.state == "stale":
            return "stale" if self.ran else "not_run"
        return self._execution.status

    @property
    def _execution(self) -> Execution:
        assert self.ran is not None
        return self.ran


def rows(view: RunView) -> list[Row]:
    """The notebook in its order, with the tries that were given up behind the cells after which they ran."""
    ran = {x.cell: x for x in view.executions}
    kept = [Row(cell, ran.get(cell.id)) for cell in view.cells]
    known, before = {cell.id for cell in view.cells}, ""
    for execution in view.executions:
        if execution.cell not in known:
            place = next((i for i, row in enumerate(kept, 1) if row.id == before), 0)
            kept.insert(place, Row(None, execution))
        before = execution.cell
    return kept


@dataclass(frozen=True)
class Face:
    """A view of a run, with what the template asks of it. `sized` gives the size of a picture as attributes."""

    view: RunView
    sized: Sized = unsized

    @cached_property
    def told(self) -> Told:
        """What is told of the run, in its order."""
        return told(self.view)

    @cached_property
    def rows(self) -> list[Row]:
        """The notebook."""
        return rows(self.view)

    @property
    def rule_based(self) -> bool:
        """Whether the playbook speaks, and no language model."""
        return by_rule(self.view)

    @property
    def open(self) -> bool:
        """Whether it works, or waits for others to end."""
        return self.view.run.status in ("queued", "running")

    @property
    def busy(self) -> bool:
        """Whether somebody works on it, or it waits for somebody."""
        return self.view.run.status in UNDER_WAY

    @property
    def editing(self) -> bool:
        """Whether cells run because of an edit, and no turn is under way."""
        return self.view.run.status == "running" and self.view.turn is None

    @property
    def first(self) -> bool:
        """Whether the question that the run began with is still being worked on."""
        return self.busy and not self.editing and len(self.view.turns) == 1

    @property
    def rests(self) -> bool:
        """Whether nobody works on it, so that its cells can be edited."""
        return not self.busy

    @property
    def talks(self) -> bool:
        """Whether it answers questions, as no notebook that was merely run does."""
        return self.view.run.agent in ("analysis", "ask")

    @property
    def resumable(self) -> bool:
        """Whether going on could come to anything but the same end."""
        stopped = self.view.run.status in ("failed", "cancelled", "interrupted") and self.view.run.agent != "reproduce"
        return stopped and not unreadable(self.view) and self.more is None

    @property
    def more(self) -> Budget | None:
        """A budget with which a run could go on that has used up what it was given: twice as much of that."""
        if self.view.run.status not in ("interrupted", "cancelled"):
            return None
        return larger(budget_of(self.view.run.params), self.view, now())

    @property
    def limits(self) -> list[str]:
        """How much of its budget the run and its turn have used."""
        return standing(self.view, now())

    @property
    def reproducible(self) -> bool:
        return self.view.run.status == "done" and self.view.run.agent != "reproduce" and bool(self.view.executions)

    @property
    def stale(self) -> list[Cell]:
        """The cells whose outputs do not hold, or that have not run."""
        return [c for c in self.view.cells if c.state == "stale"]

    @property
    def undoes(self) -> str:
        """What Undo takes back: the last edit, or the last question with all that it made; empty for nothing."""
        past = self.view.previous
        return "" if past is None or not self.rests else _between(past, self.view)

    @property
    def redoes(self) -> str:
        """What Redo puts back: the same, where it was taken back and nothing was done since."""
        then = self.view.undone
        return "" if then is None or then.previous is None or not self.rests else _between(then.previous, then)

    @property
    def asked(self) -> list[Question]:
        """The questions that wait for an answer."""
        return [q for q in self.view.questions if q.answer is None] if self.view.run.status == "waiting" else []

    @property
    def approvals(self) -> list[Approval]:
        """The steps that wait for consent."""
        return [a for a in self.view.approvals if a.decision is None] if self.view.run.status == "waiting" else []

    @property
    def inputs(self) -> list[Artifact]:
        return [a for a in self.view.artifacts if a.role == "input"]

    @property
    def products(self) -> list[Artifact]:
        """What a reader takes along: the latest notebook, report and findings of each name."""
        latest = {a.name: a for a in self.view.artifacts if a.role in ("notebook", "report", "findings")}
        order = {"notebook": 0, "report": 1, "findings": 2}
        return sorted(latest.values(), key=lambda a: (order[a.role], a.name))

    @property
    def made(self) -> list[Artifact]:
        """Plots, tables and files that the cells made; of what one cell made again and again, the last."""
        made = {(a.execution_id, a.name): a for a in self.view.artifacts if a.role in ("plot", "table", "file")}
        return list(made.values())

    @property
    def cell(self) -> Execution | None:
        """The cell that runs at this moment."""
        return next((x for x in reversed(self.view.executions) if x.status == "running"), None)

    @property
    def heard(self) -> str:
        """How it stands, in a line for those who listen."""
        status = self.view.run.status
        if status == "waiting":
            return "The run waits for you: " + (self.asked[0].text if self.asked else "a step needs your consent.")
        if self.cell is not None:
            place = self.view.cells_of
            title = f": {self.cell.title}" if self.cell.title else ""
            return f"Cell {self.cell.cell.rpartition('-')[2]}{f' of {place[1]}' if place else ''}{title}"
        if self.open:
            going = [s.title for s in self.view.steps if s.status == "running"]
            return going[-1] if going else "Working"
        return {"done": "Done.", "failed": "The run failed."}.get(status, f"The run was {status}.")

    def file(self, name: str) -> Artifact | None:
        """The file of that name, the last where it was made again."""
        return next((a for a in reversed(self.view.artifacts) if a.name == name), None)

    def chart(self, name: str | None) -> Artifact | None:
        """The picture of that name, the last where it was drawn again."""
        drawn = (a for a in reversed(self.view.artifacts) if a.role == "plot" and a.name == name)
        return next(drawn, None)


def _between(past: RunView, view: RunView) -> str:
    """By what a run came from one state to the next: a question, or an edit."""
    return "question" if len(view.turns) > len(past.turns) else "edit"
