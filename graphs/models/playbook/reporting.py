"""The playbook's report: the answer to each part of the question, and findings by relevance × effect × reliability."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphs.models.playbook.facts import Facts
from graphs.models.playbook.planning import UNCOMPARED
from notebooks.telling.words import METRICS

HEADLINES = 7
Finding = Mapping[str, Any]

TURNS = (
    "simpsons_paradox",
    "confounding",
    "leverage_point",
    "spurious_trend_correlation",
    "sample_ratio_mismatch",
    "pseudo_replication",
    "target_leakage",
    "join_fanout",
    "incomplete_period",
)
"""Warnings that turn an answer round, the gravest first: they stand before the claims that they touch."""

_RELATIONS = TURNS[:4]
"""Of these the first two columns are the pair that they are about: they turn round only what was asked of both."""

ROWS = ("join_fanout", "sample_ratio_mismatch", "pseudo_replication", "split_contamination", "duplicate_rows")
"""Warnings about which rows there are."""

_ROOT = {"eta2": 0.5, "r2": 0.5}  # these are squares; a correlation is not
_RELIABLE = {"high": 1.0, "medium": 0.8, "low": 0.5}


@dataclass(frozen=True)
class Asked:
    """A part of the question: the columns that it is about, whether it was to be computed, and why not, else.

    `groups`: what is wanted is what tells the levels of its column apart. `whole`: it is about all of the table.
    """

    text: str
    columns: tuple[str, ...]
    computed: bool
    why: str
    groups: bool
    whole: bool


@dataclass(frozen=True)
class Written:
    """The report's parts, as the tool `write_report` takes them."""

    answer: str
    answers: list[dict[str, Any]]
    findings: list[str]
    not_found: list[str]
    not_checked: list[str]


def write_report(facts: Facts) -> Written:
    """Order what was found and say it. Every number in the answer stands in a cell's answer or a finding's sentence."""
    held = {str(o.get("where", "")) for o in facts.objections}
    usable = [f for f in _latest(facts.findings) if f["id"] not in held]
    asked = _asked(facts)
    spoken = [f for f in usable if _speaks(f)]
    stories = [set(f["columns"]) for f in spoken if f["kind"] in ("simpsons_paradox", "clusters")]
    spoken.sort(key=lambda f: _rank(f, asked, stories))
    headlines = _collapse(spoken)
    given = {str(a["part"]): a for a in facts.answers}
    answers = [_answer(part, given.get(part.text), headlines, usable) for part in asked]
    texts = [_told(given.get(answer["part"]), answer) for answer in answers]
    return Written(
        answer="\n\n".join([*texts, *_uncompared(facts)]) or _screened(headlines, usable),
        answers=answers,
        findings=[str(f["id"]) for f in headlines[:HEADLINES]],
        not_found=_not_found(usable),
        not_checked=_not_checked(facts, usable),
    )


def _asked(facts: Facts) -> list[Asked]:
    """The parts of the question, as the plan has them."""
    grouped = {str(s.get("part")) for s in facts.plan if s.get("template") == "groups"}
    return [
        Asked(
            str(step["part"]),
            tuple((step.get("parameters") or {}).get("columns", ())),
            step.get("query") is not None,
            "" if step.get("query") is not None else str(step.get("why", "")),
            str(step["part"]) in grouped,
            bool((step.get("parameters") or {}).get("whole")),
        )
        for step in facts.plan
        if step.get("part") and not step.get("template")
    ]


def _answer(
    part: Asked, given: Finding | None, headlines: Sequence[Finding], everything: Sequence[Finding]
) -> dict[str, Any]:
    """The answer to a part: what its query gave, with what turns that round; else findings of just what it is about.

    No other finding is an answer: what has none of its own is not answered, whatever else the table shows.
    """
    if given is not None and given.get("status") != "not_answered":
        turns = _reply(part, [f for f in headlines if _turns(f, part)], ())
        turned = next(iter(turns), None)
        said = {"part": part.text, "status": given["status"]}
        if turned is None:
            return said
        text, finding = turned  # first: without it the number misleads
        return said | {
            "text": f"{text} {given['text']}",
            "cells": [str((finding.get("evidence") or {}).get("cell", ""))],
        }
    about = _reply(part, headlines, everything)
    if about and not part.why.startswith("No column"):
        values = [v for _, f in about if (v := _value(f))]
        return {
            "part": part.text,
            "text": " ".join(dict.fromkeys(text for text, _ in about)),
            "values": values,
            "cells": list(dict.fromkeys(str((f.get("evidence") or {}).get("cell", "")) for _, f in about)),
        }
    if part.whole:
        return {"part": part.text, "text": _screened(headlines, everything)}
    why = str((given or {}).get("why") or part.why) or "Nothing that was tested is about it."
    return {"part": part.text, "status": "not_answered", "why": why}


