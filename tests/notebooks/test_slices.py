"""The slice of the toolkit for some code: all that it needs, nothing that is there already, the same text each time."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from notebooks import slices
from notebooks.catalog import catalog, cells, find
from notebooks.slices import TOOLKIT, binds, lacking, package, part, reads, slice_for, statements

WHOLE = package(TOOLKIT)


@pytest.mark.parametrize("name", sorted(n for n in WHOLE.names if not n.startswith("_")))
def test_the_slice_for_any_public_name_runs_alone_and_names_all_that_it_uses(name: str) -> None:
    text = slice_for(name)
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(text, "slice", "exec", dont_inherit=True), space)
    assert name in space
    assert not (reads(text) - binds(text)) & (WHOLE.names | set(WHOLE.imports))


def test_a_slice_holds_what_is_needed_and_no_more() -> None:
    text = slice_for("print(percent(0.25))")
    assert binds(text) == {"percent"}
    assert text.startswith("# Gristmill's toolkit")
    assert binds(slice_for("say('bill_mm')")) == {
        "re",
        "say",
        "name_and_unit",
        "CARRIED",
        "UNITS",
        "WRITTEN",
        "_NO_TIME",
    }


def test_code_that_uses_nothing_of_the_toolkit_gets_no_cell() -> None:
    assert slice_for("x = 1\nprint(x)") == ""
    assert slice_for("def percent(x):\n    return x\n\npercent(2)") == "", "the code's own function"
    assert slice_for("[short for short in (1, 2)]") == "", "a local name"


@pytest.mark.parametrize(
    ("code", "read", "bound"),
    [
        ("x = y", "y", "x"),
        ("x += 1", "x", "x"),
        ("def f(a: b, c=d) -> e:\n    g = h + a\n    return lambda i: i + j + g", "b d e h j", "f"),
        ("def f():\n    global a\n    a = a + b", "a b", "a f"),
        ("[a + b for a in c if d(a)]", "b c d", ""),
        ("class A(B):\n    c: int = d\n    def e(self):\n        return f", "B int d f", "A"),
        ("import a.b, c as d\nfrom e import f", "", "a d f"),
        ("for a, *b in c:\n    with d as e:\n        del e", "c d", "a b e"),
        ("try:\n    a\nexcept B as c:\n    pass", "a B", "c"),
        ("@a\nclass B: ...", "a", "B"),
    ],
)
def test_names_are_read_and_bound_by_scope(code: str, read: str, bound: str) -> None:
    assert reads(code) == set(read.split())
    assert binds(code) == set(bound.split())


def test_libraries_under_the_names_that_the_toolkit_gives_them_are_part_of_it() -> None:
    assert slice_for("pd.Series(np.arange(3))").splitlines()[1:] == ["import numpy as np", "import pandas as pd"]
    assert slice_for("import pandas as pd\npd.Series()") == ""


def test_what_is_there_already_is_not_defined_again() -> None:
    first = slice_for("df = read_once(data)")
    second = slice_for("table = load(data)", binds(first))
    assert "_READ" in binds(first)
    assert "_TABLES" in binds(second)
    assert not binds(first) & binds(second)
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(first, space)
    kept = space["_READ"]
    exec(second, space)
    assert space["_READ"] is kept
    assert slice_for("table = load(data)", binds(first) | binds(second)) == ""


def test_a_template_s_own_cell_is_cut_to_what_is_lacking() -> None:
    whole = slice_for("table = load(data)\nshow(figure('x')[0], 'x')")
    first = slice_for("df = read_once(data)")
    rest = lacking(whole, binds(first))
    assert rest.splitlines()[0] == whole.splitlines()[0]
    assert binds(rest) & WHOLE.names == (binds(whole) - binds(first)) & WHOLE.names
    assert lacking(rest, binds(whole)) == ""
    assert binds(lacking(whole, ())) == binds(whole)


def test_the_same_code_gives_the_same_text_and_the_order_of_names_does_not_matter() -> None:
    assert slice_for("say; load; show") == slice_for("show\nload\nsay") == part(WHOLE, ["load", "show", "say"])


def test_code_with_magics_gets_all_that_it_may_mean() -> None:
    assert "percent" in binds(slice_for("%matplotlib inline\nprint(percent(0.5))"))


def test_what_a_slice_binds_is_known_without_reading_it_again_and_is_the_same() -> None:
    text = slice_for("read_once, describe_column, pd, np")
    assert binds(text) == binds(f"{text}\n")
    assert {"read_once", "pd"} <= binds(text)


def test_what_a_package_defines_is_kept_until_a_module_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "one.py").write_text("A = 1\n")
    assert package(tmp_path).names == {"A"}
    (kept,) = (tmp_path / "__pycache__").iterdir()
    package.cache_clear()
    assert package(tmp_path).names == {"A"}, "from what was kept"
    (tmp_path / "one.py").write_text("B = 11\n")
    package.cache_clear()
    assert package(tmp_path).names == {"B"}
    kept.write_bytes(b"no pickle")
    package.cache_clear()
    assert package(tmp_path).names == {"B"}, "what cannot be read is made again"
    package.cache_clear()


@pytest.mark.parametrize("name", [template.name for template in catalog()])
def test_a_toolkit_cell_is_taken_apart_as_python_parses_it(name: str) -> None:
    """Its definitions are known by their text, and whatever is not exactly one of them is parsed."""
    (code,) = [c.code for c in cells(find(name), {}) if "toolkit" in c.tags]
    for text in (code, lacking(code, binds(slice_for("say('bill_mm')"))), code.partition("\n")[2]):
        assert slices._recognised(text) is not None
        assert statements(text) == tuple(statement for _, statement in slices._parsed(text))


@pytest.mark.parametrize(
    "after",
    ["    more()", "\n\n    more()", "\n\n\nx = 1", "\n# said of it", "  # said of it", "; x = 1"],
)
def test_code_that_goes_on_after_a_definition_of_the_toolkit_is_parsed(after: str) -> None:
    code = slice_for("percent(0.25)") + after
    assert slices._recognised(code) is None
    try:
        parsed = tuple(statement for _, statement in slices._parsed(code))
    except SyntaxError:
        parsed = ()
    assert (statements(code) if parsed else ()) == parsed
