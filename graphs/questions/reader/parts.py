"""The parts of a question as queries: statistics, orders, outliers, tests and models."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from graphs.questions import query as q
from graphs.questions.query import given, simple
from graphs.questions.reader import intents, lexicon, measuring, unread
from graphs.questions.reader.asking import Ask
from graphs.questions.reader.conditions import expr
from graphs.questions.reader.linking import Column
from graphs.questions.reader.text import stem

if TYPE_CHECKING:
    from graphs.questions.reader.assembling import Draft

POINTS = re.compile(r"\b(?:he|she|it|they|their|its|them|these|those|this|that|his|her|same|there)\b", re.I)
"""Words that go on with what was named before."""
_ABOUT = {"normality": "shapiro dagostino jarque_bera anderson ks_normal", "independence": "chi2 fisher",
          "variances": "levene bartlett", "medians": "mannwhitney kruskal wilcoxon", "means": "anova t welch"}  # fmt: skip


def reconciled(draft: Draft, base: q.Query) -> q.Query:
    """Values of one column that are asked for in different places are groups, no condition that none can meet."""
    where, group_by = list(base.where), list(base.group_by)
    for left in dict.fromkeys(w.left for w in simple(where)):
        own = [w for w in simple(where) if w.left == left and w.op in ("=", "!=", "in")]
        levels = dict.fromkeys(v for w in own if w.op != "!=" for v in (w.right if w.op == "in" else [w.right]))  # type: ignore[union-attr]
        there = draft.named[left].n_unique if left in draft.named else 0
        whole = [w.op for w in own] == ["in"] and len(levels) == there  # of men and women: all there are
        clash = any(w.op == "=" for w in own) and len({(w.op, w.right) for w in own if w.op != "in"}) > 1
        if clash or whole:
            where = [w for w in where if w not in own]
            if len(levels) < there and "!=" not in [w.op for w in own]:
                where.append(q.Condition(left=left, op="in", right=tuple(levels)))
            group_by.append(q.Group(of=left))
    return given(base, where=tuple(where), group_by=tuple(dict.fromkeys(group_by)))


def computed(draft: Draft, base: q.Query, outliers: bool, alone: bool, tests: bool = False) -> q.Query | None:
    """The statistics that are asked for, of one kind of rows and groups. `outliers`: those are told by themselves;
    `alone`: nothing else is asked; `tests`: a test by its name tells whether means differ."""
    how, grouped = draft.methods, [g.of for g in base.group_by]
    measures, topic, extra = list[q.Measure](), list[str](), dict[str, Any]()
    removes = any(s.do == "remove_outliers" for s in draft.steps)
    relate = any(a.relation for a in draft.asks) and how.test != "chi2"
    ends = [a for a in draft.asks if a.end and (a.names or a.limit)]
    said = [a for a in ends if a.stats or a.counts or a.by or {*a.columns} - {expr(a.of or "")}]  # no "which is on top"
    compared = [a for a in draft.asks if tests and a.stats in (["mean"], ["median"], ["var"], ["std"])]
    decided = [a for a in compared if re.match(lexicon.form("decides"), a.clause.text, re.I)]
    for ask in (a for a in draft.asks if (a not in ends or a in said or not said) and a not in decided):
        own, text = draft.own(ask, grouped), ask.clause.text
        of_them = re.search(r"\b(?:these|those|such|the) outl|z[\s-]score|quartile", text, re.I)
        left = ask.counts and removes and not re.search("h[owdE]*O", ask.codes)  # how many there are without them
        told = ask.kinds & set("OH") and not ask.stats and not left
        if ask.relation and relate:
            measures += _pairs(draft, ask, topic, measures)
            topic = topic or ask.columns
        elif told or (outliers and ("O" in ask.kinds or of_them)):
            topic = own or topic  # told with the outliers, or by a test
        elif extra and not own:
            totals = [m.op for m in measures] in (["sum"], ["count"])
            if "share" in ask.stats and totals and not ask.share:  # and its share of the total
                measures.append(q.Measure(op="share", of=measures[0].of))
            elif {*ask.stats, *["count"] * ask.counts} - {m.op for m in measures} and (ask.stats or not ask.where):
                draft.untold.append((text, unread.unclear([ask.clause.written(ask.clause.items)])))
        elif ask.end and (ask.names or ask.limit):
            if not extra:
                extra, ranking = ranked(draft, ask, own, grouped)
                ops = {"count", *(m.op for m in ranking)}
                measures = [m for m in measures if m.op not in ops] + ranking if ranking else measures
        elif (ratio := _ratio(draft, ask, own)) is not None:
            measures, extra = [*measures, *ratio[0]], ratio[1] or extra
        elif ask.counts and not ask.stats:
            measures.append(q.Measure(op="count"))
        elif ask.stats and re.search(r"\bwhich (?:column|variable|feature|field)s?\b", text, re.I):
            order = q.Order(by="value", descending=ask.end != "min")
            extra = {"intent": "rank", "limit": 1, "order": (order,)}
            measures = [q.Measure(op=ask.stats[0].split()[0], of=expr(c), name=c.name) for c in draft.columns]
        else:
            measures += [q.Measure(op="count")] if ask.counts and not {"distinct", "missing"} & set(ask.stats) else []
            stats = [s for s in ask.stats if s != "distinct" or ask.columns]
            columns = _meant(draft, ask, [c for c in own if draft.fits(c)] or topic) if stats else []
            several = len(ask.apart) > 1 and {c for _, some in ask.apart for c in some} == {*columns}
            for some, of in ask.apart if several else [(stats, columns or draft.topic)]:
                measures += measuring.measures(some, of, how.ddof, how.biased)
            topic = own or topic
    if draft.whose:
        if extra or base.group_by or [m.op for m in measures] not in (["min"], ["max"]):
            return None
        show = tuple(dict.fromkeys([*(c.name for c in draft.whose), *draft.plain([measures[0].of or ""])]))
        by = q.Order(by=measures[0].of or "", descending=measures[0].op == "max")
        extra, measures = {"intent": "rank", "limit": 1, "show": show, "order": (by,)}, []
    if extra.get("show") and measures:
        return None  # a statistic of one row is none
    spoken, bare = draft.spoken(), not measures and not extra
    if relate and not any(m.other for m in measures):
        return None  # of which two columns is not understood
    gaps = [a for a in draft.asks if a.stats == ["missing"] and not (a.where or (a.counts and "hwS" in a.codes))]
    whole = gaps and not (draft.lost or draft.unused or spoken)
    if bare and alone and whole:
        measures = [q.Measure(op="missing")]  # of the whole table
    elif bare and base.group_by and not spoken and all(a.stats == ["share"] for a in draft.asks):
        measures = [q.Measure(op="share")]  # of all rows, the share of each group
    elif bare and not spoken and any(measuring.lacks(a) for a in draft.asks):
        return None  # "the average order value in the North", where no column is an order value
    elif bare and alone and not draft.unused:
        measures = _unsaid(draft, base)
    if "duplicates" in (s for a in draft.asks for s in a.stats) and not measures:
        measures = [q.Measure(op="duplicates")]
    if [m.op for m in measures] == ["values"] and re.search(r"\bnever\b", draft.question, re.I):
        return None  # of none of a group's rows, and not of some of them
    lists = lexicon.found("lists", draft.question) or draft.asks[0].clause.items[0].code in "CE" if draft.asks else None
    lists = lists or any(a.shown or a.sorted_by for a in draft.asks)
    if alone and lists and base.where and not (measures or extra):
        extra = _listed(draft, base)
    measures += [q.Measure(op="count")] if any(h.left == "count" for h in base.having) else []
    if any(a.each for a in draft.asks):
        sums = [m.op == "sum" and not (m.where or m.name) for m in measures]
        measures = [given(m, op="mean") if s else m for m, s in zip(measures, sums, strict=True)]
        if extra.get("order") and "sum" not in {m.op for m in measures}:
            extra["order"] = tuple(given(o, by={"sum": "mean"}.get(o.by, o.by)) for o in extra["order"])
    measures = list(dict.fromkeys(_of_yes(draft, m) for m in measures))
    if not measures and not extra.get("show"):
        return None
    finished = given(base, **_finished(draft, base, measures, extra, relate))
    return _of_two(draft, finished) or finished


def _of_two(draft: Draft, query: q.Query) -> q.Query | None:
    """The ratio or the difference of two sides that is asked for, where these would be told side by side: how many more
    of one there are than of the other, in the order in which they are named."""
    items = [(a, i) for a in draft.asks for i in a.clause.items]
    signs = [str(i.means) for _, i in items if i.code == "J"]
    more = any(re.search("^[aci]*(?:h|S)[Ei]*j", a.codes) for a in draft.asks)
    (by, *others), (measure, *rest) = query.group_by or (None,), query.measures or (None,)
    if not (signs or more) or by is None or measure is None or others or rest or query.intent != "compare":
        return None
    sides = list(dict.fromkeys(str(i.means[1]) for _, i in items if i.code == "V" and expr(i.means[0]) == by.of))
    if len(sides) != 2 or (signs[:1] != ["ratio"] and measure.op not in ("count", "sum")):
        return None
    less = any(draft.question.casefold().count(f" {w} ") for w in lexicon.some("less"))
    first, second = sides[::-1] if more and less and not signs else sides
    both = [given(measure, where=(*measure.where, q.Condition(left=by.of, op="=", right=s)), name=s) for s in sides]
    sign, name = ("/", "ratio of {} to {}") if signs[:1] == ["ratio"] else ("-", "difference of {} and {}")
    told = q.Formula(name=name.format(first, second), expr=f"`{first}` {sign} `{second}`")
    where = tuple(w for w in query.where if not (isinstance(w, q.Condition) and w.left == by.of))
    return given(query, intent="compute", measures=tuple(both), formulas=(told,), group_by=(), where=where)


def _of_yes(draft: Draft, measure: q.Measure) -> q.Measure:
    """A share of a column of yes and no is that of its yes."""
    column = draft.named.get(measure.of or "") if measure.op == "share" else None
    if column is None or column.kind != "bool":
        return measure
    return q.Measure(op="share", where=(q.Condition(left=expr(column), op="=", right=column.yes),), name=measure.name)


def _finished(
    draft: Draft, base: q.Query, measures: list[q.Measure], extra: dict[str, Any], relate: bool
) -> dict[str, Any]:
    """The other fields of a query of these measures: its intent, order and notes."""
    question, end = draft.question.casefold(), next((a.end for a in draft.asks if a.relation and a.end), "")
    kinds, several = {k for a in draft.asks for k in a.kinds}, len(measures) > 1
    divided = base.group_by and ("j" in kinds or not any(g.grain for g in base.group_by))
    if any(a.numbered for a in draft.asks) and not extra:
        extra = {"tell": "number"}
    elif relate and end and not extra and len(measures) > 2:
        signed = re.search(
            r"^(?!.*\b(?:magnitude|absolute|regardless|sign)\b).*(?:positive|negative|highest)", question, re.S
        )
        extra = {"limit": 1, "order": (q.Order(by="value" if signed else "abs(value)", descending=end == "max"),)}
    elif several and not extra and any(a.among for a in draft.asks):
        extra = {"order": (q.Order(by="abs(value)"),)}
    elif not extra and divided and (not several or measures[0].op == "count"):
        sides = "j" in kinds or re.search(r"\b(?:var(?:y|ies|ied)|differ\w*|compar\w*|versus|vs|than)\b", question)
        intent = "describe" * ("D" in kinds and not any(a.stats for a in draft.asks))
        intent = intent or "compare" * (bool(sides) and not base.group_by[1:])
        extra = {"intent": intent} if intent else {}
    sorts = next((a.sorts for a in draft.asks if a.sorts), "")
    named = {expr(a.sorted_by) for a in draft.asks if a.sorted_by} & {g.of for g in base.group_by}
    if sorts and measures and base.group_by and not named and "limit" not in extra:
        extra = {"intent": "rank", "order": (q.Order(by=measures[0].op, descending=sorts == "max"),)}
    sided = extra.get("intent") == "compare" or any(isinstance(s, q.Derive) for s in base.prepare)
    owners = {draft.named[m.of].owner for m in measures if m.of in draft.named} - {""}
    whose = [c for a in draft.asks for c in (i.column for i in a.clause.of("C")) if c.short in owners or (sided and (
        c.label or (c.kind == "text" and c.n_unique > 40 and c.words[-1] in lexicon.some("keys"))))]  # fmt: skip
    draft.notes += [f"Each row counts, and not each “{c.name}” once." for c in whose]
    draft.counted += whose
    intent = "relate" if relate and all(m.other for m in measures) else "compute"
    notes = tuple(dict.fromkeys([*base.notes, *draft.notes]))
    return {"intent": intent, "measures": tuple(measures), "notes": notes} | extra


def _ratio(draft: Draft, ask: Ask, own: Sequence[str]) -> tuple[list[q.Measure], dict[str, Any]] | None:
    """A share, or an amount for each of those who have several rows."""
    over = expr(ask.over) if ask.over else ""
    names = {expr(c) for c in draft.columns if c.key and c.low in (0, 1) and c.high == c.low + c.rows - 1}
    of, where = [c for c in own if draft.numeric(c) and c not in {over, *names}], tuple(ask.share)
    if where and not of:
        return [q.Measure(op="share", where=where)], {}
    held = [
        c for c in draft.mentioned(ask) if c in draft.named and draft.numeric(c) and draft.named[c].high is not None
    ]
    two = held if re.search("So?C[cd]*C$", ask.codes) else []  # of the pieces made, of what was asked for
    within = two[1:] and draft.named[two[1]].high <= draft.named[two[0]].high
    if where or (within and ask.stats == ["share"]):
        part = q.Measure(op="sum", of=of[0] if where else two[1], where=where, name="part")
        both = [part, q.Measure(op="sum", of=of[0], name="whole")]  # of revenue in May; of the pieces that cracked
        name, told = "share in per cent", "100 * part / whole"
        draft.notes.append(f"The share is that of the sum of “{of[0].strip('`')}”.")
    elif ask.over is not None and len(of) == 1 and of[0] in draft.named:
        upper, both = draft.named[of[0]], list[q.Measure]()
        for a, b in ((upper, ask.over), (ask.over, upper)):  # of the rows that have both
            gaps = (q.Condition(left=expr(b), op="present"),) if b.missing else ()
            both.append(q.Measure(op="sum", of=expr(a), where=gaps, name=f"sum of {a.name}"))
        name, told = f"{upper.name} per {ask.over.name}", " / ".join(f"`{m.name}`" for m in both)
        only = " of the rows that have both" if upper.missing or ask.over.missing else ""
        draft.notes.append(f"All “{upper.name}” is divided by all “{ask.over.name}”{only}.")
    elif ask.per is not None and len(of) < 2:
        what = draft.named[of[0]].words if of and of[0] in draft.named else of or ("rows",)
        both = [
            q.Measure(op="sum", of=of[0]) if of else q.Measure(op="count"),
            q.Measure(op="distinct", of=expr(ask.per)),
        ]
        name, told = f"{' '.join(what)} per {ask.per.short}", f"{both[0].op} / distinct"
    else:
        return None
    return both, {"formulas": (q.Formula(name=name, expr=told),)}


def _pairs(draft: Draft, ask: Ask, topic: Sequence[str], before: Sequence[q.Measure]) -> list[q.Measure]:
    """The pairs of columns of a correlation, or one column against all others: what has the strongest with it."""
    pairs, among = ask.pairs or ([(topic[0], topic[1])] if len(topic) == 2 else []), False
    if not pairs and (ask.end or ask.among) and len(ask.columns) == 1:
        pairs, among = [(ask.columns[0], c) for c in draft.everything() if c != ask.columns[0]], True
    among = among or bool(ask.end and pairs[1:] and len({a for a, _ in pairs}) == 1)
    op: Any = next((a.relation for a in draft.asks if a.relation in ("r2", "slope")), ask.relation)
    kind, had = {"method": draft.methods.correlation, "with_p": draft.methods.with_p}, [(m.other, m.of) for m in before]
    return [q.Measure(op=op, of=a, other=b, name=b.strip("`") if among else "", **kind)
            for a, b in pairs if (a, b) not in had]  # fmt: skip


def _meant(draft: Draft, ask: Ask, columns: list[str]) -> list[str]:
    """The columns that a clause's statistics are of."""
    of_each = r"\b(?:each|every|all|per|by) (?:of the )?(?:numeric\w* )?(?:column|variable|feature|field)s?\b"
    if re.search(of_each, ask.clause.text, re.I):
        any_kind = set(ask.stats) <= {"missing", "present", "distinct", "share"} and "numeric" not in ask.clause.text
        return [expr(c) for c in draft.columns if c.dtype != "new"] if any_kind else draft.everything() or columns
    lengths = [s for s in draft.steps if isinstance(s, q.Derive) and re.match(r"(?:second|minute|hour|day)s\(", s.expr)]
    lasting = [expr(s.name) for s in lengths]
    words = columns if not set(ask.stats) - {"mode", "distinct", "missing"} else []
    return [c for c in columns if draft.numeric(c)] or words or lasting or columns


