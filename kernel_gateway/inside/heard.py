"""How a server hears HTTP: as uvicorn does, but that it knows how the names of headers were written."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from kernel_gateway.inside.http import HeaderName


class Heard(HttpToolsProtocol):
    """One connection."""

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self.headers[-1] = (HeaderName(name), value)
