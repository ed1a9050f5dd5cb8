"""Words that name a part of a column, or nearly one of its words: what no whole name and no value explains."""

from __future__ import annotations

import re
from collections.abc import Sequence

from graphs.questions.reader import lexicon
from graphs.questions.reader.linking import Column, Link, clipped, doers, of_another
from graphs.questions.reader.text import Word, name_words, root, stem

_PERIOD = r"( last| past| this| previous)? (day|week|month|quarter|year)$"


def parts(ws: Sequence[Word], free: Sequence[bool], columns: Sequence[Column]) -> list[Link]:
    """Where words that nothing else explains are part of one column's name, or nearly one of its words."""
    found, i = list[Link](), 0
    while i < len(ws):
        after = next((w.low for w in ws[i + 1 : i + 2]), "")  # what comes from where is no visit
        general = (ws[i].stem, after) in (("come", "from"), ("valu", "in"), ("valu", "of"), ("valu", "for"))
        named = free[i] and ws[i].content and ws[i].number is None and not general
        best = _best(ws, free, columns, i) if named else None
        found += [best] if best else []
        i = best.last + 1 if best else i + 1
    return found


def _best(ws: Sequence[Word], free: Sequence[bool], columns: Sequence[Column], i: int) -> Link | None:
    pieces = any(w.low == "many" for w in ws) and ws[i].stem in lexicon.says("sales")
    sold = any(c.stems & {stem(w) for w in lexicon.columns_of("quantity")} for c in columns)
    scored, ours = [], any(w.low in ("we", "us", "our") for w in ws)
    for column in (c for c in columns if c.dtype != "new"):
        unit = column.words[-1:] if len(column.words) > 1 and column.words[-1] in lexicon.some("units") else ()
        own = re.sub(_PERIOD, "", " ".join(_unbracketed(column))).split()
        names = {stem(w) for w in own if w not in lexicon.some("stop") and (w,) != unit}
        rated = not lexicon.holds("takings", column.words) or (sold and "price" in column.words)
        hit, last, at, left = 0.0, i, i, set(names)
        while at < len(ws) and at - last <= 2:
            near = ws[at].content and not doers(ws[at], column) and (free[at] or ws[at].low in column.words)
            near = near and not (pieces and sold and {"revenue", "price"} & set(own))  # how many were sold
            near = near and not of_another(ws[at], column, columns)
            grade = _kinship(ws[at], left, ours, own) if near else None
            paid = ws[at].stem in lexicon.says("takings") | lexicon.says("outgoings")
            other = rated or column.kind != "number"  # no price of a piece, and not how it is paid
            if grade and not (other and grade[0] < 1 and paid):
                hit, last = hit + grade[0], at
                left.discard(grade[1])
            elif at == i or ws[at].low not in lexicon.some("stop") - {"by", "per"}:
                break
            at += 1
        met, events = {w.low for w in ws[i : last + 1] if w.content}, lexicon.some("events")
        flag = column.kind == "bool" and len(names) > 1  # clients are no repeat clients
        whose = {column.owner, column.owner + "s"} if column.owner else set()  # guests, and not the guest_country
        general = lexicon.harmless() | lexicon.some("rows", "people") | events if flag else whose
        heads = lexicon.some("keys", "heads")
        about = column.words[1:] and column.words[0] + "s" in met and column.words[-1] not in heads
        general = events if column.kind == "time" or (about and met <= events) else general
        files = {stem(w) for w in name_words(column.file)} if column.words[-1] == "type" else set[str]()
        rows = met <= general or {stem(w) for w in met} <= files  # readings, no reading_date; houses, no house_type
        if hit and not rows:
            rank = column.words[-1] == "rank"  # happiness is rather its score
            scored.append((hit, hit / len(names), -rank - len(column.words), last, column))
    if not scored:
        return None
    hit, share, _, last, best = top = max(scored, key=lambda s: s[:3])
    also = tuple(s[4] for s in scored if s is not top and s[:2] == top[:2])
    if hit < 1 and also:
        return None
    ends = {stem(w) for w in (best.words[-1], *(best.words[:1] if best.kind == "bool" else ()))}
    if share < 0.45 and not ends & {w.stem for w in ws[i : last + 1]}:
        return None  # a word of the table, but no column's name
    return Link(i, last, "part" if hit >= 1 else "near", best, None, also)


def _unbracketed(column: Column) -> Sequence[str]:
    """The words of a column's name without a unit in brackets behind it: practice time, of Practice Time (min/week)."""
    name, units = re.match(r"(.*?)\s*(?:\(([^)]*)\))?$", column.name).groups("")  # type: ignore[union-attr]
    known = {unit for scale in lexicon.section("units").values() for unit in scale} | lexicon.some("units", "stop")
    return name_words(name) if name and {*name_words(units)} <= known else column.words


def _kinship(word: Word, names: set[str], ours: bool, own: Sequence[str]) -> tuple[float, str] | None:
    """How near a word is to one of a column's words, by their stems, and to which; `own`: these words in full."""
    if word.stem in names:
        return 1.0, word.stem
    for name in own:  # what we pay, in paid_eur; depth, in avg_dpth_m
        if stem(name) in names and (root(name) == root(word.low) or clipped(name, word.low)):
            return 1.0, stem(name)
    near = [(sure, n) for n, sure in lexicon.kin(ours).get(word.stem, {}).items() if n in names]
    if near:
        return max(near)
    if len(word.stem) < 5:
        return None
    from rapidfuzz import fuzz

    typed = (n for n in sorted(names) if len(n) >= 5 and fuzz.ratio(word.stem, n) >= 90)
    begun = (n for n in own if n in names and len(n) >= 4 and word.low.startswith(n))
    return next(((0.8, name) for name in (*typed, *begun)), None)
