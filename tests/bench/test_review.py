"""The reviewer's notebooks: valid, running, one fault each, and judged by the product's own checks."""

from __future__ import annotations

import pytest

from bench import review
from bench.review_cases import EXPECTED, FAULTS, SUITES, Case, all_cases
from bench.review_cases.tables import TABLES, put
from notebooks.nb import nbformat


@pytest.fixture(scope="module")
def toolkit() -> str:
    return review.toolkit()


def test_there_are_enough_and_every_fault_is_planted():
    cases = all_cases()
    assert len({c.name for c in cases}) == len(cases)
    for name, (faulty, clean) in {"own": (40, 40), "foreign": (60, 80), "abroad": (60, 80), "last": (30, 40)}.items():
        assert sum(c.fault is not None for c in SUITES[name]()) >= faulty
        assert sum(c.fault is None for c in SUITES[name]()) >= clean
    assert set(EXPECTED) == set(FAULTS)
    for fault in FAULTS:
        assert sum(fault in c.faults for c in cases) >= 2, fault
        assert any(c.near == fault and c.fault is None for c in cases), f"no clean notebook comes close to {fault}"


def test_cases_name_tables_and_faults_that_exist():
    for case in all_cases():
        assert set(case.files) <= set(TABLES), case.name
        assert {*case.faults, case.near} - {None} <= set(FAULTS), case.name
        assert set(case.unrun) <= set(range(len(case.cells))), case.name
        assert case.fault is None or not case.near


def test_a_table_that_is_not_there_is_named(tmp_path):
    put(("orders.csv",), tmp_path)
    assert (tmp_path / "orders.csv").read_text().startswith("order_id,customer,shop,coupon,")
    with pytest.raises(KeyError, match="nosuch"):
        put(("nosuch.csv",), tmp_path)


def test_clean_notebooks_run_and_are_valid_and_true(toolkit):
    """`made` raises when a cell fails; the answer's numbers come from the notebook's own variables."""
    own, foreign = ([c for c in SUITES[name]() if c.fault is None] for name in ("own", "foreign"))
    for case in own[::6] + foreign[::18]:  # the bench runs every one of them
        notebook = review.made(case, toolkit)
        nbformat.validate(notebook)
        answer = notebook.metadata["gristmill_review"]["answer"]
        assert "nan" not in answer, case.name
        assert "{" not in answer, case.name


def test_faulty_notebooks_run_too_but_for_what_would_reach_outside(toolkit):
    faulty = [c for c in SUITES["own"]() if c.fault is not None]
    assert {c.fault for c in faulty if c.unrun} == {"outside_inputs"}
    for case in [c for c in faulty if c.fault != "imbalance"][::10]:
        notebook = review.made(case, toolkit)
        nbformat.validate(notebook)
        assert "nan" not in notebook.metadata["gristmill_review"]["answer"], case.name


def test_a_notebook_reaches_the_checks_as_a_run_would(toolkit):
    case = next(c for c in all_cases() if c.name == "few-islands")
    work = review.work_of(review.made(case, toolkit), {})
    assert [x.tags for x in work.view.executions] == [("toolkit",), ("open",), ("code",)]
    assert [f.kind for f in work.headlines] == ["group_difference"]
    assert work.headlines[0].evidence.cell == "cell-04" == work.written[0].cell
    assert "islands" in work.written[0].text
    assert "islands" in work.report.answer


def test_a_broken_case_is_named(toolkit):
    broken = Case("broken", "What?", ("orders.csv",), ("1 / 0",), "Nothing.")
    with pytest.raises(RuntimeError, match="broken, cell 3: ZeroDivisionError"):
        review.made(broken, toolkit)


def test_figures_count_catches_and_alarms():
    faulty, clean = (next(c for c in all_cases() if (c.fault is None) is none) for none in (False, True))
    verdicts = [
        review.Verdict(faulty, ("seeds: cell-03: no seed",), ()),
        review.Verdict(faulty, (), ("a remark",)),
        review.Verdict(clean, ("x: cell-03: y",), ()),
        review.Verdict(clean, (), ()),
    ]
    found = review.figures(verdicts)
    assert (found["review_caught"], found["review_false_alarms"]) == (0.5, 0.5)
    assert found["review_by_fault"][faulty.fault] == "0/2"
    assert found["review_named"] == 0, "the objection was to something else than what was planted"


def test_a_notebook_of_another_hand_is_prose_and_cells_with_nothing_before_them(toolkit):
    case = next(c for c in SUITES["foreign"]() if c.name == "course-selection-inside")
    work = review.work_of(review.made(case, toolkit), {})
    assert [x.tags for x in work.view.executions] == [("code",), ("code",)]
    assert "Exercise 4" in work.report.answer
    assert "{" not in work.report.answer


def test_the_checks_catch_a_planted_fault_and_leave_its_clean_twin_alone(toolkit):
    cases = [c for c in all_cases() if c.name in ("drop-all", "drop-logged")]
    said = {verdict.case.name: bool(verdict.objections) for verdict, _ in review.judged(cases)}
    assert said == {"drop-all": True, "drop-logged": False}
