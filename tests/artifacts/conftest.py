"""A real store in a folder of its own, and short ways to say what tests say often."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from artifacts.events import Event, Noted, OutputReceived, RunStarted
from artifacts.store import Store
from artifacts.types import Output, Run, new_id


@pytest.fixture(autouse=True)
def _new_records_are_copies() -> None:
    """Here they are not."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with Store.open(home) as opened:
        yield opened


@pytest.fixture
def begin() -> Callable[..., Run]:
    """Begin a run in a store and return it."""

    def begin(store: Store, goal: str = "What separates the species?", **fields: object) -> Run:
        run = Run.model_validate({"id": new_id("run"), "goal": goal, **fields})
        store.append_sync(RunStarted(run_id=run.id, run=run))
        return run

    return begin


@pytest.fixture
def fired() -> Callable[[Store, str, datetime, str], None]:
    """Have a schedule fire and be done, with a run that there is."""

    def fired(store: Store, schedule_id: str, due: datetime, run_id: str) -> None:
        assert store.schedules.claim(schedule_id, due)
        row = [schedule_id, due.replace(tzinfo=None), run_id, due.replace(tzinfo=None)]
        store._writer.run(
            lambda write: write.execute("INSERT INTO attempts VALUES (?, ?, 1, ?, ?, NULL, NULL)", row) and None
        )
        fire = next(fire for fire in store.schedules.fires(schedule_id) if fire.due == due)
        assert store.schedules.end(fire, "done")

    return fired


@pytest.fixture
def note() -> Callable[..., Event]:
    return lambda run, text="seen": Noted(run_id=run.id, text=text)


@pytest.fixture
def line() -> Callable[..., Event]:
    """A line of output of a cell."""
    return lambda run, text, cell="ex_1": OutputReceived(
        run_id=run.id, execution_id=cell, output=Output(kind="stdout", text=text)
    )


@pytest.fixture
def python() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a program in a process of its own, with `sys.argv[1:]`; whatever still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def python(code: str, *arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield python
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                pipe.close()
