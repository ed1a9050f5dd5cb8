"""Parameters: read as declared, checked before anything runs, and never a way to slip code in."""

from __future__ import annotations

from typing import Any

import pytest

from notebooks.errors import ParameterError
from notebooks.parameters import Parameter, assignments, check, from_source, literal

SOURCE = """
data: str = "data.csv"  # the table
clusters: int | None = None  # how many, or none to choose
levels: list[float] = [0.5, 0.95]
strict = True
alpha: float = 0.05
options: dict = {}
import os
made = os.getcwd()
"""


def test_a_cell_declares_its_parameters_in_order_with_type_default_and_help() -> None:
    assert from_source(SOURCE) == [
        Parameter("data", "str", "data.csv", "the table"),
        Parameter("clusters", "int | None", None, "how many, or none to choose"),
        Parameter("levels", "list[float]", [0.5, 0.95]),
        Parameter("strict", "bool", True),
        Parameter("alpha", "float", 0.05),
        Parameter("options", "dict", {}),
    ]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"data": "a #b.csv"}, {"data": "a #b.csv"}),
        ({"clusters": "3"}, {"clusters": 3}),
        ({"clusters": "none"}, {"clusters": None}),
        ({"clusters": 3.0}, {"clusters": 3}),
        ({"levels": "0.1, 0.9"}, {"levels": [0.1, 0.9]}),
        ({"levels": "[1, 2]"}, {"levels": [1.0, 2.0]}),
        ({"strict": "no"}, {"strict": False}),
        ({"alpha": "1e-3"}, {"alpha": 0.001}),
        ({"options": '{"a": 1}'}, {"options": {"a": 1}}),
    ],
)
def test_text_from_a_command_line_becomes_the_declared_type(given: dict[str, Any], meant: dict[str, Any]) -> None:
    assert check(from_source(SOURCE), given) == meant


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"dat": "x"}, "This notebook has no parameter dat. Did you mean data?"),
        ({"clusters": "many"}, "Parameter clusters takes int | None, and 'many' is not that."),
        ({"clusters": True}, "Parameter clusters takes int | None, and True is not that."),
        ({"data": 3}, "Parameter data takes str, and 3 is not that."),
        ({"data": None}, "Parameter data needs a value of type str, not nothing."),
        ({"levels": "[1,"}, "Parameter levels takes"),
        ({"alpha": "."}, "Parameter alpha takes float"),
    ],
)
def test_a_value_that_does_not_fit_gets_a_sentence(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ParameterError) as refused:
        check(from_source(SOURCE), given)
    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize("name", ["x=1;import os", "a b", "", "class", "x\ny", "1st", "x[0]", "é.b", "lambda"])
def test_a_name_that_is_no_identifier_is_refused_before_anything_else(name: str) -> None:
    with pytest.raises(ParameterError, match="cannot be a parameter"):
        check([], {name: 1})


def test_assignments_mean_exactly_the_values_given() -> None:
    values = check(from_source(SOURCE), {"data": 'it\'s\n"quoted"\\', "levels": [1e-300]})
    scope: dict[str, Any] = {}
    exec(assignments(from_source(SOURCE), values), scope)
    assert scope["data"] == 'it\'s\n"quoted"\\'
    assert scope["levels"] == [1e-300]
    assert (scope["clusters"], scope["strict"]) == (None, True)


def test_only_plain_values_can_be_written() -> None:
    with pytest.raises(ParameterError, match="cannot be a set"):
        literal({1, 2})
    assert literal([float("inf"), None, {"a": True}]) == "[float(\"inf\"), None, {'a': True}]"


def test_a_parameters_cell_that_is_no_python_says_where() -> None:
    with pytest.raises(ParameterError, match=r"not valid Python: .* in line 2"):
        from_source("a = 1\nb = = 2")
