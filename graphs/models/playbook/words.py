"""How the playbook reads a question: simple word forms, the columns that it names, and what each clause asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from graphs.models.playbook.facts import Column

Intent = Literal["relate", "separate", "compare", "time", "closed", "open"]

_UNIT = re.compile(r"mm|cm|m|km|m?g|kg|lb|m?s|min|hr?|usd|eur|gbp|pct|percent|[cfk]|ppm|db|k?wh?|m?l", re.I)
_STOP = frozenset(
    re.findall(
        r"\w+",
        "a an and any are as at be between but by can did do does for from has have how i in is it its me my of on "
        "or our that the their them there these they this to was we were what when where which who why with data "
        "table column columns row rows value values much many most more less than see say tell look find show know "
        "here",
    )
)
# A word of the question that stands for a column's word, where no column has the word itself.
_KIN = {
    "gender": ("sex",),
    "male": ("sex", "gender"),
    "female": ("sex", "gender"),
    "man": ("sex", "gender"),
    "woman": ("sex", "gender"),
    "weight": ("mass",),
    "heavy": ("weight", "mass"),
    "mass": ("weight",),
    "long": ("length",),
    "tall": ("height",),
    "deep": ("depth",),
    "wide": ("width",),
    "old": ("age",),
    "young": ("age",),
    "cost": ("price", "fare"),
    "expensive": ("price", "cost"),
    "earn": ("income", "salary", "wage"),
    "survivor": ("survived",),
    "conversion": ("converted", "convert"),
    "retention": ("retained", "retain"),
    "admission": ("admitted", "admit"),
    "purchase": ("purchased", "bought"),
}
_ENDINGS = (  # ending, what stands for it, shortest word that loses it
    ("ies", "y", 5),
    ("ier", "y", 6),
    ("sses", "ss", 5),
    ("xes", "x", 4),
    ("ches", "ch", 6),
    ("shes", "sh", 6),
    ("ing", "", 6),
    ("ed", "", 5),
    ("er", "", 5),
    ("ly", "", 6),
)
_ODD = {"men": "man", "women": "woman", "people": "person", "species": "species", "series": "series", "data": "data"}

_CLOSED = re.compile(
    r"^\s*(how (many|much)\b|count\b|total\b|sum of\b|(average|mean|median|maximum|minimum) |"
    r"(what|which)\b.*\b(is|was|are|were|has|had|have|with)\b.*\b(average|mean|median|total|sum|number|count|maximum|minimum|highest|lowest|largest|smallest|most|"
    r"fewest|best|worst)\b)",
    re.I,
)
_SEPARATE = re.compile(
    r"\b(separat|distinguish|tell\w* .*apart|differentiat|characteri[sz]|discriminat|set\w* .*apart)", re.I
)
_TIME = re.compile(
    r"\b(over time|next (year|quarter|month|week)|"
    r"trend|season|over the (years|months|weeks)|chang\w* over( time)?|happened|forecast|since|"
    r"what (has |have )?changed)",
    re.I,
)
_COURSE = re.compile(r"^how (do|does|did|has|have|is|are|was|were)\b.*\b(chang|develop|evolv)\w*$", re.I)
_FORWARD = re.compile(
    r"\b(predict|affect|influenc|explain|determin|driv|caus|chang|impact|increas|decreas|rais|reduc|improv|lead|matter)",
    re.I,
)
_BACKWARD = re.compile(r"\b(depend|due to|because of|driven by|explained by|caused by|affected by|predicted by)", re.I)
_RELATE = re.compile(
    r"\b(relat|correlat|associat|connect|link|go with|goes with|together|versus|vs|impact|effect|between)", re.I
)
_COMPARE = re.compile(r"\b(differ|compar|vary|varies|across|per|by|among|higher|lower|than)\b|\bdiffer", re.I)


@dataclass(frozen=True)
class Clause:
    """One thing that is asked: which columns it names, in the order of naming, and what it wants of them.

    `factors` stand before a verb such as "predict", `outcomes` after it.
    """

    text: str
    intent: Intent
    columns: tuple[str, ...]
    factors: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()


def stem(word: str) -> str:
    """A word without its commonest endings: penguins → penguin, masses → mass, rated → rat, studies → study."""
    word = word.lower().removesuffix("'s").removesuffix("’s")
    if word in _ODD:
        return _ODD[word]
    for ending, instead, least in _ENDINGS:
        if word.endswith(ending) and len(word) >= least:
            return word[: -len(ending)] + instead
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3 else word


def alike(a: str, b: str) -> bool:
    """Whether two words are forms of one: equal stems, or a long shared beginning (survived, survival)."""
    a, b = a.lower(), b.lower()
    if a == b or stem(a) == stem(b):
        return True
    shared = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        shared += 1
    return shared >= 5 and shared >= 0.7 * max(len(a), len(b))


def tokens(column: str) -> list[str]:
    """The words of a column's name, without a unit at its end: `billLength_mm` → bill, length."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column)
    found = [t for t in re.split(r"[\W_]+", spaced.lower()) if t]
    return found[:-1] if len(found) > 1 and _UNIT.fullmatch(found[-1]) else found


