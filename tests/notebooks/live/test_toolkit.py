"""What is known of the toolkit in a notebook's cell: that it is true, and that an edit of a template stays small."""

from __future__ import annotations

import ast
import io
import pickle
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from notebooks import catalog
from notebooks.live.dependencies import clean, plan, stale_after
from notebooks.live.reading import read
from notebooks.live.reading.names import ANY, Function, Names
from notebooks.live.reading.ours import ours
from notebooks.live.reading.parsing import parsed, told_of
from notebooks.live.state import Item, State

PENGUINS = Path(__file__).parents[3] / "examples" / "penguins.csv"
GIVEN = {
    "profile": "",
    "groups": "by = 'species'",
    "compare": "of, first, second = 'species', 'Adelie', 'Gentoo'",
    "outliers": "columns = ['bill_length_mm', 'body_mass_g']",
    "rank": "by, of = ['body_mass_g'], 'island'",
    "clean": "fill = 'median'",
}


def cells_of(template: str, tmp_path: Path, data: str = "penguins.csv") -> list[str]:
    """The cells of a template with values for its parameters; the third is the toolkit."""
    cells = [c.source for c in catalog.read(catalog.find(template, tmp_path).path).cells if c.cell_type == "code"]
    return [cells[0], f"data = {data!r}\n{GIVEN[template]}", *cells[1:]]


def rerun(template: str, place: int, tmp_path: Path) -> tuple[str, ...]:
    """Which cells run for an edit of one of them that changes nothing of what it leaves to others."""
    cells = [Item(f"{i}", source, wrote=frozenset()) for i, source in enumerate(cells_of(template, tmp_path))]
    place %= len(cells)
    after = [replace(c, source=f"{c.source}\n0") if i == place else c for i, c in enumerate(cells)]
    return plan(after, stale_after(cells, after), clean(cells), whole=False).cells


@pytest.mark.parametrize("template", ["profile", "groups", "rank", "clean", "outliers"])
def test_an_edit_of_a_template_runs_what_depends_on_it(template: str, tmp_path: Path):
    last = len(cells_of(template, tmp_path)) - 1
    ran = rerun(template, last, tmp_path)
    assert f"{last}" in ran
    assert len(ran) <= 2, "the last cell leaves nothing to others, and changes nothing that they have made"


def test_a_toolkit_that_was_edited_is_read_as_anybody_s_code(tmp_path: Path):
    source = cells_of("rank", tmp_path)[2]
    other = source.replace("    words = name_and_unit(column)[0]\n", "    words = MEANT.append(column) or column\n")
    changed = f"MEANT = []\n{other}"
    effects = []
    for text in (source, changed):
        state = State()
        state.run(Item("toolkit", text))
        effects.append(state.names.functions["say"].mutates)
    assert effects == [frozenset(), {"MEANT"}]


def test_a_toolkit_that_has_drawn_a_sample_is_not_trusted_to_keep_nothing(tmp_path: Path):
    _, _, toolkit, first, *_ = cells_of("profile", tmp_path)
    changed = {}
    for sampled in (False, True):
        state = State()
        state.run(Item("toolkit", toolkit, sampled=sampled))
        changed[sampled] = state.needs(Item("first", first)).changed
    assert "_SAMPLED" in changed[True]
    assert not changed[False]


def test_every_definition_that_a_template_carries_is_known(tmp_path: Path):
    known = ours()
    for template in GIVEN:
        for node in parsed(cells_of(template, tmp_path)[2]).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                assert told_of(node)[0] in known, f"{node.name} of {template}"


@pytest.mark.parametrize("template", GIVEN)
def test_a_function_of_the_toolkit_changes_nothing_that_it_is_not_known_to_change(
    template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The cells run here, and what every call of a toolkit's function was given is the same behind it."""
    monkeypatch.chdir(tmp_path)
    cells = cells_of(template, tmp_path, str(PENGUINS))
    functions = read(cells[2], Names()).names.functions
    space: dict[str, Any] = {"__name__": __name__}
    told: list[str] = []

    def watched(name: str, known: Function, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*args: Any, **named: Any) -> Any:
            given = {**dict(zip(known.params, args, strict=False)), **named}
            kept = {k: b for k, v in given.items() if f"{k}=" not in known.changes if (b := frozen(v)) is not None}
            found = function(*args, **named)
            told.extend(f"{name} changes its {k}" for k, before in kept.items() if frozen(given[k]) != before)
            return found

        return call

    with redirect_stdout(io.StringIO()):
        for place, source in enumerate(cells):
            exec(compile(source, f"cell {place}", "exec", dont_inherit=True), space)
            if place == 2:
                plain = {n: f for n, f in functions.items() if not f.methods and ANY not in f.changes}
                space |= {n: watched(n, f, space[n]) for n, f in plain.items() if callable(space.get(n))}
    assert not told


def frozen(value: Any) -> bytes | None:
    """A value as bytes, the same while it does not change; None for what has no such."""
    try:
        return pickle.dumps(value)
    except Exception:  # noqa: BLE001 (a module, a function that was defined here, a figure's axes)
        return None
