"""The words of a sentence as items: columns, values, numbers, times, and the words of the lexicon."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import accumulate, groupby, pairwise
from typing import Any

from graphs.questions.reader import lexicon, linking, nearness, times
from graphs.questions.reader.linking import Column, Link
from graphs.questions.reader.text import Word, figure, name_words, stem

_TIER = {"quoted": 7, "full": 6, "short": 5, "value": 4, "part": 1, "near": 0}


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
    unit: str = ""  # of a number
    full: bool = False  # whether a column is named by all its words

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
    asks: bool = False
    inner: bool = False  # whether a clause of its own says of whom
    notes: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The clause as it was written, in single spaces."""
        return _written(self.words)

    @property
    def quoted(self) -> str:
        """Its text, with the words in quotes that name no column marked as such."""
        columns, parts = {self.words[i.first].quote for i in self.items if i.code in "CE"}, list[str]()
        for quote, same in groupby(self.words, key=lambda w: 0 if w.quote in columns else w.quote):
            ws = list(same)
            parts.append(f"“{_written(ws)}”" if quote else _written(ws))
        return " ".join(parts)

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
        gaps = [a.end < b.start for a, b in pairwise(self.words)]
        ends = list(accumulate(len(w.text) + gap for w, gap in zip(self.words, [False, *gaps], strict=True)))
        for item in self.items:
            if start < ends[item.last] and ends[item.first] - len(self.words[item.first].text) < end:
                item.used = True

    def of(self, code: str) -> list[Item]:
        """The items with one of these letters that have not been read."""
        return [i for i in self.items if i.code in code and not i.used]

    @property
    def subject(self) -> Item | None:
        """Who is compared by what they have, where a column names them: states with a higher tax."""
        whose = re.match("[ac]*d(C)w", "".join(i.code for i in self.items))
        return self.items[whose.start(1)] if whose else None

    def typed(self, item: Item) -> bool:
        """Whether an item names a thing of which its column says the type: bikes, of `bike_type`."""
        column, said = item.means, {w.stem for w in self.words[item.first : item.last + 1]}
        kind = column.words[-1] if isinstance(column, Column) and column.words[1:] else ""
        return kind in lexicon.some("types") and stem(kind) not in said

    def written(self, items: Sequence[Item]) -> str:
        """The words of some items."""
        return _written([w for i in items for w in self.words[i.first : i.last + 1]])


def use(*groups: Sequence[Item], used: bool = True) -> None:
    """Have items read, or unread again."""
    for item in (i for group in groups for i in group):
        item.used = used


def _written(ws: Sequence[Word]) -> str:
    text = ""
    for n, word in enumerate(ws):
        text += (" " if n and word.start > ws[n - 1].end else "") + word.text
    return text


