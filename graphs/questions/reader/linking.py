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
    made_in: str = ""  # the unit of a column that the question makes, or the currency that its values carry
    code: float | None = None  # a number that stands for missing

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
    def flag(self) -> bool:
        """Whether it says yes or no, perhaps beside a third level, such as former."""
        lows = {v.casefold() for v in self.values}
        return self.kind == "bool" or (self.kind == "text" and self.n_unique <= 4 and {"yes", "no"} <= lows)

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
        whole, last = "int" in self.dtype.casefold(), self.words[-1]
        someone, named = self.noun in lexicon.singulars(), len(self.words) > 1
        if (named and last == "id") or (named and last in _CODES and (self.key or someone)):
            return True
        if self.key and whole and stem(last) in {stem(w) for w in name_words(self.file)[:-1]}:
            return True  # the lot, of lots.csv
        if self.key and self.low in (0, 1) and self.high == self.low + self.rows - 1:  # "unnamed": an index of pandas
            return last in lexicon.some("rows", "people", "events", "keys") or self.words[0] == "unnamed"
        if self.key and whole and self.rows >= 100 and self.low >= 1000 and self.high - self.low < 1.5 * self.rows:
            return True  # numbers of tickets go on from a large one, a row each, and years do not
        return last in lexicon.singulars() and whole and self.n_unique > 12

    @property
    def key(self) -> bool:
        """Whether every row has a value of its own."""
        return self.rows > 1 and self.n_unique >= 0.98 * (self.rows - self.missing) and self.n_unique > 0.5 * self.rows

    @cached_property
    def yearly(self) -> bool:
        """Whether its numbers are years."""
        years = self.kind == "number" and "year" in self.words and not self.key
        return years and all(isinstance(e, int | float) and 1500 < e < 2100 for e in (self.low, self.high))

    @property
    def each(self) -> bool:
        """Whether it names each row: a key that is no amount, though in a few rows no two amounts may be the same."""
        counts = self.low in (0, 1) and self.high == self.low + self.rows - 1
        return self.key and (self.kind != "number" or counts)

    @cached_property
    def person(self) -> bool:
        """Whether it says who, of rows of which several are one person's: dentist, tuner, sold_by."""
        ends = self.noun.endswith(("ist", "ian", "er", "or")) and self.noun not in lexicon.some("engines", "rows")
        doer = ends or self.noun in lexicon.some("doers") | lexicon.singulars() or self.words[-1] in ("by", "to")
        return doer and self.kind == "text" and not self.key and self.n_unique > 2

    @property
    def named(self) -> bool:
        """Whether it holds names of people: of two or three words each, hardly one of them twice."""
        full = [re.fullmatch(r"[A-Z][\w.'’-]*(?: [A-Z][\w.'’-]*){1,2}", str(e)) for e in self.examples]
        return self.kind == "text" and self.n_unique > 0.5 * self.rows and bool(full) and all(full)

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
        return self.words[0] if attribute and self.words[0] in lexicon.some("people") else ""

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

    @property
    def money(self) -> bool:
        """Whether its name or its values carry a currency."""
        carried = re.search(r"[$€£¥]|\b(?:USD|EUR|GBP|CHF)\b", f"{self.name} {self.made_in}")
        return self.kind == "number" and (carried is not None or self.unit in lexicon.section("units")["money"])

    @cached_property
    def clock(self) -> bool:
        """Whether its times have hours."""
        return self.kind == "time" and any(re.search(r"\d:\d", t := str(e)) and "00:00:00" not in t
                                           for e in (*self.examples, self.low, self.high))  # fmt: skip

    @cached_property
    def aliases(self) -> tuple[tuple[str, ...], ...]:
        """Its name, and shorter forms of it: in and before brackets, without a general head such as `name`."""
        found = [self.words]
        if inside := re.search(r"\(([^)]*)\)", self.name):
            found += [name_words(self.name[: inside.start()]), name_words(inside[1])]
        if rate := re.search(r"[\s_,]+[^\s_,/]+/[^\s_,/]+$", self.name):  # vibration mm/s
            found.append(name_words(self.name[: rate.start()]))
        rows = lexicon.some("people") | set(name_words(self.file))
        typed = self.words[-1] == "type" and {self.words[0], self.words[0] + "s"} & rows  # customers are no type
        if self.words[-1] in lexicon.some("heads", *(["units"] if self.words[2:] else [])) and not typed:
            found.append(self.words[:-1])
        if self.words[1:] == ("total",):
            found.append(self.words[::-1])  # total sleep, of sleep_total
        if self.words[1:] == ("by",) and self.words[0].endswith("ed"):
            found.append((f"{self.words[0][:-1]}r",))  # the handler, of handled_by
        if self.words[0] in ("is", "has"):
            found.append(self.words[1:])
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
    rates = lexicon.some("levelled") | {"per", *([unit] if unit in lexicon.some("times") else [])}  # last_month
    of = [c for c in columns for s in scales if c.kind == "number" and s.get(c.unit) == s[unit]]
    of = [c for c in of if not rates & set(c.words) and "/" not in c.name]
    return of[0] if len(of) == 1 else None