def _turns(finding: Finding, part: Asked) -> bool:
    """Whether a finding turns round what was computed for a part."""
    of_both = finding["kind"] not in _RELATIONS or set(finding["columns"][:2]) <= set(part.columns)
    return finding["kind"] in TURNS and of_both


def _value(finding: Finding) -> dict[str, Any] | None:
    """The size of a finding, in the unit in which a person reads it."""
    effect = finding.get("effect") or {}
    value, metric = effect.get("value"), str(effect.get("metric"))
    if not isinstance(value, int | float) or metric == "count":
        return None
    points = finding.get("unit") == "pp"
    return {
        "name": f"{METRICS.get(metric, metric.replace('_', ' '))} of {', '.join(finding['columns'])}",
        "value": 100 * value if points else value,
        "unit": str(finding.get("unit") or ""),
    }


def _told(given: Finding | None, answer: Mapping[str, Any]) -> str:
    """An answer as text, for whoever reads the report as one."""
    if answer.get("status") == "not_answered":
        return f"Not answered: “{answer['part']}” {answer['why']}"
    return str(answer.get("text") or (given or {}).get("text", ""))


def _screened(headlines: Sequence[Finding], everything: Sequence[Finding]) -> str:
    """What a table shows of itself, where nothing in particular was asked."""
    strongest = [f for f in headlines if f["type"] == "claim"][:2]
    warnings = [f for f in headlines if f["type"] == "warning"]
    said = [str(f["text"]) for f in [*(w for w in warnings if w["kind"] in TURNS), *strongest] or warnings[:2]]
    if not strongest:
        tested = (
            str(f["text"]) for f in everything if f["kind"] == "tested" or (f["type"], f["kind"]) == ("null", "trend")
        )
        said += [next(tested, "Nothing could be tested in this table.")]
    return " ".join(dict.fromkeys(said))