def itemise(ws: list[Word], columns: Sequence[Column], files: Sequence[str], last: str | None) -> list[Item]:
    """The items of a sentence, in order; the words of the question that name nothing known are `U`, those that may be
    passed over are left out."""
    taken = [False] * len(ws)
    items = list[Item]()

    def take(item: Item) -> None:
        items.append(item)
        taken[item.first : item.last + 1] = [True] * (item.last - item.first + 1)

    for item in _competing(ws, columns, last):
        if not any(taken[item.first : item.last + 1]):
            take(item)
    for quote in sorted({w.quote for w in ws} - {0}):
        inside = [n for n, w in enumerate(ws) if w.quote == quote]
        known = any(i.code in "CEV" and inside[0] <= i.first <= inside[-1] for i in items)
        if not known or not all(taken[n] for n in inside if ws[n].content):
            items = [i for i in items if not inside[0] <= i.first <= inside[-1]]
            text = _written([ws[n] for n in inside])
            code = "x" if re.search(r"\w\(", text) else "m" if re.fullmatch(r"(?i)nan|null|none|na|n/a", text) else "Q"
            take(Item(code, inside[0], inside[-1], text))
    named = {i.last for i in items if i.code == "C" and i.column.kind != "text"}  # which machine costs the most
    doers = [i.column for i in items if i.code == "C" and i.column.words[-1] in ("by", "to")]
    for link in nearness.parts(ws, [not t for t in taken], columns):  # "score" in "the life expectancy score" trails
        if doers and link.how == "near" and link.column.words[-1] in ("by", "to"):  # closed by agents: who closes
            link = replace(link, column=doers[0])
        verb = link.column.kind in ("bool", "time") or ws[link.first].low.endswith("ed")  # what makes guests cancel
        trails = link.how == "part" and link.first == link.last and link.first - 1 in named and not verb
        take(Item("x", link.first, link.last) if trails else _linked(link))
    compared = {i.last + 1 for i in items if i.code == "K"}
    names = {stem(w) for f in files for w in name_words(f.rsplit(".", 1)[0]) if len(w) > 2}
    rows = lexicon.some("rows") | _nouns(columns, names)
    owners = {c.owner + end for c in columns for end in ("", "s") if c.owner}
    for n, word in enumerate(ws):
        if (not taken[n] and word.content) or word.text in "$€£%":
            whose = owners if n and ws[n - 1].low not in ("many", "most", "fewest") else set()  # a row has one of them
            acts = any(linking.of_doer(word, c) for c in columns)
            take(_plain(ws, n, rows | whose, names, n in compared, acts))
    items = _spans(ws, _measured(ws, _made(ws, _lasting(ws, items), [c for c in columns if c.dtype == "new"])))
    return [i for i in _bounded(ws, items) if i.code != "x"]


def _competing(ws: list[Word], columns: Sequence[Column], last: str | None) -> list[Item]:
    """What the words may name or say, the most believed first: quoted names, then the longest."""
    exact, stems = lexicon.phrases()
    common = frozenset(k[0] for k, (code, _) in exact.items() if len(k) == 1 and code[0] not in "Aa")
    spans: list[tuple[tuple[int, int, int], Item]] = []
    values = linking.values(ws, columns, common)
    literal = {x.first: (x.column, *x.also) for x in values if x.value and x.value.casefold() == ws[x.first].low}
    fully = linking.full_names(ws, columns, common)
    priced = {n for x in fully if "per" in x.column.words for n in range(x.first, x.last + 2)}  # price_per_kg
    for link in [*fully, *values]:
        length = sum(w.content for w in ws[link.first : link.last + 1])
        said, dated = ws[link.last].low, link.how == "short" and link.column.kind == "time"
        there = literal.get(link.first, ()) if link.value is None and link.first == link.last else ()
        other = link.column not in there or link.column.n_unique > 2
        state = (there and other and (said,) not in link.column.aliases) or (dated and said.endswith("ed"))
        tier = _TIER["part" if state else link.how]  # tickets that are open, not Opened
        of_event = link.value is None and link.column.kind == "time" and said not in link.column.words
        if not (of_event and said in lexicon.some("events")):  # readings, and not their Reading Date
            spans.append(((link.how == "quoted", length, tier), _linked(link)))
    held = {s for c in columns for s in c.stems}
    lows = [w.low if w.quote or w.stem in held else lexicon.spelled(w.low) for w in ws]
    for n in range(len(ws)):
        for length in range(min(7, len(ws) - n), 0, -1):
            key = tuple(lows[n : n + length])
            met = exact.get(key) or (stems.get(lexicon.forms(key)) if len(key[0]) > 2 else None)
            if met and not _named(met[0], ws, n, n + length - 1, held):
                tier = 3 if length > 1 or met[0].isupper() else 2
                spans.append(((0, length, tier), Item(met[0], n, n + length - 1, met[1])))
            if met:
                break
        lead = ws[n - 1].low if n else ""
        if lead in ("per", "many") and n not in priced and (of := linking.in_unit(ws[n].low, columns)):
            end = n + 2 * (len(ws) > n + 2 and ws[n + 1].low == "of")  # per kilo of fish
            spans.append(((0, 9, 0), Item("C", n, end, of, unit=lead)))
        for length, period in times.written(ws, n, last):
            if not literal.keys() & {*range(n, n + length)}:  # the spring term
                spans.append(((0, length + (length > 1), 6), Item("T", n, n + length - 1, period)))
    spans.sort(key=lambda s: (s[0], -s[1].first), reverse=True)
    return [item for _, item in spans]