def read_columns(tables: Sequence[Mapping[str, Any]]) -> list[Column]:
    """The columns of tables as `look.describe` prints them."""
    return [
        Column(
            str(c["name"]), str(t["name"]), str(c.get("dtype", "")), int(c.get("n_unique") or 0), int(t.get("rows") or 0),
            tuple(c.get("examples") or ()), tuple(str(v) for v in c.get("values") or ()), c.get("min"), c.get("max"),
            int(c.get("n_missing") or 0), str(c.get("unit", "")), c.get("code"),
        )
        for t in tables for c in t["columns"]
    ]  # fmt: skip


def _same(name: str, word: Word, several: bool) -> int:
    """How well a word of the question is a word of a column: 3 its stem, 2 in short, 0 not."""
    low = word.low
    if low in (name, f"{name}s") or lexicon.in_full(low) == name or word.stem == stem(name) or root(low) == root(name):
        return 3
    begun = low.startswith(name) and len(name) >= (3 if several else 4) and len(low) > len(name) + 1
    return 2 * ((begun and low not in lexicon.harmless()) or clipped(name, low))  # max_sust for maximum sustained


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
            if at == i or word.text not in ",:()-/*.&":
                return None
            at += 1
            continue
        fits = [k for k in (4, 3, 2) if "".join(alias[n : n + k]) == word.low and n + k <= len(alias)]
        joined = fits[0] if fits and len(word.low) > 2 else 0
        joined = joined or 2 * (word.low.rstrip("s") == "".join((root(alias[n]), *alias[n + 1 :])))  # signups
        short = sure == 2 or alias[n].isdigit()  # gdpPercap_2007: gross domestic product per capita in the year 2007
        if same := _same(alias[n], word, len(alias) > 1):
            sure, n, at = min(sure, same), n + 1, at + 1
        elif joined:  # sqm, of Sq m
            n, at = n + joined, at + 1
        elif made := next((k for k in (4, 3, 2) if at + k <= len(ws) and _made(alias[n], ws[at : at + k])), 0):
            sure, n, at = min(sure, 2), n + 1, at + made
        elif at > i and word.low in (lexicon.harmless() | {"year"} if short else lexicon.some("stop")):
            at += 1
        else:
            return None
    return at - 1, sure


