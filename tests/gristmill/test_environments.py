"""`gristmill template` and `gristmill kernel`: what they write, list, remove and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gristmill.cli import main
from tests.kernel_gateway.wheels import make_wheel


@pytest.fixture
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRISTMILL_HOME", str(home))
    monkeypatch.setenv("JUPYTER_PATH", str(home.parent / "prefix/share/jupyter"))
    return home


def _run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_an_environment_is_built_listed_looked_at_and_removed(at_home: Path, tmp_path: Path) -> None:
    make_wheel(tmp_path / "wheels", "tinyfact", "1.2", "")
    wanted = tmp_path / "requirements.txt"
    wanted.write_text("# ours\ntinyfact\n")
    assert "No environments" in _run("template", "list").output
    options = ("-r", str(wanted), "--offline", "--find-links", str(tmp_path / "wheels"))
    built = _run("template", "build", "tiny", *options)
    assert built.exit_code == 0, built.output
    assert "Successfully installed tinyfact-1.2" in built.stderr
    assert 'Sandbox.create("tiny")' in built.stdout
    [listed] = json.loads(_run("template", "list", "--json").output)
    assert (listed["name"], listed["packages"]["tinyfact"]) == ("tiny", "1.2")
    assert listed["folder"].startswith(str(at_home))
    assert "tinyfact" in _run("template", "list").output
    checks = json.loads(_run("doctor", "--json").output)["checks"]
    assert [c["state"] for c in checks if c["name"] == "environment: tiny"] == ["ok"]

    prefix = at_home.parent / "prefix"
    installed = _run("kernel", "install", "--template", "tiny", "--prefix", str(prefix))
    assert installed.exit_code == 0, installed.output
    spec = json.loads((prefix / "share/jupyter/kernels/gristmill-sandbox-tiny/kernel.json").read_text())
    assert spec["metadata"]["kernel_provisioner"]["config"] == {"home": str(at_home), "template": "tiny"}
    assert _run("kernel", "remove", "--template", "tiny").exit_code == 0
    assert not (prefix / "share/jupyter/kernels/gristmill-sandbox-tiny").exists()

    assert _run("template", "remove", "tiny").exit_code == 0
    assert json.loads(_run("template", "list", "--json").output) == []


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("template", "remove", "tiny"), 1, "There is no template 'tiny'"),
        (("template", "remove", "base"), 2, "default environment"),
        (("template", "build", "base", "-r", __file__), 2, "choose another"),
        (("kernel", "install", "--template", "tiny"), 1, "gristmill template build"),
        (("kernel", "install", "--user", "--prefix", "/tmp"), 2, "not both"),
        (("kernel", "remove", "--template", "tiny"), 1, "jupyter kernelspec list"),
    ],
)
def test_misuse_is_a_sentence(at_home: Path, words: tuple[str, ...], status: int, said: str) -> None:
    done = _run(*words)
    assert done.exit_code == status
    assert said in " ".join(done.stderr.split())
