"""The playbook decides from messages alone: its plan, its next cell, its report and its review."""

from __future__ import annotations

import json
from typing import Any

import pytest

from graphs.briefs import block, told_table
from graphs.models import gather
from graphs.models.base import Message, ToolSpec
from graphs.models.playbook import Playbook
from graphs.models.playbook.facts import Facts, read
from graphs.models.playbook.planning import is_group
from graphs.models.playbook.wishes import wishes

PENGUINS = [
    ("species", "str", 3, ["Adelie", "Gentoo", "Chinstrap"]),
    ("island", "str", 3, ["Torgersen", "Biscoe", "Dream"]),
    ("bill_length_mm", "float64", 164, [39.1]),
    ("bill_depth_mm", "float64", 80, [18.7]),
    ("flipper_length_mm", "float64", 55, [181]),
    ("body_mass_g", "float64", 94, [3750]),
    ("sex", "str", 2, ["male", "female"]),
    ("year", "int64", 3, [2007]),
]
PARAMETERS = {
    "profile": ["data", "target"],
    "associations": ["data", "outcome", "factors", "columns", "alpha", "max_findings"],
    "groups": ["data", "by", "columns", "alpha", "max_findings"],
    "timeseries": ["data", "time", "columns", "alpha", "max_findings"],
}
PARAMETERS |= {"joins": ["data", "others", "outcome", "by"]}
PARAMETERS |= {"ab_test": ["data", "outcome", "assignment", "allocation", "unit", "randomised"]}
TEMPLATES = {name: {"when": "", "parameters": list(taken)} for name, taken in PARAMETERS.items()}


def table(columns: list[tuple[str, str, int, list[Any]]], name: str = "data.csv", rows: int = 344) -> dict[str, Any]:
    described = [
        {"name": c, "dtype": d, "n_unique": n, "n_missing": 0, "examples": e}
        | ({"min": e[0], "max": e[0] + n} if d.startswith(("int", "float")) else {"values": e})
        for c, d, n, e in columns
    ]
    return {"name": name, "rows": rows, "columns": described}


def brief(**facts: Any) -> Message:
    return Message(role="user", content="The job.\n\n```json\n" + json.dumps(facts) + "\n```\n")


async def ask(tools: tuple[str, ...], *messages: Message) -> tuple[str, str | None, dict[str, Any]]:
    """What the playbook says, the tool that it calls and with what."""
    specs = [ToolSpec(name=t, description="", parameters={}) for t in tools]
    system = Message(role="system", content="You are an analyst.")
    reply = await gather(Playbook().complete([system, *messages], specs))
    assert len(reply.tool_calls) <= 1
    if not reply.tool_calls:
        return reply.content, None, {}
    return reply.content, reply.tool_calls[0].name, json.loads(reply.tool_calls[0].arguments)


async def plan(
    question: str, files: list[dict[str, Any]] | None = None, **roles: str
) -> list[tuple[str, dict[str, Any]]]:
    facts = brief(question=question, files=files or [table(PENGUINS)], roles=roles, templates=TEMPLATES)
    _, tool, arguments = await ask(("make_plan",), facts)
    assert tool == "make_plan"
    steps = [s for s in arguments["steps"] if s["template"]]
    assert all(step["title"] and step["why"] for step in steps)
    return [(s["template"], {k: v for k, v in s["parameters"].items() if k != "data"}) for s in steps]


@pytest.mark.parametrize(
    ("question", "steps"),
    [
        (
            "Does bill length predict bill depth, and what separates the species?",
            [
                ("associations", {"outcome": "bill_depth_mm", "factors": ["bill_length_mm"]}),
                ("associations", {"outcome": "bill_depth_mm"}),
                ("groups", {"by": "species"}),
            ],
        ),
        ("What drives body mass?", [("associations", {"outcome": "body_mass_g"})]),
        ("what affects bodyMass", [("associations", {"outcome": "body_mass_g"})]),
        (
            "Does body mass depend on flipper length?",
            [
                ("associations", {"outcome": "flipper_length_mm", "factors": ["body_mass_g"]}),
                ("associations", {"outcome": "flipper_length_mm"}),
            ],
        ),
        (
            "Is there a relationship between flipper length and body mass?",
            [
                ("associations", {"outcome": "body_mass_g", "factors": ["flipper_length_mm"]}),
                ("associations", {"outcome": "body_mass_g"}),
            ],
        ),
        ("How do the islands differ?", [("groups", {"by": "island"})]),
        (
            "Compare body mass by sex",
            [
                ("associations", {"outcome": "body_mass_g", "factors": ["sex"]}),
                ("associations", {"outcome": "body_mass_g"}),
            ],
        ),
        ("What matters in this data?", [("associations", {})]),
        ("Tell me something", [("associations", {})]),
    ],
)  # fmt: skip
async def test_plan_follows_the_words_of_the_question(question: str, steps: list[tuple[str, dict[str, Any]]]) -> None:
    assert await plan(question) == [("profile", {}), *steps]


