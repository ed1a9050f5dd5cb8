"""What may go wrong in this room. Every message is a sentence for a person: what happened, and what to do next."""

from __future__ import annotations


class GraphError(Exception):
    """Base of the room's errors."""


class InputError(GraphError):
    """A question or a file that cannot be worked on. Raised before a run exists, so nothing is half begun."""


class RunFailed(GraphError):
    """A run cannot go on. Its message becomes the run's one sentence of error; all that it made is kept."""


class OnlyLookedAt(RunFailed, RuntimeError):
    """A run that was begun where there is no sandbox. LangGraph's server passes on the words of no error but Python's
    own kinds, of which this is one."""


class Waiting(GraphError):
    """A run that goes on once a person has answered; the sentence says what is waited for."""
