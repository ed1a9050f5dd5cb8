"""A run's page: its notebook and its conversation, drawn once and then kept up by the events as they come."""

from __future__ import annotations

import asyncio

from markupsafe import Markup, escape

from artifacts.errors import NotFound
from artifacts.events import ModelReplied, RunView, TextDelta, apply
from artifacts.types import Cell
from graphs import slash
from graphs.budget import Budget, read_budget
from graphs.errors import InputError
from graphs.workbench import Workbench
from notebooks.errors import Outdated
from notebooks.live.edits import Edit
from panel_app.components.render import part, render
from panel_app.components.talk import edits, entries
from panel_app.components.words import arguments
from panel_app.edits import Edits, last_edit
from panel_app.face import UNDER_WAY, Face
from panel_app.live import batches
from panel_app.pages.base import Page, Sorry
from panel_app.patches import CELLS, TALK, changes
from panel_app.pixels import Pixels
from panel_app.wire import Message, Patch, Wire


class RunPage(Page):
    """Follows one run. The view is the fold of the events and nothing else, so a second browser shows the same."""

    name = "run"
    nav = "/"

    def __init__(self, workbench: Workbench, view: RunView, edits: Edits) -> None:
        self.workbench = workbench
        self.view = view
        self.title = " ".join(view.run.goal.split())[:80]
        self._edits = edits
        self._more: Budget | None = None  # what the run may use from its next turn on
        self._pixels = Pixels(workbench.store)

    def html(self) -> Markup:
        face = Face(self.view, self._pixels.of(self.view))
        return render("pages/run.html", face=face, talk=entries(self.view))

    async def live(self, wire: Wire) -> None:
        store, run_id = self.workbench.store, self.view.run.id
        for id, stood in edits(self.view).items():
            if stood is not self.view or self.view.run.status not in UNDER_WAY:
                await self._tell_changes(wire, id, stood)
        async for batch in batches(store.follow(run_id, self.view.last_seq, stay=True)):
            before, typed = self.view, ""
            for item in batch:
                if isinstance(item, TextDelta):
                    typed += item.text
                else:
                    self.view = apply(self.view, item)
                    typed = "" if isinstance(item, ModelReplied) else typed
            patches = changes(before, self.view, self._pixels.of(self.view))
            if typed:
                patches.append(Patch(do="type", id="typed", text=typed))
            wire.send(patches)
            if before.last_seq != self.view.last_seq and self.view.run.status not in UNDER_WAY:
                await self._tell_changes(wire, self.view.turns[-1].id, self.view)

    async def _tell_changes(self, wire: Wire, turn_id: str, stood: RunView) -> None:
        """Tell what the last edit after a turn changed, of the run as that left it."""
        told = await asyncio.to_thread(last_edit, self.workbench.store, stood)
        wire.send([Patch(do="set", id=f"{turn_id}-changed", html=part(TALK, "changed", told))])

    async def act(self, wire: Wire, message: Message) -> None:
        bench, run_id = self.workbench, self.view.run.id
        match message:
            case {"do": "say", "text": str(text), "queue": bool(queue)}:
                await self._said(wire, text.strip(), queue)
            case {"do": "stop"}:
                await bench.stop(run_id)
            case {"do": "answer", "id": str(id), **given}:
                text = given.get("text") or given.get("free") or ""
                await bench.answer(run_id, str(text), question_id=id)
            case {"do": "decide", "id": str(id), "decision": str(decision), **given}:
                await self._decide(id, decision, given)
            case {"do": "cancel"}:
                await bench.cancel(run_id)
            case {"do": "resume"}:
                await bench.resume(run_id)
            case {"do": "more"}:
                await bench.resume(run_id, budget=Face(self.view).more)
            case {"do": "reproduce"}:
                again = await bench.start_reproduce(run_id)
                wire.send([Patch(do="go", url=f"/runs/{again.id}")])
            case {"do": "branch"}:
                new = await bench.branch(run_id)
                wire.send([Patch(do="go", url=f"/runs/{new.id}")])
            case {"do": "undo"}:
                await bench.undo(run_id)
            case {"do": "redo"}:
                await bench.redo(run_id)
            case {"do": "halt"}:
                self._edits.stop(run_id)
            case {"do": "source" | "versions" as macro, "cell": str(id)}:
                self._show(wire, macro, id)
            case {"do": "edit" | "run" | "restart" | "restore" | "delete" | "move-up" | "move-down"}:
                wire.send([Patch(do="idle")])  # cells may take long, and Stop is a button, too
                await self._edit(wire, message)
        wire.send([Patch(do="idle")])

    async def _said(self, wire: Wire, text: str, queue: bool) -> None:
        """What was typed in the conversation: something said to the run, or a command."""
        bench, run_id, told = self.workbench, self.view.run.id, ""
        wire.send([Patch(do="set", id="told", html="")])
        match slash.command(text):
            case None if told := slash.meant(text):
                pass
            case None:
                await bench.ask(run_id, text, queue=queue, budget=self._more)
                self._more = None
            case "run" | "sh" as name, source if source:
                edit = slash.cell(source if name == "run" else f"!{source}")
                await self._edits.carry_out(run_id, bench.edit(run_id, edit))
            case "files", _:
                told = slash.files(await asyncio.to_thread(lambda: bench.store.artifacts(run_id=run_id)))
            case "agents", _:
                project = self.view.run.params.get("project")
                told = await asyncio.to_thread(slash.agents, bench.store.home, project)
            case "budget", "":
                told = slash.budget(self.view)
            case "budget", limits:
                told = await self._budget(read_budget(limits))
            case "undo", _:
                await bench.undo(run_id)
            case "redo", _:
                await bench.redo(run_id)
            case "stop", _:
                self._edits.stop(run_id)
                await bench.stop(run_id)
            case "resume", _:
                await bench.resume(run_id)
            case "run" | "sh" | "help", _:
                told = slash.HELP
            case name, _:
                raise InputError(slash.unknown(name))
        if told:
            wire.send([Patch(do="set", id="told", html=escape(told))])

    async def _budget(self, budget: Budget) -> str:
        """Let the run use this from now on; what is said of that."""
        if self.view.run.status == "interrupted":
            await self.workbench.resume(self.view.run.id, budget=budget)
            return ""
        self._more = budget
        return slash.LATER

    async def _decide(self, id: str, decision: str, given: Message) -> None:
        approval = next((a for a in self.view.approvals if a.id == id), None)
        if approval is None or decision not in ("accepted", "rejected"):
            raise InputError("That step does not wait any more. Load the page again.")
        run_id, edited = self.view.run.id, None
        if decision == "rejected":
            await self.workbench.decide(run_id, "rejected", approval_id=id, reason=str(given.get("reason", "")))
            return
        try:
            written = {k.removeprefix("arg:"): str(v) for k, v in given.items() if k.startswith("arg:")}
            edited = arguments(approval.arguments, written) if written else None
        except ValueError as error:
            raise InputError(str(error)) from error
        await self.workbench.decide(run_id, "edited" if edited else "accepted", approval_id=id, edited=edited)

    async def _edit(self, wire: Wire, message: Message) -> None:
        """Carry out an edit. Whoever made it keeps what was written until the record has it."""
        ticket = str(message.get("ticket", ""))
        edit = self._meant(message)
        try:
            await self._edits.carry_out(self.view.run.id, self.workbench.edit(self.view.run.id, edit))
        except Outdated as error:
            told = Patch(do="ack", id=ticket, text=str(error), version=str(error.version), source=error.source)
            wire.send([told if ticket else Patch(do="say", text=str(error), level="error")])

    def _meant(self, message: Message) -> Edit:
        """The edit that a message means. Raises InputError for one of a cell that is not there."""
        cells, id = self.view.cells, str(message.get("cell") or "")
        place = next((i for i, c in enumerate(cells) if c.id == id), None)
        match message:
            case {"do": "edit", "source": str(source), "after": str(after)}:
                return Edit(what="add", source=source, after=after, run=bool(message.get("run", True)))
            case {"do": "edit", "source": str(source), "based_on": int(version)}:
                run = bool(message.get("run", True))
                return Edit(what="edit", cell=id, source=source, based_on=version, run=run)
            case {"do": "run"}:
                return Edit(what="run", cell=id or None)
            case {"do": "restart"}:
                return Edit(what="restart")
        if place is None:
            raise InputError("That cell is not in the notebook any more. Load the page again.")
        match message:
            case {"do": "restore", "version": str(number)} if (old := _version(cells[place], number)) is not None:
                return Edit(what="edit", cell=id, source=old, based_on=cells[place].version)
            case {"do": "delete"}:
                return Edit(what="delete", cell=id)
            case {"do": "move-up"} if place > 0:
                return Edit(what="move", cell=id, after=cells[place - 2].id if place > 1 else "")
            case {"do": "move-down"} if place + 1 < len(cells):
                return Edit(what="move", cell=id, after=cells[place + 1].id)
        raise InputError("The cell cannot be moved further.")

    def _show(self, wire: Wire, macro: str, id: str) -> None:
        """What a page of many cells leaves out until somebody wants it: long sources, and how cells were before."""
        row = next((r for r in Face(self.view).rows if r.id == id), None)
        if row is None:
            return
        if macro == "source":
            wire.send([Patch(do="set", id=f"{id}-source", html=part(CELLS, "whole", row))])
        elif row.cell is not None:
            wire.send([Patch(do="set", id=f"{id}-past", html=part(CELLS, "versions", row))])


def _version(cell: Cell, number: str) -> str | None:
    return next((v.source for v in cell.versions if str(v.number) == number), None)


def run_page(workbench: Workbench, run_id: str, edits: Edits) -> Page:
    """The page of this run, or one that says which runs are near."""
    try:
        return RunPage(workbench, workbench.store.view(workbench.store.run(run_id).id), edits)
    except NotFound as error:
        return Sorry("This run is not here", str(error), "/")
