"""The column by which rows of one table are looked up in another."""

import re

import pandas as pd

from notebooks.toolkit.columns import is_text, names
from notebooks.toolkit.naming import ID_NAME


def keyed(values: pd.Series) -> pd.Series:
    """A key as plain text: without case, signs, leading noughts and a beginning that all values share (C-0012 = 12)."""
    whole = pd.api.types.is_float_dtype(values) and bool((values.dropna() % 1 == 0).all())
    given = (values.astype("Int64") if whole else values).astype("string").str.casefold()
    text = given.str.replace(r"[\W_]+", "", regex=True)
    parts = text.str.extract(r"^([a-z]*)0*(\d+)$")
    shared = parts[1].notna().sum() == text.notna().sum() and parts[0].nunique() == 1
    return parts[1] if shared else text


def key_that_fits(left: pd.DataFrame, right: pd.DataFrame) -> tuple[str, str] | None:
    """The column of each of two tables on which the second can be looked up for rows of the first; None without one.

    It is found by its values, at least 40 % of the first's being among the second's, most of which stand there once.
    Names count where values alone could agree by chance: columns without a name in common need 90 %, and whole numbers
    also that half of the second's are used.
    """

    def can_be(s: pd.Series) -> bool:
        kinds = pd.api.types
        plain = not (kinds.is_bool_dtype(s) or kinds.is_datetime64_any_dtype(s))
        return plain and s.nunique() >= 3 and (is_text(s) or bool((s.dropna() % 1 == 0).all()))

    def words(name: str) -> set[str]:
        parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).casefold()
        return set(re.findall(r"[^\W\d_]{2,}", parted)) - {"id", "key"}

    mine = {c: keyed(left[c]).dropna() for c in names(left) if can_be(left[c])}
    theirs = {c: keyed(right[c]).dropna() for c in names(right) if can_be(right[c])}
    fits = []
    for b, keys in theirs.items():
        if len(keys) == 0 or keys.nunique() < 0.5 * len(keys):
            continue
        for a, values in mine.items():
            share = float(values.isin(keys.unique()).mean()) if len(values) else 0.0
            alike = 1.0 if a == b else 0.9 if words(a) & words(b) else 0.7
            alike = max(alike, 0.8 * bool(ID_NAME.search(a) or ID_NAME.search(b)))
            used = float(keys.drop_duplicates().isin(values.unique()).mean())
            counted = not is_text(left[a]) and not is_text(right[b])
            if alike < 0.9 and (share < 0.9 or (counted and (used < 0.5 or keys.nunique() < 20))):
                continue
            if share >= 0.4:
                fits.append((share * alike, a == b, a, b))
    return max(fits)[2:] if fits else None
