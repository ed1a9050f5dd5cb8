"""The values of a table's columns as numbers, dates and text, and its headers as names."""

import json
import re
from collections.abc import Iterable
from typing import Any

import pandas as pd

from notebooks.toolkit.columns import is_text
from notebooks.toolkit.dates import _dates, _dates_in_numbers, _evenest, _mixed_dates, _years
from notebooks.toolkit.limits import MISSING
from notebooks.toolkit.naming import CARRIED

COMMA_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?")  # 1.234,5
POINT_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?")  # 1,234.5
PARTED = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+")  # 1.234: a number, or thousands
CURRENCY = r"[$€£¥]|\b(?:USD|EUR|GBP|CHF)\b"
MONEY = re.compile(r"^(?:[\s$€£¥]|USD|EUR|GBP|CHF)+|(?:[\s$€£¥%]|USD|EUR|GBP|CHF)+$")


def _parsed(name: str, df: pd.DataFrame, notes: list[str], rows: int) -> pd.DataFrame:
    """The table with its columns as what they hold, having said what was found; `attrs["rows"]` are the file's,
    `attrs["currency"]` that of a column of which the values carry one. What `attrs` say else stays."""
    read = {c: _values(df[c], notes) for c in df.columns}
    for c, sign in zip(df.columns, df.attrs.get("signs", ()), strict=False):
        read[c].attrs |= {"currency": sign} if sign else {}
    kept = {fact: told for fact, told in df.attrs.items() if fact != "signs"}
    df = pd.DataFrame(read)
    df.attrs |= kept | {"rows": rows}
    for fact in ("date_forms", "currency"):
        df.attrs[fact] = {c: s.attrs[fact] for c, s in read.items() if fact in s.attrs}
    CARRIED.update(df.attrs["currency"])
    print(f"{name}: {rows:,} rows × {df.shape[1]} columns" + "".join(f"\n- {note}" for note in notes))
    return df


def _plain_numbers(s: pd.Series) -> pd.Series:
    """A column of text that holds plain numbers only, as numbers; any other unchanged."""
    if not is_text(s):
        return s
    given = s.mask(s.isin(MISSING))
    found = pd.to_numeric(given, errors="coerce")
    return found if found.notna().any() and found.notna().equals(given.notna()) else s


def _unique_names(names: list[str], notes: list[str]) -> list[str]:
    """Names with spaces trimmed, blanks named by position and repeats numbered; what pandas named stays as it is."""
    out, blank, repeated = list[str](), 0, list[str]()
    for i, name in enumerate((" ".join(n.split()) for n in names), 1):
        blank += not name or name.startswith("Unnamed:")
        unique = base = name or f"column_{i}"
        for k in range(2, len(names) + 2):
            if unique not in out:
                break
            unique = f"{base}_{k}"
        if unique != base:
            repeated.append(f"{base!r} → {unique!r}")
        out.append(unique)
    if blank:
        notes.append(f"{blank} blank {'header was' if blank == 1 else 'headers were'} named by position")
    if repeated:
        notes.append("repeated headers were renamed: " + ", ".join(repeated[:5]) + (" …" if len(repeated) > 5 else ""))
    return out


def _numbers(s: pd.Series, pattern: re.Pattern[str], thousands: str, decimal: str) -> pd.Series:
    """A text column as numbers, where every value (or 95 % of many) is one; otherwise unchanged."""

    def enough(fits: pd.Series) -> bool:
        return bool(len(fits) and (fits.all() or (len(fits) >= 40 and fits.mean() >= 0.95)))

    given = s.dropna().astype(str)
    signs = set(given.head(40).str.findall(CURRENCY).explode().dropna())
    if any(sign.isalpha() for sign in signs):
        given = given.str.replace(MONEY, "", regex=True)
    can_be = ~given.str.contains(r"[A-Za-z:/_]|\d-")
    if not enough(can_be):  # the rest is slow
        return s
    levels = given[can_be].drop_duplicates()
    fits = given.isin(levels[levels.str.replace(MONEY, "", regex=True).str.fullmatch(pattern.pattern)])
    if not enough(fits):
        return s
    plain = (
        given[fits]
        .str.replace(MONEY, "", regex=True)
        .str.replace(thousands, "", regex=False)
        .str.replace(decimal, ".", regex=False)
    )
    found = pd.to_numeric(plain).reindex(s.index)
    found.attrs["currency"] = signs.pop() if len(signs) == 1 else ""
    return found


