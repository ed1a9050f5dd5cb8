"""More real tables: those of every course, and free ones that installed packages carry, with their truths.

They were written down before the analyst had seen any of them, and found 21 of 48 truths then, with one wrong headline.
"""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path
from typing import Any

from bench.real import RELATIONS, Fact, Table, Told

SHAPES = {"distribution_shape", "clusters", "variance_difference", "outliers"}


def _period(column: str, low: float, high: float) -> Fact:
    def fact(told: Told) -> bool:
        found = told.some("seasonality", column, type="claim")
        return any(low <= float((f.get("params") or {}).get("period") or 0) <= high for f in found)

    return fact


def _related(*columns: str, **also: Any) -> Fact:
    return lambda told: told.some(RELATIONS, *columns, type="claim", **also)


def _few(rows: int) -> Fact:
    return lambda told: told.some("small_sample") or told.says(rf"(small|only|few)[^.]{{0,40}}\b{rows}\b")


def _clusters(columns: int, *names: str) -> Fact:
    """Whether groups of rows were found in at least so many of these columns."""

    def fact(told: Told) -> bool:
        found = told.some("clusters", type="claim")
        return any(len(set(f["columns"]) & set(names)) >= columns for f in found)

    return fact


def _some(kinds: set[str] | str, *columns: str) -> Fact:
    return lambda told: told.some(kinds, *columns)


def tables() -> tuple[Table, ...]:
    """The tables, after their files were written into a temporary folder or found in the packages."""
    folder = Path(tempfile.gettempdir()) / "gristmill-bench" / "classics"
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(
        Table(name, _file(folder, name, source), question, truths, wrong, roles)
        for name, source, question, truths, wrong, roles in _known()
    )


def _file(folder: Path, name: str, source: str) -> Path:
    """A data file of ours, one that scikit-learn loads, or one that lies in a package's folder."""
    package, inside = source.split("/", 1)
    if package == "bench":
        return Path(__file__).parent / "data" / inside
    if package == "sklearn":
        import sklearn.datasets

        path = folder / f"{name}.csv"
        bunch = getattr(sklearn.datasets, f"load_{inside}")(as_frame=True)
        frame = bunch.data.assign(**{_kind(inside): [str(bunch.target_names[i]) for i in bunch.target]})
        frame.to_csv(path, index=False, lineterminator="\n")
        return path
    spec = importlib.util.find_spec(package)
    assert spec is not None, f"{package} is not installed: pip install 'gristmill[charts]'"
    assert spec.origin is not None
    return Path(spec.origin).parent / inside


def _kind(bunch: str) -> str:
    return {"iris": "species", "wine": "cultivar", "breast_cancer": "diagnosis"}[bunch]


