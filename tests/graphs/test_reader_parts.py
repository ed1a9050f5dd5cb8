"""Short questions in whatever order of words: each item finds its part, or there is no answer."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from graphs.questions.compile import compile
from graphs.questions.query import Condition, Cut, Group, Measure
from graphs.questions.reader import read
from tests.graphs.test_reader import described, one


@pytest.fixture(scope="module")
def pupils() -> list[dict[str, Any]]:
    """Pupils of three schools, with a test's score and what they pay for lunch."""
    n = 240
    table = pd.DataFrame(
        {
            "pupil_id": [f"P{i:04}" for i in range(n)],
            "school": [("Hill", "Lake", "Park")[i % 3] for i in range(n)],
            "gender": [("female", "male")[i % 2] for i in range(n)],
            "age": [8 + i % 9 for i in range(n)],
            "swimmer": [("yes", "no")[i % 4 > 0] for i in range(n)],
            "passed": [("yes", "no")[i % 7 > 4] for i in range(n)],
            "score": [40 + i % 53 + i / 1000 for i in range(n)],
            "lunch_fee": [1.5 + i % 5 + i / 1000 for i in range(n)],
        }
    )
    return [described("pupils.csv", table)]


PASSED = Condition(left="passed", op="=", right="yes")
SWIMMER = Condition(left="swimmer", op="=", right="yes")
GIRLS = Condition(left="gender", op="=", right="female")


@pytest.mark.parametrize(
    ("question", "where"),
    [
        ("How many girls at Hill passed?", {GIRLS, PASSED, Condition(left="school", op="=", right="Hill")}),
        ("How many girls older than 12 passed?", {GIRLS, PASSED, Condition(left="age", op=">", right=12)}),
        ("Are there swimmers older than 15?", {SWIMMER, Condition(left="age", op=">", right=15)}),
    ],
)
def test_what_is_counted_meets_all_that_is_said(
    question: str, where: set[Condition], pupils: list[dict[str, Any]]
) -> None:
    query = one(question, pupils)
    assert set(query.where) == where
    assert [m.op for m in query.measures] == ["count"]


@pytest.mark.parametrize(
    ("question", "side", "measure"),
    [
        ("Did girls pass more often than boys?", "gender", Measure(op="share", where=(PASSED,))),
        ("Are boys more often swimmers than girls?", "gender", Measure(op="share", where=(SWIMMER,))),
        ("Is the score higher at Lake?", "school", Measure(op="mean", of="score")),
        ("How much more do swimmers pay?", "swimmer", Measure(op="mean", of="lunch_fee")),
        ("How does the score differ between schools?", "school", Measure(op="mean", of="score")),
    ],
)
def test_sides_are_set_against_each_other_by_what_is_left(
    question: str, side: str, measure: Measure, pupils: list[dict[str, Any]]
) -> None:
    query = one(question, pupils)
    assert query.intent == "compare"
    assert query.group_by == (Group(of=side),)
    assert query.measures == (measure,)


def test_two_columns_go_together_where_adjectives_name_them(pupils: list[dict[str, Any]]) -> None:
    query = one("Do older pupils pay more?", pupils)
    assert query.measures == (Measure(op="correlation", of="lunch_fee", other="age"),)
    assert one("Are older pupils more likely to pass?", pupils).group_by == (Group(of="passed"),)


def test_two_groups_are_compared_in_all_that_is_known_of_them(pupils: list[dict[str, Any]]) -> None:
    query = one("Compare Hill and Lake", pupils)
    assert query.intent == "compare"
    assert query.group_by == (Group(of="school"),)
    assert {m.of for m in query.measures} >= {None, "age", "score", "lunch_fee"}
    assert not any(m.where == (SWIMMER,) for m in one("Compare swimmers and non-swimmers", pupils).measures)


def test_which_group_is_ahead(pupils: list[dict[str, Any]]) -> None:
    query = one("Which school pays more?", pupils)
    assert (query.intent, query.limit) == ("rank", 1)
    assert query.measures == (Measure(op="sum", of="lunch_fee"),)


