"""What a clause measures: how its columns go together, which statistics it names, and what is counted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from graphs.questions.query import Condition, Measure, Where, simple
from graphs.questions.reader import grouping, lexicon, sides
from graphs.questions.reader.conditions import expr
from graphs.questions.reader.items import Clause, Item, use
from graphs.questions.reader.linking import Column
from graphs.questions.reader.text import name_words, stem, words
from graphs.questions.reader.times import timed

if TYPE_CHECKING:
    from graphs.questions.reader.asking import Ask


def related(ask: Ask) -> None:
    """How columns go together: of a correlation, or where an adjective names one of them: do older people pay more."""
    clause, said, named = ask.clause, ask.clause.of("R"), ask.clause.of("C")
    if not said:
        if not ask.groups and re.match("[ac]*d", ask.codes) and clause.of("j"):
            _together(ask)
        return
    ask.relation = next((way for way in ("r2", "slope") if any(i.means == way for i in said)), "correlation")
    ask.columns = names = list(dict.fromkeys(expr(i.column) for i in named))
    if len(names) > 2 and re.search("C[^C]*R[wi]C$", "".join(i.code for i in clause.items)):
        names = ask.columns = [names[-1], *names[:-1]]  # which of these has the highest with that
    if len(names) > 1:
        every = re.search(r"\b(all|pairs?|pairwise|each other|matrix|among|variables)\b", clause.text, re.I)
        every = every if names[0] == expr(named[0].column) else None
        ask.pairs = [(a, b) for n, a in enumerate(names) for b in names[n + 1 :] if every or n == 0]
    asks_what = "[ac]*q[Edwoi]*(?:R[wioa]*CE?|CE?d?R[wioa]*)[ac]*"
    ask.among = len(names) == 1 and bool(re.fullmatch(asks_what, clause.shape))
    if ask.among and named[0].column.kind == "bool":  # what are returned orders linked to
        ask.relation, ask.kinds = "", ask.kinds | {"A"}
    by = [i.column for i in named if i.column.kind in ("text", "bool") and i.column.n_unique <= 40]
    of = [expr(i.column) for i in named if i.column.kind == "number" and not i.column.label]
    if len(by) == len(of) == 1 and len(names) == 2:  # the relationship between region and revenue
        ask.relation, ask.pairs, ask.groups, ask.stats, ask.columns = "", [], [], ["mean"], of
        ask.divide(expr(by[0]))
    ask.end = next((i.means.split()[0] for i in clause.items if i.code == "M"), ask.end)
    use(said, named, clause.of("MbaioS"))


def _together(ask: Ask) -> None:
    """The two columns of a comparison without sides: a number with a number, or with who says yes."""
    clause, known = ask.clause, ask.known
    subject = clause.subject
    own = [i for i in clause.of("C") if i.column.kind in ("number", "bool") and i is not subject]
    meant = {i.first: known.hinted(hint) for i in clause.of("j") if (hint := sides.hints(i))}
    meant |= {i.first: i.column for i in own}
    both = list(dict.fromkeys(meant[at] for at in sorted(meant, reverse=True)))  # the last depends on the other
    flags, numbers = ([expr(c) for c in both if c and c.kind == kind] for kind in ("bool", "number"))
    if len(both) != 2 or not numbers or len(flags) + len(numbers) != 2:
        return
    labels = [i for i in clause.of("C") if i.column.kind == "text" or i is subject]
    clause.notes += [f"Each row counts, and not each “{i.column.name}” once." for i in labels]
    for item in labels:
        item.code = "E"
    use(own, clause.of("j"), [i for i in clause.of("S") if i.means == "share" and flags])
    ask.columns = numbers
    if flags:  # whether the older ones survive
        ask.stats = ["mean"]
        ask.divide(flags[0])
    else:
        ask.relation, ask.pairs = "correlation", [(numbers[0], numbers[1])]


def flagged(ask: Ask) -> None:
    """Columns of yes and no, or of a time that only some rows have, say which rows where nothing is measured of them:
    who survived, smokers, not married, never returned."""
    clause, codes = ask.clause, ask.codes
    if ask.kinds & {"L", "A"} or re.search(r"\bwhether\b|\bor not\b", clause.text, re.I):
        return
    compares = "j" in clause.shape and bool(re.match("[ac]*(?:d|Sj)", codes))
    numbers = [i for i in clause.of("CjU") if (i.code == "j" and sides.hints(i) not in ("", "count"))
               or (i.code == "C" and i.column.kind == "number")]  # fmt: skip
    for n, item in enumerate(clause.items):
        if item.used or item.code not in "CE" or item.means is None or clause.words[item.first].quote:
            continue
        column, lead = item.column, codes[:n].rstrip("da")
        if any(i.code == "V" and i.means[0] == column for i in clause.items):
            continue  # where it is yes or no
        dated = column.kind == "time" and column.missing > 0
        one = item.first > 0 and clause.words[item.first - 1].low in ("a", "an", "any")
        dated = dated or (column.kind == "text" and column.missing > 0 and one)  # had a voucher
        some = _some_of(clause, item, codes[:n])
        if not dated and not some and (not column.flag or item.code == "E"):
            continue
        before = "E" if lead[-1:] == "C" and clause.items[len(lead) - 1].column.label else lead[-1:]
        if (set("RO") & set(codes) and before != "w") or (dated and before not in ("w", "E", "n")):
            continue
        behind = next((i for i in clause.items[n + 1 : n + 2] if i.code == "n"), None)  # the queen was not seen
        if behind and {w.stem for w in clause.words[behind.last + 1 : behind.last + 2]} & column.stems:
            behind.used, before = True, "n"
        needs = re.search(r"\bneed(?:s|ing)?(?: to be)? $", _lead(clause, item))  # what still needs mending
        no = (
            bool(needs)
            or before == "n"
            or (item.first > 0 and clause.words[item.first - 1].low in ("non", "un", "not"))
        )
        noun = before != "M" and sides.noun(clause, item) and (not compares or bool(numbers) or not ask.where)
        verb = before in ("w", "n") or (before in ("E", "V", "T") and not compares)  # of 2024 were solved
        verb = verb or clause.shape.strip("dac.") == "C" or ("h" in codes and before not in ("S", "B"))
        if not (some or noun or verb or no):
            continue
        if before == "n" and "n" in codes[:n]:
            clause.items[codes[:n].rindex("n")].used = True
        present = Condition(left=expr(column), op="missing" if no else "present")
        yes = Condition(left=expr(column), op="!=" if no else "=", right=column.yes)
        above = Condition(left=expr(column), op="=" if no else ">", right=0)
        ask.where.append(present if dated else above if some else yes)
        item.used = True


def _lead(clause: Clause, item: Item) -> str:
    """The three words before an item."""
    return "".join(f"{w.low} " for w in clause.words[max(item.first - 3, 0) : item.first])


def _some_of(clause: Clause, item: Item, lead: str) -> bool:
    """Whether rows are meant that have some of what a column measures: rainy days, trips that were delayed, the fewest
    delays, where delays are measured in minutes."""
    column, at, word = item.column, clause.items.index(item), clause.words[item.last].low
    if column.kind != "number" or column.low != 0 or word in column.words:
        return False
    behind = re.match("[dn]*[EG]", "".join(i.code for i in clause.items[at + 1 :]))
    timed = column.unit in lexicon.section("units")["time"] and word.endswith("s") and lead[-1:] in ("M", "h")
    whose = word.endswith(("ed", "y")) and (behind or re.search("(?:E[da]*|hd+)n?$", lead))
    return bool(whose or (timed and lexicon.found("numbered", clause.text)))


def measured(ask: Ask) -> None:
    """The statistics, each of the columns beside it; what is ordered has its own."""
    clause = ask.clause
    for _, stat, what in clause.find("(S)[oiUEhd]*(C)"):  # how much sugar there is in it, or at what price per kg
        if clause.written(stat).casefold() == "how much" and lexicon.some("levelled") & set(what[0].column.words):
            stat[0].means = "mean"
    for _, stat, when in clause.find("(S)(G)"):
        if stat[0].means == "distinct" and grouping.told_apart(ask, when[0]):
            use(stat, when)
    for _, part, gap in clause.find("(S)o?(m)(?=C)"):
        if part[0].means == "share":
            gap[0].code, gap[0].means = "S", "missing"  # the share of missing ages
    if lexicon.found("values", clause.text):
        for _, how, gap in clause.find("(h?)[od]*(m)"):  # how many values are missing: column by column, and not rows
            gap[0].code, gap[0].means = "S", "missing"
            use(how)
    for _, stat, whose in clause.find("(S)([CE])"):
        _of_each(ask, stat[0], whose[0])
    for _, stat, how, rows in clause.find("(S)(h)[oi]*(E)"):  # the average number of calls of all agents
        whose = [i for i in clause.of("C") if i.column.person]
        if stat[0].means == "mean" and len({i.column for i in whose}) == 1:
            ask.per = whose[0].column
            use(stat, how, rows, whose)
    shapes = "(S(?:[ac]*S)*)([oiUEh]*)(C(?:[ac]+o?C)*)", "(C(?:[ac]+C)*)(d*)(S(?:[ac]+S)*)", "(M(?:[ac]+M)*)([oiU]*)(C)"
    for whole, *_ in (f for shape in shapes if not ask.relation for f in clause.find(shape)):
        stats = [i.means.split()[0] if i.code == "M" else i.means for i in whole if i.code in "SM"]
        ask.stats += [] if whole[0].code == "M" and ((ask.end and ask.names) or ask.limit) else stats
        averaged = whole[0].code != "M" and {"mean", "median"} & set(ask.stats)  # how old guests are on average
        named = [i for i in whole if i.code == "C" and not (averaged and i.column.label)]
        if whole[0].code == "M" and any(i.code == "U" for i in whole) and any(i.column.kind == "time" for i in named):
            continue  # the highest scoring match is no last one
        ask.columns += [expr(i.column) for i in named]
        if whole[0].code != "M" and named:
            ask.apart.append((stats, [expr(i.column) for i in named]))  # total miles and average fare
        use([i for i in whole if i.code not in "CU"], named)
    ask.stats += [i.means for i in clause.of("S")]
    use(clause.of("S"))
    if ask.end and not ask.columns and ask.by is not None:
        ask.columns.append(expr(ask.by))
    several = ask.limit and lexicon.found("many", clause.text)  # which two have the most late orders
    if ask.end and (ask.names or several) and not ask.columns and not ask.stats:
        _by_what(ask)


def _of_each(ask: Ask, stat: Item, whose: Item) -> None:
    """The average order value, what the average customer spends."""
    clause, whom = ask.clause, whose.means
    typical = clause.written([stat]).casefold() in ("typical", "usual")
    if not (stat.means == "mean" or typical) or (whom is not None and not (whose.sure and (whom.label or whom.key))):
        return
    numbers = [i.column for i in clause.of("C") if i.column.kind == "number"]
    flow = numbers[0] if numbers else ask.known.amount()
    adds = flow is not None and flows(clause.text, flow)
    whole = whom is not None and len(name_words(clause.written([whose]))) >= len(whom.words) > 1  # its ids
    if flow is None or whole or not (adds or not numbers):
        return
    ask.columns, ask.stats = [expr(flow)], [*ask.stats, stat.means]
    ask.per = whom if whom is not None and not whom.key and stat.means == "mean" else None
    clause.notes.append(f"The amounts are taken from “{flow.name}”.")
    use([i for i in clause.of("U") if clause.words[i.first].stem in lexicon.says("takings")])  # what a job brings in
    use([stat, whose], [i for i in clause.of("C") if i.means == flow])


def _by_what(ask: Ask) -> None:
    """By what is ordered, where no statistic says so: a number, or how many there are."""
    for item in (i for i in ask.clause.of("CE") if i.means is not None and i.means != ask.of):
        if (item.column.label or item.column.person) and not item.column.key:
            ask.stats, ask.columns = ["distinct"], [expr(item.column)]  # the most customers
        elif item.column.kind == "number":
            ask.columns.append(expr(item.column))
        item.used = True
    counted = re.search("M[oih]*[CEV]", ask.codes) and lexicon.found("many", ask.clause.text)
    ask.counts = ask.counts or bool(counted and not ask.columns and not ask.kinds & {"Y"})


def counted(ask: Ask) -> None:
    """How many: rows, or what a column names, or what a column of numbers adds up to."""
    if not ask.clause.of("C") and re.search("X[io]E", ask.codes):
        ask.counts = True  # the trend in orders
    for _, how, days in ask.clause.find("(h)[.oi]*(G)"):
        bounds = [w for w in simple(ask.where) if w.op[0] in "<>" and w.right != 0]
        if ask.where and grouping.counts_periods(ask, days[0], bounds):
            use(how, days)
    for _, how, named in ask.clause.find("(h)[oi]*U?((?:[CE])?)"):
        column = named[0].means if named else None
        if ask.relation:
            continue
        use(how, named)
        if ask.stats and not named and not lexicon.found("rows", ask.clause.text):
            continue
        sold = [i for i in ask.clause.of("C") if {*lexicon.columns_of("quantity"), "sold"} & set(i.column.words)]
        sells = not (named or re.search("CU", ask.codes)) and ask.clause.written(how).casefold() != "how often"
        if sold and sells and stem(ask.clause.words[sold[0].first].low) in lexicon.says("sales"):
            use(sold)  # how many croissants were sold
            ask.stats, ask.columns = ["sum"], [expr(sold[0].column)]
            continue
        if column is None or column.each or ask.clause.typed(named[0]) or "O" in ask.kinds:
            ask.counts = True
        elif column.label and not ask.stats:
            ask.stats, ask.columns = ["distinct"], [expr(column)]
        elif column.yearly or (column.kind == "number" and column.words[-1] in lexicon.some("times")):
            ask.counts, named[0].code = True, "E"  # how many days, of rows that have the day of a month
            ask.clause.notes.append(f"Each row counts, and not each “{column.name}” once.")
        elif column.kind == "number":
            ask.stats, ask.columns = ask.stats or ["sum"], [*ask.columns, expr(column)]
        elif column.kind == "text" and expr(column) not in [g.of for g in ask.groups]:
            ask.stats, ask.columns = [*ask.stats, "distinct"], [*ask.columns, expr(column)]
        else:
            ask.counts = True


def share(ask: Ask) -> None:
    """A share's own condition is what is said behind the rows: the share of women who survived."""
    if "share" not in ask.stats or "missing" in ask.stats:
        return
    clause = ask.clause
    chance = next((i.first for i in clause.items if i.code == "S" and clause.written([i]).casefold()
                   in lexicon.some("chances")), None)  # fmt: skip
    whole = list[Where]()
    for item in (i for i in clause.items if i.code == "C" and expr(i.column) not in [g.of for g in ask.groups]):
        column, said = item.column, {stem(w) for w in name_words(clause.written([item]))}
        at = clause.items.index(item)
        among = re.search("So$", ask.codes[:at]) and re.match("[EC]d.*[KVCT]", ask.codes[at + 1 :])
        if among and column.kind == "bool":
            whole = [Condition(left=expr(column), op="=", right=column.yes)]  # of returned orders: are over 100
            ask.columns = [c for c in ask.columns if c != expr(column)]
            ask.where = [*(w for w in ask.where if w not in whole), *whole]
            continue
        meant = expr(column) in ask.columns or (chance is not None and item.first > chance)
        ends = ask.codes[:at].endswith("d") and at + 1 == len(clause.items)  # of those at 50 mg were dead
        meant = meant or ends or bool(re.search("SoCd+$", ask.codes[:at]))  # what share of revenue is organic
        levels = [v for v in column.values if column.kind == "text" and {stem(w) for w in name_words(v)} == said]
        dated = column.kind == "time" and column.missing > 0
        bounded = expr(column) in {w.left for w in simple(ask.where)}  # a score of 7 or more
        some = column.kind == "number" and column.low == 0 and ask.codes[:at].endswith("w")  # jobs with a discount
        if some and not bounded:
            ask.share, ask.columns = [Condition(left=expr(column), op=">", right=0)], []
            return
        if meant and (levels or dated or column.kind == "bool"):  # likely to be admitted; the return rate
            says = {"op": "present"} if dated else {"op": "=", "right": levels[0] if levels else column.yes}
            ask.share = [Condition.model_validate({"left": expr(column), **says})]
            ask.where, ask.columns = [w for w in ask.where if w not in ask.share], []
            return
    grouped = {g.of for g in ask.groups}
    apart = [w for w in simple(ask.where) if w.left in grouped and w.op == "in"]  # its sides
    rows = [w for w in ask.where if w not in (*apart, *whole)] or ask.where
    own = [w for w in rows if not timed(w)] or rows  # a time says which rows, not which of them count
    if re.search("o[VEC]+di*T$", ask.codes):
        own = [w for w in rows if timed(w)] or own  # but it does where nothing else is said of them: were at weekends
    told = [(n, w) for n, i in enumerate(clause.items) if i.code in "CV" and i.means is not None for w in own
            if isinstance(w, Condition) and w.left == expr(i.means[0] if i.code == "V" else i.column)]  # fmt: skip
    rated = [(n, w) for n, w in told if ask.codes[n + 1 : n + 2] == "S"]  # the completion rate
    lead = [" ".join(w.low for w in clause.words[max(i.first - 3, 0) : i.first]) for i in clause.items]
    inside = r"(?<!is )(?<!are )(?<!was )(?<!were )(?<!came )(?<!come )(?<!comes )(?:in|at|from|for|on)(?: the)?$"
    told = rated or [(n, w) for n, w in told if not re.search(inside, lead[n])] or told  # loans at Hill that are late
    if own:
        part = [told[-1][1] if told else own[-1]]
        within = [w for w in simple(own) if w.op[0] in "<>"]
        soon = re.search("d([CV])(?:wCo?)?KN", ask.codes)  # are paid within two weeks
        lengths = {expr(c) for c in ask.known.columns if not c.file}  # columns that the question makes
        if soon and (soon[0][1:] == "CKN" or any(w.left in lengths for w in within)):
            part = list(dict.fromkeys([*(w for n, w in told if n == soon.start(1)), *part, *within]))
        ask.share, ask.where = part, [w for w in ask.where if w not in part]


