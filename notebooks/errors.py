"""The errors of this room. Each message is a sentence for a person: what happened and what to do next."""

from __future__ import annotations


class NotebookError(Exception):
    """Base of all that this room raises by itself; host failures stay `kernel_gateway.client.GatewayError`."""


class ParameterError(NotebookError):
    """A parameter's name, type or value that the notebook cannot take."""


class NotebookNotFound(NotebookError):
    """No notebook file and no template of that name."""


class BadNotebook(NotebookError):
    """A file that is not a notebook we can run."""


class UploadError(NotebookError):
    """A file that could not be brought into the sandbox."""


class ScheduleError(NotebookError):
    """A cron expression or a time zone that cannot be understood."""


class NotifyError(NotebookError):
    """A target that is not known, or that could not be told."""


class EditError(NotebookError):
    """An edit that cannot be made, as of a cell that is not there. Nothing has changed."""


class Outdated(EditError):
    """An edit of a cell that somebody else has edited meanwhile; `source` is how the cell stands now."""

    def __init__(self, message: str, *, version: int, source: str) -> None:
        super().__init__(message)
        self.version, self.source = version, source