def _named(code: str, ws: Sequence[Word], first: int, last: int, held: set[str]) -> bool:
    """Whether a word of the lexicon is rather one of the table's: how many drivers, where a column says who drove."""
    word, lead = ws[last], ws[first - 1] if first else None
    if code == "L" and first == last:  # classified as; and which maker has the most models, of a column Model
        return word.stem in held or (word.stem == "classifi" and not word.low.startswith("classifier"))
    if code == "W":  # which reason
        return word.stem in held
    if code == "Y" and lead and lead.low in _sizes():  # bigger changes
        return word.stem in held
    if code == "A":
        return word.stem in held and {w.low for w in ws[first : last + 1]} <= lexicon.people()
    if code == "v":  # the return rate
        behind = first > 1 or (lead and lead.low in ("which", "what", "whose", "by", "per", "the", "are", "is"))
        return word.stem in held and bool(behind or [w for w in ws[last + 1 : last + 2] if w.stem == "rate"])
    if word.low == "rate" and first == last:  # the average rate, and no return rate
        return "rate" in held and not (lead and lead.stem in held)
    others = ("normaliz", "normalis", "combination", "meaning", "ranges", "ranging", "rating")
    return first == last and word.low.startswith(others)


@cache
def _sizes() -> frozenset[str]:
    """Comparatives of one word: bigger, longer."""
    return frozenset(key[0] for key, (code, _) in lexicon.phrases()[0].items() if code == "j" and not key[1:])


def _nouns(columns: Sequence[Column], names: set[str]) -> frozenset[str]:
    """The people and events that rows can be: of those that a key or the file is called by, where there are any."""
    people, known = lexicon.some("people"), {w: stem(w) for w in lexicon.some("people", "events")}
    keys = [c for c in columns if c.key and (c.label or c.kind == "text")]
    own = (names | {stem(w) for c in keys for w in c.words}) & set(known.values())
    things = {c: stem(c.noun) for c in keys if c.noun != c.words[-1] and c.noun not in lexicon.some("rows")}
    leads = [next(c for c in columns if c.file == file) for file in dict.fromkeys(c.file for c in columns)]
    own |= {noun for c, noun in things.items() if c.label or c in leads}  # not what some sys_id is of
    own |= {stem(c.words[0]) for c in columns if c.kind == "time" and c.words[1:] == ("date",)} & set(known.values())
    own = set(lexicon.with_alike(own))
    if not (keys or own) and any(c.kind == "time" and c.key and not c.clock for c in columns):
        return frozenset()  # each row is a time: its trips are no rows
    traits = any(w in ("age", "gender", "sex", "married") for c in columns for w in c.words)
    staff = lexicon.some("doers")
    served = [c for c in columns if c.person and c.noun not in staff and c.words[-1] not in ("by", "to")]
    whose = any(not c.key for c in [*served, *(c for c in columns if c.label)])  # who may stand in several rows
    timed = any(c.kind == "time" for c in columns)  # rows of which nothing says what they are, and only when
    persons = (
        not (own or things or (timed and not traits)) or any(known[w] in own for w in people) or (traits and not whose)
    )
    sums = (c for c in columns if c.kind == "number" and not c.label and c.words[-1].endswith("s"))
    amounts = {s for c in sums for s in c.stems}  # of ticket sales, each row sums some
    some = lexicon.some("female", "male") | {"child", "children"}  # of the persons, and not all of them
    return frozenset(
        w for w, s in known.items()
        if s in own or (persons and w in people - some) or (not own and w not in people and s not in amounts)
        or any(s.startswith(event) for event in own)  # visitors, of visits
    )  # fmt: skip