async def test_plan_follows_the_roles_where_the_question_names_nothing() -> None:
    assert await plan("What matters?", target="sex") == [
        ("profile", {"target": "sex"}),
        ("associations", {"outcome": "sex"}),
    ]
    arms = {"outcome": "body_mass_g", "assignment": "sex", "randomised": True}
    assert (await plan("Did it work?", target="body_mass_g", assignment="sex"))[1:] == [("ab_test", arms)]
    asked = await plan("Did sex change body mass?", assignment="sex", target="body_mass_g", allocation="0.5,0.5")
    assert asked[1:] == [("ab_test", arms | {"allocation": "0.5,0.5"})]


async def test_several_files_are_each_profiled_and_tests_go_where_the_columns_are() -> None:
    other = table([("customer_id", "int64", 90, [1]), ("tier", "str", 3, ["pro", "basic"])], name="customers.csv")
    facts = brief(question="What separates the tiers?", files=[table(PENGUINS), other], roles={}, templates=TEMPLATES)
    said, _, arguments = await ask(("make_plan",), facts)
    assert [(s["template"], s["parameters"]["data"]) for s in arguments["steps"] if s["template"]] == [
        ("profile", "data.csv"),
        ("profile", "customers.csv"),
        ("groups", "customers.csv"),
    ]
    assert "not joined" in said


async def test_files_that_share_a_key_are_joined_and_what_is_asked_of_both_is_computed() -> None:
    sales = table([("customer_id", "int64", 90, [1]), ("amount", "float64", 800, [1.5])], name="sales.csv", rows=900)
    lookup = table([("customer_id", "int64", 90, [1]), ("tier", "str", 3, ["pro", "basic"])], name="who.csv", rows=94)
    lookup["fits"] = ["customer_id", "customer_id"]
    facts = brief(question="Total amount by tier?", files=[lookup, sales], roles={}, templates=TEMPLATES)
    _, _, arguments = await ask(("make_plan",), facts)
    run = [(s["template"], s["parameters"]) for s in arguments["steps"] if s["template"]]
    assert run[:2] == [
        ("profile", {"data": "sales.csv"}),
        ("joins", {"data": "sales.csv", "others": ["who.csv"], "outcome": "amount"}),
    ]


async def test_what_can_be_computed_is_answered_first_and_what_cannot_is_said() -> None:
    facts = brief(
        question="What is the mean body mass in 2007?", files=[table(PENGUINS)], roles={}, templates=TEMPLATES
    )
    _, _, arguments = await ask(("make_plan",), facts)
    first, *others = arguments["steps"]
    assert (first["part"], first["template"]) == ("What is the mean body mass in 2007?", None)
    assert first["query"]["measures"][0] == {"op": "mean", "of": "body_mass_g"}
    assert others[0]["template"] == "profile"
    tools, told = ("run_code", "run_template", "ask_table"), brief(question="?", plan=arguments["steps"])
    _, tool, called = await ask(tools, told)
    assert (tool, called["part"], called["query"]) == ("ask_table", first["part"], first["query"])
    _, tool, called = await ask(tools, told, *turn(1, ok=True))
    assert (tool, called["name"]) == ("run_template", "profile")

    question = "What is the mean wingspan of the birds?"
    facts = brief(question=question, files=[table(PENGUINS)], roles={}, templates=TEMPLATES)
    _, _, arguments = await ask(("make_plan",), facts)
    assert arguments["steps"][0]["query"] is None
    assert "wingspan" in arguments["steps"][0]["why"]
    _, _, report = await ask(("write_report",), brief(question=question, findings=[CLAIM], plan=arguments["steps"]))
    (answer,) = report["answers"]
    assert (answer["part"], answer["status"]) == (question, "not_answered")
    assert "wingspan" in answer["why"]
    assert CLAIM["text"] not in report["answer"], "a side finding is never the answer"
    assert report["findings"] == ["F1"], "it stands below"