def _known() -> list[tuple[str, Any, str, dict[str, Fact], dict[str, Fact], dict[str, str]]]:
    petals = ("petal length (cm)", "petal width (cm)")
    sepals = ("sepal length (cm)", "sepal width (cm)")
    return [
        (
            "iris",
            "sklearn/iris",
            "Does sepal length predict sepal width, and what separates the species?",
            {
                "sepals turn about within species": _some("simpsons_paradox", *sepals, "species"),
                "petals are longest in virginica": _related("petal length (cm)", "species", top="virginica"),
                "petal width separates species too": _related("petal width (cm)", "species"),
            },
            {"longer sepals are narrower": lambda t: [f for f in t.some(RELATIONS, *sepals) if not f.get("segment")]},
            {},
        ),
        (
            "flowers",
            "sklearn/iris",
            "What is in this table?",
            {
                "petals go together": lambda t: (
                    t.some("correlation", *petals, type="claim") or t.some("redundant_columns", *petals)
                ),
                "there are groups": _clusters(2, *petals, *sepals),
            },
            {},
            {},
        ),
        (
            "wine",
            "sklearn/wine",
            "What separates the cultivars?",
            {
                "flavanoids do": _related("flavanoids", "cultivar", top="class_0"),
                "proline does": _related("proline", "cultivar", top="class_0"),
            },
            {"a measurement is called a leak": _some("target_leakage")},
            {},
        ),
        (
            "tumours",
            "sklearn/breast_cancer",
            "Which measurements differ between diagnoses?",
            {
                "concave points do": lambda t: (
                    t.some(RELATIONS, "worst concave points", "diagnosis")
                    or t.some(RELATIONS, "mean concave points", "diagnosis")
                ),
                "size does": lambda t: any(
                    t.some(RELATIONS, f"{a} {b}", "diagnosis", top="malignant")
                    for a in ("worst", "mean")
                    for b in ("radius", "perimeter", "area")
                ),
            },
            {"a measurement is called a leak": _some("target_leakage")},
            {},
        ),
        (
            "gapminder",
            "plotly/package_data/datasets/gapminder.csv.gz",
            "Does income per person (gdpPercap) predict life expectancy (lifeExp)?",
            {
                "the richer live longer": lambda t: t.some(RELATIONS, "gdpPercap", "lifeExp", type="claim"),
                "the relation is curved": lambda t: (
                    t.some("nonlinear_association", "gdpPercap", "lifeExp")
                    or [
                        f
                        for f in t.some(RELATIONS, "gdpPercap", "lifeExp")
                        if (f.get("effect") or {}).get("metric") == "spearman_r"
                    ]
                    or t.says(r"straight line|curve|logarithm")
                ),
                "countries are measured again and again": lambda t: (
                    t.some("pseudo_replication") or t.says(r"panel|again and again|each row is one country")
                ),
            },
            {"a code of countries matters": lambda t: t.some(RELATIONS, "iso_num")},
            {},
        ),
        (
            "hair",
            "bench/hair.csv",
            "Do hair and eye colour go together?",
            {
                "they do": _related("Hair", "Eye"),
                "Freq is a weight": lambda t: t.says(r"weight|counts? how many|592"),
                "V is about 0.28": lambda t: any(
                    0.25 <= float((f.get("effect") or {}).get("value") or 0) <= 0.31
                    for f in t.some("association", "Hair", "Eye")
                ),
            },
            {"the weight is an outcome": lambda t: t.some(RELATIONS | SHAPES, "Freq")},
            {},
        ),
        (
            "aboard",
            "bench/aboard.csv",
            "Who survived?",
            {
                "women did": lambda t: t.some(RELATIONS, "sex", "survived", type="claim"),
                "73 % against 21 %": lambda t: t.says(r"73\.2|0\.732") and t.says(r"21\.2|0\.212"),
                "the first class did": lambda t: t.some(RELATIONS, "class", "survived", type="claim"),
                "n is a weight": lambda t: t.says(r"weight|counts? how many|2,201"),
            },
            {"the weight is an outcome": lambda t: t.some(RELATIONS | SHAPES, "n")},
            {},
        ),
        (
            "sleep",
            "bench/sleep.csv",
            "Does the drug (group) change the extra sleep?",
            {
                "20 rows are few": _few(20),
                "the same ten patients got both": lambda t: (
                    t.some("pseudo_replication") or t.says(r"pair|again and again|measured (twice|several|2)")
                ),
                "pairing shows 1.58 hours": lambda t: (
                    t.says(r"1\.58") or t.some(RELATIONS, "extra", "group", type="claim")
                ),
            },
            {"the patient's number matters": lambda t: t.some({"correlation", "driver"}, "ID")},
            {},
        ),
        (
            "plants",
            "bench/plants.csv",
            "Does weight differ between the groups?",
            {
                "30 plants are few": _few(30),
                "trt2 is heaviest": lambda t: (
                    t.some(RELATIONS, "weight", "group", top="trt2") or t.says(r"highest for trt2")
                ),
            },
            {"their spreads differ": _some("variance_difference", "weight")},
            {},
        ),
        (
            "teeth",
            "bench/teeth.csv",
            "How do dose and supp affect the length (len)?",
            {
                "more vitamin, longer teeth": _related("dose", "len"),
                "orange juice does more": lambda t: t.some(RELATIONS | {"interaction"}, "supp", "len"),
            },
            {},
            {"target": "len"},
        ),
        (
            "chicks",
            "bench/chicks.csv",
            "Does the feed matter for weight?",
            {
                "it does": _related("feed", "weight"),
                "horsebean is worst": lambda t: t.says(r"lowest for horsebean|horsebean[^.]{0,30}lowest"),
            },
            {"one feed spreads more": _some("variance_difference", "weight")},
            {},
        ),
        (
            "sprays",
            "bench/sprays.csv",
            "Which spray leaves the fewest insects?",
            {
                "sprays differ": _related("count", "spray"),
                "C leaves fewest": lambda t: t.says(
                    r"(lowest|least|fewest)[^.]{0,30}\bC\b|\bC\b[^.]{0,40}(lowest|fewest)"
                ),
            },
            {"the count is a weight": lambda t: t.says(r"count is a weight")},
            {},
        ),
        (
            "air",
            "bench/air.csv",
            "How did the number of passengers change?",
            {
                "it rose": lambda t: t.some("trend", "passengers", type="claim", direction="+"),
                "it has a yearly season": _period("passengers", 12, 12),
                "July or August is highest": lambda t: t.says(r"\b(July|August)\b"),
            },
            {"it jumped once": _some("change_point", "passengers")},
            {},
        ),
        (
            "stops",
            "bench/stops.csv",
            "Does speed set the stopping distance?",
            {"faster cars take longer": lambda t: t.some(RELATIONS, "speed", "dist", type="claim", direction="+")},
            {"points make the line": _some("leverage_point")},
            {},
        ),
        (
            "sunspots",
            "statsmodels/datasets/sunspots/sunspots.csv",
            "Is there a cycle in sunspot activity?",
            {"about eleven years": _period("SUNACTIVITY", 10, 12)},
            {"it jumped once": _some("change_point", "SUNACTIVITY")},
            {},
        ),
        (
            "engel",
            "statsmodels/datasets/engel/engel.csv",
            "How does food expenditure (foodexp) depend on income?",
            {
                "it rises with income": lambda t: t.some(RELATIONS, "income", "foodexp", type="claim", direction="+"),
            },
            {"points make the line": _some("leverage_point")},
            {},
        ),
        (
            "states",
            "statsmodels/datasets/statecrime/statecrime.csv",
            "What goes with murder?",
            {
                "single parents do": lambda t: t.some(RELATIONS, "single", "murder", direction="+"),
                "the capital stands apart": lambda t: (
                    t.some({"leverage_point", "outliers"}, "murder") or t.says("District of Columbia")
                ),
            },
            {"the state's name matters": lambda t: t.some(RELATIONS, "state")},
            {"target": "murder"},
        ),
        (
            "longley",
            "statsmodels/datasets/longley/longley.csv",
            "What drives employment (TOTEMP)?",
            {
                "16 years are few": _few(16),
                "it rises with GNP": lambda t: t.some(
                    RELATIONS | {"spurious_trend_correlation", "redundant_columns"}, "GNP"
                ),
                "all of it drifts together": lambda t: (
                    t.some("spurious_trend_correlation") or t.some("confounding") or t.some("redundant_columns")
                ),
            },
            {"the running number matters": lambda t: t.some(RELATIONS, "Obs")},
            {"target": "TOTEMP"},
        ),
        (
            "stack",
            "statsmodels/datasets/stackloss/stackloss.csv",
            "What explains the stack loss?",
            {
                "air flow does": _related("AIRFLOW", "STACKLOSS", direction="+"),
                "21 days are few": _few(21),
            },
            {"the acid does": lambda t: t.some(RELATIONS, "ACIDCONC", "STACKLOSS")},
            {"target": "STACKLOSS"},
        ),
        (
            "insurance",
            "statsmodels/datasets/randhie/randhie.csv",
            "Does coinsurance (lncoins) lower the number of visits (mdvis)?",
            {
                "it does": lambda t: t.some(RELATIONS, "lncoins", "mdvis", type="claim"),
            },
            {"coinsurance raises visits": lambda t: t.some(RELATIONS, "lncoins", "mdvis", direction="+")},
            {"target": "mdvis"},
        ),
        (
            "election",
            "statsmodels/datasets/anes96/anes96.csv",
            "What separates the voters of the two candidates (vote)?",
            {
                "the party does": _related("PID", "vote"),
                "placing oneself left or right does": _related("selfLR", "vote"),
            },
            {"watching the news does": lambda t: t.some(RELATIONS, "TVnews", "vote")},
            {"target": "vote"},
        ),
        (
            "firms",
            "statsmodels/datasets/grunfeld/grunfeld.csv",
            "Does a firm's value predict what it invests?",
            {
                "it does": lambda t: t.some(RELATIONS, "value", "invest", type="claim", direction="+"),
                "firms are measured again and again": lambda t: (
                    t.some("pseudo_replication") or t.says(r"panel|again and again")
                ),
            },
            {},
            {"target": "invest"},
        ),
    ]
