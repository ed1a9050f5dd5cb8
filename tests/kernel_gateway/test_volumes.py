"""Volumes: what they keep, for whom, how much of it, and what hostile code in one can do to the others and the host."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from e2b import AsyncVolume, CommandExitException, NotFoundException, SandboxException, Volume
from e2b.exceptions import AuthenticationException, VolumeException
from e2b_code_interpreter import AsyncSandbox, Sandbox

from kernel_gateway.outside import VOLUME_USER

QUOTA = 64  # MiB: small, so that filling one is cheap
AT = "/mnt/data"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("volumes")


@pytest.fixture(scope="module")
def gateway(gateways, home: Path) -> Iterator[Any]:
    running = gateways(home, "--parked", "0", env={**os.environ, "GRISTMILL_VOLUME_SIZE": str(QUOTA)})
    yield running
    running.stop()
    assert "volumes" not in os.listdir(home / "gateway"), "every test destroys what it makes"
    if os.geteuid() == 0:
        mounted = Path("/proc/self/mountinfo").read_text()
        assert str(home) not in mounted


@pytest.fixture
def own(gateway) -> dict[str, Any]:
    """How the control plane is reached."""
    return {"api_key": gateway.key, "api_url": gateway.url}


@pytest.fixture
def content(gateway) -> dict[str, Any]:
    """How a volume's content is reached."""
    return {"api_url": gateway.url}


@pytest.fixture
async def volume(own) -> AsyncIterator[AsyncVolume]:
    made = await AsyncVolume.create(f"data-{uuid.uuid4().hex[:8]}", **own)
    yield made
    assert await AsyncVolume.destroy(made.volume_id, **own) is True


@contextlib.asynccontextmanager
async def with_volume(gateway, volume: AsyncVolume, at: str = AT, **options: Any) -> AsyncIterator[AsyncSandbox]:
    mounts = {at: volume}
    made = await AsyncSandbox.create(timeout=300, volume_mounts=mounts, **options, **gateway.connection)
    try:
        yield made
    finally:
        await made.kill()


def files_of(home: Path, volume: AsyncVolume) -> Path:
    return home / "gateway" / "volumes" / volume.volume_id / "files"


async def test_what_a_sandbox_keeps_in_a_volume_is_in_the_next(gateway, volume: AsyncVolume) -> None:
    async with with_volume(gateway, volume) as writer:
        await writer.files.write(f"{AT}/deep/hello.txt", "written")
        assert (await writer.get_info()).volume_mounts == [{"name": volume.name, "path": AT}]
    async with with_volume(gateway, volume, "/home/user/project") as reader:
        assert await reader.files.read("project/deep/hello.txt") == "written"
        assert (await reader.run_code("open('project/deep/hello.txt').read()")).text == "written"


async def test_two_sandboxes_share_a_volume_and_each_owns_all_of_it(gateway, home: Path, volume: AsyncVolume) -> None:
    async with with_volume(gateway, volume) as one, with_volume(gateway, volume) as other:
        await one.commands.run(f"mkdir {AT}/shut && echo a > {AT}/shut/file && chmod 600 {AT}/shut/file")
        assert await other.files.read(f"{AT}/shut/file") == "a\n"
        await other.commands.run(f"echo b >> {AT}/shut/file && mv {AT}/shut {AT}/open")
        assert await one.files.read(f"{AT}/open/file") == "a\nb\n"
        shown = (await one.commands.run(f"stat -c '%U %u' {AT} {AT}/open/file")).stdout
        assert shown == "user 1000\nuser 1000\n"
        owner = (files_of(home, volume) / "open" / "file").stat().st_uid
        assert owner == (VOLUME_USER if os.geteuid() == 0 else os.geteuid())


