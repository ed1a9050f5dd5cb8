"""What is done to the table before anything is computed: joins and preparing steps, each as lines of pandas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphs.questions import query as q
from graphs.questions.expressions import NotComputable, column, kind_of
from graphs.questions.functions import AS_TIME
from graphs.questions.scope import Scope
from graphs.questions.source import Source, called, literal


def cell(name: str) -> str:
    """A column of the rows as source."""
    return f"rows[{literal(name)}]"


def join(step: q.Join, scope: Scope) -> None:
    """Look rows of another file up. It says how many were found, and whether rows were repeated by it."""
    file = column(step.file, scope.tables, "file")
    theirs = {str(c["name"]): c for c in scope.tables[file]["columns"]}
    if len(step.own) != len(step.theirs) or not step.own:
        raise NotComputable(f"The join with {file} takes as many columns here as there, at least one.")
    own = [scope.column(c) for c in step.own]
    keys = [column(c, theirs, f"column of {file}") for c in step.theirs]
    for a, b in zip(own, keys, strict=True):
        if scope.kinds[a] != kind_of(str(theirs[b]["dtype"])):
            raise NotComputable(f"“{a}” and “{b}” of {file} hold different things, so no row would be found by them.")
    scope.add(f"found = tables[{literal(file)}]")
    left, right = (literal(own), literal(keys)) if len(own) > 1 else (literal(own[0]), literal(keys[0]))
    on = f"on={left}" if left == right else f"left_on={left}, right_on={right}"
    different = theirs[keys[0]].get("n_unique", 0) + theirs[keys[0]].get("n_missing", 0)
    repeats = len(keys) == 1 and different < scope.tables[file].get("rows", 0)
    check = "" if repeats else ', validate="m:1"'
    scope.add(f'rows = rows.merge(found, how="{step.how}", {on}, suffixes=("", {literal(f" ({file})")}){check})')
    if repeats:
        scope.repeated |= set(scope.kinds)
        scope.say(f"Some values of {keys[0]} stand in several rows of {file}: rows of {scope.file} were repeated.")
    scope.joined.append(file)
    units = {name: fact["unit"] for name, fact in scope.facts.items() if "unit" in fact}
    for name, fact in theirs.items():
        if (name, name) not in zip(own, keys, strict=True):
            joined = f"{name} ({file})" if name in scope.kinds else name
            scope.put(joined, kind_of(str(fact["dtype"])))
            units |= {joined: fact["unit"]} if "unit" in fact else {}
    scope.facts = {name: {"unit": unit, "n_missing": 1} for name, unit in units.items()}  # no more is known of them


def prepare(query: q.Query, scope: Scope) -> None:
    """Write the lines of a query's joins, but of those that are its whole answer, and of its steps, in order."""
    for looked_up in query.joins if query.intent != "join" or query.measures else ():
        join(looked_up, scope)
    for step in query.prepare:
        STEPS[type(step)](step, scope)


def drop_missing(step: q.DropMissing, scope: Scope) -> None:
    """Leave out rows that miss a value."""
    names = [scope.column(c) for c in step.columns]
    scope.add(f"rows = rows.{called('dropna', subset=names)}")
    scope.all_used |= not names
    scope.facts |= {n: {**scope.facts[n], "n_missing": 0} for n in names or scope.facts if n in scope.facts}


def drop_duplicates(step: q.DropDuplicates, scope: Scope) -> None:
    """Leave out rows that repeat an earlier one."""
    names = [scope.column(c) for c in step.columns]
    scope.add(f"rows = rows.{called('drop_duplicates', names)}")
    scope.say("Of repeated rows the first was kept.")
    scope.all_used |= not names


def fill(step: q.Fill, scope: Scope) -> None:
    """Put something where values are missing."""
    for given in step.columns:
        name = scope.numbers(given, f"A {step.how}") if step.how in ("mean", "median") else scope.column(given)
        what = scope.kinds[name]
        scope.make(name, f"{cell(name)}.fillna({_filling(step, name, what)})", what, missing=False)


def _filling(step: q.Fill, name: str, what: str) -> str:
    """What stands where a value of a column is missing."""
    if step.how == "value":
        if step.value is None:
            raise NotComputable(f"Say which value is to be put where “{name}” is missing.")
        try:
            return literal(str(step.value) if what == "text" else float(step.value) if what == "number" else step.value)
        except ValueError:
            raise NotComputable(f"“{name}” holds numbers, and “{step.value}” is none to fill it with.") from None
    return f"{cell(name)}.mode()[0]" if step.how == "mode" else f"{cell(name)}.{step.how}()"


def cut(step: q.Cut, scope: Scope) -> None:
    """A new column of named classes."""
    of, name = cell(scope.numbers(step.of, "Classes")), step.name
    classes = len(step.edges) - 1 if step.edges else step.equal
    if not classes:
        raise NotComputable(f"Say at which edges “{name}” is cut, two at the least, or into how many classes.")
    if step.labels and len(step.labels) != classes:
        raise NotComputable(f"“{name}” is cut into {classes} classes, with {len(step.labels)} names.")
    ends = ["-np.inf", *["np.inf"] * len(step.edges)]
    edges = [Source(end if e is None else f"{e:g}") for e, end in zip(step.edges, ends, strict=False)]
    sides = {"right": Source(step.right), "include_lowest": step.right} if edges else {}
    source = called("pd.cut", Source(of), edges or classes, **sides, labels=step.labels)
    closed = {step.edges[:1], step.edges[-1:]} != {(None,)}
    scope.make(name, source + ".astype(str)" * (not step.labels), "text", closed or scope.may_miss(source))


