"""The reader's closed lexicon, kept in `lexicon.toml`: what words ask for, compare, group and join, and which say nothing.

The code of a phrase is the letter that stands for its item in a clause's shape (see `items.py`). A phrase is met by its
own words or by their stems, the longest first.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from graphs.questions.reader.text import stem, words

type Phrases = dict[tuple[str, ...], tuple[str, str]]


_HELD: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
section = _HELD.__getitem__
"""One section of the file."""


@cache
def patterns(name: str) -> dict[str, str]:
    """The patterns of a section, by what they name; what its `words` list is met by the beginning of its name."""
    held = dict(section(name))
    return {w: rf"\b{w.partition('_')[0]}\w*" for w in held.pop("words", "").split()} | held


@cache
def form(name: str) -> str:
    """A pattern of the section `forms`, with the words of lists, or other forms, in place of their names in braces."""
    forms = section("forms")
    return re.sub(r"\{([a-z_]+)\}", lambda m: form(m[1]) if m[1] in forms else "|".join(listed(m[1])), forms[name])


def found(name: str, text: str) -> re.Match[str] | None:
    """Where a text has a form."""
    return re.search(form(name), text, re.I)


@cache
def listed(name: str) -> tuple[str, ...]:
    """The words of a list, in order."""
    return tuple(section("words")[name].split())


def number(word: str | None) -> int:
    """A number in figures or as a word; 1 where there is none."""
    said = (word or "one").casefold()
    return int(said) if said.isdigit() else listed("numbers").index(said) if said in listed("numbers") else 1


@cache
def some(*names: str) -> frozenset[str]:
    """The words of some lists."""
    return frozenset(word for name in names for word in listed(name))


def harmless() -> frozenset[str]:
    """Words that may go unread."""
    return some("harmless", "function", "stop")


def in_full(word: str) -> str:
    """A word that may be written in short: amount, of amt."""
    return str(section("abbreviations").get(word, word))


def people() -> frozenset[str]:
    """Words for a person."""
    return some("people", "female", "male") - {"f", "w", "m"} | {"who", "aged"}


@cache
def phrases() -> tuple[Phrases, Phrases]:
    """Phrases by their words, and by their stems, each with its code and meaning."""
    exact: Phrases = {}
    stems: Phrases = {}
    for head, said in section("phrases").items():
        code, meaning = head.split(" ", 1)
        for phrase in [said] if said == "," else (p for s in said.replace("\n", " ").split(", ") for p in _each(s)):
            key = tuple(w.low for w in words(phrase))
            exact.setdefault(key, (code, meaning))
            if code.isupper():
                stems.setdefault(forms(key), (code, meaning))
    for name, dimension in section("dimensions").items():
        for end, sign, way in (("max", ">", "much"), ("min", "<", "little")):
            for adjective in dimension.get(way, "").split():
                more, most = compared(adjective)
                for key, met in (
                    (most, ("M", f"{end} {name}")),
                    (("the", *most), ("M", f"{end} {name}")),
                    ((*more, "than"), ("K", f"{sign} {name}")),
                    (more, ("j", name)),
                    *(((word, *more), ("Y", f"change {name}")) for word in ("getting", "becoming", "gotten")),
                ):
                    if key not in exact:
                        exact[key] = met
                        if met[0] != "Y":  # "get worse" is no "getting worse"
                            stems[forms(key)] = met
                    elif exact[key][0] == met[0] and name not in exact[key][1]:  # shortest: of a length or of a height
                        turned = "-" * (met[0] in "MK" and exact[key][1].split()[0] != met[1].split()[0])
                        exact[key] = (met[0], f"{exact[key][1]} {turned}{name}")  # fastest: the least of a duration
    return exact, stems


def forms(key: Sequence[str]) -> tuple[str, ...]:
    """The stems by which a phrase is met. An adverb is no other form of its adjective (normally, likely), if it tells no
    period (monthly), and "get more" none of "getting more"."""
    lasting = key[0] if key[1:] and key[0].endswith("ing") else ""
    adverbs = {w for w in key if w.endswith("ly") and stem(w) not in some("times")}
    return tuple(w if w == lasting or w in adverbs else stem(w) for w in key)


def _each(phrase: str) -> Iterator[str]:
    """The phrases that one with alternatives in brackets stands for: "(for|in) each"."""
    if (choice := re.search(r"\(([^)]+)\)", phrase)) is None:
        yield phrase
    else:
        for word in choice[1].split("|"):
            yield from _each(phrase[: choice.start()] + word + phrase[choice.end() :])


def compared(adjective: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """An adjective's comparative and superlative: heavier and heaviest, more and most expensive."""
    if adjective in (irregular := {"good": (("better",), ("best",)), "bad": (("worse",), ("worst",))}):
        return irregular[adjective]
    if len(adjective) > 5 or adjective == "aged":
        return ("more", adjective), ("most", adjective)
    double = adjective[-1] if re.fullmatch("[^aeiou]+[aeiou][bdgnpt]", adjective) else ""
    root = re.sub("y$", "i", adjective.removesuffix("e")) + double
    return (root + "er",), (root + "est",)