async def test_a_sandbox_may_have_several_volumes_and_other_packages(gateway, own, volume: AsyncVolume) -> None:
    second = await AsyncVolume.create(f"more-{uuid.uuid4().hex[:8]}", **own)
    try:
        mounts = {AT: volume, "/mnt/more": second.name}
        made = await AsyncSandbox.create(timeout=300, volume_mounts=mounts, **gateway.connection)
        try:
            await made.commands.run(f"echo 1 > {AT}/one; echo 2 > /mnt/more/two; cp {AT}/one /mnt/more")
            assert (
                await made.commands.run("ls /mnt/data /mnt/more")
            ).stdout == "/mnt/data:\none\n\n/mnt/more:\none\ntwo\n"
        finally:
            await made.kill()
    finally:
        assert await AsyncVolume.destroy(second.volume_id, **own) is True


def test_volumes_are_made_listed_and_destroyed(own) -> None:
    assert Volume.list(**own) == []
    made = Volume.create("first", **own)
    try:
        assert Volume.get_info(made.volume_id, **own).token == made.token
        assert [(one.volume_id, one.name) for one in Volume.list(**own)] == [(made.volume_id, "first")]
        with pytest.raises(VolumeException, match="is a volume 'first' already"):
            Volume.create("first", **own)
        for name in ("", "../up", "a/b", "-x", "x" * 64, "ä"):
            with pytest.raises(VolumeException, match="cannot be named"):
                Volume.create(name, **own)
    finally:
        assert Volume.destroy(made.volume_id, **own) is True
    assert Volume.destroy(made.volume_id, **own) is False
    with pytest.raises(NotFoundException):
        Volume.get_info(made.volume_id, **own)


@pytest.mark.parametrize(
    "mounts",
    [
        {"/": "data"},
        {"/home/user": "data"},
        {"/tmp": "data"},
        {"/usr/share": "data"},
        {"/etc": "data"},
        {"/proc/self": "data"},
        {"/opt/gristmill/x": "data"},
        {"relative": "data"},
        {"/mnt/../etc": "data"},
        {"//mnt": "data"},
        {"/mnt/a": "data", "/mnt/a/b": "data"},
        {"/mnt/a\n": "data"},
        {"/mnt/a": "no-such-volume"},
    ],
)
async def test_a_mount_that_cannot_be_is_refused_with_a_reason(gateway, volume: AsyncVolume, mounts: dict) -> None:
    wanted = {path: volume.name if name == "data" else name for path, name in mounts.items()}
    with pytest.raises(SandboxException, match=r"volume .*\."):
        await AsyncSandbox.create(timeout=60, volume_mounts=wanted, **gateway.connection)


async def test_a_mount_over_the_python_that_a_sandbox_runs_is_refused(gateway, volume: AsyncVolume) -> None:
    with pytest.raises(SandboxException, match=r"where the sandbox's Python is|which is the system's"):
        await AsyncSandbox.create(timeout=60, volume_mounts={sys.prefix: volume}, **gateway.connection)


async def test_files_are_read_and_written_without_a_sandbox(gateway, content, volume: AsyncVolume) -> None:
    written = await volume.write_file("/test.bin", bytes(range(256)) * 4000, mode=0o640, **content)
    assert (written.path, written.size, written.mode, written.uid) == ("/test.bin", 1_024_000, 0o640, 1000)
    assert await volume.read_file("/test.bin", format="bytes", **content) == bytes(range(256)) * 4000
    with pytest.raises(VolumeException, match="exists already"):
        await volume.write_file("/test.bin", "new", **content)
    await volume.write_file("/test.bin", "new", force=True, **content)
    streamed = await volume.read_file("/test.bin", format="stream", **content)
    assert b"".join([chunk async for chunk in streamed]) == b"new"
    with pytest.raises(NotFoundException):
        await volume.make_dir("/no/such", **content)
    await volume.make_dir("/a/b/c", force=True, mode=0o750, **content)
    await volume.write_file("/a/b/x.txt", "x", **content)
    assert [one.path for one in await volume.list("/a", **content)] == ["/a/b"]
    assert [one.path for one in await volume.list("/", depth=3, **content)] == [
        *("/a", "/test.bin", "/a/b", "/a/b/c", "/a/b/x.txt"),
    ]
    assert (await volume.update_metadata("/a/b/x.txt", mode=0o600, **content)).mode == 0o600
    with pytest.raises(VolumeException, match="uid must be 1000"):
        await volume.update_metadata("/a/b/x.txt", uid=0o7777, **content)
    async with with_volume(gateway, volume) as made:
        assert (await made.commands.run(f"cat {AT}/a/b/x.txt; stat -c %a%U {AT}/a/b/c")).stdout == "x750user\n"
    await volume.remove("/a", **content)
    assert await volume.exists("/a", **content) is False
    for missing in (volume.remove, volume.read_file, volume.list, volume.get_info):
        with pytest.raises(NotFoundException):
            await missing("/none", **content)