async def test_an_answer_that_a_warning_turns_round_says_so_and_stands_otherwise() -> None:
    step = {"title": "Q", "part": "Q", "query": {"measures": []}, "parameters": {"columns": ["a", "b"]}}
    given = {"part": "Q", "status": "answered", "text": "r is 0.2."}
    paradox = CLAIM | {
        "id": "F2", "type": "warning", "kind": "simpsons_paradox", "columns": ["a", "b"], "roles": {"stratifier": "g"},
        "text": "It flips.", "evidence": {"cell": "cell-19"},
    }  # fmt: skip
    plan = [step]
    said = {"part": "Q", "status": "answered"}
    turned = {"text": "Yes, but only when it is read by g. It flips. r is 0.2.", "cells": ["cell-19"]}
    of_another = paradox | {"columns": ["a", "c", "b"]}
    for findings, more in ([paradox], turned), ([], {}), ([of_another], {}):
        _, _, report = await ask(("write_report",), brief(question="Q", plan=plan, findings=findings, answers=[given]))
        assert report["answers"] == [said | more]


@pytest.mark.parametrize("turned", [True, False], ids=["turns round", "is smaller"])
async def test_what_was_asked_is_told_before_a_remark_that_it_is_only_smaller(turned: bool) -> None:
    step = {"title": "Q", "part": "Q", "query": {"measures": []}, "parameters": {"columns": ["floor", "rent"]}}
    given = {"part": "Q", "status": "answered", "text": "The rents are 8 and 9."}
    beside = CLAIM | {
        "id": "F2", "type": "warning", "kind": "confounding", "columns": ["floor", "rent", "size"],
        "text": "Size stands behind it.", "params": {"alone": 0.6, "beside": 0.2, "turned": turned},
    }  # fmt: skip
    _, _, report = await ask(("write_report",), brief(question="Q", plan=[step], findings=[beside], answers=[given]))
    told = ["The rents are 8 and 9.", "Size stands behind it."]
    assert report["answer"] == " ".join(told[::-1] if turned else told)


async def test_a_number_of_one_column_is_not_turned_round_by_what_it_has_to_do_with_another() -> None:
    step = {"title": "Q", "part": "Q", "query": {"measures": []}, "parameters": {"columns": ["a"]}}
    given = {"part": "Q", "status": "answered", "text": "The mean of a is 3."}
    paradox = CLAIM | {
        "id": "F2", "type": "warning", "kind": "simpsons_paradox", "columns": ["b", "a", "g"],
        "roles": {"stratifier": "g"}, "text": "It flips.",
    }  # fmt: skip
    _, _, report = await ask(("write_report",), brief(question="Q", plan=[step], findings=[paradox], answers=[given]))
    assert report["answers"] == [{"part": "Q", "status": "answered"}]
    assert report["answer"] == "The mean of a is 3."
    assert report["findings"][0] == "F2", "it stands below"


async def test_an_experiment_is_found_by_its_arms_and_no_time_is_an_outcome() -> None:
    trial = table(
        [
            ("signup_date", "datetime64[ns]", 300, ["2023-01-01"]),
            ("variant", "str", 2, ["control", "treatment"]),
            ("bought", "str", 2, ["yes", "no"]),
            ("pages", "int64", 30, [1]),
        ]
    )
    arms = {"assignment": "variant"}
    assert ("ab_test", {"outcome": "bought", "randomised": False} | arms) in await plan("Did it work?", [trial])
    compared = await plan("Compare pages by variant", [trial])
    assert ("ab_test", {"outcome": "pages", "randomised": False} | arms) in compared
    over_time = ("timeseries", {"time": "signup_date", "columns": ["pages"]})
    assert over_time in await plan("What will pages be next year?", [trial])
    assert over_time in await plan("How do pages relate to signup date?", [trial])


