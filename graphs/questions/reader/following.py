"""A fragment that changes the query before it: "only females", "as a median", "by island", "what about 2008"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphs.questions.query import Chart, Condition, Group, Query

if TYPE_CHECKING:
    from graphs.questions.reader.assembling import Draft


def follow(draft: Draft, previous: Query) -> Query | None:
    """The last query as the fragment changes it; None where the question stands by itself."""
    base = draft.base()
    stats = [s.split() for a in draft.asks for s in a.stats]
    kinds = {k for a in draft.asks for k in a.kinds}
    if draft.spoken() or any(a.counts or a.relation for a in draft.asks) or kinds & set("OHFALW"):
        return None
    update: dict[str, Any] = {"text": base.text, "unused": base.unused, "notes": base.notes}
    if base.where:
        said = {w.left for w in base.where if isinstance(w, Condition)}
        kept = [w for w in previous.where if not (isinstance(w, Condition) and w.left in said)]
        update["where"] = (*kept, *base.where)
    if base.group_by:
        update |= _grouped(base.group_by, previous)
    if stats:
        op, *p = stats[0]
        new = {"op": op, "p": float(p[0]) if p else None, "name": ""}
        update["measures"] = tuple(m.model_copy(update=new) for m in previous.measures if m.of)
    if "g" in kinds:
        groups = base.group_by or previous.group_by
        update |= {"intent": "plot", "chart": Chart(x=groups[0].of if groups else None)}
    if len(update) == 3 or update.get("measures") == ():
        return None
    return previous.model_copy(update=update)


def _grouped(groups: tuple[Group, ...], previous: Query) -> dict[str, Any]:
    """Other groups of the same query. In a chart they stand along the axis, or colour points of two numbers."""
    chart = previous.chart
    if chart is None:
        return {"group_by": groups}
    of = [g.of for g in groups]
    if chart.kind == "scatter":
        return {"chart": chart.model_copy(update={"colour": of[0]})}
    return {"group_by": groups, "chart": chart.model_copy(update={"x": of[0], "colour": of[1] if of[1:] else None})}
