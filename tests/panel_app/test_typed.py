"""A typed question: the fields of its form become a query that the compiler takes, or a sentence on what is lacking."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from graphs.errors import InputError
from graphs.questions.compile import compile
from graphs.questions.query import Condition, Group, Measure, Query, Statistic
from panel_app.typed import NAMES, OF_ROWS, PAIRS, typed_query
from tests.panel_app.conftest import Dashboard, Watch

NewWatch = Callable[..., Watch]
TABLE = b'species,"mass, g",flag\nAdelie,3700,1\nGentoo,5000,0\n'


def test_a_typed_question_is_asked_as_it_stands(watch: NewWatch, dashboard: Dashboard, tmp_path: Path) -> None:
    table, other = tmp_path / "penguins.csv", tmp_path / "second.csv"
    table.write_bytes(TABLE)
    other.write_bytes(b"a;b\n1;2\n")
    tab = watch()
    page = tab.open("/")
    expect(page.get_by_label("Statistic")).to_be_hidden()
    page.get_by_text("Say exactly what to compute").click()
    page.locator("#ask-input").set_input_files([table, other])
    names = page.locator("#typed-columns option").evaluate_all
    expect(page.locator("#typed-columns option")).to_have_count(5)
    assert names("options => options.map((o) => o.value)") == ["species", "mass, g", "flag", "a", "b"]
    page.get_by_label("Condition column").fill("species")
    page.get_by_label("Value", exact=True).fill("Adelie")
    page.get_by_label("Group by").fill("flag")
    page.get_by_label("Question", exact=True).fill("Of what?")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_role("alert")).to_contain_text("no statistic. Choose one")
    page.get_by_label("Question", exact=True).fill("")
    page.get_by_label("Statistic").select_option("mean")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_role("alert").last).to_contain_text("of which column the mean is wanted")
    page.get_by_label("Column", exact=True).fill("mass, g")
    expect(page.get_by_label("Second column")).to_be_hidden()
    expect(page.get_by_label("Value", exact=True)).to_have_value("Adelie")
    page.get_by_role("button", name="Ask").click()
    page.wait_for_url("**/runs/run_*")
    ((request, files),) = dashboard.workbench.asked
    assert files == {"penguins.csv": TABLE, "second.csv": b"a;b\n1;2\n"}
    assert request.question == ""
    (asked,) = request.asked
    assert asked.text == "Mean of mass, g where species is Adelie, for each flag"
    assert asked.queries == (
        Query(
            text=asked.text,
            table="penguins.csv",
            where=(Condition(left="species", op="=", right="Adelie"),),
            measures=(Measure(op="mean", of="mass, g"),),
            group_by=(Group(of="flag"),),
        ),
    )
    expect(page.locator("h1")).to_have_text(asked.text)
    assert tab.faults == []


def test_an_empty_form_leaves_the_words_to_be_read() -> None:
    assert typed_query({"op": "", "of": " ", "operator": "=", "table": "a.csv"}, "How many?") is None


FILE = {
    "name": "t.csv",
    "rows": 4,
    "columns": [
        {"name": "mass, g", "dtype": "float64", "n_missing": 0, "n_unique": 4},
        {"name": "depth", "dtype": "float64", "n_missing": 0, "n_unique": 4},
        {"name": "species", "dtype": "str", "n_missing": 0, "n_unique": 2, "values": ["Adelie", "Gentoo"]},
    ],
}


@pytest.mark.parametrize("op", NAMES)
@pytest.mark.parametrize("group", ["", "species"])
def test_every_statistic_that_is_offered_can_be_computed(op: Statistic, group: str) -> None:
    form = {"op": op, "of": "" if op in OF_ROWS else "mass, g", "other": "depth" if op in PAIRS else "", "p": "0.9"}
    query = typed_query(form | {"group": group, "left": "species", "operator": "!=", "right": "Gentoo"})
    assert query is not None
    assert compile(query, [FILE])


@pytest.mark.parametrize(
    ("operator", "right", "meant"),
    [
        (">=", "3.5", 3.5),
        ("=", "3500", 3500),
        ("=", "'3500'", "3500"),
        ("!=", "False", False),
        ("between", "10, 20", (10, 20)),
        ("in", "Adelie, Gentoo", ("Adelie", "Gentoo")),
        ("contains", "a, b", "a, b"),
        ("missing", "", None),
    ],
)
def test_a_value_is_read_as_what_it_looks_like(operator: str, right: str, meant: object) -> None:
    query = typed_query({"op": "count", "left": "x", "operator": operator, "right": right})
    assert query is not None
    assert query.where == (Condition(left="x", op=operator, right=meant),)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"of": "x"}, "no statistic"),
        ({"op": "median"}, "of which column the median is wanted"),
        ({"op": "slope", "of": "x"}, "Name the second"),
        ({"op": "share"}, "which rows are to be counted"),
        ({"op": "quantile", "of": "x", "p": "90"}, "from 0 to 1"),
        ({"op": "count", "right": "5"}, "names no column"),
        ({"op": "count", "left": "x", "operator": "<"}, "nothing to compare 'x' with"),
        ({"op": "count", "left": "x", "operator": "between", "right": "1"}, "two values"),
    ],
)
def test_what_is_lacking_is_said(form: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        typed_query(form)
