"""Directory watching, as a stream and by asking."""

import asyncio

import pytest
from e2b import FilesystemEvent, InvalidArgumentException, NotFoundException
from e2b_code_interpreter import AsyncSandbox, Sandbox


async def _value(value: bool) -> bool:
    return value


async def test_a_new_file_is_created_changed_and_written(sandbox: AsyncSandbox, soon) -> None:
    await sandbox.files.make_dir("seen")
    seen: list[FilesystemEvent] = []
    watch = await sandbox.files.watch_dir("seen", on_event=seen.append)
    await sandbox.files.write("seen/a.txt", "hello")
    await sandbox.commands.run("mv seen/a.txt seen/b.txt; rm seen/b.txt")
    await soon(lambda: _value(len(seen) >= 6))
    await watch.stop()
    told = [(event.name, event.type.value) for event in seen]
    assert told == [
        ("a.txt", "create"),
        ("a.txt", "chmod"),
        ("a.txt", "write"),
        ("a.txt", "rename"),
        ("b.txt", "create"),
        ("b.txt", "remove"),
    ]


async def test_folders_below_are_watched_too_when_asked(sandbox: AsyncSandbox, soon) -> None:
    await sandbox.files.make_dir("deep/old")
    names: list[str] = []
    watch = await sandbox.files.watch_dir("deep", on_event=lambda event: names.append(event.name), recursive=True)
    await sandbox.files.write("deep/old/x", "1")
    await sandbox.files.write("deep/new/er/y", "2")
    await soon(lambda: _value({"old/x", "new", "new/er", "new/er/y"} <= set(names)))
    await watch.stop()


async def test_only_a_directory_that_exists_can_be_watched(sandbox: AsyncSandbox) -> None:
    with pytest.raises(NotFoundException):
        await sandbox.files.watch_dir("nowhere", on_event=print)
    await sandbox.files.write("file.txt", "")
    with pytest.raises(InvalidArgumentException, match="not a directory"):
        await sandbox.files.watch_dir("file.txt", on_event=print)


async def test_the_synchronous_sdk_asks_for_changes(gateway, shared_id: str) -> None:
    def ask() -> list[str]:
        sandbox = Sandbox.connect(shared_id, timeout=600, **gateway.connection)
        sandbox.files.make_dir("polled")
        handle = sandbox.files.watch_dir("polled")
        sandbox.files.write("polled/new.txt", "x")
        kinds = [event.type.value for event in handle.get_new_events()]
        assert handle.get_new_events() == []
        handle.stop()
        return kinds

    assert await asyncio.to_thread(ask) == ["create", "chmod", "write"]


async def test_a_child_in_the_background_may_write_after_its_command_ended(sandbox: AsyncSandbox, soon) -> None:
    await sandbox.commands.run("(sleep 0.6; echo late; echo late >&2; touch written) & echo started")
    await soon(lambda: sandbox.files.exists("written"))
