"""The wire between a page in the browser and its session here: small patches out, what a person does in."""

from __future__ import annotations

from typing import Any, TypedDict

from panel.custom import JSComponent


class Patch(TypedDict, total=False):
    """One change to the page. `do` says which; `Wire.bundle.js` carries it out.

    `set` brings the inside of element `id` in line with `html`; `put` does so with element `id`, or adds it to element
    `into`, behind element `after` (empty: first; absent: last); `drop` takes element `id` away, `order` brings the
    children of `id` into the order of `ids`; `append` adds `html` at the end of element `id`; `type` adds plain `text`
    there; `version` says which version a cell is at; `go` opens the page `url`; `say` shows `text` for a while; `ack`
    answers what was sent under a ticket `id`, with what is wrong with it in `text`; `idle` frees the buttons that wait.
    """

    do: str
    id: str
    into: str
    html: str
    text: str
    url: str
    level: str
    after: str
    ids: list[str]
    version: str
    source: str


class Wire(JSComponent):  # type: ignore[misc]
    """Shows nothing itself. The browser's side is `Wire.bundle.js`, which Panel serves as a file of this class."""

    def _process_param_change(self, params: dict[str, Any]) -> dict[str, Any]:
        # Panel would add style sheets of its own, from its CDN when it is unsure of us. There is nothing to style here.
        bare = {name: value for name, value in params.items() if name != "stylesheets"}
        return dict(super()._process_param_change(bare))

    def send(self, patches: list[Patch]) -> None:
        """Sends the patches in order; from the session's own event loop."""
        if patches:
            self._send_msg([dict(p) for p in patches])

    def say(self, text: str, level: str = "info") -> None:
        """A sentence for the person at the page: `info`, or `error` which stays until it is closed."""
        self.send([Patch(do="say", text=text, level=level)])


Message = dict[str, Any]
"""What the browser sends: `do` says which, and the rest belongs to it. A page checks what it uses."""
