"""The template notebooks on tables whose truth is planted here: what they must say, and what they must not."""

from __future__ import annotations

import ast
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from notebooks.catalog import catalog, cells, find
from notebooks.nb import nbformat
from notebooks.slices import TOOLKIT, binds, package, slice_for, statements
from notebooks.templates.__main__ import HERE, main, notebook

if TYPE_CHECKING:
    from tests.playbook.conftest import Kernel

ROOT = Path(__file__).parents[2]
Writer = Callable[[str, pd.DataFrame], str]
TEMPLATES = sorted(path.stem for path in HERE.glob("*.ipynb"))


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_as_its_source_makes_it(name: str) -> None:
    path = HERE / f"{name}.ipynb"
    assert notebook(path.with_suffix(".py")) == path.read_text(encoding="utf-8"), "run python -m notebooks.templates"
    cells = nbformat.read(path, as_version=4).cells
    kinds = [tuple(c.metadata.get("tags", ())) for c in cells if c.cell_type == "code"]
    assert kinds[:2] == [("parameters",), ("toolkit",)]
    assert cells[0].source.startswith("# ")


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_function_of_a_template_keeps_its_name(name: str) -> None:
    code = "\n".join(c.code for c in cells(find(name), {}))
    functions = {name for s in statements(code) if s.kind is ast.FunctionDef for name in s.names.binds}
    bound = Counter(taken for s in statements(code) for taken in s.names.binds & functions)
    assert {taken for taken, times in bound.items() if times > 1} == set()


def test_every_template_carries_what_its_cells_use_and_says_what_its_parameters_are() -> None:
    for template in catalog():
        own = cells(template, {})
        (toolkit,) = [c.code for c in own if "toolkit" in c.tags]
        others = "\n".join(c.code for c in own if "toolkit" not in c.tags)
        assert slice_for(others, binds(toolkit)) == ""
        assert template.description
        assert template.when
        assert all(p.help for p in template.parameters), template.name


def test_no_template_takes_a_name_of_the_toolkit_for_its_own() -> None:
    """Templates share one kernel in a run: what one calls by a function's name, the next would find in its place."""
    for template in catalog():
        taken = frozenset().union(*(binds(c.code) for c in cells(template, {}) if "toolkit" not in c.tags))
        assert not taken & package(TOOLKIT).names, template.name


def test_a_notebook_without_a_source_gets_the_source_that_makes_it(tmp_path: Path) -> None:
    made = (HERE / "profile.ipynb").read_text(encoding="utf-8")
    (tmp_path / "profile.ipynb").write_text(made, encoding="utf-8")
    main(tmp_path)
    assert (tmp_path / "profile.ipynb").read_text(encoding="utf-8") == made
    own = cells(find("profile", tmp_path), {})
    assert [c.code for c in own if "toolkit" not in c.tags] == [
        c.code for c in cells(find("profile"), {}) if "toolkit" not in c.tags
    ]
    (tmp_path / "profile.py").write_text((HERE / "profile.py").read_text().replace("# ## ", "# ### "), encoding="utf-8")
    main(tmp_path)
    assert "### " in (tmp_path / "profile.ipynb").read_text(encoding="utf-8")


def test_penguins_flip_within_species(kernel: Kernel, folder: Path) -> None:
    shutil.copy(ROOT / "examples" / "penguins.csv", folder)
    ran = kernel.template(
        "associations", data="penguins.csv", outcome="bill_depth_mm", factors=["bill_length_mm"], max_findings=3
    )
    assert ran.error is None
    (flip,) = ran.of("simpsons_paradox", "warning")
    assert flip.columns == ("bill_length_mm", "bill_depth_mm", "species")
    assert flip.direction == "-"
    assert flip.n == 342
    assert flip.effect is not None
    assert flip.effect.value == pytest.approx(-0.235, abs=5e-4)
    within = flip.params["within"]
    assert sorted(within) == ["Adelie", "Chinstrap", "Gentoo"]
    assert {k: round(v["r"], 2) for k, v in within.items()} == {"Adelie": 0.39, "Chinstrap": 0.65, "Gentoo": 0.64}
    assert "r = −0.235" in flip.text
    assert "+0.39 to +0.65" in flip.text
    assert not ran.of("correlation", "claim"), "the pooled relation must not be claimed beside its reversal"
    assert len(ran.plots) == 1


