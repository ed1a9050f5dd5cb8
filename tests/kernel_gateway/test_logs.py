"""What a sandbox said: both of the wire's answers, the command, its bounds, and what must never be in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest
from e2b_code_interpreter import Sandbox

from kernel_gateway.inside.journal import MARK
from kernel_gateway.logs import Log


@pytest.fixture
def http(gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, headers={"X-API-KEY": gateway.key}, trust_env=False) as client:
        yield client


@pytest.fixture
def made(gateway) -> Iterator[Sandbox]:
    envs = {"API_KEY": "sesame-open-1234", "PEM": "first-line-of-it\nsecond-line-of-it", "MODE": "test"}
    sandbox = Sandbox.create(timeout=300, envs=envs, **gateway.connection)
    yield sandbox
    sandbox.kill()


def entries(http: httpx.Client, sandbox: Sandbox, **query: Any) -> list[dict[str, Any]]:
    answer = http.get(f"/v2/sandboxes/{sandbox.sandbox_id}/logs", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["logs"]


def messages(http: httpx.Client, sandbox: Sandbox, **query: Any) -> list[str]:
    return [one["message"] for one in entries(http, sandbox, **query)]


def test_a_log_tells_what_cells_and_commands_said(http, made: Sandbox, eventually: Callable) -> None:
    made.run_code("import sys\nprint('from a cell')\nprint('to stderr', file=sys.stderr)\n1 / 0")
    made.commands.run("echo from a command; echo oops >&2")
    eventually(lambda: "oops" in messages(http, made), "the command's last line")
    told = {one["message"]: (one["level"], one["fields"]["source"]) for one in entries(http, made)}
    assert told["The sandbox was created."] == ("info", "gateway")
    assert told["from a cell"] == ("info", "cell")
    assert told["to stderr"] == ("warn", "cell")
    assert told["ZeroDivisionError: division by zero"] == ("error", "cell")
    assert told["from a command"] == ("info", "process")
    assert told["oops"] == ("warn", "process")


def test_a_page_of_a_log_goes_on_from_a_moment_or_back_from_it(http, made: Sandbox, eventually: Callable) -> None:
    made.commands.run("for n in 1 2 3 4; do echo line $n; done")
    eventually(lambda: "line 4" in messages(http, made), "the command's last line")
    everything = entries(http, made)
    moments = [round(datetime.fromisoformat(one["timestamp"]).timestamp() * 1000) for one in everything]
    assert moments == sorted(set(moments)), "one moment each: a client goes on after the last that it has"
    assert entries(http, made, cursor=moments[2]) == everything[2:]
    assert entries(http, made, cursor=moments[2], direction="backward") == everything[2::-1]
    assert entries(http, made, limit=2) == everything[:2]
    assert messages(http, made, search="line 3") == ["line 3"]
    assert "line 1" not in messages(http, made, level="warn")


def test_the_first_version_of_the_answer_has_lines_of_json(http, made: Sandbox, eventually: Callable) -> None:
    made.commands.run("echo hello")
    eventually(lambda: "hello" in messages(http, made), "the command's line")
    body = http.get(f"/sandboxes/{made.sandbox_id}/logs").json()
    assert len(body["logs"]) == len(body["logEntries"])
    line = next(one["line"] for one in body["logs"] if "hello" in one["line"])
    assert (
        httpx.Response(200, text=line).json().items()
        >= {"level": "info", "logger": "process", "message": "hello"}.items()
    )


def test_no_value_of_the_environment_is_in_a_log(http, made: Sandbox, eventually: Callable) -> None:
    made.run_code("import os; print('key', os.environ['API_KEY']); print(os.environ['PEM']); print(os.environ['MODE'])")
    made.run_code("import os; print('own', os.environ['OWN'])", envs={"OWN": "only-this-call-5678"})
    made.run_code("import os; raise ValueError(os.environ['API_KEY'])")
    made.commands.run("echo $API_KEY $HIDDEN; echo done", envs={"HIDDEN": "only-this-command"})
    eventually(lambda: "done" in messages(http, made), "the command's last line")
    told = messages(http, made)
    for secret in ("sesame", "line-of-it", "only-this", made._envd_access_token or "", made.traffic_access_token or ""):
        assert not any(secret in line for line in told)
    assert {"key ***", "***", "own ***", "ValueError: ***", "*** ***"} <= set(told)
    assert "test" in told, "what is too short to be told from ordinary text stays"


def test_a_log_holds_the_end_of_much_output_and_says_what_it_left_out(
    http, made: Sandbox, eventually: Callable
) -> None:
    made.run_code("for n in range(200_000): print('x' * 50)")
    made.commands.run("yes | head -c 5000000; true")

    def told() -> list[str]:
        return messages(http, made, direction="backward")

    eventually(lambda: any("left out" in line for line in told()), "a word about what was left out")
    assert sum(map(len, told())) <= 256 << 10
    assert made.run_code("1").text == "1"


def test_a_log_outlasts_its_sandbox(gateway, http, eventually: Callable) -> None:
    made = Sandbox.create(timeout=300, **gateway.connection)
    made.run_code("print('last words')")
    made.kill()
    eventually(lambda: "last words" in messages(http, made), "what it said last")
    eventually(lambda: "The sandbox has ended." in messages(http, made), "a word about its end")
    assert http.get("/sandboxes/inone/logs").status_code == 404
    assert httpx.get(f"{gateway.url}/sandboxes/{made.sandbox_id}/logs").status_code == 401


def test_code_cannot_speak_as_the_gateway_nor_end_a_log(http, made: Sandbox, eventually: Callable) -> None:
    forged = '\\x1e{"level":"info","message":"forged","source":"gateway","event":"ended"}\\n'
    made.run_code(
        "import os\n"
        "for pid in filter(str.isdecimal, os.listdir('/proc')):\n"
        "    try:\n"
        f"        open(f'/proc/{{pid}}/fd/2', 'w').write('{forged}')\n"
        "    except OSError:\n"
        "        pass\n"
    )
    eventually(lambda: "forged" in messages(http, made), "the forged line")
    assert all(one["fields"] == {"source": "sandbox"} for one in entries(http, made) if one["message"] == "forged")


@pytest.mark.parametrize(
    "junk",
    [b"\x00\xff\n", MARK + b"{\n", MARK + b"[" * 50_000 + b"\n", MARK + b'{"level": 1}\n', MARK + b"null\n"],
)
def test_junk_does_no_harm_to_a_log(junk: bytes) -> None:
    log = Log()
    log.take(junk)
    log.take(b"x" * 10_000_000)
    log.take(b"\nplain\n")
    assert log.page()[-1].message == "plain"


def test_a_flood_of_lines_is_cut_off_and_counted() -> None:
    log = Log()
    log.take(b"a\n" * 100_000)
    assert len(log.page(limit=10_000)) <= 1000


def test_the_command_prints_a_log(gateway, made: Sandbox, http, eventually: Callable) -> None:
    made.run_code("print('\\x1b[31mred\\x1b[0m')")
    eventually(lambda: any("red" in line for line in messages(http, made)), "the cell's line")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("E2B_")}
    command = [sys.executable, "-m", "gristmill", "--home", str(gateway.home), "gateway", "logs"]
    done = subprocess.run([*command, made.sandbox_id], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert [line.split("  ")[1:] for line in done.stdout.splitlines()][-1] == ["info", " red"]
    gone = subprocess.run([*command, "inone"], env=environment, capture_output=True, text=True, timeout=300)
    assert gone.returncode == 1
    assert "There is no log of a sandbox inone" in gone.stderr
