"""What each part of a question is about, as its reading has it: the columns, and the query where there is one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from graphs.models.playbook.facts import Facts
from graphs.questions.compile import compile
from graphs.questions.expressions import NotComputable, columns_of
from graphs.questions.query import AnyOf, Condition, Query, Where
from graphs.questions.reader import read
from graphs.questions.reader.clauses import split
from graphs.questions.reader.completing import of_cases, placed, weights
from graphs.questions.reader.intents import UNTOLD
from graphs.questions.reader.linking import Column
from graphs.questions.reader.offers import likely
from graphs.questions.reader.text import name_words, stem


@dataclass(frozen=True)
class Wish:
    """One part of the question. `columns` are those that it is about, the outcome last; `why` says why it has no query
    that can be computed, where it has none; of an `unread` one nothing is known but the columns that it names, and
    `unknown` are its words that name none."""

    text: str
    columns: tuple[str, ...]
    query: Query | None = None
    why: str = ""
    unknown: tuple[str, ...] = ()

    @property
    def intent(self) -> str:
        return self.query.intent if self.query is not None else ""

    @property
    def unread(self) -> bool:
        return (self.query is None or bool(self.query.read_as)) and not self.why.startswith((*UNTOLD, SINCE))


SINCE = "What went wrong, and since when, is no single figure: a whole analysis tests each series for it."

_NEXT = r"(?:how|what|which|why|who|when|where|did|do|does|is|are|was|were|has|have)\b(?! not\b|n't)"
_PARTS = re.compile(rf"(?<=\?)\s+(?=\S)|,?\s+and\s+(?={_NEXT})", re.I)
_IT = re.compile(r"\b(?:it|they|them)\b", re.I)
_WRONG = re.compile(r"\bsince when\b|\bwrong\b|\bfault(?:y|s)?\b|\bbroken?\b", re.I)


def wishes(facts: Facts) -> list[Wish]:
    """What the question asks for, read as a whole; or each part alone, where nothing was read of the whole, or where it
    asks for different things in parts that can all be read, or where the query of the whole leaves a column out."""
    whole, texts, apart = _wishes(facts.question, facts), _PARTS.split(facts.question), list[Wish]()
    if not 1 < len(texts) <= 4 or not re.match(rf"\W*{_NEXT}", facts.question, re.I):
        return whole
    for text in texts:
        known = next((w.columns[-1] for w in reversed(apart) if w.columns), "")
        said = _IT.sub(known.replace("\\", r"\\"), text, count=1) if known else text
        some = [w for w in _wishes(said, facts) if said == text or known in w.columns]  # of "it", and of no other
        apart += [replace(w, text=text) for w in some] if said != text else some
    queries, alone = (
        [w.query for w in some if w.query is not None and not (w.why or w.unread)] for some in (whole, apart)
    )
    if not queries:
        return apart if sum(bool(w.columns) for w in apart) > 1 else whole
    differ = len(alone) == len(apart) == len({q.intent for q in alone})
    left = {c for w in apart for c in w.columns} - {c for w in whole if w.query is not None for c in w.columns}
    return apart if (differ or (left and len(queries) < len(texts))) and not any(q.where for q in queries) else whole


def _wishes(question: str, facts: Facts) -> list[Wish]:
    """The parts of a text as they are read; then the clauses of it that no query is of, if they name columns."""
    reading = read(question, facts.tables, facts.roles)
    found, whys = list[Wish](), (*reading.why_not, *[""] * len(reading.parts))
    for text, query, why in zip(reading.parts, reading.queries, whys, strict=False):
        if query is not None:
            found.append(Wish(text, about(query, facts), query, _refusal(query, facts)))
        else:
            named, query = _likely(text, facts, reading.unknown)
            said = tuple(dict.fromkeys(c for _, some in clauses(text, facts) for c in some))
            if _WRONG.search(text) and times(facts.columns) and (whose := said or _units(text, facts)):
                named, query, why = whose, None, SINCE
            found.append(Wish(text, named, query, why if query is None else "", reading.unknown))
    read_of = {c for wish in found for c in wish.columns}
    unread = [re.sub(r"['’]s?\b", "", w.text) for w in found if w.unread]  # as a clause is written again
    rest = (Wish(text, some) for text, some in clauses(question, facts) if not set(some) <= read_of)
    return [*found, *(wish for wish in rest if not any(wish.text in text for text in unread))]


def _likely(text: str, facts: Facts, unknown: tuple[str, ...]) -> tuple[tuple[str, ...], Query | None]:
    """The columns that a text which was not read may be about, the outcome last, and a query that says how it was read;
    there is none where three or more are named, or a change over time is meant."""
    named = tuple(dict.fromkeys(c for _, some in clauses(text, facts) for c in some))
    near, query = likely(text, facts.columns)
    found, dated = tuple(c.name for c in near), {*named} & {c.name for c in times(facts.columns)}
    said = {stem(w) for w in name_words(text)}  # a value may be that of several columns
    if dated or [c for c in named if said & {stem(w) for w in name_words(c)}][2:]:
        return tuple(dict.fromkeys((*named, *(c.name for c in near if c.kind == "number")))), None
    if query is not None:
        query = placed(query.model_copy(update={"unused": unknown}), text, facts.tables)
        query = of_cases(query, by) if (by := weights(facts.columns)) else query
        query = None if query is None or _refusal(query, facts) else query
    rows = {c.name for c in facts.columns if c.key and c.kind == "text"}
    more = () if len(found) > 1 or {*found} & {*named} else (c for c in named if c not in rows)
    return (*more, *found), query


def _units(text: str, facts: Facts) -> tuple[str, ...]:
    """The first column whose values all begin with the same word, if the text has it: pumps, of pump-A and pump-B."""
    said = {stem(w) for w in name_words(text)}
    firsts = ((c.name, {stem(name_words(v)[0]) for v in c.values if name_words(v)}) for c in facts.columns)
    return next(((name,) for name, first in firsts if len(first) == 1 and first <= said), ())


def clauses(text: str, facts: Facts) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The clauses of a text with the columns that each names, by their names or by a value that they hold."""
    columns = facts.columns
    for clause in split(text, columns, [f.name for f in facts.files]):
        items = [item for item in clause.items if item.code in "CEV" and item is not clause.subject]
        means = (item.means[0] if item.code == "V" else item.means for item in items)
        named = [column for column in means if isinstance(column, Column)]
        if any(item.code in "XF" for item in clause.items):
            named = [*times(columns)[:1], *named]
        once = dict.fromkeys(column.name for column in named if not _is_key(column))
        yield re.sub(r"^(?:and|or|then|also|,)\s+", "", clause.text), tuple(once)


