"""The record: one tagged union of events, and the fold that turns a run's events into what every surface shows.

A run is its events in order. Nothing that a surface shows comes from anywhere else, so a terminal, a browser that
reloads and a replay at night all tell the same story. The kinds of events are listed once, in `artifacts.events.union`.
"""

from __future__ import annotations

from artifacts.events.cell import *  # noqa: F403
from artifacts.events.fold import apply as apply
from artifacts.events.fold import extend as extend
from artifacts.events.fold import fold as fold
from artifacts.events.run import *  # noqa: F403
from artifacts.events.talk import *  # noqa: F403
from artifacts.events.task import *  # noqa: F403
from artifacts.events.union import EVENT as EVENT
from artifacts.events.union import EVENT_KINDS as EVENT_KINDS
from artifacts.events.union import Event as Event
from artifacts.events.view import RunView as RunView
from artifacts.events.view import Step as Step
