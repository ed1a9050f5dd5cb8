"""Rules of the grammar: the shapes that a rule meets, and what it makes of the items there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from graphs.questions.reader.items import use

if TYPE_CHECKING:
    from graphs.questions.reader.asking import Ask

type Does = Callable[..., Any]


class Rules:
    """Rules in the order in which they are tried; with `first`, none is after the one that fits.

    A rule is a function of a clause's request and the items of its shape's groups. What it returns is read: some items,
    or True for all of them; nothing where it does not fit. A rule without a shape is called once.
    """

    def __init__(self, first: bool = False) -> None:
        self.first = first
        self.held: list[tuple[tuple[str, ...], Does]] = []

    def __call__(self, *shapes: str) -> Callable[[Does], Does]:
        """Take a function as the next rule."""

        def take(does: Does) -> Does:
            self.held.append((shapes, does))
            return does

        return take

    def read(self, ask: Ask) -> None:
        """Try the rules on a clause."""
        for shapes, does in self.held:
            for groups in (g for shape in shapes for _, *g in ask.clause.find(shape)) if shapes else [[]]:
                met = does(ask, *groups)
                if met:
                    use(*(groups if met is True else met))
                    if self.first:
                        return
