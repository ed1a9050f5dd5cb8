"""The compiler: what its cells compute, against DuckDB and scipy; and what it refuses, in a sentence."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
import scipy

from graphs.questions import conditions
from graphs.questions.compile import compile
from graphs.questions.expressions import NotComputable
from graphs.questions.query import Query

PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"


DF = pd.read_csv(PENGUINS)
BASE = duckdb.connect()  # for all tests: to make one takes longer than the answers
BASE.register("t", DF)


Ask = Callable[..., Any]


def sql(text: str) -> Any:
    rows = BASE.sql(text).fetchall()
    return rows[0][0] if len(rows) == 1 and len(rows[0]) == 1 else rows


def of(op: str, column: str | None = None, **more: Any) -> dict[str, Any]:
    return {"op": op, "of": column, **more}


def where(left: str, op: str = "=", right: Any = None) -> dict[str, Any]:
    return {"left": left, "op": op, "right": right}


STATISTICS = [
    ({"op": "mean"}, "avg(x)"),
    ({"op": "median"}, "median(x)"),
    ({"op": "sum"}, "sum(x)"),
    ({"op": "count"}, "count(x)"),
    ({"op": "distinct"}, "count(distinct x)"),
    ({"op": "missing"}, "count(*) - count(x)"),
    ({"op": "present"}, "count(x)"),
    ({"op": "min"}, "min(x)"),
    ({"op": "max"}, "max(x)"),
    ({"op": "range"}, "max(x) - min(x)"),
    ({"op": "std"}, "stddev(x)"),
    ({"op": "std", "ddof": 0}, "stddev_pop(x)"),
    ({"op": "var"}, "variance(x)"),
    ({"op": "var", "ddof": 0}, "var_pop(x)"),
    ({"op": "sem"}, "stddev(x) / sqrt(count(x))"),
    ({"op": "cv"}, "stddev(x) / avg(x)"),
    ({"op": "quantile", "p": 0.9}, "quantile_cont(x, 0.9)"),
    ({"op": "iqr"}, "quantile_cont(x, 0.75) - quantile_cont(x, 0.25)"),
    ({"op": "mad"}, "mad(x)"),
    ({"op": "skewness"}, "skewness(x)"),
    ({"op": "kurtosis"}, "kurtosis(x)"),
    ({"op": "kurtosis", "biased": True}, "kurtosis_pop(x)"),
    ({"op": "geometric_mean"}, "geomean(x)"),
    ({"op": "entropy"}, "entropy(x)"),
    ({"op": "first"}, "first(x)"),
    ({"op": "last"}, "last(x)"),
    ({"op": "correlation", "other": "bill_length_mm"}, "corr(x, bill_length_mm)"),
    ({"op": "covariance", "other": "bill_length_mm"}, "covar_samp(x, bill_length_mm)"),
    ({"op": "slope", "other": "bill_length_mm"}, "regr_slope(x, bill_length_mm)"),
    ({"op": "r2", "other": "bill_length_mm"}, "regr_r2(x, bill_length_mm)"),
    (
        {"op": "weighted_mean", "other": "bill_length_mm"},
        "sum(x * bill_length_mm) / sum(bill_length_mm) FILTER (x IS NOT NULL)",
    ),
    ({"op": "share", "where": (where("x", ">", 4000),)}, "100.0 * count(*) FILTER (x > 4000) / count(*)"),
    ({"op": "count", "where": (where("x", ">", 4000),)}, "count(*) FILTER (x > 4000)"),
    ({"op": "mean", "where": (where("sex", "=", "male"),)}, "avg(x) FILTER (sex = 'male')"),
]


@pytest.mark.parametrize(("measure", "formula"), STATISTICS, ids=[str(m) for m, _ in STATISTICS])
def test_each_statistic_is_what_duckdb_computes(ask: Ask, measure: dict[str, Any], formula: str) -> None:
    """Of all rows, of the rows of a condition, and of each group."""
    measure = {"of": None if measure["op"] == "share" else "body_mass_g", "name": "m", **measure}
    if "where" in measure:
        measure["where"] = [{**w, "left": "body_mass_g" if w["left"] == "x" else w["left"]} for w in measure["where"]]
    plain = formula.replace("(x", "(body_mass_g").replace("x IS", "body_mass_g IS")
    plain = re.sub(r"\bx\b", "body_mass_g", plain)
    assert ask({"measures": [measure]}, PENGUINS).values["m"] == pytest.approx(sql(f"SELECT {plain} FROM t"))
    some = ask({"measures": [measure], "where": [where("island", "=", "Biscoe")]}, PENGUINS).values["m"]
    assert some == pytest.approx(sql(f"SELECT {plain} FROM t WHERE island = 'Biscoe'"))
    groups = ask({"measures": [measure], "group_by": [{"of": "species"}]}, PENGUINS).values
    assert groups == pytest.approx(dict(sql(f"SELECT species, {plain} FROM t GROUP BY species ORDER BY species")))


def test_an_expression_is_told_without_the_backticks_of_its_names(ask: Ask, tmp_path: Path) -> None:
    (path := tmp_path / "flats.csv").write_text("rent paid,Sq m\n500,50\n900,60\n")
    asked = ask({"measures": [of("mean", "`rent paid` / `Sq m`")], "where": [where("Sq m", ">", "`Sq m` - 1")]}, path)
    assert asked.values == {"mean of rent paid / Sq m": pytest.approx(12.5)}
    assert "`" not in asked.text


def test_values_keep_the_order_asked_for_and_are_told_in_full(ask: Ask) -> None:
    asked = ask(
        {"measures": [of("std", "body_mass_g"), of("mean", "body_mass_g"), of("count")], "decimals": 1}, PENGUINS
    )
    assert list(asked.values) == ["standard deviation of body_mass_g", "mean of body_mass_g", "number of rows"]
    assert asked.values["mean of body_mass_g"] == pytest.approx(DF["body_mass_g"].mean(), abs=1e-7)
    assert "4,201.8" in asked.text
    assert "344 rows" in asked.text
    assert "2 without a value are left out" in asked.text
    groups = ask({"measures": [of("mean", "body_mass_g")], "group_by": [{"of": "island"}]}, PENGUINS)
    assert "344 rows; 2 without a value are left out" in groups.text


CONDITIONS = [
    (where("sex", "=", "MALE"), "sex = 'male'"),
    (where("sex", "!=", "male"), "sex <> 'male'"),
    (where("species", "in", ["Adelie", "Gentoo"]), "species IN ('Adelie', 'Gentoo')"),
    (where("species", "not in", ["Adelie"]), "species NOT IN ('Adelie')"),
    (where("body_mass_g", "between", [3500, 4000]), "body_mass_g BETWEEN 3500 AND 4000"),
    (where("species", "contains", "IN"), "species ILIKE '%in%'"),
    (where("species", "starts", "a"), "species ILIKE 'a%'"),
    (where("species", "ends", "o"), "species ILIKE '%o'"),
    (where("species", "matches", "^[AG]"), "species LIKE 'A%' OR species LIKE 'G%'"),
    (where("sex", "missing"), "sex IS NULL"),
    (where("sex", "present"), "sex IS NOT NULL"),
    (where("bill_length_mm / bill_depth_mm", ">", 3), "bill_length_mm / bill_depth_mm > 3"),
    (where("bill_length_mm", ">", {"column": "bill_depth_mm"}), "bill_length_mm > bill_depth_mm"),
    (where("body_mass_g", "<", "mean(body_mass_g)"), "body_mass_g < (SELECT avg(body_mass_g) FROM t)"),
    (
        where("body_mass_g", ">", {"query": {"measures": [of("mean", "body_mass_g")]}, "times": 1.1}),
        "body_mass_g > 1.1 * (SELECT avg(body_mass_g) FROM t)",
    ),
    (
        where(
            "body_mass_g",
            ">=",
            {"query": {"measures": [of("max", "body_mass_g")], "where": [where("sex", "=", "female")]}},
        ),
        "body_mass_g >= (SELECT max(body_mass_g) FROM t WHERE sex = 'female')",
    ),
    (
        {"any_of": [[where("sex", "=", "male"), where("island", "=", "Dream")], [where("body_mass_g", ">", 6000)]]},
        "(sex = 'male' AND island = 'Dream') OR body_mass_g > 6000",
    ),
]


@pytest.mark.parametrize(("condition", "text"), CONDITIONS, ids=[t for _, t in CONDITIONS])
def test_each_condition_chooses_the_rows_that_sql_does(ask: Ask, condition: dict[str, Any], text: str) -> None:
    """Whether the query, a measure, a step or a share has it."""
    want = sql(f"SELECT count(*) FROM t WHERE {text}")
    assert 0 < want < 344
    assert ask({"measures": [of("count")], "where": [condition]}, PENGUINS).values["number of rows"] == want
    assert list(ask({"measures": [of("count", where=[condition])]}, PENGUINS).values.values()) == [want]
    kept = ask({"measures": [of("count")], "prepare": [{"do": "keep", "where": [condition]}]}, PENGUINS)
    assert list(kept.values.values()) == [want]
    share = ask({"measures": [of("share", where=[condition])]}, PENGUINS)
    assert list(share.values.values()) == [pytest.approx(100 * want / 344)]
    assert share.answers[0]["values"][0]["unit"] == "%"


def test_a_bound_is_computed_from_all_rows_and_not_from_those_that_are_left(ask: Ask) -> None:
    mean = {"query": {"measures": [of("mean", "body_mass_g")]}}
    query = {
        "where": [where("species", "=", "Gentoo")],
        "measures": [of("count", where=[where("body_mass_g", "<", mean)])],
    }
    want = sql("SELECT count(*) FROM t WHERE species = 'Gentoo' AND body_mass_g < (SELECT avg(body_mass_g) FROM t)")
    assert list(ask(query, PENGUINS).values.values()) == [want]


def test_groups_are_ordered_cut_and_told_in_three_ways(ask: Ask) -> None:
    query = {"measures": [of("mean", "body_mass_g")], "group_by": [{"of": "species"}], "order": [{"by": "mean"}]}
    means = dict(sql("SELECT species, avg(body_mass_g) AS m FROM t GROUP BY species ORDER BY m DESC"))
    assert ask(query, PENGUINS).values == pytest.approx(means)
    assert list(ask(query, PENGUINS).values) == list(means)
    assert ask({**query, "limit": 1}, PENGUINS).values == pytest.approx(
        {"species": "Gentoo", "mean of body_mass_g": means["Gentoo"]}
    )
    assert ask({**query, "limit": 2, "tell": "names"}, PENGUINS).values == {"species": "Gentoo, Chinstrap"}
    above = {**query, "having": [where("mean of body_mass_g", ">", 4000)], "tell": "number"}
    assert ask(above, PENGUINS).values == {"number": 1}
    mean = {"query": {"measures": [of("mean", "body_mass_g")]}}
    below = {**query, "having": [where("mean", "<", mean)], "tell": "names"}
    assert ask(below, PENGUINS).values == {"species": "Chinstrap, Adelie"}


def test_values_have_the_unit_that_the_column_gives(ask: Ask) -> None:
    measures = [of("mean", "bill_length_mm"), of("max", "bill_length_mm"), of("skewness", "bill_length_mm")]
    formula = {"name": "distance", "expr": "max - mean"}
    asked = ask({"measures": measures, "formulas": [formula]}, PENGUINS)
    assert [v["unit"] for v in asked.answers[0]["values"]] == ["mm", "mm", "", "mm"]
    assert "mean of bill length is 43.92 mm" in asked.text
    shares = [of("share", where=[where("sex", "=", s)], name=s) for s in ("male", "female")]
    points = {"measures": shares, "formulas": [{"name": "difference", "expr": "male - female"}]}
    assert [v["unit"] for v in ask(points, PENGUINS).answers[0]["values"]] == ["%", "%", "pp"]


def test_a_currency_that_the_values_carry_stands_at_the_numbers(ask: Ask, tmp_path: Path) -> None:
    file = tmp_path / "jobs.csv"
    file.write_text('van,quote\nA,"£1,200"\nA,£800\nB,£10\n')
    told = ask({"measures": [{"op": "sum", "of": "quote"}, {"op": "count"}]}, file).answers[0]
    assert [v["unit"] for v in told["values"]] == ["£", ""]
    assert "£2,010" in told["text"]


def test_codes_for_missing_are_named(ask: Ask, tmp_path: Path) -> None:
    """As long as rows with them are among those meant."""
    file = tmp_path / "log.csv"
    values = [-999 if i % 10 == 0 else 20 + i % 7 for i in range(60)]
    file.write_text("device,temp\n" + "".join(f"{'ab'[i % 2]},{v}\n" for i, v in enumerate(values)))
    mean = {"measures": [of("mean", "temp")]}
    named = ["6 values of temp are -999, which may stand for missing."]
    assert ask(mean, file).answers[0]["notes"] == named
    assert ask({**mean, "group_by": [{"of": "device"}]}, file).answers[0]["notes"][:1] == named
    assert ask({**mean, "where": [where("temp", ">", 0)]}, file).answers[0]["notes"] == []


def test_repeated_rows_are_named_unless_the_question_sees_to_them(ask: Ask, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("order,n\n" + "".join(f"B-{i},{i % 3}\n" for i in [*range(40), 7, 9]))
    assert [*ask({"measures": [of("sum", "n")]}, file).notes] == [
        "2 rows repeat an earlier one, counted in this answer."
    ]
    assert ask({"measures": [of("duplicates")]}, file).answers[0]["notes"] == []
    once = ask({"prepare": [{"do": "drop_duplicates"}], "measures": [of("sum", "n")]}, file)
    assert not any("counted" in note for note in once.notes)


def test_a_formula_of_groups_may_look_at_the_group_before(ask: Ask) -> None:
    query = {
        "measures": [of("count")],
        "formulas": [
            {"name": "change", "expr": "percent_change(count)"},
            {"name": "so far", "expr": "cumulative(count)"},
        ],
        "group_by": [{"of": "year"}],
    }
    values = ask(query, PENGUINS).values
    assert list(values.values()) == [
        110,
        114,
        120,
        None,
        pytest.approx(400 / 110),
        pytest.approx(600 / 114),
        110,
        224,
        344,
    ]


def test_a_column_is_described_by_what_it_holds(ask: Ask) -> None:
    values = ask({"intent": "describe", "show": ["body_mass_g"]}, PENGUINS).values
    assert list(values.values()) == pytest.approx([*sql(
        "SELECT count(body_mass_g), 2, avg(body_mass_g), median(body_mass_g), stddev(body_mass_g), 2700, 6300 FROM t"
    )[0]])  # fmt: skip
    assert list(ask({"intent": "describe", "show": ["species"]}, PENGUINS).values.values()) == [344, 0, 3, "Adelie"]


def test_a_table_is_described_by_where_its_gaps_are_and_not_by_its_row_numbers(ask: Ask, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text(
        ",age,height\n" + "".join(f"{i},{20 + i % 7},{'' if i % 5 == 0 else 150 + i}\n" for i in range(40))
    )
    values = ask({"intent": "describe"}, people).values
    assert (values["number of missing values"], values["number of missing values of height"]) == (8, 8)
    assert [name for name in values if name.startswith("mean")] == ["mean of age", "mean of height"]


def test_two_groups_give_a_value_for_each_pair(ask: Ask) -> None:
    query = {"measures": [of("mean", "body_mass_g")], "group_by": [{"of": "sex"}, {"of": "year"}]}
    asked = ask(query, PENGUINS)
    want = dict(sql("SELECT sex || ', ' || year, avg(body_mass_g) FROM t WHERE sex IS NOT NULL GROUP BY ALL"))
    assert asked.values == pytest.approx(want)
    alone = {f"overall, {k}": v for k, v in sql("SELECT sex, avg(body_mass_g) FROM t GROUP BY sex") if k}
    alone |= {f"overall, {k}": v for k, v in sql("SELECT year, avg(body_mass_g) FROM t GROUP BY year")}
    assert ask({**query, "intent": "describe"}, PENGUINS).values == pytest.approx({**want, **alone})
    assert "Rows without a value of sex are in no group." in asked.notes


def test_what_is_described_has_its_medians_and_each_of_the_values_that_were_chosen(ask: Ask) -> None:
    spread = {"intent": "describe", "measures": [of("mean", "body_mass_g")], "group_by": [{"of": "species"}]}
    asked = ask(spread, PENGUINS)
    medians = {f"median, {k}": v for k, v in sql("SELECT species, median(body_mass_g) FROM t GROUP BY species")}
    means = dict(sql("SELECT species, avg(body_mass_g) FROM t GROUP BY species"))
    assert {k: v for k, v in asked.values.items() if k != "p-value"} == pytest.approx(means | medians)
    assert "By species: Adelie 3,701; Chinstrap 3,733; Gentoo 5,076; medians: Adelie 3,700" in asked.text
    few = {"intent": "describe", "measures": [of("count")], "group_by": [{"of": "island"}]}
    asked = ask({**few, "where": [where("species", "in", ["Adelie", "Gentoo"])]}, PENGUINS)
    assert (asked.values["Biscoe"], asked.values["Adelie, Biscoe"], asked.values["Gentoo, Biscoe"]) == (168, 44, 124)
    assert "by species: Adelie: Biscoe 44, Dream 56, Torgersen 52; Gentoo: Biscoe 124" in asked.text


def test_numbers_of_months_days_and_yes_or_no_are_told_in_words(ask: Ask, tmp_path: Path) -> None:
    rides = tmp_path / "rides.csv"
    rides.write_text(
        "start,class,late\n" + "".join(f"2023-0{1 + i % 3}-0{1 + i % 9},{i % 3},{i % 2}\n" for i in range(54))
    )
    asked = ask({"measures": [of("mean", "late")], "group_by": [{"of": "class"}]}, rides)
    assert list(asked.values) == ["class 0", "class 1", "class 2"]
    assert "by class: 0: 0.500; 1: 0.500; 2: 0.500" in asked.text
    assert list(ask({"measures": [of("count")], "group_by": [{"of": "late"}]}, rides).values) == ["late no", "late yes"]
    met = [where("late", "=", 1), where("start", "during", "month 1-2"), where("start", "during", "weekday 0")]
    said = "late is yes and start is from January to February and start is on a Monday"
    assert said in ask({"measures": [of("count")], "where": met}, rides).text


def test_shares_of_rows_and_of_a_sum(ask: Ask) -> None:
    rows = ask({"measures": [of("share")], "group_by": [{"of": "island"}]}, PENGUINS).values
    assert rows == pytest.approx({k: 100 * v / 344 for k, v in DF["island"].value_counts().items()})
    mass = ask({"measures": [of("share", "body_mass_g")], "group_by": [{"of": "island"}]}, PENGUINS).values
    assert mass == pytest.approx(dict(100 * DF.groupby("island")["body_mass_g"].sum() / DF["body_mass_g"].sum()))


def test_formulas_verdicts_and_ties(ask: Ask, tmp_path: Path) -> None:
    female, male = (of("mean", "body_mass_g", where=[where("sex", "=", s)], name=s) for s in ("female", "male"))
    query = {
        "measures": [male, female],
        "formulas": [{"name": "difference", "expr": "male - female"}],
        "verdicts": [{"when": "difference > 500", "then": "far"}, {"then": "near"}],
    }
    means = dict(sql("SELECT sex, avg(body_mass_g) FROM t WHERE sex IS NOT NULL GROUP BY sex"))
    values = ask(query, PENGUINS).values
    assert values.pop("verdict") == "far"
    assert values == pytest.approx({**means, "difference": means["male"] - means["female"]})
    tied = tmp_path / "tied.csv"
    tied.write_text("name,score,shop\nA,3,x\nB,5,x\nC,5,y\nD,1,y\n")
    best = {"intent": "rank", "show": ["name"], "order": [{"by": "score"}], "limit": 1, "tell": "names"}
    assert ask(best, tied).values == {"name": "B, C"}
    assert ask({**best, "limit": 3}, tied).values == {"name": "B, C, A"}
    by_shop = {**best, "tell": "all", "order": [{"by": "shop"}], "limit": 3}
    assert ask(by_shop, tied).text.endswith("; 1 more has the same value as the last (4 rows).")
    (names, score) = ask({"measures": [of("sum", "score")], "group_by": [{"of": "name"}, {"of": "shop"}],
                          "order": [{"by": "sum"}], "limit": 1}, tied).values.values()  # fmt: skip
    assert (names, score) == ("B, x, C, y", 5)
    assert ask({"measures": [of("first", "name")], "order": [{"by": "score"}]}, tied).values == {
        "first value of name": "B"
    }
    every = {"measures": [of("sum", "score")], "group_by": [{"of": "shop"}], "order": [{"by": "sum"}], "limit": 1}
    assert ask(every, tied).values == {"shop": "x", "sum of score": 8}


def test_correlations_among_themselves_and_with_their_p_value(ask: Ask) -> None:
    columns = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm"]
    pairs = [of("correlation", "body_mass_g", other=c, name=c) for c in columns]
    for by in ("abs(value)", "correlation"):
        values = ask({"intent": "rank", "measures": pairs, "order": [{"by": by}], "limit": 1}, PENGUINS).values
        assert values == pytest.approx(
            {"name": "flipper_length_mm", "correlation": DF["body_mass_g"].corr(DF["flipper_length_mm"])}
        )
    rule = [{"when": "p_value < 0.05 and abs(r) >= 0.5", "then": "strong"}, {"then": "weak"}]
    measure = of("correlation", "bill_length_mm", other="bill_depth_mm", with_p=True)
    r, p = scipy.stats.pearsonr(*DF[["bill_length_mm", "bill_depth_mm"]].dropna().to_numpy().T)
    asked = ask({"measures": [measure], "verdicts": rule}, PENGUINS)
    assert list(asked.values.values()) == [pytest.approx(r), pytest.approx(p), "weak"]
    grouped = ask({"measures": [measure], "group_by": [{"of": "species"}], "verdicts": rule}, PENGUINS).values
    part = DF[DF["species"] == "Gentoo"].dropna(subset=["bill_length_mm", "bill_depth_mm"])
    assert grouped["correlation of bill_length_mm and bill_depth_mm, Gentoo"] == pytest.approx(
        scipy.stats.pearsonr(part["bill_length_mm"], part["bill_depth_mm"]).statistic
    )
    assert grouped["verdict, Gentoo"] == "strong"
    ranks = of("correlation", "bill_length_mm", other="bill_depth_mm", method="spearman", with_p=True)
    rho = scipy.stats.spearmanr(*DF[["bill_length_mm", "bill_depth_mm"]].dropna().to_numpy().T)
    assert list(ask({"measures": [ranks]}, PENGUINS).values.values()) == pytest.approx(list(rho))


def test_a_comparison_is_a_sentence_and_a_share_is_one_of_each_sides_rows(ask: Ask) -> None:
    compare = {"of": "sex", "first": "male", "second": "female"}
    heavy = {"measures": [of("share", where=[where("body_mass_g", ">", 4000)])], "compare": compare}
    asked = ask(heavy, PENGUINS)
    share = "100.0 * avg((coalesce(body_mass_g, 0) > 4000)::int)"
    male, female = (sql(f"SELECT {share} FROM t WHERE sex = '{s}'") for s in ("male", "female"))
    assert list(asked.values.values()) == pytest.approx([male, female, male - female])
    assert "29.73 pp higher for male" in asked.text
    asked = ask({"measures": [of("mean", "body_mass_g")], "compare": compare}, PENGUINS)
    assert asked.text.startswith("The mean of body mass is 4,546 g for male and 3,862 g for female: 683.4 g higher")


def test_no_row_is_no_answer_and_says_so(ask: Ask) -> None:
    query = {"measures": [of("mean", "body_mass_g")], "where": [where("body_mass_g", ">", 99_999)]}
    (answer,) = ask(query, PENGUINS).answers
    assert (answer["status"], answer["text"]) == ("not_answered", "")
    assert "No row" in answer["why"]
    none = ask({"measures": [of("count")], "where": [where("body_mass_g", ">", 99_999)]}, PENGUINS)
    assert none.values == {"number of rows": 0}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"measures": [of("mean", "body_mas")]}, "Did you mean “body_mass_g”?"),
    ({"measures": [of("mean", "species")]}, "holds text, no numbers"),
    ({"measures": [of("mean")]}, "Say of which column"),
    ({"measures": [of("mean", "species / sex")]}, "holds text, no numbers"),
    ({"measures": [of("correlation", "body_mass_g")]}, "two columns"),
    ({"measures": [of("share")]}, "of what it is a part"),
    ({"measures": [of("count")], "where": [where("species", "=", "Gento")]}, "Did you mean “Gentoo”?"),
    ({"measures": [of("count")], "where": [where("body_mass_g", ">", "heavy")]}, "“heavy” is none"),
    ({"measures": [of("count")], "where": [where("body_mass_g", "between", [1])]}, "takes two values"),
    ({"measures": [of("count")], "where": [where("sex", ">", None)]}, "takes a value to compare with"),
    ({"measures": [of("count")], "group_by": [{"of": "specie"}]}, "Did you mean “species”?"),
    ({"measures": [of("count")], "group_by": [{"of": "body_mass_g", "grain": "month"}]}, "holds no times"),
    ({"measures": [of("count")], "group_by": [{"of": "sex"}], "order": [{"by": "mean"}]}, "no value “mean”"),
    ({"measures": [of("count")], "group_by": [{"of": "sex"}], "having": [where("total", ">", 3)]}, "no value “total”"),
    ({"table": "penguin.csv", "measures": [of("count")]}, "Did you mean “penguins.csv”?"),
    ({"outliers": {}, "measures": [of("count")]}, "in which column"),
    ({"outliers": {}, "measures": [of("count", "species")]}, "holds text"),
    ({"model": {"target": "body_mass_g", "features": ["body_mass_g"]}}, "from itself"),
    ({"model": {"target": "body_mass_g"}}, "from which columns"),
    ({"model": {"features": ["body_mass_g"]}}, "what the model is to predict"),
    ({"prepare": [{"do": "fill", "columns": ["sex"], "how": "mean"}], "measures": [of("count")]}, "holds text"),
    ({"prepare": [{"do": "fill", "columns": ["sex"], "how": "value"}], "measures": [of("count")]}, "which value"),
    ({"prepare": [{"do": "derive", "name": "x", "expr": "mass * 2"}], "measures": [of("count")]}, "no column “mass”"),
    ({"prepare": [{"do": "cut", "name": "x", "of": "year"}], "measures": [of("count")]}, "at which edges"),
    (
        {"prepare": [{"do": "recode", "column": "sex", "values": [["male", 1]]}], "measures": [of("count")]},
        "numbers and text",
    ),
    ({"prepare": [{"do": "scale", "columns": ["sex"], "how": "z"}], "measures": [of("count")]}, "holds text"),
    ({"joins": [{"file": "x.csv", "own": ["sex"], "theirs": ["sex"]}], "measures": [of("count")]}, "no file “x.csv”"),
    ({"verdicts": [{"when": "p < 0.05", "then": "yes"}], "measures": [of("count")]}, "no value “p”"),
    ({}, "does not say what is wanted"),
]


@pytest.mark.parametrize(("query", "said"), REFUSED, ids=[s for _, s in REFUSED])
def test_what_cannot_be_computed_is_refused_before_a_cell_runs(ask: Ask, query: dict[str, Any], said: str) -> None:
    with pytest.raises(NotComputable) as refused:
        ask(query, PENGUINS)
    assert said in str(refused.value)
    assert str(refused.value)[-1] in ".?…"


def test_cells_are_readable_take_no_name_of_the_toolkit_and_are_the_same_twice(ask: Ask) -> None:
    from notebooks.slices import TOOLKIT, binds, package

    queries = [{"measures": [{"of": "body_mass_g", "name": "m", **m}]} for m, _ in STATISTICS[:25:6]]
    queries += [
        {
            "measures": [of("mean", "body_mass_g")],
            "group_by": [{"of": "species"}, {"of": "sex"}],
            "order": [{"by": "mean"}],
        }
    ]
    queries += [{"intent": "list", "show": ["species"], "order": [{"by": "body_mass_g"}], "limit": 5}]
    queries += [{"test": {"name": "tukey"}, "measures": [of("value", "body_mass_g")], "group_by": [{"of": "species"}]}]
    queries += [
        {
            "model": {
                "kind": "tree",
                "target": "sex",
                "features": ["body_mass_g"],
                "metrics": ["confusion", "importances"],
            }
        }
    ]
    queries += [{"outliers": {"rule": "mad"}, "measures": [of("count", "body_mass_g")], "show": ["species"]}]
    for query in queries:
        first, again = ask(query, PENGUINS), ask(query, PENGUINS)
        assert first.code == again.code
        assert not binds(first.code) & package(TOOLKIT).names - {"stats"}, first.code
        assert len(first.code.splitlines()) <= 40
        ast.parse(first.code)


def test_a_large_file_is_computed_from_all_of_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cell reads the columns that it names, of all rows, where only a sample is at hand."""
    column = {"dtype": "float64", "n_missing": 0, "n_unique": 9, "examples": []}
    tables = [{"name": "big.csv", "rows": 10**7, "sampled": True, "columns": [{"name": n, **column} for n in "abc"]}]
    cells = compile(Query.model_validate({"measures": [of("mean", "c")], "where": [where("a", ">", 1)]}), tables)
    assert cells.cells[0][1].splitlines()[0] == 'rows = read_columns("big.csv", ["a", "c"])  # all rows'  # type: ignore[union-attr]
    with pytest.raises(NotComputable, match="too large"):
        compile(Query.model_validate({"prepare": [{"do": "drop_missing"}], "measures": [of("count")]}), tables)


