"""Following a run: replay, then tail, with no gap and no duplicate, on any loop, at any pace."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from artifacts.events import Event, Noted, RunEnded, RunResumed, TextDelta
from artifacts.store import NotFound, Store, StoreError
from artifacts.types import Run

LAST = 600


async def collect(store: Store, run: Run, after: int = 0) -> list[Event | TextDelta]:
    return [item async for item in store.follow(run.id, after)]


def seqs(items: list[Event | TextDelta]) -> list[int]:
    return [item.seq for item in items if not isinstance(item, TextDelta)]


def test_no_gap_and_no_duplicate_while_many_write_and_many_come_and_go(store, begin, note):
    runs = [begin(store) for _ in range(2)]
    progress = [threading.Semaphore(0) for _ in runs]

    def writer(k: int) -> None:
        for i in range(2, LAST):
            recorded = store.append_sync(note(runs[k]))
            assert recorded.seq == i
            if i % 100 == 0:
                progress[k].release()
        store.append_sync(RunEnded(run_id=runs[k].id, status="done"))

    def watchers(k: int) -> list[tuple[int, list[int]]]:
        """On a loop of its own: some from the beginning, some from later, joining as the run goes on."""

        async def watch() -> list[tuple[int, list[int]]]:
            async def one(after: int) -> tuple[int, list[int]]:
                seen: list[int] = []
                async for item in store.follow(runs[k].id, after):
                    assert not isinstance(item, TextDelta)
                    seen.append(item.seq)
                    if after % 2 and item.seq % 200 == 0:
                        await asyncio.sleep(0.01)  # a slow viewer
                return after, seen

            joined = [asyncio.create_task(one(0))]
            for after in (1, 50, 333, 500):
                await asyncio.to_thread(progress[k].acquire)
                joined += [asyncio.create_task(one(after)), asyncio.create_task(one(0))]
            return await asyncio.gather(*joined)

        return asyncio.run(watch())

    with ThreadPoolExecutor(6) as pool:
        watching = [pool.submit(watchers, k) for k in (0, 1)]
        writing = [pool.submit(writer, k) for k in (0, 1)]
        for done in writing:
            done.result(300)
        for done in watching:
            for after, seen in done.result(300):
                assert seen == list(range(after + 1, LAST + 1))
    assert store._followers._by_run == {}, "who stops watching is forgotten"


async def test_a_follower_that_sleeps_through_thousands_of_events_misses_none(store, begin, note):
    run = begin(store)
    follow = store.follow(run.id)
    first = await anext(follow)
    for _ in range(3):
        await store.append_all([note(run) for _ in range(700)])
    await store.append(RunEnded(run_id=run.id, status="done"))
    assert seqs([first, *[item async for item in follow]]) == list(range(1, 2103))


async def test_it_ends_after_the_end_and_not_at_one_that_was_taken_up_again(store, begin, note):
    run = begin(store)
    await store.append(RunEnded(run_id=run.id, status="interrupted"))
    assert seqs(await collect(store, run)) == [1, 2]
    assert await collect(store, run, after=2) == []
    assert await collect(store, run, after=99) == []
    await store.append(RunResumed(run_id=run.id))
    watching = asyncio.create_task(collect(store, run, after=1))
    await store.append(note(run))
    await store.append(RunEnded(run_id=run.id, status="done"))
    assert seqs(await watching) == [2, 3, 4, 5]


async def test_it_ends_with_a_run_that_never_reaches_what_was_asked_for(store, begin, note):
    run = begin(store)
    asked = [asyncio.create_task(collect(store, run, after=after)) for after in (3, 90)]
    await store.append_all([note(run) for _ in range(3)])
    await store.append(RunEnded(run_id=run.id, status="done"))
    assert [seqs(await task) for task in asked] == [[4, 5], []]


async def test_text_comes_between_the_events_and_is_not_recorded(store, begin, note):
    run, other = begin(store), begin(store)

    def say(text: str) -> TextDelta:
        return TextDelta(run_id=run.id, agent="analysis", text=text)

    store.publish(say("nobody is here yet"))
    follow = store.follow(run.id)
    assert (await anext(follow)).kind == "run_started"
    next_item = asyncio.ensure_future(anext(follow))
    store.publish(say("Bill "))
    store.publish(TextDelta(run_id=other.id, agent="analysis", text="elsewhere"))
    assert await next_item == say("Bill ")
    store.publish(say("length"))
    recorded = await store.append(note(run))
    store.publish(say("!"))
    await store.append(RunEnded(run_id=run.id, status="done"))
    rest = [item async for item in follow]
    assert rest[:3] == [say("length"), recorded, say("!")]
    assert [item.kind for item in rest[3:]] == ["run_ended"]
    assert [event.kind for event in store.events(run.id)] == ["run_started", "note", "run_ended"]


async def test_text_from_before_what_a_replay_shows_is_dropped(store, begin, note):
    """Who joins while the model writes sees the reply once: recorded, and not its last words once more after it."""
    run = begin(store)
    follow = store.follow(run.id)
    await anext(follow)  # it watches from here on, and has read up to seq 1
    store.publish(TextDelta(run_id=run.id, agent="analysis", text="words"))
    for _ in range(2):
        await store.append_all([note(run) for _ in range(600)])  # more than waits for a follower: it will read again
    await store.append(RunEnded(run_id=run.id, status="done"))
    rest = [item async for item in follow]
    assert [item for item in rest if isinstance(item, TextDelta)] == []
    assert seqs(rest) == list(range(2, 1203))


async def test_a_flood_of_text_costs_no_event(store, begin, note):
    run = begin(store)
    follow = store.follow(run.id)
    await anext(follow)
    for i in range(5000):
        store.publish(TextDelta(run_id=run.id, agent="analysis", text=str(i)))
    await store.append(note(run))
    await store.append(RunEnded(run_id=run.id, status="done"))
    assert seqs([item async for item in follow]) == [2, 3]


async def test_closing_the_store_ends_the_followers(home, begin):
    with Store.open(home) as store:
        run = begin(store)
        follow = store.follow(run.id)
        await anext(follow)
        waiting = asyncio.ensure_future(anext(follow))
        await asyncio.sleep(0)
    with pytest.raises(StopAsyncIteration):
        await asyncio.wait_for(waiting, 300)
    with pytest.raises(StoreError, match="closed"):
        await collect(store, run)


def test_closing_the_store_waits_for_who_still_reads(home, begin):
    """A follower that is cancelled leaves the thread behind that reads for it."""
    reading, read_on = threading.Event(), threading.Event()

    def held(seq: int) -> int:
        reading.set()
        assert read_on.wait(300)
        return seq

    def read() -> tuple[int] | None:
        with store._database.cursor() as cursor:
            cursor.create_function("held", held, ["BIGINT"], "BIGINT")
            return cursor.execute("SELECT held(seq) FROM events").fetchone()

    store = Store.open(home)
    begin(store)
    with ThreadPoolExecutor(2) as pool:
        reader = pool.submit(read)
        assert reading.wait(300)
        closing = pool.submit(store.close)
        while not (closing.done() or store._database._ending):
            threading.Event().wait(0.01)
        read_on.set()
        assert reader.result(300) == (1,)
        closing.result(300)
    with pytest.raises(StoreError, match="closed"):
        store.runs()
    Store.open(home).close()


async def test_a_viewer_that_goes_away_with_its_loop_disturbs_nobody(store, begin, note):
    run = begin(store)

    def gone() -> None:
        loop = asyncio.new_event_loop()
        follow = store.follow(run.id)
        loop.run_until_complete(anext(follow))
        loop.close()
        abandoned.append(follow)

    abandoned: list[object] = []
    await asyncio.to_thread(gone)
    watching = asyncio.create_task(collect(store, run))
    await store.append(note(run))
    await store.append(RunEnded(run_id=run.id, status="done"))
    assert seqs(await watching) == [1, 2, 3]


async def test_a_run_that_has_not_begun_is_not_waited_for(store):
    with pytest.raises(NotFound, match="There is no run run_x"):
        await anext(store.follow("run_x"))


async def test_events_are_told_only_once_they_are_safe(home, store, begin, note):
    """What a follower has seen is in the database for every other reader at that moment."""
    run = begin(store)
    appending = asyncio.gather(*(store.append(note(run, str(i))) for i in range(300)))
    async for item in store.follow(run.id):
        if isinstance(item, Noted):
            assert store.events(run.id, after=item.seq - 1)[0] == item
        if item.seq == 301:
            break
    await appending
