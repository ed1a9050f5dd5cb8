"""A question as a row of marked items: columns, values, numbers, times, and the words that say what is wanted of them.

Each word belongs to one item. A word that nothing explains stays an item of kind `U`, and whoever reads the items can
refuse to answer: what is not understood must not be guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from graphs.models.playbook import synonyms
from graphs.models.playbook import vocabulary as known
from graphs.models.playbook.facts import Column, File
from graphs.models.playbook.items import DIMENSIONS, LONG_UNITS, UNITS, Item, parts, plain, root, unit_of
from graphs.models.playbook.times import times_at
from graphs.models.playbook.tokens import QUOTED, tokens

_SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "hundred": 1e2}
_MARKS = ("id", "key", "code", "no", "nr", "number", "uuid")


class Reader:
    """Marks the words of questions about one table."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.columns = {c.name: c for c in file.columns}
        self._parts = {c.name: parts(c.name) for c in file.columns}
        self._levels = {c.name: [(v, [t.lower() for t in tokens(v)]) for v in c.values] for c in file.columns}
        self.row_nouns = self._keyed()
        years = any(w in ("year", "yr") for words in self._parts.values() for w in words)
        self._dated = years or any(c.is_time for c in file.columns)

    def _keyed(self) -> frozenset[str]:
        """What one row is, told by the columns that mark each row: order of order_id, invoice of 1, 2, 3 …"""
        nouns = set[str]()
        for c in self.file.columns:
            words, whole = self._parts[c.name], c.n_unique == self.file.rows > 0
            counted = c.is_number and whole and isinstance(c.low, int) and c.high - c.low + 1 == c.n_unique
            if whole and (words[-1] in _MARKS or counted):
                nouns |= {root(w) for w in words if w not in (*_MARKS, "row", "index", "record", "unique")}
        return frozenset(nouns)

    def read(self, question: str) -> list[Item]:
        """The items of a question, in order."""
        return list(self._items(question))

    def _items(self, question: str) -> Iterator[Item]:
        texts: list[str] = []
        quoted: dict[int, str] = {}
        place = 0
        for match in QUOTED.finditer(question):
            texts += tokens(question[place : match.start()])
            quoted[len(texts)] = match[1] or match[2]
            texts.append(match[1] or match[2])
            place = match.end()
        texts += tokens(question[place:])
        i = 0
        while i < len(texts):
            if i in quoted:
                yield self._quoted(quoted[i])
                i += 1
                continue
            length, item = self._best(texts, i, question)
            if item is not None:
                yield item
            i += length

    def _quoted(self, text: str) -> Item:
        if text in self.columns:
            return self._column(text, (text,), 4)
        having = tuple(c.name for c in self.file.columns if text.lower() in {v.lower() for v in c.values})
        return Item("V", text, text, having, 4) if having else Item("U", text)

    def _column(self, text: str, columns: tuple[str, ...], sure: int) -> Item:
        yes_no = all(self.columns[c].is_yes_no for c in columns)
        return Item("Y" if yes_no else "C", text, None, columns, sure)

    def _best(self, texts: Sequence[str], i: int, question: str) -> tuple[int, Item | None]:
        """The longest item that begins here; of equally long ones the first kind in the order below."""
        found: list[tuple[int, float, Item | None]] = []
        for rank, source in enumerate((self._columns_at, self._values_at, self._times_at, _phrases_at, self._words_at)):
            for length, item in source(texts, i, question):
                found.append((length, -1.5 if self._is_loose(item) else -rank, item))  # open is no opened_at
        length, _, item = max(found, key=lambda f: (f[0], f[1]))
        return length, item

    def _is_loose(self, item: Item | None) -> bool:
        """Whether an item is a part of a column's name in another form of the word, which a value may be as well."""
        if item is None or item.kind not in "CYE" or item.sure > 1:
            return False
        return bool(item.columns) and not any(item.text.lower() in self._parts[c] for c in item.columns)

    def _columns_at(self, texts: Sequence[str], i: int, question: str) -> Iterator[tuple[int, Item | None]]:
        for length in range(min(6, len(texts) - i), 0, -1):
            run = [root(t) for t in texts[i : i + length]]
            said = " ".join(texts[i : i + length])
            if not (said[0].isalnum() and said[-1].isalnum()):
                continue  # a comma is no part of a name
            small = said.lower() in _SMALL or len(said) < 2
            if length == 1 and small and said not in self.columns and not self._tells(said):
                continue
            acronym = synonyms.ACRONYMS.get(said.lower())
            apart = [root(p) for t in texts[i : i + length] for p in parts(t)]  # co2 as co and 2
            whole = tuple(
                c
                for c, words in self._parts.items()
                if self._whole(c, words, run) or self._whole(c, words, apart) or c.lower() == acronym
            )
            if whole:
                exact = tuple(c for c in whole if [root(w) for w in self._parts[c]] in (run, apart))
                yield length, self._column(said, exact or whole, 3)
                return
            if length > 2 and "of" in texts[i + 1 : i + length - 1]:
                bare = [r for r, t in zip(run, texts[i : i + length], strict=True) if t.lower() not in ("of", "the")]
                straight = tuple(c for c, words in self._parts.items() if [root(w) for w in words] == bare)
                if straight:
                    yield length, self._column(said, straight, 2)  # years of experience
                    return
            if length > 1 and texts[i].lower() == "time":
                whole = tuple(
                    c
                    for c, words in self._parts.items()
                    if set(words) & _TIMES and [root("time" if w in _TIMES else w) for w in words] == run
                )
                if whole:
                    yield length, self._column(said, whole, 2)  # time to close, in hours_to_close
                    return
            if length > 1 and texts[i + length - 1].lower() in ("time", "duration"):
                took = tuple(c for c, words in self._parts.items() if words[-1] in _TIMES and _within(run[:-1], words))
                if len(took) == 1:
                    yield length, self._column(said, took, 1)  # delivery time, in delivery_days
                    return
            if length > 1 and "of" in texts[i : i + length]:
                cut = texts[i : i + length].index("of")
                if 0 < cut < length - 1:
                    turned = [root(t) for t in texts[i + cut + 1 : i + length] if t.lower() not in ("the", "a", "of")]
                    turned += run[:cut]
                    of = tuple(c for c, words in self._parts.items() if self._core(c, words) == turned)
                    if of:
                        yield length, self._column(said, of, 2)
                        return
            if length == 1 and (said.lower() in known.AGGREGATES or said.lower() in known.GRAINS):
                continue
            partly = tuple(c for c, words in self._parts.items() if _within(run, [root(w) for w in words]))
            partly = tuple(c for c in partly if "per" in run or "per" not in self._parts[c] or self._is_rate(c, run))
            if length == 2 and not partly:  # signed up, of signup_date
                joined = root(run[0] + texts[i + 1].lower())
                partly = tuple(c for c, words in self._parts.items() if joined in [root(w) for w in words])
                said = "".join(run) if partly else said
            light = all(t.lower() in _LIGHT for t in texts[i : i + length])
            if partly and (not light or (length == 1 and self._tells(said))):
                yield length, self._partly(said, partly)
                return
            kin = synonyms.KIN.get(said.lower()) or (
                synonyms.KIN.get(said.lower().rstrip("s"), ()) if length == 1 else ()
            )
            measured = tuple(c for c in self.columns if self._measured_in(c, said.lower()))
            if length == 1 and len(measured) == 1 and not self._is_row(said.lower()):
                yield 1, self._column(said, measured, 1)  # total km
                return
            if kin:
                for other in kin:
                    meant = tuple(c for c, words in self._parts.items() if other in words)
                    keys = [c for c in meant if self._parts[c][-1] in ("id", "nr", "no", "key")]
                    if meant:
                        item = Item("E", said, "id", meant, 1) if keys == [*meant] else self._column(said, meant, 1)
                        yield length, item
                        return

    def _is_rate(self, column: str, run: Sequence[str]) -> bool:
        """Whether a run of words is all of a name but its "per week"; gdp is no gdp_per_capita."""
        words = self._parts[column]
        cut = words.index("per")
        return len(run) > 1 and [root(w) for w in words[:cut]] == [*run] and set(words[cut + 1 :]) <= _RATES

    def _acts(self, texts: Sequence[str], i: int) -> bool:
        """Whether a verb ends the question and so tells who is meant: how many goalkeepers scored."""
        passive = i > 0 and texts[i - 1].lower() in known.HAVE
        return texts[i].lower() in known.ACTIVE and i + 1 == len(texts) and not passive

    def _says_nothing(self, texts: Sequence[str], i: int) -> bool:
        """Whether a word can be passed over: a filler, "list" before all else, or a verb of having or doing.

        Such a verb leads to a number of things or to who did it, and so tells nothing but that they belong together.
        """
        low, after = texts[i].lower(), [t.lower() for t in texts[i + 1 : i + 3] if t.lower() != "the"]
        if low in known.RELATING:
            asked = {"do", "does", "did"} & {t.lower() for t in texts[:i]}
            return after[0] in known.QUANTIFYING if after else bool(asked)
        asks = low in ("list", "name") and i == 0 and bool(after)
        return asks or (known.WORDS.get(low) == "" and not self._acts(texts, i))

    def _tells(self, word: str) -> bool:
        """Whether a word that is passed over elsewhere is part of a column's name: scored, where there is a score."""
        told = word.lower() in known.TELLING
        return told and any(root(word) in [root(w) for w in words] for words in self._parts.values())

    def _measured_in(self, column: str, word: str) -> bool:
        """Whether a word is the unit in which a column is measured: km, kilometres."""
        unit = unit_of(column)
        return len(unit) > 1 and unit not in ("min", "sec", "pct") and word in (unit, *LONG_UNITS.get(unit, ()))

    def _whole(self, column: str, words: list[str], run: list[str]) -> bool:
        """Whether a run of roots is the column's whole name, its unit and a count's "num" aside."""
        core = self._core(column, words)
        return run in ([root(w) for w in words], core) or _shortened(core, run)

    def _core(self, column: str, words: list[str]) -> list[str]:
        roots = [root(w) for w in words]
        core = roots[:-1] if unit_of(column) else roots
        return core[1:] if len(core) > 1 and core[0] in ("num", "n", "no", "number") else core

    def _partly(self, said: str, columns: tuple[str, ...]) -> Item:
        """Part of a name; where it is all of an identifier's name but "id", it is what a row is about."""
        run = [root(w) for w in said.split()]
        keys = [c for c in columns if self._parts[c][-1] in _MARKS and not self.columns[c].n_missing]
        own = [c for c in keys if [root(w) for w in self._parts[c][:-1]] == run]
        several = any(
            self._parts[c][-1] not in ("id", "uuid") and self.columns[c].n_unique < self.file.rows for c in own
        )
        if len(own) == 1 and not (several and self._is_row(said.lower())):  # a flight_no flies each day, in flights.csv
            return Item("E", said, "id", tuple(own), 2)
        if self._is_row(said.lower()):
            return Item("E", said, "one")
        return self._column(said, tuple(c for c in columns if c not in keys) or columns, 1)

    def _values_at(self, texts: Sequence[str], i: int, question: str) -> Iterator[tuple[int, Item | None]]:
        for length in range(min(8, len(texts) - i), 0, -1):
            said = " ".join(texts[i : i + length])
            run = [t.lower() for t in texts[i : i + length]]
            light = run[0] in _MEANT and not (
                i and texts[i - 1].lower() in ("the", "this", "our", "my") and length == 1
            )
            small = all(t in _SMALL or t in known.NUMBERS for t in run) and not light
            if length == 1 and (re.fullmatch(r"[\d.,$€£]+[km]?", run[0])):
                continue
            beside = {root(t) for t in (*texts[max(i - 2, 0) : i], *texts[i + length : i + length + 2])}
            meant: dict[str, str] = {}
            loose: dict[str, str] = {}
            for column in self.file.columns:
                if length == 1 and run[0] in known.LOGICAL and not beside & {root(w) for w in self._parts[column.name]}:
                    continue  # both men and women, where "both" is a value as well
                for value, words in self._levels[column.name]:
                    if len(words) != length:
                        continue
                    odd = bool(re.search(r"[^\w\s,.'’&/-]", value))  # A+ and A- differ by a sign only
                    if odd and value.lower() not in question.lower():
                        continue
                    if (length == 1 and len(value) <= 2) or small:
                        upper = value.isupper() and (i > 0 or len(value) > 1)
                        if value in texts[i : i + length] and (upper or (i > 0 and texts[i - 1] == "=")):
                            meant[column.name] = value
                    elif words == run or [plain(w) for w in words] == [plain(t) for t in run]:
                        meant[column.name] = value
                    elif len(run[-1]) > 3 and [root(w) for w in words] == [root(t) for t in run]:
                        loose[column.name] = value
            derived = run[-1].endswith(("ing", "ed"))  # engineering is no engineer; children are each child
            meant = meant or loose if derived else loose | meant
            if meant:
                written = set(meant.values())
                chosen: Any = written.pop() if len(written) == 1 else dict(meant)
                yield length, Item("V", said, chosen, tuple(meant), 3)
                return
        yield from self._nations_at(texts[i])
        sex = synonyms.SEXES.get(texts[i].lower())
        if sex:
            meant = {
                c.name: v for c in self.file.columns for v in c.values if v.lower() in synonyms.SAME[sex] and _of_sex(c)
            }
            if meant:
                only = next(iter(meant.values())) if len(set(meant.values())) == 1 else meant
                yield 1, Item("V", texts[i], only, tuple(meant), 2)

    def _nations_at(self, text: str) -> Iterator[tuple[int, Item | None]]:
        """A country by its adjective or its name, where a column has it as a name or, if it is of countries, a code."""
        low = text.lower().removesuffix("s")
        written = synonyms.NATIONS.get(low) or next((n for n in synonyms.NATIONS.values() if low in n[:-1]), ())
        meant = dict[str, str]()
        for column in self.file.columns:
            coded = bool({"country", "nation", "land", "market", "nationality"} & set(self._parts[column.name]))
            for value in column.values:
                if value.lower() in written[: None if coded else -1]:
                    meant[column.name] = value
        if meant:
            only = next(iter(meant.values())) if len(set(meant.values())) == 1 else meant
            yield 1, Item("V", text, only, tuple(meant), 2)

    def _times_at(self, texts: Sequence[str], i: int, question: str) -> Iterator[tuple[int, Item | None]]:
        yield from times_at(texts, i, self._dated)

    def _words_at(self, texts: Sequence[str], i: int, question: str) -> Iterator[tuple[int, Item | None]]:
        text, low = texts[i], texts[i].lower()
        kind = known.WORDS.get(low)
        number = self._number(texts, i)
        if number is not None:
            yield number
        elif low in known.ORDINALS:
            yield 1, Item("R", text, known.ORDINALS[low])
        elif low in known.ROWS:
            yield 1, Item("E", text, "row")
        elif self._is_row(low):
            yield 1, Item("E", text, "one")
        elif low == "used" and i + 1 < len(texts) and texts[i + 1].lower() in ("a", "an", "the", "any"):
            yield 1, Item("K", text)
        elif low == "whose" and i == 0:  # whose films gross most: an owner, and not a film
            yield 1, Item("U", text)
        elif low in ("when", "who", "whom") and i == 0:
            yield 1, Item("H", text)
        elif self._says_nothing(texts, i):
            yield 1, None
        elif kind:
            yield 1, Item(kind, text)
        yield 1, Item("U", text)

    def _number(self, texts: Sequence[str], i: int) -> tuple[int, Item] | None:
        low = texts[i].lower()
        if re.fullmatch(r"[$€£]?\d[\d,]*(\.\d+)?[km]?", low):
            value = float(re.sub(r"[$€£,km]", "", low)) * {"k": 1e3, "m": 1e6}.get(low[-1], 1)
        elif low in known.NUMBERS and low not in ("one",):
            value = float(known.NUMBERS[low])
        else:
            return None
        length = 1
        following = [t.lower() for t in texts[i + 1 : i + 3]] + ["", ""]
        if following[0] in _SCALES:
            value, length, following = value * _SCALES[following[0]], 2, [*following[1:], ""]
        unit = following[0] if len(following[0]) <= 2 else root(following[0])
        unit = {"metr": "metre", "millimetr": "millimetre", "centimetr": "centimetre", "minut": "minute"}.get(
            unit, unit
        )
        unit = {"tonn": "tonne", "degre": "degree", "mil": "mile"}.get(unit, unit)
        named = any(root(following[0]) in [root(w) for w in words] for words in self._parts.values())
        measure = unit in UNITS or any(unit in d for d in DIMENSIONS)
        if following[0] and measure and (not named or any(unit == unit_of(c) for c in self.columns)):
            length += 1
            aged = [t.lower() for t in texts[i + length : i + length + 2]]
            if unit == "year" and (aged[:1] == ["old"] or aged == ["of", "age"]):
                length, unit = length + (1 if aged[0] == "old" else 2), "age"
            return length, Item("N", " ".join(texts[i : i + length]), value, unit=unit)
        return length, Item("N", " ".join(texts[i : i + length]), value)

    def _is_row(self, word: str) -> bool:
        """Whether a noun is what one row is: named by the file, or a person in a table about persons.

        Where a column marks each row, its name says what one row is, and no other noun is: invoices are no customers.
        """
        stem = root(word)
        named = [root(w) for w in parts(self.file.name.rsplit(".", 1)[0])]
        if any(stem in kin and any(root(w) in named for w in kin) for kin in _ROW_KIN):
            return True
        if stem in named or (len(stem) >= 3 and any(n.endswith(stem) for n in named)):
            return True
        people = {root(w) for w in known.PEOPLE}
        if self.row_nouns and not self.row_nouns & people:
            return stem in self.row_nouns
        personal = any(w in known.PERSONAL for words in self._parts.values() for w in words)
        return word in known.PEOPLE and personal


