"""The playbook's plan: the query of each part of the question first, then templates that test what it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from graphs.models.playbook import Reply
from graphs.models.playbook.facts import Facts, File
from graphs.models.playbook.wishes import Wish, wishes
from graphs.questions.reader.linking import Column
from graphs.questions.sentences import and_list

MOST_STEPS = 12
UNCOMPARED = "Not compared: the arms of "

_ARMS = frozenset(("control", "treatment", "treated", "placebo", "variant", "baseline", "redesign", "test", "exposed"))
_CONTROLS = frozenset(("control", "placebo", "untreated"))

type Step = dict[str, Any]


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


def make_plan(facts: Facts) -> Reply:
    """Answer what can be computed, then say what each table is, then test what the question is about; else screen."""
    asked, (main, lookups) = wishes(facts), _joinable(facts)
    profiles = [
        _step(
            "profile",
            f"Profile and clean {file.name}",
            "What one row is, what is missing, and what would mislead every later test.",
            {"data": file.name, "target": facts.role("target", file), "unit": facts.roles.get("unit", "")},
        )
        for file in facts.files
        if file not in lookups
    ]
    tests = [s | {"part": "" if w.unread else w.text} for w in asked for s in _steps(w, facts)] + list(
        _from_roles(facts)
    )
    if main is not None and lookups:
        join = _join(asked, main, lookups)
        tests = [join, *(tests if "outcome" in join["parameters"] else [_screen_of(main)])]
    if not any(s["template"] in facts.templates for s in tests):
        tests = [*_arms_of(facts), *_screen(facts)]
    elif asked and not facts.roles and all(wish.unread for wish in asked):
        tests += _screen(facts)  # what was not understood may be about any column
    arms = [s["parameters"] for s in tests if s["template"] == "ab_test"]
    for mine in arms:  # several outcomes of one experiment are not also told among each other's further columns
        alike = [s for s in arms if (s["data"], s["assignment"]) == (mine["data"], mine["assignment"])]
        mine["outcomes_apart"] = sorted({s["outcome"] for s in alike} - {mine["outcome"]})
    steps = list[Step]()
    for step in [*map(_answer, asked), *_uncompared(facts, bool(arms)), *profiles, *tests]:
        name, told = step["template"], step["parameters"]
        if name is None:
            steps.append(step)
        elif (known := facts.templates.get(name)) is not None:  # with the parameters that it has and that say something
            said = {k: v for k, v in told.items() if k in known and v not in ("", [], None)}
            if not any((s["template"], s["parameters"]) == (name, said) for s in steps):
                steps.append(step | {"parameters": said})
    return _say(asked, facts, steps[:MOST_STEPS]), "make_plan", {"steps": steps[:MOST_STEPS]}


def _answer(wish: Wish) -> Step:
    """The step of a part: its query, or why there is none. What the tests of the table tell of it comes on top."""
    why = "What is asked for, computed from the rows that are meant, before all else."
    whole = {"whole": True} if wish.intent == "describe" and not wish.columns else {}
    step = _step(None, wish.text, wish.why or why * (wish.query is not None), {"columns": list(wish.columns), **whole})
    return step | {"part": wish.text, "query": wish.told}


def _steps(wish: Wish, facts: Facts) -> Iterator[Step]:
    """The templates that test what a part is about."""
    file = _file_of(wish.columns, facts)
    if file is None or not wish.columns:
        return
    here = file.by_name
    found = [c for c in wish.columns if c in here]
    groups = [c for c in found if is_group(here[c])]
    times = [c for c in found if is_time(here[c]) or _is_year(here[c], file)]
    target, declared = facts.role("target", file), facts.role("assignment", file)
    arms = [declared] if declared else [n for n, c in here.items() if is_of_arms(c)]
    if wish.intent == "experiment" and len(arms) == 1:
        ends = [c for c in found if c not in arms] or [c.name for c in file.columns if c.kind == "bool"]
        for outcome in ends[:3]:
            yield from _associations(facts, file, outcome, arms)
    elif declared and target and set(found) <= {target, declared}:
        return  # what an experiment is about; its roles ask for the comparison of the arms
    elif times or wish.intent in ("change", "forecast", "why_changed"):
        yield from _over_time(facts, file, [c for c in found if c not in times])
    elif target and target not in found:  # the target is what is asked about, whatever the words for it
        yield from _associations(facts, file, target, found)
    elif found == groups and len(found) == 1:
        why = "Which columns tell the groups apart, and how well they do so together."
        yield _step("groups", f"Rank what separates {found[0]}", why, {"data": file.name, "by": found[0]})
    elif len(found) > 1 or not _numbers_rows(here[found[0]], file):
        numbers = [c for c in found if is_number(here[c]) and c not in groups and not _names_years(here[c])]
        last = numbers and (found[-1] in groups or _names_years(here[found[-1]]))
        outcome = numbers[-1] if last else found[-1]
        yield from _associations(facts, file, outcome, [c for c in found if c != outcome])


def _arms_of(facts: Facts) -> Iterator[Step]:
    """The outcomes of a table that is an experiment's, for a question that names none of them."""
    for file in facts.files:
        arms = [c.name for c in file.columns if is_of_arms(c)]
        for outcome in [c.name for c in file.columns if c.kind == "bool" and c.name not in arms and len(arms) == 1]:
            yield from _associations(facts, file, outcome, arms)