def recode(step: q.Recode, scope: Scope) -> None:
    """Values replaced by others."""
    name = scope.column(step.column)
    new, of, levels = step.name or name, cell(name), scope.levels(name)
    pairs = {scope.level(name, a): b for a, b in step.values}
    values = [*pairs.values(), *([] if step.other is None else [step.other])]
    kinds = {"text" if isinstance(v, str) else "number" for v in values}
    if step.other is not None:
        source = f"{of}.map({literal(pairs)}).fillna({literal(step.other)})"
        source += f".where({of}.notna())" * scope.missing(name)
    elif levels is not None and set(levels) <= set(pairs):
        source = f"{of}.map({literal(pairs)})"
    else:
        source = f"{of}.replace({literal(pairs)})"
        kinds.add(scope.kinds[name])
    if kinds == {"number", "text"}:
        raise NotComputable(f"“{new}” would hold numbers and text. Give every value of “{name}” one that is alike.")
    missing = step.other is None or scope.missing(name)
    scope.make(new, source, "number" if kinds == {"number"} else "text", missing)
    if step.other is not None:
        known = sorted(set(map(str, values)))
        scope.facts[new] |= {"values": known, "n_unique": len(known)}


_RULES = {
    "iqr": (1.5, "beyond {k:g} interquartile ranges from the quartiles"),
    "z": (3.0, "more than {k:g} standard deviations from the mean"),
    "mad": (3.5, "more than {k:g} scaled median absolute deviations from the median"),
}
"""The usual multiple of each rule for outliers, and the rule in words."""


def limits(rule: q.Rule, of: str) -> tuple[str, str]:
    """The limits beyond which the values of a series are outliers, as source; and the rule in words."""
    usual, words = _RULES[rule.rule]
    k = usual if rule.k is None else rule.k
    said = words.format(k=k) + {"both": "", "high": ", above only", "low": ", below only"}[rule.sides]
    return called("outlier_limits", Source(of), rule.rule, Source(f"{k:g}"), ddof=rule.ddof or None), said


def beyond(rule: q.Rule, of: str, limits: str) -> str:
    """Which values are outliers, as source."""
    return called("outside_limits", Source(of), Source(limits), rule.sides if rule.sides != "both" else "")


def remove_outliers(step: q.RemoveOutliers, scope: Scope) -> None:
    """Leave out what a rule calls outliers; rows without a value stay."""
    outlying = []
    for name in [scope.numbers(c, "Outliers") for c in step.columns]:
        source, said = limits(step.rule, cell(name))
        outlying.append(beyond(step.rule, cell(name), source))
        scope.say(f"Outliers of {name} are values {said}.")
    if outlying:
        scope.add(f"rows = rows[~({' | '.join(outlying)})]" if len(outlying) > 1 else f"rows = rows[~{outlying[0]}]")


_SCALED = {"z": "({0} - {0}.mean()) / {0}.std(ddof={1})", "minmax": "({0} - {0}.min()) / ({0}.max() - {0}.min())"}


def scale(step: q.Scale, scope: Scope) -> None:
    """Columns brought to one scale."""
    for name in [scope.numbers(c, "A scale") for c in step.columns]:
        if step.how == "z":
            of = "the population" if step.ddof == 0 else "the sample"
            scope.say(f"{name} was scaled with {of} standard deviation.")
        scope.make(name, _SCALED[step.how].format(cell(name), step.ddof), "number")


def encode(step: q.Encode, scope: Scope) -> None:
    """Words as numbers."""
    names = [scope.column(c) for c in step.columns]
    if step.how == "label":
        for name in names:
            codes = f'{cell(name)}.astype("category").cat.codes.astype(float).replace(-1, np.nan)'
            scope.make(name, codes, "number")
            scope.say(f"{name} was coded 0, 1, … in the order of its values.")
        return
    scope.add(f"rows = rows.join(pd.get_dummies(rows[{literal(names)}], dtype=int))")
    for name in names:
        if (levels := scope.levels(name)) is None:
            raise NotComputable(f"“{name}” has too many values, or values not known yet, to make a column of each.")
        scope.dummies[name] = [f"{name}_{level}" for level in levels]
        for made in scope.dummies[name]:
            scope.put(made, "number", missing=False)


_AS_NUMBER = 'pd.to_numeric({}.str.replace(",", ""), errors="coerce")'
_CONVERTED = {"number": _AS_NUMBER, "time": AS_TIME, "text": "{}.map(as_text)"}


def convert(step: q.Convert, scope: Scope) -> None:
    """A column read as numbers, times or text; what cannot be read is missing."""
    for name in map(scope.column, step.columns):
        held = scope.kinds[name]
        if step.to == "number" and held == "time":
            raise NotComputable(f"“{name}” holds times; take year({name}) or days(a, b) for a number.")
        form = "{}.astype(str)" if step.to == held == "text" else _CONVERTED[step.to]
        if step.to == "text" or held not in (step.to, "truth" if step.to == "number" else step.to):
            scope.add(f"{cell(name)} = {form.format(cell(name))}")
            if step.to != "text":
                scope.say(f"Values of {name} that are no {step.to}s were taken as missing.")
        scope.put(name, step.to)


STEPS: dict[type, Callable[[Any, Scope], None]] = {
    q.Keep: lambda step, scope: scope.keep(step.where), q.DropMissing: drop_missing,
    q.DropDuplicates: drop_duplicates, q.Fill: fill,
    q.Derive: lambda step, scope: scope.derive(step.name, step.expr), q.Cut: cut,
    q.Recode: recode, q.RemoveOutliers: remove_outliers, q.Scale: scale, q.Encode: encode,
    q.Convert: convert,
}  # fmt: skip