def _point_parts_thousands(cells: Iterable[str]) -> bool:
    """Whether the points of numbers part thousands where none tells by itself: each has three digits behind it.

    Amounts of money have two decimals, and only what is told in thousandths, such as the price of a litre, has three
    behind one digit. Of other numbers those with three decimals would have no whole ones among them, or no nought at
    their end.
    """
    parted, whole, money = list[str](), 0, False
    for cell in cells:
        plain = MONEY.sub("", cell)
        if PARTED.fullmatch(plain):
            parted.append(plain.lstrip("+-"))
        elif not re.fullmatch(r"[+-]?\d{1,3}", plain):
            return False
        else:
            whole += 1
        money = money or bool(re.search(CURRENCY, cell))
    if not parted or any(number.count(".") > 1 for number in parted):
        return bool(parted)
    if money:
        return whole > 0 or any(number.index(".") > 1 for number in parted)
    return whole > 0 and any(number.endswith("0") for number in parted)


def _with_points(s: pd.Series) -> tuple[pd.Series, str]:
    """A text column as numbers with a point between thousands or a decimal comma, and which of them, where it shows
    that it holds such; otherwise unchanged."""
    given = s.dropna().astype(str)
    parts = _point_parts_thousands(given)
    if not parts and not given.head(40).str.contains(PARTED.pattern + r",\d|,\d\d?\s*[€$£¥]", regex=True).any():
        return s, ""
    return _numbers(s, COMMA_NUMBER, ".", ","), "point between thousands" if parts else "decimal comma"


def _none_is_level(text: pd.Series) -> bool:
    """Whether "None" is one of a column's few words, and no mark of what is missing: nothing else is missing there."""
    if (text == "None").sum() < 3 or text.isna().any():
        return False
    written = set(text.unique())
    if len(written) > 11 or written & (set(MISSING) - {"None"}):
        return False
    return not any(POINT_NUMBER.fullmatch(str(word)) for word in written)


def _values(s: Any, notes: list[str]) -> Any:
    """One column with numbers, dates and nested values in the types that analysis needs."""
    if isinstance(s.dtype, pd.DatetimeTZDtype):
        return s.dt.tz_convert("UTC").dt.tz_localize(None)
    if pd.api.types.is_timedelta64_dtype(s):
        return s.dt.total_seconds()
    if isinstance(s.dtype, pd.CategoricalDtype):
        s = s.astype(s.cat.categories.dtype)
    if not is_text(s):
        if not pd.api.types.is_numeric_dtype(s):
            return s
        if pd.api.types.is_extension_array_dtype(s.dtype):  # pandas' nullable types, which much cannot count with
            s = s.astype("float64" if s.hasnans or "loat" in str(s.dtype) else s.dtype.numpy_dtype)
        years = _years(s)
        if years is not None:
            notes.append(f"{s.name} was read as {'years' if (s.dropna() % 1 == 0).all() else 'dates'}")
            return years
        days = _dates_in_numbers(s)
        if days is not None:
            notes.append(f"{s.name} holds dates written as numbers")
        return s if days is None else days
    text = s
    if s.dtype == object:
        text = s.map(lambda v: json.dumps(v, sort_keys=True) if isinstance(v, (dict, list)) else v, na_action="ignore")
        text = text.map(lambda v: v if isinstance(v, str) else str(v), na_action="ignore")
    text = text if _none_is_level(text) else text.mask(text.isin(MISSING))
    none = text == "none"  # a level, unless it stands among many numbers
    few = none.mean() < 0.05 or text.nunique() > 20
    may_be = text.mask(none) if few else text
    numbers, marks = _with_points(may_be)
    if is_text(numbers):
        numbers, marks = _numbers(may_be, POINT_NUMBER, ",", "."), ""
    if not is_text(numbers):
        lost = int(text.notna().sum() - numbers.notna().sum())
        marks = f", which have a {marks}" * bool(marks)
        became = f"; {lost} other values became missing" * bool(lost)
        notes.append(f"{s.name} was read as numbers{marks}{became}")
        return numbers
    given = text.dropna().astype(str)
    dates = [d for d in _dates(given) if d.notna().all()] if len(given) else []
    dates = _evenest(dates) if len(dates) > 1 else dates
    if len(dates) > 1:
        notes.append(f"{s.name} may be day/month or month/day: it was left as text")
    if not dates and len(given) and (mixed := _mixed_dates(given)):
        dates, forms = mixed
        text.attrs["date_forms"] = forms
        if not dates:
            notes.append(f"{s.name} holds dates in several forms that cannot be told apart: it was left as text")
    if len(dates) != 1:
        return text
    when = dates[0].dt.tz_localize(None).reindex(s.index)
    when.attrs = dict(text.attrs)
    return when
