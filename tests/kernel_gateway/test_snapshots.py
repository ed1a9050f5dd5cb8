"""Snapshots and forks: what is carried, what is refused, and what of it lasts."""

import asyncio
import contextlib
import io
import json
import os
import signal
import tarfile
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from e2b import SandboxException, SandboxState
from e2b_code_interpreter import AsyncSandbox, Sandbox

from kernel_gateway.inside.pack import pack
from kernel_gateway.inside.unpack import BadPackage, Reader, unpack

_MAKE = """
mkdir -p deep/er /tmp/mine && cd deep && echo one > er/one.txt && chmod 640 er/one.txt && ln er/one.txt two.txt
ln -s ../nowhere link && mkfifo pipe && echo 'echo hi' > run.sh && chmod 755 run.sh
echo kept > /tmp/mine/t && mkdir shut && echo x > shut/in && chmod 000 shut/in && chmod 300 shut
head -c 3000000 /dev/urandom > big && python -c "import socket; socket.socket(socket.AF_UNIX).bind('sock')"
"""
_LOOK = "cd /home/user && chmod 700 deep/shut && find deep /tmp/mine -printf '%p %y %m %l\\n' | sort && md5sum deep/big"


@pytest.fixture
async def source(gateway) -> AsyncIterator[AsyncSandbox]:
    made = await AsyncSandbox.create(timeout=120, envs={"A": "1", "B": "1"}, metadata={"m": "1"}, **gateway.connection)
    yield made
    await made.kill()


async def test_a_snapshot_carries_files_as_they_are_and_the_sandbox_goes_on(gateway, source: AsyncSandbox) -> None:
    await source.commands.run(_MAKE)
    await source.files.write("tagged.txt", "t", metadata={"who": "me"})
    await source.run_code("n = 41")
    ticking = await source.commands.run("while :; do date +%s%N > ticks; sleep 0.01; done", background=True)
    taken = await source.create_snapshot()
    try:
        assert (await source.run_code("n + 1")).text == "42"
        assert ticking.pid in [info.pid for info in await source.commands.list()]
        before = await source.files.read("ticks")
        async with asyncio.timeout(300):
            while await source.files.read("ticks") == before:
                pass
        wanted = (await source.commands.run(_LOOK)).stdout.replace("deep/sock s 755 \n", "")
        made = await AsyncSandbox.create(taken.snapshot_id, envs={"B": "2"}, timeout=300, **gateway.connection)
        assert (await made.commands.run(_LOOK)).stdout == wanted
        assert (await made.commands.run("stat -c %h deep/two.txt; deep/run.sh; echo $A$B")).stdout == "2\nhi\n12\n"
        assert (await made.files.get_info("tagged.txt")).metadata == {"who": "me"}
        assert (await made.run_code("open('deep/er/one.txt').read()")).text == "one\\n"
        assert (await made.get_info()).template_id == taken.snapshot_id
        assert "n" not in (await made.run_code("dir()")).text.split("'")  # files only
        await made.kill()
    finally:  # the tests after this one count the snapshots that there are
        assert await AsyncSandbox.delete_snapshot(taken.snapshot_id, **gateway.connection) is True
    assert await AsyncSandbox.delete_snapshot(taken.snapshot_id, **gateway.connection) is False
    with pytest.raises(SandboxException, match="There is no template"):
        await AsyncSandbox.create(taken.snapshot_id, **gateway.connection)


def test_snapshots_have_names_and_are_listed_page_by_page(gateway, shared_id: str) -> None:
    sandbox = Sandbox.connect(shared_id, timeout=600, **gateway.connection)
    sandbox.files.write("v.txt", "1")
    first = sandbox.create_snapshot("mine")
    assert (first.snapshot_id, first.names) == ("mine:default", ["mine:default"])
    sandbox.files.write("v.txt", "2")
    assert sandbox.create_snapshot("mine").snapshot_id == first.snapshot_id  # which is replaced
    others = [sandbox.create_snapshot("mine:v2"), sandbox.create_snapshot(mode="filesystem")]
    try:
        pages = Sandbox.list_snapshots(limit=2, **gateway.connection)
        found = []
        while pages.has_next:
            page = pages.next_items()
            assert len(page) <= 2
            found += page
        wanted = [others[1].snapshot_id, "mine:v2", "mine:default"]
        assert [info.snapshot_id for info in found] == wanted
        assert [info.snapshot_id for info in sandbox.list_snapshots().next_items()] == wanted
        assert Sandbox.list_snapshots(sandbox_id="iother", **gateway.connection).next_items() == []
        made = Sandbox.create("mine", timeout=300, **gateway.connection)
        assert made.files.read("v.txt") == "2"
        made.kill()
    finally:
        for info in (first, *others):
            assert Sandbox.delete_snapshot(info.snapshot_id, **gateway.connection)
    for name, options in (("Not a name", {}), ("base", {}), ("x", {"mode": "full"})):
        with pytest.raises(SandboxException, match=r"^400: .*\.$"):
            sandbox.create_snapshot(name, **options)