async def test_change_over_time_is_followed_along_the_dates() -> None:
    dated = [table([("day", "datetime64[ns]", 300, ["2001-01-01"]), ("sales", "float64", 290, [1.5])])]
    assert await plan("How did sales change over the years?", dated) == [
        ("profile", {}),
        ("timeseries", {"time": "day", "columns": ["sales"]}),
    ]


async def test_beside_what_is_not_understood_the_whole_table_is_looked_at() -> None:
    steps = [name for name, _ in await plan("Does the sex explain the sadness?")]
    assert steps == ["profile", "groups", "associations"]
    assert [name for name, _ in await plan("How do the islands differ?")] == ["profile", "groups"]


async def test_who_is_spoken_of_is_no_amount_to_be_explained() -> None:
    bought = ("amount_eur", "float64", 5000, [1.2])
    shop = table([("customer_id", "int64", 799, [1001]), bought, ("returned", "str", 2, ["yes", "no"])], rows=6000)
    for question in ("What drives customer spending?", "Do customers with a higher amount return more?"):
        assert all(p.get("outcome") != "customer_id" for _, p in await plan(question, [shop])), question
    regions = shop | {"name": "regions.csv", "rows": 799, "fits": ["customer_id", "customer_id"]}
    regions["columns"] = [shop["columns"][0], {"name": "region", "dtype": "str", "n_unique": 4, "examples": ["north"]}]
    joined = dict(await plan("Which customer region spends the most?", [shop, regions]))["joins"]
    assert joined["outcome"] == "amount_eur", "what is spent, and no numbers of customers"


async def test_arms_that_nothing_declares_are_named_with_the_way_to_have_them_compared() -> None:
    arms = ("variant", "str", 3, ["control", "one_page", "free_ship"])
    trial = table([arms, ("bought", "int64", 2, [0]), ("pages", "int64", 30, [1])])
    facts = brief(question="Does it work?", files=[trial], roles={}, templates=TEMPLATES)
    _, _, arguments = await ask(("make_plan",), facts)
    steps = arguments["steps"]
    _, _, report = await ask(("write_report",), brief(question="Does it work?", findings=[CLAIM], plan=steps))
    assert "--role assignment=variant" in report["answer"].split("\n\n")[-1]
    assert any("--role assignment=variant" in line for line in report["not_checked"])
    assert all(template for template, _ in await plan("Does it work?", [trial], assignment="variant"))


async def test_only_templates_and_parameters_that_exist_are_used() -> None:
    few = {"profile": {"when": "", "parameters": ["data"]}}
    facts = brief(question="What drives body mass?", files=[table(PENGUINS)], roles={"target": "sex"}, templates=few)
    _, _, arguments = await ask(("make_plan",), facts)
    run = [(s["template"], s["parameters"]) for s in arguments["steps"] if s["template"]]
    assert run == [("profile", {"data": "data.csv"})]


STEPS = [
    {"title": "Profile", "template": "profile", "parameters": {"data": "data.csv"}},
    {"title": "Draw by hand", "template": None, "parameters": {}},
    {"title": "Test", "template": "associations", "parameters": {"data": "data.csv", "factors": ["a", "b"]}},
]


def turn(number: int, **result: Any) -> list[Message]:
    call = {"id": f"call-{number}", "name": "run_template", "arguments": "{}"}
    return [
        Message.model_validate({"role": "assistant", "tool_calls": [call]}),
        Message(role="tool", content=json.dumps(result), tool_call_id=f"call-{number}"),
    ]


async def test_steps_run_in_order_and_the_job_ends() -> None:
    tools, facts = ("run_code", "run_template"), brief(question="?", plan=STEPS, objections=[])
    _, tool, first = await ask(tools, facts)
    assert (tool, first["name"], first["parameters"]) == ("run_template", "profile", {"data": "data.csv"})
    _, _, second = await ask(tools, facts, *turn(1, ok=True))
    assert second["name"] == "associations"
    said, tool, _ = await ask(tools, facts, *turn(1, ok=True), *turn(2, ok=True))
    assert tool is None
    assert "Nothing is left" in said


