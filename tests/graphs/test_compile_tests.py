"""Tests, outliers and models in compiled cells, against scipy and scikit-learn by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
import scipy

PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"


DF = pd.read_csv(PENGUINS)
BASE = duckdb.connect()
BASE.register("t", DF)


Ask = Callable[..., Any]


def sql(text: str) -> Any:
    rows = BASE.sql(text).fetchall()
    return rows[0][0] if len(rows) == 1 and len(rows[0]) == 1 else rows


def of(op: str, column: str | None = None, **more: Any) -> dict[str, Any]:
    return {"op": op, "of": column, **more}


def where(left: str, op: str = "=", right: Any = None) -> dict[str, Any]:
    return {"left": left, "op": op, "right": right}


GROUPS = {k: g.dropna() for k, g in DF.groupby("species")["body_mass_g"]}


TWO = [GROUPS["Adelie"], GROUPS["Gentoo"]]


MASS = DF["body_mass_g"].dropna()


BILLS = DF[["bill_length_mm", "bill_depth_mm"]].dropna().to_numpy().T


TESTS = [
    ("shapiro", {}, lambda: scipy.stats.shapiro(MASS)),
    ("dagostino", {}, lambda: scipy.stats.normaltest(MASS)),
    ("jarque_bera", {}, lambda: scipy.stats.jarque_bera(MASS)),
    ("one_sample_t", {"null": 4000}, lambda: scipy.stats.ttest_1samp(MASS, 4000)),
    ("t", "two", lambda: scipy.stats.ttest_ind(*TWO)),
    ("welch", "two", lambda: scipy.stats.ttest_ind(*TWO, equal_var=False)),
    ("mannwhitney", "two", lambda: scipy.stats.mannwhitneyu(*TWO)),
    ("ks_two", "two", lambda: scipy.stats.ks_2samp(*TWO)),
    ("anova", "species", lambda: scipy.stats.f_oneway(*GROUPS.values())),
    ("kruskal", "species", lambda: scipy.stats.kruskal(*GROUPS.values())),
    ("levene", "species", lambda: scipy.stats.levene(*GROUPS.values())),
    ("bartlett", "species", lambda: scipy.stats.bartlett(*GROUPS.values())),
    ("paired_t", "pair", lambda: scipy.stats.ttest_rel(*BILLS)),
    ("wilcoxon", "pair", lambda: scipy.stats.wilcoxon(*BILLS)),
    ("pearson", "pair", lambda: scipy.stats.pearsonr(*BILLS)),
    ("spearman", "pair", lambda: scipy.stats.spearmanr(*BILLS)),
    ("kendall", "pair", lambda: scipy.stats.kendalltau(*BILLS)),
    ("chi2", "table", lambda: scipy.stats.chi2_contingency(pd.crosstab(DF["island"], DF["species"]))[:2]),
    ("chi2_fit", "counts", lambda: scipy.stats.chisquare(DF["island"].value_counts())),
    ("f_variance", "two", lambda: f_test(*TWO)),
]


def f_test(a: pd.Series, b: pd.Series) -> tuple[float, float]:
    f = a.var() / b.var()
    upper = scipy.stats.f.sf(f, len(a) - 1, len(b) - 1)
    return f, 2 * min(upper, 1 - upper)


@pytest.mark.parametrize(("name", "shape", "want"), TESTS, ids=[n for n, _, _ in TESTS])
def test_each_test_gives_what_scipy_gives(ask: Ask, name: str, shape: Any, want: Callable[[], Any]) -> None:
    query: dict[str, Any] = {"intent": "test", "test": {"name": name}, "measures": [of("value", "body_mass_g")]}
    if isinstance(shape, dict):
        query["test"] |= shape
    elif shape == "two":
        query |= {"compare": {"of": "species", "first": "Adelie", "second": "Gentoo"}}
    elif shape == "species":
        query |= {"group_by": [{"of": "species"}]}
    elif shape == "pair":
        query |= {"measures": [of("value", "bill_length_mm"), of("value", "bill_depth_mm")]}
    else:
        query |= {"measures": [of("value", "island")], "group_by": [{"of": "species"}] if shape == "table" else []}
    asked = ask(query, PENGUINS)
    assert list(asked.values.values())[:2] == pytest.approx(list(want())[:2])
    assert list(asked.values)[1] == "p-value"
    assert isinstance(asked.values["verdict"], str)


@pytest.mark.parametrize(
    ("query", "chosen"),
    [
        ({"measures": [of("value", "body_mass_g")]}, "Shapiro-Wilk"),
        ({"measures": [of("value", "body_mass_g")], "group_by": [{"of": "species"}]}, "ANOVA"),
        ({"measures": [of("value", "body_mass_g")], "group_by": [{"of": "sex"}]}, "Welch"),
        ({"measures": [of("value", "island")], "group_by": [{"of": "species"}]}, "chi-square"),
        ({"measures": [of("value", "bill_length_mm"), of("value", "bill_depth_mm")]}, "Pearson"),
        (
            {"measures": [of("value", "body_mass_g")], "group_by": [{"of": "sex"}], "test": {"about": "medians"}},
            "Mann-Whitney",
        ),
        (
            {"measures": [of("value", "body_mass_g")], "group_by": [{"of": "species"}], "test": {"about": "variances"}},
            "Levene",
        ),
    ],
)
def test_the_test_that_is_chosen_is_said(ask: Ask, query: dict[str, Any], chosen: str) -> None:
    asked = ask({"intent": "test", "test": {}, **query}, PENGUINS)
    assert chosen.casefold() in asked.text.casefold()
    assert any(chosen in note and "was chosen" in note for note in asked.answers[-1]["notes"])


@pytest.mark.parametrize(
    ("name", "measures", "by", "why"),
    [
        ("t", ["body_mass_g"], [], "compares groups"),
        ("t", ["body_mass_g"], ["species"], "there are 3: name two of Adelie, Chinstrap, Gentoo"),
        ("shapiro", ["species"], [], "holds text"),
        ("pearson", ["body_mass_g"], [], "takes two columns"),
        ("chi2", ["species"], [], "takes two columns"),
        ("fisher", ["species"], ["island"], "these are 3 by 3"),
        ("binomial", ["species"], [], "has 3 levels"),
    ],
)
def test_a_test_that_the_columns_do_not_suit_says_why(
    ask: Ask, name: str, measures: list[str], by: list[str], why: str
) -> None:
    query = {
        "test": {"name": name},
        "measures": [of("value", c) for c in measures],
        "group_by": [{"of": c} for c in by],
    }
    (given,) = ask(query, PENGUINS).answers
    assert given["status"] == "not_answered"
    assert why in given["why"]


def test_a_test_of_each_group_and_measures_beside_a_test(ask: Ask) -> None:
    each = ask(
        {"test": {"name": "shapiro"}, "measures": [of("value", "body_mass_g")], "group_by": [{"of": "species"}]},
        PENGUINS,
    )
    assert each.values == pytest.approx({f"p-value, {k}": scipy.stats.shapiro(v).pvalue for k, v in GROUPS.items()})
    query = {"test": {"name": "welch"}, "measures": [of("mean", "body_mass_g")], "group_by": [{"of": "sex"}]}
    values = ask(query, PENGUINS).values
    assert values["mean of body_mass_g, male"] == pytest.approx(
        sql("SELECT avg(body_mass_g) FROM t WHERE sex = 'male'")
    )
    assert values["verdict"] == "significant difference"


def test_models_are_measured_on_held_out_rows(ask: Ask) -> None:
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.metrics import mean_squared_error
    from sklearn.model_selection import train_test_split

    used = DF[["bill_length_mm", "flipper_length_mm", "body_mass_g"]].dropna()
    X, y = used[["bill_length_mm", "flipper_length_mm"]], used["body_mass_g"]
    a, b, c, d = train_test_split(X, y, test_size=0.3, random_state=42)
    model = {"target": "body_mass_g", "features": list(X), "test_size": 0.3, "metrics": ["rmse", "r2"]}
    asked = ask({"intent": "predict", "model": model}, PENGUINS)
    fitted = LinearRegression().fit(a, c)
    want = [mean_squared_error(d, fitted.predict(b)) ** 0.5, fitted.score(b, d)]
    assert list(asked.values.values()) == pytest.approx(want)
    assert "seed 42" in " ".join(asked.answers[-1]["notes"])
    everything = {**model, "test_size": None, "metrics": ["r2", "coefficients", "intercept"]}
    whole = LinearRegression().fit(X, y)
    values = list(ask({"model": everything}, PENGUINS).values.values())
    assert values == pytest.approx([whole.score(X, y), whole.intercept_, *whole.coef_])
    words = {"kind": "logistic", "target": "sex", "features": list(X), "test_size": 0.2, "metrics": ["accuracy"]}
    known = DF[[*X, "sex"]].dropna()
    a, b, c, d = train_test_split(known[list(X)], known["sex"], test_size=0.2, random_state=42)
    accuracy = LogisticRegression(max_iter=1000).fit(a, c).score(b, d)
    assert list(ask({"model": words}, PENGUINS).values.values()) == [pytest.approx(accuracy)]
    encoded = {"target": "body_mass_g", "features": ["species"], "metrics": ["r2"]}
    eta = 1 - sum(((g - g.mean()) ** 2).sum() for g in GROUPS.values()) / ((MASS - MASS.mean()) ** 2).sum()
    assert list(ask({"model": encoded}, PENGUINS).values.values()) == [pytest.approx(eta)]


@pytest.mark.parametrize("kind", ["ridge", "lasso", "tree", "forest", "boosting", "knn", "svm"])
def test_every_kind_of_model_predicts_numbers_and_gives_the_same_twice(ask: Ask, kind: str) -> None:
    model = {
        "kind": kind,
        "target": "body_mass_g",
        "features": ["bill_length_mm", "sex"],
        "test_size": 0.3,
        "metrics": ["mae"],
    }
    first, again = (ask({"model": model}, PENGUINS).values for _ in range(2))
    assert first == again
    assert 100 < first["mean absolute error"] < 900


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ({"target": "species"}, "takes a classification"),
        ({"kind": "lasso", "target": "sex"}, "lasso model does no classification"),
        ({"kind": "tree", "target": "body_mass_g", "metrics": ["coefficients"]}, "no measure of a tree model"),
        ({"target": "body_mass_g", "folds": 3, "metrics": ["intercept"]}, "a mean over folds"),
    ],
)
def test_a_model_that_the_columns_do_not_suit_says_why(ask: Ask, model: dict[str, Any], why: str) -> None:
    (given,) = ask({"model": {"features": ["bill_length_mm"], **model}}, PENGUINS).answers
    assert given["status"] == "not_answered"
    assert why in given["why"]