def _made(name: str, ws: Sequence[Word]) -> bool:
    """Whether a column's word is made of these words, shortened: pclass, gdp, testscr for test scores, hoursw."""
    lows = [w.low for w in ws]
    if not all(w.content for w in ws) or len(name) < 3 or name in lows:
        return False
    if "".join(lows) == name:  # low birth weight
        return True
    initials = "".join(low[0] for low in lows) == name and not set(lows) & lexicon.some("stop")
    if initials or len(lows) != 2:
        return initials
    whole = name.startswith(lows[0]) and len(lows[0]) > 3 and name[-1] != "s"  # then one letter is enough
    ends = (name[n:] for n in range(1, len(name) - (0 if whole else 2)) if lows[0].startswith(name[:n]))
    return any(lows[1].startswith(end) or clipped(end, lows[1]) for end in ends)


def full_names(ws: Sequence[Word], columns: Sequence[Column], common: frozenset[str]) -> list[Link]:
    """Where columns are named in full, or by a shorter form of the whole name."""
    found = []
    for column in columns:
        file = {stem(w) for w in name_words(column.file)}
        for rank, alias in enumerate(column.aliases):
            if rank and column.kind == "time" and {*map(stem, alias)} <= file:
                continue  # the matches of matches.csv, and not their match_date
            for i, word in enumerate(ws):
                scored = i > 1 and (ws[i - 2].low, ws[i - 1].text) == ("z", "-")  # no score
                match = _match(alias, ws, i) if word.content and not scored else None
                if match is None or (len(alias) == 1 and not _meant(column, alias[0], ws, i, match, common)):
                    continue
                last, sure = match
                if last == i and of_another(word, column, columns):
                    continue
                how: Any = "short" if sure < 3 or rank else "quoted" if _fills(ws, i, last) else "full"
                found.append(Link(i, last, how, column))
    return found


def of_another(word: Word, column: Column, columns: Sequence[Column]) -> bool:
    """Whether a word is what another column measures, as the rent of monthly_rent is not whether it is rented, or names
    who does what this one measures or dates: finishers, of finish_min; or what is done, where this one says by whom."""
    if column.kind == "text" and column.words[-1] in ("by", "to"):
        verb = re.fullmatch(rf"{root(column.words[0])}(?:e?s?|ing)", word.low)  # we sell, of sold_by
        return verb is not None and word.low not in column.words
    forms = {word.low, word.low.removesuffix("s"), word.low + "s"}
    file = {stem(w) for w in name_words(column.file)[:-1]}
    rows = word.stem in file and not (forms & set(column.words) or word.low.endswith("ed"))
    if of_doer(word, column) or rows:  # requests, of no Requester type; ordered, of order_date
        return True
    does = column.kind in ("number", "time") and word.low.endswith("ers")
    others = any((c.kind == "number" and c.words[-1] in forms) or c.words == (word.low,) for c in columns)
    return not forms & set(column.words) and (does or others)


def of_doer(word: Word, column: Column) -> bool:
    """Whether a word is what those do whom a column names: applications, of Applicant."""
    doer = re.search(r"(?:ant|ent|er|or|ist|ee)$", column.noun)
    does = doer and re.search(r"(?:ion|ment|al)s?$", word.low) and word.low.removesuffix("s") not in column.words
    return bool(does and word.stem == stem(column.noun))


def _fills(ws: Sequence[Word], first: int, last: int) -> bool:
    """Whether these words are all of a quoted text."""
    quote = ws[first].quote
    return bool(quote) and (first == 0 or ws[first - 1].quote != quote) and \
        (last + 1 == len(ws) or ws[last + 1].quote != quote)  # fmt: skip


def _meant(
    column: Column, alias: str, ws: Sequence[Word], i: int, match: tuple[int, int], common: frozenset[str]
) -> bool:
    """Whether a column of one word is meant here, where its match may be a word that also means something else."""
    word, (last, sure) = ws[i], match
    if last > i or (alias not in common and word.low not in common):
        return sure == 3 or len(column.words) == 1
    around = {w.low for w in ws[max(0, i - 1) : i + 2]}
    return bool(around & {"column", "variable", "feature"}) and word.low == alias


