"""Named environments: built from a wheel made here, seen read-only in a sandbox, replaced and removed beneath none."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from e2b import SandboxException
from e2b_code_interpreter import Sandbox

from kernel_gateway import environments
from kernel_gateway.build import BuildFailed, build
from kernel_gateway.errors import GatewayError
from kernel_gateway.recipes import PACKAGES, language
from kernel_gateway.requirements import built_lines
from tests.kernel_gateway.wheels import make_wheel

_CODE = "VERSION = {0!r}\ndef main():\n    print('tiny', VERSION)\n"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for version in ("1.2", "1.3"):
        make_wheel(folder, "tinyfact", version, _CODE.format(version), ("pandas>=2",))
    make_wheel(folder, "numpy", "1.0", "")
    return folder


def _build(home: Path, wheels: Path, wanted: str, name: str = "tiny") -> environments.Environment:
    requirements = wheels / "requirements.txt"
    requirements.write_text(wanted + "\n")
    return build(home, name, [requirements], find_links=[str(wheels)], offline=True)


@pytest.mark.slow
def test_a_sandbox_runs_in_one_keeps_it_and_changes_it_for_itself_alone(gateway, wheels: Path, eventually) -> None:
    tiny = _build(gateway.home, wheels, "tinyfact==1.2")
    assert tiny.packages["tinyfact"] == "1.2"
    assert {"pandas", "ipykernel"} <= set(tiny.packages)
    assert not list(tiny.folder.glob("lib/*/site-packages/pandas"))  # ours, which it lies over
    with Sandbox.create("tiny", timeout=300, **gateway.connection) as sandbox:
        assert sandbox.get_info().template_id == "tiny"
        ran = sandbox.run_code("import sys, pandas\nprint(sys.prefix, pandas.__version__)")
        assert "".join(ran.logs.stdout) == f"/opt/environment {tiny.packages['pandas']}\n"
        command = "tinyfact; which python; cd /opt/environment; touch x; cd lib/python3*/site-packages; touch y.py"
        assert sandbox.commands.run(command).stdout == "tiny 1.2\n/opt/environment/bin/python\n"
        assert sandbox.run_code("import y; y.__file__").text is not None
        assert not (tiny.folder / "x").exists()
        assert not list(tiny.folder.glob("lib/*/site-packages/y.py"))

        _build(gateway.home, wheels, "tinyfact==1.3")
        with pytest.raises(BuildFailed, match="No matching distribution found for nowhere-to-be-found"):
            _build(gateway.home, wheels, "nowhere-to-be-found")
        with Sandbox.create("tiny", timeout=300, **gateway.connection) as newer:
            assert newer.run_code("import tinyfact; tinyfact.VERSION").text == "1.3"
        environments.remove(gateway.home, "tiny")
        # Imported only now, when the build has neither a name nor a successor.
        assert sandbox.run_code("import tinyfact; tinyfact.VERSION").text == "1.2"
        message = r"404: There is no template 'tiny' on this host.*base.*built here: none"
        with pytest.raises(SandboxException, match=message):
            Sandbox.create("tiny", timeout=300, **gateway.connection)

    def is_empty() -> bool:
        with environments.building(gateway.home) as folder:
            return [entry.name for entry in folder.iterdir()] == [".lock"]

    eventually(is_empty, "the removal of builds that nobody uses")


def test_conflicts_are_told(tmp_path: Path, wheels: Path) -> None:
    with pytest.raises(BuildFailed, match="fixed versions") as failed:
        _build(tmp_path, wheels, "ipykernel==6.0")
    assert "The user requested ipykernel==6.0" in str(failed.value)
    made = _build(tmp_path, wheels, "numpy==1.0", "old")
    assert any(line.startswith("pandas") and "numpy 1.0" in line for line in made.warnings)
    assert [one.name for one in environments.environments(tmp_path)] == ["old"]
    os.unlink(made.folder / "bin" / "python")
    assert "is gone" in (made.stale() or "")


@pytest.mark.slow
def test_nothing_that_is_installed_runs_outside_of_a_sandbox(tmp_path: Path) -> None:
    wheels, ran = tmp_path / "wheels", tmp_path / "ran"
    code = f"import os; open({str(ran)!r}, 'a').write(__file__ if '__file__' in globals() else 'pth')\n"
    python = f'#!/bin/sh\ntouch {ran}\nexec {sys.executable} "$@"\n'
    optional = ("sitecustomize", "usercustomize", "attr", "brotli", "keyring", "setuptools", "_distutils_hack")
    more = {f"{name}.py": code for name in optional} | {"planted.pth": code, "scripts/python": python}
    more["data/pyvenv.cfg"] = "home = /nowhere\ninclude-system-site-packages = true\n"
    make_wheel(wheels, "planted", "1", code, (), more)
    make_wheel(wheels, "numpy", "1.0", code)  # one of ours, so that conflicts are looked for
    made = _build(tmp_path, wheels, "planted\nnumpy==1.0")
    assert not ran.exists()
    assert (made.packages["planted"], made.base) == ("1", sys.base_prefix)


@pytest.mark.parametrize("name", ["base", "../x", "Upper", ""])
def test_a_name_must_be_fit_and_free(tmp_path: Path, wheels: Path, name: str) -> None:
    with pytest.raises(GatewayError, match="name"):
        _build(tmp_path, wheels, "tinyfact", name)
    assert not environments.folder_of(tmp_path).exists()


@pytest.mark.parametrize(
    "wanted",
    [
        "./tinyfact",
        "-e .",
        "tinyfact @ file:///tmp/tinyfact-1.2.tar.gz",
        "git+https://localhost/tinyfact",
        "--pre --no-binary :all:",
        "--only-binary=:none:",
        "--no-bin=tinyfact",
        "tinyfact --hash=sha256:0 --no-binary :all:",
        "-r more.txt",
        "# -*- coding: utf-7 -*-",
        "tinyfact==\\\n1.2 \\\n@ file:///tmp/x",
    ],
)
def test_no_line_of_a_requirements_file_has_anything_built(tmp_path: Path, wheels: Path, wanted: str) -> None:
    (wheels / "more.txt").write_text("-c less.txt\n")
    (wheels / "less.txt").write_text("tinyfact @ https://localhost/tinyfact.zip\n")
    with pytest.raises(BuildFailed, match="asks for more than wheels"):
        _build(tmp_path, wheels, wanted)


def test_what_an_index_or_a_wheel_has_may_be_asked_for(tmp_path: Path) -> None:
    text = """
