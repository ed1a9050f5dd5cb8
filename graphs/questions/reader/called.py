"""What a question calls the rows, where the table has no word for them: loads, chimneys, rollouts.

One noun that nobody knows is read as the rows where it stands in their place and all else is known. It must not be a part
of them (vegetarians, of guests), nor what is counted in each (bees, of hives): what is said of it is what the table says
of its rows, or the table counts nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from graphs.questions.reader import lexicon
from graphs.questions.reader.items import Item, measures
from graphs.questions.reader.linking import Column
from graphs.questions.reader.text import Word, name_words, stem


def rows(ws: Sequence[Word], items: Sequence[Item], columns: Sequence[Column], files: Sequence[str]) -> None:
    """Have the one unknown noun of a sentence be the rows, where it can be nothing else."""
    unknown, codes = [n for n, i in enumerate(items) if i.code == "U"], "".join(i.code for i in items)
    if not unknown or "E" in codes or files[1:] or len(ws) > 25 or not columns:
        return
    described = [n for n in unknown if _described(ws, items, n, codes)]
    n = (described or unknown)[0]
    noun, before, after = items[n], codes[:n], codes[n + 1 :]
    said = {i.column for i in items if i.code == "C"} | {i.means[0] for i in items if i.code == "V"}
    lead = ws[max(noun.first - 1, 0)].low  # pieces per load, what a load costs
    one = lead == "per" or (lead in ("a", "an") and any(c.kind == "number" for c in said))
    if (unknown[1:] and not described) or not (_names(ws, noun, one) and _things(ws[noun.last].low, columns)):
        return
    alone = not any(_counts(c) for c in columns if c not in said)
    bare = not re.search("Ko?N", after) and not any(c.kind != "time" for c in said)
    acts = any(ws[i.first].low in ("do", "does", "did") for i in items[n + 1 : n + 2])  # whose they are
    about = re.match("(?:[oi]+[VT])?[dwo]*n?[dw]*(?:V|K|C[oiB]*V|(C))", after)
    says = about and (about[1] is None or any(c.kind == "bool" for c in said))
    if one:
        fits = bool(said) and (alone or lead != "per")
    elif re.search("ho?$", before) or (re.search("So?$", before) and any(i.means == "share" for i in items)):
        fits = not bare and bool("V" in after and alone if acts else says)
    else:
        fits = before.endswith("M") and not (bare or after) and alone
    if fits or described:
        noun.code, noun.sure = "E", False


def _names(ws: Sequence[Word], noun: Item, one: bool) -> bool:
    """Whether a word can be a noun of several things, or of `one`."""
    word = ws[noun.last]
    several = len(word.low) > 3 and word.low.endswith("s") and word.low[-2] not in "sui" and stem(word.low) != word.low
    return noun.first == noun.last and not word.quote and word.text.islower() and (one or several)


def _things(word: str, columns: Sequence[Column]) -> bool:
    """Whether a noun can be the rows, which are no people: some of the people are not all of them."""
    people = lexicon.some("people")
    keys = {w for c in columns if c.key and c.kind != "number" for w in c.words}
    held = keys | {w for c in columns for w in name_words(c.file)}
    persons = held & people or {"age", "gender", "sex"} & {w for c in columns for w in c.words}
    some = people | lexicon.people() | lexicon.some("doers", "times", "events", "ages")
    other = re.search(lexicon.form("someone"), word) or word in some or measures(word)
    return not persons and not other


def _described(ws: Sequence[Word], items: Sequence[Item], n: int, codes: str) -> bool:
    """Whether a noun has what the rows have: nervous colonies, rollouts that were rolled back."""
    lead = items[n - 1] if n else None
    says = lead and (lead.code == "V" or (lead.code == "C" and lead.column.kind == "bool"))
    adjective = says and lead and ws[lead.first].text.islower() and lead.last + 1 == items[n].first
    return bool(adjective or (re.search("[oi]$", codes[:n]) and re.match("w[dn]*[VCK]", codes[n + 1 :])))


def _counts(column: Column) -> bool:
    """Whether a column may say how many of something each row has: hints, varroa_count."""
    whole = column.kind == "number" and not column.label and ("int" in column.dtype or column.missing)
    counted = any(w.endswith("s") or w in ("count", "n", "number", "quantity") for w in column.words)
    return bool(whole and not column.unit and counted)
