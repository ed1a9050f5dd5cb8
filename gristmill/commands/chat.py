"""`gristmill chat`: a conversation with a run in the terminal, or lines in and answers out where there is none."""

from __future__ import annotations

from pathlib import Path

import click

from gristmill.commands.common import backend, in_project, isolation, roles_of, sandboxes_beside, speaks, with_roles


@click.command("chat")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@click.option("--run", "ref", metavar="RUN", help="Go on with a run; no FILE then.")
@click.option("--model", metavar="MODEL", help="playbook, openai:NAME, ollama:NAME, ... (default: GRISTMILL_MODEL).")
@with_roles
@in_project
@click.option("--budget", metavar="LIMITS", default="", help="What it may use: tokens=20000,tokens=5000/turn.")
@click.option(
    "--approve",
    type=click.Choice(["auto", "ask", "deny"]),
    default="auto",
    help="Which calls wait for you: those of tools that ask, all, or none (they are not carried out).",
)
@isolation
@speaks
async def command(
    files: tuple[Path, ...],
    ref: str | None,
    model: str | None,
    roles: tuple[str, ...],
    project: str | None,
    budget: str,
    approve: str,
) -> None:
    """Talk with a run: the first line asks a question of FILES, each further one goes on from there.

    A line that begins with / is a command: /help lists them. What is typed while a turn is under way a model reads
    before its next step; the rule-based analyst takes it up as the next turn. Ctrl-C stops the turn and keeps the run.
    """
    if (ref is None) == (not files and project is None):
        raise click.UsageError("Name the files to talk about, or a run with --run; not both.")
    if ref is not None and (model or roles or project or budget or approve != "auto"):
        raise click.UsageError(
            "With --run the run has its model, its terms and its project already (/budget changes its)."
        )
    named = roles_of(roles)
    async with sandboxes_beside(files), backend() as opened:
        from graphs.request import terms_of
        from gristmill.terminal.talking import Talk

        talk = Talk(opened, files, model, named, terms_of({"project": project, "budget": budget, "approve": approve}))
        await talk.until_left((await opened.run(ref)).id if ref is not None else None)
