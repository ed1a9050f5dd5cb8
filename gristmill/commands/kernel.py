"""`gristmill kernel`: kernels in sandboxes for JupyterLab, nbclient, `jupyter console` and papermill."""

from __future__ import annotations

import click

from gristmill.commands import completing
from gristmill.commands.common import speaks

_template = click.option(
    "--template",
    metavar="NAME",
    help="The kernel of this environment (see `template`).",
    shell_complete=completing.environments,
)


@click.group("kernel")
def command() -> None:
    """Give Jupyter a kernel that runs in a sandbox, or take it away.

    Jupyter must run in the Python environment that Gristmill is installed in.
    """


@command.command("install")
@click.option("--user", is_flag=True, help="For this user, whatever the environment.")
@click.option("--prefix", type=click.Path(file_okay=False), metavar="DIR", help="Below DIR/share/jupyter.")
@_template
@speaks
async def install(user: bool, prefix: str | None, template: str | None) -> None:
    """Write the kernelspec gristmill-sandbox, by default for this Python environment.

    \b
    gristmill kernel install
    papermill -k gristmill-sandbox in.ipynb out.ipynb
    """
    if user and prefix is not None:
        raise click.UsageError("Give --user or --prefix, not both.")
    from gristmill.settings import load
    from kernel_gateway.environments import find
    from kernel_gateway.provisioner import install as write

    home = load().home
    if template is not None:
        find(home, template)
    made = write(home, template=template, user=user, prefix=prefix)
    click.echo(f"{made.name} is installed in {made.parent}.")


@command.command("remove")
@_template
@speaks
async def remove(template: str | None) -> None:
    """Remove the kernelspec that Jupyter finds first."""
    from gristmill.errors import Failed
    from kernel_gateway.provisioner import remove as take_away

    folder = take_away(template)
    if folder is None:
        raise Failed("Jupyter finds no such kernel; `jupyter kernelspec list` tells which there are.")
    click.echo(f"{folder.name} is removed from {folder.parent}.")
