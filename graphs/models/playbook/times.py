"""Times in a question: days, months, quarters, years and weekdays, with or without their year."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from graphs.models.playbook import vocabulary as known
from graphs.models.playbook.items import Item


def times_at(texts: Sequence[str], i: int, dated: bool) -> Iterator[tuple[int, Item | None]]:
    """The times that begin at a word, each with the number of its words; `dated` tables alone have bare years."""
    low = [t.lower() for t in texts[i : i + 4]] + [""] * 4
    before = texts[i - 1].lower() if i else ""
    year = re.fullmatch(r"(1[5-9]|20)\d\d", low[0])
    if re.fullmatch(r"\d{4}-\d\d?(-\d\d?)?", low[0]):
        yield 1, Item("T", texts[i], "-".join(p.zfill(2) for p in low[0].split("-")))
    month = next((m for m, name in enumerate(known.MONTHS, 1) if low[0] in (name, name[:3], f"{name[:3]}.")), 0)
    sure = texts[i][:1].isupper() and i > 0
    sure = sure or before in ("in", "since", "during", "between", "until", "from")
    sure = sure or bool(re.fullmatch(r"(1[5-9]|20)\d\d", low[1]))
    doubtful = low[0] in ("may", "march", "mar", "jan", "dec", "sun") and not sure
    if month and not doubtful:
        day = re.fullmatch(r"(\d\d?)(st|nd|rd|th)?", low[1])
        if re.fullmatch(r"(1[5-9]|20)\d\d", low[1]):
            yield 2, Item("T", " ".join(texts[i : i + 2]), f"{low[1]}-{month:02d}")
        elif day and re.fullmatch(r"(1[5-9]|20)\d\d", low[2]):
            yield 3, Item("T", " ".join(texts[i : i + 3]), f"{low[2]}-{month:02d}-{int(day[1]):02d}")
        elif day and low[2] == "," and re.fullmatch(r"(1[5-9]|20)\d\d", low[3]):
            yield 4, Item("T", " ".join(texts[i : i + 4]), f"{low[3]}-{month:02d}-{int(day[1]):02d}")
        else:
            yield 1, Item("T", texts[i], f"month {month}")
    if low[0] in known.ORDINALS and low[1] == "quarter":
        of = 1 if low[2] in ("of", "in") else 0
        if re.fullmatch(r"(1[5-9]|20)\d\d", low[2 + of]):
            yield 3 + of, Item("T", " ".join(texts[i : i + 3 + of]), f"{low[2 + of]}-Q{known.ORDINALS[low[0]]}")
        elif known.ORDINALS[low[0]] <= 4:
            yield 2, Item("T", " ".join(texts[i : i + 2]), f"quarter {known.ORDINALS[low[0]]}")
    quarter = re.fullmatch(r"q([1-4])", low[0])
    if quarter:
        if re.fullmatch(r"(1[5-9]|20)\d\d", low[1]):
            yield 2, Item("T", " ".join(texts[i : i + 2]), f"{low[1]}-Q{quarter[1]}")
        else:
            yield 1, Item("T", texts[i], f"quarter {quarter[1]}")
    singular = low[0].removesuffix("s")
    if singular in known.WEEKDAYS:
        yield 1, Item("T", texts[i], f"weekday {known.WEEKDAYS.index(singular)}")
    if singular == "weekend":
        yield 1, Item("T", texts[i], "weekend")
    if (
        year
        and dated
        and (
            before in ("in", "since", "during", "of", "for", "until", "before", "after", "from", "to")
            or before in ("and", "between", "year", "by", "through", "till")
        )
    ):
        yield 1, Item("T", texts[i], low[0])
