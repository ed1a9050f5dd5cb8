"""What is done to the table before anything is computed: rows left out, gaps filled, columns made, scaled and cut."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from graphs.questions import query as q
from graphs.questions.reader import lexicon
from graphs.questions.reader.conditions import expr, plain
from graphs.questions.reader.items import Clause, use
from graphs.questions.reader.linking import Column

LEAVE: str = lexicon.section("steps")["leave"]
_ONE: TypeAdapter[q.Step] = TypeAdapter(q.Step)
type _Done = Sequence[q.Step] | None


class _Step(NamedTuple):
    """A clause that may describe a step: the columns that it names, the one that it makes, and all of the table."""

    clause: Clause
    own: Sequence[Column]
    made: Column | None
    columns: Sequence[Column]
    rule: q.Rule | None
    recent: Sequence[Column]


def read(
    clause: Clause, columns: Sequence[Column], rule: q.Rule | None, recent: Sequence[Column], pending: Sequence[Column]
) -> tuple[Sequence[q.Step], bool]:
    """The steps that a clause describes, and whether it says nothing else."""
    if once := _says(clause, "once"):  # the total, after removing duplicate rows
        clause.mark(*once.span())
        return [q.DropDuplicates()], all(i.used for i in clause.items)
    named = [i.column for i in clause.items if i.code in "CE" and i.means is not None and (i.code == "C" or not i.used)]
    own = [c for c in named if c.dtype != "new"]
    made = next((c for c in named if c.dtype == "new"), None)
    asks = bool(_says(clause, "asks"))
    if (asks or set("RH") & set(codes(clause))) and not (made is not None and codes(clause)[:2] in ("vC", "aC")):
        own, made, recent = [], None, []
    own = [i.column for i in clause.items if i.code == "C" and i.column in own] or own
    if made is None and own and len(pending) == 1 and not asks:
        made = pending[0]
    step, held = _Step(clause, list(dict.fromkeys(own)), made, columns, rule, recent), {"own": own, "made": made}
    for needs, does in lexicon.section("done").items():
        if not all(held[n] if n in held else _says(clause, n) for n in needs.split()):
            continue
        left = _says(clause, "leave") or _says(clause, "without")
        drops = isinstance(does, dict) and str(does.get("do", "drop")).startswith("drop")
        of_whom = clause.of("VKTN") if drops else []  # which is no part of the step
        if does == {} and asks and left:  # the mean, ignoring missing values
            clause.mark(left.start(), len(clause.text))
            use(of_whom, used=False)
            return [], False
        done = _MADE[does](step) if isinstance(does, str) else [_ONE.validate_python(does | {"columns": [c.name for c in step.own]})] if does else []  # fmt: skip
        if done is not None:
            clause.mark(0, len(clause.text))
            use(of_whom, used=False)
            return done, not of_whom
    return [], all(i.used for i in clause.items)


def codes(clause: Clause) -> str:
    """The letters of a clause's items, read or not, without commas and conjunctions before it."""
    return "".join(i.code for i in clause.items).lstrip("cai")


def _says(clause: Clause, name: str) -> re.Match[str] | None:
    return re.search(lexicon.section("steps")[name], clause.text, re.I)


def _fill(s: _Step) -> _Done:
    """Gaps filled; where a mean and a mode are named, numbers take the one and words the other."""
    said: list[Any] = [w for w, pattern in lexicon.section("fills").items() if re.search(pattern, s.clause.text, re.I)]
    number = re.search(r"\b(?:with|by) (?:the value )?['\"]?(zero|-?\d+(?:\.\d+)?|[A-Z]\w+)", s.clause.text)
    names = tuple(c.name for c in s.own or s.recent)
    if not names or _says(s.clause, "modelled"):
        return None
    if not said and number:
        value = plain(float(number[1].replace("zero", "0"))) if number[1][0] in "z-0123456789" else number[1]
        return [q.Fill(columns=names, how="value", value=value)]
    numbers = tuple(c.name for c in s.own or s.recent if c.kind == "number" or said[1:] != ["mode"])
    rest = tuple(n for n in names if n not in numbers)
    return [q.Fill(columns=c, how=how) for c, how in ((numbers, [*said, "mean"][0]), (rest, "mode")) if c]


