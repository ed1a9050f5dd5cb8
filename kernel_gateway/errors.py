"""What can go wrong between a program and its sandbox host. A user's exception in a cell is none of these."""

from __future__ import annotations


class GatewayError(Exception):
    """Base of this room's errors; the message says what happened and what to do next."""


class NoIsolation(GatewayError):
    """This machine cannot isolate a sandbox, and none was started."""


class GatewayUnavailable(GatewayError):
    """The local sandbox host could not be started or reached."""


class SandboxGone(GatewayError):
    """The sandbox that was asked for does not exist any more."""


class SandboxFailed(GatewayError):
    """A sandbox did not start; the message carries what it said."""
