"""The reviewer's checks: each finds what it is for, and leaves good work alone."""

from __future__ import annotations

import random

import pytest

from artifacts.events import ExecutionStarted, ReportMade, RunView, apply
from artifacts.types import (
    FINDING_MIME,
    Effect,
    Evidence,
    Execution,
    ExecutionError,
    Finding,
    Objection,
    Output,
    Run,
)
from graphs.review.base import Work
from graphs.review.checks import run_checks
from graphs.review.node import judge
from graphs.tools.review import GiveReview, Held


def cell(
    seq: int, code: str = "pass", text: str = "", *, tags=("code",), status="ok", title="", finding=""
) -> Execution:
    outputs = [Output(kind="stdout", text=text)] if text else []
    if finding:
        outputs.append(Output(kind="display", text=finding, data={FINDING_MIME: {"text": finding}}))
    return Execution(
        id=f"exec_{seq}",
        run_id="run_1",
        sandbox_id="sb",
        seq=seq,
        code=code,
        title=title,
        tags=tags,
        status=status,
        error=ExecutionError(name="KeyError", value="'x'") if status == "error" else None,
        outputs=tuple(outputs),
    )


def finding(text: str, *, id: str = "F1", at: str = "cell-01", **more) -> Finding:
    kind = {"type": "claim", "kind": "correlation", "n": 344} | more
    return Finding(id=id, text=text, evidence=Evidence(cell=at), **kind)


def results(*cells, findings=(), answer="Nothing stands out.", not_checked=(), roles=None, goal="What matters?"):
    view = RunView(run=Run(id="run_1", goal=goal), executions=cells, findings=tuple(findings))
    report = ReportMade(
        run_id="run_1", answer=answer, order=tuple(f.id for f in findings), not_checked=tuple(not_checked)
    )
    return {r.name: r for r in run_checks(Work(view, report, roles or {}))}


@pytest.fixture
def spoke(tmp_path):
    """The checks that object to the code of a cell and an answer, the given tables being at hand and the first of
    them read as `d`."""

    def judged(tables, code, answer="Done.", text="", goal="What matters?"):
        for name, rows in tables.items():
            (tmp_path / name).write_text("\n".join(rows))
        reads = f"d = pd.read_csv('{next(iter(tables))}')\n"
        view = RunView(run=Run(id="run_1", goal=goal), executions=(cell(1, reads + code, text),))
        files = {name: tmp_path / name for name in tables}
        found = run_checks(Work(view, ReportMade(run_id="run_1", answer=answer), files=files))
        return {c.name for c in found if not c.ok}

    return judged


def test_good_work_passes_every_check():
    said = "Bill length and bill depth go together negatively over all (r = −0.235, 95 % interval −0.33 to −0.13)."
    effect = Effect(metric="pearson_r", value=-0.235053, ci=(-0.3328, -0.1323))
    found = results(
        cell(1, "r = df.a.corr(df.b)\nreport(...)", "r -0.235053", finding=said),
        findings=[finding(said, effect=effect)],
        answer="Over all they go together negatively (r = −0.235); within each of the 3 species positively.",
    )
    assert {n: r.detail for n, r in found.items() if not r.ok} == {}
    assert len(found) == 22


def test_a_number_that_no_cell_printed_is_found_in_the_answer():
    found = results(cell(1, text="r -0.235"), answer="The correlation is 0.81 in 1,234 rows.")["numbers"]
    assert not found.ok
    assert found.objections[0].where == "answer"
    assert "0.81, 1,234" in found.objections[0].problem


