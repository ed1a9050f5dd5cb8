"""Words that name a part of a column, or nearly one of its words: what no whole name and no value explains."""

from __future__ import annotations

import re
from collections.abc import Sequence

from graphs.questions.reader import lexicon
from graphs.questions.reader.linking import Column, Link, clipped, of_another
from graphs.questions.reader.text import Word, name_words, root, stem
from notebooks.toolkit.naming import name_and_unit


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
    """The column of which a word, and those that follow it, name the largest part."""
    scored, ours = [], any(w.low in ("we", "us", "our") for w in ws)
    for column in (c for c in columns if c.dtype != "new"):
        own = _own(column)
        names = {stem(w) for w in own}
        hit, last, at, left = 0.0, i, i, set(names)
        while at < len(ws) and at - last <= 2:
            near = ws[at].content and (free[at] or ws[at].low in column.words)
            near = near and not of_another(ws[at], column, columns) and not _priced(ws, at, column)
            if grade := _kinship(ws[at], left, ours, own) if near else None:
                hit, last = hit + grade[0], at
                left.discard(grade[1])
            elif at == i or ws[at].low not in lexicon.some("stop") - {"by", "per"}:
                break
            at += 1
        if hit and not _of_rows({w.low for w in ws[i : last + 1] if w.content}, column):
            rank = column.words[-1] == "rank"  # happiness is rather its score
            scored.append((hit, hit / len(names), -rank - len(column.words), last, column))
    if not scored:
        return None
    hit, share, _, last, best = top = max(scored, key=lambda s: s[:3])
    also = tuple(s[4] for s in scored if s is not top and s[:2] == top[:2])
    ends = {stem(w) for w in (best.words[-1], *(best.words[:1] if best.kind == "bool" else ()))}
    if (hit < 1 and also) or (share < 0.45 and not ends & {w.stem for w in ws[i : last + 1]}):
        return None  # a word of the table, but no column's name
    return Link(i, last, "part" if hit >= 1 else "near", best, None, also)


def _own(column: Column) -> list[str]:
    """The words that say what a column is of: without a period, a unit, or one in brackets behind."""
    said = (
        name_words(re.sub(r"\s*\([^)]*\)$", "", column.name)) or column.words
    )  # donations, of trips, and no miles (round trip)
    measured = said[1:] and (said[-1] in lexicon.some("units") or name_and_unit(column.name)[1][:1] == "°")
    said = tuple(map(lexicon.in_full, said[:-1] if measured else said))
    own = re.sub(lexicon.form("of_period"), "", " ".join(said)).split()
    return [w for w in own if w not in lexicon.some("stop") and not w[0].isdigit() and len(w) > 1]  # rain, of rain_48h


def _priced(ws: Sequence[Word], at: int, column: Column) -> bool:
    """Whether a word of what is taken or paid is no name of a column: the price of a piece, or how it is paid."""
    if ws[at].low == "units" and column.words[:1] == ("unit",):
        return True  # units, and not the cost of one
    if ws[at].stem in lexicon.says("sales") and (any(w.low == "many" for w in ws) or "unit" in column.words):
        return bool({"revenue", "price"} & set(column.words))  # how many were sold; of one, whether many were
    money = ws[at].stem in lexicon.says("takings") | lexicon.says("outgoings")
    lasts = column.words[1:2] == ("to",) and ws[at].stem in lexicon.says("income")
    rate = lasts or not lexicon.holds("takings", column.words)  # and no wages are days to pay
    return (money or lasts) and ws[at].stem not in column.stems and (rate or column.kind != "number")


def _of_rows(met: set[str], column: Column) -> bool:
    """Whether words name the rows, or those of whom they are, rather than a column: no house_type, no reading_date."""
    events = lexicon.some("events")
    if column.kind == "bool" and column.words[1:]:  # clients are no repeat clients
        return met <= lexicon.harmless() | lexicon.some("rows", "people") | events
    if column.kind == "bool" and not {stem(w) for w in met} & column.stems:
        return met <= events  # visits, and not whether one attended
    general = (lexicon.some("types") | {"style", "date", "time"}) & set(column.words)
    files = {stem(w) for w in name_words(column.file)} if general else set[str]()
    if column.kind == "time":
        return met <= events or {stem(w) for w in met} <= files
    about = column.words[1:] and column.words[-1] not in lexicon.some("keys", "heads")  # orders, and no order_value
    if column.kind == "number" and column.words[-1] == "size":
        return met <= {column.words[0] + "s"}  # teams are no team size
    whose = {column.owner, column.owner + "s"} | ({column.words[0] + "s"} & events if about else set())
    return met <= whose or {stem(w) for w in met} <= files


def _kinship(word: Word, names: set[str], ours: bool, own: Sequence[str]) -> tuple[float, str] | None:
    """How near a word is to one of a column's words, by their stems, and to which; `own`: these words in full."""
    if word.stem in names:
        return 1.0, word.stem
    for name in own:  # what we pay, in paid_eur; depth, in avg_dpth_m
        if stem(name) in names and (root(name) == root(word.low) or clipped(name, word.low)):
            return 1.0, stem(name)
    near = [(sure, n) for n, sure in lexicon.kin(ours).get(word.stem, {}).items() if n in names]
    if near or len(word.stem) < 5:
        return max(near, default=None)
    from rapidfuzz import fuzz

    typed = (n for n in sorted(names) if len(n) >= 5 and fuzz.ratio(word.stem, n) >= 90)
    begun = (n for n in own if n in names and len(n) >= 4 and word.low.startswith(n))
    return next(((0.8, name) for name in (*typed, *begun)), None)