def _step(template: str | None, title: str, why: str, parameters: dict[str, Any]) -> Step:
    return {"title": title, "why": why, "part": "", "query": None, "template": template, "parameters": parameters}


def _associations(facts: Facts, file: File, outcome: str, factors: list[str]) -> Iterator[Step]:
    """The test of an outcome by some columns, or by all.

    Where the outcome is a time, the numbers are followed over it instead. By the arms of an experiment it is an A/B
    test, which checks allocation and unit first; arms are what the role `assignment` declares, or two levels that are
    named so, and only the former are random.
    """
    here, (by, *more) = file.by_name, factors or [""]
    declared = by != "" and by == facts.roles.get("assignment")
    if outcome in here and is_time(here[outcome]):
        if numbers := [c.name for c in file.columns if is_number(c) and c.name in factors]:
            yield from _over_time(facts, file, numbers)
    elif "ab_test" in facts.templates and not more and (declared or (by in here and is_of_arms(here[by]))):
        why = "Whether the arms are as planned and each row a unit of its own, and then by how much they differ."
        yield _step("ab_test", f"Compare the arms of {by} in {outcome}", why, {
            "data": file.name, "outcome": outcome, "assignment": by, "unit": facts.role("unit", file),
            "allocation": facts.roles.get("allocation", "") if declared else "", "randomised": declared,
        })  # fmt: skip
    else:
        title = f"Test {' and '.join(factors) or 'every column'} against {outcome}"
        why = "Whether they go together, how strongly, and whether that changes its sign within groups."
        yield _step("associations", title, why, {"data": file.name, "outcome": outcome, "factors": factors})


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


def _over_time(facts: Facts, file: File, found: Sequence[str]) -> Iterator[Step]:
    times = [facts.role("time", file), *(c.name for c in file.columns if is_time(c))]
    times += [c.name for c in file.columns if _is_year(c, file)]
    if time := next(filter(None, times), None):
        told = {"data": file.name, "time": time, "columns": [c for c in found if c != time]}
        why = "Trend, season and lasting shifts, each beyond what chance would make."
        yield _step("timeseries", f"Follow the table along {time}", why, told)


def _from_roles(facts: Facts) -> Iterator[Step]:
    """What declared roles ask for: the target by all columns, or by the assignment alone."""
    target = facts.roles.get("target", "")
    if target and (file := _file_of((target,), facts)):
        yield from _associations(facts, file, target, [c for c in [facts.role("assignment", file)] if c])


