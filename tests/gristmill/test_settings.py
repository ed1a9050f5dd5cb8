"""Settings are read once, and a value that makes no sense is named."""

from __future__ import annotations

import zoneinfo
from pathlib import Path

import pytest

from gristmill import discovery
from gristmill.errors import Misuse
from gristmill.settings import load


def test_the_defaults_are_the_loopback_and_the_playbook(tmp_path: Path) -> None:
    settings = load({"GRISTMILL_HOME": str(tmp_path)})
    assert (settings.host, settings.port, settings.isolation, settings.model) == ("127.0.0.1", 5006, "bubblewrap", None)
    assert settings.rerun
    assert settings.packages
    assert settings.home == tmp_path
    assert settings.templates == tmp_path / "templates"
    assert zoneinfo.ZoneInfo(settings.timezone)


def test_what_is_set_is_taken() -> None:
    settings = load(
        {
            "GRISTMILL_HOME": "~/x",
            "GRISTMILL_ALLOWED_HOSTS": "Box.example, other ,",
            "GRISTMILL_MAX_UPLOAD_MB": "3",
            "GRISTMILL_RERUN": "0",
            "GRISTMILL_PACKAGES": "0",
            "GRISTMILL_TIMEZONE": "Asia/Kathmandu",
        }
    )
    assert settings.home == Path.home() / "x"
    assert settings.allowed_hosts == ("box.example", "other")
    assert settings.max_upload == 3 * 1024 * 1024
    assert not settings.rerun
    assert not settings.packages
    assert settings.timezone == "Asia/Kathmandu"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GRISTMILL_PORT", "many"),
        ("GRISTMILL_PORT", "70000"),
        ("GRISTMILL_ISOLATION", "hope"),
        ("GRISTMILL_RERUN", "maybe"),
        ("GRISTMILL_PACKAGES", "yes"),
        ("GRISTMILL_TOKEN", "short"),
        ("GRISTMILL_TOKEN", "long enough but; with=signs"),
        ("GRISTMILL_MAX_UPLOAD_MB", "0"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(name: str, value: str) -> None:
    with pytest.raises(Misuse, match=name):
        load({"GRISTMILL_HOME": "/x", name: value})


def test_the_token_of_a_data_folder_is_kept_for_its_owner_until_another_is_wanted(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = discovery.token(home)
    assert discovery.token(home) == first
    assert (home / "token").stat().st_mode & 0o777 == 0o600
    assert discovery.token(home, new=True) != first
    (home / "token").write_text("short")
    assert len(discovery.token(home)) >= 16, "what is no token is not used as one"
