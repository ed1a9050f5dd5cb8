"""Isolation and attacks again, with a gateway that an ordinary user runs, where the suite itself runs as root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
USER = 54321
VOLUMES = (
    "two_sandboxes_share_a_volume_and_each_owns_all_of_it",
    "an_attempt_to_leave_a_volume_is_stopped",
    "root_of_a_sandbox_leaves_a_volume_no_more_than_its_user",
    "what_root_writes_into_a_volume_is_the_users_too",
    "links_and_pipes_in_a_volume_lead_nobody_anywhere",
    "nobody_but_the_gateway_reaches_a_volume_on_the_host",
)
ATTACKS = (
    *("test_attacks.py", "test_isolation.py", "test_isolation_seccomp.py", "test_root.py"),
    *(f"test_volumes.py::test_{name}" for name in VOLUMES),
)
ALIKE = (  # what the sandbox is given to work with, and not what stops it: the same whoever runs the gateway
    "test_papermill_is_imported_where_its_engine_of_ours_is_not",
    "test_pip_replaces_a_package_of_the_environments",
    "test_folders_outside_of_the_home_are_watched",
    "test_root_has_a_terminal",
    "test_a_command_of_roots_is_listed_fed_and_ended",
    "test_a_sandbox_of_which_nothing_was_changed_has_a_small_snapshot",
)
NEEDED = ("unshare", "setpriv", "mount")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder of that user's; pytest's own may be entered by root alone."""
    folder = Path(tempfile.mkdtemp(prefix="gristmill-user-"))
    os.chown(folder, USER, USER)
    yield folder
    shutil.rmtree(folder)


def closed_to_others(path: Path) -> Path | None:
    """The topmost folder on the way to a path that only its owner may pass."""
    ways = [path, *path.parents]
    return next((way for way in reversed(ways) if not way.stat().st_mode & 0o001), None)


def opened(places: set[Path], stage: Path) -> list[str]:
    """Shell lines that, in a mount namespace of their own, let everybody reach these places and nothing beside them."""
    blocked = {place: way for place in sorted(places) if (way := closed_to_others(place)) is not None}
    lines = ["set -e"]
    for at, place in enumerate(blocked):
        lines += [f"mkdir {stage}/{at}", f"mount --bind {place} {stage}/{at}"]
    lines += [f"mount -t tmpfs -o mode=755 none {way}" for way in dict.fromkeys(blocked.values())]
    for at, place in enumerate(blocked):
        lines += [f"mkdir -p {place}", f"mount --bind {stage}/{at} {place}"]
    return lines


@pytest.mark.slow
@pytest.mark.timeout(700)
@pytest.mark.skipif(os.geteuid() != 0, reason="the suite runs as an ordinary user already")
@pytest.mark.skipif(any(shutil.which(name) is None for name in NEEDED), reason="needs unshare, setpriv and mount")
def test_every_attack_is_stopped_by_an_ordinary_users_gateway_too(place: Path) -> None:
    environment = {Path(sys.prefix), Path(sys.base_prefix), HERE.parents[1]}
    stage = place / "stage"
    stage.mkdir()
    become = f"setpriv --reuid {USER} --regid {USER} --clear-groups --inh-caps=-all --bounding-set=-all"
    attack = f"{sys.executable} -m pytest -p no:cacheprovider -m 'not slow' --basetemp={place}/pytest"
    attack += "".join(f" --deselect {HERE.relative_to(HERE.parents[1])}/test_root.py::{name}" for name in ALIKE)
    script = "\n".join([*opened(environment, stage), f"cd {HERE}", f"exec {become} {attack} {' '.join(ATTACKS)}"])
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
        env={**os.environ, "HOME": str(place), "TMPDIR": str(place), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counted = re.search(r"(\d+) passed", done.stdout)
    assert counted is not None
    assert int(counted[1]) > 60, "they ran, and were not skipped"
