"""A question as a row of marked items: columns, values, numbers, times, and the words that say what is wanted of them.

Each word belongs to one item. A word that nothing explains stays an item of kind `U`, and whoever reads the items can
refuse to answer: what is not understood must not be guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphs.models.playbook import vocabulary as known
from graphs.models.playbook.facts import Column, File

_TOKEN = re.compile(
    r"\d{4}-\d\d?(?:-\d\d?)?|\d+(?:st|nd|rd|th)\b|[$€£]?\d[\d,]*(?:\.\d+)?(?:[km]\b)?|[^\W\d_]+\d*(?:['’][^\W\d_]+)?|[<>=]=?|[#,&]",
    re.I,
)
_QUOTED = re.compile(r"[\"“”`]([^\"“”`]+)[\"“”`]|(?<!\w)['‘]([^'’]+)['’](?!\w)")
_DIMENSIONS: Sequence[Mapping[str, float]] = (
    {"mg": 1e-3, "g": 1, "gram": 1, "kg": 1e3, "kilo": 1e3, "kilogram": 1e3, "tonne": 1e6, "lb": 453.592},
    {"mm": 1, "millimetre": 1, "cm": 10, "centimetre": 10, "m": 1e3, "metre": 1e3, "meter": 1e3, "km": 1e6},
    {"ms": 1e-3, "s": 1, "sec": 1, "second": 1, "min": 60, "minute": 60, "h": 3600, "hr": 3600, "hour": 3600},
)
_UNITS = frozenset(
    [
        "year",
        "dollar",
        "usd",
        "eur",
        "euro",
        "pound",
        "gbp",
        "percent",
        "pct",
        "ppm",
        "degree",
        "celsius",
        "fahrenheit",
        "c",
        "f",
        "k",
        "mile",
        "mph",
        "unit",
        "point",
    ]
)
_GROUPED = ("grouped by", "broken down by", "split by", "for each", "for every", "in each", "in every", "of each")
_SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "hundred": 1e2}
_NEGATIONS = frozenset(
    [
        "not",
        "no",
        "without",
        "except",
        "excluding",
        "non",
        "never",
        "didn't",
        "don't",
        "isn't",
        "wasn't",
        "weren't",
        "aren't",
        "n't",
    ]
)


@dataclass(frozen=True)
class Item:
    """Some words and what they are. `columns` are those that can be meant, `value` depends on the kind.

    A aggregate, S superlative, Z comparative, C column, Y column of yes and no, V value, N number, R ordinal,
    O comparison, T time, G grain of time, B per, W which, H who or when, E what a row is, X not, M missing, J and,
    D or, P preposition, K is or has, r rate, c columns, U not understood.
    """

    kind: str
    text: str
    value: Any = None
    columns: tuple[str, ...] = ()
    sure: int = 0
    unit: str = ""


def root(word: str) -> str:
    """What the forms of a word share: penguins, penguin → penguin; delayed, delay → delay; price, pricing → pric."""
    word = re.sub(r"['’]s$", "", word.lower())
    if word in ("species", "series", "sales", "sex", "gas", "bus", "status", "less"):
        return word
    if word in ("men", "women", "people", "children"):
        return {"men": "man", "women": "woman", "people": "person", "children": "child"}[word]
    for ending, instead in (("ies", "y"), ("ie", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh")):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            word = word[: -len(ending)] + instead
            break
    else:
        if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
            word = word[:-1]
    if word.endswith("ission"):
        return word[:-6] + "it"  # readmission, readmitted
    for ending, least in (("ation", 10), ("al", 7)):
        if word.endswith(ending) and len(word) >= least:
            return word[: -len(ending)]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) >= len(ending) + 3:
            word = word[: -len(ending)]
            word = word[:-1] if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "sl" else word
            break
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


def parts(name: str) -> list[str]:
    """The words of a name: `billLength_mm` → bill, length, mm."""
    return [t.lower() for t in re.findall(r"[^\W\d_]+|\d+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))]


def unit_of(column: str) -> str:
    """The unit at the end of a column's name, or nothing."""
    words = parts(column)
    last = words[-1] if len(words) > 1 else ""
    return last if last in _UNITS or any(last in d for d in _DIMENSIONS) else ""