async def test_a_failing_template_is_named_and_left() -> None:
    tools, facts = ("run_code", "run_template"), brief(question="?", plan=STEPS, objections=[])
    failed = {"ok": False, "error": {"name": "MemoryError", "value": "out of memory"}}
    _, _, next_one = await ask(tools, facts, *turn(1, **failed))
    assert next_one["name"] == "associations"
    said, tool, _ = await ask(tools, facts, *turn(1, **failed), *turn(2, ok=True))
    assert tool is None
    assert "Profile (MemoryError: out of memory)" in said


def finding(
    number: int, type: str, kind: str, columns: list[str], value: float, text: str, **more: Any
) -> dict[str, Any]:
    return {
        "id": f"F{number}", "type": type, "kind": kind, "columns": columns, "text": text, "confidence": "high",
        "roles": {}, "n": 342, "effect": {"metric": "pearson_r", "value": value, "ci": [value - 0.1, value + 0.1]},
    } | more  # fmt: skip


CLAIM = finding(
    1, "claim", "correlation", ["flipper_length_mm", "body_mass_g"], 0.87, "Flippers and mass rise together."
)
POOLED = finding(
    2, "claim", "correlation", ["bill_length_mm", "bill_depth_mm"], -0.235, "Bills get flatter (r = −0.235)."
)
FLIP = finding(
    3, "warning", "simpsons_paradox", ["bill_length_mm", "bill_depth_mm", "species"], -0.235, "Pooled, r = −0.235.",
    roles={"factor": "bill_length_mm", "outcome": "bill_depth_mm", "stratifier": "species"},
)  # fmt: skip
RANKING = finding(
    4, "descriptive", "ranking", ["flipper_length_mm", "species"], 0.78, "Flippers separate species most."
)
APART = finding(5, "claim", "group_difference", ["flipper_length_mm", "species"], 0.78, "Flippers differ by species.")
COPIES = finding(6, "warning", "duplicate_rows", [], 12, "12 rows repeat another.")
ABSENT = finding(7, "null", "correlation", ["year", "bill_depth_mm"], 0.02, "No relation of year and bill depth.")
QUESTION = "Does bill length predict bill depth, and what separates the species?"


PARTS = [
    {"title": t, "part": t, "query": None, "template": None, "parameters": {"columns": columns}}
    for t, columns in (
        ("Does bill length predict bill depth", ["bill_length_mm", "bill_depth_mm"]),
        ("what separates the species", ["species"]),
    )
] + [{"title": "Rank", "part": "what separates the species", "template": "groups", "parameters": {"by": "species"}}]


async def test_report_leads_with_what_turns_the_answer_and_drops_the_pooled_claim() -> None:
    facts = brief(
        question=QUESTION,
        findings=[CLAIM, POOLED, RANKING, APART, COPIES, ABSENT, FLIP],
        cells=[],
        roles={},
        plan=PARTS,
    )
    _, tool, report = await ask(("write_report", "follow_up"), facts)
    assert tool == "write_report"
    assert report["findings"][0] == "F3"
    assert "F2" not in report["findings"]
    assert report["findings"].index("F5") < report["findings"].index("F1")
    assert report["answer"].index(FLIP["text"]) < report["answer"].index(RANKING["text"])
    assert report["answer"].startswith("Yes, but only when it is read by species.")
    assert [a.get("status", "answered") for a in report["answers"]] == ["answered", "answered"]
    assert "Flippers and mass" not in report["answer"], "what was not asked is no part of the answer"
    assert report["not_found"] == [ABSENT["text"]]
    beside = CLAIM | {"id": "F8", "params": {"not_found": ABSENT["text"]}}
    both = ABSENT | {"text": f"No trend. {ABSENT['text']}"}
    _, _, once = await ask(("write_report",), brief(question=QUESTION, findings=[beside, both]))
    assert once["not_found"] == [both["text"]], "what a longer sentence tells is not told again"
    assert any("assigned at random" in line for line in report["not_checked"])


async def test_a_question_of_groups_that_is_not_read_is_told_how_they_differ() -> None:
    part = {"title": "Q", "part": "Which species does best?", "query": None, "why": "It is not clear what best means."}
    rank = {"title": "Rank", "part": "", "template": "groups", "parameters": {"by": "species"}}
    told = part | {"template": None, "parameters": {"columns": ["species"]}}
    facts = brief(question=part["part"], findings=[RANKING, APART], plan=[told, rank])
    _, _, report = await ask(("write_report",), facts)
    assert report["answers"][0]["text"] == APART["text"]


