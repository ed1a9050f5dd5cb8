"""Words that name a part of a column, or nearly one of its words: what no whole name and no value explains."""

from __future__ import annotations

import re
from collections.abc import Sequence

from graphs.questions.reader import lexicon
from graphs.questions.reader.linking import Column, Link, clipped, doers
from graphs.questions.reader.text import Word, name_words, root, stem

_PERIOD = r"( last| past| this| previous)? (day|week|month|quarter|year)$"


def parts(ws: Sequence[Word], free: Sequence[bool], columns: Sequence[Column]) -> list[Link]:
    """Where words that nothing else explains are part of one column's name, or nearly one of its words."""
    found, i = [], 0
    while i < len(ws):
        after = next((w.low for w in ws[i + 1 : i + 2]), "")  # what comes from where is no visit
        general = (ws[i].stem, after) in (("come", "from"), ("valu", "in"), ("valu", "of"), ("valu", "for"))
        if not free[i] or not ws[i].content or ws[i].number is not None or general:
            i += 1
            continue
        best = _best(ws, free, columns, i)
        if best is None:
            i += 1
            continue
        found.append(best)
        i = best.last + 1
    return found


def _best(ws: Sequence[Word], free: Sequence[bool], columns: Sequence[Column], i: int) -> Link | None:
    sold = any(c.stems & {stem(w) for w in lexicon.columns_of("quantity")} for c in columns)
    scored, ours = [], any(w.low in ("we", "us", "our") for w in ws)
    for column in (c for c in columns if c.dtype != "new"):
        unit = column.words[-1:] if len(column.words) > 1 and column.words[-1] in lexicon.some("units") else ()
        own = re.sub(_PERIOD, "", " ".join(_unbracketed(column))).split()
        names = {stem(w) for w in own if w not in lexicon.some("stop") and (w,) != unit}
        hit, last, at, left = 0.0, i, i, set(names)
        while at < len(ws) and at - last <= 2:
            near = ws[at].content and not doers(ws[at], column) and (free[at] or ws[at].low in column.words)
            grade = _kinship(ws[at], left, ours, own) if near else None
            rated = not lexicon.holds("takings", column.words) or (sold and "price" in column.words)
            paid = ws[at].stem in lexicon.says("takings") | lexicon.says("outgoings")
            if grade and not (rated and grade[0] < 1 and paid):  # no price of a piece
                hit, last = hit + grade[0], at
                left.discard(grade[1])
            elif at == i or ws[at].low not in lexicon.some("stop") - {"by", "per"}:
                break
            at += 1
        met = {w.low for w in ws[i : last + 1] if w.content}
        nouns = lexicon.some("rows", "people", "events")
        if column.kind == "bool" and len(names) > 1 and met <= lexicon.harmless() | nouns:
            continue  # who came in has not come back, and clients are no repeat clients
        about = (
            column.words[1:] and column.words[0] + "s" in met and column.words[-1] not in lexicon.some("keys", "heads")
        )
        if (column.kind == "time" or about) and met <= lexicon.some("events"):
            continue  # readings, and not their reading_date; orders, and not the order_value
        if column.owner and met <= {column.owner, column.owner + "s"}:
            continue  # guests, and not the guest_country
        if hit:
            rank = column.words[-1] == "rank"  # happiness is rather its score
            scored.append((hit, hit / len(names), -rank - len(column.words), last, column))
    if not scored:
        return None
    scored.sort(key=lambda s: s[:3], reverse=True)
    top = scored[0]
    also = tuple(s[4] for s in scored[1:] if s[:2] == top[:2])
    if top[0] < 1 and also:
        return None
    ends = {
        stem(top[4].words[-1]),
        *(map(stem, top[4].words[:1]) if top[4].kind == "bool" else ()),
    }  # readmitted, of … within 30 days
    if top[1] < 0.45 and not ends & {ws[n].stem for n in range(i, top[3] + 1)}:
        return None  # a word of the table, but no column's name
    return Link(i, top[3], "part" if top[0] >= 1 else "near", top[4], None, also)


def _unbracketed(column: Column) -> Sequence[str]:
    """The words of a column's name without a unit in brackets behind it: practice time, of Practice Time (min/week)."""
    name, units = re.match(r"(.*?)\s*(?:\(([^)]*)\))?$", column.name).groups("")  # type: ignore[union-attr]
    known = {unit for scale in lexicon.section("units").values() for unit in scale} | lexicon.some("units", "stop")
    return name_words(name) if name and {*name_words(units)} <= known else column.words


def _kinship(word: Word, names: set[str], ours: bool, own: Sequence[str]) -> tuple[float, str] | None:
    """How near a word is to one of a column's words, by their stems, and to which; `own`: these words in full."""
    if word.stem in names:
        return 1.0, word.stem
    if same := next((stem(w) for w in own if stem(w) in names and root(w) == root(word.low)), ""):
        return 1.0, same  # what we pay, in paid_eur
    if whole := next((stem(w) for w in own if stem(w) in names and clipped(w, word.low)), ""):
        return 1.0, whole  # depth, in avg_dpth_m
    near = {n: sure for n, sure in lexicon.kin(ours).get(word.stem, {}).items() if n in names}
    if near:
        best = max(near, key=lambda n: (near[n], n))
        return near[best], best
    if len(word.stem) >= 5:
        from rapidfuzz import fuzz

        for name in names:
            if len(name) < 5:
                continue
            if fuzz.ratio(word.stem, name) >= 90:
                return 0.8, name
        short = next((n for n in names & set(own) if len(n) >= 4 and word.low.startswith(n)), None)
        return (0.8, short) if short else None
    return None