def values(ws: Sequence[Word], columns: Sequence[Column], common: frozenset[str]) -> list[Link]:
    """Where values that columns hold are named."""
    at = dict[str, list[int]]()
    for i, word in enumerate(ws):
        at.setdefault(word.low, []).append(i)
        if word.stem != word.low:
            at.setdefault(word.stem, []).append(i)
    found = dict[tuple[int, int], dict[tuple[Column, str], None]]()
    whole = {stem(w) for c in columns for v in c.values if len(name_words(v)) == 1 for w in name_words(v)}
    for column in columns:
        levels = column.values if column.kind in ("text", "bool") else ()
        ends = [end for v in levels if (words := name_words(v))[1:] for end in (words[0], words[-1])]
        ends += [end for v in levels for end in name_words(v) * 2 if len(name_words(v)) == 1]  # no King Oyster
        for level in levels or [str(e) for e in column.examples if column.kind == "text"]:
            key = name_words(level)
            if not key or all(k.isdigit() for k in key) or (column.kind == "bool" and level.casefold() in _YES | _NO):
                continue
            spans = list[tuple[int, int]]()
            for i in {*at.get(key[0], ()), *at.get(f"{key[0]}s", ()), *at.get(stem(key[0]), ())}:  # adelies
                last, sure = _match(key, ws, i) or (i, 0)
                sold = ws[i].stem in lexicon.says("sales") and any(c.money for c in columns)  # and not "/sale"
                if ws[i].low != key[0] and (sold or any(ws[i].low in c.words for c in columns if c.kind == "time")):
                    continue  # opened, of opened_at, and not "open"
                if sure == 3 and (_beside(column, ws, i, last) or _said(key, level, ws, i, last, common)):
                    spans.append((i, last))
            for end in {key[0], key[-1]} - common - lexicon.harmless():  # Sofia and Dr. Rossi, of Dr. Sofia Rossi
                if (
                    ends.count(end) == 1
                    and stem(end) not in whole
                    and (column.person or stem(end) not in lexicon.kin(False))
                ):
                    named = (i for i in at.get(end, ()) if column.person or (i and ws[i].text[:1].isupper()))
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
    equals = first > 1 and ws[first - 1].low in ("=", "==", "is")
    near = {w.stem for w in (*ws[max(first - 1 - equals, 0) : first], *ws[last + 1 : last + 2])}
    if near & column.stems and ws[first].low not in lexicon.some("function"):
        return True
    firsts = {stem(k[0]) for v in column.values if (k := name_words(v))}
    pairs = (ws[max(first - 2, 0) : first][::-1], ws[last + 1 : last + 3])
    joins = ("and", "or", ",", "vs", "versus")
    return any(p[0].low in joins and p[1].stem in firsts for p in pairs if p[1:])


def _sexes(key: Sequence[str], levels: Sequence[str]) -> list[str]:
    """The words for women or men, where a column holds the two sexes."""
    lows = {v.casefold() for v in levels if v.isalpha()}
    if len(key) != 1 or not lows <= lexicon.some("female", "male") | {"other", "unknown", "x", "d", "diverse"}:
        return []
    sexes = (lexicon.listed("female"), lexicon.listed("male"))
    return [w for words in sexes if key[0] in words for w in words if len(w) > 1 and w != key[0]]


def _said(key: Sequence[str], level: str, ws: Sequence[Word], i: int, last: int, common: frozenset[str]) -> bool:
    """Whether a value is meant, and no other word that looks alike."""
    word = ws[i]
    if len(key) > 1 or _fills(ws, i, last):
        return True
    if word.low in lexicon.harmless() and word.low != key[0]:
        return False  # using, and not used
    if len(level) <= 2:
        return word.text == level and level.isupper() and level != "I" and (level != "A" or i > 0)
    if word.low in common or word.low in lexicon.some("function", "stop"):
        return word.text == level and level[0].isupper() and i > 0
    return True