def test_the_rows_of_a_share_are_not_those_that_count(pupils: list[dict[str, Any]]) -> None:
    query = one("What is the chance that a girl passes?", pupils)
    assert query.where == (GIRLS,)
    assert query.measures == (Measure(op="share", where=(PASSED,)),)


def test_a_share_is_of_what_is_said_of_the_rows(pupils: list[dict[str, Any]]) -> None:
    for question, rows, part in (
        ("What share of swimmers are girls?", SWIMMER, GIRLS),
        ("What share of girls are swimmers?", GIRLS, SWIMMER),
        ("What percentage of pupils at the Lake passed?", Condition(left="school", op="=", right="Lake"), PASSED),
    ):
        query = one(question, pupils)
        assert (query.where, query.measures) == ((rows,), (Measure(op="share", where=(part,)),)), question


def test_more_of_them_is_a_number_and_more_often_a_share(pupils: list[dict[str, Any]]) -> None:
    more = one("Are there more swimmers at Hill than at Lake?", pupils)
    assert more.measures == (Measure(op="count", where=(SWIMMER,)),)
    assert one("Which school has fewer swimmers?", pupils).measures == more.measures
    assert one("Do pupils at Hill pass more often than at Lake?", pupils).measures[0].op == "share"


def test_a_list_is_no_number(pupils: list[dict[str, Any]]) -> None:
    assert one("List the swimmers at Hill", pupils).intent == "list"
    assert one("Which swimmers are at Hill?", pupils).measures == (Measure(op="count"),)


def test_a_statistic_is_of_the_rows_that_are_named(pupils: list[dict[str, Any]]) -> None:
    query = one("What do swimmers at Park pay on average?", pupils)
    assert set(query.where) == {SWIMMER, Condition(left="school", op="=", right="Park")}
    assert query.measures == (Measure(op="mean", of="lunch_fee"),)


@pytest.mark.parametrize(
    "question",
    [
        "Are tall girls better than boys?",
        "Do left-handed swimmers pay more?",
        "How many twins passed?",
        "Which pupils passed more than 3 times?",
        "What is the second highest score?",
        "Who passes most?",
        "What is the average score of the 5 oldest pupils?",
    ],
)
def test_what_finds_no_part_is_not_answered(question: str, pupils: list[dict[str, Any]]) -> None:
    assert not any(read(question, pupils).queries), read(question, pupils).queries


