"""Questions in the table's own words: orders, lists, lengths of time, and what is said in passing and counts."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from graphs.questions.query import Column, Condition, Derive
from graphs.questions.reader import read
from graphs.questions.reader.offers import offers
from tests.graphs.test_reader import described, one, told


@pytest.fixture(scope="module")
def permits() -> list[dict[str, Any]]:
    n = 120
    sent = pd.date_range("2024-01-08", periods=n, freq="3D")
    decided = sent + pd.to_timedelta([7 + i % 40 for i in range(n)], unit="D")
    late = pd.Series(decided.where([i % 4 > 0 for i in range(n)]))
    table = pd.DataFrame(
        {
            "permit_no": [f"P-{1000 + i}" for i in range(n)],
            "applicant": [f"{['Oak', 'Elm', 'Ash'][i % 3]} {i % 17} Works" for i in range(n)],
            "sector": [["builder", "roofer", "diver"][i % 3] for i in range(n)],
            "firm": [["Oak Roofer", "Elm Trust", "Ash Group", "Fir Ltd"][i % 4] for i in range(n)],
            "sent_date": sent,
            "promised": sent + pd.to_timedelta([21] * n, unit="D"),
            "issued_on": late,
            "fee_paid": [None if i % 4 == 0 else 40.0 + 3 * i for i in range(n)],
            "area_m2": [10.5 + i % 50 for i in range(n)],
            "age_months": [6 + 2 * (i % 55) for i in range(n)],
            "state": [["Issued", "Refused", "Withdrawn"][i % 3] for i in range(n)],
            "sent_by": [["post", "counter", "web"][i % 3] for i in range(n)],
        }
    )
    return [described("permits.csv", table)]


def test_what_those_do_whom_a_column_names_are_the_rows(permits: list[dict[str, Any]]) -> None:
    assert told(one("How many applications were refused?", permits)) == {("count", None)}
    assert told(one("How many applicants are there?", permits)) == {("distinct", "applicant")}


def test_the_highest_first_puts_all_groups_in_order(permits: list[dict[str, Any]]) -> None:
    query = one("Mean area_m2 by sector, smallest first", permits)
    assert (query.order[0].descending, told(query)) == (False, {("mean", "area_m2")})


def test_the_most_common_are_as_many_as_is_said(permits: list[dict[str, Any]]) -> None:
    query = one("What are the 4 most common firms?", permits)
    assert (query.limit, [g.of for g in query.group_by], told(query)) == (4, ["firm"], {("count", None)})


def test_top_periods_are_no_length_of_time(permits: list[dict[str, Any]]) -> None:
    query = one("top 3 months by total area_m2", permits)
    assert (query.limit, query.group_by[0].grain, told(query)) == (3, "month", {("sum", "area_m2")})


def test_several_with_the_most_of_some_rows_are_counted(permits: list[dict[str, Any]]) -> None:
    query = one("Which 2 firms have the most refused permits?", permits)
    assert (query.limit, [g.of for g in query.group_by], told(query)) == (2, ["firm"], {("count", None)})
    assert query.where == (Condition(left="state", op="=", right="Refused"),)


def test_a_list_tells_the_columns_that_it_is_asked_for(permits: list[dict[str, Any]]) -> None:
    query = one("List the withdrawn permits with firm, sector and area_m2", permits)
    assert (query.intent, query.show) == ("list", ("permit_no", "firm", "sector", "area_m2"))


def test_an_average_beside_a_number_of_rows_is_one_of_each_month(permits: list[dict[str, Any]]) -> None:
    query = one("Number of permits and average area_m2 by month", permits)
    assert told(query) == {("count", None), ("mean", "area_m2")}
    assert query.group_by[0].grain == "month"


def test_months_old_are_an_age(permits: list[dict[str, Any]]) -> None:
    query = one("How many permits with area_m2 between 20 and 30 are over 24 months old?", permits)
    assert Condition(left="age_months", op=">", right=24) in query.where


def test_one_time_is_held_against_another(permits: list[dict[str, Any]]) -> None:
    query = one("How many permits were issued after the promised date?", permits)
    assert query.where == (Condition(left="issued_on", op=">", right=Column(column="promised")),)


def test_the_length_of_time_between_two_named_times(permits: list[dict[str, Any]]) -> None:
    query = one("Average days between sent_date and promised by sector", permits)
    assert query.prepare == (Derive(name="duration", expr="days(sent_date, promised)"),)


def test_an_amount_is_of_the_time_that_the_same_rows_have(permits: list[dict[str, Any]]) -> None:
    assert one("Total fee paid since November", permits).where[0] == Condition(
        left="issued_on", op=">=", right="2024-11"
    )


def test_not_done_by_something_denies_how(permits: list[dict[str, Any]]) -> None:
    query = one("How many permits were not issued by web?", permits)
    assert query.where == (Condition(left="sent_by", op="!=", right="web"),)


def test_a_whole_value_is_meant_before_a_part_of_another(permits: list[dict[str, Any]]) -> None:
    assert one("Mean area_m2 for roofers", permits).where == (Condition(left="sector", op="=", right="roofer"),)


@pytest.mark.parametrize(
    "question",
    [
        "How much area did we permit this quarter against the one before?",
        "What did the builders pay after fees?",
        "Does the area depend on who is filling it in?",
        "How many permits were refused within a week?",
    ],
)
def test_what_changes_the_meaning_and_is_not_read_is_not_answered(permits: list[dict[str, Any]], question: str) -> None:
    assert read(question, permits).queries == (None,)


def test_what_is_offered_is_of_the_kind_that_was_asked_for(permits: list[dict[str, Any]]) -> None:
    assert "What is the average number of days between sent_date and promised?" in offers(
        "how long do folk sit around for the paperwork", permits
    )
    assert "What is the total fee_paid?" in offers("how much money did the lads hand over", permits)
    assert "Which sector has the most rows?" in offers("which corner of town gets turned down the most", permits)


@pytest.fixture(scope="module")
def ward() -> list[dict[str, Any]]:
    n = 90
    arrived = pd.date_range("2025-01-06 08:00", periods=n, freq="7h")
    table = pd.DataFrame(
        {
            "stay": [f"S{100 + i}" for i in range(n)],
            "arrived": arrived,
            "left": arrived + pd.to_timedelta([30 + i % 90 for i in range(n)], unit="m"),
            "age": [3 + i % 80 for i in range(n)],
            "sex": [["f", "m"][i % 2] for i in range(n)],
            "drug": [["placebo", "low", "high"][i % 3] for i in range(n)],
            "dose (mg)": [[5, 10, 25, 50][i % 4] for i in range(n)],
            "pain (0-10)": [i % 11 for i in range(n)],
            "doses": [1 + i % 4 for i in range(n)],
            "voucher code": [None if i % 3 else f"V{i}" for i in range(n)],
            "nurse": [["Silva", "Brand", "Osei"][i % 3] for i in range(n)],
            "stay type": [["day", "night"][i % 2] for i in range(n)],
            "relapsed": [["Y", "N"][i % 2] for i in range(n)],
        }
    )
    return [described("ward_stays.csv", table)]


def test_whose_age_and_sex_a_table_has_are_its_rows(ward: list[dict[str, Any]]) -> None:
    assert told(one("How many patients were under 16?", ward)) == {("count", None)}


def test_a_number_with_a_columns_unit_is_its_value(ward: list[dict[str, Any]]) -> None:
    query = one("What percentage of patients given placebo at 25 mg had relapsed?", ward)
    assert Condition(left="`dose (mg)`", op="=", right=25) in query.where
    assert query.measures[0].where == (Condition(left="relapsed", op="=", right="Y"),)


def test_a_share_of_so_many_or_more_is_of_those(ward: list[dict[str, Any]]) -> None:
    query = one("What share of stays had a pain level of 7 or more?", ward)
    assert query.measures[0].where == (Condition(left="`pain (0-10)`", op=">=", right=7),)


def test_having_one_is_a_value_that_is_there(ward: list[dict[str, Any]]) -> None:
    query = one("How many stays had a voucher code and relapsed?", ward)
    assert Condition(left="`voucher code`", op="present") in query.where


def test_the_files_own_word_is_no_part_of_a_column(ward: list[dict[str, Any]]) -> None:
    assert one("mean pain per stay for each nurse", ward).group_by[0].of == "nurse"


def test_what_is_different_from_another_is_compared_with_it(ward: list[dict[str, Any]]) -> None:
    query = one("Is the pain of high patients different from placebo?", ward)
    assert query.where == (Condition(left="drug", op="in", right=("high", "placebo")),)


@pytest.mark.parametrize("question", ["what share relapsed at the youngest age", "how long is the quiet stay usually"])
def test_rows_that_are_not_read_are_not_passed_over(ward: list[dict[str, Any]], question: str) -> None:
    assert read(question, ward).queries == (None,)


def test_the_time_from_one_to_another_is_in_hours_where_both_have_them(ward: list[dict[str, Any]]) -> None:
    query = one("average time from arrived to left by nurse", ward)
    assert query.prepare == (Derive(name="duration", expr="hours(arrived, left)"),)


@pytest.fixture(scope="module")
def lots() -> list[dict[str, Any]]:
    n = 150
    table = pd.DataFrame(
        {
            "Lot": [30105 + 5 * i for i in range(n)],
            "Sold on": pd.date_range("2024-01-02", periods=n, freq="2D"),
            "Hall": [["North", "South"][i % 2] for i in range(n)],
            "Reserve met": [["Yes", "No", "Unknown"][i % 3] for i in range(n)],
            'Width (")': [None if i % 10 == 0 else 4.5 + i % 9 for i in range(n)],
            "Price": [12.5 + i for i in range(n)],
        }
    )
    return [described("auction_lots.csv", table)]


def test_numbers_called_as_the_file_is_name_its_rows(lots: list[dict[str, Any]]) -> None:
    assert told(one("Number of lots sold since March 2024", lots)) == {("count", None)}
    assert one("list the lots with Price over 100 from the South hall", lots).show[0] == "Lot"


def test_a_quotation_mark_may_be_a_unit(lots: list[dict[str, Any]]) -> None:
    assert told(one("Median Width by Hall", lots)) == {("median", '`Width (")`')}


def test_both_sides_of_yes_and_no_are_told(lots: list[dict[str, Any]]) -> None:
    query = one("Total Price where Reserve met is Yes versus No", lots)
    assert (query.where, query.group_by[0].of) == (
        (Condition(left="`Reserve met`", op="in", right=("Yes", "No")),),
        "`Reserve met`",
    )


def test_a_verb_behind_each_says_no_more(lots: list[dict[str, Any]]) -> None:
    query = one("How many lots did each Hall shift?", lots)
    assert (told(query), [g.of for g in query.group_by]) == ({("count", None)}, ["Hall"])


def test_how_many_expenses_are_rows_where_the_table_has_their_amount() -> None:
    n = 40
    table = pd.DataFrame(
        {
            "amount_eur": [20.5 + i for i in range(n)],
            "team": [["Sales", "Labs"][i % 2] for i in range(n)],
            "state": [["Paid", "Open"][i // 2 % 2] for i in range(n)],
        }
    )
    query = one("How many expenses were paid by each team?", [described("costs.csv", table)])
    assert (told(query), query.where) == ({("count", None)}, (Condition(left="state", op="=", right="Paid"),))
