"""The `gristmill` command: names every command, and loads one only when it is used."""

from __future__ import annotations

import gc
import importlib
import os

import click

from gristmill import __version__

# Each command's module and its line in `--help`, which must not need the module: loading them all takes seconds.
COMMANDS: dict[str, tuple[str, str]] = {
    "analyze": ("gristmill.commands.analyze", "Ask a question of a file; get a reviewed, re-runnable notebook."),
    "ask": ("gristmill.commands.ask", "Answer a question of a file, and no more than that."),
    "chat": ("gristmill.commands.chat", "Talk with a run in the terminal: question after question."),
    "review": ("gristmill.commands.review", "Check a notebook of your own; each objection names a cell and a mend."),
    "serve": ("gristmill.commands.serve", "Open the dashboard, the REST interface and the scheduler."),
    "open": ("gristmill.commands.open", "Open the running dashboard in a browser."),
    "runs": ("gristmill.commands.runs", "List, show, follow, cancel, resume or reproduce runs."),
    "cells": ("gristmill.commands.cells", "Show, edit and run the cells of a run's notebook."),
    "tasks": ("gristmill.commands.tasks", "Show the tasks that the agents of a run gave each other."),
    "artifacts": ("gristmill.commands.artifacts", "List, get or export plots, tables and files."),
    "sql": ("gristmill.commands.sql", "Ask the record in SQL, read only."),
    "record": ("gristmill.commands.record", "Export, back up or prune the whole record."),
    "notebook": ("gristmill.commands.notebook", "Run a template notebook with parameters in a sandbox."),
    "schedule": ("gristmill.commands.schedule", "Ask a question, or run a notebook, at fixed times."),
    "project": ("gristmill.commands.project", "Make, list, show, fill or delete projects."),
    "agents": ("gristmill.commands.agents", "List, show, begin or check agents: a Markdown file each."),
    "tools": ("gristmill.commands.tools", "List the tools that agents may call, and where each comes from."),
    "graph": ("gristmill.commands.graph", "Draw the agents' state machine."),
    "gateway": ("gristmill.commands.gateway", "Run the local sandbox host by itself."),
    "kernel": ("gristmill.commands.kernel", "Give Jupyter and papermill a kernel that runs in a sandbox."),
    "template": ("gristmill.commands.template", "Build, list or remove environments that sandboxes run in."),
    "completion": ("gristmill.commands.completion", "Print the completion script of a shell."),
    "doctor": ("gristmill.commands.doctor", "Check this machine: packages, isolation, data folder, port."),
}


_COLLECT_AFTER = 50_000
"""New objects after which the garbage of cycles is looked for; at Python's own 700 that is a seventh of the time of a
short command, which mostly loads modules."""


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(COMMANDS[cmd_name][0]).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean `gristmill {near[0]}`?" if near else " `gristmill --help` lists the commands."
            raise click.UsageError(f"There is no command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gristmill", message="%(prog)s %(version)s")
@click.option("--home", type=click.Path(file_okay=False), help="The data folder, instead of GRISTMILL_HOME.")
def main(home: str | None) -> None:
    """Gristmill turns a question about data into a reviewed, re-runnable notebook.

    \b
    gristmill ask "What is the mean price in the north?" sales.csv
    gristmill analyze sales.csv --ask "What drives the returns?"
    gristmill serve

    Exit status: 0 done, 1 failed, 2 misused, 3 (ask) not answered. Settings: docs/settings.md.
    """
    gc.set_threshold(_COLLECT_AFTER)
    if home is not None:
        os.environ["GRISTMILL_HOME"] = home  # the processes that this one starts must see the same folder
