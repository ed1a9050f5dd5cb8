"""The register of sandboxes: who exists, until when, and one kept warm for the next who asks."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import secrets
import time
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kernel_gateway import environments
from kernel_gateway.egress import Policy
from kernel_gateway.ended import Ended
from kernel_gateway.environments import Environment
from kernel_gateway.errors import SandboxFailed
from kernel_gateway.greeting import greet
from kernel_gateway.host import Host
from kernel_gateway.inside.outlet import proxy_variables
from kernel_gateway.isolation import python_binds
from kernel_gateway.logs import Log
from kernel_gateway.packages import Packages
from kernel_gateway.parking import Parking
from kernel_gateway.promises import Promises
from kernel_gateway.proxy import Exit
from kernel_gateway.record import Missing, Record
from kernel_gateway.sandbox import Sandbox
from kernel_gateway.snapshots import BadSnapshot, Snapshot, Snapshots
from kernel_gateway.volumes import Hold, Volume, Volumes
from kernel_gateway.wanted import BadRequest, Conflict, Mount, Wanted, overlaps

log = logging.getLogger("kernel_gateway")

ENVD_VERSION = "0.6.4"
TEMPLATE = "code-interpreter-v1"
_SOON_SECONDS = 0.3


class Sandboxes:
    """All sandboxes of this gateway."""

    def __init__(
        self,
        host: Host,
        domain: str,
        home: Path,
        snapshots: Snapshots,
        volumes: Volumes,
        parked: int = 1,
        policy: Policy | None = None,
        packages: Packages | None = None,
    ) -> None:
        """`policy` is for what sandboxes may reach outside, None where they have no way out.

        `packages` are what they may install; None where they are not isolated, and reach what this machine reaches.
        """
        self.host, self.domain, self.home, self.snapshots = host, domain, home, snapshots
        self.volumes = volumes
        self.policy, self._packages = policy, packages
        self.last_used = time.monotonic()
        self._records: dict[str, Record] = {}
        self._starting: set[Sandbox] = set()
        self._parking = Parking(host, parked, self._launch, self._warm_up, lambda: self.last_used)
        self._ended = Ended()
        self._promises: Promises[Record] = Promises()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records.values())

    def __len__(self) -> int:
        return len(self._records)

    def find(self, sandbox_id: str) -> Record:
        """The sandbox of this id, running or paused; raises `Missing`."""
        record = self._records.get(sandbox_id)
        if record is None:
            raise Missing(sandbox_id)
        return record

    def verdict(self, sandbox_id: str) -> str | None:
        """Which limit ended a sandbox that is no more, if one did and it is not long ago."""
        return self._ended.verdict(sandbox_id)

    def log(self, sandbox_id: str) -> Log:
        """What a sandbox said, which may have ended not long ago; raises `Missing`."""
        record = self._records.get(sandbox_id)
        return self._ended.log(sandbox_id) if record is None else record.log

    async def create(self, body: dict[str, Any], key: str | None) -> Record:
        """Start a sandbox, or hand out the parked one. A repeated idempotency key gives the first one's answer."""
        if key is None:
            return await self._create(body)
        return await self._promises.keep(key, body, lambda: self._create(body))

    async def _create(self, body: dict[str, Any]) -> Record:
        template = str(body.get("templateID") or TEMPLATE)
        wanted = Wanted.parse(body, self.policy is not None)
        if wanted.mounts and not self.host.isolated:
            raise BadRequest("Without isolation there are no volumes: sandboxes see this machine's own files.")
        for mount in wanted.mounts:
            if any(overlaps(mount.path, str(place)) for _, place in python_binds()):
                raise BadRequest(
                    f"A volume cannot be at {mount.path!r}, where the sandbox's Python is; choose another."
                )
        await self.volumes.check(wanted.mounts)
        if (snapshot := self.snapshots.find(template)) is not None:
            wanted = replace(wanted, envs={**snapshot.envs, **wanted.envs})
        return await self._start(template, wanted, snapshot)

    async def _start(self, template: str, wanted: Wanted, snapshot: Snapshot | None) -> Record:
        """A sandbox that has a snapshot's files, if one is given."""
        environment = snapshot.environment if snapshot is not None else template
        chosen = environments.find(self.home, environment)
        hold = self.volumes.hold(wanted.mounts)
        try:
            return await self._start_holding(template, environment, chosen, wanted, snapshot, hold)
        except BaseException:
            hold.release()
            raise

    async def _start_holding(
        self,
        template: str,
        environment: str,
        chosen: Environment | None,
        wanted: Wanted,
        snapshot: Snapshot | None,
        hold: Hold,
    ) -> Record:
        plain = chosen is None and not wanted.mounts
        taken = self._parking.take() if plain else None
        name, sandbox = taken or self._launch(environment, chosen, wanted.mounts)
        record = Record(name, template, environment, sandbox, wanted, hold)
        try:
            await self._make_ready(record, sandbox, snapshot)
        except SandboxFailed:
            killed = sandbox.ended.is_set() and not sandbox.said  # from outside; it had nothing to complain about
            if not (sandbox.stillborn or killed) or self._closed:
                raise
            self.host.end_spare()  # what ended this one may have ended them, too
            name, sandbox = self._launch(environment, chosen, wanted.mounts)  # by the next nursery
            record.id, record.sandbox = name, sandbox
            await self._make_ready(record, sandbox, snapshot)
        record.started = datetime.now(UTC)
        self._records[name] = record
        record.log.tell("The sandbox was created.", "created")
        self._put_to_work(record, wanted.seconds)
        self._parking.refill_later()
        return record

    async def _make_ready(
        self, record: Record, sandbox: Sandbox, snapshot: Snapshot | None, variables: dict[str, str] | None = None
    ) -> None:
        """Give a started sandbox what its creator wants it to have; one that takes it not is ended."""
        variables = {**(variables or {}), **record.wanted.envs}
        self._starting.add(sandbox)
        try:
            if sandbox in self._parking.warm and not variables:
                self._spawn(self._begin(sandbox))  # nobody need wait to hear that it answers
            else:
                await self._initialise(sandbox, variables)
            await sandbox.confined()
            if not await sandbox.lives():
                raise SandboxFailed(f"The sandbox did not start: {sandbox.said or 'it was ended'}")
            if snapshot is not None:
                volumes = [mount.path for mount in record.wanted.mounts]
                await self.snapshots.restore(snapshot, sandbox.address, volumes)
            if self._closed:
                raise SandboxFailed("The gateway is shutting down.")
        except BaseException:
            sandbox.kill()
            raise
        finally:
            self._starting.discard(sandbox)
            self._parking.warm.discard(sandbox)

    def _put_to_work(self, record: Record, seconds: int) -> None:
        """Have a sandbox that is ready answer requests, until its end."""
        record.hold.end = functools.partial(self._overfull, record)
        record.sandbox.on_end = lambda: self._forget(record)
        record.sandbox.hear = record.log.take
        if record.sandbox.ended.is_set():
            self._forget(record)
            return
        if self._packages is not None:
            address, rules = record.sandbox.address, record.wanted.rules
            record.exit = Exit(address, self.policy, rules, record.attach, self._packages)
            record.exit.start()
        self._end_in(record, seconds)

    @staticmethod
    def _overfull(record: Record, why: str) -> None:
        """End a sandbox since one of its volumes is overfull."""
        record.sandbox.verdict = f"killed: {why[0].lower()}{why[1:].rstrip('.')}"
        record.sandbox.kill()

    def mounting(self, volume: Volume) -> list[Record]:
        """The sandboxes, paused ones as well, that have a volume."""
        return [one for one in self if any(mount.name == volume.name for mount in one.wanted.mounts)]

    def set_network(self, record: Record, wanted: Wanted) -> None:
        """Go by other rules for what a sandbox may reach."""
        record.wanted = wanted
        if record.exit is not None:
            record.exit.change(wanted.rules)

    async def snapshot(self, record: Record, name: str | None = None, private: bool = False) -> Snapshot:
        """Keep a sandbox's files, which goes on as it was; raises `BadSnapshot` and `SandboxFailed`."""
        async with record.busy:
            return await self._snapshot(record, name, private)

    def _check_here(self, record: Record) -> None:
        """Raise `Missing` for a sandbox that was ended while we waited."""
        if self._records.get(record.id) is not record:
            raise Missing(record.id)

    async def _snapshot(self, record: Record, name: str | None, private: bool) -> Snapshot:
        self._check_here(record)
        if record.files is not None:
            raise Conflict(f"Sandbox {record.id} is paused without its memory; connect to it first.")
        was_paused = record.paused
        if was_paused:
            record.sandbox.resume()  # for the service, which stops everything else; nobody else is let in
        try:
            return await self.snapshots.take(
                record.sandbox.address,
                record.id,
                record.environment,
                record.wanted.envs,
                (lambda connection: None) if was_paused else record.attach,
                name,
                private,
            )
        finally:
            if record.paused:
                record.sandbox.pause()

    async def fork(self, record: Record, count: int, seconds: int) -> list[Record | Exception]:
        """So many new sandboxes with the files of this one; each is made by itself, and may fail by itself."""
        snapshot = await self.snapshot(record, private=True)
        wanted = replace(record.wanted, seconds=seconds)
        made: list[Record | Exception] = []
        try:
            for _ in range(count):
                try:
                    made.append(await self._start(record.template, wanted, snapshot))
                except (SandboxFailed, environments.BrokenEnvironment) as failed:
                    made.append(failed)
        finally:
            self.snapshots.delete(snapshot)
        return made

    async def pause_whole(self, record: Record) -> None:
        """Pause a sandbox with its memory, once a copy that is under way is finished; raises `Conflict`."""
        async with record.busy:
            self._check_here(record)
            self.pause(record)

    async def pause_files(self, record: Record) -> None:
        """Pause a sandbox without its memory: only its files are kept, and everything in it ends."""
        async with record.busy:
            if record.paused:
                raise Conflict(f"Sandbox {record.id} is already paused.")
            files = await self._snapshot(record, None, private=True)
            if self._records.get(record.id) is not record:
                self.snapshots.delete(files)
                raise Missing(record.id)
            record.paused, record.files = True, files
            record.log.tell("The sandbox was paused without its memory.", "paused")
            self._stand_still(record)
            await self._end_process(record)

    async def wake(self, record: Record, seconds: int, memory: bool) -> None:
        """Let a paused sandbox go on, from its files alone where there is no memory or none is wanted."""
        async with record.busy:
            self._check_here(record)
            if not record.paused:
                self.extend(record, seconds)
            elif memory and record.files is None:
                self.resume(record, seconds)
            else:
                await self._start_again(record, seconds)

    async def _start_again(self, record: Record, seconds: int) -> None:
        if record.files is None:
            files = await self._snapshot(record, None, private=True)
            if self._records.get(record.id) is not record:
                self.snapshots.delete(files)
                raise Missing(record.id)
            record.files = files
            await self._end_process(record)
        # Under a name of its own: the host may still be putting away what the one before had.
        chosen = environments.find(self.home, record.environment)
        _, sandbox = self._launch(record.environment, chosen, record.wanted.mounts)
        try:
            await self._make_ready(record, sandbox, record.files, {"E2B_SANDBOX_ID": record.id})
        except SandboxFailed:
            self._check_here(record)
            raise
        if self._records.get(record.id) is not record:
            sandbox.kill()
            raise Missing(record.id)
        self.snapshots.delete(record.files)
        record.sandbox, record.files, record.paused = sandbox, None, False
        record.log.tell("The sandbox was started again from its files.", "resumed")
        self._put_to_work(record, seconds)

    async def _end_process(self, record: Record) -> None:
        """End what runs in a sandbox, whose record stays."""
        record.sandbox.on_end = lambda: None
        record.sandbox.kill()
        await record.sandbox.ended.wait()

    def pause(self, record: Record) -> None:
        """Stop everything in a sandbox where it stands, and whoever talks with it; raises `Conflict`."""
        if record.paused:
            raise Conflict(f"Sandbox {record.id} is already paused.")
        record.paused = True
        record.log.tell("The sandbox was paused.", "paused")
        record.sandbox.pause()
        self._stand_still(record)

    def _stand_still(self, record: Record) -> None:
        self._close_ways(record)
        for connection in list(record.connections):
            connection.abort()

    @staticmethod
    def _close_ways(record: Record) -> None:
        """Have a sandbox end no more by its time-out, and reach nobody."""
        if record.timer is not None:
            record.timer.cancel()
        if record.exit is not None:
            record.exit.stop()

    def resume(self, record: Record, seconds: int) -> None:
        """Let a paused sandbox go on for so many seconds."""
        record.paused = False
        record.log.tell("The sandbox was resumed.", "resumed")
        record.sandbox.resume()
        if record.exit is not None:
            record.exit.start()
        self._end_in(record, seconds)

    def extend(self, record: Record, seconds: int) -> None:
        """Move the end of a sandbox further away, never nearer."""
        if time.monotonic() + seconds > record.deadline:
            self._end_in(record, seconds)

    def end_in(self, record: Record, seconds: int) -> None:
        """Set the end of a sandbox, nearer or further."""
        self._end_in(record, seconds)

    def kill(self, record: Record) -> None:
        """End a sandbox at once."""
        self._forget(record)
        record.sandbox.kill()

    def park(self) -> None:
        """Keep as many started as are to be, for the next who ask."""
        self._parking.fill()

    def _warm_up(self, sandbox: Sandbox) -> None:
        self._spawn(self._ask_parked(sandbox))

    async def _ask_parked(self, sandbox: Sandbox) -> None:
        with contextlib.suppress(SandboxFailed):  # whoever is given it hears of that, if it has not ended until then
            await self._initialise(sandbox, {}, parked=True)
            self._parking.warm.add(sandbox)

    async def _begin(self, sandbox: Sandbox) -> None:
        """Have a parked sandbox measure itself from now on, which no first cell is to wait for."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(sandbox.ended.wait(), _SOON_SECONDS)
        with contextlib.suppress(SandboxFailed):  # it has ended, which is told elsewhere
            await self._initialise(sandbox, {})

    async def close(self) -> None:
        """End every sandbox and wait until each is gone."""
        self._closed = True
        parked = self._parking.close()
        ending = [record.sandbox for record in self] + parked + list(self._starting)
        for record in list(self):
            self.kill(record)
        for sandbox in (*parked, *self._starting):
            sandbox.kill()
        await asyncio.gather(*(sandbox.ended.wait() for sandbox in ending), *self._tasks)
        self.snapshots.close()
        if self._packages is not None:
            await self._packages.close()

    def _launch(
        self, template: str = TEMPLATE, chosen: Environment | None = None, mounts: tuple[Mount, ...] = ()
    ) -> tuple[str, Sandbox]:
        name = "i" + secrets.token_hex(10)
        return name, self.host.launch(name, template, chosen, self.volumes.places(mounts))

    async def _initialise(self, sandbox: Sandbox, variables: dict[str, str], parked: bool = False) -> None:
        proxy = proxy_variables() if self.policy is not None else {}
        body = {"envs": {**proxy, **variables}, "outlet": self._packages is not None, "parked": parked}
        await greet(sandbox, body)

    def _end_in(self, record: Record, seconds: int) -> None:
        record.deadline = time.monotonic() + seconds
        if record.timer is not None:
            record.timer.cancel()
        if not record.paused:
            record.timer = asyncio.get_running_loop().call_later(seconds, self._at_end, record)

    def _at_end(self, record: Record) -> None:
        if not record.wanted.auto_pause:
            self.kill(record)
        elif record.wanted.keeps_memory and not record.busy.locked():
            self.pause(record)
        else:
            self._spawn(self._pause_at_end(record))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pause_at_end(self, record: Record) -> None:
        """Pause as its creator wants it; with its memory where the files cannot be kept, so that nothing is lost."""
        try:
            await (self.pause_whole if record.wanted.keeps_memory else self.pause_files)(record)
        except (Conflict, Missing):
            return
        except (SandboxFailed, BadSnapshot) as error:
            log.warning("sandbox %s is paused with its memory: %s", record.id, error)
            if record.id in self._records and not record.paused:
                self.pause(record)

    def _forget(self, record: Record) -> None:
        self.last_used = time.monotonic()
        if self._records.pop(record.id, None) is not None:
            self._ended.keep(record)
        self._ended.judge(record)
        self._close_ways(record)
        record.hold.release()
        if record.files is not None:
            self.snapshots.delete(record.files)
