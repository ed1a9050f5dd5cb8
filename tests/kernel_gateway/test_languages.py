"""Kernels of other languages are found by the language's name or their own, and started as their kernelspec says."""

import json
import sys
from pathlib import Path

import pytest

from kernel_gateway.inside.http import Refused
from kernel_gateway.inside.languages import canonical, find_kernel


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder, beside Python's, that Jupyter looks in: a kernel for JavaScript, and one that runs elsewhere."""
    specs = {
        "jslab": {"argv": ["python3", "-m", "shell", "{resource_dir}/k.js", "{connection_file}", "{other}"]},
        "remote": {"argv": ["x"], "language": "fortran", "metadata": {"kernel_provisioner": {"provisioner_name": "x"}}},
    }
    for name, more in specs.items():
        folder = tmp_path / "kernels" / name
        folder.mkdir(parents=True)
        common = {"display_name": name, "language": "JavaScript", "env": {"A": "b"}, "interrupt_mode": "message"}
        (folder / "kernel.json").write_text(json.dumps(common | more))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "none"))
    monkeypatch.setattr("jupyter_core.paths.SYSTEM_JUPYTER_PATH", [])  # whatever this machine has installed
    return tmp_path / "kernels"


@pytest.mark.parametrize("asked", ["javascript", "js", " Node ", "jslab"])
def test_a_kernel_is_found_and_its_command_filled_in(kernels: Path, asked: str) -> None:
    found = find_kernel(asked)
    folder = kernels / "jslab"
    command = [sys.executable, "-m", "shell", f"{folder}/k.js", "/run/c.json", "{other}"]
    assert found.command(Path("/run/c.json")) == command
    assert (found.language, found.interrupt, found.env) == ("javascript", "message", {"A": "b"})


@pytest.mark.parametrize(
    ("asked", "advice"),
    [
        ("R", "apt-get install r-cran-irkernel"),
        ("ts", "gristmill template build js --language typescript"),
        ("fortran", "/usr/local/share/jupyter/kernels"),
    ],
)
def test_a_language_without_a_kernel_says_what_there_is_and_what_to_install(
    kernels: Path, asked: str, advice: str
) -> None:
    with pytest.raises(Refused) as refused:
        find_kernel(asked)
    assert refused.value.status == 400
    assert f"no kernel for the language {asked!r}; it has bash, javascript, python" in refused.value.message
    assert advice in refused.value.message


def test_a_kernel_for_typescript_runs_javascript_where_no_other_does(kernels: Path) -> None:
    spec = kernels / "jslab" / "kernel.json"
    spec.write_text(spec.read_text().replace("JavaScript", "typescript"))
    assert find_kernel("js").name == find_kernel("ts").name == "jslab"


def test_a_language_has_one_name() -> None:
    assert [canonical(name) for name in ("JS", "nodejs", "ir", "Rust")] == ["javascript", "javascript", "r", "rust"]
