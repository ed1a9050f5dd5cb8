"""The playbook's plan: the query of each part of the question first, then templates that test what it is about."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from graphs.models.playbook import Reply
from graphs.models.playbook.facts import Facts, File
from graphs.models.playbook.wishes import SINCE, Wish, names_years, times, wishes
from graphs.questions.query import compact
from graphs.questions.reader.linking import Column
from graphs.questions.sheets import elsewhere
from graphs.questions.values import and_list

MOST_STEPS = 12
MOST_ROWS_BESIDE = 100_000
"""In longer tables an outcome is tested by what was asked about only, which is to be told soon."""

UNCOMPARED = "Not compared: the arms of "

_ARMS = frozenset(("control", "treatment", "treated", "placebo", "variant", "baseline", "redesign", "test", "exposed"))
_CONTROLS = frozenset(("control", "placebo", "untreated"))
_WHY = {
    "": "What is asked for, computed from the rows that are meant, before all else.",
    "profile": "What one row is, what is missing, and what would mislead every later test.",
    "associations": "Whether they go together, how strongly, and whether that changes its sign within groups.",
    "beside": "What else goes with it may matter more than what was asked about, or stand behind it.",
    "groups": "Which columns tell the groups apart, and how well they do so together.",
    "timeseries": "Trend, season and lasting shifts, each beyond what chance would make.",
    "clusters": "Whether a column has two humps or a heavy tail, and whether the rows fall into groups.",
    "ab_test": "Whether the arms are as planned and each row a unit of its own, and then by how much they differ.",
    "joins": "Which keys fit, whether a join would repeat rows, and whether levels differ, each unit counted once.",
}
"""Why each template is run."""

type Step = dict[str, Any]


def is_group(column: Column) -> bool:
    """Whether it divides the rows into 2 to 20 groups."""
    return 2 <= column.n_unique <= (8 if column.kind == "number" else 20) and column.kind != "time"


def is_of_arms(column: Column) -> bool:
    """Whether its values are the arms of an experiment: two with the usual names, or one and its control."""
    levels = {v.lower() for v in column.values}
    return column.n_unique == len(levels) == 2 and (levels <= _ARMS or bool(levels & _CONTROLS))


def times_of(file: File) -> list[str]:
    """The columns of times of a file, or those of plain years."""
    return [c.name for c in times(list(file.columns.values()))]


def make_plan(facts: Facts) -> Reply:
    """Answer what can be computed, then say what each table is, then test what the question is about; else screen."""
    asked, (main, lookups) = wishes(facts), _joinable(facts)
    unit = facts.roles.get("unit", "")
    profiles = [_step("profile", f"Profile and clean {f.name}", data=f.name, target=facts.role("target", f), unit=unit)
                for f in facts.files if f not in lookups]  # fmt: skip
    tests = [s | {"part": "" if w.unread else w.text} for w in asked for s in _steps(w, facts)]
    if file := _file_of((target := facts.roles.get("target", ""),), facts):  # by all columns, or the assignment alone
        tests += _associations(facts, file, target, [c for c in [facts.role("assignment", file)] if c])
    if main is not None and lookups:
        join = _join(asked, main, lookups)
        tests = [join, *(tests if "outcome" in join["parameters"] else []), _screen_of(main)]
    if not any(s["template"] in facts.templates for s in tests):
        tests = [*_arms_of(facts), *_screen(facts)]
    elif asked and not facts.roles and all(wish.unread for wish in asked):
        tests += _screen(facts)  # what was not understood may be about any column
    arms = [s["parameters"] for s in tests if s["template"] == "ab_test"]
    for mine in arms:  # several outcomes of one experiment are not also told among each other's further columns
        alike = {s["outcome"] for s in arms if (s["data"], s["assignment"]) == (mine["data"], mine["assignment"])}
        mine["outcomes_apart"] = sorted(alike - {mine["outcome"]})
    steps = [*(_answer(wish, facts) for wish in asked), *_uncompared(facts, bool(arms))]
    for step in [*profiles, *tests]:
        name, known = step["template"], facts.templates.get(step["template"], {}).get("parameters", ())
        said = {k: v for k, v in step["parameters"].items() if k in known and v not in ("", [])}
        if name in facts.templates and (name, said) not in ((s["template"], s["parameters"]) for s in steps):
            steps.append(step | {"parameters": said})
    return _say(asked, facts, steps[:MOST_STEPS]), "make_plan", {"steps": steps[:MOST_STEPS]}


def _step(template: str | None, title: str, why: str = "", **parameters: Any) -> Step:
    why = why or _WHY[template or ""]
    return {"title": title, "why": why, "part": "", "query": None, "template": template, "parameters": parameters}


def _answer(wish: Wish, facts: Facts) -> Step:
    """The step of a part: its query, or why there is none. What the tests of the table tell of it comes on top."""
    why = f"{wish.why} {elsewhere(wish.text, facts.tables)}".strip()
    more: dict[str, Any] = {"whole": True} if wish.intent == "describe" and not wish.columns else {}
    query = compact(wish.query) if wish.query is not None and not wish.why else None
    more |= {"unknown": list(wish.unknown)} if wish.unknown and query is None else {}
    step = _step(None, wish.text, columns=list(wish.columns), **more)
    return step | {"part": wish.text, "query": query, "why": why if query is None else step["why"]}


def _steps(wish: Wish, facts: Facts) -> Iterator[Step]:
    """The templates that test what a part is about."""
    file = _file_of(wish.columns, facts)
    if file is None or not wish.columns:
        return
    here = file.columns
    found = [c for c in wish.columns if c in here]
    groups = [c for c in found if is_group(here[c])]
    counts = [c for c in found if here[c].kind == "number" and here[c].n_unique > 4]  # more than codes of groups have
    target, declared = facts.role("target", file), facts.role("assignment", file)
    if declared and target and set(found) <= {target, declared}:
        return  # what an experiment is about; its roles ask for the comparison of the arms
    if set(found) & set(times_of(file)) or wish.intent in ("change", "forecast", "why_changed") or wish.why == SINCE:
        yield from _over_time(facts, file, found)
    elif target and target not in found:  # the target is what is asked about, whatever the words for it
        yield from _associations(facts, file, target, found)
    elif found == groups and len(found) == 1 and not counts and not re.match(r"\W*why\b", wish.text, re.I):
        yield _step("groups", f"Rank what separates {found[0]}", data=file.name, by=found[0])
    elif len(found) > 1 or not (here[found[0]].key and here[found[0]].kind == "text"):
        numbers = [c for c in found if here[c].kind == "number" and c not in groups and not names_years(here[c])]
        last = numbers and (found[-1] in groups or names_years(here[found[-1]]))
        outcome = numbers[-1] if last else found[-1]
        factors = [c for c in found if c != outcome]
        yield from _associations(facts, file, outcome, factors)
        if factors and file.rows <= MOST_ROWS_BESIDE:
            title = f"Test what else goes with {outcome}"  # rows may differ in more than what was asked about
            beside = {"data": file.name, "outcome": outcome, "told_before": factors}
            yield _step("associations", title, _WHY["beside"], **beside)


def _arms_of(facts: Facts) -> Iterator[Step]:
    """The outcomes of a table that is an experiment's, for a question that names none of them."""
    for file in facts.files:
        arms = [n for n, c in file.columns.items() if is_of_arms(c)]
        for outcome in [n for n, c in file.columns.items() if c.kind == "bool" and n not in arms and len(arms) == 1]:
            yield from _associations(facts, file, outcome, arms)


