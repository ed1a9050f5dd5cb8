"""Webhooks: tells other programs of events, by HTTP, with a signed body.

They are named in a file of the operator's, so that no address is in the record and nobody who may start a run can have
this machine send to an address of their choice. Each is served in a thread of its own and never keeps a run waiting.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from artifacts import listeners
from artifacts.events import EVENT_KINDS, Event
from gristmill.errors import Misuse

TRIES = 4
"""How often an event is sent where it is not taken; the pauses between are 1, 4 and 16 seconds."""
SECONDS = 10.0
"""How long an answer is waited for."""
WAITING = 1_000
"""Events that may wait for one webhook; the newest are dropped beyond that."""
LAST = 5.0
"""Seconds for which a program that ends waits until what is still to be sent has been."""

_log = logging.getLogger(__name__)


class Webhook(BaseModel):
    """One target: where to, which events, and the name of the environment variable that holds the secret."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    url: str = Field(pattern=r"^https?://")
    secret: str = Field("", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$|^$")
    events: tuple[str, ...] = ("task_changed", "run_ended")


def read(path: Path) -> dict[str, Webhook]:
    """The webhooks by their names; none where there is no file. Raises Misuse, which quotes nothing of the file."""
    unreadable = Misuse(f"{path} cannot be read as YAML; see docs/settings.md for its form.")
    try:
        if path.stat().st_mode & 0o077:
            raise Misuse(f"{path} holds addresses and other people may read it; set it right with chmod 600.")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError):
        raise unreadable from None
    import yaml  # which takes a while to load

    try:
        told = yaml.safe_load(text) or {}
    except yaml.YAMLError:
        raise unreadable from None
    try:
        found = {str(name): Webhook.model_validate(one) for name, one in dict(told).items()}
    except (ValidationError, ValueError, TypeError):
        raise Misuse(f"{path} has a webhook that is not as it should be: url, secret, events.") from None
    for name, hook in found.items():
        if unknown := [kind for kind in hook.events if kind not in EVENT_KINDS]:
            raise Misuse(f"The webhook {name!r} of {path} names {unknown[0]!r}, which is no kind of event.")
        if hook.secret and not os.environ.get(hook.secret):
            raise Misuse(f"The webhook {name!r} of {path} needs a secret: set {hook.secret} in the environment.")
    return found


def serve(path: Path) -> Callable[[], None]:
    """Serve the webhooks of a file; returns what ends that, and waits a moment for what is still to be sent."""
    senders = [_Sender(name, hook) for name, hook in read(path).items()]
    leave = [listeners.on(kind, sender.take) for sender in senders for kind in sender.hook.events]

    def end() -> None:
        for one in leave:
            one()
        if senders:
            listeners.settle()
            until = time.monotonic() + LAST
            for sender in senders:
                sender.end(until)

    return end


def signature(secret: str, body: bytes) -> str:
    """What `X-Gristmill-Signature` holds: `sha256=` and the HMAC of the body in hex."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


class _Sender:
    """Sends to one webhook what it is given, in order."""

    def __init__(self, name: str, hook: Webhook) -> None:
        self.name, self.hook = name, hook
        self._waiting: queue.Queue[Event | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._work, name=f"gristmill-webhook-{name}", daemon=True)
        self._thread.start()

    def take(self, event: Event) -> None:
        try:
            self._waiting.put_nowait(event)
        except queue.Full:
            _log.warning("the webhook %s is too slow: %s of %s is not sent", self.name, event.kind, event.run_id)

    def end(self, until: float) -> None:
        try:
            self._waiting.put(None, timeout=max(0.0, until - time.monotonic()))
        except queue.Full:
            return
        self._thread.join(max(0.0, until - time.monotonic()))

    def _work(self) -> None:
        import httpx

        # What is sent goes where the operator's line says, and not where an answer points.
        with httpx.Client(follow_redirects=False, timeout=SECONDS) as client:
            while (event := self._waiting.get()) is not None:
                self._send(client, event)

    def _send(self, client: Any, event: Event) -> None:
        import httpx

        body = event.model_dump_json().encode()
        headers = {  # the delivery is the same each time: who has it already passes it over
            "Content-Type": "application/json",
            "X-Gristmill-Event": event.kind,
            "X-Gristmill-Delivery": f"{event.run_id}-{event.seq}",
        }
        if self.hook.secret:
            headers["X-Gristmill-Signature"] = signature(os.environ.get(self.hook.secret, ""), body)
        why = ""
        for attempt in range(TRIES):
            if attempt:
                time.sleep(4.0 ** (attempt - 1))
            try:
                status = client.post(self.hook.url, content=body, headers=headers).status_code
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                why = type(error).__name__
                continue
            if status < 300:
                return
            why = f"status {status}"
            if status < 500 and status not in (408, 429):
                break
        _log.warning("the webhook %s did not take %s of %s: %s", self.name, event.kind, event.run_id, why)
