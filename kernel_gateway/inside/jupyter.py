"""Jupyter's messages on the wire (protocol 5.4): just what one client of one kernel needs.

Format: https://jupyter-client.readthedocs.io/en/stable/messaging.html#the-wire-protocol
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

_DELIMITER = b"<IDS|MSG>"
_LONG = 64 << 10  # bytes; the text of a longer stream message is passed on as the JSON that it is
_STREAM = re.compile(rb'\{"name": ?"(stdout|stderr)", ?"text": ?"')


@dataclass(frozen=True)
class Incoming:
    """A message from the kernel. `parent` is the id of the request that it answers.

    The text of long output is not in `content` but in `text`: ASCII, escaped as in a JSON string, without the quotes.
    """

    kind: str
    parent: str
    content: dict[str, Any]
    text: bytes | memoryview = b""


class Malformed(ValueError):
    """Frames that are no Jupyter message; code in the kernel can send whatever it likes."""


@dataclass
class Wire:
    """Packs requests and reads what comes back. `key` signs; the session id names this client."""

    key: str
    session: str = field(default_factory=lambda: uuid.uuid4().hex)

    def pack(
        self, kind: str, content: dict[str, Any], metadata: dict[str, Any] | None = None
    ) -> tuple[str, list[bytes]]:
        """The frames of a request, and the id by which its answers can be told."""
        message_id = uuid.uuid4().hex
        head = {
            "msg_id": message_id,
            "session": self.session,
            "username": "user",
            "date": datetime.now(UTC).isoformat(),
            "msg_type": kind,
            "version": "5.4",
        }
        parts = [json.dumps(part).encode() for part in (head, {}, metadata or {}, content)]
        return message_id, [_DELIMITER, self._sign(parts), *parts]

    def unpack(self, frames: list[bytes]) -> Incoming:
        """Read one message; raises `Malformed`."""
        try:
            at = frames.index(_DELIMITER)
            _, head, parent, _, content = frames[at + 1 : at + 6]
            header, parent_header = json.loads(head), json.loads(parent)
            kind, request = str(header["msg_type"]), str(parent_header.get("msg_id", ""))
            if kind == "stream" and len(content) > _LONG and (found := _plain_stream(content)):
                return Incoming(kind, request, {"name": found[1].decode()}, memoryview(content)[found.end() : -2])
            return Incoming(kind, request, dict(json.loads(content)))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Malformed(str(error)) from None

    def _sign(self, parts: list[bytes]) -> bytes:
        digest = hmac.new(self.key.encode(), digestmod=hashlib.sha256)
        for part in parts:
            digest.update(part)
        return digest.hexdigest().encode()


def _plain_stream(content: bytes) -> re.Match[bytes] | None:
    """What stands before the text, if this is output that can be passed on as it is."""
    plain = content.endswith(b'"}') and content.isascii() and b"\n" not in content
    return _STREAM.match(content) if plain else None
