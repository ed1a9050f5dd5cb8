"""`gristmill analyze`: a question of some files, answered in the terminal."""

from __future__ import annotations

from pathlib import Path

import click

from gristmill.commands.common import (
    absolute,
    as_json,
    backend,
    emit,
    isolation,
    roles_of,
    sandboxes_beside,
    speaks,
    with_roles,
    with_terms,
)


@click.command("analyze")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--ask", "question", required=True, metavar="QUESTION", help="What you want to know.")
@click.option("--out", metavar="DIR", help="Where the results go (default: a folder here, named after the run).")
@click.option("--model", metavar="MODEL", help="playbook, openai:NAME, ollama:NAME, ... (default: GRISTMILL_MODEL).")
@with_roles
@with_terms
@click.option(
    "--rerun/--no-rerun",
    default=None,
    help="Whether the review runs the notebook again in a fresh sandbox (default: GRISTMILL_RERUN, or yes).",
)
@isolation
@as_json
@speaks
async def command(
    files: tuple[Path, ...],
    question: str,
    out: str | None,
    model: str | None,
    roles: tuple[str, ...],
    agent: str | None,
    budget: str,
    approve: str,
    unattended: bool,
    project: str | None,
    images: bool | None,
    rerun: bool | None,
    as_json: bool,
) -> int:
    """Ask a question of CSV, TSV, Parquet, JSON lines or Excel FILES.

    Without FILES the tables of its --project are meant. The results go into a folder: report.html and report.md,
    analysis.ipynb, findings.json and the plots. With no key and no network the built-in rule-based playbook answers.
    Ctrl-C cancels the run; what it made is kept.
    """
    from graphs.request import terms_of

    if not files and project is None:
        raise click.UsageError("Missing argument 'FILES...'.")
    named = roles_of(roles)
    told = {"agent": agent, "budget": budget, "approve": approve, "unattended": unattended}
    terms = terms_of(told | {"project": project, "images": images, "out": absolute(out)})
    async with sandboxes_beside(files):
        from gristmill.commands.watching import check_folder, conclude, folder_for, require_question, watch
        from gristmill.terminal import console
        from gristmill.terminal.story import Story

        question = require_question(question)
        check_folder(out)
        with Story(console.make(stderr=as_json)) as story:
            story.doing("opening the data folder")
            async with backend("bringing the question in") as opened:
                run = await opened.start(question, files, model=model, roles=named, rerun=rerun, terms=terms)
                view = await watch(opened, run, story)
                folder = folder_for(out, run.id)
                made = await opened.write_out(run.id, folder)
    if as_json:
        from gristmill.plain import view_json

        emit(view_json(view) | {"out": str(folder.absolute()), "files": [str(f.absolute()) for f in made]})
        return 0 if view.run.status == "done" else 1
    return conclude(story, view, folder, made)
