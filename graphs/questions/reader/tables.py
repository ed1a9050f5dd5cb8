"""Which of several files a query is of, and which others it looks up: by the keys that fit."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from graphs.questions.query import Condition, DropDuplicates, Join, Keep, Query, Step
from graphs.questions.reader.text import name_words, stem, words

_JOIN = r"^\W*(?:please )?(?:join|merge|combine|link|look up)\b"


def whole(question: str, tables: Sequence[Mapping[str, Any]]) -> Query | None:
    """The query of a question that asks for nothing but two files as one."""
    if len(tables) < 2 or not re.search(_JOIN, question, re.I):
        return None
    main = _longest(tables)
    joins = [j for t in tables if t is not main and (j := _join(t)) is not None]
    return Query(intent="join", text=question, table=str(main["name"]), joins=tuple(joins[:1]))


def placed(query: Query, question: str, tables: Sequence[Mapping[str, Any]]) -> Query:
    """The query with its file, and with the others that hold columns which it names."""
    if len(tables) < 2 or query.table:
        return query
    said = json.dumps(query.model_dump(mode="json", exclude={"text", "notes", "unused"}), ensure_ascii=False)
    made = {str(getattr(s, "name", "")) for s in query.prepare}
    held = {str(t["name"]): {str(c["name"]) for c in t["columns"]} for t in tables}
    used = {c for names in held.values() for c in names if c not in made and _named(c, said)}
    spoken = {w.stem for w in words(question)}
    whole = [t for t in tables if used <= held[str(t["name"])]]
    main = _longest(tables)
    for lost in (w for w in query.where if isinstance(w, Condition) and w.op == "missing"):
        there = next((t for t in tables if lost.left.strip("`") in held[str(t["name"])]), main)
        here = next((t for t in tables if t is not there and all(_link(there, t))), None)
        if here and any(c["name"] == lost.left.strip("`") and not c.get("n_missing") for c in there["columns"]):
            link = _link(there, here)
            join = Join(file=str(there["name"]), own=(link[1],), theirs=(link[0],))
            return query.model_copy(update={"table": str(here["name"]), "joins": (join,)})
    counted = any(m.op in ("count", "share") and not m.of for m in query.measures) and _spoken(main, spoken)
    if query.having:  # rows are counted of what repeats, not where each stands once
        keys = {g.of.strip("`") for g in query.group_by}
        whole = [t for t in whole if not any(c["name"] in keys and _unique(c, t) for c in t["columns"])]
    if whole and not (counted and main not in whole and main["name"] == _first(tables, question)):
        named = [t for t in whole if _spoken(t, spoken)]
        return query.model_copy(update={"table": str((named or [_longest(whole)])[0]["name"])})
    others = [t for t in tables if t is not main and (used - held[str(main["name"])]) & held[str(t["name"])]]
    joins = [j for t in others if (j := _join(t)) is not None]
    reach = held[str(main["name"])].union(*(held[j.file] for j in joins))
    if not joins or not used <= reach:
        return query
    notes = [f"Each row of {main['name']} is looked up in {j.file} by {j.own[0]}: many to one." for j in joins]
    own = held[str(main["name"])]
    measured = [m.of.strip("`") for m in query.measures if m.of]
    prepare: tuple[Step, ...] = query.prepare
    if measured and not set(measured) & own and len(joins) == 1:
        kept: tuple[Step, ...] = (Keep(where=query.where),) if query.where else ()
        prepare = (*query.prepare, *kept, DropDuplicates(columns=joins[0].own))
        notes.append(f"Each {joins[0].own[0]} counts once.")
    update = {"table": str(main["name"]), "joins": tuple(joins), "prepare": prepare, "notes": (*query.notes, *notes)}
    return query.model_copy(update=update)


def _join(table: Mapping[str, Any]) -> Join | None:
    """How a file is looked up, where one of its columns is a key for the longest."""
    if not table.get("fits"):
        return None
    own, theirs = table["fits"]
    return Join(file=str(table["name"]), own=(str(own),), theirs=(str(theirs),))


def _link(there: Mapping[str, Any], here: Mapping[str, Any]) -> tuple[str, str]:
    """The column of one file that names rows of another, and the other's own; two empty texts without one."""
    names = [str(c["name"]) for c in here["columns"] if _unique(c, here)]
    same = next((n for n in names if n in {c["name"] for c in there["columns"]}), "")
    fits = here.get("fits") or (same, same)
    return str(fits[0]), str(fits[1])


def _unique(column: Mapping[str, Any], table: Mapping[str, Any]) -> bool:
    """Whether each row of a file has its own value."""
    return int(column.get("n_unique") or 0) >= int(table.get("rows") or 0) > 0


def _spoken(table: Mapping[str, Any], spoken: set[str]) -> bool:
    """Whether the question has a word of the file's name."""
    return bool({stem(w) for w in name_words(_plain(table))} & spoken)


def _first(tables: Sequence[Mapping[str, Any]], question: str) -> str:
    """The file whose name the question has first."""
    said = [w.stem for w in words(question)]
    places = {str(t["name"]): [said.index(stem(w)) for w in name_words(_plain(t)) if stem(w) in said] for t in tables}
    return min((name for name in places if places[name]), key=lambda n: min(places[n]), default="")


def _longest(tables: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return max(tables, key=lambda t: int(t.get("rows") or 0))


def _plain(table: Mapping[str, Any]) -> str:
    return str(table["name"]).rsplit(".", 1)[0]


def _named(column: str, said: str) -> bool:
    return bool(re.search(rf"(?<!\w){re.escape(column)}(?!\w)", said))
