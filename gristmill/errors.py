"""What a front door says when it cannot do what was asked: a sentence, and an exit status."""

from __future__ import annotations


class DoorError(Exception):
    """Base of this room's errors. The message is one sentence for a person: what happened and what to do next."""

    status = 1


class Misuse(DoorError):
    """What was asked makes no sense as it stands (exit status 2)."""

    status = 2


class Failed(DoorError):
    """What was asked was tried and did not work (exit status 1)."""


class ServerGone(Failed):
    """The server that this process was talking to does not answer any more."""


def sentences() -> tuple[type[Exception], ...]:
    """Every family of errors whose message is meant for a person. Loads the rooms, so call it only beside them."""
    from artifacts.store import StoreError
    from graphs.errors import GraphError
    from kernel_gateway.client import GatewayError
    from notebooks.errors import NotebookError

    return (DoorError, StoreError, GatewayError, GraphError, NotebookError)


def status_of(error: Exception) -> int:
    """The exit status of a known error: 2 where what was asked makes no sense as it stands, else 1."""
    from artifacts.errors import QueryError
    from graphs.errors import InputError
    from graphs.models.base import UnknownModel
    from notebooks.errors import (
        BadNotebook,
        EditError,
        NotebookNotFound,
        NotifyError,
        Outdated,
        ParameterError,
        ScheduleError,
    )
    from notebooks.projects import ProjectError

    if isinstance(error, DoorError):
        return error.status
    asked = (
        *(InputError, UnknownModel, BadNotebook, NotebookNotFound),
        *(NotifyError, ParameterError, ProjectError, QueryError, ScheduleError),
    )
    return 2 if isinstance(error, (*asked, EditError)) and not isinstance(error, Outdated) else 1
