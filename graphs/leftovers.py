"""What an earlier process has left in the record: runs that it was working on, and runs that waited for their turn."""

from __future__ import annotations

from datetime import datetime

from artifacts.events import RunEnded, RunView
from artifacts.store import Store
from artifacts.types import Run, RunStatus
from graphs.worker import loose_ends


def mark_interrupted(store: Store) -> None:
    """Record the runs that are still said to be running as interrupted: nobody works on them any more."""
    for run in store.runs(status="running", limit=10_000):
        _mark_interrupted(store, run)


def left_waiting(store: Store) -> list[Run]:
    """The runs that wait for their turn, those that waited longest first."""
    views = [store.view(run.id) for run in store.runs(status="queued", limit=10_000)]
    since: dict[str, datetime] = {v.run.id: v.queued.since for v in views if v.queued is not None}
    return sorted((v.run for v in views), key=lambda run: since[run.id])


def _mark_interrupted(store: Store, run: Run) -> None:
    view = store.view(run.id)
    for event in loose_ends(view):
        store.append_sync(event)
    if view.turn is None:  # its notebook was being edited: it stands as it did before, with stale cells
        store.append_sync(RunEnded(run_id=run.id, status=_rested(view), error=view.error, outcome=view.outcome))
        return
    ended = "The program that worked on it ended before the run did; "
    sentence = f"{ended}`gristmill runs resume {run.id}` goes on from the last finished step."
    last = store.events(run.id, after=view.last_seq - 1)[-1].at  # it was worked on until then, and not till now
    store.append_sync(RunEnded(run_id=run.id, status="interrupted", error=sentence, outcome=view.outcome, at=last))


def _rested(view: RunView) -> RunStatus:
    """How a run stands whose turns have all ended."""
    status = view.turns[-1].status
    return "interrupted" if status == "running" else status
