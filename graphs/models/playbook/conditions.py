"""The conditions in a question, such as "women in first class since 2020", taken out of its items as filters."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from graphs.models.playbook import synonyms
from graphs.models.playbook import vocabulary as known
from graphs.models.playbook.facts import YES, Column
from graphs.models.playbook.items import Item, convert, parts, root, unit_of
from graphs.models.playbook.naming import backwards
from graphs.models.playbook.table import Filter, NotClear, Table, either, is_year


def take_conditions(items: Sequence[Item], table: Table) -> list[Item]:
    """The items with every condition replaced by one of kind F, whose value is a list of filters."""
    items = list(items)
    for pattern, make in _RULES:
        place = 0
        while match := re.compile(pattern).search("".join(i.kind for i in items), place):
            start, end = match.span("f") if "f" in match.groupdict() else match.span()
            made = make(items[start:end], table, items[start - 1] if start else None)
            if made is None:
                place = match.start() + 1
            else:
                items[start:end] = [made]
                place = 0 if pattern is not _RULES[-1][0] else start + 1
    return items


def _said(run: Sequence[Item]) -> str:
    return " ".join(i.text for i in run)


def _filter(run: Sequence[Item], filters: list[Filter], kind: str = "") -> Item:
    return Item("F", _said(run), filters, unit=kind)


def _missing(run: Sequence[Item], table: Table, before: Item | None) -> Item | None:
    column = next((i for i in run if i.kind in "CY"), None)
    if column is None or (run[0].kind == "X" and run[0].text.lower() not in ("no", "without")):
        return None
    if run[0].kind == "X" and not any(i.kind == "M" for i in run) and column.kind == "Y":
        return None
    name = table.pick(column)
    if not any(i.kind == "M" for i in run):  # no age, no rain: not known, or nought
        about = table.column(name)
        none = [v for v in about.values if v.lower() in ("none", "no", "nothing", f"no {name.lower()}")]
        if none and about.n_missing:
            raise NotClear(f"“{_said(run)}” may mean that {name} is {none[0]} or that it is missing")
        if none:
            return _filter(run, [(name, "=", none[0])], "not")
        nought = isinstance(about.low, (int, float)) and about.low <= 0
        if nought and about.n_missing:
            raise NotClear(f"“{_said(run)}” may mean that {name} is 0 or that it is missing")
        return _filter(run, [(name, "=", 0.0) if nought else (name, "missing", "")], "not")
    return _filter(run, [(name, "present" if any(i.kind == "X" for i in run) else "missing", "")])


def _compared(run: Sequence[Item], table: Table, before: Item | None) -> Item | None:
    op, kin = next(i.value for i in run if i.kind == "O")
    numbers = [i for i in run if i.kind == "N"]
    named = next((i for i in run if i.kind in "CY"), None)
    if (op == "between") != (len(numbers) == 2):
        return None
    if named is not None and (named.kind == "Y" or not any(table.column(c).is_number for c in named.columns)):
        return None  # over 65 smoke, smokers over 65
    if named is not None:
        columns = [table.pick(named, "number")]
    else:
        words = kin or _implied(numbers, before, run[0].text)
        columns = [c.name for c in table.file.columns if c.is_number and set(words) & set(parts(c.name))]
        if not words and numbers[0].unit in ("km", "m", "cm", "mm", "mile", "kg", "g", "tonne"):  # over 1000 km
            columns = [c.name for c in table.file.columns if c.is_number and unit_of(c.name) == numbers[0].unit]
    if not columns:
        return None
    if len(columns) > 1:
        raise NotClear(f"“{_said(run)}” can be about {either(columns)}; name one of them")
    if named is not None and kin == ("speed",) and "speed" not in parts(columns[0]):
        if not backwards(columns[0]):
            raise NotClear(f"“{_said(run)}” may mean more or less of {columns[0]}")
        op = {">": "<", "<": ">"}[op]  # faster than 20 minutes
    values = []
    for n in numbers:
        value = convert(n.value, n.unit, columns[0])
        if value is None:
            raise NotClear(f"“{n.text}” is in another unit than {columns[0]}")
        values.append(_scaled(value, n.text, table.column(columns[0])))
    if op == "between":
        return _filter(run, [(columns[0], ">=", min(values)), (columns[0], "<=", max(values))])
    return _filter(run, [(columns[0], op, values[0])])


def _scaled(value: float, said: str, column: Column) -> float:
    """A number as its column counts, which may be in millions. Raises NotClear where it is far from all its values."""
    ends = [abs(end) for end in (column.low, column.high) if isinstance(end, (int, float))]
    if not ends or abs(value) <= 1000 * max(*ends, 1):
        return value
    mark = re.search(
        r"million|\bmi?o\b|\bmn\b|[$€£]\s?m|m(?:usd|eur|gbp)|(?P<k>thousand|[$€£]\s?k|k(?:usd|eur|gbp))",
        column.name,
        re.I,
    )
    told = value / (1e3 if mark and mark["k"] else 1e6)
    if mark is None or told > 1000 * max(ends):
        raise NotClear(f"“{said}” is far beyond every {column.name}, and may be counted in something else")
    return told


def _within(run: Sequence[Item], table: Table, before: Item | None) -> Item | None:
    """A column between two bounds, each with its own word: a score above 6 but below 7."""
    named, bounds = next(i for i in run if i.kind == "C"), [k for k, i in enumerate(run) if i.kind == "O"]
    ops = [str(run[k].value[0])[0] for k in bounds]
    if sorted(ops) != ["<", ">"] or any(run[k].value[1] for k in bounds):
        return None
    ends = [next(k for k in range(b, len(run)) if run[k].kind == "N") for b in bounds]
    made = [_compared([named, run[b], run[e]], table, before) for b, e in zip(bounds, ends, strict=True)]
    if None in made:
        return None
    filters: list[Filter] = [f for m in made if m is not None for f in m.value]
    values = {f[1][0]: float(str(f[2])) for f in filters}
    if values[">"] >= values["<"]:
        raise NotClear(f"no {filters[0][0]} is above {values['>']:g} and below {values['<']:g}")
    return _filter(run, filters)


def _aged(run: Sequence[Item], table: Table, before: Item | None) -> Item | None:
    """Persons by their years, where a column is of ages: patients between 30 and 40 years."""
    people = before is not None and before.kind in "EVC" and before.text.lower() in {*known.PEOPLE, *synonyms.SEXES}
    if run[-1].text.lower() != "years" or not people or run[0].value[1]:
        return None
    bounds = [Item("N", i.text, i.value, unit="age") if i.kind == "N" else i for i in run[:-1]]
    return _compared(bounds, table, before)


def _keyed(run: Sequence[Item], table: Table, before: Item | None) -> Item | None:
    """What a row is about, by its number: order 1042."""
    noun, number = run[0], run[1]
    if noun.value != "id" or len(noun.columns) != 1 or noun.text.lower().endswith("s") or number.unit:
        return None
    column = table.column(noun.columns[0])
    low, high = column.low, column.high
    marks = parts(column.name)[-1] in ("id", "key", "no", "nr", "number")
    if before is not None and before.text.lower() in ("before", "after", "since", "until", "till", "from", "than"):
        raise NotClear(f"“{before.text} {noun.text} {number.text}” is of other rows than that one")
    if not marks or not isinstance(low, int) or not isinstance(high, int) or not low <= number.value <= high:
        return None
    return _filter(run, [(column.name, "=", float(number.value))]) if float(number.value).is_integer() else None


def _compared_of(run: Sequence[Item], table: Table, before: Item | None) -> Item | None:
    """A bound before its column: at least 500 in order total."""
    return _compared([*run[:-2], run[-1]], table, before) if run[-2].text.lower() == "in" else None


def _beside(run: Sequence[Item], table: Table, before: Item | None) -> Item | None:
    """One column compared with another in the same row: more away goals than home goals."""
    op = str(next(i.value for i in run if i.kind in "OZ")[0])
    named = [i for i in run if i.kind in "CY"]
    than = run[0].kind != "Z" or run[2].text.lower() == "than"
    if op == "between" or not than or not all(any(table.column(c).is_number for c in i.columns) for i in named):
        return None
    return _filter(run, [(table.pick(named[0], "number"), f"{op} column", table.pick(named[1], "number"))])


def _ranged(run: Sequence[Item], table: Table, before: Item | None) -> Item | None:
    """A column from one number to another: aged 40 to 60."""
    numbers = [float(i.value) for i in run if i.kind == "N"]
    if next(i for i in reversed(run) if i.kind == "P").text.lower() != "to" or numbers[0] >= numbers[1]:
        return None
    name = table.pick(run[0], "number")
    return _filter(run, [(name, ">=", numbers[0]), (name, "<=", numbers[1])])


def _there(run: Sequence[Item], table: Table, before: Item | None) -> Item | None:
    """Something that not all rows have: orders with a voucher."""
    if len(run[0].columns) != 1 or before is None:
        return None
    column = table.column(run[0].columns[0])
    done = before.text.lower() in _BEING and run[0].text.lower().endswith("ed")  # trips that were rated
    owned = before.text.lower() in _OWNING and not column.is_number and not column.is_time
    counted = isinstance(column.low, (int, float)) and column.low == 0 and not column.n_missing
    if counted and column.is_number and before.text.lower() in _OWNING:
        return _filter(run, [(column.name, ">", 0.0)])  # loans that had a fine
    if not column.n_missing or not (done or owned):
        return None
    return _filter(run, [(column.name, "present", "")])


_BEING = ("is", "are", "was", "were", "been", "got")
_OWNING = ("with", "have", "has", "had", "having", "used")


def _implied(numbers: Sequence[Item], before: Item | None, said: str) -> tuple[str, ...]:
    """Words of the column that a bare number is about: 30 years, 30 degrees, women over 30."""
    units = {n.unit for n in numbers}
    if "unit" in units:
        return ("quantity", "qty", "units")
    if "degree" in units:
        return ("temp", "temperature")
    people = before is not None and before.kind in "EV" and before.text.lower() in {*known.PEOPLE, *synonyms.SEXES}
    bare = said.lower() in ("over", "under") and not any(units)
    aged = said.lower() in ("over", "under", "between") and units <= {"", "year"} and "year" in units
    return ("age",) if "age" in units or (people and (bare or aged)) else ()


def _compared_in(run: Sequence[Item], table: Table, before: Item | None) -> Item | None:
    """A comparison whose number has the column's own unit of time: a tenure between 12 and 24 months."""
    made = _compared(run[:-1], table, before)
    if made is None or root(run[-1].text) not in {root(w) for w in parts(made.value[0][0])}:
        return None
    return made


