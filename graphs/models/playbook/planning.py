"""The playbook's plan: which templates, on which columns, in which order, from the question's words and the roles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from graphs.models.playbook.closed import Asked, Refused, questions, understand
from graphs.models.playbook.facts import Column, Facts, File
from graphs.models.playbook.words import Clause, clauses, tokens

MOST_STEPS = 12
CANNOT = "I cannot answer that without a model"
UNCOMPARED = "Not compared: the arms of "


@dataclass(frozen=True)
class Plan:
    """The steps, and what the playbook says about them."""

    steps: list[dict[str, Any]] = field(default_factory=list)
    said: str = ""


def make_plan(facts: Facts) -> Plan:
    """What has one closed answer, what the table is and what will bite, what each clause asks for; else a screen."""
    asked = [_without_keys(clause, facts) for clause in clauses(facts.question, facts.columns)]
    main, lookups = _joinable(facts)
    profiles = [
        _step(
            "profile",
            f"Profile and clean {file.name}",
            "What one row is, what is missing, and what would bite every later test.",
            {"data": file.name, "target": _target_in(facts, file), "unit": facts.roles.get("unit", "")},
        )
        for file in facts.files
        if file not in lookups
    ]
    refused = {
        s["title"].removeprefix("Not answered: ").lower() for s in _answers(facts, False)[0] if not s["template"]
    }
    told = [c for c in asked if len(c.columns) > 1 or c.text.lower().strip(" .?!") not in refused]
    tests = [s for clause in told for s in _steps(clause, facts)] + list(_from_roles(facts))
    tests = _each_apart([_as_experiment(step, facts) for given in tests for step in _of_no_time(given, facts)])
    if main is not None and lookups:
        join = _join(asked, main, lookups)
        tests = [join, *(_screen_of(main) if "by" in join["parameters"] else tests)]
    totals = any(s["template"] == "joins" and "by" in s["parameters"] for s in tests)
    answers, open_parts = _answers(facts, totals)
    tests = [_as_answered(s, answers) for s in tests]
    if (open_parts or not answers) and not any(s["template"] in facts.templates for s in tests):
        tests = list(_screen(facts))
    steps = list[dict[str, Any]]()
    left = [*_unfollowed(asked, facts, answers), *_uncompared(facts, tests)]
    for step in [*answers, *left, *profiles, *tests]:
        if step not in steps:
            steps.append(step)
    known = [_fit(s, facts) for s in steps if s["template"] in facts.templates or s["template"] is None][:MOST_STEPS]
    return Plan(known, _say(asked, facts, known))


def _answers(facts: Facts, totals: bool) -> tuple[list[dict[str, Any]], bool]:
    """A step for each part of the question that has one closed answer; one without a template says why it has none.

    Also whether any part is left that asks for more than that.
    """
    steps, open_parts = list[dict[str, Any]](), False
    for place, part in enumerate(questions(facts.question) if "answer" in facts.templates else ()):
        read = {f.name: _understood(part, f, facts, follows=place > 0) for f in facts.files}
        answered = {name: asked for name, asked in read.items() if isinstance(asked, Asked)}
        joined = None if answered else _of_joined(part, facts, follows=place > 0)
        together = [joined] if isinstance(joined, tuple) else []
        for name, asked, lookups in [(name, asked, list[list[str]]()) for name, asked in answered.items()] + together:
            why = "One number or name is asked for, so it is computed from the rows that are meant, before all else."
            told = vars(asked) | {"lookups": lookups, "everyone": _everyone(name, asked, facts)}
            told = {k: v for k, v in told.items() if v not in ("", [], 0)}
            steps.append(_step("answer", f"Answer: {part}", why, {"data": name, "question": part} | told))
            answered[name] = asked
        reasons = [r.why for r in read.values() if isinstance(r, Refused)]
        if reasons and not answered and not totals:
            unknown = (
                [joined.why] if isinstance(joined, Refused) else ["no single one of the files has all that it names"]
            )
            reason = (reasons if len(reasons) == 1 else unknown)[0]
            advice = "" if ";" in reason else " Ask for one number or name at a time, in the table's own words."
            steps.append(_step(None, f"Not answered: {part}", f"{CANNOT}: {reason}.{advice}", {}))
        open_parts = open_parts or not answered
    return steps, open_parts


def _unfollowed(asked: list[Clause], facts: Facts, answers: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A step for each clause on change over time, where no column is a time: it says that there is no answer."""
    if facts.roles.get("time") or any(c.is_time for c in facts.columns):
        return
    known = {s["title"].partition(": ")[2].lower() for s in answers}
    for clause in asked:
        if clause.intent == "time" and clause.text.lower().strip(" .?!") not in known:
            why = (
                "No column holds dates that I can read, so nothing can be followed over time. "
                "A whole column of them has to be written in one way."
            )
            yield _step(None, f"Not answered: {clause.text}", why, {})


