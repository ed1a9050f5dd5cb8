"""`gristmill completion`: the script by which a shell completes our commands."""

from __future__ import annotations

import click

from gristmill.commands.common import speaks


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@speaks
async def command(shell: str) -> None:
    """Print the completion script of a shell: commands, options, ids, templates.

    \b
    bash   eval "$(gristmill completion bash)"                in ~/.bashrc
    zsh    eval "$(gristmill completion zsh)"                 in ~/.zshrc, after compinit
    fish   gristmill completion fish > ~/.config/fish/completions/gristmill.fish

    Ids are completed while `gristmill serve` runs.
    """
    from click.shell_completion import get_completion_class

    from gristmill.cli import main

    kind = get_completion_class(shell)
    assert kind is not None, "click knows all three"
    name = "gristmill"
    click.echo(kind(main, {}, name, f"_{name}_complete".upper()).source())  # the variable that click looks for