@pytest.fixture(scope="module")
def seals() -> list[dict[str, Any]]:
    """Seals of three colonies, weighed over four years."""
    n = 80
    table = pd.DataFrame(
        {
            "colony": [("Berrie", "Skerrow", "Holm")[i % 3] for i in range(n)],
            "species": [("grey", "harp")[i % 2] for i in range(n)],
            "sex": [("male", "female")[i // 2 % 2] for i in range(n)],
            "weight_kg": [90 + i * 7 % 61 + i / 10 for i in range(n)],
            "year": [2019 + i % 4 for i in range(n)],
        }
    )
    return [described("seals.csv", table)]


@pytest.mark.parametrize(
    "asked", ["compare the colonies", "How do the colonies differ?", "How do berries compare to skerrows?"]
)
def test_classes_are_compared_by_all_that_is_measured(asked: str, seals: list[dict[str, Any]]) -> None:
    query = one(asked, seals)
    assert [g.of for g in query.group_by] == ["colony"]
    assert query.measures == (Measure(op="count"), Measure(op="mean", of="weight_kg"))


def test_whether_there_are_more_of_one_class_is_told_by_counts(seals: list[dict[str, Any]]) -> None:
    query = one("Are there more males or females?", seals)
    assert ([g.of for g in query.group_by], query.measures) == (["sex"], (Measure(op="count"),))


def test_what_gets_heavier_changes_over_time(seals: list[dict[str, Any]]) -> None:
    query = one("Did the seals get heavier?", seals)
    assert (query.intent, [g.of for g in query.group_by]) == ("change", ["year"])
    assert query.measures == (Measure(op="mean", of="weight_kg"),)


def test_a_word_that_begins_like_a_columns_stem_is_not_that_column(seals: list[dict[str, Any]]) -> None:
    reading = read("What is special about berries?", seals)
    assert reading.queries == (None,)
    assert "special" in reading.why_not[0]


@pytest.fixture(scope="module")
def births() -> list[dict[str, Any]]:
    """Births with short, joined and dotted headers."""
    n = 200
    table = pd.DataFrame(
        {
            "fage": [None if i % 9 == 0 else 20 + i % 31 for i in range(n)],
            "mage": [18 + i % 27 for i in range(n)],
            "weight": [5.0 + i % 53 / 10 for i in range(n)],
            "lowbirthweight": [("low", "not low")[i % 7 > 0] for i in range(n)],
            "habit": [("smoker", "nonsmoker")[i % 5 > 0] for i in range(n)],
            "gained": [None if i % 11 == 0 else 10 + i % 43 for i in range(n)],
            "yrs.in.clinic": [i % 39 for i in range(n)],
            "ward": [("North", "South", "East")[i % 3] for i in range(n)],
        }
    )
    return [described("births.csv", table)]


@pytest.mark.parametrize(
    ("rule", "verdicts"),
    [
        ("If it exceeds 0.7, call it 'strong'; if it lies between 0.4 and 0.7, 'moderate'; otherwise call it 'weak'.",
         [("r > 0.7", "strong"), ("r >= 0.4 and r <= 0.7", "moderate"), ("", "weak")]),
        ("State \"linked\" if the p-value is below 0.05 and \"not linked\" otherwise.",
         [("p_value < 0.05", "linked"), ("", "not linked")]),
        ("When p < 0.05 and |r| >= 0.8, describe the relation as 'strong linear'; otherwise describe it as 'none'.",
         [("p_value < 0.05 and abs(r) >= 0.8", "strong linear"), ("", "none")]),
        ("With a significance threshold of 0.01, say \"linked\" if the hypothesis is rejected, else say \"apart\".",
         [("p_value < 0.01", "linked"), ("", "apart")]),
        ("If the p-value is below 0.05, output \"linked\"; if not, output \"apart\".",
         [("p_value < 0.05", "linked"), ("", "apart")]),
        ("Strong: |r| >= 0.8; fair: 0.2 <= |r| < 0.8.",
         [("abs(r) >= 0.8", "strong"), ("abs(r) < 0.8 and abs(r) >= 0.2", "fair")]),
        ("|r| >= 0.8 strong, below 0.8 weak.", [("abs(r) >= 0.8", "strong"), ("abs(r) < 0.8", "weak")]),
    ],
)  # fmt: skip
def test_a_rule_tells_the_words_in_quotes(
    births: list[dict[str, Any]], rule: str, verdicts: list[tuple[str, str]]
) -> None:
    asked = f"Assess the correlation of fage and mage. Compute the Pearson coefficient. {rule}"
    assert [(v.when, v.then) for v in one(asked, births).verdicts] == verdicts


SAID_IN_FULL = (
    "Leave out rows with missing values. Round the results to two decimal places and report them in a single sentence."
)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Compute the median weight of the infants separately for each ward.", {"median of weight by ward"}),
        ("Which ward has the most infants delivered, and how many are there?", {"count by ward"}),
        ("Calculate the mean weight for every combination of ward and habit.", {"mean of weight by ward, habit"}),
        ("What is the mean weight rate of the infants?", {"mean of weight"}),
        ("Calculate the mean weight. The mean is the sum of all values divided by their number.", {"mean of weight"}),
        ("Test whether the mean weight of the wards is equal, using a one-way ANOVA.", {"values of weight by ward"}),
        ("For each ward, compute the mean and the standard deviation of weight, excluding missing values.",
         {"mean of weight by ward", "std of weight by ward"}),
    ],
)  # fmt: skip
def test_a_noun_for_the_rows_is_passed_over_where_all_is_said_in_full(
    births: list[dict[str, Any]], question: str, expected: set[str]
) -> None:
    queries = [q for q in read(f"{question}\n{SAID_IN_FULL}", births).queries if q is not None]
    got = {
        (f"{m.op} of {m.of}" if m.of else m.op) + (f" by {', '.join(g.of for g in q.group_by)}" if q.group_by else "")
        for q in queries for m in q.measures
    }  # fmt: skip
    assert got == expected


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("Scale gained to 0 to 1 (min-max). What is the mean of the scaled column?", "scale"),
        ("Drop every row with a missing value. How many of the remaining rows are there?", "drop_missing"),
        ("What is the mean weight for each habit (1 = smoker, 2 = nonsmoker)?", "habit"),
        ("Use z-scores to find the outliers of weight. How many are there?\n|z| > 2.5, population std", "2.5"),
        ("Find the outliers of weight by the IQR rule. Report the lower bound and the upper bound.", "outliers"),
        ("Chi-square test of habit and ward: report the degrees of freedom and p.", "independence"),
        ("Which of fage, mage and gained is most strongly correlated with weight?", "correlation"),
        ("Which ward has the highest mean weight?\nReturn ward and mean (2 decimals).", "mean"),
    ],
)
def test_what_a_method_says_of_its_own_results_is_read(births: list[dict[str, Any]], question: str, told: str) -> None:
    reading = read(question, births)
    assert reading.why_not == ("",)
    assert told in str(reading.queries[0] and reading.queries[0].model_dump(exclude={"text"}))


