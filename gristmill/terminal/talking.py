"""A conversation in the terminal: reads lines, begins turns, tells what happens, and puts questions to the person."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from artifacts.threads import in_own_thread
from artifacts.types import Turn, now
from graphs.budget import standing
from graphs.request import Question, Terms
from gristmill.backend import Backend
from gristmill.errors import sentences
from gristmill.plain import turn_answers, turn_cells
from gristmill.terminal import console, pieces
from gristmill.terminal.answering import Answering
from gristmill.terminal.words import clean
from notebooks.live.editing import Edit
from notebooks.telling.answers import said_of

HELP = """\
Ask in plain words; a further question may change the last one: "only females", "by island", "as a median".
/run CODE     run Python in the run's notebook, as a cell of yours
/sh COMMAND   run a shell command in its sandbox, as a cell of yours
/files        the plots, tables and files that were made
/agents       who can work on a question; begin a message with @NAME to address one
/budget       what the run has used, and what it may use
/undo         take back the last turn or edit
/stop         stop the turn that another door began
/quit         leave; the run is kept"""


class Talk:
    """One conversation. `files` are those of the first question, where the run is still to begin."""

    def __init__(
        self,
        backend: Backend,
        files: Sequence[Path],
        model: str | None,
        roles: Mapping[str, str],
        project: str | None = None,
    ) -> None:
        self._backend, self._files, self._model, self._roles = backend, files, model, roles
        self._terms = Terms(project=project)
        self._out, self._attended = console.make(), sys.stdin.isatty()
        self._story = Answering(console.make(stderr=True), lambda view, name: None)
        self._run: str | None = None
        self._commands: dict[str, Callable[[str], Awaitable[None]]] = {
            "run": self._cell,
            "sh": lambda text: self._cell(f"!{text}" if text else ""),
            "files": self._list_files,
            "agents": self._list_agents,
            "budget": self._tell_budget,
            "undo": self._undo,
            "stop": self._stop,
            "help": self._help,
        }

    async def go_on(self, run_id: str) -> None:
        """Take up a run, with the last thing that was said in it shown."""
        self._run = run_id
        await self._catch_up()
        view = self._story.view
        if view is not None:
            last = view.turns[-1]
            self._out.print(f"{run_id}: {clean(last.message)}", style="dim")
            self._tell([last])
            if view.turn is not None:
                await self._see_through()

    async def until_left(self) -> None:
        """Read lines until the person leaves. What goes wrong with one is a sentence, and the next can be typed."""
        if self._attended:
            self._out.print("Ask a question; /help lists the commands, /quit leaves.", style="dim")
        while (line := await self._line("\n> ")) is not None and line != "/quit":
            name, _, rest = line.removeprefix("/").partition(" ")
            try:
                if not line.startswith("/"):
                    await self._say(line)
                elif name in self._commands:
                    await self._commands[name](rest.strip())
                else:
                    self._out.print(f"There is no command /{name}; /help lists those that there are.")
            except sentences() as error:
                self._out.print(str(error), style="red")
        if self._run is not None and self._attended:
            self._out.print(f"The run is kept: gristmill chat --run {self._run}", style="dim")

    async def _say(self, text: str) -> None:
        if self._run is None:
            asked = [Question(text=text)]
            run = await self._backend.ask(asked, self._files, model=self._model, roles=self._roles, terms=self._terms)
            self._run = run.id
        else:
            await self._backend.say(self._run, text)
        await self._see_through()

    async def _see_through(self) -> None:
        """Tell what happens until the run rests, and answer in its place what it asks."""
        assert self._run is not None, "somebody has said something"
        before = len(self._story.view.turns) if self._story.view else 0
        while True:
            await self._follow()
            view = self._story.view
            assert view is not None, "a run begins with its beginning"
            if view.run.status != "waiting":
                break
            if not await self._answer():
                self._out.print(f"The run waits for you: gristmill runs show {self._run} says for what.")
                return
        begun = [t for place, t in enumerate(view.turns) if place >= min(before, len(view.turns) - 1)]
        self._tell(begun)
        if view.run.status not in ("done", "cancelled") and view.error:
            self._out.print(clean(view.error), style="red")

    async def _follow(self) -> None:
        """Tell events until the run rests. Ctrl-C stops the turn; pressed again, it leaves at once."""
        assert self._run is not None, "somebody has said something"
        after = self._story.view.last_seq if self._story.view else 0
        leaving, stopping = asyncio.current_task(), list[asyncio.Task[Any]]()

        def interrupt() -> None:
            if not stopping:
                self._story.doing("stopping the turn (Ctrl-C again leaves at once)")
                stopping.append(asyncio.get_running_loop().create_task(self._backend.stop(str(self._run))))
            elif leaving is not None:
                leaving.cancel()

        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, interrupt)
        ticking = loop.create_task(self._tick())
        try:
            with self._story:
                async for event in self._backend.follow(self._run, after):
                    self._story.feed(event)
            await asyncio.gather(*stopping)
        finally:
            ticking.cancel()
            loop.remove_signal_handler(signal.SIGINT)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            self._story.tick()

    async def _answer(self) -> bool:
        """Put the oldest question or step that waits to the person; False where nobody answers any more."""
        view = self._story.view
        assert view is not None, "the run waits"
        if question := next(iter(view.open_questions), None):
            text = await self._line(f"{pieces.asked(question)}\n> ", empty=True)
            if text is None:
                return False
            await self._backend.answer(view.run.id, text or question.default or "no answer", question_id=question.id)
            return True
        approval = view.open_approvals[0]
        text = await self._line(f"{pieces.waits(approval)}\nCarry it out? [y/N, or why not] ", empty=True)
        if text is None:
            return False
        if text.lower() in ("y", "yes"):
            await self._backend.decide(view.run.id, "accepted", approval_id=approval.id)
        else:
            reason = "" if text.lower() in ("", "n", "no") else text
            await self._backend.decide(view.run.id, "rejected", approval_id=approval.id, reason=reason)
        return True

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

    async def _line(self, prompt: str, *, empty: bool = False) -> str | None:
        """The next line that is not empty; None at the end, and for Ctrl-C at the prompt."""
        while True:
            line = await (self._typed(prompt) if self._attended else in_own_thread(sys.stdin.readline))
            if not line:
                return None
            if line.strip() or empty:
                return line.strip()

    async def _typed(self, prompt: str) -> str:
        """A line from a terminal, without a thread that could not be ended while it waits for one."""
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()

        def settle() -> None:
            if not ready.done():
                ready.set_result(None)

        print(prompt, end="", flush=True)
        loop.add_reader(sys.stdin, settle)
        left = asyncio.Event()

        def leave() -> None:
            left.set()
            settle()

        loop.add_signal_handler(signal.SIGINT, leave)
        try:
            await ready
        finally:
            loop.remove_reader(sys.stdin)
            loop.remove_signal_handler(signal.SIGINT)
        return "" if left.is_set() else sys.stdin.readline()

    async def _catch_up(self) -> None:
        """Fold what has happened since without telling it."""
        known = self._story.view.last_seq if self._story.view else 0
        for event in await self._backend.events(str(self._run)):
            if event.seq > known:
                self._story.feed_quietly(event)

    async def _cell(self, source: str) -> None:
        if not source or self._run is None:
            self._out.print("Ask something first." if self._run is None else "Say what is to be run: /run df.head()")
            return
        done = await self._backend.edit(self._run, Edit(what="add", source=source, title=source.splitlines()[0][:80]))
        await self._catch_up()
        view = self._story.view
        assert view is not None, "the run is there"
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
        for artifact in await self._backend.artifacts(run=self._run):
            self._out.print(f"{artifact.id}  {artifact.role:<9} {clean(artifact.name)}")

    async def _list_agents(self, _: str) -> None:
        from graphs.agents import load
        from gristmill.settings import load as settings

        known = {a.name: a for a in load([settings().home / "agents"]).agents}  # one of several jobs, once
        for agent in known.values():
            self._out.print(f"{agent.name:<18} {agent.role}")

    async def _tell_budget(self, _: str) -> None:
        view = self._story.view
        limits = standing(view, now()) if view else []
        spent = (pieces.used(view.spent) if view else "") or "No model was asked, so nothing was spent."
        self._out.print(
            f"{spent} {'It has used ' + ', '.join(limits) if limits else 'It may use as much as it takes'}."
        )

    async def _undo(self, _: str) -> None:
        if self._run is None:
            self._out.print("There is nothing to take back.")
            return
        undone = await self._backend.undo(self._run)
        await self._catch_up()
        self._out.print(f"Taken back: {undone.turn_id or undone.cell_id or 'the last edit'}.")

    async def _stop(self, _: str) -> None:
        if self._run is not None:
            await self._backend.stop(self._run)
        self._out.print("Nothing is under way.")

    async def _help(self, _: str) -> None:
        self._out.print(HELP)
