"""What a question's words name in the tables: columns by their names, and the values that they hold."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from graphs.questions.reader import lexicon
from graphs.questions.reader.text import Word, name_words, root, stem

_CODES = ("no", "nr", "number", "code", "ref")
_YES = {"1", "1.0", "true", "yes", "y", "t"}
_NO = {"0", "0.0", "false", "no", "n", "f"}
_DATED = re.compile(r"\d{4}-\d\d?(-\d\d?)?([ T].*)?|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}.*")


@dataclass(frozen=True)
class Column:
    """A column as `look.describe` tells of it."""

    name: str
    file: str
    dtype: str
    n_unique: int
    rows: int
    examples: tuple[Any, ...] = ()
    values: tuple[str, ...] = ()
    low: Any = None
    high: Any = None
    missing: int = 0
    made_in: str = ""  # the unit of a column that the question makes

    @cached_property
    def kind(self) -> Literal["number", "text", "time", "bool"]:
        """What its values are."""
        levels = {v.casefold() for v in self.values}
        if self.n_unique == 2 and levels and (levels <= _YES | _NO):
            return "bool"
        if "datetime" in self.dtype:
            return "time"
        if self.label:
            return "text"
        if self.dtype.startswith(("int", "float", "uint", "Int", "Float")):
            return "number"
        texts = [str(e) for e in self.examples]
        return "time" if texts and all(_DATED.fullmatch(t.strip()) for t in texts) else "text"

    @cached_property
    def yes(self) -> Any:
        """The value that says yes, of a column of yes and no."""
        found = next((v for v in self.values if v.casefold() in _YES), "1")
        return (float(found) if "." in found else int(found)) if re.fullmatch(r"[\d.]+", found) else \
            {"True": True}.get(found, found)  # fmt: skip

    @property
    def noun(self) -> str:
        """What it names, without a head: member, of member_no."""
        return self.words[-2] if self.words[1:] and self.words[-1] in lexicon.some("keys", "heads") else self.words[-1]

    @property
    def label(self) -> bool:
        """Whether its numbers only name something: a customer's, no amount."""
        if not self.dtype.startswith(("int", "float", "Int")) or not self.words:
            return False
        numbered = self.key and self.low in (0, 1) and self.high == self.low + self.rows - 1
        named = self.words[-1] in lexicon.singulars() and "int" in self.dtype.casefold() and self.n_unique > 12
        return (
            (self.words[-1] == "id" and len(self.words) > 1)
            or ((self.key or self.noun in lexicon.singulars()) and self.words[-1] in _CODES and len(self.words) > 1)
            or named
            or (numbered and self.words[-1] in lexicon.some("rows", "people", "events", "keys"))
            or (numbered and self.words[0] == "unnamed")  # as pandas writes an index
            or self._counted_on
        )

    @property
    def _counted_on(self) -> bool:
        """Whether its numbers go on from a large one, a row each, as those of tickets do, and years do not."""
        whole = self.key and "int" in self.dtype.casefold() and self.rows >= 100 and self.low >= 1000
        return bool(whole and self.high - self.low < 1.5 * self.rows)

    @property
    def key(self) -> bool:
        """Whether every row has a value of its own."""
        return self.rows > 1 and self.n_unique >= 0.98 * (self.rows - self.missing) and self.n_unique > 0.5 * self.rows

    @cached_property
    def person(self) -> bool:
        """Whether it says who, of rows of which several are one person's: dentist, tuner, sold_by."""
        noun = self.noun
        doer = noun in lexicon.some("doers") | lexicon.singulars() or self.words[-1] in ("by", "to")
        doer = doer or (
            noun.endswith(("ist", "ian", "er", "or")) and noun not in lexicon.some("engines", "rows", "events")
        )
        doer = doer and (self.kind == "text" or self.label) and self.words[-1] != "type"
        return doer and not self.key and self.n_unique > 2

    @property
    def short(self) -> str:
        """Its name without a general head: customer, of customer_id."""
        named = [" ".join(a) for a in self.aliases if set(a) <= set(self.words)]
        return min(named, key=len)

    @property
    def owner(self) -> str:
        """Of whom each row has one of these: guest, of guest_country; empty where it names them itself."""
        general = lexicon.some("keys", "heads", "people", "events") - {"type"}
        attribute = self.words[1:] and self.words[-1] not in general
        someone = attribute and (self.words[0] in lexicon.some("people") or self.words[1] in lexicon.some("traits"))
        return self.words[0] if someone else ""

    @property
    def prose(self) -> bool:
        """Whether it holds sentences."""
        long = [e for e in self.examples if len(str(e).split()) > 2]
        return self.kind == "text" and self.n_unique > 20 and 2 * len(long) > len(self.examples)

    @property
    def divides(self) -> bool:
        """Whether it puts the rows into a few classes, of many rows each, though they may be numbered."""
        return 1 < self.n_unique <= 12 and self.n_unique <= 0.2 * self.rows

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of its name, in full."""
        return tuple(lexicon.in_full(w) for w in name_words(self.name))

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of the words of its name."""
        return frozenset(stem(w) for w in self.words)

    @cached_property
    def unit(self) -> str:
        """The unit that its name ends in, or speaks of."""
        known = {unit for scale in lexicon.section("units").values() for unit in scale}
        return self.made_in or next((w for w in reversed(self.words) if w in known), "")

    @cached_property
    def clock(self) -> bool:
        """Whether its times have hours."""
        return self.kind == "time" and any(re.search(r"\d:\d", t := str(e)) and "00:00:00" not in t
                                           for e in (*self.examples, self.low, self.high))  # fmt: skip

    @cached_property
    def aliases(self) -> tuple[tuple[str, ...], ...]:
        """Its name, and shorter forms of it: in and before brackets, without a general head such as `name`."""
        found = [self.words]
        inside = re.search(r"\(([^)]*)\)", self.name)
        if inside:
            found += [name_words(self.name[: inside.start()]), name_words(inside[1])]
        headed = self.words[-1] in lexicon.some("heads", *(["units"] if self.words[2:] else [])) and self.words[1:]
        rows = lexicon.some("people") | set(name_words(self.file))
        if headed and (self.words[-1] != "type" or not {self.words[0], self.words[0] + "s"} & rows):
            found.append(self.words[:-1])  # and customers are no type, nor are houses of houses.csv
        if self.words[0] in ("is", "has") and self.words[1:]:
            found.append(self.words[1:])
        if len(self.words) == 2:
            found.append(("".join(map(root, self.words)),))  # comebacks, of came_back
        return tuple(dict.fromkeys(a for a in found if a))


