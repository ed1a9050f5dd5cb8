"""What words that name nothing in a table may stand for: a state that it calls otherwise, or a word that is mistyped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graphs.questions.reader import lexicon, made
from graphs.questions.reader.clauses import split
from graphs.questions.reader.linking import Column
from graphs.questions.reader.text import Word, name_words, stem, words


def instead(question: str, columns: Sequence[Column], files: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What to read in place of the words of a question that nobody knows: “rejected” for “turn down”."""
    clauses, ws, read = split(question, columns, files), words(question), 0
    strange = {w.low for c in clauses for i in c.of("U") for w in c.words[i.first : i.last + 1]}
    for n, word in enumerate(ws):
        if n < read or not word.content:
            continue
        found = next(_states(ws[n:], columns), None)
        if found and strange & {w.low for w in ws[n : n + found[0]]}:
            read = n + found[0]
            yield question[word.start : ws[read - 1].end], found[1]
        elif word.low in strange and (typed := _typed(word.low, columns)):
            yield word.text, typed


def _states(ws: Sequence[Word], columns: Sequence[Column]) -> Iterator[tuple[int, str]]:
    """The states that these words begin with, by the number of the words, and how the table has them: as a value, as a
    column of yes or no, or as a time at which it ends."""
    skip = int(ws[0].low == "still" and bool(ws[1:]))
    for sides in lexicon.section("states")["pairs"]:
        for phrase, own, other in ((p, s, o) for s, o in (sides, sides[::-1]) for p in s.split()):
            parts = phrase.split("-")
            if [w.stem for w in ws[skip : skip + len(parts)]] != parts:
                continue
            same, opposite = ({s for p in some.split() for s in p.split("-")[:1]} for some in (own, other))
            levels = {(c, v) for c in columns if c.kind == "text" and c.n_unique <= 12 for v in c.values}
            met = {v for _, v in levels if _is(v, same)}
            flags = {("not " * turned) + c.name for c in columns for turned, some in enumerate((same, opposite))
                     if c.flag and some & c.stems}  # fmt: skip
            denied = {f"not {v}" for c, v in levels if c.n_unique == 2 and _is(v, opposite)}
            ends = [c for c in made.ends_of(columns, "ends") if c.missing and own == sides[1] and "open" in own.split()]
            gaps = {f"where {c.name} is missing" for c in ends if len(ends) == 1}
            told = next((some for some in (met, flags, denied, gaps) if some), set[str]())
            if len(told) == 1:
                yield skip + len(parts), told.pop()


def _is(value: str, stems: set[str]) -> bool:
    """Whether a value is one of these states, and not that it is not so."""
    said = name_words(value)
    return bool(said[:3] == said and stems & set(map(stem, said)) and not {"not", "no", "never"} & set(said))


def _typed(word: str, columns: Sequence[Column]) -> str:
    """The one word of the lexicon or the table that a word is with a letter too many or too few, or two of them turned.

    Another letter in place of one makes another word more often than a slip: sites are no sizes.
    """
    from rapidfuzz.distance import OSA

    own = {w for c in columns for w in (*c.words, *(w for v in c.values for w in name_words(v)))}
    known = own | {w for p in lexicon.phrases()[0] for w in p} | lexicon.some("people", "events", "rows", "months")
    near = [w for w in known if len(w) > 5 and w[0] == word[0] and OSA.distance(word, w, score_cutoff=1) == 1]
    found = [w for w in near if stem(w) != stem(word) and (len(w) != len(word) or sorted(w) == sorted(word))]
    return found[0] if len({stem(w) for w in found}) == 1 else ""