async def test_report_names_failed_cells_and_drops_what_the_reviewer_objected_to() -> None:
    held = [{"where": "F1", "problem": "its n is wrong", "mend": ""}]
    cells = [{"cell": "cell-04", "title": "Shapes", "ok": False}]
    _, _, report = await ask(
        ("write_report",),
        brief(question="What matters?", findings=[CLAIM, APART], cells=cells, objections=held, roles={}),
    )
    assert report["findings"] == ["F5"]
    assert any("cell-04" in line for line in report["not_checked"])
    assert any("its n is wrong" in line for line in report["not_checked"])


async def test_tests_that_found_nothing_are_told_and_nothing_is_made_of_them() -> None:
    nothing = finding(1, "null", "tested", [], 0, "Pairs tested: 28; with a relation: 0.", test={"m": 28})
    _, _, report = await ask(("write_report",), brief(question="What matters?", findings=[nothing], cells=[], roles={}))
    assert report["findings"] == []
    assert report["answer"] == nothing["text"]
    _, _, report = await ask(("write_report",), brief(question="What matters?", findings=[], cells=[], roles={}))
    assert report["answer"] == "Nothing could be tested in this table."


async def test_at_most_seven_headlines() -> None:
    many = [finding(i, "claim", "correlation", [f"a{i}", f"b{i}"], 0.2 + i / 50, f"Pair {i}.") for i in range(1, 21)]
    _, _, report = await ask(("write_report",), brief(question="What matters?", findings=many, cells=[], roles={}))
    assert report["findings"] == [f"F{i}" for i in range(20, 13, -1)]


async def test_review_fails_a_failed_check_and_a_pooled_claim() -> None:
    checks = [
        {"name": "numbers", "ok": False, "detail": "41 is in no cell."},
        {"name": "seeds", "ok": True, "detail": ""},
    ]
    report = {"answer": "", "findings": ["F2"]}
    said, tool, review = await ask(
        ("give_review",), brief(question=QUESTION, report=report, findings=[POOLED, FLIP], checks=checks)
    )
    assert (said, tool) == ("The work does not hold.", "give_review")
    assert review["verdict"] == "fail"
    assert [o["where"] for o in review["objections"]] == ["numbers", "F2"]
    _, _, review = await ask(
        ("give_review",), brief(question=QUESTION, report={"findings": ["F3"]}, findings=[FLIP], checks=checks[1:])
    )
    assert (review["verdict"], review["objections"]) == ("pass", [])
    for roles, remarked in (({}, True), ({"assignment": "arm"}, False)):
        claimed = brief(question="?", roles=roles, report={"findings": ["F1"]}, findings=[CLAIM], checks=[])
        _, _, review = await ask(("give_review",), claimed)
        assert any("do not show causes" in remark for remark in review["remarks"]) is remarked


async def test_the_same_messages_get_the_same_reply_piece_by_piece() -> None:
    facts = brief(question=QUESTION, files=[table(PENGUINS)], roles={}, templates=TEMPLATES)
    specs = [ToolSpec(name="make_plan", description="", parameters={})]
    replies = [[delta async for delta in Playbook().complete([facts], specs)] for _ in range(2)]
    assert replies[0] == replies[1]
    assert len([d for d in replies[0] if d.text]) > 1, "it streams"
    assert [c.id for d in replies[0] for c in d.tool_calls] == ["call-1"]
    assert [d.finish for d in replies[0] if d.finish] == ["tool_calls"]


def test_what_a_brief_leaves_out_of_a_table_is_read_back() -> None:
    described = table(PENGUINS, "penguins.csv")
    told = told_table(described)
    assert "n_unique" not in told["columns"][0]  # its values are told
    message = Message(role="user", content=block({"question": "", "files": [told]}))
    (back,) = read([message]).tables
    assert [c["n_unique"] for c in back["columns"]] == [c["n_unique"] for c in described["columns"]]
    assert [c.name for c in read([message]).columns if is_group(c)] == ["species", "island", "sex", "year"]