async def test_content_needs_the_volumes_own_token(gateway, own, content, volume: AsyncVolume) -> None:
    other = await AsyncVolume.create(f"other-{uuid.uuid4().hex[:8]}", **own)
    try:
        for token in ("wrong", gateway.key, other.token):
            with pytest.raises(AuthenticationException):
                await volume.list("/", **content, token=token)
    finally:
        await AsyncVolume.destroy(other.volume_id, **own)
    async with with_volume(gateway, volume) as made:  # an ordinary sandbox serves nobody a volume's content
        headers = {"E2b-Sandbox-Id": made.sandbox_id, "X-Access-Token": made._envd_access_token or ""}
        async with httpx.AsyncClient(base_url=gateway.url, headers=headers) as http:
            assert (await http.get("/volume/dir?path=/")).status_code == 404


async def test_a_volume_in_use_is_not_destroyed(gateway, own, volume: AsyncVolume) -> None:
    async with with_volume(gateway, volume) as made:
        await made.pause()
        with pytest.raises(VolumeException, match=f"end its sandboxes first: {made.sandbox_id}"):
            await AsyncVolume.destroy(volume.volume_id, **own)


async def test_pauses_keep_a_mount_forks_share_it_and_snapshots_leave_it_out(gateway, volume: AsyncVolume) -> None:
    async with with_volume(gateway, volume) as made:
        await made.commands.run(f"echo kept > {AT}/file; ln -s {AT}/file link")
        await made.pause()
        again = await AsyncSandbox.connect(made.sandbox_id, timeout=300, **gateway.connection)
        assert await again.files.read(f"{AT}/file") == "kept\n"
        await again.pause(mode="filesystem")
        rebooted = await AsyncSandbox.connect(made.sandbox_id, timeout=300, **gateway.connection)
        await rebooted.commands.run(f"echo more >> {AT}/file")
        [fork] = await rebooted.fork(timeout=300)
        assert await fork.files.read("link") == "kept\nmore\n"
        await fork.files.write(f"{AT}/fork", "by the fork")
        assert await rebooted.files.read(f"{AT}/fork") == "by the fork"
        await fork.kill()
        taken = await rebooted.create_snapshot("with-volume")
        without = await AsyncSandbox.create(taken.snapshot_id, timeout=300, **gateway.connection)
        try:
            assert (
                await without.commands.run(f"ls -A {AT} 2>/dev/null | wc -l; readlink link")
            ).stdout == f"0\n{AT}/file\n"
        finally:
            await without.kill()
            await AsyncSandbox.delete_snapshot(taken.snapshot_id, **gateway.connection)


async def test_a_volume_beneath_the_home_stays_out_of_snapshots(gateway, volume: AsyncVolume) -> None:
    async with with_volume(gateway, volume, "/home/user/project") as made:
        await made.commands.run("echo v > project/in-volume; echo h > at-home")
        [copy] = [await made.create_snapshot("beneath")]
        without = await AsyncSandbox.create(copy.snapshot_id, timeout=300, **gateway.connection)
        try:
            assert (await without.commands.run("ls project 2>/dev/null; cat at-home")).stdout == "h\n"
        finally:
            await without.kill()
            await AsyncSandbox.delete_snapshot(copy.snapshot_id, **gateway.connection)