TRACED = (
    ("44.5 % of the men were admitted, 30.4% of the women.", "men 0.44512 women 0.30354"),
    ("About 3,400 rows (3,412 exactly) were left.", "rows 3412"),
    ("The difference is 0.24, or −0.2353 to be exact, in 2007–2009.", "r -0.23530 from 2007 to 2009"),
    ("The column `x_17` and “9,999 birds” say so.", "none"),
    ("1,234.5 francs", "1234.5123"),
    ("12 % of them", "0.1234"),
    ("12.3 % of them", "share 0.1234"),
    ("r = −0.23", "r -0.2345"),
    ("a rate of 0.12", "12.1%"),
    ("p = 1.2e-5", "1.19e-05"),
    ("p = 1.2 × 10⁻⁵", "1.19e-05"),
    ("p = 1.2×10^-5", "1.19e-05"),
    ("between 13 and 15.2 days", "13.0 15.21"),
    ("13–15 days", "13.2 14.9"),
    ("13 to 15 days", "13.2 14.9"),
    ("on 31 December 2023", "2023-12-31"),
    ("on December 31, 2023 and 14:30", "2023-12-31"),
    ("in 2023-12", "2023-12-01"),
    ("12 000 rows", "12000"),
    ("12 000 rows", "12,000"),
    ("2.5x as much", "2.52"),
    ("2.5 times", "2.52"),
    ("12k rows", "12,034"),
    ("3.4 million", "3412345"),
    ("3.4M francs", "3412345.2"),
    ("the 90th percentile was 17", "17.02"),
    ("COVID-19 cases", "x"),
    ("Fig. 14 shows it", "x"),
    ("Table 21: means", "x"),
    ("F1 of 0.81", "0.8123"),
    ("# 14. Results", "x"),
    ("1. Load\n14. Fit", "x"),
    ("see https://x.org/2391", "x"),
    ("(Smith, 2019)", "x"),
    ("Smith et al. (2019) say", "x"),
    ("python 3.12", "x"),
    ("version 3.12.1", "x"),
    ("nearly 400", "391"),
    ("more than 80 %", "0.83"),
    ("the remaining 82 %", "0.18"),
    ("82 % did not", "18.0%"),
    ("51.0 % vs 40.0 %, 11 points more", "0.51 0.40"),
    ("450mg of salt", "450.2"),
    ("USD 1'234", "1234"),
    ("$1,234 each", "1234.2"),
    ("€45.20 each", "45.2"),
    ("45.2€ each", "45.2"),
    ("17°C", "17.1"),
    ("column `x_99`", "x"),
    ("-3.4 to -2.1", "-3.41 -2.08"),
    ("(n = 1,024)", "1024"),
    ("43% higher", "ratio 1.431"),
    ("12 of 154 in the shop, and 121 of 746 on the web", "shop   142   12\nweb   625   121"),
    ("19,208 in January and 11,553 in June: a swing of 7,655, or 40% of January", "19208 11553"),
    ("It is 44%; the others have 24% and 25%. That is 1.8 times as much", "rate 0.44 0.24 0.25"),
    ("A 60-year-old needs 14.2 minutes", "14.21"),
    ("about a third of them", "0.34"),
    ("365 days and 365 nights", "365 365 0.05"),
    ("+4.2 points", "4.21"),
    ("95% CI [1.31, 2.22]", "(1.312, 2.2199)"),
    ("30 of 40 (75 %)", "30 40"),
    ("a 3:1 ratio", "x"),
    ("24/7 support", "x"),
    ("20% (14 of 70)", "14 70"),
    ("in the 1990s", "x"),
    ("Q3 2021", "2021-09"),
    ("0.5 %", "0.00512"),
    ("ca. 1.2 million", "1187000"),
    ("100%", "x"),
    ("£3.50", "3.5"),
    ("25 000 and 13", "25000 13"),
    ("3 490,-", "3490"),
    ("±0.033", "0.0331"),
    ("0.62 ± 0.03", "0.621 0.0329"),
    ("age 55–64 made up 33%", "32.9% 55 64"),
    ("18 percent", "0.181"),
    ("1/4 of rows", "0.25"),
    ("x² = 14.2", "14.21"),
    ("χ²(3) = 14.2", "14.21"),
    ("R2=0.41", "0.412"),
    ("n=96", "96"),
    ("(≈ 17)", "16.8"),
    ("26,6 % von 1.800", "0.266 1800"),
    ("p = .031", "0.0312"),
    ("*17.2*", "17.2"),
    ("**17.2**", "17.2"),
    ("| 17.2 | 18.1 |", "17.2 18.1"),
    ("17.2%-point", "17.2"),
    ("27.8 thousand euros", "27.81"),
    ("1.096 million", "1.096"),
    ("149 seconds against 89. That is 60 seconds, or 67% more", "149.2 88.9"),
    ("unos 196 mil litros", "195896"),
    ("the others share 83 %", "north 17\nsouth 40\nwest 43\nall 100"),
    ("measured by ISO 10304-1, directive 2020/2184", "x"),
    ("between 11 and 14 o'clock", "x"),
)
"""What may be written of an output: rounded, scaled, as percent, beside names and dates that are no claims."""
UNTRACED = (
    ("about 20 % of them", "0.181"),
    ("43% of them", "mean 43.14"),
    ("p < 0.001", "x"),
    ("1.53 times as much", "a 16.925 x\nb 11.042 x"),
    ("1,334.5 francs", "1234.5123"),
    ("13 % of them", "0.1234"),
    ("r = −0.33", "r -0.2345"),
    ("p = 1.2e-4", "1.19e-05"),
    ("p = 1.2 × 10⁻⁴", "1.19e-05"),
    ("between 13 and 16.2 days", "13.0 15.21"),
    ("12 500 rows", "12000"),
    ("13k rows", "11,234"),
    ("3.9 million", "3412345"),
    ("2.9x as much", "2.52"),
    ("about 30 % of them", "0.181"),
    ("some 37.4 %", "0.36"),
    ("53% higher", "ratio 1.431"),
    ("on 31 December 2022", "2023-12-31"),
    ("3 million", "x"),
    ("7 % of them", "0.041"),
    ("USD 1'284", "1234"),
    ("450mg", "410"),
    ("£3.55", "3.5"),
    ("17.2%", "18"),
    ("In 2019 it rose", "2020-01-01"),
    ("61 % more: 16.9 % against 11.8 %", "0.1690 0.1180"),
    ("fully 12 000", "365 365"),
    ("**17.2**", "17.4"),
    ("| 17.2 | 18.1 |", "17.2 18.3"),
    ("AUC of 0.93.", "0.39"),
    ("accuracy 93%", "0.91"),
    ("a mean of 14.", "15.2"),
    ("€45.20", "45.3"),
    ("-0.62", "0.612"),
    ("37.8 thousand euros", "27.81"),
    ("it grows by 87.0 a month, about 1144 a year", "87.01"),
    ("149 seconds against 89. That is 70 seconds", "149.2 88.9"),
    ("29 to 60 ms", "0.0390 0.0600"),
    ("2.10 million, then 1.03", "2101234 1234567"),
    ("a slope of 0.223, i.e. 2.98 a year", "0.22330"),
    ("at the usual penalty this is 251730 euro", "57869"),
    ("1.83 times as much", "a 16.925 x\nb 11.042 x"),
)


