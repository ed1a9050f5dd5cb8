"""`gristmill schedule`: questions and notebooks at fixed times; a running `gristmill serve` fires them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gristmill.commands import completing
from gristmill.commands.common import as_json, backend, emit, literals, pairs, speaks

if TYPE_CHECKING:
    from rich.text import Text

    from artifacts.types import Fire, Notice, Schedule


class _Duration(click.ParamType[float]):
    """`5m` or `1h30m`, as seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from notebooks.errors import ScheduleError
        from notebooks.schedule import seconds

        try:
            return seconds(str(value))
        except ScheduleError as error:
            self.fail(str(error), param, ctx)


def _manner[F: Callable[..., Any]](function: F) -> F:
    """The options that say how reliably a schedule is followed. What is not given stays as it is."""
    span = _Duration()
    for option in reversed(
        (
            click.option("--timezone", metavar="ZONE", help="Such as Europe/Berlin (default: GRISTMILL_TIMEZONE)."),
            click.option("--retries", type=click.IntRange(0, 20), help="Attempts after a failed one (default: 0)."),
            click.option(
                "--backoff", type=span, metavar="TIME", help="Wait before a retry, doubled each time (default: 5m)."
            ),
            click.option(
                "--overlap",
                type=click.Choice(["allow", "skip", "queue", "replace"]),
                help="What a time does while an earlier run goes on (default: allow, side by side).",
            ),
            click.option(
                "--catch-up",
                type=click.Choice(["none", "latest", "all"]),
                help="Which missed times are made up for (default: latest).",
            ),
            click.option("--window", type=span, metavar="TIME", help="How late a time may begin (default: 1h)."),
            click.option("--notify", multiple=True, metavar="TARGET", help="A target of GRISTMILL_NOTIFY."),
            click.option("--notify-on", type=click.Choice(["failure", "end"]), help="When (default: failure)."),
        )
    ):
        function = option(function)
    return function


schedule_ref = click.argument("ref", metavar="SCHEDULE", shell_complete=completing.schedules)


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value not in (None, ())}


@click.group("schedule")
def command() -> None:
    """Ask a question, or run a notebook, at fixed times.

    `gristmill serve` fires what is due while it runs, each firing at most once. Each result is a run like any other.
    """


@command.command("add")
@click.argument("cron", metavar="CRON")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, resolve_path=True))
@click.option("--ask", "question", metavar="QUESTION", help="The question to ask of FILES.")
@click.option(
    "--notebook",
    metavar="NAME|FILE",
    help="The template or notebook to run instead.",
    shell_complete=completing.notebooks,
)
@click.option("-p", "params", multiple=True, metavar="NAME=VALUE", help="A parameter of the notebook.")
@click.option("--role", "roles", multiple=True, metavar="ROLE=COLUMN", help="As for `analyze`.")
@click.option("--model", metavar="MODEL", help="As for `analyze`.")
@_manner
@as_json
@speaks
async def add(
    cron: str,
    files: tuple[str, ...],
    question: str | None,
    notebook: str | None,
    params: tuple[str, ...],
    roles: tuple[str, ...],
    model: str | None,
    timezone: str | None,
    as_json: bool,
    **manner: Any,
) -> None:
    """Add a schedule. CRON has five fields: minute, hour, day of month, month, day of week.

    \b
    gristmill schedule add "0 7 * * mon-fri" --ask "What changed?" sales.csv
    gristmill schedule add "30 6 1 * *" --notebook profile -p data=sales.csv

    The files are read at each attempt, as they are then. Times are written as 90s, 5m, 1h30m or 2d.
    """
    if (question is None) == (notebook is None):
        raise click.UsageError("Give either --ask QUESTION with FILES, or --notebook NAME with -p parameters.")
    if notebook is not None and (files or roles):
        raise click.UsageError("A notebook takes its files as parameters: -p data=FILE.")
    if question is not None and (params or not files):
        raise click.UsageError("A question is asked of FILES; parameters belong to --notebook.")
    from gristmill.commands.watching import require_question
    from gristmill.settings import load
    from notebooks.schedule import make

    values: dict[str, Any] = {k: _absolute(v) for k, v in literals(params).items()}
    if roles:
        values["roles"] = pairs(roles, "ROLE=COLUMN")
    schedule = make(
        cron=cron,
        timezone=timezone or load().timezone,
        kind="question" if question is not None else "notebook",
        goal=require_question(question) if question is not None else "",
        files=files,
        template=_absolute(notebook) if notebook else None,
        params=values,
        model=model,
        **_given(**manner),
    )
    async with backend() as opened:
        added = await opened.add_schedule(schedule)
    if as_json:
        emit(added)
        return
    click.echo(f"{added.schedule.id}  next {added.next_due} ({added.schedule.timezone})")
    click.echo("It fires while `gristmill serve` runs.")


@command.command("list")
@as_json
@speaks
async def list_(as_json: bool) -> None:
    """List schedules with their next time, and what came of the last one."""
    async with backend() as opened:
        found = await opened.schedules()
    if as_json:
        emit(found)
        return
    from rich.text import Text

    from gristmill.terminal import console, pieces
    from gristmill.terminal.words import one_line
    from notebooks.cron import in_words

    screen = console.make()
    if not found:
        screen.print("No schedules.")
        return
    rows = []
    for item in found:
        s = item.schedule
        last = _outcome(item.fires[0]) if item.fires else Text("not yet", style="dim")
        rows.append(
            [
                Text(s.id),
                Text(s.cron),
                Text(in_words(s.cron), style="dim"),
                Text(s.timezone),
                Text(item.next_due or "paused"),
                last,
                Text(one_line(_what(s))),
            ]
        )
    pieces.table(screen, rows, header=("SCHEDULE", "CRON", "WHEN", "ZONE", "NEXT", "LAST", "WHAT"))