def _associations(facts: Facts, file: File, outcome: str, factors: list[str]) -> Iterator[Step]:
    """The test of an outcome by some columns, or by all.

    Where the outcome is a time, the numbers are followed over it instead. By the arms of an experiment it is an A/B
    test, which checks allocation and unit first; arms are what the role `assignment` declares, or two levels that are
    named so, and only the former are random.
    """
    here, (by, *more) = file.columns, factors or [""]
    declared = by != "" and by == facts.roles.get("assignment")
    if outcome in here and here[outcome].kind == "time":
        if numbers := [n for n, c in here.items() if c.kind == "number" and n in factors]:
            yield from _over_time(facts, file, numbers)
    elif (
        "ab_test" in facts.templates
        and not more
        and (declared or (by in here and is_of_arms(here[by])))
        and not (outcome in here and here[outcome].kind == "text" and here[outcome].n_unique > 2)
    ):
        allocation = facts.roles.get("allocation", "") if declared else ""
        yield _step(
            "ab_test", f"Compare the arms of {by} in {outcome}", data=file.name, outcome=outcome, assignment=by,
            unit=facts.role("unit", file), allocation=allocation, randomised=declared,
        )  # fmt: skip
    else:
        title = f"Test {' and '.join(factors) or 'every column'} against {outcome}"
        yield _step("associations", title, data=file.name, outcome=outcome, factors=factors)


