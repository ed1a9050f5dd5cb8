"""What is done to the table before anything is computed: rows left out, gaps filled, columns made, scaled and cut."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from graphs.questions import query as q
from graphs.questions.reader.conditions import expr, plain
from graphs.questions.reader.items import Clause
from graphs.questions.reader.linking import Column
from graphs.questions.reader.text import stem

LEAVE = r"\b(?:drop|remov|exclud|ignor|delet|omit|eliminat|discard|disregard|skip|filter out)\w*|\b(?:not|n't) (?:include|consider|use|take)\w*|\bneglect\w*"
_GAPS = r"\bmissing|\bnull|\bnan\b|\bblank|\bempty|non[\s-]numeric|not (?:available|numeric)|\bcannot be converted"
_ASKS = r"\W*(?:then|finally|next|also|and|,|\s)*(?:calculate|compute|find|determine|report|return|what|how|which|give|show|compare)\b"
_FILL = r"\b(?:fill|imput|replac)\w*"


def read(
    clause: Clause, columns: Sequence[Column], rule: q.Rule | None, recent: Sequence[Column], pending: Sequence[Column]
) -> tuple[list[q.Step], bool]:
    """The steps that a clause describes, and whether it says nothing else."""
    text = clause.text
    named = [i.column for i in clause.items if i.code in "CE" and i.means is not None and (i.code == "C" or not i.used)]
    own = [c for c in named if c.dtype != "new"]
    made = next((c for c in named if c.dtype == "new"), None)
    if (re.match(_ASKS, text, re.I) or set("RH") & set(codes(clause))) and not (
        made is not None and codes(clause)[:2] in ("vC", "aC")
    ):
        own, made, recent = [], None, []
    plainly = [i.column for i in clause.items if i.code == "C" and i.column in own]
    own = plainly or own
    if made is None and own and len(pending) == 1 and not re.match(_ASKS, text, re.I):
        made = pending[0]
    names = tuple(dict.fromkeys(c.name for c in own))
    steps = list[q.Step]()
    if re.search(_FILL, text, re.I) and (re.search(_GAPS + r"|imput", text, re.I)) and (own or recent):
        steps += _fill(text, own or recent)
    elif (cut := _cut(clause, made, own, columns)) is not None:
        steps.append(cut)
    elif made is not None and (derived := _derive(clause, made, own)) is not None:
        steps.append(derived)
    elif re.search(r"\bduplicate", text, re.I) and re.search(LEAVE + r"|dedup", text, re.I):
        steps.append(q.DropDuplicates(columns=names))
    elif re.search(r"outlier|\b(?:them|these (?:values|points|rows))\b" if rule else "outlier", text, re.I) and re.search(r"\b(remov|drop|exclud|delet|eliminat|filter)\w*", text, re.I) and not re.search(
        r"\bafter\b", text, re.I):  # fmt: skip
        steps.append(q.RemoveOutliers(columns=names, rule=rule or q.Rule()))
    elif (re.search(LEAVE, text, re.I) and re.search(_GAPS, text, re.I)) or re.search(
        r"\b(?:not|n't|exclude|ignore)\b.*\bwithout\b", text, re.I):  # fmt: skip
        if names:
            steps.append(q.DropMissing(columns=names))
        elif re.search(r"\b(?:drop|remov|delet)\w*\b.*\brows\b|in any column", text, re.I):
            steps.append(q.DropMissing())
        clause.mark(0, len(text))
    elif re.search(r"\blabel[\s-]encod|\bencod\w+|one[\s-]hot|dumm(?:y|ies)|\bbinary\b", text, re.I) and own:
        steps += _encode(clause, own)
    elif (
        re.search(
            r"min[\s-]?max|\bnormali[sz]\w+|standardi[sz]\w+|z[\s-]score normal|\bscal(?:e|ing)\b|log[\s-]transform",
            text,
            re.I,
        )
        and own
    ):
        steps.append(_scale(text, names))
    elif re.search(r"\bconvert\w*\b.*\b(?:numeric|numbers?|float|integers?)\b", text, re.I) and own:
        steps.append(q.Convert(columns=names, to="number"))
    elif re.search(r"\bhandl\w*\b", text, re.I) and re.search(_GAPS, text, re.I):
        clause.mark(0, len(text))  # how is said elsewhere
        return [], True
    elif re.search(r"\b(?:infinit|divisions? by zero)", text, re.I):
        clause.mark(0, len(text))
        return [], True
    elif (
        re.search(r"\breplac\w*\b", text, re.I)
        and (listed := [i.means for i in clause.items if i.code == "Q"])
        and len(listed) > 1
    ):
        name = next((c.name for c in columns if c.dtype == "new"), names[0] if names else "")
        steps += [q.Recode(column=name, values=tuple((v, v) for v in listed[:-1]), other=listed[-1])] if name else []
    if steps:
        clause.mark(0, len(text))
    return steps, bool(steps) or all(i.used for i in clause.items)


def codes(clause: Clause) -> str:
    """The letters of a clause's items, read or not, without commas and conjunctions before it."""
    return "".join(i.code for i in clause.items).lstrip("cai")


