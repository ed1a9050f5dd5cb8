"""The notebook of a run while it is edited: what an edit makes stale runs, in a sandbox that stays for the next one."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from artifacts.events import CellsStale, Event, Redone, RunEnded, RunResumed, RunView, SandboxLeft, Undone, apply
from artifacts.store import Store
from artifacts.threads import in_own_thread
from artifacts.types import RunStatus
from kernel_gateway.client import GatewayError, Host, SandboxGone, on_live
from notebooks.aio import see_through
from notebooks.errors import EditError
from notebooks.live.answers import keep_standing, same_question
from notebooks.live.changes import broken_sentences, changes
from notebooks.live.dependencies import Catching, clean, following, holds, plan, signatures, stale_after
from notebooks.live.document import as_shown, executions, items
from notebooks.live.edits import Edit, Edited, dropping, last_step, recorded_of
from notebooks.live.kernel import WORTH, LiveKernel, after, as_left, between, costs, held
from notebooks.live.state import State
from notebooks.runlog import RunLog
from notebooks.session import SANDBOX_LIFE, Session

IDLE = 900.0
"""Seconds for which a sandbox stays that nobody uses."""


class LiveNotebook:
    """The notebook of one run, which is edited here and nowhere else at the same time. Close it at the end.

    Between turns it has the sandbox in which the turns work, and edits run in that. Where there is none, one is opened
    when the first cell has to run: what the cell needs is replayed in it from the record. After an edit a copy of the
    kernel is kept, so that to take back the next one costs no cell.
    """

    def __init__(
        self, store: Store, run_id: str, host: Callable[[], Awaitable[Host]], kernel: LiveKernel | None = None
    ) -> None:
        """`kernel` is one that another notebook of the same past has handed over."""
        self.run_id = run_id
        self._store, self._host = store, host
        self._kernel = kernel
        self._left: Session | None = None  # what the last turn worked in: what that holds is found out by an edit
        self._lent: tuple[LiveKernel, tuple[str, ...]] | None = None  # what is known of it from before those turns
        self._found = False  # the kernel is one that another program has left, and nobody was told that it is used
        self._serves, self._out, self._users, self._used = False, False, 0, time.monotonic()
        self._lock = asyncio.Lock()
        self._keeping: asyncio.Task[None] | None = None

    async def edit(self, edit: Edit) -> Edited:
        """Carry out an edit, and run what it makes stale unless that is not wanted.

        Raises EditError for what cannot be done, Outdated for an edit of an older version, with nothing changed, and
        GatewayError where no sandbox can be had; what is stale then stays so.
        """
        async with self.alone():
            began = time.monotonic()
            before = await in_own_thread(self._store.view, self.run_id)
            events, cell = recorded_of(before, edit)
            await self._use_left(before)
            if edit.run and edit.what != "restart":
                await self._find(before)
            log = RunLog(self._store, before)
            for event in (RunResumed(run_id=self.run_id, why="edit"), *events):
                log.send(event)
            self._store.hurry()  # it is written while it is found out what is to run
            try:
                done = await self._catch_up(log, edit, before, cell, began)
            finally:
                await see_through(_end(log, before))
        if done.ran:
            self._keeping = asyncio.create_task(self._keep())
        return done

    async def undo(self, by: str = "person") -> Undone:
        """Take back the last turn, or the last edit between turns. Raises EditError if there is none.

        The kernel is brought in line when a cell next runs.
        """
        async with self.alone():
            view = await in_own_thread(self._store.view, self.run_id)
            past = view.previous
            if past is None:
                raise EditError(f"Nothing of {self.run_id} can be taken back: it had no edit and no further turn.")
            await self._use_left(view)
            turn, cell = await in_own_thread(last_step, self._store, view, past)
            return await self._record(
                Undone(run_id=self.run_id, to=past.last_seq, turn_id=turn, cell_id=cell, by=by), view
            )

    async def redo(self, by: str = "person") -> Redone:
        """Put back what was taken back last. Raises EditError where there is nothing, or something was done since."""
        async with self.alone():
            view = await in_own_thread(self._store.view, self.run_id)
            then = view.undone
            if then is None or then.previous is None:
                raise EditError(
                    f"Nothing can be put back in {self.run_id}: nothing was taken back, or something was done since."
                )
            await self._use_left(view)
            turn, cell = await in_own_thread(last_step, self._store, then, then.previous)
            return await self._record(
                Redone(run_id=self.run_id, to=then.last_seq, turn_id=turn, cell_id=cell, by=by), then
            )

    async def hand_over(self, run_id: str, upto: int) -> LiveNotebook | None:
        """The notebook of a run that has the past of this one up to an event, with the sandbox that is open here.

        This one gets another sandbox when it needs one. None where that would have to wait, or has nothing to give.
        """
        if self._lock.locked() or self._serves:
            return None
        async with self._lock:
            if self._left is not None:
                await self._use_left(await in_own_thread(self._store.view, self.run_id))
            if (kernel := self._kernel) is None or not kernel.reaches(upto):
                return None
            self._kernel = None
            if (shared := await kernel.share(upto)) is None:
                await kernel.session.close()
                return None
            return LiveNotebook(self._store, run_id, self._host, shared)

    @property
    def until(self) -> float | None:
        """When its sandbox has stayed for long enough, on the clock of `time.monotonic`; None while it is in use.

        One in which a service runs stays for as long as a sandbox lives.
        """
        return None if self._users or self._out else self._used + (SANDBOX_LIFE if self._serves else IDLE)

    @property
    def serves(self) -> bool:
        """Whether a service runs in its sandbox that somebody may want to open."""
        return self._serves

    async def keep(self, session: Session, *, serves: bool = False) -> None:
        """Have the sandbox in which a turn has ended, for the next turn or edit. `serves`: a service runs in it."""
        async with self.alone():
            self._left, self._serves, self._out = session, serves, False
            await session.rest(self._life)

    async def lend(self) -> Session | None:
        """The sandbox for the run's next turn, its kernel as all cells leave it; None where there is none like that.

        What edits have left out or changed is put right by running cells again, without a record.
        """
        async with self.alone():
            view = await in_own_thread(self._store.view, self.run_id)
            await self._find(view)
            left, kernel = self._left, self._kernel
            if left is None and kernel is None:
                return None
            log, session = RunLog(self._store, view), None
            try:
                if left is not None and view.kernel == left.sandbox_id:
                    await left.wake(log)
                    session = left
                elif kernel is not None and await self._bring_in_line(kernel, log):
                    session, self._lent = kernel.session, (kernel, tuple(x.id for x in view.executions))
            except SandboxGone:
                pass
            finally:
                if session is None:
                    await see_through(self._leave())
            self._left, self._kernel, self._out = None, None, session is not None
            return session

    @contextlib.asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Nobody else works on the notebook meanwhile, and nobody closes it for want of room."""
        self._users += 1
        try:
            async with self._lock:
                yield
        finally:
            self._users -= 1
            self._used = time.monotonic()

    async def leave(self) -> bool:
        """Leave the sandbox to the next program that works on the run; whether there is one that can be left.

        Otherwise it is ended. A run that was asked once, and never again nor edited, leaves none.
        """
        if self._keeping is not None:
            await asyncio.gather(self._keeping, return_exceptions=True)
        async with self._lock:
            told: SandboxLeft | None = None
            try:
                view = await in_own_thread(self._store.view, self.run_id)
                if view.previous is not None and view.turn is None and not self._serves:
                    await self._use_left(view)
                    if self._kernel is not None and (ids := held(self._kernel.state, as_shown(view))) is not None:
                        told = await self._kernel.session.leave(ids, self._life)
                if told is not None:
                    await self._store.append(told)
                    self._kernel = None
            finally:
                await self._leave()
            return told is not None

    async def close(self) -> None:
        """End the sandbox, if there is one."""
        async with self._lock:
            await self._leave()
        if self._keeping is not None:
            await asyncio.gather(self._keeping, return_exceptions=True)

    async def _keep(self) -> None:
        """Keep a copy of the kernel as the edit has left it, while nobody waits."""
        async with self._lock:
            if self._kernel is not None:
                await self._kernel.keep(self._kernel.state, WORTH)

    async def _catch_up(self, log: RunLog, edit: Edit, before: RunView, cell: str | None, began: float) -> Edited:
        was, now, view = as_shown(before), items(log.view), log.view
        known = {c.id for c in before.cells if c.state == "stale"}
        stale = {c for c in stale_after(was, now) if c not in known or c == cell}
        if edit.what == "run" and cell is not None:
            stale |= {cell}
        if edit.what == "restart":
            stale = {c.id for c in view.cells}
            await self._leave()
        if told := tuple(c.id for c in view.cells if c.id in stale and c.state != "stale"):
            log.send(CellsStale(run_id=self.run_id, cells=told, cause=cell or told[0]))
        ran: list[str] = []
        replayed, spent = 0, 0.0
        if edit.run:
            wanted = {c.id for c in log.view.cells if c.state == "stale"}
            if edit.what == "run" and cell is not None:  # what else is stale stays so
                wanted = following(items(log.view), cell)
            ran, replayed, spent = await self._run(log, before, wanted)
        found = await in_own_thread(changes, self._store, before, log.view)
        broken = broken_sentences(before, log.view) if ran or edit.what == "delete" else []
        if broken:
            text = f"After the edit of {cell or 'the notebook'} the report no longer holds where it says: "
            await log.note(text + " ".join(broken)[:600])
        mine = log.view.cell(cell) if cell else None
        return Edited(
            run=self.run_id,
            cell=cell,
            version=mine.version if mine else None,
            stale=tuple(c.id for c in view.cells if c.id in stale),
            ran=tuple(ran),
            still_stale=tuple(c.id for c in log.view.cells if c.state == "stale"),
            replayed=replayed,
            changed=tuple(found),
            findings_changed=tuple(c.name for c in found if c.what == "finding"),
            broken_sentences=tuple(broken),
            seconds=(round(spent, 3), round(time.monotonic() - began, 3)),
        )

    async def _run(self, log: RunLog, before: RunView, wanted: set[str]) -> tuple[list[str], int, float]:
        """Run the wanted cells and whatever must run for them; returns those that ran, replays, and the cells' seconds.

        A cell whose output holds, but that a kernel which had run all cells would have to run again, is recorded, too;
        one that runs only because the kernel is a new one is replayed without a record.
        """
        cells = items(log.view)
        held = signatures(cells)
        for c in log.view.cells:
            if c.state == "stale" or c.id in wanted:
                held.pop(c.id, None)
        again = set(plan(cells, wanted, clean(as_shown(before))).cells)
        catching, costing = Catching(cells, held, State(), whole=False), costs(before)
        if self._kernel is not None:
            try:
                await self._take_up(self._kernel, log)
            except SandboxGone:
                await self._leave()
        if self._kernel is not None:
            await self._kernel.begin(cells, [id for id in catching.stale if id in wanted], costing)
            self._kernel.at = before.last_seq + 1
            catching.kernel = self._kernel.state
        ran: list[str] = []
        replayed, spent = 0, 0.0
        await log.settle()
        try:
            while (step := catching.next(only=wanted)) is not None:
                if step.fresh:
                    await self._leave()
                kernel = await self._opened(log, catching, before)
                session = kernel.session
                await kernel.keep(catching.kernel, between(costing))
                if step.drops:
                    await session.aside(dropping(step.drops))
                if step.cell is None:
                    continue
                cell, known = log.view.cell(step.cell), executions(log.view).get(step.cell)
                assert cell is not None
                shown = known is not None and known.status in ("ok", "error") and cell.state != "stale"
                began = time.monotonic()
                if known is not None and shown and not step.stale and (cell.id not in again or cell.id in ran):
                    await session.replay(known)
                    kernel.since += time.monotonic() - began
                    item = next(c for c in catching.cells if c.id == cell.id)
                    catching.ran(cell.id, failed=item.failed, wrote=item.wrote or ())
                    replayed += 1
                    continue
                answers = same_question(before, log, cell)
                done = await session.run(
                    cell.source, title=cell.title, tags=cell.tags, cell=cell.id, wait=False, complete=answers
                )
                await keep_standing(before, log, executions(before).get(cell.id), done)
                spent += (took := time.monotonic() - began)
                kernel.since += took
                ran.append(cell.id)
                wrote = [a.name for a in log.view.artifacts if a.execution_id == done.id]
                failed = done.status != "ok"
                wanted |= set(catching.ran(cell.id, failed=failed, wrote=wrote))
                if done.error is not None and done.error.died:
                    await self._leave()
                    break
        except BaseException:
            await see_through(self._leave())  # what its kernel holds is not known
            raise
        if self._kernel is not None:
            self._kernel.state = catching.kernel
        return ran, replayed, spent

    async def _opened(self, log: RunLog, catching: Catching, before: RunView) -> LiveKernel:
        """The kernel, in a new sandbox if there is none."""
        if self._kernel is None:
            session = await on_live(self._host, lambda host: Session.renew(log, host))
            self._kernel = LiveKernel(session, catching.kernel, before.last_seq + 1)
        return self._kernel

    async def _find(self, view: RunView) -> None:
        """Have the sandbox that another program has left for the run, where none is open here."""
        if view.left is None or self._left is not None or self._kernel is not None:
            return
        found: Session | None = None
        with contextlib.suppress(GatewayError):  # who needs a sandbox is told why there is none
            found = await Session.find(RunLog(self._store, view), await self._host(), view.left, self._life)
        if found is not None:
            self._kernel = LiveKernel(found, after(as_shown(view), view.left.cells), view.left.seq)
            self._found = True

    async def _take_up(self, kernel: LiveKernel, log: RunLog) -> None:
        """Go on in a sandbox that is open, which may have been another run's. Raises SandboxGone."""
        await kernel.session.wake(log, self._life)
        if self._found:  # from here on no other program takes it for what was left
            self._found = False
            await kernel.session.take_up()
        if kernel.session.run_id != self.run_id:
            kernel.session = await kernel.session.taken_over(log)

    @property
    def _life(self) -> int:
        """Seconds after which a sandbox that nobody uses ends by itself if this process does not end it."""
        return SANDBOX_LIFE if self._serves else int(IDLE) + 60

    async def _use_left(self, view: RunView) -> None:
        """Edit in what the last turn left, if it is known what that holds."""
        if (left := self._left) is None:
            return
        lent, known = self._lent if self._lent is not None and self._lent[0].session is left else (None, ())
        self._kernel = as_left(left, view, lent, known)
        self._left = self._lent = None
        if self._kernel is None:
            await left.close()

    async def _bring_in_line(self, kernel: LiveKernel, log: RunLog) -> bool:
        """Have the kernel hold what all cells leave, each as it ran last; whether that could be done."""
        view, cells = log.view, as_shown(log.view)
        done = all(x.status in ("ok", "error") for x in view.executions)
        if not done or any(c.state not in ("fresh", "failed") for c in view.cells) or view.away:
            return False
        await self._take_up(kernel, log)
        await kernel.begin(cells, (), costs(view), whole=True)
        catching, ran = Catching(cells, signatures(cells), kernel.state), executions(view)
        while (step := catching.next()) is not None:
            if step.fresh:
                return False
            if step.drops:
                await kernel.session.aside(dropping(step.drops))
            if step.cell is not None:
                await kernel.session.replay(ran[step.cell])
                item = next(c for c in cells if c.id == step.cell)
                catching.ran(step.cell, failed=item.failed, wrote=item.wrote or ())
        kernel.state = catching.kernel
        if not holds(kernel.state, cells):
            return False
        await kernel.session.found()
        kernel.at = log.view.last_seq
        return True

    async def _leave(self) -> None:
        left, self._left = self._left, None
        if left is not None:
            await left.close()
        if self._kernel is not None:
            kernel, self._kernel, self._found = self._kernel, None, False
            await kernel.session.close()

    async def _record[E: Event](self, event: E, view: RunView) -> E:
        """Record a step of the run's history between turns, after which it is at rest as in a view."""
        before = await in_own_thread(self._store.view, self.run_id)
        if before.turn is not None:  # said while this waited
            raise EditError(f"{self.run_id} is being worked on. Wait for its end, or stop it.")
        begun = RunResumed(run_id=self.run_id, why="edit")
        outcome = apply(apply(before, begun), event).outcome
        ended = RunEnded(run_id=self.run_id, status=_status(view), error=view.error, outcome=outcome)
        recorded = (await self._store.append_all([begun, event, ended]))[1]
        assert isinstance(recorded, type(event))
        return recorded


async def _end(log: RunLog, before: RunView) -> None:
    """The run is at rest again, as it was before, or done if a notebook that had failed is mended."""
    mended = log.view.run.agent == "notebook" and all(c.state == "fresh" for c in log.view.cells)
    status: RunStatus = "done" if mended else _status(before)
    error = None if mended else before.error
    await log.emit(RunEnded(run_id=log.run_id, status=status, error=error, outcome=log.view.outcome))


def _status(view: RunView) -> RunStatus:
    """How a run stands between turns: as its last turn ended."""
    return view.turns[-1].status if view.turns[-1].status != "running" else "interrupted"