def _over_time(facts: Facts, file: File, found: Collection[str] = ()) -> Iterator[Step]:
    """The columns that are found, or all, followed along the file's time, if it has one."""
    times = times_of(file)
    if time := facts.role("time", file) or next(iter(times), ""):
        columns = [c for c in found if c not in (*times, time) and file.columns[c].kind == "number"]
        yield _step("timeseries", f"Follow the table along {time}", data=file.name, time=time, columns=columns)


def _uncompared(facts: Facts, compared: bool) -> Iterator[Step]:
    """A step that says how to have a column read as an experiment's arms, where it looks so and nothing says it."""
    arms = [c.name for c in facts.columns if 2 <= c.n_unique <= 8 and _CONTROLS & {v.lower() for v in c.values}]
    if "ab_test" in facts.templates and not compared and not facts.roles.get("assignment") and len(arms) == 1:
        yield _step(None, f"{UNCOMPARED}{arms[0]}", (
            f"{arms[0]} has a control, as the arms of an experiment do. If it was assigned at random, declare it "
            f"(--role assignment={arms[0]}, or “Model and columns” in the dashboard), and its arms are compared."
        ))  # fmt: skip


def _screen(facts: Facts) -> Iterator[Step]:
    """The general screen of each table, for a question that names nothing."""
    for file in facts.files:
        yield from _over_time(facts, file)
        if file.rows >= 100:  # before the pairs, so that what only the clusters make related is told with them
            yield _step("clusters", f"Look at shapes and clusters in {file.name}", data=file.name)
        yield _screen_of(file)


def _screen_of(file: File) -> Step:
    why = "The question names no relation, so all pairs are tested and the strongest that hold are reported."
    return _step("associations", f"Test all columns of {file.name} against each other", why, data=file.name)


def _joinable(facts: Facts) -> tuple[File | None, tuple[File, ...]]:
    """The longest of several files, and those that can be looked up by one of its columns."""
    if "joins" not in facts.templates or len(facts.files) < 2 or any(f.sampled for f in facts.files):
        return None, ()  # a join of samples loses most partners
    main = max(facts.files, key=lambda f: f.rows)
    return main, tuple(f for f in facts.files if f is not main and f.fits)


def _join(asked: list[Wish], main: File, lookups: tuple[File, ...]) -> Step:
    """The join of the files, and what a part compares by another file's levels."""
    names, told = [f.name for f in lookups], dict[str, Any]()
    groups = {n for f in (*lookups, main) for n, c in f.columns.items() if is_group(c)}
    for wish in asked:
        levels = [c for c in wish.columns if c in groups]
        amounts = [
            c for c in wish.columns if c in main.columns and main.columns[c].kind == "number" and c not in levels[:1]
        ]
        if amounts and levels:
            summed = any(m.op == "sum" for m in (wish.query.measures if wish.query else ()))
            told = {"outcome": amounts[-1], "compare": levels[0], "per_unit": "" if summed else "mean"}
            break
    return _step("joins", f"Join {and_list(names)} to {main.name}", data=main.name, others=names, **told)


def _file_of(columns: Collection[str], facts: Facts) -> File | None:
    """The file that has most of these columns, the first of several; None where none has any."""
    most = max(facts.files, key=lambda file: len(set(columns) & set(file.columns)), default=None)
    return most if most and set(columns) & set(most.columns) else None


def _say(asked: list[Wish], facts: Facts, steps: list[Step]) -> str:
    named = list(dict.fromkeys(c for wish in asked for c in wish.columns))
    said = f"The question names {and_list(named)}." if named else "The question names no column of this table."
    if len(facts.files) > 1 and not any(s["template"] == "joins" for s in steps):
        said += f" The {len(facts.files)} files are looked at one by one, not joined."
    computed, run = (sum(s[key] is not None for s in steps) for key in ("query", "template"))
    said += f" I answer {computed} of its parts first." if computed else ""
    return f"{said} I run {run} {'template' if run == 1 else 'templates'}, cleaning before every test."
