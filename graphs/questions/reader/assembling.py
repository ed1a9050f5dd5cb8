"""What the clauses of a question say together: its parts, each a query or the reason why there is none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from graphs.questions.query import (
    Condition,
    Derive,
    Formula,
    Group,
    Keep,
    Measure,
    Model,
    Order,
    Query,
    Reading,
    RemoveOutliers,
    Rule,
    Step,
    Test,
    Verdict,
)
from graphs.questions.reader import asking, intents, lexicon, steps
from graphs.questions.reader.asking import Ask
from graphs.questions.reader.conditions import Conditions, expr, negated
from graphs.questions.reader.items import Clause, Item
from graphs.questions.reader.linking import Column
from graphs.questions.reader.methods import Methods

_ONLY = r"\b(?:only|just|consider|include|restrict|limit|among|filter|keep)\b"


class Draft:
    """The question as far as it has been read."""

    def __init__(self, question: str, columns: Sequence[Column], time: Column | None, rows: int) -> None:
        self.question, self.columns, self.time, self.rows = question, columns, time, rows
        self.named = {expr(c): c for c in columns}
        self.new = [c for c in columns if c.dtype == "new"]
        self.methods = Methods(outliers="outlier" in question.casefold())
        self.asks: list[Ask] = []
        self.steps: list[Step] = []
        self.unused: list[str] = []
        self.blocked: list[str] = []
        self.notes: list[str] = []
        self.topic: list[str] = []
        self.recent: list[Column] = []
        self.opening = len(question.split("\n")[0])

    def add(self, clause: Clause, conditions: Conditions) -> None:
        """Read one clause more."""
        mentioned = [expr(i.column) for i in clause.of("CE") if i.means is not None and i.column.kind == "number"]
        if self.methods.read(clause):
            self.topic = self.topic or mentioned
            return
        after = re.search(r"\b(?:after|without|excluding|by)\b(?: \w+){0,4} outliers?\b", clause.text, re.I)
        if after and re.search(r"without|exclu|remov|drop|eliminat", after[0], re.I):
            clause.mark(*after.span())
            self._merge([RemoveOutliers(columns=tuple(self._plain(mentioned or self.topic[:1])))])
        done, whole = steps.read(clause, self.columns, self.methods.rule, self.recent, self._undefined())
        self.recent = [i.column for i in clause.items if i.code == "C"] or self.recent
        self._merge(done)
        self.topic = [expr(s.name) for s in done if isinstance(s, Derive)] or self.topic
        if whole:
            self._leave(clause, False)
            return
        left = re.match(steps.LEAVE, clause.text, re.I) or re.search(
            r"\b(?:not|n't) (?:include|consider|use)", clause.text, re.I
        )
        ask = asking.read(clause, conditions, self.columns, self.rows)
        if left and ask.where and not ask.stats:
            self._merge([Keep(where=tuple(w for given in ask.where for w in negated(given)))])
            ask.where = []
        first = clause.words[0].low
        talk = first in lexicon.DISCUSS.split() and not (ask.columns or ask.groups or ask.where)
        talk = talk or first in ("interpret", "discuss", "explain", "comment", "conclude", "assume", "note")
        if not talk:
            self.asks.append(ask)
        self.topic = self.topic or mentioned
        self.notes += clause.notes
        restricts = bool(re.search(_ONLY, clause.text, re.I)) and bool(set("EVw") & {i.code for i in clause.items})
        opening = clause.words[0].start < self.opening
        asked = not ask.empty or bool(ask.where) or restricts
        made = self.new and re.search(
            r"\b(?:creat|generat|represent|new (?:feature|column|variable))", clause.text, re.I
        )
        self._leave(clause, not talk and not made and (restricts or bool(ask.where) if not opening else asked))

    def _merge(self, done: Sequence[Step]) -> None:
        """Take steps along; one that is said again in other words is no second one."""
        for step in done:
            same = [s for s in self.steps if s.do == step.do and (
                set(getattr(s, "columns", ())) & set(getattr(step, "columns", ())) or getattr(s, "name", 0) == getattr(step, "name", 1)
                or (step.do == "remove_outliers"))]  # fmt: skip
            if not same:
                self.steps.append(step)
            elif isinstance(step, RemoveOutliers) and not step.columns:
                continue
            elif not (
                set(getattr(step, "columns", ())) <= set(getattr(same[0], "columns", ())) and step.do == "drop_missing"
            ):
                self.steps[self.steps.index(same[0])] = step

    def _leave(self, clause: Clause, core: bool) -> None:
        """Note the words that nothing has read; those that would change the meaning block the answer."""
        codes = "".join(i.code for i in clause.items)
        for n, item in enumerate(clause.items):
            word = clause.written([item])
            if (
                item.code not in "UQKVTbkj"
                or item.used
                or (self.steps and word.casefold() in ("left", "remaining", "remain"))
            ):
                continue
            if item.code == "j" and word.casefold() not in ("higher", "lower", "better", "worse"):
                continue
            follows = clause.items[n + 1].code if n + 1 < len(clause.items) else ""
            timed = item.code == "b" or "TIME" in str(item.means)
            if item.code in "Kb" and (not follows or follows not in ("NT" if timed else "NTCUV")):
                continue
            self.unused.append(word)
            before = re.sub("U+$", "", codes[:n])
            after = codes[n + 1 :].lstrip("U")
            if core and _changes(before, after, clause, item):
                self.blocked.append(word)

    def reading(self) -> Reading:
        """The parts of the question and their queries."""
        undefined = [c.name for c in self._undefined()]
        if self.blocked or undefined:
            names = " or ".join(f"“{w}”" for w in dict.fromkeys([*self.blocked, *undefined]))
            return Reading(parts=(self.question,), queries=(None,), why_not=(f"No column is called or holds {names}.",))
        queries = self.queries()
        if not queries:
            end = next((a.clause.written([i]) for a in self.asks for i in a.clause.items if i.code == "M"), "")
            unread = " or ".join(f"“{w}”" for w in list(dict.fromkeys(self.unused))[:3])
            why = (
                f"No column is called or holds {unread}."
                if unread
                else "It is not clear what is to be computed of which column."
            )
            why = f"It is not said by which column “{end}” is meant." if end and not unread else why
            return Reading(parts=(self.question,), queries=(None,), why_not=(why,))
        return Reading(parts=tuple(q.text for q in queries), queries=tuple(queries), why_not=("",) * len(queries))

    def _undefined(self) -> list[Column]:
        """The columns that the question names as new and has not said how to make."""
        return [c for c in self.new if not any(getattr(s, "name", "") == c.name for s in self.steps)]

    def queries(self) -> list[Query]:
        """A query for each kind of thing that is asked for, in the order of asking."""
        prepare = tuple(
            s.model_copy(update={"rule": self.methods.rule or s.rule, "columns": s.columns or tuple(self._plain(self.topic[:1]))})
            if isinstance(s, RemoveOutliers) else s for s in self.steps)  # fmt: skip
        base = Query(
            text=self.question, prepare=prepare, where=tuple(dict.fromkeys(w for a in self.asks for w in a.where)),
            having=tuple(dict.fromkeys(h for a in self.asks for h in a.having)), group_by=tuple({g.of: g for a in self.asks for g in a.groups}.values()), decimals=self.methods.decimals,
            verdicts=tuple(dict.fromkeys(self.methods.verdicts)), notes=tuple(dict.fromkeys(self.notes)),
            unused=tuple(dict.fromkeys(self.unused)),
        )  # fmt: skip
        kinds = {k for a in self.asks for k in a.kinds}
        base = self._reconciled(base)
        if "normality" in {i.means for a in self.asks for i in a.clause.items if i.code == "H"}:
            base = base.model_copy(update={"verdicts": tuple(_plain_normal(v) for v in base.verdicts)})
        removes = any(isinstance(s, RemoveOutliers) for s in self.steps)
        model = self._model(base) if (self.methods.model or "L" in kinds) and not self._pairs("r2") else None
        if model is not None:
            return [model]
        if not kinds & set("OH") and (other := intents.other(self, base)) is not None:
            return [other]
        found = list[Query]()
        test = self._test(base, kinds)
        if test is not None:
            found.append(test)
        if "O" in kinds and not removes:
            found += self._outliers(base)
        computed = self._computed(
            base.model_copy(update={"verdicts": ()} if test is not None else {}),
            bool(found and found[-1].outliers),
            not found,
        )
        if computed is None:
            return found
        if prepare and re.search(r"\bbefore and after\b", self.question, re.I):
            found.append(computed.model_copy(update={"prepare": (), "text": f"Before: {self.question}"}))
            computed = computed.model_copy(update={"text": f"After: {self.question}"})
        if found and found[0].intent == "outliers" and all(m.op == "count" for m in computed.measures):
            return found
        means = test is not None and test.test is not None and test.test.about == "means"
        if test is not None and means and not computed.group_by:
            computed = computed.model_copy(update={"group_by": test.group_by})
        return [computed, *found] if means else [*found, computed]

    def spoken(self) -> list[Column]:
        """The columns that are spoken of and not read as a condition or a group."""
        spent = {w.left for a in self.asks for w in a.where if isinstance(w, Condition)}
        items = [i for a in self.asks for i in a.clause.items if i.code == "C"]
        groups = {g.of for a in self.asks for g in a.groups}
        return list(dict.fromkeys(i.column for i in items if expr(i.column) not in spent | groups))

    def _reconciled(self, base: Query) -> Query:
        """Values of one column that are asked for in different places are groups, no condition that none can meet."""
        where, group_by = list(base.where), list(base.group_by)
        for left in dict.fromkeys(w.left for w in where if isinstance(w, Condition)):
            own = [w for w in where if isinstance(w, Condition) and w.left == left and w.op in ("=", "!=")]
            if len({(w.op, w.right) for w in own}) < 2 or all(w.op == "!=" for w in own):
                continue
            where = [w for w in where if w not in own]
            levels = tuple(w.right for w in own if w.op == "=" and isinstance(w.right, (str, int, float)))
            if all(w.op == "=" for w in own) and left in self.named and len(levels) < self.named[left].n_unique:
                where.append(Condition(left=left, op="in", right=levels))
            if left not in [g.of for g in group_by]:
                group_by.append(Group(of=left))
        return base.model_copy(update={"where": tuple(where), "group_by": tuple(group_by)})

    def _pairs(self, relation: str) -> bool:
        return any(a.relation == relation and a.pairs for a in self.asks)

    def _plain(self, names: Sequence[str]) -> list[str]:
        return [self.named[n].name if n in self.named else n.strip("`") for n in names]

    def _columns(self, ask: Ask, groups: Sequence[str]) -> list[str]:
        """The columns that a clause is about: its own, or those that were spoken of before."""
        own = [c if isinstance(c, str) else expr(c) for c in ask.columns]
        mentioned = [
            expr(i.column)
            for i in ask.clause.items
            if i.code == "C" and isinstance(i.means, Column) and not _spent(i, ask)
        ]
        return [c for c in dict.fromkeys(own or mentioned) if c not in groups]

    def _computed(self, base: Query, outliers: bool = False, alone: bool = True) -> Query | None:
        """The statistics that are asked for, of one kind of rows and groups."""
        ddof, biased = self.methods.ddof, self.methods.biased
        grouped = [g.of for g in base.group_by]
        measures, order, extra = list[Measure](), list[Order](), dict[str, Any]()
        topic: list[str] = []
        kinds = {s.do for s in self.steps}
        relate = any(a.relation for a in self.asks) and self.methods.test != "chi2"
        exact = next((a.relation for a in self.asks if a.relation in ("r2", "slope")), "")
        for ask in self.asks:
            if ask.relation and relate:
                among = False
                pairs = ask.pairs or ([(topic[0], topic[1])] if len(topic) == 2 else [])
                if not pairs and ask.end and len(ask.columns) == 1:  # which has the strongest correlation with it
                    (one,) = ask.columns
                    pairs = [(str(one), c) for c in self._everything() if c != one]
                    among = True
                topic = topic or [c for c in ask.columns if isinstance(c, str)]
                measures += [Measure(op=exact or ask.relation, of=a, other=b, method=self.methods.correlation, with_p=self.methods.with_p, name=b.strip("`") if among else "")
                             for a, b in pairs if (b, a) not in [(m.of, m.other) for m in measures]]  # fmt: skip
                continue
            own = self._columns(ask, grouped)
            if outliers and (
                ask.kinds & {"O"}
                or re.search(r"\b(?:these|those|such|the) outl|z[\s-]score|quartile", ask.clause.text, re.I)
            ):
                topic = own or topic
                continue  # told with the outliers
            if extra and not own:
                continue
            if ask.kinds & set("OH") and not ask.stats and not (ask.counts and "remove_outliers" in kinds):
                topic = own or topic
                continue
            if ask.at_row and ask.by is not None:
                extra = {
                    "intent": "rank",
                    "limit": 1,
                    "show": tuple(self._plain([c for c in ask.columns if isinstance(c, str)])),
                }
                order = [Order(by=expr(ask.by), descending=ask.end == "max")]
                continue
            if ask.end and (ask.names or ask.limit):
                if extra:
                    continue
                extra, order, ranked = self._ranked(ask, own, grouped)
                measures = (
                    [m for m in measures if m.op != "count" and m.op != ranked[0].op] + ranked if ranked else measures
                )
            elif ask.share and (of := [c for c in own if self._numeric(c)]):
                part = Measure(op="sum", of=of[0], where=tuple(ask.share), name="part")
                measures += [part, Measure(op="sum", of=of[0], name="whole")]
                extra = {"formulas": (Formula(name="share in per cent", expr="100 * part / whole"),)}
            elif ask.share:
                measures.append(Measure(op="share", where=tuple(ask.share)))
            elif ask.counts and not ask.stats:
                measures.append(Measure(op="count"))
            else:
                stats = [s for s in ask.stats if s != "distinct" or ask.columns]
                columns = [c for c in own if self._fits(c)] or topic
                numeric = [c for c in columns if self._numeric(c)]
                lasting = [expr(s.name) for s in self.steps if isinstance(s, Derive) and s.expr.startswith("days(")]
                columns = (
                    numeric or ([] if set(stats) - {"mode", "distinct", "missing"} else columns) or lasting or columns
                )
                said = ask.clause.text
                if stats and re.search(r"\bwhich (?:column|variable|feature|field)s?\b", said, re.I):
                    extra, order = {"intent": "rank", "limit": 1}, [Order(by="value", descending=ask.end != "min")]
                    measures = [Measure(op=stats[0].split()[0], of=expr(c), name=c.name) for c in self.columns]
                    continue
                if stats and re.search(
                    r"\b(?:each|every|all) (?:of the )?(?:numeric\w* )?(?:column|variable|feature)s?\b", said, re.I
                ):
                    columns = self._everything() or columns
                measures += asking.measures(stats, columns or self.topic, ddof, biased)
            topic = own or topic
        if not measures and not extra and alone and not self.unused:
            spoken = [c for c in self.spoken() if c.kind == "number"]
            if len(spoken) == 1 and (base.group_by or base.where or len(self.asks) == 1):
                measures = [intents.usual(spoken[0], self.notes)]
            elif not self.spoken() and base.where and len(self.asks) == 1:
                measures = [Measure(op="count")]
        if base.having and Measure(op="count") not in measures:
            measures.append(Measure(op="count"))
        measures = list(dict.fromkeys(measures))
        if measures and relate and not extra and any(a.end for a in self.asks if a.relation):
            end = next(a.end for a in self.asks if a.relation and a.end)
            if len(measures) > 2:
                extra = {"intent": "relate", "limit": 1}
                order = [
                    Order(
                        by="value"
                        if re.search(r"\b(?:positive|negative|highest|lowest)", self.question)
                        else "abs(value)",
                        descending=end == "max",
                    )
                ]
        if not measures and not extra.get("show"):
            return None
        intent = extra.pop(
            "intent",
            "relate" if relate and all(m.op in ("correlation", "r2", "slope") for m in measures) else "compute",
        )
        group_by = extra.pop("group_by", base.group_by)
        return base.model_copy(
            update={"intent": intent, "measures": tuple(measures), "order": tuple(order), "group_by": group_by, **extra}
        )

    def _everything(self) -> list[str]:
        """The columns that the steps are about, or all that hold numbers."""
        stepped = [
            c
            for s in self.steps
            if s.do in ("scale", "encode", "recode")
            for c in getattr(s, "columns", ()) or (getattr(s, "column", ""),)
        ]
        numeric = [c.name for c in self.columns if c.kind == "number" and not {"id", "index", "unnamed"} & set(c.words)]
        return [expr(c) for c in dict.fromkeys(stepped or numeric)]

    def _fits(self, name: str) -> bool:
        column = self.named.get(name)
        return column is None or not (column.kind == "text" and column.key)

    def _ranked(
        self, ask: Ask, own: Sequence[str], grouped: Sequence[str]
    ) -> tuple[dict[str, Any], list[Order], list[Measure]]:
        """Which C has the most of what; the top n of them."""
        of = ask.of
        what = [
            c
            for c in own
            if (of is None or c != expr(of)) and self._fits(c) and (self._numeric(c) or self.named[c].kind == "time")
        ]
        descending = ask.end == "max"
        if of is None and not ask.groups:
            of = next(
                (
                    c
                    for kind in ("text", "number")
                    for c in self.columns
                    if c.key and c.kind == kind and expr(c) not in what
                ),
                None,
            )
        tell = "all"
        if (of is not None and not of.key) or ask.counts or ask.groups or (ask.stats and not (of and of.key)):
            measures: list[Measure] = []
            what = what or [
                c for a in self.asks for c in self._columns(a, grouped) if a is not ask and c != expr(of or "")
            ]
            if ask.stats and what:
                measures = asking.measures(ask.stats, what[:1], self.methods.ddof, self.methods.biased)
            elif what and not ask.counts:
                flow = {w for w in self.named[what[0]].words} & asking.FLOWS if what[0] in self.named else set()
                measures = asking.measures(["sum" if flow else "mean"], what[:1], None, False)
                self.notes.append(f"Groups are put in order of the {'sum' if flow else 'mean'} of “{what[0]}”.")
            elif ask.counts:
                measures = [Measure(op="count")]
            else:
                return {}, [], []
            measures = [m.model_copy(update={"name": f"{m.op} of {(m.of or 'rows').strip('`')}"}) for m in measures[:1]]
            group = (
                (Group(of=expr(of)),) if of is not None else tuple(ask.groups) or tuple(Group(of=g) for g in grouped)
            )
            if not group:
                return {}, [], measures
            return (
                {"intent": "rank", "limit": ask.limit, "group_by": group, "tell": tell},
                [Order(by=measures[0].name, descending=descending)],
                measures,
            )
        if not what:
            return {}, [], []
        show = tuple(dict.fromkeys([*([of.name] if of is not None else []), *self._plain(what)]))
        return {"intent": "rank", "limit": ask.limit, "show": show}, [Order(by=what[0], descending=descending)], []

    def _outliers(self, base: Query) -> list[Query]:
        grouped = [g.of for g in base.group_by]
        asks = [a for a in self.asks if "O" in a.kinds]
        columns = (
            list(dict.fromkeys(c for a in asks for c in self._columns(a, grouped) if self._numeric(c)))
            or self.topic[:1]
        )
        if not columns:
            return []
        shown = [a.of for a in asks if a.of is not None] or [
            i.column for a in self.asks for i in a.clause.items if i.code in "E" and i.means is not None]  # fmt: skip
        spoken = [a for a in self.asks if a in asks or re.search(r"\boutl", a.clause.text, re.I)]
        stats = [s for a in spoken for s in a.stats if s.split()[0] not in ("share", "missing")]
        names = any(re.search(r"\bwhich|\bidentify|\blist|\bwho\b", a.clause.text, re.I) for a in self.asks)
        counts = any(a.counts or re.search(r"\bhow many|number of|count", a.clause.text, re.I) for a in asks)
        measures = asking.measures(stats, columns, self.methods.ddof, False) or [
            Measure(op="values", of=c) for c in columns
        ]
        update = {"intent": "outliers", "outliers": self.methods.rule or Rule(), "measures": tuple(measures)}
        show = tuple(dict.fromkeys(c.name for c in shown[:1])) if names else ()
        return [
            base.model_copy(
                update={**update, "show": show, "tell": "number" if counts and not show and not stats else "all"}
            )
        ]

    def _numeric(self, name: str) -> bool:
        column = self.named.get(name)
        return column is None or column.kind in ("number",) or column.dtype == "new"

    def _test(self, base: Query, kinds: set[str]) -> Query | None:
        method = self.methods
        asks = [a for a in self.asks if "H" in a.kinds]
        said = {i.means for a in asks for i in a.clause.items if i.code == "H"}
        abouts = {"shapiro": "normality", "dagostino": "normality", "jarque_bera": "normality", "anderson": "normality",
                  "ks_normal": "normality", "chi2": "independence", "levene": "variances", "bartlett": "variances",
                  "mannwhitney": "medians", "kruskal": "medians", "anova": "means", "t": "means", "welch": "means"}  # fmt: skip
        about = abouts.get(method.test or "") or next(
            (s for s in ("normality", "independence", "variances", "medians", "means") if s in said), None
        )
        if method.test is None and any("skew" in v.when or "kurt" in v.when for v in method.verdicts):
            return None  # the rule is of a statistic
        if about is None and "significance" in said:
            about = "means"
        if about is None or (
            any(a.relation for a in self.asks)
            and method.test is None
            and about != "normality"
            and about != "independence"
        ):
            return None
        named = list(dict.fromkeys(c for a in (asks or self.asks) for c in self._mentioned(a)))
        everything = list(dict.fromkeys(c for a in self.asks for c in self._mentioned(a)))
        numeric = [c for c in named if self._numeric(c)]
        groups = list(base.group_by)
        if about == "normality":
            columns = [c for c in numeric if c not in [g.of for g in groups]] or self.topic[:1]
            if not columns:
                return None
            measures = [Measure(op="values", of=c) for c in columns]
        elif about == "independence":
            both = [c for c in (named if len(named) > 1 else everything)][:2]
            if len(both) < 2:
                return None
            measures, groups = [Measure(op="values", of=both[0])], [Group(of=both[1])]
        else:
            numeric = numeric or [c for c in everything if self._numeric(c)]
            by = [g for g in groups] or [Group(of=c) for c in everything if not self._numeric(c)][:1]
            numeric = [c for c in numeric if c not in [g.of for g in by]]
            if not by:
                by = [
                    Group(of=c)
                    for c in everything
                    if c in self.named and self.named[c].n_unique <= 12 and c not in numeric[:1]
                ][:1]
            if len(numeric) > 1 and not by:
                measures = [Measure(op="values", of=c) for c in numeric[:2]]
            elif numeric and by:
                measures, groups = [Measure(op="values", of=numeric[0])], by[:1]
            else:
                return None
        name: Any = method.test or "auto"
        test = Test(name=name, about=about, alpha=method.alpha or 0.05, sides=method.sides)
        return base.model_copy(
            update={"intent": "test", "test": test, "measures": tuple(measures), "group_by": tuple(groups)}
        )

    def _mentioned(self, ask: Ask) -> list[str]:
        own = [c if isinstance(c, str) else expr(c) for c in ask.columns]
        items = [expr(i.column) for i in ask.clause.items if i.code in "C" and isinstance(i.means, Column)]
        return list(dict.fromkeys([*own, *items]))

    def _model(self, base: Query) -> Query | None:
        """A fitted model: what is predicted, from what, and how it is measured."""
        text = self.question
        target, features = "", list[str]()
        for ask in self.asks:
            shape = [i for i in ask.clause.items if i.code == "C"]
            lows = ask.clause.text
            aim = re.search(
                r"\bpredict\w*(?! model)|\btarget(?: variable)?|\bdependent variable|\bestimat\w+", lows, re.I
            )
            means = re.search(
                r"\b(?:based on|using|from|by|features?|predictors?|independent variables?|given)\b",
                lows[aim.end() :] if aim else lows,
                re.I,
            )
            if aim:
                cut = aim.end() + means.start() if means else len(lows)
                for item in shape:
                    at = ask.clause.words[item.first].start - ask.clause.words[0].start
                    near = at <= cut + 2
                    if re.search(r"predictors?(?: variables?)? (?:are|is)", lows, re.I):
                        behind = re.search(r"\btarget", lows, re.I)
                        near = behind is not None and at > behind.start()
                    elif at < aim.start():
                        near = False
                    if near and not target:
                        target = expr(item.column)
                    elif not near:
                        features.append(expr(item.column))
            elif means and shape:
                features += [expr(i.column) for i in shape]
        features = [f for f in dict.fromkeys(features) if f != target]
        if not target:
            return None
        column = self.named.get(target)
        sorted_ = column is not None and (
            column.kind in ("text", "bool") or (column.n_unique <= 10 and "accuracy" in self.methods.metrics)
        )
        kind: Any = self.methods.model or ("logistic" if sorted_ else "linear")
        classify = kind == "logistic" or (sorted_ and "regress" not in text.casefold())
        model = Model(
            kind=kind, target=target, features=tuple(features), task="classification" if classify else "regression",
            test_size=self.methods.test_size, folds=self.methods.folds, seed=self.methods.seed, stratify=self.methods.stratify,
            metrics=tuple(self.methods.metrics), options=self.methods.options,
        )  # fmt: skip
        return base.model_copy(update={"intent": "predict", "model": model, "group_by": ()})


def _plain_normal(rule: Verdict) -> Verdict:
    """A verdict on normality in plain words."""
    if not re.search(r"\bnormal", rule.then, re.I) or re.search("hypothesis", rule.then, re.I):
        return rule
    return rule.model_copy(update={"then": "not normal" if re.search(r"\bnot?\b|n't", rule.then, re.I) else "normal"})


def _spent(item: Item, ask: Ask) -> bool:
    """Whether a column was read as a group, a condition or what is named, and is not what is computed."""
    column = item.column
    return column == ask.of or any(isinstance(w, Condition) and w.left == expr(column) for w in ask.where)


def _changes(before: str, after: str, clause: Clause, item: Item) -> bool:
    """Whether an unread word stands where it would change which rows, columns or groups are meant."""
    word = clause.words[item.first]
    if item.code in "QKVTbkj" or word.low in ("twice", "double", "half", "first", "last"):
        return True
    word = clause.words[item.first]
    before = before.rstrip("d")
    if after[:1] == "M":
        return True  # "which region sold the most"
    if re.search("C$|CEw?$", before):
        return False  # behind a column: "the fare paid", "the reviews a hotel has received"
    if after[:1] == "C" and before[-1:] not in ("w", "n"):
        return False  # before a column: "the trading volume"
    if before[-2:] == "UB":
        return False  # "caused by", "followed by"
    if re.search("[EC]$", before) and re.match("K?[TN]", after) and word.low.endswith("ed"):
        return False  # "orders placed after June"
    if re.search("[EVSC]d?[oi]+$|[wnBqM]$|h[o]?$|[SR]o?$|KN$|[EVh]d?$|[EVSC][o]?i$", before):
        return True
    if after[:1] == "E" or (before[-1:] == "i" and word.text[:1].isupper()):
        return True
    return bool(re.search("[VE]d*$", before))


__all__ = ["Derive", "Draft"]
