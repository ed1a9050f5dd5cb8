"""What is done to the table before anything is computed: joins and preparing steps, each as lines of pandas."""

from __future__ import annotations

import re
from collections.abc import Sequence

from graphs.questions import query as q
from graphs.questions.expressions import NotComputable, column, kind_of, literal
from graphs.questions.scope import Scope, unit_of_length


def listed(names: Sequence[str]) -> str:
    """Names as a Python list."""
    return f"[{', '.join(map(literal, names))}]"


def cell(name: str) -> str:
    """A column of the rows as source."""
    return f"rows[{literal(name)}]"


def join(step: q.Join, scope: Scope) -> None:
    """Look rows of another file up. It says how many were found, and whether rows were repeated by it."""
    file = column(step.file, scope.tables, "file")
    theirs = {str(c["name"]): c for c in scope.tables[file]["columns"]}
    if len(step.own) != len(step.theirs) or not step.own:
        raise NotComputable(f"The join with {file} names {len(step.own)} columns here and {len(step.theirs)} there.")
    own = [scope.column(c) for c in step.own]
    keys = [column(c, theirs, f"column of {file}") for c in step.theirs]
    for a, b in zip(own, keys, strict=True):
        if scope.kinds[a] != kind_of(str(theirs[b]["dtype"])):
            raise NotComputable(f"“{a}” and “{b}” of {file} hold different things, so no row would be found by them.")
    scope.add(f"found = tables[{literal(file)}]")
    left, right = (listed(own), listed(keys)) if len(own) > 1 else (literal(own[0]), literal(keys[0]))
    on = f"on={left}" if left == right else f"left_on={left}, right_on={right}"
    fact = theirs[keys[0]]
    told = scope.tables[file].get("rows"), int(fact.get("n_unique", 0)) + int(fact.get("n_missing", 0))
    repeats = len(keys) == 1 and told[0] is not None and told[1] < told[0]
    check = "" if repeats else ', validate="m:1"'
    scope.add(f'rows = rows.merge(found, how="{step.how}", {on}, suffixes=("", {literal(f" ({file})")}){check})')
    if repeats:
        scope.repeated |= set(scope.kinds)
        scope.say(
            f"Some values of {keys[0]} stand in several rows of {file}: rows of {scope.file} were repeated for each."
        )
    scope.joined.append(file)
    for name, fact in theirs.items():
        if name in keys and own[keys.index(name)] == name:
            continue
        scope.put(f"{name} ({file})" if name in scope.kinds else name, kind_of(str(fact["dtype"])))
    scope.facts.clear()


def prepare(step: q.Step, scope: Scope) -> None:
    """Write the lines of one step. Raises NotComputable."""
    match step:
        case q.Keep():
            scope.add(f"rows = rows[{scope.mask(step.where)}]")
        case q.DropMissing():
            names = [scope.column(c) for c in step.columns]
            scope.add(f"rows = rows.dropna(subset={listed(names)})" if names else "rows = rows.dropna()")
            if not names:
                scope.all_used = True
            for name in names or list(scope.facts):
                if name in scope.facts:
                    scope.facts[name] = {**scope.facts[name], "n_missing": 0}
        case q.DropDuplicates():
            names = [scope.column(c) for c in step.columns]
            scope.add(f"rows = rows.drop_duplicates({listed(names) if names else ''})")
            scope.say("Of repeated rows the first was kept.")
            scope.all_used = scope.all_used or not names
        case q.Fill():
            fill(step, scope)
        case q.Derive():
            derive(step, scope)
        case q.Cut():
            cut(step, scope)
        case q.Recode():
            recode(step, scope)
        case q.RemoveOutliers():
            remove_outliers(step, scope)
        case q.Scale():
            scale(step, scope)
        case q.Encode():
            encode(step, scope)
        case q.Convert():
            convert(step, scope)