def _cut(s: _Step) -> _Done:
    """Named classes with their edges: 'Child' (0-12), 'Elderly' (60 and above); low (below 50)."""
    pieces = re.findall(lexicon.section("steps")["class"], s.clause.quoted)
    stems = s.made.stems if s.made else frozenset()
    alike = [c for c in s.columns if c.kind == "number" and c.dtype != "new" and c.stems <= stems]
    column = next(iter([*alike, *(c for c in s.own if c.kind == "number" and not c.key)]), None)
    if len(pieces) < 2 or column is None:
        return None
    classes = sorted((float((low or above or plus or "-inf").replace(",", "")), label.split(" and ")[-1].strip(" ,"))
                     for label, low, above, plus in pieces)  # fmt: skip
    before = r"^(?:.*\b(?:into|as|called|named)\s+)?(?:and|or|groups?)?\s*"
    labels = tuple(re.sub(before, "", label) for _, label in classes)
    name = s.made.name if s.made else f"{column.name} class"
    edges = (None, *(start for start, _ in classes[1:]), None)
    return [q.Cut(name=name, of=expr(column), edges=edges, labels=labels, right="<=" in s.clause.text)]


def _derive(s: _Step) -> _Done:
    """The formula of a column that the question makes."""
    text, names = s.clause.text, list(dict.fromkeys(expr(c) for c in s.own))
    names = names or [expr(c) for c in s.recent[:1] if re.search(r"\bits?\b", text)]
    body = formula[1].strip(" .'\"") if (formula := re.search(r"=\s*(.+)", text)) else ""
    sign = next((sign for sign, said in lexicon.section("signs").items() if re.search(said, text, re.I)), "")
    made = next((of.format(*names) for of, said in lexicon.section("functions").items()
                 if len(names) == 1 and re.search(said, text, re.I | re.S)), "")  # fmt: skip
    if names[1:] and re.fullmatch(r"[\w`\s+\-*/().%]+", body):
        made = body
        for column in sorted(s.own, key=lambda c: -len(c.name)):
            made = re.sub(rf"`?{re.escape(column.name).replace('_', '[_ ]')}`?", expr(column), made)
    elif names[1:] and (sign == "-" or re.search(r"\bsubtract\w*\b.*\bfrom\b", text, re.I)):
        b, a = names[:2] if re.search(r"\bsubtract\w*\b.*\bfrom\b", text, re.I) else names[1::-1]
        made = f"days({b}, {a})" if all(c.kind == "time" for c in s.own[:2]) else f"{a} - {b}"
    elif names[1:] and sign:
        made = f"({' + '.join(names)}) / {len(names)}" if sign == "mean" else f" {sign} ".join(names[: None if sign in "+*" else 2])  # fmt: skip
        times = re.search(r"(?:multiplied by|times|[*×]) ?(\d+(?:\.\d+)?)", text)
        made = f"({made}) * {times[1]}" if times and body == "" else made
    return [q.Derive(name=s.made.name, expr=made)] if s.made and made else None


def _outliers(s: _Step) -> _Done:
    if re.search(r"\b(?:not|never) (?:\w+ )?(?:remov|exclu|drop|delet|eliminat)", s.clause.text, re.I):
        return []
    if _says(s.clause, "after") or not (_says(s.clause, "outliers") or s.rule):
        return None
    return [q.RemoveOutliers(columns=tuple(c.name for c in s.own), rule=s.rule or q.Rule())]


def _recode(s: _Step) -> _Done:
    *values, other = [i.means for i in s.clause.items if i.code == "Q"] or [""]
    name = next(iter([*(c.name for c in s.columns if c.dtype == "new"), *(c.name for c in s.own)]), "")
    return [q.Recode(column=name, values=tuple((v, v) for v in values), other=other)] if values and name else None


_MADE = {"fill": _fill, "cut": _cut, "derive": _derive, "outliers": _outliers, "recode": _recode}
