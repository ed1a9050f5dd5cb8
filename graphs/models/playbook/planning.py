"""The playbook's plan: the query of each part of the question first, then templates that test what it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graphs.models.playbook.facts import Facts, File
from graphs.models.playbook.wishes import Wish, wishes
from graphs.questions.reader.linking import Column
from graphs.questions.sentences import and_list

MOST_STEPS = 12
UNCOMPARED = "Not compared: the arms of "

_ARMS = frozenset(("control", "treatment", "treated", "placebo", "variant", "baseline", "redesign", "test", "exposed"))
_CONTROLS = frozenset(("control", "placebo", "untreated"))


@dataclass(frozen=True)
class Plan:
    """The steps, and what the playbook says about them."""

    steps: list[dict[str, Any]] = field(default_factory=list)
    said: str = ""


def is_number(column: Column) -> bool:
    """Whether it holds numbers, be they codes."""
    return column.dtype.lower().startswith(("int", "uint", "float"))


def is_time(column: Column) -> bool:
    """Whether it holds times as such, and no texts of them."""
    return "date" in column.dtype.lower()


def is_group(column: Column) -> bool:
    """Whether it divides the rows into 2 to 20 groups."""
    return 2 <= column.n_unique <= (8 if is_number(column) else 20) and not is_time(column)


def is_of_arms(column: Column) -> bool:
    """Whether its values are the arms of an experiment: two with the usual names, or one and its control."""
    levels = levels_of(column)
    return column.n_unique == len(levels) == 2 and (levels <= _ARMS or bool(levels & _CONTROLS))


def levels_of(column: Column) -> frozenset[str]:
    """The values of a column that are known, in lower case."""
    return frozenset(v.lower() for v in column.values)


def make_plan(facts: Facts) -> Plan:
    """Answer what can be computed, then say what each table is, then test what the question is about; else screen."""
    asked = wishes(facts)
    answers = [_answer(wish) for wish in asked]
    main, lookups = _joinable(facts)
    profiles = [
        _step(
            "profile",
            f"Profile and clean {file.name}",
            "What one row is, what is missing, and what would mislead every later test.",
            {"data": file.name, "target": _target_in(facts, file), "unit": facts.roles.get("unit", "")},
        )
        for file in facts.files
        if file not in lookups
    ]
    tests = [s | {"part": wish.text} for wish in asked for s in _steps(wish, facts)]
    tests += list(_from_roles(facts))
    tests = _each_apart([_as_experiment(step, facts) for given in tests for step in _of_no_time(given, facts)])
    if main is not None and lookups:
        join = _join(asked, main, lookups)
        tests = [join, *(_screen_of(main) if "outcome" not in join["parameters"] else tests)]
    if not any(s["template"] in facts.templates for s in tests):
        tests = [_as_experiment(s, facts) for s in [*_arms_of(facts), *_screen(facts)]]
    steps = list[dict[str, Any]]()
    for step in [*answers, *_uncompared(facts, tests), *profiles, *tests]:
        if not any(s["template"] and _alike(s, step) for s in steps):
            steps.append(step)
    known = [_fit(s, facts) for s in steps if s["template"] in facts.templates or s["template"] is None][:MOST_STEPS]
    return Plan(known, _say(asked, facts, known))


def _answer(wish: Wish) -> dict[str, Any]:
    """The step of a part: its query, or why there is none. What the tests of the table tell of it comes on top."""
    why = "What is asked for, computed from the rows that are meant, before all else."
    said = wish.why or (why if wish.query else "")
    whole = wish.intent == "describe" and not wish.columns
    step = _step(None, wish.text, said, {"columns": list(wish.columns)} | ({"whole": True} if whole else {}))
    return step | {"part": wish.text, "query": wish.told}


def _steps(wish: Wish, facts: Facts) -> Iterator[dict[str, Any]]:
    """The templates that test what a part is about."""
    file = _file_of(wish.columns, facts)
    if file is None or not wish.columns:
        return
    here = {c.name: c for c in file.columns}
    found = [c for c in wish.columns if c in here]
    groups = [c for c in found if is_group(here[c])]
    numbers = [c for c in found if is_number(here[c]) and c not in groups and not _names_years(here[c])]
    times = [c for c in found if is_time(here[c]) or _is_year(here[c], file)]
    target = _target_in(facts, file)
    declared = facts.roles.get("assignment", "")
    arms = [declared] if declared in here else [n for n, c in here.items() if is_of_arms(c)]
    if wish.intent == "experiment" and len(arms) == 1:
        ends = [c for c in found if c not in arms] or [c.name for c in file.columns if c.kind == "bool"]
        yield from (_associations(file, outcome, arms) for outcome in ends[:3])
    elif declared in here and target and set(found) <= {target, declared}:
        return  # what an experiment is about; its roles ask for the comparison of the arms
    elif times or wish.intent in ("change", "forecast", "why_changed"):
        yield from _over_time(facts, file, [c for c in found if c not in times])
    elif target and target not in found:
        yield _associations(file, target, found)  # the target is what is asked about, whatever the words for it
    elif found == groups and len(found) == 1:
        yield _groups(file, found[0], [])
    elif len(found) == 1:
        if not _numbers_rows(here[found[0]], file):
            yield _associations(file, found[0], [])
    else:
        outcome = numbers[-1] if numbers and (found[-1] in groups or _names_years(here[found[-1]])) else found[-1]
        yield _associations(file, outcome, [c for c in found if c != outcome])


def _arms_of(facts: Facts) -> Iterator[dict[str, Any]]:
    """The outcomes of a table that is an experiment's, for a question that names none of them."""
    for file in facts.files:
        arms = [c.name for c in file.columns if is_of_arms(c)]
        if len(arms) == 1:
            yield from (
                _associations(file, c.name, arms) for c in file.columns if c.kind == "bool" and c.name not in arms
            )


