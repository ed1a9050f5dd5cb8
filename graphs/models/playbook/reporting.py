"""The playbook's report: the answer to each part of the question, and findings by relevance × effect × reliability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Any

from graphs.models.playbook import Reply
from graphs.models.playbook.facts import Facts, Finding
from graphs.models.playbook.planning import UNCOMPARED
from notebooks.telling.words import METRICS

HEADLINES = 7

TURNS = ("censored_times", "simpsons_paradox", "confounding", "leverage_point", "spurious_trend_correlation",
         "sample_ratio_mismatch", "pseudo_replication", "target_leakage", "join_fanout",
         "incomplete_period")  # fmt: skip
"""Warnings that turn an answer round, the gravest first: they stand before the claims that they touch."""

_AGAIN = ("spurious_trend_correlation", "redundant_columns")
"""Warnings of which another may have told: of a drift the one found along the time, of a copy that of a leakage."""

_ALIKE = ("redundant_columns", "censored_values", "missing_pattern", "variance_difference")
"""Warnings whose first of a kind says what to look for; the others of the kind come after all else."""

_RELATIONS = TURNS[:5]
"""Of these the first two columns are the pair that they are about: they turn round only what was asked of both."""

ROWS = ("join_fanout", "sample_ratio_mismatch", "pseudo_replication", "split_contamination", "duplicate_rows")
"""Warnings about which rows there are."""

SPOKEN = ("total", "ranking", "separability")
"""Descriptions that may be headlines, as claims and warnings are."""

_ROOT = {"eta2": 0.5, "r2": 0.5}  # these are squares; a correlation is not
_IN_UNITS = ("count", "k", "period", "lag", "mean_diff", "slope_per_step", "mean_shift", "lift_rel", "skewness")
_RELIABLE = {"high": 1.0, "medium": 0.8, "low": 0.5}
_UNASSIGNED = "Causes: nothing says that anything was assigned at random, so other explanations remain open."
_FEW_AT_ONCE = "Combinations of three or more columns, beyond the search for relations that flip within groups."


@dataclass(frozen=True)
class Asked:
    """A part of the question: the columns that it is about, and why it was not to be computed, or as what, if so.

    `groups`: what is wanted is what tells the levels of its column apart. `whole`: it is about all of the table.
    `unknown`: it has words that name no column, so that no finding can be its answer.
    """

    text: str
    columns: tuple[str, ...]
    why: str
    groups: bool
    whole: bool
    unknown: bool


def write_report(facts: Facts) -> Reply:
    """Order what was found and say it. Every number in the answer stands in a cell's answer or a finding's sentence."""
    once = {(f["type"], f["kind"], tuple(f["columns"]), f["text"]): f for f in facts.findings}  # the last of them
    held = {str(o.get("where", "")) for o in facts.objections}
    usable = [f for f in once.values() if f["id"] not in held]
    asked = _asked(facts)
    spoken = [f for f in usable if f["type"] in ("claim", "warning") or f["kind"] in SPOKEN]
    flips = {"simpsons_paradox": 1.0, "clusters": 0.0}  # how near the question they must be to tell of their columns
    stories = [set(f["columns"]) for f in spoken if _pair(f, asked) >= flips.get(f["kind"], 2.0)]
    best = max((strength(f) for f in spoken if (f["type"], f["kind"]) == ("claim", "driver")), default=0.0)
    headlines = _collapse(sorted(spoken, key=lambda f: _rank(f, asked, stories, best)))
    firsts = {str(f["kind"]): f["id"] for f in headlines[::-1]}
    headlines.sort(key=lambda f: f["kind"] in _ALIKE and firsts[f["kind"]] != f["id"])
    given = {str(a["part"]): a for a in facts.answers}
    answers = [_answer(part, given.get(part.text, {}), headlines, usable) for part in asked]
    texts = [
        f"Not answered: “{a['part']}” {a['why']}" if "why" in a else str((given.get(a["part"], {}) | a).get("text", ""))
        for a in answers
    ]
    shown = [str(f["id"]) for f in headlines[:HEADLINES]]
    return f"{len(shown)} finding{'s' * (len(shown) != 1)} in the order of what was asked.", "write_report", {
        "answer": "\n\n".join([*texts, *_uncompared(facts)]) or _screened(headlines, usable), "answers": answers,
        "findings": shown, "not_found": _not_found(usable), "not_checked": _not_checked(facts, usable),
    }  # fmt: skip


def _asked(facts: Facts) -> list[Asked]:
    """The parts of the question, as the plan has them."""
    grouped = {s.get("part") for s in facts.plan if s.get("template") == "groups"}
    asked = list[Asked]()
    for step in (s for s in facts.plan if s.get("part") and not s.get("template")):
        told, query = step.get("parameters") or {}, step.get("query")
        why = str((query or {}).get("read_as") or ("" if query is not None else step.get("why", "")))
        columns, (whole, unknown) = tuple(told.get("columns", ())), (bool(told.get(k)) for k in ("whole", "unknown"))
        asked.append(Asked(step["part"], columns, why, step["part"] in grouped, whole, unknown))
    return asked


def _answer(part: Asked, given: Finding, headlines: Sequence[Finding], everything: Sequence[Finding]) -> dict[str, Any]:
    """The answer to a part: what its query gave, with what turns that round; else findings of just what it is about.

    No other finding is an answer: what has none of its own is not answered, and then told what is known of its columns.
    """
    if given.get("status", "not_answered") != "not_answered":
        turning = [f for f in headlines if f["kind"] in TURNS]
        both = [f for f in turning if f["kind"] not in _RELATIONS or set(f["columns"][:2]) <= set(part.columns)]
        beside = [(str(f["text"]), f) for f in _strongest(headlines)] if part.whole else _reply(part, both, ())[:1]
        said, remarks = str(given["text"]), [text for text, _ in beside]
        # A remark that a relation turns round comes first, since the number misleads without it, one that it is smaller
        # does not; of a table, counts and means alone say little; and how a question was read comes before all
        first = part.whole or all(f["kind"] != "confounding" or f["params"].get("turned") for _, f in beside)
        told = [*remarks, said] if first and given["status"] != "partly" else [said, *remarks]
        more = {"text": " ".join(told), "cells": _cells(beside)} if beside else {}
        return {"part": part.text, "status": given["status"]} | more
    about = _reply(part, headlines, everything)
    text = " ".join(dict.fromkeys(text for text, _ in about))
    if about and not part.unknown:
        values = [v for _, f in about if (v := _value(f))]
        return {"part": part.text, "text": text, "values": values, "cells": _cells(about)}
    if part.whole:
        return {"part": part.text, "text": _screened(headlines, everything)}
    named, of = set(part.columns), " and ".join(part.columns[-2:])
    text = text or " ".join([f["text"] for f in headlines if f["type"] == "claim" and named & set(f["columns"])][:2])
    why = str(given.get("why") or part.why) or "Nothing that was tested is about it."
    return {"part": part.text, "status": "not_answered", "why": f"What is known of {of}: {text} {why}" if text else why}


def _cells(told: Sequence[tuple[str, Finding]]) -> list[str]:
    return list(dict.fromkeys(str(f["evidence"].get("cell", "")) for _, f in told))


def _value(finding: Finding) -> dict[str, Any] | None:
    """The size of a finding, in the unit in which a person reads it."""
    value, metric, unit = finding["effect"].get("value"), str(finding["effect"].get("metric")), finding.get("unit", "")
    if not isinstance(value, int | float) or metric == "count":
        return None
    name = f"{METRICS.get(metric, metric.replace('_', ' '))} of {', '.join(finding['columns'])}"
    return {"name": name, "value": 100 * value if unit == "pp" else value, "unit": str(unit)}


def _strongest(headlines: Sequence[Finding]) -> list[Finding]:
    """The first three claims, or what turns one round, of a table of which nothing in particular was asked."""
    return [f for f in headlines if f["type"] == "claim" or f["kind"] in TURNS][:3]


def _screened(headlines: Sequence[Finding], everything: Sequence[Finding]) -> str:
    """What a table shows of itself, where nothing in particular was asked."""
    said = _strongest(headlines) or [f for f in headlines if f["type"] == "warning"][:2]
    if not any(f["type"] == "claim" for f in said):
        said += [f for f in everything if f["kind"] == "tested" or (f["type"], f["kind"]) == ("null", "trend")][:1]
    return " ".join(dict.fromkeys(f["text"] for f in said)) or "Nothing could be tested in this table."


def strength(finding: Finding) -> float:
    """A size from 0 to 1 that can be compared between metrics, on the scale of a correlation."""
    value, metric, more = finding["effect"].get("value"), str(finding["effect"].get("metric")), finding["params"]
    if finding["kind"] == "seasonality" and isinstance(share := more.get("share"), (int, float)):
        return float(share**0.5)
    if not isinstance(value, (int, float)) or metric in _IN_UNITS:
        return 0.3
    if isinstance(elsewhere := more.get("elsewhere"), (int, float)):  # what is told is how far they differ
        return float(min(1.0, abs(value - elsewhere) / 2))
    if metric in ("cohens_d", "sd_ratio", "odds_ratio_per_sd", "hazard_ratio"):
        value = value if metric == "cohens_d" else log(value) if value > 0 else 0.0  # a ratio of 1 is no effect
        return float(abs(value) / (value * value + 4) ** 0.5)
    return float(min(1.0, abs(value)) ** _ROOT.get(metric, 1.0))


def relevance(finding: Finding, asked: Sequence[Asked]) -> float:
    """How much a finding is about what some part asks, from 0.2 to 1; all are equal where none names a column.

    What else goes with the outcome, which is the last of a part's columns, is nearer than what goes with a factor.
    """
    columns = set(finding["columns"])
    about = [1.0] if not any(part.columns for part in asked) else []
    for part in (part for part in asked if part.columns):
        share = len(columns & set(part.columns)) / (1 if part.groups else min(2, len(part.columns)))
        outcome = part.columns[-1] in columns
        about.append(0.7 if share == 0.5 and outcome else share if outcome or not part.why else 0.5 * share)
    return min(1.0, 0.2 + 0.8 * max(about))


def _pair(finding: Finding, asked: Sequence[Asked]) -> float:
    """How much what parts ask for is about the pair that a relation is of."""
    return relevance({**finding, "columns": finding["columns"][:2]}, asked)


def _rank(finding: Finding, asked: Sequence[Asked], stories: Sequence[set[str]], best: float) -> tuple[Any, ...]:
    """Its place: what turns the answer round, misleads, was found (`best`: how strong a driver is), the rest."""
    kind, pair, name = str(finding["kind"]), set(finding["columns"]), str(finding["id"])
    about = 1.0 if kind in ROWS else relevance(finding, asked)  # rows touch every number counted of them
    near = about > 0.5 and (kind not in _RELATIONS or _pair(finding, asked) == 1.0)
    apart = any(part.groups and {*part.columns} & pair for part in asked)  # what tells those groups apart was asked for
    # What only turns round a relation weaker than the best driver stands where that would, unless it was asked for
    sought = any(len(part.columns) == 2 and {*finding["columns"][:2]} == {*part.columns} for part in asked)
    alone, top = abs(float(finding["params"].get("alone") or 1.0)), strength(finding) == best
    weak = kind == "confounding" and not sought and alone < best
    score = about * (alone if weak else strength(finding)) * _RELIABLE.get(str(finding.get("confidence")), 0.8)
    warning, few = finding["type"] == "warning", float(finding["effect"].get("value") or 0) <= 4
    rare = kind == "duplicate_rows" and float(finding["effect"].get("value") or 0) < 0.01 * float(finding.get("n") or 0)
    rest = finding["params"].get("without")  # what is left of a relation that one point of a group moves
    mild = isinstance(rest, (int, float)) and 0.5 <= float(finding["effect"].get("value") or 0) / (rest or 1e-9) <= 2
    passing = kind == "leverage_point" and finding.get("segment") and (mild or not any(p.columns for p in asked))
    if warning and kind in TURNS and near and not passing and not weak:
        return 0.0, float(TURNS.index(kind)), -about - score / 10, False, name
    rules = (
        (3.3, kind == "identifier_column" or rare),  # they say of no value that it misleads
        (1.0, warning and near and not (weak or passing)),  # a trap in what is asked comes before other claims
        # and one elsewhere, or what follows, after
        (3.0, (warning and not weak and near == (about > 0.5)) or finding["params"].get("implied")),
        (3.25, finding["params"].get("doubt")),  # what rows left out do not show is told last, with its doubt
        (0.5, kind == "total"),  # it was asked for
        (1.7, kind == "ranking" and apart),  # and so was this
        (1.5, about > 0.5 and finding["params"].get("twice")),  # how a thing changed comes before what goes with it
        (4.0, finding["type"] == "descriptive"),
        (3.2, len(pair) > 1 and not (apart or top or kind == "clusters") and any(pair <= story for story in stories)),
        (3.1, kind == "outliers" and (about <= 0.5 or few)),
        (1.8, finding["type"] == "claim" and about == 1.0 and any(part.columns for part in asked)),
        (2.0, True),
    )
    # Of two that are alike the one with an outcome tells it in its units
    return next(place for place, holds in rules if holds), 0.0, -score, not finding["roles"].get("outcome"), name


def _collapse(findings: Sequence[Finding]) -> list[Finding]:
    """One finding for one fact: a claim that a warning turns round, or that was made before, is dropped."""
    flipped = [{*f["columns"]} - {f["roles"].get("stratifier")} for f in findings if f["kind"] == "simpsons_paradox"]
    kept, told = list[Finding](), set[tuple[str, frozenset[str]]]()
    for finding in findings:
        kind, columns = finding["kind"], finding["columns"]
        # The point of one group is enough, and one column that stands behind a pair
        point = (kind == "leverage_point" and bool(finding.get("segment"))) or kind in _RELATIONS[:2]
        claim = finding["type"] == "claim" and not finding["params"].get("twice") and kind != "clusters"
        fact = kind if point else "claim" if claim else "", frozenset(columns[:2] if point else columns)
        pooled = claim and len(fact[1]) == 2 and any(fact[1] <= turned for turned in flipped)
        again = len(fact[1]) > 1 and fact in told
        told |= {fact} if claim or point or kind in (*_AGAIN, "target_leakage") else set()
        kept += [] if pooled or (again and (claim or point or kind in _AGAIN)) else [finding]
    return kept


def _uncompared(facts: Facts) -> list[str]:
    """What the plan says of arms that nothing declares."""
    return [str(s["why"]) for s in facts.plan if not s.get("template") and str(s.get("title")).startswith(UNCOMPARED)]


def _reply(part: Asked, headlines: Sequence[Finding], everything: Sequence[Finding]) -> list[tuple[str, Finding]]:
    """The sentences that answer a part, each with the finding that carries its numbers: those about its columns."""
    columns, need = set(part.columns), min(2, len(part.columns))
    if part.groups:
        tell = [[f for f in everything if f["kind"] == k and columns & set(f["columns"])] for k in SPOKEN[1:]]
        return [(str(f["text"]), f) for some in tell for f in some[:1]]
    spoken = [f for f in headlines if f["type"] == "claim" or (f["type"] == "warning" and f["kind"] in TURNS)]
    last = set(part.columns[-1:]) if len(columns) > 2 else columns  # of several, what is explained must be in it
    about, none = (
        [f for f in some if 0 < need <= len(columns & {*f["columns"]}) and last & {*f["columns"]}]
        for some in (spoken, [f for f in everything if f["type"] == "null"])
    )
    if turned := next((f for f in about if f["kind"] == "simpsons_paradox"), None):
        by = str(turned["roles"].get("stratifier", "")).replace("_", " ")
        lead = "That turns round when" if turned["effect"].get("metric") == "mean_diff" else "Yes, but only when"
        return [(f"{lead} it is read by {by}. {turned['text']}", turned)]
    return [(str(f["text"]), f) for f in about[:2] or none[:1]]


def _not_found(findings: Sequence[Finding]) -> list[str]:
    """What was tested and is not there: findings of their own, and what stood beside a claim in the same tests."""
    absent = [str(f["text"]) for f in findings if f["type"] == "null"]
    beside = [str(f["params"].get("not_found") or "") for f in findings if f["type"] == "claim"]
    return list(dict.fromkeys([*absent, *(s for s in beside if s and not any(s in text for text in absent))]))


def _not_checked(facts: Facts, findings: Sequence[Finding]) -> list[str]:
    failed = [c for c in facts.cells if not c.get("ok", True)]
    said = [
        *_uncompared(facts),
        *(str(f["text"]) for f in findings if f["kind"] == "not_checked"),
        *(str(beyond) for f in findings if (beyond := f["params"].get("not_checked"))),
        *(f"{cell.get('title') or 'A step'}: {cell.get('cell')} failed and was left." for cell in failed),
        *(f"The reviewer's objection to {o.get('where')} stands: {o.get('problem')}" for o in facts.objections),
        *[_UNASSIGNED] * ("assignment" not in facts.roles and any(f["type"] == "claim" for f in findings)),
        *[_FEW_AT_ONCE] * (not any(f["kind"] == "interaction" for f in findings)),
    ]
    return list(dict.fromkeys(said))