def fill(step: q.Fill, scope: Scope) -> None:
    """Put something where values are missing."""
    for name in step.columns:
        name = (
            scope.column(name)
            if step.how not in ("mean", "median", "interpolate")
            else scope.numbers(name, f"A {step.how}")
        )
        of = cell(name)
        if step.how == "value":
            if step.value is None:
                raise NotComputable(f"Say which value is to be put where “{name}” is missing.")
            value = step.value
            if scope.kinds[name] == "number" and isinstance(value, str):
                try:
                    value = float(value)
                except ValueError:
                    raise NotComputable(
                        f"“{name}” holds numbers; “{value}” cannot stand where one is missing."
                    ) from None
            source = literal(value if scope.kinds[name] != "text" else str(value))
        elif step.how in ("forward", "backward", "interpolate"):
            how = {"forward": "ffill()", "backward": "bfill()", "interpolate": "interpolate()"}[step.how]
            scope.add(f"{of} = {of}.{how}")
            scope.put(name, scope.kinds[name])
            continue
        elif step.within:
            keys = listed([scope.column(c) for c in step.within])
            how = f'"{step.how}"' if step.how != "mode" else "lambda s: s.mode().get(0)"
            source = f"rows.groupby({keys})[{literal(name)}].transform({how})"
        else:
            source = f"{of}.mode()[0]" if step.how == "mode" else f"{of}.{step.how}()"
        scope.add(f"{of} = {of}.fillna({source})")
        scope.put(name, scope.kinds[name], missing=bool(step.within))


def derive(step: q.Derive, scope: Scope) -> None:
    """A new column from an expression. What a division by zero gives is missing, or the number that is asked for."""
    what = scope.kind(step.expr)
    source = scope.source(step.expr)
    name = literal(step.name)
    if step.where_infinite is not None:
        divisors = re.findall(r" (?:/|//|%) (.+?)\.replace\(0, np\.nan\)", source)
        if not divisors:
            raise NotComputable(f"“{step.name}” divides by nothing that may be zero.")
        zero = " | ".join(f"({d} == 0)" for d in divisors) if len(divisors) > 1 else f"{divisors[0]} == 0"
        scope.add(f"rows[{name}] = ({source}).mask({zero}, {step.where_infinite!r})")
    else:
        scope.add(f"rows[{name}] = {source}")
    scope.put(step.name, what, missing=scope.may_miss(source))
    scope.lasting |= unit_of_length(step.expr, source, step.name)


def cut(step: q.Cut, scope: Scope) -> None:
    """A new column of named classes."""
    of = cell(scope.numbers(step.of, "Classes"))
    name = literal(step.name)
    if step.edges:
        edges = [
            "-np.inf" if e is None and not i else "np.inf" if e is None else f"{e:g}" for i, e in enumerate(step.edges)
        ]
        if len(edges) < 2 or (step.labels and len(step.labels) != len(edges) - 1):
            raise NotComputable(
                f"“{step.name}” has {len(edges)} edges for {len(step.labels)} classes; it takes one more."
            )
        source = f"pd.cut({of}, [{', '.join(edges)}], right={step.right}"
        source += ", include_lowest=True" if step.right else ""
    elif step.quantiles or step.equal:
        source = f"pd.{'qcut' if step.quantiles else 'cut'}({of}, {step.quantiles or step.equal}"
        if step.labels and len(step.labels) != (step.quantiles or step.equal):
            raise NotComputable(
                f"“{step.name}” is cut into {step.quantiles or step.equal} classes, with {len(step.labels)} names."
            )
    else:
        raise NotComputable(f"Say at which edges “{step.name}” is cut, or into how many classes.")
    labels = f", labels={listed(step.labels)}" if step.labels else ""
    scope.add(f"rows[{name}] = {source}{labels})" + ("" if step.labels else ".astype(str)"))
    scope.put(
        step.name, "text", missing=scope.may_miss(source) or step.edges[:1] != (None,) or step.edges[-1:] != (None,)
    )