_ROW_KIN = tuple(frozenset(root(w) for w in kin) for kin in synonyms.ROW_KIN)
_RATES = frozenset(("hour", "day", "week", "month", "year"))
_TIMES = frozenset(("day", "days", "hour", "hours", "h", "min", "minutes", "sec", "seconds", "weeks", "months"))
_MEANT = known.MEANT | {f"{word}s" for word in known.MEANT}
_SMALL = (
    known.FILLERS
    | known.HAVE
    | known.PREPOSITIONS
    | known.NEGATIONS
    | {"and", "or", "by", "per", "which", "what", "how", "m", "f"}
)

_LIGHT = _SMALL | {"number"}  # "number of" is no number_of_reviews


def _shortened(name: list[str], run: list[str]) -> bool:
    """Whether a name of several words cuts some of them short: lifeExp, gdpPercap."""
    if len(name) < 2 or len(run) < 2 or {run[0], run[-1]} & (_SMALL | set(known.AGGREGATES)):
        return False
    if len(name) == len(run) and any(a == b for a, b in zip(name, run, strict=True)):
        return all(a == b or (len(a) >= 3 and b.startswith(a)) for a, b in zip(name, run, strict=True))
    last, rest = name[-1], run[len(name) - 1 :]
    same = name[:-1] == run[: len(name) - 1] and len(rest) > 1
    return same and len(last) > len("".join(rest[:-1])) and "".join(rest).startswith(last)


