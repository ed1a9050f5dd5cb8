"""Templates by name: ours and a team's own."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from notebooks import catalog
from notebooks.errors import BadNotebook, NotebookNotFound, ParameterError
from notebooks.nb import nbformat


def test_every_template_of_ours_says_what_it_is_and_takes_a_file() -> None:
    templates = catalog.catalog()
    assert templates
    for template in templates:
        assert template.title
        assert template.description
        assert "data" in {p.name for p in template.parameters}, template.name


def test_a_teams_template_joins_ours_and_replaces_one_of_the_same_name(write_notebook: Callable[..., Path]) -> None:
    own = write_notebook("# Our profile\n\nOurs.", "1", name="team/profile.ipynb", parameters="data: str = ''")
    write_notebook("# Churn\n\nWho leaves.", "1", name="team/churn.ipynb")
    templates = {t.name: t for t in catalog.catalog(own.parent)}
    assert templates["profile"].title == "Our profile"
    assert (templates["churn"].title, templates["churn"].description) == ("Churn", "Who leaves.")
    assert set(templates) > {t.name for t in catalog.catalog()} - {"profile"}


def test_a_teams_broken_template_does_not_take_the_others_along(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "broken.ipynb").write_text("{")
    with caplog.at_level(logging.WARNING):
        assert {t.name for t in catalog.catalog(tmp_path)} == {t.name for t in catalog.catalog()}
    assert "broken.ipynb is not a Jupyter notebook" in caplog.text


def test_an_unknown_name_says_what_is_near() -> None:
    with pytest.raises(NotebookNotFound, match=r"Did you mean profile\?"):
        catalog.find("profil")


def test_cells_come_in_order_under_their_headings_with_the_values_given(write_notebook: Callable[..., Path]) -> None:
    path = write_notebook(
        "# Heights\n\nHow tall.", "import math", "## Sum", "total = n + 1", "", parameters="n: int = 1  # how many"
    )
    template = next(t for t in catalog.catalog(path.parent) if t.name == "heights")
    cells = catalog.cells(template, {"n": "4"})
    assert [(c.title, c.code) for c in cells] == [
        ("Heights", "n: int = 4  # how many"),
        ("Heights", "import math"),
        ("Sum", "total = n + 1"),
    ]
    assert cells[0].tags == ("parameters",)
    with pytest.raises(ParameterError, match="takes int"):
        catalog.cells(template, {"n": "x"})


def test_a_notebook_in_another_language_is_refused(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}})
    nbformat.write(notebook, tmp_path / "r.ipynb")
    with pytest.raises(BadNotebook, match="only Python notebooks run"):
        catalog.read(tmp_path / "r.ipynb")


def test_our_templates_are_read_without_importing_nbformat() -> None:
    code = "import sys; from notebooks import catalog; print(len(catalog.catalog()), 'nbformat' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert told == [str(len(catalog.catalog())), "False"]


def test_nbformat_is_imported_without_a_grammar_that_takes_a_second_and_checks_notebooks_all_the_same() -> None:
    code = """
import sys
from notebooks.nb import nbformat, v4
print("rfc3987_syntax" in sys.modules, "lark" in sys.modules)
nbformat.validate(v4.new_notebook(cells=[v4.new_code_cell("1 + 1")]))
try:
    nbformat.validate({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code"}]})
except nbformat.ValidationError:
    print("refused")
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert told == ["False", "False", "refused"]


@pytest.mark.parametrize(
    ("notebook", "says"),
    [
        ("[1]", "not a Jupyter notebook"),
        ('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": 3}]}', "not a Jupyter notebook"),
        ('{"nbformat": 4, "nbformat_minor": 5, "metadata": [], "cells": 7}', "not a Jupyter notebook"),
        ("[" * 100_000, "not a Jupyter notebook"),
    ],
)
def test_what_is_no_notebook_is_a_sentence(tmp_path: Path, notebook: str, says: str) -> None:
    (tmp_path / "odd.ipynb").write_text(notebook)
    with pytest.raises(BadNotebook, match=says):
        catalog.read(tmp_path / "odd.ipynb")


def test_a_notebook_of_an_older_version_is_brought_up_to_date(tmp_path: Path) -> None:
    cell = {"cell_type": "code", "language": "python", "input": ["x = 1\n", "x"], "outputs": [], "metadata": {}}
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": "old"}, "worksheets": [{"cells": [cell]}]}
    (tmp_path / "old.ipynb").write_text(json.dumps(old))
    assert [c.source for c in catalog.read(tmp_path / "old.ipynb").cells] == ["x = 1\nx"]