@dataclass(frozen=True)
class Link:
    """A stretch of words and what it names. `how` orders what is believed first."""

    first: int
    last: int
    how: Literal["quoted", "full", "short", "value", "part", "near"]
    column: Column
    value: str | None = None
    also: tuple[Column, ...] = field(default=(), compare=False)


def in_unit(unit: str, columns: Sequence[Column]) -> Column | None:
    """The one column of numbers that is in this unit, other than of money; none where its name tells it per something."""
    scales = [s for kind, s in lexicon.section("units").items() if unit in s and kind != "money"]
    of = [c for c in columns for s in scales if c.kind == "number" and s.get(c.unit) == s[unit]]
    of = [
        c
        for c in of
        if not lexicon.some("levelled") & set(c.words) and not re.search(r"/|\bper\b", " ".join((c.name, *c.words)))
    ]
    return of[0] if len(of) == 1 else None


def read_columns(tables: Sequence[Mapping[str, Any]]) -> list[Column]:
    """The columns of tables as `look.describe` prints them."""
    return [
        Column(
            str(c["name"]), str(t["name"]), str(c.get("dtype", "")), int(c.get("n_unique") or 0), int(t.get("rows") or 0),
            tuple(c.get("examples") or ()), tuple(str(v) for v in c.get("values") or ()), c.get("min"), c.get("max"),
            int(c.get("n_missing") or 0),
        )
        for t in tables for c in t["columns"]
    ]  # fmt: skip


def _same(name: str, word: Word, several: bool) -> int:
    """How well a word of the question is a word of a column: 3 its stem, 2 in short, 0 not."""
    low = word.low
    if low in (name, f"{name}s") or lexicon.in_full(low) == name or word.stem == stem(name) or root(low) == root(name):
        return 3
    enough = len(name) >= (3 if several else 4) and len(low) > len(name) + 1
    enough = enough and (several or low not in lexicon.harmless()) and not word.stem.startswith("aver")
    if enough and low.startswith(name):
        return 2  # max_sust for maximum sustained
    return 2 * clipped(name, low)