@pytest.mark.parametrize(
    "question",
    [
        "Calculate the mean weight. Which ward was the liveliest?",
        "How many infants have a weight of more than two standard deviations above the mean?",
        "Predict the weight with a linear regression based on mage and the income.",
    ],
)
def test_what_is_left_of_a_request_is_not_passed_over(births: list[dict[str, Any]], question: str) -> None:
    assert None in read(f"{question}\n{SAID_IN_FULL}", births).queries


def test_a_column_is_named_by_its_joined_words_and_with_its_dots(births: list[dict[str, Any]]) -> None:
    query = one("Are habit and low birth weight independent? Use a chi-square test.", births)
    assert [query.measures[0].of, query.group_by[0].of] == ["habit", "lowbirthweight"]
    assert one("What is the mean of yrs.in.clinic?", births).measures[0].of == "`yrs.in.clinic`"


def test_classes_that_are_listed_are_groups_without_a_name(births: list[dict[str, Any]]) -> None:
    classes = "'Early' for 0-9 years, 'Mid' (10-19 years) and 'Late' (20 years or more)"
    query = one(
        f"Divide the births into stages by yrs.in.clinic: {classes}. What is the mean weight of every stage?", births
    )
    (cut,) = query.prepare
    assert isinstance(cut, Cut)
    assert (cut.of, cut.edges, cut.labels) == ("`yrs.in.clinic`", (None, 10, 20, None), ("Early", "Mid", "Late"))
    assert [g.of for g in query.group_by] == [cut.name]


def test_a_filled_column_is_what_is_computed(births: list[dict[str, Any]]) -> None:
    asked = "Handle the missing values of the weight gained (gained). Fill missing entries in 'gained' with the median."
    query = one(f"{asked} Report the mean of the column.", births)
    assert [(m.op, m.of) for m in query.measures] == [("mean", "gained")]


def test_the_encoded_columns_are_features(births: list[dict[str, Any]]) -> None:
    asked = "Build a regression model for weight. Encode habit as 1 for smoker and 0 for nonsmoker."
    model = one(f"{asked} Use it together with mage as the features. Report the mean absolute error.", births).model
    assert model is not None
    assert (model.target, set(model.features), model.metrics) == ("weight", {"mage", "habit"}, ("mae",))


def test_which_of_several_goes_with_one_is_told_by_its_name(births: list[dict[str, Any]]) -> None:
    query = one("Which of the features fage, mage and gained has the highest correlation with weight?", births)
    assert [(m.of, m.other, m.name) for m in query.measures] == [
        ("weight", "fage", "fage"), ("weight", "mage", "mage"), ("weight", "gained", "gained"),
    ]  # fmt: skip
    assert query.limit == 1


def test_rows_are_removed_before_what_follows(births: list[dict[str, Any]]) -> None:
    asked = "Remove outliers from weight using the IQR method with a multiplier of 1.5. "
    asked += "Recompute the correlation of weight and mage."
    count, relation = read(f"{asked} Also report the number of rows that were removed.", births).queries
    assert count is not None
    assert relation is not None
    assert (count.intent, count.tell) == ("outliers", "number")
    assert [s.do for s in relation.prepare] == ["remove_outliers"]


