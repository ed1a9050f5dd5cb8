"""Wrong tokens are slowed down and refused, nobody else is, and what is remembered is bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from kernel_gateway import attempts
from kernel_gateway.attempts import FREE, MOST, SLOWEST, SOURCES, WHILE, Attempts, source

ELSEWHERE = "192.0.2.7"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def tried(known: Attempts, address: str, times: int) -> list[float]:
    return [known.wrong(address) for _ in range(times)]


def test_answers_come_later_and_later_and_then_not_for_a_while() -> None:
    known = Attempts(clock := Clock())
    waits = tried(known, ELSEWHERE, MOST - 1)
    assert waits == sorted(waits)
    assert waits[:FREE] == [0.0] * FREE
    assert waits[-1] == SLOWEST
    assert known.refused(ELSEWHERE) == 0
    known.wrong(ELSEWHERE)
    assert known.refused(ELSEWHERE) == WHILE
    clock.now += WHILE - 1
    assert known.refused(ELSEWHERE) == 1
    clock.now += 1
    assert known.refused(ELSEWHERE) == 0
    assert known.wrong(ELSEWHERE) == 0.0, "and the count begins anew"


def test_a_wrong_one_is_forgotten_after_a_while() -> None:
    known = Attempts(clock := Clock())
    for _ in range(3 * MOST):
        assert known.wrong(ELSEWHERE) == 0.0
        clock.now += WHILE
    assert not known.refused(ELSEWHERE)


@pytest.mark.parametrize("here", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", ""])
def test_the_owner_is_not_locked_out_by_a_neighbour_on_this_machine(here: str) -> None:
    known = Attempts(Clock())
    tried(known, here, MOST)
    assert known.refused(here)
    assert known.right(here)


def test_elsewhere_an_address_that_is_refused_is_refused_whatever_it_sends_unless_it_is_known() -> None:
    known = Attempts(Clock())
    tried(known, ELSEWHERE, MOST)
    assert not known.right(ELSEWHERE)
    assert known.right("192.0.2.8"), "another address is another matter"
    tried(known, "192.0.2.8", MOST)
    assert known.right("192.0.2.8"), "it has shown the right one before"


def test_what_is_remembered_is_bounded() -> None:
    known = Attempts(Clock())
    for n in range(2 * SOURCES):
        known.wrong(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}")
        known.right(f"11.{n >> 16}.{n >> 8 & 255}.{n & 255}")
    assert len(known._wrong) == len(known._known) == SOURCES


def test_a_network_that_somebody_has_whole_is_one_source() -> None:
    assert source("2001:db8::1") == source("2001:db8::ffff:1") != source("2001:db8:0:1::1")
    assert source("fe80::1%eth0") == source("fe80::2%eth1")
    assert source("::ffff:192.0.2.1") == source("192.0.2.1") != source("192.0.2.2")


async def test_many_at_once_are_not_all_held(monkeypatch: pytest.MonkeyPatch) -> None:
    held = []

    async def sleep(seconds: float) -> None:
        held.append(seconds)

    monkeypatch.setattr(attempts.asyncio, "sleep", sleep)
    known = Attempts(Clock())
    answers = await asyncio.gather(*(known.hold(ELSEWHERE) for _ in range(500)))
    assert len(held) == answers.count(0) == MOST
    assert set(answers) == {0, WHILE}


def test_the_gateway_refuses_who_sends_wrong_keys_and_not_its_owner(
    gateways: Callable[..., Any], tmp_path: Path
) -> None:
    own = gateways(tmp_path / "home", "--isolation", "none", "--parked", "0")
    try:
        with httpx.Client(base_url=own.url, trust_env=False) as client:
            guesses = [client.get("/health", headers={"X-API-KEY": f"e2b_{n}"}).status_code for n in range(MOST)]
            assert guesses == [401] * MOST
            refused = client.get("/v2/sandboxes", headers={"X-API-KEY": "e2b_more"})
            assert refused.status_code == refused.json()["code"] == 429
            assert 0 < int(refused.headers["retry-after"]) <= WHILE
            assert refused.headers["should-retry"] == "false"
            assert client.get("/health").status_code == 401, "who sends none makes no guess"
            assert client.get("/health", headers={"X-API-KEY": own.key}).status_code == 200
    finally:
        own.stop()