def _timed(run: Sequence[Item], table: Table, before: Item | None) -> Item | None:
    """In, since, before, after or between times; of a column named before, or of the table's only one."""
    times = _in_one_year([i.value for i in run if i.kind == "T"])
    word = next((str(i.value or i.text).lower() for i in run if i.kind in "PO"), "in")
    word = "between" if len(times) == 2 else word
    named = run[0] if run[0].kind == "C" else None
    column, years = "", False
    if named is not None:
        able = [n for n in named.columns if table.column(n).is_time or is_year(table.column(n))]
        if len(able) != 1:
            return None
        column, years = able[0], not table.column(able[0]).is_time
    else:
        whole_years = all(re.fullmatch(r"\d{4}", t) for t in times)
        exact = [c.name for c in table.file.columns if whole_years and is_year(c)]
        if len(exact) == 1 and (not any(c.is_time for c in table.file.columns) or parts(exact[0]) == ["year"]):
            column, years = exact[0], True
        elif (own := _named_time(times, table)) is not None:
            return _filter(run, [own])
        else:
            column = table.time()
    if any(i.kind == "X" for i in run):
        raise NotClear(f"“{_said(run)}” leaves out a time, which no rule of mine does")
    value: Callable[[str], str | float] = (lambda t: float(t)) if years else (lambda t: t)
    if years and not all(re.fullmatch(r"\d{4}", t) for t in times):
        raise NotClear(f"{column} holds years only")
    repeated = any(not re.match(r"\d{4}", t) for t in times)
    span = [str(table.column(column).low)[:4], str(table.column(column).high)[:4]]
    bare = word == "between" and all(re.fullmatch(r"\d{4}", t) for t in times)
    if bare and named is None and re.fullmatch(r"\d{4}", span[0]) and not (times[0] <= span[1] and times[1] >= span[0]):
        raise NotClear(f"“{_said(run)}” may be no years, and {column} is of {' to '.join(span)}")
    if word == "between":
        if repeated:
            months = [int(m[1]) for t in times if (m := re.fullmatch(r"month (\d+)", t))]
            if years or len(months) != 2 or months[0] >= months[1]:
                raise NotClear(f"“{_said(run)}” names no year")
            return _filter(run, [(column, "in", f"months {months[0]}-{months[1]}")])
        return _filter(run, [(column, ">=", value(times[0])), (column, "<=", value(times[1]))])
    ops = {
        "since": ">=",
        "from": ">=",
        "after": ">",
        "before": "<",
        "until": "<=",
        "till": "<=",
        "through": "<=",
        "by": "<=",
    }
    if word == "from" and len(times) == 1:
        raise NotClear(f"“{_said(run)}” may mean in it or since it")
    op = ops.get(word, "=" if years else "in")
    if repeated and op != "in":
        raise NotClear(f"“{_said(run)}” names no year")
    return _filter(run, [(column, op, value(times[0]))], "named" if named is not None else "")


