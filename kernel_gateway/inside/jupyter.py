"""Jupyter's messages on the wire (protocol 5.4): just what one client of one kernel needs.

Format: https://jupyter-client.readthedocs.io/en/stable/messaging.html#the-wire-protocol
"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

_DELIMITER = b"<IDS|MSG>"


@dataclass(frozen=True)
class Incoming:
    """A message from the kernel. `parent` is the id of the request that it answers."""

    kind: str
    parent: str
    content: dict[str, Any]


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
            header, parent_header, body = json.loads(head), json.loads(parent), json.loads(content)
            return Incoming(str(header["msg_type"]), str(parent_header.get("msg_id", "")), dict(body))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Malformed(str(error)) from None

    def _sign(self, parts: list[bytes]) -> bytes:
        digest = hmac.new(self.key.encode(), digestmod=hashlib.sha256)
        for part in parts:
            digest.update(part)
        return digest.hexdigest().encode()
