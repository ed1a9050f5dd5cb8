"""The words of a sentence as items: columns, values, numbers, times, and the words of the lexicon."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphs.questions.reader import lexicon, linking
from graphs.questions.reader.linking import Column, Link
from graphs.questions.reader.text import Word, name_words, stem

_TIER = {"quoted": 7, "full": 6, "short": 5, "value": 4, "part": 1, "near": 0}
_YEAR = re.compile(r"(1[5-9]|20)\d\d")


@dataclass
class Item:
    """One item: its letter in the shape, the words it is made of, and what it means."""

    code: str
    first: int
    last: int
    means: Any = None
    also: tuple[Column, ...] = ()
    used: bool = False
    sure: bool = True

    @property
    def column(self) -> Column:
        """The column of an item that is one."""
        assert isinstance(self.means, Column)
        return self.means


@dataclass
class Clause:
    """The items of one clause, and which words have been read."""

    words: list[Word]
    items: list[Item]
    part: int = 0
    asks: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The clause as it was written, in single spaces."""
        return _written(self.words)

    @property
    def shape(self) -> str:
        """A letter for each item; what has been read is a dot."""
        return "".join("." if i.used else i.code for i in self.items)

    def find(self, pattern: str) -> Iterator[list[list[Item]]]:
        """The stretches of the shape that meet a pattern, each as the items of its groups (the whole first)."""
        at = 0
        while match := re.compile(pattern).search(self.shape, at):
            yield [self.items[match.start(n) : match.end(n)] if match.start(n) >= 0 else []
                   for n in range((match.re.groups or 0) + 1)]  # fmt: skip
            at = max(match.end(), at + 1)

    def says(self, pattern: str) -> re.Match[str] | None:
        """Where the clause's words meet a pattern; the items there are read."""
        match = re.search(pattern, self.text, re.I)
        if match:
            self.mark(match.start(), match.end())
        return match

    def mark(self, start: int, end: int) -> None:
        """Have the items within these places of `text` read."""
        ends, at = [], 0
        for n, word in enumerate(self.words):
            gap = bool(n) and word.start > self.words[n - 1].end
            at += gap
            ends.append((at, at + len(word.text)))
            at += len(word.text)
        for item in self.items:
            if start < ends[item.last][1] and ends[item.first][0] < end:
                item.used = True

    def of(self, code: str) -> list[Item]:
        """The items with one of these letters that have not been read."""
        return [i for i in self.items if i.code in code and not i.used]

    def written(self, items: Sequence[Item]) -> str:
        """The words of some items."""
        return _written([w for i in items for w in self.words[i.first : i.last + 1]])


def _written(ws: Sequence[Word]) -> str:
    text = ""
    for n, word in enumerate(ws):
        text += (" " if n and word.start > ws[n - 1].end else "") + word.text
    return text