def times(columns: Sequence[Column]) -> list[Column]:
    """The columns of times; else those of plain years of which each row has its own."""
    dated = [c for c in columns if c.kind == "time"]
    return dated or [c for c in columns if names_years(c) and c.key]


def names_years(column: Column) -> bool:
    """Whether a column holds plain years by its name: what others change over, and no outcome."""
    return column.kind == "number" and column.words[-1:] == ("year",)


def _is_key(column: Column) -> bool:
    """Whether a column holds keys: customers are who is spoken of, and their numbers are no amount and no group."""
    named = column.words[-1:] in (("id",), ("uuid",), ("key",)) or column.name.endswith("#")
    return named and (column.n_unique > 20 or column.key)


def about(query: Query, facts: Facts) -> tuple[str, ...]:
    """The columns that a query is about: groups and factors first, what is computed or explained last."""
    model, of = query.model, [c for m in query.measures for c in (m.of, m.other) if c]
    if len(query.measures) > 2:  # what is in all that is measured, if anything is
        shared = [c for c in of if of.count(c) == len(query.measures)]
        of = shared if shared or query.group_by else of
    given = [
        *(group.of for group in query.group_by),
        *([query.compare.of] if query.compare else ()),
        *(model.features if model else ()),
        *query.show,
        *of,
        *(c.left for m in query.measures if m.op == "share" for c in _conditions(m.where)),
        *([model.target] if model else ()),
    ]
    if not any(given):
        given += [c.left for c in _conditions((*query.where, *(w for m in query.measures for w in m.where)))]
    names, found = {c.name for c in facts.columns}, list[str]()
    for expression in filter(None, given):
        with suppress(NotComputable):
            found += [expression] if expression in names else columns_of(expression, names)
    keys = {c.name for c in facts.columns if _is_key(c)}
    once = dict.fromkeys(name for name in reversed(found) if name not in keys)  # the last mention counts
    return tuple(reversed(once))


def _conditions(where: Sequence[Where]) -> list[Condition]:
    some = (w.any_of if isinstance(w, AnyOf) else ((w,),) for w in where)
    return [c for ways in some for together in ways for c in together]


def _refusal(query: Query, facts: Facts) -> str:
    """Why a query cannot be computed; empty where it can."""
    try:
        compile(query, facts.tables)
    except NotComputable as why:
        return str(why)
    return ""