def _plain(ws: Sequence[Word], n: int, rows: frozenset[str], names: set[str], compared: bool, acts: bool) -> Item:
    """A word that names nothing in the table: a number, what the rows are (or what those do who `acts`), a word that may go
    unread, or an unknown one."""
    word, after = ws[n], [w.low for w in ws[n + 1 : n + 3]]
    numbers, ordinals = lexicon.listed("numbers"), lexicon.listed("ordinals")
    if not word.content:
        return Item("x", n, n)
    if word.number is not None:
        return Item("N", n, n, figure(ws, n), unit=ws[n - 1].text if n and ws[n - 1].text in "$€£" else "")
    if word.low in ("once", "twice"):
        return Item("#", n, n, 1 + (word.low == "twice"))
    if compared and word.low in ("a", "an", "half") and _units() & {*after}:
        return Item("N", n, n, 0.5 if word.low == "half" else 1.0)  # longer than an hour
    if word.low in numbers[2 - compared :]:
        return Item("N", n, n, float(numbers.index(word.low)))
    if word.low in ordinals:
        return Item("1", n, n, float(ordinals.index(word.low)))
    does = n > 0 and ws[n - 1].low in ("do", "does", "did") and word.low in lexicon.people()  # how long do people wait
    head = len(word.stem) > 2 and word.low.endswith("s") and any(name.endswith(word.stem) for name in names)
    known = word.low in rows or word.stem in names or head or does or acts  # hogs, of hedgehogs.csv
    harmless = word.low in lexicon.harmless() and not _turned(ws, n)
    if known and not harmless:
        return Item("E", n, n)
    around = " ".join(w.low for w in ws[max(n - 1, 0) : n + 2])
    apart = re.search(r"\bsame (?:day|week|month|year|hour)\b|\b[oi]n time\b", around)  # issued on time
    unit = word.low in lexicon.some("units") or (around.startswith("in ") and word.low in _units())
    unit = unit and not around.startswith(("many ", "how "))  # how many litres, how old
    silent = (harmless and not apart) or unit or len(word.low) == 1
    return Item("x" if silent else "E" if known else "U", n, n)


def _turned(ws: Sequence[Word], n: int) -> bool:
    """Whether a word that may go unread is part of a verb that may not: called off, got back."""
    for at in range(max(n - 1, 0), n + 1):
        verb, particle, behind = [*(w.low for w in ws[at : at + 3]), "", ""][:3]
        opens = behind in ("to", "of")  # up to, out of
        if verb in lexicon.some("harmless") and particle in lexicon.some("particles") and not opens:
            return True
    return False


def _lasting(ws: Sequence[Word], items: list[Item]) -> list[Item]:
    """The items, where "delivery time" is no delivery: a length of time that no column holds is unknown."""
    for item in items:
        dated = item.code == "C" and item.column.kind == "time" and ws[item.last].low not in item.column.words
        if (item.code in "EU" or dated) and ws[item.last + 1 : item.last + 2] and ws[item.last + 1].stem == "time":
            items = [i for i in items if i.first != item.last + 1]
            item.code, item.means, item.last = "U", None, item.last + 1
    return items