async def test_a_snapshots_files_stay_out_of_a_volume_that_covers_them(
    gateway, own, content, volume: AsyncVolume
) -> None:
    second = await AsyncVolume.create(f"more-{uuid.uuid4().hex[:8]}", **own)
    for one in (volume, second):
        await one.write_file("/file", "of the volume", **content)
    maker = await AsyncSandbox.create(timeout=300, **gateway.connection)
    try:
        await maker.commands.run("mkdir project && echo old | tee project/file project/more && echo old > file")
        await maker.commands.run("mkdir -p /data/deep && echo old > /data/deep/file && echo old > /data/beside")
        await maker.commands.run("echo old | tee /mnt/data /block", user="root")
        taken = await maker.create_snapshot("covered")
    finally:
        await maker.kill()
    try:
        for places in ({"/home/user/project": volume, "/mnt/data": second}, {"/data/deep": volume, "/block/x": second}):
            made = await AsyncSandbox.create(taken.snapshot_id, volume_mounts=places, **gateway.connection)
            try:
                for place in places:
                    shown = (await made.commands.run(f"ls {place}; cat {place}/file; cat file")).stdout
                    assert shown == "file\nof the volumeold\n"
                assert await made.files.read("/data/beside") == "old\n"
            finally:
                await made.kill()
    finally:
        await AsyncSandbox.delete_snapshot(taken.snapshot_id, **gateway.connection)
        await AsyncVolume.destroy(second.volume_id, **own)


def test_volumes_outlast_the_gateway_also_one_that_is_killed(gateways, tmp_path: Path) -> None:
    running = gateways(tmp_path, "--parked", "0")
    try:
        for ending in (signal.SIGTERM, signal.SIGKILL):
            own = {"api_key": running.key, "api_url": running.url}
            volume = Volume.create(f"kept-{ending.name.lower()}", **own)
            made = Sandbox.create(timeout=300, volume_mounts={AT: volume}, **running.connection)
            made.commands.run(f"echo kept > {AT}/file && sync {AT}/file")
            running.process.send_signal(ending)
            running.process.wait(300)
            running = gateways(tmp_path, "--parked", "0")
            own = {"api_key": running.key, "api_url": running.url}
            found = Volume.connect(volume.volume_id, **own)
            assert found.read_file("/file", api_url=running.url) == "kept\n"
            assert found.token == volume.token
            assert Volume.destroy(volume.volume_id, **own) is True
    finally:
        running.stop()
    assert not (tmp_path / "gateway" / "volumes").exists()


ATTEMPTS = {
    "a program that runs as its owner": "open('p', 'w').close(); os.chmod('p', 0o4755); assert nosuid('p')",
    "a device": "os.mknod('null', 0o666 | stat.S_IFCHR, os.makedev(1, 3)); open('null', 'w').write('x')",
    "a disk of the host's": "os.mknod('disk', 0o666 | stat.S_IFBLK, os.makedev(254, 0))",
    "a hard link to a program of the system": "os.link('/usr/bin/env', 'env')",
    "a hard link out of the volume": "open('f', 'w').close(); os.link('f', '/home/user/f')",
    "the folder above, through its parent": "os.listdir('..').index('volume.json')",
    "the folder above, by its descriptor": "os.open('..', os.O_RDONLY); os.stat('../volume.json')",
    "the host's file by its handle": "handle()",
    "mounting it elsewhere": "check(libc.mount(b'/mnt/data', b'/home/user', None, 0x1000, None))",
    "becoming another owner": "open('o', 'w').close(); os.chown('o', 0, 0)",
}
_TOOLS = """
import ctypes, os, stat
libc = ctypes.CDLL(None, use_errno=True)
def check(answer):
    if answer: raise OSError(ctypes.get_errno(), "refused")
def handle():
    made, mount = ctypes.create_string_buffer(136), ctypes.c_int()
    made[0:4] = (128).to_bytes(4, "little")
    if libc.name_to_handle_at(-100, b".", made, ctypes.byref(mount), 0): raise OSError(ctypes.get_errno(), "none")
    if (found := libc.open_by_handle_at(os.open(".", os.O_RDONLY), made, os.O_RDONLY)) < 0:
        raise OSError(ctypes.get_errno(), "refused")
def nosuid(name):
    if os.statvfs(name).f_flag & os.ST_NOSUID and os.statvfs(name).f_flag & os.ST_NODEV: raise OSError(1, "nosuid")
os.chdir("/mnt/data")
"""


