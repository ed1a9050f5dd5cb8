"""A conversation in the terminal: takes lines, begins turns, tells what happens, and puts questions to the person.

At a terminal a line can be typed at any time: while a turn is under way it is said to the agents at work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from artifacts.events import Event, ExecutionEnded, ModelReplied, RunView, TextDelta
from artifacts.types import Decision, Turn
from graphs import slash
from graphs.budget import Budget, read_budget
from graphs.request import Question, Terms
from gristmill.backend import Backend
from gristmill.errors import sentences
from gristmill.local import Local
from gristmill.plain import turn_answers, turn_cells
from gristmill.terminal import console, pieces, progress
from gristmill.terminal.answering import Answering
from gristmill.terminal.lines import Interrupted, Lines, lines
from gristmill.terminal.words import clean, one_line
from notebooks.telling.answers import said_of

WRITING = 6
"""Lines of what a model is just writing that are shown at a time."""


class _Told(Answering):
    """What happens in a turn, told in short; `writing` is what a model is just writing."""

    writing = ""

    def feed(self, event: Event | TextDelta) -> None:
        if isinstance(event, TextDelta):
            self.writing += event.text
        super().feed(event)

    def _show(self, event: Event, view: RunView) -> None:
        if isinstance(event, ModelReplied):
            self.writing = ""
            if event.content.strip() and not event.rule_based:
                pieces.say(self.console, clean(event.content.strip()), lead=f"{event.agent}: ", style="dim")
        elif isinstance(event, ExecutionEnded) and view.run.model != "playbook":
            ran = next((x for x in view.executions if x.id == event.execution_id), None)
            if ran is not None and "toolkit" not in ran.tags:
                failed = "" if ran.status == "ok" else f"  {ran.status}"
                self.console.print(f"  {ran.cell}  {one_line(ran.title) or 'a cell'}{failed}", style="dim")
        super()._show(event, view)


class Talk:
    """One conversation. `files` are those of the first question, where the run is still to begin."""

    def __init__(
        self, backend: Backend, files: Sequence[Path], model: str | None, roles: Mapping[str, str], terms: Terms
    ) -> None:
        self._backend, self._files, self._model, self._roles, self._terms = backend, files, model, roles, terms
        self._out = console.make()
        self._story = _Told(console.make(stderr=True), lambda view, name: None)
        self._run: str | None = None
        self._more: Budget | None = None  # what the run may use from its next turn on
        self._taking: asyncio.Task[None] | None = None  # the line that is being taken
        self._turn: asyncio.Task[None] | None = None  # the turn that is being told
        self._stopping = False
        self._lines: Lines | None = None
        self._commands: dict[str, Callable[[str], Awaitable[None]]] = {
            "run": self._cell,
            "sh": lambda text: self._cell(f"!{text}" if text else ""),
            "files": self._list_files,
            "agents": self._list_agents,
            "budget": self._tell_budget,
            "undo": self._undo,
            "redo": self._redo,
            "stop": self._stop,
            "resume": self._resume,
            "help": self._help,
        }

    async def until_left(self, run_id: str | None = None) -> None:
        """Take lines until the person leaves, in a run or in one that the first line begins.

        What goes wrong with a line is a sentence, and the next can be typed.
        """
        with lines(self._above, self._below) as typed:
            self._lines = typed
            self._out = console.make()
            self._story.console = self._out if typed.attended else self._story.console
            if run_id is not None:
                self._take(self._take_up(run_id))
            progress.hush()
            if typed.attended:
                self._out.print("Ask a question; /help lists the commands, /quit leaves.", style="dim")
            while True:
                if not typed.attended:
                    await self._settled()
                try:
                    line = await typed.next()
                except Interrupted as pressed:
                    if self._interrupted(pressed.empty):
                        continue
                    break
                if line is None or line.strip() == "/quit":
                    break
                self._take(self._heard(line.strip()))
            await self._left(typed.attended)

    def _above(self) -> str:
        """What a model is just writing, its last lines."""
        written = clean(self._story.writing).strip().splitlines()[-WRITING:]
        return "\n".join((*written, "")) if written else ""

    def _below(self) -> str:
        """What goes on."""
        if self._under_way(self._turn):
            return "stopping the turn" if self._stopping else f"{self._story.going_on}  (Ctrl-C stops the turn)"
        return "working (Ctrl-C stops it)" if self._under_way(self._taking) else ""

    @staticmethod
    def _under_way(task: asyncio.Task[None] | None) -> bool:
        return task is not None and not task.done()

    def _take(self, work: Coroutine[Any, Any, None]) -> None:
        """Do what a line says, after what the lines before it said."""
        before = self._taking

        async def take() -> None:
            if before is not None:
                await asyncio.wait([before])
            await self._speaking(work)

        self._taking = asyncio.create_task(take())

    async def _speaking(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except sentences() as error:
            self._out.print(str(error), style="red")

    async def _settled(self) -> None:
        """Wait until nothing is under way, as far as it goes on by itself."""
        while going := [t for t in (self._taking, self._turn) if t is not None and not t.done()]:
            await asyncio.wait(going)
        for task in (self._taking, self._turn):
            if task is not None:
                task.result()

    def _interrupted(self, empty: bool) -> bool:
        """Stop what is under way, or forget the line that was typed; False where there is nothing of it, or again."""
        if self._under_way(self._turn) and not self._stopping:
            self._stopping = True
            self._take(self._stop(""))
            return True
        if self._taking is not None and self._under_way(self._taking) and not self._stopping:
            return self._taking.cancel()
        view = self._story.view
        if empty and view is not None and view.run.status == "waiting" and not self._stopping:
            self._take(self._stop(""))
            return True
        return not empty

    async def _left(self, attended: bool) -> None:
        """Lay everything down. What a server works on goes on; here the turn is stopped, and can be gone on from."""
        later = ""
        if self._run is not None and self._under_way(self._turn):
            if isinstance(self._backend, Local):
                await self._backend.stop(self._run)
                later = " and its turn stopped"
            else:
                later = " and its turn goes on"
        for task in (self._taking, self._turn):
            if task is not None:
                if not isinstance(self._backend, Local):
                    task.cancel()
                await asyncio.wait([task])
        if self._run is not None and attended:
            self._out.print(f"The run is kept{later}: gristmill chat --run {self._run}", style="dim")

    async def _take_up(self, run_id: str) -> None:
        """Take up a run, with the last thing that was said in it shown."""
        self._run = run_id
        view = await self._catch_up()
        self._out.print(f"{run_id}: {clean(view.turns[-1].message)}", style="dim")
        self._tell([view.turns[-1]])
        if view.turn is not None and view.run.status == "interrupted":
            self._out.print(f"{clean(view.error or 'It was interrupted.')}\n/resume goes on with it.", style="yellow")
        elif view.run.status == "waiting":
            self._put(view)
        elif view.turn is not None:
            self._begin()

    async def _heard(self, line: str) -> None:
        """Do what a line says: a command, an answer to what is asked, or something said to the run."""
        view = self._story.view
        waits = view is not None and view.run.status == "waiting" and not self._under_way(self._turn)
        typed = slash.command(line)
        if typed is None:
            if waits and view is not None:
                await self._answer(view, line)
            elif hint := slash.meant(line):
                self._out.print(hint)
            elif line:
                await self._say(line)
        elif typed[0] in self._commands:
            await self._commands[typed[0]](typed[1])
        else:
            self._out.print(slash.unknown(typed[0]))

    async def _say(self, text: str) -> None:
        if self._run is None:
            terms = self._terms.model_copy(update={"budget": self._more or self._terms.budget})
            asked = [Question(text=text)]
            run = await self._backend.ask(asked, self._files, model=self._model, roles=self._roles, terms=terms)
            self._run = run.id
        else:
            said = await self._backend.say(self._run, text, budget=self._more)
            if not isinstance(said, Turn) and self._under_way(self._turn):
                read = "Read before the next step, or taken up as the next turn." if said.steers else ""
                self._out.print(f"  {read or 'Taken up as the next turn, when this one is over.'}", style="dim")
                return
        self._more = None
        self._begin()

    def _begin(self) -> None:
        """Tell what happens, beside the lines that are typed."""
        if not self._under_way(self._turn):
            self._stopping = False
            self._turn = asyncio.create_task(self._speaking(self._follow()))

    async def _follow(self) -> None:
        """Tell events until the run rests or waits for the person."""
        assert self._run is not None, "somebody has said something"
        before = len(self._story.view.turns) if self._story.view else 0
        after = self._story.view.last_seq if self._story.view else 0
        self._story.doing("starting")
        async for event in self._backend.follow(self._run, after):
            self._story.feed(event)
        self._story.writing = ""
        view = self._story.view
        assert view is not None, "a run begins with its beginning"
        if view.run.status == "waiting":
            self._put(view)
            return
        self._tell([t for place, t in enumerate(view.turns) if place >= min(before, len(view.turns) - 1)])
        if view.run.status != "done" and view.error:
            self._out.print(clean(view.error), style="red")

    def _put(self, view: RunView) -> None:
        """Put the oldest question or step that waits to the person. The next line is the answer."""
        if question := next(iter(view.open_questions), None):
            self._out.print(pieces.asked(question), style="bold yellow")
        elif approval := next(iter(view.open_approvals), None):
            self._out.print(pieces.waits(approval), style="bold yellow")
            self._out.print("Carry it out? [y/N, why not, or e to edit it]", style="yellow")

    async def _answer(self, view: RunView, text: str) -> None:
        run_id = view.run.id
        if question := next(iter(view.open_questions), None):
            if not text and question.default is None:
                self._out.print("Say something, or /stop.")
                return
            await self._backend.answer(run_id, text or question.default or "", question_id=question.id)
        elif approval := next(iter(view.open_approvals), None):
            if text.lower() in ("e", "edit"):
                if self._lines is not None:
                    self._lines.write(approval.arguments)
                return
            decision: Decision = "rejected"
            edited = text if text.startswith("{") and text != approval.arguments else None
            if text.lower() in ("y", "yes") or text == approval.arguments:
                decision = "accepted"
            elif edited is not None:
                decision = "edited"
            reason = text if decision == "rejected" and text.lower() not in ("", "n", "no") else ""
            await self._backend.decide(run_id, decision, approval_id=approval.id, edited=edited, reason=reason)
        self._begin()

    def _tell(self, turns: Sequence[Turn]) -> None:
        """The answers of turns, and the cells that show them."""
        view = self._story.view
        assert view is not None, "a turn is over"
        for turn in turns:
            answers = turn_answers(view, turn.id)
            pieces.answers(self._out, [said_of(a) for a in answers], turn.message if len(turns) > 1 else "")
            if cells := turn_cells(view, turn.id)[-3:]:
                self._out.print(f"  {turn.id}: {', '.join(cells)}", style="dim")
            if turn.status == "cancelled":
                self._out.print("  Stopped. The run is kept; go on as you like.", style="dim")

    async def _catch_up(self) -> RunView:
        """Fold what has happened since without telling it."""
        known = self._story.view.last_seq if self._story.view else 0
        for event in await self._backend.events(str(self._run)):
            if event.seq > known:
                self._story.feed_quietly(event)
        assert self._story.view is not None, "a run begins with its beginning"
        return self._story.view

    async def _cell(self, source: str) -> None:
        if not source or self._run is None:
            self._out.print("Ask something first." if self._run is None else "Say what is to be run: /run df.head()")
            return
        done = await self._backend.edit(self._run, slash.cell(source))
        view = await self._catch_up()
        for ran in (x for x in view.executions if x.cell == done.cell):
            self._out.print(clean(ran.text).rstrip())
            if ran.error is not None:
                self._out.print(f"{ran.error.name}: {clean(ran.error.value)}", style="red")
        stale = f"; stale now: {', '.join(done.still_stale)}" if done.still_stale else ""
        self._out.print(f"  {done.cell}{stale}", style="dim")

    async def _list_files(self, _: str) -> None:
        if self._run is None:
            self._out.print("Nothing has been made yet.")
            return
        self._out.print(clean(slash.files(await self._backend.artifacts(run=self._run))))

    async def _list_agents(self, _: str) -> None:
        from gristmill.settings import load

        view = self._story.view
        project = view.run.params.get("project") if view is not None else self._terms.project
        self._out.print(clean(slash.agents(load().home, project)))

    async def _tell_budget(self, text: str) -> None:
        view = self._story.view
        if text:
            more = read_budget(text)
            if view is not None and view.run.status == "interrupted":
                await self._resume("", more)
                return
            self._more = more
            self._out.print(slash.LATER)
            return
        self._out.print(slash.budget(view))

    async def _undo(self, _: str) -> None:
        if self._run is None:
            self._out.print("There is nothing to take back.")
            return
        undone = await self._backend.undo(self._run)
        await self._catch_up()
        self._out.print(f"Taken back: {undone.turn_id or undone.cell_id or 'the last edit'}.")

    async def _redo(self, _: str) -> None:
        if self._run is None:
            self._out.print("There is nothing to put back.")
            return
        redone = await self._backend.redo(self._run)
        await self._catch_up()
        self._out.print(f"Put back: {redone.turn_id or redone.cell_id or 'the last edit'}.")

    async def _stop(self, _: str) -> None:
        view = self._story.view
        if self._run is not None and self._under_way(self._turn):
            self._stopping = True
            await self._backend.stop(self._run)
        elif self._run is not None and view is not None and view.run.status == "waiting":
            await self._backend.stop(self._run)
            self._begin()  # to tell of that
        else:
            self._out.print("Nothing is under way.")

    async def _resume(self, _: str, budget: Budget | None = None) -> None:
        if self._run is None or self._under_way(self._turn):
            self._out.print("There is nothing to go on with." if self._run is None else "It is under way.")
            return
        await self._backend.resume(self._run, budget=budget)
        self._begin()

    async def _help(self, _: str) -> None:
        self._out.print(f"{slash.HELP}\n/quit         leave; the run is kept")
