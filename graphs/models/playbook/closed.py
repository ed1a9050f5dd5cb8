"""Questions with one closed answer, read by a grammar: measure, aggregate, group, conditions, order and limit.

Every word must be explained by a column, a value, a number or a word that the grammar knows. Otherwise, and wherever
two readings fit, there is a reason in place of an answer: a refusal costs the reader a minute, a wrong number the
decision.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from graphs.models.playbook import vocabulary as known
from graphs.models.playbook.agreeing import agreed
from graphs.models.playbook.asked import Asked
from graphs.models.playbook.crossed import CROSSED, limited
from graphs.models.playbook.facts import File
from graphs.models.playbook.items import parts, root
from graphs.models.playbook.mentions import Reader
from graphs.models.playbook.parsing import Parse, strange
from graphs.models.playbook.patterns import PLAIN
from graphs.models.playbook.ranking import RANKED
from graphs.models.playbook.shares import difference, share
from graphs.models.playbook.table import NotClear, Table

__all__ = ["Asked", "Refused", "questions", "understand"]

_OPENING = "what|which|why|how|who|when|where|does|do|did"
_NEXT = rf",?\s+(?:and|or|but)\s+(?:also\s+)?(?=(?:{_OPENING})\b)|,\s+(?=(?:what|why|how|does|do|did)\b)"
_ASKS = re.compile(
    rf"\W*(?:(?:{_OPENING}|please|tell|show|give|list|is|are|was|were|can|could|name)\b|{known.CLOSED.pattern})", re.I
)
_BACK = re.compile(r"\b(it|its|they|them|their|that one|this one|he|she|his|her)\b", re.I)
_TODAY = re.compile(
    r"\b((last|this|past|previous|current) (\d+ |few |two |three )?(year|quarter|month|week|day)s?|today|yesterday|"
    r"year to date|ytd)\b",
    re.I,
)
_BOUND = re.compile(
    r"\b(average|mean|median|total|sum|number|share|percentage)\b.*\b(above|below|over|under|than)\s+\d", re.I
)
_SIDED = re.compile(r"\W*(is|are|was|were|do|does|did|has|have)\b", re.I)
_AHEAD = re.compile(
    r"\b(next (year|quarter|month|week|day|season|summer|winter)|tomorrow|forecast|in the future|"
    r"will\b(?=.*\b(be|win|sell|grow|reach|cost|have|rise|fall|increase|decrease|we|get)\b))",
    re.I,
)
_SUPPOSED = re.compile(r"\b(would|could|should)\b", re.I)
_HOW_MUCH = re.compile(r"\bhow (much|many)\b", re.I)
_COMPARATIVE = re.compile(r"\b(more|less|fewer|better|worse|\w+er than)\b", re.I)
_NAMED = re.compile(
    r"^\W*(avg|ratio|growth|top \d|\w+ (rate|ratio|margin))\b|\b(ratio|margin|growth|per|rate)\b|"
    r"\bdifference between\b",
    re.I,
)
_TESTED = re.compile(
    r"\b(compar\w+|differ\w*|var(y|ies|iation)|link\w*|connect\w*|season\w*|over the \w+|since when|analy\w+|explor\w+|"
    r"look at|overview|summar\w+|report|describe|check|test\w*|find out|study|evaluate|how (do|does|did|is|are)|"
    r"vs|versus|chang\w+|develop\w*|evol\w+|distribution)\b",
    re.I,
)
_YES_NO = re.compile(r"\W*(do|does|did|is|are|was|were|has|have|can|could|will|would|should|why|if)\b", re.I)


@dataclass(frozen=True)
class Refused:
    """A closed question that is not answered, and why, as the end of a sentence.

    `of_one` says that other files beside this one may well answer it by their tests.
    """

    why: str
    of_one: bool = False


def questions(text: str) -> list[str]:
    """The single questions of a text; "… in first class, and why?" holds two."""
    found = list[str]()
    for sentence in re.split(r"[?!;]+\s*|\.\s+(?=[A-Z])", text):
        parts_of = re.split(_NEXT, sentence, flags=re.I)
        while len(parts_of) > 1 and not _ASKS.match(parts_of[0]):
            parts_of[:2] = [f"{parts_of[0]}, {parts_of[1]}"]  # "among smokers, what share …" is one question
        found += [p.strip(" ,.") for p in parts_of if p and p.strip(" ,.")]
    return found


def understand(
    question: str, file: File, roles: Mapping[str, str] | None = None, *, follows: bool = False
) -> Asked | Refused | None:
    """A question put to one table, as something that can be computed; or why it cannot. None: it is not closed.

    `follows` says that another question stands before it, whose answer a word such as "it" may mean.
    """
    question = question.strip().rstrip("?.! ")
    table = Table(file, (roles or {}).get("time", ""))
    if _YES_NO.match(question) and not re.match(r"\W*(can|could) you\b", question, re.I):
        if _BOUND.search(question):
            return Refused("it asks for yes or no; ask for the number itself")
        return _sided(question, table) or _unsided(question, table, roles or {})
    open_words = known.OPEN.search(_without_names(question, table))
    closed = bool(known.CLOSED.search(question) or _NAMED.search(question)) and not open_words
    if _AHEAD.search(question):
        return Refused("it asks for what is still to come, and I make no forecasts; I follow what there is over time")
    back = _BACK.search(question) if follows else None
    try:
        asked = _first(Parse(question, table))
    except NotClear as unclear:
        if open_words and known.CLOSED.search(question) and _SUPPOSED.search(question):
            return Refused("it asks what would be, and the table holds only what was; ask for a number that it holds")
        if open_words:
            return None
        if known.FOREIGN.search(question):
            return Refused("I read questions in English only")
        if today := _TODAY.search(question):
            return Refused(
                f"“{today[0]}” is counted from today, and the table may end long before; name the time itself"
            )
        meant, slips = _respelled(question, table)
        if meant and all(_is_slip(*slip) for slip in slips) and not back:
            read = _first(Parse(meant, table))
            return replace(read, notes=[*(f"“{word}” is read as “{near}”." for word, near in slips), *read.notes])
        if meant:
            return Refused(f"some of its words are unknown to me, and “{meant}” may be meant")
        return Refused(str(unclear)) if closed or _asks(question, table) else None
    return Refused(f"I do not see what “{back[1]}” stands for; ask it by its name") if back else asked


def _sided(question: str, table: Table) -> Asked | None:
    """Whether one of two groups is higher, as the difference between them; None where that is not what is asked."""
    if not _SIDED.match(question):
        return None
    try:
        parse = Parse(_SIDED.sub("", question), table)
        sign = next((i for i in parse.rest if i.kind == "Z"), None)
        if parse.periods:
            return _first(parse)
        if sign is None or sign.value[0] not in (">", "<"):
            return None
        asked = agreed(parse, parse.noted(difference(parse)))
    except NotClear:
        return None
    return replace(asked, order="highest" if sign.value[0] == ">" else "lowest")


def _unsided(question: str, table: Table, roles: Mapping[str, str]) -> Refused | None:
    """Why a question for yes or no gets no number, where the tests of the table's columns would be no answer either.

    None: it is left to the tests, as whether two groups or two columns of the table go together.
    """
    if _HOW_MUCH.search(question):
        return Refused("I do not see which two groups it compares, or in what; ask for the number of each group")
    items = Reader(table.file).read(question)
    columns = {i.columns for i in items if i.kind in "CYV"}
    halves = any(len(c.values) == 2 for names in columns for c in map(table.column, names))
    unknown = [i.text for i in items if i.kind == "U"]
    if not _COMPARATIVE.search(question) or not unknown or len(columns) > 1 or halves or roles.get("assignment"):
        return None
    return Refused(f"{strange(unknown[0])}; say by which column it is to be compared", of_one=True)


def _without_names(question: str, table: Table) -> str:
    """The question without its names: a life expectancy is no expectation, and "which segment" seeks no clusters."""
    question = re.sub(r"\bwhich [^\W\d_]+", "", question, flags=re.I)
    names = {root(w) for c in table.file.columns for w in parts(c.name)}
    return re.sub(r"[^\W\d_]+", lambda m: "" if root(m[0]) in names else m[0], question)


def _asks(question: str, table: Table) -> bool:
    """Whether a question that is not open has conditions, groups or numbers, and so asks for something computed."""
    kinds = {i.kind for i in Reader(table.file).read(question)}
    if known.OPEN.search(_without_names(question, table)) or _TESTED.search(question):
        return False
    return bool(kinds & set("ASNTVOQB")) or ("U" not in kinds and "E" in kinds)


def _is_slip(word: str, near: str) -> bool:
    """Whether a word is another with one slip of the fingers that makes no third word.

    Two letters are swapped, or one that is doubled or a vowel is too many or too few; of words that ask for a number,
    any one letter.
    """
    word, near = word.lower(), near.lower()
    if word[0] != near[0] or min(len(word), len(near)) < 5:
        return False
    if len(word) == len(near):
        apart = [k for k in range(len(word)) if word[k] != near[k]]
        swapped = len(apart) == 2 and word[apart[0]] == near[apart[1]] and word[apart[1]] == near[apart[0]]
        return swapped and apart[1] == apart[0] + 1
    longer, shorter = sorted((word, near), key=len, reverse=True)
    places = [k for k in range(len(longer)) if longer[:k] + longer[k + 1 :] == shorter]
    doubled = len(places) > 1
    asking = near in known.AGGREGATES or near in known.SUPERLATIVES
    return bool(places) and (asking or doubled or longer[places[0]] in "aeiou")


def _respelled(question: str, table: Table) -> tuple[str, list[tuple[str, str]]]:
    """The question with its unknown words as the nearest known ones, and these words; where that can be answered."""
    columns = {w for c in table.file.columns for w in parts(c.name)}
    values = {w for c in table.file.columns for v in c.values for w in v.lower().split()}
    said = {w for phrase in (*known.AGGREGATES, *known.SUPERLATIVES, *known.GRAINS) for w in phrase.split()}
    words = sorted(w for w in columns | values | said | {"what", "which", "where"} if len(w) > 3)
    better, slips = question, list[tuple[str, str]]()
    for item in Reader(table.file).read(question):
        near = difflib.get_close_matches(item.text.lower(), words, 1, 0.8) if item.kind == "U" else []
        if near:
            better = re.sub(rf"\b{re.escape(item.text)}\b", near[0], better, count=1)
            slips.append((item.text, near[0]))
    try:
        found = better[:1].upper() + better[1:] if better != question and _first(Parse(better, table)) else ""
    except NotClear:
        found = ""
    return found, slips


def _first(parse: Parse) -> Asked:
    """What the question asks. Raises NotClear where no pattern fits, or what fits is at odds with one of its words."""
    return agreed(parse, _fitting(parse))


def _fitting(parse: Parse) -> Asked:
    """What the first pattern that fits makes of it. Raises NotClear where none does."""
    if parse.bound is not None:
        return parse.noted(limited(parse, parse.bound))
    if any(i.kind == "A" and i.value == "share" for i in parse.items):
        return parse.noted(share(parse))
    apart = any(i.kind == "A" and i.value in ("difference", "ratio") for i in parse.rest)
    if apart or re.search(r"[hn]Z|[WH]\w*Z", parse.kinds):
        return parse.noted(difference(parse))
    for pattern, make in (*PLAIN, *RANKED, *CROSSED):
        match = re.fullmatch(pattern, parse.kinds)
        if match and (found := make(parse, match)) is not None:
            return parse.noted(found)
    raise NotClear("its words are known to me, but not this way of putting them together")
