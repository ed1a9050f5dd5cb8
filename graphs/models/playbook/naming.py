"""What the words in a column's name tell of it: that it is a date, a name of rows, a sort of thing, a mark."""

from __future__ import annotations

from graphs.models.playbook import vocabulary as known
from graphs.models.playbook.items import measured_as, parts, root

DATED = ("date", "day", "time", "timestamp", "datetime", "month", "week", "at", "on")
HAPPENED = frozenset(
    root(w)
    for w in (
        *DATED,
        "year",
        "quarter",
        "hour",
        "order",
        "sale",
        "transaction",
        "purchase",
        "event",
        "visit",
        "booking",
    )
) | {root(w) for w in ("trip", "invoice", "session", "payment", "record", "game", "flight", "period", "created")}
LEVEL_WORDS = ("score", "scores", "rating", "ratings", "level", "levels")
LEVELS = {root(w) for w in ("name", "title", "type", "method", "category", "kind", "class", "label", "code", "group")}
LABELS = {
    *known.GRAINS,
    "season",
    "grade",
    "class",
    "level",
    "group",
    "floor",
    "cluster",
    "zone",
    "tier",
    "stage",
    "id",
}
KINDS = frozenset(
    ("species", "type", "kind", "breed", "variety", "category", "genre", "model", "class", "style", "sort")
)
NO_COUNT = {*known.GOOD, *known.GRAINS, "minutes", "seconds", "hours", "min", "status", "age", "scores", "ratings"}
NAMES = ("name", "title", "model", "label", "product", "item")
DONE = (
    "sent",
    "sold",
    "scored",
    "made",
    "used",
    "produced",
    "received",
    "delivered",
    "visited",
    "borrowed",
    "returned",
)
DAY_PARTS = ("mornings", "afternoons", "evenings", "nights", "middays", "noons", "lunchtimes", "weekends")
_TAKEN = frozenset(("time", "duration", "latency", "elapsed", "days", "hours", "minutes", "seconds", "delay", "wait"))


def backwards(name: str) -> bool:
    """Whether a column holds how long something took, so that the fastest has the least of it."""
    words = set(parts(name))
    return not words & {"speed", "velocity", "per"} and (bool(words & _TAKEN) or measured_as(name, ["duration"]))