def _listed(draft: Draft, base: q.Query) -> dict[str, Any]:
    """Which rows meet the conditions: told by what names them, with the columns of the conditions."""
    entities = [i.column for a in draft.asks for i in a.clause.items if i.code in "CE" and i.means is not None]
    keys = [c for c in [*entities, *draft.columns] if (c.key and c.kind != "number") or c.label]
    numbers = [w.left.strip("`") for w in simple(base.where) if w.op not in ("missing", "=")]
    called = draft.called(keys[0]) if keys else _named_by(draft)
    if re.match(r"\W*whom?\b", draft.question, re.I):
        some = [c.name for c in draft.columns if c.person or c.noun in lexicon.singulars() or c.named]
        called = list(dict.fromkeys([*some[:1], *called]))
    shown = [c.name for a in draft.asks for c in a.shown]
    order = tuple(q.Order(by=expr(n)) for n in numbers if draft.numeric(expr(n)))[:1]
    for ask in (a for a in draft.asks if a.sorted_by):
        order = (q.Order(by=expr(ask.sorted_by or ""), descending=ask.sorts == "max"),)
        shown.append(order[0].by.strip("`"))
    known = called and {*numbers} <= {c.name for c in draft.columns}
    return (
        {"intent": "list", "show": tuple(dict.fromkeys([*called, *numbers, *shown])), "order": order} if known else {}
    )