def clipped(name: str, word: str) -> bool:
    """Whether a name is a word without its vowels, or with some consonants only: dpth, skpr."""
    letters = iter(word)
    return 2 < len(name) < len(word) < 3 * len(name) and name[0] == word[0] and not set(name) & set("aeiou") and \
        all(c in letters for c in name)  # fmt: skip


def _match(alias: Sequence[str], ws: Sequence[Word], i: int) -> tuple[int, int] | None:
    """Where an alias that begins at word i ends, and how sure that is (its weakest word)."""
    at, n, sure = i, 0, 3
    while n < len(alias):
        if at >= len(ws) or (at > i and ws[at].quote != ws[i].quote):
            return None
        word = ws[at]
        if not word.content:
            if at == i or word.text not in ",:()-/*":
                return None
            at += 1
            continue
        same = _same(alias[n], word, len(alias) > 1)
        if same:
            sure, n, at = min(sure, same), n + 1, at + 1
            continue
        begins = len(alias[n]) >= 3 and alias[n][0] == word.low[0]
        made = begins and next((k for k in (4, 3, 2) if at + k <= len(ws) and _made(alias[n], ws[at : at + k])), 0)
        if made:
            sure, n, at = min(sure, 2), n + 1, at + made
            continue
        digits = alias[n].isdigit() and word.number is None and (word.low in lexicon.harmless() or word.low == "year")
        if at > i and (word.low in lexicon.some("stop") or digits or (sure == 2 and word.low in lexicon.harmless())):
            at += 1
            continue
        return None
    return at - 1, sure


def _made(name: str, ws: Sequence[Word]) -> bool:
    """Whether a column's word is made of the beginnings of these words: pclass, or gdp."""
    lows = [w.low for w in ws]
    if not all(w.content for w in ws) or len(name) < 3 or name in lows:
        return False
    initials = "".join(low[0] for low in lows) == name
    initials = initials and not set(lows) & lexicon.some("stop")  # sessions in the evening, and a column "site"
    parts = (name[n:] for n in range(1, len(name) - 2) if lows[0].startswith(name[:n]))
    return initials or (len(lows) == 2 and any(lows[1].startswith(part) for part in parts))


def full_names(ws: Sequence[Word], columns: Sequence[Column], common: frozenset[str]) -> list[Link]:
    """Where columns are named in full, or by a shorter form of the whole name."""
    found = []
    for column in columns:
        for rank, alias in enumerate(column.aliases):
            for i, word in enumerate(ws):
                if not word.content or (len(alias) == 1 and of_another(word, column, columns)):
                    continue
                match = _match(alias, ws, i)
                if match is None:
                    continue
                last, sure = match
                if doers(ws[last], column):
                    continue
                if len(alias) == 1 and not _meant(column, alias[0], ws, i, sure, common):
                    continue
                whole = word.quote and _fills(ws, i, last)
                how: Any = "short" if sure < 3 or rank else "quoted" if whole else "full"
                found.append(Link(i, last, how, column))
    return found


def doers(word: Word, column: Column) -> bool:
    """Whether a word names those who do what a column measures: finishers, of finish_min."""
    return column.kind == "number" and word.low.endswith("ers") and word.low[:-1] not in " ".join(column.words)


def of_another(word: Word, column: Column, columns: Sequence[Column]) -> bool:
    """Whether a word is just what another column measures: the rent of monthly_rent, and not whether it is rented."""
    forms = {word.low, word.low.removesuffix("s"), word.low + "s"}
    return not forms & set(column.words) and any(c.kind == "number" and c.words[-1] in forms for c in columns)


def _fills(ws: Sequence[Word], first: int, last: int) -> bool:
    """Whether these words are all of a quoted text."""
    quote = ws[first].quote
    return bool(quote) and (first == 0 or ws[first - 1].quote != quote) and \
        (last + 1 == len(ws) or ws[last + 1].quote != quote)  # fmt: skip


def _meant(column: Column, alias: str, ws: Sequence[Word], i: int, sure: int, common: frozenset[str]) -> bool:
    """Whether a single word that also means something else is meant as a column here."""
    word = ws[i]
    if alias not in common and word.low not in common:
        return sure == 3 or len(column.words) == 1
    around = {w.low for w in ws[max(0, i - 1) : i + 2]}
    return bool(around & {"column", "columns", "variable", "feature", "field"}) and word.low == alias


