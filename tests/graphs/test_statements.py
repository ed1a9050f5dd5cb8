"""Sentences of a report read as questions, and held against what cells printed."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from artifacts.events import ReportMade, RunView
from artifacts.types import Execution, Output, Run
from graphs.review.base import Work
from graphs.review.code import filled_values
from graphs.review.facts import ALL, Facts, Given, Kind
from graphs.review.mentions import begins_or_ends, labels, spoken
from graphs.review.prose.amounts import misstated
from graphs.review.prose.asked import expected
from graphs.review.prose.figures import figures
from graphs.review.prose.numbers import follows, numbers
from graphs.review.prose.printed import numbered, printed_tables
from graphs.review.prose.said import said_in, statistic
from graphs.review.prose.significance import untested
from graphs.review.tables import described
from graphs.review.watch.observed import Seen
from graphs.review.watch.witnesses import part_years, training_score

KILNS = pd.DataFrame(
    {
        "kiln": ["K 1", "K 2", "K 3"] * 20,
        "glaze": ["ash", "salt", "tin", "iron"] * 15,
        "heat_c": [1100.0 + n for n in range(60)],
        "cracked": ["yes" if n % 5 == 0 else "no" for n in range(60)],
    }
)
TABLES = [described("pots.csv", KILNS)]


def cell(code: str, text: str = "", number: int = 1) -> Execution:
    shown = (Output(kind="stdout", text=text),) if text else ()
    return Execution(
        id=f"ex{number}", run_id="r", sandbox_id="s", seq=number, code=code, tags=("code",), status="ok", outputs=shown
    )


def work(question: str, answer: str, *cells: Execution) -> Work:
    view = RunView(run=Run(id="r", goal=question), executions=cells)
    return Work(view, ReportMade(run_id="r", answer=answer))


def test_tables_lists_and_dicts_that_cells_print_are_numbers_by_group():
    table = "      mean  count\nkiln             \nK 1  0.25     20\nK 2  0.10     20\nK 3  0.40     20\n"
    dicts = "{'ash': 3.5, 'tin': np.float64(2.0)}"
    found = [(column, by) for column, of in printed_tables([cell("", table), cell("", dicts)], TABLES) for by in of]
    assert ("kiln", {"K 1": 0.25, "K 2": 0.1, "K 3": 0.4}) in found
    assert ("kiln", {"K 1": 20, "K 2": 20, "K 3": 20}) in found
    assert ("glaze", {"ash": 3.5, "tin": 2.0}) in found


def test_a_difference_is_rounded_as_it_is_told():
    told = figures("It took about 0.4 days less, not 0.5.")
    assert [follows(f, [(3.16, 0.005), (2.78, 0.005)]) for f in told] == [True, False]


def test_a_part_of_things_is_no_change_of_two_numbers():
    shown = cell("print(df.heat_c.mean(), df.heat_c.max())", "19.52 25.03")
    said = "The mean heat is 19.52 and the highest 25.03"
    assert not [*numbers(work("", f"{said}, so the mean is 22 % lower.", shown))]
    assert [*numbers(work("", f"{said}. Some 22 % of the pots are above it.", shown))]


def test_counts_are_exact_and_ten_of_a_slope_is_ten_times_it():
    shown = cell("print(df.glaze.value_counts())", "67 134 99")
    told = "67 pots are ash, 134 tin and 99 salt. Of those fired more than ten times, 58 % crack."
    assert "58" in next(iter(numbers(work("", told, shown)))).problem
    slope = "Ten degrees more go with about 19 more cracks, 1.92 a degree."
    assert not [*numbers(work("", slope, cell("print(slope)", "1.921")))]
    assert [*numbers(work("", slope.replace("Ten", "Some"), cell("print(slope)", "1.921")))]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("The test confirms that they differ (p = 0.6).", True),
        ("The gap is small (p = 0.6) and may be chance.", False),
        ("The kilns differ significantly.", True),  # by a test that was seen, whose p no cell names
        ("The kilns do not differ significantly.", False),
        ("These data can't tell, and the gap isn't statistically significant.", False),
        ("A significant gap could not be shown.", False),
    ],
)
def test_a_large_p_value_proves_nothing(text, problem):
    assert bool([*untested(text, [], [0.6])]) is problem


def test_nothing_is_significant_of_which_no_test_was_made():
    means, text = "df.groupby('kiln')['heat_c'].mean()", "Pots of K 1 were fired significantly hotter."
    assert [*untested(text, [cell(means)])] == [f"“{text}” is said to be significant, and no test was made"]
    assert not [*untested(text, [cell(means), cell("print(stats.ttest_ind(a, b))")])]
    assert not [*untested("Whether K 1 is significantly hotter was not tested.", [cell(means)])]


@pytest.mark.parametrize(
    ("text", "by", "found"),
    [
        ("Cracked pots were hotter on average (1131.6 against 1129.5 degrees).", "cracked", []),
        ("Half of the pots of K 1 were no hotter than 1131.6 degrees, on average a little more.", "kiln", []),
        ("Half of the pots were fired at no more than 1129.5 degrees, so a few pull the average up.", "kiln", []),
        ("The mean heat is 1129.5 degrees.", "kiln", ["1129.5 is the median, not the mean"]),
        ("Heat varies little (mean 1130.0, the coolest pots between 1129.5 and 1131.6).", "kiln", []),  # of a span
    ],
)
def test_the_mean_of_another_group_and_half_of_the_rows_are_no_wrong_statistic(text, by, found):
    shown = cell(f"print(df.groupby('{by}')['heat_c'].agg(['mean', 'median']))", "1131.6 1129.5")
    mean, median = (Kind("pots.csv", op, "heat_c") for op in ("mean", "median"))
    facts, cracked = Facts(), {frozenset({("cracked", "yes")}): 1131.6, frozenset({("cracked", "no")}): 1129.5}
    facts.values = {mean: {ALL: 1130.0, **cracked}, median: {ALL: 1129.5, frozenset({("kiln", "K 1")}): 1131.6}}
    assert [*misstated(text, Given(TABLES, text, "", [shown]), facts, [shown])] == found


def test_a_statistic_may_be_told_as_a_verb():
    assert statistic("The readings averaged 13.4") == statistic("they average 13.4") == ("mean",)
    assert statistic("Sales totalled 1,200") == ("sum",)


def test_a_single_letter_is_a_group_and_an_article_is_none():
    arms = [described("visits.csv", pd.DataFrame({"variant": ["A", "B"] * 20, "bought": [0, 1] * 20}))]
    text = "B converts at 12 % and A at 8 %. A visit lasts two minutes."
    assert [(n.value, n.start) for n in labels(text, arms)] == [("B", 0), ("A", 23)]


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("17.1 % crack: K 1 20.0 %, K 2 14.9 %, K 3 16.4 %.", {"20.0 %": "K 1", "14.9 %": "K 2", "16.4 %": "K 3"}),
        (
            "K 1 leads with 20.1 (41 % of all), followed by K 2 (14.9) and K 3 (3.1).",
            {"20.1": "K 1", "14.9": "K 2", "3.1": "K 3"},
        ),
        ("They fire 17.1 in K 1, 14.9 in K 2, and 3.1 elsewhere.", {"17.1": "K 1", "14.9": "K 2"}),
        ("K 1 has 17.1, against 14.9 in K 2 and 3.1 in K 3.", {"17.1": "K 1", "14.9": "K 2", "3.1": "K 3"}),
    ],
)
def test_a_number_is_of_the_group_next_to_it(text, bound):
    found = {s.figure.text: n.value for _, some in spoken(text, TABLES) for s in some for n in s.labels}
    assert {k.removesuffix("%").strip(): v for k, v in found.items()} == {
        k.removesuffix("%").strip(): v for k, v in bound.items()
    }


def test_an_everyday_word_is_a_value_beside_its_column():
    days = [described("tickets.csv", pd.DataFrame({"priority": ["high", "normal", "low"] * 9}))]
    text = "A high-priority one takes 8.6 hours, one of low priority 25.4, a high one may take more."
    assert [n.value for n in labels(text, days)] == ["high", "low"]


@pytest.mark.parametrize("lines", ["1    12\n2    19\n3    15\n4    11\n", "4    11\n3    15\n2    19\n1    12\n"])
def test_lines_of_whole_numbers_are_one_table_in_either_direction(lines):
    assert [*numbered([cell("", lines)])] == [[{1: 12, 2: 19, 3: 15, 4: 11}]]


def test_a_count_behind_a_group_of_its_own_is_not_of_the_group_before_it():
    text, shown = "Among them are 15 ash pots and 14 that broke.", cell("print(df.glaze.value_counts())", "15 14")
    said = {s.figure.text: s.own for s in said_in(text, Given(TABLES, text, "", [shown]), [shown])}
    assert said == {"15": {("glaze", "ash")}, "14": frozenset()}


@pytest.mark.parametrize(
    ("text", "stands"),
    [
        ("31 firings were rated 1 or 2.", True),
        ("26 firings got a 3 or more.", True),
        ("37 firings were rated 1 or 2.", False),
        ("K 1 took 212 hours more in 2024.", True),
        ("K 1 took 341 hours more in 2024.", False),
        ("K 1 took 1,512 hours. The best went to K 3, which took 620. So K 1 takes 2.4 times as long.", True),
    ],
)
def test_what_follows_from_printed_lines_and_columns_is_no_invention(text, stands):
    rated = cell("print(r)", "1    12\n2    19\n3    15\n4    11\n")
    hours = cell("print(h)", "      2023  2024\nK 1   1300  1512\nK 2    905   871\nK 3    640   620\n", 2)
    made = work("How are firings rated?", text, rated, hours)
    object.__setattr__(made, "tables", TABLES)
    assert bool([*numbers(made)]) is not stands


def test_lines_that_were_typed_into_a_cell_are_no_evidence():
    typed = cell("fit = pd.Series({2: 0.412, 3: 0.537})\nprint(fit)", "2    0.412\n3    0.537\n")
    assert [*numbers(work("How many groups?", "With 3 groups the fit is best (0.537).", typed))]


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("Ash pots make 41 and the salt 17.", [("salt", 17)]),
        ("In 2019, 17 were sold and 41 lost.", [("2019", 17)]),
    ],
)
def test_a_group_between_two_numbers_is_of_the_nearer_one(text, bound):
    pots = [*TABLES, described("sold.csv", pd.DataFrame({"year": [2018, 2019], "glaze": ["salt", "tin"]}))]
    ((_, some),) = spoken(text, [t for t in pots if "2019" in text or t["name"] == "pots.csv"])
    assert [(n.value, s.figure.value) for s in some for n in s.labels if n.value != "ash"] == bound


def test_letters_that_stand_for_sexes_and_plurals_are_named_in_full():
    people = [described("staff.csv", pd.DataFrame({"sex": ["f", "m"] * 4, "trade": ["pottery", "glass"] * 4}))]
    named = labels("Women and men work in both potteries.", people)
    assert [(n.column, n.value) for n in named] == [("sex", "f"), ("sex", "m"), ("trade", "pottery")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("The kilns do not differ in heat.", True),
        ("We found no difference in heat.", True),
        ("We did not look into the differences between glazes.", False),  # of which it is said that there are some
        ("Nobody has explained this effect.", False),
    ],
)
def test_a_difference_is_denied_where_it_is_not_taken_for_granted(text, said):
    assert bool([*untested(text, [cell("stats.ttest_ind(a, b)", "p = 3e-09\n")])]) is said


@pytest.mark.parametrize(
    ("code", "answer", "told"),
    [
        ("s = df['gloss'].fillna(0)\nprint(s.mean())", "The mean gloss is 4.2.", True),
        ("print(df['gloss'].fillna(0).groupby(df['kiln']).mean())", "The mean gloss is 4.2.", True),
        ("s = df['gloss'].fillna(0)\nprint(s.mean())", "The mean gloss is 4.2; those not rated count as 0.", False),
        ("print(df['gloss'].fillna(0).mean())", "The mean gloss is 4.2. For 20 no gloss was recorded.", False),
        ("print(df['gloss'].fillna(0).sum())", "Gloss adds up to 42.", False),
        ("print(df['heat_c'].fillna(0).mean())", "The mean heat is 1,129.5.", False),  # of which none is missing
    ],
)
def test_a_mean_of_filled_values_is_told_as_one(code, answer, told):
    made = work("How glossy are they?", answer, cell(code, "4.2"))
    gloss = described("pots.csv", KILNS.assign(gloss=[None, 5.0, 4.0] * 20))
    object.__setattr__(made, "tables", [gloss])
    assert bool([*filled_values(made)]) is told


@pytest.mark.parametrize(
    ("code", "answer", "told"),
    [
        ("", "It foresees 91% of the variance of kilns that it has never met.", True),
        ("", "On the rows that it was trained on, R² is 0.91.", False),
        ("cross_val_score(m, X, y)", "It foresees 91% of the variance of new kilns.", False),
    ],
)
def test_a_score_on_the_rows_learnt_from_is_told_as_one(code, answer, told):
    facts = {"model": "Ridge", "rows": 60, "fit_rows": 60, "shared": 60}
    made = work("How well can gloss be told?", answer, cell(f"m.fit(X, y); m.score(X, y)\n{code}", "0.91"))
    made = replace(made, observed=(Seen("scored", "cell-01", facts),))
    assert bool([*training_score(made)]) is told


def test_of_several_times_the_one_that_cells_use_is_meant():
    days = pd.date_range("2023-01-01", periods=60, freq="10D")
    frame = KILNS.assign(ordered_on=days, fired_on=days + pd.Timedelta(days=40))
    tables = [described("pots.csv", frame)]
    given = Given(tables, "In 2024 more cracked.", "", [cell("df['fired_on'].dt.year")])
    assert given.column("pots.csv", "year") == "fired_on"
    assert not [*expected("How many pots cracked in 2024?", tables, {})]  # ordered then, or fired


def test_a_year_that_begins_a_span_is_no_condition():
    (since,) = labels("31 were built since 2018.", [described("k.csv", pd.DataFrame({"year": [2017, 2018]}))])
    assert begins_or_ends("31 were built since 2018.", since)
    assert not begins_or_ends("In 2018 31 were built.", replace(since, start=3, end=7))


def test_the_ends_of_a_span_of_years_are_none_of_its_numbers():
    tables = [described("k.csv", pd.DataFrame({"year": [2017, 2018]}))]
    for text in ("From May 2017 to the end of March 2018 31 were built.", "Between 2017 and 2018 we built 31 of them."):
        ((clause, (built,)),) = spoken(text, tables)
        assert (built.figure.value, built.labels) == (31, ())
        assert all(begins_or_ends(clause, year) for year in labels(clause, tables))
    ((_, (first, _)),) = spoken("Sales went from 31 in 2017 to 40 in 2018.", tables)
    assert [n.value for n in first.labels] == ["2017"]


def test_a_word_of_a_column_s_name_is_no_value():
    frame = pd.DataFrame({"shift": ["night", "day", "late"], "late_fee": [1, 2, 3]})
    tables = [described("fees.csv", frame)]
    assert not labels("We add up the late fees of all.", tables)
    assert [n.value for n in labels("We add up the late fees of the late shift.", tables)] == ["late"]


def test_a_part_of_all_rows_follows_from_the_count_beside_it():
    given = work("", "14 pots (23 %) had no lid.", cell("print(n)", "14"))
    object.__setattr__(given, "tables", TABLES)
    assert not [*numbers(given)]
    object.__setattr__(given.report, "answer", "14 pots (31 %) had no lid.")
    assert "31" in next(iter(numbers(given))).problem


def test_lines_of_a_table_of_counts_are_parts_of_it():
    counted = cell(
        "pd.crosstab(df.kiln, df.cracked)", "      no  yes   pct\nK 1   41    4   8.9\nK 2  103   12  10.4\n"
    )
    assert not [*numbers(work("", "K 2 fired 72 % of the pots.", counted))]
    assert [*numbers(work("", "K 2 fired 65 % of the pots.", counted))]


def test_a_number_at_the_end_of_a_sentence_before_a_month_is_no_day():
    assert [f.text for f in figures("They sold for 418.37. March was worse, and on 3. April they sold out.")] == [
        "418.37"
    ]


@pytest.mark.parametrize(
    ("end", "text", "told"),
    [
        ("2024-08-31", "Stays fell from 365 in 2023 to 244 in 2024.", True),
        ("2024-08-31", "Stays fell from 365 in 2023 to 244 in 2024, which ends in August.", False),
        ("2024-08-31", "In 2024 the longest of the stays took 244 hours.", False),
        ("2024-12-20", "Stays fell from 365 in 2023 to 355 in 2024.", False),
    ],
)
def test_a_year_that_breaks_off_is_not_held_against_a_whole_one(end, text, told):
    days = pd.date_range("2022-12-31", end).strftime("%Y-%m-%d")
    made = work("How did stays go?", text, cell("df['came_on'].dt.year.value_counts()", "365 244 355"))
    frame = pd.DataFrame({"came_on": days, "beds": 2})
    object.__setattr__(made, "frames", {"stays.csv": frame})
    facts = described("stays.csv", frame)
    facts["columns"][0]["dtype"] = "datetime64[ns]"
    object.__setattr__(made, "tables", [facts])
    assert bool([*part_years(made)]) is told