def test_numbers_are_read_as_they_are_written():
    wrong = [a for a, printed in TRACED if not results(cell(1, text=printed), answer=a)["numbers"].ok]
    missed = [a for a, printed in UNTRACED if results(cell(1, text=printed), answer=a)["numbers"].ok]
    assert (wrong, missed) == ([], [])


def test_a_level_that_is_called_one_takes_no_digit_out_of_a_number():
    named = finding("Sales differ.", params={"top": "1"})
    answer = "Sales are 1 most often where it is 1: 0.0145."
    assert results(cell(1, text="0.0145148"), findings=[named], answer=answer)["numbers"].ok
    assert not results(cell(1, text="0.0148"), findings=[named], answer=answer)["numbers"].ok


def test_any_printed_number_traces_however_it_is_rounded_and_another_one_does_not():
    rng = random.Random(0)
    for _ in range(100):
        value = rng.choice([-1, 1]) * 10 ** rng.uniform(-3, 7)
        places = rng.randint(0, 4)
        out = f"result {value!r}"
        forms = [f"{value:.{places}f}", f"{value:,.{places}f}", f"{value:.{places}e}"]
        forms += [f"{value * 100:.{places}f} %"] if abs(value) < 10 else []
        forms += [f"{value / 1e6:.2f} million"] if abs(value) > 1e6 else []
        for form in forms:
            for written in (form, form.replace("-", "−"), f"**{form}**"):
                assert results(cell(1, text=out), answer=f"It is {written}.")["numbers"].ok, (out, written)
        other = f"{value * rng.choice([0.7, 1.4]):.3e}"
        assert not results(cell(1, text=out), answer=f"It is {other}.")["numbers"].ok, (out, other)


