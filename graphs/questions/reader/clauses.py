"""A question's text as clauses: sentences, steps, and the parts of a sentence that ask for something of their own.

One noun of a clause that nobody knows is read as the rows (loads, chimneys) where it stands in their place and all else
is known. It must not be a part of them (vegetarians, of guests), nor what is counted in each (bees, of hives): what is
said of it is what the table says of its rows, or the table counts nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from graphs.questions.reader import lexicon
from graphs.questions.reader.items import Clause, Item, itemise, measures
from graphs.questions.reader.linking import Column
from graphs.questions.reader.text import Word, name_words, sentences, stem


def split(text: str, columns: Sequence[Column], files: Sequence[str]) -> list[Clause]:
    """The clauses of a question in order."""
    times = [c for c in columns if c.kind == "time" or c.yearly or c.words[-1:] in (("year",), ("date",))]
    ends = [str(c.high or "") for c in times]  # and not 4, of visits_last_year
    last = max((e for e in ends if len(e) > 3), default="") if times else None
    found, yes = list[Clause](), {s for c in columns if c.kind == "bool" for s in c.stems}
    for sentence in sentences(text):
        asks = bool(sentence) and sentence[-1].text == "?"
        body = sentence[:-1] if asks else sentence
        for piece in _split(body):
            if any(w.content for w in piece):
                for n, word in reversed(list(enumerate(piece))):
                    if word.low[:2] == "un" and stem(word.low[2:]) in yes:  # unresolved
                        cut = word.start + 2
                        piece[n : n + 1] = [Word("un", word.start, cut), Word(word.text[2:], cut, word.end)]
                for one in _ends_apart(Clause(piece, itemise(piece, columns, files, last), asks)):
                    found += _nested(one, columns, files, last)
    named = [(i, {w.stem for w in c.words[i.first : i.last + 1]}) for c in found for i in c.of("C")]
    whole = {i.column for i, _ in named if i.full and i.column.words[1:]}
    for item, said in named:  # the salary, where current_salary is named in full
        meant = [c for c in whole if said <= c.stems and not item.full and item.column not in whole]
        item.means = meant[0] if len(meant) == 1 else item.means
    for clause in found:
        _call_rows(clause.words, clause.items, columns, files)
        _apposition(clause)
        if re.match("M[CEG]", clause.shape) and (clause.shape[1] != "C" or clause.items[1].column.kind == "text"):
            clause.items.insert(0, Item("q", clause.items[0].first, clause.items[0].first, "which"))  # busiest month?
        if re.match("C[wi]M", clause.shape) and clause.items[0].column.kind in ("text", "bool"):
            at = clause.items[0].first  # the team with the most wins?
            clause.items.insert(0, Item("q", at, at, "which"))
        for _, early, late in clause.find("(T)[acijK]+(?=(T))"):  # January and February 2024: both of 2024
            unit, _, n = early[0].means.partition(" ")
            of = re.fullmatch(r"(\d{4}-)(Q?)\d+", late[0].means)
            if of and unit == ("quarter" if of[2] else "month"):
                early[0].means = f"{of[1]}Q{n}" if of[2] else f"{of[1]}{int(n):02d}"
        for n, item in enumerate(clause.items):
            if clause.words[item.first].low in ("which", "who", "whom", "where", "when") and item.code in "wq":
                item.code = "q" if re.fullmatch("[ciawdv]*", clause.shape[:n]) else "w"
    return found


def _ends_apart(clause: Clause) -> list[Clause]:
    """A clause of two ends as two: the busiest month and the quietest month."""
    codes = "".join(i.code for i in clause.items)
    both = re.fullmatch("([aci]*q?d*M[CEG].*?)a(q?d*M[CEG]?.*)", codes)
    ends = {str(i.means).split()[0] for i in clause.items if i.code == "M"}
    if both is None or codes.count("M") != 2 or len(ends) != 2:
        return [clause]
    at = clause.items[len(both[1])].first
    later = [i for i in clause.items if i.first > at]
    for item in later:
        item.first, item.last = item.first - at - 1, item.last - at - 1
    first, second = clause.words[:at], clause.words[at + 1 :]
    return [Clause(first, [i for i in clause.items if i.last < at], clause.asks), Clause(second, later, clause.asks)]


def _nested(clause: Clause, columns: Sequence[Column], files: Sequence[str], last: str | None) -> list[Clause]:
    """A clause and, before it, the one within it that says of whom: of the make with the most jobs, of the oldest."""
    codes, ws = "".join(i.code for i in clause.items), clause.words
    whose = re.search(r"[oi]([CE]U?w+d*M[^cqvd]*|M[CE]?$)", codes)
    if whose is None or (whose[1][0] == "M" and " " not in clause.items[whose.start(1)].means):
        return [clause]
    behind = clause.items[whose.end() - 1]
    if whose[1][0] == "M" and behind.code == "C" and behind.column.kind == "number":
        return [clause]  # at the lowest age: of those rows only, which is not read
    first, end = clause.items[whose.start()].first, clause.items[whose.end() - 1].last + 1
    rest = [*ws[:first], *ws[end:]]
    parts = [itemise(some, columns, files, last) for some in (ws[first:end], rest)]
    if not set("SCh") & {i.code for i in parts[1]}:
        return [clause]
    parts[0][0].code = "q"
    return [Clause(ws[first:end], parts[0]), Clause(rest, parts[1], clause.asks, inner=True)]


_BEFORE = ("in", "on", "for", "by", "at", "of", "from")


def _split(ws: list[Word]) -> list[list[Word]]:
    """A sentence cut before "and", "then" or a comma that a verb of asking or doing follows."""
    pieces, held = list[list[Word]](), list[Word]()
    deep = 0
    passed = ("then", "also", "finally", "subsequently", "afterwards", ",")
    for n, word in enumerate(ws):
        deep += (word.text == "(") - (word.text == ")")
        joins = word.low in ("and", "then", ",", ":") and not word.quote and not deep
        ahead = [w.low for w in ws[n + 1 : n + 5] if w.low not in passed]
        verb = next(iter(ahead[word.low == "," :]), None)  # behind a comma and "and"
        verb = "which" if ahead[1:2] in (["which"], ["what"], ["whom"]) and verb in _BEFORE else verb  # on what date
        ruled = held and (held[0].low == "if" or "if" in [w.low for w in held[-3:]])
        verb = None if word.low == "," and verb in ("is", "are", "use") else verb
        if joins and verb in lexicon.some("verbs") and not ruled and any(w.content for w in held):
            pieces.append(held)
            held = []
            continue
        held.append(word)
    return [*pieces, held]


def _apposition(clause: Clause) -> None:
    """`passenger class ('Pclass')`: what stands in brackets is the column, what is before it says the same."""
    for _, before, named in clause.find("([CEUSM]+)[.]?p([CE])z"):
        column = named[0].column if named[0].means is not None else None
        alone = before[-1]
        if column is not None and (alone.code == "U" or not alone.sure or alone.means == column):
            alone.used, named[0].code = True, "C"
    for item in clause.items:
        if item.code in "pz" and not item.used:
            item.code = "c"


def _call_rows(ws: Sequence[Word], items: Sequence[Item], columns: Sequence[Column], files: Sequence[str]) -> None:
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
    says = about and (about[1] is None or "n" in about[0] or any(c.kind == "bool" for c in said))
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
    code = says and lead and any(c.isdigit() for c in ws[lead.first].text)
    adjective = says and lead and (code or ws[lead.first].text.islower()) and lead.last + 1 == items[n].first
    return bool(adjective or (re.search("[oi]$", codes[:n]) and re.match("w[dn]*[VCK]", codes[n + 1 :])))


def _counts(column: Column) -> bool:
    """Whether a column may say how many of something each row has: hints, varroa_count."""
    whole = column.kind == "number" and not column.label and ("int" in column.dtype or column.missing)
    counted = any(w.endswith("s") or w in ("count", "n", "number", "quantity") for w in column.words)
    return bool(whole and not column.unit and counted)
