"""Watch a run from a terminal until it ends, and end it when the person says so."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from artifacts.events import RunView
from artifacts.threads import in_own_thread
from artifacts.types import Run
from gristmill.backend import Backend
from gristmill.errors import Failed, Misuse
from gristmill.terminal import pieces
from gristmill.terminal.story import Story


async def watch(backend: Backend, run: Run, story: Story, *, after: int = 0) -> RunView:
    """Tell a run that this command began, until it ends, or waits for a person where none is at the terminal.

    The first Ctrl-C cancels the run and goes on telling until it has ended; the second leaves at once.
    """
    leaving = asyncio.current_task()
    pressed = 0
    cancelling: list[asyncio.Task[Run]] = []

    def interrupt() -> None:
        nonlocal pressed
        pressed += 1
        if pressed == 1:
            story.doing("cancelling the run (Ctrl-C again leaves at once)", at_once=True)
            cancelling.append(asyncio.get_running_loop().create_task(backend.cancel(run.id)))
        elif leaving is not None:
            leaving.cancel()

    with _on_interrupt(interrupt):
        while True:
            async for event in backend.follow(run.id, after):
                story.feed(event)
            if cancelling:
                await asyncio.gather(*cancelling)
            if story.view is None or story.view.run.status != "waiting" or not sys.stdin.isatty():
                break
            after = story.view.last_seq
            with story.paused():
                await _ask_the_person(backend, story.view)
    if story.view is None:
        raise Failed(f"The record has no events of run {run.id}.")
    return story.view


@contextmanager
def _on_interrupt(handler: object) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    before = signal.getsignal(signal.SIGINT)
    loop.add_signal_handler(signal.SIGINT, handler)  # type: ignore[arg-type]
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)


async def _ask_the_person(backend: Backend, view: RunView) -> None:
    """Put the oldest question or step that waits to the person at the terminal; an empty line takes the default."""
    question = next(iter(view.open_questions), None)
    if question is not None:
        text = await _line(f"{pieces.asked(question)}\n> ")
        await backend.answer(view.run.id, text.strip() or question.default or "no answer", question_id=question.id)
        return
    approval = view.open_approvals[0]
    text = (await _line(f"{pieces.waits(approval)}\nCarry it out? [y/N, or why not] ")).strip()
    if text.lower() in ("y", "yes"):
        await backend.decide(view.run.id, "accepted", approval_id=approval.id)
    else:
        reason = "" if text.lower() in ("", "n", "no") else text
        await backend.decide(view.run.id, "rejected", approval_id=approval.id, reason=reason)


async def _line(prompt: str) -> str:
    """A line that the person types. Raises Failed where the terminal is closed."""
    try:
        return await in_own_thread(input, prompt)
    except EOFError as error:
        raise Failed("The run waits for you; `gristmill runs show` says for what.") from error


def folder_for(out: str | None, run_id: str) -> Path:
    """Where a run's results go: the folder that was named, else one named after the run, here."""
    return Path(out) if out is not None else Path(run_id)


def check_folder(out: str | None) -> None:
    """Raise Misuse now rather than after minutes of work when the results could not be written."""
    import os

    target = Path(out) if out is not None else Path.cwd()
    if target.exists() and not target.is_dir():
        raise Misuse(f"--out {target} is a file; name a folder.")
    there = next((p for p in (target, *target.absolute().parents) if p.exists()), Path("/"))
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise Misuse(f"The results cannot be written to {target}: {there} is not writable. Name a folder with --out.")


def conclude(story: Story, view: RunView, out: Path | None, files: list[Path]) -> int:
    """Print what came of a run, and give the exit status."""
    from gristmill.archive import missing

    console = story.console
    if view.report is None or view.report != story.reported:
        pieces.findings(console, view)
    if view.reviews and view.reviews[-1].verdict != "fail":
        pieces.review(console, view.reviews[-1], view.outcome)
    pieces.ending(console, view)
    pieces.whereabouts(console, view, out, files)
    click.echo(left_out := missing(files), err=True, nl=False)
    return 0 if view.run.status == "done" and not left_out else 1


def require_question(text: str) -> str:
    """The question, trimmed. Raises click's usage error for one without a word in it."""
    if not text.strip():
        raise click.UsageError("The question is empty; ask something, such as --ask 'What drives the price?'.")
    return text.strip()