def itemise(ws: list[Word], columns: Sequence[Column], files: Sequence[str], last: str | None) -> list[Item]:
    """The items of a sentence, in order; the words of the question that name nothing known are `U`, those that may be
    passed over `x`."""
    exact, stems = lexicon.phrases()
    common = frozenset(k[0] for k in exact if len(k) == 1)
    spans: list[tuple[tuple[int, int, int], Item]] = []
    for link in [*linking.full_names(ws, columns, common), *linking.values(ws, columns, common)]:
        length = sum(w.content for w in ws[link.first : link.last + 1])
        spans.append(((link.how == "quoted", length, _TIER[link.how]), _linked(link)))
    for n in range(len(ws)):
        for length in range(min(7, len(ws) - n), 0, -1):
            key = tuple(w.low for w in ws[n : n + length])
            met = exact.get(key) or (stems.get(tuple(stem(k) for k in key)) if len(key[0]) > 2 else None)
            rated = n > 1 or (n + 1 < len(ws) and ws[n + 1].low in ("rate", "rates"))
            if met and met[0] == "v" and rated and any(stem(key[-1]) in map(stem, c.words) for c in columns):
                break  # "the return rate", where a column says whether it was returned
            if met and not _blocked(key):
                tier = 3 if length > 1 or met[0].isupper() else 2
                spans.append(((0, length, tier), Item(met[0], n, n + length - 1, met[1])))
                break
        for length, period in _periods(ws, n, last):
            spans.append(((0, length + (length > 1), 6), Item("T", n, n + length - 1, period)))
    spans.sort(key=lambda s: (s[0], -s[1].first), reverse=True)
    taken = [False] * len(ws)
    items = list[Item]()
    for _, item in spans:
        if not any(taken[item.first : item.last + 1]):
            items.append(item)
            taken[item.first : item.last + 1] = [True] * (item.last - item.first + 1)
    for quote in {w.quote for w in ws} - {0}:
        inside = [n for n, w in enumerate(ws) if w.quote == quote]
        if not all(taken[n] for n in inside if ws[n].content) or not any(
            i.code in "CEV" and inside[0] <= i.first <= inside[-1] for i in items
        ):
            items = [i for i in items if not inside[0] <= i.first <= inside[-1]]
            text = _written([ws[n] for n in inside])
            code = "x" if re.search(r"\w\(", text) else "m" if re.fullmatch(r"(?i)nan|null|none|na|n/a", text) else "Q"
            items.append(Item(code, inside[0], inside[-1], text))
            for n in inside:
                taken[n] = True
    free = [not t for t in taken]
    named = {i.last for i in items if i.code in "CE"}
    for link in linking.parts(ws, free, columns):
        trails = (
            link.how == "part" and link.first == link.last and link.first - 1 in named
        )  # "score" in "the life expectancy score"
        items.append(Item("x", link.first, link.last) if trails else _linked(link))
        for n in range(link.first, link.last + 1):
            free[n] = False
    names = {stem(w) for f in files for w in name_words(f.rsplit(".", 1)[0])}
    rows = lexicon.some("rows", "people", "events")
    prefixes = {
        m[0].lower()
        for c in columns
        if c.key and (m := re.match(r"[A-Za-z]{2,}(?=[-_]?\d{3})", str((c.examples or ("",))[0])))
    }
    for n, word in enumerate(ws):
        if not free[n]:
            continue
        if word.number is not None:
            items.append(Item("N", n, n, _figure(ws, n)))
        elif word.low in ("once", "twice"):
            items.append(Item("#", n, n, 1 + (word.low == "twice")))
        elif word.low in lexicon.listed("numbers")[2:]:
            items.append(Item("N", n, n, float(lexicon.listed("numbers").index(word.low))))
        elif word.low in lexicon.listed("ordinals"):
            items.append(Item("1", n, n, float(lexicon.listed("ordinals").index(word.low))))
        elif word.text in "$€£%":
            items.append(Item("x", n, n))
        elif word.content:
            known = (
                word.low in rows
                or (word.stem in names and len(word.stem) > 2)
                or any(word.low.startswith(p) for p in prefixes)
            )
            code = (
                "E" if known and word.low not in lexicon.harmless() else "x" if _silent(word) else "E" if known else "U"
            )
            items.append(Item(code, n, n))
    made = [c for c in columns if c.dtype == "new"]
    for n, word in enumerate(ws[:-1]):  # "this new feature"
        noun = ws[n + 1].low in ("feature", "column", "variable", "attribute")
        if word.low == "new" and noun and len(made) == 1 and not any(i.means == made[0] for i in items):
            items = [i for i in items if not i.first <= n + 1 <= i.last and not i.first <= n <= i.last]
            items.append(Item("C", n, n + 1, made[0]))
    for item in items:  # "each category", where the question makes one
        general = stem(ws[item.last].low) in ("group", "categori", "bin", "class", "bucket", "bracket")
        if general and item.code in "UE" and item.means is None and len(made) == 1:
            item.code, item.means = "C", made[0]
    named = {i.last for i in items if i.code == "C"}
    for item in items:  # "hit" in "the number of home runs hit by the players"
        word = ws[item.first]
        ends = (
            item.last + 1 == len(ws) or ws[item.last + 1].low in lexicon.some("stop") or not ws[item.last + 1].content
        )
        trails = item.first == item.last and item.first - 1 in named and not word.quote and ends
        if trails and item.code == "C" and item.sure and word.low not in item.column.words and item.means not in made:
            item.code = "x"
    for item in items:  # "more than 3 times" counts rows
        after = [w.low for w in ws[item.last + 1 : item.last + 3]]
        if item.code == "N" and after[:1] == ["times"] and after[1:] not in (["the"], ["as"]):
            item.code, item.last = "#", item.last + 1
    items.sort(key=lambda i: i.first)
    return [i for i in _bounded(ws, items) if i.code != "x"]


def _silent(word: Word) -> bool:
    return word.low in lexicon.harmless() or word.low in lexicon.some("units") or len(word.low) == 1


def _blocked(key: tuple[str, ...]) -> bool:
    return len(key) == 1 and (key[0].startswith(("normaliz", "normalis", "meaning")) or key[0] in ("ranges", "ranging"))


def _linked(link: Link) -> Item:
    column = link.column
    if link.value == "":
        return Item("E", link.first, link.last)
    if link.value is not None:
        return Item("V", link.first, link.last, (column, link.value), link.also)
    entity = column.key and (column.kind == "text" or link.how in ("part", "near", "short"))
    numeric = column.kind == "number" and not any(w in ("id", "no", "number", "key") for w in column.words)
    return Item(
        "E" if entity and not numeric else "C", link.first, link.last, column, link.also, sure=link.how != "near"
    )


def _figure(ws: Sequence[Word], n: int) -> float:
    number = ws[n].number or 0.0
    after = ws[n + 1].low if n + 1 < len(ws) else ""
    times = {"k": 1e3, "thousand": 1e3, "million": 1e6, "m": 1e6, "billion": 1e9}.get(after, 1.0)
    close = n + 1 < len(ws) and (ws[n + 1].start == ws[n].end or len(after) > 1)
    return number * times if close else number


