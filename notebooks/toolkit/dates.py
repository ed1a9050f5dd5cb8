"""Dates as people write them: days, weeks, quarters and years, as text or as numbers."""

import re
from typing import Any

import pandas as pd

YEAR_NAME = re.compile(r"(^|[_\s.])(years?|yr|jahr|anno|time)$", re.I)
DATE_FORMS = (
    (r"\d{4}-\d\d-\d\d([T ].*)?", "ISO8601"),
    (r"\d{4}-\d\d-\d\d(?=.*[AaPp][Mm])", "%Y-%m-%d"),
    (r"\d{4}-\d\d", "%Y-%m"),
    (r"\d{4}/\d\d?/\d\d?", "%Y/%m/%d"),
    (r"(19|20)\d\d\.\d\d?\.\d\d?", "%Y.%m.%d"),
    (r"(19|20)\d\dM\d\d", "%YM%m"),
    (r"\d\d?/(19|20)\d\d", "%m/%Y"),
    (r"\d\d?\.\d\d?\.\d{4}", "%d.%m.%Y"),
    (r"\d\d?/\d\d?/\d{4}", "%d/%m/%Y"),
    (r"\d\d?/\d\d?/\d{4}", "%m/%d/%Y"),
    (r"\d\d?-\d\d?-\d{4}", "%d-%m-%Y"),
    (r"\d\d?-\d\d?-\d{4}", "%m-%d-%Y"),
    (r"\d\d?\.\d\d?\.\d\d", "%d.%m.%y"),
    (r"\d\d?/\d\d?/\d\d", "%d/%m/%y"),
    (r"\d\d?/\d\d?/\d\d", "%m/%d/%y"),
    (r"\d\d?[ -][A-Za-z]{3}[ -]\d{4}", "%d %b %Y"),
    (r"\d\d?[ -][A-Za-z]{3,}[ -]\d{4}", "%d %B %Y"),
    (r"\d\d?[ -][A-Za-z]{3}[ -]\d\d", "%d %b %y"),
    (r"[A-Za-z]{3} \d\d?,? \d{4}", "%b %d %Y"),
    (r"[A-Za-z]{3,} \d\d?,? \d{4}", "%B %d %Y"),
    (r"[A-Za-z]{3}[ -]\d{4}", "%b %Y"),
    (r"[A-Za-z]{3,}[ -]\d{4}", "%B %Y"),
    (r"[A-Za-z]{3}[ -]\d\d", "%b %y"),
    (r"\d{4}-?W\d\d", "week"),
    (r"\d{4}[ -]?Q[1-4]|Q[1-4][ -]\d{4}", "quarter"),
)
CLOCK_FORMS = (
    ("", ""),
    (r" \d\d?:\d\d", " %H:%M"),
    (r" \d\d?:\d\d:\d\d", " %H:%M:%S"),
    (r" \d\d?:\d\d ?[AaPp][Mm]", " %I:%M %p"),
    (r" \d\d?:\d\d:\d\d ?[AaPp][Mm]", " %I:%M:%S %p"),
)


def _years(s: pd.Series) -> Any:
    """A column of years, one a row, as dates: 1871 or, by months or quarters, 1959.083; None for anything else."""
    values = s.dropna()
    if len(values) < 8 or not YEAR_NAME.search(str(s.name)) or not values.is_unique or pd.api.types.is_bool_dtype(s):
        return None
    if not values.between(1500, 2200).all():
        return None
    step = float(values.sort_values().diff().median())
    steps = next((k for k in (1, 4, 12) if abs(step * k - 1) < 0.05), 0)
    if not steps or (values * steps - (values * steps).round()).abs().max() > 0.1:
        return None
    places = (s * steps).round()
    year, part = places // steps, places % steps * (12 // steps) + 1
    parts = pd.DataFrame({"year": year, "month": part, "day": part * 0 + 1})
    return pd.to_datetime(parts.dropna().astype(int)).reindex(s.index)