ORDERS = table([
    ("Day", "datetime64[us]", 298, ["2024-01-03 00:00:00"]),
    ("Branch", "str", 4, ["Berlin", "Ulm", "Trier", "Jena"]),
    ("Umsatz (€)", "float64", 407, [160.5]),
], rows=420)  # fmt: skip


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (
            "Which branch sells best, and did Umsatz change over time?",
            [("Which branch sells best", "rank", "sum"), ("did Umsatz change over time?", "change", "mean")],
        ),
        (
            "What drives Umsatz and how did it change over time?",
            [("What drives Umsatz", "drivers", "mean"), ("how did it change over time?", "change", "mean")],
        ),
    ],
)
def test_each_part_of_a_question_has_its_own_words_and_answer(
    question: str, expected: list[tuple[str, str, str]]
) -> None:
    found = wishes(Facts(question=question, files=[ORDERS]))
    told = [(w.text, w.query.intent, w.query.measures[0].op) for w in found if w.query is not None]
    assert told == expected
    assert len(found) == len(expected)
    assert all(w.columns[-1] == "Umsatz (€)" for w in found)


def test_a_part_that_is_not_read_is_told_once_and_of_no_key() -> None:
    trips = table(
        [("trip_id", "int64", 600, [1001]), ("start", "str", 12, ["S00"]), ("fee_eur", "float64", 200, [1.5])], rows=600
    )
    stations = table(
        [("station_id", "str", 12, ["S00"]), ("district", "str", 3, ["North", "South", "West"])], "s.csv", 12
    )
    question = "Which district's stations bring in the most fees?"
    found = wishes(Facts(question=question, files=[trips, stations]))
    assert [w.text for w in found] == [question]
    assert "station_id" not in found[0].columns


def test_a_condition_or_group_of_one_half_holds_for_the_other() -> None:
    for question in (
        "What is the total Umsatz in Berlin and how many orders are there?",
        "What is the mean Umsatz and how many orders are there per branch?",
    ):
        queries = [w.query for w in wishes(Facts(question=question, files=[ORDERS])) if w.query is not None]
        assert [len(q.measures) for q in queries if q.where or q.group_by] == [2]


async def test_what_went_wrong_with_one_of_several_units_is_looked_for_over_time() -> None:
    log = table([
        ("ts", "datetime64[us]", 2016, ["2025-06-01 00:00:00"]),
        ("device", "str", 3, ["pump-A", "pump-B", "pump-C"]),
        ("temp", "float64", 900, [17.7]),
    ], rows=5922)  # fmt: skip
    asked = await plan("Is something wrong with one of the pumps, and since when?", [log])
    assert ("timeseries", {"time": "ts"}) in asked
    (found,) = wishes(Facts(question="Is something wrong with one of the pumps, and since when?", files=[log]))
    assert found.columns == ("device",)


async def test_of_a_part_that_is_not_read_the_parts_are_tested_apart() -> None:
    visits = table([
        ("Patient #", "int64", 120, [17]), ("Clinic", "str", 3, ["North", "South", "East"]),
        ("Wait, min", "float64", 90, [16.0]), ("Showed up?", "str", 2, ["No", "Yes"]),
    ], rows=300)  # fmt: skip
    asked = await plan("Why do patients not show up? What makes waits long?", [visits])
    tested = [parameters for name, parameters in asked if name == "associations"]
    assert tested == [{"outcome": "Showed up?"}, {"outcome": "Wait, min"}]


async def test_an_asked_ranking_stands_before_the_groups_that_differ_and_these_by_their_effect() -> None:
    step = {"template": "groups", "part": "What separates the species?", "parameters": {}}
    part = step | {"template": None, "query": None, "parameters": {"columns": ["species"]}}
    mass = finding(6, "claim", "group_difference", ["body_mass_g", "species"], 0.67, "Mass differs by species.")
    bill = finding(7, "claim", "group_difference", ["bill_length_mm", "species"], 0.71, "Bills differ by species.")
    facts = brief(
        findings=[mass, FLIP, bill, APART, RANKING], plan=[part, step], question="What separates the species?"
    )
    _, _, report = await ask(("write_report",), facts)
    assert [f for f in report["findings"] if f != FLIP["id"]] == ["F4", "F5", "F7", "F6"]