@command.command("show")
@schedule_ref
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Firings to show.")
@as_json
@speaks
async def show(ref: str, limit: int, as_json: bool) -> None:
    """Show a schedule and its history: each firing with its attempts, its outcome and its notices."""
    async with backend() as opened:
        found = await opened.schedule(ref, limit=limit)
    if as_json:
        emit(found)
        return
    from rich.text import Text

    from gristmill.terminal import console
    from gristmill.terminal.words import one_line, when
    from notebooks.cron import in_words

    screen, s = console.make(), found.schedule
    screen.print(Text(f"{s.id}  {one_line(_what(s))}", style="bold"))
    plain = f" ({words})" if (words := in_words(s.cron)) else ""
    following = found.next_due or "not before it is resumed: it is paused"
    screen.print(Text(f"{s.cron}{plain} in {s.timezone}, next {following}"))
    screen.print(Text(_manner_of(s), style="dim"))
    if not found.fires:
        screen.print("It has not fired yet.")
        return
    for fire in found.fires:
        screen.print(Text.assemble(f"{when(fire.due)}  ", _state(fire)))
        for a in fire.attempts:
            screen.print(Text(f"  attempt {a.number}: {a.run_id if a.has_run else 'no run'}, {a.status}"))
        if fire.reason:
            screen.print(Text(f"  {one_line(fire.reason)}"))
        for n in fire.notices:
            screen.print(Text(f"  notice to {n.target}: {_notice(n)}", style="dim"))


@command.command("change")
@schedule_ref
@click.option("--cron", metavar="CRON", help="Other times.")
@_manner
@as_json
@speaks
async def change(ref: str, as_json: bool, **manner: Any) -> None:
    """Change when and how a schedule fires. What is not named stays as it is; `--notify none` notifies nobody."""
    changes = _given(**manner)
    if changes.get("notify") == ("none",):
        changes["notify"] = ()
    if not changes:
        raise click.UsageError("Name what is to change, such as --retries 2.")
    await _change(ref, changes, as_json)


@command.command("pause")
@schedule_ref
@as_json
@speaks
async def pause(ref: str, as_json: bool) -> None:
    """Stop a schedule from firing. A run that is under way goes on."""
    await _change(ref, {"paused": True}, as_json)


@command.command("resume")
@schedule_ref
@as_json
@speaks
async def resume(ref: str, as_json: bool) -> None:
    """Let a paused schedule fire again. Times that passed in between are not made up for."""
    await _change(ref, {"paused": False}, as_json)


async def _change(ref: str, changes: dict[str, Any], as_json: bool) -> None:
    async with backend() as opened:
        after = await opened.change_schedule(ref, changes)
    if as_json:
        emit(after)
        return
    s = after.schedule
    click.echo(f"{s.id}  {'paused' if s.paused else f'next {after.next_due} ({s.timezone})'}")


@command.command("run")
@schedule_ref
@as_json
@speaks
async def run(ref: str, as_json: bool) -> int:
    """Do a schedule's work now, out of turn, and watch it."""
    from gristmill.commands.watching import conclude, watch
    from gristmill.terminal import console
    from gristmill.terminal.story import Story

    with Story(console.make(stderr=as_json)) as story:
        story.doing("opening the data folder")
        async with backend() as opened:
            view = await watch(opened, await opened.fire(ref), story)
    if as_json:
        from gristmill.plain import view_json

        emit(view_json(view))
        return 0 if view.run.status == "done" else 1
    return conclude(story, view, None, [])


@command.command("remove")
@schedule_ref
@as_json
@speaks
async def remove(ref: str, as_json: bool) -> None:
    """Remove a schedule. The runs that it made stay."""
    async with backend() as opened:
        removed = await opened.remove_schedule(ref)
    emit(removed) if as_json else click.echo(f"{removed.id} is removed.")


def _what(schedule: Schedule) -> str:
    return schedule.goal if schedule.kind == "question" else f"notebook {schedule.template}"


def _manner_of(schedule: Schedule) -> str:
    """How a schedule is followed, on one line."""
    from gristmill.terminal.words import counted
    from notebooks.schedule import duration

    s = schedule
    retries = f"{counted(s.retries, 'retry')}, the first after {duration(s.backoff)}" if s.retries else "no retries"
    notify = f"notifies {', '.join(s.notify)} on {s.notify_on}" if s.notify else "notifies nobody"
    return f"{retries}; overlap {s.overlap}; catch-up {s.catch_up} within {duration(s.window)}; {notify}"


def _outcome(fire: Fire) -> Text:
    """When a time was due, what came of it and which run, on one line."""
    from rich.text import Text

    from gristmill.terminal.words import when

    return Text.assemble(f"{when(fire.due)} ", _state(fire), (f" {fire.run_id or ''}", "dim"))


def _state(fire: Fire) -> Text:
    from rich.text import Text

    from gristmill.terminal.words import STATUS_STYLES

    return Text(fire.state, style=STATUS_STYLES.get(fire.state, "yellow"))


def _notice(notice: Notice) -> str:
    from notebooks.schedule import TRIES

    if notice.sent_at is not None:
        return "sent"
    return f"{notice.error} (tried {notice.tries} of {TRIES} times)" if notice.error else "to be sent"


def _absolute(value: Any) -> Any:
    """A file named now must be found at night, when the working directory is another."""
    if isinstance(value, str):
        try:
            if Path(value).is_file():
                return str(Path(value).resolve())
        except (OSError, ValueError):
            return value
    return value
