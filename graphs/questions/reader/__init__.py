"""Reads an English question of tables into a `Query`.

Columns, values, numbers and times are found first; then a small grammar over them, clause by clause, through all
sentences of the question. What is said and not understood is told, and where it would change the meaning, the part is
not answered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from graphs.questions.query import Cut, Derive, Query, Reading
from graphs.questions.reader import lexicon
from graphs.questions.reader.assembling import Draft
from graphs.questions.reader.clauses import split
from graphs.questions.reader.conditions import Conditions, expr
from graphs.questions.reader.counted import of_cases, weights
from graphs.questions.reader.linking import Column, full_names, read_columns, values
from graphs.questions.reader.tables import placed, whole
from graphs.questions.reader.text import name_words, stem, words

__all__ = ["read"]


def read(
    question: str,
    tables: Sequence[Mapping[str, Any]],
    roles: Mapping[str, str] | None = None,
    previous: Query | None = None,
) -> Reading:
    """What a question asks of tables, as `look.describe` prints them. `roles` names columns such as the target or the
    time; `previous` is the query that a follow-up changes."""
    if (together := whole(question, tables)) is not None:
        return Reading(parts=(question,), queries=(together,), why_not=("",))
    asked, columns = question, read_columns(tables)
    if _of_the_whole(question, columns):
        return Reading(parts=(question,), queries=(Query(intent="describe", text=question),), why_not=("",))
    time = _time(columns, roles or {})
    for said in re.finditer(r"\bhow (\w+)\b", question, re.I):  # how old: which age
        hint = lexicon.dimensions("much little", said[1].casefold())
        if hint != "time" and (measured := Conditions(columns, time).hinted(hint)) is not None:
            question = question.replace(said[0], f"what {measured.name}")
    lasting = duration(question, columns)
    rows = max((c.rows for c in columns), default=0)
    if lasting is not None:
        question = re.sub(r"\bhow long\b", "what duration", question, flags=re.I)
        columns.append(Column(lasting.name, "", "float64", rows, rows))
    reached = met(question, columns)
    if reached is not None:
        question = re.sub(_RATE, f"share of {reached.name}", question, flags=re.I)
        columns.append(Column(reached.name, "", "int64", 2, rows, ("1", "0"), ("0", "1")))
    question, cut = brackets(question, columns)
    columns += [Column(cut.name, "", "new", 4, rows)] if cut is not None else []
    columns += new_columns(question, columns)
    conditions = Conditions(columns, time, previous.text if previous is not None else "")
    draft = Draft(asked, columns, time, rows)
    if lasting is not None:
        draft.steps.append(lasting)
        draft.notes.append(f"“{lasting.name}” is read as {lasting.expr}, in days.")
    if reached is not None:
        draft.steps.append(reached)
        draft.notes.append(f"“{reached.name}” is read as {reached.expr.removeprefix('if_(').removesuffix(', 1, 0)')}.")
    if cut is not None:
        draft.steps.append(cut)
        draft.notes.append(f"“{cut.name}” is a quarter of the rows each, in the order of {cut.of}.")
    for clause in split(question, columns, [str(t["name"]) for t in tables]):
        draft.add(clause, conditions)
    reading = draft.reading(previous)
    queries = tuple(q and placed(q, asked, tables) for q in reading.queries)
    if (by := weights(columns)) is not None:
        cases = tuple(q and of_cases(q, by) for q in queries)
        none = f"A row stands for as many cases as “{by.name}” says, and this is no count or share of them."
        whys = (*reading.why_not, *[""] * (len(queries) - len(reading.why_not)))
        why_not = tuple(none if q and not c else w for q, c, w in zip(queries, cases, whys, strict=True))
        return reading.model_copy(update={"queries": cases, "why_not": why_not})
    return reading.model_copy(update={"queries": queries})


_WHOLE = r"\b(?:describe|summari[sz]e|summary|overview|stands? out|interesting|unusual|notable|tell me about|look like|in (?:this|the) (?:table|data|file|dataset))\b"
_PARTS = r"\b(?:by|per|each|for|correlat\w*|outliers?|missing|duplicates?|average|mean|how many)\b"
"""What asks for the table as a whole, and what asks for something particular of it."""

_LASTING = r"\bhow long\b|\bdurations?\b|\bttr\b|\btenures?\b|\b(?!(?:over|first|last|this|that|same|each|every|many|more|the|some|long|two) )[a-z]{3,} times?\b|\btime to \w+"
_STARTS, _ENDS = ("|".join(lexicon.listed(name)) for name in ("starts", "ends"))
"""How the names of columns say that something begins or ends there."""


def _of_the_whole(question: str, columns: Sequence[Column]) -> bool:
    """Whether a short question asks for the table as a whole, and names nothing of it."""
    whole = re.search(_WHOLE, question, re.I) and not re.search(_PARTS, question, re.I)
    named = {w for w in name_words(question) if len(w) > 3} & {w for c in columns for w in c.words}
    return bool(whole) and len(question.split()) <= 10 and not named


def duration(question: str, columns: Sequence[Column]) -> Derive | None:
    """A length of time that the question names and no column holds, where the table has its beginning and its end."""
    said = re.search(_LASTING, question, re.I)
    name = {"how long": "duration"}.get(said[0].casefold(), said[0].casefold()) if said else ""
    if not said or any(stem(w) in [stem(v) for v in c.words] for c in columns for w in name.split()[:1]):
        return None
    times = [c for c in columns if c.kind == "time"]
    named = [c for c in times if any(stem(w) in [x.stem for x in words(question)] for w in c.words[:1])]
    pair = named if len(named) == 2 else times
    starts = [c for c in pair if re.search(_STARTS, c.name, re.I)]
    ends = [c for c in pair if c not in starts and (len(pair) == 2 or re.search(_ENDS, c.name, re.I))]
    if len(starts) != 1 or len(ends) != 1:
        return None
    (end,) = ends
    return Derive(name=name, expr=f"days({expr(starts[0])}, {expr(end)})")


_RATE = r"\b(?:success|achievement|attainment|fulfil\w*) rates?(?: of (?:goals?|targets?|tasks?)(?: met| reached| achieved)?)?\b"


def met(question: str, columns: Sequence[Column]) -> Derive | None:
    """Whether a row reached its target, where a rate of success is asked for and the table has both numbers."""
    if not re.search(_RATE, question, re.I) or any(stem("success") in map(stem, c.words) for c in columns):
        return None
    numbers = [c for c in columns if c.kind == "number"]
    aims, ends = ([c for c in numbers if words & set(c.words)] for words in map(lexicon.some, ("aimed", "done")))
    if len(aims) != 1 or len(ends) != 1 or aims == ends:
        return None
    return Derive(name="target met", expr=f"if_({expr(ends[0])} >= {expr(aims[0])}, 1, 0)")


_QUARTERS = ("1 (lowest quarter)", "2", "3", "4 (highest quarter)")


def brackets(question: str, columns: Sequence[Column]) -> tuple[str, Cut | None]:
    """The question with "cost brackets" as a new column, and how it is cut from the number that is named before it."""
    said = re.search(r"\b([a-z]+) (?:brackets?|bands?|ranges|tiers?|buckets?|bins)\b", question, re.I)
    known = {stem(w) for c in columns for w in c.words}
    if not said or stem(said[0].split()[-1].casefold()) in known or re.search(r"\d", question):
        return question, None
    family = lexicon.kin().get(stem(said[1].casefold()), frozenset()) | {stem(said[1].casefold())}
    numbers = [c for c in columns if c.kind == "number" and c.n_unique > 12 and family & set(map(stem, c.words))]
    if len(numbers) != 1:
        return question, None
    name = f"{said[1].casefold()} bracket"
    return question.replace(said[0], f"“{name}”"), Cut(name=name, of=expr(numbers[0]), labels=_QUARTERS, quantiles=4)


_MADE = (
    r"(?i)\b(?:calculate|compute|derive|define) (?:the |a |an )?(?P<name>\w+)\b[^.\n]*?\bby (?:subtract|divid|add|multipl)ing",
    r"(?is)\A(?=.*(?:\bnew\b|creat|generat)).*?\b(?:called|named) (?P<name>[a-z]\w+)\b",
    r"\b(?P<name>[A-Za-z]\w+)\s*=\s*[\"'(]?(?P<of>[A-Za-z]\w*)[\"']?\s*[-+*/]",
)
"""How a question names a column that it makes itself."""


def new_columns(question: str, columns: Sequence[Column]) -> list[Column]:
    """The columns that the question makes itself: quoted names that no table has, said to be new."""
    ws = words(question)
    exact, _ = lexicon.phrases()
    common = frozenset(k[0] for k in exact if len(k) == 1)
    known = {i for link in [*full_names(ws, columns, common), *values(ws, columns, common)]
             if link.how in ("quoted", "full", "value") for i in range(link.first, link.last + 1)}  # fmt: skip
    found = dict[str, Column]()
    rows = max((c.rows for c in columns), default=0)
    for quote in sorted({w.quote for w in ws} - {0}):
        inside = [i for i, w in enumerate(ws) if w.quote == quote and w.content]
        if not inside:
            continue
        before = " ".join(w.low for w in ws[max(0, inside[0] - 8) : inside[0]])
        if set(inside) <= known or not re.search(r"\b(called|named|new|create|generate|add)\b", before):
            continue
        name = question[ws[inside[0]].start : ws[inside[-1]].end].strip()
        found.setdefault(name, Column(name, "", "new", rows // 2, rows))
    for pattern in _MADE:
        for made in re.finditer(pattern, question):
            name, of = made["name"], made.groupdict().get("of")
            held = any(name.casefold() in (c.name.casefold(), *c.words) for c in columns)
            if not held and (of is None or any(of == c.name for c in columns)):
                found.setdefault(name, Column(name, "", "new", rows // 2, rows))
    return list(found.values())


def _time(columns: Sequence[Column], roles: Mapping[str, str]) -> Column | None:
    declared = next((c for c in columns if c.name == roles.get("time")), None)
    dated = [c for c in columns if c.kind == "time"]
    years = [c for c in columns if c.words[-1:] == ("year",) and c.kind == "number"]
    begins = [c for c in dated if re.search(_STARTS, c.name, re.I)]  # a row's beginning, before its end
    return declared or next(iter([*begins, *dated]), None) or next(iter(years), None)
