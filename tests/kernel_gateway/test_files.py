"""Files in and out of a sandbox."""

import asyncio
import gzip
import io
import time

import httpx
import pytest
from e2b import FileNotFoundException, FileType, InvalidArgumentException, NotEnoughSpaceException, SandboxException
from e2b_code_interpreter import AsyncSandbox, Sandbox


async def test_what_is_written_is_read(sandbox: AsyncSandbox) -> None:
    info = await sandbox.files.write("notes/größe.txt", "five ≠ six\n")
    assert (info.name, info.path) == ("größe.txt", "/home/user/notes/größe.txt")
    assert await sandbox.files.read("notes/größe.txt") == "five ≠ six\n"
    assert await sandbox.files.read("/home/user/notes/größe.txt", format="bytes") == "five ≠ six\n".encode()
    assert (await sandbox.run_code("open('notes/größe.txt').read()")).text == "five ≠ six\\n"


async def test_many_files_in_one_request(sandbox: AsyncSandbox) -> None:
    infos = await sandbox.files.write_files(
        [{"path": "many/a.bin", "data": b"\x00\r\n--x\x01"}, {"path": "/tmp/many/b.txt", "data": "b"}]
    )
    assert [info.path for info in infos] == ["/home/user/many/a.bin", "/tmp/many/b.txt"]
    assert await sandbox.files.read("many/a.bin", format="bytes") == b"\x00\r\n--x\x01"


@pytest.mark.parametrize("options", [{}, {"gzip": True}, {"use_octet_stream": True}])
async def test_megabytes_in_every_encoding(sandbox: AsyncSandbox, options: dict) -> None:
    data = bytes(range(256)) * 20_000
    await sandbox.files.write("big.bin", data, **options)
    assert await sandbox.files.read("big.bin", format="bytes", gzip=bool(options.get("gzip"))) == data


async def test_streams_both_ways(sandbox: AsyncSandbox) -> None:
    await sandbox.files.write("streamed.bin", io.BytesIO(b"ab" * 500_000))
    parts = [chunk async for chunk in await sandbox.files.read("streamed.bin", format="stream")]
    assert b"".join(parts) == b"ab" * 500_000


async def test_metadata_stays_with_the_file(sandbox: AsyncSandbox) -> None:
    info = await sandbox.files.write("tagged.txt", "x", metadata={"origin": "lab"})
    assert info.metadata == {"origin": "lab"}
    assert (await sandbox.files.get_info("tagged.txt")).metadata == {"origin": "lab"}
    await sandbox.files.write("tagged.txt", "y", metadata={"step": "2"})
    assert (await sandbox.files.get_info("tagged.txt")).metadata == {"step": "2"}
    assert (await sandbox.files.write("tagged.txt", "z")).metadata is None
    assert (await sandbox.files.get_info("tagged.txt")).metadata is None


async def test_a_name_that_is_not_utf8_does_not_hide_the_others(sandbox: AsyncSandbox) -> None:
    await sandbox.run_code(
        "import os; os.mkdir('odd'); open(b'odd/\\xff.csv', 'w').close(); open('odd/plain.csv', 'w').close()"
    )
    assert [entry.name for entry in await sandbox.files.list("odd")] == ["plain.csv"]


async def test_listing_describes_files_folders_and_links(sandbox: AsyncSandbox) -> None:
    await sandbox.files.write("tree/inner/leaf.txt", "leaf")
    await sandbox.commands.run("ln -s inner/leaf.txt /home/user/tree/link; ln -s /nowhere /home/user/tree/broken")
    names = {entry.name: entry for entry in await sandbox.files.list("tree")}
    assert names["inner"].type == FileType.DIR
    assert names["link"].symlink_target == "/home/user/tree/inner/leaf.txt"
    deep = await sandbox.files.list("tree", depth=2)
    leaf = next(entry for entry in deep if entry.name == "leaf.txt")
    assert (leaf.path, leaf.size, leaf.type) == ("/home/user/tree/inner/leaf.txt", 4, FileType.FILE)
    assert (leaf.owner, leaf.permissions) == ("user", "-rw-r--r--")


async def test_make_move_remove(sandbox: AsyncSandbox) -> None:
    assert await sandbox.files.make_dir("made/deep") is True
    assert await sandbox.files.make_dir("made/deep") is False
    await sandbox.files.write("made/deep/a", "1")
    moved = await sandbox.files.rename("made/deep/a", "made/b")
    assert moved.path == "/home/user/made/b"
    assert not await sandbox.files.exists("made/deep/a")
    await sandbox.files.remove("made")
    assert not await sandbox.files.exists("made")
    await sandbox.files.remove("made")


async def test_what_is_not_there_is_said_so(sandbox: AsyncSandbox) -> None:
    with pytest.raises(FileNotFoundException, match="nothing"):
        await sandbox.files.read("nothing")
    with pytest.raises(FileNotFoundException):
        await sandbox.files.list("nothing")
    with pytest.raises(FileNotFoundException):
        await sandbox.files.get_info("nothing")
    with pytest.raises(InvalidArgumentException, match="directory"):
        await sandbox.files.read("/home/user")