def _bounded(ws: Sequence[Word], items: list[Item]) -> list[Item]:
    """Numbers that are followed by "or more", "or older" or a plus sign, with the comparison before them."""
    found, i = [], 0
    ups, downs = lexicon.some("more"), lexicon.some("less")
    while i < len(items):
        item = items[i]
        tail = [w.low for w in ws[item.last + 1 : item.last + 5]]
        op = ""
        if item.code == "N":
            at = next((n for n, w in enumerate(tail[:3]) if w in ("or", "and")), None)
            if (
                at is not None
                and at + 1 < len(tail)
                and tail[at + 1] in ups | downs
                and tail[at + 2 : at + 3] != ["than"]
            ):
                op, end = (">=" if tail[at + 1] in ups else "<="), item.last + at + 2
            elif tail[:1] == ["+"]:
                op, end = ">=", item.last + 1
        if op:
            found += [Item("K", item.first, item.first, op), Item("N", item.first, end, item.means)]
            while i < len(items) and items[i].first <= end:
                i += 1
        else:
            found.append(item)
            i += 1
    return found


def _periods(ws: Sequence[Word], n: int, last: str | None) -> Iterator[tuple[int, str]]:
    """The times that begin at a word, each with the number of its words; only tables with times have bare years."""
    lows = [w.low for w in ws[n : n + 6]] + [""] * 6
    if last is None or not lows[0]:
        return
    before = ws[n - 1].low if n else ""
    if _YEAR.fullmatch(lows[0]) and lows[1] in "-–" and lows[1] and lows[2].isdigit() and len(lows[2]) == 2:
        day = lows[3] in "-–" and lows[3] and lows[4].isdigit()
        yield (5, f"{lows[0]}-{lows[2]}-{lows[4]}") if day else (3, f"{lows[0]}-{lows[2]}")
        return
    month = next((m for m, name in enumerate(lexicon.listed("months"), 1) if lows[0] in (name, name[:3], name[:4])), 0)
    sure = (
        ws[n].text[:1].isupper() and n > 0 and (len(lows[0]) > 3 or before in ("in", "of", "since", "during", "until"))
    )
    if month and (sure or _YEAR.fullmatch(lows[1])) and not (lows[0] in ("may", "mar", "dec", "sun") and not sure):
        if _YEAR.fullmatch(lows[1]):
            yield 2, f"{lows[1]}-{month:02d}"
        elif (day_ := re.match(r"(\d\d?)(st|nd|rd|th)?$", lows[1])) and _YEAR.fullmatch(
            lows[3] if lows[2] == "," else lows[2]
        ):
            comma = lows[2] == ","
            yield 3 + comma, f"{lows[3] if comma else lows[2]}-{month:02d}-{int(day_[1]):02d}"
        else:
            yield 1, f"month {month}"
    if lows[0] in lexicon.listed("ordinals")[1:5] and lows[1] == "quarter" and lows[0] not in ("first", "third"):
        yield 2, f"quarter {lexicon.listed('ordinals').index(lows[0])}"
    if quarter := re.fullmatch(r"q([1-4])", lows[0]):
        of = lows[1] in ("of", "in")
        yield (
            (2 + of, f"{lows[1 + of]}-Q{quarter[1]}") if _YEAR.fullmatch(lows[1 + of]) else (1, f"quarter {quarter[1]}")
        )
    if lows[0].removesuffix("s") in lexicon.listed("weekdays"):
        yield 1, f"weekday {lexicon.listed('weekdays').index(lows[0].removesuffix('s'))}"
    if lows[0] in ("weekend", "weekends"):
        yield 1, "weekend"
    if _YEAR.fullmatch(lows[0]) and before in (
        "compare", "versus", "vs", "than", "in", "since", "during", "of", "for", "until", "before", "after", "from", "to", "and", "between", "year", "through", "with", "against", "versus", "over"
    ):  # fmt: skip
        yield 1, lows[0]
    if lows[0] in ("this", "last", "previous", "current") and (found := _relative(lows[0], lows[1], last)):
        yield 2, found


def _relative(which: str, grain: str, last: str) -> str:
    """A year, quarter or month relative to the last time in the table, which is in this one; the last is a whole one."""
    match = re.match(r"(\d{4})-(\d\d)-(\d\d)", last)
    sizes = {"year": 12, "quarter": 3, "month": 1}
    if not match or grain not in sizes:
        return ""
    months, size = int(match[1]) * 12 + int(match[2]) - 1, sizes[grain]
    ended = int(match[3]) >= monthrange(int(match[1]), int(match[2]))[1] - 2 and months % size == size - 1
    months -= 0 if which in ("this", "current") or (which == "last" and ended) else size  # the last that is whole
    year, month = divmod(months, 12)
    return {"year": f"{year}", "quarter": f"{year}-Q{month // 3 + 1}", "month": f"{year}-{month + 1:02d}"}[grain]