def test_a_failed_cell_must_be_mended_or_admitted():
    broken = cell(1, "df['x'].mean()\nplot(df)", status="error", title="Mean of x")
    assert not results(broken, cell(2, "len(df)", title="Rows"))["failed_cells"].ok
    assert results(broken, cell(2, "df.y.mean()", title="Mean of x"))["failed_cells"].ok
    assert results(broken, cell(2, "df['y'].mean()\nplot(df)"))["failed_cells"].ok
    assert results(broken, not_checked=["The mean of x: cell-01 failed, there is no such column."])["failed_cells"].ok


@pytest.mark.parametrize(
    ("answer", "roles", "said"),
    [
        ("Smoking causes cancer.", {}, True),
        ("Longer bills lead to deeper bills.", {}, True),
        ("Moving a kiln outdoors gets you two more pots a day.", {}, True),
        ("The two go together; that does not show that one causes the other.", {}, False),
        ("This makes the estimate weak, and we want to improve the fit.", {}, False),
        ("Neither of the two is shown to cause it.", {}, False),
        ("Each miss costs us 15 EUR.", {}, False),
        ("Half of this drop shows in May already.", {}, False),
        ("A shorter glaze bath lifts yields.", {}, True),
        ("Their cut makes up a third.", {}, False),
        ("If the board asks for one number, I would name the median.", {}, False),
        ("The variant leads to more sales.", {"assignment": "variant"}, False),
        ("The variant leads to more sales.", {"assignment": "not randomised"}, True),
        ("The variant leads to more sales.", {"target": "sales"}, True),
    ],
)
def test_a_cause_without_a_randomised_assignment_is_remarked_on(answer, roles, said):
    found = results(cell(1), answer=answer, roles=roles)["causal_words"]
    assert (found.ok, bool(found.remarks)) == (True, said)


def test_words_of_the_question_in_quotation_marks_claim_no_cause():
    goal = "What drives sales and how did they change?"
    quoted = results(cell(1), answer="Not answered: “What drives sales” No test is about it.", goal=goal)
    assert (quoted["causal_words"].ok, quoted["causal_words"].remarks) == (True, ())
    told = results(cell(1), answer="“The price drives sales up” is what the table shows.", goal=goal)["causal_words"]
    assert told.remarks or not told.ok


@pytest.mark.parametrize(
    ("check", "bad", "good"),
    [
        (
            "later_rows",
            "d['level'] = d['y'].rolling(7, center=True).mean()\npast = d[d['day'] < '2023']\n"
            "m = LinearRegression().fit(past[cols], past['y'])",
            "d['level'] = d['y'].shift(1).rolling(7).mean()\npast = d[d['day'] < '2023']\n"
            "m = LinearRegression().fit(past[cols], past['y'])",
        ),
        ("files", "pd.read_csv('/etc/passwd')", "pd.read_csv('penguins.csv')"),
        ("files", "open('../secret')", "open('out.txt', 'w')"),
        ("files", "pd.read_csv('https://x.org/a.csv')", "pd.read_csv(data)"),
    ],
)
def test_code_checks_find_the_bad_and_leave_the_good(check, bad, good):
    answer = "Two of them differ significantly."
    found = results(cell(1, bad), answer=answer)[check]
    assert [o.where for o in found.objections] == ["cell-01"]
    assert results(cell(1, good), answer=answer)[check].ok


def test_a_file_that_is_no_input_is_found_and_one_that_a_cell_wrote_is_not():
    ran = Run(id="run_1", goal="What matters?", params={"files": ["orders.csv"]})

    def where(code: str) -> list[str]:
        view = RunView(run=ran, executions=(cell(1, code),))
        checks = run_checks(Work(view, ReportMade(run_id="run_1", answer="Nothing.")))
        return [o.where for c in checks if c.name == "files" for o in c.objections]

    assert where("pd.read_csv('backup.csv')") == ["cell-01"]
    assert where("t.to_csv('mine.csv')\npd.read_csv('mine.csv')\npd.read_csv('orders.csv')") == []