def _step(template: str | None, title: str, why: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "why": why, "part": "", "query": None, "template": template, "parameters": parameters}


def _alike(step: dict[str, Any], other: dict[str, Any]) -> bool:
    return (step["template"], step["parameters"]) == (other["template"], other["parameters"])


def _fit(step: dict[str, Any], facts: Facts) -> dict[str, Any]:
    """The step with only those parameters that its template has, and that say something."""
    if step["template"] is None:
        return step
    known = facts.templates[step["template"]]
    return step | {
        "parameters": {k: v for k, v in step["parameters"].items() if k in known and v not in ("", [], None)}
    }


def _associations(file: File, outcome: str, factors: list[str]) -> dict[str, Any]:
    title = f"Test {' and '.join(factors)} against {outcome}" if factors else f"Test every column against {outcome}"
    why = "Whether they go together, how strongly, and whether that changes its sign within groups."
    return _step("associations", title, why, {"data": file.name, "outcome": outcome, "factors": factors})


def _groups(file: File, by: str, columns: list[str]) -> dict[str, Any]:
    why = "Which columns tell the groups apart, and how well they do so together."
    return _step("groups", f"Rank what separates {by}", why, {"data": file.name, "by": by, "columns": columns})


def _numbers_rows(column: Column, file: File) -> bool:
    """Whether a column differs in every row as only an identifier does, so that nothing can be said of it."""
    other = is_time(column) or column.dtype.lower().startswith("float")
    return not other and column.n_unique == file.rows >= 20


def _names_years(column: Column) -> bool:
    """Whether a column holds plain years by its name: what others change over, and no outcome."""
    return bool(re.search(r"(?:^|[\W_])year$|^years$", column.name, re.I)) and is_number(column)


def _is_year(column: Column, file: File) -> bool:
    """Whether a column holds plain years, of which each row has its own."""
    return _names_years(column) and column.n_unique == file.rows


def _over_time(facts: Facts, file: File, found: list[str]) -> Iterator[dict[str, Any]]:
    times = [facts.roles.get("time", ""), *(c.name for c in file.columns if is_time(c))]
    times += [c.name for c in file.columns if _is_year(c, file)]
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
    if file is None or not any(c.name == outcome and is_time(c) for c in file.columns):
        yield step
    elif numbers := [c.name for c in file.columns if is_number(c) and c.name in step["parameters"]["factors"]]:
        yield from _over_time(facts, file, numbers)


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
    if not declared and not (column and is_of_arms(column)):
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


def _uncompared(facts: Facts, tests: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A step that says how to have a column read as an experiment's arms, where it looks so and nothing says it."""
    declared = facts.roles.get("assignment") or any(s["template"] == "ab_test" for s in tests)
    arms = [c.name for c in facts.columns if 2 <= c.n_unique <= 8 and levels_of(c) & _CONTROLS]
    if "ab_test" in facts.templates and not declared and len(arms) == 1:
        why = (
            f"{arms[0]} has a control, as the arms of an experiment do. If it was assigned at random, declare it "
            f"(--role assignment={arms[0]}, or “Model and columns” in the dashboard), and its arms are compared."
        )
        yield _step(None, f"{UNCOMPARED}{arms[0]}", why, {})


def _screen(facts: Facts) -> Iterator[dict[str, Any]]:
    """The general screen of each table, for a question that names nothing."""
    for file in facts.files:
        times = {facts.roles.get("time", ""), *(c.name for c in file.columns if is_time(c))}
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


def _join(asked: list[Wish], main: File, lookups: tuple[File, ...]) -> dict[str, Any]:
    """The join of the files, and what a part compares by another file's levels."""
    parameters: dict[str, Any] = {"data": main.name, "others": [f.name for f in lookups]}
    numbers = {c.name for c in main.columns if is_number(c)}
    groups = {c.name for f in lookups for c in f.columns if is_group(c)} | {c.name for c in main.columns if is_group(c)}
    for wish in asked:
        levels = [c for c in wish.columns if c in groups]
        amounts = [c for c in wish.columns if c in numbers and c not in levels[:1]]
        if amounts and levels:
            parameters |= {"outcome": amounts[-1], "compare": levels[0]}
            if not any(m.op == "sum" for m in (wish.query.measures if wish.query else ())):
                parameters["per_unit"] = "mean"
            break
    why = "Which keys fit, whether a join would repeat rows, and whether levels differ, each unit counted once."
    return _step("joins", f"Join {and_list([f.name for f in lookups])} to {main.name}", why, parameters)


def _file_of(columns: tuple[str, ...], facts: Facts) -> File | None:
    """The file that has most of these columns, the first of several; None where none has any."""
    counts = [sum(c.name in columns for c in file.columns) for file in facts.files]
    if not counts or (columns and max(counts) == 0):
        return None
    return facts.files[counts.index(max(counts))]


def _target_in(facts: Facts, file: File) -> str:
    target = facts.roles.get("target", "")
    return target if target in {c.name for c in file.columns} else ""


def _say(asked: list[Wish], facts: Facts, steps: list[dict[str, Any]]) -> str:
    named = list(dict.fromkeys(c for wish in asked for c in wish.columns))
    said = f"The question names {and_list(named)}." if named else "The question names no column of this table."
    if len(facts.files) > 1 and not any(s["template"] == "joins" for s in steps):
        said += f" The {len(facts.files)} files are looked at one by one, not joined."
    computed = sum(s["query"] is not None for s in steps)
    run = sum(s["template"] is not None for s in steps)
    said += f" I answer {computed} of its parts first." if computed else ""
    return f"{said} I run {run} {'template' if run == 1 else 'templates'}, cleaning before every test."
