"""What the commands share: one way to run them, to print JSON, to watch a run, and to say a sentence on failure."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from gristmill.errors import DoorError, sentences, status_of
from gristmill.terminal import progress

if TYPE_CHECKING:
    from gristmill.backend import Backend, Listed


def _isolate(_: click.Context, __: click.Parameter, value: str | None) -> None:
    if value is not None:
        os.environ["GRISTMILL_ISOLATION"] = value  # the gateway, another process, must learn it too


isolation = click.option(
    "--isolation",
    type=click.Choice(["bubblewrap", "none"]),
    callback=_isolate,
    expose_value=False,
    help="none: only on a machine that is itself disposable.",
)
ROLES = ("target", "time", "unit", "assignment", "allocation")
"""What can be declared of a table: columns, and the shares that an experiment's arms were to have."""

_SHARES = re.compile(r"\s*[\d.]+\s*([,:;/]\s*[\d.]+\s*)+")

with_roles = click.option(
    "--role",
    "roles",
    multiple=True,
    metavar="ROLE=COLUMN",
    help="Which column is the target, time, unit or assignment; allocation=0.5,0.5 for the arms' planned shares.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


_SHORT = 5.0
"""Seconds of a command in which nobody looks for garbage of cycles: it loads modules, and most end before."""


def _sentence(message: str, status: int) -> click.ClickException:
    said = click.ClickException(message)
    said.exit_code = status  # type: ignore[misc]  # click declares it on the class, and reads it from the instance
    return said


def speaks[**P](function: Callable[P, Coroutine[Any, Any, int | None]]) -> Callable[P, None]:
    """Make an async function a command's body. What it returns is the exit status; a known error is a sentence."""

    @wraps(function)
    def command(*args: P.args, **kwargs: P.kwargs) -> None:
        aloud = not kwargs.get("as_json") or sys.stderr.isatty()  # a program that reads JSON may read stderr with it
        try:
            gc.disable()
            with progress.telling(aloud):
                status = asyncio.run(_collecting_later(function(*args, **kwargs)))
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except DoorError as error:
            raise _sentence(str(error), error.status) from error
        except (KeyboardInterrupt, asyncio.CancelledError):
            click.echo("Left.", err=True)
            sys.exit(1)
        except sentences() as error:
            raise _sentence(str(error), status_of(error)) from error
        finally:
            _collect()
        if status:
            sys.exit(status)

    return command


async def _collecting_later[T](work: Coroutine[Any, Any, T]) -> T:
    asyncio.get_running_loop().call_later(_SHORT, _collect)
    return await work


def _collect() -> None:
    """Look for garbage of cycles again; what is there by now counts as old, so that not all of it is looked at next."""
    gc.freeze()
    gc.unfreeze()
    gc.enable()


@asynccontextmanager
async def backend(doing: str = "working") -> AsyncIterator[Backend]:
    """The running server, or the data folder opened by this process, for the length of a command.

    `doing` is what the command does in it, for whoever waits.
    """
    from gristmill import discovery
    from gristmill.backend import connect
    from gristmill.settings import load

    settings = load()
    server = discovery.read(settings.home)
    served = server is not None and discovery.alive(server.pid)
    progress.doing("asking the running server" if served else "opening the data folder")
    opened = await connect(settings, leaves=True)
    progress.doing(doing)
    try:
        yield opened
    finally:
        progress.doing("leaving the server" if served else "closing the data folder")
        await opened.close()


@asynccontextmanager
async def sandboxes_beside(files: Sequence[Path]) -> AsyncIterator[None]:
    """Have the sandboxes' host start, and what speaks with it be loaded, while all else is loaded and the files are
    stored, for work on these files; the host ends with the command.

    Whatever stands in its way is told by whoever asks for a sandbox. None is started for a running server, which has
    its own, nor where a file is missing, which is to be said at once. Where another program turns out to work in the
    data folder the host is left to it: it ends by itself when nobody uses it.
    """
    from artifacts.home import in_use
    from gristmill import discovery
    from gristmill.settings import load
    from kernel_gateway.client import GatewayError, find_host, load_sdk, stop_host

    settings = load()
    if discovery.read(settings.home) is not None or not all(file.is_file() for file in files):
        yield
        return
    starting = asyncio.create_task(find_host(settings.home, isolation=settings.isolation))
    loading = asyncio.create_task(asyncio.to_thread(load_sdk))
    await asyncio.sleep(0)  # both are on their way before imports hold the loop
    try:
        yield
    finally:
        await loading
        with suppress(GatewayError):
            host = await starting
            if not in_use(settings.home):
                await stop_host(host, settings.home)


def confirm(question: str) -> None:
    """Ask whoever is at the terminal; anything but yes ends the command."""
    with progress.showing(None):
        click.confirm(question, abort=True, err=True)


def typed(file: IO[str]) -> str:
    """All of a file's text, or what a person types where it is standard input."""
    with progress.showing(None):
        return file.read()


def emit(value: Any) -> None:
    """Print a value as JSON."""
    from gristmill.plain import plain

    click.echo(json.dumps(plain(value), indent=2, ensure_ascii=False))


def write(target: Path, data: bytes | Path, *, overwrite: bool) -> None:
    """Write bytes, or a copy of a file, where somebody wants them.

    Raises Misuse for a file that is there, unless it may be overwritten, and Failed where it cannot be written.
    """
    import shutil

    from gristmill.errors import Failed, Misuse

    try:
        with target.open("wb" if overwrite else "xb") as file:
            if isinstance(data, Path):
                with data.open("rb") as source:
                    shutil.copyfileobj(source, file, 1 << 20)
            else:
                file.write(data)
    except FileExistsError as error:
        raise Misuse(f"{target} is already there; name another file with -o.") from error
    except OSError as error:
        raise Failed(f"{target} cannot be written: {error.strerror}.") from error


def tell_rest(found: Listed[Any], offset: int) -> None:
    """Say below a list how much of all it shows, unless that is all."""
    if len(found) < found.total:
        which = f"{offset + 1:,} to {offset + len(found):,}" if offset else f"{len(found):,}"
        click.echo(f"{which} of {found.total:,}; --limit and --offset show others.")


def pairs(given: tuple[str, ...], what: str) -> dict[str, str]:
    """`("a=1", "b=x=y")` as a dict. Raises click's usage error, with the form that is wanted, for anything else."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise click.UsageError(f"{text!r} is not of the form {what}.")
        if name.strip() in found:
            raise click.UsageError(f"{name.strip()} is given twice.")
        found[name.strip()] = value
    return found


in_project = click.option("--project", metavar="NAME", help="The project that it belongs to (default: default).")


def with_terms[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """The options on whose terms a run works: `agent`, `budget`, `approve`, `unattended`, `project`, `images`."""
    for option in (
        click.option(
            "--images/--no-images",
            "images",
            default=None,
            help="Whether the model is shown plots as pictures (default: where it is known to read them).",
        ),
        in_project,
        click.option("--unattended", is_flag=True, help="Wait for nobody: take the defaults."),
        click.option(
            "--approve",
            type=click.Choice(["auto", "ask", "deny"]),
            default="auto",
            help="Which calls wait for you: those of tools that ask, all, or none (they are not carried out).",
        ),
        click.option(
            "--budget",
            metavar="LIMITS",
            default="",
            help="What it may use: tokens=20000,usd=0.5,minutes=10,cells=30; tokens=5000/turn for each turn.",
        ),
        click.option("--agent", metavar="NAME", help="Who writes the cells (`gristmill agents list`)."),
    ):
        function = option(function)
    return function


def absolute(out: str | None) -> str | None:
    """The folder for a run's results, as it is to be found from another folder, too."""
    return str(Path(out).absolute()) if out is not None else None


def roles_of(given: tuple[str, ...]) -> dict[str, str]:
    """The columns that are declared, by role. Raises click's usage error for a role that there is not."""
    named = pairs(given, "ROLE=COLUMN")
    if unknown := sorted(set(named) - set(ROLES)):
        raise click.UsageError(f"There is no role {unknown[0]!r}; it can be {', '.join(ROLES[:-1])} or {ROLES[-1]}.")
    if not _SHARES.fullmatch(named.get("allocation", "1,1")):
        raise click.UsageError("The allocation is the arms' planned shares, such as allocation=0.5,0.5 or 2,1.")
    return named


def literals(given: tuple[str, ...]) -> dict[str, Any]:
    """Notebook parameters as `-p` takes them: numbers, true, false, null and JSON lists are read, the rest is text."""
    return {name: _literal(value) for name, value in pairs(given, "NAME=VALUE").items()}


def _literal(text: str) -> Any:
    if text[:1] in '[{"' or text in ("true", "false", "null") or text[:1] in "-0123456789":
        try:
            return json.loads(text)
        except ValueError:
            return text
    return {"True": True, "False": False, "None": None}.get(text, text)