--index-url https://localhost/simple --pre
tinyfact[all]>=1,<2; python_version > "3"  # why not
other==1 --hash=sha256:00 \\
    --hash=sha256:01
file:///tmp/a/tinyfact-1.2-py3-none-any.whl
./tinyfact-1.2-py3-none-any.whl
tinyfact @ https://localhost/tinyfact-1.2-py3-none-any.whl#sha256=00
"""
    assert list(built_lines(tmp_path / "requirements.txt", text)) == []


def test_one_of_ours_needs_no_file_and_says_how_it_is_built(tmp_path: Path) -> None:
    with pytest.raises(environments.UnknownEnvironment, match="template build data-science-full` does it"):
        environments.find(tmp_path, "data-science-full")
    with pytest.raises(BuildFailed, match=r"-r FILE. By name there is data-science-full"):
        build(tmp_path, "nothing-of-ours", [])
    wheels = tmp_path / "wheels"
    for package in PACKAGES["data-science-full"]:
        make_wheel(wheels, package.replace("-", "_"), "1.0", "")
    made = build(tmp_path, "data-science-full", [], find_links=[str(wheels)], offline=True)
    assert made.requirements.split() == list(PACKAGES["data-science-full"])
    assert made.packages["opencv-python-headless"] == "1.0"


def test_a_language_is_installed_or_told_how(tmp_path: Path) -> None:
    with pytest.raises(GatewayError, match="sudo apt-get install r-cran-irkernel") as refused:
        language("r", (tmp_path,))
    assert "every sandbox has it then" in str(refused.value)
    (tmp_path / "ir").mkdir()
    (tmp_path / "ir" / "kernel.json").write_text('{"argv": ["R"], "language": "R"}')
    made = build(tmp_path, "stats", [], offline=True, language=language("r", (tmp_path,)))
    assert "pandas" in made.packages
    wheels = tmp_path / "wheels"
    make_wheel(wheels, "deno", "2.9", "")
    made = build(tmp_path, "js", [], find_links=[str(wheels)], offline=True, language=language("typescript"))
    spec = json.loads((made.folder / "share/jupyter/kernels/deno/kernel.json").read_text())
    assert spec["argv"][0] == "{prefix}/bin/deno"
    assert (made.folder / "bin" / "deno").exists()
