"""What the clauses of a question say together: its parts, each a query or the reason why there is none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from graphs.questions import query as q
from graphs.questions.query import given, simple
from graphs.questions.reader import asking, following, intents, lexicon, parts, preparing, unread
from graphs.questions.reader.asking import Ask
from graphs.questions.reader.conditions import Known, expr, negated
from graphs.questions.reader.items import Clause
from graphs.questions.reader.linking import Column
from graphs.questions.reader.preparing import Methods

_ROWS = ("The table has no word “{}”: each row is taken for one.", "“{}” is read as the rows of the table.")


class Draft:
    """The question as far as it has been read."""

    def __init__(self, question: str, columns: Sequence[Column], time: Column | None, before: str) -> None:
        self.question, self.columns, self.time = question, columns, time
        self.named = {expr(c): c for c in reversed(columns)}
        self.new = [c for c in columns if c.dtype == "new"]
        self.known = Known(columns, time, before)
        self.methods = Methods(outliers="outlier" in question.casefold())
        self.asks: list[Ask] = []
        self.steps: list[q.Step] = []
        self.unused: list[str] = []
        self.blocked: list[str] = []
        self.lost: list[str] = []  # words of clauses that ask for something unknown
        self.strange: tuple[str, ...] = ()  # words that no column is called or holds, for which there is no answer
        self.untold: list[tuple[str, str]] = []  # clauses that ask for what no query gives, with why
        self.notes: list[str] = []
        self.topic: list[str] = []
        self.recent: list[Column] = []
        self.whose: list[Column] = []  # what is to be told of the row in which an end was found
        self.counted: list[Column] = []  # of whom rows are told, each as many times as it stands there
        self.doubt = ""  # the other statistic that a question without one may mean
        self.opening = len(question.split("\n")[0])
        told = re.search(lexicon.section("said")["spelled"], question, re.I)
        several = len(re.findall(r"[.?!](?=\s|$)", question)) > 1
        self.spelled = (bool(told) or several) and len(question.split()) > unread.LONG

    def add(self, clause: Clause) -> None:
        """Read one clause more."""
        mentioned = [expr(i.column) for i in clause.of("CE") if i.means is not None and i.column.kind == "number"]
        mentions = any(i.code == "C" for i in clause.items)
        if self.methods.read(clause):
            self.topic = self.topic or mentioned
            return
        after = lexicon.found("cleared" if self.methods.outliers else "clear", clause.text)
        if after and re.search(r"without|exclu|remov|drop|eliminat|out\b", clause.text[after.start() :], re.I):
            clause.mark(*after.span())
            self._merge([q.RemoveOutliers(columns=tuple(self.plain(mentioned or self.topic[:1])))])
        if by := re.search(lexicon.section("steps")["modelled"], clause.text, re.I):
            self.blocked.append(by[1])  # gaps that no step fills so
        if self.spelled:
            self._speaking(clause)
        if self._defines(clause):
            return
        done, whole = preparing.read(clause, self.columns, self.methods.rule, self.recent, self._undefined())
        self.recent = [i.column for i in clause.items if i.code == "C"] or self.recent
        self._merge(done)
        for item in clause.of("U") if self.steps else ():
            item.used = re.fullmatch(lexicon.form("stepped"), clause.written([item]), re.I) is not None
        self.topic = [expr(s.name) for s in done if isinstance(s, q.Derive)] or self.topic
        filled = [expr(s.columns[0]) for s in done if isinstance(s, q.Fill) and not s.columns[1:]]
        self.topic = (filled if not any(a.stats for a in self.asks) else []) or self.topic
        scaled = [expr(c) for s in done if isinstance(s, q.Scale | q.Convert) for c in s.columns[:1]]
        self.topic = self.topic or scaled
        if whole:
            self._leave(clause, False)
            return
        left = re.match(rf"{preparing.LEAVE}|.*\b(?:not|n't) (?:include|consider|use)", clause.text, re.I | re.S)
        if self._again(clause):
            return
        if whose := self._whose(clause):
            self.whose += whose
            return
        ask = asking.read(clause, self.known, self.asks)
        self._merge(ask.steps)
        if re.fullmatch("[aci]*q[dw]*M", ask.codes) and any(a.names for a in self.asks) and not ask.end:
            ask.end, ask.names, ask.limit = clause.items[-1].means.split()[0], True, 1  # and which one is the least
        if left and ask.where and not ask.stats:
            denied = any(i.code == "n" for i in clause.items)
            self._merge([q.Keep(where=tuple(w for one in ask.where for w in ([one] if denied else negated(one))))])
            ask.where = []
            clause.mark(*left.span())
            ask.kinds -= {"Y"}  # "drop" here is no fall
        first = clause.words[0].low
        talk = first in lexicon.some("discuss") and not (ask.columns or ask.groups or ask.where or ask.periods[0])
        talk = talk and not (first in ("describe", "summarize", "summarise") and mentions and not self.asks)
        talk = talk or first in ("interpret", "discuss", "explain", "comment", "conclude", "assume", "note")
        of_whom = any(a.names for a in self.asks) and (clause.inner or parts.POINTS.search(clause.text))
        bare = self.asks and re.fullmatch("[aciB]*[qhw][dv]*", "".join(i.code for i in clause.items))  # and who did it
        if bare and ask.counts and "O" in self.asks[-1].kinds:
            return  # how many outliers there are, is told with them
        if why := unread.unclear([clause.text]) if bare or (ask.where and of_whom) else intents.untold(ask):
            self.untold.append((clause.text, why))
        elif not talk:
            self.asks.append(ask)
        self.topic = self.topic or mentioned
        self.notes += clause.notes
        nouns = [(i, clause.words[i.last].low) for i in clause.items if i.code == "E" and i.means is None]
        self.notes += [_ROWS[i.sure].format(w) for i, w in nouns if w in lexicon.some("events") or not i.sure]
        restricts = bool(lexicon.found("only", clause.text)) and bool(set("EVw") & {i.code for i in clause.items})
        opening = clause.words[0].start < self.opening
        unread_part = self.asks[1:] and not self.spelled and re.match("[ac]*[dqh]", ask.codes) and clause.of("C")
        asked = not ask.empty or bool(ask.where) or restricts or bool(unread_part)  # and are we losing customers
        made = self.new and lexicon.found("creates", clause.text)
        before, aside = len(self.blocked), len(self.unused)
        self._leave(clause, not talk and not made and (restricts or bool(ask.where) if not opening else asked), opening)
        lost = self.blocked[before:]
        apart = preparing.codes(clause)[:1] in tuple("qhvdS") and not any(map(_alters, lost))
        if lost and apart and not (restricts or talk):
            self.lost += lost
            self.untold.append((clause.text, unread.unknown(self, lost)))
            self.asks = [a for a in self.asks if a is not ask]
            del self.blocked[before:], self.unused[aside:]  # the part's own sentence names them

    def _defines(self, clause: Clause) -> bool:
        """Whether a clause only says what a statistic is that was asked for: the mean is the sum divided by the number."""
        said = re.match(lexicon.section("said")["definition"], clause.text, re.I)
        end = clause.words[0].start + said.end(1) if said else 0
        stats = {i.means for i in clause.of("S") if clause.words[i.first].end <= end}
        return not clause.asks and any(stats & set(a.stats) for a in self.asks)

    def _again(self, clause: Clause) -> bool:
        """Whether a clause only names again what was asked for before it: give the year and the count."""
        last, shape = next(iter(self.asks[-1:]), None), clause.shape.lstrip("aci.")
        if last is None or clause.asks or not re.fullmatch(r"v[aciodEGCSh.]+", shape):
            return False
        known = {*last.columns, *(g.of for g in last.groups), *([expr(last.of)] if last.of else [])}
        named = {expr(i.column) for i in clause.items if i.code == "C"}
        stats = {i.means for i in clause.items if i.code in "Sh"}
        told = {*last.stats, *(["count"] if last.counts else [])}
        return bool(last.end and last.names and named and named <= known and stats <= told)

    def _whose(self, clause: Clause) -> list[Column]:
        """What a clause asks of the row in which an end was found: the highest fare, and who paid it, and on what date."""
        last = next((a for a in reversed(self.asks) if not a.empty), None)
        asks = re.fullmatch("i*([qw])([CEG]?)[dwvEUi]*", preparing.codes(clause))
        if not asks or last is None or last.stats not in (["min"], ["max"]) or len(last.columns) != 1 or last.groups:
            return []
        items = [i for i in clause.items if i.code == asks[2]] if asks[2] else []
        if items and isinstance(items[0].means, Column):
            return [items[0].means]
        timed = (items and items[0].code == "G") or clause.written([clause.of("qw")[0]]).casefold() == "when"
        found = [c for c in self.columns if (c is self.time if timed else c.kind == "text" and "name" in c.words)]
        return found if len(found) == 1 else []

    def _speaking(self, clause: Clause) -> None:
        """Take the nouns of a clause that name nothing in the table for its rows, where they are counted or named; and
        what was removed for the outliers, where they were."""
        removes = any(isinstance(s, q.RemoveOutliers) for s in self.steps)
        for n, item in enumerate(clause.items):
            said = clause.written([item]).casefold()
            before = "M" * said.endswith("s") + "qh"
            if item.code == "U" and re.search(f"(?:ho|[{before}])$", "".join(i.code for i in clause.items[:n])):
                item.code = "E"
            elif item.code == "V" and self.steps and said == "left" and n and clause.items[n - 1].code == "d":
                item.used = True  # how many rows are left
            elif item.code == "U" and removes and said in ("removed", "dropped", "excluded", "eliminated"):
                item.code, item.means = "O", "outlier"

    def _merge(self, done: Sequence[q.Step]) -> None:
        """Take steps along; one that is said again in other words is no second one."""
        for step in done:
            own, outliers = _about(step), step.do == "remove_outliers"
            same = [s for s in self.steps if s.do == step.do and (outliers or own & _about(s))]
            if not same:
                self.steps.append(step)
            elif own if outliers else step.do != "drop_missing" or not own <= _about(same[0]):
                self.steps[self.steps.index(same[0])] = step

    def _leave(self, clause: Clause, core: bool, opening: bool = False) -> None:
        """Note the words that nothing has read; those that would change the meaning block the answer."""
        codes = "".join(i.code for i in clause.items)
        period = lexicon.found("some_period", clause.text)
        named = [set(i.column.words) for i in clause.items if i.code == "C"]  # visits_last_month
        period = None if period and any(set(period[0].casefold().split()) <= own for own in named) else period
        if core and period and not set("FT") & set(codes) and not re.search(r"\bwill\b", clause.text, re.I):
            self.blocked.append(period[0])
        if core and (when := re.search(r"(?<=.)w[da]*$", codes)):  # when something was bought: of that nothing is read
            first = clause.words[clause.items[when.start()].first]
            if first.low in ("when", "if", "where", "while"):
                self.blocked.append(clause.written(clause.items[when.start() :]))
        for word, changes in unread.unread(clause, opening, self.spelled):
            self.unused.append(word)
            self.blocked += [word] * ((core and changes) or _alters(word))

    def reading(self, previous: q.Query | None = None) -> q.Reading:
        """The parts of the question and their queries; a fragment changes the query before it."""
        # What is said of the method is no question by itself
        asked = [a.clause.text for a in self.asks if not a.empty and a.clause.words[0].start < self.opening]
        alone = asked and not any(parts.POINTS.search(text) for text in asked)  # what is lost does not bear on it
        missing = [*self.blocked, *(c.name for c in self._undefined()), *([] if alone else self.lost)]
        changed = following.follow(self, previous) if previous is not None and not missing else None
        queries = [changed] if changed is not None else [] if missing else self.queries()
        those = following.pointing(self) if queries and changed is None else ""
        if those and previous is not None:
            of_them = [following.of_those(one, previous) for one in queries]
            queries = [one for one in of_them if one is not None]
        if those and (not queries or (previous is None and re.search(rf"(?:^|of |among ){those}\b", self.question))):
            why = f"It is not clear of which rows “{those}” are."
            return q.Reading(parts=(self.question,), queries=(None,), why_not=(why,))
        if why := unread.unknown(self, missing) if missing else self._why_not(queries):
            return q.Reading(parts=(self.question,), queries=(None,), why_not=(why,), unknown=self.strange)
        other = f"The {self.doubt} may be meant in place of the {{}}; ask for it by its name."
        others = ((n, other.format(one.measures[0].op), following.remeasured(one, op=self.doubt))
                  for n, one in enumerate(queries) if self.doubt and len(one.measures) == 1)  # fmt: skip
        return q.Reading(
            parts=(*(one.text for one in queries), *(text for text, _ in self.untold)),
            queries=(*queries, *[None] * len(self.untold)),
            why_not=(*[""] * len(queries), *(why for _, why in self.untold)), others=tuple(others), follows=changed is not None or bool(those and previous),
        )  # fmt: skip

    def _why_not(self, queries: Sequence[q.Query]) -> str:
        """Why these queries are no answer; empty where they are one."""
        if not queries and self.untold and not self.lost:
            return self.untold[0][1]
        if not queries:
            end = next((a.clause.written([i]) for a in self.asks for i in a.clause.items if i.code == "M"), "")
            why = f"It is not said by which column “{end}” is meant." if end else ""
            unknown = [*self.lost, *self.unused][:3]
            why = unread.unknown(self, unknown) if unknown else why
            return why or "It is not clear what is to be computed of which column."
        told = any(one.outliers or "remove_outliers" in [step.do for step in one.prepare] for one in queries)
        if (rule := self.methods.rule) and not told:
            return unread.unclear(["z-score" if rule.rule == "z" else rule.rule])
        if dropped := unread.dropped(self, queries):
            return unread.unclear(dropped)
        if uncounted := unread.uncounted(self, queries):
            return unread.unknown(self, uncounted)
        if named := unread.labels(self, queries):
            return f"“{named[0]}” holds names: nothing is computed of it but how many there are."
        return unread.unfit(self, queries)

    def _undefined(self) -> list[Column]:
        """The columns that the question names as new and has not said how to make."""
        return [c for c in self.new if not any(getattr(s, "name", "") == c.name for s in self.steps)]

    def queries(self) -> list[q.Query]:
        """A query for each kind of thing that is asked for, in the order of asking."""
        ends = [a for a in self.asks if a.end and (a.names or a.limit)]
        kinds_of = [self.named.get(a.columns[0]) for a in self.asks if a.stats == ["distinct"] and a.columns]
        for one in ends:  # how many kinds there are, which is the most common, and which one is the least common
            one.of = one.of or ends[0].of or next(iter(kinds_of), None)
            one.columns = one.columns or ends[0].columns
            one.counts = one.counts or ends[0].counts
        if (several := self._separate())[1:]:
            everything, answers = self.asks, list[q.Query]()
            for self.asks in several:
                answers += [given(one, text=self.asks[0].clause.text) for one in self.queries()[-1:]]
            self.asks = everything
            return answers if len(answers) == len(several) else []
        base = parts.reconciled(self, self.base())
        kinds = {k for a in self.asks for k in a.kinds}
        fits = any(a.relation == "r2" and a.pairs for a in self.asks)
        if (self.methods.model or "L" in kinds) and not fits and (model := intents.modelled(self, base)) is not None:
            return [model]
        if not kinds & set("OH") and (other := intents.other(self, base)) is not None:
            return [other]
        test = parts.tested(self, base)
        found = [test] if test is not None else []
        removes = any(isinstance(s, q.RemoveOutliers) for s in self.steps)
        all_rows = not removes or any(re.search("h[owdE]*O", a.codes) for a in self.asks)  # how many there were
        ruled = self.methods.rule and not removes and self.methods.outliers  # "detect outliers" among its rules
        if ("O" in kinds and all_rows) or (ruled and "O" not in kinds):
            kept = tuple(s for s in base.prepare if not isinstance(s, q.RemoveOutliers))
            found += parts.outliers(self, given(base, prepare=kept))
        plain = given(base, verdicts=()) if test is not None else base
        told = bool(found and found[-1].outliers) and not removes
        computed = parts.computed(self, plain, told, not found, bool(test and self.methods.test))
        told = bool(found) and found[0].intent == "outliers"
        if computed is None or (told and all(m.op == "count" for m in computed.measures)):
            return found
        if base.prepare and re.search(r"\b(?:before and after|with and without)\b", self.question, re.I):
            found.append(given(computed, prepare=(), text=f"Before: {self.question}"))
            computed = given(computed, text=f"After: {self.question}")
        filled = {c for step in base.prepare if isinstance(step, q.Fill) for c in step.columns}
        gaps = [m for m in computed.measures if m.op == "missing" and {*self.plain([m.of or ""])} & filled]
        if gaps:  # how many were missing before they were filled
            unfilled = tuple(step for step in base.prepare if step.do != "fill")
            found.append(given(computed, prepare=unfilled, measures=tuple(gaps)))
            computed = given(computed, measures=tuple(m for m in computed.measures if m not in gaps))
        if few := [a.per for a in self.asks if a.per and a.per.n_unique <= 12 and not (a.stats or a.columns)]:
            each = {"measures": (q.Measure(op="count"),), "formulas": (), "group_by": (q.Group(of=expr(few[0])),)}
            return [computed, given(computed, **each)]  # an average of a few is told with each of them
        if test is None or test.test is None or test.test.about != "means":
            return [*found, computed]
        return [given(computed, intent="compute", group_by=computed.group_by or test.group_by), *found]

    def _separate(self) -> list[list[Ask]]:
        """The clauses that ask for one thing together: the stay by ward, and which ward readmits most, are two, and so are
        the best month and the worst."""
        parts_of = [self.asks[:1]]
        for ask in self.asks[1:]:
            before = parts_of[-1]
            ranked = any(a.end and (a.names or a.limit) for a in before)
            told = ranked or any((a.stats or a.counts) and (a.groups or a.stats == ["distinct"]) for a in before)
            if ask is self.asks[-1] and self._apart(ask):
                if not any(i.code == "E" for i in ask.clause.items):  # and how many of them were cancelled
                    ask.where = [*(w for a in self.asks[:-1] for w in a.where), *ask.where]
                    ask.groups = [g for a in self.asks[:-1] for g in a.groups]
                parts_of.append([ask])
            elif (told and ask.end and (ask.names or ask.limit)) or (ranked and ask.groups and ask.stats):
                ask.where = [*(w for a in before for w in a.where), *ask.where]
                parts_of.append([ask])
            else:
                before.append(ask)
        return parts_of

    def _apart(self, last: Ask) -> bool:
        """Whether the last clause counts rows by conditions of its own, which hold for no clause before it."""
        others, own = self.asks[:-1], _sides(last.where)
        counts = last.counts and own and not (last.stats or last.end or last.groups or self.spelled)
        stated = all((a.counts or a.stats) and not (a.end or a.relation or a.kinds - {"j"}) for a in others)
        return bool(counts and stated and not own & _sides([w for a in others for w in a.where]))

    def base(self) -> q.Query:
        """What holds for all parts: rows, groups, steps, rules."""
        rule, topic = self.methods.rule, tuple(self.plain(self.topic[:1]))
        prepare = [
            given(s, rule=rule or s.rule, columns=s.columns or topic) if isinstance(s, q.RemoveOutliers) else s
            for s in self.steps
        ]  # fmt: skip
        words = lexicon.section("words_of_verdicts").values()
        either = next((rules for rules in words if re.search(rules[0], self.question, re.I)), ["", []])[1]
        verdicts = self.methods.verdicts or [q.Verdict.model_validate(rule) for rule in either]
        cuts = {s.of: q.Group(of=expr(s.name)) for s in self.steps if isinstance(s, q.Cut)}
        groups = {g.of: cuts.get(g.of, g) for a in self.asks for g in a.groups}  # for each age group, of ages
        if not groups and lexicon.found("by_classes", self.question):
            groups = cuts  # of many values, which are no groups themselves
        own = " ".join(a.clause.text for a in self.asks).strip(" ,;") if self.untold else self.question
        return q.Query(
            text=own, prepare=tuple(prepare), where=tuple(dict.fromkeys(w for a in self.asks for w in a.where)),
            having=tuple(dict.fromkeys(h for a in self.asks for h in a.having)), group_by=tuple(groups.values()),
            decimals=self.methods.decimals, verdicts=tuple(dict.fromkeys(verdicts)),
            notes=tuple(dict.fromkeys(self.notes)), unused=tuple(dict.fromkeys(self.unused)),
        )  # fmt: skip

    def said(self, code: str) -> set[Any]:
        """What the items with a letter mean."""
        return {i.means for a in self.asks for i in a.clause.items if i.code == code}

    def spoken(self) -> list[Column]:
        """The columns that are spoken of and not read as a condition or a group."""
        spent = _sides([w for a in self.asks for w in a.where])
        items = [i for a in self.asks for i in a.clause.items if i.code == "C"]
        groups = {g.of for a in self.asks for g in a.groups}
        return list(dict.fromkeys(i.column for i in items if expr(i.column) not in spent | groups))

    def own(self, ask: Ask, groups: Sequence[str]) -> list[str]:
        """The columns that a clause is about: those of its statistics, or all that it mentions."""
        spent = _sides([*ask.where, *ask.share]) | ({expr(ask.of)} if ask.of else set())
        mentioned = [c for i in ask.clause.items if i.code == "C" and (c := expr(i.column)) not in spent]
        return [c for c in dict.fromkeys(ask.columns or mentioned) if c not in groups]

    def mentioned(self, ask: Ask) -> list[str]:
        """All columns of a clause."""
        return list(dict.fromkeys([*ask.columns, *(expr(i.column) for i in ask.clause.items if i.code == "C")]))

    def everything(self) -> list[str]:
        """The columns that the steps are about, or all that hold numbers."""
        stepped = [c for s in self.steps if isinstance(s, q.Scale | q.Encode) for c in s.columns]
        stepped += [s.column for s in self.steps if isinstance(s, q.Recode)]
        numbers = [c.name for c in self.columns if c.kind == "number" and not {"id", "index", "unnamed"} & set(c.words)]
        return [expr(c) for c in dict.fromkeys(stepped or numbers)]

    def plain(self, names: Sequence[str]) -> list[str]:
        """Columns as they stand in the table."""
        return [self.named[n].name if n in self.named else n.strip("`") for n in names]

    def called(self, key: Column) -> list[str]:
        """What tells rows apart: their key, and their names where that is a number."""
        return list(dict.fromkeys([key.name, *(c.name for c in self.known.names(key.file) if key.dtype[:3] == "int")]))

    def fits(self, name: str) -> bool:
        """Whether a column can be what is computed, and is no key of words."""
        column = self.named.get(name)
        return column is None or column.kind != "text" or not column.key or column.label or column.dtype == "new"

    def numeric(self, name: str) -> bool:
        """Whether a column holds numbers, or is made by the question."""
        column = self.named.get(name)
        return column is None or column.kind == "number" or column.dtype == "new"


def _alters(word: str) -> bool:
    """Whether an unread word is a comparison or another result that is asked for: without it, the rest is no answer."""
    return word.casefold() in lexicon.some("alters") or bool(re.fullmatch(lexicon.form("set_against"), word, re.I))


def _sides(where: Sequence[q.Where]) -> set[str]:
    """The columns of conditions, on both sides: those that close higher than they opened."""
    plain = simple(where)
    return {w.left for w in plain} | {expr(w.right.column) for w in plain if isinstance(w.right, q.Column)}


def _about(step: q.Step) -> set[str]:
    """The columns that a step mends or makes."""
    return {*getattr(step, "columns", ()), getattr(step, "name", "")} - {""}