def _named_by(draft: Draft) -> list[str]:
    """What tells rows apart where no key does: when, and the first words."""
    return [c.name for kind in ("time", "text") for c in draft.columns if c.kind == kind][:4]


def _unsaid(draft: Draft, base: q.Query) -> list[q.Measure]:
    """What is computed where no statistic is named: the usual one of the only column, or the number of rows."""
    spoken, single = draft.spoken(), len(draft.asks) == 1
    if any(a.shown or a.sorted_by for a in draft.asks):
        return []  # of each row something is told, and of all nothing computed
    words = single and len(spoken) == 1 and spoken[0].kind in ("text", "bool") and not base.group_by
    above = any(isinstance(w.right, q.Scalar) for w in simple(base.where))  # of whom, or of groups
    if words and not (spoken[0].label and base.where) and not above and lexicon.found("lists", draft.question):
        return [q.Measure(op="values", of=expr(spoken[0]))]
    sided = any("j" in a.kinds for a in draft.asks)
    compared = [i for a in draft.asks for i in a.clause.items if i.code == "j" or (i.code == "K" and not base.having)]
    of_yes = base.group_by and (sided or all(re.search("^more|quality", i.means) for i in compared))
    numbers = [c for c in spoken if c.kind == "number"] or [c for c in spoken if of_yes and c.kind == "bool"]
    if len(numbers) == 1 and numbers[0].kind == "bool" and any(measuring.of_many(a) for a in draft.asks):
        return [q.Measure(op="count", where=(q.Condition(left=expr(numbers[0]), op="=", right=numbers[0].yes),))]
    if len(numbers) == 1 and (base.group_by or base.where or single):
        # all of it, and not of each
        sold = re.search(r"\b(?:sells?|sold|br(?:ings?|ought) in)\b(?! for)", draft.question, re.I)
        each = lexicon.found("each_row", draft.question) or (sided and not re.search(r"\bcompar", draft.question, re.I))
        flag = [c.kind for g in base.group_by if (c := draft.named.get(g.of))] == ["bool"]  # of unlike sizes
        each = each and (flag or not sold)
        return [_usual(draft, numbers[0], bool(each) or any(a.each for a in draft.asks))]
    if re.match(lexicon.form("apart"), draft.question, re.I) and sided and not numbers and base.group_by:
        return _described(draft, [g.of for g in base.group_by])
    hinted = (draft.known.hinted(i.means.partition("> ")[2] or i.means) for i in compared if base.group_by)
    there = re.match(r"\W*(?:are|is|were|was|do|did|have) (?:there|we|any)\b", draft.question, re.I)
    if compared and not there:
        one = bool(sided and lexicon.found("each_row", draft.question))  # are they cheaper: each of them
        return [_usual(draft, c, one) for c in hinted if c is not None and c.kind == "number"][:1]
    rows = any(i.code in "hEC" or (i.code == "q" and n) for a in draft.asks for n, i in enumerate(a.clause.items))
    named = single and draft.asks[0].clause.items[0].code in "EV" and base.group_by  # calls per agent
    rows = rows and not re.match(r"\W*(?:please )?(?:list|show|name|who(?!se)\w*)\b", draft.question, re.I)
    keyed = any((c.key and c.kind != "number") or c.label for c in draft.columns)
    rows = rows and not (keyed and re.match("[aci]*qE", draft.asks[0].codes))  # which rides have no fare
    counts = not spoken and single and (named or (there and compared and base.group_by) or (rows and base.where))
    return [q.Measure(op="count")] if counts else []  # are there more men or women