def _dates(given: pd.Series) -> list[Any]:
    """A column of text read as dates, in each of the common forms that all its values have (times in UTC)."""
    parsed = list[Any]()
    for pattern, form in DATE_FORMS:
        for clock, tail in CLOCK_FORMS if form not in ("ISO8601", "week", "quarter") else CLOCK_FORMS[:1]:
            if (
                not re.fullmatch(pattern + clock, given.iloc[0])
                or not given.str.fullmatch(f"(?:{pattern}){clock}").all()
            ):
                continue
            if form == "quarter":
                year, part = given.str.extract(r"(\d{4})")[0], given.str.extract(r"Q(\d)")[0].astype(int)
                plain, how = year + "-" + (3 * part - 2).astype(str), "%Y-%m"
            elif form == "week":
                plain, how = given.str.replace("-", "") + "1", "%GW%V%u"
            else:
                plain, how = given, form + tail
                if re.search("%[bB]", form):
                    plain = given.str.replace(r"(?<=\w)[-,]+ ?(?=\w)", " ", regex=True)
                if how.endswith("%p"):
                    plain = plain.str.replace(r"(?<=\d)(?=[AaPp][Mm]$)", " ", regex=True)
            dates = pd.to_datetime(plain, format=how, errors="coerce", utc=True)
            if not any(dates.equals(others) for others in parsed):  # May is May, in short and in full
                parsed.append(dates)
    return parsed


def _mixed_dates(given: pd.Series) -> tuple[list[Any], dict[str, Any]] | None:
    """A column of text whose days are written in several forms: its one reading, and how many values have which form.

    There is no reading, and `unsure` names what is open, where the values of one form can be read in two ways or, each
    by itself, in different ones. None where a value has no form of a day at all.
    """
    days = dict.fromkeys(pattern for pattern, form in DATE_FORMS if form == "ISO8601" or re.search("%d", form))
    forms = [f"(?:{pattern}){clock}" for pattern in days for clock, _ in CLOCK_FORMS]
    if not any(re.fullmatch(form, given.iloc[0]) for form in forms):
        return None
    left, read, told, unsure = given, list[Any](), dict[str, int](), ""
    for form in forms:
        fits = left.str.fullmatch(form)
        if not fits.any():
            continue
        some, left = left[fits], left[~fits]
        told[some.iloc[0]] = len(some)
        readings = _dates(some)
        whole = [dates for dates in readings if dates.notna().all()]
        if not whole and pd.concat(readings, axis=1).isna().all(axis=1).any():  # 2024-13-45 is no day
            return None
        unsure = unsure or ("" if len(whole) == 1 else str(some.iloc[0]))
        read += whole[:1]
        if left.empty:
            break
    if len(left) or (len(told) < 2 and not unsure):
        return None
    return ([] if unsure else [pd.concat(read).reindex(given.index)]), {"told": told, "unsure": unsure}


def _evenest(readings: list[Any]) -> list[Any]:
    """Of several readings of dates the one by which the rows follow one another in even steps, if only one does."""
    even = []
    for dates in readings:
        steps = dates.diff().iloc[1:].dt.total_seconds()
        if len(steps) >= 8 and ((steps > 0).all() or (steps < 0).all()):
            even += [dates] * bool((steps / steps.median()).between(0.5, 2).mean() > 0.9)
    return even if len(even) == 1 else readings


def _dates_in_numbers(s: pd.Series) -> pd.Series | None:
    """Dates written as whole numbers: 20090131, or seconds or milliseconds since 1970 that fall on whole minutes."""
    whole = s.dropna()
    if len(whole) < 10 or whole.min() < 19_000_101 or pd.api.types.is_bool_dtype(s) or not (whole % 1 == 0).all():
        return None
    if whole.nunique() < 10:
        return None
    dates = None
    if whole.between(19_000_101, 21_001_231).all():
        dates = pd.to_datetime(whole.astype("int64").astype(str), format="%Y%m%d", errors="coerce")
    for size in (1, 1000):
        if whole.between(3e8 * size, 4.1e9 * size).all() and (whole % (60 * size) == 0).all():
            dates = pd.to_datetime(whole.astype("int64") // size, unit="s")
    return dates.reindex(s.index) if dates is not None and dates.notna().all() else None
