"""Bounds what a request may bring: a body that is too large ends in a sentence, not in a full disk."""

from __future__ import annotations

import json

from starlette.requests import ClientDisconnect

from gristmill.web.guard import App, Message, Receive, Scope, Send


class Limit:
    """ASGI middleware: HTTP bodies of at most `most` bytes."""

    def __init__(self, app: App, most: int) -> None:
        self.app, self.most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on while its body stays within the bound."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = next((v for n, v in scope["headers"] if n.lower() == b"content-length"), b"0")
        if declared.isdigit() and int(declared) > self.most:
            await self._refuse(send)
            return
        came, answered = 0, False

        async def counted() -> Message:
            nonlocal came, answered
            message = await receive()
            came += len(message.get("body", b""))
            if came > self.most and not answered:
                answered = True
                await self._refuse(send)
            return {"type": "http.disconnect"} if answered else message

        async def once(message: Message) -> None:
            if not answered:
                await send(message)

        try:
            await self.app(scope, counted, once)
        except ClientDisconnect:
            if not answered:
                raise

    async def _refuse(self, send: Send) -> None:
        text = f"The upload is larger than {self.most // (1024 * 1024)} MiB; see GRISTMILL_MAX_UPLOAD_MB."
        body = json.dumps({"error": {"kind": "TooLarge", "message": text}}).encode()
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": body})
