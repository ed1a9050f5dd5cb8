"""Holds a whole report against the input files: the values of its answers, and what its sentences and charts say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from artifacts.threads import in_own_thread
from artifacts.types import Execution, Objection, Recomputation
from graphs.questions.reader import lexicon
from graphs.questions.reader.text import stem
from graphs.review.answering import Result
from graphs.review.base import CheckResult, Work
from graphs.review.charts import aggregated, written
from graphs.review.facts import Facts, Given, stands
from graphs.review.mentions import is_of, roots
from graphs.review.prose.amounts import misstated, recomputed
from graphs.review.prose.asked import expected, other_than_asked, passed_over
from graphs.review.prose.figures import figures
from graphs.review.prose.numbers import printed_numbers
from graphs.review.prose.orders import Statements
from graphs.review.prose.verdicts import beyond, kept_by_rounding, misread, stale, swapped, turned, untested
from graphs.review.prose.wholes import all_and_limits
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
    asks, against what is told; and each sentence, on charts too, against the statistics that it can speak of."""
    held = await in_own_thread(_Report, work, tables)
    results = await results_of(aside, held.queries, tables)
    return await in_own_thread(held.judged, results)


class _Report:
    """A report, the queries that it is to be held against, and what comes of that."""

    def __init__(self, work: Work, tables: Tables) -> None:
        report, question = work.report, work.view.run.goal
        self.work, self.tables = work, tables
        self.made, self.asked = claims(report.answers), list(expected(question, tables, work.roles, work.code))
        self.texts = list(dict.fromkeys([report.answer, *(a.text for a in report.answers)]))
        self.titles = list(written(work))
        spoken = "\n".join([*self.texts, *(text for _, text in self.titles)])
        self.given = Given(tables, spoken, question, work.code, work.written)
        self.wanted = list(self.given.wanted())
        asked = [q for a in self.asked for q in a.queries]
        self.queries = [*(c.query for c in self.made), *asked, *(w.query for w in self.wanted)]

    def judged(self, results: Sequence[Result]) -> Recomputed:
        """What comes of it, by the results of its queries in their order."""
        work, given, got = self.work, self.given, iter(results)
        answer, question = work.report.answer, work.view.run.goal
        held = [verdict_of(claim, next(got)) for claim in self.made]
        problems = [problem for _, problem in held]
        problems += [a.problem(answer, [next(got) for _ in a.queries], self.tables) for a in self.asked]
        facts = Facts()
        facts.take(self.wanted, list(got))
        cells = [x for x in work.view.executions if "describe" not in x.tags]
        problems += passed_over(question, self.tables, work.roles, work.written)
        problems += other_than_asked(question, answer, given)
        problems += [*stale(answer, question, work.written), *misstated(answer, given, facts, work.written)]
        seen_tests = (s for s in work.seen("test") if s.facts.get("test") not in ("levene", "bartlett"))
        tests = [seen.number("p") for seen in seen_tests if seen.facts.get("p") is not None]
        problems += kept_by_rounding(question, answer, work.written)
        for text in self.texts:
            problems += [
                *Statements(text, given, facts, question).problems(),
                *untested(text, cells, tests),
                *misread(text, cells),
                *beyond(text, self.tables),
                *all_and_limits(text, given, facts),
                *turned(self._not_told_by_templates(text), cells),
            ]
        said = " ".join(filter(None, problems))  # a number that another check has objected to is told once
        again = [s for text in self.texts for s in swapped(text, given)]
        problems += [problem for figure, problem in again if figure.text not in said]
        sentences = dict.fromkeys(p if p.endswith(".") else f"{p}." for p in problems if p)
        objections = [Objection(where="answer", problem=p, mend=_MEND) for p in sentences]
        verdicts = all_verdicts([v for v, _ in held], work.report.answers)
        return Recomputed(
            tuple(verdicts),
            (*objections, *self._on_charts(facts, cells)),
            frozenset(recomputed(answer, given, facts, work.written)),
        )

    def _not_told_by_templates(self, text: str) -> str:
        """A text without the sentences of findings that no model wrote, whose numbers their own cells computed."""
        written = {x.cell for x in self.work.written}
        for finding in self.work.view.findings:
            text = text if finding.evidence.cell in written else text.replace(finding.text.rstrip("."), "")
        return text

    def _on_charts(self, facts: Facts, cells: Sequence[Execution]) -> Iterator[Objection]:
        """What is wrong with the words and numbers that are written on charts."""
        seen = [v for x in cells for v in printed_numbers(x)]
        for cell, text in self.titles:
            found = [*Statements(text, self.given, facts, "").problems(), *(p for _, p in swapped(text, self.given))]
            found += [*self._undrawn(text), *aggregated(text, cell.code)]
            loose = [f.text for f in figures(text) if not f.whole and not any(f.tells(v) for v in seen)]
            if found := [*found, *[f"{', '.join(loose)} is printed by no cell"] * bool(loose)]:
                said = f"its chart says “{text[:80]}”: {'; '.join(found)}."
                yield Objection(where=cell.cell, problem=said, mend=_REDRAW)

    def _undrawn(self, title: str) -> Iterator[str]:
        """That a title begins with what a column holds, "Revenue by …", and no cell looks at any such column."""
        head = roots(re.split(r"\b(?:by|per|over|for|in|of|and|vs)\b", title, maxsplit=1)[0])
        known = [c for name in self.given.tables for c, k in self.given.kinds[name].items() if k == "number"]
        for name, dimension in lexicon.section("dimensions").items():
            of = [c for c in known if is_of(c, name)]
            if (
                of
                and head & {*map(stem, dimension.get("says", "").split())}
                and not any(stands(c, self.work.code) for c in of)
            ):
                yield f"no cell looks at {' or '.join(of)}"
                return


_REDRAW = "Write on the chart what it shows, best built from the values that the cell computed."
_MEND = "Tell what the query of the question gives, of the rows that the sentence speaks of, and give that query."
