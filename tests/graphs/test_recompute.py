"""What a query gives on the reviewer's own path, in DuckDB's SQL, beside the same in pandas."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import duckdb
import pandas as pd
import pytest

from artifacts.events import ReportMade, RunView
from artifacts.types import Answer, AnswerValue, Execution, Output, Run
from bench.scenario_tables import orders, patients, payments
from graphs.questions.expressions import NotComputable, to_pandas
from graphs.questions.expressions_in_sql import to_sql
from graphs.questions.query import Compare, Measure, Query
from graphs.review import answering, recompute, values
from graphs.review.answering import Asked, Number, Result, equal, listed, meant, shown
from graphs.review.base import Work
from graphs.review.checks import run_checks
from graphs.review.facts import Facts, Given
from graphs.review.prose.amounts import misstated, recomputed
from graphs.review.prose.asked import expected
from graphs.review.prose.significance import untested
from graphs.review.sql import sql
from graphs.review.tables import described

O, P = orders().assign(order_date=lambda t: pd.to_datetime(t["order_date"])), patients()  # noqa: E741
PLOTS = pd.DataFrame(
    {
        "plot": range(60),
        "crop": ["Rye", "Oats", "Wheat"] * 20,
        "gain_eur_ha": [12.5, *(-300 - n if n % 3 == 0 else 200.5 + n for n in range(1, 60))],
        "rain_mm": [600 + n if n % 4 else None for n in range(60)],
    }
)
FRAMES = {"orders.csv": O, "patients.csv": P, "payments.csv": payments(), "plots.csv": PLOTS}
FACTS = [described(name, frame) for name, frame in FRAMES.items()]
IN_2022 = O[O["order_date"].dt.year == 2022]

WAYS = {
    **{op: op for op in ("mean", "median", "std", "var", "sem", "min", "max", "sum", "count")},
    **{"skewness": "skew", "kurtosis": "kurt", "distinct": "nunique"},
}


BASE = duckdb.connect()
for _name, _frame in FRAMES.items():
    BASE.register(_name, _frame.assign(__row=range(len(_frame))))


def computed(query: Query) -> Result:
    text, asked = sql(query, FACTS)
    return Result(asked, tuple(BASE.execute(text).fetchall()))


def only(**query) -> object:
    ((*_, value),) = computed(Query.model_validate(query)).rows
    return value


def of(op: str, column: str = "days", **more) -> dict:
    return {"table": "patients.csv", "measures": [{"op": op, "of": column, **more}]}


@pytest.mark.parametrize(
    ("query", "value"),
    [
        *(
            (of(op), getattr(P["days"], how)())
            for op, how in WAYS.items()
        ),
        (of("std", ddof=0), P["days"].std(ddof=0)),
        (of("quantile", p=0.9), P["days"].quantile(0.9)),
        (of("mad"), (P["days"] - P["days"].median()).abs().median()),
        (of("skewness", biased=True), ((P["days"] - P["days"].mean()) ** 3).mean() / P["days"].std(ddof=0) ** 3),
        (of("correlation", "age", other="exercise"), P["age"].corr(P["exercise"])),
        (of("slope", other="age"), P["age"].cov(P["days"]) / P["age"].var()),
        (of("mean", where=[{"left": "ward", "op": "=", "right": "cedar"}]), P.loc[P["ward"] == "Cedar", "days"].mean()),
        ({"table": "patients.csv", "measures": [{"op": "duplicates"}]}, P.duplicated().sum()),
        ({**of("mean"), "prepare": [{"do": "drop_duplicates"}]}, P.drop_duplicates()["days"].mean()),
        (
            {"measures": [{"op": "share", "where": [{"left": "returned", "op": "=", "right": "yes"}]}],
             "where": [{"left": "order_date", "op": "during", "right": "2022"}]},
            100 * (IN_2022["returned"] == "yes").mean(),
        ),
        (
            {"measures": [{"op": "count"}],
             "where": [{"left": "items", "op": ">",
                        "right": {"query": {"measures": [{"op": "mean", "of": "items"}]}}}]},
            (O["items"] > O["items"].mean()).sum(),
        ),
        (
            {"measures": [{"op": "count", "where": [{"left": "items", "op": "between",
                                                     "right": ["mean(items) - std(items)", "mean(items)"]}]}],
             "where": [{"left": "items", "op": "<", "right": "max(items)"}]},
            (lambda x: x.between(x.mean() - x.std(), x.mean()).sum())(O["items"][O["items"] < O["items"].max()]),
        ),
        (
            {"measures": [{"op": "sum", "of": "fee"}], "where": [{"left": "city", "op": "=", "right": "Ulm"}],
             "joins": [{"file": "payments.csv", "own": ["order_id"], "theirs": ["order_id"]}]},
            O.merge(FRAMES["payments.csv"]).loc[lambda t: t["city"] == "Ulm", "fee"].sum(),
        ),
        (
            {"measures": [{"op": "count", "name": name, "where": [{"left": "channel", "op": "=", "right": name}]}
                          for name in ("web", "shop")], "formulas": [{"name": "ratio", "expr": "web / shop"}]},
            (O["channel"] == "web").sum() / (O["channel"] == "shop").sum(),
        ),
        ({"measures": [{"op": "count"}], "group_by": [{"of": "city"}], "tell": "number"}, 4),
    ],
)  # fmt: skip
def test_a_query_gives_in_sql_what_it_gives_in_pandas(query, value):
    assert only(**query) == pytest.approx(value, rel=1e-9)


def test_times_in_text_are_read_as_the_cells_read_them():
    written = pd.DataFrame({"at": ["04/05/2025 03:00 PM", "04/06/2025 9:30 am", "2025-04-05 08:00", "none"]})
    kinds = {"at": "text"}
    got = duckdb.sql(f"SELECT {to_sql('hour(at)', kinds)} AS hour FROM written").df()["hour"]
    own = eval(to_pandas("hour(at)", kinds), {"pd": pd, "rows": written})
    assert got.tolist()[:3] == own.tolist()[:3] == [15, 9, 8]
    assert got.isna().tolist() == own.isna().tolist()


def test_groups_are_told_with_their_names_and_in_their_order():
    asked = {"measures": [{"op": "mean", "of": "items"}], "order": [{"by": "mean_items"}]}
    got = computed(Query.model_validate(asked | {"group_by": [{"of": "city"}]}))
    means = O.groupby("city")["items"].mean().sort_values(ascending=False)
    assert [row[0] for row in got.rows] == list(means.index)
    ulm = meant("mean items in Ulm", got)
    assert [n.group for n in ulm] == [("Ulm",)]
    assert equal(round(means["Ulm"], 2), ulm[0])
    years = computed(Query.model_validate(asked | {"group_by": [{"of": "order_date", "grain": "year"}]}))
    assert {row[0] for row in years.rows} == {"2022", "2023", "2024"}


@pytest.mark.parametrize(
    "more",
    [
        {"prepare": [{"do": "fill", "columns": ["days"], "how": "mean"}]},
        {"test": {"name": "t"}},
        {"model": {"kind": "linear"}},
        {"measures": []},
    ],
)
def test_what_sql_cannot_say_is_said_to_be_so(more):
    with pytest.raises(NotComputable):
        sql(Query.model_validate({"measures": [{"op": "mean", "of": "items"}], **more}), FACTS)


def ran(code: str, printed: str = "") -> Execution:
    """A cell of this code that printed this."""
    shown = (Output(kind="stdout", text=printed),)
    return Execution(id="ex", run_id="r", sandbox_id="s", seq=1, code=code, tags=("code",), status="ok", outputs=shown)


def judged(text: str, question: str, code: str, printed: str = "") -> list[str]:
    """What is said of a sentence whose numbers a cell of this code printed."""
    cells = [ran(code, printed)]
    given = Given(FACTS, text, question, cells)
    wanted = list(given.wanted())
    facts = Facts()
    facts.take(wanted, [computed(w.query) for w in wanted])
    return [*misstated(text, given, facts, cells)]


BY_WARD = "print(df.groupby('ward')['days'].mean())"
DAYS = P.groupby("ward")["days"].mean()
CITY = O.groupby("city")["items"].mean()
BACK = 100 * O.groupby("channel")["returned"].apply(lambda r: (r == "yes").mean())
POINTS = BACK["web"] - BACK["shop"]
FELL = O[O["order_date"].dt.year == 2024]["items"].mean() < IN_2022["items"].mean()
MOST, LEAST = CITY.idxmax(), CITY.idxmin()
POOR = P[(P["ward"] == "Cedar") & (P["outcome"] == "poor")]
ON = P["ward"].value_counts()
BY_OUTCOME = "print(pd.crosstab(df['ward'], df['outcome'], normalize=True))"
COUNTED = "print(df.groupby('ward')['days'].agg(['count', 'mean', 'sum']))"
BY_CROP, RYE = "print(df.groupby('crop')['gain_eur_ha'].mean())", PLOTS[PLOTS["crop"] == "Rye"]["gain_eur_ha"]
BY_CHANNEL = "print(df.groupby('channel')['returned'].apply(lambda r: (r == 'yes').mean()))"
LONGEST = list(DAYS.sort_values(ascending=False).index)
R = P["age"].corr(P["days"])
IN_2023 = O[O["order_date"].dt.year == 2023]
OLD, BY_AGE = P[P["age"] > 60]["days"].mean(), "df[df['age'] > 60]['days'].mean()"
YEARS = O["order_date"].dt.year.value_counts()
TWICE = O.merge(payments(), on="order_id")["items"].sum()
BY_YEAR = "print(df['order_date'].dt.year.value_counts())"


@pytest.mark.parametrize(
    ("text", "question", "code", "printed", "problem"),
    [
        (f"Aster keeps them {DAYS['Aster']:.2f} days, Cedar {DAYS['Cedar']:.2f}.", "", BY_WARD, DAYS, None),
        (f"Aster keeps them {DAYS['Cedar']:.2f} days, Cedar {DAYS['Aster']:.2f}.", "", BY_WARD, DAYS,
         f"{DAYS['Cedar']:.2f} is the value of Cedar, not of Aster"),
        (f"Aster keeps them {DAYS['Cedar']:.2f} days, against {DAYS['Aster']:.2f} on Cedar and {DAYS['Birch']:.2f} on "
         "Birch.", "", BY_WARD, DAYS, f"{DAYS['Cedar']:.2f} is the value of Cedar, not of Aster"),
        (f"In 2023 an order held {O['items'].mean():.3f} items on average.", "", "df['items'].mean()",
         O["items"].mean(), "the value without the condition that order_date is 2023"),
        (f"In 2023 an order held {IN_2023['items'].mean():.3f} items on average.", "", "df['items'].mean()",
         IN_2023["items"].mean(), None),
        (f"The median stay is {P['days'].mean():.3f} days.", "", "df['days'].mean()", P["days"].mean(),
         "the mean, not the median"),
        (f"On Cedar they stay {DAYS['Cedar']:.3f} of the hospital's {P['days'].sum():.1f} days.",
         "How long do they stay on Cedar?", COUNTED, f"{DAYS['Cedar']} {P['days'].sum()}", None),
        (f"In 2023 orders held {O['items'].sum()} items, {IN_2023['items'].mean():.3f} per order.",
         "How many items did we sell in 2023?", "df['items'].agg(['sum', 'mean'])",
         f"{O['items'].sum()} {IN_2023['items'].mean()}", "the value without the condition that order_date is 2023"),
        (f"The orders hold {TWICE} items in total.", "", "df['items'].sum()", TWICE,
         "counted once for each row of payments"),
        (f"The orders hold {TWICE} items in total, {TWICE / 4:.2f} of 4 items each.", "", "df['items'].sum()",
         f"{TWICE} {TWICE / 4}", None),
        (f"It is {POINTS:.1f} percentage points higher on the web ({BACK['web']:.1f} %) than in the shop "
         f"({BACK['shop']:.1f} %).", "How many orders are returned?", "df.groupby('channel')['returned']", BACK, None),
        (f"{MOST} has {100 * (CITY[MOST] / CITY[LEAST] - 1):.2f} % more items on average than {LEAST}.", "",
         "df.groupby('city')['items'].mean()", CITY, None),
        (f"{100 * len(POOR) / len(P):.1f} % of the patients on Cedar were poor.", "", BY_OUTCOME,
         100 * len(POOR) / len(P), "among all, not among those of ward Cedar"),
        (f"{100 * len(POOR) / ON['Cedar']:.1f} % of the patients on Cedar were poor.", "", BY_OUTCOME,
         100 * len(POOR) / ON["Cedar"], None),
        (f"{100 * len(POOR) / len(P):.1f} % of the patients were on Cedar and poor.", "", BY_OUTCOME,
         100 * len(POOR) / len(P), None),
        (f"{BACK['web']:.1f} % of the orders were returned on the web.", "", "df.groupby('channel')['returned']", BACK,
         None),
        (f"The {ON['Cedar']} Cedar patients stay {DAYS['Cedar']:.2f} days on average.", "", COUNTED,
         f"{ON['Cedar']} {DAYS['Cedar']}", None),
        (f"The {ON['Aster']} Cedar patients stay {DAYS['Cedar']:.2f} days on average.", "", COUNTED,
         f"{ON['Aster']} {DAYS['Cedar']}", f"{ON['Aster']} is the value of Aster, not of Cedar"),
        (f"The {len(P)} patients stay {P['days'].mean():.2f} days on average.", "", "print(len(df), df['days'].mean())",
         f"{len(P)} {P['days'].mean()}", None),
        (f"Rye plots lose {-RYE.mean():.2f} euros per hectare on average.", "", BY_CROP, RYE.mean(), None),
        (f"The share of returned orders differs by {POINTS:.1f} percentage points between web and shop.", "",
         BY_CHANNEL, POINTS, None),
        (f"On the web {100 * (BACK['web'] / BACK['shop'] - 1):.1f} % more orders are returned than in the shop.", "",
         BY_CHANNEL, 100 * (BACK["web"] / BACK["shop"] - 1), None),
        (f"{100 * len(POOR) / ON['Cedar']:.1f} % of all patients were on Cedar and poor.", "", BY_OUTCOME,
         100 * len(POOR) / ON["Cedar"], "among those of ward Cedar, not among all"),
        (f"The typical stay is {P['days'].median():.3f} days.", "", "df['days'].median()", P["days"].median(), None),
        (f"Half of the patients stay less than {P['days'].median():.2f} days, on average they stay "
         f"{P['days'].mean():.2f} days.", "How long do they stay on average?", "df['days'].describe()",
         f"{P['days'].median()} {P['days'].mean()}", None),
        (f"They stay {P['days'].mean():.3f} days (median {P['days'].median():.3f}).", "", "df['days'].describe()",
         f"{P['days'].mean()} {P['days'].median()}", None),
        (f"They stay between {P['days'].min()} and {P['days'].max()} days, {P['days'].mean():.3f} on average.", "",
         "df['days'].describe()", P["days"].describe(), None),
        (f"Patients stay {OLD:.3f} days on average.", "", BY_AGE, OLD, "that a cell keeps by age, which is not said"),
        (f"In the last decades of life patients stay {OLD:.3f} days on average.", "", BY_AGE, OLD, None),
        (f"In 2024 the number of orders went from {YEARS[2023]} to {YEARS[2024]}.", "", BY_YEAR, YEARS, None),
        (f"In 2024 there were {YEARS[2023]} orders.", "", BY_YEAR, YEARS, "is the value of 2023, not of 2024"),
        (f"Cedar is slow with {DAYS['Cedar']:.2f} against {DAYS['Birch']:.2f} days.", "", BY_WARD, DAYS, None),
    ],
)  # fmt: skip
def test_a_sentence_is_held_against_what_the_input_files_give(text, question, code, printed, problem):
    found = judged(text, question, code, str(printed))
    assert (found == []) if problem is None else any(problem in f for f in found), found


@pytest.mark.parametrize(
    ("text", "printed", "problem"),
    [
        ("The two differ significantly (p = 0.63).", "", "no test says so"),
        ("The two do not differ (p = 0.63).", "", None),
        ("The gap is far from significant (p = 0.63).", "", None),
        ("The two are not related.", "statistic=-0.3, pvalue=np.float64(5e-21)", "every test says otherwise"),
        ("The first differ significantly (p = 0.01), the others do not.", "p = 0.4", None),
    ],
)
def test_what_is_said_of_a_test_is_held_against_the_p_value_beside_it(text, printed, problem):
    found = list(untested(text, [ran("", printed)]))
    assert (found == []) if problem is None else any(problem in f for f in found), found


IDS = [f"K{n:05d}" for n in range(6_000)]
ROWS = Result(Asked((), ("id",)), tuple((i,) for i in IDS[:2_000]))


@pytest.mark.parametrize(
    ("told", "same"),
    [
        (IDS[:2_000], True),
        (IDS[1_999::-1], True),
        ([*IDS[:1_999], "K09999"], False),
        (IDS[:1_999], False),
        (IDS, None),
    ],
    ids=["the rows", "in another order", "another one", "one is missing", "more than were computed"],
)
def test_a_list_is_held_against_the_rows_of_its_query(told, same):
    assert listed(", ".join(told), ROWS) is same


def test_a_list_of_different_rows_holds_each_once_and_its_days_as_they_are_told():
    twice = Result(Asked((), ("day", "n")), (("2024-01-02 00:00:00", 1.0),) * 2 + (("2024-03-04 05:06:00", 2.5),))
    assert listed("2024-01-02, 2024-03-04 05:06", twice)
    assert listed("1, 1, 2.5", twice)
    fine = replace(twice, rows=((9.79234128233,), (7.00574768145,)))
    assert listed("9.79234128241, 7.00574768145", fine), "of times finer than SQL keeps them"
    assert listed("9.79234129, 7.00574768145", fine) is False


def test_a_day_is_the_same_where_it_was_read_as_a_time():
    assert equal("2024-09-12", Number((), "maximum of Date", "2024-09-12 00:00:00"))
    assert not equal("2024-09-12", Number((), "maximum of Date", "2024-09-12 08:00:00"))
    week = Number(("2025-03-24 00:00:00",), "count", "2025-03-24 00:00:00")
    assert equal("2025-03-24/2025-03-30", week)
    assert not equal("2025-03-31/2025-04-06", week)


@pytest.mark.parametrize("told", ["2021Q3", "2021-Q3", "Q3 2021"])
def test_a_quarter_is_the_same_in_either_form(told: str) -> None:
    asked = Asked(("quarter of day",), ("sum of gain",))
    found = Result(asked, (("2021-Q2", 7), ("2021-Q3", 9)))
    assert equal(told, Number(("2021-Q3",), "quarter of day", "2021-Q3"))
    assert not equal(told, Number(("2021-Q2",), "quarter of day", "2021-Q2"))
    assert [number.value for number in meant(told, found)] == [9]


def test_the_number_of_each_group_of_many_is_found_without_going_through_all(monkeypatch):
    looked = []
    monkeypatch.setattr(
        answering, "names", lambda label, text, own=answering.names: looked.append(1) or own(label, text)
    )
    many = Result(Asked(("id",), ("mean price",)), tuple((i, float(n)) for n, i in enumerate(IDS)))
    found = [meant(f"id {i.casefold()}", many) for i in IDS]
    assert [[n.value for n in some] for some in found] == [[float(n)] for n in range(len(IDS))]
    assert len(looked) <= 2 * len(IDS)


def test_a_long_list_that_is_wrong_is_objected_to_in_a_line():
    assert len(shown(", ".join(IDS))) < 300


@pytest.mark.asyncio
async def test_reading_a_report_and_holding_it_against_results_leave_the_event_loop_free(monkeypatch):
    ran = []

    def noted(name):
        for module in (recompute, values):
            if own := getattr(module, name, None):
                by = lambda *a, own=own: ran.append((name, threading.current_thread())) or own(*a)  # noqa: E731
                monkeypatch.setattr(module, name, by)

    async def aside(code: str) -> str:
        return "nothing"

    names = ("Given", "sql", "verdict_of", "misstated", "all_verdicts")
    for name in names:
        noted(name)
    value = AnswerValue(name="mean days", value=1.0)
    answer = Answer(part="days", status="answered", text="It is 1.0.", values=(value,), query=of("mean"))
    report = ReportMade(run_id="r", answer="It is 1.0.", answers=(answer,))
    work = Work(RunView(run=Run(id="r", goal="What is the mean of days?")), report)
    await recompute.recompute(aside, work, FACTS)
    await values.computed_again(aside, [answer], FACTS)
    assert {name for name, _ in ran} == set(names)
    assert threading.current_thread() not in {thread for _, thread in ran}


@pytest.mark.asyncio
async def test_a_text_told_of_a_group_by_its_name_is_held_against_what_that_group_has():
    query = {**of("mode", "outcome"), "group_by": [{"of": "ward"}]}
    usual = P.groupby("ward")["outcome"].agg(lambda some: some.mode()[0])
    rows = [[ward, [outcome]] for ward, outcome in usual.items()]

    async def aside(code: str) -> str:
        return f"{values._MARK}{json.dumps([rows])}\n"

    told = [AnswerValue(name=ward, value=outcome) for ward, outcome in usual.items()]
    told.append(AnswerValue(name=str(usual.index[0]), value="lost"))
    answer = Answer(part="outcomes", status="answered", text="", values=tuple(told), query=query)
    verdicts = [v.verdict for v in await values.computed_again(aside, [answer], FACTS)]
    assert verdicts == ["equal"] * len(usual) + ["unequal"]


def test_two_periods_of_a_date_are_not_recomputed_as_groups_of_days() -> None:
    tables = [{"name": "t.csv", "rows": 9, "columns": [{"name": "day", "dtype": "datetime64[ns]"}]}]
    compare = Compare(of="day", first="weekday 4", second="weekday 5")
    with pytest.raises(NotComputable):
        sql(Query(intent="compare", measures=(Measure(op="count"),), compare=compare), tables)


def test_a_question_of_reasons_asks_for_no_number() -> None:
    assert list(expected("What is the mean number of days?", FACTS, {}))
    assert not list(expected("What drives the days?", FACTS, {}))


def test_a_year_of_the_question_is_looked_for_where_a_sentence_names_its_rows_alone() -> None:
    (asked,) = expected("How many items were ordered in Ulm in 2023?", FACTS, {})
    results = [computed(q) for q in asked.queries]
    every_year = O[O["city"] == "Ulm"]["items"].sum()
    assert "is told" in (asked.problem(f"Ulm took {every_year} in 2023.", results, FACTS) or "")
    assert asked.problem(f"Ulm took {next(results[0].numbers()).value} in 2023.", results, FACTS) is None


def test_the_name_of_a_column_is_no_cause(tmp_path):
    (tmp_path / "homes.csv").write_text("driveway,price\nyes,9\nno,4\n")
    cell = Execution(id="ex", run_id="r", sandbox_id="s", seq=1, code="pass", tags=("code",), status="ok")
    for text, said in (("Price is higher where driveway is yes.", False), ("A way in drives the price.", True)):
        view = RunView(run=Run(id="run_1", goal="What matters?"), executions=(cell,))
        work = Work(view, ReportMade(run_id="run_1", answer=text), files={"homes.csv": tmp_path / "homes.csv"})
        (found,) = [r for r in run_checks(work) if r.name == "causal_words"]
        assert bool(found.remarks or found.objections) == said


def test_a_cause_in_other_words_than_the_columns_is_of_those_that_the_question_names(tmp_path):
    (tmp_path / "homes.csv").write_text("steps,pressure\n9,9\n4,4\n")
    cell = Execution(id="ex", run_id="r", sandbox_id="s", seq=1, code="pass", tags=("code",), status="ok")
    for goal, objected in (("How are steps and pressure related?", True), ("What is in the file?", False)):
        view = RunView(run=Run(id="run_1", goal=goal), executions=(cell,))
        report = ReportMade(run_id="run_1", answer="Those who walk more bring theirs down.")
        (found,) = [
            r
            for r in run_checks(Work(view, report, files={"homes.csv": tmp_path / "homes.csv"}))
            if r.name == "causal_words"
        ]
        assert (bool(found.objections), bool(found.remarks)) == (objected, not objected)


def test_a_number_is_no_value_of_the_files_in_another_unit_or_of_another_statistic():
    cents = O["amount_cents"].mean()
    for text, known in (
        (f"An order comes to €{cents / 100:.4f} on average.", True),
        (f"An order comes to €{cents:.2f} on average.", False),
        (f"The median amount is €{cents / 100:.4f}.", False),
    ):
        given = Given(FACTS, text, "", [ran("df['amount_cents'].mean()")])
        facts = Facts()
        wanted = list(given.wanted())
        facts.take(wanted, [computed(w.query) for w in wanted])
        assert bool([*recomputed(text, given, facts, [])]) is known, text
