"""What a column is, by its values and its name."""

import re
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.naming import ID_NAME, ROW_NAME, WHO_NAME

UNIT_NAME = re.compile(
    r"^(subject|subj|participant|patient|person|individual|animal|respondent|student|pupil|child|mother|family|household|firm|plant|plot|tree|litter)$",
    re.I,
)
TIME_NAME = re.compile(r"(^|[_\s])(year|date|time|timestamp|month|quarter|week|day|hour|period|step|t)$", re.I)
GROUP_NAME = re.compile(
    r"(^|[_\s.])(race|ethnic\w*|religion|marital\w*|occupation|nationality|origin|region|sector|type|group|category|code|"
    r"mode|kind|inst(itution)?|site|cent(er|re)|clinic|ward|dep(t|artment)|district|county|state|country|city|brand|"
    r"species|breed|industry|colou?r|arm|trt|treatment)$",
    re.I,
)
"""What whole numbers only stand for: there is no order between them."""
YES_NO = (
    (r"yes|true|success\w*|succeeded", r"no|false|fail\w*"),
    (r"admit\w*|accept\w*", r"reject\w*|refus\w*|den\w*"),
    (r"n?surviv\w*|alive|lived?", r"n?died|dead|deaths?|perished"),
    (r"n?cases?", r"n?controls?"),
    (r"positives?|pos", r"negatives?|neg"),
    (r"cured|recovered|improved|responded|responders?", r"not_?\w+|uncured|unchanged|non_?responders?"),
    (r"passed|wins?|won", r"failed|loss(es)?|lost"),
)


def names(df: pd.DataFrame) -> list[str]:
    """The names of a table's columns, in order."""
    return [str(c) for c in df.columns]


def tells_times(name: str) -> bool:
    """Whether a column says by its name when something was measured: year, days, week."""
    return bool(TIME_NAME.search(name) or TIME_NAME.search(name.removesuffix("s")))


def is_text(s: pd.Series) -> bool:
    """True of a column that is neither number, nor truth value, nor time."""
    types = pd.api.types
    return not (types.is_numeric_dtype(s) or types.is_bool_dtype(s) or types.is_datetime64_any_dtype(s))


def kind_of(s: Any, levels: int | None = None) -> str:
    """What a column of so many different values is: constant, time, category, identifier, number or (free) text."""
    values, levels = s.dropna(), s.nunique() if levels is None else levels
    odd = max(3, len(values) // 1000)  # in a constant column of many rows so many may be others, each of its own
    if levels <= 1 or (len(values) >= 500 and levels <= odd + 1 and (values != values.mode().iloc[0]).sum() <= odd):
        return "constant"
    if pd.api.types.is_datetime64_any_dtype(s):
        return "time"
    if levels == 2 or pd.api.types.is_bool_dtype(s):
        return "category"
    whole = is_text(s) or bool((values == np.floor(values)).all())
    unique, name = levels == len(values), str(s.name)
    counted = unique and len(values) >= 4 and not is_text(s) and bool(ROW_NAME.search(name))
    if counted and values.iloc[0] in (0, 1) and bool((values.diff().iloc[1:] == 1).all()):  # the rows' own numbers
        return "identifier"
    equally = whole and levels >= 5 and not unique and values.value_counts().nunique() == 1
    if equally and (ID_NAME.search(name) or UNIT_NAME.search(name)):
        return "identifier"  # whoever was measured, each equally often
    if whole and levels > 20 and (ID_NAME.search(name) or (WHO_NAME.fullmatch(name) and not is_text(s))):
        return "identifier"
    if is_text(s):
        texts = values.astype(str).str
        if unique and len(values) >= 20 and texts.count(" ").mean() < 2 and texts.len().max() <= 40:
            return "identifier"
        return "category" if levels <= max(20, min(50, len(values) / 5)) else "text"
    if whole and levels <= 8 and levels <= len(values) / 10 and GROUP_NAME.search(name):
        return "category"
    span = values.max() - values.min()
    numbered = span < 3 * len(values) or re.search(r"code?$", name, re.I)
    if whole and unique and len(values) >= 20 and numbered and not TIME_NAME.search(name):
        return "identifier"
    counted = levels >= max(50, 0.8 * len(values)) and levels > 0.9 * span  # hardly a number of a stretch is left out
    if whole and counted and not TIME_NAME.search(name):
        return "identifier"
    return "number"


def yes_level(levels: Any) -> Any:
    """Of two levels the one that says yes (admitted, not rejected); the second in order where neither does."""
    first, second = sorted(levels, key=str)
    said = str(first).strip(), str(second).strip()
    turned = any(re.fullmatch(yes, said[0], re.I) and re.fullmatch(no, said[1], re.I) for yes, no in YES_NO)
    return first if turned else second


def speaks_of_yes(levels: Any) -> bool:
    """Whether two levels are those of an outcome, such as admitted and rejected, or 1 and 0."""
    said = sorted(str(v).strip().lower() for v in levels)
    pairs = [(x, y) for x, y in (said, said[::-1])] if len(said) == 2 else []
    return said in (["0", "1"], ["0.0", "1.0"]) or any(
        re.fullmatch(yes, x, re.I) and re.fullmatch(no, y, re.I) for x, y in pairs for yes, no in YES_NO
    )