def _spans(ws: Sequence[Word], items: list[Item]) -> list[Item]:
    """The items in order, with what belongs to a value or a column: "battery problems" and "problems with the battery"
    are rows, "the nightly rate" is a column of money, and "visits last month" one of that month."""
    items = sorted((i for i in items if i.code != "x"), key=lambda i: i.first)
    for item in [i for i in items if i.code == "G" and i.first > 1 and ws[i.first - 1].low in ("a", "an")]:
        if ws[item.first - 2].low == "within":
            item.code, item.means = "N", 1.0
            item.first, item.unit = item.first - 1, ws[item.last].low
            continue
        items.insert(items.index(item), Item("B", item.first - 1, item.first - 1, "by"))  # bookings a month
    for n, item in enumerate(items):
        before, codes = items[n - 1] if n else None, "".join(i.code for i in items[n + 1 : n + 3])
        said, word = {w.low for w in ws[item.first : item.last + 1]}, ws[item.first]
        counted = before and (before.code in "jM" or before.means == "count") and word.low.endswith("s")
        dates = item.code == "C" and item.column.kind == "time" and word.stem != stem(item.column.words[-1])
        if counted and dates and not item.column.missing:
            item.code = "E"  # how many funerals, of which the table has the date
        events = item.code == "C" and item.column.kind == "number" and word.low in lexicon.some("events")
        if events and before and before.means == "count" and word.stem not in item.column.stems:
            item.code, item.means = "E", None  # how many expenses, of which the table has the amount
        if item.code == "C" and item.column.kind == "text" and _rows_are(word, item.column, items[max(n - 2, 0) : n]):
            item.code, item.means = "E", None
        behind = items[n + 1] if codes[:1] == "C" else None
        whose = before and before.code == "M" and item.code == "E" and behind and behind.first == item.last + 1
        if whose and behind and behind.column.kind == "number" and not word.low.endswith(("s", "people")):
            item.code = "x"  # the shortest trip duration, by which no trip is sought
        someone = item.code == "V" and word.low in lexicon.some("people")
        if someone and re.match(lexicon.form("here"), _written(ws[item.last + 1 :])):
            item.code, item.means = "E", None  # the workers in the dataset, and not those whose job is "worker"
        if item.code == "V" and ws[item.last].low in ("in", "on", "at") and codes[:1] in ("N", "T"):
            item.code = "x"  # built in 1950, and not "built in"
        ahead = "".join(i.code for i in items[n + 1 : n + 5])
        still = item.code == "U" and re.match("[wd]*n?[VCm]|[wd]*n", ahead) and word.low in ("still", "already")
        held = before.column if before and before.code == "C" else None
        rated = said == {"rate"} and held and held.unit in lexicon.section("units")["money"]
        done = item.code == "C" and item.column.words[-1] in ("to", "by") and codes[:1] == "V"
        dated = item.code == "T" and any(i.code == "C" and said <= set(i.column.words) for i in items)
        adjoins = held and before and before.last + 1 == item.first
        due = adjoins and item.code in "UC" and said == {"date"} and held and held.kind == "time"  # the due date
        due = due or (item.code == "U" and adjoins and said <= lexicon.some("heads", "levelled"))  # a pain score of 7
        named = [i.means for i in items[:n] if i.code == "C"]  # which exemption was used most, of exemption_used
        again = item.code == "C" and word.low.endswith("ed") and said <= set(item.column.words) and item.means in named
        doer = item.code == "U" and behind and behind.column.words[-1] == "by" and word.low in lexicon.some("doers")
        if still or rated or dated or due or again or doer or (done and items[n + 1].means[0] != item.means):
            item.code = "x"  # assigned to the hardware category
    return items


def _rows_are(word: Word, column: Column, before: Sequence[Item]) -> bool:
    """Whether a column's word is that of the file: how many defects, of road_defects.csv, whose kind the column tells."""
    own = word.stem in {stem(w) for w in name_words(column.file)} and not (column.label or column.person)
    lead = before[-1] if before else None
    counted = lead and (
        lead.code == "h"
        or (lead.code == "M" and word.low.endswith("s") and " " not in lead.means)
        or (lead.code == "o" and before[0].code in "SKUM")
    )
    level = (
        lead and lead.code == "C" and (lead.column.kind == "bool" or before[0].code == "V")
    )  # poor condition objects
    chosen = lead and (lead.code == "V" or level) and word.low.endswith("s")
    typical = lead and lead.code == "S" and lead.means in ("mean", "median")
    return own and bool(counted or chosen or typical)


def measures(word: str) -> bool:
    """Whether a word is a unit: litres, minutes."""
    return word in lexicon.some("units") or word in _units()


def _units() -> set[str]:
    return {unit for scale in lexicon.section("units").values() for unit in scale if len(unit) > 2}