def _within(run: list[str], words: list[str]) -> bool:
    """Whether a run of roots stands within a name, and is more than its unit or a mark such as id."""
    if run[-1] in ("id", "number", "no", "unit", "per", "num") or run[0] in ("per", "in", "of"):
        return False
    return any(words[k : k + len(run)] == run for k in range(len(words) - len(run) + 1))


def _of_sex(column: Column) -> bool:
    levels = {v.lower() for v in column.values}
    sexes = {w for words in synonyms.SAME.values() for w in words}
    return bool({"sex", "gender"} & set(parts(column.name))) or levels - {"other", "unknown", "diverse"} <= sexes


def _phrases_at(texts: Sequence[str], i: int, question: str) -> Iterator[tuple[int, Item | None]]:
    """Aggregates, superlatives, comparisons and grains; the longest phrase of several words first."""
    low = [t.lower() for t in texts[i : i + 4]]
    for length in range(len(low), 0, -1):
        said, shown = " ".join(low[:length]), " ".join(texts[i : i + length])
        if percentile := re.fullmatch(r"(\d\d?)(st|nd|rd|th) percentile", said):
            yield length, Item("A", shown, f"quantile {int(percentile[1]) / 100:g}")
        if said in known.PHRASES:
            kind, value = known.PHRASES[said]
            yield length, Item(kind, shown, value) if kind else None
