"""How a server hears HTTP: as uvicorn does, but that it knows how the names of headers were written."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from kernel_gateway.inside.http import HeaderName


class Heard(HttpToolsProtocol):
    """One connection."""

    def on_header(self, name: bytes, value: bytes) -> None:
        heard = HeaderName(name.lower())
        heard.sent = name
        if heard == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((heard, value))
