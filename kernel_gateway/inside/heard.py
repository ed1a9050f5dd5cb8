"""How a server hears HTTP: as uvicorn does, but that it knows how the names of headers were written."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from kernel_gateway.inside.http import HeaderName, as_sent


class Heard(HttpToolsProtocol):
    """One connection."""

    def on_header(self, name: bytes, value: bytes) -> None:
        heard = HeaderName.of(name)
        if heard == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((heard, value))

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection on with its head, which uvicorn puts together again, as it was sent."""
        self.scope["headers"] = [(as_sent(name), value) for name, value in self.scope["headers"]]
        super().handle_websocket_upgrade()