@pytest.fixture(scope="module")
def held(gateway) -> Iterator[Sandbox]:
    """A sandbox with a volume, for all attempts: none leaves anything that helps or hinders another."""
    own = {"api_key": gateway.key, "api_url": gateway.url}
    volume = Volume.create(f"data-{uuid.uuid4().hex[:8]}", **own)
    made = Sandbox.create(timeout=600, volume_mounts={AT: volume}, **gateway.connection)
    yield made
    made.kill()
    assert Volume.destroy(volume.volume_id, **own) is True


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_an_attempt_to_leave_a_volume_is_stopped(held: Sandbox, attempt: str) -> None:
    done = held.run_code(f"{_TOOLS}{ATTEMPTS[attempt]}")
    assert done.error is not None
    assert done.error.name in ("PermissionError", "OSError", "FileNotFoundError", "ValueError"), done.error


@pytest.mark.parametrize(
    "attempt", sorted(ATTEMPTS.keys() - {"becoming another owner"})
)  # which changes nothing for root
def test_root_of_a_sandbox_leaves_a_volume_no_more_than_its_user(held: Sandbox, attempt: str) -> None:
    held.files.write("attempt.py", f"{_TOOLS}{ATTEMPTS[attempt]}")
    for command, options in (
        ("python attempt.py", {"user": "root", "cwd": "/home/user"}),
        ("sudo python attempt.py", {}),
    ):
        with pytest.raises(CommandExitException, match="Error") as failed:
            held.commands.run(command, **options)
        last = failed.value.stderr.strip().splitlines()[-1]
        assert last.startswith(("PermissionError", "OSError", "FileNotFoundError", "ValueError")), failed.value.stderr


async def test_what_root_writes_into_a_volume_is_the_users_too(gateway, home: Path, volume: AsyncVolume) -> None:
    async with with_volume(gateway, volume) as one, with_volume(gateway, volume) as other:
        await one.commands.run(
            f"sudo mkdir {AT}/a && sudo sh -c 'echo 1 > {AT}/a/x' && sudo chmod 600 {AT}/a/x; sudo chown 1:1 {AT}/a/x"
        )
        await one.files.write(f"{AT}/a/y", "2", user="root")
        await other.commands.run(f"echo 3 >> {AT}/a/x && rm {AT}/a/y && stat -c %U {AT}/a/x > {AT}/who")
        done = await one.commands.run(f"cat {AT}/a/x {AT}/who; stat -c %U {AT}/a/x; ls {AT}/a", user="root")
        assert done.stdout.split() == ["1", "3", "user", "root", "x"]
        owner = (files_of(home, volume) / "a" / "x").stat().st_uid
        assert owner == (VOLUME_USER if os.geteuid() == 0 else os.geteuid())