def test_a_number_of_groups_is_no_value_of_the_column_before_it(births: list[dict[str, Any]]) -> None:
    asked = "Test if the mean weight of the three wards is equal. Use a one-way ANOVA."
    query = one(f"{asked}\n{SAID_IN_FULL}", births)
    assert (query.where, [g.of for g in query.group_by]) == ((), ["ward"])


def test_rows_of_the_other_sex_and_outliers_that_stay_are_not_passed_over(births: list[dict[str, Any]]) -> None:
    assert read(f"Find the mean weight of the female infants.\n{SAID_IN_FULL}", births).queries == (None,)
    kept = read(f"Calculate the mean weight. Do not remove any outliers.\n{SAID_IN_FULL}", births).queries
    assert all(q and all(s.do != "remove_outliers" for s in q.prepare) for q in kept)


@pytest.fixture(scope="module")
def storms() -> list[dict[str, Any]]:
    """Storms of four years, with words that say yes and no, and codes."""
    n = 240
    table = pd.DataFrame(
        {
            "name": [f"Storm {i % 90}" for i in range(n)],
            "Day": [1 + i % 28 for i in range(n)],
            "season": [2001 + i % 4 for i in range(n)],
            "basin": [("east", "west", "gulf")[(i % 7) % 3] for i in range(n)],
            "grade": [1 + i % 3 for i in range(n)],
            "landfall": [("yes", "no")[i % 4 > 0] for i in range(n)],
            "DriveTrain": [("front", "rear")[i % 2] for i in range(n)],
            "wind": [None if i % 40 == 3 else 20 + i % 97 + i / 1000 for i in range(n)],
            "pressure": [900 + i % 83 + i / 1000 for i in range(n)],
        }
    )
    return [described("storms.csv", table)]


def test_what_a_sentence_says_of_a_column_stands_for_its_words(storms: list[dict[str, Any]]) -> None:
    severe = one("What is the mean wind of severe storms? Severe storms are coded as 3 in the grade column.", storms)
    assert severe.where == (Condition(left="grade", op="=", right=3),)
    assert [(m.op, m.of) for m in severe.measures] == [("mean", "wind")]
    assert severe.notes
    gusts = one("What is the highest gust speed in each basin? The gust speed is stored in wind.", storms)
    assert ({m.of for m in gusts.measures}, [g.of for g in gusts.group_by]) == ({"wind"}, ["basin"])


def test_the_row_of_an_end_is_told_with_what_is_asked_of_it(storms: list[dict[str, Any]]) -> None:
    lowest = one("What is the lowest pressure, and for which name and in which season was it recorded?", storms)
    assert (lowest.intent, lowest.limit, lowest.show) == ("rank", 1, ("name", "season", "pressure"))
    assert [o.descending for o in lowest.order] == [False]


def test_two_ends_at_once_are_two_answers_and_a_tie_may_be_decided(storms: list[dict[str, Any]]) -> None:
    reading = read("Which basin is the most common and which one is the least common?", storms)
    assert [(q.measures[0].op, q.order[0].descending) for q in reading.queries if q] == [
        ("count", True),
        ("count", False),
    ]
    tied = one("Which basin has the most rows? If there is a tie, choose the one that comes first.", storms)
    assert [o.by for o in tied.order] == ["count", "basin"]


def test_rules_give_the_words_that_they_quote(storms: list[dict[str, Any]]) -> None:
    asked = """Is there a correlation between wind and pressure? The strength is "weak" if the absolute value of the
coefficient is below 0.3, "moderate" if it is between 0.3 and 0.7, and "strong" if it is above 0.7."""
    query = one(asked.replace("\n", " "), storms)
    assert [v.then for v in query.verdicts] == ["weak", "moderate", "strong"]
    assert all("abs(r)" in v.when for v in query.verdicts)
    skewed = """Calculate the skewness of wind. If the absolute value of the skewness is above 1, answer "skewed",
otherwise "even"."""
    assert one(skewed.replace("\n", " "), storms).verdicts[0].when == "abs(skewness) > 1.0"
    sign = one("Compute the correlation between wind and pressure, and say whether it is positive or negative.", storms)
    assert [v.then for v in sign.verdicts] == ["positive", "negative"]


