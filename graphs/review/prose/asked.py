"""The question itself as a query: what the input files give for it, and whether the answer tells that."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from artifacts.types import Execution
from graphs.questions.expressions import bare
from graphs.questions.query import Condition, DropDuplicates, DropMissing, Measure, Query, Statistic
from graphs.questions.reader import read
from graphs.questions.reader.text import stem
from graphs.review import units
from graphs.review.answering import Number, Result, shown
from graphs.review.facts import LEFT_OUT, Given, stands
from graphs.review.mentions import YEAR, Tables, columns, keys, labels, spoken, subjects, telling, time_columns
from graphs.review.prose.figures import CHANGES, Figure, figures, sentences
from graphs.review.prose.said import statistic

_OTHER: tuple[Statistic, ...] = ("mean", "median", "sum")
_LEANS = re.compile(
    r"\b(?:its?|their|they|them|these|this|those(?! who| that)|such|others?|ones?|rest|same|further)\b", re.I
)
"""What says that a sentence speaks of what stands before it."""
_EXPLAINS = ("drivers", "why_changed")
"""What asks for reasons: its measure is what is explained, and no number that an answer must tell."""


@dataclass(frozen=True)
class Asked:
    """The question's query, and what an honest answer may give in its place: without duplicates, without rows that
    miss a value, by another statistic where the question names none."""

    query: Query
    others: tuple[Query, ...] = ()

    @property
    def queries(self) -> tuple[Query, ...]:
        return (self.query, *self.others)

    @property
    def measure(self) -> Measure:
        first = self.query.measures[0]
        return first.model_copy(update={"op": "mean"}) if self.query.formulas else first

    def answers(self, results: Sequence[Result]) -> list[Number]:
        """The numbers that may be told, of a formula the last only: the others lead to it."""
        only = slice(-1, None) if self.query.formulas else slice(None)
        numbers = [n for r in results for n in list(r.numbers())[only]]
        return [n for n in numbers if isinstance(n.value, (int, float))] if not results[0].why else []

    def tells(self, figure: Figure, numbers: Sequence[Number]) -> bool:
        """Whether a number is one of these, in the unit of its sentence."""
        name = (self.measure.of or "").strip("`")
        factors = {1.0, units.factor(name, figure.told_in) or 1.0}
        factors |= units.conversions(figure.told_in) if units.of_column(name) is None else set()
        return any(figure.tells(n.value * factor) for n in numbers for factor in factors)

    def differs(self, figure: Figure, results: Sequence[Result]) -> str | None:
        """That a number that is read as this question is not what it gives."""
        right = self.answers(results)
        if not right or self.tells(figure, right):
            return None
        return f"{figure.text} is told, and the input files give {shown(right[0].value)}"

    def problem(self, text: str, results: Sequence[Result], tables: Tables) -> str | None:
        """What the answer tells in place of what was asked; None where it tells that, or other things altogether."""
        asked, measure, right = self.query, self.measure, self.answers(results)
        if len(asked.group_by) == 1 and asked.limit and asked.order and not asked.formulas:
            return None  # which group is first, the statements tell
        every = [(clause, s.figure) for clause, some in spoken(text, tables) for s in some]
        if not right or LEFT_OUT.search(text) or any(self.tells(figure, right) for _, figure in every):
            return None
        meant = {
            (measure.of or "").strip("`"),
            *(c.left.strip("`") for c in (*measure.where, *asked.where) if isinstance(c, Condition)),
        }
        groups = {str(g).casefold() for n in results[0].numbers() for g in n.group}
        for clause, figure in every:
            named = {n.value.casefold() for n in subjects(clause, tables)}
            spoken_of = {*columns(clause, tables), *(n.column for n in subjects(clause, tables))}
            about = statistic(clause) == (measure.op,) or not meant.isdisjoint(spoken_of)
            others = any(v not in _spelt(asked) for v in named - groups) or (groups and not named & groups)
            alike = figure.share == (measure.op == "share") and figure.digits > 1
            alike = alike and (figure.whole or measure.op not in ("count", "distinct"))
            told = statistic(clause) in ((), (measure.op,)) or not any("No statistic" in n for n in asked.notes)
            if not alike or not told or not (about or measure.op == "count") or figure.in_words or others:
                continue
            own = next((n for n in right if {str(g).casefold() for g in n.group} & named), right[0])
            of = f" for {', '.join(own.group)}" if own.group else ""
            return f"asked of the input files, the question gives {shown(own.value)}{of}, and {figure.text} is told"
        return None


def expected(question: str, tables: Tables, roles: Mapping[str, str]) -> Iterator[Asked]:
    """The question as a query, where it is one that is read without doubt: one part, one statistic, every word used."""
    reading = read(question, tables, roles)
    query = reading.queries[0] if len(reading.queries) == 1 else None
    if query is None or query.unused or query.compare is not None or query.intent in _EXPLAINS:
        return
    if query.formulas:
        yield Asked(query)
    if len(query.measures) != 1 or query.formulas or query.test or query.model or query.prepare or query.having:
        return
    (measure,), named, spelt = query.measures, labels(question, tables), _spelt(query)
    # rows that the question names, and its query does not
    places = [time_columns(tables) if n.column == YEAR else [n.column, n.value] for n in named]
    unsaid = any(not any(p.casefold() in spelt for p in place) for place in places)
    several = {a.column for a, b in combinations(named, 2) if a.column == b.column and a.value != b.value}
    if unsaid or several - {g.of.strip("`") for g in query.group_by}:
        return
    if measure.other or any((measure.of or "").strip("`") in keys(t) for t in tables):
        return
    others = [query.model_copy(update={"prepare": (step,)}) for step in (DropDuplicates(), DropMissing())]
    if any("No statistic" in note for note in query.notes) or (measure.op == "sum" and not statistic(question)):
        ops = (op for op in _OTHER if op != measure.op)
        each_other = (measure.model_copy(update={"op": op}) for op in ops)
        others += [query.model_copy(update={"measures": (other,), "order": ()}) for other in each_other]
    yield Asked(query, (*others, *(other for _, _, other in reading.others)))


def passed_over(question: str, tables: Tables, roles: Mapping[str, str], cells: Sequence[Execution]) -> Iterator[str]:
    """The columns that a question is read to ask for, without doubt, and of which no cell and no output speaks."""
    reading, seen = read(question, tables, roles), "\n".join(f"{x.code}\n{x.text}" for x in cells)
    if not cells or None in reading.queries or any(q.unused for q in reading.queries if q) or _BY_PLACE.search(seen):
        return
    said = {w for w in re.findall(r"[^\W\d_]+", question.casefold())}
    said |= {w.removesuffix("s") for w in said}  # of "roasting time" no column "roast" is asked for
    roots = {stem(w) for w in said}
    words = {str(c["name"]): re.findall(r"[^\W\d_]+", str(c["name"]).casefold()) for t in tables for c in t["columns"]}
    things = set[str]().union(*map(keys, tables))
    names = {c for c in columns(question, tables) if said & {*words[c]}} - things
    queries = [q for q in reading.queries if q is not None]
    asked = [m for q in queries for m in q.measures if m.op not in ("count", "distinct", "present")]
    measured = {bare(name or "") for m in asked for name in (m.of, m.other)}
    measured = {c for c in measured - things if not roots.isdisjoint(telling(c))}
    wanted = measured | {bare(g.of) for q in queries for g in q.group_by} & names
    for column in sorted(c for c in wanted if not stands(c, seen)):
        yield f"the question asks for {column}, and no cell looks at it"


_BY_PLACE = re.compile(r"\.columns\s*=|\biloc\b|\.to_numpy\(|\.values\b")
"""Code that may take a column without its name."""


def stated(text: str, given: Given, roles: Mapping[str, str]) -> Iterator[tuple[Figure, Asked]]:
    """The sentences with one number that are read without doubt as a question for it, where the number's place is
    taken by "how many" or "what share": each with its number. Those that lean on another sentence are not read."""
    for clause in sentences(text) if not LEFT_OUT.search(text) else ():
        own = figures(clause)
        if len(own) != 1 or "|" in clause or CHANGES.search(clause) or _LEANS.search(clause):
            continue
        (figure,), tables = own, given.list
        if {n.value for n in labels(given.question, tables)} - {n.value for n in labels(clause, tables)}:
            continue  # what the question asks of may be meant without being said
        behind = re.sub(r"^\s?%", "", clause[figure.end :]).strip(" .!;:")
        before = re.sub(r"\b(?:about|around|roughly|some|only|just)\s*$|[€$£]\s?$", "", figure.before)
        asked = f"{before} {'what share' if figure.share else 'how many'} {behind}?".strip()
        for one in expected(asked, tables, roles):
            (measure,), base = one.query.measures[:1], one.query.table or str(tables[0]["name"])
            if measure.op == "share":
                sure = (figure.share and re.match("of ", behind) is not None) or before.startswith("Of ")
            elif measure.op == "count":
                sure = given.of_rows(base, f" {behind}")
            else:
                others = any(given.of_rows(t, f" {w}") for t in given.tables if t != base for w in clause.split())
                sure = statistic(clause) == (measure.op,) and not others
            if sure and not one.query.group_by and figure.share == (measure.op == "share"):
                yield figure, one


def _spelt(query: Query) -> str:
    """A query as it is written, without the words that it was read from."""
    return query.model_copy(update={"text": "", "notes": (), "unused": ()}).model_dump_json().casefold()
