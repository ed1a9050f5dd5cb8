"""What happens is told to others: functions in Python, and programs by HTTP, signed, tried again, and never awaited."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import gristmill
from artifacts import listeners
from artifacts.events import RunEnded, RunStarted, TaskChanged
from artifacts.store import Store
from artifacts.types import Run, Task
from gristmill import webhooks
from gristmill.errors import Misuse

SECRET = "a-secret-of-the-test"


@pytest.fixture
def target() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]], list[int]]]:
    """A server's URL, what it was sent, and the statuses that it answers with before 204."""
    got: list[tuple[dict[str, str], bytes]] = []
    statuses: list[int] = []

    class Target(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(statuses.pop(0) if statuses else 204)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Target)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/token-in-the-path", got, statuses
    server.shutdown()
    server.server_close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "home") as opened:
        opened.announce()
        yield opened


def task(status: str) -> TaskChanged:
    return TaskChanged(run_id="run_1", task=Task(id="t1", title="Fit", agent="modeler", status=status))


def begin(store: Store) -> None:
    store.append_sync(RunStarted(run_id="run_1", run=Run(id="run_1", goal="?")))


def test_functions_hear_of_events_until_they_leave_and_what_they_raise_hurts_nobody(store: Store) -> None:
    heard: list[Any] = []

    def fails(event: Any) -> None:
        raise RuntimeError("no")

    leave = [gristmill.on("task_changed", fails), gristmill.on("task_changed", heard.append)]
    begin(store)
    store.append_sync(task("running"))
    listeners.settle()
    for one in leave:
        one()
    store.append_sync(task("done"))
    listeners.settle()
    assert [(e.kind, e.task.status, e.seq) for e in heard] == [("task_changed", "running", 2)]
    with pytest.raises(ValueError, match="There is no event 'task_change'"):
        gristmill.on("task_change", fails)


def test_a_webhook_is_signed_and_tried_again(store: Store, target, tmp_path: Path, monkeypatch) -> None:
    url, got, statuses = target
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    monkeypatch.setattr(webhooks.time, "sleep", lambda seconds: None)
    path = tmp_path / "webhooks.yaml"
    path.write_text(f"board:\n  url: {url}\n  secret: HOOK_SECRET\n")
    path.chmod(0o600)
    statuses += [500, 503]
    end = webhooks.serve(path)
    begin(store)
    store.append_sync(task("running"))
    store.append_sync(RunEnded(run_id="run_1", status="done"))
    end()
    assert [h["x-gristmill-event"] for h, _ in got] == ["task_changed"] * 3 + ["run_ended"]
    assert len({h["x-gristmill-delivery"] for h, _ in got}) == 2
    for headers, body in got:
        assert headers["x-gristmill-signature"] == webhooks.signature(SECRET, body)
    assert json.loads(got[0][1])["task"]["title"] == "Fit"
    held = b"".join(p.read_bytes() for p in store.home.rglob("*") if p.is_file())
    assert b"token-in-the-path" not in held


def test_a_webhook_that_nobody_takes_is_given_up_without_its_address(
    store: Store, target, tmp_path: Path, monkeypatch, caplog
) -> None:
    url, got, statuses = target
    monkeypatch.setattr(webhooks.time, "sleep", lambda seconds: None)
    path = tmp_path / "webhooks.yaml"
    path.write_text(f"board:\n  url: {url}\n  events: [task_changed]\n")
    path.chmod(0o600)
    statuses += [500] * webhooks.TRIES + [404]
    with caplog.at_level(logging.WARNING):
        end = webhooks.serve(path)
        begin(store)
        for status in ("running", "done"):
            store.append_sync(task(status))
        end()
    assert len(got) == webhooks.TRIES + 1, "what is refused is not tried again"
    assert [r.getMessage() for r in caplog.records if r.name == "gristmill.webhooks"] == [
        "the webhook board did not take task_changed of run_1: status 500",
        "the webhook board did not take task_changed of run_1: status 404",
    ]


@pytest.mark.parametrize(
    ("text", "mode", "told"),
    [
        ("a: {url: 'http://x', events: [task_change]}", 0o600, "no kind of event"),
        ("a: {url: 'ftp://secret'}", 0o600, "not as it should be"),
        ("a: {url: 'http://x', secret: NOT_SET_ANYWHERE}", 0o600, "set NOT_SET_ANYWHERE"),
        ("a: {url: 'http://x'}", 0o644, "chmod 600"),
    ],
)
def test_a_file_of_webhooks_that_cannot_be_used_says_why(tmp_path: Path, text: str, mode: int, told: str) -> None:
    path = tmp_path / "webhooks.yaml"
    path.write_text(text)
    path.chmod(mode)
    with pytest.raises(Misuse, match=told) as raised:
        webhooks.read(path)
    assert "secret'" not in str(raised.value)