def _made(ws: Sequence[Word], items: list[Item], made: Sequence[Column]) -> list[Item]:
    """The items, where a general noun ("this new feature", "each category") is the column that the question makes."""
    for n, word in enumerate(ws[:-1]):
        noun = ws[n + 1].low in ("feature", "column", "variable", "attribute")
        if word.low == "new" and noun and len(made) == 1 and not any(i.means == made[0] for i in items):
            items = [i for i in items if not i.first <= n + 1 <= i.last and not i.first <= n <= i.last]
            items.append(Item("C", n, n + 1, made[0]))
    by = {i.last + 1 for i in items if i.code == "B"} if [c.name for c in made] == ["class"] else set[int]()
    for item in items:
        each = item.first in by
        general = each or stem(ws[item.last].low) in {"group", "categori", "class", *lexicon.some("brackets")}
        if general and item.code in "UE" and item.means is None and len(made) == 1:
            item.code, item.means = "C", made[0]
    return items


def _measured(ws: Sequence[Word], items: list[Item]) -> list[Item]:
    """The items, numbers with their units; "more than 3 times" counts rows."""
    at = {i.first: i for i in items}
    for item in [i for i in items if i.code == "N"]:
        after = [w.low for w in ws[item.last + 1 : item.last + 3]]
        if after[:1] == ["times"] and after[1:] not in (["the"], ["as"]):
            item.code, item.last = "#", item.last + 1
            continue
        period = at.get(item.last + 1)
        if item.first and ws[item.first - 1].low == "top" and period is not None and period.code == "G":
            continue  # the top 3 months
        skip = after[:1] == ["an"]
        unit, behind = next(iter(after[skip:]), ""), at.get(item.last + 1 + skip)
        paid = unit in lexicon.section("units")["money"]
        other = behind is not None and behind.code == "C" and unit not in behind.column.words  # minutes, of duration_s
        if (paid or lexicon.dimensions("units", unit)) and (behind is None or behind.code in "xG" or other):
            item.unit, item.last = unit, item.last + 1 + skip
            if behind is not None:
                items = [i for i in items if i is not behind]
    return items


def _linked(link: Link) -> Item:
    column = link.column
    if link.value is not None:
        return Item("V", link.first, link.last, (column, link.value), link.also)
    entity = column.key and (column.kind == "text" or link.how in ("part", "near", "short"))
    numeric = column.kind == "number" and not any(w in ("id", "no", "number", "key") for w in column.words)
    code, full = "E" if entity and not numeric else "C", link.how in ("quoted", "full")
    return Item(code, link.first, link.last, column, link.also, sure=link.how != "near", full=full)


def _bounded(ws: Sequence[Word], items: list[Item]) -> list[Item]:
    """Numbers that are followed by "or more", "or older" or a plus sign, with the comparison before them."""
    found = list[Item]()
    for item in items:
        if found and item.first <= found[-1].last:
            continue
        tail = " ".join(w.low for w in ws[item.last + 1 : item.last + 6])
        more = re.match(r"(?:\S+ )?(?:or|and) (\w+)(?! than)\b|\+", tail) if item.code == "N" else None
        time = re.match(r"or (later|after|newer|earlier|before|older)\b", tail) if item.code == "T" else None
        of = next((i for i in items if i.first == item.last + 1 and i.code == "C"), None)
        if time:  # in 2020 or later
            sign = ">=" if time[1] in ("later", "after", "newer") else "<="
            found.append(Item("K", item.first, item.first, f"{sign} time"))
            item.last += 2
        elif more and (more[0] == "+" or more[1] in lexicon.some("more", "less")):
            sign = "<=" if more[1] in lexicon.some("less") else ">="
            found.append(Item("K", item.first, item.first, sign + " age" * (more[1] in ("older", "younger"))))
            if of is None or len(more[0].split()) < 3:
                item.last += len(more[0].split())
            else:
                of.last += 2  # 7 nights or more
        found.append(item)
    return found