def _in_one_year(times: list[str]) -> list[str]:
    """Two times, the first of which has the second's year where it names none: between March and May 2022."""
    month = re.fullmatch(r"month (\d+)", times[0])
    year = re.fullmatch(r"(\d{4})-(\d\d)", times[-1])
    if len(times) == 2 and month and year and int(month[1]) <= int(year[2]):
        return [f"{year[1]}-{int(month[1]):02d}", times[1]]
    return times


def _named_time(times: Sequence[str], table: Table) -> Filter | None:
    """A month or a weekday that a column holds as its name, or a month as its number."""
    match = re.fullmatch(r"(month|weekday) (\d+)", times[0]) if len(times) == 1 else None
    if match is None:
        return None
    word, number = ("month", int(match[2]) - 1) if match[1] == "month" else ("day", int(match[2]))
    name = (known.MONTHS if word == "month" else known.WEEKDAYS)[number]
    columns = [c for c in table.file.columns if {word, match[1]} & set(parts(c.name)) and not c.is_time]
    if len(columns) != 1:
        return None
    for value in columns[0].values:
        if name.startswith(value.lower()) and len(value) >= 3:
            return (columns[0].name, "=", value)
    if word == "month" and columns[0].is_number and columns[0].high is not None and float(columns[0].high) <= 12:
        return (columns[0].name, "=", float(number + 1))
    return None


