"""The live notebook: a sandbox plus the notebook being written in it. All that executes ends in `Session.run`."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import platform
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts.events import (
    ArtifactSaved,
    CellsReplayed,
    Event,
    ExecutionEnded,
    Progressed,
    RunView,
    SandboxLeft,
    SandboxOpened,
)
from artifacts.store import Store
from artifacts.threads import in_own_thread
from artifacts.types import Answer, Artifact, Execution, new_id
from kernel_gateway.client import Host, SandboxGone, connect_sandbox, list_sandboxes, open_sandbox
from kernel_gateway.inside.notebook import COPY, MIME
from notebooks import files
from notebooks.aio import see_through
from notebooks.cell import Cell, host_failures
from notebooks.errors import UploadError
from notebooks.outputs import clean
from notebooks.runlog import RunLog

if TYPE_CHECKING:
    from e2b_code_interpreter import AsyncSandbox

SANDBOX_LIFE = 3600
"""Seconds that a sandbox lives unused."""
LEASE = 120
"""Seconds that a leased sandbox outlives the process that leased it, at most."""
CELL_TIMEOUT = 600.0
"""Seconds that a cell may take if nobody says otherwise."""

_AWAKE = 60.0  # seconds for which a sandbox is taken to be there still
_ASIDE = 60  # seconds that code beside the cells may take

_FINISHED = ("ok", "error")
_MARK = "get_ipython()._gristmill_left = ({!r}, get_ipython().execution_count)"
_IS_MARKED = "print(getattr(get_ipython(), '_gristmill_left', None) == ({!r}, get_ipython().execution_count - 1))"
"""The mark goes with the number of the execution that sets it: the next one is that which looks for it, or none is."""


@dataclass(frozen=True)
class Command:
    """How a shell command ended, and what it printed."""

    exit_code: int
    stdout: str
    stderr: str


class Session:
    """One sandbox and the cells that ran in it. Cells run one after another, whoever asks for them."""

    def __init__(self, log: RunLog, host: Host, sandbox: AsyncSandbox) -> None:
        self.run_id, self.host, self.sandbox_id = log.run_id, host, sandbox.sandbox_id
        self._log, self._sandbox, self._tree = log, sandbox, files.Tree(sandbox)
        self._lock = asyncio.Lock()
        self._cell: Cell | None = None
        self._taken_over = False
        self._brought = set[str]()  # files of cells that ran elsewhere
        self._life, self._renewed = SANDBOX_LIFE, time.monotonic()
        self.filled = False  # whether all of the run's inputs were written here when it began
        self.language: dict[str, Any] = {}  # a notebook's `language_info`, once a cell has told it

    @classmethod
    async def open(cls, store: Store, host: Host, run_id: str, *, timeout: int = SANDBOX_LIFE) -> Session:  # noqa: ASYNC109 (the sandbox's life, not this call's)
        """A new sandbox for a run that has begun. `timeout` is how many seconds it lives unused.

        Raises GatewayError where no sandbox can be had.
        """
        return await cls._begin(RunLog(store, await in_own_thread(store.view, run_id)), host, timeout)

    @classmethod
    async def resume(cls, store: Store, host: Host, run_id: str, task_id: str | None = None) -> Session:
        """The session of a run that stopped: its own sandbox if that lives, otherwise one rebuilt from the record.

        With `task_id` that of the notebook of a task, which was branched off the run's.

        Cells that had not ended are marked interrupted. In the run's own sandbox nothing is run again. In a new one
        the inputs are uploaded and the finished cells replayed, without recording them a second time. Stale cells are
        not replayed: what they would make is not what the record shows.
        """
        view = await in_own_thread(store.view, run_id)
        log = RunLog(store, view if task_id is None else view.task_views[task_id], task_id)
        for cell in log.view.executions:
            if cell.status == "running":
                await log.emit(ExecutionEnded(run_id=run_id, execution_id=cell.id, status="interrupted"))
        if log.view.sandboxes:
            if log.view.kernel is None:
                return await cls._rebuild(log, host)
            try:
                sandbox = await connect_sandbox(host, log.view.kernel, timeout=SANDBOX_LIFE)
            except SandboxGone:
                return await cls._rebuild(log, host)
            session = cls(log, host, sandbox)
            await session._tree.changes()
            return session
        return await cls._begin(log, host, SANDBOX_LIFE, with_inputs=True)

    @classmethod
    async def renew(cls, log: RunLog, host: Host) -> Session:
        """A new sandbox for a run that has had one, with its inputs in it and no cell run yet: `replay` them."""
        sandbox = await _sandbox(log, host, SANDBOX_LIFE)
        session = cls(log, host, sandbox)
        async with session._kept_or_ended():
            await session._write_inputs()
            await log.emit(session._opened(rebuilt=True).model_copy(update={"partial": True}))
            await session._tree.changes()
        return session

    async def taken_over(self, log: RunLog) -> Session:
        """The same sandbox for another run, which has the past of this one. This session is not to be used any more."""
        session = Session(log, self.host, self._sandbox)
        session._tree, session._taken_over = self._tree, True
        await log.emit(session._opened(rebuilt=True).model_copy(update={"partial": True}))
        return session

    @classmethod
    async def find(cls, log: RunLog, host: Host, left: SandboxLeft, life: int) -> Session | None:
        """The sandbox that another program has left for the run, if nothing was run in it since; else it is ended.

        To look is to run something, so of two who look one finds it. Raises GatewayError.
        """
        ours = await list_sandboxes(host, {"home": _name(log.store), "run_id": log.run_id})
        if left.sandbox_id not in dict(ours):  # it has ended, or another data folder has a copy of this record
            return None
        try:
            session = cls(log, host, await connect_sandbox(host, left.sandbox_id, timeout=life))
        except SandboxGone:
            return None
        session._life = life
        with contextlib.suppress(*host_failures()):
            await session._tree.changes()
            if session._tree.digest == left.files and await session.aside(_IS_MARKED.format(left.mark)) == "True\n":
                return session
        await session.close()
        return None

    async def leave(self, cells: Sequence[str], seconds: int) -> SandboxLeft | None:
        """Mark the sandbox for another program, for which it lives so many seconds; None where that cannot be done.

        Its kernel holds what these cells leave. To be recorded.
        """
        if self._taken_over or self.host.kind != "local":  # it is called the other run's; in the cloud it would cost
            return None
        mark = new_id("mark")
        with contextlib.suppress(*host_failures()):
            async with self._lock:
                await self._tree.changes()
                await self._sandbox.set_timeout(seconds)
                done = await self._sandbox.run_code(_MARK.format(mark), timeout=_ASIDE)
            if done.error is None:
                digest = self._tree.digest
                return SandboxLeft(
                    run_id=self.run_id, sandbox_id=self.sandbox_id, cells=tuple(cells), mark=mark, files=digest
                )
        return None

    async def take_up(self) -> None:
        """Record that work goes on in this sandbox, for an edit."""
        await self._log.emit(self._opened().model_copy(update={"partial": True}))

    async def rest(self, seconds: float) -> None:
        """Nobody needs the sandbox now: it lives so long if nobody wakes it, whatever becomes of this process."""
        with contextlib.suppress(*host_failures()):  # one that is not there is found out by `wake`
            await self._sandbox.set_timeout(int(seconds))
        self._renewed = float("-inf")

    async def wake(self, log: RunLog, life: int = SANDBOX_LIFE) -> None:
        """Go on after a rest, writing to this log; the sandbox lives `life` seconds unused. Raises SandboxGone."""
        self._log = log
        if life == self._life and time.monotonic() - self._renewed < _AWAKE:
            return
        try:
            await self._sandbox.set_timeout(life)
        except host_failures() as error:
            raise SandboxGone(f"The sandbox of {self.run_id} ended while it was idle: {error}") from error
        self._life, self._renewed = life, time.monotonic()

    async def found(self) -> None:
        """Record that this sandbox, in which edits were run, holds what all cells of the notebook leave."""
        await self._log.emit(self._opened())

    @property
    def sandbox(self) -> AsyncSandbox:
        """The sandbox itself, for what is not a cell."""
        return self._sandbox

    @property
    def view(self) -> RunView:
        """The run as this session knows it."""
        return self._log.view

    @property
    def executions(self) -> tuple[Execution, ...]:
        """The cells of this run so far, in order."""
        return self._log.view.executions

    async def upload(self, path: Path, name: str | None = None) -> Artifact:
        """Record a file as an input of the run and write it to /home/user/<name>. Raises UploadError, SandboxGone.

        The same file under the same name is recorded once.
        """
        name = files.safe_name(name or path.name)
        async with self._lock:
            try:
                digest = await in_own_thread(_digest, path)
                known = [a for a in self._log.view.artifacts if a.role == "input" and a.name == name]
                artifact = next((a for a in known if a.sha256 == digest), None)
                if artifact is None:
                    artifact = await self._log.put(path, name, files.media_type(name), "input")
            except OSError as error:
                raise UploadError(f"{path} cannot be read: {error.strerror or error}.") from error
            await self._write(artifact, self._log.store)
        return artifact

    async def bring(self, artifact: Artifact, store: Store) -> None:
        """Write a file that another record holds to /home/user, without recording it. Raises as `upload` does."""
        async with self._lock:
            await self._write(artifact, store)

    async def run(
        self,
        code: str,
        *,
        title: str = "",
        tags: Sequence[str] = (),
        step_id: str | None = None,
        key: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 (the cell's time, which the record must outlive)
        wait: bool = True,
        heard: Callable[[Event], object] | None = None,
        complete: Callable[[Answer], Answer | None] | None = None,
        cell: str | None = None,
    ) -> Execution:
        """Run one cell and record it: code, outputs as they come, files, findings, answers and how it ended.

        `heard` is called with each of its events. `complete` is given each answer that the cell gives, and what it
        returns is recorded: who asked knows of which part of the question it is. `cell` is the id of the notebook's
        cell whose newest version this code is: the execution takes the place of its last one, outputs, files, findings
        and all.

        An exception of the code is `Execution.error`, status "error". A cell that outlasts `timeout` seconds (default
        600, 0 for no limit) or is interrupted has status "interrupted". After a lost connection the status is "unknown"
        and the cell is not run again. A `key` that has a finished cell returns that one and runs nothing.
        Without `wait` the cell's beginning may still be on its way into the record while it runs, and its end on
        return; all is recorded in order, and `settle` waits for it.
        Raises SandboxGone when the sandbox is not there any more.
        """
        async with self._lock:
            if key is not None:
                known = (x for x in self.executions if x.key == key and x.status in _FINISHED)
                if (found := next(known, None)) is not None:
                    return found
            await self._renew()
            if self._log.view.away:
                await self._catch_up(code)
            view = self._log.view
            known_cell = view.cell(cell) if cell is not None else None
            execution = Execution(
                id=new_id("exec"),
                run_id=self.run_id,
                sandbox_id=self.sandbox_id,
                seq=view.executed + 1,
                cell_id=cell or view.next_cell,
                version=known_cell.version if known_cell else 1,
                replaces=known_cell.execution_id if known_cell else None,
                code=clean(code),
                title=title,
                tags=tuple(tags),
                key=key,
                step_id=step_id,
            )
            ours = self.host.kind == "local"
            self._cell = Cell(self._log, self._sandbox, self._tree, execution, ours=ours, complete=complete)
            self._log.heard = heard
            try:
                done = await self._cell.run(CELL_TIMEOUT if timeout is None else timeout, wait=wait)
                self.language = self._cell.language or self.language
                if self._cell.lost is not None:
                    await self._raise_if_gone(self._cell.lost)
            finally:
                self._cell = self._log.heard = None
            return done

    async def replay(self, execution: Execution) -> None:
        """Run a cell again for what it leaves in the kernel and in files; nothing of it is recorded.

        A note says so if it ends differently. Raises SandboxGone.
        """
        async with self._lock:
            await self._renew()
            await self._replay(execution)
            await self._tree.changes()

    async def adopt(self, events: Sequence[Event]) -> None:
        """Record what happened to cells that ran in another sandbox of this run, and write their files into this one.

        What they leave in memory is made here when a cell first needs it. Raises UploadError, SandboxGone.
        """
        await self.record(*events)
        async with self._lock:
            for event in events:
                if isinstance(event, ArtifactSaved) and event.artifact.role in ("table", "file"):
                    await self._write(event.artifact, self._log.store)
                    self._brought.add(event.artifact.name)

    async def catch_up(self) -> None:
        """Run again here, without a record, all cells that ran in another sandbox of this run."""
        async with self._lock:
            await self._renew()
            await self._catch_up(None)

    async def record(self, *events: Event) -> None:
        """Record a change of the notebook between two cells, on which the next cell builds."""
        async with self._lock:
            for event in events:
                self._log.send(event)
            await self._log.settle()

    async def copied(self, order: str) -> str:
        """Have the sandbox `keep NAME`, a copy of its kernel and its files, go `back NAME` or `drop NAME`.

        Returns "", or why it was not done, in which case nothing was. Nothing of it is recorded.
        """
        none = "this host keeps no copies of kernels"
        if self.host.kind != "local":
            return none
        async with self._lock:
            try:
                done = await self._sandbox.run_code("", envs={COPY: order}, timeout=_ASIDE)
                if order.startswith("back "):
                    await self._tree.changes()
            except host_failures() as error:
                return f"the sandbox did not answer: {error}"
        told = next((r.extra[MIME].get("copy") for r in done.results if r.extra and MIME in r.extra), None)
        return none if told is None else "" if told["done"] else str(told["why"])

    async def settle(self) -> None:
        """Wait until the record has all that was done here, the end of the cell under way as well.

        Raises StoreError when it could not take it.
        """
        async with self._lock:
            await self._log.settle()

    async def make_folders(self, names: Sequence[str]) -> None:
        """Make these folders below /home/user, where they are not there. Raises UploadError, SandboxGone."""
        async with self._lock:
            for name in map(files.safe_name, names):
                try:
                    await self._sandbox.files.make_dir(f"{files.HOME}/{name}")
                except host_failures() as error:
                    await self._raise_if_gone(error)
                    raise UploadError(f"The folder {name} could not be made in the sandbox: {error}.") from error

    async def aside(self, code: str) -> str:
        """Run code that is no cell, and return what it printed: nothing of it is recorded. "" where it cannot be."""
        async with self._lock:
            try:
                done = await self._sandbox.run_code(code, timeout=_ASIDE)
            except host_failures():
                return ""
        return "".join(done.logs.stdout)

    async def command(self, line: str, *, limit: float = _ASIDE) -> Command:
        """Run a shell command beside the cells in /home/user, for at most `limit` seconds; nothing is recorded.

        It is for looking, not for changing: what it did is not done again when the notebook is. Raises SandboxGone.
        """
        from e2b import CommandExitException, TimeoutException

        try:
            done = await self._sandbox.commands.run(line, cwd=files.HOME, timeout=limit)
        except CommandExitException as failed:
            return Command(failed.exit_code, failed.stdout, failed.stderr)
        except TimeoutException:
            return Command(124, "", f"The command did not end within {limit:g} seconds and was stopped.")
        except host_failures() as error:
            await self._raise_if_gone(error)
            return Command(1, "", f"The command could not be run: {error}")
        return Command(done.exit_code, done.stdout, done.stderr)

    async def interrupt(self) -> None:
        """Stop the cell that runs now, if one does; what it had done stays done."""
        if self._cell is not None and self._cell.call is not None:
            self._cell.call.cancel()

    @contextlib.asynccontextmanager
    async def leased(self, life: int = LEASE) -> AsyncIterator[None]:
        """Within this block the sandbox lives `life` seconds at a time: for one that nobody resumes, should we die."""
        self._life, self._renewed = life, float("-inf")

        async def keep() -> None:
            while True:
                with contextlib.suppress(SandboxGone):  # the next cell says so
                    await self._renew()
                await asyncio.sleep(life / 4)

        keeping = asyncio.create_task(keep())
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    async def close(self) -> None:
        """End the sandbox. The record stays."""
        await self.interrupt()
        async with self._lock:
            # A sandbox that cannot be reached ends by its own time-out; nothing here depends on it any more.
            with contextlib.suppress(*host_failures()):
                await self._sandbox.kill()

    @classmethod
    async def _begin(cls, log: RunLog, host: Host, life: int, *, with_inputs: bool = False) -> Session:
        sandbox = await _sandbox(log, host, life)
        session = cls(log, host, sandbox)
        session._life = life
        async with session._kept_or_ended():
            log.send(session._opened())  # which is recorded while the files are on their way
            if with_inputs:
                await session._write_inputs()
                session.filled = True
            await session._tree.changes()
            await log.settle()
        return session

    @classmethod
    async def _rebuild(cls, log: RunLog, host: Host) -> Session:
        sandbox = await _sandbox(log, host, SANDBOX_LIFE)
        session = cls(log, host, sandbox)
        async with session._kept_or_ended():
            await session._write_inputs()
            stale = {c.id for c in log.view.cells if c.state == "stale"}
            finished = [x for x in log.view.executions if x.status in _FINISHED and x.cell not in stale]
            for done, cell in enumerate(finished, 1):
                what = {"what": "Rebuilding the notebook", "unit": "cells"}
                await log.emit(Progressed(run_id=log.run_id, done=done, of=len(finished), **what))
                await session._replay(cell)
            await log.emit(session._opened(rebuilt=True, replayed=len(finished)))
            await session._tree.changes()
        return session

    @contextlib.asynccontextmanager
    async def _kept_or_ended(self) -> AsyncIterator[None]:
        """End a new sandbox if it does not become anybody's session."""
        try:
            yield
        except BaseException:
            await see_through(self.close())
            raise

    def _opened(self, *, rebuilt: bool = False, replayed: int = 0) -> SandboxOpened:
        return SandboxOpened(
            run_id=self.run_id,
            sandbox_id=self.sandbox_id,
            host=self.host.kind,
            isolation=self.host.isolation,
            rebuilt=rebuilt,
            replayed=replayed,
        )

    async def _write_inputs(self) -> None:
        """Write what the run has for input, before the first look at the files."""
        for artifact in self._log.view.artifacts:
            if artifact.role == "input":
                await self._write(artifact, self._log.store, known=False)

    async def _write(self, artifact: Artifact, store: Store, *, known: bool = True) -> None:
        """Write the bytes of an artifact; where the file is not made `known`, the next look at the files will."""
        path = await asyncio.to_thread(store.path, artifact)
        try:
            await (self._tree.write if known else self._tree.place)(artifact.name, path)
        except host_failures() as error:
            await self._raise_if_gone(error)
            raise UploadError(
                f"{artifact.name} ({artifact.size:,} bytes) could not be written into the sandbox: {error}. "
                "Is it larger than the sandbox's disk?"
            ) from error

    async def _replay(self, cell: Execution) -> None:
        """Run a finished cell again for its effect on the kernel's state; say so if it ends differently."""
        try:
            again = await self._sandbox.run_code(cell.code, timeout=0)
        except host_failures() as error:
            raise SandboxGone(f"The new sandbox was lost while {cell.cell} was replayed in it: {error}") from error
        if (again.error is None) != (cell.error is None):
            how = f"raised {again.error.name}" if again.error else "raised nothing"
            await self._log.note(f"{cell.cell} {how} when it was replayed in a new sandbox, unlike the first time.")

    async def _catch_up(self, code: str | None) -> None:
        """Run again what code needs of the cells that ran elsewhere; of all of them for None."""
        from notebooks.live.merging import needed

        if not (again := needed(self.view, code, self._brought)):
            return
        for execution in (x for id in again for x in self.executions if x.cell == id):
            await self._replay(execution)
        self._log.send(CellsReplayed(run_id=self.run_id, cells=tuple(id for id in again if id in self.view.away)))
        await self._tree.changes()

    async def _renew(self) -> None:
        if time.monotonic() - self._renewed >= self._life / 4:
            try:
                await self._sandbox.set_timeout(self._life)
            except host_failures() as error:
                await self._raise_if_gone(error)
            self._renewed = time.monotonic()

    async def _raise_if_gone(self, error: Exception) -> None:
        """Raise SandboxGone if the sandbox says that it is not there, or nobody can say."""
        try:
            running = await self._sandbox.is_running()
        except host_failures():
            running = False
        if not running:
            raise SandboxGone(
                f"The sandbox of {self.run_id} is gone; `gristmill runs resume {self.run_id}` rebuilds it and goes on."
            ) from error


async def _sandbox(log: RunLog, host: Host, life: int) -> AsyncSandbox:
    """A new sandbox for a run, in the environment that the run was begun with."""
    params = log.view.run.params
    metadata = {"run_id": log.run_id, "home": _name(log.store)} | (
        {"project": params["project"]} if "project" in params else {}
    )
    sandbox = await open_sandbox(host, timeout=life, metadata=metadata, template=params.get("template"))
    if "project" in params:
        try:
            await sandbox.files.make_dir(f"{files.HOME}/{files.PROJECT}")
        except host_failures() as error:
            raise SandboxGone(f"The new sandbox was lost before it was filled: {error}") from error
    return sandbox


async def left_behind(host: Host, store: Store) -> list[tuple[str, str]]:
    """The ids of the sandboxes that runs of this data folder have, each with its run's. Raises GatewayError."""
    found = await list_sandboxes(host, {"home": _name(store)})
    return [(id, metadata["run_id"]) for id, metadata in found if "run_id" in metadata]


def _name(store: Store) -> str:
    """What tells a data folder from others whose sandboxes are on the same host, and from a copy of it."""
    return hashlib.sha256(f"{platform.node()}\0{store.home.resolve()}".encode()).hexdigest()[:16]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
