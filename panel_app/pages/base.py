"""What every page is: some HTML to begin with, and what it does while a browser looks at it."""

from __future__ import annotations

from typing import ClassVar

from markupsafe import Markup

from panel_app.wire import Message, Wire


class Page:
    """One page in one browser session. Its HTML is whole before any script runs; the rest is patches to it."""

    name: ClassVar[str] = ""
    nav: ClassVar[str] = ""
    title: str = ""

    def html(self) -> Markup:
        """The content as it is now. Called once, when the page is served."""
        raise NotImplementedError

    async def live(self, wire: Wire) -> None:
        """Runs from the moment the browser is ready until the session ends, when it is cancelled."""

    async def act(self, wire: Wire, message: Message) -> None:
        """Carries out what a person did. Errors of the rooms below become sentences on the page."""

    def close(self) -> None:
        """The session is over: leave nothing behind."""


class Sorry(Page):
    """A page that is not there, and where to look instead."""

    name = "sorry"

    def __init__(self, title: str, sentence: str, nav: str) -> None:
        self.title = title
        self.sentence = sentence
        self.back = nav

    def html(self) -> Markup:
        return Markup(
            '<section class="empty big"><h1>{}</h1><p>{}</p><p><a class="button" href="{}">Go back</a></p></section>'
        ).format(self.title, self.sentence, self.back)