async def test_forks_have_the_files_and_lives_of_their_own(gateway, source: AsyncSandbox) -> None:
    await source.files.write("a.txt", "same")
    forks = await source.fork(timeout=300, count=2)
    try:
        assert len({source.sandbox_id, *(fork.sandbox_id for fork in forks)}) == 3
        await forks[0].files.write("a.txt", "changed")
        assert [await one.files.read("a.txt") for one in (source, *forks)] == ["same", "changed", "same"]
        assert (await forks[1].get_info()).metadata == {"m": "1"}
        assert (await forks[1].commands.run("echo $A")).stdout == "1\n"
    finally:
        await asyncio.gather(*(fork.kill() for fork in forks))
    assert await AsyncSandbox.list_snapshots(sandbox_id=source.sandbox_id, **gateway.connection).next_items() == []


async def test_a_paused_sandbox_is_copied_and_stays_paused(gateway, source: AsyncSandbox) -> None:
    await source.files.write("a.txt", "1")
    await source.run_code("n = 1")
    await source.pause()
    (fork,) = await source.fork(timeout=300)
    assert await fork.files.read("a.txt") == "1"
    await fork.kill()
    assert (await source.get_info()).state == SandboxState.PAUSED
    again = await AsyncSandbox.connect(source.sandbox_id, timeout=300, **gateway.connection)
    assert (await again.run_code("n + 1")).text == "2"


@pytest.mark.parametrize("way", ["pause", "reboot", "timeout"])
async def test_without_its_memory_a_sandbox_comes_back_with_its_files(gateway, soon, way: str) -> None:
    lifecycle = {"on_timeout": {"action": "pause", "mode": "filesystem"}}
    made = await AsyncSandbox.create(timeout=300, lifecycle=lifecycle, envs={"A": "1"}, **gateway.connection)
    try:
        await made.files.write("kept.txt", "here")
        await made.run_code("n = 1")
        match way:
            case "pause":
                assert await made.pause(mode="filesystem") is True
                assert await made.pause(mode="filesystem") is False
            case "reboot":
                await made.pause()
            case "timeout":
                await made.set_timeout(0)

                async def paused() -> bool:
                    return (await made.get_info()).state == SandboxState.PAUSED

                await soon(paused)
        with pytest.raises(SandboxException, match="was not found"):
            await made.commands.run("true")
        options = {"on_resume": "reboot"} if way == "reboot" else {}
        again = await AsyncSandbox.connect(made.sandbox_id, timeout=300, **options, **gateway.connection)
        assert again.sandbox_id == made.sandbox_id
        assert await again.files.read("kept.txt") == "here"
        shown = (await again.commands.run("echo $A $E2B_SANDBOX_ID")).stdout
        assert shown.split() == ["1", made.sandbox_id]
        assert "NameError" in str((await again.run_code("n")).error)
    finally:
        assert await made.kill() is True
    assert not list((gateway.home / "gateway").glob("snapshots/*"))


def test_snapshots_outlast_the_gateway_and_what_was_not_finished_does_not(gateways, tmp_path: Path) -> None:
    running = gateways(tmp_path, "--parked", "0")
    made = Sandbox.create(timeout=300, **running.connection)
    made.files.write("a.txt", "kept")
    taken = made.create_snapshot("lasting")
    folder = tmp_path / "gateway" / "snapshots"
    assert oct(folder.stat().st_mode & 0o777) == "0o700"
    made.commands.run("head -c 200000000 /dev/zero > big")
    with contextlib.suppress(httpx.TimeoutException):  # so that the gateway is killed in the middle of it
        url, headers = f"{running.url}/sandboxes/{made.sandbox_id}/snapshots", {"X-API-KEY": running.key}
        httpx.post(url, headers=headers, json={}, timeout=0.05, trust_env=False)
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait()
    (folder / "0123.part").write_bytes(b"x")
    (folder / "0123.tar").write_bytes(b"x")
    again = gateways(tmp_path, "--parked", "0")
    try:
        assert {path.suffix for path in folder.iterdir()} == {".json", ".tar"}
        (kept,) = [one for one in Sandbox.list_snapshots(**again.connection).next_items() if one.names]
        assert kept.snapshot_id == taken.snapshot_id
        copy = Sandbox.create(kept.snapshot_id, timeout=300, **again.connection)
        assert copy.files.read("a.txt") == "kept"
    finally:
        again.stop()


def _package(*members: tarfile.TarInfo) -> io.BytesIO:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    data.seek(0)
    return data


def _member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.mode = kind, link, 0o6755
    member.size = 1 if kind == tarfile.REGTYPE else 0
    return member


