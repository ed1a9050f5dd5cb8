"""What is done to the table before anything is computed: rows left out, gaps filled, columns made, scaled and cut."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from graphs.questions import query as q
from graphs.questions.reader import lexicon
from graphs.questions.reader.conditions import expr, plain
from graphs.questions.reader.items import Clause
from graphs.questions.reader.linking import Column

LEAVE: str = lexicon.section("steps")["leave"]


def read(
    clause: Clause, columns: Sequence[Column], rule: q.Rule | None, recent: Sequence[Column], pending: Sequence[Column]
) -> tuple[list[q.Step], bool]:
    """The steps that a clause describes, and whether it says nothing else."""
    named = [i.column for i in clause.items if i.code in "CE" and i.means is not None and (i.code == "C" or not i.used)]
    own = [c for c in named if c.dtype != "new"]
    made = next((c for c in named if c.dtype == "new"), None)
    begins = codes(clause)[:2] in ("vC", "aC")
    if (_said("asks", clause.text) or set("RH") & set(codes(clause))) and not (made is not None and begins):
        own, made, recent = [], None, []
    own = [i.column for i in clause.items if i.code == "C" and i.column in own] or own
    if made is None and own and len(pending) == 1 and not _said("asks", clause.text):
        made = pending[0]
    steps = _steps(clause, columns, own, made, rule, recent)
    if steps is not None:
        clause.mark(0, len(clause.text))
    return steps or [], steps is not None or all(i.used for i in clause.items)


def _said(name: str, text: str) -> re.Match[str] | None:
    return re.search(lexicon.section("steps")[name], text, re.I)


def _steps(
    clause: Clause, columns: Sequence[Column], own: Sequence[Column], made: Column | None, rule: q.Rule | None,
    recent: Sequence[Column],
) -> list[q.Step] | None:  # fmt: skip
    """The steps; none where the clause says what is said elsewhere or needs no step, None where it is no step."""
    text, names = clause.text, tuple(dict.fromkeys(c.name for c in own))
    leaves, gaps = _said("leave", text), _said("gaps", text)
    if _said("fill", text) and (gaps or "imput" in text.casefold()) and (own or recent):
        return _fill(text, own or recent)
    if (cut := _cut(text, made, own, columns)) is not None:
        return [cut]
    if made is not None and (derived := _derive(text, made, own)) is not None:
        return [derived]
    if _said("duplicates", text) and (leaves or "dedup" in text):
        return [q.DropDuplicates(columns=names)]
    pointed = "outlier" in text.casefold() or (rule is not None and _said("them", text))
    if pointed and _said("remove", text) and not re.search(r"\bafter\b", text, re.I):
        return [q.RemoveOutliers(columns=names, rule=rule or q.Rule())]
    if (leaves and gaps) or _said("without", text):
        return [q.DropMissing(columns=names)] if names or _said("rows", text) else []
    if own and _said("encode", text):
        return _encode(text, own)
    if own and _said("scale", text):
        how: Any = "log" if _said("log", text) else "z" if _said("z", text) else "minmax"
        return [q.Scale(columns=names, how=how)]
    if own and _said("convert", text):
        return [q.Convert(columns=names, to="number")]
    if (_said("handle", text) and gaps) or _said("infinite", text):
        return []
    listed = [i.means for i in clause.items if i.code == "Q"]
    name = next((c.name for c in columns if c.dtype == "new"), names[0] if names else "")
    if _said("replace", text) and listed[1:] and name:
        return [q.Recode(column=name, values=tuple((v, v) for v in listed[:-1]), other=listed[-1])]
    return None


def codes(clause: Clause) -> str:
    """The letters of a clause's items, read or not, without commas and conjunctions before it."""
    return "".join(i.code for i in clause.items).lstrip("cai")


def _fill(text: str, columns: Sequence[Column]) -> list[q.Step]:
    """Gaps filled; where a mean and a mode are named, numbers take the one and words the other."""
    said: list[Any] = [way for way, pattern in lexicon.section("fills").items() if re.search(pattern, text, re.I)]
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


def _cut(text: str, made: Column | None, own: Sequence[Column], columns: Sequence[Column]) -> q.Cut | None:
    """Named classes with their edges: 'Child' (0-12), 'Elderly' (60 and above); low (below 50)."""
    pieces = re.findall(lexicon.section("steps")["class"], text)
    stems = made.stems if made else frozenset()
    alike = [c for c in columns if c.kind == "number" and c.dtype != "new" and c.stems <= stems]
    column = next(iter([*alike, *(c for c in own if c.kind == "number" and not c.key)]), None)
    if len(pieces) < 2 or column is None:
        return None
    classes = sorted(
        (float((low or above or plus or "-inf").replace(",", "")), label.split(" and ")[-1].strip(" ,"))
        for label, low, above, plus in pieces
    )
    labels = tuple(re.sub(r"^(?:and|or|groups?|into)\s+", "", label) for _, label in classes)
    name = made.name if made else f"{column.name} class"
    return q.Cut(name=name, of=expr(column), edges=(None, *(start for start, _ in classes[1:]), None), labels=labels)


def _derive(text: str, made: Column, own: Sequence[Column]) -> q.Derive | None:
    """The formula of a column that the question makes."""
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
        backward = re.search(r"\bsubtract\w*\b.*\bfrom\b", text, re.I)
        sign = next((s for s, said in lexicon.section("signs").items() if re.search(said, text, re.I)), "")
        if backward or sign == "-":
            if all(c.kind == "time" for c in own[:2]):
                return q.Derive(name=made.name, expr=f"days({a}, {b})" if backward else f"days({b}, {a})")
            return q.Derive(name=made.name, expr=f"{b} - {a}" if backward else f"{a} - {b}")
        if sign == "mean":
            return q.Derive(name=made.name, expr=f"({' + '.join(names)}) / {len(names)}")
        return q.Derive(name=made.name, expr=f" {sign} ".join(names if sign in "+*" else names[:2])) if sign else None
    for made_of, said in lexicon.section("functions").items() if names else ():
        if re.search(said, text, re.I | re.S):
            return q.Derive(name=made.name, expr=made_of.format(names[0]))
    return None


def _encode(text: str, own: Sequence[Column]) -> list[q.Step]:
    """Words as numbers: as the question lists them, else a column for each level, or codes."""
    by_value = {v.casefold(): (c.name, v) for c in own for v in c.values}
    found: dict[str, list[tuple[str, float]]] = {}
    for word, number in re.findall(lexicon.section("steps")["coded"], text):
        if word.casefold() in by_value:
            column, value = by_value[word.casefold()]
            found.setdefault(column, []).append((value, plain(float(number))))
    if found:
        return [q.Recode(column=name, values=tuple(many)) for name, many in found.items()]
    names = tuple(dict.fromkeys(c.name for c in own))
    return [q.Encode(columns=names, how="onehot" if _said("onehot", text) else "label")]