def _described(draft: Draft, sides: Sequence[str]) -> list[q.Measure]:
    """What tells sides apart at a glance: the means of the numbers, and the shares of those who say yes."""
    left = [c for c in draft.columns if c != draft.time and expr(c) not in sides]
    columns = [c for c in left if not c.label and c.dtype != "new"]
    means = [q.Measure(op="mean", of=expr(c)) for c in columns if c.kind == "number"]
    yes = [q.Condition(left=expr(c), op="=", right=c.yes) for c in columns if c.kind == "bool"]
    return [q.Measure(op="count"), *means, *(q.Measure(op="share", where=(w,), name=w.left.strip("`")) for w in yes)][
        :12
    ]


def _usual(draft: Draft, column: Column, each: bool = False) -> q.Measure:
    """The statistic that is meant where none is named; the other one is kept in mind."""
    measure = intents.usual(column, draft.notes, each, draft.question)
    draft.doubt = "" if each else {"sum": "mean", "mean": "sum"}.get(measure.op, "")
    return measure


def ranked(
    draft: Draft, ask: Ask, own: Sequence[str], grouped: Sequence[str]
) -> tuple[dict[str, Any], list[q.Measure]]:
    """Which C has the most of what; the top n of them."""
    of, descending, kinds = ask.of, ask.end == "max", ("number", "time", "bool")
    fit = [c for c in own if draft.numeric(c) or draft.named[c].kind in kinds or ask.stats == ["distinct"]]
    what = [c for c in fit if of is None or c != expr(of)]
    says = any(i.code == "M" and " " in i.means for i in ask.clause.items)  # the longest, which is of no amount
    others = [c for a in draft.asks if a is not ask and not says for c in draft.own(a, grouped) if c != expr(of or "")]
    if ask.stats:  # the highest total, of what another clause asks for
        what = what or others
    if of is None and not (ask.groups or grouped):
        keys = [c for c in draft.columns if c.key and expr(c) not in what]
        of = next((c for kind in ("text", "time") for c in keys if c.kind == kind), None)
    rows = of.key if of is not None else not grouped
    flags = [c for c in what[:1] if c in draft.named and draft.named[c].kind == "bool"]
    if rows and ((ask.stats and not ask.names) or flags):
        return {}, []  # the average fee of the five longest; who cancels most
    if rows and not (ask.counts or ask.groups or (ask.stats and of is None)):
        known = draft.called(of) if of is not None else _named_by(draft)
        show = tuple(dict.fromkeys([*known, *draft.plain(what)]))
        order = tuple(q.Order(by=c, descending=descending) for c in what[:1])
        return ({"intent": "rank", "limit": ask.limit, "show": show, "order": order} if what else {}), []
    what = what or others
    group_by = (q.Group(of=expr(of)),) if of is not None else tuple(ask.groups) or tuple(q.Group(of=g) for g in grouped)
    column = draft.named.get(what[0]) if what else None
    flag = column if column is not None and column.kind == "bool" else None
    if flag and not ask.stats and measuring.of_many(ask):
        measure = q.Measure(op="count", where=(q.Condition(left=expr(flag), op="=", right=flag.yes),))
    elif ask.share:
        measure = q.Measure(op="share", where=tuple(ask.share))
    elif column and (set(ask.stats) <= {"share", "mode"} if flag else not (ask.stats or ask.counts)):
        of_whom = of is not None and stem(of.noun) in lexicon.some("payers")
        judged = re.search(r"\b(?:best|worst)\b", ask.clause.text, re.I) and (of_whom or any(g.grain for g in group_by))
        takings = column.money or {*lexicon.columns_of("takings")} & {*column.words}
        taken = judged and takings and lexicon.holds("takings", column.words)  # by all that the month brought in
        measure = q.Measure(op="sum", of=expr(column)) if taken else _usual(draft, column)  # the return rate
    elif ask.stats and what:
        (measure, *_) = measuring.measures(ask.stats, what[:1], draft.methods.ddof, draft.methods.biased)
    elif ask.counts and group_by:
        measure = q.Measure(op="count")
    elif of is not None and "N" in ask.codes and not (says or rows or what or draft.known.amount()):
        measure = q.Measure(op="count")  # the top three reasons
        draft.notes.append(f"It is not said by what: “{of.name}” is put in order by its rows.")
    else:
        return {}, []
    first = re.search(r"\b(?:ties?|tied)\b[^.]*\b(?:alphabet|first)", draft.question, re.I)
    order = (q.Order(by=measure.op, descending=descending),
             *(q.Order(by=g.of, descending=False) for g in group_by if first))  # fmt: skip
    return {"intent": "rank", "limit": ask.limit, "group_by": group_by, "order": order}, [measure]