def recode(step: q.Recode, scope: Scope) -> None:
    """Values replaced by others."""
    name = scope.column(step.column)
    new = step.name or name
    pairs = {scope.level(name, a): b for a, b in step.values}
    mapping = "{" + ", ".join(f"{literal(a)}: {literal(b)}" for a, b in pairs.items()) + "}"
    if step.other is not None:
        source = f"{cell(name)}.map({mapping}).fillna({literal(step.other)})"
        source = f"{source}.where({cell(name)}.notna())" if scope.missing(name) else source
    elif (levels := scope.levels(name)) is not None and set(levels) <= set(pairs):
        source = f"{cell(name)}.map({mapping})"
    else:
        source = f"{cell(name)}.replace({mapping})"
    kinds = {
        "number" if not isinstance(v, str) else "text"
        for v in [*pairs.values(), *([step.other] * (step.other is not None))]
    }
    if ".replace(" in source:
        kinds.add(scope.kinds[name])
    if kinds == {"number", "text"}:
        raise NotComputable(f"“{new}” would hold numbers and text. Give every value of “{name}” one that is alike.")
    scope.add(f"rows[{literal(new)}] = {source}")
    scope.put(new, "number" if kinds == {"number"} else "text", missing=step.other is None or scope.missing(name))
    if step.other is not None:
        values = sorted({str(v) for v in (*pairs.values(), step.other)})
        scope.facts[new] |= {"values": values, "n_unique": len(values)}


_USUAL = {"iqr": 1.5, "z": 3.0, "mad": 3.5, "percentile": 1.0, "bounds": 0.0}


def limits(rule: q.Rule, of: str) -> tuple[str, str]:
    """The limits beyond which the values of a series are outliers, as source; and the rule in words."""
    k = rule.k if rule.k is not None else _USUAL[rule.rule]
    low, high = rule.bounds
    if rule.rule == "bounds" and low is None and high is None:
        raise NotComputable("Outliers by bounds need a lower or an upper bound.")
    ends = " or ".join(f"{s} {e:g}" for s, e in (("below", low), ("above", high)) if e is not None)
    said = {
        "iqr": f"beyond {k:g} interquartile ranges from the quartiles",
        "z": f"more than {k:g} standard deviations from the mean",
        "mad": f"more than {k:g} scaled median absolute deviations from the median",
        "percentile": f"below the {k:g} % quantile or above the {100 - k:g} % quantile",
        "bounds": ends,
    }[rule.rule] + {"both": "", "high": ", above only", "low": ", below only"}[rule.sides]
    if rule.rule == "bounds":
        return f"({'-np.inf' if low is None else repr(low)}, {'np.inf' if high is None else repr(high)})", said
    ddof = f", ddof={rule.ddof}" * bool(rule.ddof)
    return f"outlier_limits({of}, {literal(rule.rule)}, {k:g}{ddof})", said


def beyond(rule: q.Rule, of: str, limits: str) -> str:
    """Which values are outliers, as source."""
    return f"outside_limits({of}, {limits}{f', {literal(rule.sides)}' * (rule.sides != 'both')})"


def remove_outliers(step: q.RemoveOutliers, scope: Scope) -> None:
    """Leave out, cap or replace what a rule calls outliers; rows without a value stay."""
    names = [scope.numbers(c, "Outliers") for c in step.columns]
    dropped = []
    for name in names:
        of = cell(name)
        source, said = limits(step.rule, of)
        if step.how == "drop":
            dropped.append(beyond(step.rule, of, source))
        elif step.how == "cap":
            scope.add(f"low, high = {source}")
            ends = {"both": "low, high", "high": "upper=high", "low": "lower=low"}[step.rule.sides]
            scope.add(f"{of} = {of}.clip({ends})")
        else:
            value = "np.nan" if step.how == "missing" else f"{of}.{step.how}()"
            scope.add(f"{of} = {of}.mask({beyond(step.rule, of, source)}, {value})")
        scope.put(name, "number", missing=scope.missing(name) or step.how == "missing")
        scope.say(f"Outliers of {name} are values {said}.")
    if dropped:
        scope.add(f"rows = rows[~({' | '.join(dropped)})]" if len(dropped) > 1 else f"rows = rows[~{dropped[0]}]")


