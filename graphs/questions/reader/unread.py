"""What a question says and no query has: words that are told as unused, and those without which it is not answered; and
whether what was read is of the kind that is asked for: a yes or no is no mean, and a time is no list of rows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from graphs.questions.query import Query, Where, simple
from graphs.questions.reader import lexicon
from graphs.questions.reader.asking import Ask
from graphs.questions.reader.conditions import expr, plain
from graphs.questions.reader.items import Clause, Item
from graphs.questions.reader.linking import Column
from graphs.questions.reader.text import Word, name_words, root, stem
from graphs.questions.reader.times import GRAINS, kind_of

if TYPE_CHECKING:
    from graphs.questions.reader.assembling import Draft

_FIT = {"count", "distinct", "missing", "present", "mode", "value", "values", "first", "last", "duplicates", "share"}
_INTENTS = {"A": ("drivers", "predict", "why_changed", "compare", "relate", "change"), "F": ("forecast", "predict"),
            "Y": ("change", "why_changed", "compare", "forecast", "relate", "drivers", "experiment", "predict", "test")}  # fmt: skip
"""What letters ask for: the intents of which one must be there."""
LONG = 25
"""Words from which a question describes what is done, and such a word may only speak of it."""


def unread(clause: Clause, opening: bool, spelled: bool) -> Iterator[tuple[str, bool]]:
    """The words that nothing has read, each with whether it would change what is meant. `spelled`: the question says in
    full how it is to be answered, and a word that names nothing in the table only speaks of it."""
    codes = "".join(i.code for i in clause.items)
    for n, item in enumerate(clause.items):
        word, follows = clause.written([item]), codes[n + 1 :]
        said = {
            "1": re.match("[ac]*[TGMS]" + "|$" * bool(re.search("q|i$", codes[:n])), follows),  # than in the first
            "j": word.casefold() in ("higher", "lower", "better", "worse"),
            "n": opening and re.match("[idwohSv]*[CEVUQTK]|$|vS", follows),
            "C": re.search("wC$", codes[: n + 1]) and follows == "d",  # when parts were used
            "m": opening,
            "K": re.fullmatch(lexicon.form("bounds"), word, re.I)
            or (follows and follows[0] in ("NTC" if "time" in str(item.means) else "NTCUV1"))
            or (not follows and codes[n - 1 : n] == "a" and "time" in str(item.means)),  # against the one before
            "b": follows and follows[0] in "NT",
            "B": follows[:1] == "G" or (follows[:1] == "w" and word == "by"),  # per hour; and by whom
            "G": codes[:n].endswith("S")  # the average monthly cost of each site
            or clause.words[max(item.first - 1, 0)].low == "this",
        }
        if item.code in "UQKVTbkjmn#1BGC" and not item.used and said.get(item.code, True):
            shape = re.sub("U+$", "", codes[:n]).rstrip("d"), follows.lstrip("U")
            listed = re.search("[CV][ac]+[dS]?$", shape[0]) and not shape[1]  # from the age and the income
            opens = clause.asks and item is clause.items[-1] and re.match("[aci]*[qd]", codes)  # which is the wettest
            told = opens and not set("MSRjOHLKD") & set(codes)
            kept = word.casefold() in lexicon.some("turns", "female", "male") or listed or told
            speaks = spelled and item.code == "U" and not kept
            yield word, not speaks and _changes(*shape, clause, item)


def _changes(before: str, after: str, clause: Clause, item: Item) -> bool:
    """Whether an unread word stands where it would change which rows, columns or groups are meant."""
    word, shape, at = clause.words[item.first], f"{before}_{after}", clause.items.index(item)
    near, behind = clause.items[at - 1 :][:3], [i for i in clause.items[at + 1 :] if i.code != "U"][1:2]
    number = bool(behind) and behind[0].code == "C" and behind[0].column.kind == "number"
    codes = "".join(i.code for i in clause.items)
    if only := _verb(clause, item):
        return only == "undoes"
    return (
        item.code in "QKVTbkjmn#1BGC"
        or clause.words[item.last].low in lexicon.some("turns")
        or (item.first > 0 and clause.words[item.first - 1].low == "how")  # "how long", where no column is a length
        or _moves(word, clause)
        or (
            word.low in lexicon.some("particles")
            and near[0].code == "C"
            and near[0].last + 1 == item.first
            and clause.words[near[0].last].low not in near[0].column.words
        )  # brought back, and no bringing in
        or (before[-1:] == "M" and word.low in lexicon.people())  # what most people pay is no largest payment
        or (item is clause.items[-1] and re.search("dU?$", codes[:at]) is not None)  # what is (still) outstanding
        or bool(re.search("M[dG]*i$", before) and "C" not in after)  # the best day for tonnage
        or (after[:1] == "M" and not number)  # "which region sold the most", not "sells the most energy"
        or (after[:1] == "S" and bool(re.search(r"\brates?\b", clause.text, re.I)))  # the rejection rate
        or bool(
            clause.written(near[:1]).casefold() in ("is", "are", "was", "were") and re.fullmatch("[aci]*qC", before)
        )  # how long is the pub walk: of which walks
        or (after[:1] == "S" and re.fullmatch("[acivqd]*", before) is not None)  # the running total
        or (word.low.endswith("ly") and item is clause.items[-1])  # "which region sold the most recently"
        or any(i.code == "C" and i.column.label for i in near)  # German customers, customers who complained
        or (not re.search(lexicon.form("only_more"), shape) and bool(re.search(lexicon.form("says_which"), shape)))
    )


def _verb(clause: Clause, item: Item) -> str:
    """Whether an unread word is a verb between all that a question has: who turned out the most jobs, how many miles did
    the van clock up, which percentage of jobs ended in a claim. "undoes", where it may choose rows or another column."""
    at, codes = clause.items.index(item), "".join(i.code for i in clause.items)
    before = re.sub("U+$", "", codes[:at])
    fits = item.code == "U" and re.search(lexicon.form("only_does"), f"{before}_{codes[at:].lstrip('U')}")
    each = "dB" in codes  # how many calls each station went to
    if fits and codes[0] == "h" and not each:  # what a visit brings: of a visit nothing is known
        lead, named = clause.words[clause.items[len(before)].first - 1].low, [i for i in clause.items if i.code == "C"]
        helped = {w.low for w in clause.words} & {"do", "does", "did"}
        alone = helped and lead not in ("a", "an", "the", "each", "every")
        fits = fits if alone and named[0].column.kind == "number" else None
    faults = {stem(w)[:5] for w in (*lexicon.columns_of("faults"), *lexicon.some("undone"))}
    word, behind = clause.words[item.first], {w.low for w in clause.words[item.last + 1 : item.last + 2]}
    undoes = {word.stem[:5], root(word.low)[:5]} & faults or behind & lexicon.some("undoing")
    return ("undoes" if undoes else "does") if fits else ""


def _moves(word: Word, clause: Clause) -> bool:
    """Whether a word of money stands beside no column of it: what is spent on energy, of which the kWh are known."""
    held = {s for i in clause.items if i.code == "C" for s in i.column.stems}
    money = [lexicon.columns_of(n) for n in ("spending", "outgoings", "takings") if word.stem in lexicon.says(n)]
    if money and "spent".startswith(word.stem[:4]):  # so is time
        money.append(lexicon.columns_of("duration"))
    return bool(money) and not any(stem(c) in held for columns in money for c in columns)


def dropped(draft: Draft, queries: Sequence[Query]) -> list[str]:
    """The columns, values, times and numbers that the question names and none of its queries has."""
    told = [q.model_dump(mode="json", exclude={"text", "notes", "unused"}) for q in queries]
    for step in (s for q in told for s in q["prepare"] if s["do"] in ("derive", "cut")):
        del step["name"]  # a column that is made, and of which nothing is computed
    said = json.dumps(told, ensure_ascii=False).replace('\\"', '"')  # of a column that is called: seeing (")
    return list(dict.fromkeys(
        ask.clause.written([item]) for ask in draft.asks for n, item in enumerate(ask.clause.items)
        if ask.clause.words[item.first].start < draft.opening and not _kept(draft, ask, n, queries, said)
    ))  # fmt: skip


def uncounted(draft: Draft, queries: Sequence[Query]) -> list[str]:
    """The words that say what is counted or paid, where rows or something else are told and nothing has read them."""
    counts = any(q.measures and not q.having and {m.op for m in q.measures} <= {"count", "distinct"} for q in queries)
    asks = [a for a in draft.asks if not (draft.spelled and a.end)]
    return [ask.clause.written([i]) for ask in asks for i in ask.clause.of("U") if not _verb(ask.clause, i)
            if (counts or _moves(ask.clause.words[i.first], ask.clause)) and ask.clause.words[i.first].start < draft.opening]  # fmt: skip


def _kept(draft: Draft, ask: Ask, n: int, queries: Sequence[Query], said: str) -> bool:
    """Whether the queries have what an item means; `said` is their text."""
    item, items = ask.clause.items[n], ask.clause.items
    long = len(draft.question.split()) > LONG or draft.methods.model is not None
    sized = item.code == "j" and ask.clause.written([item]).casefold() in lexicon.some("sizes")
    if sized and ask.codes[n + 1 : n + 2] == "E":
        return (amount := draft.known.amount()) is not None and amount.name in said  # do higher fines take longer
    if item.code == "j" and (hint := item.means.removeprefix("more").strip()):
        column = draft.known.hinted(hint) if hint == item.means else None
        counted = hint != "count" and all(m.op == "count" for q in queries for m in q.measures)
        return column.name in said if column is not None else not counted  # a worse year is none of fewer rows
    if item.code == "E":  # how much was claimed, of which only the rows are known
        return not re.fullmatch("Sd*E", ask.codes)
    if item.code == "C":
        lead = items[n - 1] if n else item  # fleet drivers, readmitted patients
        whose = lead.code == "V" or (lead.code == "C" and lead.column.kind == "bool")
        times = [i for i in items if i.code == "C" and i.column.kind == "time"]
        who = (
            (item.column.label or item.column.noun in lexicon.singulars())
            and ask.codes[n + 1 : n + 2] == "w"
            and (ask.where or ask.share)
        )  # who joined in 2022
        return bool(
            any(c.name in said for c in (item.column, *item.also))
            or (times == [item] and not item.column.missing and ask.clause.written([item]).endswith("ed"))
            or (item.column.each and (item.column.kind != "time" or ask.codes[n - 1 : n] == "B"))
            or item.column in draft.counted or (whose and item.column.words[-1] == "id") or who
            or (ask.counts and ask.clause.typed(item))
        )  # fmt: skip
    if item.code == "V":
        column = item.means[0]
        recoded = any(s.do == "recode" and s.other and s.column == column.name for q in queries for s in q.prepare)
        grouped = not recoded and any(g.of == expr(column) for q in queries for g in q.group_by)
        return grouped or str(item.means[1]) in said
    if item.code == "S" and item.means in ("mean", "median"):
        mean = f'"op": "{item.means}"' in said or '"count"' not in said
        return mean or any(q.formulas or q.group_by for q in queries)
    if item.code == "A" and ask.codes[n + 1 : n + 2] == "q":
        return False  # whether it depends on who does it, of whom no column tells
    if item.code in _INTENTS:
        fits = any(q.intent in _INTENTS[item.code] for q in queries)
        moves = item.code == "Y" and any(q.formulas or any(g.grain for g in q.group_by) for q in queries)
        return long or fits or moves or (item.code == "Y" and bool(draft.steps))  # drop those without a price
    if item.code == "M":
        hint = str(item.means).partition(" ")[2]
        price = "price" in hint.split()
        column = (draft.known.hinted(hint) if hint else None) or (draft.known.amount() if price else None)
        if column.name not in said if column else price:
            return False  # the cheapest, of which something else is told
        ends, told = {"min", "max", "mode"}, ("rank", "outliers", "predict", "drivers")
        orders = [q for q in queries if q.order and q.intent != "list"]
        both = {str(i.means).split()[0] for i in items if i.code == "M"} == {"min", "max"}
        if both and len(orders) == 1 and orders[0].limit:
            return False  # one end of two
        ordered = bool(orders)
        ends = {str(item.means).split()[0]} if both else ends  # the youngest and the oldest
        return ordered or any(q.intent in told or {m.op for m in q.measures} & ends for q in queries)
    if item.code == "T" and f'"{GRAINS.get(kind_of(item.means))}"' not in said:
        month = re.sub(r"^month (\d+)$", lambda m: f'-{int(m[1]):02d}"', str(item.means))  # of the one year there is
        return str(item.means).removeprefix("> ") in said or month in said
    if item.code == "N" and not item.used:
        compared = n and items[n - 1].code == "K"
        return not compared and (long or bool(re.search(rf"\b{re.escape(str(plain(item.means)))}\b", said)))
    named = not long and item.first > 0 and ask.clause.words[item.first].text[:1].isupper()
    spelled = draft.spelled or bool(_verb(ask.clause, item))  # a verb that is not read says which share
    return item.code != "U" or item.used or spelled or not (named or ask.share)


def labels(draft: Draft, queries: Sequence[Query]) -> list[str]:
    """The columns that only name rows, and of which a query would compute more than their number."""
    of = [c for q in queries for m in q.measures if m.op not in _FIT for c in (m.of, m.other) if c]
    texts = ("text",) if not any(s.do in ("convert", "encode", "recode") for s in draft.steps) else ()
    found = [draft.named[c] for c in of if c in draft.named]
    return [c.name for c in found if c.label or (c.kind in texts and c.dtype != "new")]


@cache
def _known() -> frozenset[str]:
    """The phrases of the lexicon, which no column needs to hold."""
    return frozenset(" ".join(phrase) for phrase in lexicon.phrases()[0])


def unclear(words: Sequence[str]) -> str:
    """The sentence that names what is known, and not how it belongs to what is asked."""
    listed = " and ".join(f"“{w}”" for w in words)
    return f"It is not clear how {listed} {'are' if words[1:] else 'is'} meant in this question."


def unknown(draft: Draft, words: Sequence[str]) -> str:
    """The sentence that names what no column is called or holds, which the draft keeps."""
    said, held = list(dict.fromkeys(words)), {s for c in draft.columns for s in c.stems}
    strange = [w for w in said if w[:1].isupper() or w.casefold() not in _known()]
    values = {v.casefold() for c in draft.columns for v in c.values}
    strange = [w for w in strange if w.casefold() not in values and not held & set(map(stem, name_words(w)))]
    draft.strange = tuple(strange)
    return f"No column is called or holds {' or '.join(f'“{w}”' for w in strange)}." if strange else unclear(said)


_PLAIN = ("compute", "list", "rank", "describe", "distribution")


def unfit(draft: Draft, queries: Sequence[Query]) -> str:
    """Why no query is of the kind that is asked for; empty where one is."""
    opening = draft.question[: draft.opening]
    told = set[str]().union(*(_tells(draft, q) for q in queries))
    people = "|".join(sorted(lexicon.some("people", "events")))
    for kind, opens, why in lexicon.section("questions")["kinds"]:
        begins = re.search(lexicon.form("begin") + opens.replace("PEOPLE", people), opening, re.I)
        if begins and kind not in told:
            return str(why).format(begins[begins.lastindex or 0].strip().casefold())
    hours = re.compile(r'"hour \d|"grain":"hour')
    if draft.time and not draft.time.clock and any(hours.search(q.model_dump_json(exclude={"text"})) for q in queries):
        return f"The times of “{draft.time.name}” have no hours."
    gaps = {w.left for q in queries for w in simple(q.where, "missing")}
    held = {w.left for q in queries for w in simple(q.where) if w.op != "missing"}
    if both := sorted(gaps & held):  # what was not paid in March has no day on which it was paid
        return f"Rows without a value of “{both[0].strip('`')}” are meant, which cannot be chosen by it."
    if by := next(filter(None, (_by_row(draft, q) for q in queries)), None):
        return f"Each row has a “{by.name}” of its own: it is not clear what is to be counted by it."
    for query, m in ((q, m) for q in queries for m in q.measures):
        if m.of in [g.of for g in query.group_by if not g.grain] and m.op not in ("count", "share"):
            return f"“{m.of}” is one and the same in each of its own groups: it is not clear what is meant by it."
        of = draft.named.get(m.of or "")
        dates = re.search(r"\b(?:dates?|when|days?|timestamps?)\b", opening, re.I)
        if of and of.kind == "time" and m.op in ("mean", "median", "sum") and not dates:
            return f"“{of.name}” is a time: it is not clear which number is asked for."
        alone = of and not query.group_by and (of.kind == "number" or of.label)
        if m.op == "share" and (alone or (m.where and _certain(draft, query, m.where))):
            return "It is not clear of which rows a share is asked for."
    single = [[w for w in simple(q.where) if w.op not in ("in", "not in")] for q in queries]  # and none is a choice
    crossed = any(1 < len(some) == len(q.where) for some, q in zip(single, queries, strict=True))
    denied = any(sum(w.op in ("!=", "missing") for w in some) > 1 for some in single)
    joined = r"\b(?:or|either)\b" if denied else r"\b(?:or|either|neither|nor)\b"
    if crossed and re.search(joined, opening, re.I):
        return "It is not clear which of its conditions must hold together."
    compared = [a.clause.written([i]) for a in draft.asks for i in a.clause.items if i.code == "j"]
    compared += re.findall(r"\b(?:versus|vs)\b", opening, re.I)
    if compared and "yes or no" not in told and not queries[1:]:
        return f"It is not clear what is to be compared by “{compared[0]}”."
    return ""


def _tells(draft: Draft, query: Query) -> set[str]:
    """The kinds of what a query tells, as the lexicon's kinds of questions name them."""
    intent, measured, groups = query.intent, {m.op for m in query.measures}, query.group_by
    told = [*(g.of for g in groups), *(m.of for m in query.measures), *query.show, *(o.by for o in query.order)]
    columns = [c for c in draft.columns if c.name in [str(name).strip("`") for name in told]]
    several, times = len(query.measures) > 1, lexicon.some("times")
    decides = bool(
        (intent != "plot" and (intent not in _PLAIN or groups)) or query.verdicts or query.formulas or several
        or measured & {"duplicates", "missing", "skewness", "kurtosis", "correlation"}
    )  # fmt: skip
    kinds = {
        "every": query.test is not None or query.verdicts,
        "reason": intent not in _PLAIN,
        "periods": not measured <= {"count"} or groups or draft.time is None or draft.time.key,
        "amount": bool(groups) or not measured <= {"count"},
        "figure": intent != "list" and measured != {"values"},
        "future": intent in ("forecast", "predict"),
        "number": intent not in ("compute", "list") or query.tell == "number"
        or measured & {"count", "distinct", "missing", "present", "duplicates"},
        "names": groups or query.show or query.order or several or intent not in _PLAIN
        or measured & {"values", "mode", "count"},
        "gap": decides and measured != {"min", "max"},
        "some": decides or (query.where and not measured & {"mean", "median", "sum"}),
        "yes or no": decides or ("share" in measured and re.search(r"\bhalf\b", draft.question, re.I)),
        "time": any(g.grain for g in groups) or any(c.kind == "time" or times & set(c.words) for c in columns)
        or intent in ("change", "forecast", "plot", "why_changed", "compare"),
        "part": (intent not in ("compute", "list") and (query.limit or 1) == 1) or query.formulas or measured & {"share", "mean"},
    }  # fmt: skip
    return {kind for kind, tells in kinds.items() if tells}


def _certain(draft: Draft, query: Query, share: Sequence[Where]) -> bool:
    """Whether every row that is looked at, or each group as a whole, meets what a share is of."""
    groups, own = {g.of for g in query.group_by}, simple(share)
    every = [w for w in own if w.op == "in" and isinstance(w.right, tuple) and w.left in draft.named
             and len(w.right) == draft.named[w.left].n_unique]  # fmt: skip
    return all(w in query.where or w in every or (w in own and w.left in groups and w.op == "=") for w in share)


def _by_row(draft: Draft, query: Query) -> Column | None:
    """By which column rows are counted that have a value of it each; of days their periods, where nothing else is a row."""
    counted = bool(query.measures) and all(m.op == "count" and not m.where for m in query.measures)
    by = draft.named.get(query.group_by[0].of) if counted and len(query.group_by) == 1 else None
    if by is None or not by.key:
        return None
    events = by.clock or query.where or any(c.key and (c.label or c.kind == "text") for c in draft.columns)
    return None if query.group_by[0].grain and events else by
