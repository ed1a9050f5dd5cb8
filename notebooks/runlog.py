"""A run's record as the session that writes it sees it: what it appends, and the fold of what it knows."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from artifacts.events import WORK, ArtifactSaved, Event, Noted, RunView, TaskWorked
from artifacts.events import apply as apply_event
from artifacts.store import Store, StoreError
from artifacts.types import Artifact, ArtifactRole, Execution
from notebooks import files

_FIGURE = re.compile(r"fig_(\d+)\.")


class RunLog:
    """Appends to one run. `view` folds the run as it was at the start and every event that was appended here.

    With `task_id`, `view` is that of a task's notebook, and what happens to it is recorded as that task's work.
    """

    def __init__(self, store: Store, view: RunView, task_id: str | None = None) -> None:
        self.store, self.view, self.run_id, self.task_id = store, view, view.run.id, task_id
        self.heard: Callable[[Event], object] | None = None  # whoever wants to hear what is appended here
        self._sent: list[asyncio.Future[list[Event]]] = []

    async def emit(self, event: Event) -> None:
        """Append an event; returns once it, and whatever was sent before, is durable."""
        self.send(event)
        await self.settle()

    def send(self, event: Event) -> None:
        """Append an event without waiting; the next `emit` or `settle` waits for it and hears why it failed."""
        work = self.task_id is not None and isinstance(event, WORK)
        told = TaskWorked(run_id=self.run_id, task_id=self.task_id or "", event=event) if work else event
        self._sent.append(self.store.submit([told]))
        self.view = apply_event(self.view, event)
        if self.heard is not None:
            self.heard(event)

    async def settle(self) -> None:
        """Wait until all that was sent is durable. Raises what `Store.append` raises; `view` is then the record's."""
        if not (sent := self._sent):
            return
        self._sent = []
        self.store.hurry()
        outcomes = await asyncio.gather(*sent, return_exceptions=True)
        if (failed := next((o for o in outcomes if isinstance(o, BaseException)), None)) is not None:
            with contextlib.suppress(StoreError):
                view = await asyncio.to_thread(self.store.view, self.run_id)
                self.view = view if self.task_id is None else view.task_views[self.task_id]
            raise failed

    async def note(self, text: str, step_id: str | None = None) -> None:
        """Tell the reader something that is no finding and no failure."""
        await self.emit(Noted(run_id=self.run_id, step_id=step_id, text=text, level="warning"))

    async def put(
        self, data: bytes | Path, name: str, media_type: str, role: ArtifactRole, cell: Execution | None = None
    ) -> Artifact:
        """Keep bytes as an artifact of a cell (or of the run). Its parents are what the code so far speaks of."""
        parents: Sequence[str] = ()
        if cell is not None:
            earlier = [a for a in self.view.artifacts if a.execution_id != cell.id and a.name != name]
            parents = files.parents([x.code for x in self.view.executions], earlier)
        artifact = await self.store.put(
            data,
            name=name,
            media_type=media_type,
            role=role,
            run_id=self.run_id,
            execution_id=cell.id if cell else None,
            parents=parents,
            step_id=cell.step_id if cell else None,
            task_id=self.task_id,
        )
        # `put` has written this event itself; folding it keeps the view whole.
        self.view = apply_event(self.view, ArtifactSaved(run_id=self.run_id, seq=self.view.last_seq, artifact=artifact))
        return artifact

    def execution(self, execution_id: str) -> Execution:
        """An execution as recorded so far."""
        return next(x for x in self.view.executions if x.id == execution_id)

    def figure_of(self, display_id: str) -> int | None:
        """The number of the plot that a display shows; None if it shows none."""
        outputs = (o for x in reversed(self.view.executions) for o in x.outputs if o.display_id == display_id)
        shown = {ref for o in outputs for ref in o.artifacts.values()}
        numbers = (_FIGURE.match(a.name) for a in reversed(self.view.artifacts) if a.id in shown)
        return next((int(m[1]) for m in numbers if m), None)

    def figures_of(self, cell_id: str) -> list[int]:
        """The numbers of the plots that a cell displayed when it ran last, in order."""
        ran = {x.id for x in self.view.executions if x.cell == cell_id}
        names = (_FIGURE.match(a.name) for a in self.view.artifacts if a.execution_id in ran)
        return list(dict.fromkeys(int(m[1]) for m in names if m))

    def next_figure(self) -> int:
        """The number of the next plot: plots are fig_01, fig_02, ... in order over the run."""
        numbers = (_FIGURE.match(a.name) for a in self.view.artifacts)
        return max((self.view.block, *(int(m[1]) for m in numbers if m))) + 1

    def findings_of(self, cell_id: str) -> list[str]:
        """The ids of the findings that a cell reported when it ran last, in order."""
        return [f.id for f in self.view.findings if f.evidence.cell == cell_id]

    def next_finding(self) -> str:
        """The id of the next finding, which neither a finding nor the report has."""
        ordered = self.view.report.order if self.view.report else ()
        numbers = (id[1:] for id in (*(f.id for f in self.view.findings), *ordered))
        return f"F{max((self.view.block, *(int(n) for n in numbers if n.isdigit()))) + 1}"