def convert(value: float, unit: str, column: str) -> float | None:
    """A number in the column's own unit; None where its unit is of another kind."""
    own = unit_of(column)
    for units in _DIMENSIONS:
        if unit in units and own in units:
            return float(f"{value * units[unit] / units[own]:.12g}")
        if (unit in units and own and own not in units) or (own in units and unit and unit not in units):
            return None
    return value


class Reader:
    """Marks the words of questions about one table."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.columns = {c.name: c for c in file.columns}
        self.times = [c.name for c in file.columns if c.is_time]
        self._parts = {c.name: parts(c.name) for c in file.columns}

    def read(self, question: str) -> list[Item]:
        """The items of a question, in order."""
        return list(self._items(question))

    def _items(self, question: str) -> Iterator[Item]:
        texts: list[str] = []
        quoted: dict[int, str] = {}
        place = 0
        for match in _QUOTED.finditer(question):
            texts += self._tokens(question[place : match.start()])
            quoted[len(texts)] = match[1] or match[2]
            texts.append(match[1] or match[2])
            place = match.end()
        texts += self._tokens(question[place:])
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

    def _tokens(self, text: str) -> list[str]:
        text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
        text = re.sub(r"n['’]t\b", " not", text)
        return [t.replace("’", "'") for t in _TOKEN.findall(text.replace("_", " "))]

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
        found: list[tuple[int, int, Item | None]] = []
        for rank, source in enumerate((self._columns_at, self._values_at, self._times_at, _phrases_at, self._words_at)):
            for length, item in source(texts, i, question):
                found.append((length, -rank, item))
        length, _, item = max(found, key=lambda f: (f[0], f[1]))
        return length, item

    def _columns_at(self, texts: Sequence[str], i: int, question: str) -> Iterator[tuple[int, Item | None]]:
        for length in range(min(6, len(texts) - i), 0, -1):
            run = [root(t) for t in texts[i : i + length]]
            said = " ".join(texts[i : i + length])
            if length == 1 and (said.lower() in _SMALL or len(said) < 2) and said not in self.columns:
                continue
            acronym = known.ACRONYMS.get(said.lower())
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
            if partly and not all(w in _SMALL for w in (t.lower() for t in texts[i : i + length])):
                yield length, self._partly(said, partly)
                return
            kin = known.KIN.get(said.lower()) or known.KIN.get(texts[i].lower().rstrip("s"), ())
            if length == 1 and kin:
                for other in kin:
                    meant = tuple(c for c, words in self._parts.items() if other in words)
                    if meant:
                        yield 1, self._column(said, meant, 1)
                        return

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
        keys = [c for c in columns if self._parts[c][-1] in ("id", "key", "code", "no", "number", "uuid")]
        own = [c for c in keys if [root(w) for w in self._parts[c][:-1]] == run]
        if len(own) == 1:
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
            meant: dict[str, str] = {}
            loose: dict[str, str] = {}
            for column in self.file.columns:
                for value in column.values:
                    words = [t.lower() for t in _TOKEN.findall(value.replace("_", " "))]
                    if not words or len(words) != length:
                        continue
                    odd = bool(re.search(r"[^\w\s,.'’&/-]", value))  # A+ and A- differ by a sign only
                    if odd and value.lower() not in question.lower():
                        continue
                    if (length == 1 and len(value) <= 2) or small:
                        upper = value.isupper() and (i > 0 or len(value) > 1)
                        if value in texts[i : i + length] and (upper or (i > 0 and texts[i - 1] == "=")):
                            meant[column.name] = value
                    elif words == run:
                        meant[column.name] = value
                    elif len(run[-1]) > 3 and [root(w) for w in words] == [root(t) for t in run]:
                        loose[column.name] = value
            meant = meant or loose
            if meant:
                written = set(meant.values())
                chosen: Any = written.pop() if len(written) == 1 else dict(meant)
                yield length, Item("V", said, chosen, tuple(meant), 3)
                return
        sex = known.SEXES.get(texts[i].lower())
        if sex:
            meant = {
                c.name: v for c in self.file.columns for v in c.values if v.lower() in known.SAME[sex] and _of_sex(c)
            }
            if meant:
                only = next(iter(meant.values())) if len(set(meant.values())) == 1 else meant
                yield 1, Item("V", texts[i], only, tuple(meant), 2)

    def _times_at(self, texts: Sequence[str], i: int, question: str) -> Iterator[tuple[int, Item | None]]:
        low = [t.lower() for t in texts[i : i + 4]] + [""] * 4
        before = texts[i - 1].lower() if i else ""
        year = re.fullmatch(r"(1[5-9]|20)\d\d", low[0])
        if re.fullmatch(r"\d{4}-\d\d?(-\d\d?)?", low[0]):
            yield 1, Item("T", texts[i], "-".join(p.zfill(2) for p in low[0].split("-")))
        month = next((m for m, name in enumerate(known.MONTHS, 1) if low[0] in (name, name[:3], f"{name[:3]}.")), 0)
        sure = texts[i][:1].isupper() and i > 0
        doubtful = low[0] in ("may", "march", "mar", "jan", "dec", "sun") and not sure
        if month and not doubtful:
            day = re.fullmatch(r"(\d\d?)(st|nd|rd|th)?", low[1])
            if re.fullmatch(r"(1[5-9]|20)\d\d", low[1]):
                yield 2, Item("T", " ".join(texts[i : i + 2]), f"{low[1]}-{month:02d}")
            elif day and re.fullmatch(r"(1[5-9]|20)\d\d", low[2]):
                yield 3, Item("T", " ".join(texts[i : i + 3]), f"{low[2]}-{month:02d}-{int(day[1]):02d}")
            elif day and low[2] == "," and re.fullmatch(r"(1[5-9]|20)\d\d", low[3]):
                yield 4, Item("T", " ".join(texts[i : i + 4]), f"{low[3]}-{month:02d}-{int(day[1]):02d}")
            else:
                yield 1, Item("T", texts[i], f"month {month}")
        if low[0] in known.ORDINALS and low[1] == "quarter":
            of = 1 if low[2] in ("of", "in") else 0
            if re.fullmatch(r"(1[5-9]|20)\d\d", low[2 + of]):
                yield 3 + of, Item("T", " ".join(texts[i : i + 3 + of]), f"{low[2 + of]}-Q{known.ORDINALS[low[0]]}")
            elif known.ORDINALS[low[0]] <= 4:
                yield 2, Item("T", " ".join(texts[i : i + 2]), f"quarter {known.ORDINALS[low[0]]}")
        quarter = re.fullmatch(r"q([1-4])", low[0])
        if quarter:
            if re.fullmatch(r"(1[5-9]|20)\d\d", low[1]):
                yield 2, Item("T", " ".join(texts[i : i + 2]), f"{low[1]}-Q{quarter[1]}")
            else:
                yield 1, Item("T", texts[i], f"quarter {quarter[1]}")
        singular = low[0].removesuffix("s")
        if singular in known.WEEKDAYS:
            yield 1, Item("T", texts[i], f"weekday {known.WEEKDAYS.index(singular)}")
        if singular == "weekend":
            yield 1, Item("T", texts[i], "weekend")
        dated = bool(self.times) or any(w in ("year", "yr") for words in self._parts.values() for w in words)
        if (
            year
            and dated
            and (
                before in ("in", "since", "during", "of", "for", "until", "before", "after", "from", "to")
                or before in ("and", "between", "year", "by", "through", "till")
            )
        ):
            yield 1, Item("T", texts[i], low[0])

    def _words_at(self, texts: Sequence[str], i: int, question: str) -> Iterator[tuple[int, Item | None]]:
        text, low = texts[i], texts[i].lower()
        number = self._number(texts, i)
        if number is not None:
            yield number
        elif low in known.ORDINALS:
            yield 1, Item("R", text, known.ORDINALS[low])
        elif low in known.ROWS:
            yield 1, Item("E", text, "row")
        elif self._is_row(low):
            yield 1, Item("E", text, "one")
        elif low in known.FILLERS:
            yield 1, None
        elif low in _NEGATIONS:
            yield 1, Item("X", text)
        elif low in ("missing", "null", "nan", "blank", "empty"):
            yield 1, Item("M", text)
        elif low in ("which", "what"):
            yield 1, Item("W", text)
        elif low in ("when", "who", "whom") and i == 0:
            yield 1, Item("H", text)
        elif low in ("and", "&", ",", "vs", "versus", "but"):
            yield 1, Item("J", text)
        elif low == "or":
            yield 1, Item("D", text)
        elif low in ("by", "per", "across", "each", "every"):
            yield 1, Item("B", text)
        elif low in ("rate", "rates"):
            yield 1, Item("r", text)
        elif low in ("columns", "variables", "features", "fields", "column", "variable"):
            yield 1, Item("c", text)
        elif low in known.HAVE:
            yield 1, Item("K", text)
        elif low in known.PREPOSITIONS:
            yield 1, Item("P", text)
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
        measure = unit in _UNITS or any(unit in d for d in _DIMENSIONS)
        if following[0] and measure and (not named or any(unit == unit_of(c) for c in self.columns)):
            length += 1
            aged = [t.lower() for t in texts[i + length : i + length + 2]]
            if unit == "year" and (aged[:1] == ["old"] or aged == ["of", "age"]):
                length, unit = length + (1 if aged[0] == "old" else 2), "age"
            return length, Item("N", " ".join(texts[i : i + length]), value, unit=unit)
        return length, Item("N", " ".join(texts[i : i + length]), value)

    def _is_row(self, word: str) -> bool:
        """Whether a noun is what one row is: named by the file, or a person in a table about persons."""
        stem = root(word)
        named = [root(w) for w in parts(self.file.name.rsplit(".", 1)[0])]
        if stem in named or (len(stem) >= 3 and any(n.endswith(stem) for n in named)):
            return True
        personal = any(w in known.PERSONAL for words in self._parts.values() for w in words)
        return word in known.PEOPLE and personal


_MEANT = known.MEANT | {f"{word}s" for word in known.MEANT}
_SMALL = (
    known.FILLERS
    | known.HAVE
    | known.PREPOSITIONS
    | _NEGATIONS
    | {"and", "or", "by", "per", "which", "what", "how", "m", "f"}
)


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
    sexes = {w for words in known.SAME.values() for w in words}
    return bool({"sex", "gender"} & set(parts(column.name))) or levels - {"other", "unknown", "diverse"} <= sexes


def _phrases_at(texts: Sequence[str], i: int, question: str) -> Iterator[tuple[int, Item | None]]:
    """Aggregates, superlatives, comparisons and grains; the longest phrase of several words first."""
    low = [t.lower() for t in texts[i : i + 4]]
    for length in range(len(low), 0, -1):
        said, shown = " ".join(low[:length]), " ".join(texts[i : i + length])
        if said in known.AGGREGATES:
            yield length, Item("A", shown, known.AGGREGATES[said])
        if said in known.SUPERLATIVES:
            yield length, Item("S", shown, known.SUPERLATIVES[said])
        if said in known.COMPARISONS:
            yield length, Item("O", shown, known.COMPARISONS[said])
        if said in known.GRAINS:
            yield length, Item("G", shown, known.GRAINS[said])
        if said in _GROUPED:
            yield length, Item("B", shown)
        percentile = re.fullmatch(r"(\d\d?)(st|nd|rd|th) percentile", said)
        if percentile:
            yield length, Item("A", shown, f"quantile {int(percentile[1]) / 100:g}")
        if said in ("other than", "apart from", "except for"):
            yield length, Item("X", shown)
        if said in ("year old", "years old", "years of age"):
            yield length, None
        if length == 1 and said.endswith("er") and f"{said} than" in known.COMPARISONS:
            yield 1, Item("Z", shown, known.COMPARISONS[f"{said} than"])
        if said in ("more expensive", "less expensive"):
            yield length, Item("Z", shown, known.COMPARISONS[f"{said} than"])
        if said in ("since", "after", "before", "until", "till", "through", "from"):
            yield length, Item("P", shown, said)
