"""The whole system of a sandbox can be written to, by its user and by its root, and all of it is the sandbox's own."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import packaging
import pytest
from e2b import AuthenticationException, CommandExitException, InvalidArgumentException, PtySize
from e2b_code_interpreter import AsyncSandbox, Sandbox

from tests.kernel_gateway.wheels import make_wheel

PLACES = ("/mnt/data", "/data", "/workspace", "/app", "/opt", "/root", "/srv", "/etc", "/var/lib/x", "/usr/local/bin")
PACKAGES = sysconfig.get_path("purelib")
MARK = "gristmill-test-of-root"


@pytest.fixture
def one(gateway) -> Iterator[Sandbox]:
    made = Sandbox.create(timeout=300, **gateway.connection)
    yield made
    made.kill()


@pytest.mark.parametrize("place", [*PLACES, "/usr/bin", PACKAGES])
def test_a_file_is_written_and_the_host_has_nothing_of_it(gateway, shared_id: str, place: str) -> None:
    sandbox = Sandbox.connect(shared_id, timeout=600, **gateway.connection)
    sandbox.files.write(f"{place}/{MARK}", "mine")
    assert sandbox.files.read(f"{place}/{MARK}") == "mine"
    assert sandbox.run_code(f"open('{place}/{MARK}').read()").text == "mine"
    assert MARK in [entry.name for entry in sandbox.files.list(place)]
    assert not Path(place, MARK).exists()
    other = Sandbox.create(timeout=300, **gateway.connection)
    try:
        assert not other.files.exists(f"{place}/{MARK}")
    finally:
        other.kill()


def test_a_program_of_the_systems_is_replaced_and_removed_in_one_sandbox_alone(gateway, one: Sandbox) -> None:
    before = Path("/usr/bin/env").read_bytes()
    replace = (
        "printf '#!/bin/sh\\necho mine\\n' > /usr/bin/new && chmod 755 /usr/bin/new && mv /usr/bin/new /usr/bin/env"
    )
    assert one.commands.run(f"{replace} && rm /usr/bin/cut && env; ls /usr/bin/cut 2>&1; true").stdout.startswith(
        "mine"
    )
    assert Path("/usr/bin/env").read_bytes() == before
    assert Path("/usr/bin/cut").exists()
    with pytest.raises(CommandExitException, match="not found"):
        one.commands.run("cut --version")


def test_a_module_written_among_the_packages_is_imported(one: Sandbox) -> None:
    one.files.write(f"{PACKAGES}/of_this_sandbox.py", "answer = 42")
    assert one.run_code("import of_this_sandbox; of_this_sandbox.answer").text == "42"
    assert one.run_code("import numpy; int(numpy.arange(3).sum())").text == "3"


@pytest.mark.slow
def test_papermill_is_imported_where_its_engine_of_ours_is_not(one: Sandbox) -> None:
    done = one.run_code("import papermill; papermill.__name__")
    assert (done.error, done.text) == (None, "papermill")
    shown = "from importlib.metadata import distribution; distribution('gristmill').entry_points"
    assert one.run_code(shown).text == "()"


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="who runs the gateway may not own the environment")
def test_pip_replaces_a_package_of_the_environments(one: Sandbox, tmp_path: Path) -> None:
    """The shared environment's owner is root, whose files a gateway of root's gives to the sandbox."""
    make_wheel(tmp_path, "packaging", "99.0", "VERSION = '99'")
    make_wheel(tmp_path, "tinyfact", "1.2", "VERSION = '1.2'")
    for wheel in tmp_path.glob("*.whl"):
        one.files.write(f"/tmp/wheels/{wheel.name}", wheel.read_bytes())
    before = Path(packaging.__file__).read_bytes()
    one.commands.run(
        "PIP_CONFIG_FILE=/dev/null pip install --no-index --no-deps --find-links /tmp/wheels packaging==99.0 tinyfact",
        timeout=120,
    )
    shown = "import importlib.metadata as m; print(m.version('packaging'), m.version('tinyfact'))"
    assert one.commands.run(f'python -c "{shown}"').stdout == "99.0 1.2\n"
    assert one.run_code("import tinyfact; tinyfact.VERSION").text == "1.2"
    assert Path(packaging.__file__).read_bytes() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="who runs the gateway may not own the environment")
def test_broken_packages_do_not_break_the_service(gateway, one: Sandbox) -> None:
    for name in ("python_multipart", "uvicorn", "ipykernel"):
        one.files.write(f"{PACKAGES}/{name}/__init__.py", "raise SystemExit('broken')")
    assert "broken" in one.commands.run("python -c 'import ipykernel' 2>&1; true").stdout
    one.files.write_files([{"path": "a", "data": "1"}, {"path": "b", "data": "2"}])
    assert one.run_code("open('a').read() + open('b').read()").text == "12"
    assert one.run_code("1 + 1", context=one.create_code_context()).text == "2"
    Sandbox.delete_snapshot(one.create_snapshot().snapshot_id, **gateway.connection)


@pytest.mark.parametrize("place", ["/data", "/usr/local/lib", PACKAGES])
def test_folders_outside_of_the_home_are_watched(one: Sandbox, place: str) -> None:
    if not one.files.exists(place):
        one.files.make_dir(place)
    watched = one.files.watch_dir(place)
    one.files.write(f"{place}/a.csv", "1")
    one.run_code(f"open('{place}/b.csv', 'w').write('2')")
    assert {"a.csv", "b.csv"} <= {event.name for event in watched.get_new_events()}
    watched.stop()


def test_the_whole_disk_has_one_limit_and_the_metrics_say_what_is_used(one: Sandbox) -> None:
    before = one.get_metrics()[-1]
    one.run_code("import os; os.mkdir('/data'); open('/data/big', 'wb').write(bytes(8 << 20))")
    one.run_code("open('/usr/local/lib/big', 'wb').write(bytes(8 << 20))")
    after = one.get_metrics()[-1]
    assert after.disk_used - before.disk_used >= 16 << 20
    sizes = one.run_code("import os; [os.statvfs(p).f_blocks for p in ('/', '/home/user', '/data', '/usr')]").results[0]
    assert len(set(sizes.json)) == 1
    assert sizes.json[0] * 4096 == after.disk_total


def test_root_is_root_and_the_user_is_the_user(one: Sandbox) -> None:
    look = "id -u; id -un; echo $HOME; pwd"
    assert one.commands.run(look).stdout.split() == ["1000", "user", "/home/user", "/home/user"]
    for command, options in ((look, {"user": "root"}), (f"sudo -i sh -c '{look}'", {})):
        assert one.commands.run(command, **options).stdout.split() == ["0", "root", "/root", "/root"]
    assert one.commands.run("touch x; stat -c %U x", user="root").stdout == "root\n"
    one.files.write("note", "of root", user="root")
    assert one.files.read("/root/note") == one.files.read("~/note", user="root") == "of root"
    assert one.commands.run("stat -c %U ~; stat -c %U /root").stdout == "user\nuser\n"  # all files have one owner


def test_root_gives_files_away_as_installers_do_and_nothing_changes(one: Sandbox) -> None:
    one.commands.run("sudo mkdir /data && sudo chown -R user:user /data && echo 1 > /data/mine")
    assert one.commands.run("stat -c %U /data/mine").stdout == "user\n"


def test_sudo_passes_streams_variables_and_statuses(one: Sandbox) -> None:
    done = one.commands.run(
        "echo in | sudo tee /etc/motd; sudo A=1 sh -c 'echo $A $B $SUDO_USER'; sudo sh -c 'echo err >&2; exit 3'; "
        "echo $?; sudo -u user id -u; sudo -n -E true && sudo --user root -- id -u; sudo nosuch 2>/dev/null; echo $?",
        envs={"B": "2"},
    )
    assert done.stdout.split() == ["in", "1", "2", "user", "3", "1000", "0", "127"]
    assert done.stderr == "err\n"
    assert one.run_code("import subprocess; subprocess.check_output(['sudo', 'id', '-u'])").text == "b'0\\n'"


def test_what_root_may_not_do_is_said_in_a_sentence(one: Sandbox) -> None:
    with pytest.raises(CommandExitException) as failed:
        one.commands.run("sudo mount -t tmpfs none /mnt")
    assert "no mounts, no network settings" in failed.value.stderr
    with pytest.raises(CommandExitException) as failed:
        one.commands.run("sudo apt-get install -y jq")
    assert "no packages of the system's" in failed.value.stderr
    assert "pip install NAME" in failed.value.stderr
    with pytest.raises(CommandExitException, match="unknown user alice"):
        one.commands.run("sudo -u alice true")
    with pytest.raises(AuthenticationException, match="has the users root and user"):
        one.commands.run("true", user="alice")
    with pytest.raises(InvalidArgumentException, match="has the users root and user"):
        one.files.read("x", user="alice")


def test_a_command_of_roots_is_listed_fed_and_ended(one: Sandbox) -> None:
    running = one.commands.run("cat; sleep 600", user="root", background=True, stdin=True)
    assert running.pid in [info.pid for info in one.commands.list()]
    one.commands.send_stdin(running.pid, "fed\n")
    assert next(iter(running))[0] == "fed\n"
    assert running.kill()
    one.commands.run("while pgrep -x cat | grep -v ^2$; do sleep 0.05; done", timeout=30)
    killed = one.commands.run("sudo sleep 600", background=True)
    assert killed.kill()
    one.commands.run("while pgrep -x sleep; do :; done", timeout=30)


def test_root_has_a_terminal(one: Sandbox) -> None:
    said: list[bytes] = []
    terminal = one.pty.create(PtySize(rows=24, cols=80), user="root", timeout=60)
    one.pty.send_stdin(terminal.pid, b"id -u; tty; exit 4\n")
    with pytest.raises(CommandExitException) as ended:
        terminal.wait(on_pty=said.append)
    assert ended.value.exit_code == 4
    assert b"0\r\n/dev/pts/0\r\n" in b"".join(said)


CHANGE = f"""
mkdir -p /data/deep /usr/local/share/mine && echo 1 > /data/deep/x && echo 2 > /usr/local/share/mine/y
echo 3 > {PACKAGES}/of_a_snapshot.py && ln -s /data /usr/local/share/link && ln /data/deep/x ~/hard
rm /usr/bin/cut && echo 4 > /etc/mine && echo 5 > /root/z && chmod 700 /data/deep
"""
LOOK = f"""
cat /data/deep/x /usr/local/share/mine/y {PACKAGES}/of_a_snapshot.py /etc/mine /root/z ~/hard
readlink /usr/local/share/link; stat -c '%a %h' /data/deep /data/deep/x; ls /usr/bin/cut 2>/dev/null || echo none
"""


def test_a_snapshot_a_fork_and_a_pause_keep_the_whole_system(gateway, one: Sandbox) -> None:
    one.commands.run(CHANGE)
    wanted = one.commands.run(LOOK).stdout
    assert wanted.endswith("\nnone\n")
    snapshot = one.create_snapshot()
    forked = one.fork(timeout=120)[0]
    made = Sandbox.create(snapshot.snapshot_id, timeout=120, **gateway.connection)
    try:
        for other in (forked, made):
            assert other.commands.run(LOOK).stdout == wanted
            assert other.run_code("import numpy; int(numpy.arange(3).sum())").text == "3"
        again = made.create_snapshot()  # of one that was itself unpacked
        Sandbox.delete_snapshot(again.snapshot_id, **gateway.connection)
        one.pause(mode="filesystem")
        assert Sandbox.connect(one.sandbox_id, timeout=300, **gateway.connection).commands.run(LOOK).stdout == wanted
    finally:
        for other in (forked, made):
            other.kill()
        Sandbox.delete_snapshot(snapshot.snapshot_id, **gateway.connection)


async def test_a_sandbox_of_which_nothing_was_changed_has_a_small_snapshot(gateway, fresh: AsyncSandbox) -> None:
    snapshot = await fresh.create_snapshot()
    kept = gateway.home / "gateway-snapshots"
    sizes = [path.stat().st_size for path in gateway.home.rglob("*.tar")] if not kept.exists() else []
    assert sizes
    assert min(sizes) < 200_000
    await AsyncSandbox.delete_snapshot(snapshot.snapshot_id, **gateway.connection)


def test_a_sandbox_whose_system_was_taken_away_harms_none_other(gateway, one: Sandbox) -> None:
    one.commands.run("rm -rf /usr/lib /usr/bin /etc /opt /root 2>/dev/null; true")
    other = Sandbox.create(timeout=300, **gateway.connection)
    try:
        assert other.run_code("import subprocess; subprocess.check_output(['id', '-u'])").text == "b'1000\\n'"
    finally:
        other.kill()
    assert Path(os.__file__).exists()
    assert Path(sys.executable).exists()