def values(ws: Sequence[Word], columns: Sequence[Column], common: frozenset[str]) -> list[Link]:
    """Where values that columns hold are named."""
    at = dict[str, list[int]]()
    for i, word in enumerate(ws):
        at.setdefault(word.low, []).append(i)
        if word.stem != word.low:
            at.setdefault(word.stem, []).append(i)
    found = dict[tuple[int, int], dict[tuple[Column, str], None]]()
    for column in columns:
        levels = column.values if column.kind in ("text", "bool") else ()
        ends = [end for v in levels if (words := name_words(v))[1:] for end in (words[0], words[-1])]
        for level in levels or [str(e) for e in column.examples if column.kind == "text"]:
            key = name_words(level)
            if not key or all(k.isdigit() for k in key) or (column.kind == "bool" and level.casefold() in _YES | _NO):
                continue
            spans = list[tuple[int, int]]()
            for i in {*at.get(key[0], ()), *at.get(f"{key[0]}s", ()), *at.get(stem(key[0]), ())}:  # adelies
                last, sure = _match(key, ws, i) or (i, 0)
                if sure == 3 and (_beside(column, ws, i, last) or _said(key, level, ws, i, last, common)):
                    spans.append((i, last))
            for end in {key[0], key[-1]}:  # Sofia and Dr. Rossi, of Dr. Sofia Rossi
                if ends.count(end) == 1 and end not in common | lexicon.harmless():
                    named = (i for i in at.get(end, ()) if column.person or (
                        i and ws[i].text[:1].isupper() and stem(end) not in lexicon.kin(False)))  # fmt: skip
                    spans += [(_begins(ws, i, key), i) for i in named]
            others = (*_sexes(key, levels), *lexicon.section("demonyms").get(" ".join(key), "").split())
            for span in (*spans, *((i, i) for other in others for i in at.get(other, ()))):
                found.setdefault(span, {})[column, level] = None
    return [Link(i, last, "value", column, level, tuple(c for c, _ in more))
            for (i, last), named in found.items() for (column, level), *more in [named]]  # fmt: skip


def _begins(ws: Sequence[Word], at: int, name: Sequence[str]) -> int:
    """Where the words of a name begin, of which one is at a place."""
    while at and (ws[at - 1].text == "." or ws[at - 1].low in name):
        at -= 1
    return at


def _beside(column: Column, ws: Sequence[Word], first: int, last: int) -> bool:
    """Whether the column, or another value of it, is named right beside these words: "the plus plan", "fleet and
    monthly", where both are plans."""
    near = {w.stem for w in (*ws[max(first - 1, 0) : first], *ws[last + 1 : last + 2])}
    if near & column.stems and ws[first].stem not in column.stems and ws[first].low not in lexicon.some("function"):
        return True
    firsts = {stem(k[0]) for v in column.values if (k := name_words(v))} if column.kind == "text" else set()
    pairs = [(ws[first - 1], ws[first - 2])] if first > 1 else []
    pairs += [(ws[last + 1], ws[last + 2])] if last + 2 < len(ws) else []
    return any(join.low in ("and", "or", ",", "vs", "versus") and word.stem in firsts for join, word in pairs)


def _sexes(key: Sequence[str], levels: Sequence[str]) -> list[str]:
    """The words for women or men, where a column holds the two sexes."""
    lows = {v.casefold() for v in levels}
    if len(key) != 1 or not lows <= lexicon.some("female", "male") | {"other", "unknown", "x", "d", "diverse"}:
        return []
    sexes = (lexicon.listed("female"), lexicon.listed("male"))
    return [w for words in sexes if key[0] in words for w in words if len(w) > 1 and w != key[0]]


def _said(key: Sequence[str], level: str, ws: Sequence[Word], i: int, last: int, common: frozenset[str]) -> bool:
    """Whether a value is meant, and no other word that looks alike."""
    word = ws[i]
    if len(key) > 1 or _fills(ws, i, last):
        return True
    if len(level) <= 2:
        return word.text == level and level.isupper() and level != "I" and (level != "A" or i > 0)
    if word.low in common or word.low in lexicon.some("function", "stop"):
        return word.text == level and level[0].isupper() and i > 0
    return True