async def test_links_and_pipes_in_a_volume_lead_nobody_anywhere(
    gateway, home: Path, content, volume: AsyncVolume, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of the host")
    async with with_volume(gateway, volume) as made:
        await made.run_code(
            f"import os; os.chdir('{AT}')\n"
            f"os.symlink('{secret}', 'secret'); os.symlink('/etc/passwd', 'passwd'); os.symlink('/', 'root')\n"
            "os.symlink('../volume.json', 'facts'); os.symlink('loop', 'loop'); os.mkfifo('plot.png')\n"
            "open('real', 'w').write('in the volume'); os.symlink('real', 'inner')"
        )
        for path in ("/secret", "/passwd", "/root/etc/passwd", "/facts", "/loop", "/../../volume.json"):
            with pytest.raises((NotFoundException, VolumeException)):
                await volume.read_file(path, **content)
            with pytest.raises((NotFoundException, VolumeException)):
                await volume.write_file(f"{path}/x", "x", **content)
        with pytest.raises(VolumeException, match="not a regular file"):
            async with asyncio.timeout(300):
                await volume.read_file("/plot.png", **content)
        assert await volume.read_file("/inner", **content) == "in the volume"
        with pytest.raises((NotFoundException, VolumeException)):
            await volume.write_file("/passwd", "x", force=True, **content)
        assert (await volume.get_info("/passwd", **content)).target == "/etc/passwd"
        await volume.remove("/root", **content)  # the link, and nothing behind it
        assert (await made.commands.run("ls /etc/passwd")).stdout
    assert secret.read_text() == "of the host"


async def test_a_volume_that_is_filled_ends_who_has_it_and_can_be_emptied(
    gateway, content, volume: AsyncVolume, soon: Callable
) -> None:
    async with with_volume(gateway, volume) as bomb, with_volume(gateway, volume) as beside:
        with pytest.raises(SandboxException):
            await bomb.commands.run(f"dd if=/dev/zero of={AT}/big bs=1M count=4000; sleep 600", timeout=120)

        async def ended() -> bool:
            return not await beside.is_running()

        await soon(ended)
    async with httpx.AsyncClient(base_url=gateway.url, headers={"X-API-KEY": gateway.key}) as http:
        told = (await http.get(f"/v2/sandboxes/{bomb.sandbox_id}/logs")).json()["logs"][-1]["message"]
    assert f"killed: the volume '{volume.name}' holds more than its {QUOTA} MiB" in told
    assert (await volume.get_info("/big", **content)).size < 4000 << 20, "it was stopped on the way"
    with pytest.raises(SandboxException, match="Remove files first"):
        await AsyncSandbox.create(timeout=60, volume_mounts={AT: volume}, **gateway.connection)
    with pytest.raises(VolumeException, match="no room"):
        await volume.write_file("/small", "x", **content)
    await volume.remove("/big", **content)
    async with with_volume(gateway, volume) as made:
        assert (await made.commands.run(f"ls {AT}")).stdout == ""


async def test_a_file_with_holes_counts_as_what_it_takes(gateway, volume: AsyncVolume) -> None:
    async with with_volume(gateway, volume) as made:
        done = await made.commands.run(
            "truncate -s 1G holes; head -c 30000000 /dev/urandom > one && ln one two && ln one three; echo on", cwd=AT
        )
        assert done.stdout == "on\n"
    async with with_volume(gateway, volume) as again:  # which one that is too full is refused
        assert (await again.commands.run(f"ls {AT}")).stdout == "holes\none\nthree\ntwo\n"


async def test_names_of_any_depth_and_locked_folders_can_be_removed(gateway, home: Path, own) -> None:
    volume = await AsyncVolume.create(f"deep-{uuid.uuid4().hex[:8]}", **own)
    async with with_volume(gateway, volume) as made:
        await made.run_code(
            f"import os; os.chdir('{AT}')\n"
            "for _ in range(2000): os.mkdir('d' * 100); os.chdir('d' * 100)\n"
            f"os.chdir('{AT}'); os.mkdir('locked'); open('locked/in', 'w').close()\n"
            "open(b'\\xff\\n', 'w').close()"
        )
        assert (await made.commands.run(f"ls {AT} | wc -l")).stdout.strip() == "4"
        await made.commands.run(f"chmod 500 {AT}/locked")
    assert await AsyncVolume.destroy(volume.volume_id, **own) is True
    folder = home / "gateway" / "volumes"
    async with asyncio.timeout(300):
        while folder.exists() and any(folder.glob(f"{volume.volume_id}*")):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert not folder.exists() or not list(folder.glob(f"{volume.volume_id}*"))


def test_nobody_but_the_gateway_reaches_a_volume_on_the_host(gateway, own, home: Path) -> None:
    made = Volume.create("private", **own)
    try:
        for folder in (home / "gateway", home / "gateway" / "volumes", home / "gateway" / "volumes" / made.volume_id):
            assert folder.stat().st_mode & 0o077 == 0
        assert (home / "gateway" / "volumes" / made.volume_id / "volume.json").stat().st_mode & 0o077 == 0
    finally:
        Volume.destroy(made.volume_id, **own)