@pytest.mark.parametrize("test", [{}, {"test": {"name": "welch"}}])
def test_a_group_is_compared_with_all_others_together(ask: Ask, test: dict[str, Any]) -> None:
    measures = [of("value" if test else "mean", "body_mass_g")]
    asked = ask({**test, "measures": measures, "compare": {"of": "species", "first": "gentoo"}}, PENGUINS)
    gap = sql(
        "SELECT avg(body_mass_g) FILTER (species = 'Gentoo') - avg(body_mass_g) FILTER (species <> 'Gentoo') FROM t"
    )
    assert asked.values["difference of means" if test else "difference"] == pytest.approx(gap)
    assert "the others" in asked.text
    assert not asked.notes


def test_each_of_a_few_values_is_told_beside_all_of_them_together(ask: Ask) -> None:
    chosen = [where("species", "in", ["Adelie", "Gentoo"])]
    asked = ask({"measures": [of("mean", "body_mass_g")], "where": chosen}, PENGUINS)
    mean = "SELECT avg(body_mass_g) FROM t WHERE species "
    want = [sql(f"{mean}{which}") for which in ("<> 'Chinstrap'", "= 'Adelie'", "= 'Gentoo'")]
    assert list(asked.values.values()) == pytest.approx(want)
    assert "4,318 g for all of them together; by species: Adelie 3,701; Gentoo 5,076" in asked.text
    own = [v.get("query") for v in asked.answers[-1]["values"]]
    assert own[0] is None
    assert own[1] == own[2] == {"measures": [of("mean", "body_mass_g")], "group_by": [{"of": "species"}]}


@pytest.mark.parametrize(
    ("period", "said"),
    [("hour 18-23", "from 18:00 to midnight"), ("hour 0-5", "from midnight to 6:00"), ("hour 9", "from 9:00 to 10:00")],
)
def test_hours_are_told_by_when_they_begin_and_end(period: str, said: str) -> None:
    assert conditions.period(period) == said