def flows(question: str, column: Column) -> bool:
    """Whether what a column holds adds up: by its name, or as a question says that it was spent or sold."""
    said = {w.stem for w in words(question)}
    some = [(n, n) for n, d in lexicon.section("dimensions").items() if d.get("flow")]
    whole = "int" in column.dtype.casefold() and not lexicon.some("levelled") & set(column.words)
    sold = (column.money or whole) and said & lexicon.says("sales")
    return bool(lexicon.some("flows") & set(column.words) or sold) or any(
        said & lexicon.says(n) and {stem(c) for c in lexicon.columns_of(of)} & column.stems
        for n, of in (*some, ("sales", "takings"))  # what was sold is told in money, too
    )


def lacks(ask: Ask) -> bool:
    """Whether a statistic is asked for, of a column that is not known. A total of what is counted is their number."""
    counts = {"count", "distinct", "duplicates"} | ({"sum"} if ask.counts else set())
    return any(s.split()[0] not in counts for s in ask.stats)


def measures(stats: Sequence[str], columns: Sequence[str], ddof: int | None, biased: bool) -> list[Measure]:
    """The product of statistics and columns."""
    found = []
    for column in dict.fromkeys(columns):
        if {"share", "missing"} <= set(stats):  # the share of its values that are missing
            gap = Condition(left=column, op="missing")
            found.append(Measure(op="share", where=(gap,), name=column.strip("`")))
            continue
        for stat in dict.fromkeys(stats):
            op, _, p = stat.partition(" ")
            spread = op in ("std", "var", "sem")
            found.append(Measure(op=op, of=column, p=float(p) if p else None, ddof=ddof if spread else None,
                                 biased=biased and op in ("skewness", "kurtosis")))  # fmt: skip
    return found


def of_many(ask: Ask) -> bool:
    """Whether the number of those who say yes is meant, and not their share: the most survivors, more late loans."""
    many = r"\b(?:most|fewest|least|more|fewer)\b(?! (?:often|likely|frequently))"
    if re.match("[ac]*d.*j", ask.codes) and not re.search(r"\bthere\b", ask.clause.text):
        return False  # do smokers have more complications: of groups of unlike sizes
    return bool(re.search("[Mj]C|CM[CE]", ask.codes) and re.search(many, ask.clause.text, re.I))