def _uncompared(facts: Facts, compared: bool) -> Iterator[Step]:
    """A step that says how to have a column read as an experiment's arms, where it looks so and nothing says it."""
    arms = [c.name for c in facts.columns if 2 <= c.n_unique <= 8 and levels_of(c) & _CONTROLS]
    if "ab_test" in facts.templates and not compared and not facts.roles.get("assignment") and len(arms) == 1:
        why = (
            f"{arms[0]} has a control, as the arms of an experiment do. If it was assigned at random, declare it "
            f"(--role assignment={arms[0]}, or “Model and columns” in the dashboard), and its arms are compared."
        )
        yield _step(None, f"{UNCOMPARED}{arms[0]}", why, {})


def _screen(facts: Facts) -> Iterator[Step]:
    """The general screen of each table, for a question that names nothing."""
    for file in facts.files:
        if facts.role("time", file) or any(map(is_time, file.columns)):
            yield from _over_time(facts, file, [])
        if file.rows >= 100:  # before the pairs, so that what only the clusters make related is told with them
            why = "Whether a column has two humps or a heavy tail, and whether the rows fall into groups."
            yield _step("clusters", f"Look at shapes and clusters in {file.name}", why, {"data": file.name})
        yield _screen_of(file)


def _screen_of(file: File) -> Step:
    why = "The question names no relation, so all pairs are tested and the strongest that hold are reported."
    return _step("associations", f"Test all columns of {file.name} against each other", why, {"data": file.name})


def _joinable(facts: Facts) -> tuple[File | None, tuple[File, ...]]:
    """The longest of several files, and those that can be looked up by one of its columns."""
    if "joins" not in facts.templates or len(facts.files) < 2 or any(f.sampled for f in facts.files):
        return None, ()  # a join of samples loses most partners
    main = max(facts.files, key=lambda f: f.rows)
    return main, tuple(f for f in facts.files if f is not main and f.fits)


def _join(asked: list[Wish], main: File, lookups: tuple[File, ...]) -> Step:
    """The join of the files, and what a part compares by another file's levels."""
    names = [f.name for f in lookups]
    parameters: dict[str, Any] = {"data": main.name, "others": names}
    numbers = {c.name for c in main.columns if is_number(c)}
    groups = {c.name for f in (*lookups, main) for c in f.columns if is_group(c)}
    for wish in asked:
        levels = [c for c in wish.columns if c in groups]
        amounts = [c for c in wish.columns if c in numbers and c not in levels[:1]]
        if amounts and levels:
            summed = any(m.op == "sum" for m in (wish.query.measures if wish.query else ()))
            parameters |= {"outcome": amounts[-1], "compare": levels[0], "per_unit": "" if summed else "mean"}
            break
    why = "Which keys fit, whether a join would repeat rows, and whether levels differ, each unit counted once."
    return _step("joins", f"Join {and_list(names)} to {main.name}", why, parameters)


def _file_of(columns: Sequence[str], facts: Facts) -> File | None:
    """The file that has most of these columns, the first of several; None where none has any."""
    most = max(facts.files, key=lambda file: len(set(columns) & set(file.by_name)), default=None)
    return most if most and (not columns or set(columns) & set(most.by_name)) else None


def _say(asked: list[Wish], facts: Facts, steps: list[Step]) -> str:
    named = list(dict.fromkeys(c for wish in asked for c in wish.columns))
    said = f"The question names {and_list(named)}." if named else "The question names no column of this table."
    if len(facts.files) > 1 and not any(s["template"] == "joins" for s in steps):
        said += f" The {len(facts.files)} files are looked at one by one, not joined."
    computed = sum(s["query"] is not None for s in steps)
    run = sum(s["template"] is not None for s in steps)
    said += f" I answer {computed} of its parts first." if computed else ""
    return f"{said} I run {run} {'template' if run == 1 else 'templates'}, cleaning before every test."
