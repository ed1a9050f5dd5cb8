"""What the commands share: one way to run them, to print JSON, to watch a run, and to say a sentence on failure."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import fields, is_dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from gristmill.errors import DoorError, sentences, status_of

if TYPE_CHECKING:
    from artifacts.events import RunView
    from gristmill.backend import Backend

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _sentence(message: str, status: int) -> click.ClickException:
    said = click.ClickException(message)
    said.exit_code = status  # type: ignore[misc]  # click declares it on the class, and reads it from the instance
    return said


def speaks[**P](function: Callable[P, Coroutine[Any, Any, int | None]]) -> Callable[P, None]:
    """Make an async function a command's body. What it returns is the exit status; a known error is a sentence."""

    @wraps(function)
    def command(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            status = asyncio.run(function(*args, **kwargs))
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except DoorError as error:
            raise _sentence(str(error), error.status) from error
        except (KeyboardInterrupt, asyncio.CancelledError):
            click.echo("Left.", err=True)
            sys.exit(1)
        except sentences() as error:
            raise _sentence(str(error), status_of(error)) from error
        if status:
            sys.exit(status)

    return command


@asynccontextmanager
async def backend() -> AsyncIterator[Backend]:
    """The running server, or the data folder opened by this process, for the length of a command."""
    from gristmill.backend import connect
    from gristmill.settings import load

    opened = await connect(load())
    try:
        yield opened
    finally:
        await opened.close()


def emit(value: Any) -> None:
    """Print a value as JSON; pydantic values and dataclasses become objects."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def view_json(view: RunView) -> dict[str, Any]:
    """A run as its events tell it; the findings in the report's order, their ranks set."""
    return {f.name: getattr(view, f.name) for f in fields(view)} | {"findings": view.ranked}


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in fields(value)}
    return str(value)


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
