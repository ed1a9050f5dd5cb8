"""The main job: the README's question becomes a reviewed notebook that says what an expert would, and runs again."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from notebooks.nb import nbformat
from tests.e2e.product import PENGUINS, QUESTION, REPOSITORY, Product


def test_the_demo_is_the_command_that_the_readme_shows() -> None:
    asked = f'gristmill analyze examples/penguins.csv --ask "{QUESTION}"'
    assert asked in (REPOSITORY / "README.md").read_text()
    assert asked.split(" ", 1)[1] in (REPOSITORY / "Makefile").read_text()
    assert (REPOSITORY / shlex.split(asked)[2]) == PENGUINS


@pytest.mark.timeout(900)
def test_the_paradox_is_found_with_both_columns_the_species_and_the_numbers(
    analysed: tuple[Product, Path, str],
) -> None:
    _, out, _ = analysed
    findings = json.loads((out / "findings.json").read_text())["findings"]
    paradox = next(f for f in findings if f["kind"] == "simpsons_paradox" and "bill_length_mm" in f["columns"])
    assert paradox["type"] == "warning"
    assert {"bill_length_mm", "bill_depth_mm", "species"} <= set(paradox["columns"]) | set(paradox["roles"].values())
    assert abs(paradox["effect"]["value"] - -0.235) < 0.001
    assert paradox["rank"] <= 2
    pooled = [f for f in findings if f["type"] == "claim" and set(f["columns"]) == {"bill_length_mm", "bill_depth_mm"}]
    assert not [f for f in pooled if f["rank"] is not None and f["rank"] < paradox["rank"]], "the trap is told first"


def test_every_file_of_the_promise_is_there_and_the_terminal_told_the_story(
    analysed: tuple[Product, Path, str],
) -> None:
    _, out, shown = analysed
    names = {path.name for path in out.iterdir()}
    assert {"findings.json", "analysis.ipynb", "report.md", "report.html", "fig_01.png"} <= names
    for told in ("0.235", "Simpson", "0.39", "0.65", "Rule-based", "in a fresh sandbox: all that", "report.html"):
        assert told.lower() in shown.lower(), f"{told} is not in the terminal's story:\n{shown}"
    page = (out / "report.html").read_text()
    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="https?://', page), "the report loads nothing from elsewhere"


def test_the_notebook_is_valid_and_stands_alone_in_plain_jupyter(
    analysed: tuple[Product, Path, str], tmp_path: Path
) -> None:
    _, out, _ = analysed
    notebook = nbformat.read(out / "analysis.ipynb", as_version=4)
    nbformat.validate(notebook)
    (tmp_path / "penguins.csv").write_bytes(PENGUINS.read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "papermill", out / "analysis.ipynb", tmp_path / "again.ipynb", "-k", "python3"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr


def test_reproduce_reports_identical_or_equal_for_every_artifact(analysed: tuple[Product, Path, str]) -> None:
    product, _, _ = analysed
    again = next(run["id"] for run in product.json("runs", "list") if run["agent"] == "reproduce")
    verdicts = [match["verdict"] for match in product.json("runs", "show", again)["comparison"]["matches"]]
    assert len(verdicts) > 2
    assert set(verdicts) <= {"identical", "equal"}, verdicts


def test_nothing_is_left_running_after_the_command(analysed: tuple[Product, Path, str]) -> None:
    product, _, _ = analysed
    assert product.processes() == []