@pytest.mark.parametrize(
    "members",
    [
        [_member("/etc/x")],
        [_member("home/../../x")],
        [_member("elsewhere/x")],
        [_member("home/l", tarfile.SYMTYPE, "/"), _member("home/l/x")],
        [_member("home/l", tarfile.SYMTYPE, ".."), _member("home/l/x")],
        [
            _member("home/d", tarfile.DIRTYPE),
            _member("home/l", tarfile.SYMTYPE, "d"),
            _member("home/l/x"),
            _member("home/l", tarfile.SYMTYPE, "../"),
            _member("home/l/y"),
        ],
        [
            _member("home/d", tarfile.DIRTYPE),
            _member("home/d/x"),
            _member("home/up", tarfile.SYMTYPE, "../"),
            _member("home/d", tarfile.LNKTYPE, "home/up"),
            _member("home/d/y"),
        ],
        [_member("home/d/..", tarfile.DIRTYPE)],
        [_member("home", tarfile.SYMTYPE, "..")],
        [_member("home/h", tarfile.LNKTYPE, "/etc/passwd")],
        [_member("home/h", tarfile.LNKTYPE, "home/../outside")],
        [_member("home/d", tarfile.CHRTYPE)],
        [_member("home/d", tarfile.BLKTYPE)],
    ],
)
def test_a_forged_package_puts_nothing_outside(tmp_path: Path, members: list[tarfile.TarInfo]) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "outside").write_text("secret")
    with pytest.raises(BadPackage):
        unpack(_package(*members), {"home": home})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "outside"]


def test_a_package_replaces_what_is_there_and_gives_no_rights(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "l").symlink_to(tmp_path / "target")
    (tmp_path / "target").write_text("untouched")
    unpack(_package(_member("home/a"), _member("home/l")), {"home": tmp_path})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "l").read_bytes() == b"x"
    assert (tmp_path / "target").read_text() == "untouched"
    assert (tmp_path / "a").stat().st_mode & 0o7777 == 0o755


def test_any_name_and_any_tag_comes_back_as_it_was(tmp_path: Path) -> None:
    source, target = tmp_path / "one", tmp_path / "two"
    source.mkdir()
    target.mkdir()
    name = os.fsdecode(b"caf\xe9 \xff\n")
    (source / name).write_text("x")
    os.setxattr(source / name, "user.tag", b"\x00\xff=1\n2")
    os.utime(source / name, (1, 1_000_000_000))
    blocks: list[bytes] = []
    pack({"home": source}, blocks.append)
    left = iter(blocks)
    unpack(Reader(lambda: next(left, b"")), {"home": target})
    assert os.getxattr(target / name, "user.tag") == b"\x00\xff=1\n2"
    assert (target / name).stat().st_mtime == 1_000_000_000
    with pytest.raises(BadPackage):
        unpack(io.BytesIO(b"".join(blocks)[:700]), {"home": target})


def test_a_layer_may_lie_where_nothing_else_is_carried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as mount:  # another disk, as /tmp is in a sandbox
        layer = Path(mount, "environment")
        layer.symlink_to(tmp_path)
        monkeypatch.setattr("kernel_gateway.inside.unpack.uppers", lambda: {str(layer): ""})
        with pytest.raises(BadPackage):
            unpack(_package(_member(f"root{mount}/beside", tarfile.DIRTYPE)), {"root": Path("/")})
        unpack(_package(_member(f"root{layer}", tarfile.DIRTYPE)), {"root": Path("/")})
        assert layer.is_dir()


async def test_what_cannot_be_kept_is_refused_at_once_with_a_reason(gateway, fresh: AsyncSandbox) -> None:
    deep = "import os\nfor _ in range(3000):\n    os.mkdir('d'); os.chdir('d')\nopen('x', 'w').close()"
    await fresh.run_code(deep)
    with pytest.raises(
        SandboxException, match=r"^400: /home/user/d/d.*path of more than 4095 bytes; shorten or delete"
    ):
        await fresh.fork(timeout=300)
    await fresh.commands.run("rm -rf d")
    await fresh.commands.run("for n in 1 2 3 4 5; do truncate -s 4G hole$n; done")
    with pytest.raises(SandboxException, match=r"^400: The sandbox's files exceed \d+ MiB"):
        await fresh.create_snapshot()
    assert (await fresh.run_code("1")).text == "1"


@pytest.fixture
def http(gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, headers={"X-API-KEY": gateway.key}, trust_env=False) as client:
        yield client


def test_nobody_else_has_a_sandbox_pack_or_unpack(gateway, shared_id: str, http: httpx.Client) -> None:
    sandbox = Sandbox.connect(shared_id, **gateway.connection)
    headers = {"E2b-Sandbox-Id": shared_id, "E2b-Sandbox-Port": "49983", "X-Access-Token": sandbox._envd_access_token}
    for path in ("/snapshot", "/restore", "/outlet"):
        assert http.post(path, headers=headers).status_code == 404
    junk = http.post(f"/sandboxes/{shared_id}/fork", json={"count": 21})
    assert (junk.status_code, json.loads(junk.content)["code"]) == (400, 400)
    assert http.delete("/templates/..%2F..%2Fgateway").status_code == 404