_WAYS = {
    "from": ("origin", "from", "source", "start", "departure", "sender"),
    "to": ("destination", "dest", "to", "target", "end", "arrival", "receiver"),
}
"""A preposition and the words of the column that holds where something comes from or goes to."""


def _levels(run: Sequence[Item], table: Table, before: Item | None) -> Item | None:
    """A value or several of one column, as the column named beside them or their only one."""
    values = [i for i in run if i.kind == "V"]
    named = next((i for i in run if i.kind in "CY"), None)
    shared = [c for c in values[0].columns if all(c in v.columns for v in values)]
    if named is not None:
        shared = [c for c in shared if c in named.columns]
    if not shared:
        return None
    way = _WAYS.get(before.text.lower(), ()) if before is not None and before.kind == "P" else ()
    shared = [c for c in shared if set(parts(c)) & set(way)] or shared
    if len(shared) > 1 and named is None:
        raise NotClear(f"“{values[0].text}” is a value of {either(shared)}; name the column")
    column = shared[0]
    chosen = [v.value if isinstance(v.value, str) else v.value[column] for v in values]
    chosen = list(dict.fromkeys(chosen))
    if any(i.kind == "X" for i in run):
        late = next(k for k, i in enumerate(run) if i.kind == "X") > run.index(values[0])
        if len(values) > 1 and (late or any(i.text.lower() == "but" for i in run)):
            raise NotClear(f"“{_said(run)}” takes one and leaves another; name only one of them")
        if len(values) > 1 and sum(i.kind == "X" for i in run) not in (1,):
            return None
        return _filter(run, [(column, "not in", chosen)] if len(chosen) > 1 else [(column, "!=", chosen[0])])
    if len(chosen) > 1:
        return _filter(run, [(column, "in", chosen)], "or" if any(i.kind == "D" for i in run) else "and")
    return _filter(run, [(column, "=", chosen[0])])