def test_penguin_species_are_separated_by_flippers_first(kernel: Kernel, folder: Path) -> None:
    shutil.copy(ROOT / "examples" / "penguins.csv", folder)
    ran = kernel.template("groups", data="penguins.csv", by="species")
    assert ran.error is None
    ranked = [(f.columns[0], round(f.effect.value or 0, 2)) for f in ran.of("group_difference", "claim") if f.effect]
    assert ranked[:3] == [("flipper_length_mm", 0.78), ("bill_length_mm", 0.71), ("bill_depth_mm", 0.68)]
    assert all(
        f.effect and f.effect.ci and f.effect.ci[0] < f.effect.value < f.effect.ci[1]
        for f in ran.of("group_difference", "claim")
    )
    (together,) = ran.of("separability")
    assert together.params["accuracy"] > 0.9
    assert "year" in ran.of("group_difference", "null")[0].columns


def test_profile_finds_the_traps_and_undoes_what_can_be_undone(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 600
    df = pd.DataFrame(
        {
            "ticket": np.arange(5000, 5000 + n),
            "height": random.normal(170, 8, n).round(2),
            "income": random.lognormal(8, 1, n).round(2),
            "town": random.choice(["Oslo", "oslo ", "OSLO", "Bergen"], n),
            "always": "yes",
            "label": random.choice([0, 1], n, p=[0.97, 0.03]),
        }
    )
    df["height_in"] = df["height"] / 2.54
    df.loc[random.choice(n, 20, replace=False), "income"] = -999
    ran = kernel.template("profile", data=table("traps", pd.concat([df, df.head(25)])), target="label")
    assert ran.error is None
    warned = {f.kind: set(f.columns) for f in ran.findings if f.type == "warning"}
    assert warned == {
        "identifier_column": {"ticket"},
        "inconsistent_categories": {"town"},
        "sentinel_values": {"income"},
        "constant_column": {"always"},
        "redundant_columns": {"height", "height_in"},
        "duplicate_rows": set(),
        "class_imbalance": {"label"},
    }
    assert not ran.of("outliers"), "a lognormal tail is not an outlier"
    _, text, _ = kernel.run("print(len(df), df['income'].min() > 0, sorted(df['town'].unique()))")
    assert text.split(maxsplit=2)[:2] == [str(n), "True"]
    assert "oslo " not in text


def test_plain_noise_has_no_warning_and_no_claim(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    n = 400
    df = pd.DataFrame({c: random.normal(size=n) for c in "abcdef"})
    df["kind"] = random.choice(["x", "y", "z"], n)
    df["side"] = random.choice(["left", "right"], n)
    name = table("noise", df)
    for template in ("profile", "associations"):
        ran = kernel.template(template, data=name)
        assert ran.error is None
        assert [f for f in ran.findings if f.type in ("claim", "warning")] == [], template
    (tested,) = ran.of("tested", "null")
    assert tested.test is not None
    assert tested.test.m == 28


def test_associations_of_every_kind_are_found_with_their_effects(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 800
    x = random.normal(size=n)
    arm = random.choice(["new", "old"], n)
    colour = random.choice(["red", "green", "blue"], n)
    df = pd.DataFrame(
        {
            "x": x,
            "line": 0.5 * x + random.normal(size=n),
            "bow": x**2 + random.normal(size=n),
            "arm": arm,
            "gain": (arm == "new") * 0.6 + random.normal(size=n),
            "colour": colour,
            "taste": np.where(random.random(n) < 0.5, colour, random.choice(["red", "green", "blue"], n)),
        }
    )
    ran = kernel.template("associations", data=table("kinds", df), max_findings=10)
    assert ran.error is None
    claims = {frozenset(f.columns): f for f in ran.findings if f.type == "claim"}
    assert {pair: f.kind for pair, f in claims.items()} == {
        frozenset({"x", "line"}): "correlation",
        frozenset({"x", "bow"}): "nonlinear_association",
        frozenset({"arm", "gain"}): "group_difference",
        frozenset({"colour", "taste"}): "association",
    }
    assert claims[frozenset({"x", "line"})].direction == "+"
    gain = claims[frozenset({"arm", "gain"})]
    assert gain.params["top"] == "new"
    assert gain.effect is not None
    assert gain.effect.ci is not None
    assert gain.effect.ci[0] < 0.6 < gain.effect.ci[1]
    for claim in claims.values():
        assert claim.test is not None
        assert claim.test.q is not None
        assert claim.test.m == 21
    assert len(ran.plots) == 4, "each claim has its own chart"


def test_a_chain_of_columns_and_what_turns_a_relation_about_are_told_once(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 600
    deep = random.normal(size=n)
    shop = random.choice(["a", "b"], n)
    df = pd.DataFrame({name: deep + 0.5 * random.normal(size=n) for name in ("one", "two", "three", "four")})
    df["apart"] = random.normal(size=n)
    df["beside"] = 0.7 * df["apart"] + random.normal(size=n)
    df["size"] = (shop == "a") * 4 + random.normal(size=n)
    df["cost"] = (shop == "a") * 4 - 0.6 * df["size"] + (shop == "a") * 3.0 + random.normal(size=n)
    df["shop"] = shop
    ran = kernel.template("associations", data=table("chain", df))
    assert ran.error is None
    claims = {frozenset(f.columns): f for f in ran.findings if f.type == "claim"}
    assert frozenset({"apart", "beside"}) in claims
    (head,) = [f for f in claims.values() if set(f.columns) <= {"one", "two", "three", "four"}]
    assert {*head.columns, *(c for link in head.params["chain"] for c in link)} == {"one", "two", "three", "four"}
    (turned,) = ran.of("simpsons_paradox", "warning")
    assert set(turned.columns) == {"size", "cost", "shop"}
    assert "Shop goes with both" in turned.text
    assert not [pair for pair in claims if "shop" in pair]


def test_far_points_and_leaks_are_warnings_and_no_claims(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 300
    df = pd.DataFrame({"a": random.normal(size=n), "b": random.normal(size=n)})
    df.loc[:1, ["a", "b"]] = [[40, 40], [45, 42]]
    ran = kernel.template("associations", data=table("far", df))
    assert [(f.type, f.kind) for f in ran.findings if f.type != "descriptive"] == [
        ("warning", "leverage_point"),
        ("null", "tested"),
    ]
    y = random.choice([0, 1], n)
    leak = pd.DataFrame({"sold": y, "refund": y * 10 + random.normal(size=n), "price": random.normal(size=n) + 0.8 * y})
    ran = kernel.template("associations", data=table("leak", leak), outcome="sold")
    assert [f.columns for f in ran.of("target_leakage", "warning")] == [("refund", "sold")]
    assert [set(f.columns) for f in ran.findings if f.type == "claim"] == [{"price", "sold"}]
    kinds = random.choice(["lamp", "sofa", "chair"], n)
    goods = pd.DataFrame({"kind": kinds, "cost": pd.Series(kinds).map({"lamp": 30.0, "sofa": 600.0, "chair": 80.0})})
    goods["cost"] *= random.normal(1, 0.03, n)
    ran = kernel.template("associations", data=table("goods", goods), outcome="cost", factors=["kind"])
    assert [(f.type, f.kind) for f in ran.findings] == [("claim", "group_difference")], "who asks by name is answered"


def test_a_trend_is_found_and_a_flat_series_is_not(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    n = 240
    months = pd.date_range("2001-01-01", periods=n, freq="MS")
    df = pd.DataFrame(
        {"month": months, "up": np.arange(n) * 0.05 + random.normal(size=n), "flat": random.normal(size=n)}
    )
    ran = kernel.template("timeseries", data=table("series", df))
    assert ran.error is None
    (claim,) = ran.of("trend", "claim")
    assert (claim.columns, claim.direction) == (("up",), "+")
    assert claim.effect is not None
    assert claim.effect.ci is not None
    assert claim.effect.ci[0] < 0.05 < claim.effect.ci[1]
    assert [f.columns for f in ran.of("trend", "null")] == [("flat",)]


def test_two_series_that_drift_are_no_claim(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    n = 300
    days = pd.date_range("2001-01-01", periods=n)
    grow = np.arange(n) * 0.05
    df = pd.DataFrame({"day": days, "a": grow + random.normal(size=n), "b": 2 * grow + random.normal(size=n)})
    ran = kernel.template("associations", data=table("drift", df))
    assert ran.error is None
    assert [set(f.columns) for f in ran.of("spurious_trend_correlation", "warning")] == [{"a", "b"}]
    assert not [f for f in ran.findings if f.type == "claim"]


def test_a_flip_between_two_level_columns(kernel: Kernel, table: Writer) -> None:
    """Treatment a cures more of the mild and more of the severe cases, but it is given to the severe ones."""
    counts = {
        ("a", "mild"): (95, 100),
        ("a", "severe"): (160, 400),
        ("b", "mild"): (320, 400),
        ("b", "severe"): (10, 100),
    }
    rows = [
        {"treatment": t, "severity": s, "cured": "yes" if i < good else "no"}
        for (t, s), (good, every) in counts.items()
        for i in range(every)
    ]
    name = table("severity", pd.DataFrame(rows))
    ran = kernel.template("associations", data=name, outcome="cured", factors=["treatment"])
    assert ran.error is None
    assert [f.columns for f in ran.of("simpsons_paradox", "warning")] == [("treatment", "cured", "severity")]
    (flip,) = ran.of("simpsons_paradox", "warning")
    assert "the other way round" in flip.text
    claimed = [set(f.columns) for f in ran.findings if f.type == "claim"]
    assert claimed == [{"severity", "treatment"}, {"severity", "cured"}], "only what turns the shares about"
    again = kernel.template("associations", data=name, outcome="cured", told_before=["treatment"])
    assert again.error is None
    assert not again.of("simpsons_paradox", "warning"), "which was told and drawn before"
    assert {"treatment", "cured"} not in [set(f.columns) for f in again.findings if f.type == "claim"]


@pytest.mark.parametrize(
    ("template", "parameters", "says"),
    [
        ("groups", {"by": "nowhere"}, "There is no column 'nowhere'"),
        ("groups", {"by": "x"}, "groups need a column with 2 to 20"),
        ("associations", {"outcome": "nowhere"}, "There is no column 'nowhere'"),
        ("profile", {"target": "nowhere"}, "There is no column 'nowhere'"),
    ],
)
def test_a_column_that_is_not_there_is_a_sentence(
    kernel: Kernel, table: Writer, template: str, parameters: dict[str, str], says: str
) -> None:
    name = table("small", pd.DataFrame({"x": np.arange(30) * 1.5, "y": np.arange(30) % 7}))
    ran = kernel.template(template, data=name, **parameters)
    assert ran.error is not None
    assert ran.error.startswith("ValueError")
    assert says in ran.error


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_tiny_tables_run_through_and_claim_nothing(kernel: Kernel, table: Writer, rows: int) -> None:
    df = pd.DataFrame({"a": [1.5, 2.5, 3.5, 5.0, 4.0][:rows], "b": list("vwxyz")[:rows], "c": [1, 2, 1, 2, 1][:rows]})
    name = table(f"tiny{rows}", df)
    for template in ("profile", "associations"):
        ran = kernel.template(template, data=name)
        assert ran.error is None
        assert not [f for f in ran.findings if f.type == "claim"]
    assert kernel.template("profile", data=name).of("small_sample", "warning")


def test_of_few_rows_a_clear_line_is_told_and_one_far_point_is_none(kernel: Kernel, table: Writer) -> None:
    df = pd.DataFrame(
        {
            "dose": [1, 2, 3, 4, 5, 6, 7, 8, 9],
            "reply": [2.0, 3.5, 2.8, 4.9, 5.2, 6.8, 6.3, 7.6, 9.1],
            "lone": [1.3, 0.8, 1.9, 1.1, 0.7, 1.6, 0.9, 1.4, 60.0],
        }
    )
    ran = kernel.template("associations", data=table("few", df))
    assert ran.error is None
    (claim,) = ran.of("correlation", "claim")
    assert (set(claim.columns), claim.n, claim.direction) == ({"dose", "reply"}, 9, "+")
    assert claim.effect is not None
    assert claim.effect.ci is not None
    assert 0.7 < claim.effect.ci[0] < claim.effect.value < claim.effect.ci[1] < 1
    assert "It rests on only 9 rows." in claim.caveats
    (warned,) = kernel.template("profile", data="few.csv").of("small_sample", "warning")
    assert "strong relation of two numbers" in warned.text


def test_the_same_table_gives_the_same_findings_and_the_same_pictures(kernel: Kernel, folder: Path) -> None:
    shutil.copy(ROOT / "examples" / "penguins.csv", folder)
    runs = [kernel.template("groups", data="penguins.csv", by="island") for _ in range(2)]
    assert runs[0].findings
    assert [f.model_dump_json() for f in runs[0].findings] == [f.model_dump_json() for f in runs[1].findings]
    assert runs[0].plots == runs[1].plots


def test_find_knows_our_templates() -> None:
    assert {"profile", "associations", "groups", "timeseries"} <= set(TEMPLATES)
    assert find("groups").parameters[1].name == "by"


def test_units_are_brought_together_limits_noted_and_totals_left_out(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 500
    length = random.normal(40, 2, n).round(3)
    parts = {"north": random.normal(20, 2, n).round(2), "south": random.normal(30, 3, n).round(2)}
    df = pd.DataFrame({"length": length, "load": random.normal(70, 9, n).clip(max=80).round(3), **parts})
    df["both"] = df["north"] + df["south"]
    df.loc[df.index[:60], "length"] *= 1000
    ran = kernel.template("profile", data=table("units", df))
    assert ran.error is None
    warned = {f.kind: set(f.columns) for f in ran.findings if f.type == "warning"}
    assert warned == {
        "mixed_units": {"length"},
        "censored_values": {"load"},
        "redundant_columns": {"both", "north", "south"},
    }
    _, text, _ = kernel.run("print(df['length'].max() < 60, table.left_out)")
    assert text.startswith("True {'both'")


def test_a_split_that_leaks_is_counted_once(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    n = 300
    df = pd.DataFrame({"a": random.normal(size=n), "b": random.normal(size=n)})
    df["part"] = random.choice(["train", "test"], n, p=[0.7, 0.3])
    again = df[df["part"] == "train"].head(25).assign(part="test")
    ran = kernel.template("profile", data=table("split", pd.concat([df, again])))
    assert [(f.kind, f.columns) for f in ran.findings if f.type == "warning"] == [("split_contamination", ("part",))]
    _, text, _ = kernel.run("print(len(df))")
    assert text.strip() == str(n)


def test_a_stand_in_a_relation_of_one_group_and_uneven_spread(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 1200
    x = random.normal(size=n)
    driven = pd.DataFrame({"cause": x, "proxy": 0.8 * x + 0.6 * random.normal(size=n)})
    driven["result"] = 0.5 * x + random.normal(size=n)
    ran = kernel.template("associations", data=table("proxy", driven), outcome="result")
    assert [f.columns for f in ran.of("confounding", "warning")] == [("proxy", "result", "cause")]
    assert [(f.kind, f.columns) for f in ran.findings if f.type == "claim"] == [("driver", ("cause", "result"))]
    group = random.choice(["red", "green", "blue"], n)
    df = pd.DataFrame({"x": x, "group": group})
    df["y"] = np.where(group == "red", 0.7 * x, 0) + random.normal(size=n)
    df["wild"] = random.normal(size=n) * np.where(group == "blue", 2, 1)
    ran = kernel.template("associations", data=table("one_group", df))
    (only,) = ran.of("interaction", "claim")
    assert (set(only.columns), only.params["level"]) == ({"x", "y", "group"}, "red")
    (uneven,) = [f for f in ran.of("variance_difference", "claim") if "wild" in f.columns]
    assert uneven.params["top"] == "blue"
    assert uneven.effect is not None
    assert uneven.effect.ci is not None
    assert uneven.effect.ci[0] < 2 < uneven.effect.ci[1]


def test_missing_values_that_follow_a_column_are_told(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 800
    age, pay = random.normal(40, 9, n), random.normal(3000, 400, n)
    pay[random.random(n) < 1 / (1 + np.exp(-(age - 55) / 6))] = np.nan
    ran = kernel.template("profile", data=table("gone", pd.DataFrame({"age": age, "pay": pay})))
    (claim,) = ran.of("missing_pattern", "claim")
    assert (claim.columns, claim.direction) == (("pay", "age"), "+")


def test_a_driver_is_asked_what_it_tells_beside_the_stronger_ones(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 3_000
    main, own = random.normal(size=n), random.normal(size=n)
    df = pd.DataFrame({"main": main, "own": own, "along": 0.12 * main + random.normal(size=n)})
    df["site"] = np.array(["north", "south", "west"])[np.digitize(main + 0.8 * random.normal(size=n), [-0.6, 0.6])]
    df["won"] = main + 0.2 * own + random.normal(size=n)
    ran = kernel.template("associations", data=table("beside", df), outcome="won")
    assert ran.error is None
    claims = [f for f in ran.findings if f.type == "claim"]
    assert [set(f.columns) for f in claims] == [{"main", "won"}, {"site", "won"}, {"own", "won"}]
    assert ["beside main it adds only 0.0 %" in " ".join(f.caveats) for f in claims] == [False, True, False]
    assert "nothing beside what explains more of won: along" in claims[0].params["not_found"]


def test_far_values_of_the_same_rows_are_one_finding_and_another_kind_of_row_is_none(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 600
    df = pd.DataFrame({c: random.normal(50, 4, n) for c in ("girth", "depth", "rest", "paid")})
    df.loc[:4, ["girth", "depth"]] = [[150.0 + k, 190.0 - k] for k in range(5)]
    df["sort"] = ["rare"] * 12 + ["usual"] * (n - 12)
    df["rest"] += (df["sort"] == "rare") * 90
    ran = kernel.template("profile", data=table("far_rows", df))
    assert ran.error is None
    (claim,) = ran.of("outliers", "claim")
    assert set(claim.columns) == {"girth", "depth"}
    assert "the same rows" in claim.text


def test_far_values_and_codes_do_not_hide_what_groups_differ_in(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 1500
    site = random.choice(["north", "south", "west"], n)
    load = random.normal(50, 5, n) + 1.6 * (site == "west")
    load[random.choice(n, 6, replace=False)] += random.choice([-1, 1], 6) * 60
    plan = random.choice([1, 2, 3, 4], n)
    stress = random.normal(0, 1, n)
    df = pd.DataFrame({"site": site, "load": load.round(2), "plan": plan, "stress": stress.round(3)})
    df["speed"] = (40 + 4 * np.array([0, 0.7, -0.5, 0.4])[plan - 1] + 4 * random.normal(size=n)).round(2)
    df["calm"] = (70 - 3 * stress**2 + 6 * random.normal(size=n)).round(2)
    df.loc[random.choice(n, 3, replace=False), "calm"] = [400, -300, 350]
    name = table("far", df)
    ran = kernel.template("associations", data=name)
    assert ran.error is None
    told = {frozenset(f.columns): f.kind for f in ran.findings if f.type == "claim"}
    assert told[frozenset(("site", "load"))] == "group_difference"
    assert told[frozenset(("stress", "calm"))] == "nonlinear_association"
    (driver,) = [f for f in kernel.template("associations", data=name, outcome="speed").findings if f.type == "claim"]
    assert driver.effect is not None
    assert (driver.kind, driver.effect.metric, driver.params["top"]) == ("driver", "eta2", "2")


def test_two_factors_that_are_nearly_one_are_not_both_called_drivers(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 900
    age = random.normal(50, 10, n)
    years = 0.9 * age + random.normal(0, 5, n)
    df = pd.DataFrame({"age": age.round(1), "years": years.round(1), "other": random.normal(size=n).round(3)})
    df["pressure"] = (120 + 0.35 * age + random.normal(0, 14, n)).round(1)
    ran = kernel.template("associations", data=table("twins", df), outcome="pressure")
    assert ran.error is None
    (warned,) = ran.of("confounding", "warning")
    assert warned.columns == ("years", "pressure", "age")
    assert warned.effect is not None
    assert warned.effect.metric == "pearson_r"
    assert [f.columns for f in ran.findings if f.type == "claim"] == [("age", "pressure")]


METRICS_TOLD = {
    "pearson_r", "spearman_r", "r2", "cohens_d", "mean_diff", "eta2", "cramers_v", "auc", "sd_ratio", "lift_rel",
    "odds_ratio_per_sd", "hazard_ratio", "slope_per_step", "mean_shift", "count", "k", "period", "lag",
}  # fmt: skip
OWN = {"skewness", "anderson_darling", "mean_absolute_error"}
"""A few findings of shapes and forecasts have figures of their own."""


@pytest.mark.parametrize("name", TEMPLATES)
def test_effects_are_told_in_the_metrics_that_are_agreed(name: str) -> None:
    used = {m for c in cells(find(name), {}) for m in re.findall(r"""effect\(\s*["'](\w+)["']""", c.code)}
    assert used <= METRICS_TOLD | OWN


def test_what_the_rows_are_sorted_by_is_no_relation_of_a_column_with_few_values(kernel: Kernel, table: Writer) -> None:
    draw = np.random.default_rng(4)
    length = draw.normal(0, 1, 600) + np.repeat([0, 3, 1], 200)
    kind = np.repeat(["a", "b", "c"], 200)  # the rows stand in its order, and the years come again within each
    ran = kernel.template(
        "associations", data=table("sorted", pd.DataFrame({"length": length, "year": [7, 8, 9] * 200, "kind": kind}))
    )
    assert ran.error is None
    assert [set(f.columns) for f in ran.of("group_difference")] == [{"length", "kind"}]
    assert not ran.of("nonlinear_association")


@pytest.mark.parametrize("factors", [["paid"], []])
def test_an_identifier_as_the_outcome_is_not_tested_and_the_reader_is_told_what_to_name(
    kernel: Kernel, table: Writer, random: np.random.Generator, factors: list[str]
) -> None:
    rows = pd.DataFrame({"customer_id": np.arange(400) + 7001, "paid": random.gamma(2, 9, 400)})
    rows["visits"] = random.poisson(rows["paid"])
    name = table("customers", rows.sample(frac=1, random_state=0))
    ran = kernel.template("associations", data=name, outcome="customer_id", factors=factors)
    assert ran.error is None
    (told,) = ran.of("not_checked")
    assert "identifier" in told.text
    assert "name a column of numbers or of categories as the outcome" in told.text