def outliers(draft: Draft, base: q.Query) -> list[q.Query]:
    """Outliers by the rule that is said: how many, which, or statistics of them."""
    grouped, asks = [g.of for g in base.group_by], [a for a in draft.asks if "O" in a.kinds]
    columns = list(dict.fromkeys(c for a in asks for c in draft.own(a, grouped) if draft.numeric(c))) or draft.topic[:1]
    money = draft.known.amount() if not columns and any("E" in a.codes for a in asks) else None  # large donations
    columns = [expr(money)] if money is not None else columns
    spoken = [a for a in draft.asks if a in asks or re.search(r"\boutl", a.clause.text, re.I)]
    stats = [s for a in spoken for s in a.stats if s.split()[0] not in ("share", "missing")]
    names = re.search(r"\b(?:which|identify|list|who)\b", " ".join(a.clause.text for a in draft.asks), re.I)
    counts = any(a.counts or re.search(r"\bhow many|number of|count", a.clause.text, re.I) for a in asks)
    measures = measuring.measures(stats, columns, draft.methods.ddof, False)
    measures = measures or [q.Measure(op="values", of=c) for c in columns]
    entities = [i.column for a in draft.asks for i in a.clause.items if i.code == "E" and i.means is not None]
    shown = [a.of for a in asks if a.of is not None] or entities
    show = tuple(c.name for c in shown[:1] if names)
    tell, rule = "number" if counts and not show and not stats else "all", draft.methods.rule or q.Rule()
    found = given(base, intent="outliers", outliers=rule, measures=tuple(measures), show=show, tell=tell)
    return [found] if columns else []