def _numbered(run: Sequence[Item], table: Table, before: Item | None) -> Item | None:
    """A column beside a number or an ordinal: class 1, first class, 4 cylinders."""
    named = next(i for i in run if i.kind in "CY")
    numbers = [i for i in run if i.kind in "NR"]
    if len(numbers) > 1:
        made = [_numbered([named, n], table, before) for n in numbers]
        found = [m.value[0] for m in made if m is not None]
        if len(found) < len(numbers) or len({f[0] for f in found}) > 1:
            return None
        return _filter(
            run, [(found[0][0], "in", [f[2] for f in found])], "or" if any(i.kind == "D" for i in run) else "and"
        )
    number = numbers[0]
    if before is not None and before.kind in "SO":
        return None
    for name in named.columns:
        column = table.column(name)
        if number.kind == "R":
            words = [w for w, k in known.ORDINALS.items() if k == number.value]
            value = next((v for v in column.values if v.lower() in words or v.lower().split()[0] in words), None)
            if value is not None:
                return _filter(run, [(name, "=", value)])
    name = table.pick(named, "number") if len(named.columns) > 1 else named.columns[0]
    column = table.column(name)
    whole = column.dtype.lower().startswith(("int", "uint")) or (column.is_number and column.n_unique <= 20)
    low, high = column.low, column.high
    if not isinstance(low, (int, float)) or not isinstance(high, (int, float)) or not whole:
        text = f"{number.value:g}"
        return _filter(run, [(name, "=", text)]) if text in column.values else None
    few = column.n_unique <= 50 or run[0].kind == "C"
    if not (few and low <= number.value <= high and float(number.value).is_integer()):
        return None
    negated = any(i.kind == "X" for i in run)
    return _filter(run, [(name, "!=" if negated else "=", float(number.value))])


def _both(run: Sequence[Item], table: Table, before: Item | None) -> Item | None:
    """Those of which something is true beside those of which it is not: organic and non-organic."""
    if (run[-1].kind == "Y" and run[0].columns != run[-1].columns) or len(run[0].columns) != 1:
        return None
    return _filter(run, [(run[0].columns[0], "in", list(table.column(run[0].columns[0]).values))], "and")


def _true(run: Sequence[Item], table: Table, before: Item | None) -> Item | None:
    """A column of yes and no, said as what it says: "survived", "who did not churn"."""
    if (
        before is not None
        and run[0].kind != "X"
        and (before.kind in "SBWC" or (before.kind == "A" and before.value not in ("count", "share")))
    ):
        return None
    name = table.pick(run[-1])
    column = table.column(name)
    yes = next((v for v in column.values if v.lower() in YES), "True")
    wanted: Filter = (name, "!=" if any(i.kind == "X" for i in run) else "=", yes)
    return _filter(run, [wanted], "verb")


_RULES: tuple[tuple[str, Callable[[Sequence[Item], Table, Item | None], Item | None]], ...] = (
    (r"(?:XP*M|X|M)[KP]*[CY](?![KP]*X?V)|[CY][KP]*X?M", _missing),
    (r"[CY][KP]*OP*NJN[GC]|[CY][KP]*OP*N[GC]", _compared_in),
    (r"[CY][KP]*O[KP]*[CY](?![NRVOK])|ZCP[CY](?![NRVO])", _beside),
    (r"C[KP]*OP*NJP*OP*N", _within),
    (r"OP*NJN[GC]|OP*N[GC]", _aged),
    (r"E(?<![SWO]E)N(?![PJDN]*N|[EC])", _keyed),
    (r"[CY][KP]*OP*NJN|[CY][KP]*OP*N|OP*NJN[CY]|OP*N[CY]", _compared),
    (r"OP*NPC", _compared_of),
    (r"OP*NJN|OP*N", _compared),
    (r"C[KP]*NPN", _ranged),
    (r"K(?P<f>C)(?![KPJ]*[VNOTSAC])", _there),
    (r"C[KP]*OTJT|C[KP]*PTPT|OTJT|PTPT|CK?P*T|X?P?T", _timed),
    (r"[CY][KP]*X?[V](?:[JD]+V)*|(?:X[KP]*)?V(?:[JD]+V)*[CY]", _levels),
    (r"[CY][KP]*[NR](?:[JD]+[NR])+|[NR](?:[JD]+[NR])+[CY]", _numbered),
    (r"[CY][KP]*X?K?[NR]|[NR][CY]", _numbered),
    (r"(?:X[KP]*)?V(?:[JD]+X?V)*", _levels),
    (r"YJXK*Y|YJX$", _both),
    (r"XK*Y(?!r)|Y(?!r)", _true),
)
