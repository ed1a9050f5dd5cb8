"""What a sentence says of a number that carries no query: the queries it can mean, and those next to them.

The columns are those that sentence and question name, else those of the cell that printed the number; the statistic is
the sentence's own word or, without one, what that cell computes; the rows are those that sentence and question name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any, cast

from artifacts.types import Execution
from graphs.questions.expressions import in_backticks, kind_of
from graphs.questions.query import (
    Condition,
    DropDuplicates,
    Formula,
    Join,
    Keep,
    Measure,
    Operator,
    Query,
    Statistic,
    Step,
)
from graphs.questions.reader import lexicon
from graphs.questions.reader.text import stem
from graphs.review import units
from graphs.review.answering import Result, shown
from graphs.review.claims import KEEPS_UNIT
from graphs.review.mentions import (
    YEAR,
    Label,
    Tables,
    columns,
    entity,
    flags,
    is_key,
    keys,
    labels,
    levels,
    spoken,
    time_columns,
)
from graphs.review.near import Neighbour
from graphs.review.prose.figures import CHANGES, Figure, figures, sentences
from graphs.review.prose.numbers import printed_numbers

_OPS: tuple[Statistic, ...] = ("mean", "median", "sum", "count", "min", "max", "std", "distinct", "share")
LEFT_OUT = re.compile(
    r"\b(?:left out|leav\w+ out|remov\w+|exclud\w+|without|dropp?\w*|clean\w*|omit\w*|ignor\w+|filter\w*|only)\b", re.I
)
"""What says that a number is not of all rows."""
_GAPS: tuple[Statistic, ...] = ("missing", "present")
_PLAIN: tuple[Statistic, ...] = ("mean", "median", "sum", "min", "max")
_COMPARES = r"""["'`]?\]?\)?\s*(==?|!=|<>|>=?|<=?|\.(?:eq|ne|gt|ge|lt|le)\()\s*(-?\d+(?:\.\d+)?)(?![\w.])"""
_SIGNS: dict[str, Operator] = {
    "==": "=", "=": "=", "!=": "!=", "<>": "!=", ">": ">", ">=": ">=", "<": "<", "<=": "<=",
    ".eq(": "=", ".ne(": "!=", ".gt(": ">", ".ge(": ">=", ".lt(": "<", ".le(": "<=",
}  # fmt: skip
_SOME = re.compile(
    r"\b(?:adults?|minors?|older|younger|above|below|over|under|at (?:least|most)|(?:more|less|fewer) than|"
    r"larger?|small(?:er)?|high(?:er)?|low(?:er)?|recent|since|until|before|after|from|first|last|top|usual|typical|valid|positive)\b",
    re.I,
)
"""Words by which a sentence may say that it speaks of some rows only."""
_IN_CODE: dict[str, Statistic] = {
    "mean": "mean", "average": "mean", "avg": "mean", "median": "median", "sum": "sum", "count": "count",
    "size": "count", "value_counts": "count", "len": "count", "min": "min", "max": "max", "std": "std",
    "nunique": "distinct",
}  # fmt: skip
_CLOSE = 4
"""Values of a column of words beyond which its shares are not tried."""
_TOGETHER = (2, 3, 4)
"""How often rows may stand in a table that was laid under itself or made long."""
_BASE = re.compile(r"\W*(?:out )?(?:of|among)\b[^,]*,", re.I)
"""What begins a sentence that says of whom a share is: "Of those who left, 31 % …"."""
_OF = re.compile(r"\s*(?:%|per ?cent)?\s*(?:of|among)\b", re.I)


@dataclass(frozen=True)
class Asserted:
    """A number of the report, the queries that its sentence can mean, and those next to them. It is `sure` where the
    sentence can mean nothing else, so that no neighbour has to explain a number that is none of them."""

    figure: Figure
    right: tuple[Query, ...]
    wrong: tuple[Neighbour, ...]
    sure: bool = False

    def problem(self, right: Sequence[Result], wrong: Sequence[Result]) -> str | None:
        """What is wrong with it, where something is."""
        if any(tells(self.figure, q, r) for q, r in zip(self.right, right, strict=True)):
            return None
        for query, result in zip(self.right, right, strict=True):
            if tells(self.figure, query, result, plainly=True):
                measure = query.measures[0]
                return f"{self.figure.text} is in the unit of the column {measure.of}, not in that of the sentence"
        for near, result in zip(self.wrong, wrong, strict=True):
            if (exceeds if near.bound else tells)(self.figure, near.query, result):
                return f"{self.figure.text} is {near.said}"
        if self.sure and (number := next((n for r in right for n in r.numbers()), None)) is not None:
            return f"“{self.figure.text}” is said, and the input files give {shown(number.value)} %"
        return None


def tells(figure: Figure, query: Query, result: Result, *, plainly: bool = False) -> bool:
    """Whether a figure is the result's last value, in the unit of its sentence, or `plainly` as the column has it."""
    measure = query.measures[0]
    factor = units.factor((measure.of or "").strip("`"), figure.told_in) if measure.op in KEEPS_UNIT else None
    if plainly and factor is None:
        return False
    numbers = list(result.numbers())
    for number in numbers[-1:] if query.formulas else numbers:
        if isinstance(number.value, (int, float)):
            value = float(number.value) * (factor if factor is not None and not plainly else 1.0)
            if figure.is_near(value) and (measure.op != "correlation" or figure.negative == (value < 0)):
                return True
    return False


def exceeds(figure: Figure, query: Query, result: Result) -> bool:
    """Whether a figure is larger than what a query gives, in the unit of its sentence."""
    factor = units.factor((query.measures[0].of or "").strip("`"), figure.told_in) or 1.0
    most = [abs(float(n.value)) * factor for n in result.numbers() if isinstance(n.value, (int, float))]
    least = (figure.value - figure.half) / figure.scale  # the column may itself be in thousands
    return bool(most) and least > max(most)


def asserted(text: str, question: str, cells: Sequence[Execution], tables: Tables) -> Iterator[Asserted]:
    """The numbers of a text that a cell printed, and the parts it tells in words, with what they can mean."""
    given = _Given(tables)
    asked = labels(question, tables)
    once = [n for n in asked if len({m.value for m in asked if m.column == n.column}) == 1]
    everything = [f for clause in sentences(text) for f in flags(clause, tables)]
    before: list[Label] = []
    whole = "\n".join(x.code for x in cells)
    for clause, every in spoken(text, tables):
        named = labels(clause, tables)
        alone = [n for n in named if len({m.value for m in named if m.column == n.column}) == 1]
        for s in every:
            digits = len(re.sub(r"\D", "", s.figure.text).strip("0"))
            in_words = s.figure.in_words
            cell = next((x for x in reversed(cells) if any(s.figure.tells(v) for v in printed_numbers(x))), None)
            code = whole if in_words else cell.code if cell else ""
            unclear = {n.column for n in named} - {n.column for n in (*alone, *s.labels)}
            if not code or unclear or re.search(r"\b[pr]\s*[=<]\s*$", s.figure.before):
                continue
            if digits < 2 and not s.figure.share and not in_words:
                continue
            own = {n.column: n for n in (*once, *alone, *s.labels)}
            said = _Said(
                s.figure,
                clause,
                question,
                list(own.values()),
                flags(clause, tables),
                [*flags(question, tables), *everything, *(n for n in before if n.column not in own)],
                code if computed_in(code) and given.uses(code) else whole,
                text,
            )
            yield from given.asserted(said)
        before = [*named, *flags(clause, tables)]


@dataclass(frozen=True)
class _Said:
    """A number with what its sentence names: rows, two-valued columns, and what else may be meant from nearby."""

    figure: Figure
    clause: str
    question: str
    labels: list[Label]
    flags: list[Label]
    nearby: list[Label]
    code: str
    text: str

    @cached_property
    def named(self) -> str:
        return f"{self.clause} {self.question}"

    @cached_property
    def ops(self) -> tuple[Statistic, ...]:
        """The statistic that the sentence, or else the question, names; without one those that the cell computes."""
        told = statistic(self.clause) or statistic(self.question)
        if self.figure.share:
            return ("share",)
        return told or computed_in(self.code)

    @cached_property
    def literals(self) -> set[str]:
        """The texts in the code, and those that are quoted within them."""
        return {text for _, text in re.findall(r"(?=(['\"])(.*?)\1)", self.code)}

    def limits(self, columns: Iterable[str]) -> tuple[list[Condition], list[Condition]]:
        """The numbers with which the code compares columns, in pandas, a query or SQL: those of which the sentence may
        speak, and those of which nobody does."""
        found = list[Condition]()
        for column in columns:
            for sign, number in re.findall(rf"(?<!\w){re.escape(column)}{_COMPARES}", self.code):
                found.append(Condition(left=in_backticks(column), op=_SIGNS[sign], right=float(number)))
        some = LEFT_OUT.search(self.text) or _SOME.search(self.clause)
        numbers = {f.value for f in figures(f"{self.text} {self.question}")}
        silent = [c for c in found if not some and abs(cast("float", c.right)) not in numbers]
        return [c for c in found if c not in silent][:4], silent[:4]


def stands(column: str, code: str) -> bool:
    """Whether code names a column, as a whole word."""
    return re.search(rf"(?<!\w){re.escape(column)}(?!\w)", code) is not None


def _of_another_kind(column: str, figure: Figure) -> bool:
    """Whether a number is told in a unit that a column cannot have: euros of a column of days."""
    own, told = units.of_column(column), units.of_text(figure.told_in)
    return own is not None and told is not None and own[0] != told[0]


def computed_in(code: str) -> tuple[Statistic, ...]:
    """The statistics that code computes, by the names that pandas, polars and SQL have for them."""
    found = {_IN_CODE[w] for w in re.findall(r"[a-z_]+", code.casefold()) if w in _IN_CODE}
    if "pivot_table" in code and "aggfunc" not in code:
        found.add("mean")
    return tuple(sorted(found))


def _left_out(said: _Said, measure: Measure) -> Iterator[Step]:
    """What is done to the rows where a sentence says that duplicates, missing values or a code were left out."""
    if not LEFT_OUT.search(said.clause):
        return
    if re.search(r"\bduplicate", said.clause, re.I):
        yield DropDuplicates()
    for code in re.findall(r"(?<![\w.])-?9{2,}(?:\.0)?\b|(?<=code )-?\d+", said.clause) if measure.of else ():
        yield Keep(where=(Condition(left=measure.of or "", op="!=", right=float(code)),))


def statistic(text: str) -> tuple[Statistic, ...]:
    """The statistic that a text names, where it names one and no more."""
    exact, _ = lexicon.phrases()
    found = {
        meaning.split()[0]
        for phrase, (code, meaning) in exact.items()
        if code in ("S", "h") and re.search(rf"\b{' '.join(map(re.escape, phrase))}\b", text, re.I)
    }
    ops = tuple(op for op in _OPS if op in found and (op != "sum" or found != {"sum", "share"}))
    return ops if len(ops) == 1 else ()


class _Given:
    """The given tables, and how rows of one are found from another."""

    def __init__(self, tables: Tables) -> None:
        self.tables = {str(t["name"]): t for t in tables}
        self.kinds = {
            name: {str(c["name"]): kind_of(str(c["dtype"])) for c in t["columns"]} for name, t in self.tables.items()
        }
        self.unique = {
            name: {str(c["name"]) for c in t["columns"] if c["n_unique"] == t["rows"]}
            for name, t in self.tables.items()
        }

    def query(
        self, base: str, wanted: Sequence[Label], *measures: Measure, formula: str = "", more: Sequence[Condition] = ()
    ) -> Query | None:
        """The measures of the rows of a table with these labels; those of another table are looked up by its key."""
        where, joins = [*more], dict[str, Join]()
        for label in wanted:
            if (file := self._holder(base, label)) is None:
                return None
            if file != base:
                key = sorted(self.unique[file] & set(self.kinds[base]))[0]
                joins[file] = Join(file=file, own=(key,), theirs=(key,))
            where.append(self._condition(file, label))
        formulas = (Formula(name="made", expr=formula),) if formula else ()
        return Query(table=base, joins=tuple(joins.values()), measures=measures, where=tuple(where), formulas=formulas)

    def _holder(self, base: str, label: Label) -> str | None:
        """The table, this one or one that is looked up by a key of its own, that has a label's column."""
        reach = [base, *(f for f in self.tables if f != base and self.unique[f] & set(self.kinds[base]))]
        return next((f for f in reach if self._column(f, label) is not None), None)

    def _column(self, file: str, label: Label) -> str | None:
        if label.column == YEAR:
            return next(
                (c for c in time_columns([self.tables[file]]) if self.kinds[file][c] in ("time", "number")), None
            )
        return label.column if label.column in self.kinds[file] else None

    def _condition(self, file: str, label: Label) -> Condition:
        column = self._column(file, label) or label.column
        kind = self.kinds[file][column]
        value: str | int = int(label.value) if kind == "number" and label.value.isdigit() else label.value
        during = label.column == YEAR and kind == "time"
        return Condition(left=in_backticks(column), op="during" if during else "=", right=value)

    def asserted(self, said: _Said) -> Iterator[Asserted]:
        """What a number can mean, of each table of which it can be."""
        for base in self.tables:
            right, wrong = dict[str, Query](), dict[str, Neighbour]()

            def add(
                found: Query | None,
                why: str = "",
                bound: bool = False,
                right: dict[str, Query] = right,
                wrong: Any = wrong,
            ) -> None:
                if found is not None and why:
                    wrong.setdefault(f"{why} {found}", Neighbour(found, why, bound))
                elif found is not None:
                    right.setdefault(str(found), found)

            sure = self._shares(base, said, add) if said.ops == ("share",) else self._plain(base, said, add)
            if right or wrong:
                yield Asserted(said.figure, tuple(right.values()), tuple(wrong.values()), sure)

    def uses(self, code: str) -> bool:
        """Whether code names a column."""
        return any(stands(c, code) for kinds in self.kinds.values() for c in kinds)

    def _columns(self, base: str, said: _Said) -> tuple[list[str], list[str]]:
        """The columns of numbers that a sentence can mean, and those that its cell works with and it does not."""
        kinds, code = self.kinds[base], said.code
        alike = [c for c in kinds if kinds[c] == "number" and not _of_another_kind(c, said.figure)]
        used = [c for c in alike if not is_key(c) and stands(c, code)]
        mine = [self.tables[base]]
        both = set(columns(said.clause, mine)) & set(columns(said.question, mine)) - keys(mine[0])
        sure = [c for c in alike if c in both]
        other = [c for c in used if c not in columns(said.named, mine)] if sure else []
        return (sure or used)[:5], other

    def _optional(self, said: _Said, fixed: Sequence[Label]) -> Iterator[tuple[Label, ...]]:
        """The rows that may be meant further: none, or those of two-valued columns and values named nearby."""
        held = {n.column for n in fixed}
        pool = list({(n.column, n.value): n for n in (*said.flags, *said.nearby) if n.column not in held}.values())[:5]
        for many in range(min(len(pool), 2) + 1):
            for some in combinations(pool, many):
                if len({n.column for n in some}) == many:
                    yield some

    def _plain(self, base: str, said: _Said, add: Any) -> bool:
        """Statistics of columns, counts."""
        of, other = self._columns(base, said)
        measures = [Measure(op=op, of=in_backticks(c)) for op in said.ops if op not in ("count", "share") for c in of]
        counted = re.match(r"\s(?:(?:different|distinct|unique) )?([^\W\d_]+)", said.figure.after)
        if counted is not None and (key := entity(counted[1], self.tables[base])) is not None:
            for more in self._optional(said, said.labels):
                add(self.query(base, (*said.labels, *more), Measure(op="distinct", of=in_backticks(key))))
            add(self.query(base, said.labels, Measure(op="count")), f"the number of rows, not of {counted[1]}")
            return False
        gaps = columns(said.clause, [self.tables[base]]) if re.search(r"\bmissing\b", said.clause) else []
        for column in gaps:
            lacks, has = (Measure(op=op, of=in_backticks(column)) for op in _GAPS)
            add(self.query(base, said.labels, lacks))
            add(
                self.query(base, said.labels, has),
                f"how many {column} has, not how many it lacks",
            )
        measures += [Measure(op="count")] * ("count" in said.ops)
        told, silent = said.limits(c for c, kind in self.kinds[base].items() if kind == "number")
        for measure in measures:
            for limits in ([c] for c in told) if len(told) == 1 else (*([c] for c in told), told) if told else ():
                add(self.query(base, said.labels, measure, more=limits))
            for limit in silent:
                only = f"the value of the rows only whose {limit.left} {limit.op} {limit.right:g}, which is not said"
                add(self.query(base, said.labels, measure, more=[limit]), only)
            steps = list(_left_out(said, measure))
            for more in self._optional(said, said.labels):
                found = self.query(base, (*said.labels, *more), measure)
                if steps and found is not None:
                    add(found, "the value before what was to be left out was left out")
                    found = found.model_copy(update={"prepare": tuple(steps)})
                add(found)
            self._beside(base, said, measure, add)
            name = (measure.of or "").strip("`")
            for instead in other if name in columns(said.named, [self.tables[base]]) else ():
                neighbour = measure.model_copy(update={"of": in_backticks(instead)})
                add(self.query(base, said.labels, neighbour), f"of {instead}, not of {name}")
            alone = len(figures(said.text)) == 1  # beside the number that is asked for another statistic may stand
            if statistic(said.clause) or (alone and statistic(said.question)):
                for op in _PLAIN if measure.op in _PLAIN else ():
                    if op != measure.op:
                        add(
                            self.query(base, said.labels, measure.model_copy(update={"op": op})),
                            f"the {op}, not the {measure.op}",
                        )
            if measure.op in ("sum", "count"):
                self._repeated(base, said, measure, add)
        self._bounded(base, said, of, add)
        return False

    def _bounded(self, base: str, said: _Said, of: Sequence[str], add: Any) -> None:
        """What a sum or an average cannot exceed: all values together, the greatest of them."""
        everywhere = {c for b in self.tables for c in self._columns(b, said)[0]}
        if (
            len(of) != 1
            or everywhere != {*of}
            or is_key(of[0])
            or len(said.ops) != 1
            or CHANGES.search(said.clause)
            or said.figure.scale != 1
        ):
            return
        fact = next(c for c in self.tables[base]["columns"] if c["name"] == of[0])
        greatest, total = (Measure(op=op, of=in_backticks(of[0])) for op in ("max", "sum"))
        (op,) = said.ops
        if op in ("mean", "median", "min", "max") and "sum" not in computed_in(said.code):
            add(self.query(base, [], greatest), f"more than any {of[0]} that the table holds", bound=True)
        elif op == "sum" and (fact.get("min") or 0) >= 0 and computed_in(said.code) == ("sum",):
            add(self.query(base, [], total), f"more than every {of[0]} of the table together", bound=True)

    def _beside(self, base: str, said: _Said, measure: Measure, add: Any) -> None:
        """Other rows: without a label, of another value, of values that the code names and nobody says."""
        for label in said.labels:
            rest = [n for n in said.labels if n is not label]
            name = self._column(base, label) or label.column
            add(
                self.query(base, rest, measure),
                f"the value without the condition that {name} is {label.value}, which is asked for",
            )
            for other in (v for c, v in levels([*self.tables.values()]) if c == label.column and v != label.value):
                instead = Label(label.column, other, 0, 0)
                add(self.query(base, [*rest, instead], measure), f"the value of {other}, not of {label.value}")
        named = {n.column for n in (*said.labels, *said.flags, *said.nearby)}
        shared = {c for w in measure.where if isinstance(w, Condition) for c in self.kinds[base] if c in w.left}
        for column, value in levels([self.tables[base]]):
            spoken_of = column in named | shared or column in columns(said.named, [self.tables[base]])
            if value in said.literals and not spoken_of:
                more = Label(column, value, 0, 0)
                add(
                    self.query(base, [*said.labels, more], measure),
                    f"the value of the rows only whose {column} is {value}, which is not said",
                )

    def _counts(self, base: str, said: _Said) -> bool:
        """Whether a number, or the question, is of the things of which a table holds a row each."""
        things = {stem(w) for w in re.findall(r"[^\W\d_]+", Path(base).stem.casefold())}
        asked = re.search(r"\bhow many ([^\W\d_]+)", said.question, re.I)
        told = re.match(r"\s([^\W\d_]+)", said.figure.after)
        return any(m is not None and stem(m[1].casefold()) in things for m in (asked, told))

    def _repeated(self, base: str, said: _Said, measure: Measure, add: Any) -> None:
        """The same, added up over rows that are there several times: by a join with each other table, or whole."""
        for file in self.tables:
            keys = sorted(self.unique[base] & set(self.kinds[file]) - self.unique[file])
            if file != base and keys and (measure.op == "sum" or self._counts(base, said)):
                join = Join(file=base, own=(keys[0],), theirs=(keys[0],))
                where = [self._condition(f, n) for n in said.labels if (f := self._holder(file, n)) is not None]
                joined = Query(table=file, joins=(join,), measures=(measure,), where=tuple(where))
                once = f"once for each row of {file} with the same {keys[0]}"
                what = f"the sum of {measure.of}" if measure.of else f"the number of rows of {base}"
                add(joined if len(where) == len(said.labels) else None, f"{what}, counted {once}")
        for many in _TOGETHER:
            of = f"{many} * {measure.of}" if measure.of else str(many)
            times = measure.model_copy(update={"op": "sum", "of": of})
            what = f"the {measure.op} of {many} times every row" if measure.of else f"{many} times the number of rows"
            add(self.query(base, said.labels, times), what)

    def _shares(self, base: str, said: _Said, add: Any) -> bool:
        """Shares of rows, and parts of a sum. Of whom a share is, its sentence may say first."""
        clause, figure = said.clause, said.figure
        pool = list({n.column: n for n in (*said.labels, *said.flags)}.values())
        here = [n for n in pool if n in said.flags or n.value in clause]
        first = _BASE.match(clause)
        whom = [n for n in here if first is not None and n.end <= first.end() < figure.start]
        behind = sorted((n for n in here if n.start >= figure.end), key=lambda n: n.start)
        if not whom and len(behind) > 1 and _OF.match(figure.after):
            whom = behind[:1]  # 31 % of those who left were from Support
        rest = [n for n in (behind if whom == behind[:1] else here) if n not in whom]
        if whom and rest:
            for target in rest:
                others = [n for n in pool if n is not target]
                add(self._share(base, target, others))
                add(self._share(base, target, whom))
                for base_of in whom:
                    swapped = (
                        f"the share of {base_of.value} in {target.column} {target.value}: its base is the wrong one"
                    )
                    add(self._share(base, base_of, [n for n in others if n is not base_of] + [target]), swapped)
            return False
        for target in pool:
            others = [n for n in pool if n is not target]
            for many in range(len(others) + 1):
                for some in combinations(others, many):
                    add(self._share(base, target, some))
            for near in {
                (n.column, n.value): n for n in said.nearby if n.column not in {m.column for m in pool}
            }.values():
                add(self._share(base, target, [near]))
                add(self._share(base, near, [target]))
        used, code = [], said.code
        for column, value in levels([self.tables[base]]):
            facts = next(c for c in self.tables[base]["columns"] if c["name"] == column)
            free = column not in {n.column for n in pool} and facts["n_unique"] <= _CLOSE
            if free and stands(column, code) and not (said.flags and figure.in_words):
                used.append(Label(column, value, 0, 0))
        for target in used:
            add(self._share(base, target, said.labels))
            condition = Measure(op="share", where=(self._condition(base, target),))
            self._beside(base, said, condition, add)
        for of in self._columns(base, said)[0]:
            for of_part in (pool, *([n] for n in pool)):
                where = tuple(self._condition(base, n) for n in of_part if self._column(base, n) is not None)
                part = Measure(op="sum", of=in_backticks(of), name="part", where=where)
                whole = Measure(op="sum", of=in_backticks(of), name="whole")
                add(
                    self.query(
                        base,
                        [n for n in of_part if self._column(base, n) is None],
                        part,
                        whole,
                        formula="100 * part / whole",
                    )
                )
        if len(pool) == 1 and (target := pool[0]) in said.flags:
            for value in (v for c, v in levels([self.tables[base]]) if c == target.column and v != target.value):
                other = Label(target.column, value, 0, 0)
                add(self._share(base, other, []), f"the share whose {target.column} is {value}, not {target.value}")
        return figure.in_words and len(here) == 1 and not used and not CHANGES.search(clause)

    def _share(self, base: str, target: Label, of: Sequence[Label]) -> Query | None:
        if self._column(base, target) is None:
            return None
        return self.query(base, of, Measure(op="share", where=(self._condition(base, target),)))