def scale(step: q.Scale, scope: Scope) -> None:
    """Columns brought to one scale."""
    if step.names and len(step.names) != len(step.columns):
        raise NotComputable(f"{len(step.columns)} columns are scaled, but {len(step.names)} names are given.")
    for old, new in zip(step.columns, step.names or step.columns, strict=True):
        name = scope.numbers(old, "A scale")
        of, low = cell(name), step.to[0]
        if step.how == "z":
            source = f"({of} - {of}.mean()) / {of}.std(ddof={step.ddof})"
            scope.say(
                f"{name} was scaled with {'the population' if step.ddof == 0 else 'the sample'} standard deviation."
            )
        elif step.how == "minmax":
            source = f"({of} - {of}.min()) / ({of}.max() - {of}.min())"
            width = step.to[1] - low
            source = source if step.to == (0.0, 1.0) else f"{low:g} + {width:g} * {source}"
        elif step.how == "robust":
            source = f"({of} - {of}.median()) / ({of}.quantile(0.75) - {of}.quantile(0.25))"
        else:
            source = f"np.log({of}.where({of} > 0))" if step.how == "log" else f"np.log1p({of}.where({of} > -1))"
        new = name if new == old else new
        scope.add(f"rows[{literal(new)}] = {source}")
        scope.put(new, "number", missing=scope.may_miss(source))


def encode(step: q.Encode, scope: Scope) -> None:
    """Words as numbers."""
    names = [scope.column(c) for c in step.columns]
    if step.how == "label":
        for name in names:
            scope.add(f'{cell(name)} = {cell(name)}.astype("category").cat.codes.astype(float).replace(-1, np.nan)')
            scope.put(name, "number")
            scope.say(f"{name} was coded 0, 1, … in the order of its values.")
        return
    scope.add(f"rows = rows.join(pd.get_dummies(rows[{listed(names)}], dtype=int))")
    for name in names:
        levels = scope.levels(name)
        if levels is None:
            raise NotComputable(
                f"“{name}” has too many values, or values that are not known yet, to make a column of each."
            )
        for level in levels:
            scope.put(f"{name}_{level}", "number", missing=False)
        scope.dummies[name] = [f"{name}_{level}" for level in levels]


def convert(step: q.Convert, scope: Scope) -> None:
    """A column read as numbers, times or text; what cannot be read is missing."""
    for given in step.columns:
        name = scope.column(given)
        of = cell(name)
        if step.to == "number":
            if scope.kinds[name] in ("number", "truth"):
                scope.put(name, "number")
                continue
            if scope.kinds[name] == "time":
                raise NotComputable(f"“{name}” holds times; take year({name}) or days(a, b) for a number.")
            scope.add(f'{of} = pd.to_numeric({of}.str.replace(",", ""), errors="coerce")')
        elif step.to == "time":
            if scope.kinds[name] != "time":
                scope.add(f'{of} = pd.to_datetime({of}, format="mixed", errors="coerce")')
        else:
            scope.add(f"{of} = {of}.map(as_text)" if scope.kinds[name] != "text" else f"{of} = {of}.astype(str)")
        scope.put(name, step.to)
        if step.to != "text":
            scope.say(f"Values of {name} that are no {step.to}s were taken as missing.")


def take(query: q.Query, scope: Scope, frame: str, by: Sequence[str]) -> None:
    """Keep the first of what stands in order; where one is wanted, with all that share its place."""
    if query.limit is None:
        return
    if query.limit == 1 and by:
        columns, place = listed(by), query.offset
        scope.add(f"first = {frame}[{columns}].iloc[{place}:{place + 1}]")
        scope.add(f'{frame} = {frame}[{frame}[{columns}].isin(first.to_dict("list")).all(axis=1)]  # with its ties')
    else:
        if by and frame != "rows":
            scope.tied = "tied"
            scope.add(f"tied = tied_rows({frame}[{listed(by)}], {query.offset + query.limit})")
        scope.add(f"{frame} = {frame}.iloc[{query.offset or ''}:{query.offset + query.limit}]")
