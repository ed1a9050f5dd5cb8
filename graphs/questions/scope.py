"""What is known of the rows at one point of a compiled cell: their columns, what these hold, and the code so far."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from graphs.questions import conditions, measures
from graphs.questions.expressions import NotComputable, bare, columns_of, kind, kind_of, to_pandas
from graphs.questions.expressions import column as column_of
from graphs.questions.functions import Kind
from graphs.questions.query import Condition, Scalar, Where, given
from graphs.questions.source import Tables, literal, written


class Scope:
    """The columns of `rows` as the lines of code written so far leave them.

    `notes` are what a reader of the answer should know.
    """

    def __init__(self, tables: Tables, file: str) -> None:
        names = [str(t["name"]) for t in tables]
        if not names:
            raise NotComputable("There is no table to compute this from.")
        self.tables = {str(t["name"]): t for t in tables}
        self.file = column_of(file, names, "file") if file else names[0]
        table = self.tables[self.file]
        self.facts: dict[str, dict[str, Any]] = {str(c["name"]): c for c in table["columns"]}
        self.kinds: dict[str, Kind] = {name: kind_of(str(c["dtype"])) for name, c in self.facts.items()}
        self.codes = {c: f["code"] for c, f in self.facts.items() if "code" in f}  # may stand for missing
        self.sampled = bool(table.get("sampled"))
        self.lines: list[str] = []
        self.end: tuple[str, list[str]] = ("", [])  # the call that answers, and its arguments
        self.sides: tuple[str, ...] = ()  # what is compared in words, and the two sides of it
        self.notes: list[str] = []
        self.given: dict[str, str] = {}  # names of numbers computed first, and their variables
        self.used: set[str] = set()  # columns of the file that the code names
        self.all_used = False  # the code needs all of them
        self.lasting: dict[str, str] = {}  # columns of lengths of time, and their units
        self.repeated: set[str] = set()  # columns whose rows a join has repeated
        self.joined: list[str] = []  # files whose rows were looked up
        self.tied = ""  # the variable that counts what shares the last place of a list that is cut, where there is one
        self.dummies: dict[str, list[str]] = {}  # column -> the columns of 0 and 1 made of it

    def say(self, note: str) -> None:
        """Note something once."""
        if note not in self.notes:
            self.notes.append(note)

    def add(self, line: str) -> None:
        """Write a line of code."""
        self.lines.append(line)

    def tell(self, function: str, *arguments: Any, **keywords: Any) -> None:
        """End the cell with a call of the toolkit, without those arguments that say nothing."""
        self.end = function, written(*arguments, **keywords)

    def put(self, name: str, what: Kind, *, missing: bool = True) -> None:
        """A column has new values of this kind, some of them missing, perhaps; what was known of it is forgotten."""
        self.kinds[name] = what
        self.codes.pop(name, None)
        self.facts[name] = {"n_missing": int(missing)}

    def make(self, name: str, source: str, what: Kind, missing: bool | None = None) -> str:
        """Write the line of a column with new values, which may miss where those that they are made of do; its name."""
        self.add(f"rows[{literal(name)}] = {source}")
        self.put(name, what, missing=self.may_miss(source) if missing is None else missing)
        return name

    def may_miss(self, source: str) -> bool:
        """Whether the values of some pandas source may be missing: those of its columns, or those it cannot compute."""
        partial = re.search(r"\bnan\b|\.where\(|extract|coerce|shift|pct_change|\.map\(", source)
        return bool(partial) or any(self.missing(c) for c in re.findall(r'rows\["([^"]*)"\]', source))

    def column(self, name: str) -> str:
        """The column of that name. Raises NotComputable, with the nearest name, where there is none."""
        found = column_of(name if name in self.kinds else bare(name), self.kinds)
        self.used.add(found)
        return found

    def known(self) -> dict[str, Kind]:
        """What names may stand in an expression, with what they hold."""
        return {**dict.fromkeys(self.given, "number"), **self.kinds}

    def kind(self, expr: str) -> Kind:
        """What an expression gives."""
        return kind(expr, self.known())

    def source(self, expr: str) -> str:
        """An expression as pandas source."""
        self.used.update(c for c in columns_of(expr, self.known()) if c in self.kinds)
        return to_pandas(expr, self.known(), given=self.given)

    def as_column(self, expr: str) -> str:
        """The column that holds an expression: its own name for a column, else a new one of the expression's text."""
        text = bare(expr)
        if text in self.kinds:
            return self.column(text)
        if re.fullmatch(r"\w+|`[^`]+`", expr.strip()):
            return self.column(expr)
        if f"rows[{literal(text)}] = {self.source(expr)}" not in self.lines:
            self.derive(text, expr)
        return text

    def derive(self, name: str, expr: str) -> None:
        """A new column of an expression."""
        source = self.source(expr)
        self.make(name, source, self.kind(expr))
        if ".dt.total_seconds()" in source:
            length = re.fullmatch(
                r"(seconds|minutes|hours|days|weeks|years)\([^()]*\)|[\w`. ]+ - [\w`. ]+", expr.strip()
            )
            self.lasting[name] = (length[1] or "days") if length else ""

    def numbers(self, expr: str, why: str) -> str:
        """The column of an expression that must hold numbers (truth counts as 0 and 1)."""
        name = self.as_column(expr)
        what = self.kinds[name]
        if what in ("text", "time"):
            better = "Convert it to numbers first." if what == "text" else "Take a length of time, such as days(a, b)."
            raise NotComputable(f"{why} cannot be computed of “{name}”, which holds {what}. {better}")
        return name

    def sized(self, expr: str, why: str) -> str:
        """The column of an expression that must hold numbers; of times one that counts their days."""
        name = self.as_column(expr)
        if self.kinds[name] != "time":
            return self.numbers(expr, why)
        days, of = f"{name} in days", f"rows[{literal(name)}]"
        if days in self.kinds:
            return days
        return self.make(days, f'({of} - pd.Timestamp("1970-01-01")).dt.total_seconds() / 86400', "number")

    def missing(self, name: str) -> bool:
        """Whether a column may have missing values."""
        return name not in self.facts or bool(self.facts[name].get("n_missing"))

    def levels(self, name: str) -> list[str] | None:
        """All different values of a column as text, where they are known."""
        fact = self.facts.get(name, {})
        values = fact.get("values")
        if values is None or len(values) != fact.get("n_unique") or any(len(v) >= 80 for v in values):
            return None
        return list(values)

    def level(self, name: str, value: Any) -> Any:
        """A text as the column spells it. Raises NotComputable where the column's values are known and lack it."""
        if isinstance(value, tuple):
            return self._some(name, value)
        levels = self.levels(name)
        if self.kinds.get(name) != "text" or levels is None or not isinstance(value, str):
            return value
        return column_of(value, levels, none=f"No row has “{value}” in “{name}”.")

    def _some(self, name: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Those of several texts that a column holds; at least one of them must be there."""
        found, refused = [], None
        for value in values:
            try:
                found.append(self.level(name, value))
            except NotComputable as error:
                refused = error
                self.say(f"No row has “{value}” in “{name}”.")
        if refused is not None and not found:
            raise refused
        return tuple(found)

    # conditions

    def mask(self, where: Sequence[Where]) -> str:
        """The rows that meet conditions, as pandas source of true and false."""
        mended = [conditions.each(w, self._mended) for w in where]
        text = conditions.all_of(mended, self.named, self.kinds.__contains__)
        if self.kind(text) != "truth":
            raise NotComputable(f"“{text}” is neither true nor false, so it is no condition.")
        return self.source(text)

    def keep(self, where: Sequence[Where]) -> None:
        """Go on with the rows that meet conditions."""
        if where:
            self.add(f"rows = rows[{self.mask(where)}]")

    def words(self, where: Sequence[Where]) -> str:
        """Conditions as a sentence says them."""
        told = [conditions.each(w, lambda c: self._told(self._mended(c))) for w in where]
        return conditions.in_words(told, self.named)

    def _told(self, where: Condition) -> Condition:
        """A condition whose 0 and 1 are told as no and yes, where its column holds nothing else."""
        known = self.levels(where.left) if self.kinds.get(where.left) != "truth" else ["0", "1"]
        if where.op not in ("=", "!=") or not known or not set(known) <= {"0", "1", "0.0", "1.0"}:
            return where
        word = {"1": "yes", "1.0": "yes", "true": "yes", "0": "no", "0.0": "no", "false": "no"}
        return given(where, right=word.get(str(where.right).casefold(), where.right))

    def _mended(self, where: Condition) -> Condition:
        """A condition with the values spelt as its column spells them."""
        left = bare(where.left) if where.left not in self.kinds else where.left
        if left.isidentifier() and left not in self.given:
            left = self.column(left)
        if left not in self.kinds:
            return where
        right = self.level(left, where.right) if where.op in ("=", "!=", "in", "not in") else where.right
        return given(where, left=left, right=right)

    def named(self, scalar: Scalar) -> str:
        """The name of a number that is computed first; where it has none yet, a line that computes it is written."""
        query = scalar.query
        if len(query.measures) != 1 or query.group_by or query.prepare or query.joins:
            raise NotComputable("A condition compares with one number: one measure, without groups or steps.")
        (measure,) = query.measures
        where = (*query.where, *measure.where)
        name = measures.name_of(measure, self) + (f" where {self.words(where)}" if where else "")
        name = name if scalar.times == 1 else f"{scalar.times:g} × {name}"
        if name not in self.given:
            source = measures.single(given(measure, where=where), self)
            times = f"{scalar.times:g} * " if scalar.times != 1 else ""
            variable = re.sub(r"\W+", "_", f"the {name}".casefold()).strip("_")
            self.given[name] = variable if len(variable) <= 44 else f"bound_{len(self.given) + 1}"
            self.add(f"{self.given[name]} = {times}{source}")
        return name