def tested(draft: Draft, base: q.Query) -> q.Query | None:
    """A hypothesis test by its name, or by what it decides."""
    how, asks = draft.methods, [a for a in draft.asks if "H" in a.kinds or draft.methods.asks_test]
    said = {i.means for a in asks for i in a.clause.items if i.code == "H"}
    decides = (a for a, names in _ABOUT.items() if how.test in names.split() or (not how.test and a in said))
    about: Any = next(decides, "means" if "significance" in said or how.asks_test else None)
    related = any(a.relation for a in draft.asks) and how.test is None and about not in ("normality", "independence")
    of_statistic = how.test is None and any("skew" in v.when or "kurt" in v.when for v in how.verdicts)
    if about is None or related or of_statistic:
        return None
    everything = list(dict.fromkeys(c for a in draft.asks for c in draft.mentioned(a)))
    named = list(dict.fromkeys(c for a in asks or draft.asks for c in draft.mentioned(a)))
    groups, taken = list(base.group_by), [g.of for g in base.group_by]
    numeric = [c for c in named if draft.numeric(c) and c not in taken]
    if about == "normality":
        of = numeric or draft.topic[:1]
    elif about == "independence":
        both = (named if len(named) > 1 else everything)[:2]
        of, groups = both[:1], [q.Group(of=c) for c in both[1:]]
    else:
        numeric = numeric or [c for c in everything if draft.numeric(c) and c not in taken]
        few = [c for c in everything if c not in numeric[:1] and c in draft.named and draft.named[c].n_unique <= 12]
        groups = groups[:1] or [q.Group(of=c) for c in [c for c in everything if not draft.numeric(c)] or few][:1]
        of = [c for c in numeric if c not in [g.of for g in groups]][: 1 if groups else 2]
    if not of or (about != "normality" and not groups and len(of) < 2):
        return None
    test = q.Test(name=how.test or "auto", about=about, alpha=how.alpha or 0.05, sides=how.sides)
    values = tuple(q.Measure(op="values", of=c) for c in of)
    return given(base, intent="test", test=test, measures=values, group_by=tuple(groups))
