"""Notices reach a real SMTP server and a real HTTP server on loopback, and say nothing that they must not."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from artifacts.types import Attempt, Fire, Schedule
from notebooks.errors import NotifyError
from notebooks.notify import check_targets, first_sentence, message, read_targets, send
from tests.free_port import free_port
from tests.hook import Hook

DUE = datetime(2026, 1, 5, 6, tzinfo=UTC)
SECRET = "s3cret-w0rd"


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as hook:
        yield hook


class Inbox:
    def __init__(self) -> None:
        self.heard: list[tuple[str, list[str], str]] = []
        self.types: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = message_from_bytes(envelope.content, policy=policy.default)
        body = mail.get_body(("html", "plain"))
        assert body is not None
        self.types.append(body.get_content_type())
        self.heard.append((str(mail["subject"]), envelope.rcpt_tos, body.get_content()))
        return "250 OK"


@pytest.fixture
def mail() -> Iterator[tuple[Inbox, int]]:
    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield inbox, controller.port
    controller.stop()


@pytest.fixture
def targets(tmp_path: Path) -> Path:
    return tmp_path / "notify.yaml"


def write(targets: Path, **named: str) -> Path:
    targets.write_text("".join(f"{name}: {url}\n" for name, url in named.items()))
    targets.chmod(0o600)
    return targets


def ended(outcome: str, *statuses: str, reason: str | None = None) -> Fire:
    attempts = tuple(
        Attempt.model_validate({"number": i, "run_id": f"run_{i}", "began_at": DUE, "status": status})
        for i, status in enumerate(statuses, 1)
    )
    given = {"schedule_id": "sch_1", "due": DUE, "claimed_at": DUE, "outcome": outcome, "reason": reason}
    return Fire.model_validate(given | {"attempts": attempts})


SCHEDULE = Schedule(id="sch_1", cron="0 7 * * *", timezone="Europe/Berlin", kind="question", goal="What changed?")


def test_the_text_says_which_schedule_what_came_of_it_and_where_the_run_is() -> None:
    title, text = message(
        SCHEDULE, ended("done", "failed", "done"), "**Sales** fell by 3.5 % in May. More.", "http://h"
    )
    assert title == "Gristmill: What changed?: done"
    assert text.splitlines() == [
        "What changed?",
        "Due Mon 05 Jan 2026, 07:00 (Europe/Berlin): done after 2 attempts.",
        "Sales fell by 3.5 % in May.",
        "http://h/runs/run_2 or `gristmill runs show run_2`",
    ]
    _, text = message(SCHEDULE, ended("failed", "refused", reason="There is no file a.csv."), "", "http://h")
    assert text.splitlines()[2:] == ["There is no file a.csv.", "`gristmill schedule show sch_1` tells more."]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("# Longer bills are shallower (r = −0.235). Within species not.", "Longer bills are shallower (r = −0.235)."),
        ("It rose to 3.5. Then it fell.", "It rose to 3.5."),
        ("\n\n- one line without an end", "one line without an end"),
        ("", ""),
        ("x" * 400, "x" * 299 + "…"),
    ],
)
def test_of_an_answer_the_first_sentence_is_told(answer: str, sentence: str) -> None:
    assert first_sentence(answer) == sentence


def test_a_webhook_and_a_mailbox_are_told(targets: Path, hook: Hook, mail: tuple[Inbox, int]) -> None:
    inbox, port = mail
    write(
        targets,
        ops=f"json://{hook.url}/hooks/{SECRET}",
        team=f"mailto://127.0.0.1:{port}?from=mill@example.org&to=team@example.org&mode=insecure&format=text",
    )
    check_targets(targets, ["ops", "team"])
    send(targets, "ops", "A title", "A text\nof two lines")
    ((path, told),) = hook.heard
    assert path == f"/hooks/{SECRET}"
    assert (told["title"], told["message"], told["type"]) == ("A title", "A text\nof two lines", "success")
    send(targets, "team", "A title", "A text\nof two lines")
    ((subject, to, body),) = inbox.heard
    assert (subject, to) == ("A title", ["team@example.org"])
    assert body.strip().splitlines() == ["A text", "of two lines"]


def test_what_an_answer_holds_is_no_markup_in_a_mail(targets: Path, mail: tuple[Inbox, int]) -> None:
    inbox, port = mail
    to = f"mailto://127.0.0.1:{port}?from=mill@example.org&to=team@example.org&mode=insecure"
    write(targets, text=to, html=f"{to}&format=html")
    for name in ("text", "html"):
        send(targets, name, "A title", "Rose <img src=x>\nand fell")
    plain, html = (body for _, _, body in inbox.heard)
    assert inbox.types == ["text/plain", "text/html"]
    assert "<img" in plain
    assert "&lt;img" in html
    assert "<img" not in html


@pytest.mark.parametrize("status", [500, 403, 302])
def test_a_refusal_names_the_target_and_the_status_and_no_address(
    targets: Path, hook: Hook, status: int, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    hook.status = status
    write(targets, ops=f"json://user:{SECRET}@{hook.url}/x")
    with pytest.raises(NotifyError, match=f"'ops' was refused with status {status}") as refused:
        send(targets, "ops", "A title", "A text")
    assert [path for path, _ in hook.heard] == ["/x"], "where the answer points, nothing is sent"
    assert SECRET not in str(refused.value)
    assert SECRET not in caplog.text + "".join(capfd.readouterr())


def test_a_server_that_is_not_there_is_told_without_its_address(
    targets: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for url in (
        f"json://user:{SECRET}@127.0.0.1:{free_port()}",
        f"mailto://u:{SECRET}@127.0.0.1:{free_port()}?from=x@example.org&to=y@example.org",
    ):
        write(targets, ops=url)
        with pytest.raises(NotifyError, match="'ops' did not go through"):
            send(targets, "ops", "A title", "A text")
    assert SECRET not in caplog.text + "".join(capfd.readouterr())


def test_only_what_the_operator_named_can_be_a_target(targets: Path) -> None:
    with pytest.raises(NotifyError, match="it has none yet"):
        check_targets(targets, ["ops"])
    write(targets, ops=f"nonsense-{SECRET}", team="json://127.0.0.1")
    with pytest.raises(NotifyError, match=r"no target 'boss' .*ops, team"):
        check_targets(targets, ["team", "boss"])
    with pytest.raises(NotifyError, match="Name a target, not a URL") as url:
        check_targets(targets, [f"json://u:{SECRET}@h"])
    with pytest.raises(NotifyError, match="none that Apprise knows") as unknown:
        check_targets(targets, ["ops"])
    assert SECRET not in f"{url.value}{unknown.value}"
    check_targets(targets, [])


@pytest.mark.parametrize("text", ["- json://s3cret-w0rd", "ops: [a, b]", "{s3cret-w0rd: ", "\udcff"])
def test_a_file_that_cannot_be_used_is_told_and_not_quoted(targets: Path, text: str) -> None:
    targets.write_bytes(text.encode(errors="surrogateescape"))
    targets.chmod(0o600)
    with pytest.raises(NotifyError, match="name: URL") as bad:
        read_targets(targets)
    assert SECRET not in str(bad.value)


def test_a_file_that_others_may_read_is_not_used(targets: Path) -> None:
    write(targets, ops="json://127.0.0.1").chmod(0o644)
    with pytest.raises(NotifyError, match="chmod 600"):
        read_targets(targets)