def _uncompared(facts: Facts, tests: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A step that says how to have a column read as an experiment's arms, where it looks so and nothing says it."""
    declared = facts.roles.get("assignment") or any(s["template"] == "ab_test" for s in tests)
    arms = [c.name for c in facts.columns if 2 <= c.n_unique <= 8 and c.levels & _CONTROLS]
    if "ab_test" in facts.templates and not declared and len(arms) == 1:
        why = (
            f"{arms[0]} has a control, as the arms of an experiment do. If it was assigned at random, declare it "
            f"(--role assignment={arms[0]}, or “Model and columns” in the dashboard), and its arms are compared."
        )
        yield _step(None, f"{UNCOMPARED}{arms[0]}", why, {})


def _without_keys(clause: Clause, facts: Facts) -> Clause:
    """The clause without keys: customers are who is spoken of, and their numbers are neither an amount nor a group."""
    keys = {c.name for c in facts.columns if c.n_unique > 20 and tokens(c.name)[-1:] in (["id"], ["uuid"], ["key"])}
    columns, factors, outcomes = (
        tuple(c for c in named if c not in keys) for named in (clause.columns, clause.factors, clause.outcomes)
    )
    return replace(clause, columns=columns, factors=factors, outcomes=outcomes)


def _as_answered(step: dict[str, Any], answers: list[dict[str, Any]]) -> dict[str, Any]:
    """A join that follows an answer of the same columns: without its total, and comparing what the answer aggregates.

    It still says what repeated rows would make of the total, and whether the levels differ by more than chance.
    """
    told = step["parameters"]
    if step["template"] != "joins" or "compare" not in told:
        return step
    both = (told["outcome"], told["compare"])
    given = [a["parameters"] for a in answers if a["template"] == "answer"]
    given = [a for a in given if (a.get("measure"), a.get("by")) == both]
    if any(a.get("aggregate") == "mean" for a in given):
        told = told | {"per_unit": "mean"}
    parts = ("aggregate", "grain", "where", "limit")
    if any([a.get(part) for part in parts] == ["sum", None, None, None] for a in given):
        told = told | {"by": ""}
    return step | {"parameters": told}


def _of_joined(part: str, facts: Facts, *, follows: bool) -> tuple[str, Asked, list[list[str]]] | Refused | None:
    """A part of the question that the files answer only together: the longest, with what others tell of its rows.

    Why they do not even so; None where they do not fit together.
    """
    main = max(facts.files, key=lambda f: f.rows)
    others = [f for f in facts.files if f is not main and f.fits]
    if not others or any(f.sampled for f in facts.files):
        return None
    columns = {c.name: c for c in main.columns}
    owner = dict[str, File]()
    for file in others:
        for column in file.columns:
            if column.name not in columns:
                columns[column.name], owner[column.name] = column, file
    asked = understand(part, replace(main, columns=tuple(columns.values())), facts.roles, follows=follows)
    if not isinstance(asked, Asked):
        return asked
    used = [f for f in others if any(owner.get(c) is f for c in asked.columns())]
    return main.name, asked, [[f.name, *f.fits] for f in used if f.fits]


def _understood(part: str, file: File, facts: Facts, *, follows: bool) -> Asked | Refused | None:
    """A part of the question as what can be computed of all rows of a file; or why it cannot."""
    read = understand(part, file, facts.roles, follows=follows)
    if isinstance(read, Refused) and read.of_one and len(facts.files) > 1:
        return None  # the files together may be tested for it
    none_of = isinstance(read, Asked) and read.having == [["=", 0.0]] and not read.where
    if none_of and isinstance(read, Asked) and not _everyone(file.name, read, facts):
        return Refused(f"{file.name} holds no {read.by} without a row, and no other file names them all")
    if isinstance(read, Asked) and file.sampled:
        used = set(read.columns())
        lost = [c.name for c in file.columns if not c.in_all_rows and (c.name in used or read.aggregate == "missing")]
        if lost:
            return Refused(
                f"{file.name} is so large that only a sample is read, and {lost[0]} is written in several ways"
            )
    return read


def _everyone(name: str, asked: Asked, facts: Facts) -> list[str]:
    """The file and its column that name every group of a bound, also those of which the asked file has no row."""
    main = max(facts.files, key=lambda f: f.rows)
    known = [[f.name, f.fits[1]] for f in facts.files if f is not main and f.fits and f.fits[0] == asked.by]
    return known[0] if asked.having and name == main.name and known and not main.sampled else []


def _step(template: str | None, title: str, why: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "why": why, "template": template, "parameters": parameters}


def _fit(step: dict[str, Any], facts: Facts) -> dict[str, Any]:
    """The step with only those parameters that its template has, and that say something."""
    if step["template"] is None:
        return step
    known = facts.templates[step["template"]]
    return step | {
        "parameters": {k: v for k, v in step["parameters"].items() if k in known and v not in ("", [], None)}
    }


def _steps(clause: Clause, facts: Facts) -> Iterator[dict[str, Any]]:
    file = _file_of(clause.columns, facts)
    if file is None:
        return
    here = {c.name: c for c in file.columns}
    found = [c for c in clause.columns if c in here]
    groups = [c for c in found if here[c].is_group]
    numbers = [c for c in found if c not in groups]
    target = _target_in(facts, file)
    declared = facts.roles.get("assignment", "")
    arms = [declared] if declared in here else [n for n, c in here.items() if _are_arms(c.levels)]
    if len(arms) == 1 and _TESTED.search(clause.text):
        ends = [c for c in found if c not in arms] or [c.name for c in file.columns if c.is_yes_no]
        yield from (_associations(file, outcome, arms) for outcome in ends[:3])
        return
    if declared in here and target and set(found) <= {target, declared} and not _DRIVES.search(clause.text):
        return  # what an experiment is about; its roles ask for the comparison of the arms
    loose = clause.intent in ("relate", "compare", "open")
    if loose and found and _is_series(file, found):
        yield from _over_time(facts, file, found)
    elif loose and found and target and target not in found:
        yield _associations(file, target, found)  # the target is what is asked about, whatever the words for it
    elif loose and groups and len(numbers) > 1 and _RELATED.search(clause.text) and _EACH.search(clause.text):
        yield _associations(file, numbers[-1], numbers[:-1])  # that template takes each pair apart by every group
    elif clause.intent == "time":
        yield from _over_time(facts, file, found)
    elif clause.intent == "separate" and groups:
        rest = [c for c in found if c != groups[-1]]
        yield _groups(file, groups[-1], rest)
    elif clause.intent == "compare" and groups and len(found) == 1:
        ends = [
            c.name
            for c in file.columns
            if c.name not in found and c.n_unique == 2 and any(map(_YES.fullmatch, c.levels))
        ]
        yield _associations(file, ends[0], found) if len(ends) == 1 else _groups(file, groups[0], [])
    elif clause.intent == "compare" and groups:
        for outcome in [c for c in found if c != groups[-1]]:
            yield _associations(file, outcome, [groups[-1]])
    elif clause.intent in ("relate", "compare") and len(found) >= 2:
        outcomes = [c for c in clause.outcomes if c in here] or found[-1:]
        for outcome in outcomes:
            yield _associations(file, outcome, [c for c in (clause.factors or found) if c in here and c != outcome])
    elif clause.intent == "closed" and len(found) > 1:
        numbers = [c for c in found if here[c].is_number and c not in groups]
        for outcome in numbers[:1] or found[:1]:
            yield _associations(file, outcome, [c for c in found if c != outcome])
    elif found and clause.intent != "closed" and not _numbers_rows(here[found[-1]], file):
        yield _associations(file, found[-1], [])


def _associations(file: File, outcome: str, factors: list[str]) -> dict[str, Any]:
    title = f"Test {' and '.join(factors)} against {outcome}" if factors else f"Test every column against {outcome}"
    why = "Whether they go together, how strongly, and whether that changes its sign within groups."
    return _step("associations", title, why, {"data": file.name, "outcome": outcome, "factors": factors})


def _groups(file: File, by: str, columns: list[str]) -> dict[str, Any]:
    why = "Which columns tell the groups apart, and how well they do so together."
    return _step("groups", f"Rank what separates {by}", why, {"data": file.name, "by": by, "columns": columns})


def _numbers_rows(column: Column, file: File) -> bool:
    """Whether a column differs in every row as only an identifier does, so that nothing can be said of it."""
    other = column.is_time or column.dtype.lower().startswith("float")
    return not other and column.n_unique == file.rows >= 20


_DRIVES = re.compile(r"\b(driv|explain|predict|factor|influenc|depend|matter|why|else)", re.I)
_YES = re.compile(r"yes|true|success\w*|admit\w*|accept\w*|surviv\w*|cured|recovered|improved|converted|passed|won")
_RELATED = re.compile(r"\b(relat|correlat|associat|go(es)? together|line)", re.I)
_EACH = re.compile(r"\b(each|every|within|per|across|by)\b", re.I)


def _is_series(file: File, found: list[str]) -> bool:
    """Whether a table is one series or a few, a row a time, of which only columns to follow are named."""
    others = [c for c in file.columns if c.name not in found and not c.is_time]
    dated = any(c.is_time and c.n_unique == file.rows for c in file.columns)
    return dated and not others and all(c.is_number for c in file.columns if c.name in found)


def _over_time(facts: Facts, file: File, found: list[str]) -> Iterator[dict[str, Any]]:
    times = [facts.roles.get("time", ""), *(c.name for c in file.columns if c.is_time)]
    time = next((t for t in times if t in {c.name for c in file.columns}), None)
    if time is not None:
        values = [c for c in found if c != time]
        why = "Trend, season and lasting shifts, each beyond what chance would make."
        yield _step(
            "timeseries", f"Follow the table along {time}", why, {"data": file.name, "time": time, "columns": values}
        )


def _of_no_time(step: dict[str, Any], facts: Facts) -> Iterator[dict[str, Any]]:
    """The step itself; where a time would be its outcome, the numbers that it names are followed over that time."""
    file = next((f for f in facts.files if f.name == step["parameters"].get("data")), None)
    outcome = step["parameters"].get("outcome") if step["template"] == "associations" else None
    if file is None or not any(c.name == outcome and c.is_time for c in file.columns):
        yield step
    elif numbers := [c.name for c in file.columns if c.is_number and c.name in step["parameters"]["factors"]]:
        yield from _over_time(facts, file, numbers)


_TESTED = re.compile(
    r"\b(a/?b|split|experiment|test|variant|treatment|pilot|version)\b.*"
    r"\b(win|wins|won|works?|worked|success\w*|better|help\w*|significant\w*)\b|"
    r"\b(which|better|best)\b.*\b(variant|arm|version)\b.*\b(wins?|won|better|best)\b|\bwinn(er|ing)\b",
    re.I,
)
_MOST = re.compile(r"\b(most|least|total|sum|much|altogether|contribut\w*)\b", re.I)
_TOTAL = re.compile(r"\b(total|sum|add\w* up)\b", re.I)
_ARMS = frozenset(("control", "treatment", "treated", "placebo", "variant", "baseline", "redesign", "test", "exposed"))


_CONTROLS = frozenset(("control", "placebo", "untreated"))


def _are_arms(levels: frozenset[str]) -> bool:
    """Whether a column's values are the arms of an experiment: two with the usual names, or one and its control."""
    return len(levels) == 2 and (levels <= _ARMS or bool(levels & _CONTROLS))


def _as_experiment(step: dict[str, Any], facts: Facts) -> dict[str, Any]:
    """A test of an outcome by the arms of an experiment is an A/B test, which checks allocation and unit first.

    Arms are what the role `assignment` declares, or two levels that are named so; only the former are random.
    """
    told = step["parameters"]
    factors = told.get("factors") or []
    if step["template"] != "associations" or len(factors) != 1 or "ab_test" not in facts.templates:
        return step
    by, outcome = factors[0], str(told["outcome"])
    declared = by == facts.roles.get("assignment")
    file = next(f for f in facts.files if f.name == told["data"])
    column = next((c for c in file.columns if c.name == by), None)
    if not declared and not (column and _are_arms(column.levels)):
        return step
    unit = facts.roles.get("unit", "")
    parameters = {
        "data": file.name,
        "outcome": outcome,
        "assignment": by,
        "allocation": facts.roles.get("allocation", "") if declared else "",
        "unit": unit if unit in {c.name for c in file.columns} else "",
        "randomised": declared,
    }
    why = "Whether the arms are as planned and each row a unit of its own, and then by how much they differ."
    return _step("ab_test", f"Compare the arms of {by} in {outcome}", why, parameters)


def _each_apart(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The steps, where several outcomes of one experiment are not also told among each other's further columns."""

    def others(step: dict[str, Any]) -> list[str]:
        mine = step["parameters"]
        same = [s["parameters"] for s in steps if s["template"] == "ab_test"]
        alike = [s for s in same if (s["data"], s["assignment"]) == (mine["data"], mine["assignment"])]
        return sorted({s["outcome"] for s in alike} - {mine["outcome"]})

    return [
        s if s["template"] != "ab_test" else s | {"parameters": s["parameters"] | {"outcomes_apart": others(s)}}
        for s in steps
    ]


def _from_roles(facts: Facts) -> Iterator[dict[str, Any]]:
    """What declared roles ask for: the target by all columns, or by the assignment alone."""
    target = facts.roles.get("target", "")
    file = _file_of((target,), facts) if target else None
    if file is None:
        return
    assignment = facts.roles.get("assignment", "")
    yield _associations(file, target, [assignment] if assignment in {c.name for c in file.columns} else [])


def _screen(facts: Facts) -> Iterator[dict[str, Any]]:
    """The general screen of each table, for a question that names nothing."""
    for file in facts.files:
        times = {facts.roles.get("time", ""), *(c.name for c in file.columns if c.is_time)}
        if times & {c.name for c in file.columns} and "timeseries" in facts.templates:
            yield from _over_time(facts, file, [])
        if file.rows >= 100:  # before the pairs, so that what only the clusters make related is told with them
            why = "Whether a column has two humps or a heavy tail, and whether the rows fall into groups."
            yield _step("clusters", f"Look at shapes and clusters in {file.name}", why, {"data": file.name})
        yield from _screen_of(file)


def _screen_of(file: File) -> Iterator[dict[str, Any]]:
    why = "The question names no relation, so all pairs are tested and the strongest that hold are reported."
    yield _step("associations", f"Test all columns of {file.name} against each other", why, {"data": file.name})


def _joinable(facts: Facts) -> tuple[File | None, tuple[File, ...]]:
    """The longest of several files, and those that can be looked up by one of its columns."""
    if "joins" not in facts.templates or len(facts.files) < 2 or any(f.sampled for f in facts.files):
        return None, ()  # a join of samples loses most partners
    main = max(facts.files, key=lambda f: f.rows)
    return main, tuple(f for f in facts.files if f is not main and f.fits)


def _join(asked: list[Clause], main: File, lookups: tuple[File, ...]) -> dict[str, Any]:
    """The join of the files; with the total that a clause asks for, and what it compares by another file."""
    parameters: dict[str, Any] = {"data": main.name, "others": [f.name for f in lookups]}
    numbers = {c.name for c in main.columns if c.is_number}
    groups = {c.name for f in lookups for c in f.columns if c.is_group} | {c.name for c in main.columns if c.is_group}
    for clause in asked:
        amounts = [c for c in clause.columns if c in numbers and c not in groups] or [
            c for c in clause.columns if c in numbers
        ]
        levels = [c for c in clause.columns if c in groups and c not in amounts[:1]]
        if amounts and levels:
            parameters |= {"outcome": amounts[0], "compare": levels[0]}
            if clause.intent == "closed" and _TOTAL.search(clause.text):
                parameters["by"] = levels[0]
            elif not _MOST.search(clause.text):
                parameters["per_unit"] = "mean"
            break
    why = "Which keys fit, whether a join would repeat rows, and whether levels differ, each unit counted once."
    return _step("joins", f"Join {_list([f.name for f in lookups])} to {main.name}", why, parameters)


def _file_of(columns: tuple[str, ...], facts: Facts) -> File | None:
    """The file that has most of these columns, the first of several; None where none has any."""
    counts = [sum(c.name in columns for c in file.columns) for file in facts.files]
    if not counts or (columns and max(counts) == 0):
        return None
    return facts.files[counts.index(max(counts))]


def _target_in(facts: Facts, file: File) -> str:
    target = facts.roles.get("target", "")
    return target if target in {c.name for c in file.columns} else ""


def _say(asked: list[Clause], facts: Facts, steps: list[dict[str, Any]]) -> str:
    named = list(dict.fromkeys(c for clause in asked for c in clause.columns))
    said = f"The question names {_list(named)}." if named else "The question names no column of this table."
    said += "".join(f" {s['why']}" for s in steps if s["template"] is None)
    if any(clause.intent == "time" for clause in asked) and not any(s["template"] == "timeseries" for s in steps):
        dated = any(c.is_time for c in facts.columns)
        said += " I have no template for change over time." if dated else ""
    if len(facts.files) > 1 and not any(s["template"] == "joins" for s in steps):
        said += f" The {len(facts.files)} files are looked at one by one, not joined."
    run = sum(s["template"] is not None for s in steps)
    return f"{said} I run {run} {'template' if run == 1 else 'templates'}, cleaning before every test."


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