def dimensions(kind: str, word: str) -> str:
    """The names of the dimensions of which an adjective or a unit speaks."""
    return " ".join(n for n, d in section("dimensions").items() for k in kind.split() if word in d.get(k, "").split())


@cache
def columns_of(dimension: str) -> tuple[str, ...]:
    """The words of the columns that hold a dimension, those that are meant first before the others."""
    return tuple(section("dimensions").get(dimension.lstrip("-"), {"columns": ""})["columns"].split())


def holds(dimension: str, column: Sequence[str]) -> bool:
    """Whether no word of a column's name says that it is of something else than this dimension: hours, not overtime."""
    return not set(section("dimensions").get(dimension.lstrip("-"), {}).get("but", "").split()) & set(column)


@cache
def says(dimension: str) -> frozenset[str]:
    """The stems of the other words by which a column of a dimension is spoken of."""
    return frozenset(stem(w) for w in section("dimensions")[dimension].get("says", "").split())


@cache
def spelled(word: str) -> str:
    """The word of a phrase of which a letter within is missing, as in occurence; else the word itself."""
    from rapidfuzz import fuzz, process

    ours = {w for phrase in phrases()[0] for w in phrase}
    longer = sorted(w for w in ours if len(w) == len(word) + 1 and w[0] + w[-1] == word[:1] + word[-1:])
    known = len(word) < 7 or word in ours | harmless() | some("people", "events", "rows")
    near = None if known else process.extractOne(word, longer, scorer=fuzz.ratio, score_cutoff=92)
    return near[0] if near else word


@cache
def singulars() -> frozenset[str]:
    """Words for one person: a column of whole numbers with such a name says who, and a plural may say how many."""
    return frozenset(w for w in listed("people") if not w.endswith("s") and stem(w) == stem(w + "s"))


@cache
def kin(ours: bool) -> dict[str, dict[str, float]]:
    """Stems that may stand for one another in a column's name, each with how near it is; `ours`: of what "we" do."""
    found = dict[str, dict[str, float]]()
    for line in section("words")["kin"].split(";"):
        family = [stem(w) for w in line.split()]
        for word in family:
            found.setdefault(word, {}).update(dict.fromkeys(family, 0.9))
    for name, dimension in section("dimensions").items():
        if dimension.get("ours") and not ours:
            continue
        for n, column in enumerate(columns_of(name)):
            near = (0.98 if dimension.get("ours") else 0.94) - 0.002 * n
            for word in dimension.get("says", "").split():
                known = found.setdefault(stem(word), {})
                known[stem(column)] = max(near, known.get(stem(column), 0.0))
    return found


def with_alike(stems: Collection[str]) -> frozenset[str]:
    """These stems, and those of other words for the same rows: an order is a sale."""
    groups = ({stem(w) for w in group.split()} for group in section("words")["alike"].split(";"))
    return frozenset(stems).union(*(group for group in groups if group & {*stems}))
