"""Which of several files a query is of, and which others it looks up: by the keys that fit."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from graphs.questions.query import Condition, DropDuplicates, Join, Keep, Query
from graphs.questions.reader import lexicon
from graphs.questions.reader.text import name_words, stem, words


def whole(question: str, tables: Sequence[Mapping[str, Any]]) -> Query | None:
    """The query of a question that asks for nothing but two files as one."""
    if len(tables) < 2 or not lexicon.found("join", question):
        return None
    main = _longest(tables)
    joins = [j for t in tables if t is not main and (j := _join(t)) is not None]
    return Query(intent="join", text=question, table=str(main["name"]), joins=tuple(joins[:1]))


def placed(query: Query, question: str, tables: Sequence[Mapping[str, Any]]) -> Query:
    """The query with its file, and with the others that hold columns which it names."""
    if len(tables) < 2 or query.table:
        return query
    text = json.dumps(query.model_dump(mode="json", exclude={"text", "notes", "unused"}), ensure_ascii=False)
    made, said = {str(getattr(s, "name", "")) for s in query.prepare}, [w.stem for w in words(question)]
    held = {str(t["name"]): {str(c["name"]) for c in t["columns"]} for t in tables}
    used = {c for own in held.values() for c in own - made if re.search(rf"(?<!\w){re.escape(c)}(?!\w)", text)}
    place = {name: _place(name, said) for name in held}  # where the question names a file
    whole, main = [t for t in tables if used <= held[str(t["name"])]], _longest(tables)
    own, first = held[str(main["name"])], str(main["name"])
    gaps = {w.left.strip("`") for w in query.where if isinstance(w, Condition) and w.op == "missing"}
    for there in (t for t in tables if any(c["name"] in gaps and not c.get("n_missing") for c in t["columns"])):
        for here in (t for t in tables if t is not there and all(_link(there, t))):  # of which it has no row
            (theirs, mine), name = _link(there, here), str(here["name"])
            join = Join(file=str(there["name"]), own=(mine,), theirs=(theirs,))
            return query.model_copy(update={"table": name, "joins": (join,)})
    counted = any(m.op in ("count", "share") and not m.of for m in query.measures) and place[first] < len(said)
    if query.having:  # rows are counted of what repeats, not where each stands once
        keys = {g.of.strip("`") for g in query.group_by}
        whole = [t for t in whole if not any(c["name"] in keys and _unique(c, t) for c in t["columns"])]
    if whole and not (counted and main not in whole and first == min(place, key=lambda n: place[n])):
        named = [t for t in whole if place[str(t["name"])] < len(said)]
        return query.model_copy(update={"table": str((named or [_longest(whole)])[0]["name"])})
    others = [t for t in tables if t is not main and (used - own) & held[str(t["name"])]]
    joins = [j for t in others if (j := _join(t)) is not None]
    if not joins or not used <= own.union(*(held[j.file] for j in joins)):
        return query
    notes = [f"Each row of {first} is looked up in {j.file} by {j.own[0]}: many to one." for j in joins]
    prepare, measured = query.prepare, {m.of.strip("`") for m in query.measures if m.of}
    if measured and not measured & own:
        kept = (Keep(where=query.where),) if query.where else ()
        prepare = (*prepare, *kept, DropDuplicates(columns=joins[0].own))
        notes.append(f"Each {joins[0].own[0]} counts once.")
    update = {"table": first, "joins": tuple(joins), "prepare": prepare, "notes": (*query.notes, *notes)}
    return query.model_copy(update=update)


def _join(table: Mapping[str, Any]) -> Join | None:
    """How a file is looked up, where one of its columns is a key for the longest."""
    own, theirs = table.get("fits") or ("", "")
    return Join(file=str(table["name"]), own=(str(own),), theirs=(str(theirs),)) if own else None


def _link(there: Mapping[str, Any], here: Mapping[str, Any]) -> tuple[str, str]:
    """The column of one file that names rows of another, and the other's own; two empty texts without one."""
    names = {str(c["name"]) for c in there["columns"]}
    same = next((str(c["name"]) for c in here["columns"] if _unique(c, here) and c["name"] in names), "")
    fits = here.get("fits") or (same, same)
    return str(fits[0]), str(fits[1])


def _unique(column: Mapping[str, Any], table: Mapping[str, Any]) -> bool:
    """Whether each row of a file has its own value."""
    return int(column.get("n_unique") or 0) >= int(table.get("rows") or 0) > 0


def _place(file: str, said: Sequence[str]) -> int:
    """Where a question's stems first have a word of a file's name; their number where they have none."""
    name = {stem(w) for w in name_words(file.rsplit(".", 1)[0])}
    return next((n for n, word in enumerate(said) if word in name), len(said))


def _longest(tables: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return max(tables, key=lambda t: int(t.get("rows") or 0))
