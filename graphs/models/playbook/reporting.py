"""The playbook's report: findings by relevance × effect × reliability, and an answer made of their sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphs.models.playbook.facts import Column, Facts
from graphs.models.playbook.planning import UNCOMPARED
from graphs.models.playbook.words import Clause, clauses

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

ROWS = ("join_fanout", "sample_ratio_mismatch", "pseudo_replication", "split_contamination", "duplicate_rows")
"""Warnings about which rows there are."""

_ROOT = {"eta2": 0.5, "r2": 0.5}  # these are squares; a correlation is not
_RELIABLE = {"high": 1.0, "medium": 0.8, "low": 0.5}


@dataclass(frozen=True)
class Written:
    """The report's parts, as the tool `write_report` takes them."""

    answer: str
    findings: list[str]
    not_found: list[str]
    not_checked: list[str]


def write_report(facts: Facts) -> Written:
    """Order what was found and say it. Every number in the answer stands in a finding's own sentence."""
    held = {str(o.get("where", "")) for o in facts.objections}
    usable = [f for f in _latest(facts.findings) if f["id"] not in held]
    asked = clauses(facts.question, [Column(str(c)) for c in _columns(usable)])
    spoken = [f for f in usable if _speaks(f)]
    stories = [set(f["columns"]) for f in spoken if f["kind"] in ("simpsons_paradox", "clusters")]
    spoken.sort(key=lambda f: _rank(f, asked, stories))
    headlines = _collapse(spoken)
    order = headlines[:HEADLINES]
    return Written(
        answer=_answer(facts, asked, headlines, usable),
        findings=[str(f["id"]) for f in order],
        not_found=_not_found(usable),
        not_checked=_not_checked(facts, usable),
    )


def _latest(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding once: of those that say the same of the same columns, the last."""
    return list({(f["type"], f["kind"], tuple(f["columns"]), f["text"]): f for f in findings}.values())


def _columns(findings: Iterable[Finding]) -> list[str]:
    return sorted({str(c) for f in findings for c in f["columns"]})


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


def relevance(finding: Finding, asked: Sequence[Clause]) -> float:
    """How much a finding is about what some clause asks, from 0.2 to 1; all are equal where none names a column."""
    wanted = [(set(clause.columns), clause.intent == "separate") for clause in asked if clause.columns]
    columns = set(finding["columns"])
    if not wanted:
        return 1.0
    if not columns:  # of the whole table
        return 0.5
    return 0.2 + 0.8 * max(len(columns & named) / (1 if apart else min(2, len(named))) for named, apart in wanted)


def _rank(
    finding: Finding, asked: Sequence[Clause], stories: Sequence[set[str]] = ()
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


def _answer(facts: Facts, asked: Sequence[Clause], headlines: Sequence[Finding], everything: Sequence[Finding]) -> str:
    answers = [str(f["text"]) for f in everything if f["kind"] == "answer"]
    said = [*answers, *(str(f["text"]) for f in everything if f["kind"] == "total")][:5]
    unanswered = list[str]()
    for step in facts.plan:
        if step.get("template") is None and str(step.get("title", "")).startswith("Not answered: "):
            unanswered.append(f"Not answered: “{str(step['title']).removeprefix('Not answered: ')}”. {step['why']}")
        elif step.get("template") == "answer" and not _came_of(step, everything):
            said.append(f"“{step['title']}” has no answer: the cell that computes it failed.")
    told = {
        str(s.get("title", "")).removeprefix("Answer: ").lower() for s in facts.plan if s.get("template") == "answer"
    }
    if answers and all(c.intent == "closed" or c.text.lower().strip(" .?!") in told for c in asked):
        warnings = [f for f in headlines if f["kind"] in TURNS and relevance(f, asked) > 0.5]
        return "\n\n".join([" ".join([*said, *(str(f["text"]) for f in warnings[:1])]), *unanswered])
    used, first = set[str](), len(said)
    for clause in asked:
        for text, finding in _reply(clause, headlines, everything):
            if finding["id"] not in used and len(said) < 5:
                used.add(str(finding["id"]))
                said.append(text)
    if not used:
        strongest = [f for f in headlines if f["type"] == "claim"][:2]
        warnings = [f for f in headlines if f["type"] == "warning"][:2]
        said += [str(f["text"]) for f in [*[w for w in warnings if w["kind"] in TURNS], *strongest] or warnings]
    if not any(f["type"] == "claim" or f["kind"] in TURNS for f in headlines):
        summed_up = (f for f in everything if f["kind"] == "tested" or (f["type"], f["kind"]) == ("null", "trend"))
        tested = next((str(f["text"]) for f in summed_up), "")
        ran = any((f.get("test") or {}).get("m") for f in everything)
        nothing = "There is no usable signal in what was tested." if ran else "Nothing could be tested in this table."
        if tested:  # after what has one answer, which stands first
            said = [*said[:first], *([] if first else [nothing]), tested, *said[first:]]
        else:
            said.append(nothing)
    answered, found = (" ".join(dict.fromkeys(filter(None, part))) for part in (said[:first], said[first:]))
    hint = [] if any(clause.columns for clause in asked) else _uncompared(facts)
    if not unanswered:
        return "\n\n".join(filter(None, (" ".join(filter(None, (answered, found))), *hint)))
    beside = f"What the tests of the table found, which does not answer that: {found}" if found else ""
    return "\n\n".join(filter(None, (answered, *unanswered, beside, *hint)))


def _uncompared(facts: Facts) -> list[str]:
    """What the plan says of arms that nothing declares."""
    return [str(s["why"]) for s in facts.plan if not s.get("template") and str(s.get("title")).startswith(UNCOMPARED)]


def _came_of(step: Mapping[str, Any], findings: Iterable[Finding]) -> bool:
    """Whether a step that was to answer a question did so."""
    question = (step.get("parameters") or {}).get("question")
    return any(f["kind"] == "answer" and f["params"].get("question") == question for f in findings)


def _reply(
    clause: Clause, headlines: Sequence[Finding], everything: Sequence[Finding]
) -> Iterable[tuple[str, Finding]]:
    """The sentences that answer one clause, each with the finding that carries its numbers."""
    columns = set(clause.columns)
    if not columns:
        return
    if clause.intent == "separate":
        for kind in ("ranking", "separability"):
            found = next((f for f in everything if f["kind"] == kind and columns & set(f["columns"])), None)
            if found is not None:
                yield str(found["text"]), found
        return
    need = min(2, len(columns))
    about = [f for f in headlines if len(columns & set(f["columns"])) >= need and f["type"] in ("claim", "warning")]
    about.sort(key=lambda f: f["type"] == "warning" and f["kind"] not in TURNS)  # what bites is no answer yet
    for finding in about[:2]:
        text = str(finding["text"])
        by = (finding.get("roles") or {}).get("stratifier")
        if finding["kind"] == "simpsons_paradox" and by:
            shares = (finding.get("effect") or {}).get("metric") == "mean_diff"
            turned = "That turns round when" if shares else "Yes, but only when"
            text = f"{turned} it is read by {_say(str(by))}. {text}"
        yield text, finding
        if finding["kind"] == "simpsons_paradox":
            return
    if not about:
        absent = [f for f in everything if f["type"] == "null" and len(columns & set(f["columns"])) >= need]
        for finding in absent[:1]:
            yield str(finding["text"]), finding


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