def words(text: str) -> list[str]:
    """The words of a text in order, names with underscores taken apart."""
    return [w for w in re.split(r"[^\w'’]+|_", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)) if w]


def named(text: str, columns: Sequence[Column]) -> list[str]:
    """The columns that a text names, in the order in which it names them.

    A name counts when all its words stand together, in any common form. A single one of its words counts when no other
    column could be meant by it; so does a value of a category ("Gentoo" names the species). Longer names win.
    """
    said = words(text)
    claims: list[tuple[int, int, int, str]] = []  # (place, length, -quality, column)
    for column in columns:
        parts = tokens(column.name)
        for start in range(len(said)):
            run = said[start : start + len(parts)]
            if run and run != parts and len(parts) == 1 and run[0].lower() in _STOP:
                continue  # "what is there to see" is not about a column called seeing
            if len(run) == len(parts) and all(alike(p, w) for p, w in zip(parts, run, strict=True)):
                claims.append((start, len(parts), -3, column.name))
    for place, word in enumerate(said):
        for column in columns:  # mpg for miles per gallon
            length = len(column.name)
            if 3 <= length <= 5 and "".join(w[0] for w in said[place : place + length]).lower() == column.name.lower():
                claims.append((place, length, -2, column.name))
        if word.lower() in _STOP or len(word) < 3:
            continue
        loose = [c.name for c in columns if any(_kin(word, t) for t in tokens(c.name))]
        if len(loose) == 1:
            claims.append((place, 1, -2, loose[0]))
        valued = {c.name: n for c in columns for level in c.levels if (n := _length(level, said[place:]))}
        if len(valued) == 1:
            claims += [(place, n, -1, name) for name, n in valued.items()]
    taken: set[int] = set()
    chosen: dict[str, int] = {}
    for place, length, _, name in sorted(claims, key=lambda c: (c[2], -c[1], c[0], c[3])):
        span = set(range(place, place + length))
        if not span & taken:
            taken |= span
            chosen[name] = min(place, chosen.get(name, place))
    return sorted(chosen, key=lambda name: (chosen[name], name))


def _length(level: str, said: Sequence[str]) -> int:
    """How many words a value takes up where a text begins with it: 2 of "new checkout" for new_checkout; else 0."""
    parts = words(level)
    return len(parts) if parts and [w.lower() for w in said[: len(parts)]] == parts else 0


def _kin(word: str, token: str) -> bool:
    short = len(token) >= 4 and word.lower().startswith(token)  # dist for distance
    if alike(word, token) or short or (len(word) >= 4 and token.endswith(word.lower())):
        return True
    return any(alike(other, token) for other in _KIN.get(word.lower()) or _KIN.get(stem(word), ()))


def clauses(question: str, columns: Sequence[Column]) -> list[Clause]:
    """What a question asks, one clause after the other; a clause that names nothing keeps an empty list."""
    return [_clause(part, columns) for part in _parts(question)]


def _parts(question: str) -> Iterator[str]:
    opening = r"(?:what|which|does|do|did|is|are|was|were|how|why|who|where|when|can)\b"
    for sentence in re.split(r"[?!;]+|\.(?:\s|$)", question):
        for part in re.split(rf",?\s+(?:and|or|but)\s+(?={opening})|,\s+(?={opening})", sentence, flags=re.I):
            if part.strip():
                yield part.strip()


def _clause(text: str, columns: Sequence[Column]) -> Clause:
    found = tuple(named(text, columns))
    if _CLOSED.search(text):
        return Clause(text, "closed", found)
    if _SEPARATE.search(text):
        return Clause(text, "separate", found)
    if _TIME.search(text) or (_COURSE.search(text) and any(c.is_time for c in columns)):
        return Clause(text, "time", tuple(named(_TIME.sub(" ", text), columns)))  # "over" means no stock_cover
    backward = _BACKWARD.search(text)
    verb = backward or _FORWARD.search(text)
    if verb:
        before, after = (named(part, columns) for part in (text[: verb.start()], text[verb.end() :]))
        factors, outcomes = (after, before) if backward else (before, after)
        return Clause(text, "relate", found, tuple(factors), tuple(c for c in outcomes if c not in factors))
    if _RELATE.search(text) and len(found) >= 2 and not _COMPARE.search(text):
        return Clause(text, "relate", found, found[:-1], found[-1:])
    if _COMPARE.search(text):
        return Clause(text, "compare", found)
    return Clause(text, "relate" if len(found) >= 2 else "open", found, found[:-1], found[-1:])