def _latest(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding once: of those that say the same of the same columns, the last."""
    return list({(f["type"], f["kind"], tuple(f["columns"]), f["text"]): f for f in findings}.values())


def _speaks(finding: Finding) -> bool:
    """Whether a finding may be a headline."""
    return finding["type"] in ("claim", "warning") or finding["kind"] in ("answer", "total", "ranking", "separability")


def strength(finding: Finding) -> float:
    """A size from 0 to 1 that can be compared between metrics, on the scale of a correlation."""
    effect = finding.get("effect") or {}
    value, metric = effect.get("value"), effect.get("metric")
    if not isinstance(value, (int, float)):
        return 0.3
    if metric in ("cohens_d", "sd_ratio", "odds_ratio_per_sd"):
        return float(abs(value) / (value * value + 4) ** 0.5)
    if metric in ("count", "k", "period", "lag", "mean_diff", "slope_per_step", "mean_shift", "lift_rel"):
        return 0.3
    return float(min(1.0, abs(value)) ** _ROOT.get(str(metric), 1.0))


def _count(finding: Finding) -> float:
    return float((finding.get("effect") or {}).get("value") or 0)


def relevance(finding: Finding, asked: Sequence[Asked]) -> float:
    """How much a finding is about what some part asks, from 0.2 to 1; all are equal where none names a column."""
    wanted = [(set(part.columns), part.groups) for part in asked if part.columns]
    columns = set(finding["columns"])
    if not wanted:
        return 1.0
    if not columns:  # of the whole table
        return 0.5
    return 0.2 + 0.8 * max(len(columns & named) / (1 if apart else min(2, len(named))) for named, apart in wanted)


def _rank(
    finding: Finding, asked: Sequence[Asked], stories: Sequence[set[str]] = ()
) -> tuple[float, float, float, str]:
    """Its place: what turns the answer round, what bites, what was found, and last what another finding implies."""
    about = min(1.0, relevance(finding, asked))
    if finding["kind"] == "answer":  # it was asked for, and in this order
        return -1.0, float(str(finding["id"])[1:]), 0.0, str(finding["id"])
    if finding["kind"] in ROWS:  # they touch every number that rows are counted for
        about = 1.0
    single = finding["kind"] == "outliers"
    kind, turns = str(finding["kind"]), finding["kind"] in TURNS
    score = about * strength(finding) * _RELIABLE.get(str(finding.get("confidence")), 0.8)
    if finding["type"] == "warning" and turns and about > 0.5:
        return 0.0, float(TURNS.index(kind)), -about - score / 10, str(finding["id"])
    if finding["type"] == "warning":
        # A trap in what the question names comes before other claims, a trap elsewhere after them
        return (1.0 if about > 0.5 else 3.0), 0.0, -score, str(finding["id"])
    if kind == "total":  # it was asked for
        return 0.0, float(len(TURNS)), -score, str(finding["id"])
    if finding["type"] == "descriptive":
        return 4.0, 0.0, -score, str(finding["id"])
    pair = set(finding["columns"])
    if finding["kind"] != "clusters" and len(pair) > 1 and any(pair <= story for story in stories):
        return 3.2, 0.0, -score, str(finding["id"])
    if single and (about <= 0.5 or _count(finding) <= 4):
        return 3.1, 0.0, -score, str(finding["id"])
    return 2.0, 0.0, -score, str(finding["id"])


def _collapse(findings: Sequence[Finding]) -> list[Finding]:
    """One finding for one fact: a claim that a warning turns round, or that was made before, is dropped."""
    kept = list[Finding]()
    turned = [set(f["columns"]) for f in findings if f["kind"] == "simpsons_paradox"]
    pairs = set[tuple[str, ...]]()
    for finding in findings:
        pair = tuple(sorted(finding["columns"]))
        if finding["type"] == "claim" and len(pair) > 1:
            pooled = any(len(pair) == 2 and set(pair) <= t and _stratifier(findings, t) not in pair for t in turned)
            if pair in pairs or pooled:
                continue
            pairs.add(pair)
        kept.append(finding)
    return kept


def _stratifier(findings: Iterable[Finding], columns: set[str]) -> str:
    found = (f for f in findings if f["kind"] == "simpsons_paradox" and set(f["columns"]) == columns)
    return str((next(found).get("roles") or {}).get("stratifier", ""))


def _uncompared(facts: Facts) -> list[str]:
    """What the plan says of arms that nothing declares."""
    return [str(s["why"]) for s in facts.plan if not s.get("template") and str(s.get("title")).startswith(UNCOMPARED)]


def _reply(part: Asked, headlines: Sequence[Finding], everything: Sequence[Finding]) -> list[tuple[str, Finding]]:
    """The sentences that answer a part, each with the finding that carries its numbers: those about its columns."""
    columns = set(part.columns)
    if not columns:
        return []
    if part.groups:
        kinds = ("ranking", "separability")
        found = (next((f for f in everything if f["kind"] == k and columns & set(f["columns"])), None) for k in kinds)
        return [(str(f["text"]), f) for f in found if f is not None]
    need = min(2, len(columns))
    about = [f for f in headlines if len(columns & set(f["columns"])) >= need and f["type"] in ("claim", "warning")]
    about = [f for f in about if f["type"] == "claim" or f["kind"] in TURNS]  # a trap is no answer
    if turned := next((f for f in about if f["kind"] == "simpsons_paradox"), None):
        by = str((turned.get("roles") or {}).get("stratifier", ""))
        shares = (turned.get("effect") or {}).get("metric") == "mean_diff"
        lead = "That turns round when" if shares else "Yes, but only when"
        return [(f"{lead} it is read by {_say(by)}. {turned['text']}" if by else str(turned["text"]), turned)]
    absent = [f for f in everything if f["type"] == "null" and len(columns & set(f["columns"])) >= need]
    return [(str(f["text"]), f) for f in about[:2] or absent[:1]]


def _not_found(findings: Sequence[Finding]) -> list[str]:
    """What was tested and is not there: findings of their own, and what stood beside a claim in the same tests."""
    beside = [
        str(said) for f in findings if f["type"] == "claim" and (said := (f.get("params") or {}).get("not_found"))
    ]
    absent = [str(f["text"]) for f in findings if f["type"] == "null"]
    return list(dict.fromkeys([*absent, *(said for said in beside if not any(said in text for text in absent))]))


def _not_checked(facts: Facts, findings: Sequence[Finding]) -> list[str]:
    said = [*_uncompared(facts), *(str(f["text"]) for f in findings if f["kind"] == "not_checked")]
    said += [str(beyond) for f in findings if (beyond := (f.get("params") or {}).get("not_checked"))]
    for cell in facts.cells:
        if not cell.get("ok", True):
            said.append(f"{cell.get('title') or 'A step'}: {cell.get('cell')} failed and was left.")
    for objection in facts.objections:
        said.append(f"The reviewer's objection to {objection.get('where')} stands: {objection.get('problem')}")
    if "assignment" not in facts.roles and any(f["type"] == "claim" for f in findings):
        said.append("Causes: nothing says that anything was assigned at random, so other explanations remain open.")
    if not any(f["kind"] == "interaction" for f in findings):
        said.append("Combinations of three or more columns, beyond the search for relations that flip within groups.")
    return list(dict.fromkeys(said))


def _say(column: str) -> str:
    return column.replace("_", " ")