async def test_a_fifo_under_a_files_name_holds_nobody(sandbox: AsyncSandbox) -> None:
    await sandbox.commands.run("mkfifo /home/user/plot.png")
    with pytest.raises(InvalidArgumentException, match="not a regular file"):
        await asyncio.wait_for(sandbox.files.read("plot.png"), 300)
    assert (await sandbox.run_code("1")).text == "1"
    await sandbox.files.remove("plot.png")


async def test_a_file_that_tells_no_size_is_read_all_the_same(sandbox: AsyncSandbox) -> None:
    for packed in (False, True):
        assert "MemTotal" in await sandbox.files.read("/proc/meminfo", gzip=packed)
        await sandbox.files.write("empty", "")
        assert await sandbox.files.read("empty", format="bytes", gzip=packed) == b""


async def test_a_file_that_is_rewritten_meanwhile_is_read_as_it_is(sandbox: AsyncSandbox) -> None:
    await sandbox.files.write("ticks", "")
    writing = await sandbox.commands.run("while :; do date +%s%N > ticks; done", background=True)
    try:
        lengths = {len(await sandbox.files.read("ticks")) for _ in range(100)}
        assert lengths <= {0, len(f"{time.time_ns()}\n")}
    finally:
        await writing.kill()


async def test_what_is_read_only_stays_so(sandbox: AsyncSandbox) -> None:
    with pytest.raises(SandboxException, match="Read-only"):
        await sandbox.files.write("/opt/gristmill/kernel_gateway/inside/planted.py", "x")


async def test_a_full_sandbox_says_so(sandbox: AsyncSandbox) -> None:
    with pytest.raises(NotEnoughSpaceException, match="no room"):
        await sandbox.files.write("/run/cache/too-much", b"x" * (65 << 20), use_octet_stream=True)
    await sandbox.files.remove("/run/cache/too-much")


def test_what_is_packed_is_unpacked_whole_and_a_piece_at_a_time(gateway, shared_id: str) -> None:
    sandbox = Sandbox.connect(shared_id, **gateway.connection)
    packed = {"content-type": "application/octet-stream", "content-encoding": "gzip"}
    up = sandbox.upload_url("unpacked")

    def most_held() -> int:
        return int(sandbox.commands.run("cat /proc/*/status | awk '/^VmHWM/ { n += $2 } END { print n }'").stdout)

    with httpx.Client(trust_env=False, timeout=300) as client:
        two = gzip.compress(b"one") + gzip.compress(b"two")
        assert client.post(up, content=two, headers=packed).status_code == 200
        assert sandbox.files.read("unpacked") == "onetwo"
        assert client.post(up, content=two[:-9], headers=packed).status_code == 400
        before = most_held()
        assert client.post(up, content=gzip.compress(bytes(200 << 20)), headers=packed).status_code == 200
    assert sandbox.files.get_info("unpacked").size == 200 << 20
    sandbox.files.remove("unpacked")
    assert most_held() - before < 40 << 10, "KiB"


def test_a_signed_upload_may_be_a_plain_field(gateway, shared_id: str) -> None:
    sandbox = Sandbox.connect(shared_id, timeout=600, **gateway.connection)
    with httpx.Client(trust_env=False) as client:
        answer = client.post(sandbox.upload_url("field.txt"), files={"file": (None, "as a field")})
        assert answer.status_code == 200
        assert answer.json()[0]["path"] == "/home/user/field.txt"
        assert sandbox.files.read("field.txt") == "as a field"
        for path, field in (("field.txt", "note"), ("", "file")):
            assert client.post(sandbox.upload_url(path), files={field: (None, "x")}).status_code == 400
    assert sandbox.files.read("field.txt") == "as a field"


def test_signed_urls_work_without_any_header(gateway, shared_id: str) -> None:
    sandbox = Sandbox.connect(shared_id, **gateway.connection)
    up = sandbox.upload_url("signed.txt", use_signature_expiration=60)
    down = sandbox.download_url("signed.txt", use_signature_expiration=60)
    with httpx.Client(trust_env=False) as client:
        assert client.post(up, files={"file": ("signed.txt", b"by link")}).status_code == 200
        assert client.get(down).text == "by link"
        assert client.get(sandbox.download_url("signed.txt")).status_code == 200
        longer = down.replace("signature_expiration=", "signature_expiration=1")
        expired = sandbox.download_url("signed.txt", use_signature_expiration=-5)
        twice = down.replace("path=", "path=other.txt&path=")
        blank = down.replace("path=", "path=&path=")
        for forged in (down.replace("signed.txt", "other.txt"), up, longer, twice, blank):
            answer = client.get(forged)
            assert (answer.status_code, answer.json()) == (401, {"code": 401, "message": "invalid signature"})
        assert client.get(expired).json() == {"code": 401, "message": "signature is already expired"}


async def test_two_sandboxes_share_no_file(sandbox: AsyncSandbox, fresh: AsyncSandbox) -> None:
    mark = f"mark-{time.time_ns()}"
    for folder in ("/home/user", "/tmp", "/var/tmp", "/dev/shm"):
        await sandbox.files.write(f"{folder}/{mark}", "mine")
        assert not await fresh.files.exists(f"{folder}/{mark}")