def test_gaps_are_counted_before_they_are_filled(storms: list[dict[str, Any]]) -> None:
    asked = "How many missing values does wind have? Fill missing values with the median. What is the mean of wind?"
    before, after = read(asked, storms).queries
    assert before is not None
    assert after is not None
    assert ([m.op for m in before.measures], before.prepare) == (["missing"], ())
    assert ([m.op for m in after.measures], [s.do for s in after.prepare]) == (["mean"], ["fill"])


def test_outliers_are_removed_in_the_sentence_that_finds_them(storms: list[dict[str, Any]]) -> None:
    asked = """Identify outliers in wind with the interquartile range method, remove them, and compare the mean wind
before and after the removal."""
    found = [q for q in read(asked.replace("\n", " "), storms).queries if q]
    assert [[s.do for s in q.prepare] for q in found if q.measures[0].op == "mean"][-1] == ["remove_outliers"]


@pytest.mark.parametrize(
    "asked",
    [
        "What is the skewness of wind before and after a log transformation?",
        "Count the rows of storms. A storm is unusual when its z-score of wind is greater than 2.",
    ],
)
def test_what_changes_the_numbers_is_not_passed_over(asked: str, storms: list[dict[str, Any]]) -> None:
    assert None in read(asked, storms).queries


def test_words_of_the_method_name_no_columns(storms: list[dict[str, Any]]) -> None:
    asked = "Predict wind from pressure with a linear regression. Use 75% of the rows for training and 25% for testing."
    model = one(asked, storms).model
    assert model is not None
    assert model.features == ("pressure",)
    days = one("How many days have a wind above 90?", storms)
    assert [m.op for m in days.measures] == ["count"]
    test = one("Perform a t-test on the wind column between the landfall groups, assuming equal variances.", storms)
    assert test.test is not None
    assert test.test.name == "t"


def test_words_beside_numbers_and_made_columns_keep_their_meaning() -> None:
    n = 240
    table = pd.DataFrame(
        {
            "price": [100 + i % 97 + i / 1000 for i in range(n)],
            "HouseStyle": [("one", "two", "half")[i % 3] for i in range(n)],
            "GarageType": [("BuiltIn", "Attached", "None there")[i % 3] for i in range(n)],
            "YearBuilt": [1900 + i % 90 for i in range(n)],
            "age": [18 + i % 40 for i in range(n)],
            "month": [1 + i % 12 for i in range(n)],
            "sleep_total": [6 + i % 9 + i / 1000 for i in range(n)],
        }
    )
    homes = [described("homes_sold_house.csv", table)]
    built = one(
        "How many houses in the dataset were built before 1950? Use the YearBuilt column, not those built in 1950.",
        homes,
    )
    assert [(m.op, m.of) for m in built.measures] == [("count", None)]
    assert {w.left for w in built.where if isinstance(w, Condition)} == {"YearBuilt"}
    bands = """Categorize the homes into age groups: 'Young' (under 25), 'Middle' (25-34) and 'Older' (35 and above).
Calculate the mean price for each age group."""
    banded = one(bands.replace("\n", " "), homes)
    assert isinstance(banded.prepare[0], Cut)
    assert [g.of for g in banded.group_by] == [banded.prepare[0].name]
    july = one("What is the mean price in July?", homes)
    assert july.where == (Condition(left="month", op="=", right=7),)
    assert [(m.op, m.of) for m in one("What is the average total sleep?", homes).measures] == [("mean", "sleep_total")]
    made = one(
        "Apply a log10 transformation to price and store it in a new column 'log_price'. What is its mean?", homes
    )
    assert 'np.log(rows["price"]' in str(compile(made, homes))
    among = one("Which of the variables age, month and YearBuilt has the strongest correlation with price?", homes)
    assert {m.of for m in among.measures} == {"price"}