def test_a_relation_that_the_table_shows_the_other_way_round_within_groups_must_be_told(spoke):
    rows = [f"{g * 10 + i % 10},{40 - g * 12 + i % 10 + (i * 7) % 3},{'uvw'[g]}" for g in range(3) for i in range(60)]
    table = {"t.csv": ["length,depth,kind", *rows]}
    code = "print(d['length'].corr(d['depth']))"
    assert "sign_flips" in spoke(table, code, "The depth falls with the length.")
    assert "sign_flips" not in spoke(table, code, "The depth falls with the length; within each kind it rises.")


def test_rows_that_stand_twice_are_not_added_up_without_a_word(spoke):
    tables = {"sales.csv": ["sale_id,eur", *(f"{n},{n % 7}" for n in range(1, 40)), "5,5", "6,6"]}
    assert "repeated_rows" in spoke(tables, "print(d['eur'].sum())", "They sum to 128.")
    assert "repeated_rows" not in spoke(tables, "print(d.drop_duplicates()['eur'].sum())", "They sum to 117.")


def test_a_perfect_score_is_not_believed():
    perfect = cell(1, "m = Ridge().fit(X, y)\nprint('AUC', auc)", "AUC 0.999")
    assert not results(perfect)["leakage"].ok
    assert results(perfect, answer="The fee is charged after the fact and was left out.")["leakage"].ok


def test_a_template_s_code_is_not_the_models_to_mend():
    assert all(r.ok for r in results(cell(1, "df = df.dropna().merge(b)", tags=("template:profile",))).values())


FOREIGN = "pd.read_csv('/etc/passwd')"


def test_a_cell_with_magics_is_read_all_the_same():
    reads = f"{FOREIGN}\n!ls\ndf.mean()"
    assert not results(cell(1, f"%matplotlib inline\n{reads}"))["files"].ok
    assert not results(cell(1, f"%%time\n{reads}"))["files"].ok
    assert results(cell(1, f"%%bash\n{reads}"))["files"].ok


def test_what_pandas_warns_of_is_objected_to():
    warning = "ChainedAssignmentError: A value is being set on a copy of a DataFrame"
    found = results(cell(1, "df['x'].fillna(0, inplace=True)", warning))["chained_assignment"]
    assert [o.where for o in found.objections] == ["cell-01"]


def test_a_failed_check_overrules_a_model_that_lets_it_pass():
    checks = list(results(cell(1, FOREIGN)).values())
    verdict = judge("run_1", None, 1, GiveReview(verdict="pass"), checks)
    assert verdict.verdict == "fail"
    assert [o.where for o in verdict.objections] == ["cell-01"]


def test_the_same_objection_is_listed_once():
    checks = list(results(cell(1, FOREIGN)).values())
    known = next(o for c in checks for o in c.objections)
    held = (Held(where=known.where, problem=known.problem), Held(where="files", problem=f"cell-01: {known.problem}"))
    verdict = judge("run_1", None, 1, GiveReview(verdict="fail", objections=held), checks)
    assert verdict.objections == (Objection(where=known.where, problem=known.problem, mend=known.mend),)


def test_what_an_unfinished_try_reported_goes_when_the_same_call_is_tried_again():
    tried = cell(1, status="interrupted").model_copy(update={"key": "code-0-0-0"})
    view = RunView(run=Run(id="run_1", goal="What?"), executions=(tried,), findings=(finding("x rises."),))
    again, other = (cell(2).model_copy(update={"key": key}) for key in ("code-0-0-0", "code-0-1-0"))
    assert apply(view, ExecutionStarted(run_id="run_1", execution=again)).findings == ()
    assert apply(view, ExecutionStarted(run_id="run_1", execution=other)).findings == view.findings


