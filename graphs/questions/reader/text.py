"""A question's text as words, numbers and signs, with their places, their sentences and what is quoted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any

_QUOTED = re.compile(r"[\"“”]([^\"“”\n]{1,120})[\"“”]|`([^`\n]{1,120})`|(?<!\w)['‘]([^'’\n]{1,80})['’](?!\w)")
_TOKEN = re.compile(
    r"(?P<number>(?<![\w.])[-−]?\d+(?:,\d{3})*(?:\.\d+)?(?:[eE]-?\d+)?(?![\d\w])|\d+(?:st|nd|rd|th)\b|\d+)"
    r"|(?P<word>[^\W\d_]+\d*)|(?P<sign>[<>!=]=?|≥|≤|\n|[^\w\s])"
)
_CAMEL = re.compile(
    r"(?<=[a-z])(?=[A-Z])(?!(?<=\b[a-z])[A-Z][a-z]?\b)|(?<=[A-Z])(?=[A-Z][a-z]{2,})|(?<=[a-z]{2})(?=\d)"
)
_IRREGULAR = {"women": "woman", "men": "man", "children": "child", "people": "person", "mice": "mouse", "feet": "foot",
              "teeth": "tooth", "geese": "goose", "criteria": "criterion", "indices": "index",
              "takings": "revenue", "buses": "bus", "loaves": "loaf", "shelves": "shelf", "knives": "knife"}  # fmt: skip
_PAST = {"came": "come", "left": "leave", "went": "go", "gone": "go", "bought": "buy", "paid": "pay", "sold": "sell",
         "lost": "lose", "won": "win", "broke": "break", "broken": "break", "conversion": "convert", "fell": "fall", "sent": "send"}  # fmt: skip
_STEPS = re.compile(r"(?m)^[ \t]*(?:\d+[.)](?!\d)|[-•*]+)|(?<=[.?!;:] )\d+[.)](?=\s)|[{}]")
_ABBREVIATED = {"mr", "mrs", "ms", "dr", "e", "g", "i", "vs", "etc", "no", "eg", "ie", "approx", "st"}


@cache
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("english")


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """The stem of one lower-case word."""
    word = _IRREGULAR.get(word, word)
    return str(_stemmer().stemWord(word)) if len(word) > 2 else word


def root(word: str) -> str:
    """The stem of a verb's present, where its past is another word."""
    return stem(_PAST.get(word, word))


@dataclass(frozen=True)
class Word:
    """A word, number or sign at its place; `quote` counts the quoted texts of the question, 0 where it is in none."""

    text: str
    start: int
    end: int
    quote: int = 0
    number: float | None = None

    @cached_property
    def low(self) -> str:
        """The word in small letters."""
        return self.text.casefold()

    @cached_property
    def stem(self) -> str:
        """Its stem."""
        return stem(self.low)

    @property
    def content(self) -> bool:
        """Whether it is a word or a number, no sign."""
        return self.text[0].isalnum() or self.text == "#" or self.number is not None


def words(text: str) -> list[Word]:
    """The words of a text; `SibSp` and `max_wind` are two words each, kWh is one, a possessive's s is left out."""
    quotes = [(m.start(), m.end()) for m in _QUOTED.finditer(text)]
    found = []
    for m in _TOKEN.finditer(text):
        quote = next((n for n, (a, b) in enumerate(quotes, 1) if a <= m.start() < b), 0)
        token = m[0]
        if m["word"]:
            if token in ("s", "t", "ve", "re", "ll", "d", "m") and m.start() and text[m.start() - 1] in "'’":
                if token == "t":
                    found.append(Word("not", m.start(), m.end(), quote))
                continue
            at = m.start()
            for piece in _CAMEL.split(token):
                found.append(Word(piece, at, at + len(piece), quote))
                at += len(piece)
        elif m["number"]:
            plain = re.sub(r"(st|nd|rd|th)$", "", token).replace(",", "").replace("−", "-")
            found.append(Word(token, m.start(), m.end(), quote, float(plain)))
        elif token not in "'’‘\"“”`_":
            found.append(Word(token, m.start(), m.end(), quote))
    return found


def name_words(name: str) -> tuple[str, ...]:
    """The words of a column's name or a value, in small letters, signs left out."""
    return tuple("number" if w.text == "#" else w.low for w in words(name) if w.content)


def sentences(text: str) -> Iterator[list[Word]]:
    """The words of each sentence, step or line; list numbers and brackets around steps are left out."""
    text = _STEPS.sub(lambda m: " " * len(m[0]), text)
    found, held, listing = words(text), list[Word](), False
    for word, after in zip(found, [*found[1:], None], strict=False):
        if not held and word.text in ".)-•*,;:":
            continue
        ends = word.text in "?!;\n" and not word.quote
        if word.text == "." and not word.quote:
            gap = after is None or (after.start > word.end and not after.text[0].islower())
            ends = gap and not (held and held[-1].low in _ABBREVIATED)
        if not ends:
            held.append(word)
        elif word.text == "\n" and held and held[-1].text == ":":
            listing = True
        elif word.text == "\n" and listing and after and _item(text[word.end :].split("\n")[0]):
            held.append(Word(",", word.start, word.end))
        elif held:
            yield held if word.text != "?" else [*held, word]
            held, listing = [], False
    if held:
        yield held


def _item(line: str) -> bool:
    """Whether a line is one of a list, and does not introduce another."""
    return len(name_words(line)) <= 4 and not line.rstrip().endswith(":")


def figure(ws: Sequence[Word], n: int) -> float:
    """The number at a place, with the thousand or million behind it."""
    number = ws[n].number or 0.0
    after = ws[n + 1].low if n + 1 < len(ws) else ""
    times = {"k": 1e3, "thousand": 1e3, "million": 1e6, "m": 1e6, "billion": 1e9}.get(after, 1.0)
    close = n + 1 < len(ws) and (ws[n + 1].start == ws[n].end or len(after) > 1)
    return number * times if close else number
