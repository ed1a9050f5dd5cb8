"""Makes shells: has bubblewrap make a sandbox's namespaces, before it is known who will move in."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from kernel_gateway.groups import Group, Groups, NoGroups
from kernel_gateway.inside import memory, seccomp
from kernel_gateway.isolation import CACHE, CAT, bubblewrap_arguments, own_files
from kernel_gateway.memory import memory_file
from kernel_gateway.nursery import namespaces_of
from kernel_gateway.outside import Outside
from kernel_gateway.sandbox import Sandbox
from kernel_gateway.shell import Shell, bring_along, make_lifeline, outer_of, read_inner, unbroken_pipe
from kernel_gateway.sizes import Sizes

log = logging.getLogger("kernel_gateway")


class Shells:
    """Makes them by the bubblewrap at `program`; `cache` is a folder with what each is given of the host's."""

    def __init__(self, program: str, sizes: Sizes, outside: Outside, cache: Path) -> None:
        self._program, self._sizes, self._outside, self._cache = program, sizes, outside, cache
        self._call_filter = seccomp.program()
        self._groups: Groups | None = None
        try:
            self._groups = Groups.find()
        except NoGroups as why:
            log.warning("total memory of a sandbox is not enforced: %s", why)

    def close(self) -> None:
        """Remove the control groups; the sandboxes have ended."""
        if self._groups is not None:
            self._groups.close()

    def make(self, more: Iterable[tuple[Path, Path]] = (), volumes: Sequence[tuple[Path, str]] = ()) -> Shell:
        """Have bubblewrap make a sandbox's namespaces, with nothing in them, `more` folders to show, and `volumes`.

        Raises OSError and `SandboxFailed`.
        """
        identity = self._outside.identity()
        with contextlib.ExitStack() as failing:
            lent = failing.enter_context(contextlib.ExitStack())
            group = self._group(secrets.token_hex(10))
            lent.callback(self._release, group)
            binds = self._lend(lent, volumes, identity)
            kept = failing.enter_context(contextlib.ExitStack())
            output, errors = os.pipe()
            kept.callback(os.close, errors)
            failing.callback(os.close, output)
            lifeline, lifeline_end = make_lifeline()
            failing.callback(os.close, lifeline)
            doors = []
            for door in group.doors if group is not None else ():
                doors.append(os.open(door, os.O_WRONLY | os.O_CLOEXEC))
                kept.callback(os.close, doors[-1])
            made = failing.enter_context(contextlib.ExitStack())
            greeted, greet = os.pipe()
            made.callback(os.close, greeted)
            info, info_end = unbroken_pipe()
            made.callback(os.close, info)
            with memory_file(b".") as greeting:
                try:
                    process = self._bubblewrap(
                        ["--info-fd", str(info_end)],
                        [CAT, f"/proc/self/fd/{greeting}", "-"],
                        (info_end, greeting),
                        (lifeline_end, greet, errors),
                        {},
                        group,
                        identity,
                        more,
                        binds,
                    )
                finally:
                    for end in (info_end, greet, lifeline_end):
                        os.close(end)
            sandbox = Sandbox(process, output, lifeline, "", group=group, isolated=True)
            failing.pop_all()
        shell = Shell(sandbox, identity.get("user"), kept, errors, doors)

        def release() -> None:
            shell.close()
            lent.close()

        sandbox.release = release
        loop = asyncio.get_running_loop()

        def greet_back() -> None:
            loop.remove_reader(greeted)
            with made:
                inner = read_inner(info)
                if inner is None:
                    return  # it failed, and is about to end
                sandbox.inhabit(os.pidfd_open(inner), os.dup(greeted))
                if os.read(greeted, 1):
                    if group is not None:  # meanwhile, since the kernel takes its time; nobody gets it before
                        sandbox.join(loop.run_in_executor(None, bring_along, group, inner))
                    shell.open(namespaces_of(inner), outer_of(inner))

        loop.add_reader(greeted, greet_back)
        return shell

    def _lend(
        self, lent: contextlib.ExitStack, volumes: Sequence[tuple[Path, str]], identity: dict[str, Any]
    ) -> list[tuple[str, str]]:
        """Have a sandbox's user reach the volumes until `lent` closes; raises `SandboxFailed`."""
        user = identity.get("user")
        return [(lent.enter_context(self._outside.lent(folder, user)), place) for folder, place in volumes]

    def _group(self, name: str) -> Group | None:
        return self._groups.make(name, self._sizes.memory, self._sizes.processes) if self._groups is not None else None

    def _release(self, group: Group | None) -> None:
        if self._groups is not None and group is not None:
            self._groups.release(group)

    def _bubblewrap(
        self,
        options: list[str],
        command: list[str],
        descriptors: tuple[int, ...],
        streams: tuple[int, int, int],
        variables: dict[str, str],
        group: Group | None,
        identity: dict[str, Any],
        more: Iterable[tuple[Path, Path]] = (),
        volumes: Iterable[tuple[str, str]] = (),
    ) -> subprocess.Popen[bytes]:
        """Start bubblewrap with our profile, `more` folders to show, and `volumes`; raises OSError."""
        own = {**own_files(), memory.SOURCE: memory.text(self._sizes.memory, 0)}
        contents = {place: text.encode() for place, text in own.items()}
        for fonts in self._cache.glob("fontlist-*.json"):  # matplotlib's, which another process of the sandbox reads
            contents[f"{CACHE}/matplotlib/{fonts.name}"] = fonts.read_bytes()
        with contextlib.ExitStack() as stack:
            files = [(stack.enter_context(memory_file(data)), place) for place, data in contents.items()]
            filters = [stack.enter_context(memory_file(self._call_filter))] if self._call_filter is not None else []
            limits = group.memory_files if group is not None else None
            call_filter = next(iter(filters), None)
            arguments = bubblewrap_arguments(
                self._outside, self._sizes, files, variables, call_filter, limits, more, volumes
            )
            profile = stack.enter_context(memory_file("\0".join(arguments).encode()))
            stdin, stdout, stderr = streams
            return subprocess.Popen(
                [self._program, "--args", str(profile), *options, "--", *command],
                env={},
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                pass_fds=(profile, *descriptors, *filters, *(fd for fd, _ in files)),
                cwd="/",
                **identity,
            )
