"""One level written in several ways, and days written in several forms."""

import re
import unicodedata
from typing import Any

from notebooks.toolkit.columns import is_text, names
from notebooks.toolkit.table import Table, trap
from notebooks.toolkit.wording import say


def _tell_date_forms(table: Table, forms: dict[str, dict[str, Any]]) -> None:
    """Say of which columns the days are written in several forms, and whether they could be read all the same."""
    for name, found in forms.items():
        listed = ", ".join(f"{count:,} like {example}" for example, count in found["told"].items())
        end = (
            f"{found['unsure']} may be day/month or month/day, so it was left as text: write all of them as 2024-01-31."
            if found["unsure"]
            else "each form can be read in one way only, so all are dates."
        )
        text = f"{say(name)} writes its days in more than one way ({listed}); {end}"
        table.log.append(text)
        rows = sum(found["told"].values())
        table.traps.append(trap("inconsistent_categories", text, [name], rows, high=True))


def _spelling(level: str) -> str:
    """A level without what people write in many ways: case, outer spaces, a last full stop, signs beside a letter.

    A sign that ends a level or stands before it means something (A+ and A-, C and C#, >5), and so does one between two
    digits (1-5 is not 15).
    """
    plain = " ".join(unicodedata.normalize("NFKC", level).casefold().split()).rstrip(".,;:!").strip()
    return re.sub(r"(?<=[^\W\d_])[\s_.'’-]+(?=\w)|(?<=\w)[\s_.'’-]+(?=[^\W\d_])", "", plain) or level


def _merge_spellings(table: Table) -> None:
    """Merge levels that are the same but for the way they are written, under their commonest tidy spelling."""
    for name in [c for c in names(table.df) if is_text(table.df[c]) and table.levels(c) <= 200]:
        counts = table.df[name].value_counts().sort_index()
        spellings: dict[str, list[str]] = {}
        for level in counts.index:
            spellings.setdefault(_spelling(str(level)), []).append(level)
        best = {key: max(group, key=lambda v: (v == v.strip(), counts[v], v)) for key, group in spellings.items()}
        merged = {level: best[key] for key, group in spellings.items() for level in group}
        changed = int(sum(counts[a] for a, b in merged.items() if a != b))
        if changed:
            table.put(name, table.df[name].map(merged, na_action="ignore"))
            shown = "; ".join(" = ".join(repr(v) for v in g) for g in spellings.values() if len(g) > 1)
            text = f"{say(name)} spells the same level in several ways ({shown}): {changed:,} values were merged."
            table.log.append(text)
            table.traps.append(trap("inconsistent_categories", text, [name], changed, high=True))
