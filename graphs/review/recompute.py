"""Holds a whole report against the input files: the values of its answers, and what its sentences say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from artifacts.threads import in_own_thread
from artifacts.types import Objection, Recomputation
from graphs.review.answering import Result
from graphs.review.base import CheckResult, Work
from graphs.review.facts import Facts, Given
from graphs.review.prose.amounts import misstated, recomputed
from graphs.review.prose.asked import expected
from graphs.review.prose.significance import untested
from graphs.review.sql import Tables
from graphs.review.values import Aside, all_verdicts, claims, results_of, verdict_of


@dataclass(frozen=True)
class Recomputed:
    """What came of computing a report's values again."""

    verdicts: tuple[Recomputation, ...] = ()
    objections: tuple[Objection, ...] = ()
    told: frozenset[tuple[str, int]] = frozenset()
    """The numbers, by sentence and place, that the input files give for what is said."""

    @property
    def as_check(self) -> CheckResult:
        """The result as one of the checks, with how many values came out the same."""
        same = sum(v.verdict == "equal" for v in self.verdicts)
        printed = sum(v.verdict == "as_printed" for v in self.verdicts)
        told = f"{same} of {len(self.verdicts)} values were computed again from the input files and came out the same"
        detail = " ".join(o.problem for o in self.objections) or f"{told}; {printed} stand as their cells printed them."
        return CheckResult("recomputed", not self.objections, detail, self.objections)


async def recompute(aside: Aside, work: Work, tables: Tables) -> Recomputed:
    """Each value of a report's answers, held against what its query gives from the input files; what the question
    asks, against what is told; and each sentence against the statistics that it can speak of."""
    held = await in_own_thread(_Report, work, tables)
    results = await results_of(aside, held.queries, tables)
    return await in_own_thread(held.judged, results)


class _Report:
    """A report, the queries that it is to be held against, and what comes of that."""

    def __init__(self, work: Work, tables: Tables) -> None:
        report, question = work.report, work.view.run.goal
        self.work, self.tables = work, tables
        self.made, self.asked = claims(report.answers), list(expected(question, tables, work.roles))
        self.texts = list(dict.fromkeys([report.answer, *(a.text for a in report.answers)]))
        self.given = Given(tables, "\n".join(self.texts), question, work.written)
        self.wanted = list(self.given.wanted())
        asked = [q for a in self.asked for q in a.queries]
        self.queries = [*(c.query for c in self.made), *asked, *(w.query for w in self.wanted)]

    def judged(self, results: Sequence[Result]) -> Recomputed:
        """What comes of it, by the results of its queries in their order."""
        work, given, answer, got = self.work, self.given, self.work.report.answer, iter(results)
        held = [verdict_of(claim, next(got)) for claim in self.made]
        problems = [problem for _, problem in held]
        problems += [a.problem(answer, [next(got) for _ in a.queries], self.tables) for a in self.asked]
        facts = Facts()
        facts.take(self.wanted, list(got))
        problems += misstated(answer, given, facts, work.written)
        cells = [x for x in work.view.executions if "describe" not in x.tags]
        seen_tests = (s for s in work.seen("test") if s.facts.get("test") not in ("levene", "bartlett"))
        tests = [seen.number("p") for seen in seen_tests if seen.facts.get("p") is not None]
        problems += [problem for text in self.texts for problem in untested(text, cells, tests)]
        sentences = dict.fromkeys(p if p.endswith(".") else f"{p}." for p in problems if p)
        return Recomputed(
            tuple(all_verdicts([v for v, _ in held], work.report.answers)),
            tuple(Objection(where="answer", problem=p, mend=_MEND) for p in sentences),
            frozenset(recomputed(answer, given, facts, work.written)),
        )


_MEND = "Tell what the query of the question gives, of the rows that the sentence speaks of, and give that query."