@pytest.mark.parametrize(
    ("printed", "answer", "ok"),
    [
        ("median 107.7", "Half are done within 1.8 hours.", True),
        ("median 107.7", "Half are done within 2.9 hours.", False),
        ("share 0.206", "About 206 in 1,000 leak.", True),
        ("share 0.206", "About 306 in 1,000 leak.", False),
        ("share 0.0042", "It is 420 per 100,000 people.", True),
        ("share 0.0124", "That is 142 basis points.", False),
        ("share 0.4123", "Es sind 41,2 Prozent der Kunden.", True),
        ("share 0.4123", "Es sind 43,2 Prozent der Kunden.", False),
        ("width 43.92", "They are 4.39 cm wide.", True),
        ("days 1241", "They last 3.4 years.", True),
        ("days 1241", "They last 4.3 years.", False),
        ("mass 12.5", "They weigh 27.6 lb.", True),
        ("dose 410.2", "It holds 450µg.", False),
        ("cost 345000", "It cost 345\u202f000 francs.", True),
        ("cost 345000", "It cost 354\u00a0000 francs.", False),
        ("mean 87.0", "An average of 1044 came, for 87.0.", False),
        ("2023  76414000\n2024  79903000", "It brought 79.9 million, 3.5 million (6.4%) more than before.", False),
        ("median 67.5", "Of the homes, 21.3% exceed the guideline.", False),
        ("a 38.5 %\nb 40.8 %\nn 25", "It is 38.5% in a, 40.8% in b. Readers under 25 account for 46.8%.", False),
    ],
)
def test_a_number_may_be_told_in_another_unit_and_a_share_beyond_a_limit_is_no_limit(printed, answer, ok):
    assert results(cell(1, "print(x)", printed), answer=answer)["numbers"].ok is ok


CARS = {"cars.csv": ["model,mpg,wt", "A,21.4,2.62", "B,33.9,1.835", "C,10.4,5.25"]}


@pytest.mark.parametrize(
    ("answer", "ok"),
    [
        ("Each further 1,000 lb costs 6.5 miles per gallon.", True),
        ("A car that is 1,000 lb heavier drives 6.5 miles less per gallon.", True),
        ("The road tests were made in 1974, after the oil crisis of the early 1970s.", True),
        ("In April 1974, when the tests were made, it was warm.", True),
        ("They are cars of before the crisis of 1979.", True),
        ("The cars weigh 1,200 lb on average.", False),
        ("The table holds the 1974 models of them.", False),
        ("In 1974 miles there were 6.5 stops.", False),
        ("The total is 1,974 miles.", False),
    ],
)
def test_a_year_that_no_table_can_hold_and_the_unit_of_a_column_are_no_claims(spoke, answer, ok):
    found = spoke(CARS, "print(np.polyfit(d.wt, d.mpg, 1))", answer, "slope -6.5")
    assert ("numbers" not in found) is ok


def test_what_a_cell_prints_as_it_was_typed_into_its_code_is_no_evidence():
    typed = cell(1, "rate = 0.4231\nprint(f'rate {rate}')", "rate 0.4231")
    written = cell(1, "print('the mean is 17.34')", "the mean is 17.34")
    table = cell(1, "t = pd.DataFrame({'auc': [0.741, 0.783]})\nprint(t)", "     auc\n0  0.741\n1  0.783")
    for made, answer in ((typed, "The rate is 0.423."), (written, "It is 17.3."), (table, "The AUC is 0.741.")):
        assert not results(made, answer=answer)["numbers"].ok, answer
    setting = cell(1, "limit = 41.35\nprint((d.weight < limit).sum(), limit)", "171 41.35")
    assert results(setting, answer="Below 41.35 lie 171.")["numbers"].ok


@pytest.mark.parametrize(
    ("answer", "objects"),
    [
        ("The share of late trains went from 8.5% to 14.5%, so it rose by 6.0 percent.", True),
        ("The share of late trains went from 8.5% to 14.5%, so it rose by 6.0 percentage points.", False),
        ("The share of late trains went from 8.5% to 14.5%, so it rose by 71 percent.", False),
    ],
)
def test_a_difference_of_shares_is_told_in_points(answer, objects):
    assert results(answer=answer)["points"].ok is not objects


def test_what_is_computed_of_the_first_rows_is_told_as_that(spoke):
    rows = {"trains.csv": ["delay", *map(str, range(300))]}
    few = "print(d.head(200)['delay'].mean())"
    assert "some_rows" in spoke(rows, few, "Trains are 99.5 minutes late on average.")
    assert "some_rows" not in spoke(rows, few, "The first 200 trains are 99.5 minutes late on average.")
    assert "some_rows" not in spoke(rows, "print(d['delay'].mean())", "Trains are 149.5 minutes late on average.")