def _fill(text: str, columns: Sequence[Column]) -> list[q.Step]:
    """Gaps filled; where a mean and a mode are named, numbers take the one and words the other."""
    ways = {"median": "median", "mean": r"\bmeans?\b|average", "mode": "mode|most (?:common|frequent)",
            "forward": "forward|ffill|previous", "backward": "backward|bfill", "interpolate": "interpolat"}  # fmt: skip
    said: list[Any] = [way for way, pattern in ways.items() if re.search(pattern, text, re.I)]
    names = tuple(c.name for c in columns)
    number = re.search(r"\b(?:with|by) (?:the value )?['\"]?(zero|-?\d+(?:\.\d+)?|[A-Z]\w+)", text)
    if not said and number:
        value: Any = 0 if number[1] == "zero" else number[1]
        value = plain(float(value)) if re.fullmatch(r"-?[\d.]+", str(value)) else value
        return [q.Fill(columns=names, how="value", value=value)]
    if len(said) > 1 and "mode" in said:
        numbers = tuple(c.name for c in columns if c.kind == "number")
        words = tuple(n for n in names if n not in numbers)
        return [q.Fill(columns=c, how=how) for c, how in ((numbers, said[0]), (words, "mode")) if c]
    return [q.Fill(columns=names, how=next(iter(said), "mean"))]


def _cut(clause: Clause, made: Column | None, own: Sequence[Column], columns: Sequence[Column]) -> q.Cut | None:
    """Named classes with their edges: 'Child' (0-12), 'Elderly' (60 and above); low (below 50)."""
    text = clause.text
    number = r"(\d[\d,]*(?:\.\d+)?)"
    bound = rf"{number}\s*(?:-|–|to|and)\s*{number}|(?:above|over|>=?|at least|more than|greater than|from)\s*{number}|(?:below|under|<=?|less than|up to|at most)\s*{number}|{number}\s*(?:\+|(?:\w+ ){{0,3}}(?:and|or) (?:above|over|older|more))"
    pieces = re.findall(
        rf"['\"“‘]?([A-Za-z][\w \-]*?)['\"”’]?\s*(?:\(|:|=|for|if)\s*(?:ages?|aged|between|from)?\s*(?:{bound})", text
    )
    if len(pieces) < 2:
        return None
    edges: list[float | None] = []
    labels = []
    spans = []
    for label, low, high, above, below, plus in pieces:

        def value(s: str) -> float | None:
            return float(s.replace(",", "")) if s else None

        start = value(low) if low else value(above or plus)
        spans.append(
            (
                start if start is not None else float("-inf"),
                value(high) or value(below),
                label.split(" and ")[-1].strip(" ,"),
            )
        )
    spans.sort(key=lambda s: s[0])
    for n, (start, _end, label) in enumerate(spans):
        edges.append(None if n == 0 else start)
        labels.append(re.sub(r"^(?:and|or|groups?|into)\s+", "", label))
    edges.append(None)
    stems = {stem(w) for w in made.words} if made else set()
    alike = [c for c in columns if c.kind == "number" and c.dtype != "new" and {stem(w) for w in c.words} <= stems]
    column = next(iter(alike), next((c for c in own if c.kind == "number" and not c.key), None))
    if column is None:
        return None
    return q.Cut(
        name=made.name if made else f"{column.name} class", of=expr(column), edges=tuple(edges), labels=tuple(labels)
    )


