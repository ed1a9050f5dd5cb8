"""Each word read and the whole misunderstood: what is read must be of the kind that was asked for."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from graphs.questions.query import Condition
from graphs.questions.reader import read
from tests.graphs.test_reader import described, one


@pytest.fixture(scope="module")
def parcels() -> list[dict[str, Any]]:
    """Parcels sent by three depots over two months."""
    n = 200
    table = pd.DataFrame(
        {
            "parcel_no": range(7001, 7001 + n),
            "sent_at": pd.date_range("2024-02-01 08:00", periods=n, freq="7h").astype(str),
            "depot": [("east", "west", "port")[i % 3] for i in range(n)],
            "fee": [4.5 + i % 17 + i / 100 for i in range(n)],
            "insured": [("yes", "no")[i % 4 > 0] for i in range(n)],
            "damaged": [("yes", "no")[i % 9 > 0] for i in range(n)],
        }
    )
    return [described("parcels.csv", table)]


def why_not(question: str, tables: list[dict[str, Any]]) -> str:
    reading = read(question, tables)
    assert reading.queries == (None,), reading
    return reading.why_not[0]


def test_a_yes_or_no_is_never_answered_by_a_bare_statistic(parcels: list[dict[str, Any]]) -> None:
    assert why_not("Is the fee 12?", parcels)


def test_what_there_is_may_be_counted(parcels: list[dict[str, Any]]) -> None:
    (query,) = read("Are there duplicate rows?", parcels).queries
    assert query is not None
    assert query.measures[0].op == "duplicates"


def test_numbers_that_only_name_rows_are_not_averaged(parcels: list[dict[str, Any]]) -> None:
    (query,) = read("At what time of day do we get the most parcels?", parcels).queries
    assert query is not None
    assert [m.op for m in query.measures] == ["count"]
    assert [g.grain for g in query.group_by] == ["hour_of_day"]


def test_the_worst_share_is_the_higher_one_of_a_fault_and_unknown_of_anything_else(
    parcels: list[dict[str, Any]],
) -> None:
    (query,) = read("Which depot has the worst damage rate?", parcels).queries
    assert query is not None
    assert query.order[0].descending
    assert "worst" in why_not("Which depot has the worst insured rate?", parcels)


@pytest.mark.parametrize(
    "question",
    [
        "What is the total fee of Zanzibar?",  # a name that the table does not hold
        "Is every insured parcel damaged?",  # no statistic tells it
        "How many parcels are insured or cost more than 10?",  # a choice between conditions, not both
        "Which parcels have the same fee?",
    ],
)
def test_what_would_be_told_of_other_rows_is_not_answered(question: str, parcels: list[dict[str, Any]]) -> None:
    assert why_not(question, parcels)


@pytest.mark.parametrize(
    "question",
    [
        "What did we do in March?",  # no list of the rows of March
        "What drives how much is paid?",
        "How many customers paid the fee?",  # no sum
        "What will the fee be in March?",
        "What is the total fee of nothing?",
    ],
)
def test_what_opens_a_question_is_held_against_what_is_told(question: str, parcels: list[dict[str, Any]]) -> None:
    assert why_not(question, parcels)


def test_one_common_word_of_a_name_is_no_condition() -> None:
    n = 60
    table = pd.DataFrame(
        {
            "pet": [("cat", "dog")[i % 2] for i in range(n)],
            "bill": [20.0 + i for i in range(n)],
            "came_back": [("yes", "no")[i % 3 > 0] for i in range(n)],
        }
    )
    (query,) = read("How many cats came in?", [described("pets.csv", table)]).queries
    assert query is not None
    assert [w.left for w in query.where if isinstance(w, Condition)] == ["pet"]


def test_an_empty_question_asks_for_nothing(parcels: list[dict[str, Any]]) -> None:
    assert not any(read("", parcels).queries)
    assert not any(read("?", parcels).queries)


def test_a_number_is_not_told_by_itself() -> None:
    inns = pd.DataFrame({"inn": [f"Inn {i}" for i in range(60)], "stars": [1 + i % 5 for i in range(60)]})
    assert "its own groups" in why_not("average stars by stars", [described("inns.csv", inns)])


def test_a_usual_value_is_no_test_of_a_normal_distribution(parcels: list[dict[str, Any]]) -> None:
    query = one("What's a normal fee?", parcels)
    assert [(m.op, m.of) for m in query.measures] == [("mean", "fee")]
    assert one("Is the fee normal?", parcels).test is not None


def test_a_share_of_rows_is_no_share_of_what_is_compared() -> None:
    days = pd.DataFrame({"sold": [i % 7 + i / 10 for i in range(50)], "planned": [i % 5 + i / 20 for i in range(50)]})
    query = one("How often is sold above planned?", [described("days.csv", days)])
    assert [(m.op, m.of) for m in query.measures] == [("share", None)]


@pytest.mark.parametrize("asked", ["How many rides were there?", "What was the busiest day?", "Are weekends busier?"])
def test_days_are_not_counted_in_the_place_of_what_they_hold(asked: str) -> None:
    table = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=90).astype(str), "trips_made": range(400, 490)})
    days = [described("days.csv", table)]
    why_not(asked, days)
    assert one("How many days had more than 450 trips made?", days).measures[0].op == "count"


def test_where_a_word_is_of_two_columns_the_other_is_named() -> None:
    towns = {
        "town": [f"T{i}" for i in range(60)],
        "noise_rank": range(1, 61),
        "noise_score": [i % 7 for i in range(60)],
    }
    query = one("What is the average noise?", [described("towns.csv", pd.DataFrame(towns))])
    assert [(m.op, m.of) for m in query.measures] == [("mean", "noise_score")]
    assert "“noise” is read as “noise_score”; it may also mean “noise_rank”." in query.notes


@pytest.fixture(scope="module")
def grants() -> list[dict[str, Any]]:
    """Grants, each asked for by one person."""
    n = 120
    table = pd.DataFrame(
        {
            "grant_id": [f"G{i:04}" for i in range(n)],
            "gender": [("female", "male")[i % 2] for i in range(n)],
            "own_income": [1000 + 13 * i for i in range(n)],
            "partner_income": [900 + 11 * i for i in range(n)],
        }
    )
    return [described("grants.csv", table)]


def test_rows_with_a_gender_are_people(grants: list[dict[str, Any]]) -> None:
    assert one("How many people are there?", grants).measures[0].op == "count"


def test_a_word_that_may_be_either_of_two_columns_is_not_the_rows(grants: list[dict[str, Any]]) -> None:
    assert "earn" in why_not("What do women earn?", grants)


def test_what_became_of_the_rows_of_a_time_is_a_share_of_them(parcels: list[dict[str, Any]]) -> None:
    query = one("What share of the parcels of February 2024 was damaged?", parcels)
    assert [w.op for w in query.where if isinstance(w, Condition)] == ["during"]
    assert query.measures[0].where == (Condition(left="damaged", op="=", right="yes"),)


def test_who_is_compared_is_no_number_and_less_of_what_no_column_holds_is_not_answered() -> None:
    n = 60
    table = pd.DataFrame(
        {
            "shop": [i % 20 + 100 for i in range(n)],
            "rent": [9.0 + i % 13 for i in range(n)],
            "sold": [i * 7 % 31 for i in range(n)],
        }
    )
    tables = [described("shops.csv", table)]
    (query,) = read("Do shops with a higher rent have fewer sold?", tables).queries
    assert query is not None
    assert {query.measures[0].of, query.measures[0].other} == {"rent", "sold"}
    assert why_not("Do shops with a higher rent have fewer complaints?", tables)


def test_a_result_or_a_comparison_of_the_method_that_is_not_read_leaves_no_answer(
    parcels: list[dict[str, Any]],
) -> None:
    assert "intercept" in why_not("What is the mean fee?\nReport the intercept.", parcels)
    assert ">=" in why_not("What is the mean fee by depot?\nThe power must be >= 0.8.", parcels)


def test_a_verdict_is_told_in_the_words_that_are_spelled_out(parcels: list[dict[str, Any]]) -> None:
    asked = "Does the fee differ by insured?\nUse a t-test and report “significant” / “not significant”."
    assert [v.then for v in one(asked, parcels).verdicts] == ["significant", "not significant"]


@pytest.fixture(scope="module")
def boats() -> list[dict[str, Any]]:
    """Boats mended for their owners, some of them not fetched yet; one does not know all that was paid."""
    n = 90
    taken = pd.date_range("2023-01-04", periods=n, freq="6D")
    fetched = [str((day + pd.Timedelta(days=9 + i % 40)).date()) if i % 10 else None for i, day in enumerate(taken)]
    firsts, lasts = ("Ida", "Per", "Una", "Kim"), ("Holt", "Vane", "Rusk", "Pell", "Moss")
    table = pd.DataFrame(
        {
            "taken_in": taken.astype(str),
            "fetched": fetched,
            "owner": [f"{firsts[i % 4]} {lasts[i % 5]}{'aeiouy'[i % 6]}" for i in range(n)],
            "carpenter": [("Ahmed", "Bo", "Cleo")[i % 3] for i in range(n)],
            "wood": [("oak", "teak", "pine")[i * 7 % 3] for i in range(n)],
            "length_m": [4.0 + i % 13 / 2 for i in range(n)],
            "score": [1 + i % 5 for i in range(n)],
            "fee_paid": [("Yes", "No", "Part")[i % 3] for i in range(n)],
            "calls": [i % 4 for i in range(n)],
        }
    )
    return [described("boats.csv", table)]


def test_an_adverb_is_no_other_form_of_its_adjective(boats: list[dict[str, Any]]) -> None:
    assert why_not("How long is a teak boat normally?", boats)  # and not whether lengths are normal
    liked = one("Which carpenter do people like best?", boats)
    assert [(m.op, m.of) for m in liked.measures] == [("mean", "score")]  # and no likelihood


def test_getting_more_than_others_is_no_change_over_time(boats: list[dict[str, Any]]) -> None:
    query = one("Do oak boats get more calls than pine ones?", boats)
    assert query.intent == "compare"
    assert [g.of for g in query.group_by] == ["wood"]


def test_two_times_that_are_compared_are_no_condition_and_worse_is_no_number_of_rows(
    boats: list[dict[str, Any]],
) -> None:
    query = one("Was the score in 2024 better than in 2023?", boats)
    assert query.compare is not None
    assert {query.compare.first, query.compare.second} == {"2023", "2024"}
    assert "2024" not in str(query.where)
    assert "worse" in why_not("Was 2024 a worse year than 2023?", boats)


def test_one_end_of_two_is_no_answer_and_what_varies_most_is_told_by_its_spread(boats: list[dict[str, Any]]) -> None:
    assert one("Which carpenter is slowest?", boats).measures[0].of == "duration"
    assert why_not("Which carpenter is slowest, and by how many days compared with the fastest one?", boats)
    assert one("Which wood varies the most in length?", boats).measures[0].op == "std"


def test_who_is_answered_by_names(boats: list[dict[str, Any]]) -> None:
    assert one("Who has not paid?", boats).show[0] == "owner"


@pytest.fixture(scope="module")
def fields() -> list[dict[str, Any]]:
    """Harvests of nine fields over forty years, and beside them what is known of three farms."""
    n = 120
    table = pd.DataFrame(
        {
            "Harvest No": range(1, n + 1),
            "Year": [1984 + i // 3 for i in range(n)],
            "Farm": [("Ash", "Birch", "Cedar")[i % 3] for i in range(n)],
            "Crop": [("rye", "oats")[i * 5 % 7 > 2] for i in range(n)],
            "yield_kg": [800.0 + 37 * i % 411 for i in range(n)],
            "rain_mm": [30.0 + i * 7 % 90 for i in range(n)],
            "spoilt": [("yes", "no")[i % 6 > 0] for i in range(n)],
            "inspector": [("Lo", "Mia", None)[i % 3] for i in range(n)],
        }
    )
    farms = pd.DataFrame({"Farm": ["Ash", "Birch", "Cedar"], "Tractors": [4, 7, 5], "Hands": [11, 16, 9]})
    return [described("harvests.csv", table), described("farms.csv", farms)]


def test_two_things_that_are_asked_of_one_group_are_told_each(fields: list[dict[str, Any]]) -> None:
    reading = read("What is the average yield by farm, and which farm spoils most?", fields[:1])
    told, most = reading.queries
    assert told is not None
    assert most is not None
    assert (told.limit, most.limit) == (None, 1)
    both = read("Which crop has the highest yield and which one the lowest?", fields[:1]).queries
    assert [q.order[0].descending for q in both if q] == [True, False]


def test_a_unit_that_is_asked_for_is_the_unit_that_is_told(fields: list[dict[str, Any]]) -> None:
    query = one("What is the mean yield in tonnes by farm?", fields[:1])
    assert [getattr(s, "expr", "") for s in query.prepare] == ["yield_kg * 0.001"]
    assert "nothing says" in one("What is the mean yield in euros?", fields[:1]).notes[-1]


def test_years_that_a_column_cannot_hold_are_times(fields: list[dict[str, Any]]) -> None:
    (when,) = one("What was the mean rain between 1990 and 1999?", fields[:1]).where
    assert isinstance(when, Condition)
    assert (when.left, when.right) == ("Year", (1990, 1999))


def test_a_ratio_or_how_many_more_is_told_as_one_number(fields: list[dict[str, Any]]) -> None:
    ratio = one("What is the ratio of spoilt harvests at Ash to Cedar?", fields[:1])
    assert [f.expr for f in ratio.formulas] == ["`Ash` / `Cedar`"]
    more = one("How many more rye than oats harvests are there?", fields[:1])
    assert [f.expr for f in more.formulas] == ["`rye` - `oats`"]


def test_the_second_highest_and_the_top_three_are_found_and_a_share_may_be_missing(
    fields: list[dict[str, Any]],
) -> None:
    assert one("Which farm has the second highest total yield?", fields[:1]).limit == 2
    assert one("What percentage of missing inspector is there per farm?", fields[:1]).measures[0].op == "share"


def test_what_only_another_file_counts_is_never_a_number_of_rows(fields: list[dict[str, Any]]) -> None:
    assert one("How many harvests does each farm have?", fields).table == "harvests.csv"
    assert one("How many tractors does Birch have?", fields).measures[0].of == "Tractors"
    assert why_not("How many harvests per tractor does each farm have?", fields)
    each = one("How many tractors per hand does each farm have?", fields[1:])
    assert (len(each.formulas), [g.of for g in each.group_by]) == (1, ["Farm"])


@pytest.fixture(scope="module")
def swans() -> list[dict[str, Any]]:
    """Mute swans that a station took in: what ailed them, how long they stayed, whether a keeper was bitten."""
    n = 144
    table = pd.DataFrame(
        {
            "Case": [f"S{i:03d}" for i in range(n)],
            "arrived": pd.date_range("2022-02-03", periods=n, freq="5D").astype(str),
            "sex": [("M", "F", "?")[i % 3] for i in range(n)],
            "cause": [("fish hook", "oil", "waiting for surgery", "wire")[i % 7 % 4] for i in range(n)],
            "Nights": [2 + i % 9 for i in range(n)],
            "pump hrs": [1.0 + i % 11 / 3 for i in range(n)],
            "rain_24h_mm": [i * 3 % 17 / 2 for i in range(n)],
            "lead ug/l": [20.0 + i % 23 * 4 for i in range(n)],
            "care_rating": [1 + i % 5 if i % 6 else None for i in range(n)],
            "bitten": [("yes", "no")[i % 5 > 0] for i in range(n)],
            "cancelled": [("Y", "N")[i % 12 > 0] for i in range(n)],
            "ringed": [("yes", "no")[i % 4 > 0] for i in range(n)],
        }
    )
    return [described("mute_swans.csv", table)]


@pytest.mark.parametrize(
    ("question", "left", "op"),
    [
        ("How many cases were called off?", "cancelled", "="),  # a verb with a particle is read as one
        ("How many cases still have no rating?", "care_rating", "missing"),  # a rating is no rate
        ("How many swans were over 60 for lead?", "`lead ug/l`", ">"),
        ("How many swans are waiting for surgery?", "cause", "="),  # and no length of time
    ],
)
def test_how_many_are_in_a_state(question: str, left: str, op: str, swans: list[dict[str, Any]]) -> None:
    query = one(question, swans)
    assert [m.op for m in query.measures] == ["count"]
    assert [(w.left, w.op) for w in query.where if isinstance(w, Condition)] == [(left, op)]


def test_a_verb_whose_particle_is_not_read_is_never_left_out(swans: list[dict[str, Any]]) -> None:
    assert "given" in why_not("How many swans were given back?", swans)


def test_neither_nor_denies_both(swans: list[dict[str, Any]]) -> None:
    query = one("How many swans are neither ringed nor bitten?", swans)
    assert [w.op for w in query.where if isinstance(w, Condition)] == ["!=", "!="]


def test_the_kind_that_is_named_is_that_of_the_row_at_an_end(swans: list[dict[str, Any]]) -> None:
    query = one("What was the longest oil case?", swans)
    assert (query.intent, query.order[0].by, query.limit) == ("rank", "Nights", 1)  # and no pump hours


def test_shares_and_counts_in_everyday_words(swans: list[dict[str, Any]]) -> None:
    assert one("What % of ringed swans were bitten?", swans).measures[0].op == "share"
    assert one("Did more than half of the swans have a ring?", swans).measures[0].op == "share"
    assert one("More males or females?", swans).group_by[0].of == "sex"
    assert one("Top 2 causes?", swans).limit == 2
    assert one("How many different days did swans arrive?", swans).measures[0].op == "distinct"
    busy, quiet = read("Busiest month and quietest month?", swans).queries
    assert busy is not None
    assert quiet is not None
    assert (busy.order[0].descending, quiet.order[0].descending) == (True, False)
    assert one("Is there a link between rain and lead?", swans).measures[0].op == "correlation"


@pytest.fixture(scope="module")
def kites() -> list[dict[str, Any]]:
    """Repairs of kites for clubs over two years, most of them paid for, some with a rebate."""
    n = 150
    table = pd.DataFrame(
        {
            "ref": [f"K{i:03d}" for i in range(n)],
            "brought": pd.date_range("2023-01-07", periods=n, freq="4D").astype(str),
            "club": [f"club {i * 7 % 14}" for i in range(n)],
            "Repair": [("seam", "spar", "line")[i % 3] for i in range(n)],
            "net_eur": [20.0 + i * 11 % 83 for i in range(n)],
            "pieces": [1 + i % 6 for i in range(n)],
            "rebate_pct": [10 * (i % 4 == 0) for i in range(n)],
            "Yr built": [2001 + i % 20 for i in range(n)],
            "Flight test": [("Passed", "Failed")[i % 5 == 0] for i in range(n)],
            "urgent": [("yes", "no")[i % 3 > 0] for i in range(n)],
            "status": [("open", "done")[i % 4 > 0] for i in range(n)],
        }
    )
    return [described("kite_repairs.csv", table)]


def test_the_word_of_the_file_is_the_rows_though_a_column_tells_their_kind(kites: list[dict[str, Any]]) -> None:
    assert [m.op for m in one("How many repairs are still open?", kites).measures] == ["count"]
    assert [m.op for m in one("How many different repairs are there?", kites).measures] == ["distinct"]


def test_an_outcome_that_nobody_named_is_never_compared(kites: list[dict[str, Any]]) -> None:
    query = one("Did more than half of the repairs pass the flight test?", kites)
    assert [m.op for m in query.measures] == ["share"]
    assert "urgent" not in query.model_dump_json(exclude={"text"})


def test_a_share_in_two_years_is_told_of_each(kites: list[dict[str, Any]]) -> None:
    assert [g.grain for g in one("Share of urgent repairs in 2023 and in 2024", kites).group_by] == ["year"]


def test_sales_and_what_a_row_brings_in_are_money_and_a_rebate_is_some(kites: list[dict[str, Any]]) -> None:
    assert one("Are sales going up?", kites).measures[0].of == "net_eur"
    assert one("What does a typical repair bring in?", kites).measures[0].of == "net_eur"
    assert one("What share of repairs is with a rebate?", kites).measures[0].where != ()


def test_or_later_and_or_more_bound_a_year_and_a_column(kites: list[dict[str, Any]]) -> None:
    (built,) = one("How many were built in 2015 or later?", kites).where
    assert isinstance(built, Condition)
    assert (built.left, built.op, built.right) == ("`Yr built`", ">=", 2015)
    many = one("How many repairs were of 4 pieces or more?", kites)
    assert [(w.left, w.op, w.right) for w in many.where if isinstance(w, Condition)] == [("pieces", ">=", 4)]
    assert [m.op for m in many.measures] == ["count"]


def test_what_needs_doing_is_not_done_and_the_best_month_is_told_by_its_date(kites: list[dict[str, Any]]) -> None:
    table = pd.DataFrame({"no": [f"K{i}" for i in range(60)], "Mended": [("yes", "no")[i % 3 > 0] for i in range(60)]})
    mended = one("How many kites still need mending?", [described("kites.csv", table)])
    assert [w.op for w in mended.where if isinstance(w, Condition)] == ["!="]
    months = one("Which month had the most repairs by brought?", kites)
    assert [(g.of, g.grain) for g in months.group_by] == [("brought", "month")]
    assert "most" in why_not("Which club do people like most?", kites)