def _derive(clause: Clause, made: Column, own: Sequence[Column]) -> q.Derive | None:
    text = clause.text
    names = list(dict.fromkeys(expr(c) for c in own))
    formula = re.search(r"=\s*(.+)", text)
    if formula and len(names) >= 2:
        body = formula[1]
        for column in sorted(own, key=lambda c: -len(c.name)):
            body = re.sub(re.escape(column.name), expr(column), body)
        if re.fullmatch(r"[\w`\s+\-*/().%]+", body.strip(" .'\"")):
            return q.Derive(name=made.name, expr=body.strip(" .'\""))
    if len(names) >= 2:
        a, b = names[:2]
        if re.search(r"\bsubtract\w*\b.*\bfrom\b", text, re.I):
            dated = all(c.kind == "time" for c in own[:2])
            return q.Derive(name=made.name, expr=f"days({a}, {b})" if dated else f"{b} - {a}")
        for said, sign in ((r"\bratio|divid|\bper\b|quotient", "/"), (r"\bproduct|multipl", "*"),
                           (r"\bdifference|minus|subtract", "-"), (r"\bsum|\badd|combin|plus|total", "+")):  # fmt: skip
            if re.search(said, text, re.I):
                if sign == "-" and all(c.kind == "time" for c in own[:2]):
                    return q.Derive(name=made.name, expr=f"days({b}, {a})")
                return q.Derive(name=made.name, expr=f" {sign} ".join(names if sign in "+*" else names[:2]))
        if re.search(r"\b(?:mean|average)\b", text, re.I):
            return q.Derive(name=made.name, expr=f"({' + '.join(names)}) / {len(names)}")
        return None
    if len(names) == 1:
        for grain in ("hour", "year", "month", "weekday", "day", "quarter"):
            if re.search(rf"\b{grain}\b", text, re.I) and re.search(r"extract|represent|from", text, re.I):
                return q.Derive(name=made.name, expr=f"{grain}({names[0]})")
        if re.search(r"\blog", text, re.I):
            return q.Derive(name=made.name, expr=f"log({names[0]})")
        if re.search(r"\bsquared?\b", text, re.I):
            return q.Derive(name=made.name, expr=f"{names[0]} ** 2")
        if re.search(r"\blength\b|number of characters", text, re.I):
            return q.Derive(name=made.name, expr=f"len({names[0]})")
        if re.search(r"\bextract\w*|\btitle\b", text, re.I):
            return q.Derive(name=made.name, expr=f"extract({names[0]}, '([^\\\\s,.]+\\\\.)')")
    return None


def _encode(clause: Clause, own: Sequence[Column]) -> list[q.Step]:
    text = clause.text
    pairs = re.findall(
        r"['\"“]?(\w+)['\"”]? (?:is |are )?(?:coded |encoded |mapped |represented )?(?:as|is|to|by|=|being)\s*['\"]?(\d)\b",
        text,
    )
    by_value = {v.casefold(): (c, v) for c in own for v in c.values}
    found: dict[str, list[tuple[str, float]]] = {}
    for word, number in pairs:
        if word.casefold() in by_value:
            column, value = by_value[word.casefold()]
            found.setdefault(column.name, []).append((value, float(number)))
    if found:
        return [q.Recode(column=name, values=tuple((v, plain(n)) for v, n in many)) for name, many in found.items()]
    names = tuple(dict.fromkeys(c.name for c in own))
    return [q.Encode(columns=names, how="onehot" if re.search(r"one[\s-]hot|dumm", text, re.I) else "label")]


def _scale(text: str, names: tuple[str, ...]) -> q.Scale:
    z = re.search(r"standardi[sz]|z[\s-]?score", text, re.I)
    log = re.search(r"log[\s-]transform|\blog\b", text, re.I)
    return q.Scale(columns=names, how="log" if log else "z" if z else "minmax")
